"""The catalogue as its callers meet it: the real app on a seeded database of the test's own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.catalog.app import create_app
from services.catalog.settings import Settings
from services.chassis.db import Database
from tests.conftest import NewDatabase, serving
from tests.issuer import Issuer

EDITOR = "100000008"
FJORDVAKT = "100000016"
HAVORN = "100000032"
BRONNOY = "964983291"


@pytest.fixture
def url(new_database: NewDatabase) -> str:
    return new_database("catalog", seeded=True)


@pytest.fixture
def catalog(url: str, apps: Callable[[str], FastAPI]) -> Iterator[TestClient]:
    with serving(apps("catalog"), url) as client:
        yield client


@pytest.fixture(scope="module")
def shared_catalog(shared_database: NewDatabase, issuer: Issuer, signing_keys: Path) -> Iterator[TestClient]:
    """The same, for tests of one module that leave it as they found it. An app of its own, since the other one changes
    its database with every test."""
    url = shared_database("catalog", seeded=True)
    settings = Settings(database_url=url, issuers=[issuer.trusted()], signing_keys_folder=signing_keys)
    with TestClient(create_app(settings)) as client:
        yield client


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database(url, connections=2)
    yield opened
    opened.close()


@pytest.fixture
def editor(issuer: Issuer) -> dict[str, str]:
    """Headers of the joint unit's editor."""
    return issuer.bearer(EDITOR, "catalog.admin", "catalog.write")


@pytest.fixture
def decider(issuer: Issuer) -> dict[str, str]:
    """Headers of the joint unit's decision-maker."""
    return issuer.bearer("100000040", "certification.decide")


def walk(catalog: TestClient, path: str, **query: Any) -> list[dict[str, Any]]:
    """Every item of a list, page by page."""
    items: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        answer = catalog.get(path, params=query | after)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["items"]
        if page["next"] is None:
            return items
        after = {"after": page["next"]}


def problem(answer: Any) -> tuple[int, str]:
    """→ (status, the problem's type without its folder)"""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = answer.json()
    return answer.status_code, body["type"].removeprefix("/problems/")


def errors(answer: Any) -> set[tuple[str, str]]:
    """Every rule that failed: (type, pointer)."""
    return {(one["type"].removeprefix("/problems/"), one.get("pointer", "")) for one in answer.json()["errors"]}
