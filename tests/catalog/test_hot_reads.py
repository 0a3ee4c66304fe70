"""Hot reads go past the session: they must answer all the same when the database restarts, or is asked nonsense."""

import psycopg
import pytest
from fastapi.testclient import TestClient

from tests.catalog.conftest import problem

PLATFORM = "/components/velferdsteknologi-trygghetsplattform"


def test_with_and_without_a_query_the_answer_is_the_same(shared_catalog: TestClient) -> None:
    plain, whole = shared_catalog.get(PLATFORM), shared_catalog.get(PLATFORM, params={"fields": ""})
    assert plain.content == whole.content
    assert plain.headers["ETag"] == whole.headers["ETag"]
    assert plain.headers["X-Request-Id"]
    listed = shared_catalog.get("/components", params={"slug": PLATFORM.rpartition("/")[2]}).json()
    assert listed == {"items": [plain.json()], "next": None}


@pytest.mark.parametrize("path", ["/components/finnes-ikke", "/components/finnes-ikke?language=nn"])
def test_what_is_not_there_is_the_same_problem_either_way(shared_catalog: TestClient, path: str) -> None:
    assert problem(shared_catalog.get(path)) == (404, "component-not-found")


@pytest.mark.parametrize("path", ["/components/a%00b", "/components?licence=a%00b"])
def test_what_the_database_cannot_hold_is_the_callers_mistake(shared_catalog: TestClient, path: str) -> None:
    assert problem(shared_catalog.get(path)) == (400, "value-unusable")


def test_a_connection_that_was_cut_is_made_anew(catalog: TestClient, url: str) -> None:
    assert catalog.get(PLATFORM).status_code == 200
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(3):
            cut = connection.execute(
                "SELECT count(pg_terminate_backend(pid, 2000)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).fetchone()
            assert cut
            assert cut[0] > 0
            answers = [catalog.get(PLATFORM) for _ in range(5)]
            assert all(answer.status_code in (200, 503) for answer in answers)
            assert answers[-1].status_code == 200
            assert all(problem(answer) == (503, "database-away") for answer in answers if answer.status_code == 503)
