"""What an appeal is against: a decision, an event of a certificate or a supplier's suspension, each kept elsewhere; and
what a stay and an outcome do to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from services.catalog.appeals import rules
from services.catalog.appeals.rules import TargetKind
from services.catalog.appeals.store import Appeal
from services.catalog.certificates import rules as certification
from services.catalog.certificates import store as certificates
from services.catalog.certificates.store import CertificateEvent
from services.catalog.decisions import store as decisions
from services.catalog.decisions.rules import Outcome
from services.catalog.decisions.store import Decision
from services.catalog.non_conformities import store as non_conformities
from services.catalog.schemes import rules as schemes
from services.catalog.schemes import store as kept_schemes
from services.catalog.schemes.rules import SubjectKind
from services.catalog.supplier_suspensions import store as supplier_suspensions
from services.catalog.supplier_suspensions.store import SupplierSuspension
from services.chassis import audit, clock, feed
from services.chassis.auth import Caller
from services.chassis.problems import Invalid, refuse


class AppealTargetUnknown(Invalid):
    """What is appealed against does not exist, or is not yours to see."""


class AppealConditionUnknown(Invalid):
    """The certificate has no condition with this key."""


def unknown(pointer: str, detail: str | None = None) -> AppealTargetUnknown:
    """The same for what does not exist and what the caller may not know of."""
    told = AppealTargetUnknown(detail, pointer=pointer)
    told.all = [told]
    return told


@dataclass(frozen=True)
class Found:
    """What is appealed against, held until the transaction ends. `due_on`: the last day for an appeal."""

    target: rules.Target
    path: str
    terms: schemes.Terms
    due_on: date
    decision: Decision | None = None
    event: CertificateEvent | None = None
    number: str | None = None
    suspension: SupplierSuspension | None = None

    @property
    def key(self) -> int:
        kept = self.decision or self.event or self.suspension
        assert kept is not None
        return kept.id


def decision(session: Session, uuid: UUID, caller: str, today: date) -> Found:
    """`caller`: the organisation that asks. A refusal is unknown to whoever it does not concern."""
    try:
        kept = decisions.locked(session, uuid)
    except decisions.DecisionNotFound:
        raise unknown("#/decision") from None
    party = caller in decisions.party(session, kept, today)
    terms = kept_schemes.terms(session, decisions.subject_kind(session, kept))
    target = rules.Target(
        TargetKind.DECISION,
        kept.decided_on,
        kept.decided_on,
        kept.organisation_number,
        kept.client,
        decisions.interested(session, kept, today),
        party,
    )
    return Found(target, kept.path, terms, kept.appeal_by_on, decision=kept)


def certificate_event(session: Session, number: str, place: int, caller: str, today: date) -> Found:
    """`place`: of the event in the certificate's history, 1 for the first."""
    certificates.lock(session, number)
    try:
        row = certificates.by_number(session, number)
    except certificates.CertificateNotFound:
        raise unknown("#/certificate") from None
    events = certificates.events_of(session, row.id)
    if not 1 <= place <= len(events):
        raise unknown("#/event", f"It has {len(events)} events.")
    event = events[place - 1]
    decided_on = clock.on(event.recorded_at)
    terms = kept_schemes.terms(session, row.subject_kind)
    target = rules.Target(
        TargetKind.CERTIFICATE_EVENT,
        decided_on,
        event.effective_on,
        event.organisation_number,
        event.client,
        non_conformities.interested(session, row, today),
        bool(non_conformities.held(session, {row.supplier_id}, caller, today)),
    )
    path = f"/certificates/{number}"
    return Found(target, path, terms, schemes.appeal_by(decided_on, terms), event=event, number=number)


def supplier_suspension(session: Session, uuid: UUID, caller: str, today: date) -> Found:
    try:
        kept = supplier_suspensions.locked(session, uuid)
    except supplier_suspensions.SupplierSuspensionNotFound:
        raise unknown("#/supplier_suspension") from None
    decided_on = clock.on(kept.recorded_at)
    terms = kept_schemes.terms(session, SubjectKind.SUPPLIER)
    target = rules.Target(
        TargetKind.SUPPLIER_SUSPENSION,
        decided_on,
        kept.effective_on,
        kept.organisation_number,
        kept.client,
        supplier_suspensions.interested(session, kept, today),
        caller in supplier_suspensions.holder_numbers(session, kept, today),
    )
    path = f"/supplier-suspensions/{uuid}"
    return Found(target, path, terms, schemes.appeal_by(decided_on, terms), suspension=kept)


def of(session: Session, row: Any, caller: str, today: date) -> Found:
    """What an appeal (its `row`) is against."""
    if row.decision is not None:
        return decision(session, row.decision, caller, today)
    if row.supplier_suspension is not None:
        return supplier_suspension(session, row.supplier_suspension, caller, today)
    return certificate_event(session, row.certificate, row.event, caller, today)


def appealable(found: Found) -> bool:
    """A grant without conditions goes against nobody; what follows from a supplier's suspension is appealed there."""
    if found.decision is not None:
        return found.decision.outcome is not Outcome.GRANTED
    if found.event is not None:
        follows = (found.event.ground or "").startswith("supplier-suspension:")
        return found.event.kind in rules.AGAINST_HOLDER and not follows
    return True


@dataclass(frozen=True)
class Said:
    """Who decides what about a target, and from which day."""

    session: Session
    caller: Caller
    appeal: Appeal
    now: datetime
    today: date
    effective_on: date
    reason: str


def submitted(found: Found, said: Said) -> None:
    if found.decision is not None:
        appeal = said.appeal.uuid
        decisions.record_appeal(said.session, found.decision, appeal=appeal, caller=said.caller, at=said.now)


def stay(found: Found, said: Said) -> None:
    if found.event is not None:
        _about_event(found, said, certification.EventKind.STAYED)
    elif found.suspension is not None:
        supplier_suspensions.stay(said.session, found.suspension, **_how(said))


def end_stay(found: Found, said: Said) -> None:
    if found.event is not None:
        _about_event(found, said, certification.EventKind.STAY_ENDED)
    elif found.suspension is not None:
        supplier_suspensions.end_stay(said.session, found.suspension, **_how(said))


def stands(found: Found, said: Said, *, looked_into: bool) -> None:
    """What was decided stands; `looked_into`: after the appeal was heard."""
    if found.decision is not None:
        done = decisions.uphold if looked_into else decisions.dismiss
        done(
            said.session,
            found.decision,
            appeal=said.appeal.uuid,
            caller=said.caller,
            at=said.now,
            reason=said.reason,
        )


def annul(found: Found, said: Said, conditions: Sequence[str] | None) -> list[str]:
    """An event or a suspension has no effect from the day on; an application that was refused is decided anew; of a
    grant with conditions these conditions (None: all) fall away, and the rest stands. → which conditions"""
    if found.event is not None:
        _about_event(found, said, certification.EventKind.ANNULLED)
    elif found.suspension is not None:
        supplier_suspensions.annul(said.session, found.suspension, **_how(said))
    elif found.decision is not None and found.decision.outcome is Outcome.REFUSED:
        decisions.annul(
            said.session,
            found.decision,
            caller=said.caller,
            at=said.now,
            reason=said.reason,
            appeal=said.appeal.uuid,
        )
    elif found.decision is not None:
        fallen = _drop_conditions(found.decision, said, conditions)
        stands(found, said, looked_into=True)
        return fallen
    return []


def _how(said: Said) -> dict[str, Any]:
    return {
        "caller": said.caller,
        "now": said.now,
        "today": said.today,
        "effective_on": said.effective_on,
        "reason": said.reason,
    }


def _about_event(found: Found, said: Said, kind: certification.EventKind) -> None:
    assert found.event is not None
    assert found.number is not None
    _record(said, found.number, kind, ground=found.event.ground, target_id=found.event.id)


def _drop_conditions(kept: Decision, said: Said, wanted: Sequence[str] | None) -> list[str]:
    """A condition that falls away counts as met from that day on."""
    assert kept.certificate_id is not None
    number = decisions.numbers(said.session, [kept.certificate_id])[kept.certificate_id]
    certificates.lock(said.session, number)
    known = [one.key for one in certificates.conditions(said.session, kept.certificate_id)]
    missing = [key for key in wanted or () if key not in known]
    refuse(AppealConditionUnknown(f"There is no {key!r}.", pointer="#/conditions") for key in missing)
    falling = [key for key in known if wanted is None or key in wanted]
    for key in falling:
        _record(said, number, certification.EventKind.CONDITION_MET, detail={"condition": key})
    return falling


def _record(said: Said, number: str, kind: certification.EventKind, **rest: Any) -> None:
    row = certificates.by_number(said.session, number)
    certificates.record(
        said.session,
        row.id,
        kind,
        effective_on=said.effective_on,
        recorded_at=said.now,
        today=said.today,
        reason=said.reason,
        organisation=said.caller.organisation,
        client=said.caller.client,
        **rest,
    )
    path, appeal = f"/certificates/{number}", said.appeal.path
    on = str(said.effective_on)
    audit.record(said.session, said.caller, f"certificate.{kind}", path, effective_on=on, appeal=appeal)
    after = certificates.by_number(said.session, number)
    status = certification.status_on(certificates.history_of(after), said.today, said.now)
    feed.tell(
        said.session,
        f"certificate.{kind}",
        path,
        None,
        product=row.product,
        specification=row.specification,
        effective_on=on,
        status=status,
    )
