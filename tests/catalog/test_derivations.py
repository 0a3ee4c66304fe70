"""A municipality derives a specification, adapts it, and follows what becomes of the source."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.catalog.conftest import BRONNOY, HAVORN, errors, problem
from tests.issuer import Issuer

NATIONAL = "/specifications/velferdsteknologi-trygghetstjeneste"
OWN = "/specifications/bronnoy-trygghetstjeneste"
NEW = {
    "slug": "bronnoy-trygghetstjeneste",
    "name": {"nb": "Trygghetstjeneste i Brønnøy (fiktiv)"},
    "from_version": "1.0",
}


@pytest.fixture
def bronnoy(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(BRONNOY, "catalog.write")


@pytest.fixture
def derived(catalog: TestClient, bronnoy: dict[str, str]) -> str:
    """The path of a draft that is the same as what it was derived from."""
    answer = catalog.post(f"{NATIONAL}/derive", json=NEW, headers=bronnoy)
    assert answer.status_code == 201, answer.text
    return f"{OWN}/versions/1.0"


def done(answer: Any, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


def adapt(catalog: TestClient, headers: dict[str, str], path: str, id: str, text: str, **rest: Any) -> None:
    body = {"obligation": "must", "text": {"nb": text}, **rest}
    done(catalog.put(f"{path}/requirements/{id}", json=body, headers=headers | {"If-Match": "*"}))


def ids(catalog: TestClient, path: str) -> list[str]:
    return [one["id"] for one in done(catalog.get(path))["requirements"]]


def test_a_derived_specification_knows_what_it_stands_for(catalog: TestClient, derived: str) -> None:
    source = done(catalog.get(f"{NATIONAL}/versions/1.0"))["requirements"]
    copied = done(catalog.get(derived))
    assert copied["status"] == "draft"
    assert copied["derived_from"] == {"specification": "velferdsteknologi-trygghetstjeneste", "version": "1.0"}
    for here, there in zip(copied["requirements"], source, strict=True):
        assert here.pop("upstream") == {"requirement": there["id"], "sha256": here_hash(here), "same": True}
        assert here == {name: value for name, value in there.items() if name != "upstream"}
    read = done(catalog.get(OWN))
    assert (read["derived_from"], read["owner"]["organisation_number"]) == (NATIONAL.split("/")[-1], BRONNOY)
    assert (read["level"], read["presupposes"]) == (2, "velferdsteknologi-datautveksling")
    events = [one["type"] for one in done(catalog.get("/events", params={"limit": 200}))["items"]]
    assert "specification.derived" in events


def here_hash(requirement: dict[str, Any]) -> str:
    """As documented: over what is said, as JSON with sorted keys."""
    import hashlib
    import json

    content = {name: value for name, value in requirement.items() if name not in ("id", "replaces", "upstream")}
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def test_how_it_differs_is_told(catalog: TestClient, bronnoy: dict[str, str], derived: str) -> None:
    assert done(catalog.get(f"{OWN}/upstream"))["unchanged"] == 7
    adapt(catalog, bronnoy, derived, "VT2-01", "En utløst alarm når mottakeren innen 5 sekunder.")
    adapt(catalog, bronnoy, derived, "BRO-01", "Alarmen virker på Vega.")
    headers = bronnoy | {"If-Match": "*"}
    assert problem(catalog.delete(f"{derived}/requirements/VT2-03", headers=headers)) == (422, "left-without-reason")
    reason = {"reason": "Kommunen har egen avtale (fiktivt)"}
    done(catalog.delete(f"{derived}/requirements/VT2-03", headers=headers, params=reason))
    done(catalog.delete(f"{derived}/requirements/VT2-07", headers=headers))
    told = done(catalog.get(f"{OWN}/upstream"))
    assert [(one["id"], one["upstream"], sorted(one["fields"])) for one in told["changed"]] == [
        ("VT2-01", "VT2-01", ["text", "verification"])
    ]
    assert told["changed"][0]["fields"]["verification"][1] is None
    assert [one["id"] for one in told["added"]] == ["BRO-01"]
    assert [(one["id"], one["reason"]) for one in told["left_out"]] == [("VT2-03", reason["reason"]), ("VT2-07", None)]
    assert told["unchanged"] == 4
    newer = told["newer"]
    assert (newer["version"], newer["conflicts"]) == ("1.1", [])
    assert [one["id"] for one in newer["new"]] == ["VT2-08"]
    assert [(one["before"], one["after"]) for one in newer["changed"]] == [("VT2-02", "VT2-02.2")]
    assert [one["id"] for one in newer["dropped"]] == ["VT2-06"]


def test_what_was_not_touched_follows_and_what_was_changed_stays(
    catalog: TestClient, bronnoy: dict[str, str], derived: str
) -> None:
    adapt(catalog, bronnoy, derived, "VT2-01", "En utløst alarm når mottakeren innen 5 sekunder.")
    adapt(catalog, bronnoy, derived, "BRO-01", "Alarmen virker på Vega.")
    done(catalog.post(f"{derived}/publish", json={}, headers=bronnoy))
    published = done(catalog.get(derived))["requirements"]
    following = {"to_version": "1.1", "version": "2.0"}
    tried = catalog.post(f"{OWN}/follow", json=following, headers=bronnoy, params={"dry_run": "true"})
    assert problem(catalog.get(f"{OWN}/versions/2.0")) == (404, "specification-version-not-found")
    first = done(catalog.post(f"{OWN}/follow", json=following, headers=bronnoy))
    assert first == done(tried)
    assert (first["from_version"], first["to_version"]) == ("1.0", "1.1")
    assert (first["followed"], first["added"], first["dropped"]) == (["VT2-02.2"], ["VT2-08"], ["VT2-06"])
    assert sorted(first["kept"]) == ["BRO-01", "VT2-01"]
    after = f"{OWN}/versions/2.0"
    assert ids(catalog, after) == ["VT2-01", "VT2-02.2", "VT2-03", "VT2-04", "VT2-05", "VT2-07", "VT2-08", "BRO-01"]
    replaced = {one["id"]: one["replaces"] for one in done(catalog.get(after))["requirements"]}
    assert replaced["VT2-02.2"] == "VT2-02"
    assert done(catalog.get(derived))["requirements"] == published, "what is published stays"
    told = done(catalog.get(f"{OWN}/upstream"))
    assert (told["newer"], told["unchanged"], len(told["changed"])) == (None, 6, 1)


def test_following_twice_changes_nothing(catalog: TestClient, bronnoy: dict[str, str], derived: str) -> None:
    following = {"to_version": "1.1", "version": "1.0"}
    done(catalog.post(f"{OWN}/follow", json=following, headers=bronnoy))
    before = catalog.get(OWN)
    again = done(catalog.post(f"{OWN}/follow", json=following, headers=bronnoy))
    assert (again["followed"], again["added"], again["dropped"]) == ([], [], [])
    assert catalog.get(OWN).json() == before.json()
    assert catalog.get(OWN).headers["ETag"] == before.headers["ETag"]


def test_every_conflict_is_told_and_nothing_happens_until_each_is_settled(
    catalog: TestClient, bronnoy: dict[str, str], derived: str
) -> None:
    adapt(catalog, bronnoy, derived, "VT2-02", "Brudd varsles innen fire minutter.")
    adapt(catalog, bronnoy, derived, "VT2-06", "Brukergrensesnittet finnes på sørsamisk.")
    before = done(catalog.get(OWN))
    assert done(catalog.get(f"{OWN}/upstream"))["newer"]["conflicts"] == ["VT2-02", "VT2-06"]
    following: dict[str, Any] = {"to_version": "1.1", "version": "1.0"}
    answer = catalog.post(f"{OWN}/follow", json=following, headers=bronnoy)
    assert problem(answer) == (409, "follow-conflict")
    first, second = answer.json()["errors"]
    assert (first["requirement"], first["fields"]) == ("VT2-02", ["text", "verification", "method"][:1])
    assert first["base"]["text"]["nb"] == "Brudd i forbindelsen varsles innen fem minutter."
    assert first["ours"]["text"]["nb"] == "Brudd varsles innen fire minutter."
    assert first["theirs"]["text"]["nb"] == "Brudd i forbindelsen varsles innen to minutter."
    assert (second["requirement"], second["theirs"]) == ("VT2-06", None)
    assert done(catalog.get(OWN)) == before
    following["resolutions"] = [
        {"requirement": "VT2-02", "take": "both"},
        {"requirement": "VT2-99", "take": "ours"},
        {"requirement": "VT2-02", "take": "ours"},
    ]
    answer = catalog.post(f"{OWN}/follow", json=following, headers=bronnoy)
    assert errors(answer) == {
        ("resolution-unknown", "#/resolutions/1/requirement"),
        ("resolution-repeated", "#/resolutions/2/requirement"),
    }
    following["resolutions"] = [{"requirement": "VT2-02", "take": "both"}, {"requirement": "VT2-06", "take": "ours"}]
    settled = done(catalog.post(f"{OWN}/follow", json=following, headers=bronnoy))
    assert settled["resolved"] == ["VT2-02", "VT2-06"]
    whole = {one["id"]: one for one in done(catalog.get(derived))["requirements"]}
    assert whole["VT2-02.2"]["upstream"]["same"] is True
    assert whole["VT2-02"]["upstream"] is None
    assert whole["VT2-06"]["upstream"] is None


def test_a_must_that_is_left_out_again_needs_its_reason_once(
    catalog: TestClient, bronnoy: dict[str, str], derived: str
) -> None:
    reason = {"reason": "Dekkes av vaktsentralen (fiktivt)"}
    headers = bronnoy | {"If-Match": "*"}
    done(catalog.delete(f"{derived}/requirements/VT2-02", headers=headers, params=reason))
    following = {"to_version": "1.1", "version": "1.0", "resolutions": [{"requirement": "VT2-02", "take": "ours"}]}
    done(catalog.post(f"{OWN}/follow", json=following, headers=bronnoy))
    left = done(catalog.get(f"{OWN}/upstream"))["left_out"]
    assert [(one["id"], one["reason"]) for one in left] == [("VT2-02.2", reason["reason"])]


def test_what_is_derived_can_be_derived_from(catalog: TestClient, bronnoy: dict[str, str], derived: str) -> None:
    further = NEW | {"slug": "brønnøy-2".replace("ø", "o"), "from_version": "1.0"}
    answer = catalog.post(f"{OWN}/derive", json=further, headers=bronnoy)
    assert problem(answer) == (422, "source-is-draft")
    done(catalog.post(f"{derived}/publish", json={}, headers=bronnoy))
    done(catalog.post(f"{OWN}/derive", json=further, headers=bronnoy), 201)


def test_only_what_is_published_and_newer_is_followed(
    catalog: TestClient, bronnoy: dict[str, str], derived: str, editor: dict[str, str], issuer: Issuer
) -> None:
    done(catalog.post(f"{NATIONAL}/versions", json={"version": "2.0", "copy_from": "1.1"}, headers=editor), 201)

    def follow(path: str, headers: dict[str, str], **body: Any) -> tuple[int, str]:
        return problem(catalog.post(f"{path}/follow", json={"version": "1.0"} | body, headers=headers))

    assert follow(OWN, bronnoy, to_version="2.0") == (422, "source-is-draft")
    assert follow(OWN, bronnoy, to_version="9.0") == (422, "source-unknown")
    assert follow(NATIONAL, editor, to_version="1.1", version="2.0") == (409, "not-derived")
    done(catalog.post(f"{OWN}/follow", json={"version": "1.0", "to_version": "1.1"}, headers=bronnoy))
    assert follow(OWN, bronnoy, to_version="1.0") == (422, "source-is-older")
    done(catalog.post(f"{derived}/publish", json={}, headers=bronnoy))
    assert follow(OWN, bronnoy, to_version="1.1") == (409, "version-frozen")
    assert problem(catalog.get(f"{NATIONAL}/upstream")) == (409, "not-derived")
    assert problem(catalog.get(f"{OWN}/upstream", params={"to": "2.0"})) == (422, "source-unknown")
    supplier = issuer.bearer(HAVORN, "catalog.write")
    answer = catalog.post(f"{NATIONAL}/derive", json=NEW | {"slug": "x"}, headers=supplier)
    assert problem(answer) == (403, "owner-not-public")
    assert problem(catalog.post(f"{NATIONAL}/derive", json=NEW, headers=bronnoy)) == (409, "specification-slug-taken")
