"""What SvarUT does on a bad day, by scenarios in files; each is met by a real client on the wire."""

from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from tests.sandbox.running import RunningSandbox
from tests.sandbox.svarut import account, headers, letter, send
from tests.sandbox.test_scenarios import begin


@pytest.fixture
def calm(sandbox: RunningSandbox) -> Iterator[RunningSandbox]:
    """What is arranged here is over afterwards."""
    yield sandbox
    sandbox.http.delete(f"{sandbox.control_url}/_sandbox/svarut/fates").raise_for_status()


def look_up(sandbox: RunningSandbox, reference: str) -> list[str]:
    """By another connection than the one that was cut."""
    asked = {"eksternRef": reference}
    answer = httpx.get(account(sandbox, "v2"), params=asked, headers=headers(sandbox), timeout=20)
    return list(answer.raise_for_status().json()["forsendelseIds"])


def test_a_lost_answer_is_of_a_letter_that_was_taken(calm: RunningSandbox) -> None:
    begin(calm, "svarut-answer-lost")
    metadata = letter()

    with pytest.raises(httpx.TransportError):
        send(calm, metadata)

    assert len(look_up(calm, metadata["eksternReferanse"])) == 1


def test_a_slow_letter_was_taken_before_its_sender_gave_up(calm: RunningSandbox) -> None:
    begin(calm, "svarut-slow-letter")
    metadata = letter()

    with httpx.Client(timeout=0.5) as impatient, pytest.raises(httpx.ReadTimeout):
        send(calm, metadata, client=impatient)

    while not (found := calm.letters(metadata["eksternReferanse"])):
        continue
    assert look_up(calm, metadata["eksternReferanse"]) == [found[0]["id"]]


def test_an_outage_lets_no_call_through(calm: RunningSandbox) -> None:
    begin(calm, "svarut-outage")
    right, met = headers(calm), Counter[str]()

    with httpx.Client() as client:
        for _ in range(40):
            try:
                answer = client.get(account(calm, "v2"), params={"eksternRef": "x"}, headers=right)
                met[f"{answer.status_code} {answer.headers['content-type']}"] += 1
            except httpx.TransportError:
                met["nobody"] += 1

    assert set(met) == {"503 text/html; charset=utf-8", "nobody"}


def test_an_outage_that_comes_later_lets_calls_through_until_then(calm: RunningSandbox) -> None:
    begin(calm, "svarut-outage-later")

    assert send(calm).status_code == 200
    (waiting,) = calm.http.get(f"{calm.control_url}/_sandbox/faults").json()["items"]
    assert (waiting["begins_after"], waiting["lasts"]) == (10, 30)


def test_a_lagging_look_up_finds_what_is_old_enough(calm: RunningSandbox) -> None:
    metadata = letter()
    send(calm, metadata)
    calm.pass_time(30)

    begin(calm, "svarut-lagging-lookup")

    assert len(look_up(calm, metadata["eksternReferanse"])) == 1


def test_on_a_bad_day_calls_go_wrong_in_many_ways(calm: RunningSandbox) -> None:
    begin(calm, "svarut-bad-day")
    right, met = headers(calm), Counter[str]()

    with httpx.Client(timeout=0.5) as client:
        for _ in range(80):
            try:
                answer = client.get(account(calm, "v2"), params={"eksternRef": "x"}, headers=right)
                met[f"{answer.status_code} {len(answer.content) > 0}"] += 1
            except httpx.TransportError as error:
                met[type(error).__name__] += 1

    assert 10 < met["200 True"] < 78
    assert len(met) >= 4


@pytest.mark.parametrize(
    ("scenario", "status"), [("svarut-rejects-later", "AVVIST"), ("svarut-does-not-deliver", "IKKE_LEVERT")]
)
def test_what_was_taken_may_fail_later(calm: RunningSandbox, scenario: str, status: str) -> None:
    begin(calm, scenario)
    metadata = letter()

    assert send(calm, metadata).status_code == 200
    calm.pass_time(60)

    assert [one["status"] for one in calm.letters(metadata["eksternReferanse"])] == [status]
