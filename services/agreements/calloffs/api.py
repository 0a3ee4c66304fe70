"""Call-offs over HTTP."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import ConfigDict, Field

from services.agreements.accessions import store as accessions
from services.agreements.calloffs import placing, rules, shapes, store
from services.agreements.catalog_client import Catalog, CatalogDep
from services.agreements.certificate_notices import store as notices
from services.agreements.frameworks import store as frameworks
from services.agreements.integration_client import IntegrationDep
from services.agreements.letter_replies import store as letter_replies
from services.agreements.letters import store as letters
from services.agreements.places import store as places
from services.agreements.shares import rules as shares_rules
from services.agreements.shares import shapes as shares
from services.agreements.shares.shapes import CostSharing
from services.chassis import idempotency, paging
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import DatabaseDep, DryRunDep, ReaderDep
from services.chassis.idempotency import KeyHeader, Once
from services.chassis.problems import refuse
from services.chassis.values import In, Instant, Out, Slug, seed_id

router = new_router("/call-offs", "Call-offs")


BRONNOY = "964983291"


def _seeded(name: str) -> object:
    return Path(description="The call-off's id", examples=[str(seed_id(f"call-off:{name}"))])


class NewCallOff(In):
    """What you need. The supplier follows from the agreement's award key, not from your choice."""

    framework_agreement: Annotated[Slug, Field(examples=["ra-2026-velferdsteknologi"])]
    lot: Annotated[Slug, Field(examples=["alarmer"])]
    lines: list[shapes.NewLine] = Field(min_length=1, max_length=200)
    needed_on: date = Field(description="When it must be delivered; the product must be certified on that day")
    reference: str | None = Field(
        default=None, min_length=1, max_length=200, description="Your own reference; it stands in the letter"
    )
    documented_choice: shapes.DocumentedChoice | None = Field(
        default=None, description="Only where the lot's method for this value is `objective_conditions`"
    )
    cost_sharing: CostSharing | None = Field(
        default=None, description="A joint order: who pays, and by which key; each share exact in øre"
    )


class Happened(Out):
    event: rules.Event
    state: rules.State = Field(description="The state after it")
    organisation: str | None = Field(description="Who took it; null: the service itself")
    reason: str | None
    detail: dict[str, Any] | None = Field(description="What the step was about, such as the ground for declining")
    recorded_at: Instant


class History(Out):
    items: list[Happened]


class Filters(In):
    model_config = ConfigDict(extra="forbid")

    state: rules.State | None = Field(default=None, description="Only call-offs in this state")
    framework_agreement: Slug | None = Field(default=None, description="Only under this agreement")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


async def _once(request: Request, caller: CallerDep, key: KeyHeader = None) -> Once:
    return await idempotency.once(request, caller, "call_offs.place", key)


@router.post(
    "",
    status_code=201,
    response_model=shapes.CallOff,
    summary="Place a call-off",
    openapi_extra=example(
        organisation=BRONNOY,
        headers={"Idempotency-Key": "bestilling-2026-0042"},
        body={
            "framework_agreement": "ra-2026-velferdsteknologi",
            "lot": "alarmer",
            "lines": [{"item": "alarm", "quantity": 3}],
            "needed_on": "2029-06-01",
            "reference": "Hjemmetjenesten, bestilling 42",
        },
    ),
)
def place(
    new: NewCallOff,
    caller: CallerDep,
    once: Annotated[Once, Depends(_once)],
    database: DatabaseDep,
    dry_run: DryRunDep,
    catalog: CatalogDep,
    today: TodayDep,
) -> Response:
    """Order from a lot. The method follows from the value and the lot's announced bands, and the supplier from the
    method: the first in its order whose place is open, who has every item and room, and whose products are certified
    on `needed_on`; those passed over are listed with their reason. Only where the method is `objective_conditions` do
    you say which supplier, by which announced conditions, and why.

    The value without VAT is reserved under the ceilings of agreement, lot, supplier and buyer; if it does not fit,
    nothing is written (409 `ceiling-exceeded`, with what is left). Up to the agreement's approval limit the call-off is
    approved and its order letter sent at once (state `sent`); above it a spending authority approves first (state
    `reserved`).

    503 `certification-unknown` or `neighbour-away`: the catalogue could not be asked, and nothing was reserved. Send
    the same request with the same Idempotency-Key again: it is the same call-off, and one letter."""
    once.look_up(database)
    asked = placing.Asked(
        tuple(rules.Wanted(line.item, line.quantity) for line in new.lines),
        new.needed_on,
        new.documented_choice.kept() if new.documented_choice else None,
    )
    with database.reading() as reader:
        offer = places.offer(reader, new.framework_agreement, new.lot, caller.organisation, today)
        covered = accessions.covered_on(reader, offer.participant_id or 0, today) if new.cost_sharing else {}
        problems = placing.check(offer, asked, today)
        if problems:  # Of a draft nobody learns but its owner.
            frameworks.visible(reader, new.framework_agreement, caller.organisation)
    refuse(problems)
    cost_key = _cost_key(catalog, new.cost_sharing, covered, today)
    verify = placing.foreseen(
        offer, asked, placing.verifying(catalog.verify, offer.specification, offer.specification_version, new.needed_on)
    )
    locked = placing.contended(offer)
    chosen = None if locked else placing.choose(None, offer, asked, verify, today)
    with database.writing(rehearsed=dry_run) as session:
        once.claim(session)
        chosen = chosen or placing.choose(session, offer, asked, verify, today)
        placed = store.place(
            session,
            caller,
            offer,
            chosen,
            buyer=caller.organisation,
            events=rules.first_events(chosen.net, offer.approval_limit),
            wanted=asked.wanted,
            needed_on=new.needed_on,
            placed_on=today,
            reference=new.reference,
            cost_key=cost_key,
        )
        shown = shapes.shown(placed.call_off, placed.lines, placed.letters, [], caller.organisation)
        location = store.path(placed.call_off.uuid)
        answer = once.keep(session, shown.model_dump_json().encode(), status=201, location=location)
        store.reserve(session, placed)
        return answer


@router.get("", summary="List your call-offs", openapi_extra=example(organisation=BRONNOY))
def list_call_offs(
    filters: Annotated[Filters, Query()], caller: CallerDep, reader: ReaderDep, request: Request, response: Response
) -> paging.Page[shapes.CallOff]:
    """Newest first. A municipality sees its own, a supplier those that were sent to it."""
    (after,) = paging.start(filters.after, UUID) or (None,)
    rows = store.page(
        reader,
        caller.organisation,
        after,
        filters.limit,
        state=filters.state,
        framework=filters.framework_agreement,
    )
    ids = [row.id or 0 for row in rows]
    lines, sent, told = store.lines(reader, ids), letters.of(reader, ids), notices.of(reader, ids)
    answers = letter_replies.of(reader, ids)
    return paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(str(row.uuid)),
        lambda row: shapes.shown(
            row,
            lines[row.id],
            sent.get(row.id, []),
            told.get(row.id, []),
            caller.organisation,
            answers.get(row.id, []),
        ),
    )


@router.get("/{id}", summary="Read a call-off", openapi_extra=example(organisation=BRONNOY))
def read(id: Annotated[UUID, _seeded("sent")], caller: CallerDep, reader: ReaderDep) -> shapes.CallOff:
    """A call-off with its frozen lines, why this supplier was asked, where its letter is, and what has happened since
    to the certificates of what was ordered. Such news does not change the call-off's state."""
    return shapes.of(reader, store.by_uuid(reader, id, caller.organisation), caller.organisation)


@router.get("/{id}/history", summary="Read what happened to a call-off", openapi_extra=example(organisation=BRONNOY))
def history(id: Annotated[UUID, _seeded("sent")], caller: CallerDep, reader: ReaderDep) -> History:
    """Every step since it was placed, oldest first, with who took it; null is the service itself, for the award key or
    the calendar. The supplier sees its own steps and those of the buyer since it was asked."""
    row = store.by_uuid(reader, id, caller.organisation)
    return History(items=[Happened.model_validate(one) for one in store.events(reader, row, caller.organisation)])


@router.get(
    "/{id}/letter",
    summary="Get the order letter",
    response_class=Response,
    responses={200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}},
    openapi_extra=example(organisation=BRONNOY),
)
def letter(id: Annotated[UUID, _seeded("sent")], caller: CallerDep, reader: ReaderDep) -> Response:
    """The PDF (PDF/A-2a) that the supplier gets. 404 until it has been made, shortly after the call-off was sent."""
    row = store.by_uuid(reader, id, caller.organisation)
    pdf = letters.pdf(reader, row.id or 0, letters.ORDER)
    if pdf is None:
        raise letters.LetterNotMade("It is made when the call-off is sent; ask again in a moment.")
    return Response(
        pdf, media_type="application/pdf", headers={"Content-Disposition": f'inline; filename="{row.number}.pdf"'}
    )


@router.get(
    "/{id}/replies/{reply}/documents/{position}",
    summary="Get a document of a reply",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}},
    openapi_extra=example(organisation=BRONNOY),
)
def reply_document(
    id: Annotated[UUID, _seeded("sent")],
    reply: Annotated[UUID, Path(description="The reply's id", examples=[str(seed_id("reply:eksempel-svar-4"))])],
    position: Annotated[int, Path(ge=1, le=1000, description="1 for the first", examples=[1])],
    caller: CallerDep,
    database: DatabaseDep,
    integration: IntegrationDep,
) -> StreamingResponse:
    """What came with an answer to one of the call-off's letters, as it came: its sender made it, so it is to be saved
    and looked at with care. 503 when integration, which keeps it, is away."""
    with database.reading() as reader:
        shown = shapes.of(reader, store.by_uuid(reader, id, caller.organisation), caller.organisation)
    names = {one.position: one.filename for found in shown.replies if found.id == reply for one in found.documents}
    if position not in names:
        raise letter_replies.LetterReplyNotFound(f"Call-off {id} has no reply {reply} with a document {position}.")
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(names[position])}",
        "X-Content-Type-Options": "nosniff",
    }
    pieces = integration.reply_document(reply, position)
    return StreamingResponse(pieces, media_type="application/octet-stream", headers=headers)


def _cost_key(
    catalog: Catalog, sharing: CostSharing | None, covered: Mapping[str, object], today: date
) -> dict[str, Any] | None:
    """A joint order's key with what it was computed from, frozen; only for municipalities that the buyer covers."""
    if sharing is None:
        return None
    refuse(shares_rules.check_covered(sharing.numbers(), covered.keys()))
    counted = catalog.counted(sharing.numbers(), today)
    return shares.frozen(sharing, counted)
