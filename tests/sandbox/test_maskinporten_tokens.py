"""A right grant gets a token as Maskinporten makes them, and a service of ours takes it."""

import base64
import json
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from services.chassis.auth import Gate
from services.chassis.settings import IssuerKind, TrustedIssuer
from services.chassis.tokens import GRANT, assertion
from services.chassis.values import seed_id
from tests.sandbox.running import RunningSandbox

BRONNOY = "964983291"
SUPPLIER = "100000016"
ORDER = "samvirke:agreements.order"


def opened(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, as they stand."""
    header, claims, _ = token.split(".")
    return tuple(json.loads(base64.urlsafe_b64decode(one + "==")) for one in (header, claims))


def test_the_token_holds_what_the_real_one_holds_and_nothing_else(sandbox: RunningSandbox) -> None:
    response = sandbox.grant(BRONNOY, ORDER, "samvirke:agreements.read")

    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    answer = response.json()
    assert set(answer) == {"access_token", "token_type", "expires_in", "scope"}
    assert answer["token_type"] == "Bearer"
    assert answer["expires_in"] == 120
    assert isinstance(answer["expires_in"], int)
    assert answer["scope"] == f"{ORDER} samvirke:agreements.read"
    header, claims = opened(answer["access_token"])
    assert set(header) == {"kid", "alg"}
    assert header["alg"] == "RS256"
    assert set(claims) == {
        "scope", "iss", "client_amr", "token_type", "exp", "iat", "client_id", "jti", "consumer",
    }  # fmt: skip
    assert claims["iss"] == sandbox.issuer
    assert claims["client_amr"] == "private_key_jwt"
    assert claims["exp"] - claims["iat"] == 120
    assert claims["client_id"] == str(seed_id(f"client:{BRONNOY}"))
    assert claims["consumer"] == {"authority": "iso6523-actorid-upis", "ID": f"0192:{BRONNOY}"}


@pytest.mark.parametrize("resource", ["https://api.example/", ["https://api.example/"], ["a", "b"]])
def test_a_resource_becomes_the_audience(sandbox: RunningSandbox, resource: object) -> None:
    answer = sandbox.grant(BRONNOY, ORDER, resource=resource).json()

    assert opened(answer["access_token"])[1]["aud"] == resource


def test_colons_may_arrive_unencoded(sandbox: RunningSandbox) -> None:
    signed = assertion(
        sandbox.key(BRONNOY), issuer=sandbox.issuer, client=str(seed_id(f"client:{BRONNOY}")), scope=ORDER
    )
    response = sandbox.http.post(
        f"{sandbox.maskinporten_url}/token",
        content=f"grant_type={GRANT}&assertion={signed}",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert response.status_code == 200


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        ({}, {"sub": "anything", "nbf": 1}),
        ({}, {"jti": None}),
        ({"typ": "JWT"}, {}),
        ({"x5t": "dGh1bWI", "made_by": "a program that we do not know"}, {}),
        ({"alg": "RS384"}, {}),
        ({"alg": "RS512"}, {}),
    ],
)
def test_what_real_clients_do_is_tolerated(
    sandbox: RunningSandbox, header: dict[str, Any], claims: dict[str, Any]
) -> None:
    assert sandbox.grant(BRONNOY, ORDER, header=header, **claims).status_code == 200


def test_a_grant_may_live_120_seconds(sandbox: RunningSandbox) -> None:
    issued = sandbox.claims(BRONNOY)["iat"]

    assert sandbox.grant(BRONNOY, ORDER, iat=issued, exp=issued + 120).status_code == 200


def test_an_array_that_holds_only_the_issuer_is_the_issuer(sandbox: RunningSandbox) -> None:
    assert sandbox.grant(BRONNOY, ORDER, aud=[sandbox.issuer]).status_code == 200


def test_a_supplier_acts_for_its_customer_when_that_is_delegated(sandbox: RunningSandbox) -> None:
    scope = "samvirke:catalog.write"
    sandbox.http.post(
        f"{sandbox.control_url}/_sandbox/maskinporten/delegations",
        json={"consumer": BRONNOY, "supplier": SUPPLIER, "scope": scope},
    ).raise_for_status()

    claims = opened(sandbox.grant(SUPPLIER, scope, consumer_org=BRONNOY).json()["access_token"])[1]

    assert claims["consumer"]["ID"] == f"0192:{BRONNOY}"
    assert claims["supplier"] == {"authority": "iso6523-actorid-upis", "ID": f"0192:{SUPPLIER}"}
    assert claims["delegation_source"] == sandbox.settings.delegation_source


def test_a_service_takes_the_token_and_knows_who_calls(sandbox: RunningSandbox) -> None:
    gate = gate_of(sandbox)
    token = sandbox.token(BRONNOY, ["agreements.order"])

    caller = gate.verify(token, fetching=True)

    assert caller
    assert caller.organisation == BRONNOY
    assert caller.scopes == {"agreements.order"}


def test_tokens_of_the_old_and_the_new_key_hold_while_both_are_published(own_sandbox: RunningSandbox) -> None:
    old = own_sandbox.token(BRONNOY, ["agreements.order"])
    rotated = own_sandbox.http.post(f"{own_sandbox.control_url}/_sandbox/maskinporten/rotate", json={"lead_seconds": 0})
    new = own_sandbox.token(BRONNOY, ["agreements.order"])

    published = own_sandbox.http.get(f"{own_sandbox.maskinporten_url}/jwk").json()["keys"]

    assert rotated.status_code == 201
    assert opened(new)[0]["kid"] == rotated.json()["kid"] != opened(old)[0]["kid"]
    assert {key["kid"] for key in published} == {opened(old)[0]["kid"], opened(new)[0]["kid"]}
    keys = KeySet.import_key_set({"keys": published})
    for token in (old, new):
        jwt.decode(token, keys, algorithms=["RS256"])
        assert gate_of(own_sandbox).verify(token, fetching=True)


def test_a_new_key_is_published_before_it_signs(own_sandbox: RunningSandbox) -> None:
    before = opened(own_sandbox.token(BRONNOY, ["agreements.order"]))[0]["kid"]
    new = own_sandbox.http.post(
        f"{own_sandbox.control_url}/_sandbox/maskinporten/rotate", json={"lead_seconds": 600}
    ).json()

    published = own_sandbox.http.get(f"{own_sandbox.maskinporten_url}/jwk").json()["keys"]

    assert new["kid"] in {key["kid"] for key in published}
    assert opened(own_sandbox.token(BRONNOY, ["agreements.order"]))[0]["kid"] == before


def test_a_retired_key_is_published_no_more(own_sandbox: RunningSandbox) -> None:
    old = opened(own_sandbox.token(BRONNOY, ["agreements.order"]))[0]["kid"]
    own_sandbox.http.post(
        f"{own_sandbox.control_url}/_sandbox/maskinporten/rotate", json={"lead_seconds": 0, "overlap_seconds": 0}
    ).raise_for_status()

    published = own_sandbox.http.get(f"{own_sandbox.maskinporten_url}/jwk").json()["keys"]

    assert old not in {key["kid"] for key in published}
    assert len(published) == 1


def test_no_private_part_of_a_key_is_shown(own_sandbox: RunningSandbox) -> None:
    (key,) = own_sandbox.http.get(f"{own_sandbox.maskinporten_url}/jwk").json()["keys"]

    assert set(key) == {"kty", "use", "kid", "alg", "n", "e"}


@pytest.mark.parametrize("form", ["oauth-authorization-server", "openid-configuration"])
def test_the_metadata_names_the_national_paths(sandbox: RunningSandbox, form: str) -> None:
    found = sandbox.http.get(f"{sandbox.maskinporten_url}/.well-known/{form}").json()

    assert found["issuer"] == sandbox.issuer == f"{sandbox.maskinporten_url}/"
    assert found["token_endpoint"] == f"{sandbox.maskinporten_url}/token"
    assert found["jwks_uri"] == f"{sandbox.maskinporten_url}/jwk"
    assert found["grant_types_supported"] == [GRANT]
    assert found["token_endpoint_auth_signing_alg_values_supported"] == ["RS256", "RS384", "RS512"]


def test_an_error_code_can_be_looked_up(sandbox: RunningSandbox) -> None:
    refused = sandbox.grant(BRONNOY, ORDER, aud="https://elsewhere.example/").json()

    assert "aud" in httpx.get(refused["error_uri"]).text
    unknown = httpx.get(f"{sandbox.issuer}errors/MP-999")
    assert (unknown.status_code, unknown.json()["error"]) == (404, "invalid_request")


def gate_of(sandbox: RunningSandbox) -> Gate:
    jwks_url = f"{sandbox.maskinporten_url}/jwk"
    trusted = TrustedIssuer(issuer=sandbox.issuer, kind=IssuerKind.MACHINE, jwks_url=jwks_url)
    return Gate([trusted], scope_prefix="samvirke")
