"""Places and price lists as they are kept, and all that decides a call-off from a lot."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session

from services.agreements.db import Table
from services.agreements.frameworks.rules import State
from services.agreements.frameworks.store import FrameworkAgreementNotFound, LotNotFound
from services.agreements.places.rules import PlaceState
from services.chassis.db import JSON, MONEY, choice
from services.chassis.problems import Conflict


class Place(Table, table=True):
    """A supplier's place in a lot; rank 1 is asked first."""

    __table_args__ = (sa.UniqueConstraint("lot_id", "rank"), sa.UniqueConstraint("lot_id", "number"))
    id: int | None = Field(default=None, primary_key=True)
    lot_id: int = Field(foreign_key="lot.id")
    organisation_id: UUID
    number: str = Field(max_length=9, index=True)
    name: str = Field(max_length=200)
    rank: int
    state: PlaceState = Field(sa_type=choice(PlaceState))


class Price(Table, table=True):
    """One line of a place's price list. A new version never changes an earlier one."""

    __table_args__ = (
        sa.UniqueConstraint("place_id", "version", "item"),
        sa.CheckConstraint("unit_price >= 0 AND vat_percent >= 0", name="never_negative"),
    )
    id: int | None = Field(default=None, primary_key=True)
    place_id: int = Field(foreign_key="place.id")
    version: int
    valid_from_on: date
    item: str = Field(max_length=80)
    name: dict[str, str] = Field(sa_type=JSON)
    unit: str = Field(max_length=40)
    unit_price: Decimal = Field(sa_type=MONEY)
    vat_percent: Decimal = Field(sa_type=sa.Numeric(5, 2))
    product: str | None = Field(default=None, max_length=80)


class PlaceTaken(Conflict):
    """The lot already has this supplier or this rank."""


@dataclass(frozen=True)
class PriceLine:
    """An item at a supplier's price, without VAT, as its price list says today."""

    item: str
    name: dict[str, str]
    unit: str
    unit_price: Decimal
    vat_percent: Decimal
    product: str | None
    version: int


@dataclass(frozen=True)
class Seat:
    """A supplier's place with the prices that hold."""

    place_id: int
    organisation_id: UUID
    number: str
    name: str
    rank: int
    state: PlaceState
    prices: dict[str, PriceLine]


@dataclass(frozen=True)
class Offer:
    """All that decides a call-off from one lot: terms, entitled buyer, ranked seats. Holds no connection."""

    framework_id: int
    slug: str
    title: dict[str, str]
    owner_name: str
    state: State
    starts_on: date
    ends_on: date
    approval_limit: Decimal
    specification: str | None
    specification_version: str | None
    lot_id: int
    lot: str
    lot_title: dict[str, str]
    buyer_id: UUID | None
    buyer_name: str | None
    seats: tuple[Seat, ...]


def add(session: Session, place: Place, prices: Sequence[Price]) -> Place:
    session.add(place)
    try:
        session.flush()
    except IntegrityError:
        raise PlaceTaken(f"Rank {place.rank} or {place.name} is already there.") from None
    assert place.id
    for price in prices:
        price.place_id = place.id
        session.add(price)
    session.flush()
    return place


_TERMS = sa.text(
    """
    SELECT f.id AS framework_id, f.slug, f.title, f.owner_name, f.state, f.starts_on, f.ends_on, f.approval_limit,
           f.specification, f.specification_version, l.id AS lot_id, l.slug AS lot, l.title AS lot_title,
           p.organisation_id AS buyer_id, p.name AS buyer_name
      FROM frameworkagreement f
      LEFT JOIN lot l ON l.framework_id = f.id AND l.slug = :lot
      LEFT JOIN participant p ON p.framework_id = f.id AND p.number = :buyer
     WHERE f.slug = :framework
    """
)
_SEATS = sa.text(
    """
    SELECT s.id AS place_id, s.organisation_id, s.number, s.name, s.rank, s.state, r.item, r.name AS item_name, r.unit,
           r.unit_price, r.vat_percent, r.product, r.version
      FROM place s
      LEFT JOIN LATERAL (
           SELECT DISTINCT ON (item) * FROM price
            WHERE place_id = s.id AND valid_from_on <= :on ORDER BY item, version DESC) r ON true
     WHERE s.lot_id = :lot_id ORDER BY s.rank
    """
)


def offer(session: Session, framework: str, lot_slug: str, buyer: str, on: date) -> Offer:
    """The terms of one lot as they stand on a day, for one buyer."""
    terms = session.execute(_TERMS, {"framework": framework, "lot": lot_slug, "buyer": buyer}).one_or_none()
    if terms is None:
        raise FrameworkAgreementNotFound(f"No framework agreement is called {framework!r}.")
    if terms.lot_id is None:
        raise LotNotFound(f"No lot is called {lot_slug!r} here.")
    return Offer(**{**terms._asdict(), "state": State(terms.state)}, seats=seats(session, terms.lot_id, on))


def seats(session: Session, lot_id: int, on: date) -> tuple[Seat, ...]:
    """A lot's suppliers by rank, with the price list that holds on a day."""
    found: dict[int, Seat] = {}
    for row in session.execute(_SEATS, {"lot_id": lot_id, "on": on}):
        seat = found.setdefault(
            row.place_id,
            Seat(row.place_id, row.organisation_id, row.number, row.name, row.rank, PlaceState(row.state), {}),
        )
        if row.item is not None:
            seat.prices[row.item] = PriceLine(
                row.item, row.item_name, row.unit, row.unit_price, row.vat_percent, row.product, row.version
            )
    return tuple(found.values())
