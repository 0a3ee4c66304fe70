"""Who may answer for an inherited membership, and when an allocation is settled."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from enum import StrEnum

from services.catalog.co_operations.rules import MEMBERS, Answer, Status
from services.chassis.problems import Conflict, Forbidden, Invalid, Problem


class AllocationState(StrEnum):
    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    REPLACED = "replaced"


class MembershipNotYours(Forbidden):
    """An organisation answers for itself only."""


class NothingInherited(Conflict):
    """The organisation has inherited no membership that it could answer for on that day."""


class AlreadyMember(Conflict):
    """The organisation is recorded as a member itself."""


class AlreadyAnswered(Conflict):
    """The organisation has answered this already."""


class AllocationNeeded(Conflict):
    """After a split the successors must agree on who carries the membership on."""


class NotSplit(Conflict):
    """The organisation has not been split, or was no member."""


class CarrierNotSuccessor(Invalid):
    """Only those that the organisation was split into can carry its membership on."""


class AllocationSettled(Conflict):
    """The allocation is settled."""


class AllocationTooEarly(Invalid):
    """An allocation cannot hold before the split."""


def check_answer(answer: Answer, status_without: Status | None, last: Answer | None, *, own: bool) -> list[Problem]:
    """`status_without`: what the organisation is when its own answers are left out of account."""
    if not own:
        return [MembershipNotYours("Use a token of that organisation.")]
    if status_without is None:
        return [NothingInherited()]
    if status_without in MEMBERS:
        return [AlreadyMember()]
    if status_without is Status.AWAITING_ALLOCATION:
        return [AllocationNeeded("Propose an allocation; each successor confirms it.")]
    if last is answer:
        return [AlreadyAnswered()]
    return []


def check_allocation(
    successors: Mapping[int, date], carriers: Sequence[int | None], *, settled: bool, effective_on: date
) -> list[Problem]:
    """`successors`: those a member was split into, with their first day. A carrier None is an id that nobody has."""
    if not successors:
        return [NotSplit()]
    found: list[Problem] = [AllocationSettled()] if settled else []
    found += [
        CarrierNotSuccessor(pointer=f"#/carried_on_by/{place}")
        for place, one in enumerate(carriers)
        if one not in successors
    ]
    first = min(successors.values())
    if effective_on < first:
        found.append(AllocationTooEarly(f"It was split on {first}.", pointer="#/effective_on"))
    return found


def check_party(
    party: int, parties: Collection[int], answered: Mapping[int, Answer], state: AllocationState
) -> list[Problem]:
    if party not in parties:
        return [MembershipNotYours("Only those that the member was split into answer.")]
    if state is not AllocationState.PROPOSED:
        return [AllocationSettled(f"It is {state.value}.")]
    return [AlreadyAnswered()] if party in answered else []


def allocation_state(parties: Collection[int], answered: Mapping[int, Answer], *, newest: bool) -> AllocationState:
    """In force when every party has confirmed; a newer proposal replaces one that is not."""
    if Answer.DECLINE in answered.values():
        return AllocationState.REJECTED
    if set(parties) <= answered.keys():
        return AllocationState.CONFIRMED
    return AllocationState.PROPOSED if newest else AllocationState.REPLACED
