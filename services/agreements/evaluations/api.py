"""Evaluations over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Path
from pydantic import Field
from sqlmodel import Session

from services.agreements.bids import store as bids
from services.agreements.bids.rules import State as BidState
from services.agreements.criteria.rules import FORMULAS, Criterion, Formula, Kind, Tie, criterion
from services.agreements.evaluations import rules, store
from services.agreements.evaluations.shapes import NewScores
from services.agreements.mini_competitions import store as mini_competitions
from services.agreements.mini_competitions.rules import State
from services.agreements.mini_competitions.store import MiniCompetition
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In, Instant, Money, Out, TextOut, seed_id

router = new_router("/mini-competitions", "Mini-competitions")

BRONNOY = "964983291"
ID, ANNOUNCED_ID = (
    Path(description="The mini-competition's id", examples=[str(seed_id(f"mini-competition:{name}"))])
    for name in ("opened", "award-notified")
)
ANNOUNCED = frozenset({State.AWARD_NOTIFIED, State.AWARDED})


class Rejection(In):
    reasons: list[Annotated[str, Field(min_length=10, max_length=1000)]] = Field(
        min_length=1, max_length=10, description="Why the bid is not considered; its bidder gets them by letter"
    )


class AnnouncedCriterion(Out):
    code: str
    kind: Kind
    weight: str | None = Field(description="Of a hundred; null for a must", examples=["60"])
    formula: Formula | None
    says: str | None = Field(description="The formula", examples=["100 × (1 − price / ceiling)"])
    relative: bool = Field(description="Whether the formula makes a bid's score depend on the other bids")


class ScoreStep(Out):
    criterion: str
    formula: Formula
    weight: str
    score: str = Field(description="0 to 100", examples=["33.3333"])
    points: str = Field(description="The score times the weight, of a hundred", examples=["20.0000"])
    derivation: str = Field(description="How the score came about")


class EvaluatedBid(Out):
    place: int = Field(description="1 for the first")
    bid: UUID
    supplier_organisation_number: str
    supplier_name: str
    amount_excl_vat: Money
    total: str = Field(description="The points of all criteria", examples=["78.3333"])
    tie: Tie | None = Field(description="The rule that put it behind the one before, where both have as many")
    steps: list[ScoreStep]


class UnmetMust(Out):
    criterion: str
    evaluators: list[str] = Field(description="Who found that it is not met")


class UnweighedBid(Out):
    """A bid that some evaluator finds wanting on a must; to be rejected before an award."""

    bid: UUID
    supplier_organisation_number: str
    supplier_name: str
    musts: list[UnmetMust]


class RejectedBid(Out):
    bid: UUID
    supplier_organisation_number: str
    supplier_name: str
    reasons: list[str]


class MissingMark(Out):
    evaluator: str
    bid: UUID
    criterion: str


class GivenMark(Out):
    bid: UUID
    criterion: str
    points: str | None
    met: bool | None
    comment: str | None


class Sheet(Out):
    """An evaluator's newest marks."""

    evaluator: str
    version: int
    recorded_at: Instant
    marks: list[GivenMark]


class KeptEvaluation(Out):
    """What an award rests or has rested on."""

    version: int
    sha256: str
    recorded_at: Instant
    same: bool = Field(description="Computed again just now from the stored inputs, it gives the same result")


class Evaluation(Out):
    """The bids in the order of the announced criteria, and how every number came about."""

    mini_competition_id: UUID
    number: str
    title: TextOut
    state: State
    complete: bool = Field(description="Whether every evaluator has marked every bid on everything")
    missing: list[MissingMark]
    relative: bool = Field(description="Some formula makes a bid's score depend on the other bids")
    criteria: list[AnnouncedCriterion]
    tie_rule: list[Tie] = Field(description="In this order")
    lot_seed: str = Field(description="Drawn at publication; a supplier's lot is the SHA-256 of it, `:` and its number")
    ceiling_excl_vat: Money = Field(description="The basket at the price lists' dearest, at publication")
    ranking: list[EvaluatedBid] = Field(description="Best first; empty until it is complete")
    unmet: list[UnweighedBid]
    rejected: list[RejectedBid]
    scores: list[Sheet]
    inputs: dict[str, Any] = Field(description="All that the order is computed from")
    sha256: str = Field(description="Of the inputs, as JSON with sorted keys and no spaces")
    kept: list[KeptEvaluation] = Field(description="Oldest first")


@router.put(
    "/{id}/scores/{evaluator}",
    summary="Give an evaluator's marks",
    openapi_extra=example(
        organisation=BRONNOY,
        body={
            "bids": [
                {
                    "bid": str(seed_id("bid:opened:100000016")),
                    "marks": [
                        {"criterion": "kvalitet", "points": "8", "comment": "Gjennomtenkt plan (fiktivt)."},
                        {"criterion": "referanser", "met": True},
                    ],
                }
            ]
        },
    ),
)
def put_scores(
    id: Annotated[UUID, ID],
    evaluator: Annotated[str, Path(max_length=80, description="One of the announced evaluators", examples=["fag"])],
    new: NewScores,
    caller: CallerDep,
    session: SessionDep,
) -> Evaluation:
    """Mark bids as one of the announced evaluators: roles, never persons. What is sent replaces that evaluator's marks,
    which are kept as a version. Marks may be left out for later; the award waits until none is missing."""
    row = mini_competitions.locked(session, id, caller.organisation)
    if evaluator not in [one["code"] for one in row.evaluators]:
        raise rules.EvaluatorNotFound(f"Announced: {', '.join(str(one['code']) for one in row.evaluators)}.")
    _open(row)
    known = [one.bid for one in store.inputs(session, row).bids]
    given = new.given()
    refuse(rules.check_marks([criterion(one) for one in row.criteria], known, given))
    store.mark(session, caller, row, evaluator, given, new.comments())
    return _shown(session, row)


@router.get("/{id}/evaluation", summary="Read the evaluation", openapi_extra=example(organisation=BRONNOY))
def evaluation(id: Annotated[UUID, ANNOUNCED_ID], caller: CallerDep, reader: ReaderDep) -> Evaluation:
    """Computed anew at each reading from the marks and the opened bids: the order, every score with its formula, what
    is missing, and all that it rests on, so that anybody can compute it again. For the buyer from the opening on; for
    the framework owner when an award has been announced."""
    row = mini_competitions.visible(reader, id, caller.organisation)
    announced = row.state in ANNOUNCED and caller.organisation == row.owner
    if row.opened_at is None or not (announced or caller.organisation == row.buyer):
        raise rules.EvaluationNotFound(f"Mini-competition {row.number} is {row.state}.")
    return _shown(reader, row)


@router.post(
    "/{id}/bids/{bid}/reject",
    summary="Reject a bid",
    openapi_extra=example(
        organisation=BRONNOY,
        body={"reasons": ["Tilbudet oppgir ikke tre referanser fra kommuner (fiktivt)."]},
    ),
)
def reject(
    id: Annotated[UUID, ID],
    bid: Annotated[UUID, Path(description="The bid's id", examples=[str(seed_id("bid:opened:100000024"))])],
    new: Rejection,
    caller: CallerDep,
    session: SessionDep,
) -> Evaluation:
    """Opened or scored → rejected (avvist), for good: the bid is not weighed, and its bidder is told why."""
    row = mini_competitions.locked(session, id, caller.organisation)
    _open(row)
    found = bids.by_uuid(session, row, bid)
    store.reject(session, caller, row, found, new.reasons)
    return _shown(session, row)


def _open(row: MiniCompetition) -> None:
    if row.state is not State.EVALUATION:
        raise rules.EvaluationClosed(f"It is {row.state}.", state=row.state.value)


def _shown(session: Session, row: MiniCompetition) -> Evaluation:
    assert row.id
    inputs = store.inputs(session, row)
    result, kept = rules.evaluate(inputs), rules.kept(inputs)
    told = {one["bid"]: one for one in rules.told(result)["ranking"]}
    return Evaluation(
        mini_competition_id=row.uuid,
        number=row.number,
        title=row.title,
        state=row.state,
        complete=not result.missing,
        missing=[MissingMark(evaluator=who, bid=UUID(bid), criterion=code) for who, bid, code in result.missing],
        relative=result.relative,
        criteria=[_criterion(one) for one in inputs.criteria],
        tie_rule=list(inputs.ties),
        lot_seed=inputs.lot_seed,
        ceiling_excl_vat=inputs.ceiling,
        ranking=[
            EvaluatedBid(
                place=one.place,
                bid=UUID(one.bid.bid),
                supplier_organisation_number=one.bid.supplier,
                supplier_name=one.bid.name,
                amount_excl_vat=one.bid.net,
                total=str(one.total),
                tie=one.tie,
                steps=[ScoreStep.model_validate(step) for step in told[one.bid.bid]["steps"]],
            )
            for one in result.ranking
        ],
        unmet=[
            UnweighedBid(
                bid=UUID(one.bid.bid),
                supplier_organisation_number=one.bid.supplier,
                supplier_name=one.bid.name,
                musts=[UnmetMust(criterion=code, evaluators=list(who)) for code, who in one.musts.items()],
            )
            for one in result.unmet
        ],
        rejected=[
            RejectedBid(
                bid=one.uuid,
                supplier_organisation_number=one.supplier,
                supplier_name=one.supplier_name,
                reasons=store.rejected_for(session, one),
            )
            for one in bids.in_states(session, row.id, BidState.REJECTED)
        ],
        scores=[_sheet(one) for one in store.sheets(session, row.id)],
        inputs=kept,
        sha256=rules.digest(kept),
        kept=[
            KeptEvaluation(
                version=one.version,
                sha256=one.sha256,
                recorded_at=one.recorded_at,
                same=rules.same(one.inputs, one.result, one.sha256),
            )
            for one in store.kept(session, row.id)
        ],
    )


def _criterion(one: Criterion) -> AnnouncedCriterion:
    meaning = FORMULAS[one.formula] if one.formula else None
    return AnnouncedCriterion(
        code=one.code,
        kind=one.kind,
        weight=None if one.weight is None else str(one.weight),
        formula=one.formula,
        says=meaning and meaning.says,
        relative=bool(meaning and meaning.relative),
    )


def _sheet(one: store.ScoreSheet) -> Sheet:
    return Sheet(
        evaluator=one.evaluator,
        version=one.version,
        recorded_at=one.recorded_at,
        marks=[
            GivenMark(
                bid=UUID(bid),
                criterion=code,
                points=None if isinstance(mark, bool) else mark,
                met=mark if isinstance(mark, bool) else None,
                comment=one.comments.get(bid, {}).get(code),
            )
            for bid, given in sorted(one.marks.items())
            for code, mark in sorted(given.items())
        ],
    )
