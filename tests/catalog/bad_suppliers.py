"""Wrong requests about suspended suppliers, equivalent evidence and certificates' pages."""

from typing import Any

from services.chassis.values import seed_id
from tests.catalog.bad import Case

BODY, LABORATORY, OWNER, NORDLYS, STILLVAKT = "100000040", "100000059", "100000008", "100000024", "100000075"
DECIDE, ASSESS = ("certification.decide",), ("certification.assess",)
SUSPENSION = f"/supplier-suspensions/{seed_id(f'supplier-suspension:{STILLVAKT}')}"
RECORDED, CONFIRMED = (f"/equivalents/{seed_id(f'equivalent:{name}')}" for name in ("recorded", "confirmed"))
REASON = {"reason": "Avvik"}
NEW: dict[str, Any] = {"organisation_number": NORDLYS, "reason": "Avvik"}
EVIDENCE = {"description": "Sertifikat", "sha256": "ab" * 32, "dated_on": "2026-01-01"}
EQUIVALENT: dict[str, Any] = {
    "product": "nordlys-alarm",
    "specification": "velferdsteknologi-datautveksling",
    "specification_version": "1.0",
    "scheme": "Ordning",
    "issuer": "Utsteder",
    "issuer_country": "SE",
    "reference": "1",
    "valid_from_on": "2026-01-01",
    "valid_to_on": "2029-12-31",
    "reason": "Det samme",
    "evidence": [EVIDENCE],
}


def suspend(name: str, problem: str, status: int, **more: Any) -> Case:
    given: dict[str, Any] = {"body": NEW, "organisation": BODY, "scopes": DECIDE} | more
    return Case(name, "POST", "/supplier-suspensions", problem, status, **given)


def record(name: str, problem: str, status: int, **more: Any) -> Case:
    given: dict[str, Any] = {"body": EQUIVALENT, "organisation": LABORATORY, "scopes": ASSESS} | more
    return Case(name, "POST", "/equivalents", problem, status, **given)


def step(name: str, path: str, problem: str, status: int, **more: Any) -> Case:
    given: dict[str, Any] = {"body": REASON, "organisation": BODY, "scopes": DECIDE} | more
    return Case(name, "POST", path, problem, status, **given)


CASES: list[Case] = [
    suspend("a supplier suspended without a token", "token-missing", 401, organisation=None),
    suspend("a supplier suspended by an assessor", "scope-missing", 403, scopes=ASSESS),
    suspend("a supplier suspended by itself", "suspension-of-own-organisation", 403, organisation=NORDLYS),
    suspend("a supplier suspended by the component's owner", "interested-in-supplier", 403, organisation=OWNER),
    suspend("no such supplier", "supplier-unknown", 422, body=NEW | {"organisation_number": "100000091"}),
    suspend("a municipality is no supplier", "supplier-unknown", 422, body=NEW | {"organisation_number": "964983291"}),
    suspend(
        "an organisation number that is none",
        *("invalid-request", 422),
        body=NEW | {"organisation_number": "123456789"},
        pointer="#/organisation_number",
    ),
    suspend("a suspension without a reason", "invalid-request", 422, body={"organisation_number": NORDLYS}),
    suspend(
        "a suspension with a field that is not known",
        *("invalid-request", 422),
        body=NEW | {"ban": True},
        pointer="#/ban",
    ),
    suspend(
        "a supplier that is suspended already",
        *("supplier-suspended-already", 409),
        body=NEW | {"organisation_number": STILLVAKT},
    ),
    suspend("a reason with NUL", "value-unusable", 400, body=NEW | {"reason": "a\0b"}),
    step(
        "lifted from a day before it began",
        f"{SUSPENSION}/lift",
        *("step-before-suspension", 422),
        body=REASON | {"effective_on": "2026-09-30"},
        pointer="#/effective_on",
    ),
    step("lifted by the supplier", f"{SUSPENSION}/lift", "suspension-of-own-organisation", 403, organisation=STILLVAKT),
    step("lifted from an old state", f"{SUSPENSION}/lift", "stale", 412, headers={"If-Match": '"9"'}),
    step("no such suspension", f"/supplier-suspensions/{seed_id('no')}/lift", "supplier-suspension-not-found", 404),
    step("a suspension with no id", "/supplier-suspensions/x/lift", "invalid-request", 422),
    Case("a foreign cursor", "GET", "/supplier-suspensions", "cursor-malformed", 400, query={"after": "x"}),
    Case("a filter that is none", "GET", "/supplier-suspensions", "invalid-request", 422, query={"status": "x"}),
    record("evidence by whoever decides", "scope-missing", 403, scopes=DECIDE),
    record("evidence by the supplier", "interested-in-product", 403, organisation=NORDLYS),
    record(
        "evidence for no product",
        *("equivalent-product-unknown", 422),
        body=EQUIVALENT | {"product": "no"},
        pointer="#/product",
    ),
    record(
        "evidence for no version",
        *("equivalent-version-unknown", 422),
        body=EQUIVALENT | {"specification_version": "9.9"},
        pointer="#/specification_version",
    ),
    record(
        "evidence for no requirement",
        *("equivalent-requirement-unknown", 422),
        body=EQUIVALENT | {"requirements": ["VT9-99"]},
        pointer="#/requirements/0",
    ),
    record(
        "evidence for an empty list of requirements", "invalid-request", 422, body=EQUIVALENT | {"requirements": []}
    ),
    record(
        "evidence from no country",
        *("issuer-country-unknown", 422),
        body=EQUIVALENT | {"issuer_country": "XX"},
        pointer="#/issuer_country",
    ),
    record("evidence without evidence", "invalid-request", 422, body=EQUIVALENT | {"evidence": []}),
    record("evidence that has run out", "equivalent-run-out", 409, body=EQUIVALENT | {"valid_to_on": "2026-02-01"}),
    record(
        "evidence with a file that is not kept",
        *("evidence-file-unknown", 422),
        body=EQUIVALENT | {"evidence": [EVIDENCE | {"file": str(seed_id("no"))}]},
        pointer="#/evidence/0/file",
    ),
    record(
        "evidence with a hash that is none",
        *("invalid-request", 422),
        body=EQUIVALENT | {"evidence": [EVIDENCE | {"sha256": "ab"}]},
        pointer="#/evidence/0/sha256",
    ),
    step("evidence confirmed by an assessor", f"{RECORDED}/confirm", "scope-missing", 403, scopes=ASSESS),
    step("evidence confirmed twice", f"{CONFIRMED}/confirm", "equivalent-step-refused", 409),
    step("evidence revoked that was not confirmed", f"{RECORDED}/revoke", "equivalent-step-refused", 409),
    step("evidence rejected without a reason", f"{RECORDED}/reject", "invalid-request", 422, body={}),
    Case("evidence that is not public", "GET", RECORDED, "equivalent-not-found", 404, organisation=None),
    Case("a page of no certificate", "GET", "/certificates/SV-1/page", "certificate-not-found", 404),
    Case(
        "a page in a language that it has not",
        *("GET", "/certificates/SV-2026-000001/page", "invalid-request", 422),
        query={"language": "se"},
        pointer="?language",
    ),
    Case(
        "a page of no day",
        *("GET", "/certificates/SV-2026-000001/page", "invalid-request", 422),
        query={"on": "2026-02-30"},
        pointer="?on",
    ),
    Case("a badge of no certificate", "GET", "/certificates/%00/badge.svg", "value-unusable", 400),
]
