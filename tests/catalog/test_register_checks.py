"""Suppliers are checked against Enhetsregisteret through integration: marked, told, and never refused."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.catalog.integration_client import Integration
from services.catalog.jobs import RegisterChecks
from services.chassis.db import Database
from services.chassis.http import Neighbour
from services.chassis.values import seed_id
from services.integration.app import create_app
from services.integration.settings import Settings
from tests.conftest import NewDatabase, serving
from tests.issuer import Issuer
from tests.sandbox.running import RunningSandbox, running_sandbox

EDITOR, FJORDVAKT, NORDLYS, HAVORN = "100000008", "100000016", "100000024", "100000032"
BANKRUPT, DELETED, NOBODY = "100000105", "100000113", "100000199"


@pytest.fixture(scope="module")
def register(shared_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    keys: Path = tmp_path_factory.mktemp("checks") / "keys"
    with running_sandbox(shared_database("sandbox"), keys) as running:
        yield running


@pytest.fixture
def url(new_database: NewDatabase) -> str:
    return new_database("catalog", seeded=True)


@pytest.fixture
def catalog(apps: Callable[[str], FastAPI], url: str) -> Iterator[TestClient]:
    with serving(apps("catalog"), url) as client:
        yield client


@pytest.fixture
def checks(url: str, new_database: NewDatabase, register: RunningSandbox, issuer: Issuer) -> Iterator[RegisterChecks]:
    """What the worker does, asking the real integration, which asks the stand-in."""
    settings = Settings(
        database_url=new_database("integration"), issuers=[issuer.trusted()], enhetsregisteret_url=register.register_url
    )
    database = Database(url)
    with TestClient(create_app(settings)) as integration:
        integration.headers.update(issuer.bearer(EDITOR, "dispatch.read"))
        yield RegisterChecks(database, Integration(Neighbour("Integration", integration)))
    database.close()
    register.http.delete(f"{register.control_url}/_sandbox/faults").raise_for_status()


def check(catalog: TestClient, number: str) -> dict[str, Any]:
    (found,) = catalog.get("/organisations", params={"organisation_number": number}).json()["items"]
    return dict(catalog.get(f"/organisations/{found['id']}/register-check").json())


def new_supplier(catalog: TestClient, issuer: Issuer, number: str) -> str:
    body = {"kinds": ["supplier"], "name": f"Leverandør {number} (fiktiv)", "organisation_number": number}
    answer = catalog.post("/organisations", json=body, headers=issuer.bearer(EDITOR, "catalog.admin"))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def outcomes(catalog: TestClient) -> list[tuple[str, str]]:
    items = catalog.get("/events", params={"limit": 200}).json()["items"]
    return [(one["subject"], one["data"]["outcome"]) for one in items if one["type"] == "organisation.register_checked"]


def test_a_supplier_is_not_verified_until_the_register_has_been_asked(
    catalog: TestClient, checks: RegisterChecks
) -> None:
    before = check(catalog, FJORDVAKT)
    assert (before["outcome"], before["verified"], before["checked_at"]) == ("not_verified_yet", False, None)
    checks.look()
    after = check(catalog, FJORDVAKT)
    assert (after["outcome"], after["verified"]) == ("registered", True)
    assert after["registered_name"] == "FJORDVAKT VELFERD AS (FIKTIV)"
    assert after["said_at"]
    assert after["checked_at"]
    assert check(catalog, EDITOR)["outcome"] == "not_verified_yet", "who supplies nothing is not asked about"


def test_unknown_deleted_and_bankrupt_suppliers_are_marked_and_not_refused(
    catalog: TestClient, checks: RegisterChecks, issuer: Issuer
) -> None:
    ids = {number: new_supplier(catalog, issuer, number) for number in (BANKRUPT, DELETED, NOBODY)}
    checks.look()
    found = {number: check(catalog, number) for number in ids}
    assert {number: one["outcome"] for number, one in found.items()} == {
        BANKRUPT: "bankrupt",
        DELETED: "deleted",
        NOBODY: "unknown",
    }
    assert {number: one["verified"] for number, one in found.items()} == {BANKRUPT: True, DELETED: False, NOBODY: False}
    told = outcomes(catalog)
    assert (f"/organisations/{ids[DELETED]}", "deleted") in told


def test_while_the_register_is_away_it_is_visibly_not_verified_and_then_is(
    catalog: TestClient, checks: RegisterChecks, register: RunningSandbox, url: str
) -> None:
    register.fault(stand_in="enhetsregisteret", kind="status", status=503, times=1000)
    checks.look()
    assert check(catalog, FJORDVAKT)["outcome"] == "not_verified_yet"
    register.http.delete(f"{register.control_url}/_sandbox/faults").raise_for_status()
    with psycopg.connect(url, autocommit=True) as rows:
        rows.execute("UPDATE register_check SET tried_at = tried_at - interval '2 minutes'")
    checks.look()
    assert check(catalog, FJORDVAKT)["outcome"] == "registered"


def test_the_same_answer_again_is_no_news_and_another_is(
    catalog: TestClient, checks: RegisterChecks, register: RunningSandbox, url: str, issuer: Issuer
) -> None:
    def a_day_later() -> None:
        with psycopg.connect(url, autocommit=True) as rows:
            rows.execute(
                "UPDATE register_check SET checked_at = checked_at - interval '25 hours', tried_at = tried_at - "
                "interval '25 hours'"
            )
        checks.look()

    checks.look()
    first = outcomes(catalog)
    a_day_later()
    assert outcomes(catalog) == first
    organisation = f"/organisations/{seed_id(f'organisation:{NORDLYS}')}"
    (before,) = [one for one in first if one[0] == organisation]
    assert before == (organisation, "registered")


def test_another_number_is_another_check(catalog: TestClient, checks: RegisterChecks, issuer: Issuer) -> None:
    id = new_supplier(catalog, issuer, DELETED)
    checks.look()
    headers = issuer.bearer(EDITOR, "catalog.admin") | {
        "If-Match": "*",
        "Content-Type": "application/merge-patch+json",
    }
    body = {"organisation_number": BANKRUPT, "reason": "Feil nummer (fiktivt)"}
    assert catalog.patch(f"/organisations/{id}", json=body, headers=headers).status_code == 200
    assert check(catalog, BANKRUPT)["outcome"] == "not_verified_yet", "what was said of the old one does not count"
    checks.look()
    assert check(catalog, BANKRUPT)["outcome"] == "bankrupt"
