"""What Enhetsregisteret can say of a number, and how long its word is good for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable

from services.chassis.problems import Problem, Unavailable

FRESH = timedelta(hours=24)
"""So long an answer is given without asking again; what has changed is fetched anew by the updates meanwhile."""
USABLE = timedelta(days=7)
"""So long an answer is given, marked as stale, while the register cannot be asked."""


class Standing(StrEnum):
    """How an organisation stands in the register."""

    REGISTERED = "registered"
    WINDING_UP = "winding_up"
    BANKRUPT = "bankrupt"
    DELETED = "deleted"
    REMOVED = "removed"
    UNKNOWN = "unknown"


GONE = frozenset({Standing.DELETED, Standing.REMOVED, Standing.UNKNOWN})
"""Nobody is behind the number, or nobody any more."""


class RegisterAway(Unavailable):
    """Enhetsregisteret cannot be asked just now, and it has not said lately who this is."""


@dataclass(frozen=True)
class Address:
    """`country` is ISO 3166-1 alpha-2."""

    lines: Sequence[str]
    postcode: str | None
    place: str | None
    country: str


@dataclass(frozen=True)
class Answer:
    """What the register says of a number."""

    number: str
    standing: Standing
    name: str | None = None
    form: str | None = None
    address: Address | None = None
    deleted_on: date | None = None


@runtime_checkable
class Register(Protocol):
    """Whoever can be asked. Raises NeighbourAway or NeighbourNonsense when it cannot say."""

    def entity(self, number: str) -> Answer: ...

    def named(self, name: str, limit: int) -> list[Answer]: ...


def is_fresh(standing: Standing, fetched_at: datetime, now: datetime) -> bool:
    """A number that nobody had may be somebody's in the next moment: that is never kept."""
    return standing is not Standing.UNKNOWN and now - fetched_at < FRESH


def check_usable(standing: Standing, fetched_at: datetime, now: datetime) -> list[Problem]:
    """Whether an old answer may stand in for the register. Where nobody knows who it is, nobody is named."""
    if standing is Standing.UNKNOWN or now - fetched_at > USABLE:
        return [RegisterAway(f"It was asked last at {fetched_at:%Y-%m-%dT%H:%MZ}.")]
    return []
