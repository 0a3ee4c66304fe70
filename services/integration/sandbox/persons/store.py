"""Test persons, and the organisations that they may act for."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert
from sqlmodel import Field, Session, col

from services.chassis.db import JSON
from services.integration.sandbox.db import Table
from services.integration.sandbox.persons.rules import Person, Represented

EMPLOYED = ""
"""In place of a resource: the employer itself says what its people may (`ansattporten:orgno`)."""


class PersonRow(Table, table=True):
    __tablename__ = "login_person"

    id: int | None = Field(default=None, primary_key=True)
    personal_number: str = Field(max_length=11, unique=True)
    name: str | None = Field(default=None, max_length=200)
    email: str | None = Field(default=None, max_length=200, description="By which the employer's Entra ID knows them")
    groups: list[str] = Field(default_factory=list, sa_type=JSON, description="Ids of their groups there")


class Representation(Table, table=True):
    __tablename__ = "login_representation"

    person: int = Field(primary_key=True, foreign_key="login_person.id")
    resource: str = Field(primary_key=True, max_length=200, description="Id in Altinn; empty for employment")
    organisation: str = Field(primary_key=True, max_length=9)
    name: str = Field(max_length=200)
    unit_type: str = Field(max_length=10)
    rights: list[str] = Field(sa_type=JSON)


_READ = sa.select(
    *(col(PersonRow.id), col(PersonRow.personal_number), col(PersonRow.name), col(PersonRow.email)),
    col(PersonRow.groups),
).select_from(PersonRow)


def everybody(session: Session) -> list[Person]:
    """Those with a name, for the page where one chooses."""
    asked = _READ.where(col(PersonRow.name).is_not(None)).order_by(col(PersonRow.id))
    return [Person(*row) for row in session.execute(asked)]


def employers(session: Session) -> dict[int, str]:
    """For that page: by person the names of the organisations where she works."""
    name = col(Representation.name)
    together = aggregate_order_by(sa.literal(", "), name)
    asked = (
        sa.select(col(Representation.person), sa.func.string_agg(name, together).label("names"))
        .where(col(Representation.resource) == EMPLOYED)
        .group_by(col(Representation.person))
    )
    return {row.person: row.names for row in session.execute(asked)}


def by_id(session: Session, id: int) -> Person | None:
    row = session.execute(_READ.where(col(PersonRow.id) == id)).one_or_none()
    return None if row is None else Person(*row)


def met(session: Session, number: str) -> Person:
    """The person with a synthetic number; whoever was never seen before is written down without a name."""
    session.execute(insert(PersonRow).values(personal_number=number, groups=[]).on_conflict_do_nothing())
    return Person(*session.execute(_READ.where(col(PersonRow.personal_number) == number)).one())


def name(session: Session, number: str, called: str, email: str | None, groups: Sequence[str] = ()) -> Person:
    """Give a person, known or not, a name, an address, and groups."""
    made = insert(PersonRow).values(personal_number=number, name=called, email=email, groups=list(groups))
    told = {column: made.excluded[column] for column in ("name", "email", "groups")}
    session.execute(made.on_conflict_do_update(index_elements=["personal_number"], set_=told))
    return met(session, number)


def represents(session: Session, person: int, resource: str, one: Represented) -> None:
    """Again changes what is told, and adds nothing."""
    made = insert(Representation).values(
        person=person,
        resource=resource,
        organisation=one.organisation,
        name=one.name,
        unit_type=one.unit_type,
        rights=list(one.rights),
    )
    told = {column: made.excluded[column] for column in ("name", "unit_type", "rights")}
    session.execute(made.on_conflict_do_update(index_elements=["person", "resource", "organisation"], set_=told))


def represented(session: Session, person: int, resource: str, needed: Iterable[str] = ()) -> list[Represented]:
    """The organisations that a person may act for with all the `needed` rights, by name."""
    asked = (
        sa.select(Representation)
        .where(col(Representation.person) == person, col(Representation.resource) == resource)
        .order_by(col(Representation.name), col(Representation.organisation))
    )
    needed = set(needed)
    rows: Any = session.execute(asked).scalars()
    return [
        Represented(row.organisation, row.name, row.unit_type, tuple(row.rights))
        for row in rows
        if needed <= set(row.rights)
    ]
