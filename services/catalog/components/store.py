"""Components as they are kept, found and shown."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from services.catalog.components.rules import Kind, Level, LifeCycle, Reuse, unfinished_word
from services.catalog.db import Table
from services.chassis.db import JSON, Database, choice
from services.chassis.problems import Conflict, NotFound
from services.chassis.values import sort_key

CANDIDATES = 500
"""Ranked at most from each stage: ranking is what costs, and nobody reads the five-hundredth answer."""
LONGEST_SORTED = 200
"""Characters of a name that decide its place in a list; an index entry has a limit."""
_NAME_WORDS = "to_tsvector('norwegian'::regconfig, name)"
_ALL_WORDS = (
    f"setweight({_NAME_WORDS}, 'A') || "
    "setweight(to_tsvector('norwegian'::regconfig, COALESCE(summary, '{}'::jsonb)), 'B')"
)


class Component(Table, table=True):
    __table_args__ = (
        sa.Index("ix_component_words", "words", postgresql_using="gin"),
        sa.Index("ix_component_name_words", "name_words", postgresql_using="gin"),
        sa.Index("ix_component_sort_key_slug", "sort_key", "slug"),
    )
    id: int = Field(default=None, primary_key=True)
    slug: str = Field(max_length=80, unique=True)
    kind: Kind = Field(sa_type=choice(Kind))
    name: dict[str, str] = Field(sa_type=JSON)
    summary: dict[str, str] | None = Field(default=None, sa_type=JSON)
    sort_key: str = Field(sa_type=sa.String(600, collation="C"))
    reuse: Reuse | None = Field(default=None, sa_type=choice(Reuse))
    level: Level | None = Field(default=None, sa_type=choice(Level))
    owner_id: int | None = Field(default=None, foreign_key="organisation.id", index=True)
    owner_name: str | None = Field(default=None, max_length=200)
    life_cycle: LifeCycle = Field(sa_type=choice(LifeCycle))
    life_cycle_reason: str | None = Field(default=None, max_length=2000)
    ended_on: date | None = None
    source: dict[str, str | None] | None = Field(default=None, sa_type=JSON)
    name_words: Any = Field(default=None, sa_column=sa.Column(TSVECTOR, sa.Computed(_NAME_WORDS, persisted=True)))
    words: Any = Field(default=None, sa_column=sa.Column(TSVECTOR, sa.Computed(_ALL_WORDS, persisted=True)))


class ComponentNotFound(NotFound):
    """No component has this name."""


class ComponentSlugTaken(Conflict):
    """Another component already has this name."""


_SHOWN = """
    json_build_object('slug', c.slug, 'kind', c.kind, 'name', c.name, 'summary', c.summary, 'reuse', c.reuse,
        'level', c.level,
        'owner', CASE WHEN COALESCE(c.owner_name, o.name) IS NOT NULL THEN json_build_object(
            'organisation_id', o.uuid, 'organisation_number', o.organisation_number,
            'name', COALESCE(c.owner_name, o.name)) END,
        'life_cycle', c.life_cycle, 'life_cycle_reason', c.life_cycle_reason, 'ended_on', c.ended_on,
        'source', c.source)
"""
_NARROWED = """
        (CAST(:kind AS text) IS NULL OR c.kind = :kind)
    AND (CAST(:reuse AS text) IS NULL OR c.reuse = :reuse)
    AND (CAST(:level AS text) IS NULL OR c.level = :level)
    AND (CAST(:life_cycle AS text) IS NULL OR c.life_cycle = :life_cycle)
    AND (CAST(:owner AS text) IS NULL
         OR c.owner_id = (SELECT id FROM organisation WHERE organisation_number = :owner))
"""
_ONE = f"""
    SELECT CAST({_SHOWN} AS text) AS shown
      FROM component c LEFT JOIN organisation o ON o.id = c.owner_id
     WHERE c.slug = %(slug)s
    """  # noqa: S608  # put together from our own constants only, as are the next two
_ONE_HOT = _ONE.replace("%(slug)s", "$1")
_PAGE = sa.text(
    f"""
    SELECT {_SHOWN} AS shown, c.sort_key, c.slug
      FROM component c LEFT JOIN organisation o ON o.id = c.owner_id
     WHERE {_NARROWED} AND (c.sort_key, c.slug) > (:after_key, :after_slug)
     ORDER BY c.sort_key, c.slug LIMIT :rows
    """  # noqa: S608
)
_SEARCH = sa.text(
    f"""
    WITH asked AS MATERIALIZED (
        SELECT websearch_to_tsquery('norwegian', :q)
               || COALESCE(websearch_to_tsquery('norwegian', :before) && to_tsquery('norwegian', :last), '') AS query),
    in_name AS (
        SELECT c.id FROM component c
         WHERE c.name_words @@ (SELECT query FROM asked) AND {_NARROWED} ORDER BY c.id LIMIT {CANDIDATES}),
    anywhere AS (
        SELECT c.id FROM component c
         WHERE c.words @@ (SELECT query FROM asked) AND {_NARROWED} ORDER BY c.id LIMIT {CANDIDATES}),
    ranked AS (
        SELECT c.id, CAST(ts_rank(c.words, asked.query) * 1000000 AS integer) AS rank, c.slug
          FROM (SELECT id FROM in_name UNION SELECT id FROM anywhere) AS candidate
          JOIN component c USING (id) CROSS JOIN asked),
    best AS (
        SELECT * FROM ranked
         WHERE CAST(:after_rank AS integer) IS NULL
            OR rank < :after_rank OR (rank = :after_rank AND slug > :after_slug)
         ORDER BY rank DESC, slug LIMIT :rows)
    SELECT {_SHOWN} AS shown, best.rank, best.slug
      FROM best JOIN component c USING (id) LEFT JOIN organisation o ON o.id = c.owner_id
     ORDER BY best.rank DESC, best.slug
    """  # noqa: S608
)


def new(slug: str, name: dict[str, str], **rest: Any) -> Component:
    sorts_by = (name.get("nb") or next(iter(name.values())))[:LONGEST_SORTED]
    return Component(slug=slug, name=name, sort_key=sort_key(sorts_by), **rest)


def add(session: Session, component: Component) -> Component:
    session.add(component)
    try:
        session.flush()
    except IntegrityError:
        raise ComponentSlugTaken(f"{component.slug!r} is taken.", pointer="#/slug") from None
    return component


async def shown(database: Database, slug: str) -> str:
    """A component as JSON text, built by the database in one round trip (the hottest read of the catalogue)."""
    found = await database.hot(_ONE_HOT, slug)
    if not found:
        raise ComponentNotFound(f"No component is called {slug!r}.")
    return str(found[0].shown)


def just_added(session: Session, slug: str) -> str:
    """The same within the transaction that adds it."""
    return str(session.connection().exec_driver_sql(_ONE, {"slug": slug}).scalar_one())


def slugs(session: Session) -> set[str]:
    return set(session.exec(select(Component.slug)))


def find(session: Session, slug: str) -> int | None:
    """The internal key of a component."""
    return session.exec(select(Component.id).where(col(Component.slug) == slug)).one_or_none()


def page(session: Session, after: list[Any] | None, limit: int, filters: dict[str, Any]) -> Sequence[sa.Row[Any]]:
    """By name, as Norwegian sorts: rows of (shown, sort_key, slug), limit + 1."""
    after_key, after_slug = after or ("", "")
    place = {"after_key": after_key, "after_slug": after_slug, "rows": limit + 1}
    return session.execute(_PAGE, filters | place).all()


def search(
    session: Session, q: str, after: list[Any] | None, limit: int, filters: dict[str, Any]
) -> Sequence[sa.Row[Any]]:
    """Best first: rows of (shown, rank, slug), limit + 1. What is written is looked for, or the same with its last
    word as the beginning of one. Two stages bring the candidates, those with the words in their name and those with
    them anywhere; only candidates are ranked, in millionths, so that a cursor can hold it."""
    before, last = unfinished_word(q) or (None, None)
    after_rank, after_slug = after or (None, "")
    place = {"after_rank": after_rank, "after_slug": after_slug, "rows": limit + 1}
    words = {"q": q, "before": before, "last": last and f"{last}:*"}
    return session.execute(_SEARCH, filters | words | place).all()
