"""Deliveries in parts, what is left of an order, complaints and what comes of them; the certificates' third look."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import pytest
from fastapi.testclient import TestClient

from services.agreements.award_keys.rules import CertificationUnknown
from services.agreements.calloffs import letter
from services.agreements.calloffs import store as calloffs
from services.agreements.catalog_client import Catalog
from services.agreements.complaints import store as complaints
from services.agreements.jobs import Steps
from services.agreements.ledger import store as ledger
from services.chassis.clock import today
from services.chassis.http import Neighbour, new_client
from services.chassis.values import seed_id
from tests.agreements import neighbours
from tests.agreements.conftest import ALSTAHAUG, FJORDVAKT, NORDLYS, Place
from tests.agreements.test_letters import text
from tests.conftest import NewDatabase, state
from tests.issuer import Issuer

Deliver = Callable[..., Any]
NOT_VALID = json.dumps({"verdict": "not_valid", "code": "withdrawn", "reasons": [], "certificate": None})


@pytest.fixture(scope="module")
def url(shared_database: NewDatabase) -> str:
    """Each test has an order of its own."""
    return shared_database("agreements", seeded=True)


@pytest.fixture(autouse=True)
def _proven(api: TestClient) -> Iterator[None]:
    """After each test every balance is the sum of its entries."""
    yield
    with state(api).database.reading() as reader:
        assert ledger.unproven(reader) == []


@pytest.fixture
def supplier(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(FJORDVAKT, "agreements.read", "agreements.supply")


@pytest.fixture
def place(place: Place, request: pytest.FixtureRequest) -> Place:
    return partial(place, key=request.node.name)


@pytest.fixture
def confirmed(place: Place, api: TestClient, supplier: dict[str, str]) -> str:
    """An order of three alarms and two installations that its supplier has confirmed. → its id"""
    lines = [{"item": "alarm", "quantity": 3}, {"item": "montering", "quantity": 2}]
    id = str(place(lines=lines).json()["id"])
    step(api, id, "confirm", supplier)
    return id


@pytest.fixture
def deliver(api: TestClient, supplier: dict[str, str], confirmed: str) -> Deliver:
    """Register a delivery of today. → the answer"""
    keys = iter(range(1_000_000))

    def send(alarm: int = 0, montering: int = 0, key: str | None = None, query: str = "", **changes: Any) -> Any:
        counted = {"alarm": alarm, "montering": montering}
        lines = [{"item": item, "quantity": quantity} for item, quantity in counted.items() if quantity]
        body = {"lines": lines, "delivered_on": today().isoformat()} | changes
        headers = supplier | {"Idempotency-Key": key or f"{confirmed}-{next(keys)}"}
        return api.post(f"/call-offs/{confirmed}/deliveries{query}", json=body, headers=headers)

    return send


def step(api: TestClient, id: str, name: str, headers: dict[str, str], **body: Any) -> Any:
    answer = api.post(f"/call-offs/{id}/{name}", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(api: TestClient, id: str, name: str, headers: dict[str, str], **body: Any) -> tuple[int, str]:
    answer = api.post(f"/call-offs/{id}/{name}", json=body, headers=headers)
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


def come(answer: Any) -> tuple[str, list[tuple[int, int]]]:
    """→ the call-off's state, and of each line what is delivered and outstanding"""
    assert answer.status_code in (200, 201), answer.text
    told = answer.json()
    return told["state"], [(line["delivered"], line["outstanding"]) for line in told["lines"]]


def told(api: TestClient, id: str, headers: dict[str, str]) -> Any:
    return api.get(f"/call-offs/{id}/deliveries", headers=headers).json()


def held(rows: psycopg.Connection, id: str) -> tuple[Any, ...]:
    """→ what the ledger has reserved and posted for a call-off: NOK, and units"""
    found = rows.execute(_HELD, [id]).fetchone()
    assert found
    return found


_HELD = """
SELECT sum(l.reserved), sum(l.posted), sum(l.quantity_reserved), sum(l.quantity_posted)
  FROM calloff c JOIN entry e ON e.call_off_id = c.id JOIN entryline l ON l.entry_id = e.id WHERE c.uuid = %s
"""


@contextmanager
def catalogue(api: TestClient, behave: neighbours.Behaviour) -> Iterator[None]:
    """Meanwhile the catalogue behaves so."""
    before = state(api).catalog
    with neighbours.listening(behave) as url, new_client(url) as client:
        state(api).catalog = Catalog(Neighbour("The catalogue", client))
        yield
    state(api).catalog = before


def test_an_order_is_delivered_in_parts_and_accepted_and_closed(
    api: TestClient, confirmed: str, deliver: Deliver, buyer: dict[str, str], rows: psycopg.Connection
) -> None:
    assert come(deliver(alarm=1)) == ("in_delivery", [(1, 2), (0, 2)])
    assert come(deliver(alarm=2, montering=1)) == ("in_delivery", [(3, 0), (1, 1)])
    assert come(deliver(montering=1, note="Pakkseddel 3")) == ("delivered", [(3, 0), (2, 0)])
    assert held(rows, confirmed) == (Decimal("8980.00"), 0, 5, 0), "a delivery moves nothing in the ledger"
    accepted = step(api, confirmed, "accept", buyer)
    assert accepted["state"] == "accepted"
    assert (accepted["posted_excl_vat"], accepted["reserved_excl_vat"]) == ("8980.00", "0.00")
    assert step(api, confirmed, "close", buyer)["state"] == "closed"
    assert held(rows, confirmed) == (0, Decimal("8980.00"), 0, 5)
    items = told(api, confirmed, buyer)["items"]
    assert [one["certification"]["outcome"] for one in items] == ["valid"] * 3
    assert items[2]["note"] == "Pakkseddel 3"
    history = api.get(f"/call-offs/{confirmed}/history", headers=buyer).json()["items"]
    assert [one["event"] for one in history[-5:]] == [
        "register_delivery",
        "register_delivery",
        "last_delivery",
        "accept",
        "close",
    ]


def test_closing_releases_only_what_never_came(
    api: TestClient, confirmed: str, deliver: Deliver, buyer: dict[str, str], rows: psycopg.Connection
) -> None:
    assert come(deliver(alarm=2, last=True)) == ("delivered", [(2, 1), (0, 2)])
    assert step(api, confirmed, "accept", buyer)["posted_excl_vat"] == "4800.00"
    assert held(rows, confirmed) == (Decimal("4180.00"), Decimal("4800.00"), 3, 2)
    step(api, confirmed, "close", buyer)
    assert held(rows, confirmed) == (0, Decimal("4800.00"), 0, 2)
    alarms, installations = told(api, confirmed, buyer)["lines"]
    assert (alarms["outstanding"], alarms["accepted"], alarms["accepted_excl_vat"]) == (0, 2, "4800.00")
    assert (installations["ordered"], installations["outstanding"], installations["accepted"]) == (2, 0, 0)


def test_all_that_a_delivery_breaks_is_told_at_once(deliver: Deliver) -> None:
    lines = [
        {"item": "alarm", "quantity": 4},
        {"item": "kamera", "quantity": 1},
        {"item": "alarm", "quantity": 1},
    ]
    future = deliver(lines=lines, delivered_on=(today() + timedelta(days=1)).isoformat())
    past = deliver(lines=lines, delivered_on="2020-01-01")
    errors = [[(one["type"], one.get("pointer")) for one in answer.json()["errors"]] for answer in (future, past)]
    of_lines = [
        ("/problems/more-than-outstanding", "#/lines/0/quantity"),
        ("/problems/item-not-ordered", "#/lines/1/item"),
        ("/problems/item-twice", "#/lines/2/item"),
    ]
    assert errors[0] == [("/problems/delivered-in-future", "#/delivered_on"), *of_lines]
    assert errors[1] == [
        ("/problems/delivered-before-order", "#/delivered_on"),
        ("/problems/late-report-unexplained", "#/reason"),
        *of_lines,
    ]
    assert (future.status_code, past.status_code) == (422, 422)


def test_a_wrong_state_is_told_before_what_is_wrong_with_the_content(
    api: TestClient, confirmed: str, deliver: Deliver, buyer: dict[str, str], supplier: dict[str, str]
) -> None:
    steps: list[tuple[str, dict[str, Any]]] = [
        ("accept", {}),
        ("complain", {"lines": [{"item": "kamera", "quantity": 9}], "reason": "Prøve"}),
        ("settle", {"lines": [{"item": "kamera", "amount_excl_vat": "1.00"}], "reason": "Prøve"}),
        ("terminate-rest", {"reason": "Prøve"}),
        ("close", {}),
    ]
    for name, body in steps:
        assert refused(api, confirmed, name, buyer, **body) == (409, "move-refused"), name
    assert refused(api, confirmed, "redeliver", supplier) == (409, "move-refused")
    deliver(alarm=1, last=True)
    assert deliver(lines=[{"item": "kamera", "quantity": 1}]).json()["type"] == "/problems/move-refused"
    assert refused(api, confirmed, "cancel", buyer) == (409, "move-refused"), "what has begun to come is not cancelled"


def test_a_delivery_that_is_sent_again_is_registered_once(
    api: TestClient, confirmed: str, deliver: Deliver, buyer: dict[str, str]
) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: deliver(alarm=1, key=confirmed), range(4)))
    assert {(one.status_code, one.content) for one in answers} == {(201, answers[0].content)}
    assert len(told(api, confirmed, buyer)["items"]) == 1
    assert deliver(alarm=2, key=confirmed).json()["type"] == "/problems/idempotency-key-reused"


def test_the_same_key_and_body_on_another_order_is_another_delivery(
    api: TestClient, place: Place, confirmed: str, deliver: Deliver, supplier: dict[str, str]
) -> None:
    other = str(place(key=f"{confirmed}-other").json()["id"])
    step(api, other, "confirm", supplier)
    deliver(alarm=1, key=confirmed)
    body = {"lines": [{"item": "alarm", "quantity": 1}], "delivered_on": today().isoformat()}
    path = f"/call-offs/{other}/deliveries"
    assert api.post(path, json=body, headers=supplier).json()["type"] == "/problems/idempotency-key-missing"
    answer = api.post(path, json=body, headers=supplier | {"Idempotency-Key": confirmed})
    assert (answer.status_code, answer.json()["call_off_id"]) == (201, other)


def test_a_dry_run_registers_nothing(api: TestClient, confirmed: str, deliver: Deliver, buyer: dict[str, str]) -> None:
    assert come(deliver(alarm=3, montering=2, query="?dry_run=true"))[0] == "delivered"
    assert come_of(told(api, confirmed, buyer)) == ("confirmed", 0)


def come_of(deliveries: Any) -> tuple[str, int]:
    return deliveries["state"], len(deliveries["items"])


def test_never_more_is_delivered_than_ordered_however_many_come_at_once(
    api: TestClient, confirmed: str, deliver: Deliver, buyer: dict[str, str]
) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: deliver(alarm=1, key=f"{confirmed}-at-once-{n}"), range(8)))
    assert sorted(one.status_code for one in answers) == [201] * 3 + [409] * 5
    assert {one.json()["type"] for one in answers if one.status_code == 409} == {"/problems/more-than-outstanding"}
    assert told(api, confirmed, buyer)["lines"][0]["delivered"] == 3


def test_what_is_terminated_is_released_exactly(
    api: TestClient, confirmed: str, deliver: Deliver, buyer: dict[str, str], rows: psycopg.Connection
) -> None:
    deliver(alarm=1, montering=2)
    ended = step(api, confirmed, "terminate-rest", buyer, reason="Resten trengs ikke")
    assert (ended["state"], ended["reserved_excl_vat"]) == ("delivered", "4180.00")
    assert held(rows, confirmed) == (Decimal("4180.00"), 0, 3, 0)
    last = api.get(f"/call-offs/{confirmed}/history", headers=buyer).json()["items"][-1]
    assert last["detail"] == {"ended": [{"item": "alarm", "quantity": 2}]}
    assert [line["outstanding"] for line in told(api, confirmed, buyer)["lines"]] == [0, 0]
    assert step(api, confirmed, "accept", buyer)["posted_excl_vat"] == "4180.00"
    step(api, confirmed, "close", buyer)
    assert held(rows, confirmed) == (0, Decimal("4180.00"), 0, 3)


def test_what_is_rejected_is_delivered_anew_and_then_accepted(
    api: TestClient,
    confirmed: str,
    deliver: Deliver,
    buyer: dict[str, str],
    supplier: dict[str, str],
    rows: psycopg.Connection,
) -> None:
    deliver(alarm=3, montering=2)
    for sequence in (1, 2):
        rejected = [{"item": "alarm", "quantity": 2}]
        disputed = step(api, confirmed, "complain", buyer, lines=rejected, reason="To lar seg ikke lade")
        kinds = [one["kind"] for one in disputed["letters"] if one["kind"].startswith("complaint")]
        assert (disputed["state"], len(kinds)) == ("disputed", sequence), "each complaint has its letter"
        assert refused(api, confirmed, "accept", buyer) == (409, "move-refused")
        assert refused(api, confirmed, "redeliver", buyer)[0] == 403
        assert step(api, confirmed, "redeliver", supplier, reason="Nye sendes")["state"] == "in_delivery"
        assert come(deliver(alarm=1)) == ("in_delivery", [(2, 1), (2, 0)])
        assert deliver(alarm=2).json()["type"] == "/problems/more-than-outstanding"
        assert come(deliver(alarm=1)) == ("delivered", [(3, 0), (2, 0)])
    assert held(rows, confirmed) == (Decimal("8980.00"), 0, 5, 0)
    assert step(api, confirmed, "accept", buyer)["posted_excl_vat"] == "8980.00"
    assert [one["outcome"] for one in told(api, confirmed, buyer)["complaints"]] == ["redelivered"] * 2


def test_what_is_not_delivered_anew_can_be_terminated_and_is_not_paid(
    api: TestClient,
    confirmed: str,
    deliver: Deliver,
    buyer: dict[str, str],
    supplier: dict[str, str],
    rows: psycopg.Connection,
) -> None:
    deliver(alarm=3)
    step(api, confirmed, "terminate-rest", buyer, reason="Monterer selv")
    step(api, confirmed, "complain", buyer, lines=[{"item": "alarm", "quantity": 3}], reason="Feil modell")
    step(api, confirmed, "redeliver", supplier)
    assert come(deliver(alarm=1)) == ("in_delivery", [(1, 2), (0, 0)]), "what was terminated does not come back"
    step(api, confirmed, "terminate-rest", buyer, reason="Kjøper annet sted")
    assert held(rows, confirmed) == (Decimal("2400.00"), 0, 1, 0)
    assert step(api, confirmed, "accept", buyer)["posted_excl_vat"] == "2400.00"


def test_a_settlement_posts_what_was_agreed_and_closing_leaves_nothing_reserved(
    api: TestClient, confirmed: str, deliver: Deliver, buyer: dict[str, str], rows: psycopg.Connection
) -> None:
    deliver(alarm=3, montering=2)
    step(api, confirmed, "complain", buyer, lines=[{"item": "alarm", "quantity": 1}], reason="Riper i dekselet")
    agreed = [{"item": "alarm", "amount_excl_vat": "6543.21"}]
    settled = step(api, confirmed, "settle", buyer, lines=agreed, reason="Prisavslag avtalt")
    assert (settled["state"], settled["posted_excl_vat"]) == ("accepted", "8323.21")
    assert held(rows, confirmed) == (Decimal("656.79"), Decimal("8323.21"), 0, 5)
    step(api, confirmed, "close", buyer)
    assert held(rows, confirmed) == (0, Decimal("8323.21"), 0, 5)
    (complaint,) = told(api, confirmed, buyer)["complaints"]
    assert (complaint["outcome"], complaint["answer_reason"]) == ("settled", "Prisavslag avtalt")
    assert complaint["agreed"] == [
        {"item": "alarm", "quantity": 3, "amount_excl_vat": "6543.21"},
        {"item": "montering", "quantity": 2, "amount_excl_vat": "1780.00"},
    ]


def test_what_is_returned_is_neither_paid_nor_counted(
    api: TestClient, confirmed: str, deliver: Deliver, buyer: dict[str, str], rows: psycopg.Connection
) -> None:
    deliver(alarm=3, montering=2)
    step(api, confirmed, "complain", buyer, lines=[{"item": "alarm", "quantity": 1}], reason="Virker ikke")
    agreed = [{"item": "alarm", "amount_excl_vat": "4800.00", "quantity": 2}]
    step(api, confirmed, "settle", buyer, lines=agreed, reason="En sendes tilbake")
    assert held(rows, confirmed) == (Decimal("2400.00"), Decimal("6580.00"), 1, 4)
    step(api, confirmed, "close", buyer)
    assert held(rows, confirmed) == (0, Decimal("6580.00"), 0, 4)


@pytest.mark.parametrize(
    ("lines", "status", "types"),
    [
        ([{"item": "alarm", "amount_excl_vat": "7200.01"}], 409, ["agreed-above-order"]),
        ([{"item": "alarm", "amount_excl_vat": "4800.01", "quantity": 2}], 409, ["agreed-above-order"]),
        ([{"item": "alarm", "amount_excl_vat": "1.00", "quantity": 4}], 409, ["kept-more-than-delivered"]),
        ([], 422, ["agreed-missing"]),
        ([{"item": "montering", "amount_excl_vat": "0.00"}], 422, ["not-delivered", "agreed-missing"]),
        ([{"item": "alarm", "amount_excl_vat": "0.00"}] * 2, 422, ["item-twice"]),
    ],
    ids=str,
)
def test_a_settlement_is_held_to_what_came_at_the_frozen_price(
    api: TestClient,
    confirmed: str,
    deliver: Deliver,
    buyer: dict[str, str],
    lines: list[dict[str, Any]],
    status: int,
    types: list[str],
) -> None:
    deliver(alarm=3, last=True)
    step(api, confirmed, "complain", buyer, lines=[{"item": "alarm", "quantity": 1}], reason="Virker ikke")
    answer = api.post(f"/call-offs/{confirmed}/settle", json={"lines": lines, "reason": "Prøve"}, headers=buyer)
    assert answer.status_code == status
    assert [one["type"].removeprefix("/problems/") for one in answer.json()["errors"]] == types


def test_a_complaint_rejects_what_came_or_is_about_what_is_missing(
    api: TestClient, confirmed: str, deliver: Deliver, buyer: dict[str, str], supplier: dict[str, str]
) -> None:
    deliver(alarm=2, last=True)
    lines = [{"item": "alarm", "quantity": 3}, {"item": "montering", "quantity": 1}, {"item": "alarm", "quantity": 1}]
    answer = api.post(f"/call-offs/{confirmed}/complain", json={"lines": lines, "reason": "Prøve"}, headers=buyer)
    assert [one["type"].removeprefix("/problems/") for one in answer.json()["errors"]] == [
        "more-than-delivered",
        "not-delivered",
        "rejected-twice",
    ]
    assert step(api, confirmed, "complain", buyer, reason="En alarm mangler")["state"] == "disputed"
    step(api, confirmed, "redeliver", supplier)
    assert come(deliver(alarm=1, montering=2)) == ("delivered", [(3, 0), (2, 0)])
    assert refused(api, confirmed, "complain", buyer, reason="Likevel ikke") == (422, "nothing-rejected")


def test_the_complaint_letter_says_what_is_rejected_and_why(
    api: TestClient, confirmed: str, deliver: Deliver, buyer: dict[str, str]
) -> None:
    deliver(alarm=3, montering=2)
    disputed = step(
        api, confirmed, "complain", buyer, lines=[{"item": "alarm", "quantity": 2}], reason="#panic To virker ikke"
    )
    (kind,) = [one["kind"] for one in disputed["letters"] if one["recipient"] == FJORDVAKT and one["kind"] != "order"]
    with state(api).database.reading() as reader:
        row, kept, lines = calloffs.for_letter(reader, UUID(confirmed), kind)
        complaint = complaints.by_letter(reader, kept.call_off_id, kind)
    said = text(letter.pdf(row, lines, kind, letter.Matter(complaint), public_url="https://avtaler.example.no"))
    for part in (
        f"Reklamasjon på bestilling {row.number}",
        "Vi reklamerer på leveransen",
        "Grunn: #panic To virker ikke",
        "Trygghetsalarm (alarm) 2 stk 2 400,00 4 800,00",
        "Sum med merverdiavgift kr 6 000,00",
    ):
        assert part in said, said
    assert "montering" not in said


def test_only_those_who_take_part_see_or_move_a_delivery(
    api: TestClient, confirmed: str, deliver: Deliver, buyer: dict[str, str], issuer: Issuer
) -> None:
    other_supplier = issuer.bearer(NORDLYS, "agreements.read", "agreements.supply")
    other_buyer = issuer.bearer(ALSTAHAUG, "agreements.read", "agreements.order")
    body = {"lines": [{"item": "alarm", "quantity": 1}], "delivered_on": today().isoformat()}
    path = f"/call-offs/{confirmed}/deliveries"
    assert api.post(path, json=body, headers=other_supplier | {"Idempotency-Key": "x"}).status_code == 404
    assert api.post(path, json=body, headers=buyer | {"Idempotency-Key": "x"}).status_code == 403
    deliver(alarm=3, montering=2)
    for headers in (other_supplier, other_buyer):
        assert api.get(path, headers=headers).status_code == 404
    for name in ("accept", "close"):
        assert refused(api, confirmed, name, other_buyer) == (404, "call-off-not-found")
    assert refused(api, confirmed, "complain", other_buyer, reason="Prøve") == (404, "call-off-not-found")
    assert refused(api, confirmed, "redeliver", other_supplier) == (404, "call-off-not-found")


def test_a_late_report_needs_a_reason_and_is_flagged(
    api: TestClient, confirmed: str, deliver: Deliver, buyer: dict[str, str], rows: psycopg.Connection
) -> None:
    rows.execute("UPDATE calloff SET placed_on = placed_on - 60 WHERE uuid = %s", [confirmed])
    at_limit, late = [(today() - timedelta(days=days)).isoformat() for days in (30, 31)]
    deliver(alarm=1, delivered_on=at_limit)
    unexplained = deliver(alarm=1, delivered_on=late)
    assert (unexplained.status_code, unexplained.json()["type"]) == (422, "/problems/late-report-unexplained")
    deliver(alarm=1, delivered_on=late, reason="Pakkseddelen kom bort")
    assert [one["back_dated"] for one in told(api, confirmed, buyer)["items"]] == [False, True]
    last = api.get(f"/call-offs/{confirmed}/history", headers=buyer).json()["items"][-1]
    assert (last["reason"], last["detail"]["back_dated"]) == ("Pakkseddelen kom bort", True)


def test_while_the_catalogue_is_away_a_delivery_is_registered_and_waits_visibly(
    api: TestClient, confirmed: str, deliver: Deliver, buyer: dict[str, str], rows: psycopg.Connection
) -> None:
    deliver(montering=1)
    with catalogue(api, neighbours.says("503 Service Unavailable", "{}")):
        first, last = deliver(alarm=1), deliver(alarm=2, montering=1)
    assert come(last)[0] == "delivered"
    assert [one["certification"]["outcome"] for one in last.json()["items"]] == ["valid", "pending", "pending"]
    assert last.json()["waiting"] == api.get(f"/call-offs/{confirmed}", headers=buyer).json()["waiting"]
    assert last.json()["waiting"] == "certification"
    assert refused(api, confirmed, "accept", buyer) == (409, "certification-pending")
    ids = [one["id"] for one in last.json()["items"][1:]]
    jobs = rows.execute("SELECT args ->> 'delivery' FROM procrastinate_jobs WHERE task_name = 'check_delivery'")
    assert {one for (one,) in jobs.fetchall()} >= set(ids), "the question is asked again by a job"
    with catalogue(api, neighbours.hangs_up), pytest.raises(CertificationUnknown):
        Steps(state(api).database, state(api).catalog).check_delivery(ids[0])
    for id, waiting in zip(ids, ("certification", None), strict=True):
        for _ in range(2):
            Steps(state(api).database, state(api).catalog).check_delivery(id)
        assert told(api, confirmed, buyer)["waiting"] == waiting
    assert first.status_code == 201
    assert step(api, confirmed, "accept", buyer)["state"] == "accepted"
    kept = rows.execute(
        "SELECT k.outcome FROM deliverycheck k JOIN delivery d ON d.id = k.delivery_id WHERE d.uuid = %s ORDER BY k.id",
        [ids[0]],
    ).fetchall()
    assert kept == [("pending",), ("valid",)], "the first answer stays on the record, and the second came once"


def test_what_was_not_certified_that_day_is_accepted_only_with_a_reason(
    api: TestClient, confirmed: str, deliver: Deliver, buyer: dict[str, str]
) -> None:
    with catalogue(api, neighbours.says("200 OK", NOT_VALID)):
        delivered = deliver(alarm=3, montering=2)
    assert delivered.json()["items"][0]["certification"]["outcome"] == "not_valid"
    assert refused(api, confirmed, "accept", buyer) == (422, "not-certified-unexplained")
    step(api, confirmed, "accept", buyer, reason="Byttes ved neste oppdatering")
    last = api.get(f"/call-offs/{confirmed}/history", headers=buyer).json()["items"][-1]
    assert (last["reason"], last["detail"]) == ("Byttes ved neste oppdatering", {"certification": ["not_valid"]})


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("delivery", "note"),
        ("deliveryline", "quantity"),
        ("deliverycheck", "outcome"),
        ("complaint", "reason"),
        ("complaintline", "quantity"),
        ("complaintanswer", "reason"),
    ],
)
def test_what_was_delivered_and_complained_of_is_never_edited(
    api: TestClient, supplier: dict[str, str], rows: psycopg.Connection, table: str, column: str
) -> None:
    api.post(f"/call-offs/{seed_id('call-off:disputed')}/redeliver", json={}, headers=supplier)
    for change in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"):
        with pytest.raises(psycopg.errors.RaiseException):
            rows.execute(change.encode())
