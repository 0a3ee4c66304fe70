"""Who stands for an adoption on a day: mergers and splits followed, allocations kept, co-operations rolled up."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, Session, col, select

from services.catalog.co_operations import rules as co_operation_rules
from services.catalog.co_operations import store as co_operations
from services.catalog.db import Table
from services.catalog.holdings import rules
from services.catalog.holdings.rules import Holding, Tally
from services.catalog.organisations import store as organisations
from services.chassis.db import INSTANT, choice
from services.chassis.values import new_id


class Answer(StrEnum):
    CONFIRM = "confirm"
    DECLINE = "decline"


class Allocation(Table, table=True):
    """That a successor says which of them carry an adoption on. Only ever added; the newest that all agree on holds."""

    __tablename__ = "adoption_allocation"
    id: int = Field(default=None, primary_key=True)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    adoption_id: int = Field(foreign_key="adoption.id", index=True)
    organisation_ids: list[int] = Field(sa_type=ARRAY(sa.Integer))
    successor_ids: list[int] = Field(sa_type=ARRAY(sa.Integer))
    proposed_by_id: int = Field(foreign_key="organisation.id")
    recorded_at: datetime = Field(sa_type=INSTANT)


class AllocationAnswer(Table, table=True):
    """What one of the successors says to it, once."""

    __tablename__ = "adoption_allocation_answer"
    allocation_id: int = Field(primary_key=True, foreign_key="adoption_allocation.id")
    organisation_id: int = Field(primary_key=True, foreign_key="organisation.id")
    answer: Answer = Field(sa_type=choice(Answer))
    recorded_at: datetime = Field(sa_type=INSTANT)
    reason: str | None = Field(default=None, max_length=2000)


@dataclass(frozen=True)
class Asked:
    """An allocation with what has been answered to it."""

    allocation: Allocation
    answers: Mapping[int, Answer]

    @property
    def declined(self) -> bool:
        return Answer.DECLINE in self.answers.values()

    @property
    def agreed(self) -> bool:
        return not self.declined and set(self.allocation.successor_ids) <= set(self.answers)


def allocations(
    session: Session, adoption_ids: Collection[int], known_at: datetime | None = None
) -> dict[int, list[Asked]]:
    """Adoption → its allocations, oldest first, as they were known."""
    if not adoption_ids:
        return {}
    query = select(Allocation).where(col(Allocation.adoption_id).in_(adoption_ids)).order_by(col(Allocation.id))
    answered = select(AllocationAnswer)
    if known_at is not None:
        query = query.where(col(Allocation.recorded_at) <= known_at)
        answered = answered.where(col(AllocationAnswer.recorded_at) <= known_at)
    found = session.exec(query).all()
    if not found:
        return {}
    answers: dict[int, dict[int, Answer]] = defaultdict(dict)
    ids = [one.id for one in found]
    for answer in session.exec(answered.where(col(AllocationAnswer.allocation_id).in_(ids))):
        answers[answer.allocation_id][answer.organisation_id] = answer.answer
    by_adoption: dict[int, list[Asked]] = defaultdict(list)
    for one in found:
        by_adoption[one.adoption_id].append(Asked(one, answers[one.id]))
    return dict(by_adoption)


def propose(
    session: Session,
    adoption_id: int,
    organisation_ids: Collection[int],
    successor_ids: Collection[int],
    proposed_by_id: int,
    recorded_at: datetime,
    *,
    uuid: UUID | None = None,
) -> Allocation:
    """Keep an allocation; whoever proposes it has confirmed it by that."""
    added = Allocation(
        uuid=uuid or new_id(),
        adoption_id=adoption_id,
        organisation_ids=list(organisation_ids),
        successor_ids=sorted(successor_ids),
        proposed_by_id=proposed_by_id,
        recorded_at=recorded_at,
    )
    session.add(added)
    session.flush()
    reply(session, added.id, proposed_by_id, Answer.CONFIRM, recorded_at, None)
    return added


def reply(
    session: Session,
    allocation_id: int,
    organisation_id: int,
    answer: Answer,
    recorded_at: datetime,
    reason: str | None,
) -> None:
    session.add(
        AllocationAnswer(
            allocation_id=allocation_id,
            organisation_id=organisation_id,
            answer=answer,
            recorded_at=recorded_at,
            reason=reason,
        )
    )
    session.flush()


def holders(
    session: Session, registered: Mapping[int, int], on: date, known_at: datetime | None = None
) -> dict[int, Holding]:
    """Who stands for each adoption on a day. `registered`: adoption → the organisation that it was registered for. A
    few queries however many there are."""
    heirs = organisations.resolve(session, set(registered.values()), on)
    divided = [one for one, organisation in registered.items() if len(heirs[organisation]) > 1]
    agreed = {
        adoption: next((one.allocation.organisation_ids for one in reversed(asked) if one.agreed), None)
        for adoption, asked in allocations(session, divided, known_at).items()
    }
    named = {one for ids in agreed.values() for one in ids or ()}
    onward = organisations.resolve(session, named, on) if named else {}
    return {
        adoption: rules.holding(
            organisation,
            heirs[organisation],
            [heir for one in ids for heir in onward[one]] if (ids := agreed.get(adoption)) is not None else None,
        )
        for adoption, organisation in registered.items()
    }


def predecessors(session: Session, ids: Collection[int], on: date) -> set[int]:
    """Whose adoptions may be theirs on a day: their own, and those of everyone whose place they have taken."""
    before = set(organisations.steps_before(session, ids))
    wanted = set(ids)
    heirs = organisations.resolve(session, before, on) if before else {}
    return wanted | {one for one, found in heirs.items() if wanted & {heir for heir, _ in found}}


def members(session: Session, organisation_ids: Collection[int], on: date) -> dict[int, set[int]]:
    """Those of the organisations that are co-operations → their members that day (organisation ids)."""
    here = co_operations.CoOperation
    query = sa.select(col(here.organisation_id), col(here.id)).where(col(here.organisation_id).in_(organisation_ids))
    found = {row.organisation_id: row.id for row in session.execute(query)} if organisation_ids else {}
    if not found:
        return {}
    known = co_operations.members_of_all(session, set(found.values()), on)
    return {
        organisation: {one.organisation_id for one in known.get(id, ()) if one.status in co_operation_rules.MEMBERS}
        for organisation, id in found.items()
    }


def speaks_for(session: Session, acting: int, organisation_id: int, on: date) -> bool:
    """Whether `acting` is a member of a co-operation that has no organisation number, and so no token, of its own."""
    organisation = organisations.by_ids(session, [organisation_id]).get(organisation_id)
    if organisation is None or organisation.organisation_number:
        return False
    return acting in members(session, [organisation_id], on).get(organisation_id, set())


def tallies(session: Session, uses: Iterable[tuple[int, int, int]], on: date) -> dict[int, Tally]:
    """How many use each thing on a day. `uses`: (thing, adoption, the organisation that it was registered for)."""
    listed = list(uses)
    held = holders(session, {adoption: organisation for _, adoption, organisation in listed}, on)
    joined = members(session, {one for holding in held.values() for one in holding.organisations}, on)
    by_thing: dict[int, list[Holding]] = defaultdict(list)
    for thing, adoption, _ in listed:
        by_thing[thing].append(held[adoption])
    return {thing: rules.tally(found, joined) for thing, found in by_thing.items()}
