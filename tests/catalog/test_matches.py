"""What meets a need, requirement by requirement; what is certified and what is declared are never mixed."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.declarations.rules import Answer
from services.catalog.matches import rules
from services.catalog.matches.rules import Coverage, Wanted, Word
from services.catalog.partners import rules as partner_rules
from services.catalog.partners.rules import Closeness, Place, Wish
from services.catalog.specifications.rules import Obligation
from tests.catalog.certification import certified as granted
from tests.catalog.conftest import BRONNOY, FJORDVAKT, HAVORN, problem
from tests.catalog.test_needs import ALSTAHAUG, NEW, PLATFORM, RESTRICTED, SERVICE, SHARED
from tests.issuer import Issuer

BEFORE_SUSPENSION, AFTER = "2026-08-15", "2026-10-15"


def matched(catalog: TestClient, path: str, **query: str) -> dict[str, Any]:
    answer = catalog.get(f"{path}/matches", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def line(match: dict[str, Any], requirement: str) -> tuple[str, str]:
    (found,) = [one for one in match["requirements"] if one["requirement"] == requirement]
    return found["certified"], found["declared"]


def test_certificates_and_declarations_stand_in_two_columns(shared_catalog: TestClient) -> None:
    found = {one["product"]: one for one in matched(shared_catalog, SHARED, on=AFTER)["products"]}
    fjordvakt, havorn = found["fjordvakt-alarm"], found["havorn-alarm"]
    assert fjordvakt["must"] == {"total": 4, "certified": 4, "declared": 4}
    assert line(fjordvakt, "VT2-07") == ("unknown", "partly"), "not tested; declared in part"
    assert [one["requirement"] for one in fjordvakt["gaps"]] == ["VT2-07"], "a declaration closes no gap"
    # Suspended from 2026-09-01: nothing is certified, and its supplier's word does not take the certificate's place.
    assert havorn["must"] == {"total": 4, "certified": 0, "declared": 4}
    assert [one["requirement"] for one in havorn["gaps"]] == [f"VT2-0{number}" for number in range(1, 8)]
    assert line(havorn, "VT2-05") == ("unknown", "unknown"), "a should that is not answered is not declared"
    assert havorn["certificates"] == []


def test_a_match_is_of_a_day(shared_catalog: TestClient) -> None:
    then = {one["product"]: one for one in matched(shared_catalog, SHARED, on=BEFORE_SUSPENSION)["products"]}
    assert then["havorn-alarm"]["must"] == {"total": 4, "certified": 4, "declared": 0}, "declared a month later"
    assert [one["number"] for one in then["havorn-alarm"]["certificates"]] == ["SV-2026-000003"]
    before = {one["product"]: one for one in matched(shared_catalog, SHARED, on="2025-12-31")["products"]}
    assert before["fjordvakt-alarm"]["must"] == {"total": 4, "certified": 0, "declared": 4}


def test_what_does_not_apply_to_a_product_does_not_help_whoever_needs_it(shared_catalog: TestClient) -> None:
    found = {one["product"]: one for one in matched(shared_catalog, SHARED, on=AFTER)["products"]}
    assert line(found["fjordvakt-tilsyn"], "VT2-04")[0] == "not_covered"
    assert found["fjordvakt-tilsyn"]["must"]["certified"] == 3


def test_the_best_match_comes_first(shared_catalog: TestClient) -> None:
    found = matched(shared_catalog, SHARED, on=AFTER)
    order = [one["product"] for one in found["products"]]
    assert order[:2] == ["fjordvakt-alarm", "nordlys-alarm"], "four musts; nordlys meets a should only in part"
    assert order.index("fjordvakt-tilsyn") < order.index("havorn-alarm") < order.index("havorn-dorsensor")
    assert "nordlys-dorlas" not in order, "it declares another specification"
    assert found["products_found"] == len(order)
    assert found["complete"] is True
    assert [one["product"] for one in matched(shared_catalog, SHARED, on=AFTER, limit="1")["products"]] == order[:1]


def test_a_component_is_covered_by_its_products_together(shared_catalog: TestClient) -> None:
    (component,) = matched(shared_catalog, SHARED, on=AFTER)["components"]
    assert (component["component"], component["linked"]) == (PLATFORM, True)
    assert component["must"] == {"total": 4, "certified": 4, "declared": 4}
    assert component["products"][0] == "fjordvakt-alarm"


def test_a_certificate_of_another_version_covers_nothing(catalog: TestClient, issuer: Issuer) -> None:
    granted(catalog, issuer, product="havorn-dorsensor", versions=["1.0"], specification=SERVICE)
    havorn = issuer.bearer(HAVORN, "catalog.write")

    def certified() -> int:
        found = {one["product"]: one for one in matched(catalog, SHARED, on="2027-02-01")["products"]}
        return int(found["havorn-dorsensor"]["must"]["certified"])

    assert certified() == 4
    assert catalog.post("/products/havorn-dorsensor/versions", json={"label": "2.0"}, headers=havorn).status_code == 201
    assert certified() == 0


def test_a_need_without_requirements_is_matched_by_its_components(catalog: TestClient, issuer: Issuer) -> None:
    bare = {"title": {"nb": "Noe"}, "components": [PLATFORM]}
    made = catalog.post("/needs", json=bare, headers=issuer.bearer(BRONNOY, "catalog.write"))
    found = matched(catalog, made.headers["Location"])
    assert found["products_found"] == 7
    assert all(one["requirements"] == [] for one in found["products"])


def test_what_a_derived_specification_took_over_word_for_word_is_certified_with_its_source(
    catalog: TestClient, issuer: Issuer
) -> None:
    own = "alstahaug-trygghetstjeneste"
    asked = [{"specification": own, "requirement": code} for code in ("VT2-01", "VT2-02", "VT2-05", "ALS-01")]
    bronnoy = issuer.bearer(BRONNOY, "catalog.write")
    path = catalog.post("/needs", json=NEW | {"requirements": asked}, headers=bronnoy).headers["Location"]
    found = {one["product"]: one for one in matched(catalog, path, on=AFTER)["products"]}["fjordvakt-alarm"]
    assert {one["requirement"]: (one["certified"], one["same_as"]) for one in found["requirements"]} == {
        "VT2-01": ("covered", [f"{SERVICE} VT2-01"]),
        "VT2-02": ("unknown", []),  # Alstahaug asks for more
        "VT2-05": ("covered", [f"{SERVICE} VT2-05"]),  # should there, must here: the evidence is the same
        "ALS-01": ("unknown", []),
    }
    partners = catalog.get(f"{path}/partners", headers=bronnoy).json()["items"]
    vega = next(one for one in partners if one["name"] == "Vega kommune")
    assert vega["needs"][0]["requirements"] == ["VT2-01", "VT2-05"], "whoever asks for the source's asks for the same"


WANTED = st.lists(
    st.builds(Wanted, st.integers(1, 6), st.sampled_from(Obligation)), max_size=6, unique_by=lambda w: w.key
)
WORDS = st.lists(st.builds(Word, st.integers(1, 6), st.sampled_from(Coverage), st.sampled_from("abc")), max_size=12)


@given(WANTED, WORDS, WORDS)
def test_no_declaration_ever_looks_like_a_certificate(
    wanted: list[Wanted], certified: list[Word], declared: list[Word]
) -> None:
    with_both, alone = rules.lines(wanted, certified, declared), rules.lines(wanted, certified, [])
    assert [(one.certified, one.certificate) for one in with_both] == [
        (one.certified, one.certificate) for one in alone
    ]
    assert rules.gaps(with_both) == sorted(
        (one for one in with_both if one.certified is not Coverage.COVERED),
        key=lambda one: list(Obligation).index(one.obligation),
    )
    assert {one.requirement for one in rules.gaps(with_both)} == {one.requirement for one in rules.gaps(alone)}
    assert [one.requirement for one in with_both] == [one.key for one in wanted], "each requirement has its line"


@given(WANTED, WORDS, st.integers(1, 6))
def test_covering_one_must_more_never_makes_a_match_worse(
    wanted: list[Wanted], certified: list[Word], more: int
) -> None:
    before = rules.lines(wanted, certified, [])
    after = rules.lines(wanted, [*certified, Word(more, Coverage.COVERED, "new")], [])
    assert rules.order(after, "x") <= rules.order(before, "x")


@given(st.none() | st.sampled_from(Answer), st.sampled_from(Obligation))
def test_what_is_not_answered_is_declared_only_where_it_is_a_must(
    answer: Answer | None, obligation: Obligation
) -> None:
    coverage = rules.of_declaration(answer, obligation)
    assert (coverage is Coverage.COVERED) == (
        answer is Answer.MET or (answer is None and obligation is Obligation.MUST)
    )


# ---- Partners


def test_a_small_municipality_finds_four_neighbours_with_the_same_need(catalog: TestClient, issuer: Issuer) -> None:
    bronnoy = issuer.bearer(BRONNOY, "catalog.write")
    asked = [{"specification": SERVICE, "requirement": f"VT2-0{number}"} for number in range(1, 8)]
    path = catalog.post("/needs", json=NEW | {"requirements": asked}, headers=bronnoy).headers["Location"]
    found = catalog.get(f"{path}/partners", headers=bronnoy).json()
    same = [one for one in found["items"] if one["needs"][0]["closeness"] == "same_requirements"]
    assert {one["name"] for one in same} == {
        "Alstahaug kommune",
        "Herøy kommune",
        "Sømna kommune",
        "Vefsn kommune",
        "Vega kommune",
    }
    assert all(one["same_county"] for one in same)
    by_name = {one["name"]: one for one in found["items"]}
    assert by_name["Alstahaug kommune"]["similar_size"] is True
    assert by_name["Vega kommune"]["similar_size"] is False
    assert by_name["Rana kommune"]["needs"][0]["closeness"] == "overlapping", "two of the seven"
    assert "Brønnøy kommune" not in by_name, "nobody is its own partner"
    assert found["total"] == len(found["items"])
    assert catalog.post(f"{SHARED}/join", json={}, headers=bronnoy).status_code == 200
    joined = catalog.get(f"{SHARED}/partners", headers=bronnoy).json()
    assert joined["items"][0]["needs"][0]["closeness"] == "same_need"


def test_partners_are_for_public_bodies(shared_catalog: TestClient, issuer: Issuer) -> None:
    for path in (SHARED, RESTRICTED):
        assert problem(shared_catalog.get(f"{path}/partners")) == (401, "token-missing")
        answer = shared_catalog.get(f"{path}/partners", headers=issuer.bearer(FJORDVAKT, "catalog.write"))
        assert problem(answer) == (403, "public-bodies-only")
        assert shared_catalog.get(f"{path}/partners", headers=issuer.bearer(ALSTAHAUG)).status_code == 200


WISH = st.builds(
    Wish,
    st.integers(1, 2),
    st.frozensets(st.integers(1, 3)),
    st.frozensets(st.integers(1, 3)),
    st.none() | st.sampled_from(["health", "school"]),
)


@given(WISH, WISH)
def test_what_needs_have_in_common_is_the_same_from_either_side(one: Wish, other: Wish) -> None:
    there, back = partner_rules.overlap(one, other), partner_rules.overlap(other, one)
    assert (there is None) == (back is None)
    if there and back:
        assert (there.components, there.requirements) == (back.components, back.requirements)
        assert (there.closeness is Closeness.SAME_NEED) == (one.need == other.need)
        if there.closeness is Closeness.SAME_REQUIREMENTS:
            assert one.requirements
            assert one.requirements <= other.requirements


@pytest.mark.parametrize(("mine", "theirs", "similar"), [(1000, 2000, True), (1000, 2001, False), (1000, None, None)])
def test_similar_size_is_between_half_and_twice(mine: int, theirs: int | None, similar: bool | None) -> None:
    there = partner_rules.nearness(Place("18", [1, 2], mine), Place("18", [2], theirs))
    back = partner_rules.nearness(Place("18", [2], theirs), Place("18", [1, 2], mine))
    assert there == back
    assert (there.similar_size, there.same_county, there.co_operations) == (similar, True, frozenset({2}))
    assert not partner_rules.nearness(Place(None, [], 1), Place(None, [], 1)).same_county, "unknown is not the same"
