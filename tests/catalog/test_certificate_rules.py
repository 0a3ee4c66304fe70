"""What a certificate is worth on a day, and when it may be granted."""

from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.certificates import rules
from services.catalog.certificates.rules import MOVES, Event, EventKind, Grant, Outcome, Result, Status, Step, Validity
from services.chassis.problems import Problem

START, END = date(2026, 1, 1), date(2029, 12, 31)
VALIDITY = Validity(START, END)
GRANTED_AT = datetime(2025, 12, 1, 12, tzinfo=UTC)
LATER = datetime(2040, 1, 1, tzinfo=UTC)
GRANTED = Event(EventKind.GRANTED, START, GRANTED_AT)
SUMMER, AUTUMN = date(2026, 7, 1), date(2026, 10, 1)

HISTORIES = {
    Status.VALID: ([], AUTUMN),
    Status.SUSPENDED: ([(EventKind.SUSPENDED, SUMMER)], AUTUMN),
    Status.WITHDRAWN: ([(EventKind.WITHDRAWN, SUMMER)], AUTUMN),
    Status.EXPIRED: ([], END + timedelta(days=1)),
    Status.NOT_YET_VALID: ([], START - timedelta(days=1)),
}
"""For each status a history and a day on which it holds."""


def history(*happened: tuple[EventKind, date]) -> list[Event]:
    """Granted, then these, each recorded a day after the one before."""
    return [
        GRANTED,
        *(Event(kind, on, GRANTED_AT + timedelta(days=place + 1)) for place, (kind, on) in enumerate(happened)),
    ]


def status(events: list[Event], on: date, known_at: datetime = LATER) -> Status | None:
    return rules.status_on(events, VALIDITY, on, known_at)


def step(events: list[Event], step: Step, on: date, *, decided_by: str = "100000008") -> list[Problem]:
    return rules.check_step(events, VALIDITY, step, on, LATER, supplier="100000016", decided_by=decided_by)


@pytest.mark.parametrize(("before", "taken"), list(product(Status, Step)))
def test_every_step_from_every_status_is_a_move_or_refused(before: Status, taken: Step) -> None:
    happened, on = HISTORIES[before]
    events = history(*happened)
    assert status(events, on) is before
    refused = step(events, taken, on)
    if (before, taken) in MOVES:
        assert refused == []
        after = [*events, Event(rules.EVENTS[taken], on, GRANTED_AT + timedelta(days=9))]
        assert status(after, on) is MOVES[before, taken]
    else:
        assert [type(problem) for problem in refused] == [rules.StepRefused]


def test_nothing_leaves_withdrawn_or_expired() -> None:
    assert not [move for move in MOVES if move[0] in (Status.WITHDRAWN, Status.EXPIRED)]


def test_the_last_day_is_valid_and_the_next_is_not() -> None:
    days = [START - timedelta(days=1), START, END, END + timedelta(days=1)]
    seen = [status([GRANTED], day) for day in days]
    assert seen == [Status.NOT_YET_VALID, Status.VALID, Status.VALID, Status.EXPIRED]


def test_expiry_beats_suspension() -> None:
    events = history((EventKind.SUSPENDED, SUMMER))
    assert status(events, END) is Status.SUSPENDED
    assert status(events, END + timedelta(days=1)) is Status.EXPIRED


def test_withdrawal_is_final_even_after_the_end() -> None:
    events = history((EventKind.WITHDRAWN, SUMMER), (EventKind.RESTORED, AUTUMN))
    assert status(events, AUTUMN) is Status.WITHDRAWN
    assert status(events, END + timedelta(days=1)) is Status.WITHDRAWN


def test_a_step_that_lies_ahead_changes_nothing_until_then() -> None:
    events = history((EventKind.SUSPENDED, AUTUMN))
    assert status(events, AUTUMN - timedelta(days=1)) is Status.VALID
    assert status(events, AUTUMN) is Status.SUSPENDED


def test_a_suspension_in_force_is_lifted_from_the_day_of_restoration() -> None:
    events = history((EventKind.SUSPENDED, SUMMER), (EventKind.RESTORED, AUTUMN))
    days = [SUMMER, AUTUMN - timedelta(days=1), AUTUMN]
    assert [status(events, day) for day in days] == [Status.SUSPENDED, Status.SUSPENDED, Status.VALID]


def test_a_back_dated_suspension_was_not_known_before_it_was_recorded() -> None:
    recorded_at = datetime(2026, 10, 1, tzinfo=UTC)
    events = [GRANTED, Event(EventKind.SUSPENDED, SUMMER, recorded_at)]
    assert status(events, SUMMER, recorded_at - timedelta(seconds=1)) is Status.VALID
    assert status(events, SUMMER, recorded_at) is Status.SUSPENDED


def test_before_it_was_granted_there_is_no_certificate() -> None:
    assert status([GRANTED], SUMMER, GRANTED_AT - timedelta(seconds=1)) is None


def test_a_supplier_takes_no_step_with_its_own_certificate() -> None:
    refused = step([GRANTED], Step.SUSPEND, SUMMER, decided_by="100000016")
    assert [type(problem) for problem in refused] == [rules.DecisionOnOwnProduct]


days = st.dates(START - timedelta(days=40), END + timedelta(days=40))
steps = st.lists(st.tuples(st.sampled_from([*rules.EVENTS.values()]), days), max_size=8)


@given(steps, days)
def test_dates_alone_decide_before_the_start_and_after_the_end(
    happened: list[tuple[EventKind, date]], on: date
) -> None:
    seen = status(history(*happened), on)
    if seen is not Status.WITHDRAWN:
        expected = Status.NOT_YET_VALID if on < START else Status.EXPIRED
        assert (seen is expected) == (not START <= on <= END)


@given(steps, days, st.integers(0, 8))
def test_what_was_known_then_is_not_changed_by_what_is_recorded_later(
    happened: list[tuple[EventKind, date]], on: date, recorded: int
) -> None:
    known_at = GRANTED_AT + timedelta(days=recorded)
    assert status(history(*happened), on, known_at) == status(history(*happened[:recorded]), on, known_at)


@given(steps, days, days)
def test_a_withdrawn_certificate_stays_withdrawn(happened: list[tuple[EventKind, date]], one: date, two: date) -> None:
    events = history(*happened)
    first, later = sorted((one, two))
    if status(events, first) is Status.WITHDRAWN:
        assert status(events, later) is Status.WITHDRAWN


@given(steps, days, st.sampled_from(Step))
def test_an_accepted_step_holds_on_its_day(happened: list[tuple[EventKind, date]], on: date, taken: Step) -> None:
    events = history(*happened)
    before = status(events, on)
    if not step(events, taken, on):
        assert before is not None
        recorded = Event(rules.EVENTS[taken], on, GRANTED_AT + timedelta(days=99))
        assert status([*events, recorded], on) is MOVES[before, taken]


# ---- Granting

MET = Result("R1", Outcome.MET, None, 1)


def grant(*results: Result, **changed: object) -> list[Problem]:
    terms: dict[str, object] = {
        "supplier": "100000016",
        "decided_by": "100000008",
        "delivery_forms": ["saas"],
        "offered_forms": ["saas"],
        "validity": VALIDITY,
        "specification_effective_on": START,
        "requirements": {"R1": True, "R2": False},
        "results": results,
        "reason": None,
        "today": START,
    }
    return rules.check_grant(Grant(**{**terms, **changed}))  # type: ignore[arg-type]  # a mix of types


def kinds(found: list[Problem]) -> list[type[Problem]]:
    return [type(problem) for problem in found]


def test_all_musts_met_with_evidence_is_enough() -> None:
    assert grant(MET) == []


@pytest.mark.parametrize("outcome", [Outcome.PARTLY, Outcome.NOT_MET, Outcome.NOT_TESTED])
def test_a_must_that_is_not_met_refuses(outcome: Outcome) -> None:
    assert kinds(grant(Result("R1", outcome, "grunn", 1))) == [rules.MustNotMet]


@pytest.mark.parametrize("outcome", [Outcome.NOT_MET, Outcome.NOT_TESTED])
def test_a_should_may_be_unmet(outcome: Outcome) -> None:
    assert grant(MET, Result("R2", outcome, None, 0)) == []


def test_a_must_without_a_result_refuses() -> None:
    assert kinds(grant(Result("R2", Outcome.MET, None, 1))) == [rules.MustNotMet]


def test_not_relevant_counts_with_a_reason_only() -> None:
    assert grant(Result("R1", Outcome.NOT_RELEVANT, "finnes ikke", 0)) == []
    assert kinds(grant(Result("R1", Outcome.NOT_RELEVANT, None, 0))) == [rules.ReasonMissing]


@pytest.mark.parametrize("outcome", [Outcome.MET, Outcome.PARTLY])
def test_what_is_met_needs_evidence(outcome: Outcome) -> None:
    assert kinds(grant(MET, Result("R2", outcome, None, 0))) == [rules.EvidenceMissing]


def test_unknown_and_repeated_requirements_refuse() -> None:
    found = grant(MET, MET, Result("R9", Outcome.MET, None, 1))
    assert kinds(found) == [rules.RequirementAnsweredTwice, rules.RequirementUnknown]


def test_every_other_rule_refuses_too() -> None:
    found = grant(
        MET,
        supplier="100000008",
        delivery_forms=["on_premises"],
        validity=Validity(START, START - timedelta(days=1)),
        specification_effective_on=START + timedelta(days=1),
        today=START + timedelta(days=1),
    )
    assert kinds(found) == [
        rules.DecisionOnOwnProduct,
        rules.CertificatePeriodInvalid,
        rules.SpecificationNotInForce,
        rules.BackDatedWithoutReason,
        rules.DeliveryFormNotOffered,
    ]


def test_a_back_dated_certificate_is_granted_with_a_reason() -> None:
    assert grant(MET, today=START + timedelta(days=1), reason="vedtak i fjor") == []
