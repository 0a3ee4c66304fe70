"""Steps of certificates over HTTP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import Path, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.certificate_steps import rules
from services.catalog.certificates import rules as certification
from services.catalog.certificates import shapes, store
from services.catalog.certificates.rules import EventKind, Step
from services.catalog.product_versions import store as product_versions
from services.catalog.products import store as products
from services.catalog.products.rules import DeliveryForm
from services.catalog.schemes import store as schemes
from services.chassis import audit, changes, clock, feed
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.contract import example
from services.chassis.db import SessionDep
from services.chassis.problems import Problem, refuse
from services.chassis.values import In

router = new_router("/certificates/{number}", "Certificates")

DECIDER = "100000040"
FJORDVAKT = "100000016"
SUSPENDED, VALID, VERSIONED = "SV-2026-000003", "SV-2026-000001", "SV-2026-000006"
Numbered = Annotated[str, Path(description="The certificate's number", examples=[VALID])]
NumberedSuspended = Annotated[str, Path(description="The certificate's number", examples=[SUSPENDED])]
NumberedVersioned = Annotated[str, Path(description="The certificate's number", examples=[VERSIONED])]


class NewStep(In):
    reason: str = Field(min_length=1, max_length=2000)
    effective_on: date | None = Field(default=None, description="Today if left out; may lie ahead, or back (flagged)")


class NewRestoration(NewStep):
    ground: str | None = Field(
        default=None,
        max_length=80,
        pattern=r"^condition:.+$",
        description="`condition:<key>` when a condition that was not met in time suspended it, and is met now; what a "
        "supplier's suspension or a non-conformity suspended is lifted there",
    )


class NewRelinquishment(In):
    reason: str = Field(min_length=1, max_length=2000)
    effective_on: date | None = Field(default=None, description="Today if left out; may lie ahead")


class NewCarryOver(In):
    version: shapes.VersionLabel = Field(description="Of the product; a minor one of a main version that is covered")
    declaration: str = Field(
        min_length=1,
        max_length=2000,
        description="The supplier's word that nothing has changed that the requirements are about",
    )


class NewReduction(NewStep):
    versions: shapes.Versions
    delivery_forms: list[DeliveryForm] = Field(min_length=1, max_length=2)


class NewSupersession(NewStep):
    by: str = Field(max_length=20, description="The number of the certificate that takes its place")


class NewConditionMet(NewStep):
    condition: str = Field(max_length=40, description="Its key in the certificate")


@dataclass
class _Taken:
    """A certificate that is held until the step is kept, with all that decides about it."""

    row: Any
    history: certification.History
    now: Any
    today: date
    effective_on: date
    holder: str
    interested: frozenset[str]

    @property
    def scope(self) -> certification.Scope:
        """On the day of the step."""
        stands = certification.standing(self.history, self.effective_on, self.now)
        return stands.scope if stands else self.history.scope


def _open(session: Session, number: str, caller: Caller, on: date | None, if_match: str | None) -> _Taken:
    store.lock(session, number)
    row = store.by_number(session, number)
    changes.require_match(if_match, len(row.events), needed=False)
    now = clock.now()
    today = clock.on(now)
    own = row.supplier_id in products.keys_of_supplier(session, caller.organisation, today)
    holder = caller.organisation if own else row.supplier_number
    interested = store.interested(session, row.product_id, today) if row.product_id is not None else frozenset()
    return _Taken(row, store.history_of(row), now, today, on or today, holder, interested)


def _check(taken: _Taken, step: Step, caller: Caller, ground: str | None = None) -> list[Problem]:
    return certification.check_step(
        taken.history,
        step,
        taken.effective_on,
        taken.now,
        holder=taken.holder,
        decided_by=caller.organisation,
        interested=taken.interested,
        ground=ground,
    )


def _keep(
    session: Session,
    taken: _Taken,
    kind: EventKind,
    reason: str,
    caller: Caller,
    response: Response,
    *,
    ground: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> shapes.Certificate:
    store.record(
        session,
        taken.row.id,
        kind,
        effective_on=taken.effective_on,
        recorded_at=taken.now,
        today=taken.today,
        reason=reason,
        organisation=caller.organisation,
        client=caller.client,
        ground=ground,
        detail=detail,
    )
    number = taken.row.number
    path = f"/certificates/{number}"
    told = {"effective_on": str(taken.effective_on), "reason": reason, **(detail or {})}
    audit.record(session, caller, f"certificate.{kind.value}", path, **told)
    after = shapes.shown(session, number, taken.today, taken.now, response)
    feed.tell(
        session,
        f"certificate.{kind.value}",
        path,
        None,
        product=taken.row.product,
        specification=taken.row.specification,
        effective_on=str(taken.effective_on),
        status=after.status,
    )
    return after


def _step(step: Step, numbered: Any, summary: str, about: str) -> None:
    """One route for each step that needs no more than a reason and a day."""

    def take(
        number: numbered,
        new: NewStep,
        caller: CallerDep,
        session: SessionDep,
        response: Response,
        if_match: changes.IfMatch = None,
    ) -> shapes.Certificate:
        taken = _open(session, number, caller, new.effective_on, if_match)
        refuse(_check(taken, step, caller))
        return _keep(session, taken, certification.EVENTS[step], new.reason, caller, response)

    take.__doc__ = about
    router.post(
        f"/{step}",
        summary=summary,
        operation_id=f"certificate_{step}",
        openapi_extra=example(organisation=DECIDER, body={"reason": "Vedtak etter tilsyn (fiktivt)"}),
    )(take)


_step(
    Step.SUSPEND,
    Numbered,
    "Suspend a certificate",
    "Valid → suspended, from `effective_on`. A reason is required; what takes effect before today is flagged as "
    "back-dated. Suspension can be lifted until the certificate expires. Whoever uses the product is told.",
)
_step(
    Step.WITHDRAW,
    Annotated[str, Path(description="The certificate's number", examples=["SV-2026-000002"])],
    "Withdraw a certificate",
    "Valid, suspended or not yet valid → withdrawn, from `effective_on`, for ever. Whoever uses the product is told.",
)


@router.post(
    "/restore",
    summary="Restore a certificate",
    operation_id="certificate_restore",
    openapi_extra=example(organisation=DECIDER, body={"reason": "Rettet og kontrollert (fiktivt)"}),
)
def restore(
    number: NumberedSuspended,
    new: NewRestoration,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    if_match: changes.IfMatch = None,
) -> shapes.Certificate:
    """Suspended → valid, from `effective_on`, unless it is suspended on another ground as well. An expired certificate
    cannot be restored, only renewed."""
    taken = _open(session, number, caller, new.effective_on, if_match)
    refuse(_check(taken, Step.RESTORE, caller, new.ground))
    return _keep(session, taken, EventKind.RESTORED, new.reason, caller, response, ground=new.ground)


@router.post(
    "/relinquish",
    summary="Give up a certificate",
    operation_id="certificate_relinquish",
    openapi_extra=example(organisation=FJORDVAKT, body={"reason": "Produktet selges ikke lenger (fiktivt)"}),
)
def relinquish(
    number: Numbered,
    new: NewRelinquishment,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    if_match: changes.IfMatch = None,
) -> shapes.Certificate:
    """For its holder: valid → relinquished, for ever. While a non-conformity is being followed up it becomes
    `relinquished_under_investigation`, which says so for ever; a suspended certificate cannot be given up."""
    taken = _open(session, number, caller, new.effective_on, if_match)
    refuse([*rules.check_holders_day(taken.effective_on, taken.today), *_check(taken, Step.RELINQUISH, caller)])
    return _keep(session, taken, EventKind.RELINQUISHED, new.reason, caller, response)


@router.post(
    "/carry-over",
    summary="Carry a certificate over to a minor version",
    operation_id="certificate_carry_over",
    openapi_extra=example(
        organisation=FJORDVAKT,
        body={"version": "3.3", "declaration": "Bare rettelser; ingen krav er berørt (fiktivt)"},
    ),
)
def carry_over(
    number: NumberedVersioned,
    new: NewCarryOver,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    if_match: changes.IfMatch = None,
) -> shapes.Certificate:
    """For its holder, from today: a minor version, not marked as breaking, of a main version that the certificate
    covers, on the supplier's declaration that nothing has changed which the requirements are about. A new main version
    is tested again. The event carries the declaration as its reason, so that one can see what rests on it."""
    taken = _open(session, number, caller, None, if_match)
    found = _check(taken, Step.CARRY_OVER, caller)
    kind = certification.SubjectKind(taken.row.subject_kind)
    breaking = product_versions.is_breaking(session, taken.row.product_id, new.version)
    found += rules.check_carry_over(
        taken.scope,
        new.version,
        breaking,
        allowed=schemes.terms(session, kind).carry_over,
    )
    refuse(found)
    detail = taken.scope.with_version(new.version).detail()
    return _keep(session, taken, EventKind.CARRIED_OVER, new.declaration, caller, response, detail=detail)


@router.post(
    "/reduce",
    summary="Reduce what a certificate covers",
    operation_id="certificate_reduce",
    openapi_extra=example(
        organisation=DECIDER,
        body={"versions": "all", "delivery_forms": ["saas"], "reason": "Gjelder bare som skytjeneste (fiktivt)"},
    ),
)
def reduce(
    number: Numbered,
    new: NewReduction,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    if_match: changes.IfMatch = None,
) -> shapes.Certificate:
    """Fewer versions or delivery forms from `effective_on`, under the same number. It is widened by an application
    that names it, and a decision."""
    taken = _open(session, number, caller, new.effective_on, if_match)
    after = shapes.kept_scope(new.versions, new.delivery_forms)
    has_forms = taken.row.product_id is not None
    found = _check(taken, Step.REDUCE, caller)
    refuse([*found, *certification.check_change(taken.scope, after, wider=False, has_forms=has_forms)])
    return _keep(session, taken, EventKind.SCOPE_REDUCED, new.reason, caller, response, detail=after.detail())


@router.post(
    "/supersede",
    summary="Let another certificate take its place",
    operation_id="certificate_supersede",
    openapi_extra=example(
        organisation=DECIDER, body={"by": "SV-2026-000004", "reason": "Sertifisert mot ny versjon (fiktivt)"}
    ),
)
def supersede(
    number: Numbered,
    new: NewSupersession,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    if_match: changes.IfMatch = None,
) -> shapes.Certificate:
    """Valid or suspended → superseded, for ever, by another certificate of the same holder."""
    taken = _open(session, number, caller, new.effective_on, if_match)
    found = _check(taken, Step.SUPERSEDE, caller)
    try:
        successor = store.by_number(session, new.by)
    except store.CertificateNotFound:
        successor = None
    same = successor is not None and (successor.supplier_id, successor.subject_kind) == (
        taken.row.supplier_id,
        taken.row.subject_kind,
    )
    if not same or new.by == number:
        found.append(rules.SuccessorUnknown(new.by, pointer="#/by"))
    refuse(found)
    return _keep(session, taken, EventKind.SUPERSEDED, new.reason, caller, response, detail={"by": new.by})


@router.post(
    "/meet-condition",
    summary="Record that a condition is met",
    operation_id="certificate_meet_condition",
    openapi_extra=example(
        organisation=DECIDER, body={"condition": "1", "reason": "Varslet innen ett minutt i ny test (fiktivt)"}
    ),
)
def meet_condition(
    number: Annotated[str, Path(description="The certificate's number", examples=["SV-2026-000007"])],
    new: NewConditionMet,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    if_match: changes.IfMatch = None,
) -> shapes.Certificate:
    """A condition of the grant, or a dispensation, is no longer open from `effective_on`. Met in time it never
    suspends; met too late the certificate stays suspended until it is restored on the ground `condition:<key>`."""
    taken = _open(session, number, caller, new.effective_on, if_match)
    found = certification.check_decider(caller.organisation, holder=taken.holder, interested=taken.interested)
    if new.condition not in {one.key for one in taken.history.conditions}:
        found.append(rules.ConditionUnknown(new.condition, pointer="#/condition"))
    elif new.condition in _met(taken.history.events):
        found.append(rules.ConditionMetAlready(new.condition, pointer="#/condition"))
    refuse(found)
    detail = {"condition": new.condition}
    return _keep(session, taken, EventKind.CONDITION_MET, new.reason, caller, response, detail=detail)


def _met(events: Sequence[certification.Event]) -> set[str]:
    return {one.detail["condition"] for one in events if one.kind is EventKind.CONDITION_MET}
