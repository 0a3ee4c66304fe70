"""The seed data: counted, filed under its kind, and loaded once."""

import csv
from collections import Counter

import sqlalchemy as sa
from fastapi.testclient import TestClient

from services.catalog import seed
from services.catalog.db import Table
from services.chassis.db import PROJECT, Database
from services.chassis.values import seed_id
from tests.catalog.conftest import walk

ENDED = {"altinn-2", "minside", "seres", "faks", "kith-sertifisering", "semicolon"}
ATTESTED = {
    "id-porten",
    "enhetsregisteret",
    "altinn-no",
    "ks-svarut",
    "digital-post",
    "kontakt-og-reservasjonsregisteret",
}


def counts(database: Database) -> dict[str, int]:
    with database.reading() as reader:
        return {
            name: reader.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for name, table in Table.metadata.tables.items()
        }


def test_loading_again_changes_nothing(database: Database) -> None:
    before, told = counts(database), list[str]()
    seed.load(database, tell=told.append)
    assert counts(database) == before
    assert told == []


def test_every_load_is_in_the_audit(database: Database) -> None:
    with database.reading() as reader:
        actions = set(reader.execute(sa.text("SELECT action FROM audit")).scalars())
    loads = {action for action in actions if action.endswith(".seed")}  # the others are what a load did, step by step
    assert loads == {
        f"{what}.seed"
        for what in (
            "organisation",
            "co_operation",
            "component",
            "standard",
            "interface",
            "specification",
            "product",
            "certificate",
            "need",
            "adoption",
            "recall",
            "surveillance",
            "certification-application",
            "certification-assessment",
            "certification-decision",
            "equivalent",
            "supplier-suspension",
            "test-endpoint",
            "testing",
        )
    }


def test_there_are_357_municipalities_and_15_counties_with_oslo_among_both(shared_catalog: TestClient) -> None:
    municipalities = walk(shared_catalog, "/organisations", kind="municipality", limit=200)
    counties = walk(shared_catalog, "/organisations", kind="county", limit=200)
    assert (len(municipalities), len(counties)) == (357, 15)
    both = [one["name"] for one in municipalities if one in counties]
    assert both == ["Oslo kommune"]
    assert sum(one["population"] for one in municipalities) == 5_550_203
    assert {one["population_on"] for one in municipalities} == {"2024-01-01"}


def test_every_organisation_has_its_fixed_id(shared_catalog: TestClient) -> None:
    for one in walk(shared_catalog, "/organisations", limit=200):
        if one["organisation_number"]:
            assert one["id"] == str(seed_id(f"organisation:{one['organisation_number']}"))


def test_what_is_fictional_says_so(shared_catalog: TestClient) -> None:
    fictional = [one for one in walk(shared_catalog, "/organisations", limit=200) if one["fictional"]]
    with (PROJECT / "data" / "fictional" / "organisations.csv").open(newline="") as file:
        made_up = {row["organisation_number"] for row in csv.DictReader(file)}
    assert {one["organisation_number"] for one in fictional} == made_up | {"100000075"}, "and the one that is suspended"
    shown = [
        *fictional,
        *walk(shared_catalog, "/products"),
        *walk(shared_catalog, "/specifications"),
        shared_catalog.get("/components/velferdsteknologi-trygghetsplattform").json(),
    ]
    for one in shown:
        name = one["name"] if isinstance(one["name"], str) else one["name"]["nb"]
        assert "(fiktiv)" in name


def test_the_41_co_operations_have_their_226_members_of_2015(shared_catalog: TestClient) -> None:
    co_operations = walk(shared_catalog, "/co-operations", limit=7, on="2015-10-30")
    assert len(co_operations) == 41
    assert sum(one["member_count"] for one in co_operations) == 226
    assert {one["as_of_on"] for one in co_operations} == {"2015-10-30"}
    assert all(one["id"] == str(seed_id(f"co-operation:{one['slug']}")) for one in co_operations)


def test_the_48_entries_are_filed_under_their_kinds(shared_catalog: TestClient) -> None:
    entries = [one for one in walk(shared_catalog, "/components") if one["source"]]
    assert len({one["source"]["source_id"] for one in entries}) == len(entries) == 48
    assert Counter(one["kind"] for one in entries) == {
        "component": 29,
        "standard": 11,
        "project": 4,
        "guide": 2,
        "report": 1,
        "scheme": 1,
    }


def test_a_status_of_2011_is_not_todays(shared_catalog: TestClient) -> None:
    entries = {one["slug"]: one for one in walk(shared_catalog, "/components") if one["source"]}
    assert {slug for slug, one in entries.items() if one["life_cycle"] == "retired"} == ENDED
    assert {slug for slug, one in entries.items() if one["life_cycle"] == "available"} == ATTESTED
    assert {one["life_cycle"] for slug, one in entries.items() if slug not in ENDED | ATTESTED} == {"unknown"}
    assert {slug for slug, one in entries.items() if one["ended_on"]} == {"altinn-2"}
    assert entries["altinn-2"]["ended_on"] == "2026-06-19"
    assert all(one["life_cycle_reason"] for one in entries.values())


def test_the_decisions_of_today_cover_the_source_row_by_row() -> None:
    def ids(name: str) -> list[str]:
        with (PROJECT / "data" / name).open(newline="") as file:
            return [row["component_id"] for row in csv.DictReader(file)]

    assert ids("shared_components_today.csv") == ids("shared_components.csv")


def test_certificates_have_their_fixed_numbers(shared_catalog: TestClient) -> None:
    held = [(one["number"], one["product"]) for one in walk(shared_catalog, "/certificates", limit=2)]
    assert held == [
        ("SV-2026-000001", "fjordvakt-alarm"),
        ("SV-2026-000002", "nordlys-alarm"),
        ("SV-2026-000003", "havorn-alarm"),
        ("SV-2026-000004", "fjordvakt-tilsyn"),
        ("SV-2026-000005", "nordlys-tilsyn"),
        ("SV-2026-000006", "fjordvakt-alarm"),
        ("SV-2026-000007", "nordlys-alarm"),
        ("SV-2026-000008", None),  # of a supplier
    ]


def test_specifications_have_requirements_of_every_obligation(shared_catalog: TestClient) -> None:
    for one in walk(shared_catalog, "/specifications"):
        for version in shared_catalog.get(f"/specifications/{one['slug']}").json()["versions"]:
            assert len(version["requirements"]) >= 6
            assert {row["obligation"] for row in version["requirements"]} >= {"must", "should"}
