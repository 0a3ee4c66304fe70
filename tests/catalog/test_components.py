"""Components are registered and changed by their owner, listed by filter, found by word."""

import itertools
from collections.abc import Iterator
from typing import Any

import hypothesis
import orjson
import psycopg
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.app import create_app
from services.catalog.settings import Settings
from services.chassis import audit
from services.chassis.db import Database
from services.chassis.values import sort_key
from tests.catalog.conftest import BRONNOY, errors, problem, walk
from tests.conftest import NewDatabase
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
    answer = shared_catalog.post("/components", json=NEW, headers=issuer.bearer("100000083", "catalog.write"))
    assert problem(answer) == (403, "not-registered")
    assert problem(shared_catalog.get("/components/skjema")) == (404, "component-not-found")


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
        ({"owner": "100000008", "reuse": "shared_use", "life_cycle": "deprecated"}, ["felles-kartvisning"]),
        ({"owner": "100000016"}, []),
        ({"level": "international", "kind": "standard", "life_cycle": "unknown"}, ["iso-iec-42010-2007", "iso-tc-211"]),
    ],
)
def test_filters_narrow_together(shared_catalog: TestClient, query: dict[str, str], expected: list[str]) -> None:
    assert sorted(slugs(shared_catalog, **query)) == expected


@pytest.mark.parametrize("limit", [1, 5, 54])
def test_pages_have_no_gaps_and_no_repeats(shared_catalog: TestClient, limit: int) -> None:
    whole = shared_catalog.get("/components", params={"limit": 200}).json()["items"]
    assert len(whole) == 55
    assert walk(shared_catalog, "/components", limit=limit) == whole


@pytest.mark.parametrize(
    ("q", "first"),
    [
        ("velferdsteknologi", PLATFORM),
        ("VELFERDSTEKNOLOGIEN", PLATFORM),
        ("tryggleiksalarmane", PLATFORM),
        ("safety platf", PLATFORM),
        ("matrikkelen", "matrikkelen"),
        ("hjemmetjeneste", PLATFORM),
    ],
)
def test_words_find_in_any_form_and_language(shared_catalog: TestClient, q: str, first: str) -> None:
    assert slugs(shared_catalog, q=q)[0] == first


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


def patch(catalog: TestClient, headers: dict[str, str], if_match: str, **change: Any) -> Any:
    wire = headers | {"If-Match": if_match, "Content-Type": "application/merge-patch+json"}
    return catalog.patch("/components/skjema", content=orjson.dumps(change), headers=wire)


def test_a_change_names_what_it_changes_and_leaves_the_rest(
    catalog: TestClient, bronnoy: dict[str, str], url: str
) -> None:
    made = catalog.post("/components", json=NEW | {"summary": {"nb": "Skjema", "en": "Forms"}}, headers=bronnoy)
    assert made.headers["ETag"] == '"1"'
    answer = patch(
        catalog, bronnoy, '"1"', summary={"nn": "Skjema", "en": None}, level=None, licence="MIT", reason="Valgt"
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["ETag"] == '"2"'
    changed = {"summary": {"nb": "Skjema", "nn": "Skjema"}, "level": None, "licence": "MIT"}
    assert answer.json() == made.json() | changed == catalog.get("/components/skjema").json()
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT detail FROM audit WHERE action = 'component.change'").fetchone()
    assert row == (
        {
            "changed": {
                "summary": [{"nb": "Skjema", "en": "Forms"}, {"nb": "Skjema", "nn": "Skjema"}],
                "level": ["municipal", None],
                "licence": [None, "MIT"],
            },
            "reason": "Valgt",
        },
    )
    assert problem(patch(catalog, bronnoy, '"1"', level="county")) == (412, "stale")
    assert patch(catalog, bronnoy, '"2"').headers["ETag"] == '"2"', "nothing named, nothing changed"


def test_a_new_name_is_sorted_and_found_anew(catalog: TestClient, bronnoy: dict[str, str]) -> None:
    catalog.post("/components", json=NEW, headers=bronnoy)
    assert patch(catalog, bronnoy, '"1"', name={"nb": "Ååå sist"}).is_success
    assert slugs(catalog)[-1] == "skjema"
    assert slugs(catalog, q="sist")[0] == "skjema"
    assert "skjema" not in slugs(catalog, q="skjemabibliotek")


def test_sensitive_changes_are_the_editors_or_reasoned(
    catalog: TestClient, bronnoy: dict[str, str], editor: dict[str, str]
) -> None:
    catalog.post("/components", json=NEW, headers=bronnoy)
    answer = patch(catalog, bronnoy, '"1"', reuse="both", licence="MIT", owner="938712441")
    assert answer.status_code == 403
    assert errors(answer) == {
        ("owner-not-yours-to-set", "#/owner"),
        ("reason-missing", "#/owner"),
        ("reason-missing", "#/licence"),
        ("reason-missing", "#/reuse"),
    }
    answer = patch(catalog, editor, '"1"', owner="938712441", reason="Sammenslått")
    assert answer.json()["owner"]["organisation_number"] == "938712441"
    assert problem(patch(catalog, bronnoy, '"2"', level="county")) == (403, "component-not-yours")


def test_a_real_component_that_lacks_much_can_still_be_changed(catalog: TestClient, editor: dict[str, str]) -> None:
    headers = editor | {"If-Match": '"1"', "Content-Type": "application/merge-patch+json"}
    answer = catalog.patch("/components/id-porten", content=b'{"purpose": {"nb": "Innlogging"}}', headers=headers)
    assert answer.status_code == 200, answer.text


def test_several_are_read_at_once(shared_catalog: TestClient) -> None:
    wanted = ["noark", PLATFORM, "finnes-ikke", "sosi"]
    answer = shared_catalog.get("/components", params={"slug": wanted})
    assert sorted(one["slug"] for one in answer.json()["items"]) == sorted(set(wanted) - {"finnes-ikke"})
    assert problem(shared_catalog.get("/components", params={"slug": ["a"] * 101})) == (422, "invalid-request")


@pytest.mark.parametrize(("path", "asked"), [(f"/components/{PLATFORM}", {}), ("/components", {"slug": PLATFORM})])
def test_fields_and_language_are_chosen(shared_catalog: TestClient, path: str, asked: dict[str, str]) -> None:
    def only(**query: str) -> Any:
        found = shared_catalog.get(path, params=asked | query).json()
        return found["items"][0] if "items" in found else found

    assert only(fields="slug,life_cycle") == {"slug": PLATFORM, "life_cycle": "available"}
    whole = only()
    one = only(language="en")
    assert list(one["name"]) == list(one["summary"]) == ["en"]
    assert list(one["purpose"]) == ["nb"], "falls back, and says to what"
    assert one | {name: whole[name] for name in ("name", "summary", "purpose", "price_note")} == whole


NAMES = st.lists(st.sampled_from(["A", "a", "Ø", "å", "b c", "Zz"]), max_size=12)


@pytest.fixture(scope="module")
def beside(shared_database: NewDatabase, issuer: Issuer) -> Iterator[tuple[TestClient, psycopg.Connection]]:
    url = shared_database("catalog", seeded=True)
    settings = Settings(database_url=url, issuers=[issuer.trusted()])
    with TestClient(create_app(settings)) as client, psycopg.connect(url, autocommit=True) as connection:
        yield client, connection


numbers = itertools.count()


@given(before=NAMES, between=st.lists(NAMES, max_size=4), limit=st.integers(1, 5))
@hypothesis.settings(max_examples=40, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
def test_pages_hold_while_others_write(
    beside: tuple[TestClient, psycopg.Connection], before: list[str], between: list[list[str]], limit: int
) -> None:
    """Whatever is added between two pages: nothing comes twice, nothing that was there is left out, and filter and
    fields hold to the end by the Link alone."""
    catalog, connection = beside
    licence = f"Proeve-{next(numbers)}"

    def add(names: list[str]) -> set[str]:
        added = {f"{licence}-{next(numbers)}".lower(): name for name in names}
        for slug, name in added.items():
            connection.execute(
                "INSERT INTO component (slug, kind, name, sort_key, life_cycle, licence) VALUES (%s, 'component', "
                "jsonb_build_object('nb', %s::text), %s, 'unknown', %s)",
                [slug, name, sort_key(name), licence],
            )
        return set(added)

    there, later, seen = add(before), list(between), list[str]()
    following: str | None = f"/components?licence={licence}&fields=slug,licence&limit={limit}"
    while following:
        answer = catalog.get(following)
        items = answer.json()["items"]
        assert all(one == {"slug": one["slug"], "licence": licence} for one in items)
        seen += [one["slug"] for one in items]
        link = answer.headers.get("Link")
        assert (link is None) == (answer.json()["next"] is None)
        following = link.partition(">")[0].removeprefix("<") if link else None
        if later:
            add(later.pop())
    assert len(seen) == len(set(seen))
    assert there <= set(seen)
    order = connection.execute(
        "SELECT slug FROM component WHERE licence = %s ORDER BY sort_key, slug", [licence]
    ).fetchall()
    assert seen == [slug for (slug,) in order if slug in set(seen)]
