"""Organisations and co-operations as they are kept."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from services.catalog.db import Table
from services.catalog.organisations.rules import Kind, NumberPeriod, Relation
from services.chassis.db import JSON, choice
from services.chassis.problems import Conflict, Forbidden, NotFound
from services.chassis.values import new_id, sort_key


class Organisation(Table, table=True):
    id: int = Field(default=None, primary_key=True)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    kinds: list[str] = Field(sa_type=ARRAY(sa.String(40)))
    name: str = Field(max_length=200)
    official_name: str | None = Field(default=None, max_length=200)
    sort_key: str = Field(sa_type=sa.String(600, collation="C"), index=True)
    organisation_number: str | None = Field(default=None, max_length=9, unique=True)
    county_number: str | None = Field(default=None, max_length=2, index=True)
    population: int | None = None
    population_on: date | None = None
    fictional: bool = False


class MunicipalityNumber(Table, table=True):
    """A municipality's number, with the days on which it holds."""

    __table_args__ = (sa.UniqueConstraint("number", "valid_from_on"),)
    id: int = Field(default=None, primary_key=True)
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    number: str = Field(max_length=4)
    valid_from_on: date
    valid_to_on: date | None = None


class CoOperation(Table, table=True):
    """What is recorded of a co-operation on one day; the organisation itself stands among the others."""

    id: int = Field(default=None, primary_key=True)
    organisation_id: int = Field(foreign_key="organisation.id", unique=True)
    slug: str = Field(max_length=80, unique=True)
    source_id: str = Field(max_length=20, unique=True)
    formal_name: str | None = Field(default=None, max_length=200)
    region: str = Field(max_length=80)
    as_of_on: date
    form_in_source: str = Field(max_length=200)
    form: str = Field(max_length=200)
    units: list[dict[str, Any]] = Field(sa_type=JSON)
    established_year: int | None = None
    established_in_source: str | None = Field(default=None, max_length=80)
    population_members: int | None = None
    population_members_on: date | None = None
    corrections: list[dict[str, Any]] = Field(sa_type=JSON)


class Member(Table, table=True):
    """A member as it was recorded; it may have ceased to exist."""

    id: int = Field(default=None, primary_key=True)
    co_operation_id: int = Field(foreign_key="cooperation.id", index=True)
    place: int
    name: str = Field(max_length=200)
    kind: Kind = Field(sa_type=choice(Kind))
    municipality_number: str | None = Field(default=None, max_length=4)
    organisation_number: str | None = Field(default=None, max_length=9)


class MemberToday(Table, table=True):
    """An organisation of today that a member of then is, or that has perhaps inherited from it."""

    member_id: int = Field(foreign_key="member.id", primary_key=True)
    organisation_id: int = Field(foreign_key="organisation.id", primary_key=True)
    relation: Relation = Field(sa_type=choice(Relation))


class OrganisationNotFound(NotFound):
    """No organisation has this id."""


class CoOperationNotFound(NotFound):
    """No co-operation has this name."""


class OrganisationNumberTaken(Conflict):
    """Another organisation already has this number."""


class NotRegistered(Forbidden):
    """Your organisation is not in the catalogue.

    An editor registers it first (`POST /organisations`).
    """


def new(name: str, kinds: Iterable[Kind], **rest: Any) -> Organisation:
    return Organisation(name=name, kinds=[kind.value for kind in kinds], sort_key=sort_key(name), **rest)


def add(session: Session, organisation: Organisation, numbers: Sequence[NumberPeriod] = ()) -> Organisation:
    """Keep an organisation with its municipality numbers; a number that is taken is refused."""
    session.add(organisation)
    try:
        session.flush()
        session.add_all(
            MunicipalityNumber(
                organisation_id=organisation.id,
                number=one.number,
                valid_from_on=one.valid_from_on,
                valid_to_on=one.valid_to_on,
            )
            for one in numbers
        )
        session.flush()
    except IntegrityError:
        raise OrganisationNumberTaken("The organisation number or a municipality number is in use.") from None
    return organisation


def add_co_operation(
    session: Session,
    organisation: Organisation,
    co_operation: CoOperation,
    members: Sequence[tuple[Member, Sequence[tuple[int, Relation]]]],
) -> None:
    """Keep a co-operation with its members, each with (organisation of today, relation)."""
    session.add(organisation)
    session.flush()
    co_operation.organisation_id = organisation.id
    session.add(co_operation)
    session.flush()
    for member, _ in members:
        member.co_operation_id = co_operation.id
    session.add_all(member for member, _ in members)
    session.flush()
    session.add_all(
        MemberToday(member_id=member.id, organisation_id=organisation_id, relation=relation)
        for member, today in members
        for organisation_id, relation in today
    )
    session.flush()


def by_uuid(session: Session, uuid: UUID) -> Organisation:
    found = session.exec(select(Organisation).where(col(Organisation.uuid) == uuid)).one_or_none()
    if found is None:
        raise OrganisationNotFound(f"No organisation has the id {uuid}.")
    return found


def of_caller(session: Session, number: str) -> Organisation:
    """The organisation that acts; it must be registered before it can own anything."""
    found = session.exec(select(Organisation).where(col(Organisation.organisation_number) == number)).one_or_none()
    if found is None:
        raise NotRegistered(f"{number} is not registered.")
    return found


def ids_by_number(session: Session) -> dict[str, int]:
    """Every organisation number that is known → internal key."""
    rows = session.execute(
        sa.select(col(Organisation.organisation_number), col(Organisation.id)).where(
            col(Organisation.organisation_number).is_not(None)
        )
    )
    return {row.organisation_number: row.id for row in rows}


def names_by_id(session: Session) -> dict[int, str]:
    return {row.id: row.name for row in session.execute(sa.select(col(Organisation.id), col(Organisation.name)))}


def co_operation_sources(session: Session) -> set[str]:
    """The source ids of the co-operations that are known."""
    return set(session.exec(select(CoOperation.source_id)))


def page(
    session: Session,
    after: list[Any] | None,
    limit: int,
    *,
    kind: Kind | None = None,
    organisation_number: str | None = None,
    municipality_number: str | None = None,
    county_number: str | None = None,
    q: str | None = None,
) -> Sequence[Organisation]:
    """By name, as Norwegian sorts; limit + 1 rows."""
    query = select(Organisation).order_by(col(Organisation.sort_key), col(Organisation.uuid)).limit(limit + 1)
    if kind:
        query = query.where(col(Organisation.kinds).contains([kind.value]))
    if organisation_number:
        query = query.where(col(Organisation.organisation_number) == organisation_number)
    if municipality_number:
        holders = select(MunicipalityNumber.organisation_id).where(
            col(MunicipalityNumber.number) == municipality_number
        )
        query = query.where(col(Organisation.id).in_(holders))
    if county_number:
        query = query.where(col(Organisation.county_number) == county_number)
    if q:
        query = query.where(
            col(Organisation.sort_key).contains(sort_key(q), autoescape=True)
            | sa.func.lower(col(Organisation.official_name)).contains(q.lower(), autoescape=True)
        )
    if after:
        query = query.where(sa.tuple_(col(Organisation.sort_key), col(Organisation.uuid)) > (after[0], UUID(after[1])))
    return session.exec(query).all()


def municipality_numbers(session: Session, ids: Sequence[int]) -> dict[int, list[MunicipalityNumber]]:
    """Each organisation's municipality numbers, oldest first."""
    query = select(MunicipalityNumber).where(col(MunicipalityNumber.organisation_id).in_(ids))
    found: dict[int, list[MunicipalityNumber]] = defaultdict(list)
    for one in session.exec(query.order_by(col(MunicipalityNumber.valid_from_on))):
        found[one.organisation_id].append(one)
    return found


def co_operations(session: Session, after: list[Any] | None, limit: int) -> Sequence[tuple[CoOperation, Organisation]]:
    """By name, as Norwegian sorts; limit + 1 rows."""
    query = (
        select(CoOperation, Organisation)
        .join(Organisation, col(CoOperation.organisation_id) == col(Organisation.id))
        .order_by(col(Organisation.sort_key), col(CoOperation.slug))
        .limit(limit + 1)
    )
    if after:
        query = query.where(sa.tuple_(col(Organisation.sort_key), col(CoOperation.slug)) > (after[0], after[1]))
    return session.exec(query).all()


def co_operation(session: Session, slug: str) -> tuple[CoOperation, Organisation]:
    query = (
        select(CoOperation, Organisation)
        .join(Organisation, col(CoOperation.organisation_id) == col(Organisation.id))
        .where(col(CoOperation.slug) == slug)
    )
    found = session.exec(query).one_or_none()
    if found is None:
        raise CoOperationNotFound(f"No co-operation is called {slug!r}.")
    return found


def members(session: Session, co_operation_id: int) -> list[tuple[Member, list[tuple[Organisation, Relation]]]]:
    """The members as recorded, each with the organisations of today."""
    found = session.exec(
        select(Member).where(col(Member.co_operation_id) == co_operation_id).order_by(col(Member.place))
    ).all()
    query = (
        select(MemberToday.member_id, Organisation, MemberToday.relation)
        .join(Organisation, col(MemberToday.organisation_id) == col(Organisation.id))
        .where(col(MemberToday.member_id).in_([member.id for member in found]))
        .order_by(col(Organisation.sort_key))
    )
    today: dict[int, list[tuple[Organisation, Relation]]] = defaultdict(list)
    for member_id, organisation, relation in session.exec(query):
        today[member_id].append((organisation, Relation(relation)))
    return [(member, today[member.id]) for member in found]


def member_counts(session: Session, ids: Sequence[int]) -> dict[int, int]:
    query = (
        sa.select(col(Member.co_operation_id), sa.func.count().label("members"))
        .where(col(Member.co_operation_id).in_(ids))
        .group_by(col(Member.co_operation_id))
    )
    return {row.co_operation_id: row.members for row in session.execute(query)}
