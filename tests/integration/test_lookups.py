"""Look-ups in Enhetsregisteret: told apart, kept for a day, renewed by its updates, and stale rather than wrong."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from services.chassis.db import Database
from services.chassis.http import Neighbour, new_client
from services.integration.app import create_app
from services.integration.enhetsregisteret_client import Register
from services.integration.jobs import Changes
from services.integration.lookups import store
from services.integration.settings import Settings
from tests.agreements import neighbours
from tests.issuer import Issuer
from tests.sandbox.running import RunningSandbox

FJORDVAKT, KVARTS, BANKRUPT, DELETED, SUB, NOBODY = (
    *("100000016", "100000067", "100000105", "100000113", "100000121", "100000199"),
)


@pytest.fixture
def api(url: str, issuer: Issuer, sandbox: RunningSandbox) -> Iterator[TestClient]:
    settings = Settings(database_url=url, issuers=[issuer.trusted()], enhetsregisteret_url=sandbox.register_url)
    with TestClient(create_app(settings)) as client:
        client.headers.update(issuer.bearer(FJORDVAKT, "dispatch.read"))
        yield client


@pytest.fixture
def rows(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def looked_up(api: TestClient, number: str) -> dict[str, Any]:
    answer = api.get(f"/lookups/{number}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def change(sandbox: RunningSandbox, number: str, **changes: Any) -> None:
    url = f"{sandbox.control_url}/_sandbox/enhetsregisteret/entities/{number}"
    sandbox.http.patch(url, json=changes).raise_for_status()


def away(sandbox: RunningSandbox, kind: str = "status", **more: Any) -> None:
    sandbox.fault(stand_in="enhetsregisteret", kind=kind, times=1000, **more)


def test_it_is_told_who_has_a_number_and_where(api: TestClient) -> None:
    told = looked_up(api, FJORDVAKT)
    assert told["standing"] == "registered"
    assert told["name"] == "FJORDVAKT VELFERD AS (FIKTIV)"
    assert told["address"] == {
        "lines": ["Postboks 1 (fiktiv)"],
        "postcode": "0001",
        "place": "BRØNNØYSUND",
        "country": "NO",
    }
    assert told["stale"] is False


@pytest.mark.parametrize(
    ("number", "standing"),
    [(BANKRUPT, "bankrupt"), (DELETED, "deleted"), (NOBODY, "unknown"), (SUB, "registered")],
)
def test_bankrupt_deleted_and_unknown_are_told_apart(api: TestClient, number: str, standing: str) -> None:
    assert looked_up(api, number)["standing"] == standing


def test_a_number_that_cannot_be_one_is_not_asked_for(api: TestClient) -> None:
    assert api.get("/lookups/123456789").status_code == 422


def test_an_answer_is_used_for_a_day_without_asking(
    api: TestClient, sandbox: RunningSandbox, rows: psycopg.Connection
) -> None:
    first = looked_up(api, FJORDVAKT)
    away(sandbox)
    assert looked_up(api, FJORDVAKT) == first
    rows.execute("UPDATE lookup SET fetched_at = fetched_at - interval '25 hours'")
    again = looked_up(api, FJORDVAKT)
    assert (again["stale"], again["name"]) == (True, first["name"])
    rows.execute("UPDATE lookup SET fetched_at = fetched_at - interval '7 days'")
    answer = api.get(f"/lookups/{FJORDVAKT}")
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/register-away")


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 429},
        {"kind": "status", "status": 200, "body": "<html>", "content_type": "text/html"},
        {"kind": "drop_before"},
        {"kind": "truncated"},
        {"kind": "changed_json", "changes": {"navn": 7}},
        {"kind": "changed_json", "changes": {"organisasjonsnummer": "100000024"}},
    ],
    ids=lambda fault: " ".join(str(one) for one in fault.values()),
)
def test_where_the_register_cannot_say_nobody_is_named(
    api: TestClient, sandbox: RunningSandbox, fault: dict[str, Any]
) -> None:
    away(sandbox, **fault)
    answer = api.get(f"/lookups/{FJORDVAKT}")
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/register-away")


def test_one_failure_is_tried_again(api: TestClient, sandbox: RunningSandbox) -> None:
    sandbox.fault(stand_in="enhetsregisteret", kind="drop_before")
    assert looked_up(api, FJORDVAKT)["stale"] is False


def test_a_register_that_never_answers_is_not_waited_for(url: str, issuer: Issuer) -> None:
    with neighbours.listening(neighbours.drips) as there:
        settings = Settings(database_url=url, issuers=[issuer.trusted()], enhetsregisteret_url=there)
        with TestClient(create_app(settings)) as client:
            client.headers.update(issuer.bearer(FJORDVAKT, "dispatch.read"))
            assert client.get(f"/lookups/{FJORDVAKT}").status_code == 503


def test_what_nobody_had_is_asked_for_each_time(api: TestClient, sandbox: RunningSandbox) -> None:
    assert looked_up(api, NOBODY)["standing"] == "unknown"
    away(sandbox)
    assert api.get(f"/lookups/{NOBODY}").status_code == 503, "it may be somebody's by now"


def test_the_updates_renew_what_has_changed(
    api: TestClient, sandbox: RunningSandbox, database: Database, rows: psycopg.Connection
) -> None:
    looked_up(api, KVARTS)
    with new_client(sandbox.register_url) as client:
        changes = Changes(database, Register(Neighbour("Enhetsregisteret", client)))
        changes.follow()
        change(sandbox, KVARTS, name="KVARTS RÅD AS (FIKTIV)", address=["Ny vei 2"])
        assert looked_up(api, KVARTS)["name"] == "KVARTS RÅDGIVNING AS (FIKTIV)", "nobody has told yet"
        changes.follow()
        position = rows.execute("SELECT position FROM register_position").fetchone()
        changes.follow()
    away(sandbox)
    told = looked_up(api, KVARTS)
    assert (told["name"], told["address"]["lines"]) == ("KVARTS RÅD AS (FIKTIV)", ["Ny vei 2"])
    assert rows.execute("SELECT position FROM register_position").fetchone() == position
    with database.reading() as reader:
        there = store.address(reader, KVARTS)
        assert there
        assert (list(there.lines), there.place) == (["Ny vei 2"], "BRØNNØYSUND")
        assert store.address(reader, FJORDVAKT) is None, "nobody has looked it up"


def test_an_organisation_is_found_by_its_name(api: TestClient, sandbox: RunningSandbox) -> None:
    found = api.get("/lookups", params={"name": "fjordvakt"}).json()["items"]
    assert [one["organisation_number"] for one in found] == [FJORDVAKT]
    assert api.get("/lookups", params={"name": "finnes ikke her"}).json() == {"items": []}
    away(sandbox)
    assert api.get("/lookups", params={"name": "fjordvakt"}).status_code == 503
