"""Joint call-offs: what each municipality bears is exact, frozen, and billed in parts that add up to the whole."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.agreements.cost_splits import rules as cost_splits
from services.agreements.cost_splits.rules import Counted
from services.agreements.part_bills import rules as part_bills
from services.agreements.part_bills.rules import Posting
from services.agreements.shares import rules
from tests.agreements.conftest import ALSTAHAUG, BRONNOY

VEFSN = "844824122"
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
postings = st.lists(
    st.tuples(amounts, amounts).map(lambda sums: Posting(DAY, "accept", *sums)), min_size=1, max_size=6
)


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
    assert {one.net.number for one in borne if one.net.number == one.vat.number == one.counted.number} == {
        BRONNOY,
        ALSTAHAUG,
        VEFSN,
    }


@pytest.mark.parametrize("key", KEYS, ids=lambda key: str(key["kind"]))
@given(postings=postings)
def test_part_bills_add_up_to_the_split_of_all_that_is_posted(
    key: dict[str, object], postings: list[Posting]
) -> None:
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
