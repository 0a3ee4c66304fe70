"""Versions of interfaces as they are kept, with everything that happened to them."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from services.catalog.db import Table
from services.catalog.interface_versions import rules
from services.catalog.interface_versions.rules import Step
from services.catalog.interfaces.rules import Status
from services.catalog.interfaces.store import Interface
from services.chassis.db import INSTANT, JSON, choice
from services.chassis.problems import Conflict, NotFound


class InterfaceVersion(Table, table=True):
    __tablename__ = "interface_version"
    __table_args__ = (sa.UniqueConstraint("interface_id", "label"),)
    id: int = Field(default=None, primary_key=True)
    interface_id: int = Field(foreign_key="interface.id")
    label: str = Field(max_length=40)
    notes: dict[str, str] | None = Field(default=None, sa_type=JSON)
    replaced_by_id: int | None = Field(default=None, foreign_key="interface_version.id")
    registered_at: datetime = Field(sa_type=INSTANT)
    revision: int = Field(default=1, sa_column_kwargs={"server_default": "1"})


class Event(Table, table=True):
    """A step of a version's life. Never changed: the last one recorded of those that have taken effect holds."""

    __tablename__ = "interface_version_event"
    id: int = Field(default=None, primary_key=True)
    version_id: int = Field(foreign_key="interface_version.id", index=True)
    step: Step = Field(sa_type=choice(Step))
    status: Status = Field(sa_type=choice(Status))
    effective_on: date
    recorded_at: datetime = Field(sa_type=INSTANT)
    reason: str | None = Field(default=None, max_length=2000)
    organisation: str = Field(max_length=9)


class InterfaceVersionNotFound(NotFound):
    """The interface has no such version."""


class InterfaceVersionTaken(Conflict):
    """The interface already has a version with this label."""


def add(session: Session, version: InterfaceVersion) -> InterfaceVersion:
    """The interface's row is locked."""
    count = session.exec(
        select(sa.func.count()).where(col(InterfaceVersion.interface_id) == version.interface_id)
    ).one()
    if count >= rules.MOST_VERSIONS:
        raise rules.TooManyVersions
    session.add(version)
    try:
        session.flush()
    except IntegrityError:
        raise InterfaceVersionTaken(f"{version.label!r} exists.", pointer="#/version") from None
    return version


def find(session: Session, slug: str, label: str) -> tuple[Interface, InterfaceVersion] | None:
    return _one(session, slug, label, lock=False)


def of(session: Session, slug: str, label: str, *, lock: bool = False) -> tuple[Interface, InterfaceVersion]:
    """An interface and its version; with `lock` nobody else changes the version until the transaction ends."""
    found = _one(session, slug, label, lock=lock)
    if found is None:
        raise InterfaceVersionNotFound(f"There is no version {label!r} of {slug!r}.")
    return found


def _one(session: Session, slug: str, label: str, *, lock: bool) -> tuple[Interface, InterfaceVersion] | None:
    query = (
        select(Interface, InterfaceVersion)
        .join(InterfaceVersion, col(InterfaceVersion.interface_id) == col(Interface.id))
        .where(col(Interface.slug) == slug, col(InterfaceVersion.label) == label)
    )
    row = session.exec(query.with_for_update(of=InterfaceVersion) if lock else query).one_or_none()
    return (row[0], row[1]) if row else None


def page(session: Session, interface_id: int, after: list[Any] | None, limit: int) -> Sequence[InterfaceVersion]:
    """In the order in which they were registered; limit + 1 rows."""
    query = select(InterfaceVersion).where(
        col(InterfaceVersion.interface_id) == interface_id, col(InterfaceVersion.id) > (after[0] if after else 0)
    )
    return session.exec(query.order_by(col(InterfaceVersion.id)).limit(limit + 1)).all()


def labels(session: Session, interface_id: int) -> dict[int, str]:
    """Internal key → label, oldest first."""
    query = sa.select(col(InterfaceVersion.id), col(InterfaceVersion.label))
    rows = session.execute(
        query.where(col(InterfaceVersion.interface_id) == interface_id).order_by(col(InterfaceVersion.id))
    )
    return {row.id: row.label for row in rows}


def events(session: Session, version_ids: Collection[int]) -> dict[int, list[Event]]:
    """Everything that happened to each version, in the order in which it was recorded."""
    found: dict[int, list[Event]] = defaultdict(list)
    query = select(Event).where(col(Event.version_id).in_(version_ids)).order_by(col(Event.id))
    for one in session.exec(query):
        found[one.version_id].append(one)
    return found


def history(rows: Sequence[Event]) -> list[rules.Event]:
    return [rules.Event(one.status, one.effective_on) for one in rows]


def status_on(session: Session, version_id: int, on: date) -> Status:
    return rules.status_on(history(events(session, [version_id])[version_id]), on)


def record(session: Session, event: Event) -> Event:
    session.add(event)
    session.flush()
    return event
