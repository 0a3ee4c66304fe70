"""Reads a requirement table out of a CSV or XLSX file, and writes one as CSV: files that strangers made, so what they
may cost is bounded, and nothing in them is worked out."""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from typing import IO, Any

import openpyxl

from services.catalog.drafts.rules import MOST_REQUIREMENTS, Cell, Sheet
from services.chassis.problems import MediaTypeUnsupported, Problem, TooLarge

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LARGEST = 5 * 1024 * 1024
LARGEST_UNPACKED = 40 * 1024 * 1024
"""Of an XLSX file, which is a ZIP archive: all parts together."""
MOST_PARTS = 500
MOST_ROWS = 4 * MOST_REQUIREMENTS
"""With the empty ones."""
MOST_COLUMNS = 60
_SNIFFED = 1000
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]*?ref=[\"']([A-Z0-9:]{1,40})[\"']")
_DOCTYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


class TableTooLarge(TooLarge):
    """The requirement table is too large."""


class TableTypeUnsupported(MediaTypeUnsupported):
    """A requirement table is CSV or XLSX."""


class TableUnreadable(Problem):
    """The file is not the table that it claims to be."""

    status = 422


def read(content: bytes, media_type: str) -> Sheet:
    kind = media_type.partition(";")[0].strip().lower()
    if kind not in (CSV, XLSX):
        raise TableTypeUnsupported(f"Send {CSV} or {XLSX}, not {kind[:100] or 'nothing'}.")
    if len(content) > LARGEST:
        raise TableTooLarge(f"At most {LARGEST // 1024 // 1024} MB.")
    return _csv(content) if kind == CSV else _xlsx(content)


def _csv(content: bytes) -> Sheet:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TableUnreadable(f"It is not UTF-8, at byte {error.start}. Save it as «CSV UTF-8».") from None
    rows: list[list[Cell]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True):
            _bounded(len(rows), len(row))
            rows.append([Cell(value) for value in row])
    except csv.Error as error:
        raise TableUnreadable(f"Row {len(rows) + 1}: {error}.", row=len(rows) + 1) from None
    return Sheet(rows)


def _delimiter(text: str) -> str:
    """Norwegian Excel writes semicolons, others commas: whichever gives the first row more columns."""
    first = text[:_SNIFFED].splitlines()[:1]
    return max(";", ",", "\t", key=lambda one: len(next(csv.reader(first, delimiter=one), [])))


def _xlsx(content: bytes) -> Sheet:
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        parts = archive.infolist()
        if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > LARGEST_UNPACKED:
            raise TableTooLarge(f"Unpacked, at most {LARGEST_UNPACKED // 1024 // 1024} MB in {MOST_PARTS} parts.")
        for part in parts:
            with archive.open(part) as opened:
                _look_for_entities(opened)
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
        try:
            sheet = book.worksheets[0]
            rows: list[list[Cell]] = []
            for row in sheet.iter_rows(max_row=MOST_ROWS + 1, max_col=MOST_COLUMNS + 1):
                cells = [_cell(one) for one in row]
                while cells and not cells[-1].text:
                    cells.pop()
                _bounded(len(rows), len(cells))
                rows.append(cells)
            with archive.open(sheet._worksheet_path) as opened:
                merged = [one.decode() for one in _MERGED.findall(opened.read())]
        finally:
            book.close()
    except Problem:
        raise
    except Exception as error:
        # openpyxl answers a broken file with whatever its parsers raise: KeyError, ValueError, BadZipFile, ParseError …
        raise TableUnreadable(f"It is no XLSX that can be read ({type(error).__name__}).") from None
    return Sheet(rows, merged[:100])


def _look_for_entities(part: IO[bytes]) -> None:
    """A workbook has no document type; whoever sends one wants entities expanded."""
    before = b""
    while block := part.read(64 * 1024):
        if _DOCTYPE.search(before + block):
            raise TableUnreadable("It declares a document type, which a workbook has not.")
        before = block[-16:]


def _cell(one: Any) -> Cell:
    value = one.value
    if value is None:
        return Cell()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return Cell(str(value), formula=one.data_type == "f")


def _bounded(rows: int, columns: int) -> None:
    if rows >= MOST_ROWS or columns > MOST_COLUMNS:
        raise TableTooLarge(f"At most {MOST_ROWS} rows and {MOST_COLUMNS} columns.")


def write(rows: Iterable[Sequence[str]]) -> bytes:
    """As CSV that Excel opens in Norwegian: UTF-8 with a byte order mark, semicolons."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("utf-8-sig")
