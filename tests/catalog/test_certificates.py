"""A certificate is granted once for a scope; then only events are added."""

from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from services.chassis import audit
from services.chassis.db import Database
from tests.catalog.certification import Certification, certified
from tests.catalog.conftest import EDITOR, FJORDVAKT, HAVORN, problem, walk
from tests.issuer import Issuer


def take(catalog: TestClient, decider: dict[str, str], number: str, step: str, **body: Any) -> Any:
    return catalog.post(f"/certificates/{number}/{step}", json={"reason": "Tilsyn"} | body, headers=decider)


def status(catalog: TestClient, number: str, **query: str) -> str:
    answer = catalog.get(f"/certificates/{number}", params=query)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["status"])


def test_numbers_of_a_year_follow_each_other_also_past_a_refusal(catalog: TestClient, issuer: Issuer) -> None:
    first = certified(catalog, issuer, product="havorn-alarm", versions=["1.4"])
    way = Certification(catalog, issuer)
    assert problem(way.decide(way.recommended(product="havorn-alarm"))) == (409, "certificate-overlaps")
    second = certified(catalog, issuer, product="nordlys-tilsyn", profile="mottak")
    assert int(second[-6:]) == int(first[-6:]) + 1
    assert second[:8] == first[:8]


def test_a_supplier_takes_no_steps_with_its_own(shared_catalog: TestClient, issuer: Issuer) -> None:
    itself = issuer.bearer(HAVORN, "certification.decide")
    assert problem(take(shared_catalog, itself, "SV-2026-000003", "restore")) == (403, "decision-on-own-product")
    assert status(shared_catalog, "SV-2026-000003", on="2026-10-01") == "suspended"


@pytest.mark.parametrize(("step", "body"), [("restore", {}), ("withdraw", {}), ("meet-condition", {"condition": "1"})])
def test_the_owner_of_the_component_takes_no_steps_either(
    shared_catalog: TestClient, issuer: Issuer, step: str, body: dict[str, str]
) -> None:
    owner = issuer.bearer(EDITOR, "certification.decide")
    refused = take(shared_catalog, owner, "SV-2026-000003", step, **body)
    assert problem(refused) == (403, "decision-on-own-component")
    assert status(shared_catalog, "SV-2026-000003", on="2026-10-01") == "suspended"


def test_a_scope_is_certified_once_at_a_time(catalog: TestClient, issuer: Issuer) -> None:
    way = Certification(catalog, issuer)
    overlaps = (409, "certificate-overlaps")
    certified(catalog, issuer, product="havorn-alarm")  # all versions, saas, to the end of 2029
    again = way.recommended(product="havorn-alarm")
    assert problem(way.decide(again)) == overlaps
    assert problem(way.decide(again, valid_from_on="2029-12-31", valid_to_on="2030-12-31")) == overlaps
    assert way.decide(again, valid_from_on="2030-01-01", valid_to_on="2030-12-31").status_code == 201
    one_version = way.recommended(product="havorn-alarm", versions=["1.4"])
    assert problem(way.decide(one_version)) == overlaps
    part = way.recommended(product="havorn-alarm", profile="mottak")
    assert way.decide(part).status_code == 201, "a profile is a scope of its own"
    other_form = way.recommended(product="havorn-alarm", delivery_forms=["on_premises"])
    assert way.decide(other_form).status_code == 201


def test_versions_are_scopes_of_their_own(catalog: TestClient, issuer: Issuer) -> None:
    certified(catalog, issuer, product="havorn-alarm", versions=["1.3"])
    certified(catalog, issuer, product="havorn-alarm", versions=["1.4"])
    way = Certification(catalog, issuer)
    ranged = way.recommended(product="havorn-alarm", versions={"from": "1.4"})
    assert problem(way.decide(ranged)) == (409, "certificate-overlaps")


def test_a_withdrawn_certificate_makes_room_from_its_day_on(
    catalog: TestClient, issuer: Issuer, decider: dict[str, str]
) -> None:
    number = certified(catalog, issuer, product="havorn-alarm")
    assert take(catalog, decider, number, "withdraw", effective_on="2028-01-01").status_code == 200
    way = Certification(catalog, issuer)
    again = way.recommended(product="havorn-alarm")
    assert way.decide(again, valid_to_on="2027-12-31").status_code == 409
    assert way.decide(again, valid_from_on="2028-01-01").status_code == 201


def test_a_certificate_withdrawn_before_it_began_leaves_nothing(
    catalog: TestClient, issuer: Issuer, decider: dict[str, str]
) -> None:
    number = certified(catalog, issuer, product="havorn-alarm")
    assert take(catalog, decider, number, "withdraw", effective_on="2026-12-24").status_code == 200
    certified(catalog, issuer, product="havorn-alarm")


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
    assert actions == ["certificate.suspended", "certificate.restored", "certificate.withdrawn"]


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

    assert numbers(supplier=FJORDVAKT) == ["SV-2026-000001", "SV-2026-000004", "SV-2026-000006"]
    assert numbers(kind="supplier") == ["SV-2026-000008"]
    assert numbers(specification="velferdsteknologi-datautveksling") == ["SV-2026-000006", "SV-2026-000007"]
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
