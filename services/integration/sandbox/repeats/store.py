"""How often equal letters were tried."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, col

from services.chassis.db import INSTANT
from services.integration.sandbox.db import Table
from services.integration.sandbox.repeats import rules


class Repeat(Table, table=True):
    """How often equal letters were tried, each within two days of the one before."""

    __tablename__ = "svarut_repeat"

    fingerprint: bytes = Field(primary_key=True, sa_type=sa.LargeBinary(32))
    attempts: int
    last_at: datetime = Field(sa_type=INSTANT)


def attempt(session: Session, fingerprint: bytes, now: datetime) -> int:
    """Count one more attempt to send a letter. → how many there were, with this one"""
    first = insert(Repeat).values(fingerprint=fingerprint, attempts=1, last_at=now)
    counted = first.on_conflict_do_update(
        index_elements=["fingerprint"],
        set_={
            "attempts": sa.case((col(Repeat.last_at) < now - rules.REPEATED_WITHIN, 1), else_=col(Repeat.attempts) + 1),
            "last_at": now,
        },
    ).returning(col(Repeat.attempts))
    return int(session.execute(counted).scalar_one())
