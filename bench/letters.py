"""`python -m bench.letters`: how fast the worker hands letters over beside the bare adapter in a loop, on the same
core; what 100,000 queued letters cost it, how long an urgent one waits then, and when a killed worker's letter goes on.

Core 0 has the measured process alone, core 1 PostgreSQL and the sandbox's SvarUT. The load average is printed beside
the figures: on a machine that others use they are worth less.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psycopg

from bench.world import MEASURED, OTHERS, World, resident, serving, started
from services.chassis import db
from services.chassis.db import Database
from services.chassis.values import seed_id
from services.integration import jobs
from services.integration.dispatches import store
from services.integration.dispatches.rules import Priority
from services.integration.dispatches.shapes import BRONNOY, EXAMPLE_PDF
from services.integration.settings import Settings
from services.integration.svarut_client import File, Letter

PDF = EXAMPLE_PDF + b"%" * 60_000
"""As large as an order's letter."""
URGENT = 10
_FILL = """
WITH made AS (
    INSERT INTO dispatch (uuid, organisation, reference, external_reference, recipient_number, recipient_name,
        channel, priority, when_unread, title, content_sha256, state, version, failures, created_at, changed_at,
        queued_at)
    SELECT gen_random_uuid(), %(organisation)s, 'bench-' || n, 'bench-' || n, '100000016', 'Fjordvakt',
        'svarut_digital', 'normal', 'notice', 'Brev ' || n, sha256(n::text::bytea), 'queued', 1, 0, now(), now(), now()
    FROM generate_series(%(first)s::int, %(last)s::int) AS n RETURNING id, uuid
), documents AS (
    INSERT INTO dispatch_document (dispatch_id, position, filename, media_type, size, sha256, content)
    SELECT id, 1, 'brev.pdf', 'application/pdf', %(size)s, '', %(pdf)s FROM made
), events AS (
    INSERT INTO dispatch_event (dispatch_id, version, state, occurred_at) SELECT id, 1, 'queued', now() FROM made
)
INSERT INTO procrastinate_jobs (queue_name, task_name, priority, args)
SELECT 'default', 'send_letter', 0, jsonb_build_object('dispatch', uuid) FROM made ORDER BY id
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.letters", description=__doc__)
    parser.add_argument("--letters", type=int, default=1_500, help="handed over by the engine, and by the bare adapter")
    parser.add_argument("--queued", type=int, default=100_000)
    given = parser.parse_args()
    os.sched_setaffinity(0, {OTHERS})
    with (
        started() as world,
        serving(world, ["sandbox"], OTHERS),
        psycopg.connect(world.urls["integration"], autocommit=True) as rows,
    ):
        rows.execute("SET statement_timeout = 0")
        bare = _bare(given.letters)
        engine = _engine(world, rows, given.letters)
        print(f"bare adapter in a loop {bare:.0f} letters/s, engine {engine:.0f}: {engine / bare:.2f}  {_load()}")
        _queue(world, rows, given.letters, given.queued)
        _killed(world, rows)


def _load() -> str:
    return f"(load average {os.getloadavg()[0]:.1f})"


def _bare(letters: int) -> float:
    """Letters a second, one after the other."""
    svarut = jobs.new_svarut(Settings())
    os.sched_setaffinity(0, {MEASURED})
    began = time.monotonic()
    for number in range(letters):
        file = File("brev.pdf", "application/pdf", PDF)
        answer = svarut.send(Letter(f"bare-{number}", f"Brev uten kø {number}", "100000016", "Fjordvakt", [file]))
        assert answer.id, answer
    seconds = time.monotonic() - began
    os.sched_setaffinity(0, {OTHERS})
    svarut.close()
    return letters / seconds


def _fill(rows: psycopg.Connection, first: int, number: int, pdf: bytes = PDF) -> None:
    for start in range(first, first + number, 5_000):
        last = min(start + 5_000, first + number) - 1
        told = {"organisation": BRONNOY, "first": start, "last": last, "size": len(pdf), "pdf": pdf}
        rows.execute(_FILL, told)
    rows.execute("ANALYZE")


@contextmanager
def _working(world: World) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "services", "work", "integration"],
        env=world.values,
        cwd=db.PROJECT,
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, {MEASURED}),
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _handed_over(rows: psycopg.Connection) -> int:
    return int(_one(rows, "SELECT count(*) FROM dispatch WHERE reference LIKE 'bench-%' AND external_id IS NOT NULL"))


def _one(rows: psycopg.Connection, sql: str, *values: object) -> float:
    found = rows.execute(sql, values or None).fetchone()
    assert found
    return float(found[0] or 0)


def _engine(world: World, rows: psycopg.Connection, letters: int) -> float:
    """Letters a second, from a full queue; the first tenth, while it starts, is not counted."""
    _fill(rows, 0, letters)
    with _working(world):
        while _handed_over(rows) < letters:
            time.sleep(0.2)
    sql = (
        "SELECT count(*) / extract(epoch FROM max(handed_over_at) - min(handed_over_at)) FROM "
        "(SELECT handed_over_at FROM dispatch WHERE reference LIKE 'bench-%%' ORDER BY handed_over_at OFFSET %s) AS x"
    )
    return _one(rows, sql, letters // 10)


def _queue(world: World, rows: psycopg.Connection, first: int, queued: int) -> None:
    _fill(rows, first, queued, EXAMPLE_PDF)  # six gigabytes would be too many
    database = Database(world.urls["integration"], connections=1)
    most, waits = 0.0, []
    with _working(world) as worker:
        while _handed_over(rows) < first + 200:
            time.sleep(0.2)
        for number in range(URGENT):
            new = store.NewLetter(
                f"haster-{number}",
                "100000016",
                "Fjordvakt",
                f"Haster {number}",
                [("brev.pdf", "application/pdf", PDF)],
                priority=Priority.URGENT,
            )
            with database.writing() as session:
                row, _ = store.add(session, None, BRONNOY, new)
                store.enqueue(session, row)
                id = row.id
            while not _one(rows, "SELECT count(handed_over_at) FROM dispatch WHERE id = %s", id):
                time.sleep(0.05)
                most = max(most, resident(worker.pid))
            waits.append(
                _one(rows, "SELECT extract(epoch FROM handed_over_at - queued_at) FROM dispatch WHERE id = %s", id)
            )
    database.close()
    left = _one(rows, "SELECT count(*) FROM dispatch WHERE state = 'queued'")
    print(
        f"{queued:,} queued ({left:,.0f} left): worker {most:.0f} MB at most, urgent letters waited "
        f"{statistics.median(waits):.2f} s, {max(waits):.2f} s at most  {_load()}"
    )


def _killed(world: World, rows: psycopg.Connection) -> None:
    """The worker is killed while SvarUT has a letter in hand; the next one is started at once."""
    control = f"{world.run.url('control')}/_sandbox/faults"
    path = f"/api/v3/kontoer/{seed_id('svarut-konto')}/forsendelser/organisasjon"
    fault = {"stand_in": "svarut", "kind": "hang", "moment": "before", "seconds": 60, "path_prefix": path, "times": 1}
    httpx.post(control, json=fault).raise_for_status()
    with _working(world):
        while httpx.get(control).json()["items"]:
            time.sleep(0.1)
        id = _one(rows, "SELECT dispatch_id FROM attempt WHERE finished_at IS NULL ORDER BY started_at LIMIT 1")
    began = time.monotonic()
    with _working(world):
        while not _one(rows, "SELECT count(*) FROM attempt WHERE dispatch_id = %s AND verdict = 'lost'", id):
            time.sleep(0.1)
        again = time.monotonic() - began
        while not _one(rows, "SELECT count(external_id) FROM dispatch WHERE id = %s", id):
            time.sleep(0.1)
    print(
        f"killed: the job ran again after {again:.0f} s, handed over after {time.monotonic() - began:.0f} s  {_load()}"
    )


if __name__ == "__main__":
    main()
