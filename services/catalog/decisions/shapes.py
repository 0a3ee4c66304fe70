"""Decisions as they stand on the wire, for the routes of every concept that shows them."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from pydantic import Field
from sqlmodel import Session

from services.catalog.applications import store as applications
from services.catalog.decisions import rules, store
from services.catalog.decisions.rules import Outcome, Status
from services.chassis.auth import Caller
from services.chassis.values import Instant, Out


class Condition(Out):
    requirement: str | None
    text: str
    due_on: date = Field(description="The last day")


class Dispensation(Out):
    requirement: str
    reason: str
    until_on: date = Field(description="The last day")


class Event(Out):
    kind: rules.EventKind
    recorded_at: Instant
    reason: str | None
    appeal: UUID | None = Field(description="The appeal that it is about")
    organisation_number: str = Field(description="Who did it")


class Decision(Out):
    """A decision on an application. An appeal under way is shown to its parties only."""

    id: UUID
    application: UUID
    outcome: Outcome
    reason: str
    decided_on: date
    recorded_at: Instant
    organisation_number: str = Field(description="Who decided")
    valid_from_on: date | None = Field(description="Null: refused")
    valid_to_on: date | None = Field(description="The last day. Null: refused, or an extension, which keeps it")
    conditions: list[Condition]
    dispensations: list[Dispensation]
    certificate: str | None = Field(description="The number of the certificate that it granted, renewed or extended")
    appeal_by_on: date = Field(description="The last day on which it can be appealed against, by the scheme")
    status: Status
    events: list[Event] = Field(description="In the order recorded")


def shown(session: Session, rows: Sequence[store.Decision], viewer: Caller | None, today: date) -> dict[int, Decision]:
    """Each decision, by internal key, as far as one may see it."""
    happened = store.events(session, [row.id for row in rows])
    numbers = store.numbers(session, [row.certificate_id for row in rows])
    asked = applications.by_ids(session, {row.application_id for row in rows})
    own = applications.applicant_ids(session, viewer.organisation, today) if viewer else set()
    handles = viewer is not None and applications.handles(viewer)
    found = {}
    for row in rows:
        application = asked[row.application_id]
        within = handles or application.applicant_id in own
        status, events = store.told(happened[row.id], everything=within)
        found[row.id] = Decision.model_validate(
            {
                **row.model_dump(exclude={"id"}),
                "id": row.uuid,
                "application": application.uuid,
                "certificate": numbers.get(row.certificate_id),
                "status": status,
                "events": events,
            }
        )
    return found
