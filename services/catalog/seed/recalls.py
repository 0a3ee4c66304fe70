"""The recall of the fictional certificate that is suspended, with those who use its product told."""

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from services.catalog.certificates import rules as certification
from services.catalog.certificates import store as certificates
from services.catalog.certificates.store import Certificate
from services.catalog.recalls import store as recalls
from services.catalog.recalls.rules import RECALLED
from services.catalog.seed.files import told
from services.chassis import clock
from services.chassis.values import seed_id

NUMBER = "SV-2026-000003"
AT = datetime(2026, 11, 2, 10, tzinfo=UTC)
"""When the fictional adoptions had been recorded."""


def load(session: Session) -> int:
    uuid = seed_id(f"recall:{NUMBER}")
    if session.exec(select(recalls.Recall.id).where(col(recalls.Recall.uuid) == uuid)).first():
        return 0
    certificate = session.exec(select(Certificate.id).where(col(Certificate.number) == NUMBER)).one()
    # On an installation that is older than recalls the suspension counts as told of long ago.
    progress = recalls.RecallProgress
    session.execute(sa.delete(progress).where(col(progress.certificate_id) == certificate))
    recalls.consider(session, certificate, AT, name=lambda: uuid)
    while recalls.tell(
        session,
        certificate,
        AT,
        name=lambda organisation: seed_id(f"recall-notice:{NUMBER}:{organisation.organisation_number}"),
    ):
        continue
    _leave_what_is_over(session)
    return told(session, "recall.seed", f"/recalls/{uuid}", 1)


def _leave_what_is_over(session: Session) -> None:
    """What happened to a fictional certificate in the past and is over is no news when a worker comes to it. One that
    is suspended today is recalled then."""
    progress, now = recalls.RecallProgress, clock.now()
    known = select(progress.certificate_id)
    waiting = session.exec(select(Certificate.id).where(col(Certificate.id).not_in(known))).all()
    for id, history in certificates.histories(session, waiting).items():
        if certification.status_on(history, clock.on(now), now) not in RECALLED:
            session.add(progress(certificate_id=id, event_id=history.events[-1].id))
    session.flush()
