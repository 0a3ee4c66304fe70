"""When a requirement specification holds together, and the state of its versions on a day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from services.catalog.requirements import rules as requirements
from services.catalog.requirements.rules import Obligation as Obligation  # others ask for these two here
from services.catalog.requirements.rules import Requirement as Requirement
from services.catalog.schemes.rules import SubjectKind
from services.chassis.problems import Conflict, Forbidden, Invalid, Problem

DATA_EXCHANGE, FINISHED_SERVICE = 1, 2
STALE_AFTER_DAYS = 365
"""A record that nobody has confirmed for so long is stale."""


class Step(StrEnum):
    """What can be done with a version."""

    PUBLISH = "publish"
    WARN = "warn"
    END = "end"


class EventKind(StrEnum):
    PUBLISHED = "published"
    WARNED = "warned"
    ENDED = "ended"


class Status(StrEnum):
    """A version's state on a day; derived, never stored."""

    DRAFT = "draft"
    NOT_YET_EFFECTIVE = "not_yet_effective"
    EFFECTIVE = "effective"
    WARNED = "warned"
    ENDED = "ended"


EVENTS = {Step.PUBLISH: EventKind.PUBLISHED, Step.WARN: EventKind.WARNED, Step.END: EventKind.ENDED}
_STEPS = {kind: step for step, kind in EVENTS.items()}
MOVES = {
    (Status.DRAFT, Step.PUBLISH): Status.EFFECTIVE,
    (Status.EFFECTIVE, Step.WARN): Status.WARNED,
    (Status.EFFECTIVE, Step.END): Status.ENDED,
    (Status.WARNED, Step.END): Status.ENDED,
}
IN_FORCE = frozenset({Status.EFFECTIVE, Status.WARNED})
"""What one may be certified against; after a warning as well, until it has ended."""


class LevelMissing(Invalid):
    """A specification for products is of level 1 or 2."""


class LevelMisplaced(Invalid):
    """A specification for suppliers or advisers has no level, and presupposes none."""


class PresupposedMissing(Invalid):
    """A specification of level 2 names the level-1 specification that it presupposes."""


class PresupposedMisplaced(Invalid):
    """A specification of level 1 presupposes none."""


class PresupposedNotInForce(Invalid):
    """The presupposed specification is not of level 1 and in force."""


class VersionRepeated(Invalid):
    """A version stands twice."""


class SpecificationNotYours(Forbidden):
    """Only its owner changes a specification; a national one is the editors'."""


class OwnerNotPublic(Forbidden):
    """Only public bodies own requirement specifications."""


class VersionFrozen(Conflict):
    """A published version's requirements never change; make a new version."""


class VersionStepRefused(Conflict):
    """The version's state does not allow this step."""


class VersionEmpty(Conflict):
    """A version without requirements cannot be published."""


class PublicationBackDated(Invalid):
    """What takes effect before today needs a reason."""


@dataclass(frozen=True)
class Version:
    label: str
    effective_on: date | None
    """None: a draft."""
    requirements: tuple[Requirement, ...]


@dataclass(frozen=True)
class Presupposed:
    """The specification that is presupposed: its level, and the day its first version took effect."""

    level: int | None
    effective_on: date | None


@dataclass(frozen=True)
class Event:
    kind: EventKind
    effective_on: date
    recorded_at: datetime


@dataclass(frozen=True)
class Timeline:
    """What happened to a version, in the order in which it was recorded."""

    events: tuple[Event, ...] = ()

    def known_at(self, instant: datetime) -> "Timeline":
        return Timeline(tuple(one for one in self.events if one.recorded_at <= instant))

    def published(self) -> bool:
        return any(one.kind is EventKind.PUBLISHED for one in self.events)

    def first(self, kind: EventKind) -> date | None:
        """The day on which it takes effect; of several the one that was recorded last holds."""
        return next((one.effective_on for one in reversed(self.events) if one.kind is kind), None)

    def status(self, on: date) -> Status:
        """The version's state on a day. A step that a back-dated one has made meaningless is passed over."""
        standing = Status.NOT_YET_EFFECTIVE if self.published() else Status.DRAFT
        for event in sorted(self.events, key=lambda one: (one.effective_on, one.recorded_at)):
            if event.effective_on <= on:
                before = Status.DRAFT if standing is Status.NOT_YET_EFFECTIVE else standing
                standing = MOVES.get((before, _STEPS[event.kind]), standing)
        return standing

    def in_force(self, on: date) -> bool:
        return self.status(on) in IN_FORCE


# ---- Whole specifications


def check_owner(*, national: bool, owner: str | None, caller: str, editor: bool) -> list[Problem]:
    """`owner` and `caller` are organisation numbers."""
    if editor or (not national and owner == caller):
        return []
    return [SpecificationNotYours("It is national." if national else f"It is {owner}'s.")]


def check(
    level: int | None,
    versions: Sequence[Version],
    presupposed: Presupposed | None,
    certifies: SubjectKind = SubjectKind.PRODUCT,
) -> list[Problem]:
    return [*check_level(level, versions, presupposed, certifies), *_check_versions(versions)]


def check_level(
    level: int | None,
    versions: Iterable[Version],
    presupposed: Presupposed | None,
    certifies: SubjectKind = SubjectKind.PRODUCT,
) -> list[Problem]:
    if certifies is not SubjectKind.PRODUCT:
        misplaced = {"#/level": level is not None, "#/presupposes": presupposed is not None}
        return [LevelMisplaced(pointer=pointer) for pointer, given in misplaced.items() if given]
    if level is None:
        return [LevelMissing(pointer="#/level")]
    if level == DATA_EXCHANGE:
        return [PresupposedMisplaced(pointer="#/presupposes")] if presupposed else []
    if presupposed is None:
        return [PresupposedMissing(pointer="#/presupposes")]
    if presupposed.level != DATA_EXCHANGE:
        return [PresupposedNotInForce(f"It is of level {presupposed.level}.", pointer="#/presupposes")]
    first = min((version.effective_on for version in versions if version.effective_on), default=None)
    if first is None or (presupposed.effective_on and presupposed.effective_on <= first):
        return []
    when = f"takes effect on {presupposed.effective_on}, after this" if presupposed.effective_on else "is a draft"
    return [PresupposedNotInForce(f"It {when}.", pointer="#/presupposes")]


def _check_versions(versions: Sequence[Version]) -> list[Problem]:
    """An id is never used again for something else: a changed requirement gets a new one, an unchanged one keeps
    its own through the versions."""
    found: list[Problem] = []
    labels: set[str] = set()
    known: dict[str, Requirement] = {}
    for place, version in enumerate(versions):
        if version.label in labels:
            found.append(VersionRepeated(f"Version {version.label}.", pointer=f"#/versions/{place}/version"))
        labels.add(version.label)
        found += requirements.check_set(version.requirements, known, f"#/versions/{place}/requirements/{{}}".format)
        known = {one.id: one for one in version.requirements} | known
    return found


# ---- Steps


def check_step(
    timeline: Timeline, step: Step, effective_on: date, today: date, *, reason: str | None, requirements: int
) -> list[Problem]:
    """`effective_on` may lie ahead, or back (with a reason, and flagged)."""
    found: list[Problem] = []
    status = timeline.status(effective_on)
    if (status, step) not in MOVES or (step is Step.PUBLISH and timeline.published()):
        found.append(VersionStepRefused(f"Cannot {step} a version that is {status} on {effective_on}.", state=status))
    if step is Step.PUBLISH and not requirements:
        found.append(VersionEmpty())
    if effective_on < today and not reason:
        found.append(PublicationBackDated(f"{effective_on} has passed.", pointer="#/reason"))
    return found


def stale(confirmed_on: date | None, today: date) -> bool:
    return confirmed_on is None or (today - confirmed_on).days > STALE_AFTER_DAYS


_WORTH = (Status.EFFECTIVE, Status.WARNED, Status.NOT_YET_EFFECTIVE, Status.DRAFT, Status.ENDED)


def summed_up(timelines: Iterable[Timeline], on: date) -> Status:
    """A specification's state on a day: that of the version that one would use."""
    return min((one.status(on) for one in timelines), key=_WORTH.index, default=Status.DRAFT)


def next_turn(timelines: Iterable[Timeline], today: date) -> date | None:
    """The next day on which something takes effect."""
    return min(
        (event.effective_on for one in timelines for event in one.events if event.effective_on > today), default=None
    )
