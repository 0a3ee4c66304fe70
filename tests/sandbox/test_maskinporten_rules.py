"""The grant's rules at their exact limits."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.integration.sandbox.maskinporten import rules
from services.integration.sandbox.maskinporten.rules import Grant, Registered

ISSUER = "http://127.0.0.1:8091/"
NOW = 1_800_000_000
HEADER = {"alg": "RS256", "kid": "k"}
CLAIMS: dict[str, Any] = {"aud": ISSUER, "iss": "c", "scope": "a:b c:d", "iat": NOW, "exp": NOW + 120, "jti": "j"}
GRANT = rules.read(HEADER, CLAIMS)
CLIENT = Registered(
    organisation="100000016",
    key="jwk",
    key_registered_at=datetime(2026, 1, 1, tzinfo=UTC),
    has_keys=True,
    on_client=frozenset({"a:b", "c:d"}),
    granted=frozenset({"a:b", "c:d"}),
    delegated=frozenset(),
)


@pytest.mark.parametrize("off", [-10, 0, 10])
def test_a_clock_may_be_ten_seconds_off(off: int) -> None:
    rules.check_claims(replace(GRANT, issued=NOW + off, expires=NOW + off + 120), ISSUER, NOW)


@pytest.mark.parametrize(
    ("issued", "expires", "refused"),
    [
        (NOW - 11, NOW + 60, rules.IssuedTooEarly),
        (NOW + 11, NOW + 60, rules.IssuedInFuture),
        (NOW, NOW + 121, rules.ValueRefused),
        (NOW - 5, NOW, rules.AssertionExpired),
        (NOW, NOW - 1, rules.AssertionExpired),
    ],
)
def test_a_second_more_is_refused(issued: int, expires: int, refused: type[rules.GrantRefused]) -> None:
    with pytest.raises(refused):
        rules.check_claims(replace(GRANT, issued=issued, expires=expires), ISSUER, NOW)


def test_a_grant_is_good_until_the_second_before_it_expires() -> None:
    rules.check_claims(replace(GRANT, issued=NOW - 5, expires=NOW + 1), ISSUER, NOW)


def test_a_key_is_good_for_a_year() -> None:
    registered = datetime(2026, 1, 1, tzinfo=UTC)
    client = replace(CLIENT, key_registered_at=registered)

    assert rules.check_key(GRANT, client, registered + timedelta(days=365)) == "jwk"
    with pytest.raises(rules.KeyExpired):
        rules.check_key(GRANT, client, registered + timedelta(days=365, seconds=1))


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512"])
def test_the_three_algorithms(algorithm: str) -> None:
    assert rules.check_key(replace(GRANT, algorithm=algorithm), CLIENT, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("algorithm", ["none", "None", "", "rs256", "HS256", "ES256", "PS256", "EdDSA"])
def test_no_other_algorithm(algorithm: str) -> None:
    with pytest.raises(rules.SignatureRefused):
        rules.check_key(replace(GRANT, algorithm=algorithm), CLIENT, datetime(2026, 1, 1, tzinfo=UTC))


def test_a_delegated_token_names_both() -> None:
    grant = replace(GRANT, consumer_org="964983291")

    rules.check_access(grant, replace(CLIENT, delegated=frozenset({"a:b", "c:d"})))
    with pytest.raises(rules.ScopeNotDelegated):
        rules.check_access(grant, replace(CLIENT, delegated=frozenset({"a:b"})))
    token = claims_of(grant)
    assert (token["consumer"]["ID"], token["supplier"]["ID"]) == ("0192:964983291", "0192:100000016")


def test_a_token_has_no_audience_and_no_supplier_unless_asked() -> None:
    assert {"aud", "sub", "supplier", "delegation_source"}.isdisjoint(claims_of(GRANT))
    assert claims_of(replace(GRANT, resource=("x",)))["aud"] == ["x"]
    assert claims_of(replace(GRANT, resource="x"))["aud"] == "x"


def claims_of(grant: Grant) -> dict[str, Any]:
    return rules.claims(grant, CLIENT, issuer=ISSUER, now=NOW, seconds=120, jti="t", delegation_source="d")
