"""Adoptions as they are kept: the record, and what happened to it, which is only ever added."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from services.catalog.adoptions import rules
from services.catalog.adoptions.rules import Claim, Environment, Sight, Status, Step
from services.catalog.components.store import Component
from services.catalog.db import Table
from services.catalog.holdings import store as holdings
from services.catalog.organisations.store import Organisation
from services.catalog.products.store import Product
from services.chassis.auth import Caller
from services.chassis.db import INSTANT, JSON, choice
from services.chassis.problems import Conflict, Invalid, NotFound, Problem
from services.chassis.values import new_id

_OPEN = sa.text("claim = 'confirmed' AND status <> 'ended'")
_STANDING_CLAIM = sa.text("claimed_by_id IS NOT NULL AND withdrawn_on IS NULL")
_THINGS = ("component_id", "product_id", "system_in_source")


class Adoption(Table, table=True):
    """`status` and `claim` are what its events amount to today, kept beside them for the lists of today."""

    __table_args__ = (
        sa.CheckConstraint("num_nonnulls(component_id, product_id, system_in_source) = 1", name="one_thing"),
        *(
            sa.Index(
                f"ix_adoption_open_{thing}",
                "organisation_id",
                thing,
                "environment",
                unique=True,
                postgresql_where=_OPEN,
            )
            for thing in _THINGS
        ),
        *(
            sa.Index(
                f"ix_adoption_claimed_{thing}",
                "claimed_by_id",
                "organisation_id",
                thing,
                "environment",
                unique=True,
                postgresql_where=_STANDING_CLAIM,
            )
            for thing in _THINGS
        ),
        sa.Index("ix_adoption_organisation_id_uuid", "organisation_id", "uuid"),
        sa.Index("ix_adoption_component_id_uuid", "component_id", "uuid"),
        sa.Index("ix_adoption_product_id_uuid", "product_id", "uuid"),
    )
    id: int = Field(default=None, primary_key=True)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    organisation_id: int = Field(foreign_key="organisation.id")
    component_id: int | None = Field(default=None, foreign_key="component.id")
    product_id: int | None = Field(default=None, foreign_key="product.id")
    system_in_source: str | None = Field(default=None, max_length=200)
    version: str | None = Field(default=None, max_length=40)
    environment: Environment = Field(sa_type=choice(Environment))
    status: Status = Field(sa_type=choice(Status))
    status_since_on: date
    claim: Claim = Field(sa_type=choice(Claim))
    claimed_by_id: int | None = Field(default=None, foreign_key="organisation.id")
    as_claimed: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    confirm_by_on: date | None = None
    last_confirmed_on: date | None = None
    planned_start_on: date | None = None
    source: str | None = Field(default=None, max_length=500)
    withdrawn_on: date | None = None
    fictional: bool = Field(default=False, sa_column_kwargs={"server_default": sa.false()})
    revision: int = Field(default=1, sa_column_kwargs={"server_default": "1"})

    @property
    def path(self) -> str:
        return f"/adoptions/{self.uuid}"


class AdoptionEvent(Table, table=True):
    """One step, with what it made of the status or the claim; a step that leaves one alone has it empty."""

    __tablename__ = "adoption_event"
    __table_args__ = (sa.Index("ix_adoption_event_adoption_id_effective_on_id", "adoption_id", "effective_on", "id"),)
    id: int = Field(default=None, primary_key=True)
    adoption_id: int = Field(foreign_key="adoption.id")
    step: Step = Field(sa_type=choice(Step))
    status: Status | None = Field(default=None, sa_type=choice(Status))
    claim: Claim | None = Field(default=None, sa_type=choice(Claim))
    effective_on: date
    recorded_at: datetime = Field(sa_type=INSTANT)
    organisation_number: str | None = Field(default=None, max_length=9)
    reason: str | None = Field(default=None, max_length=2000)
    back_dated: bool = Field(default=False, sa_column_kwargs={"server_default": sa.false()})


HERE = Adoption.__table__.c  # type: ignore[attr-defined]  # SQLModel adds it
_EVENT = AdoptionEvent.__table__.c  # type: ignore[attr-defined]  # SQLModel adds it


class AdoptionNotFound(NotFound):
    """No adoption has this id, or it is not for you to see."""


class AdoptionOpen(Conflict):
    """The organisation has already said that it uses this.

    Change that one, or end it first.
    """


class ThingUnknown(Invalid):
    """The catalogue has no such component or product."""


class OrganisationUnknown(Invalid):
    """The organisation is not in the catalogue, or did not exist on that day."""


class ClaimMade(Conflict):
    """You have already claimed this.

    Withdraw that claim first.
    """


# ---- Who sees what


@dataclass(frozen=True)
class Viewer:
    """Who asks: the organisation's key, None when it is not registered, and how much it sees."""

    organisation_id: int | None
    sight: Sight

    @property
    def everything(self) -> bool:
        return self.sight in (Sight.WITH_CONTRACTS, Sight.WITHOUT_CONTRACTS)


def viewer(session: Session, caller: Caller) -> Viewer:
    numbers = [caller.organisation, *([caller.supplier] if caller.supplier else [])]
    query = select(Organisation).where(col(Organisation.organisation_number).in_(numbers))
    known = {row.organisation_number: row for row in session.exec(query)}
    acting, vendor = known.get(caller.organisation), known.get(caller.supplier)
    through = None if caller.supplier is None else (vendor.kinds if vendor else ())
    return Viewer(acting.id if acting else None, rules.sight(acting.kinds if acting else (), through=through))


def may_see(session: Session, caller: Caller | None) -> bool:
    """Whether whoever asks may see others' adoptions, and how many there are."""
    return caller is not None and viewer(session, caller).everything


def require_sight(session: Session, caller: Caller) -> Viewer:
    """Refuse whoever may not see landscapes, before anything is looked up: the refusal tells nothing."""
    found = viewer(session, caller)
    if not found.everything:
        raise rules.LandscapeHidden
    return found


def visible(session: Session, seen: Viewer, today: date) -> list[Any]:
    """Which adoptions a viewer sees at all. A claimant sees its claims until it withdraws them, whatever becomes of
    them."""
    if seen.everything:
        return [_kept()]
    if seen.organisation_id is None:
        return [sa.false()]
    if seen.sight is Sight.OWN:
        return [_kept(), HERE.organisation_id.in_(holdings.predecessors(session, [seen.organisation_id], today))]
    return [HERE.claimed_by_id == seen.organisation_id, HERE.withdrawn_on.is_(None)]


# ---- Writing


def add(session: Session, adoption: Adoption, event: AdoptionEvent) -> Adoption:
    session.add(adoption)
    _flush(session)
    event.adoption_id = adoption.id
    session.add(event)
    session.flush()
    return adoption


def record(session: Session, adoption: Adoption, event: AdoptionEvent) -> None:
    """Keep a step, and what it makes of the record, which must be locked."""
    event.adoption_id = adoption.id
    adoption.status = event.status or adoption.status
    adoption.claim = event.claim or adoption.claim
    if event.status:
        adoption.status_since_on = event.effective_on
    adoption.revision += 1
    session.add(event)
    _flush(session)


def _flush(session: Session) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        raise ClaimMade if "_claimed_" in str(error.orig) else AdoptionOpen from None


def locked(session: Session, uuid: UUID, seen: Viewer, today: date) -> Adoption:
    """The row until the transaction ends; one that is not to be seen is neither found nor locked."""
    query = select(Adoption).where(col(Adoption.uuid) == uuid, *visible(session, seen, today)).with_for_update()
    found = session.exec(query).one_or_none()
    if found is None:
        raise AdoptionNotFound
    return found


def open_of(session: Session, organisation_ids: Collection[int]) -> Sequence[Adoption]:
    """What these have registered, or is claimed of them, and has not ended; locked in one order."""
    query = select(Adoption).where(
        col(Adoption.organisation_id).in_(organisation_ids), _kept(), HERE.status != Status.ENDED
    )
    return session.exec(query.order_by(col(Adoption.id)).with_for_update()).all()


# ---- Reading


@dataclass(frozen=True)
class Shown:
    """An adoption as it was, or is, on the day that was asked for."""

    row: Adoption
    status: Status
    status_since_on: date
    claim: Claim
    component: str | None
    product: str | None


def _kept() -> Any:
    """A claim that was withdrawn before it was confirmed is nothing."""
    return HERE.withdrawn_on.is_(None) | (HERE.claim == Claim.CONFIRMED)


@dataclass(frozen=True)
class Day:
    """As of which day, and as known when; without either it is what holds today."""

    on: date | None = None
    known_at: datetime | None = None

    def __bool__(self) -> bool:
        return self.on is not None or self.known_at is not None


def selected(
    day: Day,
    today: date,
    seen: Sequence[Any] = (),
    *,
    ids: Collection[UUID] = (),
    organisations: Collection[int] | None = None,
    component: int | None = None,
    products: Collection[int] | None = None,
    status: Collection[Status] = (),
    environment: Environment | None = None,
    claims: Collection[Claim] = (),
    stale: bool | None = None,
) -> Any:
    """The adoptions that these conditions leave, with their status and claim on the day. `seen`: what is `visible`;
    `component` with `products` is either: the component, or one of the products."""
    query: Any = sa.select(Adoption, col(Component.slug).label("component"), col(Product.slug).label("product"))
    query = query.outerjoin(Component, HERE.component_id == col(Component.id))
    query = query.outerjoin(Product, HERE.product_id == col(Product.id))
    status_then: Any = HERE.status
    since: Any = HERE.status_since_on
    claim_then: Any = HERE.claim
    if day:
        moved, said = (_last(column, day.on or today, day.known_at) for column in (_EVENT.status, _EVENT.claim))
        query = query.join(moved, sa.true()).join(said, sa.true())
        status_then, since, claim_then = moved.c.value, moved.c.effective_on, said.c.value
    query = query.add_columns(status_then.label("status"), since.label("since"), claim_then.label("claim"))
    conditions: list[Any] = list(seen) or [_kept()]
    if ids:
        conditions.append(HERE.uuid.in_(ids))
    if organisations is not None:
        conditions.append(HERE.organisation_id.in_(organisations))
    either = [HERE.component_id == component] if component is not None else []
    either += [HERE.product_id.in_(products)] if products is not None else []
    if either:
        conditions.append(sa.or_(*either))
    if status:
        conditions.append(status_then.in_(status))
    if environment is not None:
        conditions.append(HERE.environment == environment)
    if claims:
        conditions.append(claim_then.in_(claims))
    if stale is not None:
        fresh = sa.case(
            (claim_then == Claim.CONFIRMED, HERE.last_confirmed_on + rules.STALE_AFTER.days >= today),
            else_=HERE.confirm_by_on >= today,
        )
        conditions.append(~sa.func.coalesce(fresh, sa.false()) if stale else fresh)
    return query.where(*conditions)


def _last(column: Any, on: date, known_at: datetime | None) -> Any:
    query = sa.select(column.label("value"), _EVENT.effective_on).where(
        _EVENT.adoption_id == HERE.id, column.is_not(None), _EVENT.effective_on <= on
    )
    if known_at is not None:
        query = query.where(_EVENT.recorded_at <= known_at)
    return query.order_by(_EVENT.effective_on.desc(), _EVENT.id.desc()).limit(1).correlate(HERE.id.table).lateral()


def page(session: Session, query: sa.Select[Any], after: list[Any] | None, limit: int) -> list[Shown]:
    """By id, limit + 1 of them."""
    if after:
        query = query.where(HERE.uuid > after[0])
    return shown(session, query.order_by(HERE.uuid).limit(limit + 1))


def shown(session: Session, query: sa.Select[Any]) -> list[Shown]:
    return [
        Shown(row.Adoption, Status(row.status), row.since, Claim(row.claim), row.component, row.product)
        for row in session.execute(query)
    ]


def events(session: Session, adoption_id: int) -> Sequence[AdoptionEvent]:
    query = select(AdoptionEvent).where(col(AdoptionEvent.adoption_id) == adoption_id)
    return session.exec(query.order_by(col(AdoptionEvent.id))).all()


def check_actor(session: Session, step: Step, adoption: Adoption, seen: Viewer, today: date) -> list[Problem]:
    """Whether this viewer may take a step of this adoption."""
    holding = holdings.holders(session, {adoption.id: adoption.organisation_id}, today)[adoption.id]
    acting = seen.organisation_id
    return rules.check_actor(
        step,
        stands_for_it=acting in holding.organisations,
        decided=holding.decided,
        speaks_for_co_operation=acting is not None
        and any(holdings.speaks_for(session, acting, one, today) for one in holding.organisations),
        claimant=acting is not None and adoption.claimed_by_id == acting and adoption.withdrawn_on is None,
    )


def event(
    step: Step,
    caller: Caller,
    effective_on: date,
    recorded_at: datetime,
    today: date,
    reason: str | None,
    *,
    status: Status | None,
    claim: Claim | None,
) -> AdoptionEvent:
    return AdoptionEvent(
        adoption_id=0,
        step=step,
        status=status,
        claim=claim,
        effective_on=effective_on,
        recorded_at=recorded_at,
        organisation_number=caller.organisation,
        reason=reason,
        back_dated=effective_on < today,
    )


def as_claimed(adoption: Adoption) -> dict[str, Any]:
    """What a claimant said, kept apart from what becomes of the record."""
    return {
        "version": adoption.version,
        "status": adoption.status.value,
        "status_since_on": adoption.status_since_on.isoformat(),
        "planned_start_on": adoption.planned_start_on.isoformat() if adoption.planned_start_on else None,
        "source": adoption.source,
    }


def told_by_claimant(adoption: Adoption) -> dict[str, Any]:
    assert adoption.as_claimed is not None
    return adoption.as_claimed


def supplier_of(session: Session, product_id: int) -> int:
    """The internal key of the supplier that a product is registered under."""
    return session.exec(select(Product.supplier_id).where(col(Product.id) == product_id)).one()
