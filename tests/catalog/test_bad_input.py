"""Bad input gets a clear problem, and nothing of it is kept."""

import json
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.catalog.bad import Case
from tests.conftest import NewDatabase, serving
from tests.issuer import Issuer

LISTS = sorted(path.stem for path in Path(__file__).parent.glob("bad_*.py"))
CASES: list[tuple[str, Case]] = [
    (name.removeprefix("bad_"), case) for name in LISTS for case in import_module(f"tests.catalog.{name}").CASES
]


@pytest.fixture(scope="module")
def url(shared_database: NewDatabase) -> str:
    return shared_database("catalog", seeded=True)


@pytest.fixture(scope="module")
def catalog(apps: Callable[[str], FastAPI], url: str) -> Iterator[TestClient]:
    with serving(apps("catalog"), url) as client:
        yield client


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 60
    assert len({(part, case.name) for part, case in CASES}) == len(CASES)


def kept(url: str) -> list[tuple[str, int, int]]:
    """Each table with its number of rows and the newest transaction that wrote one. The audit trail's seals come on
    their own, so of that only the number of rows counts."""
    with psycopg.connect(url, autocommit=True) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        newest = "coalesce(max(xmin::text::bigint), 0)"
        counts = " UNION ALL ".join(
            f"SELECT '{name}', count(*), {0 if name == 'audit' else newest} FROM {name}"
            for (name,) in names
            if name != "audit_seal"
        )
        return sorted(connection.execute(counts).fetchall())


@pytest.mark.parametrize(("part", "case"), CASES, ids=[f"{part}: {case.name}" for part, case in CASES])
def test_it_is_refused_with_its_own_problem_and_nothing_is_kept(
    part: str, case: Case, catalog: TestClient, url: str, issuer: Issuer
) -> None:
    headers = dict(case.headers)
    if case.organisation:
        headers |= issuer.bearer(case.organisation, *case.scopes)
    content = case.content
    if content is None and case.body is not None:
        content = json.dumps(case.body).encode()
    if content is not None:
        headers["Content-Type"] = case.media or "application/json"
    before = kept(url)
    answer = catalog.request(case.method, case.path, content=content, headers=headers, params=dict(case.query))
    assert answer.status_code == case.status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["type"] == (case.problem if case.problem == "about:blank" else f"/problems/{case.problem}"), told
    assert told["status"] == case.status
    if case.pointer:
        assert case.pointer in [error.get("pointer") for error in told["errors"]], told
    if told["type"] != "about:blank":
        assert catalog.get(told["type"]).status_code == 200, "a problem's type is resolvable"
    assert kept(url) == before
