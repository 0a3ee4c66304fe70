"""Requirement specifications: owned by public bodies, published by date, frozen from then on."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from services.chassis import audit, clock
from services.chassis.db import Database
from tests.catalog.certification import Certification
from tests.catalog.conftest import BRONNOY, HAVORN, errors, problem, walk
from tests.issuer import Issuer

NATIONAL = "velferdsteknologi-trygghetstjeneste"
EXCHANGE = "velferdsteknologi-datautveksling"
OWN = "alstahaug-trygghetstjeneste"
SUPPLIERS, ADVISERS = "leverandor-av-velferdsteknologi", "radgiver-innforing"
AGAINST: dict[str, Any] = {"specification": OWN, "specification_version": "1.0"}
DRAFTED = {"specification_version": "1.1"}
REQUIREMENT = {"id": "X-1", "obligation": "must", "text": {"nb": "Krav"}, "verification": {"nb": "Test"}}
UNSAID = {"method": None, "applies_to": None, "comment": None, "clause": None, "replaces": None, "upstream": None}
VERSION = {"version": "1.0", "effective_on": "2027-01-01", "requirements": [REQUIREMENT]}
NEW: dict[str, Any] = {"slug": "fallsensor", "level": 1, "name": {"nb": "Fallsensor"}, "versions": [VERSION]}
TODAY = clock.today()


def day(days: int) -> str:
    return (TODAY + timedelta(days=days)).isoformat()


@pytest.fixture
def owner(issuer: Issuer) -> dict[str, str]:
    """Alstahaug, which owns a specification in the seed data."""
    return issuer.bearer("938712441", "catalog.write")


@pytest.fixture
def bronnoy(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(BRONNOY, "catalog.write")


def done(answer: Any, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_specification_is_read_as_registered(catalog: TestClient, editor: dict[str, str], database: Database) -> None:
    second = VERSION | {"version": "2.0", "requirements": [REQUIREMENT, REQUIREMENT | {"id": "X-2"}]}
    draft = second | {"version": "3.0", "effective_on": None}
    new = NEW | {"level": 2, "presupposes": EXCHANGE, "versions": [draft, VERSION, second]}
    answer = catalog.post("/specifications", json=new, headers=editor)
    made = done(answer, 201)
    read = catalog.get(answer.headers["Location"])
    assert read.json() == made
    assert read.headers["ETag"] == '"1"'
    assert {name: made[name] for name in ("slug", "level", "name", "summary", "presupposes", "national")} == {
        "slug": "fallsensor",
        "level": 2,
        "name": {"nb": "Fallsensor"},
        "summary": None,
        "presupposes": EXCHANGE,
        "national": True,
    }
    shown = [(one["version"], one["status"], one["effective_on"]) for one in made["versions"]]
    assert shown == [
        ("1.0", "not_yet_effective", "2027-01-01"),
        ("2.0", "not_yet_effective", "2027-01-01"),
        ("3.0", "draft", None),
    ], "in the order in which they take effect, drafts last"
    assert made["versions"][0]["requirements"] == [REQUIREMENT | UNSAID]
    with database.reading() as reader:
        assert [row[1] for row in audit.of(reader, "/specifications/fallsensor")] == ["specification.register"]
    told = catalog.get("/events", params={"limit": 200}).json()["items"]
    assert ("specification.registered", "/specifications/fallsensor") in [(one["type"], one["subject"]) for one in told]


def test_level_2_names_the_level_1_that_it_presupposes(shared_catalog: TestClient, editor: dict[str, str]) -> None:
    def register(**rest: object) -> tuple[int, str]:
        return problem(shared_catalog.post("/specifications", json=NEW | {"level": 2} | rest, headers=editor))

    assert register() == (422, "presupposed-missing")
    assert register(presupposes="finnes-ikke") == (422, "specification-unknown")
    assert register(presupposes=NATIONAL) == (422, "presupposed-not-in-force")


def test_everything_wrong_with_a_specification_is_told(shared_catalog: TestClient, editor: dict[str, str]) -> None:
    other = REQUIREMENT | {"text": {"nb": "Et annet krav"}}
    new = NEW | {"presupposes": EXCHANGE, "versions": [VERSION, VERSION | {"requirements": [other]}]}
    answer = shared_catalog.post("/specifications", json=new, headers=editor)
    assert errors(answer) == {
        ("presupposed-misplaced", "#/presupposes"),
        ("version-repeated", "#/versions/1/version"),
        ("requirement-id-reused", "#/versions/1/requirements/0/id"),
    }
    assert problem(shared_catalog.get("/specifications/fallsensor")) == (404, "specification-not-found")


def test_a_specifications_name_is_taken_once(catalog: TestClient, bronnoy: dict[str, str]) -> None:
    assert done(catalog.post("/specifications", json=NEW, headers=bronnoy), 201)["national"] is False
    assert problem(catalog.post("/specifications", json=NEW, headers=bronnoy)) == (409, "specification-slug-taken")


def test_only_public_bodies_own_specifications(shared_catalog: TestClient, issuer: Issuer) -> None:
    supplier = issuer.bearer(HAVORN, "catalog.write")
    assert problem(shared_catalog.post("/specifications", json=NEW, headers=supplier)) == (403, "owner-not-public")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "", {"name": {"nb": "Kapret"}}),
        ("POST", "/confirm", None),
        ("POST", "/versions", {"version": "9"}),
        ("POST", "/versions/1.0/end", {"reason": "Kapret"}),
        ("PUT", "/versions/1.1/requirements/Z-1", {"obligation": "may", "text": {"nb": "Z"}}),
        ("DELETE", "/versions/1.1/requirements/ALS-02", None),
        ("POST", "/follow", {"to_version": "1.1", "version": "1.1"}),
    ],
)
def test_nobody_else_changes_a_specification(
    shared_catalog: TestClient, bronnoy: dict[str, str], owner: dict[str, str], method: str, path: str, body: Any
) -> None:
    headers = {"If-Match": '"1"'}
    answer = shared_catalog.request(method, f"/specifications/{OWN}{path}", json=body, headers=bronnoy | headers)
    assert problem(answer) == (403, "specification-not-yours")
    national = shared_catalog.request(method, f"/specifications/{NATIONAL}{path}", json=body, headers=owner | headers)
    assert problem(national) == (403, "specification-not-yours"), "a national one is the editors'"


def test_a_name_changes_in_part_and_from_what_was_read(
    catalog: TestClient, owner: dict[str, str], database: Database
) -> None:
    path = f"/specifications/{OWN}"
    change = {"name": {"nn": None, "en": "Safety service in Alstahaug (fictional)"}}
    assert problem(catalog.patch(path, json=change, headers=owner)) == (428, "if-match-missing")
    answer = catalog.patch(path, json=change, headers=owner | {"If-Match": '"1"'})
    assert done(answer)["name"] == {
        "nb": "Trygghetstjeneste i Alstahaug (fiktiv)",
        "en": "Safety service in Alstahaug (fictional)",
    }
    assert answer.headers["ETag"] == '"2"'
    assert problem(catalog.patch(path, json=change, headers=owner | {"If-Match": '"1"'})) == (412, "stale")
    emptied = {"name": {"nb": None, "en": None}}
    assert problem(catalog.patch(path, json=emptied, headers=owner | {"If-Match": '"2"'})) == (422, "invalid-request")
    gone = done(catalog.patch(path, json={"summary": None}, headers=owner | {"If-Match": '"2"'}))
    assert gone["summary"] is None
    with database.reading() as reader:
        details = [
            row.detail for row in reader.execute(audit.TABLE.select().where(audit.TABLE.c.subject == path)).all()
        ]
    assert [sorted(one["changed"]) for one in details if "changed" in one] == [["name"], ["summary"]]


def test_a_specification_is_stale_until_its_owner_confirms_it(catalog: TestClient, owner: dict[str, str]) -> None:
    path = f"/specifications/{EXCHANGE}"
    assert done(catalog.get(path))["stale"] is True
    own = f"/specifications/{OWN}/confirm"
    assert problem(catalog.post(own, headers=owner | {"If-Match": '"7"'})) == (412, "stale")
    confirmed = done(catalog.post(own, headers=owner))
    assert (confirmed["last_confirmed_on"], confirmed["stale"]) == (TODAY.isoformat(), False)


# ---- Versions in time


def test_a_version_goes_through_its_life_by_date(catalog: TestClient, owner: dict[str, str]) -> None:
    path = f"/specifications/{OWN}/versions/1.1"
    assert done(catalog.get(path))["status"] == "draft"
    published = done(catalog.post(f"{path}/publish", json={"effective_on": day(10)}, headers=owner))
    assert (published["status"], published["effective_on"]) == ("not_yet_effective", day(10))
    warned = {"effective_on": day(100), "reason": "Ny versjon kommer (fiktivt)"}
    assert done(catalog.post(f"{path}/warn", json=warned, headers=owner))["warned_on"] == day(100)
    ended = warned | {"effective_on": day(200)}
    assert done(catalog.post(f"{path}/end", json=ended, headers=owner))["ended_on"] == day(200)
    states = {
        days: done(catalog.get(path, params={"on": day(days)}))["status"] for days in (0, 9, 10, 99, 100, 199, 200)
    }
    assert states == {
        0: "not_yet_effective",
        9: "not_yet_effective",
        10: "effective",
        99: "effective",
        100: "warned",
        199: "warned",
        200: "ended",
    }
    listed = walk(catalog, "/specifications", slug=[OWN, NATIONAL], on=day(150))
    assert [one["in_force"] for one in listed] == [["1.0", "1.1"], ["1.0"]], "several may be in force"
    events = done(catalog.get(path))["events"]
    assert [(one["kind"], one["organisation_number"]) for one in events] == [
        ("published", "938712441"),
        ("warned", "938712441"),
        ("ended", "938712441"),
    ]


def test_what_was_known_of_a_day_does_not_change(catalog: TestClient, owner: dict[str, str]) -> None:
    path = f"/specifications/{OWN}/versions/1.1"
    before = clock.now().isoformat()
    back = {"effective_on": day(-3)}
    assert errors(catalog.post(f"{path}/publish", json=back, headers=owner)) == {("publication-back-dated", "#/reason")}
    done(catalog.post(f"{path}/publish", json=back | {"reason": "Vedtatt den gang"}, headers=owner))
    now = done(catalog.get(path, params={"on": day(-2)}))
    assert now["status"] == "effective"
    assert now["events"][0]["back_dated"] is True
    then = done(catalog.get(path, params={"on": day(-2), "known_at": before}))
    assert (then["status"], then["effective_on"], then["events"]) == ("draft", None, [])
    ahead = {"known_at": "2999-01-01T00:00:00Z"}
    assert problem(catalog.get(f"/specifications/{OWN}", params=ahead)) == (422, "known-at-in-future")


def test_a_published_version_is_frozen(catalog: TestClient, owner: dict[str, str]) -> None:
    path = f"/specifications/{OWN}/versions/1.1"
    done(catalog.post(f"{path}/publish", json={}, headers=owner | {"If-Match": '"1"'}))
    changing = owner | {"If-Match": '"2"'}
    body = {"obligation": "may", "text": {"nb": "Z"}}
    assert problem(catalog.put(f"{path}/requirements/Z-1", json=body, headers=changing)) == (409, "version-frozen")
    assert problem(catalog.delete(f"{path}/requirements/ALS-02", headers=changing)) == (409, "version-frozen")
    assert problem(catalog.post(f"{path}/publish", json={}, headers=changing)) == (409, "version-step-refused")


def test_an_event_is_never_changed(catalog: TestClient, database: Database) -> None:
    with pytest.raises(sa.exc.DBAPIError, match="never changed"), database.writing() as session:
        session.execute(sa.text("UPDATE specificationversion_event SET effective_on = '2020-01-01'"))


def test_an_id_is_not_used_again_after_it_was_dropped(catalog: TestClient, owner: dict[str, str]) -> None:
    path = f"/specifications/{OWN}/versions"

    def put(label: str, id: str, text: str, revision: int, **rest: object) -> Any:
        body = {"obligation": "should", "text": {"nb": text}, **rest}
        headers = owner | {"If-Match": f'"{revision}"'}
        return catalog.put(f"{path}/{label}/requirements/{id}", json=body, headers=headers)

    assert problem(put("1.1", "ALS-01", "Noe annet", 1)) == (422, "requirement-id-reused")
    done(catalog.delete(f"{path}/1.1/requirements/ALS-01", headers=owner | {"If-Match": '"1"'}))
    done(catalog.post(f"{path}/1.1/publish", json={}, headers=owner))
    done(catalog.post(path, json={"version": "2.0", "copy_from": "1.1"}, headers=owner), 201)
    assert problem(put("2.0", "ALS-01", "Noe annet", 4)) == (422, "requirement-id-reused")
    replaced = done(put("2.0", "ALS-03", "Noe annet", 4, replaces="ALS-02"))
    assert (replaced["added"], replaced["dropped"]) == (["ALS-03"], ["ALS-02"])
    last = done(catalog.get(f"{path}/2.0"))["requirements"][-1]
    assert (last["id"], last["replaces"]) == ("ALS-03", "ALS-02")


def test_a_draft_says_a_requirement_anew_as_long_as_no_other_version_has_it(
    catalog: TestClient, owner: dict[str, str]
) -> None:
    path = f"/specifications/{OWN}/versions"
    body = {"obligation": "must", "text": {"nb": "Opplæring gis på stedet, to ganger."}, "method": "inspection"}
    changed = done(catalog.put(f"{path}/1.1/requirements/ALS-02", json=body, headers=owner | {"If-Match": '"1"'}))
    assert (changed["changed"], changed["unchanged"]) == (["ALS-02"], 7)
    done(catalog.post(path, json={"version": "1.2", "copy_from": "1.1"}, headers=owner), 201)
    again = catalog.put(
        f"{path}/1.1/requirements/ALS-02", json=body | {"obligation": "may"}, headers=owner | {"If-Match": '"3"'}
    )
    assert problem(again) == (422, "requirement-id-reused"), "the other draft has it as well"


def test_a_version_begins_empty_or_as_a_copy(catalog: TestClient, bronnoy: dict[str, str]) -> None:
    done(catalog.post("/specifications", json=NEW, headers=bronnoy), 201)
    path = "/specifications/fallsensor/versions"
    done(catalog.post(path, json={"version": "2.0"}, headers=bronnoy), 201)
    assert done(catalog.get(f"{path}/2.0"))["requirements"] == []
    assert problem(catalog.post(f"{path}/2.0/publish", json={}, headers=bronnoy)) == (409, "version-empty")
    assert problem(catalog.post(path, json={"version": "2.0"}, headers=bronnoy)) == (409, "version-label-taken")
    answer = catalog.post(path, json={"version": "3.0", "copy_from": "8.0"}, headers=bronnoy)
    assert problem(answer) == (422, "version-unknown")
    answer = catalog.post(path, json={"version": "3.0", "copy_from": "1.0"}, headers=bronnoy)
    assert done(catalog.get(answer.headers["Location"]))["requirements"] == [REQUIREMENT | UNSAID]


def test_a_requirement_rests_on_a_clause_of_the_register(catalog: TestClient, owner: dict[str, str]) -> None:
    path = f"/specifications/{OWN}/versions/1.1"
    clause = {"standard": "wcag-2-1", "clause": "1.4.3"}
    body = {"obligation": "must", "text": {"nb": "Teksten har god kontrast."}, "clause": clause}
    unknown = body | {"clause": clause | {"clause": "9.9.9"}}
    headers = owner | {"If-Match": '"1"'}
    answer = catalog.put(f"{path}/requirements/ALS-03", json=unknown, headers=headers)
    assert errors(answer) == {("clause-unknown", "#/clause")}
    done(catalog.put(f"{path}/requirements/ALS-03", json=body, headers=headers))
    assert done(catalog.get(path))["requirements"][-1]["clause"] == clause
    rows = catalog.get(f"{path}/requirements.csv").content.decode("utf-8-sig").splitlines()
    assert rows[-1].endswith(";wcag-2-1;1.4.3;")


def test_of_two_that_change_a_draft_at_once_one_starts_anew(catalog: TestClient, owner: dict[str, str]) -> None:
    path = f"/specifications/{OWN}/versions/1.1/requirements"
    body = {"obligation": "may", "text": {"nb": "Z"}}
    assert problem(catalog.put(f"{path}/Z-1", json=body, headers=owner)) == (428, "if-match-missing")
    done(catalog.put(f"{path}/Z-1", json=body, headers=owner | {"If-Match": '"1"'}))
    assert problem(catalog.put(f"{path}/Z-2", json=body, headers=owner | {"If-Match": '"1"'})) == (412, "stale")
    assert problem(catalog.delete(f"{path}/Z-9", headers=owner | {"If-Match": '"2"'})) == (
        404,
        "requirement-not-found",
    )


@pytest.mark.parametrize(
    ("certifies", "level", "presupposes", "expected"),
    [
        ("product", None, None, ("level-missing", "#/level")),
        ("supplier", 1, None, ("level-misplaced", "#/level")),
        ("adviser", None, EXCHANGE, ("level-misplaced", "#/presupposes")),
    ],
)
def test_what_certifies_products_has_a_level_and_nothing_else_has(
    catalog: TestClient,
    bronnoy: dict[str, str],
    certifies: str,
    level: int | None,
    presupposes: str | None,
    expected: tuple[str, str],
) -> None:
    terms = {"certifies": certifies, "level": level, "presupposes": presupposes}
    new = {name: value for name, value in (NEW | terms).items() if value is not None}
    assert errors(catalog.post("/specifications", json=new, headers=bronnoy)) == {expected}
    firm = {name: value for name, value in NEW.items() if name != "level"} | {"certifies": "adviser"}
    made = done(catalog.post("/specifications", json=firm, headers=bronnoy), 201)
    assert (made["certifies"], made["level"], made["presupposes"]) == ("adviser", None, None)


def test_a_level_2_version_is_published_when_what_it_presupposes_is_in_force(
    catalog: TestClient, editor: dict[str, str], bronnoy: dict[str, str]
) -> None:
    draft = NEW | {"slug": "utveksling", "versions": [VERSION | {"effective_on": None}]}
    done(catalog.post("/specifications", json=draft, headers=editor), 201)
    service = draft | {"slug": "tjeneste", "level": 2, "presupposes": "utveksling"}
    done(catalog.post("/specifications", json=service, headers=bronnoy), 201)
    publish = "/specifications/tjeneste/versions/1.0/publish"
    assert problem(catalog.post(publish, json={}, headers=bronnoy)) == (422, "presupposed-not-in-force")
    done(catalog.post("/specifications/utveksling/versions/1.0/publish", json={}, headers=editor))
    assert done(catalog.post(publish, json={}, headers=bronnoy))["status"] == "effective"


def test_nothing_is_certified_against_a_version_that_is_not_in_force(
    catalog: TestClient, owner: dict[str, str], issuer: Issuer
) -> None:
    way = Certification(catalog, issuer)
    of_draft = way.draft("100000032", product="havorn-tilsyn", delivery_forms=["saas"], **AGAINST | DRAFTED)
    answer = way.submit("100000032", of_draft.headers["Location"])
    assert errors(answer) == {("specification-not-in-force", "#/specification_version")}
    path = way.recommended(product="havorn-tilsyn", **AGAINST)
    end = {"reason": "Erstattes (fiktivt)", "effective_on": day(30)}
    done(catalog.post(f"/specifications/{OWN}/versions/1.0/end", json=end, headers=owner))
    for from_on in (day(30), "2026-03-31"):
        answer = way.decide(path, valid_from_on=from_on, valid_to_on="2028-01-01")
        assert errors(answer) == {("specification-not-in-force", "#/valid_from_on")}
    done(way.decide(path, valid_from_on=day(29), valid_to_on="2028-01-01"), 201)


# ---- Reading


def test_specifications_are_listed_by_what_they_are(shared_catalog: TestClient) -> None:
    def slugs(**query: Any) -> list[str]:
        return [one["slug"] for one in walk(shared_catalog, "/specifications", **query)]

    assert slugs() == slugs(limit=1) == [OWN, SUPPLIERS, ADVISERS, EXCHANGE, NATIONAL]
    assert (slugs(certifies="supplier"), slugs(certifies="adviser")) == ([SUPPLIERS], [ADVISERS])
    assert slugs(certifies="product") == [OWN, EXCHANGE, NATIONAL]
    assert slugs(level=1) == [EXCHANGE]
    assert slugs(national="false") == [OWN]
    assert slugs(owner="938712441") == slugs(derived_from=NATIONAL) == [OWN]
    assert slugs(slug=[NATIONAL, "finnes-ikke", OWN], limit=1) == [OWN, NATIONAL]
    assert slugs(owner=BRONNOY) == []
    assert problem(shared_catalog.get("/specifications", params={"level": 3})) == (422, "invalid-request")
    assert problem(shared_catalog.get("/specifications", params={"slug": ["a"] * 101})) == (422, "invalid-request")


def test_some_fields_in_one_language_are_seen_on_every_page(shared_catalog: TestClient) -> None:
    answer = shared_catalog.get("/specifications", params={"fields": "slug,name", "language": "nn", "limit": 4})
    assert [sorted(one) for one in answer.json()["items"]] == [["name", "slug"]] * 4
    assert [list(one["name"]) for one in answer.json()["items"]] == [["nn"]] * 4
    following = shared_catalog.get(answer.links["next"]["url"]).json()
    assert [sorted(one) for one in following["items"]] == [["name", "slug"]]
    only = shared_catalog.get(f"/specifications/{OWN}", params={"fields": "owner,derived_from"}).json()
    assert only == {
        "owner": {"organisation_number": "938712441", "name": "Alstahaug kommune"},
        "derived_from": NATIONAL,
    }
    assert problem(shared_catalog.get(f"/specifications/{OWN}", params={"fields": "farge"})) == (422, "field-unknown")


def test_two_versions_are_compared_with_whom_that_concerns(shared_catalog: TestClient) -> None:
    found = done(shared_catalog.get(f"/specifications/{NATIONAL}/diff", params={"from": "1.0", "to": "1.1"}))
    assert [one["id"] for one in found["new"]] == ["VT2-08"]
    assert [(one["before"], one["after"], one["fields"]) for one in found["changed"]] == [
        ("VT2-02", "VT2-02.2", ["text", "method"])
    ]
    assert [one["id"] for one in found["dropped"]] == ["VT2-06"]
    assert found["unchanged"] == 5
    certified = [
        one["number"]
        for one in walk(shared_catalog, "/certificates")
        if one["specification"] == NATIONAL and one["status"] == "valid"
    ]
    assert [one["certificate"] for one in found["affected"]] == certified != []
    then = {"from": "1.0", "to": "1.1", "on": "2025-12-31"}
    assert done(shared_catalog.get(f"/specifications/{NATIONAL}/diff", params=then))["affected"] == []
    back = done(shared_catalog.get(f"/specifications/{NATIONAL}/diff", params={"from": "1.1", "to": "1.0"}))
    assert [one["id"] for one in back["dropped"]] == ["VT2-02.2", "VT2-08"]
    unknown = {"from": "0.9", "to": "9.0"}
    answer = shared_catalog.get(f"/specifications/{NATIONAL}/diff", params=unknown)
    assert errors(answer) == {("version-unknown", "?from"), ("version-unknown", "?to")}


def test_a_specification_is_found_by_name_and_by_a_requirements_id(
    catalog: TestClient, bronnoy: dict[str, str]
) -> None:
    def found(q: str) -> list[str]:
        items = done(catalog.get("/search", params={"q": q, "type": "specification"}))["items"]
        return [one["path"] for one in items]

    assert found("ALS-02") == [f"/specifications/{OWN}"]
    assert found("hagestell") == []
    done(catalog.post("/specifications", json=NEW | {"name": {"nb": "Hagestell"}}, headers=bronnoy), 201)
    assert found("hagestell") == ["/specifications/fallsensor"]
