"""What changes while the catalogue is asked is seen before anything is written."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psycopg
from fastapi.testclient import TestClient

from services.chassis.values import seed_id
from tests.agreements.conftest import FJORDVAKT, JOINT_UNIT, Place
from tests.issuer import Issuer


@contextmanager
def meanwhile(catalog: TestClient, happens: Callable[[], None]) -> Iterator[None]:
    """Let something happen as soon as the catalogue is asked the next time, before it answers."""
    waiting = [happens]

    def asked(request: httpx.Request) -> None:
        if waiting:
            waiting.pop()()

    catalog.event_hooks["request"].append(asked)
    try:
        yield
    finally:
        catalog.event_hooks["request"].remove(asked)
    assert not waiting, "the catalogue was never asked"


def told(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


def test_no_order_is_placed_under_an_agreement_that_was_terminated_meanwhile(
    place: Place, api: TestClient, catalog_api: TestClient, issuer: Issuer, rows: psycopg.Connection
) -> None:
    def terminated() -> None:
        here = "/framework-agreements/ra-2026-velferdsteknologi/terminate"
        headers = issuer.bearer(JOINT_UNIT, "agreements.manage")
        assert api.post(here, json={"reason": "Prøve"}, headers=headers).status_code == 200

    def reserved() -> Any:
        return rows.execute("SELECT sum(reserved), count(*) FROM balance").fetchone()

    before = reserved()
    with meanwhile(catalog_api, terminated):
        assert told(place()) == (409, "agreement-closed-meanwhile")
    assert reserved() == before


def test_a_change_is_not_confirmed_by_an_answer_to_the_one_before(
    api: TestClient, catalog_api: TestClient, issuer: Issuer, buyer: dict[str, str]
) -> None:
    here = f"/call-offs/{seed_id('call-off:change-requested')}"
    supplier = issuer.bearer(FJORDVAKT, "agreements.supply")

    def replaced() -> None:
        assert api.post(f"{here}/change-refused", json={}, headers=supplier).status_code == 200
        more = {"lines": [{"item": "alarm", "quantity": 1}], "reason": "Enda færre (fiktivt)"}
        assert api.post(f"{here}/buyer-change", json=more, headers=buyer).status_code == 200

    with meanwhile(catalog_api, replaced):
        answer = api.post(f"{here}/change-confirmed", json={}, headers=supplier)
    assert told(answer) == (409, "change-replaced")
    order = api.get(here, headers=buyer).json()
    assert (order["state"], order["lines"][0]["quantity"]) == ("change_requested", 4), "as it was ordered"
    assert api.post(f"{here}/change-confirmed", json={}, headers=supplier).json()["lines"][0]["quantity"] == 1
