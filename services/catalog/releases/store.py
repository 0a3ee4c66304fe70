"""Versions of components as they are kept."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from services.catalog.components.store import Component
from services.catalog.db import Table
from services.catalog.releases import rules
from services.chassis.db import JSON
from services.chassis.problems import Conflict, NotFound


class ComponentVersion(Table, table=True):
    __table_args__ = (
        sa.UniqueConstraint("component_id", "label"),
        sa.CheckConstraint("supported_from_on <= supported_to_on", name="support"),
        sa.CheckConstraint("supported_to_on <= end_of_life_on", name="end"),
    )
    id: int = Field(default=None, primary_key=True)
    component_id: int = Field(foreign_key="component.id")
    label: str = Field(max_length=80)
    semantic_key: str | None = Field(default=None, sa_type=sa.String(600, collation="C"))
    released_on: date
    supported_from_on: date
    supported_to_on: date | None = None
    end_of_life_on: date | None = None
    breaking: bool = False
    notes: dict[str, str] | None = Field(default=None, sa_type=JSON)
    replaced_by_id: int | None = Field(default=None, foreign_key="componentversion.id", index=True)
    revision: int = Field(default=1, sa_column_kwargs={"server_default": "1"})

    def period(self) -> rules.Period:
        return rules.Period(self.released_on, self.supported_from_on, self.supported_to_on, self.end_of_life_on)


class VersionNotFound(NotFound):
    """The component has no version with this label."""


class VersionLabelTaken(Conflict):
    """The component has a version with this label already."""


def add(session: Session, version: ComponentVersion) -> ComponentVersion:
    session.add(version)
    try:
        session.flush()
    except IntegrityError:
        raise VersionLabelTaken(f"{version.label!r} is there already.", pointer="#/label") from None
    return version


def new(component_id: int, label: str, released_on: date, **rest: Any) -> ComponentVersion:
    from_on = rest.pop("supported_from_on", None) or released_on
    return ComponentVersion(
        component_id=component_id,
        label=label,
        semantic_key=rules.semantic_key(label),
        released_on=released_on,
        supported_from_on=from_on,
        **rest,
    )


def find(session: Session, component_id: int, label: str) -> ComponentVersion | None:
    return session.exec(_one(component_id, label)).one_or_none()


def by_label(session: Session, component_id: int, label: str) -> ComponentVersion:
    found = find(session, component_id, label)
    if found is None:
        raise VersionNotFound(f"There is no version {label!r}.")
    return found


def lock(session: Session, component_id: int, label: str) -> ComponentVersion:
    """To change it: whoever else wants to waits."""
    found = session.exec(_one(component_id, label).with_for_update()).one_or_none()
    if found is None:
        raise VersionNotFound(f"There is no version {label!r}.")
    return found


def _one(component_id: int, label: str) -> SelectOfScalar[ComponentVersion]:
    return select(ComponentVersion).where(
        col(ComponentVersion.component_id) == component_id, col(ComponentVersion.label) == label
    )


def ordered_semantically(session: Session, component_id: int) -> bool:
    """Whether every label of a component is a semantic version."""
    query = sa.select(sa.func.count(), sa.func.count(col(ComponentVersion.semantic_key))).where(
        col(ComponentVersion.component_id) == component_id
    )
    whole, semantic = session.execute(query).one()
    return bool(whole == semantic)


def page(
    session: Session, component_id: int, after: list[Any] | None, limit: int, *, semantic: bool
) -> Sequence[ComponentVersion]:
    """The newest first: by what the labels mean, or by release; limit + 1."""
    here: Any = ComponentVersion
    order = (here.semantic_key, here.label) if semantic else (here.released_on, here.label)
    query = select(ComponentVersion).where(here.component_id == component_id)
    if semantic:
        query = query.where(here.semantic_key.is_not(None))
    if after:
        query = query.where(sa.tuple_(*order) < tuple(after))
    return session.exec(query.order_by(*(one.desc() for one in order)).limit(limit + 1)).all()


def of_components(session: Session, component_ids: Collection[int]) -> dict[int, list[ComponentVersion]]:
    """Every version of some components."""
    found: dict[int, list[ComponentVersion]] = defaultdict(list)
    query = select(ComponentVersion).where(col(ComponentVersion.component_id).in_(component_ids))
    for version in session.exec(query.order_by(col(ComponentVersion.id))):
        found[version.component_id].append(version)
    return found


def labels(session: Session, ids: Collection[int]) -> dict[int, str]:
    """Internal key → label."""
    rows = session.execute(
        sa.select(col(ComponentVersion.id), col(ComponentVersion.label)).where(col(ComponentVersion.id).in_(ids))
    )
    return {row.id: row.label for row in rows}


def known(session: Session) -> set[tuple[str, str]]:
    """(component's slug, label) of every version."""
    query = sa.select(col(Component.slug), col(ComponentVersion.label)).join(
        Component, col(ComponentVersion.component_id) == col(Component.id)
    )
    return {(row.slug, row.label) for row in session.execute(query)}
