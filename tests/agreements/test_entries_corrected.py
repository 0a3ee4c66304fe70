"""A wrong posting is taken back by a second entry."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.agreements.calloffs import store as calloffs
from services.agreements.calloffs.rules import Event
from services.agreements.entries import rules, store
from services.agreements.entries.rules import Instead, Target
from services.agreements.ledger import store as ledger
from services.agreements.ledger.rules import Kind, Moved
from services.chassis.auth import Caller
from services.chassis.clock import today
from services.chassis.settings import IssuerKind
from services.chassis.values import seed_id
from tests.agreements.conftest import ALSTAHAUG, BRONNOY, FJORDVAKT, JOINT_UNIT, NORDLYS, OSLO, Place
from tests.agreements.test_entries import entries
from tests.conftest import state
from tests.issuer import Issuer

POSTED, CALL_OFF = seed_id("entry:mistaken"), seed_id("call-off:mistaken")
VALUE = Decimal("12000.00")
TODAY = date(2026, 11, 29)
Send = Callable[..., Any]


@pytest.fixture
def reverse(api: TestClient, buyer: dict[str, str]) -> Send:
    def send(headers: dict[str, str] | None = None, id: Any = POSTED, key: str | None = None, **body: Any) -> Any:
        sent = (headers or buyer) | {"Idempotency-Key": key or uuid4().hex}
        return api.post(f"/ledger/entries/{id}/reverse", json={"reason": "Feil antall"} | body, headers=sent)

    return send


def levels(rows: psycopg.Connection) -> list[tuple[Decimal, Decimal]]:
    """What is reserved and posted at each level that the seeded posting stands under."""
    query = """
        SELECT b.reserved, b.posted FROM entry e JOIN balance b ON b.item = '' AND (b.scope, b.subject_id) IN (
               ('framework_agreement', e.framework_id), ('lot', e.lot_id), ('supplier', e.place_id),
               ('buyer', e.participant_id)) WHERE e.uuid = %s ORDER BY b.scope
    """
    return rows.execute(query, [POSTED]).fetchall()


@pytest.fixture
def proven(api: TestClient) -> Iterator[None]:
    """Whatever was done, every balance is the sum of its entries."""
    yield
    with state(api).database.reading() as reader:
        assert ledger.unproven(reader) == []


@pytest.mark.usefixtures("proven")
def test_a_wrong_posting_is_taken_back_at_every_level(
    api: TestClient, reverse: Send, rows: psycopg.Connection, buyer: dict[str, str]
) -> None:
    before = levels(rows)
    answer = reverse()
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert [(b[0] + VALUE, b[1] - VALUE) for b in before] == levels(rows)
    assert (made["reversal"]["posted_excl_vat"], made["reversal"]["reserved_excl_vat"]) == ("-12000.00", "12000.00")
    assert (made["reversal"]["reverses"], made["reversal"]["cause"]) == (str(POSTED), "reverse")
    assert (made["posted_instead"], made["released"]) == (None, None)
    assert [(line["item"], line["quantity_posted"]) for line in made["reversal"]["lines"]] == [("alarm", -5)]
    assert answer.headers["Location"] == f"/ledger/entries/{made['reversal']['id']}"
    kept = api.get(f"/ledger/entries/{POSTED}", headers=buyer).json()
    assert (kept["reversed_by"], kept["posted_excl_vat"]) == (made["reversal"]["id"], "12000.00"), "it stands"
    row = rows.execute("SELECT state, reserved, posted FROM calloff WHERE uuid = %s", [CALL_OFF]).fetchone()
    assert row == ("accepted", VALUE, 0)


@pytest.mark.usefixtures("proven")
def test_what_is_right_is_posted_in_the_same_step(
    api: TestClient, reverse: Send, rows: psycopg.Connection, buyer: dict[str, str]
) -> None:
    before = levels(rows)
    right = {"item": "alarm", "quantity": 3, "amount_excl_vat": "7200.00"}
    made = reverse(post_instead=[right]).json()
    assert (made["posted_instead"]["posted_excl_vat"], made["posted_instead"]["cause"]) == ("7200.00", "correct")
    assert [(b[0] + 4800, b[1] - 4800) for b in before] == levels(rows)
    closed = api.post(f"/call-offs/{CALL_OFF}/close", json={}, headers=buyer)
    assert closed.status_code == 200, closed.text
    assert [(b[0], b[1] - 4800) for b in before] == levels(rows), "what was not posted is free when it is closed"
    again = reverse(id=made["posted_instead"]["id"], reason="Den var riktig likevel")
    assert again.status_code == 201, "a corrected posting can be corrected too"
    assert again.json()["released"]["reserved_excl_vat"] == "-7200.00", "a closed order holds nothing"
    assert [(b[0], b[1] - 12000) for b in before] == levels(rows)


@pytest.mark.usefixtures("proven")
def test_what_was_accepted_is_spent_until_it_is_reversed(api: TestClient, reverse: Send, buyer: dict[str, str]) -> None:
    """Delivered → accepted → reversed → closed: the money comes, goes back, and is free at last."""
    id = seed_id("call-off:delivered")

    def spent() -> tuple[Any, Any]:
        told = api.get("/ledger/spend", params={"by": "month", "call_off": str(id)}, headers=buyer).json()
        return Decimal(told["total_reserved_excl_vat"]), Decimal(told["total_posted_excl_vat"])

    def step(name: str) -> str:
        answer = api.post(f"/call-offs/{id}/{name}", json={}, headers=buyer)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["state"])

    assert spent() == (9600, 0)
    assert step("accept") == "accepted"
    assert spent() == (0, 9600)
    (posting,) = entries(api, buyer, call_off=str(id), kind="post")
    assert posting["cause"] == "accept"
    assert reverse(id=posting["id"]).json()["released"] is None
    assert spent() == (9600, 0), "it is reserved again"
    assert step("close") == "closed"
    assert spent() == (0, 0)
    causes = [one["cause"] for one in entries(api, buyer, call_off=str(id))]
    assert causes == ["close", "reverse", "accept", "reserve"], "all of it can be read still"


@pytest.mark.usefixtures("proven")
def test_a_joint_order_s_payers_are_billed_what_is_right(api: TestClient, reverse: Send, issuer: Issuer) -> None:
    id = seed_id("call-off:joint")
    host = issuer.bearer(ALSTAHAUG, "agreements.read", "agreements.order")
    supplier = issuer.bearer(FJORDVAKT, "agreements.supply") | {"Idempotency-Key": "all-of-it"}
    delivery = {"lines": [{"item": "alarm", "quantity": 12}], "delivered_on": str(today()), "last": True}
    for headers, step, body in ((supplier, "confirm", {}), (supplier, "deliveries", delivery), (host, "accept", {})):
        answer = api.post(f"/call-offs/{id}/{step}", json=body, headers=headers)
        assert answer.status_code in (200, 201), answer.text
    (posting,) = entries(api, host, call_off=str(id), kind="post")
    right = {"item": "alarm", "quantity": 11, "amount_excl_vat": "26399.99"}
    assert reverse(host, id=posting["id"], post_instead=[right]).status_code == 201
    told = api.get(f"/call-offs/{id}/shares", headers=host).json()
    assert [(one["cause"], one["amount_excl_vat"]) for one in told["bills"]] == [
        ("accept", "28800.00"),
        ("reverse", "-28800.00"),
        ("correct", "26399.99"),
    ]
    for name, whole in (("posted_excl_vat", "26399.99"), ("posted_vat", "6600.00")):
        assert sum(Decimal(one[name]) for one in told["shares"]) == Decimal(whole)
    taken, back, _ = told["bills"]
    assert [{one["organisation_number"]: Decimal(one["amount_excl_vat"]) for one in taken["owed"]}] == [
        {one["organisation_number"]: -Decimal(one["amount_excl_vat"]) for one in back["owed"]}
    ]


@pytest.mark.usefixtures("proven")
def test_a_reversal_is_final_and_comes_once(
    api: TestClient, reverse: Send, rows: psycopg.Connection, buyer: dict[str, str]
) -> None:
    first = reverse(key="one")
    assert reverse(key="one").content == first.content, "the same request again is the same answer"
    assert reverse(key="two").json()["type"] == "/problems/reversed-already"
    final = reverse(id=first.json()["reversal"]["id"])
    assert (final.status_code, final.json()["type"]) == (409, "/problems/reversal-final")
    reserve = entries(api, buyer, call_off=str(CALL_OFF), kind="reserve")[0]["id"]
    assert reverse(id=reserve).json()["type"] == "/problems/not-reversible"
    assert rows.execute("SELECT count(*) FROM entry WHERE reverses_id IS NOT NULL").fetchone() == (1,)


@pytest.mark.usefixtures("proven")
def test_who_is_concerned_hears_of_a_reversal(reverse: Send, rows: psycopg.Connection) -> None:
    assert reverse().status_code == 201
    told = rows.execute("SELECT organisation FROM event WHERE type = 'ledger_entry.reversed' ORDER BY 1").fetchall()
    assert told == [(JOINT_UNIT,), (FJORDVAKT,), (BRONNOY,)]
    kept = rows.execute("SELECT detail ->> 'reason' FROM audit WHERE action = 'ledger_entry.reverse'").fetchall()
    assert kept == [("Feil antall",)]


@pytest.mark.usefixtures("proven")
def test_only_the_buyer_and_the_owner_reverse(reverse: Send, issuer: Issuer) -> None:
    assert reverse(issuer.bearer(FJORDVAKT, "agreements.order", "agreements.manage")).status_code == 403
    assert reverse(issuer.bearer(OSLO, "agreements.order", "agreements.manage")).status_code == 404
    assert reverse(issuer.bearer(BRONNOY, "agreements.manage")).status_code == 403, "a buyer orders"
    assert reverse(issuer.bearer(JOINT_UNIT, "agreements.order")).status_code == 403, "an owner manages"
    assert reverse(issuer.bearer(BRONNOY, "agreements.read")).status_code == 403
    assert reverse(issuer.bearer(JOINT_UNIT, "agreements.manage")).status_code == 201


@pytest.mark.usefixtures("proven")
def test_a_day_that_has_passed_needs_a_reason_of_its_own(api: TestClient, reverse: Send, buyer: dict[str, str]) -> None:
    early = reverse(effective_on="2026-11-19")
    assert early.json()["type"] == "/problems/reversal-before-entry"
    assert {one["pointer"] for one in early.json()["errors"]} == {"#/effective_on", "#/back_dating_reason"}
    assert reverse(effective_on=str(today() + timedelta(days=1))).json()["type"] == "/problems/reversal-in-future"
    made = reverse(effective_on="2026-11-20", back_dating_reason="Regnskapet for november er ikke avlagt").json()
    shown = made["reversal"]
    assert (shown["effective_on"], shown["back_dated"]) == ("2026-11-20", True)
    assert shown["back_dating_reason"] == "Regnskapet for november er ikke avlagt"
    (only,) = entries(api, buyer, back_dated="true")
    assert only["id"] == shown["id"]


@pytest.mark.usefixtures("proven")
def test_no_more_is_posted_instead_than_is_reserved(reverse: Send, rows: psycopg.Connection) -> None:
    before = levels(rows)
    refused = reverse(
        post_instead=[
            {"item": "alarm", "quantity": 6, "amount_excl_vat": "12000.00"},
            {"item": "alarm", "quantity": 1, "amount_excl_vat": "1.00"},
            {"item": "annet", "quantity": 1, "amount_excl_vat": "1.00"},
        ]
    ).json()
    assert [one["type"].removeprefix("/problems/correction-") for one in refused["errors"]] == [
        "exceeds",
        "item-twice",
        "item-unknown",
    ]
    assert levels(rows) == before


@pytest.mark.usefixtures("proven")
def test_a_reversal_that_reserves_more_passes_every_ceiling(
    api: TestClient, reverse: Send, rows: psycopg.Connection, buyer: dict[str, str], issuer: Issuer
) -> None:
    """A posting below what was reserved for it: taken back, the difference must be free still."""
    id = seed_id("call-off:sent")
    with state(api).database.writing() as session:
        posting = _posting_of(session, id)
    rows.execute("UPDATE balance SET ceiling = reserved + posted WHERE scope = 'lot' AND item = '' AND ceiling > 0")
    refused = reverse(id=posting)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/ceiling-exceeded")
    assert [one["scope"] for one in refused.json()["errors"]] == ["lot"]
    rows.execute("UPDATE balance SET ceiling = ceiling + 100 WHERE scope = 'lot' AND item = '' AND ceiling > 0")
    assert reverse(id=posting).status_code == 201


def _posting_of(session: Any, id: Any) -> Any:
    """Post an order at 100 kr below what was reserved for it, so that 100 kr are free again. → the entry"""
    row = calloffs.by_id(session, id)
    row.reserved, row.posted = Decimal("0.00"), row.reserved - 100
    session.flush()
    held = ledger.held(session, row.id or 0)
    lines = [
        Moved(
            one.item,
            one.product,
            one.component,
            -one.quantity_reserved,
            one.quantity_reserved,
            -one.reserved,
            one.reserved - (100 if one.item == "alarm" else 0),
        )
        for one in held
    ]
    uuid = seed_id("entry:below")
    ledger.move(session, calloffs.account(row), Kind.POST, lines, today(), "accept", uuid=uuid)
    return uuid


def test_an_exhausted_agreement_stays_so(reverse: Send, rows: psycopg.Connection) -> None:
    rows.execute("UPDATE frameworkagreement SET state = 'exhausted' WHERE slug = 'ra-2026-velferdsteknologi'")
    assert reverse().status_code == 201
    kept = rows.execute("SELECT state FROM frameworkagreement WHERE slug = 'ra-2026-velferdsteknologi'").fetchone()
    assert kept == ("exhausted",)


def test_a_dry_run_keeps_nothing(api: TestClient, rows: psycopg.Connection, buyer: dict[str, str]) -> None:
    sent = buyer | {"Idempotency-Key": "dry"}
    answer = api.post(f"/ledger/entries/{POSTED}/reverse?dry_run=true", json={"reason": "Feil antall"}, headers=sent)
    assert (answer.status_code, answer.headers["Dry-Run"]) == (200, "true")
    assert rows.execute("SELECT count(*) FROM entry WHERE reverses_id IS NOT NULL").fetchone() == (0,)


def test_a_supplier_that_declined_sees_its_own_part_only(
    api: TestClient, place: Place, buyer: dict[str, str], issuer: Issuer, rows: psycopg.Connection
) -> None:
    """And the next one nothing until it is sent."""
    id = place().json()["id"]
    body = {"ground": "force-majeure", "reason": "Flom"}
    declined = api.post(f"/call-offs/{id}/decline", json=body, headers=issuer.bearer(FJORDVAKT, "agreements.supply"))
    assert declined.status_code == 200, declined.text
    rows.execute(
        "INSERT INTO entry (kind, framework_id, lot_id, place_id, participant_id, call_off_id, buyer, supplier, "
        "reserved, posted, cause, effective_on, back_dated) SELECT 'reserve', framework_id, lot_id, place_id, "
        "participant_id, call_off_id, buyer, %s, 0, 0, 'next_supplier', effective_on, false FROM entry "
        "WHERE call_off_id = (SELECT id FROM calloff WHERE uuid = %s) LIMIT 1",
        [NORDLYS, id],
    )
    mine = entries(api, issuer.bearer(FJORDVAKT, "agreements.read"), call_off=id)
    assert [one["kind"] for one in mine] == ["release", "reserve"], "last first"
    assert entries(api, issuer.bearer(NORDLYS, "agreements.read"), call_off=id) == [], "no letter has gone to it"
    assert len(entries(api, buyer, call_off=id)) == 3


@pytest.mark.usefixtures("proven")
def test_of_many_that_reverse_at_once_one_does(reverse: Send, rows: psycopg.Connection) -> None:
    before = levels(rows)
    with ThreadPoolExecutor(8) as many:
        answers = list(many.map(lambda n: reverse(key=f"at-once-{n}"), range(8)))
    assert sorted(one.status_code for one in answers) == [201] + [409] * 7
    assert {one.json()["type"] for one in answers if one.status_code == 409} == {"/problems/reversed-already"}
    assert levels(rows) == [(b[0] + VALUE, b[1] - VALUE) for b in before]


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    closed=st.booleans(),
    corrections=st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 12000 * 100).map(lambda ore: Decimal(ore).scaleb(-2))), max_size=4
    ),
)
def test_however_often_it_is_corrected_the_ledger_adds_up(
    api: TestClient, closed: bool, corrections: list[tuple[int, Decimal]]
) -> None:
    caller = Caller(BRONNOY, frozenset({"agreements.order"}), "test", IssuerKind.MACHINE)
    with state(api).database.writing(rehearsed=True) as session:
        row = calloffs.by_id(session, CALL_OFF)
        if closed:
            calloffs.move(session, caller, row, Event.CLOSE)
        posting: UUID | None = POSTED
        right = (5, VALUE)
        for quantity, value in corrections:
            if posting is None:
                break
            instead = [Instead("alarm", quantity, value)]
            fits = quantity <= (right[0] if closed else 5) and value <= (right[1] if closed else VALUE)
            try:
                made = store.reverse(
                    session,
                    caller,
                    posting,
                    on=today(),
                    reason="Prøve",
                    back_dating_reason=None,
                    instead=instead,
                    today=today(),
                )
            except rules.CorrectionExceeds:
                assert not fits
                continue
            assert fits
            posting, right = made.instead, (quantity, value)
            (held,) = ledger.held(session, row.id or 0)
            assert (held.posted, held.quantity_posted) == (value, quantity)
            assert (row.posted, row.reserved) == (held.posted, held.reserved)
            left: tuple[Any, int] = (0, 0) if closed else (VALUE - value, 5 - quantity)
            assert (held.reserved, held.quantity_reserved) == left, "what is over holds nothing"
            assert (posting is None) is (not value and not quantity)
        assert ledger.unproven(session) == []


@given(
    kind=st.sampled_from(Kind),
    reversal=st.booleans(),
    reversed=st.booleans(),
    since=st.integers(-3, 3),
    back=st.integers(-3, 3),
    explained=st.booleans(),
)
def test_a_posting_is_reversed_once_between_its_day_and_today(
    kind: Kind, reversal: bool, reversed: bool, since: int, back: int, explained: bool
) -> None:
    on = TODAY - timedelta(days=back)
    target = Target(kind, TODAY - timedelta(days=since), reversal, reversed)
    found = rules.check(target, effective_on=on, back_dating_reason="Sent" if explained else None, today=TODAY)
    allowed = (
        kind is Kind.POST
        and not (reversal or reversed)
        and target.effective_on <= on <= TODAY
        and (on == TODAY or explained)
    )
    assert (found == []) is allowed


amounts = st.integers(0, 10**7).map(lambda ore: Decimal(ore).scaleb(-2))


@given(st.lists(st.tuples(amounts, st.integers(0, 50), amounts, st.integers(0, 50)), min_size=1, max_size=4))
def test_what_is_posted_instead_never_takes_more_than_there_is(
    lines: list[tuple[Decimal, int, Decimal, int]],
) -> None:
    posting = [Moved(f"i{n}", None, None, -q, q, -v, v) for n, (v, q, _, _) in enumerate(lines)]
    held = [Moved(f"i{n}", None, None, 0, q, Decimal(0), v) for n, (v, q, _, _) in enumerate(lines)]
    left = rules.open_for(held, [-one for one in posting])
    instead = [Instead(f"i{n}", q, v) for n, (_, _, v, q) in enumerate(lines)]
    wrong = [n for n, (v, q, w, r) in enumerate(lines) if not (v or q) or w > v or r > q]
    found = rules.check_instead(instead, left, {f"i{n}": q for n, (_, q, _, _) in enumerate(lines)})
    assert [one.pointer for one in found] == [
        f"#/post_instead/{n}" + ("/item" if not any(lines[n][:2]) else "") for n in wrong
    ]
    if not found:
        moved = rules.posted(instead, left)
        assert all(one.reserved == -one.posted and one.quantity_reserved == -one.quantity_posted for one in moved)
        assert sum(one.posted for one in moved) == sum(one.value for one in instead)
