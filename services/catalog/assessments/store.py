"""Assessments as they are kept: who did what, and the results, of which the newest of a requirement counts. All of it
is only ever added."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from services.catalog.applications import rules as application_rules
from services.catalog.applications import store as applications
from services.catalog.applications.rules import Status as ApplicationStatus
from services.catalog.applications.store import Application
from services.catalog.assessments import rules
from services.catalog.assessments.rules import EventKind, Recommendation, Status
from services.catalog.certificates import store as certificates
from services.catalog.certificates.rules import Assurance, Outcome
from services.catalog.db import Table
from services.catalog.organisations import store as organisations
from services.catalog.requirements.store import Content
from services.chassis import audit, changes, clock, feed
from services.chassis.auth import Caller
from services.chassis.db import INSTANT, JSON, choice
from services.chassis.problems import Conflict, NotFound, refuse
from services.chassis.values import new_id


class Source(StrEnum):
    """Where a result was taken from."""

    ASSESSOR = "assessor"
    TEST_REPORT = "test_report"
    DECLARATION = "declaration"


class Assessment(Table, table=True):
    """A trigger keeps it from ever being changed."""

    id: int = Field(default=None, primary_key=True)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    application_id: int = Field(foreign_key="application.id", unique=True)


class AssessmentEvent(Table, table=True):
    """A trigger keeps it from ever being changed."""

    __tablename__ = "assessment_event"
    id: int = Field(default=None, primary_key=True)
    assessment_id: int = Field(foreign_key="assessment.id", index=True)
    kind: EventKind = Field(sa_type=choice(EventKind))
    recorded_at: datetime = Field(sa_type=INSTANT)
    organisation_number: str = Field(max_length=9)
    client: str = Field(max_length=200)
    reason: str | None = Field(default=None, max_length=5000)
    recommendation: Recommendation | None = Field(default=None, sa_type=choice(Recommendation))


class AssessmentResult(Table, table=True):
    """What was found about a requirement. `source_path`: the report or declaration that it was taken from. A trigger
    keeps it from ever being changed."""

    __tablename__ = "assessment_result"
    __table_args__ = (sa.Index("ix_assessment_result_assessment_id_requirement_id", "assessment_id", "requirement_id"),)
    id: int = Field(default=None, primary_key=True)
    assessment_id: int = Field(foreign_key="assessment.id")
    requirement_id: int = Field(foreign_key="requirement.id", index=True)
    outcome: Outcome = Field(sa_type=choice(Outcome))
    reason: str | None = Field(default=None, max_length=2000)
    evidence: list[dict[str, Any]] = Field(sa_type=JSON)
    assurance: Assurance = Field(sa_type=choice(Assurance))
    tool: str | None = Field(default=None, max_length=200)
    tool_version: str | None = Field(default=None, max_length=80)
    tester: str | None = Field(default=None, max_length=9)
    tested_on: date | None = None
    lifetime_days: int | None = None
    source: Source = Field(sa_type=choice(Source))
    source_path: str | None = Field(default=None, max_length=200)
    recorded_at: datetime = Field(sa_type=INSTANT)
    organisation_number: str = Field(max_length=9)
    client: str = Field(max_length=200)


class RequirementNotHeld(NotFound):
    """The application is not held to this requirement."""


class AssessmentNotFound(NotFound):
    """No assessment has this id, or it is not yours to see."""


class AssessmentExists(Conflict):
    """The application is being assessed already; join that assessment."""


# ---- Looking


def by_uuid(session: Session, uuid: UUID) -> Assessment:
    found = session.exec(select(Assessment).where(col(Assessment.uuid) == uuid)).one_or_none()
    if found is None:
        raise unknown(uuid)
    return found


def unknown(uuid: UUID) -> AssessmentNotFound:
    """The same for what does not exist and what the caller may not know of."""
    return AssessmentNotFound(f"No assessment has the id {uuid}.")


def seen(session: Session, uuid: UUID, caller: Caller, today: date) -> tuple[Assessment, Application]:
    """An assessment with its application, for whoever may see it; others learn nothing of it."""
    assessment = by_uuid(session, uuid)
    application = applications.by_id(session, assessment.application_id)
    if not applications.visible(session, application, caller, today):
        raise unknown(uuid)
    return assessment, application


def held(
    session: Session, uuid: UUID, caller: Caller, today: date, if_match: str | None
) -> tuple[Assessment, Application]:
    """An assessment to change, with its application locked; never for whoever has an interest in it."""
    assessment, application = seen(session, uuid, caller, today)
    application = applications.locked(session, application.uuid)
    changes.require_match(if_match, revision(session, assessment.id), needed=False)
    refuse(application_rules.check_handler(caller.organisation, applications.interested(session, application, today)))
    return assessment, application


def opened(
    session: Session, uuid: UUID, caller: Caller, today: date, if_match: str | None
) -> tuple[Assessment, Application]:
    """The same to write results into, while it is open. Whoever writes takes part."""
    assessment, application = held(session, uuid, caller, today, if_match)
    happened = events(session, [assessment.id])[assessment.id]
    refuse(rules.check_writing(status(happened, ApplicationStatus(application.status))))
    return assessment, application


def held_to(contents: Sequence[Content], code: str) -> Content:
    """The requirement of this id among those that an application is held to."""
    found = next((one for one in contents if one.code == code), None)
    if found is None:
        raise RequirementNotHeld(f"It is not held to {code!r}.")
    return found


def of_application(session: Session, application_id: int) -> Assessment | None:
    return session.exec(select(Assessment).where(col(Assessment.application_id) == application_id)).one_or_none()


def events(session: Session, ids: Collection[int]) -> dict[int, list[AssessmentEvent]]:
    """What happened in each assessment, in the order in which it was recorded."""
    query = select(AssessmentEvent).where(col(AssessmentEvent.assessment_id).in_(ids))
    found: dict[int, list[AssessmentEvent]] = defaultdict(list)
    for one in session.exec(query.order_by(col(AssessmentEvent.id))):
        found[one.assessment_id].append(one)
    return found


def status(events: Sequence[AssessmentEvent], application: ApplicationStatus) -> Status:
    kinds = [EventKind(one.kind) for one in events]
    return rules.status_after(kinds, withdrawn=application is ApplicationStatus.WITHDRAWN)


def newest(session: Session, assessment_id: int) -> dict[int, AssessmentResult]:
    """The requirement's internal key → the result that counts."""
    here = AssessmentResult
    query = select(here).where(col(here.assessment_id) == assessment_id).order_by(col(here.id))
    return {one.requirement_id: one for one in session.exec(query)}


def history(session: Session, assessment_id: int, requirement_id: int) -> Sequence[AssessmentResult]:
    """Every result that a requirement has had, the newest first."""
    here = AssessmentResult
    query = select(here).where(col(here.assessment_id) == assessment_id, col(here.requirement_id) == requirement_id)
    return session.exec(query.order_by(col(here.id).desc())).all()


def revision(session: Session, assessment_id: int) -> int:
    """How much has been written: what a change presupposes."""
    query = sa.select(
        sa.select(sa.func.count()).where(col(AssessmentEvent.assessment_id) == assessment_id).scalar_subquery()
        + sa.select(sa.func.count()).where(col(AssessmentResult.assessment_id) == assessment_id).scalar_subquery()
    )
    return int(session.execute(query).scalar_one())


def page(
    session: Session,
    after: list[Any] | None,
    limit: int,
    *,
    own: Collection[int],
    everyones: bool,
    application: UUID | None,
) -> Sequence[sa.Row[Any]]:
    """(assessment, application) by the assessment's id, limit + 1 rows: of the applicants in `own`, or of all."""
    query = sa.select(Assessment, Application).join(Application, col(Assessment.application_id) == col(Application.id))
    query = query.order_by(col(Assessment.uuid)).limit(limit + 1)
    if not everyones:
        query = query.where(col(Application.applicant_id).in_(own))
    if application:
        query = query.where(col(Application.uuid) == application)
    if after:
        query = query.where(col(Assessment.uuid) > after[0])
    return session.execute(query).all()


# ---- What a decision asks


def results(session: Session, application_id: int) -> list[certificates.Result]:
    """What counts of each requirement, as results of a certificate that is not there yet; none before the assessment is
    completed."""
    assessment = of_application(session, application_id)
    if assessment is None or recommendation(session, application_id) is None:
        return []
    names = ("outcome", "reason", "evidence", "assurance", "tool", "tool_version", "tester", "tested_on")
    return [
        certificates.Result(
            certificate_id=0,
            requirement_id=one.requirement_id,
            **{name: getattr(one, name) for name in (*names, "lifetime_days", "recorded_at")},
        )
        for one in newest(session, assessment.id).values()
    ]


def recommendation(session: Session, application_id: int) -> tuple[Recommendation, str] | None:
    """What a completed assessment recommends, and why; None while there is none."""
    assessment = of_application(session, application_id)
    happened = events(session, [assessment.id])[assessment.id] if assessment else []
    if rules.status_after([EventKind(one.kind) for one in happened], withdrawn=False) is not Status.COMPLETED:
        return None
    last = next(one for one in reversed(happened) if one.recommendation is not None)
    assert last.recommendation is not None
    return Recommendation(last.recommendation), last.reason or ""


def assessors(session: Session, application_id: int) -> frozenset[tuple[str, str]]:
    """(organisation number, client) of everybody who took part."""
    return assessors_of(session, [application_id])[application_id]


def assessors_of(session: Session, application_ids: Collection[int]) -> dict[int, frozenset[tuple[str, str]]]:
    """The same for many applications, in one query."""
    taken_part = sa.union(
        *(
            sa.select(col(Assessment.application_id), col(did.organisation_number), col(did.client))
            .join(did, col(did.assessment_id) == col(Assessment.id))
            .where(col(Assessment.application_id).in_(application_ids), which)
            for did, which in (
                (AssessmentEvent, col(AssessmentEvent.kind).in_(rules.ASSESSING)),
                (AssessmentResult, sa.true()),
            )
        )
    )
    found: dict[int, set[tuple[str, str]]] = {id: set() for id in application_ids}
    for application_id, organisation, client in session.execute(taken_part):
        found[application_id].add((organisation, client))
    return {id: frozenset(people) for id, people in found.items()}


# ---- Keeping; the rules have been looked at


def begin(session: Session, application_id: int) -> Assessment:
    added = Assessment(application_id=application_id)
    session.add(added)
    try:
        session.flush()
    except IntegrityError:
        raise AssessmentExists from None
    return added


def record(session: Session, event: AssessmentEvent) -> None:
    session.add(event)
    session.flush()


def new_result(assessment: Assessment, caller: Caller, **found: Any) -> AssessmentResult:
    return AssessmentResult(
        assessment_id=assessment.id,
        recorded_at=clock.now(),
        organisation_number=caller.organisation,
        client=caller.client,
        **found,
    )


def add_results(
    session: Session,
    caller: Caller,
    assessment: Assessment,
    application: Application,
    added: Sequence[AssessmentResult],
    contents: Sequence[Content],
) -> None:
    """Write results down, on the record. The applicant is told by the feed; nobody else."""
    if not added:
        return
    session.add_all(added)
    session.flush()
    codes = {one.id: one.code for one in contents}
    path = f"/certification-assessments/{assessment.uuid}"
    told = {codes[one.requirement_id]: one.outcome.value for one in added}
    audit.record(session, caller, "certification-assessment.result", path, results=told, source=added[0].source.value)
    applicant = organisations.by_ids(session, [application.applicant_id])[application.applicant_id]
    feed.tell(
        session, "certification-assessment.result", path, applicant.organisation_number, requirements=sorted(told)
    )
