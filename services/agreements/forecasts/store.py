"""What was called off month by month, as the ledger tells it."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Session


@dataclass(frozen=True)
class History:
    """NOK without VAT by each month's first day, and the day of the first entry."""

    called_off: dict[date, Decimal]
    first_on: date | None


_MONTHS = sa.text(
    "SELECT CAST(date_trunc('month', effective_on) AS date) AS month, sum(reserved + posted) AS called_off, "
    "min(effective_on) AS first_on FROM entry WHERE framework_id = :framework "
    "AND (CAST(:lot AS bigint) IS NULL OR lot_id = :lot) AND effective_on <= :today GROUP BY 1 ORDER BY 1"
)


def history(session: Session, framework_id: int, lot_id: int | None, today: date) -> History:
    rows = session.execute(_MONTHS, {"framework": framework_id, "lot": lot_id, "today": today}).all()
    return History({row.month: row.called_off for row in rows}, rows[0].first_on if rows else None)
