"""Looks through an archive (ZIP, and the workbooks and documents that are one) without writing a byte of it
anywhere."""

import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable

from services.chassis.foreign_files import bounds
from services.chassis.foreign_files.bounds import Finding, Format

_END, _LOCAL, _ZIP64 = b"PK\x05\x06", b"PK\x03\x04", b"PK\x06\x07"
_BLOCK = 64 * 1024
_SMALL = 1_000_000
_LARGEST_LIST = 1_000_000
"""Bytes of an archive's list of contents."""
_MAGIC = {
    b"PK\x03\x04": "a ZIP archive",
    b"PK\x05\x06": "a ZIP archive",
    b"%PDF-": "PDF",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"MZ": "a program for Windows",
    b"\x7fELF": "a program for Linux",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xd0\xcf\x11\xe0": "an old Office document",
}
_PACKED = ("a ZIP archive", "gzip", "bzip2", "xz", "a 7z archive", "a RAR archive", "zstd")
_MUST_HOLD = {
    Format.ZIP: frozenset[str](),
    Format.XLSX: frozenset({"[Content_Types].xml", "xl/workbook.xml"}),
    Format.DOCX: frozenset({"[Content_Types].xml", "word/document.xml"}),
}
_MACROS = re.compile(r"(?:^|/)vbaProject\.bin$", re.IGNORECASE)
_XML_PARTS = re.compile(r"\.(?:xml|rels|vml|xsd|svg)$", re.IGNORECASE)
_DRIVE = re.compile(r"^[A-Za-z]:")


class Refused(Exception):
    """What makes further reading useless."""

    def __init__(self, detail: str, *, unsafe: bool = False) -> None:
        self.finding = Finding(detail[:300], unsafe)


class Budget:
    """What one file may unpack to, with everything in it."""

    def __init__(self) -> None:
        self.bytes = bounds.MOST_UNPACKED
        self.entries = bounds.MOST_ENTRIES

    def inflate(self, packed: bytes | memoryview, window: int, *, keep: bool = False) -> tuple[bytes, int, bool]:
        """Unpack a stream block by block. → (what it holds, if kept; its size; whether it ends as it should, with
        nothing after it)"""
        stream, size, kept = zlib.decompressobj(window), 0, bytearray()
        left: bytes | memoryview = packed
        allowed = max(_SMALL, bounds.MOST_RATIO * len(packed))
        try:
            while left and not stream.eof:
                block = stream.decompress(left[:_BLOCK], _BLOCK)
                left = left[_BLOCK:]
                while True:
                    size += len(block)
                    self.bytes -= len(block)
                    if self.bytes < 0:
                        raise Refused(f"It unpacks to more than {bounds.MOST_UNPACKED} bytes.", unsafe=True)
                    if size > allowed:
                        raise Refused(f"A part unpacks to more than {bounds.MOST_RATIO} times its size.", unsafe=True)
                    if keep:
                        kept += block
                    if not stream.unconsumed_tail or stream.eof:
                        break
                    block = stream.decompress(stream.unconsumed_tail, _BLOCK)
        except zlib.error:
            return bytes(kept), size, False
        return bytes(kept), size, stream.eof and not stream.unused_data and not left


def known(content: bytes) -> str | None:
    """What something begins like."""
    return next((name for magic, name in _MAGIC.items() if content.startswith(magic)), None)


def read(
    content: bytes, wanted: Format, *, xml: Callable[[bytes], object], budget: Budget | None = None, depth: int = 1
) -> None:
    """Refuse an archive that would harm, or that is not of the wanted format. `xml` looks at a part that is XML."""
    budget = budget or Budget()
    list_at = _check_list(content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as folder:
            entries = folder.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, UnicodeDecodeError) as error:
        raise Refused(f"It is no ZIP archive that can be read: {error}.") from error
    budget.entries -= len(entries)
    if budget.entries < 0:
        raise Refused(f"It has more than {bounds.MOST_ENTRIES} entries.", unsafe=True)
    if not _MUST_HOLD[wanted] <= {one.filename for one in entries}:
        raise Refused(f"It is an archive, but lacks what {wanted.upper()} has.")
    _check_places(entries, list_at)
    seen: set[str] = set()
    for entry in entries:
        _check_name(entry, seen)
        if entry.is_dir():
            continue
        part = _unpack(content, entry, budget)
        packed = known(part)
        if packed in _PACKED:
            if packed != "a ZIP archive" or depth >= bounds.DEEPEST_ARCHIVE:
                raise Refused(f"{entry.filename!r} in it is {packed} again.", unsafe=True)
            read(part, Format.ZIP, xml=xml, budget=budget, depth=depth + 1)
        elif _XML_PARTS.search(entry.filename):
            try:
                xml(part)
            except Refused as refused:
                if refused.finding.unsafe or wanted is not Format.ZIP:  # what else lies in an archive is its own matter
                    raise


def _check_list(content: bytes) -> int:
    """The list of contents is looked at before anybody reads it. → where it begins"""
    if not content.startswith((_LOCAL, _END)):
        raise Refused("It does not begin like a ZIP archive.")
    end = content.rfind(_END, max(0, len(content) - 65_557))
    if end < 0 or end + 22 > len(content):
        raise Refused("The archive is cut off.")
    if content[max(0, end - 20) : end].startswith(_ZIP64):
        raise Refused("It is a ZIP64 archive, which so small a file need not be.", unsafe=True)
    _, _, _, _, count, size, begins, comment = struct.unpack("<4s4H2LH", content[end : end + 22])
    if count > bounds.MOST_ENTRIES or size > _LARGEST_LIST:
        raise Refused(f"It has more than {bounds.MOST_ENTRIES} entries.", unsafe=True)
    if begins + size != end or end + 22 + comment != len(content):
        raise Refused("Something else lies before, in or after the archive.", unsafe=True)
    return int(begins)


def _check_places(entries: list[zipfile.ZipInfo], list_at: int) -> None:
    """Two entries that are the same bytes multiply what is unpacked (CVE-2024-0450)."""
    reached = 0
    for entry in sorted(entries, key=lambda one: one.header_offset):
        if entry.header_offset < reached:
            raise Refused("Entries in it lie on top of each other.", unsafe=True)
        reached = entry.header_offset + 30 + entry.compress_size
    if reached > list_at:
        raise Refused("Entries in it lie on top of its list.", unsafe=True)


def _check_name(entry: zipfile.ZipInfo, seen: set[str]) -> None:
    name = entry.orig_filename
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or _DRIVE.match(name) or ".." in parts or not name.isprintable() or not name:
        raise Refused(f"The path {name[:100]!r} in it leads out of it.", unsafe=True)
    if name.lower() in seen:
        raise Refused(f"{name[:100]!r} stands twice in it.", unsafe=True)
    seen.add(name.lower())
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise Refused(f"{name[:100]!r} in it is a link.", unsafe=True)
    if entry.flag_bits & 0x1:
        raise Refused("It is encrypted, so it cannot be looked through.", unsafe=True)
    if _MACROS.search(name):
        raise Refused("It holds macros.", unsafe=True)


def _unpack(content: bytes, entry: zipfile.ZipInfo, budget: Budget) -> bytes:
    """An entry's real content, which must be as long as the list says."""
    head = content[entry.header_offset : entry.header_offset + 30]
    if len(head) < 30 or not head.startswith(_LOCAL):
        raise Refused(f"{entry.filename[:100]!r} is not where the list says.", unsafe=True)
    name_length, extra_length = struct.unpack("<HH", head[26:30])
    begins = entry.header_offset + 30 + name_length + extra_length
    packed = content[begins : begins + entry.compress_size]
    if entry.compress_type == zipfile.ZIP_STORED:
        part, size, whole = packed, len(packed), True
        budget.bytes -= size
    elif entry.compress_type == zipfile.ZIP_DEFLATED:
        if entry.file_size > max(_SMALL, bounds.MOST_RATIO * len(packed)):
            raise Refused(f"A part unpacks to more than {bounds.MOST_RATIO} times its size.", unsafe=True)
        part, size, whole = budget.inflate(packed, -zlib.MAX_WBITS, keep=True)
    else:
        raise Refused(f"{entry.filename[:100]!r} is compressed in a way that is not looked into.", unsafe=True)
    if not whole or size != entry.file_size or len(packed) != entry.compress_size:
        raise Refused(f"{entry.filename[:100]!r} is not as long as the list says.", unsafe=True)
    if zlib.crc32(part) != entry.CRC:
        raise Refused(f"{entry.filename[:100]!r} is damaged.")
    return part
