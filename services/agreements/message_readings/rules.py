"""What a message says, and what of it this service cannot take: by names of its own, `SAMVIRKE-…`. What cannot be read
is told, and the reading goes on."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal

from services.agreements.calloffs.rules import Priced
from services.agreements.message_rules.rules import Broken
from services.agreements.order_messages.rules import Ordered, unit_code
from services.agreements.ubl_messages.rules import Element, number
from services.chassis.problems import Problem

LONGEST_ID, LONGEST_REASON, MOST_UNITS = 200, 2000, 1_000_000
PIECES = frozenset({"EA", "C62", "H87", "NAR"})
"""Codes that count the same: each, one, piece, number of articles."""


def tell(found: list[Broken], rule: str, xpath: str, detail: str) -> None:
    found.append(Broken(rule, xpath, detail, warning=False))


def sides(root: Element, ordered: Ordered, found: list[Broken]) -> None:
    """Whose order it is, as far as the message says: a party may have an address of another scheme only."""
    for side, party in (("Seller", ordered.seller), ("Buyer", ordered.buyer)):
        path = f"cac:{side}{'Supplier' if side == 'Seller' else 'Customer'}Party/cac:Party"
        said = root.one(path)
        if said and not _is(said, party.number):
            tell(found, "SAMVIRKE-PARTY", f"{root.path}/{path}", f"The order's {side.lower()} is {party.number}.")


def _is(party: Element, number: str) -> bool:
    ids = [*party.each("cbc:EndpointID"), *party.each("cac:PartyIdentification/cbc:ID")]
    numbers = {one.text.strip() for one in ids if one.attributes.get("schemeID") == "0192"}
    return not numbers or number in numbers


def currency(root: Element, found: list[Broken]) -> None:
    if root.value("cbc:DocumentCurrencyCode") not in ("", "NOK"):
        tell(found, "SAMVIRKE-CURRENCY", f"{root.path}/cbc:DocumentCurrencyCode", "An order is in NOK.")


def said(root: Element, found: list[Broken], *paths: str) -> str:
    """What stands in its notes, in one; and whether that, and the message's id, can be kept."""
    text = " ".join(one.text.strip() for path in paths for one in root.each(path))
    for one, longest, path in ((root.value("cbc:ID"), LONGEST_ID, "cbc:ID"), (text, LONGEST_REASON, paths[0])):
        if len(one) > longest:
            tell(found, "SAMVIRKE-LENGTH", f"{root.path}/{path}", f"At most {longest} characters.")
    return text


def day(periods: Sequence[Element], found: list[Broken]) -> date | None:
    """The one day that all is delivered by."""
    stated = {one.value("cbc:EndDate") or one.value("cbc:StartDate"): one.path for one in periods}
    days = {day: path for text, path in stated.items() if (day := _date(text))}
    if len(days) > 1:
        told = "An order is delivered by one day: name the latest of them for all of it."
        tell(found, "SAMVIRKE-DAY", max(days.items())[1], told)
    return max(days) if days else None


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def quantity(said: Element, line: Priced | None, found: list[Broken]) -> int:
    """Of a line, in whole units; as ordered where nothing is said."""
    given = said.one("cbc:Quantity")
    if given is None:
        if line is None:
            tell(found, "SAMVIRKE-QUANTITY", f"{said.path}/cbc:Quantity", "A new line says how many.")
        return line.quantity if line else 1
    ordered, unit = unit_code(line.unit) if line else None, given.attributes.get("unitCode")
    if line and unit and unit != (ordered or "C62") and not {unit, ordered} <= PIECES:
        tell(found, "SAMVIRKE-UNIT", f"{given.path}/@unitCode", f"The line is ordered in {ordered or 'C62'}.")
    amount = number(given.text)
    if amount is None or amount != amount.to_integral_value() or not 1 <= amount <= MOST_UNITS:
        told = "A quantity is a whole number of at least 1; that a line is left out is told by its status."
        tell(found, "SAMVIRKE-QUANTITY", given.path, told)
        return 1
    return int(amount)


def price(said: Element, found: list[Broken]) -> Decimal | None:
    """For one unit, in whole øre."""
    given = said.one("cac:Price/cbc:PriceAmount")
    if given is None:
        return None
    amount, base = number(given.text), number(said.value("cac:Price/cbc:BaseQuantity") or "1")
    price = amount / base if amount is not None and base else None
    if price is None or not 0 <= price < 10**12 or price != price.quantize(Decimal("0.01")):
        tell(found, "SAMVIRKE-PRICE", given.path, "A price for one unit is in whole øre.")
        return None
    return price.quantize(Decimal("0.01"))


@contextmanager
def placed(lines: Sequence[str], day: str) -> Iterator[None]:
    """What a step refuses is told with where the line, or the day, stands in the message, as XPaths."""
    try:
        yield
    except Problem as problem:
        for one in problem.all or (problem,):
            place(one, lines, day)
        raise


def place(problem: Problem, lines: Sequence[str], day: str) -> Problem:
    _, name, *rest = (problem.pointer or "#/").split("/")
    if name == "lines" and rest:
        problem.pointer, problem.members["xpath"] = None, lines[int(rest[0])]
    elif name == "needed_on":
        problem.pointer, problem.members["xpath"] = None, day
    return problem
