"""Specifications that were there before versions had a timeline keep their day, and drafts survive going back."""

import psycopg
from alembic import command

from services.chassis import db, embedded

BEFORE, AFTER = "c1a7a1060004", "c1a7a1060005"


def test_versions_keep_the_day_that_they_took_effect_on(server: embedded.Server) -> None:
    url = server.create("specifications_before")
    config = db.migrations("catalog")
    config.attributes["url"] = url
    command.upgrade(config, BEFORE)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            """
            INSERT INTO specification (slug, level, name) VALUES ('alarm', 1, '{"nb": "Alarm"}');
            INSERT INTO specificationversion (specification_id, label, effective_on)
            SELECT id, label, effective_on FROM specification,
                   (VALUES ('1.0', DATE '2025-07-01'), ('2.0', DATE '2999-01-01')) AS version (label, effective_on)
            """
        )
    command.upgrade(config, AFTER)
    with psycopg.connect(url, autocommit=True) as connection:
        events = connection.execute(
            "SELECT label, kind, e.effective_on::text, recorded_at <= now(), back_dated FROM specificationversion v "
            "JOIN specificationversion_event e ON e.version_id = v.id ORDER BY label"
        ).fetchall()
        assert events == [
            ("1.0", "published", "2025-07-01", True, False),
            ("2.0", "published", "2999-01-01", True, False),
        ]
        kept = connection.execute("SELECT national, owner_id, revision FROM specification").fetchall()
        assert kept == [(True, None, 1)], "the editors', as before"
        connection.execute(
            "INSERT INTO specificationversion (specification_id, label) SELECT id, '3' FROM specification"
        )
    command.downgrade(config, BEFORE)
    with psycopg.connect(url, autocommit=True) as connection:
        days = connection.execute("SELECT label, effective_on FROM specificationversion ORDER BY label").fetchall()
        assert [(label, str(day)) for label, day in days] == [
            ("1.0", "2025-07-01"),
            ("2.0", "2999-01-01"),
            ("3", "9999-12-31"),
        ]
    server.drop("specifications_before")
