"""A dispatch as it stands on the wire, in the routes of several concepts."""

import unicodedata
from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Path
from pydantic import AfterValidator, Field, StringConstraints
from sqlmodel import Session

from services.chassis.values import In, Instant, OrganisationNumber, Out, seed_id
from services.integration.dispatches import rules, store
from services.integration.dispatches.rules import Channel, Event, Priority, State, WhenUnread

BRONNOY = "964983291"
EXAMPLE_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\nxref\n0 4\n0000000000 65535 f \n"
    b"0000000009 00000 n \n0000000052 00000 n \n0000000101 00000 n \ntrailer<</Root 1 0 R/Size 4>>\nstartxref\n164\n"
    b"%%EOF\n"
)
"""One empty page."""


def seeded(name: str) -> Any:
    return Path(description="The dispatch's id", examples=[str(seed_id(f"dispatch:{name}"))])


def _composed(text: str) -> str:
    """«å» as one character, however it was typed: SvarUT compares file names byte by byte."""
    return unicodedata.normalize("NFC", text)


Filename = Annotated[str, StringConstraints(min_length=1, max_length=rules.LONGEST_FILENAME), AfterValidator(_composed)]
Title = Annotated[str, StringConstraints(min_length=1, max_length=1000), AfterValidator(_composed)]
Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._~-]{1,100}$")]


AddressLine = Annotated[str, StringConstraints(min_length=1, max_length=70)]


class Address(In, Out):
    """Where the letter is brought on paper."""

    lines: list[AddressLine] = Field(min_length=1, max_length=3, examples=[["Havnegata 1"]])
    postcode: str | None = Field(default=None, min_length=1, max_length=20, examples=["8905"])
    place: AddressLine = Field(examples=["Brønnøysund"])
    country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2; null is Norway")


class Recipient(In, Out):
    """An organisation that gets the letter."""

    organisation_number: OrganisationNumber
    name: str = Field(min_length=1, max_length=100, examples=["Fjordvakt Velferd AS (fiktiv)"])
    address: Address | None = Field(default=None, description="Needed for what is to be printed")


class NewDocument(In):
    filename: Filename = Field(
        description='Unique in the letter, upper and lower case being the same; none of " < > ? * | : \\ /',
        examples=["bestilling.pdf"],
    )
    media_type: Literal["application/pdf", "image/png", "image/jpeg", "text/plain", "application/zip"] = Field(
        description="It must be what the content is. Only PDF is printed: whoever gets the letter on paper does not "
        "get the others. Text is UTF-8"
    )
    content_base64: str = Field(min_length=1, description="The file, 10 MB at most, base64 with padding")


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
    documents: list[NewDocument] = Field(
        min_length=1,
        max_length=100,
        description="The first is the letter itself, a PDF; the others are attachments. 20 MB at most in all, as sent",
    )
    channel: Channel = Field(
        default=Channel.DIGITAL,
        description="svarut_digital: to the recipient's own system or Altinn, and on paper where neither works; "
        "svarut_print: on paper at once",
    )
    priority: Priority = Field(default=Priority.NORMAL, description="Urgent letters are handed over before all others")
    when_unread: WhenUnread = Field(
        default=WhenUnread.NOTICE,
        description="When nobody has read it after 40 hours on working days: a notice in the feed, or also the same "
        "letter on paper",
    )


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
    channel: Channel
    priority: Priority
    when_unread: WhenUnread
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


def shown(session: Session, rows: Sequence[store.Dispatch]) -> list[Dispatch]:
    """Letters with their documents and all that has happened to them."""
    ids = [row.id or 0 for row in rows]
    documents, events = store.documents(session, ids), store.events(session, ids)
    return [
        Dispatch(
            id=row.uuid,
            reference=row.reference,
            recipient=Recipient(
                organisation_number=row.recipient_number,
                name=row.recipient_name,
                address=Address.model_validate(row.address) if row.address else None,
            ),
            title=row.title,
            channel=row.channel,
            priority=row.priority,
            when_unread=row.when_unread,
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
