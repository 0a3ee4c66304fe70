"""Organisations as they are kept: one row for each legal person, and what was true of it on which days."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased
from sqlmodel import Field, Session, col, select

from services.catalog.db import Table
from services.catalog.organisations import rules
from services.catalog.organisations.rules import Kind, LanguageForm, Relation, Step
from services.catalog.periods import store as periods
from services.catalog.periods.rules import Life, NumberPeriod
from services.catalog.periods.store import CountyPeriod, FormerName, MunicipalityNumber
from services.catalog.search import store as search
from services.catalog.search.rules import Entry, Type, weight
from services.chassis.db import INSTANT, choice
from services.chassis.problems import Conflict, Forbidden, NotFound
from services.chassis.values import new_id, sort_key


class Organisation(Table, table=True):
    """Its name, county and population are the newest known; those of other days stand in the tables below."""

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
    existed_from_on: date | None = None
    existed_to_on: date | None = None
    existence_basis: str | None = Field(default=None, max_length=200)
    language_form: LanguageForm | None = Field(default=None, sa_type=choice(LanguageForm))
    fictional: bool = False
    revision: int = Field(default=1, sa_column_kwargs={"server_default": "1"})


class Succession(Table, table=True):
    """That one organisation took another's place, wholly or in part. Only ever added."""

    __table_args__ = (sa.UniqueConstraint("predecessor_id", "successor_id"),)
    id: int = Field(default=None, primary_key=True)
    predecessor_id: int = Field(foreign_key="organisation.id")
    successor_id: int = Field(foreign_key="organisation.id", index=True)
    kind: Relation = Field(sa_type=choice(Relation))
    effective_on: date
    source: str = Field(max_length=500)
    recorded_at: datetime = Field(sa_type=INSTANT)
    back_dated: bool = False
    reason: str | None = Field(default=None, max_length=2000)


class OrganisationNotFound(NotFound):
    """No organisation has this id."""


class OrganisationNumberTaken(Conflict):
    """Another organisation already has this number."""


class NotRegistered(Forbidden):
    """Your organisation is not in the catalogue.

    An editor registers it first (`POST /organisations`).
    """


@dataclass(frozen=True)
class Named:
    """An organisation with the name that it had on the day that was asked for."""

    row: Organisation
    name: str
    official_name: str | None
    sort_key: str


def new(name: str, kinds: Iterable[Kind], **rest: Any) -> Organisation:
    return Organisation(name=name, kinds=[kind.value for kind in kinds], sort_key=sort_key(name), **rest)


def add(session: Session, organisation: Organisation, numbers: Sequence[NumberPeriod] = ()) -> Organisation:
    """Keep an organisation with its municipality numbers; a number that is taken is refused."""
    session.add(organisation)
    flush(session)
    session.add_all(periods.number(organisation.id, one) for one in numbers)
    if organisation.county_number:
        session.add(periods.CountyPeriod(organisation_id=organisation.id, county_number=organisation.county_number))
    if organisation.population is not None and organisation.population_on:
        periods.count(session, organisation.id, organisation.population, organisation.population_on)
    flush(session)
    return organisation


def flush(session: Session) -> None:
    """Write what waits; a number that somebody else has is a problem with a name."""
    try:
        session.flush()
    except IntegrityError:
        raise OrganisationNumberTaken("The organisation number or a municipality number is in use.") from None


def change(
    session: Session,
    row: Organisation,
    fields: dict[str, Any],
    numbers: Sequence[NumberPeriod] | None,
    effective_on: date,
) -> None:
    """Keep what is new; the name and the county before it end on the day before, a count stands by its own day."""
    before = (row.name, row.official_name, row.sort_key)
    county_before = row.county_number
    for name, value in fields.items():
        setattr(row, name, value)
    row.sort_key = sort_key(row.name)
    row.revision += 1
    flush(session)
    if before[:2] != (row.name, row.official_name):
        periods.rename(session, row.id, *before, effective_on)
    if county_before != row.county_number:
        periods.move(session, row.id, row.county_number, effective_on)
    if row.population is not None and row.population_on is not None:
        periods.count(session, row.id, row.population, row.population_on)
    if numbers is not None:
        periods.renumber(session, row.id, numbers)
    flush(session)


def index(session: Session, ids: Collection[int]) -> None:
    """Let the search find these as they are now."""
    search.put(session, *_entries(session, by_ids(session, ids).values()))


def entries(session: Session) -> Iterator[Entry]:
    """All of them but co-operations, for the search to begin anew."""
    yield from _entries(session, session.exec(select(Organisation)).all())


def _entries(session: Session, rows: Collection[Organisation]) -> Iterator[Entry]:
    ids = [row.id for row in rows]
    numbers, former = periods.municipality_numbers(session, ids), periods.former_names(session, ids)
    for row in rows:
        if Kind.CO_OPERATION.value in row.kinds:
            continue
        county = {"county": row.county_number} if row.county_number else {}
        codes = [row.organisation_number or "", *(one.number for one in numbers.get(row.id, []))]
        filled = [row.organisation_number, row.county_number, row.population]
        yield Entry(
            type=Type.ORGANISATION,
            ref=str(row.uuid),
            path=f"/organisations/{row.uuid}",
            name={"nb": row.name},
            sort_key=row.sort_key,
            codes=[code for code in codes if code],
            words=[*former.get(row.id, []), *([row.official_name] if row.official_name else [])],
            facets={"kind": row.kinds, **county},
            weight=weight(
                complete=sum(one is not None for one in filled) / len(filled), ended=row.existed_to_on is not None
            ),
        )


def by_uuid(session: Session, uuid: UUID, *, locked: bool = False) -> Organisation:
    query = select(Organisation).where(col(Organisation.uuid) == uuid)
    found = session.exec(query.with_for_update() if locked else query).one_or_none()
    if found is None:
        raise OrganisationNotFound(f"No organisation has the id {uuid}.")
    return found


def by_uuids(session: Session, uuids: Collection[UUID]) -> dict[UUID, Organisation]:
    """Those that exist of them, in one query."""
    return {row.uuid: row for row in session.exec(select(Organisation).where(col(Organisation.uuid).in_(uuids)))}


def by_ids(session: Session, ids: Collection[int]) -> dict[int, Organisation]:
    if not ids:
        return {}
    return {row.id: row for row in session.exec(select(Organisation).where(col(Organisation.id).in_(ids)))}


def of_caller(session: Session, number: str) -> Organisation:
    """The organisation that acts; it must be registered before it can own anything."""
    found = session.exec(select(Organisation).where(col(Organisation.organisation_number) == number)).one_or_none()
    if found is None:
        raise NotRegistered(f"{number} is not registered.")
    return found


def by_organisation_number(session: Session, number: str) -> int | None:
    return session.exec(select(Organisation.id).where(col(Organisation.organisation_number) == number)).one_or_none()


def kinds_of(session: Session, organisation_number: str) -> set[Kind]:
    """What an organisation is; nothing when nobody has the number."""
    query = select(Organisation.kinds).where(col(Organisation.organisation_number) == organisation_number)
    return {Kind(kind) for kinds in session.exec(query) for kind in kinds}


def is_public_body(session: Session, organisation_number: str) -> bool:
    """Whether it may see what suppliers may not."""
    return rules.is_public_body(kinds_of(session, organisation_number))


def ids_by_number(session: Session) -> dict[str, int]:
    """Every organisation number that is known → internal key."""
    rows = session.execute(
        sa.select(col(Organisation.organisation_number), col(Organisation.id)).where(
            col(Organisation.organisation_number).is_not(None)
        )
    )
    return {row.organisation_number: row.id for row in rows}


def ids_by_uuid(session: Session) -> dict[UUID, int]:
    """Every organisation's id → internal key."""
    return {row.uuid: row.id for row in session.execute(sa.select(col(Organisation.uuid), col(Organisation.id)))}


def names_by_id(session: Session) -> dict[int, str]:
    return {row.id: row.name for row in session.execute(sa.select(col(Organisation.id), col(Organisation.name)))}


def by_municipality_number(session: Session, number: str, on: date | None) -> list[int]:
    """Who has this number on a day, or ever had it; the newest holder first."""
    return periods.by_municipality_number(session, number, on)


def populations_on(session: Session, ids: Collection[int], on: date) -> dict[int, periods.Population]:
    """Each organisation's newest count that is not after a day."""
    return periods.populations_on(session, ids, on)


def resolve(session: Session, ids: Collection[int], on: date) -> dict[int, list[tuple[int, Relation]]]:
    """Each organisation → who stands in its place on a day: itself (`same`) while it exists, its successors after."""
    lives = lives_of(session, ids)
    ended = [one for one, life in lives.items() if life.to_on is not None and life.to_on < on]
    steps = steps_after(session, ended)
    lives |= lives_of(session, {step.successor for known in steps.values() for step in known} - lives.keys())
    return {one: rules.resolve(one, steps, lives, on) if one in lives else [] for one in ids}


def lives_of(session: Session, ids: Collection[int]) -> dict[int, Life]:
    if not ids:
        return {}
    here = Organisation
    query = sa.select(col(here.id), col(here.existed_from_on), col(here.existed_to_on)).where(col(here.id).in_(ids))
    return {row.id: Life(row.existed_from_on, row.existed_to_on) for row in session.execute(query)}


def steps_after(session: Session, ids: Collection[int]) -> dict[int, list[Step]]:
    """Every succession that these lead to, by predecessor, however many steps away."""
    return _steps(session, ids, Succession.predecessor_id, Succession.successor_id)


def steps_before(session: Session, ids: Collection[int]) -> dict[int, list[Step]]:
    """Every succession that led to these, by predecessor."""
    return _steps(session, ids, Succession.successor_id, Succession.predecessor_id)


def _steps(session: Session, ids: Collection[int], near: Any, far: Any) -> dict[int, list[Step]]:
    if not ids:
        return {}
    table = sa.inspect(Succession).local_table
    reached = sa.select(table).where(col(near).in_(ids)).cte("reached", recursive=True)
    onward = sa.select(table).join(reached, table.c[near.key] == reached.c[far.key])
    found: dict[int, list[Step]] = defaultdict(list)
    whole = reached.union(onward)
    for row in session.execute(sa.select(whole).order_by(whole.c.effective_on, whole.c.id)):
        found[row.predecessor_id].append(
            Step(row.predecessor_id, row.successor_id, Relation(row.kind), row.effective_on, row.source)
        )
    return dict(found)


def page(
    session: Session,
    after: list[Any] | None,
    limit: int,
    *,
    today: date,
    on: date | None = None,
    ended: bool = False,
    id: Sequence[UUID] = (),
    kind: Kind | None = None,
    organisation_number: str | None = None,
    municipality_number: str | None = None,
    county_number: str | None = None,
    q: str | None = None,
) -> Sequence[Named]:
    """By name, as Norwegian sorts; limit + 1 rows. With a day it is those that existed then, by the names and in the
    counties of that day. Without, those of today; whoever is asked for by a number or an id is found all the same."""
    then = aliased(FormerName)
    name, official, key = (
        (col(Organisation.name), col(Organisation.official_name), col(Organisation.sort_key))
        if on is None
        else (
            sa.func.coalesce(then.name, Organisation.name),
            sa.case((col(then.id).is_(None), col(Organisation.official_name)), else_=col(then.official_name)),
            sa.func.coalesce(then.sort_key, Organisation.sort_key),
        )
    )
    query = sa.select(Organisation, name, official, key).order_by(key, col(Organisation.uuid)).limit(limit + 1)
    if on is not None:
        query = query.outerjoin(then, (col(then.organisation_id) == col(Organisation.id)) & periods.holds(then, on))
        query = query.where(_existed(on))
    elif not (ended or id or organisation_number or municipality_number):
        query = query.where(_existed(today))
    if id:
        query = query.where(col(Organisation.uuid).in_(id))
    if kind:
        query = query.where(col(Organisation.kinds).contains([kind.value]))
    if organisation_number:
        query = query.where(col(Organisation.organisation_number) == organisation_number)
    if municipality_number:
        holders = sa.select(col(MunicipalityNumber.organisation_id)).where(
            col(MunicipalityNumber.number) == municipality_number
        )
        query = query.where(
            col(Organisation.id).in_(
                holders.where(periods.holds(MunicipalityNumber, on)) if on is not None else holders
            )
        )
    if county_number and on is None:
        query = query.where(col(Organisation.county_number) == county_number)
    elif county_number and on is not None:
        inside = sa.select(col(CountyPeriod.organisation_id)).where(col(CountyPeriod.county_number) == county_number)
        query = query.where(col(Organisation.id).in_(inside.where(periods.holds(CountyPeriod, on))))
    if q:
        found = sa.cast(col(Organisation.uuid), sa.Text).in_(search.refs(session, q, Type.ORGANISATION))
        part = key.contains(sort_key(q), autoescape=True)
        query = query.where(found | part | sa.func.lower(official).contains(q.lower(), autoescape=True))
    if after:
        query = query.where(sa.tuple_(key, col(Organisation.uuid)) > (after[0], UUID(after[1])))
    return [Named(*row) for row in session.execute(query)]


def named(session: Session, row: Organisation, on: date | None) -> Named:
    """An organisation by the name that it had on a day."""
    if on is not None:
        query = select(FormerName).where(col(FormerName.organisation_id) == row.id, periods.holds(FormerName, on))
        if then := session.exec(query).first():
            return Named(row, then.name, then.official_name, then.sort_key)
    return Named(row, row.name, row.official_name, row.sort_key)


def _existed(on: date) -> sa.ColumnElement[bool]:
    begins, ends = col(Organisation.existed_from_on), col(Organisation.existed_to_on)
    return (begins.is_(None) | (begins <= on)) & (ends.is_(None) | (ends >= on))
