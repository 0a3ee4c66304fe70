"""Framework agreements as they are kept, and what a call-off needs to know of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from services.agreements.db import Table
from services.agreements.frameworks.rules import Method, PlaceState, State
from services.chassis.clock import now
from services.chassis.db import INSTANT, JSON, MONEY, choice
from services.chassis.problems import Conflict, NotFound


class FrameworkAgreement(Table, table=True):
    id: int | None = Field(default=None, primary_key=True)
    slug: str = Field(unique=True, max_length=80)
    title: dict[str, str] = Field(sa_type=JSON)
    owner_id: UUID
    owner_number: str = Field(max_length=9)
    owner_name: str = Field(max_length=200)
    state: State = Field(sa_type=choice(State))
    notice_reference: str = Field(max_length=80)
    cpv: list[str] = Field(sa_type=ARRAY(sa.String(10)))
    starts_on: date
    ends_on: date
    period_rationale: str | None = Field(default=None, max_length=2000)
    estimate: Decimal = Field(sa_type=MONEY)
    approval_limit: Decimal = Field(sa_type=MONEY)
    specification: str | None = Field(default=None, max_length=80)
    specification_version: str | None = Field(default=None, max_length=40)
    created_at: datetime = Field(default_factory=now, sa_type=INSTANT)


class Lot(Table, table=True):
    __table_args__ = (sa.UniqueConstraint("framework_id", "slug"),)
    id: int | None = Field(default=None, primary_key=True)
    framework_id: int = Field(foreign_key="frameworkagreement.id")
    slug: str = Field(max_length=80)
    title: dict[str, str] = Field(sa_type=JSON)
    method: Method = Field(sa_type=choice(Method))


class Participant(Table, table=True):
    """A contracting authority named in the notice. The list is closed once announced (C-216/17)."""

    __table_args__ = (sa.UniqueConstraint("framework_id", "number"),)
    id: int | None = Field(default=None, primary_key=True)
    framework_id: int = Field(foreign_key="frameworkagreement.id")
    organisation_id: UUID
    number: str = Field(max_length=9, index=True)
    name: str = Field(max_length=200)


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


class FrameworkAgreementNotFound(NotFound):
    """No framework agreement has this name."""


class LotNotFound(NotFound):
    """The framework agreement has no such lot."""


class FrameworkAgreementSlugTaken(Conflict):
    """Another framework agreement already has this name."""


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


def add(session: Session, agreement: FrameworkAgreement) -> FrameworkAgreement:
    session.add(agreement)
    try:
        session.flush()
    except IntegrityError:
        raise FrameworkAgreementSlugTaken(f"{agreement.slug!r} is taken.") from None
    return agreement


def add_place(session: Session, place: Place, prices: Sequence[Price]) -> Place:
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


def by_slug(session: Session, slug: str, *, locked: bool = False) -> FrameworkAgreement:
    query = select(FrameworkAgreement).where(col(FrameworkAgreement.slug) == slug)
    found = session.exec(query.with_for_update() if locked else query).one_or_none()
    if found is None:
        raise FrameworkAgreementNotFound(f"No framework agreement is called {slug!r}.")
    return found


def page(session: Session, after: list[Any] | None, limit: int, state: State | None) -> Sequence[FrameworkAgreement]:
    query = select(FrameworkAgreement).order_by(col(FrameworkAgreement.slug)).limit(limit + 1)
    if after:
        query = query.where(col(FrameworkAgreement.slug) > after[0])
    if state:
        query = query.where(col(FrameworkAgreement.state) == state)
    return session.exec(query).all()


def lots(session: Session, framework_id: int) -> Sequence[Lot]:
    query = select(Lot).where(col(Lot.framework_id) == framework_id).order_by(col(Lot.slug))
    return session.exec(query).all()


def lot(session: Session, framework_id: int, slug: str) -> Lot:
    found = session.exec(select(Lot).where(col(Lot.framework_id) == framework_id, col(Lot.slug) == slug)).one_or_none()
    if found is None:
        raise LotNotFound(f"No lot is called {slug!r} here.")
    return found


def participants(session: Session, framework_id: int) -> Sequence[Participant]:
    query = select(Participant).where(col(Participant.framework_id) == framework_id).order_by(col(Participant.number))
    return session.exec(query).all()


def places(session: Session, lot_ids: Sequence[int]) -> Sequence[Place]:
    return session.exec(select(Place).where(col(Place.lot_id).in_(lot_ids)).order_by(col(Place.rank))).all()


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
