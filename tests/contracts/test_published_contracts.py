"""Each committed openapi.json is what the service serves; it is the manual, and its examples work."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any

import jsonschema
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services import cli
from services.chassis import contract, db
from tests import examples, neighbours
from tests.conftest import NewDatabase, serving
from tests.issuer import Issuer

METHODS = ("get", "post", "put", "patch", "delete")
PUBLISHED = {name: json.loads((db.PROJECT / "services" / name / "openapi.json").read_text()) for name in cli.SERVICES}
OPERATIONS = [
    (service, path, method)
    for service, document in PUBLISHED.items()
    for path, item in document["paths"].items()
    for method in item
    if method in METHODS
]
OPEN_READS = (
    *("/framework-agreements", "/thresholds", "/cost-splits/models", "/ledger/spend", "/reports/dictionary", "/ocds"),
)
"""What anybody may read of agreements: suppliers, ceilings, spend and open data are public; orders are not."""
OPEN_DATA = "/call-offs/{id}/ocds"


def operation(service: str, path: str, method: str) -> dict[str, Any]:
    found: dict[str, Any] = PUBLISHED[service]["paths"][path][method]
    return found


@pytest.mark.parametrize("service", cli.SERVICES)
def test_the_published_contract_is_current(service: str) -> None:
    committed = (db.PROJECT / "services" / service / "openapi.json").read_text()
    assert committed == contract.text(cli.app_of(service)), "run `make contracts` and review the difference"


@pytest.mark.parametrize(("service", "path", "method"), OPERATIONS)
def test_every_operation_is_described(service: str, path: str, method: str) -> None:
    told = operation(service, path, method)
    assert 3 <= len(told["summary"]) <= 60
    assert len(told.get("description", "")) >= 20, "a municipal developer should understand it from this"
    assert "x-example" in told
    for parameter in told.get("parameters", []):
        if parameter["in"] == "path":
            assert examples.of_parameter(parameter), f"{parameter['name']} needs an example"


@pytest.mark.parametrize(("service", "path", "method"), OPERATIONS)
def test_every_operation_that_changes_something_needs_a_token(service: str, path: str, method: str) -> None:
    open_posts = {("catalog", "/verify"), ("catalog", "/verify/batch"), ("catalog", "/verify/set")}
    public = service == "catalog" or (service == "agreements" and (path.startswith(OPEN_READS) or path == OPEN_DATA))
    open_reads = method == "get" and public
    if not open_reads and (service, path) not in open_posts:
        for requirement in operation(service, path, method)["security"]:
            assert requirement["token"], "and a scope"


@pytest.mark.parametrize("service", cli.SERVICES)
def test_no_two_operations_share_a_name(service: str) -> None:
    ids = [operation(*one)["operationId"] for one in OPERATIONS if one[0] == service]
    assert len(ids) == len(set(ids))


@pytest.fixture(scope="module")
def only_read(shared_database: NewDatabase) -> Callable[[str], str]:
    """A service's seeded database for all that only read it."""
    return cache(lambda service: shared_database(service, seeded=service != "sandbox"))


@pytest.fixture
def seeded(
    request: pytest.FixtureRequest,
    apps: Callable[[str], FastAPI],
    new_database: NewDatabase,
    only_read: Callable[[str], str],
    method: str,
    issuer: Issuer,
) -> Iterator[TestClient]:
    """The service on its seed data, with the catalogue behind it where it asks that."""
    with ExitStack() as open_ones:
        app = neighbours.give(request.param, apps, only_read, open_ones, issuer)
        url = only_read(request.param) if method == "get" else new_database(request.param, seeded=True)
        yield open_ones.enter_context(serving(app, url))


@pytest.mark.parametrize(("seeded", "path", "method"), OPERATIONS, indirect=["seeded"])
def test_every_example_works_against_the_seed_data(
    seeded: TestClient, path: str, method: str, issuer: Issuer, request: pytest.FixtureRequest
) -> None:
    service = request.node.callspec.params["seeded"]
    told = operation(service, path, method)
    example = examples.of(told, path)
    headers = example.headers
    if example.organisation:
        headers |= issuer.bearer(example.organisation, *examples.scopes(told))
    answer = seeded.request(method, example.path, params=example.query, headers=headers, content=example.content)
    successes = [int(status) for status in told["responses"] if status.isdigit() and int(status) < 300]
    assert answer.status_code in successes, answer.text
    _check_shape(service, told["responses"][str(answer.status_code)], answer)


def _check_shape(service: str, response: dict[str, Any], answer: Any) -> None:
    media_type = answer.headers.get("content-type", "").split(";")[0]
    content = response.get("content", {})
    if not content:
        assert not answer.content
        return
    assert media_type in content
    if media_type.endswith("json"):
        schema = content[media_type]["schema"] | {"components": PUBLISHED[service]["components"]}
        jsonschema.Draft202012Validator(schema).validate(answer.json())
