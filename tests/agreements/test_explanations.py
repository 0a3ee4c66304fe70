"""Why this supplier: the announced rule, tried again on what was kept, gives the same answer."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import pytest
from fastapi.testclient import TestClient
from hypothesis import assume, given
from hypothesis import strategies as st

from services.agreements.award_keys import rules as award_keys
from services.agreements.award_keys.rules import Candidate, Documented, Verdict
from services.agreements.calloff_steps import store as calloff_steps
from services.agreements.calloffs import placing
from services.agreements.explanations import rules
from services.agreements.frameworks.rules import Band, Method
from services.chassis.clock import today
from services.chassis.problems import Problem
from services.chassis.values import seed_id
from tests.agreements.conftest import ALSTAHAUG, FJORDVAKT, JOINT_UNIT, NORDLYS, OSLO
from tests.conftest import state
from tests.issuer import Issuer

HAVORN = "100000032"
Place = Callable[..., Any]

amounts = st.integers(min_value=0, max_value=10**9).map(lambda ore: Decimal(ore).scaleb(-2))
answers = st.sampled_from(["valid", "valid", "valid", "not_valid", "unknown"])
DIRECT = [method for method in Method if method is not Method.MINI_COMPETITION]
mostly = st.sampled_from([True, True, True, False])


@st.composite
def candidates(draw: st.DrawFn) -> list[Candidate]:
    return [
        Candidate(
            rank,
            rank,
            f"10000000{rank}",
            f"Supplier {rank}",
            draw(mostly),
            draw(amounts) if draw(mostly) else None,
            tuple(draw(st.lists(st.sampled_from("abcd"), max_size=2, unique=True))),
            () if draw(mostly) else ("item",),
            draw(st.integers(0, 5)),
            None if draw(mostly) else draw(amounts),
            not draw(mostly),
        )
        for rank in range(1, draw(st.integers(3, 6)) + 1)
    ]


@given(
    every=candidates(),
    starts=st.lists(amounts.filter(bool), max_size=3, unique=True),
    methods=st.lists(st.sampled_from(DIRECT), min_size=4, max_size=4),
    earlier=amounts,
    said=st.fixed_dictionaries(dict.fromkeys("abcd", answers)),
    demanded=st.booleans(),
    wanted=st.integers(1, 3),
)
def test_every_choice_is_found_again_from_what_was_kept(
    every: list[Candidate],
    starts: list[Decimal],
    methods: list[Method],
    earlier: Decimal,
    said: dict[str, str],
    demanded: bool,
    wanted: int,
) -> None:
    bands = [Band(start, method) for start, method in zip([Decimal("0.00"), *sorted(starts)], methods, strict=False)]

    def verify(product: str) -> Verdict:
        return Verdict(product, said[product], f"code-{said[product]}", None, "2026-11-29T08:00:00Z", "catalog /verify")

    value = award_keys.value_of(every)
    method = award_keys.band_for(bands, value + earlier).method
    documented = (
        Documented(f"10000000{wanted}", ("nearest",), "It is the nearest one")
        if method is Method.OBJECTIVE_CONDITIONS
        else None
    )
    try:
        decision = award_keys.choose(method, every, verify if demanded else None, documented)
    except Problem:
        assume(False)
        raise
    frozen = award_keys.frozen(decision, every, bands=bands, value=value, rolling=earlier, documented=documented)
    known = rules.inputs(frozen)
    assert known
    assert rules.replay(known) == decision
    assert rules.same(frozen, known, decision.candidate.supplier, decision.candidate.net)


def explained(api: TestClient, name: str, headers: dict[str, str], status: int = 200) -> Any:
    answer = api.get(f"/call-offs/{seed_id(f'call-off:{name}')}/explanation", headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("name", "method"), [("sent", "ranking"), ("declined", "objective_conditions"), ("change-requested", "ranking")]
)
def test_a_choice_is_explained_and_tried_again(api: TestClient, buyer: dict[str, str], name: str, method: str) -> None:
    (choice,) = explained(api, name, buyer)["choices"]
    assert (choice["replayable"], choice["same"], choice["method"]) == (True, True, method)
    assert [one["rank"] for one in choice["candidates"]] == [1, 2, 3]
    assert choice["bands"][0]["from_excl_vat"] == "0.00"
    assert choice["ended_by"] is None


def test_the_next_supplier_is_explained_beside_the_first(
    api: TestClient, place: Place, buyer: dict[str, str], issuer: Issuer
) -> None:
    made = place().json()
    declined = api.post(
        f"/call-offs/{made['id']}/decline",
        json={"reason": "Vi har ikke kapasitet"},
        headers=issuer.bearer(FJORDVAKT, "agreements.supply"),
    )
    assert declined.status_code == 200, declined.text
    verifying = partial(placing.verifying, state(api).catalog.verify)
    calloff_steps.next_supplier(state(api).database, verifying, UUID(made["id"]), today())
    told = api.get(f"/call-offs/{made['id']}/explanation", headers=buyer).json()
    assert [(one["supplier"], one["ended_by"], one["same"]) for one in told["choices"]] == [
        (FJORDVAKT, "next_supplier", True),
        (NORDLYS, None, True),
    ]
    assert told["choices"][1]["passed_over"][0]["reason"] == "already_asked"
    assert [one["asked"] for one in told["choices"][1]["candidates"]] == [True, False, False]


def test_the_verdicts_of_those_passed_over_are_kept(
    api: TestClient, place: Place, buyer: dict[str, str], rows: psycopg.Connection
) -> None:
    rows.execute("UPDATE place SET rank = 0 WHERE number = %s", [HAVORN])
    (choice,) = api.get(f"/call-offs/{place().json()['id']}/explanation", headers=buyer).json()["choices"]
    assert [(one["supplier"], one["reason"]) for one in choice["passed_over"]] == [(HAVORN, "not_certified")]
    assert [(one["product"], one["answer"]) for one in choice["said"]] == [
        ("havorn-alarm", "not_valid"),
        ("fjordvakt-alarm", "valid"),
    ]
    assert choice["same"] is True


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("{method}", '"rotation"'),
        ("{candidates,0,net_excl_vat}", '"1.00"'),
        ("{candidates,0,active}", "false"),
        ("{bands,0,method}", '"cheapest_basket"'),
        ("{said}", "[]"),
        ("{rank}", "2"),
    ],
)
def test_a_choice_that_was_tampered_with_is_found_out(
    api: TestClient, buyer: dict[str, str], rows: psycopg.Connection, path: str, value: str
) -> None:
    rows.execute(
        "UPDATE calloff SET choice = jsonb_set(choice, %s, %s::jsonb) WHERE uuid = %s",
        [path, value, seed_id("call-off:sent")],
    )
    (choice,) = explained(api, "sent", buyer)["choices"]
    assert (choice["replayable"], choice["same"]) == (True, False)


def test_a_choice_from_before_its_inputs_were_kept_says_so(
    api: TestClient, buyer: dict[str, str], rows: psycopg.Connection
) -> None:
    kept = (
        "'method', choice->'method', 'rank', choice->'rank', 'passed_over', '[]'::jsonb, 'certification', '[]'::jsonb"
    )
    rows.execute(f"UPDATE calloff SET choice = jsonb_build_object({kept})")
    (choice,) = explained(api, "sent", buyer)["choices"]
    assert (choice["replayable"], choice["same"], choice["candidates"]) == (False, None, None)


def test_a_supplier_sees_what_concerns_itself(api: TestClient, issuer: Issuer) -> None:
    told = explained(api, "sent", issuer.bearer(FJORDVAKT, "agreements.read"))
    (choice,) = told["choices"]
    assert told["complete"] is False
    assert [one["supplier"] for one in choice["candidates"]] == [FJORDVAKT]
    assert (choice["value_excl_vat"], choice["earlier_excl_vat"], choice["said"]) == (None, None, None)
    assert choice["same"] is True


def test_the_framework_owner_sees_all_of_it_and_a_stranger_nothing(api: TestClient, issuer: Issuer) -> None:
    assert explained(api, "sent", issuer.bearer(JOINT_UNIT, "agreements.read"))["complete"] is True
    for stranger in (OSLO, ALSTAHAUG, NORDLYS):
        explained(api, "sent", issuer.bearer(stranger, "agreements.read"), status=404)
