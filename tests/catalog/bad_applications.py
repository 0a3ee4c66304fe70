"""Bad input about schemes, profiles, applications and decisions."""

from typing import Any

from services.chassis.values import seed_id
from tests.catalog.bad import Case

FJORDVAKT, HAVORN, BODY, EDITOR, ALSTAHAUG = "100000016", "100000032", "100000040", "100000008", "938712441"
APPLY, ASSESS, DECIDE = ("certification.apply",), ("certification.assess",), ("certification.decide",)
MERGE = "application/merge-patch+json"
READ = {"If-Match": '"1"'}
NEW: dict[str, Any] = {
    "product": "havorn-alarm",
    "specification": "velferdsteknologi-datautveksling",
    "specification_version": "1.0",
    "delivery_forms": ["saas"],
}
DRAFT, SUBMITTED, DECIDED = (
    f"/certification-applications/{seed_id(f'certification-application:{name}')}"
    for name in ("draft", "submitted", "decided")
)
RECOMMENDED = str(seed_id("certification-application:recommended"))
GRANT: dict[str, Any] = {
    "application": RECOMMENDED,
    "outcome": "granted",
    "reason": "Vedtak",
    "valid_from_on": "2027-01-01",
    "valid_to_on": "2028-12-31",
}
PROFILE = {"name": {"nb": "Profil"}, "requirements": ["VT2-01"]}


def apply(name: str, problem: str, status: int = 422, **rest: Any) -> Case:
    pointer = rest.pop("pointer", None)
    organisation, scopes = rest.pop("organisation", HAVORN), rest.pop("scopes", APPLY)
    return Case(
        name,
        "POST",
        "/certification-applications",
        problem,
        status,
        body=NEW | rest,
        organisation=organisation,
        scopes=scopes,
        pointer=pointer,
    )


def decide(name: str, problem: str, status: int = 422, **rest: Any) -> Case:
    pointer = rest.pop("pointer", None)
    organisation = rest.pop("organisation", BODY)
    body = {key: value for key, value in (GRANT | rest).items() if value is not None}
    return Case(
        name,
        "POST",
        "/certification-decisions",
        problem,
        status,
        body=body,
        organisation=organisation,
        scopes=DECIDE,
        pointer=pointer,
    )


def profile(what: str, problem: str, status: int = 422, **rest: Any) -> Case:
    pointer = rest.pop("pointer", None)
    path = "/specifications/alstahaug-trygghetstjeneste/versions/1.1/profiles/kjerne"
    body = PROFILE | rest
    return Case(what, "PUT", path, problem, status, body=body, organisation=ALSTAHAUG, headers=READ, pointer=pointer)


CASES: list[Case] = [
    # Drafting
    apply("a product of another", "not-your-product", 403, organisation=FJORDVAKT),
    apply("a product that there is not", "reference-unknown", product="finnes-ikke", pointer="#/product"),
    apply(
        "a version that there is not",
        "reference-unknown",
        specification_version="9.9",
        pointer="#/specification_version",
    ),
    apply("a specification for suppliers", "specification-of-another-kind", specification="radgiver-innforing"),
    apply("a profile that there is not", "profile-unknown", profile="annen", pointer="#/profile"),
    apply("no delivery form", "subject-mismatch", delivery_forms=[], pointer="#/delivery_forms"),
    apply("a delivery form that there is not", "invalid-request", delivery_forms=["paper"]),
    apply("a role for a product", "subject-mismatch", role="innforing", pointer="#/role"),
    apply("an adviser without a role", "subject-mismatch", subject_kind="adviser", pointer="#/role"),
    apply("a kind that there is not", "invalid-request", subject_kind="person", pointer="#/subject_kind"),
    apply("versions that are a word", "invalid-request", versions="some"),
    apply("another's certificate to renew", "certificate-of-another", renews="SV-2026-000001", pointer="#/renews"),
    apply("to renew and extend", "subject-mismatch", renews="SV-2026-000001", extends="SV-2026-000001"),
    apply("a note with NUL", "value-unusable", 400, note="no\0te"),
    apply("a field that there is not", "invalid-request", colour="red", pointer="#/colour"),
    apply("without the scope", "scope-missing", 403, scopes=("catalog.write",)),
    # Changing
    Case(
        "a change without If-Match",
        "PATCH",
        DRAFT,
        "if-match-missing",
        428,
        body={"note": "Ny"},
        organisation=FJORDVAKT,
        scopes=APPLY,
        media=MERGE,
    ),
    Case(
        "a change of the product",
        "PATCH",
        DRAFT,
        "invalid-request",
        422,
        body={"product": "fjordvakt-tilsyn"},
        organisation=FJORDVAKT,
        scopes=APPLY,
        headers=READ,
        media=MERGE,
    ),
    Case(
        "a change after submission",
        "PATCH",
        SUBMITTED,
        "application-submitted",
        409,
        body={"note": "Ny"},
        organisation="100000024",
        scopes=APPLY,
        headers=READ,
        media=MERGE,
    ),
    # Steps
    Case("submitting another's", "POST", f"{DRAFT}/submit", "application-not-found", 404, body={}, scopes=APPLY),
    Case(
        "an answer to nothing",
        "POST",
        f"{DRAFT}/submit",
        "answer-misplaced",
        422,
        body={"answer": "Ja"},
        organisation=FJORDVAKT,
        scopes=APPLY,
        pointer="#/answer",
    ),
    Case(
        "asking for nothing",
        "POST",
        f"{SUBMITTED}/request-information",
        "invalid-request",
        422,
        body={},
        organisation=BODY,
        scopes=ASSESS,
        pointer="#/reason",
    ),
    Case(
        "withdrawing what is decided",
        "POST",
        f"{DECIDED}/withdraw",
        "application-step-refused",
        409,
        body={},
        organisation="100000024",
        scopes=APPLY,
    ),
    Case("reading without a token", "GET", SUBMITTED, "token-missing", 401, organisation=None),
    Case(
        "a list with a wrong cursor",
        "GET",
        "/certification-applications",
        "cursor-malformed",
        400,
        query={"after": "x"},
        scopes=APPLY,
    ),
    # Deciding
    decide("a decision on nothing", "reference-unknown", application=str(seed_id("nobody")), pointer="#/application"),
    decide("a decision on a draft", "reference-unknown", application=DRAFT.rpartition("/")[2]),
    decide(
        "a decision on what is not assessed", "application-step-refused", 409, application=SUBMITTED.rpartition("/")[2]
    ),
    decide("a decision of the owner", "decision-maker-interested", 403, organisation=EDITOR),
    decide("a decision without a reason", "invalid-request", reason=None, pointer="#/reason"),
    decide("an outcome that there is not", "invalid-request", outcome="maybe", pointer="#/outcome"),
    decide("a grant without days", "validity-missing", valid_from_on=None, pointer="#/valid_from_on"),
    decide("a grant for ever", "validity-too-long", valid_to_on="2099-12-31", pointer="#/valid_to_on"),
    decide("a refusal with days", "validity-misplaced", outcome="refused", pointer="#/valid_to_on"),
    decide(
        "conditions without a grant with conditions",
        "conditions-misplaced",
        conditions=[{"text": "Rett", "due_on": "2027-06-30"}],
        pointer="#/conditions",
    ),
    decide("a grant with conditions without any", "conditions-missing", outcome="granted_with_conditions"),
    decide(
        "a dispensation from what is no must",
        "dispensation-needless",
        dispensations=[{"requirement": "VT1-06", "reason": "Senere", "until_on": "2027-06-30"}],
        pointer="#/dispensations/0/requirement",
    ),
    # Profiles and schemes
    profile("a profile without a must", "profile-without-must", requirements=["ALS-01"], pointer="#/requirements"),
    profile("a profile of nothing", "invalid-request", requirements=[], pointer="#/requirements"),
    profile("a profile without a name", "invalid-request", name={}, pointer="#/name"),
    Case(
        "a scheme changed by a municipality",
        "PATCH",
        "/certification-schemes/product",
        "scope-missing",
        403,
        body={"appeal_days": 1},
        headers=READ,
        media=MERGE,
    ),
    Case(
        "a scheme without days",
        "PATCH",
        "/certification-schemes/product",
        "invalid-request",
        422,
        body={"appeal_days": 0},
        organisation=EDITOR,
        scopes=("catalog.admin",),
        headers=READ,
        media=MERGE,
        pointer="#/appeal_days",
    ),
]
