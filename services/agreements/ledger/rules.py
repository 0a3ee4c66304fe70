"""What an entry may be, and what no balance may pass."""

from decimal import Decimal
from enum import StrEnum

from services.chassis.problems import Conflict


class Scope(StrEnum):
    """Where a ceiling can be set. Balances are always changed in this order, so that no two wait for each other."""

    FRAMEWORK_AGREEMENT = "framework_agreement"
    LOT = "lot"


class Kind(StrEnum):
    RESERVE = "reserve"
    ADJUST = "adjust"
    POST = "post"
    RELEASE = "release"


class CeilingExceeded(Conflict):
    """The call-off would exceed what is left under the ceiling.

    A framework agreement has no further effect once its announced maximum is reached (C-23/20). Nothing was reserved.
    """


def exceeded(scope: Scope, ceiling: Decimal, reserved: Decimal, posted: Decimal, value: Decimal) -> CeilingExceeded:
    left = ceiling - reserved - posted
    return CeilingExceeded(
        f"{value:.2f} kr without VAT was asked for, and {left:.2f} kr is left of {ceiling:.2f} kr.",
        scope=scope.value,
        asked_excl_vat=f"{value:.2f}",
        left_excl_vat=f"{left:.2f}",
        ceiling_excl_vat=f"{ceiling:.2f}",
    )
