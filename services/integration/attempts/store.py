"""Who is handing over which letter, and what every attempt came to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from services.chassis import audit
from services.chassis.db import INSTANT, Database, choice
from services.integration.attempts.rules import IN_THE_DARK, Verdict
from services.integration.db import Table
from services.integration.dispatches import store as dispatches
from services.integration.dispatches.rules import Event, State

LOST = "The worker was lost in the middle of handing it over."
PIECE = 1024 * 1024
"""Bytes of a document that are read, and kept in memory, at a time."""


class Attempt(Table, table=True):
    """Without a verdict nobody knows yet what became of it."""

    __table_args__ = (
        sa.Index("ix_attempt_started_at", "started_at", postgresql_where=sa.text("external_id IS NOT NULL")),
    )

    dispatch_id: int = Field(primary_key=True, foreign_key="dispatch.id", sa_type=sa.BigInteger)
    number: int = Field(primary_key=True)
    started_at: datetime = Field(sa_type=INSTANT)
    finished_at: datetime | None = Field(default=None, sa_type=INSTANT)
    verdict: Verdict | None = Field(default=None, sa_type=choice(Verdict))
    detail: str | None = Field(default=None, max_length=2000)
    external_id: str | None = Field(default=None, max_length=80)


class HeldByAnother(Exception):
    """Another worker is handing it over."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"for {seconds:.1f} s at most")
        self.seconds = seconds


@dataclass(frozen=True)
class Claim:
    """A letter that this worker alone may hand over as long as it renews the lease."""

    lease: UUID
    row: dispatches.Dispatch
    """As it was when it was claimed."""
    number: int
    """Of the latest attempt; 0 before the first."""
    last: Verdict | None
    """What the latest attempt came to."""
    ended_at: datetime | None
    """When that was known."""
    since: float
    """Seconds since it ended."""
    begun: bool
    """The next attempt is written down already."""
    known: frozenset[str]
    """SvarUT's ids of this letter from earlier tries that an administrator has left behind."""

    @property
    def decided(self) -> bool:
        """An administrator has put it back into the queue after its latest attempt."""
        return self.ended_at is not None and self.row.queued_at > self.ended_at


def claim(session: Session, uuid: UUID, lease: UUID, seconds: float) -> Claim | None:
    """Take a queued letter; None when it is not queued (any more). What a lost worker left open is closed: its attempt
    may have reached SvarUT until its lease ran out. A letter that SvarUT certainly does not have is begun at once."""
    row = dispatches.locked(session, uuid)
    if row.state is not State.QUEUED:
        return None
    instant = _clock(session)
    if row.leased_until and row.leased_until > instant:
        raise HeldByAnother((row.leased_until - instant).total_seconds())
    assert row.id
    tried = session.exec(select(Attempt).where(col(Attempt.dispatch_id) == row.id).order_by(col(Attempt.number))).all()
    last = tried[-1] if tried else None
    if last and last.verdict is None:
        last.verdict, last.finished_at, last.detail = Verdict.LOST, row.leased_until or instant, LOST
        row.failures += 1
        dispatches.move(session, None, row, Event.ATTEMPT_FAILED, detail=LOST)
    row.lease, row.leased_until = lease, instant + timedelta(seconds=seconds)
    ended, number = last.finished_at if last else None, last.number if last else 0
    begun = not last or last.verdict not in (*IN_THE_DARK, Verdict.DUPLICATE)
    if begun:
        session.add(Attempt(dispatch_id=row.id, number=number + 1, started_at=instant))
    return Claim(
        lease,
        row,
        number,
        last.verdict if last else None,
        ended,
        (instant - ended).total_seconds() if ended else 0.0,
        begun,
        frozenset(one.external_id for one in tried if one.external_id),
    )


def renew(session: Session, leases: list[UUID], seconds: float) -> None:
    until = sa.func.clock_timestamp() + sa.func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    here = col(dispatches.Dispatch.lease)
    session.execute(sa.update(dispatches.Dispatch).where(here.in_(leases)).values(leased_until=until))


def begin(session: Session, claim: Claim) -> bool:
    """Write the next attempt down, before SvarUT is asked; → whether the letter is still ours to send."""
    row = dispatches.locked(session, claim.row.uuid)
    if not _ours(row, claim):
        return False
    assert row.id
    session.add(Attempt(dispatch_id=row.id, number=claim.number + 1, started_at=_clock(session)))
    return True


def verdicts(session: Session, row: dispatches.Dispatch) -> Sequence[Verdict | None]:
    """What the attempts at a letter came to, oldest first."""
    query = select(col(Attempt.verdict)).where(col(Attempt.dispatch_id) == row.id)
    return session.exec(query.order_by(col(Attempt.number))).all()


def taken(session: Session, settled: datetime) -> tuple[str, str, bool] | None:
    """A letter that SvarUT is known to have, to try the look-up with: (its reference there, SvarUT's id, whether it was
    sent after an instant). The first that was sent after it; if there is none, the latest before."""
    began, id = col(Attempt.started_at), col(Attempt.external_id)
    query = (
        sa.select(col(dispatches.Dispatch.external_reference), id, began)
        .join(dispatches.Dispatch, col(dispatches.Dispatch.id) == col(Attempt.dispatch_id))
        .where(id.is_not(None), id == col(dispatches.Dispatch.external_id))
    )
    for later in (query.where(began > settled).order_by(began), query.where(began <= settled).order_by(began.desc())):
        if found := session.execute(later.limit(1)).one_or_none():
            return found.external_reference, found.external_id, found.started_at > settled
    return None


_DOCUMENT = dispatches.DispatchDocument
_DESCRIBED = (
    sa.select(
        *(col(getattr(_DOCUMENT, name)) for name in ("position", "filename", "media_type", "size")),
        sa.case((col(_DOCUMENT.size) <= PIECE, col(_DOCUMENT.content))).label("content"),
    )
    .where(col(_DOCUMENT.dispatch_id) == sa.bindparam("dispatch"))
    .order_by(col(_DOCUMENT.position))
)
_PIECE = sa.select(sa.func.substring(col(_DOCUMENT.content), sa.bindparam("start"), PIECE)).where(
    col(_DOCUMENT.dispatch_id) == sa.bindparam("dispatch"), col(_DOCUMENT.position) == sa.bindparam("position")
)


def documents(session: Session, dispatch_id: int) -> Sequence[Any]:
    """What is in a letter, in its order: rows of position, filename, media_type, size, and content if it is small."""
    return session.execute(_DESCRIBED, {"dispatch": dispatch_id}).all()


def pieces(database: Database, dispatch_id: int, position: int, size: int) -> Iterator[bytes]:
    """A large document, a piece at a time; no connection is held between two."""
    for start in range(1, size + 1, PIECE):
        here = {"dispatch": dispatch_id, "position": position, "start": start}
        with database.reading() as reader:
            piece = bytes(reader.execute(_PIECE, here).scalar_one())
        yield piece


def finish(
    session: Session, claim: Claim, number: int, verdict: Verdict, *, detail: str | None, external_id: str | None = None
) -> None:
    """What an attempt came to."""
    row = session.get_one(Attempt, (claim.row.id, number))
    row.verdict, row.detail, row.finished_at = verdict, detail, _clock(session)
    row.external_id = external_id or row.external_id


def hand_over(session: Session, claim: Claim, number: int, external_id: str, *, detail: str | None = None) -> bool:
    """SvarUT has the letter as `external_id`, from attempt `number`; → False when it had been decided otherwise
    meanwhile, which is noted."""
    row = dispatches.locked(session, claim.row.uuid)
    finish(session, claim, number, Verdict.SENT, detail=detail, external_id=external_id)
    if row.state is not State.QUEUED:
        if row.external_id != external_id:
            dispatches.note(session, row, Event.HAND_OVER, detail=f"SvarUT has it after all, as {external_id}.")
        return row.external_id == external_id
    row.external_id = external_id
    dispatches.move(session, None, row, Event.HAND_OVER, detail=detail)
    _release(row, claim)
    return True


def fail(session: Session, claim: Claim, event: Event, detail: str) -> None:
    """An attempt failed: attempt_failed keeps the letter in the queue, reject and undelivered end it."""
    row = dispatches.locked(session, claim.row.uuid)
    if _ours(row, claim):
        row.failures += 1
        dispatches.move(session, None, row, event, detail=detail)
        _release(row, claim)


def put_back(session: Session, claim: Claim, *, detail: str | None = None) -> None:
    """Back into the queue without having failed; a new reason to wait is shown."""
    row = dispatches.locked(session, claim.row.uuid)
    if _ours(row, claim):
        if detail and row.detail != detail:
            row.detail = detail
            audit.record(session, None, "dispatch.wait", dispatches.path(row.uuid), detail=detail)
        _release(row, claim)


def _ours(row: dispatches.Dispatch, claim: Claim) -> bool:
    return row.state is State.QUEUED and row.lease == claim.lease


def _release(row: dispatches.Dispatch, claim: Claim) -> None:
    if row.lease == claim.lease:
        row.lease = row.leased_until = None


def _clock(session: Session) -> datetime:
    """The database's, which all workers share."""
    found = session.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    assert isinstance(found, datetime)
    return found
