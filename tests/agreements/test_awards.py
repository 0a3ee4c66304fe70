"""An award follows from the evaluation, is told with its reasons before anything is ordered, and becomes one order."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from itertools import product
from typing import Any
from uuid import UUID

import psycopg
import pytest
from fastapi.testclient import TestClient

from services.agreements.awards import placing as awards
from services.agreements.awards.rules import AwardReplaced, last_day
from services.agreements.calloff_steps import store as calloff_steps
from services.agreements.calloffs import placing
from services.agreements.mini_competitions import store as mini_competitions
from services.agreements.mini_competitions.rules import MOVES, Event, State
from services.chassis.clock import today
from tests.agreements.competing import BY_PRICE, HAVORN, PRICES, Competition, hold
from tests.agreements.conftest import BRONNOY, FJORDVAKT, JOINT_UNIT, NORDLYS, OSLO
from tests.agreements.test_bad_input import kept
from tests.conftest import state
from tests.issuer import Issuer

STILLVAKT = "100000075"
LATER = date(2029, 5, 1)
REASON = {"reason": "Ny vurdering er nødvendig (fiktivt)."}


@pytest.fixture
def held(api: TestClient, issuer: Issuer, rows: psycopg.Connection) -> Competition:
    """Evaluated by both evaluators, without a standstill."""
    found = hold(api, issuer, rows)
    found.mark_all()
    return found


@pytest.fixture
def cheapest(api: TestClient, issuer: Issuer, rows: psycopg.Connection) -> Competition:
    """By price alone, which nobody marks."""
    return hold(api, issuer, rows, criteria=BY_PRICE)


def look(competition: Competition) -> int:
    """What the worker does when it looks at the calendar."""
    held_by = state(competition.api)
    return awards.due(held_by.database, partial(placing.verifying, held_by.catalog.verify), today())


def told(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


def test_the_award_follows_from_the_marks_and_becomes_a_call_off_at_the_bid_s_prices(
    api: TestClient, issuer: Issuer, rows: psycopg.Connection, buyer: dict[str, str]
) -> None:
    held = hold(api, issuer, rows)
    first = held.mark("fag", {FJORDVAKT: "9", NORDLYS: "6", HAVORN: "8"})
    assert (first["complete"], first["ranking"], len(first["missing"])) == (False, [], 6)
    refused = held.announce()
    assert told(refused) == (409, "evaluation-incomplete")
    assert len(refused.json()["missing"]) == 6
    assert set(held.states().values()) == {"opened"}
    found = held.mark("innkjop", {FJORDVAKT: "10", NORDLYS: "5", HAVORN: "8"})
    assert found["complete"]
    order = [(one["supplier_organisation_number"], one["total"], one["tie"]) for one in found["ranking"]]
    assert order == [(FJORDVAKT, "40.4000", None), (HAVORN, "39.2000", None), (NORDLYS, "34.0000", None)]
    assert set(held.states().values()) == {"scored"}
    assert told(held.announce(evaluation_sha256="0" * 64)) == (409, "evaluation-changed")
    announced = held.announce(evaluation_sha256=found["sha256"])
    assert announced.status_code == 201, announced.text
    assert announced.json()["items"][0]["winner_organisation_number"] == FJORDVAKT
    assert held.announce(evaluation_sha256=found["sha256"]).content == announced.content, "once"
    made = held.over()
    assert made.status_code == 201, made.text
    call_off = made.json()
    assert (call_off["state"], call_off["supplier_organisation_number"]) == ("reserved", FJORDVAKT)
    assert call_off["lines"][0]["unit_price_excl_vat"] == PRICES[FJORDVAKT]
    assert call_off["choice"]["method"] == "mini_competition"
    assert call_off["choice"]["competition"]["evaluation_sha256"] == found["sha256"]
    assert call_off["choice"]["competition"]["id"] == held.id
    assert held.over().content == made.content, "once"
    assert (held.read()["state"], held.read()["call_off"]) == ("awarded", call_off["id"])
    assert [one["same"] for one in held.read("/evaluation")["kept"]] == [True]
    explained = api.get(f"/call-offs/{call_off['id']}/explanation", headers=buyer).json()["choices"][0]
    assert (explained["replayable"], explained["competition"]["id"]) == (False, held.id)
    for step in ("approve", "send"):
        moved = api.post(f"/call-offs/{call_off['id']}/{step}", json={}, headers=buyer)
        assert moved.status_code == 200, moved.text
    assert held.states() == {one: "won" if one == FJORDVAKT else "lost" for one in PRICES}


def test_each_bidder_is_told_its_own_reasons_and_no_other_s(held: Competition) -> None:
    announced = held.announce()
    assert announced.status_code == 201, announced.text
    (whole,) = announced.json()["items"]
    assert len(whole["bidders"]) == 3
    assert len(held.read("/award", JOINT_UNIT)["items"][0]["bidders"]) == 3
    for supplier, price in PRICES.items():
        (seen,) = held.read("/award", supplier)["items"]
        (own,) = seen["bidders"]
        assert own["supplier_organisation_number"] == supplier
        assert seen["winner_organisation_number"] == whole["winner_organisation_number"]
        assert [step["winner_points"] for step in own["steps"]] == [
            step["points"] for step in next(one for one in whole["bidders"] if one["won"])["steps"]
        ]
        assert {one["comment"].split()[-1] for one in own["comments"]} == {supplier}
        others = [other for other in PRICES.values() if other != price]
        assert not any(f"{int(float(other) * 1000)}.00" in str(seen) for other in others)
        assert told(held.send("GET", "/evaluation", by=supplier)) == (404, "evaluation-not-found")
    for stranger in (OSLO, STILLVAKT):
        assert told(held.send("GET", "/award", by=stranger)) == (404, "mini-competition-not-found")
    assert held.send("GET", "/evaluation", by=JOINT_UNIT).status_code == 200


def test_the_owner_sees_no_evaluation_before_the_winner_is_told(held: Competition) -> None:
    assert told(held.send("GET", "/evaluation", by=JOINT_UNIT)) == (404, "evaluation-not-found")
    assert held.read("/award", FJORDVAKT) == {"items": [], "rejected": []}


def test_of_two_at_once_one_makes_the_call_off(cheapest: Competition, rows: psycopg.Connection) -> None:
    assert cheapest.announce().status_code == 201
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(cheapest.over, ["en", "to"]))
    assert sorted(one.status_code for one in answers) == [201, 409]
    assert look(cheapest) == 0
    made = rows.execute("SELECT count(*) FROM calloff WHERE method = 'mini_competition'").fetchone()
    assert made == (1,)


def test_without_room_nothing_is_written_and_with_room_it_goes_on(
    cheapest: Competition, rows: psycopg.Connection
) -> None:
    assert cheapest.announce().status_code == 201
    lot = "scope = 'lot' AND item = '' AND subject_id = (SELECT id FROM lot WHERE slug = 'radgivning')"
    rows.execute(f"UPDATE balance SET ceiling = reserved + posted + 999999.99 WHERE {lot}")
    before = kept(rows)
    refused = cheapest.over()
    assert told(refused) == (409, "ceiling-exceeded")
    assert kept(rows) == before
    assert look(cheapest) == 0
    (award,) = cheapest.read("/award")["items"]
    assert award["obstacle"]["type"] == "/problems/ceiling-exceeded"
    assert cheapest.read("/award", FJORDVAKT)["items"][0]["obstacle"] is None
    assert (cheapest.read()["state"], cheapest.states()[NORDLYS]) == ("award_notified", "won_pending")
    rows.execute(f"UPDATE balance SET ceiling = reserved + posted + 1000000.00 WHERE {lot}")
    assert look(cheapest) == 0, "it was tried just now"
    assert cheapest.over().status_code == 201


def test_what_is_not_certified_is_not_ordered(cheapest: Competition, rows: psycopg.Connection) -> None:
    assert cheapest.announce().status_code == 201
    rows.execute("ALTER TABLE lot DISABLE TRIGGER USER")
    rows.execute(
        "UPDATE lot SET specification = 'velferdsteknologi-trygghetstjeneste', specification_version = '1.0' "
        "WHERE slug = 'radgivning'"
    )
    before = kept(rows)
    assert told(cheapest.over()) == (409, "not-certified")
    assert kept(rows) == before


def test_a_winner_whose_place_is_suspended_is_not_ordered_from(cheapest: Competition, rows: psycopg.Connection) -> None:
    assert cheapest.announce().status_code == 201
    rows.execute("UPDATE place SET state = 'suspended' WHERE number = %s", [NORDLYS])
    assert told(cheapest.over()) == (409, "no-supplier")


def test_nothing_is_ordered_before_the_standstill_ends_by_the_clock(
    api: TestClient, issuer: Issuer, rows: psycopg.Connection
) -> None:
    held = hold(api, issuer, rows, criteria=BY_PRICE, standstill_days=10)
    assert held.announce().status_code == 201
    (award,) = held.read("/award")["items"]
    assert (award["standstill_from_at"], award["standstill_ends_at"]) == (None, None), "no letter has been handed over"
    assert told(held.over()) == (409, "standstill-running"), "it has not begun"
    assert look(held) == 0
    rows.execute("UPDATE award SET told_at = announced_at, ends_at = clock_timestamp() + interval '1 hour'")
    assert (look(held), told(held.over())) == (0, (409, "standstill-running"))
    rows.execute("UPDATE award SET ends_at = clock_timestamp()")
    assert look(held) == 1
    (award,) = held.read("/award")["items"]
    assert award["announced_at"] <= award["standstill_from_at"] <= award["standstill_ends_at"] <= award["final_at"]
    assert held.read()["call_off"]
    last = held.read("/history")["items"][-1]
    assert (last["event"], last["organisation"]) == ("standstill_over", None)


def test_an_award_that_is_taken_back_leaves_bids_and_marks_and_another_may_follow(held: Competition) -> None:
    first = held.announce().json()["items"][0]
    taken = held.done("POST", "/withdraw-award", REASON)["items"]
    assert [(one["standing"], one["withdrawal_reason"]) for one in taken] == [(False, REASON["reason"])]
    assert set(held.states().values()) == {"scored"}
    assert held.read("/evaluation")["complete"]
    assert told(held.over()) == (409, "move-refused")
    held.mark("fag", {FJORDVAKT: "1", NORDLYS: "10", HAVORN: "1"})
    found = held.mark("innkjop", {FJORDVAKT: "1", NORDLYS: "10", HAVORN: "1"})
    assert [one["version"] for one in found["scores"]] == [2, 2]
    second = held.announce(key="igjen").json()["items"]
    assert [one["sequence"] for one in second] == [2, 1]
    assert second[0]["winner_organisation_number"] == NORDLYS != first["winner_organisation_number"]
    assert second[1]["evaluation_sha256"] == first["evaluation_sha256"]
    assert held.over().json()["supplier_organisation_number"] == NORDLYS
    assert [one["same"] for one in held.read("/evaluation")["kept"]] == [True, True]


def test_a_rejected_bid_is_not_weighed_and_its_bidder_knows_why(
    api: TestClient, issuer: Issuer, rows: psycopg.Connection
) -> None:
    held = hold(api, issuer, rows)
    held.mark_all()
    held.mark("fag", {FJORDVAKT: "9", NORDLYS: "6"}, met=True)
    held.mark("innkjop", {HAVORN: "8"}, met=False)
    reasons = ["Tre referanser er ikke oppgitt (fiktivt)."]
    held.done("POST", f"/bids/{held.bids[HAVORN]}/reject", {"reasons": reasons})
    found = held.mark("innkjop", {FJORDVAKT: "9", NORDLYS: "6"})
    assert {one["supplier_organisation_number"] for one in found["ranking"]} == {FJORDVAKT, NORDLYS}
    assert [one["reasons"] for one in found["rejected"]] == [reasons]
    assert held.read("/award", HAVORN)["rejected"][0]["reasons"] == reasons
    assert held.read("/award", NORDLYS)["rejected"] == []
    again = held.send("POST", f"/bids/{held.bids[HAVORN]}/reject", {"reasons": reasons})
    assert told(again) == (409, "move-refused")
    assert told(held.send("POST", "/no-valid-bids", REASON)) == (409, "valid-bids-left")
    assert held.announce().status_code == 201


def test_an_unmet_must_keeps_the_award_until_the_bid_is_rejected(held: Competition) -> None:
    held.mark("fag", dict.fromkeys(PRICES, "9"), met=False)
    refused = held.announce()
    assert told(refused) == (409, "must-unmet")
    assert len(refused.json()["errors"]) == 3
    for one in held.bids.values():
        held.done("POST", f"/bids/{one}/reject", {"reasons": ["Oppfyller ikke kravet (fiktivt)."]})
    assert told(held.announce()) == (409, "nothing-to-award")
    held.done("POST", "/no-valid-bids", REASON)
    assert held.read()["state"] == "unsuccessful"


def test_a_bid_that_answers_what_was_amended_keeps_the_award_until_it_is_rejected(
    cheapest: Competition, rows: psycopg.Connection
) -> None:
    rows.execute("UPDATE minicompetition SET bids_from_version = 2 WHERE uuid = %s", [cheapest.id])
    rows.execute("UPDATE bid SET answers_version = 2 WHERE supplier <> %s", [NORDLYS])
    assert told(cheapest.announce()) == (409, "bid-outdated")
    cheapest.done("POST", f"/bids/{cheapest.bids[NORDLYS]}/reject", {"reasons": ["Svarer på en eldre utgave."]})
    assert cheapest.announce().json()["items"][0]["winner_organisation_number"] == HAVORN


def test_what_was_asked_about_one_award_orders_nothing_on_another(cheapest: Competition) -> None:
    """Between the catalogue's answer and the transaction the award is taken back, and another announced."""
    cheapest.announce()
    database = state(cheapest.api).database
    with database.reading() as reader:
        row = mini_competitions.visible(reader, UUID(cheapest.id), BRONNOY)
        found = awards.ready(reader, row, today())
    cheapest.done("POST", "/withdraw-award", REASON)
    assert cheapest.announce(key="igjen").status_code == 201
    asked = awards.asked(found, partial(placing.verifying, state(cheapest.api).catalog.verify), row.needed_on)
    with pytest.raises(AwardReplaced) as refused, database.writing() as session:
        awards.place(session, None, mini_competitions.by_id(session, row.id or 0), asked, today())
    assert refused.value.slug() == "award-replaced"
    assert cheapest.read()["call_off"] is None


def test_equal_points_are_decided_by_the_announced_rule_and_that_is_told(
    api: TestClient, issuer: Issuer, rows: psycopg.Connection
) -> None:
    held = hold(api, issuer, rows, criteria=BY_PRICE, prices=dict.fromkeys(PRICES, "1100.00"), tie_rule=("rank",))
    assert [one["tie"] for one in held.read("/evaluation")["ranking"]] == [None, "rank", "rank"]
    (award,) = held.announce().json()["items"]
    assert award["winner_organisation_number"] == FJORDVAKT
    assert [one["tie"] for one in award["bidders"]] == ["rank"] * 3


def test_what_was_competed_for_is_ordered_as_it_is_or_not_at_all(
    cheapest: Competition, issuer: Issuer, buyer: dict[str, str], api: TestClient
) -> None:
    cheapest.announce()
    id = cheapest.over().json()["id"]

    def step(name: str, by: dict[str, str] = buyer, **body: Any) -> Any:
        return api.post(f"/call-offs/{id}/{name}", json=body, headers=by)

    lines = [{"item": "radgivertime", "quantity": 1001}]
    assert told(step("edit", lines=lines)) == (409, "decided-by-competition")
    calloff_steps.due(state(api).database, LATER)
    assert api.get(f"/call-offs/{id}", headers=buyer).json()["state"] == "draft"
    again = step("reserve").json()
    assert (again["supplier_organisation_number"], again["amount_excl_vat"]) == (NORDLYS, "1000000.00")
    assert again["choice"]["competition"]["id"] == cheapest.id
    assert [step(name).status_code for name in ("approve", "send")] == [200, 200]
    supplier = issuer.bearer(NORDLYS, "agreements.supply")
    assert step("decline", supplier, reason="Ingen ledige rådgivere (fiktivt).").status_code == 200
    verifying = partial(placing.verifying, state(api).catalog.verify)
    calloff_steps.next_supplier(state(api).database, verifying, UUID(id), today())
    last = api.get(f"/call-offs/{id}/history", headers=buyer).json()["items"][-1]
    assert (last["event"], last["detail"]["type"]) == ("no_supplier_left", "/problems/mini-competition-needed")


def test_more_than_was_competed_for_needs_another_competition(
    cheapest: Competition, issuer: Issuer, buyer: dict[str, str], api: TestClient
) -> None:
    cheapest.announce()
    id = cheapest.over().json()["id"]
    for name, by in (("approve", buyer), ("send", buyer), ("confirm", issuer.bearer(NORDLYS, "agreements.supply"))):
        assert api.post(f"/call-offs/{id}/{name}", json={}, headers=by).status_code == 200
    for quantity, answer in ((1001, 409), (999, 200)):
        lines = [{"item": "radgivertime", "quantity": quantity}]
        changed = api.post(f"/call-offs/{id}/buyer-change", json={"lines": lines, **REASON}, headers=buyer)
        assert changed.status_code == answer, changed.text


STEPS: dict[str, tuple[str, str, Any, Event | None]] = {
    "marks": ("PUT", "/scores/fag", {"bids": []}, None),
    "reject": ("POST", "/bids/{bid}/reject", {"reasons": ["Prøve av avvisning."]}, None),
    "announce": ("POST", "/announce-award", REASON, Event.ANNOUNCE_AWARD),
    "no valid bids": ("POST", "/no-valid-bids", REASON, Event.NO_VALID_BIDS),
    "withdraw": ("POST", "/withdraw-award", REASON, Event.WITHDRAW_AWARD),
    "over": ("POST", "/standstill-over", {}, Event.STANDSTILL_OVER),
}
"""What is sent, and the event of the state table; None: only in evaluation."""


def test_every_step_is_a_move_of_the_table_or_is_refused_and_writes_nothing(
    held: Competition, api: TestClient, issuer: Issuer, rows: psycopg.Connection
) -> None:
    notified, rejected = hold(api, issuer, rows, criteria=BY_PRICE), hold(api, issuer, rows, criteria=BY_PRICE)
    notified.announce()
    for one in rejected.bids.values():
        rejected.done("POST", f"/bids/{one}/reject", {"reasons": ["Oppfyller ikke kravet (fiktivt)."]})
    ready = {"over": notified, "withdraw": notified, "no valid bids": rejected}
    for now, (name, (method, path, body, event)) in product(State, STEPS.items()):
        competition = ready.get(name, held)
        was = competition.read()["state"]
        rows.execute("UPDATE minicompetition SET state = %s WHERE uuid = %s", [now, competition.id])
        before = kept(rows)
        where = path.replace("{bid}", next(iter(competition.bids.values()))) + "?dry_run=true"
        answer = competition.send(method, where, body, key=f"{now}-{name}")
        allowed = (now, event) in MOVES if event else now is State.EVALUATION
        assert answer.status_code == (200 if allowed else 409), f"{name} when {now}: {answer.text}"
        assert allowed or told(answer)[1] == ("move-refused" if event else "evaluation-closed")
        assert kept(rows) == before
        rows.execute("UPDATE minicompetition SET state = %s WHERE uuid = %s", [was, competition.id])


@pytest.mark.parametrize(
    ("told_on", "days", "last"),
    [
        ("2026-11-30", 10, "2026-12-10"),  # Monday → Thursday of the next week
        ("2026-12-02", 10, "2026-12-14"),  # a Saturday: the next working day
        ("2026-12-16", 10, "2026-12-28"),  # Second Christmas Day, which is a Saturday
        ("2027-03-15", 10, "2027-03-30"),  # Maundy Thursday → the Tuesday after Easter
        ("2027-05-07", 10, "2027-05-18"),  # Whit Monday, which is Constitution Day too
        ("2026-12-04", 2, "2026-12-08"),  # over a weekend: two working days at least
        ("2026-12-04", 1, "2026-12-07"),
        ("2027-04-30", 1, "2027-05-03"),  # the first of May, a Saturday
    ],
)
def test_a_standstill_is_calendar_days_and_ends_on_a_working_day(told_on: str, days: int, last: str) -> None:
    assert last_day(date.fromisoformat(told_on), days) == date.fromisoformat(last)
