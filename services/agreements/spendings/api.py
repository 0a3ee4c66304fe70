"""Spend over HTTP."""

from decimal import Decimal
from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import Field

from services.agreements.cost_splits.shapes import SignedMoney
from services.agreements.entries import shapes
from services.agreements.spendings import rules, store
from services.agreements.spendings.rules import Dimension
from services.chassis import paging
from services.chassis.app import new_router
from services.chassis.auth import ScopeMissing, TokenMissing, ViewerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep
from services.chassis.problems import refuse
from services.chassis.values import Out

router = new_router("/ledger/spend", "Ledger")

NOUGHT = Decimal("0.00")


class Spend(Out):
    """One group. What it is not told apart by is null. NOK without VAT."""

    framework_agreement: str | None
    lot: str | None
    supplier_organisation_number: str | None
    buyer_organisation_number: str | None
    component: str | None = Field(description="Null too where what was ordered fulfils no component")
    item: str | None
    month: str | None = Field(description="Of the day that the entries count on", examples=["2026-11"])
    reserved_excl_vat: SignedMoney | None = Field(
        description="What orders came to hold, less what was released or posted; null where it is not open"
    )
    posted_excl_vat: SignedMoney = Field(description="What was accepted, less what was reversed")
    quantity_reserved: int | None = Field(description="In the item's unit, when told apart by lot and item")
    quantity_posted: int | None


class Spending(Out):
    """Groups that together are exactly the total: an entry's krone stands in one of them."""

    items: list[Spend]
    next: str | None = Field(description="Give it back as `after` for the next page; null on the last", examples=[None])
    total_reserved_excl_vat: SignedMoney | None = Field(description="Of all groups, on all pages")
    total_posted_excl_vat: SignedMoney
    own_only: bool = Field(description="Whether only what you see entry by entry was added up")


class Asked(shapes.Narrowing):
    by: list[Dimension] = Field(
        min_length=1, max_length=7, description="What to tell apart; repeat it for several, in any order"
    )
    mine: bool = Field(
        default=False, description="Only what you see entry by entry: your purchases, agreements, shares and orders"
    )
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get(
    "",
    summary="Add up what has been spent",
    openapi_extra=example(query={"by": ["lot", "month"], "framework_agreement": "ra-2026-velferdsteknologi"}),
)
def read(
    asked: Annotated[Asked, Query()], viewer: ViewerDep, reader: ReaderDep, request: Request, response: Response
) -> Spending:
    """What has been reserved and posted, from the ledger's entries, by any combination of agreement, lot, supplier,
    component and month: open to everybody, for one agreement or for at most 366 days. What is reserved with a supplier
    before it is accepted is not open.

    By buyer or item, of one buyer or call-off, or with `mine`, a token with agreements.read is needed, and what you see
    entry by entry is added up: your own purchases, agreements and orders. A month may be less than nothing when more
    was given back in it than ordered."""
    own = rules.own_only(asked.by, narrowed=bool(asked.buyer or asked.call_off), mine=asked.mine)
    if own and viewer is None:
        raise TokenMissing("Who bought what is for those it concerns.").with_header("WWW-Authenticate", "Bearer")
    if own and viewer and not viewer.may("agreements.read"):
        raise ScopeMissing("Needed: agreements.read")
    if not own:
        refuse(rules.check_open(bool(asked.framework_agreement), asked.effective_from_on, asked.effective_to_on))
    organisation = viewer.organisation if viewer else None
    by = [one for one in Dimension if one in asked.by]
    selection = asked.selection(reader, organisation)
    start = paging.start(asked.after, *(str for _ in by))
    rows = store.page(reader, by, selection, organisation if own else None, start, asked.limit)
    told = rules.reserved_told(by, own=own, one_supplier=bool(asked.supplier))
    page = paging.page(
        request,
        response,
        rows,
        asked.limit,
        lambda row: paging.cursor(*(getattr(row, f"by_{one}") for one in by)),
        lambda row: _shown(row, by, told),
    )
    return Spending(
        items=page.items,
        next=page.next,
        total_reserved_excl_vat=(rows[0].total_reserved if rows else NOUGHT) if told else None,
        total_posted_excl_vat=rows[0].total_posted if rows else NOUGHT,
        own_only=own,
    )


def _shown(row: Any, by: list[Dimension], told: bool) -> Spend:
    key = {one: getattr(row, f"by_{one}") if one in by else None for one in Dimension}
    agreement, _, lot = (key[Dimension.LOT] or key[Dimension.FRAMEWORK_AGREEMENT] or "").partition("/")
    counted = rules.quantities_told(by)
    return Spend(
        framework_agreement=agreement or None,
        lot=lot or None,
        supplier_organisation_number=key[Dimension.SUPPLIER],
        buyer_organisation_number=key[Dimension.BUYER],
        component=key[Dimension.COMPONENT] or None,
        item=key[Dimension.ITEM],
        month=key[Dimension.MONTH],
        reserved_excl_vat=row.reserved if told else None,
        posted_excl_vat=row.posted,
        quantity_reserved=row.quantity_reserved if counted else None,
        quantity_posted=row.quantity_posted if counted else None,
    )
