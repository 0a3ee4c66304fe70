"""The same order sent again, at once, through other processes, with another body, by another organisation, or after
somebody pulled the plug: it happens once, and is answered alike."""

import asyncio
import os
import signal
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
import pytest

from tests.e2e import forgetful, repeats
from tests.e2e.serving import beside
from tests.e2e.system import BRONNOY, System

KEYS = 1_000
SCOPES = ("agreements.order", "agreements.read")


@pytest.fixture(scope="module")
def second(system: System) -> Iterator[str]:
    """Another process of the service beside the system's own, on the same database."""
    with system.database("agreements") as database:
        repeats.agreements(database)
    with beside(system, "services", "serve", "agreements") as url:
        yield url


def bearer(system: System, buyer: str) -> dict[str, str]:
    return system.bearer(*SCOPES, organisation=buyer)


def kill(system: System) -> None:
    """The system's own process of the service, as if somebody pulled the plug; the system starts another."""
    os.kill(system.pid("agreements"), signal.SIGKILL)


def test_a_thousand_keys_have_a_thousand_effects_though_a_process_is_killed(system: System, second: str) -> None:
    urls = [system.url("agreements"), second]
    sent = asyncio.run(repeats.send(urls, lambda buyer: bearer(system, buyer), keys=KEYS, halfway=lambda: kill(system)))
    assert sent.cut_off, "some were in the killed process's hands"
    assert len(sent.answers) == KEYS + KEYS // repeats.EVERY
    assert len(sent.misused) == KEYS // repeats.EVERY
    with system.database("agreements") as database:
        repeats.happened_once(database, sent)


class Desk:
    """Someone who sends one order again and again, to any of the doors, without waiting for the answers."""

    def __init__(self, system: System, number: int) -> None:
        self._headers = bearer(system, BRONNOY) | {"Idempotency-Key": uuid.uuid4().hex}
        self._order = repeats.body(number, 1, self._headers["Idempotency-Key"])
        self._pool, self._http = ThreadPoolExecutor(8), httpx.Client(timeout=30)

    def __enter__(self) -> "Desk":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()
        self._http.close()

    def send(self, url: str) -> Future[httpx.Response]:
        return self._pool.submit(self._http.post, f"{url}/call-offs", json=self._order, headers=self._headers)

    def insist(self, system: System, url: str) -> repeats.Answer:
        """Until there is somebody who answers."""
        for _ in range(600):
            try:
                return answer(self.send(url))
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError(f"nobody at {url}\n{system.logs()}")

    def sent(self, *answers: repeats.Answer) -> repeats.Sent:
        return repeats.Sent({(BRONNOY, self._headers["Idempotency-Key"]): set(answers)})


def answer(sent: "Future[httpx.Response]") -> repeats.Answer:
    got = sent.result()
    return got.status_code, got.content, got.headers.get("location", "")


def test_a_repeat_while_the_first_runs_waits_and_gets_its_answer(system: System, second: str) -> None:
    with Desk(system, 1) as desk, system.database("agreements") as database:
        with repeats.held_up(system.database_url("agreements"), 1) as waiting:
            first = desk.send(system.url("agreements"))
            waiting(1)
            others = [desk.send(url) for url in (second, second, system.url("agreements"))]
            waiting(4)
            assert not any(one.done() for one in (first, *others))
        repeats.happened_once(database, desk.sent(*(answer(one) for one in (first, *others))))


def test_the_repeat_takes_over_when_the_first_is_killed(system: System, second: str) -> None:
    with Desk(system, 2) as desk, system.database("agreements") as database:
        with repeats.held_up(system.database_url("agreements"), 2) as waiting:
            first = desk.send(system.url("agreements"))
            waiting(1)
            repeat = desk.send(second)
            waiting(2)
            kill(system)
            with pytest.raises(httpx.TransportError):
                first.result()
        again = desk.insist(system, system.url("agreements"))
        repeats.happened_once(database, desk.sent(answer(repeat), again))


def test_the_first_goes_on_when_its_repeat_is_killed(system: System, second: str) -> None:
    with Desk(system, 3) as desk, system.database("agreements") as database:
        with repeats.held_up(system.database_url("agreements"), 3) as waiting:
            first = desk.send(second)
            waiting(1)
            repeat = desk.send(system.url("agreements"))
            waiting(2)
            kill(system)
            with pytest.raises(httpx.TransportError):
                repeat.result()
        again = desk.insist(system, system.url("agreements"))
        repeats.happened_once(database, desk.sent(answer(first), again))


@pytest.fixture
def naive(system: System, second: str) -> Iterator[str]:
    """The naive variant beside ours, on the same database, behind a port of its own."""
    with beside(system, "tests.e2e.forgetful") as url:
        yield url


def test_looking_up_first_and_writing_down_after_does_it_more_than_once(system: System, naive: str) -> None:
    """The same test, through the same door, of a variant that only keeps its keys in another way: it must fail."""
    times = forgetful.REPEATS
    sent = asyncio.run(
        repeats.send([naive], lambda buyer: bearer(system, buyer), keys=3, repeats=[times], at_once=times)
    )
    with system.database("agreements") as database, pytest.raises(AssertionError):
        repeats.happened_once(database, sent)
    assert len(sent.made) > len(sent.answers)
