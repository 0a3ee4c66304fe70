"""When a call-off may be placed, which supplier it goes to, what it costs, and how it moves on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from services.agreements.frameworks.rules import Method
from services.agreements.ledger.rules import Moved
from services.chassis.problems import Conflict, Forbidden, Invalid, Problem


class State(StrEnum):
    DRAFT = "draft"
    RESERVED = "reserved"
    APPROVED = "approved"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    CHANGE_PROPOSED = "change_proposed"
    DECLINED = "declined"
    CONFIRMED = "confirmed"
    CHANGE_REQUESTED = "change_requested"
    IN_DELIVERY = "in_delivery"
    DELIVERED = "delivered"
    DISPUTED = "disputed"
    ACCEPTED = "accepted"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Event(StrEnum):
    RESERVE = "reserve"
    EDIT = "edit"
    RESERVATION_TIMEOUT = "reservation_timeout"
    APPROVE = "approve"
    REVOKE_APPROVAL = "revoke_approval"
    SEND = "send"
    ACKNOWLEDGE = "acknowledge"
    CONFIRM = "confirm"
    PROPOSE_CHANGE = "propose_change"
    DECLINE = "decline"
    RESPONSE_TIMEOUT = "response_timeout"
    ACCEPT_CHANGE = "accept_change"
    REFUSE_CHANGE = "refuse_change"
    NEXT_SUPPLIER = "next_supplier"
    NO_SUPPLIER_LEFT = "no_supplier_left"
    BUYER_CHANGE = "buyer_change"
    CHANGE_CONFIRMED = "change_confirmed"
    CHANGE_REFUSED = "change_refused"
    REGISTER_DELIVERY = "register_delivery"
    LAST_DELIVERY = "last_delivery"
    TERMINATE_REST = "terminate_rest"
    ACCEPT = "accept"
    COMPLAIN = "complain"
    REDELIVER = "redeliver"
    SETTLE = "settle"
    CLOSE = "close"
    CANCEL = "cancel"


MOVES = {
    (State.DRAFT, Event.RESERVE): State.RESERVED,
    (State.DRAFT, Event.CANCEL): State.CANCELLED,
    (State.RESERVED, Event.EDIT): State.DRAFT,
    (State.RESERVED, Event.RESERVATION_TIMEOUT): State.DRAFT,
    (State.RESERVED, Event.APPROVE): State.APPROVED,
    (State.RESERVED, Event.CANCEL): State.CANCELLED,
    (State.APPROVED, Event.SEND): State.SENT,
    (State.APPROVED, Event.REVOKE_APPROVAL): State.RESERVED,
    (State.APPROVED, Event.CANCEL): State.CANCELLED,
    (State.SENT, Event.ACKNOWLEDGE): State.ACKNOWLEDGED,
    (State.SENT, Event.CONFIRM): State.CONFIRMED,
    (State.SENT, Event.PROPOSE_CHANGE): State.CHANGE_PROPOSED,
    (State.SENT, Event.DECLINE): State.DECLINED,
    (State.SENT, Event.RESPONSE_TIMEOUT): State.DECLINED,
    (State.SENT, Event.CANCEL): State.CANCELLED,
    (State.ACKNOWLEDGED, Event.CONFIRM): State.CONFIRMED,
    (State.ACKNOWLEDGED, Event.PROPOSE_CHANGE): State.CHANGE_PROPOSED,
    (State.ACKNOWLEDGED, Event.DECLINE): State.DECLINED,
    (State.ACKNOWLEDGED, Event.RESPONSE_TIMEOUT): State.DECLINED,
    (State.ACKNOWLEDGED, Event.CANCEL): State.CANCELLED,
    (State.CHANGE_PROPOSED, Event.ACCEPT_CHANGE): State.CONFIRMED,
    (State.CHANGE_PROPOSED, Event.REFUSE_CHANGE): State.DECLINED,
    (State.CHANGE_PROPOSED, Event.CANCEL): State.CANCELLED,
    (State.DECLINED, Event.NEXT_SUPPLIER): State.RESERVED,
    (State.DECLINED, Event.NO_SUPPLIER_LEFT): State.FAILED,
    (State.CONFIRMED, Event.BUYER_CHANGE): State.CHANGE_REQUESTED,
    (State.CONFIRMED, Event.CANCEL): State.CANCELLED,
    (State.CONFIRMED, Event.REGISTER_DELIVERY): State.IN_DELIVERY,
    (State.CONFIRMED, Event.LAST_DELIVERY): State.DELIVERED,
    (State.CHANGE_REQUESTED, Event.CHANGE_CONFIRMED): State.CONFIRMED,
    (State.CHANGE_REQUESTED, Event.CHANGE_REFUSED): State.CONFIRMED,
    (State.IN_DELIVERY, Event.REGISTER_DELIVERY): State.IN_DELIVERY,
    (State.IN_DELIVERY, Event.LAST_DELIVERY): State.DELIVERED,
    (State.IN_DELIVERY, Event.TERMINATE_REST): State.DELIVERED,
    (State.DELIVERED, Event.ACCEPT): State.ACCEPTED,
    (State.DELIVERED, Event.COMPLAIN): State.DISPUTED,
    (State.DISPUTED, Event.REDELIVER): State.IN_DELIVERY,
    (State.DISPUTED, Event.SETTLE): State.ACCEPTED,
    (State.ACCEPTED, Event.CLOSE): State.CLOSED,
}
TERMINAL = {State.CLOSED, State.CANCELLED, State.FAILED}
BEFORE_SUPPLIER = {State.DRAFT, State.RESERVED, State.APPROVED}
"""States in which the supplier has not been told, and does not see the call-off."""
AT_ONCE = (Event.RESERVE, Event.APPROVE, Event.SEND)
"""What one request does for a call-off up to the approval limit; above it only the first."""

ORE = Decimal("0.01")


class MoveRefused(Conflict):
    """The call-off cannot take this step from its current state."""


class NotEntitled(Forbidden):
    """Your organisation is not entitled to call off from this framework agreement.

    Only a contracting authority that the notice identifies may use it (C-216/17, KOFA 2015/65).
    """


class AgreementNotOpen(Conflict):
    """The framework agreement is not open for call-offs."""


class OutsidePeriod(Conflict):
    """The framework agreement's period does not cover today."""


class NeededTooEarly(Invalid):
    """The day it is needed has passed."""


class ItemUnknown(Invalid):
    """No supplier in the lot has this item on its price list."""


class ItemTwice(Invalid):
    """The same item stands on two lines."""


class DeliveryTooLate(Conflict):
    """It is needed later than the agreement lets deliveries come after its end."""


class AccessionNotActive(Forbidden):
    """Your organisation has not acceded to this framework agreement, or its accession does not hold today."""


@dataclass(frozen=True)
class Terms:
    """What the agreement says about who may call off, and when."""

    active: bool
    state: str
    starts_on: date
    ends_on: date
    entitled: bool
    """Named in the notice."""
    acceded: bool
    """Its accession holds today."""
    delivery_days_after_end: int


@dataclass(frozen=True)
class Wanted:
    item: str
    quantity: int


@dataclass(frozen=True)
class Priced:
    """One line at the frozen price. Amounts in NOK, rounded half up to øre."""

    item: str
    name: Mapping[str, str]
    unit: str
    quantity: int
    unit_price: Decimal
    vat_percent: Decimal
    product: str | None
    price_list_version: int
    component: str | None = None

    @property
    def net(self) -> Decimal:
        return self.unit_price * self.quantity

    @property
    def vat(self) -> Decimal:
        return (self.net * self.vat_percent / 100).quantize(ORE, ROUND_HALF_UP)


@dataclass(frozen=True)
class Choice:
    """Who was asked for what, and all that it rested on (`award_keys.rules.frozen`)."""

    place_id: int
    supplier: str
    supplier_name: str
    method: Method
    lines: tuple[Priced, ...]
    frozen: Mapping[str, object]

    @property
    def net(self) -> Decimal:
        return sum((line.net for line in self.lines), Decimal("0.00"))

    @property
    def vat(self) -> Decimal:
        return sum((line.vat for line in self.lines), Decimal("0.00"))


def after(state: State, event: Event) -> State:
    try:
        return MOVES[state, event]
    except KeyError:
        raise MoveRefused(f"Cannot {event} a call-off that is {state}.", state=state.value) from None


def check(terms: Terms, *, wanted: Sequence[Wanted], offered: set[str], needed_on: date, today: date) -> list[Problem]:
    """Every reason why this call-off cannot be placed, the gravest first."""
    found: list[Problem] = []
    if not terms.entitled:
        found.append(NotEntitled("The notice does not name it among the participants."))
    elif not terms.acceded:
        found.append(AccessionNotActive("Accede first, or wait until the accession starts."))
    if not terms.active:
        found.append(AgreementNotOpen(f"It is {terms.state}."))
    if not terms.starts_on <= today <= terms.ends_on:
        found.append(OutsidePeriod(f"It runs from {terms.starts_on} to {terms.ends_on}."))
    if needed_on < today:
        found.append(NeededTooEarly(f"{needed_on} is before today, {today}.", pointer="#/needed_on"))
    latest = terms.ends_on + timedelta(days=terms.delivery_days_after_end)
    if needed_on > latest:
        found.append(DeliveryTooLate(f"The last day of delivery is {latest}.", pointer="#/needed_on"))
    seen: set[str] = set()
    for place, line in enumerate(wanted):
        if line.item in seen:
            found.append(ItemTwice(f"{line.item} stands on an earlier line.", pointer=f"#/lines/{place}/item"))
        elif line.item not in offered:
            found.append(ItemUnknown(f"{line.item} is on no price list.", pointer=f"#/lines/{place}/item"))
        seen.add(line.item)
    return found


def moved(lines: Sequence[Priced]) -> list[Moved]:
    """What a reservation of these lines moves in the ledger."""
    return [
        Moved(line.item, line.product, line.component, quantity_reserved=line.quantity, reserved=line.net)
        for line in lines
    ]


def sees_own_only(viewer: str, *, buyer: str, supplier: str) -> bool:
    """The supplier sees its own part of a call-off: never another supplier's figures, nor what passed before it was
    asked."""
    return viewer == supplier != buyer


def first_events(net: Decimal, approval_limit: Decimal) -> tuple[Event, ...]:
    """Up to the limit a call-off is approved and sent in the request that places it, each step recorded."""
    return AT_ONCE if net <= approval_limit else AT_ONCE[:1]
