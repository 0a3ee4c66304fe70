"""Successions as they are kept: what ends, and who follows."""

from collections.abc import Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from services.catalog.organisations import store as organisations
from services.catalog.organisations.rules import Relation
from services.catalog.organisations.store import Organisation, Succession
from services.catalog.periods import store as periods
from services.catalog.periods.rules import Life, day_before
from services.catalog.successions.rules import Party


def party(row: Organisation) -> Party:
    return Party(row.id, row.name, frozenset(row.kinds), Life(row.existed_from_on, row.existed_to_on))


def lock(session: Session, ids: Sequence[int]) -> dict[int, Organisation]:
    """The parties, held in one order so that two successions never wait for each other. A circle would need a party
    to exist after it ended, which is looked at under this lock."""
    query = select(Organisation).where(col(Organisation.id).in_(ids)).order_by(col(Organisation.id))
    return {row.id: row for row in session.exec(query.with_for_update().execution_options(populate_existing=True))}


def succeeded(session: Session, organisation_id: int) -> bool:
    query = select(Succession.id).where(col(Succession.predecessor_id) == organisation_id).limit(1)
    return session.exec(query).first() is not None


def joined_last_on(session: Session, organisation_id: int) -> date | None:
    """The last day that another became part of it."""
    last = sa.func.max(Succession.effective_on)
    found: date | None = session.execute(
        sa.select(last).where(col(Succession.successor_id) == organisation_id)
    ).scalar_one()
    return found


def add(
    session: Session,
    predecessor: Organisation,
    successors: Sequence[Organisation],
    kind: Relation,
    *,
    effective_on: date,
    source: str,
    recorded_at: datetime,
    back_dated: bool,
    reason: str | None,
) -> None:
    """End the predecessor on the day before, with its numbers and its county, and keep who follows."""
    last_day = day_before(effective_on)
    predecessor.existed_to_on = last_day
    predecessor.existence_basis = source[:200]
    predecessor.revision += 1
    session.add(predecessor)
    periods.end(session, predecessor.id, last_day)
    session.add_all(
        Succession(
            predecessor_id=predecessor.id,
            successor_id=one.id,
            kind=kind,
            effective_on=effective_on,
            source=source,
            recorded_at=recorded_at,
            back_dated=back_dated,
            reason=reason,
        )
        for one in successors
    )
    session.flush()
    organisations.index(session, [predecessor.id])


def ancestors(session: Session, organisation_id: int) -> frozenset[int]:
    """All that have become part of it, however many steps ago."""
    return frozenset(organisations.steps_before(session, [organisation_id]))
