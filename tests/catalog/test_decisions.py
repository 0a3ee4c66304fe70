"""A decision is made by another than whoever assessed, once, and what it grants is a certificate in the same moment."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier
from typing import Any
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from services.catalog.certificates import store as certificates
from services.catalog.certificates.rules import EventKind
from services.catalog.decisions import store as decisions
from services.catalog.decisions.rules import DecisionStepRefused
from services.chassis import audit, clock
from services.chassis.auth import Caller
from services.chassis.db import Database
from services.chassis.settings import IssuerKind
from services.chassis.values import seed_id
from tests.catalog.certification import (
    APPLICATIONS,
    BODY,
    DECISIONS,
    HAVORN,
    JOINT_UNIT,
    LAB,
    NORDLYS,
    Certification,
    certified,
    met,
)
from tests.catalog.conftest import errors, problem, walk
from tests.issuer import Issuer

NOT_MET = {"outcome": "not_met", "reason": "Svarer ikke", "tested_on": str(clock.today())}
CONDITION = {"requirement": "VT1-02", "text": "Bruk token", "due_on": "2027-06-30"}
DISPENSATION = {"requirement": "VT1-02", "reason": "Ny løsning kommer", "until_on": "2027-06-30"}


@pytest.fixture
def way(catalog: TestClient, issuer: Issuer) -> Certification:
    return Certification(catalog, issuer)


def test_what_is_granted_is_a_certificate_in_the_same_moment(
    catalog: TestClient, way: Certification, database: Database
) -> None:
    path = way.recommended(product="havorn-alarm", versions=["1.4"])
    answer = way.decide(path)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["outcome"], made["status"], made["organisation_number"]) == ("granted", "in_force", BODY)
    assert [one["kind"] for one in made["events"]] == ["made"]
    certificate = catalog.get(f"/certificates/{made['certificate']}").json()
    assert (certificate["product"], certificate["versions"], certificate["delivery_forms"]) == (
        "havorn-alarm",
        ["1.4"],
        ["saas"],
    )
    assert (certificate["valid_from_on"], certificate["valid_to_on"]) == ("2027-01-01", "2029-12-31")
    assert {(one["requirement"], one["outcome"], one["tester"]) for one in certificate["results"]} == {
        (f"VT1-0{number}", "met", LAB) for number in (1, 2, 3)
    }
    assert [(one["kind"], one["organisation_number"]) for one in certificate["events"]] == [("granted", BODY)]
    assert catalog.get(answer.headers["Location"]).json()["id"] == made["id"]
    told = [
        (one["type"], one["subject"])
        for one in catalog.get("/events", params={"limit": 200}).json()["items"]
        if one["subject"] in (answer.headers["Location"], f"/certificates/{made['certificate']}")
    ]
    assert told == [
        ("certification-decision.made", answer.headers["Location"]),
        ("certificate.granted", f"/certificates/{made['certificate']}"),
    ]
    with database.reading() as reader:
        assert [row[1] for row in audit.of(reader, answer.headers["Location"])] == ["certification-decision.make"]


def test_a_refusal_has_reasons_and_a_day_to_appeal_by_and_is_not_public(
    catalog: TestClient, way: Certification
) -> None:
    path = way.recommended(product="havorn-alarm", results={"VT1-02": NOT_MET}, recommendation="refuse")
    answer = way.decide(path, outcome="refused", reason="VT1-02 er ikke oppfylt")
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["reason"], made["certificate"], made["valid_to_on"]) == ("VT1-02 er ikke oppfylt", None, None)
    scheme = catalog.get("/certification-schemes/product").json()
    waits = (date.fromisoformat(made["appeal_by_on"]) - clock.today()).days
    assert scheme["appeal_days"] <= waits <= scheme["appeal_days"] + 5
    where = answer.headers["Location"]
    assert catalog.get(where, headers=way.applicant(HAVORN)).status_code == 200
    assert catalog.get(where, headers=way.assessor).status_code == 200
    for headers in ({}, way.applicant(NORDLYS)):
        assert problem(catalog.get(where, headers=headers)) == (404, "decision-not-found")
        shown = catalog.get(DECISIONS, params={"limit": 200}, headers=headers).json()["items"]
        assert made["id"] not in [one["id"] for one in shown]
    mine = catalog.get(DECISIONS, params={"outcome": "refused"}, headers=way.applicant(HAVORN)).json()["items"]
    assert made["id"] in [one["id"] for one in mine]
    feed = catalog.get("/events", params={"limit": 200}).json()["items"]
    assert where not in [one["subject"] for one in feed]
    assert walk(catalog, "/certificates", product="havorn-alarm")[-1]["number"] == "SV-2026-000003"


# ---- (e) Four eyes


def test_whoever_assessed_or_has_an_interest_does_not_decide(
    catalog: TestClient, way: Certification, issuer: Issuer
) -> None:
    path = way.recommended(product="havorn-alarm")
    refused = {
        "assessor-decides": issuer.bearer(BODY, "certification.decide", client="vurderer"),
        "decision-maker-interested": issuer.bearer(JOINT_UNIT, "certification.decide", client="eier"),
    }
    for type, headers in refused.items():
        assert problem(way.decide(path, headers)) == (403, type)
        assert problem(way.decide(path, headers, outcome="refused")) == (403, type)
    supplier = issuer.bearer(HAVORN, "certification.decide", client="leverandør")
    assert problem(way.decide(path, supplier)) == (403, "decision-maker-interested")
    assert problem(way.decide(path, way.assessor)) == (403, "scope-missing")
    assert way.decide(path).status_code == 201


# ---- (j) Every must


def test_each_must_that_is_not_met_is_told(way: Certification) -> None:
    path = way.recommended(
        product="havorn-alarm",
        results={
            "VT1-01": met(outcome="partly", reason="Bare varsler"),
            "VT1-02": NOT_MET,
            "VT1-03": met(tested_on="2024-01-01", lifetime_days=365),
        },
        recommendation="grant_with_conditions",
    )
    answer = way.decide(path)
    assert problem(answer) == (422, "must-not-met")
    assert {(one["requirement"], one["pointer"]) for one in answer.json()["errors"]} == {
        ("VT1-01", "#/outcome"),
        ("VT1-02", "#/outcome"),
        ("VT1-03", "#/outcome"),
    }
    assert answer.json()["errors"][-1]["detail"] == "VT1-03 is not_tested, since its result is too old."


def test_a_condition_or_a_dispensation_takes_the_place_of_a_must_for_a_time(
    catalog: TestClient, way: Certification
) -> None:
    results = {"VT1-01": NOT_MET, "VT1-02": NOT_MET}
    path = way.recommended(product="havorn-alarm", results=results, recommendation="grant_with_conditions")
    dispensed = {**DISPENSATION, "requirement": "VT1-01"}
    as_if = way.decide(path, conditions=[CONDITION], dispensations=[dispensed])
    assert errors(as_if) == {("conditions-misplaced", "#/conditions"), ("must-not-met", "#/outcome")}
    answer = way.decide(path, outcome="granted_with_conditions", conditions=[CONDITION], dispensations=[dispensed])
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["conditions"], made["dispensations"]) == ([CONDITION], [dispensed])
    number = made["certificate"]
    shown = catalog.get(f"/certificates/{number}", params={"on": "2027-02-01"}).json()
    assert {(one["kind"], one["requirement"], one["due_on"]) for one in shown["conditions"]} == {
        ("condition", "VT1-02", "2027-06-30"),
        ("dispensation", "VT1-01", "2027-06-30"),
    }
    assert set(shown["remarks"]) >= {"with_conditions", "with_dispensation"}
    late = catalog.get(f"/certificates/{number}", params={"on": "2027-07-01"}).json()
    assert late["status"] == "suspended", "unmet, it suspends from the day after"


def test_a_returned_assessment_can_be_mended(catalog: TestClient, way: Certification) -> None:
    results = {"VT1-02": NOT_MET}
    path = way.recommended(product="havorn-alarm", results=results, recommendation="grant_with_conditions")
    assert problem(way.decide(path)) == (422, "must-not-met")
    assessment = catalog.get(path, headers=way.decider).json()["assessment"]
    assert catalog.post(f"{assessment}/return", json={"reason": "Prøv igjen"}, headers=way.decider).status_code == 200
    assert problem(way.decide(path)) == (409, "application-step-refused")
    assert catalog.post(f"{assessment}/resume", headers=way.assessor).status_code == 200
    assert catalog.put(f"{assessment}/results/VT1-02", json=met(), headers=way.assessor).status_code == 200
    done = {"recommendation": "grant", "reason": "Nå er alt oppfylt"}
    assert catalog.post(f"{assessment}/complete", json=done, headers=way.assessor).status_code == 200
    assert way.decide(path).status_code == 201


# ---- The terms


def test_the_terms_are_looked_at(way: Certification) -> None:
    path = way.recommended(product="havorn-alarm")
    assert errors(way.decide(path, valid_to_on="2031-01-01")) == {("validity-too-long", "#/valid_to_on")}
    assert errors(way.decide(path, valid_from_on="2025-01-01", valid_to_on="2026-12-31")) == {
        ("specification-not-in-force", "#/valid_from_on")
    }
    assert errors(way.decide(path, valid_from_on=None)) == {("validity-missing", "#/valid_from_on")}


def test_a_back_dated_grant_is_flagged(catalog: TestClient, way: Certification) -> None:
    path = way.recommended(product="havorn-alarm")
    assert problem(way.decide(path, valid_from_on="2026-06-01", valid_to_on="2027-06-01", reason=None)) == (
        422,
        "invalid-request",
    )
    made = way.decide(path, valid_from_on="2026-06-01", valid_to_on="2027-06-01").json()
    (granted,) = catalog.get(f"/certificates/{made['certificate']}").json()["events"]
    assert (granted["back_dated"], granted["reason"]) == (True, "Vedtak")


def test_a_suspended_supplier_is_granted_nothing(catalog: TestClient, way: Certification) -> None:
    path = way.recommended(product="havorn-alarm")
    tilsyn = {"organisation_number": HAVORN, "reason": "Tilsyn"}
    assert catalog.post("/supplier-suspensions", json=tilsyn, headers=way.decider).status_code == 201
    assert problem(way.decide(path)) == (409, "supplier-suspended")
    assert way.decide(path, outcome="refused").status_code == 201


# ---- Once


def test_a_second_decision_is_refused_also_at_the_same_moment(way: Certification) -> None:
    path = way.recommended(product="havorn-alarm")
    together = Barrier(3)

    def decide(_: int) -> Any:
        together.wait()
        return way.decide(path)

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(decide, range(3)))
    assert sorted(one.status_code for one in answers) == [201, 409, 409]
    assert {problem(one)[1] for one in answers if one.status_code == 409} == {"application-step-refused"}
    assert problem(way.decide(path, outcome="refused")) == (409, "application-step-refused")


def test_of_two_grants_of_one_scope_at_once_one_wins(
    catalog: TestClient, way: Certification, database: Database
) -> None:
    """Two applications for the same are under way at once only when the decision on the first was annulled."""
    first = way.recommended(product="havorn-alarm", results={"VT1-01": NOT_MET}, recommendation="grant_with_conditions")
    refused = way.decide(first, outcome="refused")
    second = way.recommended(product="havorn-alarm")
    judge = Caller(BODY, frozenset({"certification.decide"}), "klagenemnd", IssuerKind.MACHINE)
    with database.writing() as session:
        row = decisions.locked(session, UUID(refused.json()["id"]))
        decisions.annul(session, row, caller=judge, at=clock.now(), reason="Medhold")
    assert catalog.get(first, headers=way.decider).json()["status"] == "recommended"
    together = Barrier(2)
    dispensation = {**DISPENSATION, "requirement": "VT1-01"}

    def decide(path: str) -> Any:
        together.wait()
        return way.decide(path, dispensations=[dispensation])

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(decide, [first, second]))
    assert sorted(one.status_code for one in answers) == [201, 409]
    (lost,) = [one for one in answers if one.status_code == 409]
    assert problem(lost) == (409, "certificate-overlaps")
    states = sorted(catalog.get(path, headers=way.decider).json()["status"] for path in (first, second))
    assert states == ["decided", "recommended"], "nothing of the other one was kept"
    held = walk(catalog, "/certificates", specification="velferdsteknologi-datautveksling", product="havorn-alarm")
    assert len(held) == 1


def test_of_grants_that_overlap_one_after_the_other_the_second_is_refused(
    catalog: TestClient, issuer: Issuer, way: Certification
) -> None:
    certified(catalog, issuer, product="havorn-alarm", versions=["1.4"])
    other = way.recommended(product="havorn-alarm")
    assert problem(way.decide(other)) == (409, "certificate-overlaps")
    assert way.decide(other, valid_from_on="2030-01-01", valid_to_on="2030-12-31").status_code == 201


# ---- Renewing and extending


def test_a_certificate_is_renewed_under_its_number(catalog: TestClient, issuer: Issuer, way: Certification) -> None:
    number = certified(catalog, issuer, product="havorn-alarm", decision={"valid_to_on": "2027-12-31"})
    path = way.recommended(product="havorn-alarm", renews=number)
    answer = way.decide(path, valid_from_on="2027-10-01", valid_to_on="2030-09-30")
    assert answer.status_code == 201, answer.text
    assert answer.json()["certificate"] == number
    before = catalog.get(f"/certificates/{number}", params={"on": "2027-09-30"}).json()
    after = catalog.get(f"/certificates/{number}", params={"on": "2028-06-01"}).json()
    assert (before["valid_to_on"], before["revision"]) == ("2027-12-31", 1)
    assert (after["status"], after["valid_to_on"], after["revision"]) == ("valid", "2030-09-30", 2)
    assert [one["kind"] for one in after["events"]] == ["granted", "renewed"]


def test_a_renewal_that_waits_for_a_withdrawal_sees_it(
    catalog: TestClient, issuer: Issuer, way: Certification, database: Database
) -> None:
    number = certified(catalog, issuer, product="havorn-alarm")
    path = way.recommended(product="havorn-alarm", renews=number)
    renewed = {"valid_from_on": "2028-01-01", "valid_to_on": "2030-12-31"}
    with ThreadPoolExecutor(1) as pool:
        with database.writing() as session:
            certificates.lock(session, number)
            answer = pool.submit(way.decide, path, None, **renewed)
            while not waiting(database) and not answer.done():
                pass
            certificates.record(
                session,
                certificates.by_number(session, number).id,
                EventKind.WITHDRAWN,
                effective_on=clock.today(),
                recorded_at=clock.now(),
                today=clock.today(),
                reason="Tilsyn",
                organisation=BODY,
            )
        assert problem(answer.result()) == (409, "step-refused")


def waiting(database: Database) -> bool:
    """Whether somebody waits for a lock in this database."""
    query = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with database.reading() as reader:
        return reader.execute(sa.text(query)).first() is not None


def test_a_certificate_is_extended_and_keeps_its_last_day(
    catalog: TestClient, issuer: Issuer, way: Certification
) -> None:
    number = certified(catalog, issuer, product="havorn-alarm", versions=["1.4"])
    wider: dict[str, Any] = {"delivery_forms": ["saas", "on_premises"], "versions": ["1.4"], "extends": number}
    path = way.recommended(product="havorn-alarm", **wider)
    assert errors(way.decide(path, valid_from_on="2027-02-01")) == {("validity-misplaced", "#/valid_to_on")}
    results: dict[str, Any] = {"conditions": [CONDITION], "outcome": "granted_with_conditions"}
    answer = way.decide(path, valid_from_on="2027-02-01", valid_to_on=None, **results)
    assert answer.status_code == 201, answer.text
    after = catalog.get(f"/certificates/{number}", params={"on": "2027-03-01"}).json()
    assert (after["delivery_forms"], after["valid_to_on"]) == (["saas", "on_premises"], "2029-12-31")
    assert [one["key"] for one in after["conditions"]] == ["1"]
    narrower = way.recommended(product="havorn-alarm", versions=["1.4"], extends=number)
    answer = way.decide(narrower, valid_from_on="2027-04-01", valid_to_on=None)
    assert problem(answer) == (422, "scope-not-wider")


def test_only_ones_own_certificate_is_renewed(catalog: TestClient, way: Certification) -> None:
    answer = way.draft(HAVORN, product="havorn-alarm", delivery_forms=["saas"], renews="SV-2026-000007")
    assert problem(answer) == (422, "certificate-of-another")


def test_a_firm_is_certified_as_a_supplier(catalog: TestClient, way: Certification) -> None:
    path = way.recommended(
        organisation="100000016", subject_kind="supplier", specification="leverandor-av-velferdsteknologi"
    )
    answer = way.decide(path, valid_to_on="2029-01-01")
    assert answer.status_code == 201, answer.text
    shown = catalog.get(f"/certificates/{answer.json()['certificate']}").json()
    assert shown["subject"] == {"kind": "supplier", "product": None, "role": None}
    assert shown["supplier"]["organisation_number"] == "100000016"


# ---- What becomes of it


def test_an_appeal_under_way_is_its_parties_own(catalog: TestClient, way: Certification, database: Database) -> None:
    made = way.decide(way.recommended(product="havorn-alarm"))
    appellant = Caller(HAVORN, frozenset({"certification.apply"}), "søker", IssuerKind.MACHINE)
    with database.writing() as session:
        row = decisions.locked(session, UUID(made.json()["id"]))
        decisions.record_appeal(session, row, appeal=seed_id("appeal"), caller=appellant, at=clock.now())
    where = made.headers["Location"]
    public, within = (catalog.get(where, headers=one).json() for one in ({}, way.applicant(HAVORN)))
    assert (public["status"], [one["kind"] for one in public["events"]]) == ("in_force", ["made"])
    assert (within["status"], [one["kind"] for one in within["events"]]) == ("appealed", ["made", "appealed"])
    with database.writing() as session, pytest.raises(DecisionStepRefused):
        decisions.record_appeal(session, row, appeal=seed_id("again"), caller=appellant, at=clock.now())


@pytest.mark.parametrize("table", ["decision", "decision_event"])
def test_the_database_itself_keeps_decisions(catalog: TestClient, url: str, table: str) -> None:
    with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.RaiseException, match="never changed"):
        connection.execute(f"UPDATE {table} SET reason = ''")


def test_an_application_that_is_withdrawn_is_not_decided(catalog: TestClient, way: Certification) -> None:
    path = way.recommended(product="havorn-alarm")
    assert catalog.post(f"{path}/withdraw", json={}, headers=way.applicant(HAVORN)).status_code == 200
    assert problem(way.decide(path)) == (409, "application-step-refused")
    unknown = way.decide(f"{APPLICATIONS}/{seed_id('nobody')}")
    assert problem(unknown) == (422, "reference-unknown")
