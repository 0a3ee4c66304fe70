"""Successors and predecessors over HTTP; editors register mergers, splits and new registrations."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.organisations import store as organisations
from services.catalog.organisations.rules import Relation, Step
from services.catalog.successions import rules, store
from services.chassis import audit, clock, feed
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.changes import IfMatch, etag, require_match
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import Problem, refuse
from services.chassis.values import In, Out, seed_id

router = new_router("/organisations", "Organisations")

EDITOR = "100000008"
FORSAND = str(seed_id("organisation:939347801"))
SANDNES = str(seed_id("organisation:964965137"))
NORDLYS, HAVORN = str(seed_id("organisation:100000024")), str(seed_id("organisation:100000032"))
FJORDVAKT = str(seed_id("organisation:100000016"))
OrganisationId = Annotated[UUID, Path(description="The organisation's id", examples=[FORSAND])]
EndingId = Annotated[UUID, Path(description="The organisation that ends", examples=[NORDLYS])]
Day = Annotated[date | None, Query(description="As of this day; today when left out", examples=["2026-01-01"])]


class Successor(Out):
    """Who stands in an organisation's place."""

    id: UUID
    name: str
    organisation_number: str | None
    relation: Relation = Field(
        description="`same`: it exists itself. `merger`: it became part of this one. `split`: it was divided, so who "
        "carries a thing on must be said. `continued`: the same body under a new registration"
    )


class SuccessionStep(Out):
    """One organisation taking another's place."""

    predecessor: UUID
    predecessor_name: str
    successor: UUID
    successor_name: str
    kind: Relation
    effective_on: date = Field(description="The successor's first day in its place")
    source: str


class Successors(Out):
    """Who stands in an organisation's place on a day, and how it came to be."""

    on: date
    successors: list[Successor] = Field(description="Itself while it exists; several after a split")
    steps: list[SuccessionStep] = Field(description="Every step on the way, oldest first")


class Predecessors(Out):
    """What an organisation came from."""

    steps: list[SuccessionStep] = Field(description="Every step that led to it, oldest first")


class NewEnd(In):
    effective_on: date = Field(description="The successor's first day in its place; the other ended the day before")
    source: str = Field(min_length=3, max_length=500, description="Where it is decided, such as a regulation")
    reason: str | None = Field(
        default=None, min_length=3, max_length=2000, description="Needed when the day is past: why it comes so late"
    )


class NewMerger(NewEnd):
    successor: UUID = Field(description="The organisation that it becomes part of")


class NewSplit(NewEnd):
    successors: list[UUID] = Field(min_length=2, max_length=20, description="Those it is divided between")


@router.get("/{id}/successors", summary="Who stands in its place", openapi_extra=example())
def successors(id: OrganisationId, reader: ReaderDep, today: TodayDep, on: Day = None) -> Successors:
    """Who stands in an organisation's place on a day, through any number of mergers and splits: itself while it
    exists, one after a merger, several after a split, nobody when it ended without a successor. A successor has not
    become a member of what its predecessor was a member of: see the co-operations."""
    row, day = organisations.by_uuid(reader, id), on or today
    found = organisations.resolve(reader, [row.id], day)[row.id]
    steps = [step for known in organisations.steps_after(reader, [row.id]).values() for step in known]
    rows = organisations.by_ids(reader, {one for one, _ in found} | _parties(steps))
    return Successors(on=day, successors=[_successor(rows[one], how) for one, how in found], steps=_told(steps, rows))


@router.get("/{id}/predecessors", summary="What it came from", openapi_extra=example())
def predecessors(
    id: Annotated[UUID, Path(description="The organisation's id", examples=[SANDNES])], reader: ReaderDep
) -> Predecessors:
    """Every organisation that has become part of this one, wholly or by a split, with the days and sources."""
    row = organisations.by_uuid(reader, id)
    steps = [step for known in organisations.steps_before(reader, [row.id]).values() for step in known]
    return Predecessors(steps=_told(steps, organisations.by_ids(reader, _parties(steps))))


ENDS = {"effective_on": "2027-01-01", "source": "Fusjonsplan (fiktiv)"}


@router.post(
    "/{id}/merge",
    summary="Let an organisation become part of another",
    openapi_extra=example(organisation=EDITOR, body={"successor": HAVORN, **ENDS}),
)
def merge(
    id: EndingId,
    new: NewMerger,
    caller: CallerDep,
    session: SessionDep,
    today: TodayDep,
    response: Response,
    if_match: IfMatch = None,
) -> Successors:
    """For editors. The organisation ends the day before, its number still finds it, and from then on it is the
    successor that stands in its place. What it was a member of the successor inherits unconfirmed."""
    named = [("#/successor", new.successor)]
    return _end(session, caller, id, new, named, Relation.MERGER, today, if_match, response)


@router.post(
    "/{id}/split",
    summary="Divide an organisation between others",
    openapi_extra=example(organisation=EDITOR, body={"successors": [HAVORN, FJORDVAKT], **ENDS}),
)
def split(
    id: EndingId,
    new: NewSplit,
    caller: CallerDep,
    session: SessionDep,
    today: TodayDep,
    response: Response,
    if_match: IfMatch = None,
) -> Successors:
    """For editors. The organisation ends the day before and several stand in its place. Who carries on what it was a
    member of or had in use must be said explicitly and confirmed by each of them; until then it counts for none."""
    named = [(f"#/successors/{place}", one) for place, one in enumerate(new.successors)]
    return _end(session, caller, id, new, named, Relation.SPLIT, today, if_match, response)


@router.post(
    "/{id}/continue",
    summary="Let an organisation go on under a new registration",
    openapi_extra=example(organisation=EDITOR, body={"successor": HAVORN, **ENDS}),
)
def go_on(
    id: EndingId,
    new: NewMerger,
    caller: CallerDep,
    session: SessionDep,
    today: TodayDep,
    response: Response,
    if_match: IfMatch = None,
) -> Successors:
    """For editors. The same body under a new organisation number: what it was a member of it still is."""
    named = [("#/successor", new.successor)]
    return _end(session, caller, id, new, named, Relation.CONTINUED, today, if_match, response)


def _end(
    session: Session,
    caller: Caller,
    id: UUID,
    new: NewEnd,
    named: list[tuple[str, UUID]],
    kind: Relation,
    today: date,
    if_match: str | None,
    response: Response,
) -> Successors:
    predecessor = organisations.by_uuid(session, id)
    known = organisations.by_uuids(session, [uuid for _, uuid in named])
    rows = store.lock(session, [predecessor.id, *(one.id for one in known.values())])
    require_match(if_match, predecessor.revision, needed=False)
    unknown: list[Problem] = [
        rules.SuccessorUnknown(str(uuid), pointer=pointer) for pointer, uuid in named if uuid not in known
    ]
    found = rules.check(
        store.party(predecessor),
        [(pointer, store.party(known[uuid])) for pointer, uuid in named if uuid in known],
        effective_on=new.effective_on,
        succeeded=store.succeeded(session, predecessor.id),
        joined_last_on=store.joined_last_on(session, predecessor.id),
        leads_to=store.ancestors(session, predecessor.id),
        today=today,
        reason=new.reason,
    )
    refuse(unknown + found)
    back_dated = new.effective_on < today
    followers = [rows[known[uuid].id] for _, uuid in named]
    store.add(
        session,
        predecessor,
        followers,
        kind,
        effective_on=new.effective_on,
        source=new.source,
        recorded_at=clock.now(),
        back_dated=back_dated,
        reason=new.reason,
    )
    path, ids = f"/organisations/{id}", [str(one.uuid) for one in followers]
    audit.record(
        session,
        caller,
        f"organisation.{kind.value}",
        path,
        successors=ids,
        effective_on=new.effective_on.isoformat(),
        back_dated=back_dated,
        source=new.source,
        reason=new.reason,
    )
    feed.tell(
        session, f"organisation.{kind.value}", path, None, successors=ids, effective_on=new.effective_on.isoformat()
    )
    response.headers["ETag"] = etag(predecessor.revision)
    steps = [step for several in organisations.steps_after(session, [predecessor.id]).values() for step in several]
    resolved = organisations.resolve(session, [predecessor.id], new.effective_on)[predecessor.id]
    shown = organisations.by_ids(session, {one for one, _ in resolved} | _parties(steps))
    return Successors(
        on=new.effective_on,
        successors=[_successor(shown[one], how) for one, how in resolved],
        steps=_told(steps, shown),
    )


def _parties(steps: list[Step]) -> set[int]:
    return {one for step in steps for one in (step.predecessor, step.successor)}


def _successor(row: organisations.Organisation, relation: Relation) -> Successor:
    return Successor(id=row.uuid, name=row.name, organisation_number=row.organisation_number, relation=relation)


def _told(steps: list[Step], rows: dict[int, organisations.Organisation]) -> list[SuccessionStep]:
    return [
        SuccessionStep(
            predecessor=rows[step.predecessor].uuid,
            predecessor_name=rows[step.predecessor].name,
            successor=rows[step.successor].uuid,
            successor_name=rows[step.successor].name,
            kind=step.kind,
            effective_on=step.effective_on,
            source=step.source,
        )
        for step in sorted(steps, key=lambda step: step.effective_on)
    ]
