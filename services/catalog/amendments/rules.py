"""What one set of requirements changes against another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.catalog.requirements.rules import CONTENT, Requirement


@dataclass(frozen=True)
class Change:
    """A requirement and the one that took its place; they differ in these fields."""

    before: Requirement
    after: Requirement
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Amendments:
    new: list[Requirement]
    changed: list[Change]
    dropped: list[Requirement]
    unchanged: int


def differing(one: Requirement, other: Requirement) -> tuple[str, ...]:
    return tuple(name for name in CONTENT if getattr(one, name) != getattr(other, name))


def lines(before: Sequence[Requirement], after: Sequence[Requirement], replaced: Mapping[str, str]) -> dict[str, str]:
    """Which requirement of `after` continues which of `before`, by ids: the one of the same id, or the first that
    replaces it, directly or through others. `replaced`: id → the id that it replaced. What is left is new or
    dropped."""
    ids = {one.id for one in before}
    found = {one.id: one.id for one in after if one.id in ids}
    taken = set(found)
    for one in after:
        seen, id = {one.id}, replaced.get(one.id)
        while one.id not in found and id is not None and id not in seen:
            if id in ids and id not in taken:
                found[one.id] = id
                taken.add(id)
            seen.add(id)
            id = replaced.get(id)
    return found


def compare(before: Sequence[Requirement], after: Sequence[Requirement], replaced: Mapping[str, str]) -> Amendments:
    continued = lines(before, after, replaced)
    were = {one.id: one for one in before}
    changed = [
        Change(were[continued[one.id]], one, fields)
        for one in after
        if one.id in continued and (fields := differing(were[continued[one.id]], one))
    ]
    kept = set(continued.values())
    return Amendments(
        [one for one in after if one.id not in continued],
        changed,
        [one for one in before if one.id not in kept],
        len(continued) - len(changed),
    )
