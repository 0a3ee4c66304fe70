"""Proofs as they are kept: one a day, with what was found."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, col, select

from services.agreements.db import Table
from services.agreements.frameworks import store as frameworks
from services.agreements.ledger import store as ledger
from services.chassis import feed
from services.chassis.db import INSTANT


class Proof(Table, table=True):
    """The day's proof over all agreements; never edited."""

    proven_on: date = Field(primary_key=True)
    balances: int
    entries: int = Field(sa_type=sa.BigInteger)
    drifts: int
    """Balances for which it did not hold."""
    proven_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs={"server_default": sa.func.clock_timestamp()})


_UNTIL_DONE = sa.text("SET LOCAL statement_timeout = '10min'")
_OWNERS = sa.select(col(frameworks.FrameworkAgreement.slug), col(frameworks.FrameworkAgreement.owner_number))


def due(session: Session, on: date) -> list[ledger.Unproven]:
    """Prove the whole ledger, unless it has been done on that day. What does not hold is told to the agreement's owner
    in the feed, each balance once a day for as long as it lasts. → what does not hold"""
    if session.get(Proof, on):
        return []
    session.execute(_UNTIL_DONE)
    drifts = ledger.unproven(session)
    balances, entries = ledger.counted(session)
    kept = session.execute(
        insert(Proof)
        .values(proven_on=on, balances=balances, entries=entries, drifts=len(drifts))
        .on_conflict_do_nothing()
        .returning(col(Proof.proven_on))
    ).first()
    if kept is None:  # another worker was first
        return []
    owners = {row.slug: row.owner_number for row in session.execute(_OWNERS)}
    for one in drifts:
        feed.tell(
            session,
            "ledger.drift",
            frameworks.path(one.framework_agreement),
            owners[one.framework_agreement],
            level=one.scope.value,
            lot=one.lot,
            organisation_number=one.organisation,
            item=one.item or None,
            reserved_too_high_by=str(one.reserved),
            posted_too_high_by=str(one.posted),
        )
    return drifts


def newest(session: Session) -> Proof | None:
    return session.exec(select(Proof).order_by(col(Proof.proven_on).desc()).limit(1)).one_or_none()
