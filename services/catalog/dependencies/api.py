"""Dependencies and impact over HTTP."""

from datetime import date
from typing import Annotated

from fastapi import Path, Query, Response
from pydantic import Field, StringConstraints

from services.catalog.adopters import store as adopters
from services.catalog.adoptions import store as adoptions
from services.catalog.components import store as components
from services.catalog.dependencies import rules, store
from services.catalog.lifecycles import rules as lifecycles
from services.catalog.products import store as products
from services.catalog.releases import rules as versions
from services.catalog.releases import store as releases
from services.chassis import audit, changes, feed
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep, ViewerDep
from services.chassis.changes import IfMatch
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In, Out, Slug, Text, TextOut

router = new_router("/components", "Dependencies and impact")

JOINT_UNIT = "100000008"
SEEDED = "velferdsteknologi-trygghetsplattform"
Slugged = Annotated[str, Path(description="The component's name in addresses", examples=[SEEDED])]
On = Annotated[str, Path(description="The component that it depends on", examples=["id-porten"])]


class NewDependency(In):
    on: Slug = Field(description="The component that it needs", examples=["ks-svarut"])
    versions: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = Field(
        default=None,
        description="Which versions of it will do: bounds with commas between, all of which hold (`>=1.2,<3`), or one "
        "version exactly (`2.0`). Any, without. Bounds are of semantic versions",
        examples=[">=1.2,<3"],
    )
    optional: bool = Field(default=False, description="It works without, only not as well")
    note: Text | None = Field(default=None, description="What for")


class Dependency(Out):
    """One component needs another."""

    component: str = Field(description="Which needs")
    on: str = Field(description="Which is needed")
    name: TextOut = Field(description="Of that which is needed")
    versions: str | None = Field(description="Which versions of it will do; null: any")
    optional: bool
    note: TextOut | None
    depth: int = Field(description="1: needed directly; more: through others, the shortest way")


class Dependencies(Out):
    items: list[Dependency]
    truncated: bool = Field(description="There is more, deeper or beyond 500 components")


class Hit(Out):
    """A component that is hit."""

    component: str
    name: TextOut
    depth: int = Field(description="1: it depends on it directly; more: through others, the shortest way")
    versions: str | None = Field(description="Which versions will do for it; null: any, or through others")
    optional: bool
    alternatives: list[str] | None = Field(
        description="Directly hit by the end of one version: versions not ended that will do as well. Empty: it must "
        "be changed. Null where this is not asked"
    )


class Offered(Out):
    """A product that is offered for a component that is hit."""

    product: str
    component: str


class Impact(Out):
    """Who is hit."""

    component: str
    version: str | None
    components: list[Hit] = Field(description="The nearest first. What depends on it optionally passes nothing on")
    products: list[Offered] = Field(description="Offered for it, or for a component that is hit; at most 500")
    adopting_organisations: int | None = Field(
        description="How many organisations have it in use, for those who may know; null for others"
    )
    truncated: bool = Field(description="There is more, deeper than ten steps or beyond 500 of a kind")


@router.get(
    "/{slug}/dependencies",
    summary="Follow what a component depends on",
    openapi_extra=example(query={"depth": "3"}),
)
def list_dependencies(
    slug: Slugged,
    reader: ReaderDep,
    depth: Annotated[int, Query(ge=1, le=rules.DEEPEST, description="Steps to follow")] = 1,
) -> Dependencies:
    """What it needs, what that needs, and so on. Each dependency stands once, the nearest first."""
    reached = store.needed(reader, components.id_of(reader, slug), depth)
    distances = reached.distances
    edges = [
        one
        for one in store.of(reader, [key for key, distance in distances.items() if distance < depth])
        if one.on_id in distances
    ]
    names = store.named(reader, distances)
    items = [_shown(one, names, distances[one.component_id] + 1) for one in edges]
    return Dependencies(
        items=sorted(items, key=lambda one: (one.depth, one.component, one.on)), truncated=reached.truncated
    )


@router.post(
    "/{slug}/dependencies",
    status_code=201,
    summary="Register a dependency",
    openapi_extra=example(organisation=JOINT_UNIT, body={"on": "ks-svarut", "note": {"nb": "Sender brev (fiktivt)."}}),
)
def register(
    slug: Slugged, new: NewDependency, caller: CallerDep, session: SessionDep, today: TodayDep, if_match: IfMatch = None
) -> Dependency:
    """Its owner says what it needs. One by which it would come to depend on itself is refused, with the way told."""
    component = _owned(session, slug, caller, today, if_match)
    on_id = components.find(session, new.on)
    refuse(rules.check(slug, new.on, there=on_id is not None, versions=new.versions))
    assert on_id
    store.lock(session)
    if way := store.circle(session, component.id, on_id):
        names = store.named(session, way)
        told = [names[one].slug for one in way]
        raise rules.DependencyCycle(" → ".join(told), pointer="#/on", path=told)
    kept = store.Dependency(
        component_id=component.id,
        on_id=on_id,
        note=new.note.kept() if new.note else None,
        **new.model_dump(include={"versions", "optional"}),
    )
    store.add(session, kept)
    _tell(session, caller, component, "register", None, new.model_dump(mode="json", exclude_none=True))
    return _shown(kept, store.named(session, [component.id, on_id]), 1)


@router.delete(
    "/{slug}/dependencies/{on}",
    status_code=204,
    summary="Remove a dependency",
    openapi_extra=example(organisation=JOINT_UNIT, headers={"If-Match": "*"}),
)
def remove(
    slug: Slugged, on: On, caller: CallerDep, session: SessionDep, today: TodayDep, if_match: IfMatch = None
) -> Response:
    """It does not need it any more. `If-Match` is the component's `ETag`."""
    component = _owned(session, slug, caller, today, if_match, needed=True)
    found = store.one(session, component.id, components.find(session, on))
    before = {"on": on} | found.model_dump(mode="json", include={"versions", "optional", "note"}, exclude_none=True)
    session.delete(found)
    _tell(session, caller, component, "remove", before, None)
    return Response(status_code=204)


@router.get(
    "/{slug}/impact",
    summary="Ask who is hit if a component is retired",
    openapi_extra=example(query={"version": "1.0.0"}),
)
def impact(
    slug: Slugged,
    reader: ReaderDep,
    today: TodayDep,
    viewer: ViewerDep,
    version: Annotated[
        str | None, Query(max_length=80, description="Only this version of it is retired; all of it, without")
    ] = None,
) -> Impact:
    """The components that depend on it, also through others, and the products that are offered for them. For one
    version only those that it would do for, each with the other versions that would do as well."""
    component_id = components.id_of(reader, slug)
    others: list[str] = []
    if version is not None:
        releases.by_label(reader, component_id, version)
        there = releases.of_components(reader, [component_id])[component_id]
        ended = versions.Status.ENDED
        others = [
            one.label for one in there if one.label != version and versions.status_on(one.period(), today) is not ended
        ]
    dependents = store.direct(reader, component_id)
    direct = {one.component_id: one for one in rules.hits(dependents[: rules.MOST], version, others)}
    passing = [key for key, one in direct.items() if not one.optional]
    reached = store.needing(reader, passing, rules.DEEPEST)
    distances = dict.fromkeys(direct, 1) | reached.distances
    names = store.named(reader, distances)
    offered = _offered(reader, [component_id, *distances])
    return Impact(
        component=slug,
        version=version,
        components=sorted(
            (_hit(names[key], distance, direct.get(key), version) for key, distance in distances.items()),
            key=lambda one: (one.depth, one.component),
        ),
        products=offered[: rules.MOST],
        adopting_organisations=_adopting(reader, component_id, viewer, today),
        truncated=reached.truncated or len(dependents) > rules.MOST or len(offered) > rules.MOST,
    )


def _adopting(reader: ReaderDep, component_id: int, viewer: Caller | None, today: date) -> int | None:
    """How many organisations have it in use; only public bodies are told."""
    if not adoptions.may_see(reader, viewer):
        return None
    return adopters.adopters(reader, [component_id], today)[component_id]


def _offered(reader: ReaderDep, component_ids: list[int]) -> list[Offered]:
    keys = products.of_component(reader, component_ids, rules.MOST + 1)
    slugs = store.product_names(reader, [one for some in keys.values() for one in some])
    names = store.named(reader, list(keys))
    offered = [Offered(product=slugs[one], component=names[key].slug) for key, some in keys.items() for one in some]
    return sorted(offered, key=lambda one: (one.component, one.product))


def _hit(named: store.Named, depth: int, direct: rules.Hit | None, version: str | None) -> Hit:
    return Hit(
        component=named.slug,
        name=named.name,
        depth=depth,
        versions=direct.versions if direct else None,
        optional=direct.optional if direct else False,
        alternatives=direct.alternatives if direct and version else None,
    )


def _owned(
    session: SessionDep, slug: str, caller: Caller, today: date, if_match: str | None, *, needed: bool = False
) -> components.Component:
    component = components.lock(session, slug, today)
    owner = components.number_of(session, component.owner_id)
    editor = caller.may("catalog.admin")
    refuse(lifecycles.check_actor(lifecycles.Step.PROPOSE, owner, caller.organisation, editor=editor))
    changes.require_match(if_match, component.revision, needed=needed)
    return component


def _tell(
    session: SessionDep,
    caller: Caller,
    component: components.Component,
    step: str,
    before: dict[str, object] | None,
    after: dict[str, object] | None,
) -> None:
    component.revision += 1
    session.flush()
    path = f"/components/{component.slug}"
    audit.record(session, caller, f"dependency.{step}", path, changed={"dependency": [before, after]})
    feed.tell(
        session,
        "component.dependency_changed",
        path,
        None,
        before=before and before["on"],
        after=after and after["on"],
    )


def _shown(one: store.Dependency, names: dict[int, store.Named], depth: int) -> Dependency:
    return Dependency(
        component=names[one.component_id].slug,
        on=names[one.on_id].slug,
        name=names[one.on_id].name,
        versions=one.versions,
        optional=one.optional,
        note=one.note,
        depth=depth,
    )
