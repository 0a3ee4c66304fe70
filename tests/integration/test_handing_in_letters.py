"""Letters are handed in once, with everything that is wrong told at once, and seen by their sender only."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from services.integration.dispatches.shapes import EXAMPLE_PDF
from tests.integration.conftest import FJORDVAKT, HandIn, document, letter


def rows(url: str, table: str) -> int:
    with psycopg.connect(url) as connection:
        found = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        assert found
        return int(found[0])


def test_a_letter_is_kept_with_its_job_audit_row_and_event(url: str, hand_in: HandIn) -> None:
    body = letter()
    answer = hand_in(body)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert answer.headers["location"] == f"/dispatches/{told['id']}"
    assert told["status"] == "queued"
    assert told["version"] == 1
    assert (told["reference"], told["title"], told["recipient"]) == (
        body["reference"],
        body["title"],
        body["recipient"] | {"address": None},
    )
    assert told["documents"][0]["size"] == len(EXAMPLE_PDF)
    assert [rows(url, table) for table in ("dispatch", "procrastinate_jobs", "audit", "event")] == [1, 1, 1, 1]


def test_the_same_key_gets_the_same_answer_and_makes_nothing(url: str, hand_in: HandIn) -> None:
    body = letter()
    first, second = hand_in(body, key="a"), hand_in(body, key="a")
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert rows(url, "dispatch") == rows(url, "procrastinate_jobs") == 1


def test_the_same_key_for_another_letter_is_refused(hand_in: HandIn) -> None:
    hand_in(letter(), key="a")
    answer = hand_in(letter(), key="a")
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/idempotency-key-reused")


def test_the_same_reference_with_the_same_content_is_the_same_letter(url: str, hand_in: HandIn) -> None:
    body = letter()
    first, second = hand_in(body), hand_in(body)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert rows(url, "dispatch") == rows(url, "procrastinate_jobs") == rows(url, "event") == 1


@pytest.mark.parametrize(
    "change",
    [
        {"title": "En annen tittel"},
        {"documents": [document("annet.pdf")]},
        {"documents": [document(content=EXAMPLE_PDF + b"\n")]},
        {"recipient": {"organisation_number": FJORDVAKT, "name": "Et annet navn"}},
    ],
)
def test_the_same_reference_with_other_content_is_refused(url: str, hand_in: HandIn, change: dict[str, Any]) -> None:
    body = letter()
    hand_in(body)
    answer = hand_in(body | change)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/reference-taken")
    assert rows(url, "dispatch") == 1


def test_the_same_letter_handed_in_many_times_at_once_is_one(url: str, hand_in: HandIn) -> None:
    body = letter()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: hand_in(body), range(16)))
    assert sorted(answer.status_code for answer in answers) == [200] * 15 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert rows(url, "dispatch") == rows(url, "procrastinate_jobs") == 1


def test_two_organisations_may_use_the_same_reference_and_svarut_can_tell_them_apart(
    url: str, hand_in: HandIn, alstahaug: dict[str, str]
) -> None:
    body = letter()
    mine, theirs = hand_in(body), hand_in(body, headers=alstahaug)
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert mine.json()["id"] != theirs.json()["id"]
    with psycopg.connect(url) as connection:
        sent_as = {one for (one,) in connection.execute("SELECT external_reference FROM dispatch")}
    assert sent_as == {body["reference"], theirs.json()["id"]}


def test_only_the_sender_sees_a_letter(
    api: TestClient, hand_in: HandIn, bronnoy: dict[str, str], alstahaug: dict[str, str]
) -> None:
    id = hand_in().json()["id"]
    for method, path in (
        ("GET", f"/dispatches/{id}"),
        ("GET", f"/dispatches/{id}/documents/1"),
        ("POST", f"/dispatches/{id}/retry"),
        ("POST", f"/dispatches/{id}/give-up"),
        ("POST", f"/dispatches/{id}/manual"),
    ):
        answer = api.request(method, path, headers=alstahaug, json={} if method == "POST" else None)
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/dispatch-not-found"), path
    assert api.get("/dispatches", headers=alstahaug).json()["items"] == []
    assert api.get("/events", headers=alstahaug).json() == {"items": [], "next": 0}
    assert api.get(f"/dispatches/{id}", headers=bronnoy).status_code == 200


def test_a_document_comes_back_as_it_was(api: TestClient, hand_in: HandIn, bronnoy: dict[str, str]) -> None:
    content = EXAMPLE_PDF + bytes(range(256))
    id = hand_in(letter(documents=[document("en.pdf"), document("to.pdf", content=content)])).json()["id"]
    answer = api.get(f"/dispatches/{id}/documents/2", headers=bronnoy)
    assert answer.content == content
    assert answer.headers["content-type"] == "application/pdf"
    missing = api.get(f"/dispatches/{id}/documents/3", headers=bronnoy)
    assert (missing.status_code, missing.json()["type"]) == (404, "/problems/document-not-found")


def test_the_list_is_walked_page_by_page_and_filtered(
    api: TestClient, hand_in: HandIn, bronnoy: dict[str, str]
) -> None:
    made = [hand_in().json() for _ in range(5)]
    found, after = [], None
    while True:
        query = {"limit": 2} | ({"after": after} if after else {})
        page = api.get("/dispatches", params=query, headers=bronnoy).json()
        found += [one["id"] for one in page["items"]]
        if not (after := page["next"]):
            break
    assert found == [one["id"] for one in reversed(made)]
    by_reference = api.get("/dispatches", params={"reference": made[2]["reference"]}, headers=bronnoy).json()
    assert [one["id"] for one in by_reference["items"]] == [made[2]["id"]]
    assert api.get("/dispatches", params={"status": "failed"}, headers=bronnoy).json()["items"] == []
    assert len(api.get("/dispatches", params={"status": "queued"}, headers=bronnoy).json()["items"]) == 5


def test_the_metrics_count_letters_by_state(api: TestClient, hand_in: HandIn) -> None:
    hand_in()
    told = api.get("/metrics").text
    assert 'dispatches{state="queued"} 1.0' in told
    assert 'dispatches{state="failed"} 0.0' in told
    assert 'dispatch_jobs{status="todo"} 1.0' in told
