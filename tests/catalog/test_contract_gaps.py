"""A contract that outlasts the certificate is told to whoever has it, in time; rules for any course of certificates."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.certificates.rules import Scope, Status, Validity
from services.catalog.contract_gaps import rules
from services.catalog.contract_gaps.rules import Held, Kind
from services.chassis import clock
from services.chassis.values import seed_id
from tests.catalog.conftest import BRONNOY, EDITOR, FJORDVAKT, HAVORN, problem
from tests.issuer import Issuer

BODY, VEFSN, VEGA = "100000040", "844824122", "941017975"
SERVICE, EXCHANGE = "velferdsteknologi-trygghetstjeneste", "velferdsteknologi-datautveksling"
ADOPTION = str(seed_id("adoption:bronnoy:fjordvakt-alarm"))
D = date(2027, 1, 1)
Ask = Callable[..., Any]


@pytest.fixture
def ask(catalog: TestClient, issuer: Issuer) -> Ask:
    def get(number: str = BRONNOY, **query: Any) -> Any:
        return catalog.get("/contract-gaps", params=query, headers=issuer.bearer(number))

    return get


@pytest.fixture
def rows(url: str) -> Any:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def lasts(rows: psycopg.Connection, ends_on: str, *, months: int = 0, count: int = 0) -> None:
    """Brønnøy's contract for the alarm, from now on."""
    rows.execute(
        "UPDATE adoption_contract SET ends_on = %s, notice_by_on = NULL, option_months = %s, option_count = %s "
        "WHERE adoption_id = (SELECT id FROM adoption WHERE uuid = %s)",
        [ends_on, months, count, ADOPTION],
    )


def test_a_contract_within_the_certificate_has_no_gap(ask: Ask, rows: psycopg.Connection) -> None:
    """The certificate lasts until the end of 2029."""
    lasts(rows, "2029-12-31")
    assert ask(specification=SERVICE).json()["items"] == []


def test_a_contract_that_outlasts_it_is_told_from_which_day(ask: Ask, rows: psycopg.Connection) -> None:
    lasts(rows, "2030-01-01")
    (found,) = ask(specification=SERVICE).json()["items"]
    assert found["adoption"] == ADOPTION
    assert (found["product"], found["version"], found["environment"]) == ("fjordvakt-alarm", "2.1", "production")
    assert (found["contract_ends_on"], found["certified_until_on"]) == ("2030-01-01", "2029-12-31")
    (gap,) = found["gaps"]
    assert gap == {
        "kind": "ends_before_contract",
        "from_on": "2030-01-01",
        "certificate": "SV-2026-000001",
        "status": "valid",
    }


def test_options_count_apart(ask: Ask, rows: psycopg.Connection) -> None:
    lasts(rows, "2028-12-31", months=12, count=2)
    (found,) = ask(specification=SERVICE).json()["items"]
    assert found["contract_last_end_on"] == "2030-12-31"
    assert [gap["kind"] for gap in found["gaps"]] == ["ends_before_options"]
    lasts(rows, "2028-12-31", months=12, count=1)
    assert ask(specification=SERVICE).json()["items"] == []


def test_a_suspended_certificate_does_not_count_today(
    ask: Ask, rows: psycopg.Connection, catalog: TestClient, issuer: Issuer
) -> None:
    lasts(rows, "2029-12-31")
    answer = catalog.post(
        "/certificates/SV-2026-000001/suspend",
        json={"reason": "Prøve"},
        headers=issuer.bearer(BODY, "certification.decide", client="decider"),
    )
    assert answer.status_code == 200
    (found,) = ask(specification=SERVICE).json()["items"]
    assert found["certified_until_on"] is None
    (gap,) = found["gaps"]
    assert gap == {
        "kind": "not_certified_today",
        "from_on": clock.today().isoformat(),
        "certificate": "SV-2026-000001",
        "status": "suspended",
    }


def test_another_version_that_is_certified_does_not_help(ask: Ask) -> None:
    """The seed data: in use is 2.1; against data exchange 3.1 and 3.2 are certified."""
    (found,) = ask(specification=EXCHANGE).json()["items"]
    (gap,) = found["gaps"]
    assert (gap["kind"], gap["status"]) == ("version_not_certified_today", "valid")
    assert (found["version"], found["certified_until_on"]) == ("2.1", None)


def test_a_condition_that_falls_due_before_the_contract_ends(
    ask: Ask, rows: psycopg.Connection, catalog: TestClient, issuer: Issuer
) -> None:
    lasts(rows, "2029-06-30")
    due = clock.today() + timedelta(days=60)
    rows.execute(
        "INSERT INTO certificate_condition (certificate_id, key, kind, text, due_on, recorded_at) "
        "SELECT id, 'v1', 'condition', 'Oppetid dokumenteres', %s, now() FROM certificate WHERE number = %s",
        [due, "SV-2026-000001"],
    )
    (found,) = ask(specification=SERVICE).json()["items"]
    (gap,) = found["gaps"]
    assert (gap["kind"], gap["from_on"]) == (
        "condition_due_before_contract_ends",
        (due + timedelta(days=1)).isoformat(),
    )
    rows.execute(
        "INSERT INTO certificate_event (certificate_id, kind, effective_on, recorded_at, back_dated, "
        "organisation_number, detail) SELECT id, 'condition_met', current_date, now(), false, %s, "
        '\'{"condition": "v1"}\' FROM certificate WHERE number = %s',
        [BODY, "SV-2026-000001"],
    )
    assert ask(specification=SERVICE).json()["items"] == []


def test_a_product_without_any_certificate_is_told(ask: Ask, catalog: TestClient, issuer: Issuer) -> None:
    contract = {"supplier": HAVORN, "ends_on": "2028-12-31"}
    answer = catalog.post(
        "/adoptions",
        json={"product": "havorn-tilsyn", "contract": contract},
        headers=issuer.bearer(VEGA, "catalog.write"),
    )
    assert answer.status_code == 201, answer.text
    (found,) = ask(VEGA).json()["items"]
    assert found["specification"] is None
    assert [(gap["kind"], gap["certificate"]) for gap in found["gaps"]] == [("not_certified_today", None)]
    asked = ask(VEGA, specification=[SERVICE, EXCHANGE]).json()["items"]
    assert [one["specification"] for one in asked] == [EXCHANGE, SERVICE]


def test_pages_leave_nothing_out(ask: Ask, rows: psycopg.Connection) -> None:
    lasts(rows, "2031-12-31")
    whole = ask(specification=[SERVICE, EXCHANGE]).json()["items"]
    assert len(whole) == 2
    first = ask(specification=[SERVICE, EXCHANGE], limit=1)
    assert "specification=" in first.headers["Link"]
    second = ask(specification=[SERVICE, EXCHANGE], limit=1, after=first.json()["next"]).json()
    assert first.json()["items"] + second["items"] == whole
    assert second["next"] is None


def test_whose_contracts_one_sees(ask: Ask) -> None:
    assert ask(BRONNOY).status_code == 200
    assert ask(VEFSN, organisation_number=BRONNOY).json() == ask(BRONNOY).json(), "municipal bodies see each other's"
    assert ask(EDITOR, organisation_number=BRONNOY).status_code == 200
    for supplier in (FJORDVAKT, HAVORN, "999263550"):
        assert problem(ask(supplier)) == (403, "landscape-hidden")
        assert problem(ask(supplier, organisation_number=BRONNOY)) == (403, "landscape-hidden")


def test_who_acts_for_a_municipality_sees_that_ones_only(catalog: TestClient, issuer: Issuer) -> None:
    token = issuer.token(BRONNOY, supplier={"authority": "iso6523-actorid-upis", "ID": f"0192:{FJORDVAKT}"})
    headers = {"Authorization": f"Bearer {token}"}
    assert catalog.get("/contract-gaps", headers=headers).status_code == 200
    other = catalog.get("/contract-gaps", params={"organisation_number": VEFSN}, headers=headers)
    assert problem(other) == (403, "contract-hidden")


# ---- Rules


def held(number: str, from_on: date, to_on: date, status: Status = Status.VALID, **rest: Any) -> Held:
    return Held(number, status, rest.get("scope", Scope()), Validity(from_on, to_on), rest.get("due_on", ()))


def test_certificates_that_follow_each_other_count_together() -> None:
    first = held("1", D - timedelta(days=30), D + timedelta(days=9))
    next_day = held("2", D + timedelta(days=10), D + timedelta(days=40), Status.NOT_YET_VALID)
    day_late = held("3", D + timedelta(days=11), D + timedelta(days=50), Status.NOT_YET_VALID)
    assert rules.cover([first, next_day], None, D).until_on == D + timedelta(days=40)
    assert rules.cover([first, day_late], None, D).until_on == D + timedelta(days=9)


def test_what_does_not_cover_the_version_does_not_count() -> None:
    other = held("1", D, D + timedelta(days=9), scope=Scope(versions=("1.0",)))
    assert rules.cover([other], "2.0", D).until_on is None
    assert rules.cover([other], "1.0", D).until_on == D + timedelta(days=9)
    assert rules.cover([other], None, D).until_on == D + timedelta(days=9)


def test_a_contract_that_has_ended_is_not_looked_at() -> None:
    ended = D - timedelta(days=1)
    assert rules.gaps([], None, ends_on=ended, last_end_on=ended, today=D) == []
    assert rules.gaps([], None, ends_on=ended, last_end_on=D, today=D)


days = st.integers(-8, 12).map(lambda number: D + timedelta(days=number))
usual = st.sampled_from([Status.VALID, Status.NOT_YET_VALID, *Status])
spells = st.tuples(days, st.integers(0, 6), usual).map(
    lambda one: held(f"{one[0]}", one[0], one[0] + timedelta(days=one[1]), one[2])
)


@given(st.lists(spells, max_size=8), days)
def test_the_cover_is_the_days_one_after_the_other_that_some_certificate_covers(
    certificates: list[Held], today: date
) -> None:
    counted = [one for one in certificates if one.status in (Status.VALID, Status.NOT_YET_VALID)]
    last = today
    while any(one.validity.from_on <= last <= one.validity.to_on for one in counted):
        last += timedelta(days=1)
    expected = last - timedelta(days=1) if last > today else None
    assert rules.cover(certificates, None, today).until_on == expected


@given(st.lists(spells, max_size=8), days, st.integers(0, 20), st.integers(0, 20))
def test_there_is_a_gap_exactly_where_a_day_of_the_contract_is_not_covered(
    certificates: list[Held], today: date, first: int, options: int
) -> None:
    ends_on = today + timedelta(days=first)
    last_end_on = ends_on + timedelta(days=options)
    found = rules.gaps(certificates, None, ends_on=ends_on, last_end_on=last_end_on, today=today)
    until = rules.cover(certificates, None, today).until_on
    kinds = {gap.kind for gap in found}
    assert (Kind.NOT_CERTIFIED_TODAY in kinds) == (until is None)
    assert Kind.VERSION_NOT_CERTIFIED_TODAY not in kinds, "no version was asked about"
    if until is not None:
        assert (Kind.ENDS_BEFORE_CONTRACT in kinds) == (until < ends_on)
        assert (Kind.ENDS_BEFORE_OPTIONS in kinds) == (ends_on <= until < last_end_on)
    assert all(today <= gap.from_on <= last_end_on for gap in found)
