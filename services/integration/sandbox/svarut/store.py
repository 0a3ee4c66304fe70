"""The letters that SvarUT has received, their documents, and how often the same one was tried."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, col

from services.chassis import clock
from services.chassis.db import INSTANT, JSON, choice
from services.chassis.problems import NotFound
from services.chassis.values import new_id
from services.integration.sandbox.db import Table
from services.integration.sandbox.svarut import rules
from services.integration.sandbox.svarut.rules import Described, Kind, Part, Status


class Letter(Table, table=True):
    """No personal number is kept: a person's letter has a name only."""

    __tablename__ = "svarut_letter"
    __table_args__ = (sa.Index(None, "konto", "external_reference"),)

    id: int | None = Field(default=None, primary_key=True)
    letter_id: UUID = Field(unique=True)
    konto: UUID
    kind: Kind = Field(sa_type=choice(Kind))
    title: str = Field(max_length=1000)
    recipient_name: str = Field(max_length=100)
    recipient_number: str | None = Field(default=None, max_length=9)
    external_reference: str | None = Field(default=None, max_length=100)
    status: Status = Field(sa_type=choice(Status))
    changed_at: datetime = Field(sa_type=INSTANT)
    received_at: datetime = Field(sa_type=INSTANT)
    forsendelse: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    """What was sent, in the words of REST v3, without personal numbers."""
    sender_number: str | None = Field(default=None, max_length=9)
    sender_name: str | None = Field(default=None, max_length=100)


class Document(Table, table=True):
    __tablename__ = "svarut_document"

    letter: int = Field(primary_key=True, foreign_key="svarut_letter.id")
    position: int = Field(primary_key=True)
    filename: str = Field(max_length=226)
    media_type: str = Field(max_length=127)
    sha256: str = Field(max_length=64)
    size: int
    content: bytes


class Repeat(Table, table=True):
    """How often equal letters were tried, each within two days of the one before."""

    __tablename__ = "svarut_repeat"

    fingerprint: bytes = Field(primary_key=True, sa_type=sa.LargeBinary(32))
    attempts: int
    last_at: datetime = Field(sa_type=INSTANT)


class LetterMissing(NotFound):
    """SvarUT has no such letter."""


class DocumentMissing(NotFound):
    """The letter has no such document."""


class Clock:
    """SvarUT's time: ours, and what was added to it by control. In memory, as the sandbox is one process."""

    def __init__(self, pause: timedelta) -> None:
        self.pause = pause
        """Between a letter's automatic steps."""
        self.ahead = timedelta()

    def now(self) -> datetime:
        return clock.now() + self.ahead


@dataclass(frozen=True)
class Received:
    """A letter as it stands now."""

    id: UUID
    kind: Kind
    title: str
    recipient_name: str
    recipient_number: str | None
    external_reference: str | None
    status: Status
    changed_at: datetime
    received_at: datetime
    documents: tuple[dict[str, Any], ...] = ()


def attempt(session: Session, fingerprint: bytes, now: datetime) -> int:
    """Count one more attempt to send a letter. → how many there were, with this one"""
    first = insert(Repeat).values(fingerprint=fingerprint, attempts=1, last_at=now)
    counted = first.on_conflict_do_update(
        index_elements=["fingerprint"],
        set_={
            "attempts": sa.case((col(Repeat.last_at) < now - rules.REPEATED_WITHIN, 1), else_=col(Repeat.attempts) + 1),
            "last_at": now,
        },
    ).returning(col(Repeat.attempts))
    return int(session.execute(counted).scalar_one())


def add(
    session: Session,
    *,
    konto: UUID,
    kind: Kind,
    title: str,
    name: str,
    number: str | None,
    external_reference: str | None,
    described: Sequence[Described],
    parts: Sequence[Part],
    now: datetime,
    forsendelse: dict[str, Any] | None = None,
    sender_number: str | None = None,
    sender_name: str | None = None,
) -> UUID:
    letter = Letter(
        letter_id=new_id(),
        konto=konto,
        kind=kind,
        title=title,
        recipient_name=name,
        recipient_number=number,
        external_reference=external_reference,
        status=Status.MOTTATT,
        changed_at=now,
        received_at=now,
        forsendelse=forsendelse,
        sender_number=sender_number,
        sender_name=sender_name,
    )
    session.add(letter)
    session.flush()
    assert letter.id is not None
    session.add_all(
        Document(
            letter=letter.id,
            position=position,
            filename=document.filename,
            media_type=document.media_type,
            sha256=part.sha256(),
            size=len(part.content),
            content=part.content,
        )
        for position, (document, part) in enumerate(zip(described, parts, strict=True), start=1)
    )
    session.flush()
    return letter.letter_id


def ids_of(session: Session, konto: UUID, external_reference: str, known_by: datetime) -> list[UUID]:
    """Letters that an account had sent under a reference by an instant, oldest first."""
    return list(
        session.execute(
            sa.select(col(Letter.letter_id))
            .where(
                col(Letter.konto) == konto,
                col(Letter.external_reference) == external_reference,
                col(Letter.received_at) <= known_by,
            )
            .order_by(col(Letter.id))
        ).scalars()
    )


def of_account(session: Session, konto: UUID, ids: Sequence[UUID], time: Clock) -> list[Received]:
    """Those of an account's letters that exist, in no order promised."""
    return _read(session, time, col(Letter.konto) == konto, col(Letter.letter_id).in_(ids))


def by_ids(session: Session, ids: Sequence[UUID], time: Clock) -> list[Received]:
    """Letters with their documents, in no order promised."""
    return _with_documents(session, _read(session, time, col(Letter.letter_id).in_(ids)))


def newest(session: Session, time: Clock, limit: int, external_reference: str | None = None) -> list[Received]:
    """What has been received last, with its documents."""
    those = [col(Letter.external_reference) == external_reference] if external_reference else []
    return _with_documents(session, _read(session, time, *those, limit=limit))


def one(session: Session, id: UUID, time: Clock) -> Received:
    found = _with_documents(session, _read(session, time, col(Letter.letter_id) == id))
    if not found:
        raise LetterMissing(f"SvarUT has no letter {id}.")
    return found[0]


def content(session: Session, id: UUID, position: int) -> tuple[str, str, bytes]:
    """→ (file name, media type, bytes)"""
    row = session.execute(
        sa.select(col(Document.filename), col(Document.media_type), col(Document.content))
        .join(Letter, col(Document.letter) == col(Letter.id))
        .where(col(Letter.letter_id) == id, col(Document.position) == position)
    ).one_or_none()
    if row is None:
        raise DocumentMissing(f"Letter {id} has no document {position}.")
    return row.filename, row.media_type, row.content


def bring_to(session: Session, id: UUID, wanted: Status, time: Clock) -> Received:
    """Take the step that leads a letter to a status."""
    session.execute(sa.select(col(Letter.id)).where(col(Letter.letter_id) == id).with_for_update())
    letter = one(session, id, time)
    status = rules.reach(letter.status, wanted)
    session.execute(sa.update(Letter).where(col(Letter.letter_id) == id).values(status=status, changed_at=time.now()))
    return one(session, id, time)


_COLUMNS = [
    col(getattr(Letter, name))
    for name in (
        "letter_id",
        "kind",
        "title",
        "recipient_name",
        "recipient_number",
        "external_reference",
        "status",
        "changed_at",
        "received_at",
    )
]


def _read(session: Session, time: Clock, *those: sa.ColumnElement[bool], limit: int | None = None) -> list[Received]:
    rows = session.execute(sa.select(*_COLUMNS).where(*those).order_by(col(Letter.id).desc()).limit(limit))
    return [_by_now(row, time) for row in rows.mappings()]


def _by_now(row: Any, time: Clock) -> Received:
    values = dict(row)
    values["id"] = values.pop("letter_id")
    values["status"], values["changed_at"] = rules.by_now(
        row["kind"], row["status"], row["changed_at"], time.now(), time.pause
    )
    return Received(**values)


def _with_documents(session: Session, letters: Sequence[Received]) -> list[Received]:
    rows = session.execute(
        sa.select(
            col(Letter.letter_id),
            col(Document.position),
            col(Document.filename),
            col(Document.media_type),
            col(Document.sha256),
            col(Document.size),
        )
        .join(Letter, col(Document.letter) == col(Letter.id))
        .where(col(Letter.letter_id).in_([letter.id for letter in letters]))
        .order_by(col(Document.letter), col(Document.position))
    ).mappings()
    found: dict[UUID, list[dict[str, Any]]] = {}
    for row in rows:
        described = dict(row)
        found.setdefault(described.pop("letter_id"), []).append(described)
    return [replace(letter, documents=tuple(found.get(letter.id, ()))) for letter in letters]
