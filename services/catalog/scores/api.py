"""The quality of what stands about a component, over HTTP."""

from typing import Annotated

from fastapi import Path
from pydantic import Field

from services.catalog.components import rules as offers
from services.catalog.components import store as components
from services.catalog.lifecycles import store as lifecycles
from services.catalog.lifecycles.rules import LifeCycle
from services.catalog.releases import rules as versions
from services.catalog.releases import store as releases
from services.catalog.repositories import store as repositories
from services.catalog.scores import rules
from services.chassis.app import new_router
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep
from services.chassis.values import Out

router = new_router("/components", "Components")


class Deduction(Out):
    code: str = Field(description="Stable", examples=["licence-missing"])
    points: int = Field(description="Taken from 100")
    why: str
    pointer: str | None = Field(description="The field of the component to mend, as a JSON pointer")


class Quality(Out):
    """How good the description is, not the software."""

    slug: str
    score: int = Field(description="0–100: a hundred without the deductions", ge=0, le=100)
    deductions: list[Deduction] = Field(description="Everything that could be better")


@router.get("/{slug}/quality", summary="Read how well a component is described", openapi_extra=example())
def quality(
    slug: Annotated[
        str,
        Path(description="The component's name in addresses", examples=["velferdsteknologi-trygghetsplattform"]),
    ],
    reader: ReaderDep,
    today: TodayDep,
) -> Quality:
    """A score with every deduction explained. What is told here of licence, operator and the like does not keep a
    component from being proposed, but has to be there when it is published."""
    found = components.by_slug(reader, slug)
    there = releases.of_components(reader, [found.id])[found.id]
    supported = [one for one in there if versions.status_on(one.period(), today) is versions.Status.SUPPORTED]
    facts = rules.Facts(
        kind=offers.Kind(found.kind),
        life_cycle=lifecycles.standing(reader, found.id, today).state or LifeCycle.UNKNOWN,
        name=found.name,
        summary=found.summary or {},
        purpose=bool(found.purpose),
        target_services=bool(found.target_services),
        level=bool(found.level),
        owner=found.owner_id is not None,
        stale=offers.is_stale(found.confirmed_on, today),
        replaced_by=found.replaced_by_id is not None,
        offer=components.offer(found),
        repositories=repositories.count(reader, found.id),
        versions=len(there),
        supported_versions=len(supported),
    )
    deductions = rules.deductions(facts)
    return Quality(
        slug=slug,
        score=rules.score(deductions),
        deductions=[Deduction.model_validate(one) for one in deductions],
    )
