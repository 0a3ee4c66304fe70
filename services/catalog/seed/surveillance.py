"""Fictional surveillance: suspensions with appeals against them, and non-conformities in every state."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from services.catalog.appeals import rules as appeal_rules
from services.catalog.appeals import store as appeals
from services.catalog.certificates import store as certificates
from services.catalog.certificates.rules import EventKind as CertificateEvent
from services.catalog.non_conformities import store as non_conformities
from services.catalog.non_conformities.rules import EventKind, Severity, Source
from services.catalog.organisations import store as organisations
from services.catalog.schemes import rules as schemes
from services.catalog.schemes import store as kept_schemes
from services.catalog.seed.files import told
from services.catalog.specifications import store as specifications
from services.chassis import clock
from services.chassis.values import seed_id

BODY, WATCHER, DECIDER, APPEALS = "100000040", "fiktiv-tilsyn", "fiktiv-beslutter", "fiktiv-klagebehandler"
WATCHED, HOLDER = "SV-2026-000004", "100000016"


def load(session: Session, new: dict[str, Any]) -> int:
    known = non_conformities.uuids(session) | appeals.uuids(session)
    missing = [
        *(
            (_at(one["from"]), _suspend_and_appeal, one)
            for one in new["suspensions"]
            if _id(one["appeal"]) not in known
        ),
        *(
            (datetime.fromisoformat(one["opened_at"]), _open, one)
            for one in new["non_conformities"]
            if _id(one) not in known
        ),
    ]
    for _, happens, one in sorted(missing, key=lambda each: each[0]):  # a history is recorded in the order it happened
        happens(session, one)
    return told(session, "surveillance.seed", "/non-conformities", len(missing))


def _id(one: dict[str, Any]) -> UUID:
    return seed_id(one["id"])


def _record(session: Session, certificate_id: int, kind: CertificateEvent, at: datetime, **rest: Any) -> int:
    rest = {"effective_on": clock.on(at), "reason": None, "client": DECIDER} | rest
    event = certificates.record(
        session, certificate_id, kind, recorded_at=at, today=clock.on(at), organisation=BODY, **rest
    )
    return event.id


def _at(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T08:00:00Z")


def _suspend_and_appeal(session: Session, one: dict[str, Any]) -> None:
    row = certificates.by_number(session, one["certificate"])
    decided_at, appeal = _at(one["from"]), one["appeal"]
    target = _record(session, row.id, CertificateEvent.SUSPENDED, decided_at, reason=one["reason"])
    appellant = organisations.by_organisation_number(session, appeal["by"])
    assert appellant is not None
    due_on = schemes.appeal_by(clock.on(decided_at), kept_schemes.terms(session, row.subject_kind))
    made = appeals.Appeal(
        uuid=_id(appeal),
        certificate_event_id=target,
        appellant_id=appellant,
        appellant_number=appeal["by"],
        client="fiktiv-leverandor",
        reason=appeal["reason"],
        attachments=[],
        submitted_at=decided_at,
        appealed_on=clock.on(decided_at),
        due_on=due_on,
        late=False,
    )
    session.add(made)
    session.flush()
    submitted = {"kind": "submitted", "at": decided_at.isoformat()}
    for happened in (submitted, *appeal["then"]):
        kind, at = appeal_rules.EventKind(happened["kind"]), datetime.fromisoformat(happened["at"])
        own = kind is appeal_rules.EventKind.SUBMITTED
        event = appeals.AppealEvent(
            appeal_id=made.id,
            kind=kind,
            effective_on=clock.on(at),
            recorded_at=at,
            reason=happened.get("reason"),
            organisation_number=appeal["by"] if own else BODY,
            client=made.client if own else APPEALS,
        )
        appeals.write(session, made, event)
        if kind is appeal_rules.EventKind.STAYED:
            stay = {"reason": event.reason, "client": APPEALS, "target_id": target}
            _record(session, row.id, CertificateEvent.STAYED, at, **stay)
    if one["to"]:
        _record(session, row.id, CertificateEvent.RESTORED, _at(one["to"]), reason="Rettet og kontrollert (fiktivt)")


def _open(session: Session, one: dict[str, Any]) -> None:
    row = certificates.by_number(session, WATCHED)
    opened_at = datetime.fromisoformat(one["opened_at"])
    ids = {known.code: known.id for known in specifications.requirements(session, row.specification_version_id)}
    found = non_conformities.NonConformity(
        uuid=_id(one),
        certificate_id=row.id,
        severity=Severity(one["severity"]),
        source=Source(one["source"]),
        description=one["description"],
        determined_on=date.fromisoformat(one.get("effective_on", str(clock.on(opened_at)))),
        opened_by=BODY,
        opened_client=WATCHER,
        opened_at=opened_at,
    )
    non_conformities.keep(session, found, [ids[code] for code in one["requirements"]])
    looked_into = {"ground": found.ground, "client": WATCHER, "effective_on": found.determined_on}
    _record(session, row.id, CertificateEvent.INVESTIGATION_OPENED, opened_at, **looked_into)
    for happened in ({"kind": "opened", "at": one["opened_at"]}, *one["then"]):
        kind, at = EventKind(happened["kind"]), datetime.fromisoformat(happened["at"])
        own = kind in (EventKind.PLAN_SUBMITTED, EventKind.RESOLVED)
        client = "fiktiv-leverandor" if own else DECIDER if kind is EventKind.CLOSED else WATCHER
        event = non_conformities.NonConformityEvent(
            non_conformity_id=found.id,
            kind=kind,
            effective_on=clock.on(at),
            recorded_at=at,
            due_on=date.fromisoformat(happened["due_on"]) if "due_on" in happened else None,
            reason=happened.get("reason"),
            organisation_number=HOLDER if own else BODY,
            client=client,
            detail=happened.get("detail"),
        )
        non_conformities.write(session, found, event)
        if kind is EventKind.CLOSED:
            _record(session, row.id, CertificateEvent.INVESTIGATION_CLOSED, at, ground=found.ground)
