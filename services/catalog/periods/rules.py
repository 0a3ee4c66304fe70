"""Days on which something holds, and what may be said of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from services.chassis.problems import Invalid, Problem


class NumberPeriodInvalid(Invalid):
    """A municipality number ends before it begins."""


class BackDatingUnexplained(Invalid):
    """What takes effect before today must say why it is recorded so late."""


class EffectiveBeforeLastChange(Invalid):
    """A name or a county cannot begin before the one that it follows."""


@dataclass(frozen=True)
class NumberPeriod:
    """A municipality number with its first and last day. No first day: it held before anything is recorded; no last
    day: it still holds."""

    number: str
    valid_from_on: date | None
    valid_to_on: date | None
    basis: str | None = None
    """What the days rest on."""


@dataclass(frozen=True)
class Life:
    """The first and the last day of an organisation; None where it is not known, or not over."""

    from_on: date | None
    to_on: date | None

    def includes(self, on: date) -> bool:
        return (self.from_on is None or self.from_on <= on) and (self.to_on is None or on <= self.to_on)


def check_numbers(numbers: Sequence[NumberPeriod]) -> list[Problem]:
    return [
        NumberPeriodInvalid(f"{one.number} ends before it begins.", pointer=f"#/municipality_numbers/{place}")
        for place, one in enumerate(numbers)
        if one.valid_to_on is not None and one.valid_from_on is not None and one.valid_to_on < one.valid_from_on
    ]


def back_dating(effective_on: date, today: date, reason: str | None) -> list[Problem]:
    """What is recorded after it took effect needs a reason, and is flagged."""
    if effective_on < today and reason is None:
        return [BackDatingUnexplained(f"{effective_on} is before today, {today}.", pointer="#/reason")]
    return []


def day_before(day: date) -> date:
    return day - timedelta(days=1)


def following(effective_on: date, last_change_on: date | None) -> list[Problem]:
    """A new name or county must begin after the one before it began."""
    if last_change_on is not None and effective_on <= last_change_on:
        return [EffectiveBeforeLastChange(f"The present one holds from {last_change_on}.", pointer="#/effective_on")]
    return []
