"""When a recall is opened, replaced by another, or over, and who is told."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.catalog.certificates.rules import Scope, Status
from services.catalog.holdings.rules import Holding


class State(StrEnum):
    OPEN = "open"
    REPLACED = "replaced"
    ENDED = "ended"


class Step(StrEnum):
    REPLACE = "replace"
    END = "end"


MOVES = {
    (State.OPEN, Step.REPLACE): State.REPLACED,
    (State.OPEN, Step.END): State.ENDED,
}
RECALLED = frozenset({Status.SUSPENDED, Status.WITHDRAWN, Status.RELINQUISHED_UNDER_INVESTIGATION})
"""What users are told of at once. That a certificate was given up or has expired is no alarm by itself."""


class Told(StrEnum):
    """What an event of a certificate means to those who use what it is about."""

    OPENED = "opened"
    ENDED = "ended"


def told(before: Status | None, after: Status | None) -> Told | None:
    """`before`: the status that users were told last and that still holds, None where nothing is recalled; `after`: the
    certificate's status after the event. The same again is no news, and a certificate that its holder gives up while it
    is recalled is not good again."""
    if after in RECALLED or (before is not None and after is Status.RELINQUISHED):
        return None if after is before else Told.OPENED
    return Told.ENDED if before is not None and after is not None else None


@dataclass(frozen=True)
class Use:
    """An adoption of what the certificate is about. `version`: the one in use, None when it is not told."""

    adoption_id: int
    version: str | None


def concerned(uses: Iterable[Use], scope: Scope) -> set[int]:
    """The adoptions that the certificate covered; one that tells no version may be of any."""
    return {one.adoption_id for one in uses if one.version is None or scope.covers_version(one.version)}


@dataclass(frozen=True)
class Audience:
    """Who is told, each organisation once; and how many users nobody can be told for."""

    organisations: tuple[int, ...]
    unreachable: int


def audience(
    holdings: Iterable[Holding], members: Mapping[int, Collection[int]], reachable: Collection[int]
) -> Audience:
    """`members`: the co-operations among the holders with their members; `reachable`: those that have an organisation
    number, and so a token to read with. A co-operation is told as well as its members; where it is not decided which
    successor carries an adoption on, all are. A user is unreachable when neither it nor a member of it can be told."""
    reached, lost = set[int](), set[int]()
    for holding in holdings:
        for organisation in holding.organisations:
            able = {organisation, *members.get(organisation, ())} & set(reachable)
            reached |= able
            if not able:
                lost.add(organisation)
    return Audience(tuple(sorted(reached)), len(lost))
