"""Awards as they are kept, with what each bidder was told; announced, taken back, and made final by `placing`."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from services.agreements.awards import rules
from services.agreements.bids import store as bids
from services.agreements.bids.rules import Event as BidEvent
from services.agreements.bids.rules import State as BidState
from services.agreements.bids.store import Bid
from services.agreements.competition_letters import store as competition_letters
from services.agreements.db import Table
from services.agreements.evaluations import rules as evaluation_rules
from services.agreements.evaluations import store as evaluations
from services.agreements.mini_competitions import store as mini_competitions
from services.agreements.mini_competitions.rules import Event, State, after
from services.agreements.mini_competitions.store import MiniCompetition
from services.chassis.auth import Caller
from services.chassis.clock import OSLO, on
from services.chassis.db import INSTANT, JSON
from services.chassis.problems import Problem, refuse


class Award(Table, table=True):
    """One announcement of a winner. What was announced is never edited; it ends as final, or is taken back."""

    __table_args__ = (
        sa.UniqueConstraint("competition_id", "sequence"),
        sa.ForeignKeyConstraint(
            ["competition_id", "evaluation_version"],
            ["evaluation.competition_id", "evaluation.version"],
            name="fk_award_evaluation",
        ),
        sa.Index(
            "uq_award_standing",
            "competition_id",
            unique=True,
            postgresql_where=sa.text("withdrawn_at IS NULL"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    competition_id: int = Field(foreign_key="minicompetition.id")
    sequence: int
    evaluation_version: int
    bid_id: int = Field(foreign_key="bid.id")
    reason: str = Field(max_length=2000)
    standstill_days: int
    announced_at: datetime = Field(sa_type=INSTANT)
    told_at: datetime | None = Field(default=None, sa_type=INSTANT)
    """When the last bidder's letter had been handed over: the standstill begins. Null where there is none."""
    ends_at: datetime | None = Field(default=None, sa_type=INSTANT)
    """When the standstill is over."""
    withdrawn_at: datetime | None = Field(default=None, sa_type=INSTANT)
    withdrawal_reason: str | None = Field(default=None, max_length=2000)
    final_at: datetime | None = Field(default=None, sa_type=INSTANT)
    obstacle: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    """Why it did not become a call-off when the service last tried: a problem as it is told."""
    tried_at: datetime | None = Field(default=None, sa_type=INSTANT)

    @property
    def standstill(self) -> rules.Standstill:
        return rules.Standstill(self.standstill_days, self.ends_at)


class AwardReason(Table, table=True):
    """What one bidder was told of an award (`rules.told`); never edited."""

    award_id: int = Field(primary_key=True, foreign_key="award.id")
    bid_id: int = Field(primary_key=True, foreign_key="bid.id")
    won: bool
    told: dict[str, Any] = Field(sa_type=JSON)


def announce(
    session: Session, caller: Caller | None, row: MiniCompetition, *, reason: str, decided_on: str | None
) -> Award:
    """Evaluation → award_notified: the evaluation is kept, the first in its order is announced as the winner, and every
    bidder is told why. The competition is locked."""
    assert row.id
    after(row.state, Event.ANNOUNCE_AWARD)
    inputs = evaluations.inputs(session, row)
    result, kept = evaluation_rules.evaluate(inputs), evaluation_rules.kept(inputs)
    outdated = [one for one in _weighed(session, row) if one.answers_version < row.bids_from_version]
    refuse(
        [
            *evaluation_rules.check_award(result, evaluation_rules.digest(kept), decided_on),
            *rules.check_current([(str(one.uuid), one.supplier_name) for one in outdated]),
        ]
    )
    if result.winner is None:
        raise rules.NothingToAward
    evaluations.score(session, caller, row)
    evaluation = evaluations.keep(session, row, kept, result)
    entered = {str(one.uuid): one for one in bids.in_states(session, row.id, BidState.SCORED)}
    comments = {one.evaluator: one.comments for one in evaluations.sheets(session, row.id)}
    award = Award(
        competition_id=row.id,
        sequence=session.execute(_SEQUENCE, {"id": row.id}).scalar_one(),
        evaluation_version=evaluation.version,
        bid_id=entered[result.winner.bid].id or 0,
        reason=reason,
        standstill_days=row.standstill_days,
        announced_at=mini_competitions.clock(session),
    )
    session.add(award)
    session.flush()
    told = rules.told(result, inputs, comments, ceiling_secret=row.value_secret)
    for bid, reasons in told.items():
        won = bid == result.winner.bid
        session.add(AwardReason(award_id=award.id or 0, bid_id=entered[bid].id or 0, won=won, told=reasons))
        bids.move(session, caller, row, entered[bid], BidEvent.NOTIFY_WON if won else BidEvent.NOTIFY_LOST)
    session.flush()
    detail = {
        "winner": result.winner.supplier,
        "winner_name": result.winner.name,
        "evaluation_sha256": evaluation.sha256,
    }
    mini_competitions.move(session, caller, row, Event.ANNOUNCE_AWARD, reason=reason, detail=detail)
    competition_letters.tell(session, row, "award")
    return award


def begin(session: Session, competition_id: int) -> None:
    """The standstill begins, if one was announced, the last of the bidders' letters has been handed over, and it has
    not begun. It ends with its last day in Norway."""
    row = mini_competitions.by_id(session, competition_id)
    if row.state is not State.AWARD_NOTIFIED:
        return
    award, at = standing(session, competition_id), competition_letters.told_at(session, competition_id)
    if not award.standstill_days or award.told_at is not None or at is None:
        return
    award.told_at = at
    award.ends_at = datetime.combine(rules.last_day(on(at), award.standstill_days) + timedelta(days=1), time(), OSLO)
    session.flush()
    detail = {"ends_at": award.ends_at.isoformat()}
    mini_competitions.tell(session, row, "standstill_begins", None, detail=detail)


def _weighed(session: Session, row: MiniCompetition) -> Sequence[Bid]:
    return bids.in_states(session, row.id or 0, BidState.OPENED, BidState.SCORED)


def withdraw(session: Session, caller: Caller, row: MiniCompetition, reason: str) -> None:
    """Award_notified → evaluation, before it is final: bids and marks stand as they did. The competition is locked."""
    assert row.id
    after(row.state, Event.WITHDRAW_AWARD)
    award = standing(session, row.id)
    award.withdrawn_at, award.withdrawal_reason = mini_competitions.clock(session), reason
    session.flush()
    for one in bids.in_states(session, row.id, BidState.WON_PENDING, BidState.LOST_PENDING):
        bids.move(session, caller, row, one, BidEvent.AWARD_WITHDRAWN)
    mini_competitions.move(session, caller, row, Event.WITHDRAW_AWARD, reason=reason)
    competition_letters.tell(session, row, "award_withdrawn")


def no_valid_bids(session: Session, caller: Caller, row: MiniCompetition, reason: str) -> None:
    """Evaluation → unsuccessful, when every bid has been rejected. The competition is locked."""
    assert row.id
    after(row.state, Event.NO_VALID_BIDS)
    left = _weighed(session, row)
    if left:
        raise rules.ValidBidsLeft(f"{len(left)} are left.")
    mini_competitions.move(session, caller, row, Event.NO_VALID_BIDS, reason=reason)
    competition_letters.tell(session, row, "unsuccessful")


def final(
    session: Session, caller: Caller | None, row: MiniCompetition, award: Award, call_off: UUID, number: str
) -> None:
    """Award_notified → awarded: the bids are won and lost. The competition is locked, and the call-off placed."""
    assert row.id
    row.call_off = call_off
    award.final_at, award.obstacle = mini_competitions.clock(session), None
    session.flush()
    for one in bids.in_states(session, row.id, BidState.WON_PENDING, BidState.LOST_PENDING):
        bids.move(session, caller, row, one, BidEvent.AWARD_FINAL)
    detail = {"call_off": str(call_off), "call_off_number": number}
    mini_competitions.move(session, caller, row, Event.STANDSTILL_OVER, detail=detail)


def standing(session: Session, competition_id: int) -> Award:
    """The one that has not been taken back, of a competition whose award is announced."""
    query = select(Award).where(col(Award.competition_id) == competition_id, col(Award.withdrawn_at).is_(None))
    return session.exec(query).one()


def of(session: Session, competition_id: int) -> Sequence[Award]:
    """Oldest first, those that were taken back included."""
    query = select(Award).where(col(Award.competition_id) == competition_id)
    return session.exec(query.order_by(col(Award.sequence))).all()


def reasons(session: Session, award_id: int) -> Sequence[tuple[AwardReason, Bid]]:
    """By the bidders' places."""
    query = (
        select(AwardReason, Bid)
        .join(Bid, col(Bid.id) == col(AwardReason.bid_id))
        .where(col(AwardReason.award_id) == award_id)
        .order_by(col(AwardReason.told)["place"].as_integer())
    )
    return [(reason, bid) for reason, bid in session.exec(query)]


def over(session: Session) -> Sequence[int]:
    """Competitions whose award can be final by the database's clock, by id; those that were tried in the last minutes
    are left for later."""
    tried = sa.or_(
        col(Award.tried_at).is_(None), col(Award.tried_at) < sa.text("clock_timestamp() - interval '10 minutes'")
    )
    query = _announced().where(
        sa.or_(col(Award.standstill_days) == 0, col(Award.ends_at) <= sa.func.clock_timestamp()), tried
    )
    return [one or 0 for one in session.exec(query.limit(200))]


def _announced() -> Any:
    return (
        select(col(MiniCompetition.id))
        .join(Award, col(Award.competition_id) == col(MiniCompetition.id))
        .where(col(MiniCompetition.state) == State.AWARD_NOTIFIED, col(Award.withdrawn_at).is_(None))
        .order_by(col(MiniCompetition.id))
    )


def rejected(session: Session, competition_id: int) -> Sequence[Bid]:
    return bids.in_states(session, competition_id, BidState.REJECTED)


def hindered(session: Session, row: MiniCompetition, problem: Problem) -> None:
    """Why the service could not make the award final, for its buyer to see; it tries again. The competition is
    locked."""
    if row.state is State.AWARD_NOTIFIED:
        award = standing(session, row.id or 0)
        award.obstacle, award.tried_at = problem.body(), mini_competitions.clock(session)
        session.flush()


_SEQUENCE = sa.text("SELECT coalesce(max(sequence), 0) + 1 FROM award WHERE competition_id = :id")
