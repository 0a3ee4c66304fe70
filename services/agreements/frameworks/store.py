"""Framework agreements as they are kept, with their lots and participants."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from services.agreements.db import Table
from services.agreements.frameworks.rules import Method, NotOwner, State
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


class FrameworkAgreementNotFound(NotFound):
    """No framework agreement has this name."""


class LotNotFound(NotFound):
    """The framework agreement has no such lot."""


class FrameworkAgreementSlugTaken(Conflict):
    """Another framework agreement already has this name."""


def add(session: Session, agreement: FrameworkAgreement) -> FrameworkAgreement:
    session.add(agreement)
    try:
        session.flush()
    except IntegrityError:
        raise FrameworkAgreementSlugTaken(f"{agreement.slug!r} is taken.") from None
    return agreement


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


_WITHOUT_PLACE = sa.text(
    "SELECT l.slug FROM lot l WHERE l.framework_id = :id "
    "AND NOT EXISTS (SELECT 1 FROM place p WHERE p.lot_id = l.id) ORDER BY l.slug"
)


def lots_without_place(session: Session, framework_id: int) -> list[str]:
    return [row.slug for row in session.execute(_WITHOUT_PLACE, {"id": framework_id})]


def owned(session: Session, slug: str, organisation: str) -> FrameworkAgreement:
    """The agreement, locked for a change by its owner; anyone else is refused."""
    agreement = by_slug(session, slug, locked=True)
    if agreement.owner_number != organisation:
        raise NotOwner(f"It is owned by {agreement.owner_name}.")
    return agreement
