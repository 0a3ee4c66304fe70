"""Organisations on any day: names, numbers, counties and successors through mergers and splits."""

import csv
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from services.catalog.organisations import store as organisations
from services.chassis import audit, feed
from services.chassis.db import PROJECT, Database
from services.chassis.values import seed_id
from tests.catalog.conftest import errors, problem, walk


def id_of(number: str) -> str:
    return str(seed_id(f"organisation:{number}"))


FORSAND, SANDNES, OLD_ALESUND = id_of("939347801"), id_of("964965137"), id_of("942953119")
HAVORN, NORDLYS, FJORDVAKT = id_of("100000032"), id_of("100000024"), id_of("100000016")
BRONNOY, VEFSN = id_of("964983291"), id_of("844824122")
MERGE_PATCH = "application/merge-patch+json"


def structure(year: int) -> list[dict[str, str]]:
    with (PROJECT / "data" / f"municipalities_{year}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("year", [2010, 2015, 2020, 2024])
def test_each_structure_reads_as_it_was(shared_catalog: TestClient, year: int) -> None:
    day = f"{year}-01-01"
    found = walk(shared_catalog, "/organisations", kind="municipality", on=day, limit=200)
    expected = structure(year)
    shown: dict[str, dict[str, Any]] = {}
    for one in found:
        (number,) = [
            period["number"]
            for period in one["municipality_numbers"]
            if (period["valid_from_on"] or day) <= day <= (period["valid_to_on"] or day)
        ]
        shown[number] = one
    assert shown.keys() == {row["municipality_number"] for row in expected}
    for row in expected:
        one = shown[row["municipality_number"]]
        assert one["county_number"] == row["county_number"]
        assert one["organisation_number"] == (row["organisation_number"] or None)
        counted = row[f"population_{year}_01_01"]
        assert (one["population"] if one["population_on"] == day else None) == (int(counted) if counted else None)
        assert one["name"].removesuffix(" kommune") in row["name"]


def test_the_names_of_a_day_are_those_of_that_day(shared_catalog: TestClient) -> None:
    def name(day: str | None) -> str:
        query = {"on": day} if day else {}
        found = shared_catalog.get(f"/organisations/{id_of('964951640')}", params=query).json()
        return str(found["name"])

    assert [name("2015-10-30"), name("2019-12-31"), name("2020-01-01"), name(None)] == [
        "Nes kommune",
        "Nes kommune",
        "Nesbyen kommune",
        "Nesbyen kommune",
    ]
    found = walk(shared_catalog, "/organisations", q="nes kommune", county_number="06", on="2015-10-30")
    assert [one["name"] for one in found] == ["Nes kommune"]


@pytest.mark.parametrize("limit", [7, 200])
def test_pages_of_another_day_have_no_gaps_and_no_repeats(shared_catalog: TestClient, limit: int) -> None:
    found = walk(
        shared_catalog, "/organisations", county_number="15", kind="municipality", on="2015-10-30", limit=limit
    )
    names = [one["name"] for one in found]
    assert len(names) == len({one["id"] for one in found}) == 36
    assert names[-1] == "Ålesund kommune"


def test_an_old_number_finds_the_one_that_ended_and_its_successor(shared_catalog: TestClient) -> None:
    (found,) = walk(shared_catalog, "/organisations", municipality_number="1129")
    assert (found["name"], found["id"], found["existed_to_on"]) == ("Forsand kommune", FORSAND, "2019-12-31")
    assert found["successors"] == [{"id": SANDNES, "name": "Sandnes kommune", "relation": "merger"}]
    assert walk(shared_catalog, "/organisations", municipality_number="1129", on="2020-01-01") == []
    (then,) = walk(shared_catalog, "/organisations", municipality_number="1129", on="2019-12-31")
    assert then["successors"] == []


def test_who_has_ended_is_listed_only_when_asked_for(shared_catalog: TestClient) -> None:
    def named(**query: Any) -> list[str]:
        return [one["name"] for one in walk(shared_catalog, "/organisations", q="forsand k", **query)]

    assert (named(), named(ended=True), named(on="2015-01-01")) == ([], ["Forsand kommune"], ["Forsand kommune"])


def test_a_number_with_two_holders_over_time_tells_both(shared_catalog: TestClient) -> None:
    old, new = sorted(
        walk(shared_catalog, "/organisations", municipality_number="1103"), key=lambda one: one["existed_to_on"] or "9"
    )
    assert (old["existed_to_on"], new["existed_to_on"]) == ("2019-12-31", None)
    assert [one["id"] for one in old["successors"]] == [new["id"]]


def test_a_split_gives_both(shared_catalog: TestClient) -> None:
    (found,) = walk(shared_catalog, "/organisations", municipality_number="1507")
    assert (found["existed_from_on"], found["existed_to_on"]) == ("2020-01-01", "2023-12-31")
    assert {(one["name"], one["relation"]) for one in found["successors"]} == {
        ("Ålesund kommune", "split"),
        ("Haram kommune", "split"),
    }


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2019-12-31", {("1504", "same")}),
        ("2023-12-31", {("1507", "merger")}),
        ("2024-01-01", {("1508", "split"), ("1580", "split")}),
    ],
)
def test_successors_are_followed_through_every_step(
    shared_catalog: TestClient, day: str, expected: set[tuple[str, str]]
) -> None:
    answer = shared_catalog.get(f"/organisations/{OLD_ALESUND}/successors", params={"on": day}).json()
    ids = [one["id"] for one in answer["successors"]]
    rows = {one["id"]: one for one in walk(shared_catalog, "/organisations", id=ids)}
    assert {
        (rows[one["id"]]["municipality_numbers"][0]["number"], one["relation"]) for one in answer["successors"]
    } == expected
    assert [step["effective_on"] for step in answer["steps"]] == ["2020-01-01", "2024-01-01", "2024-01-01"]


def test_predecessors_are_told(shared_catalog: TestClient) -> None:
    (haram,) = walk(shared_catalog, "/organisations", municipality_number="1580")
    steps = shared_catalog.get(f"/organisations/{haram['id']}/predecessors").json()["steps"]
    assert {step["predecessor_name"] for step in steps} == {
        f"{name} kommune" for name in ("Ålesund", "Haram", "Sandøy", "Skodje", "Ørskog")
    }


@pytest.mark.parametrize(
    ("number", "heirs"),
    [
        ("1613", {"Heim", "Hitra", "Orkland"}),
        ("1850", {"Narvik", "Hamarøy"}),
        ("1854", {"Narvik"}),
        ("0720", {"Sandefjord"}),
        ("1723", {"Inderøy"}),
        ("1915", {"Harstad"}),
    ],
)
def test_those_that_are_gone_have_their_heirs(shared_catalog: TestClient, number: str, heirs: set[str]) -> None:
    (found,) = walk(shared_catalog, "/organisations", municipality_number=number)
    assert {one["name"].removesuffix(" kommune") for one in found["successors"]} == heirs
    assert {one["relation"] for one in found["successors"]} == {"split" if len(heirs) > 1 else "merger"}


def test_only_days_that_the_sources_bear_are_claimed(shared_catalog: TestClient) -> None:
    def one(number: str) -> dict[str, Any]:
        (found,) = walk(shared_catalog, "/organisations", municipality_number=number)
        return found

    assert (one("0720")["existed_to_on"], one("0720")["existence_basis"]) == (
        "2016-12-31",
        "Merged in 2017 (SSB's grouping of 1994–2024)",
    )
    assert "dated to the later one's first day" in one("0723")["existence_basis"]
    hitra = one("5056")
    assert [(period["valid_from_on"], period["valid_to_on"]) for period in hitra["municipality_numbers"]] == [
        (None, "2017-12-31"),
        ("2020-01-01", None),
    ], "what its number was in 2018 and 2019 is in no source here"
    assert one("1813")["existed_from_on"] is None


def test_every_municipality_of_2010_leads_to_those_of_today(database: Database) -> None:
    """Whoever is gone has the heirs that SSB's grouping names. It knows who of Ålesund's parts went where in 2024; the
    legal persons went through the one that was split, so all of them lead to both."""
    day = date(2024, 1, 1)
    split = {"1508", "1580"}
    with database.reading() as reader:
        holders = {
            number: organisations.by_municipality_number(reader, number, None)[-1]
            for number in (row["municipality_number"] for row in structure(2010))
        }
        today = {
            row["municipality_number"]: organisations.by_municipality_number(reader, row["municipality_number"], day)[0]
            for row in structure(2024)
        }
        resolved = organisations.resolve(reader, holders.values(), day)
    for row in structure(2010):
        named = set(row["municipality_number_2024"].split(";"))
        expected = {today[number] for number in (split if named & split else named)}
        assert {one for one, _ in resolved[holders[row["municipality_number"]]]} == expected


def test_many_are_read_at_once(shared_catalog: TestClient) -> None:
    found = walk(shared_catalog, "/organisations", id=[FORSAND, BRONNOY, FORSAND], limit=1)
    assert [one["id"] for one in found] == [BRONNOY, FORSAND]


def test_some_fields_survive_paging(shared_catalog: TestClient) -> None:
    answer = shared_catalog.get("/organisations", params={"fields": "name,id", "kind": "county", "limit": 10})
    assert all(one.keys() == {"name", "id"} for one in answer.json()["items"])
    link = answer.headers["Link"].removeprefix("<").removesuffix('>; rel="next"')
    assert all(one.keys() == {"name", "id"} for one in shared_catalog.get(link).json()["items"])


def merge(catalog: TestClient, headers: dict[str, str], predecessor: str, step: str = "merge", **body: Any) -> Any:
    whole = {"effective_on": "2026-01-01", "source": "Fusjonsplan (fiktiv)", "reason": "Meldt sent"} | body
    return catalog.post(f"/organisations/{predecessor}/{step}", json=whole, headers=headers)


def test_an_editor_registers_a_merger(catalog: TestClient, editor: dict[str, str], database: Database) -> None:
    answer = merge(catalog, editor, HAVORN, successor=NORDLYS)
    assert answer.status_code == 200, answer.text
    assert [(one["id"], one["relation"]) for one in answer.json()["successors"]] == [(NORDLYS, "merger")]
    assert answer.headers["ETag"] == '"2"'
    (found,) = walk(catalog, "/organisations", organisation_number="100000032")
    assert (found["existed_to_on"], [one["id"] for one in found["successors"]]) == ("2025-12-31", [NORDLYS])
    assert HAVORN not in [one["id"] for one in walk(catalog, "/organisations", kind="supplier")]
    assert HAVORN in [one["id"] for one in walk(catalog, "/organisations", kind="supplier", on="2025-12-31")]
    with database.writing() as session:
        assert [row[1:] for row in audit.of(session, f"/organisations/{HAVORN}")] == [
            ("organisation.merger", "100000008")
        ]
        back_dated = session.execute(sa.text("SELECT back_dated FROM succession WHERE reason = 'Meldt sent'"))
        assert back_dated.scalar_one() is True
        last = feed.after(session, 0, None, 1000).items[-1]
        assert (last.type.endswith("organisation.merger"), last.data["successors"]) == (True, [NORDLYS])


def test_a_chain_of_mergers_and_a_split_is_followed(catalog: TestClient, editor: dict[str, str]) -> None:
    assert merge(catalog, editor, HAVORN, successor=NORDLYS, effective_on="2026-01-01").status_code == 200
    new = {"kinds": ["supplier"], "name": "Havblikk AS (fiktiv)", "organisation_number": "100000083"}
    made = catalog.post("/organisations", json=new, headers=editor).json()
    answer = merge(catalog, editor, NORDLYS, "split", successors=[FJORDVAKT, made["id"]], effective_on="2026-03-01")
    assert answer.status_code == 200, answer.text
    found = catalog.get(f"/organisations/{HAVORN}/successors", params={"on": "2026-06-01"}).json()
    assert {(one["id"], one["relation"]) for one in found["successors"]} == {
        (FJORDVAKT, "split"),
        (made["id"], "split"),
    }


def test_a_body_goes_on_under_a_new_number(catalog: TestClient, editor: dict[str, str]) -> None:
    answer = merge(catalog, editor, HAVORN, "continue", successor=NORDLYS)
    assert [one["relation"] for one in answer.json()["successors"]] == ["continued"]


def test_a_circle_is_refused(catalog: TestClient, editor: dict[str, str]) -> None:
    assert merge(catalog, editor, HAVORN, successor=NORDLYS, effective_on="2026-01-01").status_code == 200
    answer = merge(catalog, editor, NORDLYS, successor=HAVORN, effective_on="2026-02-01")
    assert errors(answer) == {
        ("succession-circular", "#/successor"),
        ("successor-not-existing", "#/successor"),
    }


def test_two_that_merge_into_each_other_at_once_end_in_one(catalog: TestClient, editor: dict[str, str]) -> None:
    with ThreadPoolExecutor(2) as threads:
        answers = list(
            threads.map(
                lambda pair: merge(catalog, editor, pair[0], successor=pair[1]), [(HAVORN, NORDLYS), (NORDLYS, HAVORN)]
            )
        )
    assert sorted(answer.status_code for answer in answers) == [200, 409]


def test_all_that_is_wrong_with_a_merger_is_told(catalog: TestClient, editor: dict[str, str]) -> None:
    answer = merge(catalog, editor, FORSAND, "split", successors=[FORSAND, HAVORN, HAVORN], reason=None)
    assert errors(answer) == {
        ("already-ended", ""),
        ("into-itself", "#/successors/0"),
        ("kind-differs", "#/successors/1"),
        ("kind-differs", "#/successors/2"),
        ("successor-repeated", "#/successors/2"),
        ("back-dating-unexplained", "#/reason"),
    }


def test_a_merger_can_be_tried(catalog: TestClient, editor: dict[str, str]) -> None:
    body = {"successor": NORDLYS, "effective_on": "2027-01-01", "source": "Fusjonsplan (fiktiv)"}
    answer = catalog.post(f"/organisations/{HAVORN}/merge", params={"dry_run": True}, json=body, headers=editor)
    assert (answer.status_code, answer.headers["Dry-Run"]) == (200, "true")
    assert catalog.get(f"/organisations/{HAVORN}").json()["existed_to_on"] is None


def test_the_number_of_one_that_ended_can_be_taken(catalog: TestClient, editor: dict[str, str]) -> None:
    assert merge(catalog, editor, VEFSN, successor=BRONNOY, effective_on="2026-01-01").status_code == 200
    new = {
        "kinds": ["municipality"],
        "name": "Nye Vefsn kommune (fiktiv)",
        "municipality_numbers": [{"number": "1824", "valid_from_on": "2026-01-01"}],
    }
    assert catalog.post("/organisations", json=new, headers=editor).status_code == 201
    earlier = new | {"municipality_numbers": [{"number": "1824", "valid_from_on": "2025-12-31"}]}
    assert problem(catalog.post("/organisations", json=earlier, headers=editor)) == (409, "organisation-number-taken")


def patch(catalog: TestClient, headers: dict[str, str], id: str, match: str, **body: Any) -> Any:
    given = headers | {"If-Match": match, "Content-Type": MERGE_PATCH}
    return catalog.patch(f"/organisations/{id}", json=body, headers=given)


def test_a_new_name_and_county_hold_from_their_day(catalog: TestClient, editor: dict[str, str]) -> None:
    answer = patch(
        catalog, editor, BRONNOY, '"1"', name="Brønnøysund kommune", county_number="50", effective_on="2026-06-01"
    )
    assert answer.status_code == 200, answer.text
    shown = [
        (one["name"], one["county_number"], one["official_name"])
        for day in ("2026-05-31", "2026-06-01")
        for one in [catalog.get(f"/organisations/{BRONNOY}", params={"on": day}).json()]
    ]
    assert shown == [("Brønnøy kommune", "18", None), ("Brønnøysund kommune", "50", None)]
    again = patch(catalog, editor, BRONNOY, '"2"', name="Torgar kommune", effective_on="2026-06-01")
    assert problem(again) == (422, "effective-before-last-change")
    assert patch(catalog, editor, BRONNOY, '"2"', name="Torgar kommune", effective_on="2026-07-01").status_code == 200
    names = [
        catalog.get(f"/organisations/{BRONNOY}", params={"on": day}).json()["name"]
        for day in ("2015-01-01", "2026-06-30", "2026-07-01")
    ]
    assert names == ["Brønnøy kommune", "Brønnøysund kommune", "Torgar kommune"]
    (listed,) = walk(catalog, "/organisations", id=[BRONNOY], on="2015-01-01")
    assert listed["name"] == "Brønnøy kommune"


def test_a_change_needs_what_was_read_and_a_reason_when_sensitive(
    catalog: TestClient, editor: dict[str, str], database: Database
) -> None:
    etag = catalog.get(f"/organisations/{HAVORN}").headers["ETag"]
    assert problem(patch(catalog, editor, HAVORN, '"9"', name="Havørn AS (fiktiv)")) == (412, "stale")
    answer = patch(catalog, editor, HAVORN, etag, organisation_number="100000083", name="Havørn AS (fiktiv)")
    assert errors(answer) == {("reason-missing", "#/reason")}
    answer = patch(catalog, editor, HAVORN, etag, organisation_number="100000083", reason="Feilført nummer")
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    with database.reading() as reader:
        detail = reader.execute(
            sa.text("SELECT detail FROM audit WHERE action = 'organisation.change' AND subject = :path"),
            {"path": f"/organisations/{HAVORN}"},
        ).scalar_one()
    assert detail == {"changed": {"organisation_number": ["100000032", "100000083"]}, "reason": "Feilført nummer"}


def test_a_count_stands_by_its_day(catalog: TestClient, editor: dict[str, str]) -> None:
    answer = patch(catalog, editor, BRONNOY, '"1"', population=7_900, population_on="2026-01-01")
    assert answer.json()["population"] == 7_900
    counted = [
        catalog.get(f"/organisations/{BRONNOY}", params={"on": day}).json()["population_on"]
        for day in ("2009-12-31", "2019-12-31", "2025-12-31", "2026-01-01")
    ]
    assert counted == [None, "2015-01-01", "2024-01-01", "2026-01-01"]


def test_what_changes_is_found_by_its_new_name_and_the_old(catalog: TestClient, editor: dict[str, str]) -> None:
    assert patch(catalog, editor, BRONNOY, '"1"', name="Torgar kommune").status_code == 200
    for q in ("torgar", "brønnøy kommune"):
        found = catalog.get("/search", params={"q": q, "type": "organisation"}).json()["items"]
        assert f"/organisations/{BRONNOY}" in [one["path"] for one in found]
