"""Cancelling a letter over HTTP."""

from typing import Annotated
from uuid import UUID

from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import SessionDep
from services.chassis.problems import refuse
from services.integration.attempts import store as attempts
from services.integration.cancellations import rules
from services.integration.dispatches import shapes, store
from services.integration.dispatches.rules import Event

router = new_router("/dispatches", "Dispatches")


@router.post(
    "/{id}/cancel",
    summary="Cancel a letter that has not left",
    openapi_extra=example(organisation=shapes.BRONNOY, body={}),
)
def cancel(
    id: Annotated[UUID, shapes.seeded("eksempel-brev-5")],
    decision: shapes.NewDecision,
    caller: CallerDep,
    session: SessionDep,
) -> shapes.Dispatch:
    """Queued or failed → cancelled: its sender takes it back, and it is not sent. 409 `being-handed-over` while a
    worker has it in hand, `may-have-left` when an attempt ended without an answer, `move-refused` when SvarUT has it:
    what is delivered cannot be called back."""
    row = store.locked(session, store.by_uuid(session, id, caller.organisation).uuid)
    store.must_be_free(session, row)
    refuse(rules.check(attempts.verdicts(session, row)))
    store.move(session, caller, row, Event.CANCEL, detail=decision.reason)
    return shapes.shown(session, [row])[0]
