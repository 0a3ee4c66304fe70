"""A supplier is suspended from the scheme with everything that it holds, at once, and restored at once."""

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import hypothesis.strategies as st
import psycopg
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from hypothesis import given

from services.catalog.certificates import store as certificates
from services.catalog.organisations import store as organisations
from services.catalog.organisations.rules import Kind, Relation
from services.catalog.products import store as products
from services.catalog.specifications import store as specifications
from services.catalog.supplier_suspensions import rules, store
from services.catalog.supplier_suspensions.rules import MOVES, EventKind, Status, Step
from services.chassis import clock
from services.chassis.auth import Caller
from services.chassis.db import Database
from services.chassis.settings import IssuerKind
from services.chassis.values import seed_id
from tests.catalog.conftest import FJORDVAKT, errors, problem, walk
from tests.issuer import Issuer

BODY, OWNER, STILLVAKT = "100000040", "100000008", "100000075"
SUPPLIER = "100000091"
PRODUCT = "stjerne-alarm"
DAY = date(2027, 3, 1)


@pytest.fixture
def body(issuer: Issuer) -> dict[str, str]:
    """Headers of the certification body's decision-maker."""
    return issuer.bearer(BODY, "certification.decide")


@pytest.fixture
def held(database: Database) -> list[str]:
    """Numbers of the three certificates, valid today, of a supplier that the seed knows nothing of."""
    with database.writing() as session:
        supplier = organisations.new("Stjerne AS", [Kind.SUPPLIER], organisation_number=SUPPLIER)
        organisations.add(session, supplier)
        component = session.execute(
            sa.text("SELECT id FROM component WHERE slug = 'velferdsteknologi-trygghetsplattform'")
        ).scalar_one()
        product = products.Product(
            slug=PRODUCT,
            name={"nb": "Stjerne"},
            supplier_id=supplier.id,
            component_id=component,
            delivery_forms=["saas"],
            version="1.0",
        )
        products.add(session, product)
    return granted(database, 3, from_on=date(2026, 1, 1))


def suspend(catalog: TestClient, headers: dict[str, str], number: str = SUPPLIER, **more: str) -> Any:
    new = {"organisation_number": number, "reason": "Avvik er ikke fulgt opp"} | more
    return catalog.post("/supplier-suspensions", json=new, headers=headers)


def suspended(catalog: TestClient, headers: dict[str, str], number: str = SUPPLIER, **more: str) -> dict[str, Any]:
    answer = suspend(catalog, headers, number, **more)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def lift(catalog: TestClient, headers: dict[str, str], id: str, **more: str) -> Any:
    return catalog.post(f"/supplier-suspensions/{id}/lift", json={"reason": "Rettet"} | more, headers=headers)


def step(catalog: TestClient, headers: dict[str, str], number: str, name: str) -> Any:
    return catalog.post(f"/certificates/{number}/{name}", json={"reason": "Tilsyn"}, headers=headers)


def status(catalog: TestClient, number: str) -> str:
    return str(catalog.get(f"/certificates/{number}").json()["status"])


def told(catalog: TestClient, kind: str) -> list[dict[str, Any]]:
    """The feed's events of one type."""
    found: list[dict[str, Any]] = []
    after = 0
    while items := catalog.get("/events", params={"after": after, "limit": 200}).json()["items"]:
        found += [one for one in items if one["type"] == kind]
        after = items[-1]["id"]
    return found


# ---- All at once


def test_everything_that_the_supplier_holds_is_suspended_and_restored_together(
    catalog: TestClient, held: list[str], body: dict[str, str]
) -> None:
    made = suspended(catalog, body)
    assert made["status"] == "in_force"
    assert made["certificates"] == {"suspended": 3, "passed_over": 0}
    assert [status(catalog, number) for number in held] == ["suspended"] * 3
    assert status(catalog, "SV-2026-000001") == "valid", "another supplier's"
    assert {one["subject"] for one in told(catalog, "certificate.suspended")} == {f"/certificates/{n}" for n in held}
    (event,) = told(catalog, "supplier-suspension.suspended")
    assert event["subject"] == f"/supplier-suspensions/{made['id']}"
    assert event["data"] == {"supplier": SUPPLIER, "certificates": 3, "effective_on": made["effective_on"]}
    assert catalog.get(f"/supplier-suspensions/{made['id']}").json() == made

    answer = lift(catalog, body, made["id"])
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "lifted"
    assert [status(catalog, number) for number in held] == ["valid"] * 3
    restored = told(catalog, "certificate.restored")
    assert [(one["data"]["status"], one["data"]["supplier_suspension"]) for one in restored] == [
        ("valid", made["id"])
    ] * 3


def test_what_else_a_certificate_is_suspended_for_stays(
    catalog: TestClient, held: list[str], body: dict[str, str]
) -> None:
    assert step(catalog, body, held[0], "suspend").status_code == 200
    made = suspended(catalog, body)
    assert step(catalog, body, held[1], "suspend").status_code == 200, "a further ground of its own"
    assert lift(catalog, body, made["id"]).status_code == 200
    assert [status(catalog, number) for number in held] == ["suspended", "suspended", "valid"]
    assert step(catalog, body, held[0], "restore").status_code == 200
    assert status(catalog, held[0]) == "valid"


def test_a_single_restoration_does_not_undo_it(catalog: TestClient, held: list[str], body: dict[str, str]) -> None:
    suspended(catalog, body)
    assert problem(step(catalog, body, held[0], "restore")) == (409, "ground-not-open")
    assert status(catalog, held[0]) == "suspended"


def test_what_has_ended_is_passed_over_and_listed(catalog: TestClient, held: list[str], body: dict[str, str]) -> None:
    assert step(catalog, body, held[0], "withdraw").status_code == 200
    made = suspended(catalog, body)
    assert made["certificates"] == {"suspended": 2, "passed_over": 1}
    assert made["events"][0]["passed_over"] == [held[0]]
    path = f"/supplier-suspensions/{made['id']}/certificates"
    assert [(one["number"], one["outcome"], one["status"]) for one in walk(catalog, path, limit=2)] == [
        (held[0], "passed_over", "withdrawn"),
        (held[1], "suspended", "valid"),
        (held[2], "suspended", "valid"),
    ]
    assert [one["number"] for one in walk(catalog, path, outcome="passed_over")] == [held[0]]

    assert step(catalog, body, held[1], "withdraw").status_code == 200
    after = lift(catalog, body, made["id"]).json()
    assert after["events"][1]["passed_over"] == [held[1]]
    assert [status(catalog, number) for number in held] == ["withdrawn", "withdrawn", "valid"]


def test_one_that_expired_meanwhile_is_passed_over_and_would_not_stay_suspended(
    catalog: TestClient, held: list[str], body: dict[str, str], database: Database
) -> None:
    ended_on = date(2025, 6, 30)
    (number,) = granted(database, 1, from_on=date(2025, 1, 1), to_on=ended_on)
    made = suspended(catalog, body, effective_on=str(ended_on - timedelta(days=5)))
    assert made["back_dated"]
    assert made["certificates"] == {"suspended": 4, "passed_over": 0}, "of some it is decided before they begin"
    assert lift(catalog, body, made["id"]).json()["events"][1]["passed_over"] == [number]
    assert [one["kind"] for one in catalog.get(f"/certificates/{number}").json()["events"]] == [
        *("granted", "suspended", "restored")
    ], "or a renewal would be suspended for ever on what has been lifted"
    assert f"/certificates/{number}" not in {one["subject"] for one in told(catalog, "certificate.restored")}


def test_it_may_lie_ahead(catalog: TestClient, held: list[str], body: dict[str, str]) -> None:
    ahead = str(clock.today() + timedelta(days=30))
    made = suspended(catalog, body, effective_on=ahead)
    assert made["status"] == "not_yet_in_force"
    assert status(catalog, held[0]) == "valid"
    assert catalog.get(f"/certificates/{held[0]}", params={"on": ahead}).json()["status"] == "suspended"
    in_force = {"supplier": SUPPLIER, "in_force_on": ahead}
    assert [one["id"] for one in walk(catalog, "/supplier-suspensions", **in_force)] == [made["id"]]
    assert walk(catalog, "/supplier-suspensions", **in_force | {"in_force_on": str(clock.today())}) == []
    assert problem(lift(catalog, body, made["id"])) == (422, "step-before-suspension")
    assert lift(catalog, body, made["id"], effective_on=ahead).status_code == 200


def test_tried_only_it_does_nothing(catalog: TestClient, held: list[str], body: dict[str, str]) -> None:
    new = {"organisation_number": SUPPLIER, "reason": "Avvik"}
    answer = catalog.post("/supplier-suspensions?dry_run=true", json=new, headers=body)
    assert (answer.status_code, answer.json()["certificates"]["suspended"]) == (200, 3)
    assert status(catalog, held[0]) == "valid"
    assert walk(catalog, "/supplier-suspensions", supplier=SUPPLIER) == []


# ---- Who, and when not


def test_nobody_decides_who_has_an_interest(catalog: TestClient, held: list[str], issuer: Issuer) -> None:
    own = suspend(catalog, issuer.bearer(SUPPLIER, "certification.decide"))
    assert problem(own) == (403, "suspension-of-own-organisation")
    owner = suspend(catalog, issuer.bearer(OWNER, "certification.decide"))
    assert problem(owner) == (403, "interested-in-supplier")
    made = suspended(catalog, issuer.bearer(BODY, "certification.decide"))
    assert problem(lift(catalog, issuer.bearer(OWNER, "certification.decide"), made["id"])) == (
        403,
        "interested-in-supplier",
    )
    assert problem(suspend(catalog, issuer.bearer(BODY, "certification.assess")))[1] == "scope-missing"


def test_every_rule_that_fails_is_told(
    catalog: TestClient, held: list[str], body: dict[str, str], issuer: Issuer
) -> None:
    suspended(catalog, body)
    again = suspend(catalog, issuer.bearer(OWNER, "certification.decide"))
    assert errors(again) == {
        ("interested-in-supplier", ""),
        ("supplier-suspended-already", "#/organisation_number"),
    }
    assert problem(suspend(catalog, body, "964983291")) == (422, "supplier-unknown")


def test_it_is_lifted_once_and_only_as_it_was_read(catalog: TestClient, held: list[str], body: dict[str, str]) -> None:
    made = suspended(catalog, body)
    assert problem(lift(catalog, body | {"If-Match": '"7"'}, made["id"])) == (412, "stale")
    assert lift(catalog, body | {"If-Match": '"1"'}, made["id"]).status_code == 200
    again = lift(catalog, body, made["id"])
    assert problem(again) == (409, "supplier-step-refused")
    assert again.json()["errors"][0]["state"] == "lifted"
    assert suspended(catalog, body)["status"] == "in_force", "anew, after the first was lifted"


def test_it_reaches_what_the_supplier_has_become(
    catalog: TestClient, held: list[str], body: dict[str, str], database: Database
) -> None:
    with database.writing() as session:
        ids = organisations.ids_by_number(session)
        session.add(
            organisations.Succession(
                predecessor_id=ids[SUPPLIER],
                successor_id=ids[FJORDVAKT],
                kind=Relation.MERGER,
                effective_on=date(2026, 6, 1),
                source="Fusjon (fiktiv)",
                recorded_at=clock.now(),
            )
        )
        session.get_one(organisations.Organisation, ids[SUPPLIER]).existed_to_on = date(2026, 5, 31)
    own = len(walk(catalog, "/certificates", supplier=FJORDVAKT))
    made = suspended(catalog, body, FJORDVAKT)
    reached = walk(catalog, f"/supplier-suspensions/{made['id']}/certificates")
    assert len(reached) == own, "its own, and those of before the merger"
    assert set(held) <= {one["number"] for one in reached if one["outcome"] == "suspended"}
    with database.reading() as reader:
        today = clock.today()
        assert store.suspended_holders(reader, ids.values(), today) == {ids[FJORDVAKT], ids[SUPPLIER], ids[STILLVAKT]}
        assert store.holder_numbers(reader, store.by_uuid(reader, UUID(made["id"])), today) == {FJORDVAKT, SUPPLIER}
    assert [one["id"] for one in walk(catalog, "/supplier-suspensions", supplier=SUPPLIER)] == [made["id"]]


# ---- Many, and at the same time


def granted(
    database: Database, count: int, from_on: date = date(2030, 1, 1), to_on: date = date(2031, 12, 31)
) -> list[str]:
    """Numbers of so many certificates, one for each of as many versions of one product of Nordlys."""
    now = clock.now()
    with database.writing() as session:
        product = products.find(session, PRODUCT)
        version = specifications.find_version(session, "velferdsteknologi-datautveksling", "1.0")
        assert product
        assert version
        return [
            certificates.grant(
                session,
                certificates.Certificate(
                    number="",
                    product_id=product.id,
                    holder_id=product.supplier_id,
                    versions=[f"{from_on}.{place}"],
                    specification_version_id=version.id,
                    delivery_forms=["saas"],
                    valid_from_on=from_on,
                    valid_to_on=to_on,
                    decided_by=BODY,
                ),
                [],
                recorded_at=now,
                today=clock.on(now),
                reason="Vedtak",
            ).number
            for place in range(count)
        ]


@pytest.fixture
def holding(url: str) -> Iterator[Callable[[str], Callable[[], None]]]:
    """`release = holding("SELECT … FOR UPDATE")`: somebody else has these rows until they let go."""
    with psycopg.connect(url) as connection:

        def hold(statement: str) -> Callable[[], None]:
            connection.execute(statement.encode())
            return connection.rollback

        yield hold


def until_waiting(url: str, number: int) -> None:
    """Until so many statements wait for a lock that another transaction has."""
    with psycopg.connect(url, autocommit=True) as connection:
        waiting = 0
        while waiting < number:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            ).fetchone()
            assert row
            waiting = row[0]


def test_two_hundred_certificates_and_steps_on_some_of_them_in_the_middle(
    catalog: TestClient,
    held: list[str],
    body: dict[str, str],
    database: Database,
    url: str,
    holding: Callable[[str], Callable[[], None]],
) -> None:
    numbers = granted(database, 200)
    first, middle, last, one_more = numbers[0], numbers[100], numbers[199], numbers[150]
    release = holding(f"SELECT id FROM certificate WHERE number = '{middle}' FOR UPDATE")  # ours
    with ThreadPoolExecutor(3) as threads:
        whole = threads.submit(suspend, catalog, body)
        until_waiting(url, 1)  # it has the first hundred, and not the others
        withdrawn = threads.submit(step, catalog, body, first, "withdraw")
        until_waiting(url, 2)
        assert step(catalog, body, last, "withdraw").status_code == 200
        assert step(catalog, body, one_more, "suspend").status_code == 200
        release()
        made = whole.result()
        assert made.status_code == 201, made.text
        assert withdrawn.result().status_code == 200
    assert made.json()["certificates"] == {"suspended": 202, "passed_over": 1}
    assert made.json()["events"][0]["passed_over"] == [last]
    ground = f"supplier-suspension:{made.json()['id']}"
    with database.reading() as reader:
        events = reader.execute(
            sa.text(
                "SELECT c.number, array_agg(e.kind || COALESCE(':' || e.ground, '') ORDER BY e.id) AS kinds "
                "FROM certificate c JOIN certificate_event e ON e.certificate_id = c.id "
                "WHERE c.number = ANY(:numbers) GROUP BY 1"
            ),
            {"numbers": numbers},
        )
        kinds = {row.number: row.kinds for row in events}
    on_ground = f"suspended:{ground}"
    assert kinds.pop(first) == ["granted", on_ground, "withdrawn"]
    assert kinds.pop(last) == ["granted", "withdrawn"]
    assert kinds.pop(one_more) == ["granted", "suspended", on_ground]
    assert list(kinds.values()) == [["granted", on_ground]] * 197

    release = holding(f"SELECT id FROM certificate WHERE number = '{middle}' FOR UPDATE")  # ours
    with ThreadPoolExecutor(2) as threads:
        whole = threads.submit(lift, catalog, body, made.json()["id"])
        until_waiting(url, 1)
        withdrawn = threads.submit(step, catalog, body, numbers[1], "withdraw")
        until_waiting(url, 2)
        release()
        assert whole.result().status_code == 200, whole.result().text
        assert withdrawn.result().status_code == 200
    assert whole.result().json()["events"][1]["passed_over"] == [first]
    assert len(told(catalog, "certificate.restored")) == 201
    assert [status(catalog, number) for number in (numbers[1], middle, one_more, held[0])] == [
        *("withdrawn", "not_yet_valid", "not_yet_valid", "valid")
    ]


def test_two_suspensions_of_one_supplier_at_once_are_one(
    catalog: TestClient, held: list[str], body: dict[str, str], url: str, holding: Callable[[str], Callable[[], None]]
) -> None:
    release = holding(f"SELECT id FROM organisation WHERE organisation_number = '{SUPPLIER}' FOR UPDATE")
    with ThreadPoolExecutor(2) as threads:
        both = [threads.submit(suspend, catalog, body) for _ in range(2)]
        until_waiting(url, 2)
        release()
        assert sorted(one.result().status_code for one in both) == [201, 409]


def test_whoever_grants_is_waited_for(
    catalog: TestClient, held: list[str], body: dict[str, str], database: Database, url: str
) -> None:
    """A certificate that is being granted when the supplier is suspended is suspended with it."""
    with ThreadPoolExecutor(1) as threads:
        with database.writing() as session:
            holder = organisations.ids_by_number(session)[SUPPLIER]
            assert not store.is_suspended(session, holder, clock.today(), deciding=True)
            whole = threads.submit(suspend, catalog, body)
            until_waiting(url, 1)
        assert whole.result().status_code == 201
    with database.reading() as reader:
        assert store.is_suspended(reader, holder, clock.today())
        assert not store.is_suspended(reader, holder, clock.today() - timedelta(days=1))


# ---- Appeals


def test_a_stay_and_an_annulment_reach_every_certificate(
    catalog: TestClient, held: list[str], body: dict[str, str], database: Database
) -> None:
    made = suspended(catalog, body)
    acting = Caller(BODY, frozenset(), "klagebehandler", IssuerKind.MACHINE)

    def decide(what: Callable[..., None]) -> list[str]:
        now = clock.now()
        with database.writing() as session:
            suspension = store.locked(session, UUID(made["id"]))
            what(
                session,
                suspension,
                caller=acting,
                now=now,
                today=clock.on(now),
                effective_on=clock.on(now),
                reason="Klage",
            )
        return [status(catalog, number) for number in held]

    def state() -> str:
        return str(catalog.get(f"/supplier-suspensions/{made['id']}").json()["status"])

    assert decide(store.stay) == ["valid"] * 3
    assert state() == "stayed"
    assert problem(lift(catalog, body, made["id"])) == (409, "supplier-step-refused")
    with pytest.raises(rules.SupplierStepRefused):
        decide(store.stay)
    assert decide(store.end_stay) == ["suspended"] * 3
    assert state() == "in_force"
    assert decide(store.annul) == ["valid"] * 3
    assert state() == "annulled"
    assert len(told(catalog, "certificate.annulled")) == 3
    with database.reading() as reader:
        kept = store.by_uuid(reader, UUID(made["id"]))
        assert store.decided_by(kept) == (BODY, "test-client")
        assert store.interested(reader, kept, clock.today()) == {SUPPLIER, OWNER}


# ---- Rules


def events(*kinds: EventKind, on: date = DAY) -> list[rules.Event]:
    at = datetime(2027, 3, 1, 8, tzinfo=UTC)
    return [rules.Event(kind, on, at + timedelta(hours=place)) for place, kind in enumerate(kinds)]


TO = {
    Status.IN_FORCE: [EventKind.SUSPENDED],
    Status.STAYED: [EventKind.SUSPENDED, EventKind.STAYED],
    Status.LIFTED: [EventKind.SUSPENDED, EventKind.LIFTED],
    Status.ANNULLED: [EventKind.SUSPENDED, EventKind.ANNULLED],
}


@pytest.mark.parametrize(("state", "taken"), list(itertools.product(TO, Step)))
def test_only_the_steps_of_the_table_are_taken(state: Status, taken: Step) -> None:
    known = events(*TO[state])
    assert rules.decided(known) is state
    found = rules.check_step(known, taken, DAY)
    if (state, taken) in MOVES:
        assert not found
        after = events(*TO[state], rules.EVENTS[taken])
        assert rules.decided(after) is MOVES[state, taken]
        assert rules.status_on(after, DAY, known[-1].recorded_at + timedelta(days=1)) is MOVES[state, taken]
    else:
        assert [type(one) for one in found] == [rules.SupplierStepRefused]


def test_the_table_leads_out_of_nothing_final() -> None:
    assert {state for state, _ in MOVES} == set(TO) - {Status.ANNULLED}
    assert not rules.status_on([], DAY, datetime(2030, 1, 1, tzinfo=UTC))


HISTORIES = st.lists(
    st.tuples(st.sampled_from(list(rules.EVENTS.values())), st.integers(0, 6), st.integers(0, 20)), max_size=6
)


@given(HISTORIES, st.integers(-1, 8), st.integers(0, 25), st.sampled_from(list(rules.EVENTS.values())))
def test_what_was_known_of_a_day_never_changes(
    history: list[tuple[EventKind, int, int]], day: int, known: int, later: EventKind
) -> None:
    start = datetime(2027, 3, 1, tzinfo=UTC)
    past = [
        rules.Event(EventKind.SUSPENDED, DAY, start),
        *(rules.Event(kind, DAY + timedelta(days=on), start + timedelta(hours=at)) for kind, on, at in history),
    ]
    at = start + timedelta(hours=known)
    after = [*past, rules.Event(later, DAY - timedelta(days=9), at + timedelta(seconds=1))]
    on = DAY + timedelta(days=day)
    assert rules.status_on(past, on, at) is rules.status_on(after, on, at)


def test_the_database_says_in_force_where_the_rules_do(database: Database, catalog: TestClient) -> None:
    """Some hundred histories, each day of theirs."""
    start = datetime(2027, 3, 1, tzinfo=UTC)
    histories = [
        [(EventKind.SUSPENDED, 0), *zip(kinds, days, strict=True)]
        for kinds in itertools.product(rules.EVENTS.values(), repeat=2)
        for days in itertools.product((1, 3), (2, 3))
    ]
    known: dict[UUID, list[rules.Event]] = {}
    with database.writing() as session:
        holder = organisations.ids_by_number(session)[STILLVAKT]
        for history in histories:
            said: dict[str, Any] = {"reason": "Prøve", "organisation_number": BODY, "client": "prøve"}
            made = store.SupplierSuspension(holder_id=holder, effective_on=DAY, recorded_at=start, **said)
            session.add(made)
            session.flush()
            known[made.uuid] = [
                rules.Event(kind, DAY + timedelta(days=day), start + timedelta(hours=place))
                for place, (kind, day) in enumerate(history)
            ]
            session.add_all(
                store.SuspensionEvent(
                    suspension_id=made.id,
                    kind=one.kind,
                    effective_on=one.effective_on,
                    recorded_at=one.recorded_at,
                    back_dated=False,
                    **said,
                )
                for one in known[made.uuid]
            )
    seeded = seed_id(f"supplier-suspension:{STILLVAKT}")
    with database.reading() as reader:
        for day in range(-1, 6):
            on = DAY + timedelta(days=day)
            found = {row.uuid for row in store.page(reader, None, 500, suppliers=None, in_force_on=on)} - {seeded}
            assert found == {
                uuid
                for uuid, told in known.items()
                if rules.status_on(told, on, start + timedelta(days=9)) is Status.IN_FORCE
            }, on
