"""What a need may be, what can become of it, who counts as having it, and who may know that."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.chassis.problems import Conflict, Forbidden, Invalid, Problem


class Area(StrEnum):
    """What it is about."""

    HEALTH_AND_CARE = "health_and_care"
    EDUCATION = "education"
    PLANNING_AND_BUILDING = "planning_and_building"
    CITIZEN_SERVICES = "citizen_services"
    ARCHIVE_AND_CASES = "archive_and_cases"
    FINANCE_AND_STAFF = "finance_and_staff"
    INFRASTRUCTURE = "infrastructure"
    SECURITY_AND_PRIVACY = "security_and_privacy"
    STRATEGY = "strategy"
    PREPAREDNESS = "preparedness"
    OTHER = "other"


class Audience(StrEnum):
    """Who learns whose need it is. The need itself is open to all, or nobody could answer it."""

    PUBLIC = "public"
    PUBLIC_BODIES = "public_bodies"


class ProjectStatus(StrEnum):
    IDEA = "idea"
    PLANNED = "planned"
    STARTED = "started"
    CARRIED_OUT = "carried_out"


class State(StrEnum):
    """`unknown`: a report tells of it, and nobody has told what has become of it since."""

    OPEN = "open"
    IN_PROGRESS = "in_progress"
    MET = "met"
    WITHDRAWN = "withdrawn"
    UNKNOWN = "unknown"


class Step(StrEnum):
    START = "start"
    MEET = "meet"
    WITHDRAW = "withdraw"
    REOPEN = "reopen"


class EventKind(StrEnum):
    POSTED = "posted"
    REPORTED = "reported"
    STARTED = "started"
    MET = "met"
    WITHDRAWN = "withdrawn"
    REOPENED = "reopened"


MOVES = {
    (State.OPEN, Step.START): State.IN_PROGRESS,
    (State.OPEN, Step.MEET): State.MET,
    (State.OPEN, Step.WITHDRAW): State.WITHDRAWN,
    (State.IN_PROGRESS, Step.MEET): State.MET,
    (State.IN_PROGRESS, Step.WITHDRAW): State.WITHDRAWN,
    (State.MET, Step.REOPEN): State.OPEN,
    (State.WITHDRAWN, Step.REOPEN): State.OPEN,
    (State.UNKNOWN, Step.MEET): State.MET,
    (State.UNKNOWN, Step.WITHDRAW): State.WITHDRAWN,
    (State.UNKNOWN, Step.REOPEN): State.OPEN,
}
EVENTS = {
    Step.START: EventKind.STARTED,
    Step.MEET: EventKind.MET,
    Step.WITHDRAW: EventKind.WITHDRAWN,
    Step.REOPEN: EventKind.REOPENED,
}
STATES = {
    EventKind.POSTED: State.OPEN,
    EventKind.REPORTED: State.UNKNOWN,
    EventKind.STARTED: State.IN_PROGRESS,
    EventKind.MET: State.MET,
    EventKind.WITHDRAWN: State.WITHDRAWN,
    EventKind.REOPENED: State.OPEN,
}
LIVE = frozenset({State.OPEN, State.IN_PROGRESS})
"""States in which others can join."""


class PublicBodiesOnly(Forbidden):
    """This is for public bodies: municipalities, counties, co-operations and state agencies."""


class NotYourNeed(Forbidden):
    """Only whoever posted the need may change it."""


class NeedStepRefused(Conflict):
    """The need cannot take this step from its state."""


class OthersHaveJoined(Conflict):
    """Others joined while only public bodies could see them, so the need stays like that."""


class NothingAsked(Invalid):
    """A need names an area, a component or a requirement beyond its title."""


class LinkRepeated(Invalid):
    """A component or a requirement stands twice."""


class ProjectYearMissing(Invalid):
    """A project that is planned, started or carried out has a year."""


@dataclass(frozen=True)
class Need:
    """What is looked at when a need is posted or changed."""

    area: Area | None
    components: Sequence[str]
    requirements: Sequence[tuple[str, str]]
    """(specification, requirement)"""
    project_status: ProjectStatus | None
    project_year: int | None


def check(need: Need) -> list[Problem]:
    found: list[Problem] = []
    if need.area is None and not need.components and not need.requirements:
        found.append(NothingAsked(pointer="#/area"))
    for name, links in (("components", need.components), ("requirements", need.requirements)):
        found += [
            LinkRepeated(f"{one!r}.", pointer=f"#/{name}/{place}")
            for place, one in enumerate(links)
            if one in links[:place]
        ]
    if need.project_status not in (None, ProjectStatus.IDEA) and need.project_year is None:
        found.append(ProjectYearMissing(pointer="#/project/year"))
    return found


def check_step(state: State, step: Step) -> list[Problem]:
    if (state, step) in MOVES:
        return []
    return [NeedStepRefused(f"Cannot {step} a need that is {state}.", state=state)]


def check_audience(before: Audience, after: Audience, joined: int) -> list[Problem]:
    """Who joined in confidence is not shown to all later on."""
    if before is Audience.PUBLIC_BODIES and after is Audience.PUBLIC and joined:
        return [OthersHaveJoined(f"{joined} have joined.", pointer="#/audience")]
    return []


@dataclass(frozen=True)
class Having:
    """An organisation that has the need, its own or by joining. `members`: those it has joined for, without itself."""

    organisation: int
    members: frozenset[int] | None = None


def organisations_with(having: Iterable[Having]) -> set[int]:
    """Everybody who has the need, each once: a co-operation that joins for its members stands for them, not beside
    them; a member that has joined itself as well still counts once."""
    counted: set[int] = set()
    for one in having:
        counted |= {one.organisation} if not one.members else one.members
    return counted


def may_see_whose(audience: Audience, public_body: bool) -> bool:
    """Whether a viewer learns whose need it is."""
    return audience is Audience.PUBLIC or public_body
