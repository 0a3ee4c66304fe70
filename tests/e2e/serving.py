"""A further process beside the running system, on its databases and behind a port of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from services.chassis import db
from tests.e2e.system import System, free_ports


@contextmanager
def beside(system: System, *module: str) -> Iterator[str]:
    """`beside(system, "services", "serve", "agreements")` → its URL, once it answers."""
    environ = dict(
        pair.split("=", 1)
        for pair in Path(f"/proc/{system.pid('agreements')}/environ").read_bytes().decode().split("\0")
        if "=" in pair
    )
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", *module],
        env=os.environ | environ | {"AGREEMENTS_PORT": str(port)},
        cwd=db.PROJECT,
        stdout=subprocess.DEVNULL,
    )
    try:
        for _ in range(300):
            try:
                if httpx.get(f"{url}/health/live").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(20)
