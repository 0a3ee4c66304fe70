"""A framework agreement from draft to active, and who may change it."""

from datetime import date
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from services.agreements.framework_steps import store as framework_steps
from services.chassis import clock
from services.chassis.db import Database
from tests.agreements.conftest import BRONNOY, FJORDVAKT, JOINT_UNIT, NORDLYS
from tests.issuer import Issuer

RANKING = [{"from_excl_vat": "0.00", "method": "ranking"}]
NEW: dict[str, Any] = {
    "slug": "ra-2026-proev",
    "title": {"nb": "Prøve (fiktiv)"},
    "notice_reference": "2026-1 (fiktiv)",
    "cpv": ["48000000"],
    "starts_on": "2026-01-01",
    "ends_on": "2029-12-31",
    "estimate_excl_vat": "800.00",
    "ceiling_excl_vat": "1000.00",
    "approval_limit_excl_vat": "500.00",
    "accession_from_on": "2026-01-01",
    "accession_to_on": "2029-06-30",
    "lots": [
        {"slug": "en", "title": {"nb": "En"}, "bands": RANKING},
        {"slug": "to", "title": {"nb": "To"}, "ceiling_excl_vat": "300.00", "bands": RANKING},
    ],
    "participants": [{"organisation_number": BRONNOY}],
}
PATH = f"/framework-agreements/{NEW['slug']}"


@pytest.fixture
def owner(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(JOINT_UNIT, "agreements.manage", "agreements.read")


def place(lot: str, supplier: str = FJORDVAKT, rank: int = 1) -> dict[str, Any]:
    price = {"item": "time", "name": {"nb": "Time"}, "unit": "t", "unit_price_excl_vat": "100.00", "vat_percent": "25"}
    return {"lot": lot, "supplier": supplier, "rank": rank, "prices": [price]}


def test_from_draft_to_active(api: TestClient, owner: dict[str, str]) -> None:
    made = api.post("/framework-agreements", json=NEW, headers=owner)
    assert (made.status_code, made.json()["state"], made.headers["location"]) == (201, "draft", PATH), made.text
    assert made.json()["participants"][0]["name"] == "Brønnøy kommune"
    step = {"reason": "Vedtak"}
    announced = api.post(f"{PATH}/announce", json=step, headers=owner)
    assert announced.json()["state"] == "announced", announced.text
    assert announced.json()["announced_on"] == clock.today().isoformat()
    given = api.post(f"{PATH}/places", json=place("en"), headers=owner)
    assert (given.status_code, given.json()["supplier_name"]) == (201, "Fjordvakt Velferd AS (fiktiv)"), given.text
    assert given.json()["prices"][0]["unit_price_excl_vat"] == "100.00"
    assert api.post(f"{PATH}/award", json=step, headers=owner).json()["state"] == "standstill"
    without = api.post(f"{PATH}/activate", json=step, headers=owner)
    assert (without.status_code, without.json()["type"]) == (409, "/problems/lot-without-place")
    assert api.get(PATH, headers=owner).json()["state"] == "standstill", "a refused step leaves the state"
    assert api.post(f"{PATH}/places", json=place("to", NORDLYS), headers=owner).status_code == 201
    assert api.post(f"{PATH}/activate", json=step, headers=owner).json()["state"] == "active"
    late = api.post(f"{PATH}/places", json=place("to", rank=2), headers=owner)
    assert (late.status_code, late.json()["type"]) == (409, "/problems/places-closed")
    told = api.get(f"{PATH}/history").json()["items"]
    assert [(one["event"], one["state"]) for one in told] == [
        ("register", "draft"),
        ("announce", "announced"),
        ("award", "standstill"),
        ("activate", "active"),
    ]
    assert {one["organisation"] for one in told} == {JOINT_UNIT}


def test_a_draft_is_its_owners_alone(api: TestClient, owner: dict[str, str], buyer: dict[str, str]) -> None:
    api.post("/framework-agreements", json=NEW, headers=owner)
    for path in (PATH, f"{PATH}/history", f"{PATH}/announcement", f"{PATH}/capacity"):
        assert [api.get(path, headers=who).status_code for who in ({}, buyer)] == [404, 404], path
    seen = api.get("/framework-agreements?limit=200").json()["items"]
    assert NEW["slug"] not in [one["slug"] for one in seen]
    assert NEW["slug"] in [one["slug"] for one in api.get("/framework-agreements", headers=owner).json()["items"]]
    assert api.post(f"{PATH}/cancel", json={}, headers=owner).json()["state"] == "cancelled"
    assert api.get(PATH).status_code == 404, "what was never announced stays unseen"


@pytest.mark.parametrize(
    ("change", "type", "pointer"),
    [
        ({"ends_on": "2030-01-01"}, "period-invalid", "#/period_rationale"),
        ({"ends_on": "2025-01-01"}, "period-invalid", "#/ends_on"),
        ({"estimate_excl_vat": "1000.01"}, "ceiling-invalid", "#/estimate_excl_vat"),
        (
            {"participants": [{"organisation_number": number} for number in (BRONNOY, "974760673", "100000083")]},
            "organisation-unknown",
            "#/participants/2",
        ),
        ({"participants": [BRONNOY]}, "invalid-request", "#/participants/0"),
        ({"cpv": ["4800"]}, "invalid-request", "#/cpv/0"),
        ({"lots": []}, "invalid-request", "#/lots"),
        ({"slug": "Ikke gyldig"}, "invalid-request", "#/slug"),
        ({"accession_to_on": None}, "accession-window-invalid", "#/accession_to_on"),
        (
            {"lots": [NEW["lots"][0] | {"specification": "velferdsteknologi-trygghetstjeneste"}]},
            "specification-version-missing",
            "#/lots/0/specification_version",
        ),
        (
            {"lots": [NEW["lots"][0] | {"specification": "ukjent", "specification_version": "1.0"}]},
            "specification-unknown",
            "#/lots/0/specification_version",
        ),
    ],
    ids=str,
)
def test_terms_that_do_not_hold_are_named(
    api: TestClient, owner: dict[str, str], change: dict[str, Any], type: str, pointer: str
) -> None:
    answer = api.post("/framework-agreements", json=NEW | change, headers=owner)
    assert answer.status_code == 422, answer.text
    told = [answer.json(), *answer.json().get("errors", [])]
    assert (f"/problems/{type}", pointer) in [(one["type"], one.get("pointer")) for one in told]
    assert api.get(PATH, headers=owner).status_code == 404


def test_a_draft_may_lack_what_only_its_announcement_needs_and_then_all_of_it_is_told(
    api: TestClient, owner: dict[str, str]
) -> None:
    bare = {name: NEW[name] for name in ("slug", "title", "starts_on", "ends_on", "approval_limit_excl_vat")}
    made = api.post(
        "/framework-agreements", json=bare | {"lots": [{"slug": "en", "title": {"nb": "En"}}]}, headers=owner
    )
    assert made.status_code == 201, made.text
    refused = api.post(f"{PATH}/announce", json={}, headers=owner)
    assert refused.status_code == 409
    assert [(one["type"], one["pointer"]) for one in refused.json()["errors"]] == [
        ("/problems/announcement-incomplete", pointer)
        for pointer in (
            "#/notice_reference",
            "#/cpv",
            "#/estimate_excl_vat",
            "#/ceiling_excl_vat",
            "#/participants",
            "#/accession_from_on",
            "#/lots/0/bands",
        )
    ]
    read = api.get(PATH, headers=owner).json()
    assert (read["state"], read["announced_on"]) == ("draft", None)


def test_what_was_announced_is_kept_with_the_thresholds_it_was_measured_against(
    api: TestClient, owner: dict[str, str]
) -> None:
    api.post("/framework-agreements", json=NEW | {"ceiling_excl_vat": "9999999.00"}, headers=owner)
    changed = {"estimate_excl_vat": "1300000.00"}
    api.patch(PATH, json=changed, headers=owner | {"If-Match": '"1"'})
    assert api.post(f"{PATH}/announce", json={}, headers=owner).status_code == 200
    kept = api.get(f"{PATH}/announcement").json()
    assert {one["kind"]: (one["reached"], one["amount_excl_vat"]) for one in kept["thresholds"]} == {
        "eea_goods_services": (False, "2300000.00"),
        "national": (True, "1300000.00"),
    }
    assert kept["terms"]["participants"] == [NEW["participants"][0] | {"ceiling_excl_vat": None, "quantities": []}]
    assert kept["terms"]["lots"][1]["ceiling_excl_vat"] == "300.00"
    late = api.patch(PATH, json={"participants": []}, headers=owner | {"If-Match": "*"})
    assert (late.status_code, late.json()["type"]) == (409, "/problems/terms-closed")


def test_a_draft_is_changed_in_part_as_it_was_last_seen(
    api: TestClient, owner: dict[str, str], rows: psycopg.Connection
) -> None:
    made = api.post("/framework-agreements", json=NEW, headers=owner)
    assert api.patch(PATH, json={"manager": "Innkjøp"}, headers=owner).status_code == 428
    more = {
        "title": {"en": "Trial"},
        "ceiling_excl_vat": None,
        "quantities": [{"item": "time", "maximum": 40}],
        "estimate_excl_vat": "5000.00",
        "participants": [
            {"organisation_number": BRONNOY, "quantities": [{"item": "time", "maximum": 10}]},
            {"organisation_number": "938712441", "ceiling_excl_vat": "100.00"},
        ],
    }
    changed = api.patch(PATH, json=more, headers=owner | {"If-Match": made.headers["etag"]})
    assert changed.status_code == 200, changed.text
    read = api.get(PATH, headers=owner)
    assert read.json() == changed.json()
    assert read.json()["title"] == {"nb": "Prøve (fiktiv)", "en": "Trial"}
    assert (read.json()["room"]["ceiling_excl_vat"], read.json()["quantities"]) == (None, more["quantities"])
    assert [(one["ceiling_excl_vat"], one["quantities"]) for one in read.json()["participants"]] == [
        ("100.00", []),
        (None, [{"item": "time", "maximum": 10}]),
    ]
    stale = api.patch(PATH, json={"manager": "Innkjøp"}, headers=owner | {"If-Match": made.headers["etag"]})
    assert stale.status_code == 412
    same = api.patch(PATH, json={"estimate_excl_vat": "5000.00"}, headers=owner | {"If-Match": read.headers["etag"]})
    assert same.headers["etag"] == read.headers["etag"], "what is as before is no change"
    too_much = {"participants": [{"organisation_number": BRONNOY, "quantities": [{"item": "time", "maximum": 41}]}]}
    refused = api.patch(PATH, json=too_much, headers=owner | {"If-Match": "*"})
    assert refused.json()["errors"][0]["pointer"] == "#/participants/0/quantities/0/maximum"
    assert [one["event"] for one in api.get(f"{PATH}/history", headers=owner).json()["items"]] == ["register", "change"]
    left = rows.execute(
        "SELECT count(*) FROM balance b WHERE scope = 'buyer' AND NOT EXISTS "
        "(SELECT 1 FROM participant p WHERE p.id = b.subject_id)"
    ).fetchone()
    assert left == (0,)


def test_a_dry_run_registers_nothing(api: TestClient, owner: dict[str, str]) -> None:
    tried = api.post("/framework-agreements?dry_run=true", json=NEW, headers=owner)
    assert (tried.status_code, tried.json()["slug"]) == (200, NEW["slug"]), tried.text
    assert api.get(PATH, headers=owner).status_code == 404


def test_a_name_is_taken_once(api: TestClient, owner: dict[str, str]) -> None:
    api.post("/framework-agreements", json=NEW, headers=owner)
    again = api.post("/framework-agreements", json=NEW, headers=owner)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/framework-agreement-slug-taken")


def test_only_the_owner_changes_it(api: TestClient, issuer: Issuer) -> None:
    stranger = issuer.bearer(BRONNOY, "agreements.manage")
    answer = api.post("/framework-agreements/ra-2026-velferdsteknologi/suspend", json={}, headers=stranger)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/not-owner")


def test_a_suspended_agreement_takes_no_call_offs_and_keeps_those_it_has(
    api: TestClient, owner: dict[str, str], buyer: dict[str, str], order: dict[str, Any]
) -> None:
    kept = api.post("/call-offs", json=order, headers=buyer | {"Idempotency-Key": "a"}).json()
    suspended = api.post("/framework-agreements/ra-2026-velferdsteknologi/suspend", json={}, headers=owner)
    assert suspended.json()["state"] == "suspended"
    refused = api.post("/call-offs", json=order, headers=buyer | {"Idempotency-Key": "b"})
    assert refused.json()["type"] == "/problems/agreement-not-open"
    assert api.get(f"/call-offs/{kept['id']}", headers=buyer).json()["state"] == "sent"


def test_a_place_and_a_rank_are_given_once(api: TestClient, owner: dict[str, str]) -> None:
    path = "/framework-agreements/ra-2027-digitalt-tilsyn/places"
    for taken in (place("sensorer", NORDLYS, 2), place("sensorer", FJORDVAKT, 1)):
        answer = api.post(path, json=taken, headers=owner)
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/place-taken")
    assert api.post(path, json=place("sensorer", FJORDVAKT, 2), headers=owner).status_code == 201


def test_agreements_are_listed_page_by_page(api: TestClient, owner: dict[str, str]) -> None:
    whole = [one["slug"] for one in api.get("/framework-agreements?limit=200", headers=owner).json()["items"]]
    assert whole == sorted(whole)
    found, page = [], api.get("/framework-agreements?limit=3", headers=owner)
    while True:
        found += [one["slug"] for one in page.json()["items"]]
        if page.json()["next"] is None:
            break
        page = api.get(page.links["next"]["url"], headers=owner)
    assert found == whole
    assert len(whole) > 3


def test_places_are_listed_by_lot_and_rank(api: TestClient, owner: dict[str, str]) -> None:
    listed = api.get("/framework-agreements/ra-2026-velferdsteknologi/places", headers=owner).json()["items"]
    assert [(one["lot"], one["rank"]) for one in listed] == [
        *[("alarmer", rank) for rank in (1, 2, 3)],
        *[("tilsyn", rank) for rank in (1, 2, 3)],
    ]


def test_an_agreement_that_is_to_come_shows_the_prices_of_its_first_day(api: TestClient, owner: dict[str, str]) -> None:
    listed = api.get("/framework-agreements/ra-2027-dorlaser/places", headers=owner).json()["items"]
    assert [price["item"] for price in listed[0]["prices"]] == ["dorlas"]


def test_an_agreement_is_closed_when_no_call_off_is_open(
    api: TestClient, owner: dict[str, str], rows: psycopg.Connection
) -> None:
    path = "/framework-agreements/ra-2026-velferdsteknologi"
    assert api.post(f"{path}/close", json={}, headers=owner).json()["type"] == "/problems/move-refused"
    assert api.post(f"{path}/terminate", json={}, headers=owner).json()["state"] == "terminated"
    states = {one["state"] for one in api.get(f"{path}/places", headers=owner).json()["items"]}
    assert states == {"ended"}, "suppliers' places end with the agreement"
    refused = api.post(f"{path}/close", json={}, headers=owner)
    (number,) = (
        rows.execute("SELECT count(*) FROM calloff WHERE framework = 'ra-2026-velferdsteknologi'").fetchone() or ()
    )
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/call-offs-open")
    assert refused.json()["open_call_offs"] == number > 0
    rows.execute("UPDATE calloff SET state = 'cancelled'")
    assert api.post(f"{path}/close", json={}, headers=owner).json()["state"] == "closed"


def test_the_day_after_its_last_an_agreement_expires(api: TestClient, url: str) -> None:
    database = Database(url)
    path = "/framework-agreements/ra-2026-velferdsteknologi"
    with database.writing() as session:
        assert framework_steps.expire_due(session, date(2030, 1, 31)) == 1, "ra-2025-gps, whose last day came before"
    assert api.get(path).json()["state"] == "active"
    with database.writing() as session:
        assert framework_steps.expire_due(session, date(2030, 2, 1)) == 1
        assert framework_steps.expire_due(session, date(2030, 2, 1)) == 0
    assert api.get(path).json()["state"] == "expired"
    last = api.get(f"{path}/history").json()["items"][-1]
    assert (last["event"], last["organisation"]) == ("expire", None)
    database.close()


def test_history_cannot_be_rewritten(rows: psycopg.Connection) -> None:
    for statement in ("UPDATE frameworkevent SET reason = 'x'", "DELETE FROM frameworkevent"):
        with pytest.raises(psycopg.errors.RaiseException):
            rows.execute(statement)
