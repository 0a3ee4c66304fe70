"""What may be allocated, by whom, and when it holds."""

from collections.abc import Collection

from services.chassis.problems import Conflict, Forbidden, Invalid, NotFound, Problem


class NothingToAllocate(Conflict):
    """The adoption's organisation has not been split, or one organisation stands for it alone."""


class NoSuccessor(Forbidden):
    """Only a successor of the organisation may do this."""


class AllocationPending(Conflict):
    """An allocation waits for an answer; answer that one first."""


class AllocatedToStranger(Invalid):
    """An adoption can be allocated to successors of its organisation only."""


class AnsweredAlready(Conflict):
    """This allocation has been answered."""


class AdoptionAllocationNotFound(NotFound):
    """The adoption has no such allocation."""


class DeclineUnexplained(Invalid):
    """Say why you decline."""


def check_proposal(
    *, successors: Collection[int], wanted: Collection[int], unknown: Collection[int], acting: int | None, pending: bool
) -> list[Problem]:
    """`unknown`: places in the list of those that are no organisation at all."""
    if len(successors) < 2:
        return [NothingToAllocate()]
    if acting not in successors:
        return [NoSuccessor()]
    found: list[Problem] = [
        AllocatedToStranger(pointer=f"#/organisations/{place}")
        for place, one in enumerate(wanted)
        if place in unknown or one not in successors
    ]
    if pending:
        found.append(AllocationPending())
    return found


def check_answer(
    *, successors: Collection[int], answered: Collection[int], declined: bool, acting: int | None, reason_missing: bool
) -> list[Problem]:
    if acting not in successors:
        return [NoSuccessor()]
    found: list[Problem] = []
    if declined or acting in answered:
        found.append(AnsweredAlready())
    if reason_missing:
        found.append(DeclineUnexplained(pointer="#/reason"))
    return found
