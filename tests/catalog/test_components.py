"""Components are registered by their owner, and found by filter and by word."""

from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from services.catalog.components import store
from services.chassis import audit, paging
from services.chassis.db import Database
from tests.catalog.conftest import BRONNOY, problem, walk
from tests.issuer import Issuer

NEW: dict[str, Any] = {"slug": "skjema", "name": {"nb": "Skjemabibliotek"}, "reuse": "reuse", "level": "municipal"}
PLATFORM = "velferdsteknologi-trygghetsplattform"


@pytest.fixture
def bronnoy(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(BRONNOY, "catalog.write")


def slugs(catalog: TestClient, **query: Any) -> list[str]:
    return [one["slug"] for one in walk(catalog, "/components", **query)]


def test_the_callers_organisation_owns_what_it_registers(
    catalog: TestClient, bronnoy: dict[str, str], database: Database
) -> None:
    answer = catalog.post("/components", json=NEW, headers=bronnoy)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["owner"]["organisation_number"] == BRONNOY
    assert (made["life_cycle"], made["kind"], made["source"]) == ("proposed", "component", None)
    assert catalog.get(answer.headers["Location"]).json() == made
    with database.reading() as reader:
        assert [row[1:] for row in audit.of(reader, "/components/skjema")] == [("component.register", BRONNOY)]


def test_a_slug_is_taken_once(catalog: TestClient, bronnoy: dict[str, str]) -> None:
    assert catalog.post("/components", json=NEW, headers=bronnoy).status_code == 201
    assert problem(catalog.post("/components", json=NEW, headers=bronnoy)) == (409, "component-slug-taken")


def test_an_organisation_that_is_not_registered_owns_nothing(shared_catalog: TestClient, issuer: Issuer) -> None:
    answer = shared_catalog.post("/components", json=NEW, headers=issuer.bearer("100000040", "catalog.write"))
    assert problem(answer) == (403, "not-registered")
    assert problem(shared_catalog.get("/components/skjema")) == (404, "component-not-found")


def test_an_owner_does_not_approve_its_own(
    catalog: TestClient, bronnoy: dict[str, str], editor: dict[str, str]
) -> None:
    approved = NEW | {"life_cycle": "approved"}
    assert problem(catalog.post("/components", json=approved, headers=bronnoy)) == (403, "approval-not-yours")
    assert catalog.post("/components", json=approved, headers=editor).status_code == 201


@pytest.mark.parametrize(
    "wrong",
    [
        {"slug": "Ikke En Slug"},
        {"name": {}},
        {"name": {"de": "Formulare"}},
        {"name": "Skjema"},
        {"reuse": "none"},
        {"owner": BRONNOY},
        {"ended_on": "2026-02-30"},
    ],
)
def test_bad_input_is_one_problem(shared_catalog: TestClient, bronnoy: dict[str, str], wrong: dict[str, Any]) -> None:
    answer = shared_catalog.post("/components", json=NEW | wrong, headers=bronnoy)
    assert problem(answer) == (422, "invalid-request")


def test_a_list_shows_each_component_as_it_is_read_alone(shared_catalog: TestClient) -> None:
    for one in walk(shared_catalog, "/components"):
        assert shared_catalog.get(f"/components/{one['slug']}").json() == one


def test_an_owner_without_registration_has_only_a_name(shared_catalog: TestClient) -> None:
    assert shared_catalog.get("/components/noark").json()["owner"] == {
        "organisation_id": None,
        "organisation_number": None,
        "name": "Nasjonalarkivet",
    }
    assert shared_catalog.get("/components/geointegrasjon").json()["owner"]["name"] == "Kartverket og KS"
    assert shared_catalog.get("/components/elin-k").json()["owner"] is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"kind": "project"}, ["ebygg", "elin-k", "faks", "semicolon"]),
        ({"kind": "scheme", "life_cycle": "retired"}, ["kith-sertifisering"]),
        ({"level": "county"}, ["felles-tannhelsesystem", "skoleadministrativt-system"]),
        ({"owner": "971040238"}, ["geointegrasjon", "matrikkelen", "sosi"]),
        ({"owner": "100000008", "reuse": "shared_use"}, [PLATFORM]),
        ({"owner": "100000016"}, []),
        ({"level": "international", "kind": "standard", "life_cycle": "unknown"}, ["iso-iec-42010-2007", "iso-tc-211"]),
    ],
)
def test_filters_narrow_together(shared_catalog: TestClient, query: dict[str, str], expected: list[str]) -> None:
    assert sorted(slugs(shared_catalog, **query)) == expected


@pytest.mark.parametrize("limit", [1, 5, 48])
def test_pages_have_no_gaps_and_no_repeats(shared_catalog: TestClient, limit: int) -> None:
    whole = shared_catalog.get("/components", params={"limit": 200}).json()["items"]
    assert len(whole) == 49
    assert walk(shared_catalog, "/components", limit=limit) == whole


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("velferdsteknologi", [PLATFORM]),
        ("velferdstekn", [PLATFORM]),
        ("VELFERDSTEKNOLOGIEN", [PLATFORM]),
        ("tryggleiksalarmane", [PLATFORM]),
        ("safety platf", [PLATFORM]),
        ('"felles plattform"', [PLATFORM]),
        ("trygghetsplattform", [PLATFORM]),
        ("registre fellesr", []),
        ("matrikk", ["matrikkelen", "geointegrasjon"]),
        ("matrikkel -geointegrasjon", ["matrikkelen"]),
        ("seres or noark", ["noark", "seres"]),
        ("finnesikkeslikt", []),
    ],
)
def test_words_find_in_any_form_and_language(shared_catalog: TestClient, q: str, expected: list[str]) -> None:
    found = slugs(shared_catalog, q=q)
    assert (found if expected == [PLATFORM] else sorted(found)) == sorted(expected)


def test_search_and_filters_narrow_together(shared_catalog: TestClient) -> None:
    assert PLATFORM in slugs(shared_catalog, q="felles")
    assert PLATFORM not in slugs(shared_catalog, q="felles", kind="guide")
    assert slugs(shared_catalog, q="felles", kind="guide") == ["felles-arkitekturprinsipper"]


def test_a_word_in_the_name_counts_more_than_one_in_the_summary(catalog: TestClient, bronnoy: dict[str, str]) -> None:
    for slug, name, summary in (
        ("a-i-sammendrag", "Annet", "Handler om isbrytere"),
        ("b-i-navn", "Isbryter", "Handler om annet"),
    ):
        new = {"slug": slug, "name": {"nb": name}, "summary": {"nb": summary}}
        assert catalog.post("/components", json=new, headers=bronnoy).status_code == 201
    assert slugs(catalog, q="isbryter") == ["b-i-navn", "a-i-sammendrag"]


def many(url: str, number: int) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO component (slug, kind, name, sort_key, life_cycle) SELECT 'maaling-' || n, 'component', "
            "jsonb_build_object('nb', 'Måling ' || repeat('brukes ', n %% 5) || n), n::text, 'unknown' "
            "FROM generate_series(1, %s) n",
            [number],
        )


@pytest.mark.parametrize("limit", [3, 50])
def test_a_search_pages_without_gaps_where_ranks_are_equal(catalog: TestClient, url: str, limit: int) -> None:
    many(url, 120)
    found = slugs(catalog, q="måling", limit=limit)
    assert len(found) == len(set(found)) == 120
    assert found == slugs(catalog, q="måling", limit=200)


def test_a_search_ranks_a_bounded_number(catalog: TestClient, url: str) -> None:
    many(url, 2 * store.CANDIDATES)
    assert len(slugs(catalog, q="måling", limit=200)) == store.CANDIDATES


@pytest.mark.parametrize("after", ["tull", "WzEsMl0", "bnVsbA", "WyJhIl0"])
def test_a_cursor_that_is_not_ours_is_refused(shared_catalog: TestClient, after: str) -> None:
    for query in ({}, {"q": "felles"}):
        answer = shared_catalog.get("/components", params={"after": after, **query})
        assert problem(answer) == (400, "cursor-malformed")


def test_a_cursor_beyond_all_ranks_is_refused(shared_catalog: TestClient) -> None:
    answer = shared_catalog.get("/components", params={"q": "felles", "after": paging.cursor(10**12, "a")})
    assert problem(answer) == (400, "value-unusable")


@pytest.mark.parametrize(
    "q", ["'", "\\", "&|!()<->", ":*", "a:b", '"', "-", "_", "og", "² ½", "🙂", "'' or --", "x" * 200]
)
def test_any_text_can_be_searched_for(shared_catalog: TestClient, q: str) -> None:
    assert shared_catalog.get("/components", params={"q": q}).status_code == 200
