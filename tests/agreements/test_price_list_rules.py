"""Prices of the next version: exact in øre, never nothing, never past the agreed bounds."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.agreements.price_lists import rules
from services.agreements.price_lists.rules import Line
from services.agreements.price_terms.rules import Bounds, Clause

D = Decimal
BOUNDS = Bounds(D("0.9"), D("1.1"))
CLAUSE = Clause("KPI", "2026-01", D("135.2"), D(80), date(2027, 1, 1))
PRICES = st.decimals(min_value="0.01", max_value="99999.99", places=2)
FACTORS = st.decimals(min_value="0.5", max_value="1.5", places=4)


@pytest.mark.parametrize(
    ("price", "factor", "expected"),
    [
        ("0.50", "1.01", "0.51"),
        ("0.50", "1.03", "0.52"),
        ("100.00", "0.99995", "100.00"),
        ("2400.00", "1.03", "2472.00"),
    ],
)
def test_a_price_is_rounded_half_up_to_the_ore(price: str, factor: str, expected: str) -> None:
    assert rules.times(D(price), D(factor)) == D(expected)


@pytest.mark.parametrize(
    ("value", "factor"), [("135.2", "1"), ("139.1", "1.02307692"), ("128.44", "0.96"), ("270.4", "1.8")]
)
def test_an_index_moves_only_the_share_of_a_price_that_follows_it(value: str, factor: str) -> None:
    assert rules.index_factor(CLAUSE, D(value)) == D(factor)


@given(PRICES, FACTORS, FACTORS)
def test_bounds_count_from_the_first_price_list_however_many_changes_there_are(
    price: Decimal, one: Decimal, other: Decimal
) -> None:
    first, before = {"a": price}, [Line("a", price, D(25))]
    for factor in (one, other):
        after = rules.moved(before, factor)
        if not rules.check_prices(first, before, after, BOUNDS):
            before = after
    assert rules.times(price, D("0.9")) <= before[0].unit_price <= rules.times(price, D("1.1"))
    assert before[0].unit_price > 0


def test_every_line_that_moves_too_far_is_told_and_those_that_stay_are_not() -> None:
    lines = [Line(item, D(100), D(25)) for item in ("a", "b", "c")]
    found = rules.check_prices(
        {line.item: line.unit_price for line in lines}, lines, rules.moved(lines, D("1.1001"), ["a", "c"]), BOUNDS
    )
    assert [(type(one), one.members["item"]) for one in found] == [(rules.LargeChange, "a"), (rules.LargeChange, "c")]


def test_a_price_of_nothing_is_refused() -> None:
    before = [Line("a", D("0.01"), D(25))]
    found = rules.check_prices({"a": D("0.01")}, before, rules.moved(before, D("0.4")), Bounds(D("0.1"), D(2)))
    assert [type(one) for one in found] == [rules.PriceNotPositive]


def test_another_rate_of_vat_leaves_prices_and_other_rates_alone() -> None:
    lines = [Line("a", D(100), D(25)), Line("b", D(100), D(15))]
    assert rules.taxed(lines, D("25.00"), D(24)) == [Line("a", D(100), D(24)), lines[1]]
    assert [type(one) for one in rules.check_rate(lines, D(12))] == [rules.RateNotListed]


@pytest.mark.parametrize(
    ("clause", "month", "on", "expected"),
    [
        (None, "2027-01", date(2027, 2, 1), [rules.NoIndexClause]),
        (CLAUSE, "2027-01", date(2027, 2, 1), []),
        (CLAUSE, "2026-01", date(2027, 2, 1), [rules.IndexMonthInvalid]),
        (CLAUSE, "2027-03", date(2027, 2, 1), [rules.IndexMonthInvalid]),
        (CLAUSE, "2026-11", date(2026, 12, 31), [rules.IndexClauseWaits]),
        (CLAUSE, "2025-11", date(2026, 12, 31), [rules.IndexMonthInvalid, rules.IndexClauseWaits]),
    ],
)
def test_an_index_counts_as_its_clause_says(
    clause: Clause | None, month: str, on: date, expected: list[type[Exception]]
) -> None:
    assert [type(one) for one in rules.check_index(clause, month, on)] == expected
