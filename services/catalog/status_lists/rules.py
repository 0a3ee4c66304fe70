"""How statuses are packed into a list, and what a certificate's status is in two bits.

IETF draft-ietf-oauth-status-list, sections 4, 7 and 8. Published vectors are matched byte for byte.
"""

import base64
import re
import zlib
from datetime import date, timedelta
from enum import IntEnum

from services.catalog.certificates.rules import EventKind, History, Remark, Standing, Status

BITS = 2
MOST_BYTES = 2**21
"""Of a list that is unpacked: beyond this it is not one of ours, but a bomb."""
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")
_PER_BYTE = {1: 8, 2: 4, 4: 2, 8: 1}


class Value(IntEnum):
    """What two bits say. 3 is left to each application by the draft."""

    VALID = 0
    INVALID = 1
    SUSPENDED = 2
    WITH_CONDITIONS = 3


NONE = 0x55
"""A byte of four places that belong to nobody: invalid, so that a place that is not given out yet proves nothing."""
VALUES = {
    Status.VALID: Value.VALID,
    Status.NOT_YET_VALID: Value.VALID,  # the credential itself says from when (nbf)
    Status.SUSPENDED: Value.SUSPENDED,
    Status.WITHDRAWN: Value.INVALID,
    Status.RELINQUISHED: Value.INVALID,
    Status.RELINQUISHED_UNDER_INVESTIGATION: Value.INVALID,
    Status.SUPERSEDED: Value.INVALID,
    Status.EXPIRED: Value.INVALID,
}
_CONDITIONAL = {Remark.WITH_CONDITIONS, Remark.WITH_DISPENSATION}


class ListBroken(Exception):
    """The list cannot be unpacked, or is larger than any of ours."""


class IndexBeyondList(Exception):
    """The list has no such place, so that it says nothing."""


def of_standing(standing: Standing | None) -> Value:
    """None: not granted by then."""
    if standing is None:
        return Value.INVALID
    value = VALUES[standing.status]
    if value is Value.VALID and _CONDITIONAL & set(standing.remarks):
        return Value.WITH_CONDITIONS
    return value


def next_turn(history: History, after: date) -> date | None:
    """The first day after this one on which the passing of time alone may change what the list says; between two of
    them it stays."""
    a_day = timedelta(days=1)
    turns = {history.validity.from_on, history.validity.to_on + a_day}
    turns |= {event.effective_on for event in history.events}
    turns |= {
        date.fromisoformat(event.detail["valid_to_on"]) + a_day
        for event in history.events
        if event.kind is EventKind.RENEWED
    }
    turns |= {condition.due_on + a_day for condition in history.conditions}
    return min((day for day in turns if day > after), default=None)


# ---- Packing


def put(packed: bytearray, index: int, value: int, bits: int = BITS) -> bool:
    """→ whether it was another before"""
    place, shift, mask = _place(index, bits)
    before = packed[place]
    packed[place] = before & ~(mask << shift) | value << shift
    return packed[place] != before


def get(packed: bytes | bytearray, index: int, bits: int = BITS) -> int:
    place, shift, mask = _place(index, bits)
    if index < 0 or place >= len(packed):
        raise IndexBeyondList(f"The list has {len(packed) * _PER_BYTE[bits]} places, and {index} is none of them.")
    return packed[place] >> shift & mask


def _place(index: int, bits: int) -> tuple[int, int, int]:
    """Values fill a byte from its lowest bit on."""
    place, within = divmod(index, _PER_BYTE[bits])
    return place, within * bits, (1 << bits) - 1


def encode(packed: bytes | bytearray) -> str:
    return base64.urlsafe_b64encode(zlib.compress(packed, 9)).rstrip(b"=").decode()


def decode(lst: str, most: int = MOST_BYTES) -> bytes:
    """The packed list, of at most so many bytes however much it would unpack to."""
    if not _BASE64URL.fullmatch(lst):
        raise ListBroken("It is not base64url.")
    unpacking = zlib.decompressobj()
    try:
        packed = unpacking.decompress(base64.urlsafe_b64decode(lst + "=" * (-len(lst) % 4)), most + 1)
    except (ValueError, zlib.error) as error:
        raise ListBroken("It is not a zlib stream.") from error
    if len(packed) > most:
        raise ListBroken(f"It unpacks to more than {most} bytes.")
    if not unpacking.eof or unpacking.unused_data:
        raise ListBroken("It is cut off, or something follows it.")
    return packed
