"""Sales reports over HTTP."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response
from pydantic import Field
from sqlmodel import Session

from services.agreements.cost_splits.shapes import SignedMoney
from services.agreements.frameworks import store as frameworks
from services.agreements.report_tables import sheet
from services.agreements.sales_reports import rules, store
from services.agreements.sales_reports.rules import Outcome
from services.chassis import clock, paging
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.contract import example
from services.chassis.db import DatabaseDep, DryRunDep, ReaderDep
from services.chassis.problems import refuse
from services.chassis.values import In, Instant, OrganisationNumber, Out, seed_id

router = new_router("/framework-agreements/{slug}/sales-reports", "Reports")

SUPPLIER, OWNER = "100000016", "100000008"
Slug = Annotated[str, Path(description="The agreement's name in addresses", examples=["ra-2026-velferdsteknologi"])]
ReportId = Annotated[UUID, Path(description="The report's id", examples=[str(seed_id("sales-report:november"))])]
EXAMPLE = "Ordrenummer;Kjøper;Vare;Antall;Beløp uten mva\nAVR-2026-000004;964983291;alarm;4;9 600,00\n"


class OutcomeCount(Out):
    outcome: Outcome
    lines: int
    difference_excl_vat: SignedMoney = Field(description="What the report says more than was posted")


class SalesReport(Out):
    """A supplier's report of what it sold in a period, compared with what was posted. NOK without VAT."""

    id: UUID
    framework_agreement: str
    supplier_organisation_number: OrganisationNumber
    from_on: date
    to_on: date
    media_type: str
    sha256: str = Field(description="Of the file as it came, in hexadecimal")
    rows: int = Field(description="Lines in the file")
    told_excl_vat: SignedMoney = Field(description="The sum of the report")
    posted_excl_vat: SignedMoney = Field(description="The sum of what was posted of the supplier in the period")
    outcomes: list[OutcomeCount]
    replaces: UUID | None
    replaced_by: UUID | None = Field(description="The later report that stands instead of this one")
    recorded_at: Instant = Field(description="When it came, and was compared with the ledger as it was then")


class Explanation(Out):
    """What the supplier or the framework owner said of a line."""

    organisation_number: OrganisationNumber
    by_owner: bool
    reason: str
    recorded_at: Instant


class SalesLine(Out):
    """One item of one order, as the supplier says and as was posted in the period. NOK without VAT."""

    position: int
    outcome: Outcome
    order_number: str
    item: str
    buyer_organisation_number: str = Field(description="By the order; by the report where there is no such order")
    rows: list[int] = Field(description="In the file, as a spreadsheet counts them; none where only the ledger has it")
    quantity_told: int | None
    quantity_posted: int | None
    told_excl_vat: SignedMoney | None
    posted_excl_vat: SignedMoney | None
    difference_excl_vat: SignedMoney = Field(description="What the report says more than was posted")
    explanations: list[Explanation] = Field(description="Oldest first; never changed")
    acknowledged: bool = Field(description="Whether the framework owner has said that the difference is explained")


class NewExplanation(In):
    reason: str = Field(min_length=3, max_length=2000, description="Why it differs, or why that is in order")


@router.post(
    "",
    status_code=201,
    summary="Report sales and have them compared",
    openapi_extra=sheet.upload(
        example(
            organisation=SUPPLIER,
            body=EXAMPLE,
            media_type=sheet.CSV,
            query={"from_on": "2026-09-01", "to_on": "2026-09-30"},
        )
    ),
)
def upload(
    slug: Slug,
    from_on: Annotated[date, Query(description="The first day that it is about")],
    to_on: Annotated[date, Query(description="The last day; it has passed")],
    file: Annotated[tuple[bytes, str], Depends(sheet.received)],
    caller: CallerDep,
    database: DatabaseDep,
    response: Response,
    dry_run: DryRunDep,
    replaces: Annotated[UUID | None, Query(description="Your report of the same days that this one corrects")] = None,
) -> SalesReport:
    """By a supplier with a place in the agreement. The body is the file: CSV (UTF-8; semicolons or commas) or XLSX
    (one sheet), at most 5 MB and 20,000 rows, with the columns that `/reports/dictionary` tells of `sales_report`.
    Everything that is wrong is told at once, with row and column as in the sheet: `#/rows/12/quantity`; a file with
    what looks like a personal number is refused. It is kept as it came, and each item of each order is compared with
    what was accepted in the period. You and the framework owner see the differences, and nobody else. Try it with
    `dry_run` first."""
    content, media_type = file
    with database.reading() as reader:  # let go before the file is looked through
        agreement = frameworks.visible(reader, slug, caller.organisation)
        if not store.supplies(reader, agreement.id or 0, caller.organisation):
            raise rules.SellsNothingHere
    lines = sheet.read(content, media_type, rules.COLUMNS)
    with database.writing(rehearsed=dry_run) as session:
        framework_id, supplier = agreement.id or 0, caller.organisation
        old = store.seen(session, slug, replaces, supplier)[1] if replaces else None
        store.lock(session, framework_id, supplier)
        now = clock.now()
        taken = store.taken(session, framework_id, supplier, from_on, to_on)
        refuse(
            rules.check(
                from_on,
                to_on,
                today=clock.on(now),
                supplies=True,
                taken=[uuid for key, uuid in taken.items() if not old or key != old.id],
                replaced=old is not None and store.is_replaced(session, old),
            )
        )
        compared = rules.compare(
            lines,
            store.orders(session, framework_id, supplier),
            store.posted(session, framework_id, supplier, from_on, to_on),
        )
        row = store.SalesReport(
            framework_id=framework_id,
            supplier=supplier,
            from_on=from_on,
            to_on=to_on,
            media_type=media_type,
            content=content,
            sha256="",
            rows=len(lines),
            replaces_id=old.id if old else None,
            recorded_at=now,
        )
        store.add(session, caller, agreement, row, compared)
        shown = _shown(session, agreement, [row])[0]
    response.headers["Location"] = store.path(agreement, row)
    return shown


@router.get("", summary="List sales reports", openapi_extra=example(organisation=OWNER))
def list_reports(
    slug: Slug,
    caller: CallerDep,
    reader: ReaderDep,
    request: Request,
    response: Response,
    after: paging.After = None,
    limit: paging.Limit = paging.DEFAULT,
) -> paging.Page[SalesReport]:
    """The latest first: a supplier's own, and for the framework owner all under the agreement."""
    agreement = frameworks.visible(reader, slug, caller.organisation)
    start = paging.start(after, UUID)
    rows = store.page(reader, agreement, caller.organisation, start[0] if start else None, limit)
    shown = {one.id: one for one in _shown(reader, agreement, rows)}
    return paging.page(request, response, rows, limit, lambda row: paging.cursor(row.uuid), lambda row: shown[row.uuid])


@router.get("/{id}", summary="Read a sales report", openapi_extra=example(organisation=OWNER))
def read(slug: Slug, id: ReportId, caller: CallerDep, reader: ReaderDep) -> SalesReport:
    """What it says altogether, and how many of its lines are as they were posted. For its supplier and the framework
    owner."""
    agreement, row = store.seen(reader, slug, id, caller.organisation)
    return _shown(reader, agreement, [row])[0]


@router.get("/{id}/lines", summary="List a sales report's lines, compared", openapi_extra=example(organisation=OWNER))
def list_lines(
    slug: Slug,
    id: ReportId,
    caller: CallerDep,
    reader: ReaderDep,
    request: Request,
    response: Response,
    outcome: Annotated[Outcome | None, Query(description="Only these")] = None,
    after: paging.After = None,
    limit: paging.Limit = paging.DEFAULT,
) -> paging.Page[SalesLine]:
    """Each item of each order, in the report, in the ledger or in both, with what was said of it. For its supplier and
    the framework owner."""
    _, row = store.seen(reader, slug, id, caller.organisation)
    start = paging.start(after, int)
    lines = store.lines(reader, row.id or 0, outcome, start[0] if start else 0, limit + 1)
    said = store.explanations(reader, row.id or 0, [one.position for one in lines])
    return paging.page(
        request,
        response,
        lines,
        limit,
        lambda one: paging.cursor(one.position),
        lambda one: _line(one, said[one.position]),
    )


@router.get(
    "/{id}/file",
    summary="Download a sales report as it came",
    response_class=Response,
    responses={
        200: {
            "description": "The file, byte for byte as it was sent",
            "content": {media_type: {"schema": {"type": "string"}} for media_type in sheet.FORMATS},
        }
    },
    openapi_extra=example(organisation=OWNER),
)
def download(slug: Slug, id: ReportId, caller: CallerDep, reader: ReaderDep) -> Response:
    """For its supplier and the framework owner. To be saved, and not shown by a browser. `ETag` is its SHA-256."""
    _, row = store.seen(reader, slug, id, caller.organisation)
    suffix = "csv" if row.media_type == sheet.CSV else "xlsx"
    return Response(
        row.content,
        headers={
            "Content-Type": row.media_type,
            "Content-Disposition": f'attachment; filename="sales-{row.supplier}-{row.from_on}.{suffix}"',
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "private, no-store",
            "ETag": f'"{row.sha256}"',
        },
    )


@router.post(
    "/{id}/lines/{position}/explain",
    summary="Explain why a line of sales differs",
    openapi_extra=example(organisation=OWNER, body={"reason": "Godkjent i desember, etter avtale (fiktivt)"}),
)
def explain(
    slug: Slug,
    id: ReportId,
    position: Annotated[int, Path(ge=1, le=1_000_000, description="The line", examples=[1])],
    new: NewExplanation,
    caller: CallerDep,
    database: DatabaseDep,
    dry_run: DryRunDep,
) -> SalesLine:
    """By the supplier (agreements.supply) or the framework owner (agreements.manage). What the owner says acknowledges
    the difference. It is added to what was said before; nothing of it changes, nor does the ledger."""
    with database.writing(rehearsed=dry_run) as session:
        agreement, row = store.seen(session, slug, id, caller.organisation)
        _require_part(agreement, row, caller)
        line = store.explain(session, caller, agreement, row, position, new.reason)
        said = store.explanations(session, line.report_id, [position])[position]
        return _line(line, said)


def _require_part(agreement: frameworks.FrameworkAgreement, row: store.SalesReport, caller: Caller) -> None:
    as_owner = caller.organisation == agreement.owner_number and caller.may("agreements.manage")
    if not as_owner and not (caller.organisation == row.supplier and caller.may("agreements.supply")):
        raise store.SalesReportNotFound(f"No sales report {row.uuid} among those you may explain.")


def _line(one: store.SalesLine, said: list[store.SalesExplanation]) -> SalesLine:
    return SalesLine(
        position=one.position,
        outcome=one.outcome,
        order_number=one.order_number,
        item=one.item,
        buyer_organisation_number=one.buyer,
        rows=one.rows,
        quantity_told=one.quantity_told,
        quantity_posted=one.quantity_posted,
        told_excl_vat=one.told,
        posted_excl_vat=one.posted,
        difference_excl_vat=(one.told or rules.Z) - (one.posted or rules.Z),
        explanations=[
            Explanation(
                organisation_number=row.organisation,
                by_owner=row.by_owner,
                reason=row.reason,
                recorded_at=row.recorded_at,
            )
            for row in said
        ],
        acknowledged=any(row.by_owner for row in said),
    )


def _shown(
    session: Session, agreement: frameworks.FrameworkAgreement, rows: Sequence[store.SalesReport]
) -> list[SalesReport]:
    ids = [row.id or 0 for row in rows]
    later, earlier = store.replaced(session, ids), store.named(session, [row.replaces_id or 0 for row in rows])
    counted = store.counts(session, ids)
    shown = []
    for row in rows:
        counts = counted[row.id or 0]
        shown.append(
            SalesReport(
                id=row.uuid,
                framework_agreement=agreement.slug,
                supplier_organisation_number=row.supplier,
                from_on=row.from_on,
                to_on=row.to_on,
                media_type=row.media_type,
                sha256=row.sha256,
                rows=row.rows,
                told_excl_vat=sum((one.told for one in counts), rules.Z),
                posted_excl_vat=sum((one.posted for one in counts), rules.Z),
                outcomes=[
                    OutcomeCount(outcome=one.outcome, lines=one.lines, difference_excl_vat=one.difference)
                    for one in counts
                ],
                replaces=earlier.get(row.replaces_id or 0),
                replaced_by=later.get(row.id or 0),
                recorded_at=row.recorded_at,
            )
        )
    return shown
