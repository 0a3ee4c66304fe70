"""The real services for a measurement: their databases, their settings, their processes on chosen cores."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg

from services import running
from services.chassis import db
from services.chassis.embedded import start
from services.settings import DATABASES, RunSettings, adopt, environment

MEASURED, OTHERS = 0, 1
"""Cores."""
SECOND_PORT = 18004


@dataclass(frozen=True)
class World:
    """The running system: settings, databases, environment of its processes."""

    run: RunSettings
    urls: dict[str, str]
    values: dict[str, str]


@contextmanager
def started(*, larger: bool = False) -> Iterator[World]:
    """Migrated and seeded databases in a PostgreSQL of the measurement's own; `larger`: with memory for a million
    orders."""
    with tempfile.TemporaryDirectory(prefix="svb") as folder:
        os.chmod(folder, 0o755)  # PostgreSQL must reach its data through it
        run = RunSettings(
            data=Path(folder) / "d",
            catalog_port=18001,
            agreements_port=18002,
            integration_port=18003,
            control_port=18090,
            maskinporten_port=18091,
            idporten_port=18092,
            ansattporten_port=18093,
            svarut_port=18094,
            enhetsregisteret_port=18096,
            self_service_port=18097,
        )
        before = dict(os.environ)
        server = start(Path(folder) / "d" / "pg")
        try:
            if larger:
                with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
                    connection.execute("ALTER SYSTEM SET shared_buffers = '2GB'")
                    connection.execute("ALTER SYSTEM SET max_wal_size = '8GB'")
                server.stop()
                server = start(Path(folder) / "d" / "pg")
            urls = {name: server.create(name) for name in DATABASES}
            values = environment(run, urls)
            adopt(values)
            running.migrate(urls, print)
            running.seed(urls, lambda line: None, made_up=True)
            yield World(run, urls, values)
        finally:
            server.stop()
            os.environ.clear()  # the next world's databases are others
            os.environ.update(before)


@contextmanager
def serving(
    world: World, services: Sequence[str], core: int | None, **changed: str
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Services in processes of their own, on one core or wherever there is room, until the block ends."""
    processes: list[subprocess.Popen[bytes]] = []
    values = world.values | changed
    pinned = (lambda: os.sched_setaffinity(0, {core})) if core is not None else _anywhere
    for name in services:
        processes.append(
            subprocess.Popen(
                [sys.executable, "-m", "services", "serve", name],
                env=values,
                cwd=db.PROJECT,
                stdout=subprocess.DEVNULL,
                preexec_fn=pinned,
            )
        )
    try:
        for name in services:
            port = int(values.get(f"{name.upper()}_PORT", world.run.ports["control"]))
            await_ready(f"http://{world.run.host}:{port}/health/ready")
        yield processes
    finally:
        for process in processes:
            process.terminate()
            process.wait(30)


def _anywhere() -> None:
    os.sched_setaffinity(0, range(os.cpu_count() or 1))


def await_ready(url: str) -> None:
    for _ in range(600):
        with suppress(httpx.TransportError):
            if httpx.get(url).status_code == 200:
                return
        time.sleep(0.1)
    raise SystemExit(f"bench: {url} does not get ready.")


def resident(pid: int) -> float:
    """Megabytes of memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


def cpu_seconds(pid: int) -> float:
    """What a process has used of the processors so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
