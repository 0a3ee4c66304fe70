"""What organisations and specifications may look like."""

from datetime import date

import pytest

from services.catalog.organisations import rules as organisations
from services.catalog.organisations.rules import Kind
from services.catalog.periods import rules as periods
from services.catalog.periods.rules import Life, NumberPeriod
from services.catalog.requirements import rules as requirements
from services.catalog.specifications import rules as specifications
from services.catalog.specifications.rules import Obligation, Presupposed, Requirement, Version

DAY = date(2026, 1, 1)


def test_an_organisation_is_refused_for_every_rule_at_once() -> None:
    backwards = NumberPeriod("1813", DAY, date(2025, 1, 1))
    found = organisations.check([Kind.SUPPLIER], 100, None, [backwards], Life(DAY, date(2025, 1, 1)))
    assert [type(problem) for problem in found] == [
        organisations.PopulationUndated,
        organisations.NoMunicipality,
        periods.NumberPeriodInvalid,
        organisations.LifeInvalid,
    ]
    assert organisations.check([Kind.MUNICIPALITY], 100, DAY, [NumberPeriod("1813", DAY, DAY)], Life(DAY, DAY)) == []


def requirement(id: str, text: str = "krav") -> Requirement:
    return Requirement(id, Obligation.MUST, {"nb": text}, {"nb": "test"})


def version(label: str, *requirements: Requirement, on: date = DAY) -> Version:
    return Version(label, on, requirements)


@pytest.mark.parametrize(
    ("level", "presupposed", "expected"),
    [
        (1, None, []),
        (1, Presupposed(1, DAY), [specifications.PresupposedMisplaced]),
        (2, None, [specifications.PresupposedMissing]),
        (2, Presupposed(2, DAY), [specifications.PresupposedNotInForce]),
        (2, Presupposed(1, date(2026, 1, 2)), [specifications.PresupposedNotInForce]),
        (2, Presupposed(1, DAY), []),
    ],
)
def test_level_2_presupposes_a_level_1_in_force(
    level: int, presupposed: Presupposed | None, expected: list[type]
) -> None:
    found = specifications.check(level, [version("1.0", requirement("R1"))], presupposed)
    assert [type(problem) for problem in found] == expected


def test_an_unchanged_requirement_keeps_its_id_through_the_versions() -> None:
    versions = [version("1", requirement("R1")), version("2", requirement("R1"), requirement("R2"))]
    assert specifications.check(1, versions, None) == []


def test_an_id_never_comes_to_mean_something_else() -> None:
    versions = [version("1", requirement("R1")), version("2", requirement("R1", "et annet krav"))]
    found = specifications.check(1, versions, None)
    assert [(type(one), one.pointer) for one in found] == [
        (requirements.RequirementIdReused, "#/versions/1/requirements/0/id")
    ]


def test_versions_and_requirements_stand_once() -> None:
    versions = [version("1", requirement("R1"), requirement("R1")), version("1", requirement("R1"))]
    found = specifications.check(1, versions, None)
    assert [type(one) for one in found] == [requirements.RequirementRepeated, specifications.VersionRepeated]
