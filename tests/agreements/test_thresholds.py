"""Thresholds by day: what is in the table holds, and what is not is refused."""

from collections.abc import Callable
from datetime import date
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from services.agreements.frameworks.rules import ContractKind
from services.agreements.seed import load
from services.agreements.thresholds import rules
from services.agreements.thresholds.rules import Kind
from services.chassis import clock
from services.chassis.db import Database
from tests.agreements.conftest import BRONNOY, JOINT_UNIT
from tests.agreements.test_framework_agreements import NEW, PATH
from tests.issuer import Issuer

Add = Callable[..., Any]


@pytest.fixture
def owner(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(JOINT_UNIT, "agreements.manage", "agreements.read")


@pytest.fixture
def add(api: TestClient, owner: dict[str, str]) -> Add:
    def send(headers: dict[str, str] | None = None, **changes: Any) -> Any:
        row = {
            "kind": "national",
            "amount_excl_vat": "1400000.00",
            "valid_from_on": "2028-01-01",
            "source": "Prøve (fiktiv)",
        }
        return api.post("/thresholds", json=row | changes, headers=headers or owner)

    return send


def amounts(api: TestClient, on: str, **more: str) -> dict[str, str]:
    items = api.get("/thresholds", params={"on": on} | more).json()["items"]
    return {one["kind"]: one["amount_excl_vat"] for one in items}


@pytest.mark.parametrize(
    ("on", "kinds"),
    [
        ("2024-03-13", []),
        ("2024-03-14", ["eea_goods_services", "eea_works", "national"]),
        ("2025-12-31", ["eea_goods_services", "eea_works", "national"]),
        ("2027-12-31", ["eea_goods_services", "eea_works", "national"]),
        ("2028-01-01", ["national"]),
    ],
)
def test_what_is_known_holds_from_its_first_day_to_its_last(api: TestClient, on: str, kinds: list[str]) -> None:
    assert list(amounts(api, on)) == kinds


def test_the_confirmed_rows_are_real_and_those_carried_on_are_marked(api: TestClient) -> None:
    items = api.get("/thresholds").json()["items"]
    assert {one["valid_from_on"]: one["fictional"] for one in items} == {"2024-03-14": False, "2026-01-01": True}
    assert amounts(api, "2025-06-01") == {
        "eea_goods_services": "2300000.00",
        "eea_works": "57800000.00",
        "national": "1300000.00",
    }


def test_of_two_for_the_same_first_day_the_one_added_last_counts(api: TestClient, add: Add) -> None:
    assert add().status_code == 201
    between = clock.now()
    assert add(amount_excl_vat="1500000.00", valid_to_on="2028-06-30").status_code == 201
    assert amounts(api, "2028-06-30")["national"] == "1500000.00"
    assert amounts(api, "2028-06-30", known_at=between.isoformat())["national"] == "1400000.00"
    assert amounts(api, "2028-07-01")["national"] == "1300000.00", "the one from 2024 has no known end"


def test_a_row_from_a_day_that_has_passed_needs_a_reason_and_is_flagged(add: Add) -> None:
    refused = add(valid_from_on="2026-02-01", valid_to_on="2026-01-01")
    assert [one["pointer"] for one in refused.json()["errors"]] == ["#/valid_to_on", "#/reason"]
    made = add(valid_from_on="2026-02-01", reason="Glemt")
    assert (made.status_code, made.json()["back_dated"], made.json()["organisation"]) == (201, True, JOINT_UNIT)


def test_only_the_keeper_adds_rows(add: Add, issuer: Issuer) -> None:
    answer = add(issuer.bearer(BRONNOY, "agreements.manage"))
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/not-threshold-keeper")


def test_a_row_is_never_changed(rows: psycopg.Connection) -> None:
    for statement in ("UPDATE threshold SET amount = 1", "DELETE FROM threshold"):
        with pytest.raises(psycopg.errors.RaiseException):
            rows.execute(statement)


def test_loading_the_seed_again_adds_none(api: TestClient, url: str) -> None:
    before = api.get("/thresholds").json()
    database = Database(url)
    load(database, tell=lambda _: None)
    database.close()
    assert api.get("/thresholds").json() == before


def test_an_announcement_on_a_day_without_thresholds_is_refused(
    api: TestClient, owner: dict[str, str], rows: psycopg.Connection
) -> None:
    rows.execute("TRUNCATE threshold")
    api.post("/framework-agreements", json=NEW | {"contract_kind": "works"}, headers=owner)
    refused = api.post(f"{PATH}/announce", json={}, headers=owner)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/threshold-missing")
    assert [one["kind"] for one in refused.json()["errors"]] == ["eea_works", "national"]
    assert api.get(PATH, headers=owner).json()["state"] == "draft"


@pytest.mark.parametrize("kind", ContractKind)
def test_both_thresholds_of_what_is_procured_are_needed(kind: ContractKind) -> None:
    day = date(2026, 6, 1)
    assert rules.check_known(kind, set(Kind), day) == []
    assert len(rules.check_known(kind, set(), day)) == 2
    other = {Kind.EEA_WORKS, Kind.EEA_GOODS_SERVICES} - set(rules.NEEDED[kind])
    assert len(rules.check_known(kind, other, day)) == 2
