"""When a product version's dates hold together, and what may replace it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from services.chassis.problems import Invalid, Problem


class DatesOutOfOrder(Invalid):
    """A version is released, then its support ends, then its life."""


class ReplacementUnknown(Invalid):
    """The product has no such version."""


class ReplacesItself(Invalid):
    """A version cannot replace itself, nor what replaces it."""


@dataclass(frozen=True)
class Version:
    label: str
    released_on: date | None
    support_ends_on: date | None
    end_of_life_on: date | None
    replaced_by: str | None


def check(version: Version, replacements: Mapping[str, str | None]) -> list[Problem]:
    """`replacements`: each label that the product has → what replaces it."""
    dated = [
        (name, day)
        for name in ("released_on", "support_ends_on", "end_of_life_on")
        if (day := getattr(version, name)) is not None
    ]
    found: list[Problem] = [
        DatesOutOfOrder(f"{after} lies before {before}.", pointer=f"#/{after}")
        for (before, first), (after, second) in pairwise(dated)
        if second < first
    ]
    return found + _check_replacement(version, replacements)


def _check_replacement(version: Version, replacements: Mapping[str, str | None]) -> list[Problem]:
    pointer = "#/replaced_by"
    if version.replaced_by is None:
        return []
    if version.replaced_by != version.label and version.replaced_by not in replacements:
        return [ReplacementUnknown(f"There is no version {version.replaced_by!r}.", pointer=pointer)]
    step: str | None = version.replaced_by
    while step is not None:
        if step == version.label:
            return [ReplacesItself(pointer=pointer)]
        step = replacements.get(step)
    return []


def supported(support_ends_on: date | None, end_of_life_on: date | None, today: date) -> bool | None:
    """Whether it is supported on a day; None where no end is known. The last day counts."""
    last = support_ends_on or end_of_life_on
    return None if last is None else today <= last
