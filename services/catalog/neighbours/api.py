"""Who is like me, and what my neighbours use, over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import Field

from services.catalog.adopters import store as adopters
from services.catalog.adoptions import store as adoptions
from services.catalog.adoptions.shapes import COMPONENT, VEFSN, Party
from services.catalog.components import store as components
from services.catalog.neighbours import rules, store
from services.catalog.organisations import store as organisations
from services.chassis import clock, paging
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep
from services.chassis.values import In, Out, Slug, seed_id

router = new_router("/organisations", "Adoptions")

OrganisationId = Annotated[
    UUID, Path(description="The organisation's id", examples=[str(seed_id("organisation:964983291"))])
]


class Similar(Party):
    """An organisation that is like the one that was asked for, and why."""

    population: int | None
    county_number: str | None
    score: int = Field(description="The three below together, of 100")
    size_points: int = Field(description="Of 40: how near in inhabitants; none at `factor` times as many or as few")
    county_points: int = Field(description="20 in the same county, otherwise none")
    use_points: int = Field(description="Of 40: the share of all that either uses that both use")
    common: list[str] = Field(description="What both use, by path", examples=[[f"/components/{COMPONENT}"]])


class Used(Out):
    """A thing that neighbours use."""

    path: str = Field(description="Of the component or the product", examples=[f"/components/{COMPONENT}"])
    organisations: int = Field(description="How many neighbours use it, each counted once")
    used_by: list[Party] = Field(description="The first hundred of them, by name")


class Filters(In):
    component: Slug | None = Field(
        default=None, description="Only this component and the products for it", examples=[COMPONENT]
    )
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get("/{id}/similar", summary="Find who is like an organisation", openapi_extra=example(organisation=VEFSN))
def similar(
    id: OrganisationId,
    caller: CallerDep,
    reader: ReaderDep,
    request: Request,
    response: Response,
    today: clock.TodayDep,
    factor: Annotated[
        float, Query(gt=1, le=10, description="How many times as large or as small one may be", examples=[2])
    ] = 2,
    after: paging.After = None,
    limit: paging.Limit = paging.DEFAULT,
) -> paging.Page[Similar]:
    """Organisations of the same kind and about the same size, the most alike first, with the points for size, county
    and common use. The fifty nearest in size are compared. For public bodies."""
    adoptions.require_sight(reader, caller)
    asked = organisations.by_uuid(reader, id)
    candidates = store.alike_in_size(reader, asked, factor, today)
    used: dict[int, set[str]] = {one.id: set() for one in [asked, *candidates]}
    for path, user in store.uses(reader, list(used), today):
        used[user].add(path)
    profiles = {
        one.id: rules.Profile(one.population, one.county_number, frozenset(used[one.id]))
        for one in [asked, *candidates]
    }
    rows = []
    for one in candidates:
        found = rules.likeness(profiles[asked.id], profiles[one.id], factor=factor)
        rows.append(((-found.score, one.sort_key, str(one.uuid)), one, found))
    rows.sort(key=lambda row: row[0])
    start = paging.start(after, int, str, str)
    return paging.page(
        request,
        response,
        [row for row in rows if start is None or row[0] > tuple(start)][: limit + 1],
        limit,
        lambda row: paging.cursor(*row[0]),
        lambda row: Similar(
            **Party.of(row[1]).model_dump(),
            population=row[1].population,
            county_number=row[1].county_number,
            score=row[2].score,
            size_points=row[2].size,
            county_points=row[2].county,
            use_points=row[2].use,
            common=list(row[2].common),
        ),
    )


@router.get(
    "/{id}/neighbours-use",
    summary="Read what an organisation's neighbours use",
    openapi_extra=example(organisation=VEFSN, query={"component": COMPONENT}),
)
def neighbours_use(
    id: OrganisationId,
    filters: Annotated[Filters, Query()],
    caller: CallerDep,
    reader: ReaderDep,
    request: Request,
    response: Response,
    today: clock.TodayDep,
) -> paging.Page[Used]:
    """What the municipalities of the same county, and those in the same co-operations, use in production, what most of
    them use first. For public bodies."""
    adoptions.require_sight(reader, caller)
    asked = organisations.by_uuid(reader, id)
    component = products = None
    if filters.component is not None:
        component = components.find(reader, filters.component) or 0
        products = adopters.product_ids(reader, [component]).get(component, set())
    near = store.near(reader, asked, today)
    groups = rules.grouped(store.uses(reader, near, today, component=component, products=products))
    start = paging.start(filters.after, int, str)
    left = [one for one in groups if start is None or (-len(one.users), one.thing) > tuple(start)]
    page = left[: filters.limit + 1]
    known = organisations.by_ids(reader, {user for one in page for user in one.users})
    return paging.page(
        request,
        response,
        page,
        filters.limit,
        lambda one: paging.cursor(-len(one.users), one.thing),
        lambda one: Used(
            path=one.thing,
            organisations=len(one.users),
            used_by=[
                Party.of(row) for row in sorted((known[user] for user in one.users), key=lambda row: row.sort_key)[:100]
            ],
        ),
    )
