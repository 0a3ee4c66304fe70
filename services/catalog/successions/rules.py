"""Whether one organisation can take another's place on a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from services.catalog.periods.rules import Life, back_dating, day_before
from services.chassis.problems import Conflict, Invalid, Problem


class IntoItself(Invalid):
    """An organisation cannot be its own successor."""


class SuccessorRepeated(Invalid):
    """A successor is named twice."""


class AlreadyEnded(Conflict):
    """The organisation has ended already, or has a successor."""


class NotYetBegun(Conflict):
    """The organisation did not exist on the day before."""


class SuccessorNotExisting(Conflict):
    """The successor did not exist on that day."""


class SuccessorUnknown(Invalid):
    """No organisation has this id."""


class KindDiffers(Conflict):
    """A successor is of another kind."""


class SuccessionCircular(Conflict):
    """The successor has this organisation as its own successor."""


class EndsBeforeItsPredecessors(Conflict):
    """Another organisation became part of this one on that day or later."""


@dataclass(frozen=True)
class Party:
    """An organisation as a succession sees it."""

    id: int
    name: str
    kinds: frozenset[str]
    life: Life


def check(
    predecessor: Party,
    successors: Sequence[tuple[str, Party]],
    *,
    effective_on: date,
    succeeded: bool,
    joined_last_on: date | None,
    leads_to: frozenset[int],
    today: date,
    reason: str | None,
) -> list[Problem]:
    """`successors` with the pointer to each. `succeeded`: the predecessor has a successor. `joined_last_on`: the last
    day that another became part of it. `leads_to`: those whose successors, however far, include the predecessor."""
    found: list[Problem] = []
    last_day, life = day_before(effective_on), predecessor.life
    if succeeded or (life.to_on is not None and life.to_on != last_day):
        found.append(AlreadyEnded(f"{predecessor.name} ended on {life.to_on}."))
    if life.from_on is not None and life.from_on > last_day:
        found.append(NotYetBegun(f"{predecessor.name} exists from {life.from_on}.", pointer="#/effective_on"))
    if joined_last_on is not None and joined_last_on >= effective_on:
        found.append(EndsBeforeItsPredecessors(f"The last did on {joined_last_on}.", pointer="#/effective_on"))
    ids = [party.id for _, party in successors]
    for place, (pointer, one) in enumerate(successors):
        if one.id == predecessor.id:
            found.append(IntoItself(pointer=pointer))
            continue
        if one.id in ids[:place]:
            found.append(SuccessorRepeated(one.name, pointer=pointer))
        if one.id in leads_to:
            found.append(SuccessionCircular(f"{one.name} became part of {predecessor.name}.", pointer=pointer))
        if not one.life.includes(effective_on):
            found.append(SuccessorNotExisting(f"{one.name} did not exist on {effective_on}.", pointer=pointer))
        if not one.kinds & predecessor.kinds:
            found.append(KindDiffers(f"{one.name} is {', '.join(sorted(one.kinds))}.", pointer=pointer))
    return found + back_dating(effective_on, today, reason)
