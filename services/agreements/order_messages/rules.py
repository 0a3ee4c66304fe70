"""Which message tells what of a call-off, what none can tell, and what an answer in UBL asks for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID, uuid5

from services.agreements.calloffs.rules import Event, Priced, State
from services.agreements.ubl_messages.rules import Profile, Transaction
from services.chassis.problems import Conflict, NotFound


class OrderMessageNotFound(NotFound):
    """The call-off has no message with this id."""


class NotTold(Conflict):
    """No message tells of the call-off as it stands."""


class NotInProfile(Conflict):
    """This message is no part of that business process."""


class MessageIdUsed(Conflict):
    """You have sent another message with this id for the call-off."""


class Kind(StrEnum):
    ORDER = "order"
    ORDER_RESPONSE = "order_response"
    ORDER_CHANGE = "order_change"
    ORDER_CANCELLATION = "order_cancellation"


class Response(StrEnum):
    """UNCL4343, as Peppol uses it."""

    ACKNOWLEDGED = "AB"
    ACCEPTED = "AP"
    CONDITIONALLY_ACCEPTED = "CA"
    REJECTED = "RE"


class What(StrEnum):
    """What a message cannot express."""

    AWARD = "award"
    CERTIFICATION = "certification"
    COST_SHARING = "cost_sharing"
    DEADLINE = "deadline"
    GROUND = "ground"
    LANGUAGES = "languages"
    PRICE_LIST = "price_list"
    SPECIFICATION = "specification"
    UNIT = "unit"
    VAT_REASON = "vat_reason"


@dataclass(frozen=True)
class Means:
    """How an event is told; without a kind by no message, and `why`."""

    kind: Kind | None = None
    response: Response | None = None
    why: str = ""


_INTERNAL = Means(why="It is the buyer's own, before the supplier is told.")
_DELIVERY = Means(why="A delivery is told by a despatch advice (T16), which is outside the profiles of ordering.")
MEANS: Mapping[Event, Means] = {
    Event.RESERVE: _INTERNAL,
    Event.EDIT: _INTERNAL,
    Event.RESERVATION_TIMEOUT: _INTERNAL,
    Event.APPROVE: _INTERNAL,
    Event.REVOKE_APPROVAL: _INTERNAL,
    Event.SEND: Means(Kind.ORDER),
    Event.ACKNOWLEDGE: Means(Kind.ORDER_RESPONSE, Response.ACKNOWLEDGED),
    Event.CONFIRM: Means(Kind.ORDER_RESPONSE, Response.ACCEPTED),
    Event.PROPOSE_CHANGE: Means(Kind.ORDER_RESPONSE, Response.CONDITIONALLY_ACCEPTED),
    Event.DECLINE: Means(Kind.ORDER_RESPONSE, Response.REJECTED),
    Event.RESPONSE_TIMEOUT: Means(Kind.ORDER_CANCELLATION),
    Event.ACCEPT_CHANGE: Means(Kind.ORDER_CHANGE),
    Event.REFUSE_CHANGE: Means(Kind.ORDER_CANCELLATION),
    Event.BUYER_CHANGE: Means(Kind.ORDER_CHANGE),
    Event.CHANGE_CONFIRMED: Means(Kind.ORDER_RESPONSE, Response.ACCEPTED),
    Event.CHANGE_REFUSED: Means(Kind.ORDER_RESPONSE, Response.REJECTED),
    Event.CANCEL: Means(Kind.ORDER_CANCELLATION),
    Event.NEXT_SUPPLIER: Means(why="Another supplier is told by an order of its own, when it is sent."),
    Event.NO_SUPPLIER_LEFT: Means(why="It concerns no supplier any more."),
    Event.REGISTER_DELIVERY: _DELIVERY,
    Event.LAST_DELIVERY: _DELIVERY,
    Event.REDELIVER: _DELIVERY,
    Event.TERMINATE_REST: Means(why="Peppol BIS Ordering cancels orders whole, and none that is delivered in part."),
    Event.ACCEPT: Means(why="Peppol BIS Ordering ends with the answer: that what came is accepted has no message."),
    Event.COMPLAIN: Means(why="Peppol BIS Ordering has no complaint."),
    Event.SETTLE: Means(why="Peppol BIS Ordering has no complaint, and so no settlement of one."),
    Event.CLOSE: Means(why="It is the buyer's own, when all is accepted."),
}
"""Every event of a call-off."""
BEFORE = "The supplier is told when it is sent."
STATES: Mapping[State, str | None] = {
    State.DRAFT: BEFORE,
    State.RESERVED: BEFORE,
    State.APPROVED: BEFORE,
    State.SENT: None,
    State.ACKNOWLEDGED: None,
    State.CHANGE_PROPOSED: None,
    State.DECLINED: None,
    State.CONFIRMED: None,
    State.CHANGE_REQUESTED: None,
    State.IN_DELIVERY: _DELIVERY.why,
    State.DELIVERED: _DELIVERY.why,
    State.DISPUTED: MEANS[Event.COMPLAIN].why,
    State.ACCEPTED: MEANS[Event.ACCEPT].why,
    State.CLOSED: MEANS[Event.CLOSE].why,
    State.CANCELLED: None,
    State.FAILED: MEANS[Event.NO_SUPPLIER_LEFT].why,
}
"""Every state of a call-off: None where the newest message tells it, else why none does."""
NEW_VERSION = frozenset({Event.RESERVE, Event.NEXT_SUPPLIER, Event.ACCEPT_CHANGE, Event.CHANGE_CONFIRMED})
"""With each of them a call-off goes on as another version."""
_NOTES = {
    Event.CANCEL: "Bestillingen er avbestilt.",
    Event.REFUSE_CHANGE: "Forslaget til endring er ikke godtatt, og bestillingen er avbestilt.",
    Event.RESPONSE_TIMEOUT: "Bestillingen er ikke besvart innen fristen, og er avbestilt.",
}
"""What a cancellation says where nobody gave a reason; it must say something."""


@dataclass(frozen=True)
class Party:
    number: str
    name: str


@dataclass(frozen=True)
class Ordered:
    """A call-off as it stood in one version. NOK."""

    contract: str
    """Agreement and lot."""
    buyer: Party
    seller: Party
    reference: str | None
    needed_on: date
    lines: tuple[Priced, ...]
    joint: bool = False
    specification: str | None = None
    quotation: str | None = None
    """The bid of a mini-competition that it came from: the competition's number and whose bid it is."""


@dataclass(frozen=True)
class Change:
    """What one side proposed."""

    lines: tuple[Priced, ...]
    needed_on: date


@dataclass(frozen=True)
class Happened:
    """An event of a call-off."""

    sequence: int
    event: Event
    on: date
    reason: str | None = None
    change: str | None = None
    """Which change it is about."""


@dataclass(frozen=True)
class Message:
    """A message, with all that it says."""

    sequence: int
    event: Event
    kind: Kind
    response: Response | None
    document_id: str
    order_id: str
    version: int
    issued_on: date
    note: str | None
    ordered: Ordered
    """As it stands with the message: in a proposal as it would be."""
    before: tuple[Priced, ...]
    """The lines that a proposal or a change starts from."""
    line_ids: Mapping[str, str]
    """By item: an order's lines keep their ids through all its messages."""
    answer_until: date | None = None
    number: int | None = None
    """Of an order change: the first, the second …"""
    change_id: str | None = None
    """The order change that is answered, by the id of its document."""

    @property
    def by_seller(self) -> bool:
        return self.kind is Kind.ORDER_RESPONSE


@dataclass(frozen=True)
class Thread:
    """The messages of a call-off, oldest first, and where the newest order stands."""

    messages: tuple[Message, ...] = ()
    order_id: str | None = None
    """None while the supplier that it is with has not been told."""
    change_id: str | None = None
    """The order change that waits for an answer."""
    line_ids: Mapping[str, str] = field(default_factory=dict)


def message_id(call_off: UUID, sequence: int) -> UUID:
    return uuid5(call_off, f"order-message:{sequence}")


def thread(
    number: str,
    happened: Iterable[Happened],
    versions: Mapping[int, Ordered],
    changes: Mapping[str, Change],
    response_days: int,
    received: Mapping[int, str] | None = None,
) -> Thread:
    """What has been told of a call-off. Each supplier that it goes to gets an order of its own, and the messages after
    it are numbered on from that, but for those `received`, by event, with ids of their own. `response_days`: how long
    a supplier has for its answer."""
    found, told, version, turn = Thread(), [], 0, 0
    for one in happened:
        version += one.event in NEW_VERSION
        if one.event is Event.NEXT_SUPPLIER:
            found = replace(found, order_id=None, change_id=None)
        if one.event is Event.SEND:
            turn += 1
            found = Thread(order_id=number if turn == 1 else f"{number}.{turn}")
        if MEANS[one.event].kind is None or found.order_id is None:
            continue
        before = versions[version - 1 if one.event in NEW_VERSION else version]
        message = _message(one, found, version, versions[version], before, changes.get(one.change or ""), response_days)
        message = replace(message, document_id=(received or {}).get(one.sequence) or message.document_id)
        told.append(message)
        waiting = {
            Event.BUYER_CHANGE: message.document_id,
            Event.CHANGE_CONFIRMED: None,
            Event.CHANGE_REFUSED: None,
        }.get(one.event, found.change_id)
        found = replace(found, messages=(*found.messages, message), change_id=waiting, line_ids=message.line_ids)
    return replace(found, messages=tuple(told))


def _message(
    one: Happened,
    found: Thread,
    version: int,
    ordered: Ordered,
    before: Ordered,
    change: Change | None,
    response_days: int,
) -> Message:
    """`found`: what has been told to the supplier before."""
    means, order_id = MEANS[one.event], found.order_id or ""
    assert means.kind
    if change and one.event in (Event.PROPOSE_CHANGE, Event.BUYER_CHANGE):
        ordered = replace(ordered, lines=change.lines, needed_on=change.needed_on)
    sent = one.event is Event.SEND
    ids = dict(found.line_ids)
    for line in (*(() if sent else before.lines), *ordered.lines):
        ids.setdefault(line.item, str(len(ids) + 1))
    said = None if one.event in (Event.SEND, Event.RESPONSE_TIMEOUT) else one.reason
    changes = sum(1 for earlier in found.messages if earlier.kind is Kind.ORDER_CHANGE)
    return Message(
        sequence=one.sequence,
        event=one.event,
        kind=means.kind,
        response=means.response,
        document_id=_numbered(order_id, found) if found.messages else order_id,
        order_id=order_id,
        version=version,
        issued_on=one.on,
        note=said or _NOTES.get(one.event),
        ordered=ordered,
        before=before.lines,
        line_ids=ids,
        answer_until=one.on + timedelta(days=response_days) if sent else None,
        number=changes + 1 if means.kind is Kind.ORDER_CHANGE else None,
        change_id=found.change_id if one.event in (Event.CHANGE_CONFIRMED, Event.CHANGE_REFUSED) else None,
    )


def _numbered(order_id: str, found: Thread) -> str:
    """The next that no message before it has: one that came may have taken it."""
    taken = {one.document_id for one in found.messages}
    numbers = range(len(found.messages) + 1, 2 * len(found.messages) + 2)
    return next(id for id in (f"{order_id}-{number}" for number in numbers) if id not in taken)


def untold(state: State, found: Thread) -> str | None:
    """Why no message tells the state that a call-off is in; None where the newest one does."""
    return STATES[state] or (None if found.order_id else BEFORE)


def profiles(message: Message) -> tuple[Profile, ...]:
    """An order and its answer stand in both; changes, cancellations and answers to changes in the advanced one."""
    plain = message.kind is Kind.ORDER or (message.kind is Kind.ORDER_RESPONSE and not message.change_id)
    return (Profile.ORDERING, Profile.ADVANCED_ORDERING) if plain else (Profile.ADVANCED_ORDERING,)


def transaction(message: Message, profile: Profile) -> Transaction:
    if message.kind is Kind.ORDER_RESPONSE and profile is Profile.ADVANCED_ORDERING:
        return Transaction.ORDER_RESPONSE_ADVANCED
    return _TRANSACTIONS[message.kind]


_TRANSACTIONS = {
    Kind.ORDER: Transaction.ORDER,
    Kind.ORDER_RESPONSE: Transaction.ORDER_RESPONSE,
    Kind.ORDER_CHANGE: Transaction.ORDER_CHANGE,
    Kind.ORDER_CANCELLATION: Transaction.ORDER_CANCELLATION,
}
WHY = {
    What.AWARD: "Why this supplier is asked has no element: see the call-off's explanation.",
    What.CERTIFICATION: "Which certificates were relied on has no element.",
    What.COST_SHARING: "Who pays which share has no element: the order has one buyer.",
    What.DEADLINE: "The order sets no day for the answer to a change.",
    What.GROUND: "The lot's announced ground for declining has no element.",
    What.LANGUAGES: "A name stands in one language.",
    What.PRICE_LIST: "An order refers to one version of one price list, and a change to none.",
    What.SPECIFICATION: "The specification that products are certified against has no element.",
    What.UNIT: "A unit has no code of UN/ECE Recommendation 20: the quantity is in C62 (one), the unit in words.",
    What.VAT_REASON: "Why VAT is 0 % is not known: the category is Z (zero rated).",
}


def not_expressed(message: Message) -> dict[What, str]:
    """What of the call-off this message leaves out, and why."""
    ordered, lines = message.ordered, message.ordered.lines
    with_lines = message.kind in (Kind.ORDER, Kind.ORDER_CHANGE)
    is_so = {
        What.AWARD: message.kind is Kind.ORDER,
        What.CERTIFICATION: with_lines and ordered.specification is not None,
        What.COST_SHARING: with_lines and ordered.joint,
        What.DEADLINE: message.event is Event.BUYER_CHANGE,
        What.GROUND: message.event is Event.DECLINE,
        What.LANGUAGES: with_lines and any(len(line.name) > 1 for line in lines),
        What.PRICE_LIST: message.kind is Kind.ORDER_CHANGE
        or (message.kind is Kind.ORDER and len({line.price_list_version for line in lines}) > 1),
        What.SPECIFICATION: with_lines and ordered.specification is not None,
        What.UNIT: with_lines and any(unit_code(line.unit) is None for line in lines),
        What.VAT_REASON: with_lines and any(not line.vat_percent for line in lines),
    }
    return {what: WHY[what] for what, so in is_so.items() if so}


UNIT_CODES = {
    "EA": ("stk", "stk.", "enhet"),
    "HUR": ("t", "time", "timer"),
    "DAY": ("dag", "dager", "døgn"),
    "WEE": ("uke", "uker", "veke"),
    "MON": ("mnd", "mnd.", "måned", "måneder", "månad"),
    "ANN": ("år",),
    "IE": ("innb", "innb.", "innbygger", "innbyggjar", "person", "bruker", "brukar"),
    "KGM": ("kg",),
    "GRM": ("g",),
    "TNE": ("tonn",),
    "MTR": ("m", "meter"),
    "KMT": ("km",),
    "MTK": ("m2", "m²"),
    "MTQ": ("m3", "m³"),
    "LTR": ("l", "liter"),
    "KWH": ("kwh",),
    "SET": ("sett",),
    "PR": ("par",),
    "XPK": ("pk", "pakke"),
    "XBX": ("eske",),
}
"""Codes of UN/ECE Recommendation 20 (packages: of 21) by the words that price lists use for units."""
ANY_UNIT = "C62"
"""One: for a unit that has no code."""
_CODES = {word: code for code, words in UNIT_CODES.items() for word in words}


def unit_code(unit: str) -> str | None:
    return _CODES.get(unit.strip().lower())
