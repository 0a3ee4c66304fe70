"""The accounts, and until when each pauses. All workers read and write the same row."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, col, select

from services.chassis import audit
from services.chassis.auth import Caller
from services.chassis.db import INSTANT, choice
from services.chassis.problems import NotFound
from services.integration.accounts import rules
from services.integration.accounts.rules import Reason
from services.integration.db import Table


class Account(Table, table=True):
    konto: UUID = Field(primary_key=True)
    failures: int = 0
    """In a row, since something last went well."""
    reason: Reason | None = Field(default=None, sa_type=choice(Reason))
    detail: str | None = Field(default=None, max_length=2000)
    paused_until: datetime | None = Field(default=None, sa_type=INSTANT)
    """As long as this is set nothing is sent; when it has passed, one worker tries whether SvarUT answers."""
    changed_at: datetime = Field(sa_type=INSTANT)


class AccountNotFound(NotFound):
    """No letters go from an account with this id."""


@dataclass(frozen=True)
class Standing:
    """How an account stands now."""

    failures: int = 0
    paused: bool = False
    seconds: float = 0.0
    """Until SvarUT is tried again; 0 when that is due."""


_CLOCK = sa.func.clock_timestamp()
_STANDING = sa.select(
    col(Account.failures),
    col(Account.paused_until).is_not(None).label("paused"),
    sa.func.greatest(sa.func.extract("epoch", col(Account.paused_until) - _CLOCK), 0).label("seconds"),
).where(col(Account.konto) == sa.bindparam("konto"))


def standing(session: Session, konto: UUID) -> Standing:
    found = session.execute(_STANDING, {"konto": konto}).one_or_none()
    return Standing(found.failures, found.paused, float(found.seconds or 0)) if found else Standing()


def every(session: Session) -> list[Account]:
    return list(session.exec(select(Account).order_by(col(Account.konto))))


def know(session: Session, konto: UUID) -> None:
    """Letters go from this account."""
    values = {"konto": konto, "failures": 0, "changed_at": _CLOCK}
    session.execute(insert(Account).values(values).on_conflict_do_nothing())


def failed(
    session: Session, konto: UUID, reason: Reason, detail: str, *, longest: float, configuration: float
) -> float | None:
    """Count a failure. → seconds that the account pauses for, if it does"""
    know(session, konto)
    row = locked(session, konto)
    row.failures += 1
    seconds = rules.pause(reason, row.failures, longest=longest, configuration=configuration)
    if seconds is None:
        return None
    if row.paused_until is None:
        audit.record(session, None, "account.pause", path(konto), reason=reason, detail=detail)
    row.reason, row.detail = reason, detail
    row.changed_at = session.execute(sa.select(_CLOCK)).scalar_one()
    row.paused_until = session.execute(
        sa.select(_CLOCK + sa.func.make_interval(0, 0, 0, 0, 0, 0, seconds))
    ).scalar_one()
    return seconds


def take_trial(session: Session, konto: UUID, seconds: float) -> bool:
    """Be the one who tries whether SvarUT answers; nobody else does for so many seconds."""
    tried = (
        sa.update(Account)
        .where(col(Account.konto) == konto, col(Account.paused_until) <= _CLOCK)
        .values(paused_until=_CLOCK + sa.func.make_interval(0, 0, 0, 0, 0, 0, seconds))
        .returning(col(Account.konto))
    )
    return session.execute(tried).first() is not None


def worked(session: Session, konto: UUID, caller: Caller | None = None) -> None:
    """Something went well, or an administrator says so: nothing waits any more."""
    row = locked(session, konto)
    if row.paused_until:
        audit.record(session, caller, "account.resume", path(konto), reason=row.reason)
    row.failures, row.reason, row.detail, row.paused_until = 0, None, None, None
    row.changed_at = session.execute(sa.select(_CLOCK)).scalar_one()


def locked(session: Session, konto: UUID) -> Account:
    query = select(Account).where(col(Account.konto) == konto)
    found = session.exec(query.with_for_update().execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise AccountNotFound(f"No letters go from {konto}.")
    return found


def path(konto: UUID) -> str:
    return f"/accounts/{konto}"
