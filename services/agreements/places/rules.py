"""How a supplier's place stands, when one can be given, and who sees what it costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.agreements.frameworks.rules import Maximum, State, check_within
from services.agreements.price_terms.rules import Bounds, Clause, check_bounds, check_clause
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


class ItemWithoutMaximum(Conflict):
    """Neither the agreement nor the lot has announced a maximum that this item would come under.

    A notice tells a maximum in value or in quantity (C-23/20); where it is in quantities only, they name all there is.
    """


@dataclass(frozen=True)
class Awarded:
    """What decides whether a place can be given as it is offered."""

    state: State
    maximum: Maximum
    items: Sequence[str]
    bounds: Bounds
    clause: Clause | None = None


@dataclass(frozen=True)
class Announced:
    """What a place is held to: the maxima of the agreement and of the lot, and the lot's price terms."""

    whole: Maximum
    lot: Maximum
    bounds: Bounds
    clause: Clause | None = None


def after(state: PlaceState, event: Event) -> PlaceState:
    try:
        return MOVES[state, event]
    except KeyError:
        raise MoveRefused(f"Cannot {event} a place that is {state}.") from None


def check_award(awarded: Awarded, announced: Announced) -> list[Problem]:
    found: list[Problem] = []
    if awarded.state not in (State.ANNOUNCED, State.STANDSTILL):
        found.append(PlacesClosed(f"This agreement is {awarded.state}."))
    found += check_within(awarded.maximum, announced.whole, "#", "A supplier's")
    found += [
        PriceItemRepeated(f"{item}.", pointer=f"#/prices/{place}/item")
        for place, item in enumerate(awarded.items)
        if item in awarded.items[:place]
    ]
    found += [
        ItemWithoutMaximum(f"{item}.", pointer=f"#/prices/{place}/item")
        for place, item in enumerate(awarded.items)
        if not (announced.whole.covers(item) or announced.lot.covers(item))
    ]
    found += check_bounds(awarded.bounds, "#", announced.bounds)
    return found + check_clause(awarded.clause, announced.clause, "#/index_clause")


def check_suspension(until_on: date, today: date) -> list[Problem]:
    if until_on >= today:
        return []
    return [SuspensionDayInvalid(f"{until_on} has passed.", pointer="#/until_on")]


def sees_secrets(viewer: str | None, *, owner: str, supplier: str, acceded: bool) -> bool:
    """Whether a price that is a business secret is shown: to the framework owner, to the supplier whose it is, and to
    those who order by it. Never to another supplier."""
    return viewer is not None and (viewer in (owner, supplier) or acceded)
