"""What an answer in UBL asks for, and what of it this service cannot do: by names of its own, `SAMVIRKE-…`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial

from services.agreements.calloffs.rules import Event, Priced
from services.agreements.message_rules.rules import Broken
from services.agreements.order_changes.rules import Proposed
from services.agreements.order_messages.rules import Ordered, Response, Thread, unit_code
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
LONGEST_ID, LONGEST_REASON, MOST_UNITS = 200, 2000, 1_000_000
PIECES = frozenset({"EA", "C62", "H87", "NAR"})
"""Codes that count the same: each, one, piece, number of articles."""


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
    tell = partial(_tell, found)
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
    for side, party in (("Seller", ordered.seller), ("Buyer", ordered.buyer)):
        path = f"cac:{side}{'Supplier' if side == 'Seller' else 'Customer'}Party/cac:Party"
        if not _is(root.one(path), party.number):
            tell("SAMVIRKE-PARTY", f"{root.path}/{path}", f"The order's {side.lower()} is {party.number}.")
    if root.value("cbc:DocumentCurrencyCode") not in ("", "NOK"):
        tell("SAMVIRKE-CURRENCY", f"{root.path}/cbc:DocumentCurrencyCode", "An order is in NOK.")
    reason = " ".join(one.text.strip() for one in (*root.each("cbc:Note"), *root.each(f"{LINE}/cbc:Note")))
    for text, longest, path in (
        (root.value("cbc:ID"), LONGEST_ID, "cbc:ID"),
        (reason, LONGEST_REASON, "cbc:Note"),
    ):
        if len(text) > longest:
            tell("SAMVIRKE-LENGTH", f"{root.path}/{path}", f"At most {longest} characters.")
    day = _day(root, found)
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


def _tell(found: list[Broken], rule: str, xpath: str, detail: str) -> None:
    found.append(Broken(rule, xpath, detail, warning=False))


def _response(root: Element) -> Response | None:
    said = root.value("cbc:OrderResponseCode")
    return Response(said) if said in {one.value for one in Response} else None


def _is(party: Element | None, number: str) -> bool:
    """Whether it is that organisation, as far as it says: it may have an address of another scheme only."""
    if party is None:
        return True
    ids = [*party.each("cbc:EndpointID"), *party.each("cac:PartyIdentification/cbc:ID")]
    numbers = {one.text.strip() for one in ids if one.attributes.get("schemeID") == "0192"}
    return not numbers or number in numbers


def _day(root: Element, found: list[Broken]) -> date | None:
    """The one day that all is promised for."""
    periods = [one for one in root.walk() if one.name == "cac:PromisedDeliveryPeriod"]
    said = {one.value("cbc:EndDate") or one.value("cbc:StartDate"): one.path for one in periods}
    days = {day: path for text, path in said.items() if (day := _date(text))}
    if len(days) > 1:
        told = "An order is delivered by one day: propose the latest of them for all of it."
        _tell(found, "SAMVIRKE-DAY", max(days.items())[1], told)
    return max(days) if days else None


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _lines(root: Element, thread: Thread, ordered: Sequence[Priced], found: list[Broken]) -> Iterator[_Line]:
    """Every line of the order as it would be: as the answer says, or as ordered where it says nothing."""
    by_id = {thread.line_ids[line.item]: line for line in ordered}
    answered: set[str] = set()
    for one in root.each("cac:OrderLine"):
        reference = one.value("cac:OrderLineReference/cbc:LineID")
        status, line = one.value("cac:LineItem/cbc:LineStatusCode"), by_id.get(reference)
        where = f"{one.path}/cac:OrderLineReference/cbc:LineID"
        if status != "1" and reference and line is None:
            _tell(found, "SAMVIRKE-LINE", where, "The order has no line with this id.")
        elif line and (status == "1" or reference in answered):
            _tell(found, "SAMVIRKE-LINE", where, "The order's line is answered once, and is no new one.")
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
        _tell(found, "SAMVIRKE-STATUS", f"{said.path}/cbc:LineStatusCode", told)
    if (number(said.value("cbc:MaximumBackorderQuantity")) or 0) > 0:
        told = "An order is delivered by one day: propose a later day for all of it."
        _tell(found, "SAMVIRKE-DAY", f"{said.path}/cbc:MaximumBackorderQuantity", told)
    item = line.item if line else said.value("cac:Item/cac:SellersItemIdentification/cbc:ID")
    substitute = one.value("cac:SellerSubstitutedLineItem/cac:Item/cac:SellersItemIdentification/cbc:ID")
    if not item:
        told = "A new line names its item as your price list does."
        _tell(found, "SAMVIRKE-LINE", f"{said.path}/cac:Item/cac:SellersItemIdentification/cbc:ID", told)
        return
    quantity, price = _quantity(said, line, found), _price(said, found)
    if status == "5" and line and (quantity != line.quantity or price not in (None, line.unit_price) or substitute):
        told = "A line that is accepted (5) is as ordered; one that is not is changed (3)."
        _tell(found, "SAMVIRKE-STATUS", f"{said.path}/cbc:LineStatusCode", told)
    yield _Line(Proposed(substitute or item, quantity, price), one.path)


def _quantity(said: Element, line: Priced | None, found: list[Broken]) -> int:
    """In whole units; as ordered where nothing is said."""
    given = said.one("cbc:Quantity")
    if given is None:
        if line is None:
            _tell(found, "SAMVIRKE-QUANTITY", f"{said.path}/cbc:Quantity", "A new line says how many.")
        return line.quantity if line else 1
    ordered, unit = unit_code(line.unit) if line else None, given.attributes.get("unitCode")
    if line and unit and unit != (ordered or "C62") and not {unit, ordered} <= PIECES:
        told = f"The line is ordered in {ordered or 'C62'}."
        _tell(found, "SAMVIRKE-UNIT", f"{given.path}/@unitCode", told)
    amount = number(given.text)
    if amount is None or amount != amount.to_integral_value() or not 1 <= amount <= MOST_UNITS:
        told = "A quantity is a whole number of at least 1; of a line that is left out the status is 7."
        _tell(found, "SAMVIRKE-QUANTITY", given.path, told)
        return 1
    return int(amount)


def _price(said: Element, found: list[Broken]) -> Decimal | None:
    """For one unit, in whole øre."""
    given = said.one("cac:Price/cbc:PriceAmount")
    if given is None:
        return None
    amount, base = number(given.text), number(said.value("cac:Price/cbc:BaseQuantity") or "1")
    price = amount / base if amount is not None and base else None
    if price is None or not 0 <= price < 10**12 or price != price.quantize(Decimal("0.01")):
        _tell(found, "SAMVIRKE-PRICE", given.path, "A price for one unit is in whole øre.")
        return None
    return price.quantize(Decimal("0.01"))
