"""Everything in the catalogue's lists is found, under its own name before anything else."""

from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from services import running
from services.catalog.search import store
from services.chassis.db import Database
from tests.catalog.conftest import walk

LISTS = {
    "component": "/components",
    "product": "/products",
    "specification": "/specifications",
    "standard": "/standards",
    "interface": "/interfaces",
    "co_operation": "/co-operations",
}


def name(one: dict[str, Any]) -> str:
    told = one["name"]
    return told if isinstance(told, str) else next(iter(told.values()))


@pytest.mark.parametrize("type", LISTS)
def test_each_is_found_by_its_own_name_first(shared_catalog: TestClient, type: str) -> None:
    listed = walk(shared_catalog, LISTS[type], limit=200)
    found = {one["path"]: one for one in walk(shared_catalog, "/search", type=type, limit=200)}
    assert set(found) == {f"{LISTS[type]}/{one['slug']}" for one in listed}
    for one in listed:
        path = f"{LISTS[type]}/{one['slug']}"
        hits = shared_catalog.get("/search", params={"q": name(one), "type": type}).json()["items"]
        assert path in [hit["path"] for hit in hits if hit["match"] == "exact"], name(one)
        assert one["name"] in (found[path]["name"], found[path]["name"].get("nb"))


def test_every_municipality_is_found_by_name_and_by_number(shared_catalog: TestClient) -> None:
    listed = walk(shared_catalog, "/organisations", kind="municipality", limit=200)
    assert len(listed) > 350
    for one in listed[::7]:
        path = f"/organisations/{one['id']}"
        for q in (one["name"], one["organisation_number"]):
            hits = shared_catalog.get("/search", params={"q": q, "type": "organisation"}).json()["items"]
            same = [hit["path"] for hit in hits if hit["match"] == "exact"]
            assert path in same, q
            assert same == [path] or q == one["name"], "two may be called the same: Herøy, Våler"


@pytest.mark.parametrize("q", ["Bronnoy", "Broennoey", "brønnøy kommune", "nnøy"])
def test_the_list_of_organisations_finds_the_same(shared_catalog: TestClient, q: str) -> None:
    found = walk(shared_catalog, "/organisations", q=q, kind="municipality")
    assert "Brønnøy kommune" in [one["name"] for one in found]
    assert len(found) <= 2


def test_an_old_municipality_number_finds_who_had_it(shared_catalog: TestClient) -> None:
    found = shared_catalog.get("/search", params={"q": "1129", "type": "organisation"}).json()["items"]
    assert [one["name"]["nb"] for one in found if one["match"] == "exact"] == ["Forsand kommune"]


def test_the_entries_kept_along_the_way_are_those_of_a_rebuild(database: Database, url: str) -> None:
    def kept() -> list[Any]:
        with database.reading() as reader:
            here = store.HERE
            rows = reader.execute(sa.select(*here).order_by(here.path))
            return [tuple(row) for row in rows]

    before = kept()
    told: list[str] = []
    running.index({"catalog": url}, told.append)
    after = kept()
    assert told == [f"  indexed: {len(after)} things"]
    assert [row[0] for row in before] == [row[0] for row in after]
    assert [(one, other) for one, other in zip(before, after, strict=True) if one != other] == []
