"""Assessments over HTTP."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.applications import rules as application_rules
from services.catalog.applications import store as applications
from services.catalog.applications.store import Application
from services.catalog.assessments import rules, shapes, store
from services.catalog.assessments.rules import EventKind, Recommendation, Status, Step
from services.catalog.assessments.shapes import Result
from services.catalog.organisations import store as organisations
from services.catalog.requirements.store import Content
from services.catalog.specifications.rules import Obligation
from services.chassis import audit, changes, clock, feed, paging
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In, Instant, Out, TextOut, seed_id

router = new_router("/certification-assessments", "Certification")

BODY, ANOTHER = "100000040", "100000059"
SEEDED = {name: str(seed_id(f"assessment:{name}")) for name in ("assessed", "recommended", "complete", "returned")}
AssessmentId = Annotated[UUID, Path(description="The assessment's id", examples=[SEEDED["assessed"]])]


class NewAssessment(In):
    application: UUID = Field(description="The application's id")


class Completion(In):
    recommendation: Recommendation
    reason: str = Field(min_length=1, max_length=5000)


class Reason(In):
    reason: str = Field(min_length=1, max_length=5000)


class AssessmentEvent(Out):
    kind: EventKind
    recorded_at: Instant
    organisation_number: str = Field(description="Who did it")
    reason: str | None
    recommendation: Recommendation | None


class AssessmentSummary(Out):
    """Where an assessment stands. It decides nothing: see the application's decision."""

    id: UUID
    application: UUID = Field(description="See `/certification-applications/{id}`")
    state: Status
    assessors: list[str] = Field(description="Organisation numbers of those who take part")
    recommendation: Recommendation | None = Field(description="Once it is completed")
    reason: str | None = Field(description="Of the recommendation")
    begun_at: Instant


class AssessedRequirement(Out):
    """A requirement that the application is held to, and what counts of it."""

    requirement: str
    obligation: Obligation
    text: TextOut
    result: Result | None


class Assessment(AssessmentSummary):
    """An assessment with every requirement that the application was frozen to."""

    requirements: list[AssessedRequirement]
    missing: list[str] = Field(description="The must requirements without a result")
    events: list[AssessmentEvent] = Field(description="Oldest first")


class Filters(In):
    application: UUID | None = Field(default=None, description="Only this application's")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get("", summary="List assessments", openapi_extra=example(organisation=BODY))
def list_assessments(
    filters: Annotated[Filters, Query()],
    caller: CallerDep,
    reader: ReaderDep,
    request: Request,
    response: Response,
    today: clock.TodayDep,
) -> paging.Page[AssessmentSummary]:
    """By id: those of your own applications; all for whoever assesses or decides."""
    rows = store.page(
        reader,
        paging.start(filters.after, UUID),
        filters.limit,
        own=applications.applicant_ids(reader, caller.organisation, today),
        everyones=applications.handles(caller),
        application=filters.application,
    )
    happened = store.events(reader, [row.Assessment.id for row in rows])
    people = store.assessors_of(reader, [row.Application.id for row in rows]) if rows else {}
    return paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(row.Assessment.uuid),
        lambda row: AssessmentSummary.model_validate(
            _summary(row.Assessment, row.Application, happened[row.Assessment.id], people[row.Application.id])
        ),
    )


@router.get("/{id}", summary="Read an assessment", openapi_extra=example(organisation=BODY))
def read(
    id: AssessmentId, caller: CallerDep, reader: ReaderDep, response: Response, today: clock.TodayDep
) -> Assessment:
    """Every requirement of the application with the result that counts, and which must requirements have none. For the
    applicant, and for whoever assesses or decides; others do not find it."""
    assessment, application = store.seen(reader, id, caller, today)
    return _shown(reader, assessment, application, response, today)


@router.post(
    "",
    status_code=201,
    summary="Begin an assessment",
    openapi_extra=example(organisation=BODY, body={"application": str(seed_id("certification-application:to-assess"))}),
)
def begin(
    new: NewAssessment, caller: CallerDep, session: SessionDep, response: Response, today: clock.TodayDep
) -> Assessment:
    """For whoever assesses, and has no interest in the application. It takes the application from submitted to under
    assessment. Others join it."""
    application = applications.seen(session, new.application, caller, today, changing=True)
    refuse(application_rules.check_handler(caller.organisation, applications.interested(session, application, today)))
    application_rules.after(application_rules.Status(application.status), application_rules.Step.BEGIN_ASSESSMENT)
    added = store.begin(session, application.id)
    response.headers["Location"] = path = f"/certification-assessments/{added.uuid}"
    _record(session, added, application, caller, EventKind.BEGUN)
    applications.take(
        session,
        application,
        application_rules.Step.BEGIN_ASSESSMENT,
        caller=caller,
        at=clock.now(),
        links={"assessment": path},
    )
    return _shown(session, added, application, response, today)


@router.post(
    "/{id}/join",
    summary="Join an assessment",
    operation_id="assessment_join",
    openapi_extra=example(organisation=ANOTHER),
)
def join(
    id: AssessmentId,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
    if_match: changes.IfMatch = None,
) -> Assessment:
    """For whoever assesses, and has no interest in the application: you take part in it, and do not decide on it.
    Whoever writes a result into it or completes it takes part as well."""
    assessment, application = store.held(session, id, caller, today, if_match)
    person, people = (caller.organisation, caller.client), store.assessors(session, application.id)
    refuse(rules.check_joining(_state(session, assessment, application), person, people))
    _record(session, assessment, application, caller, EventKind.JOINED)
    return _shown(session, assessment, application, response, today)


@router.post(
    "/{id}/complete",
    summary="Complete an assessment",
    operation_id="assessment_complete",
    openapi_extra=example(
        organisation=BODY, body={"recommendation": "grant", "reason": "Alle må-krav er oppfylt (fiktivt)"}
    ),
)
def complete(
    id: Annotated[UUID, Path(description="The assessment's id", examples=[SEEDED["complete"]])],
    new: Completion,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
    if_match: changes.IfMatch = None,
) -> Assessment:
    """Open → completed, with a recommendation, for whoever assesses; the application is then recommended. Every must
    requirement has a result; with `grant` each is met and recently tested, or not relevant. All that is missing is told
    at once. Whoever decides is somebody else."""
    assessment, application = store.held(session, id, caller, today, if_match)
    rules.after(_state(session, assessment, application), Step.COMPLETE)
    contents = applications.requirements(session, application.id)
    refuse(rules.check_completion(_musts(contents), _found(session, assessment, contents), new.recommendation, today))
    _record(session, assessment, application, caller, EventKind.COMPLETED, new.reason, new.recommendation)
    applications.take(
        session,
        application,
        application_rules.Step.RECOMMEND,
        caller=caller,
        at=clock.now(),
        reason=new.reason,
    )
    return _shown(session, assessment, application, response, today)


@router.post(
    "/{id}/return",
    summary="Return an assessment",
    operation_id="assessment_return",
    openapi_extra=example(organisation=BODY, body={"reason": "VT1-02 mangler begrunnelse (fiktivt)"}),
)
def return_(
    id: Annotated[UUID, Path(description="The assessment's id", examples=[SEEDED["recommended"]])],
    new: Reason,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
    if_match: changes.IfMatch = None,
) -> Assessment:
    """Completed → returned, by whoever decides and is none of its assessors: it does not carry a decision yet. The
    application is under assessment again."""
    assessment, application = store.held(session, id, caller, today, if_match)
    rules.after(_state(session, assessment, application), Step.RETURN)
    person, people = (caller.organisation, caller.client), store.assessors(session, application.id)
    refuse(rules.check_return(person, people))
    _record(session, assessment, application, caller, EventKind.RETURNED, new.reason)
    applications.take(
        session, application, application_rules.Step.RETURN, caller=caller, at=clock.now(), reason=new.reason
    )
    return _shown(session, assessment, application, response, today)


@router.post(
    "/{id}/resume",
    summary="Resume a returned assessment",
    operation_id="assessment_resume",
    openapi_extra=example(organisation=BODY),
)
def resume(
    id: Annotated[UUID, Path(description="The assessment's id", examples=[SEEDED["returned"]])],
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
    if_match: changes.IfMatch = None,
) -> Assessment:
    """Returned → open, by whoever assesses; you then take part in it."""
    assessment, application = store.held(session, id, caller, today, if_match)
    rules.after(_state(session, assessment, application), Step.RESUME)
    _record(session, assessment, application, caller, EventKind.RESUMED)
    return _shown(session, assessment, application, response, today)


def _state(session: Session, assessment: store.Assessment, application: Application) -> Status:
    happened = store.events(session, [assessment.id])[assessment.id]
    return store.status(happened, application_rules.Status(application.status))


def _record(
    session: Session,
    assessment: store.Assessment,
    application: Application,
    caller: Caller,
    kind: EventKind,
    reason: str | None = None,
    recommendation: Recommendation | None = None,
) -> None:
    store.record(
        session,
        store.AssessmentEvent(
            assessment_id=assessment.id,
            kind=kind,
            recorded_at=clock.now(),
            organisation_number=caller.organisation,
            client=caller.client,
            reason=reason,
            recommendation=recommendation,
        ),
    )
    path = f"/certification-assessments/{assessment.uuid}"
    audit.record(session, caller, f"certification-assessment.{kind}", path, reason=reason, recommended=recommendation)
    applicant = organisations.by_ids(session, [application.applicant_id])[application.applicant_id]
    feed.tell(
        session,
        f"certification-assessment.{kind}",
        path,
        applicant.organisation_number,
        application=str(application.uuid),
    )


def _musts(contents: Sequence[Content]) -> list[str]:
    return [one.code for one in contents if one.obligation is Obligation.MUST]


def _found(session: Session, assessment: store.Assessment, contents: Sequence[Content]) -> dict[str, rules.Found]:
    codes = {one.id: one.code for one in contents}
    newest = store.newest(session, assessment.id)
    return {codes[id]: shapes.found(one) for id, one in newest.items() if id in codes}


def _summary(
    assessment: store.Assessment,
    application: Application,
    happened: Sequence[store.AssessmentEvent],
    people: frozenset[tuple[str, str]],
) -> dict[str, Any]:
    state = store.status(happened, application_rules.Status(application.status))
    last = next((one for one in reversed(happened) if one.recommendation), None) if state is Status.COMPLETED else None
    return {
        "id": assessment.uuid,
        "application": application.uuid,
        "state": state,
        "assessors": sorted({organisation for organisation, _ in people}),
        "recommendation": last and last.recommendation,
        "reason": last and last.reason,
        "begun_at": happened[0].recorded_at,
    }


def _shown(
    session: Session, assessment: store.Assessment, application: Application, response: Response, today: date
) -> Assessment:
    happened = store.events(session, [assessment.id])[assessment.id]
    contents = applications.requirements(session, application.id)
    newest = store.newest(session, assessment.id)
    response.headers["ETag"] = changes.etag(store.revision(session, assessment.id))
    return Assessment.model_validate(
        {
            **_summary(assessment, application, happened, store.assessors(session, application.id)),
            "requirements": [
                AssessedRequirement(
                    requirement=one.code,
                    obligation=one.obligation,
                    text=one.says.text,
                    result=shapes.shown(newest[one.id], one, today) if one.id in newest else None,
                )
                for one in contents
            ],
            "missing": rules.missing(_musts(contents), _found(session, assessment, contents)),
            "events": happened,
        }
    )
