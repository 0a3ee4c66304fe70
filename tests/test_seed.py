"""The seed data without what is made up: what production begins with."""

from importlib import import_module

import psycopg
import pytest
from psycopg import sql

from services.chassis import db
from services.settings import RunSettings
from tests.conftest import NewDatabase

EVERY = """
SELECT table_name FROM information_schema.tables
 WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name NOT LIKE 'procrastinate%' ORDER BY 1
"""
FICTIONAL = (b"fiktiv", b"100000008", b"100000016", b"100000024")
REAL = {
    "catalog": {"organisation", "component", "standard", "cooperation"},
    "agreements": {"threshold", "costmodel"},
    "integration": set(),
}


@pytest.mark.parametrize("service", REAL)
def test_without_what_is_made_up_only_real_rows_are_loaded(new_database: NewDatabase, service: str) -> None:
    url = new_database(service)
    database = db.Database(url)
    for _ in range(2):
        import_module(f"services.{service}.seed").load(database, tell=lambda line: None, made_up=False)
    database.close()
    with psycopg.connect(url) as connection:
        filled: set[str] = set()
        for (name,) in connection.execute(EVERY).fetchall():
            rows = connection.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(name))).fetchall()
            filled |= {name.replace("_", "")} if rows else set()
            told = " ".join(row for (row,) in rows).encode().lower()
            assert not [one for one in FICTIONAL if one in told], name
    assert filled >= REAL[service], filled


@pytest.mark.parametrize(
    ("env", "fictional", "made_up"),
    [("sandbox", True, True), ("sandbox", False, False), ("production", True, False), ("production", False, False)],
)
def test_production_never_has_what_is_made_up(env: str, fictional: bool, made_up: bool) -> None:
    assert RunSettings(env=env, fictional=fictional).made_up is made_up
