"""What is kept of a mini-competition, as it stands on its papers."""

from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from services.agreements.bids import store as bids
from services.agreements.bids.rules import State as BidState
from services.agreements.bids.store import Bid
from services.agreements.competition_letters.rules import Kind as LetterKind
from services.agreements.competition_letters.store import CompetitionLetter
from services.agreements.competition_papers import rules
from services.agreements.competition_papers.rules import Document, Kind, Paper, Party
from services.agreements.criteria import rules as criteria
from services.agreements.evaluations import rules as evaluating
from services.agreements.evaluations import store as evaluations
from services.agreements.frameworks.store import FrameworkAgreement, Lot
from services.agreements.mini_competitions import store as mini_competitions
from services.agreements.mini_competitions.rules import Event
from services.agreements.mini_competitions.store import MiniCompetition, MiniCompetitionEvent
from services.agreements.openings import store as openings
from services.agreements.questions import store as questions
from services.chassis import clock

_TOLD = {
    LetterKind.AMENDMENT: Event.AMEND,
    LetterKind.AWARD: Event.ANNOUNCE_AWARD,
    LetterKind.AWARD_WITHDRAWN: Event.WITHDRAW_AWARD,
    LetterKind.CANCELLATION: Event.CANCEL,
}
"""Which event each round of letters tells of."""


def document(session: Session, row: MiniCompetition, kind: Document, viewer: str, today: date) -> Paper:
    """A document of the competition as it is, with no more than the viewer may see; DocumentNotYet, DocumentClosed."""
    if row.published_at is None:
        raise rules.DocumentNotYet("It has not been published.")
    paper = Paper(kind=Kind(kind), competition=_competition(session, row), day=clock.on(row.published_at))
    if kind is Document.QUESTIONS:
        found = _answered(session, row, None)
        return replace(paper, questions=found, day=max([paper.day, *(one.answered_on for one in found)]))
    if kind is Document.INVITATION:
        return paper
    if row.opened_at is None:
        raise rules.DocumentNotYet("The bids have not been opened.")
    side = viewer in (row.buyer, row.owner)
    if kind is Document.OPENING_RECORD:
        opening = _opening(session, row)
        if not side and row.state not in rules.CHOSEN:
            opening = rules.own_record(opening, viewer)
        return replace(paper, day=clock.on(row.opened_at), opening=opening)
    if not side and row.state not in rules.CHOSEN:
        raise rules.DocumentClosed
    evaluation = _evaluation(session, row, secret=row.value_secret and not side)
    return replace(paper, day=today, evaluation=evaluation if side else rules.own_report(evaluation, viewer))


def letter(session: Session, letter: CompetitionLetter) -> Paper:
    """What stands in a letter."""
    row = session.get_one(MiniCompetition, letter.competition_id)
    assert row.published_at
    happened = _happened(session, letter)
    paper = Paper(
        kind=Kind(letter.kind) if letter.kind is not LetterKind.AWARD else Kind.AWARD_LOST,
        competition=_competition(session, row),
        day=clock.on(letter.told_at),
        recipient=Party(letter.recipient_name, letter.recipient),
        reason=happened.reason or "" if happened else "",
    )
    if letter.kind is LetterKind.QUESTIONS:
        return replace(paper, questions=_answered(session, row, letter.told_at))
    if letter.kind is LetterKind.AMENDMENT and happened:
        return replace(paper, amendment=_amendment(happened.detail or {}))
    if letter.kind is LetterKind.AWARD:
        evaluation = _evaluation(session, row, letter.round, secret=row.value_secret)
        kind, award = rules.award(evaluation, letter.recipient, row.standstill_days, paper.reason)
        return replace(paper, kind=kind, award=award, reason="")
    return paper


def buyer_of(session: Session, competition_id: int) -> str:
    return session.get_one(MiniCompetition, competition_id).buyer


def _competition(session: Session, row: MiniCompetition) -> rules.Competition:
    assert row.published_at
    agreement = session.get_one(FrameworkAgreement, row.framework_id)
    first = mini_competitions.listed(mini_competitions.invitations(session, row.id or 0)[0])
    return rules.Competition(
        number=row.number,
        path=mini_competitions.path(row.uuid),
        title=row.title,
        description=row.description,
        framework=row.framework,
        framework_title=agreement.title,
        lot_title=session.get_one(Lot, row.lot_id).title,
        owner=agreement.owner_name,
        buyer=Party(row.buyer_name, row.buyer),
        needed_on=row.needed_on,
        specification=f"{row.specification}, {row.specification_version}" if row.specification else None,
        ceiling=None if row.value_secret else row.value,
        lines=tuple(
            rules.Line(one["item"], first[one["item"]].name, one["quantity"], first[one["item"]].unit)
            for one in row.lines
        ),
        criteria=tuple(_criterion(one) for one in row.criteria),
        tie_rules=tuple(row.tie_rule),
        above_price_list=row.above_price_list,
        questions_until=row.questions_until,
        deadline=row.deadline,
        standstill_days=row.standstill_days,
        evaluators=tuple(one["title"] for one in row.evaluators),
        published_on=clock.on(row.published_at),
    )


def _criterion(kept: dict[str, Any]) -> rules.Criterion:
    announced = criteria.criterion(kept)
    return rules.Criterion(
        announced.code,
        announced.kind.value,
        kept.get("title"),
        announced.weight,
        announced.formula and announced.formula.value,
        criteria.relative([announced]),
        announced.scale_max,
        announced.points_per_krone,
        kept.get("requirement"),
    )


def _answered(session: Session, row: MiniCompetition, until: datetime | None) -> tuple[rules.Answered, ...]:
    return tuple(
        rules.Answered(one.text, one.answer, clock.on(one.answered_at))
        for one in questions.of(session, row.id or 0)
        if one.answer and one.answered_at and (until is None or one.answered_at <= until)
    )


def _happened(session: Session, letter: CompetitionLetter) -> MiniCompetitionEvent | None:
    """The event that a letter tells of: the first of its kind in the first round, and so on."""
    events = mini_competitions.events(session, letter.competition_id)
    if letter.kind is LetterKind.UNSUCCESSFUL:
        return next(one for one in events if one.event in (Event.NO_BIDS, Event.NO_VALID_BIDS))
    told = _TOLD.get(letter.kind)
    return [one for one in events if one.event == told][letter.round - 1] if told else None


def _amendment(detail: dict[str, Any]) -> rules.Amendment:
    before = detail["changed"].get("deadline", {}).get("before")
    return rules.Amendment(detail["requires_new_bids"], datetime.fromisoformat(before) if before else None)


def _opening(session: Session, row: MiniCompetition) -> rules.Opening:
    kept = openings.of(session, row.id or 0)
    said = openings.bids_of(session, row.id or 0)
    found = {str(one.uuid): said[one.id or 0] for one in bids.opened(session, row.id or 0)}
    opened = tuple(
        rules.OpenedBid(
            Party(one["supplier_name"], one["supplier"]),
            datetime.fromisoformat(one["submitted_at"]),
            found[one["bid"]].net,
            found[one["bid"]].vat,
            tuple(str(document["name"]) for document in found[one["bid"]].documents),
            one["digest"],
        )
        for one in kept.record
    )
    bidders = {one.supplier.number for one in opened}
    return rules.Opening(
        kept.opened_at,
        row.buyer_name,
        row.public_key.hex() if row.public_key else "",
        opened,
        tuple(
            Party(one.supplier_name, one.supplier)
            for one in mini_competitions.invitations(session, row.id or 0)
            if one.supplier not in bidders
        ),
    )


def _evaluation(
    session: Session, row: MiniCompetition, version: int | None = None, *, secret: bool
) -> rules.Evaluation:
    """The evaluation that an award rests on, by its version or the newest; without an award, of the marks as they
    are. `secret`: without how a price was scored, as that tells the dearest of the price lists."""
    kept = evaluations.kept(session, row.id or 0)
    if version:
        inputs, digest = evaluating.inputs(kept[version - 1].inputs), kept[version - 1].sha256
    elif kept and row.state in rules.CHOSEN:
        inputs, digest = evaluating.inputs(kept[-1].inputs), kept[-1].sha256
    else:
        inputs = evaluations.inputs(session, row)
        digest = evaluating.digest(evaluating.kept(inputs))
    result = evaluating.evaluate(inputs)
    if result.missing:
        raise rules.DocumentNotYet("Marks are missing.")
    said = _comments(session, row)
    weighed = [_ranked(one, said, secret) for one in result.ranking]
    unmet = [_unmet(one, said) for one in result.unmet]
    rejected = [
        _rejected(session, one)
        for one in bids.opened(session, row.id or 0)
        if one.state is BidState.REJECTED and str(one.uuid) not in {each.bid for each in inputs.bids}
    ]
    return rules.Evaluation((*weighed, *unmet, *rejected), inputs.lot_seed, digest)


def _comments(session: Session, row: MiniCompetition) -> dict[str, tuple[str, ...]]:
    """What the evaluators wrote, by bid."""
    found: dict[str, list[str]] = {}
    for sheet in evaluations.sheets(session, row.id or 0):
        for bid, told in sorted(sheet.comments.items()):
            said = [f"{code} ({sheet.evaluator}): {text}" for code, text in sorted(told.items())]
            found.setdefault(bid, []).extend(said)
    return {bid: tuple(texts) for bid, texts in found.items()}


def _ranked(one: evaluating.Ranked, said: dict[str, tuple[str, ...]], secret: bool) -> rules.EvaluatedBid:
    return rules.EvaluatedBid(
        Party(one.bid.name, one.bid.supplier),
        one.bid.net,
        one.place,
        one.total,
        tuple(
            rules.Score(
                step.criterion,
                step.score,
                step.points,
                "" if secret and criteria.FORMULAS[step.formula].kind is criteria.Kind.PRICE else step.derivation,
            )
            for step in one.steps
        ),
        one.tie.value if one.tie else None,
        reasons=said.get(one.bid.bid, ()),
    )


def _unmet(one: evaluating.Unmet, said: dict[str, tuple[str, ...]]) -> rules.EvaluatedBid:
    return rules.EvaluatedBid(
        Party(one.bid.name, one.bid.supplier),
        one.bid.net,
        None,
        None,
        unmet=tuple(one.musts),
        reasons=said.get(one.bid.bid, ()),
    )


def _rejected(session: Session, bid: Bid) -> rules.EvaluatedBid:
    net = openings.bids_of(session, bid.competition_id)[bid.id or 0].net
    reasons = tuple(evaluations.rejected_for(session, bid))
    return rules.EvaluatedBid(Party(bid.supplier_name, bid.supplier), net, None, None, reasons=reasons)
