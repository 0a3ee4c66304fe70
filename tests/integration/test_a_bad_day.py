"""A thousand letters on SvarUT's bad day, while workers are killed: every one arrives once, or has failed with SvarUT's
reason. And what happens where that cannot be known."""

import os
import time
from pathlib import Path

import psycopg
import pytest
from fastapi.testclient import TestClient

from services.integration import jobs
from services.integration.app import create_app
from services.integration.settings import Settings
from tests.conftest import NewDatabase
from tests.integration import bad_day, dying
from tests.integration.conftest import (
    BRONNOY,
    LOOKING,
    SENDING,
    HandIn,
    NewPost,
    Shown,
    events,
    letter,
    shown_by,
    work_off,
)
from tests.issuer import Issuer
from tests.sandbox.running import RunningSandbox

LETTERS, KILLS = int(os.environ.get("SAMVIRKE_LETTERS", "1000")), int(os.environ.get("SAMVIRKE_KILLS", "8"))
"""`make letters` takes ten thousand, and kills fifty workers."""
LAST = 20
POINTS = (
    list(dying.POINTS) if len(dying.POINTS) < KILLS else ["begun", "half sent", "sent", "noted", "looked up", "done"]
)
AT_RANDOM = [LETTERS * (number + 1) // (KILLS - len(POINTS) + 2) for number in range(KILLS - len(POINTS))]
"""When so many letters have left the queue, one worker is killed wherever it stands."""


def send_many(api: TestClient, issuer: Issuer, number: int) -> None:
    headers: dict[str, str] = {}
    for count in range(number):
        if count % 100 == 0:
            headers = issuer.bearer(BRONNOY, "dispatch.write")
        body = letter()
        sent = api.post("/dispatches", json=body, headers=headers | {"Idempotency-Key": body["reference"]})
        sent.raise_for_status()


def test_a_thousand_letters_on_a_bad_day_arrive_once_or_have_failed_with_svaruts_reason(
    new_database: NewDatabase, sandbox: RunningSandbox, issuer: Issuer, tmp_path: Path
) -> None:
    url = new_database("integration")
    bad_day.arrange(sandbox, outages=[(4, 2), (12, 2)])
    with (
        TestClient(create_app(Settings(database_url=url, issuers=[issuer.trusted()]))) as api,
        psycopg.connect(url, autocommit=True) as rows,
        psycopg.connect(sandbox.settings.database_url, autocommit=True) as sandbox_rows,
        bad_day.working(bad_day.environment(url, sandbox), tmp_path / "workers.log", POINTS) as workers,
    ):
        send_many(api, issuer, LETTERS - LAST)
        try:
            bad_day.wait_until_left(rows, workers, LETTERS - LAST, seconds=max(900, LETTERS), kill_at=AT_RANDOM)
        finally:
            sandbox.http.delete(f"{sandbox.control_url}/_sandbox/faults")
        # The day is over, and letters go as on any other: what nobody knew becomes known.
        send_many(api, issuer, LAST)
        bad_day.wait_until_done(rows, workers, seconds=max(900, LETTERS))
        ends = bad_day.check(rows, sandbox_rows)
        assert ends.total() == LETTERS
        assert ends["refused"] > 0
        assert workers.armed == 0
        assert workers.killed == len(POINTS) + len(AT_RANDOM)
        headers = issuer.bearer(BRONNOY, "dispatch.admin")
        assert api.get("/concerns", headers=headers).json()["items"] == []


def test_a_worker_without_the_look_up_sends_doubles(
    new_database: NewDatabase, sandbox: RunningSandbox, issuer: Issuer, tmp_path: Path
) -> None:
    url = new_database("integration")
    sandbox.fault(stand_in="svarut", path_prefix=SENDING, kind="drop_after", times=5)
    with (
        TestClient(create_app(Settings(database_url=url, issuers=[issuer.trusted()]))) as api,
        psycopg.connect(url, autocommit=True) as rows,
        psycopg.connect(sandbox.settings.database_url, autocommit=True) as sandbox_rows,
        bad_day.working(
            bad_day.environment(url, sandbox), tmp_path / "workers.log", arguments=["--without-look-up"]
        ) as workers,
    ):
        send_many(api, issuer, 10)
        bad_day.wait_until_done(rows, workers, seconds=60)
        with pytest.raises(AssertionError):
            bad_day.check(rows, sandbox_rows)
        references = [one for (one,) in rows.execute("SELECT external_reference FROM dispatch")]
        assert sum(len(sandbox.letters(one)) for one in references) == 15


def test_a_look_up_that_lags_longer_than_the_wait_ends_in_a_failure_and_never_in_a_second_letter(
    sandbox: RunningSandbox,
    api: TestClient,
    bronnoy: dict[str, str],
    hand_in: HandIn,
    shown: Shown,
    new_post: NewPost,
) -> None:
    sandbox.fault(stand_in="svarut", path_prefix=SENDING, kind="drop_after")
    sandbox.fault(
        stand_in="svarut", path_prefix=LOOKING, kind="lagging_lookup", seconds=3600, least_seconds=3600, times=10_000
    )
    sent, post = hand_in().json(), new_post(svarut_settle_seconds=0.3, svarut_look_up_seconds=1)
    with pytest.raises(jobs.Later) as later:
        post.send_letter(sent["id"])
    time.sleep(later.value.seconds)
    work_off(post, hand_in().json()["id"])  # others go, and are not shown either
    work_off(post, sent["id"])
    told = shown(sent["id"])
    assert (told["status"], events(told)) == ("failed", [None, "attempt_failed", "undelivered"])
    assert told["detail"].startswith(
        "Nobody knows whether SvarUT has it: its attempt ended without an answer, and for "
    )
    (only,) = sandbox.letters(sent["reference"])
    sandbox.http.delete(f"{sandbox.control_url}/_sandbox/faults")
    api.post(f"/dispatches/{sent['id']}/retry", headers=bronnoy, json={"reason": "Spurt KS"}).raise_for_status()
    work_off(post, sent["id"])
    assert shown_by(api, bronnoy, sent["id"])["external_id"] == only["id"]
    assert len(sandbox.letters(sent["reference"])) == 1
