"""The steps of an application over HTTP; assessing and deciding have resources of their own."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Response
from pydantic import Field

from services.catalog.application_steps import store
from services.catalog.applications import rules, shapes
from services.catalog.applications import store as applications
from services.catalog.applications.rules import Step
from services.catalog.applications.shapes import BODY, FJORDVAKT, HAVORN, SEEDED, Application
from services.chassis import changes, clock
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In

router = new_router("/certification-applications", "Certification")


class Submission(In):
    answer: str | None = Field(
        default=None, min_length=1, max_length=5000, description="To what was asked; needed then, and only then"
    )


class InformationRequest(In):
    reason: str = Field(min_length=1, max_length=5000, description="What is missing; the applicant reads it")


class Withdrawal(In):
    reason: str | None = Field(default=None, min_length=1, max_length=5000)


@router.post(
    "/{id}/submit",
    summary="Submit an application, or answer what was asked",
    openapi_extra=example(organisation=FJORDVAKT, body={}),
)
def submit(
    id: Annotated[UUID, Path(description="The application's id", examples=[SEEDED["draft"]])],
    new: Submission,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
    if_match: changes.IfMatch = None,
) -> Application:
    """Draft → submitted, or information missing → submitted with an `answer`. Every rule that fails is told at once:
    the specification's version must be in force, the product offered in these forms and versions, and nothing of it be
    applied for already. From now on it is held to the requirements as they stand, and does not change."""
    row = store.own(session, id, caller, today)
    changes.require_match(if_match, row.revision, needed=False)
    now = clock.now()
    status = rules.Status(row.status)
    rules.after(status, Step.SUBMIT)
    store.check_submission(session, row, today)
    refuse(rules.check_answer(status, new.answer))
    applications.take(session, row, Step.SUBMIT, caller=caller, at=now, reason=new.answer)
    return shapes.shown(session, row, response, today)


@router.post(
    "/{id}/request-information",
    summary="Ask an applicant for what is missing",
    openapi_extra=example(organisation=BODY, body={"reason": "Testrapporten for versjon 4.2 mangler (fiktivt)."}),
)
def request_information(
    id: shapes.ApplicationId,
    new: InformationRequest,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
    if_match: changes.IfMatch = None,
) -> Application:
    """Submitted → information missing. For assessors without an interest in it. The applicant answers by submitting
    again, within the scheme's working days."""
    row = applications.seen(session, id, caller, today, changing=True)
    changes.require_match(if_match, row.revision, needed=False)
    refuse(rules.check_handler(caller.organisation, applications.interested(session, row, today)))
    applications.take(session, row, Step.REQUEST_INFORMATION, caller=caller, at=clock.now(), reason=new.reason)
    return shapes.shown(session, row, response, today)


@router.post(
    "/{id}/withdraw",
    summary="Withdraw an application",
    openapi_extra=example(organisation=HAVORN, body={"reason": "Vi venter til neste versjon (fiktivt)."}),
)
def withdraw(
    id: Annotated[UUID, Path(description="The application's id", examples=[SEEDED["information-missing"]])],
    new: Withdrawal,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
    if_match: changes.IfMatch = None,
) -> Application:
    """For its applicant, as long as it is not decided. It is not taken up again; draft a new one."""
    row = store.own(session, id, caller, today)
    changes.require_match(if_match, row.revision, needed=False)
    applications.take(session, row, Step.WITHDRAW, caller=caller, at=clock.now(), reason=new.reason)
    return shapes.shown(session, row, response, today)
