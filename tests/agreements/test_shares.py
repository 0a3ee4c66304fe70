"""Joint call-offs: what each municipality bears is exact, frozen, and billed in parts that add up to the whole."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from services.agreements.calloffs import store as calloffs
from services.agreements.cost_splits import rules as cost_splits
from services.agreements.cost_splits.rules import Counted
from services.agreements.ledger import store as ledger
from services.agreements.ledger.rules import Moved
from services.agreements.part_bills import rules as part_bills
from services.agreements.part_bills.rules import Posting
from services.agreements.shares import rules
from services.chassis.db import Database
from tests.agreements.conftest import ALSTAHAUG, BRONNOY, FJORDVAKT, NORDLYS, Place
from tests.issuer import Issuer

VEFSN = "844824122"
LEIRFJORD, DONNA = "945034572", "872417982"
"""Whom Alstahaug orders for as their host, by its accession in the seed data."""
DAY = date(2026, 11, 29)
COUNTED_ON = date(2024, 1, 1)
HELGELAND = [
    Counted(BRONNOY, UUID(int=1), "Brønnøy kommune", 7826, COUNTED_ON, None),
    Counted(ALSTAHAUG, UUID(int=2), "Alstahaug kommune", 7421, COUNTED_ON, None),
    Counted(VEFSN, UUID(int=3), "Vefsn kommune", 13469, COUNTED_ON, "Vefsn kommunes egen telling"),
]
KEYS: list[dict[str, object]] = [
    {"kind": "equal"},
    {"kind": "population"},
    {"kind": "weighted", "equal_percent": "30"},
    {"kind": "percentages", "percentages": {BRONNOY: "33.3333", ALSTAHAUG: "33.3333", VEFSN: "33.3334"}},
    {"kind": "fixed", "fixed": "500000.00"},
    {"kind": "per_inhabitant", "per_inhabitant": "5.00"},
    {"kind": "fixed_and_per_inhabitant", "fixed": "150000.00", "per_inhabitant": "5.00"},
]
amounts = st.integers(min_value=0, max_value=10**11).map(lambda ore: Decimal(ore).scaleb(-2))
postings = st.lists(st.tuples(amounts, amounts).map(lambda sums: Posting(DAY, "accept", *sums)), min_size=1, max_size=6)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: str(key["kind"]))
def test_what_is_frozen_is_read_as_it_was(key: dict[str, object]) -> None:
    kept = rules.frozen(key, HELGELAND)
    assert rules.frozen(key, HELGELAND[::-1]) == kept, "the order of members does not matter"
    joint = rules.joint(kept)
    assert joint.key == cost_splits.key(key)
    assert set(joint.counted) == set(HELGELAND)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: str(key["kind"]))
@given(net=amounts, vat=amounts)
def test_net_and_vat_are_shared_to_the_last_ore(key: dict[str, object], net: Decimal, vat: Decimal) -> None:
    borne = rules.borne(rules.joint(rules.frozen(key, HELGELAND)), net, vat)
    assert [one.counted.number for one in borne] == sorted([BRONNOY, ALSTAHAUG, VEFSN])
    assert sum(one.net.amount for one in borne) == net
    assert sum(one.vat.amount for one in borne) == vat
    assert all(one.net.number == one.vat.number == one.counted.number for one in borne)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: str(key["kind"]))
@given(postings=postings)
def test_part_bills_add_up_to_the_split_of_all_that_is_posted(key: dict[str, object], postings: list[Posting]) -> None:
    joint = rules.joint(rules.frozen(key, HELGELAND))
    bills = part_bills.bills(joint, postings)
    for bill in bills:
        assert sum(net for net, _ in bill.owed.values()) == bill.posting.net
        assert sum(vat for _, vat in bill.owed.values()) == bill.posting.vat
    whole = rules.borne(
        joint, sum((one.net for one in postings), Decimal(0)), sum((one.vat for one in postings), Decimal(0))
    )
    for one in whole:
        owed = [bill.owed[one.counted.number] for bill in bills]
        assert sum(net for net, _ in owed) == one.net.amount
        assert sum(vat for _, vat in owed) == one.vat.amount


def test_a_reversed_posting_is_billed_back_to_the_ore() -> None:
    joint = rules.joint(rules.frozen({"kind": "population"}, HELGELAND))
    first = Posting(DAY, "accept", Decimal("1000.01"), Decimal("250.00"))
    there, back = part_bills.bills(joint, [first, Posting(DAY, "reverse", Decimal("-1000.01"), Decimal("-250.00"))])
    assert {number: (-net, -vat) for number, (net, vat) in there.owed.items()} == back.owed


def test_every_municipality_that_is_not_covered_is_told() -> None:
    refused = rules.check_covered([BRONNOY, "958935420", VEFSN, ALSTAHAUG], {BRONNOY, VEFSN})
    assert [(type(one), one.pointer) for one in refused] == [
        (rules.MemberNotCovered, "#/cost_sharing/members/1"),
        (rules.MemberNotCovered, "#/cost_sharing/members/3"),
    ]
    assert not rules.check_covered([BRONNOY, VEFSN], {BRONNOY, VEFSN, ALSTAHAUG})


@pytest.fixture
def host(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(ALSTAHAUG, "agreements.read", "agreements.order", "agreements.approve")


def sharing(*members: str, **key: Any) -> dict[str, Any]:
    return {
        "key": key or {"kind": "weighted", "equal_percent": "30"},
        "members": [{"organisation_number": number} for number in members or (LEIRFJORD, ALSTAHAUG, DONNA)],
    }


def test_a_joint_order_is_shared_to_the_last_ore(
    place: Place, api: TestClient, host: dict[str, str], rows: psycopg.Connection
) -> None:
    ordered = place(headers=host, cost_sharing=sharing())
    assert ordered.status_code == 201, ordered.text
    told = api.get(f"/call-offs/{ordered.json()['id']}/shares", headers=host).json()
    assert (told["version"], told["bills"]) == (1, [])
    assert told["amount_excl_vat"] == ordered.json()["amount_excl_vat"] == "7200.00"
    assert [one["organisation_number"] for one in told["shares"]] == sorted([LEIRFJORD, ALSTAHAUG, DONNA])
    for name, whole in (("net_excl_vat", "7200.00"), ("vat", "1800.00")):
        assert sum(Decimal(one[name]["amount"]) for one in told["shares"]) == Decimal(whole)
    for one in told["shares"]:
        assert one["net_excl_vat"]["fixed_part"] == "720.000000", "30 % of 7 200 kr, among three"
        assert one["population_source"] == "catalogue"
        assert one["population_on"] == "2024-01-01"
        assert one["posted_excl_vat"] == "0.00"
    kept = rows.execute(
        "SELECT s.number, s.net, s.vat FROM share s JOIN calloff c ON c.id = s.call_off_id WHERE c.uuid = %s "
        "ORDER BY s.number",
        [ordered.json()["id"]],
    ).fetchall()
    assert kept == [
        (one["organisation_number"], Decimal(one["net_excl_vat"]["amount"]), Decimal(one["vat"]["amount"]))
        for one in told["shares"]
    ]


def test_parts_that_are_accepted_are_billed_and_add_up(
    place: Place, api: TestClient, host: dict[str, str], url: str
) -> None:
    id = place(headers=host, cost_sharing=sharing(kind="population")).json()["id"]
    database = Database(url)
    for quantity in (1, 2):
        value = quantity * Decimal("2400.00")
        line = Moved("alarm", "fjordvakt-alarm", None, -quantity, quantity, -value, value)
        with database.writing() as session:
            row = calloffs.by_id(session, UUID(id))
            (held,) = [one for one in ledger.held(session, row.id or 0) if one.item == "alarm"]
            calloffs.post(session, row, [Moved(**(vars(line) | {"component": held.component}))], "accept")
    database.close()
    told = api.get(f"/call-offs/{id}/shares", headers=host).json()
    assert [(bill["amount_excl_vat"], bill["amount_vat"]) for bill in told["bills"]] == [
        ("2400.00", "600.00"),
        ("4800.00", "1200.00"),
    ]
    for bill in told["bills"]:
        assert sum(Decimal(one["amount_excl_vat"]) for one in bill["owed"]) == Decimal(bill["amount_excl_vat"])
        assert sum(Decimal(one["amount_vat"]) for one in bill["owed"]) == Decimal(bill["amount_vat"])
    for one in told["shares"]:
        assert one["posted_excl_vat"] == one["net_excl_vat"]["amount"], "all is accepted, so all is billed"
        assert one["posted_vat"] == one["vat"]["amount"]


def test_shares_are_for_buyer_payers_and_supplier_only(
    place: Place, api: TestClient, host: dict[str, str], issuer: Issuer
) -> None:
    id = place(headers=host, cost_sharing=sharing()).json()["id"]
    seen = {
        number: api.get(f"/call-offs/{id}/shares", headers=issuer.bearer(number, "agreements.read")).status_code
        for number in (ALSTAHAUG, LEIRFJORD, DONNA, FJORDVAKT, BRONNOY, NORDLYS)
    }
    assert seen == {ALSTAHAUG: 200, LEIRFJORD: 200, DONNA: 200, FJORDVAKT: 200, BRONNOY: 404, NORDLYS: 404}


def test_nothing_is_ordered_for_whom_the_accession_does_not_cover(place: Place, host: dict[str, str]) -> None:
    answer = place(headers=host, cost_sharing=sharing(ALSTAHAUG, BRONNOY, VEFSN))
    assert answer.status_code == 409
    assert [(one["type"], one["pointer"]) for one in answer.json()["errors"]] == [
        ("/problems/member-not-covered", "#/cost_sharing/members/1"),
        ("/problems/member-not-covered", "#/cost_sharing/members/2"),
    ]


def test_a_key_that_cannot_be_used_is_refused_before_anything_is_ordered(
    place: Place, host: dict[str, str], rows: psycopg.Connection
) -> None:
    before = rows.execute("SELECT count(*) FROM calloff").fetchone()
    answer = place(
        headers=host, cost_sharing=sharing(kind="percentages", percentages={ALSTAHAUG: "50", LEIRFJORD: "49"})
    )
    assert answer.status_code == 422, answer.text
    assert answer.json()["type"] == "/problems/percentages-wrong"
    assert {one["pointer"] for one in answer.json()["errors"]} == {"#/cost_sharing/key/percentages"}
    assert rows.execute("SELECT count(*) FROM calloff").fetchone() == before


def test_an_order_that_is_not_joint_has_no_shares(place: Place, api: TestClient, buyer: dict[str, str]) -> None:
    id = place().json()["id"]
    answer = api.get(f"/call-offs/{id}/shares", headers=buyer)
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-shared")
