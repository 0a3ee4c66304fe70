"""Dependencies as they are kept, and followed in both directions."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from services.catalog.components.store import Component
from services.catalog.db import Table
from services.catalog.dependencies import rules
from services.catalog.products.store import Product
from services.chassis.db import JSON
from services.chassis.problems import Conflict, NotFound

_LOCK = 0x5A4D_4445
_PAIRS = 5 * rules.MOST
"""(component, distance) that are looked at: one that is reached in several ways has several distances."""


class Dependency(Table, table=True):
    __table_args__ = (sa.CheckConstraint("component_id <> on_id", name="itself"),)
    component_id: int = Field(foreign_key="component.id", primary_key=True)
    on_id: int = Field(foreign_key="component.id", primary_key=True, index=True)
    versions: str | None = Field(default=None, max_length=200)
    optional: bool = False
    note: dict[str, str] | None = Field(default=None, sa_type=JSON)


class DependencyThere(Conflict):
    """It depends on this component already."""


class DependencyNotFound(NotFound):
    """It does not depend on this component."""


class Named(NamedTuple):
    slug: str
    name: dict[str, str]


@dataclass(frozen=True)
class Reached:
    """Components by internal key with the shortest distance. `truncated`: there is more than was followed."""

    distances: dict[int, int]
    truncated: bool


# UNION leaves out a pair that is there already, and the distance is bounded: a cycle, should there be one, ends. The
# LIMIT stops the recursion itself: PostgreSQL follows it only as far as it is read.
_REACH = """
    WITH RECURSIVE reach(id, distance) AS (
        SELECT unnest(CAST(:starts AS int[])), CAST(:first AS int)
        UNION
        SELECT d.{there}, reach.distance + 1
          FROM reach JOIN dependency d ON d.{here} = reach.id {condition}
         WHERE reach.distance <= :depth),
    bounded AS (SELECT id, distance FROM reach LIMIT :pairs)
    SELECT id, min(distance) AS distance, sum(count(*)) OVER () AS pairs FROM bounded GROUP BY id ORDER BY distance, id
"""
_NEEDED = sa.text(_REACH.format(here="component_id", there="on_id", condition=""))
_NEEDING = sa.text(_REACH.format(here="on_id", there="component_id", condition="AND NOT d.optional"))
_CLOSURE = sa.text(
    """
    WITH RECURSIVE reach(id) AS (
        SELECT CAST(:start AS int) UNION SELECT d.on_id FROM reach JOIN dependency d ON d.component_id = reach.id)
    SELECT d.component_id, d.on_id FROM dependency d JOIN reach ON reach.id = d.component_id
    """
)


def needed(session: Session, component_id: int, depth: int) -> Reached:
    """What a component depends on, itself at distance 0."""
    return _reached(session, _NEEDED, [component_id], 0, depth)


def needing(session: Session, component_ids: Collection[int], depth: int) -> Reached:
    """What depends on some components, not optionally; they themselves at distance 1."""
    return _reached(session, _NEEDING, component_ids, 1, depth)


def _reached(session: Session, query: Any, starts: Collection[int], first: int, depth: int) -> Reached:
    if not starts:
        return Reached({}, False)
    values = {"starts": list(starts), "first": first, "depth": depth, "pairs": _PAIRS + 1}
    rows = session.execute(query, values).all()
    near = {row.id: row.distance for row in rows if row.distance <= depth}
    kept = dict(list(near.items())[: rules.MOST])
    return Reached(kept, len(kept) < len(rows) or rows[0].pairs > _PAIRS)


def lock(session: Session) -> None:
    """New dependencies wait for each other: two that are harmless alone may close a circle."""
    session.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def circle(session: Session, component_id: int, on_id: int) -> list[int]:
    """The way by which a component would depend on itself if it depended on another; empty when it would not."""
    edges = [(row.component_id, row.on_id) for row in session.execute(_CLOSURE, {"start": on_id})]
    way = rules.path(edges, on_id, component_id)
    return [component_id, *way] if way else []


def add(session: Session, dependency: Dependency) -> None:
    session.add(dependency)
    try:
        session.flush()
    except IntegrityError:
        raise DependencyThere(pointer="#/on") from None


def one(session: Session, component_id: int, on_id: int | None) -> Dependency:
    found = session.get(Dependency, (component_id, on_id)) if on_id else None
    if found is None:
        raise DependencyNotFound
    return found


def of(session: Session, component_ids: Collection[int]) -> Sequence[Dependency]:
    """The dependencies of some components."""
    query = select(Dependency).where(col(Dependency.component_id).in_(component_ids))
    return session.exec(query.order_by(col(Dependency.component_id), col(Dependency.on_id))).all()


def direct(session: Session, on_id: int) -> list[tuple[int, bool, str | None]]:
    """Who depends on a component directly: (component, optional, range), one more than are told at most."""
    query = (
        sa.select(col(Dependency.component_id), col(Dependency.optional), col(Dependency.versions))
        .where(col(Dependency.on_id) == on_id)
        .order_by(col(Dependency.component_id))
        .limit(rules.MOST + 1)
    )
    return [(row.component_id, row.optional, row.versions) for row in session.execute(query)]


def named(session: Session, component_ids: Collection[int]) -> dict[int, Named]:
    """Internal key → what a component is called."""
    query = sa.select(col(Component.id), col(Component.slug), col(Component.name)).where(
        col(Component.id).in_(component_ids)
    )
    return {row.id: Named(row.slug, row.name) for row in session.execute(query)}


def product_names(session: Session, ids: Collection[int]) -> dict[int, str]:
    """Internal key → slug of products."""
    rows = session.execute(sa.select(col(Product.id), col(Product.slug)).where(col(Product.id).in_(ids)))
    return {row.id: row.slug for row in rows}
