"""Which entry may be reversed, from which day, and what may be posted in its place."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from services.agreements.ledger.rules import Kind, Moved, Z, changed
from services.chassis.problems import Conflict, Forbidden, Invalid, Problem

REVERSE, CORRECT = "reverse", "correct"
"""The causes of a correction's entries."""


class NotYourPosting(Forbidden):
    """Only the buyer and the framework owner may reverse a posting."""


class NotReversible(Conflict):
    """Only a posting can be reversed.

    What is reserved, adjusted and released follows the call-off's own steps.
    """


class ReversalFinal(Conflict):
    """A reversal cannot be reversed."""


class ReversedAlready(Conflict):
    """The posting has been reversed."""


class ReversalInFuture(Invalid):
    """A reversal cannot take effect on a day to come."""


class ReversalBeforeEntry(Invalid):
    """A reversal cannot take effect before what it reverses."""


class BackDatingUnexplained(Invalid):
    """A reversal that takes effect on a day that has passed needs a reason for that."""


class CorrectionItemUnknown(Invalid):
    """The call-off has nothing of this item to post."""


class CorrectionItemTwice(Invalid):
    """The same item is posted on an earlier line."""


class CorrectionExceeds(Conflict):
    """More is to be posted than is reserved for it.

    A call-off is posted within what was reserved for it; more is another order.
    """


class CorrectionUndelivered(Conflict):
    """More is to be posted than has been delivered."""


@dataclass(frozen=True)
class Target:
    """The entry that is to be reversed."""

    kind: Kind
    effective_on: date
    reversal: bool
    reversed: bool


@dataclass(frozen=True)
class Instead:
    """What one item should have been posted with: a quantity in its unit, and NOK without VAT."""

    item: str
    quantity: int
    value: Decimal


def check(target: Target, *, effective_on: date, back_dating_reason: str | None, today: date) -> list[Problem]:
    """Every reason why it cannot be reversed from that day, the gravest first."""
    found: list[Problem] = []
    if target.reversal:
        found.append(ReversalFinal("Post what is right with the next acceptance or correction."))
    elif target.kind is not Kind.POST:
        found.append(NotReversible(f"It is of kind {target.kind}."))
    if target.reversed:
        found.append(ReversedAlready("A posting is reversed once."))
    if effective_on > today:
        found.append(ReversalInFuture(f"{effective_on} is after today, {today}.", pointer="#/effective_on"))
    if effective_on < target.effective_on:
        found.append(ReversalBeforeEntry(f"It was posted as of {target.effective_on}.", pointer="#/effective_on"))
    if effective_on < today and not back_dating_reason:
        found.append(BackDatingUnexplained(f"{effective_on} has passed; say why.", pointer="#/back_dating_reason"))
    return found


def open_for(held: Iterable[Moved], reversal: Iterable[Moved]) -> dict[str, Moved]:
    """What is reserved by item once the posting is reversed. An order has each item once."""
    left = changed((), (*held, *reversal))
    return {line.item: line for line in left if line.quantity_reserved or line.reserved}


def check_instead(instead: Sequence[Instead], left: Mapping[str, Moved], delivered: Mapping[str, int]) -> list[Problem]:
    """Every reason why that cannot be posted: what is `left` to post, and what has been `delivered`, by item."""
    found: list[Problem] = []
    seen: set[str] = set()
    for place, one in enumerate(instead):
        pointer = f"#/post_instead/{place}/item"
        here = left.get(one.item)
        if one.item in seen:
            found.append(CorrectionItemTwice(f"{one.item} stands twice.", pointer=pointer))
        elif here is None:
            found.append(CorrectionItemUnknown(f"Nothing of {one.item} was ordered.", pointer=pointer))
        elif one.quantity > here.quantity_reserved or one.value > here.reserved:
            found.append(
                CorrectionExceeds(
                    f"{here.quantity_reserved} of {one.item} for {here.reserved:.2f} kr are reserved.",
                    pointer=f"#/post_instead/{place}",
                    reserved_quantity=here.quantity_reserved,
                    reserved_excl_vat=f"{here.reserved:.2f}",
                )
            )
        elif one.quantity > delivered.get(one.item, 0):
            found.append(
                CorrectionUndelivered(
                    f"{delivered.get(one.item, 0)} of {one.item} have been delivered.",
                    pointer=f"#/post_instead/{place}/quantity",
                )
            )
        seen.add(one.item)
    return found


def posted(instead: Iterable[Instead], left: Mapping[str, Moved]) -> list[Moved]:
    """What posting it moves: from reserved to posted, never more than is reserved."""
    return [
        replace(
            left[one.item],
            quantity_reserved=-one.quantity,
            quantity_posted=one.quantity,
            reserved=-one.value,
            posted=one.value,
        )
        for one in instead
    ]


def reserved(lines: Iterable[Moved]) -> list[Moved]:
    """Their reserved part alone."""
    return [replace(line, quantity_posted=0, posted=Z) for line in lines]
