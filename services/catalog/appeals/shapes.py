"""An appeal as it stands in answers, with no more than the viewer may see."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from fastapi import Path
from pydantic import Field
from sqlmodel import Session

from services.catalog.appeals.rules import EventKind, Ground, State, TargetKind
from services.catalog.evidence_files import store as evidence_files
from services.chassis.auth import Caller
from services.chassis.values import Instant, Out, seed_id


def path_of(seeded: str) -> Any:
    """An appeal's id in a path; `seeded` is the name of one that the example can be tried on."""
    return Path(description="The appeal's id", examples=[str(seed_id(f"appeal:{seeded}"))])


class Against(Out):
    """What is appealed against."""

    kind: TargetKind
    decision: UUID | None
    certificate: str | None = Field(description="The certificate's number")
    event: int | None = Field(description="The event's `sequence` in the certificate")
    supplier_suspension: UUID | None


class Happened(Out):
    """Something that happened. Only ever added."""

    kind: EventKind
    effective_on: date = Field(description="Of an outcome or a stay: the day that it works from")
    recorded_at: Instant
    organisation_number: str = Field(description="Who did it")
    reason: str | None = Field(description="Null to whoever is no party")
    ground: Ground | None = Field(description="Why it was dismissed")
    conditions: list[str] | None = Field(description="The conditions that fell away")


class Appeal(Out):
    """An appeal, and what has become of it."""

    id: UUID
    against: Against
    state: State
    appellant: str = Field(description="The organisation number")
    submitted_at: Instant
    decided_on: date = Field(description="When what is appealed against was decided")
    due_on: date = Field(description="The last day for an appeal")
    late: bool = Field(description="It came after that day")
    stayed: bool = Field(description="What is appealed against is stayed")
    reason: str | None = Field(description="Null to whoever is no party")
    attachments: list[UUID] | None = Field(description="Ids of evidence files; null to whoever is no party")
    events: list[Happened]


@dataclass(frozen=True)
class Sees:
    """The organisations that the viewer is, and whether it sees all appeals."""

    own: Collection[int]
    everything: bool


EVERYTHING = Sees((), True)


def sees(session: Session, viewer: Caller | None, today: date) -> Sees:
    """Whoever decides sees all; an appellant its own, and those of what has become it."""
    if viewer is None:
        return Sees((), False)
    own = evidence_files.standing_for(session, viewer.organisation, today)
    return Sees(own if viewer.may("certification.apply") else (), viewer.may("certification.decide"))


def shown(row: Any, viewer: Sees) -> Appeal:
    whole = viewer.everything or row.appellant_id in viewer.own
    last_stay = next((one["kind"] for one in reversed(row.events) if one["kind"] in _STAYS), None)
    return Appeal(
        id=row.id,
        against=Against(
            kind=_kind(row),
            decision=row.decision,
            certificate=row.certificate,
            event=row.event if row.certificate else None,
            supplier_suspension=row.supplier_suspension,
        ),
        state=row.state,
        appellant=row.appellant_number,
        submitted_at=row.submitted_at,
        decided_on=row.appealed_on,
        due_on=row.due_on,
        late=row.late,
        stayed=last_stay == EventKind.STAYED,
        reason=row.reason if whole else None,
        attachments=row.attachments if whole else None,
        events=[_happened(one, whole) for one in row.events],
    )


_STAYS = (EventKind.STAYED, EventKind.STAY_ENDED)


def _kind(row: Any) -> TargetKind:
    if row.decision is not None:
        return TargetKind.DECISION
    return TargetKind.CERTIFICATE_EVENT if row.certificate else TargetKind.SUPPLIER_SUSPENSION


def _happened(one: dict[str, Any], whole: bool) -> Happened:
    detail = one["detail"] or {}
    fields = one | {"ground": detail.get("ground"), "conditions": detail.get("conditions")}
    return Happened.model_validate(fields | ({} if whole else {"reason": None}))
