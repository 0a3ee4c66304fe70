"""The letters that a supplier gets: they name all that matters, can be archived, and are always the same bytes."""

import io
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from pypdf import PdfReader

from services.agreements.calloffs import letter, store
from services.agreements.letters import store as letters
from tests.agreements.conftest import Place
from tests.conftest import state


def text(pdf: bytes) -> str:
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]
    return " ".join(" ".join(pages).replace("\u202f", " ").split())


def made(api: TestClient, id: str, kind: str) -> bytes:
    with state(api).database.reading() as reader:
        row, _, lines = store.for_letter(reader, UUID(id), kind)
    return letter.pdf(row, lines, kind, public_url="https://avtaler.example.no")


def test_the_order_letter_names_all_that_matters(api: TestClient, place: Place) -> None:
    order = [{"item": "alarm", "quantity": 3}, {"item": "montering", "quantity": 2}]
    call_off = place(lines=order, reference="Hjemmetjenesten 42").json()
    said = text(made(api, call_off["id"], "order"))
    for part in (
        f"Bestilling {call_off['number']}",
        "Fra Brønnøy kommune Organisasjonsnummer 964983291",
        "Til Fjordvakt Velferd AS (fiktiv) Organisasjonsnummer 100000016",
        "ra-2026-velferdsteknologi",
        "Trygghetsalarmer",
        "01.06.2029",
        "Hjemmetjenesten 42",
        "fjordvakt-alarm: SV-2026-000001",
        "Trygghetsalarm (alarm) 3 stk 2 400,00 7 200,00 25 % 1 800,00",
        "Montering av alarm (montering) 2 stk 890,00 1 780,00 25 % 445,00",
        "Sum uten merverdiavgift kr 8 980,00",
        "Merverdiavgift kr 2 245,00",
        "Sum med merverdiavgift kr 11 225,00",
        "Side 1 av 1",
    ):
        assert part in said


def test_the_cancellation_says_so(api: TestClient, place: Place, buyer: dict[str, str]) -> None:
    call_off = place().json()
    api.post(f"/call-offs/{call_off['id']}/cancel", json={}, headers=buyer)
    said = text(made(api, call_off["id"], "cancellation"))
    assert f"Avbestilling {call_off['number']}" in said
    assert "Den skal ikke leveres" in said


def test_the_same_call_off_gives_the_same_bytes(api: TestClient, place: Place) -> None:
    id = place().json()["id"]
    assert made(api, id, "order") == made(api, id, "order")


def test_it_can_be_archived_and_read_aloud(api: TestClient, place: Place) -> None:
    pdf = PdfReader(io.BytesIO(made(api, place().json()["id"], "order")))
    metadata = pdf.xmp_metadata
    assert metadata
    about = metadata.stream.get_data().decode()
    assert "<pdfaid:part>2</pdfaid:part>" in about
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in about
    assert "<pdfuaid:part>1</pdfuaid:part>" in about
    assert str(pdf.root_object["/Lang"]) == "nb"


@pytest.mark.parametrize("reference", ['#panic("x")', "*fet* _kursiv_ $x$ @ref <l> \\ //", "æøå ÆØÅ đŋš «»"])
def test_what_a_buyer_writes_stays_text(api: TestClient, place: Place, reference: str) -> None:
    said = text(made(api, place(reference=reference).json()["id"], "order"))
    assert " ".join(reference.split()) in said


def test_the_letter_is_there_once_it_is_made(api: TestClient, place: Place, buyer: dict[str, str]) -> None:
    id = place().json()["id"]
    answer = api.get(f"/call-offs/{id}/letter", headers=buyer)
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/letter-not-made")
    pdf = made(api, id, "order")
    with state(api).database.writing() as session:
        _, kept, _ = store.for_letter(session, UUID(id), "order")
        letters.keep_pdf(session, kept, pdf)
        again = letters.keep_pdf(session, kept, b"another", "nn")
        assert again == (pdf, "nb"), "the first that was made is the one that counts"
    answer = api.get(f"/call-offs/{id}/letter", headers=buyer)
    assert (answer.content, answer.headers["content-type"]) == (pdf, "application/pdf")
