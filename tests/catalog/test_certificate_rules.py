"""When a certificate may be granted."""

from datetime import date, timedelta

import pytest

from services.catalog.certificates import rules
from services.catalog.certificates.rules import Grant, Outcome, Result, Validity
from services.chassis.problems import Problem

START, END = date(2026, 1, 1), date(2029, 12, 31)
VALIDITY = Validity(START, END)


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
