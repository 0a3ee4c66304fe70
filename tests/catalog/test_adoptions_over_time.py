"""Adoptions through mergers, splits and co-operations: each once, also by an old number and on an earlier day."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.chassis.values import seed_id
from tests.catalog.conftest import problem
from tests.conftest import NewDatabase, serving
from tests.issuer import Issuer

COMPONENT = "velferdsteknologi-trygghetsplattform"
ALESUND, HARAM, VEFSN = "929911709", "829912252", "844824122"
IVELAND, LILLESAND, BIRKENES, EVJE_OG_HORNNES, BYGLAND = (
    "864966012",
    "964965404",
    "964965870",
    "964966109",
    "964966397",
)
SPLIT = str(seed_id("adoption:alesund-2020:velferdsteknologi-trygghetsplattform"))
PENDING_ON = str(seed_id("adoption:alesund-2020:havorn-alarm"))
PENDING = str(seed_id("allocation:alesund-2020:havorn-alarm"))


@pytest.fixture
def catalog(apps: Callable[[str], FastAPI], new_database: NewDatabase) -> Iterator[TestClient]:
    with serving(apps("catalog"), new_database("catalog", seeded=True)) as client:
        yield client


class Asking:
    """The catalogue as public bodies ask it."""

    def __init__(self, catalog: TestClient, issuer: Issuer) -> None:
        self.catalog, self.issuer = catalog, issuer

    def by(self, number: str) -> dict[str, str]:
        return self.issuer.bearer(number, "catalog.write")

    def get(self, path: str, **query: Any) -> Any:
        answer = self.catalog.get(path, params=query, headers=self.by(VEFSN))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, number: str, path: str, **body: Any) -> Any:
        return self.catalog.post(path, json=body, headers=self.by(number))

    def landscape(self, id: str, **query: Any) -> list[tuple[str, str]]:
        """(what, how) of each thing"""
        items = self.get(f"/organisations/{id}/landscape", limit=200, **query)["items"]
        return [
            (
                one["adoption"]["component"] or one["adoption"]["product"] or one["adoption"]["system_in_source"],
                one["how"],
            )
            for one in items
        ]

    def adopters(self, **query: Any) -> tuple[set[str], dict[str, int]]:
        """→ (names, counts)"""
        found = self.get(f"/components/{COMPONENT}/adopters", limit=200, **query)
        counts = {name: found[name] for name in ("organisations", "own", "through_co_operation", "undecided")}
        return {one["name"] for one in found["items"]}, counts


@pytest.fixture
def ask(catalog: TestClient, issuer: Issuer) -> Asking:
    return Asking(catalog, issuer)


def test_a_merger_keeps_every_adoption_once_and_the_old_number_finds_it(ask: Asking) -> None:
    sandnes = ask.get("/organisations", municipality_number="1108", on="2024-06-01")["items"][0]
    forsand = ask.get("/organisations", municipality_number="1129")["items"][0]
    number = sandnes["organisation_number"]
    for organisation, thing in ((sandnes, "havorn-alarm"), (forsand, "havorn-alarm"), (forsand, "nordlys-alarm")):
        was = ask.get("/organisations", municipality_number="1102" if organisation is sandnes else "1129")["items"][0]
        answer = ask.post(
            number,
            "/adoptions",
            organisation=was["id"],
            product=thing,
            effective_on="2018-06-01",
            reason="Registrert i etterkant",
        )
        assert answer.status_code == 201, answer.text
        assert answer.json()["claim"] == "confirmed"

    def things(id: str, on: str) -> list[tuple[str, str]]:
        return [
            one for one in ask.landscape(id, on=on) if one[0].endswith("-alarm") and one[1] != "through_co_operation"
        ]

    assert things(forsand["id"], "2019-12-31") == [("havorn-alarm", "own"), ("nordlys-alarm", "own")]
    before = ask.get("/organisations", municipality_number="1102", on="2019-12-31")["items"][0]
    assert [what for what, _ in things(before["id"], "2019-12-31")] == ["havorn-alarm"]
    after = things(sandnes["id"], "2020-01-01")
    assert sorted(what for what, _ in after) == ["havorn-alarm", "havorn-alarm", "nordlys-alarm"]
    assert ("nordlys-alarm", "inherited") in after
    assert things(forsand["id"], "2020-01-01") == []
    mine = {one["id"] for one in ask.get("/adoptions", municipality_number="1108", limit=200)["items"]}
    old = ask.get("/adoptions", municipality_number="1129", limit=200)["items"]
    assert len(old) == 2
    assert {one["id"] for one in old} <= mine
    assert {one["held_by"][0]["name"] for one in old} == {sandnes["name"]}
    names, counts = ask.adopters(on="2019-12-31")
    assert {"Forsand kommune", before["name"]} <= names
    names_after, counts_after = ask.adopters(on="2020-01-01")
    assert counts_after["own"] == counts["own"] - 1, "two that used the same have become one"
    assert "Forsand kommune" not in names_after
    assert sandnes["name"] in names_after


def test_a_split_is_confirmed_by_both_and_counted_once_until_then(ask: Asking) -> None:
    alesund, haram = (str(seed_id(f"organisation:{number}")) for number in (ALESUND, HARAM))
    both = [("havorn-alarm", "to_be_confirmed_by_both"), (COMPONENT, "to_be_confirmed_by_both")]
    assert ask.landscape(alesund) == ask.landscape(haram) == both
    names, counts = ask.adopters()
    assert counts["undecided"] == 1, "what is of the same split organisation counts once"
    assert not names & {"Ålesund kommune", "Haram kommune"}
    old = ask.get("/adoptions", municipality_number="1507")["items"]
    assert {one["id"] for one in old} == {SPLIT, PENDING_ON}
    assert {one["to_be_confirmed_by_both"] for one in old} == {True}
    assert {one["id"] for one in ask.get("/adoptions", municipality_number="1580")["items"]} == {SPLIT, PENDING_ON}
    then, counts_then = ask.adopters(on="2023-12-31")
    assert "Ålesund kommune" in then
    assert counts_then["undecided"] == 0

    assert problem(ask.post(HARAM, f"/adoptions/{SPLIT}/end")) == (409, "allocation-awaited")
    assert problem(ask.post(VEFSN, f"/adoptions/{SPLIT}/allocate", organisations=[haram])) == (403, "no-successor")
    proposed = ask.post(HARAM, f"/adoptions/{SPLIT}/allocate", organisations=[haram])
    assert (proposed.status_code, proposed.json()["in_force"]) == (201, False)
    assert [one["name"] for one in proposed.json()["waits_for"]] == ["Ålesund kommune"]
    assert problem(ask.post(ALESUND, f"/adoptions/{SPLIT}/allocate", organisations=[alesund])) == (
        409,
        "allocation-pending",
    )
    assert ask.adopters() == (names, counts), "not before the other has said so"
    answer = f"/adoptions/{SPLIT}/allocations/{proposed.json()['id']}"
    assert problem(ask.post(HARAM, f"{answer}/confirm")) == (409, "answered-already")
    assert problem(ask.post(VEFSN, f"{answer}/confirm")) == (403, "no-successor")
    assert ask.post(ALESUND, f"{answer}/confirm").json()["in_force"] is True
    assert ask.landscape(haram) == [("havorn-alarm", "to_be_confirmed_by_both"), (COMPONENT, "allocated")]
    assert ask.landscape(alesund) == [("havorn-alarm", "to_be_confirmed_by_both")]
    found, counts_after = ask.adopters()
    assert found == names | {"Haram kommune"}
    assert (counts_after["own"], counts_after["undecided"]) == (counts["own"] + 1, 0), "the other may be Haram's too"
    assert ask.post(HARAM, f"/adoptions/{SPLIT}/phase-out").json()["status"] == "phasing_out"
    assert problem(ask.post(ALESUND, f"/adoptions/{SPLIT}/start")) == (403, "not-yours")


def test_a_declined_allocation_is_over_and_both_may_carry_it_on(ask: Asking) -> None:
    alesund, haram = (str(seed_id(f"organisation:{number}")) for number in (ALESUND, HARAM))
    path = f"/adoptions/{PENDING_ON}"
    assert problem(ask.post(ALESUND, f"{path}/allocations/{PENDING}/decline")) == (422, "decline-unexplained")
    declined = ask.post(ALESUND, f"{path}/allocations/{PENDING}/decline", reason="Begge bruker den (fiktivt)")
    assert declined.json()["waits_for"] == []
    proposed = ask.post(ALESUND, f"{path}/allocate", organisations=[alesund, haram]).json()
    assert ask.post(HARAM, f"{path}/allocations/{proposed['id']}/confirm").status_code == 200
    assert [one["in_force"] for one in ask.get(f"{path}/allocations")] == [False, True]
    for one in (alesund, haram):
        assert ("havorn-alarm", "allocated") in ask.landscape(one)
    names, _ = ask.adopters()
    assert {"Ålesund kommune", "Haram kommune"} <= names


def test_a_co_operation_rolls_up_to_its_members_and_own_wins(ask: Asking) -> None:
    leirfjord, alstahaug = "945034572", "938712441"
    names, counts = ask.adopters()
    members = {"Alstahaug kommune", "Dønna kommune", "Herøy kommune", "Leirfjord kommune"}
    assert members <= names
    assert counts["through_co_operation"] == 4
    here = str(seed_id(f"organisation:{leirfjord}"))
    assert ("nordlys-alarm", "through_co_operation") in ask.landscape(here)
    assert ask.post(leirfjord, "/adoptions", product="nordlys-alarm").status_code == 201
    assert ask.landscape(here).count(("nordlys-alarm", "own")) == 1
    assert ("nordlys-alarm", "through_co_operation") not in ask.landscape(here)
    again, counts_again = ask.adopters()
    assert again == names
    assert (counts_again["own"], counts_again["through_co_operation"]) == (counts["own"] + 1, 3)
    (used,) = [
        one
        for one in ask.get(f"/organisations/{seed_id(f'organisation:{alstahaug}')}/landscape")["items"]
        if one["how"] == "through_co_operation"
    ]
    assert used["membership"] in ("recorded", "confirmed")
    assert len(used["through"]) == 1


def test_a_member_of_two_co_operations_is_counted_once(ask: Asking) -> None:
    """Iveland is in KR-IKT and in Setesdal IKT, as recorded in 2015. A member of each claims, another confirms."""
    names, counts = ask.adopters()
    assert "Iveland kommune" not in names
    for slug, claiming, confirming in (("kr-ikt", LILLESAND, BIRKENES), ("setesdal-ikt", EVJE_OG_HORNNES, BYGLAND)):
        answer = ask.post(
            claiming,
            "/adoptions",
            organisation=str(seed_id(f"co-operation:{slug}")),
            component=COMPONENT,
            effective_on="2015-01-01",
            source="Fiktivt",
        )
        assert answer.status_code == 201, answer.text
        assert ask.post(confirming, f"/adoptions/{answer.json()['id']}/confirm").status_code == 200
    for on in ({"on": "2015-10-30"}, {}):
        used = ask.get(f"/organisations/{seed_id(f'organisation:{IVELAND}')}/landscape", **on)["items"]
        (one,) = [one for one in used if one["adoption"]["component"] == COMPONENT]
        assert [party["name"] for party in one["through"]] == ["KR-IKT", "Setesdal IKT"]
    listed = ask.get(f"/components/{COMPONENT}/adopters", limit=200)["items"]
    assert [one["name"] for one in listed].count("Iveland kommune") == 1
    new = {one["name"].removesuffix(" kommune") for one in listed} - {one.removesuffix(" kommune") for one in names}
    assert new == {"Lillesand", "Birkenes", "Iveland", "Evje og Hornnes", "Bygland", "Valle", "Bykle"}
    _, counts_after = ask.adopters()
    assert counts_after["through_co_operation"] == counts["through_co_operation"] + 7
