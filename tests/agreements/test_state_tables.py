"""The state tables, tried in full: every (state, event) is a move or is refused."""

from itertools import product
from typing import TypeVar

import pytest

from services.agreements.bids import rules as bids
from services.agreements.calloffs import rules as calloffs
from services.agreements.frameworks import rules as frameworks
from services.agreements.mini_competitions import rules as mini_competitions

T = TypeVar("T")


@pytest.mark.parametrize(("state", "event"), list(product(calloffs.State, calloffs.Event)))
def test_a_call_off_moves_by_its_table_or_not_at_all(state: calloffs.State, event: calloffs.Event) -> None:
    if (state, event) in calloffs.MOVES:
        assert calloffs.after(state, event) is calloffs.MOVES[state, event]
    else:
        with pytest.raises(calloffs.MoveRefused):
            calloffs.after(state, event)


@pytest.mark.parametrize(("state", "event"), list(product(frameworks.State, frameworks.Event)))
def test_an_agreement_moves_by_its_table_or_not_at_all(state: frameworks.State, event: frameworks.Event) -> None:
    if (state, event) in frameworks.MOVES:
        assert frameworks.after(state, event) is frameworks.MOVES[state, event]
    else:
        with pytest.raises(frameworks.MoveRefused):
            frameworks.after(state, event)


def test_a_call_off_has_sixteen_states_and_all_can_be_reached_and_left_for_an_end() -> None:
    assert len(calloffs.State) == 16
    assert reached({calloffs.State.DRAFT}, [(a, b) for (a, _), b in calloffs.MOVES.items()]) == set(calloffs.State)
    backwards = [(b, a) for (a, _), b in calloffs.MOVES.items()]
    assert reached(set(calloffs.TERMINAL), backwards) == set(calloffs.State)


@pytest.mark.parametrize(("state", "event"), list(product(mini_competitions.State, mini_competitions.Event)))
def test_a_mini_competition_moves_by_its_table_or_not_at_all(
    state: mini_competitions.State, event: mini_competitions.Event
) -> None:
    if (state, event) in mini_competitions.MOVES:
        assert mini_competitions.after(state, event) is mini_competitions.MOVES[state, event]
    else:
        with pytest.raises(mini_competitions.MoveRefused):
            mini_competitions.after(state, event)


@pytest.mark.parametrize(("state", "event"), list(product(bids.State, bids.Event)))
def test_a_bid_moves_by_its_table_or_not_at_all(state: bids.State, event: bids.Event) -> None:
    if (state, event) in bids.MOVES:
        assert bids.after(state, event) is bids.MOVES[state, event]
    else:
        with pytest.raises(bids.MoveRefused):
            bids.after(state, event)


def test_a_mini_competition_has_eight_states_and_a_bid_eleven_and_all_can_be_reached_and_left_for_an_end() -> None:
    for machine, states in ((mini_competitions, 8), (bids, 11)):
        assert len(machine.State) == states
        forwards = [(a, b) for (a, _), b in machine.MOVES.items()]
        assert reached({machine.State.DRAFT}, forwards) == set(machine.State)
        assert reached(set(machine.TERMINAL), [(b, a) for a, b in forwards]) == set(machine.State)


def test_nothing_leaves_a_terminal_state() -> None:
    for machine in (calloffs, mini_competitions, bids):
        assert not [move for move in machine.MOVES if move[0] in machine.TERMINAL]


def test_a_call_off_cannot_be_cancelled_once_delivery_has_begun_or_an_answer_is_awaited() -> None:
    cancellable = {state for state, event in calloffs.MOVES if event is calloffs.Event.CANCEL}
    assert cancellable == {
        calloffs.State.DRAFT,
        calloffs.State.RESERVED,
        calloffs.State.APPROVED,
        calloffs.State.SENT,
        calloffs.State.ACKNOWLEDGED,
        calloffs.State.CHANGE_PROPOSED,
        calloffs.State.CONFIRMED,
    }


def test_an_agreement_has_ten_states_and_no_way_back_from_exhausted() -> None:
    assert len(frameworks.State) == 10
    onward = {b for (a, _), b in frameworks.MOVES.items() if a is frameworks.State.EXHAUSTED}
    assert onward == {frameworks.State.EXPIRED, frameworks.State.TERMINATED}


def reached(start: set[T], moves: list[tuple[T, T]]) -> set[T]:
    found = set(start)
    while new := {b for a, b in moves if a in found} - found:
        found |= new
    return found
