"""Equivalent evidence as it is kept: what is claimed, with its evidence, and events that are only ever added."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, Session, col, select

from services.catalog.db import Table
from services.catalog.equivalents import rules
from services.catalog.equivalents.rules import EventKind
from services.chassis.db import INSTANT, JSON, choice
from services.chassis.problems import NotFound
from services.chassis.values import new_id


class Equivalent(Table, table=True):
    """`requirements`: ids of those that it is about, None: the whole version. A trigger keeps it from being changed."""

    __table_args__ = (sa.CheckConstraint("valid_from_on <= valid_to_on", name="period"),)
    id: int = Field(default=None, primary_key=True)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    product_id: int = Field(foreign_key="product.id", index=True)
    specification_version_id: int = Field(foreign_key="specificationversion.id", index=True)
    requirements: list[str] | None = Field(default=None, sa_type=ARRAY(sa.String(40)))
    scheme: str = Field(max_length=200)
    issuer: str = Field(max_length=200)
    issuer_country: str = Field(max_length=2)
    reference: str = Field(max_length=200)
    valid_from_on: date
    valid_to_on: date
    reason: str = Field(max_length=2000)
    evidence: list[dict[str, Any]] = Field(sa_type=JSON)
    recorded_at: datetime = Field(sa_type=INSTANT)
    organisation_number: str = Field(max_length=9)
    client: str = Field(max_length=200)

    @property
    def validity(self) -> rules.Validity:
        return rules.Validity(self.valid_from_on, self.valid_to_on)


class EquivalentEvent(Table, table=True):
    """What was decided about it. A trigger keeps it from being changed."""

    __tablename__ = "equivalent_event"
    id: int = Field(default=None, primary_key=True)
    equivalent_id: int = Field(foreign_key="equivalent.id", index=True)
    kind: EventKind = Field(sa_type=choice(EventKind))
    effective_on: date
    recorded_at: datetime = Field(sa_type=INSTANT)
    reason: str = Field(max_length=2000)
    organisation_number: str = Field(max_length=9)
    client: str = Field(max_length=200)


class EquivalentNotFound(NotFound):
    """No equivalent evidence has this id."""


@dataclass(frozen=True)
class InForce:
    """Confirmed evidence on a day. `requirements` None: the whole version."""

    uuid: UUID
    scheme: str
    issuer_country: str
    reference: str
    requirements: list[str] | None
    valid_from_on: date
    valid_to_on: date


def in_force(session: Session, product_id: int, specification_version_id: int, on: date) -> list[InForce]:
    """What is confirmed for a product and a version of a specification on a day. It does not make the product
    certified: show it apart."""
    values = {"product": product_id, "version": specification_version_id, "on": on}
    return [InForce(**row._asdict()) for row in session.execute(_IN_FORCE, values)]


# The same as `rules.status_on` says `confirmed`; a test compares them.
_CONFIRMED_ON = """
       :on BETWEEN q.valid_from_on AND q.valid_to_on
       AND EXISTS (SELECT 1 FROM equivalent_event e
                    WHERE e.equivalent_id = q.id AND e.kind = 'confirmed' AND e.effective_on <= :on)
       AND NOT EXISTS (SELECT 1 FROM equivalent_event e
                        WHERE e.equivalent_id = q.id AND e.kind = 'revoked' AND e.effective_on <= :on)
"""
_IN_FORCE = sa.text(
    f"""
    SELECT q.uuid, q.scheme, q.issuer_country, q.reference, q.requirements, q.valid_from_on, q.valid_to_on
      FROM equivalent q
     WHERE q.product_id = :product AND q.specification_version_id = :version AND {_CONFIRMED_ON}
     ORDER BY q.id
    """  # noqa: S608  # put together from our own constants only
)
_COLUMNS = """
    SELECT q.uuid, q.product_id, p.slug AS product, p.supplier_id, s.slug AS specification,
           v.label AS specification_version, q.requirements, q.scheme, q.issuer, q.issuer_country, q.reference,
           q.valid_from_on, q.valid_to_on, q.reason, q.evidence, q.recorded_at,
           q.organisation_number AS recorded_by,
           (SELECT json_agg(json_build_object('kind', e.kind, 'effective_on', e.effective_on, 'reason', e.reason,
                            'recorded_at', e.recorded_at, 'organisation_number', e.organisation_number) ORDER BY e.id)
              FROM equivalent_event e WHERE e.equivalent_id = q.id) AS events
      FROM equivalent q
      JOIN product p ON p.id = q.product_id
      JOIN specificationversion v ON v.id = q.specification_version_id
      JOIN specification s ON s.id = v.specification_id
"""
# Everybody sees what was once confirmed; whoever judges sees all, a supplier its own products'.
_VISIBLE = """
       (:all OR p.supplier_id = ANY(:own) OR EXISTS (
            SELECT 1 FROM equivalent_event e WHERE e.equivalent_id = q.id AND e.kind = 'confirmed'))
"""
_ONE = sa.text(f"{_COLUMNS} WHERE q.uuid = :uuid AND {_VISIBLE}")
_PAGE = sa.text(
    f"""{_COLUMNS}
     WHERE (CAST(:after AS uuid) IS NULL OR q.uuid > :after)
       AND (CAST(:product AS text) IS NULL OR q.product_id = (SELECT id FROM product WHERE slug = :product))
       AND (CAST(:specification AS text) IS NULL OR q.specification_version_id IN (
            SELECT x.id FROM specificationversion x JOIN specification y ON y.id = x.specification_id
             WHERE y.slug = :specification))
       AND (CAST(:on AS date) IS NULL OR ({_CONFIRMED_ON}))
       AND {_VISIBLE}
     ORDER BY q.uuid LIMIT :rows
    """  # noqa: S608  # as above
)


@dataclass(frozen=True)
class Sight:
    """What a viewer sees: everything, or besides what is public that of these suppliers, by internal key."""

    everything: bool
    suppliers: Collection[int] = ()

    def values(self) -> dict[str, Any]:
        return {"all": self.everything, "own": list(self.suppliers)}


def shown(session: Session, uuid: UUID, sight: Sight) -> sa.Row[Any]:
    found = session.execute(_ONE, {"uuid": uuid} | sight.values()).one_or_none()
    if found is None:
        raise EquivalentNotFound
    return found


def page(
    session: Session,
    after: UUID | None,
    limit: int,
    sight: Sight,
    *,
    product: str | None,
    specification: str | None,
    confirmed_on: date | None,
) -> Sequence[sa.Row[Any]]:
    """In the order recorded, limit + 1 rows."""
    asked = {"after": after, "product": product, "specification": specification, "on": confirmed_on, "rows": limit + 1}
    return session.execute(_PAGE, asked | sight.values()).all()


def exists(session: Session, uuid: UUID) -> bool:
    return session.exec(select(Equivalent.id).where(col(Equivalent.uuid) == uuid)).first() is not None


def locked(session: Session, uuid: UUID) -> Equivalent:
    """The row until the transaction ends: of two who decide at once the second sees what the first did."""
    found = session.exec(select(Equivalent).where(col(Equivalent.uuid) == uuid).with_for_update()).one_or_none()
    if found is None:
        raise EquivalentNotFound
    return found


def events_of(session: Session, equivalent_id: int) -> list[rules.Event]:
    """In the order recorded."""
    query = select(EquivalentEvent).where(col(EquivalentEvent.equivalent_id) == equivalent_id)
    rows = session.exec(query.order_by(col(EquivalentEvent.id)))
    return [rules.Event(EventKind(row.kind), row.effective_on) for row in rows]


def add(session: Session, new: Equivalent, today: date) -> Equivalent:
    session.add(new)
    session.flush()
    record(
        session,
        new,
        EventKind.RECORDED,
        organisation=new.organisation_number,
        client=new.client,
        now=new.recorded_at,
        today=today,
        reason=new.reason,
    )
    return new


def record(
    session: Session,
    kept: Equivalent,
    kind: EventKind,
    *,
    organisation: str,
    client: str,
    now: datetime,
    today: date,
    reason: str,
) -> None:
    """What was decided about evidence that is locked; the rules have been looked at."""
    session.add(
        EquivalentEvent(
            equivalent_id=kept.id,
            kind=kind,
            effective_on=today,
            recorded_at=now,
            reason=reason,
            organisation_number=organisation,
            client=client,
        )
    )
    session.flush()
