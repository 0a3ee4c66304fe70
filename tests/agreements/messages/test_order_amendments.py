"""A buyer's system changes and cancels in UBL: the same steps as over JSON, with all that is wrong told at once."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from services.agreements.order_amendments import rules
from services.agreements.ubl_messages.rules import ELEMENTS
from services.chassis.values import seed_id
from tests.agreements.conftest import ALSTAHAUG, NORDLYS
from tests.agreements.messages import ubl
from tests.agreements.messages.sides import Side, messages, valid
from tests.agreements.messages.test_order_answers import XML, answer, failed, history, letters
from tests.issuer import Issuer


def post(side: Side, id: Any, what: str, content: bytes, **query: str) -> Any:
    return side.api.post(f"/call-offs/{id}/order-{what}", content=content, headers=side.headers | XML, params=query)


def confirmed(buyer: Side, supplier: Side, *lines: tuple[str, int]) -> Any:
    made = buyer.order(*lines)
    supplier.post(f"/call-offs/{made['id']}/confirm")
    return made


def alike(buyer: Side, one: Any, other: Any) -> None:
    """Two orders have the same state, lines, amounts, events with reasons, changes, letters and messages."""
    found = []
    for made in (one, other):
        id, number = made["id"], made["number"]
        now = buyer.get(f"/call-offs/{id}").json()
        changes = buyer.get(f"/call-offs/{id}/changes").json()["items"]
        told = messages(buyer, id)
        found.append(
            {
                "call-off": {name: now[name] for name in ("state", "version", "needed_on", "lines", "amount_incl_vat")},
                "history": history(buyer, id),
                "letters": letters(buyer, id),
                "changes": [{k: v for k, v in it.items() if k != "id" and not k.endswith("_at")} for it in changes],
                "messages": [
                    (it["event"], it["kind"], it["document_id"].replace(number, ""), it["change_id"] is None)
                    for it in told["items"]
                ],
                "texts": [content.decode().replace(number, "") for content in valid(buyer, id)],
            }
        )
    for part, value in found[0].items():
        assert found[1][part] == value, part


CHANGES: dict[str, dict[str, Any]] = {
    "more of one": {"lines": [{"item": "alarm", "quantity": 5}, {"item": "montering", "quantity": 2}]},
    "one line less": {"lines": [{"item": "alarm", "quantity": 3}]},
    "another day": {
        "lines": [{"item": "alarm", "quantity": 3}, {"item": "montering", "quantity": 2}],
        "needed_on": "2029-07-01",
    },
}


@pytest.mark.parametrize("name", CHANGES)
def test_our_own_order_change_does_at_another_order_what_the_step_did(buyer: Side, supplier: Side, name: str) -> None:
    mine, theirs = (confirmed(buyer, supplier, ("alarm", 3), ("montering", 2)) for _ in range(2))
    buyer.post(f"/call-offs/{mine['id']}/buyer-change", reason="Nye behov (fiktivt)", **CHANGES[name])
    content = valid(buyer, mine["id"])[-1].replace(mine["number"].encode(), theirs["number"].encode())
    taken = post(buyer, theirs["id"], "changes", content)
    assert (taken.status_code, taken.json().get("state")) == (200, "change_requested"), taken.text
    told = messages(supplier, theirs["id"])["items"][-1]
    assert (told["event"], told["received"], told["profiles"]) == ("buyer_change", True, ["advanced_ordering"])
    assert supplier.get(f"/call-offs/{theirs['id']}/order-messages/{told['id']}").content == content
    for made in (mine, theirs):
        supplier.post(f"/call-offs/{made['id']}/change-confirmed")
    alike(buyer, mine, theirs)


def test_our_own_order_change_with_an_added_line_gives_it_the_same_id(buyer: Side, supplier: Side) -> None:
    mine, theirs = (confirmed(buyer, supplier, ("alarm", 3)) for _ in range(2))
    lines = [{"item": "montering", "quantity": 1}, {"item": "alarm", "quantity": 1}]
    buyer.post(f"/call-offs/{mine['id']}/buyer-change", reason="Nye behov (fiktivt)", lines=lines)
    content = valid(buyer, mine["id"])[-1].replace(mine["number"].encode(), theirs["number"].encode())
    assert ubl.texts(content, ".//cac:LineItem/cbc:ID") == ["2", "1"]
    assert post(buyer, theirs["id"], "changes", content).status_code == 200
    alike(buyer, mine, theirs)


def test_our_own_acceptance_takes_the_same_proposal_at_another_order(buyer: Side, supplier: Side) -> None:
    mine, theirs = (buyer.order(("alarm", 3)) for _ in range(2))
    proposal = {
        "lines": [
            {"item": "alarm", "quantity": 2, "unit_price_excl_vat": "2350.00"},
            {"item": "montering", "quantity": 1},
        ],
        "needed_on": "2029-07-01",
        "reason": "Bare to på lager (fiktivt)",
    }
    for made in (mine, theirs):
        supplier.post(f"/call-offs/{made['id']}/propose-change", **proposal)
    buyer.post(f"/call-offs/{mine['id']}/accept-change")
    content = valid(buyer, mine["id"])[-1].replace(mine["number"].encode(), theirs["number"].encode())
    taken = post(buyer, theirs["id"], "changes", content)
    assert (taken.status_code, taken.json().get("state")) == (200, "confirmed"), taken.text
    assert [(one["item"], one["unit_price_excl_vat"]) for one in taken.json()["lines"]] == [
        ("alarm", "2350.00"),
        ("montering", "890.00"),
    ]
    alike(buyer, mine, theirs)


def test_our_own_cancellation_cancels_another_order_in_every_state_that_can_be(buyer: Side, supplier: Side) -> None:
    steps: dict[str, dict[str, Any]] = {
        "": {},
        "acknowledge": {},
        "confirm": {},
        "propose-change": {"lines": [{"item": "alarm", "quantity": 1}], "reason": "Bare én"},
    }
    for step, body in steps.items():
        mine, theirs = (buyer.order(("alarm", 2)) for _ in range(2))
        for made in (mine, theirs) if step else ():
            supplier.post(f"/call-offs/{made['id']}/{step}", **body)
        buyer.post(f"/call-offs/{mine['id']}/cancel", reason="Ikke behov lenger (fiktivt)")
        content = valid(buyer, mine["id"])[-1].replace(mine["number"].encode(), theirs["number"].encode())
        taken = post(buyer, theirs["id"], "cancellations", content)
        assert (taken.status_code, taken.json().get("state")) == (200, "cancelled"), taken.text
        alike(buyer, mine, theirs)


def test_a_change_by_an_id_of_the_buyer_s_own_is_answered_by_that_id(buyer: Side, supplier: Side) -> None:
    made = confirmed(buyer, supplier, ("alarm", 3), ("montering", 2))
    id, number = made["id"], made["number"]
    reference = "Hjemmetjenesten &amp; natt &lt;1&gt;"
    content = ubl.change(
        number,
        ubl.wanted("1", "3", "4.00", unit="H87", price="24000.00", base="10", amount="9600.00", vat="25.0"),
        ubl.wanted("2", "4", "2", amount="1780.00", price="890.00"),
        id=f"{number}-4",
        reference=reference,
        total="11380.00",
        day="2029-06-01",
        start="2029-06-01",
    )
    assert ubl.faults(content) == []
    assert post(buyer, id, "changes", content).status_code == 200
    told = messages(supplier, id)["items"][-1]
    assert told["document_id"] == f"{number}-4"
    assert answer(supplier, id, ubl.response(number, "AP", change=told["document_id"])).status_code == 200
    assert [(one["item"], one["quantity"]) for one in buyer.get(f"/call-offs/{id}").json()["lines"]] == [
        ("alarm", 4),
        ("montering", 2),
    ]
    only_one = ubl.change(number, ubl.wanted("2", "2", "0"), id="ENDRING-2", number="2", note="")
    assert post(buyer, id, "changes", only_one).status_code == 200
    assert history(buyer, id)[-1] == ("buyer_change", rules.NO_REASON)
    (_, last) = buyer.get(f"/call-offs/{id}/changes").json()["items"]
    assert [(one["item"], one["quantity"]) for one in last["lines"]] == [("alarm", 4)], "what is not named stays"
    supplier.post(f"/call-offs/{id}/change-refused")
    assert messages(buyer, id)["items"][-1]["change_id"] == "ENDRING-2"
    ids = [one["document_id"] for one in messages(buyer, id)["items"]]
    assert len(set(ids)) == len(ids), "a number that the buyer has used is passed over"
    valid(buyer, id)


def test_the_same_message_again_changes_nothing_and_another_by_its_id_is_refused(buyer: Side, supplier: Side) -> None:
    made = confirmed(buyer, supplier, ("alarm", 3))
    id, number = made["id"], made["number"]
    content = ubl.change(number, ubl.wanted("1", "3", "4"))
    tried = post(buyer, id, "changes", content, dry_run="true")
    assert (tried.status_code, tried.json()["state"]) == (200, "change_requested")
    assert len(messages(buyer, id)["items"]) == 2, "a dry run keeps nothing"
    first, again = post(buyer, id, "changes", content), post(buyer, id, "changes", content)
    assert first.json() == again.json()
    assert [event for event, _ in history(buyer, id)].count("buyer_change") == 1
    assert letters(buyer, id).count("change_request") == letters(buyer, id).count("order") == 1
    for other in (
        ubl.change(number, ubl.wanted("1", "3", "5")),
        ubl.change(number, ubl.wanted("1", "3", "4"), note=""),
    ):
        refused = post(buyer, id, "changes", other)
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/message-id-used")
    supplier.post(f"/call-offs/{id}/change-confirmed")
    assert post(buyer, id, "changes", content).json()["state"] == "confirmed", "also when the order has gone on since"
    end = ubl.cancellation(number)
    ended, again = post(buyer, id, "cancellations", end), post(buyer, id, "cancellations", end)
    assert ended.json()["state"] == "cancelled"
    assert ended.json() == again.json()
    taken = post(buyer, id, "cancellations", ubl.cancellation(number, id="ENDRING-1"))
    assert (taken.status_code, taken.json()["type"]) == (409, "/problems/message-id-used")


CHARGE = (
    "<cac:AllowanceCharge><cbc:ChargeIndicator>true</cbc:ChargeIndicator>"
    "<cbc:AllowanceChargeReason>Frakt</cbc:AllowanceChargeReason>"
    '<cbc:Amount currencyID="NOK">0.00</cbc:Amount></cac:AllowanceCharge>'
)
REFUSED: dict[str, tuple[dict[str, Any], tuple[str, ...], list[str]]] = {
    "another order": ({"order": "AVR-1"}, (), ["SAMVIRKE-ORDER /cac:OrderReference/cbc:ID"]),
    "another seller": ({"seller": NORDLYS}, (), ["SAMVIRKE-PARTY /cac:SellerSupplierParty/cac:Party"]),
    "another buyer": ({"buyer": ALSTAHAUG}, (), ["SAMVIRKE-PARTY /cac:BuyerCustomerParty/cac:Party"]),
    "another currency": ({"currency": "SEK"}, (), ["SAMVIRKE-CURRENCY /cbc:DocumentCurrencyCode"]),
    "another reference": ({"reference": "Min egen"}, (), ["SAMVIRKE-REFERENCE /cbc:CustomerReference"]),
    "a change that came before": ({"number": "2"}, (), ["SAMVIRKE-SEQUENCE /cbc:SequenceNumberID"]),
    "the order's own id": ({"id": "{number}"}, (), ["SAMVIRKE-ID /cbc:ID"]),
    "a very long note": ({"note": "x" * 2001}, (), ["SAMVIRKE-LENGTH /cbc:Note"]),
    "over several days": (
        {"day": "2029-06-02", "start": "2029-06-01"},
        (),
        ["SAMVIRKE-DAY /cac:Delivery/cac:RequestedDeliveryPeriod/cbc:StartDate"],
    ),
    "terms that a call-off has not": (
        {"more": f"<cac:PaymentTerms><cbc:Note>90 dager</cbc:Note></cac:PaymentTerms>{CHARGE}"},
        (ubl.wanted("1", "3", "5", more="<cbc:PartialDeliveryIndicator>true</cbc:PartialDeliveryIndicator>"),),
        [
            "SAMVIRKE-NOT-TAKEN /cac:PaymentTerms",
            "SAMVIRKE-NOT-TAKEN /cac:AllowanceCharge",
            "SAMVIRKE-NOT-TAKEN /cac:OrderLine/cac:LineItem/cbc:PartialDeliveryIndicator",
        ],
    ),
    "nothing left": (
        {},
        (ubl.wanted("1", "2", "0"), ubl.wanted("2", "2", "0")),
        ["SAMVIRKE-STATUS /cac:OrderLine"],
    ),
    "totals of the named line alone": (
        {"total": "12000.00"},
        (ubl.wanted("1", "3", "5", price="2400.00", amount="12000.00"),),
        ["SAMVIRKE-TOTAL /cac:AnticipatedMonetaryTotal/cbc:LineExtensionAmount"],
    ),
    "a price below and one above, and VAT that is not": (
        {},
        (
            ubl.wanted("1", "3", "5", price="2399.99", amount="11999.95", vat="15"),
            ubl.wanted("2", "4", "2", price="8901.00", base="10", amount="1780.20"),
        ),
        [
            "SAMVIRKE-VAT /cac:OrderLine[1]/cac:LineItem/cac:Item/cac:ClassifiedTaxCategory/cbc:Percent",
            "SAMVIRKE-PRICE /cac:OrderLine[1]/cac:LineItem/cac:Price/cbc:PriceAmount",
            "SAMVIRKE-PRICE /cac:OrderLine[2]/cac:LineItem/cac:Price/cbc:PriceAmount",
        ],
    ),
    "lines of many faults": (
        {},
        (
            ubl.wanted("8", "3", "1"),
            ubl.wanted("1", "4", "2", item="montering"),
            ubl.wanted("2", "74", "1.5", unit="KGM"),
            ubl.wanted("9", "1", "1", item="kamera"),
            ubl.wanted("10", "1", "1", item="alarm"),
        ),
        [
            "SAMVIRKE-LINE /cac:OrderLine[1]/cac:LineItem/cbc:ID",
            "SAMVIRKE-LINE /cac:OrderLine[1]/cac:LineItem/cac:Item/cac:SellersItemIdentification/cbc:ID",
            "SAMVIRKE-LINE /cac:OrderLine[2]/cac:LineItem/cac:Item/cac:SellersItemIdentification/cbc:ID",
            "SAMVIRKE-STATUS /cac:OrderLine[2]/cac:LineItem/cbc:LineStatusCode",
            "SAMVIRKE-STATUS /cac:OrderLine[3]/cac:LineItem/cbc:LineStatusCode",
            "SAMVIRKE-UNIT /cac:OrderLine[3]/cac:LineItem/cbc:Quantity/@unitCode",
            "SAMVIRKE-QUANTITY /cac:OrderLine[3]/cac:LineItem/cbc:Quantity",
            "SAMVIRKE-LINE /cac:OrderLine[4]/cac:LineItem/cbc:ID",
            "SAMVIRKE-LINE /cac:OrderLine[5]/cac:LineItem/cbc:ID",
            "/problems/item-unknown /cac:OrderLine[4]/cac:LineItem",
            "/problems/item-twice /cac:OrderLine[5]/cac:LineItem",
        ],
    ),
    "Peppol's rules and ours together": (
        {"buyer": "964983292", "order": "AVR-1"},
        (ubl.wanted("1", "9", "5", price="2400.00", amount="11999.00"),),
        [
            "BASIC-LINE-STATUS /cac:OrderLine/cac:LineItem/cbc:LineStatusCode",
            "PEPPOL-COMMON-R041 /cac:BuyerCustomerParty/cac:Party/cbc:EndpointID",
            "PEPPOL-T114-R024 /cac:OrderLine/cac:LineItem/cbc:LineExtensionAmount",
            "SAMVIRKE-ORDER /cac:OrderReference/cbc:ID",
            "SAMVIRKE-PARTY /cac:BuyerCustomerParty/cac:Party",
        ],
    ),
}


@pytest.fixture(scope="module")
def waiting(buyer: Side, supplier: Side) -> tuple[str, str]:
    """A confirmed order of three alarms, and two put up. → its id and number"""
    made = confirmed(buyer, supplier, ("alarm", 3), ("montering", 2))
    return made["id"], made["number"]


@pytest.mark.parametrize("name", REFUSED)
def test_all_that_is_wrong_with_a_change_is_told_at_once_with_rule_and_place(
    buyer: Side, waiting: tuple[str, str], name: str
) -> None:
    said, lines, expected = REFUSED[name]
    id, number = waiting
    said = {key: value.replace("{number}", number) for key, value in said.items()}
    content = ubl.change(said.pop("order", number), *(lines or (ubl.wanted("1", "3", "5"),)), **said)
    found = failed(post(buyer, id, "changes", content))
    assert found == [one.replace(" /", " /OrderChange/") for one in expected]
    assert buyer.get(f"/call-offs/{id}").json()["state"] == "confirmed"
    assert len(messages(buyer, id)["items"]) == 2


def test_what_a_step_refuses_is_told_with_where_it_stands_in_the_message(buyer: Side, waiting: tuple[str, str]) -> None:
    id, number = waiting
    same = post(buyer, id, "changes", ubl.change(number, ubl.wanted("1", "4", "3")))
    assert (same.status_code, same.json()["type"]) == (422, "/problems/nothing-changed")
    early = post(buyer, id, "changes", ubl.change(number, ubl.wanted("1", "4", "3"), day="2020-01-01"))
    assert failed(early) == ["/problems/needed-too-early /OrderChange/cac:Delivery"]


def test_a_proposal_is_taken_as_it_is_or_not_at_all(buyer: Side, supplier: Side) -> None:
    made = buyer.order(("alarm", 3), ("montering", 2))
    lines = [{"item": "alarm", "quantity": 2, "unit_price_excl_vat": "2300.00"}, {"item": "montering", "quantity": 2}]
    path = f"/call-offs/{made['id']}/propose-change"
    supplier.post(path, lines=lines, needed_on="2029-07-01", reason="Bare to på lager")
    two, day = ubl.wanted("1", "5", "2", price="2300.00", amount="4600.00"), "2029-07-01"
    wrong: tuple[tuple[bytes, list[str]], ...] = (
        (ubl.change(made["number"], two), ["SAMVIRKE-PROPOSAL /OrderChange/cac:Delivery"]),
        (
            ubl.change(made["number"], ubl.wanted("1", "3", "3"), day=day),
            ["SAMVIRKE-PROPOSAL /OrderChange/cac:OrderLine"],
        ),
        (
            ubl.change(made["number"], two, ubl.wanted("2", "2", "0"), day=day),
            ["SAMVIRKE-PROPOSAL /OrderChange/cac:OrderLine"],
        ),
        (
            ubl.change(made["number"], ubl.wanted("1", "3", "2", price="2400.00", amount="4800.00"), day=day),
            ["SAMVIRKE-PRICE /OrderChange/cac:OrderLine/cac:LineItem/cac:Price/cbc:PriceAmount"],
        ),
    )
    for content, expected in wrong:
        assert failed(post(buyer, made["id"], "changes", content)) == expected
    taken = post(buyer, made["id"], "changes", ubl.change(made["number"], two, day=day, note=""))
    assert (taken.status_code, taken.json().get("state")) == (200, "confirmed"), taken.text
    assert history(buyer, made["id"])[-1] == ("accept_change", None)
    assert taken.json()["needed_on"] == day


def test_a_cancellation_with_faults_cancels_nothing(buyer: Side, waiting: tuple[str, str]) -> None:
    id, number = waiting
    origin = "<cac:OriginatorDocumentReference><cbc:ID>1</cbc:ID></cac:OriginatorDocumentReference>"
    content = ubl.cancellation("AVR-1", seller=NORDLYS, note="x" * 2001, more=origin, id=number)
    assert failed(post(buyer, id, "cancellations", content)) == [
        "SAMVIRKE-ORDER /OrderCancellation/cac:OrderReference/cbc:ID",
        "SAMVIRKE-PARTY /OrderCancellation/cac:SellerSupplierParty/cac:Party",
        "SAMVIRKE-ID /OrderCancellation/cbc:ID",
        "SAMVIRKE-LENGTH /OrderCancellation/cbc:CancellationNote",
        "SAMVIRKE-NOT-TAKEN /OrderCancellation/cac:OriginatorDocumentReference",
    ]
    silent = failed(post(buyer, id, "cancellations", ubl.cancellation(number, note=" ")))
    assert silent == ["PEPPOL-COMMON-R001 /OrderCancellation/cbc:CancellationNote"]
    assert buyer.get(f"/call-offs/{id}").json()["state"] == "confirmed"


@pytest.mark.parametrize(
    ("name", "number", "change", "cancellation"),
    [
        ("reserved", "AVR-2026-000002", "not-told", "not-told"),
        ("sent", "AVR-2026-000001", "move-refused", None),
        ("declined", "AVR-2026-000006", "move-refused", "move-refused"),
        ("change-requested", "AVR-2026-000009", "move-refused", "move-refused"),
        ("in-delivery", "AVR-2026-000010", "move-refused", "move-refused"),
    ],
)
def test_what_the_state_does_not_allow_is_refused_as_over_json(
    buyer: Side, name: str, number: str, change: str, cancellation: str | None
) -> None:
    id = seed_id(f"call-off:{name}")
    before = history(buyer, str(id))
    refused = post(buyer, id, "changes", ubl.change(number, ubl.wanted("1", "3", "5")))
    assert (refused.status_code, refused.json()["type"]) == (409, f"/problems/{change}")
    if cancellation:
        refused = post(buyer, id, "cancellations", ubl.cancellation(number))
        assert (refused.status_code, refused.json()["type"]) == (409, f"/problems/{cancellation}")
    assert history(buyer, str(id)) == before


def test_only_the_order_s_own_buyer_amends_it(
    supplier: Side, waiting: tuple[str, str], api: TestClient, issuer: Issuer
) -> None:
    id, number = waiting
    for side in (supplier, Side(api, issuer, ALSTAHAUG)):
        assert post(side, id, "changes", ubl.change(number, ubl.wanted("1", "3", "5"))).status_code == 404
        assert post(side, id, "cancellations", ubl.cancellation(number)).status_code == 404


def test_each_message_is_taken_at_its_own_door(buyer: Side, waiting: tuple[str, str]) -> None:
    id, number = waiting
    for what, content in (
        ("changes", ubl.cancellation(number)),
        ("cancellations", ubl.change(number, ubl.wanted("1", "3", "5"))),
        ("changes", buyer.get(f"/call-offs/{id}/order.xml").content),
    ):
        refused = post(buyer, id, what, content)
        assert (refused.status_code, refused.json()["type"]) == (422, "/problems/message-unknown")


def test_what_is_taken_is_of_peppol_s_data_model() -> None:
    for transaction, taken in rules.TAKEN.items():
        for path in taken:
            assert any(known == path or known.startswith(f"{path}/") for known in ELEMENTS[transaction]), path
