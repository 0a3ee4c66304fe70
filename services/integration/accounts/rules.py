"""When an account pauses, and for how long: one letter's trouble is its own, that of many in a row is the account's."""

from enum import StrEnum

OUTAGE_AFTER = 8
"""Failures in a row, of whatever letters, without one success."""


class Reason(StrEnum):
    OUTAGE = "outage"
    CONFIGURATION = "configuration"


def pause(reason: Reason, failures: int, *, longest: float, configuration: float) -> float | None:
    """Seconds to pause after so many failures in a row; None for no pause yet. An outage is looked at again after 1, 2,
    4 … seconds; what somebody has to put right is not mended by asking often."""
    if reason is Reason.CONFIGURATION:
        return configuration
    if failures < OUTAGE_AFTER:
        return None
    return float(min(2.0 ** min(failures - OUTAGE_AFTER, 30), longest))
