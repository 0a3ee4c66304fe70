"""Requirement specifications as they are kept."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from services.catalog.db import Table
from services.catalog.specifications import rules
from services.catalog.specifications.rules import Obligation
from services.chassis.db import JSON, choice
from services.chassis.problems import Conflict, NotFound


class Specification(Table, table=True):
    __table_args__ = (sa.CheckConstraint("(level = 2) = (presupposes_id IS NOT NULL)", name="level_presupposes"),)
    id: int = Field(default=None, primary_key=True)
    slug: str = Field(max_length=80, unique=True)
    level: int
    name: dict[str, str] = Field(sa_type=JSON)
    summary: dict[str, str] | None = Field(default=None, sa_type=JSON)
    presupposes_id: int | None = Field(default=None, foreign_key="specification.id")


class SpecificationVersion(Table, table=True):
    __table_args__ = (sa.UniqueConstraint("specification_id", "label"),)
    id: int = Field(default=None, primary_key=True)
    specification_id: int = Field(foreign_key="specification.id")
    label: str = Field(max_length=40)
    effective_on: date


class Requirement(Table, table=True):
    """A requirement belongs to the specification, so its id (`code`) can never come to mean something else; versions
    contain it."""

    __table_args__ = (sa.UniqueConstraint("specification_id", "code"),)
    id: int = Field(default=None, primary_key=True)
    specification_id: int = Field(foreign_key="specification.id")
    code: str = Field(max_length=40)
    obligation: Obligation = Field(sa_type=choice(Obligation))
    text: dict[str, str] = Field(sa_type=JSON)
    verification: dict[str, str] = Field(sa_type=JSON)


class Contained(Table, table=True):
    """A version contains a requirement, in this place."""

    __tablename__ = "specificationversion_requirement"
    version_id: int = Field(foreign_key="specificationversion.id", primary_key=True)
    requirement_id: int = Field(foreign_key="requirement.id", primary_key=True)
    place: int


class SpecificationNotFound(NotFound):
    """No specification has this name."""


class SpecificationSlugTaken(Conflict):
    """Another specification already has this name."""


def add(session: Session, specification: Specification, versions: Sequence[rules.Version]) -> Specification:
    """Keep a specification with its versions; the rules have been looked at."""
    session.add(specification)
    try:
        session.flush()
    except IntegrityError:
        raise SpecificationSlugTaken(f"{specification.slug!r} is taken.", pointer="#/slug") from None
    known: dict[str, Requirement] = {}
    for version in versions:
        kept = SpecificationVersion(
            specification_id=specification.id, label=version.label, effective_on=version.effective_on
        )
        session.add(kept)
        for one in version.requirements:
            if one.id not in known:
                known[one.id] = Requirement(
                    specification_id=specification.id,
                    code=one.id,
                    obligation=one.obligation,
                    text=one.text,
                    verification=one.verification,
                )
                session.add(known[one.id])
        session.flush()
        session.add_all(
            Contained(version_id=kept.id, requirement_id=known[one.id].id, place=place)
            for place, one in enumerate(version.requirements)
        )
    session.flush()
    return specification


def find(session: Session, slug: str) -> Specification | None:
    return session.exec(select(Specification).where(col(Specification.slug) == slug)).one_or_none()


def by_slug(session: Session, slug: str) -> Specification:
    found = find(session, slug)
    if found is None:
        raise SpecificationNotFound(f"No specification is called {slug!r}.")
    return found


def slugs(session: Session) -> set[str]:
    return set(session.exec(select(Specification.slug)))


def presupposed(session: Session, slug: str) -> tuple[int, rules.Presupposed] | None:
    """→ (internal key, what the rules ask of it); None when there is none of this name"""
    found = find(session, slug)
    if found is None:
        return None
    first = min(version.effective_on for version in versions(session, [found.id])[found.id])
    return found.id, rules.Presupposed(found.level, first)


def page(session: Session, after: list[Any] | None, limit: int, level: int | None) -> Sequence[Specification]:
    query = select(Specification).order_by(col(Specification.slug)).limit(limit + 1)
    if after:
        query = query.where(col(Specification.slug) > after[0])
    if level:
        query = query.where(col(Specification.level) == level)
    return session.exec(query).all()


def names(session: Session, ids: Sequence[int | None]) -> dict[int | None, str]:
    """Internal key → slug."""
    query = sa.select(col(Specification.id), col(Specification.slug)).where(col(Specification.id).in_(ids))
    return {row.id: row.slug for row in session.execute(query)}


def versions(session: Session, ids: Sequence[int]) -> dict[int, list[SpecificationVersion]]:
    """Each specification's versions, oldest first."""
    query = select(SpecificationVersion).where(col(SpecificationVersion.specification_id).in_(ids))
    found: dict[int, list[SpecificationVersion]] = defaultdict(list)
    for one in session.exec(query.order_by(col(SpecificationVersion.effective_on), col(SpecificationVersion.id))):
        found[one.specification_id].append(one)
    return found


def find_version(session: Session, slug: str, label: str) -> SpecificationVersion | None:
    query = (
        select(SpecificationVersion)
        .join(Specification, col(SpecificationVersion.specification_id) == col(Specification.id))
        .where(col(Specification.slug) == slug, col(SpecificationVersion.label) == label)
    )
    return session.exec(query).one_or_none()


def requirements(session: Session, version_id: int) -> Sequence[Requirement]:
    """A version's requirements in their order."""
    query = (
        select(Requirement)
        .join(Contained, col(Contained.requirement_id) == col(Requirement.id))
        .where(col(Contained.version_id) == version_id)
        .order_by(col(Contained.place))
    )
    return session.exec(query).all()
