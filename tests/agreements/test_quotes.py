"""A quote tells what would happen, and then that happens; it writes nothing, and shows nobody a secret."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from services.agreements.award_keys.rules import Candidate
from services.agreements.calloffs.rules import Priced
from services.agreements.frameworks.rules import Band, Method
from services.agreements.ledger.rules import Scope
from services.agreements.quotes import rules
from services.agreements.quotes.rules import Balance, Hindrance
from services.chassis.problems import NeighbourAway
from tests.agreements.conftest import BRONNOY, FJORDVAKT, JOINT_UNIT, NORDLYS, OSLO, Place
from tests.agreements.test_placing_a_call_off import counted
from tests.conftest import state
from tests.issuer import Issuer

HAVORN = "100000032"
ADVICE = {"framework_agreement": "ra-2026-driftsplattform", "lot": "radgivning"}
PLATFORM = {"framework_agreement": "ra-2026-driftsplattform", "lot": "plattformer"}
BALANCE = "UPDATE balance SET ceiling = posted + {} WHERE scope = '{}' AND item = '' AND subject_id IN ({})"
LOT = "SELECT id FROM lot WHERE slug = 'alarmer'"
SEATS = f"SELECT id FROM place WHERE lot_id = ({LOT})"
BUYER = f"SELECT id FROM participant WHERE number = '{BRONNOY}'"
AGREEMENT = "SELECT id FROM frameworkagreement WHERE slug = 'ra-2026-velferdsteknologi'"


class Answers:
    """Quotes a body, and places the same."""

    def __init__(self, api: TestClient, place: Place, order: dict[str, Any], headers: dict[str, str]) -> None:
        self.api, self._place, self._order, self._headers = api, place, order, headers

    def quote(self, headers: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
        answer = self.api.post("/call-offs/quote", json=self._order | changes, headers=headers or self._headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def same(self, headers: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
        """The quote, after what it says has been seen to happen."""
        told = self.quote(headers, **changes)
        answer = self._place(headers, **changes)
        if told["possible"]:
            assert answer.status_code == 201, answer.text
            made, award = answer.json(), told["award"]
            first = award["asked_first"]
            for name in ("supplier_organisation_number", "supplier_name", "state"):
                assert made[name] == first[name]
            for name in ("amount_excl_vat", "amount_vat", "amount_incl_vat"):
                assert made[name] == first[name]
            assert (made["choice"]["method"], made["choice"]["rank"]) == (award["method"], first["rank"])
            assert (made["split_flagged"], made["choice"]["passed_over"]) == (
                award["split_flagged"],
                award["passed_over"],
            )
            seat = next(one for one in told["suppliers"] if one["rank"] == first["rank"])
            assert (seat["may_be_asked"], seat["exceeded"], seat["hindrances"]) == (True, [], [])
        else:
            assert answer.status_code >= 400, answer.text
            assert refusal(answer.json()) == told["problems"]
        return told


def refusal(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Every rule that a refusal names, each as it would stand in `errors[]`."""
    alone = {name: value for name, value in body.items() if name not in ("title", "status", "errors")}
    return [{"detail": body["title"]} | one for one in body.get("errors", [alone])]


def types(told: dict[str, Any]) -> list[str]:
    return [one["type"].removeprefix("/problems/") for one in told["problems"]]


@pytest.fixture
def answers(api: TestClient, place: Place, order: dict[str, Any], buyer: dict[str, str]) -> Answers:
    return Answers(api, place, order, buyer)


CHOSEN = {"supplier": NORDLYS, "conditions": ["integrasjon"], "reason": "Fagsystemet er integrert med den"}
CASES: list[tuple[str, list[str], dict[str, Any], list[str] | None]] = [
    ("as it is", [], {}, []),
    ("above the approval limit", [], {"lines": [{"item": "alarm", "quantity": 209}]}, []),
    ("two lines", [], {"lines": [{"item": "alarm", "quantity": 1}, {"item": "montering", "quantity": 2}]}, []),
    ("first place suspended", [f"UPDATE place SET state = 'suspended' WHERE number = '{FJORDVAKT}'"], {}, []),
    ("first supplier full", [BALANCE.format("reserved + 7199.99", "supplier", SEATS + " AND rank = 1")], {}, []),
    ("every place suspended", ["UPDATE place SET state = 'suspended'"], {}, ["no-supplier"]),
    ("certificate over by then", [], {"needed_on": "2030-07-01"}, ["not-certified"]),
    (
        "documented choice unasked",
        [],
        {"documented_choice": CHOSEN},
        ["documented-choice-not-allowed"],
    ),
    ("item unknown", [], {"lines": [{"item": "sofa", "quantity": 1}]}, ["item-unknown"]),
    (
        "several wrongs",
        [],
        {"needed_on": "2020-01-01", "lines": [{"item": "alarm", "quantity": 1}] * 2},
        ["needed-too-early", "item-twice"],
    ),
    ("suspended agreement", [], {"framework_agreement": "ra-2025-gps", "lot": "sporing"}, None),
    ("lot full", [BALANCE.format("reserved + 7199.99", "lot", LOT)], {}, ["ceiling-exceeded"]),
    (
        "three levels full",
        [
            BALANCE.format("reserved + 7000", "framework_agreement", AGREEMENT),
            BALANCE.format("reserved + 7000", "lot", LOT),
            BALANCE.format("reserved + 7000", "buyer", BUYER),
        ],
        {},
        ["ceiling-exceeded"] * 3,
    ),
    ("exactly what is left", [BALANCE.format("reserved + 7200", "lot", LOT)], {}, []),
    (
        "quantities full at two levels",
        [
            f"INSERT INTO balance (scope, subject_id, item, ceiling, reserved, posted) "
            f"SELECT 'buyer', id, 'alarm', 2, 0, 0 FROM participant WHERE number = '{BRONNOY}'",
            "INSERT INTO balance (scope, subject_id, item, ceiling, reserved, posted) "
            "SELECT 'lot', id, 'alarm', 1, 0, 0 FROM lot WHERE slug = 'alarmer'",
            BALANCE.format("reserved", "lot", LOT),
        ],
        {},
        ["ceiling-exceeded"] * 3,
    ),
    ("rotation", [], ADVICE | {"lines": [{"item": "radgivertime", "quantity": 10}]}, []),
    ("cheapest basket", [], ADVICE | {"lines": [{"item": "plattform", "quantity": 5000}]}, []),
    (
        "mini-competition",
        [],
        ADVICE | {"lines": [{"item": "radgivertime", "quantity": 900}]},
        ["mini-competition-needed"],
    ),
    (
        "choice missing",
        [],
        PLATFORM | {"lines": [{"item": "plattform", "quantity": 10}]},
        ["documented-choice-missing"],
    ),
    (
        "choice",
        [],
        PLATFORM | {"lines": [{"item": "plattform", "quantity": 10}], "documented_choice": CHOSEN},
        [],
    ),
    (
        "choice that does not hold",
        [],
        PLATFORM
        | {
            "lines": [{"item": "plattform", "quantity": 10}],
            "documented_choice": CHOSEN | {"supplier": "100000075", "conditions": ["pris"]},
        },
        ["condition-unknown", "supplier-without-place"],
    ),
]


@pytest.mark.parametrize(("before", "changes", "expected"), [one[1:] for one in CASES], ids=[one[0] for one in CASES])
def test_what_the_quote_says_would_happen_happens(
    answers: Answers, rows: psycopg.Connection, before: list[str], changes: dict[str, Any], expected: list[str] | None
) -> None:
    for statement in before:
        rows.execute(statement.encode())
    told = answers.same(**changes)
    if expected is not None:
        assert types(told) == expected


LINES: st.SearchStrategy[tuple[dict[str, Any], str, int]] = st.one_of(
    st.tuples(st.just(ADVICE), st.just("radgivertime"), st.integers(1, 400)),
    st.tuples(st.just(ADVICE), st.just("plattform"), st.integers(1, 9000)),
    st.tuples(st.just(PLATFORM), st.sampled_from(["plattform", "radgivertime"]), st.integers(1, 3000)),
    st.tuples(st.just({}), st.sampled_from(["alarm", "montering", "sofa"]), st.integers(1, 3000)),
    st.tuples(st.just({"lot": "tilsyn"}), st.sampled_from(["kamera", "drift"]), st.integers(1, 2000)),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(basket=LINES, chosen=st.sampled_from([None, FJORDVAKT, NORDLYS, HAVORN]))
def test_whatever_has_been_ordered_before_the_quote_is_what_happens(
    answers: Answers, basket: tuple[dict[str, Any], str, int], chosen: str | None
) -> None:
    where, item, quantity = basket
    body = where | ({"documented_choice": CHOSEN | {"supplier": chosen}} if chosen else {})
    answers.same(**body, lines=[{"item": item, "quantity": quantity}])


def test_a_quote_is_answered_where_nothing_can_be_written(answers: Answers, rows: psycopg.Connection) -> None:
    before = counted(rows)
    ((name,),) = rows.execute("SELECT current_database()").fetchall()
    closed = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on")
    rows.execute(closed.format(sql.Identifier(name)))  # for every connection that is made from now on
    assert answers.quote()["possible"]
    assert not answers.quote(lines=[{"item": "alarm", "quantity": 100_000}])["possible"]
    assert counted(rows) == before


def test_every_supplier_is_priced_with_what_keeps_it_from_being_asked(
    answers: Answers, rows: psycopg.Connection
) -> None:
    rows.execute("UPDATE place SET state = 'suspended' WHERE number = %s", [FJORDVAKT])
    told = answers.quote(lines=[{"item": "alarm", "quantity": 2}, {"item": "sofa", "quantity": 1}])
    assert (told["possible"], types(told), told["award"]) == (False, ["item-unknown"], None)
    assert [
        (one["rank"], one["place_state"], one["missing_items"], one["amount_excl_vat"], one["hindrances"])
        for one in told["suppliers"]
    ] == [
        (1, "suspended", ["sofa"], None, ["place_not_active", "item_not_offered"]),
        (2, "active", ["sofa"], None, ["item_not_offered"]),
        (3, "active", ["sofa"], None, ["item_not_offered"]),
    ]
    whole = answers.quote()
    assert [(one["amount_excl_vat"], one["amount_vat"], one["may_be_asked"]) for one in whole["suppliers"]] == [
        ("7200.00", "1800.00", False),
        ("7650.00", "1912.50", True),
        ("6570.00", "1642.50", False),
    ]
    third = whole["suppliers"][2]
    assert (third["hindrances"], third["certification"][0]["answer"]) == (["not_certified"], "not_valid")
    assert [one["level"] for one in whole["rooms"]] == ["framework_agreement", "lot", "buyer"]
    assert whole["award"]["passed_over"][0]["reason"] == "place_not_active"


def test_a_basket_that_only_some_can_take_is_told_by_supplier(answers: Answers, rows: psycopg.Connection) -> None:
    rows.execute(BALANCE.format("reserved + 7300", "lot", LOT).encode())
    told = answers.quote()
    assert [[one["scope"] for one in seat["exceeded"]] for seat in told["suppliers"]] == [[], ["lot"], []]
    assert told["rooms"][1]["room"]["left_excl_vat"] == "7300.00"


@pytest.fixture
def away(api: TestClient) -> Iterator[None]:
    catalog = state(api).catalog
    verify = catalog.verify

    def nobody(*asked: object) -> object:
        raise NeighbourAway("The catalogue cannot be reached.")

    catalog.verify = nobody
    yield
    catalog.verify = verify


@pytest.mark.usefixtures("away")
def test_while_the_catalogue_is_away_prices_are_told_and_nothing_is_possible(answers: Answers) -> None:
    told = answers.same()
    assert types(told) == ["certification-unknown"]
    assert {one["hindrances"][0] for one in told["suppliers"]} == {"certification_unknown"}
    assert told["suppliers"][0]["amount_excl_vat"] == "7200.00"


@pytest.mark.parametrize(
    ("changes", "type"),
    [
        ({"framework_agreement": "no-such"}, "framework-agreement-not-found"),
        ({"lot": "no-such"}, "lot-not-found"),
    ],
)
def test_what_is_not_there_cannot_be_quoted(
    api: TestClient, order: dict[str, Any], buyer: dict[str, str], changes: dict[str, Any], type: str
) -> None:
    answer = api.post("/call-offs/quote", json=order | changes, headers=buyer)
    assert (answer.status_code, answer.json()["type"]) == (404, f"/problems/{type}")


def test_a_draft_is_quoted_for_nobody_but_its_owner(
    api: TestClient, order: dict[str, Any], buyer: dict[str, str], issuer: Issuer
) -> None:
    draft = order | {"framework_agreement": "ra-2027-nettbrett", "lot": "nettbrett"}
    assert api.post("/call-offs/quote", json=draft, headers=buyer).status_code == 404
    assert api.post("/call-offs", json=draft, headers=buyer | {"Idempotency-Key": "draft"}).status_code == 404
    owner = issuer.bearer(JOINT_UNIT, "agreements.read")
    assert "agreement-not-open" in types(api.post("/call-offs/quote", json=draft, headers=owner).json())


def test_who_may_not_order_sees_no_secret_and_no_supplier_s_room(
    answers: Answers, rows: psycopg.Connection, issuer: Issuer
) -> None:
    rows.execute("ALTER TABLE price DISABLE TRIGGER USER")
    rows.execute(
        "UPDATE price SET secret_reason = 'Forretningshemmelighet (fiktiv)' WHERE item = 'alarm' "
        "AND place_id = (SELECT id FROM place WHERE lot_id = (SELECT id FROM lot WHERE slug = 'alarmer') AND rank = 2)"
    )

    def seen(number: str) -> list[tuple[bool, bool, bool]]:
        told = answers.quote(issuer.bearer(number, "agreements.read"))
        assert (told["award"] is None) == (number != BRONNOY)
        return [
            (one["amount_excl_vat"] is not None, one["room"] is not None, one["may_be_asked"] is not None)
            for one in told["suppliers"]
        ]

    everything, prices, nothing = (True, True, True), (True, False, False), (False, False, False)
    assert seen(BRONNOY) == seen(JOINT_UNIT) == [everything] * 3
    assert seen(OSLO) == [prices, nothing, prices]
    assert seen(FJORDVAKT) == [everything, nothing, prices]
    assert seen(NORDLYS) == [prices, everything, prices]
    stranger = answers.quote(issuer.bearer(OSLO, "agreements.order"))
    assert (types(stranger), stranger["suppliers"][1]["lines"][0]["unit_price_excl_vat"]) == (["not-entitled"], None)
    assert "7650" not in str(stranger)


def test_a_quote_needs_a_scope(api: TestClient, order: dict[str, Any], issuer: Issuer) -> None:
    for headers, status in (({}, 401), (issuer.bearer(BRONNOY, "agreements.supply"), 403)):
        assert api.post("/call-offs/quote", json=order, headers=headers).status_code == status


def line(item: str, quantity: int, price: str) -> Priced:
    return Priced(item, {"nb": item}, "stk", quantity, Decimal(price), Decimal(25), None, 1)


def balance(scope: Scope, ceiling: str | None, item: str = "", reserved: str = "0", posted: str = "0") -> Balance:
    return Balance(scope, item, None if ceiling is None else Decimal(ceiling), Decimal(reserved), Decimal(posted))


@pytest.mark.parametrize(
    ("balances", "expected"),
    [
        ([balance(Scope.LOT, None)], []),
        ([balance(Scope.LOT, "0")], ["lot"]),
        ([balance(Scope.LOT, "200")], []),
        ([balance(Scope.LOT, "199.99")], ["lot"]),
        ([balance(Scope.LOT, "300", reserved="60", posted="40.01")], ["lot"]),
        ([balance(Scope.BUYER, "0", "a"), balance(Scope.BUYER, "0"), balance(Scope.LOT, "0", "b")], ["buyer"] * 2),
        (
            [balance(Scope.BUYER, "1", "a"), balance(Scope.LOT, "1", "a"), balance(Scope.LOT, "1")],
            ["lot"] * 2 + ["buyer"],
        ),
    ],
    ids=str,
)
def test_every_ceiling_is_tried_in_the_ledger_s_order(balances: list[Balance], expected: list[str]) -> None:
    assert [one.members["scope"] for one in rules.check_room(balances, [line("a", 2, "100")])] == expected


def test_what_costs_nothing_passes_a_ceiling_of_nothing() -> None:
    assert rules.check_room([balance(Scope.LOT, "0")], [line("a", 2, "0")]) == []


@pytest.mark.parametrize(
    ("answers", "unnamed", "certified", "expected"),
    [
        (["valid"], (), True, []),
        (["not_valid", "unknown"], (), True, [Hindrance.NOT_CERTIFIED, Hindrance.CERTIFICATION_UNKNOWN]),
        (["unknown"], (), True, [Hindrance.CERTIFICATION_UNKNOWN]),
        ([], ("a",), True, [Hindrance.NOT_CERTIFIED]),
        ([], ("a",), False, []),
    ],
)
def test_a_verdict_that_is_unknown_is_never_valid(
    answers: list[str], unnamed: tuple[str, ...], certified: bool, expected: list[Hindrance]
) -> None:
    one = Candidate(1, 1, NORDLYS, "Nordlys", True, Decimal(1), unnamed=unnamed)
    assert rules.hindrances(one, answers, certified=certified, exceeded=False) == expected


def test_an_award_that_cannot_be_made_still_tells_method_and_value() -> None:
    bands = [Band(Decimal(0), Method.RANKING), Band(Decimal(100), Method.MINI_COMPETITION)]
    one = Candidate(1, 1, NORDLYS, "Nordlys", True, Decimal(60))
    alone = rules.award(bands, [one], Decimal(0), None, documented=None, conditions=[])
    assert (alone.method, alone.split, alone.problems) == (Method.RANKING, False, ())
    lifted = rules.award(bands, [one], Decimal(40), None, documented=None, conditions=[])
    assert (lifted.method, lifted.split, lifted.band_from) == (Method.MINI_COMPETITION, True, Decimal(100))
    assert [type(problem).__name__ for problem in lifted.problems] == ["MiniCompetitionNeeded"]
