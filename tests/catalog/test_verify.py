"""`POST /verify`: valid, not valid or unknown, on a day, with a code for machines and reasons for people."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from services.catalog.verifications.rules import Code
from tests.catalog.conftest import problem
from tests.catalog.test_certificates import grant, take

SPECIFICATION = "velferdsteknologi-trygghetstjeneste"
DAY = "2027-03-01"
CASES: list[tuple[dict[str, str], str, str]] = [
    ({"product": "fjordvakt-alarm"}, "valid", "certified"),
    ({"product": "fjordvakt-alarm", "on": "2029-12-31"}, "valid", "certified"),
    ({"product": "fjordvakt-alarm", "on": "2030-01-01"}, "not_valid", "expired"),
    ({"product": "fjordvakt-alarm", "on": "2025-12-31"}, "not_valid", "not_yet_valid"),
    ({"product": "fjordvakt-alarm", "version": "0.1"}, "valid", "certified"),
    ({"product": "fjordvakt-alarm", "delivery_form": "on_premises"}, "valid", "certified"),
    ({"product": "fjordvakt-tilsyn", "delivery_form": "on_premises"}, "not_valid", "delivery_form_not_covered"),
    ({"product": "havorn-alarm"}, "not_valid", "suspended"),
    ({"product": "havorn-alarm", "on": "2026-08-31"}, "valid", "certified"),
    ({"product": "havorn-alarm", "on": "2030-01-01"}, "not_valid", "expired"),
    ({"product": "havorn-tilsyn"}, "not_valid", "no_certificate"),
    ({"product": "fjordvakt-alarm", "specification_version": "2.0"}, "not_valid", "no_certificate"),
    (
        {"product": "fjordvakt-alarm", "specification": "velferdsteknologi-datautveksling"},
        "not_valid",
        "no_certificate",
    ),
    ({"product": "finnes-ikke"}, "unknown", "product_unknown"),
    ({"product": "fjordvakt-alarm", "specification": "finnes-ikke"}, "unknown", "specification_unknown"),
]


def verify(catalog: TestClient, product: str, on: str = DAY, **more: str) -> dict[str, Any]:
    answer = catalog.post("/verify", json={"product": product, "on": on, **more})
    assert answer.status_code == 200, answer.text
    verdict: dict[str, Any] = answer.json()
    return verdict


def test_a_certified_product_is_valid(shared_catalog: TestClient) -> None:
    verdict = verify(shared_catalog, "fjordvakt-alarm", specification=SPECIFICATION, specification_version="1.0")
    assert verdict.pop("checked_at").endswith("Z")
    assert verdict.pop("reasons")[0]["en"] == "fjordvakt-alarm is certified on 2027-03-01 (SV-2026-000001)."
    assert verdict == {
        "verdict": "valid",
        "code": "certified",
        "certificate": {
            "number": "SV-2026-000001",
            "specification": SPECIFICATION,
            "specification_version": "1.0",
            "valid_from_on": "2026-01-01",
            "valid_to_on": "2029-12-31",
        },
        "product": "fjordvakt-alarm",
        "on": DAY,
    }


@pytest.mark.parametrize(("asked", "verdict", "code"), CASES)
def test_each_code_has_its_verdict(shared_catalog: TestClient, asked: dict[str, str], verdict: str, code: str) -> None:
    answer = verify(shared_catalog, **({"on": DAY} | asked))
    assert (answer["verdict"], answer["code"]) == (verdict, code)
    assert (answer["certificate"] is None) == (code in {"no_certificate", "product_unknown", "specification_unknown"})
    for text in answer["reasons"]:
        assert set(text) == {"nb", "nn", "en"}
        assert "None" not in "".join(text.values())
    assert all(answer["reasons"])


def test_a_withdrawn_certificate_counts_no_more(catalog: TestClient, decider: dict[str, str]) -> None:
    assert take(catalog, decider, "SV-2026-000002", "withdraw", effective_on="2027-01-01").status_code == 200
    assert verify(catalog, "nordlys-alarm")["code"] == "withdrawn"
    assert verify(catalog, "nordlys-alarm", on="2026-12-31")["code"] == "certified"


@pytest.fixture
def covered(catalog: TestClient, decider: dict[str, str]) -> dict[str, str]:
    """A product whose current version (1.4) is not among those certified: the question to ask."""
    assert grant(catalog, decider, product="havorn-tilsyn", versions=["1.2", "1.3"]).status_code == 201
    return {"product": "havorn-tilsyn", "on": "2030-06-01"}


def test_a_version_must_be_covered_and_the_current_one_is_meant_unless_said(
    catalog: TestClient, covered: dict[str, str]
) -> None:
    assert verify(catalog, **covered, version="1.3")["code"] == "certified"
    assert verify(catalog, **covered, version="1.4")["code"] == "version_not_covered"
    current = verify(catalog, **covered)
    assert (current["verdict"], current["code"]) == ("not_valid", "version_not_covered")
    assert "1.4" in current["reasons"][0]["nb"]


def test_everything_wrong_is_a_reason(catalog: TestClient, covered: dict[str, str]) -> None:
    answer = verify(catalog, **(covered | {"on": "2035-01-01"}), delivery_form="on_premises")
    assert answer["code"] == "version_not_covered"
    assert len(answer["reasons"]) == 3


def test_of_several_certificates_the_one_that_serves_best_decides(catalog: TestClient, decider: dict[str, str]) -> None:
    made = grant(catalog, decider, product="havorn-alarm", valid_from_on="2027-01-01").json()
    answer = verify(catalog, "havorn-alarm")
    assert (answer["code"], answer["certificate"]["number"]) == ("certified", made["number"])
    assert verify(catalog, "havorn-alarm", specification=SPECIFICATION)["code"] == "suspended"
    assert verify(catalog, "havorn-alarm", on="2026-12-31")["code"] == "suspended"


def test_every_code_is_seen_in_these_tests() -> None:
    on_their_own = {Code.WITHDRAWN, Code.VERSION_NOT_COVERED}
    assert {code for _, _, code in CASES} | on_their_own == set(Code)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"product": "Ikke En Slug"},
        {"product": "fjordvakt-alarm", "on": "i dag"},
        {"product": "fjordvakt-alarm", "delivery_form": "paper"},
        {"product": "fjordvakt-alarm", "organisation": "964983291"},
    ],
)
def test_a_question_that_cannot_be_read_is_refused(shared_catalog: TestClient, wrong: dict[str, str]) -> None:
    assert problem(shared_catalog.post("/verify", json=wrong)) == (422, "invalid-request")


def test_an_answer_may_be_kept_for_a_second(shared_catalog: TestClient) -> None:
    answer = shared_catalog.post("/verify", json={"product": "fjordvakt-alarm"})
    assert answer.headers["Cache-Control"] == "max-age=1"
