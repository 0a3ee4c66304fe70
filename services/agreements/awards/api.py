"""Awards over HTTP."""

from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Request, Response
from pydantic import Field
from sqlmodel import Session

from services.agreements.awards import placing, store
from services.agreements.calloffs import placing as calloff_placing
from services.agreements.calloffs import shapes
from services.agreements.calloffs import store as calloffs
from services.agreements.catalog_client import CatalogDep
from services.agreements.evaluations import store as evaluations
from services.agreements.mini_competitions import store as mini_competitions
from services.agreements.mini_competitions.rules import State
from services.agreements.mini_competitions.store import MiniCompetition
from services.chassis import idempotency
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import DatabaseDep, DryRunDep, ReaderDep, SessionDep
from services.chassis.idempotency import KeyHeader, Once
from services.chassis.values import In, Instant, Out, seed_id

router = new_router("/mini-competitions", "Mini-competitions")

BRONNOY = "964983291"


def _seeded(name: str) -> object:
    return Path(description="The mini-competition's id", examples=[str(seed_id(f"mini-competition:{name}"))])


class Announcement(In):
    reason: str = Field(
        min_length=10,
        max_length=2000,
        description="The winning bid's advantages, for all bidders; no business secrets of any of them",
    )
    evaluation_sha256: str | None = Field(
        default=None,
        pattern="^[0-9a-f]{64}$",
        description="The evaluation that you have decided on; when it has changed since, nothing is announced",
    )


class Nothing(In):
    """Nothing needs to be said: the order is the winning bid."""


class Ending(In):
    reason: str = Field(min_length=10, max_length=2000, description="For all bidders")


class AwardStep(Out):
    """A bidder's score on one criterion beside the winner's."""

    criterion: str
    weight: str
    score: str = Field(description="0 to 100")
    points: str
    derivation: str | None = Field(
        description="How the score came about; null for a price where a price list is a business secret"
    )
    winner_score: str
    winner_points: str


class AwardComment(Out):
    criterion: str
    evaluator: str
    comment: str


class BidderTold(Out):
    """What one bidder was told."""

    bid: UUID
    supplier_organisation_number: str
    supplier_name: str
    won: bool
    place: int
    of: int = Field(description="So many bids were weighed")
    total: str
    winner_total: str
    tie: str | None = Field(description="The rule that decided, where it has as many points as the winner")
    steps: list[AwardStep]
    comments: list[AwardComment]


class RejectedTold(Out):
    bid: UUID
    supplier_organisation_number: str
    supplier_name: str
    reasons: list[str]


class Award(Out):
    """An award as it was announced, and what became of it."""

    sequence: int = Field(description="1 for the first that was announced")
    standing: bool = Field(description="False when it was taken back, or the competition cancelled")
    reason: str
    winner_organisation_number: str
    winner_name: str
    announced_at: Instant
    evaluation_version: int
    evaluation_sha256: str
    standstill_days: int
    standstill_from_at: Instant | None = Field(description="When the last bidder's letter had been handed over")
    standstill_ends_at: Instant | None = Field(description="Nothing is ordered before this")
    withdrawn_at: Instant | None
    withdrawal_reason: str | None
    final_at: Instant | None
    obstacle: dict[str, Any] | None = Field(
        description="The problem that kept the service from making it a call-off; for the buyer, and tried again"
    )
    bidders: list[BidderTold] = Field(description="Each bidder sees itself")


class Awards(Out):
    items: list[Award] = Field(description="Newest first")
    rejected: list[RejectedTold] = Field(description="Bids that were not weighed; each bidder sees its own")


async def _announce(
    request: Request, id: Annotated[UUID, _seeded("evaluated")], caller: CallerDep, key: KeyHeader = None
) -> Once:
    return await idempotency.once(request, caller, f"awards.announce {id}", key)


async def _order(
    request: Request, id: Annotated[UUID, _seeded("standstill-over")], caller: CallerDep, key: KeyHeader = None
) -> Once:
    return await idempotency.once(request, caller, f"awards.order {id}", key)


@router.get("/{id}/award", summary="Read the award", openapi_extra=example(organisation=BRONNOY))
def award(id: Annotated[UUID, _seeded("award-notified")], caller: CallerDep, reader: ReaderDep) -> Awards:
    """Who has won and why, and the standstill; awards that were taken back too. The buyer and the framework owner see
    what every bidder was told; a bidder what it was told itself: its own scores with remarks,
    the winner's name and scores, and never another's prices."""
    row = mini_competitions.visible(reader, id, caller.organisation)
    return _shown(reader, row, caller.organisation)


@router.post(
    "/{id}/announce-award",
    status_code=201,
    response_model=Awards,
    summary="Announce the award",
    openapi_extra=example(
        organisation=BRONNOY,
        headers={"Idempotency-Key": "tildeling-2026-0003"},
        body={"reason": "Best løsningsforslag, og en pris nær den laveste (fiktivt)."},
    ),
)
def announce_award(
    id: Annotated[UUID, _seeded("evaluated")],
    new: Announcement,
    caller: CallerDep,
    once: Annotated[Once, Depends(_announce)],
    database: DatabaseDep,
    dry_run: DryRunDep,
) -> Response:
    """Evaluation → award_notified. The first in the evaluation's order wins: nobody is chosen here. Every bidder gets a
    letter with reasons, and the standstill begins when the last of them has been handed over. Refused while a mark is
    missing, or while a bid that does not meet a must has not been rejected."""
    once.look_up(database)
    with database.writing(rehearsed=dry_run) as session:
        once.claim(session)
        row = mini_competitions.locked(session, id, caller.organisation)
        store.announce(session, caller, row, reason=new.reason, decided_on=new.evaluation_sha256)
        shown = _shown(session, row, caller.organisation)
        location = f"{mini_competitions.path(id)}/award"
        return once.keep(session, shown.model_dump_json().encode(), status=201, location=location)


@router.post(
    "/{id}/standstill-over",
    status_code=201,
    response_model=shapes.CallOff,
    summary="Make the award final and reserve its call-off",
    openapi_extra=example(organisation=BRONNOY, headers={"Idempotency-Key": "avrop-2026-0003"}, body={}),
)
def standstill_over(
    id: Annotated[UUID, _seeded("standstill-over")],
    new: Nothing,
    caller: CallerDep,
    once: Annotated[Once, Depends(_order)],
    database: DatabaseDep,
    dry_run: DryRunDep,
    catalog: CatalogDep,
    today: TodayDep,
) -> Response:
    """Award_notified → awarded, when the standstill is over; the service does it by itself too. The winning bid becomes
    a call-off at its own prices, reserved under the same ceilings as any other, then approved and sent like any other.
    The products' certificates are asked about as for every order. If there is no room, or nothing certified, nothing
    is written, and the award stays as it is."""
    once.look_up(database)
    with database.reading() as reader:
        row = mini_competitions.bought(reader, id, caller.organisation)
        found = placing.ready(reader, row, today)
    found = placing.asked(found, partial(calloff_placing.verifying, catalog.verify), row.needed_on)
    with database.writing(rehearsed=dry_run) as session:
        once.claim(session)
        row = mini_competitions.locked(session, id, caller.organisation)
        placed = placing.place(session, caller, row, found, today)
        shown = shapes.shown(placed.call_off, placed.lines, placed.letters, [], caller.organisation)
        location = calloffs.path(placed.call_off.uuid)
        answer = once.keep(session, shown.model_dump_json().encode(), status=201, location=location)
        calloffs.reserve(session, placed)
        return answer


@router.post(
    "/{id}/withdraw-award",
    summary="Take an award back",
    openapi_extra=example(organisation=BRONNOY, body={"reason": "En evaluator har sett på feil tilbud (fiktivt)."}),
)
def withdraw_award(
    id: Annotated[UUID, _seeded("award-notified")], new: Ending, caller: CallerDep, session: SessionDep
) -> Awards:
    """Award_notified → evaluation, before it is final: every bid stands as it did, and the marks are kept; they can be
    given anew and another award announced. Every bidder is told."""
    row = mini_competitions.locked(session, id, caller.organisation)
    store.withdraw(session, caller, row, new.reason)
    return _shown(session, row, caller.organisation)


@router.post(
    "/{id}/no-valid-bids",
    summary="End a competition without a valid bid",
    openapi_extra=example(organisation=BRONNOY, body={"reason": "Ingen av tilbudene oppfyller kravene (fiktivt)."}),
)
def no_valid_bids(
    id: Annotated[UUID, _seeded("all-rejected")], new: Ending, caller: CallerDep, session: SessionDep
) -> Awards:
    """Evaluation → unsuccessful, when every bid has been rejected with its reasons. Every bidder is told."""
    row = mini_competitions.locked(session, id, caller.organisation)
    store.no_valid_bids(session, caller, row, new.reason)
    return _shown(session, row, caller.organisation)


def _shown(session: Session, row: MiniCompetition, viewer: str) -> Awards:
    assert row.id
    whole = viewer in (row.buyer, row.owner)
    kept = {one.version: one for one in evaluations.kept(session, row.id)}
    rejected = [
        RejectedTold(
            bid=one.uuid,
            supplier_organisation_number=one.supplier,
            supplier_name=one.supplier_name,
            reasons=evaluations.rejected_for(session, one),
        )
        for one in store.rejected(session, row.id)
        if whole or one.supplier == viewer
    ]
    items = [
        _award(session, row, one, kept[one.evaluation_version].sha256, viewer) for one in store.of(session, row.id)
    ]
    return Awards(items=items[::-1], rejected=rejected)


def _award(session: Session, row: MiniCompetition, one: store.Award, sha256: str, viewer: str) -> Award:
    """As `viewer` may see it: a bidder what it was told, and its buyer alone what hinders it."""
    told = store.reasons(session, one.id or 0)
    winner = next(bid for reason, bid in told if reason.won)
    return Award(
        sequence=one.sequence,
        standing=one.withdrawn_at is None and row.state is not State.CANCELLED,
        reason=one.reason,
        winner_organisation_number=winner.supplier,
        winner_name=winner.supplier_name,
        announced_at=one.announced_at,
        evaluation_version=one.evaluation_version,
        evaluation_sha256=sha256,
        standstill_days=one.standstill_days,
        standstill_from_at=one.told_at,
        standstill_ends_at=one.ends_at,
        withdrawn_at=one.withdrawn_at,
        withdrawal_reason=one.withdrawal_reason,
        final_at=one.final_at,
        obstacle=one.obstacle if viewer == row.buyer else None,
        bidders=[
            BidderTold(
                bid=bid.uuid,
                supplier_organisation_number=bid.supplier,
                supplier_name=bid.supplier_name,
                won=reason.won,
                **reason.told,
            )
            for reason, bid in told
            if viewer in (row.buyer, row.owner, bid.supplier)
        ],
    )
