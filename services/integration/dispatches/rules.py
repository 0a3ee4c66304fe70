"""What a letter may hold, how a dispatch moves, and what SvarUT's statuses mean for it."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.chassis.foreign_files.bounds import Finding, Format
from services.chassis.problems import Conflict, Invalid, Problem, Unavailable


class Channel(StrEnum):
    """By which way a letter goes to its recipient."""

    DIGITAL = "svarut_digital"
    """SvarUT brings it to the recipient's own system or to Altinn, and prints it where neither works."""
    PRINT = "svarut_print"
    """SvarUT prints it at once."""


class Priority(StrEnum):
    NORMAL = "normal"
    URGENT = "urgent"


class WhenUnread(StrEnum):
    """What follows when nobody has read a letter in time."""

    NOTICE = "notice"
    PRINT = "print"


class State(StrEnum):
    QUEUED = "queued"
    RECEIVED = "received"
    ACCEPTED = "accepted"
    NOTIFIED = "notified"
    IN_PRINT = "in_print"
    READ = "read"
    PRINTED = "printed"
    FAILED = "failed"
    FAILED_FINAL = "failed_final"
    HANDLED_MANUALLY = "handled_manually"
    CANCELLED = "cancelled"


class Event(StrEnum):
    HAND_OVER = "hand_over"
    ATTEMPT_FAILED = "attempt_failed"
    GIVE_UP = "give_up"
    ACCEPT = "accept"
    REJECT = "reject"
    NOTIFY = "notify"
    TO_PRINT = "to_print"
    READ = "read"
    UNDELIVERED = "undelivered"
    PRINTED = "printed"
    RETRY = "retry"
    MANUAL = "manual"
    CANCEL = "cancel"
    UNREAD = "unread"
    PRINT_INSTEAD = "print_instead"


MOVES = {
    (State.QUEUED, Event.HAND_OVER): State.RECEIVED,
    (State.QUEUED, Event.ATTEMPT_FAILED): State.QUEUED,
    (State.QUEUED, Event.GIVE_UP): State.FAILED_FINAL,
    (State.QUEUED, Event.CANCEL): State.CANCELLED,
    # Refused in SvarUT's answer, or out of attempts: it was never received, so it fails from here.
    (State.QUEUED, Event.REJECT): State.FAILED,
    (State.QUEUED, Event.UNDELIVERED): State.FAILED,
    (State.RECEIVED, Event.ACCEPT): State.ACCEPTED,
    (State.RECEIVED, Event.REJECT): State.FAILED,
    (State.ACCEPTED, Event.NOTIFY): State.NOTIFIED,
    (State.ACCEPTED, Event.TO_PRINT): State.IN_PRINT,
    (State.ACCEPTED, Event.READ): State.READ,
    (State.ACCEPTED, Event.UNDELIVERED): State.FAILED,
    (State.NOTIFIED, Event.TO_PRINT): State.IN_PRINT,
    (State.NOTIFIED, Event.READ): State.READ,
    (State.NOTIFIED, Event.UNDELIVERED): State.FAILED,
    # Nobody has read it in time, and its sender wants it on paper then: it is handed over once more, to be printed.
    (State.NOTIFIED, Event.PRINT_INSTEAD): State.QUEUED,
    (State.IN_PRINT, Event.PRINTED): State.PRINTED,
    (State.FAILED, Event.RETRY): State.QUEUED,
    (State.FAILED, Event.MANUAL): State.HANDLED_MANUALLY,
    (State.FAILED, Event.GIVE_UP): State.FAILED_FINAL,
    (State.FAILED, Event.CANCEL): State.CANCELLED,
}
TERMINAL = {State.READ, State.PRINTED, State.FAILED_FINAL, State.HANDLED_MANUALLY, State.CANCELLED}
OPEN = tuple(state for state in State if state not in TERMINAL)
FOLLOWED = (State.RECEIVED, State.ACCEPTED, State.NOTIFIED, State.IN_PRINT)
"""States in which SvarUT has the letter and may still tell something new."""


class MoveRefused(Conflict):
    """The dispatch cannot take this step from its current state."""


def after(state: State, event: Event) -> State:
    """The state after an event; a step that is not in the table is refused."""
    try:
        return MOVES[state, event]
    except KeyError:
        possible = ", ".join(sorted(step for before, step in MOVES if before is state)) or "none"
        raise MoveRefused(f"It is {state}; possible from there: {possible}.") from None


_ACCEPTED = (Event.HAND_OVER, Event.ACCEPT)
_REJECTED = (Event.HAND_OVER, Event.REJECT, Event.UNDELIVERED)
_NOTIFIED = (*_ACCEPTED, Event.NOTIFY)
MEANINGS: Mapping[str, Sequence[Event]] = {
    "MOTTATT": (Event.HAND_OVER,),
    "AKSEPTERT": _ACCEPTED,
    "AVVIST": _REJECTED,
    "FEILET_UNDER_MOTTAK": _REJECTED,
    "VARSLET": _NOTIFIED,
    "SENDT_ALTINN": _NOTIFIED,
    "LEVERT_ALTINN": _NOTIFIED,
    "SENDT_DIGITALT": _NOTIFIED,
    "SENDT_SDP": _NOTIFIED,
    "LEVERT_SDP": _NOTIFIED,
    "KLAR_FOR_MOTTAK": _NOTIFIED,
    "SENDT_NHN_MOTTAKER": _NOTIFIED,
    "LEVERT_NHN_MOTTAKER": _NOTIFIED,
    "SENDT_PRINT": (*_ACCEPTED, Event.TO_PRINT),
    "PRINTET": (*_ACCEPTED, Event.TO_PRINT, Event.PRINTED),
    "LEST": (*_ACCEPTED, Event.READ),
    "IKKE_LEVERT": (*_ACCEPTED, Event.UNDELIVERED),
    "MANUELT_HANDTERT": (*_ACCEPTED, Event.UNDELIVERED, Event.MANUAL),
    "SLETTET": (),
}
"""SvarUT's statuses (REST v3) as the way that leads there. Whoever asks now and then misses statuses in between; the
part of the way that still lies ahead is walked. A letter that is refused after it was accepted was not delivered."""
LAST_STATUSES = {
    *("LEST", "PRINTET", "AVVIST", "FEILET_UNDER_MOTTAK", "IKKE_LEVERT", "MANUELT_HANDTERT", "SLETTET"),
    "LEVERT_NHN_MOTTAKER",
}
"""After these SvarUT has nothing more to tell."""
_RESULT = {
    Event.READ: State.READ,
    Event.PRINTED: State.PRINTED,
    Event.UNDELIVERED: State.FAILED,
    Event.MANUAL: State.HANDLED_MANUALLY,
}


@dataclass(frozen=True)
class News:
    """What a SvarUT status means for a dispatch: steps to take, in order, or something to note without a step."""

    steps: tuple[Event, ...] = ()
    noted: Event | None = None
    unknown: bool = False


def news(state: State, status: str) -> News:
    """A status we do not know changes nothing: SvarUT adds some without a new version. A letter that is read after it
    went to print stays in print: it is noted that it was read."""
    way = MEANINGS.get(status)
    if way is None:
        return News(unknown=True)
    steps = []
    for event in way:
        if moved := MOVES.get((state, event)):
            steps.append(event)
            state = moved
    if steps or not way:
        return News(tuple(steps))
    last = way[-1]
    return News(noted=last if last in _RESULT and _RESULT[last] is not state else None)


FORBIDDEN_IN_FILENAMES = frozenset('"<>?*|:\\/')
LONGEST_FILENAME = 226
PDF = "application/pdf"
PDF_BEGINS = b"%PDF-"
MEDIA_TYPES = {
    PDF: Format.WHOLE_PDF,
    "image/png": Format.PNG,
    "image/jpeg": Format.JPEG,
    "text/plain": Format.TEXT,
    "application/zip": Format.ZIP,
}
"""What a letter's documents may be. SvarUT takes anything, but prints PDF alone."""
LARGEST_DOCUMENT_BYTES = 10_000_000
"""What SvarUT brings anywhere inside a letter; what is larger comes as a link."""
LONGEST_EXAMINATION_SECONDS = 60
"""For all documents of a letter together."""
LARGEST_PRINTED_BYTES = 350 * 1000 * 1000
_POSTCODE = re.compile(r"\d{4}", re.ASCII)
_PERSONAL_NUMBER = re.compile(r"(?<!\d)\d{6}[ -]?\d{5}(?!\d)", re.ASCII)


class PersonalNumberInTitle(Invalid):
    """A letter's title must not hold a personal number.

    Eleven digits, also written as six and five: titles are shown in inboxes, notifications and logs.
    """


class FilenameInvalid(Invalid):
    """SvarUT does not take this file name."""


class FilenameTwice(Invalid):
    """Two documents have the same file name, upper and lower case being the same."""


class ContentNotBase64(Invalid):
    """The document's content is not base64."""


class NotPdf(Invalid):
    """The document is not a PDF."""


class FirstDocumentNotPdf(Invalid):
    """The first document is the letter itself, and that is a PDF."""


class AttachmentNotPrintable(Invalid):
    """Only PDF is printed: nobody would get this document of a letter on paper."""


class DocumentTooLarge(Invalid):
    """A document holds 10 MB at most."""


class DocumentMismatch(Invalid):
    """The document is not what its media type says, or it is broken."""


class DocumentUnsafe(Invalid):
    """The document would harm whoever opens it, or is locked so that nobody can tell.

    For example an encrypted PDF, an archive or image that unpacks to thousands of times its size, an archive that holds
    paths which lead out of it or archives in archives.
    """


class DocumentTooCostly(Invalid):
    """The document could not be looked through within the time and memory that it may take."""


class ExaminersOfDocumentsBusy(Unavailable):
    """Documents cannot be looked through just now, so the letter is not taken; hand it in again."""


class ReferenceTaken(Conflict):
    """Another letter of yours has this reference already."""


class BeingHandedOver(Conflict):
    """The letter is being handed over to SvarUT in this moment."""


class AddressMissing(Invalid):
    """A letter that is to be printed needs its recipient's postal address."""


class PostcodeInvalid(Invalid):
    """A Norwegian postcode has four digits."""


class LetterTooLarge(Invalid):
    """SvarUT does not print more than 350 MB in a letter."""


@dataclass(frozen=True)
class Document:
    """A document as it was handed in; `content` is None when it could not be decoded."""

    filename: str
    content: bytes | None
    media_type: str = PDF

    def looks_right(self) -> bool:
        """It is worth looking through."""
        return (
            self.content is not None
            and len(self.content) <= LARGEST_DOCUMENT_BYTES
            and (self.media_type != PDF or self.content.startswith(PDF_BEGINS))
        )


@dataclass(frozen=True)
class Address:
    """Where a letter is brought on paper. `country` is ISO 3166-1 alpha-2; without it, Norway."""

    lines: Sequence[str]
    postcode: str | None
    place: str
    country: str | None = None


def check(
    title: str, documents: Sequence[Document], *, channel: Channel = Channel.DIGITAL, address: Address | None = None
) -> Iterator[Problem]:
    """Every reason not to take a letter."""
    if _PERSONAL_NUMBER.search(title):
        yield PersonalNumberInTitle(pointer="#/title")
    if channel is Channel.PRINT and address is None:
        yield AddressMissing(pointer="#/recipient/address")
    if address and address.country in (None, "NO") and not _POSTCODE.fullmatch(address.postcode or ""):
        yield PostcodeInvalid(pointer="#/recipient/address/postcode")
    if sum(len(one.content or b"") for one in documents) > LARGEST_PRINTED_BYTES:
        yield LetterTooLarge(pointer="#/documents")
    seen: set[str] = set()
    for position, document in enumerate(documents):
        at = f"#/documents/{position}"
        name = document.filename
        if wrong := FORBIDDEN_IN_FILENAMES & set(name):
            yield FilenameInvalid(f"It holds {' '.join(sorted(wrong))}", pointer=f"{at}/filename")
        if not name.isprintable():
            yield FilenameInvalid("It holds characters that cannot be printed.", pointer=f"{at}/filename")
        if name.casefold() in seen:
            yield FilenameTwice(f"{name!r} stands twice.", pointer=f"{at}/filename")
        seen.add(name.casefold())
        if document.media_type != PDF and position == 0:
            yield FirstDocumentNotPdf(pointer=f"{at}/media_type")
        elif document.media_type != PDF and channel is Channel.PRINT:
            yield AttachmentNotPrintable(pointer=f"{at}/media_type")
        if document.content is None:
            yield ContentNotBase64(pointer=f"{at}/content_base64")
        elif len(document.content) > LARGEST_DOCUMENT_BYTES:
            yield DocumentTooLarge(f"It holds {len(document.content)} bytes.", pointer=f"{at}/content_base64")
        elif document.media_type == PDF and not document.content.startswith(PDF_BEGINS):
            yield NotPdf(f"A PDF begins with {PDF_BEGINS.decode()}", pointer=f"{at}/content_base64")


def check_findings(position: int, findings: Collection[Finding]) -> Iterator[Problem]:
    """What was found in a letter's document, the first being 0."""
    for one in findings:
        kind = DocumentUnsafe if one.unsafe else DocumentMismatch
        yield kind(one.detail, pointer=f"#/documents/{position}/content_base64")
