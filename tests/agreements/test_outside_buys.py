"""What a buyer's books show of buys outside agreements is found line by line, and told to that buyer alone."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from services.agreements.outside_buys import rules
from services.agreements.outside_buys.rules import LEAKED, Cover, Found
from services.agreements.report_tables.rules import Line
from tests.agreements.bad_reports import BOOKS
from tests.agreements.conftest import ALSTAHAUG, BRONNOY, FJORDVAKT, JOINT_UNIT, NORDLYS, OSLO
from tests.agreements.workbooks import CSV, XLSX, workbook
from tests.conftest import NewDatabase, serving
from tests.issuer import Issuer

VELFERD = "ra-2026-velferdsteknologi"
STILLVAKT = "100000075"
HEADING = "Dato;Leverandør;Tekst;Beløp uten mva;Konto\n"
MAP = [{"account": "1201", "framework_agreement": VELFERD, "lot": "alarmer"}]


@pytest.fixture(scope="module")
def url(shared_database: NewDatabase) -> str:
    return shared_database("agreements", seeded=True)


@pytest.fixture(scope="module")
def api(apps: Callable[[str], FastAPI], url: str) -> Iterator[TestClient]:
    """Each test sends books of days of its own."""
    with serving(apps("agreements"), url) as client:
        yield client


Bearer = Callable[[str], dict[str, str]]


@pytest.fixture
def bearer(issuer: Issuer) -> Bearer:
    return lambda organisation: issuer.bearer(organisation, "agreements.read", "agreements.order")


def send(
    api: TestClient, headers: dict[str, str], content: bytes | str, media: str = CSV, status: int = 201, **query: Any
) -> Any:
    raw = content.encode() if isinstance(content, str) else content
    answer = api.post("/spend-files", content=raw, params=query, headers=headers | {"Content-Type": media})
    assert answer.status_code == status, answer.text
    return answer.json()


def month(number: int) -> dict[str, Any]:
    begins = date(2026, number, 1)
    ends = (begins + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return {"from_on": begins.isoformat(), "to_on": ends.isoformat()}


DAY = date(2026, 6, 15)
days = st.dates(date(2026, 1, 1), date(2026, 12, 31))
suppliers = st.sampled_from(["A", "B", "C"])
covers = st.lists(
    st.builds(
        lambda lot, from_on, to_on, sells, orders: Cover(lot // 2, lot, from_on, to_on, frozenset(sells), orders),
        st.integers(1, 4),
        days,
        days,
        st.sets(suppliers),
        st.dictionaries(suppliers, days),
    ),
    max_size=4,
)
books = st.lists(
    st.tuples(days, suppliers, st.sampled_from(["1", "12", "123", "2", "9"]), st.integers(-500, 500)), max_size=6
)


def line(row: int, on: date, supplier: str, account: str, amount: int = 100) -> Line:
    values = {"bought_on": on, "supplier_organisation_number": supplier, "account": account}
    return Line(row, values | {"amount_excl_vat": Decimal(amount)})


@given(books, st.dictionaries(st.sampled_from(["1", "12", "2"]), st.integers(1, 4)), covers)
def test_every_krone_is_found_once_and_only_what_is_covered_leaks(
    told: list[tuple[date, str, str, int]], accounts: dict[str, int], known: list[Cover]
) -> None:
    given_ = [line(row, *one) for row, one in enumerate(told, start=2)]
    found = rules.judge(given_, accounts, known)
    assert [one.row for one in found] == [one.row for one in given_]
    assert sum((rules.total(found, kind) for kind in Found), Decimal()) == sum(one[3] for one in told)
    for one in found:
        holding = [cover for cover in known if cover.holds(one.bought_on)]
        assert (one.cover is None) is (one.found is Found.NOT_COVERED)
        if one.found in LEAKED:
            assert one.cover in holding
        if one.found is Found.OUTSIDE_SUPPLIER:
            assert one.cover
            assert one.supplier not in one.cover.suppliers
            longest = max((key for key in accounts if one.account.startswith(key)), key=len)
            assert accounts[longest] == one.cover.lot_id
        if one.found is Found.WITHOUT_ORDER:
            assert not [
                cover
                for cover in holding
                if one.supplier in cover.suppliers and cover.orders.get(one.supplier, date.max) <= one.bought_on
            ]


COVER = Cover(1, 1, date(2026, 1, 1), date(2026, 12, 31), frozenset({"A", "B"}), {"A": DAY})


@pytest.mark.parametrize(
    ("supplier", "account", "on", "found"),
    [
        ("C", "12010", DAY, Found.OUTSIDE_SUPPLIER),
        ("C", "12010", date(2027, 1, 1), Found.NOT_COVERED),
        ("C", "1301", DAY, Found.NOT_COVERED),
        ("A", "12010", DAY, Found.WITHIN),
        ("A", "1301", DAY, Found.WITHIN),
        ("A", "12010", DAY - timedelta(days=1), Found.WITHOUT_ORDER),
        ("B", "1301", DAY, Found.WITHOUT_ORDER),
        ("B", "1301", date(2025, 12, 31), Found.NOT_COVERED),
    ],
)
def test_a_line_is_judged_by_account_supplier_order_and_day(
    supplier: str, account: str, on: date, found: Found
) -> None:
    (judged,) = rules.judge([line(2, on, supplier, account)], {"1201": 1}, [COVER])
    assert judged.found is found


def test_the_seeded_books_show_what_was_bought_elsewhere_and_without_an_order(api: TestClient, bearer: Bearer) -> None:
    told = api.get(BOOKS, headers=bearer(BRONNOY)).json()
    assert (told["within_excl_vat"], told["not_covered_excl_vat"], told["outside_excl_vat"]) == (
        "12000.00",
        "4500.00",
        "31500.00",
    )
    assert {(one["month"], one["lot"], one["found"], one["amount_excl_vat"]) for one in told["months"]} == {
        ("2026-11", "alarmer", "outside_supplier", "24000.00"),
        ("2026-11", "tilsyn", "without_order", "7500.00"),
    }
    buys = api.get(f"{BOOKS}/outside-buys", headers=bearer(BRONNOY)).json()["items"]
    assert [(one["row"], one["supplier_organisation_number"]) for one in buys] == [(2, STILLVAKT), (3, NORDLYS)]
    assert sum(Decimal(one["amount_excl_vat"]) for one in buys) == Decimal(told["outside_excl_vat"])
    for who in (JOINT_UNIT, ALSTAHAUG, FJORDVAKT):
        assert api.get(BOOKS, headers=bearer(who)).status_code == 404
        assert api.get("/spend-files", headers=bearer(who)).json()["items"] == []


def test_of_the_file_only_buys_outside_are_kept_and_no_text(api: TestClient, bearer: Bearer, url: str) -> None:
    rows = [["Dato", "Leverandør", "Tekst", "Beløp uten mva", "Konto"]]
    rows += [["2026-05-04", STILLVAKT, "Kari Fiktivesen", "1 000,50", "1201"]]
    rows += [["2026-05-05", "100000067", "Ola Fiktivesen", "2000", "9999"]]
    told = send(api, bearer(BRONNOY), workbook(rows), XLSX, **month(5))
    assert (told["rows"], told["outside_excl_vat"], told["not_covered_excl_vat"]) == (2, "1000.50", "2000.00")
    with psycopg.connect(url) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        kept = " ".join(
            str(row) for (name,) in names for row in connection.execute(f"SELECT t::text FROM {name} t").fetchall()
        )
    assert "Fiktivesen" not in kept
    assert "1000.50" in kept


def test_a_file_is_corrected_by_one_that_replaces_it_once(api: TestClient, bearer: Bearer) -> None:
    buyer, row = bearer(BRONNOY), f"2026-04-02;{STILLVAKT};;100,00;1201\n"
    first = send(api, buyer, HEADING + row, **month(4))
    assert send(api, buyer, HEADING + row, status=409, **month(4))["type"] == "/problems/books-period-taken"
    second = send(api, buyer, HEADING + row, **month(4), replaces=first["id"])
    assert (second["replaces"], second["replaced_by"]) == (first["id"], None)
    assert api.get(f"/spend-files/{first['id']}", headers=buyer).json()["replaced_by"] == second["id"]
    again = send(api, buyer, HEADING + row, status=409, **month(4), replaces=first["id"])
    assert [one["type"] for one in again["errors"]] == ["/problems/spend-file-replaced", "/problems/books-period-taken"]
    listed = api.get("/spend-files", params={"limit": 1}, headers=buyer).json()
    assert [one["id"] for one in listed["items"]] == [second["id"]]


def test_a_later_account_map_counts_for_later_files(api: TestClient, bearer: Bearer) -> None:
    buyer, row = bearer(OSLO), f"2026-07-02;{STILLVAKT};;100,00;1201\n"
    assert api.get("/account-map", headers=buyer).status_code == 404
    assert send(api, buyer, HEADING + row, status=409, **month(7))["type"] == "/problems/account-map-missing"
    put = api.put("/account-map", json={"accounts": MAP}, headers=buyer)
    assert (put.status_code, put.json()["version"]) == (200, 1)
    assert api.get("/account-map", headers=buyer).json() == put.json()
    told = send(api, buyer, HEADING + row, **month(7))
    assert told["not_covered_excl_vat"] == "100.00", "it has not acceded to the agreement"
    assert told["map_version"] == 1
    assert api.put("/account-map", json={"accounts": MAP}, headers=buyer).json()["version"] == 2


def test_the_owner_sees_sums_of_three_buyers_and_no_line(api: TestClient, bearer: Bearer) -> None:
    """Three municipalities buy elsewhere in August."""
    owner, path = bearer(JOINT_UNIT), f"/framework-agreements/{VELFERD}/outside-buys"

    def august() -> list[Any]:
        items = api.get(path, headers=owner).json()["items"]
        return [(one["buyers"], one["amount_excl_vat"]) for one in items if one["month"] == "2026-08"]

    expected = [[(1, None)], [(2, None)], [(3, "600.00")]]
    for amount, who, shown in zip((100, 200, 300), (BRONNOY, ALSTAHAUG, "844824122"), expected, strict=True):
        api.put("/account-map", json={"accounts": MAP}, headers=bearer(who))
        told = send(api, bearer(who), HEADING + f"2026-08-02;{STILLVAKT};;{amount},00;12010\n", **month(8))
        assert told["outside_excl_vat"] == f"{amount}.00"
        assert august() == shown
    assert api.get(path, headers=bearer(BRONNOY)).status_code == 403
