"""Starts everything on one machine, keeps it running, and stops it cleanly: what `make run` does."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import httpx
import psycopg
from alembic import command
from sqlalchemy.exc import OperationalError

from services.chassis import clock, db, embedded
from services.chassis.settings import Environment
from services.settings import DATABASES, RunSettings, adopt, environment, given_databases

if TYPE_CHECKING:
    from services.agreements.sealing.store import SealingKey
    from services.catalog.signing_keys.store import Keyring

READY_SECONDS = 60.0
RESTARTS_A_MINUTE = 5
Tell = Callable[[str], None]


class CannotStart(Exception):
    """Told to the user as one plain sentence."""


@dataclass
class Process:
    """One child: what it is called, how it is started, and how often it had to be."""

    name: str
    arguments: list[str]
    ready: Callable[[], bool]
    running: subprocess.Popen[bytes] | None = None
    started: list[float] = field(default_factory=list)


class Running:
    """All processes, in the order in which they start; they stop in the opposite one."""

    def __init__(self, run: RunSettings, values: dict[str, str], tell: Tell) -> None:
        self._run, self._values, self._tell = run, values, tell
        self._stopping = False
        self.processes = [
            self._service("sandbox", "control"),
            self._service("catalog", "catalog"),
            self._service("integration", "integration"),
            self._service("agreements", "agreements"),
            self._worker("catalog"),
            self._worker("integration"),
            self._worker("agreements"),
        ]

    def start(self) -> None:
        for process in self.processes:
            self._start(process)
        deadline = time.monotonic() + READY_SECONDS
        for process in self.processes:
            while not process.ready():
                assert process.running
                if process.running.poll() is not None:
                    raise self._failed(process, "ended at once")
                if time.monotonic() > deadline:
                    raise self._failed(process, f"is not ready after {READY_SECONDS:.0f} s")
                time.sleep(0.1)
            self._tell(f"  ready: {process.name}")

    def watch(self) -> None:
        """Return when asked to stop; until then, start again whatever ends."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop_wanted)
        while not self._stopping:
            time.sleep(0.3)
            for process in self.processes:
                assert process.running
                code = process.running.poll()
                if code is None or self._stopping:
                    continue
                recent = [moment for moment in process.started if time.monotonic() - moment < 60]
                if len(recent) > RESTARTS_A_MINUTE:
                    raise self._failed(process, "ends again and again")
                self._tell(f"{process.name} ended ({code}) and is started again")
                self._start(process)

    def stop(self) -> None:
        for process in reversed(self.processes):
            if process.running and process.running.poll() is None:
                process.running.terminate()
        for process in reversed(self.processes):
            if process.running:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.running.wait(30)
                if process.running.poll() is None:
                    self._tell(f"{process.name} does not stop by itself and is ended")
                    process.running.kill()
                    process.running.wait()

    def _start(self, process: Process) -> None:
        with self._log(process.name).open("ab") as log:
            process.running = subprocess.Popen(
                [sys.executable, "-m", "services", *process.arguments],
                env=self._values,
                cwd=db.PROJECT,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for us: we stop the others in order
            )
        process.started.append(time.monotonic())
        pids = {one.name: one.running.pid for one in self.processes if one.running}
        (self._run.data / "processes.json").write_text(json.dumps(pids))

    def _service(self, name: str, port: str) -> Process:
        return Process(name, ["serve", name], lambda: _answers(self._run.url(port) + "/health/ready"))

    def _worker(self, service: str) -> Process:
        url = self._values[f"{service.upper()}_DATABASE_URL"]
        return Process(f"{service}-worker", ["work", service], lambda: _beats(url))

    def _log(self, name: str) -> Path:
        folder = self._run.data / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{name}.log"

    def _failed(self, process: Process, how: str) -> CannotStart:
        return CannotStart(f"{process.name} {how}; its log {self._log(process.name)} says why.")

    def _stop_wanted(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True


@contextlib.contextmanager
def databases(run: RunSettings, tell: Tell) -> Iterator[dict[str, str]]:
    """The four databases' URLs: those the environment names, the rest in an embedded server that lives as long."""
    named = given_databases()
    if len(named) == len(DATABASES):
        yield named
        return
    tell(f"PostgreSQL (embedded, data in {run.data / 'pg'})")
    server = embedded.start(run.data.resolve() / "pg")
    try:
        yield named | {name: server.create(name) for name in DATABASES if name not in named}
    finally:
        server.stop()


def migrate(urls: dict[str, str], tell: Tell) -> None:
    for section, url in urls.items():
        config = db.migrations(section)
        config.attributes["url"] = url
        try:
            command.upgrade(config, "head")
        except OperationalError as error:
            raise CannotStart(
                f"The database of {section} cannot be reached: {str(error.orig).splitlines()[0]}"
            ) from error
        tell(f"  migrated: {section} ({db.head(section)})")


def seed(urls: dict[str, str], tell: Tell, *, made_up: bool) -> None:
    """Real rows, and with `made_up` the fictional ones; the sandbox, whose all is, has none without."""
    from services.agreements import seed as agreements
    from services.catalog import seed as catalog
    from services.integration import seed as integration
    from services.integration.sandbox import seed as sandbox

    loads: list[tuple[str, Callable[..., None]]] = [
        ("catalog", partial(catalog.load, made_up=made_up)),
        ("agreements", partial(agreements.load, made_up=made_up)),
        ("integration", partial(integration.load, made_up=made_up)),
    ]
    if made_up:
        loads.append(("sandbox", sandbox.load))
    if sealing_key().first_of_sandbox():
        tell("  made: the key that bids are sealed under")
    for name, load in loads:
        database = db.Database(urls[name], connections=2)
        try:
            load(database, tell=partial(_say, tell, name))
        finally:
            database.close()
        tell(f"  seeded: {name}")
    ring = keyring()
    if not ring.production and ring.first(clock.now()):
        tell("  made: the key that the catalogue signs with")


def sealing_key() -> "SealingKey":
    from services.agreements.sealing import store
    from services.agreements.settings import Settings

    return store.new_key(Settings(database_url="postgresql://127.0.0.1/none"))


def keyring() -> "Keyring":
    """The catalogue's signing keys, as its settings say."""
    from services.catalog.settings import Settings
    from services.catalog.signing_keys import store

    return store.keyring(Settings(database_url="postgresql://127.0.0.1/none"))


def index(urls: dict[str, str], tell: Tell) -> None:
    """After an upgrade that changes what is found, and every night: a second scheduled change is not known ahead."""
    from services.catalog.seed import index as catalog

    database = db.Database(urls["catalog"], connections=1)
    try:
        with database.writing() as session:
            tell(f"  indexed: {catalog.anew(session)} things")
    finally:
        database.close()


def _say(tell: Tell, name: str, line: str) -> None:
    tell(f"  {name}: {line}")


def everything(run: RunSettings, tell: Tell) -> None:
    """Start all, tell where to click, and stay until asked to stop."""
    if run.env is Environment.PRODUCTION:
        raise CannotStart("run starts the sandbox, which has no place in production: start each service by itself.")
    for name, port in run.ports.items():
        _must_be_free(run.host, name, port)
    _must_be_writable(run.data)
    with databases(run, tell) as urls:
        values = environment(run, urls)
        adopt(values)
        tell("Migrations")
        migrate(urls, tell)
        tell("Seed data")
        seed(urls, tell, made_up=run.made_up)
        running = Running(run, values, tell)
        tell(f"Processes (logs in {run.data / 'logs'})")
        try:
            running.start()
            tell(WELCOME.format(**{name: run.url(name) for name in run.ports}))
            running.watch()
        finally:
            tell("Stopping")
            running.stop()
    tell("Stopped; the data is kept.")


WELCOME = """
Samvirke is ready.

  Catalogue     {catalog}/docs
  Agreements    {agreements}/docs
  Integration   {integration}/docs
  Inbox         {control}/            the letters that the sandbox's SvarUT has received

  A certificate {catalog}/certificates/SV-2026-000001/page

  curl '{catalog}/components?q=velferdsteknologi'

  make demo     tells five stories, from an order to a mini-competition with sealed bids
  Log in        Authorize on any of the three, and Authorize again under a role; then
                choose a test person and her organisation. One login is for all three.
  make token    prints a machine's access token to paste in the same place

Ctrl-C stops everything."""


def _must_be_free(host: str, name: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotStart(
                f"Port {port} on {host} cannot be used for {name} ({error.strerror}): stop what uses it, "
                f"or set SAMVIRKE_{name.upper()}_PORT to another."
            ) from error


def _must_be_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "processes.json").write_text("{}")
    except OSError as error:
        raise CannotStart(
            f"The data folder {folder} cannot be written ({error.strerror}); set SAMVIRKE_DATA."
        ) from error


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def _beats(url: str) -> bool:
    """A worker has given a sign of life within the last seconds."""
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT 1 FROM procrastinate_workers WHERE last_heartbeat > now() - interval '5 seconds'"
        )
        return found.fetchone() is not None
