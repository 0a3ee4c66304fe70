"""Complaints and their answers as they are kept: only ever added."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from services.agreements.complaints.rules import Outcome, Rejected
from services.agreements.db import Table
from services.chassis.db import INSTANT, JSON, choice

LETTER = "complaint"
_CLOCK = {"server_default": sa.func.clock_timestamp()}


class Complaint(Table, table=True):
    """What the buyer complains of."""

    __table_args__ = (sa.UniqueConstraint("call_off_id", "sequence"),)
    id: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    uuid: UUID = Field(unique=True)
    call_off_id: int = Field(foreign_key="calloff.id", sa_type=sa.BigInteger)
    sequence: int
    organisation: str = Field(max_length=9)
    reason: str = Field(max_length=2000)
    complained_on: date
    recorded_at: datetime | None = Field(default=None, sa_type=INSTANT, nullable=False, sa_column_kwargs=_CLOCK)


class ComplaintLine(Table, table=True):
    """A quantity that is rejected, in the item's unit."""

    __table_args__ = (sa.CheckConstraint("quantity > 0", name="something"),)
    complaint_id: int = Field(primary_key=True, foreign_key="complaint.id", sa_type=sa.BigInteger)
    item: str = Field(primary_key=True, max_length=80)
    quantity: int


class ComplaintAnswer(Table, table=True):
    """What became of a complaint, once for each."""

    complaint_id: int = Field(primary_key=True, foreign_key="complaint.id", sa_type=sa.BigInteger)
    outcome: Outcome = Field(sa_type=choice(Outcome))
    organisation: str = Field(max_length=9)
    reason: str | None = Field(default=None, max_length=2000)
    agreed: list[dict[str, Any]] | None = Field(default=None, sa_type=JSON)
    """What a settlement says of each item: `[{"item", "quantity", "amount_excl_vat"}]`."""
    answered_at: datetime | None = Field(default=None, sa_type=INSTANT, nullable=False, sa_column_kwargs=_CLOCK)


@dataclass(frozen=True)
class Told:
    """A complaint with its lines, and its answer when there is one."""

    complaint: Complaint
    lines: tuple[Rejected, ...]
    answer: ComplaintAnswer | None

    @property
    def outcome(self) -> Outcome:
        return self.answer.outcome if self.answer else Outcome.OPEN


def add(session: Session, complaint: Complaint, lines: Sequence[Rejected]) -> None:
    session.add(complaint)
    session.flush()
    for line in lines:
        session.add(ComplaintLine(complaint_id=complaint.id or 0, item=line.item, quantity=line.quantity))
    session.flush()


def answer(
    session: Session,
    told: Told,
    outcome: Outcome,
    organisation: str,
    reason: str | None,
    agreed: list[dict[str, Any]] | None = None,
) -> None:
    session.add(
        ComplaintAnswer(
            complaint_id=told.complaint.id or 0,
            outcome=outcome,
            organisation=organisation,
            reason=reason,
            agreed=agreed,
        )
    )
    session.flush()


def of(session: Session, call_off_id: int) -> list[Told]:
    """A call-off's complaints, oldest first."""
    lines: dict[int, list[Rejected]] = {}
    mine = select(col(Complaint.id)).where(col(Complaint.call_off_id) == call_off_id)
    every = select(ComplaintLine).where(col(ComplaintLine.complaint_id).in_(mine))
    for line in session.exec(every.order_by(col(ComplaintLine.item))):
        lines.setdefault(line.complaint_id, []).append(Rejected(line.item, line.quantity))
    query = (
        select(Complaint, ComplaintAnswer)
        .outerjoin(ComplaintAnswer, col(ComplaintAnswer.complaint_id) == col(Complaint.id))
        .where(col(Complaint.call_off_id) == call_off_id)
        .order_by(col(Complaint.sequence))
    )
    return [Told(one, tuple(lines.get(one.id or 0, ())), reply) for one, reply in session.execute(query)]


def open_one(session: Session, call_off_id: int) -> Told:
    """The complaint that waits for its answer: a disputed call-off has exactly one."""
    (told,) = [one for one in of(session, call_off_id) if one.answer is None]
    return told


def letter_kind(sequence: int) -> str:
    """What the letter about a call-off's first, second … complaint is called: an order may have several."""
    return LETTER if sequence == 1 else f"{LETTER}-{sequence}"


def by_letter(session: Session, call_off_id: int, kind: str) -> Told | None:
    """The complaint that a letter is about; None when it is about something else."""
    return next((one for one in of(session, call_off_id) if letter_kind(one.complaint.sequence) == kind), None)


def taken_back(session: Session, call_off_id: int) -> Mapping[str, int]:
    """What has been rejected and is delivered anew, by item: it no longer counts as delivered."""
    return {row.item: row.quantity for row in session.execute(_TAKEN_BACK, {"id": call_off_id})}


_TAKEN_BACK = sa.text(
    "SELECT l.item, CAST(sum(l.quantity) AS integer) AS quantity FROM complaint c "
    "JOIN complaintline l ON l.complaint_id = c.id JOIN complaintanswer a ON a.complaint_id = c.id "
    "WHERE c.call_off_id = :id AND a.outcome = 'redelivered' GROUP BY l.item"
)
