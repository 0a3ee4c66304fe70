"""Wrong questions to the ledger, and wrong corrections of it."""

from typing import Any

from tests.agreements.bad import BRONNOY, FJORDVAKT, OWNER, RUNNING, SOMEBODY, VEFSN, Case

REASON = {"reason": "Prøve av avslag"}
PERIOD = "effective_from_on=2026-01-01&effective_to_on=2026-12-31"


def reverse(name: str, entry: str, status: int, *fails: str, who: str = BRONNOY, **more: Any) -> Case:
    path = f"/ledger/entries/{entry}/reverse"
    return Case(name, "POST", path, status, fails, REASON | more.pop("body", {}), who, **more)


def read(name: str, path: str, status: int, *fails: str, **more: Any) -> Case:
    return Case(name, "GET", f"/ledger/{path}", status, fails, **more)


CASES = [
    # Reading
    read(
        "a lot of no agreement, a period backwards, and what will be known",
        "entries?lot=alarmer&effective_from_on=2026-02-01&effective_to_on=2026-01-01&known_at=2999-01-01T00:00:00Z",
        422,
        "lot-without-agreement ?lot",
        "period-backwards ?effective_to_on",
        "recorded-in-future ?known_at",
    ),
    read(
        "entries of an agreement that is not there",
        "entries?framework_agreement=ra-nei",
        404,
        "framework-agreement-not-found",
    ),
    read("entries of a kind that is none", "entries?kind=gift", 422, "invalid-request ?kind/0"),
    read("entries without a token", "entries", 401, "token-missing", organisation=None),
    read("an entry that is not there", f"entries/{SOMEBODY}", 404, "entry-not-found"),
    read("another municipality's entry", "entries/{mistaken posting}", 404, "entry-not-found", organisation=VEFSN),
    read("spend of all agreements without a period", "spend?by=month", 422, "period-missing"),
    read(
        "spend of more than a year",
        "spend?by=month&effective_from_on=2020-01-01&effective_to_on=2026-01-01",
        422,
        "period-missing",
    ),
    read("spend by nothing", f"spend?{PERIOD}", 422, "invalid-request ?by"),
    read("who bought what, openly", f"spend?by=buyer&{PERIOD}", 401, "token-missing", organisation=None),
    read(
        "who bought what, by one that may not read",
        f"spend?by=buyer&{PERIOD}",
        403,
        "scope-missing",
        scopes=("agreements.order",),
    ),
    read("a proof of another's ledger", f"proof?framework_agreement={RUNNING}", 403, "not-your-ledger"),
    # Correcting
    reverse("a posting by its supplier", "{mistaken posting}", 403, "not-your-posting", who=FJORDVAKT),
    reverse("another municipality's posting", "{mistaken posting}", 404, "entry-not-found", who=VEFSN),
    reverse("what was only reserved", "{reservation}", 409, "not-reversible"),
    reverse(
        "a reversal, from a day to come",
        "{reversal}",
        409,
        "reversal-final",
        "reversal-in-future #/effective_on",
        body={"effective_on": "2999-01-01"},
    ),
    reverse("a posting twice", "{reversed}", 409, "reversed-already", who=OWNER),
    reverse(
        "from before it was posted, without a word",
        "{mistaken posting}",
        422,
        "reversal-before-entry #/effective_on",
        "back-dating-unexplained #/back_dating_reason",
        body={"effective_on": "2000-01-01"},
    ),
    reverse(
        "more than is reserved instead, an item twice, and one that was not ordered",
        "{mistaken posting}",
        409,
        "correction-exceeds #/post_instead/0",
        "correction-item-twice #/post_instead/1/item",
        "correction-item-unknown #/post_instead/2/item",
        body={
            "post_instead": [
                {"item": item, "quantity": 6, "amount_excl_vat": "1.00"} for item in ("alarm", "alarm", "kamera")
            ]
        },
    ),
    reverse(
        "all that was ordered, when one never came",
        "{posting of three}",
        409,
        "correction-undelivered #/post_instead/0/quantity",
        body={"post_instead": [{"item": "alarm", "quantity": 4, "amount_excl_vat": "9600.00"}]},
    ),
    reverse("without a key", "{mistaken posting}", 400, "idempotency-key-missing", headers={"Idempotency-Key": ""}),
    reverse(
        "by one that may neither order nor manage",
        "{mistaken posting}",
        403,
        "scope-missing",
        scopes=("agreements.read",),
    ),
    Case("an entry taken away", "DELETE", "/ledger/entries/{mistaken posting}", 405, ("about:blank",)),
]
