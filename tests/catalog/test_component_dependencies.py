"""What depends on what, who is hit when something is retired, and how good a description is."""

import threading
from itertools import pairwise
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.components.rules import Kind, Offer, Reuse
from services.catalog.dependencies import rules
from services.catalog.lifecycles.rules import LifeCycle
from services.catalog.scores import rules as scores
from tests.catalog.conftest import EDITOR, problem
from tests.issuer import Issuer

PLATFORM = "velferdsteknologi-trygghetsplattform"
edges = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20)


@given(edges, st.integers(0, 7), st.integers(0, 7))
def test_a_way_is_found_when_there_is_one_and_is_a_way(drawn: list[tuple[int, int]], start: int, goal: int) -> None:
    way = rules.path(drawn, start, goal)
    reached = {start}
    for _ in range(8):
        reached |= {b for a, b in drawn if a in reached}
    assert bool(way) == (goal in reached)
    if way:
        assert (way[0], way[-1]) == (start, goal)
        assert all(step in drawn for step in pairwise(way))
        assert len(way) == len(set(way))


@pytest.fixture
def editor_only(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(EDITOR, "catalog.write", "catalog.admin")


def depend(catalog: TestClient, headers: dict[str, str], component: str, on: str, **rest: Any) -> Any:
    return catalog.post(f"/components/{component}/dependencies", json={"on": on} | rest, headers=headers)


def impact(catalog: TestClient, component: str, **query: str) -> dict[str, Any]:
    answer = catalog.get(f"/components/{component}/impact", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_dependencies_are_followed_step_by_step(shared_catalog: TestClient) -> None:
    def followed(depth: int) -> tuple[list[tuple[str, str, int]], bool]:
        found = shared_catalog.get("/components/vaktsentral/dependencies", params={"depth": depth}).json()
        return [(one["component"], one["on"], one["depth"]) for one in found["items"]], found["truncated"]

    assert followed(1) == ([("vaktsentral", PLATFORM, 1)], True)
    assert followed(2) == ([("vaktsentral", PLATFORM, 1), (PLATFORM, "id-porten", 2)], False)
    assert followed(10) == followed(2)


def test_a_circle_is_refused_with_the_way_told(catalog: TestClient, editor_only: dict[str, str]) -> None:
    answer = depend(catalog, editor_only, "id-porten", "vaktsentral")
    assert problem(answer) == (409, "dependency-cycle")
    assert answer.json()["path"] == ["id-porten", "vaktsentral", PLATFORM, "id-porten"]
    assert problem(depend(catalog, editor_only, "noark", "noark")) == (422, "depends-on-itself")
    assert depend(catalog, editor_only, "id-porten", "noark").status_code == 201
    assert problem(depend(catalog, editor_only, "id-porten", "noark")) == (409, "dependency-there")


def test_two_at_once_close_no_circle(catalog: TestClient, editor_only: dict[str, str]) -> None:
    pairs = [("noark", "sosi"), ("elin-k", "faks"), ("kostra", "byggsok")]
    for one, other in pairs:
        answers: list[Any] = []
        threads = [
            threading.Thread(target=lambda a=a, b=b, to=answers: to.append(depend(catalog, editor_only, a, b)))
            for a, b in ((one, other), (other, one))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answer.status_code for answer in answers) == [201, 409], [answer.text for answer in answers]


def test_who_is_hit_when_all_of_it_is_retired(shared_catalog: TestClient) -> None:
    found = impact(shared_catalog, "id-porten")
    assert [(one["component"], one["depth"]) for one in found["components"]] == [
        ("felles-innbyggerportal", 1),
        (PLATFORM, 1),
        ("vaktsentral", 2),
    ]
    assert {one["component"] for one in found["products"]} >= {PLATFORM}
    assert (found["truncated"], found["adopting_organisations"]) == (False, None)


def test_one_version_hits_those_that_it_would_do_for(shared_catalog: TestClient) -> None:
    """The portal takes >=2,<3 and the duty centre >=2; 1.0.0 has ended, 3.0.0 is planned."""

    def hit(version: str) -> dict[str, list[str]]:
        found = impact(shared_catalog, PLATFORM, version=version)["components"]
        return {one["component"]: one["alternatives"] for one in found}

    assert hit("1.0.0") == {}
    assert hit("2.0.0") == {"felles-innbyggerportal": [], "vaktsentral": ["3.0.0"]}
    assert hit("3.0.0") == {"vaktsentral": ["2.0.0"]}


def test_what_is_optional_passes_nothing_on(catalog: TestClient, editor_only: dict[str, str]) -> None:
    assert depend(catalog, editor_only, "noark", "sosi", optional=True).status_code == 201
    assert depend(catalog, editor_only, "elin-k", "noark").status_code == 201
    assert [(one["component"], one["optional"]) for one in impact(catalog, "sosi")["components"]] == [("noark", True)]
    gone = catalog.delete("/components/noark/dependencies/sosi", headers=editor_only | {"If-Match": "*"})
    assert gone.status_code == 204
    assert impact(catalog, "sosi")["components"] == []
    assert impact(catalog, "noark")["components"][0]["component"] == "elin-k"


def test_a_circle_that_is_there_all_the_same_ends(catalog: TestClient, url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO dependency (component_id, on_id, optional) SELECT a.id, b.id, false "
            "FROM component a, component b WHERE (a.slug, b.slug) IN (('noark', 'sosi'), ('sosi', 'noark'))"
        )
    found = catalog.get("/components/noark/dependencies", params={"depth": "10"}).json()
    assert [(one["component"], one["on"]) for one in found["items"]] == [("noark", "sosi"), ("sosi", "noark")]
    assert {one["component"] for one in impact(catalog, "noark")["components"]} >= {"sosi"}


def test_much_is_cut_off_and_says_so(catalog: TestClient, url: str) -> None:
    """Thirteen layers of a hundred, each depending on all of the next: 100 to the power of 13 ways."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO component (slug, kind, name, sort_key, life_cycle) SELECT 'lag-' || n, 'component', "
            "jsonb_build_object('nb', n::text), n::text, 'unknown' FROM generate_series(0, 1299) n"
        )
        connection.execute(
            "INSERT INTO dependency (component_id, on_id, optional) SELECT a.id, b.id, false FROM component a JOIN "
            "component b ON b.slug LIKE 'lag-%%' AND a.slug LIKE 'lag-%%' "
            "AND substr(b.slug, 5)::int / 100 = substr(a.slug, 5)::int / 100 + 1"
        )
    down = catalog.get("/components/lag-0/dependencies", params={"depth": "10"}).json()
    up = impact(catalog, "lag-1299")
    assert down["truncated"]
    assert up["truncated"]
    assert len(up["components"]) == rules.MOST
    assert len({one["on"] for one in down["items"]}) < rules.MOST


# ---- Quality


def facts(**other: Any) -> scores.Facts:
    told = {"operator", "price_note", "terms_url", "data_processing_agreement_url", "licence"}
    both = {"nb": "x", "nn": "x"}
    perfect: dict[str, Any] = {
        "kind": Kind.COMPONENT,
        "life_cycle": LifeCycle.AVAILABLE,
        "name": both,
        "summary": both,
        "purpose": True,
        "target_services": True,
        "level": True,
        "owner": True,
        "stale": False,
        "replaced_by": False,
        "offer": Offer(Kind.COMPONENT, Reuse.BOTH, told),
        "repositories": 1,
        "versions": 1,
        "supported_versions": 1,
    }
    return scores.Facts(**perfect | other)


def test_what_lacks_nothing_has_a_hundred() -> None:
    assert scores.deductions(facts()) == []
    assert scores.score([]) == 100


@pytest.mark.parametrize(
    ("other", "codes"),
    [
        ({"owner": False}, ["owner-missing"]),
        ({"life_cycle": LifeCycle.UNKNOWN}, ["state-unknown"]),
        ({"stale": True}, ["stale"]),
        ({"summary": {}}, ["summary-missing"]),
        ({"name": {"nb": "x"}}, ["name-language-missing"]),
        ({"life_cycle": LifeCycle.DEPRECATED}, ["replacement-missing"]),
        ({"life_cycle": LifeCycle.DEPRECATED, "replaced_by": True}, []),
        ({"offer": Offer(Kind.COMPONENT, None, set())}, ["form-missing"]),
        ({"offer": Offer(Kind.COMPONENT, Reuse.REUSE, set())}, ["licence-missing"]),
        ({"repositories": 0}, ["repository-missing"]),
        (
            {"offer": Offer(Kind.COMPONENT, Reuse.SHARED_USE, {"licence"}), "repositories": 0},
            ["operator-missing", "price-note-missing", "terms-missing", "data-processing-agreement-missing"],
        ),
        ({"versions": 0, "supported_versions": 0}, ["version-missing"]),
        ({"supported_versions": 0}, ["support-missing"]),
        ({"supported_versions": 0, "life_cycle": LifeCycle.RETIRED}, []),
    ],
)
def test_every_lack_is_told_once(other: dict[str, Any], codes: list[str]) -> None:
    found = scores.deductions(facts(**other))
    assert [one.code for one in found] == codes
    assert all(one.points > 0 and one.why for one in found)


def test_the_score_never_falls_below_nothing() -> None:
    worst = facts(
        life_cycle=LifeCycle.UNKNOWN,
        name={"se": "x"},
        summary={},
        purpose=False,
        target_services=False,
        level=False,
        owner=False,
        stale=True,
        offer=Offer(Kind.COMPONENT, Reuse.BOTH, set()),
        repositories=0,
        versions=0,
    )
    assert scores.score(scores.deductions(worst)) == 0


def test_the_score_is_explained(shared_catalog: TestClient) -> None:
    for one in shared_catalog.get("/components", params={"limit": 200}).json()["items"]:
        found = shared_catalog.get(f"/components/{one['slug']}/quality").json()
        assert found["score"] == max(0, 100 - sum(lack["points"] for lack in found["deductions"]))
    best = shared_catalog.get(f"/components/{PLATFORM}/quality").json()
    assert (best["score"], best["deductions"]) == (100, [])
    noark = shared_catalog.get("/components/noark/quality").json()
    assert {lack["code"] for lack in noark["deductions"]} >= {"stale", "state-unknown", "owner-missing"}
