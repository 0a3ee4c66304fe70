"""The spend report's rows are together what the ledger has posted: whatever it is told apart by, in every file."""

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import openpyxl
import psycopg
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.agreements.entries.store import Selection
from services.agreements.ledger import store as ledger
from services.agreements.ledger.rules import Kind, Moved
from services.agreements.spend_exports import rules, store
from services.agreements.spend_exports.rules import By, Period
from tests.agreements.conftest import ALSTAHAUG, BRONNOY, FJORDVAKT, JOINT_UNIT, OSLO
from tests.agreements.test_spend import _accounts, movements
from tests.conftest import NewDatabase, serving, state
from tests.issuer import Issuer

VELFERD = "ra-2026-velferdsteknologi"
COLUMN = {
    By.FRAMEWORK_AGREEMENT: "framework_agreement",
    By.LOT: "lot",
    By.SUPPLIER: "supplier_organisation_number",
    By.BUYER: "buyer_organisation_number",
    By.COMPONENT: "component",
    By.ITEM: "item",
}


@pytest.fixture(scope="module")
def url(shared_database: NewDatabase) -> str:
    return shared_database("agreements", seeded=True)


@pytest.fixture(scope="module")
def api(apps: Callable[[str], FastAPI], url: str) -> Iterator[TestClient]:
    """What is changed here is changed back."""
    with serving(apps("agreements"), url) as client:
        yield client


@pytest.fixture
def owner(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(JOINT_UNIT, "agreements.read")


def table(api: TestClient, headers: dict[str, str], **query: Any) -> list[dict[str, str]]:
    answer = api.get("/reports/spend.csv", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.text, newline=""), strict=True))


def workbook(api: TestClient, headers: dict[str, str], **query: Any) -> Any:
    answer = api.get("/reports/spend.xlsx", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return openpyxl.load_workbook(io.BytesIO(answer.content))


_EVERY = sa.text(
    "SELECT f.slug AS framework_agreement, o.slug AS lot, e.supplier AS supplier_organisation_number, e.buyer AS "
    "buyer_organisation_number, coalesce(l.component, '') AS component, l.item, e.effective_on, l.posted "
    "FROM entryline l JOIN entry e ON e.id = l.entry_id JOIN frameworkagreement f ON f.id = e.framework_id "
    "JOIN lot o ON o.id = e.lot_id WHERE f.owner_number = '100000008' AND l.posted <> 0 "
    "AND e.effective_on BETWEEN :from_on AND :to_on"
)
_POSTED = sa.text(
    "SELECT coalesce(sum(e.posted), 0) FROM entry e JOIN frameworkagreement f ON f.id = e.framework_id "
    "WHERE f.owner_number = '100000008' AND e.effective_on BETWEEN :from_on AND :to_on"
)
days = st.dates(date(2025, 12, 1), date(2027, 4, 1))


def _period(on: date, period: Period) -> str:
    if period is Period.YEAR:
        return str(on.year)
    return f"{on.year}-Q{(on.month + 2) // 3}" if period is Period.QUARTER else f"{on:%Y-%m}"


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    history=movements,
    by=st.lists(st.sampled_from(By), max_size=6, unique=True),
    period=st.sampled_from(Period),
    bounds=st.tuples(days, days).map(sorted),
)
def test_the_rows_are_what_was_posted_in_the_period_whatever_has_happened(
    api: TestClient,
    history: list[tuple[int, Kind, list[Moved], date]],
    by: list[By],
    period: Period,
    bounds: list[date],
) -> None:
    from_on, to_on = bounds
    told = rules.told_apart(by)
    with state(api).database.writing(rehearsed=True) as session:
        accounts = _accounts(session)
        for pick, kind, moved, on in history:
            ledger.enter(session, accounts[pick % len(accounts)], kind, moved, on, "history")
        rows = store.rows(session, told, period, Selection(from_on=from_on, to_on=to_on), JOINT_UNIT)
        window = {"from_on": from_on, "to_on": to_on}
        expected: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
        for row in session.execute(_EVERY, window).mappings():
            expected[_period(row["effective_on"], period), *(row[COLUMN[one]] for one in told)] += row["posted"]
        posted = session.execute(_POSTED, window).scalar_one()
    found = {(row["period"], *(row[COLUMN[one]] for one in told)): row["posted_excl_vat"] for row in rows}
    assert found == expected
    assert len(found) == len(rows), "no group comes twice"
    assert list(found) == sorted(found), "in order"
    assert sum(found.values(), Decimal()) == posted


@pytest.mark.parametrize("period", Period)
@pytest.mark.parametrize("by", [[], ["buyer"], ["supplier", "buyer", "component"], ["lot", "item"], list(By)])
def test_what_the_owner_downloads_is_what_the_ledger_tells_it(
    api: TestClient, owner: dict[str, str], by: list[str], period: Period
) -> None:
    told = api.get("/ledger/spend", params={"by": "month", "mine": "true"}, headers=owner).json()
    rows = table(api, owner, period=period, **({"by": by} if by else {}))
    assert sum(Decimal(one["posted_excl_vat"]) for one in rows) == Decimal(told["total_posted_excl_vat"])
    assert Decimal(told["total_posted_excl_vat"]) >= 12000
    (first, *_), *_ = (list(book.values) for book in workbook(api, owner, period=period).worksheets)
    assert first[0] == "period"


def test_filters_part_the_report_without_overlap(api: TestClient, owner: dict[str, str]) -> None:
    whole = table(api, owner, by=list(By))
    parts = [
        row
        for lot in ("alarmer", "tilsyn")
        for buyer in sorted({one["buyer_organisation_number"] for one in whole})
        for supplier in sorted({one["supplier_organisation_number"] for one in whole})
        for row in table(api, owner, by=list(By), framework_agreement=VELFERD, lot=lot, buyer=buyer, supplier=supplier)
    ]
    elsewhere = [one for one in whole if one["framework_agreement"] != VELFERD]
    assert sorted(map(str, parts + elsewhere)) == sorted(map(str, whole))


@pytest.mark.parametrize(("who", "buyers"), [(BRONNOY, {BRONNOY}), (ALSTAHAUG, set()), (OSLO, set())])
def test_each_downloads_what_it_sees(api: TestClient, issuer: Issuer, who: str, buyers: set[str]) -> None:
    rows = table(api, issuer.bearer(who, "agreements.read"))
    assert {one["buyer_organisation_number"] for one in rows} == buyers
    assert api.get("/reports/spend.csv").status_code == 401
    assert api.get("/reports/spend.xlsx", headers=issuer.bearer(who)).status_code == 403


def test_each_variant_of_csv_is_what_its_reader_expects(api: TestClient, owner: dict[str, str]) -> None:
    plain = api.get("/reports/spend.csv", headers=owner).content
    excel = api.get("/reports/spend.csv", params={"variant": "norwegian_excel"}, headers=owner).content
    assert not plain.startswith(b"\xef\xbb\xbf")
    assert excel.startswith(b"\xef\xbb\xbfperiod;supplier_organisation_number;")
    rows = list(csv.reader(io.StringIO(plain.decode(), newline=""), strict=True))
    same = list(csv.reader(io.StringIO(excel.decode("utf-8-sig"), newline=""), delimiter=";", strict=True))
    assert [[*row[:-1], row[-1].replace(".", ",")] for row in rows[1:]] == same[1:]
    assert plain.count(b"\r\n") == plain.count(b"\n") == len(rows)


def test_the_workbook_has_numbers_a_row_that_stays_and_its_dictionary(api: TestClient, owner: dict[str, str]) -> None:
    book = workbook(api, owner)
    spend, dictionary, about = book.worksheets
    assert [one.freeze_panes for one in book.worksheets] == ["A2", "A2", "A2"]
    headings = [cell.value for cell in spend[1]]
    amounts = list(spend[openpyxl.utils.get_column_letter(len(headings))][1:])
    assert {cell.data_type for cell in amounts} == {"n"}
    assert {cell.number_format for cell in amounts} == {"#,##0.00"}
    assert [row[0] for row in list(dictionary.values)[1:]] == headings
    told = dict(list(about.values)[1:])
    rows = table(api, owner)
    assert Decimal(told["total_posted_excl_vat"]) == sum(Decimal(one["posted_excl_vat"]) for one in rows)
    assert told["seen_by"] == JOINT_UNIT


@pytest.mark.parametrize("name", ["=1+1", "+47", "-1", "@SUM(A1)", "\t=1", "=cmd|' /C calc'!A0"])
def test_a_name_is_never_a_formula(api: TestClient, url: str, owner: dict[str, str], name: str) -> None:
    with psycopg.connect(url, autocommit=True) as rows:
        (before,) = rows.execute("SELECT name FROM place WHERE number = %s LIMIT 1", (FJORDVAKT,)).fetchone() or ("",)
        rows.execute("UPDATE place SET name = %s WHERE number = %s", (name, FJORDVAKT))
        try:
            told = {one["supplier_name"] for one in table(api, owner, by="supplier")}
            sheet = workbook(api, owner, by="supplier").worksheets[0]
        finally:
            rows.execute("UPDATE place SET name = %s WHERE number = %s", (before, FJORDVAKT))
    assert told == {f"'{name}"}
    cells = [row[2] for row in sheet.iter_rows(min_row=2)]
    assert {(cell.data_type, cell.value) for cell in cells} == {("s", name)}


def test_the_dictionary_tells_of_every_column(api: TestClient, owner: dict[str, str]) -> None:
    told = api.get("/reports/dictionary").json()["items"]
    spend = next(one for one in told if one["name"] == "spend")
    assert {one["name"] for one in spend["columns"]} == set(table(api, owner, by=list(By))[0])
    for column in (one for report in told for one in report["columns"]):
        assert column["meaning"].keys() == {"nb", "en"}
        assert column["source"]
    text = api.get("/reports/dictionary.csv").text
    rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    assert [(one["report"], one["field"]) for one in rows] == [
        (report["name"], one["name"]) for report in told for one in report["columns"]
    ]


def test_a_report_of_too_many_rows_is_refused_and_not_cut(
    api: TestClient, owner: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MOST_ROWS", 0)
    answer = api.get("/reports/spend.csv", params={"by": list(By)}, headers=owner)
    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/spend-report-too-long"
