"""Reading is open; every change needs a token with the right scope; what is not understood is refused."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.catalog.conftest import BRONNOY, problem
from tests.issuer import Issuer

CHANGES = {
    "/organisations": "catalog.admin",
    "/components": "catalog.write",
    "/specifications": "catalog.write",
    "/products": "catalog.write",
    "/certification-applications": "certification.apply",
    "/certification-assessments": "certification.assess",
    "/certification-decisions": "certification.decide",
    "/certificates/SV-2026-000001/suspend": "certification.decide",
    "/certificates/SV-2026-000003/restore": "certification.decide",
    "/certificates/SV-2026-000002/withdraw": "certification.decide",
}
LISTS = ["/organisations", "/co-operations", "/components", "/specifications", "/products", "/certificates"]
SCOPES = {"catalog.write", "catalog.admin", "certification.apply", "certification.assess", "certification.decide"}


@pytest.mark.parametrize("path", CHANGES)
def test_a_change_needs_a_token(shared_catalog: TestClient, path: str) -> None:
    answer = shared_catalog.post(path, json={})
    assert problem(answer) == (401, "token-missing")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(("path", "scope"), CHANGES.items())
def test_a_change_needs_its_own_scope(shared_catalog: TestClient, issuer: Issuer, path: str, scope: str) -> None:
    answer = shared_catalog.post(path, json={}, headers=issuer.bearer(BRONNOY, *SCOPES - {scope}))
    assert problem(answer) == (403, "scope-missing")
    assert f"samvirke:{scope}" in answer.headers["WWW-Authenticate"]


def test_every_change_is_guarded(shared_catalog: TestClient) -> None:
    paths = shared_catalog.get("/openapi.json").json()["paths"]
    open_to_all = {
        (method, path)
        for path, operations in paths.items()
        for method, operation in operations.items()
        if not operation.get("security")
    }
    assert {one for one in open_to_all if one[0] != "get"} == {
        ("post", "/verify"),
        ("post", "/verify/batch"),
        ("post", "/verify/set"),
    }


@pytest.mark.parametrize("path", [*LISTS, "/certificates/SV-2026-000001"])
@pytest.mark.parametrize("query", [{"colour": "red"}, {"limit": "0"}, {"limit": "201"}, {"limit": "many"}])
def test_a_query_that_is_not_understood_is_refused(
    shared_catalog: TestClient, path: str, query: dict[str, str]
) -> None:
    assert problem(shared_catalog.get(path, params=query)) == (422, "invalid-request")


@pytest.mark.parametrize("path", LISTS)
def test_a_list_pages_from_its_own_cursors_only(shared_catalog: TestClient, path: str) -> None:
    answer = shared_catalog.get(path, params={"after": "WzEsMiwzXQ"})
    assert problem(answer) == (400, "cursor-malformed")


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/components", {"q": "a\0b"}),
        ("/organisations", {"q": "a\0b"}),
        ("/components/a%00b", {}),
        ("/co-operations/a%00b", {}),
        ("/certificates/a%00b", {}),
    ],
)
def test_a_character_that_nothing_can_hold_is_the_callers_mistake(
    shared_catalog: TestClient, path: str, query: dict[str, Any]
) -> None:
    answer = shared_catalog.get(path, params=query)
    assert answer.status_code in (400, 404, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_such_a_character_is_refused_in_a_body_too(shared_catalog: TestClient, issuer: Issuer) -> None:
    new = {"slug": "nullet", "name": {"nb": "a\0b"}}
    answer = shared_catalog.post("/components", json=new, headers=issuer.bearer(BRONNOY, "catalog.write"))
    assert answer.status_code in (400, 422), answer.text
    assert shared_catalog.get("/components/nullet").status_code == 404


def test_an_unknown_path_is_a_problem_too(shared_catalog: TestClient) -> None:
    assert shared_catalog.get("/nowhere").headers["content-type"] == "application/problem+json"
    assert shared_catalog.delete("/components/noark").status_code == 405
