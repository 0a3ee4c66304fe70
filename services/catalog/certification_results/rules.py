"""How results across certificates are written as a table."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

COLUMNS = (
    *("certificate", "status", "status_on", "subject_kind", "product", "holder", "specification"),
    *("specification_version", "requirement", "obligation", "outcome", "assurance", "recently_verified"),
    *("verified_until_on", "tested_on", "tester", "tool", "tool_version", "reason", "evidence_sha256"),
)
_ACTS = ("=", "+", "-", "@", "\t", "\r")


def cell(value: object) -> str:
    """As text. What a spreadsheet would work out as a formula is marked as text."""
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return f"'{text}" if text.startswith(_ACTS) else text


def rows(found: Iterable[dict[str, object]]) -> Iterable[Sequence[str]]:
    """The heading, then a line for each result."""
    yield COLUMNS
    for one in found:
        yield [cell(one.get(name)) for name in COLUMNS]


def verified_until(tested_on: date | None, lifetime_days: int | None) -> date | None:
    """The last day on which a test counts as recent; None: for ever."""
    return tested_on + timedelta(days=lifetime_days) if tested_on and lifetime_days is not None else None
