"""Shares as they are kept: for every version of a joint call-off, what each paying municipality bears."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from services.agreements.db import Table
from services.agreements.shares import rules
from services.chassis.db import MONEY


class Share(Table, table=True):
    """NOK; never edited."""

    call_off_id: int = Field(primary_key=True, foreign_key="calloff.id", sa_type=sa.BigInteger)
    version: int = Field(primary_key=True)
    number: str = Field(primary_key=True, max_length=9, index=True)
    name: str = Field(max_length=200)
    net: Decimal = Field(sa_type=MONEY)
    vat: Decimal = Field(sa_type=MONEY)


@dataclass(frozen=True)
class Payer:
    """A paying municipality and what it bears, in NOK."""

    number: str
    name: str
    net: Decimal
    vat: Decimal


def keep(
    session: Session, call_off_id: int, version: int, frozen: Mapping[str, Any], *, net: Decimal, vat: Decimal
) -> None:
    """Split a version of a joint call-off by what was frozen when it was placed (`CallOff.cost_key`)."""
    session.execute(
        sa.insert(Share),
        [
            {
                "call_off_id": call_off_id,
                "version": version,
                "number": one.counted.number,
                "name": one.counted.name,
                "net": one.net.amount,
                "vat": one.vat.amount,
            }
            for one in rules.borne(rules.joint(frozen), net, vat)
        ],
    )


def payers(session: Session, call_off_id: int, version: int) -> list[Payer]:
    """Who bears a version, by organisation number; nobody when it is no joint call-off and the buyer pays alone."""
    query = select(Share).where(col(Share.call_off_id) == call_off_id, col(Share.version) == version)
    return [Payer(row.number, row.name, row.net, row.vat) for row in session.exec(query.order_by(col(Share.number)))]


def is_payer(session: Session, call_off_id: int, number: str) -> bool:
    """Whether an organisation bears a part of any version."""
    query = sa.select(sa.literal(1)).where(col(Share.call_off_id) == call_off_id, col(Share.number) == number).limit(1)
    return session.execute(query).first() is not None
