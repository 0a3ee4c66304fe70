"""A service on its seed data, for trials that leave nothing behind."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib import import_module

import pytest
from fastapi import FastAPI

from tests import neighbours
from tests.conftest import NewDatabase, serving
from tests.issuer import Issuer
from tests.permissions.matrix import Matrix


@pytest.fixture(scope="module")
def tried(
    apps: Callable[[str], FastAPI], shared_database: NewDatabase, issuer: Issuer
) -> Iterator[Callable[[str], Matrix]]:
    """`tried("agreements")` → its table, ready to be tried, with the catalogue behind it where it asks that."""
    with ExitStack() as open_ones:

        def database(service: str) -> str:
            return shared_database(service, seeded=service != "sandbox")

        def matrix(service: str) -> Matrix:
            app = neighbours.give(service, apps, database, open_ones, issuer)
            client = open_ones.enter_context(serving(app, database(service)))
            return Matrix(client, issuer, import_module(f"services.{service}.permissions").PERMISSIONS)

        yield matrix
