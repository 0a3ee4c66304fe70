"""Consents as Altinn keeps them. The giver may be a person: the number is kept, and told in tokens only."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, Session, col

from services.chassis.db import INSTANT, JSON
from services.chassis.problems import NotFound
from services.chassis.values import new_id
from services.integration.sandbox.consents import rules
from services.integration.sandbox.db import Table


class Consent(Table, table=True):
    __tablename__ = "altinn_consent"

    id: UUID = Field(primary_key=True)
    giver: str = Field(max_length=60, repr=False)
    receiver: str = Field(max_length=9)
    rights: list[dict[str, Any]] = Field(sa_type=JSON)
    consented_at: datetime = Field(sa_type=INSTANT)
    valid_to: datetime = Field(sa_type=INSTANT)
    revoked_at: datetime | None = Field(default=None, sa_type=INSTANT)


class ConsentMissing(NotFound):
    """No consent has this id."""


def give(
    session: Session, giver: str, receiver: str, rights: Sequence[Mapping[str, Any]], valid_to: datetime, now: datetime
) -> UUID:
    made = Consent(
        id=new_id(), giver=giver, receiver=receiver, rights=list(map(dict, rights)), consented_at=now, valid_to=valid_to
    )
    session.add(made)
    session.flush()
    return made.id


def revoke(session: Session, id: UUID, now: datetime) -> None:
    """Again changes nothing."""
    revoked = sa.update(Consent).where(col(Consent.id) == id)
    at = sa.func.coalesce(col(Consent.revoked_at), now)
    if session.execute(revoked.values(revoked_at=at).returning(col(Consent.id))).first() is None:
        raise ConsentMissing(f"No consent is called {id}.")


def find(session: Session, id: UUID) -> rules.Consent | None:
    row = session.execute(
        sa.select(
            col(Consent.id),
            col(Consent.giver),
            col(Consent.receiver),
            col(Consent.consented_at),
            col(Consent.valid_to),
            col(Consent.rights),
            col(Consent.revoked_at),
        ).where(col(Consent.id) == id)
    ).one_or_none()
    return rules.Consent(**row._mapping) if row else None
