"""The ledger adds up, or it is told where it does not."""

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from services.agreements.jobs import Proofs
from services.agreements.proofs import store as proofs
from services.chassis.clock import today
from tests.agreements.conftest import BRONNOY, FJORDVAKT, JOINT_UNIT
from tests.conftest import state
from tests.issuer import Issuer

AGREEMENT = "ra-2026-velferdsteknologi"


def proof(api: TestClient, issuer: Issuer, organisation: str = JOINT_UNIT, **query: Any) -> Any:
    answer = api.get("/ledger/proof", params=query, headers=issuer.bearer(organisation, "agreements.read"))
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_seeded_ledger_adds_up(api: TestClient, issuer: Issuer, rows: psycopg.Connection) -> None:
    told = proof(api, issuer)
    assert (told["holds"], told["drifts"], told["daily"]) == (True, [], None)
    assert [told["entries"]] == list(rows.execute("SELECT count(*) FROM entry").fetchone() or ())
    assert [told["balances"]] == list(rows.execute("SELECT count(*) FROM balance").fetchone() or ())
    one = proof(api, issuer, framework_agreement=AGREEMENT)
    assert one["holds"]
    assert 0 < one["entries"] < told["entries"]
    assert proof(api, issuer, BRONNOY)["balances"] == 0, "who owns no agreement has none to prove"


def test_only_the_owner_proves_an_agreement(api: TestClient, issuer: Issuer) -> None:
    for organisation in (BRONNOY, FJORDVAKT):
        answer = api.get(
            "/ledger/proof",
            params={"framework_agreement": AGREEMENT},
            headers=issuer.bearer(organisation, "agreements.read"),
        )
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/not-your-ledger")


WRONG = {
    "agreement": ("framework_agreement", None, "UPDATE balance SET reserved = reserved + 1 WHERE id = {}"),
    "lot": ("lot", None, "UPDATE balance SET posted = posted + 1 WHERE id = {}"),
    "supplier": ("supplier", FJORDVAKT, "UPDATE balance SET reserved = reserved + 0.01 WHERE id = {}"),
    "buyer": ("buyer", BRONNOY, "UPDATE balance SET reserved = reserved + 1, posted = posted + 1 WHERE id = {}"),
    "none": ("buyer", BRONNOY, "DELETE FROM balance WHERE id = {}"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_balance_that_is_wrong_at_any_level_is_found(
    api: TestClient, issuer: Issuer, rows: psycopg.Connection, wrong: str
) -> None:
    level, organisation, statement = WRONG[wrong]
    query = """
        SELECT b.id FROM entry e JOIN frameworkagreement f ON f.id = e.framework_id AND f.slug = %(slug)s
          JOIN balance b ON b.scope = %(level)s AND b.item = '' AND b.subject_id = CASE b.scope
               WHEN 'framework_agreement' THEN e.framework_id WHEN 'lot' THEN e.lot_id
               WHEN 'supplier' THEN e.place_id ELSE e.participant_id END
         WHERE e.buyer = %(buyer)s LIMIT 1
    """
    (number,) = rows.execute(query, {"slug": AGREEMENT, "level": level, "buyer": BRONNOY}).fetchone() or ()
    rows.execute(statement.format(number).encode())
    told = proof(api, issuer)
    assert told["holds"] is False
    (drift,) = told["drifts"]
    assert (drift["level"], drift["framework_agreement"]) == (level, AGREEMENT)
    assert (drift["organisation_number"], drift["lot"]) == (
        organisation,
        "alarmer" if level in ("lot", "supplier") else None,
    )
    assert proof(api, issuer, framework_agreement="ra-2026-driftsplattform")["holds"], "only that one is wrong"


def test_an_entry_that_is_not_its_lines_is_found(api: TestClient, issuer: Issuer, rows: psycopg.Connection) -> None:
    rows.execute("ALTER TABLE entryline DISABLE TRIGGER entryline_is_final")
    rows.execute(
        "UPDATE entryline SET reserved = reserved + 1 WHERE entry_id = (SELECT min(id) FROM entry) AND position = 1"
    )
    told = proof(api, issuer)["drifts"]
    assert sorted(one["level"] for one in told) == ["buyer", "framework_agreement", "lot", "supplier"]
    assert {one["reserved_excl_vat"] for one in told} == {"0.00"}, "the balances are as they were"


def test_a_quantity_that_is_wrong_is_found(api: TestClient, issuer: Issuer, rows: psycopg.Connection) -> None:
    rows.execute(
        "INSERT INTO balance (scope, subject_id, item, ceiling, reserved, posted) "
        "SELECT 'framework_agreement', id, 'alarm', 500, 7, 0 FROM frameworkagreement WHERE slug = %s",
        [AGREEMENT],
    )
    (drift,) = proof(api, issuer)["drifts"]
    assert (drift["item"], drift["reserved_excl_vat"]) == ("alarm", None)
    held = "SELECT sum(quantity_reserved) FROM entryline l JOIN entry e ON e.id = l.entry_id WHERE l.item = 'alarm'"
    (sum_of_lines,) = rows.execute(held.encode()).fetchone() or (0,)
    assert drift["quantity_reserved"] == 7 - sum_of_lines


def test_once_a_day_the_whole_ledger_is_proven_and_drift_is_told(
    api: TestClient, issuer: Issuer, rows: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    rows.execute(
        "UPDATE balance SET reserved = reserved + 1 WHERE scope = 'framework_agreement' AND item = '' AND subject_id = "
        "(SELECT id FROM frameworkagreement WHERE slug = %s)",
        [AGREEMENT],
    )
    job = Proofs(state(api).database)
    with caplog.at_level(logging.ERROR, "ledger"):
        for _ in range(3):
            job.due()
    (line,) = caplog.records
    assert AGREEMENT in line.getMessage()
    assert rows.execute("SELECT drifts FROM proof").fetchall() == [(1,)]
    events = api.get("/events", params={"limit": 200}, headers=issuer.bearer(JOINT_UNIT, "agreements.read"))
    (event,) = [one for one in events.json()["items"] if one["type"] == "ledger.drift"]
    assert event["data"]["reserved_too_high_by"] == "1.00"
    assert event["subject"] == f"/framework-agreements/{AGREEMENT}"
    daily = proof(api, issuer)["daily"]
    assert (daily["proven_on"], daily["holds"]) == (str(today()), False)


def test_two_workers_prove_a_day_once(api: TestClient, rows: psycopg.Connection) -> None:
    """The second waits for the first, and then finds it done."""
    database = state(api).database
    rows.execute("UPDATE balance SET reserved = reserved + 1 WHERE scope = 'framework_agreement' AND item = ''")

    def prove(_: int) -> int:
        with database.writing() as session:
            return len(proofs.due(session, today()))

    with ThreadPoolExecutor(4) as workers:
        found = sorted(workers.map(prove, range(4)))
    assert found[:3] == [0, 0, 0]
    assert found[3] > 1
    assert rows.execute("SELECT count(*), sum(drifts) FROM proof").fetchone() == (1, found[3])
    assert rows.execute("SELECT count(*) FROM event WHERE type = 'ledger.drift'").fetchone() == (found[3],)
