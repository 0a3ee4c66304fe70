"""What SvarUT's answer to an attempt means, and when to try again."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What an attempt at SvarUT came to."""

    SENT = "sent"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    CONFIGURATION = "configuration"
    TRANSIENT = "transient"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True)
class Answer:
    """SvarUT's answer to a request, as far as one came."""

    status: int | None = None
    """HTTP status; None when there was no whole answer."""
    id: str | None = None
    message: str | None = None
    """SvarUT's own error text, or what went wrong on the way; without personal numbers."""
    code: str | None = None
    from_svarut: bool = False
    """The error is in SvarUT's own form, not a gateway's page."""
    reached: bool = False
    """At least a part of the letter may have come to SvarUT."""
    misconfigured: bool = False
    """It failed here: no key, or no token for this client."""


_REPEATED_CODE, _REPEATED_TEXT = "GJENTAGENDE_FORSENDELSE", "forsendelse med samme mottaker"


def verdict(answer: Answer) -> Verdict:
    """Only what certainly did not arrive may be sent again at once (transient). A server error, a broken connection or
    an answer that makes no sense may stand for a letter that SvarUT has (uncertain)."""
    status = answer.status
    if answer.misconfigured or status in (401, 403):
        return Verdict.CONFIGURATION
    if status is None:
        return Verdict.UNCERTAIN if answer.reached else Verdict.TRANSIENT
    if 200 <= status < 300:
        return Verdict.SENT if answer.id else Verdict.UNCERTAIN
    if answer.code == _REPEATED_CODE or (answer.message or "").strip().casefold().startswith(_REPEATED_TEXT):
        return Verdict.DUPLICATE
    if status == 429:
        return Verdict.TRANSIENT
    if 400 <= status < 500 and status != 408 and answer.from_svarut:
        return Verdict.REFUSED
    return Verdict.UNCERTAIN


def wait_after_failure(failures: int, longest: float) -> float:
    """Seconds: 1, 2, 4 … at most `longest`, after the first, second, third … failure."""
    return float(min(2.0 ** min(failures - 1, 30), longest))


def look_again_in(since: float, settle: float) -> float:
    """Seconds until a letter whose fate is unknown is looked for again, `since` its attempt ended: soon at first, then
    after twice the time, and exactly when SvarUT must have settled it."""
    return max(min(max(since, 1.0), settle - since), 0.05)
