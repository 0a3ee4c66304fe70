"""Needs as they are kept: what is wanted, what happened to it, and who has joined, the last two only ever added."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlmodel import Field, Session, col, select

from services.catalog.co_operations import rules as co_operation_rules
from services.catalog.co_operations import store as co_operations
from services.catalog.db import Table
from services.catalog.needs.rules import (
    LIVE,
    STATES,
    Area,
    Audience,
    EventKind,
    Having,
    ProjectStatus,
    PublicBodiesOnly,
    State,
    may_see_whose,
)
from services.catalog.organisations import rules as organisation_rules
from services.catalog.organisations import store as organisations
from services.catalog.organisations.store import Organisation
from services.catalog.search import store as search
from services.catalog.search.rules import Entry, Type, weight
from services.chassis.db import INSTANT, JSON, choice
from services.chassis.problems import NotFound
from services.chassis.values import new_id, text_sort_key

_WORDS = (
    "setweight(to_tsvector('norwegian'::regconfig, title), 'A') || "
    "setweight(to_tsvector('norwegian'::regconfig, COALESCE(description, '{}'::jsonb)), 'B')"
)


FILTERS = ("state", "area", "component", "specification", "requirement", "county", "organisation", "q")


class Need(Table, table=True):
    __table_args__ = (
        sa.Index("ix_need_posted_at_uuid", "posted_at", "uuid"),
        sa.Index("ix_need_words", "words", postgresql_using="gin"),
    )
    id: int = Field(default=None, primary_key=True)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    owner_id: int | None = Field(default=None, foreign_key="organisation.id", index=True)
    title: dict[str, str] = Field(sa_type=JSON)
    description: dict[str, str] | None = Field(default=None, sa_type=JSON)
    area: Area | None = Field(default=None, sa_type=choice(Area), index=True)
    project_status: ProjectStatus | None = Field(default=None, sa_type=choice(ProjectStatus))
    project_year: int | None = None
    wanted_by_on: date | None = None
    audience: Audience = Field(default=Audience.PUBLIC, sa_type=choice(Audience))
    fictional: bool = False
    source: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    posted_at: datetime = Field(sa_type=INSTANT)
    revision: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    words: Any = Field(default=None, sa_column=sa.Column(TSVECTOR, sa.Computed(_WORDS, persisted=True)))


class NeedComponent(Table, table=True):
    """A component that a need is linked to."""

    __tablename__ = "need_component"
    need_id: int = Field(foreign_key="need.id", primary_key=True)
    component_id: int = Field(foreign_key="component.id", primary_key=True, index=True)
    place: int


class NeedRequirement(Table, table=True):
    """A requirement that whatever meets the need has to meet."""

    __tablename__ = "need_requirement"
    need_id: int = Field(foreign_key="need.id", primary_key=True)
    requirement_id: int = Field(foreign_key="requirement.id", primary_key=True, index=True)
    place: int


class NeedEvent(Table, table=True):
    """What happened to a need. A trigger keeps it from being changed."""

    __tablename__ = "need_event"
    __table_args__ = (sa.Index("ix_need_event_need_id_id", "need_id", "id"),)
    id: int = Field(default=None, primary_key=True)
    need_id: int = Field(foreign_key="need.id")
    kind: EventKind = Field(sa_type=choice(EventKind))
    recorded_at: datetime = Field(sa_type=INSTANT)
    organisation_number: str | None = Field(default=None, max_length=9)
    reason: str | None = Field(default=None, max_length=2000)


class NeedJoining(Table, table=True):
    """That an organisation joined a need, or left it. A trigger keeps it from being changed."""

    __tablename__ = "need_joining"
    __table_args__ = (sa.Index("ix_need_joining_need_id_organisation_id_id", "need_id", "organisation_id", "id"),)
    id: int = Field(default=None, primary_key=True)
    need_id: int = Field(foreign_key="need.id")
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    joined: bool
    for_members: bool
    recorded_at: datetime = Field(sa_type=INSTANT)


class NeedNotFound(NotFound):
    """No need has this id."""


JOINED = """
    SELECT need_id, organisation_id, for_members
      FROM (SELECT DISTINCT ON (need_id, organisation_id) need_id, organisation_id, joined, for_members
              FROM need_joining WHERE {where} ORDER BY need_id, organisation_id, id DESC) AS last
     WHERE joined
"""
_LAST = "(SELECT e.kind FROM need_event e WHERE e.need_id = n.id ORDER BY e.id DESC LIMIT 1)"
_SHOWN = f"""
    SELECT n.id AS key, n.uuid AS id, n.owner_id, n.title, n.description, n.area, n.project_status, n.project_year,
           n.wanted_by_on, n.audience, n.fictional, n.source, n.posted_at, n.revision, {_LAST} AS last_event,
           ARRAY(SELECT c.slug FROM need_component nc JOIN component c ON c.id = nc.component_id
                  WHERE nc.need_id = n.id ORDER BY nc.place) AS components,
           COALESCE((SELECT json_agg(json_build_object('specification', s.slug, 'requirement', q.code,
                                                       'obligation', q.obligation, 'text', q.text) ORDER BY nr.place)
                       FROM need_requirement nr JOIN requirement q ON q.id = nr.requirement_id
                       JOIN specification s ON s.id = q.specification_id
                      WHERE nr.need_id = n.id), '[]') AS requirements
      FROM need n
"""  # noqa: S608  # put together from our own constants only
_ONE = sa.text(f"{_SHOWN} WHERE n.uuid = :uuid")
_HOLDERS = """
    SELECT id FROM organisation
     WHERE (CAST(:county AS text) IS NULL OR county_number = :county)
       AND (CAST(:organisation AS text) IS NULL OR organisation_number = :organisation)
"""
_PAGE = sa.text(
    f"""{_SHOWN}
     WHERE (CAST(:after_at AS timestamptz) IS NULL OR (n.posted_at, n.uuid) < (:after_at, :after_id))
       AND (CAST(:area AS text) IS NULL OR n.area = :area)
       AND (CAST(:kinds AS text[]) IS NULL OR {_LAST} = ANY(:kinds))
       AND (CAST(:q AS text) IS NULL OR n.words @@ websearch_to_tsquery('norwegian', :q))
       AND (CAST(:component AS text) IS NULL OR n.id IN (
            SELECT nc.need_id FROM need_component nc JOIN component c ON c.id = nc.component_id
             WHERE c.slug = :component))
       AND ((CAST(:requirement AS text) IS NULL AND CAST(:specification AS text) IS NULL) OR n.id IN (
            SELECT nr.need_id FROM need_requirement nr JOIN requirement q ON q.id = nr.requirement_id
              JOIN specification s ON s.id = q.specification_id
             WHERE (CAST(:requirement AS text) IS NULL OR q.code = :requirement)
               AND (CAST(:specification AS text) IS NULL OR s.slug = :specification)))
       AND (NOT :by_holder OR ((:sees_all OR n.audience = 'public') AND (n.owner_id IN ({_HOLDERS}) OR n.id IN (
            SELECT need_id FROM ({JOINED.format(where=f"organisation_id IN ({_HOLDERS})")}) AS held))))
     ORDER BY n.posted_at DESC, n.uuid DESC LIMIT :rows
    """  # noqa: S608
)
_WANTED = sa.text(
    """
    SELECT q.id, s.slug AS specification, q.code, q.obligation, q.text
      FROM need_requirement nr JOIN requirement q ON q.id = nr.requirement_id
      JOIN specification s ON s.id = q.specification_id
     WHERE nr.need_id = :need ORDER BY nr.place
    """
)
_REQUIREMENTS = sa.text(
    """
    SELECT s.slug AS specification, q.code, q.id FROM requirement q JOIN specification s ON s.id = q.specification_id
     WHERE (s.slug, q.code) IN (SELECT * FROM unnest(CAST(:slugs AS text[]), CAST(:codes AS text[])))
    """
)


# What a specification that was derived has taken over word for word is one requirement, whichever id it goes by.
_SAME = sa.text(
    """
    WITH RECURSIVE same (wanted, key) AS (
        SELECT id, id FROM requirement WHERE id = ANY(:ids)
         UNION
        SELECT same.wanted, pair.other
          FROM same
          JOIN (SELECT requirement_id AS one, upstream_id AS other FROM specificationversion_requirement
                 WHERE upstream_id IS NOT NULL
                 UNION ALL
                SELECT upstream_id, requirement_id FROM specificationversion_requirement
                 WHERE upstream_id IS NOT NULL) AS pair ON pair.one = same.key
          JOIN requirement a ON a.id = same.key
          JOIN requirement b ON b.id = pair.other
         WHERE a.text = b.text AND a.applies_to IS NOT DISTINCT FROM b.applies_to
           AND (a.standard, a.clause) IS NOT DISTINCT FROM (b.standard, b.clause))
    SELECT same.wanted, same.key, s.slug AS specification, q.code
      FROM same JOIN requirement q ON q.id = same.key JOIN specification s ON s.id = q.specification_id
     ORDER BY s.slug, q.code
    """
)


@dataclass(frozen=True)
class Holder:
    """An organisation that has a need: as it is today, and for which members it has joined."""

    organisation: Organisation
    owner: bool
    for_members: bool
    members: frozenset[int]
    keys: tuple[int, ...]
    """Under which internal keys: its own, and those of what has become part of it."""


def add(
    session: Session,
    need: Need,
    components: Sequence[int],
    requirements: Sequence[int],
    by: str | None,
    *,
    kind: EventKind = EventKind.POSTED,
    recorded_at: datetime | None = None,
) -> None:
    """Keep a need with what began it; recorded when it was posted, unless a report of long ago tells of it."""
    session.add(need)
    session.flush()
    put_links(session, need.id, components, requirements)
    record(session, need.id, kind, recorded_at or need.posted_at, by, None)


def put_links(session: Session, need_id: int, components: Sequence[int], requirements: Sequence[int]) -> None:
    """The components and requirements of a need, in this order."""
    for table, column, ids in (
        (NeedComponent, "component_id", components),
        (NeedRequirement, "requirement_id", requirements),
    ):
        session.execute(sa.delete(table).where(table.need_id == need_id))  # type: ignore[arg-type]  # a column
        if ids:
            rows = [{"need_id": need_id, column: id, "place": place} for place, id in enumerate(ids)]
            session.execute(sa.insert(table), rows)


def record(
    session: Session, need_id: int, kind: EventKind, recorded_at: datetime, by: str | None, reason: str | None
) -> None:
    session.add(NeedEvent(need_id=need_id, kind=kind, recorded_at=recorded_at, organisation_number=by, reason=reason))
    session.flush()


def acting(session: Session, number: str) -> Organisation:
    """The organisation that acts, which must be a public body."""
    found = organisations.of_caller(session, number)
    if not organisation_rules.is_public_body(found.kinds):
        raise PublicBodiesOnly
    return found


def locked(session: Session, uuid: UUID) -> Need:
    """The need's row until the transaction ends: changes, steps and joinings of one need wait for each other."""
    found = session.exec(select(Need).where(col(Need.uuid) == uuid).with_for_update()).one_or_none()
    if found is None:
        raise NeedNotFound(f"No need has the id {uuid}.")
    return found


def by_uuid(session: Session, uuid: UUID) -> sa.Row[Any]:
    found = session.execute(_ONE, {"uuid": uuid}).one_or_none()
    if found is None:
        raise NeedNotFound(f"No need has the id {uuid}.")
    return found


def uuids(session: Session) -> set[UUID]:
    return set(session.exec(select(Need.uuid)))


def state(session: Session, need_id: int) -> State:
    query = select(NeedEvent.kind).where(col(NeedEvent.need_id) == need_id).order_by(col(NeedEvent.id).desc())
    return STATES[EventKind(session.exec(query.limit(1)).one())]


def history(session: Session, need_id: int) -> Sequence[NeedEvent]:
    query = select(NeedEvent).where(col(NeedEvent.need_id) == need_id).order_by(col(NeedEvent.id))
    return session.exec(query).all()


def page(
    session: Session, after: list[Any] | None, limit: int, filters: dict[str, Any], *, sees_all: bool
) -> Sequence[sa.Row[Any]]:
    """Newest first, limit + 1 rows. Without `sees_all` nobody finds out by a filter whose a restricted need is."""
    state = filters["state"]
    kinds = [kind.value for kind, then in STATES.items() if then == state] if state else None
    after_at, after_id = after or (None, None)
    values = filters | {"kinds": kinds, "after_at": after_at, "after_id": after_id, "rows": limit + 1}
    values["by_holder"] = bool(filters["county"] or filters["organisation"])
    return session.execute(_PAGE, values | {"sees_all": sees_all}).all()


def wanted(session: Session, need_id: int) -> Sequence[sa.Row[Any]]:
    """The requirements of a need, in their order: internal key, specification, code, obligation, text."""
    return session.execute(_WANTED, {"need": need_id}).all()


def same(session: Session, requirements: Collection[int]) -> dict[int, list[sa.Row[Any]]]:
    """Requirement → itself, and those of specifications derived from its own, or that its own was derived from, which
    say the same: internal key, specification, code."""
    found: dict[int, list[sa.Row[Any]]] = {one: [] for one in requirements}
    for row in session.execute(_SAME, {"ids": list(requirements)}):
        found[row.wanted].append(row)
    return found


def components(session: Session, need_id: int) -> list[int]:
    query = select(NeedComponent.component_id).where(col(NeedComponent.need_id) == need_id)
    return list(session.exec(query.order_by(col(NeedComponent.place))))


def requirement_ids(session: Session, asked: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """(specification, requirement) → internal key, of those that exist."""
    values = {"slugs": [one[0] for one in asked], "codes": [one[1] for one in asked]}
    return {(row.specification, row.code): row.id for row in session.execute(_REQUIREMENTS, values)}


def holders(session: Session, owners: dict[int, int | None], today: date) -> dict[int, list[Holder]]:
    """Need → whoever has it, as organisations of today: the owner first, then by name. Whoever has merged since stands
    once, as its successor; one that was split stays what it was until its successors have said whose the need is.
    `owners`: need → its owner."""
    held: dict[int, dict[int, tuple[bool, bool]]] = {need: {} for need in owners}
    for need, owner in owners.items():
        if owner is not None:
            held[need][owner] = (True, False)
    rows = session.execute(sa.text(JOINED.format(where="need_id = ANY(:needs)")), {"needs": list(owners)})
    for row in rows:
        held[row.need_id].setdefault(row.organisation_id, (False, row.for_members))
    every = {one for needs in held.values() for one in needs}
    resolved = organisations.resolve(session, every, today)
    now = {one: found[0][0] if len(found) == 1 else one for one, found in resolved.items()}
    known = organisations.by_ids(session, set(now.values()))
    members = _members(session, {now[one] for needs in held.values() for one, kept in needs.items() if kept[1]}, today)
    found: dict[int, list[Holder]] = {}
    for need, kept in held.items():
        once: dict[int, Holder] = {}
        for one, (owns, for_members) in kept.items():
            key = now[one]
            before = once.get(key)
            once[key] = Holder(
                known[key],
                owns or (before is not None and before.owner),
                for_members or (before is not None and before.for_members),
                members.get(key, frozenset()) if for_members else (before.members if before else frozenset()),
                (*(before.keys if before else ()), one),
            )
        found[need] = sorted(once.values(), key=lambda one: (not one.owner, one.organisation.sort_key))
    return found


def _members(session: Session, organisation_ids: Collection[int], today: date) -> dict[int, frozenset[int]]:
    """Co-operation, by its organisation → its members today: those that are, not those that perhaps are."""
    keys = {one: co_operations.id_of_organisation(session, one) for one in organisation_ids}
    lists = co_operations.members_of_all(session, [key for key in keys.values() if key is not None], today)
    found: dict[int, frozenset[int]] = defaultdict(frozenset)
    for one, key in keys.items():
        if key is not None:
            found[one] = frozenset(
                member.organisation_id for member in lists[key] if member.status in co_operation_rules.MEMBERS
            )
    return found


def having(holders: Sequence[Holder]) -> list[Having]:
    """For counting each once."""
    return [Having(one.organisation.id, one.members or None) for one in holders]


def index(session: Session, uuid: UUID, today: date) -> None:
    """Let the search find it as it is now."""
    search.put(session, *_entries(session, [by_uuid(session, uuid)], today))


def entries(session: Session, today: date) -> Iterator[Entry]:
    """Every need as the search finds it."""
    after: list[Any] | None = None
    while rows := page(session, after, 500, dict.fromkeys(FILTERS), sees_all=True):
        yield from _entries(session, rows[:500], today)
        after = [rows[:500][-1].posted_at, rows[:500][-1].id]


def _entries(session: Session, rows: Sequence[sa.Row[Any]], today: date) -> Iterator[Entry]:
    held = holders(session, {row.key: row.owner_id for row in rows}, today)
    for row in rows:
        # Whose a restricted need is shows by no facet either, not even to those who may know: all see one count.
        public = held[row.key] if may_see_whose(Audience(row.audience), public_body=False) else []
        state = STATES[EventKind(row.last_event)]
        facets = {
            "state": state.value,
            "county": sorted({one.organisation.county_number for one in public if one.organisation.county_number}),
            "component": row.components,
            "specification": sorted({one["specification"] for one in row.requirements}),
            "area": row.area,
        }
        yield Entry(
            type=Type.NEED,
            ref=str(row.id),
            path=f"/needs/{row.id}",
            name=row.title,
            summary=row.description,
            sort_key=text_sort_key(row.title),
            words=sorted({one["requirement"] for one in row.requirements}),
            facets=facets,
            weight=weight(complete=sum(map(bool, facets.values())) / len(facets), ended=state not in LIVE),
        )
