"""Deciding on an application over HTTP."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Response
from pydantic import Field

from services.catalog.applications.shapes import BODY, SEEDED
from services.catalog.decisions import rules, shapes
from services.catalog.decisions.rules import Outcome
from services.catalog.grants import store
from services.chassis import clock
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import SessionDep
from services.chassis.values import In

router = new_router("/certification-decisions", "Certification")

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
    new: NewDecision, caller: CallerDep, session: SessionDep, response: Response, today: clock.TodayDep
) -> shapes.Decision:
    """Recommended → decided, by another client than any assessor's, of an organisation without an interest in it. Every
    must requirement has to be met, not relevant for a stated reason, dispensed with, or named by a condition; each that
    is not stands in `errors[]`. A test that is older than its lifetime counts as none. What is granted is a certificate
    in the same moment; a second decision is refused."""
    row = store.decide(
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
        today=today,
    )
    response.headers["Location"] = row.path
    return shapes.shown(session, [row], caller, today)[row.id]
