"""The register's answers as they are kept, one for each number; and how far its updates have been read."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, col, select

from services.chassis.db import INSTANT, JSON, choice
from services.integration.db import Table
from services.integration.lookups.rules import GONE, Address, Answer, Standing


class Lookup(Table, table=True):
    """What the register said of a number, last."""

    number: str = Field(primary_key=True, max_length=9)
    standing: Standing = Field(sa_type=choice(Standing))
    name: str | None = Field(default=None, max_length=500)
    form: str | None = Field(default=None, max_length=20)
    address: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    deleted_on: date | None = None
    fetched_at: datetime = Field(sa_type=INSTANT)
    outdated: bool = False
    """The updates say that it has changed since."""

    def where(self) -> Address | None:
        return Address(**self.address) if self.address else None


class RegisterPosition(Table, table=True):
    """How far the updates have been read: one row."""

    __tablename__ = "register_position"
    id: int = Field(default=1, primary_key=True)
    position: int = Field(sa_type=sa.BigInteger)
    read_at: datetime = Field(sa_type=INSTANT)


def kept(session: Session, number: str) -> Lookup | None:
    return session.get(Lookup, number)


def keep(session: Session, answer: Answer, fetched_at: datetime) -> Lookup:
    """The newest answer counts, whoever fetched it."""
    address = answer.address
    values: dict[str, Any] = {
        "number": answer.number,
        "standing": answer.standing,
        "name": answer.name,
        "form": answer.form,
        "address": address
        and {
            "lines": list(address.lines),
            "postcode": address.postcode,
            "place": address.place,
            "country": address.country,
        },
        "deleted_on": answer.deleted_on,
        "fetched_at": fetched_at,
        "outdated": False,
    }
    new = insert(Lookup).values(values)
    session.execute(
        new.on_conflict_do_update(
            index_elements=["number"], set_=values, where=col(Lookup.fetched_at) <= new.excluded.fetched_at
        )
    )
    return session.exec(
        select(Lookup).where(col(Lookup.number) == answer.number).execution_options(populate_existing=True)
    ).one()


def address(session: Session, number: str) -> Address | None:
    """Where a letter on paper reaches an organisation, by the register's last word; None when that is not known, or
    nobody is there any more."""
    found = kept(session, number)
    return found.where() if found and found.standing not in GONE else None


def position(session: Session) -> int:
    found = session.get(RegisterPosition, 1)
    return found.position if found else 0


def read_to(session: Session, changed: Collection[str], position: int, read_at: datetime) -> int:
    """Mark what has changed, and remember how far was read. → how many of ours"""
    marked = session.execute(
        sa.update(Lookup).where(col(Lookup.number).in_(changed)).values(outdated=True).returning(col(Lookup.number))
    ).all()
    values = {"id": 1, "position": position, "read_at": read_at}
    new = insert(RegisterPosition).values(values)
    greatest = sa.func.greatest(col(RegisterPosition.position), new.excluded.position)
    session.execute(new.on_conflict_do_update(index_elements=["id"], set_={"position": greatest, "read_at": read_at}))
    return len(marked)


def outdated(session: Session, limit: int) -> Sequence[str]:
    """Numbers whose answer has changed since, to be asked anew."""
    query = select(col(Lookup.number)).where(col(Lookup.outdated)).order_by(col(Lookup.fetched_at))
    return session.exec(query.limit(limit)).all()
