"""Appeals as they are kept: what is appealed against and why, and the events that are only ever added."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from services.catalog.appeals import rules
from services.catalog.appeals.rules import EventKind, State, TargetKind
from services.catalog.db import Table
from services.chassis import audit, feed
from services.chassis.auth import Caller
from services.chassis.db import INSTANT, JSON, choice
from services.chassis.problems import Conflict, NotFound
from services.chassis.values import new_id

TARGETS = {
    TargetKind.DECISION: "decision_id",
    TargetKind.CERTIFICATE_EVENT: "certificate_event_id",
    TargetKind.SUPPLIER_SUSPENSION: "supplier_suspension_id",
}
_STANDS = "state NOT IN ('withdrawn', 'dismissed')"


class Appeal(Table, table=True):
    """What was sent in. `state` is what follows from the events (`rules.standing`), kept beside them so that lists can
    ask for it; it is written with the event, by `write` alone. `appealed_on`: the day that the decision was made."""

    __table_args__ = (
        sa.CheckConstraint(f"num_nonnulls({', '.join(TARGETS.values())}) = 1", name="one_target"),
        *(  # one that was taken back, or not looked into, can be made again
            sa.Index(f"ix_appeal_{column}", column, unique=True, postgresql_where=sa.text(_STANDS))
            for column in TARGETS.values()
        ),
        sa.Index("ix_appeal_appellant_id_uuid", "appellant_id", "uuid"),
        sa.Index("ix_appeal_state_uuid", "state", "uuid"),
    )
    id: int = Field(default=None, primary_key=True)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    decision_id: int | None = Field(default=None, foreign_key="decision.id")
    certificate_event_id: int | None = Field(default=None, foreign_key="certificate_event.id")
    supplier_suspension_id: int | None = Field(default=None, foreign_key="supplier_suspension.id")
    appellant_id: int = Field(foreign_key="organisation.id")
    appellant_number: str = Field(max_length=9)
    client: str = Field(max_length=200)
    reason: str = Field(max_length=10_000)
    attachments: list[str] = Field(sa_type=JSON)
    submitted_at: datetime = Field(sa_type=INSTANT)
    appealed_on: date
    due_on: date
    late: bool
    state: State = Field(default=State.SUBMITTED, sa_type=choice(State))
    revision: int = 1

    @property
    def path(self) -> str:
        return f"/appeals/{self.uuid}"

    @property
    def kind(self) -> TargetKind:
        return next(kind for kind, column in TARGETS.items() if getattr(self, column) is not None)


class AppealEvent(Table, table=True):
    """What happened. A trigger keeps it from being changed. `detail`: the ground of a dismissal, the conditions that
    fell away."""

    __tablename__ = "appeal_event"
    __table_args__ = (sa.Index("ix_appeal_event_appeal_id_id", "appeal_id", "id"),)
    id: int = Field(default=None, primary_key=True)
    appeal_id: int = Field(foreign_key="appeal.id")
    kind: EventKind = Field(sa_type=choice(EventKind))
    effective_on: date
    recorded_at: datetime = Field(sa_type=INSTANT)
    reason: str | None = Field(default=None, max_length=10_000)
    organisation_number: str = Field(max_length=9)
    client: str = Field(max_length=200)
    detail: dict[str, Any] | None = Field(default=None, sa_type=JSON)


class AppealNotFound(NotFound):
    """No appeal has this id."""


class AppealAlreadyMade(Conflict):
    """There is an appeal against this already."""


_SHOWN = """
    SELECT a.id AS key, a.uuid AS id, a.appellant_id, a.appellant_number, a.reason, a.attachments, a.submitted_at,
           a.appealed_on, a.due_on, a.late, a.state, a.revision, d.uuid AS decision, s.uuid AS supplier_suspension,
           c.number AS certificate, e.kind AS event_kind,
           (SELECT count(*) FROM certificate_event b
             WHERE b.certificate_id = e.certificate_id AND b.id <= e.id) AS event,
           (SELECT json_agg(json_build_object('kind', h.kind, 'effective_on', h.effective_on, 'reason', h.reason,
                                              'recorded_at', h.recorded_at, 'detail', h.detail,
                                              'organisation_number', h.organisation_number) ORDER BY h.id)
              FROM appeal_event h WHERE h.appeal_id = a.id) AS events
      FROM appeal a
      LEFT JOIN decision d ON d.id = a.decision_id
      LEFT JOIN supplier_suspension s ON s.id = a.supplier_suspension_id
      LEFT JOIN certificate_event e ON e.id = a.certificate_event_id
      LEFT JOIN certificate c ON c.id = e.certificate_id
     WHERE (:all OR a.appellant_id = ANY(:own)
            OR (a.decision_id IS NULL AND a.state IN ('upheld', 'partly_upheld', 'rejected')))
"""
_ONE = sa.text(f"{_SHOWN} AND a.uuid = :uuid")
# What a caller may not see is left out before the page is cut, so that a page's length tells nothing of it.
_PAGE = sa.text(
    f"""{_SHOWN}
       AND (CAST(:after AS uuid) IS NULL OR a.uuid > :after)
       AND (CAST(:states AS text[]) IS NULL OR a.state = ANY(:states))
       AND (CAST(:certificates AS text[]) IS NULL OR c.number = ANY(:certificates))
     ORDER BY a.uuid LIMIT :rows
    """
)


def submit(session: Session, caller: Caller, appeal: Appeal, *, today: date, against: str, decided_by: str) -> None:
    """Keep a new appeal against what is locked. `against`: its path."""
    session.add(appeal)
    try:
        session.flush()
    except IntegrityError:
        raise AppealAlreadyMade(f"Against {against}.") from None
    add(
        session,
        caller,
        appeal,
        EventKind.SUBMITTED,
        effective_on=today,
        at=appeal.submitted_at,
        reason=None,
        against=against,
        decided_by=decided_by,
    )


def add(
    session: Session,
    caller: Caller,
    appeal: Appeal,
    kind: EventKind,
    *,
    effective_on: date,
    at: datetime,
    reason: str | None,
    against: str,
    decided_by: str,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add an event, with its audit row and what the feed tells. An appeal in
    progress is told to its parties; how one ended that was against something public, to all."""
    write(
        session,
        appeal,
        AppealEvent(
            appeal_id=appeal.id,
            kind=kind,
            effective_on=effective_on,
            recorded_at=at,
            reason=reason,
            organisation_number=caller.organisation,
            client=caller.client,
            detail=dict(detail) if detail else None,
        ),
    )
    told = {"against": against, "effective_on": str(effective_on), "state": appeal.state}
    # Without the texts: more people read the audit than take part in an appeal, and the events keep them.
    audit.record(session, caller, f"appeal.{kind}", appeal.path, **told)
    public = appeal.kind is not TargetKind.DECISION and appeal.state in rules.OUTCOMES
    audiences = [None] if public else sorted({appeal.appellant_number, decided_by})
    for organisation in audiences:
        feed.tell(session, f"appeal.{kind}", appeal.path, organisation, **told)


def write(session: Session, appeal: Appeal, event: AppealEvent) -> None:
    """Add an event, and keep where the appeal stands after it."""
    session.add(event)
    if event.kind is not EventKind.SUBMITTED:
        appeal.revision += 1
    session.flush()
    appeal.state = standing(session, appeal.id).state
    session.add(appeal)
    session.flush()


def by_uuid(session: Session, uuid: UUID, *, locked: bool = False) -> Appeal:
    query = select(Appeal).where(col(Appeal.uuid) == uuid).execution_options(populate_existing=True)
    found = session.exec(query.with_for_update() if locked else query).one_or_none()
    if found is None:
        raise unknown(uuid)
    return found


def unknown(uuid: UUID) -> AppealNotFound:
    """The same for what does not exist and what the caller may not know of."""
    return AppealNotFound(f"No appeal has the id {uuid}.")


def uuids(session: Session) -> set[UUID]:
    return set(session.exec(select(Appeal.uuid)))


def standing(session: Session, id: int) -> rules.Stands:
    query = select(AppealEvent).where(col(AppealEvent.appeal_id) == id).order_by(col(AppealEvent.id))
    return rules.standing((EventKind(one.kind), one.effective_on) for one in session.exec(query))


def shown(session: Session, uuid: UUID, *, own: Collection[int], everything: bool) -> sa.Row[Any]:
    """`own`: the organisations that the viewer is; `everything`: it sees all appeals."""
    values = {"uuid": uuid, "own": list(own), "all": everything}
    found = session.execute(_ONE, values).one_or_none()
    if found is None:
        raise unknown(uuid)
    return found


def page(
    session: Session,
    after: list[Any] | None,
    limit: int,
    *,
    own: Collection[int],
    everything: bool,
    states: Sequence[State] | None,
    certificates: Sequence[str] | None,
) -> Sequence[sa.Row[Any]]:
    """Those that the viewer may see, the oldest first, limit + 1 rows."""
    values = {
        "after": after[0] if after else None,
        "own": list(own),
        "all": everything,
        "states": list(states) if states else None,
        "certificates": list(certificates) if certificates else None,
        "rows": limit + 1,
    }
    return session.execute(_PAGE, values).all()
