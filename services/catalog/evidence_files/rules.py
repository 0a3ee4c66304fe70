"""What an evidence file may be, what can become of it, and who sees how much of it."""

from collections.abc import Collection
from enum import StrEnum

from services.chassis.foreign_files.bounds import Finding, Format
from services.chassis.problems import Conflict, Forbidden, Invalid, MediaTypeUnsupported, Problem, TooLarge, Unavailable

LARGEST = 20_000_000
"""Bytes of a file at most."""

_OFFICE = "application/vnd.openxmlformats-officedocument"
MEDIA_TYPES = {
    "application/pdf": Format.PDF,
    "image/png": Format.PNG,
    "image/jpeg": Format.JPEG,
    "application/json": Format.JSON,
    "application/har+json": Format.HAR,
    "application/xml": Format.XML,
    "text/xml": Format.XML,
    "text/csv": Format.CSV,
    "text/plain": Format.TEXT,
    "application/zip": Format.ZIP,
    f"{_OFFICE}.spreadsheetml.sheet": Format.XLSX,
    f"{_OFFICE}.wordprocessingml.document": Format.DOCX,
}
"""What may be uploaded: nothing that a browser runs. HAR (HTTP Archive) has no registered name; this one is ours."""


class EventKind(StrEnum):
    WITHDRAWN = "withdrawn"


class View(StrEnum):
    """How much of a file someone sees."""

    NOTHING = "nothing"
    METADATA = "metadata"
    """That it exists, its hash, size, type and dates; not what it is called."""
    EVERYTHING = "everything"


class EvidenceMissing(Invalid):
    """There is no content."""


class EvidenceTooLarge(TooLarge):
    """An evidence file holds 20 MB at most."""


class EvidenceTypeNotTaken(MediaTypeUnsupported):
    """Evidence files of this media type are not taken."""


class EvidenceMismatch(Invalid):
    """The content is not what its media type says."""


class EvidenceUnsafe(Invalid):
    """The file is made so that opening it would harm.

    For example an archive that unpacks to thousands of times its size, that holds paths which lead out of it, or that
    holds archives in archives; XML with a document type; an image of absurd size.
    """


class EvidenceTooCostly(Invalid):
    """The file could not be looked through within the time and memory that one may take."""


class EvidenceFileNameUnusable(Invalid):
    """A file name has no folders and no control characters."""


class EvidenceTitleMissing(Invalid):
    """A file needs a title."""


class ExaminersOfEvidenceBusy(Unavailable):
    """Other files are being looked through just now."""


class EvidenceAlreadyWithdrawn(Conflict):
    """The file has been withdrawn already."""


class NotYourEvidence(Forbidden):
    """Only whoever uploaded a file may withdraw it."""


class ContentNotOpen(Forbidden):
    """What this file holds is open to its parties only."""


def media_type(header: str) -> str:
    """`Text/CSV; charset=utf-8` → `text/csv`"""
    return header.split(";")[0].strip().lower()


def check_form(media_type: str, size: int, file_name: str, title: str) -> list[Problem]:
    """All that can be said without looking into the content."""
    found: list[Problem] = []
    if media_type not in MEDIA_TYPES:
        found.append(EvidenceTypeNotTaken(f"Taken are {', '.join(MEDIA_TYPES)}."))
    if size > LARGEST:
        found.append(EvidenceTooLarge())
    if size == 0:
        found.append(EvidenceMissing())
    if any(one in file_name for one in "/\\") or not file_name.isprintable() or file_name.strip(". ") == "":
        found.append(EvidenceFileNameUnusable(pointer="?file_name"))
    if not title.strip() or "\0" in title:
        found.append(EvidenceTitleMissing(pointer="?title"))
    return found


def check_findings(findings: Collection[Finding]) -> list[Problem]:
    return [
        EvidenceUnsafe(one.detail) if one.unsafe else EvidenceMismatch(one.detail)
        for one in sorted(findings, key=lambda one: not one.unsafe)
    ]


def check_withdrawal(*, withdrawn: bool, uploader: bool) -> list[Problem]:
    found: list[Problem] = []
    if not uploader:
        found.append(NotYourEvidence())
    if withdrawn:
        found.append(EvidenceAlreadyWithdrawn())
    return found


def view(*, body: bool, party: bool, certified: bool) -> View:
    """`body`: assesses or decides. `party`: uploaded it, or was given it to read. `certified`: a certificate's result
    refers to it."""
    if body or party:
        return View.EVERYTHING
    return View.METADATA if certified else View.NOTHING


def may_open(view: View, *, body: bool, withdrawn: bool) -> bool:
    """Whether someone may have the content. What is withdrawn is kept for those who must be able to explain a decision
    that it led to."""
    return view is View.EVERYTHING and (body or not withdrawn)
