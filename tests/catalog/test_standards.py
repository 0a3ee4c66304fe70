"""The register of standards: whom each binds, on any day, as it was known at any instant."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import assume, given
from hypothesis import strategies as st

from services.catalog.bindings.rules import Period
from services.catalog.standards import store
from services.catalog.standards.rules import State
from services.chassis import clock
from services.chassis.db import Database
from services.chassis.values import seed_id
from tests.catalog.conftest import EDITOR, errors, problem, walk
from tests.conftest import NewDatabase, serving

WCAG = "/standards/wcag-2-1"
PATCH = {"Content-Type": "application/merge-patch+json"}
OF_2011 = [
    "referansekatalogen-anbefalte",
    "felles-arkitekturprinsipper",
    "ks-standarder",
    "retningslinjer-informasjonssikkerhet",
    "referansekatalogen-obligatoriske",
]


@pytest.fixture
def catalog(apps: Callable[[str], FastAPI], new_database: NewDatabase) -> Iterator[TestClient]:
    with serving(apps("catalog"), new_database("catalog", seeded=True)) as client:
        yield client


def kept(catalog: TestClient) -> Database:
    found = catalog.app.state.database  # type: ignore[attr-defined]
    assert isinstance(found, Database)
    return found


def slugs(catalog: TestClient, **query: Any) -> set[str]:
    return {one["slug"] for one in walk(catalog, "/standards", **query)}


def test_the_register_answers_whom_what_binds_on_a_day(catalog: TestClient) -> None:
    """All of it in one test: the database is the same, and nothing is changed."""
    bound = {"sector": "municipality", "level": "mandatory"}
    assert slugs(catalog, **bound) == {"wcag-2-1", "utf-8", "ehf-faktura"}
    assert slugs(catalog, **bound, on="2022-06-01") == {"wcag-2-0", "utf-8", "ehf-faktura"}
    assert slugs(catalog, **bound, on="2011-06-01") == set()
    assert slugs(catalog, **bound, area="e-faktura") == {"ehf-faktura"}
    assert slugs(catalog, **bound, known_at="2026-01-01T00:00:00Z") == set(), "it was recorded later"
    assert slugs(catalog, sector="state", level="mandatory", on="2011-06-01") == {
        "referansekatalogen-obligatoriske",
        "felles-arkitekturprinsipper",
        "retningslinjer-informasjonssikkerhet",
    }
    assert slugs(catalog, sector="municipality", level="recommended", on="2011-06-01") == {
        "referansekatalogen-obligatoriske",
        "referansekatalogen-anbefalte",
        "felles-arkitekturprinsipper",
        "ks-standarder",
    }
    assert slugs(catalog, sector="municipality", level="recommended") == set(), "2011 is history"
    assert slugs(catalog, slug=["wcag-2-1", "nei"]) == {"wcag-2-1"}
    assert slugs(catalog, component="noark") == {"noark-5"}
    whole = walk(catalog, "/standards")
    assert len(whole) == 11
    assert walk(catalog, "/standards", limit=3) == whole
    for one in whole:
        alone = catalog.get(f"/standards/{one['slug']}").json()
        assert {name: alone[name] for name in one} == one
    assert [one["slug"] for one in whole if one["source"]] == OF_2011
    assert catalog.get(WCAG, params={"fields": "name", "language": "en"}).json() == {
        "name": {"en": "Web Content Accessibility Guidelines (WCAG) 2.1"}
    }


def test_a_successor_and_exceptions_are_told(catalog: TestClient) -> None:
    before = catalog.get("/standards/wcag-2-0").json()
    assert before["successor"] == "wcag-2-1"
    assert {(one["sector"], one["state"], one["successor"]) for one in before["bindings"]} == {
        ("state", "ended", "wcag-2-1"),
        ("municipality", "ended", "wcag-2-1"),
    }
    assert all("1.2.3" in one["exceptions"]["nb"] for one in before["bindings"])
    then = catalog.get("/standards/wcag-2-0", params={"on": "2014-06-30"}).json()
    assert {one["state"] for one in then["bindings"]} == {"coming"}


def test_a_requirement_can_name_a_clause(catalog: TestClient) -> None:
    with kept(catalog).reading() as reader:
        key = store.clause_id(reader, "wcag-2-1", "1.4.3")
        assert key
        assert store.clauses_named(reader, [key])[key][:2] == ("wcag-2-1", "1.4.3")
        assert store.clause_id(reader, "wcag-2-1", "9.9.9") is None
        assert store.clause_id(reader, "nei", "1.4.3") is None
        several = store.clause_ids(reader, [("wcag-2-1", "1.4.3"), ("wcag-2-0", "1.4.3"), ("utf-8", "1")])
        assert len(set(several.values())) == 2


def test_an_editor_keeps_the_register(catalog: TestClient, editor: dict[str, str]) -> None:
    new = {"slug": "ny", "name": {"nb": "Ny standard"}, "clauses": [{"id": "§ 1", "title": {"nb": "Formål"}}]}
    made = catalog.post("/standards", json=new, headers=editor)
    assert made.status_code == 201, made.text
    assert (made.json()["bindings"], made.json()["publisher"], made.json()["stale"]) == ([], None, False)
    more = {"clauses": [{"id": "§ 2", "title": {"nb": "Virkeområde"}}]}
    added = catalog.post("/standards/ny/clauses", json=more, headers=editor | {"If-Match": made.headers["ETag"]})
    assert [one["id"] for one in added.json()["clauses"]] == ["§ 1", "§ 2"]
    changed = catalog.patch(
        "/standards/ny",
        json={"publisher": "Digdir", "successor": "utf-8", "reason": "Erstattet"},
        headers=editor | PATCH | {"If-Match": added.headers["ETag"]},
    )
    assert changed.status_code == 200, changed.text
    assert (changed.json()["publisher"], changed.json()["successor"]) == ("Digdir", "utf-8")
    assert catalog.post("/standards/ny/confirm", headers=editor).status_code == 200
    assert catalog.get("/standards/ny").headers["ETag"] == '"4"'
    events = catalog.get("/events", params={"limit": 200}).json()["items"]
    assert [one["type"] for one in events if one["subject"] == "/standards/ny"] == [
        "standard.registered",
        "standard.clauses_added",
        "standard.changed",
        "standard.confirmed",
    ]
    trail = catalog.get("/audit", params={"subject": "/standards/ny"}, headers=editor).json()["items"]
    (detail,) = [one["detail"] for one in trail if one["action"] == "standard.change"]
    assert detail == {
        "changed": {"publisher": [None, "Digdir"], "successor": [None, "utf-8"]},
        "reason": "Erstattet",
    }


def test_a_binding_changes_by_a_new_record_and_what_was_known_stays(
    catalog: TestClient, editor: dict[str, str]
) -> None:
    new = {
        "sector": "municipality",
        "area": "laeremidler",
        "area_name": {"nb": "Læremidler"},
        "level": "recommended",
        "valid_from_on": "2026-01-01",
        "reason": "Anbefalt",
    }
    made = catalog.post(f"{WCAG}/bindings", json=new, headers=editor)
    assert made.status_code == 201, made.text
    path, first = made.headers["Location"], made.json()["records"][0]["recorded_at"]
    assert problem(catalog.post(f"{WCAG}/bindings", json=new, headers=editor)) == (409, "binding-overlaps")
    stronger = {"level": "mandatory", "legal_basis_name": "Ny forskrift", "reason": "Vedtatt"}
    changed = catalog.patch(path, json=stronger, headers=editor | PATCH | {"If-Match": made.headers["ETag"]})
    assert changed.status_code == 200, changed.text
    ended = catalog.post(f"{path}/end", json={"valid_to_on": "2026-06-30", "reason": "Opphevet"}, headers=editor)
    assert ended.status_code == 200, ended.text
    again = catalog.post(f"{path}/end", json={"valid_to_on": "2026-07-31", "reason": "Nei"}, headers=editor)
    assert problem(again) == (409, "already-ended")
    read = catalog.get(path).json()
    assert [(one["level"], one["reason"], one["organisation"]) for one in read["records"]] == [
        ("recommended", "Anbefalt", EDITOR),
        ("mandatory", "Vedtatt", EDITOR),
        ("mandatory", "Opphevet", EDITOR),
    ]
    assert (read["state"], catalog.get(path, params={"on": "2026-06-30"}).json()["state"]) == ("ended", "in_force")
    here = {"area": "laeremidler", "on": "2026-05-01"}
    assert slugs(catalog, **here, level="mandatory") == {"wcag-2-1"}
    assert slugs(catalog, **here, level="recommended") == set()
    assert slugs(catalog, **here, level="recommended", known_at=first.replace("Z", "999Z")) == {"wcag-2-1"}
    assert slugs(catalog, area="laeremidler", on="2026-07-01") == set()
    with pytest.raises(sa.exc.DBAPIError, match="never changed"), kept(catalog).writing() as session:
        session.execute(sa.text("DELETE FROM standard_binding"))


def test_every_rule_of_a_binding_is_told(catalog: TestClient, editor: dict[str, str]) -> None:
    wrong = {
        "sector": "state",
        "area": "universell-utforming",
        "area_name": {"nb": "UU"},
        "level": "mandatory",
        "successor": "wcag-2-1",
        "reason": "Feil",
    }
    answer = catalog.post(f"{WCAG}/bindings", json=wrong, headers=editor)
    assert errors(answer) == {
        ("binding-overlaps", "#/valid_from_on"),
        ("legal-basis-missing", "#/legal_basis"),
        ("binding-succeeds-itself", "#/successor"),
    }


def test_standards_and_interfaces_are_found_by_the_search(catalog: TestClient, editor: dict[str, str]) -> None:
    with kept(catalog).reading() as reader:
        rows = reader.execute(
            sa.text("SELECT ref, facets FROM search_entry WHERE type IN ('standard', 'interface') ORDER BY ref")
        ).all()
    found = {row.ref: set(row.facets) for row in rows}
    assert len(found) == 11 + 3
    assert {"sector:state", "sector:municipality", "binding:mandatory", "state:in_force"} <= found["wcag-2-1"]
    assert {"state:ended", "sector:missing"} <= found["wcag-2-0"]
    assert {"kind:rest", "state:current", f"owner:{EDITOR}"} <= found["velferdsteknologi-varsler"]
    end = f"{WCAG}/bindings/{seed_id('binding:wcag-2-1:state:universell-utforming')}/end"
    day = clock.today().isoformat()
    assert catalog.post(end, json={"valid_to_on": day, "reason": "Prøve"}, headers=editor).status_code == 200
    with kept(catalog).reading() as reader:
        row = reader.execute(sa.text("SELECT * FROM search_entry WHERE ref = 'wcag-2-1'")).one()
    assert "sector:state" in row.facets
    assert row.changes_on > date.fromisoformat(day)
    assert "sector:state" not in row.facets_then


days = st.one_of(st.none(), st.dates(date(2020, 1, 1), date(2020, 1, 20)))


@given(days, days, days, days)
def test_periods_overlap_exactly_when_a_day_is_in_both(
    a: date | None, b: date | None, c: date | None, d: date | None
) -> None:
    assume(not (a and b and b < a) and not (c and d and d < c))
    one, other = Period(a, b), Period(c, d)
    every = [date(2019, 12, 31), *(date(2020, 1, day) for day in range(1, 21)), date(2020, 2, 1)]
    both = [day for day in every if one.state_on(day) is State.IN_FORCE and other.state_on(day) is State.IN_FORCE]
    assert one.overlaps(other) == bool(both) == other.overlaps(one)
