"""Wrong questions about what a basket would cost. What an order would be refused for is an answer there, no error."""

from typing import Any

from tests.agreements.bad import BRONNOY, DRAFT, NEEDED_ON, PERSON, RUNNING, Case

BASKET: dict[str, Any] = {
    "framework_agreement": RUNNING,
    "lot": "alarmer",
    "lines": [{"item": "alarm", "quantity": 3}],
    "needed_on": NEEDED_ON,
}


def quote(name: str, status: int, *fails: str, **change: Any) -> Case:
    return Case(name, "POST", "/call-offs/quote", status, fails, BASKET | change, BRONNOY)


CASES = [
    quote("of an agreement that is not there", 404, "framework-agreement-not-found", framework_agreement="ra-nei"),
    quote("of a foreign draft", 404, "framework-agreement-not-found", framework_agreement=DRAFT, lot="nettbrett"),
    quote("of a lot that is not there", 404, "lot-not-found", lot="annet"),
    quote(
        "of nothing, on no day",
        422,
        "invalid-request #/lines",
        "invalid-request #/needed_on",
        lines=[],
        needed_on="i mai",
    ),
    quote("for a person", 422, "invalid-request #/lines/0/item", lines=[{"item": f"{PERSON}!", "quantity": 1}]),
    Case("without a token", "POST", "/call-offs/quote", 401, ("token-missing",), BASKET, None),
    Case(
        "by a token that may neither read nor order",
        "POST",
        "/call-offs/quote",
        403,
        ("scope-missing",),
        BASKET,
        scopes=("agreements.supply",),
    ),
    Case("read as a call-off", "GET", "/call-offs/quote", 422, ("invalid-request id",)),
]
