"""Repositories by one address however it is written, and the modules of a component."""

import threading
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.repositories import rules
from tests.catalog.conftest import EDITOR, problem
from tests.issuer import Issuer

PLATFORM = "/components/velferdsteknologi-trygghetsplattform"
MAPS = "/components/felles-kartvisning"
ONE = "https://git.example.no/Samvirke/plattform"


@pytest.fixture
def owner(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer(EDITOR, "catalog.write")


@pytest.mark.parametrize(
    "written",
    [
        ONE,
        ONE + "/",
        ONE + ".git",
        ONE + ".git/",
        "http://git.example.no/Samvirke/plattform",
        "https://GIT.Example.NO/Samvirke/plattform",
        "https://git.example.no:443/Samvirke/plattform",
        "http://git.example.no:80/Samvirke/plattform.git",
        "https://git.example.no./Samvirke//plattform",
        "https://bruker:hemmelig@git.example.no/Samvirke/plattform",
        "git@git.example.no:Samvirke/plattform.git",
        "git.example.no:Samvirke/plattform",
        "ssh://git@git.example.no:2222/Samvirke/plattform.git",
        "git://git.example.no/Samvirke/plattform",
        "git+ssh://git@git.example.no/Samvirke/plattform",
        "  " + ONE + " ",
    ],
)
def test_every_way_of_writing_is_the_same_repository(written: str) -> None:
    assert rules.canonical(written) == ONE


def test_hosts_that_know_no_case_get_none() -> None:
    assert rules.canonical("https://github.com/KS-no/Fiks") == "https://github.com/ks-no/fiks"
    assert rules.canonical("https://git.example.no:8443/a") == "https://git.example.no:8443/a"
    assert rules.canonical(ONE) != rules.canonical(ONE.lower())


@pytest.mark.parametrize(
    "written",
    [
        "",
        "plattform",
        "ftp://git.example.no/a",
        "https://git.example.no",
        "https://git.example.no/",
        "https:///a",
        "https://localhost/a",
        "https://git.example.no:99999/a",
        "https://git.example.no/a?b=c",
        "https://git.example.no/a#b",
        "https://git.example.no/a b",
        "https://[::1]/a",
        "https://git.example.no/../a",
        "https://git.example.no/.git",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://git.example.no/%2e%2e/a",
        "https://git.example.no/" + "a" * 500,
    ],
)
def test_what_is_no_address_is_refused(written: str) -> None:
    with pytest.raises(rules.RepositoryAddressUnusable):
        rules.canonical(written)


hosts = st.lists(st.from_regex(r"[a-zA-Z0-9]{1,8}", fullmatch=True), min_size=1, max_size=3).map(
    lambda found: ".".join([*found, "no"])
)
paths = st.lists(st.from_regex(r"[a-zA-Z0-9_-]{1,8}", fullmatch=True), min_size=1, max_size=4).map("/".join)


@given(hosts, paths)
def test_the_one_form_is_its_own_form(host: str, path: str) -> None:
    forms = [f"https://{host}/{path}", f"http://{host.upper()}:80/{path}.git", f"git@{host}:{path}.git/"]
    found = {rules.canonical(form) for form in forms}
    assert len(found) == 1
    assert {rules.canonical(one) for one in found} == found


def test_a_repository_belongs_to_one_component(catalog: TestClient, owner: dict[str, str]) -> None:
    made = catalog.post(
        f"{PLATFORM}/repositories", json={"url": f"{ONE}.git", "aliases": ["git@old.example.no:a/b.git"]}, headers=owner
    )
    assert made.status_code == 201, made.text
    assert (made.json()["url"], made.json()["aliases"]) == (ONE, ["https://old.example.no/a/b"])
    for taken in ("http://git.example.no/Samvirke/plattform/", "ssh://old.example.no/a/b"):
        answer = catalog.post(f"{MAPS}/repositories", json={"url": taken}, headers=owner)
        assert problem(answer) == (409, "repository-taken")
        assert answer.json()["component"] == "velferdsteknologi-trygghetsplattform"
        found = catalog.get("/repositories", params={"url": taken}).json()
        assert (found["component"], found["url"]) == ("velferdsteknologi-trygghetsplattform", ONE)
    assert catalog.get(f"{MAPS}/repositories").json() == {"items": []}
    assert problem(catalog.get("/repositories", params={"url": "https://git.example.no/ukjent"})) == (
        404,
        "address-unknown",
    )


def test_one_that_has_moved_is_found_by_both_addresses(catalog: TestClient, owner: dict[str, str]) -> None:
    made = catalog.post(f"{PLATFORM}/repositories", json={"url": ONE}, headers=owner).json()
    new = "https://git.example.no/samvirke/ny"
    moved = catalog.post(f"{PLATFORM}/repositories/{made['id']}/move", json={"url": new}, headers=owner)
    assert moved.json() == made | {"url": new, "aliases": [ONE]}
    assert {catalog.get("/repositories", params={"url": one}).json()["url"] for one in (ONE, new)} == {new}
    etag = catalog.get(PLATFORM).headers["ETag"]
    gone = catalog.delete(f"{PLATFORM}/repositories/{made['id']}", headers=owner | {"If-Match": etag})
    assert gone.status_code == 204
    assert catalog.post(f"{MAPS}/repositories", json={"url": ONE}, headers=owner).status_code == 201, "free again"
    stale = catalog.delete(f"{PLATFORM}/modules/vaktliste", headers=owner | {"If-Match": etag})
    assert problem(stale) == (412, "stale")


def test_of_two_at_once_one_gets_it(catalog: TestClient, owner: dict[str, str]) -> None:
    """Each claims two addresses, in opposite order."""
    urls = [f"https://git.example.no/samvirke/nr{number}" for number in (1, 2)]
    answers: list[Any] = []

    def claim(path: str, first: str, second: str) -> None:
        answers.append(catalog.post(f"{path}/repositories", json={"url": first, "aliases": [second]}, headers=owner))

    for _ in range(5):
        answers.clear()
        threads = [
            threading.Thread(target=claim, args=(PLATFORM, *urls)),
            threading.Thread(target=claim, args=(MAPS, *urls[::-1])),
        ]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert sorted(answer.status_code for answer in answers) == [201, 409], [one.text for one in answers]
        urls = [url + "x" for url in urls]


def test_modules_stand_in_repositories(catalog: TestClient, owner: dict[str, str]) -> None:
    new = {
        "name": "mottak",
        "kind": "service",
        "summary": {"nb": "Tar imot varsler"},
        "repository": "git@git.example.no:samvirke/trygghet.git",
        "path": "mottak",
    }
    made = catalog.post(f"{PLATFORM}/modules", json=new, headers=owner)
    assert made.status_code == 201, made.text
    assert made.json()["repository"] == "https://git.example.no/samvirke/trygghetsplattform", "where it is now"
    assert problem(catalog.post(f"{PLATFORM}/modules", json=new, headers=owner)) == (409, "module-name-taken")
    items = catalog.get(f"{PLATFORM}/modules").json()["items"]
    assert [one["name"] for one in items] == ["mottak", "vaktliste"]
    assert {one["repository"] for one in items} == {"https://git.example.no/samvirke/trygghetsplattform"}
    (first, *_) = catalog.get(f"{PLATFORM}/repositories").json()["items"]
    answer = catalog.delete(f"{PLATFORM}/repositories/{first['id']}", headers=owner | {"If-Match": "*"})
    assert problem(answer) == (409, "repository-in-use")
    gone = catalog.delete(f"{PLATFORM}/modules/mottak", headers=owner | {"If-Match": "*"})
    assert gone.status_code == 204
    gone = catalog.delete(f"{PLATFORM}/modules/mottak", headers=owner | {"If-Match": "*"})
    assert problem(gone) == (404, "module-not-found")


def test_another_touches_nothing_of_it(catalog: TestClient, issuer: Issuer) -> None:
    stranger = issuer.bearer("964983291", "catalog.write") | {"If-Match": "*"}
    for method, path, body in (
        ("POST", "repositories", {"url": ONE}),
        ("POST", "modules", {"name": "x", "kind": "library"}),
        ("DELETE", "modules/vaktliste", None),
        ("POST", "dependencies", {"on": "noark"}),
        ("DELETE", "dependencies/id-porten", None),
    ):
        answer = catalog.request(method, f"{PLATFORM}/{path}", json=body, headers=stranger)
        assert problem(answer) == (403, "component-not-yours"), path
