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
    DENIED = "denied"
    LOST = "lost"
    UNCERTAIN = "uncertain"


IN_THE_DARK = (Verdict.DENIED, Verdict.LOST, Verdict.UNCERTAIN)
"""After these SvarUT may have the letter."""


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


LONGEST_LOOK_SECONDS = 60.0
_REPEATED_CODE, _REPEATED_TEXT = "GJENTAGENDE_FORSENDELSE", "forsendelse med samme mottaker"
_NOBODY_KNOWS = (408, 502, 504)
"""A gateway that has got no answer says so; what is behind it may have the letter."""


def verdict(answer: Answer) -> Verdict:
    """Only what certainly did not arrive may be sent again at once (transient). An error that SvarUT, or what stands
    before it, answered with says no and may be wrong (denied). A broken connection, no answer, or an answer that makes
    no sense says nothing (uncertain)."""
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
    if status in _NOBODY_KNOWS:
        return Verdict.UNCERTAIN
    if 400 <= status < 500 and answer.from_svarut:
        return Verdict.REFUSED
    return Verdict.DENIED


def wait_after_failure(failures: int, longest: float) -> float:
    """Seconds: 1, 2, 4 … at most `longest`, after the first, second, third … failure."""
    return float(min(2.0 ** min(failures - 1, 30), longest))


def look_again_in(since: float, settle: float) -> float:
    """Seconds until a letter whose fate is unknown is looked for again, `since` its attempt ended: soon at first, then
    after twice the time, and exactly when SvarUT must have settled it; from then on steadily."""
    if since >= settle:
        return min(max(settle / 4, 0.05), LONGEST_LOOK_SECONDS)
    return max(min(max(since, 1.0), settle - since), 0.05)


class Next(StrEnum):
    """What to do with a letter that SvarUT may have and the look-up does not show."""

    SEND = "send"
    LOOK = "look"
    GIVE_UP = "give_up"


class LookUp(StrEnum):
    """How far the look-up has come, by a letter of ours that SvarUT is known to have."""

    CAUGHT_UP = "caught_up"
    """It shows one that was sent after the attempt must have settled."""
    LAGS = "lags"
    """It does not show one that it should."""
    UNTRIED = "untried"
    """Nothing was sent since to try it with; what was sent before, it shows."""


def next_after_no_hit(
    last: Verdict | None, look_up: LookUp, *, since: float, settle: float, patience: float, decided: bool
) -> Next:
    """`since`: seconds since the attempt ended; `settle`: until SvarUT cannot be working on it any more; `patience`:
    how long after that it is looked for; `decided`: an administrator wants it sent, knowing of the attempt.

    A look-up that shows nothing may only lag. After silence from SvarUT a letter is sent again only when the look-up
    has caught up; after an error that SvarUT answered with, or a worker of ours that was lost, unless it lags."""
    if since < settle:
        return Next.LOOK
    if decided or look_up is LookUp.CAUGHT_UP or (look_up is LookUp.UNTRIED and last is not Verdict.UNCERTAIN):
        return Next.SEND
    return Next.LOOK if since < settle + patience else Next.GIVE_UP
