"""What the evidence files say of attachments."""

from collections.abc import Sequence
from datetime import date

from sqlmodel import Session

from services.catalog.attachments import rules
from services.catalog.attachments.rules import Named
from services.catalog.evidence_files import store as evidence_files
from services.chassis.problems import Problem


def check(session: Session, named: Sequence[Named], organisation: str, today: date) -> list[Problem]:
    """`organisation`: the number of whoever lays them beside; its own are those that it, or what has become it,
    uploaded. They are locked, so that none is withdrawn while it is being laid beside something."""
    if not named:
        return []
    evidence_files.lock_all(session, {one.file for one in named})
    own = evidence_files.standing_for(session, organisation, today)
    known = {
        uuid: rules.File(file.sha256, file.uploaded_by_id in own, file.withdrawn_at is not None)
        for uuid, file in evidence_files.by_uuids(session, {one.file for one in named}).items()
    }
    return rules.check(named, known)
