"""UBL as the tests meet it: the schemas of UBL 2.1, and messages as suppliers' and buyers' systems would write them."""

from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

from tests.clients.conftest import missing

SCHEMAS = Path(__file__).parents[3] / ".ubl" / "odoo" / "addons" / "base_ubl" / "data" / "xsd-2.1" / "maindoc"
SPACE = "urn:oasis:names:specification:ubl:schema:xsd:"
NAMES = {"cac": f"{SPACE}CommonAggregateComponents-2", "cbc": f"{SPACE}CommonBasicComponents-2"}
FROM_2_3 = "cac:OrderChangeDocumentReference"
"""In a T116, and in no schema of UBL before 2.3."""


@cache
def schema(document: str) -> Any:
    if not SCHEMAS.is_dir():
        missing("the schemas of UBL are not installed: `make .ubl` does it")
    return etree.XMLSchema(etree.parse(SCHEMAS / f"UBL-{document}-2.1.xsd"))


def faults(content: bytes) -> list[str]:
    """What UBL's own schema says against a message."""
    root = etree.fromstring(content)
    for newer in root.findall(FROM_2_3, NAMES):
        assert newer.getprevious().tag == f"{{{NAMES['cac']}}}OrderReference", "where UBL 2.3 has it"
        root.remove(newer)
    judge = schema(etree.QName(root).localname)
    judge.validate(root)
    return [one.message for one in judge.error_log]


def texts(content: bytes, path: str) -> list[str]:
    return [one.text for one in etree.fromstring(content).findall(path, NAMES)]


def response(
    order: str,
    code: str,
    *lines: str,
    id: str = "SVAR-1",
    note: str = "Prøve (fiktivt)",
    change: str = "",
    day: str = "",
    advanced: bool = False,
    seller: str = "100000016",
    buyer: str = "964983291",
    currency: str = "NOK",
) -> bytes:
    advanced = advanced or bool(change)
    kind, profile = ("order_response_advanced", "advanced_ordering") if advanced else ("order_response", "ordering")
    changed = f"<cac:OrderChangeDocumentReference><cbc:ID>{change}</cbc:ID></cac:OrderChangeDocumentReference>"
    period = f"<cac:PromisedDeliveryPeriod><cbc:EndDate>{day}</cbc:EndDate></cac:PromisedDeliveryPeriod>"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<OrderResponse xmlns="{SPACE}OrderResponse-2" xmlns:cac="{NAMES["cac"]}" xmlns:cbc="{NAMES["cbc"]}">
  <cbc:CustomizationID>urn:fdc:peppol.eu:poacc:trns:{kind}:3</cbc:CustomizationID>
  <cbc:ProfileID>urn:fdc:peppol.eu:poacc:bis:{profile}:3</cbc:ProfileID>
  <cbc:ID>{id}</cbc:ID>
  <cbc:IssueDate>2026-11-29</cbc:IssueDate>
  <cbc:OrderResponseCode>{code}</cbc:OrderResponseCode>
  {f"<cbc:Note>{note}</cbc:Note>" if note else ""}
  <cbc:DocumentCurrencyCode>{currency}</cbc:DocumentCurrencyCode>
  <cac:OrderReference><cbc:ID>{order}</cbc:ID></cac:OrderReference>
  {changed if change else ""}
  <cac:SellerSupplierParty><cac:Party><cbc:EndpointID schemeID="0192">{seller}</cbc:EndpointID>
    <cac:PartyLegalEntity><cbc:RegistrationName>Selger (fiktiv)</cbc:RegistrationName></cac:PartyLegalEntity>
  </cac:Party></cac:SellerSupplierParty>
  <cac:BuyerCustomerParty><cac:Party><cbc:EndpointID schemeID="0192">{buyer}</cbc:EndpointID>
    <cac:PartyLegalEntity><cbc:RegistrationName>Kjøper</cbc:RegistrationName></cac:PartyLegalEntity>
  </cac:Party></cac:BuyerCustomerParty>
  {f"<cac:Delivery>{period}</cac:Delivery>" if day else ""}
  {"".join(lines)}
</OrderResponse>
""".encode()


def line(
    id: int,
    status: str,
    *,
    of: str | None = None,
    quantity: str = "",
    unit: str = "EA",
    price: str = "",
    base: str = "",
    item: str = "",
    substitute: str = "",
    more: str = "",
) -> str:
    """`of`: the order's line."""
    counted = f'<cbc:Quantity unitCode="{unit}">{quantity}</cbc:Quantity>' if quantity else ""
    per = f'<cbc:BaseQuantity unitCode="{unit}">{base}</cbc:BaseQuantity>' if base else ""
    priced = f'<cac:Price><cbc:PriceAmount currencyID="NOK">{price}</cbc:PriceAmount>{per}</cac:Price>' if price else ""

    def named(slug: str) -> str:
        own = f"<cac:SellersItemIdentification><cbc:ID>{slug}</cbc:ID></cac:SellersItemIdentification>" if slug else ""
        return f"<cac:Item><cbc:Name>Vare</cbc:Name>{own}</cac:Item>"

    instead = (
        f"<cac:SellerSubstitutedLineItem><cbc:ID>1</cbc:ID>{named(substitute)}</cac:SellerSubstitutedLineItem>"
        if substitute
        else ""
    )
    return (
        f"<cac:OrderLine><cac:LineItem><cbc:ID>{id}</cbc:ID><cbc:LineStatusCode>{status}</cbc:LineStatusCode>{counted}"
        f"{more}{priced}{named(item)}</cac:LineItem>{instead}"
        f"<cac:OrderLineReference><cbc:LineID>{of or id}</cbc:LineID></cac:OrderLineReference></cac:OrderLine>"
    )


def change(
    order: str,
    *lines: str,
    id: str = "ENDRING-1",
    number: str = "1",
    note: str = "Prøve (fiktivt)",
    day: str = "",
    start: str = "",
    seller: str = "100000016",
    buyer: str = "964983291",
    currency: str = "NOK",
    reference: str = "",
    more: str = "",
    total: str = "",
) -> bytes:
    """A buyer's, as its own system would write it. `more`: what comes before the lines."""
    since = f"<cbc:StartDate>{start}</cbc:StartDate>" if start else ""
    period = f"<cac:RequestedDeliveryPeriod>{since}<cbc:EndDate>{day}</cbc:EndDate></cac:RequestedDeliveryPeriod>"
    amounts = "".join(
        f'<cbc:{name}Amount currencyID="NOK">{total}</cbc:{name}Amount>' for name in ("LineExtension", "Payable")
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<OrderChange xmlns="{SPACE}OrderChange-2" xmlns:cac="{NAMES["cac"]}" xmlns:cbc="{NAMES["cbc"]}">
  <cbc:CustomizationID>urn:fdc:peppol.eu:poacc:trns:order_change:3</cbc:CustomizationID>
  <cbc:ProfileID>urn:fdc:peppol.eu:poacc:bis:advanced_ordering:3</cbc:ProfileID>
  <cbc:ID>{id}</cbc:ID>
  <cbc:IssueDate>2026-11-29</cbc:IssueDate>
  <cbc:SequenceNumberID>{number}</cbc:SequenceNumberID>
  {f"<cbc:Note>{note}</cbc:Note>" if note else ""}
  <cbc:DocumentCurrencyCode>{currency}</cbc:DocumentCurrencyCode>
  {f"<cbc:CustomerReference>{reference}</cbc:CustomerReference>" if reference else ""}
  <cac:ValidityPeriod><cbc:EndDate>2029-01-31</cbc:EndDate></cac:ValidityPeriod>
  <cac:OrderReference><cbc:ID>{order}</cbc:ID></cac:OrderReference>
  {_parties(buyer, seller)}
  {f"<cac:Delivery>{period}</cac:Delivery>" if day else ""}
  {more}
  {f"<cac:AnticipatedMonetaryTotal>{amounts}</cac:AnticipatedMonetaryTotal>" if total else ""}
  {"".join(lines)}
</OrderChange>
""".encode()


def cancellation(
    order: str, *, id: str = "AVBESTILLING-1", note: str = "Prøve (fiktivt)", seller: str = "100000016", more: str = ""
) -> bytes:
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<OrderCancellation xmlns="{SPACE}OrderCancellation-2" xmlns:cac="{NAMES["cac"]}" xmlns:cbc="{NAMES["cbc"]}">
  <cbc:CustomizationID>urn:fdc:peppol.eu:poacc:trns:order_cancellation:3</cbc:CustomizationID>
  <cbc:ProfileID>urn:fdc:peppol.eu:poacc:bis:advanced_ordering:3</cbc:ProfileID>
  <cbc:ID>{id}</cbc:ID>
  <cbc:IssueDate>2026-11-29</cbc:IssueDate>
  <cbc:CancellationNote>{note}</cbc:CancellationNote>
  <cac:OrderReference><cbc:ID>{order}</cbc:ID></cac:OrderReference>
  {more}
  {_parties("964983291", seller)}
</OrderCancellation>
""".encode()


def _parties(buyer: str, seller: str) -> str:
    def party(number: str, name: str) -> str:
        country = "<cac:Country><cbc:IdentificationCode>NO</cbc:IdentificationCode></cac:Country>"
        legal = f"<cac:PartyLegalEntity><cbc:RegistrationName>{name}</cbc:RegistrationName></cac:PartyLegalEntity>"
        address = f"<cac:PostalAddress>{country}</cac:PostalAddress>"
        return f'<cac:Party><cbc:EndpointID schemeID="0192">{number}</cbc:EndpointID>{address}{legal}</cac:Party>'

    return (
        f"<cac:BuyerCustomerParty>{party(buyer, 'Kjøper')}</cac:BuyerCustomerParty>"
        f"<cac:SellerSupplierParty>{party(seller, 'Selger (fiktiv)')}</cac:SellerSupplierParty>"
    )


def wanted(
    id: str,
    status: str,
    quantity: str,
    *,
    unit: str = "EA",
    price: str = "",
    base: str = "",
    amount: str = "",
    item: str = "",
    vat: str = "",
    more: str = "",
) -> str:
    """A line of an order change."""
    per = f'<cbc:BaseQuantity unitCode="{unit}">{base}</cbc:BaseQuantity>' if base else ""
    own = f"<cac:SellersItemIdentification><cbc:ID>{item}</cbc:ID></cac:SellersItemIdentification>" if item else ""
    rate = (
        f"<cac:ClassifiedTaxCategory><cbc:ID>S</cbc:ID><cbc:Percent>{vat}</cbc:Percent>"
        "<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:ClassifiedTaxCategory>"
    )
    return (
        f"<cac:OrderLine><cac:LineItem><cbc:ID>{id}</cbc:ID><cbc:LineStatusCode>{status}</cbc:LineStatusCode>"
        f'<cbc:Quantity unitCode="{unit}">{quantity}</cbc:Quantity>'
        + (f'<cbc:LineExtensionAmount currencyID="NOK">{amount}</cbc:LineExtensionAmount>' if amount else "")
        + more
        + (f'<cac:Price><cbc:PriceAmount currencyID="NOK">{price}</cbc:PriceAmount>{per}</cac:Price>' if price else "")
        + f"<cac:Item><cbc:Name>Vare</cbc:Name>{own}{rate if vat else ''}</cac:Item></cac:LineItem></cac:OrderLine>"
    )
