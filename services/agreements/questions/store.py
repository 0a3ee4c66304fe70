"""Questions as they are kept."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from services.agreements.competition_letters import store as competition_letters
from services.agreements.db import Table
from services.agreements.mini_competitions import store as mini_competitions
from services.agreements.mini_competitions.store import MiniCompetition
from services.chassis import audit, feed
from services.chassis.auth import Caller
from services.chassis.db import INSTANT
from services.chassis.problems import NotFound
from services.chassis.values import new_id


class Question(Table, table=True):
    """A question with its answer. Who asked is kept, and shown to nobody."""

    __table_args__ = (sa.UniqueConstraint("competition_id", "number"),)
    id: int | None = Field(default=None, primary_key=True)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    competition_id: int = Field(foreign_key="minicompetition.id")
    number: int
    asked_by: str = Field(max_length=9)
    text: str = Field(max_length=5000)
    asked_at: datetime = Field(sa_type=INSTANT)
    answer: str | None = Field(default=None, max_length=10_000)
    answered_at: datetime | None = Field(default=None, sa_type=INSTANT)


class QuestionNotFound(NotFound):
    """The mini-competition has no such question."""


_NUMBER = sa.text("SELECT coalesce(max(number), 0) + 1 FROM question WHERE competition_id = :id")
_TURN = sa.text("SELECT pg_advisory_xact_lock(:space, :id)")
_SPACE = 0x5155


def ask(
    session: Session, caller: Caller, competition: MiniCompetition, text: str, at: datetime, uuid: UUID | None = None
) -> Question:
    """Keep a question. The trail and the feed tell that something was asked."""
    session.execute(_TURN, {"space": _SPACE, "id": competition.id})  # beside others that hold the competition
    row = Question(
        uuid=uuid or new_id(),
        competition_id=competition.id or 0,
        number=session.execute(_NUMBER, {"id": competition.id}).scalar_one(),
        asked_by=caller.organisation,
        text=text,
        asked_at=at,
    )
    session.add(row)
    session.flush()
    _tell(session, caller, competition, row, "question.asked")
    return row


def answer(
    session: Session, caller: Caller, competition: MiniCompetition, row: Question, text: str, at: datetime
) -> None:
    """The competition is locked."""
    row.answer, row.answered_at = text, at
    session.flush()
    _tell(session, caller, competition, row, "question.answered")
    competition_letters.tell(session, competition, "questions")


def of(session: Session, competition_id: int) -> Sequence[Question]:
    """In the order in which they were asked."""
    query = select(Question).where(col(Question.competition_id) == competition_id)
    return session.exec(query.order_by(col(Question.number))).all()


def by_uuid(session: Session, competition: MiniCompetition, uuid: UUID) -> Question:
    query = select(Question).where(col(Question.uuid) == uuid, col(Question.competition_id) == competition.id)
    found = session.exec(query).one_or_none()
    if found is None:
        raise QuestionNotFound(f"No question {uuid} here.")
    return found


def _tell(session: Session, caller: Caller, competition: MiniCompetition, row: Question, event: str) -> None:
    where = mini_competitions.path(competition.uuid)
    audit.record(session, caller, event, f"{where}/questions/{row.uuid}", number=row.number)
    parties = mini_competitions.parties(session, competition)
    feed.tell_all(session, event, where, parties, id=str(row.uuid), number=row.number)
