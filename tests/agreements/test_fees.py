"""What it costs to take part: a dated schedule that is added to and never edited."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from services.agreements.fees import rules
from services.agreements.frameworks.rules import State
from services.chassis import clock
from tests.agreements.conftest import BRONNOY, JOINT_UNIT
from tests.issuer import Issuer

AGREEMENT = "/framework-agreements/ra-2026-velferdsteknologi"
SetFee = Callable[..., Any]


@pytest.fixture
def owner(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(JOINT_UNIT, "agreements.manage")


@pytest.fixture
def set_fee(api: TestClient, owner: dict[str, str]) -> SetFee:
    def send(headers: dict[str, str] | None = None, **changes: Any) -> Any:
        fee = {
            "valid_from_on": "2028-01-01",
            "joining_excl_vat": "12000.00",
            "per_inhabitant_per_year_excl_vat": "3.25",
        }
        return api.post(f"{AGREEMENT}/fees", json=fee | changes, headers=headers or owner)

    return send


def estimate(api: TestClient, on: str, **more: str) -> Any:
    return api.get(f"{AGREEMENT}/fees/estimate", params={"organisation_number": BRONNOY, "on": on} | more)


def test_each_figure_of_an_estimate_is_explained(api: TestClient) -> None:
    told = estimate(api, "2027-01-01").json()
    assert told["name"] == "Brønnøy kommune"
    assert (told["joining_excl_vat"], told["fee"]["per_inhabitant_per_year_excl_vat"]) == ("10000.00", "2.50")
    assert told["population_on"] == "2024-01-01"
    yearly = told["population"] * Decimal("2.50")
    assert Decimal(told["yearly_excl_vat"]) == yearly
    assert Decimal(told["first_year_excl_vat"]) == yearly + Decimal("10000.00")


def test_a_later_fee_holds_from_its_day_and_not_before(api: TestClient, set_fee: SetFee) -> None:
    assert set_fee().status_code == 201
    assert estimate(api, "2027-12-31").json()["joining_excl_vat"] == "10000.00"
    assert estimate(api, "2028-01-01").json()["joining_excl_vat"] == "12000.00"


def test_of_two_for_the_same_day_the_one_set_last_holds(api: TestClient, set_fee: SetFee) -> None:
    set_fee(joining_excl_vat="1.00")
    between = clock.now()
    set_fee(joining_excl_vat="2.00")
    assert estimate(api, "2028-06-01").json()["joining_excl_vat"] == "2.00"
    assert estimate(api, "2028-06-01", known_at=between.isoformat()).json()["joining_excl_vat"] == "1.00"
    assert len(api.get(f"{AGREEMENT}/fees").json()["items"]) == 3, "nothing is replaced in the schedule itself"


def test_what_will_be_known_is_not_known_yet(api: TestClient) -> None:
    answer = estimate(api, "2028-06-01", known_at="2099-01-01T00:00:00Z")
    assert answer.json()["type"] == "/problems/known-at-in-future"


def test_a_day_without_a_fee_is_refused(api: TestClient) -> None:
    answer = estimate(api, "2025-12-31")
    assert answer.status_code == 404
    assert answer.json()["type"] == "/problems/fee-not-set"


def test_a_fee_from_a_day_that_has_passed_needs_a_reason_and_is_flagged(set_fee: SetFee) -> None:
    refused = set_fee(valid_from_on="2026-03-01")
    assert refused.status_code == 422
    assert refused.json()["type"] == "/problems/fee-in-past"
    assert refused.json()["errors"][0]["pointer"] == "#/reason"
    taken = set_fee(valid_from_on="2026-03-01", reason="Vedtatt i mars, ført for sent")
    assert taken.status_code == 201
    assert taken.json()["back_dated"] is True
    assert set_fee().json()["back_dated"] is False


def test_only_the_owner_sets_fees(set_fee: SetFee, issuer: Issuer) -> None:
    assert set_fee(headers=issuer.bearer(BRONNOY, "agreements.manage")).json()["type"] == "/problems/not-owner"
    assert set_fee(headers=issuer.bearer(JOINT_UNIT, "agreements.read")).status_code == 403


@pytest.mark.parametrize(
    ("organisation", "problem"),
    [("100000083", "organisation-not-found"), ("100000016", "population-unknown")],
)
def test_nobody_s_inhabitants_are_guessed(api: TestClient, organisation: str, problem: str) -> None:
    answer = estimate(api, "2027-01-01", organisation_number=organisation)
    assert answer.json()["type"] == f"/problems/{problem}"


def test_a_fee_is_on_the_record_and_told_to_everybody(set_fee: SetFee, rows: psycopg.Connection) -> None:
    set_fee()
    audit = rows.execute("SELECT detail FROM audit WHERE action = 'framework_agreement.fee'").fetchall()
    assert [detail["new"]["joining_excl_vat"] for (detail,) in audit] == ["12000.00"]
    told = rows.execute("SELECT organisation FROM event WHERE type = 'framework_agreement.fee_set'").fetchall()
    assert told == [(None,)]


@pytest.mark.parametrize("change", ["UPDATE fee SET joining = 0", "DELETE FROM fee"])
def test_a_fee_is_never_edited(set_fee: SetFee, rows: psycopg.Connection, change: str) -> None:
    set_fee()
    with pytest.raises(psycopg.errors.RaiseException):
        rows.execute(change.encode())


TODAY = date(2026, 11, 29)


@pytest.mark.parametrize("state", State)
def test_fees_are_set_until_the_agreement_is_over(state: State) -> None:
    refused = rules.check(state, TODAY, TODAY, None, TODAY)
    assert [type(one) for one in refused] == ([rules.FeesClosed] if state in rules.OVER else [])


@pytest.mark.parametrize(
    ("state", "ends_on", "valid_from_on", "reason", "refused"),
    [
        (State.DRAFT, date(2030, 1, 31), date(2026, 11, 29), None, []),
        (State.ACTIVE, date(2030, 1, 31), date(2026, 11, 28), None, [rules.FeeInPast]),
        (State.ACTIVE, date(2030, 1, 31), date(2026, 11, 28), "Ført for sent", []),
        (State.ACTIVE, date(2030, 1, 31), date(2030, 1, 31), None, []),
        (State.ACTIVE, date(2030, 1, 31), date(2030, 2, 1), None, [rules.FeeOutsidePeriod]),
        (
            State.CLOSED,
            date(2024, 1, 31),
            date(2025, 1, 1),
            None,
            [rules.FeesClosed, rules.FeeOutsidePeriod, rules.FeeInPast],
        ),
    ],
)
def test_all_that_is_wrong_with_a_fee_is_told_at_once(
    state: State, ends_on: date, valid_from_on: date, reason: str | None, refused: list[type[Exception]]
) -> None:
    assert [type(one) for one in rules.check(state, ends_on, valid_from_on, reason, TODAY)] == refused
