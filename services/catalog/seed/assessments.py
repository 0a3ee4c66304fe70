"""Fictional assessments of the fictional applications, each as far as its application has come."""

from datetime import date, datetime
from typing import Any

from sqlmodel import Session, select

from services.catalog.applications import store as applications
from services.catalog.applications.rules import Step
from services.catalog.applications.store import Application
from services.catalog.assessments import store as assessments
from services.catalog.assessments.rules import EventKind, Recommendation
from services.catalog.certificates.rules import Assurance, Outcome
from services.catalog.evidence_files import store as evidence_files
from services.catalog.requirements.store import Content
from services.catalog.schemes import store as schemes
from services.catalog.schemes.rules import SubjectKind
from services.catalog.seed.applications import ASSESSOR, BODY, acting
from services.catalog.seed.files import told
from services.catalog.seed.testing import DECIDER, file_hash
from services.catalog.specifications.rules import Obligation
from services.chassis import clock
from services.chassis.values import seed_id


def load(session: Session, new: list[dict[str, Any]]) -> int:
    known = set(session.exec(select(assessments.Assessment.uuid)))
    missing = [one for one in new if seed_id(f"assessment:{one['name']}") not in known]
    for one in missing:
        _assessment(session, one)
    return told(session, "certification-assessment.seed", "/certification-assessments", len(missing))


def _assessment(session: Session, one: dict[str, Any]) -> None:
    application = applications.locked(session, seed_id(f"certification-application:{one['name']}"))
    added = assessments.Assessment(uuid=seed_id(f"assessment:{one['name']}"), application_id=application.id)
    session.add(added)
    session.flush()
    path = f"/certification-assessments/{added.uuid}"
    assessor, decider = acting(BODY, ASSESSOR), acting(BODY, DECIDER)
    begun_at = datetime.fromisoformat(one["begun_at"])
    _event(session, added, EventKind.BEGUN, begun_at, ASSESSOR)
    step = Step.BEGIN_ASSESSMENT
    applications.take(session, application, step, caller=assessor, at=begun_at, links={"assessment": path})
    written = begun_at if one["completed_at"] is None else datetime.fromisoformat(one["completed_at"])
    session.add_all(_results(session, added, application, one, written))
    session.flush()
    if one["completed_at"]:
        reason = one["reason"]
        recommended = Recommendation(one["recommendation"])
        _event(session, added, EventKind.COMPLETED, written, ASSESSOR, reason, recommended)
        applications.take(session, application, Step.RECOMMEND, caller=assessor, at=written, reason=reason)
    if one["returned_at"]:
        at, reason = datetime.fromisoformat(one["returned_at"]), "Begrunnelsen mangler (fiktivt)"
        _event(session, added, EventKind.RETURNED, at, DECIDER, reason)
        applications.take(session, application, Step.RETURN, caller=decider, at=at, reason=reason)


def _event(
    session: Session,
    assessment: assessments.Assessment,
    kind: EventKind,
    at: datetime,
    client: str,
    reason: str | None = None,
    recommendation: Recommendation | None = None,
) -> None:
    assessments.record(
        session,
        assessments.AssessmentEvent(
            assessment_id=assessment.id,
            kind=kind,
            recorded_at=at,
            organisation_number=BODY,
            client=client,
            reason=reason,
            recommendation=recommendation,
        ),
    )


def _results(
    session: Session,
    assessment: assessments.Assessment,
    application: Application,
    one: dict[str, Any],
    at: datetime,
) -> list[assessments.AssessmentResult]:
    """What the file says is otherwise, and `met` for the rest of what it says is tested (`musts` or `all`)."""
    contents = applications.requirements(session, application.id)
    tested = [held for held in contents if one["tested"] == "all" or held.obligation is Obligation.MUST]
    file = evidence_files.by_uuid(session, seed_id("evidence-file:inspection")) if one["tested"] != "none" else None
    if file:
        evidence_files.share(session, [file.id], [application.applicant_id])
    days = schemes.terms(session, SubjectKind(application.subject_kind)).result_lifetime_days
    return [
        _result(assessment, held, one["otherwise"].get(held.code), clock.on(at), at, days)
        for held in tested
        if one["tested"] != "none"
    ]


def _result(
    assessment: assessments.Assessment,
    held: Content,
    otherwise: list[str] | None,
    tested_on: date,
    at: datetime,
    lifetime_days: int,
) -> assessments.AssessmentResult:
    outcome, reason = otherwise or ("met", None)
    evidence = {
        "description": "Protokoll fra tilsyn (fiktiv)",
        "sha256": file_hash(),
        "dated_on": "2026-09-01",
        "file": str(seed_id("evidence-file:inspection")),
    }
    return assessments.AssessmentResult(
        assessment_id=assessment.id,
        requirement_id=held.id,
        outcome=Outcome(outcome),
        reason=reason,
        evidence=[evidence] if outcome == "met" else [],
        assurance=Assurance.THIRD_PARTY,
        tester=BODY,
        tested_on=tested_on,
        lifetime_days=lifetime_days,
        source=assessments.Source.ASSESSOR,
        recorded_at=at,
        organisation_number=BODY,
        client=ASSESSOR,
    )
