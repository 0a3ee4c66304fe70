"""Consents over HTTP: what their givers do in Altinn, for whoever tries the system."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Response
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from services.chassis import contract
from services.chassis.app import new_router
from services.chassis.clock import now
from services.chassis.db import TransactionDep
from services.chassis.values import In, OrganisationNumber, Out
from services.integration.sandbox.consents import rules, store

router = new_router("/_sandbox/altinn/consents", "Altinn")
RESOURCE = {"type": "urn:altinn:resource", "value": "standard-samtykke-for-dele-data"}
GIVER = f"{rules.ORGANISATION}964983291"


def _giver(urn: str) -> str:
    if not rules.is_giver(urn):
        raise PydanticCustomError(
            "giver", "A URN of an organisation, or of a synthetic person (80 added to the month)."
        )
    return urn


class Right(In):
    """What the receiver may do; stands in tokens as it is."""

    action: list[str] = Field(default=["consent"], min_length=1)
    resource: list[dict[str, str]] = Field(default=[RESOURCE], min_length=1)
    metadata: dict[str, str] | None = Field(default=None, description="E.g. which year")


class NewConsent(In):
    giver: Annotated[str, AfterValidator(_giver)] = Field(
        description=f"`{rules.PERSON}…` or `{rules.ORGANISATION}…`; `from` in grants", examples=[GIVER]
    )
    receiver: OrganisationNumber = Field(description="`to` in tokens", examples=["100000016"])
    valid_seconds: int = Field(
        default=86_400, ge=-86_400, le=315_360_000, description="From now; negative: over already"
    )
    rights: list[Right] = Field(default=[Right()], min_length=1)


class Consent(Out):
    """Who gave it is not repeated: it may be a person."""

    id: UUID
    receiver: str


@router.post(
    "",
    status_code=201,
    summary="Give a consent",
    openapi_extra=contract.example(body={"giver": GIVER, "receiver": "100000016"}),
)
def give(new: NewConsent, session: TransactionDep) -> Consent:
    """The giver has approved the receiver's request in Altinn."""
    instant = now()
    rights: list[dict[str, Any]] = [right.model_dump(exclude_none=True) for right in new.rights]
    valid_to = instant + timedelta(seconds=new.valid_seconds)
    id = store.give(session, new.giver, new.receiver, rights, valid_to, instant)
    return Consent(id=id, receiver=new.receiver)


@router.post("/{id}/revoke", status_code=204, summary="Revoke a consent")
def revoke(
    id: Annotated[UUID, Path(examples=["018f5e9c-7d2b-7c3a-9f00-000000000001"])], session: TransactionDep
) -> Response:
    """No more tokens for it. Again changes nothing."""
    store.revoke(session, id, now())
    return Response(status_code=204)
