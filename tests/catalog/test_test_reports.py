"""Signed reports of test tools: signed here by a foreign JOSE library (PyJWT), taken or refused by the catalogue."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from fastapi.testclient import TestClient
from jwt.algorithms import ECAlgorithm, OKPAlgorithm

from services.catalog.certificates.rules import Outcome
from services.catalog.test_reports import rules
from services.catalog.testers import rules as tester_rules
from services.chassis.values import seed_id
from tests.catalog.conftest import FJORDVAKT, HAVORN, errors, problem, walk
from tests.issuer import Issuer

BODY, LABORATORY = "100000040", "100000059"
PRODUCT, VERSION = "fjordvakt-alarm", "3.2"
SPECIFICATION = "velferdsteknologi-datautveksling"
KEYS: dict[str, Callable[[], Any]] = {
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
}


class Tool:
    """A test tool outside the catalogue, with its own key."""

    def __init__(self, algorithm: str = "EdDSA") -> None:
        self.algorithm = algorithm
        self.key = KEYS[algorithm]()
        public = self.key.public_key()
        as_jwk = OKPAlgorithm.to_jwk if algorithm == "EdDSA" else ECAlgorithm.to_jwk
        told = json.loads(as_jwk(public))
        self.jwk = {name: told[name] for name in told if name in ("kty", "crv", "x", "y")}
        self.kid = tester_rules.thumbprint(self.jwk)
        self.id = ""

    def claims(self, **changed: Any) -> dict[str, Any]:
        whole = {
            "iss": self.id,
            "jti": str(uuid4()),
            "iat": int(time.time()),
            "sub": PRODUCT,
            "version": VERSION,
            "specification": SPECIFICATION,
            "specification_version": "1.0",
            "tool": "Prøvebenk",
            "tool_version": "2.0",
            "results": [result("VT1-01"), result("VT1-02")],
        } | changed
        return {name: value for name, value in whole.items() if value is not None}

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        return jwt.encode(claims, self.key, algorithm=self.algorithm, headers={"kid": self.kid} | header)


def result(requirement: str, outcome: str = "met", **more: Any) -> dict[str, Any]:
    reason = {} if outcome == "met" else {"reason": "Svarte ikke"}
    return (
        {"requirement": requirement, "outcome": outcome, "ran_on": "2026-11-02", "log_sha256": "ab" * 32}
        | reason
        | more
    )


@pytest.fixture(scope="module")
def catalog(shared_catalog: TestClient) -> TestClient:
    """One for the module: each test has a tool of its own."""
    return shared_catalog


@pytest.fixture
def laboratory(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(LABORATORY, "certification.assess", client="lab-1")


@pytest.fixture
def decider(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(BODY, "certification.decide", client="avgjorer")


@pytest.fixture
def supplier(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(FJORDVAKT, "certification.apply")


def register(catalog: TestClient, tool: Tool, headers: dict[str, str], **changed: Any) -> Any:
    new = {"tool": "Prøvebenk", "key": tool.jwk, "valid_from_on": "2026-01-01", "valid_to_on": "2036-12-31"} | changed
    made = catalog.post("/testers", json=new, headers=headers)
    if made.status_code == 201:
        tool.id = made.json()["id"]
    return made


@pytest.fixture
def tool(catalog: TestClient, laboratory: dict[str, str], decider: dict[str, str], supplier: dict[str, str]) -> Tool:
    """A tool of the laboratory, approved, that may report about the product."""
    made = Tool()
    assert register(catalog, made, laboratory).status_code == 201
    assert catalog.post(f"/testers/{made.id}/approve", json={}, headers=decider).status_code == 200
    given = {"product": PRODUCT, "until_on": "2028-01-01"}
    assert catalog.post(f"/testers/{made.id}/delegations", json=given, headers=supplier).status_code == 201
    return made


def file(catalog: TestClient, headers: dict[str, str], signed: str | bytes) -> Any:
    return catalog.post("/test-reports", content=signed, headers=headers | {"Content-Type": "application/jose"})


# ---- Testers


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_report_by_a_foreign_library_is_taken(
    catalog: TestClient,
    algorithm: str,
    laboratory: dict[str, str],
    decider: dict[str, str],
    supplier: dict[str, str],
) -> None:
    tool = Tool(algorithm)
    assert register(catalog, tool, laboratory).json()["key_id"] == tool.kid
    early = file(catalog, laboratory, tool.sign(tool.claims()))
    assert {"tester-not-in-force", "delegation-missing"} <= {kind for kind, _ in errors(early)}
    assert catalog.post(f"/testers/{tool.id}/approve", json={}, headers=decider).json()["state"] == "approved"
    undelegated = file(catalog, laboratory, tool.sign(tool.claims()))
    assert problem(undelegated) == (403, "delegation-missing")
    given = {"product": PRODUCT, "until_on": "2028-01-01"}
    delegation = catalog.post(f"/testers/{tool.id}/delegations", json=given, headers=supplier)
    signed = tool.sign(tool.claims())
    taken = file(catalog, laboratory, signed)
    assert taken.status_code == 201, taken.text
    told = taken.json()
    assert (told["state"], told["assurance"], told["tester"]) == ("taken", "third_party", tool.id)
    kept = catalog.get(f"/evidence-files/{told['evidence_file']}/content", headers=laboratory)
    assert kept.content == signed.encode(), "whole, so that anybody can look over it again"
    assert kept.headers["content-type"] == "application/jose"
    assert told["sha256"] == hashlib.sha256(signed.encode()).hexdigest()
    assert catalog.get(taken.headers["Location"]).json()["results"] == told["results"], "what is met is open"
    assert problem(file(catalog, laboratory, signed)) == (409, "report-replayed")
    gone = catalog.post(f"{delegation.headers['Location']}/withdraw", json={}, headers=supplier)
    assert gone.json()["holds"] is False
    assert problem(file(catalog, laboratory, tool.sign(tool.claims()))) == (403, "delegation-missing")


def test_whoever_registered_a_tool_does_not_approve_it(catalog: TestClient, issuer: Issuer) -> None:
    both = ("certification.assess", "certification.decide")
    tool = Tool()
    register(catalog, tool, issuer.bearer(BODY, *both, client="en"))
    same = catalog.post(f"/testers/{tool.id}/approve", json={}, headers=issuer.bearer(BODY, *both, client="en"))
    assert problem(same) == (403, "tester-four-eyes")
    other = catalog.post(f"/testers/{tool.id}/approve", json={}, headers=issuer.bearer(BODY, *both, client="to"))
    assert other.json()["state"] == "approved"
    stale = issuer.bearer(BODY, *both, client="to") | {"If-Match": '"1"'}
    assert catalog.post(f"/testers/{tool.id}/revoke", json={"reason": "a"}, headers=stale).status_code == 412


def test_one_key_is_one_tester(catalog: TestClient, laboratory: dict[str, str], supplier: dict[str, str]) -> None:
    tool = Tool()
    assert register(catalog, tool, laboratory).status_code == 201
    assert problem(register(catalog, tool, supplier)) == (409, "key-taken")


def private(key: Any) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(OKPAlgorithm.to_jwk(key))
    return told


@pytest.mark.parametrize(
    ("jwk", "kind"),
    [
        (private(ed25519.Ed25519PrivateKey.generate()), "private-key-sent"),
        ({"kty": "oct", "k": "c2VjcmV0"}, "private-key-sent"),
        ({"kty": "RSA", "n": "AQAB", "e": "AQAB"}, "key-unusable"),
        ({"kty": "OKP", "crv": "X25519", "x": "A" * 43}, "key-unusable"),
        ({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}, "key-unusable"),
        ({"kty": "OKP", "crv": "Ed25519", "x": "A" * 43, "use": "enc"}, "key-unusable"),
        ({"kty": "OKP", "crv": "Ed25519", "x": "A" * 43, "x5c": []}, "key-unusable"),
        ({"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43}, "key-unusable"),
        ({"kty": "EC", "crv": "Ed25519", "x": "A" * 43}, "key-unusable"),
        ({}, "key-unusable"),
    ],
)
def test_a_key_that_cannot_be_used_is_refused(
    shared_catalog: TestClient, issuer: Issuer, jwk: dict[str, Any], kind: str
) -> None:
    new = {"tool": "a", "key": jwk, "valid_from_on": "2026-01-01", "valid_to_on": "2025-01-01"}
    headers = issuer.bearer(LABORATORY, "certification.assess")
    answer = shared_catalog.post("/testers", json=new, headers=headers)
    assert answer.status_code == 422
    assert {kind, "tester-period-invalid"} <= {one for one, _ in errors(answer)}


@pytest.mark.parametrize("state", tester_rules.State)
@pytest.mark.parametrize("step", tester_rules.Step)
def test_every_state_of_a_tester_meets_every_step(state: tester_rules.State, step: tester_rules.Step) -> None:
    found = tester_rules.check_step(state, step, client="a", registered_by="b", own=True, decides=True)
    allowed = {
        "registered": {"approve", "reject", "revoke"},
        "approved": {"revoke"},
        "rejected": set(),
        "revoked": set(),
    }
    assert bool(found) == (step.value not in allowed[state.value])
    assert tester_rules.check_step(state, step, client="a", registered_by="a", own=False, decides=False)


# ---- Forgeries


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_what_is_not_signed_with_a_registered_key_is_refused(
    catalog: TestClient, tool: Tool, laboratory: dict[str, str]
) -> None:
    def refused(signed: str | bytes) -> str:
        answer = file(catalog, laboratory, signed)
        assert answer.status_code == 422, answer.text
        return problem(answer)[1]

    claims = tool.claims()
    header, payload, signature = tool.sign(claims).split(".")
    stranger = Tool()
    assert refused(stranger.sign(claims)) == "report-key-unknown"
    assert refused(stranger.sign(claims, kid=tool.kid)) == "report-forged"
    assert refused(jwt.encode(claims, "", algorithm="none", headers={"kid": tool.kid})) == "report-algorithm-refused"
    assert refused(f"{part({'alg': 'none', 'kid': tool.kid})}.{payload}.") == "report-algorithm-refused"
    # HS256 with the public key as the secret: what a careless verifier believes
    pem = tool.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for secret in (pem, base64.urlsafe_b64decode(tool.jwk["x"] + "=")):
        covered = f"{part({'alg': 'HS256', 'kid': tool.kid})}.{payload}"
        mac = base64.urlsafe_b64encode(hmac.digest(secret, covered.encode(), "sha256")).rstrip(b"=").decode()
        assert refused(f"{covered}.{mac}") == "report-algorithm-refused"
    other = Tool("ES256")
    assert refused(other.sign(claims, kid=tool.kid)) == "report-algorithm-refused"
    assert refused(f"{part({'alg': 'ES256', 'kid': tool.kid})}.{payload}.{signature}") == "report-algorithm-refused"
    changed = tool.claims(results=[result("VT1-03")])
    assert refused(f"{header}.{part(changed)}.{signature}") == "report-forged"
    assert refused(f"{header}.{payload}.{signature[:-4]}AAAA") == "report-forged"
    assert refused(f"{part({'alg': 'EdDSA', 'kid': tool.kid, 'x': 1})}.{payload}.{signature}") == "report-unreadable"
    with_jwk = tool.sign(claims, jwk=stranger.jwk)
    assert refused(with_jwk) == "report-unreadable", "a report does not bring its own key"
    assert refused(tool.sign(claims, crit=["exp"], exp=1)) == "report-unreadable"
    for nonsense in ("", "a.b", "a.b.c.d", "....", f"{header}.{payload}", f"{header}=.{payload}.{signature}"):
        assert refused(nonsense) == "report-unreadable"
    rsa_key = rsa.generate_private_key(65537, 2048)
    assert refused(jwt.encode(claims, rsa_key, "RS256", headers={"kid": tool.kid})) == "report-algorithm-refused"
    assert walk(catalog, "/test-reports", tester=tool.id) == []


def test_everything_that_is_wrong_with_a_report_is_told(
    catalog: TestClient, tool: Tool, laboratory: dict[str, str]
) -> None:
    claims = tool.claims(
        jti="en",
        iat="nå",
        sub=None,
        farge="rød",
        results=[
            result("VT1-01", "failed"),
            result("VT1-02", "not_met", reason=None),
            result("VT1-03", ran_on="i går"),
            result("VT1-04", log_sha256="abc"),
        ],
    )
    answer = file(catalog, laboratory, tool.sign(claims))
    assert errors(answer) == {
        ("report-incomplete", "#/farge"),
        ("report-incomplete", "#/jti"),
        ("report-incomplete", "#/iat"),
        ("report-incomplete", "#/sub"),
        ("report-incomplete", "#/results/0/outcome"),
        ("report-reason-missing", "#/results/1/reason"),
        ("report-incomplete", "#/results/2/ran_on"),
        ("report-incomplete", "#/results/3/log_sha256"),
    }


def test_everything_that_speaks_against_a_report_is_told(
    catalog: TestClient, tool: Tool, laboratory: dict[str, str], issuer: Issuer
) -> None:
    claims = tool.claims(iss=str(uuid4()), iat=int(time.time()) + 3600, version="9.9")
    claims["results"] = [result("VT1-01", ran_on="2999-01-01"), result("VT1-01"), result("VT9-99")]
    answer = file(catalog, laboratory, tool.sign(claims))
    assert errors(answer) == {
        ("report-from-another", "#/iss"),
        ("report-from-future", "#/iat"),
        ("report-from-future", "#/results/0/ran_on"),
        ("report-subject-unknown", "#/version"),
        ("report-result-repeated", "#/results/1/requirement"),
        ("report-requirement-unknown", "#/results/2/requirement"),
    }
    unknown = tool.claims(sub="finnes-ikke", specification_version="7")
    assert errors(file(catalog, laboratory, tool.sign(unknown))) == {
        ("report-subject-unknown", "#/sub"),
        ("report-subject-unknown", "#/specification_version"),
    }
    stranger = issuer.bearer(HAVORN, "certification.apply")
    assert problem(file(catalog, stranger, tool.sign(tool.claims()))) == (403, "not-your-report")


def test_the_keys_own_days_hold(
    catalog: TestClient, laboratory: dict[str, str], decider: dict[str, str], supplier: dict[str, str]
) -> None:
    tool = Tool()
    register(catalog, tool, laboratory, valid_from_on="2026-06-01")
    catalog.post(f"/testers/{tool.id}/approve", json={}, headers=decider)
    catalog.post(
        f"/testers/{tool.id}/delegations", json={"product": PRODUCT, "until_on": "2028-01-01"}, headers=supplier
    )
    early = tool.claims(iat=1_767_225_600, results=[result("VT1-01", ran_on="2025-12-31")])  # 2026-01-01
    assert problem(file(catalog, laboratory, tool.sign(early))) == (409, "tester-not-in-force")
    gone = catalog.post(f"/testers/{tool.id}/revoke", json={"reason": "På avveie"}, headers=laboratory)
    assert gone.json()["state"] == "revoked"
    assert problem(file(catalog, laboratory, tool.sign(tool.claims()))) == (409, "tester-not-in-force")


def test_of_two_same_reports_at_once_one_is_taken(catalog: TestClient, tool: Tool, laboratory: dict[str, str]) -> None:
    signed = tool.sign(tool.claims())
    together, answers = threading.Barrier(2), []

    def send() -> None:
        together.wait()
        answers.append(file(catalog, laboratory, signed).status_code)

    threads = [threading.Thread(target=send) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(answers) == [201, 409]


# ---- What is not met


def test_what_is_not_met_waits_for_a_person(
    catalog: TestClient, tool: Tool, laboratory: dict[str, str], supplier: dict[str, str], issuer: Issuer
) -> None:
    before = catalog.get("/events").json()["next"]
    claims = tool.claims(results=[result("VT1-01"), result("VT1-02", "not_met")])
    made = file(catalog, laboratory, tool.sign(claims))
    path = made.headers["Location"]
    assert made.json()["state"] == "awaiting_approval"

    def codes(headers: dict[str, str]) -> list[str]:
        return [one["requirement"] for one in catalog.get(path, headers=headers).json()["results"]]

    assessor = issuer.bearer(BODY, "certification.assess", client="vurderer")
    assert codes({}) == codes(issuer.bearer(HAVORN, "certification.apply")) == ["VT1-01"]
    assert codes(supplier) == codes(laboratory) == codes(assessor) == ["VT1-01", "VT1-02"]
    told = [
        (one["type"], one["data"].get("requirements"))
        for one in catalog.get("/events", params={"after": before}, headers=supplier).json()["items"]
        if one["subject"] == path
    ]
    assert told == [("test-report.filed", ["VT1-01"]), ("test-report.failed", None)]
    assert [
        one["type"]
        for one in catalog.get("/events", params={"after": before}).json()["items"]
        if one["subject"] == path
    ] == ["test-report.filed"], "that something failed is not told to all yet"
    open_to_all = catalog.get(path).json()
    assert (open_to_all["state"], open_to_all["looked_at"]) == ("taken", None), "nor by its state"
    for state, seen in (("taken", 1), ("awaiting_approval", 0)):
        assert len(walk(catalog, "/test-reports", tester=tool.id, state=state)) == seen
    waiting = catalog.get("/test-reports", params={"state": "awaiting_approval", "tester": tool.id}, headers=supplier)
    assert [one["state"] for one in waiting.json()["items"]] == ["awaiting_approval"]
    own = catalog.post(f"{path}/approve", json={"reason": "Riktig"}, headers=laboratory)
    assert problem(own) == (403, "report-four-eyes")
    approved = catalog.post(f"{path}/approve", json={"reason": "Gjenskapt"}, headers=assessor)
    assert approved.json()["state"] == "approved"
    assert codes({}) == ["VT1-01", "VT1-02"]
    assert catalog.get(path).json()["reason"] == "Gjenskapt"
    again = catalog.post(f"{path}/reject", json={"reason": "Likevel ikke"}, headers=assessor)
    assert problem(again) == (409, "report-step-refused")


def test_a_report_of_which_nothing_is_met_is_not_seen_before(
    catalog: TestClient, tool: Tool, laboratory: dict[str, str], issuer: Issuer
) -> None:
    made = file(catalog, laboratory, tool.sign(tool.claims(results=[result("VT1-02", "partly")])))
    path = made.headers["Location"]
    assert problem(catalog.get(path)) == (404, "test-report-not-found")
    assert walk(catalog, "/test-reports", tester=tool.id) == []
    assessor = issuer.bearer(BODY, "certification.assess")
    assert catalog.post(f"{path}/reject", json={"reason": "Nede"}, headers=assessor).json()["state"] == "rejected"
    assert problem(catalog.get(path)) == (404, "test-report-not-found")


def test_a_suppliers_own_tool_is_its_own_word(
    catalog: TestClient, supplier: dict[str, str], decider: dict[str, str]
) -> None:
    tool = Tool()
    register(catalog, tool, supplier)
    catalog.post(f"/testers/{tool.id}/approve", json={}, headers=decider)
    made = file(catalog, supplier, tool.sign(tool.claims()))
    assert made.status_code == 201, made.text
    assert made.json()["assurance"] == "self_declared"
    other = tool.claims(sub="havorn-alarm", version="1.4")
    kinds = {kind for kind, _ in errors(file(catalog, supplier, tool.sign(other)))}
    assert kinds == {"delegation-missing"}, "its own products only"


@pytest.mark.parametrize("state", rules.State)
@pytest.mark.parametrize("step", rules.Step)
def test_every_state_of_a_report_meets_every_step(state: rules.State, step: rules.Step) -> None:
    found = rules.check_step(state, step, interested=False)
    assert bool(found) == (state is not rules.State.AWAITING_APPROVAL)
    assert len(rules.check_step(state, step, interested=True)) == len(found) + 1


@pytest.mark.parametrize("state", rules.State)
@pytest.mark.parametrize("outcome", Outcome)
def test_what_is_shown_and_what_counts(state: rules.State, outcome: Outcome) -> None:
    met = outcome is Outcome.MET
    assert rules.shows(outcome, state, party=True)
    assert rules.shows(outcome, state, party=False) == (met or state is rules.State.APPROVED)
    waits = not met and state is rules.State.AWAITING_APPROVAL
    assert rules.counts(outcome, state) == (None if waits else met or state is rules.State.APPROVED)


# ---- Delegations


def test_only_the_supplier_lets_a_tester_report(
    catalog: TestClient, laboratory: dict[str, str], supplier: dict[str, str], issuer: Issuer
) -> None:
    tester = str(seed_id("tester:laboratory"))
    path = f"/testers/{tester}/delegations"
    new = {"product": PRODUCT, "until_on": "2027-06-30"}
    stranger = issuer.bearer(HAVORN, "certification.apply")
    assert problem(catalog.post(path, json=new, headers=stranger)) == (403, "not-your-product-to-test")
    long = catalog.post(path, json=new | {"until_on": "2036-01-01"}, headers=supplier)
    assert problem(long) == (422, "delegation-period-invalid")
    given = catalog.post(path, json=new, headers=supplier)
    assert given.json()["holds"] is True
    assert {one["product"] for one in catalog.get(path, headers=supplier).json()["items"]} == {
        PRODUCT,
        "fjordvakt-tilsyn",
    }
    assert len(catalog.get(path, headers=laboratory).json()["items"]) == 2
    assert catalog.get(path, headers=stranger).json()["items"] == catalog.get(path).json()["items"] == []
    mine = given.headers["Location"]
    assert problem(catalog.post(f"{mine}/withdraw", json={}, headers=stranger)) == (404, "delegation-not-found")
    assert catalog.post(f"{mine}/withdraw", json={}, headers=supplier).json()["withdrawn_at"]
    assert problem(catalog.post(f"{mine}/withdraw", json={}, headers=supplier)) == (409, "delegation-already-withdrawn")
