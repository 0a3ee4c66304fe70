"""What an operator relies on: one request id through all services, logs and metrics, and a clean stop."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.chassis import db
from tests.agreements import neighbours
from tests.conftest import NewDatabase
from tests.e2e.system import System, free_ports
from tests.issuer import Issuer

ORDER: dict[str, Any] = {
    "framework_agreement": "ra-2026-velferdsteknologi",
    "lot": "alarmer",
    "lines": [{"item": "alarm", "quantity": 1}],
    "needed_on": "2029-06-01",
}


def logged(system: System, service: str, request_id: str) -> list[dict[str, Any]]:
    """The lines of one request; a line is written after its answer has left, so it may have to be waited for."""
    path = Path(system.folder / "d" / "logs" / f"{service}.log")
    for _ in range(50):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        if found := [line for line in lines if line["request_id"] == request_id]:
            return found
        time.sleep(0.1)
    return []


def test_a_request_carries_its_id_through_the_services(system: System) -> None:
    request_id = f"e2e-{uuid.uuid4()}"
    headers = system.bearer("agreements.order") | {"Idempotency-Key": request_id, "X-Request-Id": request_id}
    answer = httpx.post(f"{system.url('agreements')}/call-offs", json=ORDER, headers=headers)
    assert (answer.status_code, answer.headers["x-request-id"]) == (201, request_id)
    (line,) = logged(system, "agreements", request_id)
    assert (line["route"], line["organisation"]) == ("/call-offs", "964983291")
    assert [line["route"] for line in logged(system, "catalog", request_id)] == ["/verify"]


def test_every_line_of_every_log_is_json(system: System) -> None:
    for path in (system.folder / "d" / "logs").glob("*.log"):
        for line in path.read_text().splitlines():
            json.loads(line)


@pytest.mark.parametrize("name", ["catalog", "agreements", "integration", "control"])
def test_every_service_tells_that_it_lives_and_what_it_did(system: System, name: str) -> None:
    assert httpx.get(f"{system.url(name)}/health/live").json() == {"status": "live"}
    assert httpx.get(f"{system.url(name)}/health/ready").json()["status"] == "ready"
    assert "http_requests_total" in httpx.get(f"{system.url(name)}/metrics").text
    assert httpx.get(f"{system.url(name)}/docs").status_code == 200


def test_a_service_that_is_stopped_finishes_what_is_in_flight(new_database: NewDatabase, issuer: Issuer) -> None:
    """Asked to stop while a call-off waits for a catalogue that hangs, it gives its answer before it ends."""
    (port,) = free_ports(1)
    with neighbours.listening(neighbours.hangs) as catalog_url:
        environment = os.environ | {
            "AGREEMENTS_DATABASE_URL": new_database("agreements", seeded=True),
            "AGREEMENTS_PORT": str(port),
            "AGREEMENTS_CATALOG_URL": catalog_url,
            "AGREEMENTS_ISSUERS": json.dumps([issuer.trusted().model_dump(mode="json")]),
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "services", "serve", "agreements"],
            env=environment,
            cwd=db.PROJECT,
            stdout=subprocess.DEVNULL,
        )
        try:
            _await(f"http://127.0.0.1:{port}/health/ready")
            answers: list[httpx.Response] = []
            headers = issuer.bearer("964983291", "agreements.order") | {"Idempotency-Key": "k"}
            asking = threading.Thread(
                target=lambda: answers.append(
                    httpx.post(f"http://127.0.0.1:{port}/call-offs", json=ORDER, headers=headers, timeout=10)
                )
            )
            asking.start()
            time.sleep(0.7)  # it waits for the catalogue now
            process.send_signal(signal.SIGTERM)
            asking.join(10)
            assert [answer.status_code for answer in answers] == [503]
            assert process.wait(10) in (0, -signal.SIGTERM)
        finally:
            process.kill()
            process.wait()


def _await(url: str) -> None:
    for _ in range(200):
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"{url} does not get ready")
