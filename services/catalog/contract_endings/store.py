"""Which contracts end in a window of days."""

from collections.abc import Collection
from datetime import date
from typing import Any

from sqlmodel import Session, col

from services.catalog.adoptions import store as adoptions
from services.catalog.adoptions.rules import Claim, Status
from services.catalog.adoptions.store import HERE, Shown
from services.catalog.supply_contracts.store import SupplyContract

_NOT_ENDED = [one for one in Status if one is not Status.ENDED]


def page(
    session: Session,
    after: list[Any] | None,
    limit: int,
    *,
    today: date,
    from_on: date,
    to_on: date,
    component: int | None,
    products: Collection[int] | None,
) -> list[tuple[Shown, date]]:
    """By the day that they end, limit + 1 of them: of what the organisations themselves say that they use."""
    ends_on = col(SupplyContract.ends_on)
    query = adoptions.selected(
        adoptions.Day(), today, component=component, products=products, status=_NOT_ENDED, claims=[Claim.CONFIRMED]
    )
    query = query.join(SupplyContract, col(SupplyContract.adoption_id) == HERE.id).add_columns(ends_on.label("ends"))
    query = query.where(ends_on >= from_on, ends_on <= to_on)
    if after:
        query = query.where((ends_on > after[0]) | ((ends_on == after[0]) & (HERE.uuid > after[1])))
    rows = session.execute(query.order_by(ends_on, HERE.uuid).limit(limit + 1)).all()
    return [
        (Shown(row.Adoption, Status(row.status), row.since, Claim(row.claim), row.component, row.product), row.ends)
        for row in rows
    ]
