"""The steps of a component's life over HTTP, and its history."""

from datetime import date
from typing import Annotated, Any

from fastapi import Body, Path, Query
from pydantic import AwareDatetime, Field

from services.catalog.components import rules as offers
from services.catalog.components import store
from services.catalog.lifecycles import rules
from services.catalog.lifecycles import store as lifecycles
from services.catalog.lifecycles.rules import EventKind, LifeCycle, Step
from services.catalog.repositories import store as repositories
from services.chassis import audit, changes, clock, feed
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.changes import IfMatch
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import Invalid, Problem, refuse
from services.chassis.values import In, Instant, Out, Slug

router = new_router("/components", "Components")

JOINT_UNIT = "100000008"
SEEDED = "velferdsteknologi-trygghetsplattform"
Why = Annotated[str, Field(min_length=1, max_length=2000)]
Day = Annotated[
    date | None,
    Field(description="The day it takes effect: one to come plans it, one gone by needs a reason. Today unless said"),
]


class ReplacementUnknown(Invalid):
    """The component that is to replace it is not in the catalogue."""


class ReplacedByItself(Invalid):
    """A component does not replace itself."""


class EndsBeforeItBegins(Invalid):
    """It cannot end before it is deprecated."""


class Taken(In):
    reason: Why | None = Field(default=None, description="Why, if there is something to say")


class Reasoned(In):
    reason: Why = Field(description="Why; its owner and everyone else reads it")


class Dated(In):
    reason: Why | None = Field(default=None, description="Why; needed for a day gone by")
    effective_on: Day = None


class Retired(In):
    reason: Why = Field(description="Why; everyone reads it")
    effective_on: Day = None
    replaced_by: Slug | None = Field(default=None, description="The component that replaces it")


class Deprecated(Retired):
    ends_on: date | None = Field(default=None, description="The day it is to end, if that is known")


class Standing(Out):
    """Where a component stands in its life."""

    slug: str
    life_cycle: LifeCycle | None = Field(description="On the day; null before it was known")
    since_on: date | None
    next_life_cycle: LifeCycle | None = Field(description="What is planned")
    next_on: date | None
    decide_by_on: date | None = Field(description="While it is proposed: the editors decide by this day")


class Happened(Out):
    """An event of its life. Only ever added."""

    kind: EventKind
    filed_as: LifeCycle | None = Field(description="The state that it was entered with, for an entry from a source")
    effective_on: date
    recorded_at: Instant
    reason: str | None
    back_dated: bool = Field(description="It was to take effect before the day it was recorded")
    organisation_number: str | None = Field(description="Who did it; null when it came with the catalogue's data")


class History(Standing):
    events: list[Happened] = Field(description="In the order in which they were recorded")


@router.get("/{slug}/history", summary="Read the history of a component", openapi_extra=example())
def history(
    slug: Annotated[str, Path(description="The component's name in addresses", examples=[SEEDED])],
    reader: ReaderDep,
    today: TodayDep,
    on: Annotated[date | None, Query(description="The state on this day; today unless said")] = None,
    known_at: Annotated[
        AwareDatetime | None, Query(description="As it was known at this instant; now unless said")
    ] = None,
) -> History:
    """Every event of its life, and the state that follows from them for a day: what the catalogue knew at one instant
    about one day never changes."""
    component = store.by_slug(reader, slug)
    happened = lifecycles.history(reader, component.id)
    standing = rules.standing_on([one.told() for one in happened], on or today, known_at)
    deadline = component.decide_by_on if on is None and known_at is None else None
    return History(
        **_standing(slug, standing, deadline).model_dump(), events=[Happened.model_validate(one) for one in happened]
    )


def _take(
    step: Step, slug: str, new: Any, caller: Caller, session: SessionDep, today: date, if_match: str | None
) -> Standing:
    component = store.lock(session, slug, today)
    owner = store.number_of(session, component.owner_id)
    refuse(rules.check_actor(step, owner, caller.organisation, editor=caller.may("catalog.admin")))
    changes.require_match(if_match, component.revision, needed=False)
    effective_on: date = getattr(new, "effective_on", None) or today
    standing = lifecycles.standing(session, component.id, today)
    found: list[Problem] = rules.check_step(standing, step, effective_on, today, reason=new.reason)
    if step is Step.APPROVE:
        found += rules.check_eyes(component.authors, caller.client)
    if step is Step.PUBLISH:
        found += offers.check_offer(store.offer(component), repositories=repositories.count(session, component.id))
    replaced_by_id = None
    if isinstance(new, Retired):
        replaced_by_id, wrong = _replacement(session, component, new, effective_on)
        found += wrong
    refuse(found)
    before, planned = component.life_cycle, component.next_life_cycle
    kind = rules.EVENTS[step]
    store.move(
        session,
        component,
        kind,
        caller,
        effective_on=effective_on,
        recorded_at=clock.now(),
        today=today,
        reason=new.reason,
    )
    _settle(component, step, new, effective_on, replaced_by_id, caller)
    component.revision += 1
    session.flush()
    store.index(session, component)
    path = f"/components/{slug}"
    changed = changes.differences(
        {"life_cycle": before, "next_life_cycle": planned},
        {"life_cycle": component.life_cycle, "next_life_cycle": component.next_life_cycle},
    )
    told = {"effective_on": str(effective_on), "changed": changed, "reason": new.reason}
    audit.record(session, caller, f"component.{step}", path, **told)
    feed.tell(session, f"component.{kind}", path, None, effective_on=str(effective_on), life_cycle=component.life_cycle)
    return _standing(slug, lifecycles.standing(session, component.id, today), component.decide_by_on)


def _replacement(
    session: SessionDep, component: store.Component, new: Retired, effective_on: date
) -> tuple[int | None, list[Problem]]:
    found: list[Problem] = []
    replaced_by_id = store.find(session, new.replaced_by) if new.replaced_by else None
    if new.replaced_by and replaced_by_id is None:
        found.append(ReplacementUnknown(f"There is no {new.replaced_by!r}.", pointer="#/replaced_by"))
    if replaced_by_id == component.id:
        found.append(ReplacedByItself(pointer="#/replaced_by"))
    if isinstance(new, Deprecated) and new.ends_on and new.ends_on < effective_on:
        found.append(EndsBeforeItBegins(f"It is deprecated on {effective_on}.", pointer="#/ends_on"))
    return replaced_by_id, found


def _settle(
    component: store.Component, step: Step, new: Any, effective_on: date, replaced_by_id: int | None, caller: Caller
) -> None:
    """What a step says beside the state."""
    if step is Step.PROPOSE:
        component.authors = [caller.client]
    if step is Step.RETIRE:
        component.ended_on = effective_on
    if step is Step.DEPRECATE:
        component.ended_on = new.ends_on
    if step in (Step.REINSTATE, Step.CALL_OFF):
        component.ended_on = None
        if component.life_cycle is not LifeCycle.DEPRECATED:
            component.replaced_by_id = None
    if replaced_by_id:
        component.replaced_by_id = replaced_by_id


def _standing(slug: str, standing: rules.Standing, decide_by_on: date | None) -> Standing:
    return Standing(
        slug=slug,
        life_cycle=standing.state,
        since_on=standing.since_on,
        next_life_cycle=standing.next_state,
        next_on=standing.next_on,
        decide_by_on=decide_by_on,
    )


def _route(step: Step, shape: type[In], seeded: str, example_body: Any, summary: str, about: str) -> None:
    """One route for each step; `seeded` is a component that can take it."""

    def take(
        slug: Annotated[str, Path(description="The component's name in addresses", examples=[seeded])],
        new: Annotated[Any, Body()],
        caller: CallerDep,
        session: SessionDep,
        today: TodayDep,
        if_match: IfMatch = None,
    ) -> Standing:
        return _take(step, slug, new, caller, session, today, if_match)

    take.__annotations__["new"] = shape
    take.__doc__ = about
    router.post(
        f"/{{slug}}/{step}",
        summary=summary,
        operation_id=f"component_{step.value.replace('-', '_')}",
        openapi_extra=example(organisation=JOINT_UNIT, body=example_body),
    )(take)


_REASON = {"reason": "Vurdert av redaksjonen (fiktivt)"}
_ROUTES: tuple[tuple[Step, type[In], str, Any, str, str], ...] = (
    (
        Step.PROPOSE,
        Taken,
        "felles-byggesaksskjema",
        {},
        "Propose a component again",
        "Rejected or unknown → proposed. Its owner's, or an editor's on its behalf. The editors' deadline of 20 "
        "Norwegian working days begins.",
    ),
    (
        Step.APPROVE,
        Taken,
        "felles-innbyggerportal",
        {},
        "Approve a component",
        "Proposed → approved. The editors' (scope catalog.admin), and four eyes: not through a client that proposed it "
        "or changed the proposal. The owner then publishes it.",
    ),
    (
        Step.REJECT,
        Reasoned,
        "felles-innbyggerportal",
        _REASON,
        "Reject a component",
        "Proposed → rejected, with a reason. The editors'. Its owner may change it and propose it again.",
    ),
    (
        Step.PUBLISH,
        Dated,
        "felles-dokumentmaler",
        {"effective_on": "2099-01-01"},
        "Publish a component",
        "Approved → available, today or on a day to come: the state follows from the day, no one has to do anything "
        "then. What its form entails must be there: for shared use operator, price, terms and data processing "
        "agreement, for reuse licence and repository.",
    ),
    (
        Step.DEPRECATE,
        Deprecated,
        SEEDED,
        {"reason": "Erstattes (fiktivt)", "effective_on": "2099-01-01", "ends_on": "2100-01-01"},
        "Deprecate a component",
        "Available → deprecated: it still works, but should not be taken into use any more. With a reason, and if "
        "known what replaces it and when it ends.",
    ),
    (
        Step.REINSTATE,
        Reasoned,
        "felles-kartvisning",
        {"reason": "Avtalen er forlenget (fiktivt)"},
        "Reinstate a component",
        "Deprecated → available, with a reason. What was said about its end and what replaces it goes.",
    ),
    (
        Step.RETIRE,
        Retired,
        "felles-kartvisning",
        {"reason": "Avviklet (fiktivt)"},
        "Retire a component",
        "Any other state → retired, for ever, with a reason. A proposal that is given up is retired too. Who is hit: "
        "see its impact.",
    ),
    (
        Step.CALL_OFF,
        Reasoned,
        "felles-avtaleverktoy",
        {"reason": "Utsatt (fiktivt)"},
        "Call off what is planned",
        "The planned change does not happen; the state stays what it is. Both stand in the history.",
    ),
)
for _one in _ROUTES:
    _route(*_one)
