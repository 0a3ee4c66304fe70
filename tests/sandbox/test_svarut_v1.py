"""REST v1 of SvarUT: every path with its status code, every field with its spelling and type, and nothing more."""

import base64
import hashlib
import re
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.chassis.values import new_id
from tests.sandbox.receiving import own_number
from tests.sandbox.running import RunningSandbox
from tests.sandbox.svarut import PDF, basic, multipart, v1
from tests.sandbox.svarut_fields import MILLISECONDS, SIGNED_BEFORE, V1_ADDRESS, v1_letter
from tests.sandbox.test_svarut import assert_refused

STAMP = re.compile(r"\d\d\.\d\d\.\d{4} \d\d:\d\d:\d\d")
PERSON_ADDRESS = {
    "postAdresse": V1_ADDRESS | {"navn": "Fiktiv Bjørk"},
    "digitalAdresse": {"fodselsNummer": "12837532157"},
}


def call(sandbox: RunningSandbox, method: str, path: str, **more: Any) -> httpx.Response:
    return sandbox.http.request(method, f"{v1(sandbox)}{path}", **({"auth": basic(sandbox)} | more))


def send(
    sandbox: RunningSandbox, metadata: dict[str, Any], *files: tuple[str, bytes], path: str = ""
) -> httpx.Response:
    return call(sandbox, "POST", f"{path}/sendForsendelse", **multipart(metadata, *files))


def sent(sandbox: RunningSandbox, **changed: Any) -> str:
    answer = send(sandbox, v1_letter(**changed))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def test_a_letter_that_holds_everything_is_taken_and_kept_in_the_words_of_v3(sandbox: RunningSandbox) -> None:
    letter = v1_letter()

    answer = send(sandbox, letter)

    assert answer.status_code == 200
    assert list(answer.json()) == ["id"]
    (kept,) = sandbox.letters(letter["eksternReferanse"])
    assert kept["id"] == str(UUID(answer.json()["id"]))
    told = sandbox.told(kept["id"])
    assert told["mottaker"] == {
        "navn": "Fjordvakt Velferd AS (fiktiv)",
        "digitalId": "100000016",
        "adresse": {
            "adresselinje1": "Storgata 1",
            "adresselinje2": "Oppgang B",
            "adresselinje3": "2. etasje",
            "postnummer": "8900",
            "poststed": "Brønnøysund",
            "landkode": "Norge",
        },
    }
    assert told["svarPaForsendelseId"] == letter["svarPaForsendelse"]["id"]
    assert (told["kanSvareViaEdialog"], told["sikkerhetsniva"]) == (True, "BETYDELIG")
    assert told["lenker"] == [{"url": "https://a.example/", "tekst": "Se her", "ledetekst": "Mer"}]
    assert told["metadataFraAvleverendeSystem"]["sakssekvensnummer"] == 1
    assert told["metadataFraAvleverendeSystem"]["journaldato"].startswith("2023-11-14T22:13:20.000")
    assert told["dokumenter"][0]["skalEkskluderesFraUtskrift"] is False
    assert (told["forsendelsestype"], told["konteringskode"]) == ("Bestilling", "A-1.ø")


def test_the_least_that_a_letter_may_hold(sandbox: RunningSandbox) -> None:
    least = {
        "tittel": f"T {new_id()}",
        "mottaker": {"postAdresse": {"navn": "N", "postNummer": "8900", "postSted": "Brønnøysund"}},
        "dokumenter": [{"filnavn": "brev.pdf", "mimeType": "application/pdf"}],
    }

    assert send(sandbox, least).status_code == 200


def test_every_optional_field_may_be_null(sandbox: RunningSandbox) -> None:
    needed = ("tittel", "mottaker", "dokumenter")

    assert send(sandbox, {name: value if name in needed else None for name, value in v1_letter().items()}).is_success


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"tittel": ...}, "tittel"),
        ({"mottaker": ...}, "mottaker"),
        ({"mottaker": {}}, "mottaker"),
        ({"mottaker": {"postAdresse": V1_ADDRESS | {"navn": None}}}, "mottaker.postAdresse.navn"),
        ({"mottaker": {"postAdresse": V1_ADDRESS | {"postSted": None}}}, "poststed"),
        ({"mottaker": {"postAdresse": V1_ADDRESS | {"postNummer": None}}}, "postnummer"),
        ({"mottaker": {"postAdresse": V1_ADDRESS | {"postNummer": "890"}}}, "fire siffer"),
        ({"mottaker": {"postAdresse": V1_ADDRESS, "digitalAdresse": {"fodselsNummer": "1"}}}, "fodselsNummer"),
        (
            {"mottaker": {"digitalAdresse": {"fodselsNummer": "12837532157", "organisasjonsNummer": "100000016"}}},
            "nøyaktig én",
        ),
        ({"mottaker": {"digitalAdresse": {"organisasjonsNummer": "100000016"}}}, "mangler postadresse"),
        ({"konteringsKode": "A_1"}, "konteringsKode"),
        ({"krevNiva4Innlogging": True}, "krever krypterte"),
        ({"svarSendesTil": None}, "svarSendesTil"),
        ({"svarPaForsendelse": "018f5e9c"}, "svarPaForsendelse"),
        ({"dokumenter": [{"filnavn": "x" * 227, "mimeType": "application/pdf"}]}, "filnavn"),
        ({"forsendelsesType": "finnes.ikke"}, "finnes ikke"),
        ({"signaturType": "UKJENT"}, "signaturType"),
        ({"signeringUtloper": SIGNED_BEFORE}, "signeringUtloper"),
        ({"lenker": [{"urlLenke": "ingen url", "urlTekst": "x"}]}, "gyldig URL"),
    ],
)
def test_what_is_refused(sandbox: RunningSandbox, changed: dict[str, Any], says: str) -> None:
    assert_refused(send(sandbox, v1_letter(**changed)), 400, says=says)


@pytest.mark.parametrize(
    "changed",
    [
        {"postNummer": None, "land": "Sverige"},
        {"postNummer": "SE-11122", "land": "Sverige"},
        {"land": None},
        {"land": "Noreg"},
    ],
)
def test_abroad_a_postcode_is_what_it_is(sandbox: RunningSandbox, changed: dict[str, Any]) -> None:
    assert sent(sandbox, mottaker={"postAdresse": V1_ADDRESS | changed})


def test_a_letter_that_is_never_printed_needs_no_address_and_may_hold_anything(sandbox: RunningSandbox) -> None:
    film = {"filnavn": "film.mkv", "mimeType": "video/x-matroska"}
    letter = v1_letter(
        mottaker={"digitalAdresse": {"organisasjonsNummer": "100000016"}}, kunDigitalLevering=True, dokumenter=[film]
    )

    assert send(sandbox, letter, ("film.mkv", b"film")).status_code == 200


def test_an_id_is_minted_and_used_once(sandbox: RunningSandbox) -> None:
    """As axios asks: an empty form."""
    form = {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": "0"}
    minted = call(sandbox, "POST", "/startNyForsendelse", headers=form)
    assert (minted.status_code, list(minted.json())) == (200, ["id"])
    id = minted.json()["id"]

    answer = send(sandbox, v1_letter(), path=f"/{id}")

    assert (answer.status_code, answer.json()) == (200, {"id": id})
    assert_refused(send(sandbox, v1_letter(), path=f"/{id}"), 400, says="Duplikat")
    own = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
    assert_refused(send(sandbox, v1_letter(), path="/no-uuid"), 400, says="id")
    assert send(sandbox, v1_letter(), path=f"/{own}").json() == {"id": own}, "any UUID will do"


def test_status_is_told_of_one_and_of_many(sandbox: RunningSandbox) -> None:
    ids = [sent(sandbox) for _ in range(2)]

    one = call(sandbox, "GET", f"/{ids[0]}/status")
    assert one.status_code == 200
    assert list(one.json()) == ["forsendelsesId", "sisteStatusEndring", "status"]
    assert one.json()["forsendelsesId"] == {"id": ids[0]}
    assert isinstance(one.json()["sisteStatusEndring"], int)
    assert one.json()["sisteStatusEndring"] > MILLISECONDS
    assert one.json()["status"] == "MOTTATT"
    assert_refused(call(sandbox, "GET", f"/{new_id()}/status"), 404, says="finnes ikke", error="Not Found")

    for asked in ([*ids, str(new_id())], [{"id": id} for id in ids]):
        many = call(sandbox, "POST", "/statuser", json=asked)
        assert (many.status_code, list(many.json())) == (200, ["statuser"])
        assert sorted(told["forsendelsesId"]["id"] for told in many.json()["statuser"]) == sorted(ids)
        assert {tuple(told) for told in many.json()["statuser"]} == {tuple(one.json())}
    assert_refused(call(sandbox, "POST", "/statuser", json={"id": ids}), 400, says="Ugyldig innhold")


def test_history_is_told_in_norwegian_time_and_text(sandbox: RunningSandbox) -> None:
    id = sent(sandbox)
    sandbox.pass_time(60)

    answer = call(sandbox, "GET", f"/{id}/historikk")

    assert (answer.status_code, list(answer.json())) == (200, ["hendelsesLogger"])
    told = answer.json()["hendelsesLogger"]
    assert [list(one) for one in told] == [["tidspunkt", "hendelse"]] * 4
    assert [one["hendelse"] for one in told] == [
        "Mottatt, og tildelt forsendelse-id",
        "Metadata er validert OK",
        "Akseptert for ekspedering",
        "Klar for mottak i SvarInn",
    ]
    assert all(STAMP.fullmatch(one["tidspunkt"]) for one in told)


def test_signing_history_is_empty_where_nothing_is_signed(sandbox: RunningSandbox) -> None:
    id = sent(sandbox)

    answer = call(sandbox, "GET", f"/{id}/signeringhistorikk")

    assert (answer.status_code, answer.json()) == (200, {"forsendelsesId": {"id": id}, "logg": []})


def test_document_metadata_have_these_members_and_no_others(sandbox: RunningSandbox) -> None:
    bare = {"filnavn": "vedlegg.pdf", "mimeType": "application/pdf"}
    letter = v1_letter()
    letter["dokumenter"].append(bare)
    id = send(sandbox, letter, ("brev.pdf", PDF), ("vedlegg.pdf", PDF + b"2")).json()["id"]

    answer = call(sandbox, "GET", f"/{id}/dokumentMetadata")

    assert (answer.status_code, list(answer.json())) == (200, ["dokumentMetadata"])
    first, second = answer.json()["dokumentMetadata"]
    assert first == {
        "mimeType": "application/pdf",
        "filnavn": "brev.pdf",
        "kanSigneres": False,
        "sizeInBytes": len(PDF),
        "sha256hash": hashlib.sha256(PDF).hexdigest(),
        "dokumentType": "Bestilling",
        "nedlasningsUrl": f"{sandbox.svarut_url}/forsendelse/{id}/1",
        "signeringsUrl": None,
        "ekstraMetadata": [{"key": "nøkkel", "value": "verdi"}],
        "inneholderPersonsensitivInformasjon": True,
    }
    assert list(second) == list(first)
    assert (second["dokumentType"], second["ekstraMetadata"]) == (None, [])
    assert second["inneholderPersonsensitivInformasjon"] is None


def test_a_letter_is_marked_read(sandbox: RunningSandbox) -> None:
    id = sent(sandbox)
    told = {"lestAvFodselsNummer": "12837532157", "navnPaEksterntSystem": "Arkivet", "datoLest": MILLISECONDS}

    for _ in range(2):
        answer = call(sandbox, "POST", f"/{id}/settLest", json=told)
        assert (answer.status_code, answer.content) == (200, b"")

    assert call(sandbox, "GET", f"/{id}/status").json()["status"] == "LEST"
    events = [one["hendelse"] for one in call(sandbox, "GET", f"/{id}/historikk").json()["hendelsesLogger"]]
    assert events == ["Mottatt, og tildelt forsendelse-id", "Lest i Arkivet"]
    for missing in told:
        short = {name: value for name, value in told.items() if name != missing}
        assert_refused(call(sandbox, "POST", f"/{id}/settLest", json=short), 400, says=missing)


@pytest.mark.parametrize("reference", ["a/b c", "æ", "status", "a//b", "100%"])
def test_letters_are_found_by_references_that_nobody_escaped(sandbox: RunningSandbox, reference: str) -> None:
    whole = f"{reference}/{new_id()}"
    ids = [sent(sandbox, eksternReferanse=whole) for _ in range(2)]
    written = whole.replace("%", "%25").replace(" ", "%20")

    answer = call(sandbox, "GET", f"/eksternref/{written}")

    assert (answer.status_code, answer.json()) == (200, {"forsendelseIder": [{"id": id} for id in ids]})
    assert call(sandbox, "GET", f"/eksternref/{new_id()}").json() == {"forsendelseIder": []}


def test_letter_types_are_told(sandbox: RunningSandbox) -> None:
    answer = call(sandbox, "GET", "/forsendelseTyper")

    assert (answer.status_code, list(answer.json())) == (200, ["forsendelseTyper"])
    assert {"Byggesøknad", "ks.signertforsendelse"} <= set(answer.json()["forsendelseTyper"])


def test_receiving_systems_are_told(sandbox: RunningSandbox) -> None:
    by_path = call(sandbox, "GET", "/mottakersystem/100000016")
    asked = {"organisasjonsNummer": "100000016", "niva": "4"}
    by_query = call(sandbox, "GET", "/mottakersystem", params=asked)

    assert by_path.status_code == by_query.status_code == 200
    assert by_path.json() == by_query.json()
    (found,) = by_path.json()["treff"]
    assert list(found) == ["organisasjonsNummer", "forsendelsesType", "mottakerSystem", "mottakerId", "niva"]
    assert (found["organisasjonsNummer"], found["forsendelsesType"], found["niva"]) == ("100000016", None, 4)
    assert str(UUID(found["mottakerId"])) == found["mottakerId"]
    assert call(sandbox, "GET", f"/mottakersystem/{own_number()}").json() == {"treff": []}
    assert len(call(sandbox, "GET", "/mottakersystem").json()["treff"]) > 1
    assert_refused(call(sandbox, "GET", "/mottakersystem/1"), 400, says="")
    for wrong in ({"organisasjonsNummer": "1"}, {"forsendelsesType": "a..b"}, {"niva": "5"}):
        assert_refused(call(sandbox, "GET", "/mottakersystem", params=wrong), 400, says=next(iter(wrong)))


def test_files_are_deleted_and_the_rest_is_not(sandbox: RunningSandbox) -> None:
    id = sent(sandbox)

    for _ in range(2):
        answer = call(sandbox, "POST", "/slettFiler", json=[{"id": id}, {"id": str(new_id())}])
        assert (answer.status_code, answer.content) == (204, b"")

    assert sandbox.http.get(f"{sandbox.svarut_url}/forsendelse/{id}/1").status_code == 404
    assert call(sandbox, "GET", f"/{id}/status").json()["status"] == "MOTTATT"
    assert len(call(sandbox, "GET", f"/{id}/dokumentMetadata").json()["dokumentMetadata"]) == 1
    assert_refused(call(sandbox, "POST", "/slettFiler", json=[id]), 400, says="")


def test_another_accounts_letter_is_as_good_as_none(sandbox: RunningSandbox) -> None:
    id = sent(sandbox)
    other = ("100000016", sandbox.settings.svarut_service_password)

    for path in ("status", "historikk", "signeringhistorikk", "dokumentMetadata"):
        answer = call(sandbox, "GET", f"/{id}/{path}", auth=other)
        assert_refused(answer, 404, says="finnes ikke", error="Not Found")
    assert call(sandbox, "POST", "/statuser", json=[id], auth=other).json() == {"statuser": []}
    call(sandbox, "POST", "/slettFiler", json=[{"id": id}], auth=other).raise_for_status()
    assert sandbox.http.get(f"{sandbox.svarut_url}/forsendelse/{id}/1").status_code == 200


def header(user: str, password: str, encoding: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode(encoding)).decode()}


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_password_is_read_in_both_encodings_that_clients_use(sandbox: RunningSandbox, encoding: str) -> None:
    account = {"user_name": "brevsenter", "password": "pæss", "organisation_number": "844824122", "name": "Vefsn"}
    url = f"{sandbox.control_url}/_sandbox/svarut/accounts/018f5e9c-7d2b-7c3a-9f00-000000000009"
    sandbox.http.put(url, json=account).raise_for_status()

    found = sandbox.http.get(f"{v1(sandbox)}/forsendelseTyper", headers=header("brevsenter", "pæss", encoding))

    assert found.status_code == 200


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"Authorization": "Basic ?"},
        {"Authorization": "Bearer x"},
        header("samvirke", "feil", "utf-8"),
        header("ingen", "sandkasse", "utf-8"),
        header("samvirke", "", "utf-8"),
    ],
)
def test_wrong_credentials_are_told_and_challenged(sandbox: RunningSandbox, given: dict[str, str]) -> None:
    answer = sandbox.http.get(f"{v1(sandbox)}/forsendelseTyper", headers=given)

    assert_refused(answer, 401, says="Feil brukernavn eller passord", error="Unauthorized")
    assert answer.headers["www-authenticate"].startswith("Basic realm=")


def test_a_person_gets_letters_whose_number_nobody_keeps(sandbox: RunningSandbox) -> None:
    letter = v1_letter(mottaker=PERSON_ADDRESS, eksponertFor=[{"fodselsNummer": "12837532157"}])

    id = send(sandbox, letter).json()["id"]

    assert "12837532157" not in str(sandbox.told(id))
    assert sandbox.letters(letter["eksternReferanse"])[0]["kind"] == "person"
