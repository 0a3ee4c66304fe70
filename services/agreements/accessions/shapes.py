"""An accession's wire shapes: they stand in the routes of two concepts."""

from datetime import date
from typing import Any
from uuid import UUID

from pydantic import Field
from sqlmodel import Session

from services.agreements.accessions import rules, store
from services.agreements.frameworks.store import FrameworkAgreement
from services.chassis.values import Instant, Out


class Covered(Out):
    organisation_id: UUID
    number: str = Field(serialization_alias="organisation_number")
    name: str = Field(description="As it was when it was listed")
    from_on: date
    to_on: date | None
    reason: str
    recorded_at: Instant


class Acceded(Out):
    """Who has acceded, as everybody may see it."""

    id: UUID
    organisation_number: str
    name: str = Field(description="As the notice names it")
    basis: rules.Basis
    state: rules.State
    since_on: date | None = Field(description="Its first day")
    until_on: date | None = Field(description="Its last day, once that is known")


class Accession(Out):
    """An accession whole, for the organisation that accedes and for the framework owner."""

    id: UUID
    framework_agreement: str
    organisation_number: str
    name: str = Field(description="As the notice names it")
    basis: rules.Basis
    co_operation: str | None
    state: rules.State
    binding: bool
    decision_reference: str | None
    decided_on: date | None
    starts_on: date | None = Field(description="Its first day; until it is approved, the day that is wished for")
    ends_on: date | None = Field(description="Its last day, once that is known")
    covered: list[Covered] = Field(description="Whom it orders for, those to come and those of earlier included")
    relied_on: dict[str, Any] | None = Field(description="What the catalogue said of the co-operation, and on what day")
    created_at: Instant


def shown(session: Session, agreement: FrameworkAgreement, row: store.Accession) -> Accession:
    listed = store.covered(session, [row.id or 0])[row.id or 0]
    return Accession(
        id=row.uuid,
        framework_agreement=agreement.slug,
        organisation_number=row.number,
        covered=[Covered.model_validate(one, from_attributes=True) for one in listed],
        **row.model_dump(exclude={"id", "uuid", "framework_id", "participant_id", "number"}),
    )


def acceded(row: store.Accession) -> Acceded:
    return Acceded(
        id=row.uuid,
        organisation_number=row.number,
        name=row.name,
        basis=row.basis,
        state=row.state,
        since_on=row.starts_on if row.state in rules.STARTED else None,
        until_on=row.ends_on,
    )
