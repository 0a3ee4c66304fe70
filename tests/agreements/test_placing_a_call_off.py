"""Placing a call-off: what is kept, what is refused, and that nothing is written when it is."""

from decimal import Decimal
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from psycopg import sql

from tests.agreements.conftest import ALSTAHAUG, BRONNOY, FJORDVAKT, OSLO, Place
from tests.conftest import state
from tests.issuer import Issuer

TABLES = (
    *("calloff", "calloffline", "calloffevent", "calloffversion", "entry", "entryline", "audit", "event", "letter"),
    *("procrastinate_jobs", "idempotency_key"),
)
ROOM = "SELECT reserved FROM balance WHERE scope = %s AND subject_id = (SELECT id FROM {} WHERE slug = %s)"


def reserved(rows: psycopg.Connection) -> tuple[Decimal, Decimal]:
    agreement = rows.execute(
        ROOM.format("frameworkagreement"), ["framework_agreement", "ra-2026-velferdsteknologi"]
    ).fetchone()
    lot = rows.execute(ROOM.format("lot"), ["lot", "alarmer"]).fetchone()
    assert agreement
    assert lot
    return agreement[0], lot[0]


def counted(rows: psycopg.Connection) -> dict[str, int]:
    count = sql.SQL("SELECT count(*) FROM {}")
    return {name: rows.execute(count.format(sql.Identifier(name))).fetchall()[0][0] for name in TABLES}


def test_a_call_off_goes_to_the_first_in_the_ranking_at_the_frozen_price(place: Place) -> None:
    answer = place()
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert answer.headers["location"] == f"/call-offs/{made['id']}"
    assert (made["state"], made["supplier_organisation_number"]) == ("sent", FJORDVAKT)
    assert (made["amount_excl_vat"], made["amount_vat"], made["amount_incl_vat"]) == ("7200.00", "1800.00", "9000.00")
    assert made["lines"][0]["unit_price_excl_vat"] == "2400.00"
    assert made["choice"]["certification"][0]["certificate"] == "SV-2026-000001"
    assert made["choice"]["passed_over"] == []


def test_everything_that_follows_is_kept_with_it(place: Place, rows: psycopg.Connection) -> None:
    before, room = counted(rows), reserved(rows)
    place()
    after = counted(rows)
    assert {name: after[name] - before[name] for name in after} == {
        "calloff": 1,
        "calloffline": 1,
        "calloffevent": 3,
        "calloffversion": 0,
        "entry": 1,
        "entryline": 1,
        "audit": 3,
        "event": 2,  # the buyer's and the supplier's
        "letter": 1,
        "procrastinate_jobs": 1,
        "idempotency_key": 1,
    }
    assert tuple(now - then for now, then in zip(reserved(rows), room, strict=True)) == (Decimal(7200), Decimal(7200))


def test_each_step_is_recorded(place: Place, api: TestClient, buyer: dict[str, str]) -> None:
    id = place().json()["id"]
    history = api.get(f"/call-offs/{id}/history", headers=buyer).json()["items"]
    assert [(one["event"], one["state"]) for one in history] == [
        ("reserve", "reserved"),
        ("approve", "approved"),
        ("send", "sent"),
    ]
    assert {one["organisation"] for one in history} == {BRONNOY}


def test_above_the_approval_limit_it_waits_for_the_spending_authority(
    place: Place, api: TestClient, buyer: dict[str, str], rows: psycopg.Connection
) -> None:
    before = counted(rows)
    made = place(lines=[{"item": "alarm", "quantity": 209}]).json()
    assert (made["state"], made["amount_excl_vat"]) == ("reserved", "501600.00")
    assert counted(rows)["letter"] == before["letter"], "no letter before it is approved"
    path = f"/call-offs/{made['id']}"
    assert api.post(f"{path}/send", json={}, headers=buyer).json()["type"] == "/problems/move-refused"
    assert api.post(f"{path}/approve", json={}, headers=buyer).json()["state"] == "approved"
    assert api.post(f"{path}/send", json={}, headers=buyer).json()["state"] == "sent"
    assert counted(rows)["letter"] == before["letter"] + 1


@pytest.mark.parametrize(
    ("changes", "status", "type"),
    [
        ({"framework_agreement": "no-such"}, 404, "framework-agreement-not-found"),
        ({"lot": "no-such"}, 404, "lot-not-found"),
        ({"lines": [{"item": "sofa", "quantity": 1}]}, 422, "item-unknown"),
        ({"lines": [{"item": "alarm", "quantity": 1}] * 2}, 422, "item-twice"),
        ({"lines": []}, 422, "invalid-request"),
        ({"lines": [{"item": "alarm", "quantity": 0}]}, 422, "invalid-request"),
        ({"lines": [{"item": "alarm", "quantity": 1.5}]}, 422, "invalid-request"),
        ({"lines": [{"item": "alarm", "quantity": -1}]}, 422, "invalid-request"),
        ({"lines": [{"item": "alarm", "quantity": 1, "unit_price_excl_vat": "1.00"}]}, 422, "invalid-request"),
        ({"supplier": FJORDVAKT}, 422, "invalid-request"),
        ({"needed_on": "2020-01-01"}, 422, "needed-too-early"),
        ({"needed_on": "soon"}, 422, "invalid-request"),
        ({"needed_on": "2035-01-01"}, 409, "delivery-too-late"),
        ({"needed_on": "2030-07-01"}, 409, "not-certified"),
        ({"framework_agreement": "ra-2025-gps", "lot": "sporing"}, 409, "agreement-not-open"),
        ({"framework_agreement": "ra-2027-nettbrett", "lot": "nettbrett"}, 404, "framework-agreement-not-found"),
        ({"lines": [{"item": "alarm", "quantity": 7400}]}, 409, "ceiling-exceeded"),
        ({"reference": ""}, 422, "invalid-request"),
    ],
    ids=str,
)
def test_what_cannot_be_placed_is_named_and_leaves_nothing(
    place: Place, rows: psycopg.Connection, changes: dict[str, Any], status: int, type: str
) -> None:
    before, room = counted(rows), reserved(rows)
    answer = place(**changes)
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{type}"), answer.text
    assert (counted(rows), reserved(rows)) == (before, room)


def test_the_refusal_tells_what_is_left(place: Place, rows: psycopg.Connection) -> None:
    problem = place(lines=[{"item": "alarm", "quantity": 7400}]).json()
    taken = "SELECT sum(e.reserved + e.posted) FROM entry e JOIN lot l ON l.id = e.lot_id WHERE l.slug = 'alarmer'"
    (seeded,) = rows.execute(taken).fetchone() or ()
    assert problem["scope"] == "lot"
    assert seeded > 1_000_000
    assert problem["left_excl_vat"] == f"{18_000_000 - seeded:.2f}"
    everything = place(lines=[{"item": "alarm", "quantity": 100_000}]).json()
    assert [error["scope"] for error in everything["errors"]] == ["framework_agreement", "lot"]


def test_exactly_what_is_left_can_be_called_off_and_then_nothing(place: Place, rows: psycopg.Connection) -> None:
    rows.execute(
        "UPDATE balance SET ceiling = reserved + posted + 4800 WHERE scope = 'lot' AND subject_id = "
        "(SELECT id FROM lot WHERE slug = 'alarmer')"
    )
    assert place(lines=[{"item": "alarm", "quantity": 2}]).status_code == 201
    answer = place(lines=[{"item": "alarm", "quantity": 1}])
    assert (answer.status_code, answer.json()["left_excl_vat"]) == (409, "0.00")


def test_a_ceiling_of_nothing_allows_nothing(place: Place, rows: psycopg.Connection) -> None:
    rows.execute("UPDATE balance SET ceiling = reserved + posted WHERE scope = 'framework_agreement'")
    assert place(lot="tilsyn", lines=[{"item": "kamera", "quantity": 1}]).json()["type"] == "/problems/ceiling-exceeded"


def test_a_lot_without_its_own_ceiling_is_bound_by_the_agreements(place: Place) -> None:
    answer = place(lot="tilsyn", lines=[{"item": "kamera", "quantity": 10_000}])
    assert (answer.json()["type"], answer.json()["scope"]) == ("/problems/ceiling-exceeded", "framework_agreement")


def test_who_the_notice_does_not_name_is_not_entitled(place: Place, issuer: Issuer) -> None:
    answer = place(headers=issuer.bearer(OSLO, "agreements.order"))
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/not-entitled")


def test_a_suspended_certificate_gives_the_turn_to_the_next(
    place: Place, catalog_api: TestClient, issuer: Issuer
) -> None:
    body = issuer.bearer("100000040", "certification.decide")
    suspended = catalog_api.post(
        "/certificates/SV-2026-000001/suspend", json={"reason": "Feil ved alarmering (fiktiv)"}, headers=body
    )
    assert suspended.status_code == 200, suspended.text
    made = place().json()
    restored = catalog_api.post(
        "/certificates/SV-2026-000001/restore", json={"reason": "Rettet (fiktivt)"}, headers=body
    )
    assert restored.status_code == 200, restored.text
    assert made["supplier_name"].startswith("Nordlys")
    assert [(one["rank"], one["reason"]) for one in made["choice"]["passed_over"]] == [(1, "not_certified")]
    assert "suspended" in made["choice"]["passed_over"][0]["detail"]


def test_a_suspended_place_gives_the_turn_to_the_next(place: Place, rows: psycopg.Connection) -> None:
    rows.execute("UPDATE place SET state = 'suspended' WHERE number = %s", [FJORDVAKT])
    made = place().json()
    assert [(one["rank"], one["reason"]) for one in made["choice"]["passed_over"]] == [(1, "place_not_active")]


def test_a_later_price_list_does_not_change_an_order(
    place: Place, api: TestClient, buyer: dict[str, str], rows: psycopg.Connection
) -> None:
    id = place().json()["id"]
    rows.execute(
        "INSERT INTO price (place_id, version, valid_from_on, item, name, unit, unit_price, vat_percent, product) "
        "SELECT place_id, 2, '2026-03-01', item, name, unit, unit_price + 100, vat_percent, product FROM price"
    )
    assert api.get(f"/call-offs/{id}", headers=buyer).json()["amount_excl_vat"] == "7200.00"
    assert place().json()["amount_excl_vat"] == "7500.00"


def test_the_same_request_is_the_same_call_off(place: Place, rows: psycopg.Connection) -> None:
    first = place(key="once")
    before = counted(rows)
    again = place(key="once")
    assert (again.status_code, again.content) == (201, first.content)
    assert counted(rows) == before
    other = place(key="once", lines=[{"item": "alarm", "quantity": 4}])
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")


def test_a_key_is_needed(api: TestClient, buyer: dict[str, str], order: dict[str, Any]) -> None:
    answer = api.post("/call-offs", json=order, headers=buyer)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/idempotency-key-missing")


def test_ordering_needs_the_scope(place: Place, issuer: Issuer) -> None:
    assert place(headers=issuer.bearer(BRONNOY, "agreements.read")).status_code == 403
    assert place(headers={"X-Nothing": "1"}).status_code == 401


def test_every_balance_is_the_sum_of_its_entries(place: Place, api: TestClient, buyer: dict[str, str]) -> None:
    from services.agreements.ledger import store as ledger

    made = [place(lines=[{"item": "alarm", "quantity": number}]).json()["id"] for number in (1, 2, 3)]
    api.post(f"/call-offs/{made[1]}/cancel", json={"reason": "Feil antall"}, headers=buyer)
    with state(api).database.reading() as reader:
        assert ledger.unproven(reader) == []
        reader.connection().exec_driver_sql("UPDATE balance SET reserved = reserved + 1 WHERE scope = 'lot'")
        assert ledger.unproven(reader), "the proof can fail"


def test_several_kinds_of_wrong_are_told_together(place: Place, issuer: Issuer) -> None:
    problem = place(
        headers=issuer.bearer(OSLO, "agreements.order"),
        framework_agreement="ra-2025-gps",
        lot="sporing",
        needed_on="2020-01-01",
    ).json()
    assert [error["type"].removeprefix("/problems/") for error in problem["errors"]] == [
        "not-entitled",
        "agreement-not-open",
        "needed-too-early",
        "item-unknown",
    ]


def test_another_municipality_orders_for_itself(place: Place, issuer: Issuer) -> None:
    made = place(headers=issuer.bearer(ALSTAHAUG, "agreements.order")).json()
    assert made["buyer_name"] == "Alstahaug kommune"
