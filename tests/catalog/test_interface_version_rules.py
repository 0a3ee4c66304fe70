"""The life of an interface's version: every step from every state, and the state on any day."""

from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.interface_versions import rules
from services.catalog.interface_versions.rules import MOVES, Event, Step
from services.catalog.interfaces.rules import Status

DAY = date(2027, 1, 1)
HISTORIES = {
    Status.DRAFT: [],
    Status.CURRENT: [Event(Status.CURRENT, DAY)],
    Status.DEPRECATED: [Event(Status.CURRENT, DAY), Event(Status.DEPRECATED, DAY)],
    Status.WITHDRAWN: [Event(Status.WITHDRAWN, DAY)],
}


@pytest.mark.parametrize(("status", "step"), list(product(Status, Step)))
def test_a_step_is_possible_from_exactly_these_states(status: Status, step: Step) -> None:
    found = rules.check(HISTORIES[status], step, effective_on=DAY, today=DAY, reason="Derfor", replaced=False)
    assert [type(one) for one in found] == ([] if (status, step) in MOVES else [rules.StepNotPossible])
    assert ((status, step) in MOVES) == (
        (status, step)
        in {
            (Status.DRAFT, Step.PUBLISH),
            (Status.DRAFT, Step.WITHDRAW),
            (Status.CURRENT, Step.DEPRECATE),
            (Status.CURRENT, Step.WITHDRAW),
            (Status.DEPRECATED, Step.WITHDRAW),
        }
    )


@pytest.mark.parametrize(
    ("step", "days", "needed"),
    [
        (Step.PUBLISH, 0, False),
        (Step.PUBLISH, 9, False),
        (Step.PUBLISH, -1, True),
        (Step.WITHDRAW, 0, True),
        (Step.WITHDRAW, 9, True),
    ],
)
def test_what_ends_or_lies_back_needs_a_reason(step: Step, days: int, needed: bool) -> None:
    found = rules.check([], step, effective_on=DAY + timedelta(days), today=DAY, reason=None, replaced=False)
    assert [type(one) for one in found] == ([rules.StepUnexplained] if needed else [])


steps = st.lists(st.tuples(st.sampled_from(Step), st.integers(0, 400)), max_size=8)


@given(steps, st.integers(-10, 3000))
def test_on_every_day_the_last_step_that_has_taken_effect_holds(taken: list[tuple[Step, int]], day: int) -> None:
    events: list[Event] = []
    for step, days in taken:
        on = (events[-1].effective_on if events else DAY) + timedelta(days)
        if not rules.check(events, step, effective_on=on, today=DAY, reason="Derfor", replaced=False):
            events.append(Event(MOVES[rules.last(events), step], on))
    here = DAY + timedelta(day)
    held = [one.status for one in events if one.effective_on <= here]
    assert rules.status_on(events, here) is (held[-1] if held else Status.DRAFT)
    assert rules.status_on(events, date.max) is rules.last(events)


def test_a_version_is_not_replaced_by_itself_nor_when_it_begins() -> None:
    for step, replaced in ((Step.WITHDRAW, None), (Step.PUBLISH, True)):
        found = rules.check([], step, effective_on=DAY, today=DAY, reason="Derfor", replaced=replaced)
        assert [type(one) for one in found] == [rules.SuccessorUnfit]
