"""Non-conformities as they are kept: what was found, and the events that are only ever added."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from services.catalog.certificates import rules as certification
from services.catalog.certificates import store as certificates
from services.catalog.certificates.rules import EventKind as CertificateEventKind
from services.catalog.db import Table
from services.catalog.non_conformities import rules
from services.catalog.non_conformities.rules import EventKind, Severity, Source, State
from services.catalog.organisations import store as organisations
from services.catalog.products import store as products
from services.chassis import audit, feed
from services.chassis.auth import Caller
from services.chassis.db import INSTANT, JSON, choice
from services.chassis.problems import NotFound
from services.chassis.values import new_id

_LIVE = "state NOT IN ('closed', 'dismissed')"


class NonConformity(Table, table=True):
    """What was found. `state`, `due_on` and `escalated` are what follows from the events (`rules.standing`), kept
    beside them so that lists can ask for them; they are written with the event, by `write` alone."""

    __tablename__ = "non_conformity"
    __table_args__ = (
        sa.Index("ix_non_conformity_certificate_id_uuid", "certificate_id", "uuid"),
        sa.Index("ix_non_conformity_live", "uuid", postgresql_where=sa.text(_LIVE)),
        sa.Index("ix_non_conformity_due_on", "due_on", postgresql_where=sa.text("due_on IS NOT NULL")),
    )
    id: int = Field(default=None, primary_key=True)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    certificate_id: int = Field(foreign_key="certificate.id")
    severity: Severity = Field(sa_type=choice(Severity))
    source: Source = Field(sa_type=choice(Source))
    description: str = Field(max_length=5000)
    determined_on: date
    sites_total: int | None = None
    opened_by: str = Field(max_length=9)
    opened_client: str = Field(max_length=200)
    opened_at: datetime = Field(sa_type=INSTANT)
    state: State = Field(default=State.OPEN, sa_type=choice(State))
    due_on: date | None = None
    escalated: bool = False
    revision: int = 1

    @property
    def ground(self) -> str:
        """What a certificate is investigated, and may be suspended, for."""
        return f"non-conformity:{self.uuid}"

    @property
    def path(self) -> str:
        return f"/non-conformities/{self.uuid}"


class NonConformityRequirement(Table, table=True):
    """A requirement that is not met after all."""

    __tablename__ = "non_conformity_requirement"
    non_conformity_id: int = Field(foreign_key="non_conformity.id", primary_key=True)
    requirement_id: int = Field(foreign_key="requirement.id", primary_key=True, index=True)


class NonConformityEvent(Table, table=True):
    """What happened. A trigger keeps it from being changed. `detail`: the plan, the resolution with its evidence."""

    __tablename__ = "non_conformity_event"
    __table_args__ = (
        sa.Index("ix_non_conformity_event_non_conformity_id_id", "non_conformity_id", "id"),
        sa.Index(  # that a day has passed is told once, however many look
            "ix_non_conformity_event_overdue",
            "non_conformity_id",
            "due_on",
            unique=True,
            postgresql_where=sa.text("kind = 'overdue'"),
        ),
    )
    id: int = Field(default=None, primary_key=True)
    non_conformity_id: int = Field(foreign_key="non_conformity.id")
    kind: EventKind = Field(sa_type=choice(EventKind))
    effective_on: date
    recorded_at: datetime = Field(sa_type=INSTANT)
    due_on: date | None = None
    reason: str | None = Field(default=None, max_length=5000)
    organisation_number: str | None = Field(default=None, max_length=9)
    client: str | None = Field(default=None, max_length=200)
    detail: dict[str, Any] | None = Field(default=None, sa_type=JSON)


class NonConformityNotFound(NotFound):
    """No non-conformity has this id."""


_SHOWN = """
    SELECT n.id AS key, n.uuid AS id, n.severity, n.source, n.description, n.determined_on, n.sites_total, n.opened_by,
           n.opened_at, n.state, n.due_on, n.escalated, n.revision, c.number AS certificate,
           COALESCE(p.supplier_id, c.holder_id) AS holder_id,
           ARRAY(SELECT q.code FROM non_conformity_requirement r JOIN requirement q ON q.id = r.requirement_id
                  WHERE r.non_conformity_id = n.id ORDER BY q.code) AS requirements,
           (SELECT json_agg(json_build_object('kind', e.kind, 'effective_on', e.effective_on, 'due_on', e.due_on,
                                              'recorded_at', e.recorded_at, 'reason', e.reason, 'detail', e.detail,
                                              'organisation_number', e.organisation_number) ORDER BY e.id)
              FROM non_conformity_event e WHERE e.non_conformity_id = n.id) AS events
      FROM non_conformity n
      JOIN certificate c ON c.id = n.certificate_id
      LEFT JOIN product p ON p.id = c.product_id
"""
_ONE = sa.text(f"{_SHOWN} WHERE n.uuid = :uuid")
_PAGE = f"""{_SHOWN}
     WHERE (CAST(:after AS uuid) IS NULL OR n.uuid > :after)
       AND (CAST(:certificates AS text[]) IS NULL OR n.certificate_id IN (
            SELECT id FROM certificate WHERE number = ANY(:certificates)))
       {{filters}}
     ORDER BY n.uuid LIMIT :rows
"""  # noqa: S608  # put together from our own constants only
# ---- Keeping


def open_(
    session: Session,
    caller: Caller,
    new: NonConformity,
    requirement_ids: Collection[int],
    number: str,
    *,
    now: datetime,
    today: date,
) -> None:
    """Keep what was found, and let the certificate, which is locked, show that something is looked into."""
    keep(session, new, requirement_ids)
    add(session, new, EventKind.OPENED, caller, effective_on=today, recorded_at=now)
    about_certificate(
        session, caller, new, number, CertificateEventKind.INVESTIGATION_OPENED, now=now, today=today, reason=None
    )


def keep(session: Session, new: NonConformity, requirement_ids: Collection[int]) -> None:
    session.add(new)
    session.flush()
    rows = [{"non_conformity_id": new.id, "requirement_id": id} for id in requirement_ids]
    session.execute(sa.insert(NonConformityRequirement), rows)


def add(
    session: Session,
    found: NonConformity,
    kind: EventKind,
    caller: Caller,
    *,
    effective_on: date,
    recorded_at: datetime,
    due_on: date | None = None,
    reason: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add an event, with its audit row and what the feed tells."""
    write(
        session,
        found,
        NonConformityEvent(
            non_conformity_id=found.id,
            kind=kind,
            effective_on=effective_on,
            recorded_at=recorded_at,
            due_on=due_on,
            reason=reason,
            organisation_number=caller.organisation,
            client=caller.client,
            detail=dict(detail) if detail else None,
        ),
    )
    # Without the texts: more people read the audit than take part, and the events keep them.
    told = {"effective_on": str(effective_on), "due_on": due_on and str(due_on), "state": found.state}
    audit.record(session, caller, f"non-conformity.{kind}", found.path, **told)
    tell(session, found, kind)


def write(session: Session, found: NonConformity, event: NonConformityEvent) -> None:
    """Add an event, and keep where the non-conformity stands after it."""
    session.add(event)
    if event.kind is not EventKind.OPENED:
        found.revision += 1
    session.flush()
    stands = standing(session, found.id)
    found.state, found.due_on, found.escalated = stands.state, stands.due_on, stands.escalated
    session.add(found)
    session.flush()


def tell(session: Session, found: NonConformity, kind: EventKind) -> None:
    """What everybody may know: that it is, how grave, and where it stands."""
    number = session.execute(_NUMBER, {"id": found.certificate_id}).scalar_one()
    feed.tell(
        session,
        f"non-conformity.{kind}",
        found.path,
        None,
        certificate=number,
        severity=found.severity,
        state=found.state,
        due_on=found.due_on and str(found.due_on),
    )


_NUMBER = sa.text("SELECT number FROM certificate WHERE id = :id")


def about_certificate(
    session: Session,
    caller: Caller | None,
    found: NonConformity,
    number: str,
    kind: CertificateEventKind,
    *,
    now: datetime,
    today: date,
    reason: str | None,
) -> None:
    """What a non-conformity does to its certificate, which is locked: an event on its ground, told like any other."""
    row = certificates.by_number(session, number)
    certificates.record(
        session,
        found.certificate_id,
        kind,
        effective_on=today,
        recorded_at=now,
        today=today,
        reason=reason,
        organisation=caller.organisation if caller else row.decided_by,
        client=caller.client if caller else None,
        ground=found.ground,
    )
    path = f"/certificates/{number}"
    audit.record(session, caller, f"certificate.{kind}", path, ground=found.ground, effective_on=str(today))
    feed.tell(session, f"certificate.{kind}", path, None, **told_of(session, number, kind, now=now, today=today))


def told_of(
    session: Session, number: str, kind: CertificateEventKind, *, now: datetime, today: date
) -> dict[str, str | None]:
    """What the feed tells of an event of a certificate."""
    row = certificates.by_number(session, number)
    status = certification.status_on(certificates.history_of(row), today, now)
    return {
        "product": row.product,
        "specification": row.specification,
        "effective_on": str(today),
        "status": status,
    }


# ---- Asking


def by_uuid(session: Session, uuid: UUID, *, locked: bool = False) -> NonConformity:
    query = select(NonConformity).where(col(NonConformity.uuid) == uuid)
    found = session.exec(query.with_for_update() if locked else query).one_or_none()
    if found is None:
        raise NonConformityNotFound(f"No non-conformity has the id {uuid}.")
    return found


def uuids(session: Session) -> set[UUID]:
    return set(session.exec(select(NonConformity.uuid)))


def standing(session: Session, id: int) -> rules.Standing:
    query = select(NonConformityEvent).where(col(NonConformityEvent.non_conformity_id) == id)
    return rules.standing(map(_told, session.exec(query.order_by(col(NonConformityEvent.id)))))


def planned_on(session: Session, id: int) -> date | None:
    """The latest day of the plan that was submitted last."""
    query = select(NonConformityEvent.detail).where(
        col(NonConformityEvent.non_conformity_id) == id, col(NonConformityEvent.kind) == EventKind.PLAN_SUBMITTED
    )
    plan = session.exec(query.order_by(col(NonConformityEvent.id).desc()).limit(1)).first()
    return max(date.fromisoformat(one["due_on"]) for one in plan["actions"]) if plan else None


def _told(event: NonConformityEvent) -> rules.Event:
    starts_on = (event.detail or {}).get("starts_on")
    return rules.Event(
        EventKind(event.kind), event.effective_on, event.due_on, date.fromisoformat(starts_on) if starts_on else None
    )


def shown(session: Session, uuid: UUID) -> sa.Row[Any]:
    found = session.execute(_ONE, {"uuid": uuid}).one_or_none()
    if found is None:
        raise NonConformityNotFound(f"No non-conformity has the id {uuid}.")
    return found


def page(
    session: Session,
    after: list[Any] | None,
    limit: int,
    today: date,
    *,
    certificates: Sequence[str] | None,
    live: bool | None,
    overdue: bool | None,
) -> Sequence[sa.Row[Any]]:
    """The oldest first, limit + 1 rows."""
    filters = {
        (True, "live"): f"AND n.{_LIVE}",
        (False, "live"): f"AND NOT n.{_LIVE}",
        (True, "overdue"): "AND n.due_on < :today",
        (False, "overdue"): "AND (n.due_on IS NULL OR n.due_on >= :today)",
    }
    asked = [filters[value, name] for name, value in (("live", live), ("overdue", overdue)) if value is not None]
    values = {"after": after[0] if after else None, "certificates": certificates, "rows": limit + 1}
    query = sa.text(_PAGE.format(filters=" ".join(asked)))
    return session.execute(query, values | ({"today": today} if overdue is not None else {})).all()


def held(session: Session, holder_ids: Collection[int], number: str, today: date) -> set[int]:
    """Those of the holders that the organisation with this number is, or has become the same as by a merger."""
    asked = organisations.by_organisation_number(session, number)
    if asked is None or not holder_ids:
        return set()
    heirs = organisations.resolve(session, {*holder_ids, asked}, today)
    of = {id: {one for one, _ in found} | {id} for id, found in heirs.items()}
    return {id for id in holder_ids if of[id] & of[asked]}


def interested(session: Session, row: Any, today: date) -> frozenset[str]:
    """The organisations, by number, that take no part in judging what a certificate (its `row`) is about."""
    if row.product_id is not None:
        return certificates.interested(session, row.product_id, today)
    holders = products.suppliers(session, [row.supplier_id], today)[row.supplier_id]
    return frozenset(filter(None, [row.supplier_number, *(one.organisation_number for one in holders)]))
