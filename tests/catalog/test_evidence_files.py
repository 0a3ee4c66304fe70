"""Evidence files: looked through before they are kept, seen by their parties, and never quite gone."""

import hashlib
import json
import subprocess
import sys
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from services.catalog.certificates import store as certificates
from services.catalog.certificates.rules import Assurance, Outcome
from services.catalog.evidence_files import rules
from services.catalog.evidence_files import store as evidence_files
from services.catalog.evidence_files.rules import View
from services.catalog.organisations import store as organisations
from services.chassis import clock
from services.chassis.db import PROJECT, Database
from services.chassis.foreign_files import examination, reading
from services.chassis.foreign_files.bounds import Format
from services.chassis.values import seed_id
from tests.catalog import evidence
from tests.catalog.conftest import FJORDVAKT, HAVORN, problem, walk
from tests.conftest import state
from tests.issuer import Issuer

BODY, LABORATORY = "100000040", "100000059"
MOST_KILOBYTES = 64 * 1024
"""Of what unpacks to two or three times as much; the kernel would end it at 512 MB."""


@pytest.fixture(scope="module")
def catalog(shared_catalog: TestClient) -> TestClient:
    """One for the module: each test has files of its own."""
    return shared_catalog


@pytest.fixture(scope="module")
def database(shared_catalog: TestClient) -> Database:
    found: Database = state(shared_catalog).database
    return found


@pytest.fixture
def fjordvakt(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(FJORDVAKT, "certification.apply")


@pytest.fixture
def assessor(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(LABORATORY, "certification.assess")


def upload(catalog: TestClient, headers: dict[str, str], content: bytes, media_type: str, **query: Any) -> Any:
    named = {"title": "Prøve", "file_name": "prøve.bin"} | query
    return catalog.post(
        "/evidence-files", content=content, params=named, headers=headers | {"Content-Type": media_type}
    )


# ---- Looking through; the process that does it is asked directly, and once through the door


@pytest.mark.parametrize(("media_type", "content"), **evidence.cases(evidence.GOOD))
def test_what_is_what_it_says_is_taken(media_type: str, content: bytes) -> None:
    assert reading.examine(content, rules.MEDIA_TYPES[media_type]) == []


@pytest.mark.parametrize("name", evidence.BOMBS)
def test_what_would_harm_is_refused(name: str) -> None:
    media_type, content = evidence.bomb(name)
    assert [one.unsafe for one in reading.examine(content, rules.MEDIA_TYPES[media_type])] == [True]


@pytest.mark.parametrize(("media_type", "content"), **evidence.cases(evidence.OTHERS))
def test_what_is_something_else_is_refused(media_type: str, content: bytes) -> None:
    assert [one.unsafe for one in reading.examine(content, rules.MEDIA_TYPES[media_type])] == [False]


MEASURE = """
import resource, subprocess, sys
content = sys.stdin.buffer.read()
done = subprocess.run([sys.executable, "-m", "services.chassis.foreign_files.reading", sys.argv[1], "10"],
                      input=content, capture_output=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(done.returncode, used.ru_maxrss, done.stdout.decode())
"""


@pytest.mark.parametrize(
    "name", ["a ZIP of zeros", "a ZIP of many zeros", "a PDF of zeros", "JSON of many values", "XML of laughs"]
)
def test_a_bomb_takes_little_memory(name: str) -> None:
    """The most that the process ever held, as the kernel counts it."""
    media_type, content = evidence.bomb(name)
    measured = subprocess.run(
        [sys.executable, "-c", MEASURE, rules.MEDIA_TYPES[media_type]],
        input=content,
        capture_output=True,
        cwd=PROJECT,
        check=True,
    )
    code, kilobytes, told = measured.stdout.decode().split(" ", 2)
    assert code == "0", measured.stderr
    assert json.loads(told)[0]["unsafe"]
    assert int(kilobytes) < MOST_KILOBYTES


def test_the_kernel_ends_what_would_take_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """A PDF that begins two million streams is looked at for as long as it may be, and no longer."""
    monkeypatch.setattr(examination, "CPU_SECONDS", 1)
    streams = evidence.pdf(b"stream\n\x78\x9c" * 2_000_000)
    with pytest.raises(examination.TooCostly):
        examination.examine(streams, Format.PDF)


def test_a_bomb_does_not_come_through_the_door(shared_catalog: TestClient, issuer: Issuer) -> None:
    headers = issuer.bearer(FJORDVAKT, "certification.apply")
    media_type, content = evidence.bomb("a ZIP of zeros")
    answer = upload(shared_catalog, headers, content, media_type)
    assert problem(answer) == (422, "evidence-unsafe")
    assert "200 times" in answer.json()["detail"]


# ---- Keeping


def test_a_file_comes_back_byte_for_byte(catalog: TestClient, fjordvakt: dict[str, str]) -> None:
    content = evidence.workbook()
    made = upload(catalog, fjordvakt, content, evidence.XLSX, file_name="krav æ.xlsx")
    assert made.status_code == 201, made.text
    assert made.json()["sha256"] == hashlib.sha256(content).hexdigest()
    assert made.json()["size"] == len(content)
    got = catalog.get(made.headers["Location"] + "/content", headers=fjordvakt)
    assert got.content == content
    assert got.headers["content-type"] == evidence.XLSX
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert got.headers["Content-Disposition"] == "attachment; filename*=UTF-8''krav%20%C3%A6.xlsx"
    assert got.headers["Cache-Control"] == "private, no-store"


def test_a_form_is_as_good_as_a_body(catalog: TestClient, fjordvakt: dict[str, str]) -> None:
    form = {"file": ("logg.txt", b"Alt er bra\n", "text/plain; charset=utf-8")}
    made = catalog.post("/evidence-files", files=form, params={"title": "Logg"}, headers=fjordvakt)
    assert made.status_code == 201, made.text
    assert (made.json()["file_name"], made.json()["media_type"]) == ("logg.txt", "text/plain")
    again = upload(catalog, fjordvakt, b"Alt er bra\n", "text/plain")
    assert again.json()["sha256"] == made.json()["sha256"], "the same content is the same hash"
    assert again.json()["id"] != made.json()["id"]
    same = walk_as(catalog, fjordvakt, sha256=made.json()["sha256"])
    assert {one["id"] for one in same} == {made.json()["id"], again.json()["id"]}


def test_a_form_without_a_file_is_refused(shared_catalog: TestClient, issuer: Issuer) -> None:
    headers = issuer.bearer(FJORDVAKT, "certification.apply")
    answer = shared_catalog.post("/evidence-files", files={"annet": b"a"}, params={"title": "a"}, headers=headers)
    assert problem(answer) == (422, "evidence-missing")


def walk_as(catalog: TestClient, headers: dict[str, str], **query: Any) -> list[dict[str, Any]]:
    answer = catalog.get("/evidence-files", params={"limit": "200"} | query, headers=headers)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


# ---- Seeing


def test_only_its_parties_know_of_a_file(
    catalog: TestClient, fjordvakt: dict[str, str], assessor: dict[str, str], issuer: Issuer
) -> None:
    path = upload(catalog, fjordvakt, b"Logg", "text/plain").headers["Location"]
    for headers in (fjordvakt, assessor, issuer.bearer(BODY, "certification.decide")):
        assert catalog.get(path, headers=headers).json()["title"] == {"nb": "Prøve"}
        assert catalog.get(path + "/content", headers=headers).content == b"Logg"
        assert path.rpartition("/")[2] in {one["id"] for one in walk_as(catalog, headers)}
    for headers in ({}, issuer.bearer(HAVORN, "certification.apply"), issuer.bearer(LABORATORY, "catalog.write")):
        assert problem(catalog.get(path, headers=headers)) == (404, "evidence-file-not-found")
        assert problem(catalog.get(path + "/content", headers=headers)) == (404, "evidence-file-not-found")
        assert path.rpartition("/")[2] not in {one["id"] for one in walk_as(catalog, headers)}


def test_whoever_is_given_a_file_reads_it(
    catalog: TestClient, database: Database, fjordvakt: dict[str, str], issuer: Issuer
) -> None:
    path = upload(catalog, fjordvakt, b"Logg", "text/plain").headers["Location"]
    with database.writing() as session:
        file = evidence_files.by_uuid(session, UUID(path.rpartition("/")[2]))
        havorn = organisations.by_organisation_number(session, HAVORN)
        assert havorn
        evidence_files.share(session, [file.id], [havorn])
        evidence_files.share(session, [file.id], [havorn])
    assert catalog.get(path + "/content", headers=issuer.bearer(HAVORN, "certification.apply")).content == b"Logg"


def test_a_file_that_a_certificate_rests_on_shows_its_hash_to_all(
    catalog: TestClient, database: Database, fjordvakt: dict[str, str]
) -> None:
    made = upload(catalog, fjordvakt, b"Logg", "text/plain").json()
    rest_on(database, made["id"], made["sha256"])
    shown = catalog.get(f"/evidence-files/{made['id']}").json()
    assert (shown["sha256"], shown["size"], shown["media_type"]) == (made["sha256"], 4, "text/plain")
    assert (shown["title"], shown["file_name"]) == (None, None)
    assert made["id"] in {one["id"] for one in walk(catalog, "/evidence-files")}
    assert problem(catalog.get(f"/evidence-files/{made['id']}/content")) == (403, "content-not-open")


def rest_on(database: Database, file: str, sha256: str) -> None:
    """A certificate's later result refers to a file."""
    with database.writing() as session:
        certificate = certificates.by_number(session, "SV-2026-000001")
        known = certificates.results(session, certificate.id, clock.now())[0]
        piece = {"description": "Logg", "sha256": sha256, "dated_on": "2026-11-01", "file": file}
        certificates.add_results(
            session,
            certificate.id,
            [
                certificates.Result(
                    certificate_id=0,
                    requirement_id=known.requirement_id,
                    outcome=Outcome.MET,
                    evidence=[piece],
                    assurance=Assurance.THIRD_PARTY,
                    recorded_at=clock.now(),
                )
            ],
            clock.now(),
        )


@pytest.mark.parametrize("body", [True, False])
@pytest.mark.parametrize("party", [True, False])
@pytest.mark.parametrize("certified", [True, False])
@pytest.mark.parametrize("withdrawn", [True, False])
def test_who_sees_how_much(body: bool, party: bool, certified: bool, withdrawn: bool) -> None:
    view = rules.view(body=body, party=party, certified=certified)
    assert (view is View.EVERYTHING) == (body or party)
    assert (view is View.NOTHING) == (not body and not party and not certified)
    assert rules.may_open(view, body=body, withdrawn=withdrawn) == (body or (party and not withdrawn))


# ---- Withdrawing


def test_a_withdrawn_file_stays_known_and_shows_nothing(
    catalog: TestClient, database: Database, fjordvakt: dict[str, str], assessor: dict[str, str]
) -> None:
    made = upload(catalog, fjordvakt, b"Logg", "text/plain").json()
    path = f"/evidence-files/{made['id']}"
    rest_on(database, made["id"], made["sha256"])
    assert problem(catalog.post(path + "/withdraw", json={"reason": "a"}, headers=assessor)) == (
        403,
        "not-your-evidence",
    )
    gone = catalog.post(path + "/withdraw", json={"reason": "Feil fil"}, headers=fjordvakt)
    assert gone.json()["withdrawn_reason"] == "Feil fil"
    again = catalog.post(path + "/withdraw", json={"reason": "Feil fil"}, headers=fjordvakt)
    assert problem(again) == (409, "evidence-already-withdrawn")
    assert problem(catalog.get(path + "/content", headers=fjordvakt)) == (403, "content-not-open")
    assert catalog.get(path + "/content", headers=assessor).content == b"Logg", "a decision must be explained"
    shown = catalog.get(path).json()
    assert shown["sha256"] == made["sha256"]
    assert shown["withdrawn_at"]
    assert shown["withdrawn_reason"] is None
    with database.reading() as session:
        number = (
            session.connection()
            .exec_driver_sql("SELECT id FROM certificate WHERE number = 'SV-2026-000001'")
            .scalar_one()
        )
        (removed,) = evidence_files.removed_after(session, [number])
        assert (str(removed.file), removed.sha256) == (made["id"], made["sha256"])
        assert removed.withdrawn_at > removed.granted_at


def test_the_seed_has_files_to_show(shared_catalog: TestClient, issuer: Issuer) -> None:
    headers = issuer.bearer(FJORDVAKT, "certification.apply")
    known = {one["id"] for one in walk_as(shared_catalog, headers)}
    assert {str(seed_id(f"evidence-file:{name}")) for name in ("report", "spare")} <= known
