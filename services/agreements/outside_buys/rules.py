"""Which line of a buyer's books is a buy outside an agreement that covers it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from services.agreements.report_tables.rules import MOST_FINDINGS, Column, Kind, Line, Table
from services.chassis.problems import Conflict, Forbidden, Invalid, NotFound, Problem

Z = Decimal("0.00")
FEWEST_BUYERS = 3
"""Sums of fewer buyers would be one's own figures to the others."""
TOLD = "the buyer's own books"
COLUMNS = (
    Column("bought_on", Kind.DATE, "Bilagsdato", "The voucher's date", None, TOLD, "Dato"),
    Column(
        "supplier_organisation_number",
        Kind.ORGANISATION_NUMBER,
        "Leverandørens organisasjonsnummer",
        "The supplier's organisation number",
        None,
        TOLD,
        "Leverandør",
    ),
    Column(
        "text",
        Kind.TEXT,
        "Bilagstekst; gjennomsøkes etter personnummer og tas ikke vare på",
        "The voucher's text; looked through for personal numbers, and not kept",
        None,
        TOLD,
        "Tekst",
        needed=False,
    ),
    Column(
        "amount_excl_vat",
        Kind.MONEY,
        "Beløp uten mva; negativt for kreditering",
        "Without VAT; less than nothing for a credit",
        "NOK without VAT",
        TOLD,
        "Beløp uten mva",
    ),
    Column("account", Kind.TEXT, "Konto (art) i regnskapet", "The account in the books", None, TOLD, "Konto"),
)
TABLE = Table(
    "spend_file",
    "Kommunens egen utgiftsfil: én rad for hver linje i leverandørreskontroen",
    "The buyer's own spend file: a row for each line of its purchase ledger",
    "/spend-files",
    COLUMNS,
)


class Found(StrEnum):
    """What a line is."""

    OUTSIDE_SUPPLIER = "outside_supplier"
    """The account is covered by a lot in which this supplier has no place."""
    WITHOUT_ORDER = "without_order"
    """The supplier has a place in an agreement, and the buyer has placed no call-off with it there by that day."""
    WITHIN = "within"
    NOT_COVERED = "not_covered"
    """Nothing that the buyer may call off from covers it."""


LEAKED = frozenset({Found.OUTSIDE_SUPPLIER, Found.WITHOUT_ORDER})


class AccountTwice(Invalid):
    """An account is covered by one lot."""


class AccountMapMissing(Conflict):
    """Say first which of your accounts the agreements cover."""


class AccountMapNotFound(NotFound):
    """You have not said which of your accounts the agreements cover."""


class OutsideBuysNotYours(Forbidden):
    """Only the framework owner sees what is bought outside its agreement."""


class BooksPeriodBackwards(Invalid):
    """The period ends before it begins."""


class BooksPeriodTaken(Conflict):
    """There is a spend file of some of these days already; say which one this one replaces."""


class SpendFileReplaced(Conflict):
    """The spend file has been replaced by a later one."""


class BuyOutsidePeriod(Invalid):
    """A line is of a day that the file is not about."""


@dataclass(frozen=True)
class Cover:
    """A lot that the buyer may call off from, on those days. `suppliers`: with a place in it; `orders`: the first day
    on which the buyer had placed a call-off with a supplier under the agreement."""

    framework_id: int
    lot_id: int
    from_on: date
    to_on: date
    suppliers: frozenset[str]
    orders: Mapping[str, date]

    def holds(self, on: date) -> bool:
        return self.from_on <= on <= self.to_on


@dataclass(frozen=True)
class Buy:
    """A line of the books as it was found; with no cover nothing that the buyer may call off from has to do with it."""

    row: int
    bought_on: date
    supplier: str
    account: str
    amount: Decimal
    found: Found
    cover: Cover | None


def check_map(accounts: Sequence[str]) -> list[Problem]:
    return [
        AccountTwice(f"{account} stands twice.", pointer=f"#/accounts/{place}/account")
        for place, account in enumerate(accounts)
        if account in accounts[:place]
    ]


def check(from_on: date, to_on: date, *, mapped: bool, taken: Collection[str], replaced: bool) -> list[Problem]:
    """`taken`: the ids of files of the same days, other than the one that is replaced; `replaced`: that one already
    is."""
    found: list[Problem] = []
    if to_on < from_on:
        found.append(BooksPeriodBackwards(pointer="?to_on"))
    if not mapped:
        found.append(AccountMapMissing())
    if replaced:
        found.append(SpendFileReplaced(pointer="?replaces"))
    if taken:
        found.append(BooksPeriodTaken(f"By {', '.join(sorted(taken))}.", pointer="?replaces"))
    return found


def check_days(lines: Sequence[Line], from_on: date, to_on: date) -> list[Problem]:
    outside: list[Problem] = [
        BuyOutsidePeriod(pointer=f"#/rows/{line.row}/bought_on")
        for line in lines
        if not from_on <= line.values["bought_on"] <= to_on
    ]
    return outside[:MOST_FINDINGS]


def judge(lines: Sequence[Line], accounts: Mapping[str, int], covers: Sequence[Cover]) -> list[Buy]:
    """Each line. `accounts`: the lot that each account, or each that begins with it, is covered by; the longest
    counts."""
    by_lot: dict[int, list[Cover]] = {}
    by_supplier: dict[str, list[Cover]] = {}
    for cover in covers:
        by_lot.setdefault(cover.lot_id, []).append(cover)
        for supplier in cover.suppliers:
            by_supplier.setdefault(supplier, []).append(cover)
    return [_judged(line, accounts, by_lot, by_supplier) for line in lines]


def total(buys: Sequence[Buy], *kinds: Found) -> Decimal:
    return sum((one.amount for one in buys if one.found in kinds), Z)


def _judged(
    line: Line,
    accounts: Mapping[str, int],
    by_lot: Mapping[int, list[Cover]],
    by_supplier: Mapping[str, list[Cover]],
) -> Buy:
    on, supplier = line.values["bought_on"], line.values["supplier_organisation_number"]
    account = line.values["account"]
    lot = next((accounts[account[:end]] for end in range(len(account), 0, -1) if account[:end] in accounts), None)
    covering = next((one for one in by_lot.get(lot, []) if one.holds(on)), None) if lot else None
    sold = [one for one in by_supplier.get(supplier, []) if one.holds(on)]
    if covering and supplier not in covering.suppliers:
        found, cover = Found.OUTSIDE_SUPPLIER, covering
    elif not sold:
        found, cover = Found.NOT_COVERED, None
    else:
        ordered = [one for one in sold if supplier in one.orders and one.orders[supplier] <= on]
        found = Found.WITHIN if ordered else Found.WITHOUT_ORDER
        cover = next((one for one in ordered or sold if one is covering), (ordered or sold)[0])
    return Buy(line.row, on, supplier, account, line.values["amount_excl_vat"], found, cover)
