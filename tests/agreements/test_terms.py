"""When a call-off may be placed, and what a framework agreement's terms must be."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.agreements.calloffs import rules
from services.agreements.frameworks import rules as frameworks
from services.agreements.frameworks.rules import Period

TERMS = rules.Terms(True, "active", date(2026, 1, 1), date(2026, 12, 31), True)
WANTED = [rules.Wanted("alarm", 1)]
TODAY = date(2026, 6, 1)


def refusals(terms: rules.Terms = TERMS, **given: object) -> list[str]:
    arguments = {"wanted": WANTED, "offered": {"alarm"}, "needed_on": TODAY, "today": TODAY} | given
    return [type(one).__name__ for one in rules.check(terms, **arguments)]  # type: ignore[arg-type]  # a mix


def test_within_its_terms_nothing_is_refused() -> None:
    assert refusals() == []


@pytest.mark.parametrize("today", [TERMS.starts_on, TERMS.ends_on])
def test_the_first_and_the_last_day_are_within_the_period(today: date) -> None:
    assert refusals(today=today, needed_on=today) == []


@pytest.mark.parametrize("today", [date(2025, 12, 31), date(2027, 1, 1)])
def test_a_day_before_or_after_is_not(today: date) -> None:
    assert refusals(today=today, needed_on=today) == ["OutsidePeriod"]


def test_all_that_is_wrong_is_told_at_once_the_gravest_first() -> None:
    terms = rules.Terms(False, "suspended", date(2026, 1, 1), date(2026, 2, 1), False)
    wanted = [rules.Wanted("alarm", 1), rules.Wanted("alarm", 2), rules.Wanted("sofa", 1)]
    assert refusals(terms, wanted=wanted, needed_on=date(2026, 1, 1)) == [
        "NotEntitled",
        "AgreementNotOpen",
        "OutsidePeriod",
        "NeededTooEarly",
        "ItemTwice",
        "ItemUnknown",
    ]


def test_up_to_the_approval_limit_one_request_does_all() -> None:
    limit = Decimal("500000.00")
    assert rules.first_events(limit, limit) == (rules.Event.RESERVE, rules.Event.APPROVE, rules.Event.SEND)
    assert rules.first_events(limit + Decimal("0.01"), limit) == (rules.Event.RESERVE,)


@pytest.mark.parametrize(
    ("ends_on", "rationale", "refused"),
    [
        (date(2030, 2, 28), None, False),
        (date(2030, 3, 1), None, True),
        (date(2030, 3, 1), "Investering som avskrives over seks år", False),
        (date(2026, 2, 28), None, True),
    ],
)
def test_more_than_four_years_need_a_reason(ends_on: date, rationale: str | None, refused: bool) -> None:
    assert bool(frameworks.check_period(Period(date(2026, 3, 1), ends_on, rationale))) is refused


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)))
def test_exactly_four_years_are_always_allowed(starts_on: date) -> None:
    last = frameworks._four_years_after(starts_on) - date.resolution
    assert frameworks.check_period(Period(starts_on, last, None)) == []
    assert frameworks.check_period(Period(starts_on, last + date.resolution, None))


def test_the_ceilings_must_fit_together() -> None:
    found = frameworks.check_ceilings(Decimal(100), Decimal(101), [None, Decimal(100), Decimal(101)])
    assert [one.pointer for one in found] == ["#/estimate_excl_vat", "#/lots/2/ceiling_excl_vat"]
