"""Wrong requests about products, their versions, declarations and documents, and about needs."""

from typing import Any

from services.chassis.values import seed_id
from tests.catalog.bad import Case

ALSTAHAUG, VEFSN = "938712441", "844824122"
FJORDVAKT, NORDLYS, HAVORN, EDITOR = "100000016", "100000024", "100000032", "100000008"
PLATFORM = "velferdsteknologi-trygghetsplattform"
SERVICE = "velferdsteknologi-trygghetstjeneste"
NEED = f"/needs/{seed_id('need:trygghetstjeneste-helgeland')}"
MET = f"/needs/{seed_id('need:digital-nokkel-alstahaug')}"
DOCUMENTS = "/products/havorn-alarm/documents"
CONCEPT = f"/products/fjordvakt-alarm/documents/{seed_id('document:concept')}"
DECLARATION = f"/products/havorn-alarm/declarations/{seed_id(f'declaration:havorn-alarm:{SERVICE}:1.0')}"
PATCH = "application/merge-patch+json"
ANY = {"If-Match": "*"}
PRODUCT: dict[str, Any] = {
    "slug": "ny",
    "name": {"nb": "Ny"},
    "component": PLATFORM,
    "delivery_forms": ["saas"],
    "version": "1",
}
WANTED: dict[str, Any] = {"title": {"nb": "Behov"}, "area": "other"}
UPLOAD = {"type": "dpia", "title": "DPIA", "file_name": "dpia.pdf"}
PDF = b"%PDF-1.7\n"


def product(case: str, problem: str, status: int = 422, pointer: str | None = None, **change: Any) -> Case:
    body = {key: value for key, value in (PRODUCT | change).items() if value is not None}
    return Case(case, "POST", "/products", problem, status, body, HAVORN, pointer=pointer)


def patch(case: str, problem: str, status: int, body: Any, **more: Any) -> Case:
    sent: dict[str, Any] = {"organisation": HAVORN, "headers": ANY, "media": PATCH} | more
    return Case(case, "PATCH", "/products/havorn-alarm", problem, status, body, **sent)


def version(case: str, problem: str, status: int, body: Any, pointer: str | None = None) -> Case:
    return Case(case, "POST", "/products/havorn-alarm/versions", problem, status, body, HAVORN, pointer=pointer)


def declare(case: str, problem: str, status: int, pointer: str | None = None, **body: Any) -> Case:
    new = {"specification": "velferdsteknologi-datautveksling", "version": "1.0"} | body
    return Case(case, "POST", "/products/havorn-alarm/declarations", problem, status, new, HAVORN, pointer=pointer)


def upload(case: str, problem: str, status: int, content: bytes, media: str = "application/pdf", **more: Any) -> Case:
    sent: dict[str, Any] = {"organisation": HAVORN, "query": UPLOAD} | more
    return Case(case, "POST", DOCUMENTS, problem, status, content=content, media=media, **sent)


def need(case: str, problem: str, status: int = 422, pointer: str | None = None, **change: Any) -> Case:
    return Case(case, "POST", "/needs", problem, status, WANTED | change, pointer=pointer)


CASES = [
    # Products
    product("a product for nothing", "nothing-offered", pointer="#/component", component=None),
    product("a product for an unknown component", "component-unknown", component="finnes-ikke"),
    product("a component twice", "component-repeated", further_components=[PLATFORM]),
    product("a country that is none", "country-unknown", hosting_countries={"saas": "XX"}),
    product("a country in lower case", "invalid-request", hosting_countries={"saas": "no"}),
    product("a country by a longer code", "invalid-request", hosting_countries={"saas": "NOR"}),
    product(
        "a country for a form that is not offered", "hosting-without-form", hosting_countries={"on_premises": "NO"}
    ),
    product("a form that does not exist", "invalid-request", delivery_forms=["disk"]),
    product("no delivery form", "invalid-request", delivery_forms=[]),
    product("a slug that is taken", "product-slug-taken", 409, slug="havorn-alarm"),
    product("a slug with capitals", "invalid-request", slug="Havørn"),
    product("a name in no language", "invalid-request", name={}),
    product("a field that does not exist", "invalid-request", certified=True),
    product("an unknown specification", "specification-unknown", declares=[{"specification": "x", "version": "1"}]),
    product("a NUL in the name", "value-unusable", 400, name={"nb": "a\u0000b"}),
    product("for another supplier, as a supplier", "on-behalf-by-public-bodies-only", 403, supplier=NORDLYS),
    Case(
        "for a supplier that is none", "POST", "/products", "supplier-unknown", 422, PRODUCT | {"supplier": ALSTAHAUG}
    ),
    Case("a product without a token", "POST", "/products", "token-missing", 401, PRODUCT, None),
    Case("a product without the scope", "POST", "/products", "scope-missing", 403, PRODUCT, HAVORN, ()),
    Case("a product of nobody", "POST", "/products", "not-registered", 403, PRODUCT, "987654325"),
    patch("a change without If-Match", "if-match-missing", 428, {"version": "1.3"}, headers={}),
    patch("a change of what has changed", "stale", 412, {"version": "1.3"}, headers={"If-Match": '"99"'}),
    patch("a change by another supplier", "not-your-product", 403, {"version": "1.3"}, organisation=FJORDVAKT),
    patch("a change by a municipality", "not-your-product", 403, {"version": "1.3"}, organisation=ALSTAHAUG),
    patch("a change without a reason", "reason-missing", 422, {"hosting_countries": {"saas": "NO"}}),
    patch("a change to an unknown version", "version-unknown", 422, {"version": "7"}, pointer="#/version"),
    patch("a change that leaves no name", "invalid-request", 422, {"name": {"nb": None, "nn": None, "en": None}}),
    patch("a change of the slug", "invalid-request", 422, {"slug": "annet"}),
    patch("a product given away", "supplier-fixed", 422, {"supplier": NORDLYS, "reason": "Solgt"}),
    Case(
        "a change before the take-over",
        "PATCH",
        "/products/nordlys-dorlas",
        "take-over-first",
        403,
        {"name": {"nb": "X"}},
        NORDLYS,
        headers=ANY,
        media=PATCH,
    ),
    Case(
        "another's product taken over",
        "POST",
        "/products/nordlys-dorlas/take-over",
        "not-the-supplier",
        403,
        None,
        HAVORN,
    ),
    Case(
        "taken over by the registrar",
        "POST",
        "/products/nordlys-dorlas/take-over",
        "not-the-supplier",
        403,
        None,
        ALSTAHAUG,
    ),
    Case("one's own taken over", "POST", "/products/havorn-alarm/take-over", "nothing-to-take-over", 409, None, HAVORN),
    Case(
        "a rejection of nothing",
        "POST",
        "/products/nordlys-dorlas/reject-take-over",
        "no-take-over",
        409,
        {"reason": "X"},
        EDITOR,
        ("catalog.admin",),
    ),
    Case("a product that is not there", "GET", "/products/finnes-ikke", "product-not-found", 404),
    Case("a batch of what is no slug", "GET", "/products", "invalid-request", 422, query={"slug": "Ikke Slug"}),
    Case("a cursor of one's own", "GET", "/products", "cursor-malformed", 400, query={"after": "abc"}),
    # Versions
    version("a version twice", "version-label-taken", 409, {"label": "1.4"}),
    version(
        "a version that replaces itself", "replaces-itself", 422, {"label": "2", "replaced_by": "2"}, "#/replaced_by"
    ),
    version("a version replaced by none", "replacement-unknown", 422, {"label": "2", "replaced_by": "9"}),
    version(
        "support that ends before the release",
        "dates-out-of-order",
        422,
        {"label": "2", "released_on": "2027-01-01", "support_ends_on": "2026-01-01"},
        "#/support_ends_on",
    ),
    version("a version without a label", "invalid-request", 422, {"label": ""}),
    Case("a version that is not there", "GET", "/products/havorn-alarm/versions/9", "product-version-not-found", 404),
    # Declarations
    declare("a declaration of an unknown version", "declared-version-unknown", 422, "#/version", version="9"),
    declare("a declaration twice", "already-declared", 409, specification=SERVICE),
    declare(
        "an answer to no requirement",
        "answer-for-unknown-requirement",
        422,
        "#/answers/0/requirement",
        answers=[{"requirement": "VT9-01", "answer": "met"}],
    ),
    declare(
        "a requirement answered twice",
        "answered-twice",
        422,
        "#/answers/1/requirement",
        answers=[{"requirement": "VT1-01", "answer": "met"}] * 2,
    ),
    declare(
        "in part without a comment",
        "comment-missing",
        422,
        "#/answers/0/comment",
        answers=[{"requirement": "VT1-01", "answer": "partly"}],
    ),
    Case(
        "another's declaration withdrawn",
        "POST",
        f"{DECLARATION}/withdraw",
        "not-your-product",
        403,
        {"reason": "X"},
        FJORDVAKT,
    ),
    # Documents
    upload("a page that runs in a browser", "media-type-not-taken", 415, b"<script>", "text/html"),
    upload("a document of no kind", "content-mismatch", 422, b"tekst"),
    upload("an empty document", "content-missing", 422, b""),
    upload("a document that is too large", "document-too-large", 413, PDF + b"0" * (10 * 1024 * 1024)),
    upload("a file name with folders", "file-name-unusable", 422, PDF, query=UPLOAD | {"file_name": "../x.pdf"}),
    upload("a type that does not exist", "invalid-request", 422, PDF, query=UPLOAD | {"type": "brev"}),
    upload("a document of another supplier's", "may-not-upload", 403, PDF, organisation=FJORDVAKT),
    Case("another's document", "GET", CONCEPT, "document-not-found", 404, organisation=HAVORN),
    Case("a document for nobody", "GET", f"{CONCEPT}/content", "document-not-found", 404, organisation=None),
    Case(
        "a document approved by its supplier",
        "POST",
        f"{CONCEPT}/approve",
        "four-eyes",
        403,
        {"public": True},
        FJORDVAKT,
        ("catalog.admin",),
    ),
    Case(
        "a document rejected without a reason",
        "POST",
        f"{CONCEPT}/reject",
        "invalid-request",
        422,
        {},
        EDITOR,
        ("catalog.admin",),
    ),
    # Needs
    need("a need for nothing", "nothing-asked", pointer="#/area", area=None),
    need("a need of an unknown component", "component-not-known", components=["finnes-ikke"]),
    need(
        "a need of an unknown requirement",
        "requirement-not-known",
        requirements=[{"specification": SERVICE, "requirement": "VT1-01"}],
        pointer="#/requirements/0",
    ),
    need("a component twice in a need", "link-repeated", components=[PLATFORM, PLATFORM], pointer="#/components/1"),
    need("a project without its year", "project-year-missing", project={"status": "planned"}),
    need("an area that does not exist", "invalid-request", area="romfart"),
    need("a date that does not exist", "invalid-request", wanted_by_on="2027-02-30"),
    Case("a supplier's need", "POST", "/needs", "public-bodies-only", 403, WANTED, FJORDVAKT),
    Case("joining twice", "POST", f"{NEED}/join", "joined-already", 409, {}, VEFSN),
    Case("joining one's own", "POST", f"{NEED}/join", "joined-already", 409, {}, ALSTAHAUG),
    Case("joining what is met", "POST", f"{MET}/join", "need-closed", 409, {}),
    Case("joining for members one has not", "POST", f"{NEED}/join", "members-of-nobody", 422, {"for_members": True}),
    Case("leaving what one has not joined", "POST", f"{NEED}/leave", "not-joined", 409),
    Case("another's need withdrawn", "POST", f"{NEED}/withdraw", "not-your-need", 403, {}, VEFSN),
    Case("starting on what is met", "POST", f"{MET}/start", "need-step-refused", 409, {}, ALSTAHAUG),
    Case("a step that does not exist", "POST", f"{NEED}/approve", "about:blank", 404, {}, ALSTAHAUG),
    Case("a need that is not there", "GET", f"/needs/{seed_id('ingen')}", "need-not-found", 404),
    Case("a need by no id", "GET", "/needs/1", "invalid-request", 422),
    Case("partners for a supplier", "GET", f"{NEED}/partners", "public-bodies-only", 403, organisation=FJORDVAKT),
    Case("partners for nobody", "GET", f"{NEED}/partners", "token-missing", 401, organisation=None),
    Case("a county that is none", "GET", "/needs", "invalid-request", 422, query={"county_number": "Nordland"}),
    Case(
        "an audience changed in silence",
        "PATCH",
        NEED,
        "reason-missing",
        422,
        {"audience": "public_bodies"},
        ALSTAHAUG,
        headers=ANY,
        media=PATCH,
    ),
]
