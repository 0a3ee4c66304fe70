"""SvarUT as its clients meet it: what it takes, what it refuses and how it says so, and how letters move."""

import hashlib
import time
import unicodedata
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest

from services.chassis.values import new_id
from tests.conftest import NewDatabase
from tests.sandbox.running import RunningSandbox, running_sandbox
from tests.sandbox.svarut import PDF, SUPPLIER, account, headers, letter, send

ADDRESS = {"adresselinje1": "Storgata 1", "poststed": "Brønnøysund", "postnummer": "8900"}


def assert_refused(response: httpx.Response, status: int, *, says: str, error: str = "Bad Request") -> dict[str, Any]:
    message: dict[str, Any] = response.json()
    assert response.status_code == status == message["status"], message
    assert says in message["message"]
    assert message["error"] == error
    assert list(message) == [
        "timestamp", "status", "error", "errorId", "path", "originalPath", "message", "errorCode", "errorJson",
    ]  # fmt: skip
    assert isinstance(message["timestamp"], int)
    assert abs(message["timestamp"] / 1000 - time.time()) < 60
    assert str(UUID(message["errorId"])) == message["errorId"]
    assert message["path"] == response.request.url.path
    assert (message["originalPath"], message["errorCode"], message["errorJson"]) == (None, None, None)
    return message


def test_a_letter_is_taken_and_kept_to_the_byte(sandbox: RunningSandbox) -> None:
    metadata = letter("brev.pdf", "vedlegg æøå.pdf")

    response = send(sandbox, metadata, ("brev.pdf", PDF), ("vedlegg æøå.pdf", PDF + b"2"))

    assert response.status_code == 200
    assert set(response.json()) == {"id"}
    (kept,) = sandbox.letters(metadata["eksternReferanse"])
    assert kept["id"] == response.json()["id"]
    assert (kept["title"], kept["external_reference"]) == (metadata["tittel"], metadata["eksternReferanse"])
    assert (kept["recipient_name"], kept["recipient_number"]) == (SUPPLIER["navn"], SUPPLIER["digitalId"])
    assert kept["status"] == "MOTTATT"
    assert [one["filename"] for one in kept["documents"]] == ["brev.pdf", "vedlegg æøå.pdf"]
    assert [one["sha256"] for one in kept["documents"]] == [
        hashlib.sha256(content).hexdigest() for content in (PDF, PDF + b"2")
    ]
    second = sandbox.http.get(f"{sandbox.control_url}/_sandbox/svarut/letters/{kept['id']}/documents/2")
    assert (second.content, second.headers["content-type"]) == (PDF + b"2", "application/pdf")
    assert kept["documents"][1]["size"] == len(second.content)


@pytest.mark.parametrize(
    "written",
    [
        {"metadata_type": "application/json"},
        {"metadata_type": "application/json;charset=UTF-8"},
        {"metadata_type": "text/plain;charset=UTF-8"},
        {"ascii_only": True},
        {"part_name": "filer"},
        {"part_name": "brev.pdf"},
        {"chunked": True},
    ],
)
def test_it_does_not_matter_how_the_parts_are_dressed(sandbox: RunningSandbox, written: dict[str, Any]) -> None:
    assert send(sandbox, letter(tittel=f"Æ {new_id()}"), **written).status_code == 200


def test_everything_an_organisation_letter_may_hold_is_taken(sandbox: RunningSandbox) -> None:
    full = letter(
        mottaker=SUPPLIER | {"adresse": ADDRESS | {"landkode": "NO"}},
        avgivendeSystem="Samvirke",
        avgivendeSystemAktor="Samvirke",
        konteringskode="A_1-b.ø",
        kryptert=True,
        utskriftskonfigurasjon={"tosidig": True},
        svarPaForsendelseId=str(new_id()),
        korrelasjonsid="k",
        eksponertFor=["100000024"],
        kunDigitalLevering=True,
        sikkerhetsniva="HOYESTE",
        svarSendesTil={"navn": "Brønnøy", "type": "ORGANISASJON", "digitalId": "964983291", "adresse": ADDRESS},
        lenker=[{"url": "https://a.example/", "tekst": "Se her", "ledetekst": None}],
        kanSvareViaEdialog=True,
        metadataFraAvleverendeSystem={"saksaar": 2026},
        metadataForImport={},
        forsendelsestype="Bestilling",
        taushetsbelagtPost=False,
        dokumenter=[
            {
                "filnavn": "brev.pdf",
                "mimeType": "application/pdf",
                "dokumentType": "Bestilling",
                "giroarkSide": 1,
                "skalEkskluderesFraUtskrift": False,
                "ekstraMetadata": [{"key": "a", "value": "b"}],
                "inneholderPersonsensitivInformasjon": False,
            }
        ],
        noeNytt={"fra": "en nyere klient"},
    )

    assert send(sandbox, full).status_code == 200


def test_optional_fields_may_be_null(sandbox: RunningSandbox) -> None:
    names = ("avgivendeSystem", "kryptert", "svarSendesTil", "lenker", "konteringskode", "metadataForImport")

    assert send(sandbox, letter() | dict.fromkeys(names)).status_code == 200


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"tittel": None}, "tittel"),
        ({"tittel": ""}, "tittel"),
        ({"tittel": "x" * 1001}, "tittel"),
        ({"mottaker": None}, "mottaker"),
        ({"mottaker": {"digitalId": "100000016"}}, "mottaker.navn"),
        ({"mottaker": {"navn": "x" * 101, "digitalId": "100000016"}}, "mottaker.navn"),
        ({"mottaker": {"navn": "x"}}, "mottaker.digitalId"),
        ({"mottaker": SUPPLIER | {"digitalId": "100000017"}}, "gyldig organisasjonsnummer"),
        ({"mottaker": SUPPLIER | {"adresse": {"poststed": "x"}}}, "mottaker.adresse.adresselinje1"),
        ({"mottaker": SUPPLIER | {"adresse": ADDRESS | {"postnummer": "890"}}}, "fire siffer"),
        ({"mottaker": SUPPLIER | {"adresse": ADDRESS | {"landkode": "no"}}}, "landkode"),
        ({"eksternReferanse": "x" * 101}, "eksternReferanse"),
        ({"avgivendeSystem": "x" * 101}, "avgivendeSystem"),
        ({"konteringskode": "æ" * 21}, "konteringskode"),
        ({"konteringskode": "a b"}, "konteringskode"),
        ({"sikkerhetsniva": "4"}, "sikkerhetsniva"),
        ({"sikkerhetsniva": "HOYESTE"}, "krever krypterte dokumenter"),
        ({"kanSvareViaEdialog": True}, "krever svarSendesTil"),
        ({"lenker": [{"url": "u", "tekst": "t"}] * 6}, "lenker"),
        ({"dokumenter": [{"filnavn": "brev.pdf"}]}, "dokumenter.0.mimeType"),
        ({"dokumenter": [{"filnavn": "x" * 227, "mimeType": "application/pdf"}]}, "dokumenter.0.filnavn"),
        ({"dokumenter": [{"filnavn": "brev.pdf", "mimeType": "text/plain"}]}, "kan ikke skrives ut"),
    ],
)
def test_content_that_is_refused(sandbox: RunningSandbox, changed: dict[str, Any], says: str) -> None:
    metadata = letter(**changed)

    assert_refused(send(sandbox, metadata), 400, says=says)
    if reference := metadata.get("eksternReferanse"):
        assert httpx.get(account(sandbox, "v2"), params={"eksternRef": reference}, headers=headers(sandbox)).json() == {
            "forsendelseIds": []
        }


def test_several_things_wrong_are_told_at_once(sandbox: RunningSandbox) -> None:
    wrong = letter("brev.pdf", mottaker=SUPPLIER | {"digitalId": "100000017"}, sikkerhetsniva="HOYESTE")

    message = assert_refused(send(sandbox, wrong, ("brev.pdf", b"")), 400, says="gyldig organisasjonsnummer")

    assert "krypterte" in message["message"]
    assert "tomt dokument" in message["message"]


A, B = ("a.pdf", PDF), ("b.pdf", PDF)


@pytest.mark.parametrize(
    ("described", "sent", "says"),
    [
        (["a.pdf", "b.pdf"], [B, A], "samme rekkefølge"),
        (["a.pdf", "b.pdf"], [A], "mangler"),
        (["a.pdf"], [A, B], "ikke beskrevet"),
        (["a.pdf"], [B], "mangler"),
        (["a.pdf"], [("A.pdf", PDF)], "mangler"),
        (["å.pdf"], [(unicodedata.normalize("NFD", "å.pdf"), PDF)], "mangler"),
        (["a.pdf"], [("a.pdf", b"")], "Kan ikke lagre tomt dokument"),
        (["a.pdf", "A.PDF"], [A, ("A.PDF", PDF)], "brukt flere ganger"),
        (["a:b.pdf"], [("a:b.pdf", PDF)], "ulovlige tegn"),
    ],
)
def test_files_that_do_not_fit_their_description(
    sandbox: RunningSandbox, described: list[str], sent: list[tuple[str, bytes]], says: str
) -> None:
    assert_refused(send(sandbox, letter(*described), *sent), 400, says=says)


def test_a_letter_with_nothing_in_it_is_refused(sandbox: RunningSandbox) -> None:
    response = send(sandbox, letter(dokumenter=[]), A)

    assert_refused(response, 400, says="verken dokumenter eller lenker")


@pytest.mark.parametrize("written", [{"metadata_name": "metadata"}, {"metadata": b"{"}, {"metadata": b"[]"}])
def test_metadata_that_cannot_be_read(sandbox: RunningSandbox, written: dict[str, Any]) -> None:
    assert_refused(send(sandbox, **written), 400, says="Ugyldig innhold")


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"{}", "application/json"),
        (b"x", "multipart/form-data"),
        (b"x", "multipart/form-data; boundary=y"),
        (b"--y\r\nContent-Disposition: form-data\r\n\r\nx\r\n--y--\r\n", "multipart/form-data; boundary=y"),
    ],
)
def test_a_body_that_is_no_multipart(sandbox: RunningSandbox, content: bytes, content_type: str) -> None:
    response = sandbox.http.post(
        f"{account(sandbox)}/organisasjon",
        content=content,
        headers=headers(sandbox) | {"Content-Type": content_type},
    )

    assert_refused(response, 400, says="")


BAD_TOKEN = "Klarte ikke å validere access_token"
BAD_INTEGRATION = "Autentisering feilet for integrasjon med id"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"Authorization": ""}, BAD_TOKEN),
        ({"Authorization": "Bearer x.y.z"}, BAD_TOKEN),
        ({"Authorization": "Basic {token}"}, BAD_TOKEN),
        ({"Authorization": "Bearer {token}x"}, BAD_TOKEN),
        ({"Authorization": "Bearer {of 964983291 with samvirke:catalog.write}"}, BAD_TOKEN),
        ({"Authorization": "Bearer {of 100000008 with samvirke:catalog.write}"}, BAD_TOKEN),
        ({"IntegrasjonId": ""}, BAD_INTEGRATION),
        ({"IntegrasjonId": "b5b0a4a6-0f0c-4c8f-9d3a-1d6b2f1f1f1f"}, BAD_INTEGRATION + " b5b0a4a6"),
        ({"IntegrasjonPassord": "feil"}, BAD_INTEGRATION),
        ({"IntegrasjonPassord": ""}, BAD_INTEGRATION),
    ],
)
def test_the_three_headers_are_checked(sandbox: RunningSandbox, changed: dict[str, str], says: str) -> None:
    token = sandbox.token("integration-service", ["ks:fiks"])
    for name, value in changed.items():
        if "{of " in value:
            _, number, _, scope = value.removesuffix("}").split("{")[1].split(" ")
            value = f"Bearer {sandbox.token(number, [scope])}"
        changed = {name: value.replace("{token}", token)}

    assert_refused(send(sandbox, changed_headers=changed), 401, says=says, error="Unauthorized")


def test_the_token_must_be_the_integrations_organisations(sandbox: RunningSandbox) -> None:
    with psycopg.connect(sandbox.settings.database_url) as connection:
        connection.execute(
            "INSERT INTO maskinporten_scope_grant VALUES ('964983291', 'ks:fiks', 'APPROVED', now(), now()) "
            "ON CONFLICT DO NOTHING"
        )
        connection.execute(
            "INSERT INTO maskinporten_client_scope SELECT id, 'ks:fiks' FROM maskinporten_client "
            "WHERE organisation = '964983291' ON CONFLICT DO NOTHING"
        )

    response = send(sandbox, changed_headers=sandbox.bearer("964983291", "ks:fiks"))

    assert_refused(response, 401, says=BAD_INTEGRATION, error="Unauthorized")
    with psycopg.connect(sandbox.settings.database_url) as connection:
        connection.execute("DELETE FROM maskinporten_client_scope WHERE scope = 'ks:fiks' AND client IN "
                           "(SELECT id FROM maskinporten_client WHERE organisation = '964983291')")  # fmt: skip


def test_a_token_that_has_expired_is_refused(new_database: NewDatabase, keys_folder: Path) -> None:
    with running_sandbox(new_database("sandbox"), keys_folder, token_seconds=1) as own:
        right = headers(own)
        time.sleep(1.1)

        assert_refused(send(own, changed_headers=right), 401, says=BAD_TOKEN, error="Unauthorized")


def test_an_account_without_right_is_forbidden(sandbox: RunningSandbox) -> None:
    url = f"{sandbox.svarut_url}/api/v2/kontoer/{new_id()}/forsendelser"

    response = sandbox.http.get(url, params={"eksternRef": "x"}, headers=headers(sandbox))

    assert_refused(response, 403, says="ikke tilgang", error="Forbidden")


def test_letters_are_found_by_external_reference(sandbox: RunningSandbox) -> None:
    reference = f"ref/{new_id()} æ"
    ids = [
        send(sandbox, letter(eksternReferanse=reference, tittel=title)).json()["id"]
        for title in (f"1 {new_id()}", f"2 {new_id()}")
    ]

    for slash in ("", "/"):
        url = account(sandbox, "v2") + slash
        found = sandbox.http.get(url, params={"eksternRef": reference}, headers=headers(sandbox))
        assert (found.status_code, found.json()) == (200, {"forsendelseIds": ids})
    none = sandbox.http.get(account(sandbox, "v2"), params={"eksternRef": "no-such"}, headers=headers(sandbox))
    assert none.json() == {"forsendelseIds": []}
    assert_refused(sandbox.http.get(account(sandbox, "v2"), headers=headers(sandbox)), 400, says="eksternRef")


def status_of(sandbox: RunningSandbox, *ids: str) -> list[dict[str, str]]:
    response = sandbox.http.post(f"{account(sandbox)}/status/sok", json={"id": ids}, headers=headers(sandbox))
    assert response.status_code == 200
    assert set(response.json()) == {"statuser"}
    return list(response.json()["statuser"])


def test_status_is_asked_for_many_and_unknown_ones_are_left_out(sandbox: RunningSandbox) -> None:
    ids = {send(sandbox).json()["id"] for _ in range(2)}

    found = status_of(sandbox, *ids, str(new_id()))

    assert {one["id"] for one in found} == ids
    for one in found:
        assert set(one) == {"id", "sisteStatusEndring", "status"}
        changed = datetime.fromisoformat(one["sisteStatusEndring"])
        assert changed.tzname() in ("UTC+01:00", "UTC+02:00")
        assert one["sisteStatusEndring"][19] == "."
        assert len(one["sisteStatusEndring"]) == 29


@pytest.mark.parametrize("asked", [{"forsendelseIds": []}, {"id": ["x"]}, {"id": None}])
def test_a_status_question_that_cannot_be_read(sandbox: RunningSandbox, asked: dict[str, Any]) -> None:
    response = sandbox.http.post(f"{account(sandbox)}/status/sok", json=asked, headers=headers(sandbox))

    assert_refused(response, 400, says="Ugyldig innhold")


WAYS = {
    "organisasjon": (SUPPLIER, ["MOTTATT", "AKSEPTERT", "KLAR_FOR_MOTTAK", "KLAR_FOR_MOTTAK"]),
    "person": (
        {"navn": "Fiktiv Bjørk", "digitalId": "12837532157"},
        ["MOTTATT", "AKSEPTERT", "SENDT_SDP", "LEVERT_SDP"],
    ),
    "print": ({"navn": "Fiktiv Bjørk", "adresse": ADDRESS}, ["MOTTATT", "AKSEPTERT", "SENDT_PRINT", "PRINTET"]),
}


def test_time_moves_a_letter(new_database: NewDatabase, keys_folder: Path) -> None:
    with running_sandbox(new_database("sandbox"), keys_folder, svarut_step_seconds=600) as own:
        ids = {kind: send(own, letter(mottaker=to), kind=kind).json()["id"] for kind, (to, _) in WAYS.items()}

        seen: dict[str, list[str]] = {kind: [] for kind in WAYS}
        for _ in range(4):
            for kind, id in ids.items():
                (found,) = status_of(own, id)
                seen[kind].append(found["status"])
            own.pass_time(600)

        assert seen == {kind: path for kind, (_, path) in WAYS.items()}
        numbers = {one["kind"]: one["recipient_number"] for one in own.letters()}
        assert numbers == {"organisasjon": SUPPLIER["digitalId"], "person": None, "print": None}


@pytest.mark.parametrize("number", ["12037532157", "12837532158", "964983291", "00000000000"])
def test_only_a_synthetic_person_gets_letters(sandbox: RunningSandbox, number: str) -> None:
    metadata = letter(mottaker={"navn": "Fiktiv Bjørk", "digitalId": number})

    message = assert_refused(send(sandbox, metadata, kind="person"), 400, says="syntetisk fødselsnummer")

    assert number not in message["message"]


def test_control_moves_a_letter_and_refuses_what_no_step_leads_to(sandbox: RunningSandbox) -> None:
    id = send(sandbox).json()["id"]
    url = f"{sandbox.control_url}/_sandbox/svarut/letters/{id}/status"

    sandbox.move(id, "LEST")

    assert [one["status"] for one in status_of(sandbox, id)] == ["LEST"]
    refused = sandbox.http.post(url, json={"status": "AKSEPTERT"})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/status-out-of-reach")
    assert sandbox.http.post(url, json={"status": "NO_SUCH"}).status_code == 422
    missing = f"{sandbox.control_url}/_sandbox/svarut/letters/{new_id()}/status"
    assert sandbox.http.post(missing, json={"status": "LEST"}).status_code == 404


def test_a_repeated_letter_is_refused_after_the_threshold_until_two_days_pass(
    new_database: NewDatabase, keys_folder: Path
) -> None:
    with running_sandbox(new_database("sandbox"), keys_folder, svarut_duplicates=2) as own:
        same = letter(tittel="Den samme")
        text = "Forsendelse med samme mottaker, tittel, avsender og filer er forsøkt sendt tidligere"

        assert [send(own, same).status_code for _ in range(2)] == [200, 200]
        assert_refused(send(own, same), 400, says=text)
        assert send(own, same, ("brev.pdf", PDF + b"other")).status_code == 200
        assert send(own, same | {"tittel": "En annen"}).status_code == 200
        assert send(own, same | {"mottaker": SUPPLIER | {"digitalId": "100000024"}}).status_code == 200
        own.pass_time(1.5 * 86_400)
        assert_refused(send(own, same), 400, says=text)
        own.pass_time(1.5 * 86_400)
        assert_refused(send(own, same), 400, says=text)
        own.pass_time(2.1 * 86_400)
        assert send(own, same).status_code == 200
        assert len(own.letters(same["eksternReferanse"])) == 6


def test_the_refusal_of_a_repeat_may_carry_a_code(new_database: NewDatabase, keys_folder: Path) -> None:
    code = "GJENTAGENDE_FORSENDELSE"
    with running_sandbox(new_database("sandbox"), keys_folder, svarut_duplicates=1, svarut_duplicate_code=code) as own:
        same = letter()
        send(own, same)

        assert send(own, same).json()["errorCode"] == code
        assert send(own, letter(tittel="")).json()["errorCode"] is None


def test_what_is_not_there_is_told_in_the_same_words(sandbox: RunningSandbox) -> None:
    assert_refused(sandbox.http.get(f"{sandbox.svarut_url}/api/v3/nothing"), 404, says="", error="Not Found")
    response = sandbox.http.get(f"{account(sandbox)}/organisasjon")
    assert_refused(response, 405, says="", error="Method Not Allowed")


def test_the_inbox_page_shows_letters_without_letting_them_write_on_it(sandbox: RunningSandbox) -> None:
    title = f"<script>alert(1)</script> {new_id()}"
    id = send(sandbox, letter(tittel=title)).json()["id"]
    person = {"navn": f"Fiktiv Selje {new_id()}", "digitalId": "04918321433"}
    send(sandbox, letter(mottaker=person), kind="person")

    page = sandbox.http.get(f"{sandbox.control_url}/")

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<script>" not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert SUPPLIER["navn"] in page.text
    assert SUPPLIER["digitalId"] in page.text
    assert person["navn"] in page.text
    assert person["digitalId"] not in page.text
    link = f"/_sandbox/svarut/letters/{id}/documents/1"
    assert f'href="{link}"' in page.text
    assert sandbox.http.get(f"{sandbox.control_url}{link}").content == PDF
    assert sandbox.http.get(f"{sandbox.control_url}{link[:-1]}2").status_code == 404
