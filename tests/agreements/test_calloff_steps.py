"""Steps between the reservation and the supplier's answer: the next supplier, time-outs, approvals, the award keys."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.agreements.award_keys.rules import CertificationUnknown, Verdict
from services.agreements.calloff_steps import store
from services.agreements.calloff_steps.store import Verifying
from services.agreements.calloffs import placing
from services.chassis.clock import today
from services.chassis.db import Database
from tests.agreements.conftest import ALSTAHAUG, BRONNOY, FJORDVAKT, NORDLYS, Place
from tests.agreements.test_placing_a_call_off import reserved
from tests.conftest import state
from tests.issuer import Issuer

ADVICE = {"framework_agreement": "ra-2026-driftsplattform", "lot": "radgivning"}
PLATFORM = {"framework_agreement": "ra-2026-driftsplattform", "lot": "plattformer"}
HEROY = "872417982"
LATER = date(2029, 5, 1)


@pytest.fixture
def database(api: TestClient) -> Database:
    assert isinstance(api.app, FastAPI)
    found = api.app.state.database
    assert isinstance(found, Database)
    return found


@pytest.fixture
def verifying(api: TestClient) -> Verifying:
    return partial(placing.verifying, state(api).catalog.verify)


def away(specification: str | None, version: str | None, on: date) -> Any:
    def ask(product: str) -> Verdict:
        raise CertificationUnknown("The catalogue is away")

    return ask


def step(api: TestClient, id: str, name: str, headers: dict[str, str], **body: Any) -> Any:
    answer = api.post(f"/call-offs/{id}/{name}", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def read(api: TestClient, id: str, headers: dict[str, str]) -> Any:
    return api.get(f"/call-offs/{id}", headers=headers).json()


def hours(quantity: int) -> dict[str, Any]:
    return ADVICE | {"lines": [{"item": "radgivertime", "quantity": quantity}]}


def _sees_nothing_of_another(api: TestClient, id: str, issuer: Issuer) -> None:
    """The second supplier, of the first: neither that it was asked, nor what it answered or was sent."""
    mine = issuer.bearer(NORDLYS, "agreements.read")
    seen = read(api, id, mine)
    assert (seen["choice"]["passed_over"], seen["split_flagged"]) == ([], None)
    assert [(one["kind"], one["recipient"]) for one in seen["letters"]] == [("order", NORDLYS)]
    history = api.get(f"/call-offs/{id}/history", headers=mine).json()["items"]
    assert [one["event"] for one in history] == ["next_supplier", "approve", "send"]
    assert {one["organisation"] for one in history} == {None}, "the service took these steps, not the buyer"
    assert FJORDVAKT not in str([seen, history])


def test_the_turn_goes_on_until_nobody_is_left_and_nobody_is_asked_twice(
    place: Place,
    api: TestClient,
    buyer: dict[str, str],
    issuer: Issuer,
    database: Database,
    verifying: Verifying,
    rows: psycopg.Connection,
) -> None:
    before = reserved(rows)
    id = place().json()["id"]
    for number in (FJORDVAKT, NORDLYS):
        assert read(api, id, buyer)["supplier_organisation_number"] == number
        supplier = issuer.bearer(number, "agreements.read", "agreements.supply")
        assert step(api, id, "decline", supplier, reason="Ingen på lager")["reserved_excl_vat"] == "0.00"
        store.next_supplier(database, verifying, UUID(id), today())
        if number == FJORDVAKT:
            _sees_nothing_of_another(api, id, issuer)
    ended = read(api, id, buyer)
    assert (ended["state"], ended["version"]) == ("failed", 2)
    last = api.get(f"/call-offs/{id}/history", headers=buyer).json()["items"][-1]
    assert last["event"] == "no_supplier_left"
    assert [one["reason"] for one in last["detail"]["passed_over"]] == [
        "already_asked",
        "already_asked",
        "not_certified",
    ]
    assert reserved(rows) == before


@pytest.mark.parametrize(("ground", "breach"), [("force-majeure", False), (None, True)])
def test_declining_on_no_announced_ground_is_a_breach_where_delivery_is_owed(
    place: Place,
    api: TestClient,
    buyer: dict[str, str],
    issuer: Issuer,
    rows: psycopg.Connection,
    ground: str | None,
    breach: bool,
) -> None:
    rows.execute("UPDATE lot SET delivery_obligation = true WHERE slug = 'alarmer'")
    id = place().json()["id"]
    supplier = issuer.bearer(FJORDVAKT, "agreements.supply")
    step(api, id, "decline", supplier, ground=ground, reason="Ingen på lager")
    last = api.get(f"/call-offs/{id}/history", headers=buyer).json()["items"][-1]
    assert last["detail"] == {"ground": ground, "breach": breach, "supplier": FJORDVAKT}


def test_the_next_supplier_waits_visibly_while_the_catalogue_is_away(
    place: Place, api: TestClient, buyer: dict[str, str], issuer: Issuer, database: Database, verifying: Verifying
) -> None:
    id = place().json()["id"]
    step(api, id, "decline", issuer.bearer(FJORDVAKT, "agreements.supply"), reason="Ingen på lager")
    with pytest.raises(CertificationUnknown):
        store.next_supplier(database, away, UUID(id), today())
    waiting = read(api, id, buyer)
    assert (waiting["state"], waiting["waiting"]) == ("declined", "certification")
    store.next_supplier(database, verifying, UUID(id), today())
    assert (read(api, id, buyer)["state"], read(api, id, buyer)["waiting"]) == ("sent", None)


def test_a_dearer_next_supplier_above_the_limit_waits_for_approval(
    place: Place, api: TestClient, buyer: dict[str, str], issuer: Issuer, database: Database, verifying: Verifying
) -> None:
    id = place(lines=[{"item": "alarm", "quantity": 208}]).json()["id"]
    step(api, id, "decline", issuer.bearer(FJORDVAKT, "agreements.supply"), reason="Ingen på lager")
    store.next_supplier(database, verifying, UUID(id), today())
    next = read(api, id, buyer)
    assert (next["state"], next["supplier_organisation_number"]) == ("reserved", NORDLYS)
    assert api.get(f"/call-offs/{id}", headers=issuer.bearer(NORDLYS, "agreements.read")).status_code == 404
    step(api, id, "cancel", buyer)
    hidden = api.get(f"/call-offs/{id}", headers=issuer.bearer(NORDLYS, "agreements.read"))
    assert hidden.status_code == 404, "who was never asked does not see it when it is cancelled either"


def test_a_date_ends_what_is_not_approved_and_what_is_not_answered(
    place: Place, api: TestClient, buyer: dict[str, str], database: Database
) -> None:
    held = place(lines=[{"item": "alarm", "quantity": 209}]).json()["id"]
    silent = place().json()["id"]
    store.due(database, today())
    assert (read(api, held, buyer)["state"], read(api, silent, buyer)["state"]) == ("reserved", "sent")
    store.due(database, LATER)
    assert read(api, held, buyer)["state"] == "draft"
    assert read(api, held, buyer)["reserved_excl_vat"] == "0.00"
    ended = read(api, silent, buyer)
    assert ended["state"] == "declined"
    assert [letter["kind"] for letter in ended["letters"]] == ["order", "cancellation"]


def test_what_is_edited_is_reserved_anew_and_an_approval_can_be_taken_back(
    place: Place, api: TestClient, buyer: dict[str, str]
) -> None:
    id = place(lines=[{"item": "alarm", "quantity": 209}]).json()["id"]
    step(api, id, "edit", buyer, lines=[{"item": "alarm", "quantity": 210}])
    again = step(api, id, "reserve", buyer)
    assert (again["state"], again["version"], again["reserved_excl_vat"]) == ("reserved", 2, "504000.00")
    assert step(api, id, "approve", buyer)["state"] == "approved"
    assert step(api, id, "revoke-approval", buyer)["state"] == "reserved"
    assert step(api, id, "approve", buyer)["state"] == "approved"
    assert step(api, id, "send", buyer)["state"] == "sent"


def test_thirty_at_once_share_the_turns(place: Place) -> None:
    def patient(n: int) -> Any:
        """A service that is busy (503) is asked again with the same key."""
        tries = (place(key=f"turn-{n}", **hours(1)) for _ in range(20))
        return next(answer for answer in tries if answer.status_code != 503)

    with ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(patient, range(30)))
    asked = [one.json()["supplier_organisation_number"] for one in answers if one.status_code == 201]
    assert len(asked) == 30
    assert {asked.count(number) for number in set(asked)} == {10}


def test_earlier_call_offs_lift_the_band_and_a_mini_competition_is_not_gone_round(place: Place) -> None:
    first = place(**hours(100)).json()
    assert (first["choice"]["method"], first["split_flagged"]) == ("rotation", False)
    second = place(**hours(100)).json()
    assert (second["choice"]["method"], second["split_flagged"]) == ("cheapest_basket", True)
    refused = place(**hours(600))
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/mini-competition-needed")


def test_a_documented_choice_decides_where_it_is_announced(place: Place) -> None:
    order = PLATFORM | {"lines": [{"item": "plattform", "quantity": 100}]}
    assert place(**order).json()["type"] == "/problems/documented-choice-missing"
    why = {"supplier": NORDLYS, "conditions": ["integrasjon"], "reason": "Fagsystemet er integrert med den"}
    made = place(**order, documented_choice=why).json()
    assert (made["supplier_organisation_number"], made["buyer_organisation_number"]) == (NORDLYS, BRONNOY)


def test_a_joint_order_is_approved_by_each_municipality_whose_share_passes_the_limit(
    place: Place, api: TestClient, issuer: Issuer
) -> None:
    scopes = ("agreements.read", "agreements.order", "agreements.approve")
    host, hosted = issuer.bearer(ALSTAHAUG, *scopes), issuer.bearer(HEROY, *scopes)
    sharing = {
        "key": {"kind": "equal"},
        "members": [{"organisation_number": number} for number in (ALSTAHAUG, HEROY)],
    }
    id = place(host, lines=[{"item": "alarm", "quantity": 430}], cost_sharing=sharing).json()["id"]
    assert step(api, id, "approve", host)["state"] == "reserved"
    twice = api.post(f"/call-offs/{id}/approve", json={}, headers=host)
    assert (twice.status_code, twice.json()["type"]) == (409, "/problems/already-approved")
    assert step(api, id, "approve", hosted)["state"] == "approved"
    assert step(api, id, "revoke-approval", hosted)["state"] == "reserved"
    assert step(api, id, "approve", host)["state"] == "reserved", "all approve anew"


def test_the_turn_ends_with_the_reason_when_others_have_taken_the_room(
    place: Place,
    api: TestClient,
    buyer: dict[str, str],
    issuer: Issuer,
    database: Database,
    verifying: Verifying,
    rows: psycopg.Connection,
) -> None:
    """The first supplier's price is given back, and the next one's is higher than what is left by then."""
    id = place().json()["id"]
    step(api, id, "decline", issuer.bearer(FJORDVAKT, "agreements.supply"), reason="Ingen på lager")
    rows.execute(
        "UPDATE balance SET ceiling = reserved + posted + 7649.99 WHERE scope = 'lot' AND item = '' "
        "AND subject_id = (SELECT id FROM lot WHERE slug = 'alarmer')"
    )
    before = reserved(rows)
    store.next_supplier(database, verifying, UUID(id), today())
    ended = read(api, id, buyer)
    assert (ended["state"], ended["reserved_excl_vat"]) == ("failed", "0.00")
    last = api.get(f"/call-offs/{id}/history", headers=buyer).json()["items"][-1]
    assert (last["event"], last["detail"]["type"]) == ("no_supplier_left", "/problems/ceiling-exceeded")
    assert (last["detail"]["scope"], last["detail"]["left_excl_vat"]) == ("lot", "7649.99")
    assert reserved(rows) == before


def test_the_cheapest_basket_is_asked_where_prices_differ(place: Place) -> None:
    made = place(**ADVICE, lines=[{"item": "plattform", "quantity": 5000}, {"item": "radgivertime", "quantity": 8}])
    assert made.status_code == 201, made.text
    assert made.json()["choice"]["method"] == "cheapest_basket"
    assert (made.json()["supplier_organisation_number"], made.json()["amount_excl_vat"]) == (NORDLYS, "235000.00")
