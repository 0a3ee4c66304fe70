"""Assessments: begun by whoever has no interest, with a result for each requirement, recommended and returned."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from services.catalog.applications import store as applications
from services.catalog.assessments import store as assessments
from services.chassis import clock
from services.chassis.db import Database
from services.chassis.values import seed_id
from tests.catalog.conftest import EDITOR, FJORDVAKT, HAVORN, errors, problem, walk
from tests.issuer import Issuer

BODY, LABORATORY, NORDLYS = "100000040", "100000059", "100000024"
TO_ASSESS, ASSESSED = "certification-application:to-assess", "assessment:assessed"
PATH = "/certification-assessments"
EVIDENCE = {"description": "Rapport", "sha256": "ab" * 32, "dated_on": "2026-11-02"}
MET = {"outcome": "met", "evidence": [EVIDENCE], "tested_on": "2026-11-02"}
Person = Callable[..., dict[str, str]]


@pytest.fixture
def assessor(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(BODY, "certification.assess", client="vurderer")


@pytest.fixture
def decider(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(BODY, "certification.decide", client="avgjorer")


def seeded(name: str) -> str:
    return f"{PATH}/{seed_id(f'assessment:{name}')}"


def begin(catalog: TestClient, headers: dict[str, str], application: str = TO_ASSESS) -> Any:
    return catalog.post(PATH, json={"application": str(seed_id(application))}, headers=headers)


def put(catalog: TestClient, path: str, requirement: str, headers: dict[str, str], **result: Any) -> Any:
    return catalog.put(f"{path}/results/{requirement}", json=MET | result, headers=headers)


def state_of_application(catalog: TestClient, headers: dict[str, str], name: str = TO_ASSESS) -> str:
    told = catalog.get(f"/certification-applications/{seed_id(name)}", headers=headers).json()
    return str(told.get("state") or told.get("status"))


# ---- From begin to recommendation


def test_an_application_is_assessed_and_recommended(
    catalog: TestClient, database: Database, assessor: dict[str, str], decider: dict[str, str], issuer: Issuer
) -> None:
    made = begin(catalog, assessor)
    assert made.status_code == 201, made.text
    path = made.headers["Location"]
    assert made.json()["missing"] == ["VT1-01", "VT1-02", "VT1-03"]
    assert state_of_application(catalog, assessor) == "under_assessment"
    assert problem(begin(catalog, assessor)) == (409, "application-step-refused")
    second = issuer.bearer(LABORATORY, "certification.assess", client="lab")
    assert catalog.post(f"{path}/join", headers=second).json()["assessors"] == [BODY, LABORATORY]
    assert problem(catalog.post(f"{path}/join", headers=second)) == (409, "already-assessor")
    recommend = {"recommendation": "grant", "reason": "Alt er oppfylt"}
    early = catalog.post(f"{path}/complete", json=recommend, headers=assessor)
    assert problem(early) == (422, "result-missing")
    assert [one["requirement"] for one in early.json()["errors"]] == ["VT1-01", "VT1-02", "VT1-03"]
    for requirement in ("VT1-01", "VT1-02"):
        assert put(catalog, path, requirement, assessor).status_code == 200
    partly = put(catalog, path, "VT1-03", second, outcome="partly", reason="Bare TLS 1.2")
    assert partly.json()["tester"] == LABORATORY
    unfounded = catalog.post(f"{path}/complete", json=recommend, headers=assessor)
    assert errors(unfounded) == {("recommendation-unfounded", "")}
    assert put(catalog, path, "VT1-03", assessor, tool="nmap", tool_version="7.9").status_code == 200
    both = catalog.get(f"{path}/results/VT1-03", headers=assessor).json()["items"]
    assert [one["outcome"] for one in both] == ["met", "partly"], "the newest counts; nothing is overwritten"
    done = catalog.post(f"{path}/complete", json=recommend, headers=assessor)
    assert (done.json()["state"], done.json()["recommendation"]) == ("completed", "grant")
    assert state_of_application(catalog, assessor) == "recommended"
    assert problem(put(catalog, path, "VT1-01", assessor)) == (409, "assessment-closed")
    with database.reading() as session:
        application = applications.by_uuid(session, seed_id(TO_ASSESS))
        assert assessments.assessors(session, application.id) == {(BODY, "vurderer"), (LABORATORY, "lab")}
        found = {one.requirement_id: one for one in assessments.results(session, application.id)}
        assert len(found) == 3
        assert {one.tool for one in found.values()} == {None, "nmap"}
    mine = issuer.bearer(BODY, "certification.decide", client="vurderer")
    assert problem(catalog.post(f"{path}/return", json={"reason": "a"}, headers=mine)) == (403, "assessor-returns")
    returned = catalog.post(f"{path}/return", json={"reason": "Begrunn VT1-03"}, headers=decider)
    assert returned.json()["state"] == "returned"
    assert state_of_application(catalog, assessor) == "under_assessment"
    assert problem(put(catalog, path, "VT1-01", assessor)) == (409, "assessment-closed")
    assert catalog.post(f"{path}/resume", headers=assessor).json()["state"] == "open"
    assert put(catalog, path, "VT1-03", assessor).status_code == 200
    with database.reading() as session:
        assert assessments.results(session, application.id) == [], "there is no recommendation now"


def test_whoever_has_an_interest_does_not_assess(catalog: TestClient, issuer: Issuer) -> None:
    for organisation in (NORDLYS, EDITOR):  # the supplier, and the component's owner
        headers = issuer.bearer(organisation, "certification.assess")
        assert problem(begin(catalog, headers)) == (403, "applicant-interested")
    owner = issuer.bearer(EDITOR, "certification.assess", "certification.decide")
    path = seeded("assessed")
    for method, rest, body in (
        ("POST", "/join", None),
        ("PUT", "/results/VT1-01", MET),
        ("POST", "/adopt-reports", {}),
        ("POST", "/adopt-declaration", {}),
        ("POST", "/complete", {"recommendation": "refuse", "reason": "a"}),
        ("POST", "/return", {"reason": "a"}),
        ("POST", "/resume", None),
    ):
        answer = catalog.request(method, path + rest, json=body, headers=owner)
        assert problem(answer) == (403, "applicant-interested"), rest


def test_only_its_parties_see_an_assessment(catalog: TestClient, assessor: dict[str, str], issuer: Issuer) -> None:
    applicant = issuer.bearer(FJORDVAKT, "certification.apply")
    rival = issuer.bearer(HAVORN, "certification.apply")
    path = seeded("assessed")
    assert catalog.get(path, headers=applicant).json()["state"] == "open"
    assert catalog.get(path, headers=assessor).json()["state"] == "open"
    assert problem(catalog.get(path, headers=rival)) == (404, "assessment-not-found")
    assert problem(catalog.get(f"{path}/results/VT1-01", headers=rival)) == (404, "assessment-not-found")
    assert problem(catalog.get(path)) == (401, "token-missing")
    mine = catalog.get(PATH, headers=rival).json()["items"]
    assert mine
    assert str(seed_id(ASSESSED)) not in {one["id"] for one in mine}
    every = catalog.get(PATH, headers=assessor).json()["items"]
    assert len(every) > len(mine)


def test_a_change_can_presuppose_what_was_read(catalog: TestClient, assessor: dict[str, str]) -> None:
    path = seeded("assessed")
    read = catalog.get(path, headers=assessor).headers["ETag"]
    assert put(catalog, path, "VT1-01", assessor | {"If-Match": read}).status_code == 200
    assert put(catalog, path, "VT1-02", assessor | {"If-Match": read}).status_code == 412
    assert catalog.get(path, headers=assessor).headers["ETag"] != read


def test_a_withdrawn_application_ends_its_assessment(
    catalog: TestClient, assessor: dict[str, str], issuer: Issuer
) -> None:
    applicant = issuer.bearer(FJORDVAKT, "certification.apply")
    application = f"/certification-applications/{seed_id('certification-application:assessed')}"
    gone = catalog.post(f"{application}/withdraw", json={"reason": "Vi venter"}, headers=applicant)
    assert gone.status_code == 200, gone.text
    assert catalog.get(seeded("assessed"), headers=assessor).json()["state"] == "cancelled"
    assert problem(put(catalog, seeded("assessed"), "VT1-01", assessor)) == (409, "assessment-closed")


# ---- Results


def test_everything_that_is_wrong_with_a_result_is_told(catalog: TestClient, assessor: dict[str, str]) -> None:
    tomorrow = str(clock.today() + timedelta(days=1))
    path = seeded("assessed")
    other = str(uuid4())
    answer = put(
        catalog,
        path,
        "VT1-01",
        assessor,
        outcome="partly",
        tested_on=tomorrow,
        evidence=[
            EVIDENCE | {"dated_on": tomorrow},
            {"description": "Uten hash", "dated_on": "2026-11-01"},
            {"description": "Ukjent", "dated_on": "2026-11-01", "file": other},
        ],
    )
    assert errors(answer) == {
        ("result-reason-missing", "#/reason"),
        ("evidence-from-future", "#/tested_on"),
        ("evidence-from-future", "#/evidence/0/dated_on"),
        ("evidence-hash-missing", "#/evidence/1/sha256"),
        ("evidence-file-unknown", "#/evidence/2/file"),
    }
    bare = catalog.put(f"{path}/results/VT1-01", json={"outcome": "met"}, headers=assessor)
    assert errors(bare) == {("result-evidence-missing", "#/evidence"), ("tested-on-missing", "#/tested_on")}
    untested = {"outcome": "not_relevant", "tested_on": "2026-11-01"}
    answer = catalog.put(f"{path}/results/VT1-01", json=untested, headers=assessor)
    assert errors(answer) == {("result-reason-missing", "#/reason"), ("tested-on-misplaced", "#/tested_on")}
    assert problem(put(catalog, path, "VT1-03", assessor)) == (404, "requirement-not-held"), "it is not in the profile"


def test_evidence_is_a_file_of_one_of_the_parties(
    catalog: TestClient, assessor: dict[str, str], issuer: Issuer
) -> None:
    def uploaded(organisation: str, scope: str) -> tuple[dict[str, Any], dict[str, str]]:
        headers = issuer.bearer(organisation, scope)
        sent = headers | {"Content-Type": "text/plain"}
        query = {"title": "Logg", "file_name": "logg.txt"}
        made = catalog.post("/evidence-files", content=organisation.encode(), params=query, headers=sent)
        return made.json(), headers

    def piece(file: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {"description": "Logg", "dated_on": "2026-11-02", "file": file["id"]} | more

    path = seeded("assessed")
    own, _ = uploaded(BODY, "certification.assess")
    written = put(catalog, path, "VT1-01", assessor, evidence=[piece(own)])
    assert written.json()["evidence"][0]["sha256"] == own["sha256"], "the hash is the catalogue's own"
    applicant = issuer.bearer(FJORDVAKT, "certification.apply")
    assert catalog.get(f"/evidence-files/{own['id']}/content", headers=applicant).text == BODY
    theirs, headers = uploaded(FJORDVAKT, "certification.apply")
    assert put(catalog, path, "VT1-01", assessor, evidence=[piece(theirs)]).status_code == 200
    rival, _ = uploaded(HAVORN, "certification.apply")
    answer = put(catalog, path, "VT1-01", assessor, evidence=[piece(rival)])
    assert errors(answer) == {("evidence-file-of-another", "#/evidence/0/file")}
    answer = put(catalog, path, "VT1-01", assessor, evidence=[piece(theirs, sha256="cd" * 32)])
    assert errors(answer) == {("evidence-hash-differs", "#/evidence/0/sha256")}
    catalog.post(f"/evidence-files/{theirs['id']}/withdraw", json={"reason": "Feil"}, headers=headers)
    answer = put(catalog, path, "VT1-01", assessor, evidence=[piece(theirs)])
    assert errors(answer) == {("evidence-file-withdrawn", "#/evidence/0/file")}


# ---- Taking over


def test_what_reports_and_declarations_say_is_taken_over(
    catalog: TestClient, assessor: dict[str, str], issuer: Issuer
) -> None:
    path = seeded("assessed")
    first = catalog.post(f"{path}/adopt-reports", json={}, headers=assessor).json()
    assert {one["requirement"]: one["outcome"] for one in first["adopted"]} == {"VT1-01": "met", "VT1-02": "met"}
    assert {one["assurance"] for one in first["adopted"]} == {"third_party"}
    assert {one["source_path"] for one in first["adopted"]} == {f"/test-reports/{seed_id('test-report:met')}"}
    assert first["skipped"] == [{"requirement": "VT1-04", "why": "awaiting_approval"}]
    again = catalog.post(f"{path}/adopt-reports", json={}, headers=assessor).json()
    assert again["adopted"] == []
    assert {one["why"] for one in again["skipped"]} == {"taken_already", "awaiting_approval"}
    declared = catalog.post(f"{path}/adopt-declaration", json={}, headers=assessor).json()
    (partly,) = declared["adopted"]
    assert (partly["requirement"], partly["outcome"], partly["assurance"]) == ("VT1-04", "partly", "self_declared")
    assert {one["why"] for one in declared["skipped"]} == {"has_result"}
    file = partly["evidence"][0]["file"]
    applicant = issuer.bearer(FJORDVAKT, "certification.apply")
    kept = catalog.get(f"/evidence-files/{file}/content", headers=applicant).json()
    assert kept["answers"][0] == {
        "requirement": "VT1-04",
        "answer": "partly",
        "comment": "Inntil et døgn tilbake (fiktivt)",
    }
    failed = f"/test-reports/{seed_id('test-report:failed')}"
    assert catalog.post(f"{failed}/approve", json={"reason": "Gjenskapt"}, headers=assessor).status_code == 200
    last = catalog.post(f"{path}/adopt-reports", json={"requirements": ["VT1-04"]}, headers=assessor).json()
    assert last["adopted"][0]["outcome"] == "not_met", "a test counts more than the supplier's word"
    shown = {one["requirement"]: one["result"] for one in catalog.get(path, headers=assessor).json()["requirements"]}
    assert (shown["VT1-01"]["assurance"], shown["VT1-04"]["source"]) == ("third_party", "test_report")


def test_a_revoked_tester_is_not_believed(
    catalog: TestClient, assessor: dict[str, str], decider: dict[str, str]
) -> None:
    tester = f"/testers/{seed_id('tester:laboratory')}"
    assert catalog.post(f"{tester}/revoke", json={"reason": "På avveie"}, headers=decider).status_code == 200
    found = catalog.post(f"{seeded('assessed')}/adopt-reports", json={}, headers=assessor).json()
    assert found["adopted"] == []
    assert {one["why"] for one in found["skipped"]} == {"no_report"}


def test_of_a_firm_there_are_no_reports(catalog: TestClient, assessor: dict[str, str]) -> None:
    made = begin(catalog, assessor, "certification-application:adviser")
    path = made.headers["Location"]
    for what in ("adopt-reports", "adopt-declaration"):
        assert problem(catalog.post(f"{path}/{what}", json={}, headers=assessor)) == (409, "no-product")


# ---- Across certificates


def test_all_certificates_of_a_requirement_are_listed(catalog: TestClient) -> None:
    query = {"specification": "velferdsteknologi-trygghetstjeneste", "requirement": "VT2-01"}
    every = walk(catalog, "/certification-results", **query)
    assert len(every) >= 3
    assert {one["requirement"] for one in every} == {"VT2-01"}
    assert [one["certificate"] for one in every] == sorted(one["certificate"] for one in every)
    assert {one["status"] for one in every} > {"valid"}, "also those that are not valid any longer"
    assert walk(catalog, "/certification-results", limit=1, **query) == every
    self_declared = walk(catalog, "/certification-results", assurance="self_declared", **query)
    assert all(one["assurance"] == "self_declared" for one in self_declared)
    table = catalog.get("/certification-results", params=query | {"format": "csv", "limit": 2})
    assert table.headers["content-type"].startswith("text/csv")
    assert "format=csv" in table.headers["Link"]
    rows = list(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig")), delimiter=";"))
    assert [one["certificate"] for one in rows] == [one["certificate"] for one in every[:2]]
    assert rows[0]["evidence_sha256"] == every[0]["evidence"][0]["sha256"]
    unknown = catalog.get("/certification-results", params={"specification": "finnes-ikke"})
    assert problem(unknown) == (404, "specification-not-found")
