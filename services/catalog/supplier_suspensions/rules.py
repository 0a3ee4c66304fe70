"""When a supplier may be suspended from the scheme, and what a suspension is on a day."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from services.chassis.problems import Conflict, Forbidden, Invalid, Problem


class Status(StrEnum):
    """A suspension's state on a day; derived, never stored."""

    NOT_YET_IN_FORCE = "not_yet_in_force"
    IN_FORCE = "in_force"
    STAYED = "stayed"
    LIFTED = "lifted"
    ANNULLED = "annulled"


class Step(StrEnum):
    LIFT = "lift"
    STAY = "stay"
    END_STAY = "end_stay"
    ANNUL = "annul"


class EventKind(StrEnum):
    SUSPENDED = "suspended"
    LIFTED = "lifted"
    STAYED = "stayed"
    STAY_ENDED = "stay_ended"
    ANNULLED = "annulled"


MOVES = {
    (Status.IN_FORCE, Step.LIFT): Status.LIFTED,
    (Status.IN_FORCE, Step.STAY): Status.STAYED,
    (Status.STAYED, Step.END_STAY): Status.IN_FORCE,
    (Status.IN_FORCE, Step.ANNUL): Status.ANNULLED,
    (Status.STAYED, Step.ANNUL): Status.ANNULLED,
    (Status.LIFTED, Step.ANNUL): Status.ANNULLED,  # an appeal may be heard after the suspension has ended
}
EVENTS = {
    Step.LIFT: EventKind.LIFTED,
    Step.STAY: EventKind.STAYED,
    Step.END_STAY: EventKind.STAY_ENDED,
    Step.ANNUL: EventKind.ANNULLED,
}
_STEPS = {kind: step for step, kind in EVENTS.items()}


class Outcome(StrEnum):
    """What became of a certificate when its supplier was suspended."""

    SUSPENDED = "suspended"
    PASSED_OVER = "passed_over"


class SupplierUnknown(Invalid):
    """No supplier in the catalogue has this organisation number."""


class SuspensionOfOwnOrganisation(Forbidden):
    """Nobody decides on the suspension of their own organisation."""


class InterestedInSupplier(Forbidden):
    """The owner of a component that the supplier's products are offered for does not decide on its suspension."""


class SupplierSuspendedAlready(Conflict):
    """The supplier is suspended from the scheme already."""


class SupplierStepRefused(Conflict):
    """The suspension cannot take this step from its state."""


class StepBeforeSuspension(Invalid):
    """The step would take effect before the suspension itself."""


@dataclass(frozen=True)
class Event:
    kind: EventKind
    effective_on: date
    recorded_at: datetime


def ground(suspension: UUID) -> str:
    """What it is called among the grounds that a certificate is suspended on."""
    return f"supplier-suspension:{suspension}"


def status_on(events: Iterable[Event], on: date, known_at: datetime) -> Status | None:
    """A suspension's state on a day, as it was known at an instant; None when it had not been decided by then. What a
    later step has made meaningless is passed over: an annulled suspension stays annulled."""
    known = sorted(
        (event for event in events if event.recorded_at <= known_at),
        key=lambda event: (event.effective_on, event.recorded_at),
    )
    if not known:
        return None
    state = Status.NOT_YET_IN_FORCE
    for event in known:
        if event.effective_on <= on:
            state = _after(state, event.kind)
    return state


def decided(events: Iterable[Event]) -> Status:
    """What has been decided so far, whenever it takes effect: what the next step starts from."""
    state = Status.NOT_YET_IN_FORCE
    for event in sorted(events, key=lambda event: event.recorded_at):
        state = _after(state, event.kind)
    return state


def _after(state: Status, kind: EventKind) -> Status:
    if kind is EventKind.SUSPENDED:
        return Status.IN_FORCE if state is Status.NOT_YET_IN_FORCE else state
    return MOVES.get((state, _STEPS[kind]), state)


def check_suspension(
    *, known: bool, caller: str, supplier: frozenset[str], interested: frozenset[str], suspended: bool
) -> list[Problem]:
    """`supplier`: its organisation numbers, today's and of before mergers. `interested`: theirs and the owners'.
    `suspended`: whether another suspension of it has not ended."""
    if not known:
        return [SupplierUnknown(pointer="#/organisation_number")]
    found = check_decider(caller=caller, supplier=supplier, interested=interested)
    if suspended:
        found.append(SupplierSuspendedAlready(pointer="#/organisation_number"))
    return found


def check_decider(*, caller: str, supplier: frozenset[str], interested: frozenset[str]) -> list[Problem]:
    if caller in supplier:
        return [SuspensionOfOwnOrganisation()]
    return [InterestedInSupplier()] if caller in interested else []


def check_step(events: Iterable[Event], step: Step, effective_on: date) -> list[Problem]:
    known = list(events)
    found: list[Problem] = []
    state = decided(known)
    if (state, step) not in MOVES:
        found.append(SupplierStepRefused(f"Cannot {step} a suspension that is {state}.", state=state))
    begins_on = min(event.effective_on for event in known)
    if effective_on < begins_on:
        found.append(StepBeforeSuspension(f"It takes effect on {begins_on}.", pointer="#/effective_on"))
    return found
