"""Wrong requests about test endpoints and conformance runs."""

from typing import Any

from services.chassis.values import seed_id
from tests.catalog.bad import Case

SUPPLIER, LABORATORY, HAVORN = "100000016", "100000059", "100000032"
APPLY, ASSESS = ("certification.apply",), ("certification.assess",)
APPROVED, PROPOSED = (str(seed_id(f"test-endpoint:{one}")) for one in ("fjordvakt", "proposed"))
FINISHED, QUEUED = (f"/conformance-runs/{seed_id(f'conformance-run:{one}')}" for one in ("fjordvakt", "queued"))
NOTHING = "00000000-0000-0000-0000-000000000000"
ENDPOINT: dict[str, Any] = {"product": "fjordvakt-alarm", "base_url": "https://ny.fjordvakt.example/api"}
RUN: dict[str, Any] = {
    "product": "fjordvakt-alarm",
    "version": "3.2",
    "specification": "velferdsteknologi-datautveksling",
    "specification_version": "1.0",
    "requirements": ["VT1-01"],
    "interface": "velferdsteknologi-varsler",
    "interface_version": "2.0",
    "endpoint": APPROVED,
}


def propose(name: str, problem: str, pointer: str | None = None, *, status: int = 422, **wrong: Any) -> Case:
    return Case(name, "POST", "/test-endpoints", problem, status, body=ENDPOINT | wrong, organisation=SUPPLIER,
                scopes=APPLY, pointer=pointer)  # fmt: skip


def at(url: str, problem: str = "url-unusable") -> Case:
    return propose(f"an endpoint at {url}", problem, "#/base_url", base_url=url)


def with_header(name: str, value: str, problem: str) -> Case:
    return propose(f"a header {name}: {value!r}", problem, headers={name: value})


def ask(name: str, problem: str, status: int, pointer: str | None = None, **wrong: Any) -> Case:
    return Case(name, "POST", "/conformance-runs", problem, status, body=RUN | wrong, organisation=SUPPLIER,
                scopes=APPLY, pointer=pointer)  # fmt: skip


def step(name: str, path: str, problem: str, status: int, by: str, scopes: tuple[str, ...], body: Any = None) -> Case:
    return Case(name, "POST", path, problem, status, body=body or {}, organisation=by, scopes=scopes)


CASES = [
    at("ftp://fjordvakt.example/"),
    at("https://fjordvakt.example@127.0.0.1/"),
    at("https://fjordvakt.example/?to=http://127.0.0.1"),
    at("https://fjordvakt.example/#a"),
    at("https://fjordvakt.example/../api"),
    at("https://fjordvakt.example:0/"),
    at("https://fjordvakt.example:99999/"),
    at("https://localhost/"),
    at("https://127.1/"),
    at("https://2130706433/"),
    at("https://0x7f.0.0.1/"),
    at("https://10.0.0.1/"),
    at("https://169.254.169.254/latest/meta-data"),
    at("https://[::1]/"),
    at("https://[fe80::1%25eth0]/"),
    at("https://[::ffff:127.0.0.1]/"),
    at("https://fjordvakt。example/"),
    at("https://fjordvakt.example\\@127.0.0.1/"),
    at("http://fjordvakt.example/", "scheme-not-allowed"),
    at("https://fjordvakt.example:22/", "port-not-allowed"),
    with_header("Authorization", "Basic eDp5", "secret-refused"),
    with_header("Cookie", "a=b", "secret-refused"),
    with_header("X-Subscription-Key", "abc", "secret-refused"),
    with_header("X-Tenant", "Bearer abc", "secret-refused"),
    with_header("Host", "127.0.0.1", "header-unusable"),
    with_header("Transfer-Encoding", "chunked", "header-unusable"),
    with_header("X-Tenant", "a\r\nHost: 127.0.0.1", "header-unusable"),
    with_header("X Tenant", "a", "header-unusable"),
    propose("many headers", "invalid-request", "#/headers", headers={f"X-{one}": "a" for one in "abcdef"}),
    propose("a header twice", "header-unusable", "#/headers", headers={"X-A": "a", "x-a": "b"}),
    propose("an endpoint that exists", "endpoint-taken", status=409,
            base_url="https://test.fjordvakt.example/varsler/"),
    propose("an endpoint of no product", "product-not-found", status=404, product="finnes-ikke"),
    propose("another's product", "not-its-supplier", status=403, product="havorn-alarm"),
    propose("an endpoint for no application", "application-not-found", status=404, application=NOTHING),
    propose("an endpoint with a password", "invalid-request", "#/password", password="x"),
    Case("an endpoint without a token", "POST", "/test-endpoints", "token-missing", 401, body=ENDPOINT,
         organisation=None),
    Case("an endpoint without the scope", "POST", "/test-endpoints", "scope-missing", 403, body=ENDPOINT),
    Case("endpoints in a state that is none", "GET", "/test-endpoints", "invalid-request", 422,
         query={"state": "secret"}, organisation=SUPPLIER, scopes=APPLY),
    Case("endpoints by a cursor that is none", "GET", "/test-endpoints", "cursor-malformed", 400,
         query={"after": "tull"}, organisation=SUPPLIER, scopes=APPLY),
    step("approving what is approved", f"/test-endpoints/{APPROVED}/approve", "endpoint-step-refused", 409, LABORATORY,
         ASSESS),
    step("approving one's own", f"/test-endpoints/{PROPOSED}/approve", "endpoint-of-your-own", 403, SUPPLIER, ASSESS),
    step("refusing without a reason", f"/test-endpoints/{PROPOSED}/refuse", "invalid-request", 422, LABORATORY, ASSESS),
    step("withdrawing another's", f"/test-endpoints/{PROPOSED}/withdraw", "endpoint-not-found", 404, HAVORN, APPLY),
    step("approving nothing", f"/test-endpoints/{NOTHING}/approve", "endpoint-not-found", 404, LABORATORY, ASSESS),
    ask("an endpoint that nobody approved", "endpoint-not-approved", 409, "#/endpoint", endpoint=PROPOSED),
    ask("an endpoint of another product", "endpoint-not-approved", 409, "#/endpoint", product="nordlys-tilsyn"),
    ask("an endpoint that is none", "endpoint-not-found", 404, endpoint=NOTHING),
    ask("a version that is none", "run-version-unknown", 422, "#/version", version="9.9"),
    ask("a requirement that is none", "run-requirement-unknown", 422, "#/requirements/0", requirements=["X-1"]),
    ask("no requirement", "invalid-request", 422, "#/requirements", requirements=[]),
    ask("a specification that is none", "run-specification-unknown", 422, "#/specification_version",
        specification_version="9"),
    ask("an interface that is none", "interface-version-not-found", 404, interface="finnes-ikke"),
    ask("a draft", "contract-unsettled", 409, "#/interface_version", interface_version="3.0"),
    ask("an XSD", "contract-missing", 409, "#/interface_version", interface="hendelsesrapport",
        interface_version="1.0"),
    ask("how long it may last", "invalid-request", 422, "#/wall_seconds", wall_seconds=1e9),
    Case("asking as nobody that is registered", "POST", "/conformance-runs", "not-registered", 403, body=RUN,
         organisation="987654325", scopes=ASSESS),
    step("cancelling what is done", f"{FINISHED}/cancel", "run-step-refused", 409, SUPPLIER, APPLY),
    step("cancelling another's", f"{QUEUED}/cancel", "run-not-found", 404, HAVORN, APPLY),
    Case("the report of what waits", "GET", f"{QUEUED}/report", "report-missing", 404, organisation=SUPPLIER,
         scopes=APPLY),
    Case("another's report", "GET", f"{FINISHED}/report", "run-not-found", 404, organisation=HAVORN, scopes=APPLY),
    Case("a report without a token", "GET", f"{FINISHED}/report", "token-missing", 401, organisation=None),
    Case("a run by an id that is none", "GET", "/conformance-runs/tull", "invalid-request", 422, organisation=SUPPLIER,
         scopes=APPLY),
]  # fmt: skip
