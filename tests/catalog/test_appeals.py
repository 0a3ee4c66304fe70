"""Whoever a decision goes against has it looked at again, by somebody else, and meanwhile it can be stayed."""

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from services.catalog.schemes import rules as schemes
from services.catalog.working_days import rules as working_days
from services.chassis import audit, clock, feed
from services.chassis.db import Database
from services.chassis.values import seed_id
from tests.catalog.certification import Certification
from tests.catalog.conftest import FJORDVAKT, HAVORN, errors, problem, walk
from tests.issuer import Issuer

Headers = dict[str, str]
BODY, NORDLYS, OWNER = "100000040", "100000024", "100000008"
NUMBER = "SV-2026-000001"
WHY = {"reason": "Vurdert"}
TODAY = clock.today()


@pytest.fixture
def decider(issuer: Issuer) -> Headers:
    return issuer.bearer(BODY, "certification.decide", client="first")


@pytest.fixture
def other(issuer: Issuer) -> Headers:
    """Another person of the certification body."""
    return issuer.bearer(BODY, "certification.decide", client="second")


@pytest.fixture
def holder(issuer: Issuer) -> Headers:
    return issuer.bearer(FJORDVAKT, "certification.apply", client="supplier")


def step(catalog: TestClient, path: str, what: str, by: Headers, **body: Any) -> dict[str, Any]:
    answer = catalog.post(f"{path}/{what}", json=WHY | body, headers=by)
    assert answer.status_code == 200, answer.text
    taken: dict[str, Any] = answer.json()
    return taken


def certificate(catalog: TestClient, number: str = NUMBER, **query: Any) -> dict[str, Any]:
    answer = catalog.get(f"/certificates/{number}", params={key: str(value) for key, value in query.items()})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def appealed(catalog: TestClient, by: Headers, **against: Any) -> str:
    answer = catalog.post("/appeals", json={"reason": "Det stemmer ikke"} | against, headers=by)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"])


def against_step(catalog: TestClient, what: str, by: Headers, holder: Headers, **body: Any) -> str:
    """Let a certificate take a step, and appeal against that."""
    step(catalog, f"/certificates/{NUMBER}", what, by, **body)
    return appealed(catalog, holder, certificate=NUMBER, event=len(certificate(catalog)["events"]))


def told(database: Database, path: str, organisation: str | None) -> list[str]:
    with database.writing() as session:
        return [one.type for one in feed.after(session, 0, organisation, 500).items if one.subject == path]


def test_a_suspension_is_stayed_and_then_annulled(
    catalog: TestClient, decider: Headers, other: Headers, holder: Headers, database: Database
) -> None:
    path = against_step(catalog, "suspend", decider, holder)
    assert certificate(catalog)["status"] == "suspended", "an appeal alone changes nothing"
    assert step(catalog, path, "stay", decider)["stayed"], "whoever decided may stay it"
    assert certificate(catalog)["status"] == "valid"
    step(catalog, path, "begin-review", decider)
    upheld = step(catalog, path, "uphold", other)
    assert (upheld["state"], upheld["stayed"]) == ("upheld", False)
    kinds = ["submitted", "stayed", "review_begun", "stay_ended", "upheld"]
    assert [one["kind"] for one in upheld["events"]] == kinds
    after = certificate(catalog)
    assert after["status"] == "valid"
    assert [one["kind"] for one in after["events"][1:]] == ["suspended", "stayed", "stay_ended", "annulled"]
    assert {one["target"] for one in after["events"][2:]} == {after["events"][1]["sequence"]}
    with database.reading() as reader:
        assert [one[1] for one in audit.of(reader, path)] == [f"appeal.{kind}" for kind in kinds]
        actions = [one[1].removeprefix("certificate.") for one in audit.of(reader, f"/certificates/{NUMBER}")]
    assert actions == ["suspended", "stayed", "stay_ended", "annulled"]
    parties = [f"appeal.{kind}" for kind in kinds]
    assert told(database, path, FJORDVAKT) == told(database, path, BODY) == parties
    assert told(database, path, None) == told(database, path, HAVORN) == ["appeal.upheld"], "the outcome is for all"


def test_a_rejected_appeal_ends_the_stay_and_the_suspension_holds_again(
    catalog: TestClient, decider: Headers, other: Headers, holder: Headers
) -> None:
    path = against_step(catalog, "suspend", decider, holder)
    step(catalog, path, "stay", decider)
    step(catalog, path, "begin-review", decider)
    assert step(catalog, path, "reject", other)["stayed"] is False
    assert certificate(catalog)["status"] == "suspended"
    again = catalog.post("/appeals", json=WHY | {"certificate": NUMBER, "event": 2}, headers=holder)
    assert problem(again) == (409, "appeal-already-made")


def test_a_stay_works_from_its_day_to_its_end(catalog: TestClient, decider: Headers, holder: Headers) -> None:
    path = against_step(catalog, "suspend", decider, holder)
    begins, ends = TODAY + timedelta(days=10), TODAY + timedelta(days=20)
    step(catalog, path, "stay", decider, effective_on=str(begins))
    early = catalog.post(f"{path}/end-stay", json=WHY | {"effective_on": str(TODAY)}, headers=decider)
    assert errors(early) == {("stay-too-early", "#/effective_on")}
    step(catalog, path, "end-stay", decider, effective_on=str(ends))
    days = [TODAY, begins - timedelta(days=1), begins, ends - timedelta(days=1), ends]
    seen = [certificate(catalog, on=day)["status"] for day in days]
    assert seen == ["suspended", "suspended", "valid", "valid", "suspended"]


def test_what_is_upheld_has_no_effect_from_the_day_that_is_said(
    catalog: TestClient, decider: Headers, other: Headers, holder: Headers
) -> None:
    first = TODAY - timedelta(days=30)
    path = against_step(catalog, "suspend", decider, holder, effective_on=str(first))
    step(catalog, path, "begin-review", decider)
    early = catalog.post(
        f"{path}/uphold", json=WHY | {"annulled_from_on": str(first - timedelta(days=1))}, headers=other
    )
    assert errors(early) == {("annulled-too-early", "#/annulled_from_on")}
    before = clock.now().isoformat()
    step(catalog, path, "uphold", other, annulled_from_on=str(first))
    assert certificate(catalog, on=first)["status"] == "valid", "as if it had never been"
    assert certificate(catalog, on=first, known_at=before)["status"] == "suspended", "what was known stays"
    assert certificate(catalog)["events"][-1]["back_dated"]


def test_partly_upheld_works_from_a_later_day(
    catalog: TestClient, decider: Headers, other: Headers, holder: Headers
) -> None:
    path = against_step(catalog, "suspend", decider, holder)
    step(catalog, path, "begin-review", decider)
    later = TODAY + timedelta(days=30)
    assert step(catalog, path, "partly-uphold", other, annulled_from_on=str(later))["state"] == "partly_upheld"
    seen = [certificate(catalog, on=day)["status"] for day in (TODAY, later - timedelta(days=1), later)]
    assert seen == ["suspended", "suspended", "valid"]


def test_a_reduction_can_be_annulled(catalog: TestClient, decider: Headers, other: Headers, holder: Headers) -> None:
    forms = certificate(catalog)["delivery_forms"]
    path = against_step(catalog, "reduce", decider, holder, versions="all", delivery_forms=["saas"])
    assert certificate(catalog)["delivery_forms"] == ["saas"]
    step(catalog, path, "begin-review", decider)
    step(catalog, path, "uphold", other)
    assert certificate(catalog)["delivery_forms"] == forms


def occupied(url: str, number: str = NUMBER) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        counted = connection.execute(
            "SELECT count(*) FROM certificatescope s JOIN certificate c ON c.id = s.certificate_id "
            "WHERE c.number = %s AND s.period @> %s",
            (number, TODAY + timedelta(days=1)),
        ).fetchone()
    assert counted
    return int(counted[0])


def test_a_stayed_withdrawal_takes_its_scope_again_unless_another_has_it(
    catalog: TestClient, decider: Headers, other: Headers, holder: Headers, url: str
) -> None:
    path = against_step(catalog, "withdraw", decider, holder)
    assert (certificate(catalog)["status"], occupied(url)) == ("withdrawn", 0)
    step(catalog, path, "stay", decider)
    assert certificate(catalog)["status"] == "valid"
    held = occupied(url)
    assert held > 0
    step(catalog, path, "end-stay", decider)
    assert (certificate(catalog)["status"], occupied(url)) == ("withdrawn", 0)
    with psycopg.connect(url, autocommit=True) as connection:  # another certificate takes the place meanwhile
        connection.execute(
            "INSERT INTO certificatescope (certificate_id, subject, specification_version_id, profile, delivery_form, "
            "label, period) SELECT (SELECT id FROM certificate WHERE number = 'SV-2026-000002'), 'product:' || "
            "product_id, specification_version_id, '', 'saas', '(,)', daterange(%s, NULL) FROM certificate "
            "WHERE number = %s",
            (TODAY + timedelta(days=3), NUMBER),
        )
    step(catalog, path, "begin-review", decider)
    for what in ("stay", "uphold"):
        taken = catalog.post(f"{path}/{what}", json=WHY, headers=other)
        assert problem(taken) == (409, "certificate-overlaps")
    assert (certificate(catalog)["status"], occupied(url)) == ("withdrawn", 0)
    assert catalog.get(path, headers=decider).json()["state"] == "under_review", "nothing of it was kept"


def test_a_withdrawal_that_is_annulled_holds_its_scope_again(
    catalog: TestClient, decider: Headers, other: Headers, holder: Headers, url: str
) -> None:
    held = occupied(url)
    path = against_step(catalog, "withdraw", decider, holder)
    step(catalog, path, "begin-review", decider)
    step(catalog, path, "uphold", other)
    assert (certificate(catalog)["status"], occupied(url)) == ("valid", held)


def test_somebody_else_than_whoever_decided_answers(
    catalog: TestClient, decider: Headers, other: Headers, holder: Headers, issuer: Issuer
) -> None:
    path = against_step(catalog, "suspend", decider, holder)
    step(catalog, path, "begin-review", decider)
    for what, body in (("uphold", WHY), ("reject", WHY), ("dismiss", WHY | {"ground": "inadmissible"})):
        answer = catalog.post(f"{path}/{what}", json=body, headers=decider)
        assert problem(answer) == (403, "same-decision-maker")
        owner = issuer.bearer(OWNER, "certification.decide", client="third")
        assert problem(catalog.post(f"{path}/{what}", json=body, headers=owner)) == (403, "appeal-body-interested")
    with_scheme(catalog, issuer, appeal_by_another_organisation=True)
    assert problem(catalog.post(f"{path}/reject", json=WHY, headers=other)) == (403, "same-decision-maker")
    elsewhere = issuer.bearer("100000059", "certification.decide", client="fourth")
    assert step(catalog, path, "reject", elsewhere)["state"] == "rejected"


def with_scheme(catalog: TestClient, issuer: Issuer, **changed: Any) -> None:
    editor = issuer.bearer(OWNER, "catalog.admin", "catalog.write")
    read = catalog.get("/certification-schemes/product")
    answer = catalog.patch(
        "/certification-schemes/product",
        json=changed,
        headers=editor | {"If-Match": read.headers["ETag"], "Content-Type": "application/merge-patch+json"},
    )
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("days", [0, 1, 2, 3, 4, 5, 6, 29, 30, 31, 32, 33, 34, 35, 36, 37])
def test_the_last_day_is_a_working_day(days: int) -> None:
    """Over the seven days of a week, and over Christmas."""
    terms = schemes.Terms(
        1, 1, 1, 1, 21, 1, 1, 1, True, appeal_to_working_day=True, appeal_by_another_organisation=False
    )
    decided_on = date(2026, 11, 24) + timedelta(days=days)
    last = schemes.appeal_by(decided_on, terms)
    calendar = decided_on + timedelta(days=21)
    assert working_days.is_working_day(last)
    assert not any(working_days.is_working_day(calendar + timedelta(days=one)) for one in range((last - calendar).days))


def test_the_scheme_says_until_when(catalog: TestClient, decider: Headers, holder: Headers, issuer: Issuer) -> None:
    with_scheme(catalog, issuer, appeal_days=1, appeal_to_working_day=False)
    path = against_step(catalog, "suspend", decider, holder)
    made = catalog.get(path, headers=holder).json()
    assert (made["decided_on"], made["due_on"], made["late"]) == (str(TODAY), str(TODAY + timedelta(days=1)), False)


def test_a_late_appeal_is_dismissed_or_heard_for_a_reason(
    catalog: TestClient, issuer: Issuer, decider: Headers, other: Headers
) -> None:
    havorn = issuer.bearer(HAVORN, "certification.apply")
    path = appealed(catalog, havorn, certificate="SV-2026-000003", event=2)
    assert catalog.get(path, headers=havorn).json()["late"]
    assert problem(catalog.post(f"{path}/begin-review", json={}, headers=decider)) == (422, "late-without-reason")
    assert step(catalog, path, "dismiss", other, ground="late")["events"][-1]["ground"] == "late"
    again = appealed(catalog, havorn, certificate="SV-2026-000003", event=2)
    assert step(catalog, again, "begin-review", decider)["state"] == "under_review"


def test_one_that_came_in_time_is_not_late(
    catalog: TestClient, decider: Headers, other: Headers, holder: Headers
) -> None:
    path = against_step(catalog, "suspend", decider, holder)
    answer = catalog.post(f"{path}/dismiss", json=WHY | {"ground": "late"}, headers=other)
    assert problem(answer) == (409, "not-late")


def test_only_whom_it_went_against_appeals(catalog: TestClient, issuer: Issuer) -> None:
    for organisation in (FJORDVAKT, BODY, OWNER):
        by = issuer.bearer(organisation, "certification.apply")
        answer = catalog.post("/appeals", json=WHY | {"certificate": "SV-2026-000003", "event": 2}, headers=by)
        assert problem(answer) == (403, "not-a-party")


def test_not_everything_can_be_appealed_against(
    catalog: TestClient, decider: Headers, holder: Headers, issuer: Issuer
) -> None:
    def refused(**against: Any) -> set[tuple[str, str]]:
        return errors(catalog.post("/appeals", json=WHY | against, headers=holder))

    assert refused(certificate=NUMBER, event=1) == {("not-appealable", "")}, "a grant"
    assert refused(certificate=NUMBER, event=9) == {("appeal-target-unknown", "#/event")}
    assert refused(certificate="SV-2099-000001", event=1) == {("appeal-target-unknown", "#/certificate")}
    assert refused(decision=str(seed_id("nothing"))) == {("appeal-target-unknown", "#/decision")}
    assert refused(supplier_suspension=str(seed_id("nothing"))) == {("appeal-target-unknown", "#/supplier_suspension")}
    answer = catalog.post("/supplier-suspensions", json=WHY | {"organisation_number": FJORDVAKT}, headers=decider)
    assert answer.status_code == 201, answer.text
    last = len(certificate(catalog)["events"])
    assert refused(certificate=NUMBER, event=last) == {("not-appealable", "")}, "what follows from the supplier's"


def test_an_appeal_in_progress_is_its_parties_and_the_outcome_everybodys(
    catalog: TestClient, decider: Headers, other: Headers, holder: Headers, issuer: Issuer
) -> None:
    path = against_step(catalog, "suspend", decider, holder)
    rival = issuer.bearer(HAVORN, "certification.apply")
    assessor = issuer.bearer(BODY, "certification.assess")
    strangers: list[Headers | None] = [None, rival, assessor]

    def listed(by: Headers | None) -> Mapping[str, Any] | None:
        items = catalog.get("/appeals", headers=by, params={"certificate": NUMBER}).json()["items"]
        return items[0] if items else None

    for by in strangers:
        assert problem(catalog.get(path, headers=by)) == (404, "appeal-not-found")
        assert listed(by) is None
    for party in (holder, decider):
        assert catalog.get(path, headers=party).json()["reason"] == "Det stemmer ikke"
        assert listed(party)
    step(catalog, path, "begin-review", decider)
    step(catalog, path, "reject", other)
    for by in strangers:
        seen = catalog.get(path, headers=by).json()
        assert (seen["state"], seen["reason"], seen["attachments"]) == ("rejected", None, None)
        assert {one["reason"] for one in seen["events"]} == {None}
        assert listed(by) == seen


def test_the_audit_has_no_texts_of_an_appeal(
    catalog: TestClient, decider: Headers, holder: Headers, issuer: Issuer
) -> None:
    """An editor, whose organisation owns the component, reads all of the audit."""
    path = against_step(catalog, "suspend", decider, holder)
    step(catalog, path, "begin-review", decider, reason="Bare for partene")
    editor = issuer.bearer(OWNER, "catalog.admin", "catalog.write")
    trail = catalog.get("/audit", params={"subject": path}, headers=editor).json()["items"]
    assert [one["action"] for one in trail] == ["appeal.submitted", "appeal.review_begun"]
    assert "Det stemmer ikke" not in str(trail)
    assert "Bare for partene" not in str(trail)


def test_the_appellant_takes_it_back_and_can_make_it_again(
    catalog: TestClient, decider: Headers, holder: Headers, issuer: Issuer
) -> None:
    path = against_step(catalog, "suspend", decider, holder)
    step(catalog, path, "stay", decider)
    rival = issuer.bearer(HAVORN, "certification.apply")
    assert problem(catalog.post(f"{path}/withdraw", json=WHY, headers=rival)) == (404, "appeal-not-found")
    assert step(catalog, path, "withdraw", holder)["state"] == "withdrawn"
    assert certificate(catalog)["status"] == "suspended", "the stay went with it"
    assert problem(catalog.post(f"{path}/begin-review", json=WHY, headers=decider)) == (409, "appeal-step-refused")
    assert appealed(catalog, holder, certificate=NUMBER, event=2) != path


def test_a_suppliers_suspension_is_stayed_and_annulled_over_all_its_certificates(
    catalog: TestClient, decider: Headers, other: Headers, issuer: Issuer
) -> None:
    nordlys = issuer.bearer(NORDLYS, "certification.apply")
    answer = catalog.post("/supplier-suspensions", json=WHY | {"organisation_number": NORDLYS}, headers=decider)
    assert answer.status_code == 201, answer.text
    numbers = ["SV-2026-000002", "SV-2026-000007"]

    def statuses() -> set[str]:
        return {certificate(catalog, number)["status"] for number in numbers}

    assert statuses() == {"suspended"}
    path = appealed(catalog, nordlys, supplier_suspension=answer.json()["id"])
    step(catalog, path, "stay", decider)
    assert statuses() == {"valid"}
    step(catalog, path, "end-stay", decider)
    assert statuses() == {"suspended"}
    step(catalog, path, "stay", decider)
    step(catalog, path, "begin-review", decider)
    assert step(catalog, path, "uphold", other)["state"] == "upheld"
    assert statuses() == {"valid"}
    assert catalog.get(answer.headers["Location"]).json()["status"] == "annulled"


def test_of_two_who_appeal_at_once_one_does(catalog: TestClient, decider: Headers, holder: Headers) -> None:
    step(catalog, f"/certificates/{NUMBER}", "suspend", decider)
    both = threading.Barrier(2)

    def appeal(_: int) -> int:
        both.wait()
        body = WHY | {"certificate": NUMBER, "event": 2}
        return int(catalog.post("/appeals", json=body, headers=holder).status_code)

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(appeal, range(2))) == [201, 409]


def test_the_list_can_be_narrowed(shared_catalog: TestClient, decider: Headers) -> None:
    def listed(**query: Any) -> list[str]:
        items: list[str] = []
        after: dict[str, str] = {}
        while True:
            page = shared_catalog.get("/appeals", params=query | after | {"limit": "2"}, headers=decider).json()
            items += [one["id"] for one in page["items"]]
            if page["next"] is None:
                return items
            after = {"after": page["next"]}

    seeded = {name: str(seed_id(f"appeal:{name}")) for name in ("rejected", "submitted", "under-review", "stayed")}
    assert listed() == sorted(seeded.values())
    assert set(listed(state=["rejected", "under_review"])) == {seeded["rejected"], seeded["under-review"]}
    assert set(listed(certificate=["SV-2026-000005"])) == {seeded["under-review"], seeded["stayed"]}
    assert [one["id"] for one in walk(shared_catalog, "/appeals")] == [seeded["rejected"]], "without a token"


def test_a_step_can_start_from_what_was_read(catalog: TestClient, decider: Headers, holder: Headers) -> None:
    path = against_step(catalog, "suspend", decider, holder)
    read = catalog.get(path, headers=decider).headers["ETag"]
    step(catalog, path, "stay", decider | {"If-Match": read})
    again = catalog.post(f"{path}/end-stay", json=WHY, headers=decider | {"If-Match": read})
    assert problem(again) == (412, "stale")


def test_what_happened_is_never_changed(catalog: TestClient, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in ("UPDATE appeal_event SET reason = 'x'", "DELETE FROM appeal_event"):
            with pytest.raises(psycopg.errors.RaiseException, match="never changed"):
                connection.execute(statement)


# ---- Against decisions


def test_a_refusal_that_is_upheld_against_is_decided_anew(catalog: TestClient, issuer: Issuer, other: Headers) -> None:
    way = Certification(catalog, issuer)
    application = way.recommended(product="havorn-alarm")
    refused = way.decide(application, outcome="refused")
    assert refused.status_code == 201, refused.text
    decision, havorn = refused.json()["id"], way.applicant(HAVORN)
    rival = way.applicant(FJORDVAKT)
    unseen = catalog.post("/appeals", json=WHY | {"decision": decision}, headers=rival)
    assert errors(unseen) == {("appeal-target-unknown", "#/decision")}, "that there is a refusal is nobody's business"
    path = appealed(catalog, havorn, decision=decision)
    made = catalog.get(path, headers=havorn).json()
    assert (made["due_on"], made["decided_on"]) == (refused.json()["appeal_by_on"], refused.json()["decided_on"])

    def status() -> str:
        return str(catalog.get(refused.headers["Location"], headers=havorn).json()["status"])

    assert status() == "appealed"
    assert problem(catalog.post(f"{path}/stay", json=WHY, headers=other)) == (409, "nothing-to-stay")
    step(catalog, path, "begin-review", way.decider)
    assert problem(catalog.post(f"{path}/uphold", json=WHY, headers=way.decider)) == (403, "same-decision-maker")
    step(catalog, path, "uphold", other)
    assert status() == "annulled"
    assert catalog.get(application, headers=havorn).json()["status"] == "recommended"
    assert way.decide(application).status_code == 201
    assert problem(catalog.get(path)) == (404, "appeal-not-found"), "what was refused stays between the parties"
    public = catalog.get("/events", params={"limit": 200}).json()["items"]
    assert not [one for one in public if decision in str(one) or one["type"].startswith("appeal.")]


@pytest.mark.parametrize(
    ("what", "body", "expected"),
    [
        ("reject", {}, "upheld"),
        ("dismiss", {"ground": "inadmissible"}, "in_force"),
        ("withdraw", {}, "in_force"),
    ],
)
def test_otherwise_the_refusal_stands(
    catalog: TestClient, issuer: Issuer, other: Headers, what: str, body: dict[str, str], expected: str
) -> None:
    way = Certification(catalog, issuer)
    refused = way.decide(way.recommended(product="havorn-alarm"), outcome="refused")
    havorn = way.applicant(HAVORN)
    path = appealed(catalog, havorn, decision=refused.json()["id"])
    step(catalog, path, "begin-review", other)
    step(catalog, path, what, havorn if what == "withdraw" else other, **body)
    assert catalog.get(refused.headers["Location"], headers=havorn).json()["status"] == expected


def test_conditions_that_are_upheld_against_fall_away(catalog: TestClient, issuer: Issuer, other: Headers) -> None:
    way = Certification(catalog, issuer)
    conditions = [{"text": text, "due_on": "2027-06-30"} for text in ("Første", "Annen")]
    made = way.decide(
        way.recommended(product="havorn-alarm", recommendation="grant_with_conditions"),
        outcome="granted_with_conditions",
        conditions=conditions,
    )
    assert made.status_code == 201, made.text
    number = made.json()["certificate"]
    keys = [one["key"] for one in certificate(catalog, number)["conditions"]]
    path = appealed(catalog, way.applicant(HAVORN), decision=made.json()["id"])
    step(catalog, path, "begin-review", other)
    unknown = catalog.post(f"{path}/partly-uphold", json=WHY | {"conditions": ["x", "y"]}, headers=other)
    assert [one["detail"] for one in unknown.json()["errors"]] == ["There is no 'x'.", "There is no 'y'."]
    partly = step(catalog, path, "partly-uphold", other, conditions=keys[:1])
    assert partly["events"][-1]["conditions"] == keys[:1]
    met = {one["key"]: one["met_on"] for one in certificate(catalog, number)["conditions"]}
    assert met == {keys[0]: str(TODAY), keys[1]: None}
    assert certificate(catalog, number, on="2027-07-01")["status"] == "suspended", "for the other one"
    assert catalog.get(made.headers["Location"]).json()["status"] == "upheld", "the grant itself stands"


def test_a_grant_goes_against_nobody(catalog: TestClient, issuer: Issuer) -> None:
    way = Certification(catalog, issuer)
    made = way.decide(way.recommended(product="havorn-alarm"))
    answer = catalog.post("/appeals", json=WHY | {"decision": made.json()["id"]}, headers=way.applicant(HAVORN))
    assert problem(answer) == (422, "not-appealable")
