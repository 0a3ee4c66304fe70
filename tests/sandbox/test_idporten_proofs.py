"""DPoP at the login providers: tokens bound to a key, and every proof that proves nothing."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey

from tests.sandbox.logins import Party, browser, claims_of, proof, registered, told
from tests.sandbox.running import RunningSandbox

OURS = ECKey.generate_key("P-256", private=True)
THEIRS = ECKey.generate_key("P-256", private=True)


@pytest.fixture
def party(sandbox: RunningSandbox) -> Party:
    return registered(sandbox, "idporten")


@pytest.fixture
def at() -> Iterator[httpx.Client]:
    with browser() as one:
        yield one


def bound(party: Party, **changed: Any) -> httpx.Response:
    """A code redeemed with a proof."""
    return party.redeem(party.code(), {"DPoP": proof(OURS, f"{party.url}/token", **changed)})


def test_a_proof_binds_the_access_token_to_its_key(party: Party) -> None:
    answer = bound(party).json()

    assert answer["token_type"] == "DPoP"
    assert claims_of(answer["access_token"])["cnf"] == {"jkt": OURS.thumbprint()}
    assert "cnf" not in claims_of(answer["id_token"])
    shown = party.post("/token/introspect", {"token": answer["access_token"]}).json()
    assert (shown["active"], shown["token_type"]) == (True, "DPoP")


def test_dpop_is_optional(party: Party) -> None:
    assert party.tokens()["token_type"] == "Bearer"


def test_a_bound_token_opens_userinfo_with_a_proof_only(party: Party) -> None:
    token = bound(party).json()["access_token"]
    url = f"{party.url}/userinfo"

    good = party.userinfo(token, "DPoP", proof(OURS, url, "GET", token))
    refused = [
        party.userinfo(token),
        party.userinfo(token, "DPoP"),
        party.userinfo(token, "DPoP", proof(THEIRS, url, "GET", token)),
        party.userinfo(token, "DPoP", proof(OURS, url, "GET")),
        party.userinfo(token, "DPoP", proof(OURS, url, "GET", f"{token}x")),
        party.userinfo(token, "DPoP", proof(OURS, url, "POST", token)),
        party.userinfo(token, "DPoP", proof(OURS, f"{party.url}/token", "GET", token)),
    ]

    assert good.status_code == 200
    assert {(one.status_code, one.json()["error"]) for one in refused} == {(401, "invalid_token")}
    assert refused[0].headers["www-authenticate"].startswith("Bearer ")
    assert refused[1].headers["www-authenticate"] == 'DPoP error="invalid_token", algs="ES256 RS256 PS256"'


def test_a_token_that_is_not_bound_is_no_dpop_token(party: Party) -> None:
    token = party.tokens()["access_token"]

    assert party.userinfo(token, "DPoP", proof(OURS, f"{party.url}/userinfo", "GET", token)).status_code == 401


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"htm": "GET"}, "htm must be POST"),
        ({"htu": "http://127.0.0.1:1/token"}, "htu must be"),
        ({"htu": "http://["}, "htu must be"),
        ({"iat": -61}, "iat is too old or after now"),
        ({"iat": 30}, "iat is too old or after now"),
        ({"iat": None}, "iat must be seconds"),
        ({"jti": None}, "no jti"),
        ({"header": {"typ": "JWT"}}, "typ must be dpop+jwt"),
        ({"header": {"alg": "ES384"}}, "alg must be one of"),
        ({"header": {"jwk": None}}, "jwk must be a public key"),
        ({"header": {"jwk": OURS.as_dict(private=True)}}, "jwk must be a public key"),
        ({"header": {"jwk": THEIRS.as_dict(private=False)}}, "invalid signature"),
        ({"header": {"jwk": {"kty": "EC"}}}, "invalid signature"),
    ],
)
def test_a_proof_with_something_wrong_is_refused(party: Party, changed: dict[str, Any], why: str) -> None:
    if isinstance(changed.get("iat"), int):
        changed = {"iat": int(time.time()) + changed["iat"]}
    key = ECKey.generate_key("P-384", private=True) if changed.get("header") == {"alg": "ES384"} else OURS
    made = proof(key, f"{party.url}/token", **changed)

    refused = party.redeem(party.code(), {"DPoP": made})

    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_dpop_proof")
    assert why in refused.json()["error_description"]


def test_a_proof_that_is_no_jwt_is_refused(party: Party) -> None:
    assert party.redeem("x", {"DPoP": "nonsense"}).json()["error"] == "invalid_dpop_proof"


def test_a_proof_is_good_once(party: Party) -> None:
    made = proof(OURS, f"{party.url}/token")

    assert party.redeem(party.code(), {"DPoP": made}).status_code == 200
    again = party.redeem(party.code(), {"DPoP": made})
    assert again.json()["error_description"] == "DPoP proof: it is used before"


def test_the_address_in_a_proof_is_compared_without_its_query(party: Party) -> None:
    made = proof(OURS, f"{party.url}/token?x=1#y")

    assert party.redeem(party.code(), {"DPoP": made}).status_code == 200


def test_a_bound_login_is_renewed_with_a_proof_only(party: Party) -> None:
    first = bound(party).json()
    without = party.refresh(first["refresh_token"])
    second = party.refresh(first["refresh_token"], {"DPoP": proof(OURS, f"{party.url}/token")}).json()

    assert (without.status_code, without.json()["error"]) == (400, "invalid_dpop_proof")
    assert second["token_type"] == "DPoP"
    assert claims_of(second["access_token"])["cnf"] == {"jkt": OURS.thumbprint()}


def test_a_code_can_be_bound_to_a_key_from_the_beginning(party: Party) -> None:
    def code() -> str:
        return party.code(dpop_jkt=OURS.thumbprint())

    url = f"{party.url}/token"
    for headers in ({}, {"DPoP": proof(THEIRS, url)}):
        refused = party.redeem(code(), headers).json()
        assert refused == {"error": "invalid_grant", "error_description": "The code is bound to another DPoP key"}
    assert party.redeem(code(), {"DPoP": proof(OURS, url)}).status_code == 200


def test_ansattporten_binds_tokens_too(sandbox: RunningSandbox, at: httpx.Client) -> None:
    party = registered(sandbox, "ansattporten", "none")
    code = told(party.authorize(at, login_hint=party.hint()))["code"]

    answer = party.redeem(code, {"DPoP": proof(OURS, f"{party.url}/token")}).json()

    assert answer["token_type"] == "DPoP"
    assert claims_of(answer["access_token"])["cnf"] == {"jkt": OURS.thumbprint()}
