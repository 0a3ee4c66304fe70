"""What stands on the papers of a mini-competition, and who may read which of them when."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from services.agreements.mini_competitions.rules import State
from services.chassis.problems import Conflict, NotFound


class Kind(StrEnum):
    """What a paper is about."""

    INVITATION = "invitation"
    QUESTIONS = "questions"
    AMENDMENT = "amendment"
    OPENING_RECORD = "opening_record"
    EVALUATION_REPORT = "evaluation_report"
    AWARD_WON = "award_won"
    AWARD_LOST = "award_lost"
    AWARD_REJECTED = "award_rejected"
    AWARD_WITHDRAWN = "award_withdrawn"
    CANCELLATION = "cancellation"
    UNSUCCESSFUL = "unsuccessful"


AWARD = frozenset({Kind.AWARD_WON, Kind.AWARD_LOST, Kind.AWARD_REJECTED})


class Document(StrEnum):
    """Papers that anybody concerned can have made of the competition as it is; the others are letters."""

    INVITATION = "invitation"
    QUESTIONS = "questions"
    OPENING_RECORD = "opening_record"
    EVALUATION_REPORT = "evaluation_report"


CHOSEN = frozenset({State.AWARD_NOTIFIED, State.AWARDED, State.UNSUCCESSFUL})
"""From when bidders may read of each other's bids (offentleglova § 23 third paragraph): the choice has been made."""


class DocumentNotYet(Conflict):
    """There is nothing to make this document of yet."""


class DocumentClosed(NotFound):
    """What is known of other bids is closed to bidders until the choice has been made."""


@dataclass(frozen=True)
class Party:
    name: str
    number: str
    """Organisation number."""


@dataclass(frozen=True)
class Line:
    item: str
    name: Mapping[str, str]
    quantity: int
    unit: str


@dataclass(frozen=True)
class Criterion:
    code: str
    kind: str
    """price, quality or must."""
    title: Mapping[str, str] | None
    weight: Decimal | None
    """Of a hundred; a must has none."""
    formula: str | None
    relative: bool = False
    """Whether the formula makes a bid's points depend on the other bids."""
    scale_max: Decimal | None = None
    points_per_krone: Decimal | None = None
    requirement: str | None = None


@dataclass(frozen=True)
class Competition:
    """What was announced, as it holds on the day of the paper."""

    number: str
    path: str
    title: Mapping[str, str]
    description: Mapping[str, str] | None
    framework: str
    framework_title: Mapping[str, str]
    lot_title: Mapping[str, str]
    owner: str
    buyer: Party
    needed_on: date
    specification: str | None
    ceiling: Decimal | None
    """NOK without VAT: the lines at the dearest price in the lot's price lists."""
    lines: tuple[Line, ...]
    criteria: tuple[Criterion, ...]
    tie_rules: tuple[str, ...]
    above_price_list: bool
    questions_until: datetime | None
    deadline: datetime
    standstill_days: int
    evaluators: tuple[Mapping[str, str], ...]
    """Their roles."""
    published_on: date


@dataclass(frozen=True)
class Answered:
    """A question and its answer; who asked is not among what is known here."""

    question: str
    answer: str
    answered_on: date


@dataclass(frozen=True)
class Amendment:
    requires_new_bids: bool
    old_deadline: datetime | None = None


@dataclass(frozen=True)
class OpenedBid:
    supplier: Party
    submitted_at: datetime
    net: Decimal
    vat: Decimal
    documents: tuple[str, ...]
    digest: str
    """SHA-256 of what was submitted, as in the supplier's receipt."""


@dataclass(frozen=True)
class Opening:
    opened_at: datetime
    opened_by: str
    public_key: str
    bids: tuple[OpenedBid, ...]
    without_bid: tuple[Party, ...] = ()
    """Who was invited and gave none."""


@dataclass(frozen=True)
class Score:
    """A bid's score by one criterion, 0 to 100, and its points: the score times the weight."""

    code: str
    score: Decimal
    points: Decimal
    derivation: str = ""


@dataclass(frozen=True)
class EvaluatedBid:
    supplier: Party
    net: Decimal
    place: int | None
    """1 for the best; None where the bid was not weighed."""
    total: Decimal | None
    scores: tuple[Score, ...] = ()
    tie: str | None = None
    """The announced rule that put it behind the one before it, where the points are equal."""
    unmet: tuple[str, ...] = ()
    """Musts that it does not meet, by their codes."""
    reasons: tuple[str, ...] = ()
    """Why it was rejected, and what the evaluators wrote."""


@dataclass(frozen=True)
class Evaluation:
    bids: tuple[EvaluatedBid, ...]
    """Best first, those that were not weighed last."""
    lot_seed: str | None = None
    """Drawn at publication, for the rule that draws lots."""
    digest: str = ""
    """SHA-256 of what the evaluation was computed from."""


@dataclass(frozen=True)
class Award:
    """What an award's letter tells one bidder."""

    reasons: tuple[str, ...]
    own: EvaluatedBid
    winner: EvaluatedBid | None
    """None in the letter to somebody whose bid was rejected before there was one."""
    standstill_days: int


@dataclass(frozen=True)
class Paper:
    kind: Kind
    competition: Competition
    day: date
    recipient: Party | None = None
    """None on a document that is written to nobody."""
    reason: str = ""
    questions: tuple[Answered, ...] = ()
    amendment: Amendment | None = None
    opening: Opening | None = None
    evaluation: Evaluation | None = None
    award: Award | None = None


def own_record(opening: Opening, supplier: str) -> Opening:
    """The record with a supplier's own bid alone, before the choice has been made; DocumentClosed where it has none."""
    own = tuple(one for one in opening.bids if one.supplier.number == supplier)
    if not own:
        raise DocumentClosed
    return replace(opening, bids=own, without_bid=())


def own_report(evaluation: Evaluation, supplier: str) -> Evaluation:
    """The report with the whole of a supplier's own bid, and of the others without what might be business secrets."""
    shown = (one if one.supplier.number == supplier else open_of(one) for one in evaluation.bids)
    return replace(evaluation, bids=tuple(shown))


def open_of(bid: EvaluatedBid) -> EvaluatedBid:
    """What other bidders may read of a bid: its place, sum and scores, and not what was written about it."""
    return replace(bid, scores=tuple(replace(one, derivation="") for one in bid.scores), reasons=())


def award(evaluation: Evaluation, supplier: str, standstill_days: int, reason: str) -> tuple[Kind, Award]:
    """What one bidder is told of an award: its own evaluation whole, and the winner's place, sum and scores."""
    own = next(one for one in evaluation.bids if one.supplier.number == supplier)
    winner = next(one for one in evaluation.bids if one.place == 1)
    kind = Kind.AWARD_REJECTED if own.place is None else Kind.AWARD_WON if own is winner else Kind.AWARD_LOST
    return kind, Award((reason,) if reason else (), own, own if own is winner else open_of(winner), standstill_days)
