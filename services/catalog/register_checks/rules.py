"""What a check can come to, and when it is made again."""

from datetime import timedelta
from enum import StrEnum

AGAIN = timedelta(hours=24)
"""So old a check is made anew."""
PAUSE = timedelta(minutes=1)
"""Between two tries while nobody can be asked."""


class Outcome(StrEnum):
    """How the number stands in Enhetsregisteret; `not_verified_yet` while nobody has been able to say."""

    NOT_VERIFIED_YET = "not_verified_yet"
    REGISTERED = "registered"
    WINDING_UP = "winding_up"
    BANKRUPT = "bankrupt"
    DELETED = "deleted"
    REMOVED = "removed"
    UNKNOWN = "unknown"


VERIFIED = frozenset({Outcome.REGISTERED, Outcome.WINDING_UP, Outcome.BANKRUPT})
"""Outcomes by which there is somebody behind the number. A bankrupt estate still is; that it is bankrupt is told."""
