"""Adoptions through the public door: registered, claimed, confirmed, moved along, read as of a day."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.catalog.adopters import store as adopters
from services.catalog.search.store import SearchEntry
from services.chassis import clock
from services.chassis.changes import MERGE_PATCH
from services.chassis.db import Database
from services.chassis.values import seed_id
from tests.catalog.conftest import BRONNOY, EDITOR, FJORDVAKT, HAVORN, errors, problem, walk
from tests.conftest import NewDatabase, serving, state
from tests.issuer import Issuer

ALSTAHAUG, VEFSN, LEIRFJORD, VEGA, DONNA = "938712441", "844824122", "945034572", "941017975", "945114878"
COMPONENT = "velferdsteknologi-trygghetsplattform"
SEEDED = str(seed_id("adoption:bronnoy:velferdsteknologi-trygghetsplattform"))
CLAIMED = str(seed_id("adoption:leirfjord:fjordvakt-alarm"))
CONTRACT = {"supplier": HAVORN, "ends_on": "2028-12-31", "price_excl_vat_per_year": "120000.00"}
As = Callable[..., dict[str, str]]


@pytest.fixture
def catalog(apps: Callable[[str], FastAPI], new_database: NewDatabase) -> Iterator[TestClient]:
    with serving(apps("catalog"), new_database("catalog", seeded=True)) as client:
        yield client


@pytest.fixture
def by(issuer: Issuer) -> As:
    return lambda number, *scopes: issuer.bearer(number, *(scopes or ("catalog.write",)))


def id_of(number: str) -> str:
    return str(seed_id(f"organisation:{number}"))


def registered(catalog: TestClient, headers: dict[str, str], **body: Any) -> dict[str, Any]:
    answer = catalog.post("/adoptions", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    assert catalog.get(answer.headers["Location"], headers=headers).json() == answer.json()
    found: dict[str, Any] = answer.json()
    return found


def step(catalog: TestClient, headers: dict[str, str], id: str, event: str, **body: Any) -> Any:
    return catalog.post(f"/adoptions/{id}/{event}", json=body, headers=headers)


def test_an_own_registration_is_confirmed_at_once(catalog: TestClient, by: As) -> None:
    found = registered(catalog, by(VEGA), product="havorn-alarm", version="2.1", contract=CONTRACT)
    assert (found["claim"], found["status"], found["stale"]) == ("confirmed", "in_use", False)
    assert found["organisation"]["organisation_number"] == VEGA
    assert found["contract"]["last_end_on"] == "2028-12-31"
    assert found["last_confirmed_on"] == clock.today().isoformat()


def test_the_same_is_open_once_in_each_environment(catalog: TestClient, by: As) -> None:
    first = registered(catalog, by(VEGA), component=COMPONENT)
    assert problem(catalog.post("/adoptions", json={"component": COMPONENT}, headers=by(VEGA))) == (
        409,
        "adoption-open",
    )
    registered(catalog, by(VEGA), component=COMPONENT, environment="test")
    assert step(catalog, by(VEGA), first["id"], "end").status_code == 200
    registered(catalog, by(VEGA), component=COMPONENT)


def test_a_claim_is_the_organisations_to_confirm(catalog: TestClient, by: As) -> None:
    claim = {"organisation": id_of(VEGA), "product": "havorn-alarm", "source": "Kundelisten vår"}
    found = registered(catalog, by(HAVORN), **claim)
    assert (found["claim"], found["claimed_by"]["organisation_number"]) == ("claimed", HAVORN)
    path = f"/adoptions/{found['id']}"
    assert problem(step(catalog, by(HAVORN), found["id"], "confirm")) == (403, "not-yours")
    assert problem(step(catalog, by(VEFSN), found["id"], "confirm")) == (403, "not-yours")
    assert errors(step(catalog, by(VEGA), found["id"], "end")) == {("confirm-first", "")}
    before = catalog.get(path, headers=by(HAVORN))
    answer = step(catalog, by(VEGA), found["id"], "confirm")
    assert (answer.json()["claim"], answer.json()["stale"]) == ("confirmed", False)
    after = catalog.get(path, headers=by(HAVORN))
    assert after.content == before.content, "what has become of it is not the supplier's to know"
    assert "ETag" not in after.headers
    assert catalog.get(path, headers=by(VEGA)).json()["claim"] == "confirmed"


def test_a_claim_is_refused_by_whoever_made_it_twice_and_by_nobody_else(catalog: TestClient, by: As) -> None:
    registered(catalog, by(VEGA), product="havorn-alarm")
    claim = {"organisation": id_of(VEGA), "product": "havorn-alarm", "source": "Kundelisten vår"}
    found = registered(catalog, by(HAVORN), **claim)  # that Vega has registered it is not told
    assert problem(catalog.post("/adoptions", json=claim, headers=by(HAVORN))) == (409, "claim-made")
    assert problem(step(catalog, by(VEGA), found["id"], "confirm")) == (409, "adoption-open")
    assert step(catalog, by(VEGA), found["id"], "dispute", reason="Har meldt det selv").json()["claim"] == "disputed"
    assert problem(catalog.post("/adoptions", json=claim, headers=by(HAVORN))) == (409, "claim-made")
    assert step(catalog, by(HAVORN), found["id"], "withdraw").status_code == 200
    assert catalog.get(f"/adoptions/{found['id']}", headers=by(HAVORN)).status_code == 404
    registered(catalog, by(HAVORN), **claim)


@pytest.mark.parametrize("answered", [None, "confirm", "dispute"])
def test_a_claimant_cannot_tell_by_its_withdrawal_what_was_answered(
    catalog: TestClient, by: As, answered: str | None
) -> None:
    if answered:
        assert step(catalog, by(LEIRFJORD), CLAIMED, answered, reason="Vi vet best").status_code == 200
    probe = catalog.post(f"/adoptions/{CLAIMED}/withdraw", json={}, headers=by(FJORDVAKT) | {"If-Match": '"1"'})
    assert probe.status_code == 200
    assert (probe.json()["claim"], probe.json()["status"], probe.json()["stale"]) == ("claimed", "in_use", None)
    kept = catalog.get(f"/adoptions/{CLAIMED}", headers=by(LEIRFJORD))
    assert kept.status_code == (200 if answered == "confirm" else 404)


def test_a_supplier_claims_its_own_products_only(catalog: TestClient, by: As) -> None:
    for body in ({"product": "fjordvakt-alarm"}, {"component": COMPONENT}, {"system_in_source": "Noe"}):
        sent = {"organisation": id_of(VEGA), "source": "x", **body}
        assert problem(catalog.post("/adoptions", json=sent, headers=by(HAVORN))) == (403, "may-not-register")
    sent = {"organisation": id_of(VEGA), "component": COMPONENT, "source": "x"}
    assert problem(catalog.post("/adoptions", json=sent, headers=by(VEFSN))) == (403, "may-not-register")


def test_an_editor_claims_what_a_source_says_and_nobody_contracts_for_another(catalog: TestClient, by: As) -> None:
    editor = by(EDITOR, "catalog.admin", "catalog.write")
    sent = {"organisation": id_of(VEGA), "system_in_source": "Noe (fiktivt)", "contract": CONTRACT}
    answer = catalog.post("/adoptions", json=sent, headers=editor)
    assert errors(answer) == {("source-missing", "#/source"), ("contract-of-another", "#/contract")}
    found = registered(catalog, editor, organisation=id_of(VEGA), system_in_source="Noe (fiktivt)", source="En rapport")
    by_on = clock.today() + timedelta(days=90)
    assert (found["claim"], found["confirm_by_on"], found["stale"]) == ("claimed", by_on.isoformat(), False)


def test_a_member_speaks_for_a_co_operation_without_a_number_and_another_confirms(catalog: TestClient, by: As) -> None:
    hald = str(seed_id("co-operation:hald-ikt"))
    sent = {"organisation": hald, "product": "havorn-alarm", "source": "Styrevedtak (fiktivt)"}
    assert problem(catalog.post("/adoptions", json=sent, headers=by(VEGA))) == (403, "may-not-register")
    found = registered(catalog, by(DONNA), **sent)
    assert found["claim"] == "claimed"
    assert problem(step(catalog, by(DONNA), found["id"], "confirm")) == (403, "claimant-confirms")
    assert problem(step(catalog, by(VEGA), found["id"], "confirm")) == (403, "not-yours")
    assert step(catalog, by(ALSTAHAUG), found["id"], "confirm").json()["claim"] == "confirmed"


def test_a_change_needs_the_state_that_it_starts_from_and_a_contract_a_reason(catalog: TestClient, by: As) -> None:
    path = f"/adoptions/{SEEDED}"
    headers = by(BRONNOY) | {"Content-Type": MERGE_PATCH}
    sent = {"contract": {"notice_by_on": "2027-05-31"}}
    assert problem(catalog.patch(path, json=sent, headers=headers)) == (428, "if-match-missing")
    assert problem(catalog.patch(path, json=sent, headers=headers | {"If-Match": '"7"'})) == (412, "stale")
    seen = catalog.get(path, headers=headers).headers["ETag"]
    answer = catalog.patch(path, json=sent, headers=headers | {"If-Match": seen})
    assert errors(answer) == {("reason-missing", "#/reason")}
    answer = catalog.patch(path, json=sent | {"reason": "Rettet"}, headers=headers | {"If-Match": seen})
    assert answer.json()["contract"]["notice_by_on"] == "2027-05-31"
    assert answer.json()["contract"]["price_excl_vat_per_year"] == "240000.00", "what is not named stays"
    (trace,) = catalog.get("/audit", params={"subject": path}, headers=headers).json()["items"]
    assert trace["detail"]["reason"] == "Rettet"
    assert set(trace["detail"]["changed"]) == {"contract"}
    gone = catalog.patch(path, json={"contract": None, "reason": "Slutt"}, headers=headers | {"If-Match": "*"})
    assert gone.json()["contract"] is None
    other = by(VEFSN) | {"Content-Type": MERGE_PATCH, "If-Match": "*"}
    assert problem(catalog.patch(path, json={"version": "2"}, headers=other)) == (403, "not-yours")


def test_a_dry_run_tells_all_and_keeps_nothing(catalog: TestClient, by: As) -> None:
    answer = catalog.post("/adoptions", params={"dry_run": True}, json={"component": COMPONENT}, headers=by(VEGA))
    assert (answer.status_code, answer.headers["Dry-Run"]) == (200, "true")
    assert catalog.get(f"/adoptions/{answer.json()['id']}", headers=by(VEGA)).status_code == 404


def test_the_status_of_a_past_day_is_told_as_it_was_known(catalog: TestClient, by: As) -> None:
    before = clock.now().isoformat()
    found = registered(
        catalog, by(VEGA), component=COMPONENT, status="pilot", effective_on="2026-02-01", reason="Etterregistrert"
    )
    between = clock.now().isoformat()
    moved = step(catalog, by(VEGA), found["id"], "start", effective_on="2026-05-01", reason="Glemt")
    assert moved.json()["status"] == "in_use"

    def status(**query: str) -> list[str]:
        asked = {"id": found["id"], **query}
        return [one["status"] for one in catalog.get("/adoptions", params=asked, headers=by(VEGA)).json()["items"]]

    assert status() == ["in_use"]
    assert status(on="2026-01-31") == []
    assert status(on="2026-03-01") == ["pilot"]
    assert status(on="2026-05-01") == ["in_use"]
    assert status(on="2026-05-01", known_at=between) == ["pilot"]
    assert status(on="2026-05-01", known_at=before) == []
    assert status(status="pilot") == []
    assert status(status="pilot", on="2026-04-30") == ["pilot"]


def test_filters_narrow_together_and_survive_paging(catalog: TestClient, by: As) -> None:
    for environment in ("production", "test", "training"):
        for product in ("havorn-alarm", "nordlys-alarm"):
            registered(catalog, by(VEGA), product=product, environment=environment)
    whole = walk(_as(catalog, by(VEFSN)), "/adoptions", limit=200)
    assert len(whole) == len({one["id"] for one in whole})
    some = walk(_as(catalog, by(VEFSN)), "/adoptions", limit=2, organisation=id_of(VEGA), claim="confirmed")
    assert len(some) == 6
    assert some == [
        one for one in whole if one["organisation"]["organisation_number"] == VEGA and one["claim"] == "confirmed"
    ]
    tests = walk(_as(catalog, by(VEFSN)), "/adoptions", product="havorn-alarm", environment="test")
    assert [one["environment"] for one in tests] == ["test"]
    lean = catalog.get("/adoptions", params={"fields": "id,status", "limit": 2}, headers=by(VEFSN)).json()
    assert [set(one) for one in lean["items"]] == [{"id", "status"}] * 2


def _as(catalog: TestClient, headers: dict[str, str]) -> Any:
    """The client with these headers on every request."""

    class Client:
        def get(self, path: str, params: Any) -> Any:
            return catalog.get(path, params=params, headers=headers)

    return Client()


def test_what_helgeland_used_in_2018_is_claimed_by_a_report_and_stale(catalog: TestClient, by: As) -> None:
    found = walk(_as(catalog, by(VEFSN)), "/adoptions", claim="claimed", on="2018-12-31", limit=200)
    by_system: dict[str, set[str]] = {}
    for one in found:
        assert (one["status"], one["stale"], one["claimed_by"], one["fictional"]) == ("in_use", True, None, False)
        name = one["system_in_source"] or one["component"]
        by_system.setdefault(name, set()).add(one["organisation"]["name"])
    assert by_system["Visma Enterprise"] == {"Grane kommune", "Hattfjelldal kommune"}
    assert len(by_system["Acos CosDoc"]) == 7
    assert {name: len(users) for name, users in by_system.items() if " " not in name} == {
        "id-porten": 6,
        "altinn-2": 14,
        "digital-post": 6,
        "kontakt-og-reservasjonsregisteret": 6,
    }
    assert walk(_as(catalog, by(VEFSN)), "/adoptions", on="2018-12-30") == []
    stale = walk(_as(catalog, by(VEFSN)), "/adoptions", stale=True, limit=200)
    assert {one["id"] for one in stale} == {one["id"] for one in found}


def test_a_whole_list_is_confirmed_once_a_year(catalog: TestClient, by: As) -> None:
    path = f"/organisations/{id_of(LEIRFJORD)}/confirm-adoptions"
    today = clock.today().isoformat()
    assert problem(catalog.post(path, json={"as_of_on": today}, headers=by(VEFSN))) == (403, "not-your-list")
    assert step(catalog, by(LEIRFJORD), CLAIMED, "dispute", reason="Aldri hatt den").status_code == 200
    assert problem(catalog.post(path, json={"as_of_on": today}, headers=by(LEIRFJORD))) == (409, "disputed-left")
    answer = catalog.post(path, json={"as_of_on": today, "disputed": [CLAIMED]}, headers=by(LEIRFJORD)).json()
    assert (answer["confirmed"], answer["newly_confirmed"], answer["left"]) == (4, 4, [CLAIMED])
    mine = walk(_as(catalog, by(LEIRFJORD)), "/adoptions", organisation=id_of(LEIRFJORD))
    assert {(one["claim"], one["stale"]) for one in mine if one["id"] != CLAIMED} == {("confirmed", False)}
    then = walk(_as(catalog, by(LEIRFJORD)), "/adoptions", organisation=id_of(LEIRFJORD), on="2018-12-31")
    assert {one["claim"] for one in then} == {"claimed"}, "what was so in 2018 is still what was claimed then"


def test_only_the_organisation_itself_hears_of_it(catalog: TestClient, by: As) -> None:
    def heard(headers: dict[str, str] | None) -> list[str]:
        items = catalog.get("/events", params={"limit": 200}, headers=headers).json()["items"]
        return [one["type"] for one in items if one["type"].startswith(("adoption", "organisation.adoptions"))]

    found = registered(catalog, by(VEGA), product="havorn-alarm", contract=CONTRACT)
    registered(catalog, by(HAVORN), organisation=id_of(VEGA), product="havorn-tilsyn", source="Kundelisten")
    step(catalog, by(VEGA), found["id"], "phase-out")
    assert heard(by(VEGA)) == ["adoption.registered", "adoption.claimed", "adoption.phasing_out"]
    assert heard(by(HAVORN)) == heard(by(VEFSN)) == heard(None) == []
    assert b"adoption" not in catalog.get("/events.atom").content


def test_the_search_counts_who_uses_it_for_public_bodies(catalog: TestClient, by: As) -> None:
    def counted() -> int:
        database: Database = state(catalog).database
        with database.reading() as session:
            found = session.get(SearchEntry, "/products/havorn-alarm")
            assert found
            return found.adopters

    before = counted()
    found = registered(catalog, by(VEGA), product="havorn-alarm")
    assert counted() == before + 1
    registered(catalog, by(HAVORN), organisation=id_of(VEFSN), product="havorn-alarm", source="Kundelisten")
    assert counted() == before + 1, "a claim counts for nothing"
    step(catalog, by(VEGA), found["id"], "end")
    assert counted() == before
    database: Database = state(catalog).database
    with database.writing() as session:
        adopters.count_all(session, clock.today())
    assert counted() == before, "counted from nothing it is the same"


def test_contracts_that_end_in_a_window_come_by_their_day(catalog: TestClient, by: As) -> None:
    registered(catalog, by(VEGA), product="havorn-alarm", contract=CONTRACT)
    window = {"from": "2027-12-31", "to": "2028-12-31", "component": COMPONENT}
    found = walk(_as(catalog, by(ALSTAHAUG)), "/adoptions/contract-endings", limit=1, **window)
    assert [one["contract"]["ends_on"] for one in found] == ["2027-12-31", "2027-12-31", "2028-06-30", "2028-12-31"]
    assert found[-1]["organisation"]["organisation_number"] == VEGA
    later = walk(_as(catalog, by(ALSTAHAUG)), "/adoptions/contract-endings", **(window | {"from": "2028-07-01"}))
    assert later == found[-1:]


def test_what_neighbours_use_and_who_is_alike_is_told_with_its_reasons(catalog: TestClient, by: As) -> None:
    """Vega lies in Nordland, as do Brønnøy, Vefsn and the four of HALD-IKT."""
    path = f"/organisations/{id_of(VEGA)}"
    used = walk(_as(catalog, by(VEGA)), f"{path}/neighbours-use", limit=1)
    assert [(one["path"], one["organisations"]) for one in used] == [
        ("/products/nordlys-alarm", 4),
        (f"/components/{COMPONENT}", 2),
        ("/products/fjordvakt-alarm", 1),
    ]
    assert [one["name"] for one in used[1]["used_by"]] == ["Brønnøy kommune", "Vefsn kommune"]
    only = walk(_as(catalog, by(VEGA)), f"{path}/neighbours-use", component="id-porten")
    assert only == [], "what a report claims is nobody's word"
    registered(catalog, by(DONNA), component="id-porten")
    registered(catalog, by(VEGA), component="id-porten")
    alike = walk(_as(catalog, by(VEGA)), f"{path}/similar", limit=7)
    scores = [one["score"] for one in alike]
    assert scores == sorted(scores, reverse=True)
    assert len({one["organisation_id"] for one in alike}) == len(alike) <= 50
    for one in alike:
        assert one["score"] == one["size_points"] + one["county_points"] + one["use_points"]
        assert one["county_points"] == (20 if one["county_number"] == "18" else 0)
        assert 1208 / 2 <= one["population"] <= 1208 * 2
    (donna,) = [one for one in alike if one["organisation_number"] == DONNA]
    assert (donna["common"], donna["use_points"]) == (["/components/id-porten"], 20), "one of two that either uses"
