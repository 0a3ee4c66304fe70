"""Joinings over HTTP."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Path
from pydantic import Field
from sqlmodel import Session

from services.catalog.joinings import rules, store
from services.catalog.needs import rules as needs_rules
from services.catalog.needs import store as kept_needs
from services.catalog.organisations.rules import Kind
from services.chassis import audit, clock, feed
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.contract import example
from services.chassis.db import SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In, Out, seed_id

router = new_router("/needs/{id}", "Needs")

NeedId = Annotated[UUID, Path(description="The need's id", examples=[str(seed_id("need:trygghetstjeneste-helgeland"))])]


class NewJoining(In):
    for_members: bool = Field(default=False, description="For co-operations: join for your members of today")


class Joining(Out):
    """Where your organisation stands towards a need."""

    need: UUID
    joined: bool
    for_members: int = Field(description="For how many members; 0 where it is for itself")
    organisations: int = Field(description="How many have the need now, each once")


@router.post("/join", summary="Join a need", openapi_extra=example(organisation="964983291", body={}))
def join(id: NeedId, new: NewJoining, caller: CallerDep, session: SessionDep, today: clock.TodayDep) -> Joining:
    """For public bodies that have the same need. A co-operation can join for its members: they count, each once, and
    not the co-operation beside them. Where the need's audience is `public_bodies`, others learn only how many have
    it."""
    acting = kept_needs.acting(session, caller.organisation)
    need = kept_needs.locked(session, id)
    holders = kept_needs.holders(session, {need.id: need.owner_id}, today)[need.id]
    refuse(
        rules.check_joining(
            kept_needs.state(session, need.id),
            has_it=acting.id in {one.organisation.id for one in holders},
            for_members=new.for_members,
            co_operation=Kind.CO_OPERATION.value in acting.kinds,
        )
    )
    store.join(session, need.id, acting.id, clock.now(), for_members=new.for_members)
    return _told(session, need, caller, acting.id, "join", today)


@router.post("/leave", summary="Leave a need", openapi_extra=example(organisation="844824122"))
def leave(id: NeedId, caller: CallerDep, session: SessionDep, today: clock.TodayDep) -> Joining:
    """For whoever has joined. Whoever posted the need withdraws it instead."""
    acting = kept_needs.acting(session, caller.organisation)
    need = kept_needs.locked(session, id)
    holders = kept_needs.holders(session, {need.id: need.owner_id}, today)[need.id]
    own = [one for one in holders if one.organisation.id == acting.id and not one.owner]
    refuse(rules.check_leaving(bool(own)))
    for key in own[0].keys:  # also what has become part of it had joined
        store.leave(session, need.id, key, clock.now())
    return _told(session, need, caller, acting.id, "leave", today)


def _told(session: Session, need: kept_needs.Need, caller: Caller, acting: int, step: str, today: date) -> Joining:
    kept_needs.index(session, need.uuid, today)
    holders = kept_needs.holders(session, {need.id: need.owner_id}, today)[need.id]
    count = len(needs_rules.organisations_with(kept_needs.having(holders)))
    own = next((one for one in holders if one.organisation.id == acting), None)
    audit.record(session, caller, f"need.{step}", f"/needs/{need.uuid}")
    # Not who: whose need it is may be for public bodies only.
    told = {"join": "need.joined", "leave": "need.left"}[step]
    feed.tell(session, told, f"/needs/{need.uuid}", None, organisations=count)
    return Joining(
        need=need.uuid,
        joined=own is not None,
        for_members=len(own.members) if own else 0,
        organisations=count,
    )
