"""REST v2 of SvarUT: every path with and without its last slash, with its status code, every field with its spelling
and type."""

import hashlib
import re
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.chassis.values import new_id
from tests.sandbox.running import RunningSandbox
from tests.sandbox.svarut import PDF, account, headers, multipart
from tests.sandbox.svarut_fields import ANSWERED, SIGNED_BEFORE, V2_ADDRESS, v2_letter
from tests.sandbox.test_svarut import assert_refused

ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0[12]:00")
SLASH = pytest.mark.parametrize("slash", ["", "/"])


def call(sandbox: RunningSandbox, method: str, path: str, **more: Any) -> httpx.Response:
    more["headers"] = headers(sandbox) | (more.get("headers") or {})
    return sandbox.http.request(method, f"{sandbox.svarut_url}/api/v2{path}", **more)


def of_account(sandbox: RunningSandbox, path: str = "") -> str:
    return account(sandbox, "v2").removeprefix(f"{sandbox.svarut_url}/api/v2") + path


def send(sandbox: RunningSandbox, letter: dict[str, Any], slash: str = "/") -> httpx.Response:
    """As KS's own client writes it: part names with numbers, and text/plain."""
    written = multipart(letter, part_name="filer_0", metadata_type="text/plain;charset=UTF-8")
    return call(sandbox, "POST", of_account(sandbox, slash), **written)


def sent(sandbox: RunningSandbox, **changed: Any) -> str:
    answer = send(sandbox, v2_letter(**changed))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


@SLASH
def test_a_letter_that_holds_everything_is_taken_and_kept_in_the_words_of_v3(
    sandbox: RunningSandbox, slash: str
) -> None:
    answer = send(sandbox, v2_letter(), slash)

    assert (answer.status_code, list(answer.json())) == (200, ["id"])
    assert not answer.history
    told = sandbox.told(str(UUID(answer.json()["id"])))
    address = {name: value for name, value in V2_ADDRESS.items() if name != "land"} | {"landkode": "Norge"}
    assert told["mottaker"] == {"navn": "Fjordvakt", "digitalId": "100000016", "adresse": address}
    assert (told["svarPaForsendelseId"], told["kanSvareViaEdialog"]) == (ANSWERED, True)
    assert told["sikkerhetsniva"] == "BETYDELIG"
    assert told["metadataFraAvleverendeSystem"]["mappeSystemId"] == "ms"
    assert told["dokumenter"][0]["dokumentType"] == "Bestilling"


def test_every_optional_field_may_be_null(sandbox: RunningSandbox) -> None:
    letter = {name: value if name in ("tittel", "mottaker") else None for name, value in v2_letter().items()}
    described = dict.fromkeys(v2_letter()["dokumenter"][0]) | {
        "filnavn": "brev.pdf",
        "mimeType": "application/pdf",
    }

    assert send(sandbox, letter | {"dokumenter": [described]}).status_code == 200


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"tittel": ...}, "tittel"),
        ({"tittel": "x" * 1001}, "tittel"),
        ({"mottaker": ...}, "mottaker"),
        ({"mottaker": {"digitalId": "100000016"}}, "mottaker.navn"),
        ({"mottaker": {"navn": "N", "digitalId": "1"}}, "mottaker.digitalId"),
        ({"mottaker": {"navn": "N", "digitalId": "100000017", **V2_ADDRESS}}, "gyldig organisasjonsnummer"),
        ({"mottaker": {"navn": "N", "digitalId": "100000016"}}, "mangler postadresse"),
        ({"mottaker": {"navn": "N", **V2_ADDRESS, "poststed": None}}, "poststed"),
        ({"mottaker": {"navn": "N", **V2_ADDRESS, "postnummer": None}}, "postnummer"),
        ({"konteringskode": "x" * 21}, "konteringskode"),
        ({"avgivendeSystem": "x" * 101}, "avgivendeSystem"),
        ({"eksternReferanse": "x" * 101}, "eksternReferanse"),
        ({"korrelasjonsid": "x" * 101}, "korrelasjonsid"),
        ({"forsendelsestype": "x" * 101}, "forsendelsestype"),
        ({"svarPaForsendelse": {"id": ANSWERED}}, "svarPaForsendelse"),
        ({"lenker": [{"url": "https://a.example/", "tekst": "x"}] * 6}, "lenker"),
        ({"krevNiva4Innlogging": True}, "krever krypterte"),
        ({"svarSendesTil": None}, "svarSendesTil"),
        ({"signaturType": "UKJENT"}, "signaturType"),
        ({"signeringUtloper": 1_700_000_000_000_000_000}, "signeringUtloper"),
        ({"dokumenter": [{"filnavn": "brev.pdf"}]}, "dokumenter.0.mimeType"),
    ],
)
def test_what_is_refused(sandbox: RunningSandbox, changed: dict[str, Any], says: str) -> None:
    assert_refused(send(sandbox, v2_letter(**changed)), 400, says=says)


@SLASH
def test_status_is_asked_for_many(sandbox: RunningSandbox, slash: str) -> None:
    ids = [sent(sandbox) for _ in range(2)]
    asked = {"forsendelseIds": [*ids, str(new_id())]}

    answer = call(sandbox, "POST", of_account(sandbox, f"/status-sok{slash}"), json=asked)

    assert (answer.status_code, list(answer.json())) == (200, ["statuser"])
    assert sorted(one["id"] for one in answer.json()["statuser"]) == sorted(ids)
    for one in answer.json()["statuser"]:
        assert list(one) == ["id", "sisteStatusEndring", "status"]
        assert ISO.fullmatch(one["sisteStatusEndring"])
        assert one["status"] == "MOTTATT"


def test_status_may_be_asked_for_with_any_content_type(sandbox: RunningSandbox) -> None:
    more = {"content": b'{"forsendelseIds": []}', "headers": {"Content-Type": "*/*"}}

    assert call(sandbox, "POST", of_account(sandbox, "/status-sok"), **more).json() == {"statuser": []}
    wrong = call(sandbox, "POST", of_account(sandbox, "/status-sok"), json={})
    assert_refused(wrong, 400, says="forsendelseIds")


@SLASH
def test_history_is_told(sandbox: RunningSandbox, slash: str) -> None:
    id = sent(sandbox)
    sandbox.pass_time(60)

    answer = call(sandbox, "GET", f"/forsendelser/{id}/hendelser{slash}")

    assert (answer.status_code, list(answer.json())) == (200, ["hendelser"])
    assert [list(one) for one in answer.json()["hendelser"]] == [["tidspunkt", "hendelse"]] * 4
    assert all(ISO.fullmatch(one["tidspunkt"]) for one in answer.json()["hendelser"])
    assert answer.json()["hendelser"][-1]["hendelse"] == "Klar for mottak i SvarInn"


@SLASH
def test_document_metadata_hold_no_null_where_text_is_required(sandbox: RunningSandbox, slash: str) -> None:
    whole, bare = sent(sandbox), sent(sandbox, dokumenter=[{"filnavn": "brev.pdf", "mimeType": "application/pdf"}])

    answer = call(sandbox, "GET", f"/forsendelser/{whole}/metadata{slash}")

    assert answer.status_code == 200
    assert answer.json() == {
        "dokumenter": [
            {
                "filnavn": "brev.pdf",
                "mimeType": "application/pdf",
                "dokumentType": "Bestilling",
                "storrelse": len(PDF),
                "sha256Hash": hashlib.sha256(PDF).hexdigest(),
                "nedlasningUrl": f"{sandbox.svarut_url}/forsendelse/{whole}/1",
                "kanSigneres": False,
                "ekstraMetadata": [{"key": "nøkkel", "value": "verdi"}],
                "inneholderPersonsensitivInformasjon": True,
            }
        ]
    }
    (least,) = call(sandbox, "GET", f"/forsendelser/{bare}/metadata").json()["dokumenter"]
    assert least["dokumentType"] == ""
    assert None not in least.values()


@SLASH
def test_a_letter_is_marked_read(sandbox: RunningSandbox, slash: str) -> None:
    id = sent(sandbox)
    told = {"fnr": "12837532157", "tidspunkt": "2026-11-02T10:00:00.000+01:00"}

    for more in ({}, {"eksterntSystemnavn": None}, {"eksterntSystemnavn": "Arkivet"}):
        answer = call(sandbox, "POST", f"/forsendelser/{id}/lest{slash}", json=told | more)
        assert (answer.status_code, answer.content) == (204, b"")

    events = call(sandbox, "GET", f"/forsendelser/{id}/hendelser").json()["hendelser"]
    assert events[-1]["hendelse"] == "Lest i eksternt system", "once"
    for wrong in ({"fnr": "1"}, {"tidspunkt": "i går"}, {"fnr": None}):
        assert_refused(
            call(sandbox, "POST", f"/forsendelser/{id}/lest", json=told | wrong), 400, says=next(iter(wrong))
        )


def test_a_rejected_letter_is_never_read(sandbox: RunningSandbox) -> None:
    id = sent(sandbox)
    sandbox.move(id, "AVVIST")
    told = {"fnr": "12837532157", "tidspunkt": "2026-11-02T10:00:00.000+01:00"}

    assert_refused(call(sandbox, "POST", f"/forsendelser/{id}/lest", json=told), 400, says="AVVIST")


@pytest.mark.parametrize(
    ("query", "documents", "v3"),
    [
        ("", 1, "KLAR_FOR_MOTTAK"),
        ("?slettetype=ORIGINALDOKUMENTER", 1, "KLAR_FOR_MOTTAK"),
        ("?slettetype=ALLE", 0, "SLETTET"),
    ],
)
def test_documents_are_deleted(sandbox: RunningSandbox, query: str, documents: int, v3: str) -> None:
    id = sent(sandbox)
    sandbox.pass_time(60)

    for slash in ("", "/"):
        answer = call(sandbox, "DELETE", f"/forsendelser/{id}/dokumenter{slash}{query}")
        assert (answer.status_code, answer.content) == (204, b"")

    assert len(call(sandbox, "GET", f"/forsendelser/{id}/metadata").json()["dokumenter"]) == documents
    assert sandbox.http.get(f"{sandbox.svarut_url}/forsendelse/{id}/1").status_code == 404
    asked = {"forsendelseIds": [id]}
    (old,) = call(sandbox, "POST", of_account(sandbox, "/status-sok"), json=asked).json()["statuser"]
    assert old["status"] == "KLAR_FOR_MOTTAK", "as it was before"
    new = sandbox.http.post(f"{account(sandbox)}/status/sok", json={"id": [id]}, headers=headers(sandbox))
    assert new.json()["statuser"][0]["status"] == v3


def test_no_other_kind_of_deletion_exists(sandbox: RunningSandbox) -> None:
    answer = call(sandbox, "DELETE", f"/forsendelser/{sent(sandbox)}/dokumenter?slettetype=NOE")

    assert_refused(answer, 400, says="slettetype")


@SLASH
def test_letters_are_found_by_reference_with_their_dates(sandbox: RunningSandbox, slash: str) -> None:
    reference = f"ref/{new_id()} æ"
    whole = sent(sandbox, eksternReferanse=reference)
    bare = sent(sandbox, eksternReferanse=reference, avgivendeSystem=None)
    asked = {"eksternRef": reference}

    ids = call(sandbox, "GET", of_account(sandbox, slash), params=asked)
    dated = call(sandbox, "GET", of_account(sandbox, f"/metadata{slash}"), params=asked)

    assert (ids.status_code, ids.json()) == (200, {"forsendelseIds": [whole, bare]})
    assert (dated.status_code, list(dated.json())) == (200, ["forsendelser"])
    first, second = dated.json()["forsendelser"]
    assert list(first) == ["id", "dato", "avgivendeSystem"]
    assert list(second) == ["id", "dato"]
    assert ISO.fullmatch(first["dato"])
    assert (first["id"], first["avgivendeSystem"]) == (whole, "Samvirke")
    for path in ("", "/metadata"):
        assert_refused(call(sandbox, "GET", of_account(sandbox, path)), 400, says="eksternRef")


@SLASH
def test_letter_types_are_told(sandbox: RunningSandbox, slash: str) -> None:
    answer = call(sandbox, "GET", f"/forsendelsestyper{slash}")

    assert (answer.status_code, list(answer.json())) == (200, ["forsendelsestyper"])
    assert "ks.signertforsendelse" in answer.json()["forsendelsestyper"]


@SLASH
def test_receiving_systems_are_told(sandbox: RunningSandbox, slash: str) -> None:
    answer = call(sandbox, "GET", f"/mottakersystem{slash}", params={"organisasjonsnummer": "100000016"})

    assert (answer.status_code, list(answer.json())) == (200, ["mottakersystemer"])
    (found,) = answer.json()["mottakersystemer"]
    assert list(found) == ["id", "navn", "organisasjonsnummer", "forsendelseType", "niva"]
    assert (found["organisasjonsnummer"], found["forsendelseType"], found["niva"]) == ("100000016", "", 4)
    for wrong in ({"organisasjonsnummer": "1"}, {"forsendelseType": "a b"}, {"niva": "10"}):
        assert_refused(call(sandbox, "GET", "/mottakersystem", params=wrong), 400, says=next(iter(wrong)))


@pytest.mark.parametrize("path", ["hendelser", "signeringshendelser", "metadata"])
def test_an_unknown_letter_is_not_found(sandbox: RunningSandbox, path: str) -> None:
    answer = call(sandbox, "GET", f"/forsendelser/{new_id()}/{path}")

    assert_refused(answer, 404, says="finnes ikke", error="Not Found")


@pytest.mark.parametrize("path", ["/forsendelsestyper", "/mottakersystem", f"/forsendelser/{UUID(int=7)}/hendelser"])
def test_every_path_wants_the_three_headers(sandbox: RunningSandbox, path: str) -> None:
    answer = sandbox.http.get(f"{sandbox.svarut_url}/api/v2{path}")

    assert_refused(answer, 401, says="Klarte ikke å validere access_token", error="Unauthorized")


def test_another_accounts_letter_is_forbidden(sandbox: RunningSandbox) -> None:
    letter = v2_letter()
    url = f"{sandbox.svarut_url}/tjenester/api/forsendelse/v1/sendForsendelse"
    other = ("100000016", sandbox.settings.svarut_service_password)
    v1 = {
        "tittel": letter["tittel"],
        "mottaker": {"digitalAdresse": {"organisasjonsNummer": "100000008"}},
        "kunDigitalLevering": True,
        "dokumenter": [{"filnavn": "brev.pdf", "mimeType": "application/pdf"}],
    }
    id = sandbox.http.post(url, auth=other, **multipart(v1)).json()["id"]

    for path in ("hendelser", "metadata"):
        answer = call(sandbox, "GET", f"/forsendelser/{id}/{path}")
        assert_refused(answer, 403, says="ikke tilgang", error="Forbidden")


def test_signing_is_told_from_its_first_step(sandbox: RunningSandbox) -> None:
    id = sent(
        sandbox,
        mottaker={"navn": "Fiktiv Bjørk", "digitalId": "12837532157", **V2_ADDRESS},
        dokumenter=[{"filnavn": "brev.pdf", "mimeType": "application/pdf", "skalSigneres": True}],
        signeringUtloper=SIGNED_BEFORE,
        signaturType="AUTENTISERT_SIGNATUR",
    )

    for slash in ("", "/"):
        answer = call(sandbox, "GET", f"/forsendelser/{id}/signeringshendelser{slash}")
        assert (answer.status_code, list(answer.json())) == (200, ["hendelser"])
        (first,) = answer.json()["hendelser"]
        assert list(first) == ["tidspunkt", "status", "hendelse"]
        assert (first["status"], bool(ISO.fullmatch(first["tidspunkt"]))) == ("VENTER_SIGNERING", True)
    (document,) = call(sandbox, "GET", f"/forsendelser/{id}/metadata").json()["dokumenter"]
    assert document["kanSigneres"] is True
    assert document["signeringUrl"] == f"{sandbox.svarut_url}/forsendelse/{id}/1/signering"
