"""Letters over HTTP: hand one in, see what has become of it, decide on those that failed."""

import base64
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response
from pydantic import Field
from sqlmodel import Session

from services.chassis import idempotency, paging
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.contract import example
from services.chassis.db import DatabaseDep, DryRunDep, ReaderDep, SessionDep
from services.chassis.idempotency import KeyHeader, Once
from services.chassis.problems import refuse
from services.chassis.values import In
from services.integration.dispatches import examination, rules, shapes, store
from services.integration.dispatches.rules import Event, State
from services.integration.dispatches.shapes import BRONNOY, EXAMPLE_PDF, Dispatch, NewDecision, NewDispatch, Reference

router = new_router("/dispatches", "Dispatches")


class Filters(In):
    reference: Reference | None = Field(default=None, description="Only the one with this reference")
    status: State | None = Field(default=None, description="Only those in this state")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


async def _once(request: Request, caller: CallerDep, key: KeyHeader = None) -> Once:
    return await idempotency.once(request, caller, "dispatches.add", key)


@router.post(
    "",
    status_code=201,
    response_model=Dispatch,
    responses={200: {"model": Dispatch, "description": "The same letter was handed in before; this is it"}},
    summary="Send a letter",
    openapi_extra=example(
        organisation=BRONNOY,
        headers={"Idempotency-Key": "bestilling-2026-0042"},
        body={
            "reference": "bestilling-2026-0042",
            "recipient": {"organisation_number": "100000016", "name": "Fjordvakt Velferd AS (fiktiv)"},
            "title": "Bestilling 2026-0042",
            "documents": [
                {
                    "filename": "bestilling.pdf",
                    "media_type": "application/pdf",
                    "content_base64": base64.b64encode(EXAMPLE_PDF).decode(),
                }
            ],
        },
    ),
)
def add(
    new: NewDispatch,
    caller: CallerDep,
    once: Annotated[Once, Depends(_once)],
    database: DatabaseDep,
    dry_run: DryRunDep,
) -> Response:
    """Hand a letter to an organisation in. It is kept and answered at once, state `queued`; a worker hands it over to
    SvarUT (KS), once, however often that takes. SvarUT brings it to the recipient's own system, to Altinn, or to print.

    Safe to repeat: the same Idempotency-Key gives the same answer, and the same `reference` with the same content is
    the same letter (200). The same reference with other content is refused (409 `reference-taken`). 422 lists all that
    is wrong with the letter.

    Every document is looked through by a process of its own, by its content and whatever it is called: locked or broken
    PDF, PDF with scripts or that starts programs, what unpacks without end, absurd images, archives in archives and
    paths that lead out of them are refused. Not looked for: viruses. 503 `examiners-of-documents-busy`: nothing was
    taken, try again."""
    once.look_up(database)
    documents = [rules.Document(one.filename, _decoded(one.content_base64), one.media_type) for one in new.documents]
    address = rules.Address(**new.recipient.address.model_dump()) if new.recipient.address else None
    wrong = list(rules.check(new.title, documents, channel=new.channel, address=address))
    refuse([*wrong, *examination.examine(documents)])
    letter = store.NewLetter(
        new.reference,
        new.recipient.organisation_number,
        new.recipient.name,
        new.title,
        [(one.filename, one.media_type, one.content or b"") for one in documents],
        address,
        new.channel,
        new.priority,
        new.when_unread,
    )
    with database.writing(rehearsed=dry_run) as session:
        once.claim(session)
        row, created = store.add(session, caller, caller.organisation, letter)
        if created:
            store.enqueue(session, row)
        body = shapes.shown(session, [row])[0].model_dump_json().encode()
        return once.keep(session, body, status=201 if created else 200, location=store.path(row.uuid))


@router.get("", summary="List your letters", openapi_extra=example(organisation=BRONNOY))
def list_dispatches(
    filters: Annotated[Filters, Query()], caller: CallerDep, reader: ReaderDep, request: Request, response: Response
) -> paging.Page[Dispatch]:
    """Your own organisation's letters, newest first. `status=failed` are those that wait for a decision."""
    (after,) = paging.start(filters.after, UUID) or (None,)
    rows = store.page(
        reader,
        caller.organisation,
        after,
        filters.limit,
        reference=filters.reference,
        state=filters.status,
    )
    shown = {one.id: one for one in shapes.shown(reader, rows)}
    return paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(str(row.uuid)),
        lambda row: shown[row.uuid],
    )


@router.get("/{id}", summary="Read a letter", openapi_extra=example(organisation=BRONNOY))
def read(id: Annotated[UUID, shapes.seeded("eksempel-brev-1")], caller: CallerDep, reader: ReaderDep) -> Dispatch:
    """A letter, where it is, and all that has happened to it."""
    return shapes.shown(reader, [store.by_uuid(reader, id, caller.organisation)])[0]


@router.get(
    "/{id}/documents/{position}",
    summary="Get a letter's document",
    response_class=Response,
    responses={
        200: {
            "content": {
                media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in rules.MEDIA_TYPES
            }
        }
    },
    openapi_extra=example(organisation=BRONNOY),
)
def document(
    id: Annotated[UUID, shapes.seeded("eksempel-brev-1")],
    position: Annotated[int, Path(ge=1, le=100, description="1 for the first", examples=[1])],
    caller: CallerDep,
    reader: ReaderDep,
) -> Response:
    """The bytes that were handed in, and that SvarUT gets. To be saved, and not shown by a browser."""
    found = store.content(reader, store.by_uuid(reader, id, caller.organisation), position)
    return Response(
        found.content,
        headers={
            "Content-Type": found.media_type,
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.filename, safe='')}",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )


@router.post("/{id}/retry", summary="Try a failed letter again", openapi_extra=example(organisation=BRONNOY, body={}))
def retry(
    id: Annotated[UUID, shapes.seeded("eksempel-brev-2")],
    decision: NewDecision,
    caller: CallerDep,
    session: SessionDep,
) -> Dispatch:
    """Failed → queued, with all attempts anew. If SvarUT may have the letter from before, it is looked for first."""
    row = _own(session, id, caller)
    store.queue_again(session, caller, row, decision.reason)
    return shapes.shown(session, [row])[0]


@router.post("/{id}/give-up", summary="Give a letter up", openapi_extra=example(organisation=BRONNOY, body={}))
def give_up(
    id: Annotated[UUID, shapes.seeded("eksempel-brev-3")],
    decision: NewDecision,
    caller: CallerDep,
    session: SessionDep,
) -> Dispatch:
    """Queued or failed → failed_final: it is not sent. 409 `being-handed-over` while a worker has it in hand. A letter
    whose attempt ended without an answer may have come to SvarUT; the history says so."""
    row = _own(session, id, caller)
    store.must_be_free(session, row)
    store.move(session, caller, row, Event.GIVE_UP, detail=decision.reason)
    return shapes.shown(session, [row])[0]


@router.post(
    "/{id}/manual", summary="Mark a letter as handled otherwise", openapi_extra=example(organisation=BRONNOY, body={})
)
def manual(
    id: Annotated[UUID, shapes.seeded("eksempel-brev-4")],
    decision: NewDecision,
    caller: CallerDep,
    session: SessionDep,
) -> Dispatch:
    """Failed → handled_manually: somebody brought it to the recipient in another way."""
    row = _own(session, id, caller)
    store.move(session, caller, row, Event.MANUAL, detail=decision.reason)
    return shapes.shown(session, [row])[0]


def _own(session: Session, id: UUID, caller: Caller) -> store.Dispatch:
    return store.locked(session, store.by_uuid(session, id, caller.organisation).uuid)


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return None
