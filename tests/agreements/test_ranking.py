"""Who is asked when all terms are set: the announced ranking decides, and says why."""

from collections.abc import Callable, Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.agreements.award_keys.rules import (
    Candidate,
    CertificationUnknown,
    Decision,
    NoSupplier,
    NotCertified,
    PassedOver,
    Verdict,
    choose,
)
from services.agreements.calloffs.rules import Priced
from services.agreements.frameworks.rules import Method


def by_ranking(candidates: Sequence[Candidate], verify: Callable[[str], Verdict] | None) -> Decision:
    return choose(Method.RANKING, candidates, verify)


def line(product: str | None, price: str = "100.00", quantity: int = 1, vat: str = "25") -> Priced:
    return Priced("alarm", {"nb": "Alarm"}, "stk", quantity, Decimal(price), Decimal(vat), product, 1)


def seat(rank: int, *, active: bool = True, product: str | None = "", offered: bool = True) -> Candidate:
    name = f"product-{rank}" if product == "" else product
    net = line(name).net if offered else None
    products, unnamed = ((name,), ()) if name else ((), ("alarm",))
    return Candidate(rank, rank, f"10000000{rank}", f"Supplier {rank}", active, net, products, unnamed)


def answers(**by_product: str) -> dict[str, Verdict]:
    return {
        name.replace("_", "-"): Verdict(name.replace("_", "-"), answer, "code", None, None, "test")
        for name, answer in by_product.items()
    }


def test_the_first_in_the_ranking_is_asked_whatever_order_they_come_in() -> None:
    known = answers(product_1="valid", product_2="valid")
    chosen = by_ranking([seat(2), seat(1)], known.__getitem__)
    assert (chosen.candidate.rank, chosen.skipped) == (1, ())


def test_everyone_passed_over_has_a_recorded_reason() -> None:
    known = answers(product_3="not_valid", product_4="valid")
    seats = [seat(1, active=False), seat(2, offered=False), seat(3), seat(4)]
    chosen = by_ranking(seats, known.__getitem__)
    assert chosen.candidate.rank == 4
    assert [(one.rank, one.reason) for one in chosen.skipped] == [
        (1, PassedOver.PLACE_NOT_ACTIVE),
        (2, PassedOver.ITEM_NOT_OFFERED),
        (3, PassedOver.NOT_CERTIFIED),
    ]


@pytest.mark.parametrize("answer", ["unknown", "perhaps", ""])
def test_nobody_is_passed_over_or_chosen_on_a_guess(answer: str) -> None:
    known = answers(product_1=answer, product_2="valid")
    with pytest.raises(CertificationUnknown):
        by_ranking([seat(1), seat(2)], known.__getitem__)


def test_an_unknown_further_down_is_not_even_asked() -> None:
    asked: list[str] = []

    def verify(product: str) -> Verdict:
        asked.append(product)
        return Verdict(product, "valid", "certified", "SV-1", None, "test")

    by_ranking([seat(1), seat(2)], verify)
    assert asked == ["product-1"]


def test_a_line_without_a_product_cannot_be_certified() -> None:
    with pytest.raises(NotCertified):
        by_ranking([seat(1, product=None)], answers().__getitem__)


def test_without_a_specification_nobody_is_asked_for_a_certificate() -> None:
    assert by_ranking([seat(1, product=None)], None).verdicts == ()


def test_when_nobody_is_left_the_refusal_names_them_all() -> None:
    with pytest.raises(NoSupplier) as refused:
        by_ranking([seat(1, active=False), seat(2, offered=False)], None)
    passed_over = refused.value.members["passed_over"]
    assert isinstance(passed_over, list)
    assert [one["reason"] for one in passed_over] == ["place_not_active", "item_not_offered"]


@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.sampled_from(["valid", "not_valid"])), min_size=1, max_size=6)
)
def test_supplier_k_is_asked_only_when_each_before_has_a_reason(states: list[tuple[bool, bool, str]]) -> None:
    seats = [seat(rank, active=active, offered=offered) for rank, (active, offered, _) in enumerate(states, 1)]
    known = {
        f"product-{rank}": Verdict(f"product-{rank}", answer, "code", None, None, "test")
        for rank, (_, _, answer) in enumerate(states, 1)
    }
    eligible = [rank for rank, state in enumerate(states, 1) if state == (True, True, "valid")]
    if not eligible:
        with pytest.raises((NoSupplier, NotCertified)):
            by_ranking(seats, known.__getitem__)
        return
    chosen = by_ranking(seats, known.__getitem__)
    assert chosen.candidate.rank == eligible[0]
    assert [one.rank for one in chosen.skipped] == list(range(1, eligible[0]))


@given(
    st.decimals(min_value=0, max_value=99999, places=2),
    st.integers(1, 10_000),
    st.sampled_from(["0", "12", "15", "25"]),
)
def test_a_line_is_price_times_quantity_and_vat_is_whole_ore(price: Decimal, quantity: int, vat: str) -> None:
    priced = line("p", str(price), quantity, vat)
    assert priced.net == price * quantity
    assert abs(priced.vat - priced.net * Decimal(vat) / 100) <= Decimal("0.005")
    assert priced.vat == priced.vat.quantize(Decimal("0.01"))
