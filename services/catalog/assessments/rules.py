"""Which step an assessment can take, who takes part in it, and what it must hold to be completed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from services.catalog.certificates.rules import Outcome
from services.chassis.problems import Conflict, Forbidden, Invalid, Problem


class Status(StrEnum):
    OPEN = "open"
    COMPLETED = "completed"
    RETURNED = "returned"
    """By whoever decides; an assessor takes it up again."""
    CANCELLED = "cancelled"
    """The application was withdrawn."""


class Step(StrEnum):
    COMPLETE = "complete"
    RETURN = "return"
    RESUME = "resume"
    CANCEL = "cancel"


class EventKind(StrEnum):
    BEGUN = "begun"
    JOINED = "joined"
    COMPLETED = "completed"
    RETURNED = "returned"
    RESUMED = "resumed"


class Recommendation(StrEnum):
    GRANT = "grant"
    GRANT_WITH_CONDITIONS = "grant_with_conditions"
    REFUSE = "refuse"


MOVES = {
    (Status.OPEN, Step.COMPLETE): Status.COMPLETED,
    (Status.COMPLETED, Step.RETURN): Status.RETURNED,
    (Status.RETURNED, Step.RESUME): Status.OPEN,
    (Status.OPEN, Step.CANCEL): Status.CANCELLED,
    (Status.COMPLETED, Step.CANCEL): Status.CANCELLED,
    (Status.RETURNED, Step.CANCEL): Status.CANCELLED,
}
_LEADS_TO = {
    EventKind.BEGUN: Status.OPEN,
    EventKind.COMPLETED: Status.COMPLETED,
    EventKind.RETURNED: Status.RETURNED,
    EventKind.RESUMED: Status.OPEN,
}
ASSESSING = frozenset({EventKind.BEGUN, EventKind.JOINED, EventKind.COMPLETED, EventKind.RESUMED})
"""Whoever does one of these is an assessor."""


class AssessmentStepRefused(Conflict):
    """The assessment cannot take this step from the state it is in."""


class AssessmentClosed(Conflict):
    """Nothing is written into an assessment that is not open."""


class AlreadyAssessor(Conflict):
    """You take part in this assessment already."""


class AssessorReturns(Forbidden):
    """Whoever assesses does not return the assessment; that is for whoever decides."""


class ResultMissing(Invalid):
    """A must requirement has no result."""


class RecommendationUnfounded(Invalid):
    """A must requirement is not met, or was tested too long ago, so it cannot be recommended to grant without
    conditions."""


@dataclass(frozen=True)
class Found:
    """What counts of a requirement. `lifetime_days` None: for ever."""

    outcome: Outcome
    tested_on: date | None
    lifetime_days: int | None


def status_after(events: Sequence[EventKind], *, withdrawn: bool) -> Status:
    """`withdrawn`: whether the application is."""
    status = Status.OPEN
    for event in events:
        status = _LEADS_TO.get(event, status)
    return MOVES[status, Step.CANCEL] if withdrawn else status


def after(status: Status, step: Step) -> Status:
    """The state after a step; refused where it cannot be taken."""
    if (status, step) not in MOVES:
        raise AssessmentStepRefused(f"Cannot {step} an assessment that is {status}.", state=status)
    return MOVES[status, step]


def verified_until(found: Found) -> date | None:
    """The last day on which a result counts as recent; None: for ever."""
    if found.tested_on is None or found.lifetime_days is None:
        return None
    return found.tested_on + timedelta(days=found.lifetime_days)


def recently_verified(found: Found, on: date) -> bool:
    """A test is old on the day after its lifetime has passed."""
    until = verified_until(found)
    return until is None or on <= until


def check_writing(status: Status) -> list[Problem]:
    return [] if status is Status.OPEN else [AssessmentClosed(f"It is {status}.", state=status)]


def check_joining(status: Status, person: tuple[str, str], assessors: Collection[tuple[str, str]]) -> list[Problem]:
    """`person`: organisation number and client."""
    found: list[Problem] = []
    if person in assessors:
        found.append(AlreadyAssessor())
    if status is Status.CANCELLED:
        found.append(AssessmentClosed(f"It is {status}.", state=status))
    return found


def check_return(person: tuple[str, str], assessors: Collection[tuple[str, str]]) -> list[Problem]:
    """Four eyes are two clients."""
    return [AssessorReturns()] if person[1] in {client for _, client in assessors} else []


def missing(musts: Sequence[str], results: Mapping[str, Found]) -> list[str]:
    """The must requirements without a result."""
    return [code for code in musts if code not in results]


def check_completion(
    musts: Sequence[str], results: Mapping[str, Found], recommendation: Recommendation, today: date
) -> list[Problem]:
    """Everything that keeps an assessment from being completed."""
    found: list[Problem] = [ResultMissing(f"{code} has none.", requirement=code) for code in missing(musts, results)]
    if recommendation is Recommendation.GRANT:
        found += [
            RecommendationUnfounded(f"{code} is {_words(results[code], today)}.", requirement=code)
            for code in musts
            if code in results and not _stands(results[code], today)
        ]
    return found


def _stands(found: Found, today: date) -> bool:
    return found.outcome is Outcome.NOT_RELEVANT or (found.outcome is Outcome.MET and recently_verified(found, today))


def _words(found: Found, today: date) -> str:
    return f"not tested since {found.tested_on}" if found.outcome is Outcome.MET else found.outcome.value
