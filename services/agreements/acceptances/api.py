"""Acceptance, complaint, settlement and close over HTTP, as the buyer takes them."""

from typing import Annotated
from uuid import UUID

from fastapi import Path
from pydantic import Field

from services.agreements.acceptances import rules, store
from services.agreements.calloffs import shapes
from services.agreements.calloffs import store as calloffs
from services.agreements.calloffs.store import Part
from services.agreements.complaints.rules import Rejected
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import SessionDep
from services.chassis.values import In, Money, Slug, seed_id

router = new_router("/call-offs", "Call-offs")


BRONNOY = "964983291"


def _seeded(name: str) -> object:
    return Path(description="The call-off's id", examples=[str(seed_id(f"call-off:{name}"))])


class Accepting(In):
    reason: str | None = Field(
        default=None,
        min_length=3,
        max_length=2000,
        description="Kept in the history; needed when what was delivered was not certified on its day",
    )


class NewComplaint(In):
    lines: list[shapes.NewLine] = Field(
        default=[], max_length=200, description="What is rejected; left out when it is only about what is missing"
    )
    reason: str = Field(min_length=3, max_length=2000, description="What is wrong; it stands in the letter")


class AgreedLine(In):
    item: Annotated[Slug, Field(examples=["alarm"])]
    amount_excl_vat: Money = Field(description="What is paid for the units that are kept")
    quantity: int | None = Field(
        default=None, ge=0, le=1_000_000, description="How many are kept; left out: all that were delivered"
    )


class Settlement(In):
    lines: list[AgreedLine] = Field(
        max_length=200,
        description="What is agreed, for every item that was rejected; an item that is left out is paid as ordered",
    )
    reason: str = Field(min_length=3, max_length=2000, description="How it was agreed; kept in the history")


class Closing(In):
    reason: str | None = Field(default=None, min_length=1, max_length=2000, description="Kept in the history")


@router.post("/{id}/accept", summary="Accept what was delivered", openapi_extra=example(organisation=BRONNOY, body={}))
def accept(
    id: Annotated[UUID, _seeded("delivered")], step: Accepting, caller: CallerDep, session: SessionDep
) -> shapes.CallOff:
    """Delivered → accepted, by the buyer. The value of all that was delivered is posted at the frozen prices: it counts
    as spent under every ceiling, and is billed. When the posted value reaches the agreement's maximum, the agreement
    is exhausted.

    409 `certification-pending` while the catalogue could not be asked about the day of delivery; 422
    `not-certified-unexplained` when what came was not certified that day and no reason is given."""
    row = calloffs.locked(session, id, caller.organisation, Part.BUYER)
    store.accept(session, caller, row, step.reason)
    return shapes.of(session, row, caller.organisation)


@router.post(
    "/{id}/complain",
    summary="Complain of what was delivered",
    openapi_extra=example(
        organisation=BRONNOY,
        body={"lines": [{"item": "alarm", "quantity": 1}], "reason": "En enhet lar seg ikke lade (fiktivt)."},
    ),
)
def complain(
    id: Annotated[UUID, _seeded("delivered")],
    new: NewComplaint,
    caller: CallerDep,
    session: SessionDep,
    today: TodayDep,
) -> shapes.CallOff:
    """Delivered → disputed, by the buyer: the quantities that are rejected and why, or what is missing. The supplier
    gets it by letter, and delivers anew (`redeliver`); or the two agree on a value (`settle`)."""
    rejected = [Rejected(line.item, line.quantity) for line in new.lines]
    row = calloffs.locked(session, id, caller.organisation, Part.BUYER)
    store.complain(session, caller, row, rejected, new.reason, today)
    return shapes.of(session, row, caller.organisation)


@router.post(
    "/{id}/settle",
    summary="Settle a complaint at an agreed value",
    openapi_extra=example(
        organisation=BRONNOY,
        body={
            "lines": [{"item": "alarm", "amount_excl_vat": "8400.00"}],
            "reason": "Prisavslag for en defekt enhet, avtalt på telefon (fiktivt).",
        },
    ),
)
def settle(
    id: Annotated[UUID, _seeded("disputed")], new: Settlement, caller: CallerDep, session: SessionDep
) -> shapes.CallOff:
    """Disputed → accepted, by the buyer, at what the two have agreed on: for each item at most what the frozen price
    gives for the units that are kept. That is posted as by `accept`, and what it is below the order stays reserved
    until the order is closed."""
    agreed = [rules.Agreed(line.item, line.amount_excl_vat, line.quantity) for line in new.lines]
    row = calloffs.locked(session, id, caller.organisation, Part.BUYER)
    store.settle(session, caller, row, agreed, new.reason)
    return shapes.of(session, row, caller.organisation)


@router.post("/{id}/close", summary="Close an order", openapi_extra=example(organisation=BRONNOY, body={}))
def close(
    id: Annotated[UUID, _seeded("accepted")], step: Closing, caller: CallerDep, session: SessionDep
) -> shapes.CallOff:
    """Accepted → closed, by the buyer: nothing more comes of it. What it still holds under the ceilings is free again;
    what was posted stays. An agreement can be closed when all its orders are."""
    row = calloffs.locked(session, id, caller.organisation, Part.BUYER)
    store.close(session, caller, row, step.reason)
    return shapes.of(session, row, caller.organisation)
