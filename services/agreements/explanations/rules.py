"""Tries a frozen choice again: the announced award key on the inputs that were kept, and nothing else.

With several suppliers and all terms set the method is announced and computed, never the buyer's free choice (directive
2014/24 art. 33(4); anskaffelsesforskriften § 26-3): whoever doubts a choice may compute it anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from services.agreements.award_keys import rules as award_keys
from services.agreements.award_keys.rules import Candidate, Decision, Documented, PassedOver, Verdict
from services.agreements.frameworks.rules import Band, Method
from services.chassis.problems import Problem


@dataclass(frozen=True)
class Inputs:
    """What a choice rested on. Amounts are NOK without VAT."""

    candidates: tuple[Candidate, ...]
    bands: tuple[Band, ...]
    earlier: Decimal
    """What the buyer had called off in the lot, in the window in which call-offs count as one."""
    documented: Documented | None
    said: Mapping[str, Verdict] | None
    """What the catalogue answered, by product; None when the lot demanded no certification."""

    @property
    def value(self) -> Decimal:
        return award_keys.value_of(self.candidates)


def inputs(choice: Mapping[str, Any]) -> Inputs | None:
    """The inputs as they were frozen; None for a choice from before all of them were kept, and for what a
    mini-competition has decided: its evaluation is found again from what is kept of that."""
    if "candidates" not in choice or "competition" in choice:
        return None
    verdicts = choice.get("said")
    if verdicts is None:
        if any(one["reason"] == PassedOver.NOT_CERTIFIED for one in choice["passed_over"]):
            return None
        verdicts = choice["certification"]
    documented = choice["documented_choice"]
    return Inputs(
        tuple(_candidate(one) for one in choice["candidates"]),
        tuple(Band(Decimal(one["from_excl_vat"]), Method(one["method"])) for one in choice["bands"]),
        Decimal(choice["earlier_excl_vat"]),
        Documented(documented["supplier"], tuple(documented["conditions"]), documented["reason"])
        if documented
        else None,
        {one["product"]: Verdict(**one) for one in verdicts} if choice["certification_demanded"] else None,
    )


def replay(known: Inputs) -> Decision:
    """The choice made again. Raises what `award_keys.choose` raises, and KeyError when a verdict is needed that was
    not kept: then it is not the same choice."""
    method = award_keys.band_for(known.bands, known.value + known.earlier).method
    verify = None if known.said is None else known.said.__getitem__
    return award_keys.choose(method, known.candidates, verify, known.documented)


def same(choice: Mapping[str, Any], known: Inputs, supplier: str, net: Decimal | None) -> bool:
    """Whether the choice, made again, is to the letter what was frozen, and the order went to that supplier at that
    amount (NOK without VAT). A change of the order that was agreed later has its own amount, and has put the
    certificates of its own day in the place of the first ones; those two are then not compared."""
    try:
        decision = replay(known)
    except (Problem, KeyError):
        return False
    again = award_keys.frozen(
        decision,
        known.candidates,
        bands=known.bands,
        value=known.value,
        rolling=known.earlier,
        documented=known.documented,
    )
    changed = "change" in choice
    compared = again.keys() & choice.keys() - ({"certification"} if changed else set())
    asked = decision.candidate
    return (
        asked.supplier == supplier
        and (changed or asked.net == net)
        and all(again[name] == choice[name] for name in compared)
    )


def _candidate(one: Mapping[str, Any]) -> Candidate:
    """Ranks are different in a lot, so they stand for the places, whose keys are not kept."""
    return Candidate(
        one["rank"],
        one["rank"],
        one["supplier"],
        one["name"],
        one["active"],
        _amount(one["net_excl_vat"]),
        tuple(one["products"]),
        tuple(one["unnamed"]),
        one["turns"],
        _amount(one["left_excl_vat"]),
        one["asked"],
    )


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
