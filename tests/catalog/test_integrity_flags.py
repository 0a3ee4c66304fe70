"""What is odd about a certificate's record is seen, and what is not is left alone."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

import psycopg
import pytest
from alembic.script import ScriptDirectory
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.certificates.rules import Assurance, EventKind, Outcome
from services.catalog.integrity_flags import rules
from services.catalog.integrity_flags.rules import Event, Kind, Record, Removed, Result, Trace
from services.chassis import clock, db
from services.chassis.db import Database
from tests.catalog.certification import LAB, Certification, met
from tests.catalog.certifying import happen
from tests.catalog.conftest import FJORDVAKT, HAVORN, problem, walk
from tests.issuer import Issuer

Headers = dict[str, str]
BODY, OWNER = "100000040", "100000008"
GRANTED = datetime(2026, 3, 2, 9, tzinfo=UTC)
WHY = {"reason": "Vedtak"}


def event(id: int, kind: EventKind, at: datetime, **rest: Any) -> Event:
    told = {"event": id, "kind": kind, "on": str(at.date())}
    values: dict[str, Any] = {
        "effective_on": at.date(),
        "organisation": BODY,
        "client": "decider",
        "fields": told,
    } | rest
    return Event(id, kind, recorded_at=at, on=at.date(), **{"fields": told} | values)


def trace(one: Event) -> Trace:
    return Trace(one.id, one.on, one.fields)


def result(requirement: str, at: datetime = GRANTED, **rest: Any) -> Result:
    values: dict[str, Any] = {
        "outcome": Outcome.MET,
        "assurance": Assurance.THIRD_PARTY,
        "tester": LAB,
        "tested_on": date(2026, 2, 20),
    } | rest
    return Result(requirement, recorded_at=at, on=at.date(), **values)


@st.composite
def clean(draw: st.DrawFn) -> Record:
    """A record without anything odd, of events one after the other."""
    kinds = draw(st.lists(st.sampled_from([kind for kind in EventKind if kind is not EventKind.GRANTED]), max_size=8))
    at, events = GRANTED, [event(7, EventKind.GRANTED, GRANTED)]
    for place, kind in enumerate(kinds):
        at += timedelta(seconds=draw(st.integers(0, 10_000_000)))
        ahead = timedelta(days=draw(st.integers(0, 90)))
        own = kind in (EventKind.RELINQUISHED, EventKind.CARRIED_OVER)
        who = {"organisation": FJORDVAKT, "client": "supplier"} if own else {}
        events.append(event(8 + place, kind, at, effective_on=at.date() + ahead, **who))
    results = [
        result(
            f"VT-{place}",
            outcome=draw(st.sampled_from(Outcome)),
            tester=draw(st.sampled_from([LAB, None])),
            tested_on=draw(st.dates(date(2025, 1, 1), GRANTED.date())),
        )
        for place in range(draw(st.integers(1, 4)))
    ]
    declared = result("VT-9", assurance=Assurance.SELF_DECLARED, tester=None, tested_on=None)
    return Record(
        number="SV-2026-000001",
        valid_from_on=GRANTED.date(),
        decided_by=BODY,
        events=events,
        traces=[trace(one) for one in events],
        results=[*results, declared],
        interested={FJORDVAKT, OWNER},
        assessors={(BODY, "assessor"), (LAB, "tester")},
    )


@given(clean())
def test_nothing_odd_raises_nothing(record: Record) -> None:
    assert rules.flags(record) == []


def last(record: Record, **changed: Any) -> Record:
    """With one more event, which the audit knows as well."""
    after = record.events[-1]
    one = event(99, EventKind.INVESTIGATION_OPENED, after.recorded_at + timedelta(minutes=5))
    one = replace(one, **changed)
    return replace(record, events=[*record.events, one], traces=[*record.traces, trace(one)])


def changed_event(record: Record) -> Record:
    """The event says otherwise than its trace."""
    first, *rest = record.events
    return replace(record, events=[replace(first, fields={**first.fields, "reason": "another"}), *rest])


def with_a_later_test(record: Record, **rest: Any) -> Record:
    before = replace(record.results[0], tester=LAB, tested_on=date(2026, 2, 1))
    again = replace(before, recorded_at=GRANTED + timedelta(days=9), **rest)
    return replace(record, results=[before, *record.results[1:], again])


def rests_on(record: Record, **changed: Any) -> Record:
    first, *others = record.results
    return replace(record, results=[replace(first, outcome=Outcome.MET, **changed), *others])


PLANTED: list[tuple[Kind, Callable[[Record], Record]]] = [
    (Kind.BACK_DATED_EVENT, lambda one: last(one, effective_on=date(2026, 1, 1))),
    (Kind.RECORDED_OUT_OF_ORDER, lambda one: last(one, recorded_at=one.events[-1].recorded_at - timedelta(seconds=61))),
    (Kind.HISTORY_DIFFERS_FROM_AUDIT, changed_event),
    (Kind.HISTORY_DIFFERS_FROM_AUDIT, lambda one: replace(one, traces=one.traces[:-1])),
    (Kind.HISTORY_DIFFERS_FROM_AUDIT, lambda one: replace(last(one), events=one.events)),
    (Kind.CERTIFICATE_DIFFERS_FROM_GRANT, lambda one: replace(one, valid_from_on=date(2026, 1, 1))),
    (Kind.CERTIFICATE_DIFFERS_FROM_GRANT, lambda one: replace(one, decided_by=LAB)),
    (Kind.EVIDENCE_REMOVED, lambda one: replace(one, removed=[Removed("a-file", date(2026, 4, 1))])),
    (Kind.TESTER_CHANGED, lambda one: with_a_later_test(one, tester=FJORDVAKT)),
    (Kind.GRANTED_BEFORE_TEST, lambda one: rests_on(one, tested_on=GRANTED.date() + timedelta(days=1))),
    (Kind.TEST_UNDATED, lambda one: rests_on(one, tested_on=None)),
    (Kind.DECIDED_BY_INTERESTED, lambda one: last(one, organisation=OWNER)),
    (Kind.ASSESSED_AND_DECIDED_BY_SAME, lambda one: replace(one, assessors={(BODY, "decider")})),
]


def test_every_kind_is_planted_and_has_its_rule_and_texts() -> None:
    assert {kind for kind, _ in PLANTED} == set(Kind) == set(rules.TEXTS)
    assert len(rules.RULES) == len(Kind)
    assert all(set(text) == {"nb", "nn", "en"} for text in rules.TEXTS.values())


@given(clean(), st.sampled_from(PLANTED))
def test_each_oddity_raises_its_own_flag_and_no_other(
    record: Record, planted: tuple[Kind, Callable[[Record], Record]]
) -> None:
    kind, plant = planted
    assert {flag.kind for flag in rules.flags(plant(record))} == {kind}


@given(clean(), st.data())
def test_each_rule_sees_only_its_own(record: Record, data: st.DataObject) -> None:
    """What all the oddities together raise is what each raises, and the ids are all different."""
    for kind, plant in data.draw(st.permutations(PLANTED)):
        raised = [[flag.kind for flag in rule(plant(record))] for rule in rules.RULES]
        assert [set(kinds) for kinds in raised if kinds] == [{kind}]
        ids = [flag.id for flag in rules.flags(plant(record))]
        assert len(set(ids)) == len(ids)
        assert {rules.number_in(id) for id in ids} == {record.number}


@given(clean())
def test_a_test_after_the_grant_by_the_same_tester_is_no_oddity(record: Record) -> None:
    assert rules.flags(with_a_later_test(record, tested_on=date(2026, 3, 10))) == []


@given(clean())
def test_several_may_have_tried_before_the_grant(record: Record) -> None:
    tried = replace(record.results[0], tester=FJORDVAKT, recorded_at=GRANTED - timedelta(days=2))
    again = replace(tried, tester=LAB, recorded_at=GRANTED - timedelta(days=1))
    assert rules.flags(replace(record, results=[tried, again, *record.results[1:]])) == []


@given(clean(), st.integers(0, 60))
def test_two_who_write_at_once_may_take_their_instants_the_other_way_round(record: Record, seconds: int) -> None:
    before = record.events[-1].recorded_at - timedelta(seconds=seconds)
    assert rules.flags(last(record, recorded_at=before)) == []


# ---- Through the door


def flags(catalog: TestClient, number: str, **query: Any) -> list[str]:
    """Kind and what it is about."""
    found = walk(catalog, "/integrity-flags", certificate=number, **query)
    return [one["kind"] + (f" {one['about']}" if one["about"] else "") for one in found]


@pytest.fixture
def way(catalog: TestClient, issuer: Issuer) -> Certification:
    return Certification(catalog, issuer)


@pytest.fixture
def number(way: Certification) -> str:
    made = way.decide(way.recommended(product="havorn-alarm"))
    assert made.status_code == 201, made.text
    return str(made.json()["certificate"])


def step(catalog: TestClient, path: str, by: Headers, **body: Any) -> None:
    answer = catalog.post(path, json=WHY | body, headers=by)
    assert answer.status_code in (200, 201), answer.text


def test_whatever_is_done_through_the_door_in_its_time_raises_nothing(
    catalog: TestClient, way: Certification, number: str, issuer: Issuer
) -> None:
    """A walk over what can be done with a certificate, in an order by chance."""
    other = issuer.bearer(BODY, "certification.assess", "certification.decide", client="second")
    third = issuer.bearer(BODY, "certification.decide", client="third")
    chosen, path = random.Random(4), f"/certificates/{number}"

    def ahead() -> dict[str, str]:
        return WHY | {"effective_on": str(clock.today() + timedelta(days=chosen.randint(0, 40)))}

    def suspend() -> None:
        catalog.post(f"{path}/suspend", json=ahead(), headers=way.decider)  # on this ground if not already

    def appeal(answer: str) -> None:
        catalog.post(f"{path}/restore", json=WHY, headers=other)  # if it is suspended already
        step(catalog, f"{path}/suspend", way.decider)
        against = {"certificate": number, "event": len(catalog.get(path).json()["events"])}
        made = catalog.post("/appeals", json=WHY | against, headers=way.applicant(HAVORN)).headers["Location"]
        step(catalog, f"{made}/stay", way.decider)
        step(catalog, f"{made}/begin-review", way.decider)
        step(catalog, f"{made}/{answer}", third)

    def look_into() -> None:
        new = {"certificate": number, "requirements": ["VT1-01"], "severity": "minor", "source": "complaint"}
        new |= {"description": "Avvik", "determined_on": str(clock.today())}
        made = catalog.post("/non-conformities", json=new, headers=other)
        assert made.status_code == 201, made.text
        step(catalog, f"{made.headers['Location']}/dismiss", third)

    appeals: list[Callable[[], None]] = [partial(appeal, "uphold"), partial(appeal, "reject")]
    walk_over = [suspend, look_into, *appeals] * 2
    for happens in chosen.sample(walk_over, len(walk_over)):
        happens()
    kinds = {one["kind"] for one in catalog.get(f"/certificates/{number}").json()["events"]}
    assert {"suspended", "stayed", "stay_ended", "annulled", "investigation_closed"} <= kinds
    assert flags(catalog, number) == []


def test_what_takes_effect_before_it_was_recorded_is_flagged(
    catalog: TestClient, way: Certification, database: Database
) -> None:
    number, day = "SV-2026-000001", str(clock.today() - timedelta(days=3))
    before = flags(catalog, number)
    step(catalog, f"/certificates/{number}/suspend", way.decider, effective_on=day)
    assert before == []
    assert flags(catalog, number) == ["back_dated_event 2"]


def edited(url: str, *statements: str) -> None:
    """As whoever owns the database can, past every trigger."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        for statement in statements:
            connection.execute(statement)


LAST = "(SELECT max(e.id) FROM certificate_event e JOIN certificate c ON c.id = e.certificate_id WHERE c.number = '{}')"


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (f"UPDATE certificate_event SET reason = 'En annen' WHERE id = {LAST}", "history_differs_from_audit 2"),
        (f"UPDATE certificate_event SET client = 'andre' WHERE id = {LAST}", "history_differs_from_audit 2"),
        (f"UPDATE certificate_event SET detail = '[]' WHERE id = {LAST}", "history_differs_from_audit 2"),
        (f"DELETE FROM certificate_event WHERE id = {LAST}", "history_differs_from_audit gone-"),
        (
            "INSERT INTO certificate_event (certificate_id, kind, effective_on, recorded_at, back_dated, "
            "organisation_number) SELECT certificate_id, 'restored', current_date + 1, now(), false, "
            f"organisation_number FROM certificate_event WHERE id = {LAST}",
            "history_differs_from_audit 3",
        ),
        ("UPDATE certificate SET valid_from_on = '2026-12-01' WHERE number = '{}'", "certificate_differs_from_grant"),
    ],
)
def test_a_history_edited_past_the_service_is_seen(
    catalog: TestClient, way: Certification, number: str, url: str, edit: str, expected: str
) -> None:
    step(catalog, f"/certificates/{number}/suspend", way.decider)
    assert flags(catalog, number) == []
    edited(url, edit.format(number))
    (found,) = flags(catalog, number)
    assert found.startswith(expected)


def test_evidence_withdrawn_after_the_decision_is_seen(catalog: TestClient, way: Certification) -> None:
    file = catalog.post(
        "/evidence-files",
        content=b"Rapport",
        params={"title": "Rapport", "file_name": "rapport.txt"},
        headers=way.assessor | {"Content-Type": "text/plain"},
    ).json()
    piece = {"description": "Rapport", "sha256": file["sha256"], "dated_on": str(clock.today()), "file": file["id"]}
    application = way.recommended(product="havorn-alarm", results={"VT1-01": met(evidence=[piece])})
    number = way.decide(application).json()["certificate"]
    assert flags(catalog, number) == []
    step(catalog, f"/evidence-files/{file['id']}/withdraw", way.assessor)
    assert flags(catalog, number) == [f"evidence_removed {file['id']}"]


def test_a_certificate_that_the_owner_of_the_component_gave_is_flagged(
    catalog: TestClient, number: str, database: Database, url: str
) -> None:
    edited(url, f"UPDATE component SET owner_id = (SELECT id FROM organisation WHERE organisation_number = '{BODY}')")
    assert flags(catalog, number) == ["decided_by_interested 1"]


def test_whoever_assessed_and_decided_is_flagged(catalog: TestClient, number: str, url: str) -> None:
    edited(url, "UPDATE assessment_event SET client = 'beslutter'")
    assert flags(catalog, number) == ["assessed_and_decided_by_same"]


def test_results_are_compared_with_the_grant(catalog: TestClient, number: str, url: str) -> None:
    edited(
        url,
        "UPDATE result SET tested_on = NULL, assurance = 'third_party' WHERE certificate_id = (SELECT id FROM "
        f"certificate WHERE number = '{number}') AND requirement_id = (SELECT min(requirement_id) FROM result r "
        f"JOIN certificate c ON c.id = r.certificate_id WHERE c.number = '{number}' AND r.outcome = 'met')",
    )
    (found,) = flags(catalog, number)
    assert found.startswith("test_undated ")


def test_a_database_from_before_has_its_histories_traced(database: Database, url: str) -> None:
    """What the migration writes is what the service writes itself."""
    script = ScriptDirectory.from_config(db.migrations("catalog")).get_revision("c1a7a1070008")
    assert script
    happen(database, "SV-2026-000003", EventKind.INVESTIGATION_OPENED, ground="non-conformity:x")
    query = "SELECT subject, detail FROM audit WHERE action = 'certificate.event' ORDER BY detail ->> 'event', id"
    with psycopg.connect(url, autocommit=True) as connection:
        before = connection.execute(query).fetchall()
        connection.execute(script.module.TRACE)
        assert connection.execute(query).fetchall() == before, "what is traced is not traced again"
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM audit WHERE action = 'certificate.event'")
        connection.execute(script.module.TRACE)
        assert connection.execute(query).fetchall() == before


def test_a_flag_is_acknowledged_once_by_another_than_who_caused_it(
    catalog: TestClient, way: Certification, issuer: Issuer, url: str
) -> None:
    number, day = "SV-2026-000001", str(clock.today() - timedelta(days=3))
    step(catalog, f"/certificates/{number}/suspend", way.decider, effective_on=day)
    path = f"/integrity-flags/{number}.back_dated_event.2"
    note = {"note": "Vedtaket ble fattet på papir"}
    assert problem(catalog.post(f"{path}/acknowledge", json=note, headers=way.decider)) == (403, "own-flag")
    owner = issuer.bearer(OWNER, "certification.decide", client="second")
    assert problem(catalog.post(f"{path}/acknowledge", json=note, headers=owner)) == (403, "flag-body-interested")
    other = issuer.bearer(BODY, "certification.decide", client="second")
    done = catalog.post(f"{path}/acknowledge", json=note, headers=other)
    assert done.json()["acknowledged"]["note"] == note["note"]
    assert problem(catalog.post(f"{path}/acknowledge", json=note, headers=other)) == (409, "flag-already-acknowledged")
    for by, seen in ((None, None), (other, note["note"]), (way.applicant(FJORDVAKT), None)):
        (item,) = catalog.get("/integrity-flags", params={"certificate": number}, headers=by).json()["items"]
        assert item["acknowledged"]["organisation_number"] == BODY
        assert item["acknowledged"]["note"] == seen
    assert flags(catalog, number, acknowledged=False) == []
    assert flags(catalog, number, acknowledged=True) == ["back_dated_event 2"]
    for unknown in ("SV-2026-000001.back_dated_event.1", "SV-2099-000001.back_dated_event.1", "x"):
        answer = catalog.post(f"/integrity-flags/{unknown}/acknowledge", json=note, headers=other)
        assert problem(answer) == (404, "flag-not-found")
    with psycopg.connect(url, autocommit=True) as connection, pytest.raises(psycopg.errors.RaiseException):
        connection.execute("DELETE FROM integrity_acknowledgement")


def test_the_list_goes_on_from_page_to_page(catalog: TestClient, database: Database) -> None:
    numbers = [f"SV-2026-00000{last}" for last in (1, 2, 3)]
    for number in numbers:
        for days in (1, 2, 3):
            happen(
                database,
                number,
                EventKind.INVESTIGATION_OPENED,
                on=clock.today() - timedelta(days=days),
                ground=f"non-conformity:{days}",
            )
    query = {"certificate": numbers, "kind": ["back_dated_event"]}
    every = walk(catalog, "/integrity-flags", **query)
    assert len(every) == 9
    assert [one["id"] for one in every] == sorted(one["id"] for one in every)
    for limit in (1, 2, 4):
        assert walk(catalog, "/integrity-flags", limit=limit, **query) == every
    page = catalog.get("/integrity-flags", params=query | {"limit": 2})
    assert "certificate=SV-2026-000001&certificate=SV-2026-000002" in page.headers["Link"]
    assert walk(catalog, "/integrity-flags", certificate=numbers, kind=["tester_changed"]) == []


def test_the_seed_has_the_one_that_it_shows(shared_catalog: TestClient) -> None:
    known = walk(shared_catalog, "/integrity-flags", certificate=[f"SV-2026-00000{last}" for last in range(1, 8)])
    assert [one["id"] for one in known] == ["SV-2026-000004.back_dated_event.4"]
    assert datetime.combine(date.fromisoformat(known[0]["on"]), time(), UTC).date() == date(2026, 6, 2)
