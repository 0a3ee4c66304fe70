"""What the rules of assessments say, for every state and every result."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.adopted_results import rules as adopted
from services.catalog.adopted_results.rules import Reported, Skipped
from services.catalog.assessment_results import rules as results
from services.catalog.assessments import rules
from services.catalog.assessments.rules import EventKind, Found, Recommendation, Status, Step
from services.catalog.certificates import rules as certificates
from services.catalog.certificates.rules import Outcome
from services.catalog.certification_results import rules as across
from services.catalog.declarations.rules import Answer
from services.catalog.delegations import rules as delegations

DAYS = st.dates(date(2020, 1, 1), date(2030, 1, 1))
LIFETIMES = st.one_of(st.none(), st.integers(1, 2000))
FOUND = st.builds(Found, st.sampled_from(Outcome), st.one_of(st.none(), DAYS), LIFETIMES)
ALLOWED = {
    Status.OPEN: {Step.COMPLETE, Step.CANCEL},
    Status.COMPLETED: {Step.RETURN, Step.CANCEL},
    Status.RETURNED: {Step.RESUME, Step.CANCEL},
    Status.CANCELLED: set(),
}


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("step", Step)
def test_every_state_meets_every_step(status: Status, step: Step) -> None:
    if step in ALLOWED[status]:
        assert rules.after(status, step) is rules.MOVES[status, step]
    else:
        with pytest.raises(rules.AssessmentStepRefused) as refused:
            rules.after(status, step)
        assert refused.value.members == {"state": status}
    assert bool(rules.check_writing(status)) == (status is not Status.OPEN)


@given(st.lists(st.sampled_from([Step.COMPLETE, Step.RETURN, Step.RESUME]), max_size=8), st.booleans())
def test_the_state_is_that_of_its_events(steps: list[Step], withdrawn: bool) -> None:
    status, events = Status.OPEN, [EventKind.BEGUN]
    kinds = {Step.COMPLETE: EventKind.COMPLETED, Step.RETURN: EventKind.RETURNED, Step.RESUME: EventKind.RESUMED}
    for step in steps:
        if (status, step) in rules.MOVES:
            status = rules.after(status, step)
            events += [kinds[step], EventKind.JOINED]
    assert rules.status_after(events, withdrawn=withdrawn) is (Status.CANCELLED if withdrawn else status)


@given(DAYS, LIFETIMES, st.one_of(st.sampled_from([0, 1]), st.integers(-1000, 1000)))
def test_a_pass_is_as_recent_here_as_on_the_certificate(tested_on: date, lifetime: int | None, late: int) -> None:
    """The assessment, the certificate's own remark and the table across certificates reckon alike, also on the last day
    and the one after it."""
    on = tested_on + timedelta(days=(lifetime or 0) + late)
    here = rules.recently_verified(Found(Outcome.MET, tested_on, lifetime), on)
    there = certificates.Tested("VT1-01", Outcome.MET, tested_on, lifetime, datetime(2020, 1, 1, tzinfo=UTC))
    assert here == certificates.recently_verified(there, on)
    until = across.verified_until(tested_on, lifetime)
    assert here == (until is None or on <= until)
    assert here == (lifetime is None or not tested_on + timedelta(days=lifetime) < on)


@given(st.dictionaries(st.sampled_from(["A", "B", "C", "D"]), FOUND), st.sampled_from(Recommendation), DAYS)
def test_every_must_has_a_result_and_a_grant_stands_on_them(
    found: dict[str, Found], recommendation: Recommendation, today: date
) -> None:
    musts = ["A", "B", "C"]
    problems = rules.check_completion(musts, found, recommendation, today)
    told = {(type(one), one.members["requirement"]) for one in problems}
    wanted: set[tuple[type, str]] = {(rules.ResultMissing, one) for one in musts if one not in found}
    if recommendation is Recommendation.GRANT:
        for one in musts:
            if one in found and found[one].outcome is not Outcome.NOT_RELEVANT:
                recent = rules.recently_verified(found[one], today)
                if found[one].outcome is not Outcome.MET or not recent:
                    wanted.add((rules.RecommendationUnfounded, one))
    assert told == wanted
    assert len(told) == len(problems), "each once, all at once"
    assert rules.missing(musts, found) == [one for one in musts if one not in found]


REPORTED = st.builds(Reported, st.uuids(), DAYS, st.sampled_from([True, False, None]), st.booleans(), st.booleans())


@given(st.lists(REPORTED, max_size=6), st.one_of(st.none(), DAYS), st.data())
def test_the_last_test_decides(reports: list[Reported], tested_on: date | None, data: st.DataObject) -> None:
    reports.sort(key=lambda one: one.ran_on, reverse=True)
    taken = set(data.draw(st.lists(st.sampled_from([one.report for one in reports]), max_size=1))) if reports else set()
    choice = adopted.chosen(reports, taken=taken, tested_on=tested_on)
    serious = [one for one in reports if one.in_scope and one.trusted and one.counts is not False]
    if not serious:
        assert choice is Skipped.NO_REPORT
        return
    last = serious[0]
    if isinstance(choice, Reported):
        assert choice == last
        assert choice.counts is True
        assert choice.report not in taken
        assert tested_on is None or tested_on <= choice.ran_on
    elif choice is Skipped.AWAITING_APPROVAL:
        assert last.counts is None
    elif choice is Skipped.TAKEN_ALREADY:
        assert last.report in taken
    else:
        assert choice is Skipped.NEWER_RESULT
        assert tested_on
        assert tested_on > last.ran_on


def test_an_older_pass_does_not_stand_in_for_a_failure() -> None:
    failed = Reported(uuid4(), date(2026, 11, 2), None, trusted=True, in_scope=True)
    passed = Reported(uuid4(), date(2026, 11, 1), True, trusted=True, in_scope=True)
    assert adopted.chosen([failed, passed], taken=(), tested_on=None) is Skipped.AWAITING_APPROVAL
    rejected = Reported(failed.report, failed.ran_on, False, trusted=True, in_scope=True)
    assert adopted.chosen([rejected, passed], taken=(), tested_on=None) == passed


@pytest.mark.parametrize("answer", Answer)
@pytest.mark.parametrize("must", [True, False])
def test_a_suppliers_own_word(answer: Answer, must: bool) -> None:
    outcome = adopted.declared(answer, None, must=must)
    assert isinstance(outcome, tuple)
    assert outcome[0].value == answer.value
    assert bool(outcome[1]) == (answer is not Answer.MET), "what is not met has a reason"
    assert adopted.declared(None, None, must=True) == (Outcome.MET, None)
    assert adopted.declared(None, None, must=False) is Skipped.NOT_DECLARED


@given(st.sampled_from(Outcome), st.booleans(), st.booleans(), st.one_of(st.none(), DAYS))
def test_what_a_result_must_hold(outcome: Outcome, reason: bool, evidence: bool, tested_on: date | None) -> None:
    today = date(2026, 11, 24)
    piece = results.Piece("ab" * 32, date(2026, 11, 1), None)
    new = results.NewResult(outcome, "a" if reason else None, [piece] if evidence else [], tested_on)
    told = {type(one) for one in results.check(new, {}, today)}
    assert (results.ResultReasonMissing in told) == (outcome is not Outcome.MET and not reason)
    assert (results.ResultEvidenceMissing in told) == (outcome in (Outcome.MET, Outcome.PARTLY) and not evidence)
    tested = outcome in (Outcome.MET, Outcome.PARTLY, Outcome.NOT_MET)
    assert (results.TestedOnMissing in told) == (tested and tested_on is None)
    assert (results.TestedOnMisplaced in told) == (not tested and tested_on is not None)
    assert (results.EvidenceFromFuture in told) == (tested_on is not None and tested_on > today)


@given(st.booleans(), st.booleans(), st.sampled_from(["none", "right", "wrong"]))
def test_a_file_is_fitting_whole_and_there(withdrawn: bool, fitting: bool, said: str) -> None:
    file, right = UUID(int=1), "ab" * 32
    piece = results.Piece({"none": None, "right": right, "wrong": "cd" * 32}[said], date(2026, 1, 1), file)
    new = results.NewResult(Outcome.MET, None, [piece], date(2026, 1, 1))
    told = {type(one) for one in results.check(new, {file: results.File(right, withdrawn, fitting)}, date(2026, 2, 1))}
    if not fitting:
        assert told == {results.EvidenceFileOfAnother}
    else:
        wanted = {results.EvidenceFileWithdrawn} if withdrawn else set()
        assert told == wanted | ({results.EvidenceHashDiffers} if said == "wrong" else set())


@given(DAYS, st.one_of(st.none(), DAYS), DAYS)
def test_a_delegation_holds_until_it_ends_or_is_withdrawn(until: date, withdrawn: date | None, on: date) -> None:
    holds = delegations.holds(delegations.Delegation(until, withdrawn), on)
    assert holds == (on <= until and (withdrawn is None or on < withdrawn))


def test_four_eyes_are_clients() -> None:
    people = {("100000040", "en")}
    assert rules.check_return(("100000040", "to"), people) == []
    assert rules.check_return(("100000059", "en"), people)
    assert rules.check_joining(Status.OPEN, ("100000040", "en"), people)
    assert rules.check_joining(Status.CANCELLED, ("100000040", "to"), people)
    assert rules.check_joining(Status.COMPLETED, ("100000040", "to"), people) == []


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\t=1", "\r=1"])
def test_a_table_holds_no_formulas(text: str) -> None:
    assert across.cell(text) == f"'{text}"


def test_a_table_says_what_is_there() -> None:
    assert [across.cell(one) for one in (None, True, 3, "VT1-01", date(2026, 1, 1))] == [
        "",
        "true",
        "3",
        "VT1-01",
        "2026-01-01",
    ]
