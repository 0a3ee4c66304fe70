"""Accounts over HTTP: see whether letters go, and let them go again once what was wrong is mended."""

from typing import Annotated
from uuid import UUID

from fastapi import Path
from pydantic import Field

from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.values import Instant, Out, seed_id
from services.integration.accounts import store
from services.integration.accounts.rules import Reason
from services.integration.dispatches.shapes import BRONNOY

router = new_router("/accounts", "Accounts")


class Account(Out):
    """An account at SvarUT, from which all organisations' letters go."""

    konto: UUID = Field(description="SvarUT's id of it")
    failures: int = Field(description="In a row, since something last went well")
    reason: Reason | None = Field(
        description="Why letters wait: outage when SvarUT does not answer, configuration when it, or Maskinporten, "
        "does not know us. Null when they go"
    )
    detail: str | None = Field(description="What SvarUT said last")
    paused_until: Instant | None = Field(description="When it is tried whether SvarUT answers; null when letters go")
    changed_at: Instant


class Accounts(Out):
    items: list[Account]


@router.get("", summary="List the accounts", openapi_extra=example(organisation=BRONNOY))
def list_accounts(caller: CallerDep, reader: ReaderDep) -> Accounts:
    """Whether letters go from each, and if not, why. While an account pauses, its letters wait in the queue and use up
    none of their attempts."""
    return Accounts(items=[Account.model_validate(one) for one in store.every(reader)])


@router.post(
    "/{konto}/resume", summary="Let an account's letters go again", openapi_extra=example(organisation=BRONNOY)
)
def resume(
    konto: Annotated[UUID, Path(description="SvarUT's id of it", examples=[str(seed_id("svarut-konto"))])],
    caller: CallerDep,
    session: SessionDep,
) -> Account:
    """Once what was wrong is mended, instead of waiting for the next trial. If it is not, the account pauses again."""
    store.worked(session, konto, caller)
    return Account.model_validate(store.locked(session, konto))
