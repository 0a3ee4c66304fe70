"""The steps of a framework agreement over HTTP, as its owner takes them."""

from datetime import date
from typing import Annotated

from fastapi import Path
from pydantic import Field
from sqlmodel import Session

from services.agreements.framework_steps import rules as step_rules
from services.agreements.framework_steps import store
from services.agreements.frameworks import rules, shapes
from services.agreements.frameworks import store as frameworks
from services.agreements.frameworks.rules import Event
from services.agreements.places import store as places
from services.agreements.thresholds import rules as threshold_rules
from services.agreements.thresholds import store as thresholds
from services.chassis import clock
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In

router = new_router("/framework-agreements", "Framework agreements")

OWNER = "100000008"


class NewStep(In):
    """Why; kept in the history."""

    reason: str | None = Field(default=None, min_length=1, max_length=2000)


def _step(event: Event, seeded: str, summary: str, about: str) -> None:
    """One route for each event that the owner takes; `seeded` is an agreement that can take it."""

    def take(
        slug: Annotated[str, Path(description="The agreement's name in addresses", examples=[seeded])],
        caller: CallerDep,
        session: SessionDep,
        step: NewStep,
    ) -> shapes.FrameworkAgreement:
        agreement = frameworks.owned(session, slug, caller.organisation)
        _prepare(session, agreement, event, clock.today())
        frameworks.happened(session, agreement, event, caller, step.reason)
        if agreement.state in rules.OVER:
            places.agreement_ended(session, agreement)
        return shapes.shown(session, agreement)

    take.__doc__ = about
    router.post(
        f"/{{slug}}/{event.value.replace('_', '-')}",
        summary=summary,
        operation_id=f"framework_agreement_{event}",
        openapi_extra=example(organisation=OWNER, body={"reason": "Vedtak i styret (fiktivt)"}),
    )(take)


def _prepare(session: Session, agreement: frameworks.FrameworkAgreement, event: Event, today: date) -> None:
    """What a step needs beside the state that it starts from; an announcement freezes what it announces."""
    rules.after(agreement.state, event)
    framework_id = agreement.id or 0
    if event is Event.ANNOUNCE:
        terms = shapes.terms(shapes.shown(session, agreement))
        known = thresholds.on(session, today)
        refuse(
            step_rules.check_announcement(terms.checked())
            + threshold_rules.check_known(agreement.contract_kind, known.keys(), today)
        )
        agreement.announcement = store.announced(agreement, terms.model_dump(mode="json"), known, today)
        agreement.announced_on = today
    elif event is Event.ACTIVATE:
        refuse(step_rules.check_activation(frameworks.lots_without_place(session, framework_id)))
    elif event is Event.CLOSE:
        refuse(step_rules.check_close(store.open_call_offs(session, framework_id)))


for _event, _seeded, _summary_text, _about in (
    (
        Event.ANNOUNCE,
        "ra-2027-nettbrett",
        "Announce an agreement",
        "Draft → announced, when the notice has all that it needs; everything it lacks is told at once. From here the "
        "ceilings and the list of participants are closed, everybody can read the agreement, and what was announced is "
        "kept with the thresholds that the estimate was measured against.",
    ),
    (
        Event.AWARD,
        "ra-2027-digitalt-tilsyn",
        "Award an agreement",
        "Announced → standstill: the suppliers have been chosen and told.",
    ),
    (
        Event.ACTIVATE,
        "ra-2027-dorlaser",
        "Activate an agreement",
        "Standstill → active. Every lot needs a supplier with a price list. Call-offs are possible within the period.",
    ),
    (
        Event.REOPEN_EVALUATION,
        "ra-2027-dorlaser",
        "Reopen the evaluation",
        "Standstill → announced, for example after a complaint.",
    ),
    (
        Event.SUSPEND,
        "ra-2026-velferdsteknologi",
        "Suspend an agreement",
        "Active → suspended. No new call-offs; those already placed stand.",
    ),
    (Event.RESUME, "ra-2025-gps", "Resume an agreement", "Suspended → active: call-offs are possible again."),
    (
        Event.TERMINATE,
        "ra-2025-gps",
        "Terminate an agreement",
        "Active, suspended or exhausted → terminated. Suppliers' places end; call-offs already placed stand.",
    ),
    (
        Event.CLOSE,
        "ra-2022-nettverk",
        "Close an agreement",
        "Expired or terminated → closed, when no call-off under it is open any more (409 `call-offs-open` tells how "
        "many are).",
    ),
    (
        Event.CANCEL,
        "ra-2027-nettbrett",
        "Cancel a competition",
        "Draft, announced or standstill → cancelled: the competition is called off.",
    ),
):
    _step(_event, _seeded, _summary_text, _about)
