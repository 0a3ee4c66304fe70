"""System users over HTTP: what vendor and customer do in Altinn, for whoever tries the system."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Response
from pydantic import Field

from services.chassis.app import new_router
from services.chassis.clock import now
from services.chassis.db import TransactionDep
from services.chassis.values import In, OrganisationNumber, Out, seed_id
from services.integration.sandbox.system_users import store

router = new_router("/_sandbox/altinn/system-users", "Altinn")


class NewSystemUser(In):
    """A customer approves that a vendor's system acts for it; the system is one client at Maskinporten."""

    client_id: str = Field(max_length=36, description="The vendor's", examples=[str(seed_id("client:100000016"))])
    system: str = Field(pattern=r"^[a-z0-9_-]{1,200}$", description="The system's name", examples=["sak"])
    customer: OrganisationNumber
    external_ref: str | None = Field(
        default=None, min_length=1, max_length=255, description="When set, grants must name it (`externalRef`)"
    )


class SystemUser(Out):
    id: UUID = Field(description="`systemuser_id` in tokens")
    system_id: str
    customer: str
    external_ref: str


@router.post("", status_code=201, summary="Approve a system user")
def approve(new: NewSystemUser, session: TransactionDep) -> SystemUser:
    """One for each client, customer and reference; 409 when there is one."""
    id = store.add(session, new.client_id, new.system, new.customer, new.external_ref, now())
    return SystemUser.model_validate(store.by_id(session, id))


@router.delete("/{id}", status_code=204, summary="Remove a system user")
def remove(
    id: Annotated[UUID, Path(examples=["018f5e9c-7d2b-7c3a-9f00-000000000001"])], session: TransactionDep
) -> Response:
    """The customer takes it back: no more tokens for it."""
    store.remove(session, id)
    return Response(status_code=204)
