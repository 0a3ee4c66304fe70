"""Letters as they are kept: one of a kind for each version of a call-off, made once, and followed on its way."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Relationship, Session, col, select

from services.agreements.db import Table
from services.agreements.letters import rules
from services.chassis import jobs
from services.chassis.db import INSTANT
from services.chassis.problems import NotFound

ORDER, CANCELLATION, CONFIRMATION, DECLINED, CHANGE, CHANGE_REQUEST, RECALL, RECALL_ENDED = (
    *("order", "cancellation", "confirmation", "declined", "change", "change_request", "recall", "recall_ended"),
)
REFUSED = "refused"
TASK = "deliver_letter"


class LetterEvent(Table, table=True):
    """One thing that happened to a letter on its way, as integration told it."""

    __tablename__ = "letter_event"

    reference: str = Field(primary_key=True, foreign_key="letter.reference", max_length=100)
    version: int = Field(primary_key=True)
    status: str = Field(max_length=40)
    event: str | None = Field(default=None, max_length=40)
    detail: str | None = Field(default=None, max_length=2000)
    occurred_at: datetime = Field(sa_type=INSTANT)
    recorded_at: datetime = Field(sa_type=INSTANT)


class Letter(Table, table=True):
    """A letter about a call-off: made once, sent as it is, and what became of it."""

    call_off_id: int = Field(primary_key=True, foreign_key="calloff.id", sa_type=sa.BigInteger)
    kind: str = Field(primary_key=True, max_length=20)
    order_version: int = Field(default=1, primary_key=True)
    recipient: str = Field(max_length=9)
    recipient_name: str = Field(max_length=200)
    reference: str = Field(unique=True, max_length=100)
    pdf: bytes | None = None
    language: str | None = Field(default=None, max_length=2)
    """Of the document; it is made in one, once. None in those that were made before there were several: bokmål."""
    sha256: str | None = Field(default=None, max_length=64)
    dispatch_id: UUID | None = None
    status: str | None = Field(default=None, max_length=40)
    external_id: str | None = Field(default=None, max_length=80)
    version: int = 0
    received_at: datetime | None = Field(default=None, sa_type=INSTANT)
    history: list[LetterEvent] = Relationship(
        sa_relationship_kwargs={"lazy": "selectin", "order_by": "LetterEvent.version", "viewonly": True}
    )

    @property
    def consequence(self) -> str | None:
        return rules.consequence(self.kind, self.status)


class LetterNotMade(NotFound):
    """The letter has not been made yet."""


_INSERT = sa.insert(Letter.__table__)  # type: ignore[attr-defined]  # SQLModel adds it


def send(
    session: Session, call_off_id: int, call_off: UUID, version: int, kind: str, recipient: str, recipient_name: str
) -> Letter:
    """A letter about a version of a call-off; made and delivered by a job."""
    letter = Letter(
        call_off_id=call_off_id,
        kind=kind,
        order_version=version,
        recipient=recipient,
        recipient_name=recipient_name,
        reference=reference(call_off, kind, version),
    )
    fields = {"call_off_id", "kind", "order_version", "recipient", "recipient_name", "reference", "version"}
    session.execute(_INSERT, letter.model_dump(include=fields))
    jobs.defer(session, TASK, call_off=str(call_off), kind=kind, version=version)
    return letter


def of(session: Session, call_off_ids: Sequence[int]) -> dict[int, list[Letter]]:
    found: dict[int, list[Letter]] = {}
    query = (
        select(Letter)
        .where(col(Letter.call_off_id).in_(call_off_ids))
        .order_by(col(Letter.order_version), col(Letter.kind).desc())
    )
    for letter in session.exec(query.options(sa.orm.defer(Letter.pdf))):  # type: ignore[arg-type]  # a column
        found.setdefault(letter.call_off_id, []).append(letter)
    return found


def pdf(session: Session, call_off_id: int, kind: str) -> bytes | None:
    query = select(col(Letter.pdf)).where(col(Letter.call_off_id) == call_off_id, col(Letter.kind) == kind)
    return session.execute(query.order_by(col(Letter.order_version).desc()).limit(1)).scalar()


def by_reference(session: Session, call_off_id: int, reference: str) -> Letter | None:
    here = col(Letter.call_off_id) == call_off_id, col(Letter.reference) == reference
    return session.exec(select(Letter).where(*here)).one_or_none()


def keep_pdf(session: Session, letter: Letter, made: bytes, language: str = "nb") -> tuple[bytes, str]:
    """Keep a letter's document, unless another worker was first; → the one that counts, and its language."""
    where = col(Letter.reference) == letter.reference
    session.execute(
        sa.update(Letter)
        .where(where, col(Letter.pdf).is_(None))
        .values(pdf=made, language=language, sha256=hashlib.sha256(made).hexdigest())
    )
    kept = session.execute(sa.select(col(Letter.pdf), col(Letter.language)).where(where)).one()
    return bytes(kept.pdf), kept.language or "nb"


def handed_over(session: Session, reference: str, dispatch_id: UUID) -> None:
    session.execute(sa.update(Letter).where(col(Letter.reference) == reference).values(dispatch_id=dispatch_id))


def refused(session: Session, reference: str) -> None:
    """Integration will never take the letter: the call-off shows it."""
    session.execute(sa.update(Letter).where(col(Letter.reference) == reference).values(status=REFUSED))


def heard(
    session: Session,
    reference: str,
    *,
    status: str,
    version: int,
    external_id: str | None,
    at: datetime,
    event: str | None = None,
    detail: str | None = None,
    occurred_at: datetime | None = None,
) -> Letter | None:
    """What the feed says of a letter; older news than we have changes nothing but its history. → the letter, if it is
    one of ours"""
    letter = session.exec(
        select(Letter).where(col(Letter.reference) == reference).options(sa.orm.defer(Letter.pdf))  # type: ignore[arg-type]  # a column
    ).one_or_none()
    if letter is None:
        return None
    told = {
        "reference": reference,
        "version": version,
        "status": status,
        "event": event,
        "detail": detail and detail[:2000],
        "occurred_at": occurred_at or at,
        "recorded_at": at,
    }
    session.execute(insert(LetterEvent).values(told).on_conflict_do_nothing())
    session.execute(
        sa.update(Letter)
        .where(col(Letter.reference) == reference, col(Letter.version) < version)
        .values(
            status=status,
            version=version,
            external_id=sa.func.coalesce(external_id, col(Letter.external_id)),
            received_at=sa.func.coalesce(col(Letter.received_at), at if status == "received" else None),
        )
    )
    session.refresh(letter)
    return letter


def undelivered(call_off_id: Any, version: Any) -> sa.ColumnElement[bool]:
    """Whether the order letter about a version of a call-off does not come to its supplier."""
    return (
        sa.exists()
        .where(
            col(Letter.call_off_id) == call_off_id,
            col(Letter.order_version) == version,
            col(Letter.kind) == ORDER,
            col(Letter.status).in_(sorted(rules.DEAD)),
        )
        .correlate_except(Letter)
    )


def reference(uuid: UUID, kind: str, version: int = 1) -> str:
    """What the letter is called everywhere on its way: ours, integration's, SvarUT's."""
    return f"call-off-{uuid}-{kind}" + (f"-{version}" if version > 1 else "")
