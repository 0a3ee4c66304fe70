"""The feed tells each event once, in order, and misses none; a naive one does miss some."""

import threading
from collections.abc import Iterator

import psycopg
import pytest
from sqlmodel import Session

from services.chassis import feed
from services.chassis.db import Database

WRITERS, EACH = 8, 40


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database(url, connections=WRITERS + 4)
    yield opened
    opened.close()


def read_all(database: Database, after: int, limit: int = 50) -> tuple[list[feed.Event], int]:
    found: list[feed.Event] = []
    while True:
        with database.writing() as session:
            page = feed.after(session, after, "964983291", limit)
        if not page.items:
            return found, after
        found += page.items
        after = page.next


def test_readers_see_each_event_once_and_in_order_while_writers_run(database: Database) -> None:
    def write(writer: int) -> None:
        for number in range(EACH):
            with database.writing() as session:
                feed.tell(session, "thing.made", f"/things/{writer}", "964983291", number=number)
                session.connection().exec_driver_sql(f"SELECT pg_sleep({(writer * 7 + number) % 5 / 1000})")

    threads = [threading.Thread(target=write, args=[writer]) for writer in range(WRITERS)]
    for thread in threads:
        thread.start()
    seen: list[feed.Event] = []
    position = 0
    while any(thread.is_alive() for thread in threads):
        new, position = read_all(database, position, limit=7)
        seen += new
    new, _ = read_all(database, position)
    seen += new
    assert len(seen) == WRITERS * EACH
    assert [int(event.id) for event in seen] == list(range(1, WRITERS * EACH + 1))
    for writer in range(WRITERS):
        numbers = [event.data["number"] for event in seen if event.subject == f"/things/{writer}"]
        assert numbers == list(range(EACH)), "one subject's events keep their order"


def naive_after(connection: psycopg.Connection, last: int) -> list[int]:
    """What one would write first: everything with a higher id than the last one seen."""
    return [id for (id,) in connection.execute("SELECT id FROM event WHERE id > %s ORDER BY id", [last])]


def test_a_slow_writer_is_missed_by_a_naive_reader_and_not_by_ours(database: Database, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as reader:
        slow = Session(database.engine)
        feed.tell(slow, "thing.made", "/things/slow", "964983291")
        with database.writing() as session:
            feed.tell(session, "thing.made", "/things/quick", "964983291")
        naive_seen = naive_after(reader, 0)
        ours, position = read_all(database, 0)
        slow.commit()
        slow.close()
        naive_seen += naive_after(reader, max(naive_seen))
        more, _ = read_all(database, position)
    assert len(naive_seen) == 1, "the naive reader never hears of the slow one"
    assert [event.subject for event in ours + more] == ["/things/quick", "/things/slow"]


def test_an_organisation_sees_its_own_events_only(database: Database) -> None:
    with database.writing() as session:
        feed.tell(session, "thing.made", "/things/1", "964983291")
        feed.tell(session, "thing.made", "/things/2", "938712441")
    events, _ = read_all(database, 0)
    assert [event.subject for event in events] == ["/things/1"]


def test_an_event_of_a_change_that_was_rolled_back_is_never_told(database: Database) -> None:
    with Session(database.engine) as session:
        feed.tell(session, "thing.made", "/things/1", "964983291")
        session.rollback()
    assert read_all(database, 0) == ([], 0)
