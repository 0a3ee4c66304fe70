"""How bids are scored by announced criteria, which comes first, and how each number came about.

The bid with the most points wins, and ties are broken by announced rules only (directive 2014/24 art. 67;
anskaffelsesforskriften § 18-1).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any

from services.agreements.criteria.rules import (
    FORMULAS,
    HUNDRED,
    Criterion,
    Facts,
    Formula,
    Kind,
    Tie,
    criterion,
    relative,
)
from services.chassis.problems import Conflict, Invalid, NotFound, Problem

POINT = Decimal("0.0001")
"""Scores and points are rounded half up to four decimals, each as it is shown, so that what is shown adds up."""


class EvaluatorNotFound(NotFound):
    """The competition has not announced this evaluator."""


class EvaluationNotFound(NotFound):
    """There is no evaluation that you may see.

    Its buyer sees it from the opening on, and the framework owner when the award has been announced; a bidder sees its
    own part in the award.
    """


class EvaluationClosed(Conflict):
    """Marks are given, and bids rejected, while the competition is in evaluation."""


class EvaluationIncomplete(Conflict):
    """Every evaluator marks every bid on every criterion before an award."""


class EvaluationChanged(Conflict):
    """The evaluation is no longer the one that you decided on. Read it again."""


class MustUnmet(Conflict):
    """A bid that does not meet a must is rejected, with the reason, before an award."""


class MarkUnknown(Invalid):
    """A mark is for a bid that is evaluated, and a criterion that evaluators mark, each once."""


class MarkInvalid(Invalid):
    """A mark on quality is points within the announced scale; on a must it is met or not."""


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


@dataclass(frozen=True)
class Given:
    """One mark as an evaluator sends it; `place` is where it stands in the request."""

    place: str
    bid: str
    criterion: str
    points: Decimal | None
    met: bool | None

    @property
    def mark(self) -> Mark:
        assert self.points is not None or self.met is not None
        return self.points if self.points is not None else bool(self.met)


def check_marks(criteria: Sequence[Criterion], bids: Sequence[str], given: Sequence[Given]) -> list[Problem]:
    """All that is wrong with an evaluator's marks; some may be left out for later."""
    marked = {one.code: one for one in criteria if one.kind is not Kind.PRICE}
    found: list[Problem] = []
    seen: set[tuple[str, str]] = set()
    for one in given:
        known = marked.get(one.criterion)
        if known is None or one.bid not in bids or (one.bid, one.criterion) in seen:
            found.append(MarkUnknown(f"{one.criterion} of {one.bid}.", pointer=one.place))
        elif known.kind is Kind.MUST and (one.met is None or one.points is not None):
            found.append(MarkInvalid(f"{one.criterion} is met or not.", pointer=one.place))
        elif known.kind is Kind.QUALITY and (one.points is None or one.met is not None):
            found.append(MarkInvalid(f"{one.criterion} is given points.", pointer=one.place))
        elif known.scale_max is not None and one.points is not None and one.points > known.scale_max:
            found.append(MarkInvalid(f"{one.criterion} goes to {known.scale_max:f}.", pointer=one.place))
        seen.add((one.bid, one.criterion))
    return found


def check_award(result: Result, digest: str, decided_on: str | None) -> list[Problem]:
    """Why no award can be made of an evaluation; `decided_on` is the digest of the one that was read."""
    found: list[Problem] = []
    if decided_on is not None and decided_on != digest:
        found.append(EvaluationChanged(f"It is {digest} now.", pointer="#/evaluation_sha256"))
    if result.missing:
        told = [{"evaluator": who, "bid": bid, "criterion": code} for who, bid, code in result.missing]
        found.append(EvaluationIncomplete(f"{len(told)} marks are missing.", missing=told))
    found += [MustUnmet(f"{one.bid.name}: {', '.join(one.musts)}.", bid=one.bid.bid) for one in result.unmet]
    return found


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


def told(result: Result) -> dict[str, Any]:
    """A result in JSON values, as it is kept and shown."""
    return {
        "ranking": [
            {
                "place": one.place,
                "bid": one.bid.bid,
                "total": str(one.total),
                "tie": one.tie,
                "steps": [
                    {
                        "criterion": step.criterion,
                        "formula": step.formula,
                        "weight": str(step.weight),
                        "score": str(step.score),
                        "points": str(step.points),
                        "derivation": step.derivation,
                    }
                    for step in one.steps
                ],
            }
            for one in result.ranking
        ],
        "unmet": [
            {"bid": one.bid.bid, "musts": {code: list(who) for code, who in one.musts.items()}} for one in result.unmet
        ],
        "relative": result.relative,
    }


def digest(kept: Mapping[str, Any]) -> str:
    """SHA-256 of stored inputs, in JSON with sorted keys and no spaces."""
    return hashlib.sha256(json.dumps(kept, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def same(kept: Mapping[str, Any], result: Mapping[str, Any], sha256: str) -> bool:
    """Whether stored inputs are what their digest says, and give the stored result again."""
    return digest(kept) == sha256 and told(evaluate(inputs(kept))) == result
