"""Orders that are sent several times at once under one key, through several processes, of which one may be killed in
between: afterwards each has happened once, and every repeat has got the same answer."""

import asyncio
import itertools
import random
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx
import psycopg

from tests.e2e import clones

PREFIX, AGREEMENTS = "gjentak-", 20
PRICE = Decimal("2400.00")
RENEWED_SECONDS = 45.0
EVERY = 10
"""Each such key is used by another organisation too, and with another body afterwards."""
Key = tuple[str, str]
"""Organisation and key."""
Answer = tuple[int, bytes, str]
"""Status, body, location."""


@dataclass
class Sent:
    """What was answered."""

    answers: dict[Key, set[Answer]] = field(default_factory=dict)
    misused: list[int] = field(default_factory=list)
    """What another body under the same key was answered with."""
    requests: int = 0
    cut_off: int = 0
    """Requests that nobody answered, and that were sent again."""

    @property
    def made(self) -> dict[str, Decimal]:
        """Call-offs by id with their value, as the answers say."""
        bodies = [httpx.Response(200, content=body).json() for one in self.answers.values() for _, body, _ in one]
        return {one["id"]: Decimal(one["amount_excl_vat"]) for one in bodies}


def agreements(database: psycopg.Connection) -> None:
    """With room for everything; an order for one is sent with a letter, more than one waits for its approval."""
    there = database.execute("SELECT 1 FROM frameworkagreement WHERE slug = %s", [f"{PREFIX}1"]).fetchone()
    if not there:
        clones.make(database, PREFIX, AGREEMENTS, approval_limit=PRICE)


def body(number: int, quantity: int, key: str) -> dict[str, Any]:
    return clones.order(PREFIX, number, quantity, key)


async def send(
    urls: Sequence[str],
    bearer: Callable[[str], dict[str, str]],
    *,
    keys: int,
    repeats: Sequence[int] = (2, 2, 2, 3, 4, 10),
    at_once: int = 32,
    halfway: Callable[[], None] = lambda: None,
    seed: int = 1,
) -> Sent:
    """`bearer` gives an organisation's headers, with a token that lives two minutes. How often a key is sent is drawn
    from `repeats`. `halfway` is called once, when half of the keys have been answered."""
    chance, sent, gate, doors = random.Random(seed), Sent(), asyncio.Semaphore(at_once), itertools.cycle(urls)
    known: dict[str, tuple[float, dict[str, str]]] = {}
    limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    async with httpx.AsyncClient(timeout=60, limits=limits) as http:

        async def once(buyer: str, key: str, order: dict[str, Any]) -> httpx.Response:
            """As a careful buyer does it: whoever does not answer, or is too busy, is asked again."""
            while True:
                try:
                    async with gate:
                        if buyer not in known or time.monotonic() - known[buyer][0] > RENEWED_SECONDS:
                            known[buyer] = (time.monotonic(), bearer(buyer))
                        headers = known[buyer][1] | {"Idempotency-Key": key}
                        sent.requests += 1
                        answer = await http.post(f"{next(doors)}/call-offs", json=order, headers=headers)
                    if answer.status_code != 503 and "request-in-progress" not in answer.text:
                        return answer
                except httpx.TransportError:
                    sent.cut_off += 1
                await asyncio.sleep(0.1)

        async def every(buyer: str, key: str, order: dict[str, Any], times: int) -> None:
            answers = await asyncio.gather(*(once(buyer, key, order) for _ in range(times)))
            sent.answers[buyer, key] = {(one.status_code, one.content, one.headers["location"]) for one in answers}

        async def one(place: int, key: str, times: int, quantity: int) -> None:
            buyer, other = chance.sample(clones.BUYERS, 2)
            order = body(chance.randint(1, AGREEMENTS), quantity, key)
            await every(buyer, key, order, times)
            if place % EVERY == 0:
                await every(other, key, order, times)
                sent.misused.append((await once(buyer, key, order | {"reference": "another"})).status_code)
            if len(sent.answers) >= keys / 2 and not halved.is_set():
                halved.set()
                await asyncio.to_thread(halfway)

        halved = asyncio.Event()
        await asyncio.gather(
            *(one(place, uuid.uuid4().hex, chance.choice(repeats), chance.randint(1, 9)) for place in range(keys))
        )
    return sent


def happened_once(database: psycopg.Connection, sent: Sent) -> None:
    """Equal answers to all repeats, as many effects as keys, and not one more or less of anything that follows."""
    assert {status for one in sent.answers.values() for status, _, _ in one} == {201}
    assert max(len(one) for one in sent.answers.values()) == 1, "all repeats get one answer, byte for byte"
    assert set(sent.misused) <= {422}
    made = sent.made
    assert len(made) == len(sent.answers), "no organisation gets another's answer"
    keys = [key for _, key in sent.answers]
    kept = database.execute(
        "SELECT CAST(c.uuid AS text), c.buyer, c.reference, sum(e.reserved), count(*), "
        "(SELECT count(*) FROM letter l WHERE l.call_off_id = c.id), (SELECT count(*) FROM procrastinate_jobs j "
        "WHERE j.task_name = 'deliver_letter' AND j.args ->> 'call_off' = CAST(c.uuid AS text)) "
        "FROM calloff c LEFT JOIN entry e ON e.call_off_id = c.id WHERE c.reference = ANY(%s) GROUP BY c.id",
        [keys],
    ).fetchall()
    assert {id: value for id, _, _, value, *_ in kept} == made
    assert sorted((buyer, key) for _, buyer, key, *_ in kept) == sorted(sent.answers)
    for _, _, _, value, entries, letters, jobs in kept:
        assert (entries, letters, jobs) == (1, int(value == PRICE), int(value == PRICE))
    stored = "SELECT count(*) FROM idempotency_key WHERE key = ANY(%s) AND answer IS NOT NULL"
    assert database.execute(stored, [keys]).fetchone() == (len(sent.answers),)


_WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' "
    "AND (query LIKE 'INSERT INTO idempotency_key%' OR query LIKE 'WITH framework_agreement AS%')"
)


@contextmanager
def held_up(url: str, number: int) -> Iterator[Callable[[int], None]]:
    """Nobody gets to the end of an order under one of the agreements until the block ends. → a function that returns
    when so many requests wait, one for this, or each for the one before it with its key"""
    with psycopg.connect(url) as holder, psycopg.connect(url, autocommit=True) as watch:
        holder.execute(
            "SELECT 1 FROM balance WHERE scope = 'framework_agreement' AND subject_id = %s FOR UPDATE",
            [clones.FRAMEWORK + number],
        )

        def waiting(wanted: int) -> None:
            for _ in range(3_000):
                found = watch.execute(_WAITING).fetchone()
                if found and found[0] >= wanted:
                    return
                time.sleep(0.001)
            raise AssertionError(f"{found} wait, and {wanted} should")

        yield waiting
        holder.rollback()
