"""What is left under each ceiling, what warns, and when it will be full."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from services.agreements.capacities import rules
from services.agreements.capacities import store as capacities
from services.agreements.capacities.rules import NoForecast
from services.agreements.frameworks import store as frameworks
from services.agreements.ledger import store as ledger
from services.agreements.ledger.rules import Scope
from services.chassis.db import Database
from tests.agreements.conftest import ALSTAHAUG, BRONNOY, JOINT_UNIT
from tests.issuer import Issuer

AGREEMENT = "/framework-agreements/ra-2026-velferdsteknologi"
TODAY, ENDS = date(2026, 6, 1), date(2027, 6, 1)
Place = Callable[..., Any]


def capacity(api: TestClient, headers: dict[str, str] | None = None) -> Any:
    answer = api.get(f"{AGREEMENT}/capacity", headers=headers or {})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_call_off_takes_room_at_every_level(api: TestClient, place: Place, buyer: dict[str, str]) -> None:
    before = capacity(api, buyer)
    assert place().status_code == 201
    after = capacity(api, buyer)
    taken = Decimal(3 * 2400)

    def level(told: Any) -> list[Any]:
        (lot,) = [one for one in told["lots"] if one["lot"] == "alarmer"]
        (mine,) = told["buyers"]
        first = next(one for one in told["suppliers"] if one["lot"] == "alarmer")
        return [Decimal(one["room"]["reserved_excl_vat"]) for one in (told, lot, first, mine)]

    assert [b - a for a, b in zip(level(before), level(after), strict=True)] == [taken] * 4
    assert Decimal(after["estimate"]["used_excl_vat"]) == Decimal(before["estimate"]["used_excl_vat"]) + taken
    assert [one["organisation_number"] for one in after["buyers"]] == [BRONNOY]
    assert after["forecast"]["reason"] == "too_little_history"
    assert after["fully_reserved"] is False


def test_who_bought_how_much_is_seen_by_itself_and_the_owner(api: TestClient, issuer: Issuer) -> None:
    assert capacity(api)["buyers"] == []
    other = capacity(api, issuer.bearer(ALSTAHAUG))["buyers"]
    assert [one["organisation_number"] for one in other] == [ALSTAHAUG]
    seen = capacity(api, issuer.bearer("100000016"))
    assert seen["buyers"] == [], "a supplier sees no buyer's figures"
    assert {one["supplier_organisation_number"] for one in seen["suppliers"]} == {"100000016"}, "nor another supplier's"
    assert (
        len({one["supplier_organisation_number"] for one in capacity(api, issuer.bearer(JOINT_UNIT))["suppliers"]}) > 1
    )
    assert len(capacity(api, issuer.bearer(JOINT_UNIT))["buyers"]) == 18


def test_what_is_fully_reserved_has_nothing_left_just_now(api: TestClient, rows: psycopg.Connection) -> None:
    rows.execute("UPDATE balance SET ceiling = reserved + posted WHERE scope = 'framework_agreement' AND item = ''")
    told = capacity(api)
    assert (told["fully_reserved"], told["room"]["left_excl_vat"], told["state"]) == (True, "0.00", "active")


def test_quantities_are_told_beside_the_value(api: TestClient, url: str) -> None:
    database = Database(url)
    with database.writing() as session:
        agreement = frameworks.by_slug(session, "ra-2026-velferdsteknologi")
        ledger.open_balance(session, Scope.FRAMEWORK_AGREEMENT, agreement.id or 0, Decimal(500), item="alarm")
    database.close()
    expected = {"item": "alarm", "maximum": 500, "reserved": 0, "posted": 0, "left": 500}
    assert capacity(api)["quantities"] == [expected]


def test_each_share_of_the_estimate_is_told_once(api: TestClient, url: str, rows: psycopg.Connection) -> None:
    database = Database(url)

    def look(estimate_percent: int) -> list[int]:
        rows.execute(
            "UPDATE frameworkagreement f SET estimate = (b.reserved + b.posted) * 100 / %s FROM balance b "
            "WHERE b.scope = 'framework_agreement' AND b.item = '' AND b.subject_id = f.id "
            "AND f.slug = 'ra-2026-velferdsteknologi'",
            (estimate_percent,),
        )
        before = told()
        with database.writing() as session:
            number = capacities.warn_due(session)
        new = told()[len(before) :]
        assert len(new) == number
        return new

    def told() -> list[int]:
        query = "SELECT data FROM event WHERE type = 'framework_agreement.estimate_used' ORDER BY id"
        return [data["percent"] for (data,) in rows.execute(query)]

    assert look(79) == []
    assert look(80) == [80]
    assert look(80) == []
    assert look(120) == [90, 100], "each that was passed, in order"
    assert look(50) == []
    assert look(120) == [], "what has been told is not told again"
    assert capacity(api)["estimate"]["warnings"] == [80, 90, 100]
    database.close()


def test_what_a_posting_fills_is_exhausted(api: TestClient, url: str, rows: psycopg.Connection) -> None:
    database = Database(url)
    (number,) = (
        rows.execute("SELECT id FROM frameworkagreement WHERE slug = 'ra-2026-velferdsteknologi'").fetchone() or ()
    )

    def look() -> bool:
        with database.writing() as session:
            return frameworks.exhaust_if_reached(session, number)

    assert look() is False
    rows.execute(
        "UPDATE balance SET ceiling = reserved + posted WHERE scope = 'framework_agreement' AND subject_id = %s",
        (number,),
    )
    assert look() is False, "what is only reserved can be released"
    rows.execute(
        "UPDATE balance SET posted = posted + reserved, reserved = 0 WHERE scope = 'framework_agreement' "
        "AND subject_id = %s",
        (number,),
    )
    with psycopg.connect(url) as other:
        other.execute("SELECT 1 FROM frameworkagreement WHERE id = %s FOR UPDATE", (number,))
        assert look() is False, "it does not wait for whoever changes the agreement"
    with database.writing() as session:
        assert frameworks.exhaust_due(session) == 1
    assert look() is False
    assert api.get(AGREEMENT).json()["state"] == "exhausted"
    last = api.get(f"{AGREEMENT}/history").json()["items"][-1]
    assert (last["event"], last["organisation"]) == ("exhaust", None)
    database.close()


def forecast(left: str | None = "1000", windows: str = "90 900 180 900 365 1825", **changes: Any) -> rules.Forecast:
    parts = windows.split()
    called_off = [(int(days), Decimal(value)) for days, value in zip(parts[::2], parts[1::2], strict=True)]
    given: dict[str, Any] = {
        "running": True,
        "call_offs": 50,
        "first_on": date(2020, 1, 1),
        "today": TODAY,
        "ends_on": ENDS,
    } | changes
    return rules.forecast(None if left is None else Decimal(left), called_off, **given)


def test_a_forecast_has_a_range_of_the_paces() -> None:
    told = forecast()
    assert [(one.days, one.per_day) for one in told.paces] == [(90, Decimal(10)), (180, Decimal(5)), (365, Decimal(5))]
    assert (told.earliest_on, told.latest_on) == (TODAY + timedelta(days=100), TODAY + timedelta(days=200))


def test_a_pace_that_does_not_get_there_before_the_end_has_no_day() -> None:
    told = forecast(left="3650")
    assert [one.reached_on for one in told.paces] == [TODAY + timedelta(days=365), None, None]
    assert (told.earliest_on, told.latest_on, told.reason) == (ENDS, None, None)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"left": None}, NoForecast.NO_CEILING),
        ({"running": False}, NoForecast.NOT_RUNNING),
        ({"call_offs": 4}, NoForecast.TOO_LITTLE_HISTORY),
        ({"first_on": TODAY - timedelta(days=88)}, NoForecast.TOO_LITTLE_HISTORY),
        ({"first_on": None, "call_offs": 0}, NoForecast.TOO_LITTLE_HISTORY),
        ({"windows": "90 0 180 -5 365 0"}, NoForecast.NOTHING_ORDERED_LATELY),
    ],
    ids=str,
)
def test_where_too_little_is_known_it_says_why(changes: dict[str, Any], reason: NoForecast) -> None:
    told = forecast(**changes)
    assert (told.reason, told.paces, told.earliest_on, told.latest_on) == (reason, (), None, None)


def test_a_young_agreements_pace_is_that_of_its_own_days() -> None:
    told = forecast(windows="90 900 180 1000 365 1000", first_on=TODAY - timedelta(days=99))
    assert [one.per_day for one in told.paces] == [Decimal(10)] * 3


@given(st.integers(0, 10**8), st.lists(st.integers(0, 10**8), min_size=3, max_size=3), st.integers(0, 3000))
def test_a_forecast_lies_between_today_and_the_end(left: int, ore: list[int], remaining: int) -> None:
    ends_on = TODAY + timedelta(days=remaining)
    windows = " ".join(f"{days} {Decimal(one) / 100}" for days, one in zip(rules.WINDOWS, ore, strict=True))
    told = forecast(str(Decimal(left) / 100), windows, ends_on=ends_on)
    days = [one.reached_on for one in told.paces if one.reached_on]
    assert all(TODAY <= day <= ends_on for day in days)
    assert told.earliest_on == min(days, default=None)
    for one in told.paces:
        if one.reached_on and one.reached_on > TODAY:
            called_off, passed = ore[rules.WINDOWS.index(one.days)], (one.reached_on - TODAY).days
            assert called_off * (passed - 1) < left * one.days <= called_off * passed, "the day on which it is passed"
