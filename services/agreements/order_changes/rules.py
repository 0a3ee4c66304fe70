"""What a change of an order may be, and who must have approved it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from services.agreements.calloffs.rules import Event, ItemTwice, ItemUnknown, Priced, State
from services.chassis.problems import Conflict, Forbidden, Invalid, Problem


class Outcome(StrEnum):
    PENDING = "pending"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    LAPSED = "lapsed"
    """The call-off was cancelled before it was answered."""


class NothingChanged(Invalid):
    """The change leaves the order as it is."""


class PriceAboveList(Invalid):
    """An order is never changed to a price above the frozen price list."""


class IncreaseNotApproved(Forbidden):
    """More than has been approved needs the spending authority (scope agreements.approve)."""


class SharesNotApproved(Conflict):
    """The change lifts another municipality's share above what it has approved. Place a further call-off for it."""


class OtherMethod(Conflict):
    """With the change, the order would have another method of award. Place a call-off by that method."""


class PlaceNotOpen(Conflict):
    """The supplier's place is not active: the order may become smaller, and no larger."""


class ChangeReplaced(Conflict):
    """The change was answered, and maybe another proposed, in this moment."""


@dataclass(frozen=True)
class Proposed:
    """A line as one side wants it. `unit_price` is NOK without VAT; None: as frozen."""

    item: str
    quantity: int
    unit_price: Decimal | None = None


_OUTCOMES = {
    Event.ACCEPT_CHANGE: Outcome.ACCEPTED,
    Event.CHANGE_CONFIRMED: Outcome.ACCEPTED,
    Event.REFUSE_CHANGE: Outcome.REFUSED,
    Event.CHANGE_REFUSED: Outcome.REFUSED,
}


def outcome(answer: Event | None, state: State) -> Outcome:
    """What became of a change, by its answer, or without one by the state of its call-off."""
    if answer:
        return _OUTCOMES[answer]
    return Outcome.PENDING if state in (State.CHANGE_PROPOSED, State.CHANGE_REQUESTED) else Outcome.LAPSED


def check_lines(proposed: Sequence[Proposed], known: Mapping[str, Priced]) -> list[Problem]:
    """`known` are the items at the prices that bind: as frozen in the order, else as on the supplier's price list."""
    found: list[Problem] = []
    seen: set[str] = set()
    for place, line in enumerate(proposed):
        if line.item in seen:
            found.append(ItemTwice(f"{line.item} stands on an earlier line.", pointer=f"#/lines/{place}/item"))
        elif line.item not in known:
            found.append(ItemUnknown(f"The supplier offers no {line.item}.", pointer=f"#/lines/{place}/item"))
        elif line.unit_price is not None and line.unit_price > known[line.item].unit_price:
            told = f"{line.item}: at most {known[line.item].unit_price:.2f} kr without VAT."
            found.append(PriceAboveList(told, pointer=f"#/lines/{place}/unit_price_excl_vat"))
        seen.add(line.item)
    return found


def priced(proposed: Sequence[Proposed], known: Mapping[str, Priced]) -> tuple[Priced, ...]:
    """The lines at their prices, after `check_lines`."""
    return tuple(
        replace(
            known[line.item],
            quantity=line.quantity,
            unit_price=known[line.item].unit_price if line.unit_price is None else line.unit_price,
        )
        for line in proposed
    )


def check_changed(
    before: Sequence[Priced], after: Sequence[Priced], needed_before: date, needed_after: date
) -> list[Problem]:
    same = {(line.item, line.quantity, line.unit_price) for line in before} == {
        (line.item, line.quantity, line.unit_price) for line in after
    }
    return [NothingChanged()] if same and needed_before == needed_after else []


def net_of(lines: Sequence[Priced]) -> Decimal:
    return sum((line.net for line in lines), Decimal("0.00"))


def grows(before: Sequence[Priced], after: Sequence[Priced]) -> bool:
    """Whether more of something is ordered, or it costs more: then all that a new call-off needs must hold."""
    ordered = {line.item: line.quantity for line in before}
    return net_of(after) > net_of(before) or any(line.quantity > ordered.get(line.item, 0) for line in after)


def check_approved(
    net: Decimal,
    *,
    approved: Decimal,
    limit: Decimal,
    authority: bool,
    shares: Mapping[str, tuple[Decimal, Decimal]],
    organisation: str,
) -> list[Problem]:
    """Whether `net`, NOK without VAT, may be ordered by one who does or does not have the spending authority of its
    own organisation. `shares`: what each payer of a joint order bears before and after."""
    found: list[Problem] = []
    if net > max(approved, limit) and not authority:
        found.append(IncreaseNotApproved(f"{approved:.2f} kr is approved, and {net:.2f} kr would be ordered."))
    others = sorted(
        number
        for number, (before, after) in shares.items()
        if number != organisation and after > limit and after > before
    )
    if others:
        found.append(SharesNotApproved(f"It has not been approved by {', '.join(others)}.", organisations=others))
    return found
