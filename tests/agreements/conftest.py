"""Agreements as the tests meet it: the real app on the seed data, asking the real catalogue."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.agreements.catalog_client import Catalog
from services.chassis.http import Neighbour
from tests.conftest import NewDatabase, serving
from tests.issuer import Issuer

BRONNOY, ALSTAHAUG, OSLO = "964983291", "938712441", "958935420"
JOINT_UNIT, FJORDVAKT, NORDLYS = "100000008", "100000016", "100000024"


@pytest.fixture(scope="module")
def catalog_api(apps: Callable[[str], FastAPI], shared_database: NewDatabase) -> Iterator[TestClient]:
    """The catalogue that a module's tests ask; whoever changes it, changes it back."""
    with serving(apps("catalog"), shared_database("catalog", seeded=True)) as client:
        yield client


@pytest.fixture
def url(new_database: NewDatabase) -> str:
    return new_database("agreements", seeded=True)


@pytest.fixture
def api(apps: Callable[[str], FastAPI], url: str, catalog_api: TestClient) -> Iterator[TestClient]:
    app = apps("agreements")
    app.state.catalog = Catalog(Neighbour("The catalogue", catalog_api))
    with serving(app, url) as client:
        yield client


@pytest.fixture
def rows(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def buyer(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(BRONNOY, "agreements.read", "agreements.order", "agreements.approve")


@pytest.fixture
def order() -> dict[str, Any]:
    """A call-off that can be placed as it is."""
    return {
        "framework_agreement": "ra-2026-velferdsteknologi",
        "lot": "alarmer",
        "lines": [{"item": "alarm", "quantity": 3}],
        "needed_on": "2029-06-01",
    }


Place = Callable[..., Any]


@pytest.fixture
def place(api: TestClient, buyer: dict[str, str], order: dict[str, Any]) -> Place:
    """Place a call-off, with changes to the usual one. → the answer"""
    keys = iter(range(1_000_000))

    def send(headers: dict[str, str] | None = None, key: str | None = None, **changes: Any) -> Any:
        sent = {"Idempotency-Key": key or f"key-{next(keys)}"} | (headers or buyer)
        return api.post("/call-offs", json=order | changes, headers=sent)

    return send
