"""When nobody can say whether a product is certified, nothing is ordered: an answer in time, and nothing reserved."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from services.agreements import app as agreements
from services.agreements.settings import Settings
from services.chassis.values import new_id
from tests.agreements import neighbours
from tests.agreements.test_placing_a_call_off import counted, reserved
from tests.conftest import NewDatabase
from tests.issuer import Issuer

WITHIN_SECONDS = 3.0


@pytest.fixture(scope="module")
def url(shared_database: NewDatabase) -> str:
    return shared_database("agreements", seeded=True)


def verdict(**changes: Any) -> str:
    said = {"verdict": "valid", "code": "certified", "reasons": [], "certificate": {"number": "SV-1"}} | changes
    return json.dumps({name: value for name, value in said.items() if value is not None})


def ordered(url: str, issuer: Issuer, catalog_url: str, buyer: dict[str, str], order: dict[str, Any]) -> Any:
    """Place a call-off through a service that asks the catalogue at this address, within the time that is allowed."""
    settings = Settings(database_url=url, issuers=[issuer.trusted()], catalog_url=catalog_url)
    with TestClient(agreements.create_app(settings)) as api, ThreadPoolExecutor(1) as pool:
        headers = buyer | {"Idempotency-Key": str(new_id())}
        return pool.submit(api.post, "/call-offs", json=order, headers=headers).result(WITHIN_SECONDS)


@pytest.mark.parametrize(
    "behave",
    [
        neighbours.hangs,
        neighbours.hangs_up,
        neighbours.drips,
        neighbours.says("500 Internal Server Error", "{}"),
        neighbours.says("503 Service Unavailable", "<html>busy</html>", "text/html"),
        neighbours.says("200 OK", "<html>log in first</html>", "text/html"),
        neighbours.says("200 OK", "[]"),
        neighbours.says("200 OK", "{}"),
        neighbours.says("200 OK", verdict(verdict="probably")),
        neighbours.says("200 OK", verdict(verdict=None)),
        neighbours.says("200 OK", verdict(verdict="unknown", code="product_unknown")),
        neighbours.says("404 Not Found", "{}"),
        neighbours.says("301 Moved", "{}"),
    ],
    ids=["hangs", "hangs up", "drips", "500", "503", "html", "list", "empty", "lies", "half", "unknown", "404", "301"],
)
def test_an_answer_that_cannot_be_had_is_a_503_and_reserves_nothing(
    url: str,
    issuer: Issuer,
    buyer: dict[str, str],
    order: dict[str, Any],
    rows: psycopg.Connection,
    behave: neighbours.Behaviour,
) -> None:
    before, room = counted(rows), reserved(rows)
    with neighbours.listening(behave) as catalog_url:
        answer = ordered(url, issuer, catalog_url, buyer, order)
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/certification-unknown"), answer.text
    assert answer.headers["retry-after"]
    assert (counted(rows), reserved(rows)) == (before, room)


def test_the_same_when_there_is_no_catalogue_at_all(
    url: str, issuer: Issuer, buyer: dict[str, str], order: dict[str, Any], rows: psycopg.Connection
) -> None:
    before = counted(rows)
    answer = ordered(url, issuer, "http://127.0.0.1:9", buyer, order)
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/certification-unknown")
    assert counted(rows) == before


def test_while_it_hangs_other_questions_are_answered(
    url: str, issuer: Issuer, buyer: dict[str, str], order: dict[str, Any]
) -> None:
    """A request that waits for the catalogue holds no database connection: with one connection, reads go on."""
    with neighbours.listening(neighbours.hangs) as catalog_url:
        settings = Settings(
            database_url=url, issuers=[issuer.trusted()], catalog_url=catalog_url, database_connections=1
        )
        with TestClient(agreements.create_app(settings)) as api, ThreadPoolExecutor(4) as pool:
            orders = [
                pool.submit(api.post, "/call-offs", json=order, headers=buyer | {"Idempotency-Key": f"k{number}"})
                for number in range(3)
            ]
            while not any(one.done() for one in orders):
                assert api.get("/call-offs", headers=buyer).status_code == 200
            assert {one.result().status_code for one in orders} == {503}


def test_a_valid_verdict_from_the_wire_is_relied_on(
    url: str, issuer: Issuer, buyer: dict[str, str], order: dict[str, Any]
) -> None:
    """The same door with a good answer, so that the refusals above are known to come from the bad ones."""
    with neighbours.listening(neighbours.says("200 OK", verdict(new_field="is ignored"))) as catalog_url:
        answer = ordered(url, issuer, catalog_url, buyer, order)
    assert answer.status_code == 201, answer.text
    assert answer.json()["choice"]["certification"][0]["certificate"] == "SV-1"
