"""What may depend on what, and who is hit when a version is no more."""

from collections import defaultdict, deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from services.catalog.releases.rules import allows, check_range
from services.chassis.problems import Conflict, Invalid, Problem

DEEPEST = 10
"""Steps that are followed at most."""
MOST = 500
"""Components that are told at most."""


class DependsOnItself(Invalid):
    """A component does not depend on itself."""


class DependencyUnknown(Invalid):
    """The component that it is to depend on is not in the catalogue."""


class DependencyCycle(Conflict):
    """It would depend on itself through others."""


@dataclass(frozen=True)
class Hit:
    """A component that depends directly on what is no more. `alternatives`: versions that its range allows besides."""

    component_id: int
    optional: bool
    versions: str | None
    alternatives: list[str]


def check(component: str, on: str, *, there: bool, versions: str | None) -> list[Problem]:
    found: list[Problem] = []
    if component == on:
        found.append(DependsOnItself(pointer="#/on"))
    elif not there:
        found.append(DependencyUnknown(f"There is no {on!r}.", pointer="#/on"))
    return found + check_range(versions)


def path(edges: Iterable[tuple[int, int]], start: int, goal: int) -> list[int]:
    """The shortest way from one component to another along what depends on what; empty when there is none."""
    following: dict[int, list[int]] = defaultdict(list)
    for one, other in edges:
        following[one].append(other)
    ways, waiting = {start: [start]}, deque([start])
    while waiting and goal not in ways:
        here = waiting.popleft()
        for there in following[here]:
            if there not in ways:
                ways[there] = [*ways[here], there]
                waiting.append(there)
    return ways.get(goal, [])


def hits(dependents: Iterable[tuple[int, bool, str | None]], version: str | None, others: Collection[str]) -> list[Hit]:
    """Of (component, optional, range): those that are hit when this version is no more, or all of it. `others` are the
    versions that there are besides."""
    return [
        Hit(one, optional, versions, [label for label in others if allows(versions, label)] if version else [])
        for one, optional, versions in dependents
        if version is None or allows(versions, version)
    ]
