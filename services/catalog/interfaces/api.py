"""Interfaces over HTTP."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, Path, Query, Request, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.components import store as components
from services.catalog.interfaces import rules, store
from services.catalog.organisations import store as organisations
from services.chassis import audit, changes, feed, paging, view
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import Problem, refuse
from services.chassis.values import In, OrganisationNumber, Out, Slug, Text, TextOut
from services.chassis.view import ViewDep

router = new_router("/interfaces", "Interfaces")

EDITOR = "100000008"
COMPONENT = "velferdsteknologi-trygghetsplattform"
InterfaceSlug = Annotated[
    str, Path(description="The interface's name in addresses", examples=["velferdsteknologi-varsler"])
]
On = Annotated[date | None, Query(description="The states as they are on this day; today when left out")]


class InterfaceFields(In):
    """What can be changed of an interface."""

    name: Text
    summary: Text | None = Field(default=None, description="What one gets through it, and who may use it")
    kind: rules.Kind = Field(
        description="How one speaks through it. `rest` is described by OpenAPI, `events` by AsyncAPI, `xml` and `file` "
        "by XSD, `other` by any of them"
    )
    provided_by: Slug | None = Field(
        default=None,
        description="The component that provides it; yours, unless you are an editor",
        examples=[COMPONENT],
    )


class NewInterface(InterfaceFields):
    slug: Annotated[Slug, Field(description="Its name in addresses, for ever", examples=["velferdsteknologi-tilsyn"])]


class InterfaceChange(In):
    """An interface in part (RFC 7396). A reason is needed for what others rely on: `kind` and `provided_by`."""

    name: changes.TextChange | None = None
    summary: changes.TextChange | None = None
    kind: rules.Kind | None = None
    provided_by: Slug | None = None
    reason: str | None = Field(default=None, min_length=1, max_length=2000)


class Owner(Out):
    organisation_id: UUID
    organisation_number: str | None
    name: str


class VersionStatus(Out):
    version: str
    status: rules.Status


class Interface(Out):
    """What a component offers to others. Its artefacts and consumers belong to its versions."""

    slug: str
    kind: rules.Kind
    name: TextOut
    summary: TextOut | None
    owner: Owner
    provided_by: str | None = Field(description="The component, by slug; null: not said")
    versions: list[VersionStatus] = Field(description="Oldest first, each with its state on the day")
    confirmed_on: date | None = Field(description="The day its owner last said that this is right")
    stale: bool = Field(description="That is more than 365 days ago, or never happened")


class Filters(view.Viewed):
    slug: list[Slug] | None = Field(default=None, max_length=100, description="Only these; repeat it for several")
    kind: rules.Kind | None = None
    owner: OrganisationNumber | None = Field(default=None, description="The owner's organisation number")
    provided_by: Slug | None = Field(default=None, description="The component that provides it")
    consumed_by: Slug | None = Field(default=None, description="A component that uses one of its versions on the day")
    on: date | None = Field(default=None, description="The states as they are on this day; today when left out")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


@router.get(
    "",
    summary="List interfaces",
    response_model=paging.Page[Interface],
    openapi_extra=example(query={"provided_by": COMPONENT}),
)
def list_interfaces(
    filters: Annotated[Filters, Query()], reader: ReaderDep, request: Request, response: Response, today: TodayDep
) -> Any:
    """By name, sorted as Norwegian does. Filters narrow the list together."""
    narrowed = filters.model_dump(mode="json", include={"kind", "owner", "provided_by", "consumed_by"})
    narrowed["slugs"] = filters.slug
    after = paging.start(filters.after, str, str)
    rows = store.page(reader, after, filters.limit, narrowed, filters.on or today)
    page = paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(row.sort_key, row.slug),
        lambda row: Interface.model_validate(row),
    )
    return view.answer(filters.view(), page, response)


@router.get("/{slug}", summary="Read an interface", response_model=Interface, openapi_extra=example())
def read(
    slug: InterfaceSlug, reader: ReaderDep, response: Response, seen: ViewDep, today: TodayDep, on: On = None
) -> Any:
    """One interface with its versions. Send its `ETag` back as `If-Match` when you change it."""
    return view.answer(seen, _shown(reader, slug, on or today, response), response)


@router.post(
    "",
    status_code=201,
    summary="Register an interface",
    openapi_extra=example(
        organisation=EDITOR,
        body={
            "slug": "velferdsteknologi-tilsyn",
            "kind": "rest",
            "name": {"nb": "Digitalt tilsyn (fiktiv)", "en": "Digital supervision (fictional)"},
            "summary": {"nb": "Henter hendelser fra digitalt tilsyn. Fiktiv."},
            "provided_by": COMPONENT,
        },
    ),
)
def register(
    new: NewInterface, caller: CallerDep, session: SessionDep, response: Response, today: TodayDep
) -> Interface:
    """Your organisation becomes the owner; it must be registered, and the component that provides the interface must be
    yours too. Then register its versions."""
    owner = organisations.of_caller(session, caller.organisation)
    provider, found = _provider(session, new.provided_by, owner.id, caller)
    refuse(found)
    store.add(
        session,
        store.new(
            new.slug,
            new.name.kept(),
            kind=new.kind,
            summary=new.summary.kept() if new.summary else None,
            owner_id=owner.id,
            provided_by_id=provider,
            confirmed_on=today,
        ),
    )
    store.index(session, new.slug, today)
    response.headers["Location"] = path = f"/interfaces/{new.slug}"
    audit.record(session, caller, "interface.register", path, new=new.model_dump(mode="json", exclude_none=True))
    feed.tell(session, "interface.registered", path, None, kind=new.kind.value, provided_by=new.provided_by)
    return _shown(session, new.slug, today, response)


@router.patch(
    "/{slug}",
    summary="Change an interface",
    openapi_extra=example(
        organisation=EDITOR,
        body={"summary": {"nn": "Tek imot varsel frå tryggleiksalarmar. Fiktiv."}},
        media_type=changes.MERGE_PATCH,
        headers={"If-Match": '"1"'},
    ),
)
def change(
    slug: InterfaceSlug,
    change: Annotated[InterfaceChange, Body(media_type=changes.MERGE_PATCH)],
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: TodayDep,
    if_match: changes.IfMatch = None,
) -> Interface:
    """What is not named stays. For its owner, and for editors. What others rely on needs a `reason`, and the kind stays
    as soon as a version has an artefact."""
    acting = organisations.of_caller(session, caller.organisation)
    interface = store.to_change(session, slug)
    refuse(rules.check_keeper(interface.owner_id, acting.id, editor=caller.may("catalog.admin")))
    changes.require_match(if_match, interface.revision)
    before = {
        "name": interface.name,
        "summary": interface.summary,
        "kind": interface.kind.value,
        "provided_by": store.shown(session, slug, today).provided_by,
    }
    wanted = InterfaceChange.model_validate(change.model_dump(exclude={"reason"}, exclude_unset=True))
    whole = changes.merged(InterfaceFields, before, wanted)
    summary = whole.summary.kept() if whole.summary else None
    after = {
        "name": whole.name.kept(),
        "summary": summary,
        "kind": whole.kind.value,
        "provided_by": whole.provided_by,
    }
    changed = changes.differences(before, after)
    provider, found = interface.provided_by_id, list[Problem]()
    if "provided_by" in changed:
        provider, found = _provider(session, whole.provided_by, acting.id, caller)
    found += rules.check_change(changed, described=store.described(session, interface.id))
    sensitive = [name for name in rules.SENSITIVE if name in changed]
    if sensitive and not change.reason:
        found.append(changes.ReasonMissing(f"Say why {' and '.join(sensitive)} changes.", pointer="#/reason"))
    refuse(found)
    store.rename(interface, whole.name.kept())
    interface.summary, interface.kind, interface.provided_by_id = summary, whole.kind, provider
    interface.revision += 1
    store.index(session, slug, today)
    path = f"/interfaces/{slug}"
    audit.record(session, caller, "interface.change", path, changed=changed, reason=change.reason)
    feed.tell(session, "interface.changed", path, None, fields=sorted(changed))
    return _shown(session, slug, today, response)


@router.post(
    "/{slug}/confirm",
    summary="Confirm that an interface's record is current",
    openapi_extra=example(organisation=EDITOR),
)
def confirm(
    slug: InterfaceSlug,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: TodayDep,
    if_match: changes.IfMatch = None,
) -> Interface:
    """For its owner, and for editors: all that it says, and the states of its versions, are right today. A record that
    nobody has confirmed for more than 365 days is `stale`."""
    acting = organisations.of_caller(session, caller.organisation)
    interface = store.to_change(session, slug)
    refuse(rules.check_keeper(interface.owner_id, acting.id, editor=caller.may("catalog.admin")))
    changes.require_match(if_match, interface.revision, needed=False)
    interface.confirmed_on = today
    interface.revision += 1
    session.flush()
    path = f"/interfaces/{slug}"
    audit.record(session, caller, "interface.confirm", path, confirmed_on=today.isoformat())
    feed.tell(session, "interface.confirmed", path, None, on=today.isoformat())
    return _shown(session, slug, today, response)


def _provider(session: Session, slug: str | None, acting_id: int, caller: Caller) -> tuple[int | None, list[Problem]]:
    """→ (the component's internal key, what is wrong with naming it)"""
    if slug is None:
        return None, []
    component = components.find(session, slug)
    if component is None:
        return None, [rules.ComponentUnknown(f"There is no {slug!r}.", pointer="#/provided_by")]
    owner = store.owner_of_component(session, component)
    editor = caller.may("catalog.admin")
    return component, rules.check_component(owner, acting_id, editor=editor, pointer="#/provided_by")


def _shown(session: Session, slug: str, on: date, response: Response) -> Interface:
    row = store.shown(session, slug, on)
    response.headers["ETag"] = changes.etag(row.revision)
    return Interface.model_validate(row)
