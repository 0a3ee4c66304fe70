"""Marks and evaluations as they are kept: every sheet of an evaluator, and every evaluation that an award rests on."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import Field, Session, col, select

from services.agreements.bids import store as bids
from services.agreements.bids.rules import Event as BidEvent
from services.agreements.bids.rules import State as BidState
from services.agreements.criteria.rules import Tie, criterion
from services.agreements.db import Table
from services.agreements.evaluations import rules
from services.agreements.mini_competitions import store as mini_competitions
from services.agreements.mini_competitions.store import MiniCompetition
from services.agreements.openings import store as openings
from services.chassis import audit
from services.chassis.auth import Caller
from services.chassis.db import INSTANT, JSON

EVALUATED = (
    *(BidState.OPENED, BidState.SCORED),
    *(BidState.WON_PENDING, BidState.LOST_PENDING, BidState.WON, BidState.LOST),
)
"""Of bids that have been opened and not rejected."""


class ScoreSheet(Table, table=True):
    """One evaluator's marks in a competition, all of them, in versions; never edited."""

    competition_id: int = Field(primary_key=True, foreign_key="minicompetition.id")
    evaluator: str = Field(primary_key=True, max_length=80)
    version: int = Field(primary_key=True)
    marks: dict[str, Any] = Field(sa_type=JSON)
    """`{bid: {criterion: points as text, or met}}`"""
    comments: dict[str, Any] = Field(sa_type=JSON)
    """`{bid: {criterion: text}}`"""
    recorded_at: datetime | None = Field(
        default=None, sa_type=INSTANT, nullable=False, sa_column_kwargs={"server_default": sa.func.clock_timestamp()}
    )


class Evaluation(Table, table=True):
    """An evaluation that an award rests on: its inputs whole, its result, and the digest of the inputs; never
    edited."""

    competition_id: int = Field(primary_key=True, foreign_key="minicompetition.id")
    version: int = Field(primary_key=True)
    inputs: dict[str, Any] = Field(sa_type=JSON)
    result: dict[str, Any] = Field(sa_type=JSON)
    sha256: str = Field(max_length=64)
    recorded_at: datetime | None = Field(
        default=None, sa_type=INSTANT, nullable=False, sa_column_kwargs={"server_default": sa.func.clock_timestamp()}
    )


def sheets(session: Session, competition_id: int) -> Sequence[ScoreSheet]:
    """Each evaluator's newest."""
    query = select(ScoreSheet).where(col(ScoreSheet.competition_id) == competition_id)
    newest = query.ext(distinct_on(col(ScoreSheet.evaluator)))
    return session.exec(newest.order_by(col(ScoreSheet.evaluator), col(ScoreSheet.version).desc())).all()


def inputs(session: Session, row: MiniCompetition) -> rules.Inputs:
    """What an evaluation of the competition rests on just now."""
    assert row.id
    assert row.value is not None
    found = openings.bids_of(session, row.id)
    ranks = {one.place_id: one.rank for one in mini_competitions.invitations(session, row.id)}
    evaluated = bids.in_states(session, row.id, *EVALUATED)
    known = {str(one.uuid) for one in evaluated}
    return rules.Inputs(
        tuple(criterion(one) for one in row.criteria),
        tuple(Tie(one) for one in row.tie_rule),
        row.lot_seed or "",
        row.value,
        tuple(str(one["code"]) for one in row.evaluators),
        tuple(
            rules.Bid(str(one.uuid), one.supplier, one.supplier_name, ranks[one.place_id], found[one.id or 0].net)
            for one in evaluated
        ),
        {
            one.evaluator: {
                bid: {code: mark if isinstance(mark, bool) else Decimal(mark) for code, mark in given.items()}
                for bid, given in one.marks.items()
                if bid in known
            }
            for one in sheets(session, row.id)
        },
    )


def mark(
    session: Session,
    caller: Caller | None,
    row: MiniCompetition,
    evaluator: str,
    given: Sequence[rules.Given],
    comments: dict[str, dict[str, str]],
) -> None:
    """Keep an evaluator's sheet, in the place of the one before; the competition is locked. Bids that every evaluator
    has marked on everything are scored."""
    assert row.id
    marks: dict[str, dict[str, Any]] = {}
    for one in given:
        kept = one.mark
        marks.setdefault(one.bid, {})[one.criterion] = kept if isinstance(kept, bool) else str(kept)
    version = session.execute(_VERSION, {"id": row.id, "evaluator": evaluator}).scalar_one()
    session.add(ScoreSheet(competition_id=row.id, evaluator=evaluator, version=version, marks=marks, comments=comments))
    session.flush()
    audit.record(
        session,
        caller,
        "evaluation.mark",
        f"{mini_competitions.path(row.uuid)}/scores/{evaluator}",
        version=version,
        marks=marks,
    )
    score(session, caller, row)


def score(session: Session, caller: Caller | None, row: MiniCompetition) -> None:
    """Opened → scored for every bid that no mark is missing of."""
    assert row.id
    missing = {bid for _, bid, _ in rules.missing(inputs(session, row))}
    for one in bids.in_states(session, row.id, BidState.OPENED):
        if str(one.uuid) not in missing:
            bids.move(session, caller, row, one, BidEvent.SCORE)


def reject(session: Session, caller: Caller | None, row: MiniCompetition, bid: bids.Bid, reasons: list[str]) -> None:
    """Opened or scored → rejected: it is not weighed any more, so that others may be scored. The competition is
    locked."""
    detail = {"reasons": reasons}
    bids.move(session, caller, row, bid, BidEvent.REJECT, reason="\n".join(reasons)[:2000], detail=detail)
    score(session, caller, row)


def keep(session: Session, row: MiniCompetition, kept: dict[str, Any], result: rules.Result) -> Evaluation:
    """For an award to rest on."""
    assert row.id
    version = session.execute(_EVALUATION_VERSION, {"id": row.id}).scalar_one()
    found = Evaluation(
        competition_id=row.id,
        version=version,
        inputs=kept,
        result=rules.told(result),
        sha256=rules.digest(kept),
    )
    session.add(found)
    session.flush()
    return found


def kept(session: Session, competition_id: int) -> Sequence[Evaluation]:
    """Those that an award rests or has rested on, oldest first."""
    query = select(Evaluation).where(col(Evaluation.competition_id) == competition_id)
    return session.exec(query.order_by(col(Evaluation.version))).all()


def rejected_for(session: Session, bid: bids.Bid) -> list[str]:
    """Why a bid was rejected, as its bidder is told."""
    told = [one.detail for one in bids.events(session, bid.id or 0) if one.event is BidEvent.REJECT and one.detail]
    return [str(reason) for detail in told for reason in detail["reasons"]]


_VERSION = sa.text(
    "SELECT coalesce(max(version), 0) + 1 FROM scoresheet WHERE competition_id = :id AND evaluator = :evaluator"
)
_EVALUATION_VERSION = sa.text("SELECT coalesce(max(version), 0) + 1 FROM evaluation WHERE competition_id = :id")
