"""Partners over HTTP."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Path, Query
from pydantic import Field
from sqlmodel import Session

from services.catalog.co_operations import store as co_operations
from services.catalog.co_operations.rules import MEMBERS
from services.catalog.needs import store as kept_needs
from services.catalog.needs.rules import PublicBodiesOnly
from services.catalog.organisations import store as organisations
from services.catalog.partners import rules, store
from services.chassis import clock
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep
from services.chassis.values import Out, TextOut, seed_id

router = new_router("/needs/{id}/partners", "Needs")

NeedId = Annotated[UUID, Path(description="The need's id", examples=[str(seed_id("need:trygghetstjeneste-helgeland"))])]


class InCommon(Out):
    """A need of a partner's, and what it has in common with this one."""

    need: UUID
    title: TextOut
    closeness: rules.Closeness = Field(
        description="`same_need`: has joined this one, or posted it. `same_requirements`: another need with all "
        "requirements of this one"
    )
    components: list[str]
    requirements: list[str] = Field(description="Their ids")


class Partner(Out):
    """An organisation with whom one could buy."""

    organisation_id: UUID
    organisation_number: str | None
    name: str
    municipality: bool
    through: list[str] = Field(description="The co-operations that joined for it; empty where it has the need itself")
    needs: list[InCommon] = Field(description="Nearest first")
    same_county: bool
    co_operations: list[str] = Field(description="That both are members of today")
    similar_size: bool | None = Field(description="Between half and twice the inhabitants; null where not known")
    population: int | None


class Partners(Out):
    """Who else has a need, nearest first."""

    need: UUID
    total: int = Field(description="How many partners there are, beyond those shown")
    items: list[Partner]
    complete: bool = Field(description="False where more than 500 needs overlap; those with most in common were taken")


@router.get("", summary="Find partners for a joint procurement", openapi_extra=example(organisation="964983291"))
def partners(
    id: NeedId,
    caller: CallerDep,
    reader: ReaderDep,
    today: clock.TodayDep,
    limit: Annotated[int, Query(ge=1, le=200, description="Partners shown at most")] = 50,
) -> Partners:
    """For public bodies: other organisations that have this need, or one that is open or in progress and shares
    requirements, components or the area with it. Seen from your own organisation: same county, co-operations in common,
    similar size."""
    if caller.supplier is not None:  # a vendor that acts on a public body's behalf learns it for itself
        raise PublicBodiesOnly("Not through a vendor.")
    acting = kept_needs.acting(reader, caller.organisation)
    need = kept_needs.by_uuid(reader, id)
    same = kept_needs.same(reader, [one.id for one in kept_needs.wanted(reader, need.key)])
    mine_by_other = {row.key: wanted for wanted, others in same.items() for row in others}
    rows = store.overlapping(reader, need.key, mine_by_other)
    wishes = {
        row.id: rules.Wish(
            row.id,
            frozenset(row.components),
            frozenset(mine_by_other.get(one, one) for one in row.requirements),
            row.area,
        )
        for row in rows
    }
    overlaps = {
        key: common for key, wish in wishes.items() if (common := rules.overlap(wishes[need.key], wish)) is not None
    }
    holders = kept_needs.holders(reader, {row.id: row.owner_id for row in rows}, today)
    having = _having(holders, overlaps)
    having.pop(acting.id, None)
    everybody = _known(reader, {*having, acting.id}, today)
    names = _Names.read(reader, rows, [place for _, place in everybody.values()])
    mine = everybody[acting.id][1]
    found = []
    for key, kept in having.items():
        organisation, place = everybody[key]
        near = rules.nearness(mine, place)
        closest = min(kept, key=lambda one: rules.order(overlaps[one], near, ""))
        shown = Partner(
            organisation_id=organisation.uuid,
            organisation_number=organisation.organisation_number,
            name=organisation.name,
            municipality="municipality" in organisation.kinds,
            through=sorted({through for one in kept.values() for through in one}),
            needs=[
                InCommon(
                    need=names.needs[one].uuid,
                    title=names.needs[one].title,
                    closeness=overlaps[one].closeness,
                    components=sorted(names.components[c] for c in overlaps[one].components),
                    requirements=sorted(names.requirements[r] for r in overlaps[one].requirements),
                )
                for one in sorted(kept, key=lambda one: rules.order(overlaps[one], near, ""))
            ],
            same_county=near.same_county,
            co_operations=sorted(names.co_operations[one] for one in near.co_operations),
            similar_size=near.similar_size,
            population=place.population,
        )
        found.append((rules.order(overlaps[closest], near, organisation.sort_key), shown))
    found.sort(key=lambda pair: pair[0])
    return Partners(
        need=id,
        total=len(found),
        items=[shown for _, shown in found[:limit]],
        complete=len(rows) <= store.MOST,
    )


def _having(
    holders: Mapping[int, Sequence[kept_needs.Holder]], overlaps: Mapping[int, rules.Overlap]
) -> dict[int, dict[int, list[str]]]:
    """Organisation → each of its needs → the co-operations that have it for it."""
    found: dict[int, dict[int, list[str]]] = {}
    for need, kept in holders.items():
        if need not in overlaps:
            continue
        for one in kept:
            for member in one.members:
                found.setdefault(member, {}).setdefault(need, []).append(one.organisation.name)
        for one in kept:
            if not one.members:  # its own need beats one through a co-operation
                found.setdefault(one.organisation.id, {})[need] = []
    return found


def _known(
    session: Session, ids: Collection[int], today: date
) -> dict[int, tuple[organisations.Organisation, rules.Place]]:
    rows = organisations.by_ids(session, ids)
    together = co_operations.co_operations_of(session, ids, today)
    return {
        key: (
            row,
            rules.Place(
                row.county_number,
                [one for one, status in together.get(key, []) if status in MEMBERS],
                row.population,
            ),
        )
        for key, row in rows.items()
    }


@dataclass(frozen=True)
class _Names:
    """What stands on the wire for internal keys."""

    needs: Mapping[int, Any]
    components: Mapping[int, str]
    requirements: Mapping[int, str]
    co_operations: Mapping[int, str]

    @classmethod
    def read(cls, session: Session, rows: Sequence[Any], places: Iterable[rules.Place]) -> Self:
        components, requirements = store.names(session, rows)
        shared = {one for place in places for one in place.co_operations}
        return cls({row.id: row for row in rows}, components, requirements, store.co_operation_names(session, shared))
