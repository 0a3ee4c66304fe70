"""Which certificates it has been told of that they end soon."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, col

from services.catalog.certificates import rules as certification
from services.catalog.certificates import store as certificates
from services.catalog.certificates.rules import Status, SubjectKind
from services.catalog.db import Table
from services.catalog.expiry_warnings import rules
from services.catalog.schemes import store as schemes
from services.chassis import audit, feed
from services.chassis.db import INSTANT

BATCH = 200
"""Certificates looked at in one transaction."""


class ExpiryWarning(Table, table=True):
    """One for each window of each last day: a certificate that is renewed is warned of anew."""

    __tablename__ = "expiry_warning"
    certificate_id: int = Field(
        primary_key=True, foreign_key="certificate.id", sa_column_kwargs={"autoincrement": False}
    )
    valid_to_on: date = Field(primary_key=True)
    days: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    told_at: datetime = Field(sa_type=INSTANT)


_ENDING = sa.text(
    """
    WITH period AS (
        SELECT c.id, COALESCE((SELECT max(CAST(e.detail ->> 'valid_to_on' AS date)) FROM certificate_event e
                                WHERE e.certificate_id = c.id AND e.kind = 'renewed'), c.valid_to_on) AS to_on
          FROM certificate c
         WHERE c.valid_to_on < :before
           AND (c.valid_to_on >= :today
                OR EXISTS (SELECT 1 FROM certificate_event e WHERE e.certificate_id = c.id AND e.kind = 'renewed'))
    )
    SELECT p.id, c.number, c.subject_kind, q.slug AS product, s.slug AS specification
      FROM period p
      JOIN certificate c ON c.id = p.id
      JOIN specificationversion v ON v.id = c.specification_version_id
      JOIN specification s ON s.id = v.specification_id
      LEFT JOIN product q ON q.id = c.product_id
     WHERE p.id > :after AND p.to_on >= :today AND p.to_on < :before
     ORDER BY p.id LIMIT :rows
    """
)


def warn(session: Session, now: datetime, today: date, *, after: int = 0) -> tuple[int, int | None]:
    """Tell of valid certificates that end soon: each window once, however many workers look. → how many were told,
    and the key to go on after; None when that was all"""
    windows = {SubjectKind(one.subject_kind): rules.windows(one.expires_soon_days) for one in schemes.every(session)}
    widest = max(max(found) for found in windows.values())
    values = {"today": today, "before": date.fromordinal(today.toordinal() + widest), "after": after}
    rows = session.execute(_ENDING, values | {"rows": BATCH}).all()
    histories = certificates.histories(session, [row.id for row in rows])
    number = 0
    for row in rows:
        stands = certification.standing(histories[row.id], today, now)
        if stands is None or stands.status is not Status.VALID:
            continue
        to_on = stands.validity.to_on
        opened = rules.opened(windows[SubjectKind(row.subject_kind)], to_on, today)
        # Of several that have opened at once only the narrowest is news.
        if _add(session, row.id, to_on, opened, now):
            number += 1
            path = f"/certificates/{row.number}"
            said = {"valid_to_on": to_on.isoformat(), "days_left": (to_on - today).days}
            audit.record(session, None, "certificate.warn_of_expiry", path, **said)
            feed.tell(
                session,
                "certificate.expires_soon",
                path,
                None,
                product=row.product,
                specification=row.specification,
                status=stands.status,
                **said,
            )
    return number, rows[-1].id if len(rows) == BATCH else None


def _add(session: Session, certificate_id: int, valid_to_on: date, days: list[int], now: datetime) -> bool:
    """Whether the narrowest window is one that had not been told of."""
    if not days:
        return False
    rows = [{"certificate_id": certificate_id, "valid_to_on": valid_to_on, "days": one, "told_at": now} for one in days]
    added = session.execute(
        insert(ExpiryWarning).values(rows).on_conflict_do_nothing().returning(col(ExpiryWarning.days))
    )
    return days[0] in set(added.scalars())
