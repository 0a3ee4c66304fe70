"""Every operation of integration, by each role and each relation, answers as its row says."""

from collections.abc import Callable

import pytest

from services.integration.permissions import PERMISSIONS, Relation
from tests.permissions.matrix import Cast, Matrix

CAST: Cast = {
    Relation.SENDER: "964983291",
    Relation.CO_OPERATION: "938712441",
    Relation.MUNICIPALITY: "958935420",
    Relation.SUPPLIER: "100000016",
    Relation.STRANGER: "100000067",
}


@pytest.fixture(scope="module")
def matrix(tried: Callable[[str], Matrix]) -> Matrix:
    return tried("integration")


@pytest.mark.parametrize("operation", PERMISSIONS.rows)
def test_it_lets_in_whom_the_table_says(matrix: Matrix, operation: str) -> None:
    assert not matrix.deviations(operation, CAST)


@pytest.mark.parametrize("operation", [one for one in PERMISSIONS.rows if not one.startswith("GET ")])
def test_no_request_holds_what_only_steps_change(matrix: Matrix, operation: str) -> None:
    assert not matrix.takes_too_much(operation)
