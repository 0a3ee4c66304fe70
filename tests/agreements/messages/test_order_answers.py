"""A supplier's system answers in UBL: the same steps as over JSON, with all that is wrong told at once."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from services.agreements.calloffs.rules import Event
from services.agreements.order_answers import rules
from services.agreements.order_messages.rules import Response
from services.agreements.ubl_messages import rules as ubl_rules
from tests.agreements.conftest import NORDLYS
from tests.agreements.messages import ubl
from tests.agreements.messages.sides import Side, messages, valid
from tests.issuer import Issuer

XML = {"Content-Type": "application/xml"}


def answer(side: Side, id: Any, content: bytes, **query: str) -> Any:
    return side.api.post(f"/call-offs/{id}/order-responses", content=content, headers=side.headers | XML, params=query)


def failed(answer: Any) -> list[str]:
    """The rules that are told, each with where."""
    assert answer.status_code == 422, answer.text
    return [f"{one.get('rule', one['type'])} {one.get('xpath', '')}".strip() for one in answer.json()["errors"]]


def placed(buyer: Side) -> tuple[str, str]:
    """An order of three alarms, and two put up. → its id and number"""
    made = buyer.order(("alarm", 3), ("montering", 2))
    return made["id"], made["number"]


def history(side: Side, id: str) -> list[tuple[str, str | None]]:
    return [(one["event"], one["reason"]) for one in side.get(f"/call-offs/{id}/history").json()["items"]]


def letters(side: Side, id: str) -> list[str]:
    return [one["kind"] for one in side.get(f"/call-offs/{id}").json()["letters"]]


def test_every_code_of_an_answer_takes_a_step() -> None:
    assert rules.STEPS.keys() == set(Response)
    assert set(rules.STEPS.values()) == {Event.ACKNOWLEDGE, Event.CONFIRM, Event.PROPOSE_CHANGE, Event.DECLINE}


def test_an_answer_in_ubl_is_the_same_as_one_over_json(buyer: Side, supplier: Side) -> None:
    """State, events, letters, and what the buyer's system can fetch, are those of the step."""
    steps = {"AB": ("acknowledge", {}), "AP": ("confirm", {}), "RE": ("decline", {"reason": "Utsolgt (fiktivt)"})}
    for code, (step, body) in steps.items():
        (mine, number), (theirs, _) = placed(buyer), placed(buyer)
        taken = answer(supplier, mine, ubl.response(number, code, note=body.get("reason", "")))
        assert taken.status_code == 200, taken.text
        said = supplier.post(f"/call-offs/{theirs}/{step}", **body)
        assert taken.json()["state"] == said["state"]
        assert [event for event, _ in history(buyer, mine)] == [event for event, _ in history(buyer, theirs)]
        assert letters(buyer, mine) == letters(buyer, theirs)
        assert [told["response"] for told in messages(buyer, mine)["items"]] == [None, code]


def test_what_came_is_kept_as_it_came_and_the_buyer_s_system_reads_it(buyer: Side, supplier: Side) -> None:
    id, number = placed(buyer)
    sent = ubl.response(number, "AP", id="BEKREFTELSE-77")
    answer(supplier, id, sent)
    order, confirmation = messages(buyer, id)["items"]
    assert (order["received"], confirmation["received"]) == (False, True)
    assert (confirmation["document_id"], confirmation["profiles"]) == ("BEKREFTELSE-77", ["ordering"])
    assert buyer.get(f"/call-offs/{id}/order-messages/{confirmation['id']}").content == sent
    assert ubl.faults(sent) == []


def test_the_same_message_again_changes_nothing_and_another_by_its_id_is_refused(buyer: Side, supplier: Side) -> None:
    id, number = placed(buyer)
    content = ubl.response(number, "AB")
    first, again = answer(supplier, id, content), answer(supplier, id, content)
    assert first.json() == again.json()
    assert [event for event, _ in history(buyer, id)].count("acknowledge") == 1
    other = answer(supplier, id, ubl.response(number, "AP"))
    assert (other.status_code, other.json()["type"]) == (409, "/problems/message-id-used")
    assert answer(supplier, id, ubl.response(number, "AP", id="SVAR-2")).json()["state"] == "confirmed"
    assert answer(supplier, id, content).json()["state"] == "confirmed", "also when the order has gone on since"
    late = answer(supplier, id, ubl.response(number, "RE", id="SVAR-3"))
    assert (late.status_code, late.json()["type"]) == (409, "/problems/move-refused")


def test_a_dry_run_keeps_nothing(buyer: Side, supplier: Side) -> None:
    id, number = placed(buyer)
    tried = answer(supplier, id, ubl.response(number, "AP"), dry_run="true")
    assert (tried.status_code, tried.json()["state"]) == (200, "confirmed")
    assert len(messages(buyer, id)["items"]) == 1
    assert answer(supplier, id, ubl.response(number, "RE")).json()["state"] == "declined"


CONDITIONS: dict[str, tuple[tuple[str, ...], str, list[tuple[str, int, str]]]] = {
    "fewer, and the rest as ordered": (
        (ubl.line(1, "3", quantity="2"), ubl.line(2, "5")),
        "",
        [("alarm", 2, "2400.00"), ("montering", 2, "890.00")],
    ),
    "a line that is not named is as ordered": (
        (ubl.line(7, "3", of="1", quantity="2"),),
        "",
        [("alarm", 2, "2400.00"), ("montering", 2, "890.00")],
    ),
    "one line not": ((ubl.line(1, "5", quantity="3"), ubl.line(2, "7")), "", [("alarm", 3, "2400.00")]),
    "a lower price for ten": (
        (ubl.line(1, "3", price="23000.00", base="10"), ubl.line(2, "5")),
        "",
        [("alarm", 3, "2300.00"), ("montering", 2, "890.00")],
    ),
    "pieces by another code": (
        (ubl.line(1, "3", quantity="2.00", unit="H87"), ubl.line(2, "5")),
        "",
        [("alarm", 2, "2400.00"), ("montering", 2, "890.00")],
    ),
    "another day, and all as ordered": (
        (ubl.line(1, "5"), ubl.line(2, "5")),
        "2029-07-01",
        [("alarm", 3, "2400.00"), ("montering", 2, "890.00")],
    ),
    "another item instead": (
        (ubl.line(1, "3", quantity="1", substitute="montering"), ubl.line(2, "7")),
        "",
        [("montering", 1, "890.00")],
    ),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_conditions_line_by_line_are_a_proposal_that_the_buyer_answers(buyer: Side, supplier: Side, name: str) -> None:
    lines, day, expected = CONDITIONS[name]
    id, number = placed(buyer)
    content = ubl.response(number, "CA", *lines, day=day)
    assert ubl.faults(content) == []
    taken = answer(supplier, id, content)
    assert (taken.status_code, taken.json().get("state")) == (200, "change_proposed"), taken.text
    (change,) = buyer.get(f"/call-offs/{id}/changes").json()["items"]
    found = [(one["item"], one["quantity"], one["unit_price_excl_vat"]) for one in change["lines"]]
    assert sorted(found) == sorted(expected)
    assert (change["needed_on"], change["reason"]) == (day or "2029-06-01", "Prøve (fiktivt)")


def test_a_new_line_names_its_item_as_the_price_list_does(buyer: Side, supplier: Side) -> None:
    made = buyer.order(("alarm", 3))
    content = ubl.response(
        made["number"], "CA", ubl.line(1, "5"), ubl.line(2, "1", of="9", quantity="1", item="montering"), note=""
    )
    assert answer(supplier, made["id"], content).status_code == 200
    (change,) = buyer.get(f"/call-offs/{made['id']}/changes").json()["items"]
    assert [(one["item"], one["quantity"]) for one in change["lines"]] == [("alarm", 3), ("montering", 1)]
    assert change["reason"] == rules.NO_REASON


def test_the_buyer_s_change_is_answered_by_an_advanced_response(buyer: Side, supplier: Side) -> None:
    id, number = placed(buyer)
    answer(supplier, id, ubl.response(number, "AP", advanced=True))
    for quantity, code, state in ((4, "RE", "3"), (5, "AP", "5")):
        body = {"lines": [{"item": "alarm", "quantity": quantity}], "reason": "Flere brukere"}
        buyer.post(f"/call-offs/{id}/buyer-change", **body)
        change = messages(supplier, id)["items"][-1]["document_id"]
        wrong = answer(supplier, id, ubl.response(number, code, change=f"{change}9", id=f"S{quantity}"))
        assert failed(wrong) == ["SAMVIRKE-CHANGE /OrderResponse/cac:OrderChangeDocumentReference/cbc:ID"]
        half = answer(supplier, id, ubl.response(number, "AB", change=change, id=f"S{quantity}"))
        assert failed(half) == ["SAMVIRKE-CHANGE /OrderResponse/cbc:OrderResponseCode"]
        not_to_it = answer(supplier, id, ubl.response(number, "AP", id=f"S{quantity}"))
        assert not_to_it.json()["type"] == "/problems/move-refused", "it answers the order, which is confirmed"
        content = ubl.response(number, code, change=change, id=f"S{quantity}")
        assert ubl.faults(content) == []
        taken = answer(supplier, id, content)
        assert (taken.status_code, taken.json().get("state")) == (200, "confirmed"), taken.text
        assert taken.json()["lines"][0]["quantity"] == int(state)
        assert messages(buyer, id)["items"][-1]["change_id"] == change
    valid(buyer, id)


REFUSED: dict[str, tuple[dict[str, Any], tuple[str, ...], list[str]]] = {
    "another order": ({"order": "AVR-1"}, (), ["SAMVIRKE-ORDER /cac:OrderReference/cbc:ID"]),
    "another seller": ({"seller": NORDLYS}, (), ["SAMVIRKE-PARTY /cac:SellerSupplierParty/cac:Party"]),
    "another buyer": ({"buyer": "958935420"}, (), ["SAMVIRKE-PARTY /cac:BuyerCustomerParty/cac:Party"]),
    "another currency": ({"currency": "SEK"}, (), ["SAMVIRKE-CURRENCY /cbc:DocumentCurrencyCode"]),
    "a very long note": ({"note": "x" * 2001}, (), ["SAMVIRKE-LENGTH /cbc:Note"]),
    "accepted for a later day": ({"day": "2029-06-02"}, (), ["SAMVIRKE-DAY /cac:Delivery"]),
    "accepted with lines": ({}, (ubl.line(1, "5"),), ["PEPPOL-T76-R008 /cac:OrderLine"]),
    "a condition without lines": ({"code": "CA"}, (), ["PEPPOL-T76-R007 /cac:OrderLine"]),
    "a code of none": ({"code": "OK"}, (), ["BASIC-RESPONSE /cbc:OrderResponseCode"]),
    "a change that is none's": (
        {"change": "AVR-9"},
        (),
        ["SAMVIRKE-CHANGE /cac:OrderChangeDocumentReference/cbc:ID"],
    ),
    "nothing of it": (
        {"code": "CA"},
        (ubl.line(1, "7"), ubl.line(2, "7")),
        ["SAMVIRKE-STATUS /cac:OrderLine"],
    ),
    "lines of many faults": (
        {"code": "CA"},
        (
            ubl.line(1, "3", of="8", quantity="1"),
            ubl.line(2, "3", of="1", quantity="1.5", unit="KGM", price="0.001"),
            ubl.line(3, "42", of="2"),
            ubl.line(4, "5", of="1", quantity="2"),
            ubl.line(5, "1", quantity="1"),
            ubl.line(6, "1", of="10", item="montering"),
            ubl.line(7, "3", of="11", more="<cbc:MaximumBackorderQuantity>2</cbc:MaximumBackorderQuantity>"),
        ),
        [
            "SAMVIRKE-LINE /cac:OrderLine[1]/cac:OrderLineReference/cbc:LineID",
            "SAMVIRKE-LINE /cac:OrderLine[1]/cac:LineItem/cac:Item/cac:SellersItemIdentification/cbc:ID",
            "SAMVIRKE-UNIT /cac:OrderLine[2]/cac:LineItem/cbc:Quantity/@unitCode",
            "SAMVIRKE-QUANTITY /cac:OrderLine[2]/cac:LineItem/cbc:Quantity",
            "SAMVIRKE-PRICE /cac:OrderLine[2]/cac:LineItem/cac:Price/cbc:PriceAmount",
            "SAMVIRKE-STATUS /cac:OrderLine[3]/cac:LineItem/cbc:LineStatusCode",
            "SAMVIRKE-LINE /cac:OrderLine[4]/cac:OrderLineReference/cbc:LineID",
            "SAMVIRKE-STATUS /cac:OrderLine[4]/cac:LineItem/cbc:LineStatusCode",
            "SAMVIRKE-LINE /cac:OrderLine[5]/cac:LineItem/cac:Item/cac:SellersItemIdentification/cbc:ID",
            "SAMVIRKE-QUANTITY /cac:OrderLine[6]/cac:LineItem/cbc:Quantity",
            "SAMVIRKE-LINE /cac:OrderLine[7]/cac:OrderLineReference/cbc:LineID",
            "SAMVIRKE-DAY /cac:OrderLine[7]/cac:LineItem/cbc:MaximumBackorderQuantity",
            "SAMVIRKE-LINE /cac:OrderLine[7]/cac:LineItem/cac:Item/cac:SellersItemIdentification/cbc:ID",
        ],
    ),
    "Peppol's rules and ours together": (
        {"code": "AP", "buyer": "964983292", "order": "AVR-1", "id": " "},
        (ubl.line(1, "9", quantity="1", unit="QQQ"),),
        [
            "BASIC-UNIT /cac:OrderLine/cac:LineItem/cbc:Quantity/@unitCode",
            "BASIC-LINE-STATUS /cac:OrderLine/cac:LineItem/cbc:LineStatusCode",
            "PEPPOL-COMMON-R001 /cbc:ID",
            "PEPPOL-COMMON-R041 /cac:BuyerCustomerParty/cac:Party/cbc:EndpointID",
            "PEPPOL-T76-R008 /cac:OrderLine",
            "SAMVIRKE-ORDER /cac:OrderReference/cbc:ID",
            "SAMVIRKE-PARTY /cac:BuyerCustomerParty/cac:Party",
        ],
    ),
}


@pytest.fixture(scope="module")
def waiting(buyer: Side) -> tuple[str, str]:
    return placed(buyer)


@pytest.mark.parametrize("name", REFUSED)
def test_all_that_is_wrong_with_an_answer_is_told_at_once_with_rule_and_place(
    buyer: Side, supplier: Side, waiting: tuple[str, str], name: str
) -> None:
    said, lines, expected = REFUSED[name]
    id, number = waiting
    content = ubl.response(
        said.get("order", number),
        said.get("code", "AP"),
        *lines,
        **{k: v for k, v in said.items() if k not in ("order", "code")},
    )
    found = failed(answer(supplier, id, content))
    assert found == [one.replace(" /", " /OrderResponse/") for one in expected]
    assert buyer.get(f"/call-offs/{id}").json()["state"] == "sent"
    assert len(messages(buyer, id)["items"]) == 1


@pytest.mark.parametrize(
    ("line", "problem", "where"),
    [
        (ubl.line(1, "3", price="2400.01"), "price-above-list", "/OrderResponse/cac:OrderLine"),
        (ubl.line(2, "1", of="9", quantity="1", item="kamera"), "item-unknown", "/OrderResponse/cac:OrderLine"),
    ],
)
def test_what_breaks_a_rule_of_changes_is_told_with_where_its_line_stands(
    supplier: Side, waiting: tuple[str, str], line: str, problem: str, where: str
) -> None:
    refused = answer(supplier, waiting[0], ubl.response(waiting[1], "CA", line))
    (one,) = refused.json()["errors"]
    assert (one["type"], one["xpath"]) == (f"/problems/{problem}", where)
    assert "pointer" not in one


def test_only_the_order_s_own_supplier_answers(
    buyer: Side, waiting: tuple[str, str], api: TestClient, issuer: Issuer
) -> None:
    content = ubl.response(waiting[1], "AP")
    assert answer(Side(api, issuer, NORDLYS), waiting[0], content).status_code == 404
    assert answer(buyer, waiting[0], content).status_code == 404


def test_what_is_no_answer_in_xml_is_refused_before_it_is_looked_into(
    supplier: Side, waiting: tuple[str, str], buyer: Side
) -> None:
    path = f"/call-offs/{waiting[0]}/order-responses"
    as_json = supplier.api.post(path, json={}, headers=supplier.headers)
    assert (as_json.status_code, as_json.json()["type"]) == (415, "/problems/message-media-type-unknown")
    for content, status, problem in (
        (b"<a/>", 422, "message-unknown"),
        (buyer.get(f"/call-offs/{waiting[0]}/order.xml").content, 422, "message-unknown"),
        (b"<!DOCTYPE a><a/>", 400, "not-xml"),
        (b"<a>" + b" " * ubl_rules.LARGEST + b"</a>", 413, "message-too-large"),
    ):
        refused = answer(supplier, waiting[0], content)
        assert (refused.status_code, refused.json()["type"]) == (status, f"/problems/{problem}")
