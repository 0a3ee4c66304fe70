"""Persons: they act for the organisation that they chose, play the roles that it gave them, and are never named."""

import logging
import re
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from services.chassis import representation
from services.chassis.auth import Caller, Gate
from services.chassis.representation import Acting
from services.chassis.settings import IssuerKind, ServiceSettings, TrustedIssuer
from tests.chassis.conftest import build
from tests.chassis.forging import ORGANISATION, OTHER, PID, org
from tests.issuer import Issuer

RESOURCE = "urn:altinn:resource:things"
ROLES: list[dict[str, Any]] = [
    {"role": "writer", "scopes": ["things.write", "things.read"], "resources": [f"{RESOURCE}-write"]},
    {"role": "reader", "scopes": ["things.read"], "resources": [f"{RESOURCE}-write", f"{RESOURCE}-read"]},
    {"role": "signer", "scopes": ["things.sign"], "resources": [f"{RESOURCE}-write"], "actions": ["sign"]},
    {"role": "machine", "scopes": ["things.count"]},
]
GOOD = {"name": {"nb": "Ting"}, "price": "2.00", "owner": ORGANISATION}
ALL = ("things.write", "things.read", "things.sign", "things.count")


def settings(**changed: Any) -> ServiceSettings:
    given: dict[str, Any] = {"database_url": "postgresql://127.0.0.1/none", "port": 1, "roles": ROLES}
    return ServiceSettings(**(given | changed))


def gate(issuer: Issuer, kind: IssuerKind = IssuerKind.EMPLOYEE, **changed: Any) -> Gate:
    return Gate([issuer.trusted(kind)], scope_prefix="samvirke", rules=settings(**changed))


def login(issuer: Issuer, *scopes: str, resource: str = "things-write", **claims: Any) -> str:
    party = {"orgno": org(ORGANISATION), "resource": resource, "actions": claims.pop("actions", ["read"])}
    details = [{"type": "ansattporten:altinn:resource", "resource": RESOURCE, "authorized_parties": [party]}]
    return issuer.token(OTHER, *scopes, **({"authorization_details": details, "acr": "high", "pid": PID} | claims))


def who(gate: Gate, token: str) -> Caller:
    found = gate.verify(token, fetching=True)
    assert found
    return found


@pytest.mark.parametrize(
    ("resource", "actions", "scopes", "may", "roles"),
    [
        ("things-write", ["read"], ALL, {"things.write", "things.read"}, {"writer", "reader"}),
        ("things-write", ["read"], ["things.read"], {"things.read"}, {"reader"}),
        ("things-write", ["read", "SIGN"], ALL, set(ALL[:3]), {"writer", "reader", "signer"}),
        ("things-read", ["sign"], ALL, {"things.read"}, {"reader"}),
        ("things", ["sign"], ALL, set(), set()),
        ("things-write", ["sign"], [], set(), set()),
    ],
)
def test_an_employee_has_what_both_scope_and_representation_give(
    issuer: Issuer, resource: str, actions: list[str], scopes: list[str], may: set[str], roles: set[str]
) -> None:
    caller = who(gate(issuer), login(issuer, *scopes, resource=resource, actions=actions))
    assert (caller.organisation, set(caller.scopes), set(caller.roles)) == (ORGANISATION, may, roles)
    assert caller.withheld == set(scopes) - may


def test_a_machine_plays_the_roles_of_its_scopes(issuer: Issuer) -> None:
    caller = who(gate(issuer, IssuerKind.MACHINE), issuer.token(ORGANISATION, "things.read", "things.count"))
    assert (set(caller.roles), set(caller.withheld)) == ({"reader", "machine"}, set())


def test_who_lacks_a_right_is_told_where_it_could_come_from(url: str, issuer: Issuer) -> None:
    with TestClient(build(url, issuer, issuers=[issuer.trusted(IssuerKind.EMPLOYEE)], roles=ROLES)) as api:
        token = login(issuer, "things.write", resource="things-read")
        answer = api.post("/things", json=GOOD, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/right-missing")
    assert answer.json()["detail"] == f"Represent the organisation through one of: {RESOURCE}-write."


def test_the_trail_has_a_reference_and_never_the_number(
    url: str, issuer: Issuer, rows: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    app = build(url, issuer, issuers=[issuer.trusted(IssuerKind.EMPLOYEE)], roles=ROLES)
    with TestClient(app) as api:
        token = login(issuer, "things.write", sub=PID)
        answer = api.post("/things", json=GOOD, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 201
        metrics = api.get("/metrics").text
    ((organisation, client, whole),) = rows.execute("SELECT organisation, client, audit::text FROM audit").fetchall()
    assert organisation == ORGANISATION
    assert re.fullmatch("person:[0-9a-f]{32}", client)
    assert PID not in whole + answer.text + metrics + caplog.text


def test_a_person_is_the_same_through_every_client(issuer: Issuer) -> None:
    one, other = (
        who(gate(issuer), login(issuer, client_id=client, sub=f"pairwise-{client}")).client for client in ("a", "b")
    )
    assert one == other


def test_persons_services_keys_and_issuers_are_told_apart(issuer: Issuer) -> None:
    token = login(issuer)
    found = {
        who(gate(issuer), token).client,
        who(gate(issuer), login(issuer, pid="02857599826")).client,
        who(gate(issuer, reference_key="another key, of more than 32 characters"), token).client,
        who(gate(issuer), login(issuer, pid=None, sub=PID, acr="entraid")).client,
    }
    assert len(found) == 3, "pid and sub with one value are one person"


@pytest.mark.parametrize(
    ("least", "acr", "opens"),
    [
        ("substantial", "substantial", True),
        ("substantial", "idporten-loa-high", True),
        ("substantial", "eidas-loa-low", False),
        ("high", "entraid", False),
        ("high", "high", True),
        ("idporten-loa-low", "idporten-loa-low", True),
    ],
)
def test_levels_are_compared_by_their_order(url: str, issuer: Issuer, least: str, acr: str, opens: bool) -> None:
    trusted = issuer.trusted(IssuerKind.EMPLOYEE).model_copy(update={"least_acr": least})
    with TestClient(build(url, issuer, issuers=[trusted], roles=ROLES)) as api:
        token = login(issuer, "things.write", acr=acr)
        answer = api.post("/things", json=GOOD, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == (201 if opens else 401)
    if not opens:
        challenge = answer.headers["www-authenticate"]
        assert challenge.startswith('Bearer error="insufficient_user_authentication", acr_values="')
        assert "high" in challenge


SHAPES: list[tuple[dict[str, Any], Acting]] = [
    (
        {
            "type": "ansattporten:orgno",
            "authorized_parties": [{"orgno": org(ORGANISATION), "name": "N", "rights": ["Report", "Write"]}],
        },
        Acting(ORGANISATION, None, "ansattporten:orgno", frozenset({"report", "write"})),
    ),
    *(
        (
            {
                "type": "ansattporten:orgno",
                name: {"Authority": "iso6523-actorid-upis", "ID": f"0192:{ORGANISATION}"},
            },
            Acting(ORGANISATION, None, "ansattporten:orgno"),
        )
        for name in ("orgno", "orgno:")
    ),
]


@pytest.mark.parametrize(("detail", "expected"), SHAPES)
def test_every_shape_of_an_employers_word_is_read(detail: dict[str, Any], expected: Acting) -> None:
    assert representation.employee({"authorization_details": [detail]}) == expected


def test_an_order_of_levels_needs_the_least(issuer: Issuer) -> None:
    with pytest.raises(ValueError, match="has no place"):
        TrustedIssuer(issuer="https://a.example", kind=IssuerKind.PERSON, jwks_url="https://a.example/j", least_acr="x")


def test_an_issuer_is_trusted_as_one_kind(issuer: Issuer) -> None:
    both = [issuer.trusted(IssuerKind.MACHINE), issuer.trusted(IssuerKind.EMPLOYEE)]
    with pytest.raises(ValueError, match="twice"):
        settings(issuers=both)


@pytest.mark.parametrize("key", [None, "too short"])
def test_production_refers_to_persons_by_a_key_of_its_own(monkeypatch: pytest.MonkeyPatch, key: str | None) -> None:
    monkeypatch.setenv("SAMVIRKE_ENV", "production")
    real = {"issuer": "https://ansattporten.no", "kind": "employee", "jwks_url": "https://ansattporten.no/jwks.json"}
    with pytest.raises(ValueError, match="reference key"):
        settings(issuers=[real], **({"reference_key": key} if key else {}))
    settings(issuers=[real], reference_key="x" * 32)
    settings(issuers=[real | {"kind": "machine"}])
