"""Allocating adoptions after a split, over HTTP."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Path, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.adopters import store as adopters
from services.catalog.adoptions import store as adoptions
from services.catalog.adoptions.shapes import Party
from services.catalog.adoptions.store import Adoption
from services.catalog.allocations import rules
from services.catalog.holdings import store as holdings
from services.catalog.holdings.store import Answer, Asked
from services.catalog.organisations import rules as organisation_rules
from services.catalog.organisations import store as organisations
from services.chassis import audit, clock
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In, Instant, Out, seed_id

router = new_router("/adoptions", "Adoptions")

HARAM = "829912252"
ALESUND = "929911709"
SPLIT = str(seed_id("adoption:alesund-2020:velferdsteknologi-trygghetsplattform"))
SplitId = Annotated[UUID, Path(description="The adoption's id", examples=[SPLIT])]
SPLIT_TOO = str(seed_id("adoption:alesund-2020:havorn-alarm"))
SplitTooId = Annotated[UUID, Path(description="The adoption's id", examples=[SPLIT_TOO])]
PENDING = str(seed_id("allocation:alesund-2020:havorn-alarm"))


class NewAllocation(In):
    organisations: list[UUID] = Field(
        min_length=1, max_length=20, description="Which successors carry it on: one, or several"
    )


class Answering(In):
    reason: str | None = Field(default=None, min_length=1, max_length=2000, description="Needed to decline")


class Answered(Out):
    organisation: Party
    answer: Answer


class Allocation(Out):
    """Who carries an adoption on after a split. It holds when every successor has confirmed it."""

    id: UUID
    organisations: list[Party] = Field(description="Who carries it on")
    proposed_by: Party
    proposed_at: Instant
    answers: list[Answered] = Field(description="The one who proposed it has confirmed it by that")
    waits_for: list[Party] = Field(description="Successors who have not answered; none once one has declined")
    in_force: bool = Field(description="All have confirmed it. Of several, the newest holds")


@router.post(
    "/{id}/allocate",
    status_code=201,
    summary="Allocate an adoption after a split",
    openapi_extra=example(organisation=HARAM, body={"organisations": [str(seed_id(f"organisation:{HARAM}"))]}),
)
def allocate(
    id: SplitId, new: NewAllocation, caller: CallerDep, session: SessionDep, today: clock.TodayDep
) -> Allocation:
    """For a successor of an organisation that was split: which of them carries this adoption on, or that both do. It
    counts for nobody until each of the others has confirmed it with its own token, or declined. What has been agreed on
    can be agreed on anew."""
    adoption, acting, successors = _divided(session, id, caller, today)
    known = organisations.by_uuids(session, new.organisations)
    wanted = [known[one].id if one in known else 0 for one in dict.fromkeys(new.organisations)]
    earlier = holdings.allocations(session, [adoption.id]).get(adoption.id, [])
    pending = any(not one.agreed and not one.declined for one in earlier)
    unknown = {place for place, one in enumerate(wanted) if not one}
    refuse(rules.check_proposal(successors=successors, wanted=wanted, unknown=unknown, acting=acting, pending=pending))
    assert acting is not None
    allocation = holdings.propose(session, adoption.id, wanted, successors, acting, clock.now())
    audit.record(
        session,
        caller,
        "adoption.allocate",
        adoption.path,
        allocation=str(allocation.uuid),
        organisations=[str(one) for one in new.organisations],
    )
    adopters.tell(session, adoption, "adoption.allocation_proposed", today, allocation=str(allocation.uuid))
    return _shown(session, holdings.allocations(session, [adoption.id])[adoption.id])[-1]


@router.get("/{id}/allocations", summary="List an adoption's allocations", openapi_extra=example(organisation=ALESUND))
def list_allocations(id: SplitTooId, caller: CallerDep, reader: ReaderDep, today: clock.TodayDep) -> list[Allocation]:
    """What its organisation's successors have proposed and answered, oldest first. For public bodies."""
    seen = adoptions.require_sight(reader, caller)
    query = adoptions.selected(adoptions.Day(), today, adoptions.visible(reader, seen, today), ids=[id])
    found = adoptions.shown(reader, query)
    if not found:
        raise adoptions.AdoptionNotFound
    return _shown(reader, holdings.allocations(reader, [found[0].row.id]).get(found[0].row.id, []))


@router.post(
    "/{id}/allocations/{allocation}/{answer}",
    summary="Confirm or decline an allocation",
    openapi_extra=example(organisation=ALESUND, body={}),
)
def answer(
    id: SplitTooId,
    allocation: Annotated[UUID, Path(description="The allocation's id", examples=[PENDING])],
    answer: Annotated[Answer, Path(description="What you say to it", examples=["confirm"])],
    answering: Answering,
    caller: CallerDep,
    session: SessionDep,
    response: Response,
    today: clock.TodayDep,
) -> Allocation:
    """For the other successors, each with its own token. Once all have confirmed it, the adoption counts where it was
    allocated. One that is declined is over; propose another."""
    adoption, acting, _ = _divided(session, id, caller, today)
    asked = next(
        (
            one
            for one in holdings.allocations(session, [adoption.id]).get(adoption.id, [])
            if one.allocation.uuid == allocation
        ),
        None,
    )
    if asked is None:
        raise rules.AdoptionAllocationNotFound
    refuse(
        rules.check_answer(
            successors=asked.allocation.successor_ids,
            answered=asked.answers,
            declined=asked.declined,
            acting=acting,
            reason_missing=answer is Answer.DECLINE and answering.reason is None,
        )
    )
    assert acting is not None
    holdings.reply(session, asked.allocation.id, acting, answer, clock.now(), answering.reason)
    audit.record(
        session,
        caller,
        f"adoption.allocation_{answer}",
        adoption.path,
        allocation=str(allocation),
        reason=answering.reason,
    )
    told = "adoption.allocation_confirmed" if answer is Answer.CONFIRM else "adoption.allocation_declined"
    adopters.tell(session, adoption, told, today, allocation=str(allocation))
    now = holdings.allocations(session, [adoption.id])[adoption.id]
    return next(one for one in _shown(session, now) if one.id == allocation)


def _divided(session: Session, id: UUID, caller: Caller, today: date) -> tuple[Adoption, int | None, list[int]]:
    """→ the locked adoption, who acts, and among whom its organisation has been split (nobody, if it has not)"""
    seen = adoptions.viewer(session, caller)
    adoption = adoptions.locked(session, id, seen, today)
    heirs = organisations.resolve(session, [adoption.organisation_id], today)[adoption.organisation_id]
    split = any(relation is organisation_rules.Relation.SPLIT for _, relation in heirs)
    return adoption, seen.organisation_id, [one for one, _ in heirs] if split else []


def _shown(session: Session, asked: list[Asked]) -> list[Allocation]:
    named = {one for each in asked for one in [*each.allocation.successor_ids, *each.allocation.organisation_ids]}
    known = {id: Party.of(row) for id, row in organisations.by_ids(session, named).items()}
    in_force = next((one for one in reversed(asked) if one.agreed), None)
    return [
        Allocation(
            id=one.allocation.uuid,
            organisations=[known[id] for id in one.allocation.organisation_ids],
            proposed_by=known[one.allocation.proposed_by_id],
            proposed_at=one.allocation.recorded_at,
            answers=[Answered(organisation=known[id], answer=answer) for id, answer in one.answers.items()],
            waits_for=[]
            if one.declined
            else [known[id] for id in one.allocation.successor_ids if id not in one.answers],
            in_force=one is in_force,
        )
        for one in asked
    ]
