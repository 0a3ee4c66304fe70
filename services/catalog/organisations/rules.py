"""What an organisation may look like, and who stands in its place on a day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.catalog.periods.rules import Life, NumberPeriod, check_numbers
from services.chassis.problems import Invalid, Problem


class Kind(StrEnum):
    MUNICIPALITY = "municipality"
    COUNTY = "county"
    CO_OPERATION = "co_operation"
    SUPPLIER = "supplier"
    STATE_AGENCY = "state_agency"
    JOINT_UNIT = "joint_unit"
    OTHER = "other"


class LanguageForm(StrEnum):
    """The form of Norwegian (målform) that a municipality has decided on."""

    NB = "nb"
    NN = "nn"
    NEUTRAL = "neutral"


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


class LifeInvalid(Invalid):
    """An organisation ends before it begins."""


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
    life: Life,
) -> list[Problem]:
    found: list[Problem] = []
    if (population is None) != (population_on is None):
        found.append(PopulationUndated("Give both, or neither.", pointer="#/population_on"))
    if numbers and Kind.MUNICIPALITY not in kinds:
        found.append(NoMunicipality(pointer="#/municipality_numbers"))
    found += check_numbers(numbers)
    if life.from_on is not None and life.to_on is not None and life.to_on < life.from_on:
        found.append(LifeInvalid(pointer="#/existed_to_on"))
    return found
