"""Assumptions as they were stated, and how many procurements they are about. A version is never edited."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from services.agreements.db import Table
from services.agreements.savings.rules import AssumptionNotStated, Counted
from services.chassis.clock import now
from services.chassis.db import INSTANT, MONEY, choice

HOURS = sa.Numeric(7, 2)


class SavingAssumption(Table, table=True):
    """NOK without VAT."""

    __table_args__ = (
        sa.CheckConstraint("hours >= 0 AND per_hour >= 0 AND further >= 0", name="never_negative"),
        sa.CheckConstraint("hours > 0 OR further > 0", name="something"),
    )
    framework_id: int = Field(primary_key=True, foreign_key="frameworkagreement.id")
    version: int = Field(primary_key=True)
    counted: Counted = Field(sa_type=choice(Counted))
    hours: Decimal = Field(sa_type=HOURS)
    per_hour: Decimal = Field(sa_type=MONEY)
    further: Decimal = Field(sa_type=MONEY)
    source: str = Field(max_length=2000)
    assumed_on: date
    recorded_at: datetime = Field(default_factory=now, sa_type=INSTANT)


@dataclass(frozen=True)
class Used:
    """What was accepted under an agreement in a period: call-offs, buyers of a lot, and NOK without VAT."""

    call_offs: int
    buyers_and_lots: int
    posted: Decimal

    def counted(self, counted: Counted) -> int:
        return self.call_offs if counted is Counted.CALL_OFF else self.buyers_and_lots


_USED = sa.text(
    "SELECT count(*) AS call_offs, count(DISTINCT (buyer, lot_id)) AS buyers_and_lots, "
    "coalesce(sum(posted), 0) AS posted FROM (SELECT call_off_id, buyer, lot_id, sum(posted) AS posted FROM entry "
    "WHERE framework_id = :framework AND (CAST(:from_on AS date) IS NULL OR effective_on >= :from_on) "
    "AND (CAST(:to_on AS date) IS NULL OR effective_on <= :to_on) GROUP BY 1, 2, 3 HAVING sum(posted) > 0) AS accepted"
)


def of(session: Session, framework_id: int) -> Sequence[SavingAssumption]:
    """Every version, the first first."""
    query = select(SavingAssumption).where(col(SavingAssumption.framework_id) == framework_id)
    return session.exec(query.order_by(col(SavingAssumption.version))).all()


def version(session: Session, framework_id: int, wanted: int | None) -> SavingAssumption:
    """That version, or the newest."""
    query = select(SavingAssumption).where(col(SavingAssumption.framework_id) == framework_id)
    if wanted:
        query = query.where(col(SavingAssumption.version) == wanted)
    found = session.exec(query.order_by(col(SavingAssumption.version).desc()).limit(1)).one_or_none()
    if found is None:
        raise AssumptionNotStated(f"There is no version {wanted}." if wanted else None)
    return found


def add(session: Session, row: SavingAssumption) -> SavingAssumption:
    """As the next version; the agreement is locked."""
    last = sa.select(sa.func.max(col(SavingAssumption.version))).where(
        col(SavingAssumption.framework_id) == row.framework_id
    )
    row.version = (session.execute(last).scalar() or 0) + 1
    session.add(row)
    session.flush()
    return row


def used(session: Session, framework_id: int, from_on: date | None, to_on: date | None) -> Used:
    """Of the days of acceptance; a call-off whose posting was reversed does not count."""
    given = {"framework": framework_id, "from_on": from_on, "to_on": to_on}
    return Used(**session.execute(_USED, given).one()._mapping)
