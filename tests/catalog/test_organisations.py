"""Organisations are found by what people know, and registered by editors."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from services.chassis import audit
from services.chassis.db import Database
from tests.catalog.conftest import errors, problem, walk


def named(catalog: TestClient, **query: Any) -> list[str]:
    return [one["name"] for one in walk(catalog, "/organisations", **query)]


def test_names_sort_as_norwegian_does(shared_catalog: TestClient) -> None:
    names = named(shared_catalog, kind="municipality", limit=200)
    order = {letter: place for place, letter in enumerate("abcdefghijklmnopqrstuvwxyzæøå")}
    firsts = [order[name[0].lower()] for name in names]
    assert firsts == sorted(firsts)
    assert names.index("Øygarden kommune") < names.index("Ål kommune") < names.index("Ås kommune")


@pytest.mark.parametrize("limit", [1, 7, 200])
def test_pages_have_no_gaps_and_no_repeats(shared_catalog: TestClient, limit: int) -> None:
    whole = shared_catalog.get("/organisations", params={"county_number": "18", "limit": 200}).json()["items"]
    assert len(whole) == 42
    assert walk(shared_catalog, "/organisations", county_number="18", limit=limit) == whole


def test_a_next_page_is_linked(shared_catalog: TestClient) -> None:
    answer = shared_catalog.get("/organisations", params={"kind": "county", "limit": 2})
    link = answer.headers["Link"].removeprefix("<").removesuffix('>; rel="next"')
    assert [one["name"] for one in shared_catalog.get(link).json()["items"]] == [
        "Buskerud fylkeskommune",
        "Finnmark fylkeskommune",
    ]


def test_filters_narrow_together(shared_catalog: TestClient) -> None:
    assert named(shared_catalog, kind="county", county_number="18") == ["Nordland fylkeskommune"]
    assert named(shared_catalog, organisation_number="964983291") == ["Brønnøy kommune"]
    assert named(shared_catalog, organisation_number="964983291", kind="county") == []
    assert len(named(shared_catalog, kind="supplier")) == 5


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("BRØNN", ["Brønnøy kommune", "Brønnøysundregistrene"]),
        ("herøy", ["Herøy kommune", "Herøy kommune"]),
        ("kárášj", ["Karasjok kommune"]),
        ("%", []),
        ("_", []),
    ],
)
def test_a_part_of_the_name_finds(shared_catalog: TestClient, q: str, expected: list[str]) -> None:
    assert named(shared_catalog, q=q) == expected


def test_an_old_municipality_number_finds_the_municipality_of_today(shared_catalog: TestClient) -> None:
    (found,) = walk(shared_catalog, "/organisations", municipality_number="3018")
    assert found["name"] == "Våler kommune"
    periods = [(one["number"], one["valid_from_on"], one["valid_to_on"]) for one in found["municipality_numbers"]]
    assert periods == [
        ("0137", None, "2019-12-31"),
        ("3018", "2020-01-01", "2023-12-31"),
        ("3114", "2024-01-01", None),
    ]
    assert walk(shared_catalog, "/organisations", municipality_number="3114") == [found]


def test_an_organisation_is_read_by_its_id(shared_catalog: TestClient) -> None:
    (found,) = walk(shared_catalog, "/organisations", organisation_number="958935420")
    assert found["kinds"] == ["municipality", "county"]
    assert shared_catalog.get(f"/organisations/{found['id']}").json() == found


def test_an_unknown_id_is_not_found(shared_catalog: TestClient) -> None:
    answer = shared_catalog.get("/organisations/00000000-0000-0000-0000-000000000000")
    assert problem(answer) == (404, "organisation-not-found")
    assert problem(shared_catalog.get("/organisations/brønnøy")) == (422, "invalid-request")


def test_an_editor_registers_an_organisation(catalog: TestClient, editor: dict[str, str], database: Database) -> None:
    new = {
        "kinds": ["municipality", "municipality"],
        "name": "Åsgård kommune (fiktiv)",
        "organisation_number": "100000083",
        "population": 12,
        "population_on": "2026-01-01",
        "municipality_numbers": [{"number": "9901", "valid_from_on": "2026-01-01"}],
    }
    answer = catalog.post("/organisations", json=new, headers=editor)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["kinds"] == ["municipality"]
    assert catalog.get(answer.headers["Location"]).json() == made
    assert walk(catalog, "/organisations", municipality_number="9901") == [made]
    with database.reading() as reader:
        assert [row[1:] for row in audit.of(reader, answer.headers["Location"])] == [
            ("organisation.register", "100000008")
        ]


@pytest.mark.parametrize(
    "taken",
    [
        {"organisation_number": "964983291"},
        {"municipality_numbers": [{"number": "1813", "valid_from_on": "2020-01-01"}]},
    ],
)
def test_a_number_in_use_is_refused_and_nothing_is_kept(
    catalog: TestClient, editor: dict[str, str], taken: dict[str, Any]
) -> None:
    new = {"kinds": ["municipality"], "name": "Dobbelt kommune"} | taken
    answer = catalog.post("/organisations", json=new, headers=editor)
    assert problem(answer) == (409, "organisation-number-taken")
    assert named(catalog, q="dobbelt") == []


def test_all_rules_that_fail_are_told(shared_catalog: TestClient, editor: dict[str, str]) -> None:
    new = {
        "kinds": ["supplier"],
        "name": "Feil AS",
        "population": 5,
        "municipality_numbers": [{"number": "9902", "valid_from_on": "2026-01-02", "valid_to_on": "2026-01-01"}],
    }
    answer = shared_catalog.post("/organisations", json=new, headers=editor)
    assert problem(answer) == (422, "population-undated")
    assert errors(answer) == {
        ("population-undated", "#/population_on"),
        ("no-municipality", "#/municipality_numbers"),
        ("number-period-invalid", "#/municipality_numbers/0"),
    }


def test_a_number_must_pass_modulus_11(shared_catalog: TestClient, editor: dict[str, str]) -> None:
    new = {"kinds": ["supplier"], "name": "Feil AS", "organisation_number": "100000009"}
    answer = shared_catalog.post("/organisations", json=new, headers=editor)
    assert problem(answer) == (422, "invalid-request")
    assert errors(answer) == {("invalid-request", "#/organisation_number")}
