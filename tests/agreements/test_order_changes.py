"""Changes of an order by either side: what stands until they are answered, and what an answer does to order and
ledger."""

from decimal import Decimal
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from services.agreements.calloffs.rules import Event, State
from services.agreements.order_changes import rules
from tests.agreements.conftest import ALSTAHAUG, BRONNOY, FJORDVAKT, NORDLYS, Place
from tests.agreements.test_placing_a_call_off import reserved
from tests.issuer import Issuer

HEROY = "872417982"
UNPROVEN = (
    "SELECT b.scope FROM balance b LEFT JOIN LATERAL (SELECT coalesce(sum(e.reserved), 0) AS r FROM entry e WHERE "
    "CASE b.scope WHEN 'framework_agreement' THEN e.framework_id WHEN 'lot' THEN e.lot_id "
    "WHEN 'supplier' THEN e.place_id ELSE e.participant_id END = b.subject_id) s ON true "
    "WHERE b.item = '' AND b.reserved <> s.r"
)


@pytest.fixture
def supplier(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(FJORDVAKT, "agreements.read", "agreements.supply")


@pytest.fixture
def orderer(issuer: Issuer) -> dict[str, str]:
    """Who may order, and approve nothing."""
    return issuer.bearer(BRONNOY, "agreements.read", "agreements.order")


def lines(quantity: int, price: str | None = None, item: str = "alarm") -> list[dict[str, Any]]:
    return [{"item": item, "quantity": quantity} | ({"unit_price_excl_vat": price} if price else {})]


def propose(api: TestClient, id: str, supplier: dict[str, str], **changes: Any) -> Any:
    body = {"lines": lines(2), "reason": "Bare to på lager"} | changes
    return api.post(f"/call-offs/{id}/propose-change", json=body, headers=supplier)


def step(api: TestClient, id: str, name: str, headers: dict[str, str], **body: Any) -> Any:
    return api.post(f"/call-offs/{id}/{name}", json=body, headers=headers)


def outcomes(api: TestClient, id: str, headers: dict[str, str]) -> list[str]:
    return [one["outcome"] for one in api.get(f"/call-offs/{id}/changes", headers=headers).json()["items"]]


@pytest.mark.parametrize(
    ("proposed", "net"),
    [
        ({"lines": lines(2)}, "4800.00"),
        ({"lines": lines(3, "2000.00")}, "6000.00"),
        ({"lines": lines(5)}, "12000.00"),
        ({"lines": lines(3) + lines(1, item="montering")}, "8090.00"),
        ({"lines": lines(3), "needed_on": "2029-07-01"}, "7200.00"),
        ({"lines": lines(1, item="montering")}, "890.00"),
    ],
    ids=str,
)
def test_an_accepted_proposal_is_the_order_and_the_ledger_moves_by_the_difference(
    place: Place,
    api: TestClient,
    buyer: dict[str, str],
    supplier: dict[str, str],
    rows: psycopg.Connection,
    proposed: dict[str, Any],
    net: str,
) -> None:
    before = reserved(rows)
    id = place().json()["id"]
    answer = propose(api, id, supplier, **proposed)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["state"], answer.json()["amount_excl_vat"]) == ("change_proposed", "7200.00")
    accepted = step(api, id, "accept-change", buyer)
    assert accepted.status_code == 200, accepted.text
    now = accepted.json()
    assert (now["state"], now["version"], now["amount_excl_vat"], now["reserved_excl_vat"]) == (
        "confirmed",
        2,
        net,
        net,
    )
    assert now["needed_on"] == proposed.get("needed_on", "2029-06-01")
    assert [letter["kind"] for letter in now["letters"]] == ["order", "change"]
    assert [after - then for after, then in zip(reserved(rows), before, strict=True)] == [Decimal(net)] * 2
    assert rows.execute(UNPROVEN).fetchall() == []
    assert outcomes(api, id, buyer) == outcomes(api, id, supplier) == ["accepted"]


@pytest.mark.parametrize(
    ("changes", "status", "type"),
    [
        ({"lines": lines(3)}, 422, "nothing-changed"),
        ({"lines": lines(3, "2400.01")}, 422, "price-above-list"),
        ({"lines": lines(1, "890.01", "montering")}, 422, "price-above-list"),
        ({"lines": lines(1, item="kamera")}, 422, "item-unknown"),
        ({"lines": lines(1) * 2}, 422, "item-twice"),
        ({"lines": []}, 422, "invalid-request"),
        ({"needed_on": "2020-01-01"}, 422, "needed-too-early"),
        ({"needed_on": "2035-01-01"}, 409, "delivery-too-late"),
        ({"reason": ""}, 422, "invalid-request"),
    ],
    ids=str,
)
def test_what_is_no_change_within_the_agreement_is_refused(
    place: Place, api: TestClient, supplier: dict[str, str], changes: dict[str, Any], status: int, type: str
) -> None:
    id = place().json()["id"]
    answer = propose(api, id, supplier, **changes)
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{type}"), answer.text
    assert outcomes(api, id, supplier) == []


def test_only_the_order_s_own_supplier_proposes_and_only_its_buyer_answers(
    place: Place, api: TestClient, buyer: dict[str, str], supplier: dict[str, str], issuer: Issuer
) -> None:
    id = place().json()["id"]
    stranger = issuer.bearer(NORDLYS, "agreements.read", "agreements.supply")
    assert propose(api, id, stranger).status_code == 404
    assert propose(api, id, buyer).status_code == 403
    assert step(api, id, "accept-change", buyer).json()["type"] == "/problems/move-refused"
    propose(api, id, supplier)
    assert step(api, id, "accept-change", supplier).status_code == 403
    assert propose(api, id, supplier).json()["type"] == "/problems/move-refused", "one at a time"


def test_a_rise_must_pass_every_ceiling_and_leaves_the_proposal_open_when_it_does_not(
    place: Place, api: TestClient, buyer: dict[str, str], supplier: dict[str, str], rows: psycopg.Connection
) -> None:
    id = place().json()["id"]
    propose(api, id, supplier, lines=lines(5))
    rows.execute("UPDATE balance SET ceiling = reserved + posted + 2400 WHERE scope = 'lot' AND ceiling IS NOT NULL")
    room = reserved(rows)
    answer = step(api, id, "accept-change", buyer)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/ceiling-exceeded")
    assert reserved(rows) == room
    assert outcomes(api, id, buyer) == ["pending"]


def test_more_than_is_approved_needs_the_spending_authority(
    place: Place, api: TestClient, buyer: dict[str, str], orderer: dict[str, str], supplier: dict[str, str]
) -> None:
    id = place().json()["id"]
    propose(api, id, supplier, lines=lines(209))
    answer = step(api, id, "accept-change", orderer)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/increase-not-approved")
    assert step(api, id, "accept-change", buyer).json()["amount_excl_vat"] == "501600.00"


def test_a_refused_proposal_declines_the_order_and_tells_the_supplier(
    place: Place, api: TestClient, buyer: dict[str, str], supplier: dict[str, str], rows: psycopg.Connection
) -> None:
    before = reserved(rows)
    id = place().json()["id"]
    propose(api, id, supplier)
    refused = step(api, id, "refuse-change", buyer, reason="Vi trenger alle").json()
    assert (refused["state"], refused["reserved_excl_vat"]) == ("declined", "0.00")
    assert [(one["kind"], one["recipient"]) for one in refused["letters"]] == [
        ("order", FJORDVAKT),
        ("cancellation", FJORDVAKT),
    ]
    assert reserved(rows) == before
    assert outcomes(api, id, buyer) == ["refused"]


def test_a_proposal_lapses_when_the_order_is_cancelled(
    place: Place, api: TestClient, buyer: dict[str, str], supplier: dict[str, str]
) -> None:
    id = place().json()["id"]
    propose(api, id, supplier)
    assert step(api, id, "cancel", buyer).json()["state"] == "cancelled"
    assert outcomes(api, id, buyer) == ["lapsed"]


@pytest.mark.parametrize("quantity", [1, 5])
def test_the_order_stands_until_the_supplier_confirms_the_buyer_s_change(
    place: Place,
    api: TestClient,
    buyer: dict[str, str],
    supplier: dict[str, str],
    rows: psycopg.Connection,
    quantity: int,
) -> None:
    before = reserved(rows)
    id = place().json()["id"]
    step(api, id, "confirm", supplier)
    for _ in range(2):
        asked = step(api, id, "buyer-change", buyer, lines=lines(quantity), reason="Behovet er endret")
        assert asked.status_code == 200, asked.text
        assert (asked.json()["state"], asked.json()["amount_excl_vat"]) == ("change_requested", "7200.00")
        refused = step(api, id, "change-refused", supplier, reason="Alt pakket").json()
        assert (refused["state"], refused["version"], refused["amount_excl_vat"]) == ("confirmed", 1, "7200.00")
    step(api, id, "buyer-change", buyer, lines=lines(quantity), reason="Behovet er endret")
    confirmed = step(api, id, "change-confirmed", supplier).json()
    net = quantity * 2400
    assert (confirmed["state"], confirmed["version"], confirmed["amount_excl_vat"]) == ("confirmed", 2, f"{net}.00")
    assert [after - then for after, then in zip(reserved(rows), before, strict=True)] == [Decimal(net)] * 2
    assert {(one["kind"], one["recipient"]) for one in confirmed["letters"]} == {
        ("order", FJORDVAKT),
        ("confirmation", BRONNOY),
        ("change_request", FJORDVAKT),
        ("change_request-2", FJORDVAKT),
        ("change_request-3", FJORDVAKT),
        ("change", FJORDVAKT),
    }
    assert outcomes(api, id, supplier) == ["refused", "refused", "accepted"]
    assert rows.execute(UNPROVEN).fetchall() == []


@pytest.mark.parametrize("table", ["orderchange", "orderchangeanswer"])
def test_changes_and_answers_are_never_edited(
    place: Place, api: TestClient, buyer: dict[str, str], supplier: dict[str, str], rows: psycopg.Connection, table: str
) -> None:
    id = place().json()["id"]
    propose(api, id, supplier)
    step(api, id, "accept-change", buyer)
    with pytest.raises(psycopg.errors.RaiseException):
        rows.execute(f"UPDATE {table} SET reason = 'x'".encode())
    with pytest.raises(psycopg.errors.RaiseException):
        rows.execute(f"DELETE FROM {table}".encode())


@pytest.mark.parametrize(
    ("net", "authority", "after", "problems"),
    [
        ("500.00", False, {}, []),
        ("1000.00", False, {}, []),
        ("1000.01", False, {}, [rules.IncreaseNotApproved]),
        ("1000.01", True, {}, []),
        ("1000.00", True, {NORDLYS: ("400.00", "500.00")}, []),
        ("2000.00", True, {NORDLYS: ("400.00", "500.01")}, [rules.SharesNotApproved]),
        ("900.00", True, {NORDLYS: ("600.00", "550.00")}, []),
        ("2000.00", True, {BRONNOY: ("400.00", "600.00")}, []),
        ("2000.00", False, {NORDLYS: ("1.00", "501.00")}, [rules.IncreaseNotApproved, rules.SharesNotApproved]),
    ],
)
def test_what_is_approved_covers_what_it_was_given_for(
    net: str, authority: bool, after: dict[str, tuple[str, str]], problems: list[type]
) -> None:
    found = rules.check_approved(
        Decimal(net),
        approved=Decimal(1000),
        limit=Decimal(500),
        authority=authority,
        shares={number: (Decimal(then), Decimal(now)) for number, (then, now) in after.items()},
        organisation=BRONNOY,
    )
    assert [type(one) for one in found] == problems


def test_every_outcome_of_a_change_has_its_answer() -> None:
    assert rules.outcome(None, State.CHANGE_PROPOSED) is rules.Outcome.PENDING
    assert rules.outcome(None, State.CANCELLED) is rules.Outcome.LAPSED
    assert rules.outcome(Event.CHANGE_CONFIRMED, State.CHANGE_REQUESTED) is rules.Outcome.ACCEPTED
    assert rules.outcome(Event.CHANGE_REFUSED, State.CHANGE_REQUESTED) is rules.Outcome.REFUSED


def test_a_change_to_a_day_on_which_nothing_is_certified_is_not_accepted(
    place: Place, api: TestClient, buyer: dict[str, str], supplier: dict[str, str]
) -> None:
    id = place().json()["id"]
    assert propose(api, id, supplier, lines=lines(3), needed_on="2030-07-01").status_code == 200
    refused = step(api, id, "accept-change", buyer)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-certified")
    assert outcomes(api, id, buyer) == ["pending"]


def test_a_change_that_would_have_another_method_is_another_call_off(
    place: Place, api: TestClient, buyer: dict[str, str], issuer: Issuer
) -> None:
    advice = {"framework_agreement": "ra-2026-driftsplattform", "lot": "radgivning"}
    made = place(**advice, lines=lines(100, item="radgivertime")).json()
    assert made["choice"]["method"] == "rotation"
    assert step(api, made["id"], "confirm", issuer.bearer(FJORDVAKT, "agreements.supply")).status_code == 200
    for hours, status in ((160, 409), (159, 200)):
        wish = step(api, made["id"], "buyer-change", buyer, lines=lines(hours, item="radgivertime"), reason="Mer hjelp")
        assert wish.status_code == status, wish.text
        assert status == 200 or wish.json()["type"] == "/problems/other-method"


def test_a_change_that_lifts_another_s_share_above_its_limit_is_another_call_off(
    place: Place, api: TestClient, supplier: dict[str, str], issuer: Issuer
) -> None:
    host = issuer.bearer(ALSTAHAUG, "agreements.read", "agreements.order", "agreements.approve")
    members = [{"organisation_number": number} for number in (ALSTAHAUG, HEROY)]
    sharing = {"key": {"kind": "equal"}, "members": members}
    id = place(host, lines=lines(10), cost_sharing=sharing).json()["id"]
    assert step(api, id, "confirm", supplier).status_code == 200
    refused = step(api, id, "buyer-change", host, lines=lines(418), reason="Alle skal ha")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/shares-not-approved")
    assert refused.json()["organisations"] == [HEROY]
    assert step(api, id, "buyer-change", host, lines=lines(416), reason="De fleste skal ha").status_code == 200
