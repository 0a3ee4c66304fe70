"""What a scheme lays down, and the days that follow from it."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from services.catalog.working_days import rules as working_days


class SubjectKind(StrEnum):
    """What is certified: a product, or a firm. Never a named person."""

    PRODUCT = "product"
    SUPPLIER = "supplier"
    ADVISER = "adviser"


@dataclass(frozen=True)
class Terms:
    """Deadlines in Norwegian working days, but for an appeal; everything else in calendar days."""

    completeness_days: int
    """From submission until it is said whether anything is missing."""
    information_days: int
    """From a request for information until the applicant has answered."""
    assessment_days: int
    decision_days: int
    appeal_days: int
    """Calendar days from a decision; the last one counts."""
    longest_validity_days: int
    expires_soon_days: int
    result_lifetime_days: int
    """How long a result counts that says nothing else itself."""
    carry_over: bool
    """Whether a certificate may be carried over to a minor version by declaration."""
    appeal_to_working_day: bool
    """An appeal's last day moves to the next working day when it is none (after domstolloven § 149)."""
    appeal_by_another_organisation: bool
    """An appeal is decided by another organisation than the one that decided first."""


def after_working_days(start: date, days: int) -> date:
    """The last day of a deadline; the day that it starts on does not count."""
    return working_days.after(start, days)


def appeal_by(decided_on: date, terms: Terms) -> date:
    """The last day for an appeal: it counts."""
    last = decided_on + timedelta(days=terms.appeal_days)
    if terms.appeal_to_working_day and not working_days.is_working_day(last):
        return working_days.after(last, 1)
    return last


def longest_to(valid_from_on: date, terms: Terms) -> date:
    """The latest last day of a certificate that begins on a day."""
    return valid_from_on + timedelta(days=terms.longest_validity_days - 1)
