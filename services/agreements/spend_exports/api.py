"""The spend report over HTTP."""

from datetime import date
from typing import Annotated, Any

from fastapi import Query, Response
from fastapi.responses import StreamingResponse
from pydantic import Field
from sqlmodel import Session

from services.agreements.entries import shapes
from services.agreements.report_tables import rules as report_tables
from services.agreements.report_tables import sheet
from services.agreements.report_tables.rules import Kind
from services.agreements.spend_exports import rules, store
from services.agreements.spend_exports.rules import By, Period
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep

router = new_router("/reports", "Reports")

OWNER = "100000008"
MADE_OF = "Samvirke"


class Asked(shapes.Narrowing):
    by: list[By] = Field(
        default=list(rules.USUAL),
        max_length=6,
        description="What to tell apart beside the period; repeat it for several. A lot comes with its agreement",
    )
    period: Period = Field(default=Period.MONTH, description="By the day of acceptance, Norwegian time")


class AskedAsCsv(Asked):
    variant: sheet.Variant = Field(
        default=sheet.Variant.RFC4180,
        description="`rfc4180`: commas and decimal points, for programs. `norwegian_excel`: semicolons, decimal commas "
        "and a byte order mark, for a double click",
    )


def _file(media_type: str) -> dict[int | str, dict[str, Any]]:
    shown = {"type": "string"} if media_type == sheet.CSV else {"type": "string", "format": "binary"}
    return {200: {"description": "The report", "content": {media_type: {"schema": shown}}}}


@router.get(
    "/spend.csv",
    summary="Download what has been spent as CSV",
    response_class=StreamingResponse,
    responses=_file(sheet.CSV),
    openapi_extra=example(
        organisation=OWNER,
        query={"framework_agreement": "ra-2026-velferdsteknologi", "variant": "norwegian_excel"},
    ),
)
def as_csv(
    asked: Annotated[AskedAsCsv, Query()], caller: CallerDep, reader: ReaderDep, today: TodayDep
) -> StreamingResponse:
    """What was accepted, less what was reversed, in the period of its day: by supplier, buyer and component, or what
    `by` says. Each gets what it sees entry by entry. An entry's krone stands in one row, so that the sum of the rows is
    what was posted. The columns are told by `/reports/dictionary`. Text that a spreadsheet would take for a formula has
    an apostrophe before it."""
    columns, rows = _report(asked, caller, reader)
    pieces = sheet.write_csv(columns, rows, asked.variant)
    return StreamingResponse(pieces, media_type=f"{sheet.CSV}; charset=utf-8", headers=_saved_as(f"spend-{today}.csv"))


@router.get(
    "/spend.xlsx",
    summary="Download what has been spent as XLSX",
    response_class=Response,
    responses=_file(sheet.XLSX),
    openapi_extra=example(organisation=OWNER, query={"by": ["framework_agreement", "buyer"], "period": "quarter"}),
)
def as_xlsx(asked: Annotated[Asked, Query()], caller: CallerDep, reader: ReaderDep, today: TodayDep) -> Response:
    """The same as a workbook: amounts as numbers, the first row stays in sight, a second sheet tells what each column
    is, and a third what was asked for and the sum."""
    columns, rows = _report(asked, caller, reader)
    told = [report_tables.told(column) for column in columns]
    about = [
        {"field": name, "value": value} for name, value in _about(asked, caller, today).items() if value is not None
    ]
    total = {"field": "total_posted_excl_vat", "value": f"{sum((row['posted_excl_vat'] for row in rows), start=0):.2f}"}
    book = sheet.write_xlsx(
        {
            "Forbruk": (columns, rows),
            "Dataordbok": (report_tables.DICTIONARY, told),
            "Om rapporten": (_ABOUT, [*about, total]),
        }
    )
    return Response(book, media_type=sheet.XLSX, headers=_saved_as(f"spend-{today}.xlsx"))


_ABOUT = (
    report_tables.Column("field", Kind.TEXT, "Hva", "What", None, MADE_OF),
    report_tables.Column("value", Kind.TEXT, "Verdi", "Value", None, MADE_OF),
)


def _report(asked: Asked, caller: Caller, reader: Session) -> tuple[tuple[report_tables.Column, ...], Any]:
    by = rules.told_apart(asked.by)
    selection = asked.selection(reader, caller.organisation)
    return rules.columns(by), store.rows(reader, by, asked.period, selection, caller.organisation)


def _about(asked: Asked, caller: Caller, today: date) -> dict[str, Any]:
    narrowed = {name: value for name, value in asked.model_dump(mode="json").items() if value}
    lists = {name: ", ".join(value) for name, value in narrowed.items() if isinstance(value, list)}
    return {"made_on": today, "seen_by": caller.organisation} | narrowed | lists


def _saved_as(name: str) -> dict[str, str]:
    return {
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
