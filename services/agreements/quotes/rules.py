"""What would become of a basket: the award as it would be made, and every ceiling that it would pass."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from services.agreements.award_keys import rules as award_keys
from services.agreements.calloffs.rules import Priced
from services.agreements.frameworks.rules import Band, Method
from services.agreements.ledger.rules import VALUE, Scope, exceeded
from services.chassis.problems import Problem

SCOPES = list(Scope)


class Hindrance(StrEnum):
    """Why a supplier could not be asked for the basket."""

    PLACE_NOT_ACTIVE = "place_not_active"
    ITEM_NOT_OFFERED = "item_not_offered"
    NOT_CERTIFIED = "not_certified"
    CERTIFICATION_UNKNOWN = "certification_unknown"
    CEILING_EXCEEDED = "ceiling_exceeded"


@dataclass(frozen=True)
class Balance:
    """What stands under one ceiling: NOK without VAT, or with an item units of it."""

    scope: Scope
    item: str
    ceiling: Decimal | None
    reserved: Decimal
    posted: Decimal

    @property
    def left(self) -> Decimal | None:
        return None if self.ceiling is None else self.ceiling - self.reserved - self.posted


@dataclass(frozen=True)
class Award:
    """The award as it would be made. `earlier` is what the buyer has called off in the lot in the window in which
    call-offs count as one. Without a decision there are problems instead."""

    method: Method
    value: Decimal
    earlier: Decimal
    band_from: Decimal
    split: bool
    decision: award_keys.Decision | None
    problems: tuple[Problem, ...] = ()


def award(
    bands: Sequence[Band],
    candidates: Sequence[award_keys.Candidate],
    earlier: Decimal,
    verify: Callable[[str], award_keys.Verdict] | None,
    *,
    documented: award_keys.Documented | None,
    conditions: Sequence[str],
) -> Award:
    """The method by the value and its band, and the supplier by the method, as when the basket is ordered; what would
    be refused then is told."""
    value = award_keys.value_of(candidates)
    band = award_keys.band_for(bands, value + earlier)
    split = band != award_keys.band_for(bands, value)
    refused: Sequence[Problem] = award_keys.check_documented(
        band.method, documented, conditions=conditions, suppliers=[one.supplier for one in candidates]
    )
    decision = None
    if not refused:
        try:
            decision = award_keys.choose(band.method, candidates, verify, documented)
        except Problem as problem:
            refused = [problem]
    return Award(band.method, value, earlier, band.from_value, split, decision, tuple(refused))


def check_room(balances: Sequence[Balance], lines: Sequence[Priced]) -> list[Problem]:
    """Every ceiling that the lines would pass, in the order in which a reservation tells them: NOK at all levels, then
    units. `balances` are those of one agreement, lot, supplier and buyer, the oldest first."""
    net = sum((line.net for line in lines), Decimal("0.00"))
    wanted = {VALUE: net} | {line.item: Decimal(line.quantity) for line in lines}
    return [
        exceeded(one.scope, one.ceiling, one.reserved, one.posted, wanted[one.item], one.item)
        for one in sorted(balances, key=lambda one: (one.item != VALUE, SCOPES.index(one.scope)))
        if one.ceiling is not None and one.left is not None and 0 < wanted.get(one.item, Decimal(0)) > one.left
    ]


def hindrances(
    candidate: award_keys.Candidate, answers: Sequence[str], *, certified: bool, exceeded: bool
) -> list[Hindrance]:
    """All that keeps one supplier from being asked. `answers`: what the catalogue says of its products; `certified`:
    whether the lot demands certification."""
    found = {
        Hindrance.PLACE_NOT_ACTIVE: not candidate.active,
        Hindrance.ITEM_NOT_OFFERED: candidate.net is None,
        Hindrance.NOT_CERTIFIED: certified and (bool(candidate.unnamed) or "not_valid" in answers),
        Hindrance.CERTIFICATION_UNKNOWN: certified and any(one not in ("valid", "not_valid") for one in answers),
        Hindrance.CEILING_EXCEEDED: exceeded,
    }
    return [one for one, there in found.items() if there]
