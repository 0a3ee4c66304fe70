"""Who decides, on what, and what becomes of a decision: rules (e), (h), (i) and (j) of a certification scheme."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import product as every
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.certificates.rules import Outcome as Found
from services.catalog.decisions import rules
from services.catalog.decisions.rules import Condition, Decision, Facts, Outcome, Required, Result, Status, Step
from services.catalog.schemes.rules import Terms

TODAY = date(2026, 11, 24)
FROM, TO = date(2027, 1, 1), date(2029, 12, 31)
TERMS = Terms(5, 15, 30, 10, 21, 1461, 90, 730, True, True, False)
LEADS_TO = {
    Status.IN_FORCE: {Step.APPEAL: Status.APPEALED, Step.ANNUL: Status.ANNULLED},
    Status.APPEALED: {Step.UPHOLD: Status.UPHELD, Step.DISMISS: Status.IN_FORCE, Step.ANNUL: Status.ANNULLED},
    Status.UPHELD: {Step.ANNUL: Status.ANNULLED},
    Status.ANNULLED: {},
}
MET = Result(Found.MET, None, date(2026, 11, 1), 730)
FACTS = Facts(
    assessors={"vurderer"},
    interested={"100000016", "100000008"},
    requirements=[Required("M-1", True), Required("M-2", True), Required("S-1", False)],
    results={"M-1": MET, "M-2": MET},
    delivery_forms=["saas"],
    offered_forms=["saas", "on_premises"],
    in_force=True,
    terms=TERMS,
    today=TODAY,
)
GRANTED = Decision(Outcome.GRANTED, FROM, TO)
CONDITIONAL = Decision(Outcome.GRANTED_WITH_CONDITIONS, FROM, TO, [Condition(None, date(2027, 6, 30))])


def told(decision: Decision, **facts: Any) -> set[tuple[str, str | None]]:
    return {(one.slug(), one.pointer) for one in rules.check(decision, replace(FACTS, **facts))}


@pytest.mark.parametrize(("status", "step"), list(every(Status, Step)))
def test_a_step_leads_where_the_table_says_or_is_refused(status: Status, step: Step) -> None:
    expected = LEADS_TO[status].get(step)
    if expected is None:
        with pytest.raises(rules.DecisionStepRefused):
            rules.after(status, step)
    else:
        assert rules.after(status, step) is expected


def test_the_state_is_what_the_events_say() -> None:
    kinds = rules.EventKind
    assert rules.status_after([kinds.MADE]) is Status.IN_FORCE
    assert rules.status_after([kinds.MADE, kinds.APPEALED, kinds.DISMISSED]) is Status.IN_FORCE
    assert rules.status_after([kinds.MADE, kinds.APPEALED, kinds.UPHELD, kinds.ANNULLED]) is Status.ANNULLED


# ---- (e) Four eyes, and nobody in their own cause


@given(
    st.sampled_from(["vurderer", "prøver", "beslutter"]),
    st.sampled_from(["100000008", "100000016", "100000040"]),
    st.frozensets(st.sampled_from(["vurderer", "prøver"])),
    st.frozensets(st.sampled_from(["100000008", "100000016"])),
)
def test_whoever_decides_neither_assessed_nor_has_an_interest(
    client: str, organisation: str, assessors: frozenset[str], interested: frozenset[str]
) -> None:
    found = rules.check_eyes(client, organisation, replace(FACTS, assessors=assessors, interested=interested))
    slugs = {one.slug() for one in found}
    assert ("assessor-decides" in slugs) is (client in assessors)
    assert ("decision-maker-interested" in slugs) is (organisation in interested)
    assert {one.status for one in found} <= {403}


# ---- (j) Every must


RESULTS = st.none() | st.builds(
    Result,
    st.sampled_from(list(Found)),
    st.none() | st.just("Gjelder ikke"),
    st.none() | st.dates(date(2024, 1, 1), TODAY),
    st.none() | st.integers(1, 1000),
)


def stands(result: Result | None) -> bool:
    """Said again, in other words than the rule's."""
    if result is None:
        return False
    old = result.tested_on and result.lifetime_days and (TODAY - result.tested_on).days > result.lifetime_days
    return not old and (result.outcome is Found.MET or (result.outcome is Found.NOT_RELEVANT and bool(result.reason)))


@given(
    st.dictionaries(st.sampled_from(["M-1", "M-2", "S-1"]), RESULTS),
    st.frozensets(st.sampled_from(["M-1", "M-2"])),
    st.frozensets(st.sampled_from(["M-1", "M-2", "S-1"])),
    st.sampled_from([Outcome.GRANTED, Outcome.GRANTED_WITH_CONDITIONS]),
)
def test_a_must_is_met_not_relevant_dispensed_with_or_named_by_a_condition(
    results: dict[str, Result | None], dispensed: frozenset[str], named: frozenset[str], outcome: Outcome
) -> None:
    day = date(2027, 6, 30)
    decision = Decision(
        outcome, FROM, TO, [Condition(one, day) for one in named], [Condition(one, day) for one in dispensed]
    )
    kept = {code: result for code, result in results.items() if result}
    found = [one for one in rules.check(decision, replace(FACTS, results=kept)) if isinstance(one, rules.MustNotMet)]
    excused = dispensed | (named if outcome is Outcome.GRANTED_WITH_CONDITIONS else frozenset())
    expected = {code for code in ("M-1", "M-2") if not stands(results.get(code)) and code not in excused}
    assert {one.members["requirement"] for one in found} == expected


@given(st.dictionaries(st.sampled_from(["M-1", "M-2"]), RESULTS))
def test_a_refusal_needs_nothing_to_be_met(results: dict[str, Result | None]) -> None:
    kept = {code: result for code, result in results.items() if result}
    assert not rules.check(Decision(Outcome.REFUSED, None, None), replace(FACTS, results=kept, in_force=False))


@pytest.mark.parametrize(
    ("days_ago", "lifetime", "worth"),
    [
        (730, 730, Found.MET),
        (731, 730, Found.NOT_TESTED),
        (5000, None, Found.MET),
    ],
)
def test_a_result_counts_to_the_last_day_of_its_lifetime(days_ago: int, lifetime: int | None, worth: Found) -> None:
    result = Result(Found.MET, None, TODAY - timedelta(days=days_ago), lifetime)
    assert rules.counting(result, TODAY) is worth


# ---- The terms


def test_what_fits_is_granted() -> None:
    assert told(GRANTED) == set()
    assert told(CONDITIONAL) == set()
    assert told(replace(GRANTED, dispensations=[Condition("M-2", TO)]), results={"M-1": MET}) == set()


@given(st.integers(0, 3000), st.integers(1, 3000))
def test_a_certificate_lasts_no_longer_than_the_scheme_allows(days: int, longest: int) -> None:
    decision = replace(GRANTED, valid_to_on=FROM + timedelta(days=days))
    found = told(decision, terms=replace(TERMS, longest_validity_days=longest))
    assert (("validity-too-long", "#/valid_to_on") in found) is (days + 1 > longest)


@pytest.mark.parametrize(
    ("decision", "facts", "expected"),
    [
        (replace(GRANTED, valid_from_on=None), {}, ("validity-missing", "#/valid_from_on")),
        (replace(GRANTED, valid_to_on=None), {}, ("validity-missing", "#/valid_to_on")),
        (replace(GRANTED, valid_to_on=FROM - timedelta(days=1)), {}, ("validity-invalid", "#/valid_to_on")),
        (GRANTED, {"in_force": False}, ("specification-not-in-force", "#/valid_from_on")),
        (GRANTED, {"offered_forms": ["on_premises"]}, ("delivery-form-not-offered", "#/outcome")),
        (GRANTED, {"keeps_to_on": TO}, ("validity-misplaced", "#/valid_to_on")),
        (replace(CONDITIONAL, outcome=Outcome.GRANTED), {}, ("conditions-misplaced", "#/conditions")),
        (replace(CONDITIONAL, conditions=[]), {}, ("conditions-missing", "#/conditions")),
        (
            replace(CONDITIONAL, conditions=[Condition("X-1", FROM)]),
            {},
            ("condition-unknown", "#/conditions/0/requirement"),
        ),
        (
            replace(CONDITIONAL, conditions=[Condition(None, TO + timedelta(days=1))]),
            {},
            ("condition-day-invalid", "#/conditions/0/due_on"),
        ),
        (
            replace(CONDITIONAL, valid_from_on=date(2026, 1, 1), conditions=[Condition(None, TODAY - timedelta(1))]),
            {},
            ("condition-day-invalid", "#/conditions/0/due_on"),
        ),
        (
            replace(GRANTED, dispensations=[Condition("S-1", TO)]),
            {},
            ("dispensation-needless", "#/dispensations/0/requirement"),
        ),
        (
            replace(GRANTED, dispensations=[Condition("M-1", TO), Condition("M-1", FROM)]),
            {},
            ("requirement-repeated", "#/dispensations/1/requirement"),
        ),
        (
            replace(GRANTED, dispensations=[Condition("M-1", FROM - timedelta(days=1))]),
            {},
            ("condition-day-invalid", "#/dispensations/0/until_on"),
        ),
        (Decision(Outcome.REFUSED, FROM, None), {}, ("validity-misplaced", "#/valid_from_on")),
        (replace(CONDITIONAL, outcome=Outcome.REFUSED), {}, ("conditions-misplaced", "#/conditions")),
    ],
)
def test_each_thing_that_does_not_fit_is_told(
    decision: Decision, facts: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert expected in told(decision, **facts)


def test_an_extension_keeps_the_certificates_last_day() -> None:
    extension = replace(GRANTED, valid_to_on=None)
    assert told(extension, keeps_to_on=TO) == set()
    late = replace(extension, dispensations=[Condition("M-1", TO + timedelta(days=1))])
    assert told(late, keeps_to_on=TO) == {("condition-day-invalid", "#/dispensations/0/until_on")}
