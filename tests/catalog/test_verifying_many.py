"""`POST /verify/batch` answers as the single questions do; `POST /verify/set` finds who answers for what."""

import json
from datetime import date
from typing import Any

from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.certificates import store as certificates
from services.catalog.certificates.rules import Assurance, Outcome
from services.catalog.joint_verifications import rules
from services.catalog.joint_verifications.rules import Code, Proof
from services.catalog.specifications import store as specifications
from services.catalog.verifications.rules import Verdict
from services.chassis import clock
from services.chassis.db import Database
from tests.catalog.certifying import granted
from tests.catalog.conftest import errors

EXCHANGE = "velferdsteknologi-datautveksling"
SPECIFICATION = "velferdsteknologi-trygghetstjeneste"
DAY = "2027-03-01"

products = st.sampled_from(["fjordvakt-alarm", "havorn-alarm", "nordlys-alarm", "havorn-tilsyn", "finnes-ikke"])
questions = st.one_of(
    st.fixed_dictionaries(
        {"product": products, "on": st.dates(date(2025, 12, 1), date(2030, 2, 1)).map(str)},
        optional={
            "version": st.sampled_from(["1.4", "2.0", "3.1", "9"]),
            "specification": st.sampled_from([SPECIFICATION, EXCHANGE, "finnes-ikke"]),
            "specification_version": st.sampled_from(["1.0", "2.0"]),
            "profile": st.just("grunn"),
            "delivery_form": st.sampled_from(["saas", "on_premises"]),
        },
    ),
    st.fixed_dictionaries({"certificate": st.sampled_from(["SV-2026-000001", "SV-2026-000003", "SV-1999-000009"])}),
    st.fixed_dictionaries({"supplier": st.sampled_from(["100000016", "100000067", "100000091"])}),
)
"""Some hundreds of kinds of question about the seed data."""


def ask(catalog: TestClient, asked: list[Any]) -> list[dict[str, Any]]:
    answer = catalog.post("/verify/batch", json={"questions": asked})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["checked_at"].endswith("Z")
    answers: list[dict[str, Any]] = body["answers"]
    return answers


def single(catalog: TestClient, question: dict[str, str]) -> dict[str, Any]:
    answer: dict[str, Any] = catalog.post("/verify", json=question).json()
    del answer["checked_at"]
    return answer


def test_many_are_answered_as_each_would_be(shared_catalog: TestClient) -> None:
    @given(st.lists(questions, min_size=1, max_size=12))
    def same(asked: list[dict[str, str]]) -> None:
        assert ask(shared_catalog, asked) == [single(shared_catalog, one) for one in asked]

    same()


def test_five_hundred_are_answered_in_their_order(shared_catalog: TestClient) -> None:
    versions = [str(number) for number in range(500)]
    answers = ask(shared_catalog, [{"certificate": "SV-2026-000007", "version": one} for one in versions])
    assert [one["code"] for one in answers] == ["version_not_covered"] * 3 + ["certified"] * 497


def test_what_cannot_be_read_gets_a_problem_in_its_place(shared_catalog: TestClient) -> None:
    good = {"product": "fjordvakt-alarm", "on": DAY}
    first, refused, nothing, last = ask(shared_catalog, [good, good | {"on": "i dag", "colour": 1}, None, good])
    assert first == last == single(shared_catalog, good)
    told = refused["problem"]
    assert (told["type"], told["status"]) == ("/problems/question-invalid", 422)
    assert {one["pointer"] for one in told["errors"]} == {"#/questions/1/on", "#/questions/1/colour"}
    assert shared_catalog.get(told["type"]).status_code == 200
    assert nothing["problem"]["errors"][0]["pointer"] == "#/questions/2"


def test_questions_of_any_depth_and_letters_spoil_only_their_own_answer(shared_catalog: TestClient) -> None:
    deep: Any = "x"
    for _ in range(400):
        deep = [deep]
    good = {"product": "fjordvakt-alarm", "on": DAY}
    body = json.dumps({"questions": [good, {"product": deep}, {"product": "\ud800"}, {"\ud800": 1}, good]})
    answer = shared_catalog.post("/verify/batch", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    assert ["problem" in one for one in answer.json()["answers"]] == [False, True, True, True, False]


# ---- Together


def together(catalog: TestClient, *asked: str | dict[str, str], **more: str) -> dict[str, Any]:
    listed = [{"product": one} if isinstance(one, str) else one for one in asked]
    answer = catalog.post("/verify/set", json={"products": listed, "specification": EXCHANGE, "on": DAY} | more)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_one_product_that_meets_all_is_enough(shared_catalog: TestClient) -> None:
    answer = together(shared_catalog, {"product": "fjordvakt-alarm", "version": "3.1"}, "havorn-tilsyn")
    assert (answer["verdict"], answer["code"], answer["gaps"]) == ("valid", "covered", [])
    assert [one["certificates"] for one in answer["products"]] == [["SV-2026-000006"], []]
    for line in answer["requirements"]:
        assert line["by"][0]["product"] == "fjordvakt-alarm"
        assert line["by"][0]["certificate"] == "SV-2026-000006"


def test_what_is_dispensed_with_is_a_gap_of_the_set(shared_catalog: TestClient) -> None:
    nordlys = {"product": "nordlys-alarm", "version": "2.0"}
    assert single(shared_catalog, nordlys | {"specification": EXCHANGE, "on": DAY})["code"] == "certified"
    answer = together(shared_catalog, nordlys)
    assert (answer["verdict"], answer["gaps"]) == ("not_valid", ["VT1-02"])
    assert "VT1-02" in answer["reasons"][0]["en"]


def test_a_form_or_version_that_is_not_covered_proves_nothing(shared_catalog: TestClient) -> None:
    for more in ({"delivery_form": "on_premises"}, {"version": "1.9"}):
        answer = together(shared_catalog, {"product": "nordlys-alarm", "version": "2.0"} | more)
        assert (answer["verdict"], answer["code"]) == ("not_valid", "gaps")
        assert answer["gaps"] == [one["requirement"] for one in answer["requirements"]]
        assert len(answer["reasons"]) == len(answer["gaps"])


def split(database: Database, outcomes: dict[str, dict[str, Outcome]]) -> None:
    """Certificates of products against the exchange of data, each with its own findings."""
    with database.reading() as session:
        version = specifications.find_version(session, EXCHANGE, "1.0")
        assert version
        ids = {one.code: one.id for one in specifications.requirements(session, version.id)}
    for like, found in outcomes.items():
        number = granted(
            database, like, date(2026, 1, 1), date(2029, 12, 31), specification_version_id=version.id, profile="del"
        )
        with database.writing() as session:
            id, now = certificates.by_number(session, number).id, clock.now()
            results = [
                certificates.Result(
                    certificate_id=id, requirement_id=ids[code], outcome=outcome, evidence=[], recorded_at=now
                )
                for code, outcome in found.items()
            ]
            certificates.add_results(session, id, results, now)


TILSYN, HAVORN = "SV-2026-000004", "SV-2026-000005"  # of fjordvakt-tilsyn and nordlys-tilsyn


def musts(catalog: TestClient) -> list[str]:
    return [one["requirement"] for one in together(catalog, "havorn-tilsyn")["requirements"]]


def test_each_requirement_may_be_met_by_another_product(catalog: TestClient, database: Database) -> None:
    first, *others = musts(catalog)
    split(
        database,
        {
            TILSYN: {first: Outcome.MET, **dict.fromkeys(others, Outcome.NOT_RELEVANT)},
            HAVORN: {first: Outcome.NOT_MET, **dict.fromkeys(others, Outcome.MET)},
        },
    )
    answer = together(catalog, "fjordvakt-tilsyn", "nordlys-tilsyn")
    assert (answer["verdict"], answer["code"]) == ("valid", "covered")
    assert [one["by"][0]["product"] for one in answer["requirements"]] == [
        "fjordvakt-tilsyn",
        *["nordlys-tilsyn"] * len(others),
    ]
    alone = together(catalog, "nordlys-tilsyn")
    assert (alone["verdict"], alone["gaps"]) == ("not_valid", [first])
    assert together(catalog, "fjordvakt-tilsyn")["verdict"] == "valid", "not relevant to the only one there is"


def test_what_is_not_known_is_no_answer(shared_catalog: TestClient) -> None:
    known = {"product": "nordlys-alarm", "version": "2.0"}
    assert together(shared_catalog, known, "finnes-ikke")["code"] == "product_unknown"
    assert together(shared_catalog, known, specification="finnes-ikke")["code"] == "specification_unknown"
    assert together(shared_catalog, known, specification_version="99")["code"] == "version_unknown"
    assert together(shared_catalog, known, on="1999-01-01")["code"] == "version_unknown"
    assert together(shared_catalog, known, profile="finnes-ikke")["code"] == "profile_unknown"
    for more in ({"specification": "finnes-ikke"}, {"profile": "finnes-ikke"}):
        answer = together(shared_catalog, known, **more)
        assert answer["verdict"] == "unknown"
        assert "None" not in json.dumps(answer["reasons"])


def test_a_product_twice_is_a_mistake(shared_catalog: TestClient) -> None:
    body = {"products": [{"product": "a"}, {"product": "b"}, {"product": "a"}], "specification": EXCHANGE}
    answer = shared_catalog.post("/verify/set", json=body)
    assert errors(answer) == {("product-repeated", "#/products/2/product")}


proofs = st.lists(
    st.builds(
        Proof,
        st.integers(1, 4),
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(["1", "2"]),
        st.sampled_from(Outcome),
        st.sampled_from(Assurance),
    ),
    max_size=12,
)


@given(proofs)
def test_what_one_product_meets_stays_covered_whoever_joins(found: list[Proof]) -> None:
    everyone = rules.lines([1, 2, 3, 4], found)
    for product in "abc":
        alone = rules.lines([1, 2, 3, 4], [one for one in found if one.product == product])
        for before, after in zip(alone, everyone, strict=True):
            if any(one.outcome is Outcome.MET for one in before.proofs):
                assert after.covered


@given(proofs)
def test_a_set_is_valid_when_nothing_is_a_gap_and_no_product_unknown(found: list[Proof]) -> None:
    lines = rules.lines([1, 2, 3, 4], found)
    verdict, code = rules.decide(lines, [])
    assert (verdict is Verdict.VALID) == all(one.covered for one in lines) == (code is Code.COVERED)
    for line in lines:
        assert not line.covered or line.proofs[0].outcome in (Outcome.MET, Outcome.NOT_RELEVANT)
        assert line.covered or not any(one.outcome is Outcome.MET for one in line.proofs)
    assert rules.decide(lines, ["x"]) == (Verdict.UNKNOWN, Code.PRODUCT_UNKNOWN)
    assert rules.decide([], []) == (Verdict.NOT_VALID, Code.NOTHING_REQUIRED)


def test_every_reason_has_its_words_in_three_languages() -> None:
    words = dict.fromkeys(("specification", "version", "profile", "product", "requirement", "on"), "x")
    for code in Code:
        assert set(rules.text(code, **words)) == {"nb", "nn", "en"}
