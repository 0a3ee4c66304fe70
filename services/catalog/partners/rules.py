"""How much two needs have in common, and how near two organisations are to each other."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

SIMILAR = 2.0
"""Of similar size is whoever has at most so many times the inhabitants, and at least so small a share."""


class Closeness(StrEnum):
    """Nearest first."""

    SAME_NEED = "same_need"
    SAME_REQUIREMENTS = "same_requirements"
    OVERLAPPING = "overlapping"
    SAME_AREA = "same_area"


_ORDER = {closeness: place for place, closeness in enumerate(Closeness)}


@dataclass(frozen=True)
class Wish:
    """A need, by what it asks for: internal keys."""

    need: int
    components: frozenset[int]
    requirements: frozenset[int]
    area: str | None


@dataclass(frozen=True)
class Overlap:
    closeness: Closeness
    components: frozenset[int]
    requirements: frozenset[int]


def overlap(mine: Wish, theirs: Wish) -> Overlap | None:
    """None where they have nothing in common."""
    components = mine.components & theirs.components
    requirements = mine.requirements & theirs.requirements
    if mine.need == theirs.need:
        return Overlap(Closeness.SAME_NEED, components, requirements)
    if requirements and requirements == mine.requirements:
        return Overlap(Closeness.SAME_REQUIREMENTS, components, requirements)
    if components or requirements:
        return Overlap(Closeness.OVERLAPPING, components, requirements)
    if mine.area is not None and mine.area == theirs.area:
        return Overlap(Closeness.SAME_AREA, components, requirements)
    return None


@dataclass(frozen=True)
class Place:
    """Where an organisation stands: its county, its co-operations, its inhabitants."""

    county: str | None
    co_operations: Collection[int]
    population: int | None


@dataclass(frozen=True)
class Nearness:
    same_county: bool
    co_operations: frozenset[int]
    """In common, by internal key."""
    similar_size: bool | None
    """None where either's inhabitants are not known."""


def nearness(mine: Place, theirs: Place) -> Nearness:
    similar = None
    if mine.population and theirs.population:
        ratio = theirs.population / mine.population
        similar = 1 / SIMILAR <= ratio <= SIMILAR
    return Nearness(
        mine.county is not None and mine.county == theirs.county,
        frozenset(mine.co_operations) & frozenset(theirs.co_operations),
        similar,
    )


def order(found: Overlap, near: Nearness, name: str) -> tuple[object, ...]:
    """Sorts partners: the nearest need first, then the nearest neighbour, then by name."""
    return (
        _ORDER[found.closeness],
        -len(found.requirements),
        -len(found.components),
        -len(near.co_operations),
        not near.same_county,
        not near.similar_size,
        name,
    )
