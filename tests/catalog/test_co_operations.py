"""Co-operations on any day: members exactly as recorded, and nobody counted twice."""

import csv
from collections import Counter, defaultdict
from typing import Any

import pytest
from fastapi.testclient import TestClient

from services.chassis.db import PROJECT
from services.chassis.values import seed_id
from tests.catalog.conftest import errors, problem, walk


def id_of(number: str) -> str:
    return str(seed_id(f"organisation:{number}"))


BRONNOY, VEGA, VEFSN = id_of("964983291"), id_of("941017975"), id_of("844824122")


def rows(name: str) -> list[dict[str, str]]:
    with (PROJECT / "data" / name).open(newline="") as file:
        return list(csv.DictReader(file))


def read(catalog: TestClient, slug: str, on: str | None = None) -> dict[str, Any]:
    answer = catalog.get(f"/co-operations/{slug}", params={"on": on} if on else {})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_every_co_operation_has_the_members_of_2015(shared_catalog: TestClient) -> None:
    expected = defaultdict(list)
    for row in rows("ict_cooperation_owners_2015.csv"):
        expected[row["cooperation_name"]].append(
            (row["owner_name"], row["municipality_number_2015"] or None, row["organisation_number"] or None)
        )
    found = walk(shared_catalog, "/co-operations", on="2015-10-30")
    assert {one["name"] for one in found} == expected.keys()
    assert len(found) == 41
    for one in found:
        whole = read(shared_catalog, one["slug"], "2015-10-30")
        members = [(row["name"], row["municipality_number"], row["organisation_number"]) for row in whole["members"]]
        assert members == expected[one["name"]]
        assert whole["members_as_of_on"] == "2015-10-30"
        assert [row["organisation_id"] for row in whole["on_that_day"]] == sorted(
            {row["organisation_id"] for row in whole["members"]},
            key=[row["organisation_id"] for row in whole["on_that_day"]].index,
        )
        assert {row["status"] for row in whole["on_that_day"]} == {"recorded"}
        numbers = {row["organisation_number"] for row in whole["on_that_day"] if row["organisation_number"] is not None}
        assert numbers == {number for _, _, number in expected[one["name"]] if number}


def test_helgelands_have_the_members_of_2019(shared_catalog: TestClient) -> None:
    for row in rows("helgeland_cooperations_2018.csv"):
        (one,) = [
            found
            for found in walk(shared_catalog, "/co-operations", on="2019-02-01")
            if found["name"] == row["name"] and found["as_of_on"] == "2019-02-01"
        ]
        whole = read(shared_catalog, one["slug"], "2019-02-01")
        names = [name for name in row["members"].split(";") if name]
        assert [member["name"] for member in whole["members"]] == names
        assert whole["member_count"] == (len(names) or None)
        assert (whole["host"] is None) == (not row["host_municipality"])
        assert whole["as_of_in_source"] == "februar 2019"


def test_nothing_is_recorded_before_it_is(shared_catalog: TestClient) -> None:
    assert walk(shared_catalog, "/co-operations", on="2015-10-29") == []
    answer = shared_catalog.get("/co-operations/oyriktet-ikt", params={"on": "2018-12-31"})
    assert problem(answer) == (404, "nothing-recorded-then")
    assert problem(shared_catalog.get("/co-operations/finnes-ikke")) == (404, "co-operation-not-found")


def test_one_co_operation_has_two_dated_states(shared_catalog: TestClient) -> None:
    then, now = read(shared_catalog, "hald-ikt", "2019-01-31"), read(shared_catalog, "hald-ikt")
    assert [one["as_of_on"] for one in now["states"]] == ["2015-10-30", "2019-02-01"]
    assert (then["as_of_on"], now["as_of_on"]) == ("2015-10-30", "2019-02-01")
    assert (then["host"], now["host"]) == (None, id_of("938712441"))
    assert (then["may_order_as"], now["may_order_as"]) == (None, "host")
    assert then["units"][0]["law"] == "kommuneloven 1992 § 28-1 b"
    assert now["units"][0]["law"] is None, "the report of 2019 names none"


def test_what_is_paid_is_a_dated_fact_and_unknown_stays_unknown(shared_catalog: TestClient) -> None:
    rogaland = read(shared_catalog, "digi-rogaland")
    assert rogaland["costs"] == {
        "fixed_per_municipality_nok": "150000.00",
        "per_inhabitant_nok": "5.00",
        "external_contribution_nok": "3000000.00",
        "external_contributor": "Fylkesmannen i Rogaland",
        "other_financing": "årlig tilskudd til sekretariatet",
        "project_financing": "hvert prosjekt finansieres særskilt",
    }
    assert (rogaland["members"], rogaland["member_count"], rogaland["member_count_in_source"]) == ([], None, "26")
    assert read(shared_catalog, "digitale-hordaland")["costs"]["per_inhabitant_nok"] == "0.00"
    assert read(shared_catalog, "hald-ikt")["costs"]["fixed_per_municipality_nok"] is None


def test_a_state_without_members_leaves_those_that_are_known(shared_catalog: TestClient) -> None:
    found = read(shared_catalog, "digitale-gardermoen", "2019-02-01")
    assert (found["as_of_on"], found["members_as_of_on"], found["member_count"]) == ("2019-02-01", "2015-10-30", 6)


def test_a_form_is_never_translated_to_another_act(shared_catalog: TestClient) -> None:
    found = read(shared_catalog, "ekommune-sunnmore")
    assert found["form_in_source"] == "§ 27 og Vertskommune (§ 28-1b)"
    assert found["units"] == [
        {"form": "section_27", "law": "kommuneloven 1992 § 27", "legal_person": None},
        {"form": "host_municipality", "law": "kommuneloven 1992 § 28-1 b", "legal_person": False},
    ]
    assert found["may_order_as"] is None
    forms = {unit["form"] for one in walk(shared_catalog, "/co-operations") for unit in one["units"]}
    assert not forms & {"task_partnership", "political_council"}


@pytest.mark.parametrize(
    ("slug", "word", "orders"),
    [
        ("ikt-valdres", "owner", "legal_person"),
        ("ikomm-as", "owner", "legal_person"),
        ("ikt-i-isk", "participant", "legal_person"),
        ("kr-ikt", "participant", None),
        ("ikt-follo", "co_operating_municipality", None),
        ("rodoy-og-bodo", "party", None),
        ("digi-rogaland", "party", None),
    ],
)
def test_the_form_decides_the_word_and_who_may_order(
    shared_catalog: TestClient, slug: str, word: str, orders: str | None
) -> None:
    found = read(shared_catalog, slug)
    assert (found["members_are"], found["may_order_as"]) == (word, orders)


def test_what_was_corrected_in_the_source_is_told(shared_catalog: TestClient) -> None:
    assert [one["kind"] for one in read(shared_catalog, "fosen-ikt")["corrections"]] == ["flyttet eier"]


def test_iveland_is_in_two_and_counts_once(shared_catalog: TestClient) -> None:
    slugs = ["kr-ikt", "setesdal-ikt"]
    answer = shared_catalog.get("/co-operations/roll-up", params={"slug": slugs, "on": "2015-10-30"}).json()
    members = [
        member["organisation_id"] for slug in slugs for member in read(shared_catalog, slug, "2015-10-30")["members"]
    ]
    iveland = id_of("864966012")
    assert Counter(members)[iveland] == 2, "the source has it in both"
    assert Counter(answer["members"]["organisations"]) == dict.fromkeys(members, 1)
    counted = {row["organisation_number"]: row["population_2015_01_01"] for row in rows("municipalities_2015.csv")}
    numbers = {
        row["organisation_number"]
        for row in rows("ict_cooperation_owners_2015.csv")
        if row["cooperation_name"] in ("KR-IKT", "Setesdal IKT")
    }
    assert answer["members"]["population"] == sum(int(counted[number]) for number in numbers)
    assert answer["members"]["population"] == 110_490 + 8_255 - int(counted["864966012"])


def test_every_roll_up_of_2015_is_the_union_of_its_members(shared_catalog: TestClient) -> None:
    slugs = [one["slug"] for one in walk(shared_catalog, "/co-operations", on="2015-10-30")]
    answer = shared_catalog.get("/co-operations/roll-up", params={"slug": slugs, "on": "2015-10-30"}).json()
    assert len(answer["members"]["organisations"]) == 225, "224 municipalities and a county"
    assert answer["members"]["population_missing"] == 1
    assert answer["inherited_unconfirmed"]["organisations"] == answer["awaiting_allocation"]["organisations"] == []


def test_successors_stand_apart_in_a_roll_up(shared_catalog: TestClient) -> None:
    answer = shared_catalog.get("/co-operations/roll-up", params={"slug": ["ekommune-sunnmore", "d-ikt"]}).json()
    both = {id_of("929911709"), id_of("829912252")}
    assert set(answer["awaiting_allocation"]["organisations"]) == both
    assert id_of("920125298") in answer["inherited_unconfirmed"]["organisations"]
    assert not both & set(answer["members"]["organisations"])


def test_the_co_operations_of_one_municipality(shared_catalog: TestClient) -> None:
    def of(number: str, on: str) -> list[str]:
        found = walk(shared_catalog, "/co-operations", member=id_of(number), on=on)
        return [one["slug"] for one in found]

    assert of("864966012", "2015-10-30") == ["kr-ikt", "setesdal-ikt"]
    assert of("938712441", "2026-01-01") == ["hald-ikt"]
    assert of("829912252", "2026-01-01") == ["ekommune-sunnmore"], "perhaps, by what it came from"
    assert of("829912252", "2023-12-31") == []


def test_pages_filters_and_fields_go_together(shared_catalog: TestClient) -> None:
    answer = shared_catalog.get("/co-operations", params={"on": "2015-10-30", "limit": 20, "fields": "slug,as_of_on"})
    link = answer.headers["Link"].removeprefix("<").removesuffix('>; rel="next"')
    following = shared_catalog.get(link).json()["items"]
    assert len(following) == 20
    assert {tuple(one) for one in following} == {("slug", "as_of_on")}
    picked = walk(shared_catalog, "/co-operations", slug=["sikt", "ssikt"], limit=1)
    assert [one["slug"] for one in picked] == ["sikt", "ssikt"]


STATE = {
    "as_of_on": "2026-01-01",
    "source": "Samarbeidsavtalen (fiktiv)",
    "units": [{"form": "task_partnership", "law": "kommuneloven 2018 ch. 19", "legal_person": True}],
    "members": [BRONNOY, VEGA],
    "costs": {"per_inhabitant_nok": "12.50"},
}


def test_an_editor_registers_a_co_operation_and_adds_a_state(catalog: TestClient, editor: dict[str, str]) -> None:
    new = {"slug": "kystsamarbeidet", "name": "Kystsamarbeidet (fiktivt)", "state": STATE}
    answer = catalog.post("/co-operations", json=new, headers=editor)
    assert answer.status_code == 201, answer.text
    assert catalog.get(answer.headers["Location"]).json() == answer.json()
    assert (answer.json()["may_order_as"], answer.json()["costs"]["per_inhabitant_nok"]) == ("legal_person", "12.50")
    (organisation,) = walk(catalog, "/organisations", id=[answer.json()["id"]])
    assert organisation["kinds"] == ["co_operation"]
    later = STATE | {"as_of_on": "2026-06-01", "members": [BRONNOY, VEGA, VEFSN]}
    path = "/co-operations/kystsamarbeidet/states"
    stale = catalog.post(path, json=later, headers=editor | {"If-Match": '"2"'})
    assert problem(stale) == (412, "stale")
    added = catalog.post(path, json=later, headers=editor | {"If-Match": answer.headers["ETag"]})
    assert (added.status_code, added.headers["ETag"]) == (201, '"2"')
    counts = [read(catalog, "kystsamarbeidet", day)["member_count"] for day in ("2026-05-31", "2026-06-01")]
    assert counts == [2, 3]
    found = catalog.get("/search", params={"q": "kystsamarbeidet"}).json()["items"]
    assert [one["path"] for one in found] == ["/co-operations/kystsamarbeidet"]


def test_all_that_is_wrong_with_a_state_is_told(shared_catalog: TestClient, editor: dict[str, str]) -> None:
    wrong = STATE | {
        "as_of_on": "2099-01-01",
        "host": VEFSN,
        "members": [BRONNOY, BRONNOY, str(seed_id("nobody")), id_of("939347801")],
        "units": [{"form": "section_27", "law": "kommuneloven 2018 ch. 19"}],
    }
    answer = shared_catalog.post(
        "/co-operations", json={"slug": "feil", "name": "Feil (fiktivt)", "state": wrong}, headers=editor
    )
    assert errors(answer) == {
        ("state-in-future", "#/state/as_of_on"),
        ("law-unfit", "#/state/units/0/law"),
        ("member-repeated", "#/state/members/1"),
        ("member-unknown", "#/state/members/2"),
        ("member-not-existing", "#/state/members/3"),
        ("host-without-host-form", "#/state/host"),
        ("host-not-member", "#/state/host"),
    }
