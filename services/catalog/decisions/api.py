"""Decisions on applications over HTTP."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.applications import store as applications
from services.catalog.applications.shapes import BODY, SEEDED
from services.catalog.certificates.shapes import Number
from services.catalog.decisions import rules, store
from services.catalog.decisions.rules import Outcome, Status
from services.catalog.grants import store as grants
from services.chassis import clock, paging
from services.chassis.app import new_router
from services.chassis.auth import Caller, ViewerDep, needs
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.values import In, Instant, Out, seed_id

router = new_router("/certification-decisions", "Certification")

Deciding = Annotated[Caller, needs("certification.decide")]
SEEDED_DECISION = str(seed_id("certification-decision:decided"))
RequirementId = Annotated[str, Field(min_length=1, max_length=40, examples=["VT2-05"])]


class NewCondition(In):
    requirement: RequirementId | None = Field(
        default=None, description="The requirement that it is about, if it is one"
    )
    text: str = Field(min_length=1, max_length=2000, description="What has to be in place")
    due_on: date = Field(description="The last day; unmet, the certificate is suspended from the next")


class NewDispensation(In):
    requirement: RequirementId = Field(description="A must requirement that need not be met for a time")
    reason: str = Field(min_length=1, max_length=2000)
    until_on: date = Field(description="The last day; unmet, the certificate is suspended from the next")


class NewDecision(In):
    application: UUID
    outcome: Outcome
    reason: str = Field(min_length=1, max_length=10_000, description="The applicant reads it; of a grant, everybody")
    valid_from_on: date | None = Field(
        default=None,
        description="Needed for a grant: the certificate's first day; of a renewal or an extension the day from which "
        "it holds. One that is past is flagged",
    )
    valid_to_on: date | None = Field(
        default=None, description="Needed for a grant or a renewal: the last day. An extension keeps the certificate's"
    )
    conditions: list[NewCondition] = Field(default=[], max_length=100, description="Only of a grant with conditions")
    dispensations: list[NewDispensation] = Field(default=[], max_length=100)


class Condition(Out):
    requirement: str | None
    text: str
    due_on: date = Field(description="The last day")


class Dispensation(Out):
    requirement: str
    reason: str
    until_on: date = Field(description="The last day")


class Event(Out):
    kind: rules.EventKind
    recorded_at: Instant
    reason: str | None
    appeal: UUID | None = Field(description="The appeal that it is about")
    organisation_number: str = Field(description="Who did it")


class Decision(Out):
    """A decision on an application. An appeal under way is shown to its parties only."""

    id: UUID
    application: UUID
    outcome: Outcome
    reason: str
    decided_on: date
    recorded_at: Instant
    organisation_number: str = Field(description="Who decided")
    valid_from_on: date | None = Field(description="Null: refused")
    valid_to_on: date | None = Field(description="The last day. Null: refused, or an extension, which keeps it")
    conditions: list[Condition]
    dispensations: list[Dispensation]
    certificate: str | None = Field(description="The number of the certificate that it granted, renewed or extended")
    appeal_by_on: date = Field(description="The last day on which it can be appealed against, by the scheme")
    status: Status
    events: list[Event] = Field(description="In the order recorded")


class Filters(In):
    application: UUID | None = Field(default=None, description="Only on this application")
    certificate: Number | None = Field(default=None, description="Only about this certificate")
    outcome: list[Outcome] = Field(default=[], max_length=3, description="Only these; give it several times")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get("", summary="List decisions on certification", openapi_extra=example(query={"outcome": "granted"}))
def list_decisions(
    filters: Annotated[Filters, Query()],
    viewer: ViewerDep,
    reader: ReaderDep,
    request: Request,
    response: Response,
    today: clock.TodayDep,
) -> paging.Page[Decision]:
    """Those that granted something are open to all. Refusals are seen by the applicant and by whoever assesses or
    decides. Oldest first."""
    rows = store.page(
        reader,
        paging.start(filters.after, UUID),
        filters.limit,
        own=applications.applicant_ids(reader, viewer.organisation, today) if viewer else (),
        everyones=viewer is not None and applications.handles(viewer),
        application=filters.application,
        certificate=filters.certificate,
        outcome=filters.outcome,
    )
    shown = _shown(reader, rows, viewer, today)
    return paging.page(
        request, response, rows, filters.limit, lambda row: paging.cursor(row.uuid), lambda row: shown[row.id]
    )


@router.get("/{id}", summary="Read a decision on certification", openapi_extra=example())
def read(
    id: Annotated[UUID, Path(description="The decision's id", examples=[SEEDED_DECISION])],
    viewer: ViewerDep,
    reader: ReaderDep,
    today: clock.TodayDep,
) -> Decision:
    """One decision with its reasons, the last day for an appeal, and what became of it. A refusal that you may not see
    is not found."""
    row = store.by_uuid(reader, id)
    if row.outcome is Outcome.REFUSED and not store.is_party(reader, row, viewer, today):
        raise store.DecisionNotFound(f"No decision has the id {id}.")
    return _shown(reader, [row], viewer, today)[row.id]


@router.post(
    "",
    status_code=201,
    summary="Decide on an application",
    openapi_extra=example(
        organisation=BODY,
        body={
            "application": SEEDED["recommended"],
            "outcome": "granted",
            "reason": "Alle må-krav er oppfylt, se vurderingen (fiktivt).",
            "valid_from_on": "2027-01-01",
            "valid_to_on": "2029-12-31",
        },
    ),
)
def decide(
    new: NewDecision, caller: Deciding, session: SessionDep, response: Response, today: clock.TodayDep
) -> Decision:
    """Recommended → decided, by another client than any assessor's, of an organisation without an interest in it. Every
    must requirement has to be met, not relevant for a stated reason, dispensed with, or named by a condition; each that
    is not stands in `errors[]`. A test that is older than its lifetime counts as none. What is granted is a certificate
    in the same moment; a second decision is refused."""
    row = grants.decide(
        session,
        new.application,
        rules.Decision(
            new.outcome,
            new.valid_from_on,
            new.valid_to_on,
            [rules.Condition(one.requirement, one.due_on, one.text) for one in new.conditions],
            [rules.Condition(one.requirement, one.until_on, one.reason) for one in new.dispensations],
        ),
        reason=new.reason,
        caller=caller,
        now=clock.now(),
        today=today,
    )
    response.headers["Location"] = row.path
    return _shown(session, [row], caller, today)[row.id]


def _shown(session: Session, rows: Any, viewer: Caller | None, today: date) -> dict[int, Decision]:
    happened = store.events(session, [row.id for row in rows])
    numbers = store.numbers(session, [row.certificate_id for row in rows])
    asked = applications.by_ids(session, {row.application_id for row in rows})
    own = applications.applicant_ids(session, viewer.organisation, today) if viewer else set()
    handles = viewer is not None and applications.handles(viewer)
    found = {}
    for row in rows:
        application = asked[row.application_id]
        within = handles or application.applicant_id in own
        status, events = store.told(happened[row.id], everything=within)
        found[row.id] = Decision.model_validate(
            {
                **row.model_dump(exclude={"id"}),
                "id": row.uuid,
                "application": application.uuid,
                "certificate": numbers.get(row.certificate_id),
                "status": status,
                "events": events,
            }
        )
    return found
