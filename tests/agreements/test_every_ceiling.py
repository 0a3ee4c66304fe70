"""Whatever buyers, suppliers and the owner do, in whatever order: every ceiling holds at every level, every balance is
the sum of its entries, and what is over holds nothing. A model says what each call-off must hold."""

import os
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from services.agreements.ledger import store as ledger
from tests.conftest import state
from tests.e2e import flood
from tests.issuer import Issuer

LONG = int(os.environ.get("SAMVIRKE_LONG", "1"))
"""Ten times as many steps with 10: `make long`."""
WALKS, STEPS = 100 * LONG, 50
JOINT_UNIT, FJORDVAKT = "100000008", "100000016"
HOLDING = {"reserved", "approved", "sent", "acknowledged", "confirmed"}


class Walk(RuleBasedStateMachine):
    """One agreement with room for two or three call-offs, under four levels of ceilings and a maximum quantity."""

    call_offs = Bundle("call_offs")

    def __init__(
        self, api: TestClient, rows: psycopg.Connection, bearer: Callable[..., dict[str, str]], n: int
    ) -> None:
        super().__init__()
        self.api, self.rows, self.bearer, self.slug = api, rows, bearer, f"flom-{n}"
        self.model: dict[str, tuple[str, Decimal]] = {}
        """What each call-off must be: its state, and its value."""
        self.open = True

    @rule(target=call_offs, buyer=st.sampled_from(flood.BUYERS), quantity=st.integers(1, flood.MOST))
    def place(self, buyer: str, quantity: int) -> tuple[str, str]:
        body = {
            "framework_agreement": self.slug,
            "lot": "alt",
            "lines": [{"item": "ting", "quantity": quantity}],
            "needed_on": "2029-06-01",
        }
        headers = self.bearer(buyer, "agreements.order") | {"Idempotency-Key": uuid.uuid4().hex}
        left = self.left(buyer)
        answer = self.api.post("/call-offs", json=body, headers=headers)
        fits = self.open and all(
            asked <= room
            for asked, room in zip([quantity * flood.PRICE] * 4 + [Decimal(quantity)], left, strict=True)
            if room is not None
        )
        assert answer.status_code == (201 if fits else 409), answer.text
        if not fits:
            told = answer.json()
            assert told["type"] in (
                "/problems/ceiling-exceeded",
                "/problems/agreement-not-open",
                "/problems/no-supplier",
            )
            return ("", buyer)
        made = answer.json()
        self.model[made["id"]] = (made["state"], Decimal(made["amount_excl_vat"]))
        return (made["id"], buyer)

    @rule(call_off=call_offs, step=st.sampled_from(["approve", "send", "cancel", "revoke-approval"]))
    def buyer_takes(self, call_off: tuple[str, str], step: str) -> None:
        self.take(call_off, step, self.bearer(call_off[1], "agreements.order", "agreements.approve"), {})

    @rule(call_off=call_offs, step=st.sampled_from(["acknowledge", "confirm", "decline"]))
    def supplier_takes(self, call_off: tuple[str, str], step: str) -> None:
        body = {"reason": "Prøve"} if step == "decline" else {}
        self.take(call_off, step, self.bearer(FJORDVAKT, "agreements.supply"), body, invisible=404)

    @rule(call_off=call_offs, quantity=st.integers(1, flood.MOST))
    def edit(self, call_off: tuple[str, str], quantity: int) -> None:
        body = {"lines": [{"item": "ting", "quantity": quantity}]}
        self.take(call_off, "edit", self.bearer(call_off[1], "agreements.order"), body)

    @rule(call_off=call_offs)
    def reserve(self, call_off: tuple[str, str]) -> None:
        id, buyer = call_off
        if id and self.model[id][0] == "draft":
            answer = self.api.post(f"/call-offs/{id}/reserve", json={}, headers=self.bearer(buyer, "agreements.order"))
            if answer.status_code == 200:
                made = answer.json()
                self.model[id] = (made["state"], Decimal(made["amount_excl_vat"]))
            else:
                assert answer.status_code == 409, answer.text

    @rule()
    def owner_suspends_or_resumes(self) -> None:
        step = "suspend" if self.open else "resume"
        headers = self.bearer(JOINT_UNIT, "agreements.manage")
        path = f"/framework-agreements/{self.slug}/{step}"
        answer = self.api.post(path, json={"reason": "Prøve"}, headers=headers)
        assert answer.status_code == 200, answer.text
        self.open = not self.open

    def take(
        self, call_off: tuple[str, str], step: str, headers: dict[str, str], body: dict[str, Any], invisible: int = 409
    ) -> None:
        """A step either leads where the table says, or is refused and changes nothing."""
        id, _ = call_off
        if not id:
            return
        before, value = self.model[id]
        answer = self.api.post(f"/call-offs/{id}/{step}", json=body, headers=headers)
        to = MOVES.get((before, step))
        assert answer.status_code == 200 if to else answer.status_code in (409, invisible), answer.text
        if to:
            assert answer.json()["state"] == to
            self.model[id] = (to, value)

    def left(self, buyer: str) -> list[Decimal | None]:
        found = self.rows.execute(_LEFT, {"slug": self.slug, "buyer": buyer}).fetchall()
        return [room for (room,) in found]

    @invariant()
    def every_ceiling_holds_and_balances_are_what_the_call_offs_hold(self) -> None:
        held = sum((value for now, value in self.model.values() if now in HOLDING), Decimal(0))
        for scope, reserved, posted, ceiling in self.rows.execute(_BALANCES, {"slug": self.slug}).fetchall():
            assert (reserved, posted) == (held, 0), scope
            assert ceiling is None or reserved <= ceiling, scope

    def teardown(self) -> None:
        for id, (now, value) in self.model.items():
            row = self.rows.execute("SELECT state, reserved FROM calloff WHERE uuid = %s", [id]).fetchone()
            assert row == (now, value if now in HOLDING else 0)


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
}
_LEFT = """
SELECT b.ceiling - b.reserved - b.posted FROM frameworkagreement f JOIN lot l ON l.framework_id = f.id
  JOIN place p ON p.lot_id = l.id JOIN participant q ON q.framework_id = f.id AND q.number = %(buyer)s
  JOIN balance b ON (b.scope, b.subject_id) IN (('framework_agreement', f.id), ('lot', l.id), ('supplier', p.id),
                                                ('buyer', q.id))
 WHERE f.slug = %(slug)s
 ORDER BY b.item, CASE b.scope WHEN 'framework_agreement' THEN 1 WHEN 'lot' THEN 2 WHEN 'supplier' THEN 3 ELSE 4 END
"""
_BALANCES = """
SELECT 'agreement', b.reserved, b.posted, b.ceiling FROM frameworkagreement f
  JOIN balance b ON b.scope = 'framework_agreement' AND b.subject_id = f.id AND b.item = '' WHERE f.slug = %(slug)s
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


@pytest.fixture
def bearer(issuer: Issuer) -> Callable[..., dict[str, str]]:
    kept: dict[tuple[str, ...], tuple[int, dict[str, str]]] = {}
    asked = iter(range(10**9))

    def headers(*who: str) -> dict[str, str]:
        """Made anew now and then: a token lives two minutes."""
        number = next(asked)
        if who not in kept or number - kept[who][0] > 300:
            kept[who] = (number, issuer.bearer(*who))
        return kept[who][1]

    return headers


def test_whatever_is_done_every_ceiling_holds(
    api: TestClient, rows: psycopg.Connection, bearer: Callable[..., dict[str, str]]
) -> None:
    numbers = iter(range(1, 10**6))
    fields = WALKS * 20  # a failure is made smaller in as many walks more
    flood.fields(rows, fields, fields * 4)
    rows.execute("UPDATE frameworkagreement SET approval_limit = 5000 WHERE slug LIKE 'flom-%'")
    run_state_machine_as_test(
        lambda: Walk(api, rows, bearer, next(numbers)),  # type: ignore[arg-type]  # whatever makes one will do
        settings=settings(max_examples=WALKS, stateful_step_count=STEPS),
    )
    with state(api).database.reading() as reader:
        assert ledger.unproven(reader) == []
