"""Standards as they are kept, found and shown."""

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from services.catalog.db import Table
from services.catalog.search import store as search
from services.catalog.search.rules import Entry, Later, Type, weight
from services.catalog.standards.rules import STALE_AFTER_DAYS, State
from services.chassis.db import JSON
from services.chassis.problems import Conflict, NotFound
from services.chassis.values import text_sort_key

KNOWN_NOW = datetime(9999, 12, 31, tzinfo=UTC)
"""For `known_at`: everything that is recorded."""


class Standard(Table, table=True):
    """What is null is not known."""

    __table_args__ = (sa.Index("ix_standard_sort_key_slug", "sort_key", "slug"),)
    id: int = Field(default=None, primary_key=True)
    slug: str = Field(max_length=80, unique=True)
    name: dict[str, str] = Field(sa_type=JSON)
    summary: dict[str, str] | None = Field(default=None, sa_type=JSON)
    sort_key: str = Field(sa_type=sa.String(600, collation="C"))
    publisher: str | None = Field(default=None, max_length=200)
    version: str | None = Field(default=None, max_length=40)
    url: str | None = Field(default=None, max_length=300)
    component_id: int | None = Field(default=None, foreign_key="component.id", index=True)
    successor_id: int | None = Field(default=None, foreign_key="standard.id", index=True)
    source: dict[str, str | None] | None = Field(default=None, sa_type=JSON)
    confirmed_on: date | None = Field(default=None, description="When an editor last said that this is right")
    revision: int = Field(default=1, sa_column_kwargs={"server_default": "1"})


class Clause(Table, table=True):
    """A clause that a requirement can refer to. It is never removed, and its id never means another."""

    __tablename__ = "standard_clause"
    __table_args__ = (sa.UniqueConstraint("standard_id", "code"),)
    id: int = Field(default=None, primary_key=True)
    standard_id: int = Field(foreign_key="standard.id")
    code: str = Field(max_length=40)
    title: dict[str, str] = Field(sa_type=JSON)
    place: int


class StandardNotFound(NotFound):
    """No standard has this name."""


class StandardSlugTaken(Conflict):
    """Another standard already has this name."""


_LATEST = """
    SELECT DISTINCT ON (b.binding) b.* FROM standard_binding b
     WHERE b.standard_id = s.id AND b.recorded_at <= :known_at ORDER BY b.binding, b.id DESC
"""
_STATE = """
    CASE WHEN b.valid_to_on < :on THEN 'ended' WHEN b.valid_from_on > :on THEN 'coming' ELSE 'in_force' END
"""
_SHOWN = f"""
    SELECT s.slug, s.name, s.summary, s.publisher, s.version, s.url, c.slug AS component, n.slug AS successor,
           s.source, s.confirmed_on, COALESCE(s.confirmed_on < :stale_before, true) AS stale,
           COALESCE((SELECT json_agg(json_build_object(
                       'id', b.binding, 'sector', b.sector, 'area', b.area, 'area_name', b.area_name,
                       'level', b.level, 'state', {_STATE}, 'legal_basis', b.legal_basis,
                       'legal_basis_name', b.legal_basis_name, 'valid_from_on', b.valid_from_on,
                       'valid_to_on', b.valid_to_on, 'exceptions', b.exceptions, 'successor', x.slug,
                       'source', b.source) ORDER BY b.area, b.sector, b.valid_from_on NULLS FIRST, b.binding)
                       FROM ({_LATEST}) b LEFT JOIN standard x ON x.id = b.successor_id),
                    CAST('[]' AS json)) AS bindings,
           s.id, s.revision, s.sort_key
      FROM standard s LEFT JOIN component c ON c.id = s.component_id LEFT JOIN standard n ON n.id = s.successor_id
"""  # noqa: S608  # put together from our own constants only, as is the next
_PAGE = f"""
     WHERE (CAST(:slugs AS text[]) IS NULL OR s.slug = ANY(:slugs))
       AND (CAST(:component AS text) IS NULL
            OR s.component_id = (SELECT id FROM component WHERE slug = :component))
       AND (NOT :bound OR EXISTS (
              SELECT FROM ({_LATEST}) b
               WHERE (CAST(:sector AS text) IS NULL OR b.sector = :sector)
                 AND (CAST(:level AS text) IS NULL OR b.level = :level)
                 AND (CAST(:area AS text) IS NULL OR b.area = :area)
                 AND {_STATE} = 'in_force'))
       AND (s.sort_key, s.slug) > (:after_key, :after_slug)
     ORDER BY s.sort_key, s.slug LIMIT :rows
"""  # noqa: S608
_PAGE_QUERY, _ONE_QUERY = sa.text(_SHOWN + _PAGE), sa.text(_SHOWN + " WHERE s.slug = :slug")


def new(slug: str, name: dict[str, str], **rest: Any) -> Standard:
    return Standard(slug=slug, name=name, sort_key=text_sort_key(name), **rest)


def rename(standard: Standard, name: dict[str, str]) -> None:
    standard.name, standard.sort_key = name, text_sort_key(name)


def add(session: Session, standard: Standard) -> Standard:
    session.add(standard)
    try:
        session.flush()
    except IntegrityError:
        raise StandardSlugTaken(f"{standard.slug!r} is taken.", pointer="#/slug") from None
    return standard


def by_slug(session: Session, slug: str, *, lock: bool = False) -> Standard:
    """With `lock` nobody else changes it, or its bindings, until the transaction ends."""
    query = select(Standard).where(col(Standard.slug) == slug)
    found = session.exec(query.with_for_update() if lock else query).one_or_none()
    if found is None:
        raise StandardNotFound(f"No standard is called {slug!r}.")
    return found


def find(session: Session, slug: str) -> int | None:
    """The internal key of a standard."""
    return session.exec(select(Standard.id).where(col(Standard.slug) == slug)).one_or_none()


def slugs_of(session: Session, ids: Collection[int | None]) -> dict[int | None, str]:
    """Internal key → slug."""
    query = sa.select(col(Standard.id), col(Standard.slug)).where(col(Standard.id).in_([one for one in ids if one]))
    return {row.id: row.slug for row in session.execute(query)}


def slugs(session: Session) -> set[str]:
    return set(session.exec(select(Standard.slug)))


def successors(session: Session, standard_id: int) -> list[str]:
    """Who succeeds a standard, who succeeds that, and so on, to the end."""
    found: list[str] = []
    key: int | None = standard_id
    seen: set[int] = set()
    while key is not None and key not in seen:
        seen.add(key)
        one = session.get(Standard, key)
        key = one.successor_id if one else None
        if key is not None and (following := session.get(Standard, key)):
            found.append(following.slug)
    return found


def _dates(on: date, known_at: datetime) -> dict[str, Any]:
    return {"on": on, "known_at": known_at, "stale_before": on - timedelta(days=STALE_AFTER_DAYS)}


def shown(session: Session, slug: str, on: date, known_at: datetime) -> sa.Row[Any]:
    """One as it is shown, with its bindings as they were recorded by `known_at`, each with its state on a day."""
    row = session.execute(_ONE_QUERY, {"slug": slug, **_dates(on, known_at)}).one_or_none()
    if row is None:
        raise StandardNotFound(f"No standard is called {slug!r}.")
    return row


def page(
    session: Session, after: list[Any] | None, limit: int, filters: dict[str, Any], on: date, known_at: datetime
) -> Sequence[sa.Row[Any]]:
    """By name, as Norwegian sorts; limit + 1 rows."""
    after_key, after_slug = after or ("", "")
    bound = any(filters[name] for name in ("sector", "level", "area"))
    place = {"after_key": after_key, "after_slug": after_slug, "rows": limit + 1, "bound": bound}
    return session.execute(_PAGE_QUERY, filters | place | _dates(on, known_at)).all()


def clauses(session: Session, standard_id: int) -> Sequence[Clause]:
    return session.exec(select(Clause).where(col(Clause.standard_id) == standard_id).order_by(col(Clause.place))).all()


def add_clauses(session: Session, standard_id: int, new: Sequence[tuple[str, dict[str, str]]], *, after: int) -> None:
    """Behind the `after` clauses that it has; the standard's row is locked, and the ids are looked at."""
    session.add_all(
        Clause(standard_id=standard_id, code=code, title=title, place=after + place)
        for place, (code, title) in enumerate(new)
    )
    session.flush()


def clause_id(session: Session, slug: str, code: str) -> int | None:
    """The internal key of a clause."""
    return clause_ids(session, [(slug, code)]).get((slug, code))


def clause_ids(session: Session, pairs: Collection[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """The internal keys of clauses by (standard's slug, clause's id); what is unknown is left out."""
    query = sa.select(col(Standard.slug), col(Clause.code), col(Clause.id)).join(
        Clause, col(Clause.standard_id) == col(Standard.id)
    )
    found = session.execute(query.where(sa.tuple_(col(Standard.slug), col(Clause.code)).in_(list(pairs))))
    return {(slug, code): key for slug, code, key in found}


def clauses_named(session: Session, ids: Collection[int]) -> dict[int, tuple[str, str, dict[str, str]]]:
    """Internal key → (standard's slug, clause's id, its title)."""
    query = sa.select(col(Clause.id), col(Standard.slug), col(Clause.code), col(Clause.title)).join(
        Standard, col(Clause.standard_id) == col(Standard.id)
    )
    found = session.execute(query.where(col(Clause.id).in_(ids)))
    return {key: (slug, code, title) for key, slug, code, title in found}


_NO_FILTER = dict.fromkeys(("slugs", "sector", "level", "area", "component"))


def index(session: Session, slug: str, today: date) -> None:
    """Let the search find it as it is now."""
    session.flush()
    search.put(session, _entry(session, shown(session, slug, today, KNOWN_NOW), today))


def entries(session: Session, today: date) -> Iterator[Entry]:
    """Every standard as the search finds it."""
    after: list[Any] | None = None
    while rows := page(session, after, 500, _NO_FILTER, today, KNOWN_NOW)[:500]:
        yield from (_entry(session, row, today) for row in rows)
        after = [rows[-1].sort_key, rows[-1].slug]


def _facets(row: sa.Row[Any]) -> dict[str, Any]:
    states = {one["state"] for one in row.bindings}
    held = [one for one in row.bindings if one["state"] == State.IN_FORCE]
    best = (State.IN_FORCE, State.COMING, State.ENDED)
    facets = {
        "sector": sorted({one["sector"] for one in held}),
        "binding": sorted({one["level"] for one in held}),
        "area": sorted({one["area"] for one in held}),
        "state": next((state.value for state in best if state in states), None),
    }
    return {name: value for name, value in facets.items() if value}


def _next_change(row: sa.Row[Any], today: date) -> date | None:
    """The next day on which a binding begins or has ended."""
    begin = [date.fromisoformat(one["valid_from_on"]) for one in row.bindings if one["valid_from_on"]]
    ended = [date.fromisoformat(one["valid_to_on"]) + timedelta(1) for one in row.bindings if one["valid_to_on"]]
    return min((day for day in [*begin, *ended] if day > today), default=None)


def _entry(session: Session, row: sa.Row[Any], today: date) -> Entry:
    day, facets = _next_change(row, today), _facets(row)
    filled = [row.summary, row.publisher, row.url, row.bindings, not row.stale]
    return Entry(
        type=Type.STANDARD,
        ref=row.slug,
        path=f"/standards/{row.slug}",
        name=row.name,
        summary=row.summary,
        sort_key=row.sort_key,
        words=[one for one in (row.publisher, *(held["legal_basis_name"] for held in row.bindings)) if one],
        facets=facets,
        later=Later(day, _facets(shown(session, row.slug, day, KNOWN_NOW))) if day else None,
        weight=weight(complete=sum(map(bool, filled)) / len(filled), ended=facets.get("state") == State.ENDED),
    )
