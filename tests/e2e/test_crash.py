"""Workers killed in the middle of a hundred letters: after a restart a hundred arrive, none twice."""

import os
import signal
import time
import uuid
from collections import Counter

import httpx

from tests.e2e.system import System

LETTERS, WITHOUT_ONE_SECONDS = 100, 60


def placed(system: System, number: int) -> list[str]:
    """Place call-offs. → the references of their order letters"""
    headers = system.bearer("agreements.order", "agreements.read")
    references = []
    with httpx.Client(base_url=system.url("agreements"), timeout=20) as http:
        for _ in range(number):
            answer = http.post(
                "/call-offs",
                json={
                    "framework_agreement": "ra-2026-velferdsteknologi",
                    "lot": "tilsyn",
                    "lines": [{"item": "kamera", "quantity": 1}],
                    "needed_on": "2029-06-01",
                    "reference": str(uuid.uuid4()),  # SvarUT refuses many letters that are alike
                },
                headers=headers | {"Idempotency-Key": str(uuid.uuid4())},
            )
            assert answer.status_code == 201, answer.text
            references.append(answer.json()["letters"][0]["reference"])
    return references


def arrived(system: System, references: list[str]) -> Counter[str]:
    wanted = set(references)
    return Counter(one["external_reference"] for one in system.letters() if one["external_reference"] in wanted)


def await_letters(system: System, references: list[str], number: int) -> Counter[str]:
    """What has arrived when there are so many, or when no more come."""
    found, deadline = arrived(system, references), time.monotonic() + WITHOUT_ONE_SECONDS
    while len(found) < number and time.monotonic() < deadline:
        time.sleep(0.2)
        before, found = found, arrived(system, references)
        if len(found) > len(before):
            deadline = time.monotonic() + WITHOUT_ONE_SECONDS
    return found


def test_a_hundred_letters_survive_killed_workers_and_none_comes_twice(system: System) -> None:
    references = placed(system, LETTERS)
    await_letters(system, references, LETTERS // 5)
    for worker in ("agreements-worker", "integration-worker"):
        os.kill(system.pid(worker), signal.SIGKILL)  # the system starts them again, as an operator would
    found = await_letters(system, references, LETTERS)
    assert len(found) == LETTERS, f"{LETTERS - len(found)} missing\n{system.logs()}"
    time.sleep(2)  # a second copy would come now
    assert arrived(system, references) == Counter(references)
    assert [line for line in system.lines if "ended (-9) and is started again" in line]
