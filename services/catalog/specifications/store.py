"""Requirement specifications as they are kept."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from services.catalog.db import Table
from services.catalog.organisations.store import Organisation
from services.catalog.requirements import store as kept_requirements
from services.catalog.requirements.store import Content as Content  # others ask for these here
from services.catalog.requirements.store import codes as codes
from services.catalog.requirements.store import contents as contents
from services.catalog.requirements.store import requirements as requirements
from services.catalog.schemes.rules import SubjectKind
from services.catalog.search import store as search
from services.catalog.search.rules import Entry, Later, Type, weight
from services.catalog.specifications import rules
from services.catalog.specifications.rules import EventKind, Timeline
from services.chassis.db import INSTANT, JSON, choice
from services.chassis.problems import Conflict, NotFound, refuse
from services.chassis.values import text_sort_key


class Specification(Table, table=True):
    """Without an owner it is the editors'. `derived_from_id`: the specification that it follows. Only what certifies
    products has a level."""

    __table_args__ = (
        sa.CheckConstraint("(level = 2) = (presupposes_id IS NOT NULL)", name="level_presupposes"),
        sa.CheckConstraint("(level IS NOT NULL) = (certifies = 'product')", name="level_product"),
    )
    id: int = Field(default=None, primary_key=True)
    slug: str = Field(max_length=80, unique=True)
    certifies: SubjectKind = Field(
        default=SubjectKind.PRODUCT, sa_type=choice(SubjectKind), sa_column_kwargs={"server_default": "product"}
    )
    level: int | None = None
    name: dict[str, str] = Field(sa_type=JSON)
    summary: dict[str, str] | None = Field(default=None, sa_type=JSON)
    presupposes_id: int | None = Field(default=None, foreign_key="specification.id")
    owner_id: int | None = Field(default=None, foreign_key="organisation.id", index=True)
    national: bool = Field(default=False, sa_column_kwargs={"server_default": sa.true()})
    derived_from_id: int | None = Field(default=None, foreign_key="specification.id", index=True)
    confirmed_on: date | None = None
    revision: int = Field(default=1, sa_column_kwargs={"server_default": "1"})


class SpecificationVersion(Table, table=True):
    """`base_id`: the version of the followed specification that this one last took over from."""

    __table_args__ = (sa.UniqueConstraint("specification_id", "label"),)
    id: int = Field(default=None, primary_key=True)
    specification_id: int = Field(foreign_key="specification.id")
    label: str = Field(max_length=40)
    base_id: int | None = Field(default=None, foreign_key="specificationversion.id", index=True)


class VersionEvent(Table, table=True):
    """What happened to a version. A trigger keeps it from ever being changed."""

    __tablename__ = "specificationversion_event"
    id: int = Field(default=None, primary_key=True)
    version_id: int = Field(foreign_key="specificationversion.id", index=True)
    kind: EventKind = Field(sa_type=choice(EventKind))
    effective_on: date
    recorded_at: datetime = Field(sa_type=INSTANT)
    reason: str | None = Field(default=None, max_length=2000)
    back_dated: bool
    organisation_number: str | None = Field(default=None, max_length=9)


class SpecificationNotFound(NotFound):
    """No specification has this name."""


class SpecificationVersionNotFound(NotFound):
    """The specification has no such version."""


class SpecificationSlugTaken(Conflict):
    """Another specification already has this name."""


class VersionLabelTaken(Conflict):
    """The specification already has a version of this label."""


@dataclass(frozen=True)
class Version:
    """A version with its timeline."""

    id: int
    specification_id: int
    label: str
    base_id: int | None
    timeline: Timeline

    def known_at(self, instant: datetime) -> "Version":
        return replace(self, timeline=self.timeline.known_at(instant))

    @property
    def effective_on(self) -> date | None:
        return self.timeline.first(EventKind.PUBLISHED)

    @property
    def ended_on(self) -> date | None:
        return self.timeline.first(EventKind.ENDED)


# ---- Looking


def find(session: Session, slug: str) -> Specification | None:
    return session.exec(select(Specification).where(col(Specification.slug) == slug)).one_or_none()


def by_slug(session: Session, slug: str, *, changing: bool = False) -> Specification:
    """`changing`: whoever changes it waits for others who do."""
    query = select(Specification).where(col(Specification.slug) == slug)
    found = session.exec(query.with_for_update() if changing else query).one_or_none()
    if found is None:
        raise SpecificationNotFound(f"No specification is called {slug!r}.")
    return found


def to_change(session: Session, slug: str, organisation: str, *, editor: bool) -> Specification:
    """The specification, held until the change is kept; only its owner or an editor gets it."""
    found = by_slug(session, slug, changing=True)
    owner, _ = owners(session, [found.owner_id]).get(found.owner_id, (None, ""))
    refuse(rules.check_owner(national=found.national, owner=owner, caller=organisation, editor=editor))
    return found


def slugs(session: Session) -> set[str]:
    return set(session.exec(select(Specification.slug)))


def presupposed(session: Session, slug: str) -> tuple[int, rules.Presupposed] | None:
    """→ (internal key, what the rules ask of it); None when there is none of this name"""
    found = find(session, slug)
    return (found.id, _presupposed(session, found)) if found else None


def presupposed_by(session: Session, specification: Specification) -> rules.Presupposed | None:
    if specification.presupposes_id is None:
        return None
    return _presupposed(session, session.get_one(Specification, specification.presupposes_id))


def _presupposed(session: Session, found: Specification) -> rules.Presupposed:
    taken = [one.effective_on for one in versions(session, [found.id])[found.id] if one.effective_on]
    return rules.Presupposed(found.level, min(taken, default=None))


def page(
    session: Session,
    after: list[Any] | None,
    limit: int,
    *,
    level: int | None = None,
    certifies: SubjectKind | None = None,
    slugs: Sequence[str] = (),
    owner: str | None = None,
    national: bool | None = None,
    derived_from: str | None = None,
) -> Sequence[Specification]:
    query = select(Specification).order_by(col(Specification.slug)).limit(limit + 1)
    if after:
        query = query.where(col(Specification.slug) > after[0])
    if level:
        query = query.where(col(Specification.level) == level)
    if certifies:
        query = query.where(col(Specification.certifies) == certifies)
    if slugs:
        query = query.where(col(Specification.slug).in_(slugs))
    if owner:
        owners = select(Organisation.id).where(col(Organisation.organisation_number) == owner)
        query = query.where(col(Specification.owner_id).in_(owners))
    if national is not None:
        query = query.where(col(Specification.national).is_(national))
    if derived_from:
        upstream = select(Specification.id).where(col(Specification.slug) == derived_from)
        query = query.where(col(Specification.derived_from_id).in_(upstream))
    return session.exec(query).all()


def names(session: Session, ids: Iterable[int | None]) -> dict[int | None, str]:
    """Internal key → slug."""
    wanted = {one for one in ids if one is not None}
    query = sa.select(col(Specification.id), col(Specification.slug)).where(col(Specification.id).in_(wanted))
    return {row.id: row.slug for row in session.execute(query)} if wanted else {}


def labels(session: Session, ids: Iterable[int | None]) -> dict[int | None, tuple[str, str]]:
    """Internal key of a version → (the specification's slug, its label)."""
    wanted = {one for one in ids if one is not None}
    query = (
        sa.select(col(SpecificationVersion.id), col(Specification.slug), col(SpecificationVersion.label))
        .join(Specification, col(SpecificationVersion.specification_id) == col(Specification.id))
        .where(col(SpecificationVersion.id).in_(wanted))
    )
    return {row.id: (row.slug, row.label) for row in session.execute(query)} if wanted else {}


def owners(session: Session, ids: Iterable[int | None]) -> dict[int | None, tuple[str | None, str]]:
    """Internal key of an organisation → (organisation number, name)."""
    wanted = {one for one in ids if one is not None}
    query = sa.select(col(Organisation.id), col(Organisation.organisation_number), col(Organisation.name)).where(
        col(Organisation.id).in_(wanted)
    )
    return {row.id: (row.organisation_number, row.name) for row in session.execute(query)} if wanted else {}


def versions(session: Session, ids: Collection[int]) -> dict[int, list[Version]]:
    """Each specification's versions in the order in which they take effect, drafts last."""
    found: dict[int, list[Version]] = defaultdict(list)
    for version in _versions(session, col(SpecificationVersion.specification_id).in_(ids)):
        found[version.specification_id].append(version)
    for several in found.values():
        several.sort(key=lambda one: (one.effective_on is None, one.effective_on or date.min, one.id))
    return found


def find_version(session: Session, slug: str, label: str) -> Version | None:
    query = select(Specification.id).where(col(Specification.slug) == slug)
    found = _versions(
        session, col(SpecificationVersion.specification_id).in_(query), col(SpecificationVersion.label) == label
    )
    return found[0] if found else None


def version(session: Session, specification: Specification, label: str) -> Version:
    found = _versions(
        session,
        col(SpecificationVersion.specification_id) == specification.id,
        col(SpecificationVersion.label) == label,
    )
    if not found:
        raise SpecificationVersionNotFound(f"{specification.slug} has no version {label!r}.")
    return found[0]


def certifies(session: Session, specification_id: int) -> SubjectKind:
    """What is certified against it."""
    query = select(Specification.certifies).where(col(Specification.id) == specification_id)
    return SubjectKind(session.exec(query).one())


def version_by_id(session: Session, id: int) -> Version:
    return _versions(session, col(SpecificationVersion.id) == id)[0]


def _versions(session: Session, *conditions: Any) -> list[Version]:
    rows = session.exec(select(SpecificationVersion).where(*conditions).order_by(col(SpecificationVersion.id))).all()
    query = select(VersionEvent).where(col(VersionEvent.version_id).in_([row.id for row in rows]))
    happened: dict[int, list[rules.Event]] = defaultdict(list)
    for one in session.exec(query.order_by(col(VersionEvent.id))) if rows else ():
        happened[one.version_id].append(rules.Event(EventKind(one.kind), one.effective_on, one.recorded_at))
    return [
        Version(row.id, row.specification_id, row.label, row.base_id, Timeline(tuple(happened[row.id]))) for row in rows
    ]


def history(session: Session, version_ids: Collection[int]) -> dict[int, list[VersionEvent]]:
    """What happened to each version, in the order in which it was recorded."""
    query = select(VersionEvent).where(col(VersionEvent.version_id).in_(version_ids)).order_by(col(VersionEvent.id))
    found: dict[int, list[VersionEvent]] = defaultdict(list)
    for one in session.exec(query):
        found[one.version_id].append(one)
    return found


# ---- Keeping; the rules have been looked at


@dataclass(frozen=True)
class Recording:
    """When and by whom something is recorded."""

    at: datetime
    today: date
    organisation: str | None


def add(
    session: Session, specification: Specification, versions: Sequence[rules.Version], recording: Recording
) -> Specification:
    """Keep a specification with its versions; one that has a day to take effect on is published at once."""
    session.add(specification)
    try:
        session.flush()
    except IntegrityError:
        raise SpecificationSlugTaken(f"{specification.slug!r} is taken.", pointer="#/slug") from None
    for version in versions:
        kept = add_version(session, specification.id, version.label)
        stands = [kept_requirements.Stand(one) for one in version.requirements]
        kept_requirements.put(session, specification.id, kept.id, stands)
        if version.effective_on:
            record(session, kept.id, EventKind.PUBLISHED, version.effective_on, None, recording)
    return specification


def add_version(
    session: Session, specification_id: int, label: str, *, base_id: int | None = None
) -> SpecificationVersion:
    kept = SpecificationVersion(specification_id=specification_id, label=label, base_id=base_id)
    session.add(kept)
    try:
        session.flush()
    except IntegrityError:
        raise VersionLabelTaken(f"There is a version {label!r}.", pointer="#/version") from None
    return kept


def record(
    session: Session, version_id: int, kind: EventKind, effective_on: date, reason: str | None, recording: Recording
) -> None:
    session.add(
        VersionEvent(
            version_id=version_id,
            kind=kind,
            effective_on=effective_on,
            recorded_at=recording.at,
            reason=reason,
            back_dated=effective_on < recording.today,
            organisation_number=recording.organisation,
        )
    )
    session.flush()


# ---- To be found


def index(session: Session, specification: Specification, today: date) -> None:
    """Let the search find it as it is now."""
    session.flush()
    search.put(session, *_entries(session, [specification], today))


def entries(session: Session, today: date) -> Iterator[Entry]:
    """Every specification as the search finds it."""
    yield from _entries(session, session.exec(select(Specification)).all(), today)


def _entries(session: Session, rows: Sequence[Specification], today: date) -> Iterator[Entry]:
    found = versions(session, [row.id for row in rows])
    required = contents(session, [one.id for several in found.values() for one in several])
    owned = owners(session, [row.owner_id for row in rows])
    for row in rows:
        timelines = [one.timeline for one in found[row.id]]
        state = rules.summed_up(timelines, today)
        facets = {"state": state.value}
        if row.level is not None:
            facets["level"] = str(row.level)
        if row.owner_id in owned:
            facets["owner"] = owned[row.owner_id][0] or owned[row.owner_id][1]
        turn = rules.next_turn(timelines, today)
        yield Entry(
            type=Type.SPECIFICATION,
            ref=row.slug,
            path=f"/specifications/{row.slug}",
            name=row.name,
            summary=row.summary,
            sort_key=text_sort_key(row.name),
            words=tuple(sorted({one.code for version in found[row.id] for one in required[version.id]})),
            facets=facets,
            later=Later(turn, {**facets, "state": rules.summed_up(timelines, turn).value}) if turn else None,
            weight=weight(
                complete=(bool(row.summary) + bool(found[row.id]) + bool(row.confirmed_on)) / 3,
                ended=state is rules.Status.ENDED,
                certified=0,
            ),
        )
