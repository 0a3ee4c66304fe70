"""Writes a message: the elements of UBL in the order that its schema has them."""

from collections.abc import Iterator
from decimal import Decimal

from services.agreements.calloffs.rules import Priced
from services.agreements.message_rules import rules as message_rules
from services.agreements.order_messages import rules
from services.agreements.order_messages.rules import Kind, Message, Ordered, Party, Response
from services.agreements.ubl_messages import wire
from services.agreements.ubl_messages.rules import CUSTOMIZATIONS, ROOTS, Element, Profile, element, profile_id
from services.chassis.view import FALL_BACK

CURRENCY = "NOK"
CALL_OFF = "226"
"""UNCL1001: a call-off order."""
ORGANISATIONS = "0192"
"""ICD and EAS: Enhetsregisteret."""
ADDED, DELETED, CHANGED, NO_ACTION, ACCEPTED, NOT_ACCEPTED = "1", "2", "3", "4", "5", "7"
"""UNCL1229."""


def made(message: Message, profile: Profile) -> bytes:
    """Its bytes, held against every rule that a stranger's message would be."""
    written = wire.write(compose(message, profile))
    broken = message_rules.fatal(wire.read(written), rules.transaction(message, profile))
    assert not broken, broken
    return written


def compose(message: Message, profile: Profile) -> Element:
    transaction = rules.transaction(message, profile)
    head = (
        element("cbc:CustomizationID", CUSTOMIZATIONS[transaction]),
        element("cbc:ProfileID", profile_id(profile)),
        element("cbc:ID", message.document_id),
        element("cbc:IssueDate", message.issued_on.isoformat()),
    )
    return element(ROOTS[transaction], *head, *_WRITERS[message.kind](message))


def _order(message: Message) -> Iterator[Element | None]:
    ordered = message.ordered
    yield element("cbc:OrderTypeCode", CALL_OFF)
    yield element("cbc:DocumentCurrencyCode", CURRENCY)
    yield element("cbc:CustomerReference", ordered.reference) if ordered.reference else None
    if message.answer_until:
        yield element("cac:ValidityPeriod", element("cbc:EndDate", message.answer_until.isoformat()))
    if ordered.quotation:
        yield element("cac:QuotationDocumentReference", element("cbc:ID", ordered.quotation))
    versions = sorted({line.price_list_version for line in ordered.lines})
    if len(versions) == 1:
        price_list = f"{ordered.contract}/{ordered.seller.number}/{versions[0]}"
        yield element("cac:CatalogueReference", element("cbc:ID", price_list))
    yield element("cac:Contract", element("cbc:ID", ordered.contract))
    yield from _parties(ordered)
    yield _wanted(ordered)
    yield from _amounts(ordered)
    for line in ordered.lines:
        yield element("cac:OrderLine", _line(message, line, None, line.quantity))


def _order_change(message: Message) -> Iterator[Element | None]:
    ordered, before = message.ordered, {line.item: line for line in message.before}
    yield element("cbc:SequenceNumberID", str(message.number))
    yield element("cbc:Note", message.note) if message.note else None
    yield element("cbc:DocumentCurrencyCode", CURRENCY)
    yield element("cbc:CustomerReference", ordered.reference) if ordered.reference else None
    yield element("cac:OrderReference", element("cbc:ID", message.order_id))
    yield element("cac:Contract", element("cbc:ID", ordered.contract))
    yield from _parties(ordered)
    yield _wanted(ordered)
    yield from _amounts(ordered)
    for line in ordered.lines:
        status = _status(before.get(line.item), line, NO_ACTION)
        yield element("cac:OrderLine", _line(message, line, status, line.quantity))
    for item, line in before.items():
        if item not in {kept.item for kept in ordered.lines}:
            yield element("cac:OrderLine", _line(message, line, DELETED, 0))


def _order_cancellation(message: Message) -> Iterator[Element | None]:
    yield element("cbc:CancellationNote", message.note or "")
    yield element("cac:OrderReference", element("cbc:ID", message.order_id))
    yield element("cac:Contract", element("cbc:ID", message.ordered.contract))
    yield from _parties(message.ordered)


def _order_response(message: Message) -> Iterator[Element | None]:
    ordered = message.ordered
    yield element("cbc:OrderResponseCode", message.response or "")
    yield element("cbc:Note", message.note) if message.note else None
    yield element("cbc:DocumentCurrencyCode", CURRENCY)
    yield element("cbc:CustomerReference", ordered.reference) if ordered.reference else None
    yield element("cac:OrderReference", element("cbc:ID", message.order_id))
    if message.change_id:
        yield element("cac:OrderChangeDocumentReference", element("cbc:ID", message.change_id))
    for side, party in (("Seller", ordered.seller), ("Buyer", ordered.buyer)):
        name = "cac:SellerSupplierParty" if side == "Seller" else "cac:BuyerCustomerParty"
        legal = element("cac:PartyLegalEntity", element("cbc:RegistrationName", party.name))
        yield element(name, element("cac:Party", *_identified(party), legal))
    if message.response is not Response.CONDITIONALLY_ACCEPTED:
        return
    promised = element("cac:PromisedDeliveryPeriod", element("cbc:EndDate", ordered.needed_on.isoformat()))
    yield element("cac:Delivery", promised)
    offered, before = {line.item: line for line in ordered.lines}, {line.item: line for line in message.before}
    for item, line in (before | offered).items():
        status = _status(before.get(item), line, ACCEPTED) if item in offered else NOT_ACCEPTED
        reference = element("cac:OrderLineReference", element("cbc:LineID", message.line_ids[item]))
        yield element("cac:OrderLine", _answered(message, line, status), reference)


_WRITERS = {
    Kind.ORDER: _order,
    Kind.ORDER_CHANGE: _order_change,
    Kind.ORDER_CANCELLATION: _order_cancellation,
    Kind.ORDER_RESPONSE: _order_response,
}


def _status(before: Priced | None, line: Priced, same: str) -> str:
    if before is None:
        return ADDED
    return same if (before.quantity, before.unit_price) == (line.quantity, line.unit_price) else CHANGED


def _identified(party: Party) -> tuple[Element, Element]:
    identification = element("cac:PartyIdentification", element("cbc:ID", party.number, schemeID=ORGANISATIONS))
    return element("cbc:EndpointID", party.number, schemeID=ORGANISATIONS), identification


def _parties(ordered: Ordered) -> Iterator[Element]:
    for name, party in (("cac:BuyerCustomerParty", ordered.buyer), ("cac:SellerSupplierParty", ordered.seller)):
        country = element("cac:Country", element("cbc:IdentificationCode", "NO"))
        legal = element(
            "cac:PartyLegalEntity",
            element("cbc:RegistrationName", party.name),
            element("cbc:CompanyID", party.number, schemeID=ORGANISATIONS),
        )
        yield element(name, element("cac:Party", *_identified(party), element("cac:PostalAddress", country), legal))


def _wanted(ordered: Ordered) -> Element:
    period = element("cac:RequestedDeliveryPeriod", element("cbc:EndDate", ordered.needed_on.isoformat()))
    return element("cac:Delivery", period)


def _money(name: str, amount: Decimal) -> Element:
    return element(name, f"{amount:.2f}", currencyID=CURRENCY)


def _amounts(ordered: Ordered) -> Iterator[Element]:
    net = sum((line.net for line in ordered.lines), Decimal("0.00"))
    vat = sum((line.vat for line in ordered.lines), Decimal("0.00"))
    yield element("cac:TaxTotal", _money("cbc:TaxAmount", vat))
    yield element(
        "cac:AnticipatedMonetaryTotal",
        _money("cbc:LineExtensionAmount", net),
        _money("cbc:TaxExclusiveAmount", net),
        _money("cbc:TaxInclusiveAmount", net + vat),
        _money("cbc:PayableAmount", net + vat),
    )


def _quantity(line: Priced, quantity: int) -> Element:
    return element("cbc:Quantity", str(quantity), unitCode=rules.unit_code(line.unit) or rules.ANY_UNIT)


def _line(message: Message, line: Priced, status: str | None, quantity: int) -> Element:
    category = element(
        "cac:ClassifiedTaxCategory",
        element("cbc:ID", "S" if line.vat_percent else "Z"),
        element("cbc:Percent", f"{line.vat_percent.normalize():f}"),
        element("cac:TaxScheme", element("cbc:ID", "VAT")),
    )
    return element(
        "cac:LineItem",
        element("cbc:ID", message.line_ids[line.item]),
        element("cbc:LineStatusCode", status) if status else None,
        _quantity(line, quantity),
        _money("cbc:LineExtensionAmount", line.unit_price * quantity),
        element("cac:Price", _money("cbc:PriceAmount", line.unit_price)),
        element(
            "cac:Item",
            None if rules.unit_code(line.unit) else element("cbc:Description", f"Enhet: {line.unit}"),
            element("cbc:Name", _name(line)),
            element("cac:SellersItemIdentification", element("cbc:ID", line.item)),
            category,
            *_properties(line),
        ),
    )


def _answered(message: Message, line: Priced, status: str) -> Element:
    """What is as ordered, or not delivered at all, says no more of itself."""
    new = status in (ADDED, CHANGED)
    return element(
        "cac:LineItem",
        element("cbc:ID", message.line_ids[line.item]),
        element("cbc:LineStatusCode", status),
        _quantity(line, line.quantity) if new else None,
        element("cac:Price", _money("cbc:PriceAmount", line.unit_price)) if new else None,
        element(
            "cac:Item",
            element("cbc:Name", _name(line)),
            element("cac:SellersItemIdentification", element("cbc:ID", line.item)),
        ),
    )


def _properties(line: Priced) -> Iterator[Element]:
    for name, value in (("product", line.product), ("component", line.component)):
        if value:
            yield element("cac:AdditionalItemProperty", element("cbc:Name", name), element("cbc:Value", value))


def _name(line: Priced) -> str:
    return next(line.name[language] for language in FALL_BACK["nb"] if language in line.name)
