"""The order of bids follows from what was announced and marked, is found again from what is kept, and a losing bid
cannot decide it by being worse."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.agreements.criteria.rules import FORMULAS, Criterion, Formula, Kind, Tie
from services.agreements.evaluations import rules
from services.agreements.evaluations.rules import Bid, Inputs, Mark

CEILING = Decimal("120000.00")
ABSOLUTE = [code for code, meaning in FORMULAS.items() if meaning.kind is Kind.PRICE and not meaning.relative]
QUALITY = [code for code, meaning in FORMULAS.items() if meaning.kind is Kind.QUALITY]
TIES = [
    (Tie.LOWEST_PRICE, Tie.RANK),
    (Tie.HIGHEST_QUALITY, Tie.RECORDED_LOT),
    (Tie.HIGHEST_QUALITY, Tie.LOWEST_PRICE, Tie.RANK),
    (Tie.RECORDED_LOT,),
]


def price(formula: Formula, weight: str) -> Criterion:
    rate = Decimal("0.0008") if formula is Formula.FIXED_POINTS_PER_KRONE else None
    return Criterion("price", Kind.PRICE, Decimal(weight), formula, points_per_krone=rate)


def quality(code: str, weight: str, formula: Formula = Formula.AVERAGE_OF_EVALUATORS) -> Criterion:
    return Criterion(code, Kind.QUALITY, Decimal(weight), formula, scale_max=Decimal(10))


MUST = Criterion("logging", Kind.MUST)


def bid(number: int, net: str) -> Bid:
    return Bid(f"bid-{number}", str(100_000_000 + number), f"Leverandør {number}", number, Decimal(net))


def case(
    *nets: str,
    marks: Mapping[str, Sequence[int | bool]] | None = None,
    criteria: tuple[Criterion, ...],
    ties: tuple[Tie, ...] = TIES[0],
) -> Inputs:
    """One evaluator, `marks` by criterion in the bids' order."""
    bids = tuple(bid(number, net) for number, net in enumerate(nets, 1))
    given: dict[str, dict[str, Mark]] = {
        one.bid: {
            code: bool(row[place]) if row[place] is False else Decimal(row[place])
            for code, row in (marks or {}).items()
        }
        for place, one in enumerate(bids)
    }
    return Inputs(criteria, ties, "seed", CEILING, ("fag",), bids, {"fag": given})


@st.composite
def evaluations(draw: st.DrawFn, formulas: list[Formula] = ABSOLUTE) -> Inputs:
    """Few prices and marks, so that points are often equal."""
    first = draw(st.integers(0, 100))
    second = draw(st.integers(0, 100 - first))
    criteria = (
        price(draw(st.sampled_from(formulas)), str(first)),
        quality("usability", str(second), draw(st.sampled_from(QUALITY))),
        quality("plan", str(100 - first - second), draw(st.sampled_from(QUALITY))),
        MUST,
    )
    nets = draw(st.lists(st.integers(0, 6).map(lambda n: f"{n * 20_000}.00"), min_size=1, max_size=6))
    bids = tuple(bid(number, net) for number, net in enumerate(nets, 1))
    evaluators = ("fag", "ikt", "innkjop")[: draw(st.integers(1, 3))]
    mark = st.sampled_from([Decimal(0), Decimal(5), Decimal("7.5"), Decimal(10)])
    marks: dict[str, dict[str, dict[str, Mark]]] = {
        evaluator: {
            one.bid: {"usability": draw(mark), "plan": draw(mark), "logging": draw(st.integers(0, 9)) > 0}
            for one in bids
        }
        for evaluator in evaluators
    }
    return Inputs(criteria, draw(st.sampled_from(TIES)), draw(st.sampled_from("abc")), CEILING, evaluators, bids, marks)


def worse(inputs: Inputs, loser: Bid, dearer: Decimal, down: Decimal, evaluator: str) -> Inputs:
    """The same evaluation with one bid that costs more, and that an evaluator thinks less of."""
    bids = tuple(replace(one, net=one.net + dearer) if one == loser else one for one in inputs.bids)
    of = inputs.marks[evaluator][loser.bid]
    lower = {code: mark if isinstance(mark, bool) else max(mark - down, Decimal(0)) for code, mark in of.items()}
    marks = {**inputs.marks, evaluator: {**inputs.marks[evaluator], loser.bid: lower}}
    return replace(inputs, bids=bids, marks=marks)


@given(evaluations(formulas=[*ABSOLUTE, Formula.LOWEST_OVER_PRICE]))
def test_the_winner_has_the_most_points_and_what_is_shown_adds_up(inputs: Inputs) -> None:
    result = rules.evaluate(inputs)
    assert {one.bid for one in result.ranking} | {one.bid for one in result.unmet} == set(inputs.bids)
    for ranked in result.ranking:
        assert ranked.total == sum(step.points for step in ranked.steps)
        assert sum(step.weight for step in ranked.steps) == 100
        assert all(0 <= step.score <= 100 for step in ranked.steps)
        assert all(abs(step.points - step.score * step.weight / 100) <= rules.POINT for step in ranked.steps)
    totals = [one.total for one in result.ranking]
    assert totals == sorted(totals, reverse=True)
    assert result.winner is None or result.ranking[0].total == max(totals)
    for before, after in zip(result.ranking, result.ranking[1:], strict=False):
        assert (after.tie is not None) == (before.total == after.total)


@settings(max_examples=200)
@given(
    evaluations(),
    st.integers(0, 5),
    st.integers(0, 130_000).map(Decimal),
    st.integers(0, 10).map(Decimal),
    st.booleans(),
)
def test_a_losing_bid_that_is_worse_never_changes_the_winner(
    inputs: Inputs, which: int, dearer: Decimal, down: Decimal, fails: bool
) -> None:
    result = rules.evaluate(inputs)
    assert not result.relative
    losers = [one.bid for one in result.ranking[1:]]
    if not losers:
        return
    loser = losers[which % len(losers)]
    changed = worse(inputs, loser, dearer, down, inputs.evaluators[0])
    if fails:
        changed.marks[inputs.evaluators[0]][loser.bid]["logging"] = False  # type: ignore[index]  # a dict of the test's
    assert rules.evaluate(changed).winner == result.winner


def test_where_a_formula_is_flagged_relative_a_worse_losing_bid_does_change_it() -> None:
    """Measured against the lowest price, the two best change places when a third, that has lost, leaves or rises."""
    criteria = (price(Formula.LOWEST_OVER_PRICE, "50"), quality("plan", "50"))
    inputs = case("60000.00", "100000.00", "20000.00", marks={"plan": [6, 9, 0]}, criteria=criteria)
    before = rules.evaluate(inputs)
    assert before.relative
    assert before.winner == inputs.bids[1]
    assert before.ranking[-1].bid != before.winner
    loser = inputs.bids[2]
    after = rules.evaluate(worse(inputs, loser, Decimal(80_000), Decimal(0), "fag"))
    assert after.winner == inputs.bids[0]


def test_a_thousand_evaluations_are_found_again_from_what_is_kept_of_them() -> None:
    """Through JSON as it is stored, with the bids and evaluators in another order."""
    chance = random.Random(2026)
    formulas = [one for one, meaning in FORMULAS.items() if meaning.kind is Kind.PRICE]
    for _ in range(1_000):
        weight = Decimal(chance.randrange(0, 10_001)) / 100
        criteria = (
            price(chance.choice(formulas), str(weight)),
            quality("plan", str(100 - weight), chance.choice(QUALITY)),
            MUST,
        )
        bids = tuple(bid(n, f"{chance.randrange(0, 13_000_000) / 100:.2f}") for n in range(1, chance.randrange(2, 21)))
        evaluators = tuple(f"e{n}" for n in range(chance.randrange(1, 6)))
        marks: dict[str, dict[str, dict[str, Mark]]] = {
            evaluator: {
                one.bid: {"plan": Decimal(chance.randrange(0, 101)) / 10, "logging": chance.random() > 0.05}
                for one in bids
            }
            for evaluator in evaluators
        }
        first = Inputs(criteria, chance.choice(TIES), f"{chance.random()}", CEILING, evaluators, bids, marks)
        order = [one.bid for one in rules.evaluate(first).ranking]
        stored = json.dumps(rules.kept(first))
        shuffled = replace(first, bids=tuple(chance.sample(bids, len(bids))))
        for again in (rules.inputs(json.loads(stored)), shuffled):
            assert [one.bid for one in rules.evaluate(again).ranking] == order
        assert rules.digest(json.loads(stored)) == rules.digest(rules.kept(shuffled))


@pytest.mark.parametrize(
    ("ties", "first", "told"),
    [
        ((Tie.LOWEST_PRICE, Tie.RANK), 2, Tie.LOWEST_PRICE),
        ((Tie.HIGHEST_QUALITY, Tie.RANK), 1, Tie.HIGHEST_QUALITY),
        ((Tie.RANK,), 1, Tie.RANK),
    ],
)
def test_equal_points_are_told_apart_by_the_announced_rule(ties: tuple[Tie, ...], first: int, told: Tie) -> None:
    """Half price, half quality: 60,000 at mark 10 and 36,000 at mark 8 have 75 points each."""
    criteria = (price(Formula.LINEAR_AGAINST_CEILING, "50"), quality("plan", "50"))
    result = rules.evaluate(case("60000.00", "36000.00", marks={"plan": [10, 8]}, criteria=criteria, ties=ties))
    assert [one.total for one in result.ranking] == [75, 75]
    assert (result.ranking[0].bid.rank, result.ranking[1].tie) == (first, told)


def test_a_lot_is_drawn_by_the_recorded_seed_and_falls_on_everybody() -> None:
    criteria = (price(Formula.LINEAR_AGAINST_CEILING, "100"),)
    inputs = case(*["60000.00"] * 4, criteria=criteria, ties=(Tie.RECORDED_LOT,))
    winners = [rules.evaluate(replace(inputs, lot_seed=f"{n}")).winner for n in range(400)]
    assert {winners.count(one) > 60 for one in inputs.bids} == {True}
    assert rules.evaluate(replace(inputs, lot_seed="7")).winner == winners[7]


def test_a_bid_that_one_evaluator_finds_wanting_on_a_must_is_not_weighed() -> None:
    criteria = (price(Formula.LOWEST_OVER_PRICE, "100"), MUST)
    inputs = case("10.00", "20.00", marks={"logging": [False, True]}, criteria=criteria)
    result = rules.evaluate(inputs)
    assert [(one.bid, one.musts) for one in result.unmet] == [(inputs.bids[0], {"logging": ("fag",)})]
    assert [(one.bid, one.total) for one in result.ranking] == [(inputs.bids[1], Decimal(100))]


def test_without_every_mark_there_is_no_order() -> None:
    criteria = (price(Formula.LINEAR_AGAINST_CEILING, "60"), quality("plan", "40"))
    result = rules.evaluate(case("10.00", "20.00", criteria=criteria))
    assert (result.ranking, result.winner) == ((), None)
    assert result.missing == (("fag", "bid-1", "plan"), ("fag", "bid-2", "plan"))


@pytest.mark.parametrize(
    ("criterion", "net", "marks", "score", "derivation"),
    [
        (
            price(Formula.LINEAR_AGAINST_CEILING, "100"),
            "80000.00",
            [],
            "33.3333",
            "100 × (1 − 80000.00 / 120000.00) = 33.3333",
        ),
        (
            price(Formula.LINEAR_AGAINST_CEILING, "100"),
            "130000.00",
            [],
            "0.0000",
            "100 × (1 − 130000.00 / 120000.00), kept within 0 and 100 = 0.0000",
        ),
        (price(Formula.FIXED_POINTS_PER_KRONE, "100"), "25000.00", [], "80.0000", "100 − 25000.00 × 0.0008 = 80.0000"),
        (price(Formula.LOWEST_OVER_PRICE, "100"), "30.00", [], "33.3333", "100 × 10.00 / 30.00 = 33.3333"),
        (quality("plan", "100"), "30.00", [7, 8, 10], "83.3333", "100 × (7 + 8 + 10) / 3 / 10 = 83.3333"),
        (
            quality("plan", "100", Formula.MEDIAN_OF_EVALUATORS),
            "30.00",
            [7, 8, 10],
            "80.0000",
            "100 × median(7; 8; 10) / 10 = 80.0000",
        ),
    ],
)
def test_every_score_tells_how_it_came_about(
    criterion: Criterion, net: str, marks: list[int], score: str, derivation: str
) -> None:
    evaluators = tuple(f"e{place}" for place in range(max(len(marks), 1)))
    bids = (bid(1, net), bid(2, "10.00"))
    given: dict[str, dict[str, dict[str, Mark]]] = {
        one: {each.bid: {"plan": Decimal(marks[place])} for each in bids} if marks else {}
        for place, one in enumerate(evaluators)
    }
    inputs = Inputs((criterion,), (Tie.RANK,), "seed", CEILING, evaluators, bids, given)
    ranked = next(one for one in rules.evaluate(inputs).ranking if one.bid.rank == 1)
    assert (str(ranked.steps[0].score), ranked.steps[0].derivation) == (score, derivation)


def test_nothing_offered_for_nothing_is_scored_without_dividing_by_it() -> None:
    for formula in (Formula.LINEAR_AGAINST_CEILING, Formula.LOWEST_OVER_PRICE):
        inputs = replace(case("0.00", "10.00", criteria=(price(formula, "100"),)), ceiling=Decimal(0))
        assert [one.total for one in rules.evaluate(inputs).ranking] == [100, 0]
