"""What becomes of letters at SvarUT: fates, deadlines, defects, signing, downloads; and who may send them."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from cryptography import x509

from services.chassis.values import new_id
from tests.sandbox.receiving import Receiver
from tests.sandbox.running import RunningSandbox
from tests.sandbox.svarut import PDF, account, basic, headers, letter, multipart, sealed, send, v1
from tests.sandbox.svarut_fields import v1_letter, v3_letter
from tests.sandbox.test_svarut import assert_refused

KVARTS = {"navn": "Kvarts Rådgivning AS (fiktiv)", "digitalId": "100000067"}
"""Has no receiving system: its letters come by Altinn."""
LOCKED = b"%PDF-1.7\ntrailer << /Root 1 0 R /Encrypt 5 0 R >>\n%%EOF\n"


@pytest.fixture(scope="module")
def own(new_module_sandbox: Any) -> Iterator[RunningSandbox]:
    """Steps take ten minutes, so that nothing happens before it is told to."""
    with new_module_sandbox(svarut_step_seconds=600, svarut_largest_print=2000) as running:
        yield running


def control(sandbox: RunningSandbox, method: str, path: str, **more: Any) -> httpx.Response:
    return sandbox.http.request(method, f"{sandbox.control_url}/_sandbox/svarut{path}", **more)


def known(sandbox: RunningSandbox, id: str) -> dict[str, Any]:
    return dict(control(sandbox, "GET", f"/letters/{id}").raise_for_status().json())


def status(sandbox: RunningSandbox, id: str) -> str:
    return str(known(sandbox, id)["status"])


def sent(sandbox: RunningSandbox, content: bytes = PDF, **changed: Any) -> str:
    answer = send(sandbox, letter(**changed), ("brev.pdf", content))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def followed(sandbox: RunningSandbox, id: str, times: int) -> list[str]:
    seen = []
    for _ in range(times):
        seen.append(status(sandbox, id))
        sandbox.pass_time(600)
    return seen


# --- fates ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fate", "seen"),
    [
        ("AVVIST", ["MOTTATT", "AVVIST", "AVVIST"]),
        ("FEILET_UNDER_MOTTAK", ["MOTTATT", "FEILET_UNDER_MOTTAK", "FEILET_UNDER_MOTTAK"]),
        ("IKKE_LEVERT", ["MOTTATT", "AKSEPTERT", "IKKE_LEVERT"]),
        ("SENDT_PRINT", ["MOTTATT", "AKSEPTERT", "SENDT_PRINT"]),
        ("AKSEPTERT", ["MOTTATT", "AKSEPTERT", "AKSEPTERT"]),
    ],
)
def test_a_letter_that_was_taken_meets_its_fate_later(own: RunningSandbox, fate: str, seen: list[str]) -> None:
    made = control(own, "POST", "/fates", json={"status": fate})
    assert (made.status_code, made.json()["times"]) == (201, 1)

    first, second = sent(own), sent(own)

    assert followed(own, first, 3) == seen
    assert status(own, second) == "KLAR_FOR_MOTTAK", "it was for one letter"
    assert control(own, "GET", "/fates").json() == {"items": []}


def test_a_fate_waits_for_the_letter_it_is_for(own: RunningSandbox) -> None:
    control(own, "POST", "/fates", json={"status": "AVVIST", "external_reference": "r1"}).raise_for_status()
    control(own, "POST", "/fates", json={"status": "IKKE_LEVERT", "recipient_number": "100000067"}).raise_for_status()
    control(own, "POST", "/fates", json={"status": "MOTTATT"}).raise_for_status()
    ids = [sent(own, **one) for one in ({}, {"mottaker": KVARTS}, {"eksternReferanse": "r1"}, {})]

    own.pass_time(1200)

    assert [status(own, id) for id in ids] == ["MOTTATT", "IKKE_LEVERT", "AVVIST", "KLAR_FOR_MOTTAK"]


def test_fates_are_taken_away(own: RunningSandbox) -> None:
    ids = [control(own, "POST", "/fates", json={"status": "AVVIST", "times": 9}).json()["id"] for _ in range(2)]

    assert control(own, "DELETE", f"/fates/{ids[0]}").status_code == 204
    assert control(own, "DELETE", f"/fates/{ids[0]}").status_code == 404
    assert [one["id"] for one in control(own, "GET", "/fates").json()["items"]] == [ids[1]]
    assert control(own, "DELETE", "/fates").status_code == 204
    assert control(own, "GET", "/fates").json() == {"items": []}
    assert control(own, "POST", "/fates", json={"status": "ANNET"}).status_code == 422


# --- deadlines -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "after", "end"),
    [
        ({}, "SENDT_PRINT", "PRINTET"),
        ({"kunDigitalLevering": True}, "SENDT_DIGITALT", "SENDT_DIGITALT"),
    ],
)
def test_an_unread_letter_in_altinn_goes_on_after_forty_working_hours(
    own: RunningSandbox, changed: dict[str, Any], after: str, end: str
) -> None:
    id = sent(own, mottaker=KVARTS, **changed)
    own.pass_time(1200)
    assert status(own, id) == "VARSLET"

    own.pass_time(working_hours=39)
    assert status(own, id) == "VARSLET"
    own.pass_time(working_hours=1)
    assert status(own, id) == after
    own.pass_time(600)
    assert status(own, id) == end


def test_a_sender_may_not_want_unread_letters_printed(own: RunningSandbox) -> None:
    accounts = control(own, "GET", "/accounts").json()["items"]
    (ours,) = [one["konto"] for one in accounts if one["user_name"] == "samvirke"]
    assert control(own, "PATCH", f"/accounts/{ours}", json={"forwards_unread": False}).status_code == 204
    id = sent(own, mottaker=KVARTS)
    assert control(own, "PATCH", f"/accounts/{ours}", json={"forwards_unread": True}).status_code == 204

    own.pass_time(1200, working_hours=100)

    assert status(own, id) == "VARSLET"
    assert control(own, "PATCH", f"/accounts/{new_id()}", json={"forwards_unread": True}).status_code == 404


def test_what_svarinn_cannot_take_goes_to_altinn_and_is_told(own: RunningSandbox) -> None:
    id = sent(own)
    own.pass_time(1200)
    receiver = Receiver(own.svarut_url, "fjordvakt", own.keys_folder)
    told = {"feilmelding": "Full disk", "permanent": True}

    receiver.call("POST", f"/svarinn/mottakFeilet/forsendelse/{id}", json=told).raise_for_status()

    assert status(own, id) == "VARSLET"
    assert [one["text"] for one in known(own, id)["events"]] == [
        "Mottatt, og tildelt forsendelse-id",
        "Metadata er validert OK",
        "Akseptert for ekspedering",
        "Klar for mottak i SvarInn",
        "Sendt til Altinn, og mottaker er varslet",
    ]


# --- what is noticed afterwards ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "why"),
    [(LOCKED, "'brev.pdf' er passordbeskyttet"), (b"<html>", "'brev.pdf' er ingen gyldig PDF")],
)
def test_a_pdf_that_cannot_be_used_is_rejected_later(own: RunningSandbox, content: bytes, why: str) -> None:
    id = sent(own, content)

    assert followed(own, id, 2) == ["MOTTATT", "AVVIST"]
    letter = known(own, id)
    assert letter["defect"] == why
    assert letter["events"][-1]["text"] == f"Forsendelsen er avvist: {why}"


def test_documents_encrypted_for_svarut_are_opened(own: RunningSandbox) -> None:
    certificate = own.http.get(f"{own.svarut_url}/forsendelse/publickey/hent")
    assert certificate.status_code == 200
    assert x509.load_pem_x509_certificate(certificate.content).public_key().key_size == 2048  # type: ignore[union-attr]  # RSA
    assert own.http.get(f"{own.svarut_url}/forsendelse/publickey/hent").content == certificate.content, "one for all"

    id = sent(own, sealed(own, PDF), kryptert=True, sikkerhetsniva="HOYESTE")
    plain = sent(own, PDF, kryptert=True)
    own.pass_time(1200)

    assert (status(own, id), status(own, plain)) == ("KLAR_FOR_MOTTAK", "AVVIST")
    assert control(own, "GET", f"/letters/{id}/documents/1").content == PDF
    assert known(own, plain)["defect"] == "'brev.pdf' kunne ikke dekrypteres"


@pytest.mark.parametrize(
    ("size", "digital", "status_code"), [(1999, False, 200), (2000, False, 400), (2000, True, 200)]
)
def test_what_may_be_printed_is_not_too_large(own: RunningSandbox, size: int, digital: bool, status_code: int) -> None:
    content = b"%PDF-".ljust(size, b" ")

    answer = send(own, letter(kunDigitalLevering=digital), ("brev.pdf", content))

    assert answer.status_code == status_code


# --- recipients ----------------------------------------------------------------------------------------------


def test_a_letter_is_read_when_all_of_it_has_been_fetched(own: RunningSandbox) -> None:
    metadata = letter("a.pdf", "b æ.pdf", mottaker=KVARTS)
    id = send(own, metadata, ("a.pdf", PDF), ("b æ.pdf", PDF)).json()["id"]
    own.pass_time(1200)
    url = f"{own.svarut_url}/forsendelse/{id}"

    for number in (1, 1):
        assert own.http.get(f"{url}/{number}").content == PDF
    assert own.http.get(f"{url}/2", headers=headers(own)).content == PDF, "the sender does not read it"
    assert own.http.get(f"{url}/2", auth=basic(own)).content == PDF
    assert status(own, id) == "VARSLET"

    last = own.http.get(f"{url}/2")

    assert last.headers["content-disposition"] == "attachment; filename*=UTF-8''b%20%C3%A6.pdf"
    assert status(own, id) == "LEST"
    assert_refused(own.http.get(f"{url}/3"), 404, says="", error="Not Found")
    other = ("100000016", own.settings.svarut_service_password)
    assert_refused(own.http.get(f"{url}/1", auth=other), 404, says="finnes ikke", error="Not Found")


def person_letter(own: RunningSandbox) -> str:
    written = multipart(v3_letter("person"), ("brev.pdf", PDF))
    written["headers"] |= headers(own)
    return str(own.http.post(f"{account(own)}/person", **written).raise_for_status().json()["id"])


def signing_log(own: RunningSandbox, id: str) -> list[dict[str, str]]:
    answer = own.http.get(f"{v1(own)}/{id}/signeringhistorikk", auth=basic(own))
    assert [list(one) for one in answer.json()["logg"]] == [["tidspunkt", "type", "hendelse"]] * len(
        answer.json()["logg"]
    )
    return list(answer.json()["logg"])


def signing_statuses(own: RunningSandbox, id: str) -> list[str]:
    url = f"{own.svarut_url}/api/v2/forsendelser/{id}/signeringshendelser"
    return [one["status"] for one in own.http.get(url, headers=headers(own)).json()["hendelser"]]


def test_what_a_person_signs_comes_back_as_a_letter(own: RunningSandbox) -> None:
    id = person_letter(own)
    page = own.http.get(f"{own.svarut_url}/forsendelse/{id}/1/signering")
    assert 'name="svar" value="signer"' in page.text

    done = own.http.post(f"{own.svarut_url}/forsendelse/{id}/1/signering", data={"svar": "signer"})

    assert done.status_code == 200
    assert [one["type"] for one in signing_log(own, id)] == [
        "SigneringsoppdragRegistrert",
        "SigneringsoppdragStartet",
        "SigneringsoppdragFullfort",
    ]
    assert signing_statuses(own, id) == ["VENTER_SIGNERING", "VENTER_SIGNERING", "SIGNERT_AV_MOTTAKER"]
    reply = known(own, signing_log(own, id)[-1]["hendelse"].rpartition(" ")[2])
    assert (reply["recipient_number"], reply["forsendelse"]["svarPaForsendelseId"]) == ("100000008", id)
    assert reply["forsendelse"]["forsendelsestype"] == "ks.signertforsendelse"
    assert control(own, "GET", f"/letters/{reply['id']}/documents/1").content == PDF
    again = control(own, "POST", f"/letters/{id}/signing", json={"outcome": "signed"})
    assert (again.status_code, again.json()["type"]) == (409, "/problems/nothing-to-sign")


def test_after_a_refusal_nothing_comes_back(own: RunningSandbox) -> None:
    id, before = person_letter(own), len(own.letters())

    answer = control(own, "POST", f"/letters/{id}/signing", json={"outcome": "refused"})

    assert [one["status"] for one in answer.json()["steps"]] == [
        "VENTER_SIGNERING",
        "VENTER_SIGNERING",
        "AVVIST_AV_MOTTAKER",
    ]
    assert answer.json()["reply"] is None
    assert len(own.letters()) == before
    assert signing_log(own, id)[-1]["type"] == "SigneringsoppdragAvvistAvMottaker"


def test_a_letter_that_is_rejected_cannot_be_signed(own: RunningSandbox) -> None:
    id = person_letter(own)
    own.move(id, "AVVIST")

    assert signing_statuses(own, id) == ["VENTER_SIGNERING", "AVVIST_AV_SVARUT"]
    assert control(own, "POST", f"/letters/{id}/signing", json={"outcome": "signed"}).status_code == 409
    assert control(own, "POST", f"/letters/{sent(own)}/signing", json={"outcome": "signed"}).status_code == 409


def test_signing_ends_when_its_time_is_over_even_if_the_letter_was_printed(new_sandbox: Any) -> None:
    with new_sandbox() as alone:
        id = person_letter(alone)
        alone.move(id, "AKSEPTERT")
        alone.move(id, "SENDT_PRINT")
        assert control(alone, "GET", f"/letters/{id}/signing").json()["steps"][-1]["status"] == "VENTER_SIGNERING"

        for _ in range(80):
            alone.pass_time(31_536_000)

        assert signing_statuses(alone, id) == ["VENTER_SIGNERING", "UTLOPT"]


# --- senders -------------------------------------------------------------------------------------------------


def test_a_sender_of_v1_gets_an_integration_whose_password_changes_each_time(own: RunningSandbox) -> None:
    url = f"{own.svarut_url}/svarut-konfigurasjon/api/v1/migrering/integrasjoner"
    asked = {"maskinportenToken": own.token("integration-service", ["ks:fiks"])}
    sender = ("100000016", own.settings.svarut_service_password)

    first, second = (own.http.post(url, json=asked, auth=sender).raise_for_status().json() for _ in range(2))

    assert list(first) == ["id", "passord", "kontoId"]
    assert (first["id"], first["kontoId"]) == (second["id"], second["kontoId"])
    assert first["passord"] != second["passord"]
    assert str(UUID(first["id"])) == first["id"]
    konto = f"{own.svarut_url}/api/v2/kontoer/{first['kontoId']}/forsendelser?eksternRef=x"
    right = headers(own) | {"IntegrasjonId": first["id"], "IntegrasjonPassord": second["passord"]}
    assert own.http.get(konto, headers=right).json() == {"forsendelseIds": []}
    old = own.http.get(konto, headers=right | {"IntegrasjonPassord": first["passord"]})
    assert_refused(old, 401, says="Autentisering feilet for integrasjon med id", error="Unauthorized")
    assert_refused(own.http.get(konto, headers=headers(own)), 403, says="ikke tilgang", error="Forbidden")
    bad = {"maskinportenToken": "x"}
    assert_refused(own.http.post(url, json=bad, auth=sender), 401, says="access_token", error="Unauthorized")
    assert_refused(own.http.post(url, json={}, auth=sender), 400, says="maskinportenToken")
    assert_refused(own.http.post(url, json=asked), 401, says="brukernavn", error="Unauthorized")


def test_repeats_are_counted_whatever_version_they_come_through(new_sandbox: Any) -> None:
    with new_sandbox(svarut_duplicates=1) as alone:
        same = v1_letter(tittel="Den samme", mottaker={"digitalAdresse": {"organisasjonsNummer": "100000016"}})
        same["kunDigitalLevering"] = True
        ours = {"tittel": "Den samme", "mottaker": {"navn": "(uten navn)", "digitalId": "100000016"}}

        by_v1 = [
            alone.http.post(f"{v1(alone)}/sendForsendelse", auth=basic(alone), **multipart(same)) for _ in range(2)
        ]

        assert [one.status_code for one in by_v1] == [200, 400]
        assert "er forsøkt sendt tidligere" in send(alone, letter(**ours)).json()["message"]


def test_time_runs_as_fast_as_control_says(new_sandbox: Any) -> None:
    with new_sandbox(svarut_step_seconds=86_400) as alone:
        id = send(alone, letter(mottaker=KVARTS)).json()["id"]
        control(alone, "POST", "/clock", json={"speed": 1_000_000}).raise_for_status()

        while status(alone, id) != "PRINTET":
            continue

        assert control(alone, "GET", "/clock").json()["now"] > known(alone, id)["received_at"]
