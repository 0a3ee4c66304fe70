"""Whatever buyers, suppliers and the owner do, in whatever order: every ceiling holds at every level, every balance is
the sum of its entries, what is over holds nothing, and nothing is posted that was not delivered. A model says what each
call-off must hold and what must have been posted of it."""

import os
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, initialize, invariant, multiple, rule
from hypothesis.stateful import run_state_machine_as_test as run

from services.agreements.ledger import store as ledger
from services.chassis import clock
from tests.conftest import state
from tests.e2e import flood
from tests.issuer import Issuer

LONG = int(os.environ.get("SAMVIRKE_LONG", "1"))
"""Ten times as many steps with 10: `make long`."""
WALKS, STEPS = 105 if LONG == 1 else 120 * LONG, 50  # longer runs have shorter walks: 44 steps each, not 48
JOINT_UNIT, FJORDVAKT = "100000008", "100000016"
Z, ORE = Decimal(0), Decimal("0.01")
OVER = {"closed", "cancelled", "failed"}
BUYERS = st.sampled_from(flood.BUYERS)
QUANTITIES = st.sampled_from([1, 1, 2, 2, 3, 5, flood.MOST])
SHARES = st.integers(0, 100)
"""Per cent of a price."""


@dataclass
class Held:
    """What a call-off must be, hold and have posted: units of the one item, and NOK without VAT."""

    buyer: str
    state: str
    ordered: int
    """Without the rest that was ended."""
    held: int
    reserved: Decimal
    delivered: int = 0
    """Without what was rejected and is delivered anew."""
    rejected: int = 0
    """By the complaint that waits for an answer."""
    kept: int = 0
    posted: Decimal = Z
    corrected: bool = False
    """Then it is the buyer's word what came, within what is reserved."""

    @property
    def outstanding(self) -> int:
        return self.ordered - self.delivered

    def hold(self, units: int, value: Decimal) -> None:
        self.held, self.reserved = self.held + units, self.reserved + value

    def post(self, units: int, value: Decimal) -> None:
        self.hold(-units, -value)
        self.kept, self.posted = self.kept + units, self.posted + value


class Walk(RuleBasedStateMachine):
    """One agreement with room for a few call-offs, under four levels of ceilings and a maximum quantity. Many can be
    exhausted. Whatever differs between walks is drawn, so that hypothesis can walk
    the same way again."""

    call_offs = Bundle("call_offs")
    looked = 0
    """After how many steps, in all walks."""

    def __init__(
        self, api: TestClient, rows: psycopg.Connection, bearer: Callable[..., dict[str, str]], n: int
    ) -> None:
        super().__init__()
        self.api, self.rows, self.bearer, self.slug = api, rows, bearer, f"flom-{n}"
        self.model: dict[str, Held] = {}
        self.agreement = "active"
        self.most: list[Decimal | None] = []
        """The agreement's ceilings: of value, of units."""

    @initialize(target=call_offs, buyer=BUYERS, quantity=st.integers(1, 3), tight=st.booleans())
    def first(self, buyer: str, quantity: int, tight: bool) -> MultipleResults[str] | str:
        if tight:
            self.rows.execute(_TIGHT, {"slug": self.slug, "value": 3 * flood.PRICE})
        ceilings = {scope: ceiling for scope, _, _, ceiling in self.balances()}
        self.most = [ceilings["agreement"], ceilings["agreement's units"]]
        return self.place(buyer, quantity)

    @rule(target=call_offs, buyer=BUYERS, quantity=QUANTITIES)
    def place(self, buyer: str, quantity: int) -> MultipleResults[str] | str:
        body = {
            "framework_agreement": self.slug,
            "lot": "alt",
            "lines": [{"item": "ting", "quantity": quantity}],
            "needed_on": "2029-06-01",
        }
        rooms = self.rows.execute(_LEFT, {"slug": self.slug, "buyer": buyer}).fetchall()
        asked = [quantity * flood.PRICE] * 4 + [Decimal(quantity)]
        fits = all(room is None or wish <= room for wish, (room,) in zip(asked, rooms, strict=True))
        answer = self.api.post("/call-offs", json=body, headers=self.once(buyer, "agreements.order"))
        assert answer.status_code == (201 if fits and self.agreement == "active" else 409), answer.text
        if answer.status_code == 409:
            assert answer.json()["type"].removeprefix("/problems/") in REFUSED
            return multiple()
        made = answer.json()
        value = Decimal(made["amount_excl_vat"])
        self.model[made["id"]] = Held(buyer, made["state"], quantity, quantity, value)
        return str(made["id"])

    @rule(id=call_offs, step=st.sampled_from(["approve", "send", "cancel", "revoke-approval"]))
    def buyer_takes(self, id: str, step: str) -> None:
        here = self.model[id]
        if self.take(id, step, {}) and step == "cancel":
            here.hold(-here.held, -here.reserved)

    @rule(id=call_offs)
    def terminate_rest(self, id: str) -> None:
        here = self.model[id]
        if self.take(id, "terminate-rest", {"reason": "Prøve"}):
            here.hold(-here.outstanding, -here.outstanding * flood.PRICE)
            here.ordered = here.delivered

    @rule(id=call_offs, step=st.sampled_from(["acknowledge", "confirm", "decline", "redeliver"]))
    def supplier_takes(self, id: str, step: str) -> None:
        here = self.model[id]
        if not self.take(id, step, {"reason": "Prøve"} if step == "decline" else {}, supplier=True):
            return
        if step == "decline":
            here.hold(-here.held, -here.reserved)
        if step == "redeliver":
            here.delivered -= here.rejected

    @rule(id=call_offs, quantity=QUANTITIES)
    def edit(self, id: str, quantity: int) -> None:
        here = self.model[id]
        if self.take(id, "edit", {"lines": [{"item": "ting", "quantity": quantity}]}):
            here.ordered = quantity
            here.hold(-here.held, -here.reserved)

    @rule(id=call_offs)
    def reserve(self, id: str) -> None:
        here = self.model[id]
        if here.state == "draft":
            headers = self.bearer(here.buyer, "agreements.order")
            answer = self.api.post(f"/call-offs/{id}/reserve", json={}, headers=headers)
            assert answer.status_code in (200, 409), answer.text
            if answer.status_code == 200:
                here.state = answer.json()["state"]
                here.hold(here.ordered, Decimal(answer.json()["amount_excl_vat"]))

    @rule(id=call_offs, quantity=QUANTITIES, last=st.booleans())
    def deliver(self, id: str, quantity: int, last: bool) -> None:
        here = self.model[id]
        body = {
            "lines": [{"item": "ting", "quantity": quantity}],
            "delivered_on": clock.today().isoformat(),
            "last": last,
        }
        answer = self.api.post(
            f"/call-offs/{id}/deliveries", json=body, headers=self.once(FJORDVAKT, "agreements.supply")
        )
        if here.state in ("confirmed", "in_delivery") and quantity <= here.outstanding:
            assert answer.status_code == 201, answer.text
            here.delivered += quantity
            here.state = "delivered" if last or not here.outstanding else "in_delivery"
            assert answer.json()["state"] == here.state
        else:
            assert answer.status_code in (404, 409), answer.text

    @rule(id=call_offs, quantity=st.integers(0, 3))
    def complain(self, id: str, quantity: int) -> None:
        """With nothing rejected it is about what is missing."""
        here = self.model[id]
        lines = [{"item": "ting", "quantity": quantity}] if quantity else []
        refused = None
        if quantity > here.delivered:
            refused = 409 if here.delivered else 422
        elif not quantity and not here.outstanding:
            refused = 422
        if self.take(id, "complain", {"lines": lines, "reason": "Prøve"}, refused=refused):
            here.rejected = quantity

    @rule(id=call_offs)
    def accept(self, id: str) -> None:
        here = self.model[id]
        if self.take(id, "accept", {}):
            here.post(here.delivered, here.delivered * flood.PRICE)
            self.exhaust()

    @rule(id=call_offs, quantity=st.integers(0, flood.MOST), share=SHARES)
    def settle(self, id: str, quantity: int, share: int) -> None:
        here = self.model[id]
        kept = min(quantity, here.delivered)
        value = part(kept * flood.PRICE, share)
        lines = [{"item": "ting", "quantity": kept, "amount_excl_vat": f"{value:.2f}"}]
        if self.take(id, "settle", {"lines": lines, "reason": "Prøve"}):
            here.post(kept, value)
            self.exhaust()

    @rule(id=call_offs)
    def close(self, id: str) -> None:
        here = self.model[id]
        if self.take(id, "close", {}):
            here.hold(-here.held, -here.reserved)

    @rule(id=call_offs, steps=st.integers(1, 5), singly=st.booleans())
    def goes_on(self, id: str, steps: int, singly: bool) -> None:
        """As it goes when all is well, so that walks come to the end of an order often enough."""
        for _ in range(steps):
            here = self.model[id]
            if here.state in ("reserved", "approved"):
                self.buyer_takes(id, "approve" if here.state == "reserved" else "send")
            elif here.state in ("sent", "acknowledged"):
                self.supplier_takes(id, "confirm")
            elif here.state in ("confirmed", "in_delivery"):
                self.deliver(id, 1 if singly else here.outstanding, False)
            elif here.state == "delivered":
                self.accept(id)

    @rule(id=call_offs, which=st.integers(0, 2), quantity=QUANTITIES, share=SHARES, instead=st.booleans())
    def reverse(self, id: str, which: int, quantity: int, share: int, instead: bool) -> None:
        """A posting is taken back once, and what is posted instead stays within what is reserved then."""
        here = self.model[id]
        postings = self.rows.execute(_POSTINGS, {"id": id}).fetchall()
        if not postings:
            return
        entry, final, units, value = postings[which % len(postings)]
        lines: list[dict[str, Any]] = []
        kept = min(quantity, here.held + units)
        worth = min(part(kept * flood.PRICE, share), here.reserved + value)
        if instead and kept and not final:
            lines = [{"item": "ting", "quantity": kept, "amount_excl_vat": f"{worth:.2f}"}]
        answer = self.api.post(
            f"/ledger/entries/{entry}/reverse",
            json={"reason": "Prøve", "post_instead": lines},
            headers=self.once(here.buyer, "agreements.order"),
        )
        assert answer.status_code == (409 if final else 201), answer.text
        if not final:
            here.post(-units, -value)
            if lines:
                here.post(kept, worth)
                here.corrected = True
            if here.state in OVER:
                here.held, here.reserved = 0, Z

    @rule()
    def owner_suspends_or_resumes(self) -> None:
        step = "resume" if self.agreement == "suspended" else "suspend"
        headers = self.bearer(JOINT_UNIT, "agreements.manage")
        path = f"/framework-agreements/{self.slug}/{step}"
        answer = self.api.post(path, json={"reason": "Prøve"}, headers=headers)
        assert answer.status_code == (409 if self.agreement == "exhausted" else 200), answer.text
        if answer.status_code == 200:
            self.agreement = "suspended" if step == "suspend" else "active"
        assert answer.status_code == 409 or answer.json()["state"] == self.agreement

    def take(
        self, id: str, step: str, body: dict[str, Any], *, supplier: bool = False, refused: int | None = None
    ) -> bool:
        """A step either leads where the table says, or is refused and changes nothing. → whether it was taken"""
        here = self.model[id]
        who = (FJORDVAKT, "agreements.supply") if supplier else (here.buyer, "agreements.order", "agreements.approve")
        answer = self.api.post(f"/call-offs/{id}/{step}", json=body, headers=self.bearer(*who))
        to = MOVES.get((here.state, step))
        if to is None:
            assert answer.status_code in (409, 404 if supplier else 409), answer.text
        else:
            assert answer.status_code == (refused or 200), answer.text
        if to is None or refused:
            return False
        assert answer.json()["state"] == to
        here.state = to
        return True

    def exhaust(self) -> None:
        """After a posting."""
        posted = [sum(one.posted for one in self.model.values()), sum(one.kept for one in self.model.values())]
        reached = any(most is not None and most <= sums for most, sums in zip(self.most, posted, strict=True))
        if self.agreement == "active" and reached:
            self.agreement = "exhausted"

    def once(self, *who: str) -> dict[str, str]:
        return self.bearer(*who) | {"Idempotency-Key": uuid.uuid4().hex}

    def balances(self) -> list[tuple[Any, ...]]:
        return self.rows.execute(_BALANCES, {"slug": self.slug}).fetchall()

    @invariant()
    def every_ceiling_holds_and_balances_are_what_the_call_offs_hold_and_posted(self) -> None:
        Walk.looked += 1
        every = list(self.model.values())
        value = (sum(one.reserved for one in every), sum(one.posted for one in every))
        units = (sum(one.held for one in every), sum(one.kept for one in every))
        for scope, reserved, posted, ceiling in self.balances():
            assert (reserved, posted) == (units if scope == "agreement's units" else value), scope
            assert ceiling is None or reserved + posted <= ceiling, scope

    @invariant()
    def what_is_over_holds_nothing_and_nothing_is_posted_that_was_not_delivered(self) -> None:
        query = "SELECT CAST(uuid AS text), state, reserved, posted FROM calloff WHERE uuid = ANY(CAST(%s AS uuid[]))"
        for id, now, reserved, posted in self.rows.execute(query, [list(self.model)]).fetchall():
            here = self.model[id]
            assert now not in OVER or reserved == 0, id
            assert posted <= flood.PRICE * (here.ordered if here.corrected else here.delivered), id

    def teardown(self) -> None:
        for id, here in self.model.items():
            row = self.rows.execute("SELECT state, reserved, posted FROM calloff WHERE uuid = %s", [id]).fetchone()
            assert row == (here.state, here.reserved, here.posted)
        query = "SELECT state FROM frameworkagreement WHERE slug = %s"
        assert self.rows.execute(query, [self.slug]).fetchone() == (self.agreement,)


def part(value: Decimal, share: int) -> Decimal:
    return (value * share / 100).quantize(ORE, ROUND_DOWN)


REFUSED = {"ceiling-exceeded", "agreement-not-open", "no-supplier"}
MOVES = {
    ("reserved", "approve"): "approved",
    ("reserved", "edit"): "draft",
    ("approved", "send"): "sent",
    ("approved", "revoke-approval"): "reserved",
    ("sent", "acknowledge"): "acknowledged",
    **{(before, "confirm"): "confirmed" for before in ("sent", "acknowledged")},
    **{(before, "decline"): "declined" for before in ("sent", "acknowledged")},
    **{
        (before, "cancel"): "cancelled"
        for before in ("draft", "reserved", "approved", "sent", "acknowledged", "confirmed")
    },
    ("in_delivery", "terminate-rest"): "delivered",
    ("delivered", "accept"): "accepted",
    ("delivered", "complain"): "disputed",
    ("disputed", "redeliver"): "in_delivery",
    ("disputed", "settle"): "accepted",
    ("accepted", "close"): "closed",
}
"""Save deliveries, whose state depends on what is left."""
_LEFT = """
SELECT b.ceiling - b.reserved - b.posted FROM frameworkagreement f JOIN lot l ON l.framework_id = f.id
  JOIN place p ON p.lot_id = l.id JOIN participant q ON q.framework_id = f.id AND q.number = %(buyer)s
  JOIN balance b ON (b.scope, b.subject_id) IN (('framework_agreement', f.id), ('lot', l.id), ('supplier', p.id),
                                                ('buyer', q.id))
 WHERE f.slug = %(slug)s
 ORDER BY b.item, CASE b.scope WHEN 'framework_agreement' THEN 1 WHEN 'lot' THEN 2 WHEN 'supplier' THEN 3 ELSE 4 END
"""
_BALANCES = """
SELECT CASE b.item WHEN '' THEN 'agreement' ELSE 'agreement''s units' END, b.reserved, b.posted, b.ceiling
  FROM frameworkagreement f JOIN balance b ON b.scope = 'framework_agreement' AND b.subject_id = f.id
 WHERE f.slug = %(slug)s
 UNION ALL
SELECT 'lot', b.reserved, b.posted, b.ceiling FROM frameworkagreement f JOIN lot l ON l.framework_id = f.id
  JOIN balance b ON b.scope = 'lot' AND b.subject_id = l.id AND b.item = '' WHERE f.slug = %(slug)s
 UNION ALL
SELECT 'supplier', b.reserved, b.posted, b.ceiling FROM frameworkagreement f JOIN lot l ON l.framework_id = f.id
  JOIN place p ON p.lot_id = l.id JOIN balance b ON b.scope = 'supplier' AND b.subject_id = p.id AND b.item = ''
 WHERE f.slug = %(slug)s
 UNION ALL
SELECT 'buyers', sum(b.reserved), sum(b.posted), NULL FROM frameworkagreement f
  JOIN participant q ON q.framework_id = f.id
  JOIN balance b ON b.scope = 'buyer' AND b.subject_id = q.id AND b.item = '' WHERE f.slug = %(slug)s
"""
_POSTINGS = """
SELECT e.uuid, e.reverses_id IS NOT NULL OR r.id IS NOT NULL, coalesce(l.quantity_posted, 0), e.posted
  FROM calloff c JOIN entry e ON e.call_off_id = c.id AND e.kind = 'post' LEFT JOIN entry r ON r.reverses_id = e.id
  LEFT JOIN entryline l ON l.entry_id = e.id WHERE c.uuid = %(id)s ORDER BY e.id DESC
"""
_TIGHT = """
UPDATE balance b SET ceiling = %(value)s FROM frameworkagreement f
 WHERE b.scope = 'framework_agreement' AND b.subject_id = f.id AND f.slug = %(slug)s AND b.item = ''
"""


@pytest.fixture
def bearer(issuer: Issuer) -> Callable[..., dict[str, str]]:
    kept: dict[tuple[str, ...], tuple[float, dict[str, str]]] = {}

    def headers(*who: str) -> dict[str, str]:
        """Made anew now and then: a token lives two minutes."""
        if who not in kept or time.monotonic() - kept[who][0] > flood.RENEWED_SECONDS:
            kept[who] = (time.monotonic(), issuer.bearer(*who))
        return kept[who][1]

    return headers


def test_whatever_is_done_every_ceiling_holds(
    api: TestClient, rows: psycopg.Connection, bearer: Callable[..., dict[str, str]]
) -> None:
    numbers = iter(range(1, 10**6))
    fields = WALKS * 20  # a failure is made smaller in as many walks more
    flood.fields(rows, fields, fields * 4, approval_limit=3500)
    run(
        lambda: Walk(api, rows, bearer, next(numbers)),  # type: ignore[arg-type]  # whatever makes one will do
        settings=settings(max_examples=WALKS, stateful_step_count=STEPS),
    )
    assert Walk.looked >= 5000 * LONG
    with state(api).database.reading() as reader:
        assert ledger.unproven(reader) == []
