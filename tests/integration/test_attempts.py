"""An attempt at SvarUT, step by step: who may make it, what it leaves behind, and when there are enough."""

import logging
import socket
import threading
from typing import Any
from uuid import UUID

import psycopg
import pytest
from fastapi.testclient import TestClient

from services.chassis.db import Database
from services.chassis.values import new_id
from services.integration import jobs
from services.integration.attempts import store
from services.integration.attempts.rules import Verdict
from services.integration.dispatches import store as dispatches
from services.integration.dispatches.rules import Event
from services.integration.dispatches.shapes import EXAMPLE_PDF
from services.integration.settings import Settings
from services.integration.svarut_client import File, Letter
from tests.integration.conftest import (
    FJORDVAKT,
    LOOKING,
    SENDING,
    HandIn,
    NewPost,
    Shown,
    document,
    events,
    letter,
    settings_for,
    work_off,
)
from tests.issuer import Issuer
from tests.sandbox.running import RunningSandbox

REPEATED = '{"message": "Noe", "errorCode": "GJENTAGENDE_FORSENDELSE", "errorId": "1", "timestamp": 1}'


def verdicts(url: str) -> list[str | None]:
    with psycopg.connect(url) as connection:
        return [one for (one,) in connection.execute("SELECT verdict FROM attempt ORDER BY number")]


def svarut_has(settings: Settings, sent: dict[str, Any]) -> str:
    """Bring a letter to SvarUT behind the service's back. → SvarUT's id"""
    svarut = jobs.new_svarut(settings)
    answer = svarut.send(
        Letter(sent["reference"], sent["title"], FJORDVAKT, "X", [File("x.pdf", "application/pdf", EXAMPLE_PDF)])
    )
    svarut.close()
    assert answer.id
    return answer.id


def test_an_unknown_integration_waits_in_the_queue_and_says_why(
    sandbox: RunningSandbox, hand_in: HandIn, shown: Shown, new_post: NewPost, url: str
) -> None:
    id = hand_in().json()["id"]
    stranger = new_post(svarut_integration_password="æøå")
    for _ in range(4):  # the second and the fourth try only whether SvarUT knows us by now
        with pytest.raises(jobs.Later):
            stranger.send_letter(id)
    told = shown(id)
    assert (told["status"], told["version"], events(told)) == ("queued", 1, [None])
    assert told["detail"].startswith("Autentisering feilet for integrasjon")
    assert verdicts(url) == ["configuration"]
    work_off(new_post(svarut_attempts=1), id)
    told = shown(id)
    assert (told["status"], told["detail"]) == ("received", None)


@pytest.mark.parametrize("changes", [{"key_file": "no-such-key.json"}, {"client": "no-such-client"}])
def test_without_a_token_a_letter_waits_in_the_queue_and_says_why(
    hand_in: HandIn, shown: Shown, new_post: NewPost, changes: dict[str, Any], url: str
) -> None:
    id = hand_in().json()["id"]
    with pytest.raises(jobs.Later):
        new_post(**changes).send_letter(id)
    told = shown(id)
    assert (told["status"], told["version"]) == ("queued", 1)
    assert told["detail"].startswith("No token from Maskinporten: ")
    assert verdicts(url) == ["configuration"]


def test_what_never_left_us_is_sent_again_without_a_look_up(
    sandbox: RunningSandbox, hand_in: HandIn, shown: Shown, new_post: NewPost, url: str
) -> None:
    sandbox.fault(stand_in="maskinporten", path_prefix="/token", kind="status", status=500, times=2)
    sandbox.fault(stand_in="svarut", path_prefix=LOOKING, method="GET", kind="status", status=500)
    sent = hand_in().json()
    work_off(new_post(), sent["id"])
    assert events(shown(sent["id"])) == [None, "attempt_failed", "attempt_failed", "hand_over"]
    assert verdicts(url) == ["transient", "transient", "sent"]
    assert len(sandbox.letters(sent["reference"])) == 1
    waiting = sandbox.http.get(f"{sandbox.control_url}/_sandbox/faults").json()["items"]
    assert [one["path_prefix"] for one in waiting] == [LOOKING], "nobody looked"


def test_used_up_attempts_end_in_a_state_that_everybody_sees(
    api: TestClient,
    bronnoy: dict[str, str],
    hand_in: HandIn,
    shown: Shown,
    new_post: NewPost,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
    id = hand_in().json()["id"]
    with caplog.at_level(logging.ERROR, "letters"):
        work_off(new_post(svarut_url=nobody, svarut_attempts=3), id)
    told = shown(id)
    assert (told["status"], events(told)) == ("failed", [None, "attempt_failed", "attempt_failed", "undelivered"])
    assert told["detail"].startswith("Given up after 3 attempts.")
    (line,) = caplog.messages
    assert id in line
    feed = api.get("/events", headers=bronnoy).json()["items"]
    assert [one["type"] for one in feed] == [*["dispatch.queued"] * 3, "dispatch.failed"]
    assert feed[-1]["data"]["version"] == told["version"]
    assert 'dispatches{state="failed"} 1.0' in api.get("/metrics").text


def test_the_last_attempt_is_looked_for_before_the_letter_is_given_up(
    sandbox: RunningSandbox, hand_in: HandIn, shown: Shown, new_post: NewPost
) -> None:
    sandbox.fault(stand_in="svarut", path_prefix=SENDING, kind="drop_after")
    arrived, lost = hand_in().json(), hand_in().json()
    post = new_post(svarut_attempts=1, svarut_settle_seconds=0.5, svarut_look_up_seconds=0.5)
    work_off(post, arrived["id"])
    assert shown(arrived["id"])["status"] == "received"
    sandbox.fault(stand_in="svarut", path_prefix=SENDING, kind="drop_before")
    work_off(post, lost["id"])
    assert shown(lost["id"])["status"] == "failed"
    assert shown(lost["id"])["detail"].startswith("Nobody knows whether SvarUT has it: ")
    assert [len(sandbox.letters(one["reference"])) for one in (arrived, lost)] == [1, 0]


def test_a_letter_that_svarut_still_works_on_is_not_sent_again(
    sandbox: RunningSandbox, hand_in: HandIn, shown: Shown, new_post: NewPost, url: str, issuer: Issuer
) -> None:
    sandbox.fault(stand_in="svarut", path_prefix=SENDING, kind="drop_before")
    sent, post = hand_in().json(), new_post(svarut_settle_seconds=60)
    for _ in range(3):
        with pytest.raises(jobs.Later):
            post.send_letter(sent["id"])
    id = svarut_has(settings_for(url, sandbox, issuer), sent)
    work_off(post, sent["id"])
    assert events(shown(sent["id"])) == [None, "attempt_failed", "hand_over"]
    (only,) = sandbox.letters(sent["reference"])
    assert only["id"] == id
    assert verdicts(url) == ["sent"]


def test_a_look_up_that_is_not_allowed_burns_no_attempt(
    sandbox: RunningSandbox, hand_in: HandIn, shown: Shown, new_post: NewPost
) -> None:
    sandbox.fault(stand_in="svarut", path_prefix=SENDING, kind="drop_after")
    sandbox.fault(stand_in="svarut", path_prefix=LOOKING, method="GET", kind="status", status=403, times=3)
    sent, post = hand_in().json(), new_post(svarut_attempts=2)
    with pytest.raises(jobs.Later):
        post.send_letter(sent["id"])
    with pytest.raises(jobs.Later):
        post.send_letter(sent["id"])
    assert shown(sent["id"])["detail"].startswith("SvarUT cannot say whether it has the letter: SvarUT answered 403")
    work_off(post, sent["id"])
    assert events(shown(sent["id"])) == [None, "attempt_failed", "hand_over"]
    assert len(sandbox.letters(sent["reference"])) == 1


def test_a_repeat_that_svarut_knows_by_our_reference_is_a_letter_sent(
    sandbox: RunningSandbox, hand_in: HandIn, shown: Shown, new_post: NewPost, url: str, issuer: Issuer
) -> None:
    sent = hand_in().json()
    id = svarut_has(settings_for(url, sandbox, issuer), sent)
    sandbox.fault(
        stand_in="svarut",
        path_prefix=SENDING,
        kind="status",
        status=400,
        body=REPEATED,
        content_type="application/json",
    )
    work_off(new_post(), sent["id"])
    told = shown(sent["id"])
    assert (told["status"], told["external_id"]) == ("received", id)
    assert len(sandbox.letters(sent["reference"])) == 1


def test_a_repeat_that_svarut_does_not_know_by_our_reference_has_failed(
    sandbox: RunningSandbox, api: TestClient, bronnoy: dict[str, str], hand_in: HandIn, shown: Shown, new_post: NewPost
) -> None:
    alike = {"title": "Like brev", "documents": [document("likt.pdf")]}
    sent = [hand_in(letter(**alike)).json() for _ in range(4)]
    for one in sent:
        work_off(new_post(), one["id"])
    told = [shown(one["id"]) for one in sent]
    assert [one["status"] for one in told] == ["received"] * 3 + ["failed"]
    assert told[3]["detail"] == "SvarUT says that it was sent before, and has no letter with its reference."
    assert [len(sandbox.letters(one["reference"])) for one in sent] == [1, 1, 1, 0]
    api.post(f"/dispatches/{sent[3]['id']}/retry", headers=bronnoy, json={}).raise_for_status()
    sandbox.pass_time(3 * 24 * 3600)  # the block ends
    work_off(new_post(), sent[3]["id"])
    assert shown(sent[3]["id"])["status"] == "received"


def test_two_workers_never_have_the_same_letter_in_hand(
    sandbox: RunningSandbox, api: TestClient, bronnoy: dict[str, str], hand_in: HandIn, shown: Shown, new_post: NewPost
) -> None:
    sent = hand_in().json()
    first, second = new_post(svarut_read_seconds=20), new_post(svarut_settle_seconds=0)
    sandbox.fault(stand_in="svarut", path_prefix=SENDING, kind="hang", moment="before", seconds=20)
    ended: list[BaseException] = []

    def send() -> None:
        try:
            first.send_letter(sent["id"])
        except jobs.Later as later:
            ended.append(later)

    thread = threading.Thread(target=send)
    thread.start()
    while sandbox.http.get(f"{sandbox.control_url}/_sandbox/faults").json()["items"]:
        assert thread.is_alive()
    with pytest.raises(jobs.Later) as later:
        second.send_letter(sent["id"])
    assert later.value.seconds > 5
    refused = api.post(f"/dispatches/{sent['id']}/give-up", headers=bronnoy, json={})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/being-handed-over")
    sandbox.http.delete(f"{sandbox.control_url}/_sandbox/faults")
    thread.join()
    assert len(ended) == 1, "its answer never came"
    work_off(second, hand_in().json()["id"])
    work_off(second, sent["id"])
    assert len(sandbox.letters(sent["reference"])) == 1


def lost_worker(database: Database, id: str, seconds: float) -> store.Claim:
    """What a worker leaves behind that is killed while SvarUT has the letter in hand."""
    with database.writing() as session:
        claim = store.claim(session, UUID(id), new_id(), seconds)
    assert claim
    assert claim.begun
    return claim


@pytest.mark.parametrize("arrived", [True, False])
def test_a_lost_workers_letter_is_looked_for_and_sent_only_if_it_did_not_arrive(
    sandbox: RunningSandbox,
    database: Database,
    hand_in: HandIn,
    shown: Shown,
    new_post: NewPost,
    url: str,
    issuer: Issuer,
    arrived: bool,
) -> None:
    sent = hand_in().json()
    claim = lost_worker(database, sent["id"], 300)
    id = svarut_has(settings_for(url, sandbox, issuer), sent) if arrived else None
    with pytest.raises(jobs.Later):
        new_post().send_letter(sent["id"])
    with database.writing() as session:
        store.renew(session, [claim.lease], 0)  # time passes
    work_off(new_post(), sent["id"])
    told = shown(sent["id"])
    assert events(told) == [None, "attempt_failed", "hand_over"]
    assert told["history"][1]["detail"] == store.LOST
    (only,) = sandbox.letters(sent["reference"])
    assert told["external_id"] == only["id"] == (id or only["id"])
    assert verdicts(url) == (["sent"] if arrived else ["lost", "sent"])


def test_a_lease_lasts_as_long_as_it_is_renewed_and_no_longer(
    database: Database, hand_in: HandIn, new_post: NewPost
) -> None:
    id = hand_in().json()["id"]
    claim = lost_worker(database, id, 0.05)
    with database.writing() as session:
        store.renew(session, [claim.lease], 30)
    with database.writing() as session, pytest.raises(store.HeldByAnother):
        store.claim(session, UUID(id), new_id(), 1)
    with database.writing() as session:
        store.renew(session, [claim.lease], 0)
    with database.writing() as session:
        taken = store.claim(session, UUID(id), new_id(), 30)
    assert taken
    assert (taken.last, taken.begun) == (Verdict.LOST, False)
    with database.writing() as session:
        assert not store.begin(session, claim), "the first has lost it"
    with database.writing() as session:
        store.fail(session, claim, Event.REJECT, "too late")
    with database.reading() as session:
        assert session.get_one(dispatches.Dispatch, taken.row.id).state == "queued"


def test_an_answer_that_comes_after_the_letter_was_given_up_is_noted(
    api: TestClient, bronnoy: dict[str, str], database: Database, hand_in: HandIn, shown: Shown
) -> None:
    id = hand_in().json()["id"]
    claim = lost_worker(database, id, 0)
    api.post(f"/dispatches/{id}/give-up", headers=bronnoy, json={}).raise_for_status()
    with database.writing() as session:
        assert not store.hand_over(session, claim, 1, "0b1c")
    told = shown(id)
    assert told["status"] == "failed_final"
    assert told["history"][-1]["detail"] == "SvarUT has it after all, as 0b1c."
