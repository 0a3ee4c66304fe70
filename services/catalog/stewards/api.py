"""Looking after components over HTTP: confirm, hand over, take over."""

from datetime import date
from typing import Annotated

from fastapi import Path
from pydantic import Field

from services.catalog.components import rules, store
from services.catalog.lifecycles import rules as lifecycles
from services.catalog.organisations import store as organisations
from services.chassis import audit, changes, feed
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.changes import IfMatch
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import SessionDep
from services.chassis.problems import Conflict, Forbidden, Invalid, Problem, refuse
from services.chassis.values import In, OrganisationNumber, Out

router = new_router("/components", "Components")

JOINT_UNIT = "100000008"
SEEDED = "velferdsteknologi-trygghetsplattform"
OFFERED = "felles-avtaleverktoy"


class ReceiverUnknown(Invalid):
    """No registered organisation has this number."""


class OwnedAlready(Conflict):
    """The component is its already."""


class NotOfferedToYou(Forbidden):
    """The component is not offered to your organisation."""


class Handover(In):
    to: OrganisationNumber = Field(description="The organisation that is to own it, registered", examples=["938712441"])
    reason: str = Field(min_length=1, max_length=2000, description="Why; stands in the audit trail")


class Stewardship(Out):
    """Who answers for a component, and since when it is known to be right."""

    slug: str
    owner: str | None = Field(description="Organisation number")
    transfer_to: str | None = Field(description="The organisation that it is offered to, by number")
    confirmed_on: date | None
    stale: bool = Field(description="Not confirmed for more than 365 days, or never")


def _locked(
    session: SessionDep, slug: str, caller: Caller, today: date, if_match: str | None, *, editor: bool
) -> tuple[store.Component, str | None]:
    component = store.lock(session, slug, today)
    owner = store.number_of(session, component.owner_id)
    refuse(lifecycles.check_actor(lifecycles.Step.PROPOSE, owner, caller.organisation, editor=editor))
    changes.require_match(if_match, component.revision, needed=False)
    return component, owner


@router.post(
    "/{slug}/confirm", summary="Confirm a component as it stands", openapi_extra=example(organisation=JOINT_UNIT)
)
def confirm(
    slug: Annotated[str, Path(description="The component's name in addresses", examples=[SEEDED])],
    caller: CallerDep,
    session: SessionDep,
    today: TodayDep,
    if_match: IfMatch = None,
) -> Stewardship:
    """Its owner says that what stands there is right today. What nobody has confirmed for a year is `stale`."""
    component, _ = _locked(session, slug, caller, today, if_match, editor=False)
    before, component.confirmed_on = component.confirmed_on, today
    return _kept(
        session,
        caller,
        component,
        "confirm",
        {"confirmed_on": [str(before) if before else None, str(today)]},
        today,
        None,
    )


@router.post(
    "/{slug}/transfer",
    summary="Offer a component to a new owner",
    openapi_extra=example(
        organisation=JOINT_UNIT, body={"to": "938712441", "reason": "Alstahaug forvalter den fra nå av (fiktivt)"}
    ),
)
def transfer(
    slug: Annotated[str, Path(description="The component's name in addresses", examples=[SEEDED])],
    new: Handover,
    caller: CallerDep,
    session: SessionDep,
    today: TodayDep,
    if_match: IfMatch = None,
) -> Stewardship:
    """Its owner, or an editor, offers it to another organisation. It changes hands when that one takes it
    (`POST …/take-over`); a later offer replaces this one."""
    component, owner = _locked(session, slug, caller, today, if_match, editor=caller.may("catalog.admin"))
    found: list[Problem] = []
    receiver = store.organisation_of(session, new.to)
    if receiver is None:
        found.append(ReceiverUnknown(f"{new.to} is not registered.", pointer="#/to"))
    if new.to == owner:
        found.append(OwnedAlready(pointer="#/to"))
    refuse(found)
    before = store.number_of(session, component.transfer_to_id)
    component.transfer_to_id = receiver
    return _kept(session, caller, component, "transfer", {"transfer_to": [before, new.to]}, today, new.reason)


@router.post("/{slug}/take-over", summary="Take over a component", openapi_extra=example(organisation="938712441"))
def take_over(
    slug: Annotated[str, Path(description="The component's name in addresses", examples=[OFFERED])],
    caller: CallerDep,
    session: SessionDep,
    today: TodayDep,
    if_match: IfMatch = None,
) -> Stewardship:
    """The organisation that it is offered to becomes its owner. Its state stays what it is."""
    component = store.lock(session, slug, today)
    receiver = organisations.of_caller(session, caller.organisation)
    changes.require_match(if_match, component.revision, needed=False)
    if component.transfer_to_id != receiver.id:
        raise NotOfferedToYou("Its owner offers it with POST …/transfer.")
    before = store.number_of(session, component.owner_id)
    component.owner_id, component.owner_name, component.transfer_to_id = receiver.id, None, None
    return _kept(session, caller, component, "take-over", {"owner": [before, caller.organisation]}, today, None)


_HAPPENED = {
    "confirm": "component.confirmed",
    "transfer": "component.offered",
    "take-over": "component.taken_over",
}


def _kept(
    session: SessionDep,
    caller: Caller,
    component: store.Component,
    event: str,
    changed: dict[str, list[str | None]],
    today: date,
    reason: str | None,
) -> Stewardship:
    component.revision += 1
    session.flush()
    store.index(session, component)
    path = f"/components/{component.slug}"
    audit.record(session, caller, f"component.{event}", path, changed=changed, reason=reason)
    feed.tell(session, _HAPPENED[event], path, None, **{name: now for name, (_, now) in changed.items()})
    return Stewardship(
        slug=component.slug,
        owner=store.number_of(session, component.owner_id),
        transfer_to=store.number_of(session, component.transfer_to_id),
        confirmed_on=component.confirmed_on,
        stale=rules.is_stale(component.confirmed_on, today),
    )
