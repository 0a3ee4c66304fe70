"""Wrong deliveries, complaints, settlements and ends of an order."""

from typing import Any

from tests.agreements.bad import FJORDVAKT, NORDLYS, VEFSN, Case

REASON = {"reason": "Prøve av avslag"}


def lines(*wanted: tuple[str, int]) -> list[dict[str, Any]]:
    return [{"item": item, "quantity": quantity} for item, quantity in wanted]


def deliver(name: str, call_off: str, status: int, *fails: str, who: str = FJORDVAKT, **change: Any) -> Case:
    body = {"lines": lines(("alarm", 1)), "delivered_on": "{today}"} | change
    return Case(name, "POST", f"/call-offs/{{{call_off}}}/deliveries", status, fails, body, who)


def step(name: str, call_off: str, event: str, status: int, *fails: str, **more: Any) -> Case:
    sent: dict[str, Any] = {"body": REASON} | more
    return Case(name, "POST", f"/call-offs/{{{call_off}}}/{event}", status, fails, **sent)


CASES = [
    # Deliveries
    deliver(
        "before it was ordered, of what was not, one item twice",
        "in-delivery",
        422,
        "delivered-before-order #/delivered_on",
        "late-report-unexplained #/reason",
        "item-twice #/lines/1/item",
        "item-not-ordered #/lines/2/item",
        delivered_on="2019-01-01",
        lines=lines(("alarm", 1), ("alarm", 1), ("kamera", 1)),
    ),
    deliver(
        "on a day to come, too late, and too much",
        "in-delivery",
        422,
        "delivered-in-future #/delivered_on",
        "delivered-after-end #/delivered_on",
        "more-than-outstanding #/lines/0/quantity",
        delivered_on="2999-01-01",
        lines=lines(("alarm", 4)),
    ),
    deliver(
        "more than is left", "in-delivery", 409, "more-than-outstanding #/lines/0/quantity", lines=lines(("alarm", 4))
    ),
    deliver("nothing", "in-delivery", 422, "invalid-request #/lines", lines=[]),
    deliver("before it is confirmed", "sent", 409, "move-refused"),
    deliver("after the last", "delivered", 409, "move-refused"),
    deliver("while it is disputed", "disputed", 409, "move-refused"),
    deliver("by another supplier", "in-delivery", 404, "call-off-not-found", who=NORDLYS),
    deliver("by its buyer", "in-delivery", 404, "call-off-not-found", who="964983291"),
    Case(
        "without a key",
        "POST",
        "/call-offs/{in-delivery}/deliveries",
        400,
        ("idempotency-key-missing",),
        {"lines": lines(("alarm", 1)), "delivered_on": "{today}"},
        FJORDVAKT,
        headers={"Idempotency-Key": ""},
    ),
    Case(
        "by a token that may not deliver",
        "POST",
        "/call-offs/{in-delivery}/deliveries",
        403,
        ("scope-missing",),
        {"lines": lines(("alarm", 1)), "delivered_on": "{today}"},
        FJORDVAKT,
        ("agreements.read",),
    ),
    Case("read by a stranger", "GET", "/call-offs/{in-delivery}/deliveries", 404, ("call-off-not-found",), None, VEFSN),
    step("the rest ended before anything has come", "confirmed", "terminate-rest", 409, "move-refused"),
    step("the rest ended without a reason", "in-delivery", "terminate-rest", 422, "invalid-request #/reason", body={}),
    step(
        "the rest ended by its supplier",
        "in-delivery",
        "terminate-rest",
        404,
        "call-off-not-found",
        organisation=FJORDVAKT,
    ),
    # Complaints
    step("a complaint of nothing", "delivered", "complain", 422, "nothing-rejected #/lines"),
    step(
        "a complaint of more than came, twice, and of what never came",
        "delivered",
        "complain",
        409,
        "more-than-delivered #/lines/0/quantity",
        "rejected-twice #/lines/1/item",
        "not-delivered #/lines/2/item",
        body=REASON | {"lines": lines(("alarm", 5), ("alarm", 1), ("kamera", 1))},
    ),
    step("a complaint before the last has come", "in-delivery", "complain", 409, "move-refused"),
    step("a complaint without a reason", "delivered", "complain", 422, "invalid-request #/reason", body={}),
    step("a complaint by its supplier", "delivered", "complain", 404, "call-off-not-found", organisation=FJORDVAKT),
    step(
        "delivered anew though nobody complained", "delivered", "redeliver", 409, "move-refused", organisation=FJORDVAKT
    ),
    step("delivered anew by its buyer", "disputed", "redeliver", 404, "call-off-not-found"),
    # Acceptance, settlement and the end
    step("accepted before the last has come", "in-delivery", "accept", 409, "move-refused"),
    step("accepted while it is disputed", "disputed", "accept", 409, "move-refused"),
    step("accepted twice", "accepted", "accept", 409, "move-refused"),
    step("accepted by its supplier", "delivered", "accept", 404, "call-off-not-found", organisation=FJORDVAKT),
    step(
        "settled without a word of what was rejected",
        "disputed",
        "settle",
        422,
        "agreed-missing #/lines",
        body=REASON | {"lines": []},
    ),
    step(
        "settled for more than came and than it costs, twice, and of what never came",
        "disputed",
        "settle",
        409,
        "kept-more-than-delivered #/lines/0/quantity",
        "agreed-above-order #/lines/0/amount_excl_vat",
        "item-twice #/lines/1/item",
        "not-delivered #/lines/2/item",
        body=REASON
        | {
            "lines": [
                {"item": "alarm", "quantity": 9, "amount_excl_vat": "21600.01"},
                {"item": "alarm", "amount_excl_vat": "1.00"},
                {"item": "kamera", "amount_excl_vat": "1.00"},
            ]
        },
    ),
    step("settled though nobody complained", "delivered", "settle", 409, "move-refused", body=REASON | {"lines": []}),
    step("closed before it is accepted", "delivered", "close", 409, "move-refused"),
    step("closed while it is disputed", "disputed", "close", 409, "move-refused"),
    step("closed by its supplier", "accepted", "close", 404, "call-off-not-found", organisation=FJORDVAKT),
    step("cancelled after it was delivered", "delivered", "cancel", 409, "move-refused"),
]
