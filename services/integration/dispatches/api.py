"""Letters over HTTP: hand one in, see what has become of it, decide on those that failed."""

import base64
import unicodedata
from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response
from pydantic import AfterValidator, Field, StringConstraints
from sqlmodel import Session

from services.chassis import idempotency, paging
from services.chassis.app import new_router
from services.chassis.auth import Caller, needs
from services.chassis.contract import example
from services.chassis.db import DatabaseDep, DryRunDep, ReaderDep, SessionDep
from services.chassis.idempotency import KeyHeader, Once
from services.chassis.problems import refuse
from services.chassis.values import In, Instant, OrganisationNumber, Out, seed_id
from services.integration.dispatches import rules, store
from services.integration.dispatches.rules import Event, State

router = new_router("/dispatches", "Dispatches")

Sender = Annotated[Caller, needs("dispatch.write")]
ReaderOf = Annotated[Caller, needs("dispatch.read")]
Administrator = Annotated[Caller, needs("dispatch.admin")]

BRONNOY = "964983291"
EXAMPLE_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\nxref\n0 4\n0000000000 65535 f \n"
    b"0000000009 00000 n \n0000000052 00000 n \n0000000101 00000 n \ntrailer<</Root 1 0 R/Size 4>>\nstartxref\n164\n"
    b"%%EOF\n"
)
"""One empty page."""


def _seeded(name: str) -> Any:
    return Path(description="The dispatch's id", examples=[str(seed_id(f"dispatch:{name}"))])


def _composed(text: str) -> str:
    """«å» as one character, however it was typed: SvarUT compares file names byte by byte."""
    return unicodedata.normalize("NFC", text)


Filename = Annotated[str, StringConstraints(min_length=1, max_length=rules.LONGEST_FILENAME), AfterValidator(_composed)]
Title = Annotated[str, StringConstraints(min_length=1, max_length=1000), AfterValidator(_composed)]
Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._~-]{1,100}$")]


class Recipient(In, Out):
    """An organisation that gets the letter."""

    organisation_number: OrganisationNumber
    name: str = Field(min_length=1, max_length=100, examples=["Fjordvakt Velferd AS (fiktiv)"])


class NewDocument(In):
    filename: Filename = Field(
        description='Unique in the letter, upper and lower case being the same; none of " < > ? * | : \\ /',
        examples=["bestilling.pdf"],
    )
    media_type: Literal["application/pdf"] = Field(description="Only PDF can be printed when nobody reads the letter")
    content_base64: str = Field(min_length=1, description="The file, base64 with padding")


class NewDispatch(In):
    """A letter to send."""

    reference: Reference = Field(
        description="Your own name for the letter, unique among yours; it follows the letter into SvarUT",
        examples=["bestilling-2026-0042"],
    )
    recipient: Recipient
    title: Title = Field(
        description="Shown in inboxes and notifications: nothing sensitive, and no personal number",
        examples=["Bestilling 2026-0042"],
    )
    documents: list[NewDocument] = Field(min_length=1, max_length=100, description="20 MB at most, as sent")


class Document(Out):
    position: int = Field(description="1 for the first", examples=[1])
    filename: str
    media_type: str
    size: int = Field(description="Bytes")
    sha256: str = Field(description="Of the content, hexadecimal")


class Happened(Out):
    """One thing that happened."""

    version: int = Field(description="Counts the dispatch's events; the first is 1")
    event: Event | None = Field(description="Null for the first: the letter was handed in")
    state: State = Field(description="The state after it; some events are only noted, and leave it as it was")
    detail: str | None
    external_status: str | None = Field(description="SvarUT's own status then", examples=["VARSLET"])
    occurred_at: Instant = Field(description="When it happened, at SvarUT where SvarUT says so")
    recorded_at: Instant = Field(description="When we heard of it")


class Dispatch(Out):
    """A letter and where it is."""

    id: UUID
    reference: str
    recipient: Recipient
    title: str
    status: State = Field(
        description="received means that SvarUT has it; read and printed that it came to the recipient; failed waits "
        "for an administrator"
    )
    detail: str | None = Field(description="Why it is where it is, for people")
    version: int = Field(description="Counts what has happened to it")
    external_id: str | None = Field(description="SvarUT's id of it (forsendelseId), from received on")
    external_status: str | None = Field(description="SvarUT's own status, as last heard")
    created_at: Instant
    changed_at: Instant
    documents: list[Document]
    history: list[Happened] = Field(description="Oldest first")


class NewDecision(In):
    reason: str | None = Field(default=None, min_length=1, max_length=2000, description="Kept in the history")


class Filters(In):
    reference: Reference | None = Field(default=None, description="Only the one with this reference")
    status: State | None = Field(default=None, description="Only those in this state")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


async def _once(request: Request, caller: Sender, key: KeyHeader = None) -> Once:
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
    caller: Sender,
    once: Annotated[Once, Depends(_once)],
    database: DatabaseDep,
    dry_run: DryRunDep,
) -> Response:
    """Hand a letter to an organisation in. It is kept and answered at once, state `queued`; a worker hands it over to
    SvarUT (KS), once, however often that takes. SvarUT brings it to the recipient's own system, to Altinn, or to print.

    Safe to repeat: the same Idempotency-Key gives the same answer, and the same `reference` with the same content is
    the same letter (200). The same reference with other content is refused (409 `reference-taken`). 422 lists all that
    is wrong with the letter."""
    once.look_up(database)
    documents = [rules.Document(one.filename, _decoded(one.content_base64)) for one in new.documents]
    refuse(rules.check(new.title, documents))
    letter = store.NewLetter(
        new.reference,
        new.recipient.organisation_number,
        new.recipient.name,
        new.title,
        [
            (one.filename, one.media_type, document.content or b"")
            for one, document in zip(new.documents, documents, strict=True)
        ],
    )
    with database.writing(rehearsed=dry_run) as session:
        once.claim(session)
        row, created = store.add(session, caller, caller.organisation, letter)
        if created:
            store.enqueue(session, row)
        body = _shown(session, [row])[0].model_dump_json().encode()
        return once.keep(session, body, status=201 if created else 200, location=store.path(row.uuid))


@router.get("", summary="List your letters", openapi_extra=example(organisation=BRONNOY))
def list_dispatches(
    filters: Annotated[Filters, Query()], caller: ReaderOf, reader: ReaderDep, request: Request, response: Response
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
    shown = {one.id: one for one in _shown(reader, rows)}
    return paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(str(row.uuid)),
        lambda row: shown[row.uuid],
    )


@router.get("/{id}", summary="Read a letter", openapi_extra=example(organisation=BRONNOY))
def read(id: Annotated[UUID, _seeded("eksempel-brev-1")], caller: ReaderOf, reader: ReaderDep) -> Dispatch:
    """A letter, where it is, and all that has happened to it."""
    return _shown(reader, [store.by_uuid(reader, id, caller.organisation)])[0]


@router.get(
    "/{id}/documents/{position}",
    summary="Get a letter's document",
    response_class=Response,
    responses={200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}},
    openapi_extra=example(organisation=BRONNOY),
)
def document(
    id: Annotated[UUID, _seeded("eksempel-brev-1")],
    position: Annotated[int, Path(ge=1, le=100, description="1 for the first", examples=[1])],
    caller: ReaderOf,
    reader: ReaderDep,
) -> Response:
    """The bytes that were handed in, and that SvarUT gets."""
    found = store.content(reader, store.by_uuid(reader, id, caller.organisation), position)
    return Response(found.content, media_type=found.media_type, headers={"X-Content-Type-Options": "nosniff"})


@router.post("/{id}/retry", summary="Try a failed letter again", openapi_extra=example(organisation=BRONNOY, body={}))
def retry(
    id: Annotated[UUID, _seeded("eksempel-brev-2")],
    decision: NewDecision,
    caller: Administrator,
    session: SessionDep,
) -> Dispatch:
    """Failed → queued, with all attempts anew. If SvarUT may have the letter from before, it is looked for first."""
    row = _own(session, id, caller)
    store.queue_again(session, caller, row, decision.reason)
    return _shown(session, [row])[0]


@router.post("/{id}/give-up", summary="Give a letter up", openapi_extra=example(organisation=BRONNOY, body={}))
def give_up(
    id: Annotated[UUID, _seeded("eksempel-brev-3")],
    decision: NewDecision,
    caller: Administrator,
    session: SessionDep,
) -> Dispatch:
    """Queued or failed → failed_final: it is not sent. 409 `being-handed-over` while a worker has it in hand. A letter
    whose attempt ended without an answer may have come to SvarUT; the history says so."""
    row = _own(session, id, caller)
    store.must_be_free(session, row)
    store.move(session, caller, row, Event.GIVE_UP, detail=decision.reason)
    return _shown(session, [row])[0]


@router.post(
    "/{id}/manual", summary="Mark a letter as handled otherwise", openapi_extra=example(organisation=BRONNOY, body={})
)
def manual(
    id: Annotated[UUID, _seeded("eksempel-brev-4")],
    decision: NewDecision,
    caller: Administrator,
    session: SessionDep,
) -> Dispatch:
    """Failed → handled_manually: somebody brought it to the recipient in another way."""
    row = _own(session, id, caller)
    store.move(session, caller, row, Event.MANUAL, detail=decision.reason)
    return _shown(session, [row])[0]


def _own(session: Session, id: UUID, caller: Caller) -> store.Dispatch:
    return store.locked(session, store.by_uuid(session, id, caller.organisation).uuid)


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return None


def _shown(session: Session, rows: Sequence[store.Dispatch]) -> list[Dispatch]:
    ids = [row.id or 0 for row in rows]
    documents, events = store.documents(session, ids), store.events(session, ids)
    return [
        Dispatch(
            id=row.uuid,
            reference=row.reference,
            recipient=Recipient(organisation_number=row.recipient_number, name=row.recipient_name),
            title=row.title,
            status=row.state,
            detail=row.detail,
            version=row.version,
            external_id=row.external_id,
            external_status=row.external_status,
            created_at=row.created_at,
            changed_at=row.changed_at,
            documents=[Document.model_validate(one) for one in documents.get(row.id or 0, [])],
            history=[Happened.model_validate(one) for one in events.get(row.id or 0, [])],
        )
        for row in rows
    ]
