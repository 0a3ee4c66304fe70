"""How a framework agreement lives, and what must hold before it is announced or used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from services.agreements.price_terms.rules import DEFAULT, Bounds, check_bounds
from services.chassis.problems import Conflict, Forbidden, Invalid, Problem


class State(StrEnum):
    DRAFT = "draft"
    ANNOUNCED = "announced"
    STANDSTILL = "standstill"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    EXHAUSTED = "exhausted"
    EXPIRED = "expired"
    TERMINATED = "terminated"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class Event(StrEnum):
    ANNOUNCE = "announce"
    AWARD = "award"
    ACTIVATE = "activate"
    REOPEN_EVALUATION = "reopen_evaluation"
    SUSPEND = "suspend"
    RESUME = "resume"
    EXHAUST = "exhaust"
    EXPIRE = "expire"
    TERMINATE = "terminate"
    CLOSE = "close"
    CANCEL = "cancel"


MOVES = {
    (State.DRAFT, Event.ANNOUNCE): State.ANNOUNCED,
    (State.DRAFT, Event.CANCEL): State.CANCELLED,
    (State.ANNOUNCED, Event.AWARD): State.STANDSTILL,
    (State.ANNOUNCED, Event.CANCEL): State.CANCELLED,
    (State.STANDSTILL, Event.ACTIVATE): State.ACTIVE,
    (State.STANDSTILL, Event.REOPEN_EVALUATION): State.ANNOUNCED,
    (State.STANDSTILL, Event.CANCEL): State.CANCELLED,
    (State.ACTIVE, Event.SUSPEND): State.SUSPENDED,
    (State.ACTIVE, Event.EXHAUST): State.EXHAUSTED,
    (State.ACTIVE, Event.EXPIRE): State.EXPIRED,
    (State.ACTIVE, Event.TERMINATE): State.TERMINATED,
    (State.SUSPENDED, Event.RESUME): State.ACTIVE,
    (State.SUSPENDED, Event.EXPIRE): State.EXPIRED,
    (State.SUSPENDED, Event.TERMINATE): State.TERMINATED,
    (State.EXHAUSTED, Event.EXPIRE): State.EXPIRED,
    (State.EXHAUSTED, Event.TERMINATE): State.TERMINATED,
    (State.EXPIRED, Event.CLOSE): State.CLOSED,
    (State.TERMINATED, Event.CLOSE): State.CLOSED,
}

OWNERS = (
    Event.ANNOUNCE,
    Event.AWARD,
    Event.ACTIVATE,
    Event.REOPEN_EVALUATION,
    Event.SUSPEND,
    Event.RESUME,
    Event.TERMINATE,
    Event.CLOSE,
    Event.CANCEL,
)
"""What the framework owner does by hand; the others follow from the ledger and the calendar."""
RUNNING = frozenset({State.ACTIVE, State.SUSPENDED, State.EXHAUSTED})
"""States that the agreement's last day ends."""
OVER = frozenset({State.EXPIRED, State.TERMINATED})
"""States that end every supplier's place."""
WARNED_AT = (80, 90, 100)
"""Per cent of the estimate, when it is warned: far beyond the estimate is another agreement than the one competed for
(KOFA 2020/1). Only the maximum stops."""


CERTIFIABLE = frozenset({"not_yet_effective", "effective", "warned"})
"""By the catalogue's names: versions of a specification that are published, so that what they demand is fixed, and that
have not ended."""


class Role(StrEnum):
    """As what the owner makes the agreement."""

    FRAMEWORK_OWNER = "framework_owner"
    CENTRAL_PURCHASING_BODY = "central_purchasing_body"


class ContractKind(StrEnum):
    """Which threshold the estimate is measured against."""

    GOODS_SERVICES = "goods_services"
    WORKS = "works"


class LotKind(StrEnum):
    """What a lot is about: the reports' own list."""

    COMPONENTS = "components"
    PRODUCTS = "products"
    OPERATIONS_PLATFORM = "operations_platform"
    ADVISER_HOURS = "adviser_hours"
    IMPLEMENTATION_HELP = "implementation_help"


class Method(StrEnum):
    """How a lot's supplier is found. Announced by value band, never the buyer's free choice."""

    RANKING = "ranking"
    ROTATION = "rotation"
    CHEAPEST_BASKET = "cheapest_basket"
    OBJECTIVE_CONDITIONS = "objective_conditions"
    MINI_COMPETITION = "mini_competition"


@dataclass(frozen=True)
class Band:
    """From a value on (NOK without VAT) a lot's supplier is found by this method."""

    from_value: Decimal
    method: Method


@dataclass(frozen=True)
class Named:
    """An announced condition for a documented choice, or an announced ground for declining: code and text."""

    code: str
    text: Mapping[str, str]


def bands(kept: Sequence[Mapping[str, str]]) -> tuple[Band, ...]:
    """As a lot keeps them: `[{"from_excl_vat": "0.00", "method": "ranking"}, …]`, rising."""
    return tuple(Band(Decimal(one["from_excl_vat"]), Method(one["method"])) for one in kept)


class MoveRefused(Conflict):
    """The framework agreement cannot take this step from its current state."""


class NotOwner(Forbidden):
    """Only the framework owner may change a framework agreement."""


class TermsClosed(Conflict):
    """The terms are closed.

    From the announcement on, neither the ceilings nor the list of participants can be changed (C-216/17, C-23/20).
    """


class PeriodInvalid(Invalid):
    """The agreement's period cannot be used.

    At most four years, options for extension counted in, unless a reason is recorded (anskaffelsesforskriften § 26-1,
    directive 2014/24 art. 33).
    """


class AccessionWindowInvalid(Invalid):
    """The window for accession cannot be used."""


class CeilingInvalid(Invalid):
    """The ceilings do not fit together."""


class ItemRepeated(Invalid):
    """A maximum quantity is given twice for the same item."""


class NameRepeated(Invalid):
    """Two lots, conditions or grounds have the same name."""


class ParticipantRepeated(Invalid):
    """A participant is named twice."""


class BandsInvalid(Invalid):
    """The value bands leave a gap or overlap: the first begins at 0.00, and each of the others above the one before."""


class ConditionsMissing(Invalid):
    """A documented choice needs announced objective conditions to choose by (directive 2014/24 art. 33(4))."""


class SpecificationVersionMissing(Invalid):
    """Demanded certification names the specification and its version, so that it stays what was announced."""


class GroundsWithoutObligation(Invalid):
    """Grounds for declining belong to a delivery obligation; without one a supplier may decline as it likes."""


class ExtensionNotAnnounced(Conflict):
    """The notice announced no option to extend the agreement to this day."""


@dataclass(frozen=True)
class Period:
    """`extensions`: the last day with each announced option for extension, in the order in which they are used."""

    starts_on: date
    ends_on: date
    rationale: str | None
    extensions: tuple[date, ...] = ()


@dataclass(frozen=True)
class Maximum:
    """What may be called off under one ceiling: NOK without VAT (None: no such maximum), and units by item."""

    value: Decimal | None
    quantities: tuple[tuple[str, int], ...] = ()

    def covers(self, item: str) -> bool:
        """Whether what is called off of an item comes under it."""
        return self.value is not None or any(one == item for one, _ in self.quantities)


@dataclass(frozen=True)
class LotTerms:
    """What decides whether a lot's terms hold together."""

    slug: str
    maximum: Maximum
    bands: tuple[Band, ...]
    conditions: tuple[str, ...] = ()
    specification: str | None = None
    specification_version: str | None = None
    delivery_obligation: bool = True
    grounds: tuple[str, ...] = ()
    bounds: Bounds = DEFAULT


@dataclass(frozen=True)
class Terms:
    """What decides whether an agreement's terms hold together, and whether they can be announced."""

    period: Period
    notice_reference: str | None
    cpv: tuple[str, ...]
    estimate: Decimal | None
    maximum: Maximum
    accession_from_on: date | None
    accession_to_on: date | None
    lots: tuple[LotTerms, ...]
    participants: tuple[tuple[str, Maximum], ...]


def after(state: State, event: Event) -> State:
    try:
        return MOVES[state, event]
    except KeyError:
        raise MoveRefused(f"Cannot {event} an agreement that is {state}.") from None


def check_open_terms(state: State) -> list[Problem]:
    return [] if state is State.DRAFT else [TermsClosed(f"This agreement is {state}.")]


def check(terms: Terms) -> list[Problem]:
    """All that does not hold together, whether it is announced yet or not."""
    found = check_period(terms.period) + _check_window(terms)
    if terms.estimate is not None and terms.maximum.value is not None and terms.estimate > terms.maximum.value:
        found.append(CeilingInvalid("The estimate is larger than the ceiling.", pointer="#/estimate_excl_vat"))
    found += _check_repeated(terms.maximum, "#")
    names: set[str] = set()
    for place, lot in enumerate(terms.lots):
        where = f"#/lots/{place}"
        if lot.slug in names:
            found.append(NameRepeated(f"{lot.slug} is an earlier lot's.", pointer=f"{where}/slug"))
        names.add(lot.slug)
        found += check_within(lot.maximum, terms.maximum, where, "A lot's")
        found += _check_lot(lot, where)
    numbers: set[str] = set()
    for place, (number, maximum) in enumerate(terms.participants):
        where = f"#/participants/{place}"
        if number in numbers:
            found.append(ParticipantRepeated(f"{number}.", pointer=where))
        numbers.add(number)
        found += check_within(maximum, terms.maximum, where, "A participant's")
    return found


def check_period(period: Period) -> list[Problem]:
    found: list[Problem] = []
    if period.ends_on < period.starts_on:
        found.append(PeriodInvalid("It ends before it starts.", pointer="#/ends_on"))
    last = period.ends_on
    for place, day in enumerate(period.extensions):
        if day <= last:
            found.append(PeriodInvalid(f"An extension must end after {last}.", pointer=f"#/extensions/{place}"))
        last = max(last, day)
    if last >= _four_years_after(period.starts_on) and not period.rationale:
        found.append(PeriodInvalid("More than four years need a recorded reason.", pointer="#/period_rationale"))
    return found


def check_extension(period: Period, ends_on: date, where: str) -> list[Problem]:
    """Whether an agreement may be prolonged to a day: by an announced option only, and beyond four years for a recorded
    reason only."""
    if ends_on <= period.ends_on or ends_on not in period.extensions:
        left = ", ".join(str(day) for day in period.extensions if day > period.ends_on) or "none"
        return [ExtensionNotAnnounced(f"Announced and not used: {left}.", pointer=where)]
    if ends_on >= _four_years_after(period.starts_on) and not period.rationale:
        return [PeriodInvalid("More than four years need a recorded reason.", pointer=where)]
    return []


def check_within(part: Maximum, whole: Maximum, where: str, whose: str) -> list[Problem]:
    """No part may be given more than the whole, in NOK or in units of an item."""
    found = _check_repeated(part, where)
    if part.value is not None and whole.value is not None and part.value > whole.value:
        pointer = f"{where}/ceiling_excl_vat"
        found.append(CeilingInvalid(f"{whose} ceiling is larger than the agreement's.", pointer=pointer))
    announced = dict(whole.quantities)
    found += [
        CeilingInvalid(
            f"{whose} maximum of {item} is larger than the agreement's.", pointer=f"{where}/quantities/{place}/maximum"
        )
        for place, (item, quantity) in enumerate(part.quantities)
        if item in announced and quantity > announced[item]
    ]
    return found


def _check_repeated(maximum: Maximum, where: str) -> list[Problem]:
    items = [item for item, _ in maximum.quantities]
    return [
        ItemRepeated(f"{item}.", pointer=f"{where}/quantities/{place}/item")
        for place, item in enumerate(items)
        if item in items[:place]
    ]


def _check_window(terms: Terms) -> list[Problem]:
    first, last = terms.accession_from_on, terms.accession_to_on
    if (first is None) != (last is None):
        missing = "accession_from_on" if first is None else "accession_to_on"
        return [AccessionWindowInvalid("It needs a first and a last day.", pointer=f"#/{missing}")]
    if first is None or last is None:
        return []
    if last < first:
        return [AccessionWindowInvalid("It ends before it begins.", pointer="#/accession_to_on")]
    if last > terms.period.ends_on:
        return [AccessionWindowInvalid("It ends after the agreement does.", pointer="#/accession_to_on")]
    return []


def _check_lot(lot: LotTerms, where: str) -> list[Problem]:
    found: list[Problem] = []
    for place, band in enumerate(lot.bands):
        above = Decimal(0) if place == 0 else lot.bands[place - 1].from_value
        if (band.from_value != 0) if place == 0 else (band.from_value <= above):
            told = "The first band begins at 0.00." if place == 0 else f"It must begin above {above:.2f}."
            found.append(BandsInvalid(told, pointer=f"{where}/bands/{place}/from_excl_vat"))
    if not lot.conditions:
        found += [
            ConditionsMissing("None is announced.", pointer=f"{where}/conditions")
            for band in lot.bands
            if band.method is Method.OBJECTIVE_CONDITIONS
        ][:1]
    for name, codes in (("conditions", lot.conditions), ("decline_grounds", lot.grounds)):
        found += [
            NameRepeated(f"{code}.", pointer=f"{where}/{name}/{place}/code")
            for place, code in enumerate(codes)
            if code in codes[:place]
        ]
    if (lot.specification is None) != (lot.specification_version is None):
        missing = "specification" if lot.specification is None else "specification_version"
        found.append(SpecificationVersionMissing("Give both, or neither.", pointer=f"{where}/{missing}"))
    if lot.grounds and not lot.delivery_obligation:
        found.append(GroundsWithoutObligation(pointer=f"{where}/decline_grounds"))
    return found + check_bounds(lot.bounds, where)


def reached(value: tuple[Decimal | None, Decimal], quantities: Sequence[tuple[Decimal, Decimal]]) -> bool:
    """Whether what is posted has reached the announced maximum, so that the agreement has no further effect (C-23/20).
    `value`: (ceiling, posted) in NOK; `quantities`: the same by item, which decide together where no value was
    announced. Reservations do not count: one that is released gives its room back."""
    ceiling, posted = value
    if ceiling is not None:
        return 0 < ceiling <= posted
    return bool(quantities) and all(most <= units for most, units in quantities)


def warned(estimate: Decimal | None, used: Decimal) -> list[int]:
    """Which shares of the estimate, in per cent, are used up (reserved and posted)."""
    return [share for share in WARNED_AT if estimate and used * 100 >= estimate * share]


def _four_years_after(day: date) -> date:
    """The first day that is no longer within four years; 29 February counts as 28."""
    try:
        return day.replace(year=day.year + 4)
    except ValueError:
        return day.replace(year=day.year + 4, day=28)
