"""The inbox over HTTP: a page for people, and control of letters and of SvarUT's time for tests."""

from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import Depends, Path, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import ConfigDict, Field

from services.chassis import contract
from services.chassis.app import new_router
from services.chassis.db import ReaderDep, TransactionDep
from services.chassis.values import In, Instant, Out
from services.integration.sandbox.inbox import document
from services.integration.sandbox.svarut import store
from services.integration.sandbox.svarut.rules import Kind, Status
from services.integration.sandbox.svarut_time.store import Clock

SHOWN = 100
router = new_router("", "SvarUT")


class LetterDocument(Out):
    position: int = Field(description="1 for the first", examples=[1])
    filename: str
    media_type: str
    size: int = Field(description="Bytes")
    sha256: str = Field(description="Of the content, hexadecimal")


class Letter(Out):
    """A letter that SvarUT received. A person's number is not kept."""

    id: UUID = Field(description="SvarUT's id (forsendelseId)")
    kind: Kind
    title: str
    recipient_name: str
    recipient_number: str | None = Field(description="Organisation number; null for a person")
    external_reference: str | None = Field(description="The sender's eksternReferanse")
    status: Status
    changed_at: Instant
    received_at: Instant
    documents: list[LetterDocument]


class Letters(Out):
    items: list[Letter]


class Filters(In):
    external_reference: str | None = Field(default=None, max_length=100, description="Only letters with this one")
    limit: int = Field(default=SHOWN, ge=1, le=10_000, description="The newest so many")


class StatusChange(In):
    status: Status = Field(
        description="One step must lead there from the status that the letter has", examples=["LEST"]
    )


async def _clock(request: Request) -> Clock:
    found = request.app.state.clock
    assert isinstance(found, Clock)
    return found


ClockDep = Annotated[Clock, Depends(_clock)]
LetterId = Annotated[
    UUID, Path(description="SvarUT's id of the letter", examples=["018f5e9c-7d2b-7c3a-9f00-000000000001"])
]


@router.get("/_sandbox/svarut/letters", summary="List letters", openapi_extra=contract.example(query={"limit": 10}))
def letters(filters: Annotated[Filters, Query()], session: ReaderDep, clock: ClockDep) -> Letters:
    """The letters that SvarUT has received, newest first."""
    found = store.newest(session, clock, filters.limit, filters.external_reference)
    return Letters(items=[Letter.model_validate(letter) for letter in found])


class Event(Out):
    text: str
    at: Instant


class WholeLetter(Letter):
    sender_name: str | None
    sender_number: str | None
    defect: str | None = Field(description="Why it was, or will be, rejected (AVVIST)")
    forsendelse: dict[str, Any] = Field(description="The metadata in the words of REST v3, without personal numbers")
    events: list[Event] = Field(description="Oldest first")


@router.get("/_sandbox/svarut/letters/{id}", summary="See all that is known of a letter")
def letter(id: LetterId, session: ReaderDep, clock: ClockDep) -> WholeLetter:
    """What was sent, and what has happened to it since."""
    found = store.one(session, id, clock)
    events = [Event(text=text, at=at) for text, at in store.history(session, id, clock)]
    told = {"forsendelse": store.forsendelse(session, id), "events": events}
    return WholeLetter.model_validate({**vars(found), **told})


@router.get("/_sandbox/svarut/letters/{id}/documents/{position}", summary="Download a document")
def download(
    id: LetterId, position: Annotated[int, Path(ge=1, description="1 for the first", examples=[1])], session: ReaderDep
) -> Response:
    """The document's bytes, as they were sent."""
    filename, media_type, content = store.content(session, id, position)
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(filename)}",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, media_type=media_type, headers=headers)


@router.post("/_sandbox/svarut/letters/{id}/status", summary="Move a letter on")
def move(id: LetterId, change: StatusChange, session: TransactionDep, clock: ClockDep) -> Letter:
    """Brings a letter to a status that is one step away: read, printed, refused … 409 when no step leads there."""
    return Letter.model_validate(store.bring_to(session, id, change.status, clock))


class Look(In):
    """What a person asks the page for; whatever else stands in the address is let be."""

    model_config = ConfigDict(extra="ignore")
    language: str | None = None
    recipient: str | None = Field(default=None, max_length=100)


@router.get("/", include_in_schema=False)
def page(request: Request, look: Annotated[Look, Query()], session: ReaderDep, clock: ClockDep) -> HTMLResponse:
    spoken = document.language(look.language, request.headers.get("accept-language", ""))
    recipient = look.recipient or ""
    found = store.newest(session, clock, SHOWN, recipient_number=recipient or None)
    kept = f"&recipient={quote(recipient)}" if recipient else ""
    return document.page("inbox", spoken, letters=found, recipient=recipient, kept=kept)


@router.get("/letters/{id}", include_in_schema=False)
def letter_page(
    request: Request, id: UUID, look: Annotated[Look, Query()], session: ReaderDep, clock: ClockDep
) -> HTMLResponse:
    spoken = document.language(look.language, request.headers.get("accept-language", ""))
    return document.page(
        "letter",
        spoken,
        letter=store.one(session, id, clock),
        told={"svarSendesTil": None, "lenker": None} | store.forsendelse(session, id),
        events=store.history(session, id, clock),
        kept="",
    )
