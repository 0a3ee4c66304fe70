"""Integration as the tests meet it: the real app, a real worker, and the sandbox's SvarUT under a real server."""

import asyncio
import base64
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from services.chassis.db import Database
from services.chassis.values import seed_id
from services.integration import jobs
from services.integration.app import create_app
from services.integration.dispatches.shapes import EXAMPLE_PDF
from services.integration.settings import Settings
from tests.conftest import Databases, NewDatabase
from tests.issuer import Issuer
from tests.sandbox.running import RunningSandbox, running_sandbox

BRONNOY, ALSTAHAUG, FJORDVAKT = "964983291", "938712441", "100000016"
SENDING = f"/api/v3/kontoer/{seed_id('svarut-konto')}/forsendelser/organisasjon"
LOOKING = f"/api/v2/kontoer/{seed_id('svarut-konto')}/forsendelser"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def sandbox_of_all(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    keys = tmp_path_factory.mktemp("integration") / "keys"
    with (
        databases.lent() as create,
        running_sandbox(create("sandbox"), keys, svarut_duplicates=3, svarut_step_seconds=20) as running,
    ):
        yield running


@pytest.fixture
def sandbox(sandbox_of_all: RunningSandbox) -> Iterator[RunningSandbox]:
    """Letters of other tests may be in it, faults may not."""
    yield sandbox_of_all
    sandbox_of_all.http.delete(f"{sandbox_of_all.control_url}/_sandbox/faults").raise_for_status()


@pytest.fixture
def url(new_database: NewDatabase) -> str:
    return new_database("integration")


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database(url, connections=8)
    yield opened
    opened.close()


@pytest.fixture
def api(url: str, issuer: Issuer) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(database_url=url, issuers=[issuer.trusted()]))) as client:
        yield client


@pytest.fixture
def bronnoy(issuer: Issuer) -> dict[str, str]:
    """Headers of a municipality that may do everything with its own letters."""
    return issuer.bearer(BRONNOY, "dispatch.write", "dispatch.read", "dispatch.admin")


@pytest.fixture
def alstahaug(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(ALSTAHAUG, "dispatch.write", "dispatch.read", "dispatch.admin")


def letter(**changes: Any) -> dict[str, Any]:
    """A letter unlike all others, as it can be handed in."""
    number = next(_numbers)
    return {
        "reference": f"brev-{number}",
        "recipient": {"organisation_number": FJORDVAKT, "name": "Fjordvakt Velferd AS (fiktiv)"},
        "title": f"Bestilling {number}",
        "documents": [document(f"bestilling-{number}.pdf")],
    } | changes


def document(filename: str = "bestilling.pdf", content: bytes = EXAMPLE_PDF, **changes: Any) -> dict[str, Any]:
    return {
        "filename": filename,
        "media_type": "application/pdf",
        "content_base64": base64.b64encode(content).decode(),
    } | changes


HandIn = Callable[..., Any]


@pytest.fixture
def hand_in(api: TestClient, bronnoy: dict[str, str]) -> HandIn:
    """Hand a letter in. → the answer"""

    def send(body: dict[str, Any] | None = None, *, key: str | None = None, headers: Any = None) -> Any:
        sent = (headers or bronnoy) | {"Idempotency-Key": key or f"key-{next(_numbers)}"}
        return api.post("/dispatches", json=body or letter(), headers=sent)

    return send


def settings_for(url: str, sandbox: RunningSandbox, issuer: Issuer, **changes: Any) -> Settings:
    """In a hurry: what takes minutes at KS takes a second here."""
    values: dict[str, Any] = {
        "database_url": url,
        "issuers": [issuer.trusted()],
        "svarut_url": sandbox.svarut_url,
        "maskinporten_issuer": sandbox.issuer,
        "maskinporten_token_url": f"{sandbox.maskinporten_url}/token",
        "key_file": sandbox.keys_folder / "integration-service.json",
        "svarut_read_seconds": 4,
        "svarut_settle_seconds": 1.5,
        "svarut_longest_wait_seconds": 0.2,
        "svarut_configuration_wait_seconds": 0.2,
        "status_every_seconds": 0.3,
    } | changes
    return Settings(**values)


@contextmanager
def working(settings: Settings) -> Iterator[None]:
    """A worker as `python -m services work integration` runs it, in a thread."""
    ready, stop = threading.Event(), threading.Event()

    async def until_stopped() -> None:
        work = asyncio.create_task(jobs.work(settings, ready=ready.set))
        while not stop.is_set() and not work.done():
            await asyncio.sleep(0.05)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    thread = threading.Thread(target=asyncio.run, args=[until_stopped()])
    thread.start()
    assert ready.wait(20)
    yield
    stop.set()
    thread.join(30)
    assert not thread.is_alive()


NewPost = Callable[..., jobs.Post]


@pytest.fixture
def new_post(url: str, sandbox: RunningSandbox, issuer: Issuer) -> Iterator[NewPost]:
    """What a worker does, to be done step by step. `changes` are settings."""
    closing: list[Callable[[], None]] = []

    def create(**changes: Any) -> jobs.Post:
        settings = settings_for(url, sandbox, issuer, **changes)
        database, svarut = Database(url, connections=8), jobs.new_svarut(settings)
        closing.extend([database.close, svarut.close])
        return jobs.Post(database, svarut, settings)

    yield create
    for close in closing:
        close()


def work_off(post: jobs.Post, dispatch: str | UUID, *, seconds: float = 15) -> None:
    """Do a letter's job until it is done, as often as it asks for."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            post.send_letter(str(dispatch))
            return
        except jobs.Later as later:
            time.sleep(later.seconds)
    raise AssertionError("the letter's job does not end")


Shown = Callable[..., dict[str, Any]]


def shown_by(api: TestClient, headers: dict[str, str], id: str, *until: str, seconds: float = 20) -> dict[str, Any]:
    """The dispatch as its sender sees it; with `until`, as soon as it has one of these states."""
    deadline = time.monotonic() + seconds
    while True:
        found: dict[str, Any] = api.get(f"/dispatches/{id}", headers=headers).raise_for_status().json()
        if not until or found["status"] in until:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


@pytest.fixture
def shown(api: TestClient, bronnoy: dict[str, str]) -> Shown:
    return lambda id, *until: shown_by(api, bronnoy, id, *until)


def events(dispatch: dict[str, Any]) -> list[str | None]:
    return [one["event"] for one in dispatch["history"]]
