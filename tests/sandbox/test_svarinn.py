"""SvarInn as its clients meet it: what waits for whom, how it is handed out, and what becomes of it at SvarUT."""

import hashlib
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from services.chassis.values import new_id
from services.integration.sandbox.receiving_systems.rules import Filter, taker
from tests.sandbox.receiving import Receiver, own_number, put
from tests.sandbox.running import RunningSandbox
from tests.sandbox.svarut import PDF, letter, sealed, send

HAVORN = "havorn"
NULL = type(None)


def emptied(sandbox: RunningSandbox, user: str) -> Receiver:
    """Other tests' letters may wait in it."""
    sandbox.pass_time(60)
    receiver = Receiver(sandbox.svarut_url, user, sandbox.keys_folder)
    while waiting := receiver.letters():
        for left in waiting:
            receiver.acknowledge(left)
    return receiver


@pytest.fixture
def fjordvakt(sandbox: RunningSandbox) -> Iterator[Receiver]:
    yield emptied(sandbox, "fjordvakt")
    emptied(sandbox, "fjordvakt")


@pytest.fixture
def samvirke(sandbox: RunningSandbox) -> Iterator[Receiver]:
    yield emptied(sandbox, "samvirke")
    emptied(sandbox, "samvirke")


def status(sandbox: RunningSandbox, id: str) -> str:
    (found,) = [one["status"] for one in sandbox.letters() if one["id"] == id]
    return str(found)


def register(sandbox: RunningSandbox, user: str, *takes: dict[str, Any], **more: Any) -> None:
    system = {"user_name": user, "password": "sandkasse", "name": user, "takes": list(takes), **more}
    sandbox.http.post(f"{sandbox.control_url}/_sandbox/svarinn/receiving-systems", json=system).raise_for_status()


def certificate(sandbox: RunningSandbox) -> str:
    return (sandbox.keys_folder / "svarinn-fjordvakt.crt.pem").read_text()


def test_a_letter_sent_through_svarut_is_fetched_read_and_seen_read(
    sandbox: RunningSandbox, fjordvakt: Receiver
) -> None:
    id = send(sandbox, letter("a.pdf", "b æ.pdf"), ("a.pdf", PDF), ("b æ.pdf", PDF + b"2")).json()["id"]
    assert fjordvakt.letters() == [], "SvarUT has not accepted it yet"
    sandbox.pass_time(60)
    (waiting,) = fjordvakt.letters()
    assert (waiting["id"], status(sandbox, id)) == (id, "KLAR_FOR_MOTTAK")
    assert list(fjordvakt.documents(waiting).items()) == [("a.pdf", PDF), ("b æ.pdf", PDF + b"2")], "in their order"
    assert [one["sha256hash"] for one in waiting["filmetadata"]] == [
        hashlib.sha256(content).hexdigest() for content in (PDF, PDF + b"2")
    ]
    assert fjordvakt.letters() == [waiting], "it stands there until it is acknowledged"
    answer = fjordvakt.acknowledge(waiting)
    assert (answer.status_code, answer.content) == (200, b"")
    assert (fjordvakt.letters(), status(sandbox, id)) == ([], "LEST")
    assert fjordvakt.acknowledge(waiting).status_code == 404
    assert fjordvakt.call("GET", waiting["downloadUrl"]).status_code == 404


def test_one_pdf_comes_as_it_is_and_anything_else_as_an_archive(sandbox: RunningSandbox, samvirke: Receiver) -> None:
    put(sandbox, ("svar.pdf", PDF))
    put(sandbox, ("a.pdf", PDF), ("b.pdf", PDF))
    one, several = (samvirke.envelope(letter) for letter in samvirke.letters())
    assert one.headers["content-type"] == "application/pdf"
    assert one.headers["content-disposition"] == 'attachment; filename="svar.pdf"'
    assert samvirke.opened(one.content) == PDF
    assert several.headers["content-type"] == "application/zip"
    assert several.headers["content-disposition"] == 'attachment; filename="dokumenter.zip"'
    assert one.content[:2] == b"\x30\x80", "BER with indefinite length, as KS's own library writes it"


V1: dict[str, Any] = {
    "id": str,
    "tittel": str,
    "avsender": {
        **dict.fromkeys(("adresselinje1", "adresselinje2", "adresselinje3"), (str, NULL)),
        **{"navn": (str, NULL), "poststed": (str, NULL), "postnr": (str, NULL)},
    },
    "mottaker": dict.fromkeys(
        ("adresse1", "adresse2", "adresse3", "postnr", "poststed", "navn", "land", "orgnr", "fnr"), (str, NULL)
    ),
    "date": int,
    "metadataFraAvleverendeSystem": {
        **dict.fromkeys(
            ("sakssekvensnummer", "saksaar", "journalaar", "journalsekvensnummer", "journalpostnummer"), int
        ),
        **dict.fromkeys(("journalposttype", "journalstatus", "tittel", "saksBehandler"), (str, NULL)),
        **dict.fromkeys(("journaldato", "dokumentetsDato"), (int, NULL)),
        "ekstraMetadata": list,
    },
    "metadataForImport": {
        **dict.fromkeys(("sakssekvensnummer", "saksaar"), int),
        **dict.fromkeys(("journalposttype", "journalstatus", "tittel"), (str, NULL)),
        "dokumentetsDato": (int, NULL),
        **dict.fromkeys(("mappeId", "systemId", "registreringsId"), (str, NULL)),
    },
    "status": str,
    "niva": str,
    "filmetadata": [
        {
            "filnavn": str,
            "mimetype": str,
            "sha256hash": str,
            "dokumentType": (str, NULL),
            "size": int,
            "ekstraMetadata": list,
        }
    ],
    "svarSendesTil": dict.fromkeys(
        ("adresse1", "adresse2", "adresse3", "postnr", "poststed", "navn", "land", "orgnr", "fnr"), (str, NULL)
    ),
    "svarPaForsendelse": (str, NULL),
    "forsendelseType": (str, NULL),
    "eksternRef": (str, NULL),
    "avgivendeSystem": (str, NULL),
    "taushetsbelagtPost": bool,
    "lenker": [{"ledetekst": (str, NULL), "urlLenke": str, "urlTekst": str}],
    "downloadUrl": str,
}
_ADDRESS_V2 = dict.fromkeys(
    (
        *("navn", "adresselinje1", "adresselinje2", "adresselinje3", "postnummer", "poststed", "land"),
        *("organisasjonsnummer", "fodselsnummer"),
    ),
    (str, NULL),
)
V2: dict[str, Any] = {
    "id": str,
    "tittel": str,
    "avsender": dict.fromkeys(
        ("navn", "adresselinje1", "adresselinje2", "adresselinje3", "postnummer", "poststed"), (str, NULL)
    ),
    "mottaker": _ADDRESS_V2,
    "dato": str,
    "metadataFraAvleverendeSystem": {
        **dict.fromkeys(
            ("sakssekvensnummer", "saksaar", "journalaar", "journalsekvensnummer", "journalpostnummer"), int
        ),
        **dict.fromkeys(
            ("journalposttype", "journalstatus", "tittel", "saksbehandler", "journaldato", "dokumentetsDato"),
            (str, NULL),
        ),
        "ekstraMetadata": list,
    },
    "metadataForImport": {
        "mappeId": {"mappeId": (str, NULL), "systemId": (str, NULL), "saksaar": int, "sakssekvensnummer": int},
        "journalpostId": {"systemId": (str, NULL), "registreringsId": (str, NULL), "journalpostnummer": int},
        **dict.fromkeys(("journalposttype", "journalstatus", "dokumentetsDato", "tittel"), (str, NULL)),
    },
    "status": str,
    "sikkerhetsniva": str,
    "filer": [
        {"filnavn": str, "mimeType": str, "hash": str, "type": (str, NULL), "storrelse": int, "ekstraMetadata": list}
    ],
    "svarSendesTil": _ADDRESS_V2,
    "svarPaForsendelse": (str, NULL),
    "type": (str, NULL),
    "eksternRef": (str, NULL),
    "avgivendeSystem": (str, NULL),
    "taushetsbelagtPost": bool,
    "lenker": [{"ledetekst": (str, NULL), "lenke": str, "tekst": str}],
    "virksomhetsspesifikkeMetadata": list,
    "nedlastingslenke": str,
}


def assert_spelt(found: Any, table: Any, where: str = "") -> None:
    """Every field of the table and no other, each of its type."""
    if isinstance(table, dict):
        assert set(found) == set(table), where
        for name, kind in table.items():
            assert_spelt(found[name], kind, f"{where}.{name}")
    elif isinstance(table, list):
        assert found, f"{where}: the example has one"
        for one in found:
            assert_spelt(one, table[0], where)
    else:
        assert isinstance(found, table), where
        assert not (isinstance(found, bool) and table is int), where


FULL = {
    "metadataFraAvleverendeSystem": {
        "saksaar": 2026,
        "sakssekvensnummer": 12,
        "journaldato": "2026-11-02T10:00:00+01:00",
    },
    "metadataForImport": {"saksaar": 2026, "mappeId": "m", "dokumentetsDato": "2026-11-02T10:00:00+01:00"},
    "lenker": [{"url": "https://a.example/", "tekst": "Se her", "ledetekst": None}],
    "svarPaForsendelseId": "018f5e9c-7d2b-7c3a-9f00-000000000001",
    "sikkerhetsniva": "HOYESTE",
    "kryptert": True,
    "avgivendeSystem": "Samvirke",
    "taushetsbelagtPost": True,
}


@pytest.mark.parametrize("fields", [{}, FULL], ids=["little", "much"])
def test_a_letter_is_spelt_as_the_specifications_spell_it(
    sandbox: RunningSandbox, fjordvakt: Receiver, fields: dict[str, Any]
) -> None:
    sent = letter(**{"lenker": FULL["lenker"], **fields})
    content = sealed(sandbox, PDF) if fields else PDF
    id = send(sandbox, sent, ("brev.pdf", content)).json()["id"]
    sandbox.pass_time(60)
    answer = fjordvakt.call("GET", "/svarinn/mottaker/hentNyeForsendelser")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    (v1,) = answer.json()
    (v2,) = fjordvakt.call("GET", "/svarinn/v2/forsendelser").json()
    assert_spelt(v1, V1)
    assert_spelt(v2, V2)
    assert (v1["id"], v1["tittel"], v1["eksternRef"]) == (id, sent["tittel"], sent["eksternReferanse"])
    assert (v2["id"], v2["tittel"], v2["eksternRef"]) == (id, sent["tittel"], sent["eksternReferanse"])
    assert v1["avsender"]["navn"] == "Samvirke fellesenhet (fiktiv)"
    assert (v1["mottaker"]["orgnr"], v2["mottaker"]["organisasjonsnummer"]) == ("100000016",) * 2
    assert v1["svarSendesTil"]["orgnr"] == "100000008"
    assert v1["downloadUrl"] == v2["nedlastingslenke"] == f"{sandbox.svarut_url}/tjenester/svarinn/forsendelse/{id}"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+\d\d:\d\d", v2["dato"])
    if fields:
        assert (v1["niva"], v2["sikkerhetsniva"]) == ("4", "HOYESTE")
        assert v1["svarPaForsendelse"] == v2["svarPaForsendelse"] == FULL["svarPaForsendelseId"]
        assert v1["metadataFraAvleverendeSystem"]["journaldato"] == v1["metadataForImport"]["dokumentetsDato"]
        assert v1["metadataForImport"]["dokumentetsDato"] == 1793610000000
        assert v2["metadataForImport"]["dokumentetsDato"] == FULL["metadataForImport"]["dokumentetsDato"]  # type: ignore[index]  # a dict
    else:
        assert (v1["niva"], v2["sikkerhetsniva"]) == ("3", "BETYDELIG")
        assert v1["metadataFraAvleverendeSystem"]["journalaar"] == 0, "absent numbers are zero"


@pytest.mark.parametrize("base", ["/tjenester", "/api"])
def test_v2_is_there_under_both_of_its_addresses(sandbox: RunningSandbox, samvirke: Receiver, base: str) -> None:
    put(sandbox, ("a.pdf", PDF), ("b.pdf", PDF))
    first, second = put(sandbox), put(sandbox)
    here = Receiver(samvirke.url, samvirke.user, samvirke.keys, base=base)
    listed = here.call("GET", "/svarinn/v2/forsendelser").json()
    assert [one["id"] for one in listed][1:] == [first, second]
    came = here.call("GET", f"/svarinn/v2/forsendelser/{listed[0]['id']}")
    assert came.headers["content-type"] == "application/zip"
    assert samvirke.opened(came.content).startswith(b"PK")
    assert here.call("PATCH", f"/svarinn/v2/forsendelser/{first}/status", json={"status": "MOTTATT"}).status_code == 204
    failed = {"status": "FEILET", "feil": {"feilmelding": "Arkivet svarer ikke", "permanent": False}}
    assert here.call("PATCH", f"/svarinn/v2/forsendelser/{second}/status", json=failed).status_code == 204
    assert here.call("PATCH", f"/svarinn/v2/forsendelser/{second}/status", json={"status": "FEILET"}).status_code == 400
    assert [one["id"] for one in here.call("GET", "/svarinn/v2/forsendelser").json()][1:] == [second]
    assert (status(sandbox, first), status(sandbox, second)) == ("LEST", "KLAR_FOR_MOTTAK")


def test_who_failed_for_now_keeps_the_letter_and_for_good_sends_it_another_way(
    sandbox: RunningSandbox, samvirke: Receiver
) -> None:
    id = put(sandbox)
    path = f"/svarinn/mottakFeilet/forsendelse/{id}"
    assert samvirke.call("POST", path, json={"feilmelding": "x"}).status_code == 400, "user errors are 4xx"
    assert samvirke.call("POST", path, json={"feilmelding": "Nede", "permanent": False}).status_code == 200
    assert [one["id"] for one in samvirke.letters()] == [id]
    assert samvirke.call("POST", path, json={"feilmelding": "Feil orgnr", "permanent": True}).status_code == 200
    assert (samvirke.letters(), status(sandbox, id)) == ([], "VARSLET")
    told = sandbox.http.get(f"{sandbox.control_url}/_sandbox/svarinn/letters/{id}/failures").json()["items"]
    assert [(one["message"], one["permanent"]) for one in told] == [("Nede", False), ("Feil orgnr", True)]


@pytest.mark.parametrize("charset", ["utf-8", "latin-1"])
def test_a_password_with_norwegian_letters_is_known_however_it_is_written(
    sandbox: RunningSandbox, charset: str
) -> None:
    register(sandbox, "norsk", {"organisation_number": own_number(), "letter_type": "x"}, password="pæss")
    auth = httpx.BasicAuth("norsk".encode(charset), "pæss".encode(charset))
    path = f"{sandbox.svarut_url}/tjenester/svarinn/mottaker/hentNyeForsendelser"
    assert sandbox.http.get(path, auth=auth).status_code == 200


def test_who_is_not_known_is_told_the_realm_and_who_is_lost_404(sandbox: RunningSandbox, fjordvakt: Receiver) -> None:
    path = f"{sandbox.svarut_url}/tjenester/svarinn/mottaker/hentNyeForsendelser"
    for auth in (None, ("fjordvakt", "feil"), ("ingen", "sandkasse")):
        answer = sandbox.http.get(path, auth=auth)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'BASIC realm="KS Svarut mottaker login"'
    assert sandbox.http.get(path, headers={"Authorization": "Basic $$$"}).status_code == 401
    assert fjordvakt.call("GET", "/svarinn/mottaker/finnesIkke").status_code == 404
    assert fjordvakt.call("GET", f"/svarinn/forsendelse/{new_id()}").status_code == 404
    assert fjordvakt.call("GET", "/svarinn/forsendelse/ikke-en-id").status_code == 400


def test_without_a_certificate_the_list_is_empty_and_nothing_says_why(sandbox: RunningSandbox) -> None:
    number = own_number()
    register(sandbox, HAVORN, {"organisation_number": number})
    havorn = Receiver(sandbox.svarut_url, HAVORN, sandbox.keys_folder)
    to_havorn = {"organisation_number": number, "name": "Havørn"}
    id = put(sandbox, recipient=to_havorn)
    assert havorn.letters() == []
    here = f"{sandbox.control_url}/_sandbox/svarinn/receiving-systems/{HAVORN}/certificate"
    refused = sandbox.http.put(here, json={"certificate": "-----BEGIN CERTIFICATE-----"})
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/certificate-unusable")
    sandbox.http.put(here, json={"certificate": certificate(sandbox)}).raise_for_status()
    assert [one["id"] for one in havorn.letters()] == [id]
    sandbox.http.delete(here).raise_for_status()
    assert havorn.letters() == []
    sandbox.http.put(here, json={"certificate": certificate(sandbox)}).raise_for_status()
    assert havorn.acknowledge({"id": id}).status_code == 200


def test_a_system_may_serve_several_organisations_and_take_one_type_only(sandbox: RunningSandbox) -> None:
    one_of_two, other_of_two = own_number(), own_number()
    for user, takes in (
        ("alle", [{"organisation_number": number} for number in (one_of_two, other_of_two)]),
        ("innsyn", [{"organisation_number": one_of_two, "letter_type": "innsynskrav", "level": 4}]),
    ):
        register(sandbox, user, *takes, certificate=certificate(sandbox))
    everything, requests = (Receiver(sandbox.svarut_url, user, sandbox.keys_folder) for user in ("alle", "innsyn"))
    first, second = ({"organisation_number": number, "name": number} for number in (one_of_two, other_of_two))
    plain, other = put(sandbox, recipient=first), put(sandbox, recipient=second)
    request = put(sandbox, recipient=first, letter_type="innsynskrav")
    secret = put(sandbox, recipient=first, more={"sikkerhetsniva": "HOYESTE"})
    assert [one["id"] for one in everything.letters()] == [plain, other]
    assert [one["id"] for one in requests.letters()] == [request]
    assert requests.acknowledge({"id": plain}).status_code == 404, "it is not theirs"
    assert secret not in {one["id"] for one in everything.letters()}, "level 4 needs a system for level 4"
    found = sandbox.http.get(f"{sandbox.control_url}/_sandbox/svarinn/receiving-systems").json()["items"]
    (shown,) = [one for one in found if one["user_name"] == "alle"]
    assert [one["organisation_number"] for one in shown["takes"]] == [one_of_two, other_of_two]
    for id in (plain, other):
        everything.acknowledge({"id": id})
    requests.acknowledge({"id": request})


@pytest.mark.parametrize(
    ("letter_type", "level", "system"),
    [("a", 3, 2), ("a", 4, 2), ("b", 3, 1), (None, 3, 1), (None, 4, None), ("b", 4, None)],
)
def test_the_most_specific_system_takes_a_letter(letter_type: str | None, level: int, system: int | None) -> None:
    filters = [Filter(1, "o", None, 3), Filter(2, "o", "a", 4), Filter(3, "o", "a", 4), Filter(4, "p", None, 4)]
    assert taker(filters, "o", letter_type, level) == system


def test_what_nobody_fetches_is_warned_of_after_two_hours_and_three_times_a_day(
    sandbox: RunningSandbox, samvirke: Receiver
) -> None:
    id = put(sandbox)

    def mails() -> list[int]:
        found = sandbox.http.get(f"{sandbox.control_url}/_sandbox/svarinn/warnings").json()["items"]
        return [one["mails"] for one in found if one["id"] == id]

    assert mails() == []
    sandbox.pass_time(2 * 3600)
    assert mails() == [1]
    sandbox.pass_time(24 * 3600)
    assert mails() == [4]
    assert [one["id"] for one in samvirke.letters()] == [id], "it stays for as long as it takes"


def test_a_list_holds_200_letters_and_a_letter_is_acknowledged_once(sandbox: RunningSandbox) -> None:
    number = own_number()
    register(sandbox, "flom", {"organisation_number": number}, certificate=certificate(sandbox))
    flooded = Receiver(sandbox.svarut_url, "flom", sandbox.keys_folder)
    last = put(sandbox, recipient={"organisation_number": number, "name": "Kvarts"}, copies=201)
    listed = flooded.letters()
    assert len(listed) == 200
    assert last not in {one["id"] for one in listed}, "the oldest come first"
    with ThreadPoolExecutor(4) as many:
        answers = list(many.map(flooded.acknowledge, [listed[0]] * 4))
    assert sorted(answer.status_code for answer in answers) == [200, 404, 404, 404]
    assert [one["id"] for one in flooded.letters()] == [*(one["id"] for one in listed[1:]), last]
