"""The same request again is the same answer: also in parallel, also after a refusal, never for another request."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from tests.chassis.conftest import ORGANISATION
from tests.issuer import Issuer

GOOD: dict[str, Any] = {"name": {"nb": "Ting"}, "price": "2.00", "owner": ORGANISATION}


@pytest.fixture
def post(api: TestClient, issuer: Issuer) -> Any:
    def send(body: dict[str, Any] = GOOD, *, key: str | None = "k-1", organisation: str = ORGANISATION) -> Any:
        headers = issuer.bearer(organisation, "things.write") | ({"Idempotency-Key": key} if key is not None else {})
        return api.post("/things/once", json=body, headers=headers)

    return send


def made(rows: psycopg.Connection) -> int:
    found = rows.execute("SELECT count(*) FROM event").fetchone()
    assert found
    return int(found[0])


def test_a_repeat_gets_the_same_bytes_and_changes_nothing(post: Any, rows: psycopg.Connection) -> None:
    first, again = post(), post()
    assert (first.status_code, first.content, first.headers["location"]) == (
        again.status_code,
        again.content,
        again.headers["location"],
    )
    assert made(rows) == 1


def test_parallel_repeats_wait_for_the_first_and_get_its_answer(post: Any, rows: psycopg.Connection) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = [one.result() for one in [pool.submit(post) for _ in range(6)]]
    assert {(answer.status_code, answer.content) for answer in answers} == {(201, b'{"number": 1}')}
    assert made(rows) == 1


def test_the_same_body_in_other_clothes_is_the_same_request(post: Any) -> None:
    turned = dict(reversed(GOOD.items()))
    assert post(turned).content == post().content


def test_another_body_is_refused_and_nothing_is_written(post: Any, rows: psycopg.Connection) -> None:
    post()
    answer = post(GOOD | {"price": "4.00"})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert made(rows) == 1


def test_a_refusal_is_judged_anew(post: Any, rows: psycopg.Connection) -> None:
    assert post(GOOD | {"price": "12.00"}).status_code == 409
    assert made(rows) == 0
    assert post(GOOD).status_code == 201


def test_another_organisation_may_use_the_same_key(post: Any, rows: psycopg.Connection) -> None:
    post()
    post(organisation="938712441")
    assert made(rows) == 2


@pytest.mark.parametrize("key", [None, "", "  ", "x" * 256])
def test_a_key_is_needed(post: Any, key: str | None) -> None:
    answer = post(key=key)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/idempotency-key-missing")


def test_a_quoted_key_is_the_same_as_a_bare_one(post: Any, rows: psycopg.Connection) -> None:
    post(key="k")
    post(key='"k"')
    assert made(rows) == 1
