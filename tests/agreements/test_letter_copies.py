"""A letter can be had as it was sent, by those it is shown to, and seen before it is sent."""

from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from services.agreements.letters.rules import Kind
from services.chassis.values import seed_id
from tests.agreements.conftest import FJORDVAKT, NORDLYS, Place
from tests.agreements.test_letters import text
from tests.conftest import state
from tests.issuer import Issuer

SENT = str(seed_id("call-off:sent"))


@pytest.fixture
def supplier(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(FJORDVAKT, "agreements.read", "agreements.supply")


def test_both_sides_have_the_letter_byte_for_byte(
    api: TestClient, buyer: dict[str, str], supplier: dict[str, str], issuer: Issuer
) -> None:
    (shown,) = api.get(f"/call-offs/{SENT}", headers=buyer).json()["letters"]
    path = f"/call-offs/{SENT}/letters/{shown['reference']}"
    mine, theirs = (api.get(path, headers=headers) for headers in (buyer, supplier))
    assert (mine.status_code, mine.headers["content-type"]) == (200, "application/pdf")
    assert mine.content == theirs.content == api.get(f"/call-offs/{SENT}/letter", headers=buyer).content
    assert api.get(path, headers=issuer.bearer(NORDLYS, "agreements.read")).status_code == 404


def test_a_letter_that_is_not_made_yet_is_not_there(api: TestClient, place: Place, buyer: dict[str, str]) -> None:
    placed = place().json()
    answer = api.get(f"/call-offs/{placed['id']}/letters/{placed['letters'][0]['reference']}", headers=buyer)
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/letter-not-made")


def test_every_letter_that_somebody_decides_to_send_can_be_seen_first_and_nothing_is_kept(
    api: TestClient, buyer: dict[str, str], rows: psycopg.Connection
) -> None:
    def kept() -> list[Any]:
        tables = ("letter", "audit", "event", "calloffevent", "procrastinate_jobs", "complaint", "orderchange")
        return [rows.execute(f"SELECT count(*) FROM {name}").fetchone() for name in tables]

    before = kept()
    more = {"lines": [{"item": "alarm", "quantity": 2}], "reason": "Prøve"}
    for kind in set(Kind) - {Kind.RECALL, Kind.RECALL_ENDED}:
        body = {"kind": kind} | (more if kind in (Kind.CHANGE_REQUEST, Kind.COMPLAINT) else {})
        answer = api.post(f"/call-offs/{SENT}/letters/preview", json=body, headers=buyer)
        assert answer.status_code == 200, answer.text
        said = text(answer.content)
        assert "Dette brevet er ikke sendt" in said
        assert ("Grunn: Prøve" in said) == ("reason" in body)
    assert kept() == before


def test_a_preview_is_in_the_language_that_one_asks_for(api: TestClient, buyer: dict[str, str]) -> None:
    said = {
        language: text(
            api.post(
                f"/call-offs/{SENT}/letters/preview", json={"kind": "order", "language": language}, headers=buyer
            ).content
        )
        for language in ("nb", "nn", "en")
    }
    assert "Vi bestiller det som står nedenfor" in said["nb"]
    assert "Vi bestiller det som står nedanfor" in said["nn"]
    assert "We order what stands below" in said["en"]


def test_the_code_leads_to_where_the_world_reaches_the_service(api: TestClient, buyer: dict[str, str]) -> None:
    answer = api.post(f"/call-offs/{SENT}/letters/preview", json={"kind": "order"}, headers=buyer)
    assert f"{state(api).settings.public_url}/call-offs/{SENT}" in text(answer.content)
