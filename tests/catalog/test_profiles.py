"""A profile is a named part of a version's requirements, set while the version is a draft, and frozen with it."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.catalog.conftest import BRONNOY, errors, problem
from tests.issuer import Issuer

OWN = "/specifications/alstahaug-trygghetstjeneste"
DRAFT = f"{OWN}/versions/1.1"
PUBLISHED = "/specifications/velferdsteknologi-datautveksling/versions/1.0/profiles/mottak"
CORE = {"name": {"nb": "Kjernen"}, "requirements": ["ALS-01", "VT2-01"]}


@pytest.fixture
def owner(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer("938712441", "catalog.write")


def put(catalog: TestClient, headers: dict[str, str], etag: str = '"1"', path: str = DRAFT, **changed: Any) -> Any:
    return catalog.put(f"{path}/profiles/kjerne", json=CORE | changed, headers=headers | {"If-Match": etag})


def test_a_profile_is_put_read_and_dropped(catalog: TestClient, owner: dict[str, str]) -> None:
    made = put(catalog, owner)
    assert made.status_code == 200, made.text
    shown = {"slug": "kjerne", "name": {"nb": "Kjernen"}, "requirements": ["VT2-01", "ALS-01"]}
    assert made.json() == shown, "in the version's order"
    assert catalog.get(f"{DRAFT}/profiles/kjerne").json() == shown
    assert [one["slug"] for one in catalog.get(f"{DRAFT}/profiles").json()["items"]] == ["kjerne", "lokal"]
    assert problem(put(catalog, owner)) == (412, "stale")
    less = put(catalog, owner, '"2"', requirements=["VT2-01"])
    assert less.json()["requirements"] == ["VT2-01"]
    gone = catalog.delete(f"{DRAFT}/profiles/kjerne", headers=owner | {"If-Match": '"3"'})
    assert (gone.status_code, gone.headers["ETag"]) == (204, '"4"')
    assert problem(catalog.get(f"{DRAFT}/profiles/kjerne")) == (404, "profile-not-found")


def test_what_leaves_the_draft_leaves_its_profiles(catalog: TestClient, owner: dict[str, str]) -> None:
    put(catalog, owner)
    dropped = catalog.delete(f"{DRAFT}/requirements/ALS-01", headers=owner | {"If-Match": '"2"'})
    assert dropped.status_code == 200, dropped.text
    assert catalog.get(f"{DRAFT}/profiles/kjerne").json()["requirements"] == ["VT2-01"]


def test_a_published_versions_profiles_stay(catalog: TestClient, editor: dict[str, str]) -> None:
    read = catalog.get(PUBLISHED)
    assert read.json()["requirements"] == ["VT1-01", "VT1-02", "VT1-04"]
    headers = editor | {"If-Match": read.headers["ETag"]}
    assert problem(catalog.put(PUBLISHED, json=CORE, headers=headers)) == (409, "version-frozen")
    assert problem(catalog.delete(PUBLISHED, headers=headers)) == (409, "version-frozen")


def test_only_its_keeper_sets_it(shared_catalog: TestClient, issuer: Issuer) -> None:
    stranger = issuer.bearer(BRONNOY, "catalog.write")
    assert problem(put(shared_catalog, stranger)) == (403, "specification-not-yours")


def test_every_fault_is_told(shared_catalog: TestClient, owner: dict[str, str]) -> None:
    answer = put(shared_catalog, owner, requirements=["ALS-01", "ALS-01", "X-1"])
    assert errors(answer) == {
        ("profile-requirement-repeated", "#/requirements/1"),
        ("profile-requirement-unknown", "#/requirements/2"),
        ("profile-without-must", "#/requirements"),
    }
