"""A service on its seed data, for trials that leave nothing behind."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib import import_module

import pytest
from fastapi import FastAPI

from services.agreements.catalog_client import Catalog
from services.chassis.http import Neighbour
from tests.conftest import NewDatabase, serving
from tests.issuer import Issuer
from tests.permissions.matrix import Matrix


@pytest.fixture(scope="module")
def tried(
    apps: Callable[[str], FastAPI], shared_database: NewDatabase, issuer: Issuer
) -> Iterator[Callable[[str], Matrix]]:
    """`tried("agreements")` → its table, ready to be tried, with the catalogue behind it where it asks that."""
    with ExitStack() as open_ones:

        def matrix(service: str) -> Matrix:
            app = apps(service)
            if service == "agreements":
                catalog = open_ones.enter_context(serving(apps("catalog"), shared_database("catalog", seeded=True)))
                app.state.catalog = Catalog(Neighbour("The catalogue", catalog))
            client = open_ones.enter_context(serving(app, shared_database(service, seeded=True)))
            return Matrix(client, issuer, import_module(f"services.{service}.permissions").PERMISSIONS)

        yield matrix
