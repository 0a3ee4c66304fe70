"""Which step a component can take from which state, who may take it, and what follows from its events on a day."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from services.catalog.working_days import rules as working_days
from services.chassis.problems import Conflict, Forbidden, Invalid, Problem

DECIDED_WITHIN = 20
"""Norwegian working days from a proposal to the editors' decision; the scheme's own rule."""


class LifeCycle(StrEnum):
    PROPOSED = "proposed"
    REJECTED = "rejected"
    APPROVED = "approved"
    AVAILABLE = "available"
    DEPRECATED = "deprecated"
    RETIRED = "retired"
    UNKNOWN = "unknown"


class Step(StrEnum):
    PROPOSE = "propose"
    APPROVE = "approve"
    REJECT = "reject"
    PUBLISH = "publish"
    DEPRECATE = "deprecate"
    REINSTATE = "reinstate"
    RETIRE = "retire"
    CALL_OFF = "call-off"


class EventKind(StrEnum):
    FILED = "filed"
    """Entered as it was, from a source: a component that was there before the catalogue."""
    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"
    PUBLISHED = "published"
    DEPRECATED = "deprecated"
    REINSTATED = "reinstated"
    RETIRED = "retired"
    CALLED_OFF = "called_off"
    """What was planned does not happen."""


MOVES: dict[tuple[LifeCycle | None, Step], LifeCycle] = {
    (None, Step.PROPOSE): LifeCycle.PROPOSED,
    (LifeCycle.UNKNOWN, Step.PROPOSE): LifeCycle.PROPOSED,
    (LifeCycle.REJECTED, Step.PROPOSE): LifeCycle.PROPOSED,
    (LifeCycle.PROPOSED, Step.APPROVE): LifeCycle.APPROVED,
    (LifeCycle.PROPOSED, Step.REJECT): LifeCycle.REJECTED,
    (LifeCycle.APPROVED, Step.PUBLISH): LifeCycle.AVAILABLE,
    (LifeCycle.AVAILABLE, Step.DEPRECATE): LifeCycle.DEPRECATED,
    (LifeCycle.DEPRECATED, Step.REINSTATE): LifeCycle.AVAILABLE,
    (LifeCycle.UNKNOWN, Step.RETIRE): LifeCycle.RETIRED,
    (LifeCycle.PROPOSED, Step.RETIRE): LifeCycle.RETIRED,
    (LifeCycle.REJECTED, Step.RETIRE): LifeCycle.RETIRED,
    (LifeCycle.APPROVED, Step.RETIRE): LifeCycle.RETIRED,
    (LifeCycle.AVAILABLE, Step.RETIRE): LifeCycle.RETIRED,
    (LifeCycle.DEPRECATED, Step.RETIRE): LifeCycle.RETIRED,
}
EVENTS = {
    Step.PROPOSE: EventKind.PROPOSED,
    Step.APPROVE: EventKind.APPROVED,
    Step.REJECT: EventKind.REJECTED,
    Step.PUBLISH: EventKind.PUBLISHED,
    Step.DEPRECATE: EventKind.DEPRECATED,
    Step.REINSTATE: EventKind.REINSTATED,
    Step.RETIRE: EventKind.RETIRED,
    Step.CALL_OFF: EventKind.CALLED_OFF,
}
_STEPS = {kind: step for step, kind in EVENTS.items()}
EDITORS = {Step.APPROVE, Step.REJECT}
"""Steps that are the editors' alone; the others are the owner's, and an editor may take them too, on the record."""


class StepRefused(Conflict):
    """The component cannot take this step from the state it is in."""


class ChangePlanned(Conflict):
    """A change is planned already; call it off first."""


class NothingPlanned(Conflict):
    """No change is planned, so there is none to call off."""


class OwnApproval(Forbidden):
    """Whoever proposed or changed it does not approve it (four eyes)."""


class ComponentNotYours(Forbidden):
    """Only the component's owner may do this."""


class BackDatedWithoutReason(Invalid):
    """What takes effect before today needs a reason."""


class BeforeLastChange(Invalid):
    """It cannot take effect before the change that came before it."""


@dataclass(frozen=True)
class Event:
    kind: EventKind
    effective_on: date
    recorded_at: datetime
    filed_as: LifeCycle | None = None
    """The state that an entry was filed with; None for every other event."""


@dataclass(frozen=True)
class Standing:
    """The state on a day, since when, and the one change that is planned."""

    state: LifeCycle | None = None
    since_on: date | None = None
    next_state: LifeCycle | None = None
    next_on: date | None = None


def standing_on(events: Iterable[Event], on: date, known_at: datetime | None = None) -> Standing:
    """What follows from the events (in the order in which they were recorded) for a day, as it was known at an instant.
    A planned change that was called off never happens. A step that its state does not allow is passed over."""
    held: list[Event] = []
    for event in events:
        if known_at is not None and event.recorded_at > known_at:
            continue
        if event.kind is EventKind.CALLED_OFF:
            held = [one for one in held if one.effective_on <= event.effective_on]
        else:
            held.append(event)
    standing = Standing()
    for event in sorted(held, key=lambda event: event.effective_on):  # stable: of one day, as recorded
        after = event.filed_as or MOVES.get((standing.state, _STEPS.get(event.kind, Step.CALL_OFF)))
        if after is None:
            continue
        if event.effective_on > on:
            return Standing(standing.state, standing.since_on, after, event.effective_on)
        standing = Standing(after, event.effective_on)
    return standing


def check_step(standing: Standing, step: Step, effective_on: date, today: date, *, reason: str | None) -> list[Problem]:
    """Every reason why this step cannot be taken as it is asked for."""
    found: list[Problem] = []
    if step is Step.CALL_OFF:
        return [] if standing.next_on else [NothingPlanned()]
    if standing.next_on:
        found.append(ChangePlanned(f"It becomes {standing.next_state} on {standing.next_on}."))
    if (standing.state, step) not in MOVES:
        found.append(StepRefused(f"Cannot {step} what is {standing.state}.", state=standing.state))
    if effective_on < today and not reason:
        found.append(BackDatedWithoutReason(pointer="#/reason"))
    if standing.since_on and effective_on < standing.since_on:
        found.append(
            BeforeLastChange(f"It has been {standing.state} since {standing.since_on}.", pointer="#/effective_on")
        )
    return found


def check_actor(step: Step, owner: str | None, organisation: str, *, editor: bool) -> list[Problem]:
    """`owner` and `organisation` (who acts) by number. Approval needs the editors' scope, which the route asks for."""
    if step in EDITORS or editor or owner == organisation:
        return []
    return [ComponentNotYours(f"{organisation} does not own it.")]


def check_eyes(authors: Collection[str], approver: str) -> list[Problem]:
    """`authors` are the clients that proposed it or changed it since; a person or system is known by its client. So an
    editor approves what others wrote, of its own organisation only what another client of it did."""
    if approver in authors:
        return [OwnApproval("Someone else than its authors has to approve it: another client.")]
    return []


def decide_by(proposed_on: date, days: int = DECIDED_WITHIN) -> date:
    """The last day of the deadline: the day of the proposal does not count."""
    return working_days.after(proposed_on, days)
