"""Which steps an application takes, whose turn it is, by when, and what keeps one from being submitted."""

from datetime import date, timedelta
from itertools import product as every
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.applications import rules
from services.catalog.applications.rules import Actor, Facts, Scope, Sought, Status, Step, Versions
from services.catalog.schemes import rules as schemes
from services.catalog.schemes.rules import SubjectKind, Terms
from services.catalog.working_days import rules as working_days

TODAY = date(2026, 11, 24)
TERMS = Terms(5, 15, 30, 10, 21, 1461, 90, 730, True, True, False)
LEADS_TO = {
    Status.DRAFT: {Step.SUBMIT: Status.SUBMITTED, Step.WITHDRAW: Status.WITHDRAWN},
    Status.SUBMITTED: {
        Step.REQUEST_INFORMATION: Status.INFORMATION_MISSING,
        Step.BEGIN_ASSESSMENT: Status.UNDER_ASSESSMENT,
        Step.WITHDRAW: Status.WITHDRAWN,
    },
    Status.INFORMATION_MISSING: {Step.SUBMIT: Status.SUBMITTED, Step.WITHDRAW: Status.WITHDRAWN},
    Status.UNDER_ASSESSMENT: {Step.RECOMMEND: Status.RECOMMENDED, Step.WITHDRAW: Status.WITHDRAWN},
    Status.RECOMMENDED: {
        Step.RETURN: Status.UNDER_ASSESSMENT,
        Step.DECIDE: Status.DECIDED,
        Step.WITHDRAW: Status.WITHDRAWN,
    },
    Status.DECIDED: {Step.REOPEN: Status.RECOMMENDED},
    Status.WITHDRAWN: {},
}


@pytest.mark.parametrize(("status", "step"), list(every(Status, Step)))
def test_a_step_leads_where_the_table_says_or_is_refused(status: Status, step: Step) -> None:
    expected = LEADS_TO[status].get(step)
    if expected is None:
        with pytest.raises(rules.ApplicationStepRefused) as refused:
            rules.after(status, step)
        assert refused.value.members == {"state": status}
    else:
        assert rules.after(status, step) is expected


@given(st.lists(st.sampled_from(list(Step)), max_size=12))
def test_the_state_is_what_the_events_say(steps: list[Step]) -> None:
    status, happened = Status.DRAFT, []
    for step in steps:
        if (status, step) in rules.MOVES:
            status = rules.after(status, step)
            happened.append(rules.EVENTS[step])
    assert rules.status_after(happened) is status


def test_every_state_that_is_not_the_end_has_somebody_whose_turn_it_is() -> None:
    assert set(rules.NEXT) == set(Status) - {Status.DECIDED, Status.WITHDRAWN}
    for status, (actor, step) in rules.NEXT.items():
        assert (status, step) in rules.MOVES
        assert actor is not Actor.APPLICANT or step is Step.SUBMIT


# ---- Deadlines


@pytest.mark.parametrize(
    ("start", "days", "expected"),
    [
        ("2026-11-24", 0, "2026-11-24"),
        ("2026-11-24", 1, "2026-11-25"),
        ("2026-11-27", 1, "2026-11-30"),  # from a Friday
        ("2026-03-27", 5, "2026-04-08"),  # over Easter: Maundy Thursday, Good Friday and Easter Monday
        ("2026-04-30", 1, "2026-05-04"),  # 1 May is a Friday
        ("2026-05-12", 3, "2026-05-18"),  # Ascension Day on the 14th; 17 May is a Sunday
        ("2027-05-14", 1, "2027-05-18"),  # 17 May is Whit Monday
        ("2028-05-16", 1, "2028-05-18"),  # 17 May is a Wednesday
        ("2026-12-23", 3, "2026-12-29"),  # Christmas Eve is a working day
    ],
)
def test_a_deadline_counts_working_days_only(start: str, days: int, expected: str) -> None:
    assert schemes.after_working_days(date.fromisoformat(start), days) == date.fromisoformat(expected)


@given(st.dates(date(2020, 1, 1), date(2035, 1, 1)), st.integers(1, 60))
def test_there_are_exactly_so_many_working_days_in_a_deadline(start: date, days: int) -> None:
    last = schemes.after_working_days(start, days)
    between = [start + timedelta(days=one) for one in range(1, (last - start).days + 1)]
    assert sum(map(working_days.is_working_day, between)) == days
    assert working_days.is_working_day(last)


@given(st.dates(date(2020, 1, 1), date(2035, 1, 1)))
def test_an_appeal_may_be_made_on_a_working_day_that_is_not_before_the_schemes_last(decided_on: date) -> None:
    last = schemes.appeal_by(decided_on, TERMS)
    counted = decided_on + timedelta(days=TERMS.appeal_days)
    assert working_days.is_working_day(last)
    assert not [one for one in range((last - counted).days) if working_days.is_working_day(counted + timedelta(one))]


@pytest.mark.parametrize(
    ("status", "days"),
    [
        (Status.DRAFT, None),
        (Status.SUBMITTED, 5),
        (Status.INFORMATION_MISSING, 15),
        (Status.UNDER_ASSESSMENT, 30),
        (Status.RECOMMENDED, 10),
        (Status.DECIDED, None),
        (Status.WITHDRAWN, None),
    ],
)
def test_each_turn_has_its_own_deadline(status: Status, days: int | None) -> None:
    expected = schemes.after_working_days(TODAY, days) if days else None
    assert rules.due_on(status, TODAY, TERMS) == expected


# ---- What is applied for


KEYS = st.sampled_from("abcdef")
VERSIONS = st.one_of(
    st.builds(Versions, listed=st.frozensets(KEYS, min_size=1)),
    st.builds(Versions, first=st.none() | KEYS, last=st.none() | KEYS).filter(
        lambda one: one.first is None or one.last is None or one.first <= one.last
    ),
)


@given(VERSIONS, VERSIONS)
def test_versions_meet_when_one_version_is_of_both(one: Versions, other: Versions) -> None:
    common = [key for key in "abcdef" if one.include(key) and other.include(key)]
    assert one.meet(other) is other.meet(one)
    assert one.meet(other) is bool(common)


SCOPE = Scope(1, None, 7, None, Versions(frozenset({"a", "b"})), frozenset({"saas"}))


@pytest.mark.parametrize(
    ("changed", "meets"),
    [
        ({}, True),
        ({"product_id": 2}, False),
        ({"specification_version_id": 8}, False),
        ({"profile": "mottak"}, False),
        ({"versions": Versions()}, True),
        ({"versions": Versions(frozenset({"c"}))}, False),
        ({"versions": Versions(first="b")}, True),
        ({"versions": Versions(first="c")}, False),
        ({"delivery_forms": frozenset({"saas", "on_premises"})}, True),
        ({"delivery_forms": frozenset({"on_premises"})}, False),
    ],
)
def test_two_applications_are_for_the_same_when_they_share_something(changed: dict[str, Any], meets: bool) -> None:
    other = Scope(**vars(SCOPE) | changed)
    assert SCOPE.meets(other) is meets
    assert other.meets(SCOPE) is meets


def test_of_a_firm_there_is_one_application_for_a_role() -> None:
    firm = Scope(None, "innforing", 7, None, Versions(), frozenset())
    assert firm.meets(firm)
    assert not firm.meets(Scope(None, "arkitektur", 7, None, Versions(), frozenset()))


# ---- Submitting


PRODUCT = Sought(SubjectKind.PRODUCT, "alarm", None, ("1.0",), None, None, ("saas",), None, None, None)
FACTS = Facts(
    SubjectKind.PRODUCT, True, {"mottak"}, ("saas",), {"1.0": ("1", None), "2.0": ("2", None)}, (), False, TODAY
)


def told(sought: dict[str, Any], facts: dict[str, Any]) -> set[tuple[str, str | None]]:
    found = rules.check_submission(Sought(**vars(PRODUCT) | sought), Facts(**vars(FACTS) | facts))
    return {(one.slug(), one.pointer) for one in found}


def test_what_fits_can_be_submitted() -> None:
    assert told({}, {}) == set()
    assert told({"versions": None, "version_from": "1.0", "version_to": "2.0"}, {}) == set()


@pytest.mark.parametrize(
    ("sought", "facts", "expected"),
    [
        ({"product": None}, {}, ("subject-mismatch", "#/product")),
        ({"role": "innforing"}, {}, ("subject-mismatch", "#/role")),
        ({"delivery_forms": ()}, {}, ("subject-mismatch", "#/delivery_forms")),
        ({"kind": SubjectKind.ADVISER}, {"certifies": SubjectKind.ADVISER}, ("subject-mismatch", "#/role")),
        ({"kind": SubjectKind.SUPPLIER}, {"certifies": SubjectKind.SUPPLIER}, ("subject-mismatch", "#/versions")),
        ({"renews": "SV-1", "extends": "SV-1"}, {"certificates": {"SV-1"}}, ("subject-mismatch", "#/extends")),
        ({"version_from": "1.0"}, {}, ("version-range-invalid", "#/versions")),
        (
            {"versions": None, "version_from": "2.0", "version_to": "1.0"},
            {},
            ("version-range-invalid", "#/version_to"),
        ),
        ({}, {"certifies": SubjectKind.SUPPLIER}, ("specification-of-another-kind", "#/specification")),
        ({"profile": "annen"}, {}, ("profile-unknown", "#/profile")),
        ({"renews": "SV-2"}, {"certificates": {"SV-1"}}, ("certificate-of-another", "#/renews")),
        ({}, {"in_force": False}, ("specification-not-in-force", "#/specification_version")),
        ({"delivery_forms": ("saas", "on_premises")}, {}, ("delivery-form-not-offered", "#/delivery_forms/1")),
        ({"versions": ("1.0", "9")}, {}, ("product-version-unknown", "#/versions/1")),
        ({}, {"product_versions": {"1.0": ("1", TODAY)}}, ("product-version-ended", "#/versions/0")),
        ({}, {"suspended": True}, ("supplier-suspended", None)),
    ],
)
def test_each_thing_that_does_not_fit_is_told(
    sought: dict[str, Any], facts: dict[str, Any], expected: tuple[str, str | None]
) -> None:
    assert expected in told(sought, facts)


def test_all_that_does_not_fit_is_told_at_once() -> None:
    wrong = told({"profile": "annen", "versions": ("9",)}, {"in_force": False, "offered_forms": ()})
    assert {slug for slug, _ in wrong} == {
        "profile-unknown",
        "specification-not-in-force",
        "delivery-form-not-offered",
        "product-version-unknown",
    }


@pytest.mark.parametrize(
    ("status", "answer", "expected"),
    [
        (Status.DRAFT, None, None),
        (Status.DRAFT, "Svar", "answer-misplaced"),
        (Status.INFORMATION_MISSING, "Svar", None),
        (Status.INFORMATION_MISSING, None, "answer-missing"),
    ],
)
def test_an_answer_answers_what_was_asked(status: Status, answer: str | None, expected: str | None) -> None:
    assert [one.slug() for one in rules.check_answer(status, answer)] == ([expected] if expected else [])


def test_whoever_has_an_interest_does_not_handle_it() -> None:
    assert not rules.check_handler("100000040", {"100000016", "100000008"})
    (refused,) = rules.check_handler("100000008", {"100000016", "100000008"})
    assert (refused.status, refused.slug()) == (403, "applicant-interested")
