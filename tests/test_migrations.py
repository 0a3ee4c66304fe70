"""Migrations arrive at exactly the tables that the code declares, and can be undone."""

import psycopg
import pytest
from alembic import command

from services.chassis import db, embedded
from tests.conftest import SECTIONS


@pytest.mark.parametrize("section", SECTIONS)
def test_migrations_arrive_without_drift_and_can_be_undone(server: embedded.Server, section: str) -> None:
    url = server.create(f"drift_{section}")
    config = db.migrations(section)
    config.attributes |= {"url": url, "compared": True}
    command.upgrade(config, "head")
    command.check(config)
    command.downgrade(config, "base")
    with psycopg.connect(url) as connection:
        left = connection.execute(
            "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = 'public' AND relkind IN ('r', 'S', 'v')"
        ).fetchall()
    assert {name for (name,) in left} <= {"alembic_version"}
    command.upgrade(config, "head")
    server.drop(f"drift_{section}")
