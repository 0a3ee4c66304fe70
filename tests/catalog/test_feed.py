"""The feed over HTTP: each change once and in order, whoever writes meanwhile; the same as Atom."""

import threading
from collections.abc import Callable, Iterator
from xml.etree import ElementTree

import feedparser
import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.chassis import feed
from services.chassis.db import Database
from tests.conftest import NewDatabase, serving
from tests.issuer import Issuer

WRITERS, EACH, READERS = 8, 1250, 3
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def url(new_database: NewDatabase) -> str:
    return new_database("catalog")


@pytest.fixture
def catalog(apps: Callable[[str], FastAPI], url: str) -> Iterator[TestClient]:
    with serving(apps("catalog"), url) as client:
        yield client


class Poller(threading.Thread):
    """A reader that keeps asking until it is told that all is written, and then once more."""

    def __init__(self, ask: Callable[[int], tuple[list[tuple[int, str, int]], int]], written: threading.Event) -> None:
        super().__init__()
        self.seen: list[tuple[int, str, int]] = []
        self._ask, self._written = ask, written

    def run(self) -> None:
        after = 0
        while True:
            ended = self._written.is_set()
            items, after = self._ask(after)
            self.seen += items
            if ended and not items:
                return


def test_readers_see_10000_concurrent_changes_once_and_in_order_and_a_naive_one_misses_some(
    catalog: TestClient, url: str
) -> None:
    database = Database(url, connections=WRITERS)
    written = threading.Event()

    def over_http(after: int) -> tuple[list[tuple[int, str, int]], int]:
        told = catalog.get("/events", params={"after": after, "limit": 200}).json()
        return [(int(one["id"]), one["subject"], one["data"]["number"]) for one in told["items"]], told["next"]

    naive_connection = psycopg.connect(url, autocommit=True)

    def naively(after: int) -> tuple[list[tuple[int, str, int]], int]:
        """What one would write first: everything with a higher id than the last one seen."""
        rows = naive_connection.execute(
            "SELECT id, subject, (data->>'number')::int FROM event WHERE id > %s ORDER BY id LIMIT 200", [after]
        ).fetchall()
        return list(rows), rows[-1][0] if rows else after

    readers = [Poller(over_http, written) for _ in range(READERS)]
    naive = Poller(naively, written)

    def write(writer: int) -> None:
        for number in range(EACH):
            with database.writing() as session:
                feed.tell(session, "thing.changed", f"/things/{writer}", None, number=number)
                if number % 50 == writer:  # some transactions take longer than others
                    session.connection().exec_driver_sql("SELECT pg_sleep(0.01)")

    writers = [threading.Thread(target=write, args=[writer]) for writer in range(WRITERS)]
    for thread in [*writers, *readers, naive]:
        thread.start()
    for thread in writers:
        thread.join()
    written.set()
    for thread in [*readers, naive]:
        thread.join()
    naive_connection.close()
    database.close()
    for reader in readers:
        assert [position for position, _, _ in reader.seen] == list(range(1, WRITERS * EACH + 1))
        assert reader.seen == readers[0].seen, "all see the same order"
    for writer in range(WRITERS):
        numbers = [number for _, subject, number in readers[0].seen if subject == f"/things/{writer}"]
        assert numbers == list(range(EACH)), "what one writer did one after the other stays so"
    assert len(naive.seen) < WRITERS * EACH, "the naive reader goes past what was not committed yet"


def test_an_event_is_a_cloud_event(catalog: TestClient, url: str) -> None:
    database = Database(url)
    with database.writing() as session:
        feed.tell(session, "component.approved", "/components/x", None, state="approved")
    database.close()
    (event,) = catalog.get("/events").json()["items"]
    time = event.pop("time")
    assert time.endswith("Z")
    assert event == {
        "specversion": "1.0",
        "id": "1",
        "source": "urn:samvirke:catalog",
        "type": "component.approved",
        "subject": "/components/x",
        "datacontenttype": "application/json",
        "data": {"state": "approved"},
    }


def test_what_is_one_organisations_own_is_told_to_it_alone(catalog: TestClient, url: str, issuer: Issuer) -> None:
    database = Database(url)
    with database.writing() as session:
        feed.tell(session, "thing.changed", "/things/ours", "964983291")
        feed.tell(session, "thing.changed", "/things/public", None)
    database.close()

    def subjects(organisation: str | None) -> list[str]:
        headers = issuer.bearer(organisation) if organisation else {}
        return [one["subject"] for one in catalog.get("/events", headers=headers).json()["items"]]

    assert subjects("964983291") == ["/things/ours", "/things/public"]
    assert subjects("938712441") == ["/things/public"]
    assert subjects(None) == ["/things/public"]
    assert "ours" not in catalog.get("/events.atom").text


def test_atom_leads_from_the_newest_to_the_oldest(catalog: TestClient, url: str) -> None:
    database = Database(url)
    for number in range(120):
        with database.writing() as session:
            feed.tell(session, "thing.changed", f"/things/{number}", None, text="<æøå> & co")
    database.close()
    found: list[str] = []
    address: str | None = "/events.atom"
    while address:
        answer = catalog.get(address)
        assert answer.headers["content-type"] == "application/atom+xml"
        page = ElementTree.fromstring(answer.content)
        assert page.tag == f"{ATOM}feed"
        assert page.findtext(f"{ATOM}updated")
        found += [entry.findtext(f"{ATOM}title", "") for entry in page.iter(f"{ATOM}entry")]
        links = {link.get("rel"): link.get("href") for link in page.findall(f"{ATOM}link")}
        address = links.get("next")
    assert found == [f"thing.changed /things/{number}" for number in reversed(range(120))]


def test_a_news_reader_reads_the_news(catalog: TestClient, url: str) -> None:
    database = Database(url)
    with database.writing() as session:
        feed.tell(session, "component.approved", "/components/skjema", None, state="approved")
    database.close()
    news = feedparser.parse(catalog.get("/events.atom").content)
    assert not news.bozo
    assert news.version == "atom10"
    assert news.entries[0].link.endswith("/components/skjema")
    assert news.entries[0].id == "urn:samvirke:catalog:events:1"
