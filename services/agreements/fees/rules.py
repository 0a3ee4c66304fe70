"""When a fee may be set, which one holds on a day, and what it comes to."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from services.agreements.frameworks.rules import State
from services.chassis.problems import Conflict, Invalid, NotFound, Problem

OVER = frozenset({State.EXPIRED, State.TERMINATED, State.CLOSED, State.CANCELLED})


class FeeNotSet(NotFound):
    """No fee has been set for that day."""


class FeesClosed(Conflict):
    """Fees are not set for an agreement that is over."""


class FeeInPast(Invalid):
    """A fee from a day that has passed needs a reason."""


class FeeOutsidePeriod(Invalid):
    """A fee cannot begin after the agreement's last day."""


class PopulationUnknown(Conflict):
    """The catalogue knows no population of this organisation on that day."""


@dataclass(frozen=True)
class Due:
    """What one participant pays. NOK without VAT."""

    joining: Decimal
    yearly: Decimal

    @property
    def first_year(self) -> Decimal:
        return self.joining + self.yearly


def check(state: State, ends_on: date, valid_from_on: date, reason: str | None, today: date) -> list[Problem]:
    found: list[Problem] = []
    if state in OVER:
        found.append(FeesClosed(f"This agreement is {state}."))
    if valid_from_on > ends_on:
        found.append(FeeOutsidePeriod(f"Its last day is {ends_on}.", pointer="#/valid_from_on"))
    if valid_from_on < today and not reason:
        found.append(FeeInPast(f"{valid_from_on} has passed; say why.", pointer="#/reason"))
    return found


def due(joining: Decimal, per_inhabitant: Decimal, population: int) -> Due:
    """The joining fee once, and a whole year's fee for so many inhabitants."""
    return Due(joining, per_inhabitant * population)
