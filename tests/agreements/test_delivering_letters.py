"""From a call-off to a dispatch: the same letter however often it is tried, and what becomes of it is shown."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from fastapi.testclient import TestClient

from services.agreements.calloff_steps import store as calloff_steps
from services.agreements.catalog_client import Catalog
from services.agreements.integration_client import Integration, LetterRefused
from services.agreements.jobs import Letters
from services.agreements.letters import store
from services.chassis.db import Database
from services.chassis.http import Neighbour, new_client
from services.chassis.problems import NeighbourAway, NeighbourNonsense
from services.integration import app as integration
from services.integration.settings import Settings as IntegrationSettings
from tests.agreements import neighbours
from tests.agreements.conftest import BRONNOY, FJORDVAKT, JOINT_UNIT, Place
from tests.agreements.test_letters import text
from tests.conftest import NewDatabase
from tests.issuer import Issuer

PUBLIC_URL = "http://127.0.0.1:8002"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database(url)
    yield opened
    opened.close()


@pytest.fixture
def integration_api(new_database: NewDatabase, issuer: Issuer) -> Iterator[TestClient]:
    settings = IntegrationSettings(database_url=new_database("integration"), issuers=[issuer.trusted()])
    with TestClient(integration.create_app(settings)) as client:
        client.headers.update(issuer.bearer(JOINT_UNIT, "dispatch.write", "dispatch.read"))
        yield client


@pytest.fixture
def catalog(catalog_api: TestClient) -> Catalog:
    return Catalog(Neighbour("The catalogue", catalog_api))


@pytest.fixture
def letters(database: Database, integration_api: TestClient, catalog: Catalog) -> Letters:
    return Letters(database, Integration(Neighbour("Integration", integration_api)), catalog, PUBLIC_URL)


@pytest.fixture
def sent(place: Place) -> str:
    return str(place().json()["id"])


def shown(api: TestClient, buyer: dict[str, str], id: str) -> dict[str, Any]:
    (letter,) = api.get(f"/call-offs/{id}", headers=buyer).json()["letters"]
    return dict(letter)


def every_event(api: TestClient, headers: dict[str, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while page := api.get("/events", headers=headers, params={"after": found[-1]["id"] if found else 0}).json()[
        "items"
    ]:
        found += page
    return found


def test_a_letter_is_handed_over_and_its_way_is_shown(
    letters: Letters, api: TestClient, buyer: dict[str, str], sent: str, integration_api: TestClient
) -> None:
    assert shown(api, buyer, sent)["status"] is None
    letters.deliver(sent, "order")
    letters.follow()
    letter = shown(api, buyer, sent)
    (dispatch,) = integration_api.get("/dispatches").json()["items"]
    assert (letter["dispatch_id"], letter["status"]) == (dispatch["id"], "queued")
    assert dispatch["reference"] == letter["reference"] == f"call-off-{sent}-order"
    assert dispatch["documents"][0]["sha256"] == letter["sha256"]


def test_tried_again_it_is_the_same_letter(
    letters: Letters, sent: str, integration_api: TestClient, rows: psycopg.Connection
) -> None:
    """Also when the worker was killed before it could note that the letter was taken."""
    for _ in range(3):
        letters.deliver(sent, "order")
        rows.execute("UPDATE letter SET dispatch_id = NULL")
    assert len(integration_api.get("/dispatches").json()["items"]) == 1


@pytest.fixture
def in_nynorsk(catalog_api: TestClient, issuer: Issuer) -> Iterator[Callable[[str], None]]:
    """Brønnøy decides on a form of Norwegian; afterwards it has none of the two again."""
    editor = issuer.bearer(JOINT_UNIT, "catalog.admin")
    (found,) = catalog_api.get("/organisations", params={"organisation_number": BRONNOY}).json()["items"]

    def decide(form: str) -> None:
        headers = {"If-Match": "*", "Content-Type": "application/merge-patch+json"} | editor
        answer = catalog_api.patch(f"/organisations/{found['id']}", json={"language_form": form}, headers=headers)
        assert answer.status_code == 200, answer.text

    yield decide
    decide("neutral")


def test_a_letter_is_in_the_form_of_norwegian_that_the_municipality_has_decided_on(
    letters: Letters,
    sent: str,
    in_nynorsk: Callable[[str], None],
    api: TestClient,
    buyer: dict[str, str],
    integration_api: TestClient,
    rows: psycopg.Connection,
) -> None:
    """And stays so, also when it decides anew before the letter is on its way."""
    in_nynorsk("nn")
    letters.deliver(sent, "order")
    in_nynorsk("nb")
    rows.execute("UPDATE letter SET dispatch_id = NULL")
    letters.deliver(sent, "order")
    (dispatch,) = integration_api.get("/dispatches").json()["items"]
    reference = shown(api, buyer, sent)["reference"]
    assert "på vilkåra i rammeavtalen" in text(api.get(f"/call-offs/{sent}/letters/{reference}", headers=buyer).content)
    assert dispatch["title"].startswith("Bestilling AVR-")


def test_a_nynorsk_confirmation_has_a_nynorsk_title(
    letters: Letters,
    sent: str,
    in_nynorsk: Callable[[str], None],
    api: TestClient,
    issuer: Issuer,
    integration_api: TestClient,
) -> None:
    in_nynorsk("nn")
    supplier = issuer.bearer(FJORDVAKT, "agreements.supply")
    assert api.post(f"/call-offs/{sent}/confirm", json={}, headers=supplier).status_code == 200
    letters.deliver(sent, "confirmation")
    (dispatch,) = integration_api.get("/dispatches").json()["items"]
    assert dispatch["title"].startswith("Ordrestadfesting AVR-")


def test_while_the_catalogue_cannot_say_which_the_letter_waits(
    database: Database, integration_api: TestClient, sent: str, letters: Letters, api: TestClient, buyer: dict[str, str]
) -> None:
    with neighbours.listening(neighbours.hangs_up) as url, new_client(url) as client:
        away = Catalog(Neighbour("The catalogue", client))
        with pytest.raises(NeighbourAway):
            Letters(database, Integration(Neighbour("I", integration_api)), away, PUBLIC_URL).deliver(sent, "order")
    assert shown(api, buyer, sent)["sha256"] is None
    letters.deliver(sent, "order")
    assert shown(api, buyer, sent)["dispatch_id"]


@pytest.mark.parametrize(
    ("behave", "error"),
    [
        (neighbours.hangs_up, NeighbourAway),
        (neighbours.hangs, NeighbourAway),
        (neighbours.says("503 Service Unavailable", "{}"), NeighbourAway),
        (neighbours.says("401 Unauthorized", "{}"), NeighbourNonsense),
        (neighbours.says("201 Created", "<html>"), NeighbourNonsense),
        (neighbours.says("201 Created", '{"id": 7}'), NeighbourNonsense),
    ],
    ids=["hangs up", "hangs", "503", "401", "html", "half"],
)
def test_while_integration_is_away_the_letter_waits(
    database: Database,
    letters: Letters,
    catalog: Catalog,
    api: TestClient,
    buyer: dict[str, str],
    sent: str,
    behave: neighbours.Behaviour,
    error: type[Exception],
) -> None:
    with neighbours.listening(behave) as url, new_client(url) as client, pytest.raises(error):
        Letters(database, Integration(Neighbour("Integration", client)), catalog, PUBLIC_URL).deliver(sent, "order")
    assert shown(api, buyer, sent)["dispatch_id"] is None
    letters.deliver(sent, "order")
    assert shown(api, buyer, sent)["dispatch_id"]


def test_a_letter_that_is_refused_for_good_says_so(
    database: Database, catalog: Catalog, api: TestClient, buyer: dict[str, str], sent: str
) -> None:
    refusing = neighbours.says("422 Unprocessable", '{"detail": "no"}')
    with neighbours.listening(refusing) as url, new_client(url) as client, pytest.raises(LetterRefused):
        Letters(database, Integration(Neighbour("Integration", client)), catalog, PUBLIC_URL).deliver(sent, "order")
    assert shown(api, buyer, sent)["status"] == "refused"


def test_older_news_changes_nothing(database: Database, api: TestClient, buyer: dict[str, str], sent: str) -> None:
    at = datetime(2026, 11, 24, 12, tzinfo=UTC)
    reference = store.reference(UUID(sent), "order")
    for status, version in (("received", 2), ("accepted", 3), ("queued", 1), ("received", 2)):
        with database.writing() as session:
            external_id = "s-1" if version == 2 else None
            store.heard(session, reference, status=status, version=version, external_id=external_id, at=at)
    letter = shown(api, buyer, sent)
    assert (letter["status"], letter["external_id"], letter["received_at"]) == (
        "accepted",
        "s-1",
        "2026-11-24T12:00:00.000Z",
    )


def test_every_step_of_a_letter_is_shown_once_whatever_the_order_it_is_heard_in(
    database: Database, api: TestClient, buyer: dict[str, str], sent: str
) -> None:
    at = datetime(2026, 11, 24, 12, tzinfo=UTC)
    reference = store.reference(UUID(sent), "order")
    for status, version in (("received", 2), ("queued", 1), ("notified", 3), ("received", 2)):
        with database.writing() as session:
            store.heard(
                session,
                reference,
                status=status,
                version=version,
                external_id=None,
                at=at,
                event=f"event-{version}",
                occurred_at=datetime(2026, 11, 24, version, tzinfo=UTC),
            )
    letter = shown(api, buyer, sent)
    assert [(one["status"], one["event"], one["occurred_at"][11:13]) for one in letter["history"]] == [
        ("queued", "event-1", "01"),
        ("received", "event-2", "02"),
        ("notified", "event-3", "03"),
    ]
    assert letter["consequence"] is None


def test_an_order_whose_letter_is_dead_tells_its_buyer_and_does_not_go_to_the_next_supplier_by_silence(
    database: Database,
    letters: Letters,
    api: TestClient,
    buyer: dict[str, str],
    sent: str,
    integration_api: TestClient,
) -> None:
    letters.deliver(sent, "order")
    dispatch = shown(api, buyer, sent)["dispatch_id"]
    integration_api.post(f"/dispatches/{dispatch}/cancel", json={"reason": "Feil vedlegg"}).raise_for_status()
    letters.follow()
    letter = shown(api, buyer, sent)
    assert (letter["status"], letter["history"][-1]["detail"]) == ("cancelled", "Feil vedlegg")
    assert letter["consequence"].startswith("The supplier has not got the order.")
    (told,) = [one for one in every_event(api, buyer) if one["type"] == "call_off.letter_undelivered"]
    assert (told["subject"], told["data"]["reference"]) == (f"/call-offs/{sent}", letter["reference"])
    calloff_steps.due(database, date(2040, 1, 1))
    assert api.get(f"/call-offs/{sent}", headers=buyer).json()["state"] == "sent"
    with database.writing() as session:
        store.heard(session, letter["reference"], status="read", version=99, external_id=None, at=datetime.now(UTC))
    calloff_steps.due(database, date(2040, 1, 1))
    assert api.get(f"/call-offs/{sent}", headers=buyer).json()["state"] == "declined"


def test_the_feed_is_read_from_where_it_was_left(letters: Letters, sent: str, rows: psycopg.Connection) -> None:
    letters.deliver(sent, "order")
    letters.follow()
    first = rows.execute("SELECT position FROM feed_cursor WHERE source = 'integration'").fetchone()
    letters.follow()
    assert rows.execute("SELECT position FROM feed_cursor WHERE source = 'integration'").fetchone() == first
    assert first
    assert first[0] > 0


def test_a_buyer_s_wish_is_told_by_letter_as_it_was_wished(
    letters: Letters,
    api: TestClient,
    buyer: dict[str, str],
    sent: str,
    issuer: Issuer,
    rows: psycopg.Connection,
    integration_api: TestClient,
) -> None:
    """Each wish has its own letter, also after the supplier has refused one, or the order has changed since."""
    supplier = issuer.bearer(FJORDVAKT, "agreements.supply")

    def step(name: str, headers: dict[str, str], **body: Any) -> None:
        answer = api.post(f"/call-offs/{sent}/{name}", json=body, headers=headers)
        assert answer.status_code == 200, answer.text

    step("confirm", supplier)
    step(
        "buyer-change", buyer, lines=[{"item": "alarm", "quantity": 5}], reason="Flere brukere", needed_on="2029-08-01"
    )
    step("change-refused", supplier, reason="For sent")
    step("buyer-change", buyer, lines=[{"item": "alarm", "quantity": 2}], reason="Færre brukere")
    step("change-confirmed", supplier)
    jobs = rows.execute(
        "SELECT args FROM procrastinate_jobs WHERE args->>'kind' LIKE 'change_%' ORDER BY id"
    ).fetchall()
    mine = [args for (args,) in jobs if args["call_off"] == sent]
    assert [(one["kind"], one["version"]) for one in mine] == [("change_request", 1), ("change_request-2", 1)]
    for one in mine:
        letters.deliver(**one)
    told = rows.execute(
        "SELECT l.pdf FROM letter l JOIN calloff c ON c.id = l.call_off_id WHERE c.uuid = %s "
        "AND l.kind LIKE 'change_request%%' ORDER BY l.kind",
        [sent],
    ).fetchall()
    first, second = (text(pdf) for (pdf,) in told)
    for part in ("Ønske om endring av bestilling", "Flere brukere", "01.08.2029", "5 stk", "12 000,00"):
        assert part in first
    assert "Færre brukere" in second
    assert "2 stk" in second
    dispatches = integration_api.get("/dispatches").json()["items"]
    assert {one["reference"] for one in dispatches} >= {f"call-off-{sent}-change_request"}
