"""Who sees a landscape: every role by every read, and what a supplier or nobody is answered, byte for byte, before and
after municipalities tell what they use."""

import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.chassis import audit, clock, contract
from services.chassis.values import seed_id
from tests.catalog.conftest import BRONNOY, EDITOR, FJORDVAKT, HAVORN
from tests.conftest import NewDatabase, serving, state
from tests.issuer import Issuer

ALSTAHAUG, VEFSN, LEIRFJORD, VEGA, ALESUND, HARAM = (
    "938712441",
    "844824122",
    "945034572",
    "941017975",
    "929911709",
    "829912252",
)
NORDLAND, DIGDIR, KS, UNKNOWN = "964982953", "991825827", "971032146", "999263550"
COMPONENT, PRODUCT = "velferdsteknologi-trygghetsplattform", "havorn-alarm"
MINE = f"/adoptions/{seed_id(f'adoption:bronnoy:{COMPONENT}')}"
OTHERS = f"/adoptions/{seed_id(f'adoption:vefsn:{COMPONENT}')}"
CLAIM = f"/adoptions/{seed_id('adoption:leirfjord:fjordvakt-alarm')}"
LANDSCAPE = f"/organisations/{seed_id(f'organisation:{BRONNOY}')}"
WINDOW = {"from": "2026-01-01", "to": "2030-12-31"}


@dataclass(frozen=True)
class Role:
    organisation: str | None
    sees: str
    """`contracts`, `others` (all, without contracts), `own` (that of the organisation it acts for), `nothing`."""
    scopes: tuple[str, ...] = ()
    vendor: str | None = None


ROLES = {
    "nobody": Role(None, "nothing"),
    "a supplier": Role(HAVORN, "nothing"),
    "a supplier with every scope": Role(
        HAVORN, "nothing", ("catalog.write", "catalog.admin", "certification.apply", "platform.admin")
    ),
    "the contract's supplier": Role(FJORDVAKT, "claim"),
    "an assessor": Role(KS, "nothing", ("certification.assess", "certification.decide")),
    "an unknown organisation": Role(UNKNOWN, "nothing", ("catalog.write",)),
    "a supplier on behalf of the municipality": Role(BRONNOY, "own", ("catalog.write",), HAVORN),
    "an unknown vendor on its behalf": Role(BRONNOY, "own", (), UNKNOWN),
    "a supplier on behalf of another": Role(VEFSN, "other's own", (), HAVORN),
    "the municipality": Role(BRONNOY, "contracts"),
    "another municipality": Role(VEFSN, "contracts"),
    "a county": Role(NORDLAND, "contracts"),
    "the joint unit": Role(EDITOR, "contracts"),
    "an editor": Role(EDITOR, "contracts", ("catalog.admin", "catalog.write")),
    "a state agency": Role(DIGDIR, "others"),
    "a municipality on a municipality's behalf": Role(BRONNOY, "contracts", (), ALSTAHAUG),
}
PUBLIC = ("contracts", "others")
INSTANT = re.compile(rb"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)|20\d\d (?:kl\.|at) \d\d[.:]\d\d")


@pytest.fixture(scope="module")
def catalog(apps: Callable[[str], FastAPI], shared_database: Any) -> Iterator[TestClient]:
    with serving(apps("catalog"), shared_database("catalog", seeded=True)) as client:
        yield client


def headers_of(role: Role, issuer: Issuer) -> dict[str, str]:
    if role.organisation is None:
        return {}
    party = {"authority": "iso6523-actorid-upis", "ID": f"0192:{role.vendor}"}
    return {
        "Authorization": "Bearer "
        + issuer.token(role.organisation, *role.scopes, supplier=party if role.vendor else None)
    }


def expected(role: Role, path: str) -> int:
    """The status that a read of this path answers."""
    if role.organisation is None:
        return 401
    if path == MINE:
        return 200 if role.sees in (*PUBLIC, "own") else 404
    if path == OTHERS:
        return 200 if role.sees in (*PUBLIC, "other's own") else 404
    if path == CLAIM:
        return 200 if role.sees in (*PUBLIC, "claim") else 404
    if path == "/adoptions":
        return 200
    if path == "/adoptions/contract-endings":
        return 200 if role.sees == "contracts" else 403
    return 200 if role.sees in PUBLIC else 403


READS: list[tuple[str, dict[str, str]]] = [
    ("/adoptions", {"limit": "200"}),
    (MINE, {}),
    (OTHERS, {}),
    (CLAIM, {}),
    (f"{MINE}/allocations", {}),
    ("/adoptions/contract-endings", WINDOW),
    (f"/components/{COMPONENT}/adopters", {}),
    (f"/products/{PRODUCT}/adopters", {}),
    (f"{LANDSCAPE}/landscape", {}),
    (f"{LANDSCAPE}/similar", {}),
    (f"{LANDSCAPE}/neighbours-use", {}),
]


@pytest.mark.parametrize(("path", "query"), READS, ids=[path.replace("/", " ").strip() for path, _ in READS])
@pytest.mark.parametrize("name", ROLES)
def test_every_role_is_answered_by_what_it_may_see(
    name: str, path: str, query: dict[str, str], catalog: TestClient, issuer: Issuer
) -> None:
    role = ROLES[name]
    answer = catalog.get(path, params=query, headers=headers_of(role, issuer))
    assert answer.status_code == expected(role, path), answer.text
    if role.sees != "contracts" and not (role.sees == "own" and path in (MINE, "/adoptions")):
        ours = [b"240000.00"] if role.sees != "other's own" else [b"240000.00", b"2027-06-30"]
        assert not [one for one in ours if one in answer.content], "Brønnøy's contract is not for this role"
    if role.sees not in PUBLIC and answer.status_code in (401, 403):
        assert b"kommune" not in answer.content


@pytest.mark.parametrize("name", ROLES)
def test_a_list_holds_only_what_a_role_may_see(name: str, catalog: TestClient, issuer: Issuer) -> None:
    role = ROLES[name]
    if role.organisation is None:
        return
    everything = catalog.get(
        "/adoptions", params={"limit": 200}, headers=headers_of(ROLES["the municipality"], issuer)
    ).json()["items"]
    found = catalog.get("/adoptions", params={"limit": 200}, headers=headers_of(role, issuer)).json()["items"]
    ids = {one["id"] for one in found}
    if role.sees in PUBLIC:
        assert ids == {one["id"] for one in everything}
        assert any(one["contract"] for one in found) == (role.sees == "contracts")
        assert {one["contract_visible"] for one in found} == {role.sees == "contracts"}
    elif role.sees in ("own", "other's own"):
        own = {one["id"] for one in everything if one["organisation"]["organisation_number"] == role.organisation}
        assert ids == own
    elif role.sees == "claim":
        assert ids == {CLAIM.removeprefix("/adoptions/")}
        assert not any(one["contract_visible"] or one["held_by"] for one in found)
    else:
        assert ids == set()


@pytest.mark.parametrize("name", ROLES)
def test_counts_and_facets_and_sorting_by_adoption_are_for_public_bodies(
    name: str, catalog: TestClient, issuer: Issuer
) -> None:
    role = ROLES[name]
    headers = headers_of(role, issuer)
    sees = role.sees in PUBLIC
    impact = catalog.get(f"/components/{COMPONENT}/impact", headers=headers).json()
    assert (impact["adopting_organisations"] is not None) == sees
    hits = catalog.get("/search", params={"q": "trygghetsplattform"}, headers=headers).json()["items"]
    assert {one["adopters"] is not None for one in hits} == {sees}
    counted = catalog.get("/search/facets", params={"q": "trygghetsplattform"}, headers=headers).json()["facets"]
    assert ("adoption" in {one["facet"] for one in counted}) == sees
    for query in ({"sort": "adoption"}, {"adoption": "few"}):
        assert catalog.get("/search", params=query, headers=headers).status_code == (200 if sees else 403)


@pytest.mark.parametrize("name", [name for name, role in ROLES.items() if role.organisation and role.sees == "nothing"])
def test_a_refusal_is_the_same_whether_there_is_anything_or_not(name: str, catalog: TestClient, issuer: Issuer) -> None:
    headers = headers_of(ROLES[name], issuer)
    nobody = "00000000-0000-0000-0000-000000000000"
    pairs = [
        (f"{LANDSCAPE}/landscape", f"/organisations/{nobody}/landscape"),
        (f"{LANDSCAPE}/similar", f"/organisations/{nobody}/similar"),
        (f"/components/{COMPONENT}/adopters", "/components/finnes-ikke/adopters"),
        (f"/products/{PRODUCT}/adopters", "/products/finnes-ikke/adopters"),
        (MINE, f"/adoptions/{nobody}"),
        (f"{MINE}/allocations", f"/adoptions/{nobody}/allocations"),
    ]
    for there, not_there in pairs:
        answers = [catalog.get(path, headers=headers) for path in (there, not_there)]
        assert answers[0].status_code in (403, 404)
        assert answers[0].content == answers[1].content


# ---- The whole contract, before and after


def operations(app: FastAPI) -> Iterator[tuple[str, str, dict[str, Any], str | None]]:
    """Every GET of the published contract with its example, each also without its query and for what changes below; and
    the one open question that is a POST."""
    document = json.loads(contract.text(app))
    for path, item in document["paths"].items():
        if "get" not in item:
            continue
        parameters = item["get"].get("parameters", [])
        choices: dict[str, list[str]] = {}
        for one in parameters:
            if one["in"] == "path":
                examples = one.get("examples") or one["schema"].get("examples") or [one.get("example")]
                choices[one["name"]] = [str(examples[0])]
        if path.startswith("/components/{slug}") and path.count("{") == 1:
            choices["slug"] = [*dict.fromkeys([*choices["slug"], COMPONENT, "id-porten"])]
        if path.startswith("/products/{slug}") and path.count("{") == 1:
            choices["slug"] = [*dict.fromkeys([*choices["slug"], PRODUCT, "fjordvakt-alarm"])]
        if path.startswith("/organisations/{id}") and path.count("{") == 1:
            numbers = (BRONNOY, VEGA, LEIRFJORD, ALESUND, HARAM)
            choices["id"] = [str(seed_id(f"organisation:{number}")) for number in numbers]
        if path.startswith("/adoptions/{id}") and path.count("{") == 1:
            choices["id"] = [one.removeprefix("/adoptions/") for one in (MINE, OTHERS, CLAIM)]
        for values in itertools.product(*choices.values()):
            named = dict(zip(choices, values, strict=True))
            here = re.sub(r"{(\w+)}", lambda name, named=named: named[name[1]], path)  # type: ignore[misc]
            shown = item["get"]["x-example"]["query"]
            yield from (("GET", here, query, None) for query in ([shown, {}] if shown else [{}]))
    for query in (
        *(
            {"q": q, "sort": sort}
            for q in ("havørn", "fjordvakt", "trygghet", "vega")
            for sort in ("relevance", "name")
        ),
        {"sort": "adoption"},
        {"adoption": "few"},
    ):
        yield "GET", "/search", query, None
        yield "GET", "/search/facets", {key: value for key, value in query.items() if key != "sort"}, None
    for query in (
        {"organisation": str(seed_id(f"organisation:{VEGA}"))},
        {"organisation": str(seed_id(f"organisation:{LEIRFJORD}"))},
        {"product": PRODUCT},
        {"product": "fjordvakt-alarm"},
        {"municipality_number": "1815"},
        {"claim": "confirmed"},
        {"status": "ended"},
        {"on": "2026-11-01"},
        {"stale": "true"},
    ):
        yield "GET", "/adoptions", query, None
    yield "GET", "/audit", {"subject": MINE}, None
    yield "GET", "/events", {"limit": "200"}, None
    verify = document["paths"]["/verify"]["post"]["requestBody"]["content"]["application/json"]["example"]
    yield "POST", "/verify", {}, json.dumps(verify)


def asked(
    catalog: TestClient, who: dict[str, dict[str, str]], all_of: list[tuple[str, str, dict[str, Any], str | None]]
) -> dict[tuple[str, ...], tuple[Any, ...]]:
    """Everything that these are answered: status, body, and the headers that tell of content."""
    found: dict[tuple[str, ...], tuple[Any, ...]] = {}
    for name, headers in who.items():
        for method, path, query, body in all_of:
            sent = headers | ({"Content-Type": "application/json"} if body else {})
            answer = catalog.request(method, path, params=query, content=body, headers=sent)
            content = INSTANT.sub(b"", answer.content)  # some answers say when they were given
            kept = tuple(answer.headers.get(one) for one in ("ETag", "Link", "Location", "Last-Modified"))
            found[name, method, path, json.dumps(query)] = (answer.status_code, content, kept)
    return found


def test_suppliers_and_nobody_are_answered_the_same_before_and_after(
    apps: Callable[[str], FastAPI], new_database: NewDatabase, issuer: Issuer
) -> None:
    app = apps("catalog")
    everything = list(operations(app))
    assert len(everything) > 100
    scopes = ("catalog.write", "certification.apply", "certification.assess", "certification.decide")
    who = {"nobody": {}, "a rival": issuer.bearer(HAVORN, *scopes), "its supplier": issuer.bearer(FJORDVAKT, *scopes)}
    with serving(app, new_database("catalog", seeded=True)) as catalog:

        def told(organisation: str, path: str, **body: Any) -> Any:
            answer = catalog.post(path, json=body, headers=issuer.bearer(organisation, "catalog.write"))
            assert answer.status_code < 300, answer.text
            return answer.json()

        audit.seal(state(catalog).database)  # what the seed did is sealed in the next seconds, whoever looks
        before = asked(catalog, who, everything)
        signed = {"supplier": FJORDVAKT, "ends_on": "2028-12-31", "price_excl_vat_per_year": "99999.00"}
        registered = told(VEGA, "/adoptions", product=PRODUCT, contract=signed)
        told(VEGA, "/adoptions", component=COMPONENT, environment="test")
        told(VEGA, "/adoptions", component="id-porten")
        told(VEGA, f"/adoptions/{registered['id']}/phase-out")
        told(LEIRFJORD, f"{CLAIM}/confirm")
        told(BRONNOY, f"{MINE}/end")
        today = clock.today().isoformat()
        told(LEIRFJORD, f"/organisations/{seed_id(f'organisation:{LEIRFJORD}')}/confirm-adoptions", as_of_on=today)
        split = f"/adoptions/{seed_id(f'adoption:alesund-2020:{COMPONENT}')}"
        haram = str(seed_id(f"organisation:{HARAM}"))
        allocated = told(HARAM, f"{split}/allocate", organisations=[haram])
        told(ALESUND, f"{split}/allocations/{allocated['id']}/confirm")
        after = asked(catalog, who, everything)
        public = {"a municipality": issuer.bearer(VEFSN, *scopes)}
        seen = asked(catalog, public, [("GET", f"/components/{COMPONENT}/adopters", {}, None)])
    differing = [key for key, answer in before.items() if after[key] != answer]
    assert not differing
    (adopters,) = seen.values()
    assert b"Haram" in adopters[1], "while those who may see it do"
