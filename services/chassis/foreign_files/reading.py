"""Looks into a file that a stranger made, for what it is and for what would harm. Runs in a process of its own: content
on standard input, format as argument, findings on standard output. Uses nothing that is installed.

Looked at are: of every file its first bytes; of archives (ZIP, XLSX, DOCX) the names, the count and each part's real
unpacked size, archives within them, and document types in XML parts; of XML document types, nesting and count; of JSON
the same; of PNG and JPEG the dimensions, and PNG's other compressed parts; of PDF what each Flate stream unpacks to,
with filters one on top of the other, encryption (what is encrypted cannot be looked through), scripts and programs that
it would start, and, where it is wanted whole, whether its end leads to its parts. Not looked for: viruses. Nothing is
written to disk, and nothing is shown: a file is only ever handed out to be saved."""

import csv
import io
import json
import re
import resource
import struct
import sys
import zlib
from collections.abc import Callable
from dataclasses import asdict
from xml.parsers import expat

from services.chassis.foreign_files import archives, bounds
from services.chassis.foreign_files.archives import Budget, Refused
from services.chassis.foreign_files.bounds import Finding, Format

MEMORY_BYTES = 512 * 1024 * 1024
_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_BRACKETS = bytes(one for one in range(256) if one not in b"[]{}")
_STREAM = re.compile(rb"stream\r?\n")
_FILTERS = re.compile(rb"/Filter\s*\[([^\]]{0,400})\]")
_ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")
_ACTIONS = re.compile(rb"/S\s*/(JavaScript|Launch)\b")
"""What a PDF may do when it is opened or touched (ISO 32000-2, 12.6.4); a name's letters may be written as numbers."""
_START = re.compile(rb"startxref\s+(\d{1,10})\s")
_PARTS = re.compile(rb"\s*(?:xref|\d{1,10}\s+\d{1,5}\s+obj)\b")
_COMPRESSING = re.compile(rb"/(?:FlateDecode|LZWDecode|RunLengthDecode|Fl|LZW|RL)\b")


def examine(content: bytes, wanted: Format) -> list[Finding]:
    """Everything that is found; what is unsafe ends the reading."""
    try:
        _READERS[wanted](content)
    except Refused as refused:
        return [refused.finding]
    except RecursionError:
        return [Finding("It is nested too deeply.", unsafe=True)]
    return []


def _text(content: bytes, named: str) -> str:
    known = archives.known(content)
    if known:
        raise Refused(f"It begins like {known}, not like {named}.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(f"It is not UTF-8: byte {error.start} cannot be read.") from error
    if "\0" in text:
        raise Refused("It holds the character NUL, which no text has.")
    return text


def _plain(content: bytes) -> None:
    _text(content, "text")


def _csv(content: bytes) -> None:
    text = _text(content, "CSV")
    first = text.splitlines()[:1]
    delimiter = max(";", ",", "\t", key=lambda one: len(next(csv.reader(first, delimiter=one), [])))
    usual = csv.field_size_limit(1_000_000)
    try:
        for _ in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            pass
    except csv.Error as error:
        raise Refused(f"It is not CSV: {error}.") from error
    finally:
        csv.field_size_limit(usual)


def _json(content: bytes) -> object:
    text = _text(content, "JSON")
    bare = _STRINGS.sub(b'""', content)
    if sum(bare.count(one) for one in (b",", b"[", b"{")) > bounds.MOST_VALUES:
        raise Refused(f"It holds more than {bounds.MOST_VALUES} values.", unsafe=True)
    depth = 0
    for one in bare.translate(None, delete=_BRACKETS):
        depth += 1 if one in b"[{" else -1
        if depth > bounds.DEEPEST:
            raise Refused(f"It is nested more than {bounds.DEEPEST} levels deep.", unsafe=True)

    def no_number(name: str) -> object:
        raise Refused(f"It is not JSON: {name} is no number.")

    try:
        return json.loads(text, parse_int=str, parse_constant=no_number)  # a number of a million digits is costly
    except ValueError as error:
        raise Refused(f"It is not JSON: {error}.") from error


def _har(content: bytes) -> None:
    found = _json(content)
    log = found.get("log") if isinstance(found, dict) else None
    if not isinstance(log, dict) or not isinstance(log.get("entries"), list) or "version" not in log:
        raise Refused("It is no HTTP Archive: there is no `log` with `version` and `entries`.")


def _xml(content: bytes) -> None:
    known = archives.known(content)
    if known:
        raise Refused(f"It begins like {known}, not like XML.")
    parser = expat.ParserCreate()
    depth = values = 0

    def declared(*_: object) -> None:
        raise Refused("It declares a document type, whose entities can grow without end.", unsafe=True)

    def opened(_: str, attributes: list[str]) -> None:
        nonlocal depth, values
        depth += 1
        values += 1 + len(attributes) // 2
        if depth > bounds.DEEPEST or values > bounds.MOST_VALUES:
            raise Refused(
                f"It has more than {bounds.DEEPEST} levels, or {bounds.MOST_VALUES} elements and attributes.",
                unsafe=True,
            )

    def closed(_: str) -> None:
        nonlocal depth
        depth -= 1

    parser.ordered_attributes = True
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = declared
    parser.StartElementHandler, parser.EndElementHandler = opened, closed
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise Refused(f"It is not XML: {expat.ErrorString(error.code)}, line {error.lineno}.") from error


def _png(content: bytes) -> None:
    if not content.startswith(b"\x89PNG\r\n\x1a\n") or content[12:16] != b"IHDR" or len(content) < 33:
        raise Refused("It does not begin like a PNG image.")
    _dimensions(*struct.unpack(">II", content[16:24]))
    budget, at = Budget(), 8
    while at + 12 <= len(content):
        length, kind = struct.unpack(">I4s", content[at : at + 8])
        body = content[at + 8 : at + 8 + length]
        if kind == b"acTL":
            raise Refused("It is an animation.", unsafe=True)
        if kind in (b"zTXt", b"iCCP", b"iTXt"):  # compressed text and colour profiles: name, NUL, how, content
            budget.inflate(body.partition(b"\0")[2].lstrip(b"\0\1"), zlib.MAX_WBITS)
        at += 12 + length
        if kind == b"IEND":
            if at != len(content):
                raise Refused("Something else follows the image.")
            return
    raise Refused("The image is cut off.")


def _jpeg(content: bytes) -> None:
    if not content.startswith(b"\xff\xd8\xff"):
        raise Refused("It does not begin like a JPEG image.")
    at = 2
    while at + 9 < len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:  # padding
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            _dimensions(width, height)
            if content.count(b"\xff\xda") > 1000:
                raise Refused("It is drawn in more than a thousand passes.", unsafe=True)
            return
        else:
            at += 2 + struct.unpack(">H", content[at + 2 : at + 4])[0]
    raise Refused("The image says nowhere how large it is.")


def _dimensions(width: int, height: int) -> None:
    if not (0 < width <= bounds.WIDEST and 0 < height <= bounds.WIDEST and width * height <= bounds.MOST_PIXELS):
        raise Refused(
            f"It is {width} × {height} pixels; at most {bounds.WIDEST} along a side, and {bounds.MOST_PIXELS} in all.",
            unsafe=True,
        )


def _pdf(content: bytes) -> None:
    if not content.startswith(b"%PDF-"):
        raise Refused("It does not begin like a PDF document.")
    if b"%%EOF" not in content[-2048:]:
        raise Refused("The document is cut off.")
    if re.search(rb"/Encrypt\b", content):
        raise Refused("It is encrypted, so it cannot be looked through.", unsafe=True)
    for chain in _FILTERS.finditer(content):
        if len(_COMPRESSING.findall(chain[1])) > 1:
            raise Refused("A stream in it is compressed more than once.", unsafe=True)
    _passive(content)
    budget, ended = Budget(), 0
    for begins in _STREAM.finditer(content):
        if content[begins.end() : begins.end() + 1] in (b"\x78", b"\x58", b"\x68", b"\x48", b"\x38", b"\x28", b"\x18"):
            packs_objects = b"/ObjStm" in content[max(ended, begins.start() - 1_000) : begins.start()]
            objects, _, _ = budget.inflate(memoryview(content)[begins.end() :], zlib.MAX_WBITS, keep=packs_objects)
            _passive(objects)
        ended = begins.end()


def _passive(objects: bytes) -> None:
    found = _ACTIONS.search(_ESCAPED.sub(lambda one: bytes([int(one[1], 16)]), objects))
    if found:
        raise Refused(f"It holds an action ({found[1].decode()}), which no document needs.", unsafe=True)


def _whole_pdf(content: bytes) -> None:
    """The end tells at which byte the table of the parts begins (ISO 32000-2, 7.5.5)."""
    _pdf(content)
    start = _START.match(content, max(0, content.rfind(b"startxref")))
    if not start or not _PARTS.match(content, int(start[1])):
        raise Refused("The document is broken: its end does not lead to its parts.")


_READERS: dict[Format, Callable[[bytes], object]] = {
    Format.PDF: _pdf,
    Format.WHOLE_PDF: _whole_pdf,
    Format.PNG: _png,
    Format.JPEG: _jpeg,
    Format.JSON: _json,
    Format.HAR: _har,
    Format.XML: _xml,
    Format.CSV: _csv,
    Format.TEXT: _plain,
    Format.ZIP: lambda content: archives.read(content, Format.ZIP, xml=_xml),
    Format.XLSX: lambda content: archives.read(content, Format.XLSX, xml=_xml),
    Format.DOCX: lambda content: archives.read(content, Format.DOCX, xml=_xml),
}


def main() -> None:
    seconds = int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    found = examine(sys.stdin.buffer.read(), Format(sys.argv[1]))
    sys.stdout.write(json.dumps([asdict(one) for one in found]))


if __name__ == "__main__":
    main()
