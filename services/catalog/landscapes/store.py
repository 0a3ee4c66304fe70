"""What reaches an organisation on a day: its own, what it has inherited, and what comes through co-operations."""

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlmodel import Session, col

from services.catalog.adoptions import store as adoptions
from services.catalog.adoptions.rules import Claim, Status
from services.catalog.adoptions.store import Shown
from services.catalog.co_operations import store as co_operations
from services.catalog.holdings import store as holdings
from services.catalog.holdings.rules import How
from services.catalog.landscapes import rules
from services.catalog.landscapes.rules import Item

MOST = 5_000
"""Adoptions that are looked at for one landscape; the largest municipality has some hundreds."""


@dataclass(frozen=True)
class Landscape:
    items: list[Item]
    shown: dict[int, Shown]
    """The adoptions of the items, by internal key."""


def of(session: Session, organisation_id: int, day: adoptions.Day, today: date, *, ended: bool) -> Landscape:
    on = day.on or today
    own = holdings.predecessors(session, [organisation_id], on)
    through = _through(session, organisation_id, on)
    shared = {one: holdings.predecessors(session, [one], on) for one in through}
    everyone = own.union(*shared.values())
    status = list(Status) if ended else [one for one in Status if one is not Status.ENDED]
    query = adoptions.selected(day, today, organisations=everyone, status=status)
    shown = {one.row.id: one for one in adoptions.shown(session, query.order_by(adoptions.HERE.id).limit(MOST))}
    held = holdings.holders(session, {id: one.row.organisation_id for id, one in shown.items()}, on, day.known_at)
    entries = []
    for id, one in shown.items():
        holding = held[id]
        live = one.status is not Status.ENDED and one.claim is not Claim.DISPUTED
        thing = one.component or one.product or one.row.system_in_source or ""
        if organisation_id in holding.organisations:
            entries.append(rules.Entry(id, thing, one.row.environment, live, holding.how))
        for co_operation, membership in through.items():
            if holding.decided and co_operation in holding.organisations:
                how = How.THROUGH_CO_OPERATION
                entries.append(rules.Entry(id, thing, one.row.environment, live, how, co_operation, membership))
    return Landscape(rules.compose(entries), shown)


def _through(session: Session, organisation_id: int, on: date) -> dict[int, str]:
    """The co-operations that it belongs to, or perhaps does (organisation ids), with its membership."""
    found = dict(co_operations.co_operations_of(session, [organisation_id], on).get(organisation_id, ()))
    here = co_operations.CoOperation
    query = sa.select(col(here.id), col(here.organisation_id)).where(col(here.id).in_(found))
    return {row.organisation_id: found[row.id].value for row in session.execute(query)} if found else {}
