"""Components as they are kept, found and shown."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from services.catalog.components.rules import STALE_AFTER, Kind, Level, Offer, Reuse
from services.catalog.db import Table
from services.catalog.lifecycles import rules as lifecycles
from services.catalog.lifecycles import store as events
from services.catalog.lifecycles.rules import EventKind, LifeCycle
from services.catalog.organisations.store import Organisation
from services.catalog.search import store as search
from services.catalog.search.rules import Entry, Later, Type, weight
from services.chassis.auth import Caller
from services.chassis.db import JSON, Database, choice
from services.chassis.problems import Conflict, NotFound
from services.chassis.values import text_sort_key

_NONE = sa.text("'{}'")
_NONE = sa.text("'{}'")


class Component(Table, table=True):
    """`life_cycle` with what is planned (`next_…`) is what its events amount to, kept beside it so that a list need not
    derive it."""

    __table_args__ = (
        sa.Index("ix_component_sort_key_slug", "sort_key", "slug"),
        sa.Index("ix_component_kind_sort_key_slug", "kind", "sort_key", "slug"),
        sa.Index("ix_component_reuse_sort_key_slug", "reuse", "sort_key", "slug"),
        sa.Index("ix_component_level_sort_key_slug", "level", "sort_key", "slug"),
        sa.Index("ix_component_life_cycle_sort_key_slug", "life_cycle", "sort_key", "slug"),
        sa.Index("ix_component_next_on", "next_on", postgresql_where=sa.text("next_on IS NOT NULL")),
        sa.Index("ix_component_decide_by_on", "decide_by_on", postgresql_where=sa.text("decide_by_on IS NOT NULL")),
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
    operator_id: int | None = Field(default=None, foreign_key="organisation.id", index=True)
    price_note: dict[str, str] | None = Field(default=None, sa_type=JSON)
    terms_url: str | None = Field(default=None, max_length=500)
    data_processing_agreement_url: str | None = Field(default=None, max_length=500)
    licence: str | None = Field(default=None, max_length=200)
    purpose: dict[str, str] | None = Field(default=None, sa_type=JSON)
    target_services: list[str] = Field(
        default_factory=list, sa_type=ARRAY(sa.String(200)), sa_column_kwargs={"server_default": _NONE}
    )
    life_cycle: LifeCycle = Field(sa_type=choice(LifeCycle))
    life_cycle_reason: str | None = Field(default=None, max_length=2000)
    next_life_cycle: LifeCycle | None = Field(default=None, sa_type=choice(LifeCycle))
    next_on: date | None = None
    next_reason: str | None = Field(default=None, max_length=2000)
    decide_by_on: date | None = None
    authors: list[str] = Field(
        default_factory=list, sa_type=ARRAY(sa.String(200)), sa_column_kwargs={"server_default": _NONE}
    )
    ended_on: date | None = None
    replaced_by_id: int | None = Field(default=None, foreign_key="component.id", index=True)
    transfer_to_id: int | None = Field(default=None, foreign_key="organisation.id", index=True)
    confirmed_on: date | None = None
    source: dict[str, str | None] | None = Field(default=None, sa_type=JSON)
    revision: int = Field(default=1, sa_column_kwargs={"server_default": "1"})


class ComponentNotFound(NotFound):
    """No component has this name."""


class ComponentSlugTaken(Conflict):
    """Another component already has this name."""


# ---- Reading. `{today}` is a placeholder of whichever driver asks.

_PARTY = "json_build_object('organisation_id', {0}.uuid, 'organisation_number', {0}.organisation_number, 'name', {1})"
_STATE = "CASE WHEN c.next_on <= {today} THEN c.next_life_cycle ELSE c.life_cycle END"
_REVISION = "c.revision + CASE WHEN c.next_on <= {today} THEN 1 ELSE 0 END"
_SHOWN = f"""
    json_build_object('slug', c.slug, 'kind', c.kind, 'name', c.name, 'summary', c.summary, 'purpose', c.purpose,
        'target_services', c.target_services, 'reuse', c.reuse, 'level', c.level,
        'owner', CASE WHEN COALESCE(c.owner_name, o.name) IS NOT NULL THEN
            {_PARTY.format("o", "COALESCE(c.owner_name, o.name)")} END,
        'operator', CASE WHEN p.id IS NOT NULL THEN {_PARTY.format("p", "p.name")} END,
        'price_note', c.price_note, 'terms_url', c.terms_url,
        'data_processing_agreement_url', c.data_processing_agreement_url, 'licence', c.licence,
        'life_cycle', {_STATE},
        'life_cycle_reason', CASE WHEN c.next_on <= {{today}} THEN c.next_reason ELSE c.life_cycle_reason END,
        'planned', CASE WHEN c.next_on > {{today}} THEN json_build_object(
            'life_cycle', c.next_life_cycle, 'effective_on', c.next_on, 'reason', c.next_reason) END,
        'decide_by_on', c.decide_by_on, 'ended_on', c.ended_on,
        'replaced_by', (SELECT slug FROM component WHERE id = c.replaced_by_id),
        'transfer_to', (SELECT organisation_number FROM organisation WHERE id = c.transfer_to_id),
        'confirmed_on', c.confirmed_on, 'stale', COALESCE(c.confirmed_on < {{today}} - {STALE_AFTER}, true),
        'source', c.source)
"""  # noqa: S608  # put together from our own constants only, as are those below
_FROM = "component c LEFT JOIN organisation o ON o.id = c.owner_id LEFT JOIN organisation p ON p.id = c.operator_id"
_ONE = f"SELECT CAST({_SHOWN} AS text) AS shown, {_REVISION} AS revision FROM {_FROM} WHERE c.slug = "  # noqa: S608
_ONE_HOT = _ONE.replace("{today}", "$2") + "$1"
_ONE_HERE = sa.text(_ONE.replace("{today}", "CAST(:today AS date)") + ":slug")
_MANY_HERE = sa.text(
    f"SELECT c.slug, {_SHOWN} AS shown FROM {_FROM} WHERE c.slug = ANY(:slugs)".replace(  # noqa: S608
        "{today}", "CAST(:today AS date)"
    )
)
_PAGE = f"""
    SELECT convert_to(string_agg(shown, ',') FILTER (WHERE place <= $2), 'UTF8') AS items, count(*) > $2 AS more,
           max(sort_key) FILTER (WHERE place = $2) AS sort_key, max(slug) FILTER (WHERE place = $2) AS slug
      FROM (SELECT CAST({_SHOWN} AS text) AS shown, c.sort_key, c.slug,
                   row_number() OVER (ORDER BY c.sort_key, c.slug) AS place
              FROM {_FROM} WHERE {{conditions}} ORDER BY c.sort_key, c.slug LIMIT $2 + 1) AS page
"""  # noqa: S608
_FILTERS = {
    "kind": "c.kind = {0}",
    "reuse": "c.reuse = {0}",
    "level": "c.level = {0}",
    "licence": "c.licence = {0}",
    "life_cycle": "((c.life_cycle = {0} AND (c.next_on IS NULL OR c.next_on > {today})) "
    "OR (c.next_life_cycle = {0} AND c.next_on <= {today}))",
    "owner": "c.owner_id = (SELECT id FROM organisation WHERE organisation_number = {0})",
    "operator": "c.operator_id = (SELECT id FROM organisation WHERE organisation_number = {0})",
    "overdue": "(c.decide_by_on IS NOT NULL AND c.decide_by_on < {today}) = {0}",
    "stale": "COALESCE(c.confirmed_on < {today} - " + str(STALE_AFTER) + ", true) = {0}",
    "slug": "c.slug = ANY({0})",
}
FILTERS = frozenset(_FILTERS)


async def shown(database: Database, slug: str, today: date) -> tuple[str, int]:
    """A component as JSON text, built by the database in one round trip (the hottest read of the catalogue), and the
    revision that a change starts from. A planned change that has come about is one."""
    found = await database.hot(_ONE_HOT, slug, today)
    if not found:
        raise ComponentNotFound(f"No component is called {slug!r}.")
    return found[0]["shown"], found[0]["revision"]


def shown_here(session: Session, slug: str, today: date) -> tuple[str, int]:
    """The same within the transaction that changes it."""
    row = session.execute(_ONE_HERE, {"slug": slug, "today": today}).one()
    return row.shown, row.revision


def shown_many(session: Session, slugs: Sequence[str], today: date) -> list[dict[str, Any]]:
    """Components as shown, in the order of their names as given; those that are not there are left out."""
    rows = session.execute(_MANY_HERE, {"slugs": list(slugs), "today": today})
    by_slug = {row.slug: row.shown for row in rows}
    return [by_slug[slug] for slug in slugs if slug in by_slug]


async def page(
    database: Database, after: list[Any] | None, limit: int, filters: Mapping[str, Any], today: date
) -> tuple[bytes, list[str] | None]:
    """By name, as Norwegian sorts: the items of a page as JSON with commas between, and where the next one begins. One
    row comes back, whole, as reading twenty costs more here than joining them does there. The statement holds only the
    conditions that are asked for, so that each has its index."""
    values: list[Any] = [today, limit]
    conditions = ["true"]
    if after:
        values += after
        conditions.append("(c.sort_key, c.slug) > ($3, $4)")
    for name, value in filters.items():
        values.append(value)
        conditions.append(_FILTERS[name].replace("{0}", f"${len(values)}"))
    statement = _PAGE.replace("{conditions}", " AND ".join(conditions)).replace("{today}", "$1")
    (found,) = await database.hot(statement, *values)
    return found["items"] or b"", [found["sort_key"], found["slug"]] if found["more"] else None


# ---- Keeping


def new(slug: str, name: dict[str, str], **rest: Any) -> Component:
    return Component(slug=slug, name=name, sort_key=text_sort_key(name), **rest)


def add(session: Session, component: Component) -> Component:
    session.add(component)
    try:
        session.flush()
    except IntegrityError:
        raise ComponentSlugTaken(f"{component.slug!r} is taken.", pointer="#/slug") from None
    return component


def lock(session: Session, slug: str, today: date) -> Component:
    """To change it: whoever else wants to waits. A planned change that has come about is settled in the row."""
    query = (
        select(Component).where(col(Component.slug) == slug).with_for_update(key_share=True)
    )  # others may refer to it
    found = session.exec(query).one_or_none()
    if found is None:
        raise ComponentNotFound(f"No component is called {slug!r}.")
    if found.next_on and found.next_on <= today:
        assert found.next_life_cycle
        found.life_cycle, found.life_cycle_reason = found.next_life_cycle, found.next_reason
        found.next_life_cycle = found.next_on = found.next_reason = None
        found.revision += 1
    return found


def move(
    session: Session,
    component: Component,
    kind: EventKind,
    caller: Caller | None,
    *,
    effective_on: date,
    recorded_at: datetime,
    today: date,
    reason: str | None,
    filed_as: LifeCycle | None = None,
) -> None:
    """Record an event of its life, and keep beside it what its events now amount to."""
    events.record(
        session,
        events.ComponentEvent(
            component_id=component.id,
            kind=kind,
            filed_as=filed_as,
            effective_on=effective_on,
            recorded_at=recorded_at,
            reason=reason,
            back_dated=filed_as is None and effective_on < today,
            organisation_number=caller.organisation if caller else None,
            client=caller.client if caller else "samvirke",
        ),
    )
    standing = events.standing(session, component.id, today)
    assert standing.state
    if effective_on <= today and kind is not EventKind.CALLED_OFF:
        component.life_cycle_reason = reason
    component.life_cycle = standing.state
    component.next_life_cycle, component.next_on = standing.next_state, standing.next_on
    component.next_reason = reason if standing.next_on else None
    if standing.state is not LifeCycle.PROPOSED:
        component.decide_by_on = None
    elif kind is EventKind.PROPOSED:
        component.decide_by_on = lifecycles.decide_by(effective_on)


def offer(component: Component) -> Offer:
    """What it says about how it is shared."""
    told = {
        "operator": component.operator_id,
        "price_note": component.price_note,
        "terms_url": component.terms_url,
        "data_processing_agreement_url": component.data_processing_agreement_url,
        "licence": component.licence,
    }
    reuse = Reuse(component.reuse) if component.reuse else None
    return Offer(Kind(component.kind), reuse, {name for name, value in told.items() if value})


# ---- Asked by others


def slugs(session: Session) -> set[str]:
    return set(session.exec(select(Component.slug)))


def find(session: Session, slug: str) -> int | None:
    """The internal key of a component."""
    return session.exec(select(Component.id).where(col(Component.slug) == slug)).one_or_none()


def by_slug(session: Session, slug: str) -> Component:
    found = session.exec(select(Component).where(col(Component.slug) == slug)).one_or_none()
    if found is None:
        raise ComponentNotFound(f"No component is called {slug!r}.")
    return found


def id_of(session: Session, slug: str) -> int:
    """The same, where there must be one."""
    found = find(session, slug)
    if found is None:
        raise ComponentNotFound(f"No component is called {slug!r}.")
    return found


def ids(session: Session, wanted: Sequence[str]) -> dict[str, int]:
    """The internal keys of those that are there, by slug."""
    query = sa.select(col(Component.slug), col(Component.id)).where(col(Component.slug).in_(wanted))
    return {row.slug: row.id for row in session.execute(query)}


def number_of(session: Session, organisation_id: int | None) -> str | None:
    """An owner's or operator's organisation number."""
    if organisation_id is None:
        return None
    query = sa.select(col(Organisation.organisation_number)).where(col(Organisation.id) == organisation_id)
    found: str | None = session.execute(query).scalar_one()
    return found


def organisation_of(session: Session, number: str | None) -> int | None:
    """The internal key of a registered organisation."""
    if number is None:
        return None
    query = sa.select(col(Organisation.id)).where(col(Organisation.organisation_number) == number)
    return session.execute(query).scalar_one_or_none()


# ---- Found by the search


def index(session: Session, component: Component) -> None:
    """Let the search find it as it is now."""
    search.put(session, _entry(component, session.get(Organisation, component.owner_id)))


def entries(session: Session) -> Iterator[Entry]:
    """All of them, for the search to begin anew."""
    query: Any = sa.select(Component, Organisation).outerjoin(
        Organisation, col(Component.owner_id) == col(Organisation.id)
    )
    for component, owner in session.execute(query.execution_options(yield_per=1000)):
        yield _entry(component, owner)


def _entry(component: Component, owner: Organisation | None) -> Entry:
    facets = {
        "kind": component.kind,
        "reuse": component.reuse,
        "level": component.level,
        "life_cycle": component.life_cycle,
        "owner": (owner and owner.organisation_number) or component.owner_name,
        "licence": component.licence,
    }
    told = {name: str(value) for name, value in facets.items() if value}
    then = told | {"life_cycle": str(component.next_life_cycle)}
    filled: list[Any] = [
        component.summary,
        component.purpose,
        component.target_services,
        component.reuse,
        component.level,
    ]
    filled += [owner, component.licence or component.operator_id]
    return Entry(
        type=Type.COMPONENT,
        ref=component.slug,
        path=f"/components/{component.slug}",
        name=component.name,
        summary=component.summary,
        sort_key=component.sort_key,
        words=[*component.target_services, *(component.purpose or {}).values()],
        facets=told,
        later=Later(component.next_on, then) if component.next_on else None,
        weight=weight(
            complete=sum(bool(one) for one in filled) / len(filled), ended=component.life_cycle is LifeCycle.RETIRED
        ),
    )
