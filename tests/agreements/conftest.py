"""Agreements as the tests meet it: the real app on the seed data, asking the real catalogue."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.agreements import app as agreements
from services.agreements.settings import Settings
from services.catalog import app as catalog
from services.catalog.settings import Settings as CatalogSettings
from tests.conftest import NewDatabase
from tests.issuer import Issuer

BRONNOY, ALSTAHAUG, OSLO = "964983291", "938712441", "958935420"
JOINT_UNIT, FJORDVAKT, NORDLYS = "100000008", "100000016", "100000024"


@pytest.fixture
def catalog_api(new_database: NewDatabase, issuer: Issuer) -> Iterator[TestClient]:
    settings = CatalogSettings(database_url=new_database("catalog", seeded=True), issuers=[issuer.trusted()])
    with TestClient(catalog.create_app(settings)) as client:
        yield client


@pytest.fixture
def url(new_database: NewDatabase) -> str:
    return new_database("agreements", seeded=True)


@pytest.fixture
def app(url: str, issuer: Issuer, catalog_api: TestClient) -> FastAPI:
    return agreements.create_app(Settings(database_url=url, issuers=[issuer.trusted()]), catalog=catalog_api)


@pytest.fixture
def api(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app) as client:
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
