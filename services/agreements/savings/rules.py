"""What is assumed of a procurement that was avoided, and what that comes to."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from services.chassis.problems import Invalid, NotFound, Problem

ORE = Decimal("0.01")


class Counted(StrEnum):
    """What is assumed to have taken the place of a procurement of the buyer's own."""

    CALL_OFF = "call_off"
    BUYER_AND_LOT = "buyer_and_lot"
    """A buyer would have bought all that it needed of a lot at once."""


class AssumptionInFuture(Invalid):
    """What is assumed is stated as of a day that has come."""


class AssumptionEmpty(Invalid):
    """An assumption of nothing saves nothing."""


class AssumptionNotStated(NotFound):
    """Nothing is assumed of what a procurement costs under this agreement."""


class SavingsPeriodBackwards(Invalid):
    """The period ends before it begins."""


@dataclass(frozen=True)
class Saving:
    """Of so many procurements: hours, and NOK without VAT."""

    hours: Decimal
    amount: Decimal


def check(assumed_on: date, hours: Decimal, further: Decimal, today: date) -> list[Problem]:
    found: list[Problem] = []
    if assumed_on > today:
        found.append(AssumptionInFuture(pointer="#/assumed_on"))
    if not hours and not further:
        found.append(AssumptionEmpty(pointer="#/hours_per_procurement"))
    return found


def check_period(from_on: date | None, to_on: date | None) -> list[Problem]:
    return [SavingsPeriodBackwards(pointer="?to_on")] if from_on and to_on and to_on < from_on else []


def saved(procurements: int, *, hours: Decimal, per_hour: Decimal, further: Decimal) -> Saving:
    """Each costs its hours, and what is paid besides."""
    return Saving(procurements * hours, (procurements * (hours * per_hour + further)).quantize(ORE))
