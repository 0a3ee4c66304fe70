"""Fees as they were set. A row is never edited: a later one holds from its own day, and of two for the same day the one
that was set last."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from services.agreements.db import Table
from services.agreements.fees import rules
from services.chassis.db import INSTANT, MONEY


class Fee(Table, table=True):
    """NOK without VAT."""

    __table_args__ = (
        sa.CheckConstraint("joining >= 0 AND per_inhabitant >= 0", name="never_negative"),
        sa.CheckConstraint("NOT back_dated OR reason IS NOT NULL", name="past_has_reason"),
        sa.Index(None, "framework_id", "valid_from_on"),
    )
    id: int | None = Field(default=None, primary_key=True)
    framework_id: int = Field(foreign_key="frameworkagreement.id")
    valid_from_on: date
    joining: Decimal = Field(sa_type=MONEY)
    """Once."""
    per_inhabitant: Decimal = Field(sa_type=MONEY)
    """A year."""
    back_dated: bool
    reason: str | None = Field(default=None, max_length=2000)
    recorded_at: datetime = Field(sa_type=INSTANT)


def add(session: Session, fee: Fee) -> Fee:
    session.add(fee)
    session.flush()
    return fee


def of(session: Session, framework_id: int) -> Sequence[Fee]:
    """Every row, by the day from which it holds and then as they were set."""
    query = select(Fee).where(col(Fee.framework_id) == framework_id)
    return session.exec(query.order_by(col(Fee.valid_from_on), col(Fee.id))).all()


def on(session: Session, framework_id: int, day: date, known_at: datetime | None = None) -> Fee:
    """The fee that holds on a day, by what was set until an instant; FeeNotSet when there is none."""
    query = select(Fee).where(col(Fee.framework_id) == framework_id, col(Fee.valid_from_on) <= day)
    if known_at:
        query = query.where(col(Fee.recorded_at) <= known_at)
    newest = query.order_by(col(Fee.valid_from_on).desc(), col(Fee.id).desc()).limit(1)
    found = session.exec(newest).one_or_none()
    if found is None:
        raise rules.FeeNotSet(f"The schedule says nothing of {day}.")
    return found
