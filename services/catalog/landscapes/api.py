"""Landscapes over HTTP."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import AwareDatetime, Field

from services.catalog.adoptions import shapes
from services.catalog.adoptions import store as adoptions
from services.catalog.adoptions.shapes import VEFSN, Adoption, Party
from services.catalog.co_operations import rules as co_operation_rules
from services.catalog.holdings.rules import How
from services.catalog.landscapes import store
from services.catalog.organisations import store as organisations
from services.chassis import clock, paging
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep
from services.chassis.values import In, Out, seed_id

router = new_router("/organisations", "Adoptions")


class Filters(In):
    on: date | None = Field(default=None, description="As it was on this day. Left out: today", examples=["2018-12-31"])
    known_at: AwareDatetime | None = Field(default=None, description="As it was known at this instant")
    ended: bool = Field(default=False, description="Also what had ended by then")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


class Used(Out):
    """One thing in a landscape."""

    adoption: Adoption
    how: How = Field(
        description="`own`; `inherited` from one that it has taken the place of; `allocated` after a split; "
        "`to_be_confirmed_by_both`: not allocated yet, and counted for neither; `through_co_operation`"
    )
    through: list[Party] = Field(description="The co-operations that it comes by")
    membership: co_operation_rules.Status | None = Field(
        description="What the organisation is to the first of them; only `recorded` and `confirmed` count"
    )


@router.get(
    "/{id}/landscape",
    summary="Read an organisation's landscape",
    openapi_extra=example(organisation=VEFSN),
)
def landscape(
    id: Annotated[UUID, Path(description="The organisation's id", examples=[str(seed_id("organisation:964983291"))])],
    filters: Annotated[Filters, Query()],
    caller: CallerDep,
    reader: ReaderDep,
    request: Request,
    response: Response,
    today: clock.TodayDep,
) -> paging.Page[Used]:
    """All that it uses on a day, by name: its own, inherited, and through co-operations, where its own wins over a
    shared one of the same. For public bodies; suppliers and others are refused whatever they ask for."""
    seen = adoptions.require_sight(reader, caller)
    found = organisations.by_uuid(reader, id)
    whole = store.of(reader, found.id, adoptions.Day(filters.on, filters.known_at), today, ended=filters.ended)
    rows = [
        ((item.entry.thing, item.entry.environment, str(whole.shown[item.entry.adoption].row.uuid)), item)
        for item in whole.items
    ]
    rows.sort(key=lambda row: row[0])
    start = paging.start(filters.after, str, str, str)
    left = [row for row in rows if start is None or row[0] > tuple(start)][: filters.limit + 1]
    page = left[: filters.limit]
    shown = shapes.assemble(reader, [whole.shown[item.entry.adoption] for _, item in page], seen, today, filters.on)
    known = organisations.by_ids(reader, {one for _, item in page for one in item.through})
    return paging.page(
        request,
        response,
        left,
        filters.limit,
        lambda row: paging.cursor(*row[0]),
        lambda row: Used(
            adoption=shown[row[1].entry.adoption],
            how=row[1].entry.how,
            through=[Party.of(known[one]) for one in row[1].through],
            membership=row[1].entry.membership,
        ),
    )
