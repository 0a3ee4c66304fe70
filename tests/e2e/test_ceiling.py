"""The ceiling holds when everyone orders at once; written naively it would not."""

from collections.abc import Iterator

import httpx
import pytest

from tests.e2e import rush
from tests.e2e.serving import beside
from tests.e2e.system import System

SCOPES = ("agreements.order", "agreements.read")


def test_of_200_at_once_exactly_the_50_there_is_room_for_succeed(system: System) -> None:
    with system.database("agreements") as database:
        outcome = rush.rush(system.url("agreements"), system.bearer(*SCOPES), database, rush.ALARMS)
        rush.holds(outcome, rush.ALARMS)
        rush.leave_room(database, rush.ALARMS, 100_000 * rush.ALARMS.price)


@pytest.fixture
def naive(system: System) -> Iterator[str]:
    """The naive variant beside ours, on the same database, behind a port of its own."""
    with beside(system, "tests.e2e.naive") as url:
        yield url


def test_reading_first_and_inserting_then_oversells(system: System, naive: str) -> None:
    """The same test, through the same door, of a variant that only reserves in another way: it must fail."""
    owner = system.bearer("agreements.manage", organisation="100000008")
    resumed = httpx.post(
        f"{system.url('agreements')}/framework-agreements/{rush.GPS.agreement}/resume",
        json={"reason": "Måling"},
        headers=owner,
    )
    assert resumed.status_code == 200, resumed.text
    places = httpx.get(f"{system.url('agreements')}/framework-agreements/{rush.GPS.agreement}/places").json()["items"]
    for place in places:
        if place["state"] == "suspended":
            path = f"/framework-agreements/{rush.GPS.agreement}/places/{place['id']}/reinstate"
            back = httpx.post(system.url("agreements") + path, json={"reason": "Måling"}, headers=owner)
            assert back.status_code == 200, back.text
    with system.database("agreements") as database:
        outcome = rush.rush(naive, system.bearer(*SCOPES), database, rush.GPS)
    with pytest.raises(AssertionError):
        rush.holds(outcome, rush.GPS)
    assert outcome.statuses[201] > rush.ROOM, (outcome.statuses, outcome.answers[0].text)
    assert outcome.entries > rush.ROOM * rush.GPS.price
