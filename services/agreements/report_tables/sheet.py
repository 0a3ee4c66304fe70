"""Reads the one table of a CSV or XLSX file that a stranger made, and writes tables as both.

What a file may cost is bounded: a process of its own looks through it before anything is unpacked here, and nothing in
it is worked out. An amount in a workbook is a binary fraction in the file itself; it is read as its shortest decimal,
which is what was typed. What is written is never a float."""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import openpyxl
from fastapi import Request
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from services.agreements.report_tables import rules
from services.agreements.report_tables.rules import Cell, Column, Kind, Line
from services.chassis.foreign_files import examination
from services.chassis.foreign_files.bounds import Format
from services.chassis.problems import Problem, refuse

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMATS = {CSV: Format.CSV, XLSX: Format.XLSX}
LARGEST = 5_000_000
"""Bytes of a file that is sent."""
LARGEST_UNPACKED = 40_000_000
"""Bytes of all parts of a workbook."""
MOST_COLUMNS = 30
_SNIFFED = 1000
_CHUNK = 64 * 1024
_TEXTS = ("sharedstrings", "comment", "docprops/", "person")
"""Parts of a workbook in which words stand that no cell need show."""
_DECIMALS = 6
"""Beyond them a spreadsheet's own arithmetic leaves its traces."""
_WIDTH = 24


class Variant(StrEnum):
    """How CSV is written."""

    RFC4180 = "rfc4180"
    """Commas, points in amounts, UTF-8 without a byte order mark: for programs."""
    NORWEGIAN_EXCEL = "norwegian_excel"
    """Semicolons, commas in amounts, UTF-8 with a byte order mark: opens in Norwegian Excel by a double click."""


async def received(request: Request) -> tuple[bytes, str]:
    """The file and its media type; more than is allowed is not even read to its end."""
    content = bytearray()
    async for block in request.stream():
        content += block
        if len(content) > LARGEST:
            raise rules.ReportFileTooLarge(f"At most {LARGEST // 1_000_000} MB.")
    return bytes(content), request.headers.get("content-type", "").partition(";")[0].strip().lower()


def upload(example: dict[str, Any]) -> dict[str, Any]:
    """An operation's example whose body is the file, as either of the media types."""
    content = example["requestBody"]["content"]
    for media_type in FORMATS:
        content.setdefault(media_type, {})["schema"] = {"type": "string", "format": "binary"}
    example["requestBody"]["required"] = True
    return example


def read(content: bytes, media_type: str, columns: Sequence[Column]) -> list[Line]:
    """Every line, or everything that is wrong with the file."""
    if media_type not in FORMATS:
        raise rules.ReportFileTypeNotTaken(f"Send {CSV} or {XLSX}.")
    _examine(content, FORMATS[media_type])
    lines, found = rules.read(_csv(content) if media_type == CSV else _xlsx(content), columns)
    refuse(found)
    return lines


def _examine(content: bytes, wanted: Format) -> None:
    try:
        findings = examination.examine(content, wanted)
    except examination.NotExamined as error:
        raise rules.ExaminersOfReportsBusy from error
    except examination.TooCostly as error:
        raise rules.ReportFileTooCostly from error
    refuse(
        rules.ReportFileUnsafe(one.detail) if one.unsafe else rules.ReportFileMismatch(one.detail)
        for one in sorted(findings, key=lambda one: not one.unsafe)
    )


def _csv(content: bytes) -> list[list[Cell]]:
    text = content.decode("utf-8-sig")
    first = text[:_SNIFFED].splitlines()[:1]
    delimiter = max(";", ",", "\t", key=lambda one: len(next(csv.reader(first, delimiter=one), [])))
    rows: list[list[Cell]] = []
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
        _bounded(len(rows), len(row))
        rows.append([Cell(value) for value in row])
    return rows


def _xlsx(content: bytes) -> list[list[Cell]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            if sum(part.file_size for part in parts) > LARGEST_UNPACKED:
                raise rules.ReportFileTooLarge(f"Unpacked, at most {LARGEST_UNPACKED // 1_000_000} MB.")
            for part in parts:
                if any(name in part.filename.lower() for name in _TEXTS):
                    _impersonal(archive.read(part))
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
        try:
            if len(book.sheetnames) != 1:
                raise rules.ReportSheetsSeveral(f"It has {len(book.sheetnames)}.")
            rows: list[list[Cell]] = []
            for row in book.worksheets[0].iter_rows(max_row=rules.MOST_ROWS + 2, max_col=MOST_COLUMNS + 1):
                cells = [_cell(one) for one in row]
                while cells and not cells[-1].text:
                    cells.pop()
                _bounded(len(rows), len(cells))
                rows.append(cells)
        finally:
            book.close()
    except Problem:
        raise
    except Exception as error:
        # openpyxl answers a broken file with whatever its parsers raise: KeyError, ValueError, BadZipFile, ParseError …
        raise rules.ReportFileMismatch(f"It is no XLSX that can be read ({type(error).__name__}).") from None
    while rows and not rows[-1]:
        rows.pop()
    return rows


def _impersonal(part: bytes) -> None:
    if rules.PERSONAL_NUMBER.search(part.decode("utf-8", "replace")):
        raise rules.PersonalNumberInReport("In the workbook's texts, comments or properties.")


def _cell(one: Any) -> Cell:
    value = one.value
    if value is None:
        return Cell()
    if isinstance(value, datetime):
        value = value.date() if value.time() == datetime.min.time() else value.isoformat()
    elif isinstance(value, float):
        value = f"{round(Decimal(repr(value)), _DECIMALS).normalize():f}"
    return Cell(str(value), formula=one.data_type == "f")


def _bounded(rows: int, columns: int) -> None:
    if rows > rules.MOST_ROWS or columns > MOST_COLUMNS:
        raise rules.ReportFileTooLarge(f"At most {rules.MOST_ROWS} rows and {MOST_COLUMNS} columns.")


def write_csv(columns: Sequence[Column], rows: Iterable[Mapping[str, Any]], variant: Variant) -> Iterator[bytes]:
    """Piece by piece, with the columns' names as the first row."""
    excel = variant is Variant.NORWEGIAN_EXCEL
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";" if excel else ",", lineterminator="\r\n")
    if excel:
        text.write("\ufeff")
    writer.writerow([one.name for one in columns])
    for row in rows:
        writer.writerow([_written(row[one.name], one.kind, excel=excel) for one in columns])
        if text.tell() > _CHUNK:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def _written(value: Any, kind: Kind, *, excel: bool) -> str:
    if value is None:
        return ""
    if kind is Kind.MONEY:
        return f"{value:.2f}".replace(".", ",") if excel else f"{value:.2f}"
    return rules.harmless(str(value)) if kind is Kind.TEXT else str(value)


def write_xlsx(sheets: Mapping[str, tuple[Sequence[Column], Iterable[Mapping[str, Any]]]]) -> bytes:
    """A workbook, each sheet with its columns' names as a first row that stays in sight. Rows are written out as they
    come, and none is held as cells."""
    book = openpyxl.Workbook(write_only=True)
    for title, (columns, rows) in sheets.items():
        sheet = book.create_sheet(title)
        sheet.freeze_panes = "A2"
        for place in range(1, len(columns) + 1):
            sheet.column_dimensions[openpyxl.utils.get_column_letter(place)].width = _WIDTH
        sheet.append([_shown(sheet, one.name, Kind.TEXT) for one in columns])
        for row in rows:
            sheet.append([_shown(sheet, row[one.name], one.kind) for one in columns])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _shown(sheet: Any, value: Any, kind: Kind) -> Any:
    """Amounts, numbers and days as such; everything else as text, whatever it begins with."""
    if value is None or kind is Kind.WHOLE_NUMBER:
        return value
    if kind is Kind.MONEY:
        cell = WriteOnlyCell(sheet, value)
        cell.number_format = "#,##0.00"
        return cell
    if kind is Kind.DATE and isinstance(value, date):
        cell = WriteOnlyCell(sheet, value)
        cell.number_format = "yyyy-mm-dd"
        return cell
    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", str(value)))
    cell.data_type = "s"
    return cell
