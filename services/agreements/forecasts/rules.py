"""When a ceiling will be reached, from the ledger's own months.

The last months, twelve at most, are drawn from a thousand times over. Each time some of them, with repetition, stand
for the time as it might have been, since what was is itself a matter of chance; from these the months to come are drawn
until what is left is used up. The days on which that happened are put in order: the range goes from the day that a
tenth of the runs had passed to the day that nine tenths had (a percentile bootstrap: Efron and Tibshirani, An
Introduction to the Bootstrap, 1993, chapter 13). The draws begin at a seed that is told, so that anybody gets the same
answer again. Trend and season are not looked for: of twelve months neither can be known.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

FEWEST_MONTHS, MOST_MONTHS = 6, 12
"""Whole months. With fewer nothing is said."""
FEWER = 3
"""So many fewer months than there are stand for the time as it might have been: the mean of six or twelve months is
less certain than their own spread shows. A test measures how often the day is within the range."""
RUNS = 1000
SEED = 20150127
EARLY, LIKELY, LATE = 10, 50, 90
"""Per cent of the runs that have got there."""
_MONTH, _PARTS = 1461, 48
"""A month is 1461/48 days."""


class NoDay(StrEnum):
    """Why there is no forecast."""

    NO_CEILING = "no_ceiling"
    NOT_RUNNING = "not_running"
    REACHED = "reached"
    TOO_FEW_MONTHS = "too_few_months"
    NOTHING_CALLED_OFF = "nothing_called_off"


@dataclass(frozen=True)
class Month:
    """What was called off in a whole month, less what was released: NOK without VAT, by the month's first day."""

    first_on: date
    called_off: Decimal


@dataclass(frozen=True)
class Outlook:
    """The days at which so many of the runs have reached the ceiling; None: not before the end. `reached_percent` of
    them reached it before. With a reason there is none of it."""

    months: tuple[Month, ...]
    earliest_on: date | None = None
    likely_on: date | None = None
    latest_on: date | None = None
    reached_percent: int | None = None
    reason: NoDay | None = None


def whole_months(called_off: Mapping[date, Decimal], first_on: date | None, today: date) -> tuple[Month, ...]:
    """The last whole months before today's, by their first days, from the first entry's on; its own month only if it
    came on the first. A month in which nothing was called off is one too."""
    if first_on is None:
        return ()
    begins = first_on if first_on.day == 1 else _next(first_on)
    months: list[Month] = []
    while begins < today.replace(day=1):
        months.append(Month(begins, called_off.get(begins, Decimal("0.00"))))
        begins = _next(begins)
    return tuple(months[-MOST_MONTHS:])


def _next(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def forecast(
    left: Decimal | None, months: tuple[Month, ...], *, running: bool, today: date, ends_on: date, runs: int = RUNS
) -> Outlook:
    """`left`: NOK under the ceiling just now; None is no ceiling."""
    reason = _reason(left, months, running)
    if reason or left is None:
        return Outlook(months, reason=reason)
    lasts = (ends_on - today).days
    ore = [int(one.called_off * 100) for one in months]
    days = sorted(_run(int(left * 100), ore, lasts, chance) for chance in [random.Random(SEED)] for _ in range(runs))
    reached = sum(1 for one in days if one <= lasts)

    def by(percent: int) -> date | None:
        at = days[max(-(-percent * runs // 100) - 1, 0)]
        return today + timedelta(days=at) if at <= lasts else None

    return Outlook(months, by(EARLY), by(LIKELY), by(LATE), reached * 100 // runs)


def _reason(left: Decimal | None, months: Sequence[Month], running: bool) -> NoDay | None:
    if left is None:
        return NoDay.NO_CEILING
    if left <= 0:
        return NoDay.REACHED
    if not running:
        return NoDay.NOT_RUNNING
    if len(months) < FEWEST_MONTHS:
        return NoDay.TOO_FEW_MONTHS
    if sum(one.called_off for one in months) <= 0:
        return NoDay.NOTHING_CALLED_OFF
    return None


def _run(left: int, months: Sequence[int], lasts: int, chance: random.Random) -> int:
    """Days until what is left is used up in one course that things may take; more than `lasts` when it is not within
    that. Within a month it goes evenly; all of it in øre, so that no rounding decides."""
    drawn = chance.choices(months, k=len(months) - FEWER)
    used = 0
    for before, month in enumerate(chance.choices(drawn, k=lasts * _PARTS // _MONTH + 1)):
        if used + month >= left:
            return -(-(before * month + left - used) * _MONTH // (month * _PARTS))
        used += month
    return lasts + 1
