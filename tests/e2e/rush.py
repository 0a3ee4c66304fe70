"""Many call-offs at once against a ceiling with room for some: the same test for ours and for a naive variant."""

import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx
import psycopg

CALLS, ROOM = 200, 50


@dataclass(frozen=True)
class Stall:
    """Where they all order: an agreement, a lot of it, an item and its price."""

    agreement: str
    lot: str
    item: str
    price: Decimal


ALARMS = Stall("ra-2026-velferdsteknologi", "alarmer", "alarm", Decimal("2400.00"))
GPS = Stall("ra-2025-gps", "sporing", "gps", Decimal("1490.00"))


@dataclass(frozen=True)
class Outcome:
    answers: list[httpx.Response]
    entries: Decimal
    """What the entries of the agreement sum up to beyond what was there before."""
    reserved: Decimal
    """What the balance grew by."""

    @property
    def statuses(self) -> Counter[int]:
        return Counter(answer.status_code for answer in self.answers)


def leave_room(database: psycopg.Connection, stall: Stall, value: Decimal) -> None:
    """Set the agreement's ceiling so that exactly `value` is left under it."""
    database.execute(
        "UPDATE balance SET ceiling = reserved + posted + %s WHERE scope = 'framework_agreement' AND subject_id = "
        "(SELECT id FROM frameworkagreement WHERE slug = %s)",
        [value, stall.agreement],
    )


def rush(url: str, headers: dict[str, str], database: psycopg.Connection, stall: Stall) -> Outcome:
    """200 buyers at once, room for 50."""
    leave_room(database, stall, ROOM * stall.price)
    before = _sums(database, stall)
    order: dict[str, Any] = {
        "framework_agreement": stall.agreement,
        "lot": stall.lot,
        "lines": [{"item": stall.item, "quantity": 1}],
        "needed_on": "2029-05-01",
    }
    with httpx.Client(timeout=60, limits=httpx.Limits(max_connections=64)) as http, ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda _: _placed(http, f"{url}/call-offs", order, headers), range(CALLS)))
    after = _sums(database, stall)
    return Outcome(answers, after[0] - before[0], after[1] - before[1])


def _placed(http: httpx.Client, url: str, order: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
    """As a careful buyer does it: a service that is too busy (503) is asked again, with the same key."""
    own = headers | {"Idempotency-Key": uuid.uuid4().hex}
    for _ in range(30):
        answer = http.post(url, json=order, headers=own)
        if answer.status_code != 503:
            break
        time.sleep(0.5)
    return answer


def _sums(database: psycopg.Connection, stall: Stall) -> tuple[Decimal, Decimal]:
    row = database.execute(
        "SELECT (SELECT coalesce(sum(e.reserved), 0) FROM entry e WHERE e.framework_id = f.id), b.reserved "
        "FROM frameworkagreement f JOIN balance b ON b.scope = 'framework_agreement' AND b.subject_id = f.id "
        "WHERE f.slug = %s",
        [stall.agreement],
    ).fetchone()
    assert row
    return row[0], row[1]


def holds(outcome: Outcome, stall: Stall) -> None:
    """What must be true afterwards; a naive variant fails it."""
    assert outcome.statuses == {201: ROOM, 409: CALLS - ROOM}
    assert outcome.entries == ROOM * stall.price
    assert outcome.reserved == ROOM * stall.price
    refusals = [answer.json() for answer in outcome.answers if answer.status_code == 409]
    assert {refusal["type"] for refusal in refusals} == {"/problems/ceiling-exceeded"}
    assert all(Decimal(refusal["left_excl_vat"]) < stall.price for refusal in refusals)
