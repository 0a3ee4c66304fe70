"""When a supplier's permission to a tester holds."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.chassis.problems import Conflict, Forbidden, Invalid, Problem

LONGEST_DAYS = 3 * 366


class EventKind(StrEnum):
    WITHDRAWN = "withdrawn"


class DelegationPeriodInvalid(Invalid):
    """A delegation ends after today, and within three years."""


class NotYourProductToTest(Forbidden):
    """Only a product's supplier lets a tester report about it."""


class DelegationAlreadyWithdrawn(Conflict):
    """The delegation has been withdrawn already."""


class TesterCannotBeTrusted(Conflict):
    """The tester is rejected or revoked."""


@dataclass(frozen=True)
class Delegation:
    until_on: date
    withdrawn_on: date | None


def holds(delegation: Delegation, on: date) -> bool:
    """To its last day, or to the day before it was withdrawn."""
    return on <= delegation.until_on and (delegation.withdrawn_on is None or on < delegation.withdrawn_on)


def check(until_on: date, today: date, *, supplier: bool, trusted: bool) -> list[Problem]:
    found: list[Problem] = []
    if not supplier:
        found.append(NotYourProductToTest(pointer="#/product"))
    if not trusted:
        found.append(TesterCannotBeTrusted())
    if not 0 <= (until_on - today).days <= LONGEST_DAYS:
        found.append(DelegationPeriodInvalid(pointer="#/until_on"))
    return found


def check_withdrawal(*, supplier: bool, withdrawn: bool) -> list[Problem]:
    found: list[Problem] = []
    if not supplier:
        found.append(NotYourProductToTest())
    if withdrawn:
        found.append(DelegationAlreadyWithdrawn())
    return found
