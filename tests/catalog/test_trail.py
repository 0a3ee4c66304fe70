"""Who changed what can be read: one's own changes by oneself, all by those who look after the catalogue."""

from fastapi.testclient import TestClient

from tests.catalog.conftest import BRONNOY
from tests.issuer import Issuer

NEW = {"slug": "felles-sak", "name": {"nb": "Felles sak"}}


def actions(catalog: TestClient, headers: dict[str, str], **query: str) -> list[tuple[str, str | None]]:
    answer = catalog.get("/audit", params={"limit": "200"} | query, headers=headers)
    assert answer.status_code == 200, answer.text
    return [(one["action"], one["organisation"]) for one in answer.json()["items"]]


def test_a_change_is_read_with_who_made_it(catalog: TestClient, issuer: Issuer) -> None:
    mine = issuer.bearer(BRONNOY, "catalog.write")
    assert catalog.post("/components", json=NEW, headers=mine).status_code == 201
    (told,) = catalog.get("/audit", params={"subject": "/components/felles-sak"}, headers=mine).json()["items"]
    assert told["organisation"] == BRONNOY
    assert told["action"] == "component.register"
    assert told["detail"]["new"]["name"] == {"nb": "Felles sak"}


def test_others_changes_are_seen_by_editors_only(catalog: TestClient, issuer: Issuer) -> None:
    mine = issuer.bearer(BRONNOY, "catalog.write")
    catalog.post("/components", json=NEW, headers=mine)
    subject = "/components/felles-sak"
    assert actions(catalog, issuer.bearer("938712441", "catalog.write"), subject=subject) == []
    editor = issuer.bearer("100000008", "catalog.write", "catalog.admin")
    assert actions(catalog, editor, subject=subject) == [("component.register", BRONNOY)]
    assert ("component.seed", None) in actions(catalog, editor)


def test_a_supplier_sees_its_own_changes_whatever_its_token_says(catalog: TestClient, issuer: Issuer) -> None:
    mine = issuer.bearer(BRONNOY, "catalog.write")
    assert catalog.post("/components", json=NEW, headers=mine).status_code == 201
    supplier = issuer.bearer("100000016", "catalog.write", "catalog.admin")
    told = actions(catalog, supplier)  # what the seed says that it did
    assert {organisation for _, organisation in told} == {"100000016"}


def test_the_trail_is_not_open(catalog: TestClient, issuer: Issuer) -> None:
    assert catalog.get("/audit").status_code == 401
    assert catalog.get("/audit", headers=issuer.bearer(BRONNOY)).status_code == 403
