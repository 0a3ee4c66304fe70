"""Register checks over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Path
from pydantic import Field

from services.catalog.organisations import store as organisations
from services.catalog.register_checks import rules, store
from services.catalog.register_checks.rules import Outcome
from services.chassis.app import new_router
from services.chassis.contract import example
from services.chassis.db import ReaderDep
from services.chassis.values import Instant, Out, seed_id

router = new_router("/organisations", "Organisations")
FJORDVAKT = str(seed_id("organisation:100000016"))


class RegisterCheck(Out):
    """What Enhetsregisteret says of an organisation's number."""

    organisation_id: UUID
    organisation_number: str | None
    outcome: Outcome = Field(
        description="`not_verified_yet`: nobody has been able to ask. `unknown`, `deleted` and `removed`: there is "
        "nobody behind the number, or nobody any more"
    )
    verified: bool = Field(description="Whether there is somebody behind the number, by the register's own word")
    registered_name: str | None = Field(description="The name in the register, which may be written otherwise")
    said_at: Instant | None = Field(description="When the register said so")
    checked_at: Instant | None = Field(description="When it was asked for the catalogue, last with an answer")


@router.get("/{id}/register-check", summary="See whether a supplier's number is verified", openapi_extra=example())
def read(
    id: Annotated[UUID, Path(description="The organisation's id", examples=[FJORDVAKT])], reader: ReaderDep
) -> RegisterCheck:
    """Suppliers are checked against Enhetsregisteret within a minute after they are registered or get another number,
    and then daily. Nobody is kept out by it: an unknown or deleted number, or a register that is away, is shown here
    and told in `GET /events` (`organisation.register_checked`). Organisations that supply nothing are not checked."""
    organisation = organisations.by_uuid(reader, id)
    found = store.of(reader, organisation)
    outcome = found.outcome if found else Outcome.NOT_VERIFIED_YET
    return RegisterCheck(
        organisation_id=organisation.uuid,
        organisation_number=organisation.organisation_number,
        outcome=outcome,
        verified=outcome in rules.VERIFIED,
        registered_name=found.name if found else None,
        said_at=found.said_at if found else None,
        checked_at=found.checked_at if found else None,
    )
