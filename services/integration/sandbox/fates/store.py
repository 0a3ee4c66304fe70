"""The fates that wait for letters."""

from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, Session, col

from services.chassis.db import choice
from services.chassis.problems import NotFound
from services.chassis.values import new_id
from services.integration.sandbox.db import Table
from services.integration.sandbox.svarut.rules import Status


class SvarutFate(Table, table=True):
    """The letters that it fits; None fits all."""

    __tablename__ = "svarut_fate"

    id: int | None = Field(default=None, primary_key=True)
    fate_id: UUID = Field(unique=True)
    status: Status = Field(sa_type=choice(Status))
    times: int
    recipient_number: str | None = Field(default=None, max_length=9)
    external_reference: str | None = Field(default=None, max_length=100)


class FateMissing(NotFound):
    """No such fate is waiting."""


_id = col(SvarutFate.id)


def arrange(
    session: Session, status: Status, times: int, recipient_number: str | None, external_reference: str | None
) -> SvarutFate:
    fate = SvarutFate(
        fate_id=new_id(),
        status=status,
        times=times,
        recipient_number=recipient_number,
        external_reference=external_reference,
    )
    session.add(fate)
    session.flush()
    return fate


def waiting(session: Session) -> list[SvarutFate]:
    """Oldest first."""
    return list(session.execute(sa.select(SvarutFate).where(col(SvarutFate.times) > 0).order_by(_id)).scalars())


def take(session: Session, recipient_number: str | None, external_reference: str | None) -> Status | None:
    """The oldest fate that fits a letter, which is one time less after that, in whichever worker."""
    number, reference = col(SvarutFate.recipient_number), col(SvarutFate.external_reference)
    oldest = (
        sa.select(_id)
        .where(
            col(SvarutFate.times) > 0,
            sa.or_(number.is_(None), number == recipient_number),
            sa.or_(reference.is_(None), reference == external_reference),
        )
        .order_by(_id)
        .limit(1)
        .with_for_update()
        .scalar_subquery()
    )
    taken = sa.update(SvarutFate).where(_id == oldest).values(times=col(SvarutFate.times) - 1)
    found = session.execute(taken.returning(col(SvarutFate.status))).scalar_one_or_none()
    return Status(found) if found else None


def remove(session: Session, id: UUID) -> None:
    gone = sa.delete(SvarutFate).where(col(SvarutFate.fate_id) == id).returning(_id)
    if session.execute(gone).first() is None:
        raise FateMissing(f"No fate {id} is waiting.")


def clear(session: Session) -> None:
    session.execute(sa.delete(SvarutFate))
