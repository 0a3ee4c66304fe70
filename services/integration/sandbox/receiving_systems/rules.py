"""Which receiving system a letter waits for, and which certificates can be used."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.chassis.problems import Invalid

LEVELS = (3, 4)
"""Sikkerhetsnivå; a system that takes the higher one takes the lower one too."""


class CertificateUnusable(Invalid):
    """The certificate cannot be used to encrypt letters."""


@dataclass(frozen=True)
class Filter:
    """What a system takes: an organisation's letters of one type, or of all types, up to a level."""

    system: int
    organisation: str
    letter_type: str | None
    level: int


def taker(filters: Iterable[Filter], organisation: str, letter_type: str | None, level: int) -> int | None:
    """The system that a letter waits for: the one for its own type before one for all types, and of equals the one that
    was registered first. KS says that the most specific one wins and no more."""
    fitting = [
        one
        for one in filters
        if one.organisation == organisation and one.letter_type in (letter_type, None) and one.level >= level
    ]
    best = min(fitting, key=lambda one: (one.letter_type is None, one.system), default=None)
    return best.system if best else None
