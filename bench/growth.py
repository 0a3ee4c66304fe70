"""`python -m bench.growth`: how a search grows from 1,000 to 100,000 components, and what its bound costs in order.

Core 0 has the catalogue alone, core 1 PostgreSQL and whoever asks, one question after the other over HTTP. The order is
compared with the exact one: every match classed and sorted in one statement without any bound.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import sqlalchemy as sa
from sqlmodel import Session

from bench import words
from services.catalog.search import store
from services.catalog.search.store import HERE, Asked, Narrowed
from services.chassis import clock, db
from services.chassis.embedded import start

MEASURED, OTHERS = 0, 1
PORT = 18011
SIZES = (1_000, 10_000, 100_000)
QUESTIONS = {"rare": words.RARE, "medium": words.MEDIUM, "common": words.FREQUENT, "common, not in names": "kommune"}
TOP = 20


@dataclass
class Row:
    kind: str
    size: int
    matches: int
    milliseconds: list[float]
    facets: list[float]
    overlap: float

    def quantile(self, share: float) -> float:
        return statistics.quantiles(self.milliseconds, n=100, method="inclusive")[round(share * 100) - 1]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("--times", type=int, default=400, help="how often each question is asked")
    given = parser.parse_args()
    os.sched_setaffinity(0, {OTHERS})  # what we start inherits it: PostgreSQL
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="svg") as folder:
        os.chmod(folder, 0o755)  # PostgreSQL must reach its data through it
        server = start(Path(folder) / "pg")
        try:
            for size in SIZES:
                url = server.create(f"catalog_{size}")
                _fill(url, size)
                with _serving(url) as client:
                    rows += [_measure(client, url, size, kind, q, given.times) for kind, q in QUESTIONS.items()]
        finally:
            server.stop()
    _print(rows)


def _fill(url: str, size: int) -> None:
    from alembic import command

    config = db.migrations("catalog")
    config.attributes["url"] = url
    command.upgrade(config, "head")
    began = time.monotonic()
    database = db.Database(url, connections=1)
    with database.writing() as session:
        store.rebuild(session, words.entries(size))
    database.close()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    print(f"{size:,} components loaded in {time.monotonic() - began:.0f} s", flush=True)


@contextmanager
def _serving(url: str) -> Iterator[httpx.Client]:
    process = subprocess.Popen(
        [sys.executable, "-m", "services", "serve", "catalog"],
        env=os.environ | {"CATALOG_DATABASE_URL": url, "CATALOG_PORT": str(PORT)},
        cwd=db.PROJECT,
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, {MEASURED}),
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{PORT}") as client:
            for _ in range(300):
                try:
                    if client.get("/health/ready").status_code == 200:
                        break
                except httpx.TransportError:
                    time.sleep(0.1)
            yield client
    finally:
        process.terminate()
        process.wait(30)


def _measure(client: httpx.Client, url: str, size: int, kind: str, q: str, times: int) -> Row:
    for _ in range(20):
        client.get("/search", params={"q": q})
    took = [_timed(client, "/search", q) for _ in range(times)]
    facets = [_timed(client, "/search/facets", q) for _ in range(max(10, times // 20))]
    total = client.get("/search/facets", params={"q": q}).json()["total"]
    shown = [one["path"] for one in client.get("/search", params={"q": q, "limit": TOP}).json()["items"]]
    database = db.Database(url, connections=1)
    with database.reading() as reader:
        best = exact(reader, q)
    database.close()
    return Row(kind, size, total, took, facets, len(set(shown) & set(best)) / max(1, len(best)))


def _timed(client: httpx.Client, path: str, q: str) -> float:
    began = time.perf_counter()
    client.get(path, params={"q": q}).raise_for_status()
    return (time.perf_counter() - began) * 1000


def exact(session: Session, q: str) -> list[str]:
    """The best as they would be if every match were classed and sorted."""
    asked = Asked.of(session, q)
    classed = sa.case(*((sa.and_(*conditions), int(match)) for match, conditions in asked.stages()))
    query = sa.select(HERE.path).where(*store.narrowing(Narrowed(clock.today())), classed.is_not(None))
    query = query.order_by(classed, HERE.behind, HERE.sort_key, HERE.path).limit(TOP)
    return list(session.execute(query).scalars())


def _print(rows: list[Row]) -> None:
    print(
        f"\nOne question after the other. Core {MEASURED}: the catalogue. Core {OTHERS}: PostgreSQL and whoever asks.\n"
    )
    print(
        f"| Word | components | matches | p50 ms | p95 ms | p99 ms | p99 / p50 | grew | facets p95 ms | overlap@{TOP} |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    first = {row.kind: row.quantile(0.5) for row in rows if row.size == SIZES[0]}
    for row in sorted(rows, key=lambda one: (list(QUESTIONS).index(one.kind), one.size)):
        p50, p95, p99 = (row.quantile(share) for share in (0.5, 0.95, 0.99))
        facets = statistics.quantiles(row.facets, n=20, method="inclusive")[18]
        print(
            f"| {row.kind} | {row.size:,} | {row.matches:,} | {p50:.1f} | {p95:.1f} | {p99:.1f} | {p99 / p50:.1f} "
            f"| {p50 / first[row.kind]:.1f}× | {facets:.1f} | {row.overlap:.2f} |"
        )


if __name__ == "__main__":
    main()
