"""`python -m bench.orders`: what an order costs when a thousand and when a million have been placed before it.

Orders placed through the service are multiplied in the database with all that follows from them: lines, events, audit
rows, feed, letters, jobs, keys and entries. The balances are the sums of those, and that is proven before anything is
measured. Each size is a database with a service of its own, asked in turn by one client.
"""

import argparse
import itertools
import os
import statistics
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg
import sqlalchemy as sa

from bench.ordering import PREFIX, QUANTITY, token
from bench.world import MEASURED, OTHERS, World, cpu_seconds, serving, started
from services.agreements.ledger import store as ledger
from services.chassis import audit, db
from tests.e2e import clones

SIZES = (1_000, 1_000_000)
AGREEMENTS = 10
BLOCK = 100_000
RENEWED_SECONDS = 45.0
PORT = 18020
TURN = 50

_FRESH = """
CREATE TEMPORARY TABLE fresh ON COMMIT DROP AS
SELECT nextval('calloff_id_seq') AS id, nextval('entry_id_seq') AS entry_id, uuidv7() AS uuid,
       nextval('call_off_number') AS number, c.id AS like_id, c.uuid AS like_uuid, e.id AS like_entry,
       CAST(gen_random_uuid() AS text) AS key, k.key AS like_key, c.buyer
  FROM generate_series(1, %(times)s), calloff c JOIN entry e ON e.call_off_id = c.id
  JOIN idempotency_key k ON k.location = '/call-offs/' || c.uuid WHERE c.id = ANY(%(like)s)
"""
_COPIES = {
    "calloff": (
        "o.id = f.like_id",
        "'id', f.id, 'uuid', f.uuid, 'number', 'AVR-2026-' || lpad(f.number::text, greatest(6, "
        "length(f.number::text)), '0')",
    ),
    "calloffline": ("o.call_off_id = f.like_id", "'call_off_id', f.id"),
    "calloffevent": ("o.call_off_id = f.like_id", "'call_off_id', f.id"),
    "letter": (
        "o.call_off_id = f.like_id",
        "'call_off_id', f.id, 'reference', replace(o.reference, f.like_uuid::text, f.uuid::text), 'status', 'received'",
    ),
    "entry": ("o.id = f.like_entry", "'id', f.entry_id, 'uuid', uuidv7(), 'call_off_id', f.id"),
    "entryline": ("o.entry_id = f.like_entry", "'entry_id', f.entry_id"),
    "idempotency_key": (
        "o.key = f.like_key AND o.organisation = f.buyer",
        "'key', f.key, 'location', '/call-offs/' || f.uuid",
    ),
    "audit": (
        "o.subject = '/call-offs/' || f.like_uuid",
        "'id', nextval(pg_get_serial_sequence('audit', 'id')), 'subject', '/call-offs/' || f.uuid",
    ),
    "event": (
        "o.subject = '/call-offs/' || f.like_uuid",
        "'id', nextval(pg_get_serial_sequence('event', 'id')), 'subject', '/call-offs/' || f.uuid, "
        "'position', nextval('event_position'), 'data', o.data || jsonb_build_object('id', f.uuid)",
    ),
    "procrastinate_jobs": (
        "o.args ->> 'call_off' = f.like_uuid::text",
        "'id', nextval('procrastinate_jobs_id_seq'), 'args', o.args || jsonb_build_object('call_off', f.uuid), "
        "'status', 'succeeded'",
    ),
}
"""By table: which rows of the order that is copied, and what is another in the copy."""
_BALANCES = """
UPDATE balance b SET reserved = b.reserved + s.reserved
  FROM (SELECT k.scope, k.subject_id, sum(e.reserved) AS reserved
          FROM fresh f JOIN entry e ON e.id = f.entry_id CROSS JOIN LATERAL (VALUES
               ('framework_agreement', e.framework_id), ('lot', e.lot_id), ('supplier', e.place_id),
               ('buyer', e.participant_id)) AS k (scope, subject_id) GROUP BY k.scope, k.subject_id) s
 WHERE b.scope = s.scope AND b.subject_id = s.subject_id AND b.item = ''
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.orders", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, help="orders placed before")
    parser.add_argument("--times", type=int, default=400, help="how often each operation is done")
    given = parser.parse_args()
    os.sched_setaffinity(0, {OTHERS})  # what we start inherits it: PostgreSQL
    with started(larger=True) as world, ExitStack() as alive:
        alive.enter_context(serving(world, ["sandbox", "catalog"], OTHERS))
        urls = _filled(world, given.sizes)
        sides = []
        for place, (size, url) in enumerate(urls.items()):
            port = {"AGREEMENTS_PORT": str(PORT + place), "AGREEMENTS_DATABASE_URL": url}
            (process,) = alive.enter_context(serving(world, ["agreements"], MEASURED, **port))
            http = alive.enter_context(httpx.Client(base_url=f"http://{world.run.host}:{PORT + place}", timeout=30))
            sides.append(Side(world, size, process.pid, http))
        _measure(sides, given.times)
    _print(sides)


@dataclass
class Side:
    """A service on a database of one size."""

    world: World
    size: int
    pid: int
    http: httpx.Client
    took: dict[str, list[float]] = field(default_factory=dict)
    """Milliseconds by operation."""
    cpu: dict[str, list[float]] = field(default_factory=dict)
    """Milliseconds of the processors by operation, service and PostgreSQL together."""
    placed: list[str] = field(default_factory=list)
    """In this turn."""
    _known: tuple[float, str] = (-1e9, "")
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def headers(self) -> dict[str, str]:
        if time.monotonic() - self._known[0] > RENEWED_SECONDS:
            self._known = time.monotonic(), token(self.world)
        return {"Authorization": f"Bearer {self._known[1]}"}

    def turn(self) -> None:
        self.placed.clear()
        self.timed("place", [""] * TURN, self.place)
        self.timed("read", self.placed, lambda id: self.http.get(f"/call-offs/{id}", headers=self.headers()))
        self.timed("newest 50", self.placed[:10], lambda _: self.http.get("/call-offs", headers=self.headers()))
        self.timed(
            "cancel",
            self.placed,
            lambda id: self.http.post(f"/call-offs/{id}/cancel", json={}, headers=self.headers()),
        )

    def place(self, _: str) -> httpx.Response:
        order = clones.order(PREFIX, next(self._numbers) % AGREEMENTS + 1, QUANTITY, "Måling")
        headers = self.headers() | {"Idempotency-Key": uuid.uuid4().hex}
        answer = self.http.post("/call-offs", json=order, headers=headers)
        self.placed.append(str(answer.json()["id"]))
        return answer

    def timed(self, what: str, ids: list[str], each: Callable[[str], httpx.Response]) -> None:
        postgres = int((self.world.run.data / "pg" / "postmaster.pid").read_text().split()[0])
        service, database = cpu_seconds(self.pid), _with_children(postgres)
        for one in ids:
            began = time.perf_counter()
            each(one).raise_for_status()
            self.took.setdefault(what, []).append((time.perf_counter() - began) * 1000)
        used = cpu_seconds(self.pid) - service + _with_children(postgres) - database
        self.cpu.setdefault(what, []).append(used / len(ids) * 1000)


def _with_children(pid: int) -> float:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return cpu_seconds(pid) + sum(cpu_seconds(int(one)) for one in children)


def _measure(sides: list[Side], times: int) -> None:
    """In turns, so that what disturbs the machine disturbs all."""
    for _ in range(20):
        for side in sides:
            side.place("")
    turns = max(1, times // TURN)
    for turn in range(1, turns + 1):
        for side in sides:
            side.turn()
        print(f"  turn {turn} of {turns}", flush=True)


def _filled(world: World, sizes: list[int]) -> dict[int, str]:
    """A database for each size, all from the same orders."""
    base = world.urls["agreements"]
    with psycopg.connect(base, autocommit=True) as database:
        clones.make(database, PREFIX, AGREEMENTS)
    with serving(world, ["agreements"], MEASURED), httpx.Client(base_url=world.run.url("agreements")) as http:
        like = []
        for buyer in clones.BUYERS:
            bearer = token(world, buyer)
            for number in range(1, AGREEMENTS + 1):
                headers = {"Authorization": f"Bearer {bearer}", "Idempotency-Key": uuid.uuid4().hex}
                order = clones.order(PREFIX, number, QUANTITY, "Måling")
                like.append(http.post("/call-offs", json=order, headers=headers).raise_for_status().json()["id"])
    with closing(db.Database(base, connections=2)) as database_:
        audit.seal(database_)
    urls = {}
    for size in sizes:
        urls[size] = base.replace("/agreements?", f"/agreements_{size}?")
        assert urls[size] != base, base
        with psycopg.connect(base.replace("/agreements?", "/postgres?"), autocommit=True) as server:
            server.execute(f"CREATE DATABASE agreements_{size} TEMPLATE agreements".encode())
        _multiply(urls[size], like, size)
        _prove(urls[size])
    return urls


def _multiply(url: str, like: list[str], size: int) -> None:
    began, left = time.monotonic(), size - len(like)
    with psycopg.connect(url, autocommit=True) as database:
        database.execute("SET synchronous_commit = off")
        ids = [row[0] for row in database.execute("SELECT id FROM calloff WHERE uuid = ANY(%s::uuid[])", [like])]
        while left > 0:
            times = max(1, min(left, BLOCK) // len(like))
            with database.transaction():
                database.execute(_FRESH, {"times": times, "like": ids})
                for table, (same, changes) in _COPIES.items():
                    database.execute(
                        f"INSERT INTO {table} SELECT r.* FROM fresh f JOIN {table} o ON {same}, LATERAL "
                        f"jsonb_populate_record(o, jsonb_build_object({changes})) r".encode()
                    )
                database.execute(_BALANCES)
            left -= times * len(like)
            print(f"  {size - max(left, 0):,} orders after {time.monotonic() - began:.0f} s", flush=True)
        database.execute("VACUUM ANALYZE")
        database.execute("CHECKPOINT")


def _prove(url: str) -> None:
    with closing(db.Database(url, connections=1)) as agreements, agreements.reading() as reader:
        reader.execute(sa.text("SET statement_timeout = 0"))
        wrong = ledger.unproven(reader)
        kept = reader.execute(sa.text("SELECT count(*), (SELECT count(*) FROM entry) FROM calloff")).one()
    if wrong:
        raise SystemExit(f"bench: these balances are not the sums of their entries: {wrong}")
    print(f"  proven: every balance is the sum of its entries ({kept[0]:,} call-offs, {kept[1]:,} entries)", flush=True)


def _print(sides: list[Side]) -> None:
    print(f"\nOne client. Core {MEASURED}: the services. Core {OTHERS}: PostgreSQL, catalogue, client.\n")
    print("| Operation | orders before | p50 ms | p95 ms | grew | CPU ms (service + PostgreSQL) | grew |")
    print("|---|---|---|---|---|---|---|")
    for what, first in sides[0].took.items():
        for side in sides:
            p50, p95 = statistics.median(side.took[what]), statistics.quantiles(side.took[what], n=20)[18]
            cpu = statistics.median(side.cpu[what])
            grew, more = p50 / statistics.median(first), cpu / statistics.median(sides[0].cpu[what])
            print(f"| {what} | {side.size:,} | {p50:.1f} | {p95:.1f} | {grew:.2f} | {cpu:.1f} | {more:.2f} |")


if __name__ == "__main__":
    main()
