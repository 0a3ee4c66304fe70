"""What spend is added up by, what of it is open to everybody, and how much may be asked for at once."""

from collections.abc import Collection
from datetime import date
from enum import StrEnum

from services.chassis.problems import Invalid, Problem

LONGEST_DAYS = 366
"""How long a period may be when all agreements are added up for everybody."""


class Dimension(StrEnum):
    """What entries are told apart by. A lot stands within its agreement."""

    FRAMEWORK_AGREEMENT = "framework_agreement"
    LOT = "lot"
    SUPPLIER = "supplier"
    BUYER = "buyer"
    COMPONENT = "component"
    ITEM = "item"
    MONTH = "month"


BY_LINE = {Dimension.COMPONENT, Dimension.ITEM}
"""What an entry's lines tell, and not the entry itself."""
OWN = {Dimension.BUYER, Dimension.ITEM}
"""Who bought what is for those it concerns: an amount and a quantity of one item are a unit price, which may be a
business secret."""


class PeriodMissing(Invalid):
    """Spend over all agreements needs a period.

    It is at most 366 days long. One agreement's spend needs none.
    """


def own_only(by: Collection[Dimension], *, narrowed: bool, mine: bool) -> bool:
    """Whether only what the caller sees entry by entry may be added up. `narrowed`: to a buyer or a call-off."""
    return mine or narrowed or bool(OWN & set(by))


def check_open(one_agreement: bool, from_on: date | None, to_on: date | None) -> list[Problem]:
    """What everybody may ask for is bounded."""
    if one_agreement or (from_on and to_on and (to_on - from_on).days < LONGEST_DAYS):
        return []
    return [PeriodMissing("Say effective_from_on and effective_to_on, or framework_agreement.")]


def reserved_told(by: Collection[Dimension], *, own: bool, one_supplier: bool) -> bool:
    """What is only reserved with one supplier is not open: it would tell of orders that others do not know of yet."""
    return own or not (one_supplier or Dimension.SUPPLIER in by)


def quantities_told(by: Collection[Dimension]) -> bool:
    """Units are one item's in one lot; added over several they mean nothing."""
    return {Dimension.ITEM, Dimension.LOT} <= set(by)
