"""What a UBL message is made of: its elements, which transaction it is, and which elements that has.

The transactions, their identifiers and elements are those of Peppol BIS Ordering 3 (order transaction 3.6)."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from services.chassis.problems import Invalid, Malformed, MediaTypeUnsupported, TooLarge

LARGEST = 1024 * 1024
"""Bytes of a message at most."""
MOST = 20_000
"""Elements of a message at most."""
MEDIA_TYPES = ("application/xml", "text/xml")
_TRANSACTION, _PROFILE = "urn:fdc:peppol.eu:poacc:trns:", "urn:fdc:peppol.eu:poacc:bis:"


class MessageTooLarge(TooLarge):
    """The message is too large."""


class MessageMediaTypeUnknown(MediaTypeUnsupported):
    """A UBL message is XML: send it as application/xml."""


class NotXml(Malformed):
    """The message cannot be read as XML in UTF-8 without a document type."""


class MessageUnknown(Invalid):
    """The message is none that is taken here."""


class Transaction(StrEnum):
    """A message of Peppol BIS Ordering 3, by Peppol's own number."""

    ORDER = "T01"
    ORDER_RESPONSE = "T76"
    ORDER_CHANGE = "T114"
    ORDER_CANCELLATION = "T115"
    ORDER_RESPONSE_ADVANCED = "T116"


class Profile(StrEnum):
    """The business process that a message stands in."""

    ORDER_ONLY = "order_only"
    ORDERING = "ordering"
    ADVANCED_ORDERING = "advanced_ordering"


ROOTS = {
    Transaction.ORDER: "Order",
    Transaction.ORDER_RESPONSE: "OrderResponse",
    Transaction.ORDER_CHANGE: "OrderChange",
    Transaction.ORDER_CANCELLATION: "OrderCancellation",
    Transaction.ORDER_RESPONSE_ADVANCED: "OrderResponse",
}
CUSTOMIZATIONS = {
    Transaction.ORDER: f"{_TRANSACTION}order:3",
    Transaction.ORDER_RESPONSE: f"{_TRANSACTION}order_response:3",
    Transaction.ORDER_CHANGE: f"{_TRANSACTION}order_change:3",
    Transaction.ORDER_CANCELLATION: f"{_TRANSACTION}order_cancellation:3",
    Transaction.ORDER_RESPONSE_ADVANCED: f"{_TRANSACTION}order_response_advanced:3",
}
PROFILES = {
    Transaction.ORDER: (Profile.ORDER_ONLY, Profile.ORDERING, Profile.ADVANCED_ORDERING),
    Transaction.ORDER_RESPONSE: (Profile.ORDERING,),
    Transaction.ORDER_CHANGE: (Profile.ADVANCED_ORDERING,),
    Transaction.ORDER_CANCELLATION: (Profile.ADVANCED_ORDERING,),
    Transaction.ORDER_RESPONSE_ADVANCED: (Profile.ADVANCED_ORDERING,),
}


ORDERS = (Transaction.ORDER, Transaction.ORDER_CHANGE)
ANSWERS = (Transaction.ORDER_RESPONSE, Transaction.ORDER_RESPONSE_ADVANCED)
LINE = "cac:OrderLine/cac:LineItem"
"""Where a line stands, seen from the root."""


def profile_id(profile: Profile) -> str:
    return f"{_PROFILE}{profile}:3"


@dataclass(frozen=True)
class Element:
    """An element by its usual prefix, `cbc:ID`; the root by its name alone."""

    name: str
    text: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: tuple["Element", ...] = ()
    path: str = ""
    """Where it stood in what was read, as an XPath: `/Order/cac:OrderLine[2]/cac:LineItem`."""

    def each(self, path: str) -> list["Element"]:
        """Those below by a path such as `cac:OrderLine/cac:LineItem`, in their order."""
        found = [self]
        for name in path.split("/"):
            found = [child for one in found for child in one.children if child.name == name]
        return found

    def one(self, path: str) -> "Element | None":
        """The first of them."""
        return next(iter(self.each(path)), None)

    def value(self, path: str) -> str:
        """The text of the first of them, without space around it; empty when there is none."""
        found = self.one(path)
        return found.text.strip() if found else ""

    def walk(self) -> Iterator["Element"]:
        """This one and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


def element(name: str, *content: "str | Element | None", **attributes: str) -> Element:
    """An element of texts and elements; what is None is left out."""
    children = tuple(one for one in content if isinstance(one, Element))
    return Element(name, "".join(one for one in content if isinstance(one, str)), attributes, children)


Found = Iterator[tuple[str, str]]
"""Where a rule does not hold, as an XPath, and why: never with what stood there, which may be anything."""


@dataclass(frozen=True)
class Rule:
    """What must hold within a message. `R003` is PEPPOL-T01-R003 in an order; a longer name is the same in all."""

    name: str
    transactions: tuple[Transaction, ...]
    find: Callable[[Element, Transaction], Found]
    warning: bool = False

    def id(self, transaction: Transaction) -> str:
        return f"PEPPOL-{transaction}-{self.name}" if re.fullmatch(r"R\d+", self.name) else self.name


def number(text: str) -> Decimal | None:
    """A decimal number as XML Schema writes it; None for anything else."""
    written = re.fullmatch(r"[+-]?([0-9]{1,20}(\.[0-9]{0,20})?|\.[0-9]{1,20})", text.strip())
    return Decimal(written[0]) if written else None


def total(elements: list[Element]) -> Decimal:
    """What they add up to; what is no number counts as nothing."""
    return sum((number(one.text) or Decimal(0) for one in elements), Decimal(0))


def transaction(root: Element) -> Transaction | None:
    """Which transaction a document is, by its root and CustomizationID. An extension of one, as a country may make it,
    begins as that does."""
    said = root.value("cbc:CustomizationID")
    return next(
        (
            one
            for one, start in CUSTOMIZATIONS.items()
            if root.name == ROOTS[one] and (said == start or said.startswith((f"{start}:", f"{start}#")))
        ),
        None,
    )


def _under(path: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{path}/{name}" for name in names)


def _party(path: str, *, whole: bool) -> tuple[str, ...]:
    """`whole`: as in an order; a response says less of who they are."""
    party = f"{path}/cac:Party"
    found = _under(
        party, "cbc:EndpointID", "cac:PartyIdentification/cbc:ID", "cac:PartyLegalEntity/cbc:RegistrationName"
    )
    contact = _under(f"{party}/cac:Contact", "cbc:Name", "cbc:Telephone", "cbc:ElectronicMail")
    if not whole:
        return found + contact
    legal = f"{party}/cac:PartyLegalEntity"
    return (
        *(*found, *contact, *_address(f"{party}/cac:PostalAddress"), f"{party}/cac:PartyName/cbc:Name"),
        *_under(f"{party}/cac:PartyTaxScheme", "cbc:CompanyID", "cac:TaxScheme/cbc:ID"),
        *_under(legal, "cbc:CompanyID"),
        *_under(f"{legal}/cac:RegistrationAddress", "cbc:CityName", "cac:Country/cbc:IdentificationCode"),
    )


def _address(path: str) -> tuple[str, ...]:
    return _under(
        path,
        *("cbc:StreetName", "cbc:AdditionalStreetName", "cbc:CityName", "cbc:PostalZone", "cbc:CountrySubentity"),
        *("cac:AddressLine/cbc:Line", "cac:Country/cbc:IdentificationCode"),
    )


def _period(path: str, name: str, *, times: bool) -> tuple[str, ...]:
    return _under(
        f"{path}/cac:{name}", "cbc:StartDate", "cbc:EndDate", *(("cbc:StartTime", "cbc:EndTime") if times else ())
    )


def _item(path: str) -> tuple[str, ...]:
    return _under(
        path,
        *("cbc:Name", "cac:SellersItemIdentification/cbc:ID", "cac:StandardItemIdentification/cbc:ID"),
        "cac:CommodityClassification/cbc:ItemClassificationCode",
        *_under("cac:ClassifiedTaxCategory", "cbc:ID", "cbc:Percent", "cac:TaxScheme/cbc:ID"),
        *_under("cac:AdditionalItemProperty", "cbc:Name", "cbc:NameCode", "cbc:Value", "cbc:ValueQuantity"),
        "cac:AdditionalItemProperty/cbc:ValueQualifier",
    )


def _charge(path: str) -> tuple[str, ...]:
    return _under(
        f"{path}cac:AllowanceCharge",
        *("cbc:ChargeIndicator", "cbc:AllowanceChargeReasonCode", "cbc:AllowanceChargeReason"),
        *("cbc:MultiplierFactorNumeric", "cbc:Amount", "cbc:BaseAmount"),
        *_under("cac:TaxCategory", "cbc:ID", "cbc:Percent", "cac:TaxScheme/cbc:ID"),
    )


_HEAD = ("cbc:CustomizationID", "cbc:ProfileID", "cbc:ID", "cbc:IssueDate", "cbc:IssueTime")
_ORDERED = (
    *(*_HEAD, "cbc:Note", "cbc:DocumentCurrencyCode", "cbc:CustomerReference", "cbc:AccountingCost"),
    *("cac:ValidityPeriod/cbc:EndDate", "cac:QuotationDocumentReference/cbc:ID", "cac:Contract/cbc:ID"),
    "cac:OriginatorDocumentReference/cbc:ID",
    *_under(
        "cac:AdditionalDocumentReference",
        *("cbc:ID", "cbc:DocumentType", "cac:Attachment/cbc:EmbeddedDocumentBinaryObject"),
        "cac:Attachment/cac:ExternalReference/cbc:URI",
    ),
    *_party("cac:BuyerCustomerParty", whole=True),
    *_party("cac:SellerSupplierParty", whole=True),
    *_party("cac:OriginatorCustomerParty", whole=True),
    *_party("cac:AccountingCustomerParty", whole=True),
    "cac:Delivery/cac:DeliveryLocation/cbc:ID",
    *_address("cac:Delivery/cac:DeliveryLocation/cac:Address"),
    *_period("cac:Delivery", "RequestedDeliveryPeriod", times=True),
    *_under("cac:Delivery/cac:DeliveryParty", "cac:PartyIdentification/cbc:ID", "cac:PartyName/cbc:Name"),
    *_under("cac:Delivery/cac:DeliveryParty/cac:Contact", "cbc:Name", "cbc:Telephone", "cbc:ElectronicMail"),
    *_under("cac:DeliveryTerms", "cbc:ID", "cbc:SpecialTerms", "cac:DeliveryLocation/cbc:ID"),
    "cac:PaymentTerms/cbc:Note",
    *_charge(""),
    "cac:TaxTotal/cbc:TaxAmount",
    *_under(
        "cac:AnticipatedMonetaryTotal",
        *("cbc:LineExtensionAmount", "cbc:TaxExclusiveAmount", "cbc:TaxInclusiveAmount", "cbc:AllowanceTotalAmount"),
        *("cbc:ChargeTotalAmount", "cbc:PrepaidAmount", "cbc:PayableRoundingAmount", "cbc:PayableAmount"),
    ),
    "cac:OrderLine/cbc:Note",
    *_under(
        LINE,
        *("cbc:ID", "cbc:Quantity", "cbc:LineExtensionAmount", "cbc:PartialDeliveryIndicator", "cbc:AccountingCost"),
        *_under("cac:OriginatorParty", "cac:PartyIdentification/cbc:ID", "cac:PartyName/cbc:Name"),
        *("cac:Price/cbc:PriceAmount", "cac:Price/cbc:BaseQuantity"),
        *("cac:Item/cbc:Description", "cac:Item/cac:BuyersItemIdentification/cbc:ID"),
        *("cac:Item/cac:ManufacturersItemIdentification/cbc:ID", "cac:Item/cac:ItemInstance/cbc:SerialID"),
        *("cac:Item/cac:ItemSpecificationDocumentReference/cbc:ID",),
        "cac:Item/cac:ItemInstance/cac:LotIdentification/cbc:LotNumberID",
    ),
    *_period(f"{LINE}/cac:Delivery", "RequestedDeliveryPeriod", times=False),
    *_charge(f"{LINE}/"),
    *_charge(f"{LINE}/cac:Price/"),
    *_item(f"{LINE}/cac:Item"),
)
_ANSWERED = (
    *(*_HEAD, "cbc:SalesOrderID", "cbc:OrderResponseCode", "cbc:Note", "cbc:DocumentCurrencyCode"),
    *("cbc:CustomerReference", "cac:OrderReference/cbc:ID"),
    *_party("cac:SellerSupplierParty", whole=False),
    *_party("cac:BuyerCustomerParty", whole=False),
    *_period("cac:Delivery", "PromisedDeliveryPeriod", times=True),
    *_under(
        LINE,
        *("cbc:ID", "cbc:Note", "cbc:LineStatusCode", "cbc:Quantity", "cbc:MaximumBackorderQuantity"),
        *("cac:Price/cbc:PriceAmount", "cac:Price/cbc:BaseQuantity"),
        *("cac:Item/cbc:Name", "cac:Item/cac:BuyersItemIdentification/cbc:ID"),
        *("cac:Item/cac:SellersItemIdentification/cbc:ID", "cac:Item/cac:StandardItemIdentification/cbc:ID"),
    ),
    *_period(f"{LINE}/cac:Delivery", "PromisedDeliveryPeriod", times=True),
    "cac:OrderLine/cac:SellerSubstitutedLineItem/cbc:ID",
    *_item("cac:OrderLine/cac:SellerSubstitutedLineItem/cac:Item"),
    "cac:OrderLine/cac:OrderLineReference/cbc:LineID",
)
ELEMENTS: Mapping[Transaction, frozenset[str]] = {
    Transaction.ORDER: frozenset(
        {
            *(*_ORDERED, "cbc:SalesOrderID", "cbc:OrderTypeCode", "cac:OrderDocumentReference/cbc:ID"),
            *("cac:CatalogueReference/cbc:ID", "cac:ProjectReference/cbc:ID"),
        }
    ),
    Transaction.ORDER_CHANGE: frozenset(
        {*_ORDERED, "cbc:SequenceNumberID", "cac:OrderReference/cbc:ID", f"{LINE}/cbc:LineStatusCode"}
    ),
    Transaction.ORDER_CANCELLATION: frozenset(
        {
            *(*_HEAD, "cbc:Note", "cbc:CancellationNote", "cac:OrderReference/cbc:ID", "cac:Contract/cbc:ID"),
            "cac:OriginatorDocumentReference/cbc:ID",
            *_party("cac:BuyerCustomerParty", whole=True),
            *_party("cac:SellerSupplierParty", whole=True),
            *_party("cac:OriginatorCustomerParty", whole=True),
        }
    ),
    Transaction.ORDER_RESPONSE: frozenset(_ANSWERED),
    Transaction.ORDER_RESPONSE_ADVANCED: frozenset({*_ANSWERED, "cac:OrderChangeDocumentReference/cbc:ID"}),
}
"""The elements that a transaction has, of those that hold text. An element of UBL that is not among them is outside
Peppol's data model."""
_SIDES = ("cac:BuyerCustomerParty/cac:Party", "cac:SellerSupplierParty/cac:Party")
_ENDPOINTS = tuple(f"{side}/cbc:EndpointID" for side in _SIDES)
_PARTIES = (
    *(*_ENDPOINTS, *(f"{side}/cac:PartyLegalEntity/cbc:RegistrationName" for side in _SIDES)),
    f"{_SIDES[1]}/cac:PostalAddress/cac:Country/cbc:IdentificationCode",
)
_FIRST = ("cbc:CustomizationID", "cbc:ProfileID", "cbc:ID", "cbc:IssueDate")
_ANSWER = (*_FIRST, "cbc:OrderResponseCode", "cbc:DocumentCurrencyCode", "cac:OrderReference/cbc:ID", *_ENDPOINTS)
NEEDED: Mapping[Transaction, tuple[str, ...]] = {
    Transaction.ORDER: (*_FIRST, "cbc:DocumentCurrencyCode", *_PARTIES, LINE),
    Transaction.ORDER_CHANGE: (
        *(*_FIRST, "cbc:SequenceNumberID", "cbc:DocumentCurrencyCode", "cac:OrderReference/cbc:ID"),
        *(*_PARTIES, LINE),
    ),
    Transaction.ORDER_CANCELLATION: (*_FIRST, "cbc:CancellationNote", "cac:OrderReference/cbc:ID", *_PARTIES),
    Transaction.ORDER_RESPONSE: _ANSWER,
    Transaction.ORDER_RESPONSE_ADVANCED: _ANSWER,
}
"""What stands in every message of a transaction, seen from its root."""
_TOTAL = {"cac:AnticipatedMonetaryTotal": ("cbc:LineExtensionAmount", "cbc:PayableAmount")}
_TAX = {f"{LINE}/cac:Item/cac:ClassifiedTaxCategory": ("cbc:ID", "cac:TaxScheme/cbc:ID")}
_ANSWERED_LINE = {
    LINE: ("cbc:ID", "cbc:LineStatusCode", "cac:Item/cbc:Name"),
    "cac:OrderLine": ("cac:OrderLineReference/cbc:LineID",),
}
NEEDED_WITHIN: Mapping[Transaction, Mapping[str, tuple[str, ...]]] = {
    Transaction.ORDER: {LINE: ("cbc:ID", "cbc:Quantity", "cac:Item/cbc:Name"), **_TOTAL, **_TAX},
    Transaction.ORDER_CHANGE: {
        LINE: ("cbc:ID", "cbc:LineStatusCode", "cbc:Quantity", "cac:Item/cbc:Name"),
        **_TOTAL,
        **_TAX,
    },
    Transaction.ORDER_CANCELLATION: {},
    Transaction.ORDER_RESPONSE: _ANSWERED_LINE,
    Transaction.ORDER_RESPONSE_ADVANCED: _ANSWERED_LINE,
}
"""What stands in every element of these, where there is one."""
