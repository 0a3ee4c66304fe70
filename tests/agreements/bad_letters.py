"""Wrong questions for letters: which, of whose call-off, and what a preview lacks."""

from typing import Any

from services.chassis.values import seed_id
from tests.agreements.bad import FJORDVAKT, NORDLYS, OSLO, PERSON, SOMEBODY, Case

SENT = str(seed_id("call-off:sent"))
RESERVED = str(seed_id("call-off:reserved"))
LINE = {"item": "alarm", "quantity": 2}


def preview(name: str, status: int, *fails: str, of: str = SENT, who: str = "964983291", **body: Any) -> Case:
    return Case(name, "POST", f"/call-offs/{of}/letters/preview", status, fails, body, who)


def letter(name: str, fails: str, reference: str, of: str = SENT, who: str = "964983291") -> Case:
    return Case(name, "GET", f"/call-offs/{of}/letters/{reference}", 404, (fails,), None, who)


CASES = [
    preview("of a kind that nobody sends", 422, "invalid-request #/kind", kind="recall"),
    preview("in a language that there is no letter in", 422, "invalid-request #/language", kind="order", language="se"),
    preview("of somebody else's call-off", 404, "call-off-not-found", kind="order", who=OSLO),
    preview("before the supplier is told", 404, "call-off-not-found", kind="order", of=RESERVED, who=FJORDVAKT),
    preview(
        "of an order with more to say",
        422,
        "nothing-more-to-say #/lines",
        "nothing-more-to-say #/reason",
        "nothing-more-to-say #/needed_on",
        kind="order",
        lines=[LINE],
        reason=f"Til {PERSON}",
        needed_on="2029-07-01",
    ),
    preview(
        "of a wish that says nothing",
        422,
        "preview-lines-missing #/lines",
        "preview-reason-missing #/reason",
        kind="change_request",
    ),
    preview(
        "of a wish for what the supplier has not",
        422,
        "item-unknown #/lines/0/item",
        kind="change_request",
        lines=[{"item": "rakett", "quantity": 1}],
        reason="Prøve",
    ),
    preview(
        "of a complaint about what is not ordered",
        422,
        "nothing-more-to-say #/needed_on",
        "item-twice #/lines/1/item",
        "item-unknown #/lines/2/item",
        kind="complaint",
        lines=[LINE, LINE, {"item": "rakett", "quantity": 1}],
        reason="Prøve",
        needed_on="2029-07-01",
    ),
    letter("a letter that there is not", "letter-unknown", "call-off-0-order"),
    letter("another's letter", "call-off-not-found", f"call-off-{SENT}-order", who=NORDLYS),
    letter("of no call-off", "call-off-not-found", f"call-off-{SENT}-order", of=SOMEBODY),
]
