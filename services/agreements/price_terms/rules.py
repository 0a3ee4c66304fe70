"""What may be announced of how prices change, and what a place may agree within it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from services.chassis.problems import Invalid, Problem


class ChangeBoundsInvalid(Invalid):
    """The bounds of a price's change must be on either side of 1, and within those that the lot has announced."""


class IndexClauseNotAnnounced(Invalid):
    """A place's prices follow the index that the lot has announced, by the same share, and no sooner."""


@dataclass(frozen=True)
class Bounds:
    """How far a price may come from the first price list's, as factors of that."""

    lowest: Decimal
    highest: Decimal


@dataclass(frozen=True)
class Clause:
    """How an index moves prices: `share_percent` of a price follows it, from its value in a month (`2026-01`)."""

    index: str
    base_month: str
    base_value: Decimal
    share_percent: Decimal
    earliest_on: date


DEFAULT = Bounds(Decimal("0.9000"), Decimal("1.1000"))
"""Where nothing else is announced."""


def check_bounds(bounds: Bounds, where: str, within: Bounds | None = None) -> list[Problem]:
    """`within`: what the lot has announced, when it is a place's bounds that are looked at."""
    if not bounds.lowest <= 1 <= bounds.highest:
        return [ChangeBoundsInvalid("1 is outside them.", pointer=f"{where}/lowest_factor")]
    if within is None:
        return []
    told = f"Announced: {within.lowest} to {within.highest}."
    found: list[Problem] = []
    if bounds.lowest < within.lowest:
        found.append(ChangeBoundsInvalid(told, pointer=f"{where}/lowest_factor"))
    if bounds.highest > within.highest:
        found.append(ChangeBoundsInvalid(told, pointer=f"{where}/highest_factor"))
    return found


def check_clause(given: Clause | None, announced: Clause | None, where: str) -> list[Problem]:
    """A place's own clause, which says from which month and value it counts; None: it has the lot's."""
    if given is None:
        return []
    if announced is None:
        return [IndexClauseNotAnnounced("The lot has announced none.", pointer=where)]
    found: list[Problem] = []
    if given.index != announced.index:
        found.append(IndexClauseNotAnnounced(f"It is {announced.index}.", pointer=f"{where}/index"))
    if given.share_percent != announced.share_percent:
        told = f"It is {announced.share_percent} %."
        found.append(IndexClauseNotAnnounced(told, pointer=f"{where}/share_percent"))
    if given.earliest_on < announced.earliest_on:
        told = f"Not before {announced.earliest_on}."
        found.append(IndexClauseNotAnnounced(told, pointer=f"{where}/earliest_on"))
    return found


def clause(kept: Mapping[str, str] | None) -> Clause | None:
    """As a lot or a place keeps it."""
    if kept is None:
        return None
    return Clause(
        kept["index"],
        kept["base_month"],
        Decimal(kept["base_value"]),
        Decimal(kept["share_percent"]),
        date.fromisoformat(kept["earliest_on"]),
    )
