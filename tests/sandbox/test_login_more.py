"""What few clients of the login providers ask for: tokens by reference, a supplier's customers, enterprise
certificates, and Entra's groups."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from joserfc.jwk import ECKey, RSAKey

from services.chassis.auth import TokenInvalid
from tests.sandbox.logins import ASSERTION_TYPE, BJORK, BRONNOY, KEY, Party, claims_of, proof, registered, told
from tests.sandbox.running import RunningSandbox
from tests.sandbox.test_login_faults import gate_of

ORDER = "samvirke:agreements.order"
BERGEN = "964338531"


@pytest.fixture(params=["idporten", "ansattporten"])
def opaque(request: pytest.FixtureRequest, sandbox: RunningSandbox) -> Party:
    return registered(sandbox, request.param, opaque_scopes=[ORDER])


def introspected(party: Party, token: str) -> Any:
    return party.post("/token/introspect", {"token": token}).raise_for_status().json()


def test_a_token_by_reference_says_nothing_and_is_introspected(opaque: Party) -> None:
    answer = opaque.tokens(scope=f"openid profile {ORDER}")
    token = answer["access_token"]

    assert "." not in token
    assert len(token) == 43
    assert claims_of(answer["id_token"])["pid"] == BJORK
    shown = introspected(opaque, token)
    assert (shown["active"], shown["token_type"], shown["iss"]) == (True, "Bearer", opaque.issuer)
    assert (shown["scope"], shown["client_id"]) == (f"openid profile {ORDER}", opaque.client_id)
    assert shown["consumer"]["ID"] == f"0192:{BRONNOY}"
    assert shown["exp"] - shown["iat"] == answer["expires_in"]
    assert opaque.userinfo(token).json()["pid"] == BJORK


def test_only_tokens_with_such_a_scope_are_by_reference(opaque: Party) -> None:
    first = opaque.tokens(scope=f"openid profile {ORDER}")
    narrowed = opaque.refresh(first["refresh_token"], scope="openid profile").json()
    again = opaque.refresh(narrowed["refresh_token"]).json()

    assert opaque.verified(narrowed["access_token"])["scope"] == "openid profile"
    assert "." not in again["access_token"]
    assert again["access_token"] != first["access_token"]


def test_a_token_by_reference_is_revoked_and_expires(own_sandbox: RunningSandbox) -> None:
    party = registered(own_sandbox, "idporten", opaque_scopes=[ORDER])
    revoked, left = (party.tokens(scope=f"openid profile {ORDER}")["access_token"] for _ in range(2))

    assert party.post("/token/revoke", {"token": revoked}).status_code == 200
    assert introspected(party, revoked) == {"active": False}
    assert introspected(party, left)["active"] is True
    own_sandbox.pass_login_time(121)
    assert introspected(party, left) == {"active": False}
    assert party.userinfo(left).status_code == 401


def test_a_token_by_reference_is_its_providers_alone(sandbox: RunningSandbox, opaque: Party) -> None:
    other = registered(sandbox, "ansattporten" if opaque.provider == "idporten" else "idporten")
    token = opaque.tokens(scope=f"openid {ORDER}")["access_token"]

    assert introspected(other, token) == {"active": False}
    assert other.userinfo(token).status_code == 401


def test_a_token_by_reference_can_be_bound_to_a_key(opaque: Party) -> None:
    key = ECKey.generate_key("P-256")
    answer = opaque.redeem(opaque.code(scope=f"openid profile {ORDER}"), {"DPoP": proof(key, f"{opaque.url}/token")})
    token = answer.json()["access_token"]

    assert answer.json()["token_type"] == "DPoP"
    assert introspected(opaque, token)["cnf"] == {"jkt": key.thumbprint()}
    assert opaque.userinfo(token).status_code == 401
    shown = opaque.userinfo(token, "DPoP", proof(key, f"{opaque.url}/userinfo", "GET", token))
    assert shown.json()["pid"] == BJORK


def test_our_services_take_no_token_by_reference(opaque: Party) -> None:
    token = opaque.tokens(scope=f"openid {ORDER}")["access_token"]

    with pytest.raises(TokenInvalid):
        gate_of(opaque).verify(token, fetching=True)


@pytest.fixture
def supplier(sandbox: RunningSandbox) -> Party:
    customers = {"bergen": "Bergen kommune", "bronnoy": "Brønnøy kommune"}
    return registered(sandbox, "idporten", organisation="100000016", on_behalf_of=customers)


def test_a_supplier_asks_on_behalf_of_a_customer(supplier: Party) -> None:
    answer = supplier.tokens(onbehalfof="bergen")
    renewed = supplier.refresh(answer["refresh_token"]).json()

    for one in (answer, renewed):
        assert claims_of(one["id_token"])["client_onbehalfof"] == "bergen"
    assert "client_onbehalfof" not in claims_of(supplier.tokens()["id_token"])


def test_the_customers_name_stands_on_the_page(supplier: Party) -> None:
    with httpx.Client() as at:
        page = at.get(supplier.authorize(at, onbehalfof="bronnoy").headers["location"])
        own = at.get(supplier.authorize(at).headers["location"])

    assert "Brønnøy kommune" in page.text
    assert "Bestillingen" not in page.text
    assert "Bestillingen" in own.text


def test_a_customer_that_is_not_registered_is_refused(supplier: Party) -> None:
    with httpx.Client() as at:
        refused = told(supplier.authorize(at, onbehalfof="oslo", login_hint=supplier.hint()))
    pushed = supplier.push(onbehalfof="oslo")

    why = "onbehalfof is not one of those that are registered for the client"
    assert (refused["error"], refused["error_description"]) == ("invalid_request", why)
    assert (pushed.status_code, pushed.json()["error_description"]) == (400, why)


@pytest.fixture
def certified(sandbox: RunningSandbox) -> Party:
    """A client that has registered no key."""
    return registered(sandbox, "ansattporten", "private_key_jwt", keys=[])


def by_certificate(party: Party, organisation: str, *, key: RSAKey = KEY, x5c: Any = None, **more: Any) -> Any:
    shown = x5c or party.sandbox.certificate(organisation, KEY, **more)["x5c"]
    signed = party.assertion(key=key, header={"kid": None, "x5c": shown})
    form: dict[str, Any] = {"client_assertion": signed, "client_assertion_type": ASSERTION_TYPE}
    return party.redeem(party.code(), **form)


def test_an_enterprise_certificate_is_as_good_as_a_registered_key(certified: Party) -> None:
    answer = by_certificate(certified, BRONNOY)

    assert answer.status_code == 200
    assert claims_of(answer.json()["access_token"])["consumer"]["ID"] == f"0192:{BRONNOY}"


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"organisation": BERGEN}, "The certificate is not of the client's organisation"),
        ({"key": RSAKey.generate_key(2048)}, "Invalid JWT signature"),
        ({"ends_seconds": -1, "begins_seconds": -60}, "certificate"),
        ({"x5c": ["AAAA"]}, "x5c"),
    ],
)
def test_a_certificate_with_something_wrong_is_refused(certified: Party, how: dict[str, Any], why: str) -> None:
    refused = by_certificate(certified, **({"organisation": BRONNOY} | how))

    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert why in refused.json()["error_description"]


def test_a_certificate_that_was_revoked_or_whose_client_has_keys_is_refused(
    sandbox: RunningSandbox, certified: Party
) -> None:
    issued = sandbox.certificate(BRONNOY, KEY)
    sandbox.http.post(f"{sandbox.control_url}/_sandbox/enterprise-certificates/{issued['serial']}/revoke")
    revoked = by_certificate(certified, BRONNOY, x5c=issued["x5c"])
    keyed = by_certificate(registered(sandbox, "idporten", "private_key_jwt"), BRONNOY)

    assert "revoked" in revoked.json()["error_description"]
    assert "requires pre-registered jwk" in keyed.json()["error_description"]


def test_a_token_by_entra_tells_of_the_first_twenty_groups(own_sandbox: RunningSandbox) -> None:
    groups = [str(UUID(int=number)) for number in range(1, 26)]
    person = {"personal_number": BJORK, "name": "Fiktiv Bjørk", "email": "bjork@samvirke.example", "groups": groups}
    own_sandbox.http.post(f"{own_sandbox.control_url}/_sandbox/logins/persons", json=person).raise_for_status()
    party = registered(own_sandbox, "ansattporten")

    by_employer = party.tokens(acr_values="entraid", login_hint=party.hint(acr="entraid"))
    by_person = party.tokens()

    assert claims_of(by_employer["id_token"])["groups"] == groups[:20]
    assert "groups" not in claims_of(by_person["id_token"])
