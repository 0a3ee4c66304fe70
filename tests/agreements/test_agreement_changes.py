"""A change of an agreement: one at a time, seen before it holds, signed in order, and never of an order placed."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.agreements.agreement_changes import rules
from services.agreements.agreement_changes.rules import MOVES, Event, State
from services.chassis.clock import today
from services.chassis.values import seed_id
from tests.agreements.conftest import BRONNOY, FJORDVAKT, JOINT_UNIT, NORDLYS, OSLO, Place
from tests.issuer import Issuer

RUNNING, CHANGING = "ra-2026-velferdsteknologi", "ra-2025-gps"
HAVORN = "100000032"
CHANGES = f"/framework-agreements/{RUNNING}/changes"
GPS = f"/framework-agreements/{CHANGING}"
SEEDED = f"{GPS}/changes/{seed_id(f'change:{CHANGING}')}"


def place_id(supplier: str = FJORDVAKT, lot: str = "alarmer", agreement: str = RUNNING) -> str:
    return str(seed_id(f"place:{agreement}:{lot}:{supplier}"))


def variation(factor: str = "1.05", **more: Any) -> dict[str, Any]:
    return {"kind": "item_price_variation", "place": place_id(), "factor": factor} | more


def proposal(change: dict[str, Any], on: date | None = None) -> dict[str, Any]:
    return {"change": change, "effective_on": (on or today()).isoformat(), "reason": "Avtalt (fiktivt)"}


@pytest.fixture
def owner(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(JOINT_UNIT, "agreements.manage", "agreements.read")


def told(answer: Any) -> list[str]:
    found = answer.json()
    return [one["type"].removeprefix("/problems/") for one in found.get("errors", [found])]


@pytest.mark.parametrize(("state", "event"), [*product(State, Event)])
def test_a_change_takes_exactly_the_steps_of_its_table(state: State, event: Event) -> None:
    if (state, event) in MOVES:
        assert rules.after(state, event) is MOVES[state, event]
    else:
        with pytest.raises(rules.MoveRefused):
            rules.after(state, event)


def test_prices_change_from_the_day_of_the_change_and_orders_placed_do_not(
    api: TestClient, owner: dict[str, str], buyer: dict[str, str], place: Place
) -> None:
    before = place()
    made = api.post(CHANGES, json=proposal(variation()), headers=owner)
    assert (made.status_code, made.json()["state"]) == (201, "pending"), made.text
    where = f"{CHANGES}/{made.json()['id']}"
    while_pending = place()
    assert while_pending.json()["lines"][0]["unit_price_excl_vat"] == "2400.00", (
        "the old list holds while one is pending"
    )
    seen = api.get(f"{where}/preview", headers=owner).json()
    assert (seen["problems"], seen["places"][0]["factor"]) == ([], "1.05")
    assert [
        (one["item"], one["old_unit_price_excl_vat"], one["new_unit_price_excl_vat"])
        for one in seen["places"][0]["lines"]
    ] == [("alarm", "2400.00", "2520.00"), ("montering", "890.00", "934.50")]
    prices = f"/framework-agreements/{RUNNING}/price-lists/{place_id()}"
    assert len(api.get(prices).json()["versions"]) == 1, "a preview writes nothing"
    first = api.get(prices).json()["versions"][0]
    active = api.post(f"{where}/activate", json={"signed_on": today().isoformat()}, headers=owner)
    assert (active.status_code, active.json()["state"]) == (200, "active"), active.text
    listed = api.get(prices).json()["versions"]
    assert ([one["version"] for one in listed], listed[1]) == ([2, 1], first)
    yesterday = (today() - timedelta(days=1)).isoformat()
    assert api.get(f"{prices}?on={yesterday}").json()["versions"] == [first]
    assert place().json()["lines"][0]["unit_price_excl_vat"] == "2520.00"
    for earlier in (before, while_pending):
        assert api.get(earlier.headers["location"], headers=buyer).json()["lines"] == earlier.json()["lines"]
    again = api.post(f"{where}/activate", json={"signed_on": today().isoformat()}, headers=owner)
    assert (again.status_code, told(again)) == (409, ["move-refused"])
    assert api.get(f"{where}/preview", headers=owner).status_code == 409
    history = api.get(f"/framework-agreements/{RUNNING}/history").json()["items"]
    assert history[-1]["event"] == "change_activated"


def test_a_price_of_a_day_to_come_holds_from_that_day(api: TestClient, owner: dict[str, str], place: Place) -> None:
    later = today() + timedelta(days=30)
    made = api.post(CHANGES, json=proposal(variation(), later), headers=owner).json()
    api.post(f"{CHANGES}/{made['id']}/activate", json={"signed_on": today().isoformat()}, headers=owner)
    assert place().json()["lines"][0]["unit_price_excl_vat"] == "2400.00"
    prices = f"/framework-agreements/{RUNNING}/price-lists/{place_id()}"
    for day, version in ((later - timedelta(days=1), 1), (later, 2)):
        assert [one["version"] for one in api.get(f"{prices}?on={day}").json()["versions"]] == [version]
    sooner = api.post(CHANGES, json=proposal(variation("1.01")), headers=owner)
    assert told(sooner) == ["effective-day-invalid"], "no version overtakes one that is to come"


def test_one_change_is_pending_at_a_time(api: TestClient, owner: dict[str, str]) -> None:
    made = api.post(CHANGES, json=proposal(variation()), headers=owner).json()
    second = api.post(CHANGES, json=proposal(variation("0.95")), headers=owner)
    assert (second.status_code, told(second)) == (409, ["change-pending"])
    cancelled = api.post(f"{CHANGES}/{made['id']}/cancel", json={"reason": "Ikke enige"}, headers=owner)
    assert (cancelled.json()["state"], cancelled.json()["ended_reason"]) == ("cancelled", "Ikke enige")
    assert api.post(CHANGES, json=proposal(variation("0.95")), headers=owner).status_code == 201


@pytest.mark.parametrize(
    ("change", "status", "expected"),
    [
        (variation("1.1001"), 409, ["large-change", "large-change"]),
        (variation("0.8999"), 409, ["large-change", "large-change"]),
        (variation("1.2", items=["alarm"]), 409, ["large-change"]),
        (variation(items=["ukjent", "alarm", "annet"]), 422, ["item-not-listed", "item-not-listed"]),
        (
            {"kind": "third_party", "place": place_id(), "month": "2026-10", "index_value": "139.1", "source": "SSB"},
            409,
            ["no-index-clause"],
        ),
        ({"kind": "tax_rate", "from_vat_percent": "12", "to_vat_percent": "15"}, 409, ["rate-not-listed"]),
        ({"kind": "party_withdrawal", "place": str(seed_id("nowhere"))}, 404, ["place-not-found"]),
        ({"kind": "extension"}, 422, ["invalid-request"]),
        (variation(addend="5.00"), 422, ["invalid-request"]),
    ],
    ids=str,
)
def test_a_change_that_does_not_hold_is_refused_with_every_line_named(
    api: TestClient, owner: dict[str, str], change: dict[str, Any], status: int, expected: list[str]
) -> None:
    refused = api.post(CHANGES, json=proposal(change), headers=owner)
    assert (refused.status_code, told(refused)) == (status, expected), refused.text
    assert api.get(CHANGES, headers=owner).json()["items"] == []


@pytest.mark.parametrize(
    ("day", "expected"), [(date(2020, 1, 1), 422), (date(2030, 2, 1), 422), (date(2030, 1, 31), 201)]
)
def test_a_change_takes_effect_within_what_is_left_of_the_agreement(
    api: TestClient, owner: dict[str, str], day: date, expected: int
) -> None:
    assert api.post(CHANGES, json=proposal(variation(), day), headers=owner).status_code == expected


def test_changes_are_signed_in_order_and_not_in_the_future(api: TestClient, owner: dict[str, str]) -> None:
    def proposed(factor: str) -> str:
        made = api.post(CHANGES, json=proposal(variation(factor)), headers=owner)
        return f"{CHANGES}/{made.json()['id']}/activate"

    days = [(today() + timedelta(days=n)).isoformat() for n in (-2, -1, 1)]
    assert api.post(proposed("1.01"), json={"signed_on": days[1]}, headers=owner).status_code == 200
    second = proposed("1.02")
    for wrong in (days[0], days[2]):
        assert told(api.post(second, json={"signed_on": wrong}, headers=owner)) == ["signing-invalid"]
    assert api.post(second, json={"signed_on": days[1]}, headers=owner).status_code == 200


def test_an_index_changes_prices_by_the_agreed_share_and_is_then_followed_from_there(
    api: TestClient, owner: dict[str, str]
) -> None:
    seen = api.get(f"{SEEDED}/preview", headers=owner).json()
    (line,) = seen["places"][0]["lines"]
    assert (line["old_unit_price_excl_vat"], line["new_unit_price_excl_vat"]) == ("1490.00", "1524.38")
    assert seen["places"][0]["explanation"].endswith("= 1.02307692")
    activation = {"signed_on": today().isoformat(), "effective_on": today().isoformat()}
    assert api.post(f"{SEEDED}/activate", json=activation, headers=owner).status_code == 200
    place = place_id(HAVORN, "sporing", CHANGING)
    listed = api.get(f"{GPS}/price-lists/{place}").json()
    assert listed["versions"][0]["prices"][0]["unit_price_excl_vat"] == "1524.38"
    assert (listed["index_clause"]["base_month"], listed["index_clause"]["base_value"]) == ("2026-10", "139.1")
    same = {"kind": "third_party", "place": place, "month": "2026-10", "index_value": "150", "source": "SSB"}
    assert told(api.post(f"{GPS}/changes", json=proposal(same), headers=owner)) == ["index-month-invalid"]


def test_another_rate_of_vat_reaches_every_place(api: TestClient, owner: dict[str, str]) -> None:
    change = {"kind": "tax_rate", "from_vat_percent": "25", "to_vat_percent": "24.5"}
    made = api.post(CHANGES, json=proposal(change), headers=owner)
    activated = api.post(
        f"{CHANGES}/{made.json()['id']}/activate", json={"signed_on": today().isoformat()}, headers=owner
    )
    assert activated.status_code == 200, activated.text
    items = api.get(f"/framework-agreements/{RUNNING}/places").json()["items"]
    assert {Decimal(price["vat_percent"]) for one in items for price in one["prices"]} == {Decimal("24.5")}
    assert items[0]["prices"][0]["unit_price_excl_vat"] == "2400.00"


def test_a_supplier_leaves_on_the_day_of_its_withdrawal(
    api: TestClient, owner: dict[str, str], issuer: Issuer, place: Place
) -> None:
    supplier = issuer.bearer(FJORDVAKT, "agreements.supply")
    change = {"kind": "party_withdrawal", "place": place_id()}
    later = today() + timedelta(days=9)
    made = api.post(CHANGES, json=proposal(change, later), headers=supplier)
    where = f"{CHANGES}/{made.json()['id']}/activate"
    assert api.post(where, json={"signed_on": today().isoformat()}, headers=supplier).status_code == 403
    early = api.post(where, json={"signed_on": today().isoformat()}, headers=owner)
    assert told(early) == ["effective-day-invalid"]
    now = {"signed_on": today().isoformat(), "effective_on": today().isoformat()}
    assert api.post(where, json=now, headers=owner).status_code == 200
    left = api.get(f"/framework-agreements/{RUNNING}/places/{place_id()}").json()
    assert left["state"] == "withdrawn"
    assert place().json()["supplier_organisation_number"] == NORDLYS
    assert told(api.post(CHANGES, json=proposal(variation()), headers=owner)) == ["place-not-held"]


def test_a_supplier_proposes_for_its_own_place_only_and_others_do_not_see_it(
    api: TestClient, issuer: Issuer, owner: dict[str, str]
) -> None:
    foreign = api.post(CHANGES, json=proposal(variation()), headers=issuer.bearer(NORDLYS, "agreements.supply"))
    assert (foreign.status_code, told(foreign)) == (403, ["not-party-to-change"])
    everybody = {"kind": "tax_rate", "from_vat_percent": "25", "to_vat_percent": "24"}
    own = issuer.bearer(FJORDVAKT, "agreements.supply")
    assert api.post(CHANGES, json=proposal(everybody), headers=own).status_code == 403
    made = api.post(CHANGES, json=proposal(variation()), headers=own)
    assert made.status_code == 201, made.text
    where = f"{CHANGES}/{made.json()['id']}"
    for who in (own, owner, issuer.bearer(BRONNOY)):
        assert api.get(where, headers=who).status_code == 200
        assert len(api.get(CHANGES, headers=who).json()["items"]) == 1
    for who in ({}, issuer.bearer(OSLO), issuer.bearer(NORDLYS, "agreements.supply")):
        assert [api.get(one, headers=who).status_code for one in (where, f"{where}/preview")] == [404, 404]
        assert api.get(CHANGES, headers=who).json()["items"] == []
    unseen = api.post(f"{where}/cancel", json={"reason": "x"}, headers=issuer.bearer(NORDLYS, "agreements.supply"))
    assert unseen.status_code == 404
    assert api.post(f"{where}/cancel", json={"reason": "Trukket"}, headers=own).json()["state"] == "cancelled"


def test_an_agreement_that_is_over_is_not_changed(api: TestClient, owner: dict[str, str]) -> None:
    over = "ra-2022-nettverk"
    change = variation(place=place_id(NORDLYS, "svitsjer", over))
    refused = api.post(f"/framework-agreements/{over}/changes", json=proposal(change), headers=owner)
    assert {"agreement-not-changeable", "place-not-held"} <= set(told(refused))


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(factors=st.lists(st.decimals(min_value="0.85", max_value="1.15", places=4), min_size=1, max_size=4))
def test_no_later_version_changes_an_order_or_passes_the_bounds(
    api: TestClient, owner: dict[str, str], buyer: dict[str, str], place: Place, factors: list[Decimal]
) -> None:
    placed = []
    for factor in factors:
        order = place()
        assert order.status_code == 201, order.text
        placed.append(order)
        made = api.post(CHANGES, json=proposal(variation(str(factor))), headers=owner)
        if made.status_code == 201:
            where = f"{CHANGES}/{made.json()['id']}/activate"
            assert api.post(where, json={"signed_on": today().isoformat()}, headers=owner).status_code == 200
        else:
            assert set(told(made)) == {"large-change"}
    for order in placed:
        read = api.get(order.headers["location"], headers=buyer).json()
        assert read["lines"] == order.json()["lines"]
        assert Decimal("2160.00") <= Decimal(read["lines"][0]["unit_price_excl_vat"]) <= Decimal("2640.00")
