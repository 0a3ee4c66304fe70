"""Letters that nobody has read in time, and what follows."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from services.chassis.clock import now
from services.integration.dispatches import store as dispatches
from services.integration.dispatches.rules import Address, Channel, Event, State, WhenUnread
from services.integration.dispatches.store import Dispatch


def passed(session: Session, uuid: UUID, external_id: str, address: Address | None = None) -> None:
    """The reading deadline of a letter that SvarUT has just been asked about has passed. It goes to print, if its
    sender wanted that and there is an address; the notice is given in any case."""
    row = dispatches.locked(session, uuid)
    if row.state is not State.NOTIFIED or row.unread_at or row.external_id != external_id:
        return
    row.unread_at = now()
    kept = Address(**row.address) if row.address else address
    if row.when_unread is WhenUnread.NOTICE or kept is None:
        told = "" if row.when_unread is WhenUnread.NOTICE else " Its recipient's postal address is not known."
        dispatches.note(session, row, Event.UNREAD, detail=f"The reading deadline has passed.{told}")
        return
    dispatches.note(session, row, Event.UNREAD, detail="The reading deadline has passed. It goes to print.")
    row.channel, row.address = Channel.PRINT, asdict(kept)
    row.external_reference = f"{row.uuid}-print"  # SvarUT has the first under the other
    dispatches.move(session, None, row, Event.PRINT_INSTEAD, detail=f"Unread as SvarUT's {external_id}")
    dispatches.queue(session, row)


def offered(session: Session, before: datetime, limit: int) -> Sequence[Any]:
    """Letters that wait for their readers since before an instant, and whose deadline has not been found to have
    passed, the longest first: rows of uuid, recipient_number, external_id, offered_at."""
    query = (
        sa.select(*(col(getattr(Dispatch, name)) for name in ("uuid", "recipient_number", "external_id", "offered_at")))
        .where(
            col(Dispatch.state) == State.NOTIFIED,
            col(Dispatch.external_id).is_not(None),
            col(Dispatch.offered_at) <= before,
            col(Dispatch.unread_at).is_(None),
        )
        .order_by(col(Dispatch.offered_at), col(Dispatch.id))
        .limit(limit)
    )
    return session.execute(query).all()
