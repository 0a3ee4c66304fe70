"""Joinings as they are kept: only ever added. Their table stands with the needs, which count them."""

from datetime import datetime

from sqlmodel import Session

from services.catalog.needs.store import NeedJoining


def join(session: Session, need_id: int, organisation_id: int, recorded_at: datetime, *, for_members: bool) -> None:
    _joining(session, need_id, organisation_id, recorded_at, joined=True, for_members=for_members)


def leave(session: Session, need_id: int, organisation_id: int, recorded_at: datetime) -> None:
    _joining(session, need_id, organisation_id, recorded_at, joined=False, for_members=False)


def _joining(
    session: Session, need_id: int, organisation_id: int, at: datetime, *, joined: bool, for_members: bool
) -> None:
    session.add(
        NeedJoining(
            need_id=need_id, organisation_id=organisation_id, joined=joined, for_members=for_members, recorded_at=at
        )
    )
    session.flush()
