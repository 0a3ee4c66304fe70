"""How a price list's next version follows from the last: by a factor, an index or another rate of VAT."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from services.agreements.price_terms.rules import Bounds, Clause
from services.chassis.problems import Conflict, Invalid, Problem

ORE = Decimal("0.01")
FACTOR = Decimal("0.00000001")
"""An index's factor is kept with eight decimals."""


class LargeChange(Conflict):
    """A price would move further from the first price list than the agreed bounds allow."""


class PriceNotPositive(Conflict):
    """A price must be more than nothing."""


class ItemNotListed(Invalid):
    """The price list has no such item."""


class RateNotListed(Conflict):
    """No price has this rate of VAT."""


class NoIndexClause(Conflict):
    """No index was agreed for this place's prices."""


class IndexClauseWaits(Conflict):
    """The index clause does not allow a change yet."""


class IndexMonthInvalid(Invalid):
    """The index must be of a month after the one that the prices follow now, and not of one to come."""


@dataclass(frozen=True)
class Line:
    """A price: NOK without VAT, and the rate of VAT in per cent."""

    item: str
    unit_price: Decimal
    vat_percent: Decimal


def times(price: Decimal, factor: Decimal) -> Decimal:
    """Rounded half up to the øre."""
    return (price * factor).quantize(ORE, ROUND_HALF_UP)


def index_factor(clause: Clause, value: Decimal) -> Decimal:
    """1 + share × (value ÷ base − 1), with eight decimals."""
    moved = (value / clause.base_value - 1) * clause.share_percent / 100
    return (1 + moved).quantize(FACTOR, ROUND_HALF_UP)


def moved(lines: Sequence[Line], factor: Decimal, items: Collection[str] | None = None) -> list[Line]:
    """Every line, those of `items` (None: all) at another price."""
    return [
        replace(line, unit_price=times(line.unit_price, factor)) if items is None or line.item in items else line
        for line in lines
    ]


def taxed(lines: Sequence[Line], from_percent: Decimal, to_percent: Decimal) -> list[Line]:
    """Every line, those with the one rate of VAT at the other. Prices are without VAT and stay."""
    return [replace(line, vat_percent=to_percent) if line.vat_percent == from_percent else line for line in lines]


def check_items(lines: Sequence[Line], items: Sequence[str] | None) -> list[Problem]:
    listed = {line.item for line in lines}
    return [
        ItemNotListed(f"{item}.", pointer=f"#/change/items/{place}")
        for place, item in enumerate(items or ())
        if item not in listed
    ]


def check_rate(lines: Sequence[Line], percent: Decimal) -> list[Problem]:
    if any(line.vat_percent == percent for line in lines):
        return []
    return [RateNotListed(f"{percent} %.")]


def check_prices(
    first: Mapping[str, Decimal], before: Sequence[Line], now: Sequence[Line], bounds: Bounds
) -> list[Problem]:
    """Every line that moves and may not. Bounds count from the first price list, so that many small changes are not
    more than a large one."""
    found: list[Problem] = []
    for old, new in zip(before, now, strict=True):
        if old.unit_price == new.unit_price:
            continue
        if new.unit_price <= 0:
            found.append(PriceNotPositive(f"{new.item} would cost {new.unit_price:.2f} kr.", item=new.item))
            continue
        lowest, highest = times(first[new.item], bounds.lowest), times(first[new.item], bounds.highest)
        if not lowest <= new.unit_price <= highest:
            found.append(
                LargeChange(
                    f"{new.item} would cost {new.unit_price:.2f} kr, and may cost {lowest:.2f} to {highest:.2f} kr.",
                    item=new.item,
                    unit_price_excl_vat=f"{new.unit_price:.2f}",
                    lowest_excl_vat=f"{lowest:.2f}",
                    highest_excl_vat=f"{highest:.2f}",
                )
            )
    return found


def check_index(clause: Clause | None, month: str, effective_on: date) -> list[Problem]:
    """Whether the clause lets the index of a month (`2026-10`) count from a day on."""
    if clause is None:
        return [NoIndexClause()]
    found: list[Problem] = []
    if not clause.base_month < month <= effective_on.strftime("%Y-%m"):
        told = f"After {clause.base_month}, and not after {effective_on:%Y-%m}."
        found.append(IndexMonthInvalid(told, pointer="#/change/month"))
    if effective_on < clause.earliest_on:
        found.append(IndexClauseWaits(f"The earliest day is {clause.earliest_on}."))
    return found
