"""Whatever happens on the way to SvarUT: one letter in the end. The faults happen on the wire, in the sandbox; a real
worker meets them."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from services.integration import jobs
from services.integration.app import create_app
from services.integration.dispatches.shapes import EXAMPLE_PDF
from tests.catalog import evidence as foreign
from tests.conftest import Databases
from tests.integration.conftest import (
    BRONNOY,
    LOOKING,
    SENDING,
    HandIn,
    NewPost,
    Shown,
    document,
    events,
    letter,
    settings_for,
    shown_by,
    work_off,
    working,
)
from tests.issuer import Issuer
from tests.sandbox.running import RunningSandbox

RECEIVED = ("received", "accepted", "notified")


@pytest.fixture(scope="module")
def office(databases: Databases, sandbox_of_all: RunningSandbox, issuer: Issuer) -> Iterator[TestClient]:
    """The service with a worker, for all tests here."""
    with databases.lent() as create:
        settings = settings_for(create("integration"), sandbox_of_all, issuer)
        with TestClient(create_app(settings)) as client, working(settings):
            yield client


@pytest.fixture
def headers(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(BRONNOY, "dispatch.write", "dispatch.read")


@pytest.fixture
def send(office: TestClient, headers: dict[str, str]) -> Callable[..., dict[str, Any]]:
    def hand_in(**changes: Any) -> dict[str, Any]:
        body = letter(**changes)
        answer = office.post("/dispatches", json=body, headers=headers | {"Idempotency-Key": body["reference"]})
        return dict(answer.raise_for_status().json())

    return hand_in


@pytest.fixture
def until(office: TestClient, headers: dict[str, str]) -> Shown:
    return lambda id, *states: shown_by(office, headers, id, *states)


Send = Callable[..., dict[str, Any]]


def is_alone(sandbox: RunningSandbox, dispatch: dict[str, Any]) -> None:
    """SvarUT has the letter exactly once, as the dispatch says."""
    (only,) = sandbox.letters(dispatch["reference"])
    assert only["id"] == dispatch["external_id"]


def test_a_letter_arrives_as_it_was_handed_in(sandbox: RunningSandbox, send: Send, until: Shown) -> None:
    second = EXAMPLE_PDF + bytes(range(256)) * 10_000 + b"\n%%EOF\n"  # read in pieces
    files = [
        document("Årsmelding – «ny» æøå.pdf"),
        document("vedlegg 2.pdf", content=second),
        document("skisse.png", content=foreign.png(800, 600), media_type="image/png"),
        document("logg.zip", content=foreign.archive([("en.txt", b"a" * 5000)]), media_type="application/zip"),
    ]
    sent = send(title="Bestilling på smørbrød", documents=files)
    told = until(sent["id"], *RECEIVED)
    is_alone(sandbox, told)
    (arrived,) = sandbox.letters(sent["reference"])
    assert (arrived["title"], arrived["recipient_number"]) == ("Bestilling på smørbrød", "100000016")
    assert [(one["filename"], one["sha256"]) for one in arrived["documents"]] == [
        (one["filename"], one["sha256"]) for one in sent["documents"]
    ]
    assert [one["filename"] for one in arrived["documents"]] == [one["filename"] for one in files]
    told_of = sandbox.told(arrived["id"])["dokumenter"]
    assert [one.get("skalEkskluderesFraUtskrift", False) for one in told_of] == [False, False, True, True]


LOST_ANSWERS: dict[str, dict[str, Any]] = {
    "answer dropped": {"kind": "drop_after"},
    "answer cut off": {"kind": "truncated"},
    "never answered": {"kind": "hang", "moment": "after"},
    "answered too late": {"kind": "delay", "moment": "after", "seconds": 2},
}
NOT_ARRIVED: dict[str, dict[str, Any]] = {
    "500 with an HTML page": {"kind": "status", "status": 500},
    "503 with JSON": {
        "kind": "status",
        "status": 503,
        "body": '{"message": "nede"}',
        "content_type": "application/json",
    },
    "a gateway's 404": {"kind": "status", "status": 404},
}
NEVER_ANSWERED: dict[str, dict[str, Any]] = {
    "dropped unread": {"kind": "drop_before"},
    "given up before it was read": {"kind": "delay", "moment": "before", "seconds": 2},
}
HURRY = {"svarut_read_seconds": 1.2, "svarut_settle_seconds": 0.3}


def test_letters_that_meet_all_faults_at_once_arrive_once_each(
    sandbox: RunningSandbox, send: Send, until: Shown
) -> None:
    for fault in (*LOST_ANSWERS.values(), *NOT_ARRIVED.values(), *NEVER_ANSWERED.values()):
        sandbox.fault(stand_in="svarut", path_prefix=SENDING, **fault)
    sandbox.fault(stand_in="svarut", path_prefix=LOOKING, method="GET", kind="status", status=502, times=4)
    sandbox.fault(stand_in="svarut", path_prefix=SENDING, kind="status", status=401)
    sent = [send() for _ in range(12)]
    for one in sent:
        while until(one["id"], *RECEIVED, "queued")["status"] == "queued":
            until(send()["id"], *RECEIVED)  # those that got no answer wait until a later one is found
        is_alone(sandbox, until(one["id"], *RECEIVED))
    assert not [
        one
        for one in sandbox.http.get(f"{sandbox.control_url}/_sandbox/faults").json()["items"]
        if one["path_prefix"] == SENDING
    ], "every fault struck"


@pytest.mark.parametrize("fault", LOST_ANSWERS.values(), ids=LOST_ANSWERS)
def test_a_letter_whose_answer_is_lost_is_found_and_not_sent_again(
    sandbox: RunningSandbox, hand_in: HandIn, shown: Shown, new_post: NewPost, fault: dict[str, Any]
) -> None:
    sandbox.fault(stand_in="svarut", path_prefix=SENDING, **fault)
    sent = hand_in().json()
    work_off(new_post(**HURRY), sent["id"])
    told = shown(sent["id"])
    is_alone(sandbox, told)
    assert events(told) == [None, "attempt_failed", "hand_over"]
    assert told["history"][2]["detail"] == "Found at SvarUT by its reference."


@pytest.mark.parametrize("fault", NOT_ARRIVED.values(), ids=NOT_ARRIVED)
def test_a_letter_that_did_not_arrive_is_sent_again_when_that_is_certain(
    sandbox: RunningSandbox, hand_in: HandIn, shown: Shown, new_post: NewPost, fault: dict[str, Any]
) -> None:
    sandbox.fault(stand_in="svarut", path_prefix=SENDING, **fault)
    sent = hand_in().json()
    work_off(new_post(**HURRY), sent["id"])
    told = shown(sent["id"])
    is_alone(sandbox, told)
    assert events(told) == [None, "attempt_failed", "hand_over"]
    assert told["history"][2]["detail"] is None


@pytest.mark.parametrize("fault", NEVER_ANSWERED.values(), ids=NEVER_ANSWERED)
def test_a_letter_that_got_no_answer_is_sent_again_once_the_look_up_shows_a_later_one(
    sandbox: RunningSandbox, hand_in: HandIn, shown: Shown, new_post: NewPost, fault: dict[str, Any]
) -> None:
    sandbox.fault(stand_in="svarut", path_prefix=SENDING, **fault)
    sent, post = hand_in().json(), new_post(svarut_read_seconds=1.2, svarut_settle_seconds=0)
    for _ in range(3):
        with pytest.raises(jobs.Later) as later:
            post.send_letter(sent["id"])
        time.sleep(later.value.seconds)
    assert sandbox.letters(sent["reference"]) == [], "it may only be that the look-up lags"
    work_off(post, hand_in().json()["id"])
    work_off(post, sent["id"])
    told = shown(sent["id"])
    is_alone(sandbox, told)
    assert events(told) == [None, "attempt_failed", "hand_over"]


def test_an_answer_with_the_wrong_content_type_is_an_answer(
    sandbox: RunningSandbox, hand_in: HandIn, shown: Shown, new_post: NewPost
) -> None:
    sandbox.fault(stand_in="svarut", path_prefix=SENDING, kind="wrong_content_type")
    sent = hand_in().json()
    work_off(new_post(), sent["id"])
    is_alone(sandbox, shown(sent["id"]))
    assert events(shown(sent["id"])) == [None, "hand_over"]


def test_a_letter_is_not_sent_again_while_it_cannot_be_looked_for(
    sandbox: RunningSandbox, hand_in: HandIn, shown: Shown, new_post: NewPost
) -> None:
    sandbox.fault(stand_in="svarut", path_prefix=SENDING, kind="drop_after")
    sandbox.fault(stand_in="svarut", path_prefix=LOOKING, method="GET", kind="status", status=502, times=3)
    sent = hand_in().json()
    work_off(new_post(**HURRY), sent["id"])
    told = shown(sent["id"])
    is_alone(sandbox, told)
    assert events(told) == [None, *["attempt_failed"] * 4, "hand_over"]


def test_what_svarut_refuses_has_failed_with_its_reason(sandbox: RunningSandbox, send: Send, until: Shown) -> None:
    refusal = '{"status": 400, "message": "Passordbeskyttet PDF for 01020312345", "errorId": "1", "timestamp": 1}'
    sandbox.fault(
        stand_in="svarut",
        path_prefix=SENDING,
        kind="status",
        status=400,
        body=refusal,
        content_type="application/json",
    )
    told = until(send()["id"], "failed")
    assert told["detail"] == "Passordbeskyttet PDF for ***********"
    assert events(told) == [None, "reject"]
    assert sandbox.letters(told["reference"]) == []
