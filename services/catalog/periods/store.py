"""Periods as they are kept, beside the organisation that they are about."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ExcludeConstraint, distinct_on
from sqlmodel import Field, Session, col, select

from services.catalog.db import Table
from services.catalog.periods import rules
from services.catalog.periods.rules import NumberPeriod


class MunicipalityNumber(Table, table=True):
    """A municipality's number, with the days on which it holds. No two have the same one on the same day."""

    __table_args__ = (
        ExcludeConstraint(
            ("number", "="),
            (sa.text("daterange(valid_from_on, valid_to_on, '[]')"), "&&"),
            name="ex_municipalitynumber_one_holder",
            using="gist",
        ),
    )
    id: int = Field(default=None, primary_key=True)
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    number: str = Field(max_length=4)
    valid_from_on: date | None = None
    valid_to_on: date | None = None
    basis: str | None = Field(default=None, max_length=200)


class FormerName(Table, table=True):
    """A name that an organisation had before the present one."""

    id: int = Field(default=None, primary_key=True)
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    name: str = Field(max_length=200)
    official_name: str | None = Field(default=None, max_length=200)
    sort_key: str = Field(sa_type=sa.String(600, collation="C"))
    valid_from_on: date | None = None
    valid_to_on: date


class CountyPeriod(Table, table=True):
    """The county that an organisation lay in, or was, with the days."""

    __table_args__ = (sa.Index("ix_countyperiod_county_number", "county_number"),)
    id: int = Field(default=None, primary_key=True)
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    county_number: str = Field(max_length=2)
    county_name: str | None = Field(default=None, max_length=80)
    valid_from_on: date | None = None
    valid_to_on: date | None = None


class Population(Table, table=True):
    """How many lived there on a day."""

    organisation_id: int = Field(foreign_key="organisation.id", primary_key=True)
    counted_on: date = Field(primary_key=True)
    inhabitants: int


def number(organisation_id: int, period: NumberPeriod) -> MunicipalityNumber:
    return MunicipalityNumber(
        organisation_id=organisation_id,
        number=period.number,
        valid_from_on=period.valid_from_on,
        valid_to_on=period.valid_to_on,
        basis=period.basis,
    )


def rename(
    session: Session, organisation_id: int, name: str, official_name: str | None, sort_key: str, effective_on: date
) -> None:
    """The name that it had until the day before."""
    session.add(
        FormerName(
            organisation_id=organisation_id,
            name=name,
            official_name=official_name,
            sort_key=sort_key,
            valid_from_on=name_since(session, organisation_id),
            valid_to_on=rules.day_before(effective_on),
        )
    )


def move(session: Session, organisation_id: int, county_number: str | None, effective_on: date) -> None:
    """Into another county, or none, from a day on."""
    session.execute(
        sa.update(CountyPeriod)
        .where(col(CountyPeriod.organisation_id) == organisation_id, col(CountyPeriod.valid_to_on).is_(None))
        .values(valid_to_on=rules.day_before(effective_on))
    )
    if county_number:
        session.add(
            CountyPeriod(organisation_id=organisation_id, county_number=county_number, valid_from_on=effective_on)
        )


def count(session: Session, organisation_id: int, inhabitants: int, counted_on: date) -> None:
    session.merge(Population(organisation_id=organisation_id, counted_on=counted_on, inhabitants=inhabitants))


def renumber(session: Session, organisation_id: int, numbers: Sequence[NumberPeriod]) -> None:
    """All its numbers anew."""
    session.execute(sa.delete(MunicipalityNumber).where(col(MunicipalityNumber.organisation_id) == organisation_id))
    session.add_all(number(organisation_id, one) for one in numbers)


def end(session: Session, organisation_id: int, last_day: date) -> None:
    """What still holds ends with the organisation."""
    for table in (MunicipalityNumber, CountyPeriod):
        session.execute(
            sa.update(table)
            .where(col(table.organisation_id) == organisation_id, col(table.valid_to_on).is_(None))
            .values(valid_to_on=last_day)
        )


def by_municipality_number(session: Session, number: str, on: date | None) -> list[int]:
    """Who has this number on a day, or ever had it; the newest holder first."""
    query = select(MunicipalityNumber.organisation_id).where(col(MunicipalityNumber.number) == number)
    if on is not None:
        query = query.where(holds(MunicipalityNumber, on))
    return list(dict.fromkeys(session.exec(query.order_by(col(MunicipalityNumber.valid_from_on).desc().nulls_last()))))


def last_change_on(session: Session, organisation_id: int) -> date | None:
    """From which day its present name and county hold, as far as one of them has ever changed."""
    county = session.execute(
        sa.select(sa.func.max(CountyPeriod.valid_from_on)).where(col(CountyPeriod.organisation_id) == organisation_id)
    ).scalar_one()
    return max((one for one in (name_since(session, organisation_id), county) if one), default=None)


def name_since(session: Session, organisation_id: int) -> date | None:
    last = sa.func.max(FormerName.valid_to_on) + 1
    found: date | None = session.execute(
        sa.select(last).where(col(FormerName.organisation_id) == organisation_id)
    ).scalar_one()
    return found


def holds(table: Any, on: date) -> sa.ColumnElement[bool]:
    begins, ends = col(table.valid_from_on), col(table.valid_to_on)
    return (begins.is_(None) | (begins <= on)) & (ends.is_(None) | (ends >= on))


def municipality_numbers(session: Session, ids: Collection[int]) -> dict[int, list[MunicipalityNumber]]:
    """Each organisation's municipality numbers, oldest first."""
    query = select(MunicipalityNumber).where(col(MunicipalityNumber.organisation_id).in_(ids))
    found: dict[int, list[MunicipalityNumber]] = defaultdict(list)
    for one in session.exec(query.order_by(col(MunicipalityNumber.valid_from_on).nulls_first())):
        found[one.organisation_id].append(one)
    return found


def former_names(session: Session, ids: Collection[int]) -> dict[int, list[str]]:
    """What each organisation was called before, oldest first."""
    found: dict[int, list[str]] = defaultdict(list)
    query = select(FormerName).where(col(FormerName.organisation_id).in_(ids))
    for one in session.exec(query.order_by(col(FormerName.valid_to_on))):
        found[one.organisation_id].append(one.name)
    return found


def counties_on(session: Session, ids: Collection[int], on: date) -> dict[int, str]:
    """Each organisation's county number on a day."""
    query = select(CountyPeriod).where(col(CountyPeriod.organisation_id).in_(ids), holds(CountyPeriod, on))
    return {one.organisation_id: one.county_number for one in session.exec(query)}


def populations_on(session: Session, ids: Collection[int], on: date) -> dict[int, Population]:
    """Each organisation's newest count that is not after a day."""
    query = (
        select(Population)
        .where(col(Population.organisation_id).in_(ids), col(Population.counted_on) <= on)
        .ext(distinct_on(col(Population.organisation_id)))
        .order_by(col(Population.organisation_id), col(Population.counted_on).desc())
    )
    return {one.organisation_id: one for one in session.exec(query)}
