"""A bad day at SvarUT, for a few letters or many: workers in processes of their own, killed and started again."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from services.chassis import db
from tests.integration.conftest import SENDING
from tests.sandbox.running import RunningSandbox

WORKERS = 2
LAG_SECONDS, SETTLE_SECONDS, PATIENCE_SECONDS = 2.0, 4.0, 1.0
REFUSAL = json.dumps({"status": 400, "message": "Ugyldig innhold: passord", "errorId": "1", "timestamp": 1})
CALLS = "/api/"
FAULTS: Sequence[dict[str, Any]] = (
    {"kind": "lagging_lookup", "method": "GET", "seconds": LAG_SECONDS},
    {"kind": "drop_after", "share": 0.06},
    {"kind": "drop_before", "share": 0.05},
    {"kind": "delay", "moment": "after", "seconds": 1.5, "share": 0.05},
    {"kind": "truncated", "share": 0.05},
    {"kind": "empty_body", "share": 0.05},
    {"kind": "status", "status": 503, "share": 0.06},
    {"kind": "status", "status": 500, "body": "{}", "content_type": "application/json", "share": 0.06},
    {"kind": "status", "status": 404, "share": 0.03},
    {
        "kind": "status",
        "status": 400,
        "body": REFUSAL,
        "content_type": "application/json",
        "share": 0.1,
        "times": 5,
        "path_prefix": SENDING,
    },
)
"""Four calls in ten, each of what is left by the ones before; and five letters that SvarUT refuses."""


def arrange(sandbox: RunningSandbox, outages: Sequence[tuple[float, float]]) -> None:
    """`outages`: (seconds until it begins, seconds that it lasts)."""
    for begins, lasts in outages:
        sandbox.fault(
            stand_in="svarut",
            path_prefix=CALLS,
            kind="status",
            status=503,
            times=1_000_000,
            begins_after=begins,
            lasts=lasts,
        )
    for fault in FAULTS:
        sandbox.fault(**{"stand_in": "svarut", "path_prefix": CALLS, "times": 1_000_000} | fault)


def environment(url: str, sandbox: RunningSandbox, **more: Any) -> dict[str, str]:
    values = {
        "database_url": url,
        "svarut_url": sandbox.svarut_url,
        "maskinporten_issuer": sandbox.issuer,
        "maskinporten_token_url": f"{sandbox.maskinporten_url}/token",
        "key_file": sandbox.keys_folder / "integration-service.json",
        "svarut_read_seconds": PATIENCE_SECONDS,
        "svarut_settle_seconds": SETTLE_SECONDS,
        "svarut_longest_wait_seconds": 1,
        "svarut_longest_pause_seconds": 0.5,
        "svarut_attempts": 1000,
        "status_every_seconds": 5,
        "workers": 8,
    } | more
    ours = {f"INTEGRATION_{name.upper()}": str(value) for name, value in values.items()}
    return {name: value for name, value in os.environ.items() if not name.startswith("SAMVIRKE_")} | ours


class Workers:
    """Each named point kills one; `at_random` more are killed from outside. Whoever dies is followed by another."""

    def __init__(
        self, environment: Mapping[str, str], points: Sequence[str], *, after: int, log: Path, arguments: Sequence[str]
    ) -> None:
        self._environment, self._log, self._arguments = dict(environment), log, list(arguments)
        self._points, self._after = list(points), after
        self._running: list[subprocess.Popen[bytes]] = []
        self.killed = 0

    def start(self) -> None:
        while len(self._running) < WORKERS:
            dies = ["--at", self._points.pop(0), "--after", str(self._after)] if self._points else []
            with self._log.open("ab") as told:
                self._running.append(
                    subprocess.Popen(
                        [sys.executable, "-m", "tests.integration.dying", *dies, *self._arguments],
                        env=self._environment,
                        cwd=db.PROJECT,
                        stdout=told,
                        stderr=told,
                    )
                )

    def look(self, *, kill: bool = False) -> None:
        """Start again who has died, and kill one if asked."""
        if kill:
            random.choice(self._running).send_signal(signal.SIGKILL)
        for one in list(self._running):
            if one.poll() is not None:
                assert one.returncode == -signal.SIGKILL, self._log.read_text()[-3000:]
                self.killed += 1
                self._running.remove(one)
        self.start()

    @property
    def armed(self) -> int:
        return len(self._points)

    def stop(self) -> None:
        for one in self._running:
            one.kill()
            one.wait()


@contextmanager
def working(
    environment: Mapping[str, str],
    log: Path,
    points: Sequence[str] = (),
    *,
    after: int = 10,
    arguments: Sequence[str] = (),
) -> Iterator[Workers]:
    workers = Workers(environment, points, after=after, log=log, arguments=arguments)
    workers.start()
    try:
        yield workers
    finally:
        workers.stop()


def states(rows: psycopg.Connection) -> Counter[str]:
    return Counter(dict(rows.execute("SELECT state, count(*) FROM dispatch GROUP BY state").fetchall()))


def wait_until_left(
    rows: psycopg.Connection, workers: Workers, number: int, *, seconds: float, kill_at: Sequence[int]
) -> None:
    """Until all that can be known is: only letters are left in the queue that SvarUT was silent about, and which wait
    for a later one. One worker is killed whenever so many letters have left the queue, and all named points are met."""
    deadline, kills = time.monotonic() + seconds, sorted(kill_at)
    while True:
        found = states(rows)
        left = found.total() - found["queued"]
        kill = bool(kills) and left >= kills[0]
        if kill:
            kills.pop(0)
        workers.look(kill=kill)
        if not kills and found["queued"] <= silent(rows):
            return
        assert time.monotonic() < deadline, found
        time.sleep(0.2)


def silent(rows: psycopg.Connection) -> int:
    query = (
        "SELECT count(*) FROM dispatch d WHERE state = 'queued' AND (SELECT verdict FROM attempt "
        "WHERE dispatch_id = d.id ORDER BY number DESC LIMIT 1) = 'uncertain'"
    )
    return int(rows.execute(query).fetchone()[0])  # type: ignore[index]  # a count is one row


def wait_until_done(rows: psycopg.Connection, workers: Workers, *, seconds: float) -> None:
    """Until nothing is queued any more."""
    deadline = time.monotonic() + seconds
    while queued := states(rows)["queued"]:
        workers.look()
        assert time.monotonic() < deadline, queued
        time.sleep(0.2)


def check(rows: psycopg.Connection, sandbox_rows: psycopg.Connection) -> Counter[str]:
    """Every letter is at SvarUT exactly once, under the id that we know, or has failed with SvarUT's own reason and is
    not there. → how many of each"""
    arrived: dict[str, list[str]] = {}
    for reference, id in sandbox_rows.execute("SELECT external_reference, letter_id::text FROM svarut_letter"):
        arrived.setdefault(reference, []).append(id)
    ends: Counter[str] = Counter()
    for reference, state, external_id, detail in rows.execute(
        "SELECT external_reference, state, external_id, detail FROM dispatch"
    ):
        there = arrived.get(reference, [])
        if state == "failed" and not there:
            assert "Ugyldig innhold: passord" in detail, (reference, detail)
            ends["refused"] += 1
        else:
            assert there == [external_id], (reference, state, external_id, there, detail)
            ends["arrived"] += 1
    return ends
