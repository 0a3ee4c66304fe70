"""The sandbox's own login tokens at a service's gate: which open it, and as whom."""

from typing import Any

import pytest
from joserfc.jwk import ECKey

from services.chassis.auth import Caller, Gate, RepresentsNobody, TokenInvalid
from services.chassis.settings import IssuerKind, ServiceSettings, TrustedIssuer
from services.settings import RunSettings
from tests.sandbox.logins import BJORK, BRONNOY, Party, proof, registered, representing
from tests.sandbox.running import RunningSandbox

SCOPES = ["openid", "profile", "samvirke:agreements.read", "samvirke:agreements.order"]
ASKED = " ".join(SCOPES)


@pytest.fixture
def gate(sandbox: RunningSandbox) -> Gate:
    """With the roles that `make run` gives to every service."""
    issuers = [
        TrustedIssuer(issuer=issuer, kind=kind, jwks_url=f"{url}/jwks.json")
        for issuer, kind, url in (
            (sandbox.settings.idporten_issuer, IssuerKind.PERSON, sandbox.idporten_url),
            (sandbox.settings.ansattporten_issuer, IssuerKind.EMPLOYEE, sandbox.ansattporten_url),
        )
    ]
    given: dict[str, Any] = {"database_url": "postgresql://127.0.0.1/none", "port": 1, "roles": RunSettings().roles}
    return Gate(issuers, scope_prefix="samvirke", rules=ServiceSettings(**given))


def employee(party: Party, **changed: Any) -> dict[str, Any]:
    hint = party.hint(acts_for=BRONNOY)
    asked = {"scope": ASKED, "authorization_details": representing(), "login_hint": hint}
    return party.tokens(**(asked | changed))


def who(gate: Gate, token: str) -> Caller:
    found = gate.verify(token, fetching=True)
    assert found
    return found


def test_an_employee_acts_for_the_organisation_that_she_chose(sandbox: RunningSandbox, gate: Gate) -> None:
    tokens = employee(registered(sandbox, "ansattporten", scopes=SCOPES))
    caller = who(gate, tokens["access_token"])
    assert (caller.organisation, set(caller.roles)) == (BRONNOY, {"municipal_buyer"})
    assert caller.scopes == {"agreements.read", "agreements.order"}
    assert caller.client.startswith("person:")
    assert BJORK not in repr(caller)


def test_her_id_token_does_not_open(sandbox: RunningSandbox, gate: Gate) -> None:
    tokens = employee(registered(sandbox, "ansattporten", scopes=SCOPES))
    with pytest.raises(TokenInvalid, match="id_token"):
        gate.verify(tokens["id_token"], fetching=True)


def test_a_scope_that_her_resource_does_not_give_is_withheld(sandbox: RunningSandbox, gate: Gate) -> None:
    scopes = [*SCOPES, "samvirke:agreements.approve"]
    party = registered(sandbox, "ansattporten", scopes=scopes)
    caller = who(gate, employee(party, scope=" ".join(scopes))["access_token"])
    assert (set(caller.roles), set(caller.withheld)) == ({"municipal_buyer"}, {"agreements.approve"})


def test_a_token_that_is_bound_to_a_key_is_no_bearer_token(sandbox: RunningSandbox, gate: Gate) -> None:
    party = registered(sandbox, "ansattporten", scopes=SCOPES)
    code = party.code(scope=ASKED, authorization_details=representing(), login_hint=party.hint(acts_for=BRONNOY))
    bound = party.redeem(code, {"DPoP": proof(ECKey.generate_key("P-256"), f"{party.url}/token")}).json()
    assert bound["token_type"] == "DPoP"
    with pytest.raises(TokenInvalid, match="DPoP"):
        gate.verify(bound["access_token"], fetching=True)


def test_acting_as_oneself_opens_nothing(sandbox: RunningSandbox, gate: Gate) -> None:
    party = registered(sandbox, "ansattporten", scopes=SCOPES)
    tokens = employee(party, authorization_details=None, login_hint=party.hint())
    with pytest.raises(RepresentsNobody):
        gate.verify(tokens["access_token"], fetching=True)


def test_a_person_represents_nobody(sandbox: RunningSandbox, gate: Gate) -> None:
    tokens = registered(sandbox, "idporten", scopes=SCOPES).tokens(scope=ASKED)
    with pytest.raises(RepresentsNobody):
        gate.verify(tokens["access_token"], fetching=True)
