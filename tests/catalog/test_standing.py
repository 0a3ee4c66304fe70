"""What a certificate is worth on a day, out of everything that has happened to it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from services.catalog.certificates import rules
from services.catalog.certificates.rules import (
    FINAL,
    MOVES,
    Condition,
    ConditionKind,
    Event,
    EventKind,
    History,
    Outcome,
    Remark,
    Scope,
    Standing,
    Status,
    Step,
    Told,
    Validity,
)
from services.chassis.problems import Problem

START, END = date(2026, 1, 1), date(2029, 12, 31)
VALIDITY = Validity(START, END)
GRANTED_AT = datetime(2025, 12, 1, 12, tzinfo=UTC)
LATER = datetime(2045, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
SUMMER, AUTUMN = date(2026, 7, 1), date(2026, 10, 1)
FORMS = Scope(delivery_forms=("saas", "on_premises"))
NARROWER = Scope(delivery_forms=("saas",))
GROUND = "supplier-suspension:1"
NON_CONFORMITY = "non-conformity:1"


def history(*happened: Event | tuple[EventKind, date], **rest: Any) -> History:
    """Granted, then these, each recorded a day after the one before."""
    events = [Event(EventKind.GRANTED, START, GRANTED_AT, 1)]
    for place, one in enumerate(happened, start=2):
        event = one if isinstance(one, Event) else Event(*one, GRANTED_AT)
        events.append(replace(event, recorded_at=GRANTED_AT + DAY * (place - 1), id=place))
    return History(events, VALIDITY, FORMS, **rest)


def event(kind: EventKind, on: date, **rest: Any) -> Event:
    return Event(kind, on, GRANTED_AT, **rest)


def status(one: History, on: date, known_at: datetime = LATER) -> Status | None:
    return rules.status_on(one, on, known_at)


def stands(one: History, on: date, known_at: datetime = LATER) -> Standing:
    found = rules.standing(one, on, known_at)
    assert found
    return found


def step(
    one: History, step: Step, on: date, *, by: str = "100000040", ground: str | None = None
) -> list[type[Problem]]:
    found = rules.check_step(one, step, on, LATER, holder="100000016", decided_by=by, ground=ground)
    return [type(problem) for problem in found]


# ---- The state machine

BEFORE: dict[Status, tuple[list[Event | tuple[EventKind, date]], date]] = {
    Status.VALID: ([], AUTUMN),
    Status.SUSPENDED: ([(EventKind.SUSPENDED, SUMMER)], AUTUMN),
    Status.WITHDRAWN: ([(EventKind.WITHDRAWN, SUMMER)], AUTUMN),
    Status.RELINQUISHED: ([(EventKind.RELINQUISHED, SUMMER)], AUTUMN),
    Status.RELINQUISHED_UNDER_INVESTIGATION: (
        [event(EventKind.INVESTIGATION_OPENED, START, ground=NON_CONFORMITY), (EventKind.RELINQUISHED, SUMMER)],
        AUTUMN,
    ),
    Status.SUPERSEDED: ([(EventKind.SUPERSEDED, SUMMER)], AUTUMN),
    Status.EXPIRED: ([], END + DAY),
    Status.NOT_YET_VALID: ([(EventKind.SUSPENDED, START - 5 * DAY)], START - DAY),
}
"""For each status a history and a day on which it holds."""
OWN_STEPS = (Step.RELINQUISH, Step.CARRY_OVER)


def detail(taken: Step) -> dict[str, Any]:
    return {"valid_to_on": str(END + 365 * DAY)} if taken is Step.RENEW else NARROWER.detail()


@pytest.mark.parametrize(("before", "taken"), list(product(Status, Step)))
def test_every_step_from_every_status_is_a_move_or_refused(before: Status, taken: Step) -> None:
    happened, on = BEFORE[before]
    one = history(*happened)
    assert status(one, on) is before
    by = "100000016" if taken in OWN_STEPS else "100000040"
    ground = GROUND if taken is Step.SUSPEND else None
    refused = step(one, taken, on, by=by, ground=ground)
    if (before, taken) in MOVES:
        assert refused == []
        after = history(*happened, event(rules.EVENTS[taken], on, ground=ground, detail=detail(taken)))
        assert status(after, on) is MOVES[before, taken]
    else:
        assert refused == [rules.StepRefused]
        ignored = history(*happened, event(rules.EVENTS[taken], on, ground=ground, detail=detail(taken)))
        assert status(ignored, on) is before, "a step that is no move changes nothing"


def test_nothing_leaves_what_is_final() -> None:
    assert not [move for move in MOVES if move[0] in FINAL]
    assert {MOVES[move] for move in MOVES if move[0] is Status.EXPIRED} == {Status.VALID}, "expired is only renewed"


def test_a_supplier_relinquishes_and_carries_over_and_nobody_else_does() -> None:
    for taken in Step:
        own, others = step(history(), taken, SUMMER, by="100000016"), step(history(), taken, SUMMER)
        assert (rules.DecisionOnOwnProduct in own) == (taken not in OWN_STEPS)
        assert (rules.CertificateNotYours in others) == (taken in OWN_STEPS)


# ---- Days


def test_the_last_day_is_valid_and_the_next_is_not() -> None:
    days = [START - DAY, START, END, END + DAY]
    seen = [status(history(), day) for day in days]
    assert seen == [Status.NOT_YET_VALID, Status.VALID, Status.VALID, Status.EXPIRED]


def test_suspended_past_its_end_it_is_expired_and_only_renewal_helps() -> None:
    one = history((EventKind.SUSPENDED, SUMMER))
    assert status(one, END) is Status.SUSPENDED
    assert status(one, END + DAY) is Status.EXPIRED
    assert step(one, Step.RESTORE, END + DAY) == [rules.StepRefused]
    assert step(one, Step.RENEW, END + DAY) == []
    renewed = event(EventKind.RENEWED, END + 10 * DAY, detail={"valid_to_on": str(END + 800 * DAY)})
    after = history((EventKind.SUSPENDED, SUMMER), renewed)
    days = [END + 9 * DAY, END + 10 * DAY, END + 800 * DAY, END + 801 * DAY]
    assert [status(after, day) for day in days] == [Status.EXPIRED, Status.VALID, Status.VALID, Status.EXPIRED]


def test_a_suppliers_suspension_that_is_lifted_after_the_end_does_not_outlive_a_renewal() -> None:
    suspended = event(EventKind.SUSPENDED, SUMMER, ground=GROUND)
    lifted = event(EventKind.RESTORED, END + DAY, ground=GROUND)
    renewed = event(EventKind.RENEWED, END + 2 * DAY, detail={"valid_to_on": str(END + 800 * DAY)})
    one = history(suspended, lifted, renewed)
    assert [status(one, END + days * DAY) for days in (1, 2)] == [Status.EXPIRED, Status.VALID]


def test_renewal_of_an_expired_certificate_leaves_a_suppliers_suspension_standing() -> None:
    renewed = event(EventKind.RENEWED, END + DAY, detail={"valid_to_on": str(END + 800 * DAY)})
    one = history(event(EventKind.SUSPENDED, SUMMER, ground=GROUND), (EventKind.SUSPENDED, SUMMER), renewed)
    assert stands(one, END + DAY).grounds == {GROUND}


def test_a_step_that_lies_ahead_changes_nothing_until_then() -> None:
    one = history((EventKind.SUSPENDED, AUTUMN))
    assert [status(one, day) for day in (AUTUMN - DAY, AUTUMN)] == [Status.VALID, Status.SUSPENDED]


def test_before_it_was_granted_there_is_no_certificate() -> None:
    assert status(history(), SUMMER, GRANTED_AT - timedelta(seconds=1)) is None


# ---- Grounds


def test_lifting_one_ground_leaves_the_others() -> None:
    both = (event(EventKind.SUSPENDED, SUMMER, ground=GROUND), event(EventKind.SUSPENDED, SUMMER))
    lifted = history(*both, event(EventKind.RESTORED, AUTUMN, ground=GROUND))
    assert status(lifted, AUTUMN) is Status.SUSPENDED
    assert stands(lifted, AUTUMN).grounds == {None}
    assert status(history(*both, event(EventKind.RESTORED, AUTUMN)), AUTUMN) is Status.SUSPENDED
    free = history(*both, *(event(EventKind.RESTORED, AUTUMN, ground=one) for one in (None, GROUND)))
    assert status(free, AUTUMN) is Status.VALID


def test_a_ground_is_opened_once_and_lifted_only_when_open() -> None:
    one = history((EventKind.SUSPENDED, SUMMER))
    assert step(one, Step.SUSPEND, AUTUMN) == [rules.GroundOpen]
    assert step(one, Step.SUSPEND, AUTUMN, ground=GROUND) == []
    assert step(one, Step.RESTORE, AUTUMN, ground=GROUND) == [rules.GroundNotOpen]


# ---- Conditions

DUE = date(2026, 8, 31)
CONDITION = Condition("1", ConditionKind.CONDITION, DUE, GRANTED_AT)
MET = {"condition": "1"}


@pytest.mark.parametrize("kind", ConditionKind)
def test_what_is_not_in_place_in_time_suspends_from_the_next_day(kind: ConditionKind) -> None:
    one = history(conditions=[replace(CONDITION, kind=kind)])
    remark = {ConditionKind.CONDITION: Remark.WITH_CONDITIONS, ConditionKind.DISPENSATION: Remark.WITH_DISPENSATION}
    assert stands(one, DUE).status is Status.VALID
    assert stands(one, DUE).remarks == (remark[kind],)
    after = stands(one, DUE + DAY)
    assert (after.status, after.remarks) == (Status.SUSPENDED, ())
    assert after.grounds == {"condition:1"}


def test_noticing_that_it_is_overdue_changes_nothing() -> None:
    noticed = history(event(EventKind.CONDITION_OVERDUE, DUE + DAY, detail=MET), conditions=[CONDITION])
    unnoticed = history(conditions=[CONDITION])
    for day in (DUE, DUE + DAY, AUTUMN, END + DAY):
        assert stands(noticed, day) == stands(unnoticed, day)


def test_met_in_time_it_never_suspends_and_met_late_it_waits_for_restoration() -> None:
    in_time = history(event(EventKind.CONDITION_MET, DUE, detail=MET), conditions=[CONDITION])
    assert [stands(in_time, day).status for day in (DUE, DUE + DAY)] == [Status.VALID, Status.VALID]
    assert stands(in_time, DUE).remarks == ()
    late = (event(EventKind.CONDITION_MET, AUTUMN, detail=MET),)
    assert status(history(*late, conditions=[CONDITION]), AUTUMN) is Status.SUSPENDED
    unmet = history(conditions=[CONDITION])
    assert step(unmet, Step.RESTORE, AUTUMN, ground="condition:1") == [rules.ConditionOpen]
    assert step(history(*late, conditions=[CONDITION]), Step.RESTORE, AUTUMN, ground="condition:1") == []
    restored = history(*late, event(EventKind.RESTORED, AUTUMN, ground="condition:1"), conditions=[CONDITION])
    assert status(restored, AUTUMN) is Status.VALID


def test_met_in_time_but_recorded_late_was_a_suspension_as_known_then() -> None:
    one = history(event(EventKind.CONDITION_MET, DUE, detail=MET), conditions=[CONDITION])
    known_at = one.events[-1].recorded_at
    assert status(one, AUTUMN, known_at - timedelta(seconds=1)) is Status.SUSPENDED
    assert status(one, AUTUMN, known_at) is Status.VALID


# ---- Investigations, stays, annulments


def test_an_open_investigation_follows_whoever_gives_the_certificate_up() -> None:
    opened = event(EventKind.INVESTIGATION_OPENED, START, ground=NON_CONFORMITY)
    closed = event(EventKind.INVESTIGATION_CLOSED, SUMMER, ground=NON_CONFORMITY)
    gone = (EventKind.RELINQUISHED, AUTUMN)
    assert Remark.WITH_NON_CONFORMITY in stands(history(opened), AUTUMN).remarks
    assert status(history(opened, gone), AUTUMN) is Status.RELINQUISHED_UNDER_INVESTIGATION
    assert status(history(opened, closed, gone), AUTUMN) is Status.RELINQUISHED
    late = event(EventKind.INVESTIGATION_CLOSED, AUTUMN + DAY, ground=NON_CONFORMITY)
    assert status(history(opened, gone, late), AUTUMN + 2 * DAY) is Status.RELINQUISHED_UNDER_INVESTIGATION


@pytest.mark.parametrize("kind", [EventKind.SUSPENDED, EventKind.WITHDRAWN])
def test_what_is_stayed_has_no_effect_meanwhile(kind: EventKind) -> None:
    stayed, ended = SUMMER + 10 * DAY, SUMMER + 20 * DAY
    one = history(
        (kind, SUMMER), event(EventKind.STAYED, stayed, target_id=2), event(EventKind.STAY_ENDED, ended, target_id=2)
    )
    effect = Status(kind.value)
    days = [SUMMER - DAY, SUMMER, stayed - DAY, stayed, ended - DAY, ended, AUTUMN]
    valid = Status.VALID
    assert [status(one, day) for day in days] == [valid, effect, effect, valid, valid, effect, effect]


def test_what_is_annulled_has_no_effect_from_that_day() -> None:
    one = history((EventKind.WITHDRAWN, SUMMER), event(EventKind.ANNULLED, AUTUMN, target_id=2))
    assert [status(one, day) for day in (AUTUMN - DAY, AUTUMN)] == [Status.WITHDRAWN, Status.VALID]
    from_its_start = history((EventKind.WITHDRAWN, SUMMER), event(EventKind.ANNULLED, SUMMER, target_id=2))
    assert status(from_its_start, SUMMER) is Status.VALID


# ---- Scope and remarks


def test_a_reduction_and_an_extension_make_revisions_under_the_same_number() -> None:
    narrowed = event(EventKind.SCOPE_REDUCED, SUMMER, detail=NARROWER.detail())
    widened = event(EventKind.SCOPE_EXTENDED, AUTUMN, detail=FORMS.detail())
    one = history(narrowed, widened)
    seen = [(stands(one, day).scope, stands(one, day).revision) for day in (SUMMER - DAY, SUMMER, AUTUMN)]
    assert seen == [(FORMS, 1), (NARROWER, 2), (FORMS, 3)]


def test_a_revision_number_is_not_used_again_after_an_annulment() -> None:
    narrowed = event(EventKind.SCOPE_REDUCED, SUMMER, detail=NARROWER.detail())
    annulled = event(EventKind.ANNULLED, SUMMER, target_id=2)
    again = event(EventKind.SCOPE_REDUCED, AUTUMN, detail=NARROWER.detail())
    one = history(narrowed, annulled, again)
    assert [stands(one, day).revision for day in (SUMMER, AUTUMN)] == [1, 3]


def test_an_old_pass_is_not_recently_verified() -> None:
    tested = rules.Tested("R1", Outcome.MET, START, 100, GRANTED_AT)
    newer = replace(tested, tested_on=START + 90 * DAY, recorded_at=GRANTED_AT + 50 * DAY)
    last = START + 100 * DAY
    old = history(results=[tested])
    assert [Remark.NOT_RECENTLY_VERIFIED in stands(old, day).remarks for day in (last, last + DAY)] == [False, True]
    assert status(old, last + DAY) is Status.VALID, "it is told, and takes nothing away"
    again = history(results=[tested, newer])
    assert Remark.NOT_RECENTLY_VERIFIED not in stands(again, last + DAY).remarks
    before = newer.recorded_at - timedelta(seconds=1)
    assert Remark.NOT_RECENTLY_VERIFIED in stands(again, last + DAY, before).remarks


def test_what_becomes_of_the_specification_is_told_and_takes_nothing_away() -> None:
    told = [
        Told(Remark.SPECIFICATION_SUPERSEDED, SUMMER, GRANTED_AT + DAY),
        Told(Remark.SPECIFICATION_WARNED, SUMMER, GRANTED_AT + DAY),
        Told(Remark.SPECIFICATION_ENDED, AUTUMN, GRANTED_AT + 2 * DAY),
    ]
    one = history(timeline=told)
    assert stands(one, SUMMER - DAY).remarks == ()
    assert stands(one, AUTUMN).status is Status.VALID
    ended = (Remark.SPECIFICATION_WARNED, Remark.SPECIFICATION_ENDED, Remark.SPECIFICATION_SUPERSEDED)
    assert stands(one, AUTUMN).remarks == ended
    assert stands(one, AUTUMN, GRANTED_AT + DAY).remarks == (ended[0], ended[2])


def test_it_expires_soon_within_the_schemes_days() -> None:
    one = history(soon_days=30)
    assert [Remark.EXPIRES_SOON in stands(one, END - days * DAY).remarks for days in (30, 29, 0)] == [False, True, True]


labels = st.one_of(
    st.lists(st.integers(0, 12), min_size=1, max_size=3).map(lambda parts: ".".join(map(str, parts))),
    st.sampled_from(["vår", "v2.1", "2026-høst"]),
)
scopes = st.builds(
    Scope,
    st.none() | st.lists(labels, min_size=1, max_size=4).map(tuple),
    st.none() | labels,
    st.none() | labels,
    st.sets(st.sampled_from(["saas", "on_premises"])).map(lambda forms: tuple(sorted(forms))),
).map(lambda one: one if one.versions is None else replace(one, version_from=None, version_to=None))


@given(scopes, scopes, labels)
def test_a_wider_scope_covers_every_version_of_a_narrower_one(wider: Scope, narrower: Scope, label: str) -> None:
    assert wider.covers(wider)
    if wider.covers(narrower) and narrower.covers_version(label):
        assert wider.covers_version(label)


@given(scopes.filter(lambda one: not rules.check_scope(one, has_forms=False)), labels)
def test_a_version_that_is_carried_over_is_covered_and_nothing_is_lost(scope: Scope, label: str) -> None:
    wider = scope.with_version(label)
    assert wider.covers_version(label)
    assert wider.covers(scope)


# ---- Any history at all

days = st.dates(START - 40 * DAY, END + 500 * DAY)
instants = st.integers(0, 40).map(lambda days: GRANTED_AT + DAY * days)


def _detail(kind: EventKind, to_on: date, key: str, scope: Scope) -> dict[str, Any]:
    if kind is EventKind.RENEWED:
        return {"valid_to_on": str(to_on)}
    if kind in (EventKind.CONDITION_MET, EventKind.CONDITION_OVERDUE):
        return {"condition": key}
    return scope.detail() if kind in rules.REVISING else {}


@st.composite
def any_event(draw: st.DrawFn) -> Event:
    kind = draw(st.sampled_from([one for one in EventKind if one is not EventKind.GRANTED]))
    target = draw(st.integers(2, 12)) if kind in (EventKind.STAYED, EventKind.STAY_ENDED, EventKind.ANNULLED) else None
    ground = draw(st.sampled_from([None, GROUND, NON_CONFORMITY, "condition:1"]))
    return Event(
        kind,
        draw(days),
        GRANTED_AT,
        ground=ground,
        target_id=target,
        detail=_detail(kind, draw(days), draw(st.sampled_from(["1", "2"])), draw(scopes)),
    )


@st.composite
def any_history(draw: st.DrawFn) -> History:
    happened = draw(st.lists(any_event(), max_size=12))
    events = [Event(EventKind.GRANTED, START, GRANTED_AT, 1)]
    at = GRANTED_AT
    for place, one in enumerate(happened, start=2):
        at += DAY * draw(st.integers(0, 4))
        events.append(replace(one, recorded_at=at, id=place))
    kinds = st.sampled_from(ConditionKind)
    conditions = [
        Condition(key, draw(kinds), draw(days), draw(instants)) for key in draw(st.sets(st.sampled_from(["1", "2"])))
    ]
    results = draw(
        st.lists(
            st.builds(
                rules.Tested,
                st.sampled_from(["R1", "R2"]),
                st.sampled_from(Outcome),
                st.none() | days,
                st.none() | st.integers(1, 900),
                instants,
            ),
            max_size=4,
        )
    )
    told = st.builds(
        Told,
        st.sampled_from([Remark.SPECIFICATION_WARNED, Remark.SPECIFICATION_ENDED, Remark.SPECIFICATION_SUPERSEDED]),
        days,
        instants,
    )
    return History(events, VALIDITY, draw(scopes), conditions, results, draw(st.lists(told, max_size=3)))


def recorded_by(one: History, at: datetime) -> History:
    """All that had been recorded by then, and nothing else."""
    return replace(
        one,
        events=[row for row in one.events if row.recorded_at <= at],
        conditions=[row for row in one.conditions if row.recorded_at <= at],
        results=[row for row in one.results if row.recorded_at <= at],
        timeline=[row for row in one.timeline if row.recorded_at <= at],
    )


thousand = settings(max_examples=1000, suppress_health_check=list(HealthCheck))


@thousand
@given(any_history(), days, instants)
def test_what_was_known_then_is_never_changed_by_what_is_recorded_later(
    one: History, on: date, known_at: datetime
) -> None:
    assert rules.standing(one, on, known_at) == rules.standing(recorded_by(one, known_at), on, known_at)


def test_one_that_forgets_when_things_were_recorded_is_found_out() -> None:
    def naive(one: History, on: date, known_at: datetime) -> Standing | None:
        return rules.standing(one, on, LATER)

    def differs(asked: tuple[History, date, datetime]) -> bool:
        one, on, known_at = asked
        return naive(one, on, known_at) != naive(recorded_by(one, known_at), on, known_at)

    assert find(st.tuples(any_history(), days, instants), differs, settings=settings(database=None))


@thousand
@given(any_history(), days, st.data())
def test_what_takes_effect_later_changes_no_earlier_day(one: History, on: date, data: st.DataObject) -> None:
    early = replace(one, events=[event for event in one.events if event.effective_on <= on or event.id == 1])
    seen, before = rules.standing(one, on, LATER), rules.standing(early, on, LATER)
    assert seen
    assert before
    assert replace(seen, revision=0) == replace(before, revision=0)


@given(any_history(), days)
def test_dates_alone_decide_before_the_start_and_after_the_end(one: History, on: date) -> None:
    found = stands(one, on)
    if found.status not in FINAL:
        assert (found.status is Status.NOT_YET_VALID) == (on < START)
        assert (found.status is Status.EXPIRED) == (on > found.validity.to_on and on >= START)


@given(any_history(), days, days)
def test_without_an_appeal_what_is_final_stays(one: History, first: date, second: date) -> None:
    appeals = (EventKind.STAYED, EventKind.STAY_ENDED, EventKind.ANNULLED)
    plain = replace(one, events=[event for event in one.events if event.kind not in appeals])
    earlier, later = sorted((first, second))
    if (before := status(plain, earlier)) in FINAL:
        assert status(plain, later) is before


@given(any_history(), days, st.sampled_from(Step), st.sampled_from([None, GROUND]))
def test_an_accepted_step_holds_on_its_day(one: History, on: date, taken: Step, ground: str | None) -> None:
    ground = ground if taken in (Step.SUSPEND, Step.RESTORE) else None
    by = "100000016" if taken in OWN_STEPS else "100000040"
    if step(one, taken, on, by=by, ground=ground):
        return
    before = stands(one, on)
    to_on = {"valid_to_on": str(on + 365 * DAY)}
    new = Event(rules.EVENTS[taken], on, LATER, 99, ground, None, to_on if taken is Step.RENEW else NARROWER.detail())
    after = stands(replace(one, events=[*one.events, new]), on)
    expected = MOVES[before.status, taken]
    if taken is Step.RESTORE and before.grounds != {ground}:
        expected = before.status
    if taken is Step.RELINQUISH and before.investigations:
        expected = Status.RELINQUISHED_UNDER_INVESTIGATION
    if taken is Step.RENEW and after.grounds:
        expected = Status.SUSPENDED
    assert after.status is expected
