"""Replies over HTTP: read what came, and decide on what could not be read."""

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import Field
from sqlmodel import Session

from services.chassis import paging
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.values import In, Instant, Out, seed_id
from services.integration.replies import store
from services.integration.replies.rules import State

router = new_router("/replies", "Replies")
BRONNOY = "964983291"


def _seeded(name: str) -> Any:
    return Path(description="The reply's id", examples=[str(seed_id(f"reply:{name}"))])


class ReplyDocument(Out):
    position: int = Field(description="1 for the first", examples=[1])
    filename: str
    media_type: str = Field(description="As its sender calls it; nobody has looked")
    size: int = Field(description="Bytes")
    sha256: str = Field(description="Of the content, hexadecimal")


class Reply(Out):
    """A letter that came to you through SvarInn."""

    id: UUID
    dispatch: UUID | None = Field(description="The letter of yours that it answers (`/dispatches/{id}`), if any")
    dispatch_reference: str | None = Field(description="Your own name for that letter")
    sender_name: str | None = Field(description="As SvarInn tells it", examples=["Fjordvakt Velferd AS (fiktiv)"])
    sender_organisation_number: str | None = Field(description="Where an answer to it goes; often missing")
    recipient_organisation_number: str | None
    title: str
    letter_type: str | None = Field(description="forsendelsestype")
    answers_to: UUID | None = Field(description="SvarUT's id of the letter that it says it answers")
    reference: str | None = Field(description="eksternRef, as its sender set it")
    sender_case: dict[str, int | str] = Field(description="What the sender tells of its own case; only what is there")
    status: State = Field(
        description="waiting: SvarInn has it. received: kept here. failed: cannot be read, `detail` says why; it waits "
        "for an administrator. given_up: SvarUT brings it another way"
    )
    detail: str | None
    failures: int = Field(description="Attempts to fetch it that failed")
    external_id: UUID = Field(description="SvarUT's id of it (forsendelseId)")
    sent_at: Instant | None
    listed_at: Instant = Field(description="When we first saw it at SvarInn")
    received_at: Instant | None = Field(description="When it was kept here")
    told_at: Instant | None = Field(description="When SvarInn was told so; for received: acknowledged")
    documents: list[ReplyDocument]


class NewReplyDecision(In):
    reason: str | None = Field(default=None, min_length=1, max_length=2000, description="Kept, and told to SvarInn")


class ReplyFilters(In):
    dispatch: UUID | None = Field(default=None, description="Only answers to this letter of yours")
    status: State | None = Field(default=None, description="Only those in this state")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get("", summary="List replies", openapi_extra=example(organisation=BRONNOY))
def list_replies(
    filters: Annotated[ReplyFilters, Query()],
    caller: CallerDep,
    reader: ReaderDep,
    request: Request,
    response: Response,
) -> paging.Page[Reply]:
    """Letters that came to your organisation through SvarInn, newest first: answers to your letters, and others.
    `status=failed` are those that wait for a decision."""
    (after,) = paging.start(filters.after, UUID) or (None,)
    rows = store.page(
        reader, caller.organisation, after, filters.limit, dispatch=filters.dispatch, state=filters.status
    )
    shown = {one.id: one for one in _shown(reader, rows)}
    return paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(str(row.uuid)),
        lambda row: shown[row.uuid],
    )


@router.get("/{id}", summary="Read a reply", openapi_extra=example(organisation=BRONNOY))
def read(id: Annotated[UUID, _seeded("eksempel-svar-1")], caller: CallerDep, reader: ReaderDep) -> Reply:
    """What came, from whom, and which letter of yours it answers."""
    return _shown(reader, [store.by_uuid(reader, id, caller.organisation)])[0]


@router.get(
    "/{id}/documents/{position}",
    summary="Get a reply's document",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}},
    openapi_extra=example(organisation=BRONNOY),
)
def document(
    id: Annotated[UUID, _seeded("eksempel-svar-1")],
    position: Annotated[int, Path(ge=1, le=1000, description="1 for the first", examples=[1])],
    caller: CallerDep,
    reader: ReaderDep,
) -> Response:
    """The bytes as they came, to be saved: a stranger made them, so they go out as octets, whatever their type."""
    found = store.content(reader, store.by_uuid(reader, id, caller.organisation), position)
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.filename)}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox",
    }
    return Response(found.content, media_type="application/octet-stream", headers=headers)


@router.post("/{id}/retry", summary="Try to read a reply again", openapi_extra=example(organisation=BRONNOY, body={}))
def retry(
    id: Annotated[UUID, _seeded("eksempel-svar-2")],
    decision: NewReplyDecision,
    caller: CallerDep,
    session: SessionDep,
) -> Reply:
    """Failed → waiting: it is fetched again at once, for example after the right key was put in place."""
    row = _own(session, id, caller)
    store.retry(session, caller, row, decision.reason)
    return _shown(session, [row])[0]


@router.post("/{id}/give-up", summary="Give a reply up", openapi_extra=example(organisation=BRONNOY, body={}))
def give_up(
    id: Annotated[UUID, _seeded("eksempel-svar-3")],
    decision: NewReplyDecision,
    caller: CallerDep,
    session: SessionDep,
) -> Reply:
    """Failed → given_up: SvarInn is told that it cannot be taken, and SvarUT brings it in another way, through Altinn
    or on paper."""
    row = _own(session, id, caller)
    store.give_up(session, caller, row, decision.reason)
    return _shown(session, [row])[0]


def _own(session: Session, id: UUID, caller: Caller) -> store.Reply:
    return store.locked(session, store.by_uuid(session, id, caller.organisation).uuid)


def _shown(session: Session, rows: Sequence[store.Reply]) -> list[Reply]:
    documents = store.documents(session, [row.id or 0 for row in rows])
    answered = store.dispatches(session, [row.dispatch_id for row in rows if row.dispatch_id])
    return [
        Reply(
            id=row.uuid,
            dispatch=answered[row.dispatch_id].uuid if row.dispatch_id else None,
            dispatch_reference=answered[row.dispatch_id].reference if row.dispatch_id else None,
            sender_name=row.sender_name,
            sender_organisation_number=row.sender_number,
            recipient_organisation_number=row.recipient_number,
            title=row.title,
            letter_type=row.letter_type,
            answers_to=row.answers_to,
            reference=row.reference,
            sender_case=row.sender_case,
            status=row.state,
            detail=row.detail,
            failures=row.failures,
            external_id=row.external_id,
            sent_at=row.sent_at,
            listed_at=row.listed_at,
            received_at=row.received_at,
            told_at=row.told_at,
            documents=[ReplyDocument.model_validate(one) for one in documents.get(row.id or 0, [])],
        )
        for row in rows
    ]
