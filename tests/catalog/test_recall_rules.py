"""When users are told, of what, and who of them: every status, every holding."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.certificates.rules import Scope, Status
from services.catalog.holdings.rules import Holding, How
from services.catalog.recall_notices import rules as notices
from services.catalog.recalls import rules
from services.catalog.recalls.rules import RECALLED, State, Step, Told, Use

RECALLS = {Status.SUSPENDED, Status.WITHDRAWN, Status.RELINQUISHED_UNDER_INVESTIGATION}


@pytest.mark.parametrize(("before", "after"), list(product([None, *Status], [None, *Status])))
def test_what_a_status_after_another_means(before: Status | None, after: Status | None) -> None:
    if before not in (None, Status.RELINQUISHED) and before not in RECALLED:
        return  # users are never told of such a status
    found = rules.told(before, after)
    if after in RECALLS:
        assert found is (None if before is after else Told.OPENED)
    elif after is Status.RELINQUISHED:
        assert found is (Told.OPENED if before in RECALLS else None), "given up is not good again"
    elif before is None or after is None:
        assert found is None
    else:
        assert found is Told.ENDED


@given(st.lists(st.sampled_from([None, *Status]), max_size=30))
def test_whatever_comes_users_know_whether_they_can_rely_on_it(statuses: list[Status | None]) -> None:
    """After any course of events the last thing that was told is the status there is, if it is an alarm, and nothing
    is told twice in a row."""
    known: Status | None = None
    for status in statuses:
        found = rules.told(known, status)
        if found is Told.OPENED:
            assert status is not known
            known = status
        elif found is Told.ENDED:
            assert known is not None
            known = None
        if status in RECALLED:
            assert known is status
        elif status is not None and status is not Status.RELINQUISHED:
            assert known is None


@pytest.mark.parametrize(("state", "step"), list(product(State, Step)))
def test_only_what_is_open_is_replaced_or_ended(state: State, step: Step) -> None:
    assert ((state, step) in rules.MOVES) == (state is State.OPEN)


@pytest.mark.parametrize(("state", "step"), list(product(notices.State, notices.Step)))
def test_a_notice_is_acknowledged_as_often_as_what_is_done_changes(state: notices.State, step: notices.Step) -> None:
    assert notices.MOVES[state, step] is notices.State.ACKNOWLEDGED


@pytest.mark.parametrize("measure", notices.Measure)
def test_whoever_goes_on_as_before_says_why(measure: notices.Measure) -> None:
    silent = measure in (notices.Measure.USE_CONTINUES, notices.Measure.NOT_CONCERNED)
    assert bool(notices.check(measure, None)) == silent
    assert not notices.check(measure, "Bare til øving")


def test_a_version_that_the_certificate_did_not_cover_is_not_concerned() -> None:
    uses = [Use(1, "1.0"), Use(2, "2.0"), Use(3, None), Use(4, "2.10")]
    assert rules.concerned(uses, Scope(versions=("1.0",))) == {1, 3}
    assert rules.concerned(uses, Scope(version_from="2.0", version_to="2.9")) == {2, 3}
    assert rules.concerned(uses, Scope(version_from="2.0")) == {2, 3, 4}
    assert rules.concerned(uses, Scope()) == {1, 2, 3, 4}


holdings = st.builds(
    Holding,
    st.lists(st.integers(1, 12), min_size=1, max_size=3, unique=True).map(tuple),
    st.sampled_from(How),
)


@given(
    st.lists(holdings, max_size=12),
    st.dictionaries(st.integers(1, 12), st.sets(st.integers(1, 20), max_size=4), max_size=4),
    st.sets(st.integers(1, 20)),
)
def test_everybody_who_can_be_told_is_told_once(
    held: list[Holding], members: dict[int, set[int]], reachable: set[int]
) -> None:
    found = rules.audience(held, members, reachable)
    users = {one for holding in held for one in holding.organisations}
    everyone = users | {member for one in users for member in members.get(one, ())}
    assert sorted(set(found.organisations)) == list(found.organisations), "each once, in one order"
    assert set(found.organisations) == everyone & reachable
    assert found.unreachable == sum(not ({one} | members.get(one, set())) & reachable for one in users)


def test_all_successors_are_told_while_they_have_not_agreed() -> None:
    undecided = Holding((1, 2), How.TO_BE_CONFIRMED_BY_BOTH)
    assert rules.audience([undecided], {}, {1, 2, 3}) == rules.Audience((1, 2), 0)


def test_a_co_operation_is_told_and_its_members_are() -> None:
    assert rules.audience([Holding((7,), How.OWN)], {7: {1, 2}}, {1, 2, 7}) == rules.Audience((1, 2, 7), 0)
    assert rules.audience([Holding((7,), How.OWN)], {7: {1, 2}}, {1, 2}) == rules.Audience((1, 2), 0)
    assert rules.audience([Holding((7,), How.OWN)], {}, {1, 2}) == rules.Audience((), 1)
