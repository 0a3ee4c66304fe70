"""What a requirement says, and that its id never comes to mean something else."""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from services.chassis.problems import Invalid, Problem


class Obligation(StrEnum):
    MUST = "must"
    SHOULD = "should"
    MAY = "may"


class Method(StrEnum):
    """How it is shown that a requirement is met."""

    DOCUMENTATION = "documentation"
    DEMONSTRATION = "demonstration"
    TEST = "test"
    INSPECTION = "inspection"
    SELF_DECLARATION = "self_declaration"


class RequirementRepeated(Invalid):
    """A requirement stands twice in one version."""


class ClauseUnknown(Invalid):
    """The register of standards has no such clause."""


class LeftWithoutReason(Invalid):
    """Leaving out a must requirement of the specification that is followed needs a reason."""


class RequirementIdReused(Invalid):
    """A requirement's id is used for another requirement."""


class ReplacedUnknown(Invalid):
    """The requirement that is replaced is not known in this specification."""


class ReplacedStillThere(Invalid):
    """A requirement cannot stand beside the one that replaces it."""


@dataclass(frozen=True)
class Requirement:
    """What is required. All but `id` and `replaces` is its content: when that changes, it is another requirement."""

    id: str
    obligation: Obligation
    text: dict[str, str]
    verification: dict[str, str] | None = None
    method: Method | None = None
    applies_to: dict[str, str] | None = None
    comment: dict[str, str] | None = None
    clause: tuple[str, str] | None = None
    """The standard's name in addresses, and the clause's id in it."""
    replaces: str | None = None

    def content(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in CONTENT}

    def fingerprint(self) -> str:
        """SHA-256 over the content, in hexadecimal: the same for the same words, whatever the id."""
        return hashlib.sha256(json.dumps(self.content(), sort_keys=True, ensure_ascii=False).encode()).hexdigest()


CONTENT = tuple(one.name for one in fields(Requirement) if one.name not in ("id", "replaces"))


def check_set(
    requirements: Sequence[Requirement],
    settled: Mapping[str, Requirement],
    pointer: Callable[[int], str],
    mentionable: Collection[str] | None = None,
) -> list[Problem]:
    """One version's requirements beside what their ids mean already. `settled`: the ids that have been published;
    `mentionable`: those that can be replaced, the settled ones if left out; `pointer`: where the one at a place
    stands."""
    found: list[Problem] = []
    mentionable = settled.keys() if mentionable is None else mentionable
    here = {one.id for one in requirements}
    seen: set[str] = set()
    for place, one in enumerate(requirements):
        at = pointer(place)
        if one.id in seen:
            found.append(RequirementRepeated(f"{one.id} stands twice.", pointer=f"{at}/id"))
        seen.add(one.id)
        before = settled.get(one.id)
        if before and before.content() != one.content():
            found.append(RequirementIdReused(f"{one.id} says something else before.", pointer=f"{at}/id"))
        if one.replaces is None:
            continue
        if before and before.replaces != one.replaces:
            found.append(RequirementIdReused(f"{one.id} replaced {before.replaces} before.", pointer=f"{at}/replaces"))
        elif one.replaces == one.id or one.replaces not in mentionable:
            found.append(ReplacedUnknown(f"{one.replaces} is not known here.", pointer=f"{at}/replaces"))
        elif one.replaces in here:
            found.append(ReplacedStillThere(f"{one.id} replaces {one.replaces}.", pointer=f"{at}/replaces"))
    return found


def check_clauses(
    requirements: Sequence[Requirement], known: Collection[tuple[str, str]], pointer: Callable[[int], str]
) -> list[Problem]:
    """`known`: the clauses that the register has; `pointer`: where the requirement at a place stands."""
    return [
        ClauseUnknown(f"{one.clause[0]} has no clause {one.clause[1]!r}.", pointer=f"{pointer(place)}/clause")
        for place, one in enumerate(requirements)
        if one.clause and one.clause not in known
    ]


def check_left(
    followed: Mapping[int, Requirement], kept: Collection[int], reasons: Collection[int], pointer: str
) -> list[Problem]:
    """`followed`: what the followed version requires, by internal key; `kept`: those that have their counterpart here;
    `reasons`: those that it is told of why they have none."""
    return [
        LeftWithoutReason(f"{one.id} is a must requirement of what this follows.", pointer=pointer)
        for key, one in followed.items()
        if one.obligation is Obligation.MUST and key not in kept and key not in reasons
    ]
