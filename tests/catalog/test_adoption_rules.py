"""Adoptions without a database: how they move, who may see them, and that nobody is counted twice."""

from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.adoptions import rules
from services.catalog.adoptions.rules import CLAIMS, MOVES, Claim, Sight, Standing, Status, Step
from services.catalog.allocations import rules as allocations
from services.catalog.confirmations import rules as confirmations
from services.catalog.holdings import rules as holdings
from services.catalog.holdings.rules import Holding, How
from services.catalog.landscapes import rules as landscapes
from services.catalog.neighbours import rules as neighbours
from services.catalog.organisations.rules import Kind, Relation
from services.catalog.supply_contracts import rules as contracts
from services.chassis.values import new_id

TODAY = date(2026, 11, 25)
SINCE = date(2026, 1, 1)
LIFE = [Step.PILOT, Step.START, Step.PHASE_OUT, Step.END]
PUBLIC = {Kind.MUNICIPALITY, Kind.COUNTY, Kind.CO_OPERATION, Kind.JOINT_UNIT, Kind.STATE_AGENCY}


def refused(step: Step, status: Status, claim: Claim, effective_on: date = TODAY, reason: str | None = "x") -> set[str]:
    standing = Standing(status, SINCE, claim)
    found = rules.check_step(step, standing, effective_on=effective_on, today=TODAY, reason=reason)
    return {one.slug() for one in found}


@pytest.mark.parametrize(("status", "step"), list(product(Status, LIFE)))
def test_an_adoption_moves_as_the_table_says_and_not_otherwise(status: Status, step: Step) -> None:
    possible = {
        Status.PLANNED: {Step.PILOT, Step.START, Step.END},
        Status.PILOT: {Step.START, Step.END},
        Status.IN_USE: {Step.PHASE_OUT, Step.END},
        Status.PHASING_OUT: {Step.START, Step.END},
        Status.ENDED: set(),
    }
    assert ((status, step) in MOVES) == (step in possible[status])
    assert refused(step, status, Claim.CONFIRMED) == (set() if step in possible[status] else {"step-impossible"})


@pytest.mark.parametrize(("claim", "step"), list(product(Claim, [Step.CONFIRM, Step.DISPUTE])))
def test_a_word_can_be_given_and_taken_back(claim: Claim, step: Step) -> None:
    impossible = claim is Claim.DISPUTED and step is Step.DISPUTE
    assert refused(step, Status.IN_USE, claim) == ({"step-impossible"} if impossible else set())
    assert CLAIMS.get((claim, step)) is (
        None if impossible else Claim.CONFIRMED if step is Step.CONFIRM else Claim.DISPUTED
    )


@pytest.mark.parametrize(("claim", "step"), list(product([Claim.CLAIMED, Claim.DISPUTED], LIFE)))
def test_only_what_is_confirmed_moves(claim: Claim, step: Step) -> None:
    assert "confirm-first" in refused(step, Status.IN_USE, claim)


@pytest.mark.parametrize(
    ("effective_on", "reason", "problems"),
    [
        (TODAY, None, set()),
        (TODAY - timedelta(1), None, {"back-dated-without-reason"}),
        (TODAY - timedelta(1), "Glemt", set()),
        (TODAY + timedelta(1), "Snart", {"effective-in-future"}),
        (SINCE - timedelta(1), "Før", {"effective-before-last"}),
    ],
)
def test_a_step_has_a_day_that_makes_sense(effective_on: date, reason: str | None, problems: set[str]) -> None:
    assert refused(Step.END, Status.IN_USE, Claim.CONFIRMED, effective_on, reason) == problems


def test_who_disputes_says_why() -> None:
    assert refused(Step.DISPUTE, Status.IN_USE, Claim.CLAIMED, reason=None) == {"step-reason-missing"}


@given(st.dates(), st.none() | st.dates(), st.none() | st.dates())
def test_a_claim_never_becomes_true_by_waiting(today: date, confirm_by: date | None, confirmed: date | None) -> None:
    claimed = rules.stale(Claim.CLAIMED, today, confirm_by_on=confirm_by, last_confirmed_on=confirmed)
    assert claimed == (confirm_by is None or today > confirm_by)
    kept = rules.stale(Claim.CONFIRMED, today, confirm_by_on=confirm_by, last_confirmed_on=confirmed)
    assert kept == (confirmed is None or (today - confirmed).days > 365)


@given(st.sets(st.sampled_from(list(Kind))), st.none() | st.sets(st.sampled_from(list(Kind))))
def test_a_supplier_sees_only_its_claims_whatever_else_it_is(kinds: set[Kind], through: set[Kind] | None) -> None:
    found = rules.sight(kinds, through=through)
    if Kind.SUPPLIER in kinds or not kinds & PUBLIC:
        assert found is Sight.CLAIMS
        assert not rules.may_see(kinds)
    elif through is not None and (Kind.SUPPLIER in through or not through & PUBLIC):
        assert found is Sight.OWN
    else:
        contracts_too = bool(kinds & (PUBLIC - {Kind.STATE_AGENCY}))
        assert found is (Sight.WITH_CONTRACTS if contracts_too else Sight.WITHOUT_CONTRACTS)


# ---- Counting

ORGANISATIONS = range(1, 13)
CO_OPERATIONS = range(101, 105)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Holding], dict[int, set[int]]]:
    """Adoptions among random mergers, splits, allocations and memberships. A merger has one heir, a split several."""
    groups = draw(st.sets(st.sampled_from(CO_OPERATIONS)))
    members = {one: draw(st.sets(st.sampled_from(ORGANISATIONS), max_size=6)) for one in groups}
    found = []
    for registered in draw(st.lists(st.sampled_from([*ORGANISATIONS, *CO_OPERATIONS]), max_size=15)):
        if registered in CO_OPERATIONS:
            heirs = [(registered, Relation.SAME)]
        else:
            relation = draw(st.sampled_from([Relation.SAME, Relation.MERGER, Relation.SPLIT]))
            many = 3 if relation is Relation.SPLIT else 1
            some = draw(st.lists(st.sampled_from(ORGANISATIONS), min_size=many - 1 or 1, max_size=many, unique=True))
            heirs = [(one, relation) for one in ([registered] if relation is Relation.SAME else some)]
        allocated = draw(st.none() | st.lists(st.sampled_from(heirs), min_size=1, unique=True))
        found.append(holdings.holding(registered, heirs, allocated))
    return found, members


@given(worlds())
def test_a_roll_up_never_counts_an_organisation_twice(world: tuple[list[Holding], dict[int, set[int]]]) -> None:
    found, members = world
    tally = holdings.tally(found, members)
    certain = {
        one
        for holding in found
        if holding.decided
        for each in holding.organisations
        for one in members.get(each) or {each}
    }
    perhaps = {one for holding in found if not holding.decided for one in holding.organisations}
    assert not tally.own & tally.shared
    assert tally.own | tally.shared == certain
    assert len(certain) <= tally.total <= len(certain | perhaps)
    if perhaps - certain and not certain:
        assert tally.undecided >= 1
    assert holdings.tally(reversed(found), members) == tally
    assert holdings.tally([*found, *found], members) == tally, "an adoption more of the same changes nothing"


def test_what_is_undecided_counts_once_and_for_neither() -> None:
    split = Holding((7, 8), How.TO_BE_CONFIRMED_BY_BOTH)
    assert holdings.tally([split, split], {}) == holdings.Tally(frozenset(), frozenset(), 1)
    assert holdings.tally([split, Holding((7,), How.OWN)], {}).total == 1, "it may well be the same"


def test_own_wins_over_shared_and_two_co_operations_count_a_member_once() -> None:
    shared = [Holding((101,), How.OWN), Holding((102,), How.OWN)]
    members = {101: {1, 2}, 102: {2, 3}}
    assert holdings.tally([*shared, Holding((3,), How.OWN)], members) == holdings.Tally(
        frozenset({3}), frozenset({1, 2}), 0
    )


def test_a_split_waits_until_it_is_allocated_and_a_merger_does_not() -> None:
    split = [(7, Relation.SPLIT), (8, Relation.SPLIT)]
    assert holdings.holding(1, split, None) == Holding((7, 8), How.TO_BE_CONFIRMED_BY_BOTH)
    assert holdings.holding(1, split, [(8, Relation.SAME)]) == Holding((8,), How.ALLOCATED)
    assert holdings.holding(1, [(7, Relation.MERGER)], None) == Holding((7,), How.INHERITED)
    assert holdings.holding(1, [], None) == Holding((1,), How.OWN)


# ---- Landscapes, neighbours, contracts, confirmations, allocations


@given(
    st.lists(
        st.builds(
            landscapes.Entry,
            adoption=st.integers(1, 50),
            thing=st.sampled_from(["a", "b"]),
            environment=st.sampled_from(["production", "test"]),
            live=st.booleans(),
            how=st.just(How.THROUGH_CO_OPERATION),
            through=st.sampled_from(CO_OPERATIONS),
            membership=st.sampled_from(["recorded", "inherited_unconfirmed"]),
        ),
        unique_by=lambda one: one.adoption,
    ),
    st.lists(
        st.builds(
            landscapes.Entry,
            adoption=st.integers(51, 99),
            thing=st.sampled_from(["a", "b"]),
            environment=st.sampled_from(["production", "test"]),
            live=st.booleans(),
            how=st.sampled_from([How.OWN, How.INHERITED, How.TO_BE_CONFIRMED_BY_BOTH]),
        ),
        unique_by=lambda one: one.adoption,
    ),
)
def test_a_landscape_has_a_shared_thing_once_and_not_beside_an_own_one(
    shared: list[landscapes.Entry], own: list[landscapes.Entry]
) -> None:
    items = landscapes.compose([*shared, *own])
    assert [item.entry for item in items if not item.through] == sorted(own, key=lambda one: (*one.key, one.adoption))
    covered = {one.key for one in own if one.live and one.how is not How.TO_BE_CONFIRMED_BY_BOTH}
    live = [item.entry.key for item in items if item.through and item.entry.live]
    assert len(live) == len(set(live))
    assert set(live) == {one.key for one in shared if one.live} - covered


def test_likeness_is_told_point_by_point() -> None:
    one = neighbours.Profile(8000, "18", frozenset({"a", "b"}))
    assert neighbours.likeness(one, one, factor=2).score == 100
    other = neighbours.Profile(12000, "15", frozenset({"b", "c"}))
    found = neighbours.likeness(one, other, factor=2)
    assert (found.size, found.county, found.use, found.common) == (20, 0, 13, ("b",))
    unknown = neighbours.Profile(None, None, frozenset())
    assert neighbours.likeness(unknown, unknown, factor=2).score == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 5))))
def test_neighbours_are_grouped_with_what_most_use_first(uses: list[tuple[str, int]]) -> None:
    groups = neighbours.grouped(uses)
    assert {(group.thing, user) for group in groups for user in group.users} == set(uses)
    assert [-len(group.users) for group in groups] == sorted(-len(group.users) for group in groups)


@pytest.mark.parametrize(
    ("ends_on", "months", "count", "last"),
    [
        (date(2027, 12, 31), 12, 2, date(2029, 12, 31)),
        (date(2027, 8, 31), 6, 1, date(2028, 2, 29)),
        (date(2027, 11, 30), 1, 1, date(2027, 12, 30)),
        (date(2027, 1, 31), 0, 0, date(2027, 1, 31)),
        (date(2026, 12, 15), 12, 1, date(2027, 12, 15)),
    ],
)
def test_options_move_a_contracts_end(ends_on: date, months: int, count: int, last: date) -> None:
    assert contracts.Terms(ends_on, None, months, count).last_end_on == last


def test_a_list_is_confirmed_only_when_nothing_in_it_is_in_doubt() -> None:
    sure = confirmations.Listed(new_id(), (1,), confirmed=True, disputed=False)
    twin = confirmations.Listed(new_id(), (1,), confirmed=False, disputed=False)
    doubt = confirmations.Listed(new_id(), (2,), confirmed=False, disputed=True)

    def told(*listed: confirmations.Listed, leaving: tuple[object, ...] = (), on: date = TODAY) -> list[str]:
        found = confirmations.check(listed, leaving=leaving, as_of_on=on, today=TODAY)  # type: ignore[arg-type]
        return [one.slug() for one in found]

    assert told(sure) == []
    assert told(sure, doubt) == ["disputed-left"]
    assert told(sure, doubt, leaving=(doubt.id,)) == []
    assert told(sure, twin) == ["claimed-twice"]
    assert told(sure, leaving=(sure.id,)) == ["not-disputed"]
    assert told(sure, on=TODAY + timedelta(1)) == ["as-of-in-future"]


def test_allocating_is_for_successors_and_among_them() -> None:
    def told(**changed: object) -> list[str]:
        usual: dict[str, object] = {
            "successors": [7, 8],
            "wanted": [7],
            "unknown": set(),
            "acting": 7,
            "pending": False,
        }
        return [one.slug() for one in allocations.check_proposal(**(usual | changed))]  # type: ignore[arg-type]

    assert told() == []
    assert told(successors=[]) == ["nothing-to-allocate"]
    assert told(acting=9) == ["no-successor"]
    assert told(wanted=[7, 9], pending=True) == ["allocated-to-stranger", "allocation-pending"]
