"""A supplier's place: its steps, its own maximum, its secrets, and what the supplier sees of it."""

from datetime import date, timedelta
from itertools import product
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from services.agreements.places import rules, store
from services.agreements.places.rules import MOVES, Event, PlaceState
from services.chassis.clock import today
from services.chassis.values import seed_id
from tests.agreements.conftest import BRONNOY, FJORDVAKT, JOINT_UNIT, NORDLYS, OSLO, Place
from tests.conftest import state as app_state
from tests.issuer import Issuer

RUNNING, ANNOUNCED, OVER = "ra-2026-velferdsteknologi", "ra-2027-digitalt-tilsyn", "ra-2022-nettverk"
HAVORN = "100000032"
PLACES = f"/framework-agreements/{RUNNING}/places"


def path(supplier: str, lot: str = "alarmer", agreement: str = RUNNING) -> str:
    place = seed_id(f"place:{agreement}:{lot}:{supplier}")
    return f"/framework-agreements/{agreement}/places/{place}"


@pytest.fixture
def owner(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(JOINT_UNIT, "agreements.manage", "agreements.read")


@pytest.fixture
def fjordvakt(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(FJORDVAKT, "agreements.supply")


@pytest.mark.parametrize(("state", "event"), [*product(PlaceState, Event)])
def test_a_place_takes_exactly_the_steps_of_its_table(state: PlaceState, event: Event) -> None:
    if (state, event) in MOVES:
        assert rules.after(state, event) is MOVES[state, event]
    else:
        with pytest.raises(rules.MoveRefused):
            rules.after(state, event)


def test_every_state_of_a_place_is_reached_and_the_last_ones_have_no_exit() -> None:
    assert set(MOVES.values()) | {PlaceState.ACTIVE} == set(PlaceState)
    assert {state for state, _ in MOVES} == rules.HELD


def test_a_suspended_supplier_is_passed_over_until_the_day_after_and_what_it_was_ordered_stands(
    api: TestClient, place: Place, owner: dict[str, str], buyer: dict[str, str]
) -> None:
    before = place()
    assert before.json()["supplier_organisation_number"] == FJORDVAKT, before.text
    last = today() + timedelta(days=10)
    suspension = {"until_on": last.isoformat(), "reason": "Prøve (fiktiv)"}
    suspended = api.post(f"{path(FJORDVAKT)}/suspend", json=suspension, headers=owner)
    assert (suspended.json()["state"], suspended.json()["suspended_until_on"]) == ("suspended", last.isoformat())
    assert place().json()["supplier_organisation_number"] == NORDLYS
    stands = api.get(before.headers["location"], headers=buyer).json()
    assert stands["state"] == before.json()["state"]
    database = app_state(api).database
    for day, expected in ((last, 0), (last + timedelta(days=1), 1), (last + timedelta(days=1), 0)):
        with database.writing() as session:
            assert store.reinstate_due(session, day) == expected
    assert place().json()["supplier_organisation_number"] == FJORDVAKT
    told = api.get(f"{path(FJORDVAKT)}/history").json()["items"]
    assert [(one["event"], one["organisation"]) for one in told] == [
        ("award", None),
        ("suspend", JOINT_UNIT),
        ("reinstate", None),
    ]
    assert told[1]["until_on"] == last.isoformat()


def test_a_suspension_needs_a_last_day_that_has_not_passed(api: TestClient, owner: dict[str, str]) -> None:
    where = f"{path(FJORDVAKT)}/suspend"
    assert api.post(where, json={"reason": "Uten dag"}, headers=owner).status_code == 422
    yesterday = (today() - timedelta(days=1)).isoformat()
    late = api.post(where, json={"until_on": yesterday, "reason": "For sent"}, headers=owner)
    assert (late.status_code, late.json()["type"]) == (422, "/problems/suspension-day-invalid")
    assert api.get(path(FJORDVAKT)).json()["state"] == "active"


def test_a_supplier_withdraws_from_its_own_place_only(
    api: TestClient, owner: dict[str, str], fjordvakt: dict[str, str], place: Place
) -> None:
    foreign = api.post(f"{path(NORDLYS)}/withdraw", json={}, headers=fjordvakt)
    assert (foreign.status_code, foreign.json()["type"]) == (403, "/problems/not-this-supplier")
    assert api.post(f"{path(FJORDVAKT)}/terminate", json={"reason": "x"}, headers=fjordvakt).status_code == 403
    assert api.post(f"{path(FJORDVAKT)}/withdraw", json={}, headers=fjordvakt).json()["state"] == "withdrawn"
    again = api.post(f"{path(FJORDVAKT)}/withdraw", json={}, headers=fjordvakt)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/move-refused")
    without = api.post(f"{path(NORDLYS)}/withdraw", json={}, headers=owner)
    assert (without.status_code, without.json()["type"]) == (422, "/problems/reason-missing")
    assert place().json()["supplier_organisation_number"] == NORDLYS
    ended = api.post(f"{path(NORDLYS)}/terminate", json={"reason": "Mislighold (fiktivt)"}, headers=owner)
    assert ended.json()["state"] == "terminated"


def test_an_agreement_that_is_over_ends_its_places(api: TestClient) -> None:
    (ended,) = api.get(f"/framework-agreements/{OVER}/places").json()["items"]
    assert ended["state"] == "ended"
    told = api.get(f"/framework-agreements/{OVER}/places/{ended['id']}/history").json()["items"]
    assert [one["event"] for one in told] == ["award", "agreement_ended"]


def test_what_happened_to_a_place_and_its_prices_cannot_be_changed(rows: psycopg.Connection) -> None:
    for statement in (
        "UPDATE place_event SET reason = 'x'",
        "DELETE FROM place_event",
        "UPDATE price SET unit_price = 1",
        "DELETE FROM price",
    ):
        with pytest.raises(psycopg.errors.RaiseException):
            rows.execute(statement.encode())


def offered(**changes: Any) -> dict[str, Any]:
    price = {
        "item": "dorsensor",
        "name": {"nb": "Dørsensor"},
        "unit": "stk",
        "unit_price_excl_vat": "410.00",
        "vat_percent": "25",
    }
    return {"lot": "sensorer", "supplier": HAVORN, "rank": 2, "prices": [price | changes.pop("price", {})]} | changes


@pytest.mark.parametrize(
    ("changes", "type", "pointer"),
    [
        ({"ceiling_excl_vat": "4500000.01"}, "ceiling-invalid", "#/ceiling_excl_vat"),
        ({"quantities": [{"item": "a", "maximum": 1}] * 2}, "item-repeated", "#/quantities/1/item"),
        ({"prices": offered()["prices"] * 2}, "price-item-repeated", "#/prices/1/item"),
        ({"lowest_factor": "1.05"}, "change-bounds-invalid", "#/lowest_factor"),
        ({"price": {"product": "finnes-ikke"}}, "product-unknown", "#/prices/0/product"),
    ],
)
def test_a_place_that_does_not_hold_together_is_refused(
    api: TestClient, owner: dict[str, str], changes: dict[str, Any], type: str, pointer: str
) -> None:
    refused = api.post(f"/framework-agreements/{ANNOUNCED}/places", json=offered(**changes), headers=owner)
    assert refused.status_code == 422, refused.text
    assert (f"/problems/{type}", pointer) in [(one["type"], one.get("pointer")) for one in refused.json()["errors"]]


def test_a_price_keeps_the_component_that_its_product_implements(api: TestClient, owner: dict[str, str]) -> None:
    sent = offered(price={"product": "havorn-dorsensor"}, ceiling_excl_vat="0.00", quantities=[])
    given = api.post(f"/framework-agreements/{ANNOUNCED}/places", json=sent, headers=owner)
    assert given.status_code == 201, given.text
    assert given.json()["prices"][0]["component"] == "velferdsteknologi-trygghetsplattform"


def test_a_business_secret_is_told_to_those_who_need_it_and_to_nobody_else(
    api: TestClient, owner: dict[str, str], issuer: Issuer
) -> None:
    sent = offered(price={"secret_reason": "Prismodellen er en forretningshemmelighet (fiktivt)"})
    assert api.post(f"/framework-agreements/{ANNOUNCED}/places", json=sent, headers=owner).status_code == 201
    places = f"/framework-agreements/{ANNOUNCED}/places"

    def told(headers: dict[str, str]) -> list[str | None]:
        items = api.get(places, headers=headers).json()["items"]
        return [one["prices"][0]["unit_price_excl_vat"] for one in items]

    for who in ({}, issuer.bearer(NORDLYS, "agreements.supply"), issuer.bearer(OSLO), issuer.bearer(BRONNOY)):
        assert told(who) == ["395.00", None]
    for who in (owner, issuer.bearer(HAVORN, "agreements.supply")):
        assert told(who) == ["395.00", "410.00"]
    shown = api.get(places).json()["items"][1]
    assert (shown["prices"][0]["secret"], shown["prices"][0]["secret_reason"][:12]) == (True, "Prismodellen")
    listed = api.get(f"/framework-agreements/{ANNOUNCED}/price-lists/{shown['id']}").json()
    assert listed["versions"][0]["prices"][0]["unit_price_excl_vat"] is None


@pytest.mark.parametrize(
    ("viewer", "acceded", "sees"),
    [(None, False, False), ("1", False, True), ("2", False, True), ("3", False, False), ("3", True, True)],
)
def test_who_sees_a_secret_price(viewer: str | None, acceded: bool, sees: bool) -> None:
    assert rules.sees_secrets(viewer, owner="1", supplier="2", acceded=acceded) is sees


def test_a_supplier_sees_its_own_places_and_nobody_elses(
    api: TestClient, fjordvakt: dict[str, str], place: Place, issuer: Issuer
) -> None:
    assert place().status_code == 201
    seen = api.get("/places", headers=fjordvakt).json()["items"]
    assert {one["supplier_organisation_number"] for one in seen} == {FJORDVAKT}
    assert NORDLYS not in str(seen)
    mine = next(one for one in seen if (one["framework_agreement"], one["lot"]) == (RUNNING, "alarmer"))
    assert float(mine["room"]["reserved_excl_vat"]) > 0
    assert (mine["room"]["ceiling_excl_vat"], mine["prices"][0]["unit_price_excl_vat"]) == (None, "2400.00")
    assert [one["event"] for one in mine["history"]] == ["award"]
    assert api.get("/places", headers=issuer.bearer(BRONNOY, "agreements.read")).status_code == 403


@pytest.mark.parametrize(("ceiling", "expected"), [(None, 201), ("0.00", 409), ("7199.99", 409), ("7200.00", 201)])
def test_a_suppliers_own_maximum_null_is_none_and_0_is_nothing(
    place: Place, rows: psycopg.Connection, ceiling: str | None, expected: int
) -> None:
    rows.execute(
        "UPDATE balance SET reserved = 0, posted = 0, ceiling = %s WHERE scope = 'supplier' AND item = '' "
        "AND subject_id = (SELECT id FROM place WHERE uuid = %s)",
        [ceiling, seed_id(f"place:{RUNNING}:alarmer:{FJORDVAKT}")],
    )
    rows.execute("UPDATE place SET state = 'suspended' WHERE number <> %s", [FJORDVAKT])
    answer = place()
    assert answer.status_code == expected, answer.text


def test_a_step_that_is_only_tried_leaves_the_place_as_it_is(api: TestClient, owner: dict[str, str]) -> None:
    suspension = {"until_on": date(2029, 1, 1).isoformat(), "reason": "Prøve"}
    tried = api.post(f"{path(FJORDVAKT)}/suspend?dry_run=true", json=suspension, headers=owner)
    assert (tried.status_code, tried.json()["state"]) == (200, "suspended")
    assert api.get(path(FJORDVAKT)).json()["state"] == "active"
