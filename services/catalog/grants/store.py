"""A decision and what it grants, kept together or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from services.catalog.applications import rules as application_rules
from services.catalog.applications import store as applications
from services.catalog.applications.store import Application
from services.catalog.assessments import store as assessments
from services.catalog.certificates import rules as certification
from services.catalog.certificates import store as certificates
from services.catalog.certificates.rules import ConditionKind, EventKind, Scope
from services.catalog.certificates.store import Certificate
from services.catalog.decisions import rules
from services.catalog.decisions import store as decisions
from services.catalog.decisions.rules import Outcome
from services.catalog.organisations import store as organisations
from services.catalog.products.store import Product
from services.catalog.schemes import rules as scheme_rules
from services.catalog.schemes import store as schemes
from services.catalog.schemes.rules import SubjectKind
from services.catalog.specifications import store as specifications
from services.catalog.specifications.rules import Obligation
from services.catalog.supplier_suspensions import store as supplier_suspensions
from services.chassis import audit, clock, feed
from services.chassis.auth import Caller
from services.chassis.problems import Problem, refuse
from services.chassis.values import new_id


@dataclass(frozen=True)
class Deciding:
    """A decision that is being made: on what, by whom, when."""

    application: Application
    decision: rules.Decision
    reason: str
    caller: Caller
    now: datetime
    today: date

    @property
    def grants(self) -> bool:
        return self.decision.outcome is not Outcome.REFUSED

    @property
    def from_on(self) -> date:
        """The first day on which it holds."""
        return self.decision.valid_from_on or self.today

    @property
    def scope(self) -> Scope:
        """What was applied for."""
        listed = self.application.versions
        return Scope(
            tuple(listed) if listed is not None else None,
            self.application.version_from,
            self.application.version_to,
            tuple(self.application.delivery_forms),
        )


@dataclass(frozen=True)
class Revised:
    """The certificate that an application is to renew or extend, held, and what it is on the decision's first day."""

    row: Any
    history: certification.History
    step: certification.Step
    stands: certification.Standing | None

    def check(self, deciding: Deciding) -> list[Problem]:
        found = certification.check_step(
            self.history,
            self.step,
            deciding.from_on,
            deciding.now,
            holder=None,  # that nobody decides on what is their own has been looked at
            decided_by=deciding.caller.organisation,
        )
        if self.step is certification.Step.EXTEND and self.stands:
            has_forms = deciding.application.product_id is not None
            before, after = self.stands.scope, deciding.scope
            found += certification.check_change(before, after, wider=True, has_forms=has_forms)
        return found


def decide(
    session: Session,
    uuid: UUID,
    decision: rules.Decision,
    *,
    reason: str,
    caller: Caller,
    today: date,
    at: datetime | None = None,
    id: UUID | None = None,
) -> decisions.Decision:
    """Decide on an application, and keep what follows. Two decisions on one application wait for each other; of two
    grants of the same scope at once the database lets one through. `at`: when,
    if not now; `id`: what the decision is to be known by."""
    application = applications.find(session, uuid)
    if application is None or not applications.visible(session, application, caller, today):
        refuse([application_rules.ReferenceUnknown(f"No application has the id {uuid}.", pointer="#/application")])
        raise AssertionError
    application = applications.locked(session, uuid)
    application_rules.after(application_rules.Status(application.status), application_rules.Step.DECIDE)
    grants = decision.outcome is not Outcome.REFUSED
    if grants and supplier_suspensions.is_suspended(session, application.applicant_id, today, deciding=True):
        raise application_rules.SupplierSuspended
    if number := application.renews or application.extends:
        certificates.lock(session, number)
    # Only now: what others recorded while this waited for them must not lie ahead of it.
    now = at or clock.now()
    deciding = Deciding(application, decision, reason, caller, now, today)
    revised = _revised(session, deciding)
    results = assessments.results(session, application.id)
    facts = _facts(session, deciding, results, revised)
    found = rules.check_eyes(caller.client, caller.organisation, facts) + rules.check(decision, facts)
    if grants and revised:
        found += revised.check(deciding)
    refuse(found)
    certificate = _granted(session, deciding, results, revised) if grants else None
    made = decisions.Decision(
        uuid=id or new_id(),
        application_id=application.id,
        outcome=decision.outcome,
        reason=reason,
        decided_on=today,
        recorded_at=now,
        valid_from_on=decision.valid_from_on,
        valid_to_on=decision.valid_to_on,
        conditions=[
            {"requirement": one.requirement, "text": one.text, "due_on": str(one.due_on)} for one in decision.conditions
        ],
        dispensations=[
            {"requirement": one.requirement, "reason": one.text, "until_on": str(one.due_on)}
            for one in decision.dispensations
        ],
        appeal_by_on=scheme_rules.appeal_by(today, facts.terms),
        certificate_id=certificate.id if certificate else None,
        organisation_number=caller.organisation,
        client=caller.client,
    )
    decisions.add(session, made, caller=caller)
    links = {"decision": made.path} | ({"certificate": f"/certificates/{certificate.number}"} if certificate else {})
    step = application_rules.Step.DECIDE
    applications.take(session, application, step, caller=caller, at=now, reason=reason, links=links)
    _told(session, deciding, made, links)
    return made


def _revised(session: Session, deciding: Deciding) -> Revised | None:
    application = deciding.application
    number = application.renews or application.extends
    if number is None:
        return None
    row = certificates.by_number(session, number)
    history = certificates.history_of(row)
    step = certification.Step.RENEW if application.renews else certification.Step.EXTEND
    return Revised(row, history, step, certification.standing(history, deciding.from_on, deciding.now))


def _facts(
    session: Session, deciding: Deciding, results: Sequence[certificates.Result], revised: Revised | None
) -> rules.Facts:
    application = deciding.application
    required = applications.requirements(session, application.id)
    codes = {one.id: one.code for one in required}
    product = session.get_one(Product, application.product_id) if application.product_id is not None else None
    version = specifications.version_by_id(session, application.specification_version_id)
    assessed_by = applications.assessors(session, application.id) | assessments.assessors(session, application.id)
    extends = revised is not None and revised.step is certification.Step.EXTEND
    return rules.Facts(
        assessors={client for _, client in assessed_by},
        interested=applications.interested(session, application, deciding.today),
        requirements=[rules.Required(one.code, one.obligation is Obligation.MUST) for one in required],
        results={
            codes[one.requirement_id]: rules.Result(
                certification.Outcome(one.outcome), one.reason, one.tested_on, one.lifetime_days
            )
            for one in results
            if one.requirement_id in codes
        },
        delivery_forms=application.delivery_forms,
        offered_forms=product.delivery_forms if product else (),
        in_force=version.timeline.in_force(deciding.from_on),
        terms=schemes.terms(session, SubjectKind(application.subject_kind)),
        today=deciding.today,
        keeps_to_on=revised.stands.validity.to_on if revised and revised.stands and extends else None,
    )


def _granted(
    session: Session, deciding: Deciding, results: Sequence[certificates.Result], revised: Revised | None
) -> Certificate:
    """The certificate that the decision makes, or that it changes."""
    application, decision = deciding.application, deciding.decision
    before = len(certificates.conditions(session, revised.row.id)) if revised else 0
    conditions = _conditions(decision, deciding.now, before)
    if revised:
        return _changed(session, deciding, results, conditions, revised)
    assert decision.valid_from_on
    assert decision.valid_to_on
    product = session.get_one(Product, application.product_id) if application.product_id is not None else None
    return certificates.grant(
        session,
        Certificate(
            number="",
            subject_kind=SubjectKind(application.subject_kind),
            product_id=application.product_id,
            holder_id=product.supplier_id if product else application.applicant_id,
            role=application.role,
            profile=application.profile,
            **deciding.scope.detail(),
            specification_version_id=application.specification_version_id,
            valid_from_on=decision.valid_from_on,
            valid_to_on=decision.valid_to_on,
            decided_by=deciding.caller.organisation,
        ),
        results,
        recorded_at=deciding.now,
        today=deciding.today,
        reason=deciding.reason,
        client=deciding.caller.client,
        conditions=conditions,
    )


def _changed(
    session: Session,
    deciding: Deciding,
    results: Sequence[certificates.Result],
    conditions: Sequence[certificates.Condition],
    revised: Revised,
) -> Certificate:
    """Under the same number: it lasts longer, or covers more. Its new results count from now on."""
    id = revised.row.id
    certificates.add_results(session, id, results, deciding.now)
    for one in conditions:
        one.certificate_id = id
    session.add_all(conditions)
    renews = revised.step is certification.Step.RENEW
    certificates.record(
        session,
        id,
        certification.EVENTS[revised.step],
        effective_on=deciding.from_on,
        recorded_at=deciding.now,
        today=deciding.today,
        reason=deciding.reason,
        organisation=deciding.caller.organisation,
        client=deciding.caller.client,
        detail={"valid_to_on": str(deciding.decision.valid_to_on)} if renews else deciding.scope.detail(),
    )
    return session.get_one(Certificate, id)


def _conditions(decision: rules.Decision, now: datetime, before: int) -> list[certificates.Condition]:
    """Numbered on from those that the certificate has."""
    several = [(ConditionKind.CONDITION, one) for one in decision.conditions]
    several += [(ConditionKind.DISPENSATION, one) for one in decision.dispensations]
    return [
        certificates.Condition(
            certificate_id=0,
            key=str(place),
            kind=kind,
            requirement=one.requirement,
            text=one.text,
            due_on=one.due_on,
            recorded_at=now,
        )
        for place, (kind, one) in enumerate(several, before + 1)
    ]


def _told(session: Session, deciding: Deciding, made: decisions.Decision, links: dict[str, str]) -> None:
    """On the record. Everybody is told of what was granted, of a refusal only the applicant."""
    application, caller = deciding.application, deciding.caller
    shown = {"outcome": made.outcome.value, "application": application.path, "appeal_by_on": str(made.appeal_by_on)}
    content = made.model_dump(mode="json", include={"conditions", "dispensations", "valid_from_on", "valid_to_on"})
    audit.record(
        session, caller, "certification-decision.make", made.path, **shown, **content, reason=made.reason, links=links
    )
    applicant = organisations.by_ids(session, [application.applicant_id])[application.applicant_id]
    audience = None if deciding.grants else applicant.organisation_number
    feed.tell(session, "certification-decision.made", made.path, audience, **shown, links=links)
    if "certificate" not in links:
        return
    step = certification.Step.RENEW if application.renews else certification.Step.EXTEND
    revises = application.renews or application.extends
    kind = certification.EVENTS[step] if revises else EventKind.GRANTED
    row = certificates.by_number(session, links["certificate"].rpartition("/")[2])
    status = certification.status_on(certificates.history_of(row), deciding.today, deciding.now)
    audit.record(session, caller, f"certificate.{kind}", links["certificate"], decision=made.path, reason=made.reason)
    feed.tell(
        session,
        f"certificate.{kind}",
        links["certificate"],
        None,
        product=row.product,
        specification=row.specification,
        effective_on=str(deciding.from_on),
        status=status,
    )
