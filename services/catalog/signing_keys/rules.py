"""Which key signs, which are published, and for how long."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.chassis.problems import Conflict, Problem


class State(StrEnum):
    COMING = "coming"
    """Published, so that verifiers know it when it begins to sign."""
    SIGNING = "signing"
    KEPT = "kept"
    """A newer one signs. What this one signed still counts."""
    RETIRED = "retired"
    """Its private half is gone. What it signed last is still verified with it."""
    GONE = "gone"
    """Published no more."""


class KeyUnknown(Conflict):
    """There is no such key here."""


class KeyNeeded(Conflict):
    """No other key could sign in its place: make a new one first, and wait until it signs."""


class KeyRetired(Conflict):
    """The key is retired already."""


@dataclass(frozen=True)
class Key:
    """`signs_from`: when it may begin to sign. `compromised`: others may have it, so that nothing it signed counts."""

    kid: str
    made_at: datetime
    signs_from: datetime
    retired_at: datetime | None = None
    compromised: bool = False


def signing(keys: Iterable[Key], now: datetime) -> Key | None:
    """Of those that may sign the one that began last."""
    may = [key for key in keys if key.retired_at is None and key.signs_from <= now]
    return max(may, key=lambda key: (key.signs_from, key.made_at, key.kid), default=None)


def state(key: Key, keys: Iterable[Key], now: datetime, *, needed: Collection[str], lists_live: timedelta) -> State:
    """`needed`: ids of the keys that alone have signed a credential that has not expired. `lists_live`: how long a
    status list may be used after it was signed."""
    if key.compromised:
        return State.GONE
    if key.retired_at is not None:
        wanted = key.kid in needed or now < key.retired_at + lists_live
        return State.RETIRED if wanted else State.GONE
    if key.signs_from > now:
        return State.COMING
    return State.SIGNING if signing(keys, now) == key else State.KEPT


def check_retire(kid: str, keys: Collection[Key], now: datetime, *, compromised: bool) -> list[Problem]:
    """A compromised key goes even when nothing can be signed without it."""
    key = next((one for one in keys if one.kid == kid), None)
    if key is None:
        return [KeyUnknown(f"There are {', '.join(one.kid for one in keys) or 'none'}.")]
    if key.retired_at is not None and not (compromised and not key.compromised):
        return [KeyRetired()]
    if not compromised and signing([one for one in keys if one.kid != kid], now) is None:
        return [KeyNeeded()]
    return []
