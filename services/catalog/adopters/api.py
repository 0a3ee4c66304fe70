"""Who uses a component or a product, over HTTP."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.adopters import store
from services.catalog.adoptions import store as adoptions
from services.catalog.adoptions.shapes import COMPONENT, VEFSN, Party
from services.catalog.components import store as components
from services.catalog.holdings.rules import How, Tally
from services.catalog.organisations import store as organisations
from services.catalog.products import store as products
from services.chassis import clock, paging
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep

router = new_router("", "Adoptions")

OnDay = Annotated[date | None, Query(description="As it was on this day. Left out: today", examples=["2026-06-30"])]


class Adopter(Party):
    how: How = Field(description="`own`: its own adoption, also one that it has inherited. Or `through_co_operation`")


class Adopters(paging.Page[Adopter]):
    """Who uses it, by name; with how many they are in all."""

    organisations: int = Field(description="All who use it, each once: the three below together")
    own: int = Field(description="With an adoption of their own")
    through_co_operation: int = Field(description="Members of co-operations that use it, who have none of their own")
    undecided: int = Field(
        description="Adoptions of organisations that were split, which no successor has been allocated; each counts as "
        "one, unless one of the successors uses it anyway"
    )


@router.get(
    "/components/{slug}/adopters",
    summary="List who uses a component",
    openapi_extra=example(organisation=VEFSN),
)
def of_component(
    slug: Annotated[str, Path(description="The component's name in addresses", examples=[COMPONENT])],
    caller: CallerDep,
    reader: ReaderDep,
    request: Request,
    response: Response,
    today: clock.TodayDep,
    on: OnDay = None,
    after: paging.After = None,
    limit: paging.Limit = paging.DEFAULT,
) -> Adopters:
    """The organisations that use it, or a product that is offered for it, in production, by their own word; through
    mergers, splits and co-operations each counts once. For public bodies."""
    adoptions.require_sight(reader, caller)
    found = components.id_of(reader, slug)
    tally = store.tallies_of_components(reader, [found], on or today).get(found)
    return _page(reader, tally, request, response, after, limit)


@router.get(
    "/products/{slug}/adopters",
    summary="List who uses a product",
    openapi_extra=example(organisation=VEFSN),
)
def of_product(
    slug: Annotated[str, Path(description="The product's name in addresses", examples=["havorn-alarm"])],
    caller: CallerDep,
    reader: ReaderDep,
    request: Request,
    response: Response,
    today: clock.TodayDep,
    on: OnDay = None,
    after: paging.After = None,
    limit: paging.Limit = paging.DEFAULT,
) -> Adopters:
    """The organisations that use it in production, by their own word, each once. For public bodies; not for its
    supplier, which knows its customers."""
    adoptions.require_sight(reader, caller)
    found = products.by_slug(reader, slug).id
    tally = store.tallies_of_products(reader, [found], on or today).get(found)
    return _page(reader, tally, request, response, after, limit)


def _page(
    session: Session, tally: Tally | None, request: Request, response: Response, after: str | None, limit: int
) -> Adopters:
    tally = tally or Tally(frozenset(), frozenset(), 0)
    known = organisations.by_ids(session, tally.own | tally.shared)
    start = paging.start(after, str, UUID)
    rows = sorted(known.values(), key=lambda one: (one.sort_key, one.uuid))
    left = [one for one in rows if start is None or (one.sort_key, one.uuid) > tuple(start)]
    page = paging.page(
        request,
        response,
        left[: limit + 1],
        limit,
        lambda one: paging.cursor(one.sort_key, str(one.uuid)),
        lambda one: Adopter(
            **Party.of(one).model_dump(), how=How.OWN if one.id in tally.own else How.THROUGH_CO_OPERATION
        ),
    )
    return Adopters(
        items=page.items,
        next=page.next,
        organisations=tally.total,
        own=len(tally.own),
        through_co_operation=len(tally.shared),
        undecided=tally.undecided,
    )
