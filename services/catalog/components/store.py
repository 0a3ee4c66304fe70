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
from services.catalog.organisations.store import Organisation
from services.chassis.db import JSON, choice
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


_SHOWN = sa.func.json_build_object(
    *("slug", col(Component.slug), "kind", col(Component.kind)),
    *("name", col(Component.name), "summary", col(Component.summary)),
    *("reuse", col(Component.reuse), "level", col(Component.level)),
    "owner",
    sa.case(
        (
            sa.func.coalesce(col(Component.owner_name), col(Organisation.name)).is_not(None),
            sa.func.json_build_object(
                *("organisation_id", col(Organisation.uuid)),
                *("organisation_number", col(Organisation.organisation_number)),
                *("name", sa.func.coalesce(col(Component.owner_name), col(Organisation.name))),
            ),
        ),
        else_=None,
    ),
    *("life_cycle", col(Component.life_cycle), "life_cycle_reason", col(Component.life_cycle_reason)),
    *("ended_on", col(Component.ended_on), "source", col(Component.source)),
    type_=sa.JSON,
)
_OWNED = sa.outerjoin(Component, Organisation, col(Component.owner_id) == col(Organisation.id))
_ONE = sa.select(sa.cast(_SHOWN, sa.Text)).select_from(_OWNED).where(col(Component.slug) == sa.bindparam("slug"))


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


def shown(session: Session, slug: str) -> str:
    """A component as JSON text, built by the database in one round trip (the hottest read of the catalogue)."""
    found = session.execute(_ONE, {"slug": slug}).scalar_one_or_none()
    if found is None:
        raise ComponentNotFound(f"No component is called {slug!r}.")
    return str(found)


def slugs(session: Session) -> set[str]:
    return set(session.exec(select(Component.slug)))


def find(session: Session, slug: str) -> int | None:
    """The internal key of a component."""
    return session.exec(select(Component.id).where(col(Component.slug) == slug)).one_or_none()


def _narrowed(
    kind: Kind | None, reuse: Reuse | None, level: Level | None, life_cycle: LifeCycle | None, owner: str | None
) -> list[sa.ColumnElement[bool]]:
    wanted = {Component.kind: kind, Component.reuse: reuse, Component.level: level, Component.life_cycle: life_cycle}
    conditions = [col(column) == value for column, value in wanted.items() if value is not None]
    if owner is not None:
        owners = sa.select(col(Organisation.id)).where(col(Organisation.organisation_number) == owner)
        conditions.append(col(Component.owner_id).in_(owners))
    return conditions


def page(session: Session, after: list[Any] | None, limit: int, **filters: Any) -> Sequence[sa.Row[Any]]:
    """By name, as Norwegian sorts: rows of (shown, sort_key, slug), limit + 1."""
    place = sa.tuple_(col(Component.sort_key), col(Component.slug))
    query = (
        sa.select(_SHOWN.label("shown"), col(Component.sort_key), col(Component.slug))
        .select_from(_OWNED)
        .where(*_narrowed(**filters))
        .order_by(col(Component.sort_key), col(Component.slug))
        .limit(limit + 1)
    )
    return session.execute(query.where(place > (after[0], after[1])) if after else query).all()


def search(session: Session, q: str, after: list[Any] | None, limit: int, **filters: Any) -> Sequence[sa.Row[Any]]:
    """Best first: rows of (shown, rank, slug), limit + 1. Two stages bring the candidates, those with the words in
    their name and those with them anywhere; only candidates are ranked, in millionths, so that a cursor can hold
    it."""
    asked = sa.select(_asked(q).label("query")).cte("asked")
    narrowed = _narrowed(**filters)

    def stage(words: Any) -> Any:
        matches: sa.Select[Any] = sa.select(col(Component.id).label("id")).where(
            col(words).op("@@")(sa.select(asked.c.query).scalar_subquery()), *narrowed
        )
        return sa.select(matches.order_by(col(Component.id)).limit(CANDIDATES).subquery().c.id)

    candidates = sa.union(stage(Component.name_words), stage(Component.words)).cte("candidates")
    rank = sa.cast(sa.func.ts_rank(col(Component.words), asked.c.query) * 1_000_000, sa.Integer)
    ranked = (
        sa.select(col(Component.id).label("id"), rank.label("rank"), col(Component.slug).label("slug"))
        .select_from(sa.join(candidates, Component, candidates.c.id == col(Component.id)).join(asked, sa.true()))
        .cte("ranked")
    )
    best = sa.select(ranked)
    if after:
        best = best.where((ranked.c.rank < after[0]) | ((ranked.c.rank == after[0]) & (ranked.c.slug > after[1])))
    best_page = best.order_by(ranked.c.rank.desc(), ranked.c.slug).limit(limit + 1).cte("best")
    query = (
        sa.select(_SHOWN.label("shown"), best_page.c.rank, best_page.c.slug)
        .select_from(_OWNED.join(best_page, best_page.c.id == col(Component.id)))
        .order_by(best_page.c.rank.desc(), best_page.c.slug)
    )
    return session.execute(query).all()


def _asked(q: str) -> Any:
    """What is written, or the same with the last word as the beginning of one."""
    config: Any = sa.literal_column("'norwegian'::regconfig")
    whole = sa.func.websearch_to_tsquery(config, q)
    unfinished = unfinished_word(q)
    if unfinished is None:
        return whole
    before, last = unfinished
    beginning: Any = sa.func.to_tsquery(config, last + ":*")
    if before:
        beginning = sa.func.websearch_to_tsquery(config, before).op("&&")(beginning)
    return whole.op("||")(beginning)
