"""Which replies came to a call-off's letters, as integration told."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, col, select

from services.agreements.db import Table
from services.agreements.letters.store import Letter
from services.chassis import audit, feed
from services.chassis.db import INSTANT, JSON
from services.chassis.problems import NotFound


class LetterReply(Table, table=True):
    """A reply, by integration's id of it."""

    __tablename__ = "letter_reply"

    reply_id: UUID = Field(primary_key=True)
    call_off_id: int = Field(foreign_key="calloff.id", index=True, sa_type=sa.BigInteger)
    letter_reference: str = Field(max_length=100)
    sender_name: str | None = Field(default=None, max_length=200)
    sender_number: str | None = Field(default=None, max_length=9)
    title: str = Field(max_length=1000)
    documents: list[dict[str, Any]] = Field(sa_type=JSON)
    received_at: datetime = Field(sa_type=INSTANT)


class LetterReplyNotFound(NotFound):
    """The call-off has no such reply."""


def heard(
    session: Session,
    *,
    reply_id: UUID,
    reference: str,
    sender_name: str | None,
    sender_number: str | None,
    title: str,
    documents: list[dict[str, Any]],
    received_at: datetime,
) -> None:
    """What the feed says of a reply; told to whoever takes part in the call-off. Once: again changes nothing, and a
    reply to another's letter is none of ours."""
    letter = session.exec(select(Letter).where(col(Letter.reference) == reference)).one_or_none()
    if letter is None:
        return
    new = insert(LetterReply).values(
        reply_id=reply_id,
        call_off_id=letter.call_off_id,
        letter_reference=reference,
        sender_name=sender_name,
        sender_number=sender_number,
        title=title,
        documents=documents,
        received_at=received_at,
    )
    if session.execute(new.on_conflict_do_nothing().returning(col(LetterReply.reply_id))).first() is None:
        return
    row = session.execute(_CALL_OFF, {"id": letter.call_off_id}).one()
    path, said = f"/call-offs/{row.uuid}", {"letter": letter.kind, "reply": str(reply_id)}
    audit.record(session, None, "call_off.reply", path, **said)
    for organisation in dict.fromkeys((row.buyer, letter.recipient)):
        feed.tell(session, "call_off.reply", path, organisation, id=str(row.uuid), number=row.number, **said)


_CALL_OFF = sa.text("SELECT uuid, number, buyer FROM calloff WHERE id = :id")


def of(session: Session, call_off_ids: Sequence[int]) -> dict[int, list[LetterReply]]:
    """By call-off, oldest first."""
    query = select(LetterReply).where(col(LetterReply.call_off_id).in_(call_off_ids))
    found: dict[int, list[LetterReply]] = {}
    for row in session.exec(query.order_by(col(LetterReply.received_at), col(LetterReply.reply_id))):
        found.setdefault(row.call_off_id, []).append(row)
    return found
