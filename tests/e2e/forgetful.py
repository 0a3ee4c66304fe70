"""The agreements service as one would first think of repeats: look the key up, do the work, and write the answer down
by itself. What is repeated at once happens more than once.

`python -m tests.e2e.forgetful` serves it as `python -m services serve agreements` serves ours.
"""

import threading
from contextlib import suppress

from fastapi import Response
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from services import cli
from services.chassis import idempotency

REPEATS = 6
TOGETHER = threading.Barrier(REPEATS, timeout=10)
"""Between looking up and writing there is always something. Here it is told, not hoped for: repeats that have all found
no answer go on together."""


def claim(self: idempotency.Once, session: Session) -> None:
    with suppress(threading.BrokenBarrierError):
        TOGETHER.wait()


def keep(self: idempotency.Once, session: Session, body: bytes, *, status: int, location: str) -> Response:
    with Session(session.get_bind()) as own, own.begin():
        kept = {"body_sha256": self.body_sha256, "status": status, "location": location, "answer": body}
        own.execute(insert(idempotency.TABLE).values(**self.scope, **kept).on_conflict_do_nothing())
    return Response(body, status, headers={"Location": location}, media_type="application/json")


if __name__ == "__main__":
    idempotency.Once.claim = claim  # type: ignore[method-assign]  # that is what is naive here
    idempotency.Once.keep = keep  # type: ignore[method-assign]  # and that
    cli._serve("agreements")
