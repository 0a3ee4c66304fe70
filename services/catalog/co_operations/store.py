"""Co-operations as they are kept: dated states with their members, and what successors have said since."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased
from sqlmodel import Field, Session, col, select

from services.catalog.co_operations import rules
from services.catalog.co_operations.rules import Answer, Answers, Membership, Status
from services.catalog.db import Table
from services.catalog.organisations import store as organisations
from services.catalog.organisations.store import Organisation
from services.catalog.search import store as search
from services.catalog.search.rules import Entry, Type, weight
from services.chassis.db import INSTANT, JSON, MONEY, choice
from services.chassis.problems import Conflict, NotFound, refuse
from services.chassis.values import new_id


class CoOperation(Table, table=True):
    """A co-operation by its name in addresses; the organisation itself stands among the others."""

    id: int = Field(default=None, primary_key=True)
    organisation_id: int = Field(foreign_key="organisation.id", unique=True)
    slug: str = Field(max_length=80, unique=True)
    revision: int = Field(default=1, sa_column_kwargs={"server_default": "1"})


class CoOperationState(Table, table=True):
    """What is recorded of a co-operation on one day. Only ever added."""

    __table_args__ = (sa.UniqueConstraint("co_operation_id", "as_of_on"),)
    id: int = Field(default=None, primary_key=True)
    co_operation_id: int = Field(foreign_key="cooperation.id")
    as_of_on: date
    as_of_in_source: str | None = Field(default=None, max_length=80)
    source: str = Field(max_length=500)
    source_id: str | None = Field(default=None, max_length=20)
    formal_name: str | None = Field(default=None, max_length=200)
    region: str | None = Field(default=None, max_length=80)
    form_in_source: str | None = Field(default=None, max_length=200)
    form: str | None = Field(default=None, max_length=200)
    units: list[dict[str, Any]] = Field(sa_type=JSON)
    host_id: int | None = Field(default=None, foreign_key="organisation.id")
    scope: str | None = Field(default=None, max_length=1000)
    supplier_in_source: str | None = Field(default=None, max_length=200)
    established_year: int | None = None
    established_in_source: str | None = Field(default=None, max_length=80)
    members_known: bool = True
    member_count_in_source: str | None = Field(default=None, max_length=80)
    population_members: int | None = None
    population_members_on: date | None = None
    fixed_per_municipality_nok: Decimal | None = Field(default=None, sa_type=MONEY)
    per_inhabitant_nok: Decimal | None = Field(default=None, sa_type=MONEY)
    external_contribution_nok: Decimal | None = Field(default=None, sa_type=MONEY)
    external_contributor: str | None = Field(default=None, max_length=200)
    other_financing: str | None = Field(default=None, max_length=500)
    project_financing: str | None = Field(default=None, max_length=500)
    corrections: list[dict[str, Any]] = Field(default=[], sa_type=JSON)


class Member(Table, table=True):
    """A member as it was recorded: the organisation of that day, with the name and numbers of the source."""

    id: int = Field(default=None, primary_key=True)
    state_id: int = Field(foreign_key="cooperationstate.id", index=True)
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    place: int
    name: str = Field(max_length=200)
    municipality_number: str | None = Field(default=None, max_length=4)
    organisation_number: str | None = Field(default=None, max_length=9)


class MembershipAnswer(Table, table=True):
    """What a successor said of a membership that it inherited. A trigger keeps it from ever being changed."""

    __table_args__ = (
        sa.Index("ix_membershipanswer_co_operation_id_organisation_id", "co_operation_id", "organisation_id"),
    )
    id: int = Field(default=None, primary_key=True)
    co_operation_id: int = Field(foreign_key="cooperation.id")
    organisation_id: int = Field(foreign_key="organisation.id")
    answer: Answer = Field(sa_type=choice(Answer))
    effective_on: date
    recorded_at: datetime = Field(sa_type=INSTANT)
    back_dated: bool
    reason: str | None = Field(default=None, max_length=2000)


class Allocation(Table, table=True):
    """A proposal of who carries on the membership of one that was split. Only ever added."""

    id: int = Field(default=None, primary_key=True)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    co_operation_id: int = Field(foreign_key="cooperation.id", index=True)
    predecessor_id: int = Field(foreign_key="organisation.id")
    parties: list[int] = Field(sa_type=ARRAY(sa.Integer))
    carried_on_by: list[int] = Field(sa_type=ARRAY(sa.Integer))
    effective_on: date
    proposed_by: str | None = Field(default=None, max_length=9)
    reason: str | None = Field(default=None, max_length=2000)
    recorded_at: datetime = Field(sa_type=INSTANT)


class AllocationAnswer(Table, table=True):
    """One party's answer to an allocation. A trigger keeps it from ever being changed."""

    allocation_id: int = Field(foreign_key="allocation.id", primary_key=True)
    organisation_id: int = Field(foreign_key="organisation.id", primary_key=True)
    answer: Answer = Field(sa_type=choice(Answer))
    recorded_at: datetime = Field(sa_type=INSTANT)


class CoOperationNotFound(NotFound):
    """No co-operation has this name."""


class NothingRecordedThen(NotFound):
    """Nothing is recorded of this co-operation on that day or before."""


class CoOperationTaken(Conflict):
    """Another co-operation has this name in addresses."""


def add(session: Session, organisation: Organisation, slug: str) -> CoOperation:
    organisations.add(session, organisation)
    kept = CoOperation(organisation_id=organisation.id, slug=slug)
    session.add(kept)
    try:
        session.flush()
    except IntegrityError:
        refuse([CoOperationTaken(f"{slug!r} is in use.", pointer="#/slug")])
    return kept


def add_state(session: Session, state: CoOperationState, members: Sequence[Member]) -> CoOperationState:
    """Keep a state with its members, in their order."""
    session.add(state)
    try:
        session.flush()
    except IntegrityError:
        refuse([rules.StateTaken(f"There is one of {state.as_of_on}.", pointer="#/as_of_on")])
    for place, member in enumerate(members):
        member.state_id, member.place = state.id, place
    session.add_all(members)
    session.flush()
    return state


def by_slug(session: Session, slug: str, *, locked: bool = False) -> CoOperation:
    query = select(CoOperation).where(col(CoOperation.slug) == slug)
    found = session.exec(query.with_for_update() if locked else query).one_or_none()
    if found is None:
        raise CoOperationNotFound(f"No co-operation is called {slug!r}.")
    return found


def ids_by_slug(session: Session, slugs: Collection[str]) -> dict[str, int]:
    """Those that exist of them."""
    query = sa.select(col(CoOperation.slug), col(CoOperation.id)).where(col(CoOperation.slug).in_(slugs))
    return {row.slug: row.id for row in session.execute(query)}


def id_of_organisation(session: Session, organisation_id: int) -> int | None:
    """The co-operation that an organisation is."""
    query = select(CoOperation.id).where(col(CoOperation.organisation_id) == organisation_id)
    return session.exec(query).one_or_none()


def state_days(session: Session) -> set[tuple[str, date]]:
    """Which states are known, by co-operation's slug and day."""
    query = sa.select(col(CoOperation.slug), col(CoOperationState.as_of_on)).join(
        CoOperation, col(CoOperationState.co_operation_id) == col(CoOperation.id)
    )
    return {(row.slug, row.as_of_on) for row in session.execute(query)}


def page(
    session: Session,
    after: list[Any] | None,
    limit: int,
    *,
    on: date,
    slugs: Sequence[str] = (),
    ids: Collection[int] | None = None,
) -> Sequence[tuple[CoOperation, Organisation, CoOperationState]]:
    """Those of which something is recorded on a day or before, each with its newest state then, by name as Norwegian
    sorts; limit + 1 rows."""
    state, earlier = CoOperationState, aliased(CoOperationState)
    newest = (
        sa.select(sa.func.max(col(earlier.as_of_on)))
        .where(col(earlier.co_operation_id) == col(CoOperation.id), col(earlier.as_of_on) <= on)
        .correlate(CoOperation)
        .scalar_subquery()
    )
    query = (
        select(CoOperation, Organisation, state)
        .join(Organisation, col(CoOperation.organisation_id) == col(Organisation.id))
        .join(state, (col(state.co_operation_id) == col(CoOperation.id)) & (col(state.as_of_on) == newest))
        .order_by(col(Organisation.sort_key), col(CoOperation.slug))
        .limit(limit + 1)
    )
    if slugs:
        query = query.where(col(CoOperation.slug).in_(slugs))
    if ids is not None:
        query = query.where(col(CoOperation.id).in_(ids))
    if after:
        query = query.where(sa.tuple_(col(Organisation.sort_key), col(CoOperation.slug)) > (after[0], after[1]))
    return session.exec(query).all()


def states(session: Session, co_operation_id: int) -> Sequence[CoOperationState]:
    """All of them, oldest first."""
    query = select(CoOperationState).where(col(CoOperationState.co_operation_id) == co_operation_id)
    return session.exec(query.order_by(col(CoOperationState.as_of_on))).all()


def state_on(session: Session, co_operation: CoOperation, on: date) -> CoOperationState:
    """The newest state of a day or before."""
    found = [state for state in states(session, co_operation.id) if state.as_of_on <= on]
    if not found:
        raise NothingRecordedThen(f"Nothing is recorded of {co_operation.slug} on {on}.")
    return found[-1]


def recorded_members(
    session: Session, co_operation_ids: Collection[int], on: date
) -> dict[int, tuple[CoOperationState, list[Member]]]:
    """Each co-operation → the newest state of a day or before whose members are known, with the members."""
    state = CoOperationState
    newest = (
        select(state)
        .where(col(state.co_operation_id).in_(co_operation_ids), col(state.as_of_on) <= on, col(state.members_known))
        .ext(distinct_on(col(state.co_operation_id)))
        .order_by(col(state.co_operation_id), col(state.as_of_on).desc())
    )
    found = {one.id: (one, list[Member]()) for one in session.exec(newest)}
    query = select(Member).where(col(Member.state_id).in_(found)).order_by(col(Member.state_id), col(Member.place))
    for member in session.exec(query) if found else ():
        found[member.state_id][1].append(member)
    return {one.co_operation_id: (one, members) for one, members in found.values()}


def members_on(session: Session, co_operation_id: int, on: date) -> list[Membership]:
    """Who is, or perhaps is, a member on a day, each organisation once."""
    return members_of_all(session, [co_operation_id], on)[co_operation_id]


def members_of_all(session: Session, co_operation_ids: Iterable[int], on: date) -> dict[int, list[Membership]]:
    """The same for several, in as many queries as for one."""
    ids = set(co_operation_ids)
    known = recorded_members(session, ids, on)
    said = answers(session, ids, {one: state.as_of_on for one, (state, _) in known.items()}, on)
    recorded = {member.organisation_id for _, members in known.values() for member in members}
    lives = organisations.lives_of(session, recorded)
    ended = [one for one, life in lives.items() if life.to_on is not None and life.to_on < on]
    steps = organisations.steps_after(session, ended)
    lives |= organisations.lives_of(
        session, {step.successor for some in steps.values() for step in some} - lives.keys()
    )
    return {
        one: rules.memberships([member.organisation_id for member in known[one][1]], steps, lives, said[one], on)
        if one in known
        else []
        for one in ids
    }


def answers(
    session: Session, co_operation_ids: Collection[int], since: dict[int, date], on: date
) -> dict[int, Answers]:
    """What successors have said after the state that they inherit from, as it stands on a day."""
    own: dict[int, dict[int, Answer]] = defaultdict(dict)
    query = select(MembershipAnswer).where(
        col(MembershipAnswer.co_operation_id).in_(co_operation_ids), col(MembershipAnswer.effective_on) <= on
    )
    for row in session.exec(query.order_by(col(MembershipAnswer.effective_on), col(MembershipAnswer.id))):
        if row.effective_on > since.get(row.co_operation_id, on):
            own[row.co_operation_id][row.organisation_id] = row.answer
    allocated: dict[int, dict[int, frozenset[int]]] = defaultdict(dict)
    for one in _in_force(session, co_operation_ids, on):
        if one.effective_on > since.get(one.co_operation_id, on):
            allocated[one.co_operation_id][one.predecessor_id] = frozenset(one.carried_on_by)
    return {one: Answers(own[one], allocated[one]) for one in co_operation_ids}


def _in_force(session: Session, co_operation_ids: Collection[int], on: date) -> Sequence[Allocation]:
    """The allocations that every party has confirmed."""
    confirmed = (
        sa.select(sa.func.count())
        .where(
            col(AllocationAnswer.allocation_id) == col(Allocation.id), col(AllocationAnswer.answer) == Answer.CONFIRM
        )
        .scalar_subquery()
    )
    query = select(Allocation).where(
        col(Allocation.co_operation_id).in_(co_operation_ids),
        col(Allocation.effective_on) <= on,
        sa.func.cardinality(col(Allocation.parties)) == confirmed,
    )
    return session.exec(query.order_by(col(Allocation.id))).all()


def index(session: Session, co_operation_id: int) -> None:
    """Let the search find it as it is now."""
    search.put(session, *_entries(session, [co_operation_id]))


def entries(session: Session) -> Iterator[Entry]:
    """All of them, for the search to begin anew."""
    yield from _entries(session, session.exec(select(CoOperation.id)).all())


def _entries(session: Session, ids: Sequence[int]) -> Iterator[Entry]:
    """Each by its newest state, with all formal names that it has had."""
    query = (
        select(CoOperation, Organisation, CoOperationState)
        .join(Organisation, col(CoOperation.organisation_id) == col(Organisation.id))
        .join(CoOperationState, col(CoOperationState.co_operation_id) == col(CoOperation.id))
        .where(col(CoOperation.id).in_(ids))
        .order_by(col(CoOperation.id), col(CoOperationState.as_of_on))
    )
    found: dict[int, tuple[CoOperation, Organisation, list[CoOperationState]]] = {}
    for one, organisation, state in session.exec(query):
        found.setdefault(one.id, (one, organisation, []))[2].append(state)
    members = recorded_members(session, ids, date.max)
    of_members = {member.organisation_id for _, some in members.values() for member in some}
    rows = organisations.by_ids(session, of_members)
    for one, organisation, states in found.values():
        some = [rows[member.organisation_id] for member in members[one.id][1]] if one.id in members else []
        counties = sorted({row.county_number for row in some if row.county_number and not row.existed_to_on})
        facets: dict[str, list[str]] = {"form": sorted({str(unit["form"]) for unit in states[-1].units})}
        yield Entry(
            type=Type.CO_OPERATION,
            ref=one.slug,
            path=f"/co-operations/{one.slug}",
            name={"nb": organisation.name},
            summary={"nb": states[-1].scope} if states[-1].scope else None,
            sort_key=organisation.sort_key,
            codes=[organisation.organisation_number] if organisation.organisation_number else [],
            words=[*{state.formal_name for state in states if state.formal_name}, *(row.name for row in some)],
            facets=facets | ({"county": counties} if counties else {}),
            weight=weight(complete=sum((bool(some), bool(states[-1].units), states[-1].scope is not None)) / 3),
        )


def allocation_exists(session: Session, uuid: UUID) -> bool:
    return session.exec(select(Allocation.id).where(col(Allocation.uuid) == uuid)).first() is not None


def co_operations_of(
    session: Session, organisation_ids: Collection[int], on: date
) -> dict[int, list[tuple[int, Status]]]:
    """Each organisation → the co-operations that it is, or perhaps is, a member of on a day."""
    found: dict[int, list[tuple[int, Status]]] = {one: [] for one in organisation_ids}
    if not found:
        return found
    before = organisations.steps_before(session, organisation_ids)
    origins = {*organisation_ids, *before}
    query = (
        sa.select(col(CoOperationState.co_operation_id))
        .join(Member, col(Member.state_id) == col(CoOperationState.id))
        .where(col(Member.organisation_id).in_(origins), col(CoOperationState.as_of_on) <= on)
        .distinct()
    )
    for co_operation_id, members in sorted(members_of_all(session, session.execute(query).scalars().all(), on).items()):
        for member in members:
            if member.organisation_id in found:
                found[member.organisation_id].append((co_operation_id, member.status))
    return found


def roll_up(
    session: Session,
    co_operation_ids: Collection[int],
    on: date,
    statuses: Collection[Status] = rules.MEMBERS,
) -> set[int]:
    """The members of several co-operations, each organisation once."""
    return {
        member.organisation_id
        for members in members_of_all(session, co_operation_ids, on).values()
        for member in members
        if member.status in statuses
    }
