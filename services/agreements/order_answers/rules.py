"""What an answer in UBL asks for, and what of it this service cannot do: by names of its own, `SAMVIRKE-…`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from services.agreements.calloffs.rules import Event, Priced
from services.agreements.message_readings import rules as readings
from services.agreements.message_rules.rules import Broken
from services.agreements.order_changes.rules import Proposed
from services.agreements.order_messages.rules import Ordered, Response, Thread
from services.agreements.ubl_messages.rules import LINE, Element, Profile, Transaction, number

STEPS: Mapping[Response, Event] = {
    Response.ACKNOWLEDGED: Event.ACKNOWLEDGE,
    Response.ACCEPTED: Event.CONFIRM,
    Response.CONDITIONALLY_ACCEPTED: Event.PROPOSE_CHANGE,
    Response.REJECTED: Event.DECLINE,
}
"""What an answer to an order does."""
CHANGE_STEPS: Mapping[Response, Event] = {
    Response.ACCEPTED: Event.CHANGE_CONFIRMED,
    Response.REJECTED: Event.CHANGE_REFUSED,
}
"""What an answer to the buyer's change does; to nothing else is there one."""
PROFILE = {
    Transaction.ORDER_RESPONSE: Profile.ORDERING,
    Transaction.ORDER_RESPONSE_ADVANCED: Profile.ADVANCED_ORDERING,
}
NO_REASON = "The order response gives no reason."


@dataclass(frozen=True)
class Answer:
    """What is asked for. `lines` are all lines as the supplier would deliver them, each from where in the message."""

    document_id: str
    event: Event | None
    reason: str
    lines: tuple[Proposed, ...] = ()
    xpaths: tuple[str, ...] = ()
    needed_on: date | None = None


@dataclass(frozen=True)
class _Line:
    proposed: Proposed
    xpath: str


def read(root: Element, thread: Thread, ordered: Ordered) -> tuple[Answer, list[Broken]]:
    """`ordered`: what is answered, with its day of delivery: the order, or the change that waits. The message may break
    any rule; what cannot be read of it is left out, as it is told by its rule."""
    found: list[Broken] = []
    tell = partial(readings.tell, found)
    change = root.value("cac:OrderChangeDocumentReference/cbc:ID")
    response = _response(root)
    event = (CHANGE_STEPS if change else STEPS).get(response) if response else None
    if root.value("cac:OrderReference/cbc:ID") != thread.order_id:
        tell("SAMVIRKE-ORDER", f"{root.path}/cac:OrderReference/cbc:ID", f"The order is {thread.order_id}.")
    if change and change != thread.change_id:
        told = f"The change {thread.change_id} waits for an answer." if thread.change_id else "No change waits."
        tell("SAMVIRKE-CHANGE", f"{root.path}/cac:OrderChangeDocumentReference/cbc:ID", told)
    elif change and response and event is None:
        tell("SAMVIRKE-CHANGE", f"{root.path}/cbc:OrderResponseCode", "A change is accepted (AP) or rejected (RE).")
    readings.sides(root, ordered, found)
    readings.currency(root, found)
    reason = readings.said(root, found, "cbc:Note", f"{LINE}/cbc:Note")
    day = readings.day([one for one in root.walk() if one.name == "cac:PromisedDeliveryPeriod"], found)
    if response is Response.ACCEPTED and day and day > ordered.needed_on:
        tell("SAMVIRKE-DAY", f"{root.path}/cac:Delivery", "Later than ordered is a condition (CA), and no acceptance.")
    lines = list(_lines(root, thread, ordered.lines, found)) if event is Event.PROPOSE_CHANGE else []
    if event is Event.PROPOSE_CHANGE and root.each("cac:OrderLine") and not lines:
        tell("SAMVIRKE-STATUS", f"{root.path}/cac:OrderLine", "Of an order of which nothing is left, the answer is RE.")
    answer = Answer(
        root.value("cbc:ID"),
        event,
        reason if len(reason) >= 3 else NO_REASON,  # as over JSON, where a reason is needed
        tuple(one.proposed for one in lines),
        tuple(one.xpath for one in lines),
        day,
    )
    return answer, found


def _response(root: Element) -> Response | None:
    said = root.value("cbc:OrderResponseCode")
    return Response(said) if said in {one.value for one in Response} else None


def _lines(root: Element, thread: Thread, ordered: Sequence[Priced], found: list[Broken]) -> Iterator[_Line]:
    """Every line of the order as it would be: as the answer says, or as ordered where it says nothing."""
    by_id = {thread.line_ids[line.item]: line for line in ordered}
    answered: set[str] = set()
    for one in root.each("cac:OrderLine"):
        reference = one.value("cac:OrderLineReference/cbc:LineID")
        status, line = one.value("cac:LineItem/cbc:LineStatusCode"), by_id.get(reference)
        where = f"{one.path}/cac:OrderLineReference/cbc:LineID"
        if status != "1" and reference and line is None:
            readings.tell(found, "SAMVIRKE-LINE", where, "The order has no line with this id.")
        elif line and (status == "1" or reference in answered):
            readings.tell(found, "SAMVIRKE-LINE", where, "The order's line is answered once, and is no new one.")
        answered.add(reference)
        yield from _line(one, status, line, found)
    for id, line in by_id.items():
        if id not in answered:
            yield _Line(Proposed(line.item, line.quantity), root.path)


def _line(one: Element, status: str, line: Priced | None, found: list[Broken]) -> Iterator[_Line]:
    said = one.one("cac:LineItem")
    if said is None or status == "7":
        return
    if status == "42":
        told = "Nothing is delivered before the order is confirmed."
        readings.tell(found, "SAMVIRKE-STATUS", f"{said.path}/cbc:LineStatusCode", told)
    if (number(said.value("cbc:MaximumBackorderQuantity")) or 0) > 0:
        told = "An order is delivered by one day: propose a later day for all of it."
        readings.tell(found, "SAMVIRKE-DAY", f"{said.path}/cbc:MaximumBackorderQuantity", told)
    item = line.item if line else said.value("cac:Item/cac:SellersItemIdentification/cbc:ID")
    substitute = one.value("cac:SellerSubstitutedLineItem/cac:Item/cac:SellersItemIdentification/cbc:ID")
    if not item:
        told = "A new line names its item as your price list does."
        readings.tell(found, "SAMVIRKE-LINE", f"{said.path}/cac:Item/cac:SellersItemIdentification/cbc:ID", told)
        return
    quantity, price = readings.quantity(said, line, found), readings.price(said, found)
    if status == "5" and line and (quantity != line.quantity or price not in (None, line.unit_price) or substitute):
        told = "A line that is accepted (5) is as ordered; one that is not is changed (3)."
        readings.tell(found, "SAMVIRKE-STATUS", f"{said.path}/cbc:LineStatusCode", told)
    yield _Line(Proposed(substitute or item, quantity, price), one.path)
