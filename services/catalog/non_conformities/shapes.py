"""A non-conformity as it stands in answers: whole to whoever takes part, to others what is public about it."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path
from pydantic import Field
from sqlmodel import Session

from services.catalog.certificates.shapes import Evidence
from services.catalog.non_conformities import rules, store
from services.catalog.non_conformities.rules import EventKind, Severity, Source, State
from services.catalog.schemes.shapes import is_body
from services.chassis.auth import Caller
from services.chassis.values import In, Instant, Out, seed_id

Why = Annotated[str, Field(min_length=1, max_length=5000)]


def path_of(seeded: str) -> Any:
    """A non-conformity's id in a path; `seeded` is the name of one that the example can be tried on."""
    return Path(description="The non-conformity's id", examples=[str(seed_id(f"non-conformity:{seeded}"))])


class Sites(In):
    """At how many places it was looked at, and at how many of them it was right."""

    passed: int = Field(ge=0, le=10_000)
    total: int = Field(ge=1, le=10_000)


class Action(In):
    """One thing that will be done."""

    text: str = Field(min_length=1, max_length=2000)
    due_on: date = Field(description="Done by this day")


class Plan(Out):
    """The corrective action plan that was sent in last."""

    explanation: str = Field(description="How it came about, in the holder's words")
    starts_on: date
    actions: list[Action]


class Resolution(Out):
    """What the holder says has been done."""

    text: str
    sites: Sites | None
    evidence: list[Evidence] | None = Field(description="Null to whoever takes no part")


class Dates(Out):
    """The dates of a corrective action; null while they lie ahead."""

    determined_on: date = Field(description="The day it was established")
    plan_approved_on: date | None
    started_on: date | None = Field(description="When the work started, by the approved plan")
    must_complete_on: date | None = Field(description="The last day to have it done, as the plan was approved")
    ended_on: date | None = Field(description="When the work ended, by the holder's word")
    closed_on: date | None = Field(description="When the certification body closed or dismissed it")


class Happened(Out):
    """Something that happened. Only ever added."""

    kind: EventKind
    effective_on: date
    recorded_at: Instant
    due_on: date | None = Field(
        description="The day that the holder was given with it; of `overdue` the one that passed"
    )
    organisation_number: str | None = Field(description="Who did it; null when the service noticed it itself")
    reason: str | None = Field(description="Null to whoever takes no part")


class NonConformity(Out):
    """What is or was wrong about something that is certified."""

    id: UUID
    certificate: str = Field(description="The certificate's number", examples=["SV-2026-000001"])
    severity: Severity
    source: Source = Field(description="What showed it")
    state: State
    live: bool = Field(description="Neither closed nor dismissed: the certificate has the remark `with_non_conformity`")
    due_on: date | None = Field(
        description="The last day of what the holder has to do next; null when it is not its turn"
    )
    overdue: bool = Field(description="That day has passed")
    escalated: bool = Field(description="The certificate was suspended for it, after a day had passed")
    dates: Dates
    opened_by: str = Field(description="The certification body's organisation number")
    opened_at: Instant
    requirements: list[str] | None = Field(
        description="Requirement ids that are not met; to whoever takes no part null until it is closed"
    )
    description: str | None = Field(description="The same holds of it. Of what was dismissed it never becomes public")
    sites_total: int | None = Field(description="At how many places it was looked at")
    plan: Plan | None = Field(description="Null to whoever takes no part")
    resolution: Resolution | None = Field(description="Public once it is closed, without the evidence")
    events: list[Happened]


def part_of(viewer: Caller | None, rows: Sequence[Any], session: Session, today: date) -> set[int]:
    """The holders, of those in the rows, whose non-conformities the viewer sees whole: all to whoever assesses or
    decides, its own to a supplier."""
    holders = {row.holder_id for row in rows}
    if is_body(viewer):
        return holders
    if viewer is None or not viewer.may("certification.apply"):
        return set()
    return store.held(session, holders, viewer.organisation, today)


def shown(row: Any, whole: set[int], today: date) -> NonConformity:
    takes_part = row.holder_id in whole
    told = takes_part or row.state == State.CLOSED
    stands = rules.standing(map(_event, row.events))
    plan = _last(row.events, EventKind.PLAN_SUBMITTED)
    resolution = _last(row.events, EventKind.RESOLVED)
    return NonConformity(
        **{name: getattr(row, name) for name in ("id", "certificate", "severity", "source", "state", "due_on")},
        **{name: getattr(row, name) for name in ("escalated", "opened_by", "opened_at", "sites_total")},
        live=row.state not in rules.ENDED,
        overdue=rules.overdue(row.due_on, today),
        dates=Dates(
            determined_on=row.determined_on,
            plan_approved_on=stands.plan_approved_on,
            started_on=stands.started_on,
            must_complete_on=stands.must_complete_on,
            ended_on=stands.ended_on,
            closed_on=stands.closed_on,
        ),
        requirements=row.requirements if told else None,
        description=row.description if told else None,
        plan=Plan.model_validate(plan) if plan and takes_part else None,
        resolution=Resolution.model_validate(resolution | ({} if takes_part else {"evidence": None}))
        if resolution and told
        else None,
        events=[Happened.model_validate(one | ({} if takes_part else {"reason": None})) for one in row.events],
    )


def _event(one: dict[str, Any]) -> rules.Event:
    starts_on = (one["detail"] or {}).get("starts_on")
    return rules.Event(
        EventKind(one["kind"]), _day(one["effective_on"]), _day(one["due_on"] or ""), _day(starts_on or "")
    )


def _day(text: str) -> Any:
    return date.fromisoformat(text) if text else None


def _last(events: Sequence[dict[str, Any]], kind: EventKind) -> dict[str, Any] | None:
    return next((dict(one["detail"]) for one in reversed(events) if one["kind"] == kind), None)
