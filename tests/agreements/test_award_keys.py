"""Award keys: every method finds its supplier by its announced rule, and by nothing else."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.agreements.award_keys import rules
from services.agreements.award_keys.rules import Candidate, Documented, NoSupplier, PassedOver
from services.agreements.frameworks.rules import Band, Method

amounts = st.integers(min_value=1, max_value=10**9).map(lambda ore: Decimal(ore).scaleb(-2))


def candidate(rank: int, net: Decimal | None, turns: int = 0) -> Candidate:
    return Candidate(rank, rank, f"10000000{rank}", f"Supplier {rank}", True, net, turns=turns)


candidates = st.lists(amounts, min_size=1, max_size=6).map(
    lambda nets: [candidate(rank, net) for rank, net in enumerate(nets, 1)]
)
thresholds = st.lists(amounts, max_size=2, unique=True).map(
    lambda found: [Band(value, method) for value, method in zip([Decimal(0), *sorted(found)], Method, strict=False)]
)


@given(bands=thresholds, low=amounts, more=amounts)
def test_a_higher_value_never_has_a_lower_band(bands: list[Band], low: Decimal, more: Decimal) -> None:
    assert bands.index(rules.band_for(bands, low)) <= bands.index(rules.band_for(bands, low + more))


@given(every=candidates)
def test_the_cheapest_basket_costs_no_more_than_any_other(every: list[Candidate]) -> None:
    found = rules.choose(Method.CHEAPEST_BASKET, every, None).candidate
    assert found.net == min(one.net for one in every if one.net is not None)
    assert found.rank == min(one.rank for one in every if one.net == found.net), "a tie goes by rank"


@given(every=candidates, times=st.integers(min_value=1, max_value=40))
def test_rotation_gives_turns_that_differ_by_one_at_most(every: list[Candidate], times: int) -> None:
    for _ in range(times):
        asked = rules.choose(Method.ROTATION, every, None).candidate
        every = [replace(one, turns=one.turns + (one.rank == asked.rank)) for one in every]
        turns = [one.turns for one in every]
        assert max(turns) - min(turns) <= 1


@pytest.mark.parametrize("method", [Method.RANKING, Method.ROTATION, Method.CHEAPEST_BASKET])
@given(every=candidates)
def test_turning_down_asks_each_once_and_then_nobody(method: Method, every: list[Candidate]) -> None:
    asked: list[int] = []
    for _ in range(len(every)):
        found = rules.choose(method, every, None).candidate
        asked.append(found.rank)
        every = [replace(one, asked=one.asked or one.rank == found.rank) for one in every]
    assert sorted(asked) == [one.rank for one in every]
    with pytest.raises(NoSupplier) as refused:
        rules.choose(method, every, None)
    told = refused.value.members["passed_over"]
    assert isinstance(told, list)
    assert {one["reason"] for one in told} == {PassedOver.ALREADY_ASKED.value}


@given(every=candidates)
def test_the_value_that_decides_the_band_is_the_dearest_basket(every: list[Candidate]) -> None:
    assert all(one.net <= rules.value_of(every) for one in every if one.net is not None)


def test_a_mini_competition_is_never_replaced_by_a_direct_award() -> None:
    with pytest.raises(rules.MiniCompetitionNeeded):
        rules.choose(Method.MINI_COMPETITION, [candidate(1, Decimal(1))], None)


@pytest.mark.parametrize(
    ("method", "documented", "problems"),
    [
        (Method.RANKING, None, []),
        (Method.RANKING, Documented("100000001", ("a",), "Derfor"), [rules.DocumentedChoiceNotAllowed]),
        (Method.OBJECTIVE_CONDITIONS, None, [rules.DocumentedChoiceMissing]),
        (Method.OBJECTIVE_CONDITIONS, Documented("100000001", ("a",), "Derfor"), []),
        (
            Method.OBJECTIVE_CONDITIONS,
            Documented("100000009", ("a", "b"), "Derfor"),
            [rules.ConditionUnknown, rules.SupplierWithoutPlace],
        ),
    ],
)
def test_a_documented_choice_is_made_where_it_is_announced_and_only_there(
    method: Method, documented: Documented | None, problems: list[type]
) -> None:
    found = rules.check_documented(method, documented, conditions=["a"], suppliers=["100000001"])
    assert [type(one) for one in found] == problems
