"""What an organisation may look like, and who stands in its place on a day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from services.chassis.problems import Invalid, Problem


class Kind(StrEnum):
    MUNICIPALITY = "municipality"
    COUNTY = "county"
    CO_OPERATION = "co_operation"
    SUPPLIER = "supplier"
    STATE_AGENCY = "state_agency"
    JOINT_UNIT = "joint_unit"
    OTHER = "other"


PUBLIC_KINDS = frozenset({Kind.MUNICIPALITY, Kind.COUNTY, Kind.CO_OPERATION, Kind.JOINT_UNIT, Kind.STATE_AGENCY})


class Relation(StrEnum):
    """How an organisation on a day comes from the one that was asked for. Of several steps the strongest tells: a
    split somewhere makes it uncertain who carries a thing on."""

    SAME = "same"
    CONTINUED = "continued"
    MERGER = "merger"
    SPLIT = "split"


_STRENGTH = list(Relation)


class PopulationUndated(Invalid):
    """A population and its date go together."""


class NoMunicipality(Invalid):
    """Only a municipality has municipality numbers."""


class NumberPeriodInvalid(Invalid):
    """A municipality number ends before it begins."""


class LifeInvalid(Invalid):
    """An organisation ends before it begins."""


class BackDatingUnexplained(Invalid):
    """What takes effect before today must say why it is recorded so late."""


class EffectiveBeforeLastChange(Invalid):
    """A name or a county cannot begin before the one that it follows."""


@dataclass(frozen=True)
class NumberPeriod:
    """A municipality number with its first and last day. No first day: it held before anything is recorded; no last
    day: it still holds."""

    number: str
    valid_from_on: date | None
    valid_to_on: date | None
    basis: str | None = None
    """What the days rest on."""


@dataclass(frozen=True)
class Life:
    """The first and the last day of an organisation; None where it is not known, or not over."""

    from_on: date | None
    to_on: date | None

    def includes(self, on: date) -> bool:
        return (self.from_on is None or self.from_on <= on) and (self.to_on is None or on <= self.to_on)


@dataclass(frozen=True)
class Step:
    """One organisation taking another's place, wholly or in part, from a day on."""

    predecessor: int
    successor: int
    kind: Relation
    effective_on: date
    source: str = ""


def is_public_body(kinds: Iterable[str]) -> bool:
    """Whether it may see what suppliers may not. Who sells is a supplier, whatever else it is."""
    found = set(kinds)
    return Kind.SUPPLIER not in found and bool(found & PUBLIC_KINDS)


def resolve(
    start: int, steps: Mapping[int, Sequence[Step]], lives: Mapping[int, Life], on: date
) -> list[tuple[int, Relation]]:
    """Who stands in the place of `start` on a day: itself while it exists, otherwise those that its successors lead
    to; nobody when it had none, or had not begun. `steps` by predecessor."""
    found: dict[int, Relation] = {}
    waiting, seen = [(start, Relation.SAME)], {(start, Relation.SAME)}
    while waiting:
        here, relation = waiting.pop()
        if lives[here].includes(on):
            found[here] = _stronger(found.get(here, relation), relation)
            continue
        for step in steps.get(here, ()):
            following = (step.successor, _stronger(relation, step.kind))
            if step.effective_on <= on and following not in seen:
                seen.add(following)
                waiting.append(following)
    return sorted(found.items())


def _stronger(one: Relation, other: Relation) -> Relation:
    return max(one, other, key=_STRENGTH.index)


def check(
    kinds: Sequence[Kind],
    population: int | None,
    population_on: date | None,
    numbers: Sequence[NumberPeriod],
    life: Life = Life(None, None),
) -> list[Problem]:
    found: list[Problem] = []
    if (population is None) != (population_on is None):
        found.append(PopulationUndated("Give both, or neither.", pointer="#/population_on"))
    if numbers and Kind.MUNICIPALITY not in kinds:
        found.append(NoMunicipality(pointer="#/municipality_numbers"))
    found += [
        NumberPeriodInvalid(f"{one.number} ends before it begins.", pointer=f"#/municipality_numbers/{place}")
        for place, one in enumerate(numbers)
        if one.valid_to_on is not None and one.valid_from_on is not None and one.valid_to_on < one.valid_from_on
    ]
    if life.from_on is not None and life.to_on is not None and life.to_on < life.from_on:
        found.append(LifeInvalid(pointer="#/existed_to_on"))
    return found


def back_dating(effective_on: date, today: date, reason: str | None) -> list[Problem]:
    """What is recorded after it took effect needs a reason, and is flagged."""
    if effective_on < today and reason is None:
        return [BackDatingUnexplained(f"{effective_on} is before today, {today}.", pointer="#/reason")]
    return []


def day_before(day: date) -> date:
    return day - timedelta(days=1)


def following(effective_on: date, last_change_on: date | None) -> list[Problem]:
    """A new name or county must begin after the one before it began."""
    if last_change_on is not None and effective_on <= last_change_on:
        return [EffectiveBeforeLastChange(f"The present one holds from {last_change_on}.", pointer="#/effective_on")]
    return []
