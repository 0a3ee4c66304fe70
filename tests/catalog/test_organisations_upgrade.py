"""A database from before there was a history keeps what it has, and gets the history on top."""

from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest
from alembic import command

from services.catalog.seed import co_operations, organisations
from services.chassis import db, embedded
from services.chassis.values import seed_id

BEFORE, AFTER = "2844f2db15b8", "c1a7a1060002"
ROWS = """
INSERT INTO organisation
 (id, uuid, kinds, name, sort_key, organisation_number, county_number, population, population_on, fictional) VALUES
 (1, '{bronnoy}', '{{municipality}}', 'Brønnøy kommune', 'br{{2nn{{2y kommune', '964983291', '18', 7826, '2024-01-01',
  false),
 (2, '{asker}', '{{municipality}}', 'Asker kommune', 'asker kommune', '920125298', '32', 98815, '2024-01-01', false),
 (3, '{d_ikt}', '{{co_operation}}', 'D-IKT', 'd-ikt', NULL, NULL, NULL, NULL, false);
SELECT setval('organisation_id_seq', 10);
INSERT INTO municipalitynumber (organisation_id, number, valid_from_on, valid_to_on) VALUES
 (1, '1813', '2020-01-01', NULL), (2, '3025', '2020-01-01', '2023-12-31'), (2, '3203', '2024-01-01', NULL);
INSERT INTO cooperation
 (id, organisation_id, slug, source_id, region, as_of_on, form_in_source, form, units, corrections) VALUES
 (1, 3, 'd-ikt', 'IKT-05', 'BTV', '2015-10-30', '§ 27', '§ 27-samarbeid',
  '[{{"form": "section_27", "law": "kommuneloven 1992 § 27"}}]', '[]');
SELECT setval('cooperation_id_seq', 10);
INSERT INTO member (id, co_operation_id, place, name, kind, municipality_number, organisation_number) VALUES
 (1, 1, 0, 'Røyken', 'municipality', '0627', '938709866'),
 (2, 1, 1, 'Sande (Vestfold)', 'municipality', '0713', '938971471'),
 (3, 1, 2, 'Rissa', 'municipality', '1624', NULL);
SELECT setval('member_id_seq', 10);
INSERT INTO membertoday (member_id, organisation_id, relation) VALUES (1, 2, 'inherited_unconfirmed');
"""


def uuid(number: str) -> UUID:
    return seed_id(f"organisation:{number}")


@pytest.fixture
def url(server: embedded.Server) -> Iterator[str]:
    url = server.create("before_history")
    config = db.migrations("catalog")
    config.attributes["url"] = url
    command.upgrade(config, BEFORE)
    with psycopg.connect(url) as connection:
        rows = ROWS.format(bronnoy=uuid("964983291"), asker=uuid("920125298"), d_ikt=seed_id("co-operation:d-ikt"))
        connection.execute(rows.encode())
    yield url
    server.drop("before_history")


def test_rows_of_before_survive_and_get_their_history(url: str) -> None:
    config = db.migrations("catalog")
    config.attributes["url"] = url
    command.upgrade(config, AFTER)
    with psycopg.connect(url) as connection:
        members = connection.execute(
            "SELECT m.name, o.name, o.uuid, s.as_of_on::text FROM member m "
            "JOIN organisation o ON o.id = organisation_id "
            "JOIN cooperationstate s ON s.id = state_id ORDER BY place"
        ).fetchall()
    assert members == [
        ("Røyken", "Røyken kommune", uuid("938709866"), "2015-10-30"),
        ("Sande (Vestfold)", "Sande kommune", uuid("938971471"), "2015-10-30"),
        ("Rissa", "Rissa kommune", seed_id("municipality:1624:Rissa"), "2015-10-30"),
    ]
    command.upgrade(config, "head")
    database = db.Database(url)
    with database.writing() as session:
        assert organisations.load(session) > 400
        assert co_operations.load(session) == 51, "the one that was there is not loaded again"
        assert organisations.load(session) == co_operations.load(session) == 0
    database.close()
    with psycopg.connect(url) as connection:
        numbers = connection.execute(
            "SELECT number, valid_from_on::text, valid_to_on::text FROM municipalitynumber n JOIN organisation o "
            "ON o.id = n.organisation_id WHERE o.organisation_number IN ('964983291', '938709866') ORDER BY number"
        ).fetchall()
        twice = connection.execute("SELECT name FROM organisation GROUP BY uuid, name HAVING count(*) > 1").fetchall()
    assert numbers == [("0627", None, "2019-12-31"), ("1813", None, None)]
    assert twice == []


def test_going_back_keeps_the_oldest_state(url: str) -> None:
    config = db.migrations("catalog")
    config.attributes["url"] = url
    command.upgrade(config, AFTER)
    command.downgrade(config, BEFORE)
    with psycopg.connect(url) as connection:
        kept = connection.execute("SELECT slug, source_id, as_of_on::text, form FROM cooperation").fetchall()
        members = connection.execute("SELECT name, kind, co_operation_id FROM member ORDER BY place").fetchall()
    assert kept == [("d-ikt", "IKT-05", "2015-10-30", "§ 27-samarbeid")]
    assert members == [(name, "municipality", 1) for name in ("Røyken", "Sande (Vestfold)", "Rissa")]
