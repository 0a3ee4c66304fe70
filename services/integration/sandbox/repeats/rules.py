"""Which letters are the same to SvarUT, and how many of them it takes."""

import hashlib
import json
from collections.abc import Sequence
from datetime import timedelta

from services.chassis.problems import Malformed
from services.integration.sandbox.svarut.rules import Part

REPEATED_WITHIN = timedelta(days=2)


class LetterRepeated(Malformed):
    """Forsendelse med samme mottaker, tittel, avsender og filer er forsøkt sendt tidligere"""


def fingerprint(konto: str, title: str, recipient: object, parts: Sequence[Part]) -> bytes:
    """What makes two letters the same to SvarUT: sender, title, recipient with address, and files."""
    told = json.dumps([konto, title, recipient, [part.sha256() for part in parts]], sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).digest()


def check_repeats(attempts: int, allowed: int) -> None:
    """`attempts` counts this one, and the refused ones too: every new attempt makes the block last longer."""
    if attempts > allowed:
        raise LetterRepeated
