"""Balances and entries as they are kept. All amounts are NOK without VAT."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from services.agreements.db import Table
from services.agreements.ledger.rules import CeilingExceeded, Kind, Scope, exceeded
from services.chassis.db import INSTANT, MONEY, choice

Z = Decimal("0.00")


class Balance(Table, table=True):
    """The running sums under one ceiling. NULL is no ceiling, 0 allows nothing."""

    __table_args__ = (
        sa.CheckConstraint("ceiling IS NULL OR reserved + posted <= ceiling", name="ceiling_holds"),
        sa.CheckConstraint("reserved >= 0 AND posted >= 0", name="never_negative"),
        sa.UniqueConstraint("scope", "subject_id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    scope: Scope = Field(sa_type=choice(Scope))
    subject_id: int
    ceiling: Decimal | None = Field(default=None, sa_type=MONEY)
    reserved: Decimal = Field(default=Z, sa_type=MONEY)
    posted: Decimal = Field(default=Z, sa_type=MONEY)


class Entry(Table, table=True):
    """One movement: signed, never edited; a mistake is corrected by another entry."""

    id: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    kind: Kind = Field(sa_type=choice(Kind))
    framework_id: int = Field(index=True)
    lot_id: int = Field(index=True)
    call_off_id: int = Field(index=True, sa_type=sa.BigInteger)
    buyer: str = Field(max_length=9)
    supplier: str = Field(max_length=9)
    reserved: Decimal = Field(sa_type=MONEY)
    posted: Decimal = Field(sa_type=MONEY)
    cause: str = Field(max_length=80)
    recorded_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs={"server_default": sa.func.clock_timestamp()})


@dataclass(frozen=True)
class Account:
    """Whose money moves, and under which ceilings."""

    framework_id: int
    lot_id: int
    place_id: int
    call_off_id: int
    buyer: str
    supplier: str


@dataclass(frozen=True)
class Room:
    """What is taken and left under one ceiling."""

    ceiling: Decimal | None
    reserved: Decimal
    posted: Decimal

    @property
    def left(self) -> Decimal | None:
        return None if self.ceiling is None else self.ceiling - self.reserved - self.posted


# One statement tests both ceilings and takes from both, agreement before lot: the lot's UPDATE needs the agreement's.
# It also sees that the agreement and the place are still open, so that a suspension between the reading of the terms
# and this moment is not passed by. Run it last in its transaction: its row locks are what other call-offs wait for.
RESERVE = sa.text(
    """
    WITH agreement AS (
        UPDATE balance SET reserved = reserved + :value
         WHERE scope = 'framework_agreement' AND subject_id = :framework_id
           AND (ceiling IS NULL OR reserved + posted + :value <= ceiling)
           AND EXISTS (SELECT 1 FROM frameworkagreement WHERE id = :framework_id AND state = 'active')
           AND EXISTS (SELECT 1 FROM place WHERE id = :place_id AND state = 'active')
     RETURNING 1
    ), lot AS (
        UPDATE balance SET reserved = reserved + :value
         WHERE scope = 'lot' AND subject_id = :lot_id
           AND (ceiling IS NULL OR reserved + posted + :value <= ceiling)
           AND EXISTS (SELECT 1 FROM agreement)
     RETURNING 1
    )
    SELECT (SELECT count(*) FROM agreement) AS agreement, (SELECT count(*) FROM lot) AS lot
    """
)
_RELEASE = sa.text(
    """
    WITH agreement AS (
        UPDATE balance SET reserved = reserved - :value
         WHERE scope = 'framework_agreement' AND subject_id = :framework_id RETURNING 1
    )
    UPDATE balance SET reserved = reserved - :value
     WHERE scope = 'lot' AND subject_id = :lot_id AND EXISTS (SELECT 1 FROM agreement)
    """
)
_ENTRY = sa.insert(Entry)


def open_balance(session: Session, scope: Scope, subject_id: int, ceiling: Decimal | None) -> None:
    session.add(Balance(scope=scope, subject_id=subject_id, ceiling=ceiling))
    session.flush()


def reserve(session: Session, account: Account, value: Decimal) -> bool:
    """Take `value` under every ceiling, or raise CeilingExceeded; False when agreement or place is no longer open."""
    _enter(session, account, Kind.RESERVE, value, "reserve")
    taken = session.execute(
        RESERVE,
        {
            "value": value,
            "framework_id": account.framework_id,
            "lot_id": account.lot_id,
            "place_id": account.place_id,
        },
    ).one()
    if taken.agreement and taken.lot:
        return True
    # The agreement's own UPDATE, if it came through, is still in this transaction: its balance is not asked again.
    scopes = [(Scope.LOT, account.lot_id)]
    if not taken.agreement:
        scopes.insert(0, (Scope.FRAMEWORK_AGREEMENT, account.framework_id))
    refusals = _exceeded(session, scopes, value)
    if refusals:
        refusals[0].all = refusals
        raise refusals[0]
    return False


def release(session: Session, account: Account, value: Decimal, cause: str) -> None:
    """Give a reservation back."""
    _enter(session, account, Kind.RELEASE, -value, cause)
    session.execute(_RELEASE, {"value": value, "framework_id": account.framework_id, "lot_id": account.lot_id})


def room(session: Session, scope: Scope, subject_ids: Sequence[int]) -> dict[int, Room]:
    rows = session.execute(
        select(col(Balance.subject_id), col(Balance.ceiling), col(Balance.reserved), col(Balance.posted)).where(
            col(Balance.scope) == scope, col(Balance.subject_id).in_(subject_ids)
        )
    )
    return {row.subject_id: Room(row.ceiling, row.reserved, row.posted) for row in rows}


def unproven(session: Session) -> list[tuple[str, int, Decimal, Decimal]]:
    """The proof that balances are the sums of their entries: every balance for which that is not so."""
    rows = session.execute(
        sa.text(
            """
            SELECT b.scope, b.subject_id, b.reserved - coalesce(sum(e.reserved), 0) AS reserved,
                   b.posted - coalesce(sum(e.posted), 0) AS posted
              FROM balance b LEFT JOIN entry e
                ON b.subject_id = CASE b.scope WHEN 'lot' THEN e.lot_id ELSE e.framework_id END
             GROUP BY b.id HAVING b.reserved <> coalesce(sum(e.reserved), 0) OR b.posted <> coalesce(sum(e.posted), 0)
            """
        )
    )
    return [(row.scope, row.subject_id, row.reserved, row.posted) for row in rows]


def _enter(session: Session, account: Account, kind: Kind, reserved: Decimal, cause: str) -> None:
    session.execute(
        _ENTRY,
        {
            "kind": kind,
            "framework_id": account.framework_id,
            "lot_id": account.lot_id,
            "call_off_id": account.call_off_id,
            "buyer": account.buyer,
            "supplier": account.supplier,
            "reserved": reserved,
            "posted": Z,
            "cause": cause,
        },
    )


def _exceeded(session: Session, scopes: list[tuple[Scope, int]], value: Decimal) -> list[CeilingExceeded]:
    found: list[CeilingExceeded] = []
    for scope, subject in scopes:
        here = room(session, scope, [subject])[subject]
        if here.ceiling is not None and here.reserved + here.posted + value > here.ceiling:
            found.append(exceeded(scope, here.ceiling, here.reserved, here.posted, value))
    return found
