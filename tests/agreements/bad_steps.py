"""Wrong steps of a call-off, and wrong changes of an order."""

from typing import Any

from tests.agreements.bad import (
    ALSTAHAUG,
    FJORDVAKT,
    HEROY,
    LEIRFJORD,
    NORDLYS,
    SOMEBODY,
    VEFSN,
    Case,
)

CHOICE: dict[str, Any] = {"supplier": NORDLYS, "conditions": ["integrasjon"], "reason": "Eneste som passer (fiktivt)."}
REASON = {"reason": "Prøve av avslag"}


def step(name: str, call_off: str, event: str, status: int, *fails: str, **more: Any) -> Case:
    sent: dict[str, Any] = {"body": {}} | more
    return Case(name, "POST", f"/call-offs/{{{call_off}}}/{event}", status, fails, **sent)


def supplier(name: str, call_off: str, event: str, status: int, *fails: str, **body: Any) -> Case:
    return step(name, call_off, event, status, *fails, organisation=FJORDVAKT, body=body)


def lines(*wanted: tuple[str, int], price: str | None = None) -> list[dict[str, Any]]:
    more = {"unit_price_excl_vat": price} if price else {}
    return [{"item": item, "quantity": quantity} | more for item, quantity in wanted]


CASES = [
    # Before it is sent
    step("edited after it was sent", "sent", "edit", 409, "move-refused", body={"lines": lines(("alarm", 1))}),
    step("edited to nothing", "reserved", "edit", 422, "invalid-request #/lines", body={"lines": []}),
    step("reserved twice", "reserved", "reserve", 409, "move-refused"),
    step(
        "a draft reserved with a choice",
        "draft",
        "reserve",
        422,
        "documented-choice-not-allowed #/documented_choice",
        body={"documented_choice": CHOICE},
    ),
    step("approved when it is sent", "sent", "approve", 409, "move-refused"),
    step("approved by a token that may not", "reserved", "approve", 403, "scope-missing", scopes=("agreements.order",)),
    step("approved by a stranger", "reserved", "approve", 404, "call-off-not-found", organisation=VEFSN),
    step(
        "approved twice by one of several", "half-approved", "approve", 409, "already-approved", organisation=ALSTAHAUG
    ),
    step(
        "approved by one whose share needs none", "half-approved", "approve", 403, "not-payer", organisation=LEIRFJORD
    ),
    step("sent before all have approved", "half-approved", "send", 409, "move-refused", organisation=ALSTAHAUG),
    step("sent by one who only pays", "half-approved", "send", 404, "call-off-not-found", organisation=HEROY),
    step("no approval taken back", "reserved", "revoke-approval", 409, "move-refused"),
    step("sent before it is approved", "reserved", "send", 409, "move-refused"),
    step("sent by its supplier", "approved", "send", 404, "call-off-not-found", organisation=FJORDVAKT),
    Case("an id that nothing has", "POST", f"/call-offs/{SOMEBODY}/send", 404, ("call-off-not-found",), {}),
    # The supplier's answer
    supplier("acknowledged before it is sent", "approved", "acknowledge", 404, "call-off-not-found"),
    supplier("acknowledged after it was confirmed", "confirmed", "acknowledge", 409, "move-refused"),
    supplier("confirmed twice", "confirmed", "confirm", 409, "move-refused"),
    step("confirmed by another supplier", "sent", "confirm", 404, "call-off-not-found", organisation=NORDLYS),
    step("confirmed by its buyer", "sent", "confirm", 404, "call-off-not-found"),
    supplier(
        "declined on a ground of its own", "sent", "decline", 422, "ground-unknown #/ground", ground="dyrt", **REASON
    ),
    supplier("declined without a reason", "sent", "decline", 422, "invalid-request #/reason"),
    supplier("declined after it was confirmed", "confirmed", "decline", 409, "move-refused", **REASON),
    # After a refusal
    step("another supplier though none has declined", "sent", "next-supplier", 409, "move-refused"),
    step("another supplier without a choice", "declined", "next-supplier", 409, "choice-not-open"),
    step(
        "another supplier by a condition that was not announced",
        "declined",
        "next-supplier",
        422,
        "condition-unknown #/documented_choice/conditions/0",
        "supplier-without-place #/documented_choice/supplier",
        body={"documented_choice": CHOICE | {"conditions": ["pris"], "supplier": "100000059"}},
    ),
    step(
        "the same supplier once more",
        "declined",
        "next-supplier",
        409,
        "no-supplier",
        body={"documented_choice": CHOICE | {"supplier": FJORDVAKT}},
    ),
    step("cancelled when it was declined", "declined", "cancel", 409, "move-refused"),
    step("cancelled while a change waits for an answer", "change-requested", "cancel", 409, "move-refused"),
    step("cancelled by its supplier", "sent", "cancel", 404, "call-off-not-found", organisation=FJORDVAKT),
    # The supplier's change
    supplier(
        "a proposal after it was confirmed",
        "confirmed",
        "propose-change",
        409,
        "move-refused",
        lines=lines(("alarm", 3)),
        **REASON,
    ),
    supplier(
        "a proposal of the same",
        "sent",
        "propose-change",
        422,
        "nothing-changed",
        lines=lines(("alarm", 10), ("montering", 10)),
        **REASON,
    ),
    supplier(
        "a proposal that is dearer, an item twice and one that it has not",
        "sent",
        "propose-change",
        422,
        "price-above-list #/lines/0/unit_price_excl_vat",
        "item-twice #/lines/1/item",
        "item-unknown #/lines/2/item",
        lines=lines(("alarm", 3), ("alarm", 3), ("kamera", 1), price="2400.01"),
        **REASON,
    ),
    supplier(
        "a proposal without a reason",
        "sent",
        "propose-change",
        422,
        "invalid-request #/reason",
        lines=lines(("alarm", 3)),
    ),
    step(
        "a proposal by its buyer",
        "sent",
        "propose-change",
        404,
        "call-off-not-found",
        body=REASON | {"lines": lines(("alarm", 3))},
    ),
    step("nothing accepted", "sent", "accept-change", 409, "move-refused"),
    step("nothing refused", "confirmed", "refuse-change", 409, "move-refused"),
    supplier("its own proposal accepted", "change-proposed", "accept-change", 404, "call-off-not-found"),
    # The buyer's change
    step(
        "a change before it is confirmed",
        "sent",
        "buyer-change",
        409,
        "move-refused",
        body=REASON | {"lines": lines(("alarm", 3))},
    ),
    step(
        "more than is approved, by one who may not approve",
        "confirmed",
        "buyer-change",
        403,
        "increase-not-approved",
        body=REASON | {"lines": lines(("alarm", 300))},
        scopes=("agreements.order",),
    ),
    step(
        "more than another municipality has approved its share of",
        "shared",
        "buyer-change",
        409,
        "shares-not-approved",
        organisation=ALSTAHAUG,
        body=REASON | {"lines": lines(("alarm", 400))},
    ),
    step(
        "so much more that it would be awarded otherwise",
        "advice",
        "buyer-change",
        409,
        "other-method",
        body=REASON | {"lines": lines(("radgivertime", 700))},
    ),
    step(
        "more from one whose place is suspended",
        "paused",
        "buyer-change",
        409,
        "place-not-open",
        body=REASON | {"lines": lines(("ting", 4))},
    ),
    step(
        "a change to a day that has passed",
        "confirmed",
        "buyer-change",
        422,
        "needed-too-early #/needed_on",
        body=REASON | {"lines": lines(("alarm", 4)), "needed_on": "2020-01-01"},
    ),
    supplier("a change confirmed that nobody asked for", "confirmed", "change-confirmed", 409, "move-refused"),
    step("its own change confirmed", "change-requested", "change-confirmed", 404, "call-off-not-found"),
]
