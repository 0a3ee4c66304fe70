"""Files that are what they say, and files made to harm whoever opens them; small here, as they would be on the wire."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import openpyxl

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
ZIP, PDF, PNG, JPEG = "application/zip", "application/pdf", "image/png", "image/jpeg"
JSON, HAR, XML, CSV, TEXT = "application/json", "application/har+json", "application/xml", "text/csv", "text/plain"
BIG = 150_000_000
"""Bytes that a bomb unpacks to; of zeros, so that they weigh little packed."""
FEWER = 20_000_000
"""Less than a file may unpack to, but a thousand times what it weighs."""


def archive(entries: Iterable[tuple[str | zipfile.ZipInfo, bytes]], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", how) as folder:
        for name, content in entries:
            folder.writestr(name, content, how)
    return made.getvalue()


def workbook(*more: tuple[str, bytes]) -> bytes:
    made = io.BytesIO()
    book = openpyxl.Workbook()
    book.active.append(["VT1-01", "met"])
    book.save(made)
    with zipfile.ZipFile(made, "a", zipfile.ZIP_DEFLATED) as folder:
        for name, content in more:
            folder.writestr(name, content)
    return made.getvalue()


def document() -> bytes:
    return archive([("[Content_Types].xml", b"<Types/>"), ("word/document.xml", b"<w:document xmlns:w='w'/>")])


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int = 1, height: int = 1, *more: bytes) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def jpeg(width: int = 1, height: int = 1) -> bytes:
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\1\x11\0"
    return b"\xff\xd8\xff\xe0\0\4ab" + frame + b"\xff\xda\0\2\0\xff\xd9"


def pdf(stream: bytes = b"", filters: bytes = b"/FlateDecode", trailer: bytes = b"") -> bytes:
    return (
        b"%PDF-1.5\n1 0 obj <</Filter " + filters + b">>\nstream\n" + stream + b"\nendstream\n" + trailer + b"\n%%EOF"
    )


def changed(content: bytes, old: bytes, new: bytes) -> bytes:
    assert content.count(old) >= 1
    return content.replace(old, new)


def overlapping() -> bytes:
    """Two entries of the list that are the same bytes, both as the list says (the way of the best bombs there are)."""
    made = bytearray(archive([("en.txt", b"a" * 1000), ("to.txt", b"a" * 1000)]))
    second = made.rfind(b"PK\1\2")
    made[second + 42 : second + 46] = struct.pack("<I", 0)
    return bytes(made)


def lying() -> bytes:
    """An entry that unpacks to more than the list says."""
    made = bytearray(archive([("en.txt", b"\0" * 100_000)]))
    for at in (made.find(b"PK\3\4") + 22, made.find(b"PK\1\2") + 24):
        made[at : at + 4] = struct.pack("<I", 10)
    return bytes(made)


def linked() -> bytes:
    link = zipfile.ZipInfo("lenke")
    link.external_attr = 0o120777 << 16
    return archive([(link, b"/etc/passwd")])


def encrypted() -> bytes:
    made = bytearray(archive([("en.txt", b"hemmelig")]))
    made[made.find(b"PK\1\2") + 8] |= 1
    return bytes(made)


@cache
def zeros() -> bytes:
    return zlib.compress(b"\0" * BIG)


@cache
def bomb(name: str) -> tuple[str, bytes]:
    """→ its media type and content"""
    media_type, make = BOMBS[name]
    return media_type, make()


LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "ha">'
    + b"".join(b'<!ENTITY x%d "%s">' % (n, b"&x%d;" % (n - 1) * 10 if n else b"&x;" * 10) for n in range(9))
    + b"]><a>&x8;</a>"
)
NUMBERS = b"[" + b"1," * 1_100_000 + b"1]"
GOOD: list[tuple[str, str, bytes]] = [
    ("a PDF", PDF, pdf(zlib.compress(b"Rapport"))),
    ("a PDF about scripts", PDF, pdf(zlib.compress(b"(/S /JavaScript) Tj"), trailer=b"(JavaScript) /JS /Launch")),
    ("a PNG", PNG, png(800, 600, chunk(b"zTXt", b"c\0\0" + zlib.compress(b"fiktiv")))),
    ("a JPEG", JPEG, jpeg(800, 600)),
    ("JSON", JSON, '{"krav": ["VT1-01", {"utfall": "oppfylt \\"æ\\""}]}'.encode()),
    ("HAR", HAR, b'{"log": {"version": "1.2", "entries": []}}'),
    ("XML", XML, "<rapport><krav id='VT1-01'>æ</krav></rapport>".encode()),
    ("CSV", CSV, 'krav;utfall\r\nVT1-01;"oppfylt; æ"\r\n'.encode("utf-8-sig")),
    ("text", TEXT, "Logg\tæøå\n".encode()),
    ("a ZIP", ZIP, archive([("logg/en.txt", b"a" * 5000), ("rapport.html", b"<!DOCTYPE html><p>a"), ("t.xml", b"<a")])),
    ("a workbook in a ZIP", ZIP, archive([("rapport.xlsx", workbook())])),
    ("a workbook", XLSX, workbook()),
    ("a document", DOCX, document()),
]
BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "a ZIP of zeros": (ZIP, lambda: archive([("null.bin", b"\0" * BIG)])),
    "a ZIP of fewer zeros": (ZIP, lambda: archive([("null.bin", b"\0" * FEWER)])),
    "a PNG with a comment of fewer zeros": (
        PNG,
        lambda: png(1, 1, chunk(b"zTXt", b"c\0\0" + zlib.compress(b"\0" * FEWER))),
    ),
    "a ZIP of many zeros": (
        ZIP,
        lambda: archive([(f"{n}.txt", bytes(range(256)) * 40 + b"\0" * 900_000) for n in range(120)]),
    ),
    "a ZIP of too many entries": (ZIP, lambda: archive([(f"{n}", b"") for n in range(2_100)])),
    "a ZIP in a ZIP in a ZIP": (ZIP, lambda: archive([("a.zip", archive([("b.zip", archive([("c", b"c")]))]))])),
    "gzip in a ZIP": (ZIP, lambda: archive([("a.gz", b"\x1f\x8b\x08" + b"\0" * 20)])),
    "a ZIP that leads out": (ZIP, lambda: archive([("../../etc/cron.d/a", b"a")])),
    "a ZIP that leads out the Windows way": (ZIP, lambda: archive([("..\\..\\a", b"a")])),
    "a ZIP with an absolute path": (ZIP, lambda: archive([("/etc/passwd", b"a")])),
    "a ZIP with a drive": (ZIP, lambda: archive([("C:/a", b"a")])),
    "a ZIP with a link": (ZIP, lambda: linked()),
    "a ZIP with a name twice": (
        ZIP,
        lambda: changed(archive([("en.txt", b"a"), ("To.txt", b"b")]), b"To.txt", b"EN.txt"),
    ),
    "a ZIP whose entries overlap": (ZIP, lambda: overlapping()),
    "a ZIP that lies about sizes": (ZIP, lambda: lying()),
    "a ZIP that is encrypted": (ZIP, lambda: encrypted()),
    "a ZIP in bzip2": (ZIP, lambda: archive([("a", b"a" * 100)], zipfile.ZIP_BZIP2)),
    "a ZIP behind something else": (ZIP, lambda: archive([("a", b"a")])[:4] + b"ELF" * 9 + archive([("a", b"a")])),
    "XML of laughs in a ZIP": (ZIP, lambda: archive([("a.xml", LAUGHS)])),
    "a workbook of zeros": (XLSX, lambda: workbook(("xl/media/a.bin", b"\0" * BIG))),
    "a workbook with laughs": (XLSX, lambda: workbook(("xl/custom.xml", LAUGHS))),
    "a workbook with macros": (XLSX, lambda: workbook(("xl/vbaProject.bin", b"a"))),
    "XML of laughs": (XML, lambda: LAUGHS),
    "XML from elsewhere": (XML, lambda: b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'),
    "XML without end": (XML, lambda: b"<a>" * 200 + b"</a>" * 200),
    "XML of many elements": (XML, lambda: b"<a>" + b"<b/>" * 1_100_000 + b"</a>"),
    "JSON without end": (JSON, lambda: b"[" * 100_000 + b"]" * 100_000),
    "JSON of many values": (JSON, lambda: NUMBERS),
    "a PNG of absurd size": (PNG, lambda: png(60_000, 60_000)),
    "a PNG with a comment of zeros": (PNG, lambda: png(1, 1, chunk(b"zTXt", b"c\0\0" + zeros()))),
    "a PNG with a profile of zeros": (PNG, lambda: png(1, 1, chunk(b"iCCP", b"c\0\0" + zeros()))),
    "a JPEG of absurd size": (JPEG, lambda: jpeg(65_000, 65_000)),
    "a PDF of zeros": (PDF, lambda: pdf(zeros())),
    "a PDF packed twice": (PDF, lambda: pdf(zlib.compress(zeros()), b"[/FlateDecode /FlateDecode]")),
    "a PDF with a script": (PDF, lambda: pdf(trailer=b"2 0 obj <</S /JavaScript /JS (app.alert\\(1\\))>> endobj")),
    "a PDF with a script by another spelling": (
        PDF,
        lambda: pdf(trailer=b"2 0 obj <</S/J#61vaScript/JS 3 0 R>> endobj"),
    ),
    "a PDF that starts a program": (PDF, lambda: pdf(trailer=b"2 0 obj <</S\n/Launch /F (cmd.exe)>> endobj")),
    "a PDF with a packed script": (
        PDF,
        lambda: pdf(zlib.compress(b"2 0 <</S/JavaScript/JS(1)>>"), b"/FlateDecode/Type/ObjStm/N 1/First 4"),
    ),
    "a PDF that is encrypted": (PDF, lambda: pdf(trailer=b"trailer <</Encrypt 5 0 R>>")),
}
"""Made when they are wanted: the big ones take a second."""
OTHERS: list[tuple[str, str, bytes]] = [
    ("a PDF said to be text", TEXT, pdf()),
    ("a ZIP said to be CSV", CSV, archive([("a", b"a")])),
    ("a program said to be text", TEXT, b"MZ\x90\0\3"),
    ("text said to be PDF", PDF, b"Rapport"),
    ("text said to be PNG", PNG, b"Rapport"),
    ("a GIF said to be JPEG", JPEG, b"GIF89a"),
    ("text said to be JSON", JSON, b"Rapport"),
    ("NaN said to be JSON", JSON, b"[NaN]"),
    ("JSON said to be HAR", HAR, b'{"log": []}'),
    ("text said to be XML", XML, b"Rapport"),
    ("half an XML", XML, b"<a>"),
    ("a ZIP said to be a workbook", XLSX, archive([("a", b"a")])),
    ("a workbook said to be a document", DOCX, workbook()),
    ("half a ZIP", ZIP, archive([("a", b"a" * 500)])[:80]),
    ("half a PDF", PDF, b"%PDF-1.7\n1 0 obj"),
    ("a PNG with something behind", PNG, png() + b"PK\3\4"),
    ("latin-1 said to be text", TEXT, "æ".encode("latin-1")),
    ("NUL said to be text", TEXT, b"a\0b"),
]


def cases(*lists: list[tuple[str, str, bytes]]) -> dict[str, Any]:
    every = [one for each in lists for one in each]
    return {"argvalues": [one[1:] for one in every], "ids": [one[0] for one in every]}
