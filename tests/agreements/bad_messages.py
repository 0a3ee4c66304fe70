"""Wrong requests about order messages: no message, what a call-off does not tell, wrong answers in UBL, and
wrong changes and cancellations."""

from tests.agreements.bad import ALSTAHAUG, BRONNOY, FJORDVAKT, NORDLYS, PERSON, SOMEBODY, Case
from tests.agreements.messages import ubl


def answer(name: str, status: int, *fails: str, content: bytes, call_off: str = "sent", **more: str) -> Case:
    who, media = more.get("organisation", FJORDVAKT), more.get("media", "application/xml")
    path = f"/call-offs/{{{call_off}}}/order-responses"
    return Case(name, "POST", path, status, fails, organisation=who, content=content, media=media)


def amend(name: str, what: str, status: int, *fails: str, content: bytes, **more: str) -> Case:
    path = f"/call-offs/{{{more.get('call_off', 'confirmed')}}}/order-{what}"
    who, media = more.get("organisation", BRONNOY), more.get("media", "application/xml")
    return Case(name, "POST", path, status, fails, organisation=who, content=content, media=media)


def read(name: str, path: str, status: int, *fails: str) -> Case:
    return Case(name, "GET", f"/call-offs/{path}", status, fails)


RIGHT = ubl.response("AVR-2026-000001", "AP")
MORE = ubl.change("AVR-2026-000005", ubl.wanted("1", "3", "5"))
END = ubl.cancellation("AVR-2026-000005")
CASES = [
    answer("an answer that is JSON", 415, "message-media-type-unknown", content=b"{}", media="application/json"),
    answer("an answer that is no XML", 400, "not-xml", content=b"AP"),
    answer("an answer with an entity", 400, "not-xml", content=b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"),
    answer("an answer that is something else", 422, "message-unknown", content=b"<a/>"),
    answer("an answer that is too large", 413, "message-too-large", content=b" " * 1_100_000),
    answer("an answer by another supplier", 404, "call-off-not-found", content=RIGHT, organisation=NORDLYS),
    answer("an answer to what is not sent", 404, "call-off-not-found", content=RIGHT, call_off="approved"),
    answer(
        "an answer for somebody by a personal number",
        422,
        "message-rule-broken",
        "message-rule-broken",
        "message-rule-broken",
        content=ubl.response("AVR-2026-000001", "AP", buyer=PERSON, change=PERSON),
    ),
    amend(
        "a change that is JSON", "changes", 415, "message-media-type-unknown", content=b"{}", media="application/json"
    ),
    amend("a change that is no XML", "changes", 400, "not-xml", content=b"3"),
    amend("a change that is a cancellation", "changes", 422, "message-unknown", content=END),
    amend("a cancellation that is a change", "cancellations", 422, "message-unknown", content=MORE),
    amend("a change by another", "changes", 404, "call-off-not-found", content=MORE, organisation=ALSTAHAUG),
    amend("a change by the supplier", "changes", 404, "call-off-not-found", content=MORE, organisation=FJORDVAKT),
    amend("a change of what is not sent", "changes", 409, "not-told", content=MORE, call_off="approved"),
    amend("a change of what is under way", "changes", 409, "move-refused", content=MORE, call_off="in-delivery"),
    amend("a cancellation of what is not sent", "cancellations", 409, "not-told", content=END, call_off="reserved"),
    amend("a cancellation of what has come", "cancellations", 409, "move-refused", content=END, call_off="delivered"),
    amend(
        "a change to prices that are not the order's",
        "changes",
        422,
        "message-rule-broken",
        "price-differs",
        content=ubl.change(
            "AVR-2026-000005",
            ubl.wanted("1", "3", "5", price="1.00", amount="5.00"),
            reference=PERSON,
        ),
    ),
    amend(
        "a change that says nothing else",
        "changes",
        422,
        "nothing-changed",
        content=ubl.change("AVR-2026-000005", ubl.wanted("1", "4", "4")),
    ),
    read("an order that is not sent", "{reserved}/order.xml", 409, "not-told"),
    read("a message that is none", f"{{sent}}/order-messages/{SOMEBODY}", 404, "order-message-not-found"),
    read("an order in a process of none", "{sent}/order.xml?profile=billing", 422, "invalid-request ?profile"),
    read("an order in a process that it is not in", "{sent}/order.xml?profile=order_only", 409, "not-in-profile"),
]
