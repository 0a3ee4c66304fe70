"""What becomes of an order's letter when its supplier has no system that fetches it: print, a rejection, silence."""

from typing import Any

import httpx
import psycopg

from tests.e2e.system import BRONNOY, System
from tests.e2e.test_story import act, awaited, hanging, order, read


def letter(system: System, call_off: str) -> dict[str, Any]:
    (found,) = read(system, f"/call-offs/{call_off}")["letters"]
    return dict(found)


def sent(system: System) -> tuple[str, str]:
    """An order whose letter SvarUT has. → (the call-off's id, SvarUT's id of the letter)"""
    placed = act(system, BRONNOY, "/call-offs", order(1))
    assert placed.status_code == 201, placed.text
    call_off = placed.json()["id"]
    return call_off, awaited(system, lambda: letter(system, call_off)["external_id"])


def brought_to(system: System, letter_id: str, *statuses: str) -> None:
    for status in statuses:
        path = f"{system.url('control')}/_sandbox/svarut/letters/{letter_id}/status"
        httpx.post(path, json={"status": status}).raise_for_status()


def steps(found: dict[str, Any]) -> list[str | None]:
    return [one["event"] for one in found["history"]]


def test_an_order_that_is_printed_rejected_or_never_read_shows_its_way_and_what_it_means(system: System) -> None:
    with hanging(system, "integration-worker"):  # its fate is arranged before it leaves
        id = act(system, BRONNOY, "/call-offs", order(1)).raise_for_status().json()["id"]
        fate = {"status": "AVVIST", "external_reference": letter(system, id)["reference"]}
        httpx.post(f"{system.url('control')}/_sandbox/svarut/fates", json=fate).raise_for_status()
    printed, unread = sent(system), sent(system)
    awaited(system, lambda: letter(system, id)["external_id"])
    httpx.post(f"{system.url('control')}/_sandbox/svarut/clock", json={"seconds": 60}).raise_for_status()
    brought_to(system, printed[1], "SENDT_PRINT", "PRINTET")
    awaited(system, lambda: letter(system, printed[0])["status"] == "printed")
    told = letter(system, printed[0])
    assert steps(told)[-2:] == ["to_print", "printed"]
    assert told["consequence"] is None
    awaited(system, lambda: letter(system, id)["status"] == "failed")
    told = letter(system, id)
    assert told["history"][-1]["detail"] == "SvarUT: AVVIST"
    assert told["consequence"].startswith("The supplier has not got the order.")
    awaited(system, lambda: letter(system, unread[0])["status"] == "notified")
    with psycopg.connect(system.database_url("integration")) as rows:
        rows.execute(
            "UPDATE dispatch SET offered_at = offered_at - interval '30 days' WHERE external_id = %s", [unread[1]]
        )
    awaited(system, lambda: "unread" in steps(letter(system, unread[0])))
