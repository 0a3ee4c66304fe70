"""Call-offs on one seeded database a module, each test with orders of its own; a buyer and a supplier of them."""

from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.agreements.catalog_client import Catalog
from services.chassis.http import Neighbour
from tests.agreements.conftest import BRONNOY, FJORDVAKT
from tests.agreements.messages.sides import Side
from tests.conftest import NewDatabase, serving
from tests.issuer import Issuer


@pytest.fixture(scope="module")
def url(shared_database: NewDatabase) -> str:
    return shared_database("agreements", seeded=True)


@pytest.fixture(scope="module")
def api(apps: Callable[[str], FastAPI], url: str, catalog_api: TestClient) -> Iterator[TestClient]:
    app = apps("agreements")
    app.state.catalog = Catalog(Neighbour("The catalogue", catalog_api))
    with serving(app, url) as client:
        yield client


@pytest.fixture(scope="module")
def buyer(api: TestClient, issuer: Issuer) -> Side:
    return Side(api, issuer, BRONNOY)


@pytest.fixture(scope="module")
def supplier(api: TestClient, issuer: Issuer) -> Side:
    return Side(api, issuer, FJORDVAKT)
