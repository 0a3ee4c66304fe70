"""How a reply moves, what makes one unreadable, and how much of a stranger's archive is looked at."""

import base64
import binascii
import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.chassis.problems import Conflict


class State(StrEnum):
    WAITING = "waiting"
    RECEIVED = "received"
    FAILED = "failed"
    GIVEN_UP = "given_up"


class Event(StrEnum):
    RECEIVE = "receive"
    FAIL = "fail"
    RETRY = "retry"
    GIVE_UP = "give_up"


MOVES = {
    (State.WAITING, Event.RECEIVE): State.RECEIVED,
    (State.WAITING, Event.FAIL): State.FAILED,
    (State.FAILED, Event.RETRY): State.WAITING,
    (State.FAILED, Event.GIVE_UP): State.GIVEN_UP,
}


class ReplyMoveRefused(Conflict):
    """The reply cannot take this step from its current state."""


def after(state: State, event: Event) -> State:
    """The state after an event; a step that is not in the table is refused."""
    try:
        return MOVES[state, event]
    except KeyError:
        possible = ", ".join(sorted(step for before, step in MOVES if before is state)) or "none"
        raise ReplyMoveRefused(f"It is {state}; possible from there: {possible}.") from None


class SvarInnAway(Exception):
    """SvarInn does not answer, or not now: everything is tried again later."""


class NotAdmitted(SvarInnAway):
    """SvarInn does not know this account, or its key cannot be used: somebody has to set it right."""


class DownloadFailed(Exception):
    """This one letter did not come through; others may."""


class NoLongerThere(Exception):
    """SvarInn does not have it any more."""


class Unreadable(Exception):
    """Trying again will not help unless somebody does something; the text says what is wrong, without any name."""


class NotForUs(Unreadable):
    """It is encrypted for another certificate, or our private key does not belong to the certificate at SvarInn."""


class CutOff(Unreadable):
    """The envelope ends too early."""


class NoEnvelope(Unreadable):
    """What came is no CMS envelope."""


class Damaged(Unreadable):
    """The envelope's content is damaged."""


class NoArchive(Unreadable):
    """What is in the envelope is no ZIP archive, although SvarInn says so."""


class ArchiveRefused(Unreadable):
    """The archive is not opened."""


class ContentChanged(Unreadable):
    """A document is not the one that was sent."""


class DocumentMissing(Unreadable):
    """A document that SvarInn lists is not there."""


class TooLarge(Unreadable):
    """It is larger than we take."""


@dataclass(frozen=True)
class Limits:
    """Bytes and numbers of what is taken from strangers."""

    envelope: int = 200_000_000
    unpacked: int = 400_000_000
    document: int = 200_000_000
    documents: int = 1000
    list_of_contents: int = 1_000_000


@dataclass(frozen=True)
class File:
    """A document as SvarInn lists it."""

    filename: str
    media_type: str | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Listed:
    """A letter as SvarInn lists it, as far as we use it."""

    id: UUID
    title: str
    download_url: str
    sent_at: datetime | None = None
    recipient_number: str | None = None
    sender_name: str | None = None
    sender_number: str | None = None
    answers_to: UUID | None = None
    reference: str | None = None
    letter_type: str | None = None
    case: Mapping[str, int | str] = field(default_factory=dict)
    files: Sequence[File] = ()


@dataclass(frozen=True)
class Document:
    """A document of a reply, with its bytes."""

    filename: str
    media_type: str
    content: bytes
    sha256: str


LONGEST_FILENAME = 226
ANY = "application/octet-stream"
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,60}")


def plain(text: str, longest: int) -> str:
    """Another's text as it can be kept and shown: composed, without control characters, not longer than so."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(" " if unicodedata.category(one)[0] == "C" else one for one in composed)[:longest].strip()


def filename(text: str, position: int) -> str:
    """The last part of a path, whichever way its slashes lean."""
    return plain(re.split(r"[/\\]", text)[-1], LONGEST_FILENAME) or f"dokument-{position}"


def described(listed: Sequence[File], name: str, position: int) -> File | None:
    """Which of the listed files an archive's entry is: the one of its name, or the one in its place."""
    by_name = [one for one in listed if filename(one.filename, 0) == name]
    if by_name:
        return by_name[0]
    return listed[position - 1] if position <= len(listed) else None


def document(listed: File | None, name: str, position: int, content: bytes, *, hashes: bool) -> Document:
    """A document as it is kept. Encryption alone does not show every change (CBC): the hash that SvarInn lists does."""
    sha256 = hashlib.sha256(content)
    wanted = _digest(listed.sha256) if listed and hashes else None
    if wanted and wanted != sha256.digest():
        raise ContentChanged(f"Document {position} has another SHA-256 than SvarInn lists.")
    media_type = (listed.media_type if listed else None) or ANY
    kept = media_type if _MEDIA_TYPE.fullmatch(media_type.lower()) else ANY
    return Document(filename(name, position), kept.lower(), content, sha256.hexdigest())


def _digest(text: str | None) -> bytes | None:
    """KS does not say how it is written: hexadecimal or base64; what is neither is not compared."""
    if text and re.fullmatch(r"[0-9a-fA-F]{64}", text):
        return bytes.fromhex(text)
    try:
        read = base64.b64decode(text or "", validate=True)
    except binascii.Error:
        return None
    return read if len(read) == hashlib.sha256().digest_size else None


def wait_after(failures: int, longest: float) -> float:
    """Seconds until SvarInn is asked again after so many looks in vain: 1, 2, 4 …, at most `longest`."""
    return float(min(2.0 ** min(failures - 1, 30), longest))


def in_order(waiting: Sequence[tuple[UUID, int]]) -> Iterator[UUID]:
    """(id, failures) as listed → what has failed least comes first, so that a bad letter never stands before a good
    one."""
    return (id for id, _ in sorted(waiting, key=lambda one: one[1]))
