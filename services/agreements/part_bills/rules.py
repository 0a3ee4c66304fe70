"""Part bills add up to the split of the whole: each is the difference of two splits."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from services.agreements.cost_splits import rules as cost_splits
from services.agreements.shares import rules as shares


@dataclass(frozen=True)
class Posting:
    """What was posted at once, in NOK; negative where an earlier posting was reversed."""

    on: date
    cause: str
    net: Decimal
    vat: Decimal


@dataclass(frozen=True)
class Bill:
    """A posting, and what each municipality owes of it: (net, VAT) by organisation number. One may be -1 øre."""

    posting: Posting
    owed: dict[str, tuple[Decimal, Decimal]]


def bills(shared: shares.Joint, postings: Iterable[Posting]) -> list[Bill]:
    found: list[Bill] = []
    net = vat = Decimal("0.00")
    for one in postings:
        nets = cost_splits.cumulative(shared.key, shared.members, net, net + one.net)
        vats = cost_splits.cumulative(shared.key, shared.members, vat, vat + one.vat)
        net, vat = net + one.net, vat + one.vat
        found.append(Bill(one, {number: (nets[number], vats[number]) for number in nets}))
    return found
