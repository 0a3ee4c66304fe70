"""What a choice needs to know of the call-offs before: whose turn it is, and what a buyer has ordered already."""

from datetime import date, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Field, Session

from services.agreements.db import Table
from services.chassis.db import MONEY


class CommittedDay(Table, table=True):
    """What a buyer placed in a lot on one day and still holds or has taken over, NOK without VAT: kept where several
    bands make it count, so that a sum over a year stays small."""

    lot_id: int = Field(primary_key=True, foreign_key="lot.id")
    participant_id: int = Field(primary_key=True, foreign_key="participant.id")
    placed_on: date = Field(primary_key=True)
    value: Decimal = Field(sa_type=MONEY)


_LOCK = sa.text("SELECT id FROM lot WHERE id = :lot_id FOR UPDATE")
_TURNS = sa.text("SELECT id, turns FROM place WHERE lot_id = :lot_id")
_TAKE_TURN = sa.text("UPDATE place SET turns = turns + 1 WHERE id = :place_id")
_COMMIT = sa.text(
    "INSERT INTO committedday (lot_id, participant_id, placed_on, value) VALUES (:lot_id, :participant_id, :on, :value)"
    " ON CONFLICT (lot_id, participant_id, placed_on) DO UPDATE SET value = committedday.value + excluded.value"
)
_CHANGE = sa.text(
    "UPDATE committedday SET value = value + :value "
    "WHERE lot_id = :lot_id AND participant_id = :participant_id AND placed_on = :on"
)
_EARLIER = sa.text(
    "SELECT coalesce(sum(value), 0) FROM committedday WHERE lot_id = :lot_id AND participant_id = :participant_id "
    "AND placed_on > :after AND placed_on <= :on"
)


def lock(session: Session, lot_id: int) -> None:
    """Nobody else places a call-off in the lot until this transaction ends. First in it, before any balance."""
    session.execute(_LOCK, {"lot_id": lot_id})


def turns(session: Session, lot_id: int) -> dict[int, int]:
    """By place."""
    return {row.id: row.turns for row in session.execute(_TURNS, {"lot_id": lot_id})}


def take_turn(session: Session, place_id: int) -> None:
    session.execute(_TAKE_TURN, {"place_id": place_id})


def committed(session: Session, lot_id: int, participant_id: int, on: date, value: Decimal, *, first: bool) -> None:
    """More (or less) of a call-off placed on a day. `first`: the lot has several bands, so that it counts."""
    named = {"lot_id": lot_id, "participant_id": participant_id, "on": on, "value": value}
    session.execute(_COMMIT if first else _CHANGE, named)


def earlier(session: Session, lot_id: int, participant_id: int, on: date, days: int) -> Decimal:
    """What the buyer has placed in the lot in the window of `days` that ends today."""
    named = {"lot_id": lot_id, "participant_id": participant_id, "on": on, "after": on - timedelta(days=days)}
    return Decimal(session.execute(_EARLIER, named).scalar_one())
