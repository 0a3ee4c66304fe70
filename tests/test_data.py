"""The data that comes with the project: real numbers that hold, and fictional ones that can be nobody's."""

import csv
from pathlib import Path

import pytest
from stdnum.no import orgnr

DATA = Path(__file__).parents[1] / "data"


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("municipalities_2010.csv", 430),
        ("municipalities_2015.csv", 428),
        ("municipalities_2020.csv", 356),
        ("municipalities_2024.csv", 357),
        ("counties_2024.csv", 15),
        ("helgeland_cooperations_2018.csv", 6),
        ("cost_sharing_models.csv", 9),
        ("thresholds.csv", 3),
        ("ict_cooperations_2015.csv", 41),
        ("ict_cooperation_owners_2015.csv", 226),
        ("shared_components.csv", 48),
        ("shared_components_today.csv", 48),
        ("helgeland_projects_2018_2019.csv", 23),
        ("helgeland_municipalities_2018.csv", 18),
        ("helgeland_case_systems_2018.csv", 17),
    ],
)
def test_every_row_is_there(name: str, number: int) -> None:
    assert len(rows(name)) == number


@pytest.mark.parametrize("name", [path.name for path in DATA.glob("*.csv")] + ["fictional/organisations.csv"])
def test_every_organisation_number_passes_modulus_11(name: str) -> None:
    for row in rows(name):
        numbers = [value for column, value in row.items() if column.endswith("organisation_number") and value]
        assert all(orgnr.is_valid(number) for number in numbers), row


def test_fictional_organisations_are_in_no_register() -> None:
    """Enhetsregisteret gives out numbers that begin with 8 or 9, the synthetic test population 2 and 3."""
    for row in rows("fictional/organisations.csv"):
        assert row["organisation_number"].startswith("1")
        assert "(fiktiv)" in row["name"]


def test_persons_are_synthetic() -> None:
    """80 is added to the month, so that the number is nobody's; both control digits hold."""
    first, second = (3, 7, 6, 1, 8, 9, 4, 5, 2), (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
    for row in rows("fictional/persons.csv"):
        digits = [int(digit) for digit in row["personal_number"]]
        assert len(digits) == 11
        assert 81 <= digits[2] * 10 + digits[3] <= 92
        for weights in (first, second):
            control = 11 - sum(a * b for a, b in zip(weights, digits, strict=False)) % 11
            assert digits[len(weights)] == control % 11
