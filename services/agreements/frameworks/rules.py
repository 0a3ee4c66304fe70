"""How a framework agreement lives, and what must hold before it is announced or used."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from services.chassis.problems import Conflict, Forbidden, Invalid, Problem


class State(StrEnum):
    DRAFT = "draft"
    ANNOUNCED = "announced"
    STANDSTILL = "standstill"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    EXHAUSTED = "exhausted"
    EXPIRED = "expired"
    TERMINATED = "terminated"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class Event(StrEnum):
    ANNOUNCE = "announce"
    AWARD = "award"
    ACTIVATE = "activate"
    REOPEN_EVALUATION = "reopen_evaluation"
    SUSPEND = "suspend"
    RESUME = "resume"
    EXHAUST = "exhaust"
    EXPIRE = "expire"
    TERMINATE = "terminate"
    CLOSE = "close"
    CANCEL = "cancel"


MOVES = {
    (State.DRAFT, Event.ANNOUNCE): State.ANNOUNCED,
    (State.DRAFT, Event.CANCEL): State.CANCELLED,
    (State.ANNOUNCED, Event.AWARD): State.STANDSTILL,
    (State.ANNOUNCED, Event.CANCEL): State.CANCELLED,
    (State.STANDSTILL, Event.ACTIVATE): State.ACTIVE,
    (State.STANDSTILL, Event.REOPEN_EVALUATION): State.ANNOUNCED,
    (State.STANDSTILL, Event.CANCEL): State.CANCELLED,
    (State.ACTIVE, Event.SUSPEND): State.SUSPENDED,
    (State.ACTIVE, Event.EXHAUST): State.EXHAUSTED,
    (State.ACTIVE, Event.EXPIRE): State.EXPIRED,
    (State.ACTIVE, Event.TERMINATE): State.TERMINATED,
    (State.SUSPENDED, Event.RESUME): State.ACTIVE,
    (State.SUSPENDED, Event.EXPIRE): State.EXPIRED,
    (State.SUSPENDED, Event.TERMINATE): State.TERMINATED,
    (State.EXHAUSTED, Event.EXPIRE): State.EXPIRED,
    (State.EXHAUSTED, Event.TERMINATE): State.TERMINATED,
    (State.EXPIRED, Event.CLOSE): State.CLOSED,
    (State.TERMINATED, Event.CLOSE): State.CLOSED,
}

OWNERS = (
    Event.ANNOUNCE,
    Event.AWARD,
    Event.ACTIVATE,
    Event.REOPEN_EVALUATION,
    Event.SUSPEND,
    Event.RESUME,
    Event.TERMINATE,
    Event.CANCEL,
)
"""What the framework owner does by hand; the others follow from the ledger and the calendar."""


class Method(StrEnum):
    """How a lot's supplier is found when all terms are fixed. Announced, never the buyer's free choice."""

    RANKING = "ranking"


class MoveRefused(Conflict):
    """The framework agreement cannot take this step from its current state."""


class NotOwner(Forbidden):
    """Only the framework owner may change a framework agreement."""


class PeriodInvalid(Invalid):
    """The agreement's period cannot be used.

    At most four years, unless a reason is recorded (anskaffelsesforskriften § 26-1, directive 2014/24 art. 33).
    """


class LotWithoutPlace(Conflict):
    """A lot has no supplier with a price list."""


@dataclass(frozen=True)
class Period:
    starts_on: date
    ends_on: date
    rationale: str | None


def after(state: State, event: Event) -> State:
    try:
        return MOVES[state, event]
    except KeyError:
        raise MoveRefused(f"Cannot {event} an agreement that is {state}.") from None


def check_period(period: Period) -> list[Problem]:
    if period.ends_on < period.starts_on:
        return [PeriodInvalid("It ends before it starts.", pointer="#/ends_on")]
    if period.ends_on >= _four_years_after(period.starts_on) and not period.rationale:
        return [PeriodInvalid("More than four years need a recorded reason.", pointer="#/period_rationale")]
    return []


def check_ceilings(ceiling: Decimal, estimate: Decimal, lots: list[Decimal | None]) -> list[Problem]:
    """The estimate may not pass the maximum, and no lot may be given more than the whole."""
    found: list[Problem] = []
    if estimate > ceiling:
        found.append(CeilingInvalid("The estimate is larger than the ceiling.", pointer="#/estimate_excl_vat"))
    found += [
        CeilingInvalid("A lot's ceiling is larger than the agreement's.", pointer=f"#/lots/{place}/ceiling_excl_vat")
        for place, lot in enumerate(lots)
        if lot is not None and lot > ceiling
    ]
    return found


class CeilingInvalid(Invalid):
    """The ceilings do not fit together."""


def check_activation(lots_without_place: list[str]) -> list[Problem]:
    return [LotWithoutPlace(f"{lot} has none.", lot=lot) for lot in lots_without_place]


def _four_years_after(day: date) -> date:
    """The first day that is no longer within four years; 29 February counts as 28."""
    try:
        return day.replace(year=day.year + 4)
    except ValueError:
        return day.replace(year=day.year + 4, day=28)
