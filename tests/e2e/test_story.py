"""An order's story while neighbours are away: nothing is taken on trust, nothing is lost, and it goes on by itself."""

import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from services.chassis.clock import today
from tests.e2e.system import BRONNOY, System

FJORDVAKT, NORDLYS = "100000016", "100000024"
WAITS_SECONDS = 60
BUYER = ("agreements.read", "agreements.order", "agreements.approve")


@contextmanager
def hanging(system: System, *processes: str) -> Iterator[None]:
    """These take connections and never answer, as a machine does that swaps or has lost its disk."""
    pids = [system.pid(name) for name in processes]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def act(system: System, who: str, path: str, body: Any = None, key: str | None = None) -> httpx.Response:
    scopes = BUYER if who == BRONNOY else ("agreements.read", "agreements.supply")
    headers = system.bearer(*scopes, organisation=who) | {"Idempotency-Key": key or str(uuid.uuid4())}
    return httpx.post(f"{system.url('agreements')}{path}", json=body or {}, headers=headers, timeout=20)


def order(quantity: int) -> dict[str, Any]:
    return {
        "framework_agreement": "ra-2026-velferdsteknologi",
        "lot": "alarmer",
        "lines": [{"item": "alarm", "quantity": quantity}],
        "needed_on": "2029-06-01",
        "reference": str(uuid.uuid4()),
    }


def read(system: System, path: str) -> Any:
    headers = system.bearer("agreements.read")
    return httpx.get(f"{system.url('agreements')}{path}", headers=headers, timeout=20).raise_for_status().json()


def awaited(system: System, look: Callable[[], Any]) -> Any:
    """What `look` finds, when it finds something. As long as the workers get work done it may stand in their queue."""
    done, deadline = system.done(), time.monotonic() + WAITS_SECONDS
    while not (found := look()):
        if time.monotonic() > deadline:
            before, done, deadline = done, system.done(), time.monotonic() + WAITS_SECONDS
            assert done > before, system.logs()
        time.sleep(0.2)
    return found


def held(system: System) -> Any:
    return read(system, "/framework-agreements/ra-2026-velferdsteknologi")["room"]["reserved_excl_vat"]


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


def test_an_order_goes_on_through_neighbours_that_hang_at_every_step(system: System) -> None:
    # At the order: without the catalogue nothing is reserved, and the same request later is the order.
    wanted, key, before = order(4), str(uuid.uuid4()), held(system)
    with hanging(system, "catalog"):
        refused = act(system, BRONNOY, "/call-offs", wanted, key)
        assert told(refused) == (503, "certification-unknown")
        assert refused.headers["retry-after"]
        assert held(system) == before

    # At the letter: without integration the order stands, and its letter waits where everybody sees it.
    with hanging(system, "integration", "integration-worker"):
        placed = act(system, BRONNOY, "/call-offs", wanted, key)
        assert placed.status_code == 201, placed.text
        here = f"/call-offs/{placed.json()['id']}"
        (letter,) = read(system, here)["letters"]
        assert (letter["kind"], letter["recipient"], letter["dispatch_id"]) == ("order", FJORDVAKT, None)

    def arrived() -> bool:
        return all(one["external_id"] for one in read(system, here)["letters"])

    awaited(system, arrived)
    assert [one["external_reference"] for one in system.letters()].count(letter["reference"]) == 1, "once"

    # At the turn: the next supplier is not asked on a guess.
    with hanging(system, "catalog"):
        declining = {"ground": "utgatt", "reason": "Lages ikke lenger (fiktivt)."}
        assert act(system, FJORDVAKT, f"{here}/decline", declining).status_code == 200
        awaited(system, lambda: read(system, here)["waiting"] == "certification")
        assert read(system, here)["state"] == "declined"
    asked = awaited(system, lambda: (one := read(system, here))["state"] == "sent" and one)
    assert (asked["supplier_organisation_number"], asked["waiting"]) == (NORDLYS, None)
    assert act(system, NORDLYS, f"{here}/confirm").status_code == 200

    # At the delivery: what came is registered, and nothing is paid until somebody can say that it is certified.
    everything = {"lines": wanted["lines"], "delivered_on": today().isoformat()}
    with hanging(system, "catalog"):
        delivered = act(system, NORDLYS, f"{here}/deliveries", everything)
        assert delivered.status_code == 201, delivered.text
        assert (delivered.json()["state"], delivered.json()["waiting"]) == ("delivered", "certification")
        assert told(act(system, BRONNOY, f"{here}/accept")) == (409, "certification-pending")
    awaited(system, lambda: read(system, here)["waiting"] is None)
    assert act(system, BRONNOY, f"{here}/accept").json()["posted_excl_vat"] == "10200.00"
    closed = act(system, BRONNOY, f"{here}/close").json()
    assert (closed["state"], closed["reserved_excl_vat"]) == ("closed", "0.00")
    assert held(system) == before
    assert all(one["same"] for one in read(system, f"{here}/explanation")["choices"])
    awaited(system, arrived)
