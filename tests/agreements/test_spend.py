"""Spend is the sum of the ledger's entries: however it is told apart, the parts are the whole."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.agreements.entries.store import Selection
from services.agreements.ledger import store as ledger
from services.agreements.ledger.rules import Kind, Moved
from services.agreements.spendings import rules
from services.agreements.spendings import store as spendings
from services.agreements.spendings.rules import Dimension
from services.chassis.values import seed_id
from tests.agreements.conftest import ALSTAHAUG, BRONNOY, FJORDVAKT, JOINT_UNIT, NORDLYS, OSLO
from tests.conftest import NewDatabase, serving, state
from tests.issuer import Issuer

VELFERD = "ra-2026-velferdsteknologi"
KEYS = {
    "framework_agreement": ("framework_agreement",),
    "lot": ("framework_agreement", "lot"),
    "supplier": ("supplier_organisation_number",),
    "buyer": ("buyer_organisation_number",),
    "component": ("component",),
    "item": ("item",),
    "month": ("month",),
}


@pytest.fixture(scope="module")
def api(apps: Callable[[str], FastAPI], shared_database: NewDatabase) -> Iterator[TestClient]:
    """Nothing here changes what is kept."""
    with serving(apps("agreements"), shared_database("agreements", seeded=True)) as client:
        yield client


def spend(api: TestClient, headers: dict[str, str] | None = None, status: int = 200, /, **query: Any) -> Any:
    answer = api.get("/ledger/spend", params=query, headers=headers or {})
    assert answer.status_code == status, answer.text
    return answer.json()


amounts = st.integers(-(10**6), 10**6).map(lambda ore: Decimal(ore).scaleb(-2))
lines = st.builds(
    Moved,
    st.sampled_from(["alarm", "montering"]),
    st.just(None),
    st.sampled_from([None, "trygghetsalarm", "ærlig"]),
    st.integers(-9, 9),
    st.integers(-9, 9),
    amounts,
    amounts,
)
movements = st.lists(
    st.tuples(
        st.integers(0, 10**6),
        st.sampled_from(Kind),
        st.lists(lines, min_size=1, max_size=3),
        st.dates(date(2026, 1, 1), date(2027, 3, 1)),
    ),
    max_size=12,
)
groupings = st.lists(st.sampled_from(Dimension), min_size=1, max_size=7, unique=True)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(history=movements, by=groupings, limit=st.integers(1, 4), since=st.dates(date(2026, 1, 1), date(2027, 3, 1)))
def test_the_parts_are_the_whole_whatever_has_happened(
    api: TestClient,
    history: list[tuple[int, Kind, list[Moved], date]],
    by: list[Dimension],
    limit: int,
    since: date,
) -> None:
    by = [one for one in Dimension if one in by]
    with state(api).database.writing(rehearsed=True) as session:
        accounts = _accounts(session)
        for pick, kind, moved, on in history:
            ledger.enter(session, accounts[pick % len(accounts)], kind, moved, on, "history")
        expected: dict[tuple[str, ...], tuple[Decimal, Decimal]] = defaultdict(lambda: (Decimal(0), Decimal(0)))
        for row in session.execute(_EVERY_LINE, {"since": since}):
            key = tuple(getattr(row, one.value) for one in by)
            expected[key] = (expected[key][0] + row.reserved, expected[key][1] + row.posted)
        found: list[Any] = []
        after: list[str] | None = None
        while True:
            page = spendings.page(session, by, Selection(from_on=since), None, after, limit)
            found += page[:limit]
            if len(page) <= limit:
                break
            after = [getattr(page[limit - 1], f"by_{one}") for one in by]
        whole = session.execute(_WHOLE, {"since": since}).one()
    assert {tuple(getattr(row, f"by_{one}") for one in by): (row.reserved, row.posted) for row in found} == expected
    assert len(found) == len(expected), "no group comes twice"
    if found:
        assert (sum(row.reserved for row in found), sum(row.posted for row in found)) == tuple(whole)
        assert {(row.total_reserved, row.total_posted) for row in found} == {tuple(whole)}


def _accounts(session: Any) -> list[ledger.Account]:
    return [
        ledger.Account(one.framework_id, one.lot_id, one.place_id, one.participant_id, one.id, one.buyer, one.supplier)
        for one in session.execute(_ACCOUNTS)
    ]


_ACCOUNTS = sa.text(
    "SELECT l.framework_id, l.id AS lot_id, p.id AS place_id, q.id AS participant_id, c.id, q.number AS buyer, "
    "p.number AS supplier FROM lot l JOIN place p ON p.lot_id = l.id JOIN participant q "
    "ON q.framework_id = l.framework_id CROSS JOIN (SELECT min(id) AS id FROM calloff) c "
    "JOIN frameworkagreement f ON f.id = l.framework_id AND f.announced_on IS NOT NULL ORDER BY 1, 2, 3, 4"
)
_EVERY_LINE = sa.text(
    "SELECT f.slug AS framework_agreement, f.slug || '/' || o.slug AS lot, e.supplier, e.buyer, "
    "coalesce(l.component, '') AS component, l.item, substr(e.effective_on::text, 1, 7) AS month, l.reserved, l.posted "
    "FROM entryline l JOIN entry e ON e.id = l.entry_id JOIN frameworkagreement f ON f.id = e.framework_id "
    "JOIN lot o ON o.id = e.lot_id WHERE e.effective_on >= :since"
)
_WHOLE = sa.text("SELECT coalesce(sum(reserved), 0), coalesce(sum(posted), 0) FROM entry WHERE effective_on >= :since")


@pytest.mark.parametrize("by", [[name] for name in KEYS] + [["lot", "month"], ["supplier", "month"], list(KEYS)])
def test_what_the_owner_adds_up_is_what_its_entries_say(api: TestClient, issuer: Issuer, by: list[str]) -> None:
    owner = issuer.bearer(JOINT_UNIT, "agreements.read")
    every: list[Any] = []
    after: dict[str, str] = {}
    while True:
        page = api.get("/ledger/entries", params=after | {"limit": 200}, headers=owner).json()
        every += page["items"]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    told = spend(api, owner, by=by, mine="true", limit=200)
    assert told["own_only"] is True
    for name in ("reserved_excl_vat", "posted_excl_vat"):
        total = sum(Decimal(one[name]) for one in every)
        assert sum(Decimal(one[name]) for one in told["items"]) == total == Decimal(told[f"total_{name}"])
    keys = [tuple(one[field] or "" for name in KEYS if name in by for field in KEYS[name]) for one in told["items"]]
    assert keys == sorted(keys), "in order"
    assert len(set(keys)) == len(keys)
    assert Decimal(told["total_posted_excl_vat"]) >= 12000


def test_what_is_released_is_spent_no_more(api: TestClient, issuer: Issuer) -> None:
    """The seed's draft was reserved, and given back when it was edited."""
    owner = issuer.bearer(JOINT_UNIT, "agreements.read")
    draft = {"call_off": str(seed_id("call-off:draft")), "by": "framework_agreement"}
    assert spend(api, owner, **draft)["total_reserved_excl_vat"] == "0.00"
    assert Decimal(spend(api, owner, kind="reserve", **draft)["total_reserved_excl_vat"]) == 220 * 2400


def test_spend_is_open_but_who_bought_is_not(api: TestClient, issuer: Issuer) -> None:
    told = spend(api, by=["lot", "month", "component"], framework_agreement=VELFERD)
    assert {one["framework_agreement"] for one in told["items"]} == {VELFERD}
    assert Decimal(told["total_reserved_excl_vat"]) > 0
    for closed in ({"by": "buyer"}, {"by": "item"}, {"by": "lot", "buyer": BRONNOY}, {"by": "lot", "mine": "true"}):
        answer = spend(api, None, 401, framework_agreement=VELFERD, **closed)
        assert answer["type"] == "/problems/token-missing"
        spend(api, issuer.bearer(BRONNOY), 403, framework_agreement=VELFERD, **closed)


def test_what_is_only_reserved_with_a_supplier_is_not_open(api: TestClient, issuer: Issuer) -> None:
    for query in ({"by": ["supplier", "month"]}, {"by": "lot", "supplier": FJORDVAKT}):
        for headers in (None, issuer.bearer(NORDLYS, "agreements.read")):
            told = spend(api, headers, framework_agreement=VELFERD, **query)
            assert {one["reserved_excl_vat"] for one in told["items"]} == {None}
            assert told["total_reserved_excl_vat"] is None
            assert Decimal(told["total_posted_excl_vat"]) >= 12000, "what was accepted is"
    own = spend(api, issuer.bearer(FJORDVAKT, "agreements.read"), by="supplier", mine="true")
    (mine,) = own["items"]
    assert mine["supplier_organisation_number"] == FJORDVAKT
    assert Decimal(mine["reserved_excl_vat"]) > 0


@pytest.mark.parametrize(
    ("organisation", "buyers"), [(BRONNOY, {BRONNOY}), (ALSTAHAUG, {ALSTAHAUG}), (OSLO, set()), (NORDLYS, set())]
)
def test_each_adds_up_what_it_sees(api: TestClient, issuer: Issuer, organisation: str, buyers: set[str]) -> None:
    told = spend(api, issuer.bearer(organisation, "agreements.read"), by="buyer")
    assert {one["buyer_organisation_number"] for one in told["items"]} == buyers
    if not buyers:
        assert (told["total_reserved_excl_vat"], told["total_posted_excl_vat"]) == ("0.00", "0.00")


def test_units_are_counted_of_one_item_in_one_lot(api: TestClient, issuer: Issuer) -> None:
    owner = issuer.bearer(JOINT_UNIT, "agreements.read")
    told = spend(api, owner, by=["lot", "item"], call_off=str(seed_id("call-off:mistaken")))
    (one,) = told["items"]
    assert (one["item"], one["quantity_posted"], one["quantity_reserved"]) == ("alarm", 5, 0)
    assert {row["quantity_posted"] for row in spend(api, owner, by="item")["items"]} == {None}


def test_what_everybody_may_ask_is_bounded(api: TestClient, issuer: Issuer) -> None:
    assert spend(api, None, 422, by="lot")["type"] == "/problems/period-missing"
    year = {"effective_from_on": "2026-01-01", "effective_to_on": "2026-12-31"}
    assert spend(api, by="framework_agreement", **year)["items"]
    spend(api, None, 422, by="lot", effective_from_on="2026-01-01", effective_to_on="2027-01-02")
    spend(api, None, 422, by="lot", effective_from_on="2026-01-01")
    spend(api, None, 422)
    spend(api, None, 422, by="colour", framework_agreement=VELFERD)
    assert spend(api, None, 404, by="lot", framework_agreement="ra-2027-nettbrett")["type"].endswith("not-found")
    spend(api, issuer.bearer(JOINT_UNIT), by="lot", framework_agreement="ra-2027-nettbrett")


def test_a_period_and_what_was_known_then_narrow_it(api: TestClient) -> None:
    query = {"by": "month", "framework_agreement": VELFERD}
    months = {one["month"]: one for one in spend(api, **query)["items"]}
    november = spend(api, **query, effective_from_on="2026-11-01", effective_to_on="2026-11-30")
    assert november["items"] == [months["2026-11"]]
    assert spend(api, **query, known_at="2026-01-01T00:00:00Z")["items"] == [], "nothing was recorded yet"


def test_pages_go_on_where_they_ended(api: TestClient, issuer: Issuer) -> None:
    owner, query = issuer.bearer(JOINT_UNIT, "agreements.read"), {"by": ["buyer", "component", "item"]}
    whole = spend(api, owner, **query, limit=200)
    found: list[Any] = []
    after: dict[str, str] = {}
    while True:
        page = spend(api, owner, **query, **after, limit=1)
        assert page["total_posted_excl_vat"] == whole["total_posted_excl_vat"]
        found += page["items"]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert found == whole["items"]
    assert len(found) > 2
    assert spend(api, owner, 400, by="buyer", after=after["after"])["type"] == "/problems/cursor-malformed"


@given(by=groupings, narrowed=st.booleans(), mine=st.booleans())
def test_no_open_sum_tells_of_a_buyer_or_of_a_unit_price(by: list[Dimension], narrowed: bool, mine: bool) -> None:
    own = rules.own_only(by, narrowed=narrowed, mine=mine)
    if not own:
        assert not narrowed
        assert not {Dimension.BUYER, Dimension.ITEM} & set(by)
        assert not rules.quantities_told(by)
    assert rules.reserved_told(by, own=own, one_supplier=False) is (own or Dimension.SUPPLIER not in by)


@given(st.dates(date(2000, 1, 1), date(2050, 1, 1)), st.integers(0, 800))
def test_a_year_may_be_asked_for_at_once(from_on: date, days: int) -> None:
    to_on = from_on + timedelta(days=days)
    assert (rules.check_open(False, from_on, to_on) == []) is (days < 366)
    assert rules.check_open(True, None, None) == []
    assert rules.check_open(False, from_on, None)
    assert rules.check_open(False, None, to_on)
