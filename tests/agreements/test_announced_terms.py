"""What is announced of maxima, of how prices may change and of extensions binds everything that comes later."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from fastapi.testclient import TestClient

from services.agreements.frameworks import rules as frameworks
from services.agreements.frameworks import store as framework_store
from services.agreements.frameworks.rules import Maximum, Period, State
from services.agreements.places import rules as places
from services.agreements.price_terms import rules as price_terms
from services.agreements.price_terms.rules import DEFAULT, Bounds, Clause
from services.chassis.clock import today
from tests.agreements.conftest import BRONNOY, FJORDVAKT, JOINT_UNIT, NORDLYS
from tests.conftest import state
from tests.issuer import Issuer

D = Decimal
SLUG = "ra-2026-vilkaar"
PATH = f"/framework-agreements/{SLUG}"
INDEX = {
    "index": "KPI-JAE (fiktive tall)",
    "base_month": "2026-01",
    "base_value": "135.2",
    "share_percent": "80.00",
    "earliest_on": "2026-11-01",
}
SIGNED = {"signed_on": today().isoformat()}


def ends_on(years: int) -> str:
    return (today().replace(day=1) + timedelta(days=365 * years)).isoformat()


def announced(**terms: Any) -> dict[str, Any]:
    lot = {
        "slug": "en",
        "title": {"nb": "En"},
        "bands": [{"from_excl_vat": "0.00", "method": "ranking"}],
        "index_clause": INDEX,
        "lowest_factor": "0.95",
        "highest_factor": "1.05",
    }
    return {
        "slug": SLUG,
        "title": {"nb": "Prøve (fiktiv)"},
        "notice_reference": "2026-1 (fiktiv)",
        "cpv": ["48000000"],
        "starts_on": today().isoformat(),
        "ends_on": ends_on(1),
        "extensions": [ends_on(2), ends_on(3)],
        "estimate_excl_vat": "800.00",
        "ceiling_excl_vat": "1000.00",
        "approval_limit_excl_vat": "500.00",
        "accession_from_on": today().isoformat(),
        "accession_to_on": ends_on(1),
        "lots": [lot | terms.pop("lot", {})],
        "participants": [{"organisation_number": BRONNOY}],
    } | terms


def place(**terms: Any) -> dict[str, Any]:
    price = {"item": "ting", "name": {"nb": "Ting"}, "unit": "stk", "unit_price_excl_vat": "100.00"}
    return {"lot": "en", "supplier": FJORDVAKT, "rank": 1, "prices": [price | {"vat_percent": "25"}]} | terms


@pytest.fixture
def owner(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(JOINT_UNIT, "agreements.manage", "agreements.read")


def told(answer: Any) -> list[tuple[str, str | None]]:
    found = answer.json()
    return [(one["type"].removeprefix("/problems/"), one.get("pointer")) for one in found.get("errors", [found])]


def step(api: TestClient, owner: dict[str, str], *names: str) -> None:
    for name in names:
        answer = api.post(f"{PATH}/{name}", json={}, headers=owner)
        assert answer.status_code == 200, answer.text


def register(api: TestClient, owner: dict[str, str], **terms: Any) -> dict[str, Any]:
    made = api.post("/framework-agreements", json=announced(**terms), headers=owner)
    assert made.status_code == 201, made.text
    step(api, owner, "announce")
    shown: dict[str, Any] = made.json()
    return shown


def change(api: TestClient, headers: dict[str, str], change: dict[str, Any], on: date | None = None) -> Any:
    body = {"change": change, "effective_on": (on or today()).isoformat(), "reason": "Avtalt (fiktivt)"}
    return api.post(f"{PATH}/changes", json=body, headers=headers)


def test_a_lot_s_price_terms_are_every_place_s_and_bind_its_changes(api: TestClient, owner: dict[str, str]) -> None:
    lot = register(api, owner)["lots"][0]
    assert (lot["index_clause"], lot["lowest_factor"], lot["highest_factor"]) == (INDEX, "0.9500", "1.0500")
    frozen = api.get(f"{PATH}/announcement").json()["terms"]
    assert (frozen["lots"][0]["index_clause"], frozen["lots"][0]["highest_factor"]) == (INDEX, "1.0500")
    assert frozen["extensions"] == [ends_on(2), ends_on(3)]
    etag = api.get(PATH).headers["etag"]
    lots = announced(lot={"highest_factor": "1.5"})["lots"]
    headers = owner | {"If-Match": etag, "Content-Type": "application/merge-patch+json"}
    for later in list[dict[str, Any]]([{"lots": lots}, {"extensions": []}]):
        assert told(api.patch(PATH, json=later, headers=headers)) == [("terms-closed", None)]
    wider = place(
        lowest_factor="0.9", highest_factor="1.06", index_clause=INDEX | {"index": "KPI", "earliest_on": "2026-10-31"}
    )
    assert told(api.post(f"{PATH}/places", json=wider, headers=owner)) == [
        ("change-bounds-invalid", "#/lowest_factor"),
        ("change-bounds-invalid", "#/highest_factor"),
        ("index-clause-not-announced", "#/index_clause/index"),
        ("index-clause-not-announced", "#/index_clause/earliest_on"),
    ]
    given = api.post(f"{PATH}/places", json=place(), headers=owner).json()
    assert (given["index_clause"], given["lowest_factor"], given["highest_factor"]) == (INDEX, "0.9500", "1.0500")
    own = INDEX | {"base_month": "2026-02", "base_value": "136.0"}
    tighter = place(supplier=NORDLYS, rank=2, highest_factor="1.01", index_clause=own)
    other = api.post(f"{PATH}/places", json=tighter, headers=owner).json()
    assert (other["index_clause"], other["lowest_factor"], other["highest_factor"]) == (own, "0.9500", "1.0100")
    step(api, owner, "award", "activate")
    for id, factor, status in ((given["id"], "1.0501", 409), (other["id"], "1.0101", 409), (other["id"], "1.01", 201)):
        variation = {"kind": "item_price_variation", "place": id, "factor": factor}
        assert change(api, owner, variation).status_code == status


def test_where_only_quantities_are_the_maximum_nothing_else_is_offered(api: TestClient, owner: dict[str, str]) -> None:
    register(api, owner, ceiling_excl_vat=None, quantities=[{"item": "annet", "maximum": 5}])
    refused = api.post(f"{PATH}/places", json=place(), headers=owner)
    assert (refused.status_code, told(refused)) == (409, [("item-without-maximum", "#/prices/0/item")])
    (other,) = place()["prices"]
    allowed = place(prices=[other | {"item": "annet"}])
    assert api.post(f"{PATH}/places", json=allowed, headers=owner).status_code == 201


@pytest.mark.parametrize(
    ("whole", "lot", "refused"),
    [
        (Maximum(D(1)), Maximum(None), False),
        (Maximum(D(0)), Maximum(None), False),
        (Maximum(None, (("a", 0),)), Maximum(None), False),
        (Maximum(None, (("b", 1),)), Maximum(D(1)), False),
        (Maximum(None, (("b", 1),)), Maximum(None, (("a", 1),)), False),
        (Maximum(None, (("b", 1),)), Maximum(None), True),
        (Maximum(D(1)), Maximum(None, (("b", 1),)), False),
    ],
    ids=str,
)
def test_every_item_comes_under_a_maximum(whole: Maximum, lot: Maximum, refused: bool) -> None:
    awarded = places.Awarded(State.ANNOUNCED, Maximum(None), ["a"], DEFAULT)
    found = places.check_award(awarded, places.Announced(whole, lot, DEFAULT))
    assert [type(one) for one in found] == [places.ItemWithoutMaximum] * refused


CLAUSE = Clause("KPI", "2026-01", D(100), D(80), date(2027, 1, 1))


@pytest.mark.parametrize(
    ("given", "announced", "pointers"),
    [
        (None, None, []),
        (None, CLAUSE, []),
        (CLAUSE, CLAUSE, []),
        (CLAUSE, None, ["#"]),
        (Clause("KPI", "2026-05", D(105), D("80.00"), date(2028, 1, 1)), CLAUSE, []),
        (
            Clause("SSB", "2026-01", D(100), D(90), date(2026, 12, 31)),
            CLAUSE,
            ["#/index", "#/share_percent", "#/earliest_on"],
        ),
    ],
    ids=str,
)
def test_a_place_follows_the_announced_index(
    given: Clause | None, announced: Clause | None, pointers: list[str]
) -> None:
    assert [one.pointer for one in price_terms.check_clause(given, announced, "#")] == pointers


@pytest.mark.parametrize(
    ("bounds", "within", "pointers"),
    [
        (Bounds(D(1), D(1)), None, []),
        (Bounds(D("1.01"), D(2)), None, ["#/lowest_factor"]),
        (Bounds(D("0.5"), D("0.99")), DEFAULT, ["#/lowest_factor"]),
        (DEFAULT, DEFAULT, []),
        (Bounds(D("0.8999"), D("1.1001")), DEFAULT, ["#/lowest_factor", "#/highest_factor"]),
    ],
    ids=str,
)
def test_bounds_lie_on_either_side_of_1_and_within_the_announced(
    bounds: Bounds, within: Bounds | None, pointers: list[str]
) -> None:
    assert [one.pointer for one in price_terms.check_bounds(bounds, "#", within)] == pointers


FIRST, LAST = date(2026, 3, 1), date(2028, 2, 29)
OPTIONS = (date(2029, 2, 28), date(2030, 2, 28))


@pytest.mark.parametrize(
    ("ends_on", "extensions", "rationale", "pointers"),
    [
        (LAST, OPTIONS, None, []),
        (LAST, (date(2030, 3, 1),), None, ["#/period_rationale"]),
        (LAST, (date(2030, 3, 1),), "Avskrives over seks år", []),
        (LAST, (LAST,), None, ["#/extensions/0"]),
        (LAST, (OPTIONS[1], OPTIONS[0]), None, ["#/extensions/1"]),
        (date(2026, 2, 28), OPTIONS, None, ["#/ends_on"]),
    ],
    ids=str,
)
def test_options_for_extension_follow_one_another_within_four_years(
    ends_on: date, extensions: tuple[date, ...], rationale: str | None, pointers: list[str]
) -> None:
    found = frameworks.check_period(Period(FIRST, ends_on, rationale, extensions))
    assert [one.pointer for one in found] == pointers


@pytest.mark.parametrize(
    ("now", "to", "refused"),
    [
        (LAST, OPTIONS[0], False),
        (LAST, OPTIONS[1], False),
        (LAST, date(2029, 3, 1), True),
        (LAST, LAST, True),
        (OPTIONS[0], OPTIONS[0], True),
        (OPTIONS[1], OPTIONS[0], True),
    ],
)
def test_only_an_announced_option_that_is_not_used_extends(now: date, to: date, refused: bool) -> None:
    found = frameworks.check_extension(Period(FIRST, now, None, OPTIONS), to, "#")
    assert [type(one) for one in found] == [frameworks.ExtensionNotAnnounced] * refused


def test_beyond_four_years_an_agreement_is_extended_for_a_recorded_reason_only() -> None:
    late = (date(2031, 2, 28),)
    assert frameworks.check_extension(Period(FIRST, LAST, None, late), late[0], "#")
    assert not frameworks.check_extension(Period(FIRST, LAST, "Avskrives", late), late[0], "#")


def test_an_agreement_is_prolonged_by_what_was_announced_and_signed(
    api: TestClient, owner: dict[str, str], issuer: Issuer
) -> None:
    register(api, owner)
    assert api.post(f"{PATH}/places", json=place(), headers=owner).status_code == 201
    step(api, owner, "award", "activate")
    to = {"kind": "extension", "ends_on": ends_on(2)}
    assert told(change(api, issuer.bearer(FJORDVAKT, "agreements.supply"), to)) == [("not-party-to-change", None)]
    never = {"kind": "extension", "ends_on": ends_on(4)}
    assert told(change(api, owner, never)) == [("extension-not-announced", "#/change/ends_on")]
    made = change(api, owner, to, today() + timedelta(days=30))
    assert made.status_code == 201, made.text
    where = f"{PATH}/changes/{made.json()['id']}"
    seen = api.get(f"{where}/preview", headers=owner).json()
    assert (seen["problems"], seen["ends_on"]) == ([], ends_on(2))
    assert not any(line["changed"] for one in seen["places"] for line in one["lines"])
    before = api.get(PATH)
    assert before.json()["ends_on"] == ends_on(1), "a proposal prolongs nothing"
    early = api.post(f"{where}/activate", json=SIGNED, headers=owner)
    assert told(early) == [("effective-day-invalid", "#/effective_on")]
    now = SIGNED | {"effective_on": today().isoformat()}
    assert api.post(f"{where}/activate", json=now, headers=owner).status_code == 200
    after = api.get(PATH)
    assert (after.json()["ends_on"], after.json()["extensions"]) == (ends_on(2), [ends_on(2), ends_on(3)])
    assert after.headers["etag"] != before.headers["etag"]
    assert api.get(f"{PATH}/announcement").json()["terms"]["ends_on"] == ends_on(1), "what was announced stands"
    assert told(change(api, owner, to)) == [("extension-not-announced", "#/change/ends_on")]
    with state(api).database.reading() as session:
        day_after = date.fromisoformat(ends_on(1)) + timedelta(days=1)
        assert SLUG not in [one.slug for one in framework_store.due_to_expire(session, day_after)]
        late = date.fromisoformat(ends_on(2)) + timedelta(days=1)
        assert SLUG in [one.slug for one in framework_store.due_to_expire(session, late)]
