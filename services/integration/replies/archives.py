"""Takes the documents out of what was in the envelope, one at a time and within bounds: it comes from strangers."""

import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from services.integration.replies import rules
from services.integration.replies.rules import Document, Limits, Listed

ZIP = "application/zip"
PIECE = 1024 * 1024
_END, _END_BYTES, _LONGEST_COMMENT = b"PK\x05\x06", 22, 65_535
_ENCRYPTED = 0x1
_WRONG = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, NotImplementedError, OSError, OverflowError, ValueError),
)
"""What zipfile raises over an archive that is not as it should be."""


def documents(file: Path, media_type: str, listed: Listed, limits: Limits, *, hashes: bool) -> Iterator[Document]:
    """One document after the other, in their order; only one is in memory. `media_type` is what SvarInn called it."""
    if media_type.partition(";")[0].strip().lower() == ZIP:
        yield from _unpacked(file, listed, limits, hashes=hashes)
        return
    if file.stat().st_size > limits.document:
        raise rules.TooLarge(f"The document is larger than {limits.document} bytes.")
    of = listed.files[0] if listed.files else None
    yield rules.document(of, of.filename if of else "dokument.pdf", 1, file.read_bytes(), hashes=hashes)


def _unpacked(file: Path, listed: Listed, limits: Limits, *, hashes: bool) -> Iterator[Document]:
    _look_at_the_end(file, limits)
    left = limits.unpacked
    try:
        with zipfile.ZipFile(file) as archive:
            entries = [one for one in archive.infolist() if not one.filename.endswith("/")]
            if len(entries) < len(listed.files):
                raise rules.DocumentMissing(f"SvarInn lists {len(listed.files)} documents, {len(entries)} are there.")
            for position, entry in enumerate(entries, start=1):
                if entry.flag_bits & _ENCRYPTED:
                    raise rules.ArchiveRefused(f"Document {position} is locked with a password.")
                content = _read(archive, entry, position, min(left, limits.document))
                left -= len(content)
                of = rules.described(listed.files, rules.filename(entry.filename, position), position)
                yield rules.document(of, entry.filename, position, content, hashes=hashes)
    except _WRONG as error:
        raise rules.NoArchive("What is in the envelope is no whole ZIP archive.") from error


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, position: int, most: int) -> bytes:
    """By what really comes out, whatever the archive says of itself."""
    content = bytearray()
    with archive.open(entry) as opened:
        while piece := opened.read(PIECE):
            content += piece
            if len(content) > most:
                raise rules.ArchiveRefused(f"Document {position} unpacks to more than {most} bytes.")
    return bytes(content)


def _look_at_the_end(file: Path, limits: Limits) -> None:
    """Before anything is read into memory: how long the list of contents is (APPNOTE 4.3.16)."""
    size = file.stat().st_size
    with file.open("rb") as opened:
        opened.seek(max(0, size - _END_BYTES - _LONGEST_COMMENT))
        tail = opened.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + _END_BYTES:
        raise rules.NoArchive("What is in the envelope is no ZIP archive.")
    entries, length = struct.unpack_from("<HI", tail, at + 10)
    if entries > limits.documents or length > limits.list_of_contents:
        raise rules.ArchiveRefused(f"The archive lists {entries} documents in {length} bytes: more than we take.")
