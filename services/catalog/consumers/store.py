"""Who uses which version of an interface, and when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from services.catalog.db import Table
from services.chassis.problems import Conflict, NotFound

MOST_HIT = 1_000
"""Consumers that an impact tells by name at most."""


class Consumer(Table, table=True):
    """A component's use of a version; a use that has ended stays as history."""

    __tablename__ = "interface_consumer"
    __table_args__ = (
        sa.Index(
            "uq_interface_consumer_open",
            "version_id",
            "component_id",
            unique=True,
            postgresql_where=sa.text("until_on IS NULL"),
        ),
    )
    id: int = Field(default=None, primary_key=True)
    version_id: int = Field(foreign_key="interface_version.id", index=True)
    component_id: int = Field(foreign_key="component.id", index=True)
    since_on: date
    until_on: date | None = Field(default=None, description="The last day; null: it still does")
    revision: int = Field(default=1, sa_column_kwargs={"server_default": "1"})


class AlreadyAttached(Conflict):
    """The component already uses this version."""


class NotAttached(NotFound):
    """The component does not use this version."""


@dataclass(frozen=True)
class Hit:
    """A component that uses a version, and who answers for it."""

    component: str
    name: dict[str, str]
    owner_name: str | None
    organisation_id: UUID | None
    organisation_number: str | None
    since_on: date


_HIT = """
    SELECT c.slug, c.name, COALESCE(c.owner_name, o.name), o.uuid, o.organisation_number, u.since_on
      FROM interface_consumer u JOIN component c ON c.id = u.component_id
      LEFT JOIN organisation o ON o.id = c.owner_id
     WHERE u.version_id = :version_id AND (u.until_on IS NULL OR u.until_on >= :on)
     ORDER BY c.sort_key, c.slug LIMIT :rows
"""


def add(session: Session, consumer: Consumer) -> Consumer:
    session.add(consumer)
    try:
        session.flush()
    except IntegrityError:
        raise AlreadyAttached(pointer="#/component") from None
    return consumer


def open_one(session: Session, version_id: int, component_id: int | None) -> Consumer:
    """A use that has not ended, locked until the transaction ends."""
    query = select(Consumer).where(
        col(Consumer.version_id) == version_id,
        col(Consumer.component_id) == component_id,
        col(Consumer.until_on).is_(None),
    )
    found = session.exec(query.with_for_update()).one_or_none()
    if found is None:
        raise NotAttached
    return found


def hit(session: Session, version_id: int, on: date, most: int = MOST_HIT) -> Sequence[Hit]:
    """Who uses a version on a day or is about to, by name; at most `most` + 1."""
    rows = session.execute(sa.text(_HIT), {"version_id": version_id, "on": on, "rows": most + 1})
    return [Hit(*row) for row in rows]
