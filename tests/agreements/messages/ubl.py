"""UBL as the tests meet it: the schemas of UBL 2.1, and answers as a supplier's system would write them."""

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
