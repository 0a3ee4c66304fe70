"""Results that are taken over, over HTTP."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Path
from pydantic import Field
from sqlmodel import Session

from services.catalog.adopted_results import rules, store
from services.catalog.adopted_results.rules import Skipped
from services.catalog.applications import store as applications
from services.catalog.applications.store import Application
from services.catalog.assessment_results import rules as result_rules
from services.catalog.assessments import shapes
from services.catalog.assessments import store as assessments
from services.catalog.assessments.shapes import Result
from services.catalog.assessments.store import Assessment, AssessmentResult, Source
from services.catalog.certificates.rules import Assurance, Outcome
from services.catalog.evidence_files import store as evidence_files
from services.catalog.requirements.store import Content
from services.catalog.schemes import store as schemes
from services.catalog.schemes.rules import SubjectKind
from services.catalog.specifications.rules import Obligation
from services.catalog.test_reports import rules as report_rules
from services.catalog.test_reports import store as test_reports
from services.chassis import changes, clock
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.contract import example
from services.chassis.db import SessionDep
from services.chassis.values import In, Out, seed_id

router = new_router("/certification-assessments/{id}", "Certification")

BODY = "100000040"
SEEDED = str(seed_id("assessment:assessed"))
AssessmentId = Annotated[UUID, Path(description="The assessment's id", examples=[SEEDED])]
Requirement = Annotated[str, Path(max_length=40, description="The requirement's id", examples=["VT1-01"])]


class Chosen(In):
    requirements: list[Annotated[str, Field(max_length=40)]] | None = Field(
        default=None, min_length=1, max_length=500, description="Only these; all if left out"
    )


class Left(Out):
    requirement: str
    why: Skipped


class Adopted(Out):
    """What was taken over, and why the rest was not."""

    adopted: list[Result]
    skipped: list[Left]


@router.post(
    "/adopt-reports",
    summary="Take over results of signed test reports",
    openapi_extra=example(organisation=BODY, body={}),
)
def adopt_reports(
    id: AssessmentId,
    new: Chosen,
    caller: CallerDep,
    session: SessionDep,
    today: clock.TodayDep,
    if_match: changes.IfMatch = None,
) -> Adopted:
    """For whoever assesses, while the assessment is open. Of each requirement the last test about a version of the
    product that the application is for: what is met, and what is not once a person has approved it. Where the last test
    is not met and waits for that, an older pass does not stand in for it. Reports of revoked testers and rejected ones
    do not count."""
    assessment, application = assessments.opened(session, id, caller, today, if_match)
    contents = _chosen(applications.requirements(session, application.id), new.requirements)
    if application.product_id is None:
        raise rules.NoProduct
    said = test_reports.found(session, application.product_id, application.specification_version_id)
    newest = assessments.newest(session, assessment.id)
    default = schemes.terms(session, SubjectKind(application.subject_kind)).result_lifetime_days
    added: list[AssessmentResult] = []
    skipped: list[Left] = []
    for held in contents:
        mine = {(one.report, one.ran_on): one for one in said if one.requirement_id == held.id}
        now = newest.get(held.id)
        choice = rules.chosen(
            [_reported(one, application) for one in mine.values()],
            taken={UUID((now.source_path or "").rpartition("/")[2])}
            if now and now.source is Source.TEST_REPORT
            else (),
            tested_on=now.tested_on if now else None,
        )
        if isinstance(choice, Skipped):
            skipped.append(Left(requirement=held.code, why=choice))
        else:
            added.append(_of_report(assessment, caller, mine[choice.report, choice.ran_on], default))
    return _adopted(session, caller, assessment, application, contents, added, skipped, today)


@router.post(
    "/adopt-declaration",
    summary="Take over what the supplier declares itself",
    openapi_extra=example(organisation=BODY, body={"requirements": ["VT1-04"]}),
)
def adopt_declaration(
    id: AssessmentId,
    new: Chosen,
    caller: CallerDep,
    session: SessionDep,
    today: clock.TodayDep,
    if_match: changes.IfMatch = None,
) -> Adopted:
    """For whoever assesses, while the assessment is open. The answers of the supplier's declaration against the same
    version, for requirements that have no result yet, as `self_declared`: they stay the supplier's own word, and are
    shown as that for ever."""
    assessment, application = assessments.opened(session, id, caller, today, if_match)
    contents = _chosen(applications.requirements(session, application.id), new.requirements)
    if application.product_id is None:
        raise rules.NoProduct
    declared = store.declaration(session, application)
    if declared is None:
        raise rules.NothingDeclared
    newest = assessments.newest(session, assessment.id)
    default = schemes.terms(session, SubjectKind(application.subject_kind)).result_lifetime_days
    said: list[tuple[Content, Outcome, str | None]] = []
    skipped: list[Left] = []
    for held in contents:
        answer, comment = declared.answers.get(held.code, (None, None))
        found = rules.declared(answer, comment, must=held.obligation is Obligation.MUST)
        if held.id in newest:
            skipped.append(Left(requirement=held.code, why=Skipped.HAS_RESULT))
        elif isinstance(found, Skipped):
            skipped.append(Left(requirement=held.code, why=found))
        else:
            said.append((held, *found))
    path = f"/products/{applications.product_of(session, application)}/declarations/{declared.uuid}"
    evidence = [_declaration_file(session, application, caller, declared, path)] if said else []
    added = [
        assessments.new_result(
            assessment,
            caller,
            requirement_id=held.id,
            outcome=outcome,
            reason=reason,
            evidence=evidence if outcome in result_rules.SHOWN else [],
            assurance=Assurance.SELF_DECLARED,
            tester=declared.organisation_number,
            tested_on=declared.declared_on if outcome in result_rules.TESTED else None,
            lifetime_days=default if outcome in result_rules.TESTED else None,
            source=Source.DECLARATION,
            source_path=path,
        )
        for held, outcome, reason in said
    ]
    return _adopted(session, caller, assessment, application, contents, added, skipped, today)


def _chosen(contents: Sequence[Content], codes: Sequence[str] | None) -> list[Content]:
    return list(contents) if codes is None else [assessments.held_to(contents, code) for code in dict.fromkeys(codes)]


def _reported(one: test_reports.Found, application: Application) -> rules.Reported:
    return rules.Reported(
        report=one.report,
        ran_on=one.ran_on,
        counts=report_rules.counts(one.outcome, one.state),
        trusted=not one.tester_revoked and not one.withdrawn,
        in_scope=store.covers(application, one.version),
    )


def _of_report(assessment: Assessment, caller: Caller, one: test_reports.Found, lifetime_days: int) -> AssessmentResult:
    evidence = [
        {
            "description": f"Signert testrapport, versjon {one.version}",
            "sha256": one.sha256,
            "dated_on": str(clock.on(one.received_at)),
            "file": str(one.evidence_file),
        }
    ]
    if one.log_sha256:
        evidence.append({"description": "Testlogg", "sha256": one.log_sha256, "dated_on": str(one.ran_on)})
    tested = one.outcome in result_rules.TESTED
    return assessments.new_result(
        assessment,
        caller,
        requirement_id=one.requirement_id,
        outcome=one.outcome,
        reason=one.reason,
        evidence=[{"file": None} | piece for piece in evidence],
        assurance=one.assurance,
        tool=one.tool,
        tool_version=one.tool_version,
        tester=one.tester,
        tested_on=one.ran_on if tested else None,
        lifetime_days=lifetime_days if tested else None,
        source=Source.TEST_REPORT,
        source_path=f"/test-reports/{one.report}",
    )


def _declaration_file(
    session: Session, application: Application, caller: Caller, declared: store.Declared, path: str
) -> dict[str, Any]:
    """The declaration as it is now, kept as evidence."""
    told = {
        "declaration": path,
        "declared_on": str(declared.declared_on),
        "organisation_number": declared.organisation_number,
        "answers": [
            {"requirement": code, "answer": answer.value, "comment": comment}
            for code, (answer, comment) in sorted(declared.answers.items())
        ],
    }
    kept = evidence_files.keep(
        session,
        content=orjson.dumps(told, option=orjson.OPT_INDENT_2),
        media_type="application/json",
        file_name=f"egenerklaering-{declared.uuid}.json",
        title={"nb": "Egenerklæring", "en": "Self-declaration"},
        uploaded_by_id=application.applicant_id,
        client=caller.client,
        at=clock.now(),
    )
    return {
        "description": "Egenerklæring",
        "sha256": kept.sha256,
        "dated_on": str(declared.declared_on),
        "file": str(kept.uuid),
    }


def _adopted(
    session: Session,
    caller: Caller,
    assessment: Assessment,
    application: Application,
    contents: Sequence[Content],
    added: Sequence[AssessmentResult],
    skipped: list[Left],
    today: date,
) -> Adopted:
    by_id = {one.id: one for one in contents}
    assessments.add_results(session, caller, assessment, application, added, contents)
    return Adopted(adopted=[shapes.shown(one, by_id[one.requirement_id], today) for one in added], skipped=skipped)
