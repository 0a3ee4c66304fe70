"""What may be delivered of an order, when, and what certificates say of it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from services.agreements.award_keys.rules import CertificationUnknown, Verdict
from services.agreements.calloffs.rules import Event, ItemTwice, Priced, Wanted
from services.chassis.problems import Conflict, Invalid, Problem

REPORT_DAYS = 30
"""A delivery that is registered later than this needs a reason, and is flagged."""


class Outcome(StrEnum):
    """What the catalogue said of a delivery's products for the day that they were delivered."""

    VALID = "valid"
    NOT_VALID = "not_valid"
    PENDING = "pending"
    """It could not be asked yet."""


class DeliveredBeforeOrder(Invalid):
    """The day of delivery is before the order."""


class DeliveredInFuture(Invalid):
    """The day of delivery has not come yet."""


class DeliveredAfterEnd(Conflict):
    """It was delivered later than the agreement lets deliveries come after its end.

    The order stands for what was delivered in time; the buyer ends the rest with terminate-rest.
    """


class LateReportUnexplained(Invalid):
    """A delivery that is registered more than 30 days afterwards needs a reason."""


class ItemNotOrdered(Invalid):
    """The order has no such item."""


class MoreThanOutstanding(Conflict):
    """More is delivered than what is left to deliver."""


@dataclass(frozen=True)
class Delivered:
    """What a supplier says that it delivered."""

    lines: tuple[Wanted, ...]
    on: date
    last: bool = False
    """Nothing more comes, although something is left."""
    note: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Standing:
    """A line of an order and what has come of it, in the item's unit."""

    line: Priced
    expected: int
    """Ordered, without what was ended before it was delivered."""
    delivered: int
    """Without what was rejected and is delivered anew."""
    accepted: int = 0
    """What is posted of it."""
    value: Decimal = Decimal("0.00")
    """At which value, NOK without VAT."""

    @property
    def outstanding(self) -> int:
        return max(self.expected - self.delivered, 0)


def check(
    new: Delivered, outstanding: Mapping[str, int], *, placed_on: date, last_day: date, today: date
) -> list[Problem]:
    """Every reason why a delivery cannot be registered. `outstanding` is by item of the order."""
    found: list[Problem] = []
    if new.on < placed_on:
        found.append(DeliveredBeforeOrder(f"It was ordered on {placed_on}.", pointer="#/delivered_on"))
    if new.on > today:
        found.append(DeliveredInFuture(f"Today is {today}.", pointer="#/delivered_on"))
    if new.on > last_day:
        found.append(DeliveredAfterEnd(f"The last day of delivery was {last_day}.", pointer="#/delivered_on"))
    if back_dated(new.on, today) and not new.reason:
        found.append(LateReportUnexplained(f"It was delivered {(today - new.on).days} days ago.", pointer="#/reason"))
    seen: set[str] = set()
    for place, line in enumerate(new.lines):
        where = f"#/lines/{place}"
        left = outstanding.get(line.item)
        if line.item in seen:
            found.append(ItemTwice(f"{line.item} stands on an earlier line.", pointer=f"{where}/item"))
        elif left is None:
            found.append(ItemNotOrdered(f"Ordered: {', '.join(sorted(outstanding))}.", pointer=f"{where}/item"))
        elif line.quantity > left:
            found.append(
                MoreThanOutstanding(
                    f"{line.quantity} of {line.item} are delivered, and {left} are left to deliver.",
                    pointer=f"{where}/quantity",
                    item=line.item,
                    left_quantity=left,
                )
            )
        seen.add(line.item)
    return found


def back_dated(on: date, today: date) -> bool:
    return today - on > timedelta(days=REPORT_DAYS)


def event(new: Delivered, outstanding: Mapping[str, int]) -> Event:
    """The last delivery is the one after which nothing is left, or of which the supplier says so."""
    come = {line.item: line.quantity for line in new.lines}
    everything = all(left == come.get(item, 0) for item, left in outstanding.items())
    return Event.LAST_DELIVERY if new.last or everything else Event.REGISTER_DELIVERY


def said(products: Collection[str], verify: Callable[[str], Verdict]) -> tuple[Verdict, ...]:
    """What the catalogue says of each product; from the first that it cannot be asked about on, nobody is asked."""
    found: list[Verdict] = []
    for product in products:
        try:
            found.append(verify(product))
        except CertificationUnknown as error:
            found.append(Verdict(product, "unknown", error.detail or "", None, None, "nobody"))
            break
    return tuple(found)


def outcome(products: Collection[str], verdicts: Sequence[Verdict]) -> Outcome:
    """Of all a delivery's products; a product without an answer is never certified."""
    answers = {one.product: one.answer for one in verdicts}
    every = [answers.get(product, "unknown") for product in products]
    if any(answer not in ("valid", "not_valid") for answer in every):
        return Outcome.PENDING
    return Outcome.NOT_VALID if "not_valid" in every else Outcome.VALID
