"""Profiles as they are kept, each with a version of a specification."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from services.catalog.db import Table
from services.catalog.requirements.store import Contained, Requirement
from services.chassis.db import JSON
from services.chassis.problems import NotFound


class Profile(Table, table=True):
    __tablename__ = "specificationversion_profile"
    __table_args__ = (sa.UniqueConstraint("version_id", "slug"),)
    id: int = Field(default=None, primary_key=True)
    version_id: int = Field(foreign_key="specificationversion.id")
    slug: str = Field(max_length=80)
    name: dict[str, str] = Field(sa_type=JSON)


class ProfileRequirement(Table, table=True):
    """A profile holds a requirement, for as long as the draft does; a published version's set is frozen."""

    __tablename__ = "specificationversion_profile_requirement"
    profile_id: int = Field(foreign_key="specificationversion_profile.id", primary_key=True, ondelete="CASCADE")
    requirement_id: int = Field(foreign_key="requirement.id", primary_key=True, index=True)


class ProfileNotFound(NotFound):
    """The specification's version has no such profile."""


@dataclass(frozen=True)
class Shown:
    """`requirements`: ids (codes), in the version's order."""

    slug: str
    name: dict[str, str]
    requirements: list[str]


def of_version(session: Session, version_id: int) -> list[Shown]:
    """By name in addresses."""
    rows = session.exec(select(Profile).where(col(Profile.version_id) == version_id).order_by(col(Profile.slug))).all()
    held = _held(session, [row.id for row in rows])
    return [Shown(row.slug, row.name, [code for _, code in held[row.id]]) for row in rows]


def slugs(session: Session, version_id: int) -> set[str]:
    return set(session.exec(select(Profile.slug).where(col(Profile.version_id) == version_id)))


def by_slug(session: Session, version_id: int, slug: str) -> Shown:
    found = next((one for one in of_version(session, version_id) if one.slug == slug), None)
    if found is None:
        raise ProfileNotFound(f"There is no profile {slug!r}.")
    return found


def requirement_ids(session: Session, version_id: int, slug: str) -> list[int]:
    """Internal keys of what a profile holds, in the version's order."""
    row = _find(session, version_id, slug)
    return [id for id, _ in _held(session, [row.id])[row.id]] if row else []


def put(session: Session, version_id: int, slug: str, name: Mapping[str, str], codes: Sequence[str]) -> bool:
    """Let the profile hold exactly these. → whether it is new"""
    row = _find(session, version_id, slug)
    new = row is None
    if row is None:
        row = Profile(version_id=version_id, slug=slug, name=dict(name))
        session.add(row)
    row.name = dict(name)
    session.flush()
    session.execute(sa.delete(ProfileRequirement).where(col(ProfileRequirement.profile_id) == row.id))
    wanted = (
        sa.select(sa.literal(row.id), col(Requirement.id))
        .join(Contained, col(Contained.requirement_id) == col(Requirement.id))
        .where(col(Contained.version_id) == version_id, col(Requirement.code).in_(codes))
    )
    session.execute(sa.insert(ProfileRequirement).from_select(["profile_id", "requirement_id"], wanted))
    return new


def drop(session: Session, version_id: int, slug: str) -> None:
    row = _find(session, version_id, slug)
    if row is None:
        raise ProfileNotFound(f"There is no profile {slug!r}.")
    session.delete(row)
    session.flush()


def copy(session: Session, source_id: int, version_id: int) -> None:
    """Begin a version's profiles with those of another version, as far as its requirements are there."""
    for one in of_version(session, source_id):
        put(session, version_id, one.slug, one.name, one.requirements)


def _find(session: Session, version_id: int, slug: str) -> Profile | None:
    query = select(Profile).where(col(Profile.version_id) == version_id, col(Profile.slug) == slug)
    return session.exec(query).one_or_none()


def _held(session: Session, profile_ids: Collection[int]) -> dict[int, list[tuple[int, str]]]:
    """Profile → (internal key, id) of each requirement that it and its version hold, in the version's order."""
    query = (
        sa.select(col(ProfileRequirement.profile_id), col(Requirement.id), col(Requirement.code))
        .join(Profile, col(Profile.id) == col(ProfileRequirement.profile_id))
        .join(Requirement, col(Requirement.id) == col(ProfileRequirement.requirement_id))
        .join(
            Contained,
            (col(Contained.requirement_id) == col(Requirement.id))
            & (col(Contained.version_id) == col(Profile.version_id)),
        )
        .where(col(ProfileRequirement.profile_id).in_(profile_ids))
        .order_by(col(Contained.place))
    )
    found: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for profile_id, id, code in session.execute(query):
        found[profile_id].append((id, code))
    return found
