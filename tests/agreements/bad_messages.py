"""Wrong requests about order messages: no message, what a call-off does not tell, and wrong answers in UBL."""

from tests.agreements.bad import FJORDVAKT, NORDLYS, PERSON, SOMEBODY, Case
from tests.agreements.messages import ubl


def answer(name: str, status: int, *fails: str, content: bytes, call_off: str = "sent", **more: str) -> Case:
    who, media = more.get("organisation", FJORDVAKT), more.get("media", "application/xml")
    path = f"/call-offs/{{{call_off}}}/order-responses"
    return Case(name, "POST", path, status, fails, organisation=who, content=content, media=media)


def read(name: str, path: str, status: int, *fails: str) -> Case:
    return Case(name, "GET", f"/call-offs/{path}", status, fails)


RIGHT = ubl.response("AVR-2026-000001", "AP")
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
    read("an order that is not sent", "{reserved}/order.xml", 409, "not-told"),
    read("a message that is none", f"{{sent}}/order-messages/{SOMEBODY}", 404, "order-message-not-found"),
    read("an order in a process of none", "{sent}/order.xml?profile=billing", 422, "invalid-request ?profile"),
    read("an order in a process that it is not in", "{sent}/order.xml?profile=order_only", 409, "not-in-profile"),
]
