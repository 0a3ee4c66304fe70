"""What is published stays as it was, comes day by day, and holds nothing that is nobody else's business."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.agreements.releases import rules, store
from services.chassis.values import seed_id
from tests.agreements import review
from tests.agreements.conftest import BRONNOY, FJORDVAKT
from tests.conftest import NewDatabase, serving, state
from tests.issuer import Issuer


@pytest.fixture
def url(new_database: NewDatabase) -> str:
    return new_database("agreements", seeded=True)


@pytest.fixture
def own(apps: Callable[[str], FastAPI], url: str) -> Iterator[TestClient]:
    """Agreements on its seed data, to be changed; the catalogue is not asked."""
    with serving(apps("agreements"), url) as client:
        yield client


def publish(client: TestClient) -> None:
    store.publish_all(state(client).database, rules.UNREGISTERED)


def of(client: TestClient, name: str) -> list[Any]:
    """The releases of a seeded call-off."""
    path = f"/call-offs/{seed_id(f'call-off:{name}')}/ocds"
    releases: list[Any] = review.package(client, path)["records"][0]["releases"]
    return releases


def step(client: TestClient, issuer: Issuer, who: str, name: str, taken: str, **body: Any) -> None:
    headers = issuer.bearer(who, "agreements.read", "agreements.order", "agreements.approve", "agreements.supply")
    path = f"/call-offs/{seed_id(f'call-off:{name}')}/{taken}"
    answer = client.post(path, json=body, headers=headers | {"Idempotency-Key": f"{name}-{taken}"})
    assert answer.status_code in (200, 201), answer.text


def test_what_is_nobody_else_s_business_is_not_in_it(own: TestClient, url: str, issuer: Issuer) -> None:
    with psycopg.connect(url) as connection:
        rows = "SELECT reference, number, state FROM calloff"
        kept = connection.execute(rows).fetchall()
        connection.execute("ALTER TABLE price DISABLE TRIGGER USER")
        connection.execute("UPDATE price SET secret_reason = 'Hemmelig' WHERE item = 'alarm'")
    step(own, issuer, FJORDVAKT, "sent", "confirm", reason="En grunn som står i historikken")
    publish(own)
    text = own.get("/ocds/records.json").text
    assert not [reference for reference, _, _ in kept if reference and reference in text]
    assert not [number for _, number, at in kept if at in ("draft", "reserved", "approved") and number in text]
    newest = of(own, "sent")[-1]
    for section in (newest["awards"], newest["contracts"]):
        told = {item["id"]: item for item in section[0]["items"]}
        assert told["alarm"].keys() == {"id", "description"}, "neither its price nor what it follows from"
        assert told["montering"]["unit"]["value"]["amount"] > 0
    for word in ("grunn som", "Hemmelig", "contactPoint"):
        assert word not in text


def test_a_release_never_changes_and_what_is_new_is_the_next_one(own: TestClient, issuer: Issuer, url: str) -> None:
    first = review.package(own)["releases"]
    publish(own)
    assert review.package(own)["releases"] == first, "nothing has happened"
    step(own, issuer, FJORDVAKT, "sent", "acknowledge")
    publish(own)
    assert review.package(own)["releases"] == first, "nothing that reads otherwise"
    step(own, issuer, FJORDVAKT, "sent", "confirm")
    publish(own)
    step(own, issuer, BRONNOY, "sent", "cancel", reason="Trengs ikke")
    publish(own)
    after = review.package(own)["releases"]
    assert after[: len(first)] == first
    told = of(own, "sent")
    assert [one["tag"] for one in told] == [
        ["award"],
        ["awardUpdate", "contract"],
        ["awardCancellation", "contractTermination"],
    ]
    assert len({one["id"] for one in after}) == len(after)
    assert [one["date"] for one in told] == sorted(one["date"] for one in told)
    with (
        psycopg.connect(url) as connection,
        pytest.raises(psycopg.errors.RaiseException),
    ):
        connection.execute("UPDATE release SET content = '{}'")


def test_another_prefix_is_for_new_processes_only(own: TestClient, issuer: Issuer) -> None:
    step(own, issuer, FJORDVAKT, "sent", "confirm")
    store.publish_all(state(own).database, "ocds-abc123")
    assert {one["ocid"][:11] for one in review.package(own)["releases"]} == {rules.UNREGISTERED}


def test_days_add_up_to_the_whole_and_one_that_is_over_is_kept_for_ever(own: TestClient, url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("ALTER TABLE release DISABLE TRIGGER USER")
        connection.execute("UPDATE release SET published_on = '2026-01-31' WHERE id % 2 = 0")
    days = own.get("/ocds").json()["days"]
    assert [one["published_on"] for one in days] == sorted((one["published_on"] for one in days), reverse=True)
    assert days[-1]["published_on"] == "2026-01-31"
    fetched = {
        one["published_on"]: own.get(one["url"].partition("/ocds")[1] + one["url"].partition("/ocds")[2])
        for one in days
    }
    found = [release["id"] for answer in fetched.values() for release in answer.json()["releases"]]
    assert sorted(found) == sorted(one["id"] for one in review.package(own)["releases"])
    assert "immutable" in fetched["2026-01-31"].headers["Cache-Control"]
    assert "immutable" not in fetched[days[0]["published_on"]].headers["Cache-Control"]
    assert own.get("/ocds/releases.json?from=2026-01-01&to=2026-01-30").status_code == 404
