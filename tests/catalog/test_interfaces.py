"""Interfaces as they are found and read, and what is refused."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.chassis.db import PROJECT
from tests.catalog.conftest import BRONNOY, EDITOR, errors, problem, walk
from tests.conftest import NewDatabase, serving
from tests.issuer import Issuer

PLATFORM = "velferdsteknologi-trygghetsplattform"
ALERTS = "/interfaces/velferdsteknologi-varsler"
ARTEFACTS = PROJECT / "data" / "fictional" / "artefacts"
NEW: dict[str, Any] = {"slug": "kalender", "kind": "rest", "name": {"nb": "Årskalender (fiktiv)"}}


@pytest.fixture(scope="module")
def seen(apps: Callable[[str], FastAPI], shared_database: NewDatabase) -> Iterator[TestClient]:
    """For tests that leave it as they found it."""
    with serving(apps("catalog"), shared_database("catalog", seeded=True)) as client:
        yield client


@pytest.fixture
def unit(issuer: Issuer) -> dict[str, str]:
    """The joint unit as an owner among others."""
    return issuer.bearer(EDITOR, "catalog.write")


@pytest.fixture
def bronnoy(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(BRONNOY, "catalog.write")


def test_a_dry_run_tells_and_keeps_nothing(seen: TestClient, bronnoy: dict[str, str]) -> None:
    answer = seen.post("/interfaces", json=NEW, headers=bronnoy, params={"dry_run": "true"})
    assert (answer.status_code, answer.headers["Dry-Run"]) == (200, "true")
    assert problem(seen.get("/interfaces/kalender")) == (404, "interface-not-found")


def test_only_its_owner_says_what_a_component_provides(seen: TestClient, bronnoy: dict[str, str]) -> None:
    answer = seen.post("/interfaces", json=NEW | {"provided_by": PLATFORM}, headers=bronnoy)
    assert problem(answer) == (403, "not-your-component")
    answer = seen.post("/interfaces", json=NEW | {"provided_by": "finnes-ikke"}, headers=bronnoy)
    assert problem(answer) == (422, "component-unknown")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["velferdsteknologi-hendelser", "hendelsesrapport", "velferdsteknologi-varsler"]),
        ({"kind": "events"}, ["velferdsteknologi-hendelser"]),
        ({"provided_by": PLATFORM}, ["velferdsteknologi-hendelser", "velferdsteknologi-varsler"]),
        ({"consumed_by": "vaktsentral"}, ["velferdsteknologi-hendelser", "velferdsteknologi-varsler"]),
        ({"consumed_by": "vaktsentral", "on": "2025-12-01"}, ["velferdsteknologi-varsler"]),
        ({"consumed_by": "vaktsentral", "on": "2025-01-01"}, []),
        ({"owner": EDITOR, "kind": "xml"}, ["hendelsesrapport"]),
        ({"owner": BRONNOY}, []),
        ({"slug": ["hendelsesrapport", "finnes-ikke"]}, ["hendelsesrapport"]),
    ],
)
@pytest.mark.parametrize("limit", [1, 50])
def test_filters_narrow_together_and_survive_paging(
    seen: TestClient, query: dict[str, Any], expected: list[str], limit: int
) -> None:
    assert [one["slug"] for one in walk(seen, "/interfaces", limit=limit, **query)] == expected


def test_a_list_shows_each_interface_as_it_is_read_alone(seen: TestClient) -> None:
    for one in walk(seen, "/interfaces"):
        assert seen.get(f"/interfaces/{one['slug']}").json() == one
    page = seen.get("/interfaces", params={"fields": "slug,name", "language": "en", "limit": 1}).json()
    assert page["items"] == [
        {"slug": "velferdsteknologi-hendelser", "name": {"en": "Events from the safety platform (fictional)"}}
    ]


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        ("2025-06-30", ["draft", "draft", "draft"]),
        ("2025-07-01", ["current", "draft", "draft"]),
        ("2026-09-30", ["current", "current", "draft"]),
        ("2026-10-01", ["deprecated", "current", "draft"]),
    ],
)
def test_versions_have_the_states_of_the_day(seen: TestClient, on: str, expected: list[str]) -> None:
    shown = seen.get(ALERTS, params={"on": on}).json()["versions"]
    assert [one["status"] for one in shown] == expected
    for one in shown:
        assert seen.get(f"{ALERTS}/versions/{one['version']}", params={"on": on}).json()["status"] == one["status"]


def test_every_rule_of_a_step_is_told(seen: TestClient, unit: dict[str, str], bronnoy: dict[str, str]) -> None:
    wrong = {"effective_on": "2026-01-01", "replaced_by": "1.0"}
    answer = seen.post(f"{ALERTS}/versions/1.0/publish", json=wrong, headers=unit)
    assert errors(answer) == {
        ("step-not-possible", ""),
        ("step-before-the-last", "#/effective_on"),
        ("step-unexplained", "#/reason"),
        ("successor-unfit", "#/replaced_by"),
    }
    answer = seen.post(f"{ALERTS}/versions/2.0/deprecate", json={"reason": "Ny", "replaced_by": "9"}, headers=unit)
    assert problem(answer) == (422, "successor-unknown")
    answer = seen.post(f"{ALERTS}/versions/3.0/publish", json={}, headers=bronnoy)
    assert problem(answer) == (403, "not-your-interface")
    answer = seen.post(f"{ALERTS}/versions/3.0/publish", json={}, headers=unit | {"If-Match": '"9"'})
    assert problem(answer) == (412, "stale")


def test_versions_are_listed_page_by_page(seen: TestClient) -> None:
    listed = walk(seen, f"{ALERTS}/versions", limit=2)
    assert [one["version"] for one in listed] == ["1.0", "2.0", "3.0"]
    assert [seen.get(f"{ALERTS}/versions/{one['version']}").json() for one in listed] == listed


def test_impact_names_whom_a_version_hits_and_where_they_can_go(seen: TestClient) -> None:
    hit = seen.get(f"{ALERTS}/versions/1.0/impact").json()
    assert [(one["component"], one["owner"]["organisation_number"]) for one in hit["consumers"]] == [
        ("vaktsentral", EDITOR)
    ]
    assert (hit["status"], hit["replaced_by"], hit["can_move_to"], hit["truncated"]) == (
        "deprecated",
        "2.0",
        ["2.0"],
        False,
    )
    assert seen.get(f"{ALERTS}/versions/2.0/impact").json()["consumers"] == []


@pytest.mark.parametrize(
    ("interface", "version", "file", "media_type"),
    [
        ("velferdsteknologi-varsler", "1.0", "varsler-1.0.yaml", "application/yaml"),
        ("velferdsteknologi-hendelser", "1.0", "hendelser-1.0.json", "application/json"),
        ("hendelsesrapport", "1.0", "hendelsesrapport-1.0.xsd", "application/xml"),
    ],
)
def test_an_artefact_comes_back_byte_for_byte(
    seen: TestClient, interface: str, version: str, file: str, media_type: str
) -> None:
    path = f"/interfaces/{interface}/versions/{version}/artefact"
    answer = seen.get(path)
    assert answer.content == (Path(ARTEFACTS) / file).read_bytes()
    assert answer.headers["content-type"] == media_type
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    about = seen.get(f"{path}/about").json()
    assert answer.headers["ETag"] == f'"{about["sha256"]}"'
    assert about["size_bytes"] == len(answer.content)
    assert (about["complete"], about["external_references"]) == (True, [])
    unchanged = seen.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")


def test_a_dry_run_of_an_artefact_tells_every_finding(seen: TestClient, unit: dict[str, str]) -> None:
    path = f"{ALERTS}/versions/3.0/artefact"
    bad = b"openapi: 3.0.3\ninfo: {title: Varsler}\npaths:\n  /a:\n    get: {}\n"
    headers = unit | {"Content-Type": "application/yaml"}
    answer = seen.put(path, content=bad, headers=headers, params={"dry_run": "true"})
    assert problem(answer) == (422, "artefact-invalid")
    found = {(one["pointer"], one["line"]) for one in answer.json()["errors"]}
    assert found == {("#/info", 2), ("#/paths/~1a/get", 5)}
    good = seen.put(
        path,
        content=(Path(ARTEFACTS) / "varsler-1.0.yaml").read_bytes(),
        headers=headers,
        params={"dry_run": "true"},
    )
    assert (good.status_code, good.headers["Dry-Run"]) == (200, "true")
    assert problem(seen.get(path)) == (404, "artefact-not-found")


def test_the_difference_of_two_versions_says_what_breaks_and_whom(seen: TestClient) -> None:
    told = seen.get(f"{ALERTS}/diff", params={"from": "1.0", "to": "2.0"}).json()
    assert (told["breaking"], told["complete"]) == (True, True)
    assert [one["component"] for one in told["consumers"]] == ["vaktsentral"]
    shown = [(one["code"], one["breaking"], one["operation"], one["where"]) for one in told["changes"]]
    varsel = "response 200 application/json"
    assert shown == [
        ("constraint_changed", True, "GET /varsler", "query parameter antall"),
        ("parameter_added", True, "GET /varsler", "query parameter kommunenummer"),
        ("values_changed", True, "GET /varsler", f"{varsel}/items/type"),
        ("property_removed", True, "GET /varsler", f"{varsel}/items/telefon"),
        ("values_changed", True, "GET /varsler/{id}", f"{varsel}/type"),
        ("property_removed", True, "GET /varsler/{id}", f"{varsel}/telefon"),
        ("operation_removed", True, "POST /varsler/{id}/kvittering", ""),
        ("property_added", False, "GET /varsler", f"{varsel}/items/kommunenummer"),
        ("property_added", False, "GET /varsler/{id}", f"{varsel}/kommunenummer"),
        ("operation_added", False, "POST /kvitteringer", ""),
    ]
    same = seen.get(f"{ALERTS}/diff", params={"from": "2.0", "to": "2.0"}).json()
    assert (same["breaking"], same["changes"], same["consumers"]) == (False, [], [])


def test_only_openapi_is_compared(seen: TestClient) -> None:
    answer = seen.get("/interfaces/hendelsesrapport/diff", params={"from": "1.0", "to": "1.0"})
    assert problem(answer) == (409, "not-comparable")
    answer = seen.get(f"{ALERTS}/diff", params={"from": "1.0", "to": "3.0"})
    assert errors(answer) == {("not-comparable", "?to")}
    answer = seen.get(f"{ALERTS}/diff", params={"from": "1.0", "to": "9"})
    assert problem(answer) == (404, "interface-version-not-found")
