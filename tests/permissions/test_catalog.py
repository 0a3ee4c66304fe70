"""Every operation of the catalogue, by each role and each relation, answers as its row says."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from services.catalog.permissions import PERMISSIONS, Relation
from services.chassis.permissions import Property, may, only
from services.chassis.values import seed_id
from tests.issuer import Issuer
from tests.permissions.matrix import Cast, Matrix

BRONNOY, ALSTAHAUG, VEFSN, OSLO, HEROY = "964983291", "938712441", "844824122", "958935420", "872417982"
JOINT_UNIT, FJORDVAKT, NORDLYS, HAVORN = "100000008", "100000016", "100000024", "100000032"
CERTIFIES, LABORATORY, KVARTS, STILLVAKT, UNKNOWN = "100000040", "100000059", "100000067", "100000075", "100000199"
DIGDIR = "991825827"

OTHERS: Cast = {
    Relation.MEMBER: HEROY,
    Relation.MUNICIPALITY: OSLO,
    Relation.STATE: DIGDIR,
    Relation.SUPPLIER: KVARTS,
    Relation.BODY: CERTIFIES,
    Relation.STRANGER: UNKNOWN,
}
_ASSESSMENT, _DOCUMENT = "/certification-assessments/{id}", "/products/{slug}/documents/{id}"
SUPPLIED = {
    FJORDVAKT: {
        *(f"POST /certificates/{{number}}/{step}" for step in ("suspend", "reduce", "supersede")),
        *(
            f"POST /non-conformities/{{id}}/{step}"
            for step in ("request-plan", "approve-plan", "return-plan", "reopen")
        ),
        *(f"POST /non-conformities/{{id}}/{step}" for step in ("close", "dismiss", "escalate")),
        *(f"POST /appeals/{{id}}/{step}" for step in ("begin-review", "dismiss", "stay")),
        *(f"POST /test-endpoints/{{id}}/{step}" for step in ("approve", "refuse")),
        *(f"POST /test-reports/{{id}}/{step}" for step in ("approve", "reject")),
        *(f"POST {_ASSESSMENT}/{step}" for step in ("join", "adopt-reports", "adopt-declaration")),
        *(f"{method} {_ASSESSMENT}/results/{{requirement}}" for method in ("GET", "PUT")),
        *("POST /integrity-flags/{id}/acknowledge", "POST /test-reports"),
    },
    NORDLYS: {
        *("POST /certificates/{number}/withdraw", "POST /certificates/{number}/meet-condition"),
        *(f"POST /appeals/{{id}}/{step}" for step in ("uphold", "partly-uphold", "reject", "end-stay")),
        *("POST /non-conformities", "POST /supplier-suspensions", "POST /equivalents"),
        *("POST /equivalents/{id}/revoke", "POST /certification-assessments"),
        "POST /certification-applications/{id}/request-information",
    },
    HAVORN: {
        *("POST /certificates/{number}/restore", "POST /equivalents/{id}/confirm", "POST /equivalents/{id}/reject"),
        *(f"POST {_ASSESSMENT}/complete", f"POST {_ASSESSMENT}/return", "POST /certification-decisions"),
    },
}
"""Whose is what those who assess and decide are about: the supplier's. The joint unit owns the components."""
OWNED = {
    "POST /supplier-suspensions/{id}/lift": STILLVAKT,
    f"POST {_DOCUMENT}/approve": FJORDVAKT,
    f"POST {_DOCUMENT}/reject": FJORDVAKT,
    f"POST {_ASSESSMENT}/resume": NORDLYS,
    f"GET {_ASSESSMENT}": FJORDVAKT,
    "GET /adoptions/{id}": BRONNOY,
    "GET /non-conformities/{id}": FJORDVAKT,
    "GET /appeals/{id}": FJORDVAKT,
}
"""Whose is what somebody else's example is about."""
CASTS: dict[str, Cast] = {
    "POST /test-reports": {Relation.BODY: LABORATORY},
    "POST /testers/{id}/delegations/{delegation}/withdraw": {Relation.BODY: LABORATORY},
}


@pytest.fixture(scope="module")
def matrix(tried: Callable[[str], Matrix], issuer: Issuer) -> Matrix:
    found = tried("catalog")
    joined(found.client, issuer)
    with found.app.state.database.writing() as session:  # so that whose they are is not for everybody
        session.execute(sa.text("UPDATE need SET audience = 'public_bodies'"))
    return found


def joined(catalog: TestClient, issuer: Issuer) -> None:
    """A co-operation of all public bodies whose things the examples are about, and one more."""
    members = (BRONNOY, ALSTAHAUG, VEFSN, HEROY, JOINT_UNIT, "929911709", "829912252", "920125298")
    state = {
        "as_of_on": "2026-01-01",
        "source": "Avtalen (fiktiv)",
        "units": [{"form": "host_municipality", "law": "kommuneloven 2018 ch. 20"}],
        "host": str(seed_id(f"organisation:{BRONNOY}")),
        "members": [str(seed_id(f"organisation:{one}")) for one in members],
    }
    answer = catalog.post(
        "/co-operations",
        json={"slug": "alle-eksempler", "name": "Alle eksempler (fiktivt)", "state": state},
        headers=issuer.bearer(JOINT_UNIT, "catalog.admin"),
    )
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("operation", PERMISSIONS.rows)
def test_it_lets_in_whom_the_table_says(matrix: Matrix, operation: str) -> None:
    assert not matrix.deviations(operation, cast(matrix, operation))


READ = [one for one in PERMISSIONS.properties if one.read_by]
CHANGED = [operation for operation in PERMISSIONS.rows if not operation.startswith("GET ")]


@pytest.mark.parametrize("one", READ, ids=lambda one: one.name)
def test_a_field_is_shown_to_whom_the_table_says(matrix: Matrix, one: Property) -> None:
    assert not matrix.shown_otherwise(one, cast(matrix, one.shown_by))


@pytest.mark.parametrize("operation", CHANGED)
def test_no_request_holds_what_only_steps_change(matrix: Matrix, operation: str) -> None:
    assert not matrix.takes_too_much(operation)


def test_a_gate_that_lets_in_one_too_many_is_seen(matrix: Matrix, monkeypatch: pytest.MonkeyPatch) -> None:
    operation = "POST /components/{slug}/approve"
    matrix.opens(monkeypatch, operation, "catalog.admin", "catalog.write")
    found = matrix.deviations(operation, cast(matrix, operation))
    assert "municipal_editor as the one whose it is (100000008): 403 by the table, answered 200 " in found


def test_a_query_that_finds_for_one_too_many_is_seen(matrix: Matrix) -> None:
    operation = "GET /adoptions/{id}"
    narrower = replace(PERMISSIONS, rows={**PERMISSIONS.rows, operation: only(may("", Relation.OWN))})
    found = Matrix(matrix.client, matrix.issuer, narrower).deviations(operation, cast(matrix, operation))
    assert "a machine without scopes as another municipality (958935420): 404 by the table, answered 200 " in found


def cast(matrix: Matrix, operation: str) -> Cast:
    """Who stands how to the thing of the operation's example."""
    asked = matrix.told(operation)["x-example"].get("organisation")
    supplier = next((number for number, operations in SUPPLIED.items() if operation in operations), None)
    own: Cast = {Relation.OWN: supplier or OWNED.get(operation) or asked or BRONNOY}
    interested: Cast = {Relation.INTERESTED: JOINT_UNIT} if supplier else {}
    return {**own, **interested, **OTHERS, **CASTS.get(operation, {})}
