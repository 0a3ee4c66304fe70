"""What a sales report holds, and what comes of comparing it with what was posted."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from services.agreements.report_tables.rules import Column, Kind, Line, Table
from services.chassis.problems import Conflict, Forbidden, Invalid, Problem

Z = Decimal("0.00")
TOLD = "the supplier's own books"
COLUMNS = (
    Column(
        "order_number",
        Kind.TEXT,
        "Avropets nummer, som i bestillingsbrevet",
        "The call-off's number, as in the order letter",
        None,
        TOLD,
        "Ordrenummer",
    ),
    Column(
        "buyer_organisation_number",
        Kind.ORGANISATION_NUMBER,
        "Kjøperens organisasjonsnummer",
        "The buyer's organisation number",
        None,
        TOLD,
        "Kjøper",
    ),
    Column("item", Kind.TEXT, "Varen i prislisten", "The item in the price list", None, TOLD, "Vare"),
    Column(
        "quantity",
        Kind.WHOLE_NUMBER,
        "Levert og godkjent antall; negativt for kreditering",
        "Delivered and accepted; less than nothing for a credit",
        "the item's unit",
        TOLD,
        "Antall",
    ),
    Column(
        "amount_excl_vat",
        Kind.MONEY,
        "Omsetning uten mva; negativ for kreditering",
        "Turnover without VAT; less than nothing for a credit",
        "NOK without VAT",
        TOLD,
        "Beløp uten mva",
    ),
)
TABLE = Table(
    "sales_report",
    "Leverandørens omsetningsrapport: én rad for hver vare i hvert avrop; flere rader for det samme legges sammen",
    "The supplier's sales report: a row for each item of each call-off; several rows of the same are added up",
    "/framework-agreements/{slug}/sales-reports",
    COLUMNS,
)


class Outcome(StrEnum):
    """What comparing a line with the ledger shows."""

    MATCHED = "matched"
    AMOUNT_DIFFERS = "amount_differs"
    QUANTITY_DIFFERS = "quantity_differs"
    """The amount is the same."""
    BUYER_DIFFERS = "buyer_differs"
    """The order is another buyer's than the report says."""
    ONLY_SUPPLIER = "only_supplier"
    """The order is there, and nothing of the item was posted in the period."""
    ONLY_LEDGER = "only_ledger"
    """Posted in the period, and not in the report."""
    ORDER_UNKNOWN = "order_unknown"
    """The supplier has no such order under the agreement."""


class SellsNothingHere(Forbidden):
    """Sales are reported by a supplier with a place in the agreement."""


class SalesPeriodBackwards(Invalid):
    """The period ends before it begins."""


class SalesPeriodNotOver(Invalid):
    """Sales are reported of days that have passed."""


class SalesPeriodTaken(Conflict):
    """There is a report of some of these days already; say which one this one replaces."""


class SalesReportReplaced(Conflict):
    """The report has been replaced by a later one."""


class NothingToExplain(Conflict):
    """The line is as it was posted."""


@dataclass(frozen=True)
class Key:
    order_number: str
    item: str


@dataclass(frozen=True)
class Amount:
    """One item of one order: in its unit, and NOK without VAT."""

    quantity: int
    amount: Decimal


@dataclass(frozen=True)
class Compared:
    """One item of one order, as the supplier says and as was posted; `rows` as in its sheet, `buyer` by the order, or
    where there is none by the report."""

    key: Key
    outcome: Outcome
    buyer: str
    rows: tuple[int, ...]
    told: Amount | None
    posted: Amount | None

    @property
    def difference(self) -> Decimal:
        """NOK that the report says more than was posted."""
        return (self.told.amount if self.told else Z) - (self.posted.amount if self.posted else Z)


def check(
    from_on: date, to_on: date, *, today: date, supplies: bool, taken: Collection[str], replaced: bool
) -> list[Problem]:
    """`taken`: the ids of reports of the same days, other than the one that is replaced; `replaced`: that one already
    is."""
    found: list[Problem] = []
    if not supplies:
        found.append(SellsNothingHere())
    if to_on < from_on:
        found.append(SalesPeriodBackwards(pointer="?to_on"))
    if to_on >= today:
        found.append(SalesPeriodNotOver(f"{to_on} is not over.", pointer="?to_on"))
    if replaced:
        found.append(SalesReportReplaced(pointer="?replaces"))
    if taken:
        found.append(SalesPeriodTaken(f"By {', '.join(sorted(taken))}.", pointer="?replaces"))
    return found


def compare(lines: Sequence[Line], orders: Mapping[str, str], posted: Mapping[Key, Amount]) -> list[Compared]:
    """Every line and everything that was posted, each once, by order and item. `orders`: the supplier's under the
    agreement, each with its buyer."""
    told: dict[Key, Amount] = {}
    rows: dict[Key, list[int]] = {}
    buyers: dict[Key, set[str]] = {}
    for line in lines:
        here = line.values
        key = Key(here["order_number"], here["item"])
        before = told.get(key, Amount(0, Z))
        told[key] = Amount(before.quantity + here["quantity"], before.amount + here["amount_excl_vat"])
        rows.setdefault(key, []).append(line.row)
        buyers.setdefault(key, set()).add(here["buyer_organisation_number"])
    return [
        Compared(
            key,
            _outcome(told.get(key), posted.get(key), orders.get(key.order_number), buyers.get(key, set())),
            orders.get(key.order_number) or min(buyers[key]),
            tuple(rows.get(key, ())),
            told.get(key),
            posted.get(key),
        )
        for key in sorted({*told, *posted}, key=lambda one: (one.order_number, one.item))
    ]


def _outcome(told: Amount | None, posted: Amount | None, buyer: str | None, named: set[str]) -> Outcome:
    if buyer is None:
        return Outcome.ORDER_UNKNOWN
    if told is None:
        return Outcome.ONLY_LEDGER
    if named != {buyer}:
        return Outcome.BUYER_DIFFERS
    if posted is None:
        return Outcome.ONLY_SUPPLIER
    if told.amount != posted.amount:
        return Outcome.AMOUNT_DIFFERS
    return Outcome.MATCHED if told.quantity == posted.quantity else Outcome.QUANTITY_DIFFERS
