"""Wrong requests about interfaces, their versions, artefacts and consumers."""

from typing import Any

from tests.catalog.bad import Case

UNIT = "100000008"
ALERTS = "/interfaces/velferdsteknologi-varsler"
DRAFT = f"{ALERTS}/versions/3.0/artefact"
NEW: dict[str, Any] = {"slug": "ny", "kind": "rest", "name": {"nb": "Ny"}}
XSD = b'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"/>'
OPENAPI = b'{"openapi": "3.0.3", "info": {"title": "T", "version": "1"}, "paths": {}}'
BOMB = b"\n".join(
    f"{here}: &{here} [{', '.join([f'*{before}'] * 9)}]".encode() if before else f"{here}: &{here} [x]".encode()
    for before, here in zip(["", *"abcdefghi"], "abcdefghij", strict=True)
)


def register(title: str, problem: str, status: int, pointer: str | None = None, **wrong: Any) -> Case:
    return Case(title, "POST", "/interfaces", problem, status, body=NEW | wrong, pointer=pointer)


def put(name: str, content: bytes, media: str, problem: str, status: int, path: str = DRAFT, **rest: Any) -> Case:
    return Case(name, "PUT", path, problem, status, content=content, media=media, organisation=UNIT, **rest)


def by_unit(name: str, path: str, body: Any, problem: str, status: int, pointer: str | None = None) -> Case:
    return Case(name, "POST", path, problem, status, body=body, organisation=UNIT, pointer=pointer)


CASES = [
    register("a slug that is none", "invalid-request", 422, "#/slug", slug="Ny Grensesnitt"),
    register("a kind that is none", "invalid-request", 422, "#/kind", kind="soap"),
    register("a field that is none", "invalid-request", 422, "#/price", price="0.00"),
    register("a name without language", "invalid-request", 422, "#/name", name={}),
    register("a name with NUL", "value-unusable", 400, name={"nb": "a\0b"}),
    register("a slug that is taken", "interface-slug-taken", 409, slug="hendelsesrapport"),
    register("an unknown component", "component-unknown", 422, "#/provided_by", provided_by="finnes-ikke"),
    register("another one's component", "not-your-component", 403, "#/provided_by", provided_by="vaktsentral"),
    Case("without a token", "POST", "/interfaces", "token-missing", 401, body=NEW, organisation=None),
    Case("without the scope", "POST", "/interfaces", "scope-missing", 403, body=NEW, scopes=()),
    Case("an organisation that is not registered", "POST", "/interfaces", "not-registered", 403, body=NEW,
         organisation="100000083"),
    Case("another one's interface", "POST", f"{ALERTS}/versions", "not-your-interface", 403, body={"version": "9"}),
    Case("a list by a cursor that is none", "GET", "/interfaces", "cursor-malformed", 400, query={"after": "tull"}),
    Case("a list by a field that is none", "GET", "/interfaces", "field-unknown", 422, query={"fields": "pris"}),
    by_unit("a version that exists", f"{ALERTS}/versions", {"version": "2.0"}, "interface-version-taken", 409),
    by_unit("a label with a slash", f"{ALERTS}/versions", {"version": "../2"}, "invalid-request", 422, "#/version"),
    by_unit("a version of nothing", "/interfaces/finnes-ikke/versions", {"version": "1"}, "interface-not-found", 404),
    by_unit("a step that is none", f"{ALERTS}/versions/3.0/erase", {}, "invalid-request", 422, "step"),
    by_unit("a step of an unknown version", f"{ALERTS}/versions/9/publish", {}, "interface-version-not-found", 404),
    by_unit("publishing twice", f"{ALERTS}/versions/2.0/publish", {}, "step-not-possible", 409),
    by_unit("withdrawing without a reason", f"{ALERTS}/versions/2.0/withdraw", {}, "step-unexplained", 422, "#/reason"),
    by_unit("replaced by itself", f"{ALERTS}/versions/2.0/withdraw", {"reason": "Feil", "replaced_by": "2.0"},
            "successor-unfit", 422, "#/replaced_by"),
    by_unit("a day that is none", f"{ALERTS}/versions/3.0/publish", {"effective_on": "2027-02-30"}, "invalid-request",
            422, "#/effective_on"),
    by_unit("an unknown consumer", f"{ALERTS}/versions/2.0/consumers", {"component": "nei"}, "component-unknown", 422),
    by_unit("a consumer that is attached", f"{ALERTS}/versions/1.0/consumers", {"component": "vaktsentral"},
            "already-attached", 409),
    by_unit("ending what is not", f"{ALERTS}/versions/2.0/consumers/vaktsentral/end", {}, "not-attached", 404),
    put("a media type that is none", b"a,b", "text/csv", "artefact-media-type-unknown", 415),
    put("a document of bytes only", OPENAPI, "application/octet-stream", "artefact-media-type-unknown", 415),
    put("nothing at all", b"", "application/json", "artefact-missing", 422),
    put("too large", b" " * (2 * 1024 * 1024 + 1), "application/json", "artefact-too-large", 413),
    put("no JSON", b"openapi: 3.0.3", "application/json", "artefact-invalid", 422),
    put("no YAML", b"openapi: [", "application/yaml", "artefact-invalid", 422),
    put("no XML", b"openapi", "application/xml", "artefact-invalid", 422),
    put("an OpenAPI that is none", b'{"openapi": "3.0.3"}', "application/json", "artefact-invalid", 422, pointer="#"),
    put("JSON with NUL", OPENAPI.replace(b'"T"', b'"a\\u0000b"'), "application/json", "artefact-invalid", 422),
    put("Swagger 2.0", b'{"swagger": "2.0"}', "application/json", "artefact-invalid", 422),
    put("AsyncAPI under OpenAPI's name", b'{"asyncapi": "2.6.0"}', "application/vnd.oai.openapi+json",
        "artefact-invalid", 422),
    put("an entity that opens a file", b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + XSD,
        "application/xml", "artefact-unsafe", 422),
    put("a billion laughs", b'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>' + XSD, "text/xml",
        "artefact-unsafe", 422),
    put("YAML whose aliases multiply", BOMB, "application/yaml", "artefact-unsafe", 422),
    put("nesting without end", b"[" * 100_000, "application/json", "artefact-unsafe", 422),
    put("a format that does not fit", XSD, "application/xml", "format-unfit", 422),
    put("a published version's artefact", OPENAPI, "application/json", "artefact-final", 409,
        path=f"{ALERTS}/versions/2.0/artefact", headers={"If-Match": "*"}),
    put("an artefact of an unknown version", OPENAPI, "application/json", "interface-version-not-found", 404,
        path=f"{ALERTS}/versions/9/artefact"),
    Case("another one's artefact", "PUT", DRAFT, "not-your-interface", 403, content=OPENAPI, media="application/json"),
    Case("an artefact that is not there", "GET", DRAFT, "artefact-not-found", 404, organisation=None),
    Case("a comparison with half of it", "GET", f"{ALERTS}/diff", "invalid-request", 422, query={"from": "1.0"}),
    Case("a comparison of XSD", "GET", "/interfaces/hendelsesrapport/diff", "not-comparable", 409,
         query={"from": "1.0", "to": "1.0"}),
    Case("a change without If-Match", "PATCH", ALERTS, "if-match-missing", 428, body={}, organisation=UNIT,
         media="application/merge-patch+json"),
    Case("a change of what has changed", "PATCH", ALERTS, "stale", 412, body={}, organisation=UNIT,
         media="application/merge-patch+json", headers={"If-Match": '"99"'}),
    Case("a change that leaves no name", "PATCH", ALERTS, "invalid-request", 422, organisation=UNIT,
         body={"name": {"nb": None, "nn": None, "en": None}}, media="application/merge-patch+json",
         headers={"If-Match": '"1"'}, pointer="#/name"),
]  # fmt: skip
