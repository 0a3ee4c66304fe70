"""Interfaces as they are kept, found and shown."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from services.catalog.db import Table
from services.catalog.interfaces.rules import STALE_AFTER_DAYS, Kind, Status
from services.catalog.search import store as search
from services.catalog.search.rules import Entry, Later, Type, weight
from services.chassis.db import JSON, choice
from services.chassis.problems import Conflict, NotFound
from services.chassis.values import text_sort_key


class Interface(Table, table=True):
    __table_args__ = (sa.Index("ix_interface_sort_key_slug", "sort_key", "slug"),)
    id: int = Field(default=None, primary_key=True)
    slug: str = Field(max_length=80, unique=True)
    kind: Kind = Field(sa_type=choice(Kind))
    name: dict[str, str] = Field(sa_type=JSON)
    summary: dict[str, str] | None = Field(default=None, sa_type=JSON)
    sort_key: str = Field(sa_type=sa.String(600, collation="C"))
    owner_id: int = Field(foreign_key="organisation.id", index=True)
    provided_by_id: int | None = Field(default=None, foreign_key="component.id", index=True)
    confirmed_on: date | None = Field(default=None, description="When its owner last said that this is right")
    revision: int = Field(default=1, sa_column_kwargs={"server_default": "1"})


class InterfaceNotFound(NotFound):
    """No interface has this name."""


class InterfaceSlugTaken(Conflict):
    """Another interface already has this name."""


_SHOWN = """
    SELECT i.slug, i.kind, i.name, i.summary,
           json_build_object('organisation_id', o.uuid, 'organisation_number', o.organisation_number,
                             'name', o.name) AS owner,
           c.slug AS provided_by,
           COALESCE((SELECT json_agg(json_build_object('version', v.label, 'status', COALESCE(
                         (SELECT e.status FROM interface_version_event e
                           WHERE e.version_id = v.id AND e.effective_on <= :on ORDER BY e.id DESC LIMIT 1),
                         'draft')) ORDER BY v.id)
                       FROM interface_version v WHERE v.interface_id = i.id), CAST('[]' AS json)) AS versions,
           i.confirmed_on, COALESCE(i.confirmed_on < :stale_before, true) AS stale, i.revision, i.sort_key
      FROM interface i JOIN organisation o ON o.id = i.owner_id LEFT JOIN component c ON c.id = i.provided_by_id
"""
_PAGE = """
     WHERE (CAST(:slugs AS text[]) IS NULL OR i.slug = ANY(:slugs))
       AND (CAST(:kind AS text) IS NULL OR i.kind = :kind)
       AND (CAST(:owner AS text) IS NULL
            OR i.owner_id = (SELECT id FROM organisation WHERE organisation_number = :owner))
       AND (CAST(:provided_by AS text) IS NULL
            OR i.provided_by_id = (SELECT id FROM component WHERE slug = :provided_by))
       AND (CAST(:consumed_by AS text) IS NULL
            OR i.id IN (SELECT v.interface_id FROM interface_consumer u JOIN interface_version v ON v.id = u.version_id
                         WHERE u.component_id = (SELECT id FROM component WHERE slug = :consumed_by)
                           AND u.since_on <= :on AND (u.until_on IS NULL OR u.until_on >= :on)))
       AND (i.sort_key, i.slug) > (:after_key, :after_slug)
     ORDER BY i.sort_key, i.slug LIMIT :rows
"""
_PAGE_QUERY, _ONE_QUERY = sa.text(_SHOWN + _PAGE), sa.text(_SHOWN + " WHERE i.slug = :slug")


def new(slug: str, name: dict[str, str], **rest: Any) -> Interface:
    return Interface(slug=slug, name=name, sort_key=text_sort_key(name), **rest)


def rename(interface: Interface, name: dict[str, str]) -> None:
    interface.name, interface.sort_key = name, text_sort_key(name)


def add(session: Session, interface: Interface) -> Interface:
    session.add(interface)
    try:
        session.flush()
    except IntegrityError:
        raise InterfaceSlugTaken(f"{interface.slug!r} is taken.", pointer="#/slug") from None
    return interface


def by_slug(session: Session, slug: str) -> Interface:
    return _found(session, select(Interface).where(col(Interface.slug) == slug), slug)


def to_change(session: Session, slug: str) -> Interface:
    """The same, and nobody else changes it until the transaction ends."""
    return _found(session, select(Interface).where(col(Interface.slug) == slug).with_for_update(), slug)


def _found(session: Session, query: Any, slug: str) -> Interface:
    found = session.exec(query).one_or_none()
    if found is None:
        raise InterfaceNotFound(f"No interface is called {slug!r}.")
    assert isinstance(found, Interface)
    return found


def find(session: Session, slug: str) -> int | None:
    """The internal key of an interface."""
    return session.exec(select(Interface.id).where(col(Interface.slug) == slug)).one_or_none()


def slugs(session: Session) -> set[str]:
    return set(session.exec(select(Interface.slug)))


def _dates(on: date) -> dict[str, date]:
    return {"on": on, "stale_before": on - timedelta(days=STALE_AFTER_DAYS)}


def shown(session: Session, slug: str, on: date) -> sa.Row[Any]:
    """One as it is shown, with the states that its versions have on a day."""
    row = session.execute(_ONE_QUERY, {"slug": slug, **_dates(on)}).one_or_none()
    if row is None:
        raise InterfaceNotFound(f"No interface is called {slug!r}.")
    return row


def page(
    session: Session, after: list[Any] | None, limit: int, filters: dict[str, Any], on: date
) -> Sequence[sa.Row[Any]]:
    """By name, as Norwegian sorts; limit + 1 rows."""
    after_key, after_slug = after or ("", "")
    place = {"after_key": after_key, "after_slug": after_slug, "rows": limit + 1}
    return session.execute(_PAGE_QUERY, filters | place | _dates(on)).all()


def owner_of_component(session: Session, component_id: int) -> int | None:
    """The internal key of the organisation that owns a component; None: none that is registered."""
    return session.execute(sa.text("SELECT owner_id FROM component WHERE id = :id"), {"id": component_id}).scalar()


_DESCRIBED = """
    SELECT EXISTS (SELECT FROM artefact a JOIN interface_version v ON v.id = a.version_id
                    WHERE v.interface_id = :id)
"""


def described(session: Session, interface_id: int) -> bool:
    """Whether a version of it has an artefact."""
    return bool(session.execute(sa.text(_DESCRIBED), {"id": interface_id}).scalar_one())


_NEXT = """
    SELECT i.slug, min(e.effective_on) AS day
      FROM interface i JOIN interface_version v ON v.interface_id = i.id
      JOIN interface_version_event e ON e.version_id = v.id
     WHERE e.effective_on > :on AND (CAST(:slug AS text) IS NULL OR i.slug = :slug) GROUP BY i.slug
"""
_NO_FILTER = dict.fromkeys(("slugs", "kind", "owner", "provided_by", "consumed_by"))


def index(session: Session, slug: str, today: date) -> None:
    """Let the search find it as it is now."""
    session.flush()
    search.put(session, _entry(shown(session, slug, today), _then(session, slug, today).get(slug)))


def entries(session: Session, today: date) -> Iterator[Entry]:
    """Every interface as the search finds it."""
    then = _then(session, None, today)
    after: list[Any] | None = None
    while rows := page(session, after, 500, _NO_FILTER, today)[:500]:
        yield from (_entry(row, then.get(row.slug)) for row in rows)
        after = [rows[-1].sort_key, rows[-1].slug]


def _then(session: Session, slug: str | None, today: date) -> dict[str, Later]:
    """By slug: the next change of a version's state that is decided already."""
    found = session.execute(sa.text(_NEXT), {"on": today, "slug": slug}).all()
    return {row.slug: Later(row.day, _facets(shown(session, row.slug, row.day))) for row in found}


def _facets(row: sa.Row[Any]) -> dict[str, Any]:
    states = {one["status"] for one in row.versions}
    best = (Status.CURRENT, Status.DEPRECATED, Status.DRAFT, Status.WITHDRAWN)
    facets = {
        "kind": row.kind,
        "state": next((status.value for status in best if status in states), None),
        "owner": row.owner["organisation_number"],
        "component": [row.provided_by] if row.provided_by else [],
    }
    return {name: value for name, value in facets.items() if value}


def _entry(row: sa.Row[Any], later: Later | None) -> Entry:
    facets = _facets(row)
    filled = [row.summary, row.provided_by, row.versions, not row.stale]
    return Entry(
        type=Type.INTERFACE,
        ref=row.slug,
        path=f"/interfaces/{row.slug}",
        name=row.name,
        summary=row.summary,
        sort_key=row.sort_key,
        facets=facets,
        later=later,
        weight=weight(complete=sum(map(bool, filled)) / len(filled), ended=facets.get("state") == Status.WITHDRAWN),
    )
