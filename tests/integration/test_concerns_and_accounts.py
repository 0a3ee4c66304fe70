"""What an administrator looks after: letters that are stuck or unknown, urgent ones first, accounts that pause, and
letters that are taken back."""

import psycopg
import pytest
from fastapi.testclient import TestClient

from services.chassis.values import seed_id
from services.integration import jobs
from services.integration.accounts import rules
from services.integration.accounts.rules import Reason
from tests.integration.conftest import SENDING, HandIn, NewPost, Shown, events, letter, settings_for, work_off, working
from tests.issuer import Issuer
from tests.sandbox.running import RunningSandbox

KONTO = seed_id("svarut-konto")


def concerns(api: TestClient, headers: dict[str, str]) -> list[tuple[str, str]]:
    items = api.get("/concerns", headers=headers).raise_for_status().json()["items"]
    return [(one["kind"], one["reference"]) for one in items]


def test_a_letter_whose_job_is_gone_is_a_concern_until_it_has_one_again(
    api: TestClient, bronnoy: dict[str, str], alstahaug: dict[str, str], hand_in: HandIn, new_post: NewPost, url: str
) -> None:
    sent = hand_in(letter(priority="urgent")).json()
    with psycopg.connect(url, autocommit=True) as rows:
        assert rows.execute("SELECT priority FROM procrastinate_jobs").fetchall() == [(10,)]
        rows.execute("DELETE FROM procrastinate_jobs")
        assert concerns(api, bronnoy) == [("stuck", sent["reference"])]
        assert concerns(api, alstahaug) == []
        post = new_post()
        post.mend()
        post.mend()
        assert rows.execute("SELECT priority, args FROM procrastinate_jobs").fetchall() == [
            (10, {"dispatch": sent["id"]})
        ]
    assert concerns(api, bronnoy) == []


def test_letters_that_are_late_silent_or_unknown_are_concerns(
    sandbox: RunningSandbox, api: TestClient, bronnoy: dict[str, str], hand_in: HandIn, new_post: NewPost, url: str
) -> None:
    late, silent, odd, unknown = (hand_in().json() for _ in range(4))
    post = new_post()
    for one in (silent, odd):
        work_off(post, one["id"])
    sandbox.fault(stand_in="svarut", path_prefix=SENDING, kind="drop_before")
    with pytest.raises(jobs.Later):
        post.send_letter(unknown["id"])
    for sql, id in (
        ("UPDATE dispatch SET queued_at = queued_at - interval '61 minutes' WHERE uuid = %s", late["id"]),
        ("UPDATE dispatch SET changed_at = changed_at - interval '25 hours' WHERE uuid = %s", silent["id"]),
        ("UPDATE dispatch SET external_status = 'SENDT_MED_BRUEDUE' WHERE uuid = %s", odd["id"]),
    ):
        with psycopg.connect(url) as rows:
            rows.execute(sql, [id])  # time passes
    assert concerns(api, bronnoy) == [
        ("unknown", unknown["reference"]),
        ("unknown", odd["reference"]),
        ("silent", silent["reference"]),
        ("late", late["reference"]),
    ]
    first = api.get("/concerns", headers=bronnoy, params={"limit": 3}).json()
    rest = api.get("/concerns", headers=bronnoy, params={"limit": 3, "after": first["next"]}).json()
    assert [len(first["items"]), [one["kind"] for one in rest["items"]], rest["next"]] == [3, ["late"], None]
    told = api.get("/metrics").text
    assert 'dispatch_concerns{kind="unknown"} 2.0' in told
    assert 'dispatch_handed_over{within_10_s="true"} 2.0' in told
    assert 'dispatch_oldest_seconds{state="received"} 9' in told  # 25 hours are 90,000 seconds


def test_urgent_letters_are_handed_over_before_all_others(
    sandbox: RunningSandbox, hand_in: HandIn, shown: Shown, url: str, issuer: Issuer
) -> None:
    sent = [hand_in(letter(priority="urgent" if number == 3 else "normal")).json() for number in range(4)]
    with working(settings_for(url, sandbox, issuer, workers=1)):
        for one in sent:
            shown(one["id"], "received", "accepted", "notified")
    with psycopg.connect(url) as rows:
        order = [one for (one,) in rows.execute("SELECT reference FROM dispatch ORDER BY handed_over_at").fetchall()]
    assert order == [sent[number]["reference"] for number in (3, 0, 1, 2)]


@pytest.mark.parametrize(
    ("reason", "failures", "seconds"),
    [
        (Reason.OUTAGE, 1, None),
        (Reason.OUTAGE, rules.OUTAGE_AFTER - 1, None),
        (Reason.OUTAGE, rules.OUTAGE_AFTER, 1),
        (Reason.OUTAGE, rules.OUTAGE_AFTER + 3, 8),
        (Reason.OUTAGE, 10_000, 60),
        (Reason.CONFIGURATION, 1, 300),
    ],
)
def test_an_account_pauses_after_failures_in_a_row_or_when_nobody_knows_us(
    reason: Reason, failures: int, seconds: float | None
) -> None:
    assert rules.pause(reason, failures, longest=60, configuration=300) == seconds


def test_while_svarut_is_out_of_order_letters_wait_and_burn_no_attempts(
    sandbox: RunningSandbox, api: TestClient, bronnoy: dict[str, str], hand_in: HandIn, shown: Shown, new_post: NewPost
) -> None:
    post = new_post(svarut_longest_pause_seconds=0.1, svarut_settle_seconds=0)
    sandbox.fault(stand_in="svarut", kind="status", status=503, times=rules.OUTAGE_AFTER + 2)
    tried = [hand_in().json() for _ in range(rules.OUTAGE_AFTER)]
    for one in tried:
        with pytest.raises(jobs.Later):
            post.send_letter(one["id"])
    (account,) = api.get("/accounts", headers=bronnoy).json()["items"]
    assert (account["konto"], account["reason"], account["failures"]) == (str(KONTO), "outage", rules.OUTAGE_AFTER)
    assert account["paused_until"]
    assert 'dispatch_accounts_paused{reason="outage"} 1.0' in api.get("/metrics").text
    waiting = hand_in().json()
    work_off(post, waiting["id"])
    assert events(shown(waiting["id"])) == [None, "hand_over"], (
        "two trials found SvarUT out of order, and no letter did"
    )
    (account,) = api.get("/accounts", headers=bronnoy).json()["items"]
    assert (account["reason"], account["failures"], account["paused_until"]) == (None, 0, None)


def test_an_administrator_lets_letters_go_again(
    sandbox: RunningSandbox, api: TestClient, bronnoy: dict[str, str], hand_in: HandIn, shown: Shown, new_post: NewPost
) -> None:
    post = new_post(svarut_configuration_wait_seconds=3600)
    sandbox.fault(stand_in="svarut", path_prefix=SENDING, kind="status", status=403)
    sent = hand_in().json()
    with pytest.raises(jobs.Later):
        post.send_letter(sent["id"])
    told = api.post(f"/accounts/{KONTO}/resume", headers=bronnoy).raise_for_status().json()
    assert (told["reason"], told["paused_until"]) == (None, None)
    work_off(post, sent["id"])
    assert shown(sent["id"])["status"] == "received"


def test_a_letter_can_be_taken_back_until_it_may_have_left(
    sandbox: RunningSandbox,
    api: TestClient,
    bronnoy: dict[str, str],
    alstahaug: dict[str, str],
    hand_in: HandIn,
    shown: Shown,
    new_post: NewPost,
) -> None:
    queued, gone, unknown = (hand_in().json() for _ in range(3))
    post = new_post()
    work_off(post, gone["id"])
    sandbox.fault(stand_in="svarut", path_prefix=SENDING, kind="drop_before")
    with pytest.raises(jobs.Later):
        post.send_letter(unknown["id"])

    def cancel(id: str, headers: dict[str, str]) -> tuple[int, str | None]:
        answer = api.post(f"/dispatches/{id}/cancel", headers=headers, json={"reason": "Feil vedlegg"})
        return answer.status_code, answer.json().get("type")

    assert cancel(queued["id"], alstahaug)[0] == 404
    assert cancel(queued["id"], bronnoy) == (200, None)
    post.send_letter(queued["id"])
    assert (shown(queued["id"])["status"], sandbox.letters(queued["reference"])) == ("cancelled", [])
    assert cancel(gone["id"], bronnoy) == (409, "/problems/move-refused")
    assert cancel(unknown["id"], bronnoy) == (409, "/problems/may-have-left")
