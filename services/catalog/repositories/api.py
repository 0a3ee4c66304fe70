"""Repositories and modules of components over HTTP."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Response
from pydantic import Field

from services.catalog.components import store as components
from services.catalog.lifecycles import rules as lifecycles
from services.catalog.repositories import rules, store
from services.chassis import audit, changes, feed
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.changes import IfMatch
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import Invalid, Problem, refuse
from services.chassis.values import In, Out, Slug, Text, TextOut, seed_id

router = new_router("/components", "Repositories and modules")
lookup_router = new_router("/repositories", "Repositories and modules")

JOINT_UNIT = "100000008"
URL = "https://git.example.no/samvirke/trygghetsplattform"
Slugged = Annotated[
    str, Path(description="The component's name in addresses", examples=["velferdsteknologi-trygghetsplattform"])
]
Identified = Annotated[
    UUID, Path(description="The repository's id", examples=[str(seed_id(f"repository:{URL}-dokumentasjon"))])
]
Address = Annotated[str, Field(min_length=1, max_length=rules.LONGEST, description="Written in any usual way")]


class RepositoryUnknown(Invalid):
    """The component has no repository with this address."""


class Located(Out):
    """Which component a repository belongs to."""

    id: UUID
    url: str = Field(description="Where it is now; another than asked for when it has moved")
    component: str


class NewRepository(In):
    url: Address = Field(examples=["git@git.example.no:samvirke/varsler.git"])
    aliases: list[Address] = Field(default=[], max_length=20, description="Other addresses that it has or had")


class Move(In):
    url: Address = Field(description="Where it is now", examples=["https://git.example.no/samvirke/plattform"])


class Repository(Out):
    """Where a component's source is. Addresses are written in one way: https, no user, no `.git`."""

    id: UUID
    url: str
    aliases: list[str] = Field(description="Other addresses that lead to it")


class Repositories(Out):
    items: list[Repository]


class NewModule(In):
    name: Annotated[Slug, Field(description="Its name within the component", examples=["varselmottak"])]
    kind: rules.ModuleKind
    summary: Text | None = None
    repository: Address | None = Field(default=None, description="The address of one of the component's repositories")
    path: str | None = Field(default=None, min_length=1, max_length=300, description="Where in the repository")


class Module(Out):
    """A part of a component."""

    name: str
    kind: rules.ModuleKind
    summary: TextOut | None
    repository: str | None
    path: str | None


class Modules(Out):
    items: list[Module]


@lookup_router.get("", summary="Find a repository's component", openapi_extra=example(query={"url": f"{URL}.git"}))
def look_up(
    reader: ReaderDep,
    url: Annotated[
        str, Query(min_length=1, max_length=rules.LONGEST, description="Its address, written in any usual way")
    ],
) -> Located:
    """By any address that it has or had."""
    repository, component = store.by_address(reader, rules.canonical(url, pointer="?url"))
    return Located(id=repository.uuid, url=repository.url, component=component)


@router.get("/{slug}/repositories", summary="List a component's repositories", openapi_extra=example())
def list_repositories(slug: Slugged, reader: ReaderDep) -> Repositories:
    """All of them, each with the addresses that lead to it. `GET /repositories?url=` finds a component by one."""
    found = store.of_component(reader, components.id_of(reader, slug))
    return Repositories(items=[_shown(repository, aliases) for repository, aliases in found])


@router.post(
    "/{slug}/repositories",
    status_code=201,
    summary="Register a repository of a component",
    openapi_extra=example(organisation=JOINT_UNIT, body={"url": "git@git.example.no:samvirke/varsler.git"}),
)
def register(
    slug: Slugged, new: NewRepository, caller: CallerDep, session: SessionDep, today: TodayDep, if_match: IfMatch = None
) -> Repository:
    """An address is written in one way before it is kept: `git@host:a/b.git`, `http://HOST:80/a/b/` and
    `https://host/a/b` are the same repository. One that belongs to another component is refused, naming that."""
    component = _owned(session, slug, caller, today, if_match)
    url, *aliases = _canonical(["#/url", *(f"#/aliases/{place}" for place in range(len(new.aliases)))], new)
    repository = store.add(session, component.id, url, aliases)
    told = sorted({*aliases} - {url})
    _tell(session, caller, component, "repository.register", None, url, aliases=told)
    return _shown(repository, told)


@router.post(
    "/{slug}/repositories/{repository}/move",
    summary="Say where a repository is now",
    openapi_extra=example(organisation=JOINT_UNIT, body={"url": "https://git.example.no/samvirke/plattform"}),
)
def move(
    slug: Slugged,
    repository: Identified,
    new: Move,
    caller: CallerDep,
    session: SessionDep,
    today: TodayDep,
    if_match: IfMatch = None,
) -> Repository:
    """It has another address now; the old ones still lead to it."""
    component = _owned(session, slug, caller, today, if_match)
    found = store.by_uuid(session, component.id, repository)
    before, found.url = found.url, rules.canonical(new.url)
    store.claim(session, found, [found.url])
    _tell(session, caller, component, "repository.move", before, found.url)
    ((_, aliases),) = [one for one in store.of_component(session, component.id) if one[0].id == found.id]
    return _shown(found, aliases)


@router.delete(
    "/{slug}/repositories/{repository}",
    status_code=204,
    summary="Remove a repository of a component",
    openapi_extra=example(organisation=JOINT_UNIT, headers={"If-Match": "*"}),
)
def remove(
    slug: Slugged,
    repository: Identified,
    caller: CallerDep,
    session: SessionDep,
    today: TodayDep,
    if_match: IfMatch = None,
) -> Response:
    """It is not the component's any more; its addresses are free again. `If-Match` is the component's `ETag`."""
    component = _owned(session, slug, caller, today, if_match, needed=True)
    found = store.by_uuid(session, component.id, repository)
    url = found.url
    store.remove(session, found)
    _tell(session, caller, component, "repository.remove", url, None)
    return Response(status_code=204)


@router.get("/{slug}/modules", summary="List the modules of a component", openapi_extra=example())
def list_modules(slug: Slugged, reader: ReaderDep) -> Modules:
    """The parts that it is made of, by name."""
    rows = store.modules(reader, components.id_of(reader, slug))
    return Modules(items=[_module(row.Module, row.url) for row in rows])


@router.post(
    "/{slug}/modules",
    status_code=201,
    summary="Register a module of a component",
    openapi_extra=example(
        organisation=JOINT_UNIT, body={"name": "varselmottak", "kind": "service", "repository": URL, "path": "mottak"}
    ),
)
def register_module(
    slug: Slugged, new: NewModule, caller: CallerDep, session: SessionDep, today: TodayDep, if_match: IfMatch = None
) -> Module:
    """A part of the component, in one of its repositories if that is said."""
    component = _owned(session, slug, caller, today, if_match)
    url = rules.canonical(new.repository, pointer="#/repository") if new.repository else None
    there = {
        address: one for one, aliases in store.of_component(session, component.id) for address in (one.url, *aliases)
    }
    if url and url not in there:
        raise RepositoryUnknown(f"It has no repository {url}.", pointer="#/repository")
    repository = there[url] if url else None
    module = store.Module(
        component_id=component.id,
        name=new.name,
        kind=new.kind,
        summary=new.summary.kept() if new.summary else None,
        repository_id=repository.id if repository else None,
        path=new.path,
    )
    store.add_module(session, module)
    _tell(
        session,
        caller,
        component,
        "module.register",
        None,
        new.name,
        new=new.model_dump(mode="json", exclude_none=True),
    )
    return _module(module, repository.url if repository else None)


@router.delete(
    "/{slug}/modules/{module}",
    status_code=204,
    summary="Remove a module of a component",
    openapi_extra=example(organisation=JOINT_UNIT, headers={"If-Match": "*"}),
)
def remove_module(
    slug: Slugged,
    module: Annotated[str, Path(description="Its name within the component", examples=["vaktliste"])],
    caller: CallerDep,
    session: SessionDep,
    today: TodayDep,
    if_match: IfMatch = None,
) -> Response:
    """It is no part of the component any more. `If-Match` is the component's `ETag`."""
    component = _owned(session, slug, caller, today, if_match, needed=True)
    session.delete(store.module(session, component.id, module))
    _tell(session, caller, component, "module.remove", module, None)
    return Response(status_code=204)


def _owned(
    session: SessionDep, slug: str, caller: Caller, today: date, if_match: str | None, *, needed: bool = False
) -> components.Component:
    component = components.lock(session, slug, today)
    owner = components.number_of(session, component.owner_id)
    editor = caller.may("catalog.admin")
    refuse(lifecycles.check_actor(lifecycles.Step.PROPOSE, owner, caller.organisation, editor=editor))
    changes.require_match(if_match, component.revision, needed=needed)
    return component


def _canonical(pointers: list[str], new: NewRepository) -> list[str]:
    """Every address in its one form; all that cannot be read are told."""
    found: list[str] = []
    wrong: list[Problem] = []
    for pointer, address in zip(pointers, [new.url, *new.aliases], strict=True):
        try:
            found.append(rules.canonical(address, pointer=pointer))
        except rules.RepositoryAddressUnusable as problem:
            wrong.append(problem)
    refuse(wrong)
    return found


def _tell(
    session: SessionDep,
    caller: Caller,
    component: components.Component,
    action: str,
    before: str | None,
    after: str | None,
    **detail: Any,
) -> None:
    """On the record and in the feed; the component is another than it was."""
    component.revision += 1
    session.flush()
    what, _, _ = action.partition(".")
    path = f"/components/{component.slug}"
    audit.record(session, caller, action, path, changed={what: [before, after]}, **detail)
    feed.tell(session, f"component.{what}_changed", path, None, before=before, after=after)


def _shown(repository: store.Repository, aliases: list[str]) -> Repository:
    return Repository(id=repository.uuid, url=repository.url, aliases=aliases)


def _module(module: store.Module, url: str | None) -> Module:
    return Module(name=module.name, kind=module.kind, summary=module.summary, repository=url, path=module.path)
