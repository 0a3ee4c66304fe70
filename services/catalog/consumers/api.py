"""Consumers of interfaces over HTTP, and whom a change of a version hits."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Path
from pydantic import Field
from sqlmodel import Session

from services.catalog.components import store as components
from services.catalog.consumers import rules, store
from services.catalog.interface_versions import rules as version_rules
from services.catalog.interface_versions import store as versions
from services.catalog.interfaces import rules as interface_rules
from services.catalog.interfaces import store as interfaces
from services.catalog.interfaces.rules import Status
from services.catalog.organisations import store as organisations
from services.chassis import audit, changes, feed
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In, Out, Slug, TextOut

router = new_router("/interfaces/{slug}/versions/{version}", "Interfaces")

EDITOR = "100000008"
InterfaceSlug = Annotated[
    str, Path(description="The interface's name in addresses", examples=["velferdsteknologi-varsler"])
]
OldLabel = Annotated[str, Path(description="The version's label", examples=["1.0"])]
Label = Annotated[str, Path(description="The version's label", examples=["2.0"])]


class NewConsumer(In):
    component: Slug = Field(description="Yours, unless you are an editor", examples=["vaktsentral"])
    since_on: date | None = Field(default=None, description="Its first day with this version; today when left out")


class EndOfUse(In):
    until_on: date | None = Field(default=None, description="Its last day with this version; today when left out")


class Use(Out):
    """A component's use of a version of an interface."""

    interface: str
    version: str
    component: str
    since_on: date
    until_on: date | None = Field(description="The last day; null: it still uses it")


class Responsible(Out):
    """Who answers for a component. An owner that is not registered has only a name."""

    organisation_id: UUID | None
    organisation_number: str | None
    name: str


class Hit(Out):
    """A component that a change of the version hits."""

    component: str
    name: TextOut
    owner: Responsible | None
    since_on: date


class Impact(Out):
    """Whom it hits when a version of an interface changes or ends."""

    interface: str
    version: str
    status: Status = Field(description="On the day that was asked for")
    replaced_by: str | None
    can_move_to: list[str] = Field(description="The interface's other versions that are current on the day")
    consumers: list[Hit] = Field(description="Components that use it on the day or are about to, by name")
    truncated: bool = Field(description="More than 1,000 use it; only the first are told")


@router.get("/impact", summary="See whom a change of a version hits", openapi_extra=example())
def impact(
    slug: InterfaceSlug, version: OldLabel, reader: ReaderDep, today: TodayDep, on: date | None = None
) -> Impact:
    """The components that use this very version, each with who answers for it: those to tell before it is deprecated or
    withdrawn. Looks one step far; whom those components hit in turn is told by `/components/{slug}/impact`."""
    day = on or today
    interface, row = versions.of(reader, slug, version)
    hits = store.hit(reader, row.id, day)
    names = versions.labels(reader, interface.id)
    events = versions.events(reader, names)
    status = {key: version_rules.status_on(versions.history(events[key]), day) for key in names}
    return Impact(
        interface=slug,
        version=version,
        status=status[row.id],
        replaced_by=names.get(row.replaced_by_id) if row.replaced_by_id else None,
        can_move_to=[names[key] for key in names if key != row.id and status[key] is Status.CURRENT],
        consumers=[_hit(one) for one in hits[: store.MOST_HIT]],
        truncated=len(hits) > store.MOST_HIT,
    )


@router.post(
    "/consumers",
    status_code=201,
    summary="Attach a component to a version",
    openapi_extra=example(organisation=EDITOR, body={"component": "vaktsentral", "since_on": "2026-01-01"}),
)
def attach(
    slug: InterfaceSlug, version: Label, new: NewConsumer, caller: CallerDep, session: SessionDep, today: TodayDep
) -> Use:
    """Your component uses this version: you are told when it is deprecated, and its owner sees you before. For the
    component's owner, and for editors."""
    component, interface, row = _theirs(session, slug, version, new.component, caller, "#/component")
    status = versions.status_on(session, row.id, today)
    refuse(rules.check(status, provider=interface.provided_by_id == component))
    since_on = new.since_on or today
    store.add(session, store.Consumer(version_id=row.id, component_id=component, since_on=since_on))
    path, told = (
        f"/interfaces/{slug}/versions/{version}",
        {"component": new.component, "since_on": since_on.isoformat()},
    )
    audit.record(session, caller, "consumer.attach", path, **told)
    feed.tell(session, "consumer.attached", path, None, **told)
    return Use(interface=slug, version=version, component=new.component, since_on=since_on, until_on=None)


@router.post(
    "/consumers/{component}/end",
    summary="End a component's use of a version",
    openapi_extra=example(organisation=EDITOR, body={}),
)
def end(
    slug: InterfaceSlug,
    version: OldLabel,
    component: Annotated[str, Path(description="The component, by slug", examples=["vaktsentral"])],
    new: EndOfUse,
    caller: CallerDep,
    session: SessionDep,
    today: TodayDep,
    if_match: changes.IfMatch = None,
) -> Use:
    """Your component has moved on. The use stays as history. For the component's owner, and for editors."""
    key, _, row = _theirs(session, slug, version, component, caller, None)
    use = store.open_one(session, row.id, key)
    changes.require_match(if_match, use.revision, needed=False)
    until_on = new.until_on or today
    refuse(rules.check_end(use.since_on, until_on))
    use.until_on = until_on
    use.revision += 1
    session.flush()
    path, told = f"/interfaces/{slug}/versions/{version}", {"component": component, "until_on": until_on.isoformat()}
    audit.record(session, caller, "consumer.end", path, **told)
    feed.tell(session, "consumer.ended", path, None, **told)
    return Use(interface=slug, version=version, component=component, since_on=use.since_on, until_on=until_on)


def _theirs(
    session: Session, slug: str, version: str, component: str, caller: Caller, pointer: str | None
) -> tuple[int, interfaces.Interface, versions.InterfaceVersion]:
    """A component that the caller speaks for, and the version of an interface. Without `pointer` the component stands
    in the path, where an unknown one is not found."""
    acting = organisations.of_caller(session, caller.organisation)
    interface, row = versions.of(session, slug, version, lock=True)
    key = components.find(session, component)
    if key is None:
        if pointer is None:
            raise store.NotAttached
        raise interface_rules.ComponentUnknown(f"There is no {component!r}.", pointer=pointer)
    owner = interfaces.owner_of_component(session, key)
    editor = caller.may("catalog.admin")
    refuse(interface_rules.check_component(owner, acting.id, editor=editor, pointer=pointer))
    return key, interface, row


def _hit(one: store.Hit) -> Hit:
    owner = None
    if one.owner_name:
        owner = Responsible(
            organisation_id=one.organisation_id,
            organisation_number=one.organisation_number,
            name=one.owner_name,
        )
    return Hit(component=one.component, name=one.name, owner=owner, since_on=one.since_on)
