"""Whom a standard binds how strongly, and when two bindings cannot stand beside each other."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from services.catalog.standards.rules import Level, State
from services.chassis.problems import Conflict, Invalid, Problem


class BindingEndsBeforeItBegins(Invalid):
    """A binding ends on its first day, or later."""


class BindingOverlaps(Conflict):
    """Another binding says how strongly the standard holds for this sector and area on the same days."""


class LegalBasisMissing(Invalid):
    """Nothing is mandatory without a law or regulation that says so."""


class BindingSuccessorUnknown(Invalid):
    """The successor is not in the register of standards."""


class BindingSucceedsItself(Invalid):
    """A standard is not replaced by itself."""


class AlreadyEnded(Conflict):
    """The binding has ended before that day."""


@dataclass(frozen=True)
class Period:
    """First and last day; an open end is not known, or not decided."""

    valid_from_on: date | None
    valid_to_on: date | None

    def overlaps(self, other: "Period") -> bool:
        begins, ends = self.valid_from_on or date.min, self.valid_to_on or date.max
        return begins <= (other.valid_to_on or date.max) and (other.valid_from_on or date.min) <= ends

    def state_on(self, day: date) -> State:
        if self.valid_to_on and self.valid_to_on < day:
            return State.ENDED
        return State.COMING if self.valid_from_on and self.valid_from_on > day else State.IN_FORCE


def check(
    period: Period, level: Level, *, legal_basis: bool, others: Collection[Period], standard: str, successor: str | None
) -> list[Problem]:
    """`others`: the periods of the standard's other bindings for the same sector and area."""
    found: list[Problem] = []
    if period.valid_from_on and period.valid_to_on and period.valid_to_on < period.valid_from_on:
        found.append(BindingEndsBeforeItBegins(pointer="#/valid_to_on"))
    elif any(period.overlaps(other) for other in others):
        found.append(BindingOverlaps("End that one first.", pointer="#/valid_from_on"))
    if level is Level.MANDATORY and not legal_basis:
        found.append(LegalBasisMissing(pointer="#/legal_basis"))
    if successor == standard:
        found.append(BindingSucceedsItself(pointer="#/successor"))
    return found


def check_end(before: Period, valid_to_on: date) -> list[Problem]:
    if before.valid_to_on and before.valid_to_on < valid_to_on:
        return [AlreadyEnded(f"It ends on {before.valid_to_on}.", pointer="#/valid_to_on")]
    return []
