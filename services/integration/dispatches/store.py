"""The letters, what is in them, and all that has happened to each."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, col, select

from services.chassis import audit, feed, jobs
from services.chassis.auth import Caller
from services.chassis.clock import now
from services.chassis.db import INSTANT, JSON, choice
from services.chassis.problems import NotFound
from services.chassis.values import new_id
from services.integration.db import Table
from services.integration.dispatches import rules
from services.integration.dispatches.rules import Address, Channel, Event, Priority, State, WhenUnread

SEND_TASK = "send_letter"
JOB_PRIORITY = {Priority.NORMAL: 0, Priority.URGENT: 10}


class Dispatch(Table, table=True):
    """A letter and where it is. `version` counts its events."""

    __table_args__ = (
        sa.UniqueConstraint("organisation", "reference"),
        sa.Index("ix_dispatch_organisation_uuid", "organisation", "uuid"),
        sa.Index("ix_dispatch_state", "state", "id"),
        sa.Index("ix_dispatch_handed_over_at", "handed_over_at"),
        sa.Index(
            "ix_dispatch_offered_at",
            "offered_at",
            postgresql_where=sa.text("offered_at IS NOT NULL AND unread_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    uuid: UUID = Field(unique=True)
    organisation: str = Field(max_length=9)
    reference: str = Field(max_length=100)
    external_reference: str = Field(max_length=100, unique=True)
    """What SvarUT knows it by. All organisations send from one account there, so it is unique among them all."""
    recipient_number: str = Field(max_length=9)
    recipient_name: str = Field(max_length=100)
    address: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    """Postal, as `rules.Address` has it."""
    channel: Channel = Field(default=Channel.DIGITAL, sa_type=choice(Channel))
    priority: Priority = Field(default=Priority.NORMAL, sa_type=choice(Priority))
    when_unread: WhenUnread = Field(default=WhenUnread.NOTICE, sa_type=choice(WhenUnread))
    title: str = Field(max_length=1000)
    content_sha256: bytes = Field(sa_type=sa.LargeBinary(32))
    state: State = Field(sa_type=choice(State))
    version: int
    failures: int = 0
    """Attempts that failed, since it was queued."""
    detail: str | None = Field(default=None, max_length=2000)
    external_id: str | None = Field(default=None, max_length=80)
    external_status: str | None = Field(default=None, max_length=80)
    created_at: datetime = Field(sa_type=INSTANT)
    changed_at: datetime = Field(sa_type=INSTANT)
    queued_at: datetime = Field(sa_type=INSTANT)
    """Since when it waits, or waited, to be handed over."""
    handed_over_at: datetime | None = Field(default=None, sa_type=INSTANT)
    offered_at: datetime | None = Field(default=None, sa_type=INSTANT)
    """Since when its recipient can read it; the reading deadline runs from here."""
    unread_at: datetime | None = Field(default=None, sa_type=INSTANT)
    """When the reading deadline was found to have passed."""
    lease: UUID | None = None
    """Who is handing it over now; it holds until `leased_until` and is renewed meanwhile."""
    leased_until: datetime | None = Field(default=None, sa_type=INSTANT)


class DispatchDocument(Table, table=True):
    __tablename__ = "dispatch_document"

    dispatch_id: int = Field(primary_key=True, foreign_key="dispatch.id", sa_type=sa.BigInteger)
    position: int = Field(primary_key=True)
    filename: str = Field(max_length=rules.LONGEST_FILENAME)
    media_type: str = Field(max_length=127)
    size: int
    sha256: str = Field(max_length=64)
    content: bytes


class DispatchEvent(Table, table=True):
    """What happened to a dispatch; never edited. The first has no event: the letter came into being."""

    __tablename__ = "dispatch_event"

    dispatch_id: int = Field(primary_key=True, foreign_key="dispatch.id", sa_type=sa.BigInteger)
    version: int = Field(primary_key=True)
    event: Event | None = Field(default=None, sa_type=choice(Event))
    state: State = Field(sa_type=choice(State))
    detail: str | None = Field(default=None, max_length=2000)
    external_status: str | None = Field(default=None, max_length=80)
    occurred_at: datetime = Field(sa_type=INSTANT)
    recorded_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs={"server_default": sa.func.clock_timestamp()})


class DispatchNotFound(NotFound):
    """You have no dispatch with this id."""


class DocumentNotFound(NotFound):
    """The dispatch has no such document."""


@dataclass(frozen=True)
class NewLetter:
    reference: str
    recipient_number: str
    recipient_name: str
    title: str
    documents: Sequence[tuple[str, str, bytes]]
    """(file name, media type, content)"""
    address: Address | None = None
    channel: Channel = Channel.DIGITAL
    priority: Priority = Priority.NORMAL
    when_unread: WhenUnread = WhenUnread.NOTICE

    def sha256(self) -> bytes:
        """What makes two letters the same, whatever they are called."""
        told: list[Any] = [
            self.recipient_number,
            self.recipient_name,
            self.title,
            [[name, kind, hashlib.sha256(content).hexdigest()] for name, kind, content in self.documents],
        ]
        if self.address or self.channel is not Channel.DIGITAL:  # what did not exist before them is hashed as before
            told += [self.channel, asdict(self.address) if self.address else None]
        return hashlib.sha256(orjson.dumps(told)).digest()


def add(
    session: Session, caller: Caller | None, organisation: str, new: NewLetter, *, uuid: UUID | None = None
) -> tuple[Dispatch, bool]:
    """Keep a letter. → it, and whether it is new; the same letter under the same reference is the one that was there.

    SvarUT gets the caller's reference, unless another organisation uses the same; then the dispatch's id."""
    id = uuid or new_id()
    row = None
    for external_reference in (new.reference, str(id)):
        row = row or _insert(session, organisation, new, id, external_reference)
        if row is None and (known := _by_reference(session, organisation, new.reference)):
            if known.content_sha256 != new.sha256():
                raise rules.ReferenceTaken(
                    f"Dispatch {known.uuid} has other content. Use another reference.", pointer="#/reference"
                )
            return known, False
    assert row
    assert row.id
    session.add_all(
        DispatchDocument(
            dispatch_id=row.id,
            position=position,
            filename=filename,
            media_type=media_type,
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            content=content,
        )
        for position, (filename, media_type, content) in enumerate(new.documents, 1)
    )
    _record(session, caller, row, None, row.created_at)
    return row, True


def enqueue(session: Session, row: Dispatch) -> None:
    """Have a worker hand it over, if this transaction is committed; urgent letters before all others."""
    jobs.defer(session, SEND_TASK, priority=JOB_PRIORITY[row.priority], dispatch=str(row.uuid))


def _insert(
    session: Session, organisation: str, new: NewLetter, uuid: UUID, external_reference: str
) -> Dispatch | None:
    instant = now()
    row = Dispatch(
        uuid=uuid,
        organisation=organisation,
        reference=new.reference,
        external_reference=external_reference,
        recipient_number=new.recipient_number,
        recipient_name=new.recipient_name,
        address=asdict(new.address) if new.address else None,
        channel=new.channel,
        priority=new.priority,
        when_unread=new.when_unread,
        title=new.title,
        content_sha256=new.sha256(),
        state=State.QUEUED,
        version=1,
        created_at=instant,
        changed_at=instant,
        queued_at=instant,
    )
    values = row.model_dump(exclude={"id"})
    id = session.execute(
        insert(Dispatch).values(values).on_conflict_do_nothing().returning(col(Dispatch.id))
    ).scalar_one_or_none()
    return session.get_one(Dispatch, id) if id else None


def _by_reference(session: Session, organisation: str, reference: str) -> Dispatch | None:
    where = col(Dispatch.organisation) == organisation, col(Dispatch.reference) == reference
    return session.exec(select(Dispatch).where(*where)).one_or_none()


def by_uuid(session: Session, uuid: UUID, organisation: str) -> Dispatch:
    """A dispatch of this organisation; for all others there is none."""
    where = col(Dispatch.uuid) == uuid, col(Dispatch.organisation) == organisation
    found = session.exec(select(Dispatch).where(*where)).one_or_none()
    if found is None:
        raise DispatchNotFound(f"No dispatch {uuid} among yours.")
    return found


def locked(session: Session, uuid: UUID) -> Dispatch:
    """For changes: everyone who changes a dispatch waits for its row."""
    query = select(Dispatch).where(col(Dispatch.uuid) == uuid)
    return session.exec(query.with_for_update().execution_options(populate_existing=True)).one()


def page(
    session: Session, organisation: str, after: UUID | None, limit: int, *, reference: str | None, state: State | None
) -> Sequence[Dispatch]:
    """Newest first; one more than `limit`, if there is."""
    query = select(Dispatch).where(col(Dispatch.organisation) == organisation)
    if after:
        query = query.where(col(Dispatch.uuid) < after)
    if reference:
        query = query.where(col(Dispatch.reference) == reference)
    if state:
        query = query.where(col(Dispatch.state) == state)
    return session.exec(query.order_by(col(Dispatch.uuid).desc()).limit(limit + 1)).all()


_DESCRIBED = [
    col(getattr(DispatchDocument, name))
    for name in ("dispatch_id", "position", "filename", "media_type", "size", "sha256")
]


def documents(session: Session, ids: Sequence[int]) -> dict[int, list[Any]]:
    """What is in the letters, without the content."""
    here = col(DispatchDocument.dispatch_id)
    query = sa.select(*_DESCRIBED).where(here.in_(ids)).order_by(here, col(DispatchDocument.position))
    return _grouped(session.execute(query).all())


def events(session: Session, ids: Sequence[int]) -> dict[int, list[Any]]:
    """What happened to the letters, oldest first."""
    here = col(DispatchEvent.dispatch_id)
    query = select(DispatchEvent).where(here.in_(ids)).order_by(here, col(DispatchEvent.version))
    return _grouped(session.exec(query).all())


def _grouped(rows: Sequence[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.dispatch_id, []).append(row)
    return found


def content(session: Session, row: Dispatch, position: int) -> DispatchDocument:
    found = session.get(DispatchDocument, (row.id, position))
    if found is None:
        raise DocumentNotFound(f"It has no document {position}.")
    return found


def move(
    session: Session,
    caller: Caller | None,
    row: Dispatch,
    event: Event,
    *,
    detail: str | None = None,
    occurred_at: datetime | None = None,
) -> None:
    """One step of the state table for a locked dispatch, told to the feed; `detail` says why it is where it is."""
    row.state = rules.after(row.state, event)
    row.version += 1
    row.detail = detail
    row.changed_at = now()
    if event is Event.HAND_OVER:
        row.handed_over_at = row.changed_at
    elif row.state is State.NOTIFIED:
        row.offered_at = min(occurred_at or row.changed_at, row.changed_at)
    _record(session, caller, row, event, occurred_at or row.changed_at)


def note(session: Session, row: Dispatch, event: Event, *, detail: str, occurred_at: datetime | None = None) -> None:
    """Something that happened to a locked dispatch without moving it."""
    row.version += 1
    row.changed_at = now()
    _record(session, None, row, event, occurred_at or row.changed_at, detail=detail, moved=False)


def hear(session: Session, uuid: UUID, external_id: str, status: str, changed_at: datetime | None) -> rules.News:
    """What SvarUT says of a letter; a status that it had before is no news."""
    row = locked(session, uuid)
    if row.external_id != external_id or row.external_status == status:
        return rules.News()
    row.external_status = status
    said, told = rules.news(row.state, status), f"SvarUT: {status}"
    for step in said.steps:
        move(session, None, row, step, detail=told, occurred_at=changed_at)
    if said.noted:
        note(session, row, said.noted, detail=told, occurred_at=changed_at)
    elif not said.steps:
        audit.record(session, None, "dispatch.hear", path(uuid), external_status=status)
    return said


def queue_again(session: Session, caller: Caller | None, row: Dispatch, detail: str | None) -> None:
    """An administrator's new try, with all attempts to use. A letter that SvarUT failed to deliver is left behind."""
    move(session, caller, row, Event.RETRY, detail=detail)
    queue(session, row)


def queue(session: Session, row: Dispatch) -> None:
    """Have a letter handed over anew that has just been moved back into the queue."""
    row.failures, row.external_id, row.external_status, row.queued_at = 0, None, None, row.changed_at
    row.handed_over_at = row.offered_at = None
    enqueue(session, row)


def must_be_free(session: Session, row: Dispatch) -> None:
    """Refuse to decide on a letter while a worker hands it over."""
    if row.lease and _seconds_until(session, row.leased_until) > 0:
        raise rules.BeingHandedOver("Ask again in a moment.")


def followed(session: Session, after_id: int, limit: int) -> Sequence[Any]:
    """Letters that SvarUT has and may still tell something of: rows of id, uuid, external_id."""
    query = (
        sa.select(col(Dispatch.id), col(Dispatch.uuid), col(Dispatch.external_id))
        .where(
            col(Dispatch.state).in_(rules.FOLLOWED),
            col(Dispatch.external_id).is_not(None),
            sa.or_(col(Dispatch.external_status).is_(None), col(Dispatch.external_status).not_in(rules.LAST_STATUSES)),
            col(Dispatch.id) > after_id,
        )
        .order_by(col(Dispatch.id))
        .limit(limit)
    )
    return session.execute(query).all()


def _seconds_until(session: Session, instant: datetime | None) -> float:
    """By the database's clock, which all workers share; 0 when it has passed."""
    if instant is None:
        return 0.0
    there = session.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    return max(0.0, float((instant - there).total_seconds()))


def _record(
    session: Session,
    caller: Caller | None,
    row: Dispatch,
    event: Event | None,
    occurred_at: datetime,
    *,
    detail: str | None = None,
    moved: bool = True,
) -> None:
    told = row.detail if moved else detail
    assert row.id
    session.add(
        DispatchEvent(
            dispatch_id=row.id,
            version=row.version,
            event=event,
            state=row.state,
            detail=told,
            external_status=row.external_status,
            occurred_at=occurred_at,
            recorded_at=now(),
        )
    )
    session.flush()
    audit.record(
        session,
        caller,
        f"dispatch.{event or 'add'}",
        path(row.uuid),
        status=row.state,
        version=row.version,
        detail=told,
    )
    if moved or event is Event.UNREAD:
        feed.tell(
            session,
            f"dispatch.{row.state if moved else event}",
            path(row.uuid),
            row.organisation,
            id=str(row.uuid),
            reference=row.reference,
            status=row.state,
            event=event,
            external_id=row.external_id,
            external_status=row.external_status,
            version=row.version,
            occurred_at=occurred_at.isoformat(),
            detail=told,
        )


def path(uuid: UUID) -> str:
    return f"/dispatches/{uuid}"
