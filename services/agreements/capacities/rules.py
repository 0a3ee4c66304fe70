"""How far an agreement has come, and when it will be full at the pace so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum

WINDOWS = (90, 180, 365)
"""Days whose pace is looked at."""
FEWEST_CALL_OFFS, FEWEST_DAYS = 5, 90
"""Less than this tells nothing of a pace."""
TENTH = Decimal("0.1")
ORE = Decimal("0.01")


class NoForecast(StrEnum):
    """Why there is no forecast."""

    NO_CEILING = "no_ceiling"
    NOT_RUNNING = "not_running"
    TOO_LITTLE_HISTORY = "too_little_history"
    NOTHING_ORDERED_LATELY = "nothing_ordered_lately"


@dataclass(frozen=True)
class Pace:
    """What has been called off a day in the last `days` (NOK without VAT), and the day on which the ceiling is reached
    if that goes on; None: not before the agreement ends."""

    days: int
    per_day: Decimal
    reached_on: date | None


@dataclass(frozen=True)
class Forecast:
    """The earliest and the latest of the paces' days; the latest is None when some pace does not get there before the
    agreement ends. With a reason there is none."""

    paces: tuple[Pace, ...]
    earliest_on: date | None
    latest_on: date | None
    reason: NoForecast | None


def used_percent(estimate: Decimal | None, used: Decimal) -> Decimal | None:
    """With one decimal, rounded down, so that 100 is told when it is so and not before."""
    return (used * 100 / estimate).quantize(TENTH, ROUND_DOWN) if estimate else None


def forecast(
    left: Decimal | None,
    called_off: Sequence[tuple[int, Decimal]],
    *,
    running: bool,
    call_offs: int,
    first_on: date | None,
    today: date,
    ends_on: date,
) -> Forecast:
    """`called_off`: (days, NOK called off in them, less what was released); `first_on`: the day of the first entry."""
    if left is None:
        return _none(NoForecast.NO_CEILING)
    if not running:
        return _none(NoForecast.NOT_RUNNING)
    age = (today - first_on).days + 1 if first_on else 0
    if call_offs < FEWEST_CALL_OFFS or age < FEWEST_DAYS:
        return _none(NoForecast.TOO_LITTLE_HISTORY)
    paces = tuple(_pace(left, days, value, age, today, ends_on) for days, value in called_off if value > 0)
    if not paces:
        return _none(NoForecast.NOTHING_ORDERED_LATELY)
    reached = [pace.reached_on for pace in paces if pace.reached_on]
    latest = max(reached) if len(reached) == len(paces) else None
    return Forecast(paces, min(reached, default=None), latest, None)


def _pace(left: Decimal, days: int, value: Decimal, age: int, today: date, ends_on: date) -> Pace:
    """A ceiling that is reached in the course of a day is reached on that day; in whole øre, so that it is exact."""
    span = min(days, age)
    needed = -(-int(left * 100) * span // int(value * 100))
    reached_on = today + timedelta(days=needed) if needed <= (ends_on - today).days else None
    return Pace(days, (value / span).quantize(ORE), reached_on)


def _none(reason: NoForecast) -> Forecast:
    return Forecast((), None, None, reason)
