"""The whole system, started as a user starts it: `python -m services run`, in processes of their own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import psycopg

from services import access
from services.chassis import db
from services.settings import RunSettings
from tests.memory import folder_in_memory

BRONNOY = "964983291"
PORTS = (
    *("catalog", "agreements", "integration", "control", "maskinporten"),
    *("idporten", "ansattporten", "svarut", "enhetsregisteret", "self_service"),
)
START_SECONDS, STOP_SECONDS = 300, 60


class System:
    """One running system with its own ports and data folder. `settings` become SAMVIRKE_* variables."""

    def __init__(self, **settings: str) -> None:
        self.folder = folder_in_memory("sve")
        free = free_ports(len(PORTS))
        ports = {f"{name}_port": str(port) for name, port in zip(PORTS, free, strict=True)}
        given = {"data": str(self.folder / "d"), **ports, **settings}
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("SAMVIRKE_")} | {
            f"SAMVIRKE_{name.upper()}": value for name, value in given.items()
        }
        self.run = RunSettings.model_validate(given)
        self.lines: list[str] = []

    def __enter__(self) -> "System":
        self.lines.clear()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "services", "run"],
            env=self.environment,
            cwd=db.PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        deadline = time.monotonic() + START_SECONDS
        while "Samvirke is ready." not in self.lines:
            if self.process.poll() is not None or time.monotonic() > deadline:
                said = "\n".join(self.lines)
                self.stop()
                raise AssertionError(f"the system did not get ready:\n{said}\n{self.logs()}")
            time.sleep(0.1)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> int:
        """Ctrl-C. → its exit code"""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        code = self.process.wait(STOP_SECONDS)
        self._reader.join(5)
        assert self.process.stdout
        self.process.stdout.close()
        return code

    def remove(self) -> None:
        """Take its data away; it cannot be started again."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, name: str) -> str:
        return self.run.url(name)

    def bearer(self, *scopes: str, organisation: str = BRONNOY) -> dict[str, str]:
        """Headers with a token from the running sandbox, through the real grant."""
        return {"Authorization": f"Bearer {access.token(self.run, organisation, *scopes)}"}

    def pid(self, name: str) -> int:
        return int(json.loads((self.folder / "d" / "processes.json").read_text())[name])

    def database(self, name: str) -> psycopg.Connection:
        return psycopg.connect(self.database_url(name), autocommit=True)

    def database_url(self, name: str) -> str:
        environ = Path(f"/proc/{self.pid(name)}/environ").read_bytes().split(b"\0")
        prefix = f"{name.upper()}_DATABASE_URL=".encode()
        (url,) = [value.removeprefix(prefix) for value in environ if value.startswith(prefix)]
        return url.decode()

    def done(self) -> int:
        """How many jobs the workers of letters have done so far."""
        done = 0
        for name in ("agreements", "integration"):
            with self.database(name) as database:
                query = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'succeeded'"
                done += sum(count for (count,) in database.execute(query))
        return done

    def letters(self) -> list[dict[str, Any]]:
        """What the sandbox's SvarUT has received."""
        items: list[dict[str, Any]] = httpx.get(
            f"{self.url('control')}/_sandbox/svarut/letters", params={"limit": 10_000}
        ).json()["items"]
        return items

    def logs(self) -> str:
        found = sorted((self.folder / "d" / "logs").glob("*.log"))
        return "\n".join(f"--- {path.name}\n{path.read_text()[-3000:]}" for path in found)

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))


def free_ports(number: int, host: str = "127.0.0.1") -> list[int]:
    """Ports that nobody uses now; all held until all are found, so that none comes twice."""
    held = [socket.socket() for _ in range(number)]
    for one in held:
        one.bind((host, 0))
    ports = [int(one.getsockname()[1]) for one in held]
    for one in held:
        one.close()
    return ports
