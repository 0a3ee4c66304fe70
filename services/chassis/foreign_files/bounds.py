"""What a file may be, what it may unpack to, and what can be found in it. The standard library alone."""

from dataclasses import dataclass
from enum import StrEnum

MOST_UNPACKED = 100_000_000
"""Bytes that all compressed parts of a file may unpack to, together."""
MOST_RATIO = 200
"""How many times its size a part may unpack to, when it unpacks to more than a megabyte."""
MOST_ENTRIES = 2_000
"""Entries of an archive, with those of the archives in it."""
DEEPEST_ARCHIVE = 2
"""An archive may hold archives (a workbook is one), but those none."""
DEEPEST = 100
"""Levels of nesting in JSON and XML."""
MOST_VALUES = 1_000_000
"""Values in JSON, elements and attributes in XML."""
MOST_PIXELS = 100_000_000
WIDEST = 30_000
"""Pixels of an image along one side."""


class Format(StrEnum):
    PDF = "pdf"
    WHOLE_PDF = "whole_pdf"
    """A PDF whose end also tells where its parts lie, as whoever prints it needs it."""
    PNG = "png"
    JPEG = "jpeg"
    JSON = "json"
    HAR = "har"
    XML = "xml"
    CSV = "csv"
    TEXT = "text"
    ZIP = "zip"
    XLSX = "xlsx"
    DOCX = "docx"


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with a file. `unsafe`: it would harm, and is not only something else than it says."""

    detail: str
    unsafe: bool
