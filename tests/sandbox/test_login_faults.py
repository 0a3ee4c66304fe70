"""What the login providers do on a bad day, at either of them, and what clients and services make of it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx
import psycopg
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from services.chassis.auth import Gate, IssuerAway, TokenInvalid
from services.chassis.settings import IssuerKind, ServiceSettings, TrustedIssuer
from services.settings import RunSettings
from tests.sandbox.logins import BRONNOY, Party, claims_of, opened, registered, representing
from tests.sandbox.running import RunningSandbox
from tests.sandbox.test_scenarios import begin

EMPLOYEE = ["openid", "profile", "samvirke:agreements.read"]
PROVIDERS = ["idporten", "ansattporten"]


@pytest.fixture(params=PROVIDERS)
def party(request: pytest.FixtureRequest, sandbox: RunningSandbox) -> Party:
    return registered(sandbox, request.param)


def test_a_spoilt_token_is_spoilt_as_told(sandbox: RunningSandbox, party: Party) -> None:
    spoilt = {"seconds": -3600, "changes": {"acr": None, "made": "wrong"}, "header": {"typ": "at+jwt"}}
    sandbox.fault(stand_in=party.provider, kind="spoilt_token", path_prefix="/token", **spoilt)
    answer, right = party.tokens(), party.tokens()

    for name in ("access_token", "id_token"):
        header, claims = opened(answer[name])
        before = claims_of(right[name])
        assert header["typ"] == "at+jwt"
        assert (claims["made"], "acr" in claims) == ("wrong", False)
        assert claims["exp"] - claims["iat"] == before["exp"] - before["iat"]
        assert before["iat"] - claims["iat"] >= 3600 - 60
        assert "typ" not in opened(right[name])[0]
        assert party.verified(answer[name])


def test_a_token_that_a_stranger_signed_holds_under_no_published_key(sandbox: RunningSandbox, party: Party) -> None:
    begin(sandbox, "logins-forged-signature")
    answer = party.tokens()
    keys = KeySet.import_key_set(httpx.get(f"{party.url}/jwks.json").json())

    assert opened(answer["id_token"])[0]["kid"] in {key.kid for key in keys.keys}
    for name in ("access_token", "id_token"):
        with pytest.raises(Exception, match="bad_signature"):
            jwt.decode(answer[name], keys, algorithms=["RS256"])
    assert party.userinfo(answer["access_token"]).status_code == 401


@pytest.mark.parametrize("seconds", [-120, 120])
def test_a_clock_that_is_wrong_refuses_right_assertions(sandbox: RunningSandbox, seconds: int) -> None:
    for name in PROVIDERS:
        keyed = registered(sandbox, name, "private_key_jwt")
        code = keyed.code()
        sandbox.fault(stand_in=name, kind="wrong_clock", path_prefix="/token", seconds=seconds)

        refused = keyed.redeem(code)

        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
        why = "Issue time is after now" if seconds < 0 else "JWT is expired"
        assert why in refused.json()["error_description"]
        assert keyed.redeem(code).status_code == 200


def test_a_clock_that_is_slow_gives_tokens_from_the_past(sandbox: RunningSandbox, party: Party) -> None:
    code = party.code()
    sandbox.fault(stand_in=party.provider, kind="wrong_clock", path_prefix="/token", seconds=-30)
    slow = claims_of(party.redeem(code).json()["id_token"])

    assert slow["iat"] < slow["auth_time"]
    right = claims_of(party.tokens()["id_token"])
    assert right["iat"] >= right["auth_time"]


def test_discovery_may_name_another_issuer(sandbox: RunningSandbox, party: Party) -> None:
    begin(sandbox, "logins-wrong-issuer-in-discovery")

    for form in ("openid-configuration", "oauth-authorization-server"):
        found = httpx.get(f"{party.url}/.well-known/{form}").json()
        assert found["issuer"] == "https://elsewhere.example"
        assert found["token_endpoint"] == f"{party.url}/token"


WIRE: list[tuple[dict[str, Any], int | type[Exception], str]] = [
    ({"kind": "status", "status": 500}, 500, "text/html; charset=utf-8"),
    ({"kind": "status", "status": 503}, 503, "text/html; charset=utf-8"),
    ({"kind": "drop_before"}, httpx.TransportError, ""),
    ({"kind": "drop_after"}, httpx.TransportError, ""),
    ({"kind": "truncated"}, httpx.TransportError, ""),
    ({"kind": "empty_body"}, 200, "application/json"),
    ({"kind": "status", "status": 200}, 200, "text/html; charset=utf-8"),
    ({"kind": "wrong_content_type", "content_type": "text/plain"}, 200, "text/plain"),
    ({"kind": "changed_json", "changes": {"expires_in": "120"}}, 200, "application/json"),
    ({"kind": "delay", "seconds": 0.1}, 200, "application/json"),
]


@pytest.mark.parametrize(("fault", "met", "content_type"), WIRE, ids=lambda value: str(value)[:40])
def test_every_fault_of_the_wire_is_met_at_the_token_endpoint(
    sandbox: RunningSandbox, party: Party, fault: dict[str, Any], met: int | type[Exception], content_type: str
) -> None:
    code = party.code()
    sandbox.fault(stand_in=party.provider, path_prefix="/token", **fault)

    if isinstance(met, type):
        with pytest.raises(met):
            party.redeem(code)
        used = fault["kind"] != "drop_before"
        assert party.redeem(code).status_code == (400 if used else 200)
        return
    answer = party.redeem(code)
    assert (answer.status_code, answer.headers["content-type"]) == (met, content_type)
    match fault["kind"]:
        case "empty_body":
            assert answer.content == b""
        case "changed_json":
            assert answer.json()["expires_in"] == "120"
        case "status":
            assert "access_token" not in answer.text
        case _:
            assert answer.json()["expires_in"] == 120


def gate_of(party: Party) -> Gate:
    """Of a service that has just started, with the roles that `make run` gives."""
    kind = IssuerKind.EMPLOYEE if party.provider == "ansattporten" else IssuerKind.PERSON
    trusted = TrustedIssuer(issuer=party.issuer, kind=kind, jwks_url=f"{party.url}/jwks.json")
    given: dict[str, Any] = {"database_url": "postgresql://127.0.0.1/none", "port": 1, "roles": RunSettings().roles}
    return Gate([trusted], scope_prefix="samvirke", rules=ServiceSettings(**given))


def employee(party: Party) -> dict[str, Any]:
    hint = party.hint(acts_for=BRONNOY)
    return party.tokens(scope=" ".join(EMPLOYEE), authorization_details=representing(), login_hint=hint)


@pytest.mark.parametrize(
    ("scenario", "why"),
    [
        ("logins-expired-tokens", "has expired"),
        ("logins-tokens-not-valid-yet", "not valid yet|issued in the future|after now"),
        ("logins-unknown-kid", "not one of the issuer's"),
        ("logins-forged-signature", "signature does not hold"),
        ("logins-wrong-issuer-in-tokens", "issuer is not trusted"),
    ],
)
def test_a_spoilt_token_of_an_employee_is_refused_by_our_services(
    sandbox: RunningSandbox, scenario: str, why: str
) -> None:
    party = registered(sandbox, "ansattporten", scopes=EMPLOYEE)
    begin(sandbox, scenario)

    with pytest.raises(TokenInvalid, match=why):
        gate_of(party).verify(employee(party)["access_token"], fetching=True)

    sandbox.http.delete(f"{sandbox.control_url}/_sandbox/faults").raise_for_status()
    assert gate_of(party).verify(employee(party)["access_token"], fetching=True)


def test_a_service_that_knows_the_keys_lives_on_when_they_cannot_be_fetched(sandbox: RunningSandbox) -> None:
    party = registered(sandbox, "ansattporten", scopes=EMPLOYEE)
    known = gate_of(party)
    known.verify(employee(party)["access_token"], fetching=True)
    begin(sandbox, "logins-keys-down")
    token = employee(party)["access_token"]

    assert known.verify(token, fetching=True)
    with pytest.raises(IssuerAway):
        gate_of(party).verify(token, fetching=True)


@pytest.fixture
def own_party(own_sandbox: RunningSandbox) -> Party:
    return registered(own_sandbox, "ansattporten", scopes=EMPLOYEE)


def test_keys_are_rotated_while_people_log_in_and_nobody_is_turned_away(own_party: Party) -> None:
    party, gate = own_party, gate_of(own_party)
    control = f"{party.sandbox.control_url}/_sandbox/logins/{party.provider}/rotate"
    old = opened(employee(party)["access_token"])[0]["kid"]
    new = party.sandbox.http.post(control, json={"lead_seconds": 3600}).raise_for_status().json()["kid"]
    assert gate.verify(employee(party)["access_token"], fetching=True), "it knows both keys from here on"
    seen: list[str] = []

    def use(number: int) -> tuple[bool, int]:
        if number == 12:  # the hour passes
            with psycopg.connect(party.sandbox.settings.database_url) as connection:
                connection.execute("UPDATE login_signing_key SET not_before = now() WHERE kid = %s", [new])
        token = employee(replace(party))["access_token"]
        seen.append(opened(token)[0]["kid"])
        return gate.verify(token, fetching=False) is not None, party.userinfo(token).status_code

    with ThreadPoolExecutor(4) as several:
        assert set(several.map(use, range(24))) == {(True, 200)}
    assert set(seen) == {old, new}
