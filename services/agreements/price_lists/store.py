"""Price lists as they are kept: all their versions, and the next one."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Session, col, select

from services.agreements.places.store import Place, Price
from services.agreements.price_lists.rules import Line
from services.agreements.price_terms.rules import Bounds


def versions(session: Session, place_id: int) -> dict[int, list[Price]]:
    """Every version, the newest first, each by item."""
    query = select(Price).where(col(Price.place_id) == place_id).order_by(col(Price.version).desc(), col(Price.item))
    found: dict[int, list[Price]] = {}
    for price in session.exec(query):
        found.setdefault(price.version, []).append(price)
    return found


def newest(session: Session, place_id: int) -> list[Price]:
    """The newest version, also when it does not hold yet, by item."""
    last = select(sa.func.max(col(Price.version))).where(col(Price.place_id) == place_id).scalar_subquery()
    query = select(Price).where(col(Price.place_id) == place_id, col(Price.version) == last)
    return list(session.exec(query.order_by(col(Price.item))).all())


def first(session: Session, place_id: int) -> dict[str, Decimal]:
    """The first price list's unit prices by item, which bounds count from."""
    query = select(col(Price.item), col(Price.unit_price)).where(
        col(Price.place_id) == place_id, col(Price.version) == 1
    )
    return {row.item: row.unit_price for row in session.execute(query)}


def lines(prices: Sequence[Price]) -> list[Line]:
    return [Line(price.item, price.unit_price, price.vat_percent) for price in prices]


def bounds(place: Place) -> Bounds:
    return Bounds(place.lowest_factor, place.highest_factor)


def add_version(session: Session, before: Sequence[Price], now: Sequence[Line], valid_from_on: date) -> int:
    """The next version: all that the newest says (`before`) at the new prices and rates. → its number"""
    version = before[0].version + 1
    for old, new in zip(before, now, strict=True):
        kept = old.model_dump(exclude={"id"})
        changed = {"version": version, "valid_from_on": valid_from_on}
        session.add(Price(**kept | changed | {"unit_price": new.unit_price, "vat_percent": new.vat_percent}))
    session.flush()
    return version
