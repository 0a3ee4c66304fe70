"""When a requirement specification holds together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.chassis.problems import Invalid, Problem

DATA_EXCHANGE, FINISHED_SERVICE = 1, 2


class Obligation(StrEnum):
    MUST = "must"
    SHOULD = "should"
    MAY = "may"


class PresupposedMissing(Invalid):
    """A specification of level 2 names the level-1 specification that it presupposes."""


class PresupposedMisplaced(Invalid):
    """A specification of level 1 presupposes none."""


class PresupposedNotInForce(Invalid):
    """The presupposed specification is not of level 1 and in force."""


class VersionRepeated(Invalid):
    """A version stands twice."""


class RequirementRepeated(Invalid):
    """A requirement stands twice in one version."""


class RequirementIdReused(Invalid):
    """A requirement's id is used for another requirement."""


@dataclass(frozen=True)
class Requirement:
    id: str
    obligation: Obligation
    text: dict[str, str]
    verification: dict[str, str]


@dataclass(frozen=True)
class Version:
    label: str
    effective_on: date
    requirements: tuple[Requirement, ...]


@dataclass(frozen=True)
class Presupposed:
    """The specification that is presupposed: its level, and the day its first version took effect."""

    level: int
    effective_on: date


def check(level: int, versions: Sequence[Version], presupposed: Presupposed | None) -> list[Problem]:
    return [*_check_level(level, versions, presupposed), *_check_versions(versions)]


def _check_level(level: int, versions: Sequence[Version], presupposed: Presupposed | None) -> list[Problem]:
    if level == DATA_EXCHANGE:
        return [PresupposedMisplaced(pointer="#/presupposes")] if presupposed else []
    if presupposed is None:
        return [PresupposedMissing(pointer="#/presupposes")]
    first = min(version.effective_on for version in versions)
    if presupposed.level != DATA_EXCHANGE:
        return [PresupposedNotInForce(f"It is of level {presupposed.level}.", pointer="#/presupposes")]
    if presupposed.effective_on > first:
        return [
            PresupposedNotInForce(
                f"It takes effect on {presupposed.effective_on}, after this.", pointer="#/presupposes"
            )
        ]
    return []


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
        here: set[str] = set()
        for row, requirement in enumerate(version.requirements):
            pointer = f"#/versions/{place}/requirements/{row}/id"
            if requirement.id in here:
                found.append(RequirementRepeated(f"{requirement.id} in version {version.label}.", pointer=pointer))
            elif known.setdefault(requirement.id, requirement) != requirement:
                found.append(RequirementIdReused(f"{requirement.id} says something else before.", pointer=pointer))
            here.add(requirement.id)
    return found
