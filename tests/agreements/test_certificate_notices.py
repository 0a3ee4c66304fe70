"""What happens to a certificate reaches every open call-off that it concerns: once, and never lost."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.agreements.calloffs import letter
from services.agreements.calloffs import store as calloffs
from services.agreements.catalog_client import Catalog
from services.agreements.certificate_notices import rules, store
from services.agreements.jobs import Certificates
from services.chassis import clock
from services.chassis.db import Database
from services.chassis.http import Neighbour, new_client
from services.chassis.problems import NeighbourAway, NeighbourNonsense
from tests.agreements import neighbours
from tests.agreements.conftest import BRONNOY, FJORDVAKT, JOINT_UNIT, Place
from tests.agreements.test_letters import text
from tests.conftest import NewDatabase, serving
from tests.issuer import Issuer

CERTIFICATE, OTHER = "SV-2026-000001", "SV-2026-000002"
BODY = "100000040"
Step = Callable[..., None]


@pytest.fixture
def catalog_api(apps: Callable[[str], FastAPI], new_database: NewDatabase) -> Iterator[TestClient]:
    """A catalogue of the test's own: its feed tells of this test only."""
    with serving(apps("catalog"), new_database("catalog", seeded=True)) as client:
        yield client


@pytest.fixture
def step(catalog_api: TestClient, issuer: Issuer) -> Step:
    """Something happens to a certificate in the catalogue."""
    headers = issuer.bearer(BODY, "certification.decide", client="decider")

    def take(name: str, number: str = CERTIFICATE, **body: Any) -> None:
        answer = catalog_api.post(f"/certificates/{number}/{name}", json={"reason": "Prøve"} | body, headers=headers)
        assert answer.status_code in (200, 201), answer.text

    return take


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database(url)
    yield opened
    opened.close()


@pytest.fixture
def certificates(database: Database, catalog_api: TestClient) -> Certificates:
    return Certificates(database, Catalog(Neighbour("The catalogue", catalog_api)))


@pytest.fixture
def ordered(place: Place) -> dict[str, Any]:
    return dict(place().json())


def notices(api: TestClient, headers: dict[str, str], id: str) -> list[dict[str, Any]]:
    found = api.get(f"/call-offs/{id}", headers=headers).json()
    (listed,) = [one for one in api.get("/call-offs", headers=headers).json()["items"] if one["id"] == id]
    assert listed == found
    return list(found["certificate_notices"])


def news(api: TestClient, headers: dict[str, str], id: str) -> list[dict[str, Any]]:
    items = api.get("/events", params={"limit": 200}, headers=headers).json()["items"]
    return [one["data"] for one in items if one["type"] == "call_off.certificate_notice" and one["data"]["id"] == id]


def test_an_open_call_off_is_told_of_a_suspension(
    certificates: Certificates, step: Step, api: TestClient, buyer: dict[str, str], issuer: Issuer, ordered: Any
) -> None:
    step("suspend")
    certificates.follow()
    (notice,) = notices(api, buyer, ordered["id"])
    today = clock.today().isoformat()
    assert notice["recorded_at"] > ordered["placed_at"]
    assert notice == {
        "certificate": CERTIFICATE,
        "product": "fjordvakt-alarm",
        "kind": "suspended",
        "status": "suspended",
        "effective_on": today,
        "relied_on": True,
        "recorded_at": notice["recorded_at"],
    }
    (told,) = news(api, buyer, ordered["id"])
    assert told["number"] == ordered["number"]
    assert (told["certificate"], told["kind"], told["effective_on"]) == (CERTIFICATE, "suspended", today)
    owner = issuer.bearer(JOINT_UNIT, "agreements.read")
    assert news(api, owner, ordered["id"]) == [told], "the agreement's owner hears of it"
    assert not news(api, issuer.bearer(FJORDVAKT, "agreements.read"), ordered["id"])


def test_it_changes_nothing_else(
    certificates: Certificates, step: Step, api: TestClient, buyer: dict[str, str], ordered: Any
) -> None:
    step("withdraw")
    certificates.follow()
    after = api.get(f"/call-offs/{ordered['id']}", headers=buyer).json()
    assert after.pop("certificate_notices")
    ordered.pop("certificate_notices")
    after["letters"] = [one for one in after["letters"] if one["kind"] != "recall"]
    assert after == ordered
    happened = api.get(f"/call-offs/{ordered['id']}/history", headers=buyer).json()["items"]
    assert [one["event"] for one in happened] == ["reserve", "approve", "send"]


def test_what_follows_is_told_in_order(
    certificates: Certificates, step: Step, api: TestClient, buyer: dict[str, str], ordered: Any
) -> None:
    for name in ("suspend", "restore", "withdraw"):
        step(name)
        certificates.follow()
    assert [one["kind"] for one in notices(api, buyer, ordered["id"])] == ["suspended", "restored", "withdrawn"]


def test_the_buyer_has_a_letter_of_each_from_the_owner_of_the_agreement(
    certificates: Certificates, step: Step, api: TestClient, ordered: Any, rows: psycopg.Connection, database: Database
) -> None:
    for name in ("suspend", "restore", "suspend"):
        step(name)
        certificates.follow()
    jobs = rows.execute("SELECT args FROM procrastinate_jobs WHERE args->>'kind' LIKE 'recall%' ORDER BY id").fetchall()
    mine = [args["kind"] for (args,) in jobs if args["call_off"] == ordered["id"]]
    assert mine == ["recall", "recall_ended-2", "recall-3"]
    said = []
    for kind in mine:
        with database.reading() as reader:
            row, kept, lines = calloffs.for_letter(reader, UUID(ordered["id"]), kind)
            matter = letter.Matter(notice=store.by_letter(reader, kept.call_off_id, kind))
        assert (kept.recipient, kept.recipient_name) == (BRONNOY, "Brønnøy kommune")
        said.append(text(letter.pdf(row, lines, kind, matter, public_url="https://avtaler.example.no")))
    for part in ("Tilbakekalling: sertifikat i bestilling", f"Organisasjonsnummer {JOINT_UNIT}", CERTIFICATE):
        assert part in said[0]
    assert "Hva har skjedd Suspendert" in said[0]
    assert "Tilbakekalling opphevet" in said[1]
    assert "Hva har skjedd Gjelder igjen" in said[1]


def test_read_again_the_same_feed_tells_nothing_twice(
    certificates: Certificates,
    step: Step,
    api: TestClient,
    buyer: dict[str, str],
    ordered: Any,
    rows: psycopg.Connection,
) -> None:
    step("suspend")
    for _ in range(3):
        certificates.follow()
        rows.execute("UPDATE feed_cursor SET position = 0 WHERE source = 'catalog'")
    assert len(notices(api, buyer, ordered["id"])) == 1
    assert len(news(api, buyer, ordered["id"])) == 1
    traces = rows.execute("SELECT count(*) FROM audit WHERE action = 'call_off.certificate_notice'").fetchone()
    assert traces == (len(told_at_all(rows)),)


def told_at_all(rows: psycopg.Connection) -> list[tuple[str, str]]:
    return rows.execute("SELECT certificate, kind FROM certificate_notice ORDER BY id").fetchall()


def test_notices_and_the_place_read_to_are_kept_together(
    certificates: Certificates,
    step: Step,
    api: TestClient,
    buyer: dict[str, str],
    ordered: Any,
    rows: psycopg.Connection,
) -> None:
    """The feed event cannot be written: then the notice is not kept either, nor that the news was read."""
    step("suspend")
    rows.execute("ALTER TABLE event ADD CONSTRAINT full_up CHECK (type <> 'call_off.certificate_notice') NOT VALID")
    with pytest.raises(Exception, match="full_up"):
        certificates.follow()
    assert not notices(api, buyer, ordered["id"])
    rows.execute("ALTER TABLE event DROP CONSTRAINT full_up")
    certificates.follow()
    assert len(notices(api, buyer, ordered["id"])) == 1


def test_who_is_not_concerned_is_not_told(
    certificates: Certificates, step: Step, api: TestClient, buyer: dict[str, str], place: Place
) -> None:
    cancelled = place().json()["id"]
    api.post(f"/call-offs/{cancelled}/cancel", json={}, headers=buyer)
    other = place(lot="tilsyn", lines=[{"item": "kamera", "quantity": 1}]).json()["id"]
    step("suspend")
    certificates.follow()
    assert not notices(api, buyer, cancelled), "it is closed"
    assert not notices(api, buyer, other), "it is of another product"


def test_what_gives_back_is_told_only_where_something_was_taken_away(
    certificates: Certificates, step: Step, api: TestClient, buyer: dict[str, str], ordered: Any, place: Place
) -> None:
    step("suspend")
    certificates.follow()
    step("restore")
    later = place().json()
    certificates.follow()
    assert [one["kind"] for one in notices(api, buyer, ordered["id"])] == ["suspended", "restored"]
    assert not notices(api, buyer, later["id"])


def test_what_the_call_offs_own_verdict_knew_is_no_news(
    certificates: Certificates,
    step: Step,
    api: TestClient,
    buyer: dict[str, str],
    ordered: Any,
    rows: psycopg.Connection,
) -> None:
    step("suspend")
    later = timedelta(hours=1)
    rows.execute("UPDATE calloff SET placed_at = placed_at + %s WHERE uuid = %s", [later, ordered["id"]])
    certificates.follow()
    assert not notices(api, buyer, ordered["id"])


def test_a_certificate_against_another_specification_does_not_matter(
    certificates: Certificates, step: Step, api: TestClient, buyer: dict[str, str], ordered: Any, database: Database
) -> None:
    event = event_of("certificate.suspended", specification="velferdsteknologi-datautveksling")
    with following(database, event) as follower:
        follower.follow()
    assert not notices(api, buyer, ordered["id"])
    with following(database, event_of("certificate.suspended", "901", specification=None)) as follower:
        follower.follow()
    assert len(notices(api, buyer, ordered["id"])) == 1


def event_of(type: str, id: str = "900", **data: Any) -> dict[str, Any]:
    said = {"product": "fjordvakt-alarm", "effective_on": "2026-11-01", "status": "suspended"} | data
    return {
        "id": id,
        "type": type,
        "subject": f"/certificates/{CERTIFICATE}",
        "time": clock.now().isoformat(),
        "data": {name: value for name, value in said.items() if value is not None},
    }


class following:
    """A follower of a catalogue that tells these events, whatever it is asked."""

    def __init__(self, database: Database, *events: dict[str, Any], after: int | None = None) -> None:
        body = json.dumps({"items": list(events), "next": after or max(int(one["id"]) for one in events)})
        self._listening = neighbours.listening(neighbours.says("200 OK", body))
        self._database = database

    def __enter__(self) -> Certificates:
        self._client = new_client(self._listening.__enter__())
        return Certificates(self._database, Catalog(Neighbour("The catalogue", self._client)))

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self._listening.__exit__(None, None, None)


def test_positions_may_jump(
    database: Database, api: TestClient, buyer: dict[str, str], ordered: Any, rows: psycopg.Connection
) -> None:
    """Positions are numbers that grow: what lies between belongs to others, or is gone."""
    events = [event_of("certificate.suspended", "12"), event_of("certificate.restored", "4012", status="valid")]
    with following(database, *events, after=9_000_000_000) as follower:
        follower.follow()
    assert [one["kind"] for one in notices(api, buyer, ordered["id"])] == ["suspended", "restored"]
    position = rows.execute("SELECT position FROM feed_cursor WHERE source = 'catalog'").fetchone()
    assert position == (9_000_000_000,)


def test_a_feed_that_goes_backwards_is_read_no_further(database: Database, rows: psycopg.Connection) -> None:
    """A catalogue that was restored from a copy: nothing is told anew, and nobody turns in circles."""
    rows.execute("INSERT INTO feed_cursor (source, position) VALUES ('catalog', 5000)")
    with following(database, event_of("certificate.suspended", "40")) as follower:
        follower.follow()
    assert not told_at_all(rows)


def test_what_cannot_be_understood_does_not_stop_the_feed(
    database: Database, api: TestClient, buyer: dict[str, str], ordered: Any
) -> None:
    strange = [
        event_of("certificate.suspended", "1", effective_on="soon"),
        event_of("certificate.polished", "2"),
        event_of("certificate.suspended", "3", product=["fjordvakt-alarm"]),
        event_of("certificate.suspended", "4", status={"valid": False}, effective_on=None, further="news"),
    ]
    with following(database, *strange) as follower:
        follower.follow()
    (notice,) = notices(api, buyer, ordered["id"])
    assert (notice["kind"], notice["status"]) == ("suspended", None)
    assert notice["effective_on"] == clock.today().isoformat(), "the day that it was recorded on"


@pytest.mark.parametrize(
    ("behave", "error"),
    [
        (neighbours.hangs_up, NeighbourAway),
        (neighbours.says("503 Service Unavailable", "{}"), NeighbourAway),
        (neighbours.says("404 Not Found", "{}"), NeighbourNonsense),
        (neighbours.says("200 OK", '{"items": 7}'), NeighbourNonsense),
    ],
    ids=["hangs up", "503", "404", "nonsense"],
)
def test_while_the_catalogue_is_away_the_news_waits(
    database: Database,
    certificates: Certificates,
    step: Step,
    api: TestClient,
    buyer: dict[str, str],
    ordered: Any,
    behave: neighbours.Behaviour,
    error: type[Exception],
) -> None:
    step("suspend")
    with neighbours.listening(behave) as url, new_client(url) as client, pytest.raises(error):
        Certificates(database, Catalog(Neighbour("The catalogue", client))).follow()
    certificates.follow()
    assert len(notices(api, buyer, ordered["id"])) == 1


def test_a_notice_is_never_changed(
    certificates: Certificates, step: Step, ordered: Any, rows: psycopg.Connection
) -> None:
    step("suspend")
    certificates.follow()
    for change in ("UPDATE certificate_notice SET kind = 'restored'", "DELETE FROM certificate_notice"):
        with pytest.raises(psycopg.errors.RaiseException):
            rows.execute(change)


def test_all_that_takes_away_is_told_and_what_gives_back_only_after_it() -> None:
    for kind in rules.TAKEN_AWAY:
        assert rules.told(kind, told_before=False)
    for kind in rules.GIVEN_BACK:
        assert not rules.told(kind, told_before=False)
        assert rules.told(kind, told_before=True)
    assert not rules.told("granted", told_before=True)
