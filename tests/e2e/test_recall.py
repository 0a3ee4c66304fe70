"""A certificate is suspended in the catalogue: who uses the product and who has ordered it are told, by the workers."""

import time
import uuid
from collections.abc import Callable
from typing import Any

import httpx

from tests.e2e.system import BRONNOY, System

BODY = "100000040"
CERTIFICATE = "SV-2026-000001"
WAITS_SECONDS = 30


def placed(system: System) -> str:
    """A call-off of the product. → its id"""
    answer = httpx.post(
        f"{system.url('agreements')}/call-offs",
        json={
            "framework_agreement": "ra-2026-velferdsteknologi",
            "lot": "alarmer",
            "lines": [{"item": "alarm", "quantity": 1}],
            "needed_on": "2029-06-01",
            "reference": str(uuid.uuid4()),
        },
        headers=system.bearer("agreements.order") | {"Idempotency-Key": str(uuid.uuid4())},
        timeout=20,
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def step(system: System, name: str) -> None:
    answer = httpx.post(
        f"{system.url('catalog')}/certificates/{CERTIFICATE}/{name}",
        json={"reason": "Prøve av varsling"},
        headers=system.bearer("certification.decide", organisation=BODY),
    )
    assert answer.status_code == 200, answer.text


def awaited(system: System, read: Callable[[], list[Any]], wanted: list[Any]) -> None:
    deadline = time.monotonic() + WAITS_SECONDS
    while (found := read()) != wanted:
        assert time.monotonic() < deadline, f"{found}\n{system.logs()}"
        time.sleep(0.2)


def events(system: System, headers: dict[str, str]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    after = 0
    while True:
        query = {"after": after, "limit": 200}
        page = httpx.get(f"{system.url('agreements')}/events", params=query, headers=headers).json()
        items += page["items"]
        if page["next"] == after:
            return items
        after = page["next"]


def test_a_suspension_reaches_who_uses_the_product_and_who_has_ordered_it(system: System) -> None:
    call_off = placed(system)
    agreements = system.bearer("agreements.read")
    catalog = system.bearer("catalog.write")

    def on_the_call_off() -> list[tuple[str, bool]]:
        found = httpx.get(f"{system.url('agreements')}/call-offs/{call_off}", headers=agreements).json()
        return [(one["kind"], one["relied_on"]) for one in found["certificate_notices"]]

    def to_the_user() -> list[tuple[str, bool]]:
        found = httpx.get(f"{system.url('catalog')}/recall-notices", headers=catalog).json()["items"]
        return [(one["status"], bool(one["end_told_at"])) for one in found if one["certificate"] == CERTIFICATE]

    assert to_the_user() == []
    step(system, "suspend")
    try:
        awaited(system, to_the_user, [("suspended", False)])
        awaited(system, on_the_call_off, [("suspended", True)])
    finally:
        step(system, "restore")  # the system is other tests' as well
    awaited(system, to_the_user, [("suspended", True)])
    awaited(system, on_the_call_off, [("suspended", True), ("restored", True)])
    state = httpx.get(f"{system.url('agreements')}/call-offs/{call_off}", headers=agreements).json()["state"]
    assert state == "sent", "what follows from it is for the buyer"
    told = [one["data"] for one in events(system, agreements) if one["type"] == "call_off.certificate_notice"]
    assert [one["kind"] for one in told if one["id"] == call_off] == ["suspended", "restored"]
    assert {one["certificate"] for one in told} == {CERTIFICATE}
    assert httpx.get(f"{system.url('catalog')}/certificates/{CERTIFICATE}").json()["status"] == "valid"
    assert BRONNOY in str(httpx.get(f"{system.url('catalog')}/recall-notices", headers=catalog).json())
