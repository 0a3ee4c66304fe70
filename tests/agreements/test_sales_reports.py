"""What a supplier says it sold is compared with the ledger, item by item of each order: nothing is lost, nothing
stands twice."""

import csv
import hashlib
import io
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from services.agreements.report_tables.rules import Line
from services.agreements.sales_reports import rules
from services.agreements.sales_reports.rules import Amount, Key, Outcome
from services.chassis.values import seed_id
from tests.agreements.bad_reports import HEADING, SALES, SEEDED
from tests.agreements.conftest import ALSTAHAUG, BRONNOY, FJORDVAKT, JOINT_UNIT, NORDLYS, OSLO
from tests.agreements.workbooks import CSV, XLSX, workbook
from tests.conftest import NewDatabase, serving
from tests.issuer import Issuer

SCOPES = ("agreements.read", "agreements.supply", "agreements.manage", "agreements.order")


@pytest.fixture(scope="module")
def api(apps: Callable[[str], FastAPI], shared_database: NewDatabase) -> Iterator[TestClient]:
    """Each test reports days of its own."""
    with serving(apps("agreements"), shared_database("agreements", seeded=True)) as client:
        yield client


Bearer = Callable[[str], dict[str, str]]


@pytest.fixture
def bearer(issuer: Issuer) -> Bearer:
    return lambda organisation: issuer.bearer(organisation, *SCOPES)


def send(
    api: TestClient, headers: dict[str, str], content: bytes | str, media: str = CSV, status: int = 201, **query: Any
) -> Any:
    raw = content.encode() if isinstance(content, str) else content
    answer = api.post(SALES, content=raw, params=query, headers=headers | {"Content-Type": media})
    assert answer.status_code == status, answer.text
    return answer.json()


def lines(api: TestClient, headers: dict[str, str], report: str, **query: Any) -> list[Any]:
    answer = api.get(f"{SALES}/{report}/lines", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    found: list[Any] = answer.json()["items"]
    return found


names = st.sampled_from(["A", "B", "C", "D"])
amount = st.builds(Amount, st.integers(-3, 3), st.integers(-300, 300).map(lambda ore: Decimal(ore).scaleb(-2)))
orders = st.dictionaries(names, st.sampled_from([BRONNOY, OSLO]), max_size=3)
reported = st.lists(st.tuples(names, st.sampled_from(["x", "y"]), st.sampled_from([BRONNOY, OSLO]), amount), max_size=6)


@given(st.data(), orders, reported)
def test_every_krone_stands_in_one_line_on_each_side(
    data: st.DataObject, known: dict[str, str], told: list[tuple[str, str, str, Amount]]
) -> None:
    """The differences are together what the report says more than the ledger."""
    keys = st.builds(Key, st.sampled_from(sorted(known)), st.sampled_from(["x", "y"])) if known else st.nothing()
    posted = data.draw(st.dictionaries(keys, amount, max_size=4)) if known else {}
    given_ = [
        Line(
            row,
            {
                "order_number": order,
                "item": item,
                "buyer_organisation_number": buyer,
                "quantity": one.quantity,
                "amount_excl_vat": one.amount,
            },
        )
        for row, (order, item, buyer, one) in enumerate(told, start=2)
    ]
    found = rules.compare(given_, known, posted)
    assert sorted(row for one in found for row in one.rows) == [line.row for line in given_]
    assert [one.key for one in found if one.posted] == sorted(posted, key=lambda key: (key.order_number, key.item))
    more = sum((one.amount for _, _, _, one in told), Decimal()) - sum((p.amount for p in posted.values()), Decimal())
    assert sum((one.difference for one in found), Decimal()) == more
    for one in found:
        buyer = known.get(one.key.order_number)
        named = {line.values["buyer_organisation_number"] for line in given_ if line.row in one.rows}
        match one.outcome:
            case Outcome.ORDER_UNKNOWN:
                assert buyer is None
            case Outcome.ONLY_LEDGER:
                assert one.told is None
            case Outcome.ONLY_SUPPLIER:
                assert one.posted is None
            case Outcome.BUYER_DIFFERS:
                assert named != {buyer}
            case Outcome.MATCHED:
                assert one.told == one.posted
                assert not one.difference
            case Outcome.AMOUNT_DIFFERS:
                assert one.difference
            case Outcome.QUANTITY_DIFFERS:
                assert one.told
                assert one.posted
                assert one.told.quantity != one.posted.quantity


def test_a_report_is_compared_line_by_line_with_what_was_posted(api: TestClient, bearer: Bearer) -> None:
    """On 20 November five alarms of one order were accepted, for 12 000 kroner."""
    seeded = api.get(SEEDED, headers=bearer(JOINT_UNIT)).json()
    (mistaken,) = lines(api, bearer(JOINT_UNIT), seeded["id"], outcome="matched")
    assert (mistaken["told_excl_vat"], mistaken["posted_excl_vat"]) == ("12000.00", "12000.00")
    number = mistaken["order_number"]
    old = str(seed_id("sales-report:november"))
    cases = {
        f"{number};{BRONNOY};alarm;5;12000,00\n": {"matched"},
        f"{number};{BRONNOY};alarm;5;11000,00\n": {"amount_differs"},
        f"{number};{BRONNOY};alarm;4;12000,00\n": {"quantity_differs"},
        f"{number};{OSLO};alarm;5;12000,00\n": {"buyer_differs"},
        f"{number};{BRONNOY};montering;5;12000,00\n": {"only_supplier", "only_ledger"},
        f"AVR-2020-000001;{BRONNOY};alarm;5;12000,00\n": {"order_unknown", "only_ledger"},
        f"{number};{BRONNOY};alarm;2;4800,00\n{number};{BRONNOY};alarm;3;7200,00\n": {"matched"},
    }
    for rows, outcomes in cases.items():
        period = {"from_on": "2026-11-20", "to_on": "2026-11-20", "replaces": old, "dry_run": "true"}
        told = send(api, bearer(FJORDVAKT), HEADING + rows, status=200, **period)
        assert {one["outcome"] for one in told["outcomes"]} == outcomes, rows
        assert Decimal(told["posted_excl_vat"]) == 12000
        difference = sum(Decimal(one["difference_excl_vat"]) for one in told["outcomes"])
        assert difference == Decimal(told["told_excl_vat"]) - Decimal(told["posted_excl_vat"])
    assert api.get(SEEDED, headers=bearer(JOINT_UNIT)).json()["replaced_by"] is None, "all of it was tried only"


def test_a_workbook_is_compared_as_csv_is_and_both_are_kept_as_they_came(api: TestClient, bearer: Bearer) -> None:
    supplier = bearer(FJORDVAKT)
    rows = list(csv.reader(io.StringIO(HEADING + f"AVR-2026-000004;{BRONNOY};alarm;4;9600,00\n"), delimiter=";"))
    book = workbook([rows[0], [rows[1][0], int(rows[1][1]), "alarm", 4, 9600.0]])
    text = "\n".join(";".join(row) for row in rows).encode()
    found = [
        send(api, supplier, content, media, from_on=f"2026-05-{day}", to_on=f"2026-05-{day}")
        for content, media, day in ((text, CSV, "01"), (book, XLSX, "02"))
    ]
    for content, media, told in ((text, CSV, found[0]), (book, XLSX, found[1])):
        kept = api.get(f"{SALES}/{told['id']}/file", headers=bearer(JOINT_UNIT))
        assert kept.content == content
        assert kept.headers["content-type"].partition(";")[0] == media
        assert kept.headers["content-disposition"].startswith("attachment")
        assert told["sha256"] == hashlib.sha256(content).hexdigest()
    first, second = (lines(api, supplier, told["id"]) for told in found)
    assert first == second


def test_a_report_is_corrected_by_one_that_replaces_it_once(api: TestClient, bearer: Bearer) -> None:
    supplier, row = bearer(FJORDVAKT), f"AVR-2026-000004;{BRONNOY};alarm;4;9600,00\n"
    days: dict[str, Any] = {"from_on": "2026-04-01", "to_on": "2026-04-30"}
    first = send(api, supplier, HEADING + row, **days)
    assert send(api, supplier, HEADING + row, status=409, **days)["type"] == "/problems/sales-period-taken"
    second = send(api, supplier, HEADING + row, **days, replaces=first["id"])
    assert second["replaces"] == first["id"]
    assert api.get(f"{SALES}/{first['id']}", headers=supplier).json()["replaced_by"] == second["id"]
    again = send(api, supplier, HEADING + row, status=409, **days, replaces=first["id"])
    assert [one["type"] for one in again["errors"]] == [
        "/problems/sales-report-replaced",
        "/problems/sales-period-taken",
    ]
    listed = api.get(SALES, params={"limit": 1}, headers=supplier).json()
    assert [one["id"] for one in listed["items"]] == [second["id"]]
    older = api.get(SALES, params={"limit": 1, "after": listed["next"]}, headers=supplier).json()
    assert [one["id"] for one in older["items"]] == [first["id"]]


def test_only_its_supplier_and_the_owner_see_a_report(api: TestClient, bearer: Bearer) -> None:
    for who in (FJORDVAKT, JOINT_UNIT):
        assert str(seed_id("sales-report:november")) in [
            one["id"] for one in api.get(SALES, headers=bearer(who)).json()["items"]
        ]
        assert api.get(f"{SEEDED}/lines", headers=bearer(who)).status_code == 200
    for who in (NORDLYS, BRONNOY, ALSTAHAUG, OSLO):
        assert api.get(SALES, headers=bearer(who)).json()["items"] == []
        for part in ("", "/lines", "/file"):
            assert api.get(f"{SEEDED}{part}", headers=bearer(who)).status_code == 404


def test_a_difference_is_explained_by_both_and_acknowledged_by_the_owner(api: TestClient, bearer: Bearer) -> None:
    (line,) = lines(api, bearer(FJORDVAKT), str(seed_id("sales-report:november")), outcome="only_supplier")
    path = f"{SEEDED}/lines/{line['position']}/explain"
    assert line["explanations"] == []
    said = api.post(path, json={"reason": "Fakturert i november (fiktivt)"}, headers=bearer(FJORDVAKT)).json()
    assert (len(said["explanations"]), said["acknowledged"]) == (1, False)
    settled = api.post(path, json={"reason": "Godkjennes i desember (fiktivt)"}, headers=bearer(JOINT_UNIT)).json()
    assert [one["by_owner"] for one in settled["explanations"]] == [False, True]
    assert settled["acknowledged"]
    (now,) = lines(api, bearer(JOINT_UNIT), str(seed_id("sales-report:november")), outcome="only_supplier")
    assert now == settled
    told: list[str] = []
    after, ended = 0, False
    while not ended:
        page = api.get("/events", params={"after": after, "limit": 200}, headers=bearer(FJORDVAKT)).json()
        told += [one["type"] for one in page["items"]]
        after, ended = page["next"], not page["items"]
    assert told.count("sales_report.explained") == 2
