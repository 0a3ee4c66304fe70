"""Places and price lists as they are kept, and all that decides a call-off from a lot."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from services.agreements.db import Table
from services.agreements.frameworks.rules import State
from services.agreements.frameworks.store import (
    FACTOR,
    FrameworkAgreement,
    FrameworkAgreementNotFound,
    Lot,
    LotNotFound,
    path,
)
from services.agreements.places.rules import HELD, Event, PlaceState, after
from services.agreements.price_terms.rules import DEFAULT
from services.chassis import audit, feed
from services.chassis.auth import Caller
from services.chassis.db import INSTANT, JSON, MONEY, choice
from services.chassis.problems import Conflict, NotFound
from services.chassis.values import new_id

AWARD = "award"
"""In the history before the state table's events."""


class Place(Table, table=True):
    """A supplier's place in a lot; rank 1 is asked first."""

    __table_args__ = (sa.UniqueConstraint("lot_id", "rank"), sa.UniqueConstraint("lot_id", "number"))
    id: int | None = Field(default=None, primary_key=True)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    lot_id: int = Field(foreign_key="lot.id")
    organisation_id: UUID
    number: str = Field(max_length=9, index=True)
    name: str = Field(max_length=200)
    rank: int
    state: PlaceState = Field(sa_type=choice(PlaceState))
    suspended_until_on: date | None = None
    """The last day of a suspension; the day after, the place is active again."""
    turns: int = 0
    """How often it has been asked where the lot is called off by rotation."""
    index_clause: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    """How an index moves its prices, see `price_terms.rules.Clause`; None: it does not."""
    lowest_factor: Decimal = Field(default=DEFAULT.lowest, sa_type=FACTOR)
    highest_factor: Decimal = Field(default=DEFAULT.highest, sa_type=FACTOR)
    """How far a price may come from the first price list's, as a factor of that."""


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
    component: str | None = Field(default=None, max_length=80)
    """The shared component that the product implements, as the catalogue said when the price was registered."""
    secret_reason: str | None = Field(default=None, max_length=2000)
    """Why the price is a business secret; null: it is public."""


class PlaceEvent(Table, table=True):
    """What happened to a place; never edited."""

    __tablename__ = "place_event"
    place_id: int = Field(primary_key=True, foreign_key="place.id")
    sequence: int = Field(primary_key=True)
    event: str = Field(max_length=40)
    state: PlaceState = Field(sa_type=choice(PlaceState))
    organisation: str | None = Field(default=None, max_length=9)
    until_on: date | None = None
    reason: str | None = Field(default=None, max_length=2000)
    recorded_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs={"server_default": sa.func.clock_timestamp()})


class PlaceTaken(Conflict):
    """The lot already has this supplier or this rank."""


class PlaceNotFound(NotFound):
    """The framework agreement has no such place."""


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
    component: str | None
    secret: bool = False
    """Whether the price is a business secret."""


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
    turns: int = 0
    left: Decimal | None = None
    """What its own maximum leaves, NOK without VAT; None when it has none."""


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
    response_days: int
    reservation_days: int
    lot_id: int
    lot: str
    lot_title: dict[str, str]
    bands: list[dict[str, str]]
    conditions: list[dict[str, Any]]
    specification: str | None
    specification_version: str | None
    delivery_days_after_end: int
    split_window_days: int
    competition_may_exceed_price_list: bool
    participant_id: int | None
    buyer_id: UUID | None
    buyer_name: str | None
    basis: str | None
    """On which basis its accession lets the buyer order today; None when it does not."""
    seats: tuple[Seat, ...]


def add(session: Session, place: Place, prices: Sequence[Price], caller: Caller | None = None) -> Place:
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
    _keep_event(session, place, AWARD, caller, None)
    return place


_TERMS = sa.text(
    """
    SELECT f.id AS framework_id, f.slug, f.title, f.owner_name, f.state, f.starts_on, f.ends_on, f.approval_limit,
           f.response_days, f.reservation_days, l.id AS lot_id, l.slug AS lot, l.title AS lot_title, l.bands,
           l.conditions, l.specification, l.specification_version, l.delivery_days_after_end, l.split_window_days,
           l.competition_may_exceed_price_list,
           p.id AS participant_id, p.organisation_id AS buyer_id, p.name AS buyer_name, a.basis
      FROM frameworkagreement f
      LEFT JOIN lot l ON l.framework_id = f.id AND l.slug = :lot
      LEFT JOIN participant p ON p.framework_id = f.id AND p.number = :buyer
      LEFT JOIN accession a ON a.participant_id = p.id AND a.state IN ('active', 'leaving')
            AND a.starts_on <= :on AND (a.ends_on IS NULL OR a.ends_on >= :on)
     WHERE f.slug = :framework
    """
)
_SEATS = sa.text(
    """
    SELECT s.id AS place_id, s.organisation_id, s.number, s.name, s.rank, s.state, s.turns,
           b.ceiling - b.reserved - b.posted AS room, r.item, r.name AS item_name, r.unit, r.unit_price, r.vat_percent,
           r.product, r.component, r.version, r.secret_reason IS NOT NULL AS secret
      FROM place s
      LEFT JOIN balance b ON b.scope = 'supplier' AND b.subject_id = s.id AND b.item = ''
      LEFT JOIN LATERAL (
           SELECT DISTINCT ON (item) * FROM price
            WHERE place_id = s.id AND valid_from_on <= :on ORDER BY item, version DESC) r ON true
     WHERE s.lot_id = :lot_id ORDER BY s.rank
    """
)


def offer(session: Session, framework: str, lot_slug: str, buyer: str, on: date) -> Offer:
    """The terms of one lot as they stand on a day, for one buyer."""
    terms = session.execute(_TERMS, {"framework": framework, "lot": lot_slug, "buyer": buyer, "on": on}).one_or_none()
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
            Seat(
                row.place_id,
                row.organisation_id,
                row.number,
                row.name,
                row.rank,
                PlaceState(row.state),
                {},
                row.turns,
                row.room,
            ),
        )
        if row.item is not None:
            seat.prices[row.item] = PriceLine(
                row.item,
                row.item_name,
                row.unit,
                row.unit_price,
                row.vat_percent,
                row.product,
                row.version,
                row.component,
                row.secret,
            )
    return tuple(found.values())


def of(session: Session, framework_id: int) -> list[tuple[Place, str]]:
    """An agreement's places by lot and rank, each with its lot's slug."""
    query = select(Place, col(Lot.slug)).join(Lot, col(Lot.id) == col(Place.lot_id))
    rows = session.exec(query.where(col(Lot.framework_id) == framework_id).order_by(col(Lot.slug), col(Place.rank)))
    return [(place, lot) for place, lot in rows.all()]


def by_uuid(session: Session, agreement: FrameworkAgreement, uuid: UUID, *, locked: bool = False) -> tuple[Place, str]:
    """One of an agreement's places with its lot's slug; locked, after the agreement is."""
    query = (
        select(Place, col(Lot.slug))
        .join(Lot, col(Lot.id) == col(Place.lot_id))
        .where(col(Lot.framework_id) == agreement.id, col(Place.uuid) == uuid)
    )
    found = session.exec(query.with_for_update(of=Place) if locked else query).one_or_none()
    if found is None:
        raise PlaceNotFound(f"{agreement.slug} has no place {uuid}.")
    return found


def supplied_by(session: Session, number: str) -> list[tuple[Place, Lot, FrameworkAgreement]]:
    """A supplier's places in all agreements, the newest agreement first."""
    query = (
        select(Place, Lot, FrameworkAgreement)
        .join(Lot, col(Lot.id) == col(Place.lot_id))
        .join(FrameworkAgreement, col(FrameworkAgreement.id) == col(Lot.framework_id))
        .where(col(Place.number) == number, col(FrameworkAgreement.announced_on).is_not(None))
        .order_by(col(FrameworkAgreement.starts_on).desc(), col(FrameworkAgreement.slug), col(Lot.slug))
    )
    return [(place, lot, agreement) for place, lot, agreement in session.exec(query).all()]


_HOLDING = sa.text(
    "SELECT DISTINCT ON (place_id, item) * FROM price WHERE place_id = ANY(:ids) AND valid_from_on <= :on "
    "ORDER BY place_id, item, version DESC"
)


def holding(session: Session, place_ids: Sequence[int], on: date) -> dict[int, list[Price]]:
    """Each place's price list that holds on a day, by item."""
    found: dict[int, list[Price]] = {one: [] for one in place_ids}
    for row in session.execute(_HOLDING, {"ids": list(place_ids), "on": on}):
        found[row.place_id].append(Price(**row._mapping))
    return found


def events(session: Session, place_ids: Sequence[int]) -> dict[int, list[PlaceEvent]]:
    """What happened to each place, oldest first."""
    found: dict[int, list[PlaceEvent]] = {one: [] for one in place_ids}
    query = select(PlaceEvent).where(col(PlaceEvent.place_id).in_(place_ids)).order_by(col(PlaceEvent.sequence))
    for row in session.exec(query):
        found[row.place_id].append(row)
    return found


_ACCEDED = sa.text(
    "SELECT 1 FROM accession WHERE framework_id = :framework_id AND number = :number AND state IN ('active', 'leaving')"
)


def acceded(session: Session, framework_id: int, number: str) -> bool:
    """Whether an organisation orders under the agreement."""
    return session.execute(_ACCEDED, {"framework_id": framework_id, "number": number}).first() is not None


def happened(
    session: Session,
    agreement: FrameworkAgreement,
    place: Place,
    event: Event,
    caller: Caller | None,
    reason: str | None = None,
    until_on: date | None = None,
) -> None:
    """Take a step of the state table, on the record; MoveRefused where there is none. The place is locked. What is
    ordered stands."""
    place.state = after(place.state, event)
    place.suspended_until_on = until_on
    session.flush()
    _keep_event(session, place, event.value, caller, reason, until_on)
    where = f"{path(agreement.slug)}/places/{place.uuid}"
    until = until_on.isoformat() if until_on else None
    audit.record(session, caller, f"place.{event}", where, state=place.state.value, reason=reason, until_on=until)
    feed.tell(
        session,
        f"place.{event}",
        where,
        None,
        id=str(place.uuid),
        framework_agreement=agreement.slug,
        supplier=place.number,
        state=place.state.value,
        until_on=until,
    )


def agreement_ended(session: Session, agreement: FrameworkAgreement) -> None:
    """The agreement, which is locked, is over, and so is every place that is still held in it."""
    query = select(Place).join(Lot, col(Lot.id) == col(Place.lot_id)).where(col(Lot.framework_id) == agreement.id)
    held = query.where(col(Place.state).in_(HELD)).order_by(col(Place.id)).with_for_update(of=Place)
    for place in session.exec(held).all():
        happened(session, agreement, place, Event.AGREEMENT_ENDED, None)


def reinstate_due(session: Session, today: date) -> int:
    """Places whose suspension ended before today are active again; one that somebody changes just now is left for the
    next look. → how many"""
    query = (
        select(Place, FrameworkAgreement)
        .join(Lot, col(Lot.id) == col(Place.lot_id))
        .join(FrameworkAgreement, col(FrameworkAgreement.id) == col(Lot.framework_id))
        .where(col(Place.state) == PlaceState.SUSPENDED, col(Place.suspended_until_on) < today)
        .order_by(col(Place.id))
        .with_for_update(of=Place, skip_locked=True)
    )
    due = session.exec(query).all()
    for place, agreement in due:
        happened(session, agreement, place, Event.REINSTATE, None)
    return len(due)


def _keep_event(
    session: Session, place: Place, event: str, caller: Caller | None, reason: str | None, until_on: date | None = None
) -> None:
    last = session.exec(select(sa.func.max(col(PlaceEvent.sequence))).where(col(PlaceEvent.place_id) == place.id)).one()
    session.execute(
        sa.insert(PlaceEvent),
        {
            "place_id": place.id,
            "sequence": (last or 0) + 1,
            "event": event,
            "state": place.state,
            "organisation": caller.organisation if caller else None,
            "until_on": until_on,
            "reason": reason,
        },
    )
