"""A call-off as UBL: in every state that it can be in, held against UBL's own schema and against every rule of ours."""

from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import pytest
from fastapi.testclient import TestClient

from services.agreements.calloff_steps import store as calloff_steps
from services.agreements.calloffs import placing
from services.agreements.calloffs.rules import MOVES, Event, State
from services.agreements.order_messages import rules
from services.agreements.ubl_messages import rules as ubl_rules
from services.agreements.ubl_messages import wire
from services.chassis.clock import today
from services.chassis.values import seed_id
from tests.agreements.competing import BY_PRICE, PRICES, hold
from tests.agreements.conftest import ALSTAHAUG, BRONNOY, FJORDVAKT, JOINT_UNIT, NORDLYS, OSLO
from tests.agreements.messages import ubl
from tests.agreements.messages.sides import Side, messages, valid
from tests.conftest import state
from tests.issuer import Issuer

SEEDED = {
    "draft": None,
    "reserved": None,
    "approved": None,
    "sent": [],
    "change-proposed": ["CA"],
    "declined": ["RE"],
    "confirmed": ["AP"],
    "change-requested": ["AP", "T114"],
    "in-delivery": ["AP"],
    "delivered": ["AP"],
    "disputed": ["AP"],
    "accepted": ["AP"],
}
"""The seeded call-offs, and what follows their order; None: there is none."""


def told(content: bytes) -> str:
    """`T01`, or an answer's code, or T114 with its number."""
    read = wire.read(content)
    return read.value("cbc:OrderResponseCode") or str(ubl_rules.transaction(read))


@pytest.mark.parametrize("name", SEEDED)
def test_each_seeded_state_is_told_by_messages_or_says_that_it_is_not(buyer: Side, name: str) -> None:
    id, follow = seed_id(f"call-off:{name}"), SEEDED[name]
    listed, order = messages(buyer, id), buyer.get(f"/call-offs/{id}/order.xml")
    if follow is None:
        assert (order.status_code, order.json()["type"]) == (409, "/problems/not-told")
        assert listed["state"] in order.json()["detail"]
        assert listed["state_not_expressed"] == rules.BEFORE
        assert listed["items"] == []
        return
    assert [told(one) for one in valid(buyer, id)] == ["T01", *follow]
    assert order.content == buyer.get(f"/call-offs/{id}/order-messages/{listed['items'][0]['id']}").content
    assert (listed["state_not_expressed"] is None) == (rules.STATES[State(listed["state"])] is None)
    assert len(listed["items"]) + len(listed["untold"]) == len(buyer.get(f"/call-offs/{id}/history").json()["items"])
    assert all(one["why"] for one in listed["untold"])


def test_every_event_and_every_state_has_its_place_in_the_mapping() -> None:
    assert rules.MEANS.keys() == set(Event)
    assert rules.STATES.keys() == set(State)
    for event, means in rules.MEANS.items():
        assert (means.kind is None) == bool(means.why), event
        assert (means.response is not None) == (means.kind is rules.Kind.ORDER_RESPONSE)
    for (before, event), after in MOVES.items():
        if rules.STATES[after] is None and after is not State.CANCELLED:
            assert rules.MEANS[event].kind, f"{before} → {after}: the newest message tells {after}"


def test_an_order_is_told_in_every_state_on_its_way_to_the_end(buyer: Side, supplier: Side) -> None:
    id = buyer.order(("alarm", 3))["id"]
    part = {"lines": [{"item": "alarm", "quantity": 1}], "delivered_on": today().isoformat()}
    rest = part | {"lines": [{"item": "alarm", "quantity": 2}]}
    steps: list[tuple[Side, str, dict[str, Any]]] = [
        (supplier, "acknowledge", {}),
        (supplier, "confirm", {}),
        (supplier, "deliveries", part),
        (supplier, "deliveries", rest),
        (buyer, "accept", {}),
        (buyer, "close", {}),
    ]
    for side, step, body in steps:
        listed = messages(buyer, id)
        assert listed["state_not_expressed"] == rules.STATES[State(listed["state"])]
        side.post(f"/call-offs/{id}/{step}", **body)
    listed = messages(buyer, id)
    assert (listed["state"], listed["state_not_expressed"]) == ("closed", rules.STATES[State.CLOSED])
    untold = [one["event"] for one in listed["untold"]]
    assert untold == ["reserve", "approve", "register_delivery", "last_delivery", "accept", "close"]
    assert [told(one) for one in valid(buyer, id)] == ["T01", "AB", "AP"]


def test_an_order_that_nobody_takes_ends_with_the_last_rejection(
    buyer: Side, supplier: Side, api: TestClient, issuer: Issuer
) -> None:
    id = buyer.order(("alarm", 2))["id"]
    for side in (supplier, Side(api, issuer, NORDLYS)):
        side.post(f"/call-offs/{id}/decline", reason="Utsolgt (fiktivt)")
        turn_on(api, id)
    listed = messages(buyer, id)
    assert (listed["state"], listed["state_not_expressed"]) == ("failed", rules.STATES[State.FAILED])
    assert [told(one) for one in valid(buyer, id)] == ["T01", "RE", "T01", "RE"]


def turn_on(api: TestClient, id: str) -> None:
    """What the worker does after a refusal."""
    held = state(api)
    calloff_steps.next_supplier(held.database, partial(placing.verifying, held.catalog.verify), UUID(id), today())


def test_the_order_says_what_the_call_off_says(buyer: Side, api: TestClient) -> None:
    placed = buyer.order(("alarm", 3), ("montering", 2))
    (content,) = valid(buyer, placed["id"])
    root = wire.read(content)
    assert root.value("cbc:ID") == placed["number"]
    assert root.value("cbc:OrderTypeCode") == "226"
    assert root.value("cbc:CustomerReference") == "Hjemmetjenesten & natt <1>"
    assert root.value("cac:Contract/cbc:ID") == "ra-2026-velferdsteknologi/alarmer"
    assert root.value("cac:CatalogueReference/cbc:ID") == "ra-2026-velferdsteknologi/alarmer/100000016/1"
    assert root.value("cac:ValidityPeriod/cbc:EndDate") == placed["respond_by_on"]
    assert root.value("cac:Delivery/cac:RequestedDeliveryPeriod/cbc:EndDate") == "2029-06-01"
    assert root.value("cbc:IssueDate") == today().isoformat()
    assert root.value("cac:BuyerCustomerParty/cac:Party/cbc:EndpointID") == BRONNOY
    assert (
        root.value("cac:SellerSupplierParty/cac:Party/cac:PartyLegalEntity/cbc:RegistrationName")
        == (placed["supplier_name"])
    )
    totals = root.one("cac:AnticipatedMonetaryTotal")
    assert totals
    assert totals.value("cbc:LineExtensionAmount") == placed["amount_excl_vat"] == "8980.00"
    assert totals.value("cbc:PayableAmount") == placed["amount_incl_vat"] == "11225.00"
    assert root.value("cac:TaxTotal/cbc:TaxAmount") == placed["amount_vat"]
    first = root.each("cac:OrderLine/cac:LineItem")[0]
    assert (first.value("cbc:ID"), first.value("cbc:Quantity")) == ("1", "3")
    assert first.value("cac:Item/cac:SellersItemIdentification/cbc:ID") == "alarm"
    assert first.value("cac:Item/cac:ClassifiedTaxCategory/cbc:Percent") == "25"
    assert first.value("cac:Item/cac:AdditionalItemProperty/cbc:Value") == "fjordvakt-alarm"
    (listed,) = messages(buyer, placed["id"])["items"]
    assert {one["what"] for one in listed["not_expressed"]} == {"award", "certification", "languages", "specification"}


def test_both_sides_read_the_same_bytes_and_others_nothing(buyer: Side, supplier: Side, issuer: Issuer) -> None:
    id = buyer.order(("alarm", 1))["id"]
    mine, theirs = (side.get(f"/call-offs/{id}/order.xml") for side in (buyer, supplier))
    assert mine.content == theirs.content
    assert mine.headers["content-disposition"].endswith('.xml"')
    for organisation in (JOINT_UNIT, NORDLYS, OSLO):
        for path in ("order.xml", "order-messages"):
            assert Side(buyer.api, issuer, organisation).get(f"/call-offs/{id}/{path}").status_code == 404


def test_a_message_stays_as_it_was_whatever_happens_to_the_order(buyer: Side, supplier: Side) -> None:
    id = buyer.order(("alarm", 3))["id"]
    order = supplier.get(f"/call-offs/{id}/order.xml").content
    lines = [{"item": "alarm", "quantity": 2}, {"item": "montering", "quantity": 2}]
    supplier.post(f"/call-offs/{id}/propose-change", lines=lines, needed_on="2029-07-01", reason="Bare to på lager")
    buyer.post(f"/call-offs/{id}/accept-change")
    sent, proposed, accepted = valid(buyer, id)
    assert supplier.get(f"/call-offs/{id}/order.xml").content == order
    assert ubl.texts(sent, ".//cac:RequestedDeliveryPeriod/cbc:EndDate") == ["2029-06-01"]
    assert ubl.texts(proposed, ".//cac:PromisedDeliveryPeriod/cbc:EndDate") == ["2029-07-01"]
    assert ubl.texts(accepted, ".//cac:RequestedDeliveryPeriod/cbc:EndDate") == ["2029-07-01"]
    for content, statuses in ((proposed, ["3", "1"]), (accepted, ["3", "1"])):
        assert ubl.texts(content, ".//cbc:LineStatusCode") == statuses
        assert ubl.texts(content, ".//cac:LineItem/cbc:ID") == ["1", "2"], "lines keep their ids"
    assert ubl.texts(accepted, "cbc:SequenceNumberID") == ["1"]
    assert ubl.texts(accepted, "cac:OrderReference/cbc:ID") == ubl.texts(sent, "cbc:ID")


def test_an_order_read_first_after_its_change_is_the_order_as_it_was_sent(buyer: Side, supplier: Side) -> None:
    id = buyer.order(("alarm", 3))["id"]
    supplier.post(f"/call-offs/{id}/confirm")
    change = {"lines": [{"item": "alarm", "quantity": 5}], "needed_on": "2029-08-01", "reason": "Flere brukere"}
    buyer.post(f"/call-offs/{id}/buyer-change", **change)
    supplier.post(f"/call-offs/{id}/change-confirmed")
    sent, *_ = valid(buyer, id)
    assert ubl.texts(sent, ".//cbc:Quantity") == ["3"]
    assert ubl.texts(sent, ".//cac:RequestedDeliveryPeriod/cbc:EndDate") == ["2029-06-01"]


def test_the_buyer_s_change_is_asked_for_and_answered_by_its_own_document(buyer: Side, supplier: Side) -> None:
    id = buyer.order(("alarm", 3), ("montering", 3))["id"]
    supplier.post(f"/call-offs/{id}/confirm")
    for quantity, answer in ((4, "change-refused"), (5, "change-confirmed")):
        body = {"lines": [{"item": "alarm", "quantity": quantity}], "reason": "Flere brukere"}
        buyer.post(f"/call-offs/{id}/buyer-change", **body)
        supplier.post(f"/call-offs/{id}/{answer}")
    made = valid(buyer, id)
    assert [told(one) for one in made] == ["T01", "AP", "T114", "RE", "T114", "AP"]
    assert [ubl.texts(one, "cbc:SequenceNumberID") for one in made] == [[], [], ["1"], [], ["2"], []]
    for asked, answered in ((made[2], made[3]), (made[4], made[5])):
        assert ubl.texts(answered, f"{ubl.FROM_2_3}/cbc:ID") == ubl.texts(asked, "cbc:ID")
    assert ubl.texts(made[2], ".//cbc:LineStatusCode") == ["3", "2"], "what is left out is deleted"
    assert ubl.texts(made[2], ".//cbc:Quantity") == ["4", "0"]
    ids = [one["document_id"] for one in messages(buyer, id)["items"]]
    assert len(set(ids)) == len(ids)
    refused = buyer.get(f"/call-offs/{id}/order-messages/{messages(buyer, id)['items'][2]['id']}?profile=ordering")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-in-profile")


@pytest.mark.parametrize("said", [None, "Ikke behov lenger (fiktivt)"])
def test_a_cancellation_says_why_and_one_before_the_order_was_sent_is_no_message(
    buyer: Side, supplier: Side, said: str | None
) -> None:
    id = buyer.order(("alarm", 1))["id"]
    supplier.post(f"/call-offs/{id}/acknowledge")
    buyer.post(f"/call-offs/{id}/cancel", **({"reason": said} if said else {}))
    *_, last = valid(supplier, id)
    assert ubl.texts(last, "cbc:CancellationNote") == [said or "Bestillingen er avbestilt."]
    unsent = buyer.order(("alarm", 400))["id"]
    buyer.post(f"/call-offs/{unsent}/cancel")
    listed = messages(buyer, unsent)
    assert (listed["items"], listed["state_not_expressed"]) == ([], rules.BEFORE)
    assert [one["event"] for one in listed["untold"]] == ["reserve", "cancel"]


def test_characters_that_xml_has_no_place_for_are_replaced(buyer: Side, supplier: Side) -> None:
    id = buyer.order(("alarm", 1))["id"]
    supplier.post(f"/call-offs/{id}/acknowledge", reason="Lest\x0b og \x1f<forstått>")
    *_, last = valid(buyer, id)
    assert ubl.texts(last, "cbc:Note") == ["Lest\ufffd og \ufffd<forstått>"]


def test_a_joint_order_says_that_who_pays_is_not_told(api: TestClient, issuer: Issuer) -> None:
    id = seed_id("call-off:joint")
    alstahaug = Side(api, issuer, ALSTAHAUG)
    if messages(alstahaug, id)["items"]:
        valid(alstahaug, id)
        assert "cost_sharing" in {one["what"] for one in messages(alstahaug, id)["items"][0]["not_expressed"]}
    else:
        pytest.fail("the joint order is sent")


def test_a_call_off_has_kept_messages_that_nobody_edits(buyer: Side, url: str) -> None:
    id = buyer.order(("alarm", 1))["id"]
    valid(buyer, id)
    with psycopg.connect(url, autocommit=True) as connection:
        for change in ("UPDATE ordermessage SET sha256 = ''", "DELETE FROM ordermessage"):
            with pytest.raises(psycopg.errors.RaiseException):
                connection.execute(change)


def test_an_order_of_advice_is_counted_in_hours(buyer: Side) -> None:
    placed = buyer.order(
        ("radgivertime", 7), ("plattform", 11), framework_agreement="ra-2026-driftsplattform", lot="radgivning"
    )
    (content,) = valid(buyer, placed["id"])
    lines = wire.read(content).each("cac:OrderLine/cac:LineItem/cbc:Quantity")
    assert [(one.text, one.attributes["unitCode"]) for one in lines] == [("7", "HUR"), ("11", "IE")]
    assert Decimal(placed["amount_excl_vat"]) == sum(
        map(Decimal, ubl.texts(content, ".//cac:LineItem/cbc:LineExtensionAmount"))
    )


def test_the_next_supplier_has_an_order_of_its_own_and_nothing_of_the_one_before(
    buyer: Side, supplier: Side, api: TestClient, issuer: Issuer
) -> None:
    placed = buyer.order(("alarm", 3))
    supplier.post(f"/call-offs/{placed['id']}/decline", reason="Utsolgt (fiktivt)")
    turn_on(api, placed["id"])
    nordlys = Side(api, issuer, NORDLYS)
    nordlys.post(f"/call-offs/{placed['id']}/confirm")
    sent, rejected, sent_again, confirmed = valid(buyer, placed["id"])
    assert valid(nordlys, placed["id"]) == [sent_again, confirmed]
    number = placed["number"]
    assert [ubl.texts(one, "cbc:ID") for one in (sent, rejected, sent_again, confirmed)] == [
        [number],
        [f"{number}-2"],
        [f"{number}.2"],
        [f"{number}.2-2"],
    ]
    for one, seller in ((sent, FJORDVAKT), (rejected, FJORDVAKT), (sent_again, NORDLYS), (confirmed, NORDLYS)):
        assert ubl.texts(one, "cac:SellerSupplierParty/cac:Party/cbc:EndpointID") == [seller]
    assert ubl.texts(sent_again, ".//cac:Price/cbc:PriceAmount") == ["2550.00"]
    order = nordlys.get(f"/call-offs/{placed['id']}/order.xml?profile=advanced_ordering")
    assert order.content == sent_again
    assert supplier.get(f"/call-offs/{placed['id']}/order-messages").status_code == 404


def test_an_order_that_was_competed_for_names_the_bid_and_has_its_prices(
    buyer: Side, api: TestClient, issuer: Issuer, url: str
) -> None:
    with psycopg.connect(url, autocommit=True) as rows:
        competition = hold(api, issuer, rows, criteria=BY_PRICE)
    assert competition.announce().status_code == 201
    made = competition.over().json()
    for step in ("approve", "send"):
        buyer.post(f"/call-offs/{made['id']}/{step}")
    (content,) = valid(buyer, made["id"])
    seller = made["supplier_organisation_number"]
    bid = f"{made['choice']['competition']['number']}/{seller}"
    assert ubl.texts(content, "cac:QuotationDocumentReference/cbc:ID") == [bid]
    assert ubl.texts(content, ".//cac:Price/cbc:PriceAmount")[0] == PRICES[seller]
    assert ubl.texts(content, "cac:AnticipatedMonetaryTotal/cbc:TaxExclusiveAmount") == [made["amount_excl_vat"]]
