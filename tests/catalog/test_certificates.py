"""A certificate is granted on evidence, by another than the supplier, once for a scope; then only events are added."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from services.chassis import audit
from services.chassis.db import Database
from tests.catalog.conftest import FJORDVAKT, HAVORN, errors, problem, walk
from tests.issuer import Issuer

EVIDENCE = [{"description": "Testrapport", "sha256": "ab" * 32, "dated_on": "2026-11-01"}]
RESULTS = [{"requirement": f"VT1-0{number}", "outcome": "met", "evidence": EVIDENCE} for number in (1, 2, 3)]
NEW: dict[str, Any] = {
    "product": "havorn-alarm",
    "versions": "all",
    "specification": "velferdsteknologi-datautveksling",
    "specification_version": "1.0",
    "delivery_forms": ["saas"],
    "valid_from_on": "2030-01-01",
    "valid_to_on": "2031-12-31",
    "reason": "Vedtak",
    "results": RESULTS,
}


def grant(catalog: TestClient, decider: dict[str, str], **changed: Any) -> Any:
    return catalog.post("/certificates", json=NEW | changed, headers=decider)


def take(catalog: TestClient, decider: dict[str, str], number: str, step: str, **body: Any) -> Any:
    return catalog.post(f"/certificates/{number}/{step}", json={"reason": "Tilsyn"} | body, headers=decider)


def status(catalog: TestClient, number: str, **query: str) -> str:
    answer = catalog.get(f"/certificates/{number}", params=query)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["status"])


def test_a_certificate_keeps_results_and_evidence(
    catalog: TestClient, decider: dict[str, str], database: Database
) -> None:
    answer = grant(catalog, decider)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["supplier"]["organisation_number"] == HAVORN
    assert made["decided_by"] == "100000008"
    assert [one["evidence"] for one in made["results"]] == [EVIDENCE] * 3
    assert [(one["kind"], one["effective_on"]) for one in made["events"]] == [("granted", "2030-01-01")]
    assert catalog.get(answer.headers["Location"]).json() == made
    with database.reading() as reader:
        assert [row[1] for row in audit.of(reader, answer.headers["Location"])] == ["certificate.grant"]


def test_numbers_of_a_year_follow_each_other_also_past_a_refusal(catalog: TestClient, decider: dict[str, str]) -> None:
    first = grant(catalog, decider).json()["number"]
    assert problem(grant(catalog, decider)) == (409, "certificate-overlaps")
    second = grant(catalog, decider, product="nordlys-alarm").json()["number"]
    assert int(second[-6:]) == int(first[-6:]) + 1
    assert second[:8] == first[:8]


def test_every_requirement_that_fails_is_told(shared_catalog: TestClient, decider: dict[str, str]) -> None:
    results = [
        {"requirement": "VT1-01", "outcome": "partly", "evidence": EVIDENCE},
        {"requirement": "VT1-02", "outcome": "not_relevant"},
        {"requirement": "VT9-99", "outcome": "met", "evidence": EVIDENCE},
        {"requirement": "VT1-04", "outcome": "met"},
    ]
    answer = grant(shared_catalog, decider, results=results)
    assert problem(answer) == (422, "must-not-met")
    assert errors(answer) == {
        ("must-not-met", "#/results/0/outcome"),
        ("reason-missing", "#/results/1/reason"),
        ("requirement-unknown", "#/results/2/requirement"),
        ("evidence-missing", "#/results/3/evidence"),
        ("must-not-met", "#/results"),
    }
    assert walk(shared_catalog, "/certificates", product="havorn-alarm")[-1]["number"] == "SV-2026-000003"


def test_a_supplier_does_not_certify_itself(shared_catalog: TestClient, issuer: Issuer) -> None:
    itself = issuer.bearer(HAVORN, "certification.decide")
    assert problem(grant(shared_catalog, itself)) == (403, "decision-on-own-product")
    assert problem(take(shared_catalog, itself, "SV-2026-000003", "restore")) == (403, "decision-on-own-product")
    assert status(shared_catalog, "SV-2026-000003", on="2026-10-01") == "suspended"


def test_what_it_refers_to_must_exist(shared_catalog: TestClient, decider: dict[str, str]) -> None:
    answer = grant(shared_catalog, decider, product="finnes-ikke", specification_version="9.9")
    assert problem(answer) == (422, "reference-unknown")
    assert errors(answer) == {("reference-unknown", "#/product"), ("reference-unknown", "#/specification_version")}


@pytest.mark.parametrize(
    ("changed", "type", "pointer"),
    [
        ({"valid_to_on": "2029-12-31"}, "certificate-period-invalid", "#/valid_to_on"),
        (
            {"product": "havorn-tilsyn", "delivery_forms": ["on_premises"]},
            "delivery-form-not-offered",
            "#/delivery_forms/0",
        ),
        ({"valid_from_on": "2025-06-30"}, "specification-not-in-force", "#/specification_version"),
        ({"valid_from_on": "2026-01-01", "reason": None}, "back-dated-without-reason", "#/reason"),
    ],
)
def test_the_terms_are_looked_at(
    shared_catalog: TestClient, decider: dict[str, str], changed: dict[str, Any], type: str, pointer: str
) -> None:
    assert (type, pointer) in errors(grant(shared_catalog, decider, **changed))


@pytest.mark.parametrize(
    "wrong",
    [
        {"versions": "some"},
        {"versions": []},
        {"delivery_forms": ["paper"]},
        {"results": []},
        {"results": [{"requirement": "VT1-01", "outcome": "met", "evidence": [EVIDENCE[0] | {"sha256": "AB"}]}]},
        {"number": "SV-2026-000099"},
    ],
)
def test_bad_input_is_one_problem(shared_catalog: TestClient, decider: dict[str, str], wrong: dict[str, Any]) -> None:
    answer = grant(shared_catalog, decider, **wrong)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"]


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ({}, 409),
        ({"valid_from_on": "2031-12-31", "valid_to_on": "2032-01-01"}, 409),
        ({"valid_from_on": "2032-01-01", "valid_to_on": "2033-01-01"}, 201),
        ({"versions": ["1.4"]}, 409),
        ({"delivery_forms": ["on_premises"]}, 201),
        ({"delivery_forms": ["on_premises", "saas"]}, 409),
        ({"product": "nordlys-alarm"}, 201),
    ],
)
def test_a_scope_is_certified_once_at_a_time(
    catalog: TestClient, decider: dict[str, str], second: dict[str, Any], expected: int
) -> None:
    assert grant(catalog, decider).status_code == 201
    answer = grant(catalog, decider, **second)
    assert answer.status_code == expected, answer.text
    if expected == 409:
        assert problem(answer) == (409, "certificate-overlaps")


def test_versions_are_scopes_of_their_own(catalog: TestClient, decider: dict[str, str]) -> None:
    assert grant(catalog, decider, versions=["1.4", "1.5"]).status_code == 201
    assert grant(catalog, decider, versions=["2.0"]).status_code == 201
    assert grant(catalog, decider, versions=["1.5", "3.0"]).status_code == 409
    assert grant(catalog, decider).status_code == 409


def test_of_two_grants_at_once_one_is_refused(catalog: TestClient, decider: dict[str, str]) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: grant(catalog, decider), range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]
    assert {problem(answer) for answer in answers if answer.status_code == 409} == {(409, "certificate-overlaps")}
    assert len(walk(catalog, "/certificates", product="havorn-alarm")) == 2


def test_a_withdrawn_certificate_makes_room_from_its_day_on(catalog: TestClient, decider: dict[str, str]) -> None:
    number = grant(catalog, decider).json()["number"]
    assert take(catalog, decider, number, "withdraw", effective_on="2031-01-01").status_code == 200
    assert grant(catalog, decider, valid_to_on="2030-12-31").status_code == 409
    assert grant(catalog, decider, valid_from_on="2031-01-01").status_code == 201


def test_a_certificate_withdrawn_before_it_began_leaves_nothing(catalog: TestClient, decider: dict[str, str]) -> None:
    number = grant(catalog, decider).json()["number"]
    assert take(catalog, decider, number, "withdraw", effective_on="2029-06-01").status_code == 200
    assert grant(catalog, decider).status_code == 201


def test_steps_change_the_status_from_their_day_on(
    catalog: TestClient, decider: dict[str, str], database: Database
) -> None:
    number = "SV-2026-000001"
    assert take(catalog, decider, number, "suspend", effective_on="2028-03-01").status_code == 200
    assert take(catalog, decider, number, "restore", effective_on="2028-05-01").status_code == 200
    answer = take(catalog, decider, number, "withdraw", effective_on="2029-01-01")
    assert answer.status_code == 200
    days = ["2025-12-31", "2028-02-29", "2028-03-01", "2028-05-01", "2029-01-01", "2031-01-01"]
    seen = [status(catalog, number, on=day) for day in days]
    assert seen == ["not_yet_valid", "valid", "suspended", "valid", "withdrawn", "withdrawn"]
    assert [one["kind"] for one in answer.json()["events"]] == ["granted", "suspended", "restored", "withdrawn"]
    with database.reading() as reader:
        actions = [row[1] for row in audit.of(reader, f"/certificates/{number}")]
    assert actions == ["certificate.suspend", "certificate.restore", "certificate.withdraw"]


def test_a_step_that_cannot_be_taken_is_refused_and_records_nothing(
    shared_catalog: TestClient, decider: dict[str, str]
) -> None:
    before = shared_catalog.get("/certificates/SV-2026-000001").json()["events"]
    assert problem(take(shared_catalog, decider, "SV-2026-000001", "restore")) == (409, "step-refused")
    late = take(shared_catalog, decider, "SV-2026-000003", "restore", effective_on="2030-01-01")
    assert problem(late) == (409, "step-refused")
    assert late.json()["errors"][0]["state"] == "expired"
    assert shared_catalog.get("/certificates/SV-2026-000001").json()["events"] == before
    assert problem(take(shared_catalog, decider, "SV-2026-999999", "suspend")) == (404, "certificate-not-found")


def test_a_back_dated_step_is_flagged_and_needs_a_reason(catalog: TestClient, decider: dict[str, str]) -> None:
    path = "/certificates/SV-2026-000001/suspend"
    assert problem(catalog.post(path, json={}, headers=decider)) == (422, "invalid-request")
    answer = take(catalog, decider, "SV-2026-000001", "suspend", effective_on="2026-02-01")
    assert answer.json()["events"][-1]["back_dated"] is True
    ahead = take(catalog, decider, "SV-2026-000002", "suspend", effective_on="2029-01-01")
    assert ahead.json()["events"][-1]["back_dated"] is False


def test_what_was_known_then_stays_what_was_known(catalog: TestClient, decider: dict[str, str]) -> None:
    then = {"on": "2026-09-15", "known_at": "2026-08-01T00:00:00Z"}
    assert status(catalog, "SV-2026-000003", **then) == "valid"
    assert status(catalog, "SV-2026-000003", on="2026-09-15") == "suspended"
    assert take(catalog, decider, "SV-2026-000003", "withdraw", effective_on="2026-02-01").status_code == 200
    assert status(catalog, "SV-2026-000003", on="2026-09-15") == "withdrawn"
    assert status(catalog, "SV-2026-000003", **then) == "valid"
    known = catalog.get("/certificates/SV-2026-000003", params=then).json()["events"]
    assert [one["kind"] for one in known] == ["granted"]


@pytest.mark.parametrize(
    ("known_at", "expected"),
    [
        ("2025-01-01T00:00:00Z", (404, "certificate-not-found")),
        ("2999-01-01T00:00:00Z", (422, "known-at-in-future")),
        ("2026-01-01T00:00:00", (422, "invalid-request")),
    ],
)
def test_an_instant_must_be_one_that_something_was_known_at(
    shared_catalog: TestClient, known_at: str, expected: tuple[int, str]
) -> None:
    assert problem(shared_catalog.get("/certificates/SV-2026-000001", params={"known_at": known_at})) == expected


def test_certificates_are_filtered(shared_catalog: TestClient) -> None:
    def numbers(**query: str) -> list[str]:
        return [one["number"] for one in walk(shared_catalog, "/certificates", limit=1, **query)]

    assert numbers(supplier=FJORDVAKT) == ["SV-2026-000001", "SV-2026-000004"]
    assert numbers(product="havorn-alarm") == ["SV-2026-000003"]
    assert numbers(product="havorn-alarm", supplier=FJORDVAKT) == []


@pytest.mark.parametrize("change", ["UPDATE certificate_event SET reason = ''", "DELETE FROM certificate_event"])
def test_the_database_itself_keeps_events_as_they_are(catalog: TestClient, url: str, change: str) -> None:
    with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.RaiseException, match="never changed"):
        connection.execute(change)


def test_a_step_from_an_older_state_is_refused(catalog: TestClient, decider: dict[str, str]) -> None:
    path = "/certificates/SV-2026-000001"
    read = {"If-Match": catalog.get(path).headers["ETag"]}
    step = {"reason": "Vedtak etter tilsyn (fiktivt)"}
    first = catalog.post(f"{path}/suspend", json=step, headers=decider | read)
    assert first.status_code == 200
    second = catalog.post(f"{path}/withdraw", json=step, headers=decider | read)
    assert (second.status_code, second.json()["type"]) == (412, "/problems/stale")
    assert second.headers["ETag"] == first.headers["ETag"]
    told = [one for one in catalog.get("/events", params={"limit": 200}).json()["items"] if one["subject"] == path]
    assert [one["type"] for one in told] == ["certificate.suspended"]
