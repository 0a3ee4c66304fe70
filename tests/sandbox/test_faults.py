"""Faults happen on the wire: each is met by a real client over a real connection."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.chassis.values import new_id
from services.integration.sandbox.faults import rules
from tests.conftest import NewDatabase
from tests.sandbox.running import RunningSandbox, running_sandbox
from tests.sandbox.svarut import account, headers, letter, send

LETTERS = "/api/v3/"


@pytest.fixture(params=[("uvloop", "httptools"), ("asyncio", "h11")], ids="/".join, scope="module")
def served(request: pytest.FixtureRequest, server: Any, template: Any, keys_folder: Path) -> Iterator[RunningSandbox]:
    """Under both of uvicorn's HTTP protocols."""
    loop, http = request.param
    name = f"sandbox_{loop}"
    url = server.create(name, template=template("sandbox", False))
    with running_sandbox(url, keys_folder, loop=loop, http=http) as running:
        yield running
    server.drop(name)


@pytest.fixture
def either(served: RunningSandbox) -> Iterator[RunningSandbox]:
    yield served
    served.http.delete(f"{served.control_url}/_sandbox/faults").raise_for_status()


def strike(sandbox: RunningSandbox, kind: str, **more: Any) -> None:
    sandbox.fault(stand_in="svarut", kind=kind, path_prefix=LETTERS, **more)


def test_an_accepted_letter_whose_answer_is_dropped_is_kept(either: RunningSandbox) -> None:
    metadata = letter()
    strike(either, "drop_after")

    with pytest.raises(httpx.TransportError):
        send(either, metadata)

    assert len(either.letters(metadata["eksternReferanse"])) == 1
    assert send(either, letter()).status_code == 200, "the fault struck once"


def test_a_letter_dropped_before_it_is_handled_is_not_kept(either: RunningSandbox) -> None:
    metadata = letter()
    strike(either, "drop_before")

    with pytest.raises(httpx.TransportError):
        send(either, metadata)

    assert either.letters(metadata["eksternReferanse"]) == []


def test_a_large_letter_can_be_dropped_too(either: RunningSandbox) -> None:
    for kind in ("drop_before", "drop_after"):
        strike(either, kind)
        with pytest.raises(httpx.TransportError):
            send(either, letter(), ("brev.pdf", b"%PDF" + bytes(5_000_000)))


def test_a_caller_that_gives_up_on_a_slow_answer_has_sent_its_letter(either: RunningSandbox) -> None:
    metadata = letter()
    strike(either, "delay", seconds=1.5, moment="after")

    with httpx.Client(timeout=0.7) as impatient, pytest.raises(httpx.ReadTimeout):
        send(either, metadata, client=impatient)

    assert len(either.letters(metadata["eksternReferanse"])) == 1


def test_a_delay_before_handling_answers_all_the_same(either: RunningSandbox) -> None:
    strike(either, "delay", seconds=0.4)
    right = headers(either)

    began = time.monotonic()
    response = either.http.post(f"{account(either)}/status/sok", json={"id": []}, headers=right)

    assert response.json() == {"statuser": []}
    assert time.monotonic() - began >= 0.4


def test_a_gateways_error_page_is_html_and_handles_nothing(either: RunningSandbox) -> None:
    metadata = letter()
    strike(either, "status", status=503)
    strike(either, "status", status=500, body='{"error": "x"}', content_type="application/json")

    first, second = send(either, metadata), send(either, metadata)

    assert (first.status_code, first.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert first.text.startswith("<!doctype html>")
    assert (second.status_code, second.json()) == (500, {"error": "x"})
    assert either.letters(metadata["eksternReferanse"]) == []


def test_a_truncated_answer_breaks_off_in_the_middle(either: RunningSandbox) -> None:
    metadata = letter()
    strike(either, "truncated")

    with pytest.raises(httpx.RemoteProtocolError, match="peer closed connection"):
        send(either, metadata)

    assert len(either.letters(metadata["eksternReferanse"])) == 1


def test_a_wrong_content_type_keeps_the_body(either: RunningSandbox) -> None:
    strike(either, "wrong_content_type", content_type="text/plain")

    response = send(either, letter())

    assert (response.status_code, response.headers["content-type"]) == (200, "text/plain")
    assert set(response.json()) == {"id"}


@pytest.mark.parametrize(("moment", "kept"), [("before", 0), ("after", 1)])
def test_a_hanging_connection_never_answers(either: RunningSandbox, moment: str, kept: int) -> None:
    metadata = letter()
    strike(either, "hang", moment=moment)

    with httpx.Client(timeout=0.7) as impatient, pytest.raises(httpx.ReadTimeout):
        send(either, metadata, client=impatient)

    assert len(either.letters(metadata["eksternReferanse"])) == kept


def test_a_hanging_connection_is_closed_when_its_time_is_over(either: RunningSandbox) -> None:
    strike(either, "hang", seconds=0.2)

    with pytest.raises(httpx.TransportError) as met:
        send(either, letter())

    assert not isinstance(met.value, httpx.TimeoutException)


def test_a_fault_strikes_only_what_it_fits_and_as_often_as_told(sandbox: RunningSandbox) -> None:
    sandbox.fault(stand_in="svarut", kind="status", status=500, method="GET", path_prefix="/api/v2/", times=2)
    right = headers(sandbox)

    def look_up() -> int:
        return sandbox.http.get(account(sandbox, "v2"), params={"eksternRef": "x"}, headers=right).status_code

    assert send(sandbox).status_code == 200
    left = sandbox.http.get(f"{sandbox.control_url}/_sandbox/faults").json()["items"]
    assert [one["times"] for one in left] == [2]
    assert [look_up() for _ in range(3)] == [500, 500, 200]
    assert sandbox.http.get(f"{sandbox.control_url}/_sandbox/faults").json() == {"items": []}


def test_maskinporten_fails_too(sandbox: RunningSandbox) -> None:
    sandbox.fault(stand_in="maskinporten", kind="status", status=503, path_prefix="/token")
    assert sandbox.grant("964983291", "samvirke:agreements.read").status_code == 503

    assert sandbox.grant("964983291", "samvirke:agreements.read").status_code == 200


def test_a_fault_can_be_taken_away_before_it_strikes(sandbox: RunningSandbox) -> None:
    url = f"{sandbox.control_url}/_sandbox/faults"
    made = sandbox.http.post(url, json={"stand_in": "svarut", "kind": "drop_before"})

    assert made.status_code == 201
    assert sandbox.http.delete(f"{url}/{made.json()['id']}").status_code == 204
    assert sandbox.http.delete(f"{url}/{made.json()['id']}").status_code == 404
    assert send(sandbox).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "explode"},
        {"stand_in": "altinn"},
        {"times": 0},
        {"status": 600},
        {"secs": 1},
        {"share": 0},
        {"lasts": 0},
    ],
)
def test_a_fault_that_does_not_exist_cannot_be_arranged(sandbox: RunningSandbox, wrong: dict[str, Any]) -> None:
    fault = {"stand_in": "svarut", "kind": "hang"} | wrong

    assert sandbox.http.post(f"{sandbox.control_url}/_sandbox/faults", json=fault).status_code == 422


def test_clearing_all_faults_lets_hanging_callers_go(new_database: NewDatabase, keys_folder: Path) -> None:
    with running_sandbox(new_database("sandbox"), keys_folder) as own:
        strike(own, "hang", seconds=60)
        met: list[Exception] = []

        def call() -> None:
            with httpx.Client(timeout=30) as patient:
                try:
                    send(own, letter(), client=patient)
                except httpx.TransportError as error:
                    met.append(error)

        caller = threading.Thread(target=call)
        caller.start()
        while own.http.get(f"{own.control_url}/_sandbox/faults").json()["items"]:
            time.sleep(0.02)
        own.http.delete(f"{own.control_url}/_sandbox/faults")
        caller.join(10)

        assert not caller.is_alive()
        assert len(met) == 1
        assert not isinstance(met[0], httpx.TimeoutException)


def look_up(sandbox: RunningSandbox, reference: str) -> httpx.Response:
    return sandbox.http.get(account(sandbox, "v2"), params={"eksternRef": reference}, headers=headers(sandbox))


def test_a_look_up_that_lags_finds_a_letter_when_its_time_has_passed(own_sandbox: RunningSandbox) -> None:
    own_sandbox.fault(stand_in="svarut", kind="lagging_lookup", least_seconds=30, seconds=30, method="GET", times=1000)
    metadata = letter()
    id = send(own_sandbox, metadata).json()["id"]

    assert look_up(own_sandbox, metadata["eksternReferanse"]).json() == {"forsendelseIds": []}
    assert [one["id"] for one in own_sandbox.letters(metadata["eksternReferanse"])] == [id]
    own_sandbox.pass_time(31)
    assert look_up(own_sandbox, metadata["eksternReferanse"]).json() == {"forsendelseIds": [id]}


def test_a_look_up_that_lags_can_fail_as_well(sandbox: RunningSandbox) -> None:
    metadata = letter()
    send(sandbox, metadata)
    sandbox.fault(stand_in="svarut", kind="lagging_lookup", least_seconds=3600, seconds=3600, method="GET", times=2)
    sandbox.fault(stand_in="svarut", kind="status", status=502, method="GET")

    assert look_up(sandbox, metadata["eksternReferanse"]).status_code == 502
    assert look_up(sandbox, metadata["eksternReferanse"]).json() == {"forsendelseIds": []}
    assert len(look_up(sandbox, metadata["eksternReferanse"]).json()["forsendelseIds"]) == 1


def test_a_fault_may_strike_a_share_of_the_requests(sandbox: RunningSandbox) -> None:
    sandbox.fault(stand_in="svarut", kind="status", status=503, share=0.5, times=1_000_000)

    answers = {sandbox.http.get(f"{sandbox.svarut_url}/").status_code for _ in range(100)}

    assert answers == {503, 404}


OUTAGE = rules.Fault(
    id=new_id(),
    stand_in=rules.StandIn.SVARUT,
    kind=rules.Kind.STATUS,
    times=9,
    method=None,
    path_prefix="/",
    seconds=0,
    moment=rules.Moment.BEFORE,
    status=503,
    body="",
    content_type="text/html",
    begins_after=10,
    lasts=30,
)


@pytest.mark.parametrize(
    ("age", "strikes", "over"),
    [(0, False, False), (9.9, False, False), (10, True, False), (39.9, True, False), (40, False, True)],
)
def test_an_outage_begins_and_ends_by_itself(age: float, strikes: bool, over: bool) -> None:
    assert OUTAGE.strikes("svarut", "GET", "/api/v2/x", age=age) is strikes
    assert OUTAGE.is_over(age) is over


def test_an_outage_that_is_over_no_longer_waits(sandbox: RunningSandbox) -> None:
    sandbox.fault(stand_in="svarut", kind="status", lasts=0.001, times=1_000_000)
    url = f"{sandbox.control_url}/_sandbox/faults"

    while sandbox.http.get(url).json()["items"]:
        continue

    assert send(sandbox).status_code == 200
