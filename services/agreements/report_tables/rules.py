"""What a column is, how its values are read out of a stranger's table, and what a spreadsheet must not take for a
formula. No finding says what stood in a cell: it may be somebody's personal number."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from stdnum.no import orgnr

from services.chassis.problems import Invalid, MediaTypeUnsupported, Problem, TooLarge, Unavailable

MOST_ROWS = 20_000
MOST_FINDINGS = 1_000
LONGEST_TEXT = 200
LARGEST_AMOUNT = Decimal("999999999999.99")
_OUTSIDE_A_NUMBER, _APART = r"(?<!\d)", "[ .\u00a0-]?"
PERSONAL_NUMBER = re.compile(rf"{_OUTSIDE_A_NUMBER}\d{{6}}{_APART}\d{{5}}(?!\d)")
"""Eleven digits, also written as six and five."""
_ALONE = re.compile(r"\d{10}")
"""A cell of ten digits and nothing else: a spreadsheet takes the nought away that a number begins with."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SPACES = str.maketrans("", "", " \u00a0\u202f'")
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,2}0*)?")
_DAY = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_ORGANISATION = re.compile(r"(?:NO)?(\d{9})(?:MVA)?", re.IGNORECASE)


class ReportFileTooLarge(TooLarge):
    """The file is too large for a report."""


class ReportFileTypeNotTaken(MediaTypeUnsupported):
    """A report is CSV or XLSX."""


class ReportFileMismatch(Invalid):
    """The file is not the table that it claims to be."""


class ReportFileUnsafe(Invalid):
    """The file is made so that opening it would harm."""


class ReportFileTooCostly(Invalid):
    """The file could not be looked through within the time and memory that one may take."""


class ReportSheetsSeveral(Invalid):
    """The workbook has several sheets; a report is one."""


class ExaminersOfReportsBusy(Unavailable):
    """Other files are being looked through just now."""


class PersonalNumberInReport(Invalid):
    """The file holds what looks like a personal number.

    Ten or eleven digits, also written as six and five. What stands there is told to nobody; take it out, and send the
    file again.
    """


class ReportColumnMissing(Invalid):
    """The table lacks a column that is needed."""


class ReportColumnTwice(Invalid):
    """Two columns of the table are the same."""


class ReportColumnUnknown(Invalid):
    """The table has a column that a report has not. Leave it out: what is not needed is not to be sent."""


class ReportCellFormula(Invalid):
    """A cell holds a formula; formulas are not worked out. Paste its value."""


class ReportValueMissing(Invalid):
    """A cell that is needed is empty."""


class ReportValueUnreadable(Invalid):
    """A cell's value cannot be read."""


class ReportEmpty(Invalid):
    """The table has no rows."""


class ReportFindingsMany(Invalid):
    """There is more wrong with the table than is told."""


class Kind(StrEnum):
    TEXT = "text"
    ORGANISATION_NUMBER = "organisation_number"
    DATE = "date"
    MONEY = "money"
    WHOLE_NUMBER = "whole_number"


@dataclass(frozen=True)
class Column:
    """As the data dictionary tells it."""

    name: str
    kind: Kind
    nb: str
    en: str
    unit: str | None
    """What a value is measured in; None where nothing is."""
    source: str
    heading: str | None = None
    """Its Norwegian heading in a file that is sent to us, beside its name."""
    needed: bool = True


@dataclass(frozen=True)
class Table:
    """A report with its columns."""

    name: str
    nb: str
    en: str
    path: str
    """Where it is read or sent."""
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Cell:
    text: str = ""
    formula: bool = False


@dataclass(frozen=True)
class Line:
    """A row that was read: `row` as in the sheet, where the headings are row 1; what is left out is None."""

    row: int
    values: Mapping[str, Any]


def harmless(text: str) -> str:
    """As a spreadsheet shows it and does not work it out."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def personal(text: str) -> bool:
    return bool(PERSONAL_NUMBER.search(text) or _ALONE.fullmatch(text.strip()))


def read(rows: Sequence[Sequence[Cell]], columns: Sequence[Column]) -> tuple[list[Line], list[Problem]]:
    """Every line, and everything that is wrong. A table with a personal number in it is not read any further."""
    if told := list(_personal(rows)):
        return [], told[:MOST_FINDINGS]
    if not rows:
        return [], [ReportEmpty(pointer="#/rows")]
    places, found = _headings(rows[0], columns)
    if found:
        return [], found
    lines: list[Line] = []
    for number, row in enumerate(rows[1:], start=2):
        if any(cell.text.strip() for cell in row):
            values, wrong = _line(number, row, places)
            found += wrong
            lines.append(Line(number, values))
    if not lines:
        found.append(ReportEmpty(pointer="#/rows"))
    if len(found) > MOST_FINDINGS:
        found[MOST_FINDINGS:] = [ReportFindingsMany(f"Only the first {MOST_FINDINGS} are told.", pointer="#/rows")]
    return lines, found


def _personal(rows: Sequence[Sequence[Cell]]) -> Iterator[Problem]:
    for number, row in enumerate(rows, start=1):
        for place, cell in enumerate(row, start=1):
            if personal(cell.text):
                yield PersonalNumberInReport(f"Row {number}, column {place}.", pointer=f"#/rows/{number}/{place}")


def _headings(row: Sequence[Cell], columns: Sequence[Column]) -> tuple[dict[Column, int], list[Problem]]:
    known = {name.casefold(): one for one in columns for name in (one.name, one.heading) if name}
    places: dict[Column, int] = {}
    found: list[Problem] = []
    for place, cell in enumerate(row):
        name = cell.text.strip().casefold()
        column = known.get(name)
        if column is None:
            if name:
                found.append(ReportColumnUnknown(f"Column {place + 1}.", pointer=f"#/rows/1/{place + 1}"))
        elif column in places:
            found.append(ReportColumnTwice(f"{column.name}.", pointer=f"#/rows/1/{place + 1}"))
        else:
            places[column] = place
    found += [
        ReportColumnMissing(f"{one.name} (or {one.heading}).", pointer="#/rows/1")
        for one in columns
        if one.needed and one not in places
    ]
    return places, found


def _line(number: int, row: Sequence[Cell], places: Mapping[Column, int]) -> tuple[dict[str, Any], list[Problem]]:
    values: dict[str, Any] = {}
    found: list[Problem] = []
    for column, place in places.items():
        cell = row[place] if place < len(row) else Cell()
        pointer, text = f"#/rows/{number}/{column.name}", cell.text.strip()
        values[column.name] = None
        if cell.formula:
            found.append(ReportCellFormula(pointer=pointer))
        elif not text:
            if column.needed:
                found.append(ReportValueMissing(pointer=pointer))
        else:
            try:
                values[column.name] = _READERS[column.kind](text)
            except ValueError as error:
                found.append(ReportValueUnreadable(str(error), pointer=pointer))
    return values, found


def _text(text: str) -> str:
    if len(text) > LONGEST_TEXT or not text.isprintable():
        raise ValueError(f"At most {LONGEST_TEXT} characters, none of them a control character.")
    return text


def _organisation(text: str) -> str:
    found = _ORGANISATION.fullmatch(text.translate(_SPACES))
    if not found or not found[1].isascii() or not orgnr.is_valid(found[1]):
        raise ValueError("An organisation number is nine digits that pass modulus 11.")
    return found[1]


def _date(text: str) -> date:
    """`2026-11-30` or `30.11.2026`"""
    norwegian = _DAY.fullmatch(text)
    try:
        if norwegian:
            return date(int(norwegian[3]), int(norwegian[2]), int(norwegian[1]))
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("Write a day as 2026-11-30 or 30.11.2026.") from None


def money(text: str) -> Decimal:
    """`1 234,50`, `1.234,50`, `1,234.50`, `-99`. Where a point or a comma may mean thousands or decimals, as in
    `1.234`, it is not guessed."""
    plain = text.translate(_SPACES).replace("\u2212", "-")
    marks = [one for one in plain if one in ".,"]
    if len(set(marks)) == 2:
        decimal = marks[-1]
        groups = re.split(r"[.,]", plain)[1:-1]
        plain = plain.replace("," if decimal == "." else ".", "").replace(",", ".")
        if marks.count(decimal) > 1 or not all(len(one) == 3 for one in groups):
            raise ValueError("Write an amount as 1234,50 or 1234.50.")
    elif marks and (len(marks) > 1 or len(re.split(r"[.,]", plain)[1]) == 3):
        raise ValueError("It is not clear whether thousands or decimals are meant; write 1234,50 or 1234.50.")
    else:
        plain = plain.replace(",", ".")
    if not plain.isascii() or not _NUMBER.fullmatch(plain):
        raise ValueError("Write an amount with at most two decimals, as 1234,50 or 1234.50.")
    amount = Decimal(plain).quantize(Decimal("0.01"))
    if abs(amount) > LARGEST_AMOUNT:
        raise ValueError("The amount is too large.")
    return amount


def _whole(text: str) -> int:
    amount = money(text)
    if amount != int(amount) or abs(amount) > 1_000_000_000:
        raise ValueError("Write a whole number.")
    return int(amount)


_READERS: dict[Kind, Callable[[str], Any]] = {
    Kind.TEXT: _text,
    Kind.ORGANISATION_NUMBER: _organisation,
    Kind.DATE: _date,
    Kind.MONEY: money,
    Kind.WHOLE_NUMBER: _whole,
}


_OURS = "data dictionary"
DICTIONARY = (
    Column("field", Kind.TEXT, "Kolonnens navn", "The column's name", None, _OURS),
    Column("heading", Kind.TEXT, "Norsk overskrift i filer som sendes inn", "Norwegian heading", None, _OURS),
    Column("nb", Kind.TEXT, "Hva den betyr, på bokmål", "What it means, in Norwegian", None, _OURS),
    Column("en", Kind.TEXT, "Hva den betyr, på engelsk", "What it means, in English", None, _OURS),
    Column("kind", Kind.TEXT, "Hva slags verdi", "The kind of value", None, _OURS),
    Column("unit", Kind.TEXT, "Hva verdien måles i", "What a value is measured in", None, _OURS),
    Column("source", Kind.TEXT, "Hvor den kommer fra", "Where it comes from", None, _OURS),
    Column("needed", Kind.TEXT, "Om den må være utfylt", "Whether it must be filled in", None, _OURS),
)
"""A data dictionary as a table itself."""


def told(column: Column) -> dict[str, Any]:
    """A row of the data dictionary."""
    return {
        "field": column.name,
        "heading": column.heading,
        "nb": column.nb,
        "en": column.en,
        "kind": column.kind.value,
        "unit": column.unit,
        "source": column.source,
        "needed": "yes" if column.needed else "no",
    }
