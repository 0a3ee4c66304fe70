"""A recall of what two hundred municipalities use, while the worker is killed twice: two hundred are told, each once.

The workers are processes, as an operator starts them. "In the middle" is told, not timed: another transaction holds the
row of the organisation that the worker is to come to, so that it waits there until it is killed.
"""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.catalog.recalls.store import BATCH
from services.chassis import db, embedded
from tests.catalog.conftest import walk
from tests.conftest import NewDatabase, serving
from tests.issuer import Issuer

BODY, VEFSN = "100000040", "844824122"
CERTIFICATE, PRODUCT = "SV-2026-000004", "fjordvakt-tilsyn"
USERS = 200
WAITS_SECONDS = 60
OURS = ["-m", "services", "work", "catalog"]
NAIVE = ["-m", "tests.catalog.naive_recall"]


@pytest.fixture(scope="module")
def prepared(apps: Callable[[str], FastAPI], shared_database: NewDatabase, issuer: Issuer) -> tuple[str, list[str]]:
    """A database in which two hundred municipalities say that they use the product, to be copied. → its name, and
    their organisation numbers in the order in which they are told"""
    url = shared_database("catalog", seeded=True)
    with serving(apps("catalog"), url) as catalog:
        found = walk(catalog, "/organisations", kind="municipality", limit=200)
        numbers = [one["organisation_number"] for one in found if one["organisation_number"]][:USERS]
        for number in numbers:
            headers = issuer.bearer(number, "catalog.write")
            answer = catalog.post("/adoptions", json={"product": PRODUCT}, headers=headers)
            assert answer.status_code == 201, answer.text
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DELETE FROM procrastinate_jobs")  # what the seed data left to do is another matter
        in_order = connection.execute(
            "SELECT organisation_number FROM organisation WHERE organisation_number = ANY(%s) ORDER BY id", [numbers]
        ).fetchall()
        (name,) = connection.execute("SELECT current_database()").fetchone() or ()
    return name, [number for (number,) in in_order]


@pytest.fixture
def url(server: embedded.Server, prepared: tuple[str, list[str]]) -> Iterator[str]:
    copy = f"{prepared[0]}_copy"
    yield server.create(copy, template=prepared[0])
    server.drop(copy)


@pytest.fixture
def users(prepared: tuple[str, list[str]]) -> list[str]:
    return prepared[1]


@pytest.fixture
def rows(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@contextmanager
def held(url: str, number: str) -> Iterator[None]:
    """Nobody writes anything about this organisation meanwhile."""
    with psycopg.connect(url) as connection:
        connection.execute("SELECT 1 FROM organisation WHERE organisation_number = %s FOR UPDATE", [number])
        yield
        connection.rollback()


@contextmanager
def working(url: str, command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {"CATALOG_DATABASE_URL": url, "PYTHONPATH": str(db.PROJECT)}
    process = subprocess.Popen(
        [sys.executable, *command], cwd=db.PROJECT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(30)


def waited_for(what: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + WAITS_SECONDS
    while not what():
        assert process.poll() is None, "the worker has ended by itself"
        assert time.monotonic() < deadline
        time.sleep(0.05)


def killed_at(url: str, rows: psycopg.Connection, command: list[str], number: str) -> None:
    """Start a worker, and kill it when it waits for the organisation with this number."""
    blocked = (
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' "
        "AND query ILIKE '%recall_notice%'"
    )
    with held(url, number), working(url, command) as process:
        waited_for(lambda: rows.execute(blocked).fetchone() is not None, process)
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    # Time goes by: to the next worker this one has given no sign of life for a minute.
    rows.execute("UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat - interval '1 minute'")


def told(rows: psycopg.Connection) -> Counter[str]:
    """How often each organisation was told, by its events."""
    query = "SELECT organisation FROM event WHERE type = 'recall.notified' AND data ->> 'certificate' = %s"
    return Counter(number for (number,) in rows.execute(query, [CERTIFICATE]).fetchall())


def noted(rows: psycopg.Connection) -> int:
    query = (
        "SELECT n.id FROM recall_notice n JOIN recall r ON r.id = n.recall_id "
        "JOIN certificate c ON c.id = r.certificate_id WHERE c.number = %s"
    )
    return len(rows.execute(query, [CERTIFICATE]).fetchall())


def recalled(
    url: str, rows: psycopg.Connection, catalog: TestClient, issuer: Issuer, users: list[str], command: list[str]
) -> None:
    """Suspend the certificate; two workers are killed in the middle, a third does the rest."""
    answer = catalog.post(
        f"/certificates/{CERTIFICATE}/suspend",
        json={"reason": "Varsler kom ikke fram (prøve)"},
        headers=issuer.bearer(BODY, "certification.decide", client="decider"),
    )
    assert answer.status_code == 200, answer.text
    before = 0
    for place in (BATCH + 10, 3 * BATCH + 10):  # in the second batch, and in the fourth
        killed_at(url, rows, command, users[place])
        done = noted(rows)
        assert before < done < USERS, "it was killed in the middle"
        before = done
    with working(url, command) as process:
        finished = "SELECT 1 FROM procrastinate_jobs WHERE task_name = 'catalog.recall' AND status = 'succeeded'"
        waited_for(lambda: rows.execute(finished).fetchone() is not None, process)


def test_two_hundred_are_told_once_each_though_the_worker_is_killed_twice(
    url: str, rows: psycopg.Connection, catalog: TestClient, issuer: Issuer, users: list[str]
) -> None:
    recalled(url, rows, catalog, issuer, users, OURS)
    assert told(rows) == Counter(users)
    assert noted(rows) == USERS
    answer = catalog.get("/recalls", params={"certificate": CERTIFICATE}, headers=issuer.bearer(VEFSN))
    (recall,) = answer.json()["items"]
    assert recall["numbers"] == {"organisations": USERS, "told": USERS, "acknowledged": 0, "unreachable": 0}
    for number in (users[0], users[BATCH + 10], users[-1]):
        mine = catalog.get("/recall-notices", params={"recall": recall["id"]}, headers=issuer.bearer(number)).json()
        assert len(mine["items"]) == 1


def test_a_worker_that_keeps_the_two_apart_is_caught(
    url: str, rows: psycopg.Connection, catalog: TestClient, issuer: Issuer, users: list[str]
) -> None:
    """The same, with event and notice in two transactions: some are told twice."""
    recalled(url, rows, catalog, issuer, users, NAIVE)
    found = told(rows)
    assert found != Counter(users)
    assert set(found) == set(users)
    assert max(found.values()) > 1
