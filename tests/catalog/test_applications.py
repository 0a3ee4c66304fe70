"""An application is its applicant's until it is submitted, frozen from then on, and always says whose turn it is."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from services.catalog.applications import rules
from services.catalog.applications.rules import EventKind, Status
from services.catalog.schemes import rules as schemes
from services.chassis import audit, clock
from services.chassis.db import Database
from services.chassis.values import seed_id
from tests.catalog.certification import (
    ADVISER,
    APPLICATIONS,
    BODY,
    FJORDVAKT,
    HAVORN,
    JOINT_UNIT,
    LAB,
    NORDLYS,
    SPECIFICATION,
    Certification,
)
from tests.catalog.conftest import errors, problem
from tests.issuer import Issuer

ALARM = {"product": "havorn-tilsyn", "delivery_forms": ["saas"], "profile": "mottak"}


def seeded(name: str) -> str:
    """The path of an application in the seed data."""
    return f"{APPLICATIONS}/{seed_id(f'certification-application:{name}')}"


@pytest.fixture
def way(catalog: TestClient, issuer: Issuer) -> Certification:
    return Certification(catalog, issuer)


def read(catalog: TestClient, path: str, headers: dict[str, str]) -> Any:
    answer = catalog.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_an_application_says_whose_turn_it_is_and_by_when(
    catalog: TestClient, way: Certification, database: Database
) -> None:
    drafted = way.draft(HAVORN, **ALARM)
    assert drafted.status_code == 201
    path, shown = drafted.headers["Location"], drafted.json()
    assert (shown["status"], shown["turn"], shown["next_step"]) == ("draft", "applicant", "submit")
    assert (shown["due_on"], shown["requirements"], shown["events"]) == (None, [], [])
    assert shown["applicant"]["organisation_number"] == HAVORN

    shown = way.submit(HAVORN, path).json()
    assert (shown["status"], shown["turn"], shown["next_step"]) == ("submitted", "assessor", "begin-assessment")
    scheme = catalog.get("/certification-schemes/product").json()
    days = schemes.after_working_days
    assert shown["due_on"] == str(days(clock.today(), scheme["completeness_days"]))
    assert [one["requirement"] for one in shown["requirements"]] == ["VT1-01", "VT1-02", "VT1-04"]

    ask = {"reason": "Hvilken versjon?"}
    asked = catalog.post(f"{path}/request-information", json=ask, headers=way.assessor)
    shown = asked.json()
    assert (shown["status"], shown["turn"], shown["reason"]) == ("information_missing", "applicant", "Hvilken versjon?")
    assert shown["due_on"] == str(days(clock.today(), scheme["information_days"]))

    assert problem(way.submit(HAVORN, path)) == (422, "answer-missing")
    shown = way.submit(HAVORN, path, answer="Alle").json()
    assert (shown["status"], shown["reason"]) == ("submitted", "Alle")
    assert [one["kind"] for one in shown["events"]] == ["submitted", "information_requested", "submitted"]
    with database.reading() as reader:
        assert [row[1].rpartition(".")[2] for row in audit.of(reader, path)] == [
            "draft",
            "submit",
            "request-information",
            "submit",
        ]


def test_its_links_lead_on_to_what_became_of_it(catalog: TestClient, way: Certification) -> None:
    path = way.recommended(product="havorn-tilsyn", profile="mottak")
    shown = read(catalog, path, way.decider)
    assert (shown["status"], shown["turn"], shown["next_step"]) == ("recommended", "decision_maker", "decide")
    assert shown["assessment"]
    assert (shown["decision"], shown["certificate"]) == (None, None), "a passed test is no certificate"
    made = way.decide(path)
    assert made.status_code == 201, made.text
    shown = read(catalog, path, way.applicant(HAVORN))
    assert (shown["status"], shown["turn"], shown["next_step"], shown["due_on"]) == ("decided", None, None, None)
    assert read(catalog, shown["assessment"], way.assessor)["state"] == "completed"
    assert read(catalog, shown["decision"], {})["id"] == made.json()["id"]
    assert read(catalog, shown["certificate"], {})["number"] == made.json()["certificate"]


def test_the_feed_tells_the_applicant_and_nobody_else(catalog: TestClient, way: Certification, issuer: Issuer) -> None:
    path = way.submitted(HAVORN, **ALARM)

    def told(headers: dict[str, str]) -> list[str]:
        page = catalog.get("/events", params={"limit": 200}, headers=headers).json()
        return [one["type"] for one in page["items"] if one["subject"] == path]

    assert told(way.applicant(HAVORN)) == ["certification-application.drafted", "certification-application.submitted"]
    assert told({}) == told(way.applicant(NORDLYS)) == []


# ---- Who sees it


def test_a_draft_is_seen_by_its_applicant_only(catalog: TestClient, way: Certification, issuer: Issuer) -> None:
    path = way.draft(HAVORN, **ALARM).headers["Location"]
    others = (way.applicant(NORDLYS), way.assessor, way.decider)
    assert {problem(catalog.get(path, headers=one)) for one in others} == {(404, "application-not-found")}
    assert way.submit(HAVORN, path).status_code == 200
    assert {catalog.get(path, headers=one).status_code for one in (way.assessor, way.decider)} == {200}
    assert problem(catalog.get(path, headers=way.applicant(NORDLYS))) == (404, "application-not-found")
    assert problem(catalog.get(path)) == (401, "token-missing")
    for step in ("submit", "withdraw"):
        answer = catalog.post(f"{path}/{step}", json={}, headers=way.applicant(NORDLYS))
        assert problem(answer) == (404, "application-not-found")
    patch = {"Content-Type": "application/merge-patch+json", "If-Match": '"1"'}
    answer = catalog.patch(path, content=b"{}", headers=way.applicant(NORDLYS) | patch)
    assert problem(answer) == (404, "application-not-found")


def test_the_list_holds_what_one_may_see(catalog: TestClient, way: Certification) -> None:
    def listed(headers: dict[str, str], **query: Any) -> set[str]:
        answer: list[dict[str, Any]] = []
        after: dict[str, str] = {}
        while True:
            page = catalog.get(APPLICATIONS, params={"limit": 2} | query | after, headers=headers)
            assert page.status_code == 200, page.text
            answer += page.json()["items"]
            if page.json()["next"] is None:
                return {one["id"] for one in answer}
            after = {"after": page.json()["next"]}

    names = {
        str(seed_id(f"certification-application:{name}")): name
        for name in ("draft", "submitted", "information-missing", "decided", "adviser")
    }
    seen = {names[one] for one in listed(way.assessor) if one in names}
    assert seen == set(names.values()) - {"draft"}
    assert {names[one] for one in listed(way.applicant(NORDLYS)) if one in names} == {"submitted", "decided"}
    assert {names[one] for one in listed(way.applicant(FJORDVAKT)) if one in names} == {"draft"}
    assert {names[one] for one in listed(way.assessor, status="information_missing") if one in names} == {
        "information-missing"
    }
    waiting = listed(way.decider, turn="assessor")
    assert {names[one] for one in waiting if one in names} == {"submitted", "adviser"}
    assert listed(way.decider, turn="applicant", status="submitted") == set()
    assert {names[one] for one in listed(way.assessor, subject_kind="adviser")} == {"adviser"}


# ---- What is frozen


def test_what_is_submitted_no_longer_changes(catalog: TestClient, way: Certification) -> None:
    drafted = way.draft(HAVORN, **ALARM | {"product": "havorn-alarm"})
    path = drafted.headers["Location"]
    headers = way.applicant(HAVORN) | {"Content-Type": "application/merge-patch+json"}
    changed = catalog.patch(
        path,
        content=b'{"profile": null, "versions": {"from": "1.4"}, "note": "Ny"}',
        headers=headers | {"If-Match": drafted.headers["ETag"]},
    )
    assert changed.status_code == 200, changed.text
    assert (changed.json()["profile"], changed.json()["note"]) == (None, "Ny")
    assert changed.json()["versions"] == {"from": "1.4", "to": None}
    stale = catalog.patch(path, content=b'{"note": "Gammel"}', headers=headers | {"If-Match": drafted.headers["ETag"]})
    assert problem(stale) == (412, "stale")
    back = catalog.patch(path, content=b'{"versions": "all"}', headers=headers | {"If-Match": changed.headers["ETag"]})
    assert back.json()["versions"] == "all"
    sent = way.submit(HAVORN, path)
    assert sent.status_code == 200, sent.text
    late = catalog.patch(path, content=b'{"note": "Sen"}', headers=headers | {"If-Match": sent.headers["ETag"]})
    assert problem(late) == (409, "application-submitted")


def test_later_versions_of_the_specification_change_nothing(
    catalog: TestClient, way: Certification, editor: dict[str, str]
) -> None:
    path = way.submitted(HAVORN, product="havorn-alarm", delivery_forms=["saas"], profile="mottak")
    before = read(catalog, path, way.assessor)["requirements"]
    versions = f"/specifications/{SPECIFICATION}/versions"
    assert catalog.post(versions, json={"version": "2.0", "copy_from": "1.0"}, headers=editor).status_code == 201
    profiles = catalog.get(f"{versions}/2.0/profiles").json()["items"]
    assert [one["slug"] for one in profiles] == ["mottak"], "a new version begins with the profiles of the old one"
    profile = {"name": {"nb": "Mottak"}, "requirements": ["VT1-03"]}
    read_now = {"If-Match": catalog.get(f"{versions}/2.0").headers["ETag"]}
    put = catalog.put(f"{versions}/2.0/profiles/mottak", json=profile, headers=editor | read_now)
    assert put.status_code == 200, put.text
    assert catalog.post(f"{versions}/2.0/publish", json={}, headers=editor).status_code == 200
    assert catalog.post(f"{versions}/1.0/end", json={"reason": "Ny versjon"}, headers=editor).status_code == 200
    assert read(catalog, path, way.assessor)["requirements"] == before
    ask = {"reason": "Hva?"}
    assert catalog.post(f"{path}/request-information", json=ask, headers=way.assessor).status_code == 200
    again = way.submit(HAVORN, path, answer="Dette")
    assert problem(again) == (422, "specification-not-in-force"), "it has ended meanwhile"
    assert read(catalog, path, way.assessor)["requirements"] == before


@pytest.mark.parametrize("table", ["application_event", "application_requirement"])
def test_the_database_itself_keeps_what_happened(catalog: TestClient, url: str, table: str) -> None:
    with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.RaiseException, match="never changed"):
        connection.execute(f"DELETE FROM {table}")


def test_the_kept_status_is_what_the_events_say(catalog: TestClient, url: str) -> None:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT a.status, array_remove(array_agg(e.kind ORDER BY e.id), NULL) FROM application a "
            "LEFT JOIN application_event e ON e.application_id = a.id GROUP BY a.id"
        ).fetchall()
    assert len(rows) >= 8
    for status, kinds in rows:
        assert rules.status_after([EventKind(kind) for kind in kinds]) is Status(status)


# ---- What is refused


def test_only_its_supplier_applies_for_a_product(way: Certification) -> None:
    assert problem(way.draft(NORDLYS, **ALARM)) == (403, "not-your-product")
    assert problem(way.draft("999999999", **ALARM)) == (403, "not-registered")
    firm = {"specification": "leverandor-av-velferdsteknologi", "subject_kind": "supplier"}
    assert problem(way.draft(BODY, **firm)) == (403, "applicant-not-supplier")


def test_a_firm_applies_for_itself(way: Certification) -> None:
    adviser = {"subject_kind": "adviser", "specification": "radgiver-innforing", "role": "gevinstarbeid"}
    answer = way.draft(ADVISER, **adviser)
    assert answer.status_code == 201, answer.text
    shown = way.submit(ADVISER, answer.headers["Location"]).json()
    assert (shown["subject_kind"], shown["role"], shown["product"]) == ("adviser", "gevinstarbeid", None)
    assert [one["requirement"] for one in shown["requirements"]][:2] == ["RAD-01", "RAD-02"]
    wrong = way.draft(ADVISER, **adviser | {"specification": SPECIFICATION})
    assert problem(wrong) == (422, "specification-of-another-kind")


def test_everything_that_is_wrong_is_told_at_once(way: Certification) -> None:
    path = way.draft(HAVORN, **ALARM | {"delivery_forms": ["on_premises"], "versions": ["9.9"]}).headers["Location"]
    answer = way.submit(HAVORN, path)
    assert errors(answer) == {
        ("delivery-form-not-offered", "#/delivery_forms/0"),
        ("product-version-unknown", "#/versions/0"),
    }


def test_of_two_that_are_alike_one_is_refused(way: Certification) -> None:
    first = way.submitted(HAVORN, **ALARM)
    second = way.draft(HAVORN, **ALARM).headers["Location"]
    answer = way.submit(HAVORN, second)
    assert problem(answer) == (409, "application-repeated")
    assert answer.json()["errors"][0]["application"] == first
    gone = way.catalog.post(f"{first}/withdraw", json={}, headers=way.applicant(HAVORN))
    assert gone.json()["status"] == "withdrawn"
    assert way.submit(HAVORN, second).status_code == 200


def test_of_several_that_are_alike_and_submitted_at_once_one_gets_through(way: Certification) -> None:
    paths = [way.draft(HAVORN, **ALARM).headers["Location"] for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda path: way.submit(HAVORN, path), paths))
    assert sorted(one.status_code for one in answers) == [200, 409, 409, 409]
    assert {problem(one)[1] for one in answers if one.status_code == 409} == {"application-repeated"}


def test_whoever_owns_the_component_does_not_ask_either(catalog: TestClient, issuer: Issuer) -> None:
    ask = {"reason": "Hva?"}
    owner = issuer.bearer(JOINT_UNIT, "certification.assess")
    answer = catalog.post(f"{seeded('submitted')}/request-information", json=ask, headers=owner)
    assert problem(answer) == (403, "applicant-interested")
    lab = issuer.bearer(LAB, "certification.assess")
    assert catalog.post(f"{seeded('submitted')}/request-information", json=ask, headers=lab).status_code == 200
    again = catalog.post(f"{seeded('submitted')}/request-information", json=ask, headers=lab)
    assert problem(again) == (409, "application-step-refused")
    assert again.json()["state"] == "information_missing"


def test_a_suspended_supplier_submits_nothing(catalog: TestClient, way: Certification) -> None:
    path = way.draft(HAVORN, **ALARM).headers["Location"]
    suspended = catalog.post(
        "/supplier-suspensions", json={"organisation_number": HAVORN, "reason": "Tilsyn"}, headers=way.decider
    )
    assert suspended.status_code == 201, suspended.text
    assert problem(way.submit(HAVORN, path)) == (409, "supplier-suspended")


def test_an_application_can_be_tried_first(way: Certification, catalog: TestClient) -> None:
    before = len(walk_own(catalog, way))
    answer = catalog.post(
        APPLICATIONS,
        json={"specification": SPECIFICATION, "specification_version": "1.0", **ALARM},
        params={"dry_run": "true"},
        headers=way.applicant(HAVORN),
    )
    assert (answer.status_code, answer.headers["Dry-Run"]) == (200, "true")
    assert len(walk_own(catalog, way)) == before


def walk_own(catalog: TestClient, way: Certification) -> list[dict[str, Any]]:
    return read(catalog, APPLICATIONS, way.applicant(HAVORN))["items"]  # type: ignore[no-any-return]  # JSON
