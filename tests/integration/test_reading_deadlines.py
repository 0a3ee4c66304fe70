"""Letters that nobody reads in time: when that is, and what follows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from services.integration.reading_deadlines import rules
from tests.integration.conftest import HandIn, NewPost, Shown, events, letter, work_off
from tests.sandbox.running import RunningSandbox

ADDRESS = {"lines": ["Havnegata 1"], "postcode": "8905", "place": "Brønnøysund"}
FJORDVAKT = {"organisation_number": "100000016", "name": "Fjordvakt Velferd AS (fiktiv)"}


@pytest.mark.parametrize(
    ("offered", "ends"),
    [
        ("2026-11-23T08:00+01:00", "2026-11-25T00:00+01:00"),  # Monday
        ("2026-11-27T12:00+01:00", "2026-12-01T04:00+01:00"),  # Friday noon: 12 hours, Monday's 24, and 4
        ("2026-11-28T10:00+01:00", "2026-12-01T16:00+01:00"),  # Saturday: from Monday on
        ("2026-05-13T12:00+02:00", "2026-05-18T04:00+02:00"),  # over Ascension Day and a weekend with 17 May
        ("2026-03-27T12:00+01:00", "2026-03-31T04:00+02:00"),  # over the night when clocks go forward
        ("2026-12-23T20:00+01:00", "2026-12-28T12:00+01:00"),  # 24 December is a working day, Christmas Day is not
    ],
)
def test_forty_hours_are_counted_on_working_days(offered: str, ends: str) -> None:
    assert rules.ends_at(datetime.fromisoformat(offered), 40) == datetime.fromisoformat(ends)


@given(st.integers(0, 70_000), st.integers(0, 200), st.integers(0, 72))
def test_a_later_letter_never_ends_earlier_and_no_hour_is_lost(since_2024: int, hours: int, later: int) -> None:
    offered = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=since_2024)
    ends = rules.ends_at(offered, hours)
    assert ends >= offered + timedelta(hours=hours)
    assert rules.ends_at(offered + timedelta(hours=later), hours) >= ends


def offered(
    sandbox: RunningSandbox, hand_in: HandIn, shown: Shown, new_post: NewPost, url: str, **changes: Any
) -> tuple[dict[str, Any], Any]:
    """A letter that has waited for its reader for a month, and a worker."""
    sent, post = hand_in(letter(**changes)).json(), new_post()
    work_off(post, sent["id"])
    sandbox.pass_time(60)
    post.refresh_status()
    told = shown(sent["id"])
    assert told["status"] == "notified"
    post.look_for_unread()
    assert events(shown(sent["id"]))[-1] == "notify", "its deadline has not passed"
    with psycopg.connect(url) as rows:
        rows.execute("UPDATE dispatch SET offered_at = offered_at - interval '30 days'")
    return told, post


def test_a_letter_that_nobody_reads_gives_a_notice_once(
    sandbox: RunningSandbox,
    api: TestClient,
    bronnoy: dict[str, str],
    hand_in: HandIn,
    shown: Shown,
    new_post: NewPost,
    url: str,
) -> None:
    sent, post = offered(sandbox, hand_in, shown, new_post, url, when_unread="print")
    for _ in range(2):
        post.look_for_unread()
    told = shown(sent["id"])
    assert (told["status"], events(told)[-1]) == ("notified", "unread")
    assert told["history"][-1]["detail"] == (
        "The reading deadline has passed. Its recipient's postal address is not known."
    )
    feed = api.get("/events", headers=bronnoy).json()["items"]
    assert [one["data"]["status"] for one in feed if one["type"] == "dispatch.unread"] == ["notified"]
    (concern,) = api.get("/concerns", headers=bronnoy, params={"kind": "unread"}).json()["items"]
    assert concern["dispatch_id"] == sent["id"]
    assert 'dispatch_concerns{kind="unread"} 1.0' in api.get("/metrics").text
    sandbox.move(told["external_id"], "LEST")
    post.refresh_status()
    assert shown(sent["id"])["status"] == "read"
    assert api.get("/concerns", headers=bronnoy).json()["items"] == []


def test_a_letter_that_nobody_reads_goes_to_print_if_its_sender_wants_that(
    sandbox: RunningSandbox, hand_in: HandIn, shown: Shown, new_post: NewPost, url: str
) -> None:
    sent, post = offered(
        sandbox, hand_in, shown, new_post, url, when_unread="print", recipient=FJORDVAKT | {"address": ADDRESS}
    )
    post.look_for_unread()
    told = shown(sent["id"])
    assert (told["status"], told["channel"], events(told)[-2:]) == (
        "queued",
        "svarut_print",
        ["unread", "print_instead"],
    )
    work_off(post, sent["id"])
    told = shown(sent["id"])
    (printed,) = sandbox.letters(f"{sent['id']}-print")
    assert (printed["id"], printed["kind"]) == (told["external_id"], "print")
    assert len(sandbox.letters(sent["reference"])) == 1
    sandbox.pass_time(60)
    post.refresh_status()
    assert shown(sent["id"])["status"] in ("in_print", "printed")


def test_a_letter_that_was_read_in_the_last_moment_is_read(
    sandbox: RunningSandbox, hand_in: HandIn, shown: Shown, new_post: NewPost, url: str
) -> None:
    sent, post = offered(
        sandbox, hand_in, shown, new_post, url, when_unread="print", recipient=FJORDVAKT | {"address": ADDRESS}
    )
    sandbox.move(sent["external_id"], "LEST")
    post.look_for_unread()
    told = shown(sent["id"])
    assert (told["status"], events(told)[-1]) == ("read", "read")


def test_a_letter_on_paper_needs_an_address(sandbox: RunningSandbox, hand_in: HandIn, new_post: NewPost) -> None:
    refused = hand_in(letter(channel="svarut_print"))
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/address-missing")
    short = hand_in(letter(channel="svarut_print", recipient=FJORDVAKT | {"address": ADDRESS | {"postcode": "890"}}))
    assert (short.status_code, short.json()["type"]) == (422, "/problems/postcode-invalid")
    sent = hand_in(letter(channel="svarut_print", recipient=FJORDVAKT | {"address": ADDRESS})).json()
    work_off(new_post(), sent["id"])
    (arrived,) = sandbox.letters(sent["reference"])
    assert arrived["kind"] == "print"
