"""`Idempotency-Key`: the same request again is the same answer, and nothing is done twice.

The key is looked up before any neighbour is asked, and kept in the change's own transaction. A parallel repeat waits at
the unique index until the first is done, and then gets its stored answer. Only successes are kept; a refusal is judged
anew. (draft-ietf-httpapi-idempotency-key-header)
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import orjson
import sqlalchemy as sa
from fastapi import Header, Request
from fastapi.responses import Response
from psycopg.errors import LockNotAvailable
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from services.chassis.auth import Caller
from services.chassis.db import INSTANT, NAMING, Database
from services.chassis.problems import Conflict, Invalid, Malformed

TABLE = sa.Table(
    "idempotency_key",
    sa.MetaData(naming_convention=NAMING),
    sa.Column("organisation", sa.String(9), primary_key=True),
    sa.Column("operation", sa.String(80), primary_key=True),
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("body_sha256", sa.LargeBinary(32), nullable=False),
    sa.Column("status", sa.SmallInteger),
    sa.Column("location", sa.String(300)),
    sa.Column("answer", sa.LargeBinary),
    sa.Column("created_at", INSTANT, nullable=False, server_default=sa.func.now()),
)


# Made once: building a statement takes longer than running it.
_HERE = [TABLE.c[name] == sa.bindparam(f"of_{name}") for name in ("organisation", "operation", "key")]
_FOUND = sa.select(TABLE).where(*_HERE)
_CLAIM = insert(TABLE).on_conflict_do_nothing().returning(TABLE.c.key)
_KEEP = TABLE.update().where(*_HERE)


class IdempotencyKeyMissing(Malformed):
    """This operation needs an Idempotency-Key header."""


class IdempotencyKeyReused(Invalid):
    """The Idempotency-Key was used before, with another request."""


class RequestInProgress(Conflict):
    """The same request is still being worked on."""


class Replay(Exception):
    """Not an error: the stored answer, to be sent once more (see `chassis.app`)."""

    def __init__(self, response: Response) -> None:
        self.response = response


@dataclass(frozen=True)
class Once:
    """One request that must happen once: scope is organisation + operation + key."""

    scope: Mapping[str, str]
    body_sha256: bytes

    def look_up(self, database: Database) -> None:
        """Raise the stored answer if there is one. Holds nothing afterwards."""
        with database.reading() as reader:
            self._replay(reader)

    def claim(self, session: Session) -> None:
        """Take the key in this transaction; raises the stored answer if another was first."""
        try:
            taken = session.execute(_CLAIM, {**self.scope, "body_sha256": self.body_sha256}).first()
        except OperationalError as error:
            if isinstance(error.orig, LockNotAvailable):
                raise RequestInProgress("Ask again in a moment.") from error
            raise
        if taken is None:
            self._replay(session)

    def keep(self, session: Session, body: bytes, *, status: int, location: str) -> Response:
        """Store the answer with the change it tells of, and give it."""
        session.execute(_KEEP, {**self._here(), "status": status, "location": location, "answer": body})
        return _response(body, status, location)

    def _replay(self, session: Session) -> None:
        found = session.execute(_FOUND, self._here()).one_or_none()
        if found is None:
            return
        if found.body_sha256 != self.body_sha256:
            raise IdempotencyKeyReused("Use a new key for a new request.")
        raise Replay(_response(found.answer, found.status, found.location))

    def _here(self) -> dict[str, str]:
        return {f"of_{name}": value for name, value in self.scope.items()}


def _response(body: bytes, status: int, location: str) -> Response:
    return Response(body, status, headers={"Location": location}, media_type="application/json")


KeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="Your own name for this request, 1–255 characters, kept as long as what it made. Sent again with "
        "the same body it gives the same answer and changes nothing; with another body it is refused (422). Required.",
        examples=["bestilling-2026-0042"],
    ),
]


async def once(request: Request, caller: Caller, operation: str, key: str | None) -> Once:
    """The key as this caller's own; 400 when it is missing."""
    name = (key or "").strip().removeprefix('"').removesuffix('"')
    if not 1 <= len(name) <= 255:
        raise IdempotencyKeyMissing("Send Idempotency-Key with 1–255 characters of your own choice.")
    return Once(
        {"organisation": caller.organisation, "operation": operation, "key": name},
        hashlib.sha256(_canonical(await request.body())).digest(),
    )


def _canonical(body: bytes) -> bytes:
    """The same JSON written with other spaces or member order is the same request."""
    return orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
