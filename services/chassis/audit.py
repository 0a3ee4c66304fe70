"""Who did what: one row per change, written in the change's own transaction and never changed again.

Within seconds the rows are sealed in batches: each seal is a hash over its rows and the seal before. Writers do not
wait for each other at a chain, and an edited, removed or inserted row breaks it (`broken`). The newest seal is logged,
so that cutting off the chain's end shows too.
"""

import hashlib
import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlmodel import Session

from services.chassis import log
from services.chassis.auth import Caller
from services.chassis.db import INSTANT, JSON, NAMING, Database

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
    sa.Column("seal_id", sa.BigInteger, comment="The only thing that is set later, once"),
    sa.Index("ix_audit_subject", "subject"),
    sa.Index("ix_audit_unsealed", "id", postgresql_where=sa.text("seal_id IS NULL")),
    sa.Index("ix_audit_seal_id", "seal_id"),
)
SEAL = sa.Table(
    "audit_seal",
    sa.MetaData(naming_convention=NAMING),
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("sha256", sa.LargeBinary(32), nullable=False),
    sa.Column("sealed_at", INSTANT, nullable=False, server_default=sa.func.clock_timestamp()),
)
FINAL_SQL = """
CREATE FUNCTION audit_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.seal_id IS NULL AND to_jsonb(NEW) - 'seal_id' = to_jsonb(OLD) - 'seal_id' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'an audit row is never changed or removed';
END $$;
CREATE TRIGGER audit_is_final BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_is_final();
"""
"""For a migration: what a careless statement cannot do. Whoever owns the database can still; the seals tell."""
BATCH = 5_000
_LOCK = 0x5A4D_5345
_log = logging.getLogger("audit")

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
    here = TABLE.c
    rows = session.execute(
        sa.select(here.recorded_at, here.action, here.organisation).where(here.subject == subject).order_by(here.id)
    )
    return [(row.recorded_at, row.action, row.organisation) for row in rows]


def seal(database: Database) -> int:
    """Seal what is not sealed yet, a batch at a time. → how many rows were"""
    sealed = 0
    while True:
        with database.writing() as session:
            number = _seal_batch(session)
        sealed += number
        if number < BATCH:
            return sealed


def broken(session: Session) -> list[int]:
    """The seals that do not hold: their rows, or a seal before them, are not what they were."""
    found, before = [], b""
    for kept in session.execute(sa.select(SEAL).order_by(SEAL.c.id)).all():
        rows = session.execute(_SEALED, {"seal": kept.id}).all()
        if len(rows) != kept.rows or _hash(before, rows) != kept.sha256:
            found.append(kept.id)
        before = kept.sha256
    numbers = session.execute(sa.select(SEAL.c.id).order_by(SEAL.c.id)).scalars().all()
    missing = sorted(set(range(1, (numbers[-1] if numbers else 0) + 1)) - set(numbers))
    return found + missing


_CONTENT = [column for column in TABLE.c if column.name != "seal_id"]
_SEALED = sa.select(*_CONTENT).where(TABLE.c.seal_id == sa.bindparam("seal")).order_by(TABLE.c.id)
_UNSEALED = sa.select(*_CONTENT).where(TABLE.c.seal_id.is_(None)).order_by(TABLE.c.id).limit(BATCH)


def _seal_batch(session: Session) -> int:
    if not session.execute(_UNSEALED.limit(1)).first():
        return 0
    session.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    rows = session.execute(_UNSEALED).all()
    if not rows:
        return 0
    last = session.execute(sa.select(SEAL.c.id, SEAL.c.sha256).order_by(SEAL.c.id.desc()).limit(1)).first()
    number, sha256 = (last.id + 1 if last else 1), _hash(last.sha256 if last else b"", rows)
    session.execute(SEAL.insert().values(id=number, rows=len(rows), sha256=sha256))
    session.execute(TABLE.update().where(TABLE.c.id.in_([row.id for row in rows])).values(seal_id=number))
    _log.info("audit seal %s over %s rows: %s", number, len(rows), sha256.hex())
    return len(rows)


def _hash(before: bytes, rows: Iterable[sa.Row[Any]]) -> bytes:
    digest = hashlib.sha256(before)
    for row in rows:
        digest.update(orjson.dumps(tuple(row), option=orjson.OPT_SORT_KEYS))
    return digest.digest()
