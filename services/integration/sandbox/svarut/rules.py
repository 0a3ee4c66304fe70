"""What SvarUT takes, how it refuses, and how a letter moves. Rules and texts as KS documents them; where KS says
nothing in public, the choice stands in a docstring."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from services.chassis.problems import Conflict, Forbidden, Malformed, Unauthorized

REPEATED_WITHIN = timedelta(days=2)
FORBIDDEN_IN_FILENAMES = frozenset('"<>?*|:\\/')
PDF = "application/pdf"


class Kind(StrEnum):
    ORGANISATION = "organisasjon"
    PERSON = "person"
    PRINT = "print"


class Status(StrEnum):
    """KS's own names (REST v3)."""

    MOTTATT = "MOTTATT"
    AKSEPTERT = "AKSEPTERT"
    AVVIST = "AVVIST"
    FEILET_UNDER_MOTTAK = "FEILET_UNDER_MOTTAK"
    KLAR_FOR_MOTTAK = "KLAR_FOR_MOTTAK"
    VARSLET = "VARSLET"
    SENDT_DIGITALT = "SENDT_DIGITALT"
    SENDT_SDP = "SENDT_SDP"
    LEVERT_SDP = "LEVERT_SDP"
    SENDT_PRINT = "SENDT_PRINT"
    PRINTET = "PRINTET"
    LEST = "LEST"
    IKKE_LEVERT = "IKKE_LEVERT"
    MANUELT_HANDTERT = "MANUELT_HANDTERT"
    SLETTET = "SLETTET"


class Step(StrEnum):
    ACCEPT = "accept"
    REJECT = "reject"
    FAIL_RECEPTION = "fail_reception"
    OFFER = "offer"
    NOTIFY = "notify"
    CLOSE_UNREAD = "close_unread"
    SEND_TO_MAILBOX = "send_to_mailbox"
    DELIVER_TO_MAILBOX = "deliver_to_mailbox"
    SEND_TO_PRINT = "send_to_print"
    PRINT = "print"
    READ = "read"
    GIVE_UP = "give_up"
    HANDLE_MANUALLY = "handle_manually"
    DELETE = "delete"


_OPEN = (
    Status.MOTTATT,
    Status.AKSEPTERT,
    Status.KLAR_FOR_MOTTAK,
    Status.VARSLET,
    Status.SENDT_DIGITALT,
    Status.SENDT_SDP,
    Status.LEVERT_SDP,
    Status.SENDT_PRINT,
)
_DONE = (
    Status.AVVIST,
    Status.FEILET_UNDER_MOTTAK,
    Status.PRINTET,
    Status.LEST,
    Status.IKKE_LEVERT,
    Status.MANUELT_HANDTERT,
)

MOVES = (
    {
        (Status.MOTTATT, Step.ACCEPT): Status.AKSEPTERT,
        (Status.MOTTATT, Step.REJECT): Status.AVVIST,
        (Status.MOTTATT, Step.FAIL_RECEPTION): Status.FEILET_UNDER_MOTTAK,
        (Status.AKSEPTERT, Step.OFFER): Status.KLAR_FOR_MOTTAK,
        (Status.AKSEPTERT, Step.NOTIFY): Status.VARSLET,
        (Status.AKSEPTERT, Step.SEND_TO_MAILBOX): Status.SENDT_SDP,
        (Status.AKSEPTERT, Step.SEND_TO_PRINT): Status.SENDT_PRINT,
        (Status.AKSEPTERT, Step.GIVE_UP): Status.IKKE_LEVERT,
        (Status.KLAR_FOR_MOTTAK, Step.NOTIFY): Status.VARSLET,
        (Status.KLAR_FOR_MOTTAK, Step.SEND_TO_PRINT): Status.SENDT_PRINT,
        (Status.VARSLET, Step.SEND_TO_PRINT): Status.SENDT_PRINT,
        (Status.VARSLET, Step.CLOSE_UNREAD): Status.SENDT_DIGITALT,
        (Status.SENDT_SDP, Step.DELIVER_TO_MAILBOX): Status.LEVERT_SDP,
        (Status.SENDT_SDP, Step.SEND_TO_PRINT): Status.SENDT_PRINT,
        (Status.SENDT_PRINT, Step.PRINT): Status.PRINTET,
        (Status.PRINTET, Step.READ): Status.LEST,
    }
    | {(status, Step.READ): Status.LEST for status in _OPEN}
    | {(status, Step.HANDLE_MANUALLY): Status.MANUELT_HANDTERT for status in _OPEN}
    | {(status, Step.DELETE): Status.SLETTET for status in (*_OPEN, *_DONE)}
)

BY_ITSELF = {(kind, Status.MOTTATT): Step.ACCEPT for kind in Kind} | {
    (Kind.ORGANISATION, Status.AKSEPTERT): Step.OFFER,
    (Kind.PERSON, Status.AKSEPTERT): Step.SEND_TO_MAILBOX,
    (Kind.PERSON, Status.SENDT_SDP): Step.DELIVER_TO_MAILBOX,
    (Kind.PRINT, Status.AKSEPTERT): Step.SEND_TO_PRINT,
    (Kind.PRINT, Status.SENDT_PRINT): Step.PRINT,
}
"""What time does to a letter. The sandbox's organisations fetch their post themselves (SvarInn); reading it, and all
that goes wrong, is left to whoever controls the sandbox."""


class ContentRefused(Malformed):
    """Ugyldig innhold"""

    code: ClassVar[str | None] = None


class LetterRepeated(Malformed):
    """Forsendelse med samme mottaker, tittel, avsender og filer er forsøkt sendt tidligere"""


class TokenNotValidated(Unauthorized):
    """Klarte ikke å validere access_token"""


class IntegrationNotKnown(Unauthorized):
    """Autentisering feilet for integrasjon med id"""


class AccountForbidden(Forbidden):
    """Integrasjonen har ikke tilgang til kontoen"""


class StatusOutOfReach(Conflict):
    """The letter cannot come to this status from the one it has."""


@dataclass(frozen=True)
class Described:
    """A document as the letter's metadata names it."""

    filename: str
    media_type: str
    left_out_of_print: bool = False


@dataclass(frozen=True)
class Part:
    """A file as the multipart body holds it."""

    filename: str
    content: bytes

    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def check_files(described: Sequence[Described], parts: Sequence[Part], *, printable: bool) -> Iterator[ContentRefused]:
    """The files stand in the order of `dokumenter`, matched by file name alone, compared exactly."""
    for document in described:
        if FORBIDDEN_IN_FILENAMES & set(document.filename):
            yield _refused(f"filnavnet {document.filename!r} inneholder ulovlige tegn")
        if printable and document.media_type != PDF and not document.left_out_of_print:
            yield _refused(f"{document.filename!r} kan ikke skrives ut; bare {PDF} kan det")
    for name, times in Counter(document.filename.casefold() for document in described).items():
        if times > 1:
            yield _refused(f"filnavnet {name!r} er brukt flere ganger")
    wanted, sent = [one.filename for one in described], [part.filename for part in parts]
    if missing := [name for name in wanted if name not in sent]:
        yield _refused(f"filene {missing} mangler")
    elif surplus := [name for name in sent if name not in wanted]:
        yield _refused(f"filene {surplus} er ikke beskrevet i dokumenter")
    elif wanted != sent:
        yield _refused(f"filene må komme i samme rekkefølge som i dokumenter: {wanted}, ikke {sent}")
    for part in parts:
        if not part.content:
            yield ContentRefused(f"Kan ikke lagre tomt dokument: {part.filename!r}")


def check_letter(
    *, answer_by_link: bool, answers_to: str | None, highest_level: bool, encrypted: bool, holds_anything: bool
) -> Iterator[ContentRefused]:
    if answer_by_link and answers_to != "ORGANISASJON":
        yield _refused("kanSvareViaEdialog krever svarSendesTil med type ORGANISASJON")
    if highest_level and not encrypted:
        yield _refused("sikkerhetsniva HOYESTE krever krypterte dokumenter")
    if not holds_anything:
        yield _refused("forsendelsen har verken dokumenter eller lenker")


def check_recipient(kind: Kind, number: str) -> Iterator[ContentRefused]:
    if kind is Kind.ORGANISATION and not is_organisation_number(number):
        yield _refused("mottaker.digitalId er ikke et gyldig organisasjonsnummer")
    if kind is Kind.PERSON and not is_synthetic_person(number):
        yield _refused("mottaker.digitalId er ikke et gyldig syntetisk fødselsnummer (+80 på måneden)")


def _refused(why: str) -> ContentRefused:
    return ContentRefused(f"{ContentRefused.title()}: {why}")


def _digits(number: str, length: int) -> list[int] | None:
    return [int(digit) for digit in number] if len(number) == length and number.isascii() and number.isdigit() else None


def is_organisation_number(number: str) -> bool:
    """Nine digits whose weighted sum is divisible by eleven."""
    digits = _digits(number, 9)
    return digits is not None and _sum(digits, (3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def is_synthetic_person(number: str) -> bool:
    """Eleven digits with 80 added to the month: nobody's number, so that none of a real person is typed in here. From
    2032 the first control sum may leave a remainder of 0 to 3 (Skatteetaten)."""
    digits = _digits(number, 11)
    if digits is None or not 81 <= digits[2] * 10 + digits[3] <= 92:
        return False
    first = _sum(digits, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)) % 11
    return first in (0, 1, 2, 3) and _sum(digits, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def _sum(digits: Sequence[int], weights: Sequence[int]) -> int:
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=False))


def fingerprint(konto: str, title: str, recipient: object, parts: Sequence[Part]) -> bytes:
    """What makes two letters the same to SvarUT: sender, title, recipient with address, and files."""
    told = json.dumps([konto, title, recipient, [part.sha256() for part in parts]], sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).digest()


def check_repeats(attempts: int, allowed: int) -> None:
    """`attempts` counts this one, and the refused ones too: every new attempt makes the block last longer."""
    if attempts > allowed:
        raise LetterRepeated


def by_now(
    kind: Kind, status: Status, changed_at: datetime, now: datetime, pause: timedelta
) -> tuple[Status, datetime]:
    """Where time alone has brought a letter, and since when it is there."""
    while (step := BY_ITSELF.get((kind, status))) and now - changed_at >= pause:
        status, changed_at = MOVES[status, step], changed_at + pause
    return status, changed_at


def reach(status: Status, wanted: Status) -> Status:
    """`wanted`, if one step leads there."""
    if wanted not in {after for (before, _), after in MOVES.items() if before is status}:
        raise StatusOutOfReach(f"No step leads from {status} to {wanted}.")
    return wanted
