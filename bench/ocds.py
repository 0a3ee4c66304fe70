"""`python -m bench.ocds`: open data of 10,000 call-offs: how long they take to be published, to be streamed and to be
reviewed, and how much memory the service takes for it.

The call-offs are copies of the seed data's, in its states. The service is a process of its own; its memory is the most
that it ever had resident (VmHWM), just after it has started and after each package.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
from alembic import command

from services.agreements import seed
from services.agreements.releases import rules, store
from services.agreements.sealing.store import SealingKey
from services.chassis import db
from services.chassis.embedded import start
from tests.agreements import review

PORT = 18012
COPY = """
CREATE TEMP TABLE made AS
    SELECT c.id AS old, nextval(pg_get_serial_sequence('calloff', 'id')) AS new, gen_random_uuid() AS uuid, n
      FROM generate_series(1, %(times)s) AS n, calloff c
     WHERE c.cost_key IS NULL AND EXISTS (SELECT 1 FROM letter l WHERE l.call_off_id = c.id AND l.kind = 'order');
"""
KEYS = {
    "calloff": {
        "id": "m.new",
        "uuid": "m.uuid",
        "number": "'AVR-2030-' || lpad(m.new::text, 6, '0')",
        "reserved": "0",
        "posted": "0",
    },
    "calloffline": {"call_off_id": "m.new"},
    "calloffevent": {"call_off_id": "m.new"},
    "calloffversion": {"call_off_id": "m.new"},
    "letter": {"call_off_id": "m.new", "reference": "m.uuid || '-' || t.kind || '-' || t.order_version", "pdf": "NULL"},
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.ocds", description=__doc__)
    parser.add_argument("--call-offs", type=int, default=10_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="svo") as folder:
        os.chmod(folder, 0o755)  # PostgreSQL must reach its data through it
        server = start(Path(folder) / "pg")
        try:
            url = server.create("agreements_open")
            _fill(url, given.call_offs, Path(folder) / "keys" / "sealing.json")
            with _serving(url) as (client, process):
                print(f"resident after the start: {_resident(process):.0f} MB")
                releases = _measure(client, process, "/ocds/releases.json", Path(folder) / "package.json")
                _measure(client, process, "/ocds/records.json", Path(folder) / "package.json")
                _review(client, releases, Path(folder) / "review")
        finally:
            server.stop()


def _fill(url: str, call_offs: int, key_file: Path) -> None:
    config = db.migrations("agreements")
    config.attributes["url"] = url
    command.upgrade(config, "head")
    database = db.Database(url, connections=2)
    sealing = SealingKey(key_file, production=False)
    sealing.first()
    seed.load(database, tell=lambda line: None, sealing_key=sealing)
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")  # copies need no trigger
        ((each,),) = connection.execute(
            "SELECT count(*) FROM calloff c WHERE c.cost_key IS NULL AND EXISTS "
            "(SELECT 1 FROM letter l WHERE l.call_off_id = c.id AND l.kind = 'order')"
        ).fetchall()
        connection.execute(COPY % {"times": -(-call_offs // each)})
        connection.execute("DELETE FROM made WHERE (n, old) NOT IN (SELECT n, old FROM made LIMIT %s)", [call_offs])
        for table, changed in KEYS.items():
            columns = connection.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table]
            ).fetchall()
            names = [name for (name,) in columns]
            values = ", ".join(changed.get(name, f't."{name}"') for name in names)
            key = "id" if table == "calloff" else "call_off_id"
            into = ", ".join(f'"{name}"' for name in names)
            connection.execute(
                f"INSERT INTO {table} ({into}) SELECT {values} FROM {table} t JOIN made m ON m.old = t.{key}"
            )
        connection.execute(
            "INSERT INTO event (type, subject, data) SELECT 'copied', '/call-offs/' || uuid, '{}' FROM made"
        )
    began = time.monotonic()
    store.publish_all(database, rules.UNREGISTERED)
    took = time.monotonic() - began
    database.close()
    print(f"{call_offs:,} call-offs published in {took:.0f} s, {call_offs / took:.0f} a second", flush=True)


@contextmanager
def _serving(url: str) -> Iterator[tuple[httpx.Client, int]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "services", "serve", "agreements"],
        env=os.environ | {"AGREEMENTS_DATABASE_URL": url, "AGREEMENTS_PORT": str(PORT)},
        cwd=db.PROJECT,
        stdout=subprocess.DEVNULL,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{PORT}", timeout=120) as client:
            for _ in range(600):
                try:
                    if client.get("/health/ready").status_code == 200:
                        break
                except httpx.TransportError:
                    time.sleep(0.1)
            yield client, process.pid
    finally:
        process.terminate()
        process.wait(30)


def _resident(process: int) -> float:
    """The most that it ever had, in MB."""
    status = Path(f"/proc/{process}/status").read_text()
    (line,) = (one for one in status.splitlines() if one.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _measure(client: httpx.Client, process: int, path: str, file: Path) -> dict[str, Any]:
    """→ the package"""
    before, began, first = _resident(process), time.monotonic(), 0.0
    with client.stream("GET", path) as answer, file.open("wb") as kept:
        for piece in answer.iter_bytes():
            first = first or time.monotonic() - began
            kept.write(piece)
    took, after = time.monotonic() - began, _resident(process)
    package: dict[str, Any] = json.loads(file.read_bytes())
    things = len(package.get("releases") or package["records"])
    size = file.stat().st_size / 1e6
    print(
        f"{path}: {things:,} in {size:.0f} MB, first byte after {first * 1000:.0f} ms, all after {took:.1f} s; "
        f"resident at most {after:.0f} MB, {after - before:+.0f} MB",
        flush=True,
    )
    return package


def _review(client: httpx.Client, package: dict[str, Any], folder: Path) -> None:
    """By the standard's own library, as the tests do it, without a network."""
    folder.mkdir()
    began = time.monotonic()
    with review.reviewing(folder, client) as library:
        findings = library.findings(package)
    print(f"libcoveocds: {findings or 'no finding'}, in {time.monotonic() - began:.0f} s", flush=True)
    if findings:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
