"""When an award may be final, and what each bidder is told of it.

A call-off under a framework agreement needs no standstill; a buyer may announce one all the same, and then no contract
comes before it ends (directive 89/665 art. 2b(c) as amended by 2007/66). It is counted in calendar days by the rules on
time limits (regulation 1182/71 art. 3): the day of the event does not count, and a last day that is no working day is
the next one that is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import holidays

from services.agreements.criteria.rules import Kind
from services.agreements.evaluations.rules import Inputs, Ranked, Result
from services.chassis.problems import Conflict, Problem


class AwardReplaced(Conflict):
    """Another award was announced in this moment. Nothing was ordered."""


class StandstillRunning(Conflict):
    """The standstill is not over: nothing is ordered before it ends."""


class NothingToAward(Conflict):
    """No bid is left to award. Say so with `no-valid-bids`."""


class ValidBidsLeft(Conflict):
    """Bids that have not been rejected are left."""


class BidOutdated(Conflict):
    """A bid that was given before an amendment asked for new ones is rejected before an award."""


@dataclass(frozen=True)
class Standstill:
    """`ends_at` None: it has not begun, as the bidders have not all been told yet."""

    days: int
    ends_at: datetime | None


def last_day(told_on: date, days: int) -> date:
    """The last day of a standstill of so many calendar days, from the day on which the last bidder was told. One of two
    days or more has two working days in it at least (art. 3(5))."""
    day = told_on + timedelta(days=days)
    while not _working(day) or (days >= 2 and _working_days(told_on, day) < 2):  # the regulation's
        day += timedelta(days=1)
    return day


def _working_days(after: date, last: date) -> int:
    return sum(_working(after + timedelta(days=n)) for n in range(1, (last - after).days + 1))


def _working(day: date) -> bool:
    return day.weekday() < 5 and day not in _feasts(day.year)  # Saturday


@cache
def _feasts(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("NO", years=year))


def check_over(standstill: Standstill, now: datetime) -> list[Problem]:
    """At its end it is over; without days there is none."""
    if not standstill.days:
        return []
    if standstill.ends_at is None:
        return [StandstillRunning("It begins when every bidder's letter has been handed over.", ends_at=None)]
    if now < standstill.ends_at:
        told = standstill.ends_at.isoformat(timespec="seconds").replace("+00:00", "Z")
        return [StandstillRunning(f"It ends at {told}.", ends_at=told)]
    return []


def check_current(outdated: Sequence[tuple[str, str]]) -> list[Problem]:
    """`outdated`: bids that do not answer the competition as it was amended, and whose they are."""
    return [BidOutdated(f"{name}.", bid=bid) for bid, name in outdated]


def told(
    result: Result, inputs: Inputs, comments: Mapping[str, Any], *, ceiling_secret: bool
) -> dict[str, dict[str, Any]]:
    """What each bidder is told, by bid: its own place and scores with how they came about and what was remarked, and
    the winner's name and scores. Nothing of other bids, of the winner's neither prices nor remarks, and where a price
    list is a business secret not how a price was scored, as that tells the dearest.

    `comments` are by evaluator, bid and criterion."""
    winner = result.ranking[0]
    by_price = {one.code: one.kind is Kind.PRICE for one in inputs.criteria}
    by_code = {step.criterion: step for step in winner.steps}
    return {
        one.bid.bid: {
            "place": one.place,
            "of": len(result.ranking),
            "total": str(one.total),
            "winner_total": str(winner.total),
            "tie": _tie(result, one),
            "steps": [
                {
                    "criterion": step.criterion,
                    "weight": str(step.weight),
                    "score": str(step.score),
                    "points": str(step.points),
                    "derivation": None if ceiling_secret and by_price[step.criterion] else step.derivation,
                    "winner_score": str(by_code[step.criterion].score),
                    "winner_points": str(by_code[step.criterion].points),
                }
                for step in one.steps
            ],
            "comments": [
                {"criterion": code, "evaluator": evaluator, "comment": text}
                for evaluator in inputs.evaluators
                for code, text in sorted(comments.get(evaluator, {}).get(one.bid.bid, {}).items())
            ],
        }
        for one in result.ranking
    }


def _tie(result: Result, one: Ranked) -> str | None:
    """The rule that decided, where a bid has as many points as the winner."""
    winner = result.ranking[0]
    if one.total != winner.total:
        return None
    decided = one if one.place > 1 else next((other for other in result.ranking[1:2]), one)
    return decided.tie
