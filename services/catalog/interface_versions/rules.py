"""The life of an interface's version: which step leads where, and which state holds on a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.catalog.interfaces.rules import Status
from services.chassis.problems import Conflict, Invalid, Problem

MOST_VERSIONS = 500
"""Versions of one interface at most."""


class Step(StrEnum):
    PUBLISH = "publish"
    DEPRECATE = "deprecate"
    WITHDRAW = "withdraw"


MOVES = {
    (Status.DRAFT, Step.PUBLISH): Status.CURRENT,
    (Status.DRAFT, Step.WITHDRAW): Status.WITHDRAWN,
    (Status.CURRENT, Step.DEPRECATE): Status.DEPRECATED,
    (Status.CURRENT, Step.WITHDRAW): Status.WITHDRAWN,
    (Status.DEPRECATED, Step.WITHDRAW): Status.WITHDRAWN,
}
EVENTS = {Step.PUBLISH: "published", Step.DEPRECATE: "deprecated", Step.WITHDRAW: "withdrawn"}
NEEDS_REASON = frozenset({Step.DEPRECATE, Step.WITHDRAW})


class StepNotPossible(Conflict):
    """The version is not in a state from which this can happen."""


class StepBeforeTheLast(Conflict):
    """A step takes effect on the same day as the one before it, or later."""


class StepUnexplained(Invalid):
    """This step needs a reason.

    Deprecating and withdrawing do, as consumers must act on them; and so does everything that took effect before today.
    """


class SuccessorUnknown(Invalid):
    """The interface has no such version."""


class SuccessorUnfit(Invalid):
    """A version is not replaced by itself, and only one that ends is replaced."""


class TooManyVersions(Conflict):
    """An interface has five hundred versions at most."""


@dataclass(frozen=True)
class Event:
    status: Status
    effective_on: date


def status_on(events: Sequence[Event], day: date) -> Status:
    """The state on a day, from events in the order in which they were recorded; what is to come does not count yet."""
    return next((one.status for one in reversed(events) if one.effective_on <= day), Status.DRAFT)


def last(events: Sequence[Event]) -> Status:
    """The state when everything that is decided has taken effect."""
    return events[-1].status if events else Status.DRAFT


def check(
    events: Sequence[Event], step: Step, *, effective_on: date, today: date, reason: str | None, replaced: bool | None
) -> list[Problem]:
    """Whether `step` can follow. `replaced`: whether it names another version that takes over, None when that is
    itself."""
    found: list[Problem] = []
    if (last(events), step) not in MOVES:
        found.append(StepNotPossible(f"It is, or is decided to become, {last(events)}."))
    if events and effective_on < events[-1].effective_on:
        found.append(StepBeforeTheLast(f"That takes effect on {events[-1].effective_on}.", pointer="#/effective_on"))
    if not reason and (step in NEEDS_REASON or effective_on < today):
        found.append(StepUnexplained(pointer="#/reason"))
    if replaced is None or (replaced and step is Step.PUBLISH):
        found.append(SuccessorUnfit(pointer="#/replaced_by"))
    return found
