"""When a whole list can be confirmed, and what is left out of it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.chassis.problems import Conflict, Forbidden, Invalid, Problem


class NotYourList(Forbidden):
    """An organisation confirms its own list only."""


class DisputedLeft(Conflict):
    """A disputed adoption is on the list.

    Confirm it by itself, or name it under `disputed`, so that it is plain that you mean to leave it.
    """


class ClaimedTwice(Conflict):
    """The same is claimed and registered; answer the claim by itself first."""


class NotDisputed(Invalid):
    """This is not one of the organisation's disputed adoptions."""


class AsOfInFuture(Invalid):
    """A list can be confirmed as of today at the latest."""


@dataclass(frozen=True)
class Listed:
    """An adoption that is not ended, as far as confirming it goes. `key`: what must be confirmed only once."""

    id: UUID
    key: tuple[object, ...]
    confirmed: bool
    disputed: bool


def check(listed: Collection[Listed], *, leaving: Collection[UUID], as_of_on: date, today: date) -> list[Problem]:
    found: list[Problem] = []
    if as_of_on > today:
        found.append(AsOfInFuture(f"Today is {today}.", pointer="#/as_of_on"))
    disputed = {one.id for one in listed if one.disputed}
    found += [
        NotDisputed(str(one), pointer=f"#/disputed/{place}") for place, one in enumerate(leaving) if one not in disputed
    ]
    found += [DisputedLeft(f"/adoptions/{one}") for one in sorted(disputed - set(leaving))]
    taken: set[tuple[object, ...]] = set()
    for one in sorted(listed, key=lambda one: (not one.confirmed, str(one.id))):
        if one.disputed:
            continue
        if one.key in taken:
            found.append(ClaimedTwice(f"/adoptions/{one.id}"))
        taken.add(one.key)
    return found
