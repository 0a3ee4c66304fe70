"""Testers as they are kept: a public key for each, and events that are only ever added."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from services.catalog.db import Table
from services.catalog.testers import rules
from services.catalog.testers.rules import EventKind, State
from services.chassis.db import INSTANT, JSON, choice
from services.chassis.problems import Conflict, NotFound
from services.chassis.values import new_id


class Tester(Table, table=True):
    """A trigger keeps it from ever being changed: another key is another tester."""

    id: int = Field(default=None, primary_key=True)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    tool: str = Field(max_length=200)
    jwk: dict[str, str] = Field(sa_type=JSON)
    key_id: str = Field(max_length=43, unique=True)
    valid_from_on: date
    valid_to_on: date


class TesterEvent(Table, table=True):
    """What became of a tester. A trigger keeps it from being changed."""

    __tablename__ = "tester_event"
    id: int = Field(default=None, primary_key=True)
    tester_id: int = Field(foreign_key="tester.id", index=True)
    kind: EventKind = Field(sa_type=choice(EventKind))
    recorded_at: datetime = Field(sa_type=INSTANT)
    organisation_number: str = Field(max_length=9)
    client: str | None = Field(default=None, max_length=200)
    reason: str | None = Field(default=None, max_length=2000)


class TesterNotFound(NotFound):
    """No tester has this id."""


class KeyTaken(Conflict):
    """This key is registered already; a tool has a key of its own."""


@dataclass(frozen=True)
class Kept:
    """A tester as it stands now."""

    id: int
    uuid: UUID
    organisation_id: int
    organisation: str | None
    organisation_name: str
    tool: str
    jwk: dict[str, str]
    key_id: str
    valid_from_on: date
    valid_to_on: date
    state: State
    registered_by: str | None
    """The client that registered it."""
    events: int

    def stands(self) -> rules.Tester:
        return rules.Tester(self.state, self.valid_from_on, self.valid_to_on)


_SHOWN = """
    SELECT t.id, t.uuid, t.organisation_id, o.organisation_number AS organisation, o.name AS organisation_name, t.tool,
           t.jwk, t.key_id, t.valid_from_on, t.valid_to_on, last.kind AS state, first.client AS registered_by,
           (SELECT count(*) FROM tester_event WHERE tester_id = t.id) AS events
      FROM tester t
      JOIN organisation o ON o.id = t.organisation_id
      CROSS JOIN LATERAL (SELECT kind FROM tester_event WHERE tester_id = t.id ORDER BY id DESC LIMIT 1) last
      CROSS JOIN LATERAL (SELECT client FROM tester_event WHERE tester_id = t.id ORDER BY id LIMIT 1) first
"""
_ONE = sa.text(f"{_SHOWN} WHERE t.uuid = :uuid")
_BY_KEY = sa.text(f"{_SHOWN} WHERE t.key_id = :key_id")
_PAGE = sa.text(
    f"""{_SHOWN}
     WHERE (CAST(:after AS uuid) IS NULL OR t.uuid > :after)
       AND (CAST(:state AS text) IS NULL OR last.kind = :state)
       AND (CAST(:organisation AS text) IS NULL OR o.organisation_number = :organisation)
     ORDER BY t.uuid LIMIT :rows
    """
)


def add(session: Session, tester: Tester) -> None:
    session.add(tester)
    try:
        session.flush()
    except IntegrityError:
        raise KeyTaken(pointer="#/key") from None


def record(session: Session, event: TesterEvent) -> None:
    session.add(event)
    session.flush()


def lock(session: Session, uuid: UUID) -> None:
    """What becomes of a tester, and the reports that it signs, wait for each other."""
    session.execute(select(Tester.id).where(col(Tester.uuid) == uuid).with_for_update())


def by_uuid(session: Session, uuid: UUID) -> Kept:
    found = session.execute(_ONE, {"uuid": uuid}).one_or_none()
    if found is None:
        raise TesterNotFound(f"No tester has the id {uuid}.")
    return _kept(found)


def by_key(session: Session, key_id: str) -> Kept | None:
    found = session.execute(_BY_KEY, {"key_id": key_id}).one_or_none()
    return _kept(found) if found else None


def uuids(session: Session) -> set[UUID]:
    return set(session.exec(select(Tester.uuid)))


def history(session: Session, tester_id: int) -> Sequence[TesterEvent]:
    query = select(TesterEvent).where(col(TesterEvent.tester_id) == tester_id).order_by(col(TesterEvent.id))
    return session.exec(query).all()


def page(
    session: Session, after: list[Any] | None, limit: int, *, state: State | None, organisation: str | None
) -> list[Kept]:
    """By id, limit + 1 rows."""
    values = {
        "after": after[0] if after else None,
        "state": state.value if state else None,
        "organisation": organisation,
        "rows": limit + 1,
    }
    return [_kept(row) for row in session.execute(_PAGE, values)]


def _kept(row: sa.Row[Any]) -> Kept:
    return Kept(**{**row._asdict(), "state": State(row.state)})
