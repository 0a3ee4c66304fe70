"""How long a letter may wait, and how many one list holds."""

from datetime import datetime, timedelta
from enum import StrEnum

from services.chassis.problems import NotFound, Unauthorized

LONGEST_LIST = 200
WARNED_AFTER = timedelta(hours=2)
WARNED_AGAIN = timedelta(hours=8)
"""KS: after 2 hours a mail, repeated three times a day; the letter stays for as long as it takes."""
PDF, ZIP = "application/pdf", "application/zip"


class ReceiverUnknown(Unauthorized):
    """Feil brukernavn eller passord for mottakersystem."""


class LetterNotWaiting(NotFound):
    """Forsendelsen finnes ikke, eller venter ikke på dette mottakersystemet."""


class Spoilt(StrEnum):
    """What may be wrong with a letter that is put into the queue."""

    OTHER_CERTIFICATE = "other_certificate"
    CUT = "cut"
    CHANGED_BYTE = "changed_byte"
    OTHER_CONTENT = "other_content"
    NO_ARCHIVE = "no_archive"
    BOMB = "bomb"


def warnings(waiting_since: datetime, now: datetime) -> int:
    """How many mails the system's owner has had about a letter by now."""
    late = now - waiting_since - WARNED_AFTER
    return 0 if late < timedelta() else 1 + late // WARNED_AGAIN


def media_type(media_types: list[str]) -> str:
    """Of what is in the envelope: one PDF as it is, anything else in an archive."""
    return PDF if media_types == [PDF] else ZIP
