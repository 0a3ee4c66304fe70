"""What may be done about a non-conformity and an appeal, and when: the rules alone."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.appeals import rules as appeals
from services.catalog.appeals.rules import TargetKind
from services.catalog.non_conformities import rules
from services.catalog.non_conformities.rules import Actor, Event, EventKind, Standing, State, Step

TODAY = date(2026, 11, 24)
DUE = TODAY - timedelta(days=1)
BODY, HOLDER = Actor("decider", holder=False, interested=False), Actor("supplier", holder=True, interested=True)


def allowed(state: State, step: Step, actor: Actor, due_on: date | None = DUE) -> bool:
    return not rules.check_step(Standing(state, due_on, False), step, TODAY, actor, opened_by="assessor")


@pytest.mark.parametrize(("state", "step"), list(product(State, Step)))
def test_a_non_conformity_takes_the_steps_of_the_table_and_no_other(state: State, step: Step) -> None:
    actor = HOLDER if step in rules.HOLDERS else BODY
    assert allowed(state, step, actor) == ((state, step) in rules.MOVES)


def test_the_table_is_what_was_agreed() -> None:
    leads = {f"{state} –{step}→ {after}" for (state, step), after in rules.MOVES.items() if state is not after}
    assert {one for one in leads if "dismiss" not in one} == {
        "open –request-plan→ plan_requested",
        "open –submit-plan→ plan_submitted",
        "plan_requested –submit-plan→ plan_submitted",
        "plan_returned –submit-plan→ plan_submitted",
        "plan_submitted –approve-plan→ plan_approved",
        "plan_submitted –return-plan→ plan_returned",
        "plan_approved –resolve→ resolved",
        "resolved –reopen→ plan_approved",
        "resolved –close→ closed",
    }
    assert {state for state, step in rules.MOVES if step is Step.DISMISS} == set(State) - rules.ENDED
    assert {state for state, step in rules.MOVES if step is Step.ESCALATE} == rules.HOLDERS_TURN


@pytest.mark.parametrize("step", Step)
def test_each_step_is_its_actors(step: Step) -> None:
    state = next(state for state, one in rules.MOVES if one is step)
    stranger = Actor("decider", holder=False, interested=True)
    assert not allowed(state, step, stranger)
    opener = Actor("assessor", holder=False, interested=False)
    assert allowed(state, step, opener) == (step not in rules.DECISIONS and step not in rules.HOLDERS)
    holder_decides = Actor("decider", holder=True, interested=True)
    assert allowed(state, step, holder_decides) == (step in rules.HOLDERS)


def problems(found: Sequence[object]) -> list[str]:
    return [type(one).__name__ for one in found]


@pytest.mark.parametrize(
    ("due_on", "escalated", "expected"),
    [
        (TODAY - timedelta(days=1), False, []),
        (TODAY, False, ["NotOverdue"]),
        (TODAY + timedelta(days=1), False, ["NotOverdue"]),
        (None, False, ["NotOverdue"]),
        (TODAY - timedelta(days=1), True, ["AlreadyEscalated"]),
    ],
)
def test_only_what_is_overdue_is_escalated_and_once(due_on: date | None, escalated: bool, expected: list[str]) -> None:
    now = Standing(State.PLAN_REQUESTED, due_on, escalated)
    assert problems(rules.check_step(now, Step.ESCALATE, TODAY, BODY, opened_by="assessor")) == expected


days = st.dates(date(2026, 1, 1), date(2028, 1, 1))


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Random walks through the table, as they are recorded."""
    state, events, on = State.OPEN, [Event(EventKind.OPENED, date(2026, 1, 1))], date(2026, 1, 1)
    for _ in range(draw(st.integers(0, 12))):
        steps = [step for at, step in rules.MOVES if at is state]
        if not steps:
            break
        step = draw(st.sampled_from(steps))
        on += timedelta(days=draw(st.integers(0, 40)))
        state = rules.MOVES[state, step]
        due_on = draw(days) if state in rules.HOLDERS_TURN and step is not Step.ESCALATE else None
        starts_on = draw(days) if step is Step.SUBMIT_PLAN else None
        events.append(Event(rules.EVENTS[step], on, due_on, starts_on))
        if draw(st.booleans()):
            events.append(Event(EventKind.OVERDUE, on, draw(days)))
    return events


@given(histories())
def test_the_six_dates_follow_from_the_events(events: list[Event]) -> None:
    stands = rules.standing(events)
    last = {event.kind: event for event in events}
    assert stands.state in State
    assert (stands.closed_on is not None) == (stands.state in rules.ENDED)
    assert (stands.due_on is not None) == (stands.state in rules.HOLDERS_TURN)
    if EventKind.PLAN_APPROVED in last:
        approved = last[EventKind.PLAN_APPROVED]
        assert stands.plan_approved_on == approved.effective_on
        submitted = [one for one in events[: events.index(approved)] if one.kind is EventKind.PLAN_SUBMITTED]
        assert stands.started_on == submitted[-1].starts_on
    else:
        assert stands.plan_approved_on is stands.started_on is stands.must_complete_on is None
    assert stands.escalated == (EventKind.ESCALATED in last)
    if stands.state in (State.RESOLVED, State.CLOSED):
        assert stands.ended_on == last[EventKind.RESOLVED].effective_on
    elif stands.state is not State.DISMISSED:
        assert stands.ended_on is None
    if stands.state in (State.PLAN_APPROVED, State.RESOLVED, State.CLOSED):
        days_set = [one.due_on for one in events if one.kind in (EventKind.PLAN_APPROVED, EventKind.REOPENED)]
        assert stands.must_complete_on == days_set[-1]


@given(histories(), st.data())
def test_that_a_day_passed_is_noticed_changes_nothing(events: list[Event], data: st.DataObject) -> None:
    place = data.draw(st.integers(1, len(events)))
    noticed = [*events[:place], Event(EventKind.OVERDUE, date(2026, 6, 1), date(2026, 5, 1)), *events[place:]]
    assert rules.standing(noticed) == rules.standing(events)


# ---- Appeals


def target(kind: TargetKind = TargetKind.CERTIFICATE_EVENT, **rest: object) -> appeals.Target:
    values = {"party": False, "client": "first", "interested": {"supplier", "owner"}} | rest
    return appeals.Target(kind, TODAY, TODAY, "body", **values)  # type: ignore[arg-type]  # each test's own values


def answered(
    stands: appeals.Stands, step: appeals.Step, against: appeals.Target, organisation: str, client: str, **rest: bool
) -> list[str]:
    how = {"by_another_organisation": False} | rest
    return problems(appeals.check_step(stands, step, against, organisation=organisation, client=client, **how))


@pytest.mark.parametrize(("state", "step"), list(product(appeals.State, appeals.Step)))
def test_an_appeal_takes_the_steps_of_the_table_and_no_other(state: appeals.State, step: appeals.Step) -> None:
    stayed = TODAY if step is appeals.Step.END_STAY else None
    withdrawing = step is appeals.Step.WITHDRAW
    against = target(party=withdrawing)
    found = answered(appeals.Stands(state, stayed), step, against, "supplier" if withdrawing else "body", "second")
    assert (not found) == ((state, step) in appeals.MOVES)


def test_the_table_of_appeals_is_what_was_agreed() -> None:
    leads = {f"{state} –{step}→ {after}" for (state, step), after in appeals.MOVES.items() if state is not after}
    assert leads == {
        "submitted –begin-review→ under_review",
        "submitted –dismiss→ dismissed",
        "submitted –withdraw→ withdrawn",
        "under_review –dismiss→ dismissed",
        "under_review –withdraw→ withdrawn",
        "under_review –uphold→ upheld",
        "under_review –partly-uphold→ partly_upheld",
        "under_review –reject→ rejected",
    }


@pytest.mark.parametrize("step", sorted(appeals.ANSWERS))
def test_somebody_else_than_whoever_decided_answers(step: appeals.Step) -> None:
    stands = appeals.Stands(appeals.State.UNDER_REVIEW, None)
    assert answered(stands, step, target(), "body", "first") == ["SameDecisionMaker"]
    assert answered(stands, step, target(), "body", "second") == []
    assert answered(stands, step, target(), "owner", "second") == ["AppealBodyInterested"]
    assert answered(stands, step, target(), "body", "second", by_another_organisation=True) == ["SameDecisionMaker"]
    assert answered(stands, step, target(), "other body", "third", by_another_organisation=True) == []


def test_whoever_decided_may_stay_it() -> None:
    stands = appeals.Stands(appeals.State.SUBMITTED, None)
    assert answered(stands, appeals.Step.STAY, target(), "body", "first") == []
    assert answered(stands, appeals.Step.STAY, target(), "owner", "third") == ["AppealBodyInterested"]
    assert answered(stands, appeals.Step.STAY, target(TargetKind.DECISION), "body", "first") == ["NothingToStay"]
    stayed = appeals.Stands(appeals.State.SUBMITTED, TODAY)
    assert answered(stayed, appeals.Step.STAY, target(), "body", "first") == ["AlreadyStayed"]
    assert answered(stands, appeals.Step.END_STAY, target(), "body", "first") == ["NotStayed"]


@given(days, days)
def test_the_last_day_is_in_time(submitted_on: date, due_on: date) -> None:
    assert appeals.late(submitted_on, due_on) == (submitted_on > due_on)
    assert bool(appeals.check_hearing(appeals.late(submitted_on, due_on), None)) == (submitted_on > due_on)
    assert not appeals.check_hearing(True, "Unnskyldelig (fiktivt)")


@given(days, days, days)
def test_nothing_is_annulled_from_before_it_was(decided_on: date, effective_on: date, from_on: date) -> None:
    against = appeals.Target(TargetKind.CERTIFICATE_EVENT, decided_on, effective_on, "body", None, (), True)
    refused = bool(appeals.check_annulment(from_on, against))
    assert refused == (from_on < decided_on and from_on < effective_on)


@given(st.lists(st.sampled_from(list(appeals.Step)), max_size=8), st.lists(days, min_size=8, max_size=8))
def test_a_stay_lasts_from_its_beginning_to_its_end(steps: list[appeals.Step], on: list[date]) -> None:
    events = [(appeals.EventKind.SUBMITTED, date(2026, 1, 1))]
    state, stayed = appeals.State.SUBMITTED, None
    for step, day in zip(steps, on, strict=False):
        if (state, step) in appeals.MOVES:
            state = appeals.MOVES[state, step]
            events.append((appeals.EVENTS[step], day))
            stayed = {appeals.Step.STAY: day, appeals.Step.END_STAY: None}.get(step, stayed)
    assert appeals.standing(events) == appeals.Stands(state, stayed)
