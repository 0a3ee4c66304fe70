"""How a change lives, and what it makes of a price list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from services.agreements.frameworks.rules import Period, check_extension
from services.agreements.frameworks.rules import State as AgreementState
from services.agreements.price_lists import rules as price_lists
from services.agreements.price_lists.rules import Line
from services.agreements.price_terms.rules import Bounds, Clause
from services.chassis.problems import Conflict, Forbidden, Invalid, Problem


class State(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    CANCELLED = "cancelled"


class Event(StrEnum):
    ACTIVATE = "activate"
    CANCEL = "cancel"


MOVES = {
    (State.PENDING, Event.ACTIVATE): State.ACTIVE,
    (State.PENDING, Event.CANCEL): State.CANCELLED,
}
CHANGEABLE = frozenset({AgreementState.ACTIVE, AgreementState.SUSPENDED})
"""In these an agreement can be changed."""


class Kind(StrEnum):
    ITEM_PRICE_VARIATION = "item_price_variation"
    TAX_RATE = "tax_rate"
    THIRD_PARTY = "third_party"
    PARTY_WITHDRAWAL = "party_withdrawal"
    EXTENSION = "extension"


class MoveRefused(Conflict):
    """The change cannot take this step from its current state."""


class ChangePending(Conflict):
    """Another change of the agreement is pending.

    One at a time: activate or cancel that one first.
    """


class AgreementNotChangeable(Conflict):
    """A framework agreement can be changed while it is active or suspended."""


class PlaceNotHeld(Conflict):
    """The supplier no longer holds this place."""


class NotPartyToChange(Forbidden):
    """Only the framework owner, or a supplier for its own place, may propose this change."""


class SigningInvalid(Invalid):
    """The day of signing cannot be used: changes are signed in order, and not in the future."""


class EffectiveDayInvalid(Invalid):
    """The change cannot take effect on this day."""


@dataclass(frozen=True)
class Variation:
    """Some items' prices (None: all), times a factor."""

    factor: Decimal
    items: tuple[str, ...] | None


@dataclass(frozen=True)
class TaxRate:
    """Another rate of VAT, in per cent, where one holds."""

    from_percent: Decimal
    to_percent: Decimal


@dataclass(frozen=True)
class ThirdParty:
    """What the clause's index was in a month (`2026-10`)."""

    month: str
    value: Decimal


@dataclass(frozen=True)
class Withdrawal:
    """The supplier leaves its place."""


@dataclass(frozen=True)
class Extension:
    """An announced option is used: the agreement's last day is another."""

    ends_on: date


Terms = Variation | TaxRate | ThirdParty | Withdrawal | Extension
ON_ITS_DAY = (Withdrawal, Extension)
"""What is done at once when it is activated, so that it is activated on its own day."""


@dataclass(frozen=True)
class Priced:
    """What decides how a place's prices can change: the newest list, the first prices by item, and what is agreed."""

    lines: Sequence[Line]
    first: Mapping[str, Decimal]
    clause: Clause | None
    bounds: Bounds
    newest_from_on: date


def after(state: State, event: Event) -> State:
    try:
        return MOVES[state, event]
    except KeyError:
        raise MoveRefused(f"Cannot {event} a change that is {state}.") from None


def check_agreement(state: AgreementState) -> list[Problem]:
    return [] if state in CHANGEABLE else [AgreementNotChangeable(f"It is {state}.")]


def check_day(terms: Terms, effective_on: date, today: date, ends_on: date, newest: Sequence[date]) -> list[Problem]:
    """`newest`: since when, or from when, the places' newest price lists hold. A withdrawal or an extension is only of
    the day that it is activated on, so that no order finds a supplier that has left, or an end that is not yet."""
    first = max(today, *newest) if newest and not isinstance(terms, ON_ITS_DAY) else today
    if effective_on < first:
        return [EffectiveDayInvalid(f"The earliest day is {first}.", pointer="#/effective_on")]
    if effective_on > ends_on:
        return [EffectiveDayInvalid(f"The agreement ends on {ends_on}.", pointer="#/effective_on")]
    return []


def check_own_day(terms: Terms, effective_on: date, today: date) -> list[Problem]:
    if isinstance(terms, ON_ITS_DAY) and effective_on != today:
        return [EffectiveDayInvalid("It is activated on its own day.", pointer="#/effective_on")]
    return []


def check_terms(terms: Terms, period: Period) -> list[Problem]:
    """What the agreement itself says against the change."""
    return check_extension(period, terms.ends_on, "#/change/ends_on") if isinstance(terms, Extension) else []


def check_signing(signed_on: date, last_signed_on: date | None, today: date) -> list[Problem]:
    if signed_on > today:
        return [SigningInvalid(f"{signed_on} is after today.", pointer="#/signed_on")]
    if last_signed_on is not None and signed_on < last_signed_on:
        return [SigningInvalid(f"The change before was signed on {last_signed_on}.", pointer="#/signed_on")]
    return []


def changed(terms: Terms, priced: Priced) -> list[Line]:
    """The price list as it would be, line by line; as it is where the change leaves prices alone."""
    if isinstance(terms, Variation):
        return price_lists.moved(priced.lines, terms.factor, terms.items)
    if isinstance(terms, TaxRate):
        return price_lists.taxed(priced.lines, terms.from_percent, terms.to_percent)
    if isinstance(terms, ThirdParty) and priced.clause:
        return price_lists.moved(priced.lines, price_lists.index_factor(priced.clause, terms.value))
    return list(priced.lines)


def explained(terms: Terms, priced: Priced) -> tuple[Decimal | None, str | None]:
    """What prices are multiplied by, and how that comes about; nothing where they are not."""
    if isinstance(terms, Variation):
        return terms.factor, f"{terms.factor}, as agreed"
    if isinstance(terms, ThirdParty) and priced.clause:
        clause = priced.clause
        factor = price_lists.index_factor(clause, terms.value)
        ratio = f"{terms.value} ({terms.month}) / {clause.base_value} ({clause.base_month})"
        return factor, f"{clause.index}: 1 + {clause.share_percent} % x ({ratio} - 1) = {factor}"
    return None, None


def check(terms: Terms, places: Sequence[Priced], effective_on: date) -> list[Problem]:
    """Every rule that the change would break, at every place that it is of."""
    if isinstance(terms, TaxRate):
        return price_lists.check_rate([line for one in places for line in one.lines], terms.from_percent)
    found: list[Problem] = []
    for one in places:
        if isinstance(terms, Variation):
            found += price_lists.check_items(one.lines, terms.items)
        elif isinstance(terms, ThirdParty):
            found += price_lists.check_index(one.clause, terms.month, effective_on)
        found += price_lists.check_prices(one.first, one.lines, changed(terms, one), one.bounds)
    return found
