"""Wrong requests about suppliers' places, their price lists and typed changes of an agreement."""

from typing import Any

from tests.agreements.bad import (
    BRONNOY,
    CHANGING,
    FJORDVAKT,
    HAVORN,
    NOBODY,
    NORDLYS,
    OPEN,
    OWNER,
    PLATFORM,
    RUNNING,
    SOMEBODY,
    Case,
)

PRICE: dict[str, Any] = {
    "item": "dorsensor",
    "name": {"nb": "Dørsensor"},
    "unit": "stk",
    "unit_price_excl_vat": "410.00",
    "vat_percent": "25",
}
PLACE: dict[str, Any] = {"lot": "sensorer", "supplier": HAVORN, "rank": 2, "prices": [PRICE]}
ALARMS, SUPERVISION = f"{{place:alarmer:{NORDLYS}}}", f"{{place:tilsyn:{NORDLYS}}}"
TRACKING, HOSTED = f"{{place:sporing:{HAVORN}}}", f"{{place:plattformer:{FJORDVAKT}}}"
WAITING, GONE = f"{{place:en:{FJORDVAKT}}}", f"{{place:en:{NORDLYS}}}"
REASON = {"reason": "Prøve"}


def award(name: str, status: int, *fails: str, slug: str = OPEN, who: str = OWNER, **change: Any) -> Case:
    return Case(name, "POST", f"/framework-agreements/{slug}/places", status, fails, PLACE | change, who)


def step(name: str, place: str, event: str, status: int, *fails: str, **more: Any) -> Case:
    path = f"/framework-agreements/{more.pop('slug', RUNNING)}/places/{place}/{event}"
    sent: dict[str, Any] = {"organisation": OWNER, "body": REASON} | more
    return Case(name, "POST", path, status, fails, **sent)


def propose(name: str, status: int, *fails: str, place: str | None = ALARMS, **more: Any) -> Case:
    slug, who, effective_on = more.pop("slug", RUNNING), more.pop("who", OWNER), more.pop("on", "2029-01-01")
    change = {"kind": "item_price_variation", "factor": "1.03"} | more
    if place:
        change["place"] = place
    if change["kind"] != "item_price_variation":
        del change["factor"]
    body = {"change": change, "effective_on": effective_on, "reason": "Prøve"}
    return Case(name, "POST", f"/framework-agreements/{slug}/changes", status, fails, body, who)


def answer(name: str, event: str, status: int, *fails: str, **more: Any) -> Case:
    path = f"/framework-agreements/{CHANGING}/changes/{more.pop('id', '{change}')}/{event}"
    return Case(name, "POST", path, status, fails, **{"organisation": OWNER, "body": REASON} | more)


def index(month: str, value: str = "139.1") -> dict[str, Any]:
    return {"kind": "third_party", "month": month, "index_value": value, "source": "Fiktivt tall"}


CASES = [
    # Giving a place
    award(
        "a place in an agreement that runs, with all else wrong",
        409,
        "places-closed",
        "ceiling-invalid #/ceiling_excl_vat",
        "price-item-repeated #/prices/1/item",
        "change-bounds-invalid #/lowest_factor",
        slug=RUNNING,
        lot="alarmer",
        ceiling_excl_vat="99000000.00",
        prices=[PRICE, PRICE],
        lowest_factor="1.1",
    ),
    award("a rank that is taken", 409, "place-taken", rank=1),
    award("a place twice", 409, "place-taken", supplier=NORDLYS),
    award("a lot that is not there", 404, "lot-not-found", lot="annet"),
    award("a supplier that is not there", 422, "organisation-unknown #/supplier", supplier=NOBODY),
    award(
        "products that are not there",
        422,
        "product-unknown #/prices/0/product",
        "product-unknown #/prices/1/product",
        prices=[PRICE | {"product": "nei"}, PRICE | {"item": "b", "product": "heller-ikke"}],
    ),
    award(
        "an item without a maximum, by an index and bounds that were not announced",
        409,
        "item-without-maximum #/prices/0/item",
        "change-bounds-invalid #/lowest_factor",
        "change-bounds-invalid #/highest_factor",
        "index-clause-not-announced #/index_clause",
        slug="ra-vindu",
        lot="en",
        lowest_factor="0.5",
        highest_factor="2",
        index_clause={
            "index": "KPI",
            "base_month": "2026-01",
            "base_value": "100",
            "share_percent": "80",
            "earliest_on": "2028-01-01",
        },
    ),
    award("a place by a participant", 403, "not-owner", who=BRONNOY),
    award(
        "a price below nothing, and a rank that is none",
        422,
        "invalid-request #/rank",
        "invalid-request #/prices/0/unit_price_excl_vat",
        rank=0,
        prices=[PRICE | {"unit_price_excl_vat": "-1.00"}],
    ),
    # A place's steps
    step(
        "suspended to a day that has passed",
        ALARMS,
        "suspend",
        422,
        "suspension-day-invalid #/until_on",
        body=REASON | {"until_on": "2020-01-01"},
    ),
    step(
        "suspended without a reason or a day",
        ALARMS,
        "suspend",
        422,
        "invalid-request #/until_on",
        "invalid-request #/reason",
        body={},
    ),
    step(
        "suspended by another supplier",
        ALARMS,
        "suspend",
        403,
        "not-owner",
        organisation=FJORDVAKT,
        body=REASON | {"until_on": "2029-01-01"},
    ),
    step("reinstated though it is active", ALARMS, "reinstate", 409, "move-refused"),
    step("terminated without a reason", ALARMS, "terminate", 422, "reason-missing", body={}),
    step("terminated by itself", ALARMS, "terminate", 403, "not-this-supplier", organisation=NORDLYS),
    step("withdrawn by another supplier", ALARMS, "withdraw", 403, "not-this-supplier", organisation=FJORDVAKT),
    step(
        "withdrawn when it is terminated", GONE, "withdraw", 409, "move-refused", slug="ra-scene", organisation=NORDLYS
    ),
    step("a place that is not there", SOMEBODY, "terminate", 404, "place-not-found"),
    Case(
        "a price list that is not there",
        "GET",
        f"/framework-agreements/{RUNNING}/price-lists/{SOMEBODY}",
        404,
        ("place-not-found",),
    ),
    Case(
        "a price list of no day",
        "GET",
        f"/framework-agreements/{RUNNING}/price-lists/{ALARMS}?on=2029-02-30",
        422,
        ("invalid-request ?on",),
    ),
    # Typed changes of an agreement
    propose("prices far beyond the bounds", 409, "large-change", "large-change", factor="1.2"),
    propose(
        "prices of nothing", 409, "price-not-positive", "large-change", slug=PLATFORM, place=HOSTED, factor="0.0001"
    ),
    propose(
        "items that are not on the list",
        422,
        "item-not-listed #/change/items/0",
        "item-not-listed #/change/items/1",
        items=["x", "y"],
    ),
    propose("a day that has passed", 422, "effective-day-invalid #/effective_on", on="2020-01-01"),
    propose("a day after the agreement", 422, "effective-day-invalid #/effective_on", on="2099-01-01"),
    propose(
        "a rate of VAT that no price has",
        409,
        "rate-not-listed",
        place=None,
        kind="tax_rate",
        from_vat_percent="15",
        to_vat_percent="12",
    ),
    propose("an index where none is agreed", 409, "no-index-clause", **index("2026-10")),
    propose(
        "an index too early, of a month too late",
        422,
        "index-month-invalid #/change/month",
        "index-clause-waits",
        "large-change",
        slug="ra-scene",
        place=WAITING,
        on="2027-06-01",
        **index("2027-07"),
    ),
    propose("another supplier's prices", 403, "not-party-to-change", who=FJORDVAKT),
    propose(
        "everybody's VAT, by a supplier",
        403,
        "not-party-to-change",
        who=NORDLYS,
        place=None,
        kind="tax_rate",
        from_vat_percent="25",
        to_vat_percent="12",
    ),
    propose("prices of a place that is gone", 409, "place-not-held", slug="ra-scene", place=GONE, on="2027-06-01"),
    propose(
        "a change before the award", 409, "agreement-not-changeable", slug=OPEN, place=f"{{place:sensorer:{NORDLYS}}}"
    ),
    propose(
        "an extension that was not announced",
        409,
        "extension-not-announced #/change/ends_on",
        place=None,
        kind="extension",
        ends_on="2031-01-31",
    ),
    propose("a second change", 409, "change-pending", slug=CHANGING, place=TRACKING),
    propose("a change that is of no kind", 422, "invalid-request #/change", kind="gave"),
    answer("signed on a day to come", "activate", 422, "signing-invalid #/signed_on", body={"signed_on": "2999-01-01"}),
    answer(
        "activated by a participant",
        "activate",
        403,
        "not-owner",
        body={"signed_on": "2026-11-20"},
        organisation=BRONNOY,
    ),
    answer("cancelled by who does not see it", "cancel", 404, "change-not-found", organisation=FJORDVAKT),
    answer("cancelled by who sees it", "cancel", 403, "not-party-to-change", organisation=BRONNOY),
    answer("cancelled without a reason", "cancel", 422, "invalid-request #/reason", body={}),
    answer(
        "a change that is not there", "activate", 404, "change-not-found", id=SOMEBODY, body={"signed_on": "2026-11-20"}
    ),
]
