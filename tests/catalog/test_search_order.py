"""The order of a search and its counts are exactly those that one would work out by hand, however many there are."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.catalog.app import create_app
from services.catalog.search import store
from services.catalog.search.rules import FACETS, Entry, Match, Type, facet_values
from services.catalog.settings import Settings
from services.chassis.db import Database
from services.chassis.values import sort_key
from tests.catalog.conftest import walk
from tests.conftest import NewDatabase
from tests.issuer import Issuer

DAY = date(2026, 11, 25)
WORDS = ["bok", "tak", "vei", "sol", "ski", "bil", "tog", "bilvei", "bilbok", "soltak", "togtak"]
"""Words that no stemmer changes, nor their beginnings into each other."""
VALUES: dict[str, list[str | list[str] | None]] = {
    "kind": ["component", "project", None],
    "reuse": ["reuse", "shared_use", "both", None],
    "delivery_form": [["saas"], ["saas", "on_premises"], ["on_premises"], None],
    "hosting_country": [["NO"], ["NO", "SE"], None],
    "supplier": ["1", "2", "3", None],
}
QUIET = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def made(number: int, seed: int, prefix: str = "t") -> list[Entry]:
    chance = random.Random(seed)
    found = []
    for place in range(number):
        type_ = chance.choice([Type.COMPONENT, Type.COMPONENT, Type.PRODUCT])
        name = " ".join(chance.choices(WORDS, k=chance.randint(1, 3)))
        facets = {one: chosen for one in FACETS[type_] if (chosen := chance.choice(VALUES.get(one, [None])))}
        found.append(
            Entry(
                type_,
                f"{prefix}{place:04}",
                f"/{type_}s/{prefix}{place:04}",
                {"nb": name.capitalize()},
                sort_key(name),
                summary={"nb": " ".join(chance.choices(WORDS, k=4))},
                facets=facets,
                weight=chance.choice([0, 20, 20, 70]),
            )
        )
    return found


LIBRARY = made(400, seed=1)


@pytest.fixture(scope="module")
def url(shared_database: NewDatabase) -> str:
    made = shared_database("catalog")
    put(made, LIBRARY)
    return made


def put(url: str, entries: list[Entry]) -> None:
    database = Database(url, connections=1)
    with database.writing() as session:
        store.put(session, *entries)
    database.close()


@pytest.fixture(scope="module")
def library(url: str, issuer: Issuer) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(database_url=url, issuers=[issuer.trusted()]))) as client:
        yield client


def match(one: Entry, words: list[str]) -> Match | None:
    """By hand: where the words stand; the last one may be the beginning of a word."""
    name = one.name["nb"].lower().split()
    everywhere = name + (one.summary or {"nb": ""})["nb"].split()
    *whole, last = words
    if name == words:
        return Match.EXACT
    if all(word in name for word in words):
        return Match.NAME
    for place, found in ((Match.NAME_BEGUN, name), (Match.ANYWHERE, everywhere)):
        if all(word in found for word in whole) and any(word.startswith(last) for word in found):
            return place
    return None


def by_hand(words: list[str]) -> list[str]:
    found = [(match(one, words), -one.weight, one.sort_key, one.path) for one in LIBRARY]
    return [path for *_, path in sorted(one for one in found if one[0] is not None)]


QUESTIONS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3)


@QUIET
@given(QUESTIONS, st.integers(3, 6), st.sampled_from([7, 20, 200]))
def test_the_order_is_the_one_worked_out_by_hand(library: TestClient, words: list[str], cut: int, limit: int) -> None:
    asked = [*words[:-1], words[-1][:cut]]
    found = walk(library, "/search", q=" ".join(asked), limit=limit)
    assert [one["path"] for one in found if one["match"] != "similar"] == by_hand(asked)


FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.lists(st.sampled_from(["component", "product"]), max_size=2),
        "kind": st.lists(st.sampled_from(["component", "project", "missing"]), max_size=2),
        "reuse": st.lists(st.sampled_from(["reuse", "both", "missing"]), max_size=2),
        "delivery_form": st.lists(st.sampled_from(["saas", "on_premises"]), max_size=2),
        "delivery_form_all": st.lists(st.sampled_from(["saas", "on_premises"]), max_size=2),
        "hosting_country_all": st.lists(st.sampled_from(["NO", "SE"]), max_size=2),
        "supplier": st.lists(st.sampled_from(["1", "2", "missing", "4"]), max_size=2),
    },
)


def holds(one: Entry, name: str, values: list[str]) -> bool:
    has = set(facet_values(one.type, one.facets))
    if name.endswith("_all"):
        return all(f"{name.removesuffix('_all')}:{value}" in has for value in values)
    return not values or any(f"{name}:{value}" in has for value in values)


@QUIET
@given(st.none() | QUESTIONS, FILTERS)
def test_hits_and_counts_are_those_counted_by_hand(
    library: TestClient, words: list[str] | None, filters: dict[str, list[str]]
) -> None:
    query: dict[str, Any] = filters | ({"q": " ".join(words)} if words else {})
    matching = [one for one in LIBRARY if not words or match(one, words) is not None]
    found = [one for one in matching if all(holds(one, *each) for each in filters.items())]
    hits = walk(library, "/search", limit=100, **query)
    assert {one["path"] for one in hits if one["match"] != "similar"} == {one.path for one in found}
    if len(matching) < store.FEW:
        return
    counted = library.get("/search/facets", params=query).json()
    assert counted["total"] == len(found)
    for facet in ("type", "kind", "reuse", "delivery_form", "supplier"):
        others = {name: values for name, values in filters.items() if name != facet}
        seen = [one for one in matching if all(holds(one, *each) for each in others.items())]
        values = Counter(
            value.partition(":")[2]
            for one in seen
            for value in facet_values(one.type, one.facets)
            if value.startswith(f"{facet}:")
        )
        told = {
            one["value"]: one["count"] for each in counted["facets"] if each["facet"] == facet for one in each["values"]
        }
        assert told == dict(values), facet


@pytest.mark.parametrize("query", [{"q": "bil"}, {}, {"q": "tog", "sort": "name"}, {"reuse": "missing"}])
def test_what_comes_meanwhile_neither_hides_nor_repeats_anything(
    library: TestClient, url: str, query: dict[str, Any]
) -> None:
    before = [one["path"] for one in walk(library, "/search", limit=200, **query)]
    seen: list[str] = []
    after: dict[str, str] = {}
    for page in range(1000):
        answer = library.get("/search", params={**query, "limit": 11} | after).json()
        seen += [one["path"] for one in answer["items"]]
        if answer["next"] is None:
            break
        after = {"after": answer["next"]}
        put(url, made(3, seed=page + 10, prefix=f"late-{page}-"))
    assert len(seen) == len(set(seen))
    assert [path for path in seen if "late" not in path] == before
    database = Database(url, connections=1)
    with database.writing() as session:
        store.rebuild(session, LIBRARY)
    database.close()
