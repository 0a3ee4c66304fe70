"""Interfaces as their owners change them: versions live by date, consumers move, artefacts are final."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.chassis import audit
from services.chassis.db import PROJECT, Database
from tests.catalog.conftest import BRONNOY, EDITOR, errors, problem
from tests.conftest import NewDatabase, serving
from tests.issuer import Issuer

PLATFORM = "velferdsteknologi-trygghetsplattform"
ALERTS = "/interfaces/velferdsteknologi-varsler"
ARTEFACTS = PROJECT / "data" / "fictional" / "artefacts"
NEW: dict[str, Any] = {"slug": "kalender", "kind": "rest", "name": {"nb": "Årskalender (fiktiv)"}}


@pytest.fixture
def catalog(apps: Callable[[str], FastAPI], new_database: NewDatabase) -> Iterator[TestClient]:
    with serving(apps("catalog"), new_database("catalog", seeded=True)) as client:
        yield client


@pytest.fixture
def unit(issuer: Issuer) -> dict[str, str]:
    """The joint unit as an owner among others."""
    return issuer.bearer(EDITOR, "catalog.write")


@pytest.fixture
def bronnoy(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(BRONNOY, "catalog.write")


def database(catalog: TestClient) -> Database:
    found = catalog.app.state.database  # type: ignore[attr-defined]
    assert isinstance(found, Database)
    return found


def told(catalog: TestClient, path: str) -> list[tuple[str, dict[str, Any]]]:
    """What the feed says of a thing."""
    events = catalog.get("/events", params={"limit": 200}).json()["items"]
    return [(one["type"], one["data"]) for one in events if one["subject"] == path]


def test_the_callers_organisation_owns_what_it_registers(catalog: TestClient, bronnoy: dict[str, str]) -> None:
    answer = catalog.post("/interfaces", json=NEW, headers=bronnoy)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["owner"]["organisation_number"] == BRONNOY
    assert (made["versions"], made["provided_by"], made["stale"]) == ([], None, False)
    assert catalog.get(answer.headers["Location"]).json() == made
    assert answer.headers["ETag"] == '"1"'
    with database(catalog).reading() as reader:
        assert [row[1:] for row in audit.of(reader, "/interfaces/kalender")] == [("interface.register", BRONNOY)]
    assert told(catalog, "/interfaces/kalender") == [
        ("interface.registered", {"kind": "rest", "provided_by": None}),
    ]


def test_a_change_starts_from_what_was_read(catalog: TestClient, unit: dict[str, str], bronnoy: dict[str, str]) -> None:
    new = {"summary": {"en": None, "nn": "Hentar varsel"}}
    patch = {"Content-Type": "application/merge-patch+json"}
    assert problem(catalog.patch(ALERTS, json=new, headers=unit | patch)) == (428, "if-match-missing")
    assert problem(catalog.patch(ALERTS, json=new, headers=unit | patch | {"If-Match": '"7"'})) == (412, "stale")
    current = patch | {"If-Match": catalog.get(ALERTS).headers["ETag"]}
    assert problem(catalog.patch(ALERTS, json=new, headers=bronnoy | current)) == (403, "not-your-interface")
    answer = catalog.patch(ALERTS, json=new, headers=unit | current)
    assert answer.status_code == 200, answer.text
    assert answer.json()["summary"].keys() == {"nb", "nn"}
    assert answer.headers["ETag"] == '"2"'
    assert problem(catalog.patch(ALERTS, json=new, headers=unit | current)) == (412, "stale")


def test_what_others_rely_on_changes_with_a_reason_only(catalog: TestClient, unit: dict[str, str]) -> None:
    headers = unit | {"If-Match": "*"}
    answer = catalog.patch(ALERTS, json={"provided_by": None, "kind": "other"}, headers=headers)
    assert problem(answer) == (422, "kind-fixed")
    assert errors(answer) == {("kind-fixed", "#/kind"), ("reason-missing", "#/reason")}
    answer = catalog.patch(ALERTS, json={"provided_by": "vaktsentral", "reason": "Flyttet"}, headers=headers)
    assert answer.status_code == 200, answer.text
    with database(catalog).reading() as reader:
        detail = reader.execute(sa.text("SELECT detail FROM audit WHERE action = 'interface.change'")).scalar_one()
    assert detail == {"changed": {"provided_by": [PLATFORM, "vaktsentral"]}, "reason": "Flyttet"}


def test_confirming_makes_it_fresh(catalog: TestClient, unit: dict[str, str]) -> None:
    assert catalog.get(ALERTS, params={"on": "2028-01-01"}).json()["stale"] is True
    answer = catalog.post(f"{ALERTS}/confirm", headers=unit)
    assert answer.status_code == 200, answer.text
    assert answer.json()["stale"] is False
    assert told(catalog, ALERTS) == [("interface.confirmed", {"on": answer.json()["confirmed_on"]})]


def test_a_version_lives_from_draft_to_withdrawn(catalog: TestClient, unit: dict[str, str]) -> None:
    made = catalog.post(f"{ALERTS}/versions", json={"version": "3.1"}, headers=unit)
    assert (made.status_code, made.json()["status"]) == (201, "draft")
    path = made.headers["Location"]
    for step, body, status in (
        ("publish", {"effective_on": "2027-01-01"}, "draft"),
        ("deprecate", {"effective_on": "2028-01-01", "reason": "Ny", "replaced_by": "2.0"}, "draft"),
        ("withdraw", {"effective_on": "2029-01-01", "reason": "Slutt"}, "draft"),
    ):
        answer = catalog.post(f"{path}/{step}", json=body, headers=unit)
        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == status
    read = catalog.get(path).json()
    assert [one["status"] for one in read["events"]] == ["current", "deprecated", "withdrawn"]
    assert read["replaced_by"] == "2.0"
    for on, status in (("2026-12-31", "draft"), ("2027-06-01", "current"), ("2029-01-01", "withdrawn")):
        assert catalog.get(path, params={"on": on}).json()["status"] == status
    assert [type for type, _ in told(catalog, path)] == [
        "interface_version.registered",
        "interface_version.published",
        "interface_version.deprecated",
        "interface_version.withdrawn",
    ]


def test_an_event_is_never_changed(catalog: TestClient) -> None:
    with pytest.raises(sa.exc.DBAPIError, match="never changed"), database(catalog).writing() as session:
        session.execute(sa.text("UPDATE interface_version_event SET effective_on = '2020-01-01'"))


def test_a_consumer_moves_from_one_version_to_the_next(catalog: TestClient, unit: dict[str, str]) -> None:
    use = {"component": "vaktsentral", "since_on": "2026-11-01"}
    assert catalog.post(f"{ALERTS}/versions/2.0/consumers", json=use, headers=unit).status_code == 201
    again = catalog.post(f"{ALERTS}/versions/2.0/consumers", json=use, headers=unit)
    assert problem(again) == (409, "already-attached")
    end = f"{ALERTS}/versions/1.0/consumers/vaktsentral/end"
    assert problem(catalog.post(end, json={"until_on": "2025-08-31"}, headers=unit)) == (422, "ends-before-it-begins")
    assert catalog.post(end, json={"until_on": "2026-11-15"}, headers=unit).json()["until_on"] == "2026-11-15"
    assert problem(catalog.post(end, json={}, headers=unit)) == (404, "not-attached")
    hit = f"{ALERTS}/versions/1.0/impact"
    assert len(catalog.get(hit, params={"on": "2026-11-15"}).json()["consumers"]) == 1
    assert catalog.get(hit, params={"on": "2026-11-16"}).json()["consumers"] == []
    assert len(catalog.get(f"{ALERTS}/versions/2.0/impact").json()["consumers"]) == 1
    assert told(catalog, f"{ALERTS}/versions/1.0") == [
        ("consumer.ended", {"component": "vaktsentral", "until_on": "2026-11-15"})
    ]


def test_nobody_attaches_another_ones_component_or_to_what_is_withdrawn(
    catalog: TestClient, unit: dict[str, str], bronnoy: dict[str, str]
) -> None:
    use = {"component": "vaktsentral"}
    answer = catalog.post(f"{ALERTS}/versions/2.0/consumers", json=use, headers=bronnoy)
    assert problem(answer) == (403, "not-your-component")
    answer = catalog.post(f"{ALERTS}/versions/2.0/consumers", json={"component": PLATFORM}, headers=unit)
    assert problem(answer) == (422, "consumes-itself")
    withdrawn = catalog.post(f"{ALERTS}/versions/2.0/withdraw", json={"reason": "Feil"}, headers=unit)
    assert withdrawn.json()["status"] == "withdrawn"
    answer = catalog.post(f"{ALERTS}/versions/2.0/consumers", json=use, headers=unit)
    assert problem(answer) == (409, "version-withdrawn")


def test_a_drafts_artefact_is_replaced_as_it_was_read_and_a_published_ones_never(
    catalog: TestClient, unit: dict[str, str], bronnoy: dict[str, str]
) -> None:
    path = f"{ALERTS}/versions/3.0/artefact"
    assert problem(catalog.get(path)) == (404, "artefact-not-found")
    first, second = ((Path(ARTEFACTS) / f"varsler-{one}.yaml").read_bytes() for one in ("1.0", "2.0"))
    yaml = {"Content-Type": "application/vnd.oai.openapi; charset=utf-8"}
    assert problem(catalog.put(path, content=first, headers=bronnoy | yaml)) == (403, "not-your-interface")
    put = catalog.put(path, content=first, headers=unit | yaml)
    assert put.status_code == 200, put.text
    assert (put.json()["title"], put.json()["specification_version"], put.json()["format"]) == (
        "Varsler i velferdsteknologi (fiktiv)",
        "3.0.3",
        "openapi",
    )
    assert problem(catalog.put(path, content=second, headers=unit | yaml)) == (428, "if-match-missing")
    stale = {"If-Match": '"00"'}
    assert problem(catalog.put(path, content=second, headers=unit | yaml | stale)) == (412, "artefact-stale")
    current = {"If-Match": put.headers["ETag"]}
    assert catalog.put(path, content=second, headers=unit | yaml | current).status_code == 200
    assert catalog.post(f"{ALERTS}/versions/3.0/publish", json={}, headers=unit).status_code == 200
    final = catalog.put(path, content=first, headers=unit | yaml | {"If-Match": "*"})
    assert problem(final) == (409, "artefact-final")
    assert catalog.put(path, content=second, headers=unit | yaml).status_code == 200, "the same again changes nothing"
    assert catalog.get(path).content == second
    assert [type for type, _ in told(catalog, f"{ALERTS}/versions/3.0")] == [
        "artefact.put",
        "artefact.put",
        "interface_version.published",
    ]


def test_what_leads_out_of_a_document_is_listed_and_not_judged(catalog: TestClient, unit: dict[str, str]) -> None:
    document = (
        b'{"openapi":"3.0.3","info":{"title":"T","version":"1"},"paths":{"/a":{"get":{"responses":'
        b'{"200":{"$ref":"https://eksempel.invalid/felles.json#/responses/ok"}}}}}}'
    )
    headers = unit | {"Content-Type": "application/json"}
    answer = catalog.put(f"{ALERTS}/versions/3.0/artefact", content=document, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["complete"] is False
    assert answer.json()["external_references"] == ["https://eksempel.invalid/felles.json#/responses/ok"]
