"""What is wrong with a request is told, all of it, and nothing is kept."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from services.integration.app import create_app
from services.integration.settings import Settings
from tests.conftest import Databases
from tests.integration.conftest import FJORDVAKT, HandIn, document, letter
from tests.issuer import Issuer


@pytest.fixture(scope="module")
def api(databases: Databases, issuer: Issuer) -> Iterator[TestClient]:
    """One for all tests here: they only knock."""
    with databases.lent() as create:
        settings = Settings(database_url=create("integration"), issuers=[issuer.trusted()])
        with TestClient(create_app(settings)) as client:
            yield client


def test_without_a_key_nothing_is_taken(api: TestClient, bronnoy: dict[str, str]) -> None:
    answer = api.post("/dispatches", json=letter(), headers=bronnoy)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/idempotency-key-missing")


def test_everything_that_is_wrong_with_a_letter_is_told_at_once(
    api: TestClient, bronnoy: dict[str, str], hand_in: HandIn
) -> None:
    answer = hand_in(
        letter(
            reference="feil-brev",
            title="Vedtak for 010203 12345",
            documents=[
                document("Brev.pdf"),
                document("brev.PDF"),
                document("a/b.pdf"),
                document("d\u0007.pdf"),
                document("e.pdf", content=b"<html>"),
                document("f.pdf", content_base64="%%%"),
            ],
        )
    )
    assert answer.status_code == 422
    told = [(one["type"].removeprefix("/problems/"), one["pointer"]) for one in answer.json()["errors"]]
    assert told == [
        ("personal-number-in-title", "#/title"),
        ("filename-twice", "#/documents/1/filename"),
        ("filename-invalid", "#/documents/2/filename"),
        ("filename-invalid", "#/documents/3/filename"),
        ("not-pdf", "#/documents/4/content_base64"),
        ("content-not-base64", "#/documents/5/content_base64"),
    ]
    assert "12345" not in answer.text
    assert api.get("/dispatches", params={"reference": "feil-brev"}, headers=bronnoy).json()["items"] == []


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"reference": "brev 1"}, "#/reference"),
        ({"reference": "brev/1"}, "#/reference"),
        ({"reference": "å"}, "#/reference"),
        ({"reference": "a" * 101}, "#/reference"),
        ({"title": ""}, "#/title"),
        ({"title": "a" * 1001}, "#/title"),
        ({"recipient": {"organisation_number": "123456789", "name": "X"}}, "#/recipient/organisation_number"),
        ({"recipient": {"organisation_number": FJORDVAKT, "name": ""}}, "#/recipient/name"),
        ({"documents": []}, "#/documents"),
        ({"documents": [document("a" * 223 + ".pdf")]}, "#/documents/0/filename"),
        ({"documents": [document(media_type="text/html")]}, "#/documents/0/media_type"),
        ({"fødselsnummer": "x"}, "#/fødselsnummer"),
    ],
)
def test_a_value_that_svarut_would_not_take_is_refused(hand_in: HandIn, change: dict[str, Any], pointer: str) -> None:
    answer = hand_in(letter(**change))
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize("title", ["Sak 2026/12345", "Bestilling 123456789012", "Faktura 1234567890"])
def test_other_numbers_may_stand_in_a_title(hand_in: HandIn, title: str) -> None:
    assert hand_in(letter(title=title)).status_code == 201


def test_file_names_are_kept_in_composed_form(hand_in: HandIn) -> None:
    told = hand_in(letter(documents=[document("a\u030a.pdf")])).json()
    assert told["documents"][0]["filename"] == "å.pdf"
    assert hand_in(letter(documents=[document("å.pdf"), document("a\u030a.pdf")])).status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", "/dispatches", "dispatch.read"),
        ("GET", "/dispatches", "dispatch.write"),
        ("GET", "/events", "dispatch.write"),
        ("POST", "/dispatches/018f5e9c-7d2b-7c3a-9f00-000000000001/retry", "dispatch.write"),
        ("POST", "/dispatches/018f5e9c-7d2b-7c3a-9f00-000000000001/give-up", "dispatch.write"),
        ("POST", "/dispatches/018f5e9c-7d2b-7c3a-9f00-000000000001/manual", "dispatch.read"),
    ],
)
def test_each_operation_needs_its_scope(api: TestClient, issuer: Issuer, method: str, path: str, scope: str) -> None:
    assert api.request(method, path).status_code == 401
    answer = api.request(method, path, headers=issuer.bearer("964983291", scope), json={} if method == "POST" else None)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/scope-missing")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("refrence=x", 422),
        ("status=lost", 422),
        ("limit=0", 422),
        ("limit=201", 422),
        ("after=x", 400),
        ("after=Ing", 400),
    ],
)
def test_a_list_is_not_asked_for_in_a_way_that_it_would_ignore(
    api: TestClient, bronnoy: dict[str, str], query: str, status: int
) -> None:
    assert api.get(f"/dispatches?{query}", headers=bronnoy).status_code == status
