"""A municipality sees its own call-offs, a supplier those sent to it; for all others there is none."""

from decimal import Decimal
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.agreements.conftest import ALSTAHAUG, BRONNOY, FJORDVAKT, JOINT_UNIT, NORDLYS, Place
from tests.issuer import Issuer


@pytest.fixture
def sent(place: Place) -> str:
    return str(place().json()["id"])


@pytest.fixture
def waiting(place: Place) -> str:
    return str(place(lines=[{"item": "alarm", "quantity": 300}]).json()["id"])


def read(api: TestClient, issuer: Issuer, organisation: str, id: str) -> Any:
    return api.get(f"/call-offs/{id}", headers=issuer.bearer(organisation, "agreements.read"))


@pytest.mark.parametrize(
    ("organisation", "status"), [(BRONNOY, 200), (FJORDVAKT, 200), (NORDLYS, 404), (ALSTAHAUG, 404), (JOINT_UNIT, 404)]
)
def test_a_sent_call_off(api: TestClient, issuer: Issuer, sent: str, organisation: str, status: int) -> None:
    answer = read(api, issuer, organisation, sent)
    assert answer.status_code == status
    headers = issuer.bearer(organisation, "agreements.read")
    assert api.get(f"/call-offs/{sent}/history", headers=headers).status_code == status
    letter = api.get(f"/call-offs/{sent}/letter", headers=headers).json()["type"]
    assert letter == ("/problems/letter-not-made" if status == 200 else "/problems/call-off-not-found")


def test_a_supplier_does_not_see_what_was_not_sent(api: TestClient, issuer: Issuer, waiting: str) -> None:
    assert read(api, issuer, BRONNOY, waiting).status_code == 200
    assert read(api, issuer, FJORDVAKT, waiting).status_code == 404


def test_nor_what_was_cancelled_before_it_was_sent(
    api: TestClient, issuer: Issuer, waiting: str, buyer: dict[str, str]
) -> None:
    assert api.post(f"/call-offs/{waiting}/cancel", json={}, headers=buyer).json()["state"] == "cancelled"
    assert read(api, issuer, FJORDVAKT, waiting).status_code == 404


def test_lists_hold_the_same(api: TestClient, issuer: Issuer, sent: str, waiting: str) -> None:
    def listed(organisation: str) -> set[str]:
        found = api.get("/call-offs", headers=issuer.bearer(organisation, "agreements.read")).json()
        return {one["id"] for one in found["items"]}

    assert {sent, waiting} <= listed(BRONNOY)
    assert sent in listed(FJORDVAKT)
    assert waiting not in listed(FJORDVAKT)
    assert not {sent, waiting} & (listed(ALSTAHAUG) | listed(NORDLYS))


def test_pages_neither_skip_nor_repeat(api: TestClient, buyer: dict[str, str], place: Place) -> None:
    made = [place().json()["id"] for _ in range(7)]
    seen: list[str] = []
    link = "/call-offs?limit=3"
    while link:
        answer = api.get(link, headers=buyer)
        seen += [one["id"] for one in answer.json()["items"]]
        link = answer.links.get("next", {}).get("url", "")
        place()  # a new one comes while we read
    assert [id for id in seen if id in made] == list(reversed(made))
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize(
    "query", ["after=x", "after=WzFd", "after=WyJ4Il0", "limit=0", "limit=201", "state=lost", "page=2"]
)
def test_bad_questions_are_named(api: TestClient, buyer: dict[str, str], query: str) -> None:
    assert api.get(f"/call-offs?{query}", headers=buyer).status_code in (400, 422)


@pytest.mark.parametrize("event", ["approve", "send", "cancel"])
def test_a_supplier_takes_no_step_of_the_buyers(api: TestClient, issuer: Issuer, sent: str, event: str) -> None:
    headers = issuer.bearer(FJORDVAKT, "agreements.approve", "agreements.order")
    assert api.post(f"/call-offs/{sent}/{event}", json={}, headers=headers).status_code == 404
    assert read(api, issuer, BRONNOY, sent).json()["state"] == "sent"


@pytest.mark.parametrize("event", ["acknowledge", "confirm"])
def test_a_buyer_takes_no_step_of_the_suppliers(api: TestClient, issuer: Issuer, sent: str, event: str) -> None:
    headers = issuer.bearer(BRONNOY, "agreements.supply")
    assert api.post(f"/call-offs/{sent}/{event}", json={}, headers=headers).status_code == 404


def test_the_supplier_acknowledges_and_confirms(api: TestClient, issuer: Issuer, sent: str) -> None:
    headers = issuer.bearer(FJORDVAKT, "agreements.supply", "agreements.read")
    assert api.post(f"/call-offs/{sent}/acknowledge", json={}, headers=headers).json()["state"] == "acknowledged"
    assert api.post(f"/call-offs/{sent}/confirm", json={}, headers=headers).json()["state"] == "confirmed"
    again = api.post(f"/call-offs/{sent}/confirm", json={}, headers=headers)
    assert (again.status_code, again.json()["state"]) == (409, "confirmed")


def test_cancelling_gives_the_room_back_and_tells_the_supplier(
    api: TestClient, issuer: Issuer, sent: str, buyer: dict[str, str]
) -> None:
    def left() -> Decimal:
        agreement = api.get("/framework-agreements/ra-2026-velferdsteknologi", headers=buyer).json()
        return Decimal(agreement["room"]["left_excl_vat"])

    before = left()
    made = api.post(f"/call-offs/{sent}/cancel", json={"reason": "Feil antall"}, headers=buyer).json()
    assert (made["state"], made["reserved_excl_vat"]) == ("cancelled", "0.00")
    assert {letter["kind"] for letter in made["letters"]} == {"order", "cancellation"}
    assert left() - before == 7200
    assert read(api, issuer, FJORDVAKT, sent).json()["state"] == "cancelled"
