"""A certificate stops being valid: who uses the product is told, once; who does not learns nothing of who does."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from services.catalog.jobs import Recalls
from services.chassis import clock
from services.chassis.db import Database
from services.chassis.values import seed_id
from tests.catalog.conftest import BRONNOY, EDITOR, FJORDVAKT, HAVORN, problem, walk
from tests.issuer import Issuer

BODY, LABORATORY = "100000040", "100000059"
VEFSN, LEIRFJORD, ALSTAHAUG, DONNA, VEGA = "844824122", "945034572", "938712441", "945114878", "941017975"
ALESUND, HARAM = "929911709", "829912252"
FJORDVAKT_ALARM, NORDLYS_ALARM, HAVORN_ALARM = "SV-2026-000001", "SV-2026-000002", "SV-2026-000003"
SEEDED = str(seed_id(f"recall:{HAVORN_ALARM}"))
TOMORROW = (clock.today() + timedelta(days=1)).isoformat()

Step = Callable[..., None]
Told = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def step(catalog: TestClient, issuer: Issuer, database: Database, url: str) -> Step:
    """Something happens to a certificate, and the worker does all that has become due."""
    headers = issuer.bearer(BODY, "certification.decide", client="decider")
    worker = Recalls(database)

    def take(number: str, name: str, *, work: bool = True, **body: Any) -> None:
        answer = catalog.post(f"/certificates/{number}/{name}", json={"reason": "Prøve"} | body, headers=headers)
        assert answer.status_code == 200, answer.text
        if work:
            for job in due(url):
                worker.recall(**job)

    return take


def due(url: str) -> list[dict[str, int]]:
    """The jobs that are waiting."""
    with psycopg.connect(url, autocommit=True) as connection:
        rows = connection.execute("SELECT args FROM procrastinate_jobs WHERE task_name = 'catalog.recall' ORDER BY id")
        return [row[0] for row in rows]


@pytest.fixture
def told(catalog: TestClient, issuer: Issuer) -> Told:
    """What an organisation hears: its own events about recalls, which name its notices."""

    def of(number: str) -> list[dict[str, Any]]:
        headers = issuer.bearer(number)
        items, after = [], 0
        while page := catalog.get("/events", params={"after": after, "limit": 200}, headers=headers).json()["items"]:
            items += page
            after = int(page[-1]["id"])
        return [one for one in items if one["type"].startswith("recall") and "/recall-notices/" in one["subject"]]

    return of


def notices(catalog: TestClient, issuer: Issuer, number: str, certificate: str) -> list[dict[str, Any]]:
    headers = issuer.bearer(number)
    items = catalog.get("/recall-notices", headers=headers).json()["items"]
    for one in items:
        assert catalog.get(f"/recall-notices/{one['id']}", headers=headers).json() == one
    return [one for one in items if one["certificate"] == certificate]


def recalls(catalog: TestClient, certificate: str, headers: dict[str, str] | None = None) -> list[dict[str, Any]]:
    answer = catalog.get("/recalls", params={"certificate": certificate}, headers=headers)
    items: list[dict[str, Any]] = answer.json()["items"]
    for one in items:
        assert catalog.get(f"/recalls/{one['id']}", headers=headers).json() == one
    return items


def test_who_uses_a_suspended_product_is_told(
    catalog: TestClient, issuer: Issuer, step: Step, told: Told, url: str
) -> None:
    before = len(told(BRONNOY))
    step(FJORDVAKT_ALARM, "suspend")
    (recall,) = recalls(catalog, FJORDVAKT_ALARM, issuer.bearer(VEFSN))
    assert (recall["state"], recall["status"], recall["product"]) == ("open", "suspended", "fjordvakt-alarm")
    assert recall["reason"] == "Prøve"
    assert recall["numbers"] == {"organisations": 1, "told": 1, "acknowledged": 0, "unreachable": 0}
    (notice,) = notices(catalog, issuer, BRONNOY, FJORDVAKT_ALARM)
    assert (notice["recall"], notice["state"], notice["organisation_number"]) == (recall["id"], "told", BRONNOY)
    (event,) = told(BRONNOY)[before:]
    assert (event["type"], event["subject"]) == ("recall.notified", f"/recall-notices/{notice['id']}")
    assert event["data"]["certificate"] == FJORDVAKT_ALARM
    assert not told(LEIRFJORD), "it is only claimed that they use it"
    assert not notices(catalog, issuer, LEIRFJORD, FJORDVAKT_ALARM)


def test_who_says_later_that_they_use_it_is_told_too(
    catalog: TestClient, issuer: Issuer, step: Step, database: Database, url: str
) -> None:
    step(FJORDVAKT_ALARM, "suspend")
    worker = Recalls(database)

    def looked_again() -> tuple[int, int]:
        worker.look_again()
        for job in due(url):
            worker.recall(**job)
        mine, theirs = (len(notices(catalog, issuer, number, FJORDVAKT_ALARM)) for number in (BRONNOY, VEGA))
        return mine, theirs

    assert looked_again() == (1, 0)
    new, theirs = {"product": "fjordvakt-alarm"}, issuer.bearer(VEGA, "catalog.write")
    assert catalog.post("/adoptions", json=new, headers=theirs).status_code == 201
    assert looked_again() == (1, 1)
    assert looked_again() == (1, 1), "each once"
    (recall,) = recalls(catalog, FJORDVAKT_ALARM, issuer.bearer(VEFSN))
    assert recall["numbers"] == {"organisations": 2, "told": 2, "acknowledged": 0, "unreachable": 0}
    step(FJORDVAKT_ALARM, "restore")
    assert looked_again() == (1, 1), "what is over is told to nobody new"
    assert all(notices(catalog, issuer, number, FJORDVAKT_ALARM)[0]["ended_on"] for number in (BRONNOY, VEGA))


def test_a_co_operation_and_its_members_are_told_each_once(
    catalog: TestClient, issuer: Issuer, step: Step, told: Told
) -> None:
    own = catalog.post(
        "/adoptions",
        json={"product": "nordlys-alarm"},
        headers=issuer.bearer(DONNA, "catalog.write"),
    )
    assert own.status_code == 201, own.text
    step(NORDLYS_ALARM, "suspend")
    members = [ALSTAHAUG, LEIRFJORD, DONNA]  # of HALD IKT; Herøy has a number as well
    for number in members:
        assert len(notices(catalog, issuer, number, NORDLYS_ALARM)) == 1
        assert len(told(number)) == 1
    (recall,) = recalls(catalog, NORDLYS_ALARM, issuer.bearer(VEFSN))
    assert recall["numbers"]["told"] == recall["numbers"]["organisations"] == 4
    assert recall["numbers"]["unreachable"] == 0


def test_every_successor_of_a_split_organisation_is_told_until_they_agree(
    catalog: TestClient, issuer: Issuer, told: Told
) -> None:
    for number in (ALESUND, HARAM):
        (notice,) = notices(catalog, issuer, number, HAVORN_ALARM)
        assert notice["recall"] == SEEDED
        assert [one["type"] for one in told(number)] == ["recall.notified"]


@pytest.mark.parametrize(
    ("version", "concerned"), [("1.0", True), ("1.4", True), ("9.9", False), (None, True)], ids=str
)
def test_a_version_that_was_not_covered_is_not_concerned(
    catalog: TestClient, issuer: Issuer, step: Step, url: str, version: str | None, concerned: bool
) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "UPDATE certificate SET version_from = '1.0', version_to = '2.0' WHERE number = %s", [FJORDVAKT_ALARM]
        )
        connection.execute(
            "UPDATE adoption SET version = %s WHERE uuid = %s", [version, seed_id("adoption:bronnoy:fjordvakt-alarm")]
        )
    step(FJORDVAKT_ALARM, "suspend")
    assert bool(notices(catalog, issuer, BRONNOY, FJORDVAKT_ALARM)) == concerned
    assert len(recalls(catalog, FJORDVAKT_ALARM)) == 1, "that there is a recall is told anyway"


def test_restored_the_same_are_told_that_it_is_over(
    catalog: TestClient, issuer: Issuer, step: Step, told: Told
) -> None:
    step(FJORDVAKT_ALARM, "suspend")
    step(FJORDVAKT_ALARM, "restore")
    (recall,) = recalls(catalog, FJORDVAKT_ALARM)
    assert (recall["state"], recall["ended_on"]) == ("ended", clock.today().isoformat())
    (notice,) = notices(catalog, issuer, BRONNOY, FJORDVAKT_ALARM)
    assert notice["ended_on"] == clock.today().isoformat()
    assert notice["end_told_at"]
    assert [one["type"] for one in told(BRONNOY)] == ["recall.notified", "recall.end_notified"]
    step(FJORDVAKT_ALARM, "suspend")
    assert [one["state"] for one in recalls(catalog, FJORDVAKT_ALARM)] == ["open", "ended"], "newest first"
    assert len(told(BRONNOY)) == 3


def test_withdrawn_after_suspended_is_a_recall_of_its_own(
    catalog: TestClient, issuer: Issuer, step: Step, told: Told
) -> None:
    step(FJORDVAKT_ALARM, "suspend")
    step(FJORDVAKT_ALARM, "withdraw")
    found = [(one["state"], one["status"]) for one in recalls(catalog, FJORDVAKT_ALARM)]
    assert found == [("open", "withdrawn"), ("replaced", "suspended")]
    assert [one["data"]["status"] for one in told(BRONNOY)] == ["suspended", "withdrawn"]
    assert len(notices(catalog, issuer, BRONNOY, FJORDVAKT_ALARM)) == 2


def test_what_begins_later_is_told_at_once(catalog: TestClient, issuer: Issuer, step: Step, told: Told) -> None:
    step(FJORDVAKT_ALARM, "suspend", effective_on=TOMORROW)
    (recall,) = recalls(catalog, FJORDVAKT_ALARM)
    assert (recall["state"], recall["effective_on"]) == ("open", TOMORROW)
    assert [one["data"]["effective_on"] for one in told(BRONNOY)] == [TOMORROW]


def test_a_worker_that_comes_late_tells_all_of_it_in_order(
    catalog: TestClient, issuer: Issuer, step: Step, told: Told, url: str, database: Database
) -> None:
    """Nothing is passed over, whichever of the jobs is done first, and however often."""
    for name in ("suspend", "restore", "withdraw"):
        step(FJORDVAKT_ALARM, name, work=False)
    assert not told(BRONNOY)
    for job in [*reversed(due(url)), *due(url)]:
        Recalls(database).recall(**job)
    assert [(one["type"], one["data"]["status"]) for one in told(BRONNOY)] == [
        ("recall.notified", "suspended"),
        ("recall.end_notified", "suspended"),
        ("recall.notified", "withdrawn"),
    ]
    assert [one["state"] for one in recalls(catalog, FJORDVAKT_ALARM)] == ["open", "ended"]


def test_a_refused_step_tells_nobody(catalog: TestClient, issuer: Issuer, url: str) -> None:
    before = due(url)
    decider = issuer.bearer(BODY, "certification.decide", client="decider")
    again = catalog.post(f"/certificates/{HAVORN_ALARM}/suspend", json={"reason": "Prøve"}, headers=decider)
    assert again.status_code == 409
    tried = catalog.post(
        f"/certificates/{FJORDVAKT_ALARM}/suspend?dry_run=true", json={"reason": "Prøve"}, headers=decider
    )
    assert tried.status_code == 200
    assert due(url) == before


@pytest.mark.parametrize(
    ("who", "scopes", "sees"),
    [
        (None, (), False),
        (FJORDVAKT, (), False),
        (HAVORN, ("certification.apply",), False),
        (VEFSN, (), True),
        (EDITOR, (), True),
        (BODY, ("certification.decide",), True),
        (LABORATORY, ("certification.assess",), True),
        ("999263550", (), False),
    ],
    ids=str,
)
def test_how_many_use_it_is_not_for_everybody(
    shared_catalog: TestClient, issuer: Issuer, who: str | None, scopes: tuple[str, ...], sees: bool
) -> None:
    headers = issuer.bearer(who, *scopes) if who else None
    one = shared_catalog.get(f"/recalls/{SEEDED}", headers=headers).json()
    (listed,) = shared_catalog.get("/recalls", params={"product": "havorn-alarm"}, headers=headers).json()["items"]
    assert one == listed
    assert (one["numbers"] is not None) == sees
    if sees:
        assert one["numbers"]["organisations"] == 2


def test_the_public_feed_does_not_tell_who_uses_it(catalog: TestClient, step: Step, issuer: Issuer) -> None:
    step(FJORDVAKT_ALARM, "suspend")
    events = walk_events(catalog, None)
    assert [one["type"] for one in events if one["type"].startswith("recall")].count("recall.opened") >= 2
    assert not [one for one in events if "notif" in one["type"]]
    for one in events:
        if one["type"].startswith("recall."):
            assert set(one["data"]) == {"certificate", "status", "effective_on"}
    supplier = walk_events(catalog, issuer.bearer(FJORDVAKT))
    assert not [one for one in supplier if "/recall-notices/" in one["subject"]]


def walk_events(catalog: TestClient, headers: dict[str, str] | None) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    after = 0
    while page := catalog.get("/events", params={"after": after, "limit": 200}, headers=headers).json()["items"]:
        items += page
        after = int(page[-1]["id"])
    return items


def test_a_notice_is_nobody_elses(shared_catalog: TestClient, issuer: Issuer) -> None:
    (mine,) = shared_catalog.get("/recall-notices", headers=issuer.bearer(ALESUND)).json()["items"]
    for number in (HARAM, FJORDVAKT, HAVORN, EDITOR, "999263550"):
        headers = issuer.bearer(number, "catalog.write", "catalog.admin")
        assert problem(shared_catalog.get(f"/recall-notices/{mine['id']}", headers=headers)) == (
            404,
            "recall-notice-not-found",
        )
        answer = shared_catalog.post(
            f"/recall-notices/{mine['id']}/acknowledge", json={"measure": "use_stopped"}, headers=headers
        )
        assert problem(answer) == (404, "recall-notice-not-found")


def test_what_is_done_about_it_can_change(catalog: TestClient, issuer: Issuer) -> None:
    headers = issuer.bearer(ALESUND, "catalog.write")
    (notice,) = catalog.get("/recall-notices", params={"state": "told"}, headers=headers).json()["items"]
    path = f"/recall-notices/{notice['id']}"
    etag = catalog.get(path, headers=headers).headers["ETag"]
    first = catalog.post(
        f"{path}/acknowledge", json={"measure": "looking_into_it"}, headers=headers | {"If-Match": etag}
    )
    assert first.status_code == 200, first.text
    assert (first.json()["state"], first.json()["measure"]) == ("acknowledged", "looking_into_it")
    stale = catalog.post(f"{path}/acknowledge", json={"measure": "replacing"}, headers=headers | {"If-Match": etag})
    assert problem(stale) == (412, "stale")
    second = catalog.post(
        f"{path}/acknowledge", json={"measure": "replacing", "comment": "Ny leverandør"}, headers=headers
    )
    assert second.json() == catalog.get(path, headers=headers).json()
    assert (second.json()["measure"], second.json()["comment"]) == ("replacing", "Ny leverandør")
    assert not catalog.get("/recall-notices", params={"state": "told"}, headers=headers).json()["items"]
    assert len(catalog.get("/recall-notices", params={"state": "acknowledged"}, headers=headers).json()["items"]) == 1
    traces = catalog.get("/audit", params={"subject": path}, headers=headers).json()["items"]
    assert [one["detail"]["changed"]["measure"] for one in traces] == [
        [None, "looking_into_it"],
        ["looking_into_it", "replacing"],
    ]
    assert catalog.get(f"/recalls/{SEEDED}", headers=headers).json()["numbers"]["acknowledged"] == 1
    own = [one["type"] for one in walk_events(catalog, headers)]
    assert own.count("recall_notice.acknowledged") == 2
    assert "recall_notice.acknowledged" not in [one["type"] for one in walk_events(catalog, issuer.bearer(HARAM))]


def test_recalls_are_found_by_state_product_and_certificate(catalog: TestClient, step: Step, issuer: Issuer) -> None:
    step(FJORDVAKT_ALARM, "suspend")
    step(NORDLYS_ALARM, "withdraw")
    step(FJORDVAKT_ALARM, "restore")
    everything = walk(catalog, "/recalls", limit=1)
    assert [one["certificate"] for one in everything if one["certificate"] != HAVORN_ALARM][:2] == [
        NORDLYS_ALARM,
        FJORDVAKT_ALARM,
    ]
    assert len({one["id"] for one in everything}) == len(everything)
    ended = walk(catalog, "/recalls", state="ended", product=["fjordvakt-alarm", "nordlys-alarm"])
    assert [one["certificate"] for one in ended] == [FJORDVAKT_ALARM]
    either = walk(catalog, "/recalls", limit=1, product=["nordlys-alarm", "fjordvakt-alarm"])
    assert {one["product"] for one in either} == {"nordlys-alarm", "fjordvakt-alarm"}
    both = walk(catalog, "/recalls", certificate=[NORDLYS_ALARM, HAVORN_ALARM], state="open")
    assert {one["certificate"] for one in both} == {NORDLYS_ALARM, HAVORN_ALARM}
