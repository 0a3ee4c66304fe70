"""Decisions as they are kept, and what has become of them: only ever added to."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from services.catalog.applications import rules as application_rules
from services.catalog.applications import store as applications
from services.catalog.certificates.store import Certificate
from services.catalog.db import Table
from services.catalog.decisions import rules
from services.catalog.decisions.rules import EventKind, Outcome, Status, Step
from services.catalog.organisations import store as organisations
from services.catalog.schemes.rules import SubjectKind
from services.chassis import audit, feed
from services.chassis.auth import Caller
from services.chassis.db import INSTANT, JSON, choice
from services.chassis.problems import NotFound
from services.chassis.values import new_id


class Decision(Table, table=True):
    """What was decided on an application. `conditions` and `dispensations` as they were given. A trigger keeps it."""

    __table_args__ = (sa.CheckConstraint("(outcome = 'refused') = (certificate_id IS NULL)", name="certificate"),)
    id: int = Field(default=None, primary_key=True)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    application_id: int = Field(foreign_key="application.id", index=True)
    outcome: Outcome = Field(sa_type=choice(Outcome))
    reason: str = Field(max_length=10_000)
    decided_on: date
    recorded_at: datetime = Field(sa_type=INSTANT)
    valid_from_on: date | None = None
    valid_to_on: date | None = None
    conditions: list[dict[str, Any]] = Field(sa_type=JSON)
    dispensations: list[dict[str, Any]] = Field(sa_type=JSON)
    appeal_by_on: date
    certificate_id: int | None = Field(default=None, foreign_key="certificate.id", index=True)
    organisation_number: str = Field(max_length=9)
    client: str = Field(max_length=200)

    @property
    def path(self) -> str:
        return f"/certification-decisions/{self.uuid}"


class DecisionEvent(Table, table=True):
    """What became of a decision. `appeal`: the id of the appeal that it is about. A trigger keeps it."""

    __tablename__ = "decision_event"
    id: int = Field(default=None, primary_key=True)
    decision_id: int = Field(foreign_key="decision.id", index=True)
    kind: EventKind = Field(sa_type=choice(EventKind))
    recorded_at: datetime = Field(sa_type=INSTANT)
    reason: str | None = Field(default=None, max_length=10_000)
    appeal: UUID | None = None
    organisation_number: str = Field(max_length=9)
    client: str = Field(max_length=200)


class DecisionNotFound(NotFound):
    """No decision has this id, or it is not yours to see."""


# ---- Looking


def by_uuid(session: Session, uuid: UUID) -> Decision:
    found = session.exec(select(Decision).where(col(Decision.uuid) == uuid)).one_or_none()
    if found is None:
        raise DecisionNotFound(f"No decision has the id {uuid}.")
    return found


def locked(session: Session, uuid: UUID) -> Decision:
    """The decision with its application's row held until the transaction ends: what becomes of one waits for the
    other. (A decision's own row is never changed, and so never locked.)"""
    found = by_uuid(session, uuid)
    applications.locked(session, applications.by_id(session, found.application_id).uuid)
    return found


def of_application(session: Session, application_id: int) -> Decision | None:
    """The newest; an earlier one was annulled."""
    query = select(Decision).where(col(Decision.application_id) == application_id).order_by(col(Decision.id).desc())
    return session.exec(query.limit(1)).first()


def of_certificate(session: Session, certificate_id: int) -> Sequence[Decision]:
    """Every decision that granted, renewed or extended it, oldest first."""
    query = select(Decision).where(col(Decision.certificate_id) == certificate_id).order_by(col(Decision.id))
    return session.exec(query).all()


def events(session: Session, ids: Collection[int]) -> dict[int, list[DecisionEvent]]:
    """What became of each decision, in the order in which it was recorded."""
    query = select(DecisionEvent).where(col(DecisionEvent.decision_id).in_(ids)).order_by(col(DecisionEvent.id))
    found: dict[int, list[DecisionEvent]] = defaultdict(list)
    for one in session.exec(query):
        found[one.decision_id].append(one)
    return found


def status(session: Session, decision_id: int) -> Status:
    return rules.status_after([EventKind(one.kind) for one in events(session, [decision_id])[decision_id]])


def told(happened: Sequence[DecisionEvent], *, everything: bool) -> tuple[Status, list[DecisionEvent]]:
    """The state and the events as they may be seen: an appeal under way is its parties' own."""
    status = rules.status_after([EventKind(one.kind) for one in happened])
    if everything:
        return status, list(happened)
    public = [one for one in happened if EventKind(one.kind) not in rules.CLOSED]
    return Status.IN_FORCE if status is Status.APPEALED else status, public


def is_party(session: Session, decision: Decision, viewer: Caller | None, today: date) -> bool:
    """Whether one may see all of it: the applicant, and whoever assesses or decides."""
    if viewer is None:
        return False
    own = applications.applicant_ids(session, viewer.organisation, today)
    return applications.handles(viewer) or applicant_id(session, decision) in own


def numbers(session: Session, ids: Collection[int | None]) -> dict[int | None, str]:
    """Internal key of a certificate → its number."""
    wanted = {one for one in ids if one is not None}
    query = sa.select(col(Certificate.id), col(Certificate.number)).where(col(Certificate.id).in_(wanted))
    return {row.id: row.number for row in session.execute(query)} if wanted else {}


def subject_kind(session: Session, decision: Decision) -> SubjectKind:
    return SubjectKind(applications.by_id(session, decision.application_id).subject_kind)


def applicant_id(session: Session, decision: Decision) -> int:
    return applications.by_id(session, decision.application_id).applicant_id


def party(session: Session, decision: Decision, today: date) -> frozenset[str]:
    """The numbers of whoever may appeal: the applicant, or whoever stands in its place today."""
    id = applicant_id(session, decision)
    ids = {heir for heir, _ in organisations.resolve(session, [id], today)[id]} or {id}
    found = organisations.by_ids(session, ids)
    return frozenset(one.organisation_number for one in found.values() if one.organisation_number)


def interested(session: Session, decision: Decision, today: date) -> frozenset[str]:
    return applications.interested(session, applications.by_id(session, decision.application_id), today)


def page(
    session: Session,
    after: list[Any] | None,
    limit: int,
    *,
    own: Collection[int],
    everyones: bool,
    application: UUID | None = None,
    certificate: str | None = None,
    outcome: Sequence[Outcome] = (),
) -> Sequence[Decision]:
    """By id, limit + 1 rows: those that granted, and those on applications of `own`; with `everyones` all."""
    query = select(Decision).order_by(col(Decision.uuid)).limit(limit + 1)
    here = applications.Application
    if not everyones:
        mine = select(here.id).where(col(here.applicant_id).in_(own))
        query = query.where((col(Decision.outcome) != Outcome.REFUSED) | col(Decision.application_id).in_(mine))
    if after:
        query = query.where(col(Decision.uuid) > after[0])
    if application:
        chosen = select(here.id).where(col(here.uuid) == application)
        query = query.where(col(Decision.application_id).in_(chosen))
    if certificate:
        numbered = select(Certificate.id).where(col(Certificate.number) == certificate)
        query = query.where(col(Decision.certificate_id).in_(numbered))
    if outcome:
        query = query.where(col(Decision.outcome).in_(outcome))
    return session.exec(query).all()


# ---- Keeping; the rules have been looked at


def add(session: Session, decision: Decision, *, caller: Caller) -> None:
    session.add(decision)
    session.flush()
    _record(session, decision, EventKind.MADE, caller, decision.recorded_at, decision.reason, None)


def take(
    session: Session,
    decision: Decision,
    step: Step,
    *,
    caller: Caller,
    at: datetime,
    reason: str | None,
    appeal: UUID | None = None,
) -> DecisionEvent:
    """Let a locked decision take a step, on the record. Only the parties are told of an appeal; of what it comes to,
    everybody, where the decision is public."""
    now = rules.after(status(session, decision.id), step)
    event = _record(session, decision, rules.EVENTS[step], caller, at, reason, appeal)
    told = {"status": now.value, "appeal": appeal and str(appeal)}
    audit.record(session, caller, f"certification-decision.{step}", decision.path, **told, reason=reason)
    public = decision.outcome is not Outcome.REFUSED and now is not Status.APPEALED
    application = applications.by_id(session, decision.application_id)
    applicant = organisations.by_ids(session, [application.applicant_id])[application.applicant_id]
    audience = None if public else applicant.organisation_number
    feed.tell(session, f"certification-decision.{event.kind}", decision.path, audience, **told)
    if now is Status.ANNULLED:
        applications.take(
            session,
            applications.locked(session, application.uuid),
            application_rules.Step.REOPEN,
            caller=caller,
            at=at,
            reason=reason,
        )
    return event


def record_appeal(
    session: Session, decision: Decision, *, appeal: UUID, caller: Caller, at: datetime, reason: str | None = None
) -> DecisionEvent:
    return take(session, decision, Step.APPEAL, caller=caller, at=at, reason=reason, appeal=appeal)


def uphold(
    session: Session, decision: Decision, *, appeal: UUID, caller: Caller, at: datetime, reason: str | None
) -> DecisionEvent:
    return take(session, decision, Step.UPHOLD, caller=caller, at=at, reason=reason, appeal=appeal)


def dismiss(
    session: Session, decision: Decision, *, appeal: UUID, caller: Caller, at: datetime, reason: str | None
) -> DecisionEvent:
    return take(session, decision, Step.DISMISS, caller=caller, at=at, reason=reason, appeal=appeal)


def annul(
    session: Session,
    decision: Decision,
    *,
    caller: Caller,
    at: datetime,
    reason: str | None,
    appeal: UUID | None = None,
) -> DecisionEvent:
    """The application can then be decided anew. What becomes of a certificate is for whoever annuls to record."""
    return take(session, decision, Step.ANNUL, caller=caller, at=at, reason=reason, appeal=appeal)


def _record(
    session: Session,
    decision: Decision,
    kind: EventKind,
    caller: Caller,
    at: datetime,
    reason: str | None,
    appeal: UUID | None,
) -> DecisionEvent:
    event = DecisionEvent(
        decision_id=decision.id,
        kind=kind,
        recorded_at=at,
        reason=reason,
        appeal=appeal,
        organisation_number=caller.organisation,
        client=caller.client,
    )
    session.add(event)
    session.flush()
    return event
