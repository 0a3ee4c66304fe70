"""When it is told that a certificate ends soon."""

from collections.abc import Collection
from datetime import date

LAST_CALL_DAYS = 30
"""A second window after the scheme's own, when that is longer."""


def windows(expires_soon_days: int) -> tuple[int, ...]:
    """So many days before the last day each window opens; the widest first."""
    return (expires_soon_days, LAST_CALL_DAYS) if expires_soon_days > LAST_CALL_DAYS else (expires_soon_days,)


def opened(windows: Collection[int], valid_to_on: date, today: date) -> list[int]:
    """The windows that the day lies in, the narrowest first; none once the certificate has expired."""
    left = (valid_to_on - today).days
    return sorted(one for one in windows if 0 <= left < one)
