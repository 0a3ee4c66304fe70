"""The steps of a non-conformity over HTTP."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.attachments import store as attachments
from services.catalog.attachments.rules import Named
from services.catalog.certificates import rules as certification
from services.catalog.certificates import store as certificates
from services.catalog.certificates.shapes import Evidence
from services.catalog.non_conformities import rules, shapes, store
from services.catalog.non_conformities.rules import Step
from services.catalog.non_conformities.shapes import NonConformity, Sites
from services.catalog.schemes import store as schemes
from services.catalog.working_days import rules as working_days
from services.chassis import changes, clock
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.contract import example
from services.chassis.db import SessionDep
from services.chassis.problems import Conflict, Problem, refuse
from services.chassis.values import In

router = new_router("/non-conformities", "Surveillance")

BODY, HOLDER = "100000040", "100000016"
DueOn = Annotated[
    date | None,
    Field(
        description="The plan's last day; if left out, the scheme's working days for an answer, counted from tomorrow"
    ),
]


class CertificateNotSuspendable(Conflict):
    """The certificate cannot be suspended any more: it has ended."""


class PlanRequest(In):
    reason: shapes.Why | None = Field(
        default=None, description="What the plan should answer, if there is something to say"
    )
    due_on: DueOn = None


class NewPlan(In):
    explanation: shapes.Why = Field(description="How it came about")
    starts_on: date = Field(description="When the work starts")
    actions: list[shapes.Action] = Field(min_length=1, max_length=50)


class PlanApproval(In):
    reason: shapes.Why | None = Field(default=None, description="If there is something to say")
    must_complete_on: date | None = Field(
        default=None, description="The last day to have all of it done; the latest of the plan's actions if left out"
    )


class PlanReturn(In):
    reason: shapes.Why = Field(description="What is to be done better")
    due_on: DueOn = None


class NewResolution(In):
    text: shapes.Why = Field(description="What was done; becomes public when the non-conformity is closed")
    ended_on: date | None = Field(default=None, description="When the work ended; today if left out")
    sites: Sites | None = Field(default=None, description="At how many places it is right now, of how many")
    evidence: list[Evidence] = Field(min_length=1, max_length=20)


class Reopening(In):
    reason: shapes.Why = Field(description="What the evidence does not show")
    must_complete_on: date | None = Field(default=None, description="A new last day; the old one stands if left out")


class Reasoned(In):
    reason: shapes.Why = Field(description="Why")


@dataclass
class _Taken:
    """What a step says: problems of its own, the day it gives the holder, and what is kept with the event."""

    found: list[Problem] = field(default_factory=list)
    due_on: date | None = None
    effective_on: date | None = None
    detail: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class _At:
    """Where a step is taken."""

    session: Session
    caller: Caller
    row: Any
    found: store.NonConformity
    stands: rules.Standing
    now: datetime
    today: date


def _request(at: _At, new: PlanRequest | PlanReturn) -> _Taken:
    terms = schemes.terms(at.session, at.row.subject_kind)
    due_on = new.due_on or working_days.after(at.today, terms.information_days)
    return _Taken(rules.check_due(due_on, at.today), due_on)


def _submit(at: _At, new: NewPlan) -> _Taken:
    return _Taken(
        rules.check_plan(new.starts_on, [one.due_on for one in new.actions]), detail=new.model_dump(mode="json")
    )


def _approve(at: _At, new: PlanApproval) -> _Taken:
    planned = store.planned_on(at.session, at.found.id)
    due_on = new.must_complete_on or planned or at.today
    return _Taken(rules.check_due(due_on, at.today, "#/must_complete_on"), due_on)


def _resolve(at: _At, new: NewResolution) -> _Taken:
    ended_on = new.ended_on or at.today
    found = rules.check_end(ended_on, at.found.determined_on, at.today)
    if new.sites:
        found += rules.check_sites(new.sites.passed, new.sites.total)
    named = [
        Named(f"#/evidence/{place}/file", one.file, one.sha256) for place, one in enumerate(new.evidence) if one.file
    ]
    found += attachments.check(at.session, named, at.caller.organisation, at.today)
    found += rules.check_dated([one.dated_on for one in new.evidence], at.today)
    return _Taken(found, effective_on=ended_on, detail=new.model_dump(mode="json", exclude={"ended_on"}))


def _reopen(at: _At, new: Reopening) -> _Taken:
    if new.must_complete_on is None:
        return _Taken(due_on=at.stands.must_complete_on)
    return _Taken(rules.check_due(new.must_complete_on, at.today, "#/must_complete_on"), new.must_complete_on)


def _end(at: _At, new: Reasoned) -> _Taken:
    """Closed or dismissed: nothing is looked into any more, and what was suspended for it is restored."""
    return _Taken()


def _escalate(at: _At, new: Reasoned) -> _Taken:
    status = certification.status_on(certificates.history_of(at.row), at.today, at.now)
    if status is None or (status, certification.Step.SUSPEND) not in certification.MOVES:
        return _Taken([CertificateNotSuspendable(f"It is {status}.", state=status)])
    return _Taken()


def _concern_certificate(at: _At, step: Step, reason: str | None) -> None:
    kinds = []
    if step is Step.ESCALATE:
        kinds = [certification.EventKind.SUSPENDED]
    elif step in (Step.CLOSE, Step.DISMISS):
        kinds = [certification.EventKind.INVESTIGATION_CLOSED]
        status = certification.status_on(certificates.history_of(at.row), at.today, at.now)
        if at.stands.escalated and (status, certification.Step.RESTORE) in certification.MOVES:
            kinds.insert(0, certification.EventKind.RESTORED)
    for kind in kinds:
        store.about_certificate(
            at.session, at.caller, at.found, at.row.number, kind, now=at.now, today=at.today, reason=reason
        )


def _take(
    step: Step,
    says: Callable[[_At, Any], _Taken],
    id: UUID,
    new: Any,
    caller: Caller,
    session: Session,
    today: date,
    if_match: str | None,
) -> tuple[NonConformity, int]:
    # The certificate first and then the non-conformity, as those do that begin at the certificate.
    number = store.shown(session, id).certificate
    certificates.lock(session, number)
    found = store.by_uuid(session, id, locked=True)
    changes.require_match(if_match, found.revision, needed=False)
    row = certificates.by_number(session, number)
    at = _At(session, caller, row, found, store.standing(session, found.id), clock.now(), today)
    actor = rules.Actor(
        client=caller.client,
        holder=bool(store.held(session, {row.supplier_id}, caller.organisation, today)),
        interested=caller.organisation in store.interested(session, row, today),
    )
    wrong = rules.check_step(at.stands, step, today, actor, opened_by=found.opened_client)
    taken = says(at, new)
    refuse([*wrong, *taken.found])
    reason = getattr(new, "reason", None)
    store.add(
        session,
        found,
        rules.EVENTS[step],
        caller,
        effective_on=taken.effective_on or today,
        recorded_at=at.now,
        due_on=taken.due_on,
        reason=reason,
        detail=taken.detail,
    )
    _concern_certificate(at, step, reason)
    kept = store.shown(session, id)
    return shapes.shown(kept, {kept.holder_id}, today), found.revision


def _route(
    step: Step, shape: type[In], says: Callable[[_At, Any], _Taken], seeded: str, body: Any, summary: str, about: str
) -> None:
    """One route for each step; `seeded` is a non-conformity that can take it."""

    def take(
        id: Annotated[UUID, shapes.path_of(seeded)],
        new: Annotated[Any, Body()],
        caller: CallerDep,
        session: SessionDep,
        today: clock.TodayDep,
        response: Response,
        if_match: changes.IfMatch = None,
    ) -> NonConformity:
        shown, revision = _take(step, says, id, new, caller, session, today, if_match)
        response.headers["ETag"] = changes.etag(revision)
        return shown

    take.__annotations__["new"] = shape
    take.__doc__ = about
    router.post(
        f"/{{id}}/{step}",
        summary=summary,
        operation_id=f"non_conformity_{step.value.replace('-', '_')}",
        openapi_extra=example(organisation=HOLDER if step in rules.HOLDERS else BODY, body=body),
    )(take)


_WHY = {"reason": "Vurdert i tilsyn (fiktivt)"}
_ROUTES: tuple[tuple[Step, type[In], Callable[[_At, Any], _Taken], str, Any, str, str], ...] = (
    (
        Step.REQUEST_PLAN,
        PlanRequest,
        _request,
        "open",
        {"due_on": "2099-01-01"},
        "Request a corrective action plan",
        "Open → plan requested, with a day for the holder. Without one, the scheme's working days for an answer hold.",
    ),
    (
        Step.SUBMIT_PLAN,
        NewPlan,
        _submit,
        "plan-requested",
        {
            "explanation": "Feil i varslingskøen etter oppgradering (fiktivt)",
            "starts_on": "2026-11-30",
            "actions": [{"text": "Rette køen og måle på nytt (fiktivt)", "due_on": "2099-02-01"}],
        },
        "Submit a corrective action plan",
        "For the certificate's holder: open, plan requested or plan returned → plan submitted. How it came about, and "
        "what will be done by which day.",
    ),
    (
        Step.APPROVE_PLAN,
        PlanApproval,
        _approve,
        "plan-submitted",
        {"must_complete_on": "2099-03-01"},
        "Approve a corrective action plan",
        "Plan submitted → plan approved, with the last day to have all of it done.",
    ),
    (
        Step.RETURN_PLAN,
        PlanReturn,
        _request,
        "plan-submitted",
        {"reason": "Planen sier ikke hvordan det måles (fiktivt)", "due_on": "2099-01-15"},
        "Return a corrective action plan",
        "Plan submitted → plan returned: the holder submits a better one by a new day.",
    ),
    (
        Step.RESOLVE,
        NewResolution,
        _resolve,
        "plan-approved",
        {
            "text": "Køen er rettet, og varsler kommer fram i 50 av 50 forsøk (fiktivt)",
            "evidence": [{"description": "Testrapport (fiktiv)", "sha256": "5" * 64, "dated_on": "2026-11-20"}],
        },
        "Say that it is put right",
        "For the certificate's holder: plan approved → resolved, with evidence. The certification body closes it, or "
        "reopens it when the evidence does not show it.",
    ),
    (
        Step.REOPEN,
        Reopening,
        _reopen,
        "resolved",
        {"reason": "Rapporten gjelder en annen versjon (fiktivt)", "must_complete_on": "2099-04-01"},
        "Reopen a non-conformity",
        "Resolved → plan approved: it is not put right after all. The old last day stands unless a new one is set.",
    ),
    (
        Step.CLOSE,
        Reasoned,
        _end,
        "resolved",
        _WHY,
        "Close a non-conformity",
        "For decision-makers, through another client than the one that opened it: resolved → closed. The certificate's "
        "remark goes, and what it was suspended for because of this is restored. The description becomes public.",
    ),
    (
        Step.DISMISS,
        Reasoned,
        _end,
        "open",
        _WHY,
        "Dismiss a non-conformity",
        "For decision-makers, through another client than the one that opened it: it was none after all. The "
        "certificate's remark goes, as does a suspension for it; the description does not become public.",
    ),
    (
        Step.ESCALATE,
        Reasoned,
        _escalate,
        "overdue",
        {"reason": "Ingen plan innen fristen (fiktivt)"},
        "Suspend the certificate for what is overdue",
        "For decision-makers, through another client than the one that opened it, once the holder has let its day "
        "pass. The certificate is suspended on this ground until the non-conformity is closed or dismissed; what is to "
        "be done stays the same.",
    ),
)
for _one in _ROUTES:
    _route(*_one)
