"""Enhetsregisteret's stand-in answers as its documentation says: shapes, pages, updates, and those that are gone."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.conftest import NewDatabase
from tests.sandbox.running import RunningSandbox, running_sandbox

BRONNOY, FJORDVAKT, NORDLYS, HAVORN = "964983291", "100000016", "100000024", "100000032"
BANKRUPT, DELETED, SUB = "100000105", "100000113", "100000121"


@pytest.fixture(scope="module")
def register(shared_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with running_sandbox(shared_database("sandbox"), tmp_path_factory.mktemp("register") / "keys") as running:
        yield running


def get(register: RunningSandbox, path: str, **asked: Any) -> httpx.Response:
    return register.http.get(f"{register.register_url}/enhetsregisteret/api{path}", params=asked)


def change(register: RunningSandbox, number: str, **changes: Any) -> None:
    url = f"{register.control_url}/_sandbox/enhetsregisteret/entities/{number}"
    register.http.patch(url, json=changes).raise_for_status()


def test_an_entity_is_told_in_the_documented_words(register: RunningSandbox) -> None:
    answer = get(register, f"/enheter/{BRONNOY}")
    assert answer.headers["content-type"] == "application/vnd.brreg.enhetsregisteret.enhet.v2+json;charset=UTF-8"
    told = answer.json()
    assert told["navn"] == "BRØNNØY KOMMUNE"
    assert told["organisasjonsform"]["kode"] == "KOMM"
    assert told["organisasjonsform"]["_links"]["self"]["href"].endswith("/organisasjonsformer/KOMM")
    assert {name: type(value) for name, value in told.items()} == {
        "organisasjonsnummer": str,
        "navn": str,
        "organisasjonsform": dict,
        "registreringsdatoEnhetsregisteret": str,
        "registrertIMvaregisteret": bool,
        "postadresse": dict,
        "forretningsadresse": dict,
        "konkurs": bool,
        "underAvvikling": bool,
        "underTvangsavviklingEllerTvangsopplosning": bool,
        "maalform": str,
        "_links": dict,
    }
    assert told["postadresse"].keys() == {
        "land",
        "landkode",
        "postnummer",
        "poststed",
        "adresse",
        "kommune",
        "kommunenummer",
    }
    assert isinstance(told["postadresse"]["adresse"], list)
    assert told["_links"] == {"self": {"href": f"{register.register_url}/enhetsregisteret/api/enheter/{BRONNOY}"}}


def test_bankrupt_deleted_removed_and_nobody_are_told_apart(register: RunningSandbox) -> None:
    assert get(register, f"/enheter/{BANKRUPT}").json()["konkurs"] is True
    deleted = get(register, f"/enheter/{DELETED}")
    assert deleted.status_code == 200
    assert deleted.json().keys() == {"organisasjonsnummer", "navn", "organisasjonsform", "slettedato", "_links"}
    assert deleted.json()["slettedato"] == "2025-03-01"
    change(register, HAVORN, removed=True)
    assert get(register, f"/enheter/{HAVORN}").status_code == 410
    assert get(register, "/enheter/100000199").status_code == 404
    wrong = get(register, "/enheter/12345678x")
    assert wrong.status_code == 400
    told = wrong.json()
    assert told.keys() == {"timestamp", "status", "error", "path", "message", "antallFeil", "valideringsfeil"}
    assert told["valideringsfeil"][0].keys() == {"feilmelding", "parametere", "feilaktigVerdi"}


def test_a_sub_entity_stands_among_the_sub_entities_only(register: RunningSandbox) -> None:
    assert get(register, f"/enheter/{SUB}").status_code == 404
    told = get(register, f"/underenheter/{SUB}").json()
    assert told["overordnetEnhet"] == "100000008"
    assert "beliggenhetsadresse" in told
    found = get(register, "/underenheter", overordnetEnhet="100000008").json()
    assert [one["organisasjonsnummer"] for one in found["_embedded"]["underenheter"]] == [SUB]


def test_a_search_comes_in_pages(register: RunningSandbox) -> None:
    first = get(register, "/enheter", organisasjonsform="KOMM", size=100).json()
    assert first["page"] == {"size": 100, "totalElements": 357, "totalPages": 4, "number": 0}
    seen, link = [], first["_links"]["self"]["href"]
    while link:
        page = register.http.get(link).json()
        seen += [one["organisasjonsnummer"] for one in page["_embedded"]["enheter"]]
        link = page["_links"].get("next", {}).get("href")
    assert len(set(seen)) == len(seen) == 357
    assert get(register, "/enheter", navn="brønnøy kommune").json()["page"]["totalElements"] == 1
    nothing = get(register, "/enheter", navn="finnes ikke her").json()
    assert "_embedded" not in nothing, "so it is without anything found"
    assert nothing["page"]["totalElements"] == 0
    two = get(register, "/enheter", organisasjonsnummer=f"{BRONNOY},{FJORDVAKT},{DELETED}").json()
    assert {one["organisasjonsnummer"] for one in two["_embedded"]["enheter"]} == {BRONNOY, FJORDVAKT}
    assert get(register, "/enheter", page=100, size=100).status_code == 400, "no further than ten thousand"
    for wrong in ({"size": "mange"}, {"page": "-1"}, {"konkurs": "kanskje"}, {"organisasjonsnummer": "1,2"}):
        assert get(register, "/enheter", **wrong).status_code == 400, wrong


def test_every_change_stands_in_the_updates_once_and_in_order(register: RunningSandbox) -> None:
    newest = get(register, "/oppdateringer/enheter", size=10_000).json()["_embedded"]["oppdaterteEnheter"][-1]
    change(register, NORDLYS, name="NORDLYS OMSORG AS (FIKTIV)")
    change(register, NORDLYS, bankrupt=True)
    change(register, NORDLYS, deleted_on="2026-11-02")
    told = get(register, "/oppdateringer/enheter", oppdateringsid=newest["oppdateringsid"] + 1).json()
    items = told["_embedded"]["oppdaterteEnheter"]
    assert [one["endringstype"] for one in items] == ["Endring", "Endring", "Sletting"]
    assert {one["organisasjonsnummer"] for one in items} == {NORDLYS}
    assert all(one.keys() == items[0].keys() for one in items)
    assert items[0].keys() == {"oppdateringsid", "dato", "organisasjonsnummer", "endringstype", "_links"}
    since = get(register, "/oppdateringer/enheter", dato=items[0]["dato"]).json()["_embedded"]["oppdaterteEnheter"]
    assert since[-3:] == items
    assert get(register, "/oppdateringer/enheter", dato="i går").status_code == 400
    after = get(register, "/oppdateringer/enheter", oppdateringsid=items[-1]["oppdateringsid"] + 1).json()
    assert "_embedded" not in after


def test_faults_strike_it_on_the_wire(register: RunningSandbox) -> None:
    register.fault(stand_in="enhetsregisteret", kind="status", status=503)
    assert get(register, f"/enheter/{BRONNOY}").status_code == 503
    register.fault(stand_in="enhetsregisteret", kind="truncated")
    with pytest.raises(httpx.RemoteProtocolError):
        get(register, f"/enheter/{BRONNOY}")
    assert get(register, f"/enheter/{BRONNOY}").status_code == 200
