"""What an organisation may look like, and how a co-operation's form of 2015 is read."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
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


class Form(StrEnum):
    """How municipalities work together, in the words of their time."""

    SECTION_27 = "section_27"
    HOST_MUNICIPALITY = "host_municipality"
    JOINT_MUNICIPALITY = "joint_municipality"
    INTERMUNICIPAL_COMPANY = "intermunicipal_company"
    LIMITED_COMPANY = "limited_company"
    AGREEMENTS = "agreements"


class Relation(StrEnum):
    """What a member of 2015 has to do with an organisation of today."""

    SAME = "same"
    INHERITED_UNCONFIRMED = "inherited_unconfirmed"


class PopulationUndated(Invalid):
    """A population and its date go together."""


class NoMunicipality(Invalid):
    """Only a municipality has municipality numbers."""


class NumberPeriodInvalid(Invalid):
    """A municipality number ends before it begins."""


class FormUnreadable(Invalid):
    """The organisational form cannot be read."""


@dataclass(frozen=True)
class NumberPeriod:
    """A municipality number with the days on which it holds; without an end it still does."""

    number: str
    valid_from_on: date
    valid_to_on: date | None


@dataclass(frozen=True)
class Unit:
    """One of a co-operation's units. `law` only where the source names a section of the act of 1992."""

    form: Form
    law: str | None


_FORMS = (
    (re.compile(r"§ 27"), Form.SECTION_27, "kommuneloven 1992 § 27"),
    (re.compile(r"Vertskommune \(§ 28-1b\)"), Form.HOST_MUNICIPALITY, "kommuneloven 1992 § 28-1 b"),
    (re.compile(r"Vertskommune"), Form.HOST_MUNICIPALITY, None),
    (re.compile(r"Samkommune"), Form.JOINT_MUNICIPALITY, None),
    (re.compile(r"IKS"), Form.INTERMUNICIPAL_COMPANY, None),
    (re.compile(r"AS"), Form.LIMITED_COMPANY, None),
    (re.compile(r"Samarbeidsavtaler"), Form.AGREEMENTS, None),
)


def units(form_in_source: str) -> list[Unit]:
    """The source joins a co-operation's units with «og». A form of the act of 1992 is never translated to one of
    the act of 2018: that takes a decision by the members."""
    return [_unit(part) for part in form_in_source.split(" og ")]


def _unit(part: str) -> Unit:
    for pattern, form, law in _FORMS:
        if pattern.fullmatch(part):
            return Unit(form, law)
    raise FormUnreadable(f"{part!r} is no form that we know.")


def numbers_over_time(number: str, number_2020: str) -> list[NumberPeriod]:
    """A municipality's numbers in the structures of 2020 and 2024. An empty `number_2020` is one that it did not
    have, or that is not its own."""
    if number == number_2020:
        return [NumberPeriod(number, date(2020, 1, 1), None)]
    now = NumberPeriod(number, date(2024, 1, 1), None)
    if not number_2020:
        return [now]
    return [NumberPeriod(number_2020, date(2020, 1, 1), date(2023, 12, 31)), now]


def relation(number_then: str, number_today: str) -> Relation:
    """The same organisation number is the same legal person. A successor by merger inherits what nobody has
    confirmed."""
    return Relation.SAME if number_then and number_then == number_today else Relation.INHERITED_UNCONFIRMED


def check(
    kinds: Sequence[Kind], population: int | None, population_on: date | None, numbers: Sequence[NumberPeriod]
) -> list[Problem]:
    found: list[Problem] = []
    if (population is None) != (population_on is None):
        found.append(PopulationUndated("Give both, or neither.", pointer="#/population_on"))
    if numbers and Kind.MUNICIPALITY not in kinds:
        found.append(NoMunicipality(pointer="#/municipality_numbers"))
    found += [
        NumberPeriodInvalid(f"{one.number} ends before it begins.", pointer=f"#/municipality_numbers/{place}")
        for place, one in enumerate(numbers)
        if one.valid_to_on is not None and one.valid_to_on < one.valid_from_on
    ]
    return found
