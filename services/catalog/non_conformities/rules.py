"""Where a non-conformity stands, what may be done about it, by whom, and when that is overdue."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.chassis.problems import Conflict, Forbidden, Invalid, Problem


class Severity(StrEnum):
    MINOR = "minor"
    MAJOR = "major"


class Source(StrEnum):
    SURVEILLANCE = "surveillance"
    TEST_REPORT = "test_report"
    COMPLAINT = "complaint"


class State(StrEnum):
    OPEN = "open"
    PLAN_REQUESTED = "plan_requested"
    PLAN_SUBMITTED = "plan_submitted"
    PLAN_RETURNED = "plan_returned"
    PLAN_APPROVED = "plan_approved"
    RESOLVED = "resolved"
    CLOSED = "closed"
    DISMISSED = "dismissed"


class Step(StrEnum):
    REQUEST_PLAN = "request-plan"
    SUBMIT_PLAN = "submit-plan"
    APPROVE_PLAN = "approve-plan"
    RETURN_PLAN = "return-plan"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    CLOSE = "close"
    DISMISS = "dismiss"
    ESCALATE = "escalate"


class EventKind(StrEnum):
    OPENED = "opened"
    PLAN_REQUESTED = "plan_requested"
    PLAN_SUBMITTED = "plan_submitted"
    PLAN_APPROVED = "plan_approved"
    PLAN_RETURNED = "plan_returned"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    CLOSED = "closed"
    DISMISSED = "dismissed"
    ESCALATED = "escalated"
    OVERDUE = "overdue"


ENDED = frozenset({State.CLOSED, State.DISMISSED})
HOLDERS_TURN = frozenset({State.PLAN_REQUESTED, State.PLAN_RETURNED, State.PLAN_APPROVED})
"""Where the holder has a day to keep. Elsewhere it waits for the certification body, and nothing of its is overdue."""
MOVES = {
    (State.OPEN, Step.REQUEST_PLAN): State.PLAN_REQUESTED,
    (State.OPEN, Step.SUBMIT_PLAN): State.PLAN_SUBMITTED,
    (State.PLAN_REQUESTED, Step.SUBMIT_PLAN): State.PLAN_SUBMITTED,
    (State.PLAN_RETURNED, Step.SUBMIT_PLAN): State.PLAN_SUBMITTED,
    (State.PLAN_SUBMITTED, Step.APPROVE_PLAN): State.PLAN_APPROVED,
    (State.PLAN_SUBMITTED, Step.RETURN_PLAN): State.PLAN_RETURNED,
    (State.PLAN_APPROVED, Step.RESOLVE): State.RESOLVED,
    (State.RESOLVED, Step.REOPEN): State.PLAN_APPROVED,
    (State.RESOLVED, Step.CLOSE): State.CLOSED,
    # What is escalated is still to be put right: only the certificate is suspended meanwhile.
    **{(state, Step.ESCALATE): state for state in HOLDERS_TURN},
    **{(state, Step.DISMISS): State.DISMISSED for state in State if state not in ENDED},
}
EVENTS = {
    Step.REQUEST_PLAN: EventKind.PLAN_REQUESTED,
    Step.SUBMIT_PLAN: EventKind.PLAN_SUBMITTED,
    Step.APPROVE_PLAN: EventKind.PLAN_APPROVED,
    Step.RETURN_PLAN: EventKind.PLAN_RETURNED,
    Step.RESOLVE: EventKind.RESOLVED,
    Step.REOPEN: EventKind.REOPENED,
    Step.CLOSE: EventKind.CLOSED,
    Step.DISMISS: EventKind.DISMISSED,
    Step.ESCALATE: EventKind.ESCALATED,
}
_STEPS = {kind: step for step, kind in EVENTS.items()}
HOLDERS = frozenset({Step.SUBMIT_PLAN, Step.RESOLVE})
"""The holder's own steps; all others are the certification body's."""
DECISIONS = frozenset({Step.CLOSE, Step.DISMISS, Step.ESCALATE})
"""What somebody else than whoever opened it decides."""


class NonConformityStepRefused(Conflict):
    """The non-conformity cannot take this step from where it stands."""


class NotOverdue(Conflict):
    """The holder still has time.

    Only one who lets a day pass that was set has the certificate suspended for it.
    """


class AlreadyEscalated(Conflict):
    """The certificate is suspended for it already."""


class NotTheHolder(Forbidden):
    """Only the holder of the certificate does this."""


class BodyInterested(Forbidden):
    """Your organisation has an interest in what is certified, and watches over it no more than it decides on it."""


class SameEyes(Forbidden):
    """Somebody else than whoever opened the non-conformity decides what comes of it."""


class DeterminedAhead(Invalid):
    """What is not yet determined cannot be recorded."""


class DayGoneBy(Invalid):
    """A day to keep lies ahead, or is today."""


class EndedOutside(Invalid):
    """The work ended between the day the non-conformity was determined and today."""


class ActionBeforeStart(Invalid):
    """An action cannot be done before the work starts."""


class SitesImpossible(Invalid):
    """No more sites can have passed than there are."""


class EvidenceFromAhead(Invalid):
    """Evidence is of today or before."""


@dataclass(frozen=True)
class Event:
    """`due_on`: the day that the holder was given with it. `starts_on`: of a plan, when the work starts."""

    kind: EventKind
    effective_on: date
    due_on: date | None = None
    starts_on: date | None = None


@dataclass(frozen=True)
class Standing:
    """Where it stands after all that has happened, with the dates of its corrective action."""

    state: State
    due_on: date | None
    escalated: bool
    plan_approved_on: date | None = None
    started_on: date | None = None
    must_complete_on: date | None = None
    ended_on: date | None = None
    closed_on: date | None = None


def standing(events: Iterable[Event]) -> Standing:
    """`events` in the order recorded, the first being that it was opened."""
    state, due_on, escalated = State.OPEN, None, False
    approved_on = plan_starts_on = started_on = complete_on = ended_on = closed_on = None
    for event in events:
        if event.kind not in _STEPS:
            continue
        state = MOVES[state, _STEPS[event.kind]]
        match event.kind:
            case EventKind.PLAN_SUBMITTED:
                plan_starts_on = event.starts_on
            case EventKind.PLAN_APPROVED:
                approved_on, started_on, complete_on = event.effective_on, plan_starts_on, event.due_on
            case EventKind.RESOLVED:
                ended_on = event.effective_on
            case EventKind.REOPENED:
                ended_on, complete_on = None, event.due_on
            case EventKind.ESCALATED:
                escalated = True
            case EventKind.CLOSED | EventKind.DISMISSED:
                closed_on = event.effective_on
        if event.kind is not EventKind.ESCALATED:
            due_on = event.due_on if state in HOLDERS_TURN else None
    return Standing(state, due_on, escalated, approved_on, started_on, complete_on, ended_on, closed_on)


def overdue(due_on: date | None, on: date) -> bool:
    """The day itself still counts."""
    return due_on is not None and due_on < on


def check_opening(*, interested: Collection[str], organisation: str, determined_on: date, today: date) -> list[Problem]:
    found: list[Problem] = [BodyInterested()] if organisation in interested else []
    if determined_on > today:
        found.append(DeterminedAhead(f"Today is {today}.", pointer="#/determined_on"))
    return found


@dataclass(frozen=True)
class Actor:
    """Who takes a step: organisation and client, whether it holds the certificate (or has come after whoever did),
    and whether it is interested in it."""

    client: str
    holder: bool
    interested: bool


def check_step(now: Standing, step: Step, today: date, actor: Actor, *, opened_by: str) -> list[Problem]:
    """`opened_by`: the client that opened it."""
    found: list[Problem] = []
    if step in HOLDERS:
        if not actor.holder:
            found.append(NotTheHolder())
    elif actor.interested:
        found.append(BodyInterested())
    if step in DECISIONS and actor.client == opened_by:
        found.append(SameEyes("Another client has to."))
    if (now.state, step) not in MOVES:
        return [*found, NonConformityStepRefused(f"Cannot {step} from {now.state}.", state=now.state)]
    if step is Step.ESCALATE:
        if now.escalated:
            found.append(AlreadyEscalated())
        elif not overdue(now.due_on, today):
            found.append(NotOverdue(f"Until {now.due_on}."))
    return found


def check_due(due_on: date, today: date, pointer: str = "#/due_on") -> list[Problem]:
    return [DayGoneBy(f"Today is {today}.", pointer=pointer)] if due_on < today else []


def check_plan(starts_on: date, actions_due_on: Sequence[date]) -> list[Problem]:
    return [
        ActionBeforeStart(f"The work starts on {starts_on}.", pointer=f"#/actions/{place}/due_on")
        for place, due_on in enumerate(actions_due_on)
        if due_on < starts_on
    ]


def check_end(ended_on: date, determined_on: date, today: date) -> list[Problem]:
    if determined_on <= ended_on <= today:
        return []
    return [EndedOutside(f"From {determined_on} to {today}.", pointer="#/ended_on")]


def check_sites(passed: int, total: int, pointer: str = "#/sites/passed") -> list[Problem]:
    return [SitesImpossible(f"There are {total}.", pointer=pointer)] if passed > total else []


def check_dated(days: Sequence[date], today: date) -> list[Problem]:
    return [
        EvidenceFromAhead(f"Today is {today}.", pointer=f"#/evidence/{place}/dated_on")
        for place, day in enumerate(days)
        if day > today
    ]
