"""The register's entities as they are, and every change of them in order."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, col, select

from services.chassis.clock import now
from services.chassis.db import INSTANT, JSON, choice
from services.chassis.problems import NotFound
from services.integration.sandbox.db import Table
from services.integration.sandbox.enhetsregisteret.rules import Change, Entity


class LegalEntity(Table, table=True):
    """An entity or a sub-entity; removed for legal reasons, only its number is left."""

    __tablename__ = "legal_entity"
    number: str = Field(primary_key=True, max_length=9)
    name: str = Field(max_length=200, index=True)
    form: str = Field(max_length=10)
    business_address: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    postal_address: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    registered_on: date
    municipality: str | None = Field(default=None, max_length=4)
    parent: str | None = Field(default=None, max_length=9, index=True)
    bankrupt: bool = False
    winding_up: bool = False
    forced_winding_up: bool = False
    deleted_on: date | None = None
    removed: bool = False
    more: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)

    def entity(self) -> Entity:
        return Entity(**self.model_dump(exclude={"removed"}))


class LegalEntityUpdate(Table, table=True):
    """That an entity changed; only ever added."""

    __tablename__ = "legal_entity_update"
    id: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    number: str = Field(max_length=9, index=True)
    change: Change = Field(sa_type=choice(Change))
    at: datetime = Field(sa_type=INSTANT, index=True)


class EntityMissing(NotFound):
    """The register has no entity with this number."""


def load(session: Session, entities: Iterable[Entity]) -> int:
    """Those that are not there yet. → how many"""
    rows = [asdict(one) | {"removed": False, "more": dict(one.more)} for one in entities]
    if not rows:
        return 0
    added = session.execute(
        insert(LegalEntity).values(rows).on_conflict_do_nothing().returning(col(LegalEntity.number))
    ).scalars()
    numbers = sorted(added)
    for number in numbers:
        session.add(LegalEntityUpdate(number=number, change=Change.NEW, at=now()))
    session.flush()
    return len(numbers)


def find(session: Session, number: str, *, sub: bool) -> LegalEntity | None:
    found = session.get(LegalEntity, number)
    return found if found and (found.parent is not None) == sub else None


def change(session: Session, number: str, changes: Mapping[str, Any]) -> LegalEntity:
    """Keep what is new, and tell of it in the updates."""
    query = select(LegalEntity).where(col(LegalEntity.number) == number).with_for_update()
    row = session.exec(query).one_or_none()
    if row is None:
        raise EntityMissing(f"No entity {number}.")
    for name, value in changes.items():
        setattr(row, name, value)
    kind = Change.REMOVED if changes.get("removed") else Change.DELETED if changes.get("deleted_on") else Change.CHANGED
    session.add(LegalEntityUpdate(number=number, change=kind, at=now()))
    session.flush()
    return row


def search(
    session: Session,
    *,
    sub: bool,
    name: str | None = None,
    numbers: Collection[str] = (),
    parent: str | None = None,
    municipality: str | None = None,
    form: str | None = None,
    bankrupt: bool | None = None,
    offset: int,
    limit: int,
) -> tuple[Sequence[LegalEntity], int]:
    """Those that are neither deleted nor removed, by name. → a page of them, and how many there are"""
    here: list[sa.ColumnElement[bool]] = [
        col(LegalEntity.parent).is_not(None) if sub else col(LegalEntity.parent).is_(None),
        col(LegalEntity.deleted_on).is_(None),
        col(LegalEntity.removed).is_(False),
    ]
    for word in (name or "").split():
        here.append(col(LegalEntity.name).icontains(word, autoescape=True))
    if numbers:
        here.append(col(LegalEntity.number).in_(numbers))
    for column, value in (
        (LegalEntity.parent, parent),
        (LegalEntity.municipality, municipality),
        (LegalEntity.form, form),
        (LegalEntity.bankrupt, bankrupt),
    ):
        if value is not None:
            here.append(col(column) == value)
    total = session.execute(sa.select(sa.func.count()).select_from(LegalEntity).where(*here)).scalar_one()
    query = select(LegalEntity).where(*here).order_by(col(LegalEntity.name), col(LegalEntity.number))
    return session.exec(query.offset(offset).limit(limit)).all(), int(total)


def updates(
    session: Session,
    *,
    since: datetime | None = None,
    from_id: int | None = None,
    numbers: Collection[str] = (),
    offset: int,
    limit: int,
) -> tuple[Sequence[LegalEntityUpdate], int]:
    """From an instant or an id on, that one with it, oldest first."""
    here: list[sa.ColumnElement[bool]] = [col(LegalEntityUpdate.id) >= (from_id or 0)]
    if since:
        here.append(col(LegalEntityUpdate.at) >= since)
    if numbers:
        here.append(col(LegalEntityUpdate.number).in_(numbers))
    total = session.execute(sa.select(sa.func.count()).select_from(LegalEntityUpdate).where(*here)).scalar_one()
    query = select(LegalEntityUpdate).where(*here).order_by(col(LegalEntityUpdate.id))
    return session.exec(query.offset(offset).limit(limit)).all(), int(total)
