"""Which tokens open the door, as whom, and with which answer the others are turned away."""

import base64
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import RSAKey

from services.chassis.settings import IssuerKind
from tests.chassis.conftest import ORGANISATION, build
from tests.conftest import NewDatabase, state
from tests.issuer import Issuer


@pytest.fixture(scope="module")
def url(shared_database: NewDatabase) -> str:
    return shared_database("agreements")


@pytest.fixture(scope="module")
def api(url: str, issuer: Issuer) -> Iterator[TestClient]:
    """One service for all of these: they only knock at the door."""
    with TestClient(build(url, issuer)) as client:
        yield client


BUYING = "urn:altinn:resource:things-buying"
GOOD = {"name": {"nb": "Ting"}, "price": "2.00", "owner": ORGANISATION}


def post(api: TestClient, token: str | None) -> Any:
    return api.post("/things", json=GOOD, headers={"Authorization": f"Bearer {token}"} if token else {})


def test_a_token_with_the_scope_opens(api: TestClient, issuer: Issuer) -> None:
    assert post(api, issuer.token(ORGANISATION, "things.write")).status_code == 201


def test_without_a_token_one_is_asked_for(api: TestClient) -> None:
    answer = post(api, None)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.json()["type"] == "/problems/token-missing"


def test_without_the_scope_it_is_named(api: TestClient, issuer: Issuer) -> None:
    answer = post(api, issuer.token(ORGANISATION, "things.read"))
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/scope-missing")
    assert 'error="insufficient_scope", scope="samvirke:things.write"' in answer.headers["www-authenticate"]


def test_another_prefix_is_another_scope(api: TestClient, issuer: Issuer) -> None:
    assert post(api, issuer.token(ORGANISATION, scope="other:things.write")).status_code == 403


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": int(time.time()) - 11, "iat": int(time.time()) - 120},
        {"exp": None},
        {"iat": None},
        {"iat": int(time.time()) + 3600},
        {"nbf": int(time.time()) + 3600},
        {"exp": "tomorrow"},
        {"exp": True},
        {"iss": "http://127.0.0.1:1/"},
        {"iss": None},
        {"nonce": "n"},
        {"cnf": {"jkt": "x"}},
        {"consumer": None},
        {"consumer": {"authority": "iso6523-actorid-upis", "ID": "0192:964983292"}},
        {"consumer": {"authority": "etsi", "ID": "0192:964983291"}},
        {"consumer": {"authority": "iso6523-actorid-upis", "ID": "964983291"}},
        {"consumer": "0192:964983291"},
    ],
    ids=lambda claims: "-".join(claims),
)
def test_wrong_claims_are_refused(api: TestClient, issuer: Issuer, claims: dict[str, Any]) -> None:
    answer = post(api, issuer.token(ORGANISATION, "things.write", **claims))
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/token-invalid")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("missing_slash", [True, False])
def test_the_issuer_is_compared_exactly(api: TestClient, issuer: Issuer, missing_slash: bool) -> None:
    name = issuer.issuer.rstrip("/") if missing_slash else issuer.issuer + "/"
    answer = post(api, issuer.token(ORGANISATION, "things.write", iss=name))
    assert answer.status_code == 401
    assert issuer.issuer in answer.json()["detail"], "the refusal says what was expected"


@pytest.mark.parametrize("typ", ["logout+jwt", "dpop+jwt", "secevent+jwt", "JOSE"])
def test_other_kinds_of_token_are_refused(api: TestClient, issuer: Issuer, typ: str) -> None:
    header = {"alg": "RS256", "kid": "test-1", "typ": typ}
    assert post(api, issuer.token(ORGANISATION, "things.write", header=header)).status_code == 401


@pytest.mark.parametrize("typ", ["JWT", "at+jwt"])
def test_usual_kinds_are_accepted(api: TestClient, issuer: Issuer, typ: str) -> None:
    header = {"alg": "RS256", "kid": "test-1", "typ": typ}
    assert post(api, issuer.token(ORGANISATION, "things.write", header=header)).status_code == 201


def test_an_unknown_key_id_is_refused(api: TestClient, issuer: Issuer) -> None:
    header = {"alg": "RS256", "kid": "test-2"}
    assert post(api, issuer.token(ORGANISATION, "things.write", header=header)).status_code == 401


def test_a_signature_by_another_key_is_refused(api: TestClient, issuer: Issuer) -> None:
    claims = json.loads(base64.urlsafe_b64decode(issuer.token(ORGANISATION, "things.write").split(".")[1] + "=="))
    forged = jwt.encode({"alg": "RS256", "kid": "test-1"}, claims, RSAKey.generate_key(2048), default_type=None)
    assert post(api, forged).status_code == 401


def test_the_public_key_is_no_shared_secret(api: TestClient, issuer: Issuer) -> None:
    claims = json.loads(base64.urlsafe_b64decode(issuer.token(ORGANISATION, "things.write").split(".")[1] + "=="))
    public = issuer.key.public_key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    # By hand: a careful library does not let a public key be used as a secret.
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"test-1"}').rstrip(b"=")
    signed = head + b"." + base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
    forged = signed + b"." + base64.urlsafe_b64encode(hmac.digest(public, signed, "sha256")).rstrip(b"=")
    assert post(api, forged.decode()).status_code == 401


def test_a_token_without_signature_is_refused(api: TestClient, issuer: Issuer) -> None:
    payload = issuer.token(ORGANISATION, "things.write").split(".")[1]
    header = base64.urlsafe_b64encode(b'{"alg":"none","kid":"test-1"}').rstrip(b"=").decode()
    assert post(api, f"{header}.{payload}.").status_code == 401


@pytest.mark.parametrize("token", ["x", "a.b.c", "e30.e30.e30", "..", "æ.ø.å"])
def test_what_is_no_token_is_refused(api: TestClient, token: str) -> None:
    answer = api.post("/things", json=GOOD, headers=[(b"Authorization", f"Bearer {token}".encode())])
    assert answer.status_code == 401


def test_a_delegated_token_acts_for_the_customer(issuer: Issuer, api: TestClient) -> None:
    vendor = {"authority": "iso6523-actorid-upis", "ID": "0192:100000016"}
    gate = state(api).gate
    caller = gate.verify(issuer.token(ORGANISATION, supplier=vendor), fetching=True)
    assert (caller.organisation, caller.supplier) == (ORGANISATION, "100000016")


def test_a_system_users_token_acts_for_the_customer_too(issuer: Issuer, api: TestClient) -> None:
    details = [
        {
            "type": "urn:altinn:systemuser",
            "systemuser_org": {"authority": "iso6523-actorid-upis", "ID": f"0192:{ORGANISATION}"},
        }
    ]
    gate = state(api).gate
    caller = gate.verify(issuer.token("100000016", authorization_details=details), fetching=True)
    assert (caller.organisation, caller.supplier) == (ORGANISATION, "100000016")


@pytest.mark.parametrize(
    ("kind", "details", "expected"),
    [
        (IssuerKind.PERSON, None, None),
        (IssuerKind.EMPLOYEE, None, None),
        (IssuerKind.EMPLOYEE, [{"type": "ansattporten:altinn:resource"}], None),
        (
            IssuerKind.EMPLOYEE,
            [
                {
                    "type": "ansattporten:altinn:resource",
                    "resource": BUYING,
                    "authorized_parties": [{"orgno": {"authority": "iso6523-actorid-upis", "ID": "0192:964983291"}}],
                }
            ],
            "964983291",
        ),
    ],
)
def test_a_person_acts_only_for_an_organisation_that_was_chosen(
    url: str, issuer: Issuer, kind: IssuerKind, details: object, expected: str | None
) -> None:
    roles = [{"role": "writer", "scopes": ["things.write"], "resources": [BUYING]}]
    app = build(url, issuer, issuers=[issuer.trusted(kind)], roles=roles)
    with TestClient(app) as api:
        token = issuer.token(
            ORGANISATION, "things.write", authorization_details=details, acr="substantial", sub="someone"
        )
        answer = post(api, token)
        assert answer.status_code == (201 if expected else 403)
        if not expected:
            assert answer.json()["type"] == "/problems/represents-nobody"


def test_an_audience_is_demanded_where_it_is_configured(url: str, issuer: Issuer) -> None:
    with TestClient(build(url, issuer, audience="https://things.example")) as api:
        assert post(api, issuer.token(ORGANISATION, "things.write")).status_code == 401
        assert post(api, issuer.token(ORGANISATION, "things.write", aud="https://other.example")).status_code == 401
        wanted = issuer.token(ORGANISATION, "things.write", aud=["https://things.example"])
        assert post(api, wanted).status_code == 201


def test_when_the_issuers_keys_cannot_be_had_nobody_gets_in(url: str, issuer: Issuer) -> None:
    gone = issuer.trusted().model_copy(update={"jwks_url": "http://127.0.0.1:9/jwk"})
    with TestClient(build(url, issuer, issuers=[gone])) as api:
        answer = post(api, issuer.token(ORGANISATION, "things.write"))
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/issuer-away")
        assert answer.headers["retry-after"]


def test_production_trusts_no_issuer_over_plain_http(url: str, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMVIRKE_ENV", "production")
    with pytest.raises(ValueError, match="plain http"):
        build(url, issuer)
