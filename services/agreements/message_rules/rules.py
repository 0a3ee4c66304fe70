"""The rules of Peppol BIS Ordering 3 that a message is held against: what comes in, and everything that goes out.

They bear Peppol's ids. `BASIC-…` are those that Peppol makes from its data model, element by element. The order of the
elements is the schema's matter, and no rule."""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date
from functools import partial

from services.agreements.message_amounts import rules as amounts
from services.agreements.ubl_messages.rules import (
    ANSWERS,
    CUSTOMIZATIONS,
    ELEMENTS,
    LINE,
    NEEDED,
    NEEDED_WITHIN,
    ORDERS,
    PROFILES,
    Element,
    Found,
    Rule,
    Transaction,
    number,
    profile_id,
)
from services.chassis.problems import Invalid

MOST = 100
"""Findings told of one message."""
ORDER_TYPES = ("105", "220", "221", "226", "227")
"""UNCL1001, as an order has them; 226 is a call-off, 221 a blanket order."""
RESPONSES = ("AB", "AP", "CA", "RE")
"""UNCL4343: acknowledged, accepted, conditionally accepted, rejected."""
ANSWERED_LINES = ("1", "3", "5", "7", "42")
CHANGED_LINES = ("1", "2", "3", "4", "5", "74")
"""UNCL1229: 1 added, 2 deleted, 3 changed, 4 no action, 5 accepted, 7 not accepted, 42 already delivered, 74 opened
again."""
CURRENCIES = ("DKK", "EUR", "GBP", "ISK", "NOK", "SEK", "USD")
"""ISO 4217, those that are met here."""
CATEGORIES = ("AE", "E", "G", "K", "O", "S", "Z")
"""UNCL5305, of VAT."""
UNITS = frozenset(
    {
        *("ANN", "C62", "CMT", "DAY", "EA", "GRM", "H87", "HUR", "IE", "KGM", "KMT", "KWH", "LTR", "MIN", "MLT"),
        *("MMT", "MON", "MTK", "MTQ", "MTR", "NAR", "PR", "SET", "TNE", "WEE", "XBX", "XPK"),
    }
)
"""Of UN/ECE Recommendation 20 (with 21's packages), those that goods and services are counted in here."""
REPEATED = frozenset(
    f"cac:{name}"
    for name in (
        *("OrderLine", "PartyIdentification", "AllowanceCharge", "AdditionalItemProperty", "CommodityClassification"),
        *("AdditionalDocumentReference", "AddressLine", "TaxTotal", "PartyTaxScheme", "ItemInstance"),
    )
)
"""Elements that may stand several times within one."""


class MessageRuleBroken(Invalid):
    """The message breaks a rule of Peppol BIS Ordering.

    Each entry of `errors` has the rule's id, and as an XPath where in the message it does not hold.
    """


@dataclass(frozen=True)
class Broken:
    rule: str
    xpath: str
    detail: str
    warning: bool

    def problem(self) -> MessageRuleBroken:
        return MessageRuleBroken(self.detail, rule=self.rule, xpath=self.xpath)


def check(root: Element, transaction: Transaction) -> list[Broken]:
    """Everywhere that a rule does not hold, in the order of the rules; warnings among them."""
    found = [
        Broken(rule.id(transaction), xpath, detail, rule.warning)
        for rule in RULES
        if transaction in rule.transactions
        for xpath, detail in rule.find(root, transaction)
    ]
    return found[:MOST]


def fatal(root: Element, transaction: Transaction) -> list[Broken]:
    return [one for one in check(root, transaction) if not one.warning]


def is_organisation_number(text: str) -> bool:
    """Nine digits, of which the last is a control digit by modulus 11."""
    if not re.fullmatch(r"[0-9]{9}", text):
        return False
    weighed = sum(int(digit) * weight for digit, weight in zip(text[:8], (3, 2, 7, 6, 5, 4, 3, 2), strict=True))
    return -weighed % 11 == int(text[8])


def identifiers(root: Element, transaction: Transaction) -> Found:
    if not root.value("cbc:CustomizationID").startswith(CUSTOMIZATIONS[transaction]):
        yield f"{root.path}/cbc:CustomizationID", f"It begins with {CUSTOMIZATIONS[transaction]}."


def profile(root: Element, transaction: Transaction) -> Found:
    known = [profile_id(one) for one in PROFILES[transaction]]
    if root.value("cbc:ProfileID") not in known:
        yield f"{root.path}/cbc:ProfileID", f"One of {', '.join(known)}."


def needed(root: Element, transaction: Transaction) -> Found:
    for path in NEEDED[transaction]:
        if not root.each(path):
            yield f"{root.path}/{path}", "It must be there."
    for within, names in NEEDED_WITHIN[transaction].items():
        for one in root.each(within):
            for name in names:
                if not one.each(name):
                    yield f"{one.path}/{name}", "It must be there."


def known_elements(root: Element, transaction: Transaction) -> Found:
    known = ELEMENTS[transaction]
    inner = {path.rsplit("/", depth)[0] for path in known for depth in range(1, path.count("/") + 1)}
    for one in root.walk():
        path = re.sub(r"\[\d+\]", "", one.path)[len(root.path) + 1 :]
        if path and path not in known and path not in inner:
            yield one.path, "Peppol's data model has no such element there."
        elif path in known and one.children:
            yield one.path, "It holds text, and no other elements."


def once(root: Element, transaction: Transaction) -> Found:
    for one in root.walk():
        for name, times in Counter(child.name for child in one.children).items():
            if times > 1 and name not in REPEATED:
                yield f"{one.path}/{name}[2]", "It stands once."


def not_empty(root: Element, transaction: Transaction) -> Found:
    for one in root.walk():
        if not one.children and not one.text.strip():
            yield one.path, "An element is never empty."


def schema_location(root: Element, transaction: Transaction) -> Found:
    if any(name.endswith("schemaLocation") for name in root.attributes):
        yield root.path, "It names a schema's location."


def dates(root: Element, transaction: Transaction) -> Found:
    for one in root.walk():
        if one.name.endswith("Date") and not _is_date(one.text):
            yield one.path, "A date is YYYY-MM-DD."


def _is_date(text: str) -> bool:
    try:
        return bool(re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text)) and bool(date.fromisoformat(text))
    except ValueError:
        return False


def organisation_numbers(root: Element, transaction: Transaction) -> Found:
    for one in root.walk():
        if one.attributes.get("schemeID") == "0192" and not is_organisation_number(one.text.strip()):
            yield one.path, "A Norwegian organisation number has nine digits, the last by modulus 11."


def schemes(root: Element, transaction: Transaction) -> Found:
    for one in root.walk():
        if one.name == "cbc:EndpointID" and not one.attributes.get("schemeID"):
            yield f"{one.path}/@schemeID", "An electronic address says of which scheme it is."
        if one.name == "cbc:Quantity" and not one.attributes.get("unitCode"):
            yield f"{one.path}/@unitCode", "A quantity says of which unit it is."


def code(name: str, listed: tuple[str, ...], root: Element, transaction: Transaction) -> Found:
    for one in root.walk():
        if one.name == name and one.text.strip() not in listed:
            yield one.path, f"One of {', '.join(listed)}."


def categories(root: Element, transaction: Transaction) -> Found:
    for one in root.walk():
        if one.name in ("cac:TaxCategory", "cac:ClassifiedTaxCategory") and one.value("cbc:ID") not in CATEGORIES:
            yield f"{one.path}/cbc:ID", f"One of {', '.join(CATEGORIES)}."


def units(root: Element, transaction: Transaction) -> Found:
    for one in root.walk():
        if "unitCode" in one.attributes and one.attributes["unitCode"] not in UNITS:
            yield f"{one.path}/@unitCode", "It is no unit of UN/ECE Recommendation 20 that is used here."


def numbers(root: Element, transaction: Transaction) -> Found:
    for one in root.walk():
        if one.name.endswith(("Amount", "Quantity", "Percent", "Numeric")) and number(one.text) is None:
            yield one.path, "It is a decimal number."


def line_ids(root: Element, transaction: Transaction) -> Found:
    ids = root.each(f"{LINE}/cbc:ID")
    counted = Counter(one.text.strip() for one in ids)
    for one in ids:
        if counted[one.text.strip()] > 1:
            yield one.path, "A line's id stands on one line only."


def validity(root: Element, transaction: Transaction) -> Found:
    if not root.each("cac:ValidityPeriod/cbc:EndDate"):
        yield f"{root.path}/cac:ValidityPeriod/cbc:EndDate", "It says until when it is valid."


def named(side: str, root: Element, transaction: Transaction) -> Found:
    for party in root.each(f"{side}/cac:Party"):
        name = party.each("cac:PartyLegalEntity/cbc:RegistrationName")
        if not name and not party.each("cac:PartyIdentification/cbc:ID"):
            yield party.path, "A party has its official name or an identifier."


def period(root: Element, transaction: Transaction) -> Found:
    for one in root.walk():
        start, end = one.value("cbc:StartDate"), one.value("cbc:EndDate")
        if one.name == "cac:PromisedDeliveryPeriod" and start and end and end < start:
            yield one.path, "A period does not end before it starts."


def lines_of_a_condition(root: Element, transaction: Transaction) -> Found:
    if root.value("cbc:OrderResponseCode") == "CA" and not root.each("cac:OrderLine"):
        yield f"{root.path}/cac:OrderLine", "What is accepted on conditions says line by line which."


def lineless(response: str, root: Element, transaction: Transaction) -> Found:
    if root.value("cbc:OrderResponseCode") == response:
        for line in root.each("cac:OrderLine"):
            yield line.path, f"An answer {response} is of the whole order and has no lines."


def by_id_alone(root: Element, transaction: Transaction) -> Found:
    for one in root.each("cac:OrderReference"):
        for child in one.children:
            if child.name != "cbc:ID":
                yield child.path, "A cancellation refers to its order by id alone."


_EVERY = tuple(Transaction)
_ADVANCED = (Transaction.ORDER_CANCELLATION, *ANSWERS)
RULES = (
    Rule("BASIC-FIXED", _EVERY, identifiers),
    Rule("R031", ORDERS, profile),
    Rule("BASIC-PROFILE", _ADVANCED, profile),
    Rule("BASIC-NEEDED", _EVERY, needed),
    Rule("BASIC-MODEL", _EVERY, known_elements),
    Rule("BASIC-ONCE", _EVERY, once),
    Rule("BASIC-SCHEME", _EVERY, schemes),
    Rule("BASIC-NUMBER", _EVERY, numbers),
    Rule("BASIC-UNIT", _EVERY, units),
    Rule("BASIC-TYPE", _EVERY, partial(code, "cbc:OrderTypeCode", ORDER_TYPES)),
    Rule("BASIC-RESPONSE", _EVERY, partial(code, "cbc:OrderResponseCode", RESPONSES)),
    Rule("BASIC-LINE-STATUS", ANSWERS, partial(code, "cbc:LineStatusCode", ANSWERED_LINES)),
    Rule("BASIC-LINE-STATUS", ORDERS, partial(code, "cbc:LineStatusCode", CHANGED_LINES)),
    Rule("BASIC-CURRENCY", _EVERY, partial(code, "cbc:DocumentCurrencyCode", CURRENCIES)),
    Rule("BASIC-CATEGORY", _EVERY, categories),
    Rule("BASIC-REFERENCE", (Transaction.ORDER_CANCELLATION,), by_id_alone),
    Rule("PEPPOL-COMMON-R001", _EVERY, not_empty),
    Rule("PEPPOL-COMMON-R003", _EVERY, schema_location, warning=True),
    Rule("PEPPOL-COMMON-R030", _EVERY, dates),
    Rule("PEPPOL-COMMON-R041", _EVERY, organisation_numbers),
    Rule("R001", ORDERS, line_ids),
    Rule("R002", ORDERS, validity, warning=True),
    Rule("R001", ANSWERS, partial(named, "cac:BuyerCustomerParty")),
    Rule("R002", ANSWERS, partial(named, "cac:SellerSupplierParty")),
    Rule("R003", ANSWERS, line_ids),
    Rule("R004", ANSWERS, period),
    Rule("R007", ANSWERS, lines_of_a_condition),
    Rule("R008", ANSWERS, partial(lineless, "AP")),
    Rule("R009", ANSWERS, partial(lineless, "RE")),
    Rule("R010", ANSWERS, partial(lineless, "AB")),
    *amounts.RULES,
)
