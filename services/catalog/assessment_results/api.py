"""Results of an assessment over HTTP: one by one, or taken over."""

from collections.abc import Collection
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Path, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.applications import store as applications
from services.catalog.applications.store import Application
from services.catalog.assessment_results import rules
from services.catalog.assessments import shapes
from services.catalog.assessments import store as assessments
from services.catalog.assessments.shapes import Result
from services.catalog.assessments.store import Source
from services.catalog.certificates.rules import Assurance, Outcome
from services.catalog.evidence_files import store as evidence_files
from services.catalog.schemes import store as schemes
from services.catalog.schemes.rules import SubjectKind
from services.chassis import changes, clock
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In, Out, seed_id

router = new_router("/certification-assessments/{id}", "Certification")

BODY = "100000040"
SEEDED = str(seed_id("assessment:assessed"))
AssessmentId = Annotated[UUID, Path(description="The assessment's id", examples=[SEEDED])]
Requirement = Annotated[str, Path(max_length=40, description="The requirement's id", examples=["VT1-01"])]


class NewEvidence(In):
    """A document that shows it: one that the catalogue keeps, or one that is kept elsewhere, by its hash."""

    description: str = Field(min_length=1, max_length=500, examples=["Testrapport (fiktiv)"])
    sha256: str | None = Field(
        default=None, pattern=r"^[0-9a-f]{64}$", description="In hexadecimal; may be left out where `file` is given"
    )
    dated_on: date
    file: UUID | None = Field(default=None, description="Its id among the evidence files")


class NewResult(In):
    outcome: Outcome
    reason: str | None = Field(default=None, min_length=1, max_length=2000, description="Needed unless it is met")
    evidence: list[NewEvidence] = Field(default=[], max_length=20, description="Needed for met and partly")
    assurance: Assurance = Field(
        default=Assurance.THIRD_PARTY, description="`self_declared` where you only pass on the supplier's word"
    )
    tool: str | None = Field(default=None, min_length=1, max_length=200, description="The test tool")
    tool_version: str | None = Field(default=None, min_length=1, max_length=80)
    tested_on: date | None = Field(default=None, description="Needed for met, partly and not_met")
    lifetime_days: int | None = Field(
        default=None, ge=1, le=36_500, description="How long the test counts as recent; the scheme's if left out"
    )


class Results(Out):
    items: list[Result]


@router.get(
    "/results/{requirement}",
    summary="Read every result of a requirement",
    openapi_extra=example(organisation=BODY),
)
def read(
    id: AssessmentId, requirement: Requirement, caller: CallerDep, reader: ReaderDep, today: clock.TodayDep
) -> Results:
    """Every result that was ever written, the newest, which counts, first. For the applicant, and for whoever assesses
    or decides."""
    assessment, application = assessments.seen(reader, id, caller, today)
    held = assessments.held_to(applications.requirements(reader, application.id), requirement)
    written = assessments.history(reader, assessment.id, held.id)
    return Results(items=[shapes.shown(one, held, today) for one in written])


@router.put(
    "/results/{requirement}",
    summary="Write down a result",
    openapi_extra=example(
        organisation=BODY,
        body={
            "outcome": "met",
            "evidence": [
                {
                    "description": "Testrapport (fiktiv)",
                    "file": str(seed_id("evidence-file:report")),
                    "dated_on": "2026-11-02",
                }
            ],
            "tool": "Testbenk for varsler (fiktiv)",
            "tool_version": "1.4",
            "tested_on": "2026-11-02",
        },
    ),
)
def write(
    id: AssessmentId,
    requirement: Requirement,
    new: NewResult,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
    if_match: changes.IfMatch = None,
) -> Result:
    """For whoever assesses, while the assessment is open. It stands beside what was written before, and counts from now
    on. What is met or partly met has evidence: files that the catalogue keeps (the applicant's or an assessor's, not
    withdrawn), which the applicant may read from then on, or hashes of documents kept elsewhere. You are its tester."""
    assessment, application = assessments.opened(session, id, caller, today, if_match)
    held = assessments.held_to(applications.requirements(session, application.id), requirement)
    named = {one.file for one in new.evidence if one.file}
    evidence_files.lock_all(session, named)
    files = evidence_files.by_uuids(session, named)
    people = {organisation for organisation, _ in assessments.assessors(session, application.id)}
    refuse(
        rules.check(
            rules.NewResult(
                new.outcome,
                new.reason,
                [rules.Piece(one.sha256, one.dated_on, one.file) for one in new.evidence],
                new.tested_on,
            ),
            {
                uuid: rules.File(
                    file.sha256,
                    file.withdrawn_at is not None,
                    _fits(session, file, application, people, today),
                )
                for uuid, file in files.items()
            },
            today,
        )
    )
    evidence_files.share(session, [one.id for one in files.values()], [application.applicant_id])
    default = schemes.terms(session, SubjectKind(application.subject_kind)).result_lifetime_days
    tested = new.outcome in rules.TESTED
    added = assessments.new_result(
        assessment,
        caller,
        requirement_id=held.id,
        outcome=new.outcome,
        reason=new.reason,
        evidence=[
            {
                "description": one.description,
                "sha256": files[one.file].sha256 if one.file else one.sha256,
                "dated_on": str(one.dated_on),
                "file": str(one.file) if one.file else None,
            }
            for one in new.evidence
        ],
        assurance=new.assurance,
        tool=new.tool,
        tool_version=new.tool_version,
        tester=caller.organisation,
        tested_on=new.tested_on,
        lifetime_days=(new.lifetime_days or default) if tested else None,
        source=Source.ASSESSOR,
    )
    assessments.add_results(session, caller, assessment, application, [added], [held])
    response.headers["ETag"] = changes.etag(assessments.revision(session, assessment.id))
    return shapes.shown(added, held, today)


def _fits(
    session: Session, file: evidence_files.Kept, application: Application, people: Collection[str], today: date
) -> bool:
    """Of the applicant or of an assessor, or given to the applicant to read before."""
    if file.uploaded_by is not None and (
        file.uploaded_by in people or applications.is_applicant(session, application, file.uploaded_by, today)
    ):
        return True
    return application.applicant_id in file.readers or file.uploaded_by_id == application.applicant_id
