"""@vtfk/svarut, a county's client of SvarUT's REST v1, takes the sandbox for SvarUT."""

import base64
from pathlib import Path
from typing import Any

from services.chassis.values import new_id
from tests.clients.conftest import Node
from tests.sandbox.running import RunningSandbox
from tests.sandbox.svarut import PDF
from tests.sandbox.svarut_fields import MILLISECONDS, V1_ADDRESS

PERSON = {"postAdresse": V1_ADDRESS | {"navn": "Fiktiv Bjørk"}, "digitalAdresse": {"fodselsNummer": "12837532157"}}
COUNTY = {"postAdresse": V1_ADDRESS | {"navn": "Samvirke"}, "digitalAdresse": {"organisasjonsNummer": "100000008"}}
IN_A_LONG_TIME = 4_102_444_800_000
"""Milliseconds: the year 2100."""


def letter(**more: Any) -> dict[str, Any]:
    return {
        "tittel": f"Testforsendelse æ {new_id()}",
        "mottaker": PERSON,
        "dokumenter": [
            {"filnavn": "brev æ.pdf", "mimeType": "application/pdf", "data": base64.b64encode(PDF).decode()}
        ],
        "utskriftsKonfigurasjon": {"utskriftMedFarger": False, "tosidig": True},
        **more,
    }


def ask(node: Node, sandbox: RunningSandbox, attachment: Path, **changed: Any) -> dict[str, Any]:
    to_sign = letter(signaturType="AUTENTISERT_SIGNATUR", signeringUtloper=IN_A_LONG_TIME, svarSendesTil=COUNTY)
    to_sign["dokumenter"][0]["skalSigneres"] = True
    given: dict[str, Any] = {
        "url": sandbox.svarut_url,
        "username": sandbox.settings.svarut_user,
        "password": sandbox.settings.svarut_service_password,
        "letter": letter(eksternReferanse="sak 2026/12"),
        "attachment": str(attachment / "vedlegg.pdf"),
        "content": PDF.decode(),
        "signed": to_sign,
        "reference": "sak 2026/12",
        "read": {
            "lestAvFodselsNummer": "12837532157",
            "navnPaEksterntSystem": "Arkivet",
            "datoLest": MILLISECONDS,
        },
    }
    return node("svarut.mjs", **(given | changed))


def test_every_call_of_it_works(node: Node, sandbox: RunningSandbox, tmp_path: Path) -> None:
    got = ask(node, sandbox, tmp_path)

    id, to_sign = got["sent"]["id"], got["toSign"]["id"]
    assert [list(got[one]) for one in ("sent", "toSign")] == [["id"]] * 2
    assert got["before"]["statuser"][0]["forsendelsesId"] == {"id": id}
    assert got["setRead"] is True, "it says so for an empty answer"
    statuses = {one["forsendelsesId"]["id"]: one["status"] for one in got["status"]["statuser"]}
    assert set(statuses) == {id, to_sign}
    assert statuses[id] == "LEST"
    events = [one["hendelse"] for one in got["history"]["hendelsesLogger"]]
    assert (events[0], events[-1]) == ("Mottatt, og tildelt forsendelse-id", "Lest i Arkivet")
    assert got["signing"]["forsendelsesId"] == {"id": to_sign}
    assert [one["type"] for one in got["signing"]["logg"]] == ["SigneringsoppdragRegistrert"]
    assert [one["filnavn"] for one in got["metadata"]["dokumentMetadata"]] == ["brev æ.pdf", "vedlegg.pdf"]
    assert "ks.signertforsendelse" in got["types"]["forsendelseTyper"]
    assert {"id": id} in got["found"]["forsendelseIder"]
    (kept,) = [one for one in sandbox.letters() if one["id"] == id]
    assert [one["size"] for one in kept["documents"]] == [len(PDF)] * 2
    assert (got["wrong"]["status"], got["wrong"]["errorCode"]) == (400, None)
    assert "krever krypterte dokumenter" in got["wrong"]["message"], "it hands on what SvarUT says"


def test_it_does_not_get_in_with_wrong_credentials(node: Node, sandbox: RunningSandbox, tmp_path: Path) -> None:
    got = ask(node, sandbox, tmp_path, password="feil")

    assert {name: told["status"] for name, told in got.items()} == dict.fromkeys(got, 401)
