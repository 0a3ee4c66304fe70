"""People find what they mean, by any spelling, in the order they expect, and see what they may."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.catalog.app import create_app
from services.catalog.organisations import store as organisations
from services.catalog.organisations.rules import Kind
from services.catalog.search import store
from services.catalog.search.rules import Audience, Entry, Later, Type, weight
from services.catalog.settings import Settings
from services.chassis.db import Database
from services.chassis.values import sort_key
from tests.catalog.conftest import BRONNOY, EDITOR, FJORDVAKT, problem, walk
from tests.conftest import NewDatabase, serving
from tests.issuer import Issuer

DAY = date(2026, 11, 25)


def entry(
    type: Type, ref: str, name: dict[str, str] | str, summary: dict[str, str] | str | None = None, **rest: Any
) -> Entry:
    names = {"nb": name} if isinstance(name, str) else name
    said = {"nb": summary} if isinstance(summary, str) else summary
    path = f"/{type.replace('_', '-')}s/{ref}"
    return Entry(type, ref, path, names, sort_key(next(iter(names.values()))), summary=said, **rest)


LIBRARY = [
    entry(
        Type.COMPONENT,
        "trygghetsalarm",
        {"nb": "Trygghetsalarm", "nn": "Tryggleiksalarm", "en": "Safety alarm"},
        {"nb": "Varsler pårørende når noen faller.", "en": "Notifies the next of kin of falls."},
        facets={"kind": "component", "reuse": "shared_use", "level": "municipal", "life_cycle": "available"},
        weight=90,
    ),
    entry(
        Type.COMPONENT,
        "varsling",
        "Felles varsling",
        "Sender meldinger fra trygghetsalarmer og andre sensorer til vakttelefonen.",
        facets={"kind": "component", "reuse": "reuse", "owner": BRONNOY, "life_cycle": "proposed"},
        weight=40,
    ),
    entry(
        Type.COMPONENT,
        "journal",
        "Felles journal for IT i skolen",
        "Skolens journal. Miljøet rundt er åpent.",
        facets={"kind": "project", "owner": BRONNOY, "level": "municipal", "life_cycle": "unknown"},
        weight=60,
    ),
    entry(Type.COMPONENT, "journalsystem", "Journalsystem", facets={"kind": "component"}, weight=10),
    entry(Type.COMPONENT, "journal-arkiv", "Journal og arkiv", "Felles.", facets={"kind": "component"}, weight=70),
    entry(
        Type.PRODUCT,
        "alarm-pluss",
        "Alarm Pluss <b>",
        "Alarm & varsel fra Fjordvakt; oppfyller <krav>.",
        facets={"supplier": FJORDVAKT, "delivery_form": ["saas", "on_premises"], "component": "trygghetsalarm"},
        weight=50,
    ),
    entry(
        Type.PRODUCT,
        "alarm-enkel",
        "Alarm Enkel",
        facets={"supplier": FJORDVAKT, "delivery_form": ["saas"], "hosting_country": "NO"},
        weight=50,
    ),
    entry(
        Type.ORGANISATION,
        "o-bronnoy",
        "Brønnøy kommune",
        codes=(BRONNOY, "1813"),
        facets={"kind": "municipality", "county": "18"},
    ),
    entry(Type.ORGANISATION, "o-fjordvakt", "Fjordvakt AS", codes=(FJORDVAKT,), facets={"kind": "supplier"}),
    entry(Type.ORGANISATION, "o-alesund", "Ålesund kommune", facets={"kind": "municipality", "county": "15"}),
    entry(
        Type.NEED,
        "behov",
        "Trygghetsalarm på Helgeland",
        facets={"state": "open", "county": "18"},
        audience=Audience.PUBLIC_BODIES,
    ),
    entry(Type.STANDARD, "skjult-standard", "Hemmelighetsord", audience=Audience.PUBLIC_BODIES),
]


@pytest.fixture(scope="module")
def shared_url(shared_database: NewDatabase) -> str:
    url = shared_database("catalog")
    fill(url, LIBRARY)
    return url


def fill(url: str, entries: list[Entry]) -> None:
    database = Database(url, connections=1)
    with database.writing() as session:
        for name, kind, number in (
            ("Brønnøy kommune", Kind.MUNICIPALITY, BRONNOY),
            ("Fjordvakt AS", Kind.SUPPLIER, FJORDVAKT),
            ("Fellesenheten", Kind.JOINT_UNIT, EDITOR),
        ):
            organisations.add(session, organisations.new(name, [kind], organisation_number=number))
        store.rebuild(session, entries)
        store.adopters(
            session, {"/components/trygghetsalarm": 7, "/components/varsling": 25, "/products/alarm-enkel": 1}
        )
    database.close()


@pytest.fixture(scope="module")
def library(shared_url: str, issuer: Issuer) -> Iterator[TestClient]:
    """Not the app that other tests put on databases of their own."""
    with TestClient(create_app(Settings(database_url=shared_url, issuers=[issuer.trusted()]))) as client:
        yield client


@pytest.fixture
def url(new_database: NewDatabase) -> str:
    made = new_database("catalog")
    fill(made, LIBRARY)
    return made


@pytest.fixture
def own(apps: Callable[[str], FastAPI], url: str) -> Iterator[TestClient]:
    """A library of the test's own."""
    with serving(apps("catalog"), url) as client:
        yield client


@pytest.fixture
def body(issuer: Issuer) -> dict[str, str]:
    """Headers of a public body."""
    return issuer.bearer(BRONNOY, "catalog.write")


@pytest.fixture
def supplier(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(FJORDVAKT, "catalog.write")


def refs(client: TestClient, **query: Any) -> list[str]:
    return [one["ref"] for one in walk(client, "/search", **query)]


def counted(client: TestClient, headers: dict[str, str] | None = None, **query: Any) -> dict[str, dict[str, int]]:
    answer = client.get("/search/facets", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    return {
        facet["facet"]: {one["value"]: one["count"] for one in facet["values"]} for facet in answer.json()["facets"]
    }


@pytest.mark.parametrize(
    "q", ["Brønnøy", "Broennoey", "bronnoy", "BRØNNØY KOMMUNE", "brønn", "964983291", "1813", "kommune Brønnøy"]
)
def test_a_name_is_found_however_it_is_spelt(library: TestClient, q: str) -> None:
    assert refs(library, q=q) == ["o-bronnoy"]


@pytest.mark.parametrize("q", ["Ålesund", "Aalesund", "alesund", "ÅLESUND kommune"])
def test_a_name_with_å_too(library: TestClient, q: str) -> None:
    assert refs(library, q=q)[0] == "o-alesund"


@pytest.mark.parametrize(
    ("q", "first"),
    [
        ("trygghetsalarmene", "trygghetsalarm"),
        ("tryggleiksalarmar", "trygghetsalarm"),
        ("alarms safety", "trygghetsalarm"),
        ("notify", "trygghetsalarm"),
        ("pårørende", "trygghetsalarm"),
        ("paarorende", "trygghetsalarm"),
        ("miljø", "journal"),
        ("miljoe", "journal"),
        ("IT", "journal"),
        ('"journal for IT"', "journal"),
        ("skolene", "journal"),
    ],
)
def test_words_are_found_in_any_form_and_language(library: TestClient, q: str, first: str) -> None:
    assert refs(library, q=q)[:1] == [first]


def test_the_best_match_comes_first_and_says_where_it_is(library: TestClient) -> None:
    found = walk(library, "/search", q="journal")
    assert [(one["ref"], one["match"]) for one in found] == [
        ("journal", "exact"),  # its slug is the word
        ("journal-arkiv", "name"),
        ("journalsystem", "name_begun"),
    ]
    found = walk(library, "/search", q="felles")
    assert [(one["ref"], one["match"]) for one in found] == [
        ("journal", "name"),
        ("varsling", "name"),
        ("journal-arkiv", "anywhere"),
    ]
    found = walk(library, "/search", q="trygghetsalarm")
    assert [(one["ref"], one["match"]) for one in found] == [("trygghetsalarm", "exact"), ("varsling", "anywhere")]


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ('"felles varsling"', {"varsling"}),
        ('"varsling felles"', set()),
        ("journal -felles", set()),
        ("-felles journal", {"journalsystem"}),
        ("pluss or enkel", {"alarm-pluss", "alarm-enkel"}),
        ("pluss eller enkel", {"alarm-pluss", "alarm-enkel"}),
        ("alarm fjordvakt", {"alarm-pluss"}),
        ("-journal felles", {"varsling"}),
    ],
)
def test_phrases_exclusion_and_either(library: TestClient, q: str, expected: set[str]) -> None:
    assert set(refs(library, q=q)) == expected


@pytest.mark.parametrize(
    ("q", "first", "meant"),
    [
        ("trygghetsalram", "trygghetsalarm", "trygghetsalarm"),
        ("tryghetsalarm", "trygghetsalarm", "trygghetsalarm"),
        ("Brønnøj", "o-bronnoy", "brønnøy"),
        ("Broenoey", "o-bronnoy", "brønnøy"),
        ("jornalsystem", "journalsystem", "journalsystem"),
        ("fjordvagt", "o-fjordvakt", "fjordvakt"),
        ("jornal arkiv", "journal-arkiv", "journal arkiv"),
    ],
)
def test_a_misspelt_word_finds_the_name_it_resembles(library: TestClient, q: str, first: str, meant: str) -> None:
    answer = library.get("/search", params={"q": q}).json()
    assert (answer["items"][0]["ref"], answer["items"][0]["match"]) == (first, "similar")
    assert answer["did_you_mean"] == meant
    assert library.get("/search/facets", params={"q": q}).json()["total"] == len(answer["items"])


def test_an_empty_answer_tells_what_was_probably_meant(library: TestClient) -> None:
    answer = library.get("/search", params={"q": "trygghetsalram", "type": "organisation"}).json()
    assert (answer["items"], answer["did_you_mean"]) == ([], "trygghetsalarm")
    for q in ("xyzzyx", "alarm", "journal"):
        assert library.get("/search", params={"q": q}).json()["did_you_mean"] is None


def test_what_is_found_is_not_mixed_with_what_it_resembles(library: TestClient) -> None:
    assert {one["match"] for one in walk(library, "/search", q="journal")} == {"exact", "name", "name_begun"}


def test_the_words_are_marked_and_everything_else_is_escaped(library: TestClient) -> None:
    (hit,) = walk(library, "/search", q="pluss varsel")
    assert hit["highlight"] == {
        "name": {"nb": "Alarm <mark>Pluss</mark> &lt;b&gt;"},
        "snippet": {"nb": "Alarm &amp; <mark>varsel</mark> fra Fjordvakt; oppfyller &lt;krav&gt;."},
    }
    (hit,) = walk(library, "/search", q="safety alarms")
    assert hit["highlight"]["name"]["en"] == "<mark>Safety</mark> <mark>alarm</mark>"
    (hit,) = walk(library, "/search", q="broennoey")
    assert hit["highlight"]["name"] == {"nb": "<mark>Brønnøy</mark> kommune"}
    assert all(one["highlight"] == {"name": {}, "snippet": {}} for one in walk(library, "/search"))


def test_without_words_the_weightiest_comes_first(library: TestClient) -> None:
    assert refs(library, type="component") == [
        "trygghetsalarm",
        "journal-arkiv",
        "journal",
        "varsling",
        "journalsystem",
    ]
    assert weight(complete=1) > weight(complete=1, ended=True) > weight(complete=0.5, ended=True)
    assert weight(complete=0.5, certified=1) > weight(complete=0.5)


def test_by_name_it_is_sorted_as_norwegian_does(library: TestClient) -> None:
    assert refs(library, type="organisation", sort="name") == ["o-bronnoy", "o-fjordvakt", "o-alesund"]
    assert refs(library, q="alarm", sort="name", limit=1) == ["alarm-enkel", "alarm-pluss", "trygghetsalarm"]


def test_facets_count_each_value_and_what_is_missing(library: TestClient) -> None:
    found = counted(library, type="component")
    assert found["kind"] == {"component": 4, "project": 1}
    assert found["reuse"] == {"shared_use": 1, "reuse": 1, "missing": 3}
    assert found["owner"] == {BRONNOY: 2, "missing": 3}
    assert found["licence"] == {"missing": 5}
    assert found["type"] == {"component": 5, "product": 2, "organisation": 3}, "as if the type were not chosen"
    assert "delivery_form" not in found, "no component has one"
    assert "adoption" not in found


def test_a_facet_is_named_where_its_value_is_a_number(library: TestClient) -> None:
    facets = library.get("/search/facets", params={"type": "product"}).json()["facets"]
    named = {one["value"]: one["name"] for facet in facets for one in facet["values"]}
    assert named[FJORDVAKT] == {"nb": "Fjordvakt AS"}
    assert named["trygghetsalarm"]["en"] == "Safety alarm"
    assert named["saas"] is None


def test_a_chosen_value_does_not_hide_the_others_of_its_facet(library: TestClient) -> None:
    found = counted(library, type="component", reuse="reuse")
    assert found["reuse"] == {"shared_use": 1, "reuse": 1, "missing": 3}
    assert found["kind"] == {"component": 1}
    assert library.get("/search/facets", params={"type": "component", "reuse": "reuse"}).json()["total"] == 1


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"reuse": ["reuse", "shared_use"]}, {"varsling", "trygghetsalarm"}),
        ({"reuse": "missing"}, {"journal", "journalsystem", "journal-arkiv"}),
        ({"reuse": ["missing", "reuse"], "owner": BRONNOY}, {"journal", "varsling"}),
        ({"delivery_form": ["saas", "on_premises"]}, {"alarm-pluss", "alarm-enkel"}),
        ({"delivery_form_all": ["saas", "on_premises"]}, {"alarm-pluss"}),
        ({"delivery_form": "on_premises", "hosting_country": "NO"}, set()),
        ({"type": ["product", "organisation"], "county": "18"}, {"o-bronnoy"}),
        ({"kind": "municipality"}, {"o-bronnoy", "o-alesund"}),
        ({"owner": "' OR true --"}, set()),
        ({"owner": "%"}, set()),
    ],
)
def test_values_of_a_facet_are_either_and_facets_narrow_together(
    library: TestClient, query: dict[str, Any], expected: set[str]
) -> None:
    assert set(refs(library, **query)) == expected
    assert library.get("/search/facets", params=query).json()["total"] == len(expected)


def test_only_public_bodies_learn_of_adoption(
    library: TestClient, body: dict[str, str], supplier: dict[str, str]
) -> None:
    seen = library.get("/search", params={"q": "trygghetsalarm"}, headers=body).json()["items"]
    assert {one["ref"]: one["adopters"] for one in seen} == {"trygghetsalarm": 7, "varsling": 25, "behov": 0}
    by_adoption = library.get("/search", params={"sort": "adoption", "limit": 3}, headers=body).json()
    assert [one["ref"] for one in by_adoption["items"]] == ["varsling", "trygghetsalarm", "alarm-enkel"]
    rest = library.get(
        "/search", params={"sort": "adoption", "limit": 200, "after": by_adoption["next"]}, headers=body
    ).json()
    assert len(rest["items"]) == len(LIBRARY) - 3
    assert counted(library, body)["adoption"] == {"many": 1, "some": 1, "few": 1, "none": len(LIBRARY) - 3}
    few = library.get("/search", params={"adoption": ["few", "some"]}, headers=body).json()["items"]
    assert {one["ref"] for one in few} == {"trygghetsalarm", "alarm-enkel"}
    for headers in ({}, supplier):
        for query in ({"sort": "adoption"}, {"adoption": "few"}):
            assert problem(library.get("/search", params=query, headers=headers)) == (403, "adoption-hidden")
        assert problem(library.get("/search/facets", params={"adoption": "few"}, headers=headers)) == (
            403,
            "adoption-hidden",
        )


def test_a_supplier_and_nobody_learn_nothing_of_what_is_for_public_bodies(
    own: TestClient, url: str, supplier: dict[str, str], issuer: Issuer
) -> None:
    """By no order, count, mark, name or suggestion: the answers are the same bytes before and after."""
    asked: list[tuple[str, dict[str, Any]]] = [
        (path, {**query, **sort})
        for path in ("/search", "/search/facets")
        for query in (
            {},
            {"q": "trygghetsalarm"},
            {"q": "hemmelig"},
            {"q": "hemmlighetsord"},
            {"q": "nyttord"},
            {"q": "nytord"},
            {"type": "need"},
            {"type": "component", "limit": 2},
            {"county": "18"},
        )
        for sort in ({}, {"sort": "name"})
        if path == "/search" or not (sort or "limit" in query)
    ]

    def answers() -> list[bytes]:
        unknown = issuer.bearer("100000083", "catalog.write")
        return [
            own.get(path, params=query, headers=headers).content
            for path, query in asked
            for headers in ({}, supplier, unknown)
        ]

    before = answers()
    database = Database(url, connections=1)
    with database.writing() as session:
        store.put(session, entry(Type.NEED, "nytt", "Nyttord om trygghetsalarm", audience=Audience.PUBLIC_BODIES))
        store.adopters(session, {"/components/trygghetsalarm": 300, "/components/journalsystem": 40})
    database.close()
    assert answers() == before
    assert own.get("/search", params={"q": "nyttord"}, headers=issuer.bearer(BRONNOY)).json()["items"]


def test_a_scheduled_change_holds_from_its_day(url: str) -> None:
    database = Database(url, connections=1)
    first = {"kind": "component", "life_cycle": "approved"}
    with database.writing() as session:
        store.put(
            session,
            entry(
                Type.COMPONENT,
                "kommer",
                "Kommer snart",
                facets=first,
                later=Later(date(2027, 1, 1), first | {"life_cycle": "available"}),
            ),
        )
    for on, state in ((date(2026, 12, 31), "approved"), (date(2027, 1, 1), "available")):
        with database.reading() as reader:
            for asked in ("approved", "available"):
                found = store.find(reader, "kommer", only={"life_cycle": [asked]}, on=on, after=None, limit=5)
                assert [one.ref for one in found] == (["kommer"] if asked == state else [])
                assert [one.facets["life_cycle"] for one in found] == ([[state]] if found else [])
    database.close()


def test_what_is_put_again_is_replaced_and_keeps_its_adopters(url: str) -> None:
    database = Database(url, connections=1)
    with database.writing() as session:
        store.put(session, entry(Type.COMPONENT, "varsling", "Omdøpt varsling", words=("Gammelt navn",)))
        store.remove(session, "/components/journal")
    with database.reading() as reader:

        def found(q: str) -> list[tuple[str, int]]:
            return [(one.ref, one.adopters) for one in store.find(reader, q, on=DAY, after=None, limit=5)]

        assert found("omdøpt") == found('"gammelt navn"') == [("varsling", 25)]
        assert found("sensorer") == found("skolen") == []
    database.close()


def test_a_rebuild_forgets_what_is_gone_and_keeps_the_adopters(url: str) -> None:
    database = Database(url, connections=1)
    with database.writing() as session:
        assert store.rebuild(session, LIBRARY[:2]) == 2
        assert store.fill(session, LIBRARY[:3]) == 1
    with database.reading() as reader:
        found = store.find(reader, None, on=DAY, after=None, limit=50)
        assert {one.ref: one.adopters for one in found} == {"trygghetsalarm": 7, "varsling": 25, "journal": 0}
    database.close()


def test_a_facet_that_a_type_does_not_have_is_a_mistake(url: str) -> None:
    database = Database(url, connections=1)
    with database.writing() as session, pytest.raises(ValueError, match="colour"):
        store.put(session, entry(Type.COMPONENT, "x", "X", facets={"colour": "red"}))
    database.close()


def many(url: str, number: int) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO search_entry (path, type, ref, name, sort_key, behind, exact, name_words, words, facets, lot, "
            "audience) SELECT '/components/m' || n, 'component', 'm' || n, jsonb_build_object('nb', 'Måling ' || n), "
            "'maling ' || n, n %% 7, ARRAY['m' || n], to_tsvector('words_norwegian', 'maling'), "
            "to_tsvector('words_norwegian', 'maling mange'), ARRAY['type:component', 'kind:component', 'reuse:' || "
            "(CASE n %% 2 WHEN 0 THEN 'reuse' ELSE 'missing' END)], n %% 100, 'public' FROM generate_series(1, %s) n",
            [number],
        )


def test_up_to_ten_thousand_are_counted_and_more_are_estimated(own: TestClient, url: str) -> None:
    many(url, 10_000)
    answer = own.get("/search/facets", params={"q": "måling"}).json()
    assert (answer["total"], answer["exact"]) == (10_000, True)
    assert counted(own, q="måling")["reuse"] == {"reuse": 5_000, "missing": 5_000}
    with psycopg.connect(url) as connection:
        connection.execute(
            "UPDATE search_entry SET words = to_tsvector('words_norwegian', 'maling') WHERE ref = 'journal'"
        )
    answer = own.get("/search/facets", params={"q": "måling"}).json()
    assert answer["exact"] is False
    assert abs(answer["total"] - 10_001) < 100


def test_a_common_word_pages_to_the_end_without_gaps(own: TestClient, url: str) -> None:
    many(url, 450)
    found = refs(own, q="måling", limit=200)
    assert len(found) == len(set(found)) == 450
    assert found == refs(own, q="måling", limit=37)


def test_one_sees_only_the_fields_and_the_language_one_asks_for(library: TestClient) -> None:
    answer = library.get("/search", params={"q": "trygghetsalarm", "fields": "ref,name", "language": "nn", "limit": 1})
    assert answer.json()["items"] == [{"ref": "trygghetsalarm", "name": {"nn": "Tryggleiksalarm"}}]
    assert answer.json()["next"]
    assert "fields=" in answer.headers["Link"]
    assert "language=nn" in answer.headers["Link"]
    assert problem(library.get("/search", params={"fields": "pris"})) == (422, "field-unknown")


def test_the_next_page_keeps_the_question(library: TestClient) -> None:
    query = {"q": "alarm", "type": ["product", "component"], "supplier": FJORDVAKT, "sort": "name", "limit": 1}
    answer = library.get("/search", params=query)
    link = re.fullmatch(r'<(.*)>; rel="next"', answer.headers["Link"])
    assert link
    following = library.get(link[1]).json()
    assert [one["ref"] for one in answer.json()["items"] + following["items"]] == ["alarm-enkel", "alarm-pluss"]
    assert following["next"] is None


@pytest.mark.parametrize(
    "q",
    ["'", "\\", "&|!()<->", ":*", "a:b", '"', "-", "_", "og", "² ½", "🙂", "'' or --", "x" * 200, "%",
     "-a -b", '-"', "or", "(", "1e5", "3.14", "ß", "İ", "ﬁ", "\u0301"],
)  # fmt: skip
def test_any_text_can_be_searched_for(library: TestClient, q: str) -> None:
    for path in ("/search", "/search/facets"):
        assert library.get(path, params={"q": q}).status_code == 200
