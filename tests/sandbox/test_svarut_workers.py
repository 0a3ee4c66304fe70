"""Two workers of SvarUT on one database: what is good once is good once among them, and both go by the same time."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.chassis.values import new_id
from tests.conftest import NewDatabase
from tests.sandbox.running import RunningSandbox, running_sandbox
from tests.sandbox.svarut import account, basic, headers, letter, multipart, v1
from tests.sandbox.svarut_fields import v1_letter, v3_letter

Workers = list[RunningSandbox]


@pytest.fixture(scope="module")
def workers(shared_database: NewDatabase, keys_folder: Path) -> Iterator[Workers]:
    url = shared_database("sandbox")
    alike = {"maskinporten_issuer": "http://127.0.0.1:18091/", "svarut_step_seconds": 600, "svarut_duplicates": 25}
    with ExitStack() as running:
        yield [running.enter_context(running_sandbox(url, keys_folder, **alike)) for _ in range(2)]


def at_once(workers: Workers, times: int, ask: Callable[[RunningSandbox], httpx.Response]) -> Counter[int]:
    """→ how often each status was answered"""
    with ThreadPoolExecutor(8) as several:
        answers = several.map(lambda number: ask(workers[number % 2]).status_code, range(times))
        return Counter(answers)


def send_v3(worker: RunningSandbox, metadata: dict[str, Any], kind: str = "organisasjon") -> httpx.Response:
    written = multipart(metadata)
    written["headers"] |= headers(worker)
    return worker.http.post(f"{account(worker)}/{kind}", timeout=60, **written)


def test_an_id_is_used_once(workers: Workers) -> None:
    id = new_id()

    def use(worker: RunningSandbox) -> httpx.Response:
        url = f"{v1(worker)}/{id}/sendForsendelse"
        return worker.http.post(url, auth=basic(worker), timeout=60, **multipart(v1_letter()))

    assert at_once(workers, 40, use) == {200: 1, 400: 39}


def test_a_letter_is_repeated_as_often_as_it_may_be(workers: Workers) -> None:
    same = letter(tittel=f"Den samme {new_id()}")

    assert at_once(workers, 60, lambda worker: send_v3(worker, same)) == {200: 25, 400: 35}


def test_a_fate_strikes_as_many_letters_as_it_is_for(workers: Workers) -> None:
    reference = str(new_id())
    fate = {"status": "AVVIST", "times": 10, "external_reference": reference}
    workers[0].http.post(f"{workers[0].control_url}/_sandbox/svarut/fates", json=fate).raise_for_status()

    sent = at_once(workers, 30, lambda worker: send_v3(worker, letter(eksternReferanse=reference)))
    workers[1].pass_time(600)

    assert sent == {200: 30}
    for worker in workers:
        assert Counter(one["status"] for one in worker.letters(reference)) == {"AVVIST": 10, "AKSEPTERT": 20}


def test_a_document_is_signed_once(workers: Workers) -> None:
    id = send_v3(workers[0], v3_letter("person"), "person").json()["id"]
    before = len(workers[0].letters())

    def sign(worker: RunningSandbox) -> httpx.Response:
        url = f"{worker.control_url}/_sandbox/svarut/letters/{id}/signing"
        return worker.http.post(url, json={"outcome": "signed"}, timeout=60)

    assert at_once(workers, 20, sign) == {200: 1, 409: 19}
    assert len(workers[1].letters()) == before + 1


def test_a_letter_is_read_once(workers: Workers) -> None:
    id = send_v3(workers[0], letter()).json()["id"]

    read = at_once(workers, 20, lambda worker: worker.http.get(f"{worker.svarut_url}/forsendelse/{id}/1", timeout=60))

    assert read == {200: 20}
    told = workers[1].http.get(f"{workers[1].control_url}/_sandbox/svarut/letters/{id}").json()
    assert [one["text"] for one in told["events"]].count("Lest av mottaker") == 1


def test_a_sender_has_one_integration_however_often_it_asks_at_once(workers: Workers) -> None:
    token = workers[0].token("integration-service", ["ks:fiks"])
    given = []

    def migrate(worker: RunningSandbox) -> httpx.Response:
        url = f"{worker.svarut_url}/svarut-konfigurasjon/api/v1/migrering/integrasjoner"
        sender = ("100000024", worker.settings.svarut_service_password)
        answer = worker.http.post(url, json={"maskinportenToken": token}, auth=sender, timeout=60)
        given.append(answer.json())
        return answer

    assert at_once(workers, 10, migrate) == {200: 10}
    assert len({one["id"] for one in given}) == 1
    assert len({one["passord"] for one in given}) == 10


def test_one_key_is_published_by_all(workers: Workers) -> None:
    with ThreadPoolExecutor(8) as several:
        paths = [f"{workers[number % 2].svarut_url}/forsendelse/publickey/hent" for number in range(8)]
        published = set(several.map(lambda url: httpx.get(url, timeout=60).content, paths))

    assert len(published) == 1


def test_time_that_passes_at_one_passes_at_the_other(workers: Workers) -> None:
    clocks = [f"{worker.control_url}/_sandbox/svarut/clock" for worker in workers]
    before = httpx.get(clocks[1]).json()["now"]

    moved = httpx.post(clocks[0], json={"seconds": 86_400}).json()["now"]

    assert before < moved <= httpx.get(clocks[1]).json()["now"]
