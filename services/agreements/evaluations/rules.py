"""How bids are scored by announced criteria, which comes first, and how each number came about.

The weights are of a hundred, the bid with the most points wins, and ties are broken by announced rules only (directive
2014/24 art. 67; anskaffelsesforskriften § 18-1). A formula that does not look at other bids is fair in one more way: a
losing bid that had been worse would not have changed the winner. Formulas that do look at them are flagged `relative`.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from statistics import median
from typing import Any

HUNDRED = Decimal(100)
POINT = Decimal("0.0001")
"""Scores and points are rounded half up to four decimals, each as it is shown, so that what is shown adds up."""


class Kind(StrEnum):
    PRICE = "price"
    QUALITY = "quality"
    MUST = "must"


class Formula(StrEnum):
    LINEAR_AGAINST_CEILING = "linear_against_ceiling"
    FIXED_POINTS_PER_KRONE = "fixed_points_per_krone"
    LOWEST_OVER_PRICE = "lowest_over_price"
    AVERAGE_OF_EVALUATORS = "average_of_evaluators"
    MEDIAN_OF_EVALUATORS = "median_of_evaluators"


class Tie(StrEnum):
    """What decides between bids with equally many points."""

    LOWEST_PRICE = "lowest_price"
    HIGHEST_QUALITY = "highest_quality"
    RANK = "rank"
    RECORDED_LOT = "recorded_lot"


DECIDING = frozenset({Tie.RANK, Tie.RECORDED_LOT})
"""Tie rules that always tell two bids apart: an announced order of tie rules ends with one of them."""


@dataclass(frozen=True)
class Criterion:
    """As it was announced. `weight` of a hundred, None for a must; `points_per_krone` is a parameter of one formula,
    `scale_max` the highest mark that an evaluator gives."""

    code: str
    kind: Kind
    weight: Decimal | None = None
    formula: Formula | None = None
    scale_max: Decimal | None = None
    points_per_krone: Decimal | None = None


@dataclass(frozen=True)
class Bid:
    """A bid as it is weighed. `net` in NOK without VAT; `rank` is its supplier's place in the lot."""

    bid: str
    supplier: str
    name: str
    rank: int
    net: Decimal


Mark = Decimal | bool
"""What an evaluator gives: a number of points on a quality criterion, met or not on a must."""


@dataclass(frozen=True)
class Inputs:
    """All that an evaluation rests on. `ceiling` is the basket at the price lists' dearest, stored at publication;
    `lot_seed` the lot drawn then; `marks` are by evaluator, bid and criterion."""

    criteria: tuple[Criterion, ...]
    ties: tuple[Tie, ...]
    lot_seed: str
    ceiling: Decimal
    evaluators: tuple[str, ...]
    bids: tuple[Bid, ...]
    marks: Mapping[str, Mapping[str, Mapping[str, Mark]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Facts:
    """What a formula sees of one bid: prices in NOK without VAT (`lowest` of all that are weighed), and the
    evaluators' marks on the criterion."""

    net: Decimal
    ceiling: Decimal
    lowest: Decimal
    marks: tuple[Decimal, ...]


@dataclass(frozen=True)
class Meaning:
    """What a formula is. `relative`: a bid's score depends on the other bids. `score` gives 0 to 100, not rounded,
    and how it came about."""

    kind: Kind
    relative: bool
    parameters: tuple[str, ...]
    says: str
    score: Callable[[Criterion, Facts], tuple[Decimal, str]]


@dataclass(frozen=True)
class Step:
    """One bid's score on one weighed criterion: 0 to 100, and `points` = score × weight / 100."""

    criterion: str
    formula: Formula
    weight: Decimal
    score: Decimal
    points: Decimal
    derivation: str


@dataclass(frozen=True)
class Ranked:
    """A bid's place in the order. `tie` is the rule that put it behind the one before it, where the points are
    equal."""

    place: int
    bid: Bid
    total: Decimal
    steps: tuple[Step, ...]
    tie: Tie | None


@dataclass(frozen=True)
class Unmet:
    """A bid that is not weighed: on which musts some evaluator found it wanting, and who."""

    bid: Bid
    musts: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Result:
    """The order, best first, and who is not in it. With `missing` marks there is no order yet: each is an evaluator,
    a bid and a criterion."""

    ranking: tuple[Ranked, ...]
    unmet: tuple[Unmet, ...]
    missing: tuple[tuple[str, str, str], ...]
    relative: bool

    @property
    def winner(self) -> Bid | None:
        return self.ranking[0].bid if self.ranking else None


def _linear(criterion: Criterion, facts: Facts) -> tuple[Decimal, str]:
    how = f"100 × (1 − {facts.net:.2f} / {facts.ceiling:.2f})"
    if not facts.ceiling:
        return HUNDRED if not facts.net else Decimal(0), how
    return HUNDRED * (facts.ceiling - facts.net) / facts.ceiling, how


def _per_krone(criterion: Criterion, facts: Facts) -> tuple[Decimal, str]:
    rate = criterion.points_per_krone or Decimal(0)
    return HUNDRED - facts.net * rate, f"100 − {facts.net:.2f} × {rate:f}"


def _lowest(criterion: Criterion, facts: Facts) -> tuple[Decimal, str]:
    how = f"100 × {facts.lowest:.2f} / {facts.net:.2f}"
    return HUNDRED * facts.lowest / facts.net if facts.net else HUNDRED, how


def _average(criterion: Criterion, facts: Facts) -> tuple[Decimal, str]:
    scale = criterion.scale_max or HUNDRED
    mean = sum(facts.marks, Decimal(0)) / len(facts.marks)
    return HUNDRED * mean / scale, f"100 × ({' + '.join(map(_plain, facts.marks))}) / {len(facts.marks)} / {scale:f}"


def _median(criterion: Criterion, facts: Facts) -> tuple[Decimal, str]:
    scale = criterion.scale_max or HUNDRED
    middle = median(facts.marks)
    return HUNDRED * middle / scale, f"100 × median({'; '.join(map(_plain, facts.marks))}) / {scale:f}"


FORMULAS: Mapping[Formula, Meaning] = {
    Formula.LINEAR_AGAINST_CEILING: Meaning(
        Kind.PRICE,
        False,
        (),
        "100 × (1 − price / ceiling); the ceiling is the basket at the dearest price list",
        _linear,
    ),
    Formula.FIXED_POINTS_PER_KRONE: Meaning(
        Kind.PRICE, False, ("points_per_krone",), "100 − price × points per krone", _per_krone
    ),
    Formula.LOWEST_OVER_PRICE: Meaning(Kind.PRICE, True, (), "100 × lowest price / price", _lowest),
    Formula.AVERAGE_OF_EVALUATORS: Meaning(
        Kind.QUALITY, False, ("scale_max",), "100 × average of the evaluators' marks / highest mark", _average
    ),
    Formula.MEDIAN_OF_EVALUATORS: Meaning(
        Kind.QUALITY, False, ("scale_max",), "100 × median of the evaluators' marks / highest mark", _median
    ),
}


def relative(criteria: Sequence[Criterion]) -> bool:
    """Whether some bid's score depends on the other bids."""
    return any(FORMULAS[one.formula].relative for one in criteria if one.formula)


def missing(inputs: Inputs) -> Iterator[tuple[str, str, str]]:
    """Marks that have not been given yet: evaluator, bid, criterion."""
    marked = [one.code for one in inputs.criteria if one.kind is not Kind.PRICE]
    for evaluator in inputs.evaluators:
        for bid in inputs.bids:
            given = inputs.marks.get(evaluator, {}).get(bid.bid, {})
            yield from ((evaluator, bid.bid, code) for code in marked if code not in given)


def evaluate(inputs: Inputs) -> Result:
    """The order of the bids. A bid that some evaluator finds wanting on a must is not weighed."""
    flagged = relative(inputs.criteria)
    if lacking := tuple(missing(inputs)):
        return Result((), (), lacking, flagged)
    unmet = tuple(Unmet(bid, found) for bid in inputs.bids if (found := _wanting(inputs, bid)))
    out = {one.bid.bid for one in unmet}
    weighed = [bid for bid in inputs.bids if bid.bid not in out]
    lowest = min((bid.net for bid in weighed), default=Decimal(0))
    scored = [
        (bid, steps, sum((step.points for step in steps), Decimal(0)))
        for bid, steps in _scored(inputs, weighed, lowest)
    ]
    ordered = sorted(((_key(inputs, *one), one) for one in scored), key=lambda one: one[0])
    ranking: list[Ranked] = []
    for place, (key, (bid, steps, total)) in enumerate(ordered, 1):
        before = ordered[place - 2][0] if place > 1 else None
        ranking.append(Ranked(place, bid, total, steps, _told_apart(inputs.ties, before, key)))
    return Result(tuple(ranking), unmet, (), flagged)


def _scored(inputs: Inputs, weighed: Sequence[Bid], lowest: Decimal) -> Iterator[tuple[Bid, tuple[Step, ...]]]:
    for bid in weighed:
        yield bid, tuple(_step(inputs, one, bid, lowest) for one in inputs.criteria if one.kind is not Kind.MUST)


def _step(inputs: Inputs, criterion: Criterion, bid: Bid, lowest: Decimal) -> Step:
    assert criterion.formula
    assert criterion.weight is not None
    marks: tuple[Decimal, ...] = ()
    if criterion.kind is Kind.QUALITY:
        marks = tuple(Decimal(inputs.marks[one][bid.bid][criterion.code]) for one in inputs.evaluators)
    exact, how = FORMULAS[criterion.formula].score(criterion, Facts(bid.net, inputs.ceiling, lowest, marks))
    score = min(max(exact, Decimal(0)), HUNDRED).quantize(POINT, ROUND_HALF_UP)
    points = (score * criterion.weight / HUNDRED).quantize(POINT, ROUND_HALF_UP)
    if not 0 <= exact <= HUNDRED:
        how += ", kept within 0 and 100"
    return Step(criterion.code, criterion.formula, criterion.weight, score, points, f"{how} = {score:f}")


def _wanting(inputs: Inputs, bid: Bid) -> dict[str, tuple[str, ...]]:
    musts = [one.code for one in inputs.criteria if one.kind is Kind.MUST]
    found = {code: tuple(one for one in inputs.evaluators if not inputs.marks[one][bid.bid][code]) for code in musts}
    return {code: evaluators for code, evaluators in found.items() if evaluators}


def _key(inputs: Inputs, bid: Bid, steps: Sequence[Step], total: Decimal) -> tuple[Decimal | int | str, ...]:
    """What the order follows: the points first, then each tie rule in turn; the least comes first."""
    kinds = {one.code: one.kind for one in inputs.criteria}
    quality = sum((step.points for step in steps if kinds[step.criterion] is Kind.QUALITY), Decimal(0))
    by: Mapping[Tie, Decimal | int | str] = {
        Tie.LOWEST_PRICE: bid.net,
        Tie.HIGHEST_QUALITY: -quality,
        Tie.RANK: bid.rank,
        Tie.RECORDED_LOT: drawn(inputs.lot_seed, bid.supplier),
    }
    return (-total, *(by[tie] for tie in inputs.ties))


def _told_apart(
    ties: Sequence[Tie], before: tuple[Decimal | int | str, ...] | None, key: tuple[Decimal | int | str, ...]
) -> Tie | None:
    if before is None or before[0] != key[0]:
        return None
    return next((tie for tie, one, other in zip(ties, before[1:], key[1:], strict=True) if one != other), None)


def drawn(lot_seed: str, supplier: str) -> str:
    """A supplier's lot: the least comes first. Of the seed that was drawn and kept at publication, and of a number that
    nobody chooses, so that it can be drawn again."""
    return hashlib.sha256(f"{lot_seed}:{supplier}".encode()).hexdigest()


def _plain(mark: Decimal) -> str:
    return f"{mark:f}"


def criterion(kept: Mapping[str, Any]) -> Criterion:
    """As a competition keeps it, in JSON values."""
    return Criterion(
        kept["code"],
        Kind(kept["kind"]),
        _decimal(kept.get("weight")),
        Formula(kept["formula"]) if kept.get("formula") else None,
        _decimal(kept.get("scale_max")),
        _decimal(kept.get("points_per_krone")),
    )


def _decimal(value: str | int | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def kept(inputs: Inputs) -> dict[str, Any]:
    """All of it in JSON values, the same for the same inputs: numbers as text, never as floats."""
    return {
        "criteria": [
            {
                name: value if value is None or isinstance(value, StrEnum) else str(value)
                for name, value in vars(one).items()
            }
            for one in inputs.criteria
        ],
        "tie_rule": list(inputs.ties),
        "lot_seed": inputs.lot_seed,
        "ceiling_excl_vat": str(inputs.ceiling),
        "evaluators": list(inputs.evaluators),
        "bids": [
            {"bid": one.bid, "supplier": one.supplier, "name": one.name, "rank": one.rank, "net_excl_vat": str(one.net)}
            for one in sorted(inputs.bids, key=lambda one: one.rank)
        ],
        "marks": {
            evaluator: {
                bid: {code: mark if isinstance(mark, bool) else str(mark) for code, mark in sorted(given.items())}
                for bid, given in sorted(by_bid.items())
            }
            for evaluator, by_bid in sorted(inputs.marks.items())
        },
    }


def inputs(kept: Mapping[str, Any]) -> Inputs:
    """What `kept` made, read back."""
    return Inputs(
        tuple(criterion(one) for one in kept["criteria"]),
        tuple(Tie(one) for one in kept["tie_rule"]),
        kept["lot_seed"],
        Decimal(kept["ceiling_excl_vat"]),
        tuple(kept["evaluators"]),
        tuple(
            Bid(one["bid"], one["supplier"], one["name"], one["rank"], Decimal(one["net_excl_vat"]))
            for one in kept["bids"]
        ),
        {
            evaluator: {
                bid: {code: mark if isinstance(mark, bool) else Decimal(mark) for code, mark in given.items()}
                for bid, given in by_bid.items()
            }
            for evaluator, by_bid in kept["marks"].items()
        },
    )


def digest(kept: Mapping[str, Any]) -> str:
    """SHA-256 of stored inputs, in JSON with sorted keys and no spaces."""
    return hashlib.sha256(json.dumps(kept, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
