"""What an award may go by: announced criteria, and the formulas that score a bid by one of them.

The weights are of a hundred, and no criterion but those that were announced counts (directive 2014/24 art. 67;
anskaffelsesforskriften § 18-1). A formula that does not look at other bids is fair in one more way: a losing bid that
had been worse would not have changed the winner. Formulas that do look at them are flagged `relative`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from statistics import median
from typing import Any

HUNDRED = Decimal(100)


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
