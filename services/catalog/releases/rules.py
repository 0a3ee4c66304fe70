"""What a version's label says, where it stands among the others, which versions a range allows, and what its dates say
about a day."""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.chassis.problems import Invalid, Problem


class Status(StrEnum):
    PLANNED = "planned"
    SUPPORTED = "supported"
    ENDED = "ended"


class SupportPeriodInvalid(Invalid):
    """Support ends before it begins."""


class EndBeforeSupportEnds(Invalid):
    """A version cannot come to its end of life while it is supported."""


class SupportBeforeRelease(Invalid):
    """A version is not supported before it is released."""


class RangeUnreadable(Invalid):
    """The range of versions cannot be read."""


class RangeEmpty(Invalid):
    """No version can be in this range."""


@dataclass(frozen=True)
class Period:
    """A version's dates: its release, the first and the last day of support, the last day that it may be used."""

    released_on: date
    supported_from_on: date
    supported_to_on: date | None = None
    end_of_life_on: date | None = None


def check(period: Period) -> list[Problem]:
    found: list[Problem] = []
    if period.supported_from_on < period.released_on:
        found.append(SupportBeforeRelease(pointer="#/supported_from_on"))
    if period.supported_to_on and period.supported_to_on < period.supported_from_on:
        found.append(SupportPeriodInvalid(pointer="#/supported_to_on"))
    if period.end_of_life_on and period.end_of_life_on < (period.supported_to_on or period.supported_from_on):
        found.append(EndBeforeSupportEnds(pointer="#/end_of_life_on"))
    return found


def shortened(before: Period, after: Period) -> list[str]:
    """Which of a version's promises become shorter; a day where there was none is shorter too."""
    return [
        name
        for name in ("supported_to_on", "end_of_life_on")
        if (now := getattr(after, name)) and now < (getattr(before, name) or date.max)
    ]


def status_on(period: Period, on: date) -> Status:
    """Planned before its first day of support, ended after the last of support or of life, else supported."""
    if on < period.supported_from_on:
        return Status.PLANNED
    last = [day for day in (period.supported_to_on, period.end_of_life_on) if day]
    return Status.ENDED if last and on > min(last) else Status.SUPPORTED


# ---- Semantic versions

_SEMANTIC = re.compile(
    r"[vV]?(0|[1-9]\d{0,8})(?:\.(0|[1-9]\d{0,8}))?(?:\.(0|[1-9]\d{0,8}))?"
    r"(?:-((?:0|[1-9]\d{0,8}|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d{0,8}|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
    r"(?:\+[0-9a-zA-Z.-]+)?"
)
Semantic = tuple[tuple[int, int, int], tuple[tuple[int, int, str], ...]]


def semantic(label: str) -> Semantic | None:
    """A label as a semantic version (semver.org 2.0.0), so that comparing two is comparing what they mean; None when it
    is not one. More is read than the standard has: `v2` is 2.0.0, `2.1` is 2.1.0. A bare number with a tail (`2024-10`)
    is not: that is a date."""
    found = _SEMANTIC.fullmatch(label)
    if found is None or (found[4] and found[2] is None):
        return None
    numbers = (int(found[1]), int(found[2] or 0), int(found[3] or 0))
    if not found[4]:
        return numbers, ((2, 0, ""),)  # after every version that is released before it
    parts = found[4].split(".")
    return numbers, tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts)


def semantic_key(label: str) -> str | None:
    """The same as text that sorts by bytes as the versions do, for the database."""
    found = semantic(label)
    if found is None:
        return None
    numbers, tail = found
    parts = "".join(f"{rank}{text or f'{number:09d}'} " for rank, number, text in tail)
    return ".".join(f"{number:09d}" for number in numbers) + "." + parts


# ---- Ranges

_COMPARED = re.compile(r"(>=|<=|==|=|>|<)?\s*([^\s<>=,]{1,80})")


def read_range(versions: str) -> list[tuple[str, str]]:
    """`>=1.2,<3` → [(">=", "1.2"), ("<", "3")]; a label alone is exactly that version. All must hold. An order is known
    of semantic versions only; any other label can be named exactly."""
    found: list[tuple[str, str]] = []
    for part in versions.split(","):
        compared = _COMPARED.fullmatch(part.strip())
        if compared is None:
            raise RangeUnreadable(f"{part.strip()!r} is not a comparison such as >=1.2.", pointer="#/versions")
        sign = {None: "=", "==": "="}.get(compared[1], compared[1])
        if sign != "=" and semantic(compared[2]) is None:
            raise RangeUnreadable(f"{compared[2]!r} has no place in an order.", pointer="#/versions")
        found.append((sign, compared[2]))
    if len(found) > 1 and any(sign == "=" for sign, _ in found):
        raise RangeUnreadable("One version exactly, or bounds.", pointer="#/versions")
    return found


def allows(versions: str | None, label: str) -> bool:
    """Whether a range allows a version; no range allows all."""
    if versions is None:
        return True
    return all(_holds(sign, label, bound) for sign, bound in read_range(versions))


def _holds(sign: str, label: str, bound: str) -> bool:
    mine, other = semantic(label), semantic(bound)
    if sign == "=":
        return label == bound or (mine is not None and mine == other)
    if mine is None or other is None:
        return False
    return {">=": mine >= other, ">": mine > other, "<=": mine <= other, "<": mine < other}[sign]


def check_range(versions: str | None) -> list[Problem]:
    """Everything wrong with a range: unreadable, or such that nothing is in it."""
    if versions is None:
        return []
    try:
        bounds = read_range(versions)
    except RangeUnreadable as problem:
        return [problem]
    lows = [(semantic(label), sign) for sign, label in bounds if sign in (">", ">=")]
    highs = [(semantic(label), sign) for sign, label in bounds if sign in ("<", "<=")]
    empty = any(
        low > high or (low == high and (one, other) != (">=", "<="))
        for low, one in lows
        for high, other in highs
        if low and high
    )
    return [RangeEmpty(versions, pointer="#/versions")] if empty else []
