"""Wrong orders: who may call off, when, of what, from whom, and who shares."""

from typing import Any

from tests.agreements.bad import (
    ALSTAHAUG,
    BRONNOY,
    DRAFT,
    FJORDVAKT,
    HAVORN,
    HEROY,
    NEEDED_ON,
    NORDLYS,
    OSLO,
    OVER,
    PERSON,
    PLATFORM,
    RUNNING,
    SOMEBODY,
    VEFSN,
    Case,
)

ORDER: dict[str, Any] = {
    "framework_agreement": RUNNING,
    "lot": "alarmer",
    "lines": [{"item": "alarm", "quantity": 3}],
    "needed_on": NEEDED_ON,
}
CHOICE: dict[str, Any] = {"supplier": NORDLYS, "conditions": ["integrasjon"], "reason": "Eneste som passer (fiktivt)."}
EQUAL: dict[str, Any] = {"key": {"kind": "equal"}}


def place(name: str, status: int, *fails: str, who: str = BRONNOY, **change: Any) -> Case:
    return Case(name, "POST", "/call-offs", status, fails, ORDER | change, who)


def of(agreement: str, lot: str, item: str, quantity: int = 1) -> dict[str, Any]:
    return {"framework_agreement": agreement, "lot": lot, "lines": [{"item": item, "quantity": quantity}]}


def shared(*numbers: str, **more: Any) -> dict[str, Any]:
    return {"cost_sharing": EQUAL | {"members": [{"organisation_number": one} for one in numbers]} | more}


CASES = [
    # Who, and when
    place("by one that the notice does not name", 403, "not-entitled", who=OSLO),
    place("by one that has not acceded", 403, "accession-not-active", who=ALSTAHAUG, **of("ra-scene", "en", "ting")),
    place(
        "by an outsider, of what is over, too late, of nothing that it has",
        403,
        "not-entitled",
        "agreement-not-open",
        "outside-period",
        "delivery-too-late #/needed_on",
        "item-unknown #/lines/0/item",
        who=OSLO,
        **of(OVER, "svitsjer", "ruter"),
    ),
    place("of an agreement that was terminated", 409, "agreement-not-open", **of("ra-slutt", "alt", "ting")),
    place("needed in the past", 422, "needed-too-early #/needed_on", needed_on="2020-01-01"),
    place("needed long after the agreement", 409, "delivery-too-late #/needed_on", needed_on="2035-01-01"),
    Case(
        "by a token that may not order",
        "POST",
        "/call-offs",
        403,
        ("scope-missing",),
        ORDER,
        scopes=("agreements.read",),
    ),
    # Of what
    place(
        "an item twice, and two that nobody has",
        422,
        "item-twice #/lines/1/item",
        "item-unknown #/lines/2/item",
        "item-unknown #/lines/3/item",
        lines=[{"item": one, "quantity": 1} for one in ("alarm", "alarm", "x", "y")],
    ),
    place(
        "quantities that are none",
        422,
        "invalid-request #/lines/0/quantity",
        "invalid-request #/lines/1/quantity",
        lines=[{"item": "alarm", "quantity": 0}, {"item": "montering", "quantity": 1.5}],
    ),
    place(
        "a price brought along",
        422,
        "invalid-request #/lines/0/unit_price",
        lines=[{"item": "alarm", "quantity": 1, "unit_price": "1.00"}],
    ),
    place("no lines", 422, "invalid-request #/lines", lines=[]),
    place("a lot that is not there", 404, "lot-not-found", lot="annet"),
    place("an agreement that is not there", 404, "framework-agreement-not-found", framework_agreement="ra-nei"),
    place(
        "from a foreign draft",
        404,
        "framework-agreement-not-found",
        framework_agreement=DRAFT,
        lot="nettbrett",
    ),
    place("more than is left of the lot", 409, "ceiling-exceeded", lines=[{"item": "alarm", "quantity": 7500}]),
    # From whom
    place("what only an uncertified product would do", 409, "not-certified", **of("ra-scene", "sertifisert", "ting")),
    place("from one whose maximum is nothing", 409, "no-supplier", **of("ra-scene", "full", "ting")),
    place("from one whose place is suspended", 409, "no-supplier", **of("ra-scene", "pause", "ting")),
    place(
        "so much that a competition is due",
        409,
        "mini-competition-needed",
        **of(PLATFORM, "radgivning", "radgivertime", 900),
    ),
    place(
        "a choice that is not documented",
        422,
        "documented-choice-missing #/documented_choice",
        **of(PLATFORM, "plattformer", "plattform"),
    ),
    place(
        "a choice where the ranking decides",
        422,
        "documented-choice-not-allowed #/documented_choice",
        documented_choice=CHOICE,
    ),
    place(
        "a choice by conditions of one's own, of one without a place",
        422,
        "condition-unknown #/documented_choice/conditions/0",
        "condition-unknown #/documented_choice/conditions/2",
        "supplier-without-place #/documented_choice/supplier",
        documented_choice=CHOICE | {"supplier": "100000059", "conditions": ["pris", "integrasjon", "fart"]},
        **of(PLATFORM, "plattformer", "plattform"),
    ),
    place(
        "a choice of a person",
        422,
        "invalid-request #/documented_choice/supplier",
        documented_choice=CHOICE | {"supplier": PERSON},
    ),
    # Who shares
    place(
        "for those that one does not order for",
        409,
        "member-not-covered #/cost_sharing/members/1",
        "member-not-covered #/cost_sharing/members/2",
        who=ALSTAHAUG,
        **shared(ALSTAHAUG, VEFSN, BRONNOY),
    ),
    place("shared by one alone", 422, "invalid-request #/cost_sharing/members", who=ALSTAHAUG, **shared(ALSTAHAUG)),
    place(
        "shared by percentages that are not a hundred, one of them twice",
        422,
        "member-twice #/cost_sharing/members/2",
        "percentages-wrong #/cost_sharing/key/percentages",
        who=ALSTAHAUG,
        **shared(ALSTAHAUG, HEROY, HEROY, key={"kind": "percentages", "percentages": {ALSTAHAUG: "99"}}),
    ),
    # Once
    Case(
        "without a key of its own",
        "POST",
        "/call-offs",
        400,
        ("idempotency-key-missing",),
        ORDER,
        headers={"Idempotency-Key": ""},
    ),
    Case(
        "by a key that another order has",
        "POST",
        "/call-offs",
        422,
        ("idempotency-key-reused",),
        ORDER,
        headers={"Idempotency-Key": "{used key}"},
    ),
    Case("without a token", "POST", "/call-offs", 401, ("token-missing",), ORDER, None),
    # Reading
    Case("one that is not there", "GET", f"/call-offs/{SOMEBODY}", 404, ("call-off-not-found",)),
    Case("another municipality's", "GET", "/call-offs/{sent}", 404, ("call-off-not-found",), organisation=VEFSN),
    Case("another supplier's", "GET", "/call-offs/{sent}", 404, ("call-off-not-found",), organisation=NORDLYS),
    Case(
        "one that its supplier has not been told of",
        "GET",
        "/call-offs/{reserved}",
        404,
        ("call-off-not-found",),
        organisation=FJORDVAKT,
    ),
    Case(
        "another's explanation",
        "GET",
        "/call-offs/{sent}/explanation",
        404,
        ("call-off-not-found",),
        organisation=HAVORN,
    ),
    Case("a letter that is not made", "GET", "/call-offs/{reserved}/letter", 404, ("letter-not-made",)),
    Case("the shares of what one pays alone", "GET", "/call-offs/{sent}/shares", 404, ("not-shared",)),
    Case("a state that is none", "GET", "/call-offs?state=lost", 422, ("invalid-request ?state",)),
    Case("a person as an id", "GET", f"/call-offs/{PERSON}", 422, ("invalid-request id",)),
]
