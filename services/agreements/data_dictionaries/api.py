"""Data dictionaries over HTTP."""

from fastapi import Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from services.agreements.outside_buys import rules as outside_buys
from services.agreements.report_tables import rules as report_tables
from services.agreements.report_tables import sheet
from services.agreements.report_tables.rules import Column, Kind
from services.agreements.sales_reports import rules as sales_reports
from services.agreements.spend_exports import rules as spend_exports
from services.chassis.app import new_router
from services.chassis.contract import example
from services.chassis.values import Out, TextOut

router = new_router("/reports/dictionary", "Reports")

TABLES = (spend_exports.TABLE, sales_reports.TABLE, outside_buys.TABLE)


class ReportColumn(Out):
    """What a column is."""

    name: str = Field(examples=["posted_excl_vat"])
    heading: str | None = Field(description="Its Norwegian heading, which a file that is sent to us may have instead")
    kind: Kind
    meaning: TextOut
    unit: str | None = Field(description="What a value is measured in; null where nothing is")
    source: str = Field(description="Where it comes from")
    needed: bool = Field(description="Whether a file that is sent to us must have it; read files always do")


class ReportTable(Out):
    """A report, read here or sent here."""

    name: str = Field(examples=["spend"])
    meaning: TextOut
    path: str = Field(description="Where it is read or sent")
    columns: list[ReportColumn]


class DataDictionary(Out):
    items: list[ReportTable]


_DICTIONARY = (
    Column("report", Kind.TEXT, "Rapporten", "The report", None, "data dictionary"),
    *report_tables.DICTIONARY,
)


@router.get("", summary="Read what every column of a report means", openapi_extra=example())
def read() -> DataDictionary:
    """Every report and every file that can be sent, column by column: its name, what it means, what it is measured in
    and where it comes from. Open to everybody."""
    return DataDictionary(
        items=[
            ReportTable(
                name=table.name,
                meaning={"nb": table.nb, "en": table.en},
                path=table.path,
                columns=[
                    ReportColumn(
                        name=one.name,
                        heading=one.heading,
                        kind=one.kind,
                        meaning={"nb": one.nb, "en": one.en},
                        unit=one.unit,
                        source=one.source,
                        needed=one.needed,
                    )
                    for one in table.columns
                ],
            )
            for table in TABLES
        ]
    )


# A path of its own and no suffix of the router's: the file has a name that a browser saves it by.
@router.get(
    ".csv",
    summary="Download what every column of a report means",
    response_class=StreamingResponse,
    responses={200: {"content": {sheet.CSV: {"schema": {"type": "string"}}}}},
    openapi_extra=example(),
)
def as_csv(variant: sheet.Variant = sheet.Variant.RFC4180) -> Response:
    """The same as CSV, a column to a row. Open to everybody."""
    rows = ({"report": table.name} | report_tables.told(one) for table in TABLES for one in table.columns)
    return StreamingResponse(
        sheet.write_csv(_DICTIONARY, rows, variant),
        media_type=f"{sheet.CSV}; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="dictionary.csv"', "X-Content-Type-Options": "nosniff"},
    )
