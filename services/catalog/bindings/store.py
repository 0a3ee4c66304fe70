"""Bindings of standards as they are kept: each change is a new row, and none is ever changed."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from services.catalog.bindings.rules import Period
from services.catalog.db import Table
from services.catalog.standards.rules import Level, Sector
from services.chassis.db import INSTANT, JSON, choice
from services.chassis.problems import NotFound


class Binding(Table, table=True):
    """What was recorded of a binding at an instant. The last row of a `binding` is what is known of it."""

    __tablename__ = "standard_binding"
    __table_args__ = (
        sa.Index("ix_standard_binding_standard_id_binding_id", "standard_id", "binding", "id"),
        sa.Index("ix_standard_binding_binding_id", "binding", "id"),
    )
    id: int = Field(default=None, primary_key=True)
    binding: UUID
    standard_id: int = Field(foreign_key="standard.id")
    sector: Sector = Field(sa_type=choice(Sector))
    area: str = Field(max_length=80)
    area_name: dict[str, str] = Field(sa_type=JSON)
    level: Level = Field(sa_type=choice(Level))
    legal_basis: str | None = Field(default=None, max_length=300)
    legal_basis_name: str | None = Field(default=None, max_length=300)
    valid_from_on: date | None = None
    valid_to_on: date | None = None
    exceptions: dict[str, str] | None = Field(default=None, sa_type=JSON)
    successor_id: int | None = Field(default=None, foreign_key="standard.id")
    source: str | None = Field(default=None, max_length=300)
    reason: str = Field(max_length=2000)
    organisation: str | None = Field(default=None, max_length=9)
    recorded_at: datetime = Field(sa_type=INSTANT)

    def period(self) -> Period:
        return Period(self.valid_from_on, self.valid_to_on)


class BindingNotFound(NotFound):
    """The standard has no such binding."""


def add(session: Session, row: Binding) -> Binding:
    """A new binding, or what is known from now on of one. The standard's row is locked."""
    session.add(row)
    session.flush()
    return row


def history(session: Session, standard_id: int, binding: UUID) -> Sequence[Binding]:
    """Every row of a binding, in the order in which they were recorded."""
    query = select(Binding).where(col(Binding.standard_id) == standard_id, col(Binding.binding) == binding)
    found = session.exec(query.order_by(col(Binding.id))).all()
    if not found:
        raise BindingNotFound
    return found


def others(session: Session, standard_id: int, sector: Sector, area: str, besides: UUID | None) -> list[Period]:
    """When the standard's other bindings for a sector and an area hold."""
    query = select(Binding).where(col(Binding.standard_id) == standard_id).order_by(col(Binding.id))
    latest = {row.binding: row for row in session.exec(query)}
    return [row.period() for key, row in latest.items() if key != besides and row.sector is sector and row.area == area]


def again(row: Binding, **changed: Any) -> Binding:
    """What is recorded next of the same binding."""
    kept = row.model_dump(exclude={"id", "reason", "organisation", "recorded_at"})
    return Binding(**{**kept, **changed})
