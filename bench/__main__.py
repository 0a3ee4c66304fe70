"""`make bench`: each hot operation of the real services beside its limit, on the same core, in interleaved rounds.

Core 0 has the measured process alone. Core 1 has PostgreSQL, the load generator and, for call-offs, the catalogue.
The limit of an HTTP operation is a bare FastAPI route that answers the same bytes from memory; that of placing a
call-off is pgbench running the statements that the service itself was heard to run. Medians of three rounds; a round
with an answer that was not 2xx voids its figure.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench import scenes
from bench.load import Round, wrk
from bench.world import MEASURED, OTHERS, World, await_ready, resident, serving, started
from services.chassis import db

LIMIT_PORT = 18099


@dataclass
class Row:
    name: str
    real: list[Round]
    limit: list[Round]
    beside: str
    aim: str
    megabytes: float = 0.0
    """What the measured process occupies in memory afterwards."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--seconds", type=int, default=5, help="length of a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=sorted(scenes.SCENES), default=list(scenes.SCENES))
    given = parser.parse_args()
    os.sched_setaffinity(0, {OTHERS})  # what we start inherits it: PostgreSQL, wrk
    rows: list[Row] = []
    with started() as world:
        chosen = [scenes.SCENES[name] for name in given.only]
        if any(scene.catalogue for scene in chosen):
            scenes.enlarge(world.urls)
        for scene in chosen:
            print(f"measuring: {scene.name}", flush=True)
            rows.append(_measure(scene, world, given.rounds, given.seconds))
    _print(rows)


def _measure(scene: scenes.Scene, world: World, rounds: int, seconds: int) -> Row:
    row = Row(scene.name, [], [], scene.beside, scene.aim)
    with serving(world, scene.helpers, OTHERS), serving(world, [scene.service], MEASURED) as (process,):
        request = scene.prepare(world)
        with scene.peer(world.urls) if scene.peer else _bare(request.answer) as limit_url:
            wrk(request.url, 2, request.lua(), scene.connections)
            for _ in range(rounds):
                if scene.limit:
                    row.limit.append(scene.limit(world, seconds))
                else:
                    row.limit.append(wrk(limit_url, seconds, request.plain, scene.connections))
                row.real.append(wrk(request.url, scene.seconds or seconds, request.lua(), scene.connections))
        row.megabytes = resident(process.pid)
    return row


@contextmanager
def _bare(body: bytes) -> Iterator[str]:
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        command = "bench.limit:app --host 127.0.0.1 --no-access-log --log-level warning --timeout-keep-alive 75"
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", *command.split(), "--port", str(LIMIT_PORT)],
            env=os.environ | {"LIMIT_BODY": file.name},
            cwd=db.PROJECT,
            preexec_fn=lambda: os.sched_setaffinity(0, {MEASURED}),
        )
        try:
            await_ready(f"http://127.0.0.1:{LIMIT_PORT}/limit")
            yield f"http://127.0.0.1:{LIMIT_PORT}/limit"
        finally:
            process.terminate()
            process.wait(30)


def _print(rows: list[Row]) -> None:
    print(f"\nCore {MEASURED}: the measured process. Core {OTHERS}: PostgreSQL, load generator, neighbours.\n")
    measures = ("per s", "limit per s", "ratio", "aim", "p50 ms", "p95 ms", "p99 ms", "limit p99", "spread", "MB")
    heads = ("Operation", *measures, "beside")
    print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    for row in rows:
        real, limit = _median(row.real, lambda r: r.per_second), _median(row.limit, lambda r: r.per_second)
        rates = [one.per_second for one in row.real]
        spread = (max(rates) - min(rates)) / real
        void = sum(one.refused for one in [*row.real, *row.limit])
        ratio = f"VOID ({void} refused)" if void else f"{real / limit:.2f}"
        p50 = _median(row.real, lambda r: r.p50_ms)
        p95, p99 = _median(row.real, lambda r: r.p95_ms), _median(row.real, lambda r: r.p99_ms)
        limit_p99 = _median(row.limit, lambda r: r.p99_ms)
        print(
            f"| {row.name} | {real:,.0f} | {limit:,.0f} | {ratio} | {row.aim} | {p50:.1f} | {p95:.1f} | {p99:.1f} "
            f"| {limit_p99:.1f} | ±{spread / 2:.0%} | {row.megabytes:.0f} | {row.beside} |"
        )
    print(f"\n{json.dumps({'python': sys.version.split()[0], 'cores': os.cpu_count()})}")


def _median(rounds: list[Round], of: Callable[[Round], float]) -> float:
    return statistics.median(of(one) for one in rounds)


main()
