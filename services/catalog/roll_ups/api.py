"""Roll-ups over HTTP."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import Field

from services.catalog.co_operations import rules
from services.catalog.co_operations import store as co_operations
from services.catalog.organisations import store as organisations
from services.catalog.periods import store as periods
from services.chassis.app import new_router
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep
from services.chassis.problems import refuse
from services.chassis.values import Out, Slug

router = new_router("/co-operations", "Co-operations")


class RolledUp(Out):
    organisations: list[UUID]
    population: int = Field(description="Inhabitants, each municipality once; newest count of the day or before")
    population_missing: int = Field(description="How many have no count")


class RollUp(Out):
    """Several co-operations together, nobody twice."""

    on: date
    members: RolledUp = Field(description="Recorded and confirmed members")
    inherited_unconfirmed: RolledUp = Field(description="Successors that have not confirmed; no members")
    awaiting_allocation: RolledUp = Field(description="Those a member was split into; none counts until it is settled")


@router.get(
    "/roll-up",
    summary="Members of several co-operations, each once",
    openapi_extra=example(query={"slug": ["kr-ikt", "setesdal-ikt"], "on": "2015-10-30"}),
)
def roll_up(
    slug: Annotated[list[Slug], Query(min_length=1, max_length=100, description="May be repeated")],
    reader: ReaderDep,
    today: TodayDep,
    on: Annotated[date | None, Query(description="As of this day; today when left out")] = None,
) -> RollUp:
    """Who takes part in any of these co-operations, and how many inhabitants they have together. A municipality that is
    in several (Iveland in two) counts once; successors that have not confirmed stand apart, and count as no member."""
    day = on or today
    known = co_operations.ids_by_slug(reader, slug)
    missing = [f"No co-operation is called {one!r}." for one in slug if one not in known]
    refuse([co_operations.CoOperationNotFound(told, pointer="?slug") for told in missing])
    found: dict[rules.Status, set[int]] = {status: set() for status in rules.Status}
    for members in co_operations.members_of_all(reader, known.values(), day).values():
        for one in members:
            found[one.status].add(one.organisation_id)
    certain = found[rules.Status.RECORDED] | found[rules.Status.CONFIRMED]
    perhaps = found[rules.Status.INHERITED_UNCONFIRMED] - certain
    waiting = found[rules.Status.AWAITING_ALLOCATION] - certain - perhaps
    everyone = certain | perhaps | waiting
    rows = organisations.by_ids(reader, everyone)
    counts = periods.populations_on(reader, everyone, day)

    def rolled(ids: set[int]) -> RolledUp:
        ordered = sorted(ids, key=lambda one: (rows[one].sort_key, rows[one].uuid))
        counted = [counts[one].inhabitants for one in ordered if one in counts]
        return RolledUp(
            organisations=[rows[one].uuid for one in ordered],
            population=sum(counted),
            population_missing=len(ordered) - len(counted),
        )

    return RollUp(
        on=day, members=rolled(certain), inherited_unconfirmed=rolled(perhaps), awaiting_allocation=rolled(waiting)
    )
