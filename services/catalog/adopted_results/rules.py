"""Which of a product's test reports count for a requirement, and what a supplier's own word is worth."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from services.catalog.certificates.rules import Outcome
from services.catalog.declarations.rules import Answer
from services.chassis.problems import Conflict


class NoProduct(Conflict):
    """Only about products there are test reports and declarations."""


class NothingDeclared(Conflict):
    """The supplier has no declaration in force against this version of the specification."""


class Skipped(StrEnum):
    """Why nothing is taken over for a requirement."""

    NO_REPORT = "no_report"
    AWAITING_APPROVAL = "awaiting_approval"
    """The last test is not met, and nobody has looked at it; an older pass does not stand in for it."""
    TAKEN_ALREADY = "taken_already"
    NEWER_RESULT = "newer_result"
    """The assessment has a result of a later test."""
    HAS_RESULT = "has_result"
    NOT_DECLARED = "not_declared"


@dataclass(frozen=True)
class Reported:
    """What a report says about a requirement. `counts`: None while nobody has looked at it."""

    report: UUID
    ran_on: date
    counts: bool | None
    trusted: bool
    """Its tester is not revoked, and the report is not withdrawn."""
    in_scope: bool
    """It is about a version of the product that the application is for."""


def chosen(reports: Sequence[Reported], *, taken: Collection[UUID], tested_on: date | None) -> Reported | Skipped:
    """Which report counts for a requirement: of those about the right versions, of trusted testers, that nobody
    rejected, the one whose test ran last. `reports`: that one first. `taken`: the reports of the result that counts
    now; `tested_on`: the day of its test."""
    for one in reports:
        if not one.in_scope or not one.trusted or one.counts is False:
            continue
        if one.report in taken:
            return Skipped.TAKEN_ALREADY
        if tested_on is not None and tested_on > one.ran_on:
            return Skipped.NEWER_RESULT
        return one if one.counts else Skipped.AWAITING_APPROVAL
    return Skipped.NO_REPORT


def declared(answer: Answer | None, comment: str | None, *, must: bool) -> tuple[Outcome, str | None] | Skipped:
    """What a supplier's own word makes of a requirement. A must that it does not answer counts as declared to be
    met."""
    if answer is None:
        return (Outcome.MET, None) if must else Skipped.NOT_DECLARED
    outcome = Outcome(answer.value)
    return outcome, comment or (None if outcome is Outcome.MET else "Egenerklært uten kommentar")
