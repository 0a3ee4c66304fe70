"""Which method a call-off of some value has, and which supplier it then goes to.

With several suppliers and all terms set the method is announced and computed, never the buyer's free choice (directive
2014/24 art. 33(4); anskaffelsesforskriften § 26-3).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from services.agreements.frameworks.rules import Band, Method
from services.chassis.problems import Conflict, Invalid, Problem, Unavailable

CONTENDED = frozenset({Method.ROTATION})
"""Whose turn it is depends on the call-offs before: such a lot is locked while one is placed."""


class NotCertified(Conflict):
    """No supplier in the lot has a certified product for this call-off."""


class NoSupplier(Conflict):
    """No supplier in the lot can take this call-off."""


class CertificationUnknown(Unavailable):
    """Whether the product is certified could not be found out. Nothing was reserved."""


class MiniCompetitionNeeded(Conflict):
    """A call-off of this value needs a mini-competition: draft one with `POST /mini-competitions`.

    The lot's announced value bands say so. Ordering without one would be an illegal direct award.
    """


class DocumentedChoiceMissing(Invalid):
    """The lot's announced method is a documented choice: say which supplier, by which conditions, and why."""


class DocumentedChoiceNotAllowed(Invalid):
    """The lot's announced method leaves no choice of supplier."""


class ConditionUnknown(Invalid):
    """The lot has not announced this condition."""


class SupplierWithoutPlace(Invalid):
    """The chosen supplier has no place in the lot."""


class PassedOver(StrEnum):
    """Why a supplier whose turn came earlier was not asked."""

    ALREADY_ASKED = "already_asked"
    PLACE_NOT_ACTIVE = "place_not_active"
    ITEM_NOT_OFFERED = "item_not_offered"
    NO_ROOM = "no_room"
    NOT_CERTIFIED = "not_certified"


@dataclass(frozen=True)
class Candidate:
    """A supplier's place as the award key sees it. `net` is the basket at its prices, None when an item is missing;
    `left` what its own maximum leaves, None when it has none; `unnamed` are items that name no product."""

    place_id: int
    rank: int
    supplier: str
    name: str
    active: bool
    net: Decimal | None
    products: tuple[str, ...] = ()
    unnamed: tuple[str, ...] = ()
    turns: int = 0
    left: Decimal | None = None
    asked: bool = False


@dataclass(frozen=True)
class Verdict:
    """What the catalogue answered about one product: valid, not_valid or unknown."""

    product: str
    answer: str
    code: str
    certificate: str | None
    checked_at: str | None
    source: str


@dataclass(frozen=True)
class Skipped:
    rank: int
    supplier: str
    name: str
    reason: PassedOver
    detail: str


@dataclass(frozen=True)
class Documented:
    """A buyer's choice by the announced objective conditions."""

    supplier: str
    conditions: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Decision:
    """Who is asked, what the certificates said, and who was passed over for which reason. `said` is all that the
    catalogue answered on the way, the products of those passed over included."""

    method: Method
    candidate: Candidate
    verdicts: tuple[Verdict, ...]
    skipped: tuple[Skipped, ...]
    said: tuple[Verdict, ...] = ()


def band_for(bands: Sequence[Band], value: Decimal) -> Band:
    """The highest band that the value reaches; the first begins at 0."""
    return [band for band in bands if band.from_value <= value][-1]


def value_of(candidates: Sequence[Candidate]) -> Decimal:
    """What decides the band: the basket at its dearest, so that no choice of supplier comes under a band."""
    return max((one.net for one in candidates if one.net is not None), default=Decimal("0.00"))


def check_documented(
    method: Method, documented: Documented | None, *, conditions: Sequence[str], suppliers: Sequence[str]
) -> list[Problem]:
    """Every reason why a documented choice is missing, not asked for, or does not hold."""
    if method is not Method.OBJECTIVE_CONDITIONS:
        told = DocumentedChoiceNotAllowed(f"The method for this value is {method}.", pointer="#/documented_choice")
        return [told] if documented else []
    if documented is None:
        return [DocumentedChoiceMissing(f"Announced: {', '.join(conditions)}.", pointer="#/documented_choice")]
    found: list[Problem] = [
        ConditionUnknown(f"{code} is not announced.", pointer=f"#/documented_choice/conditions/{place}")
        for place, code in enumerate(documented.conditions)
        if code not in conditions
    ]
    if documented.supplier not in suppliers:
        where = "#/documented_choice/supplier"
        found.append(SupplierWithoutPlace(f"{documented.supplier} has none.", pointer=where))
    return found


def choose(
    method: Method,
    candidates: Sequence[Candidate],
    verify: Callable[[str], Verdict] | None,
    documented: Documented | None = None,
) -> Decision:
    """The first, in the method's order, whose place is open, who has not been asked, offers every item, has room under
    its own maximum, and whose products are certified.

    `verify` asks about a product; None when the lot does not demand certification. An answer that nobody can give
    stops the call-off: a supplier is never passed over, nor chosen, on a guess.
    """
    if method is Method.MINI_COMPETITION:
        raise MiniCompetitionNeeded(f"Its value is {value_of(candidates):.2f} kr without VAT.")
    skipped: list[Skipped] = []
    said: dict[str, Verdict] = {}
    for one in _in_order(method, candidates, documented):
        refusal = _unfit(one)
        if refusal:
            skipped.append(Skipped(one.rank, one.supplier, one.name, *refusal))
            continue
        verdicts = tuple(verify(product) for product in one.products) if verify else ()
        said |= {verdict.product: verdict for verdict in verdicts}
        unknown = [verdict for verdict in verdicts if verdict.answer not in ("valid", "not_valid")]
        if unknown:
            raise CertificationUnknown(f"The catalogue says {unknown[0].code} of {unknown[0].product}.")
        why = [f"{verdict.product}: {verdict.code}" for verdict in verdicts if verdict.answer != "valid"]
        why += [f"{item}: no product to certify" for item in one.unnamed if verify]
        if not why:
            return Decision(method, one, verdicts, tuple(skipped), tuple(said.values()))
        skipped.append(Skipped(one.rank, one.supplier, one.name, PassedOver.NOT_CERTIFIED, "; ".join(why)))
    reasons = [{"rank": s.rank, "supplier": s.supplier, "reason": s.reason.value, "detail": s.detail} for s in skipped]
    kind = NotCertified if any(s.reason is PassedOver.NOT_CERTIFIED for s in skipped) else NoSupplier
    raise kind("; ".join(f"{s.name}: {s.detail}" for s in skipped) or "The lot has no suppliers.", passed_over=reasons)


def _in_order(method: Method, candidates: Sequence[Candidate], documented: Documented | None) -> list[Candidate]:
    """Ranks are different, so that there is never a tie."""
    if method is Method.ROTATION:
        return sorted(candidates, key=lambda one: (one.turns, one.rank))
    if method is Method.CHEAPEST_BASKET:
        return sorted(candidates, key=lambda one: (one.net is None, one.net or Decimal(0), one.rank))
    if method is Method.OBJECTIVE_CONDITIONS:
        return [one for one in candidates if documented and one.supplier == documented.supplier]
    return sorted(candidates, key=lambda one: one.rank)


def _unfit(one: Candidate) -> tuple[PassedOver, str] | None:
    if one.asked:
        return PassedOver.ALREADY_ASKED, "It has been asked for this call-off."
    if not one.active:
        return PassedOver.PLACE_NOT_ACTIVE, "Its place is not active."
    if one.net is None:
        return PassedOver.ITEM_NOT_OFFERED, "An item is not on its price list."
    if one.left is not None and one.net > one.left:
        return PassedOver.NO_ROOM, f"{one.left:.2f} kr is left under its own maximum."
    return None


def frozen(
    decision: Decision,
    candidates: Sequence[Candidate],
    *,
    bands: Sequence[Band],
    value: Decimal,
    rolling: Decimal,
    documented: Documented | None,
) -> dict[str, object]:
    """All that a choice rested on, as it is kept with the call-off: `explanations` finds the same answer from it."""
    alone, together = band_for(bands, value), band_for(bands, value + rolling)
    return {
        "method": decision.method.value,
        "rank": decision.candidate.rank,
        "passed_over": [
            {"rank": s.rank, "supplier": s.supplier, "name": s.name, "reason": s.reason.value, "detail": s.detail}
            for s in decision.skipped
        ],
        "certification": [vars(verdict) for verdict in decision.verdicts],
        "said": [vars(verdict) for verdict in decision.said],
        "value_excl_vat": f"{value:.2f}",
        "earlier_excl_vat": f"{rolling:.2f}",
        "band_from_excl_vat": f"{together.from_value:.2f}",
        "split": alone != together,
        "bands": [{"from_excl_vat": f"{band.from_value:.2f}", "method": band.method.value} for band in bands],
        "documented_choice": (
            {
                "supplier": documented.supplier,
                "conditions": list(documented.conditions),
                "reason": documented.reason,
            }
            if documented
            else None
        ),
        "candidates": [
            {
                "rank": one.rank,
                "supplier": one.supplier,
                "name": one.name,
                "active": one.active,
                "net_excl_vat": None if one.net is None else f"{one.net:.2f}",
                "products": list(one.products),
                "unnamed": list(one.unnamed),
                "turns": one.turns,
                "left_excl_vat": None if one.left is None else f"{one.left:.2f}",
                "asked": one.asked,
            }
            for one in sorted(candidates, key=lambda one: one.rank)
        ],
        "certification_demanded": any(s.reason is PassedOver.NOT_CERTIFIED for s in decision.skipped)
        or bool(decision.verdicts),
    }
