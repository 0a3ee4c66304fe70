"""Checks as they are kept: one for each organisation, of the number that it had."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, col, select

from services.catalog.db import Table
from services.catalog.organisations.rules import Kind
from services.catalog.organisations.store import Organisation
from services.catalog.register_checks.rules import AGAIN, PAUSE, Outcome
from services.chassis import audit, feed
from services.chassis.db import INSTANT, choice


class RegisterCheck(Table, table=True):
    """What the register said of an organisation's number, last; `tried_at` also when it could not be asked."""

    __tablename__ = "register_check"
    organisation_id: int = Field(primary_key=True, foreign_key="organisation.id")
    number: str = Field(max_length=9)
    outcome: Outcome = Field(sa_type=choice(Outcome))
    name: str | None = Field(default=None, max_length=500)
    said_at: datetime | None = Field(default=None, sa_type=INSTANT)
    """When the register said so."""
    checked_at: datetime | None = Field(default=None, sa_type=INSTANT)
    tried_at: datetime = Field(sa_type=INSTANT)


@dataclass(frozen=True)
class Said:
    outcome: Outcome
    name: str | None
    said_at: datetime


def of(session: Session, organisation: Organisation) -> RegisterCheck | None:
    """The check of the number that the organisation has now."""
    found = session.get(RegisterCheck, organisation.id)
    return found if found and found.number == organisation.organisation_number else None


def due(session: Session, now: datetime, limit: int) -> Sequence[tuple[int, str]]:
    """Suppliers to check: new ones first, then those that were checked longest ago. → (id, organisation number)"""
    here, check = Organisation, RegisterCheck
    same = sa.and_(col(check.organisation_id) == col(here.id), col(check.number) == col(here.organisation_number))
    query = (
        select(col(here.id), col(here.organisation_number))
        .outerjoin(check, same)
        .where(
            col(here.kinds).contains([Kind.SUPPLIER.value]),
            col(here.organisation_number).is_not(None),
            col(here.existed_to_on).is_(None),
            sa.or_(
                col(check.organisation_id).is_(None),
                sa.and_(
                    sa.or_(col(check.checked_at).is_(None), col(check.checked_at) <= now - AGAIN),
                    col(check.tried_at) <= now - PAUSE,
                ),
            ),
        )
        .order_by(col(check.checked_at).asc().nulls_first(), col(here.id))
        .limit(limit)
    )
    return [(id, str(number)) for id, number in session.execute(query)]


def keep(session: Session, organisation_id: int, number: str, said: Said | None, now: datetime) -> None:
    """Keep what the register said, or that it could not be asked: then what it said before stays. What is news is told
    in the feed and the audit trail."""
    organisation = session.get_one(Organisation, organisation_id, with_for_update=True)
    if organisation.organisation_number != number:
        return  # it has another by now
    before = of(session, organisation)
    values: dict[str, Any] = {"organisation_id": organisation_id, "number": number, "tried_at": now}
    if said:
        values |= {"outcome": said.outcome, "name": said.name, "said_at": said.said_at, "checked_at": now}
    elif before is None:
        values |= {"outcome": Outcome.NOT_VERIFIED_YET, "name": None, "said_at": None, "checked_at": None}
    session.execute(
        insert(RegisterCheck)
        .values({"outcome": Outcome.NOT_VERIFIED_YET} | values)
        .on_conflict_do_update(index_elements=["organisation_id"], set_=values)
    )
    session.expire_all()
    if said and (before is None or before.outcome is not said.outcome):
        path = f"/organisations/{organisation.uuid}"
        audit.record(session, None, "organisation.register_check", path, outcome=said.outcome, number=number)
        feed.tell(session, "organisation.register_checked", path, None, outcome=said.outcome)
