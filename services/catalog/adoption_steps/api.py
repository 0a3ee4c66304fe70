"""Moving, confirming and disputing adoptions over HTTP."""

from datetime import date
from typing import Annotated, Literal

from fastapi import Path, Response
from pydantic import Field

from services.catalog.adopters import store as adopters
from services.catalog.adoptions import rules, shapes
from services.catalog.adoptions import store as adoptions
from services.catalog.adoptions.rules import Sight, Step
from services.catalog.adoptions.shapes import BRONNOY, Adoption, AdoptionId
from services.chassis import audit, changes, clock
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In

router = new_router("/adoptions", "Adoptions")

Reason = Annotated[str, Field(min_length=1, max_length=2000)]
TOLD = {
    Step.PILOT: "adoption.piloted",
    Step.START: "adoption.started",
    Step.PHASE_OUT: "adoption.phasing_out",
    Step.END: "adoption.ended",
    Step.CONFIRM: "adoption.confirmed",
    Step.DISPUTE: "adoption.disputed",
    Step.WITHDRAW: "adoption.withdrawn",
}


class Taken(In):
    effective_on: date | None = Field(default=None, description="When it happened, not after today. Left out: today")
    reason: Reason | None = Field(default=None, description="Needed to dispute, and for what happened before today")


@router.post(
    "/{id}/{event}",
    summary="Move an adoption along, confirm or dispute it",
    openapi_extra=example(organisation=BRONNOY, body={"reason": "Byttes ut (fiktivt)"}),
)
def step(
    id: AdoptionId,
    event: Annotated[
        Literal["pilot", "start", "phase-out", "end", "confirm", "dispute", "withdraw"],
        Path(
            description="`pilot`, `start`, `phase-out`, `end`: where it stands from then on. `confirm`, `dispute`: the "
            "organisation's answer to a claim. `withdraw`: the claimant takes its claim back",
            examples=["phase-out"],
        ),
    ],
    taken: Taken,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
    if_match: changes.IfMatch = None,
) -> Adoption:
    """For the organisation itself, with its own token; nobody else can confirm what it uses. A claim must be confirmed
    before the adoption moves. Withdrawing is for the claimant; what was confirmed stays the organisation's."""
    taking = Step(event.replace("-", "_"))
    seen = adoptions.viewer(session, caller)
    adoption = adoptions.locked(session, id, seen, today)
    refuse(adoptions.check_actor(session, taking, adoption, seen, today))
    # A claimant is not to learn by the revision whether its claim was answered.
    if seen.sight is not Sight.CLAIMS:
        changes.require_match(if_match, adoption.revision, needed=False)
    effective_on = taken.effective_on or today
    status, claim, answer = None, None, None
    if taking is Step.WITHDRAW:
        refuse(rules.dated(effective_on, today, taken.reason))
        answer = shapes.one(session, id, seen, response, today)  # after it there may be nothing to see
        adoption.withdrawn_on = today
    else:
        standing = rules.Standing(adoption.status, adoption.status_since_on, adoption.claim)
        refuse(rules.check_step(taking, standing, effective_on=effective_on, today=today, reason=taken.reason))
        status, claim = rules.MOVES.get((adoption.status, taking)), rules.CLAIMS.get((adoption.claim, taking))
        if taking is not Step.DISPUTE:
            adoption.last_confirmed_on = today
        if status is not None:
            adoption.planned_start_on = None
    happened = adoptions.event(
        taking, caller, effective_on, clock.now(), today, taken.reason, status=status, claim=claim
    )
    adoptions.record(session, adoption, happened)
    audit.record(
        session,
        caller,
        f"adoption.{taking}",
        adoption.path,
        effective_on=effective_on.isoformat(),
        reason=taken.reason,
    )
    adopters.tell(session, adoption, TOLD[taking], today)
    return answer or shapes.one(session, id, seen, response, today)
