"""The steps of an accession over HTTP: the framework owner's, and those of the organisation that accedes."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path
from pydantic import Field
from sqlmodel import Session

from services.agreements.accessions import rules, shapes, store
from services.agreements.frameworks import store as frameworks
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.changes import ReasonMissing
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In, seed_id

router = new_router("/framework-agreements/{slug}/accessions/{id}", "Accessions")

OWNER, ALSTAHAUG, VEFSN, SOMNA = "100000008", "938712441", "844824122", "944810277"
OPEN, RUNNING, PAUSED = "ra-2027-digitalt-tilsyn", "ra-2026-velferdsteknologi", "ra-2025-gps"
"""Agreements of the seed data: its window is open; it runs, with a host; one of its participants is leaving."""


def _slug(seeded: str) -> Any:
    return Path(description="The agreement's name in addresses", examples=[seeded])


def _seeded(agreement: str, number: str) -> Any:
    return Path(description="The accession", examples=[str(seed_id(f"accession:{agreement}:{number}"))])


class NewApproval(In):
    starts_on: date | None = Field(
        default=None, description="Its first day; as wished for when left out, never before the agreement's first"
    )
    reason: str | None = Field(default=None, min_length=1, max_length=2000)


class NewStep(In):
    reason: str | None = Field(
        default=None, min_length=1, max_length=2000, description="Kept in the history; needed to reject and to end"
    )


@router.post("/approve", summary="Approve an accession", openapi_extra=example(organisation=OWNER, body={}))
def approve(
    slug: Annotated[str, _slug(OPEN)],
    id: Annotated[UUID, _seeded(OPEN, VEFSN)],
    step: NewApproval,
    caller: CallerDep,
    session: SessionDep,
    today: TodayDep,
) -> shapes.Accession:
    """Submitted → approved, by the framework owner, who sets its first day. On that day it starts by itself."""
    agreement = frameworks.owned(session, slug, caller.organisation)
    row = store.locked(session, agreement, id, caller.organisation)
    rules.after(row.state, rules.Event.APPROVE)
    terms = store.terms(agreement)
    day = step.starts_on or rules.first_day(terms, row.starts_on, today)
    refuse([*rules.check_open(terms), *rules.check_first_day(terms, day, today)])
    row.starts_on = day
    store.move(session, caller, agreement, row, rules.Event.APPROVE, step.reason, starts_on=day.isoformat())
    return shapes.shown(session, agreement, row)


@router.post(
    "/reject",
    summary="Reject an accession",
    openapi_extra=example(organisation=OWNER, body={"reason": "Vedtaket gjelder en annen avtale (fiktivt)"}),
)
def reject(
    slug: Annotated[str, _slug(OPEN)],
    id: Annotated[UUID, _seeded(OPEN, VEFSN)],
    step: NewStep,
    caller: CallerDep,
    session: SessionDep,
) -> shapes.Accession:
    """Submitted → rejected, by the framework owner, with a reason. The organisation may draft another."""
    agreement, row = _owned(session, slug, id, caller, rules.Event.REJECT, step)
    store.move(session, caller, agreement, row, rules.Event.REJECT, step.reason)
    return shapes.shown(session, agreement, row)


@router.post("/start", summary="Start an accession", openapi_extra=example(organisation=OWNER, body={}))
def start(
    slug: Annotated[str, _slug(OPEN)],
    id: Annotated[UUID, _seeded(OPEN, SOMNA)],
    step: NewStep,
    caller: CallerDep,
    session: SessionDep,
    today: TodayDep,
) -> shapes.Accession:
    """Approved → active, by the framework owner before the day that was set, which becomes today; but nobody orders
    before the agreement's own first day. On its day an accession starts by itself."""
    agreement, row = _owned(session, slug, id, caller, rules.Event.START, step)
    terms = store.terms(agreement)
    refuse(rules.check_open(terms))
    row.starts_on = min(row.starts_on or today, max(today, terms.starts_on))
    store.move(session, caller, agreement, row, rules.Event.START, step.reason, starts_on=row.starts_on.isoformat())
    return shapes.shown(session, agreement, row)


@router.post(
    "/end",
    summary="End an accession",
    openapi_extra=example(organisation=OWNER, body={"reason": "Løst fra bindingen (fiktivt)"}),
)
def end(
    slug: Annotated[str, _slug(RUNNING)],
    id: Annotated[UUID, _seeded(RUNNING, ALSTAHAUG)],
    step: NewStep,
    caller: CallerDep,
    session: SessionDep,
    today: TodayDep,
) -> shapes.Accession:
    """Active or leaving → ended at once, by the framework owner, with a reason: so a binding accession is released
    before the agreement ends. Call-offs that were placed before stand and are delivered."""
    agreement, row = _owned(session, slug, id, caller, rules.Event.END, step)
    row.ends_on = min(row.ends_on or today, today)
    store.move(session, caller, agreement, row, rules.Event.END, step.reason, ends_on=row.ends_on.isoformat())
    return shapes.shown(session, agreement, row)


@router.post("/withdraw", summary="Withdraw an accession", openapi_extra=example(organisation=ALSTAHAUG, body={}))
def withdraw(
    slug: Annotated[str, _slug(OPEN)],
    id: Annotated[UUID, _seeded(OPEN, ALSTAHAUG)],
    step: NewStep,
    caller: CallerDep,
    session: SessionDep,
) -> shapes.Accession:
    """Draft, submitted or approved → withdrawn, by the organisation that would have acceded."""
    agreement, row = _own(session, slug, id, caller, rules.Event.WITHDRAW)
    store.move(session, caller, agreement, row, rules.Event.WITHDRAW, step.reason)
    return shapes.shown(session, agreement, row)


@router.post("/give-notice", summary="Give notice of leaving", openapi_extra=example(organisation=ALSTAHAUG, body={}))
def give_notice(
    slug: Annotated[str, _slug(RUNNING)],
    id: Annotated[UUID, _seeded(RUNNING, ALSTAHAUG)],
    step: NewStep,
    caller: CallerDep,
    session: SessionDep,
    today: TodayDep,
) -> shapes.Accession:
    """Active → leaving. An optional accession runs for the announced notice in calendar days, a binding one until the
    agreement ends unless its owner releases you. Until then you order as before, and orders placed stand."""
    agreement, row = _own(session, slug, id, caller, rules.Event.GIVE_NOTICE)
    row.ends_on = rules.last_day(store.terms(agreement), binding=row.binding, today=today)
    store.move(session, caller, agreement, row, rules.Event.GIVE_NOTICE, step.reason, ends_on=row.ends_on.isoformat())
    return shapes.shown(session, agreement, row)


@router.post("/revoke-notice", summary="Take back a notice", openapi_extra=example(organisation=VEFSN, body={}))
def revoke_notice(
    slug: Annotated[str, _slug(PAUSED)],
    id: Annotated[UUID, _seeded(PAUSED, VEFSN)],
    step: NewStep,
    caller: CallerDep,
    session: SessionDep,
    today: TodayDep,
) -> shapes.Accession:
    """Leaving → active, until the notice has run out."""
    agreement, row = _own(session, slug, id, caller, rules.Event.REVOKE_NOTICE)
    refuse(rules.check_revocation(row.ends_on, today))
    row.ends_on = None
    store.move(session, caller, agreement, row, rules.Event.REVOKE_NOTICE, step.reason)
    return shapes.shown(session, agreement, row)


def _owned(
    session: Session, slug: str, id: UUID, caller: Caller, event: rules.Event, step: NewStep
) -> tuple[frameworks.FrameworkAgreement, store.Accession]:
    """For a step of the owner's; locked. Rejecting and ending need a reason."""
    agreement = frameworks.owned(session, slug, caller.organisation)
    row = store.locked(session, agreement, id, caller.organisation)
    rules.after(row.state, event)
    if event in rules.REASONED and not step.reason:
        raise ReasonMissing("Say why; it is kept in the history.", pointer="#/reason")
    return agreement, row


def _own(
    session: Session, slug: str, id: UUID, caller: Caller, event: rules.Event
) -> tuple[frameworks.FrameworkAgreement, store.Accession]:
    """For a step of the acceding organisation's; locked."""
    agreement = store.joinable(session, slug, caller.organisation)
    row = store.locked(session, agreement, id, caller.organisation)
    store.acceding(row, caller.organisation)
    rules.after(row.state, event)
    return agreement, row
