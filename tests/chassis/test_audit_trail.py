"""The audit trail: a row with every change, sealed in a chain that an edited, removed or inserted row breaks."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psycopg
import pytest

from services.chassis import audit
from services.chassis.auth import Caller
from services.chassis.db import Database
from services.chassis.settings import IssuerKind

CALLER = Caller("964983291", frozenset(), "test", IssuerKind.MACHINE)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database(url)
    yield opened
    opened.close()


def write(database: Database, number: int) -> None:
    with database.writing() as session:
        audit.record_all(session, CALLER, ["thing.make", "thing.mend"], f"/things/{number}", number=number, why="æøå")


def broken(database: Database) -> list[int]:
    with database.reading() as reader:
        return audit.broken(reader)


@pytest.fixture
def sealed(database: Database) -> Database:
    """Three seals over two rows each."""
    for number in range(3):
        write(database, number)
        assert audit.seal(database) == 2
    assert broken(database) == []
    return database


def test_a_row_can_neither_be_changed_nor_removed_by_mistake(sealed: Database, rows: psycopg.Connection) -> None:
    for statement in (
        "UPDATE audit SET action = 'thing.hide'",
        "DELETE FROM audit",
        "UPDATE audit SET seal_id = 1",
    ):
        with pytest.raises(psycopg.errors.RaiseException, match="never changed"):
            rows.execute(statement)


TAMPERED = [
    "UPDATE audit SET action = 'thing.hide' WHERE id = 3",
    """UPDATE audit SET detail = '{"number": 7, "why": "æøå"}' WHERE id = 3""",
    "UPDATE audit SET organisation = NULL WHERE id = 3",
    "UPDATE audit SET recorded_at = recorded_at + interval '1 microsecond' WHERE id = 3",
    "DELETE FROM audit WHERE id = 3",
    "INSERT INTO audit (client, request_id, action, subject, detail, seal_id) VALUES ('x', '-', 'a', 'b', '{}', 2)",
    "UPDATE audit_seal SET sha256 = sha256('x') WHERE id = 2",
]


@pytest.mark.parametrize("tampering", TAMPERED)
def test_tampering_breaks_the_chain(sealed: Database, rows: psycopg.Connection, tampering: str) -> None:
    rows.execute("ALTER TABLE audit DISABLE TRIGGER audit_is_final")
    rows.execute(tampering)
    assert 2 in broken(sealed)


def test_a_removed_seal_is_missed(sealed: Database, rows: psycopg.Connection) -> None:
    rows.execute("ALTER TABLE audit DISABLE TRIGGER audit_is_final")
    rows.execute("DELETE FROM audit WHERE seal_id = 2")
    rows.execute("DELETE FROM audit_seal WHERE id = 2")
    assert set(broken(sealed)) == {2, 3}


def test_what_is_not_sealed_yet_is_not_broken(sealed: Database) -> None:
    write(sealed, 9)
    assert broken(sealed) == []
    assert audit.seal(sealed) == 2
    assert audit.seal(sealed) == 0


def test_sealers_and_writers_do_not_disturb_each_other(database: Database, rows: psycopg.Connection) -> None:
    work: list[Callable[[], object]] = []
    for number in range(40):
        work += [partial(write, database, number), partial(audit.seal, database)]
    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(one) for one in work]:
            done.result()
    audit.seal(database)
    assert broken(database) == []
    assert rows.execute("SELECT count(*), sum(rows) FROM audit_seal").fetchall()[0][1] == 80
    assert rows.execute("SELECT count(*) FROM audit WHERE seal_id IS NULL").fetchone() == (0,)
