"""A forecast says when a ceiling is reached as often within its range as it claims, and says so where it cannot say."""

import random
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from services.agreements.forecasts import rules
from services.agreements.forecasts.rules import Month, NoDay
from services.agreements.ledger import store as ledger
from services.agreements.ledger.rules import Kind, Moved, Scope
from services.chassis.clock import today
from tests.agreements.conftest import JOINT_UNIT
from tests.agreements.test_spend import _accounts
from tests.conftest import NewDatabase, serving, state
from tests.issuer import Issuer

DAY, END = date(2026, 1, 15), date(2031, 1, 15)
VELFERD = "ra-2026-velferdsteknologi"
HISTORIES: dict[str, Callable[[random.Random], float]] = {
    "even": lambda chance: chance.uniform(500, 1500),
    "uneven": lambda chance: 1000 * chance.lognormvariate(0, 0.6),
    "in lumps": lambda chance: sum(chance.expovariate(1 / 400) for _ in range(chance.randint(0, 5))),
}
"""Kroner called off in a month, by an order of things that does not change."""


def months(*amounts: int) -> tuple[Month, ...]:
    begins = [date(2025, 1, 1) + timedelta(days=31 * place) for place in range(len(amounts))]
    return tuple(Month(one.replace(day=1), Decimal(amount)) for one, amount in zip(begins, amounts, strict=True))


def forecast(left: int | Decimal | None, history: tuple[Month, ...], **more: Any) -> rules.Outlook:
    given = None if left is None else Decimal(left)
    return rules.forecast(given, history, **{"running": True, "today": DAY, "ends_on": END, **more})


@pytest.mark.parametrize("name", HISTORIES)
def test_the_day_is_within_the_range_about_as_often_as_it_says(name: str) -> None:
    """500 histories, each carried on by the same chance that made it until the ceiling is reached."""
    within = 0
    for seed in range(500):
        chance = random.Random(seed)
        length, left = chance.randint(6, 12), chance.randint(4, 24) * 1000
        told = forecast(left, months(*(round(HISTORIES[name](chance)) for _ in range(length))), runs=100)
        used = before = 0.0
        while (month := HISTORIES[name](chance)) + used < left:
            used, before = used + month, before + 1
        reached_on = DAY + timedelta(days=(before + (left - used) / month) * 30.4375)
        reached = reached_on if reached_on <= END else date.max
        within += (told.earliest_on or date.max) <= reached <= (told.latest_on or date.max)
    assert 0.72 <= within / 500 <= 0.90, within / 500


amounts = st.lists(st.integers(-50_000, 200_000), min_size=6, max_size=12)


@given(amounts, st.integers(1, 5_000_000), st.integers(0, 1500))
def test_no_day_is_told_outside_the_agreement_and_they_stand_in_order(
    history: list[int], left: int, lasts: int
) -> None:
    end = DAY + timedelta(days=lasts)
    told = forecast(left, months(*history), ends_on=end, runs=40)
    if told.reason:
        assert told.reason is NoDay.NOTHING_CALLED_OFF
        assert sum(history) <= 0
        return
    range_ = [one or date.max for one in (told.earliest_on, told.likely_on, told.latest_on)]
    assert range_ == sorted(range_)
    assert all(one is None or DAY <= one <= end for one in (told.earliest_on, told.likely_on, told.latest_on))
    assert told.reached_percent is not None
    for day, percent in ((told.earliest_on, 10), (told.likely_on, 50), (told.latest_on, 90)):
        assert (day is not None) is (told.reached_percent >= percent)


@given(amounts, st.integers(1, 5_000_000), st.integers(1, 1_000_000))
def test_more_room_is_never_reached_sooner(history: list[int], left: int, more: int) -> None:
    less, further = (forecast(one, months(*history), runs=40) for one in (left, left + more))
    for name in ("earliest_on", "likely_on", "latest_on"):
        assert (getattr(less, name) or date.max) <= (getattr(further, name) or date.max)


def test_equal_months_leave_no_doubt_and_the_same_question_has_one_answer() -> None:
    told = forecast(12_000, months(*[1000] * 12))
    assert told.earliest_on == told.likely_on == told.latest_on == DAY + timedelta(days=366)
    assert told.reached_percent == 100
    assert forecast(50_000, months(*range(100, 1300, 100))) == forecast(50_000, months(*range(100, 1300, 100)))


@pytest.mark.parametrize(
    ("left", "history", "running", "reason"),
    [
        (None, [1000] * 12, True, NoDay.NO_CEILING),
        (0, [1000] * 12, True, NoDay.REACHED),
        (1000, [1000] * 12, False, NoDay.NOT_RUNNING),
        (1000, [1000] * 5, True, NoDay.TOO_FEW_MONTHS),
        (1000, [], True, NoDay.TOO_FEW_MONTHS),
        (1000, [0] * 12, True, NoDay.NOTHING_CALLED_OFF),
        (1000, [1000, -1000] * 6, True, NoDay.NOTHING_CALLED_OFF),
        (1000, [1000] * 6, True, None),
    ],
)
def test_what_it_cannot_say_it_says(left: int | None, history: list[int], running: bool, reason: NoDay | None) -> None:
    told = forecast(left, months(*history), running=running)
    assert told.reason is reason
    assert (told.earliest_on is None) is (reason is not None)


@given(st.dates(date(2020, 1, 1), date(2026, 1, 15)))
def test_only_whole_months_count_and_empty_ones_do(first_on: date) -> None:
    found = rules.whole_months({date(2025, 12, 1): Decimal(7)}, first_on, DAY)
    assert len(found) <= 12
    assert all(one.first_on.day == 1 and first_on <= one.first_on < date(2026, 1, 1) for one in found)
    if first_on <= date(2025, 12, 1):
        assert found[-1] == Month(date(2025, 12, 1), Decimal(7))
        assert all(not one.called_off for one in found[:-1])
    assert not rules.whole_months({}, None, DAY)


@pytest.fixture(scope="module")
def api(apps: Callable[[str], FastAPI], shared_database: NewDatabase) -> Iterator[TestClient]:
    with serving(apps("agreements"), shared_database("agreements", seeded=True)) as client:
        yield client


_ROOM = sa.text("UPDATE balance SET ceiling = 2000000 WHERE scope = :scope AND item = '' AND subject_id = :id")


def test_the_ledgers_own_months_are_told_with_the_range_and_how_it_was_made(api: TestClient, issuer: Issuer) -> None:
    """Ten months of postings in one lot. The other has none of its own, and no ceiling."""
    begins = today().replace(day=1)
    path = f"/framework-agreements/{VELFERD}"
    assert api.get(f"{path}/forecast").json()["reason"] == "too_few_months"
    with state(api).database.writing() as session:
        account = next(one for one in _accounts(session) if one.framework_id == _id(session))
        for month in range(1, 11):
            on = (begins - timedelta(days=30 * month + 15)).replace(day=1)
            posted = Decimal(40_000 + 1000 * month)
            moved = Moved("alarm", None, None, quantity_posted=1, posted=posted)
            ledger.enter(session, account, Kind.POST, [moved], on, "history")
        session.execute(_ROOM, {"scope": Scope.FRAMEWORK_AGREEMENT.value, "id": account.framework_id})
    told = api.get(f"{path}/forecast").json()
    assert told["reason"] is None
    assert told["as_of_on"] <= told["earliest_on"] <= told["likely_on"] <= (told["latest_on"] or told["ends_on"])
    assert told["method"]["seed"] == rules.SEED
    assert told["method"]["range_percent"] == 80
    spend = {"by": "month", "framework_agreement": VELFERD}
    by_month = {one["month"]: one for one in api.get("/ledger/spend", params=spend).json()["items"]}
    for month in told["months"]:
        here = by_month.get(month["month"], {"reserved_excl_vat": "0.00", "posted_excl_vat": "0.00"})
        called_off = Decimal(here["reserved_excl_vat"]) + Decimal(here["posted_excl_vat"])
        assert Decimal(month["called_off_excl_vat"]) == called_off
    assert api.get(f"{path}/lots/tilsyn/forecast").json()["reason"] == "no_ceiling"
    assert api.get(f"{path}/lots/alarmer/forecast").json()["ceiling_excl_vat"] == "18000000.00"
    assert api.get(f"{path}/lots/nei/forecast").status_code == 404
    draft = "/framework-agreements/ra-2027-nettbrett/forecast"
    assert api.get(draft).status_code == 404
    assert api.get(draft, headers=issuer.bearer(JOINT_UNIT)).json()["reason"] == "not_running"


def _id(session: Any) -> Any:
    return session.execute(sa.text("SELECT id FROM frameworkagreement WHERE slug = :slug"), {"slug": VELFERD}).scalar()
