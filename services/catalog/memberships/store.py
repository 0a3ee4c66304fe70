"""Answers to inherited memberships and allocations as they are kept; their tables stand with the co-operations, which
read them to tell who is a member."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from services.catalog.co_operations import rules as co_operations_rules
from services.catalog.co_operations import store as co_operations
from services.catalog.co_operations.rules import Answer, Status
from services.catalog.co_operations.store import Allocation, AllocationAnswer, CoOperation, MembershipAnswer
from services.catalog.memberships import rules
from services.catalog.memberships.rules import AllocationState
from services.catalog.organisations import store as organisations
from services.catalog.organisations.rules import Relation
from services.chassis.problems import NotFound


class AllocationNotFound(NotFound):
    """The co-operation has no such allocation."""


@dataclass(frozen=True)
class Shown:
    """An allocation with what has been answered."""

    row: Allocation
    answered: dict[int, Answer]
    state: AllocationState


def standing(
    session: Session, co_operation: CoOperation, organisation_id: int, on: date
) -> tuple[Status | None, Answer | None]:
    """What an organisation is on a day when its own answers are left out of account, and the last of them."""
    known = co_operations.recorded_members(session, [co_operation.id], on).get(co_operation.id)
    if known is None:
        return None, None
    state, members = known
    said = co_operations.answers(session, [co_operation.id], {co_operation.id: state.as_of_on}, on)[co_operation.id]
    without = replace(said, own={one: answer for one, answer in said.own.items() if one != organisation_id})
    recorded = [member.organisation_id for member in members]
    steps = organisations.steps_after(session, recorded)
    everyone = {*recorded, *(step.successor for some in steps.values() for step in some)}
    found = co_operations_rules.memberships(recorded, steps, organisations.lives_of(session, everyone), without, on)
    status = next((one.status for one in found if one.organisation_id == organisation_id), None)
    return status, said.own.get(organisation_id)


def add_answer(session: Session, **fields: Any) -> None:
    session.add(MembershipAnswer(**fields))
    session.flush()


def split_into(session: Session, co_operation: CoOperation, predecessor_id: int, today: date) -> dict[int, date]:
    """Those that a member, or a successor of one, was split into, with their first day; nothing when it was not."""
    known = co_operations.recorded_members(session, [co_operation.id], today).get(co_operation.id)
    recorded = {member.organisation_id for member in known[1]} if known else set[int]()
    steps = organisations.steps_after(session, recorded)
    reached = recorded | {step.successor for some in steps.values() for step in some}
    if predecessor_id not in reached:
        return {}
    return {
        step.successor: step.effective_on
        for step in steps.get(predecessor_id, ())
        if step.kind is Relation.SPLIT and step.effective_on <= today
    }


def propose(session: Session, allocation: Allocation) -> Allocation:
    session.add(allocation)
    session.flush()
    return allocation


def allocations(session: Session, co_operation_id: int) -> list[Shown]:
    """Newest first. A proposal that is not settled when another comes for the same split is replaced by it."""
    rows = session.exec(
        select(Allocation).where(col(Allocation.co_operation_id) == co_operation_id).order_by(col(Allocation.id).desc())
    ).all()
    answered: dict[int, dict[int, Answer]] = {row.id: {} for row in rows}
    query = select(AllocationAnswer).where(col(AllocationAnswer.allocation_id).in_(answered))
    for one in session.exec(query) if rows else ():
        answered[one.allocation_id][one.organisation_id] = one.answer
    return _shown(rows, answered)


def _shown(rows: Sequence[Allocation], answered: dict[int, dict[int, Answer]]) -> list[Shown]:
    found, newer = [], set[int]()
    for row in rows:
        state = rules.allocation_state(row.parties, answered[row.id], newest=row.predecessor_id not in newer)
        found.append(Shown(row, answered[row.id], state))
        newer.add(row.predecessor_id)
    return found


def allocation(session: Session, co_operation_id: int, uuid: UUID) -> Shown:
    found = next((one for one in allocations(session, co_operation_id) if one.row.uuid == uuid), None)
    if found is None:
        raise AllocationNotFound(f"No allocation here has the id {uuid}.")
    return found


def settled(session: Session, co_operation_id: int, predecessor_id: int) -> bool:
    return any(
        one.state is AllocationState.CONFIRMED and one.row.predecessor_id == predecessor_id
        for one in allocations(session, co_operation_id)
    )


def answer_allocation(
    session: Session, allocation_id: int, organisation_id: int, answer: Answer, recorded_at: datetime
) -> None:
    session.add(
        AllocationAnswer(
            allocation_id=allocation_id, organisation_id=organisation_id, answer=answer, recorded_at=recorded_at
        )
    )
    session.flush()
