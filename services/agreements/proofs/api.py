"""Proofs over HTTP."""

from datetime import date
from typing import Annotated

from fastapi import Query
from pydantic import Field

from services.agreements.cost_splits.shapes import SignedMoney
from services.agreements.frameworks import store as frameworks
from services.agreements.ledger import store as ledger
from services.agreements.ledger.rules import VALUE, Scope
from services.agreements.proofs import store
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.clock import now
from services.chassis.contract import example
from services.chassis.db import ReaderDep
from services.chassis.problems import Forbidden
from services.chassis.values import Instant, Out, Slug

router = new_router("/ledger/proof", "Ledger")

OWNER = "100000008"


class Drift(Out):
    """A balance that is more (or less) than the sum of its entries; both nought: an entry under it is not the sum of
    its lines. NOK without VAT, or with an item its quantity."""

    level: Scope
    framework_agreement: str
    lot: str | None
    organisation_number: str | None = Field(description="The supplier or the buyer, at their levels")
    item: str | None = Field(description="Null where NOK are counted")
    reserved_excl_vat: SignedMoney | None = Field(description="Too high by this; null with an item")
    posted_excl_vat: SignedMoney | None
    quantity_reserved: int | None = Field(description="Too high by this; null without an item")
    quantity_posted: int | None


class DailyProof(Out):
    """What the service proves by itself once a day, over all agreements."""

    proven_on: date
    proven_at: Instant
    entries: int
    holds: bool


class LedgerProof(Out):
    """Whether the ledger of your agreements adds up."""

    proven_at: Instant
    balances: int = Field(description="How many were looked at, at all levels, values and quantities")
    entries: int = Field(description="How many entries they are the sums of")
    holds: bool = Field(description="Every balance is the sum of its entries, and every entry of its lines")
    drifts: list[Drift] = Field(description="Every balance for which that is not so")
    daily: DailyProof | None = Field(description="The newest one that was done by itself; null before the first")


class NotYourLedger(Forbidden):
    """Only the framework owner proves the ledger of its agreement."""


@router.get("", summary="Prove that the ledger adds up", openapi_extra=example(organisation=OWNER))
def read(
    caller: CallerDep,
    reader: ReaderDep,
    framework_agreement: Annotated[
        Slug | None, Query(description="Only this agreement, which is quicker; all that you own when left out")
    ] = None,
) -> LedgerProof:
    """For a framework owner: adds up every entry under its agreements, line by line, and compares the sums with what
    each ceiling is tested against, as of this moment. Nothing is corrected by it. The service does the same for all
    agreements once a day; what does not hold is an error in its log and `ledger.drift` in the owner's events."""
    if framework_agreement:
        agreement = frameworks.visible(reader, framework_agreement, caller.organisation)
        if agreement.owner_number != caller.organisation:
            raise NotYourLedger(f"It is owned by {agreement.owner_name}.")
    at = now()
    drifts = ledger.unproven(reader, caller.organisation, framework_agreement)
    balances, entries = ledger.counted(reader, caller.organisation, framework_agreement)
    daily = store.newest(reader)
    return LedgerProof(
        proven_at=at,
        balances=balances,
        entries=entries,
        holds=not drifts,
        drifts=[_shown(one) for one in drifts],
        daily=daily
        and DailyProof(
            proven_on=daily.proven_on, proven_at=daily.proven_at, entries=daily.entries, holds=not daily.drifts
        ),
    )


def _shown(one: ledger.Unproven) -> Drift:
    value = one.item == VALUE
    return Drift(
        level=one.scope,
        framework_agreement=one.framework_agreement,
        lot=one.lot,
        organisation_number=one.organisation,
        item=None if value else one.item,
        reserved_excl_vat=one.reserved if value else None,
        posted_excl_vat=one.posted if value else None,
        quantity_reserved=None if value else int(one.reserved),
        quantity_posted=None if value else int(one.posted),
    )
