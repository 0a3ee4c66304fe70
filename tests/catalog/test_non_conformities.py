"""A non-conformity is put right by days that are kept, or the certificate is suspended until it is."""

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from services.catalog.corrections import store as corrections
from services.catalog.jobs import Overdue
from services.catalog.working_days import rules as working_days
from services.chassis import audit, clock, feed
from services.chassis.db import Database
from services.chassis.values import seed_id
from tests.catalog.conftest import FJORDVAKT, HAVORN, errors, problem, walk
from tests.issuer import Issuer

Headers = dict[str, str]
BODY, OWNER, NORDLYS = "100000040", "100000008", "100000024"
NUMBER = "SV-2026-000001"
NEW: dict[str, Any] = {
    "certificate": NUMBER,
    "requirements": ["VT2-01", "VT2-03"],
    "description": "To av ti varsler kom ikke fram",
    "severity": "major",
    "source": "surveillance",
    "determined_on": "2026-11-02",
    "sites_total": 10,
}
PLAN = {
    "explanation": "Feil i køen",
    "starts_on": "2099-01-02",
    "actions": [{"text": "Rette", "due_on": "2099-02-01"}, {"text": "Måle", "due_on": "2099-01-15"}],
}
DONE: dict[str, Any] = {
    "text": "Køen er rettet",
    "sites": {"passed": 10, "total": 10},
    "evidence": [{"description": "Rapport", "sha256": "5" * 64, "dated_on": "2026-11-20"}],
}
WHY = {"reason": "Vurdert"}


@pytest.fixture
def assessor(issuer: Issuer) -> Headers:
    return issuer.bearer(BODY, "certification.assess", client="assessor")


@pytest.fixture
def decider(issuer: Issuer) -> Headers:
    return issuer.bearer(BODY, "certification.decide", client="decider")


@pytest.fixture
def holder(issuer: Issuer) -> Headers:
    return issuer.bearer(FJORDVAKT, "certification.apply", client="supplier")


def opened(catalog: TestClient, by: Headers, **changed: Any) -> str:
    answer = catalog.post("/non-conformities", json=NEW | changed, headers=by)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"])


def take(catalog: TestClient, path: str, step: str, body: Mapping[str, Any], by: Headers) -> dict[str, Any]:
    answer = catalog.post(f"{path}/{step}", json=body, headers=by)
    assert answer.status_code == 200, answer.text
    taken: dict[str, Any] = answer.json()
    return taken


def certificate(catalog: TestClient, number: str = NUMBER) -> dict[str, Any]:
    found: dict[str, Any] = catalog.get(f"/certificates/{number}").json()
    return found


def noticed(database: Database, today: date) -> int:
    with database.writing() as session:
        return corrections.notice(session, datetime.combine(today, datetime.min.time(), UTC), today)


def test_from_what_was_found_to_what_was_put_right(
    catalog: TestClient, assessor: Headers, decider: Headers, holder: Headers, database: Database
) -> None:
    path = opened(catalog, assessor)
    assert certificate(catalog)["remarks"] == ["with_non_conformity"]
    asked = take(catalog, path, "request-plan", {"due_on": "2098-12-01"}, assessor)
    assert (asked["state"], asked["due_on"], asked["overdue"]) == ("plan_requested", "2098-12-01", False)
    assert take(catalog, path, "submit-plan", PLAN, holder)["plan"] == PLAN
    assert take(catalog, path, "return-plan", WHY | {"due_on": "2098-12-15"}, assessor)["state"] == "plan_returned"
    take(catalog, path, "submit-plan", PLAN, holder)
    approved = take(catalog, path, "approve-plan", {}, assessor)
    assert approved["due_on"] == "2099-02-01", "the last of what the plan does"
    assert take(catalog, path, "resolve", DONE, holder)["due_on"] is None, "it waits for the certification body"
    assert take(catalog, path, "reopen", WHY, assessor)["due_on"] == "2099-02-01"
    take(catalog, path, "resolve", DONE, holder)
    assert certificate(catalog)["remarks"] == ["with_non_conformity"]
    closed = take(catalog, path, "close", WHY, decider)
    today = str(clock.today())
    assert closed["dates"] == {
        "determined_on": "2026-11-02",
        "plan_approved_on": today,
        "started_on": "2099-01-02",
        "must_complete_on": "2099-02-01",
        "ended_on": today,
        "closed_on": today,
    }
    kinds = [one["kind"] for one in closed["events"]]
    plan = ["plan_submitted", "plan_returned", "plan_submitted", "plan_approved"]
    assert kinds == ["opened", "plan_requested", *plan, "resolved", "reopened", "resolved", "closed"]
    after = certificate(catalog)
    assert after["remarks"] == []
    assert [one["kind"] for one in after["events"]] == ["granted", "investigation_opened", "investigation_closed"]
    with database.reading() as reader:
        assert [one[1] for one in audit.of(reader, path)] == [f"non-conformity.{kind}" for kind in kinds]
    with database.writing() as session:
        told = [event for event in feed.after(session, 0, None, 500).items if event.subject == path]
    assert [event.type for event in told] == [f"non-conformity.{kind}" for kind in kinds]
    assert "varsler" not in str([event.data for event in told]), "what is wrong is not told to all"


def test_who_lets_a_day_pass_can_be_suspended_until_it_is_closed(
    catalog: TestClient, decider: Headers, holder: Headers, assessor: Headers
) -> None:
    path = f"/non-conformities/{seed_id('non-conformity:overdue')}"
    number = "SV-2026-000004"
    assert catalog.get(path).json()["overdue"]
    assert certificate(catalog, number)["status"] == "valid", "a failed test alone suspends nothing"
    escalated = take(catalog, path, "escalate", WHY, decider)
    assert (escalated["state"], escalated["escalated"]) == ("plan_requested", True)
    suspended = certificate(catalog, number)
    assert suspended["status"] == "suspended"
    ground = f"non-conformity:{seed_id('non-conformity:overdue')}"
    assert (suspended["events"][-1]["kind"], suspended["events"][-1]["ground"]) == ("suspended", ground)
    again = catalog.post(f"{path}/escalate", json=WHY, headers=decider)
    assert problem(again) == (409, "already-escalated")
    take(catalog, path, "submit-plan", PLAN, holder)
    take(catalog, path, "approve-plan", {}, assessor)
    take(catalog, path, "resolve", DONE, holder)
    assert certificate(catalog, number)["status"] == "suspended"
    take(catalog, path, "close", WHY, decider)
    after = certificate(catalog, number)
    assert after["status"] == "valid"
    assert [one["kind"] for one in after["events"][-2:]] == ["restored", "investigation_closed"]
    assert after["remarks"] == ["with_non_conformity"], "others are still looked into"


def test_who_still_has_time_is_not_suspended(
    catalog: TestClient, assessor: Headers, decider: Headers, holder: Headers
) -> None:
    path = opened(catalog, assessor)
    take(catalog, path, "request-plan", {"due_on": str(clock.today())}, assessor)
    answer = catalog.post(f"{path}/escalate", json=WHY, headers=decider)
    assert problem(answer) == (409, "not-overdue")
    take(catalog, path, "submit-plan", PLAN, holder)
    assert problem(catalog.post(f"{path}/escalate", json=WHY, headers=decider)) == (409, "non-conformity-step-refused")
    assert certificate(catalog)["status"] == "valid"


def test_a_suspension_of_its_own_outlasts_the_non_conformity(catalog: TestClient, decider: Headers) -> None:
    path = f"/non-conformities/{seed_id('non-conformity:overdue')}"
    take(catalog, path, "escalate", WHY, decider)
    assert catalog.post("/certificates/SV-2026-000004/suspend", json=WHY, headers=decider).status_code == 200
    take(catalog, path, "dismiss", WHY, decider)
    assert certificate(catalog, "SV-2026-000004")["status"] == "suspended"


def test_nobody_escapes_by_giving_the_certificate_up(
    catalog: TestClient, assessor: Headers, decider: Headers, holder: Headers
) -> None:
    path = opened(catalog, assessor)
    assert catalog.post(f"/certificates/{NUMBER}/relinquish", json=WHY, headers=holder).status_code == 200
    assert certificate(catalog)["status"] == "relinquished_under_investigation"
    take(catalog, path, "dismiss", WHY, decider)
    assert certificate(catalog)["status"] == "relinquished_under_investigation", "it was, then"
    answer = catalog.post("/non-conformities", json=NEW, headers=assessor)
    assert problem(answer) == (409, "certificate-ended")


def test_without_a_day_the_schemes_working_days_hold(catalog: TestClient, assessor: Headers) -> None:
    path = opened(catalog, assessor)
    days = catalog.get("/certification-schemes/product").json()["information_days"]
    asked = take(catalog, path, "request-plan", {}, assessor)
    assert asked["due_on"] == str(working_days.after(clock.today(), days))


def test_somebody_else_than_whoever_opened_it_decides(catalog: TestClient, issuer: Issuer, holder: Headers) -> None:
    both = issuer.bearer(BODY, "certification.assess", "certification.decide", client="assessor")
    path = opened(catalog, both)
    for step in ("dismiss", "escalate"):
        answer = catalog.post(f"{path}/{step}", json=WHY, headers=both)
        assert ("same-eyes", "") in errors(answer)
    take(catalog, path, "submit-plan", PLAN, holder)
    take(catalog, path, "approve-plan", {}, both)
    take(catalog, path, "resolve", DONE, holder)
    assert problem(catalog.post(f"{path}/close", json=WHY, headers=both)) == (403, "same-eyes")


def test_whoever_has_an_interest_takes_no_part(catalog: TestClient, assessor: Headers, issuer: Issuer) -> None:
    """Not the holder, nor the owner of the component that the product is offered for."""
    for organisation in (FJORDVAKT, OWNER):
        interested = issuer.bearer(organisation, "certification.assess", "certification.decide", client="another")
        answer = catalog.post("/non-conformities", json=NEW, headers=interested)
        assert problem(answer) == (403, "body-interested")
        path = opened(catalog, assessor)
        for step in ("request-plan", "dismiss"):
            assert problem(catalog.post(f"{path}/{step}", json=WHY, headers=interested)) == (403, "body-interested")
    other = issuer.bearer(HAVORN, "certification.apply")
    assert problem(catalog.post(f"{path}/submit-plan", json=PLAN, headers=other)) == (403, "not-the-holder")


def test_what_is_wrong_is_seen_by_those_it_concerns_and_by_all_when_it_is_closed(
    catalog: TestClient, assessor: Headers, decider: Headers, holder: Headers, issuer: Issuer
) -> None:
    path = opened(catalog, assessor)
    take(catalog, path, "submit-plan", PLAN, holder)
    take(catalog, path, "approve-plan", WHY, assessor)
    take(catalog, path, "resolve", DONE, holder)
    rival = issuer.bearer(HAVORN, "certification.apply")
    tester = issuer.bearer("100000059", "certification.assess")
    for by, whole in ((None, False), (rival, False), (holder, True), (assessor, True), (decider, True), (tester, True)):
        seen = catalog.get(path, headers=by).json()
        assert (seen["description"] is not None) == whole
        assert (seen["requirements"] == ["VT2-01", "VT2-03"]) == whole
        assert (seen["plan"] is not None) == (seen["resolution"] is not None) == whole
        assert (WHY["reason"] in str(seen["events"])) == whole
        assert (seen["severity"], seen["state"], seen["live"]) == ("major", "resolved", True)
        (listed,) = walk(catalog, "/non-conformities", certificate=NUMBER) if by is None else [seen]
        assert listed == seen
    take(catalog, path, "close", WHY, decider)
    seen = catalog.get(path).json()
    assert (seen["description"], seen["requirements"]) == (NEW["description"], NEW["requirements"])
    assert seen["resolution"] == {"text": DONE["text"], "sites": DONE["sites"], "evidence": None}
    assert seen["plan"] is None
    dismissed = opened(catalog, assessor)
    take(catalog, dismissed, "dismiss", WHY, decider)
    seen = catalog.get(dismissed).json()
    assert (seen["state"], seen["description"], seen["requirements"]) == ("dismissed", None, None)


def test_a_holders_attachment_is_its_own_and_not_withdrawn(
    catalog: TestClient, assessor: Headers, holder: Headers, issuer: Issuer
) -> None:
    path = opened(catalog, assessor)
    take(catalog, path, "submit-plan", PLAN, holder)
    take(catalog, path, "approve-plan", {}, assessor)

    def upload(by: Headers) -> dict[str, Any]:
        query = {"title": "Rapport", "file_name": "rapport.txt"}
        answer = catalog.post(
            "/evidence-files", content=b"Rapport", params=query, headers=by | {"Content-Type": "text/plain"}
        )
        assert answer.status_code == 201, answer.text
        kept: dict[str, Any] = answer.json()
        return kept

    def resolve(file: dict[str, Any], **changed: str) -> Any:
        piece = {"description": "Rapport", "sha256": file["sha256"], "dated_on": "2026-11-20", "file": file["id"]}
        return catalog.post(f"{path}/resolve", json=DONE | {"evidence": [piece | changed]}, headers=holder)

    foreign = upload(issuer.bearer(HAVORN, "certification.apply"))
    assert errors(resolve(foreign)) == {("attachment-unknown", "#/evidence/0/file")}
    own = upload(holder)
    assert errors(resolve(own, sha256="0" * 64)) == {("attachment-differs", "#/evidence/0/file")}
    withdrawn = upload(holder)
    assert catalog.post(f"/evidence-files/{withdrawn['id']}/withdraw", json=WHY, headers=holder).status_code == 200
    assert errors(resolve(withdrawn)) == {("attachment-withdrawn", "#/evidence/0/file")}
    assert resolve(own).status_code == 200


def test_the_list_can_be_narrowed(shared_catalog: TestClient) -> None:
    every = walk(shared_catalog, "/non-conformities")
    assert [one["id"] for one in every] == sorted(one["id"] for one in every)
    live = walk(shared_catalog, "/non-conformities", live=True, limit=2)
    assert live == [one for one in every if one["live"]]
    assert walk(shared_catalog, "/non-conformities", live=False) == [one for one in every if not one["live"]]
    (late,) = walk(shared_catalog, "/non-conformities", overdue=True)
    assert late["id"] == str(seed_id("non-conformity:overdue"))
    assert len(walk(shared_catalog, "/non-conformities", overdue=False)) == len(every) - 1
    assert walk(shared_catalog, "/non-conformities", certificate=[NUMBER, "SV-2026-000004"]) == every
    assert walk(shared_catalog, "/non-conformities", certificate=[NUMBER]) == []


def test_a_step_can_start_from_what_was_read(catalog: TestClient, assessor: Headers) -> None:
    path = opened(catalog, assessor)
    read = catalog.get(path).headers["ETag"]
    take(catalog, path, "request-plan", {}, assessor | {"If-Match": read})
    again = catalog.post(f"{path}/request-plan", json={}, headers=assessor | {"If-Match": read})
    assert problem(again) == (412, "stale")


def test_of_two_who_close_it_at_once_one_does(
    catalog: TestClient, decider: Headers, issuer: Issuer, database: Database
) -> None:
    path = f"/non-conformities/{seed_id('non-conformity:resolved')}"
    others = [decider, issuer.bearer(BODY, "certification.decide", client="third")]
    both = threading.Barrier(2)

    def close(by: Headers) -> int:
        both.wait()
        return int(catalog.post(f"{path}/close", json=WHY, headers=by).status_code)

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(close, others)) == [200, 409]
    kinds = [one["kind"] for one in certificate(catalog, "SV-2026-000004")["events"]]
    assert kinds.count("investigation_closed") == 2, "that of the seed, and this one"


def test_that_a_day_has_passed_is_noticed_once_however_many_look(
    catalog: TestClient, assessor: Headers, holder: Headers, url: str, database: Database
) -> None:
    path = opened(catalog, assessor)
    take(catalog, path, "request-plan", {"due_on": "2098-12-01"}, assessor)
    Overdue(database).notice()  # as the worker does
    (seeded,) = walk(catalog, "/non-conformities", overdue=True)
    assert [one["kind"] for one in seeded["events"]] == ["opened", "plan_requested", "overdue"]
    assert noticed(database, clock.today()) == 0
    assert noticed(database, date(2098, 12, 1)) > 0, "conditions of the seed"
    before = len(catalog.get(path).json()["events"])
    together, late = threading.Barrier(3), date(2098, 12, 2)

    def look(_: int) -> int:
        worker = Database(url, connections=1)
        together.wait()
        try:
            return noticed(worker, late)
        finally:
            worker.close()

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(look, range(3))) == 1
    assert noticed(database, late) == 0
    events = catalog.get(path).json()["events"]
    assert [(one["kind"], one["due_on"], one["organisation_number"]) for one in events[before:]] == [
        ("overdue", "2098-12-01", None)
    ]
    with database.writing() as session:
        told = [one for one in feed.after(session, 0, None, 500).items if one.type == "non-conformity.overdue"]
    assert [one.subject for one in told].count(path) == 1
    take(catalog, path, "submit-plan", PLAN, holder)
    take(catalog, path, "return-plan", {"reason": "Igjen", "due_on": "2098-12-20"}, assessor)
    assert noticed(database, date(2098, 12, 25)) == 1, "a new day is a new one to let pass"


def test_a_condition_that_is_not_met_is_noticed_once_and_its_suspension_follows_from_its_day(
    catalog: TestClient, database: Database
) -> None:
    number, day = "SV-2026-000007", "2027-06-30"
    assert noticed(database, date(2027, 6, 30)) == 1, "what the seed has overdue"
    assert noticed(database, date(2027, 7, 1)) == 1
    assert noticed(database, date(2027, 7, 2)) == 0
    for on, status in ((day, "valid"), ("2027-07-01", "suspended")):
        assert catalog.get(f"/certificates/{number}", params={"on": on}).json()["status"] == status
    with database.writing() as session:
        told = [one for one in feed.after(session, 0, None, 500).items if one.type == "certificate.condition_overdue"]
    assert [one.subject for one in told] == [f"/certificates/{number}"]


def test_what_happened_is_never_changed(catalog: TestClient, assessor: Headers, url: str) -> None:
    opened(catalog, assessor)
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in (
            "UPDATE non_conformity_event SET reason = 'x'",
            "DELETE FROM non_conformity_event",
            "TRUNCATE non_conformity_event",
            "DELETE FROM non_conformity_requirement",
        ):
            with pytest.raises(psycopg.errors.RaiseException, match="never changed"):
                connection.execute(statement)


def test_a_rehearsal_leaves_nothing(catalog: TestClient, assessor: Headers) -> None:
    before = walk(catalog, "/non-conformities")
    answer = catalog.post("/non-conformities", json=NEW, headers=assessor, params={"dry_run": "true"})
    assert (answer.status_code, answer.headers["Dry-Run"]) == (200, "true")
    assert walk(catalog, "/non-conformities") == before
    assert certificate(catalog)["remarks"] == []
