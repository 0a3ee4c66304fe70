"""Successors are not members: what they inherit counts when they say so, and after a split when all agree."""

from collections import Counter
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from services.chassis import audit
from services.chassis.db import Database
from services.chassis.values import seed_id
from tests.catalog.conftest import problem, walk
from tests.issuer import Issuer

ASKER, SANDNES, ALESUND, HARAM, VIFO = "920125298", "964965137", "929911709", "829912252", "920415288"
PROPOSED = str(seed_id("allocation:ekommune-sunnmore"))


def id_of(number: str) -> str:
    return str(seed_id(f"organisation:{number}"))


def on_day(catalog: TestClient, slug: str, on: str | None = None) -> dict[str, str]:
    """Each organisation's status, by its number."""
    found = catalog.get(f"/co-operations/{slug}", params={"on": on} if on else {}).json()
    return {one["organisation_number"]: one["status"] for one in found["on_that_day"]}


def say(catalog: TestClient, issuer: Issuer, slug: str, number: str, answer: str = "confirm", **body: Any) -> Any:
    path = f"/co-operations/{slug}/members/{id_of(number)}/{answer}"
    return catalog.post(path, json=body, headers=issuer.bearer(number, "catalog.write"))


def answer_allocation(
    catalog: TestClient, issuer: Issuer, number: str, id: str = PROPOSED, step: str = "confirm"
) -> Any:
    path = f"/co-operations/ekommune-sunnmore/allocations/{id}/{step}"
    return catalog.post(path, headers=issuer.bearer(number, "catalog.write"))


def test_who_the_members_of_2015_are_today(shared_catalog: TestClient) -> None:
    """Counted by organisation: who is a member itself, who has perhaps inherited, and who waits after a split."""
    statuses = Counter[str]()
    for one in walk(shared_catalog, "/co-operations", on="2015-10-30"):
        found = shared_catalog.get(f"/co-operations/{one['slug']}", params={"on": "2018-12-31"}).json()
        assert {row["status"] for row in found["on_that_day"]} == {"recorded"}
        found = shared_catalog.get(f"/co-operations/{one['slug']}", params={"on": "2024-01-01"}).json()
        assert len({row["organisation_id"] for row in found["on_that_day"]}) == len(found["on_that_day"])
        statuses += Counter(row["status"] for row in found["on_that_day"])
    assert statuses["awaiting_allocation"] == 2
    assert statuses["confirmed"] == 0


def test_a_merged_member_leaves_its_successor_unconfirmed(shared_catalog: TestClient) -> None:
    assert on_day(shared_catalog, "d-ikt", "2019-12-31")["938709866"] == "recorded"
    today = on_day(shared_catalog, "d-ikt")
    assert today[ASKER] == "inherited_unconfirmed"
    assert "938709866" not in today
    found = shared_catalog.get("/co-operations/d-ikt").json()
    (asker,) = [one for one in found["on_that_day"] if one["organisation_number"] == ASKER]
    assert asker["inherited_from"] == [id_of("938709866")]
    assert id_of("938709866") in [one["organisation_id"] for one in found["members"]], "the record stays"


def test_a_county_that_was_a_member_has_an_heir_too(shared_catalog: TestClient) -> None:
    assert on_day(shared_catalog, "ikt-agder", "2019-12-31")["943039046"] == "recorded"
    assert on_day(shared_catalog, "ikt-agder", "2020-01-01")["921707134"] == "inherited_unconfirmed"


def test_a_successor_of_two_members_is_one(shared_catalog: TestClient) -> None:
    found = shared_catalog.get("/co-operations/fosen-ikt", params={"on": "2024-01-01"}).json()
    names = Counter(one["name"] for one in found["on_that_day"])
    assert names == {f"{name} kommune": 1 for name in ("Indre Fosen", "Osen", "Åfjord", "Ørland")}
    (orland,) = [one for one in found["on_that_day"] if one["name"] == "Ørland kommune"]
    assert len(orland["inherited_from"]) == 2


def test_a_successor_confirms_for_itself(catalog: TestClient, issuer: Issuer, database: Database) -> None:
    answer = say(catalog, issuer, "d-ikt", ASKER)
    assert (answer.status_code, answer.json()["status"]) == (200, "confirmed")
    assert on_day(catalog, "d-ikt")[ASKER] == "confirmed"
    assert on_day(catalog, "d-ikt", "2020-06-01")[ASKER] == "inherited_unconfirmed", "it said nothing of that day"
    rolled = catalog.get("/co-operations/roll-up", params={"slug": "d-ikt"}).json()
    assert rolled["members"]["organisations"] == [id_of(ASKER)]
    assert problem(say(catalog, issuer, "d-ikt", ASKER)) == (409, "already-answered")
    with database.reading() as reader:
        assert audit.of(reader, "/co-operations/d-ikt")[-1][1:] == ("membership.confirm", ASKER)


def test_a_successor_declines_and_thinks_otherwise(catalog: TestClient, issuer: Issuer) -> None:
    assert say(catalog, issuer, "d-ikt", ASKER, "decline").json()["status"] is None
    assert ASKER not in on_day(catalog, "d-ikt")
    assert say(catalog, issuer, "d-ikt", ASKER).json()["status"] == "confirmed"


def test_an_answer_of_the_past_says_why_and_is_flagged(catalog: TestClient, issuer: Issuer, database: Database) -> None:
    assert problem(say(catalog, issuer, "d-ikt", ASKER, effective_on="2019-12-31", reason="Sent")) == (
        409,
        "nothing-inherited",
    )
    answer = say(catalog, issuer, "d-ikt", ASKER, effective_on="2020-01-01", reason="Vedtaket er fra 2019")
    assert answer.status_code == 200, answer.text
    assert on_day(catalog, "d-ikt", "2020-01-01")[ASKER] == "confirmed"
    with database.reading() as reader:
        assert reader.execute(sa.text("SELECT back_dated FROM membershipanswer")).scalars().all() == [True]


def test_an_answer_is_never_changed(catalog: TestClient, issuer: Issuer, url: str) -> None:
    assert say(catalog, issuer, "d-ikt", ASKER).status_code == 200
    with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.RaiseException):
        connection.execute("UPDATE membershipanswer SET answer = 'decline'")


STATE = {"source": "Avtalen (fiktiv)", "units": [{"form": "agreements"}]}


def test_a_newer_state_holds_whatever_was_said_before(
    catalog: TestClient, issuer: Issuer, editor: dict[str, str]
) -> None:
    assert say(catalog, issuer, "d-ikt", ASKER, "decline").status_code == 200
    state = STATE | {"as_of_on": "2026-11-01", "members": [id_of(ASKER)]}
    assert catalog.post("/co-operations/d-ikt/states", json=state, headers=editor).status_code == 201
    assert on_day(catalog, "d-ikt", "2026-11-01") == {ASKER: "recorded"}


def test_an_answer_from_before_a_newer_state_is_none_to_what_comes_after(
    catalog: TestClient, issuer: Issuer, editor: dict[str, str]
) -> None:
    early = {"effective_on": "2026-01-01", "reason": "Vedtaket er gammelt"}
    assert say(catalog, issuer, "d-ikt", ASKER, "decline", **early).status_code == 200
    state = STATE | {"as_of_on": "2026-02-01", "members": [id_of("844824122")]}
    assert catalog.post("/co-operations/d-ikt/states", json=state, headers=editor).status_code == 201
    merger = {"successor": id_of(ASKER), "effective_on": "2026-03-01", "source": "Fusjon (fiktiv)", "reason": "Sent"}
    path = f"/organisations/{id_of('844824122')}/merge"
    assert catalog.post(path, json=merger, headers=editor).status_code == 200
    assert on_day(catalog, "d-ikt", "2026-03-01") == {ASKER: "inherited_unconfirmed"}


def test_after_a_split_both_wait_and_neither_counts(shared_catalog: TestClient) -> None:
    assert on_day(shared_catalog, "ekommune-sunnmore", "2023-12-31")[VIFO] == "inherited_unconfirmed"
    today = on_day(shared_catalog, "ekommune-sunnmore", "2024-01-01")
    assert (today[ALESUND], today[HARAM]) == ("awaiting_allocation", "awaiting_allocation")
    rolled = shared_catalog.get("/co-operations/roll-up", params={"slug": "ekommune-sunnmore"}).json()
    assert set(rolled["awaiting_allocation"]["organisations"]) == {id_of(ALESUND), id_of(HARAM)}
    assert not {id_of(ALESUND), id_of(HARAM)} & set(rolled["members"]["organisations"])


def test_an_allocation_holds_when_both_have_confirmed(catalog: TestClient, issuer: Issuer) -> None:
    first = answer_allocation(catalog, issuer, HARAM)
    assert (first.status_code, first.json()["state"], first.json()["confirmed_by"]) == (200, "proposed", [id_of(HARAM)])
    assert on_day(catalog, "ekommune-sunnmore")[ALESUND] == "awaiting_allocation"
    assert problem(answer_allocation(catalog, issuer, HARAM)) == (409, "already-answered")
    assert answer_allocation(catalog, issuer, ALESUND).json()["state"] == "confirmed"
    today = on_day(catalog, "ekommune-sunnmore")
    assert today[ALESUND] == "confirmed"
    assert HARAM not in today
    assert problem(answer_allocation(catalog, issuer, ALESUND)) == (409, "allocation-settled")
    assert on_day(catalog, "ekommune-sunnmore", "2023-12-31")[VIFO] == "inherited_unconfirmed"


def propose(catalog: TestClient, issuer: Issuer, number: str, *carriers: str) -> Any:
    body = {
        "predecessor": id_of(VIFO),
        "carried_on_by": [id_of(one) for one in carriers],
        "effective_on": "2024-01-01",
        "reason": "Delingsavtalen kom sent (fiktivt)",
    }
    return catalog.post(
        "/co-operations/ekommune-sunnmore/allocations", json=body, headers=issuer.bearer(number, "catalog.write")
    )


def test_a_new_proposal_replaces_one_that_is_not_settled(catalog: TestClient, issuer: Issuer) -> None:
    assert answer_allocation(catalog, issuer, HARAM).status_code == 200
    new = propose(catalog, issuer, HARAM, ALESUND, HARAM)
    assert new.status_code == 201, new.text
    assert problem(answer_allocation(catalog, issuer, ALESUND)) == (409, "allocation-settled")
    for number in (ALESUND, HARAM):
        assert answer_allocation(catalog, issuer, number, new.json()["id"]).status_code == 200
    today = on_day(catalog, "ekommune-sunnmore")
    assert (today[ALESUND], today[HARAM]) == ("confirmed", "confirmed")
    shown = catalog.get("/co-operations/ekommune-sunnmore/allocations").json()["items"]
    assert [one["state"] for one in shown] == ["confirmed", "replaced"]
    assert problem(propose(catalog, issuer, ALESUND, ALESUND)) == (409, "allocation-settled")


def test_a_rejected_allocation_leaves_both_waiting(catalog: TestClient, issuer: Issuer) -> None:
    assert answer_allocation(catalog, issuer, ALESUND, step="reject").json()["state"] == "rejected"
    assert problem(answer_allocation(catalog, issuer, HARAM)) == (409, "allocation-settled")
    assert on_day(catalog, "ekommune-sunnmore")[HARAM] == "awaiting_allocation"


def test_an_allocation_to_nobody_ends_the_membership(catalog: TestClient, issuer: Issuer) -> None:
    new = propose(catalog, issuer, ALESUND).json()
    for number in (ALESUND, HARAM):
        assert answer_allocation(catalog, issuer, number, new["id"]).status_code == 200
    assert not {ALESUND, HARAM} & on_day(catalog, "ekommune-sunnmore").keys()
