"""Adoptions over HTTP, as they are read."""

from collections.abc import Collection
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import AwareDatetime, Field
from sqlmodel import Session

from services.catalog.adoptions import rules, shapes, store
from services.catalog.adoptions.rules import Claim, Environment, Sight, Status
from services.catalog.adoptions.shapes import COMPONENT, VEFSN, Adoption, AdoptionId
from services.catalog.components import store as components
from services.catalog.holdings import store as holdings
from services.catalog.organisations import store as organisations
from services.catalog.products import store as products
from services.chassis import clock, paging, view
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep
from services.chassis.values import Slug
from services.chassis.view import ViewDep

router = new_router("/adoptions", "Adoptions")

MunicipalityNumber = Annotated[str, Field(pattern=r"^\d{4}$", examples=["1129"])]


class Filters(view.Viewed):
    id: list[UUID] = Field(default=[], max_length=100, description="These only; repeat it for several")
    organisation: UUID | None = Field(
        default=None, description="Those of this organisation, and of all whose place it has taken"
    )
    municipality_number: MunicipalityNumber | None = Field(
        default=None, description="The same by a municipality number, also one of before"
    )
    component: Slug | None = Field(default=None, description="Of this component, not of products for it")
    product: Slug | None = None
    status: list[Status] = Field(default=[], max_length=5, description="Any of these; repeat it for several")
    environment: Environment | None = None
    claim: list[Claim] = Field(default=[], max_length=3, description="Any of these; repeat it for several")
    stale: bool | None = Field(default=None, description="Only those that nobody has confirmed for too long, or not")
    on: date | None = Field(
        default=None,
        description="Status, claim and who holds it as on this day; version, source and contract are today's",
        examples=["2019-12-31"],
    )
    known_at: AwareDatetime | None = Field(default=None, description="As it was known at this instant")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get(
    "",
    summary="List adoptions",
    response_model=paging.Page[Adoption],
    openapi_extra=example(organisation=VEFSN, query={"component": COMPONENT, "limit": "5"}),
)
def list_adoptions(
    filters: Annotated[Filters, Query()],
    caller: CallerDep,
    reader: ReaderDep,
    request: Request,
    response: Response,
    today: clock.TodayDep,
) -> Any:
    """Who uses what, for public bodies; filters narrow the list together. Prices and contracts are shown to municipal
    bodies. Anybody else gets the claims that it made itself, as it made them, and cannot ask for status, claim or
    another day."""
    seen = store.viewer(reader, caller)
    if seen.sight is Sight.CLAIMS and (
        filters.status or filters.claim or filters.stale is not None or filters.on or filters.known_at
    ):
        raise rules.LandscapeHidden
    asked = _organisations(reader, filters.organisation, filters.municipality_number, filters.on or today)
    query = store.selected(
        store.Day(filters.on, filters.known_at),
        today,
        store.visible(reader, seen, today),
        ids=filters.id,
        organisations=asked,
        component=(components.find(reader, filters.component) or 0) if filters.component else None,
        products=_product(reader, filters.product) if filters.product else None,
        status=filters.status,
        environment=filters.environment,
        claims=filters.claim,
        stale=filters.stale,
    )
    rows = store.page(reader, query, paging.start(filters.after, UUID), filters.limit)
    shown = shapes.assemble(reader, rows[: filters.limit], seen, today, filters.on)
    page = paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(str(row.row.uuid)),
        lambda row: shown[row.row.id],
    )
    return view.answer(filters.view(), page, response)


@router.get("/{id}", summary="Read an adoption", response_model=Adoption, openapi_extra=example(organisation=VEFSN))
def read(
    id: AdoptionId, caller: CallerDep, reader: ReaderDep, response: Response, asked: ViewDep, today: clock.TodayDep
) -> Any:
    """One adoption, as it stands today. What you may not see does not exist for you."""
    seen = store.viewer(reader, caller)
    return view.answer(asked, shapes.one(reader, id, seen, response, today), response)


def _organisations(
    session: Session, organisation: UUID | None, municipality_number: str | None, on: date
) -> Collection[int] | None:
    asked: set[int] | None = None
    if organisation is not None:
        found = organisations.by_uuids(session, [organisation]).get(organisation)
        asked = {found.id} if found else set()
    if municipality_number is not None:
        numbered = set(organisations.by_municipality_number(session, municipality_number, None))
        asked = numbered if asked is None else asked & numbered
    if asked is None:
        return None
    return holdings.predecessors(session, asked, on) if asked else set()


def _product(session: Session, slug: str) -> Collection[int]:
    found = products.find(session, slug)
    return [found.id] if found else []
