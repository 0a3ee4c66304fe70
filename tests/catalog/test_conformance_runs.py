"""Conformance runs: who may ask, whose endpoint may be called, and that the worker does each run once, to its end."""

import asyncio
import os
import select
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import psycopg
import pytest
from fastapi.testclient import TestClient

from services.catalog import jobs
from services.catalog.app import create_app
from services.catalog.conformance_runs import store
from services.catalog.conformance_runs.rules import Outcome, Reason, Step
from services.catalog.settings import Settings
from services.chassis import clock
from services.chassis import jobs as chassis_jobs
from services.chassis.db import PROJECT, Database
from services.chassis.values import seed_id
from tests.catalog.conftest import BRONNOY, EDITOR, FJORDVAKT, HAVORN, problem
from tests.catalog.supplier_api import Endpoint, listening, reply
from tests.conftest import state
from tests.issuer import Issuer

LABORATORY = "100000059"
APPROVED, PROPOSED = (f"/test-endpoints/{seed_id(f'test-endpoint:{one}')}" for one in ("fjordvakt", "proposed"))
FINISHED, QUEUED = (f"/conformance-runs/{seed_id(f'conformance-run:{one}')}" for one in ("fjordvakt", "queued"))
RUN = {
    "product": "fjordvakt-alarm",
    "version": "3.2",
    "specification": "velferdsteknologi-datautveksling",
    "specification_version": "1.0",
    "requirements": ["VT1-01"],
    "interface": "velferdsteknologi-varsler",
    "interface_version": "2.0",
}
ALERT = {
    "id": "8d3c1a52-0b7e-4f3c-9d6a-1f2e3d4c5b6a",
    "oppsto": "2026-11-24T12:00:00Z",
    "type": "fall",
    "rom": "12",
    "kommunenummer": "1813",
}


class Supplier(Endpoint):
    """Answers by the seeded interface, version 2.0."""

    def answer(self, page: Any, body: bytes) -> None:
        if self.wrong == "hangs":
            return super().answer(page, body)
        path = page.path.partition("?")[0]
        if path.endswith("/kvitteringer"):
            return reply(page, 204, b"")
        if path.endswith("/varsler") and "kommunenummer=" not in page.path:
            return reply(page, 400, b"")
        shown: Any = ALERT if "/varsler/" in path else [ALERT]
        return reply(page, 200, orjson.dumps(shown), {"Content-Type": "application/json"})


@pytest.fixture
def supplier(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(FJORDVAKT, "certification.apply")


@pytest.fixture
def assessor(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(LABORATORY, "certification.assess")


@contextmanager
def sandbox(url: str, issuer: Issuer, port: int, **other: Any) -> Iterator[tuple[TestClient, jobs.Conformance]]:
    """The catalogue, and its worker's part for runs, in an installation that opens one port of this machine."""
    given: dict[str, Any] = {
        "conformance_plain_http": True,
        "conformance_allowed_networks": [f"127.0.0.1/32:{port}"],
        "conformance_cases": 60,
        "conformance_cases_per_operation": 10,
    }
    settings = Settings(database_url=url, issuers=[issuer.trusted()], **given | other)
    database = Database(url, connections=4)
    try:
        with TestClient(create_app(settings)) as client:
            yield client, jobs.Conformance(database, settings)
    finally:
        database.close()


def endpoint_of(catalog: TestClient, port: int, supplier: dict[str, str], assessor: dict[str, str]) -> str:
    new = {"product": "fjordvakt-alarm", "base_url": f"http://127.0.0.1:{port}/api"}
    made = catalog.post("/test-endpoints", json=new, headers=supplier)
    assert made.status_code == 201, made.text
    path = str(made.headers["Location"])
    approved = catalog.post(f"{path}/approve", json={}, headers=assessor)
    assert approved.json()["state"] == "approved", approved.text
    return path


def asked(catalog: TestClient, endpoint: str, headers: dict[str, str], **other: Any) -> Any:
    return catalog.post(
        "/conformance-runs", json=RUN | {"endpoint": endpoint.rpartition("/")[2]} | other, headers=headers
    )


def waiting(url: str) -> list[str]:
    """Runs that a job waits for, without the seeded one."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT args->>'run' FROM procrastinate_jobs WHERE task_name = %s AND status = 'todo' ORDER BY id",
            [store.TASK],
        ).fetchall()
    return [run for (run,) in rows if run not in QUEUED]


def work(url: str, worker: jobs.Conformance) -> None:
    """Everything that waits is done, by procrastinate's own worker."""

    async def done() -> None:
        app = chassis_jobs.new_app(Database(url, connections=1))
        app.task(name=store.TASK, queue="default")(worker.test)
        async with app.open_async():
            await app.run_worker_async(wait=False, install_signal_handlers=False)

    asyncio.run(done())


# ---- The whole way


def test_a_run_goes_its_whole_way_to_evidence(
    url: str, issuer: Issuer, supplier: dict[str, str], assessor: dict[str, str]
) -> None:
    with listening(Supplier()) as port, sandbox(url, issuer, port) as (catalog, worker):
        run = asked(catalog, endpoint_of(catalog, port, supplier, assessor), supplier)
        assert run.status_code == 201, run.text
        path = run.headers["Location"]
        assert (run.json()["state"], waiting(url)) == ("queued", [run.json()["id"]])
        assert problem(catalog.get(f"{path}/report", headers=supplier)) == (404, "report-missing")
        work(url, worker)
        assert waiting(url) == []
        done = catalog.get(path, headers=supplier).json()
        assert (done["state"], done["verdict"], done["reason"]) == ("finished", "passed", None)
        assert [one["step"] for one in done["events"]] == ["start", "finish"]
        took = done["events"][-1]["detail"]
        assert took["memory_bytes"] < took["limits"]["memory_bytes"]
        assert took["cpu_seconds"] < took["limits"]["cpu_seconds"]
        report = catalog.get(f"{path}/report", headers=assessor).json()
        assert report["coverage"] == {"operations": 3, "called": 3, "succeeded": 3}
        assert report["failures"] == []
        for headers in (supplier, assessor):
            kept = catalog.get(f"/evidence-files/{done['evidence']}/content", headers=headers)
            assert kept.json()["run"] == done["id"]
        told = [one for one in walk_events(catalog, supplier) if one["subject"] == path]
        assert [one["type"] for one in told] == ["conformance-run.asked", "conformance-run.finish"]
        assert told[-1]["data"]["verdict"] == "passed"


def walk_events(catalog: TestClient, headers: dict[str, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = 0
    while True:
        page = catalog.get("/events", params={"after": after, "limit": 200}, headers=headers).json()
        if not page["items"]:
            return found
        found += page["items"]
        after = page["next"]


def test_a_verdict_of_failed_tells_how_to_see_it_oneself(
    url: str, issuer: Issuer, supplier: dict[str, str], assessor: dict[str, str]
) -> None:
    with listening(Endpoint()) as port, sandbox(url, issuer, port) as (catalog, worker):
        run = asked(catalog, endpoint_of(catalog, port, supplier, assessor), assessor)
        worker.test(run.json()["id"])
        done = catalog.get(run.headers["Location"], headers=supplier).json()
        assert (done["state"], done["verdict"]) == ("finished", "failed")
        failures = catalog.get(f"{run.headers['Location']}/report", headers=supplier).json()["failures"]
        assert failures
        assert all(one["example"].startswith("curl -X ") for one in failures if one["operation"])


# ---- Nobody's host is called that was not approved for it


def test_only_another_organisation_approves(
    shared_catalog: TestClient, issuer: Issuer, supplier: dict[str, str], editor: dict[str, str]
) -> None:
    for own in (FJORDVAKT, EDITOR):  # its supplier, and the owner of the component that it is offered for
        headers = issuer.bearer(own, "certification.assess")
        for step in ("approve", "refuse"):
            answer = shared_catalog.post(f"{PROPOSED}/{step}", json={"reason": "Eget"}, headers=headers)
            assert problem(answer) == (403, "endpoint-of-your-own")
    assert problem(shared_catalog.post(f"{PROPOSED}/approve", json={}, headers=supplier)) == (403, "scope-missing")


def test_what_was_approved_can_be_taken_back_until_it_is_called(
    url: str, issuer: Issuer, supplier: dict[str, str], assessor: dict[str, str]
) -> None:
    called = Supplier()
    with listening(called) as port, sandbox(url, issuer, port) as (catalog, worker):
        endpoint = endpoint_of(catalog, port, supplier, assessor)
        run = asked(catalog, endpoint, supplier).json()
        assert catalog.post(f"{endpoint}/refuse", json={"reason": "Feil"}, headers=assessor).status_code == 200
        worker.test(run["id"])
        done = catalog.get(f"/conformance-runs/{run['id']}", headers=supplier).json()
        assert (done["state"], done["reason"], done["verdict"]) == ("error", "address_refused", None)
        assert called.seen == []
        assert problem(asked(catalog, endpoint, supplier)) == (409, "endpoint-not-approved")


def test_an_installation_opens_only_what_its_settings_list(
    shared_catalog: TestClient, supplier: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(base_url: str) -> set[str]:
        answer = shared_catalog.post(
            "/test-endpoints", json={"product": "fjordvakt-alarm", "base_url": base_url}, headers=supplier
        )
        assert answer.status_code == 422, answer.text
        return {one["type"].removeprefix("/problems/") for one in answer.json()["errors"]}

    assert refused("http://test.fjordvakt.example/api") == {"scheme-not-allowed", "port-not-allowed"}
    assert refused("https://test.fjordvakt.example:8443/api") == {"port-not-allowed"}
    assert refused("https://169.254.169.254/latest") == {"url-unusable"}
    assert refused("https://[::1]/api") == {"url-unusable"}
    monkeypatch.setenv("SAMVIRKE_ENV", "production")
    real: dict[str, Any] = {
        "database_url": "postgresql://127.0.0.1/none",
        "issuers": [],
        "public_url": "https://katalog.example",
    }
    Settings(**real)
    for opened in ({"conformance_allowed_networks": ["127.0.0.1/32:80"]}, {"conformance_plain_http": True}):
        with pytest.raises(ValueError, match="on the Internet only"):
            Settings(**real | opened)


def test_a_secret_is_not_kept(shared_catalog: TestClient, supplier: dict[str, str]) -> None:
    for name, value in (
        ("Authorization", "x"),
        ("X-Api-Key", "x"),
        ("X-Tenant", "Bearer abc"),
        ("X-Tenant", "eyJhbGciOi"),
        ("X-Tenant", "9f86d081884c7d659a2feaa0c55ad015"),
    ):
        new = {"product": "fjordvakt-alarm", "base_url": "https://a.example", "headers": {name: value}}
        assert problem(shared_catalog.post("/test-endpoints", json=new, headers=supplier)) == (422, "secret-refused")


def test_others_learn_nothing_of_it(
    shared_catalog: TestClient, issuer: Issuer, supplier: dict[str, str], assessor: dict[str, str]
) -> None:
    other = issuer.bearer(HAVORN, "certification.apply")
    for path, missing in (
        (APPROVED, "endpoint-not-found"),
        (FINISHED, "run-not-found"),
        (f"{FINISHED}/report", "run-not-found"),
    ):
        assert problem(shared_catalog.get(path, headers=other)) == (404, missing)
        assert shared_catalog.get(path, headers=supplier).status_code == 200
        assert shared_catalog.get(path, headers=assessor).status_code == 200
        assert problem(shared_catalog.get(path)) == (401, "token-missing")
        assert problem(shared_catalog.get(path, headers=issuer.bearer(BRONNOY))) == (403, "scope-missing")
    assert problem(shared_catalog.post(f"{QUEUED}/cancel", json={}, headers=other)) == (404, "run-not-found")
    assert problem(shared_catalog.post(f"{APPROVED}/withdraw", json={}, headers=other)) == (404, "endpoint-not-found")
    assert problem(asked(shared_catalog, APPROVED, other)) == (404, "endpoint-not-found")
    for path in ("/test-endpoints", "/conformance-runs"):
        assert shared_catalog.get(path, headers=other).json()["items"] == []
        assert shared_catalog.get(path, headers=supplier).json()["items"]


def test_lists_are_told_in_pages_and_by_what_is_asked(shared_catalog: TestClient, assessor: dict[str, str]) -> None:
    first = shared_catalog.get("/test-endpoints", params={"limit": 1, "state": "approved"}, headers=assessor)
    assert len(first.json()["items"]) == 1
    assert "state=approved" in first.headers["Link"]
    second = shared_catalog.get(
        "/test-endpoints", params={"limit": 1, "state": "approved", "after": first.json()["next"]}, headers=assessor
    )
    both = first.json()["items"] + second.json()["items"]
    assert {one["state"] for one in both} == {"approved"}
    assert both[0]["id"] < both[1]["id"]
    for query, found in (
        ({"state": "queued"}, [QUEUED]),
        ({"state": ["queued", "finished"], "product": "fjordvakt-alarm"}, [QUEUED, FINISHED]),
        ({"endpoint": APPROVED.rpartition("/")[2]}, [FINISHED]),
        ({"product": "havorn-alarm"}, []),
    ):
        items = shared_catalog.get("/conformance-runs", params=query, headers=assessor).json()["items"]
        assert {f"/conformance-runs/{one['id']}" for one in items} == set(found)


# ---- A run is done once, to its end, whatever becomes of its workers


def test_of_two_that_ask_at_once_one_is_told_that_it_runs(
    url: str, issuer: Issuer, supplier: dict[str, str], assessor: dict[str, str]
) -> None:
    with listening(Supplier()) as port, sandbox(url, issuer, port) as (catalog, _):
        endpoint = endpoint_of(catalog, port, supplier, assessor)
        answers: list[Any] = []
        both = [threading.Thread(target=lambda: answers.append(asked(catalog, endpoint, supplier))) for _ in range(2)]
        for one in both:
            one.start()
        for one in both:
            one.join()
        assert sorted(one.status_code for one in answers) == [201, 409]
        assert len(waiting(url)) == 1
        assert problem(asked(catalog, endpoint, supplier)) == (409, "run-already-open")


def test_a_run_whose_worker_was_killed_is_begun_again_and_given_up_at_last(
    url: str, issuer: Issuer, supplier: dict[str, str], assessor: dict[str, str]
) -> None:
    with listening(Supplier()) as port, sandbox(url, issuer, port) as (catalog, worker):
        database: Database = state(catalog).database
        first = asked(catalog, endpoint_of(catalog, port, supplier, assessor), supplier).json()
        uuid = UUID(first["id"])
        for attempt in (1, 2):  # a worker that begins, and is never heard of again
            with database.writing() as session:
                begun = store.begin(session, uuid, clock.now())
            assert begun
            assert begun[0] == attempt
        worker.test(first["id"])
        done = catalog.get(f"/conformance-runs/{uuid}", headers=supplier).json()
        assert [one["step"] for one in done["events"]] == ["start", "start", "start", "finish"]
        assert done["events"][-1]["detail"]["attempt"] == 3
        worker.test(first["id"])  # the job may come twice
        assert catalog.get(f"/conformance-runs/{uuid}", headers=supplier).json() == done

        second = asked(catalog, f"/{done['endpoint']}", supplier).json()
        for _ in range(3):
            with database.writing() as session:
                store.begin(session, UUID(second["id"]), clock.now())
        worker.test(second["id"])
        dead = catalog.get(f"/conformance-runs/{second['id']}", headers=supplier).json()
        assert (dead["state"], dead["reason"], dead["events"][-1]["step"]) == ("error", "abandoned", "give_up")


WORKER = """
import sys
from services.catalog.jobs import Conformance
from services.catalog.settings import Settings
from services.chassis.db import Database
settings = Settings()
Conformance(Database(settings.database_url), settings).test(sys.argv[1])
"""


TABLES = """
import services.catalog.jobs
from services.catalog.db import Table
for table in Table.metadata.tables.values():
    for key in table.foreign_keys:
        assert key.column is not None
"""


def test_a_worker_knows_every_table_that_its_own_refer_to() -> None:
    subprocess.run([sys.executable, "-c", TABLES], env={"PYTHONPATH": str(PROJECT)}, check=True)


def test_with_a_worker_dies_what_it_started_and_another_takes_up_the_run(
    url: str, issuer: Issuer, supplier: dict[str, str], assessor: dict[str, str]
) -> None:
    hangs = Supplier("hangs")
    with listening(hangs) as port, sandbox(url, issuer, port) as (catalog, worker):
        run = asked(catalog, endpoint_of(catalog, port, supplier, assessor), supplier).json()
        environment = {
            "CATALOG_DATABASE_URL": url,
            "CATALOG_CONFORMANCE_PLAIN_HTTP": "true",
            "CATALOG_CONFORMANCE_ALLOWED_NETWORKS": f'["127.0.0.1/32:{port}"]',
            "CATALOG_CONFORMANCE_ANSWER_SECONDS": "60",
            "PYTHONPATH": str(PROJECT),
        }
        with subprocess.Popen([sys.executable, "-c", WORKER, run["id"]], env=environment) as killed:
            assert hangs.arrived.wait(60)
            (started,) = Path(f"/proc/{killed.pid}/task/{killed.pid}/children").read_text().split()
            watched = os.pidfd_open(int(started))
            killed.kill()
        gone, _, _ = select.select([watched], [], [], 20)
        os.close(watched)
        assert gone, "the run that nobody waits for is ended by the kernel"
        hangs.wrong = None
        worker.test(run["id"])
        done = catalog.get(f"/conformance-runs/{run['id']}", headers=supplier).json()
        assert [one["step"] for one in done["events"]] == ["start", "start", "finish"]
        assert done["verdict"] == "passed"


def test_what_an_earlier_attempt_brings_late_is_not_kept(
    url: str, issuer: Issuer, supplier: dict[str, str], assessor: dict[str, str]
) -> None:
    with listening(Supplier()) as port, sandbox(url, issuer, port) as (catalog, _):
        database: Database = state(catalog).database
        uuid = UUID(asked(catalog, endpoint_of(catalog, port, supplier, assessor), supplier).json()["id"])
        for _ in range(2):
            with database.writing() as session:
                store.begin(session, uuid, clock.now())
        late = Outcome(Step.FAIL, reason=Reason.BROKEN)
        with database.writing() as session:
            assert not store.finish(session, uuid, 1, late, clock.now(), {})
        with database.writing() as session:
            assert store.finish(session, uuid, 2, late, clock.now(), {})


def test_a_run_that_another_worker_has_in_hand_comes_again_later(
    url: str, issuer: Issuer, supplier: dict[str, str], assessor: dict[str, str]
) -> None:
    with listening(Supplier()) as port, sandbox(url, issuer, port) as (catalog, worker):
        database: Database = state(catalog).database
        run = asked(catalog, endpoint_of(catalog, port, supplier, assessor), supplier).json()
        with store.held(database, UUID(run["id"])) as alone:
            assert alone
            worker.test(run["id"])
            assert catalog.get(f"/conformance-runs/{run['id']}", headers=supplier).json()["state"] == "queued"
            assert waiting(url) == [run["id"], run["id"]]
        worker.test(run["id"])
        assert catalog.get(f"/conformance-runs/{run['id']}", headers=supplier).json()["verdict"] == "passed"


def test_a_run_is_cancelled_before_and_while_it_runs(
    url: str, issuer: Issuer, supplier: dict[str, str], assessor: dict[str, str]
) -> None:
    hangs = Supplier("hangs")
    with listening(hangs) as port, sandbox(url, issuer, port, conformance_answer_seconds=60) as (catalog, worker):
        endpoint = endpoint_of(catalog, port, supplier, assessor)
        first = asked(catalog, endpoint, supplier)
        path = first.headers["Location"]
        stale = catalog.post(f"{path}/cancel", json={}, headers=supplier | {"If-Match": '"99"'})
        assert problem(stale) == (412, "stale")
        gone = catalog.post(f"{path}/cancel", json={"reason": "Feil versjon"}, headers=supplier)
        assert gone.json()["state"] == "cancelled"
        worker.test(first.json()["id"])
        assert hangs.seen == []
        assert problem(catalog.post(f"{path}/cancel", json={}, headers=supplier)) == (409, "run-step-refused")

        second = asked(catalog, endpoint, supplier).json()
        working = threading.Thread(target=worker.test, args=[second["id"]])
        working.start()
        hangs.arrived.wait(30)
        assert catalog.post(f"/conformance-runs/{second['id']}/cancel", json={}, headers=assessor).status_code == 200
        working.join(30)
        assert not working.is_alive(), "it was ended, though nobody answered it"
        done = catalog.get(f"/conformance-runs/{second['id']}", headers=supplier).json()
        assert [one["step"] for one in done["events"]] == ["start", "cancel"]
        assert done["evidence"] is None


def test_what_happened_is_never_changed(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for table in ("test_endpoint_event", "conformance_run_event"):
            for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET id = id", f"TRUNCATE {table}"):
                with pytest.raises(psycopg.errors.RaiseException):
                    connection.execute(statement)


def test_trying_first_keeps_nothing(catalog: TestClient, url: str, supplier: dict[str, str]) -> None:
    new = RUN | {"endpoint": APPROVED.rpartition("/")[2]}
    tried = catalog.post("/conformance-runs", params={"dry_run": "true"}, json=new, headers=supplier)
    assert (tried.status_code, tried.headers["Dry-Run"]) == (200, "true")
    assert waiting(url) == []


def test_a_draft_and_what_is_no_openapi_are_nothing_to_test_against(
    shared_catalog: TestClient, supplier: dict[str, str]
) -> None:
    for interface, version, wrong in (
        ("velferdsteknologi-varsler", "3.0", "contract-unsettled"),
        ("velferdsteknologi-hendelser", "1.0", "contract-missing"),
    ):
        answer = asked(shared_catalog, APPROVED, supplier, interface=interface, interface_version=version)
        assert problem(answer) == (409, wrong)
    several = asked(shared_catalog, APPROVED, supplier, version="9", requirements=["VT1-01", "X-99"])
    assert {one["pointer"] for one in several.json()["errors"]} == {"#/version", "#/requirements/1"}
