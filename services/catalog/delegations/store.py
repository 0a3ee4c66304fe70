"""Delegations as they are kept, and that they were withdrawn; both only ever added."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from services.catalog.db import Table
from services.catalog.delegations import rules
from services.catalog.delegations.rules import EventKind
from services.chassis import clock
from services.chassis.db import INSTANT, choice
from services.chassis.problems import NotFound
from services.chassis.values import new_id


class Delegation(Table, table=True):
    """A trigger keeps it from ever being changed."""

    __table_args__ = (sa.Index("ix_delegation_tester_id_product_id", "tester_id", "product_id"),)
    id: int = Field(default=None, primary_key=True)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    tester_id: int = Field(foreign_key="tester.id")
    product_id: int = Field(foreign_key="product.id", index=True)
    until_on: date
    given_at: datetime = Field(sa_type=INSTANT)
    organisation_number: str = Field(max_length=9)
    client: str | None = Field(default=None, max_length=200)


class DelegationEvent(Table, table=True):
    """What became of a delegation. A trigger keeps it from being changed."""

    __tablename__ = "delegation_event"
    id: int = Field(default=None, primary_key=True)
    delegation_id: int = Field(foreign_key="delegation.id", index=True)
    kind: EventKind = Field(sa_type=choice(EventKind))
    recorded_at: datetime = Field(sa_type=INSTANT)
    organisation_number: str = Field(max_length=9)
    client: str | None = Field(default=None, max_length=200)
    reason: str | None = Field(default=None, max_length=2000)


class DelegationNotFound(NotFound):
    """The tester has no delegation with this id."""


@dataclass(frozen=True)
class Kept:
    """A delegation, and whether it has been withdrawn."""

    id: int
    uuid: UUID
    tester_id: int
    product_id: int
    product: str
    supplier_id: int
    until_on: date
    given_at: datetime
    organisation_number: str
    withdrawn_at: datetime | None
    reason: str | None

    def stands(self) -> rules.Delegation:
        return rules.Delegation(self.until_on, clock.on(self.withdrawn_at) if self.withdrawn_at else None)


_SHOWN = """
    SELECT d.id, d.uuid, d.tester_id, d.product_id, p.slug AS product, p.supplier_id, d.until_on, d.given_at,
           d.organisation_number, w.recorded_at AS withdrawn_at, w.reason
      FROM delegation d
      JOIN product p ON p.id = d.product_id
      LEFT JOIN delegation_event w ON w.delegation_id = d.id AND w.kind = 'withdrawn'
     WHERE d.tester_id = :tester
"""
_ONE = sa.text(f"{_SHOWN} AND d.uuid = :uuid")
_OF = sa.text(f"{_SHOWN} AND d.product_id = :product ORDER BY d.id")
_PAGE = sa.text(
    f"""{_SHOWN} AND (CAST(:after AS uuid) IS NULL OR d.uuid > :after)
       AND (:all OR p.supplier_id = ANY(:own)) ORDER BY d.uuid LIMIT :rows
    """
)


def add(session: Session, delegation: Delegation) -> None:
    session.add(delegation)
    session.flush()


def record(session: Session, event: DelegationEvent) -> None:
    session.add(event)
    session.flush()


def lock(session: Session, uuid: UUID) -> None:
    session.execute(select(Delegation.id).where(col(Delegation.uuid) == uuid).with_for_update())


def by_uuid(session: Session, tester_id: int, uuid: UUID) -> Kept:
    found = session.execute(_ONE, {"tester": tester_id, "uuid": uuid}).one_or_none()
    if found is None:
        raise unknown(uuid)
    return Kept(**found._asdict())


def unknown(uuid: UUID) -> DelegationNotFound:
    """The same for what does not exist and what the caller may not know of."""
    return DelegationNotFound(f"No delegation has the id {uuid}.")


def holds(session: Session, tester_id: int, product_id: int, on: date) -> bool:
    """Whether a tester may report about a product on a day."""
    rows = session.execute(_OF, {"tester": tester_id, "product": product_id})
    return any(rules.holds(Kept(**row._asdict()).stands(), on) for row in rows)


def uuids(session: Session) -> set[UUID]:
    return set(session.exec(select(Delegation.uuid)))


def page(
    session: Session, tester_id: int, after: list[Any] | None, limit: int, *, own: Collection[int], everything: bool
) -> list[Kept]:
    """By id, limit + 1 rows: all, or those for products of the suppliers `own`."""
    values = {"tester": tester_id, "after": after[0] if after else None, "own": list(own), "all": everything}
    return [Kept(**row._asdict()) for row in session.execute(_PAGE, values | {"rows": limit + 1})]
