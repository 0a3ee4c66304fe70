"""What organisations, components and specifications may look like."""

from datetime import date

import pytest

from services.catalog.components import rules as components
from services.catalog.components.rules import LifeCycle
from services.catalog.organisations import rules as organisations
from services.catalog.organisations.rules import Form, Kind, NumberPeriod, Relation
from services.catalog.specifications import rules as specifications
from services.catalog.specifications.rules import Obligation, Presupposed, Requirement, Version

DAY = date(2026, 1, 1)
LAW_27, LAW_28 = "kommuneloven 1992 § 27", "kommuneloven 1992 § 28-1 b"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("§ 27", [(Form.SECTION_27, LAW_27)]),
        ("§ 27 og § 27", [(Form.SECTION_27, LAW_27), (Form.SECTION_27, LAW_27)]),
        ("§ 27 og Vertskommune (§ 28-1b)", [(Form.SECTION_27, LAW_27), (Form.HOST_MUNICIPALITY, LAW_28)]),
        ("Vertskommune", [(Form.HOST_MUNICIPALITY, None)]),
        ("IKS", [(Form.INTERMUNICIPAL_COMPANY, None)]),
        ("AS", [(Form.LIMITED_COMPANY, None)]),
    ],
)
def test_a_form_is_read_unit_by_unit(source: str, expected: list[tuple[Form, str | None]]) -> None:
    assert [(unit.form, unit.law) for unit in organisations.units(source)] == expected


def test_a_form_that_is_not_known_is_not_guessed() -> None:
    with pytest.raises(organisations.FormUnreadable):
        organisations.units("Oppgavefellesskap")


def test_an_unchanged_number_is_one_period() -> None:
    assert organisations.numbers_over_time("1813", "1813") == [NumberPeriod("1813", date(2020, 1, 1), None)]


def test_a_changed_number_is_two_periods_without_a_gap() -> None:
    assert organisations.numbers_over_time("3114", "3018") == [
        NumberPeriod("3018", date(2020, 1, 1), date(2023, 12, 31)),
        NumberPeriod("3114", date(2024, 1, 1), None),
    ]


def test_a_number_that_is_nobodys_is_left_out() -> None:
    assert organisations.numbers_over_time("1580", "") == [NumberPeriod("1580", date(2024, 1, 1), None)]


@pytest.mark.parametrize(
    ("then", "today", "expected"),
    [
        ("964983291", "964983291", Relation.SAME),
        ("964983291", "938712441", Relation.INHERITED_UNCONFIRMED),
        ("", "938712441", Relation.INHERITED_UNCONFIRMED),
    ],
)
def test_only_the_same_number_is_the_same_member(then: str, today: str, expected: Relation) -> None:
    assert organisations.relation(then, today) is expected


def test_an_organisation_is_refused_for_every_rule_at_once() -> None:
    backwards = NumberPeriod("1813", DAY, date(2025, 1, 1))
    found = organisations.check([Kind.SUPPLIER], 100, None, [backwards])
    assert [type(problem) for problem in found] == [
        organisations.PopulationUndated,
        organisations.NoMunicipality,
        organisations.NumberPeriodInvalid,
    ]
    assert organisations.check([Kind.MUNICIPALITY], 100, DAY, [NumberPeriod("1813", DAY, DAY)]) == []


@pytest.mark.parametrize("life_cycle", LifeCycle)
@pytest.mark.parametrize("ended_on", [None, DAY])
@pytest.mark.parametrize("editor", [True, False])
def test_only_editors_approve_and_only_the_retired_have_ended(
    life_cycle: LifeCycle, ended_on: date | None, editor: bool
) -> None:
    found = {type(problem) for problem in components.check(life_cycle, ended_on, editor=editor)}
    assert (components.ApprovalNotYours in found) == (life_cycle is LifeCycle.APPROVED and not editor)
    assert (components.EndWithoutRetirement in found) == (ended_on is not None and life_cycle is not LifeCycle.RETIRED)


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("velferdstekn", ("", "velferdstekn")),
        ("felles plattf", ("felles", "plattf")),
        ("e-fakt", ("e", "fakt")),
        ("plan -bygg", None),
        ('"felles plattform"', None),
        ('"felles platt', None),
        ("plan or", None),
        ("???", None),
        ("  ", None),
    ],
)
def test_the_last_word_may_be_unfinished(q: str, expected: tuple[str, str] | None) -> None:
    assert components.unfinished_word(q) == expected


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
        (specifications.RequirementIdReused, "#/versions/1/requirements/0/id")
    ]


def test_versions_and_requirements_stand_once() -> None:
    versions = [version("1", requirement("R1"), requirement("R1")), version("1", requirement("R1"))]
    found = specifications.check(1, versions, None)
    assert [type(one) for one in found] == [specifications.RequirementRepeated, specifications.VersionRepeated]
