"""Versions of a component: their order, what their dates say, which of them a range allows."""

from datetime import date, timedelta
from functools import cmp_to_key
from typing import Any

import orjson
import psycopg
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.releases import rules
from services.catalog.releases.rules import Period, Status
from services.chassis import clock
from tests.catalog.conftest import EDITOR, problem, walk
from tests.issuer import Issuer

PATH = "/components/velferdsteknologi-trygghetsplattform/versions"
DAY = date(2026, 5, 4)

parts = st.one_of(st.integers(0, 30).map(str), st.sampled_from(["alpha", "beta", "rc", "rc1", "x-1", "0a"]))
tails = st.lists(parts, max_size=4).map(lambda found: "-" + ".".join(found) if found else "")
labels = st.builds(
    lambda numbers, tail: ".".join(map(str, numbers)) + tail,
    st.lists(st.integers(0, 12), min_size=3, max_size=3),
    tails,
)


@pytest.mark.parametrize(
    "ascending",
    [
        [
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
        ],
        ["1.9.0", "1.10.0", "1.11.0", "2", "2.0.1", "2.1", "v10"],
        ["0.9", "1.0-rc.1", "1.0", "1.0.1"],
    ],
)
def test_semantic_versions_stand_in_order(ascending: list[str]) -> None:
    """The first row is semver.org's own."""
    shuffled = [*ascending[1::2], *ascending[::2]]
    assert sorted(shuffled, key=rules.semantic) == ascending  # type: ignore[arg-type]  # none is None
    assert sorted(shuffled, key=rules.semantic_key) == ascending  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "label", ["R24.1", "2024-10", "Vår 2026", "1.2.3.4", "1.0.0-01", "01.0.0", "1.0.0-", "", "latest", "-1"]
)
def test_other_labels_mean_nothing(label: str) -> None:
    assert rules.semantic(label) is None
    assert rules.semantic_key(label) is None


@given(labels, labels)
def test_the_kept_key_sorts_as_the_versions_do(one: str, other: str) -> None:
    first, second = rules.semantic_key(one), rules.semantic_key(other)
    a, b = rules.semantic(one), rules.semantic(other)
    assert first
    assert second
    assert a
    assert b
    assert (first.encode() < second.encode(), first == second) == (a < b, a == b)
    assert len(first) <= 600


def precedence(one: str, other: str) -> int:
    """semver.org, rule 11, written down once more in another way."""
    (numbers, _, tail), (numbers_2, _, tail_2) = one.partition("-"), other.partition("-")
    key, key_2 = [int(part) for part in numbers.split(".")], [int(part) for part in numbers_2.split(".")]
    if key != key_2:
        return -1 if key < key_2 else 1
    if not tail or not tail_2:
        return bool(tail_2) - bool(tail)
    for part, part_2 in zip(tail.split("."), tail_2.split("."), strict=False):
        if part != part_2:
            if part.isdigit() and part_2.isdigit():
                return -1 if int(part) < int(part_2) else 1
            if part.isdigit() != part_2.isdigit():
                return -1 if part.isdigit() else 1
            return -1 if part < part_2 else 1
    return (len(tail.split(".")) > len(tail_2.split("."))) - (len(tail.split(".")) < len(tail_2.split(".")))


@given(st.lists(labels, max_size=12))
def test_the_order_is_that_of_the_standard(drawn: list[str]) -> None:
    keys = [rules.semantic(label) for label in sorted(drawn, key=cmp_to_key(precedence))]
    assert keys == sorted(keys)  # type: ignore[type-var]  # none is None


@pytest.mark.parametrize(
    ("versions", "inside", "outside"),
    [
        (">=1.2,<3", ["1.2", "1.2.0", "2.9.9", "3.0.0-rc.1"], ["1.1.9", "3", "3.0.1", "R24"]),
        (">1,<=2.0", ["1.0.1", "2", "2.0.0"], ["1", "2.0.1"]),
        ("2.0", ["2.0", "2.0.0", "v2"], ["2.0.1", "2.0.0-rc"]),
        ("==R24.1", ["R24.1"], ["R24", "24.1"]),
        (None, ["1", "R24"], []),
    ],
)
def test_a_range_allows(versions: str | None, inside: list[str], outside: list[str]) -> None:
    assert [label for label in inside if not rules.allows(versions, label)] == []
    assert [label for label in outside if rules.allows(versions, label)] == []
    assert rules.check_range(versions) == []


@pytest.mark.parametrize("versions", [">=3,<3", ">3,<=3", ">=2,<1", ">2,<1.9"])
def test_an_empty_range_is_refused(versions: str) -> None:
    assert [type(one) for one in rules.check_range(versions)] == [rules.RangeEmpty]


@pytest.mark.parametrize("versions", [">=", "", ">=1,", ">=R24", "1.0,>2", "~>1", "1 2", ">=1 <2", "=>1"])
def test_a_range_that_cannot_be_read_is_refused(versions: str) -> None:
    assert [type(one) for one in rules.check_range(versions)] == [rules.RangeUnreadable]


@pytest.mark.parametrize(
    ("day", "expected"),
    [(-1, Status.PLANNED), (0, Status.SUPPORTED), (10, Status.SUPPORTED), (11, Status.ENDED), (21, Status.ENDED)],
)
def test_the_status_follows_from_the_day(day: int, expected: Status) -> None:
    period = Period(DAY, DAY, DAY + timedelta(days=10), DAY + timedelta(days=20))
    assert rules.status_on(period, DAY + timedelta(days=day)) is expected
    assert rules.status_on(Period(DAY, DAY), DAY + timedelta(days=9999)) is Status.SUPPORTED


@pytest.fixture
def owner(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(EDITOR, "catalog.write")


def add(catalog: TestClient, headers: dict[str, str], label: str, released_on: str = "2026-01-01", **rest: Any) -> Any:
    return catalog.post(PATH, json={"label": label, "released_on": released_on} | rest, headers=headers)


def listed(catalog: TestClient, **query: Any) -> list[str]:
    return [one["label"] for one in walk(catalog, PATH, **query)]


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_they_are_listed_as_they_are_meant_or_by_release(
    catalog: TestClient, owner: dict[str, str], limit: int
) -> None:
    for label in ("2.10.0", "2.9.0", "3.0.0-rc.1"):
        assert add(catalog, owner, label).status_code == 201
    assert listed(catalog, limit=limit) == ["3.0.0", "3.0.0-rc.1", "2.10.0", "2.9.0", "2.0.0", "1.0.0"]
    assert add(catalog, owner, "R24.1", "2025-06-01").status_code == 201
    assert listed(catalog, limit=limit) == ["3.0.0", "2.0.0", "3.0.0-rc.1", "2.9.0", "2.10.0", "R24.1", "1.0.0"]


def test_a_version_is_registered_read_and_told(catalog: TestClient, owner: dict[str, str], url: str) -> None:
    made = add(catalog, owner, "2.1.0", supported_to_on="2027-01-01", notes={"nb": "Nytt"}, replaced_by="3.0.0")
    assert made.status_code == 201
    assert made.headers["Location"] == f"{PATH}/2.1.0"
    read = catalog.get(made.headers["Location"])
    assert read.json() == made.json()
    assert (read.headers["ETag"], read.json()["status"], read.json()["replaced_by"]) == ('"1"', "supported", "3.0.0")
    assert catalog.get(f"{PATH}/3.0.0").json()["status"] == "planned"
    assert catalog.get(f"{PATH}/1.0.0").json()["status"] == "ended"
    events = catalog.get("/events", params={"limit": 200}).json()["items"]
    assert [one["type"] for one in events if one["subject"] == f"{PATH}/2.1.0"] == ["component_version.registered"]
    assert catalog.delete(f"{PATH}/2.1.0").status_code == 405, "a version is never deleted"


def change(catalog: TestClient, headers: dict[str, str], if_match: str, **body: Any) -> Any:
    wire = headers | {"If-Match": if_match, "Content-Type": "application/merge-patch+json"}
    return catalog.patch(f"{PATH}/2.0.0", content=orjson.dumps(body), headers=wire)


def test_a_promise_is_shortened_with_a_reason_only(catalog: TestClient, owner: dict[str, str], url: str) -> None:
    longer = change(catalog, owner, '"1"', supported_to_on="2029-12-31")
    assert (longer.status_code, longer.headers["ETag"]) == (200, '"2"')
    assert problem(change(catalog, owner, '"2"', end_of_life_on="2030-01-01")) == (422, "reason-missing")
    assert problem(change(catalog, owner, '"1"', breaking=False)) == (412, "stale")
    shorter = change(catalog, owner, '"2"', supported_to_on=str(clock.today() - timedelta(days=1)), reason="Sårbarhet")
    assert shorter.json()["status"] == "ended"
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT detail -> 'reason' FROM audit WHERE action = 'component_version.change' ORDER BY id"
        ).fetchall()
    assert found == [(None,), ("Sårbarhet",)]


def test_another_does_not_touch_it(catalog: TestClient, issuer: Issuer) -> None:
    stranger = issuer.bearer("964983291", "catalog.write")
    assert problem(add(catalog, stranger, "9.0.0")) == (403, "component-not-yours")
    assert problem(change(catalog, stranger, '"1"', breaking=False)) == (403, "component-not-yours")


@pytest.mark.parametrize("after", ["tull", "WyJhIl0", "W3RydWUsIngiXQ"])
def test_a_foreign_cursor_is_refused(shared_catalog: TestClient, after: str) -> None:
    assert problem(shared_catalog.get(PATH, params={"after": after})) == (400, "cursor-malformed")
