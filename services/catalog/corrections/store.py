"""What is overdue, written down by the service itself once for each day that passes."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from services.catalog.certificates import store as certificates
from services.catalog.certificates.rules import EventKind as CertificateEventKind
from services.catalog.non_conformities.rules import EventKind
from services.catalog.non_conformities.store import NonConformity, NonConformityEvent, tell, told_of
from services.chassis import audit, feed

_OVERDUE_CONDITIONS = """
    SELECT k.certificate_id, c.number, k.key, k.due_on
      FROM certificate_condition k JOIN certificate c ON c.id = k.certificate_id
     WHERE k.due_on < :today
       AND NOT EXISTS (SELECT 1 FROM certificate_event e
                        WHERE e.certificate_id = k.certificate_id AND e.detail ->> 'condition' = k.key
                          AND (e.kind = 'condition_overdue'
                               OR (e.kind = 'condition_met' AND e.effective_on <= k.due_on)))
"""
_NOTICED_AT_ONCE = 500


def notice(session: Session, now: datetime, today: date) -> int:
    """Write down, once each, that a day has passed: of a corrective action plan, and of a certificate's condition,
    whose suspension follows from the condition itself. Safe from several workers at once. → how many"""
    return _notice_plans(session, now, today) + _notice_conditions(session, now, today)


def _notice_plans(session: Session, now: datetime, today: date) -> int:
    late = session.exec(
        select(NonConformity)
        .where(
            col(NonConformity.due_on) < today,
            ~sa.exists().where(
                col(NonConformityEvent.non_conformity_id) == NonConformity.id,
                col(NonConformityEvent.kind) == EventKind.OVERDUE,
                col(NonConformityEvent.due_on) == NonConformity.due_on,
            ),
        )
        .order_by(col(NonConformity.id))
        .limit(_NOTICED_AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    noticed = 0
    for found in late:
        values = {
            "non_conformity_id": found.id,
            "kind": EventKind.OVERDUE,
            "effective_on": today,
            "recorded_at": now,
            "due_on": found.due_on,
        }
        # Another worker may have written it after our question was asked and before we held the row.
        written = insert(NonConformityEvent).values(values).on_conflict_do_nothing()
        if session.execute(written.returning(col(NonConformityEvent.id))).one_or_none() is None:
            continue
        found.revision += 1
        audit.record(session, None, "non-conformity.overdue", found.path, due_on=str(found.due_on))
        tell(session, found, EventKind.OVERDUE)
        noticed += 1
    return noticed


def _notice_conditions(session: Session, now: datetime, today: date) -> int:
    asked = {"today": today, "rows": _NOTICED_AT_ONCE}
    late = session.execute(sa.text(f"{_OVERDUE_CONDITIONS} ORDER BY k.certificate_id, k.id LIMIT :rows"), asked).all()
    certificates.lock_all(session, {row.certificate_id for row in late})
    # Asked anew, now that nobody else can write about them.
    keys = {"ids": [row.certificate_id for row in late], **asked}
    still = session.execute(
        sa.text(f"{_OVERDUE_CONDITIONS} AND c.id = ANY(:ids) ORDER BY k.certificate_id, k.id LIMIT :rows"), keys
    ).all()
    for row in still:
        event = CertificateEventKind.CONDITION_OVERDUE
        certificates.record(
            session,
            row.certificate_id,
            event,
            effective_on=today,
            recorded_at=now,
            today=today,
            reason=None,
            organisation=certificates.by_number(session, row.number).decided_by,
            ground=f"condition:{row.key}",
            detail={"condition": row.key},
        )
        path = f"/certificates/{row.number}"
        audit.record(session, None, f"certificate.{event}", path, condition=row.key, due_on=str(row.due_on))
        told = told_of(session, row.number, event, now=now, today=today)
        feed.tell(session, f"certificate.{event}", path, None, **told, condition=row.key)
    return len(still)
