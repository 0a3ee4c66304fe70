"""What the spend report is told apart by, and its columns."""

from collections.abc import Collection
from enum import StrEnum

from services.agreements.report_tables.rules import Column, Kind, Table
from services.chassis.problems import Invalid

MOST_ROWS = 100_000
"""Of one file."""


class SpendReportTooLong(Invalid):
    """The report has more rows than one file holds. Narrow it, or tell less apart."""


class By(StrEnum):
    """Beside the period."""

    FRAMEWORK_AGREEMENT = "framework_agreement"
    LOT = "lot"
    SUPPLIER = "supplier"
    BUYER = "buyer"
    COMPONENT = "component"
    ITEM = "item"


class Period(StrEnum):
    """By the day on which a delivery was accepted, Norwegian time."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


USUAL = (By.SUPPLIER, By.BUYER, By.COMPONENT)
LEDGER = "ledger, entries that post"
PERIOD = Column(
    "period",
    Kind.TEXT,
    "Perioden som leveransen ble godkjent i, norsk tid: 2026-11, 2026-Q4 eller 2026",
    "The period in which the delivery was accepted, Norwegian time: 2026-11, 2026-Q4 or 2026",
    "month, quarter or year",
    LEDGER,
)
POSTED = Column(
    "posted_excl_vat",
    Kind.MONEY,
    "Godkjent beløp uten mva, fratrukket det som er tilbakeført; kan være negativt",
    "What was accepted, without VAT, less what was reversed; may be less than nothing",
    "NOK without VAT",
    LEDGER,
)
_AGREEMENT = Column(
    "framework_agreement", Kind.TEXT, "Rammeavtalens navn i adresser", "The agreement's name in addresses", None, LEDGER
)
COLUMNS: dict[By, tuple[Column, ...]] = {
    By.FRAMEWORK_AGREEMENT: (_AGREEMENT,),
    By.LOT: (Column("lot", Kind.TEXT, "Delkontrakt i rammeavtalen", "The lot in the agreement", None, LEDGER),),
    By.SUPPLIER: (
        Column(
            "supplier_organisation_number",
            Kind.ORGANISATION_NUMBER,
            "Leverandørens organisasjonsnummer",
            "The supplier's organisation number",
            None,
            LEDGER,
        ),
        Column(
            "supplier_name",
            Kind.TEXT,
            "Leverandørens navn da plassen ble gitt",
            "Its name when the place was given",
            None,
            "places",
        ),
    ),
    By.BUYER: (
        Column(
            "buyer_organisation_number",
            Kind.ORGANISATION_NUMBER,
            "Kjøperens organisasjonsnummer",
            "The buyer's organisation number",
            None,
            LEDGER,
        ),
        Column(
            "buyer_name", Kind.TEXT, "Kjøperens navn i kunngjøringen", "Its name in the notice", None, "participants"
        ),
    ),
    By.COMPONENT: (
        Column(
            "component",
            Kind.TEXT,
            "Felleskomponenten som varen oppfyller; tom der den ikke oppfyller noen",
            "The component that the item fulfils; empty where it fulfils none",
            None,
            "price list, frozen with the order",
        ),
    ),
    By.ITEM: (Column("item", Kind.TEXT, "Varen i prislisten", "The item in the price list", None, LEDGER),),
}
TABLE = Table(
    "spend",
    "Forbruk etter godkjenningsdag. Tekst som begynner som en formel, har apostrof foran i CSV",
    "Spend by the day of acceptance. Text that begins like a formula has an apostrophe before it in CSV",
    "/reports/spend.csv",
    (PERIOD, *(column for columns in COLUMNS.values() for column in columns), POSTED),
)


def told_apart(by: Collection[By]) -> list[By]:
    """In their fixed order. A lot's name holds within its agreement, so that comes along."""
    wanted = {*by, By.FRAMEWORK_AGREEMENT} if By.LOT in by else set(by)
    return [one for one in By if one in wanted]


def columns(by: Collection[By]) -> tuple[Column, ...]:
    return (PERIOD, *(column for one in told_apart(by) for column in COLUMNS[one]), POSTED)
