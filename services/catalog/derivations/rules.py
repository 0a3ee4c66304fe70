"""How what changed here and what changed there come together: a merge of three, requirement by requirement and field by
field. Nothing that either side changed is lost without a word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from services.catalog.amendments.rules import differing, lines
from services.catalog.requirements.rules import Requirement
from services.chassis.problems import Conflict as Conflicting
from services.chassis.problems import Invalid, Problem


class Take(StrEnum):
    """`ours`: what is said here. `theirs`: what is said there. `both`: theirs, and ours beside it as an addition."""

    OURS = "ours"
    THEIRS = "theirs"
    BOTH = "both"


class NotDerived(Conflicting):
    """The specification follows no other."""


class FollowConflict(Conflicting):
    """A requirement was changed here and there; say in `resolutions` which to take."""


class ResolutionUnknown(Invalid):
    """There is no conflict about this requirement."""


class ResolutionRepeated(Invalid):
    """A conflict is resolved once."""


class SourceUnknown(Invalid):
    """The specification that is followed has no such version."""


class SourceIsDraft(Invalid):
    """A draft cannot be followed; it may still change."""


class SourceIsOlder(Invalid):
    """The version to follow takes effect before the one that is followed now."""


@dataclass(frozen=True)
class Ours:
    """A requirement here, and the id of the one there that it stands for; None: an addition of one's own."""

    says: Requirement
    upstream: str | None = None


@dataclass(frozen=True)
class Conflict:
    """What was changed here and there alike. `requirement`: its id in the version that was followed so far."""

    requirement: str
    base: Requirement
    ours: Requirement | None
    """None: left out here."""
    theirs: Requirement | None
    """None: dropped there."""
    fields: tuple[str, ...]
    """What both changed, to different things; empty when one side has it no more."""


@dataclass
class Merge:
    """What comes of it; ids are those here."""

    requirements: list[Ours] = field(default_factory=list)
    followed: list[str] = field(default_factory=list)
    """Took over a change."""
    added: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    """Say something else than there, or are one's own."""
    left: dict[str, str] = field(default_factory=dict)
    """What stays left out: its id in the new version → its id in the one before."""
    conflicts: list[Conflict] = field(default_factory=list)
    """All of them, also those that a resolution settles."""


@dataclass(frozen=True)
class Deviations:
    """How a derived version differs from what it follows."""

    same: list[Ours]
    changed: list[tuple[Ours, Requirement, tuple[str, ...]]]
    added: list[Ours]
    left: list[Requirement]


def deviations(base: Sequence[Requirement], ours: Sequence[Ours]) -> Deviations:
    there = {one.id: one for one in base}
    linked = [(one, there[one.upstream]) for one in ours if one.upstream in there]
    stood_for = {one.upstream for one in ours}
    return Deviations(
        [one for one, other in linked if not differing(one.says, other)],
        [(one, other, fields) for one, other in linked if (fields := differing(other, one.says))],
        [one for one in ours if one.upstream not in there],
        [one for one in base if one.id not in stood_for],
    )


def merge(
    base: Sequence[Requirement],
    theirs: Sequence[Requirement],
    ours: Sequence[Ours],
    *,
    replaced: Mapping[str, str],
    settled: Mapping[str, Requirement],
    resolutions: Mapping[str, Take],
) -> Merge:
    """`base`: the version that was followed so far; `theirs`: the one to follow now; `replaced`: id → the id that it
    replaced there; `settled`: what ids mean here already, whether they are in `ours` or not."""
    continued = lines(base, theirs, replaced)
    next_of = {continued[one.id]: one for one in theirs if one.id in continued}
    result = Merge()
    names = _Names(settled, {one.says.id for one in ours})
    by_id = {one.id: one for one in base}
    additions = {one.id: one for one in theirs if one.id not in continued}
    for one in ours:
        before = by_id.get(one.upstream or "")
        if before is None:
            result.requirements.append(one)
            result.kept.append(one.says.id)
        else:
            _continue(result, one, before, next_of.get(before.id), resolutions.get(before.id), names)
    here = {one.upstream for one in ours}
    for before in base:
        after = next_of.get(before.id)
        if before.id in here or after is None:
            continue
        take: Take | None = Take.OURS
        if differing(before, after):
            result.conflicts.append(Conflict(before.id, before, None, after, ()))
            take = resolutions.get(before.id)
        if take in (Take.THEIRS, Take.BOTH):
            additions[after.id] = after
        else:
            result.left[after.id] = before.id
    for after in theirs:
        if after.id in additions:
            says = names.give(after, None)
            result.requirements.insert(_place(result.requirements, theirs, after), Ours(says, after.id))
            result.added.append(says.id)
    return result


def _continue(
    result: Merge, one: Ours, before: Requirement, after: Requirement | None, take: Take | None, names: "_Names"
) -> None:
    """What becomes of a requirement that stands for one there."""
    here = differing(before, one.says)
    if after is None:
        if not here:
            result.dropped.append(one.says.id)
            return
        result.conflicts.append(Conflict(before.id, before, one.says, None, ()))
        if take is Take.THEIRS:
            result.dropped.append(one.says.id)
        else:
            result.requirements.append(Ours(one.says))
            result.kept.append(one.says.id)
        return
    there = differing(before, after)
    clashing = tuple(name for name in here if name in there and getattr(one.says, name) != getattr(after, name))
    if clashing:
        result.conflicts.append(Conflict(before.id, before, one.says, after, clashing))
        if take is Take.BOTH:
            taken = names.give(after, None)
            result.requirements += [Ours(taken, after.id), Ours(one.says)]
            result.followed.append(taken.id)
            result.kept.append(one.says.id)
            return
    mine = {name for name in here if name not in clashing or take is not Take.THEIRS}
    says = names.give(replace(after, **{name: getattr(one.says, name) for name in mine}), one.says)
    result.requirements.append(Ours(says, after.id))
    if differing(one.says, says):
        result.followed.append(says.id)
    if differing(after, says):
        result.kept.append(says.id)


def _place(requirements: Sequence[Ours], theirs: Sequence[Requirement], one: Requirement) -> int:
    """After what stands before it there, as far as that is here."""
    order = [other.id for other in theirs]
    before = set(order[: order.index(one.id)])
    return max((place + 1 for place, other in enumerate(requirements) if other.upstream in before), default=0)


class _Names:
    """Ids here: a requirement that says something else than before gets the id that it has there, or, where that means
    something else here already, one made from it."""

    def __init__(self, settled: Mapping[str, Requirement], used: set[str]) -> None:
        self._settled, self._used = settled, used

    def give(self, says: Requirement, before: Requirement | None) -> Requirement:
        """`before`: the requirement here whose place it takes."""
        if before and not differing(before, says):
            return before
        id, number = says.id, 1
        while id in self._used or (id in self._settled and differing(self._settled[id], says)):
            number += 1
            id = f"{says.id[:36]}.{number}"
        self._used.add(id)
        known = self._settled.get(id)
        return replace(says, id=id, replaces=known.replaces if known else before.id if before else None)


def check_resolutions(merged: Merge, named: Sequence[str]) -> list[Problem]:
    """`named`: the requirements that the request resolves, in its order."""
    known = {one.requirement for one in merged.conflicts}
    found: list[Problem] = []
    for place, one in enumerate(named):
        pointer = f"#/resolutions/{place}/requirement"
        if one not in known:
            found.append(ResolutionUnknown(f"About {one} there is none.", pointer=pointer))
        elif one in named[:place]:
            found.append(ResolutionRepeated(f"{one} is resolved twice.", pointer=pointer))
    return found
