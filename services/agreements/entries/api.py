"""Entries of the ledger over HTTP."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response
from pydantic import Field
from sqlmodel import Session

from services.agreements.cost_splits.shapes import SignedMoney
from services.agreements.entries import rules, shapes, store
from services.agreements.ledger.rules import Kind, Moved
from services.chassis import clock, idempotency, paging
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.contract import example
from services.chassis.db import DatabaseDep, DryRunDep, ReaderDep
from services.chassis.idempotency import KeyHeader, Once
from services.chassis.values import In, Instant, Money, Out, seed_id

router = new_router("/ledger/entries", "Ledger")


BRONNOY = "964983291"
POSTED = Path(description="The entry's id", examples=[str(seed_id("entry:mistaken"))])


class Entry(Out):
    """A movement in the ledger: signed, and never edited. NOK without VAT."""

    id: UUID
    kind: Kind
    framework_agreement: str
    lot: str
    call_off_id: UUID
    call_off_number: str
    buyer_organisation_number: str
    supplier_organisation_number: str
    reserved_excl_vat: SignedMoney = Field(description="What is held for the order; negative: given back or posted")
    posted_excl_vat: SignedMoney = Field(description="What has been accepted; negative: taken back")
    cause: str = Field(description="The step of the call-off that it follows from; `reverse` and `correct` are none")
    effective_on: date = Field(description="The day that it counts on")
    back_dated: bool = Field(description="Whether it was recorded later than that, and explained")
    back_dating_reason: str | None
    reason: str | None = Field(description="Why a posting was reversed or corrected")
    reverses: UUID | None = Field(description="The entry that this one takes back")
    reversed_by: UUID | None = Field(description="The entry that takes this one back; it stands all the same")
    recorded_at: Instant


class EntryLine(Out):
    """An entry's part of one item: quantities in its unit, NOK without VAT."""

    item: str
    product: str | None
    component: str | None
    quantity_reserved: int
    quantity_posted: int
    reserved_excl_vat: SignedMoney
    posted_excl_vat: SignedMoney


class EntryWithLines(Entry):
    lines: list[EntryLine] = Field(description="Together exactly the entry")


class Filters(shapes.Narrowing):
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


class PostedInstead(In):
    """What should have been posted of one item."""

    item: str = Field(min_length=1, max_length=80)
    quantity: int = Field(ge=0, le=1_000_000)
    amount_excl_vat: Money


class NewReversal(In):
    reason: str = Field(min_length=3, max_length=2000, description="What was wrong; kept with the entries")
    effective_on: date | None = Field(
        default=None, description="The day that it counts on, not before the posting's own; today when left out"
    )
    back_dating_reason: str | None = Field(
        default=None, min_length=3, max_length=2000, description="Why it counts on a day that has passed; then required"
    )
    post_instead: list[PostedInstead] = Field(
        default=[],
        max_length=200,
        description="What should have been posted, within what is reserved for the call-off; left out: nothing",
    )


class Reversal(Out):
    """The entries of a correction."""

    reversal: EntryWithLines = Field(description="The posting with the opposite sign")
    posted_instead: EntryWithLines | None
    released: EntryWithLines | None = Field(
        description="What was given back at once, as the call-off is over; else it is reserved again"
    )


@router.get("", summary="List entries of the ledger", openapi_extra=example(organisation=BRONNOY))
def list_entries(
    filters: Annotated[Filters, Query()], caller: CallerDep, reader: ReaderDep, request: Request, response: Response
) -> paging.Page[Entry]:
    """Entered last first. A buyer sees its own call-offs', a framework owner those under its agreements, whoever pays a
    part of a joint call-off that one's, and a supplier its own of call-offs that it has been told of."""
    (after,) = paging.start(filters.after, UUID) or (None,)
    asked = filters.selection(reader, caller.organisation)
    rows = store.page(reader, caller.organisation, asked, after, filters.limit)
    return paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(str(row.Entry.uuid)),
        lambda row: Entry(**_fields(row)),
    )


@router.get("/{id}", summary="Read an entry of the ledger", openapi_extra=example(organisation=BRONNOY))
def read(id: Annotated[UUID, POSTED], caller: CallerDep, reader: ReaderDep) -> EntryWithLines:
    """An entry with its lines, and what reverses it if it was wrong."""
    return _shown(reader, id, caller)


async def _once(request: Request, id: Annotated[UUID, POSTED], caller: CallerDep, key: KeyHeader = None) -> Once:
    return await idempotency.once(request, caller, f"ledger_entries.reverse {id}", key)


@router.post(
    "/{id}/reverse",
    status_code=201,
    response_model=Reversal,
    summary="Reverse a wrong posting",
    openapi_extra=example(
        organisation=BRONNOY,
        headers={"Idempotency-Key": "retting-2026-0007"},
        body={
            "reason": "To av alarmene gjaldt en annen bestilling (fiktivt).",
            "post_instead": [{"item": "alarm", "quantity": 3, "amount_excl_vat": "7200.00"}],
        },
    ),
)
def reverse(
    id: Annotated[UUID, POSTED],
    new: NewReversal,
    caller: CallerDep,
    once: Annotated[Once, Depends(_once)],
    database: DatabaseDep,
    dry_run: DryRunDep,
) -> Response:
    """A second entry takes the posting back at every level: nothing is edited or removed. By the call-off's buyer
    (agreements.order) or the framework owner (agreements.manage), for a posting only, and once; a reversal is final.
    What should have been posted can be posted in the same step, within what is reserved and under every ceiling;
    otherwise the amount is reserved again, or given back if the call-off is over. With a day that has passed the
    entries are flagged as back-dated and say why. An agreement that is exhausted stays so."""
    once.look_up(database)
    with database.writing(rehearsed=dry_run) as session:
        once.claim(session)
        today = clock.today()
        made = store.reverse(
            session,
            caller,
            id,
            on=new.effective_on or today,
            reason=new.reason,
            back_dating_reason=new.back_dating_reason,
            instead=[rules.Instead(one.item, one.quantity, one.amount_excl_vat) for one in new.post_instead],
            today=today,
        )
        shown = Reversal(
            reversal=_shown(session, made.reversal, caller),
            posted_instead=made.instead and _shown(session, made.instead, caller),
            released=made.released and _shown(session, made.released, caller),
        )
        return once.keep(session, shown.model_dump_json().encode(), status=201, location=store.path(made.reversal))


def _shown(session: Session, id: UUID, caller: Caller) -> EntryWithLines:
    row = store.by_uuid(session, id, caller.organisation)
    return EntryWithLines(**_fields(row), lines=[_line(line) for line in store.lines(session, row.Entry.id)])


def _fields(row: Any) -> dict[str, Any]:
    entry = row.Entry
    return {
        "id": entry.uuid,
        "kind": entry.kind,
        "framework_agreement": row.framework,
        "lot": row.lot,
        "call_off_id": row.call_off,
        "call_off_number": row.number,
        "buyer_organisation_number": entry.buyer,
        "supplier_organisation_number": entry.supplier,
        "reserved_excl_vat": entry.reserved,
        "posted_excl_vat": entry.posted,
        "cause": entry.cause,
        "effective_on": entry.effective_on,
        "back_dated": entry.back_dated,
        "back_dating_reason": entry.back_dating_reason,
        "reason": entry.reason,
        "reverses": row.reverses,
        "reversed_by": row.reversed_by,
        "recorded_at": entry.recorded_at,
    }


def _line(line: Moved) -> EntryLine:
    return EntryLine(
        item=line.item,
        product=line.product,
        component=line.component,
        quantity_reserved=line.quantity_reserved,
        quantity_posted=line.quantity_posted,
        reserved_excl_vat=line.reserved,
        posted_excl_vat=line.posted,
    )
