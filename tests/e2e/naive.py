"""The agreements service as one would write it first: read what is reserved, compare, insert. It oversells.

`python -m tests.e2e.naive` serves it as `python -m services serve agreements` serves ours; only reserving differs.
"""

import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Session

from services import cli
from services.agreements.ledger import store
from services.agreements.ledger.rules import Kind, Moved, Scope, exceeded

TOGETHER = threading.Barrier(6, timeout=10)
"""Between reading and writing there is always something. Here it is told, not hoped for: six that have all read and
found room write together. 50 is not divisible by six, so the last six find room for two."""


def reserve(session: Session, account: store.Account, lines: Sequence[Moved], on: date, cause: str = "reserve") -> bool:
    value = sum((line.reserved for line in lines), Decimal(0))
    room = store.room(session, Scope.FRAMEWORK_AGREEMENT, [account.framework_id])[account.framework_id]
    taken = session.execute(
        sa.text("SELECT coalesce(sum(reserved + posted), 0) FROM entry WHERE framework_id = :id"),
        {"id": account.framework_id},
    ).scalar_one()
    assert room.ceiling is not None
    if taken + value > room.ceiling:
        raise exceeded(Scope.FRAMEWORK_AGREEMENT, room.ceiling, taken, Decimal(0), value)
    with suppress(threading.BrokenBarrierError):
        TOGETHER.wait()
    store.enter(session, account, Kind.RESERVE, lines, on, cause)
    return True


if __name__ == "__main__":
    store.reserve = reserve
    cli._serve("agreements")
