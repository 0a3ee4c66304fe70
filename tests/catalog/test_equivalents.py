"""Evidence from another scheme counts when a second person has confirmed it, and is never a certificate."""

import itertools
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from services.catalog.equivalents import rules, store
from services.catalog.equivalents.rules import MOVES, EventKind, Status, Step
from services.catalog.products import store as products
from services.catalog.specifications import store as specifications
from services.chassis import clock
from services.chassis.db import Database
from services.chassis.values import seed_id
from tests.catalog.conftest import EDITOR, FJORDVAKT, HAVORN, errors, problem, walk
from tests.issuer import Issuer

BODY, LABORATORY, NORDLYS = "100000040", "100000059", "100000024"
CONFIRMED, RECORDED = (str(seed_id(f"equivalent:{name}")) for name in ("confirmed", "recorded"))
NEW: dict[str, Any] = {
    "product": "havorn-tilsyn",
    "specification": "velferdsteknologi-datautveksling",
    "specification_version": "1.0",
    "requirements": ["VT1-01", "VT1-02"],
    "scheme": "Nordisk ordning",
    "issuer": "Nordisk sertifisering AB",
    "issuer_country": "SE",
    "reference": "NOV-1",
    "valid_from_on": "2026-01-01",
    "valid_to_on": "2029-12-31",
    "reason": "Prøver det samme",
    "evidence": [{"description": "Sertifikat", "sha256": "ab" * 32, "dated_on": "2026-01-01"}],
}


def assessor(issuer: Issuer, organisation: str = LABORATORY, person: str = "vurderer") -> dict[str, str]:
    return as_(issuer, organisation, "certification.assess", person)


def decider(issuer: Issuer, organisation: str = BODY, person: str = "beslutter") -> dict[str, str]:
    return as_(issuer, organisation, "certification.decide", person)


def as_(issuer: Issuer, organisation: str, scope: str, person: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {issuer.token(organisation, scope, client_id=person)}"}


def record(catalog: TestClient, issuer: Issuer, headers: dict[str, str] | None = None, **changed: Any) -> Any:
    return catalog.post("/equivalents", json=NEW | changed, headers=headers or assessor(issuer))


def take(catalog: TestClient, headers: dict[str, str], id: str, step: str) -> Any:
    return catalog.post(f"/equivalents/{id}/{step}", json={"reason": "Sammenlignet"}, headers=headers)


def listed(catalog: TestClient, headers: dict[str, str] | None = None, **query: str) -> list[str]:
    answer = catalog.get("/equivalents", params=query, headers=headers or {})
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["items"]]


def test_it_counts_and_is_seen_when_another_person_has_confirmed_it(
    catalog: TestClient, issuer: Issuer, database: Database
) -> None:
    answer = record(catalog, issuer)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["status"], made["recorded_by"]) == ("recorded", LABORATORY)
    path = answer.headers["Location"]
    assert problem(catalog.get(path)) == (404, "equivalent-not-found")
    assert problem(catalog.get(path, headers=as_(issuer, NORDLYS, "certification.apply", "x")))[0] == 404
    assert catalog.get(path, headers=as_(issuer, HAVORN, "certification.apply", "x")).json() == made, "its supplier"
    assert listed(catalog, product="havorn-tilsyn") == []
    assert listed(catalog, decider(issuer), product="havorn-tilsyn") == [made["id"]]

    confirmed = take(catalog, decider(issuer), made["id"], "confirm")
    assert confirmed.status_code == 200, confirmed.text
    assert [one["kind"] for one in confirmed.json()["events"]] == ["recorded", "confirmed"]
    assert catalog.get(path).json()["status"] == "confirmed"
    assert listed(catalog, product="havorn-tilsyn", confirmed_on=str(clock.today())) == [made["id"]]
    (held,) = in_force(database, "havorn-tilsyn", clock.today())
    assert (str(held.uuid), held.requirements) == (made["id"], ["VT1-01", "VT1-02"])
    asked = {"product": "havorn-tilsyn", "specification": "velferdsteknologi-datautveksling"}
    assert catalog.post("/verify", json=asked).json()["verdict"] == "not_valid", "it is no certificate"

    assert take(catalog, decider(issuer), made["id"], "revoke").json()["status"] == "revoked"
    assert in_force(database, "havorn-tilsyn", clock.today()) == []
    assert catalog.get(path).json()["status"] == "revoked", "and can still be read"


def in_force(database: Database, slug: str, on: date) -> list[store.InForce]:
    with database.reading() as reader:
        product = products.find(reader, slug)
        version = specifications.find_version(reader, "velferdsteknologi-datautveksling", "1.0")
        assert product
        assert version
        return store.in_force(reader, product.id, version.id, on)


def test_whoever_recorded_it_does_not_decide_on_it(catalog: TestClient, issuer: Issuer) -> None:
    made = record(catalog, issuer, assessor(issuer, BODY, "same"))
    same = decider(issuer, BODY, "same")
    for step in ("confirm", "reject"):
        assert problem(take(catalog, same, made.json()["id"], step)) == (403, "confirmed-by-recorder")
    assert take(catalog, decider(issuer, BODY, "other"), made.json()["id"], "reject").status_code == 200
    again = take(catalog, decider(issuer, BODY, "other"), made.json()["id"], "confirm")
    assert problem(again) == (409, "equivalent-step-refused")
    assert again.json()["errors"][0]["state"] == "rejected"
    assert problem(catalog.get(made.headers["Location"]))[0] == 404, "what was rejected is not public"


@pytest.mark.parametrize("interested", [HAVORN, EDITOR], ids=["the supplier", "the component's owner"])
def test_nobody_takes_part_who_has_an_interest(shared_catalog: TestClient, issuer: Issuer, interested: str) -> None:
    assert problem(record(shared_catalog, issuer, assessor(issuer, interested))) == (403, "interested-in-product")
    for step in ("confirm", "reject"):
        refused = take(shared_catalog, decider(issuer, interested), RECORDED, step)
        assert problem(refused) == (403, "interested-in-product")


def test_every_rule_that_fails_is_told(shared_catalog: TestClient, issuer: Issuer) -> None:
    answer = record(
        shared_catalog,
        issuer,
        assessor(issuer, HAVORN),
        issuer_country="XX",
        requirements=["VT1-01", "VT1-01", "VT9-99"],
        valid_from_on="2020-01-02",
        valid_to_on="2020-01-01",
        evidence=[NEW["evidence"][0] | {"file": str(seed_id("nothing"))}],
    )
    assert errors(answer) == {
        ("interested-in-product", ""),
        ("issuer-country-unknown", "#/issuer_country"),
        ("equivalent-period-invalid", "#/valid_to_on"),
        ("equivalent-run-out", "#/valid_to_on"),
        ("equivalent-requirement-repeated", "#/requirements/1"),
        ("equivalent-requirement-unknown", "#/requirements/2"),
        ("evidence-file-unknown", "#/evidence/0/file"),
    }
    unknown = record(shared_catalog, issuer, product="nothing", specification_version="9.9")
    assert errors(unknown) == {
        ("equivalent-product-unknown", "#/product"),
        ("equivalent-version-unknown", "#/specification_version"),
    }


def test_lists_are_filtered_and_go_on(shared_catalog: TestClient, issuer: Issuer) -> None:
    assert listed(shared_catalog) == [CONFIRMED]
    assert listed(shared_catalog, specification="velferdsteknologi-trygghetstjeneste") == []
    assert listed(shared_catalog, confirmed_on="2026-04-01") == [], "not confirmed yet"
    assert listed(shared_catalog, confirmed_on="2029-03-01") == [], "run out"
    headers = decider(issuer)
    first = shared_catalog.get("/equivalents", params={"limit": 1}, headers=headers)
    second = shared_catalog.get(first.links["next"]["url"], headers=headers)
    ids = [first.json()["items"][0]["id"], second.json()["items"][0]["id"]]
    assert sorted(ids) == sorted([CONFIRMED, RECORDED])
    assert len(walk(shared_catalog, "/equivalents", product="nordlys-tilsyn")) == 1


def test_it_takes_a_decision_only_as_it_was_read(catalog: TestClient, issuer: Issuer) -> None:
    stale = take(catalog, decider(issuer) | {"If-Match": '"2"'}, RECORDED, "confirm")
    assert problem(stale) == (412, "stale")
    assert take(catalog, decider(issuer) | {"If-Match": '"1"'}, RECORDED, "confirm").status_code == 200


def test_what_happens_is_told_to_whom_it_concerns(catalog: TestClient, issuer: Issuer) -> None:
    record(catalog, issuer)
    take(catalog, decider(issuer), RECORDED, "confirm")

    def kinds(headers: dict[str, str]) -> list[str]:
        items = catalog.get("/events", params={"limit": 200}, headers=headers).json()["items"]
        return [one["type"] for one in items if one["type"].startswith("equivalent.")]

    assert kinds({}) == ["equivalent.confirmed"]
    assert kinds(as_(issuer, HAVORN, "certification.apply", "x")) == ["equivalent.recorded", "equivalent.confirmed"]
    assert kinds(as_(issuer, FJORDVAKT, "certification.apply", "x")) == ["equivalent.confirmed"]


def test_what_was_decided_is_never_changed(database: Database, catalog: TestClient) -> None:
    for statement in ("UPDATE equivalent SET reason = 'x'", "DELETE FROM equivalent_event"):
        with pytest.raises(DBAPIError, match="never changed or removed"), database.writing() as session:
            session.execute(sa.text(statement))


# ---- Rules

DAY = date(2027, 3, 1)
VALIDITY = rules.Validity(DAY - timedelta(days=10), DAY + timedelta(days=10))
TO = {
    Status.RECORDED: [EventKind.RECORDED],
    Status.CONFIRMED: [EventKind.RECORDED, EventKind.CONFIRMED],
    Status.REJECTED: [EventKind.RECORDED, EventKind.REJECTED],
    Status.REVOKED: [EventKind.RECORDED, EventKind.CONFIRMED, EventKind.REVOKED],
    Status.NOT_YET_VALID: [EventKind.RECORDED, EventKind.CONFIRMED],
    Status.EXPIRED: [EventKind.RECORDED, EventKind.CONFIRMED],
}
ON = {Status.NOT_YET_VALID: DAY - timedelta(days=11), Status.EXPIRED: DAY + timedelta(days=11)}


@pytest.mark.parametrize(("state", "step"), list(itertools.product(Status, Step)))
def test_only_the_steps_of_the_table_are_taken(state: Status, step: Step) -> None:
    on = ON.get(state, DAY)
    known = [rules.Event(kind, on) for kind in TO[state]]
    assert rules.status_on(known, VALIDITY, on) is state
    found = rules.check_step(known, VALIDITY, step, on, interested=(), caller=BODY, client="b", recorded_by="a")
    assert bool(found) == ((state, step) not in MOVES)
    if not found:
        after = [*known, rules.Event(rules.EVENTS[step], on)]
        assert rules.status_on(after, VALIDITY, on) is MOVES[state, step]


def test_what_has_run_out_is_not_confirmed() -> None:
    on = ON[Status.EXPIRED]
    known = [rules.Event(EventKind.RECORDED, DAY)]
    (found,) = rules.check_step(
        known, VALIDITY, Step.CONFIRM, on, interested=(), caller=BODY, client="b", recorded_by="a"
    )
    assert isinstance(found, rules.EquivalentRunOut)


@given(st.lists(st.sampled_from(EventKind), max_size=6), st.integers(-15, 15))
def test_nothing_counts_that_was_not_confirmed(kinds: list[EventKind], day: int) -> None:
    on = DAY + timedelta(days=day)
    known = [rules.Event(kind, DAY) for kind in kinds]
    if rules.status_on(known, VALIDITY, on) is Status.CONFIRMED:
        assert on >= DAY
        assert VALIDITY.from_on <= on <= VALIDITY.to_on
        assert EventKind.RECORDED in kinds
        assert kinds.index(EventKind.CONFIRMED) > kinds.index(EventKind.RECORDED)


def test_the_database_says_confirmed_where_the_rules_do(database: Database, catalog: TestClient) -> None:
    with database.reading() as reader:
        sight = store.Sight(everything=True)
        for day in (-400, -218, -217, 0, 800, 830, 831, 900):
            on = date(2026, 11, 24) + timedelta(days=day)
            found = {
                row.uuid
                for row in store.page(
                    reader, None, 50, sight, product="nordlys-tilsyn", specification=None, confirmed_on=on
                )
            }
            row = store.shown(reader, UUID(CONFIRMED), sight)
            known = [rules.Event(EventKind(e["kind"]), date.fromisoformat(e["effective_on"])) for e in row.events]
            validity = rules.Validity(row.valid_from_on, row.valid_to_on)
            assert bool(found) == (rules.status_on(known, validity, on) is Status.CONFIRMED), on
            assert {one.uuid for one in in_force(database, "nordlys-tilsyn", on)} == found
