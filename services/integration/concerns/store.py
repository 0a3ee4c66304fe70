"""Letters that somebody should look at, and the figures that tell how the letters fare."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from services.chassis import audit
from services.integration.attempts.rules import IN_THE_DARK
from services.integration.attempts.store import Attempt
from services.integration.concerns.rules import LATE_SECONDS, SILENT_SECONDS, Kind
from services.integration.dispatches import rules
from services.integration.dispatches import store as dispatches
from services.integration.dispatches.rules import State
from services.integration.dispatches.store import Dispatch

_CLOCK = sa.func.clock_timestamp()
_JOBS = sa.table("procrastinate_jobs", sa.column("args"), sa.column("status"))
_FREE = sa.or_(col(Dispatch.leased_until).is_(None), col(Dispatch.leased_until) < _CLOCK)


def _ago(seconds: Any) -> Any:
    return _CLOCK - sa.func.make_interval(0, 0, 0, 0, 0, 0, seconds)


_NO_JOB = col(Dispatch.uuid).not_in(
    sa.select(sa.cast(_JOBS.c.args.op("->>")("dispatch"), sa.Uuid)).where(
        sa.cast(_JOBS.c.status, sa.Text).in_(("todo", "doing")), _JOBS.c.args.op("->>")("dispatch").is_not(None)
    )
)
_LAST = (
    sa.select(col(Attempt.verdict))
    .where(col(Attempt.dispatch_id) == col(Dispatch.id))
    .order_by(col(Attempt.number).desc())
    .limit(1)
    .scalar_subquery()
)
_TRIED = sa.exists().where(col(Attempt.dispatch_id) == col(Dispatch.id))
_WHEN = {
    Kind.STUCK: (sa.and_(col(Dispatch.state) == State.QUEUED, _FREE, _NO_JOB), col(Dispatch.queued_at)),
    Kind.LATE: (
        sa.and_(
            col(Dispatch.state) == State.QUEUED,
            sa.or_(
                *(
                    sa.and_(col(Dispatch.priority) == priority, col(Dispatch.queued_at) < _ago(seconds))
                    for priority, seconds in LATE_SECONDS.items()
                )
            ),
        ),
        col(Dispatch.queued_at),
    ),
    Kind.UNKNOWN: (
        sa.or_(
            sa.and_(
                col(Dispatch.state) == State.QUEUED,
                _TRIED,
                _FREE,
                sa.or_(_LAST.is_(None), _LAST.in_(IN_THE_DARK)),
            ),
            sa.and_(
                col(Dispatch.state).in_(rules.FOLLOWED),
                col(Dispatch.external_status).not_in(rules.MEANINGS),
            ),
        ),
        col(Dispatch.changed_at),
    ),
    Kind.SILENT: (
        sa.or_(
            *(
                sa.and_(col(Dispatch.state) == state, col(Dispatch.changed_at) < _ago(seconds))
                for state, seconds in SILENT_SECONDS.items()
            )
        ),
        col(Dispatch.changed_at),
    ),
    Kind.UNREAD: (
        sa.and_(col(Dispatch.state) == State.NOTIFIED, col(Dispatch.unread_at).is_not(None)),
        col(Dispatch.unread_at),
    ),
}
"""(what makes a letter such a concern, since when it is one)"""


def page(
    session: Session, organisation: str, kinds: list[Kind], after: tuple[UUID, str] | None, limit: int
) -> list[Any]:
    """An organisation's concerns, the newest letters first; one more than `limit`, if there is."""
    found = sa.union_all(
        *(
            sa.select(
                *(
                    col(getattr(Dispatch, name))
                    for name in ("uuid", "reference", "title", "state", "detail", "external_status")
                ),
                sa.literal(kind.value).label("kind"),
                since.label("since"),
            ).where(col(Dispatch.organisation) == organisation, condition)
            for kind in kinds
            for condition, since in [_WHEN[kind]]
        )
    ).subquery()
    query = sa.select(found)
    if after:
        query = query.where(sa.tuple_(found.c.uuid, found.c.kind) < after)
    return list(session.execute(query.order_by(found.c.uuid.desc(), found.c.kind.desc()).limit(limit + 1)))


def counts(session: Session) -> dict[Kind, int]:
    """How many letters of all organisations are a concern of each kind."""
    query = sa.select(
        *(
            sa.select(sa.func.count()).select_from(Dispatch).where(condition).scalar_subquery().label(kind)
            for kind, (condition, _) in _WHEN.items()
        )
    )
    return {Kind(kind): int(number) for kind, number in session.execute(query).one()._mapping.items()}


def mend(session: Session, limit: int) -> list[UUID]:
    """Give stuck letters a job again. Whether one is sent is decided by its own state: a job too many does nothing."""
    condition, since = _WHEN[Kind.STUCK]
    here = col(Dispatch.uuid)
    query = sa.select(here).where(condition).order_by(since, here).limit(limit)
    stuck = list(session.execute(query.with_for_update(of=Dispatch, skip_locked=True)).scalars())
    for uuid in stuck:
        dispatches.enqueue(session, dispatches.locked(session, uuid))
        audit.record(session, None, "dispatch.mend", dispatches.path(uuid))
    return stuck


def by_state(session: Session) -> dict[str, int]:
    """How many dispatches are in each state."""
    rows = session.execute(sa.select(col(Dispatch.state), sa.func.count()).group_by(col(Dispatch.state)))
    return {state: int(number) for state, number in rows}


def oldest(session: Session) -> dict[str, float]:
    """For each open state, the seconds since the letter that has been in it longest came there."""
    age = sa.func.extract("epoch", sa.func.clock_timestamp() - sa.func.min(col(Dispatch.changed_at)))
    query = sa.select(col(Dispatch.state), age).where(col(Dispatch.state).in_(rules.OPEN))
    return {state: float(seconds) for state, seconds in session.execute(query.group_by(col(Dispatch.state)))}


def handed_over(session: Session, minutes: int, within: float) -> tuple[int, int]:
    """→ (letters handed over in the last so many minutes, those of them that had waited no longer than `within`
    seconds)"""
    since = sa.func.clock_timestamp() - sa.func.make_interval(0, 0, 0, 0, 0, minutes)
    waited = sa.func.extract("epoch", col(Dispatch.handed_over_at) - col(Dispatch.queued_at))
    query = sa.select(sa.func.count(), sa.func.count().filter(waited <= within))
    every, soon = session.execute(query.where(col(Dispatch.handed_over_at) >= since)).one()
    return int(every), int(soon)
