"""The grant's rules at their exact limits."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.integration.sandbox.grant_refusals import rules as refusals
from services.integration.sandbox.maskinporten import rules
from services.integration.sandbox.maskinporten.rules import Grant, Registered, Scope
from services.integration.sandbox.persons.rules import is_synthetic

ISSUER = "http://127.0.0.1:8091/"
NOW = 1_800_000_000
HEADER = {"alg": "RS256", "kid": "k"}
CLAIMS: dict[str, Any] = {"aud": ISSUER, "iss": "c", "scope": "a:b c:d", "iat": NOW, "exp": NOW + 120, "jti": "j"}
GRANT = rules.read(HEADER, CLAIMS)
SCOPE = Scope(
    name="a:b",
    active=True,
    accessible_for_all=False,
    allowed_integration_types=["maskinporten"],
    delegation_source="https://altinn.example/",
    at_max_age=0,
    on_client=True,
    granted=True,
    delegated=False,
)


def of(**changed: Any) -> dict[str, Scope]:
    """Both of the grant's scopes, with `changed` in the second."""
    return {"a:b": replace(SCOPE, delegated=True), "c:d": replace(SCOPE, **({"name": "c:d"} | changed))}


CLIENT = Registered(
    organisation="100000016",
    supplier=None,
    access_token_lifetime=0,
    key="jwk",
    key_registered_at=datetime(2026, 1, 1, tzinfo=UTC),
    has_keys=True,
    customer=None,
    scopes=of(),
)


@pytest.mark.parametrize("off", [-10, 0, 10])
def test_a_clock_may_be_ten_seconds_off(off: int) -> None:
    rules.check_claims(replace(GRANT, issued=NOW + off, expires=NOW + off + 120), ISSUER, NOW)


@pytest.mark.parametrize(
    ("issued", "expires", "refused"),
    [
        (NOW - 11, NOW + 60, refusals.IssuedTooEarly),
        (NOW + 11, NOW + 60, refusals.IssuedInFuture),
        (NOW, NOW + 121, refusals.ValueRefused),
        (NOW - 5, NOW, refusals.AssertionExpired),
        (NOW, NOW - 1, refusals.AssertionExpired),
    ],
)
def test_a_second_more_is_refused(issued: int, expires: int, refused: type[refusals.GrantRefused]) -> None:
    with pytest.raises(refused):
        rules.check_claims(replace(GRANT, issued=issued, expires=expires), ISSUER, NOW)


def test_a_grant_is_good_until_the_second_before_it_expires() -> None:
    rules.check_claims(replace(GRANT, issued=NOW - 5, expires=NOW + 1), ISSUER, NOW)


def test_a_key_is_good_for_a_year() -> None:
    registered = datetime(2026, 1, 1, tzinfo=UTC)
    client = replace(CLIENT, key_registered_at=registered)

    assert rules.check_key(GRANT, client, registered + timedelta(days=365)) == "jwk"
    with pytest.raises(refusals.KeyExpired):
        rules.check_key(GRANT, client, registered + timedelta(days=365, seconds=1))


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512"])
def test_the_three_algorithms(algorithm: str) -> None:
    rules.check_algorithm(replace(GRANT, algorithm=algorithm))


@pytest.mark.parametrize("algorithm", ["none", "None", "", "rs256", "HS256", "ES256", "PS256", "EdDSA"])
def test_no_other_algorithm(algorithm: str) -> None:
    with pytest.raises(refusals.SignatureRefused):
        rules.check_algorithm(replace(GRANT, algorithm=algorithm))


def test_a_delegated_token_names_both() -> None:
    grant = replace(GRANT, consumer_org="964983291")
    delegated = replace(CLIENT, scopes=of(delegated=True))

    rules.check_access(grant, delegated)
    for refused in (CLIENT, replace(CLIENT, scopes=of(delegated=True, delegation_source=None))):
        with pytest.raises(refusals.ScopeNotDelegated):
            rules.check_access(grant, refused)
    token = claims_of(grant)
    assert (token["consumer"]["ID"], token["supplier"]["ID"]) == ("0192:964983291", "0192:100000016")
    assert token["delegation_source"] == "https://altinn.example/"


@pytest.mark.parametrize(
    ("changed", "refused"),
    [
        ({"on_client": False}, refusals.ScopeNotOnClient),
        ({"active": False}, refusals.ScopeNotOnClient),
        ({"allowed_integration_types": ["api_klient"]}, refusals.ScopeForLoginOnly),
        ({"granted": False}, refusals.ScopeNotGranted),
    ],
)
def test_every_scope_of_a_grant_is_looked_at(changed: dict[str, Any], refused: type[refusals.GrantRefused]) -> None:
    with pytest.raises(refused, match="c:d"):
        rules.check_access(GRANT, replace(CLIENT, scopes=of(**changed)))


@pytest.mark.parametrize(
    "changed", [{"granted": False, "accessible_for_all": True}, {"allowed_integration_types": []}, {}]
)
def test_a_scope_for_all_needs_no_access_and_one_for_any_integration_is_maskinportens_too(
    changed: dict[str, Any],
) -> None:
    rules.check_access(GRANT, replace(CLIENT, scopes=of(**changed)))


@pytest.mark.parametrize(
    ("of_client", "of_scope", "seconds"), [(0, 0, 120), (60, 0, 60), (600, 0, 600), (600, 300, 300), (60, 300, 60)]
)
def test_a_token_lives_as_long_as_the_client_wants_and_every_scope_lets_it(
    of_client: int, of_scope: int, seconds: int
) -> None:
    client = replace(CLIENT, access_token_lifetime=of_client, scopes=of(at_max_age=of_scope))

    assert rules.seconds(GRANT, client, 120) == seconds


def test_a_token_has_no_audience_and_no_supplier_unless_asked() -> None:
    assert {"aud", "sub", "pid", "supplier", "delegation_source"}.isdisjoint(claims_of(GRANT))
    assert claims_of(replace(GRANT, resource=("x",)))["aud"] == ["x"]
    assert claims_of(replace(GRANT, resource="x"))["aud"] == "x"


def test_a_personal_number_does_not_show_when_a_grant_is_printed() -> None:
    number = "12837532157"
    giver = f"urn:altinn:person:identifier-no:{number}"
    detail = {"type": "urn:altinn:consent", "id": "018f5e9c-7d2b-7c3a-9f00-000000000001", "from": giver}
    grant = rules.read(HEADER, CLAIMS | {"pid": number, "authorization_details": [detail]})

    assert grant.pid == number
    assert number not in repr(grant)


@pytest.mark.parametrize(
    ("number", "synthetic"),
    [
        ("12837532157", True),
        ("12037532157", False),
        ("12837532158", False),
        ("12837532167", False),
        ("1283753215", False),
        ("12937532157", False),
        ("१२८३७५३२१५७", False),
    ],
)
def test_only_a_synthetic_persons_number_is_taken(number: str, synthetic: bool) -> None:
    assert is_synthetic(number) is synthetic


@pytest.mark.parametrize(
    ("number", "taken"),
    [
        ("12837532157", True),
        ("12837532165", True),
        ("12837532173", True),
        ("12837532181", True),
        ("12837532270", False),
    ],
)
def test_the_numbers_of_2032_whose_first_control_leaves_up_to_three_are_taken(number: str, taken: bool) -> None:
    assert is_synthetic(number) is taken


def claims_of(grant: Grant) -> dict[str, Any]:
    return rules.claims(grant, CLIENT, None, by=rules.BY_KEY, issuer=ISSUER, now=NOW, seconds=120, jti="t")
