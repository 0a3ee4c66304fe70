"""Who did what: one row per change, written in the change's own transaction and never touched again."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from services.chassis import log
from services.chassis.auth import Caller
from services.chassis.db import INSTANT, JSON, NAMING

TABLE = sa.Table(
    "audit",
    sa.MetaData(naming_convention=NAMING),
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("recorded_at", INSTANT, nullable=False, server_default=sa.func.clock_timestamp()),
    sa.Column("organisation", sa.String(9)),
    sa.Column("client", sa.String(200), nullable=False),
    sa.Column("request_id", sa.String(64), nullable=False),
    sa.Column("action", sa.String(80), nullable=False),
    sa.Column("subject", sa.String(200), nullable=False),
    sa.Column("detail", JSON, nullable=False),
    sa.Index("ix_audit_subject", "subject"),
)

_INSERT = TABLE.insert()


def record(session: Session, caller: Caller | None, action: str, subject: str, **detail: Any) -> None:
    """`action` is `<concept>.<event>`, `subject` the thing's path; `detail` what changed, as JSON values. Without a
    caller the service acted itself (a job, a seed)."""
    session.execute(_INSERT, [_row(caller, action, subject, detail)])


def record_all(session: Session, caller: Caller | None, actions: list[str], subject: str, **detail: Any) -> None:
    """Several things that happened to one subject in one transaction, in order."""
    session.execute(_INSERT, [_row(caller, action, subject, detail) for action in actions])


def _row(caller: Caller | None, action: str, subject: str, detail: dict[str, Any]) -> dict[str, Any]:
    return {
        "organisation": caller.organisation if caller else None,
        "client": caller.client if caller else "samvirke",
        "request_id": log.request_id.get(),
        "action": action,
        "subject": subject,
        "detail": detail,
    }


def of(session: Session, subject: str) -> list[tuple[datetime, str, str | None]]:
    """What happened to one thing, oldest first: (when, action, organisation)."""
    rows = session.execute(
        sa.select(TABLE.c.recorded_at, TABLE.c.action, TABLE.c.organisation)
        .where(TABLE.c.subject == subject)
        .order_by(TABLE.c.id)
    )
    return [(row.recorded_at, row.action, row.organisation) for row in rows]
