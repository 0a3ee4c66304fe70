"""What a complaint may reject."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.chassis.problems import Conflict, Invalid, Problem


class Outcome(StrEnum):
    """What became of a complaint."""

    OPEN = "open"
    REDELIVERED = "redelivered"
    """The supplier delivers anew: what was rejected no longer counts as delivered."""
    SETTLED = "settled"


class NothingRejected(Invalid):
    """All that was ordered has been delivered, and the complaint rejects none of it."""


class RejectedTwice(Invalid):
    """The same item is rejected on two lines."""


class NotDelivered(Invalid):
    """This item has not been delivered under the call-off."""


class MoreThanDelivered(Conflict):
    """More is rejected than has been delivered."""


@dataclass(frozen=True)
class Rejected:
    item: str
    quantity: int
    """In the item's unit."""


def check(rejected: Sequence[Rejected], delivered: Mapping[str, int], *, missing: bool) -> list[Problem]:
    """Every reason why a complaint cannot stand. `delivered` is by item; without lines it is about what is missing."""
    found: list[Problem] = []
    if not rejected and not missing:
        found.append(NothingRejected("Say what is rejected, or accept.", pointer="#/lines"))
    seen: set[str] = set()
    for place, line in enumerate(rejected):
        where = f"#/lines/{place}"
        there = delivered.get(line.item, 0)
        if line.item in seen:
            found.append(RejectedTwice(f"{line.item} stands on an earlier line.", pointer=f"{where}/item"))
        elif not there:
            found.append(NotDelivered(f"No {line.item} has been delivered.", pointer=f"{where}/item"))
        elif line.quantity > there:
            told = f"{line.quantity} of {line.item} are rejected, and {there} have been delivered."
            found.append(MoreThanDelivered(told, pointer=f"{where}/quantity"))
        seen.add(line.item)
    return found
