"""How the amounts of an order and of an order change hang together, by the ids of Peppol BIS Ordering 3."""

import re
from collections.abc import Iterable
from decimal import Decimal
from functools import partial

from services.agreements.ubl_messages.rules import (
    ANSWERS,
    LINE,
    ORDERS,
    Element,
    Found,
    Rule,
    Transaction,
    number,
    total,
)

SLACK = Decimal("0.02")
"""NOK that a line's amount may differ from quantity × price."""
_TOTALS = "cac:AnticipatedMonetaryTotal"


def one_currency(root: Element, transaction: Transaction) -> Found:
    said = root.value("cbc:DocumentCurrencyCode")
    for one in root.walk():
        if one.name.endswith("Amount") and one.attributes.get("currencyID") != said:
            yield f"{one.path}/@currencyID", "A message has one currency."


def decimals(root: Element, transaction: Transaction) -> Found:
    for one in root.walk():
        priced = "/cac:Price/" in one.path
        if one.name.endswith("Amount") and not priced and len(one.text.strip().partition(".")[2]) > 2:
            yield one.path, "An amount has at most two decimals; only a price may have more."


def not_negative(paths: Iterable[str], root: Element, transaction: Transaction) -> Found:
    for path in paths:
        for one in root.each(path):
            if (number(one.text) or 0) < 0:
                yield one.path, "It is not negative."


def sum_of_lines(root: Element, transaction: Transaction) -> Found:
    summed = total(root.each(f"{LINE}/cbc:LineExtensionAmount"))
    for one in root.each(f"{_TOTALS}/cbc:LineExtensionAmount"):
        if number(one.text) != summed:
            yield one.path, f"The lines' amounts add up to {summed}."


def sum_of_charges(name: str, indicator: str, root: Element, transaction: Transaction) -> Found:
    for totals in root.each(_TOTALS):
        if total(totals.each(f"cbc:{name}")) != (summed := charged(root, indicator)):
            yield f"{totals.path}/cbc:{name}", f"They add up to {summed}."


def charged(within: Element, indicator: str) -> Decimal:
    """Charges (`true`) or allowances (`false`) together."""
    of_them = [one for one in within.each("cac:AllowanceCharge") if one.value("cbc:ChargeIndicator") == indicator]
    return total([amount for one in of_them for amount in one.each("cbc:Amount")])


def without_tax(totals: Element) -> Decimal:
    less, more = totals.each("cbc:AllowanceTotalAmount"), totals.each("cbc:ChargeTotalAmount")
    return total(totals.each("cbc:LineExtensionAmount")) - total(less) + total(more)


def exclusive(root: Element, transaction: Transaction) -> Found:
    for totals in root.each(_TOTALS):
        for one in totals.each("cbc:TaxExclusiveAmount"):
            if number(one.text) != without_tax(totals):
                yield one.path, "It is the lines less allowances, with charges."


def inclusive(root: Element, transaction: Transaction) -> Found:
    taxes = root.each("cac:TaxTotal/cbc:TaxAmount")
    for totals in root.each(_TOTALS):
        before = totals.each("cbc:TaxExclusiveAmount")
        due = (total(before) if before else without_tax(totals)) + total(taxes)
        for one in totals.each("cbc:TaxInclusiveAmount"):
            if taxes and number(one.text) != due:
                yield one.path, "It is the amount without tax and the tax."


def payable(root: Element, transaction: Transaction) -> Found:
    for totals in root.each(_TOTALS):
        with_tax, rounding = totals.each("cbc:TaxInclusiveAmount"), totals.each("cbc:PayableRoundingAmount")
        due = total(with_tax) - total(totals.each("cbc:PrepaidAmount")) + total(rounding)
        for one in totals.each("cbc:PayableAmount"):
            if with_tax and number(one.text) != due:
                yield one.path, "It is the amount with tax less what is prepaid, rounded."


def _charges(root: Element) -> list[Element]:
    return root.each("cac:AllowanceCharge") + root.each(f"{LINE}/cac:AllowanceCharge")


def together(name: str, other: str, root: Element, transaction: Transaction) -> Found:
    for one in _charges(root):
        if one.each(name) and not one.each(other):
            yield f"{one.path}/{other}", "A percentage and what it is of come together."


def percentage(root: Element, transaction: Transaction) -> Found:
    for one in _charges(root):
        factor, base = one.each("cbc:MultiplierFactorNumeric"), one.each("cbc:BaseAmount")
        if factor and base and abs(total(one.each("cbc:Amount")) - total(base) * total(factor) / 100) > SLACK:
            yield f"{one.path}/cbc:Amount", "It is the percentage of the base."


def reason(root: Element, transaction: Transaction) -> Found:
    for one in _charges(root):
        if not one.each("cbc:AllowanceChargeReason") and not one.each("cbc:AllowanceChargeReasonCode"):
            yield one.path, "It has a reason, as text or as code."


def _categories(root: Element) -> list[Element]:
    return [one for one in root.walk() if one.name in ("cac:TaxCategory", "cac:ClassifiedTaxCategory")]


def rate(root: Element, transaction: Transaction) -> Found:
    for one in _categories(root):
        if one.value("cbc:ID") != "O" and not one.each("cbc:Percent"):
            yield f"{one.path}/cbc:Percent", "It has a rate, unless it is not subject to tax."


def standard_rate(root: Element, transaction: Transaction) -> Found:
    for one in _categories(root):
        if one.value("cbc:ID") == "S" and total(one.each("cbc:Percent")) <= 0:
            yield f"{one.path}/cbc:Percent", "The standard rate is above zero."


def vat_number(root: Element, transaction: Transaction) -> Found:
    for one in root.walk():
        of_vat = one.name == "cac:PartyTaxScheme" and one.value("cac:TaxScheme/cbc:ID") == "VAT"
        if of_vat and not re.match(r"[A-Z]{2}", one.value("cbc:CompanyID")):
            yield f"{one.path}/cbc:CompanyID", "A VAT number begins with its country's code."


def amount_of_line(root: Element, transaction: Transaction) -> Found:
    for line in root.each(LINE):
        price, base = total(line.each("cac:Price/cbc:PriceAmount")), total(line.each("cac:Price/cbc:BaseQuantity"))
        due = total(line.each("cbc:Quantity")) * price / (base or 1) + charged(line, "true") - charged(line, "false")
        if abs(total(line.each("cbc:LineExtensionAmount")) - due) > SLACK:
            yield f"{line.path}/cbc:LineExtensionAmount", "It is quantity × price, with charges, within 0.02."


def base_quantity(root: Element, transaction: Transaction) -> Found:
    for one in root.each(f"{LINE}/cac:Price/cbc:BaseQuantity"):
        if (number(one.text) or 0) <= 0:
            yield one.path, "It is above zero."


def net_price(root: Element, transaction: Transaction) -> Found:
    for price in root.each(f"{LINE}/cac:Price"):
        for one in price.each("cac:AllowanceCharge"):
            gross, less = one.each("cbc:BaseAmount"), one.each("cbc:Amount")
            if gross and total(price.each("cbc:PriceAmount")) != total(gross) - total(less):
                yield f"{price.path}/cbc:PriceAmount", "The net price is the gross price less the allowance."


_PRICE = f"{LINE}/cac:Price"
RULES = (
    Rule("R003", ORDERS, one_currency),
    Rule("R005", ANSWERS, one_currency),
    Rule("R028", ORDERS, decimals),
    Rule("R004", ORDERS, partial(not_negative, [f"{LINE}/cbc:Quantity"])),
    Rule("R005", ORDERS, partial(not_negative, [f"{_PRICE}/cbc:PriceAmount"])),
    Rule("R006", ORDERS, partial(not_negative, [f"{_TOTALS}/cbc:PayableAmount"])),
    Rule("R007", ORDERS, partial(not_negative, [f"{_TOTALS}/cbc:LineExtensionAmount"])),
    Rule("R008", ORDERS, sum_of_lines),
    Rule("R009", ORDERS, partial(sum_of_charges, "AllowanceTotalAmount", "false")),
    Rule("R010", ORDERS, partial(sum_of_charges, "ChargeTotalAmount", "true")),
    Rule("R011", ORDERS, exclusive),
    Rule("R016", ORDERS, payable),
    Rule("R017", ORDERS, inclusive),
    Rule("R019", ORDERS, net_price),
    Rule("R020", ORDERS, partial(together, "cbc:MultiplierFactorNumeric", "cbc:BaseAmount")),
    Rule("R021", ORDERS, partial(together, "cbc:BaseAmount", "cbc:MultiplierFactorNumeric")),
    Rule("R022", ORDERS, percentage),
    Rule("R023", ORDERS, reason),
    Rule("R024", ORDERS, amount_of_line),
    Rule("R025", ORDERS, base_quantity),
    Rule("R026", ORDERS, vat_number),
    Rule("R027", ORDERS, partial(not_negative, [f"{_PRICE}/cac:AllowanceCharge/cbc:BaseAmount"])),
    Rule("R029", ORDERS, rate),
    Rule("R030", ORDERS, standard_rate),
    Rule(
        "R032",
        ORDERS,
        partial(not_negative, ["cac:AllowanceCharge/cbc:Amount", f"{LINE}/cac:AllowanceCharge/cbc:Amount"]),
    ),
    Rule("R033", ORDERS, partial(not_negative, [f"{_PRICE}/cac:AllowanceCharge/cbc:Amount"])),
)
