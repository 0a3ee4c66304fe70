"""How a mini-competition lives, and what must hold of its terms before it is drafted, published and amended."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from services.agreements.criteria.rules import DECIDING, FORMULAS, HUNDRED, Criterion, Kind, Tie
from services.agreements.frameworks.rules import Method
from services.chassis.problems import Conflict, Invalid, Problem


class State(StrEnum):
    DRAFT = "draft"
    OPEN = "open"
    SEALED = "sealed"
    EVALUATION = "evaluation"
    AWARD_NOTIFIED = "award_notified"
    AWARDED = "awarded"
    CANCELLED = "cancelled"
    UNSUCCESSFUL = "unsuccessful"


class Event(StrEnum):
    PUBLISH = "publish"
    AMEND = "amend"
    DEADLINE_REACHED = "deadline_reached"
    OPEN_BIDS = "open_bids"
    NO_BIDS = "no_bids"
    ANNOUNCE_AWARD = "announce_award"
    NO_VALID_BIDS = "no_valid_bids"
    STANDSTILL_OVER = "standstill_over"
    WITHDRAW_AWARD = "withdraw_award"
    CANCEL = "cancel"


MOVES = {
    (State.DRAFT, Event.PUBLISH): State.OPEN,
    (State.DRAFT, Event.CANCEL): State.CANCELLED,
    (State.OPEN, Event.AMEND): State.OPEN,
    (State.OPEN, Event.DEADLINE_REACHED): State.SEALED,
    (State.OPEN, Event.CANCEL): State.CANCELLED,
    (State.SEALED, Event.OPEN_BIDS): State.EVALUATION,
    (State.SEALED, Event.NO_BIDS): State.UNSUCCESSFUL,
    (State.SEALED, Event.CANCEL): State.CANCELLED,
    (State.EVALUATION, Event.ANNOUNCE_AWARD): State.AWARD_NOTIFIED,
    (State.EVALUATION, Event.NO_VALID_BIDS): State.UNSUCCESSFUL,
    (State.EVALUATION, Event.CANCEL): State.CANCELLED,
    (State.AWARD_NOTIFIED, Event.STANDSTILL_OVER): State.AWARDED,
    (State.AWARD_NOTIFIED, Event.WITHDRAW_AWARD): State.EVALUATION,
    (State.AWARD_NOTIFIED, Event.CANCEL): State.CANCELLED,
}
TERMINAL = frozenset({State.AWARDED, State.CANCELLED, State.UNSUCCESSFUL})
BEFORE_OPENING = frozenset({State.DRAFT, State.OPEN, State.SEALED})
"""In these nobody learns who has bid, or whether anybody has."""

LEAST_SHARE = 2
"""After an amendment bidders have at least half of the time that was announced at first."""


class MoveRefused(Conflict):
    """The mini-competition cannot take this step from its current state."""


class MethodNotMiniCompetition(Conflict):
    """The lot has not announced a mini-competition for this value.

    The method follows from the lot's announced value bands; it is not the buyer's choice.
    """


class NobodyToInvite(Conflict):
    """No supplier in the lot has an open place and every item."""


class PriceListCeilingHolds(Conflict):
    """The lot has not announced that a mini-competition may exceed its price lists."""


class CriteriaInvalid(Invalid):
    """The award criteria do not hold together.

    The weights of price and quality sum to exactly 100; a must has none, and is passed or failed.
    """


class CriterionRepeated(Invalid):
    """Two criteria, or two evaluators, have the same code."""


class EvaluatorsMissing(Invalid):
    """Quality, and what must be met, is judged by somebody: name the roles that judge it."""


class TieRuleInconclusive(Invalid):
    """The tie rule leaves ties: it ends with the rank or a recorded lot, and names nothing twice."""


class DeadlineInvalid(Invalid):
    """The deadline cannot be used: it must lie ahead, and questions end before it."""


class AmendmentTooShort(Invalid):
    """An amendment gives bidders time: a later deadline, and at least half of the time that was announced at first."""


class NewBidsNeeded(Invalid):
    """Bids given on other criteria do not answer these: ask for new ones."""


@dataclass(frozen=True)
class Terms:
    """What decides whether a mini-competition's terms hold together."""

    criteria: tuple[Criterion, ...]
    tie_rule: tuple[Tie, ...]
    evaluators: tuple[str, ...]
    questions_until: datetime | None
    deadline: datetime


def after(state: State, event: Event) -> State:
    try:
        return MOVES[state, event]
    except KeyError:
        raise MoveRefused(f"Cannot {event} a mini-competition that is {state}.", state=state.value) from None


def check(terms: Terms) -> list[Problem]:
    """All that does not hold together, whenever it is looked at."""
    found = _check_criteria(terms.criteria)
    if any(one.kind is not Kind.PRICE for one in terms.criteria) and not terms.evaluators:
        found.append(EvaluatorsMissing(pointer="#/evaluators"))
    found += _repeated(terms.evaluators, "#/evaluators")
    ties = terms.tie_rule
    if not ties or ties[-1] not in DECIDING or len(set(ties)) < len(ties):
        found.append(TieRuleInconclusive(pointer="#/tie_rule"))
    if terms.questions_until and terms.questions_until >= terms.deadline:
        found.append(DeadlineInvalid("Questions end before the deadline.", pointer="#/questions_until"))
    return found


def _check_criteria(criteria: Sequence[Criterion]) -> list[Problem]:
    found = _repeated([one.code for one in criteria], "#/criteria")
    for place, one in enumerate(criteria):
        where = f"#/criteria/{place}"
        found += [CriteriaInvalid(told, pointer=f"{where}/{name}") for name, told in _wrong(one)]
    prices = [one for one in criteria if one.kind is Kind.PRICE]
    if len(prices) > 1:
        found.append(CriteriaInvalid("Price is one criterion.", pointer="#/criteria"))
    total = sum((one.weight for one in criteria if one.weight and one.kind is not Kind.MUST), Decimal(0))
    if total != HUNDRED:
        found.append(CriteriaInvalid(f"The weights sum to {total}, not to 100.", pointer="#/criteria"))
    return found


def _wrong(one: Criterion) -> list[tuple[str, str]]:
    """(field, what is wrong with it)"""
    parameters = {"scale_max": one.scale_max, "points_per_krone": one.points_per_krone}
    if one.kind is Kind.MUST:
        given = {"weight": one.weight, "formula": one.formula, **parameters}
        return [(name, "A must has none.") for name, value in given.items() if value is not None]
    found = [] if one.weight else [("weight", "It needs a weight above 0.")]
    meaning = FORMULAS[one.formula] if one.formula else None
    if meaning is None or meaning.kind is not one.kind:
        names = ", ".join(sorted(name for name, told in FORMULAS.items() if told.kind is one.kind))
        return [*found, ("formula", f"For {one.kind} one of: {names}.")]
    for name, value in parameters.items():
        if (name in meaning.parameters) != bool(value):
            found.append((name, f"{one.formula} {'needs it' if name in meaning.parameters else 'has none'}."))
    return found


def _repeated(codes: Sequence[str], where: str) -> list[Problem]:
    return [
        CriterionRepeated(f"{code}.", pointer=f"{where}/{place}/code")
        for place, code in enumerate(codes)
        if code in codes[:place]
    ]


def check_price_list(above: bool, allowed: bool) -> list[Problem]:
    if above and not allowed:
        return [PriceListCeilingHolds(pointer="#/above_price_list")]
    return []


def check_publication(*, method: Method, value: Decimal, invited: Collection[object], ahead: bool) -> list[Problem]:
    """Why it cannot be published now. `ahead`: its deadline is, by the database's clock."""
    found: list[Problem] = []
    if method is not Method.MINI_COMPETITION:
        found.append(MethodNotMiniCompetition(f"For {value:.2f} kr without VAT it is {method}."))
    if not invited:
        found.append(NobodyToInvite())
    if not ahead:
        found.append(DeadlineInvalid("It has passed.", pointer="#/deadline"))
    return found


def earliest_deadline(published_at: datetime, deadline: datetime, now: datetime) -> datetime:
    """The earliest deadline that an amendment made now may set; it must be later than the one before too."""
    announced: timedelta = deadline - published_at
    return max(deadline, now + announced / LEAST_SHARE)


def check_amendment(earliest: datetime, before: datetime, new: datetime) -> list[Problem]:
    if new > before and new >= earliest:
        return []
    told = earliest.isoformat(timespec="seconds").replace("+00:00", "Z")
    return [AmendmentTooShort(f"It must be later than before, and not before {told}.", pointer="#/deadline")]


def check_new_bids(changed: bool, required: bool) -> list[Problem]:
    """`changed`: the criteria are other ones than before."""
    return [NewBidsNeeded(pointer="#/requires_new_bids")] if changed and not required else []
