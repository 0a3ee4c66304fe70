"""What is said to be saved is a multiple of a stated assumption, which stands beside it."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from services.agreements.savings import rules
from tests.agreements.conftest import JOINT_UNIT
from tests.conftest import NewDatabase, serving
from tests.issuer import Issuer

HERE = "/framework-agreements/ra-2026-velferdsteknologi"
ASSUMED = {
    "counted": "call_off",
    "hours_per_procurement": "40.50",
    "per_hour_excl_vat": "800.00",
    "further_per_procurement_excl_vat": "0.10",
    "source": "Til prøving (fiktivt)",
    "assumed_on": "2026-11-02",
}


@pytest.fixture(scope="module")
def api(apps: Callable[[str], FastAPI], shared_database: NewDatabase) -> Iterator[TestClient]:
    with serving(apps("agreements"), shared_database("agreements", seeded=True)) as client:
        yield client


money = st.integers(0, 10**8).map(lambda ore: Decimal(ore).scaleb(-2))


@given(st.integers(0, 1000), st.integers(0, 10**6).map(lambda one: Decimal(one).scaleb(-2)), money, money)
def test_every_procurement_saves_the_same(number: int, hours: Decimal, per_hour: Decimal, further: Decimal) -> None:
    saving = rules.saved(number, hours=hours, per_hour=per_hour, further=further)
    assert saving.hours == number * hours
    assert abs(saving.amount - number * (hours * per_hour + further)) <= Decimal("0.005")


def read(api: TestClient, **query: Any) -> Any:
    answer = api.get(f"{HERE}/savings", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_assumption_stands_beside_the_number_and_versions_stay(api: TestClient, issuer: Issuer) -> None:
    """On 20 November one call-off was accepted."""
    day = {"from_on": "2026-11-20", "to_on": "2026-11-20"}
    first = read(api, **day)
    assert first["assumption"]["source"].startswith("Anslag fra fellesenheten")
    assert (first["procurements_avoided"], first["hours_saved"], first["saved_excl_vat"]) == (1, "60.00", "60000.00")
    owner = issuer.bearer(JOINT_UNIT, "agreements.manage")
    tried = api.post(f"{HERE}/saving-assumptions", params={"dry_run": "true"}, json=ASSUMED, headers=owner)
    assert (tried.status_code, tried.json()["version"]) == (200, 2)
    assert api.post(f"{HERE}/saving-assumptions", json=ASSUMED, headers=owner).status_code == 201
    second = read(api, **day)
    assert second["assumption"] | ASSUMED == second["assumption"]
    assert second["assumption"]["version"] == 2
    assert second["saved_excl_vat"] == "32400.10"
    assert read(api, **day, version=1) == first
    listed = api.get(f"{HERE}/saving-assumptions").json()["items"]
    assert listed == [first["assumption"], second["assumption"]]
    assert api.get(f"{HERE}/savings", params={"version": 3}).status_code == 404


def test_a_buyers_whole_use_of_a_lot_may_count_as_one(api: TestClient) -> None:
    """Two call-offs of one buyer in one lot were accepted altogether."""
    whole = read(api, version=1)
    assert (whole["call_offs"], whole["procurements_avoided"]) == (2, 1)
    assert read(api, to_on="2020-01-01", version=1)["saved_excl_vat"] == "0.00"


def test_an_order_whose_posting_was_reversed_saved_nothing(api: TestClient, issuer: Issuer) -> None:
    day = {"from_on": "2026-11-20", "to_on": "2026-11-20", "version": 1}
    assert read(api, **day)["procurements_avoided"] == 1
    owner = issuer.bearer(JOINT_UNIT, "agreements.read", "agreements.manage")
    entries = api.get("/ledger/entries", params={"effective_from_on": "2026-11-20"}, headers=owner).json()["items"]
    (posting,) = [one for one in entries if one["kind"] == "post" and one["effective_on"] == "2026-11-20"]
    body = {"reason": "Prøve", "effective_on": "2026-11-20", "back_dating_reason": "Ført feil (fiktivt)"}
    path = f"/ledger/entries/{posting['id']}/reverse"
    answer = api.post(path, json=body, headers=owner | {"Idempotency-Key": "savings-reverse"})
    assert answer.status_code == 201, answer.text
    assert read(api, **day)["procurements_avoided"] == 0
