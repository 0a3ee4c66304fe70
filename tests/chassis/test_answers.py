"""Every answer that is not the wished one is a problem that says what is wrong, all of it, and nothing more."""

import json
import logging
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from services.chassis import log
from services.chassis.db import Database
from tests.chassis.conftest import ORGANISATION
from tests.conftest import state
from tests.issuer import Issuer

GOOD: dict[str, Any] = {"name": {"nb": "Ting"}, "price": "2.00", "owner": ORGANISATION}


@pytest.fixture
def post(api: TestClient, issuer: Issuer) -> Any:
    headers = issuer.bearer(ORGANISATION, "things.write")
    return lambda body: api.post("/things", json=body, headers=headers)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"price": 1.5}, "#/price"),
        ({"price": 1}, "#/price"),
        ({"price": "1"}, "#/price"),
        ({"price": "1,00"}, "#/price"),
        ({"price": "1e3.00"}, "#/price"),
        ({"price": "NaN"}, "#/price"),
        ({"price": "-1.00"}, "#/price"),
        ({"price": "１.00"}, "#/price"),
        ({"price": "9999999999999.00"}, "#/price"),
        ({"owner": "964983292"}, "#/owner"),
        ({"owner": "96498329"}, "#/owner"),
        ({"owner": 964983291}, "#/owner"),
        ({"owner": "964 983 291"}, "#/owner"),
        ({"name": {}}, "#/name"),
        ({"name": {"nb": ""}}, "#/name/nb"),
        ({"name": {"de": "Ding"}}, "#/name/de"),
        ({"colour": "red"}, "#/colour"),
    ],
    ids=str,
)
def test_bad_values_are_named_by_their_place(post: Any, change: dict[str, Any], pointer: str) -> None:
    answer = post(GOOD | change)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


def test_everything_that_is_wrong_is_told_at_once(post: Any) -> None:
    problem = post({"price": 1.5, "owner": "1", "what": 1}).json()
    assert {error["pointer"] for error in problem["errors"]} == {"#/name", "#/price", "#/owner", "#/what"}


def test_failed_rules_stand_together_the_first_gives_type_and_status(post: Any) -> None:
    answer = post(GOOD | {"price": "11.11"})
    assert answer.status_code == 409
    assert answer.json() == {
        "type": "/problems/too-much",
        "title": "It is too much",
        "status": 409,
        "detail": "Ten at most.",
        "left": "10.00",
        "errors": [
            {"type": "/problems/too-much", "detail": "Ten at most.", "left": "10.00"},
            {"type": "/problems/too-odd", "detail": "Even øre only.", "pointer": "#/price"},
        ],
    }


def test_a_refusal_leaves_nothing_behind(post: Any, rows: psycopg.Connection) -> None:
    post(GOOD | {"price": "11.11"})
    assert rows.execute("SELECT count(*) FROM audit").fetchone() == (0,)
    assert post(GOOD).status_code == 201
    assert rows.execute("SELECT count(*) FROM audit").fetchone() == (1,)


def test_a_problems_type_can_be_looked_up(api: TestClient) -> None:
    found = api.get("/problems/too-much").json()
    assert found["about"] == "It is too much. More than this line explains it."
    assert api.get("/problems/no-such").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nowhere", 404), ("DELETE", "/things", 405), ("GET", "/things/x", 422)]
)
def test_the_frameworks_own_refusals_are_problems_too(api: TestClient, method: str, path: str, status: int) -> None:
    answer = api.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["status"] == status


def test_what_is_not_json_is_malformed(api: TestClient, issuer: Issuer) -> None:
    headers = issuer.bearer(ORGANISATION, "things.write") | {"Content-Type": "application/json"}
    answer = api.post("/things", content="{", headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/not-json")


def test_too_large_a_body_is_refused(api: TestClient, issuer: Issuer) -> None:
    headers = issuer.bearer(ORGANISATION, "things.write") | {"Content-Type": "application/json"}
    assert api.post("/things", content=b" " * (21 * 1024 * 1024), headers=headers).status_code == 413


def test_the_unexpected_is_a_500_without_its_insides(api: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        answer = api.get("/things/break/12837532157")
    assert answer.status_code == 500
    assert "cannot go on" not in answer.text
    assert any(record.exc_info for record in caplog.records), "the log has the trace"


def test_a_database_that_is_gone_is_a_503(api: TestClient) -> None:
    state(api).database = Database("postgresql://postgres@127.0.0.1:9/gone")
    answer = api.get("/things/1")
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/database-away")
    assert api.get("/health/live").status_code == 200
    assert api.get("/health/ready").status_code == 503


def test_ready_means_database_and_migrations(api: TestClient, rows: psycopg.Connection) -> None:
    assert api.get("/health/ready").json()["status"] == "ready"
    rows.execute("UPDATE alembic_version SET version_num = 'older'")
    answer = api.get("/health/ready")
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/behind-migrations")


def test_a_request_keeps_its_callers_id(api: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        answer = api.get("/things/1", headers={"X-Request-Id": "abc-12345"})
    assert answer.headers["x-request-id"] == "abc-12345"


@pytest.mark.parametrize("given", ["short", "with space 123", "x" * 65, "line%0abreak"])
def test_an_odd_request_id_is_replaced(api: TestClient, given: str) -> None:
    assert api.get("/things/1", headers={"X-Request-Id": given}).headers["x-request-id"] != given


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> Callable[[], list[Any]]:
    """What a service's log would hold, from now on."""
    monkeypatch.setattr(log, "_service", "things")
    return lambda: [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]


def test_a_request_is_one_log_line_without_its_query(api: TestClient, lines: Callable[[], list[Any]]) -> None:
    api.get("/things/1?secret=12837532157", headers={"X-Request-Id": "abc-12345"})
    (line,) = lines()
    assert (line["message"], line["route"], line["status"]) == ("GET /things/1 200", "/things/{id}", 200)
    assert (line["service"], line["request_id"]) == ("things", "abc-12345")
    assert "secret" not in json.dumps(line)


def test_the_log_names_who_called(api: TestClient, issuer: Issuer, lines: Callable[[], list[Any]]) -> None:
    api.post("/things", json=GOOD, headers=issuer.bearer(ORGANISATION, "things.write"))
    (line,) = lines()
    assert (line["organisation"], line["client"]) == (ORGANISATION, "test-client")


@pytest.mark.parametrize("number", ["12837532157", "128375 32157", "128375-32157"])
def test_no_personal_number_reaches_the_log(
    api: TestClient, caplog: pytest.LogCaptureFixture, lines: Callable[[], list[Any]], number: str
) -> None:
    with caplog.at_level(logging.INFO):
        api.get(f"/things/break/{number}")
    written = [json.dumps(line) for line in lines()] + [log._JsonLines().format(record) for record in caplog.records]
    assert len(written) >= 2
    assert not [line for line in written if number in line]


@pytest.mark.parametrize("harmless", ["964983291", "123456789012", "20261124"])
def test_other_numbers_stay_readable(harmless: str) -> None:
    assert log.masked(harmless.encode()) == harmless.encode()


def test_metrics_name_the_route_and_not_the_path(api: TestClient) -> None:
    api.get("/things/4711")
    page = api.get("/metrics").text
    assert 'http_requests_total{method="GET",route="/things/{id}",status="200"} 1.0' in page
    assert "4711" not in page


def test_swagger_ui_needs_no_other_host(api: TestClient) -> None:
    page = api.get("/docs").text
    assert "http://" not in page
    assert "https://" not in page
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css"):
        assert f"/docs/assets/{asset}" in page
        assert api.get(f"/docs/assets/{asset}").status_code == 200
