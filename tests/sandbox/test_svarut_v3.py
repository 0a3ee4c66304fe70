"""REST v3 of SvarUT: four kinds of letters, every field of theirs with its spelling, type and bound, and status."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.chassis.values import new_id
from tests.sandbox.running import RunningSandbox
from tests.sandbox.svarut import PDF, account, body, headers, multipart
from tests.sandbox.svarut_fields import ANSWERS_TO, PERSON, V3, V3_ADDRESS, v3_letter
from tests.sandbox.test_svarut import assert_refused

KINDS = pytest.mark.parametrize("kind", list(V3))


def send(sandbox: RunningSandbox, kind: str, letter: dict[str, Any], content: bytes = PDF) -> httpx.Response:
    written = multipart(letter, ("brev.pdf", content), part_name="filer_1")
    written["headers"] |= headers(sandbox)
    return sandbox.http.post(f"{account(sandbox)}/{kind}", **written)


@KINDS
def test_a_letter_that_holds_everything_is_taken(sandbox: RunningSandbox, kind: str) -> None:
    letter = v3_letter(kind)

    answer = send(sandbox, kind, letter)

    assert (answer.status_code, list(answer.json())) == (200, ["id"])
    told = sandbox.told(str(UUID(answer.json()["id"])))
    kept = {name: value for name, value in letter.items() if name not in ("mottaker", "pasient")}
    assert {name: told.get(name) for name in kept} == kept, "every field came through"
    assert not [number for number in ("12837532157", "04918321433") if number in str(told)]


def optional(kind: str) -> list[str]:
    needed = {"tittel", "mottaker", "mottakertype", "avsenderKontakt", "pasient", "dokumenter", "mottakerHerId"}
    return [name for name in v3_letter(kind) if name not in needed]


@KINDS
def test_optional_fields_may_be_null_or_left_out(sandbox: RunningSandbox, kind: str) -> None:
    changed: dict[str, Any] = {"dokumenter": [{"filnavn": "brev.pdf", "mimeType": "application/pdf"}]}
    for nothing in (None, ...):
        letter = v3_letter(kind, **dict.fromkeys(optional(kind), nothing), **(changed if kind != "nhn" else {}))
        assert send(sandbox, kind, letter).status_code == 200


def wrong_fields() -> Iterator[tuple[str, dict[str, Any], str]]:
    """(kind, what is changed, the field that is named)"""
    for kind in V3:
        for name, longest in (
            ("tittel", 200 if kind == "nhn" else 1000),
            ("avgivendeSystem", 100),
            ("avgivendeSystemAktor", 100),
            ("konteringskode", 20),
            ("eksternReferanse", 100),
            ("korrelasjonsid", 100),
        ):
            yield kind, {name: ""}, name
            yield kind, {name: "x" * (longest + 1)}, name
        for name in ("svarPaForsendelseId", "utskriftskonfigurasjon", "kryptert"):
            yield kind, {name: "ja vel"}, name
        yield kind, {"tittel": ...}, "tittel"
    for kind in ("organisasjon", "person", "print"):
        wrong = ({"type": "ANNET"}, {"digitalId": "x"}, {"digitalId": "1" * 12}, {"adresse": None}, {"navn": ""})
        yield from (
            (kind, {"svarSendesTil": ANSWERS_TO | change}, f"svarSendesTil.{next(iter(change))}") for change in wrong
        )
        for change in (
            {"adresselinje1": None},
            {"adresselinje1": "x" * 71},
            {"poststed": "x" * 71},
            {"postnummer": "x" * 21},
            {"landkode": "NOR"},
        ):
            recipient = V3[kind]["mottaker"] | {"adresse": V3_ADDRESS | change}
            yield kind, {"mottaker": recipient}, f"mottaker.adresse.{next(iter(change))}"
        yield kind, {"dokumenter": [V3[kind]["dokumenter"][0] | {"giroarkSide": 0}]}, "dokumenter.0.giroarkSide"
        yield kind, {"dokumenter": [V3[kind]["dokumenter"][0] | {"mimeType": "x" * 128}]}, "dokumenter.0.mimeType"
    for kind in ("organisasjon", "person"):
        link = V3[kind]["lenker"][0]
        yield kind, {"lenker": [link] * 6}, "lenker"
        yield kind, {"lenker": [link | {"url": "https://a.example/" + "x" * 1000}]}, "lenker.0.url"
        yield kind, {"lenker": [link | {"tekst": "x" * 101}]}, "lenker.0.tekst"
        yield kind, {"lenker": [link | {"ledetekst": "x" * 101}]}, "lenker.0.ledetekst"
        yield kind, {"sikkerhetsniva": "3"}, "sikkerhetsniva"
        yield kind, {"mottaker": V3[kind]["mottaker"] | {"digitalId": "1" * 12}}, "mottaker.digitalId"
    document = V3["organisasjon"]["dokumenter"][0]
    extra = {"key": "k", "value": "v"}
    yield "organisasjon", {"dokumenter": [document | {"ekstraMetadata": [extra] * 21}]}, "dokumenter.0.ekstraMetadata"
    for change in ({"key": "x" * 101}, {"value": "x" * 501}):
        yield "organisasjon", {"dokumenter": [document | {"ekstraMetadata": [extra | change]}]}, next(iter(change))
    yield "organisasjon", {"dokumenter": [document | {"dokumentType": "x" * 101}]}, "dokumenter.0.dokumentType"
    yield "organisasjon", {"forsendelsestype": "x" * 101}, "forsendelsestype"
    yield "organisasjon", {"forsendelsestype": "finnes.ikke"}, "finnes.ikke"
    signing = V3["person"]["signering"]
    for change in ({"signaturType": "ANNEN"}, {"signeringUtloper": "i morgen"}, {"signaturType": None}):
        yield "person", {"signering": signing | change}, f"signering.{next(iter(change))}"
    yield "print", {"dokumenter": [{"filnavn": "brev.pdf", "mimeType": "text/plain"}]}, "dokumenter.0.mimeType"
    yield "print", {"mottaker": {"navn": "N"}}, "mottaker.adresse"
    patient, contact = V3["nhn"]["pasient"], V3["nhn"]["avsenderKontakt"]
    yield "nhn", {"mottakertype": "LEGE"}, "mottakertype"
    yield "nhn", {"mottakerHerId": None}, "mottakerHerId"
    yield "nhn", {"beskrivelse": "x" * 5001}, "beskrivelse"
    for name in ("fornavn", "etternavn"):
        yield "nhn", {"pasient": patient | {name: "x" * 31}}, f"pasient.{name}"
        yield "nhn", {"avsenderKontakt": contact | {name: None}}, f"avsenderKontakt.{name}"
    yield "nhn", {"pasient": patient | {"fodselsnummer": "1"}}, "pasient.fodselsnummer"
    yield "nhn", {"avsenderKontakt": contact | {"telefonnummer": None}}, "avsenderKontakt.telefonnummer"


def test_a_field_that_is_wrong_is_refused_and_named(sandbox: RunningSandbox) -> None:
    """One test for all, as one letter is like another; each is a row of the published tables."""
    with httpx.Client() as client:
        right = headers(sandbox)
        for kind, changed, names in wrong_fields():
            written = multipart(v3_letter(kind, **changed))
            written["headers"] |= right
            answer = client.post(f"{account(sandbox)}/{kind}", **written)
            assert_refused(answer, 400, says=names)


@pytest.mark.parametrize(
    "changed",
    [
        {"svarSendesTil": {name: value for name, value in ANSWERS_TO.items() if name != "type"}},
        {"mottaker": {"navn": "Fjordvakt", "digitalId": "100000016"}},
        {"svarSendesTil": ANSWERS_TO | {"type": "NHN_MOTTAKER", "digitalId": "1"}, "kanSvareViaEdialog": False},
    ],
)
def test_what_older_clients_leave_out_is_taken(sandbox: RunningSandbox, changed: dict[str, Any]) -> None:
    written = multipart(v3_letter("organisasjon", **changed), part_name="dokumenter", ascii_only=True)
    written["headers"] |= headers(sandbox)

    assert sandbox.http.post(f"{account(sandbox)}/organisasjon", **written).status_code == 200


def test_a_letter_may_hold_links_alone(sandbox: RunningSandbox) -> None:
    letter = v3_letter("organisasjon", lenker=[{"url": "urn:x:y", "tekst": "x"}], dokumenter=None)
    content, content_type = body(letter)
    right = headers(sandbox) | {"Content-Type": content_type}

    assert sandbox.http.post(f"{account(sandbox)}/organisasjon", content=content, headers=right).status_code == 200


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"ikke pdf", "nøyaktig ett PDF"), (b"%PDF-" + bytes(18 * 1024 * 1024), "18 MB")],
)
def test_the_health_network_takes_one_pdf_of_18_mb(sandbox: RunningSandbox, content: bytes, says: str) -> None:
    assert_refused(send(sandbox, "nhn", v3_letter("nhn"), content), 400, says=says)


def test_the_health_network_takes_one_document(sandbox: RunningSandbox) -> None:
    written = multipart(v3_letter("nhn"), ("a.pdf", PDF), ("b.pdf", PDF))
    written["headers"] |= headers(sandbox)

    assert_refused(sandbox.http.post(f"{account(sandbox)}/nhn", **written), 400, says="nøyaktig ett PDF")


def followed(sandbox: RunningSandbox, kind: str, letter: dict[str, Any], times: int) -> list[str]:
    """A letter's status after each automatic step of ten minutes."""
    id, seen = send(sandbox, kind, letter).json()["id"], []
    for _ in range(times):
        asked = sandbox.http.post(f"{account(sandbox)}/status/sok", json={"id": [id]}, headers=headers(sandbox))
        seen.append(asked.json()["statuser"][0]["status"])
        sandbox.pass_time(600)
    return seen


def test_a_letter_to_the_health_network_arrives_there(new_sandbox: Any) -> None:
    with new_sandbox(svarut_step_seconds=600) as own:
        seen = followed(own, "nhn", v3_letter("nhn", mottakertype="FASTLEGE", mottakerHerId=None), 4)
        (kept,) = own.letters()

    assert seen == ["MOTTATT", "AKSEPTERT", "SENDT_NHN_MOTTAKER", "LEVERT_NHN_MOTTAKER"]
    assert kept["recipient_name"] == "Fastlegen til Fiktiv Rogn"


def test_a_patient_is_synthetic(sandbox: RunningSandbox) -> None:
    patient = V3["nhn"]["pasient"] | {"fodselsnummer": "12037532157"}

    message = assert_refused(send(sandbox, "nhn", v3_letter("nhn", pasient=patient)), 400, says="syntetisk")

    assert "12037532157" not in message["message"]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"dokumenter": [V3["person"]["dokumenter"][0] | {"skalSigneres": False}]}, "nøyaktig ett PDF"),
        ({"signering": None}, "signeringUtloper og signaturType mangler"),
        ({"signering": V3["person"]["signering"] | {"signeringUtloper": "2026-01-01T00:00:00+01:00"}}, "ett døgn"),
        ({"svarSendesTil": None, "kanSvareViaEdialog": False}, "svarSendesTil med organisasjonsnummer"),
    ],
)
def test_what_a_letter_to_be_signed_needs(sandbox: RunningSandbox, changed: dict[str, Any], says: str) -> None:
    assert_refused(send(sandbox, "person", v3_letter("person", **changed)), 400, says=says)


def test_the_newest_status_words_tell_of_altinn_in_two_steps(new_sandbox: Any) -> None:
    recipient = {"navn": "Kvarts", "digitalId": "100000067"}
    with new_sandbox(svarut_newest_statuses=True, svarut_step_seconds=600) as own:
        seen = followed(own, "organisasjon", v3_letter("organisasjon", mottaker=recipient), 4)

    assert seen == ["MOTTATT", "AKSEPTERT", "SENDT_ALTINN", "LEVERT_ALTINN"]


def test_the_leftover_path_without_a_kind_is_none(sandbox: RunningSandbox) -> None:
    written = multipart(v3_letter("person", mottaker=PERSON | {"navn": str(new_id())}))
    written["headers"] |= headers(sandbox)

    assert_refused(sandbox.http.post(f"{account(sandbox)}/", **written), 404, says="", error="Not Found")
