"""A status list is right at every moment, on every process, also of the past."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.catalog.app import create_app
from services.catalog.certificates.rules import ConditionKind, EventKind, Scope
from services.catalog.certificates.store import Condition
from services.catalog.credentials.rules import SIZE, midnight
from services.catalog.credentials.store import token
from services.catalog.settings import Settings
from services.catalog.signing_keys.store import Keyring
from services.catalog.status_lists import rules
from services.catalog.status_lists.rules import Value
from services.catalog.status_lists.store import Lists, PastTooBusy, Signed, StatusListNotFound
from services.chassis import clock
from services.chassis.db import Database
from tests.catalog.certifying import BODY, granted, happen
from tests.catalog.conftest import problem
from tests.issuer import Issuer
from tests.signed import decoded, status_of

PATH = "/status-lists/1"
ISSUER = "http://127.0.0.1:8001"
ONE, TWO, THREE = (f"SV-2026-00000{number}" for number in (1, 2, 3))
TODAY = clock.today()
A_DAY = timedelta(days=1)
T = TypeVar("T")


def credential(catalog: TestClient, number: str) -> str:
    return str(catalog.get(f"/certificates/{number}/credential").text)


def the_list(catalog: TestClient, **query: Any) -> str:
    answer = catalog.get(PATH, params=query)
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def test_it_is_the_token_that_the_draft_describes(shared_catalog: TestClient) -> None:
    answer = shared_catalog.get(PATH)
    assert answer.headers["content-type"] == "application/statuslist+jwt"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "public, max-age=1"
    header, claims = decoded(answer.text)
    assert (header["alg"], header["typ"]) == ("ES256", "statuslist+jwt")
    assert abs(claims["iat"] - clock.now().timestamp()) < 600
    assert claims["exp"] - claims["iat"] == 24 * 3600
    assert claims["ttl"] == 1
    assert (claims["iss"], claims["sub"]) == (ISSUER, f"{ISSUER}/status-lists/1")
    assert claims["status_list"]["bits"] == 2
    assert claims["status_list"]["aggregation_uri"] == f"{ISSUER}/status-lists"
    assert shared_catalog.get("/status-lists").json() == {"status_lists": [claims["sub"]]}
    packed = rules.decode(claims["status_list"]["lst"])
    assert [rules.get(packed, index) for index in range(3)] == [Value.VALID, Value.VALID, Value.SUSPENDED]


def test_an_unchanged_list_is_the_same_token_and_costs_nothing(shared_catalog: TestClient) -> None:
    first, second = shared_catalog.get(PATH), shared_catalog.get(PATH)
    assert first.content == second.content
    for accepted in ("gzip", "identity"):
        had = shared_catalog.get(PATH, headers={"Accept-Encoding": accepted})
        assert had.headers.get("Content-Encoding") == (accepted if accepted == "gzip" else None)
        assert had.headers["Vary"] == "Accept-Encoding"
        again = shared_catalog.get(PATH, headers={"If-None-Match": had.headers["ETag"], "Accept-Encoding": accepted})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == had.headers["ETag"]
    assert shared_catalog.get(PATH, headers={"Accept-Encoding": "identity"}).content == first.content


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/status-lists/2", (404, "status-list-not-found")),
        ("/status-lists/2?time=1790000000", (404, "status-list-not-found")),
        ("/status-lists/0", (422, "invalid-request")),
        ("/status-lists/one", (422, "invalid-request")),
        ("/status-lists/1" + "0" * 5000, (422, "invalid-request")),
        (f"{PATH}?time=soon", (422, "invalid-request")),
        (f"{PATH}?time=-1", (422, "invalid-request")),
        (f"{PATH}?time={10**18}", (422, "invalid-request")),
        (f"{PATH}?time=99999999999", (404, "time-not-served")),
        (f"{PATH}?time=1600000000", (404, "time-not-served")),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_what_there_is_no_list_of_is_not_found(
    shared_catalog: TestClient, path: str, expected: tuple[int, str]
) -> None:
    assert problem(shared_catalog.get(path)) == expected


@pytest.fixture
def other_process(url: str, issuer: Issuer, signing_keys: Path) -> Iterator[TestClient]:
    """Another process on the same database, as far as memory goes."""
    given = Settings(database_url=url, issuers=[issuer.trusted()], signing_keys_folder=signing_keys)
    with TestClient(create_app(given)) as client:
        yield client


def test_what_happens_through_one_process_is_in_the_others_list_at_once(
    catalog: TestClient, other_process: TestClient, issuer: Issuer
) -> None:
    body = issuer.bearer(BODY, "certification.decide")
    token = credential(catalog, ONE)

    def seen() -> tuple[int, int]:
        return status_of(the_list(other_process), token), status_of(the_list(catalog), token)

    assert seen() == (Value.VALID, Value.VALID)
    for step, value in (
        ("suspend", Value.SUSPENDED),
        ("restore", Value.VALID),
        ("withdraw", Value.INVALID),
    ):
        answer = catalog.post(f"/certificates/{ONE}/{step}", json={"reason": "Vedtak"}, headers=body)
        assert answer.status_code == 200, answer.text
        assert seen() == (value, value)
    assert status_of(the_list(other_process), credential(catalog, TWO)) == Value.VALID


def test_a_new_certificate_is_in_everybodys_list_at_once(
    catalog: TestClient, other_process: TestClient, database: Database
) -> None:
    the_list(other_process)
    number = granted(database, ONE, date(2030, 1, 1), date(2030, 12, 31))
    assert status_of(the_list(other_process), credential(catalog, number)) == Value.VALID


def test_a_change_that_is_committed_late_is_not_missed(
    catalog: TestClient, url: str, database: Database, issuer: Issuer
) -> None:
    """Its transaction began before others that were seen, and ends after them."""
    token = credential(catalog, ONE)
    with psycopg.connect(url) as slow:
        slow.execute(
            "INSERT INTO certificate_event (certificate_id, kind, effective_on, recorded_at, back_dated, "
            "organisation_number) SELECT id, 'withdrawn', %s, now(), false, %s FROM certificate WHERE number = %s",
            [TODAY, BODY, ONE],
        )
        happen(database, TWO, EventKind.SUSPENDED)
        assert status_of(the_list(catalog), credential(catalog, TWO)) == Value.SUSPENDED
        assert status_of(the_list(catalog), token) == Value.VALID
        slow.commit()
    assert status_of(the_list(catalog), token) == Value.INVALID


def test_a_change_that_is_seen_again_and_again_is_signed_once(
    catalog: TestClient, url: str, database: Database
) -> None:
    """While any transaction is open the same changes are told anew."""
    with psycopg.connect(url) as idle:
        idle.execute("SELECT pg_current_xact_id()")
        happen(database, ONE, EventKind.SUSPENDED)
        first = the_list(catalog)
        assert the_list(catalog) == first
        happen(database, ONE, EventKind.RESTORED)
        assert status_of(the_list(catalog), credential(catalog, ONE)) == Value.VALID


def test_conditions_and_dispensations_show_until_they_are_met(catalog: TestClient, database: Database) -> None:
    condition = Condition(
        certificate_id=0,
        key="journal",
        kind=ConditionKind.CONDITION,
        text="Loggen må kunne hentes ut (prøve)",
        due_on=TODAY + 30 * A_DAY,
        recorded_at=clock.now(),
    )
    number = granted(
        database, ONE, TODAY, TODAY + 90 * A_DAY, delivery_forms=["saas"], profile="prove", conditions=[condition]
    )
    token = credential(catalog, number)
    assert [one["key"] for one in decoded(token)[1]["certificate"]["conditions"]] == ["journal"]
    assert status_of(the_list(catalog), token) == Value.WITH_CONDITIONS
    happen(database, number, EventKind.CONDITION_MET, detail={"condition": "journal"})
    assert status_of(the_list(catalog), token) == Value.VALID
    assert credential(catalog, number) == token


def test_when_a_list_is_full_the_next_begins(catalog: TestClient, database: Database, url: str) -> None:
    the_list(catalog)
    with psycopg.connect(url) as connection:
        connection.execute(f"ALTER TABLE credential ALTER position RESTART WITH {SIZE - 1}")
    last = granted(database, ONE, date(2030, 1, 1), date(2030, 12, 31))
    first = granted(database, TWO, date(2030, 1, 1), date(2030, 12, 31))
    happen(database, first, EventKind.WITHDRAWN)
    places = [decoded(credential(catalog, one))[1]["status"]["status_list"] for one in (last, first)]
    assert places == [
        {"idx": SIZE - 1, "uri": f"{ISSUER}/status-lists/1"},
        {"idx": 0, "uri": f"{ISSUER}/status-lists/2"},
    ]
    assert status_of(the_list(catalog), credential(catalog, last)) == Value.VALID
    assert status_of(catalog.get("/status-lists/2").text, credential(catalog, first)) == Value.INVALID
    assert len(catalog.get("/status-lists").json()["status_lists"]) == 2
    whole = rules.decode(decoded(the_list(catalog))[1]["status_list"]["lst"])
    assert len(whole) == SIZE * 2 // 8
    assert rules.get(whole, 1000) == Value.INVALID, "a place that nobody has proves nothing"


# ---- The past


def at(day: date, hours: int = 12) -> int:
    return midnight(day) + hours * 3600


def test_the_past_is_as_it_was_known_then(catalog: TestClient, database: Database) -> None:
    three = credential(catalog, THREE)  # suspended from 1 September, which was recorded on 28 August
    days = {day: at(date(2026, *day)) for day in ((8, 27), (8, 29), (9, 1), (10, 1))}
    past = {day: the_list(catalog, time=instant) for day, instant in days.items()}
    for day, listed in past.items():
        claims = decoded(listed)[1]
        assert claims["iat"] == days[day]
        assert claims["exp"] == days[day] + 24 * 3600
    seen = [status_of(listed, three) for listed in past.values()]
    assert seen == [Value.VALID, Value.VALID, Value.SUSPENDED, Value.SUSPENDED]
    happen(database, THREE, EventKind.WITHDRAWN, date(2026, 8, 1))
    happen(database, ONE, EventKind.WITHDRAWN, date(2026, 8, 1))
    granted(database, ONE, date(2030, 1, 1), date(2030, 12, 31))
    for day, instant in days.items():
        assert decoded(the_list(catalog, time=instant))[1]["status_list"] == decoded(past[day])[1]["status_list"]
    assert status_of(the_list(catalog), three) == Value.INVALID


def run(database: Database, asked: Callable[[], Awaitable[T]]) -> T:
    async def whole() -> T:
        await database.open_hot()
        try:
            return await asked()
        finally:
            await database.close_hot()

    return asyncio.run(whole())


@pytest.fixture
def ring(signing_keys: Path) -> Keyring:
    return Keyring(signing_keys, lead=timedelta(), production=False)


def new_lists(ring: Keyring) -> Lists:
    return Lists(ring, ISSUER, lives=A_DAY)


def packed(signed: Signed) -> bytes:
    assert gzip.decompress(signed.gzipped) == signed.token
    return rules.decode(decoded(signed.token.decode())[1]["status_list"]["lst"])


def test_what_was_recorded_since_does_not_change_the_past_of_another_process_either(
    ring: Keyring, database: Database
) -> None:
    instant, now = datetime(2026, 8, 29, 12, tzinfo=UTC), clock.now()
    before = run(database, lambda: new_lists(ring).at(database, 1, instant, now))
    happen(database, THREE, EventKind.WITHDRAWN, date(2026, 8, 1))
    granted(database, ONE, date(2030, 1, 1), date(2030, 12, 31))
    after = run(database, lambda: new_lists(ring).at(database, 1, instant, now))
    assert packed(after) == packed(before)


def test_only_some_lists_of_the_past_are_built_at_a_time(ring: Keyring, database: Database) -> None:
    lists, now = new_lists(ring), clock.now()

    async def many() -> list[Signed | BaseException]:
        asked = [lists.at(database, 1, now - timedelta(days=days), now) for days in range(1, 7)]
        return await asyncio.gather(*asked, return_exceptions=True)

    answers = run(database, many)
    assert [type(one) for one in answers] == [Signed, Signed, *[PastTooBusy] * 4]


# ---- The days to come


def noon(day: date) -> datetime:
    return datetime.fromtimestamp(at(day), UTC)


def test_what_the_date_changes_is_changed_at_midnight(ring: Keyring, database: Database) -> None:
    happen(database, ONE, EventKind.SUSPENDED, TODAY + 3 * A_DAY)
    happen(database, ONE, EventKind.RESTORED, TODAY + 5 * A_DAY)
    lists = new_lists(ring)
    midnight_after = datetime.fromtimestamp(midnight(TODAY + 3 * A_DAY), UTC)
    moments = [noon(TODAY), midnight_after - timedelta(seconds=1), midnight_after, noon(TODAY + 5 * A_DAY)]
    moments += [noon(date(2029, 12, 31)), noon(date(2030, 1, 1))]

    async def each() -> list[int]:
        return [rules.get(packed(await lists.current(database, 1, moment)), 0) for moment in moments]

    valid, suspended, invalid = Value.VALID, Value.SUSPENDED, Value.INVALID
    assert run(database, each) == [valid, valid, suspended, valid, valid, invalid]


def test_whoever_asked_before_midnight_is_answered_after_it(ring: Keyring, database: Database) -> None:
    """And nothing is built anew for the day that is over."""
    happen(database, ONE, EventKind.SUSPENDED, TODAY + 1 * A_DAY)
    lists, begins = new_lists(ring), datetime.fromtimestamp(midnight(TODAY + A_DAY), UTC)

    async def each() -> list[bytes]:
        moments = [begins + timedelta(seconds=1), begins - timedelta(seconds=1)]
        return [(await lists.current(database, 1, moment)).token for moment in moments]

    first, second = run(database, each)
    assert first == second


HAPPENING = st.tuples(
    st.sampled_from([ONE, TWO, THREE]),
    st.sampled_from(
        [EventKind.SUSPENDED, EventKind.RESTORED, EventKind.WITHDRAWN, EventKind.RENEWED, "grant", "token"]
    ),
    st.integers(-3, 12),
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(HAPPENING, st.integers(0, 3)), min_size=1, max_size=8))
def test_a_list_that_is_kept_up_is_the_list_that_is_built_anew(
    ring: Keyring, database: Database, happened: list[tuple[tuple[str, Any, int], int]]
) -> None:
    """Whatever happens, in whichever order the days pass."""
    kept = new_lists(ring)
    begun = max(_last_day(database), TODAY)

    async def compared() -> None:
        day = begun
        await kept.current(database, 1, noon(day))
        for (number, what, offset), passing in happened:
            on = day + timedelta(days=offset)
            if what == "grant":
                granted(database, number, on + 4000 * A_DAY, on + 4001 * A_DAY, profile=f"p{clock.now().timestamp()}")
            elif what == "token":
                token(database, ring, ISSUER, number, noon(day))
            else:
                detail = {"valid_to_on": (on + 10 * A_DAY).isoformat()} if what is EventKind.RENEWED else None
                happen(database, number, what, on, detail=detail)
            day += timedelta(days=passing)
            now = noon(day)
            ours, anew = await kept.current(database, 1, now), await new_lists(ring).current(database, 1, now)
            assert packed(ours) == packed(anew)

    run(database, compared)


def _last_day(database: Database) -> date:
    with database.reading() as session:
        found: date = session.execute(
            sa.text("SELECT max(effective_on) FROM certificate_event WHERE kind <> 'granted'")
        ).scalar_one()
        return found


def test_a_token_whose_revision_was_annulled_reads_invalid_in_the_list(ring: Keyring, database: Database) -> None:
    narrow = granted(database, ONE, date(2030, 1, 1), date(2031, 12, 31), delivery_forms=["saas"])
    happen(database, narrow, EventKind.RENEWED, date(2030, 3, 1), detail={"valid_to_on": "2032-12-31"})
    wider = Scope(delivery_forms=("saas", "on_premises")).detail()
    extension = happen(database, narrow, EventKind.SCOPE_EXTENDED, date(2030, 2, 1), detail=wider)
    for earlier in (date(2030, 1, 15), date(2030, 2, 15)):  # its places are used up, so that the last one is new
        token(database, ring, ISSUER, narrow, noon(earlier))
    now = noon(date(2030, 4, 1))
    lists = new_lists(ring)
    wide = token(database, ring, ISSUER, narrow, now)

    def seen(one: str) -> int:
        return status_of(run(database, lambda: lists.current(database, 1, now)).token.decode(), one)

    assert seen(wide) == Value.VALID
    happen(database, narrow, EventKind.ANNULLED, date(2030, 3, 15), target_id=extension)
    assert seen(wide) == Value.INVALID
    assert seen(token(database, ring, ISSUER, narrow, now)) == Value.VALID
    assert seen(wide) == Value.INVALID


def test_a_list_is_signed_anew_long_before_it_is_stale(ring: Keyring, database: Database) -> None:
    lists, now = new_lists(ring), noon(TODAY)

    async def each() -> list[bytes]:
        after = [timedelta(), timedelta(minutes=59), timedelta(minutes=61)]
        return [(await lists.current(database, 1, now + one)).token for one in after]

    first, same, later = run(database, each)
    assert first == same != later
    assert decoded(later.decode())[1]["exp"] - decoded(first.decode())[1]["exp"] == 61 * 60


def test_a_list_that_is_not_there_does_not_break_those_that_are(ring: Keyring, database: Database) -> None:
    lists = new_lists(ring)

    async def each() -> Signed:
        with pytest.raises(StatusListNotFound):
            await lists.current(database, 7, clock.now())
        return await lists.current(database, 1, clock.now())

    assert run(database, each).token
