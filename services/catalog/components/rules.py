"""What a component may be registered as, and what a search asks for."""

import re
from datetime import date
from enum import StrEnum

from services.chassis.problems import Forbidden, Invalid, Problem


class Kind(StrEnum):
    """Only the first is a component in the strict sense; the others are filed under what they are."""

    COMPONENT = "component"
    STANDARD = "standard"
    REPORT = "report"
    PROJECT = "project"
    SCHEME = "scheme"
    GUIDE = "guide"


class Reuse(StrEnum):
    """`reuse`: copied, run by each. `shared_use`: one running instance for all."""

    REUSE = "reuse"
    SHARED_USE = "shared_use"
    BOTH = "both"


class Level(StrEnum):
    NATIONAL = "national"
    COUNTY = "county"
    MUNICIPAL = "municipal"
    INTERNATIONAL = "international"


class LifeCycle(StrEnum):
    PROPOSED = "proposed"
    APPROVED = "approved"
    AVAILABLE = "available"
    DEPRECATED = "deprecated"
    RETIRED = "retired"
    UNKNOWN = "unknown"


class ApprovalNotYours(Forbidden):
    """Approval is given by the catalogue's editors, not by the owner."""


class EndWithoutRetirement(Invalid):
    """Only what is retired has ended."""


def check(life_cycle: LifeCycle, ended_on: date | None, *, editor: bool) -> list[Problem]:
    found: list[Problem] = []
    if life_cycle is LifeCycle.APPROVED and not editor:
        found.append(ApprovalNotYours("Register it as proposed.", pointer="#/life_cycle"))
    if ended_on is not None and life_cycle is not LifeCycle.RETIRED:
        found.append(EndWithoutRetirement(f"It is {life_cycle}.", pointer="#/ended_on"))
    return found


def unfinished_word(q: str) -> tuple[str, str] | None:
    """→ (what stands before it, the last word so far), for someone who has not typed it to its end. None where the last
    word is excluded, quoted or an operator."""
    *before, last = q.split()[-100:] or [""]
    if '"' in last or last.startswith("-") or last.lower() == "or" or q.count('"') % 2:
        return None
    words = re.findall(r"\w+", last)
    if not words:
        return None
    return " ".join([*before, *words[:-1]]), words[-1]
