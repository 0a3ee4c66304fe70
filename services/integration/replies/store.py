"""The replies, what is in them, and when each account at SvarInn is looked at next."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, col, select

from services.chassis import audit, feed
from services.chassis.auth import Caller
from services.chassis.clock import now
from services.chassis.db import INSTANT, JSON, choice
from services.chassis.problems import NotFound
from services.chassis.values import new_id
from services.integration.attempts.store import Attempt
from services.integration.db import Table
from services.integration.dispatches.store import Dispatch
from services.integration.replies import rules
from services.integration.replies.rules import Document, Event, Listed, State

LATE = timedelta(days=7)
"""For so long a reply may find its letter after it came: one that SvarUT took without our knowing yet."""


class Reply(Table, table=True):
    """A letter to us. `external_id` is SvarUT's; with it a letter that is listed again is the one that was there."""

    __table_args__ = (
        sa.Index("ix_reply_organisation_uuid", "organisation", "uuid"),
        sa.Index("ix_reply_account_state", "account", "state"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    uuid: UUID = Field(unique=True)
    external_id: UUID = Field(unique=True)
    account: str = Field(max_length=100)
    organisation: str = Field(max_length=9)
    """Whose it is: the sender of the letter that it answers, or whom it is addressed to."""
    dispatch_id: int | None = Field(default=None, foreign_key="dispatch.id", index=True, sa_type=sa.BigInteger)
    recipient_number: str | None = Field(default=None, max_length=9)
    sender_name: str | None = Field(default=None, max_length=200)
    sender_number: str | None = Field(default=None, max_length=9)
    title: str = Field(max_length=1000)
    letter_type: str | None = Field(default=None, max_length=100)
    answers_to: UUID | None = None
    reference: str | None = Field(default=None, max_length=100)
    sender_case: dict[str, Any] = Field(sa_type=JSON)
    state: State = Field(sa_type=choice(State))
    detail: str | None = Field(default=None, max_length=2000)
    failures: int = 0
    sent_at: datetime | None = Field(default=None, sa_type=INSTANT)
    listed_at: datetime = Field(sa_type=INSTANT)
    received_at: datetime | None = Field(default=None, sa_type=INSTANT)
    told_at: datetime | None = Field(default=None, sa_type=INSTANT)
    """When SvarInn was told of the state: that we have it, or that we could not take it."""


class ReplyDocument(Table, table=True):
    __tablename__ = "reply_document"

    reply_id: int = Field(primary_key=True, foreign_key="reply.id", sa_type=sa.BigInteger)
    position: int = Field(primary_key=True)
    filename: str = Field(max_length=rules.LONGEST_FILENAME)
    media_type: str = Field(max_length=127)
    size: int
    sha256: str = Field(max_length=64)
    content: bytes


class Account(Table, table=True):
    """An account at SvarInn: only one worker looks at it at a time, and not before `next_look_at`."""

    __tablename__ = "svarinn_account"

    user_name: str = Field(primary_key=True, max_length=100)
    leased_until: datetime | None = Field(default=None, sa_type=INSTANT)
    next_look_at: datetime = Field(sa_type=INSTANT)
    failures: int = 0
    detail: str | None = Field(default=None, max_length=500)


class ReplyNotFound(NotFound):
    """You have no reply with this id."""


class ReplyDocumentNotFound(NotFound):
    """The reply has no such document."""


def claim(session: Session, user: str, lease_seconds: float) -> bool:
    """Take an account that is due and that no other worker looks at; a lost worker's lease ends by itself."""
    session.execute(insert(Account).values(user_name=user, next_look_at=_CLOCK, failures=0).on_conflict_do_nothing())
    claimed = (
        sa.update(Account)
        .where(
            col(Account.user_name) == user,
            col(Account.next_look_at) <= _CLOCK,
            sa.or_(col(Account.leased_until).is_(None), col(Account.leased_until) <= _CLOCK),
        )
        .values(leased_until=_CLOCK + _seconds(lease_seconds))
        .returning(col(Account.user_name))
    )
    return session.execute(claimed).first() is not None


def renew(session: Session, user: str, lease_seconds: float) -> None:
    until = _CLOCK + _seconds(lease_seconds)
    session.execute(sa.update(Account).where(col(Account.user_name) == user).values(leased_until=until))


def looked(session: Session, user: str, next_in: float) -> None:
    """The look came to its end; the next is due in so many seconds."""
    values = {"leased_until": None, "next_look_at": _CLOCK + _seconds(next_in), "failures": 0, "detail": None}
    session.execute(sa.update(Account).where(col(Account.user_name) == user).values(values))


def look_failed(session: Session, user: str, detail: str, longest: float) -> int:
    """SvarInn is away, or does not let us in: longer and longer until the next look. → how many failed in a row"""
    row = session.exec(select(Account).where(col(Account.user_name) == user).with_for_update()).one()
    row.failures, row.detail, row.leased_until = row.failures + 1, detail[:500], None
    row.next_look_at = _now(session) + timedelta(seconds=rules.wait_after(row.failures, longest))
    return row.failures


def note(
    session: Session,
    account: str,
    organisation: str,
    listed: Sequence[Listed],
    *,
    uuids: Mapping[UUID, UUID] = MappingProxyType({}),
) -> list[Reply]:
    """Keep what is listed and not known yet, as waiting; `organisation` gets what is addressed to nobody, and `uuids`
    are ours for SvarUT's ids, where they are to be known. → the rows of all that is listed, in the list's order"""
    instant, here = now(), col(Reply.external_id).in_([one.id for one in listed])
    known = set(session.exec(select(col(Reply.external_id)).where(here)).all())
    for one in listed:
        if one.id in known:
            continue
        linked = _answered(session, one.answers_to, one.reference, one.sender_number)
        row = Reply(
            uuid=uuids.get(one.id) or new_id(),
            external_id=one.id,
            account=account,
            organisation=linked.organisation if linked else one.recipient_number or organisation,
            dispatch_id=linked.id if linked else None,
            recipient_number=one.recipient_number,
            sender_name=one.sender_name,
            sender_number=one.sender_number,
            title=one.title,
            letter_type=one.letter_type,
            answers_to=one.answers_to,
            reference=one.reference,
            sender_case=dict(one.case),
            state=State.WAITING,
            sent_at=one.sent_at,
            listed_at=instant,
        )
        session.execute(insert(Reply).values(row.model_dump(exclude={"id"})).on_conflict_do_nothing())
    rows = session.exec(select(Reply).where(here)).all()
    order = {one.id: place for place, one in enumerate(listed)}
    return sorted(rows, key=lambda row: order[row.external_id])


def _answered(
    session: Session, answers_to: UUID | None, reference: str | None, sender_number: str | None
) -> Dispatch | None:
    """The letter that is answered: by SvarUT's id of it, which only its recipient knows; or by our reference, if it
    comes from whom the letter went to."""
    here = col(Dispatch.external_id)
    if answers_to:
        tried = select(col(Attempt.dispatch_id)).where(col(Attempt.external_id) == str(answers_to))
        query = select(Dispatch).where(sa.or_(here == str(answers_to), col(Dispatch.id).in_(tried)))
        if found := session.exec(query.order_by(col(Dispatch.id)).limit(1)).first():
            return found
    if reference and sender_number:
        same = col(Dispatch.external_reference) == reference, col(Dispatch.recipient_number) == sender_number
        return session.exec(select(Dispatch).where(*same)).first()
    return None


def link_late(session: Session, account: str) -> None:
    """Replies that came before we knew that SvarUT has the letter find it now, and its sender is told."""
    late = (
        select(Reply)
        .where(
            col(Reply.account) == account,
            col(Reply.state) == State.RECEIVED,
            col(Reply.dispatch_id).is_(None),
            col(Reply.listed_at) > now() - LATE,
            sa.or_(col(Reply.answers_to).is_not(None), col(Reply.reference).is_not(None)),
        )
        .order_by(col(Reply.id))
    )
    for row in session.exec(late.limit(200).with_for_update(skip_locked=True)).all():
        if found := _answered(session, row.answers_to, row.reference, row.sender_number):
            row.dispatch_id, row.organisation = found.id, found.organisation
            session.flush()
            audit.record(session, None, "reply.link", path(row.uuid), dispatch=str(found.uuid))
            _tell(session, row, "reply.received")


def receive(session: Session, uuid: UUID, documents: Iterable[Document]) -> bool:
    """Keep a waiting reply's documents, one after the other; → False when another worker was first."""
    row = locked(session, uuid)
    if row.state is not State.WAITING:
        return False
    for position, one in enumerate(documents, start=1):
        values = {
            "reply_id": row.id,
            "position": position,
            "filename": one.filename,
            "media_type": one.media_type,
            "size": len(one.content),
            "sha256": one.sha256,
            "content": one.content,
        }
        session.execute(insert(ReplyDocument), values)
    row.received_at = now()
    _move(session, None, row, Event.RECEIVE, None)
    _tell(session, row, "reply.received")
    return True


def fail(session: Session, uuid: UUID, why: str) -> None:
    """A reply that cannot be read waits for an administrator."""
    row = locked(session, uuid)
    if row.state is State.WAITING:
        _move(session, None, row, Event.FAIL, why)
        _tell(session, row, "reply.failed")


def put_off(session: Session, uuid: UUID, why: str, most: int | None) -> None:
    """A reply did not come through; it is tried again, at most so many times, and after the others."""
    row = locked(session, uuid)
    row.failures, row.detail = row.failures + 1, why[:2000]
    if most and row.failures >= most and row.state is State.WAITING:
        _move(session, None, row, Event.FAIL, f"Given up after {row.failures} attempts: {why}")
        _tell(session, row, "reply.failed")


def retry(session: Session, caller: Caller, row: Reply, reason: str | None) -> None:
    """Failed → waiting; its account is looked at now."""
    _move(session, caller, row, Event.RETRY, reason)
    row.failures = 0
    session.execute(sa.update(Account).where(col(Account.user_name) == row.account).values(next_look_at=_CLOCK))


def give_up(session: Session, caller: Caller, row: Reply, reason: str | None) -> None:
    _move(session, caller, row, Event.GIVE_UP, reason)


def untold(session: Session, account: str) -> list[Reply]:
    """What SvarInn does not know yet, oldest first."""
    query = select(Reply).where(
        col(Reply.account) == account, col(Reply.state) != State.WAITING, col(Reply.told_at).is_(None)
    )
    return list(session.exec(query.order_by(col(Reply.id))).all())


def told(session: Session, uuid: UUID, state: State) -> None:
    """SvarInn knows; unless it was decided otherwise meanwhile."""
    row = locked(session, uuid)
    if row.state is state:
        row.told_at = now()
        audit.record(session, None, "reply.tell", path(uuid), status=state)


def by_uuid(session: Session, uuid: UUID, organisation: str) -> Reply:
    """A reply of this organisation; for all others there is none."""
    where = col(Reply.uuid) == uuid, col(Reply.organisation) == organisation
    found = session.exec(select(Reply).where(*where)).one_or_none()
    if found is None:
        raise ReplyNotFound(f"No reply {uuid} among yours.")
    return found


def locked(session: Session, uuid: UUID) -> Reply:
    query = select(Reply).where(col(Reply.uuid) == uuid)
    return session.exec(query.with_for_update().execution_options(populate_existing=True)).one()


def page(
    session: Session, organisation: str, after: UUID | None, limit: int, *, dispatch: UUID | None, state: State | None
) -> Sequence[Reply]:
    """Newest first; one more than `limit`, if there is."""
    query = select(Reply).where(col(Reply.organisation) == organisation)
    if after:
        query = query.where(col(Reply.uuid) < after)
    if state:
        query = query.where(col(Reply.state) == state)
    if dispatch:
        query = query.where(col(Reply.dispatch_id).in_(select(col(Dispatch.id)).where(col(Dispatch.uuid) == dispatch)))
    return session.exec(query.order_by(col(Reply.uuid).desc()).limit(limit + 1)).all()


def documents(session: Session, ids: Sequence[int]) -> dict[int, list[Any]]:
    """What is in the replies, without the content."""
    here = col(ReplyDocument.reply_id)
    columns = [
        col(getattr(ReplyDocument, name))
        for name in ("reply_id", "position", "filename", "media_type", "size", "sha256")
    ]
    found: dict[int, list[Any]] = {}
    query = sa.select(*columns).where(here.in_(ids)).order_by(here, col(ReplyDocument.position))
    for row in session.execute(query):
        found.setdefault(row.reply_id, []).append(row)
    return found


def dispatches(session: Session, ids: Sequence[int]) -> Mapping[int, Any]:
    """By key: the uuid and reference of letters that are answered."""
    query = sa.select(col(Dispatch.id), col(Dispatch.uuid), col(Dispatch.reference)).where(col(Dispatch.id).in_(ids))
    return {row.id: row for row in session.execute(query)}


def content(session: Session, row: Reply, position: int) -> ReplyDocument:
    found = session.get(ReplyDocument, (row.id, position))
    if found is None:
        raise ReplyDocumentNotFound(f"It has no document {position}.")
    return found


def counts(session: Session) -> dict[str, int]:
    """How many replies are in each state."""
    rows = session.execute(sa.select(col(Reply.state), sa.func.count()).group_by(col(Reply.state)))
    return {state: int(number) for state, number in rows}


def path(uuid: UUID) -> str:
    return f"/replies/{uuid}"


_CLOCK = sa.func.clock_timestamp()
"""The database's, which all workers share."""


def _seconds(number: float) -> Any:
    return sa.func.make_interval(0, 0, 0, 0, 0, 0, number)


def _now(session: Session) -> datetime:
    found = session.execute(sa.select(_CLOCK)).scalar_one()
    assert isinstance(found, datetime)
    return found


def _move(session: Session, caller: Caller | None, row: Reply, event: Event, detail: str | None) -> None:
    row.state = rules.after(row.state, event)
    row.detail = detail[:2000] if detail else None
    row.told_at = None
    session.flush()
    audit.record(session, caller, f"reply.{event}", path(row.uuid), status=row.state, detail=row.detail)


def _tell(session: Session, row: Reply, kind: str) -> None:
    answered = dispatches(session, [row.dispatch_id]).get(row.dispatch_id) if row.dispatch_id else None
    feed.tell(
        session,
        kind,
        path(row.uuid),
        row.organisation,
        id=str(row.uuid),
        dispatch=str(answered.uuid) if answered else None,
        reference=answered.reference if answered else None,
        title=row.title,
        sender_name=row.sender_name,
        sender_organisation_number=row.sender_number,
        status=row.state,
        detail=row.detail,
        received_at=row.received_at.isoformat() if row.received_at else None,
        documents=[
            {"position": one.position, "filename": one.filename, "media_type": one.media_type, "size": one.size}
            for one in documents(session, [row.id or 0]).get(row.id or 0, [])
        ],
    )
