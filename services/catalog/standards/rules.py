"""What is registered of a standard, and what its clauses may be called."""

from collections.abc import Collection, Sequence
from enum import StrEnum

from services.chassis.problems import Conflict, Invalid, Problem

STALE_AFTER_DAYS = 365
SENSITIVE = ("version", "successor", "component")
"""What a requirement or a contract may have relied on: changing it needs a reason."""
MOST_CLAUSES = 2_000


class Sector(StrEnum):
    """Whom a standard binds."""

    STATE = "state"
    MUNICIPALITY = "municipality"


class Level(StrEnum):
    """How strongly."""

    MANDATORY = "mandatory"
    RECOMMENDED = "recommended"
    UNDER_ASSESSMENT = "under_assessment"


class State(StrEnum):
    """Of a binding, on a day."""

    COMING = "coming"
    IN_FORCE = "in_force"
    ENDED = "ended"


class SuccessorUnknown(Invalid):
    """The successor is not in the register of standards."""


class SucceedsItself(Invalid):
    """A standard is not succeeded by itself, or by one that it succeeds."""


class ComponentUnknown(Invalid):
    """The component is not in the catalogue."""


class ClauseRepeated(Invalid):
    """A clause stands twice."""


class ClauseTaken(Conflict):
    """The standard already has a clause with this id.

    The id of a clause is never used for another one, as requirements refer to it.
    """


class TooManyClauses(Conflict):
    """A standard has two thousand clauses at most."""


def check_clauses(known: Collection[str], new: Sequence[str]) -> list[Problem]:
    found: list[Problem] = []
    seen: set[str] = set()
    for place, code in enumerate(new):
        pointer = f"#/clauses/{place}/id"
        if code in seen:
            found.append(ClauseRepeated(code, pointer=pointer))
        elif code in known:
            found.append(ClauseTaken(code, pointer=pointer))
        seen.add(code)
    if len(known) + len(seen) > MOST_CLAUSES:
        found.append(TooManyClauses())
    return found


def check_successor(slug: str, successor: str, of_successor: Sequence[str]) -> list[Problem]:
    """`of_successor`: who succeeds the successor, and so on, to the end."""
    if slug == successor or slug in of_successor:
        return [SucceedsItself(" → ".join([slug, successor, *of_successor]), pointer="#/successor")]
    return []
