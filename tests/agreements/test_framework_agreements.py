"""A framework agreement from draft to active, and who may change it."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.agreements.conftest import BRONNOY, FJORDVAKT, JOINT_UNIT, NORDLYS
from tests.issuer import Issuer

NEW: dict[str, Any] = {
    "slug": "ra-2026-proev",
    "title": {"nb": "Prøve (fiktiv)"},
    "notice_reference": "2026-1 (fiktiv)",
    "cpv": ["48000000"],
    "starts_on": "2026-01-01",
    "ends_on": "2029-12-31",
    "estimate_excl_vat": "800.00",
    "ceiling_excl_vat": "1000.00",
    "approval_limit_excl_vat": "500.00",
    "lots": [
        {"slug": "en", "title": {"nb": "En"}},
        {"slug": "to", "title": {"nb": "To"}, "ceiling_excl_vat": "300.00"},
    ],
    "participants": [BRONNOY],
}


@pytest.fixture
def owner(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(JOINT_UNIT, "agreements.manage", "agreements.read")


def place(lot: str, supplier: str = FJORDVAKT, rank: int = 1) -> dict[str, Any]:
    price = {"item": "time", "name": {"nb": "Time"}, "unit": "t", "unit_price_excl_vat": "100.00", "vat_percent": "25"}
    return {"lot": lot, "supplier": supplier, "rank": rank, "prices": [price]}


def test_from_draft_to_a_call_off(api: TestClient, owner: dict[str, str], buyer: dict[str, str]) -> None:
    path = f"/framework-agreements/{NEW['slug']}"
    made = api.post("/framework-agreements", json=NEW, headers=owner)
    assert (made.status_code, made.json()["state"], made.headers["location"]) == (201, "draft", path), made.text
    assert made.json()["participants"][0]["name"] == "Brønnøy kommune"
    step = {"reason": "Vedtak"}
    assert api.post(f"{path}/announce", json=step, headers=owner).json()["state"] == "announced"
    given = api.post(f"{path}/places", json=place("en"), headers=owner)
    assert (given.status_code, given.json()["supplier_name"]) == (201, "Fjordvakt Velferd AS (fiktiv)"), given.text
    assert given.json()["prices"][0]["unit_price_excl_vat"] == "100.00"
    assert api.post(f"{path}/award", json=step, headers=owner).json()["state"] == "standstill"
    without = api.post(f"{path}/activate", json=step, headers=owner)
    assert (without.status_code, without.json()["type"]) == (409, "/problems/lot-without-place")
    assert api.get(path, headers=owner).json()["state"] == "standstill", "a refused step leaves the state"
    assert api.post(f"{path}/places", json=place("to", NORDLYS), headers=owner).status_code == 201
    assert api.post(f"{path}/activate", json=step, headers=owner).json()["state"] == "active"
    late = api.post(f"{path}/places", json=place("to", rank=2), headers=owner)
    assert (late.status_code, late.json()["type"]) == (409, "/problems/places-closed")
    order = {
        "framework_agreement": NEW["slug"],
        "lot": "to",
        "lines": [{"item": "time", "quantity": 3}],
        "needed_on": "2029-06-01",
    }
    placed = api.post("/call-offs", json=order, headers=buyer | {"Idempotency-Key": "a"})
    assert placed.status_code == 201, placed.text
    full = api.post("/call-offs", json=order, headers=buyer | {"Idempotency-Key": "b"})
    assert full.json()["left_excl_vat"] == "0.00"
    shown = api.get(path, headers=owner).json()
    assert shown["room"] == {
        "ceiling_excl_vat": "1000.00",
        "reserved_excl_vat": "300.00",
        "posted_excl_vat": "0.00",
        "left_excl_vat": "700.00",
    }
    assert shown["lots"][0]["room"]["left_excl_vat"] is None


@pytest.mark.parametrize(
    ("change", "type", "pointer"),
    [
        ({"ends_on": "2030-01-01"}, "period-invalid", "#/period_rationale"),
        ({"ends_on": "2025-01-01"}, "period-invalid", "#/ends_on"),
        ({"estimate_excl_vat": "1000.01"}, "ceiling-invalid", "#/estimate_excl_vat"),
        ({"participants": [BRONNOY, "974760673", "100000083"]}, "organisation-unknown", "#/participants/2"),
        ({"participants": []}, "invalid-request", "#/participants"),
        ({"cpv": ["4800"]}, "invalid-request", "#/cpv/0"),
        ({"lots": []}, "invalid-request", "#/lots"),
        ({"ceiling_excl_vat": None}, "invalid-request", "#/ceiling_excl_vat"),
        ({"slug": "Ikke gyldig"}, "invalid-request", "#/slug"),
    ],
    ids=str,
)
def test_terms_that_do_not_hold_are_named(
    api: TestClient, owner: dict[str, str], change: dict[str, Any], type: str, pointer: str
) -> None:
    answer = api.post("/framework-agreements", json=NEW | change, headers=owner)
    assert answer.status_code == 422, answer.text
    assert (f"/problems/{type}", pointer) in [(one["type"], one.get("pointer")) for one in answer.json()["errors"]]
    assert api.get(f"/framework-agreements/{NEW['slug']}", headers=owner).status_code == 404


def test_a_name_is_taken_once(api: TestClient, owner: dict[str, str]) -> None:
    api.post("/framework-agreements", json=NEW, headers=owner)
    again = api.post("/framework-agreements", json=NEW, headers=owner)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/framework-agreement-slug-taken")


def test_only_the_owner_changes_it(api: TestClient, issuer: Issuer) -> None:
    stranger = issuer.bearer(BRONNOY, "agreements.manage")
    answer = api.post("/framework-agreements/ra-2026-velferdsteknologi/suspend", json={}, headers=stranger)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/not-owner")


def test_a_suspended_agreement_takes_no_call_offs_and_keeps_those_it_has(
    api: TestClient, owner: dict[str, str], buyer: dict[str, str], order: dict[str, Any]
) -> None:
    kept = api.post("/call-offs", json=order, headers=buyer | {"Idempotency-Key": "a"}).json()
    suspended = api.post("/framework-agreements/ra-2026-velferdsteknologi/suspend", json={}, headers=owner)
    assert suspended.json()["state"] == "suspended"
    refused = api.post("/call-offs", json=order, headers=buyer | {"Idempotency-Key": "b"})
    assert refused.json()["type"] == "/problems/agreement-not-open"
    assert api.get(f"/call-offs/{kept['id']}", headers=buyer).json()["state"] == "sent"


def test_a_place_and_a_rank_are_given_once(api: TestClient, owner: dict[str, str]) -> None:
    path = "/framework-agreements/ra-2027-digitalt-tilsyn/places"
    for taken in (place("sensorer", NORDLYS, 2), place("sensorer", FJORDVAKT, 1)):
        answer = api.post(path, json=taken, headers=owner)
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/place-taken")
    assert api.post(path, json=place("sensorer", FJORDVAKT, 2), headers=owner).status_code == 201


def test_agreements_are_listed_page_by_page(api: TestClient, owner: dict[str, str]) -> None:
    first = api.get("/framework-agreements?limit=3", headers=owner)
    rest = api.get(first.links["next"]["url"], headers=owner).json()
    slugs = [one["slug"] for one in first.json()["items"] + rest["items"]]
    assert slugs == sorted(slugs)
    assert len(slugs) == 5
    assert rest["next"] is None


def test_places_are_listed_by_lot_and_rank(api: TestClient, owner: dict[str, str]) -> None:
    listed = api.get("/framework-agreements/ra-2026-velferdsteknologi/places", headers=owner).json()["items"]
    assert [(one["lot"], one["rank"]) for one in listed] == [
        *[("alarmer", rank) for rank in (1, 2, 3)],
        *[("tilsyn", rank) for rank in (1, 2, 3)],
    ]


def test_an_agreement_that_is_to_come_shows_the_prices_of_its_first_day(api: TestClient, owner: dict[str, str]) -> None:
    listed = api.get("/framework-agreements/ra-2027-dorlaser/places", headers=owner).json()["items"]
    assert [price["item"] for price in listed[0]["prices"]] == ["dorlas"]
