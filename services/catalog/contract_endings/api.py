"""Whose contracts end when, over HTTP."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import Field

from services.catalog.adopters import store as adopters
from services.catalog.adoptions import rules as adoption_rules
from services.catalog.adoptions import shapes
from services.catalog.adoptions import store as adoptions
from services.catalog.adoptions.rules import Sight
from services.catalog.adoptions.shapes import COMPONENT, VEFSN, Adoption
from services.catalog.components import store as components
from services.catalog.contract_endings import store
from services.chassis import clock, paging
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep
from services.chassis.problems import Invalid
from services.chassis.values import In, Slug

router = new_router("/adoptions", "Adoptions")


class WindowInvalid(Invalid):
    """The window ends before it begins."""


class Filters(In):
    from_on: date = Field(alias="from", description="The window's first day", examples=["2026-01-01"])
    to_on: date = Field(alias="to", description="The window's last day", examples=["2028-12-31"])
    component: Slug | None = Field(default=None, description="Only of this component, or of products for it")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get(
    "/contract-endings",
    summary="List whose contracts end in a window",
    openapi_extra=example(organisation=VEFSN, query={"from": "2027-01-01", "to": "2029-12-31", "component": COMPONENT}),
)
def list_endings(
    filters: Annotated[Filters, Query()],
    caller: CallerDep,
    reader: ReaderDep,
    request: Request,
    response: Response,
    today: clock.TodayDep,
) -> paging.Page[Adoption]:
    """Adoptions by the day that their contract ends, without options, so that those who must buy anew at about the same
    time can do it together. For municipal bodies: never for suppliers, nor for the state."""
    seen = adoptions.require_sight(reader, caller)
    if seen.sight is not Sight.WITH_CONTRACTS:
        raise adoption_rules.ContractHidden
    if filters.to_on < filters.from_on:
        raise WindowInvalid(f"{filters.to_on} is before {filters.from_on}.", pointer="?to")
    component = products = None
    if filters.component is not None:
        component = components.find(reader, filters.component) or 0
        products = adopters.product_ids(reader, [component]).get(component, set())
    start = paging.start(filters.after, str, UUID)
    if start:
        try:
            start[0] = date.fromisoformat(start[0])
        except ValueError:
            raise paging.CursorMalformed("Use the `next` of a page as it was given.") from None
    rows = store.page(
        reader,
        start,
        filters.limit,
        today=today,
        from_on=filters.from_on,
        to_on=filters.to_on,
        component=component,
        products=products,
    )
    shown = shapes.assemble(reader, [row for row, _ in rows[: filters.limit]], seen, today)
    return paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda one: paging.cursor(one[1].isoformat(), str(one[0].row.uuid)),
        lambda one: shown[one[0].row.id],
    )
