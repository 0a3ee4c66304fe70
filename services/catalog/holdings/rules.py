"""Who stands for an adoption on a day, and how users are counted, each once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.catalog.organisations.rules import Relation


class How(StrEnum):
    """How an organisation comes to use a thing, the nearest first."""

    OWN = "own"
    INHERITED = "inherited"
    ALLOCATED = "allocated"
    TO_BE_CONFIRMED_BY_BOTH = "to_be_confirmed_by_both"
    THROUGH_CO_OPERATION = "through_co_operation"


@dataclass(frozen=True)
class Holding:
    """Who stands for an adoption on a day. When they are not decided, each of them perhaps does."""

    organisations: tuple[int, ...]
    how: How

    @property
    def decided(self) -> bool:
        return self.how is not How.TO_BE_CONFIRMED_BY_BOTH


def holding(
    registered: int,
    heirs: Sequence[tuple[int, Relation]],
    allocated: Sequence[tuple[int, Relation]] | None,
) -> Holding:
    """`heirs`: who stands in the organisation's place on the day; `allocated`: who stands in the place of those that
    all successors have agreed on, None while they have not. Is nobody left, it is still its own."""
    if not heirs:
        return Holding((registered,), How.OWN)
    everyone = tuple(sorted({one for one, _ in heirs}))
    relations = {relation for _, relation in heirs}
    if Relation.SPLIT in relations and len(everyone) > 1:
        if allocated is None:
            return Holding(everyone, How.TO_BE_CONFIRMED_BY_BOTH)
        return Holding(tuple(sorted({one for one, _ in allocated})) or everyone, How.ALLOCATED)
    return Holding(everyone, How.OWN if relations == {Relation.SAME} else How.INHERITED)


@dataclass(frozen=True)
class Tally:
    """Who uses a thing, each organisation in one place only."""

    own: frozenset[int]
    shared: frozenset[int]
    undecided: int
    """Adoptions of split organisations that may be any successor's, none of whom is counted otherwise."""

    @property
    def total(self) -> int:
        return len(self.own) + len(self.shared) + self.undecided


def tally(holdings: Iterable[Holding], members: Mapping[int, Collection[int]]) -> Tally:
    """`members`: the co-operations among the holders with their members that day. A co-operation whose members are
    known stands for them, not for itself. Own wins over shared; of what is undecided one is counted where none of those
    that it may belong to is counted already, so that no organisation can come to be counted twice."""
    own: set[int] = set()
    shared: set[int] = set()
    undecided: list[tuple[int, ...]] = []
    for one in holdings:
        if not one.decided:
            undecided.append(one.organisations)
            continue
        for organisation in one.organisations:
            if members.get(organisation):
                shared |= set(members[organisation])
            else:
                own.add(organisation)
    shared -= own
    counted = own | shared
    number = 0
    for organisations in sorted(set(undecided)):
        spread = {one for organisation in organisations for one in members.get(organisation) or (organisation,)}
        if not spread & counted:
            number += 1
            counted |= spread
    return Tally(frozenset(own), frozenset(shared), number)
