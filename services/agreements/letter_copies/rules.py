"""Which letters can be looked at before there is anything to send, and what one must say for that."""

from collections.abc import Collection, Sequence
from enum import StrEnum

from services.agreements.calloffs.rules import ItemTwice, ItemUnknown, Wanted
from services.agreements.letters.rules import Kind
from services.chassis.problems import Invalid, Problem


class Previewed(StrEnum):
    """Letters that somebody decides to send. A recall is news, which nobody writes beforehand."""

    ORDER = "order"
    CANCELLATION = "cancellation"
    CONFIRMATION = "confirmation"
    DECLINED = "declined"
    CHANGE = "change"
    CHANGE_REQUEST = "change_request"
    COMPLAINT = "complaint"


SAYS_MORE = frozenset({Kind.CHANGE_REQUEST, Kind.COMPLAINT})
"""Letters that hold what their sender wants to say, besides the order."""


class NothingMoreToSay(Invalid):
    """This letter says nothing but what the order says."""


class PreviewLinesMissing(Invalid):
    """A letter about other lines than the order's must say which."""


class PreviewReasonMissing(Invalid):
    """A wish or a complaint has its reason."""


def check(
    about: Kind, lines: Sequence[Wanted], *, reason: str | None, dated: bool, ordered: Collection[str]
) -> list[Problem]:
    """`ordered`: the order's own items; `dated` whether another day of delivery is wished for."""
    found: list[Problem] = []
    if about not in SAYS_MORE:
        given = {"#/lines": bool(lines), "#/reason": bool(reason), "#/needed_on": dated}
        return [NothingMoreToSay(pointer=pointer) for pointer, there in given.items() if there]
    if not lines:
        found.append(PreviewLinesMissing(pointer="#/lines"))
    if not reason:
        found.append(PreviewReasonMissing(pointer="#/reason"))
    if about is Kind.COMPLAINT:
        if dated:
            found.append(NothingMoreToSay("A complaint moves no day.", pointer="#/needed_on"))
        seen: set[str] = set()
        for place, line in enumerate(lines):
            if line.item in seen:
                found.append(ItemTwice(f"{line.item} stands on an earlier line.", pointer=f"#/lines/{place}/item"))
            elif line.item not in ordered:
                found.append(ItemUnknown(f"The order has no {line.item}.", pointer=f"#/lines/{place}/item"))
            seen.add(line.item)
    return found
