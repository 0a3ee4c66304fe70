"""A letter's documents are what they say, can be read, and harm nobody; all that is wrong with them is told at once."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from services.chassis.foreign_files import examination
from services.integration.app import create_app
from services.integration.dispatches import rules
from services.integration.dispatches.shapes import EXAMPLE_PDF
from services.integration.settings import Settings
from tests.catalog import evidence as foreign
from tests.catalog.evidence import JPEG, PDF, PNG, TEXT, ZIP
from tests.conftest import Databases
from tests.integration.conftest import HandIn, document, letter
from tests.issuer import Issuer

TAKEN = (PDF, PNG, JPEG, TEXT, ZIP)
GOOD = [
    ("skisse.png", PNG, foreign.png(800, 600)),
    ("bilde.jpg", JPEG, foreign.jpeg(800, 600)),
    ("logg.txt", TEXT, "Logg\tæøå\n".encode()),
    ("logger.zip", ZIP, foreign.archive([("logg/en.txt", b"a" * 5000)])),
    ("skisse uten endelse", PNG, foreign.png(1, 1)),
]


@pytest.fixture(scope="module")
def api(databases: Databases, issuer: Issuer) -> Iterator[TestClient]:
    """One for all tests here: each has letters of its own."""
    with databases.lent() as create:
        settings = Settings(database_url=create("integration"), issuers=[issuer.trusted()])
        with TestClient(create_app(settings)) as client:
            yield client


def with_attachments(*attachments: tuple[str, bytes], **changes: Any) -> dict[str, Any]:
    """A letter with a good first document. `attachments`: (media type, content)"""
    further = [
        document(f"vedlegg-{number}", content=content, media_type=media_type)
        for number, (media_type, content) in enumerate(attachments, 1)
    ]
    return letter(documents=[document(), *further], **changes)


def new_pdf() -> bytes:
    """A PDF that nobody has looked through yet."""
    return EXAMPLE_PDF + f"%{uuid4()}\n".encode()


def told(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    return [(one["type"].removeprefix("/problems/"), one["pointer"]) for one in answer.json()["errors"]]


def is_kept(api: TestClient, headers: dict[str, str], body: dict[str, Any]) -> bool:
    return bool(api.get("/dispatches", params={"reference": body["reference"]}, headers=headers).json()["items"])


def test_attachments_that_are_what_they_say_are_taken_and_come_back(
    api: TestClient, hand_in: HandIn, bronnoy: dict[str, str]
) -> None:
    attached = [document(name, content=content, media_type=media_type) for name, media_type, content in GOOD]
    made = hand_in(letter(documents=[document(), *attached]))
    assert made.status_code == 201, made.text
    assert [one["media_type"] for one in made.json()["documents"]] == [PDF, *(media_type for _, media_type, _ in GOOD)]
    for position, (name, media_type, content) in enumerate(GOOD, 2):
        got = api.get(f"/dispatches/{made.json()['id']}/documents/{position}", headers=bronnoy)
        assert (got.content, got.headers["Content-Type"]) == (content, media_type)
        assert got.headers["Content-Disposition"] == f"attachment; filename*=UTF-8''{name.replace(' ', '%20')}"
        assert got.headers["X-Content-Type-Options"] == "nosniff"


def test_every_bomb_in_a_letter_is_told_with_its_place(
    api: TestClient, hand_in: HandIn, bronnoy: dict[str, str]
) -> None:
    bombs = [foreign.bomb(name) for name, (media_type, _) in foreign.BOMBS.items() if media_type in TAKEN]
    assert {media_type for media_type, _ in bombs} == {PDF, PNG, JPEG, ZIP}
    body = with_attachments(*bombs)
    assert told(hand_in(body)) == [
        ("document-unsafe", f"#/documents/{position}/content_base64") for position in range(1, len(bombs) + 1)
    ]
    assert not is_kept(api, bronnoy, body)


def test_every_document_that_is_something_else_is_told_with_its_place(hand_in: HandIn) -> None:
    others = [(media_type, content) for _, media_type, content in foreign.OTHERS if media_type in TAKEN]
    assert {media_type for media_type, _ in others} == set(TAKEN)
    assert set(told(hand_in(with_attachments(*others)))) == {
        (
            "not-pdf" if media_type == PDF and not content.startswith(b"%PDF-") else "document-mismatch",
            f"#/documents/{position}/content_base64",
        )
        for position, (media_type, content) in enumerate(others, 1)
    }


@pytest.mark.parametrize(
    ("content", "code", "why"),
    [
        (EXAMPLE_PDF.replace(b"<</Root 1 0 R", b"<</Encrypt 5 0 R/Root 1 0 R"), "document-unsafe", "encrypted"),
        (EXAMPLE_PDF[:200], "document-mismatch", "cut off"),
        (EXAMPLE_PDF.replace(b"startxref\n164", b"startxref\n16"), "document-mismatch", "does not lead to its parts"),
        (EXAMPLE_PDF.replace(b"startxref\n164", b"startxref\n9999999"), "document-mismatch", "does not lead to"),
        (b"%PDF-1.7\nhei\n%%EOF\n", "document-mismatch", "does not lead to its parts"),
    ],
    ids=["locked", "cut off", "leading elsewhere", "leading out of it", "no PDF inside"],
)
def test_the_letter_itself_is_a_pdf_that_can_be_read(hand_in: HandIn, content: bytes, code: str, why: str) -> None:
    answer = hand_in(letter(documents=[document(content=content)]))
    assert told(answer) == [(code, "#/documents/0/content_base64")]
    assert why in answer.json()["detail"]


def test_the_first_document_is_a_pdf(hand_in: HandIn) -> None:
    first = document("logg.txt", content=b"Logg", media_type=TEXT)
    assert told(hand_in(letter(documents=[first, document()]))) == [
        ("first-document-not-pdf", "#/documents/0/media_type")
    ]


def test_what_cannot_be_printed_is_not_sent_on_paper(hand_in: HandIn) -> None:
    body = with_attachments((TEXT, b"Logg"), (PDF, new_pdf()), channel="svarut_print")
    body["recipient"]["address"] = {"lines": ["Havnegata 1"], "postcode": "8905", "place": "Brønnøysund"}
    assert told(hand_in(body)) == [("attachment-not-printable", "#/documents/1/media_type")]


def test_what_stands_beside_and_within_a_document_is_told_at_once(hand_in: HandIn) -> None:
    body = with_attachments((PNG, foreign.png(60_000, 60_000)), (ZIP, foreign.encrypted()), title="Om 010203 12345")
    body["documents"][0]["filename"] = "a/b.pdf"
    assert told(hand_in(body)) == [
        ("personal-number-in-title", "#/title"),
        ("filename-invalid", "#/documents/0/filename"),
        ("document-unsafe", "#/documents/1/content_base64"),
        ("document-unsafe", "#/documents/2/content_base64"),
    ]


def test_a_document_and_a_letter_have_a_largest_size(hand_in: HandIn) -> None:
    largest = b"a" * rules.LARGEST_DOCUMENT_BYTES
    assert hand_in(with_attachments((TEXT, largest))).status_code == 201
    assert told(hand_in(with_attachments((TEXT, largest + b"a")))) == [
        ("document-too-large", "#/documents/1/content_base64")
    ]
    assert hand_in(with_attachments((TEXT, largest), (TEXT, largest))).status_code == 413


@contextmanager
def examiners_busy() -> Iterator[None]:
    with ExitStack() as stack:
        for _ in range(examination.AT_ONCE):
            stack.enter_context(examination.turns)
        yield


def test_a_letter_that_nobody_can_look_through_is_not_taken_until_somebody_can(
    api: TestClient, hand_in: HandIn, bronnoy: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examination, "TURN_SECONDS", 0.01)
    body = letter(documents=[document(content=new_pdf())])
    with examiners_busy():
        answer = hand_in(body, key=body["reference"])
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/examiners-of-documents-busy")
    assert answer.headers["Retry-After"]
    with monkeypatch.context() as no_process:
        no_process.setattr(sys, "executable", "/nowhere/python")
        answer = hand_in(body, key=body["reference"])
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/examiners-of-documents-busy")
    assert not is_kept(api, bronnoy, body)
    assert hand_in(body, key=body["reference"]).status_code == 201


def test_a_document_that_goes_to_many_is_looked_through_once(hand_in: HandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "TURN_SECONDS", 0.01)
    content = new_pdf()
    assert hand_in(letter(documents=[document(content=content)])).status_code == 201
    with examiners_busy():
        assert hand_in(letter(documents=[document("annet navn.pdf", content=content)])).status_code == 201
        assert hand_in(with_attachments((TEXT, content))).status_code == 503, "as another format it is another question"


def test_a_harmful_document_is_looked_through_each_time(hand_in: HandIn) -> None:
    body = with_attachments((PNG, foreign.png(60_000, 60_000)))
    assert told(hand_in(body)) == told(hand_in(body)) == [("document-unsafe", "#/documents/1/content_base64")]


def test_a_document_that_takes_too_much_is_ended_and_told(hand_in: HandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "CPU_SECONDS", 1)
    costly = foreign.pdf(b"stream\n\x78\x9c" * 1_000_000)
    assert told(hand_in(with_attachments((PDF, costly), (PNG, b"GIF89a")))) == [
        ("document-too-costly", "#/documents/1/content_base64"),
        ("document-mismatch", "#/documents/2/content_base64"),
    ]


def test_a_letter_of_many_documents_has_one_time_for_all(hand_in: HandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "LONGEST_EXAMINATION_SECONDS", -1)
    assert told(hand_in(with_attachments((TEXT, b"Logg")))) == [
        ("document-too-costly", f"#/documents/{position}/content_base64") for position in range(2)
    ]
