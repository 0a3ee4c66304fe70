"""Inherited memberships over HTTP: the successor answers itself; after a split all of them agree on an allocation."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Path
from pydantic import Field
from sqlmodel import Session

from services.catalog.co_operations import store as co_operations
from services.catalog.co_operations.rules import Answer, Status
from services.catalog.memberships import rules, store
from services.catalog.organisations import store as organisations
from services.catalog.periods.rules import back_dating
from services.chassis import audit, clock, feed
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In, Instant, Out, seed_id

router = new_router("/co-operations", "Co-operations")

EDITOR = "100000008"
ASKER, ALESUND, HARAM = "920125298", "929911709", "829912252"
Name = Annotated[str, Path(description="The co-operation's name in addresses", examples=["d-ikt"])]
SplitName = Annotated[str, Path(description="The co-operation's name in addresses", examples=["ekommune-sunnmore"])]
OrganisationId = Annotated[
    UUID, Path(description="The successor's id", examples=[str(seed_id(f"organisation:{ASKER}"))])
]
AllocationId = Annotated[
    UUID, Path(description="The allocation's id", examples=[str(seed_id("allocation:ekommune-sunnmore"))])
]


class NewAnswer(In):
    effective_on: date | None = Field(default=None, description="From which day; today when left out")
    reason: str | None = Field(
        default=None, min_length=3, max_length=2000, description="Needed when the day is past: why it comes so late"
    )


class MembershipOnDay(Out):
    organisation_id: UUID
    on: date
    status: Status | None = Field(description="What it is to the co-operation from that day; null: nothing")


class NewAllocation(In):
    predecessor: UUID = Field(description="The member, or the successor of members, that was split")
    carried_on_by: list[UUID] = Field(
        max_length=20, description="Which of those it was split into carry the membership on; none ends it"
    )
    effective_on: date = Field(description="From which day; not before the split")
    reason: str | None = Field(
        default=None, min_length=3, max_length=2000, description="Needed when the day is past: why it comes so late"
    )


class AllocationOut(Out):
    """A proposal of who carries on the membership of one that was split."""

    id: UUID
    predecessor: UUID
    parties: list[UUID] = Field(description="All that it was split into; each must confirm")
    carried_on_by: list[UUID]
    effective_on: date
    proposed_by: str | None = Field(description="Organisation number")
    reason: str | None
    recorded_at: Instant
    state: rules.AllocationState = Field(
        description="`proposed` until all have confirmed; `replaced` when a newer proposal came first"
    )
    confirmed_by: list[UUID]
    declined_by: list[UUID]


class Allocations(Out):
    items: list[AllocationOut] = Field(description="Newest first")


@router.post(
    "/{slug}/members/{organisation_id}/confirm",
    summary="Confirm an inherited membership",
    openapi_extra=example(organisation=ASKER, body={}),
)
def confirm(
    slug: Name, organisation_id: OrganisationId, new: NewAnswer, caller: CallerDep, session: SessionDep, today: TodayDep
) -> MembershipOnDay:
    """By the successor of a member itself. Until it says so it is no member, whatever it inherited; from then on it is,
    like any other. An answer of an earlier day needs a reason and is flagged."""
    return _answer(session, slug, organisation_id, Answer.CONFIRM, new, caller, today)


@router.post(
    "/{slug}/members/{organisation_id}/decline",
    summary="Decline an inherited membership",
    openapi_extra=example(organisation=ASKER, body={}),
)
def decline(
    slug: Name, organisation_id: OrganisationId, new: NewAnswer, caller: CallerDep, session: SessionDep, today: TodayDep
) -> MembershipOnDay:
    """By the successor of a member itself: it does not carry the membership on. It can confirm later, should it think
    otherwise; both answers stay on record."""
    return _answer(session, slug, organisation_id, Answer.DECLINE, new, caller, today)


@router.get("/{slug}/allocations", summary="List a co-operation's allocations", openapi_extra=example())
def list_allocations(slug: SplitName, reader: ReaderDep) -> Allocations:
    """Every proposal of who carries on a membership after a split, with what has been answered."""
    found = co_operations.by_slug(reader, slug)
    return Allocations(items=_shown(reader, store.allocations(reader, found.id)))


@router.post(
    "/{slug}/allocations",
    status_code=201,
    summary="Propose who carries a membership on",
    openapi_extra=example(
        organisation=ALESUND,
        body={
            "predecessor": str(seed_id("organisation:920415288")),
            "carried_on_by": [str(seed_id(f"organisation:{HARAM}"))],
            "effective_on": "2024-01-01",
            "reason": "Delingsavtalen er først nå lagt fram (fiktivt)",
        },
    ),
)
def propose(
    slug: SplitName,
    new: NewAllocation,
    caller: CallerDep,
    session: SessionDep,
    today: TodayDep,
) -> AllocationOut:
    """By one of those that a member was split into, or by an editor. It holds when each of them has confirmed it with
    a token of its own; until then none of them counts as a member. A new proposal replaces one that is not settled."""
    found = co_operations.by_slug(session, slug, locked=True)
    predecessor = organisations.by_uuid(session, new.predecessor)
    parties = store.split_into(session, found, predecessor.id, today)
    if not caller.may("catalog.admin"):
        acting = organisations.of_caller(session, caller.organisation)
        if parties and acting.id not in parties:
            raise rules.MembershipNotYours("Only those that the member was split into, or an editor, propose.")
    named = organisations.by_uuids(session, new.carried_on_by)
    carriers = [named[one].id if one in named else None for one in dict.fromkeys(new.carried_on_by)]
    settled = store.settled(session, found.id, predecessor.id)
    refuse(
        [
            *rules.check_allocation(parties, carriers, settled=settled, effective_on=new.effective_on),
            *back_dating(new.effective_on, today, new.reason),
        ]
    )
    kept = store.propose(
        session,
        co_operations.Allocation(
            co_operation_id=found.id,
            predecessor_id=predecessor.id,
            parties=sorted(parties),
            carried_on_by=[one for one in carriers if one is not None],
            effective_on=new.effective_on,
            proposed_by=caller.organisation,
            reason=new.reason,
            recorded_at=clock.now(),
        ),
    )
    path, id = f"/co-operations/{slug}", str(kept.uuid)
    audit.record(session, caller, "allocation.propose", path, allocation=id, new=new.model_dump(mode="json"))
    feed.tell(session, "allocation.proposed", path, None, allocation=id)
    return _shown(session, [store.allocation(session, found.id, kept.uuid)])[0]


@router.post(
    "/{slug}/allocations/{id}/confirm",
    summary="Confirm an allocation",
    openapi_extra=example(organisation=HARAM),
)
def confirm_allocation(slug: SplitName, id: AllocationId, caller: CallerDep, session: SessionDep) -> AllocationOut:
    """By each of those that the member was split into, with its own token. With the last one the allocation holds."""
    return _answer_allocation(session, slug, id, Answer.CONFIRM, caller)


@router.post(
    "/{slug}/allocations/{id}/reject",
    summary="Reject an allocation",
    openapi_extra=example(organisation=HARAM),
)
def reject_allocation(slug: SplitName, id: AllocationId, caller: CallerDep, session: SessionDep) -> AllocationOut:
    """By any of those that the member was split into. The proposal falls; any of them may make another."""
    return _answer_allocation(session, slug, id, Answer.DECLINE, caller)


def _answer(
    session: Session, slug: str, organisation_id: UUID, answer: Answer, new: NewAnswer, caller: Caller, today: date
) -> MembershipOnDay:
    found = co_operations.by_slug(session, slug, locked=True)
    row, on = organisations.by_uuid(session, organisation_id), new.effective_on or today
    status, last = store.standing(session, found, row.id, on)
    refuse(
        [
            *rules.check_answer(answer, status, last, own=row.organisation_number == caller.organisation),
            *back_dating(on, today, new.reason),
        ]
    )
    store.add_answer(
        session,
        co_operation_id=found.id,
        organisation_id=row.id,
        answer=answer,
        effective_on=on,
        recorded_at=clock.now(),
        back_dated=on < today,
        reason=new.reason,
    )
    path = f"/co-operations/{slug}"
    audit.record(
        session,
        caller,
        f"membership.{answer.value}",
        path,
        member=str(organisation_id),
        effective_on=on.isoformat(),
        reason=new.reason,
    )
    feed.tell(session, "membership.answered", path, None, member=str(organisation_id), answer=answer.value)
    members = co_operations.members_on(session, found.id, on)
    now = next((one.status for one in members if one.organisation_id == row.id), None)
    return MembershipOnDay(organisation_id=organisation_id, on=on, status=now)


def _answer_allocation(session: Session, slug: str, id: UUID, answer: Answer, caller: Caller) -> AllocationOut:
    found = co_operations.by_slug(session, slug, locked=True)
    shown = store.allocation(session, found.id, id)
    acting = organisations.of_caller(session, caller.organisation)
    refuse(rules.check_party(acting.id, shown.row.parties, shown.answered, shown.state))
    store.answer_allocation(session, shown.row.id, acting.id, answer, clock.now())
    after = store.allocation(session, found.id, id)
    path = f"/co-operations/{slug}"
    audit.record(session, caller, f"allocation.{answer.value}", path, allocation=str(id), state=after.state.value)
    feed.tell(session, "allocation.answered", path, None, allocation=str(id), state=after.state.value)
    return _shown(session, [after])[0]


def _shown(session: Session, found: list[store.Shown]) -> list[AllocationOut]:
    ids = {one for shown in found for one in (shown.row.predecessor_id, *shown.row.parties)}
    rows = organisations.by_ids(session, ids)

    def answered(shown: store.Shown, answer: Answer) -> list[UUID]:
        return [rows[one].uuid for one, given in sorted(shown.answered.items()) if given is answer]

    return [
        AllocationOut(
            id=shown.row.uuid,
            predecessor=rows[shown.row.predecessor_id].uuid,
            parties=[rows[one].uuid for one in shown.row.parties],
            carried_on_by=[rows[one].uuid for one in shown.row.carried_on_by],
            effective_on=shown.row.effective_on,
            proposed_by=shown.row.proposed_by,
            reason=shown.row.reason,
            recorded_at=shown.row.recorded_at,
            state=shown.state,
            confirmed_by=answered(shown, Answer.CONFIRM),
            declined_by=answered(shown, Answer.DECLINE),
        )
        for shown in found
    ]
