"""What anybody may read, and what is somebody's own."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.agreements.conftest import BRONNOY
from tests.issuer import Issuer

AGREEMENT = "/framework-agreements/ra-2026-velferdsteknologi"
OPEN = (
    "/framework-agreements",
    AGREEMENT,
    f"{AGREEMENT}/history",
    f"{AGREEMENT}/announcement",
    f"{AGREEMENT}/capacity",
    "/thresholds",
)


@pytest.mark.parametrize("path", OPEN)
def test_without_a_token_it_can_be_read(api: TestClient, path: str) -> None:
    answer = api.get(path)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("path", OPEN)
def test_a_token_that_does_not_hold_is_refused_all_the_same(api: TestClient, path: str) -> None:
    assert api.get(path, headers={"Authorization": "Bearer x.y.z"}).status_code == 401


@pytest.mark.parametrize("path", OPEN)
def test_a_token_without_scopes_opens_what_is_open(api: TestClient, issuer: Issuer, path: str) -> None:
    assert api.get(path, headers=issuer.bearer(BRONNOY)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/framework-agreements", {}),
        ("PATCH", AGREEMENT, {}),
        ("POST", f"{AGREEMENT}/suspend", {}),
        ("POST", "/thresholds", {}),
        ("GET", "/call-offs", None),
        ("GET", "/events", None),
    ],
)
def test_changes_and_orders_need_a_token(api: TestClient, method: str, path: str, body: Any) -> None:
    assert api.request(method, path, json=body).status_code == 401


def test_suppliers_ceilings_and_spend_are_told_to_all_and_buyers_orders_to_none(api: TestClient) -> None:
    told = api.get(f"{AGREEMENT}/capacity").json()
    assert told["room"]["ceiling_excl_vat"] == "24000000.00"
    assert float(told["room"]["reserved_excl_vat"]) > 0
    assert told["suppliers"] == [], "what a supplier has sold is its own, the owner's and the buyers' to see"
    assert told["buyers"] == []
    read = api.get(AGREEMENT).json()
    assert len(read["participants"]) == 18
    assert set(read["participants"][0]) == {
        *("organisation_id", "organisation_number", "name", "ceiling_excl_vat", "quantities")
    }, "the announced maximum, and nothing of what is ordered"
