"""Thresholds as they were added. A row is never edited: of several for the same kind and first day the last one added
counts, and on a day the one that began last holds."""

import csv
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from services.agreements.db import Table
from services.agreements.thresholds.rules import Kind
from services.chassis.clock import now
from services.chassis.db import INSTANT, MONEY, PROJECT, choice

REAL = PROJECT / "data" / "thresholds.csv"


class Threshold(Table, table=True):
    """NOK without VAT."""

    __table_args__ = (
        sa.CheckConstraint("amount > 0", name="positive"),
        sa.CheckConstraint("valid_to_on IS NULL OR valid_to_on >= valid_from_on", name="period_holds"),
        sa.CheckConstraint("NOT back_dated OR reason IS NOT NULL", name="past_has_reason"),
        sa.Index(None, "kind", "valid_from_on"),
    )
    id: int | None = Field(default=None, primary_key=True)
    kind: Kind = Field(sa_type=choice(Kind))
    amount: Decimal = Field(sa_type=MONEY)
    valid_from_on: date
    valid_to_on: date | None = None
    """The last day; null: not known."""
    source: str = Field(max_length=500)
    fictional: bool
    back_dated: bool = False
    reason: str | None = Field(default=None, max_length=2000)
    organisation: str | None = Field(default=None, max_length=9)
    """Who added it; null: it came with the service."""
    recorded_at: datetime = Field(default_factory=now, sa_type=INSTANT)


def add(session: Session, row: Threshold) -> Threshold:
    session.add(row)
    session.flush()
    return row


def every(session: Session) -> Sequence[Threshold]:
    """All rows, by kind and first day, and then as they were added."""
    query = select(Threshold).order_by(col(Threshold.kind), col(Threshold.valid_from_on), col(Threshold.id))
    return session.exec(query).all()


def on(session: Session, day: date, known_at: datetime | None = None) -> dict[Kind, Threshold]:
    """What holds on a day, by what was added until an instant; a kind that nothing is known of is not there."""
    begun = [row for row in every(session) if row.valid_from_on <= day]
    known = [row for row in begun if known_at is None or row.recorded_at <= known_at]
    last = {(row.kind, row.valid_from_on): row for row in known}
    holding = [row for row in last.values() if row.valid_to_on is None or day <= row.valid_to_on]
    return {row.kind: row for row in sorted(holding, key=lambda row: row.valid_from_on)}


def load(session: Session, rows: Sequence[Mapping[str, Any]], *, fictional: bool) -> int:
    """Add those that are not there yet. → how many"""
    there = {(row.kind, row.valid_from_on, row.fictional) for row in every(session)}
    added = 0
    for one in rows:
        kind, first = Kind(one["kind"]), date.fromisoformat(one["valid_from_on"])
        if (kind, first, fictional) in there:
            continue
        last = one["valid_to_on"]
        add(
            session,
            Threshold(
                kind=kind,
                amount=Decimal(one["amount_excl_vat"]),
                valid_from_on=first,
                valid_to_on=date.fromisoformat(last) if last else None,
                source=one["source"],
                fictional=fictional,
            ),
        )
        added += 1
    return added


def real(file: Path = REAL) -> list[dict[str, str]]:
    """The confirmed rows that come with the service, see data/SOURCES.md."""
    with file.open(newline="") as opened:
        return list(csv.DictReader(opened))
