"""The sandbox's own login tokens at a service's gate: which open it, and as whom."""

from typing import Any

import pytest
from joserfc.jwk import ECKey

from services.chassis.auth import Caller, Gate, RepresentsNobody, TokenInvalid
from services.chassis.settings import IssuerKind, ServiceSettings, TrustedIssuer
from services.settings import ROLES, RunSettings
from tests.sandbox.logins import (
    ALSTAHAUG,
    BJORK,
    BRONNOY,
    JOINT_UNIT,
    ROGN,
    Party,
    browser,
    proof,
    registered,
    representing,
    told,
)
from tests.sandbox.running import RunningSandbox

SELJE, HASSEL, OSP, HEGG = "04918321433", "14837190046", "27918290031", "09869390019"
FJORDVAKT, CERTIFICATION_BODY, LABORATORY = "100000016", "100000040", "100000059"
PLAYED = {
    "municipal_buyer": (ROGN, ALSTAHAUG),
    "approver": (SELJE, BRONNOY),
    "municipal_editor": (BJORK, BRONNOY),
    "catalogue_editor": (BJORK, JOINT_UNIT),
    "applicant": (HASSEL, FJORDVAKT),
    "assessor": (HEGG, LABORATORY),
    "decision_maker": (OSP, CERTIFICATION_BODY),
    "supplier": (HASSEL, FJORDVAKT),
    "co_operation_officer": (BJORK, JOINT_UNIT),
    "platform_administrator": (BJORK, BRONNOY),
}
"""Who of the seeded persons can play each role, and for whom."""
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


@pytest.mark.parametrize(("role", "end", "scopes"), ROLES, ids=[role for role, _, _ in ROLES])
def test_every_role_can_log_in_with_the_client_of_swagger_ui(
    sandbox: RunningSandbox, gate: Gate, role: str, end: str, scopes: tuple[str, ...]
) -> None:
    person, organisation = PLAYED[role]
    settings = sandbox.settings
    party = Party(
        *(sandbox, "ansattporten", "samvirke-swagger-ui", None, "none"),
        *(sandbox.ansattporten_url, settings.ansattporten_issuer),
    )
    back = settings.login_callbacks[0]
    full = ["openid", *(f"samvirke:{scope}" for scope in scopes)]
    with browser() as at:
        answer = party.authorize(
            at,
            redirect_uri=back,
            scope=" ".join(full),
            authorization_details=representing(resource=f"urn:altinn:resource:samvirke-{end}"),
            login_hint=party.hint(person, acts_for=organisation),
        )
    tokens = party.redeem(told(answer)["code"], redirect_uri=back).json()
    assert tokens["expires_in"] == 3600, "as long as one tries things out: Swagger UI does not renew"
    caller = who(gate, tokens["access_token"])
    assert caller.organisation == organisation
    assert role in caller.roles
    assert set(scopes) <= caller.scopes


def test_nobody_plays_a_role_that_her_organisation_has_not_given(sandbox: RunningSandbox) -> None:
    party = registered(sandbox, "ansattporten", scopes=SCOPES)
    deciding = representing(resource="urn:altinn:resource:samvirke-vedtak", representation_is_required=True)
    with browser() as at:
        page = party.authorize(at, scope=ASKED, authorization_details=deciding, login_hint=party.hint(BJORK))
    assert page.status_code >= 400
    assert "samvirke" not in page.headers.get("location", "")
