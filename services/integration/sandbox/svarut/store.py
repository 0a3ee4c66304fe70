"""The letters that SvarUT has received, their documents, and what has happened to them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, col

from services.chassis.db import INSTANT, JSON, choice
from services.chassis.problems import NotFound
from services.chassis.values import new_id
from services.integration.sandbox.db import Table
from services.integration.sandbox.svarut import rules
from services.integration.sandbox.svarut.rules import Channel, Course, Described, Kind, Part, Status
from services.integration.sandbox.svarut_time.store import Clock


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
    channel: Channel = Field(sa_type=choice(Channel))
    digital_only: bool = False
    forwards_unread: bool = True
    fate: Status | None = Field(default=None, sa_type=choice(Status))
    defect: str | None = Field(default=None, max_length=300)
    """Why it was, or will be, rejected."""
    before_deletion: Status | None = Field(default=None, sa_type=choice(Status))
    files_deleted_at: datetime | None = Field(default=None, sa_type=INSTANT)


class Event(Table, table=True):
    """What is told of a letter beside its automatic steps, which are known from its course."""

    __tablename__ = "svarut_event"

    id: int | None = Field(default=None, primary_key=True)
    letter: int = Field(foreign_key="svarut_letter.id", index=True)
    at: datetime = Field(sa_type=INSTANT)
    text: str = Field(max_length=500)


class Document(Table, table=True):
    __tablename__ = "svarut_document"

    letter: int = Field(primary_key=True, foreign_key="svarut_letter.id")
    position: int = Field(primary_key=True)
    filename: str = Field(max_length=226)
    media_type: str = Field(max_length=127)
    sha256: str = Field(max_length=64)
    size: int
    content: bytes
    fetched_at: datetime | None = Field(default=None, sa_type=INSTANT)
    """When its recipient had it."""


class LetterMissing(NotFound):
    """SvarUT has no such letter."""


class DocumentMissing(NotFound):
    """The letter has no such document."""


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
    course: Course
    before_deletion: Status | None = None
    defect: str | None = None
    sender_number: str | None = None
    sender_name: str | None = None
    documents: tuple[dict[str, Any], ...] = ()


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
    id: UUID | None = None,
    forsendelse: dict[str, Any] | None = None,
    sender_number: str | None = None,
    sender_name: str | None = None,
    course: Course | None = None,
    defect: str | None = None,
) -> UUID:
    """`id` is the one that the sender has chosen; it is used once. Without a course an organisation's letter waits in
    SvarInn."""
    course = course or Course(Channel.SVARINN)
    row = {
        "letter_id": id or new_id(),
        "konto": konto,
        "kind": kind,
        "title": title,
        "recipient_name": name,
        "recipient_number": number,
        "external_reference": external_reference,
        "status": Status.MOTTATT,
        "changed_at": now,
        "received_at": now,
        "forsendelse": forsendelse,
        "sender_number": sender_number,
        "sender_name": sender_name,
        "channel": course.channel,
        "digital_only": course.digital_only,
        "forwards_unread": course.forwards_unread,
        "fate": course.fate,
        "defect": defect,
    }
    made = session.execute(
        insert(Letter).values(row).on_conflict_do_nothing().returning(col(Letter.id), col(Letter.letter_id))
    ).one_or_none()
    if made is None:
        raise rules.LetterIdUsed
    session.add_all(
        Document(
            letter=made.id,
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
    return UUID(str(made.letter_id))


def sent_under(session: Session, konto: UUID, external_reference: str, known_by: datetime) -> list[Any]:
    """Letters that an account had sent under a reference by an instant, oldest first: rows of letter_id, received_at
    and forsendelse."""
    return list(
        session.execute(
            sa.select(col(Letter.letter_id), col(Letter.received_at), col(Letter.forsendelse))
            .where(
                col(Letter.konto) == konto,
                col(Letter.external_reference) == external_reference,
                col(Letter.received_at) <= known_by,
            )
            .order_by(col(Letter.id))
        )
    )


def of_account(session: Session, konto: UUID, ids: Sequence[UUID], time: Clock) -> list[Received]:
    """Those of an account's letters that exist, in no order promised."""
    return _read(session, time, col(Letter.konto) == konto, col(Letter.letter_id).in_(ids))


def by_ids(session: Session, ids: Sequence[UUID], time: Clock) -> list[Received]:
    """Letters with their documents, in no order promised."""
    return _with_documents(session, _read(session, time, col(Letter.letter_id).in_(ids)))


def konto_of(session: Session, id: UUID) -> UUID:
    """The account that a letter was sent from."""
    found = session.execute(sa.select(col(Letter.konto)).where(col(Letter.letter_id) == id)).scalar_one_or_none()
    if found is None:
        raise LetterMissing(f"Forsendelsen {id} finnes ikke")
    return UUID(str(found))


def lock(session: Session, id: UUID) -> None:
    """Nobody else changes the letter until the end of the transaction."""
    session.execute(sa.select(col(Letter.id)).where(col(Letter.letter_id) == id).with_for_update())


def forsendelse(session: Session, id: UUID) -> dict[str, Any]:
    """What was sent, in the words of REST v3; empty when it has been deleted."""
    return dict(session.execute(sa.select(col(Letter.forsendelse)).where(col(Letter.letter_id) == id)).scalar() or {})


def newest(
    session: Session,
    time: Clock,
    limit: int,
    external_reference: str | None = None,
    recipient_number: str | None = None,
) -> list[Received]:
    """What has been received last, with its documents."""
    those = [col(Letter.external_reference) == external_reference] if external_reference else []
    if recipient_number:
        those.append(col(Letter.recipient_number) == recipient_number)
    return _with_documents(session, _read(session, time, *those, limit=limit))


def one(session: Session, id: UUID, time: Clock) -> Received:
    found = _with_documents(session, _read(session, time, col(Letter.letter_id) == id))
    if not found:
        raise LetterMissing(f"Forsendelsen {id} finnes ikke")
    return found[0]


def with_description(
    letter: Received, described: Sequence[dict[str, Any]]
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """A letter's documents, each with what its metadata said of it."""
    return [(one, dict(*described[number : number + 1])) for number, one in enumerate(letter.documents)]


def content(session: Session, id: UUID, position: int) -> tuple[str, str, bytes]:
    """→ (file name, media type, bytes)"""
    row = session.execute(
        sa.select(col(Document.filename), col(Document.media_type), col(Document.content))
        .join(Letter, col(Document.letter) == col(Letter.id))
        .where(col(Letter.letter_id) == id, col(Document.position) == position, col(Letter.files_deleted_at).is_(None))
    ).one_or_none()
    if row is None:
        raise DocumentMissing(f"Letter {id} has no document {position}.")
    return row.filename, row.media_type, row.content


def bring_to(session: Session, id: UUID, wanted: Status, time: Clock, told: str | None = None) -> Received:
    """Take the step that leads a letter to a status. `told` stands in its history for it."""
    key, letter = _settled(session, id, time)
    status, now = rules.reach(letter.status, wanted), time.now(session)
    values: dict[str, Any] = {"status": status, "changed_at": now}
    if status is Status.SLETTET:
        values["before_deletion"] = letter.status
    session.execute(sa.update(Letter).where(col(Letter.id) == key).values(values))
    _tell(session, key, [(told, now)] if told else [(text, now) for text in rules.TOLD[status]])
    return one(session, id, time)


def mark_read(session: Session, id: UUID, time: Clock, system: str | None) -> None:
    """Read in another system, by name; unless it is read already, or too late for that."""
    _, letter = _settled(session, id, time)
    if letter.status is Status.LEST:
        return
    if (letter.status, rules.Step.READ) not in rules.MOVES:
        raise rules.ContentRefused(f"Forsendelsen kan ikke settes som lest fra {letter.status}")
    bring_to(session, id, Status.LEST, time, f"Lest i {system or 'eksternt system'}")


def fetch(session: Session, id: UUID, position: int, time: Clock) -> tuple[str, str, bytes]:
    """A document, as its recipient has it: whoever has had all of them has read the letter. → as `content`"""
    found = content(session, id, position)
    key, letter = _settled(session, id, time)
    this = sa.update(Document).where(col(Document.letter) == key, col(Document.position) == position)
    session.execute(this.values(fetched_at=sa.func.coalesce(col(Document.fetched_at), time.now(session))))
    unread = sa.exists().where(col(Document.letter) == key, col(Document.fetched_at).is_(None))
    if not session.execute(sa.select(unread)).scalar() and (letter.status, rules.Step.READ) in rules.MOVES:
        bring_to(session, id, Status.LEST, time)
    return found


def delete(session: Session, id: UUID, time: Clock, *, everything: bool) -> None:
    """The files or, with `everything`, most of what is known of the letter as well. Twice is as once."""
    key, letter = _settled(session, id, time)
    session.execute(sa.update(Document).where(col(Document.letter) == key).values(content=b""))
    here = sa.update(Letter).where(col(Letter.id) == key)
    session.execute(here.values(files_deleted_at=sa.func.coalesce(col(Letter.files_deleted_at), time.now(session))))
    if everything and letter.status is not Status.SLETTET:
        bring_to(session, id, Status.SLETTET, time)
        session.execute(sa.delete(Document).where(col(Document.letter) == key))
        session.execute(here.values(forsendelse=None, title="(slettet)"))


def history(session: Session, id: UUID, time: Clock) -> list[tuple[str, datetime]]:
    """What has happened to a letter, oldest first."""
    row = session.execute(
        sa.select(col(Letter.id), col(Letter.received_at), *_COLUMNS).where(col(Letter.letter_id) == id)
    ).one()
    told = session.execute(
        sa.select(col(Event.text), col(Event.at)).where(col(Event.letter) == row.id).order_by(col(Event.id))
    )
    first = [(text, row.received_at) for text in rules.TOLD[Status.MOTTATT]]
    return [*first, *((one.text, one.at) for one in told), *_by_itself(row, time.now(session), time)]


def note(session: Session, id: UUID, time: Clock, text: str) -> None:
    """Something to stand in a letter's history."""
    key, _ = _settled(session, id, time)
    _tell(session, key, [(text, time.now(session))])


def _settled(session: Session, id: UUID, time: Clock) -> tuple[int, Received]:
    """A letter, locked, where its automatic steps until now are written down. → (its key, it)"""
    row = session.execute(
        sa.select(col(Letter.id), *_COLUMNS).where(col(Letter.letter_id) == id).with_for_update()
    ).one_or_none()
    if row is None:
        raise LetterMissing(f"Forsendelsen {id} finnes ikke")
    now = time.now(session)
    letter = _by_now(row, now, time)
    if letter.status is not row.status:
        _tell(session, row.id, _by_itself(row, now, time))
        values = {"status": letter.status, "changed_at": letter.changed_at}
        session.execute(sa.update(Letter).where(col(Letter.id) == row.id).values(values))
    return row.id, letter


def _tell(session: Session, key: int, told: Iterable[tuple[str, datetime]]) -> None:
    session.add_all(Event(letter=key, text=text[:500], at=at) for text, at in told)
    session.flush()


def _by_itself(row: Any, now: datetime, time: Clock) -> list[tuple[str, datetime]]:
    return [
        (f"{text}: {row.defect}" if status is Status.AVVIST and row.defect else text, at)
        for status, at in rules.passed(_course(row), row.status, row.changed_at, now, time.pause)
        for text in rules.TOLD[status]
    ]


def _course(row: Any) -> Course:
    return Course(row.channel, row.digital_only, row.forwards_unread, row.fate)


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
        "channel",
        "digital_only",
        "forwards_unread",
        "fate",
        "before_deletion",
        "defect",
        "sender_number",
        "sender_name",
    )
]
_OF_COURSE = ("channel", "digital_only", "forwards_unread", "fate")


def _read(session: Session, time: Clock, *those: sa.ColumnElement[bool], limit: int | None = None) -> list[Received]:
    now = time.now(session)
    rows = session.execute(sa.select(*_COLUMNS).where(*those).order_by(col(Letter.id).desc()).limit(limit))
    return [_by_now(row, now, time) for row in rows]


def _by_now(row: Any, now: datetime, time: Clock) -> Received:
    course = _course(row)
    values = {name: value for name, value in row._mapping.items() if name not in _OF_COURSE}
    values.pop("id", None)
    values["id"] = values.pop("letter_id")
    values["status"], values["changed_at"] = rules.by_now(course, row.status, row.changed_at, now, time.pause)
    return Received(course=course, **values)


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
