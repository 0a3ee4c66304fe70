"""How a supplier's place stands, when one can be given, and who sees what it costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from services.agreements.frameworks.rules import Maximum, State, check_within
from services.chassis.problems import Conflict, Forbidden, Invalid, Problem


class PlaceState(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"
    TERMINATED = "terminated"
    ENDED = "ended"


class Event(StrEnum):
    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    WITHDRAW = "withdraw"
    TERMINATE = "terminate"
    AGREEMENT_ENDED = "agreement_ended"


MOVES = {
    (PlaceState.ACTIVE, Event.SUSPEND): PlaceState.SUSPENDED,
    (PlaceState.ACTIVE, Event.WITHDRAW): PlaceState.WITHDRAWN,
    (PlaceState.ACTIVE, Event.TERMINATE): PlaceState.TERMINATED,
    (PlaceState.ACTIVE, Event.AGREEMENT_ENDED): PlaceState.ENDED,
    (PlaceState.SUSPENDED, Event.REINSTATE): PlaceState.ACTIVE,
    (PlaceState.SUSPENDED, Event.WITHDRAW): PlaceState.WITHDRAWN,
    (PlaceState.SUSPENDED, Event.TERMINATE): PlaceState.TERMINATED,
    (PlaceState.SUSPENDED, Event.AGREEMENT_ENDED): PlaceState.ENDED,
}
HELD = frozenset({PlaceState.ACTIVE, PlaceState.SUSPENDED})
"""In these the supplier still holds its place."""
LOWEST, HIGHEST = Decimal("0.9"), Decimal("1.1")
"""How far a price may move from the first price list when the lot's terms say nothing else."""


class PlacesClosed(Conflict):
    """Places are awarded between the announcement and the activation."""


class MoveRefused(Conflict):
    """The place cannot take this step from its current state."""


class NotThisSupplier(Forbidden):
    """Only the supplier whose place it is, or the framework owner, may take this step."""


class SuspensionDayInvalid(Invalid):
    """A suspension needs a last day, today or later; the day after, the place is active again."""


class PriceItemRepeated(Invalid):
    """A price list has one price for each item."""


class ChangeBoundsInvalid(Invalid):
    """The bounds of a price's change must be on either side of 1."""


@dataclass(frozen=True)
class Awarded:
    """What decides whether a place can be given as it is offered."""

    state: State
    maximum: Maximum
    items: Sequence[str]
    lowest: Decimal
    highest: Decimal


def after(state: PlaceState, event: Event) -> PlaceState:
    try:
        return MOVES[state, event]
    except KeyError:
        raise MoveRefused(f"Cannot {event} a place that is {state}.") from None


def check_award(awarded: Awarded, whole: Maximum) -> list[Problem]:
    """`whole`: the agreement's own maximum."""
    found: list[Problem] = []
    if awarded.state not in (State.ANNOUNCED, State.STANDSTILL):
        found.append(PlacesClosed(f"This agreement is {awarded.state}."))
    found += check_within(awarded.maximum, whole, "#", "A supplier's")
    found += [
        PriceItemRepeated(f"{item}.", pointer=f"#/prices/{place}/item")
        for place, item in enumerate(awarded.items)
        if item in awarded.items[:place]
    ]
    if not awarded.lowest <= 1 <= awarded.highest:
        found.append(ChangeBoundsInvalid(pointer="#/lowest_factor"))
    return found


def check_suspension(until_on: date, today: date) -> list[Problem]:
    if until_on >= today:
        return []
    return [SuspensionDayInvalid(f"{until_on} has passed.", pointer="#/until_on")]


def sees_secrets(viewer: str | None, *, owner: str, supplier: str, acceded: bool) -> bool:
    """Whether a price that is a business secret is shown: to the framework owner, to the supplier whose it is, and to
    those who order by it. Never to another supplier."""
    return viewer is not None and (viewer in (owner, supplier) or acceded)
