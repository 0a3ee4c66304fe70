"""What is found about a requirement, as it stands in the routes of assessments and of their results."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from pydantic import Field

from services.catalog.assessments import rules
from services.catalog.assessments.store import AssessmentResult, Source
from services.catalog.certificates.rules import Assurance, Outcome
from services.catalog.certificates.shapes import Evidence
from services.catalog.requirements.store import Content
from services.catalog.specifications.rules import Obligation
from services.chassis.values import Instant, Out


class Result(Out):
    """What was found about a requirement. `assurance` says whether somebody else than the supplier found it."""

    requirement: str
    obligation: Obligation
    outcome: Outcome
    reason: str | None
    evidence: list[Evidence]
    assurance: Assurance = Field(description="`self_declared` is the supplier's own word, and nothing more")
    tool: str | None
    tool_version: str | None
    tester: str | None = Field(description="The organisation number of whoever tested")
    tested_on: date | None
    lifetime_days: int | None = Field(description="How many days after the test it counts as recent; null: for ever")
    verified_until_on: date | None = Field(description="The last of them")
    recently_verified: bool = Field(description="Today")
    source: Source = Field(description="An assessor's own finding, or taken over from a report or a declaration")
    source_path: str | None = Field(description="The report or declaration, on this service")
    recorded_at: Instant
    recorded_by: str = Field(description="The organisation number of whoever wrote it down")


def found(result: AssessmentResult) -> rules.Found:
    return rules.Found(Outcome(result.outcome), result.tested_on, result.lifetime_days)


def shown(result: AssessmentResult, requirement: Content, today: date) -> Result:
    stands = found(result)
    names: Sequence[str] = (
        *("outcome", "reason", "evidence", "assurance", "tool", "tool_version", "tester", "tested_on"),
        *("lifetime_days", "source", "source_path", "recorded_at"),
    )
    fields: dict[str, Any] = {name: getattr(result, name) for name in names}
    return Result.model_validate(
        fields
        | {
            "requirement": requirement.code,
            "obligation": requirement.obligation,
            "verified_until_on": rules.verified_until(stands),
            "recently_verified": rules.recently_verified(stands, today),
            "recorded_by": result.organisation_number,
        }
    )
