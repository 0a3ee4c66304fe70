"""Splits are exact: every øre is somebody's, whoever is asked first, whatever the key. Naive splitters are caught."""

import csv
import random
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.agreements.cost_splits import rules
from services.agreements.cost_splits.rules import Grant, GrantUse, Key, Kind, Member

ROGALAND = list(
    csv.DictReader(
        (Path(__file__).parents[1] / "data" / "cost_sharing_example_digi_rogaland_2019.csv").read_text().splitlines()
    )
)
DIGI_ROGALAND = Key(Kind.FIXED_AND_PER_INHABITANT, fixed=Decimal("150000.00"), per_inhabitant=Decimal("5.00"))
CASES = 20_000

Splitter = Callable[[Key, Sequence[Member], int], Sequence[rules.Share]]


def rogaland() -> list[Member]:
    """By municipality number, as the source has them; a number is all that a rule needs to tell them apart."""
    return [Member(row["municipality_number"], int(row["population_2019_01_01"])) for row in ROGALAND]


def weight(share: rules.Share) -> int:
    return share.fixed_weight + share.variable_weight


def broken(key: Key, members: Sequence[Member], total: int, split: Splitter) -> str | None:
    """Which promise a splitter breaks, if any: reference/agreements.md §3.6 and invariant 19."""
    shares = split(key, members, total)
    if sum(share.ore for share in shares) != total:
        return "the sum is exact"
    if any(abs(share.ore - share.ideal) >= 1 for share in shares):
        return "nobody is an øre away from the exact share"
    if [-share.ore for share in split(key, members, -total)] != [share.ore for share in shares]:
        return "a credit is the same with the sign turned"
    if {one.number: one.ore for one in split(key, list(reversed(members)), total)} != {
        one.number: one.ore for one in shares
    }:
        return "the order of members does not matter"
    by_size = sorted(shares, key=weight)
    if any(abs(a.ore) > abs(b.ore) for a, b in pairwise(by_size) if weight(a) < weight(b)):
        return "a larger weight never pays less"
    return None


def cases(seed: int) -> list[tuple[Key, list[Member], int]]:
    """Random splits among 2–12 members, by every key, of anything between an øre and 100 MNOK."""
    chance = random.Random(seed)
    found = []
    for _ in range(CASES):
        numbers = chance.sample(range(100_000_000, 1_000_000_000), chance.randint(2, 12))
        members = [Member(str(number), chance.randint(1, 10 ** chance.randint(3, 6))) for number in numbers]
        found.append((any_key(chance, members), members, chance.randint(1, 10 ** chance.randint(1, 10))))
    return found


def any_key(chance: random.Random, members: list[Member]) -> Key:
    def rate() -> Decimal:
        return Decimal(chance.randint(1, 10_000_000)).scaleb(-2)

    kind = chance.choice(list(Kind))
    if kind is Kind.PERCENTAGES:
        cuts = sorted(chance.randint(0, 10_000) for _ in members[1:])
        parts = [b - a for a, b in zip([0, *cuts], [*cuts, 10_000], strict=True)]
        return Key(
            kind, percentages={one.number: Decimal(part).scaleb(-2) for one, part in zip(members, parts, strict=True)}
        )
    return Key(
        kind,
        equal_percent=Decimal(chance.randint(0, 99)),
        fixed=rate() if "fixed" in kind else Decimal(0),
        per_inhabitant=rate() if "inhabitant" in kind else Decimal(0),
    )


def test_twenty_thousand_random_splits_are_exact_in_ore() -> None:
    for key, members, total in cases(seed=2019):
        assert broken(key, members, total, rules.divide) is None, (key, members, total)


def rounding_each(key: Key, members: Sequence[Member], total: int) -> list[rules.Share]:
    """What a spreadsheet does: each share rounded by itself."""
    return [
        rules.Share(**(vars(one) | {"whole": round(one.ideal), "extra": 0}))
        for one in rules.divide(key, members, total)
    ]


def with_the_rest_to_the_first(key: Key, members: Sequence[Member], total: int) -> list[rules.Share]:
    """Rounded down, and the first in the list pays what is left."""
    shares = rules.divide(key, members, total)
    rest = total - sum(one.whole for one in shares)
    return [rules.Share(**(vars(one) | {"extra": rest if one.number == members[0].number else 0})) for one in shares]


def part_by_part(key: Key, members: Sequence[Member], total: int) -> list[rules.Share]:
    """The equal and the population part of a weighted key split one after the other."""
    shares = rules.divide(key, members, total)
    if key.kind is not Kind.WEIGHTED:
        return list(shares)
    equal = int(Fraction(key.equal_percent) / 100 * total)
    first = rules.divide(Key(Kind.EQUAL), members, equal)
    second = rules.divide(Key(Kind.POPULATION), members, total - equal)
    return [
        rules.Share(**(vars(one) | {"whole": a.ore + b.ore, "extra": 0}))
        for one, a, b in zip(shares, first, second, strict=True)
    ]


@pytest.mark.parametrize("naive", [rounding_each, with_the_rest_to_the_first, part_by_part])
def test_a_naive_splitter_fails_the_same_check(naive: Splitter) -> None:
    assert any(broken(key, members, total, naive) for key, members, total in cases(seed=2019))


def test_rogaland_2019_gives_six_million_to_the_krone() -> None:
    split = rules.split(DIGI_ROGALAND, rogaland())
    assert len(split.shares) == 26
    assert split.produced
    assert split.amount == split.contributions == Decimal("6278270.00")
    assert {share.number: share.amount for share in split.shares} == {
        row["municipality_number"]: Decimal(row["contribution_nok"]) for row in ROGALAND
    }
    for share, row in zip(split.shares, ROGALAND, strict=True):
        assert share.fixed == int(row["fixed_nok"]) * 100
        assert share.variable == int(row["variable_nok"]) * 100
        assert share.extra == 0


def test_rogaland_2019_gives_nine_million_with_the_grant_beside() -> None:
    split = rules.split(DIGI_ROGALAND, rogaland(), None, [Grant(Decimal("3000000.00"), GrantUse.BESIDE)])
    assert split.financed == Decimal("9278270.00")
    assert split.contributions == Decimal("6278270.00"), "the grant is split by nobody"


def test_a_grant_that_reduces_is_taken_off_before_the_split() -> None:
    split = rules.split(DIGI_ROGALAND, rogaland(), None, [Grant(Decimal("3000000.00"), GrantUse.REDUCES)])
    assert split.contributions == Decimal("3278270.00") == sum(share.amount for share in split.shares)
    assert split.financed == split.amount == Decimal("6278270.00")


def test_hordaland_s_ten_pay_half_a_million_each() -> None:
    members = [Member(str(number)) for number in range(10)]
    split = rules.split(Key(Kind.FIXED, fixed=Decimal("500000.00")), members)
    assert {share.amount for share in split.shares} == {Decimal("500000.00")}
    assert split.amount == Decimal("5000000.00")


def test_a_key_with_rates_splits_an_amount_in_proportion_to_its_contributions() -> None:
    members = [Member("1", 1_000), Member("2", 3_000)]
    split = rules.split(DIGI_ROGALAND, members, Decimal("100.00"))
    assert [share.weight for share in split.shares] == [Fraction(155, 320), Fraction(165, 320)]
    assert [share.amount for share in split.shares] == [Decimal("48.44"), Decimal("51.56")]


def test_thirty_seventy_is_one_key_and_each_figure_tells_its_parts() -> None:
    members = [Member("1", 1_000), Member("2", 2_000), Member("3", 4_001)]
    shares = rules.divide(Key(Kind.WEIGHTED, equal_percent=Decimal(30)), members, 10_000)
    assert [share.fixed for share in shares] == [1_000, 1_000, 1_000]
    assert [share.variable for share in shares] == [Fraction(7_000 * one, 7_001) for one in (1_000, 2_000, 4_001)]
    assert [share.whole for share in shares] == [1_999, 2_999, 5_000]
    assert [share.extra for share in shares] == [1, 1, 0]


def test_equal_fractions_are_settled_by_organisation_number() -> None:
    members = [Member("987654325"), Member("123456785"), Member("555555553")]
    shares = rules.divide(Key(Kind.EQUAL), members, 100)
    assert [(share.number, share.ore) for share in shares] == [
        ("123456785", 34),
        ("555555553", 33),
        ("987654325", 33),
    ]


amounts = st.integers(min_value=-(10**12), max_value=10**12)
members = st.lists(st.integers(min_value=0, max_value=800_000), min_size=1, max_size=15).map(
    lambda counts: [Member(f"{place:09}", count) for place, count in enumerate(counts)]
)


@given(members, amounts, st.integers(min_value=0, max_value=100))
def test_any_split_keeps_its_promises(members: list[Member], total: int, equal_percent: int) -> None:
    for key in (Key(Kind.EQUAL), Key(Kind.POPULATION), Key(Kind.WEIGHTED, equal_percent=Decimal(equal_percent))):
        if not rules.check(key, members):
            assert broken(key, members, total, rules.divide) is None


@given(members, st.lists(st.integers(min_value=-(10**6), max_value=10**8), min_size=1, max_size=8))
@settings(max_examples=50)
def test_part_bills_add_up_to_the_split_of_the_whole(members: list[Member], parts: list[int]) -> None:
    key = Key(Kind.POPULATION)
    assume(not rules.check(key, members))
    billed = {one.number: Decimal("0.00") for one in members}
    so_far = 0
    for part in parts:
        bill = rules.cumulative(key, members, rules.nok(so_far), rules.nok(so_far + part))
        assert sum(bill.values()) == rules.nok(part)
        so_far += part
        billed = {number: paid + bill[number] for number, paid in billed.items()}
        assert billed == {share.number: share.amount for share in rules.divide(key, members, so_far)}


def test_a_part_bill_can_be_one_ore_less_than_nothing() -> None:
    """The Alabama paradox: of a larger whole one gets a smaller share. So bills are differences, and none is lost."""
    members = [Member("1", 6), Member("2", 6), Member("3", 2)]
    key = Key(Kind.POPULATION)
    assert rules.cumulative(key, members, Decimal("0.10"), Decimal("0.11")) == {
        "1": Decimal("0.01"),
        "2": Decimal("0.01"),
        "3": Decimal("-0.01"),
    }


A, B = Member("964983291", 7_800), Member("938712441", 7_400)


@pytest.mark.parametrize(
    ("key", "members", "refused"),
    [
        (Key(Kind.EQUAL), [A, B], []),
        (Key(Kind.EQUAL), [A, B, A], [(rules.MemberTwice, "#/members/2")]),
        (Key(Kind.EQUAL), [Member("1"), Member("2")], []),
        (
            Key(Kind.POPULATION),
            [Member("1"), A, Member("2")],
            [(rules.PopulationMissing, "#/members/0"), (rules.PopulationMissing, "#/members/2")],
        ),
        (Key(Kind.POPULATION), [Member("1", 0), Member("2", 0)], [(rules.KeyWithoutWeight, "#/key")]),
        (Key(Kind.FIXED), [A, B], [(rules.KeyWithoutWeight, "#/key")]),
        (Key(Kind.PERCENTAGES, percentages={A.number: Decimal("99.5"), B.number: Decimal("0.5")}), [A, B], []),
        (
            Key(Kind.PERCENTAGES, percentages={A.number: Decimal("99.5"), B.number: Decimal("0.499999")}),
            [A, B],
            [(rules.PercentagesWrong, "#/key/percentages")],
        ),
        (
            Key(Kind.PERCENTAGES, percentages={A.number: Decimal(50), "3": Decimal(40)}),
            [A, B],
            [
                (rules.PercentagesWrong, "#/key/percentages"),
                (rules.PercentagesWrong, "#/key/percentages/3"),
                (rules.PercentagesWrong, "#/key/percentages"),
            ],
        ),
    ],
)
def test_every_reason_against_a_key_is_told(
    key: Key, members: list[Member], refused: list[tuple[type[Exception], str]]
) -> None:
    assert [(type(problem), problem.pointer) for problem in rules.check(key, members)] == refused


@pytest.mark.parametrize(
    ("key", "amount", "grants", "refused"),
    [
        (Key(Kind.EQUAL), None, [], rules.AmountMissing),
        (Key(Kind.EQUAL), "10.00", [("10.00", GrantUse.REDUCES)], None),
        (Key(Kind.EQUAL), "10.00", [("10.01", GrantUse.REDUCES)], rules.GrantTooLarge),
        (Key(Kind.EQUAL), "10.00", [("6.00", GrantUse.REDUCES), ("5.00", GrantUse.REDUCES)], rules.GrantTooLarge),
        (Key(Kind.EQUAL), "10.00", [("99.00", GrantUse.BESIDE)], None),
        (Key(Kind.EQUAL), "-10.00", [("1.00", GrantUse.REDUCES)], rules.GrantTooLarge),
        (Key(Kind.EQUAL), "-10.00", [], None),
        (Key(Kind.FIXED, fixed=Decimal("5.00")), None, [("10.00", GrantUse.REDUCES)], None),
        (Key(Kind.FIXED, fixed=Decimal("5.00")), None, [("10.01", GrantUse.REDUCES)], rules.GrantTooLarge),
    ],
)
def test_grants_and_amounts_must_fit(
    key: Key, amount: str | None, grants: list[tuple[str, GrantUse]], refused: type[Exception] | None
) -> None:
    found = rules.check_amount(
        key, Decimal(amount) if amount else None, [Grant(Decimal(nok), use) for nok, use in grants], [A, B]
    )
    assert [type(one) for one in found] == ([refused] if refused else [])


@pytest.mark.parametrize(
    ("fixed", "per_inhabitant", "key"),
    [
        ("500000", "0", {"kind": "fixed", "fixed": "500000.00"}),
        ("150000", "5", {"kind": "fixed_and_per_inhabitant", "fixed": "150000.00", "per_inhabitant": "5.00"}),
        (None, "7", {"kind": "per_inhabitant", "per_inhabitant": "7.00"}),
        (None, "prosentvis andel etter innbyggertall", {"kind": "population"}),
        (None, "10-15", None),
        (None, "ca. 3", None),
        (None, None, None),
    ],
)
def test_a_source_s_words_become_a_key_only_when_they_are_exact(
    fixed: str | None, per_inhabitant: str | None, key: dict[str, str] | None
) -> None:
    ready, why_not = rules.ready_key(fixed, per_inhabitant)
    assert ready == key
    assert (why_not is None) == (key is not None)


def test_money_with_a_fraction_of_an_ore_is_not_split() -> None:
    with pytest.raises(ValueError, match="fraction"):
        rules.ore(Decimal("1.005"))
