"""Files as suppliers and buyers make them in a spreadsheet, and as somebody makes them who wants to harm."""

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import openpyxl
from openpyxl.comments import Comment

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def workbook(rows: Sequence[Sequence[Any]], *, sheets: int = 1, comment: str | None = None) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in rows:
        sheet.append(list(row))
    if comment:
        sheet["A1"].comment = Comment(comment, "Samvirke")
    for _ in range(sheets - 1):
        book.create_sheet()
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def with_part(content: bytes, name: str, part: bytes) -> bytes:
    """A workbook in which one part is another."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
        for one in old.namelist():
            new.writestr(one, part if one == name else old.read(one))
        if name not in old.namelist():
            new.writestr(name, part)
    return changed.getvalue()


def bomb() -> bytes:
    """Its texts unpack to a thousand times their size."""
    return with_part(workbook([["Ordrenummer"]]), "xl/sharedStrings.xml", b" " * 50_000_000)
