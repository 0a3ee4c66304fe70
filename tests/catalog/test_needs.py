"""Needs are posted and joined by public bodies; whose a restricted need is, no supplier finds out."""

import json
from itertools import product as pairs
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.joinings import rules as joining_rules
from services.catalog.needs import rules
from services.catalog.needs.rules import Audience, EventKind, Having, ProjectStatus, State, Step
from services.chassis import audit
from services.chassis.db import Database
from services.chassis.values import seed_id
from tests.catalog.conftest import BRONNOY, EDITOR, FJORDVAKT, HAVORN, errors, problem, walk
from tests.catalog.test_products import merged, patched, told, walk_events
from tests.issuer import Issuer

ALSTAHAUG, VEFSN, RANA, VEGA, SOMNA = "938712441", "844824122", "872418032", "941017975", "944810277"
SERVICE = "velferdsteknologi-trygghetstjeneste"
PLATFORM = "velferdsteknologi-trygghetsplattform"
SHARED = f"/needs/{seed_id('need:trygghetstjeneste-helgeland')}"
RESTRICTED = f"/needs/{seed_id('need:digitalt-tilsyn-vefsn')}"
NEW: dict[str, Any] = {
    "title": {"nb": "Trygghetsalarm"},
    "area": "health_and_care",
    "components": [PLATFORM],
    "requirements": [{"specification": SERVICE, "requirement": "VT2-01"}],
    "project": {"status": "planned", "year": 2027},
}


@pytest.fixture
def bronnoy(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(BRONNOY, "catalog.write")


def names(need: dict[str, Any]) -> list[str]:
    return [one["name"] for one in need["holders"]]


# ---- Posting and joining


def test_a_need_is_posted_and_found(catalog: TestClient, bronnoy: dict[str, str], database: Database) -> None:
    made = catalog.post("/needs", json=NEW, headers=bronnoy)
    assert made.status_code == 201, made.text
    path, need = made.headers["Location"], made.json()
    assert (need["state"], need["organisations"], names(need)) == ("open", 1, ["Brønnøy kommune"])
    assert need["requirements"][0]["obligation"] == "must"
    assert catalog.get(path).json() == need
    for query in (
        {"component": PLATFORM},
        {"requirement": "VT2-01"},
        {"specification": SERVICE, "requirement": "VT2-01"},
        {"county_number": "18"},
        {"organisation_number": BRONNOY},
        {"q": "trygghetsalarmer"},
        {"state": "open", "area": "health_and_care"},
    ):
        assert walk(catalog, "/needs", **query)[0]["id"] == need["id"], f"{query}, newest first"
    for query in ({"requirement": "VT2-09"}, {"county_number": "03"}, {"state": "met"}, {"q": "vann"}):
        assert need["id"] not in {one["id"] for one in walk(catalog, "/needs", **query)}
    with database.reading() as reader:
        assert [row[1:] for row in audit.of(reader, path)] == [("need.post", BRONNOY)]
    assert told(catalog, path) == ["need.posted"]


def test_everything_wrong_with_a_need_is_told(shared_catalog: TestClient, bronnoy: dict[str, str]) -> None:
    wrong = {
        "title": {"nb": "X"},
        "components": ["finnes-ikke"],
        "requirements": [
            {"specification": SERVICE, "requirement": "VT2-01"},
            {"specification": SERVICE, "requirement": "VT2-01"},
            {"specification": SERVICE, "requirement": "VT9-99"},
        ],
        "project": {"status": "planned"},
    }
    assert errors(shared_catalog.post("/needs", json=wrong, headers=bronnoy)) == {
        ("link-repeated", "#/requirements/1"),
        ("project-year-missing", "#/project/year"),
        ("component-not-known", "#/components/0"),
        ("requirement-not-known", "#/requirements/2"),
    }
    assert errors(shared_catalog.post("/needs", json={"title": {"nb": "X"}}, headers=bronnoy)) == {
        ("nothing-asked", "#/area")
    }


def test_suppliers_post_and_join_nothing(shared_catalog: TestClient, issuer: Issuer) -> None:
    headers = issuer.bearer(FJORDVAKT, "catalog.write")
    assert problem(shared_catalog.post("/needs", json=NEW, headers=headers)) == (403, "public-bodies-only")
    for step, body in (("join", {}), ("leave", None), ("withdraw", {})):
        assert problem(shared_catalog.post(f"{SHARED}/{step}", json=body, headers=headers)) == (
            403,
            "public-bodies-only",
        )


def test_others_join_and_leave(catalog: TestClient, bronnoy: dict[str, str], issuer: Issuer) -> None:
    assert names(catalog.get(SHARED).json()) == [
        "Alstahaug kommune",
        "Herøy kommune",
        "Sømna kommune",
        "Vefsn kommune",
        "Vega kommune",
    ]
    joined = catalog.post(f"{SHARED}/join", json={}, headers=bronnoy)
    assert joined.json()["organisations"] == 6
    assert problem(catalog.post(f"{SHARED}/join", json={}, headers=bronnoy)) == (409, "joined-already")
    owner = issuer.bearer(ALSTAHAUG, "catalog.write")
    assert problem(catalog.post(f"{SHARED}/join", json={}, headers=owner)) == (409, "joined-already")
    assert problem(catalog.post(f"{SHARED}/leave", headers=owner)) == (409, "not-joined")
    assert catalog.post(f"{SHARED}/leave", headers=bronnoy).json()["organisations"] == 5
    assert catalog.get(SHARED).json()["organisations"] == 5
    assert problem(catalog.post(f"{SHARED}/leave", headers=bronnoy)) == (409, "not-joined")
    assert catalog.post(f"{SHARED}/join", json={}, headers=bronnoy).status_code == 200
    assert problem(
        catalog.post(f"{SHARED}/join", json={"for_members": True}, headers=issuer.bearer(RANA, "catalog.write"))
    ) == (
        422,
        "members-of-nobody",
    )
    assert catalog.post(f"{SHARED}/withdraw", json={}, headers=owner).json()["state"] == "withdrawn"
    rana = issuer.bearer(RANA, "catalog.write")
    assert problem(catalog.post(f"{SHARED}/join", json={}, headers=rana)) == (409, "need-closed")


def test_a_co_operation_joins_for_its_members_and_none_counts_twice(
    catalog: TestClient, url: str, issuer: Issuer
) -> None:
    number = "100000083"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "UPDATE organisation SET organisation_number = %s WHERE id = "
            "(SELECT organisation_id FROM cooperation WHERE slug = 'hald-ikt')",
            [number],
        )
    hald = issuer.bearer(number, "catalog.write")
    before = catalog.get(SHARED).json()["organisations"]
    joined = catalog.post(f"{SHARED}/join", json={"for_members": True}, headers=hald)
    assert joined.status_code == 200, joined.text
    # Herøy, Alstahaug, Leirfjord and Dønna; the first two have the need themselves.
    assert (joined.json()["for_members"], joined.json()["organisations"]) == (4, before + 2)
    leirfjord = issuer.bearer("945034572", "catalog.write")
    alone = catalog.post(f"{SHARED}/join", json={}, headers=leirfjord)
    assert alone.json()["organisations"] == before + 2, "a member that joins as well counts once"
    assert catalog.post(f"{SHARED}/leave", headers=hald).json()["organisations"] == before + 1


@given(st.lists(st.tuples(st.integers(1, 8), st.none() | st.frozensets(st.integers(1, 8), max_size=5)), max_size=8))
def test_each_organisation_counts_once(having: list[tuple[int, frozenset[int] | None]]) -> None:
    counted = rules.organisations_with([Having(*one) for one in having])
    expected = {one for key, members in having for one in (members or {key})}
    assert counted == expected
    assert rules.organisations_with([Having(*one) for one in [*having, *having]]) == counted


def test_municipalities_that_have_merged_count_once(
    catalog: TestClient, editor: dict[str, str], issuer: Issuer
) -> None:
    before = catalog.get(SHARED).json()
    merged(catalog, editor, VEGA, SOMNA)
    after = catalog.get(SHARED).json()
    assert after["organisations"] == before["organisations"] - 1
    assert names(after) == [name for name in names(before) if name != "Vega kommune"]
    somna = issuer.bearer(SOMNA, "catalog.write")
    assert catalog.post(f"{SHARED}/leave", headers=somna).json()["joined"] is False
    assert catalog.get(SHARED).json()["organisations"] == before["organisations"] - 2, "for both it was"


# ---- Changing


def test_only_its_owner_changes_a_need(catalog: TestClient, issuer: Issuer) -> None:
    owner, other = (issuer.bearer(number, "catalog.write") for number in (ALSTAHAUG, VEFSN))
    read = catalog.get(SHARED)
    match = read.headers["ETag"]
    assert problem(patched(catalog, SHARED, other, match, wanted_by_on="2028-01-01")) == (403, "not-your-need")
    assert problem(patched(catalog, SHARED, owner, None, wanted_by_on="2028-01-01")) == (428, "if-match-missing")
    changed = patched(catalog, SHARED, owner, match, wanted_by_on=None, title={"en": None})
    assert changed.status_code == 200, changed.text
    title = {language: text for language, text in read.json()["title"].items() if language != "en"}
    assert changed.json() == read.json() | {"wanted_by_on": None, "title": title}
    assert problem(patched(catalog, SHARED, owner, match, area="other")) == (412, "stale")
    answer = patched(catalog, SHARED, owner, changed.headers["ETag"], area=None, components=[], requirements=[])
    assert errors(answer) == {("nothing-asked", "#/area")}
    stale = owner | {"If-Match": match}
    assert problem(catalog.post(f"{SHARED}/start", json={}, headers=stale)) == (412, "stale")


def test_who_joined_in_confidence_is_not_shown_to_all(catalog: TestClient, issuer: Issuer) -> None:
    vefsn, rana = (issuer.bearer(number, "catalog.write") for number in (VEFSN, RANA))
    opened = {"audience": "public", "reason": "Vi vil ha tilbud"}
    assert problem(patched(catalog, RESTRICTED, vefsn, "*", **opened)) == (409, "others-have-joined")
    assert catalog.post(f"{RESTRICTED}/leave", headers=rana).status_code == 200
    assert problem(patched(catalog, RESTRICTED, vefsn, "*", audience="public")) == (422, "reason-missing")
    assert patched(catalog, RESTRICTED, vefsn, "*", **opened).json()["audience"] == "public"


@pytest.mark.parametrize(("state", "step"), list(pairs(State, Step)))
def test_a_need_takes_the_steps_of_the_table_and_no_other(state: State, step: Step) -> None:
    expected = {
        State.OPEN: {Step.START, Step.MEET, Step.WITHDRAW},
        State.IN_PROGRESS: {Step.MEET, Step.WITHDRAW},
        State.MET: {Step.REOPEN},
        State.WITHDRAWN: {Step.REOPEN},
        State.UNKNOWN: {Step.MEET, Step.WITHDRAW, Step.REOPEN},
    }
    assert bool(rules.check_step(state, step)) == (step not in expected[state])
    if step in expected[state]:
        assert rules.STATES[rules.EVENTS[step]] is rules.MOVES[state, step]
    joining = joining_rules.check_joining(state, has_it=False, for_members=False, co_operation=False)
    assert bool(joining) == (state not in {State.OPEN, State.IN_PROGRESS})


def test_a_needs_history_is_told(catalog: TestClient, issuer: Issuer) -> None:
    owner = issuer.bearer(ALSTAHAUG, "catalog.write")
    for step, state in (("start", "in_progress"), ("meet", "met"), ("reopen", "open"), ("withdraw", "withdrawn")):
        answer = catalog.post(f"{SHARED}/{step}", json={"reason": step}, headers=owner)
        assert (answer.status_code, answer.json()["state"]) == (200, state), answer.text
    assert problem(catalog.post(f"{SHARED}/meet", json={}, headers=owner)) == (409, "need-step-refused")
    kinds = [one["kind"] for one in catalog.get(SHARED).json()["events"]]
    assert kinds == ["posted", "started", "met", "reopened", "withdrawn"]


# ---- Who sees whose


@pytest.mark.parametrize(
    ("viewer", "sees"),
    [
        (None, False),
        (FJORDVAKT, False),
        (HAVORN, False),
        ("987654325", False),  # not registered
        (BRONNOY, True),
        (VEFSN, True),
        (EDITOR, True),
    ],
)
def test_a_restricted_needs_holders_are_for_public_bodies(
    shared_catalog: TestClient, issuer: Issuer, viewer: str | None, sees: bool
) -> None:
    headers = issuer.bearer(viewer) if viewer else {}
    need = shared_catalog.get(RESTRICTED, headers=headers).json()
    assert need["organisations"] == 2, "how many is for all"
    assert (need["holders"] is not None) == sees
    listed = {one["id"]: one for one in get_all(shared_catalog, headers)}
    assert (listed[need["id"]]["holders"] is not None) == sees
    for query in ({"county_number": "18"}, {"organisation_number": VEFSN}, {"organisation_number": RANA}):
        found = {one["id"] for one in get_all(shared_catalog, headers, **query)}
        assert (need["id"] in found) == sees, "a filter tells as well"


def test_a_vendor_on_a_public_bodys_behalf_learns_no_more_than_itself(
    shared_catalog: TestClient, issuer: Issuer
) -> None:
    vendor = {"authority": "iso6523-actorid-upis", "ID": f"0192:{FJORDVAKT}"}
    headers = {"Authorization": f"Bearer {issuer.token(BRONNOY, 'catalog.write', supplier=vendor)}"}
    assert shared_catalog.get(RESTRICTED, headers=headers).json()["holders"] is None
    assert not [one for one in get_all(shared_catalog, headers, county_number="18") if one["audience"] != "public"]
    assert problem(shared_catalog.get(f"{SHARED}/partners", headers=headers)) == (403, "public-bodies-only")
    documents = shared_catalog.get("/products/fjordvakt-alarm/documents", headers=headers).json()["items"]
    assert [one["state"] for one in documents] == ["approved"]


def get_all(catalog: TestClient, headers: dict[str, str], **query: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = catalog.get("/needs", params={"limit": "200", **query}, headers=headers).json()[
        "items"
    ]
    return items


def test_no_answer_to_a_supplier_changes_with_who_joins_but_the_number(catalog: TestClient, issuer: Issuer) -> None:
    supplier = issuer.bearer(FJORDVAKT, "catalog.write", "catalog.admin")
    counties = [f"{number:02}" for number in (3, 11, 15, 18, 31, 42, 46, 50, 55, 56)]

    def everything(headers: dict[str, str]) -> list[str]:
        paths = ["/needs?limit=200", RESTRICTED, f"{RESTRICTED}/matches", f"{RESTRICTED}/partners"]
        paths += [f"/needs?county_number={county}&limit=200" for county in counties]
        paths += [f"/needs?organisation_number={number}" for number in (VEFSN, RANA, "958935420")]
        paths += [f"/needs?q=tilsyn&fields=holders,organisations,id&county_number={county}" for county in ("03", "18")]
        return [
            json.dumps(catalog.get(path, headers=headers).json(), sort_keys=True).replace(
                '"organisations": 3', '"organisations": 2'
            )
            for path in paths
        ]

    before = [everything(supplier), everything({})]
    oslo = issuer.bearer("958935420", "catalog.write")
    assert catalog.post(f"{RESTRICTED}/join", json={}, headers=oslo).json()["organisations"] == 3
    after = [everything(supplier), everything({})]
    assert before == after
    for headers in (supplier, {}):
        told = [one for one in walk_events(catalog, headers) if one["subject"] == RESTRICTED]
        assert [one["data"] for one in told] == [{"organisations": 3}]
    assert len(get_all(catalog, oslo, county_number="03")) == 1, "public bodies see it"


def test_the_trail_of_a_need_is_its_own_organisations(catalog: TestClient, issuer: Issuer) -> None:
    rana = issuer.bearer(RANA, "catalog.write")
    assert catalog.post(f"{RESTRICTED}/leave", headers=rana).status_code == 200
    supplier = issuer.bearer(FJORDVAKT, "catalog.write")
    for subject in (RESTRICTED, SHARED):
        assert catalog.get("/audit", params={"subject": subject}, headers=supplier).json()["items"] == []


@given(st.sampled_from(Audience), st.sampled_from(Audience), st.integers(0, 5))
def test_an_audience_is_never_opened_over_others(before: Audience, after: Audience, joined: int) -> None:
    refused = bool(rules.check_audience(before, after, joined))
    assert refused == (before is Audience.PUBLIC_BODIES and after is Audience.PUBLIC and joined > 0)
    assert rules.may_see_whose(before, public_body=True)


@given(st.none() | st.sampled_from(ProjectStatus), st.none() | st.just(2027))
def test_a_project_that_is_more_than_an_idea_has_a_year(status: ProjectStatus | None, year: int | None) -> None:
    found = rules.check(rules.Need(rules.Area.OTHER, [], [], status, year))
    assert bool(found) == (status not in (None, ProjectStatus.IDEA) and year is None)


# ---- The seed


def test_what_the_report_tells_is_kept_and_nothing_is_added(shared_catalog: TestClient) -> None:
    told = [one for one in walk(shared_catalog, "/needs", limit=10) if one["source"]]
    assert len(told) == 23
    by_year = {year: [one for one in told if one["source"]["year"] == year] for year in (2018, 2019)}
    assert {one["state"] for one in by_year[2018]} == {"met"}
    assert {one["state"] for one in by_year[2019]} == {"unknown"}, "nobody has told what became of it"
    assert {(one["organisations"], len(one["holders"])) for one in told} == {(0, 0)}, "the report says not whose"
    counts = {one["title"]["nb"]: one["source"]["municipality_count_in_source"] for one in by_year[2019]}
    assert (counts["Velferdsteknologi"], counts["Digitalisering byggsak"]) == (11, 2)
    assert sum(counts.values()) == 31
    kinds = {
        tuple(event["kind"] for event in shared_catalog.get(f"/needs/{one['id']}").json()["events"]) for one in told
    }
    assert kinds == {(EventKind.REPORTED,), (EventKind.REPORTED, EventKind.MET)}


def test_pages_of_needs_have_no_gaps(shared_catalog: TestClient) -> None:
    assert walk(shared_catalog, "/needs", limit=1) == walk(shared_catalog, "/needs", limit=200)
    page = shared_catalog.get("/needs", params={"limit": "1", "area": "health_and_care", "fields": "id"})
    assert all(kept in page.headers["Link"] for kept in ("area=health_and_care", "fields=id", "limit=1"))
