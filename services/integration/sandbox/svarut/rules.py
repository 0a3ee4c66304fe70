"""How a letter moves, by itself and when somebody moves it, and what is told of it. As KS documents it; where KS says
nothing in public, the choice stands in a docstring."""

import hashlib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import ClassVar

from services.chassis.problems import Conflict, Malformed
from services.integration.sandbox.svarut_time import rules as svarut_time

READING_HOURS = 40
"""Of working days, until an unread letter in Altinn goes on; 48 until 2016."""
PDF = "application/pdf"
LETTER_TYPE = r"^[a-zA-ZæøåÆØÅ0-9]+(\.[a-zA-ZæøåÆØÅ0-9]+)*$"


class Kind(StrEnum):
    ORGANISATION = "organisasjon"
    PERSON = "person"
    PRINT = "print"
    HEALTH = "nhn"


class Channel(StrEnum):
    """The way that a letter goes when it has been accepted."""

    SVARINN = "svarinn"
    ALTINN = "altinn"
    MAILBOX = "sdp"
    HEALTH = "nhn"
    PRINT = "print"
    NONE = "none"


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
    SENDT_NHN_MOTTAKER = "SENDT_NHN_MOTTAKER"
    LEVERT_NHN_MOTTAKER = "LEVERT_NHN_MOTTAKER"
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
    SEND_TO_HEALTH = "send_to_health"
    DELIVER_TO_HEALTH = "deliver_to_health"
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
    Status.SENDT_NHN_MOTTAKER,
    Status.SENDT_PRINT,
)
_DONE = (
    Status.AVVIST,
    Status.FEILET_UNDER_MOTTAK,
    Status.PRINTET,
    Status.LEST,
    Status.IKKE_LEVERT,
    Status.MANUELT_HANDTERT,
    Status.LEVERT_NHN_MOTTAKER,
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
        (Status.VARSLET, Step.GIVE_UP): Status.IKKE_LEVERT,
        (Status.KLAR_FOR_MOTTAK, Step.NOTIFY): Status.VARSLET,
        (Status.KLAR_FOR_MOTTAK, Step.SEND_TO_PRINT): Status.SENDT_PRINT,
        (Status.VARSLET, Step.SEND_TO_PRINT): Status.SENDT_PRINT,
        (Status.VARSLET, Step.CLOSE_UNREAD): Status.SENDT_DIGITALT,
        (Status.SENDT_SDP, Step.DELIVER_TO_MAILBOX): Status.LEVERT_SDP,
        (Status.SENDT_SDP, Step.SEND_TO_PRINT): Status.SENDT_PRINT,
        (Status.AKSEPTERT, Step.SEND_TO_HEALTH): Status.SENDT_NHN_MOTTAKER,
        (Status.SENDT_NHN_MOTTAKER, Step.DELIVER_TO_HEALTH): Status.LEVERT_NHN_MOTTAKER,
        (Status.SENDT_PRINT, Step.PRINT): Status.PRINTET,
        (Status.PRINTET, Step.READ): Status.LEST,
    }
    | {(status, Step.READ): Status.LEST for status in _OPEN}
    | {(status, Step.HANDLE_MANUALLY): Status.MANUELT_HANDTERT for status in _OPEN}
    | {(status, Step.DELETE): Status.SLETTET for status in (*_OPEN, *_DONE)}
)

_ACCEPTED_INTO = {
    Channel.SVARINN: Step.OFFER,
    Channel.ALTINN: Step.NOTIFY,
    Channel.MAILBOX: Step.SEND_TO_MAILBOX,
    Channel.HEALTH: Step.SEND_TO_HEALTH,
    Channel.PRINT: Step.SEND_TO_PRINT,
    Channel.NONE: Step.GIVE_UP,
}
_ARRIVING = {
    Status.MOTTATT: Step.ACCEPT,
    Status.SENDT_SDP: Step.DELIVER_TO_MAILBOX,
    Status.SENDT_NHN_MOTTAKER: Step.DELIVER_TO_HEALTH,
    Status.SENDT_PRINT: Step.PRINT,
}
_ANYWHERE = {Status.LEST, Status.MANUELT_HANDTERT, Status.SLETTET}
"""As one step leads there from everywhere, a letter that is to end there goes its own way first."""

TOLD: Mapping[Status, Sequence[str]] = {
    Status.MOTTATT: ("Mottatt, og tildelt forsendelse-id",),
    Status.AKSEPTERT: ("Metadata er validert OK", "Akseptert for ekspedering"),
    Status.AVVIST: ("Forsendelsen er avvist",),
    Status.FEILET_UNDER_MOTTAK: ("Forsendelsen feilet under mottak",),
    Status.KLAR_FOR_MOTTAK: ("Klar for mottak i SvarInn",),
    Status.VARSLET: ("Sendt til Altinn, og mottaker er varslet",),
    Status.SENDT_DIGITALT: ("Ikke lest innen lesefristen, og skal ikke skrives ut",),
    Status.SENDT_SDP: ("Sendt til digital postkasse",),
    Status.LEVERT_SDP: ("Levert til digital postkasse",),
    Status.SENDT_NHN_MOTTAKER: ("Sendt til mottaker i helsenettet",),
    Status.LEVERT_NHN_MOTTAKER: ("Levert til mottaker i helsenettet",),
    Status.SENDT_PRINT: ("Sendt til utskrift",),
    Status.PRINTET: ("Skrevet ut og levert til postombringer",),
    Status.LEST: ("Lest av mottaker",),
    Status.IKKE_LEVERT: ("Kunne ikke leveres digitalt",),
    Status.MANUELT_HANDTERT: ("Håndtert manuelt",),
    Status.SLETTET: ("Forsendelsen er slettet",),
}
"""In the letter's history; only the first three are KS's own words, and no text is promised by them."""
FOR_OLDER_VERSIONS = {
    Status.FEILET_UNDER_MOTTAK: Status.AVVIST,
    Status.SENDT_NHN_MOTTAKER: Status.AKSEPTERT,
    Status.LEVERT_NHN_MOTTAKER: Status.AKSEPTERT,
}
"""REST v1 and v2 know 13 statuses. AVVIST covered failed reception before v3; a letter to the health network can only
be sent by v3, and is shown to the others as far as they have words."""


class ContentRefused(Malformed):
    """Ugyldig innhold"""

    code: ClassVar[str | None] = None


class LetterIdUsed(Malformed):
    """Duplikat: forsendelse-id er brukt før"""


class StatusOutOfReach(Conflict):
    """The letter cannot come to this status from the one it has."""


@dataclass(frozen=True)
class Described:
    """A document as the letter's metadata names it."""

    filename: str
    media_type: str
    left_out_of_print: bool = False
    to_be_signed: bool = False


@dataclass(frozen=True)
class Part:
    """A file as the multipart body holds it."""

    filename: str
    content: bytes

    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Course:
    """How a letter goes as long as nobody interferes. `fate` is where it is to end, by order of control."""

    channel: Channel
    digital_only: bool = False
    forwards_unread: bool = True
    fate: Status | None = None


def own_step(course: Course, status: Status) -> Step | None:
    """What time does to a letter. Reading it is left to its recipient, SvarInn, and whoever controls the sandbox."""
    if status is Status.AKSEPTERT:
        return _ACCEPTED_INTO[course.channel]
    if status is Status.VARSLET and (course.digital_only or course.forwards_unread):
        return Step.CLOSE_UNREAD if course.digital_only else Step.SEND_TO_PRINT
    return _ARRIVING.get(status)


def next_step(course: Course, status: Status) -> Step | None:
    if course.fate is None or (course.fate in _ANYWHERE and status in (Status.MOTTATT, Status.AKSEPTERT)):
        return own_step(course, status)
    return None if status is course.fate else _towards(status, course.fate) or own_step(course, status)


@cache
def _towards(status: Status, end: Status) -> Step | None:
    """The first step of the shortest way; None when there is none."""
    firsts: deque[tuple[Status, Step | None]] = deque([(status, None)])
    seen = {status}
    while firsts:
        here, first = firsts.popleft()
        for (before, step), after in MOVES.items():
            if before is here and after is end:
                return first or step
            if before is here and after not in seen | _ANYWHERE:
                seen.add(after)
                firsts.append((after, first or step))
    return None


def passed(
    course: Course, status: Status, changed_at: datetime, now: datetime, pause: timedelta
) -> Iterator[tuple[Status, datetime]]:
    """The statuses that time alone has brought a letter to, and when."""
    while step := next_step(course, status):
        changed_at = (
            svarut_time.after_working_hours(changed_at, READING_HOURS)
            if status is Status.VARSLET
            else changed_at + pause
        )
        if changed_at > now:
            return
        status = MOVES[status, step]
        yield status, changed_at


def by_now(
    course: Course, status: Status, changed_at: datetime, now: datetime, pause: timedelta
) -> tuple[Status, datetime]:
    """Where time alone has brought a letter, and since when it is there."""
    for status, changed_at in passed(course, status, changed_at, now, pause):  # noqa: B007, B020  # the last one counts
        continue
    return status, changed_at


def reach(status: Status, wanted: Status) -> Status:
    """`wanted`, if one step leads there."""
    if wanted not in {after for (before, _), after in MOVES.items() if before is status}:
        raise StatusOutOfReach(f"No step leads from {status} to {wanted}.")
    return wanted


def for_older_versions(status: Status, before_deletion: Status | None) -> Status:
    """A deleted letter is shown to them as it was before."""
    if status is Status.SLETTET:
        status = before_deletion or Status.MANUELT_HANDTERT
    return FOR_OLDER_VERSIONS.get(status, status)


def through_altinn(status: Status, since: datetime, now: datetime, pause: timedelta) -> str:
    """A status in the newest words of REST v3, in which SENDT_ALTINN and LEVERT_ALTINN have taken VARSLET's place."""
    if status is not Status.VARSLET:
        return status.value
    return "LEVERT_ALTINN" if now - since >= pause else "SENDT_ALTINN"
