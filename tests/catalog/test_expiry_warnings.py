"""That a certificate ends soon is told once in each window, however many look and however often."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.expiry_warnings import rules, store
from services.chassis.changes import MERGE_PATCH
from services.chassis.db import Database
from tests.issuer import Issuer

NUMBER, TO_ON = "SV-2026-000001", date(2029, 12, 31)
BODY = "100000040"


def looked(database: Database, day: date) -> None:
    """What the worker does on a day."""
    now = datetime.combine(day, time(12), UTC)
    after: int | None = 0
    while after is not None:
        with database.writing() as session:
            _, after = store.warn(session, now, day, after=after)


def told(catalog: TestClient, number: str = NUMBER) -> list[dict[str, Any]]:
    items, after = [], 0
    while page := catalog.get("/events", params={"after": after, "limit": 200}).json()["items"]:
        items += page
        after = int(page[-1]["id"])
    wanted = ("certificate.expires_soon", f"/certificates/{number}")
    return [one["data"] for one in items if (one["type"], one["subject"]) == wanted]


@pytest.fixture
def soon(catalog: TestClient) -> int:
    """So many days before its last a certificate expires soon, by its scheme."""
    days: int = catalog.get("/certification-schemes/product").json()["expires_soon_days"]
    assert days > rules.LAST_CALL_DAYS
    return days


def test_it_is_told_once_in_each_window(catalog: TestClient, database: Database, soon: int) -> None:
    looked(database, TO_ON - timedelta(days=soon))
    assert told(catalog) == []
    for _ in range(3):
        looked(database, TO_ON - timedelta(days=soon - 1))
    looked(database, TO_ON - timedelta(days=rules.LAST_CALL_DAYS))
    (first,) = told(catalog)
    assert first == {
        "product": "fjordvakt-alarm",
        "specification": "velferdsteknologi-trygghetstjeneste",
        "status": "valid",
        "valid_to_on": TO_ON.isoformat(),
        "days_left": soon - 1,
    }
    for days in (29, 3, 0):
        looked(database, TO_ON - timedelta(days=days))
    assert [one["days_left"] for one in told(catalog)] == [soon - 1, 29]
    looked(database, TO_ON + timedelta(days=1))
    assert len(told(catalog)) == 2


def test_late_it_is_told_once_and_not_for_the_window_that_was_missed(catalog: TestClient, database: Database) -> None:
    looked(database, TO_ON - timedelta(days=5))
    assert [one["days_left"] for one in told(catalog)] == [5]


def test_a_scheme_that_warns_earlier_than_before_does_not_warn_late(
    catalog: TestClient, database: Database, soon: int, editor: dict[str, str]
) -> None:
    looked(database, TO_ON - timedelta(days=29))
    changed = catalog.patch(
        "/certification-schemes/product",
        json={"expires_soon_days": soon + 30},
        headers=editor | {"If-Match": "*", "Content-Type": MERGE_PATCH},
    )
    assert changed.status_code == 200, changed.text
    looked(database, TO_ON - timedelta(days=28))
    assert [one["days_left"] for one in told(catalog)] == [29]


def test_two_workers_at_once_tell_it_once(catalog: TestClient, database: Database, soon: int) -> None:
    day = TO_ON - timedelta(days=soon - 1)
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(looked, database, day) for _ in range(4)]:
            done.result()
    assert len(told(catalog)) == 1


def test_what_is_not_valid_is_not_said_to_end(
    catalog: TestClient, database: Database, soon: int, issuer: Issuer
) -> None:
    headers = issuer.bearer(BODY, "certification.decide", client="decider")
    assert (
        catalog.post(f"/certificates/{NUMBER}/withdraw", json={"reason": "Prøve"}, headers=headers).status_code == 200
    )
    looked(database, TO_ON - timedelta(days=1))
    assert told(catalog) == []
    assert told(catalog, "SV-2026-000002"), "the others are"


def test_renewed_it_is_told_for_the_new_last_day(catalog: TestClient, database: Database, soon: int, url: str) -> None:
    looked(database, TO_ON - timedelta(days=soon - 1))
    later = TO_ON + timedelta(days=365)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO certificate_event (certificate_id, kind, effective_on, recorded_at, back_dated, "
            "organisation_number, detail) SELECT id, 'renewed', %s, now(), false, %s, "
            "jsonb_build_object('valid_to_on', %s::text) FROM certificate WHERE number = %s",
            [TO_ON - timedelta(days=60), BODY, later.isoformat(), NUMBER],
        )
    looked(database, TO_ON - timedelta(days=10))
    assert len(told(catalog)) == 1
    looked(database, later - timedelta(days=10))
    assert [one["valid_to_on"] for one in told(catalog)] == [TO_ON.isoformat(), later.isoformat()]


@given(st.integers(1, 365), st.integers(-10, 400))
def test_windows_are_open_from_their_first_day_until_the_last(expires_soon_days: int, left: int) -> None:
    windows = rules.windows(expires_soon_days)
    today = date(2027, 1, 1)
    opened = rules.opened(windows, today + timedelta(days=left), today)
    assert opened == sorted(one for one in set(windows) if 0 <= left < one)
    assert bool(opened) == (0 <= left < expires_soon_days)
