"""Who pays what, exact to the øre: by the largest remainder on the whole key. Never through a float."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import lcm
from typing import Any, Protocol
from uuid import UUID

from services.chassis.problems import Invalid, Problem

Z = Decimal(0)


class Kind(StrEnum):
    """What a member's weight is made of."""

    EQUAL = "equal"
    POPULATION = "population"
    WEIGHTED = "weighted"
    PERCENTAGES = "percentages"
    FIXED = "fixed"
    PER_INHABITANT = "per_inhabitant"
    FIXED_AND_PER_INHABITANT = "fixed_and_per_inhabitant"


RATES = frozenset({Kind.FIXED, Kind.PER_INHABITANT, Kind.FIXED_AND_PER_INHABITANT})
"""Keys that say what each member contributes, and so produce an amount when none is given."""
COUNTING = frozenset({Kind.POPULATION, Kind.WEIGHTED, Kind.PER_INHABITANT, Kind.FIXED_AND_PER_INHABITANT})
"""Keys that count inhabitants."""


class Basis(StrEnum):
    """Whether the amounts that are split are without or with VAT."""

    EXCL_VAT = "excl_vat"
    INCL_VAT = "incl_vat"


class GrantUse(StrEnum):
    """What becomes of a grant: it reduces what the members split, or stands beside what they contribute."""

    REDUCES = "reduces"
    BESIDE = "beside"


class PopulationMissing(Invalid):
    """A key that counts inhabitants needs every member's population.

    The catalogue has none for this organisation on that day; give `population` and `population_on` with the source.
    """


class MemberUnknown(Invalid):
    """The catalogue has no organisation with this number on that day."""


class MemberTwice(Invalid):
    """A member stands in the list twice."""


class PercentagesWrong(Invalid):
    """The percentages must name exactly the members, and be 100 together."""


class AmountMissing(Invalid):
    """This key splits an amount, so one must be given."""


class GrantTooLarge(Invalid):
    """The grants that reduce the amount are larger than the amount."""


class KeyWithoutWeight(Invalid):
    """By this key nobody would pay anything."""


@dataclass(frozen=True)
class Key:
    """A cost key as data. `fixed` and `per_inhabitant` are NOK for each member and for each inhabitant,
    `equal_percent` is the part that a weighted key shares equally; the rest goes by population."""

    kind: Kind
    equal_percent: Decimal = Z
    percentages: Mapping[str, Decimal] = field(default_factory=dict)
    fixed: Decimal = Z
    per_inhabitant: Decimal = Z


@dataclass(frozen=True)
class Member:
    number: str
    population: int | None = None


class Known(Protocol):
    """What the catalogue knows of an organisation on a day."""

    @property
    def id(self) -> UUID: ...
    @property
    def name(self) -> str: ...
    @property
    def population(self) -> int | None: ...
    @property
    def population_on(self) -> date | None: ...


@dataclass(frozen=True)
class Counted:
    """A member as it was relied on: its inhabitants, the day they were counted on, and who says so."""

    number: str
    organisation_id: UUID
    name: str
    population: int | None
    population_on: date | None
    given_source: str | None
    """Whoever asked gave the population, from this source; null: it is the catalogue's."""

    @property
    def member(self) -> Member:
        return Member(self.number, self.population)


@dataclass(frozen=True)
class Asked:
    """A member as it is named in a request, with a population of the caller's own if it gives one."""

    number: str
    population: int | None = None
    population_on: date | None = None
    source: str | None = None


@dataclass(frozen=True)
class Grant:
    """NOK from somebody who is no member."""

    amount: Decimal
    use: GrantUse


@dataclass(frozen=True)
class Share:
    """What one member pays of `total` øre and how it came about. Its weight is fixed and variable, which does not and
    does depend on inhabitants, of the weight of all; `whole` is its whole øre, towards zero."""

    number: str
    population: int | None
    total: int
    fixed_weight: int
    variable_weight: int
    all_weight: int
    whole: int
    extra: int
    """The øre that the largest remainders got: 0, or 1 (-1 of a negative amount)."""

    @property
    def weight(self) -> Fraction:
        """The weights of a split are 1 together."""
        return Fraction(self.fixed_weight + self.variable_weight, self.all_weight)

    @property
    def ideal(self) -> Fraction:
        """The exact share, in øre."""
        return self.fixed + self.variable

    @property
    def fixed(self) -> Fraction:
        return Fraction(self.total * self.fixed_weight, self.all_weight)

    @property
    def variable(self) -> Fraction:
        return Fraction(self.total * self.variable_weight, self.all_weight)

    @property
    def ore(self) -> int:
        return self.whole + self.extra

    @property
    def amount(self) -> Decimal:
        return nok(self.ore)


@dataclass(frozen=True)
class Split:
    """NOK. `amount` = `reduced_by` + the sum of the shares; `financed` is that and what stands beside it."""

    amount: Decimal
    produced: bool
    """Whether the amount is the sum of the members' contributions, by the key's rates."""
    reduced_by: Decimal
    beside: Decimal
    shares: tuple[Share, ...]

    @property
    def contributions(self) -> Decimal:
        return self.amount - self.reduced_by

    @property
    def financed(self) -> Decimal:
        return self.amount + self.beside


def ore(amount: Decimal) -> int:
    """NOK with at most two decimals → øre."""
    whole = amount.scaleb(2)
    if whole != whole.to_integral_value():
        raise ValueError(f"{amount} has a fraction of an øre")
    return int(whole)


def nok(ore: int) -> Decimal:
    return Decimal(ore).scaleb(-2)


def key(kept: Mapping[str, Any]) -> Key:
    """From JSON, as a key stands on the wire: amounts and percentages are text."""
    return Key(
        Kind(kept["kind"]),
        Decimal(kept.get("equal_percent", 0)),
        {number: Decimal(percent) for number, percent in kept.get("percentages", {}).items()},
        Decimal(kept.get("fixed", 0)),
        Decimal(kept.get("per_inhabitant", 0)),
    )


def settle(
    keys: Mapping[str, Key], asked: Sequence[Asked], known: Mapping[str, Known], whom: str = "#/members"
) -> tuple[list[Counted], list[Problem]]:
    """The members as they are relied on, and every reason why the keys, by their place in the request, cannot be used
    on them."""
    problems: list[Problem] = [
        MemberUnknown(f"{one.number} did not exist then, or is not in the catalogue.", pointer=f"{whom}/{place}")
        for place, one in enumerate(asked)
        if one.number not in known
    ]
    counted = [_counted(one, known[one.number]) for one in asked if one.number in known]
    members = {one.number: one.member for one in counted}
    # One who is unknown is told as that, and not once more for having no population.
    whole = [members.get(one.number, Member(one.number, 0)) for one in asked]
    told: set[tuple[str, str | None]] = set()
    for pointer, key in keys.items():
        for problem in check(key, whole, pointer, whom):
            if (problem.slug(), problem.pointer) not in told:
                problems.append(problem)
            told.add((problem.slug(), problem.pointer))
    return counted, problems


def _counted(asked: Asked, known: Known) -> Counted:
    if asked.population is not None:
        return Counted(asked.number, known.id, known.name, asked.population, asked.population_on, asked.source)
    return Counted(asked.number, known.id, known.name, known.population, known.population_on, None)


def check(key: Key, members: Sequence[Member], pointer: str = "#/key", whom: str = "#/members") -> list[Problem]:
    """Every reason why this key cannot be used on these members; `whom` points to their list in the request."""
    numbers = [one.number for one in members]
    found: list[Problem] = [
        MemberTwice(f"{number} stands there already.", pointer=f"{whom}/{place}")
        for place, number in enumerate(numbers)
        if number in numbers[:place]
    ]
    if key.kind in COUNTING:
        found += [
            PopulationMissing(f"No population of {one.number} is known on that day.", pointer=f"{whom}/{place}")
            for place, one in enumerate(members)
            if one.population is None
        ]
    if key.kind is Kind.PERCENTAGES:
        found += _check_percentages(key.percentages, numbers, f"{pointer}/percentages")
    if not found and not any(sum(parts) for parts in _weights(key, members)):
        found.append(KeyWithoutWeight("Every member's weight is nought.", pointer=pointer))
    return found


def _check_percentages(percentages: Mapping[str, Decimal], numbers: Sequence[str], pointer: str) -> list[Problem]:
    found: list[Problem] = [
        PercentagesWrong(f"{number} has no percentage.", pointer=pointer)
        for number in dict.fromkeys(numbers)
        if number not in percentages
    ]
    found += [
        PercentagesWrong(f"{number} is no member.", pointer=f"{pointer}/{number}")
        for number in percentages
        if number not in numbers
    ]
    if (together := sum(percentages.values(), Z)) != 100:
        found.append(PercentagesWrong(f"They are {together.normalize():f} together.", pointer=pointer))
    return found


def check_amount(key: Key, amount: Decimal | None, grants: Sequence[Grant], members: Sequence[Member]) -> list[Problem]:
    """`amount` and grants against each other, once the key can be used on the members."""
    if amount is None and key.kind not in RATES:
        return [AmountMissing(f"The key «{key.kind}» has no rates of its own.", pointer="#/amount")]
    whole = nok(_contributions(key, members)) if amount is None else amount
    reducing = sum((grant.amount for grant in grants if grant.use is GrantUse.REDUCES), Z)
    if reducing > max(whole, Z):
        return [GrantTooLarge(f"{reducing:.2f} kr against {whole:.2f} kr.", pointer="#/grants")]
    return []


def split(key: Key, members: Sequence[Member], amount: Decimal | None = None, grants: Sequence[Grant] = ()) -> Split:
    """What each member pays, by organisation number. Without an amount the key's rates produce it; with one they are
    weights. Grants that reduce the amount are taken off before it is split."""
    produced = amount is None
    whole = nok(_contributions(key, members)) if amount is None else amount
    by_use = {use: sum((grant.amount for grant in grants if grant.use is use), Z) for use in GrantUse}
    shares = divide(key, members, ore(whole - by_use[GrantUse.REDUCES]))
    return Split(whole, produced, by_use[GrantUse.REDUCES], by_use[GrantUse.BESIDE], shares)


def divide(key: Key, members: Sequence[Member], total: int) -> tuple[Share, ...]:
    """`total` øre in whole øre, by organisation number: each gets the whole øre of its exact share, and what is left
    goes one øre each to the largest fractions, equal ones by organisation number. A negative total is the same split
    with the sign turned."""
    members = sorted(members, key=lambda one: one.number)
    weights = _whole(_weights(key, members))
    all_weight = sum(fixed + variable for fixed, variable in weights)
    sign, size = (-1 if total < 0 else 1), abs(total)
    parts = [divmod(size * (fixed + variable), all_weight) for fixed, variable in weights]
    by_fraction = sorted(range(len(members)), key=lambda place: (-parts[place][1], members[place].number))
    lucky = set(by_fraction[: size - sum(whole for whole, _ in parts)])
    return tuple(
        Share(
            number=member.number,
            population=member.population if key.kind in COUNTING else None,
            total=total,
            fixed_weight=weights[place][0],
            variable_weight=weights[place][1],
            all_weight=all_weight,
            whole=sign * parts[place][0],
            extra=sign * (place in lucky),
        )
        for place, member in enumerate(members)
    )


def _whole(weights: Sequence[tuple[Fraction, Fraction]]) -> list[tuple[int, int]]:
    """The same weights in whole numbers."""
    factor = lcm(*(part.denominator for pair in weights for part in pair))
    return [(int(fixed * factor), int(variable * factor)) for fixed, variable in weights]


def cumulative(key: Key, members: Sequence[Member], before: Decimal, now: Decimal) -> dict[str, Decimal]:
    """What each member pays of a part bill, when `before` NOK were billed already and `now` are with it: the
    difference of two splits, so that all bills together are the split of the whole. One may be -1 øre: a larger
    amount can lower a single share by one øre (the Alabama paradox)."""
    earlier = {share.number: share.ore for share in divide(key, members, ore(before))}
    return {share.number: nok(share.ore - earlier[share.number]) for share in divide(key, members, ore(now))}


def ready_key(fixed: str | None, per_inhabitant: str | None) -> tuple[dict[str, str] | None, str | None]:
    """A source's words for what each pays → the key as on the wire, or why there is none that can be computed."""
    words = [one for one in (fixed, per_inhabitant) if one and one != "0"]
    if words == [_BY_POPULATION]:
        return {"kind": Kind.POPULATION}, None
    if not words:
        return None, "The source tells no key."
    if unclear := [one for one in words if not one.isdecimal()]:
        return None, f"The source gives no exact rate: «{unclear[0]}»."
    rates = {"fixed": fixed, "per_inhabitant": per_inhabitant}
    named = {name: f"{rate}.00" for name, rate in rates.items() if rate and rate != "0"}
    return {"kind": Kind("_and_".join(named)), **named}, None


_BY_POPULATION = "prosentvis andel etter innbyggertall"


def _contributions(key: Key, members: Sequence[Member]) -> int:
    """Øre by the key's rates. Rates have two decimals, so every contribution is a whole number of øre."""
    return sum(ore(key.fixed) + ore(key.per_inhabitant) * (one.population or 0) for one in members)


def _weights(key: Key, members: Sequence[Member]) -> list[tuple[Fraction, Fraction]]:
    """Each member's weight: the part that does not depend on inhabitants, and the part that does."""
    nought = Fraction(0)
    people = [one.population or 0 for one in members]
    if key.kind in RATES:
        fixed, rate = Fraction(key.fixed), Fraction(key.per_inhabitant)
        return [(fixed, rate * count) for count in people]
    match key.kind:
        case Kind.EQUAL:
            return [(Fraction(1), nought) for _ in members]
        case Kind.PERCENTAGES:
            return [(Fraction(key.percentages[one.number]), nought) for one in members]
        case Kind.POPULATION:
            return [(nought, Fraction(count)) for count in people]
        case Kind.WEIGHTED:
            equal = Fraction(key.equal_percent) / 100
            everybody = sum(people)
            return [
                (equal / len(members), (1 - equal) * Fraction(count, everybody) if everybody else nought)
                for count in people
            ]
    raise AssertionError(key.kind)
