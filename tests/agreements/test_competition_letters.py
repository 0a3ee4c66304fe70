"""From a step of a mini-competition to letters: to whom, once, in which words, and who may read them and when."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from services.agreements.catalog_client import Catalog
from services.agreements.competition_letters import store
from services.agreements.competition_steps import store as competition_steps
from services.agreements.integration_client import Integration, LetterRefused
from services.agreements.jobs import Letters
from services.chassis.http import Neighbour, new_client
from services.chassis.problems import NeighbourAway
from services.integration import app as integration
from services.integration.settings import Settings as IntegrationSettings
from tests.agreements import neighbours
from tests.agreements.conftest import FJORDVAKT, JOINT_UNIT, NORDLYS, OSLO
from tests.agreements.test_letters import text
from tests.conftest import NewDatabase, state
from tests.issuer import Issuer

HAVORN = "100000032"
INVITED = [FJORDVAKT, NORDLYS, HAVORN]
Headers = dict[str, str]


@pytest.fixture
def integration_api(new_database: NewDatabase, issuer: Issuer) -> Iterator[TestClient]:
    settings = IntegrationSettings(database_url=new_database("integration"), issuers=[issuer.trusted()])
    with TestClient(integration.create_app(settings)) as client:
        client.headers.update(issuer.bearer(JOINT_UNIT, "dispatch.write", "dispatch.read"))
        yield client


@pytest.fixture
def letters(api: TestClient, integration_api: TestClient, catalog_api: TestClient) -> Letters:
    catalog = Catalog(Neighbour("The catalogue", catalog_api))
    return Letters(
        state(api).database, Integration(Neighbour("Integration", integration_api)), catalog, "http://127.0.0.1:8002"
    )


@pytest.fixture
def supplier(issuer: Issuer) -> Callable[[str], Headers]:
    return lambda number: issuer.bearer(number, "agreements.read", "agreements.supply")


@pytest.fixture
def owner(issuer: Issuer) -> Headers:
    return issuer.bearer(JOINT_UNIT, "agreements.read")


@pytest.fixture
def competition(api: TestClient, buyer: Headers) -> str:
    """One that is open for bids. → its path"""
    terms: dict[str, Any] = {
        "framework_agreement": "ra-2026-driftsplattform",
        "lot": "radgivning",
        "title": {"nb": "Innføring av trygghetsalarmer (fiktivt)"},
        "lines": [{"item": "radgivertime", "quantity": 900}],
        "needed_on": "2029-06-01",
        "criteria": [
            {"code": "pris", "kind": "price", "weight": "60", "formula": "lowest_over_price"},
            {
                **{"code": "kvalitet", "kind": "quality", "title": {"nb": "Løsningsforslag"}, "weight": "40"},
                **{"formula": "average_of_evaluators", "scale_max": 10},
            },
            {"code": "logg", "kind": "must", "title": {"nb": "Logging"}, "answer": False},
        ],
        "tie_rule": ["lowest_price", "recorded_lot"],
        "deadline": "2029-04-01T10:00:00Z",
        "standstill_days": 10,
        "evaluators": [{"code": "fag", "title": {"nb": "Fagansvarlig"}}],
    }
    made = api.post("/mini-competitions", json=terms, headers=buyer)
    assert made.status_code == 201, made.text
    here = f"/mini-competitions/{made.json()['id']}"
    published = api.post(f"{here}/publish", json={}, headers=buyer)
    assert published.status_code == 200, published.text
    return here


def act(api: TestClient, path: str, headers: Headers, body: Any, expected: int = 200, method: str = "POST") -> Any:
    answer = api.request(method, path, json=body, headers=headers | {"Idempotency-Key": path})
    assert answer.status_code == expected, answer.text
    return answer.json()


def shown(api: TestClient, competition: str, headers: Headers, kind: str | None = None) -> list[Any]:
    answer = api.get(f"{competition}/letters", headers=headers)
    assert answer.status_code == 200, answer.text
    return [one for one in answer.json()["items"] if kind in (None, one["kind"])]


def deliver(letters: Letters, found: list[Any]) -> None:
    for one in found:
        letters.deliver_of_competition(one["reference"])
    letters.follow()


def read(api: TestClient, competition: str, letter: Any, headers: Headers) -> str:
    answer = api.get(f"{competition}/letters/{letter['reference']}", headers=headers)
    assert answer.status_code == 200, answer.text
    return text(answer.content)


def waiting(rows: psycopg.Connection, competition: str) -> list[str]:
    """References of the jobs that deliver its letters."""
    query = "SELECT args->>'reference' FROM procrastinate_jobs WHERE task_name = %s ORDER BY id"
    return [one for (one,) in rows.execute(query, [store.TASK]) if competition.rpartition("/")[2] in one]


def deadline_passes(rows: psycopg.Connection, competition: str) -> None:
    """The deadline is an instant in the database, which decides by its own clock."""
    changed = rows.execute(
        "UPDATE minicompetition SET deadline = clock_timestamp() WHERE uuid = %s", [competition.rpartition("/")[2]]
    )
    assert changed.rowcount == 1


@pytest.fixture
def opened(
    api: TestClient, buyer: Headers, supplier: Callable[[str], Headers], rows: psycopg.Connection, competition: str
) -> str:
    """Fjordvakt and Nordlys have bid, and their bids are opened."""
    for number, price in ((FJORDVAKT, "1190.00"), (NORDLYS, "1210.00")):
        bid = {
            "lines": [{"item": "radgivertime", "unit_price_excl_vat": price}],
            "answers": [{"criterion": "kvalitet", "text": f"Hemmelig plan {number} (fiktivt)"}],
        }
        made = act(api, f"{competition}/bids", supplier(number), bid, 201)
        act(api, f"{competition}/bids/{made['id']}/submit", supplier(number), {})
    deadline_passes(rows, competition)
    act(api, f"{competition}/open-bids", buyer, {})
    return competition


def bids(api: TestClient, competition: str, headers: Headers) -> dict[str, str]:
    found = api.get(f"{competition}/bids", headers=headers).json()["items"]
    return {one["supplier_organisation_number"]: one["id"] for one in found}


def marks(api: TestClient, competition: str, buyer: Headers, **met: bool) -> None:
    given = [
        {
            "bid": bid,
            "marks": [
                {"criterion": "kvalitet", "points": "9" if number == NORDLYS else "4", "comment": f"Om {number}"},
                {"criterion": "logg", "met": met.get(f"of_{number}", True)},
            ],
        }
        for number, bid in bids(api, competition, buyer).items()
    ]
    act(api, f"{competition}/scores/fag", buyer, {"bids": given}, method="PUT")


def award(api: TestClient, competition: str, buyer: Headers) -> None:
    act(api, f"{competition}/announce-award", buyer, {"reason": "Best plan for opplæring (fiktivt)."}, 201)


def standstill(api: TestClient, competition: str, buyer: Headers) -> Any:
    """When it began."""
    (award,) = api.get(f"{competition}/award", headers=buyer).json()["items"]
    return award["standstill_from_at"]


def document(api: TestClient, competition: str, kind: str, headers: Headers, **query: str) -> tuple[int, str]:
    answer = api.get(f"{competition}/documents/{kind}", headers=headers, params=query)
    if answer.status_code == 200:
        return 200, text(answer.content)
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


def test_at_publication_everybody_who_is_invited_gets_one_invitation(
    api: TestClient,
    buyer: Headers,
    supplier: Callable[[str], Headers],
    competition: str,
    letters: Letters,
    integration_api: TestClient,
    rows: psycopg.Connection,
) -> None:
    found = shown(api, competition, buyer)
    assert [(one["kind"], one["recipient"], one["status"]) for one in found] == [
        ("invitation", number, None) for number in INVITED
    ]
    assert waiting(rows, competition) == [one["reference"] for one in found]
    for _ in range(2):  # also when a worker was killed before it could note that the letter was taken
        deliver(letters, found)
        rows.execute("UPDATE competition_letter SET dispatch_id = NULL")
    dispatches = integration_api.get("/dispatches").json()["items"]
    assert sorted(one["reference"] for one in dispatches) == sorted(one["reference"] for one in found)
    assert {one["title"].rpartition(" ")[0] for one in dispatches} == {"Invitasjon til minikonkurranse"}
    after = shown(api, competition, buyer)
    assert {one["status"] for one in after} == {"queued"}
    assert {one["sha256"] for one in after} == {one["documents"][0]["sha256"] for one in dispatches}
    assert "Tilbudsfrist 01.04.2029 kl. 12.00" in read(api, competition, after[0], buyer)
    assert "Poengene avhenger også av de andre tilbudene" in read(api, competition, after[0], supplier(FJORDVAKT))


def test_a_supplier_reads_its_own_letters_and_a_stranger_none(
    api: TestClient, buyer: Headers, supplier: Callable[[str], Headers], competition: str, letters: Letters
) -> None:
    found = shown(api, competition, buyer)
    not_made = api.get(f"{competition}/letters/{found[0]['reference']}", headers=buyer)
    assert not_made.json()["type"] == "/problems/competition-letter-not-made"
    deliver(letters, found)
    assert [one["recipient"] for one in shown(api, competition, supplier(NORDLYS))] == [NORDLYS]
    for one in found:
        answer = api.get(f"{competition}/letters/{one['reference']}", headers=supplier(NORDLYS))
        assert answer.status_code == (200 if one["recipient"] == NORDLYS else 404)
    unknown = api.get(f"{competition}/letters/{found[0]['reference']}x", headers=buyer)
    assert unknown.json()["type"] == "/problems/competition-letter-unknown"
    for path in ("letters", f"letters/{found[0]['reference']}", "documents/invitation"):
        assert api.get(f"{competition}/{path}", headers=supplier("100000075")).status_code == 404


def test_questions_amendments_and_the_cancellation_are_told_to_all_without_who_asked(
    api: TestClient,
    buyer: Headers,
    supplier: Callable[[str], Headers],
    competition: str,
    letters: Letters,
) -> None:
    for place in (1, 2):
        asked = act(api, f"{competition}/questions", supplier(NORDLYS), {"text": f"Spørsmål nummer {place}?"}, 201)
        act(api, f"{competition}/questions/{asked['id']}/answer", buyer, {"text": f"Svar nummer {place}."})
    change = {"reason": "Fristen er forlenget (fiktivt).", "deadline": "2045-01-01T11:00:00Z"}
    act(api, f"{competition}/amend", buyer, change | {"requires_new_bids": True})
    act(api, f"{competition}/cancel", buyer, {"reason": "Behovet falt bort (fiktivt)."})
    found = shown(api, competition, buyer)
    deliver(letters, found)
    told = [(one["kind"], one["round"]) for one in found if one["recipient"] == FJORDVAKT]
    assert told == [("invitation", 1), ("questions", 1), ("questions", 2), ("amendment", 1), ("cancellation", 1)]
    assert len(found) == len(told) * len(INVITED)
    said = {(one["kind"], one["round"]): read(api, competition, one, buyer) for one in found}
    assert "Svar nummer 1." in said["questions", 1]
    assert "Svar nummer 2." not in said["questions", 1]
    assert "Spørsmål 2 Spørsmål nummer 2?" in said["questions", 2]
    to_fjordvakt = [one for one in found if (one["kind"], one["recipient"]) == ("questions", FJORDVAKT)]
    assert NORDLYS not in read(api, competition, to_fjordvakt[1], buyer), "who asked"
    for part in ("Grunn: Fristen er forlenget", "Tidligere tilbudsfrist 01.04.2029", "gjelder ikke lenger"):
        assert part in said["amendment", 1]
    assert "avlyst" in said["cancellation", 1]
    assert "Grunn: Behovet falt bort" in said["cancellation", 1]


def test_a_draft_that_is_cancelled_and_a_rehearsal_write_to_nobody(
    api: TestClient, buyer: Headers, competition: str, rows: psycopg.Connection
) -> None:
    before = waiting(rows, competition)
    api.post(f"{competition}/cancel", json={"reason": "Øvelse"}, params={"dry_run": "true"}, headers=buyer)
    assert waiting(rows, competition) == before


def test_when_nobody_bids_all_who_were_invited_are_told(
    api: TestClient, buyer: Headers, competition: str, rows: psycopg.Connection, letters: Letters
) -> None:
    deadline_passes(rows, competition)
    api.post(f"{competition}/open-bids", json={}, headers=buyer)
    competition_steps.due(state(api).database)
    found = shown(api, competition, buyer, "unsuccessful")
    assert [one["recipient"] for one in found] == INVITED
    deliver(letters, found)
    assert "uten at noe tilbud er valgt" in read(api, competition, found[0], buyer)


def test_each_bidder_is_told_of_the_award_with_its_own_scores_and_the_winners(
    api: TestClient,
    buyer: Headers,
    supplier: Callable[[str], Headers],
    opened: str,
    letters: Letters,
) -> None:
    marks(api, opened, buyer)
    award(api, opened, buyer)
    found = shown(api, opened, buyer, "award")
    assert [one["recipient"] for one in found] == [FJORDVAKT, NORDLYS], "who has not bid is not told"
    assert standstill(api, opened, buyer) is None
    deliver(letters, found[:1])
    assert standstill(api, opened, buyer) is None, "one of two letters is still to be handed over"
    deliver(letters, found[1:])
    assert standstill(api, opened, buyer) >= shown(api, opened, buyer, "award")[1]["handed_over_at"]
    lost, won = (read(api, opened, one, buyer) for one in found)
    for part in (
        "valgt et annet tilbud",
        "Begrunnelse • Best plan for opplæring (fiktivt).",
        "Plass 2 med",
        "Om 100000016",
        "Valgt tilbud Nordlys Trygghet AS (fiktiv) (100000024)",
        "karensperioden på 10 kalenderdager",
        "Klagenemnda",
    ):
        assert part in lost
    assert "valgt tilbudet deres" in won
    for part in ("Om 100000024", "1089000", "1 089 000", "Hemmelig plan"):
        assert part not in lost, "neither what was written about the winner nor its price"
    assert FJORDVAKT not in won
    answer = api.get(f"{opened}/letters/{found[1]['reference']}", headers=supplier(FJORDVAKT))
    assert answer.status_code == 404


def test_an_award_that_is_taken_back_and_announced_anew_is_told_anew(
    api: TestClient, buyer: Headers, opened: str, letters: Letters
) -> None:
    marks(api, opened, buyer)
    award(api, opened, buyer)
    act(api, f"{opened}/withdraw-award", buyer, {"reason": "En evaluator så på feil tilbud (fiktivt)."})
    (loser,) = [bid for number, bid in bids(api, opened, buyer).items() if number == NORDLYS]
    act(api, f"{opened}/bids/{loser}/reject", buyer, {"reasons": ["Tilbudet har et forbehold (fiktivt)."]})
    act(api, f"{opened}/announce-award?again", buyer, {"reason": "Best plan av dem som er igjen."}, 201)
    found = shown(api, opened, buyer)
    deliver(letters, found)
    said = {(one["kind"], one["round"], one["recipient"]): read(api, opened, one, buyer) for one in found}
    assert "valgt tilbudet deres" in said["award", 1, NORDLYS]
    assert "Grunn: En evaluator så på feil tilbud" in said["award_withdrawn", 1, FJORDVAKT]
    assert "Tilbudet deres er avvist" in said["award", 2, NORDLYS]
    assert "Tilbudet har et forbehold (fiktivt)." in said["award", 2, NORDLYS]
    assert "valgt tilbudet deres" in said["award", 2, FJORDVAKT]


def test_records_are_closed_to_bidders_until_the_choice_has_been_made(
    api: TestClient, buyer: Headers, owner: Headers, supplier: Callable[[str], Headers], opened: str
) -> None:
    fjordvakt, havorn = supplier(FJORDVAKT), supplier(HAVORN)
    for reader in (buyer, owner):
        status, said = document(api, opened, "opening_record", reader)
        assert "Fjordvakt Velferd AS (fiktiv) 100000016" in said
        assert "Inviterte uten tilbud • Havørn Omsorgsteknologi AS (fiktiv) (100000032)" in said
        assert "1 071 000,00" in said
    status, own = document(api, opened, "opening_record", fjordvakt)
    assert (status, "1 071 000,00" in own, "Nordlys" in own, "Havørn" in own) == (200, True, False, False)
    assert document(api, opened, "opening_record", havorn) == (404, "document-closed")
    assert document(api, opened, "evaluation_report", buyer) == (409, "document-not-yet")
    marks(api, opened, buyer)
    assert document(api, opened, "evaluation_report", fjordvakt) == (404, "document-closed")
    status, whole = document(api, opened, "evaluation_report", buyer)
    assert "Om 100000016" in whole
    award(api, opened, buyer)
    status, after = document(api, opened, "evaluation_report", fjordvakt)
    assert (status, "Om 100000016" in after, "Om 100000024" in after) == (200, True, False)
    assert "Nordlys Trygghet AS (fiktiv) 100000024 1 089 000,00" in after
    assert "Nordlys" in document(api, opened, "opening_record", havorn)[1]


@pytest.mark.parametrize("kind", ["opening_record", "evaluation_report"])
def test_before_the_opening_there_is_no_record_for_anybody(
    api: TestClient, buyer: Headers, supplier: Callable[[str], Headers], competition: str, kind: str
) -> None:
    for reader in (buyer, supplier(FJORDVAKT)):
        assert document(api, competition, kind, reader) == (409, "document-not-yet")
    assert "Slik velger vi" in document(api, competition, "invitation", buyer)[1]
    assert "Slik vel vi" in document(api, competition, "invitation", supplier(NORDLYS), language="nn")[1]
    assert "Ingen spørsmål er svara på." in document(api, competition, "questions", buyer, language="nn")[1]


def test_a_letter_waits_for_neighbours_and_what_is_refused_is_shown(
    api: TestClient, buyer: Headers, competition: str, letters: Letters, catalog_api: TestClient
) -> None:
    first, second, _ = shown(api, competition, buyer)
    with new_client("http://127.0.0.1:9") as nobody:
        alone = Letters(
            state(api).database,
            Integration(Neighbour("Integration", nobody)),
            Catalog(Neighbour("The catalogue", catalog_api)),
            "http://127.0.0.1:8002",
        )
        with pytest.raises(NeighbourAway):
            alone.deliver_of_competition(first["reference"])
    assert shown(api, competition, buyer)[0]["sha256"], "it is made, once"
    refusal = neighbours.says("422 Unprocessable", '{"detail": "no"}')
    with neighbours.listening(refusal) as url, new_client(url) as refusing:
        unwilling = Letters(
            state(api).database,
            Integration(Neighbour("Integration", refusing)),
            Catalog(Neighbour("The catalogue", catalog_api)),
            "http://127.0.0.1:8002",
        )
        with pytest.raises(LetterRefused):
            unwilling.deliver_of_competition(second["reference"])
    found = shown(api, competition, buyer)[1]
    assert found["status"] == "refused"
    assert "Tell it otherwise" in found["consequence"] or "tell it otherwise" in found["consequence"]
    events = api.get("/events", headers=buyer, params={"after": 0, "limit": 200}).json()["items"]
    told = [one["data"] for one in events if one["type"] == "mini_competition.letter_undelivered"]
    assert [(one["recipient"], one["kind"]) for one in told] == [(NORDLYS, "invitation")]
    deliver(letters, [first])
    assert shown(api, competition, buyer)[0]["status"] == "queued"


def test_old_news_of_a_letter_changes_nothing(
    api: TestClient, buyer: Headers, competition: str, letters: Letters, rows: psycopg.Connection
) -> None:
    (first, *_) = shown(api, competition, buyer)
    deliver(letters, [first])
    rows.execute("UPDATE competition_letter SET version = 9, status = 'received' WHERE dispatch_id IS NOT NULL")
    rows.execute("UPDATE feed_cursor SET position = 0")
    letters.follow()
    assert shown(api, competition, buyer)[0]["status"] == "received"


def test_another_municipality_learns_of_no_document(api: TestClient, issuer: Issuer, competition: str) -> None:
    oslo = issuer.bearer(OSLO, "agreements.read", "agreements.order")
    assert document(api, competition, "invitation", oslo) == (404, "mini-competition-not-found")
