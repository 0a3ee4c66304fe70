"""What makes up a landscape: each thing once in each environment, the nearest way it is held."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.catalog.holdings.rules import How

_NEAREST = list(How)


@dataclass(frozen=True)
class Entry:
    """One adoption as it reaches the organisation. `thing` and `environment` say what it is of; `through`: the
    co-operation that it comes by, `membership` what the organisation is to it."""

    adoption: int
    thing: str
    environment: str
    live: bool
    how: How
    through: int | None = None
    membership: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.thing, self.environment


@dataclass(frozen=True)
class Item:
    """An entry of the landscape, with every co-operation that it comes by."""

    entry: Entry
    through: tuple[int, ...]


def compose(entries: Iterable[Entry]) -> list[Item]:
    """An own adoption wins over one that comes through a co-operation; one that comes through several stands once. What
    is its own stands whole, also what has ended or is undecided."""
    listed = list(entries)
    own = [one for one in listed if one.how is not How.THROUGH_CO_OPERATION]
    covered = {one.key for one in own if one.live and one.how is not How.TO_BE_CONFIRMED_BY_BOTH}
    shared: dict[tuple[str, str, bool], list[Entry]] = {}
    for one in listed:
        if one.how is How.THROUGH_CO_OPERATION and not (one.live and one.key in covered):
            shared.setdefault((*one.key, one.live), []).append(one)
    items = [Item(one, ()) for one in own]
    for group in shared.values():
        # A certain membership stands before one that is only perhaps.
        first = min(group, key=lambda one: (one.membership or "", one.adoption))
        items.append(Item(first, tuple(dict.fromkeys(one.through for one in group if one.through is not None))))
    return sorted(items, key=lambda item: (*item.entry.key, item.entry.adoption))
