"""The scheme's rules are data: the editors change them, and what runs already stays as it was told."""

from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from services.catalog.schemes import rules as schemes
from services.chassis import clock
from tests.catalog.certification import HAVORN, Certification
from tests.catalog.conftest import errors, problem
from tests.issuer import Issuer

PATH = "/certification-schemes/product"
MERGE = {"Content-Type": "application/merge-patch+json"}
ALARM = {"product": "havorn-alarm", "delivery_forms": ["saas"]}


def change(catalog: TestClient, editor: dict[str, str], body: bytes, etag: str = '"1"') -> Any:
    return catalog.patch(PATH, content=body, headers=editor | MERGE | {"If-Match": etag})


def test_there_is_a_scheme_for_each_kind_from_the_start(shared_catalog: TestClient) -> None:
    shown = shared_catalog.get("/certification-schemes").json()["items"]
    assert [one["subject_kind"] for one in shown] == ["product", "supplier", "adviser"]
    assert [one["carry_over"] for one in shown] == [True, False, False]
    assert shared_catalog.get(PATH).json() == shown[0]
    assert problem(shared_catalog.get("/certification-schemes/person")) == (422, "invalid-request")


def test_a_change_holds_for_what_comes_and_not_for_what_runs(
    catalog: TestClient, editor: dict[str, str], issuer: Issuer
) -> None:
    way = Certification(catalog, issuer)
    before = way.submitted(HAVORN, **ALARM)
    due_on = catalog.get(before, headers=way.assessor).json()["due_on"]
    answer = change(catalog, editor, b'{"completeness_days": 20, "name": {"en": "Products"}}')
    assert answer.status_code == 200, answer.text
    assert (answer.json()["completeness_days"], answer.json()["name"]["en"]) == (20, "Products")
    assert answer.headers["ETag"] == '"2"'
    assert catalog.get(before, headers=way.assessor).json()["due_on"] == due_on
    after = way.submitted(HAVORN, **ALARM | {"delivery_forms": ["on_premises"]})
    expected = schemes.after_working_days(clock.today(), 20)
    assert catalog.get(after, headers=way.assessor).json()["due_on"] == str(expected)
    told = [one for one in catalog.get("/events", params={"limit": 200}).json()["items"] if one["subject"] == PATH]
    assert [(one["type"], one["data"]["fields"]) for one in told] == [
        ("certification-scheme.changed", ["completeness_days", "name"])
    ]


def test_a_change_starts_from_what_was_read(catalog: TestClient, editor: dict[str, str]) -> None:
    assert change(catalog, editor, b'{"appeal_days": 42}').status_code == 200
    assert problem(change(catalog, editor, b'{"appeal_days": 14}')) == (412, "stale")
    unchanged = change(catalog, editor, b'{"appeal_days": 42}', '"2"')
    assert (unchanged.status_code, unchanged.headers["ETag"]) == (200, '"2"')


def test_certificates_change_with_what_expires_soon(catalog: TestClient, editor: dict[str, str], url: str) -> None:
    def touched() -> int:
        with psycopg.connect(url) as connection:
            row = connection.execute("SELECT count(DISTINCT xact), max(xact) FROM certificate_change").fetchone()
            assert row
            return int(row[1])

    before = touched()
    assert change(catalog, editor, b'{"decision_days": 9}').status_code == 200
    assert touched() == before
    assert change(catalog, editor, b'{"expires_soon_days": 200}', '"2"').status_code == 200
    assert touched() > before


@pytest.mark.parametrize(
    "body",
    [
        b'{"appeal_days": 0}',
        b'{"appeal_days": null}',
        b'{"appeal_days": 1.5}',
        b'{"name": {"nb": null, "nn": null, "en": null}}',
    ],
)
def test_a_scheme_stays_whole(catalog: TestClient, editor: dict[str, str], body: bytes) -> None:
    answer = change(catalog, editor, body)
    assert problem(answer) == (422, "invalid-request")
    assert {pointer.split("/")[1] for _, pointer in errors(answer)} <= {"appeal_days", "name"}
