"""Peppol's rules, written anew and tried one by one: each is broken on purpose and told by its id. They are not
Peppol's own schematron, which is not to be had as a package."""

import copy
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from services.agreements.calloffs.rules import Event, Priced
from services.agreements.message_rules import rules
from services.agreements.order_messages import document
from services.agreements.order_messages import rules as messages
from services.agreements.ubl_messages import rules as ubl_rules
from services.agreements.ubl_messages import wire
from services.agreements.ubl_messages.rules import Profile, Transaction
from tests.agreements.messages import ubl

DAY = date(2029, 6, 1)
BUYER, SELLER = messages.Party("964983291", "Brønnøy kommune"), messages.Party("100000016", "Fjordvakt (fiktiv)")
Edit = Callable[[Any], None]


def priced(item: str = "alarm", quantity: int = 3, price: str = "2400.00", **changes: Any) -> Priced:
    given: dict[str, Any] = {"name": {"nb": item}, "unit": "stk", "vat_percent": Decimal(25), "product": None}
    given |= {"price_list_version": 1} | changes
    return Priced(item=item, quantity=quantity, unit_price=Decimal(price), **given)


def told(*events: Event, lines: tuple[Priced, ...] = (priced(), priced("montering", 2, "890.00"))) -> messages.Message:
    """The last message of what has happened, after the order was sent."""
    ordered = messages.Ordered("ra/lot", BUYER, SELLER, "Ref", DAY, lines)
    versions = dict.fromkeys((1, 2), ordered)
    changes = {"c": messages.Change((priced(quantity=5), priced("holder", 1, "10.00")), DAY)}
    happened = [
        messages.Happened(place, event, DAY, "Prøve", "c")
        for place, event in enumerate((Event.RESERVE, Event.APPROVE, Event.SEND, *events), 1)
    ]
    return messages.thread("AVR-2026-000001", happened, versions, changes, 7).messages[-1]


@cache
def right(transaction: Transaction) -> bytes:
    """A message of this transaction that breaks no rule."""
    of = {
        Transaction.ORDER: told(),
        Transaction.ORDER_CHANGE: told(Event.CONFIRM, Event.BUYER_CHANGE),
        Transaction.ORDER_CANCELLATION: told(Event.CANCEL),
        Transaction.ORDER_RESPONSE: told(Event.PROPOSE_CHANGE),
        Transaction.ORDER_RESPONSE_ADVANCED: told(Event.CONFIRM, Event.BUYER_CHANGE, Event.CHANGE_REFUSED),
    }[transaction]
    return document.made(of, messages.profiles(of)[0])


def edited(content: bytes, *edits: Edit) -> bytes:
    root = etree.fromstring(content)
    for edit in edits:
        edit(root)
    made: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return made


def broken(content: bytes, transaction: Transaction) -> set[str]:
    return {one.rule for one in rules.check(wire.read(content), transaction)}


def found(root: Any, path: str) -> Any:
    one = root.find(path, ubl.NAMES)
    assert one is not None, path
    return one


def says(path: str, text: str) -> Edit:
    def edit(root: Any) -> None:
        found(root, path).text = text

    return edit


def marked(path: str, name: str, value: str) -> Edit:
    return lambda root: found(root, path).set(name, value)


def unmarked(path: str, name: str) -> Edit:
    return lambda root: found(root, path).attrib.pop(name)


def without(path: str) -> Edit:
    def edit(root: Any) -> None:
        one = found(root, path)
        one.getparent().remove(one)

    return edit


def twice(path: str) -> Edit:
    def edit(root: Any) -> None:
        one = found(root, path)
        one.addnext(copy.deepcopy(one))

    return edit


def more(path: str, xml: str) -> Edit:
    """`xml` as the last child of what stands there."""

    def edit(root: Any) -> None:
        spaces = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in ubl.NAMES.items())
        (root if path == "." else found(root, path)).extend(etree.fromstring(f"<x {spaces}>{xml}</x>"))

    return edit


def charge(*parts: str, indicator: str = "true", amount: str = "1.00") -> str:
    inner = (
        f'<cbc:ChargeIndicator>{indicator}</cbc:ChargeIndicator>{"".join(parts)}<cbc:Amount currencyID="NOK">{amount}'
    )
    return f"<cac:AllowanceCharge>{inner}</cbc:Amount></cac:AllowanceCharge>"


def money(name: str, amount: str) -> str:
    return f'<cbc:{name} currencyID="NOK">{amount}</cbc:{name}>'


WHY = "<cbc:AllowanceChargeReason>Frakt</cbc:AllowanceChargeReason>"
FACTOR = "<cbc:MultiplierFactorNumeric>10</cbc:MultiplierFactorNumeric>"
LINE, TOTALS = "cac:OrderLine/cac:LineItem", "cac:AnticipatedMonetaryTotal"
BUYERS, SELLERS = "cac:BuyerCustomerParty/cac:Party", "cac:SellerSupplierParty/cac:Party"
ENDPOINT, PRICE = f"{BUYERS}/cbc:EndpointID", f"{LINE}/cac:Price"
CATEGORY = f"{LINE}/cac:Item/cac:ClassifiedTaxCategory"
NUMBER = (
    "<cac:PartyTaxScheme><cbc:CompanyID>964983291MVA</cbc:CompanyID>"
    "<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:PartyTaxScheme>"
)
PERIOD = (
    "<cac:Delivery><cac:PromisedDeliveryPeriod><cbc:StartDate>2029-06-02</cbc:StartDate>"
    "<cbc:EndDate>2029-06-01</cbc:EndDate></cac:PromisedDeliveryPeriod></cac:Delivery>"
)
BOTH = ubl_rules.ORDERS
EVERY = tuple(Transaction)
FAULTS: list[tuple[str, tuple[Transaction, ...], tuple[Edit, ...]]] = [
    ("BASIC-FIXED", EVERY, (says("cbc:CustomizationID", "urn:fdc:peppol.eu:poacc:trns:invoice:3"),)),
    ("R031", BOTH, (says("cbc:ProfileID", "urn:fdc:peppol.eu:poacc:bis:billing:3"),)),
    ("BASIC-PROFILE", EVERY[1:2] + EVERY[3:], (says("cbc:ProfileID", "urn:fdc:peppol.eu:poacc:bis:billing:3"),)),
    *(("BASIC-NEEDED", EVERY, (without(path),)) for path in ("cbc:ID", "cbc:IssueDate", ENDPOINT)),
    ("BASIC-NEEDED", BOTH, (without(f"{LINE}/cac:Item/cbc:Name"),)),
    ("BASIC-NEEDED", BOTH, (without(f"{LINE}/cbc:Quantity"),)),
    ("BASIC-NEEDED", BOTH, (without(f"{TOTALS}/cbc:PayableAmount"),)),
    ("BASIC-NEEDED", BOTH, (without(f"{SELLERS}/cac:PostalAddress"),)),
    ("BASIC-NEEDED", (Transaction.ORDER_RESPONSE,), (without("cac:OrderLine/cac:OrderLineReference"),)),
    ("BASIC-MODEL", EVERY, (more(".", "<cbc:UUID>x</cbc:UUID>"),)),
    ("BASIC-MODEL", EVERY, (more("cbc:ID", "<cbc:ID>x</cbc:ID>"),)),
    ("BASIC-ONCE", EVERY, (twice("cbc:ID"),)),
    ("BASIC-SCHEME", EVERY, (unmarked(ENDPOINT, "schemeID"),)),
    ("BASIC-SCHEME", BOTH, (unmarked(f"{LINE}/cbc:Quantity", "unitCode"),)),
    ("BASIC-NUMBER", (*BOTH, Transaction.ORDER_RESPONSE), (says(f"{PRICE}/cbc:PriceAmount", "1e3"),)),
    ("BASIC-UNIT", (*BOTH, Transaction.ORDER_RESPONSE), (marked(f"{LINE}/cbc:Quantity", "unitCode", "QQQ"),)),
    ("BASIC-TYPE", EVERY[:1], (says("cbc:OrderTypeCode", "999"),)),
    ("BASIC-RESPONSE", ubl_rules.ANSWERS, (says("cbc:OrderResponseCode", "OK"),)),
    (
        "BASIC-LINE-STATUS",
        (Transaction.ORDER_CHANGE, Transaction.ORDER_RESPONSE),
        (says(f"{LINE}/cbc:LineStatusCode", "9"),),
    ),
    ("BASIC-CURRENCY", (*BOTH, *ubl_rules.ANSWERS), (says("cbc:DocumentCurrencyCode", "XXX"),)),
    ("BASIC-CATEGORY", BOTH, (says(f"{CATEGORY}/cbc:ID", "X"),)),
    ("BASIC-REFERENCE", EVERY[3:4], (more("cac:OrderReference", "<cbc:IssueDate>2026-01-01</cbc:IssueDate>"),)),
    ("PEPPOL-COMMON-R001", EVERY, (says("cbc:ID", " "),)),
    (
        "PEPPOL-COMMON-R003",
        EVERY,
        (lambda root: root.set("{http://www.w3.org/2001/XMLSchema-instance}schemaLocation", "a b"),),
    ),
    ("PEPPOL-COMMON-R030", EVERY, (says("cbc:IssueDate", "2026-02-30"),)),
    ("PEPPOL-COMMON-R030", EVERY, (says("cbc:IssueDate", "2026-02-03Z"),)),
    ("PEPPOL-COMMON-R041", EVERY, (says(ENDPOINT, "964983292"),)),
    ("R001", BOTH, (twice("cac:OrderLine"),)),
    ("R002", EVERY[:1], (without("cac:ValidityPeriod"),)),
    (
        "R001",
        ubl_rules.ANSWERS,
        (without(f"{BUYERS}/cac:PartyLegalEntity"), without(f"{BUYERS}/cac:PartyIdentification")),
    ),
    (
        "R002",
        ubl_rules.ANSWERS,
        (without(f"{SELLERS}/cac:PartyLegalEntity"), without(f"{SELLERS}/cac:PartyIdentification")),
    ),
    ("R003", (Transaction.ORDER_RESPONSE,), (twice("cac:OrderLine"),)),
    ("R004", ubl_rules.ANSWERS, (more(".", PERIOD),)),
    ("R007", ubl_rules.ANSWERS, (says("cbc:OrderResponseCode", "CA"), lambda root: _lineless(root))),
    ("R008", (Transaction.ORDER_RESPONSE,), (says("cbc:OrderResponseCode", "AP"),)),
    ("R009", (Transaction.ORDER_RESPONSE,), (says("cbc:OrderResponseCode", "RE"),)),
    ("R010", (Transaction.ORDER_RESPONSE,), (says("cbc:OrderResponseCode", "AB"),)),
    ("R003", BOTH, (marked(f"{LINE}/cbc:LineExtensionAmount", "currencyID", "SEK"),)),
    ("R005", (Transaction.ORDER_RESPONSE,), (marked(f"{PRICE}/cbc:PriceAmount", "currencyID", "SEK"),)),
    ("R028", BOTH, (says("cac:TaxTotal/cbc:TaxAmount", "1.001"),)),
    ("R004", BOTH, (says(f"{LINE}/cbc:Quantity", "-1"),)),
    ("R005", BOTH, (says(f"{PRICE}/cbc:PriceAmount", "-1"),)),
    ("R006", BOTH, (says(f"{TOTALS}/cbc:PayableAmount", "-1.00"),)),
    ("R007", BOTH, (says(f"{TOTALS}/cbc:LineExtensionAmount", "-1.00"),)),
    ("R008", BOTH, (says(f"{TOTALS}/cbc:LineExtensionAmount", "8980.01"),)),
    ("R009", BOTH, (more(TOTALS, money("AllowanceTotalAmount", "1.00")),)),
    ("R010", BOTH, (more(TOTALS, money("ChargeTotalAmount", "1.00")),)),
    ("R011", BOTH, (says(f"{TOTALS}/cbc:TaxExclusiveAmount", "1.00"),)),
    ("R016", BOTH, (says(f"{TOTALS}/cbc:PayableAmount", "1.00"),)),
    ("R017", BOTH, (says("cac:TaxTotal/cbc:TaxAmount", "0.01"),)),
    ("R019", BOTH, (more(PRICE, charge(money("BaseAmount", "7.00"), indicator="false")),)),
    ("R020", BOTH, (more(".", charge(WHY, FACTOR)),)),
    ("R021", BOTH, (more(".", charge(WHY, money("BaseAmount", "10.00"))),)),
    ("R022", BOTH, (more(".", charge(WHY, FACTOR, money("BaseAmount", "100.00"))),)),
    ("R023", BOTH, (more(".", charge()),)),
    ("R024", BOTH, (says(f"{LINE}/cbc:Quantity", "17"),)),
    ("R024", BOTH, (without(PRICE),)),
    ("R025", BOTH, (more(PRICE, '<cbc:BaseQuantity unitCode="EA">0</cbc:BaseQuantity>'),)),
    ("R026", BOTH, (more(BUYERS, NUMBER),)),
    ("R027", BOTH, (more(PRICE, charge(money("BaseAmount", "-7.00"))),)),
    ("R029", BOTH, (without(f"{CATEGORY}/cbc:Percent"),)),
    ("R030", BOTH, (says(f"{CATEGORY}/cbc:Percent", "0"),)),
    ("R032", BOTH, (more(".", charge(WHY, amount="-1.00")),)),
    ("R032", BOTH, (more(LINE, charge(WHY, amount="-1.00")),)),
    ("R033", BOTH, (more(PRICE, charge(amount="-1.00")),)),
]
CASES = [(rule, transaction, edits) for rule, transactions, edits in FAULTS for transaction in transactions]


def _lineless(root: Any) -> None:
    for one in root.findall("cac:OrderLine", ubl.NAMES):
        root.remove(one)


@pytest.mark.parametrize("transaction", Transaction)
def test_a_right_message_breaks_no_rule_and_has_the_schema(transaction: Transaction) -> None:
    content = right(transaction)
    assert ubl_rules.transaction(wire.read(content)) is transaction
    assert broken(content, transaction) - {"PEPPOL-T114-R002"} == set()
    assert ubl.faults(content) == []


@pytest.mark.parametrize(
    ("rule", "transaction", "edits"), CASES, ids=lambda one: str(one) if isinstance(one, str) else ""
)
def test_what_breaks_a_rule_is_told_by_its_id(rule: str, transaction: Transaction, edits: tuple[Edit, ...]) -> None:
    id = f"PEPPOL-{transaction}-{rule}" if len(rule) == 4 else rule
    before, after = broken(right(transaction), transaction), broken(edited(right(transaction), *edits), transaction)
    assert id in after - before


def test_no_rule_is_left_untried() -> None:
    tried = {(rule, transaction) for rule, transaction, _ in CASES}
    every = {(rule.name, transaction) for rule in rules.RULES for transaction in rule.transactions}
    # A change never has a day to be answered by, an answer to one has no lines, and an order no code of an answer.
    assert {rule for rule, _ in every - tried} <= {"R001", "R002", "R003", "R005", "R008", "R009", "R010"} | {
        *("BASIC-NUMBER", "BASIC-UNIT", "BASIC-TYPE", "BASIC-RESPONSE", "BASIC-LINE-STATUS", "BASIC-CURRENCY"),
        "BASIC-CATEGORY",
    }
    assert {rule for rule, _ in every} == {rule for rule, _ in tried}


PLANTED: dict[str, tuple[Edit, set[str]]] = {
    "a sum that is off by 0.01": (says(f"{TOTALS}/cbc:LineExtensionAmount", "8980.01"), {"R008", "R011"}),
    "a wrong organisation number": (says(ENDPOINT, "964983292"), {"PEPPOL-COMMON-R041"}),
    "mixed currencies": (marked(f"{LINE}/cbc:LineExtensionAmount", "currencyID", "SEK"), {"R003"}),
    "no endpoint": (without(ENDPOINT), {"BASIC-NEEDED"}),
    "type code 999": (says("cbc:OrderTypeCode", "999"), {"BASIC-TYPE"}),
    "an unknown unit": (marked(f"{LINE}/cbc:Quantity", "unitCode", "QQQ"), {"BASIC-UNIT"}),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_the_six_planted_faults_pass_the_schema_and_no_rule(fault: str) -> None:
    edit, expected = PLANTED[fault]
    content = edited(right(Transaction.ORDER), edit)
    assert ubl.faults(content) == [], "the schema alone is no check"
    assert {one.removeprefix("PEPPOL-T01-") for one in broken(content, Transaction.ORDER)} == expected


@pytest.mark.parametrize(("off", "breaks"), [("0.02", False), ("-0.02", False), ("0.03", True), ("-0.03", True)])
def test_a_line_s_amount_may_be_two_ore_off_and_not_three(off: str, breaks: bool) -> None:
    changed = says(f"{LINE}/cbc:LineExtensionAmount", str(Decimal("7200.00") + Decimal(off)))
    assert ("PEPPOL-T01-R024" in broken(edited(right(Transaction.ORDER), changed), Transaction.ORDER)) == breaks


def test_the_smallest_order_that_peppol_takes_breaks_no_rule() -> None:
    """Without all that Peppol calls optional."""
    optional = (
        *("cbc:OrderTypeCode", "cbc:CustomerReference", "cac:CatalogueReference", "cac:Contract", "cac:Delivery"),
        *("cac:TaxTotal", TOTALS, f"{BUYERS}/cac:PartyIdentification", f"{BUYERS}/cac:PostalAddress"),
        f"{BUYERS}/cac:PartyLegalEntity/cbc:CompanyID",
    )
    small = edited(right(Transaction.ORDER), *map(without, optional))
    assert broken(small, Transaction.ORDER) == set()
    assert ubl.faults(small) == []


def test_a_country_s_extension_of_a_transaction_is_that_transaction() -> None:
    said = says(
        "cbc:CustomizationID", "urn:fdc:peppol.eu:poacc:trns:order:3:extended:urn:www.agid.gov.it:trns:ordine:3"
    )
    assert ubl_rules.transaction(wire.read(edited(right(Transaction.ORDER), said))) is Transaction.ORDER
    other = says("cbc:CustomizationID", "urn:fdc:peppol.eu:poacc:trns:order:31")
    assert ubl_rules.transaction(wire.read(edited(right(Transaction.ORDER), other))) is None


def test_where_a_rule_does_not_hold_is_an_xpath_that_finds_it() -> None:
    content = edited(right(Transaction.ORDER), says("cac:OrderLine[2]/cac:LineItem/cbc:Quantity", "-2"))
    (one,) = [one for one in rules.check(wire.read(content), Transaction.ORDER) if one.rule == "PEPPOL-T01-R004"]
    assert one.xpath == "/Order/cac:OrderLine[2]/cac:LineItem/cbc:Quantity"
    assert ubl.texts(content, one.xpath.removeprefix("/Order/")) == ["-2"]


AMOUNTS = st.builds(
    priced,
    st.from_regex(r"[a-z]{3,8}", fullmatch=True),
    st.integers(1, 1_000_000),
    st.decimals(Decimal("0.01"), Decimal("99999.99"), places=2).map(str),
    vat_percent=st.sampled_from(
        [Decimal("25.00"), Decimal("15.00"), Decimal("12.00"), Decimal("0.00"), Decimal("11.11")]
    ),
    unit=st.sampled_from(["stk", "t", "mnd", "innb", "rull", "m²"]),
)


@settings(max_examples=60)
@given(st.lists(AMOUNTS, min_size=1, max_size=12, unique_by=lambda one: one.item))
def test_amounts_are_the_same_in_ubl_and_any_order_holds_every_rule(lines: list[Priced]) -> None:
    one = told(lines=tuple(lines))
    content = document.made(one, Profile.ORDERING)
    root = wire.read(content)
    read = root.each(LINE)
    assert [Decimal(said.value("cac:Price/cbc:PriceAmount")) for said in read] == [line.unit_price for line in lines]
    assert [said.value("cbc:LineExtensionAmount") for said in read] == [f"{line.net:.2f}" for line in lines]
    assert [Decimal(said.value("cac:Item/cac:ClassifiedTaxCategory/cbc:Percent")) for said in read] == [
        line.vat_percent for line in lines
    ]
    net = sum((line.net for line in lines), Decimal(0))
    vat = sum((line.vat for line in lines), Decimal(0))
    assert root.value(f"{TOTALS}/cbc:TaxExclusiveAmount") == f"{net:.2f}"
    assert root.value("cac:TaxTotal/cbc:TaxAmount") == f"{vat:.2f}"
    assert root.value(f"{TOTALS}/cbc:PayableAmount") == f"{net + vat:.2f}"
    assert ubl.faults(content) == []
    missed = messages.not_expressed(one)
    assert (messages.What.UNIT in missed) == any(line.unit == "rull" for line in lines)
    assert (messages.What.VAT_REASON in missed) == any(not line.vat_percent for line in lines)
    for said, line in zip(read, lines, strict=True):
        in_words = said.value("cac:Item/cbc:Description")
        assert in_words == ("Enhet: rull" if line.unit == "rull" else "")


def test_every_code_of_a_unit_is_one_that_messages_may_use() -> None:
    assert {*messages.UNIT_CODES, messages.ANY_UNIT} <= rules.UNITS


def test_what_no_message_can_say_is_named_once_each_with_a_reason() -> None:
    assert messages.WHY.keys() == set(messages.What)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not well-formed"),
        (b"{}", "not well-formed"),
        (b"<a>", "not well-formed"),
        ("<?xml version='1.0' encoding='UTF-16'?><a/>".encode("utf-16"), "UTF-8"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "document type"),
        (b"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "document type"),
        (b"<a>&b;</a>", "not well-formed"),
        (b"<a>" * 300 + b"</a>" * 300, "not well-formed"),
        (b"<a>\x00</a>", "not well-formed"),
    ],
)
def test_what_is_no_plain_xml_is_not_read(content: bytes, why: str) -> None:
    with pytest.raises(ubl_rules.NotXml, match=why):
        wire.read(content)


def test_a_message_of_very_many_elements_is_not_read() -> None:
    with pytest.raises(ubl_rules.MessageTooLarge):
        wire.read(b"<a>" + b"<b/>" * ubl_rules.MOST + b"</a>")


def test_names_of_other_namespaces_are_never_taken_for_ubl_s() -> None:
    root = wire.read(right(Transaction.ORDER).replace(b"CommonBasicComponents-2", b"CommonBasicComponents-3"))
    assert ubl_rules.transaction(root) is None
    assert rules.fatal(root, Transaction.ORDER)
