"""Every operation of agreements, by each role and each relation, answers as its row says."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import sqlalchemy as sa

from services.agreements.permissions import PERMISSIONS, Relation
from services.chassis.permissions import Property, may, only
from tests.permissions.matrix import Cast, Matrix

BRONNOY, ALSTAHAUG, VEFSN, OSLO = "964983291", "938712441", "844824122", "958935420"
HEROY, DONNA, SOMNA, GRANE = "872417982", "945114878", "944810277", "940643112"
JOINT_UNIT, FJORDVAKT, NORDLYS, HAVORN, STILLVAKT = "100000008", "100000016", "100000024", "100000032", "100000075"

OTHERS: Cast = {
    Relation.CO_OPERATION: DONNA,
    Relation.MUNICIPALITY: OSLO,
    Relation.OTHER_SUPPLIER: STILLVAKT,
    Relation.STRANGER: "100000067",
}
AGREEMENT: Cast = {Relation.OWNER: JOINT_UNIT, Relation.ACCEDED: BRONNOY, Relation.SUPPLIER: NORDLYS, **OTHERS}
ACCESSION: Cast = {Relation.OWNER: JOINT_UNIT, Relation.ACCEDING: ALSTAHAUG, **OTHERS}
CALL_OFF: Cast = {Relation.OWNER: JOINT_UNIT, Relation.BUYER: BRONNOY, Relation.SUPPLIER: FJORDVAKT, **OTHERS}
COMPETITION: Cast = {Relation.BUYER: BRONNOY, Relation.OWNER: JOINT_UNIT, Relation.INVITED: NORDLYS, **OTHERS}
BID: Cast = COMPETITION | {Relation.SUPPLIER: FJORDVAKT}
DRAFTED: Cast = {
    Relation.BUYER: BRONNOY,
    Relation.CO_OPERATION: DONNA,
    Relation.MUNICIPALITY: OSLO,
    Relation.OTHER_SUPPLIER: STILLVAKT,
    Relation.STRANGER: "100000067",
}
BUYERS: Cast = {one: who for one, who in AGREEMENT.items() if one != Relation.CO_OPERATION}
"""All others of the co-operation have acceded too."""
CASTS: dict[str, Cast] = {
    # All others of its co-operation have acceded too.
    "POST /call-offs/quote": AGREEMENT,
    "POST /call-offs": {one: who for one, who in AGREEMENT.items() if one != Relation.CO_OPERATION},
    "POST /framework-agreements/{slug}/accessions": {Relation.LISTED: BRONNOY, **OTHERS},
    "POST /thresholds": {Relation.KEEPER: JOINT_UNIT, Relation.ACCEDED: BRONNOY, **OTHERS},
    "GET /call-offs/{id}/shares": {
        **{Relation.OWNER: JOINT_UNIT, Relation.BUYER: ALSTAHAUG, Relation.PAYER: HEROY, Relation.SUPPLIER: FJORDVAKT},
        **OTHERS,
    },
    "POST /mini-competitions": {one: who for one, who in AGREEMENT.items() if one != Relation.CO_OPERATION},
    "GET /mini-competitions": AGREEMENT,
    "GET /mini-competitions/{id}/letters/{reference}": BID,
    "PUT /mini-competitions/{id}": DRAFTED,
    "POST /mini-competitions/{id}/publish": DRAFTED,
    **{
        f"POST /mini-competitions/{{id}}/bids/{{bid}}/{step}": BID
        | {Relation.SUPPLIER: NORDLYS, Relation.INVITED: FJORDVAKT}
        for step in ("submit", "discard")
    },
    "GET /cost-splits/{id}": {Relation.MAKER: BRONNOY, **OTHERS},
    "POST /framework-agreements/{slug}/accessions/{id}/revoke-notice": ACCESSION | {Relation.ACCEDING: VEFSN},
    **{
        operation: {Relation.OWNER: JOINT_UNIT, Relation.ACCEDED: BRONNOY, Relation.SUPPLIER: FJORDVAKT, **OTHERS}
        for operation in PERMISSIONS.rows
        if "/sales-reports" in operation
    },
    **{
        operation: AGREEMENT | {Relation.SUPPLIER: HAVORN}
        for operation in PERMISSIONS.rows
        if "/changes/{id}" in operation
    },
}


def cast(operation: str) -> Cast:
    """Who stands how to the thing of the operation's example."""
    if operation in CASTS:
        return CASTS[operation]
    if "/mini-competitions/{id}" in operation:
        return BID if "/bids/{bid}" in operation else COMPETITION
    if "/accessions/{id}" in operation:
        return ACCESSION
    return AGREEMENT if "/framework-agreements" in operation or "/places" in operation else CALL_OFF


SHOWN: dict[str, Cast] = {
    "PriceItem.unit_price_excl_vat": BUYERS,
    # A quote is of every supplier's prices; a supplier sees its own among them.
    "QuotedLine.unit_price_excl_vat": {one: who for one, who in BUYERS.items() if one != Relation.SUPPLIER},
}
"""To whom a field is shown or not, where it is not as with the operation."""
NARROWER = {"GET /call-offs/{id}": only(may("agreements.read", Relation.BUYER))}
"""As if a row said so, and the app let suppliers in."""


@pytest.fixture(scope="module")
def matrix(tried: Callable[[str], Matrix]) -> Matrix:
    return tried("agreements")


@pytest.fixture(scope="module")
def secrets(matrix: Matrix) -> None:
    """All prices are business secrets."""
    with matrix.app.state.database.writing() as session:
        session.execute(sa.text("ALTER TABLE price DISABLE TRIGGER USER"))
        session.execute(sa.text("UPDATE price SET secret_reason = 'Forretningshemmelighet (fiktiv)'"))


READ = [one for one in PERMISSIONS.properties if one.read_by]
CHANGED = [operation for operation in PERMISSIONS.rows if not operation.startswith("GET ")]


@pytest.mark.parametrize("operation", PERMISSIONS.rows)
def test_it_lets_in_whom_the_table_says(matrix: Matrix, operation: str) -> None:
    assert not matrix.deviations(operation, cast(operation))


@pytest.mark.parametrize("one", READ, ids=lambda one: one.name)
def test_a_field_is_shown_to_whom_the_table_says(matrix: Matrix, secrets: None, one: Property) -> None:
    assert not matrix.shown_otherwise(one, SHOWN.get(one.name) or cast(one.shown_by))


@pytest.mark.parametrize("operation", CHANGED)
def test_no_request_holds_what_only_steps_change(matrix: Matrix, operation: str) -> None:
    assert not matrix.takes_too_much(operation)


def test_a_gate_that_lets_in_one_too_many_is_seen(matrix: Matrix, monkeypatch: pytest.MonkeyPatch) -> None:
    matrix.opens(monkeypatch, "POST /call-offs/{id}/approve", "agreements.approve", "agreements.order")
    found = matrix.deviations("POST /call-offs/{id}/approve", CALL_OFF)
    assert [one for one in found if one.startswith("municipal_buyer as the buyer (964983291): 403 by the table")]


def test_a_query_that_finds_for_one_too_many_is_seen(matrix: Matrix) -> None:
    narrower = Matrix(matrix.client, matrix.issuer, replace(PERMISSIONS, rows={**PERMISSIONS.rows, **NARROWER}))
    found = narrower.deviations("GET /call-offs/{id}", CALL_OFF)
    assert found
    assert all("as the supplier (100000016): 404 by the table, answered 200" in one for one in found)
