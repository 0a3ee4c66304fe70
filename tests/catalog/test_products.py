"""A product is its supplier's to change; a public body may keep its record until the supplier takes it over."""

from datetime import date, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.product_versions import rules as version_rules
from services.catalog.products import rules
from services.catalog.products.rules import Keeper, Step
from services.catalog.products.store import order_key
from services.chassis import audit, clock
from services.chassis.db import Database
from tests.catalog.conftest import EDITOR, FJORDVAKT, HAVORN, errors, problem, walk
from tests.issuer import Issuer

ALSTAHAUG, VEFSN = "938712441", "844824122"
NORDLYS = "100000024"
PLATFORM = "velferdsteknologi-trygghetsplattform"
SERVICE = "velferdsteknologi-trygghetstjeneste"
NEW: dict[str, Any] = {
    "slug": "ny-alarm",
    "name": {"nb": "Ny alarm", "en": "New alarm"},
    "component": PLATFORM,
    "delivery_forms": ["saas"],
    "version": "1.0",
}


@pytest.fixture
def havorn(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(HAVORN, "catalog.write")


@pytest.fixture
def alstahaug(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(ALSTAHAUG, "catalog.write")


def patched(catalog: TestClient, path: str, headers: dict[str, str], match: str | None, **change: Any) -> Any:
    sent = headers | {"Content-Type": "application/merge-patch+json"} | ({"If-Match": match} if match else {})
    return catalog.patch(path, json=change, headers=sent)


def told(catalog: TestClient, subject: str) -> list[str]:
    return [one["type"] for one in walk_events(catalog) if one["subject"] == subject]


def walk_events(catalog: TestClient, headers: dict[str, str] | None = None) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = catalog.get("/events", params={"limit": 200}, headers=headers).json()["items"]
    return items


# ---- Registering


def test_the_caller_is_the_supplier(catalog: TestClient, havorn: dict[str, str], database: Database) -> None:
    answer = catalog.post("/products", json=NEW | {"delivery_forms": ["saas", "saas"]}, headers=havorn)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["supplier"]["organisation_number"], made["registered_by"]) == (HAVORN, None)
    assert made["delivery_forms"] == ["saas"]
    assert catalog.get(answer.headers["Location"]).json() == made
    assert [one["label"] for one in walk(catalog, "/products/ny-alarm/versions")] == ["1.0"]
    with database.reading() as reader:
        assert [row[1:] for row in audit.of(reader, "/products/ny-alarm")] == [("product.register", HAVORN)]
    assert problem(catalog.post("/products", json=NEW, headers=havorn)) == (409, "product-slug-taken")
    found = catalog.get("/search", params={"q": "ny alarm", "type": "product"}).json()
    assert found["items"][0]["ref"] == "ny-alarm"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"supplier": HAVORN}, ["havorn-alarm", "havorn-dorsensor", "havorn-tilsyn"]),
        ({"supplier": ALSTAHAUG}, []),
        ({"supplier": HAVORN, "component": PLATFORM}, ["havorn-alarm", "havorn-dorsensor", "havorn-tilsyn"]),
        ({"component": "id-porten"}, []),
        ({"specification": "velferdsteknologi-datautveksling"}, ["fjordvakt-tilsyn", "nordlys-dorlas"]),
    ],
)
def test_products_are_filtered(shared_catalog: TestClient, query: dict[str, str], expected: list[str]) -> None:
    assert [one["slug"] for one in walk(shared_catalog, "/products", **query)] == expected


def test_product_pages_have_no_gaps(shared_catalog: TestClient) -> None:
    assert len(walk(shared_catalog, "/products", limit=4)) == 8
    assert walk(shared_catalog, "/products", limit=1) == walk(shared_catalog, "/products", limit=4)


# ---- On behalf


def test_a_record_is_kept_on_a_suppliers_behalf_until_it_takes_over(
    catalog: TestClient, alstahaug: dict[str, str], issuer: Issuer, editor: dict[str, str]
) -> None:
    made = catalog.post("/products", json=NEW | {"supplier": NORDLYS}, headers=alstahaug)
    assert made.status_code == 201, made.text
    assert made.json()["registered_on_behalf"] is True
    assert made.json()["supplier"]["organisation_number"] == NORDLYS
    assert made.json()["registered_by"]["organisation_number"] == ALSTAHAUG
    path, match = made.headers["Location"], made.headers["ETag"]
    nordlys = issuer.bearer(NORDLYS, "catalog.write")

    # Nobody but the registrar changes it, and nobody but the supplier takes it over.
    for number, refused in ((NORDLYS, "take-over-first"), (HAVORN, "not-your-product"), (VEFSN, "not-your-product")):
        headers = issuer.bearer(number, "catalog.write")
        assert problem(patched(catalog, path, headers, match, version="1.0")) == (403, refused)
    for number in (HAVORN, ALSTAHAUG, VEFSN):
        headers = issuer.bearer(number, "catalog.write")
        assert problem(catalog.post(f"{path}/take-over", headers=headers)) == (403, "not-the-supplier")
    assert patched(catalog, path, alstahaug, match, name={"nb": "Nytt navn"}).status_code == 200

    taken = catalog.post(f"{path}/take-over", headers=nordlys)
    assert taken.status_code == 200, taken.text
    assert taken.json()["kept_by"] == "supplier"
    read = catalog.get(path)
    assert read.json()["registered_on_behalf"] is False
    assert read.json()["registered_by"]["organisation_number"] == ALSTAHAUG, "whoever registered it stays credited"
    match = read.headers["ETag"]
    assert problem(patched(catalog, path, alstahaug, match, name={"nb": "X"})) == (403, "not-your-product")
    assert patched(catalog, path, nordlys, match, name={"nb": "Vårt navn"}).status_code == 200
    assert problem(catalog.post(f"{path}/take-over", headers=nordlys)) == (409, "nothing-to-take-over")

    # An editor rejects it: the registrar has it again, names another supplier, and that one can take over.
    back = catalog.post(f"{path}/reject-take-over", json={"reason": "Feil leverandør"}, headers=editor)
    assert (back.status_code, back.json()["kept_by"]) == (200, "registrar")
    assert problem(catalog.post(f"{path}/take-over", headers=nordlys)) == (409, "take-over-rejected")
    match = catalog.get(path).headers["ETag"]
    assert patched(catalog, path, alstahaug, match, supplier=HAVORN, reason="Rettet").status_code == 200
    assert problem(catalog.post(f"{path}/take-over", headers=nordlys)) == (403, "not-the-supplier")
    assert catalog.post(f"{path}/take-over", headers=issuer.bearer(HAVORN, "catalog.write")).status_code == 200
    assert [one["step"] for one in catalog.get(f"{path}/take-overs").json()["steps"]] == [
        "take_over",
        "reject_take_over",
        "take_over",
    ]
    assert told(catalog, path) == [
        "product.registered",
        "product.changed",
        "product.taken_over",
        "product.changed",
        "product.take_over_rejected",
        "product.changed",
        "product.taken_over",
    ]


def test_only_public_bodies_register_for_others(shared_catalog: TestClient, havorn: dict[str, str]) -> None:
    answer = shared_catalog.post("/products", json=NEW | {"supplier": NORDLYS}, headers=havorn)
    assert problem(answer) == (403, "on-behalf-by-public-bodies-only")


def test_a_supplier_cannot_give_its_product_away(shared_catalog: TestClient, havorn: dict[str, str]) -> None:
    answer = patched(shared_catalog, "/products/havorn-alarm", havorn, "*", supplier=NORDLYS, reason="Solgt")
    assert problem(answer) == (422, "supplier-fixed")


@given(on_behalf=st.booleans(), steps=st.lists(st.sampled_from(Step), max_size=5))
def test_the_registrar_keeps_it_only_while_nobody_has_taken_over(on_behalf: bool, steps: list[Step]) -> None:
    last = steps[-1] if steps else None
    kept_by = rules.keeper(on_behalf, last)
    assert (kept_by is Keeper.REGISTRAR) == (on_behalf and last is not Step.TAKE_OVER)
    allowed = [
        caller
        for caller in (1, 2, 3)
        if not rules.check_change(kept_by, caller=caller, suppliers=[1], registrar=2, changes_supplier=False)
    ]
    assert allowed == [2 if kept_by is Keeper.REGISTRAR else 1], "exactly one organisation may change it"


def merged(catalog: TestClient, editor: dict[str, str], one: str, into: str) -> None:
    """Let an organisation become part of another today; both by organisation number."""
    ids = [
        catalog.get("/organisations", params={"organisation_number": number}).json()["items"][0]["id"]
        for number in (one, into)
    ]
    new = {"successor": ids[1], "effective_on": clock.today().isoformat(), "source": "Fusjonsplan (fiktiv)"}
    answer = catalog.post(f"/organisations/{ids[0]}/merge", json=new, headers=editor)
    assert answer.status_code in (200, 201), answer.text


def test_a_merged_suppliers_products_are_its_successors(
    catalog: TestClient, editor: dict[str, str], havorn: dict[str, str], issuer: Issuer
) -> None:
    of_nordlys = [one["slug"] for one in walk(catalog, "/products", supplier=NORDLYS)]
    of_havorn = [one["slug"] for one in walk(catalog, "/products", supplier=HAVORN)]
    merged(catalog, editor, NORDLYS, HAVORN)
    read = catalog.get("/products/nordlys-alarm")
    assert read.json()["supplier"]["organisation_number"] == HAVORN
    assert read.json()["registered_as"]["organisation_number"] == NORDLYS
    for number in (NORDLYS, HAVORN):  # the old number finds them as the new one does, each once
        assert [one["slug"] for one in walk(catalog, "/products", supplier=number)] == sorted(of_nordlys + of_havorn)
    nordlys = issuer.bearer(NORDLYS, "catalog.write")
    match = read.headers["ETag"]
    assert patched(catalog, "/products/nordlys-alarm", nordlys, match, name={"se": "X"}).status_code == 403
    assert patched(catalog, "/products/nordlys-alarm", havorn, match, name={"se": "X"}).status_code == 200
    assert catalog.post("/products/nordlys-dorlas/take-over", headers=havorn).status_code == 200


# ---- Changing


def test_a_change_starts_from_what_was_read(catalog: TestClient, havorn: dict[str, str], database: Database) -> None:
    path = "/products/havorn-alarm"
    read = catalog.get(path)
    assert problem(patched(catalog, path, havorn, None, version="1.3")) == (428, "if-match-missing")
    changed = patched(catalog, path, havorn, read.headers["ETag"], version="1.3", name={"en": None, "se": "Alárbma"})
    assert changed.status_code == 200, changed.text
    names = {key: value for key, value in read.json()["name"].items() if key != "en"} | {"se": "Alárbma"}
    assert changed.json() == read.json() | {"version": "1.3", "name": names}
    assert problem(patched(catalog, path, havorn, read.headers["ETag"], version="1.4")) == (412, "stale")
    assert catalog.get(path).json() == changed.json()
    with database.reading() as reader:
        assert [row[1] for row in audit.of(reader, path)] == ["product.change"]


def test_what_buyers_choose_by_needs_a_reason(catalog: TestClient, havorn: dict[str, str]) -> None:
    path = "/products/havorn-alarm"
    answer = patched(catalog, path, havorn, "*", hosting_countries={"saas": "XX", "on_premises": "NO"}, version="9.9")
    assert errors(answer) == {
        ("version-unknown", "#/version"),
        ("country-unknown", "#/hosting_countries/saas"),
        ("reason-missing", "#/reason"),
    }
    told = patched(catalog, path, havorn, "*", hosting_countries={"saas": "NO"}, reason="Flyttet")
    assert told.json()["hosting_countries"] == {"saas": "NO", "on_premises": None}, "what is not known stays null"
    gone = patched(catalog, path, havorn, told.headers["ETag"], hosting_countries={"saas": None}, reason="Ukjent")
    assert gone.json()["hosting_countries"] == {"saas": None, "on_premises": None}


def test_a_merged_suppliers_certificates_are_its_successors_who_decides_on_none_of_them(
    catalog: TestClient, editor: dict[str, str], issuer: Issuer
) -> None:
    of_fjordvakt = [one["number"] for one in walk(catalog, "/certificates", supplier=FJORDVAKT)]
    assert of_fjordvakt
    merged(catalog, editor, FJORDVAKT, HAVORN)
    for number in (FJORDVAKT, HAVORN):
        assert set(of_fjordvakt) <= {one["number"] for one in walk(catalog, "/certificates", supplier=number)}
    path = f"/certificates/{of_fjordvakt[0]}"
    assert catalog.get(path).json()["supplier"]["organisation_number"] == HAVORN
    successor = issuer.bearer(HAVORN, "certification.decide")
    refused = catalog.post(f"{path}/withdraw", json={"reason": "Egen interesse"}, headers=successor)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/decision-on-own-product")


def test_a_rehearsed_change_changes_nothing(catalog: TestClient, havorn: dict[str, str]) -> None:
    path = "/products/havorn-alarm"
    before = catalog.get(path)
    sent = havorn | {"Content-Type": "application/merge-patch+json", "If-Match": "*"}
    tried = catalog.patch(path, params={"dry_run": "true"}, json={"name": {"nb": "Prøve"}}, headers=sent)
    assert tried.json()["name"]["nb"] == "Prøve"
    assert catalog.get(path).json() == before.json()
    assert catalog.get(path).headers["ETag"] == before.headers["ETag"]


def test_a_product_may_be_for_several_components_or_only_for_a_specification(
    catalog: TestClient, havorn: dict[str, str]
) -> None:
    nothing = {name: value for name, value in NEW.items() if name != "component"}
    assert errors(catalog.post("/products", json=nothing, headers=havorn)) == {("nothing-offered", "#/component")}
    declared = nothing | {"declares": [{"specification": SERVICE, "version": "1.0"}]}
    made = catalog.post("/products", json=declared, headers=havorn)
    assert made.status_code == 201, made.text
    assert made.json()["component"] is None
    assert [one["specification"] for one in made.json()["declares"]] == [SERVICE]
    assert "ny-alarm" in {one["slug"] for one in walk(catalog, "/products", specification=SERVICE)}

    known = [one["slug"] for one in walk(catalog, "/components", limit=200)]
    further = [slug for slug in known if slug != PLATFORM][:2]
    several = NEW | {"slug": "bred-alarm", "further_components": further}
    assert catalog.post("/products", json=several, headers=havorn).json()["further_components"] == further
    for slug in (PLATFORM, *further):
        assert "bred-alarm" in {one["slug"] for one in walk(catalog, "/products", component=slug)}
    twice = NEW | {"slug": "dobbel", "further_components": [PLATFORM, "finnes-ikke"]}
    assert errors(catalog.post("/products", json=twice, headers=havorn)) == {
        ("component-repeated", "#/further_components/0"),
        ("component-unknown", "#/further_components/1"),
    }


def test_products_are_read_in_a_batch_and_in_part(shared_catalog: TestClient) -> None:
    slugs = ["havorn-alarm", "fjordvakt-alarm", "finnes-ikke"]
    asked = {"slug": slugs, "fields": "slug,name", "language": "nn", "limit": "1"}
    first = shared_catalog.get("/products", params=asked).json()
    assert first["items"] == [{"slug": "fjordvakt-alarm", "name": {"nn": "Fjordvakt tryggleiksalarm (fiktiv)"}}]
    second = shared_catalog.get("/products", params=asked | {"after": first["next"]}).json()
    assert [one["slug"] for one in second["items"]] == ["havorn-alarm"]
    assert second["next"] is None
    assert problem(shared_catalog.get("/products/havorn-alarm?fields=pris")) == (422, "field-unknown")


def test_whoever_keeps_a_record_vouches_for_it(catalog: TestClient, havorn: dict[str, str], issuer: Issuer) -> None:
    answer = catalog.post("/products/havorn-alarm/confirm", headers=havorn)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["stale"], answer.json()["last_confirmed_on"]) == (False, clock.today().isoformat())
    others = issuer.bearer(FJORDVAKT, "catalog.write")
    assert problem(catalog.post("/products/havorn-alarm/confirm", headers=others)) == (403, "not-your-product")


@given(days=st.integers(0, 2_000))
def test_a_record_goes_stale_after_a_year(days: int) -> None:
    today = date(2027, 1, 1)
    assert rules.stale(today - timedelta(days=days), today) == (days > 365)
    assert rules.stale(None, today)


# ---- Versions


def test_a_new_version_is_current_and_not_covered_by_what_was_certified(
    catalog: TestClient, issuer: Issuer, havorn: dict[str, str]
) -> None:
    new = {"label": "1.10", "released_on": "2026-11-01", "replaced_by": None, "notes": {"nb": "Nytt"}}
    made = catalog.post("/products/havorn-alarm/versions", json=new, headers=havorn)
    assert made.status_code == 201, made.text
    assert catalog.get("/products/havorn-alarm").json()["version"] == "1.10"
    assert [one["label"] for one in walk(catalog, "/products/havorn-alarm/versions", limit=1)] == ["1.3", "1.4", "1.10"]
    path = "/products/havorn-alarm/versions/1.4"
    assert patched(catalog, path, havorn, '"1"', replaced_by="1.10").json()["replaced_by"] == "1.10"
    loop = patched(catalog, made.headers["Location"], havorn, '"1"', replaced_by="1.3")
    assert errors(loop) == {("replaces-itself", "#/replaced_by")}, "1.3 → 1.4 → 1.10 → 1.3"
    assert problem(catalog.post("/products/havorn-alarm/versions", json=new, headers=havorn)) == (
        409,
        "version-label-taken",
    )


def test_an_older_version_may_be_told_of_without_becoming_current(catalog: TestClient, havorn: dict[str, str]) -> None:
    old = {"label": "0.9", "current": False, "support_ends_on": "2024-12-31", "end_of_life_on": "2024-01-01"}
    assert errors(catalog.post("/products/havorn-alarm/versions", json=old, headers=havorn)) == {
        ("dates-out-of-order", "#/end_of_life_on")
    }
    made = catalog.post("/products/havorn-alarm/versions", json=old | {"end_of_life_on": None}, headers=havorn)
    assert (made.status_code, made.json()["supported"]) == (201, False)
    assert catalog.get("/products/havorn-alarm").json()["version"] == "1.4"


@given(
    st.lists(st.integers(0, 10**9 - 1), min_size=1, max_size=6), st.lists(st.integers(0, 999), min_size=1, max_size=6)
)
def test_labels_of_numbers_sort_as_numbers(one: list[int], other: list[int]) -> None:
    keys = [order_key(".".join(map(str, parts))) for parts in (one, other)]
    assert (keys[0] < keys[1]) == (one < other)
    assert keys[0] < order_key("vår-utgave")


@given(st.dictionaries(st.sampled_from("abcde"), st.sampled_from("abcde"), max_size=5), st.sampled_from("abcde"))
def test_replacements_never_go_in_circles(replacements: dict[str, str], by: str) -> None:
    chain: dict[str, str | None] = dict.fromkeys("abcde")
    for label, replaced_by in [*replacements.items(), ("a", by)]:
        version = version_rules.Version(label, None, None, None, replaced_by)
        if not version_rules.check(version, chain):
            chain[label] = replaced_by
    for start in chain:
        seen, step = set(), chain[start]
        while step is not None:
            assert step not in seen
            seen.add(step)
            step = chain[step]


# ---- Declarations


def test_a_declaration_certifies_nothing(catalog: TestClient, havorn: dict[str, str]) -> None:
    question = {"product": "havorn-dorsensor", "specification": SERVICE}
    before = catalog.post("/verify", json=question).json()
    new = {
        "specification": SERVICE,
        "version": "1.0",
        "answers": [{"requirement": "VT2-01", "answer": "met"}, {"requirement": "VT2-02", "answer": "met"}],
    }
    made = catalog.post("/products/havorn-dorsensor/declarations", json=new, headers=havorn)
    assert made.status_code == 201, made.text
    after = catalog.post("/verify", json=question).json()
    assert before["verdict"] == after["verdict"] == "not_valid"
    assert after["code"] == "no_certificate"
    again = catalog.post("/products/havorn-dorsensor/declarations", json=new, headers=havorn)
    assert problem(again) == (409, "already-declared")
    withdrawn = catalog.post(f"{made.headers['Location']}/withdraw", json={"reason": "Feil"}, headers=havorn)
    assert withdrawn.json()["withdrawn_on"]
    assert problem(catalog.post(f"{made.headers['Location']}/withdraw", json={"reason": "Feil"}, headers=havorn)) == (
        409,
        "already-withdrawn",
    )
    assert catalog.post("/products/havorn-dorsensor/declarations", json=new, headers=havorn).status_code == 201
    assert len(walk(catalog, "/products/havorn-dorsensor/declarations", limit=1)) == 2, "what was withdrawn is kept"


def test_the_only_declaration_of_a_product_for_no_component_stays(
    catalog: TestClient, alstahaug: dict[str, str]
) -> None:
    (declared,) = catalog.get("/products/nordlys-dorlas").json()["declares"]
    path = f"/products/nordlys-dorlas/declarations/{declared['id']}/withdraw"
    assert problem(catalog.post(path, json={"reason": "Feil"}, headers=alstahaug)) == (409, "last-offer")


def test_nobody_declares_for_another(shared_catalog: TestClient, issuer: Issuer) -> None:
    new = {"specification": SERVICE, "version": "1.0"}
    for number in (FJORDVAKT, ALSTAHAUG, EDITOR):
        headers = issuer.bearer(number, "catalog.write")
        answer = shared_catalog.post("/products/havorn-tilsyn/declarations", json=new, headers=headers)
        assert problem(answer) == (403, "not-your-product")
