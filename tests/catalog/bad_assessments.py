"""Bad input about evidence files, testers, delegations, test reports, assessments and their results."""

from typing import Any

from services.chassis.values import seed_id
from tests.catalog import evidence
from tests.catalog.bad import Case

BODY, LABORATORY, SUPPLIER = "100000040", "100000059", "100000016"
FILES, TESTERS, REPORTS, ASSESSMENTS = "/evidence-files", "/testers", "/test-reports", "/certification-assessments"
OPEN = f"{ASSESSMENTS}/{seed_id('assessment:assessed')}"
NOBODY = seed_id("nothing of this name")
APPLY, ASSESS, DECIDE = ("certification.apply",), ("certification.assess",), ("certification.decide",)
JOSE = "application/jose"
TESTER = {"tool": "a", "valid_from_on": "2026-01-01", "valid_to_on": "2026-12-31"}
POINT = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}


def file(name: str, problem: str, status: int, content: bytes, media: str, **query: str) -> Case:
    named = {"title": "a", "file_name": "a"} | query
    return Case(
        name,
        "POST",
        FILES,
        problem,
        status,
        organisation=SUPPLIER,
        scopes=APPLY,
        content=content,
        media=media,
        query=named,
    )


def sent(name: str, method: str, path: str, problem: str, status: int, body: Any = None, **rest: Any) -> Case:
    told = {"organisation": BODY, "scopes": ASSESS} | rest
    return Case(name, method, path, problem, status, body=body, **told)


CASES: list[Case] = [
    # Evidence files
    file("a file of nothing", "evidence-missing", 422, b"", "text/plain"),
    file("a page", "evidence-type-not-taken", 415, b"<script>", "text/html"),
    file("a picture with scripts", "evidence-type-not-taken", 415, b"<svg/>", "image/svg+xml"),
    file("a file name that is a path", "evidence-file-name-unusable", 422, b"a", "text/plain", file_name="../a"),
    file("a file name of two lines", "evidence-file-name-unusable", 422, b"a", "text/plain", file_name="a\r\nb"),
    file("no file name", "invalid-request", 422, b"a", "text/plain", file_name=""),
    file("a title of blanks", "evidence-title-missing", 422, b"a", "text/plain", title=" "),
    file("a title in Latin", "invalid-request", 422, b"a", "text/plain", title_language="la"),
    file("a bomb", "evidence-unsafe", 422, evidence.archive([("a", b"\0" * 5_000_000)]), evidence.ZIP),
    file("something else", "evidence-mismatch", 422, b"a", "application/pdf"),
    file("a broken form", "evidence-missing", 422, b"--a--\r\n", "multipart/form-data; boundary=a"),
    file("more than is taken", "evidence-too-large", 413, b" " * 20_000_001, "text/plain"),
    sent("a hash that is none", "GET", FILES, "invalid-request", 422, query={"sha256": "abc"}),
    sent("a file that there is not", "GET", f"{FILES}/{NOBODY}", "evidence-file-not-found", 404),
    sent("a file that is no id", "GET", f"{FILES}/1", "invalid-request", 422),
    sent(
        "a withdrawal without a reason",
        "POST",
        f"{FILES}/{seed_id('evidence-file:report')}/withdraw",
        "invalid-request",
        422,
        {},
        organisation=SUPPLIER,
        scopes=APPLY,
    ),
    sent("uploading without the scope", "POST", FILES, "scope-missing", 403, scopes=("catalog.write",)),
    # Testers and delegations
    sent("a key that is none", "POST", TESTERS, "invalid-request", 422, TESTER | {"key": "abc"}, pointer="#/key"),
    sent("a private key", "POST", TESTERS, "private-key-sent", 422, TESTER | {"key": POINT | {"d": "A" * 43}}),
    sent(
        "a key from before its time",
        "POST",
        TESTERS,
        "tester-period-invalid",
        422,
        TESTER | {"key": POINT, "valid_to_on": "2025-01-01"},
    ),
    sent("a tool with NUL", "POST", TESTERS, "value-unusable", 400, TESTER | {"key": POINT, "tool": "a\0"}),
    sent(
        "a tester that there is not", "POST", f"{TESTERS}/{NOBODY}/approve", "tester-not-found", 404, {}, scopes=DECIDE
    ),
    sent(
        "approving twice",
        "POST",
        f"{TESTERS}/{seed_id('tester:old')}/approve",
        "tester-step-refused",
        409,
        {},
        scopes=DECIDE,
    ),
    sent(
        "revoking another's",
        "POST",
        f"{TESTERS}/{seed_id('tester:old')}/revoke",
        "not-your-tester",
        403,
        {"reason": "a"},
        organisation=SUPPLIER,
        scopes=APPLY,
    ),
    sent(
        "a product that there is not",
        "POST",
        f"{TESTERS}/{seed_id('tester:old')}/delegations",
        "delegated-product-unknown",
        422,
        {"product": "a", "until_on": "2027-01-01"},
        scopes=APPLY,
    ),
    # Test reports
    sent("a report as JSON", "POST", REPORTS, "report-media-type-unknown", 415, {"iss": "a"}),
    sent("a report that is none", "POST", REPORTS, "report-unreadable", 422, content=b"a.b.c", media=JOSE),
    sent("a report of bytes", "POST", REPORTS, "report-unreadable", 422, content=b"\xff.\xff.\xff", media=JOSE),
    sent("a report without a key", "POST", REPORTS, "report-key-unknown", 422, content=b"e30.e30.", media=JOSE),
    sent(
        "a key id with NUL",
        "POST",
        REPORTS,
        "report-key-unknown",
        422,
        content=b"eyJraWQiOiJhXHUwMDAwIn0.e30.",
        media=JOSE,
    ),
    sent(
        "a name twice in a report",
        "POST",
        REPORTS,
        "report-unreadable",
        422,
        content=b"eyJhIjoxLCJhIjoyfQ.e30.",
        media=JOSE,
    ),
    sent("a report without end", "POST", REPORTS, "report-too-large", 413, content=b"a" * 300_000, media=JOSE),
    sent("a report that there is not", "GET", f"{REPORTS}/{NOBODY}", "test-report-not-found", 404),
    sent(
        "looking at what is met",
        "POST",
        f"{REPORTS}/{seed_id('test-report:met')}/approve",
        "report-step-refused",
        409,
        {"reason": "a"},
    ),
    # Assessments and results
    sent(
        "an application that there is not",
        "POST",
        ASSESSMENTS,
        "application-not-found",
        404,
        {"application": str(NOBODY)},
    ),
    sent(
        "an application that is a draft",
        "POST",
        ASSESSMENTS,
        "application-not-found",
        404,
        {"application": str(seed_id("certification-application:draft"))},
    ),
    sent(
        "an application under assessment",
        "POST",
        ASSESSMENTS,
        "application-step-refused",
        409,
        {"application": str(seed_id("certification-application:assessed"))},
    ),
    sent("an assessment that there is not", "GET", f"{ASSESSMENTS}/{NOBODY}", "assessment-not-found", 404),
    sent(
        "an outcome that there is not", "PUT", f"{OPEN}/results/VT1-01", "invalid-request", 422, {"outcome": "passed"}
    ),
    sent(
        "met without evidence",
        "PUT",
        f"{OPEN}/results/VT1-01",
        "result-evidence-missing",
        422,
        {"outcome": "met", "tested_on": "2026-01-01"},
    ),
    sent(
        "a lifetime of nothing",
        "PUT",
        f"{OPEN}/results/VT1-01",
        "invalid-request",
        422,
        {"outcome": "not_tested", "reason": "a", "lifetime_days": 0},
    ),
    sent(
        "a requirement of another",
        "PUT",
        f"{OPEN}/results/VT2-01",
        "requirement-not-held",
        404,
        {"outcome": "not_tested", "reason": "a"},
    ),
    sent(
        "taking over what it is not held to",
        "POST",
        f"{OPEN}/adopt-reports",
        "requirement-not-held",
        404,
        {"requirements": ["VT9"]},
    ),
    sent("taking over nothing", "POST", f"{OPEN}/adopt-reports", "invalid-request", 422, {"requirements": []}),
    sent(
        "completing half",
        "POST",
        f"{OPEN}/complete",
        "result-missing",
        422,
        {"recommendation": "refuse", "reason": "a"},
    ),
    sent(
        "returning what is open",
        "POST",
        f"{OPEN}/return",
        "assessment-step-refused",
        409,
        {"reason": "a"},
        scopes=DECIDE,
    ),
    sent("resuming what is open", "POST", f"{OPEN}/resume", "assessment-step-refused", 409),
    # Across certificates
    sent("results of nothing", "GET", "/certification-results", "invalid-request", 422),
    sent(
        "results in a format that there is not",
        "GET",
        "/certification-results",
        "invalid-request",
        422,
        query={"specification": "a", "format": "pdf"},
    ),
    sent(
        "too many results",
        "GET",
        "/certification-results",
        "invalid-request",
        422,
        query={"specification": "a", "limit": "5001"},
    ),
]
