"""What an entry may be, and what no balance may pass."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from services.chassis.problems import Conflict

Z = Decimal("0.00")
VALUE = ""
"""What a balance of NOK has in place of an item."""


class Scope(StrEnum):
    """Where a ceiling can be set, in the order in which balances are always changed, so that no two wait for each
    other: NOK at all levels first, then quantities, item by item."""

    FRAMEWORK_AGREEMENT = "framework_agreement"
    LOT = "lot"
    SUPPLIER = "supplier"
    BUYER = "buyer"


class Kind(StrEnum):
    RESERVE = "reserve"
    ADJUST = "adjust"
    POST = "post"
    RELEASE = "release"


@dataclass(frozen=True)
class Moved:
    """What one item's reservation and posting change by: quantities in its unit, amounts in NOK without VAT."""

    item: str
    product: str | None
    component: str | None
    quantity_reserved: int = 0
    quantity_posted: int = 0
    reserved: Decimal = Z
    posted: Decimal = Z

    @property
    def empty(self) -> bool:
        return not (self.quantity_reserved or self.quantity_posted or self.reserved or self.posted)

    def __neg__(self) -> "Moved":
        return replace(
            self,
            quantity_reserved=-self.quantity_reserved,
            quantity_posted=-self.quantity_posted,
            reserved=-self.reserved,
            posted=-self.posted,
        )


def changed(before: Iterable[Moved], after: Iterable[Moved]) -> list[Moved]:
    """What turns one set of reservations into another, by item and product."""
    sums: dict[tuple[str, str | None, str | None], Moved] = {}
    for line in (*(-one for one in before), *after):
        key = (line.item, line.product, line.component)
        known = sums.get(key, Moved(*key))
        sums[key] = replace(
            known,
            quantity_reserved=known.quantity_reserved + line.quantity_reserved,
            quantity_posted=known.quantity_posted + line.quantity_posted,
            reserved=known.reserved + line.reserved,
            posted=known.posted + line.posted,
        )
    return [line for line in sums.values() if not line.empty]


class CeilingExceeded(Conflict):
    """The call-off would exceed what is left under the ceiling.

    A framework agreement has no further effect once its announced maximum is reached (C-23/20). Nothing was reserved.
    """


def exceeded(
    scope: Scope, ceiling: Decimal, reserved: Decimal, posted: Decimal, value: Decimal, item: str = VALUE
) -> CeilingExceeded:
    """`value` is NOK without VAT, or with an item the quantity of it."""
    left = ceiling - reserved - posted
    if item:
        return CeilingExceeded(
            f"{value:.0f} of {item} was asked for, and {left:.0f} is left of {ceiling:.0f}.",
            scope=scope.value,
            item=item,
            asked_quantity=int(value),
            left_quantity=int(left),
            ceiling_quantity=int(ceiling),
        )
    return CeilingExceeded(
        f"{value:.2f} kr without VAT was asked for, and {left:.2f} kr is left of {ceiling:.2f} kr.",
        scope=scope.value,
        asked_excl_vat=f"{value:.2f}",
        left_excl_vat=f"{left:.2f}",
        ceiling_excl_vat=f"{ceiling:.2f}",
    )
