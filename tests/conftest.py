"""Each service as the tests meet it: the real app, over HTTP, on a PostgreSQL database of the test's own."""

import gc
import itertools
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
from alembic import command
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.agreements.sealing.store import SealingKey
from services.catalog.signing_keys.store import Keyring
from services.chassis import db, embedded
from tests.issuer import Issuer
from tests.memory import folder_in_memory

SECTIONS = {
    "catalog": "services.catalog",
    "agreements": "services.agreements",
    "integration": "services.integration",
    "sandbox": "services.integration.sandbox",
}
NewDatabase = Callable[..., str]
_numbers = itertools.count(1)

# No timing in a test, and the same examples for everybody: what one machine finds, all do.
hypothesis.settings.register_profile(
    "everywhere", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("everywhere")

# No test asks anybody out in the world, and each new client of httpx would read all that certify there: 17 ms.
os.environ.pop("SSL_CERT_FILE", None)
os.environ["SSL_CERT_DIR"] = str(Path(__file__).parent)
gc.disable()  # until all tests are collected, which live to the end: looking for garbage among them is vain

LONGEST = (
    "tests/e2e/",
    "tests/agreements/test_every_ceiling.py",
    "tests/agreements/test_cost_split_rules.py",
    "tests/catalog/test_conformance",
    "tests/integration/",
)
"""What takes minutes, the longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file's tests run in one process, so that what they share is made once; and what takes longest begins first, so
    that no process is left with it when the others are done."""

    def rank(item: pytest.Item) -> int:
        return next((place for place, path in enumerate(LONGEST) if item.nodeid.startswith(path)), len(LONGEST))

    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
    items.sort(key=rank)


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def server() -> Iterator[embedded.Server]:
    """PostgreSQL for this run only; it need not survive a power cut."""
    folder = folder_in_memory("sv")
    running = embedded.start(folder / "pg")
    with psycopg.connect(running.url("postgres"), autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
    yield running
    running.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def template(server: embedded.Server, sealing_key: SealingKey) -> Callable[[str, bool], str]:
    """The name of a database that is migrated, and seeded if asked, to be copied."""
    made: set[str] = set()

    def of(section: str, seeded: bool) -> str:
        name = f"{section}_{'seeded' if seeded else 'empty'}"
        if name not in made:
            url = server.create(name, template=of(section, False) if seeded else None)
            if not seeded:
                config = db.migrations(section)
                config.attributes["url"] = url
                command.upgrade(config, "head")
            else:
                database = db.Database(url)
                more = {"sealing_key": sealing_key} if section == "agreements" else {}
                import_module(f"{SECTIONS[section]}.seed").load(database, tell=lambda line: None, **more)
                database.close()
            made.add(name)
        return name

    return of


@dataclass
class Databases:
    """Copies of the templates, for a test's or a module's own use."""

    server: embedded.Server
    template: Callable[[str, bool], str]
    left: deque[str] = field(default_factory=deque)
    """Used and not dropped yet: PostgreSQL waits a tenth of a second for whoever has just hung up."""

    @contextmanager
    def lent(self) -> Iterator[NewDatabase]:
        """A function that makes databases, which are dropped a few tests after the end."""
        made: list[str] = []

        def create(section: str, *, seeded: bool = False) -> str:
            name = f"t{next(_numbers)}_{section}"
            made.append(name)
            return self.server.create(name, template=self.template(section, seeded))

        yield create
        self.left.extend(made)
        while len(self.left) > 8:
            self.server.drop(self.left.popleft())


@pytest.fixture(scope="session")
def databases(server: embedded.Server, template: Callable[[str, bool], str]) -> Databases:
    return Databases(server, template)


@pytest.fixture
def new_database(databases: Databases) -> Iterator[NewDatabase]:
    """`new_database("catalog", seeded=True)` → URL of a database of this test's own."""
    with databases.lent() as create:
        yield create


@pytest.fixture(scope="module")
def shared_database(databases: Databases) -> Iterator[NewDatabase]:
    """The same for tests of one module that leave a database as they found it."""
    with databases.lent() as create:
        yield create


@contextmanager
def serving(app: FastAPI, url: str) -> Iterator[TestClient]:
    """An app on a database. The app is built once, which takes longer than most tests; its database is the test's."""
    app.state.database = db.Database(url)
    with TestClient(app) as client:
        yield client


def state(client: TestClient) -> Any:
    """What the app behind a client holds."""
    app = client.app
    assert isinstance(app, FastAPI)
    return app.state


@pytest.fixture(scope="session")
def signing_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the one key that the tests' catalogue signs with."""
    folder = tmp_path_factory.mktemp("keys") / "catalog"
    Keyring(folder, lead=timedelta(), production=False).first(datetime(2026, 1, 1, tzinfo=UTC))
    return folder


@pytest.fixture(scope="session")
def sealing_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The key that the tests' mini-competitions are sealed under."""
    return tmp_path_factory.mktemp("keys") / "agreements-sealing.json"


@pytest.fixture(scope="session")
def sealing_key(sealing_file: Path) -> SealingKey:
    key = SealingKey(sealing_file, production=False)
    key.first()
    return key


@pytest.fixture(scope="session")
def apps(issuer: Issuer, signing_keys: Path, sealing_file: Path) -> Callable[[str], FastAPI]:
    """Each service's real app, on no database yet, trusting the tests' issuer."""
    built: dict[str, FastAPI] = {}
    more: dict[str, dict[str, Any]] = {
        "catalog": {"signing_keys_folder": signing_keys},
        "agreements": {"sealing_key_file": sealing_file},
    }

    def app(name: str) -> FastAPI:
        if name not in built:
            settings = import_module(f"services.{name}.settings").Settings(
                database_url="postgresql://127.0.0.1/none", issuers=[issuer.trusted()], **more.get(name, {})
            )
            built[name] = import_module(f"services.{name}.app").create_app(settings)
        return built[name]

    return app


@pytest.fixture(scope="session")
def issuer() -> Iterator[Issuer]:
    running = Issuer()
    yield running
    running.close()
