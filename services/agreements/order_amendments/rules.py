"""What a buyer's order change or cancellation in UBL asks for, and what of it this service cannot do."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import partial

from services.agreements.calloffs.rules import Event, Priced, State
from services.agreements.message_amounts.rules import SLACK
from services.agreements.message_readings import rules as readings
from services.agreements.message_rules.rules import Broken
from services.agreements.order_changes.rules import Proposed, check_lines, net_of
from services.agreements.order_messages.rules import Change, Kind, Message, Thread
from services.agreements.ubl_messages.rules import LINE, Element, Transaction, number
from services.chassis.problems import Invalid, Problem

ADDED, DELETED, NO_ACTION, ACCEPTED, REOPENED = "1", "2", "4", "5", "74"
"""UNCL1229, as far as it matters which."""
NO_REASON = "The order change gives no reason."
_HEAD = ("cbc:CustomizationID", "cbc:ProfileID", "cbc:ID", "cbc:IssueDate", "cbc:IssueTime", "cbc:Note")
_OF_AN_ORDER = ("cac:OrderReference", "cac:Contract", "cac:BuyerCustomerParty", "cac:SellerSupplierParty")
_TOTALS = "cac:AnticipatedMonetaryTotal"
TAKEN: Mapping[Transaction, frozenset[str]] = {
    Transaction.ORDER_CHANGE: frozenset(
        {
            *(*_HEAD, *_OF_AN_ORDER, "cbc:SequenceNumberID", "cbc:DocumentCurrencyCode", "cbc:CustomerReference"),
            *("cac:QuotationDocumentReference", "cac:ValidityPeriod", "cac:TaxTotal", "cac:OrderLine/cbc:Note"),
            *(f"cac:Delivery/cac:RequestedDeliveryPeriod/cbc:{name}Date" for name in ("Start", "End")),
            *(f"{_TOTALS}/cbc:{name}Amount" for name in ("LineExtension", "TaxExclusive", "TaxInclusive", "Payable")),
            *(f"{LINE}/cbc:{name}" for name in ("ID", "LineStatusCode", "Quantity", "LineExtensionAmount")),
            *(f"{LINE}/cac:Price/cbc:{name}" for name in ("PriceAmount", "BaseQuantity")),
            *(f"{LINE}/cac:Item/cbc:{name}" for name in ("Name", "Description")),
            *(f"{LINE}/cac:Item/cac:{name}sItemIdentification" for name in ("Buyer", "Manufacturer", "Seller")),
            *(f"{LINE}/cac:Item/cac:{name}" for name in ("StandardItemIdentification", "CommodityClassification")),
            *(f"{LINE}/cac:Item/cac:{name}" for name in ("ClassifiedTaxCategory", "AdditionalItemProperty")),
        }
    ),
    Transaction.ORDER_CANCELLATION: frozenset({*_HEAD, *_OF_AN_ORDER, "cbc:CancellationNote"}),
}
"""What such a message may say here, each with all below it. Its contacts, names and last day of validity are for the
supplier, who reads the message as it came; anything else would be dropped, and so is refused."""


class PriceDiffers(Invalid):
    """The message names another price than the one that binds.

    A buyer's message sets no price: that of the order binds, and for another item that of the supplier's price list.
    """


@dataclass(frozen=True)
class Standing:
    """The order as it stands. NOK without VAT."""

    thread: Thread
    state: State
    lines: Sequence[Priced]
    needed_on: date
    known: Mapping[str, Priced]
    """By item, at the prices that bind: what may be ordered; with a proposal, what stands in it."""
    proposal: Change | None = None
    """The supplier's, that waits for an answer."""


@dataclass(frozen=True)
class Amendment:
    """What is asked for. `lines` are all lines as they would be, each from where in the message."""

    document_id: str
    event: Event
    reason: str | None
    lines: tuple[Proposed, ...] = ()
    xpaths: tuple[str, ...] = ()
    needed_on: date | None = None


@dataclass(frozen=True)
class _Line:
    proposed: Proposed
    xpath: str
    added: str | None = None
    """The id that the message gives to a line that the order does not have."""


def event(state: State) -> Event:
    """What an order change does: it is the buyer's own, or takes what the supplier has proposed."""
    return Event.ACCEPT_CHANGE if state is State.CHANGE_PROPOSED else Event.BUYER_CHANGE


def cancellation(root: Element, thread: Thread) -> tuple[Amendment, list[Problem]]:
    """The message may break any rule, as in `change`."""
    found: list[Broken] = []
    _order(root, thread, found)
    reason = readings.said(root, found, "cbc:CancellationNote", "cbc:Note")
    found += _untaken(root, TAKEN[Transaction.ORDER_CANCELLATION])
    return Amendment(root.value("cbc:ID"), Event.CANCEL, reason), [one.problem() for one in found]


def change(root: Element, standing: Standing) -> tuple[Amendment, list[Problem]]:
    """What cannot be read of it is left out, as it is told by its rule."""
    found: list[Broken] = []
    asked = event(standing.state)
    _order(root, standing.thread, found)
    readings.currency(root, found)
    _sequence(root, standing.thread, found)
    reason = readings.said(root, found, "cbc:Note", "cac:OrderLine/cbc:Note")
    day = _day(root, found)
    found += _untaken(root, TAKEN[Transaction.ORDER_CHANGE])
    lines = list(_lines(root, standing, found))
    _ids(lines, standing.thread, found)
    if root.each(LINE) and not lines:
        told = "Of an order of which nothing is left, the message is a cancellation."
        readings.tell(found, "SAMVIRKE-STATUS", f"{root.path}/cac:OrderLine", told)
    proposed, xpaths = tuple(one.proposed for one in lines), tuple(one.xpath for one in lines)
    problems = [*_prices(lines, standing), *check_lines([_unpriced(one) for one in proposed], standing.known)]
    if standing.proposal:
        problems = [one for one in problems if isinstance(one, PriceDiffers)]
        _same(root, proposed, day or standing.needed_on, standing.proposal, found)
    if not found and not problems:
        _amounts(root, proposed, standing.known, found)
    amendment = Amendment(
        root.value("cbc:ID"),
        asked,
        _reason(reason, asked),
        tuple(map(_unpriced, proposed)),
        xpaths,
        day,
    )
    day_at = f"{root.path}/cac:Delivery"
    return amendment, [*(one.problem() for one in found), *(readings.place(one, xpaths, day_at) for one in problems)]


def _reason(said: str, asked: Event) -> str | None:
    """As over JSON: a change says why, and an acceptance may."""
    if asked is Event.ACCEPT_CHANGE:
        return said or None
    return said if len(said) >= 3 else NO_REASON


def _unpriced(line: Proposed) -> Proposed:
    return Proposed(line.item, line.quantity)


def _order(root: Element, thread: Thread, found: list[Broken]) -> None:
    """Which order it is of, and whose."""
    tell = partial(readings.tell, found)
    ordered = thread.messages[-1].ordered
    if root.value("cac:OrderReference/cbc:ID") != thread.order_id:
        tell("SAMVIRKE-ORDER", f"{root.path}/cac:OrderReference/cbc:ID", f"The order is {thread.order_id}.")
    readings.sides(root, ordered, found)
    for path, value in (
        ("cac:Contract/cbc:ID", ordered.contract),
        ("cbc:CustomerReference", ordered.reference),
        ("cac:QuotationDocumentReference/cbc:ID", ordered.quotation),
    ):
        if root.value(path) not in ("", (value or "").strip()):
            tell("SAMVIRKE-REFERENCE", f"{root.path}/{path}", "It is not the order's, and no message changes that.")
    if root.value("cbc:ID") in {one.document_id for one in _told(thread) if not one.by_seller}:
        tell("SAMVIRKE-ID", f"{root.path}/cbc:ID", "Another message of the order has this id.")


def _told(thread: Thread) -> list[Message]:
    return [one for one in thread.messages if one.order_id == thread.order_id]


def _sequence(root: Element, thread: Thread, found: list[Broken]) -> None:
    """A change that is overtaken by another is not taken for a newer one."""
    due = 1 + sum(1 for one in _told(thread) if one.kind is Kind.ORDER_CHANGE)
    if number(root.value("cbc:SequenceNumberID")) not in (None, due):
        readings.tell(found, "SAMVIRKE-SEQUENCE", f"{root.path}/cbc:SequenceNumberID", f"The order's next is {due}.")


def _day(root: Element, found: list[Broken]) -> date | None:
    periods = root.each("cac:Delivery/cac:RequestedDeliveryPeriod")
    for one in periods:
        start, end = one.value("cbc:StartDate"), one.value("cbc:EndDate")
        if start and end and start != end:
            told = "An order is delivered by one day, and not from one on."
            readings.tell(found, "SAMVIRKE-DAY", f"{one.path}/cbc:StartDate", told)
    return readings.day(periods, found)


def _untaken(one: Element, taken: frozenset[str], path: str = "") -> Iterator[Broken]:
    for child in one.children:
        name = f"{path}{child.name}"
        if name in taken:
            continue
        if any(known.startswith(f"{name}/") for known in taken):
            yield from _untaken(child, taken, f"{name}/")
        else:
            told = "A call-off has no place for this: leave it out."
            yield Broken("SAMVIRKE-NOT-TAKEN", child.path, told, warning=False)


def _lines(root: Element, standing: Standing, found: list[Broken]) -> Iterator[_Line]:
    """Every line of the order as it would be: as the message says, or as ordered where it says nothing."""
    by_id = {standing.thread.line_ids[line.item]: line for line in standing.lines}
    named: set[str] = set()
    for one in root.each(LINE):
        id, status = one.value("cbc:ID"), one.value("cbc:LineStatusCode")
        named.add(id)
        yield from _line(one, id, status, by_id.get(id), standing, found)
    for id, line in by_id.items():
        if id not in named:
            yield _Line(Proposed(line.item, line.quantity), root.path)


def _line(
    one: Element, id: str, status: str, line: Priced | None, standing: Standing, found: list[Broken]
) -> Iterator[_Line]:
    tell = partial(readings.tell, found)
    item_at = f"{one.path}/cac:Item/cac:SellersItemIdentification/cbc:ID"
    named = one.value("cac:Item/cac:SellersItemIdentification/cbc:ID")
    if (line is None) != (status == ADDED):
        told = "An added line (1) has an id of its own, and any other line one of the order's."
        tell("SAMVIRKE-LINE", f"{one.path}/cbc:ID", told)
    if line and named not in ("", line.item):
        tell("SAMVIRKE-LINE", item_at, "A line keeps its item: delete the line (2), and add another (1).")
    if status == REOPENED:
        tell("SAMVIRKE-STATUS", f"{one.path}/cbc:LineStatusCode", "No line of an order is closed, to be opened again.")
    if status == DELETED:
        return
    item = line.item if line else named
    if not item:
        tell("SAMVIRKE-LINE", item_at, "An added line names its item as the supplier's price list does.")
        return
    quantity = readings.quantity(one, line, found)
    if line and quantity != line.quantity and status in _AS_IT_IS[standing.proposal is None]:
        told = f"The line is ordered with {line.quantity}; one that is not as ordered is changed (3)."
        tell("SAMVIRKE-STATUS", f"{one.path}/cbc:LineStatusCode", told)
    known = standing.known.get(item)
    for vat in one.each("cac:Item/cac:ClassifiedTaxCategory/cbc:Percent"):
        if known and number(vat.text) != known.vat_percent:
            tell("SAMVIRKE-VAT", vat.path, f"The rate is {known.vat_percent.normalize():f} %.")
    yield _Line(Proposed(item, quantity, readings.price(one, found)), one.path, None if line else id)


_AS_IT_IS = {True: (NO_ACTION, ACCEPTED), False: (NO_ACTION,)}
"""The codes of lines that are as ordered: to a proposal, `accepted` means as proposed."""


def _ids(lines: Sequence[_Line], thread: Thread, found: list[Broken]) -> None:
    """An order's lines keep their ids through all its messages, so an added one has the next, or that which its item
    had before."""
    ids = dict(thread.line_ids)
    for line in lines:
        due = ids.setdefault(line.proposed.item, str(len(ids) + 1))
        if line.added not in (None, due):
            readings.tell(found, "SAMVIRKE-LINE", f"{line.xpath}/cbc:ID", f"The added line's id is {due}.")


def _prices(lines: Sequence[_Line], standing: Standing) -> list[Problem]:
    return [
        PriceDiffers(
            f"{line.proposed.item}: {known.unit_price:.2f} kr without VAT binds.",
            rule="SAMVIRKE-PRICE",
            xpath=f"{line.xpath}/cac:Price/cbc:PriceAmount",
        )
        for line in lines
        if (known := standing.known.get(line.proposed.item))
        and line.proposed.unit_price not in (None, known.unit_price)
    ]


def _same(root: Element, lines: Sequence[Proposed], needed_on: date, proposal: Change, found: list[Broken]) -> None:
    """The supplier's proposal is taken as it is, or not at all."""
    wanted = sorted((one.item, one.quantity) for one in lines)
    if wanted != sorted((one.item, one.quantity) for one in proposal.lines):
        told = "A proposal is taken with all its lines as they are; or else refused over JSON, or the order cancelled."
        readings.tell(found, "SAMVIRKE-PROPOSAL", f"{root.path}/cac:OrderLine", told)
    if needed_on != proposal.needed_on:
        told = f"It is proposed for {proposal.needed_on.isoformat()}."
        readings.tell(found, "SAMVIRKE-PROPOSAL", f"{root.path}/cac:Delivery", told)


def _amounts(root: Element, lines: Sequence[Proposed], known: Mapping[str, Priced], found: list[Broken]) -> None:
    """The whole order's, also of lines that the message does not name. VAT may be rounded in another way."""
    priced = [replace(known[line.item], quantity=line.quantity) for line in lines]
    net, vat = net_of(priced), sum((line.vat for line in priced), Decimal(0))
    for path, due, slack in (
        (f"{_TOTALS}/cbc:LineExtensionAmount", net, Decimal(0)),
        ("cac:TaxTotal/cbc:TaxAmount", vat, SLACK * len(priced)),
    ):
        for one in root.each(path):
            if abs((number(one.text) or Decimal(0)) - due) > slack:
                told = f"With all its lines, the order comes to {due:.2f}."
                readings.tell(found, "SAMVIRKE-TOTAL", one.path, told)
