"""Steps of a mini-competition over HTTP, up to its deadline."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path
from pydantic import AwareDatetime, Field

from services.agreements.competition_steps import store
from services.agreements.criteria.rules import Tie, criterion
from services.agreements.mini_competitions import rules, shapes
from services.agreements.mini_competitions import store as mini_competitions
from services.agreements.sealing.store import SealingKeyDep
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In, Text, seed_id

router = new_router("/mini-competitions", "Mini-competitions")

BRONNOY = "964983291"
DRAFT = Path(description="The mini-competition's id", examples=[str(seed_id("mini-competition:draft"))])
OPEN = Path(description="The mini-competition's id", examples=[str(seed_id("mini-competition:open"))])


class Publication(In):
    """Nothing needs to be said: all that is announced stands in the draft."""


class Amendment(In):
    """What changes; what is left out stays. Lines never change: another basket is another competition."""

    reason: str = Field(min_length=3, max_length=2000, description="What changes and why, for all who are invited")
    deadline: AwareDatetime = Field(
        description="Later than before, and so that at least half of the time that was announced at first is left"
    )
    requires_new_bids: bool = Field(
        description="Whether bids that are in must be replaced; where criteria change they must"
    )
    questions_until: AwareDatetime | None = None
    description: Text | None = None
    needed_on: date | None = None
    criteria: list[shapes.NewCriterion] | None = Field(default=None, min_length=1, max_length=50)
    tie_rule: list[Tie] | None = Field(default=None, min_length=1, max_length=4)
    standstill_days: int | None = Field(default=None, ge=0, le=60)
    evaluators: list[shapes.NewEvaluator] | None = Field(default=None, max_length=20)

    def columns(self) -> dict[str, Any]:
        kept: dict[str, Any] = {"deadline": self.deadline}
        if self.description:
            kept["description"] = self.description.kept()
        if self.criteria:
            kept["criteria"] = [one.kept() for one in self.criteria]
        if self.tie_rule:
            kept["tie_rule"] = [one.value for one in self.tie_rule]
        if self.evaluators is not None:
            kept["evaluators"] = [{"code": one.code, "title": one.title.kept()} for one in self.evaluators]
        for name in ("questions_until", "needed_on", "standstill_days"):
            if getattr(self, name) is not None:
                kept[name] = getattr(self, name)
        return kept


class Cancellation(In):
    reason: str = Field(min_length=3, max_length=2000, description="For all who are invited")


@router.post(
    "/{id}/publish", summary="Publish a mini-competition", openapi_extra=example(organisation=BRONNOY, body={})
)
def publish(
    id: Annotated[UUID, DRAFT],
    new: Publication,
    caller: CallerDep,
    session: SessionDep,
    key: SealingKeyDep,
    today: TodayDep,
) -> shapes.MiniCompetition:
    """Draft → open. Every supplier with an open place in the lot and all the items is invited at once. Only where the
    lot's announced bands say `mini_competition` for the basket at its dearest, your earlier call-offs in the window
    counted in (409 `method-not-mini-competition`). The competition gets a key of its own, which bids are sealed to.

    `room_left_excl_vat` says what the ceilings leave: it is not held, and the award needs it then."""
    row = mini_competitions.locked(session, id, caller.organisation)
    store.publish(session, caller, row, key, today)
    return shapes.of(session, row, caller.organisation)


@router.post(
    "/{id}/amend",
    summary="Amend a published mini-competition",
    openapi_extra=example(
        organisation=BRONNOY,
        body={
            "reason": "Leveransen kan deles i to; fristen er forlenget.",
            "deadline": "2045-01-01T11:00:00Z",
            "requires_new_bids": False,
        },
    ),
)
def amend(id: Annotated[UUID, OPEN], new: Amendment, caller: CallerDep, session: SessionDep) -> shapes.MiniCompetition:
    """Open → open, before the deadline: a new version, a later deadline, and everybody who is invited is told. Bids
    that are in stay, unless you say that they must be replaced."""
    row = mini_competitions.locked(session, id, caller.organisation)
    rules.after(row.state, rules.Event.AMEND)
    changes = new.columns()
    whole = {name: getattr(row, name) for name in ("criteria", "tie_rule", "evaluators", "questions_until")} | changes
    terms = rules.Terms(
        tuple(criterion(one) for one in whole["criteria"]),
        tuple(Tie(one) for one in whole["tie_rule"]),
        tuple(one["code"] for one in whole["evaluators"]),
        whole["questions_until"],
        new.deadline,
    )
    refuse(rules.check(terms))
    store.amend(session, caller, row, changes, reason=new.reason, requires_new_bids=new.requires_new_bids)
    return shapes.of(session, row, caller.organisation)


@router.post(
    "/{id}/cancel",
    summary="Cancel a mini-competition",
    openapi_extra=example(organisation=BRONNOY, body={"reason": "Behovet er falt bort (fiktivt)."}),
)
def cancel(
    id: Annotated[UUID, OPEN], new: Cancellation, caller: CallerDep, session: SessionDep
) -> shapes.MiniCompetition:
    """→ cancelled, from any state before the award is final. Bids are void; those that are sealed stay sealed for
    ever."""
    row = mini_competitions.locked(session, id, caller.organisation)
    store.cancel(session, caller, row, new.reason)
    return shapes.of(session, row, caller.organisation)
