"""A stranger's table is read as it was meant or not at all; what is written no spreadsheet takes for anything else."""

import csv
import io
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.agreements.report_tables import rules, sheet
from services.agreements.report_tables.rules import Cell, Column, Kind
from services.agreements.report_tables.sheet import Variant
from services.chassis.foreign_files import examination
from services.chassis.problems import Problem
from tests.agreements.bad import PERSON
from tests.agreements.workbooks import CSV, XLSX, bomb, with_part, workbook


def column(name: str, kind: Kind, *, needed: bool = True) -> Column:
    return Column(name, kind, "på norsk", "in English", None, "a test", name.capitalize() + "navn", needed)


COLUMNS = (
    column("name", Kind.TEXT),
    column("on", Kind.DATE),
    column("amount", Kind.MONEY),
    column("count", Kind.WHOLE_NUMBER, needed=False),
)
DAY = date(2026, 11, 30)


def slugs(content: bytes, media_type: str = XLSX) -> list[str]:
    try:
        sheet.read(content, media_type, COLUMNS)
    except Problem as problem:
        return [one.slug() for one in problem.all or [problem]]
    return []


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1234,50", "1234.50"),
        ("1234.5", "1234.50"),
        ("1 234,50", "1234.50"),
        ("1\u00a0234", "1234.00"),
        ("1.234,50", "1234.50"),
        ("1,234.50", "1234.50"),
        ("1.234.567,89", "1234567.89"),
        ("-99", "-99.00"),
        ("\u221299,9", "-99.90"),
        ("0,00", "0.00"),
    ],
)
def test_an_amount_is_read_as_norwegians_and_others_write_it(text: str, amount: str) -> None:
    assert rules.money(text) == Decimal(amount)


@pytest.mark.parametrize(
    "text",
    [
        *("1.234", "1,234", "1.23.4", "1.2,3.4", "12.34,50", "1,2345", "1e3", "NaN", "Infinity", "0x1", "١٢", "--1"),
        *("kr 5", "9" * 20, "1234567890123,00", ""),
    ],
)
def test_an_amount_that_is_not_clear_is_not_guessed(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        rules.money(text)


amounts = st.integers(-(10**11), 10**11).map(lambda ore: Decimal(ore).scaleb(-2))
words = st.text(st.characters(exclude_categories=["C"], exclude_characters="0123456789"), min_size=1, max_size=40)
names = st.builds(str.__add__, st.sampled_from(["", "=", "+", "-", "@"]), words)
tables = st.lists(
    st.tuples(names, st.dates(date(2000, 1, 1)), amounts, st.integers(-(10**6), 10**6)), min_size=1, max_size=5
)


@given(tables, st.sampled_from(Variant))
def test_what_is_written_as_csv_is_read_back_and_begins_no_formula(
    rows: list[tuple[str, date, Decimal, int]], variant: Variant
) -> None:
    given_ = [dict(zip(("name", "on", "amount", "count"), row, strict=True)) for row in rows]
    content = b"".join(sheet.write_csv(COLUMNS, given_, variant))
    text = content.decode("utf-8-sig")
    delimiter, mark = (";", ",") if variant is Variant.NORWEGIAN_EXCEL else (",", ".")
    found = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    assert [rules.money(one["amount"]) for one in found] == [row[2] for row in rows]
    assert all(one["amount"][-3] == mark for one in found)
    assert [one["name"].removeprefix("'") for one in found] == [row[0].removeprefix("'") for row in rows]
    assert not [one["name"] for one in found if one["name"].startswith(("=", "+", "-", "@", "\t", "\r"))]


@settings(max_examples=30)
@given(tables)
def test_what_is_written_as_a_workbook_has_values_and_no_formula(rows: list[tuple[str, date, Decimal, int]]) -> None:
    given_ = [dict(zip(("name", "on", "amount", "count"), row, strict=True)) for row in rows]
    book = openpyxl.load_workbook(io.BytesIO(sheet.write_xlsx({"Ark": (COLUMNS, given_)})))
    (_, *found) = book.worksheets[0].iter_rows()
    assert {row[0].data_type for row in found} == {"s"}
    assert [row[0].value for row in found] == [row[0] for row in rows]
    assert [row[1].value for row in found] == [datetime(row[1].year, row[1].month, row[1].day) for row in rows]  # noqa: DTZ001  # a workbook knows no zone
    assert [Decimal(repr(row[2].value)) for row in found] == [row[2] for row in rows]
    assert [row[3].value for row in found] == [row[3] for row in rows]


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_a_csv_file_is_read_by_its_names_or_its_norwegian_headings(delimiter: str) -> None:
    rows = [["Amountnavn", "NAME", "on"], ['"1 234,50"', "Ærlig", "30.11.2026"], ["", "", ""], ["-1.00", "b", str(DAY)]]
    content = "\ufeff" + "\r\n".join(delimiter.join(row) for row in rows)
    first, second = sheet.read(content.encode(), CSV, COLUMNS)
    assert (first.row, first.values) == (2, {"amount": Decimal("1234.50"), "name": "Ærlig", "on": DAY})
    assert (second.row, second.values["amount"]) == (4, Decimal("-1.00"))


def test_a_workbook_is_read_by_its_values() -> None:
    rows: list[list[Any]] = [["name", "on", "amount", "count"], ["a", datetime(2026, 11, 30), 0.1 + 0.2, 3.0]]  # noqa: DTZ001  # a workbook knows no zone
    rows += [[], ["b", "2026-11-30", "1 234,50", None], [None, None, None]]
    first, second = sheet.read(workbook(rows), XLSX, COLUMNS)
    assert first.values == {"name": "a", "on": DAY, "amount": Decimal("0.30"), "count": 3}
    assert (second.row, second.values["amount"], second.values["count"]) == (4, Decimal("1234.50"), None)


HEADINGS = ["name", "on", "amount"]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (bomb(), "report-file-unsafe"),
        (
            with_part(workbook([HEADINGS]), "xl/workbook.xml", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'),
            "report-file-unsafe",
        ),
        (with_part(workbook([HEADINGS]), "../../outside.xml", b"<a/>"), "report-file-unsafe"),
        (with_part(workbook([HEADINGS]), "xl/vbaProject.bin", b"x"), "report-file-unsafe"),
        (workbook([HEADINGS])[:-40], "report-file-mismatch"),
        (with_part(workbook([HEADINGS]), "xl/worksheets/sheet1.xml", b"<a/>"), "report-empty"),
        (
            with_part(workbook([HEADINGS]), "docProps/custom.xml", f"<a>{PERSON}</a>".encode()),
            "personal-number-in-report",
        ),
        (workbook([[*HEADINGS, *range(40)]]), "report-file-too-large"),
        (workbook([["#N/A", "on", "amount"]]), "report-column-unknown"),
    ],
    ids=["bomb", "entities", "outside", "macros", "cut off", "no sheet", "hidden number", "wide", "error as heading"],
)
def test_a_workbook_that_would_harm_is_refused(content: bytes, found: str) -> None:
    assert found in slugs(content)


def test_a_row_far_down_is_not_counted_up_to() -> None:
    """A workbook may say that its one row is the millionth."""
    plain = workbook([HEADINGS, ["a", "2026-11-30", 1]])
    far = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1048576">'
    far += b'<c r="A1048576"><v>1</v></c></row></sheetData></worksheet>'
    assert slugs(with_part(plain, "xl/worksheets/sheet1.xml", far)) in (["report-empty"], ["report-file-too-large"])


def test_only_so_many_rows_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MOST_ROWS", 3)
    rows: list[list[Any]] = [HEADINGS, *[["a", "2026-11-30", 1]] * 4]
    assert slugs(workbook(rows)) == ["report-file-too-large"]
    assert slugs("\n".join(";".join(map(str, row)) for row in rows).encode(), CSV) == ["report-file-too-large"]
    assert slugs(workbook(rows[:4])) == []


def test_only_so_many_findings_are_told() -> None:
    """The last of them says so: report-findings-many."""
    rows = [[Cell(one) for one in HEADINGS], *[[Cell("a"), Cell("x"), Cell("y")]] * 600]
    lines, found = rules.read(rows, COLUMNS)
    assert len(lines) == 600
    assert len(found) == rules.MOST_FINDINGS + 1
    assert found[-1].slug() == "report-findings-many"


def test_a_file_that_costs_too_much_or_must_wait_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "WALL_SECONDS", 0.0001)
    assert slugs(workbook([HEADINGS, ["costly", "2026-11-30", 1]])) == ["report-file-too-costly"]
    monkeypatch.setattr(examination, "TURN_SECONDS", 0.0001)
    with examination.turns, examination.turns:
        assert slugs(workbook([HEADINGS, ["waits", "2026-11-30", 1]])) == ["examiners-of-reports-busy"]


PERSONAL = st.tuples(
    st.sampled_from(["", "a", "for "]),
    st.integers(0, 10**11 - 1).map(lambda number: f"{number:011}"),
    st.sampled_from(["", " ", "-", ".", "\u00a0"]),
    st.sampled_from(["", "a", " b"]),
).map(lambda one: f"{one[0]}{one[1][:6]}{one[2]}{one[1][6:]}{one[3]}")


@given(PERSONAL, st.integers(0, 3), st.integers(0, 2))
def test_a_personal_number_is_refused_wherever_it_stands_and_never_told(text: str, row: int, place: int) -> None:
    cells = [[Cell(one) for one in HEADINGS], *[[Cell("a"), Cell("2026-11-30"), Cell("1")] for _ in range(3)]]
    cells[row][place] = Cell(text)
    lines, found = rules.read(cells, COLUMNS)
    assert not lines
    assert [one.slug() for one in found] == ["personal-number-in-report"]
    assert found[0].pointer == f"#/rows/{row + 1}/{place + 1}"
    digits = [one for one in text if one.isdigit()]
    assert "".join(digits) not in str(found[0].body())


@pytest.mark.parametrize("text", ["964983291", "AVR-2026-000123", "2026-11-30", "123456789012", "1 234 567,50"])
def test_what_is_no_personal_number_is_none(text: str) -> None:
    assert not rules.personal(text)
