"""Fates over HTTP, for control."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Response
from pydantic import Field

from services.chassis import contract
from services.chassis.app import new_router
from services.chassis.db import ReaderDep, TransactionDep
from services.chassis.values import Out
from services.integration.sandbox.fates import shapes, store
from services.integration.sandbox.svarut.rules import Status

router = new_router("/_sandbox/svarut/fates", "SvarUT")


class Fate(Out):
    id: UUID = Field(validation_alias="fate_id")
    status: Status
    times: int = Field(description="What is left")
    recipient_number: str | None
    external_reference: str | None


class Fates(Out):
    items: list[Fate]


@router.get("", summary="List the fates that wait for letters", openapi_extra=contract.example())
def waiting(session: ReaderDep) -> Fates:
    """Oldest first, with for how many letters each is left."""
    return Fates(items=[Fate.model_validate(one) for one in store.waiting(session)])


@router.post(
    "",
    status_code=201,
    summary="Decide a letter's fate",
    openapi_extra=contract.example(body={"status": "IKKE_LEVERT"}),
)
def arrange(new: shapes.NewFate, session: TransactionDep) -> Fate:
    """The sender is answered as ever when the letter is taken; what becomes of it shows later, in its status. Each
    letter takes the oldest fate that fits it. A letter that is to be read or handled manually goes its own way first.
    """
    made = store.arrange(session, new.status, new.times, new.recipient_number, new.external_reference)
    return Fate.model_validate(made)


@router.delete("", status_code=204, summary="Take all fates away", openapi_extra=contract.example())
def clear(session: TransactionDep) -> Response:
    """Letters that were taken already keep theirs."""
    store.clear(session)
    return Response(status_code=204)


@router.delete("/{id}", status_code=204, summary="Take one fate away")
def remove(
    id: Annotated[UUID, Path(examples=["018f5e9c-7d2b-7c3a-9f00-000000000001"])], session: TransactionDep
) -> Response:
    """404 when there is none such."""
    store.remove(session, id)
    return Response(status_code=204)
