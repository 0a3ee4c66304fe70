"""What a process remembers of certificates is what the database says, or it is not asked."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from typing import Any

import httpx
import psycopg
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from services.catalog.certificates import store as certificates
from services.catalog.certificates.rules import EventKind, standing
from services.catalog.products import store as products
from services.catalog.verifications import store
from services.catalog.verifications.rules import ALL_RECORDED
from services.chassis import clock
from services.chassis.db import PROJECT, Database
from tests.catalog.certifying import granted, happen
from tests.catalog.conftest import problem
from tests.conftest import state
from tests.e2e.system import free_ports
from tests.issuer import Issuer

NUMBER, PRODUCT = "SV-2026-000001", "fjordvakt-alarm"
SPECIFICATION = "velferdsteknologi-trygghetstjeneste"
QUESTION = {"product": PRODUCT, "specification": SPECIFICATION}
MANY = 3_000
"""Questions that are asked at most until something has been heard: it takes one or two."""


def code(client: Any, question: dict[str, str] | None = None) -> str:
    answer = client.post("/verify", json=question or QUESTION)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["code"])


def memory(catalog: TestClient) -> store.Memory:
    found = state(catalog).verifications
    assert isinstance(found, store.Memory)
    return found


@pytest.fixture
def remembering(catalog: TestClient) -> TestClient:
    """A catalogue that has the answer to `QUESTION` in memory."""
    assert until(lambda: is_remembered(catalog)), "nothing is remembered"
    assert code(catalog) == "certified"
    return catalog


def is_remembered(catalog: TestClient) -> bool:
    """Whether a question that is asked now has its answer from memory the next time."""
    words, headers = json.dumps({"product": "havorn-alarm"}).encode(), {"Content-Type": "application/json"}
    assert catalog.post("/verify", content=words, headers=headers).status_code == 200
    return memory(catalog).recall(words, clock.today()) is not None


def until(ask: Callable[[], bool]) -> bool:
    return any(ask() for _ in range(MANY))


# ---- The same as the database's


STEPS = ("suspend", "restore", "withdraw", "supersede", "relinquish")
NUMBERS = ("SV-2026-000001", "SV-2026-000003", "SV-2026-000004", "SV-2026-000007")
steps = st.tuples(
    st.sampled_from(STEPS), st.sampled_from(NUMBERS), st.dates(date(2026, 3, 1), date(2029, 12, 31)).map(str)
)
days = st.dates(date(2025, 12, 1), date(2030, 2, 1))


def test_whatever_happens_the_memory_says_what_the_histories_say(
    remembering: TestClient, database: Database, issuer: Issuer
) -> None:
    """Steps are taken through the same process, so that the very next answer must know of them."""
    headers = issuer.bearer("100000040", "certification.decide", "certification.apply")

    @settings(max_examples=12)
    @given(st.lists(steps, min_size=1, max_size=4), st.lists(days, min_size=1, max_size=2))
    def agree(taken: list[tuple[str, str, str]], asked: list[date]) -> None:
        for step, number, effective_on in taken:
            body = {"reason": "Prøve", "effective_on": effective_on}
            answer = remembering.post(f"/certificates/{number}/{step}", json=body, headers=headers)
            assert answer.status_code < 500, answer.text
            for on in asked:
                said = remembering.post("/verify", json={"certificate": number, "on": str(on), "version": "3.0"}).json()
                with database.reading() as session:
                    id = certificates.by_number(session, number).id
                    stands = standing(certificates.histories(session, [id])[id], on, ALL_RECORDED)
                assert stands
                assert said["certificate"]["status"] == stands.status
                assert [one["code"] for one in said["remarks"]] == list(stands.remarks)
                assert said["certificate"]["valid_to_on"] == str(stands.validity.to_on)

    agree()


def test_whoever_has_the_answer_to_a_step_never_reads_what_was_before_it(
    remembering: TestClient, issuer: Issuer
) -> None:
    headers = issuer.bearer("100000040", "certification.decide")
    for _ in range(20):
        for step, after in (("suspend", "suspended"), ("restore", "certified")):
            taken = remembering.post(f"/certificates/{NUMBER}/{step}", json={"reason": "Prøve"}, headers=headers)
            assert taken.status_code == 200, taken.text
            assert code(remembering) == after


# ---- What is heard


def test_what_another_process_commits_is_heard(remembering: TestClient, database: Database) -> None:
    happen(database, NUMBER, EventKind.SUSPENDED)
    assert until(lambda: code(remembering) == "suspended")
    assert until(lambda: is_remembered(remembering)), "the memory goes on"


def test_a_rolled_back_change_is_none(remembering: TestClient, database: Database) -> None:
    with suppress(ZeroDivisionError), database.writing() as session:
        now = clock.now()
        certificates.record(
            session,
            certificates.by_number(session, NUMBER).id,
            EventKind.WITHDRAWN,
            effective_on=clock.on(now),
            recorded_at=now,
            today=clock.on(now),
            reason="Prøve",
            organisation="100000040",
        )
        1 / 0  # noqa: B018  # the change fails
    assert code(remembering) == "certified"


OTHER_CHANGES = {
    "the product has a new current version": (
        {"certificate": "SV-2026-000006", "on": "2027-03-01"},
        "UPDATE product SET version = '9.9' WHERE slug = 'fjordvakt-alarm'",
        "version_not_covered",
    ),
    "the product has another name": (
        QUESTION,
        "UPDATE product SET slug = 'fjordvakt-annet' WHERE slug = 'fjordvakt-alarm'",
        "product_unknown",
    ),
    "the specification has another name": (
        QUESTION,
        f"UPDATE specification SET slug = 'noe-annet' WHERE slug = '{SPECIFICATION}'",
        "specification_unknown",
    ),
    "the specification is there": (
        QUESTION | {"specification": "helt-ny"},
        "INSERT INTO specification (slug, level, name) VALUES ('helt-ny', 1, '{\"nb\": \"Ny\"}')",
        "no_certificate",
    ),
    "the firm has another number": (
        {"supplier": "100000016"},
        "UPDATE organisation SET organisation_number = '100000105' WHERE organisation_number = '100000016'",
        "supplier_unknown",
    ),
}


@pytest.mark.parametrize("what", OTHER_CHANGES)
def test_whatever_else_an_answer_rests_on_is_heard_of(remembering: TestClient, database: Database, what: str) -> None:
    asked, change, after = OTHER_CHANGES[what]
    before = code(remembering, asked)
    assert before != after
    with psycopg.connect(url_of(database), autocommit=True) as connection:
        connection.execute(change)
    assert until(lambda: code(remembering, asked) == after)


def test_a_certificate_that_is_new_is_heard_of(remembering: TestClient, database: Database) -> None:
    asked = {"product": "havorn-tilsyn", "specification": SPECIFICATION, "version": "1.4", "on": "2028-01-01"}
    assert code(remembering, asked) == "no_certificate"
    with database.reading() as session:
        product = products.find(session, "havorn-tilsyn")
    assert product
    granted(database, NUMBER, date(2027, 1, 1), date(2029, 12, 31), product_id=product.id)
    assert until(lambda: code(remembering, asked) == "certified")


def url_of(database: Database) -> str:
    return database.url.replace("+psycopg", "")


def test_what_many_certificates_share_is_forgotten_at_once(remembering: TestClient, database: Database) -> None:
    """A scheme says how many days before its end a certificate expires soon."""
    asked = QUESTION | {"on": "2029-01-01"}
    assert "expires_soon" not in remarks(remembering, asked)
    with psycopg.connect(url_of(database), autocommit=True) as connection:
        connection.execute("UPDATE scheme SET expires_soon_days = 400 WHERE subject_kind = 'product'")
    assert until(lambda: "expires_soon" in remarks(remembering, asked))


def remarks(client: TestClient, asked: dict[str, str]) -> list[str]:
    return [one["code"] for one in client.post("/verify", json=asked).json()["remarks"]]


# ---- What cannot be heard


def listening(connection: psycopg.Connection) -> list[int]:
    """The server's processes that serve listeners on this database."""
    rows = connection.execute(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
        "AND (query LIKE 'LISTEN%' OR query LIKE '%certificate_change g%')"
    ).fetchall()
    return [pid for (pid,) in rows]


def test_a_listener_that_was_cut_off_misses_nothing(remembering: TestClient, database: Database) -> None:
    with psycopg.connect(url_of(database), autocommit=True) as connection:
        for kind, after in ((EventKind.SUSPENDED, "suspended"), (EventKind.RESTORED, "certified")):
            assert until(lambda: is_remembered(remembering)), "it listens again"
            code(remembering)
            (pid,) = listening(connection)
            assert connection.execute("SELECT pg_terminate_backend(%s, 2000)", [pid]).fetchone() == (True,)
            happen(database, NUMBER, kind)
            assert code(remembering) == after


def test_what_no_notification_told_meanwhile_is_not_remembered_from_before(
    remembering: TestClient, database: Database
) -> None:
    """Changes of a product are not looked for, so that nothing outlives the connection on which they are heard."""
    asked = {"certificate": "SV-2026-000006", "on": "2027-03-01"}
    assert code(remembering, asked) == "certified"
    with psycopg.connect(url_of(database), autocommit=True) as connection:
        (pid,) = listening(connection)
        assert connection.execute("SELECT pg_terminate_backend(%s, 2000)", [pid]).fetchone() == (True,)
        connection.execute("UPDATE product SET version = '9.9' WHERE slug = 'fjordvakt-alarm'")
    assert until(lambda: is_remembered(remembering)), "it listens again"
    assert code(remembering, asked) == "version_not_covered"


def test_a_listener_that_hangs_is_not_believed_for_long(remembering: TestClient, database: Database) -> None:
    with psycopg.connect(url_of(database), autocommit=True) as connection:
        (pid,) = listening(connection)
        os.kill(pid, signal.SIGSTOP)
        try:
            happen(database, NUMBER, EventKind.SUSPENDED)
            assert any(code(remembering) == "suspended" for _ in range(5 * MANY))
        finally:
            os.kill(pid, signal.SIGCONT)


def test_what_is_not_notified_is_looked_for_all_the_same(catalog: TestClient, database: Database) -> None:
    """As behind a proxy that swallows notifications."""
    with psycopg.connect(url_of(database), autocommit=True) as connection:
        connection.execute("ALTER TABLE certificate_change DISABLE TRIGGER USER")
    assert until(lambda: is_remembered(catalog))
    assert code(catalog) == "certified"
    happen(database, NUMBER, EventKind.SUSPENDED)
    assert any(code(catalog) == "suspended" for _ in range(5 * MANY))


def test_while_the_database_is_away_nobody_is_told_anything(remembering: TestClient, database: Database) -> None:
    here = psycopg.conninfo.conninfo_to_dict(url_of(database))
    with psycopg.connect(url_of(database), dbname="postgres", autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {here['dbname']} ALLOW_CONNECTIONS false")
        try:
            connection.execute(
                "SELECT count(pg_terminate_backend(pid, 2000)) FROM pg_stat_activity WHERE datname = %s",
                [here["dbname"]],
            )
            for _ in range(3):
                assert problem(remembering.post("/verify", json=QUESTION)) == (503, "database-away")
        finally:
            connection.execute(f"ALTER DATABASE {here['dbname']} ALLOW_CONNECTIONS true")
    codes = [remembering.post("/verify", json=QUESTION).json().get("code") for _ in range(10)]
    assert codes[-1] == "certified"


# ---- Several processes


@contextmanager
def workers(url: str, issuer: Issuer, number: int) -> Iterator[list[httpx.Client]]:
    """Processes that serve one database, as a balancer has them behind it."""
    trusted = json.dumps([issuer.trusted().model_dump(mode="json")])
    started, clients = [], []
    try:
        for port in free_ports(number):
            environment = {
                "CATALOG_DATABASE_URL": url,
                "CATALOG_PORT": str(port),
                "CATALOG_ISSUERS": trusted,
            }
            process = subprocess.Popen(
                [sys.executable, "-m", "services", "serve", "catalog"],
                env=os.environ | environment,
                cwd=PROJECT,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            started.append(process)
            clients.append(httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30))
        for process, client in zip(started, clients, strict=True):
            until_ready(process, client)
        yield clients
    finally:
        for client in clients:
            client.close()
        for process in started:
            process.terminate()
        for process in started:
            process.wait(30)


def until_ready(process: subprocess.Popen[bytes], client: httpx.Client) -> None:
    for _ in range(1_200):
        with suppress(httpx.TransportError):
            if client.get("/health/ready").status_code == 200:
                return
        assert process.poll() is None, "it ended"
        time.sleep(0.1)
    raise AssertionError("it does not get ready")


def test_a_withdrawal_through_one_process_is_seen_by_the_other(url: str, issuer: Issuer) -> None:
    headers = issuer.bearer("100000040", "certification.decide")
    with workers(url, issuer, 2) as (one, other):
        assert until(lambda: code(one) == code(other) == "certified")
        taken = one.post(f"/certificates/{NUMBER}/withdraw", json={"reason": "Prøve"}, headers=headers)
        assert taken.status_code == 200, taken.text
        assert code(one) == "withdrawn", "at once, where it was done"
        tries = next(number for number in range(MANY) if code(other) == "withdrawn")
        assert tries < MANY


# ---- Bounds


def test_a_memory_keeps_no_more_than_it_may(url: str) -> None:
    async def fill() -> None:
        database = Database(url, connections=2)
        await database.open_hot()
        kept = store.Memory(database, certificates_at_most=3, answer_bytes_at_most=1_000)
        while not await kept.catch_up():
            await asyncio.sleep(0)
        keys: list[store.Key] = [("certificate", f"SV-2026-00000{number}") for number in range(1, 8)]
        for key in keys:
            found = await kept.find([key])
            portfolio = found.portfolios[key]
            kept.remember(key[1].encode(), b"x" * 300, '"1"', date(2026, 1, 1), portfolio, found)
        held, size = kept.size
        assert held == 3
        assert 0 < size <= 1_000
        assert kept.recall(b"SV-2026-000007", date(2026, 1, 1))
        assert kept.recall(b"SV-2026-000007", date(2026, 1, 2)) is None, "an answer is for its day"
        assert kept.recall(b"SV-2026-000001", date(2026, 1, 1)) is None, "the oldest went first"
        await kept.close()
        await database.close_hot()
        database.close()

    asyncio.run(fill())


# ---- Looking it up


def test_what_is_looked_up_changes_with_what_is_certified_and_with_nothing_else(
    remembering: TestClient, issuer: Issuer
) -> None:
    first = remembering.get("/verify", params=QUESTION)
    assert first.headers["Cache-Control"] == "public, max-age=1"
    again = remembering.get("/verify", params=QUESTION)
    assert (again.content, again.headers["ETag"]) == (first.content, first.headers["ETag"])
    tag = first.headers["ETag"]
    for held in (tag, f'"other", W/{tag}', "*"):
        unchanged = remembering.get("/verify", params=QUESTION, headers={"If-None-Match": held})
        assert (unchanged.status_code, unchanged.content, unchanged.headers["ETag"]) == (304, b"", tag)
    headers = issuer.bearer("100000040", "certification.decide")
    remembering.post(f"/certificates/{NUMBER}/suspend", json={"reason": "Prøve"}, headers=headers)
    changed = remembering.get("/verify", params=QUESTION, headers={"If-None-Match": tag})
    assert (changed.status_code, changed.json()["code"]) == (200, "suspended")
    assert changed.headers["ETag"] != tag


def test_a_parameter_twice_is_read_by_the_whole_route(remembering: TestClient) -> None:
    answer = remembering.get(f"/verify?product={PRODUCT}&product=havorn-alarm")
    assert answer.status_code in (200, 422)
    assert remembering.get("/verify", params=QUESTION | {"on": ""}).status_code == 422
