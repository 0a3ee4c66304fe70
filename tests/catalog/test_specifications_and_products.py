"""Specifications are registered by editors, products by their suppliers."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from services.chassis import audit
from services.chassis.db import Database
from tests.catalog.conftest import HAVORN, errors, problem, walk
from tests.issuer import Issuer

REQUIREMENT = {"id": "X-1", "obligation": "must", "text": {"nb": "Krav"}, "verification": {"nb": "Test"}}
VERSION = {"version": "1.0", "effective_on": "2027-01-01", "requirements": [REQUIREMENT]}
NEW: dict[str, Any] = {"slug": "fallsensor", "level": 1, "name": {"nb": "Fallsensor"}, "versions": [VERSION]}
PRODUCT: dict[str, Any] = {
    "slug": "havorn-fallsensor",
    "name": {"nb": "Fallsensor"},
    "component": "velferdsteknologi-trygghetsplattform",
    "delivery_forms": ["saas", "saas"],
    "version": "1.0",
}


@pytest.fixture
def havorn(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(HAVORN, "catalog.write")


def test_a_specification_is_read_as_registered(catalog: TestClient, editor: dict[str, str], database: Database) -> None:
    second = VERSION | {"version": "2.0", "requirements": [REQUIREMENT, REQUIREMENT | {"id": "X-2"}]}
    new = NEW | {"level": 2, "presupposes": "velferdsteknologi-datautveksling", "versions": [VERSION, second]}
    answer = catalog.post("/specifications", json=new, headers=editor)
    assert answer.status_code == 201, answer.text
    read = catalog.get(answer.headers["Location"]).json()
    assert read == answer.json() == new | {"summary": None}
    with database.reading() as reader:
        assert [row[1] for row in audit.of(reader, "/specifications/fallsensor")] == ["specification.register"]


def test_level_2_names_the_level_1_that_it_presupposes(shared_catalog: TestClient, editor: dict[str, str]) -> None:
    level_2 = NEW | {"level": 2}
    assert problem(shared_catalog.post("/specifications", json=level_2, headers=editor)) == (422, "presupposed-missing")
    unknown = level_2 | {"presupposes": "finnes-ikke"}
    assert problem(shared_catalog.post("/specifications", json=unknown, headers=editor)) == (
        422,
        "specification-unknown",
    )
    finished = level_2 | {"presupposes": "velferdsteknologi-trygghetstjeneste"}
    assert problem(shared_catalog.post("/specifications", json=finished, headers=editor)) == (
        422,
        "presupposed-not-in-force",
    )


def test_everything_wrong_with_a_specification_is_told(shared_catalog: TestClient, editor: dict[str, str]) -> None:
    other = REQUIREMENT | {"text": {"nb": "Et annet krav"}}
    new = NEW | {
        "presupposes": "velferdsteknologi-datautveksling",
        "versions": [VERSION, VERSION | {"requirements": [other]}],
    }
    answer = shared_catalog.post("/specifications", json=new, headers=editor)
    assert errors(answer) == {
        ("presupposed-misplaced", "#/presupposes"),
        ("version-repeated", "#/versions/1/version"),
        ("requirement-id-reused", "#/versions/1/requirements/0/id"),
    }
    assert problem(shared_catalog.get("/specifications/fallsensor")) == (404, "specification-not-found")


def test_a_specifications_name_is_taken_once(catalog: TestClient, editor: dict[str, str]) -> None:
    assert catalog.post("/specifications", json=NEW, headers=editor).status_code == 201
    assert problem(catalog.post("/specifications", json=NEW, headers=editor)) == (409, "specification-slug-taken")


def test_specifications_are_listed_by_level(shared_catalog: TestClient) -> None:
    (second,) = walk(shared_catalog, "/specifications", level=2)
    assert second["presupposes"] == "velferdsteknologi-datautveksling"
    assert [one["level"] for one in walk(shared_catalog, "/specifications", limit=1)] == [1, 2]
    assert problem(shared_catalog.get("/specifications", params={"level": 3})) == (422, "invalid-request")


def test_the_caller_is_the_supplier(catalog: TestClient, havorn: dict[str, str], database: Database) -> None:
    answer = catalog.post("/products", json=PRODUCT, headers=havorn)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["supplier"]["organisation_number"] == HAVORN
    assert made["delivery_forms"] == ["saas"]
    assert catalog.get(answer.headers["Location"]).json() == made
    with database.reading() as reader:
        assert [row[1:] for row in audit.of(reader, "/products/havorn-fallsensor")] == [("product.register", HAVORN)]
    assert problem(catalog.post("/products", json=PRODUCT, headers=havorn)) == (409, "product-slug-taken")


def test_a_product_is_offered_for_a_known_component(
    shared_catalog: TestClient, havorn: dict[str, str], issuer: Issuer
) -> None:
    unknown = PRODUCT | {"component": "finnes-ikke"}
    assert problem(shared_catalog.post("/products", json=unknown, headers=havorn)) == (422, "component-unknown")
    stranger = issuer.bearer("100000040", "catalog.write")
    assert problem(shared_catalog.post("/products", json=PRODUCT, headers=stranger)) == (403, "not-registered")
    assert problem(shared_catalog.get("/products/havorn-fallsensor")) == (404, "product-not-found")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"supplier": HAVORN}, ["havorn-alarm", "havorn-tilsyn"]),
        ({"component": "id-porten"}, []),
        ({"supplier": HAVORN, "component": PRODUCT["component"]}, ["havorn-alarm", "havorn-tilsyn"]),
    ],
)
def test_products_are_filtered(shared_catalog: TestClient, query: dict[str, str], expected: list[str]) -> None:
    assert [one["slug"] for one in walk(shared_catalog, "/products", **query)] == expected


def test_product_pages_have_no_gaps(shared_catalog: TestClient) -> None:
    assert len(walk(shared_catalog, "/products", limit=4)) == 6
    assert walk(shared_catalog, "/products", limit=1) == walk(shared_catalog, "/products", limit=4)
