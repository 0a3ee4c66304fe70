"""Every operation of integration, by each role and each relation, answers as its row says."""

from collections.abc import Callable

import pytest

from services.integration.permissions import PERMISSIONS, Relation
from tests.permissions.matrix import Cast, Matrix

BRONNOY = "964983291"
OTHERS: Cast = {
    Relation.CO_OPERATION: "938712441",
    Relation.MUNICIPALITY: "958935420",
    Relation.SUPPLIER: "100000016",
    Relation.STRANGER: "100000067",
}


def cast(operation: str) -> Cast:
    """Who stands how to the letter of the operation's example."""
    return {Relation.RECIPIENT if "/replies" in operation else Relation.SENDER: BRONNOY} | OTHERS


@pytest.fixture(scope="module")
def matrix(tried: Callable[[str], Matrix]) -> Matrix:
    return tried("integration")


@pytest.mark.parametrize("operation", PERMISSIONS.rows)
def test_it_lets_in_whom_the_table_says(matrix: Matrix, operation: str) -> None:
    assert not matrix.deviations(operation, cast(operation))


@pytest.mark.parametrize("operation", [one for one in PERMISSIONS.rows if not one.startswith("GET ")])
def test_no_request_holds_what_only_steps_change(matrix: Matrix, operation: str) -> None:
    assert not matrix.takes_too_much(operation)
