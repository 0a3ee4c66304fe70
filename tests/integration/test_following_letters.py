"""What SvarUT tells of a letter after it has it, and how the sender hears of it."""

from datetime import datetime

import psycopg
import pytest
from fastapi.testclient import TestClient

from services.chassis.db import Database
from services.chassis.values import new_id
from services.integration.attempts import store as attempts
from services.integration.dispatches import store
from services.integration.dispatches.rules import Event
from services.integration.dispatches.shapes import EXAMPLE_PDF
from tests.integration.conftest import BRONNOY, LOOKING, HandIn, NewPost, Shown, events, work_off
from tests.sandbox.running import RunningSandbox


def test_the_way_of_a_letter_is_followed_until_it_is_read(
    sandbox: RunningSandbox,
    api: TestClient,
    bronnoy: dict[str, str],
    hand_in: HandIn,
    shown: Shown,
    new_post: NewPost,
) -> None:
    sent, post = hand_in().json(), new_post()
    work_off(post, sent["id"])
    letter = shown(sent["id"])["external_id"]
    sandbox.pass_time(60)  # SvarUT accepts it, and the recipient's system may fetch it
    post.refresh_status()
    told = shown(sent["id"])
    assert (told["status"], told["external_status"]) == ("notified", "KLAR_FOR_MOTTAK")
    post.refresh_status()
    assert shown(sent["id"]) == told, "old news is no news"
    sandbox.move(letter, "LEST")
    post.refresh_status()
    told = shown(sent["id"])
    assert (told["status"], events(told)) == ("read", [None, "hand_over", "accept", "notify", "read"])
    assert [one["version"] for one in told["history"]] == [1, 2, 3, 4, 5]
    feed = api.get("/events", headers=bronnoy).json()["items"]
    assert [one["type"] for one in feed] == [
        f"dispatch.{state}" for state in ("queued", "received", "accepted", "notified", "read")
    ]
    last = feed[-1]["data"]
    assert (last["id"], last["reference"], last["status"], last["external_id"], last["version"]) == (
        sent["id"],
        sent["reference"],
        "read",
        letter,
        5,
    )
    assert datetime.fromisoformat(last["occurred_at"]).tzinfo


def test_a_letter_that_is_read_after_it_went_to_print_stays_in_print(
    sandbox: RunningSandbox, hand_in: HandIn, shown: Shown, new_post: NewPost, database: Database
) -> None:
    sent, post = hand_in().json(), new_post()
    work_off(post, sent["id"])
    letter = shown(sent["id"])["external_id"]
    sandbox.pass_time(60)
    sandbox.move(letter, "SENDT_PRINT")
    post.refresh_status()
    assert shown(sent["id"])["status"] == "in_print"
    sandbox.move(letter, "LEST")
    post.refresh_status()
    told = shown(sent["id"])
    assert (told["status"], events(told)) == ("in_print", [None, "hand_over", "accept", "to_print", "read"])
    with database.reading() as reader:
        assert store.followed(reader, 0, 10) == [], "SvarUT has nothing more to tell"
    with database.writing() as session:
        row = store.by_uuid(session, told["id"], BRONNOY)
        store.hear(session, row.uuid, letter, "LEST", None)
    assert shown(sent["id"]) == told, "it is noted once"


def test_a_status_that_nobody_knows_is_shown_and_survived(
    sandbox: RunningSandbox, hand_in: HandIn, shown: Shown, new_post: NewPost, database: Database
) -> None:
    sent, post = hand_in().json(), new_post()
    work_off(post, sent["id"])
    before = shown(sent["id"])
    with database.writing() as session:
        row = store.by_uuid(session, before["id"], BRONNOY)
        assert store.hear(session, row.uuid, before["external_id"], "SENDT_MED_BRUEDUE", None).unknown
    told = shown(sent["id"])
    assert (told["status"], told["external_status"]) == ("received", "SENDT_MED_BRUEDUE")
    sandbox.pass_time(60)
    post.refresh_status()
    assert shown(sent["id"])["status"] == "notified"


def test_more_letters_than_one_question_holds_are_all_asked_for(
    sandbox: RunningSandbox, hand_in: HandIn, shown: Shown, new_post: NewPost, database: Database
) -> None:
    """SvarUT leaves out those that it does not know."""
    with database.writing() as session:
        for number in range(101):
            new = store.NewLetter(
                f"ukjent-{number}", "100000016", "X", "X", [("x.pdf", "application/pdf", EXAMPLE_PDF)]
            )
            row, _ = store.add(session, None, BRONNOY, new)
            row.external_id = str(new_id())
            store.move(session, None, row, Event.HAND_OVER)
    sent, post = hand_in().json(), new_post()
    work_off(post, sent["id"])
    sandbox.pass_time(60)
    post.refresh_status()
    assert shown(sent["id"])["status"] == "notified"


def test_svarut_that_does_not_tell_is_asked_again_later(
    sandbox: RunningSandbox, hand_in: HandIn, shown: Shown, new_post: NewPost
) -> None:
    sent, post = hand_in().json(), new_post()
    work_off(post, sent["id"])
    sandbox.pass_time(60)
    for fault in ({"kind": "status", "status": 500}, {"kind": "drop_before"}, {"kind": "truncated"}):
        sandbox.fault(stand_in="svarut", method="POST", path_prefix=LOOKING.replace("v2", "v3"), **fault)
        post.refresh_status()
        assert shown(sent["id"])["status"] == "received"
    post.refresh_status()
    assert shown(sent["id"])["status"] == "notified"


def test_every_change_leaves_an_audit_row_and_an_event(
    sandbox: RunningSandbox, hand_in: HandIn, shown: Shown, new_post: NewPost, url: str
) -> None:
    sent = hand_in().json()
    work_off(new_post(), sent["id"])
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT action, organisation, subject FROM audit ORDER BY id").fetchall()
        kept = connection.execute("SELECT count(*) FROM event").fetchone()
    path = f"/dispatches/{sent['id']}"
    assert rows == [("dispatch.add", BRONNOY, path), ("dispatch.hand_over", None, path)]
    assert kept == (2,)


@pytest.mark.parametrize("decision", ["retry", "manual"])
def test_only_a_failed_letter_is_decided_on(
    api: TestClient, bronnoy: dict[str, str], hand_in: HandIn, decision: str
) -> None:
    id = hand_in().json()["id"]
    answer = api.post(f"/dispatches/{id}/{decision}", headers=bronnoy, json={})
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/move-refused")


def failed(sandbox: RunningSandbox, hand_in: HandIn, new_post: NewPost, shown: Shown) -> dict[str, object]:
    """A letter that SvarUT took and could not process."""
    sent, post = hand_in().json(), new_post()
    work_off(post, sent["id"])
    sandbox.move(shown(sent["id"])["external_id"], "FEILET_UNDER_MOTTAK")
    post.refresh_status()
    told = shown(sent["id"])
    assert (told["status"], told["detail"]) == ("failed", "SvarUT: FEILET_UNDER_MOTTAK")
    return told


def test_a_failed_letter_that_is_tried_again_is_a_new_letter_at_svarut(
    sandbox: RunningSandbox,
    api: TestClient,
    bronnoy: dict[str, str],
    hand_in: HandIn,
    shown: Shown,
    new_post: NewPost,
) -> None:
    before = failed(sandbox, hand_in, new_post, shown)
    path = f"/dispatches/{before['id']}/retry"
    answer = api.post(path, headers=bronnoy, json={"reason": "Rettet hos KS"}).json()
    assert (answer["status"], answer["external_id"], answer["detail"]) == ("queued", None, "Rettet hos KS")
    assert api.post(path, headers=bronnoy, json={}).status_code == 409
    sandbox.fault(stand_in="svarut", path_prefix=LOOKING.replace("v2", "v3"), kind="drop_after")
    work_off(new_post(), str(before["id"]))
    told = shown(before["id"])
    newest, oldest = sandbox.letters(str(before["reference"]))
    assert (oldest["id"], newest["id"]) == (before["external_id"], told["external_id"])
    assert told["status"] == "received"


@pytest.mark.parametrize(("decision", "state"), [("give-up", "failed_final"), ("manual", "handled_manually")])
def test_a_failed_letter_can_be_ended(
    sandbox: RunningSandbox,
    api: TestClient,
    bronnoy: dict[str, str],
    hand_in: HandIn,
    shown: Shown,
    new_post: NewPost,
    decision: str,
    state: str,
) -> None:
    before = failed(sandbox, hand_in, new_post, shown)
    answer = api.post(f"/dispatches/{before['id']}/{decision}", headers=bronnoy, json={"reason": "Levert for hånd"})
    assert (answer.json()["status"], answer.json()["detail"]) == (state, "Levert for hånd")
    assert api.post(f"/dispatches/{before['id']}/retry", headers=bronnoy, json={}).status_code == 409


def test_a_letter_that_was_given_up_is_not_sent_by_the_job_that_still_waits(
    sandbox: RunningSandbox, api: TestClient, bronnoy: dict[str, str], hand_in: HandIn, new_post: NewPost
) -> None:
    sent = hand_in().json()
    api.post(f"/dispatches/{sent['id']}/give-up", headers=bronnoy, json={}).raise_for_status()
    new_post().send_letter(sent["id"])
    assert sandbox.letters(sent["reference"]) == []


def test_a_handed_over_letter_is_not_sent_again_by_a_second_job(
    sandbox: RunningSandbox, hand_in: HandIn, new_post: NewPost, database: Database
) -> None:
    sent, post = hand_in().json(), new_post()
    work_off(post, sent["id"])
    post.send_letter(sent["id"])
    assert len(sandbox.letters(sent["reference"])) == 1
    with database.reading() as reader:
        assert reader.get(attempts.Attempt, (1, 2)) is None
