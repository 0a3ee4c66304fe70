"""An accession from draft to its end: who may take which step, what each needs, and whom it then orders for."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from services.agreements.accessions import store
from services.agreements.accessions.rules import MOVES, Event, State
from services.agreements.frameworks import store as frameworks
from services.chassis.clock import today
from services.chassis.values import seed_id
from tests.agreements.conftest import ALSTAHAUG, BRONNOY, FJORDVAKT, JOINT_UNIT, NORDLYS, OSLO
from tests.conftest import state as app_state
from tests.issuer import Issuer

VEFSN, SOMNA, HEROY, LEIRFJORD, DONNA = "844824122", "944810277", "872417982", "945034572", "945114878"
OPEN, RUNNING, PAUSED, DRAFT = (
    "ra-2027-digitalt-tilsyn",
    "ra-2026-velferdsteknologi",
    "ra-2025-gps",
    "ra-2027-nettbrett",
)
DECIDED = {"decision_reference": "26/1 (fiktiv)", "decided_on": "2026-11-17"}
Act = Callable[..., Any]


def path(agreement: str, number: str = "") -> str:
    base = f"/framework-agreements/{agreement}/accessions"
    return f"{base}/{seed_id(f'accession:{agreement}:{number}')}" if number else base


@pytest.fixture
def act(api: TestClient, issuer: Issuer) -> Act:
    """Send a step as an organisation, with the scopes of both parties. → the answer"""

    def send(organisation: str, where: str, body: Any = None, method: str = "POST") -> Any:
        headers = issuer.bearer(organisation, "agreements.read", "agreements.approve", "agreements.manage")
        return api.request(method, where, headers=headers, json=body if method == "GET" else body or {})

    return send


def told(answer: Any) -> list[str]:
    found = answer.json()
    return [one["type"].removeprefix("/problems/") for one in found.get("errors", [found])]


def orders_for(api: TestClient, agreement: str, number: str, on: date) -> set[str]:
    with app_state(api).database.reading() as reader:
        found = store.named(reader, frameworks.by_slug(reader, agreement), number)
        assert found
        return set(store.covered_on(reader, found.id or 0, on))


def test_from_draft_to_leaving(api: TestClient, act: Act) -> None:
    made = act(BRONNOY, path(OPEN), {"binding": False})
    assert made.status_code == 201, made.text
    assert (made.json()["state"], made.json()["basis"], made.json()["name"]) == ("draft", "own", "Brønnøy kommune")
    where = made.headers["location"]
    assert told(act(BRONNOY, f"{where}/submit")) == ["decision-missing", "decision-missing"]
    submitted = act(BRONNOY, f"{where}/submit", DECIDED)
    assert (submitted.json()["state"], submitted.json()["decided_on"]) == ("submitted", "2026-11-17"), submitted.text
    approved = act(JOINT_UNIT, f"{where}/approve").json()
    assert (approved["state"], approved["starts_on"]) == ("approved", "2027-02-01"), "not before the agreement"
    assert orders_for(api, OPEN, BRONNOY, date(2027, 2, 1)) == set()
    assert act(JOINT_UNIT, f"{where}/start").json()["state"] == "active"
    assert orders_for(api, OPEN, BRONNOY, date(2027, 1, 31)) == set()
    assert orders_for(api, OPEN, BRONNOY, date(2027, 2, 1)) == {BRONNOY}
    leaving = act(BRONNOY, f"{where}/give-notice", {"reason": "Ny avtale"}).json()
    assert (leaving["state"], leaving["ends_on"]) == ("leaving", (today() + timedelta(days=90)).isoformat())
    back = act(BRONNOY, f"{where}/revoke-notice").json()
    assert (back["state"], back["ends_on"]) == ("active", None)
    ended = act(JOINT_UNIT, f"{where}/end", {"reason": "Etter avtale"}).json()
    assert (ended["state"], ended["ends_on"]) == ("ended", today().isoformat())
    assert orders_for(api, OPEN, BRONNOY, date(2027, 2, 1)) == set()
    items = act(BRONNOY, f"{where}/history", method="GET").json()["items"]
    steps = ("register", "submit", "approve", "start", "give_notice", "revoke_notice", "end")
    assert [one["event"] for one in items] == list(steps)
    assert [one["organisation"] for one in items[1:3]] == [BRONNOY, JOINT_UNIT]
    assert items[4]["reason"] == "Ny avtale"


@pytest.mark.parametrize("who", [OSLO, FJORDVAKT, JOINT_UNIT, DONNA])
def test_whoever_the_notice_does_not_name_is_refused_whatever_else_is_in_order(act: Act, who: str) -> None:
    answer = act(who, path(OPEN), {"binding": False, **DECIDED})
    assert (answer.status_code, told(answer)[0]) == (403, "not-on-announced-list")


def test_nobody_accedes_before_the_announcement(act: Act) -> None:
    answer = act(BRONNOY, path(DRAFT), {"binding": False})
    assert (answer.status_code, told(answer)) == (404, ["framework-agreement-not-found"]), "it is its owner's alone"
    assert told(act(BRONNOY, path(DRAFT), method="GET")) == ["framework-agreement-not-found"]


@pytest.mark.parametrize("state", ["exhausted", "expired", "terminated", "closed", "cancelled"])
def test_nobody_accedes_to_what_has_come_to_an_end(act: Act, rows: psycopg.Connection, state: str) -> None:
    rows.execute("UPDATE frameworkagreement SET state = %s WHERE slug = %s", (state, OPEN))
    answer = act(BRONNOY, path(OPEN), {"binding": False})
    assert (answer.status_code, told(answer)) == (409, ["agreement-takes-no-accessions"])
    submitted = act(ALSTAHAUG, path(OPEN, ALSTAHAUG) + "/submit")
    assert (submitted.status_code, told(submitted)) == (409, ["agreement-takes-no-accessions"])


def test_an_organisation_has_one_accession_that_is_not_over(act: Act) -> None:
    again = act(ALSTAHAUG, path(OPEN), {"binding": False})
    assert (again.status_code, told(again)) == (409, ["accession-exists"])
    assert act(ALSTAHAUG, path(OPEN, ALSTAHAUG) + "/withdraw").json()["state"] == "withdrawn"
    assert act(ALSTAHAUG, path(OPEN), {"binding": False}).status_code == 201


@pytest.mark.parametrize(
    ("from_on", "to_on"), [(None, None), ("2026-01-01", "2026-01-31"), ("2099-01-01", "2099-01-31")]
)
def test_all_that_a_submission_lacks_is_told_at_once(
    act: Act, rows: psycopg.Connection, from_on: str | None, to_on: str | None
) -> None:
    where = act(BRONNOY, path(OPEN), {"binding": False}).headers["location"]
    change = "UPDATE frameworkagreement SET accession_from_on = %s, accession_to_on = %s WHERE slug = %s"
    rows.execute(change, (from_on, to_on, OPEN))
    later = (today() + timedelta(days=1)).isoformat()
    answer = act(BRONNOY, f"{where}/submit", {"decided_on": later})
    assert answer.status_code == 409
    assert told(answer) == ["accession-window-closed", "decision-missing", "decision-in-future"]
    assert act(BRONNOY, where, method="GET").json()["state"] == "draft"


def test_a_host_orders_for_itself_and_those_it_lists(api: TestClient, act: Act) -> None:
    shown = act(ALSTAHAUG, path(RUNNING, ALSTAHAUG), method="GET").json()
    assert (shown["basis"], shown["co_operation"]) == ("host", "hald-ikt")
    assert {one["organisation_number"] for one in shown["covered"]} == {HEROY, LEIRFJORD}
    assert orders_for(api, RUNNING, ALSTAHAUG, today()) == {ALSTAHAUG, HEROY, LEIRFJORD}
    assert orders_for(api, RUNNING, ALSTAHAUG, date(2026, 1, 31)) == set()


def test_whom_a_host_orders_for_changes_from_a_day_and_is_never_overwritten(api: TestClient, act: Act) -> None:
    where = path(RUNNING, ALSTAHAUG)
    tomorrow = today() + timedelta(days=1)
    added = act(ALSTAHAUG, f"{where}/covered/{DONNA}", {"from_on": tomorrow.isoformat(), "reason": "Ny avtale"})
    assert added.status_code == 200, added.text
    assert added.json()["relied_on"]["slug"] == "hald-ikt", "what the catalogue said is kept"
    assert orders_for(api, RUNNING, ALSTAHAUG, today()) == {ALSTAHAUG, HEROY, LEIRFJORD}
    assert orders_for(api, RUNNING, ALSTAHAUG, tomorrow) == {ALSTAHAUG, HEROY, LEIRFJORD, DONNA}
    assert told(act(ALSTAHAUG, f"{where}/covered/{DONNA}", {"reason": "En gang til"})) == ["already-covered"]
    out = act(ALSTAHAUG, f"{where}/covered/{HEROY}", {"to_on": today().isoformat(), "reason": "Går ut"})
    assert out.status_code == 200, out.text
    assert orders_for(api, RUNNING, ALSTAHAUG, today()) == {ALSTAHAUG, HEROY, LEIRFJORD}
    assert orders_for(api, RUNNING, ALSTAHAUG, tomorrow) == {ALSTAHAUG, LEIRFJORD, DONNA}
    again = act(ALSTAHAUG, f"{where}/covered/{HEROY}", {"to_on": today().isoformat(), "reason": "Går ut"})
    assert (again.status_code, told(again)) == (404, ["coverage-not-found"])
    history = act(ALSTAHAUG, f"{where}/history", method="GET").json()["items"]
    assert [(one["detail"]["covered"], one["reason"]) for one in history if one["event"] == "cover"] == [
        (DONNA, "Ny avtale"),
        (HEROY, "Går ut"),
    ]


@pytest.mark.parametrize(
    ("number", "problems"),
    [
        (SOMNA, ["covered-not-member"]),
        (OSLO, ["covered-not-on-announced-list", "covered-not-member"]),
        ("100000091", ["organisation-unknown"]),
    ],
)
def test_only_a_named_member_is_ordered_for(act: Act, number: str, problems: list[str]) -> None:
    answer = act(ALSTAHAUG, f"{path(RUNNING, ALSTAHAUG)}/covered/{number}", {"reason": "Prøve"})
    assert (answer.status_code, told(answer)) == (422, problems)


@pytest.mark.parametrize(
    ("new", "problems"),
    [
        ({"basis": "host"}, ["co-operation-missing", "coverage-missing"]),
        ({"basis": "host", "co_operation": "no-such", "covered": [HEROY]}, ["co-operation-unknown"]),
        ({"basis": "host", "co_operation": "hald-ikt", "covered": [HEROY]}, ["not-this-co-operation"]),
        ({"basis": "legal_person", "co_operation": "hald-ikt", "covered": [HEROY]}, ["not-this-co-operation"]),
        ({"co_operation": "hald-ikt"}, ["coverage-unfit"]),
        ({"covered": [HEROY]}, ["coverage-unfit"]),
    ],
)
def test_a_basis_that_does_not_hold_is_told(act: Act, new: dict[str, Any], problems: list[str]) -> None:
    answer = act(BRONNOY, path(OPEN), {"binding": False, **new})
    assert answer.status_code in (403, 422), answer.text
    assert told(answer) == problems


def test_a_host_accedes_for_its_listed_municipalities(act: Act) -> None:
    submitted = act(ALSTAHAUG, path(OPEN, ALSTAHAUG) + "/submit")
    assert submitted.json()["state"] == "submitted", submitted.text
    relied_on = submitted.json()["relied_on"]
    assert (relied_on["slug"], relied_on["units"][0]["form"]) == ("hald-ikt", "host_municipality")


COMPANY = "100000083"
SECTION_27 = {"form": "section_27", "law": "kommuneloven 1992 § 27", "legal_person": True}


@pytest.mark.parametrize(
    ("slug", "unit", "problems"),
    [
        ("prove-iks", {"form": "intermunicipal_company"}, []),
        ("prove-27", SECTION_27, ["co-operation-cannot-sign"]),
        ("prove-ko", {"form": "task_partnership"}, ["co-operation-cannot-sign"]),
        ("prove-nettverk", {"form": "other"}, ["co-operation-cannot-sign"]),
    ],
)
def test_a_co_operation_orders_for_members_as_a_legal_person_of_the_act_that_holds(
    act: Act,
    api: TestClient,
    catalog_api: TestClient,
    issuer: Issuer,
    rows: psycopg.Connection,
    slug: str,
    unit: dict[str, Any],
    problems: list[str],
) -> None:
    number = {"prove-iks": COMPANY, "prove-27": "100000091", "prove-ko": "100000105", "prove-nettverk": "100000113"}[
        slug
    ]
    members = [str(seed_id(f"organisation:{one}")) for one in (BRONNOY, HEROY)]
    known = {"as_of_on": "2026-01-01", "source": "Prøve (fiktiv)", "units": [unit], "members": members}
    new = {"slug": slug, "name": slug, "organisation_number": number, "state": known}
    made = catalog_api.post("/co-operations", json=new, headers=issuer.bearer(JOINT_UNIT, "catalog.admin"))
    assert made.status_code == 201, made.text
    rows.execute(
        "INSERT INTO participant (framework_id, organisation_id, number, name) "
        "SELECT id, %s, %s, %s FROM frameworkagreement WHERE slug = %s",
        (made.json()["id"], number, slug, OPEN),
    )
    body = {"basis": "legal_person", "binding": True, "co_operation": slug, "covered": [BRONNOY, HEROY], **DECIDED}
    answer = act(number, path(OPEN), body)
    if problems:
        assert (answer.status_code, told(answer)) == (409, problems)
        return
    where = answer.headers["location"]
    steps = [(number, "submit"), (JOINT_UNIT, "approve"), (JOINT_UNIT, "start")]
    assert [act(who, f"{where}/{step}").status_code for who, step in steps] == [200] * 3
    assert orders_for(api, OPEN, number, date(2027, 2, 1)) == {BRONNOY, HEROY}, "its members, and not itself"


def test_a_binding_accession_lasts_as_long_as_the_agreement_unless_it_is_released(act: Act) -> None:
    where = path(OPEN, VEFSN)
    act(JOINT_UNIT, f"{where}/approve")
    act(JOINT_UNIT, f"{where}/start")
    assert act(VEFSN, f"{where}/give-notice").json()["ends_on"] == "2031-01-31"
    assert told(act(JOINT_UNIT, f"{where}/end")) == ["reason-missing"]
    assert act(JOINT_UNIT, f"{where}/end", {"reason": "Løst fra bindingen"}).json()["state"] == "ended"


@pytest.mark.parametrize(
    ("number", "event", "who", "status"),
    [
        (VEFSN, "approve", VEFSN, 403),
        (VEFSN, "reject", BRONNOY, 403),
        (VEFSN, "withdraw", JOINT_UNIT, 403),
        (VEFSN, "withdraw", BRONNOY, 404),
        (ALSTAHAUG, "submit", JOINT_UNIT, 403),
        (SOMNA, "start", SOMNA, 403),
        (SOMNA, "withdraw", NORDLYS, 404),
    ],
)
def test_each_step_is_one_partys(act: Act, number: str, event: str, who: str, status: int) -> None:
    assert act(who, f"{path(OPEN, number)}/{event}", {"reason": "Prøve"}).status_code == status


@pytest.mark.parametrize("scope", ["agreements.read", "agreements.order", "agreements.manage"])
def test_acceding_takes_a_token_that_may_approve(api: TestClient, issuer: Issuer, scope: str) -> None:
    answer = api.post(path(OPEN), json={"binding": False}, headers=issuer.bearer(BRONNOY, scope))
    assert (answer.status_code, told(answer)) == (403, ["scope-missing"])


REACHED = {
    State.DRAFT: (OPEN, ALSTAHAUG),
    State.SUBMITTED: (OPEN, VEFSN),
    State.APPROVED: (OPEN, SOMNA),
    State.ACTIVE: (RUNNING, BRONNOY),
    State.LEAVING: (PAUSED, VEFSN),
}


@pytest.mark.parametrize("event", list(Event))
@pytest.mark.parametrize("state", list(REACHED))
def test_a_step_that_the_table_does_not_have_is_refused_and_writes_nothing(
    act: Act, rows: psycopg.Connection, state: State, event: Event
) -> None:
    agreement, number = REACHED[state]
    owners = event in (Event.APPROVE, Event.REJECT, Event.START, Event.END)
    counts = "SELECT (SELECT count(*) FROM accession_event), (SELECT count(*) FROM audit), (SELECT count(*) FROM event)"
    before = rows.execute(counts).fetchone()
    where = f"{path(agreement, number)}/{event.value.replace('_', '-')}"
    answer = act(JOINT_UNIT if owners else number, where, {"reason": "Prøve"})
    if (state, event) in MOVES:
        assert answer.status_code == 200, answer.text
        assert answer.json()["state"] == MOVES[state, event]
        assert before
        assert rows.execute(counts).fetchone() == (before[0] + 1, before[1] + 1, before[2] + 2), "both parties are told"
    else:
        assert (answer.status_code, told(answer)) == (409, ["move-refused"])
        assert rows.execute(counts).fetchone() == before


def test_everybody_sees_who_has_acceded_and_the_parties_see_more(api: TestClient, act: Act) -> None:
    def listed(answer: Any) -> dict[str, str]:
        assert answer.status_code == 200, answer.text
        return {one["organisation_number"]: one["state"] for one in answer.json()["items"]}

    assert listed(api.get(path(OPEN))) == {}
    assert listed(act(BRONNOY, path(OPEN), method="GET")) == {}
    assert listed(act(VEFSN, path(OPEN), method="GET")) == {VEFSN: "submitted"}
    everybody = {ALSTAHAUG: "draft", VEFSN: "submitted", SOMNA: "approved"}
    assert listed(act(JOINT_UNIT, path(OPEN), method="GET")) == everybody
    assert listed(api.get(path(PAUSED))) == {BRONNOY: "active", ALSTAHAUG: "active", VEFSN: "leaving"}
    assert listed(api.get(path(PAUSED) + "?state=leaving")) == {VEFSN: "leaving"}
    assert set(api.get(path(PAUSED)).json()["items"][0]) == {
        *("id", "organisation_number", "name", "basis", "state", "since_on", "until_on")
    }


def test_who_has_acceded_is_listed_page_by_page(api: TestClient) -> None:
    seen, where = [], path(RUNNING) + "?limit=7"
    while where:
        page = api.get(where)
        seen += [one["organisation_number"] for one in page.json()["items"]]
        where = page.links.get("next", {}).get("url", "")
    assert len(seen) == 18
    assert seen == sorted(set(seen))


@pytest.mark.parametrize(("who", "status"), [(VEFSN, 200), (JOINT_UNIT, 200), (BRONNOY, 404), (FJORDVAKT, 404)])
def test_an_accession_is_read_by_its_two_parties(act: Act, who: str, status: int) -> None:
    for where in (path(OPEN, VEFSN), path(OPEN, VEFSN) + "/history"):
        assert act(who, where, method="GET").status_code == status
    assert act(who, path(RUNNING, VEFSN).replace(RUNNING, OPEN), method="GET").status_code == 404, "another agreement's"


def test_on_its_day_an_accession_begins_and_after_its_last_it_ends(api: TestClient, act: Act) -> None:
    def look(day: date) -> tuple[int, int]:
        with app_state(api).database.writing() as session:
            return store.start_due(session, day), store.end_due(session, day)

    def state(agreement: str, number: str) -> str:
        return str(act(JOINT_UNIT, path(agreement, number), method="GET").json()["state"])

    assert look(date(2027, 1, 31)) == (0, 0)
    assert look(date(2027, 2, 1)) == (1, 0)
    assert state(OPEN, SOMNA) == "active"
    assert look(date(2029, 3, 31)) == (0, 0)
    assert orders_for(api, PAUSED, VEFSN, date(2029, 3, 31)) == {VEFSN}
    assert orders_for(api, PAUSED, VEFSN, date(2029, 4, 1)) == set(), "whether or not somebody has looked"
    assert state(PAUSED, VEFSN) == "leaving"
    assert look(date(2029, 4, 1)) == (0, 1)
    assert look(date(2029, 4, 1)) == (0, 0), "each once"
    assert state(PAUSED, VEFSN) == "ended"
    last = act(VEFSN, path(PAUSED, VEFSN) + "/history", method="GET").json()["items"][-1]
    assert (last["event"], last["organisation"]) == ("end", None)
    assert act(VEFSN, path(PAUSED, VEFSN), method="GET").json()["ends_on"] == "2029-03-31"


def test_an_agreement_that_is_over_ends_its_accessions(api: TestClient, act: Act, rows: psycopg.Connection) -> None:
    rows.execute("UPDATE frameworkagreement SET state = 'terminated' WHERE slug = %s", (PAUSED,))
    with app_state(api).database.writing() as session:
        assert store.end_due(session, today()) == 3
    assert act(JOINT_UNIT, path(PAUSED, BRONNOY), method="GET").json()["state"] == "ended"
    assert orders_for(api, PAUSED, BRONNOY, today()) == set()


def test_notice_that_has_run_out_is_not_taken_back(act: Act, rows: psycopg.Connection) -> None:
    where = path(PAUSED, VEFSN)
    rows.execute("UPDATE accession SET ends_on = %s WHERE state = 'leaving'", (today() - timedelta(days=1),))
    answer = act(VEFSN, f"{where}/revoke-notice")
    assert (answer.status_code, told(answer)) == (409, ["notice-run-out"])


@pytest.mark.parametrize("day", ["2027-01-31", "2031-02-01", "2020-01-01"])
def test_an_accession_begins_within_the_agreement(act: Act, day: str) -> None:
    answer = act(JOINT_UNIT, path(OPEN, VEFSN) + "/approve", {"starts_on": day})
    assert (answer.status_code, told(answer)) == (422, ["start-day-invalid"])


def test_a_rehearsed_step_leaves_everything_as_it_was(act: Act) -> None:
    where = path(OPEN, VEFSN)
    assert act(JOINT_UNIT, f"{where}/approve?dry_run=true").json()["state"] == "approved"
    assert act(VEFSN, where, method="GET").json()["state"] == "submitted"
    assert act(BRONNOY, path(OPEN) + "?dry_run=true", {"binding": True}).status_code in (200, 201)
    assert act(BRONNOY, path(OPEN), {"binding": True}).status_code == 201


def test_both_parties_and_whoever_is_ordered_for_are_told(api: TestClient, act: Act, issuer: Issuer) -> None:
    act(ALSTAHAUG, f"{path(RUNNING, ALSTAHAUG)}/covered/{DONNA}", {"reason": "Ny avtale"})

    def heard(organisation: str) -> bool:
        headers, position = issuer.bearer(organisation, "agreements.read"), 0
        while items := api.get(f"/events?after={position}&limit=200", headers=headers).json()["items"]:
            if any(one["type"] == "accession.cover" and one["data"]["covered"] == DONNA for one in items):
                return True
            position = int(items[-1]["id"])
        return False

    assert [heard(one) for one in (ALSTAHAUG, JOINT_UNIT, DONNA, BRONNOY)] == [True, True, True, False]


@pytest.mark.parametrize("table", ["accession_event", "accession_covered"])
def test_what_happened_is_never_edited(rows: psycopg.Connection, table: str) -> None:
    with pytest.raises(psycopg.errors.RaiseException):
        rows.execute(f"UPDATE {table} SET reason = 'x'")
    with pytest.raises(psycopg.errors.RaiseException):
        rows.execute(f"DELETE FROM {table}")
