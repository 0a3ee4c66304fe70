"""How letters look and read: every kind in every language, long ones, and whatever people may write in them."""

import io
import json
import re
from pathlib import Path

import pytest
from pypdf import PdfReader
from pypdf.generic import DictionaryObject

from services.agreements.calloffs import letter
from services.agreements.certificate_notices import rules as certificate_notices
from services.agreements.letters import rules
from services.agreements.letters.rules import Kind, Language
from tests.agreements import documents
from tests.agreements.test_letters import text

TEMPLATES = Path(letter.__file__).with_name("templates")
WORDS = {language: json.loads((TEMPLATES / f"{language}.json").read_text()) for language in Language}
ODD = [
    '#panic("x") $x$ @ref <l> *fet*',
    "漢字 og 😀",
    "Ⴀ ⵣ ሀ",
    "control \x07, private \ue000, unassigned \u0378, \ufffe",
    "\u202emot venstre\u202c og \u200bingenting",
    "đŋš ŧž ÆØÅ e\u0301",
    "uten" * 100,
]


def pages(pdf: bytes) -> list[str]:
    read = [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]
    return [" ".join(one.replace("\u202f", " ").replace("\u200b", "").split()) for one in read]


@pytest.mark.parametrize("language", Language)
def test_the_languages_say_the_same_things(language: Language) -> None:
    def keys(words: object) -> object:
        return {name: keys(one) for name, one in words.items()} if isinstance(words, dict) else type(words)

    assert keys(WORDS[language]) == keys(WORDS[Language.NB])
    assert WORDS[language]["letters"].keys() == set(Kind)
    assert WORDS[language]["notices"].keys() == certificate_notices.TOLD


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("kind", Kind)
def test_every_letter_is_in_its_language_and_leads_to_its_call_off(kind: Kind, language: Language) -> None:
    pdf = documents.pdf(kind, language)
    read, words = PdfReader(io.BytesIO(pdf)), WORDS[language]
    title = f"{words['letters'][kind]['title']} AVR-2026-000001"
    url = f"{documents.PUBLIC_URL}/call-offs/{documents.ID}"
    assert (str(read.root_object["/Lang"]), read.metadata and read.metadata.title) == (language, title)
    said = text(pdf)
    for part in (
        title,
        f"{words['page']} 1 {words['of']} 1",
        f"{words['number']} AVR-2026-000001",
        words["gross"],
        url,
        re.sub(r"\*", "", words["letters"][kind]["intro"])[:60],
    ):
        assert " ".join(part.split()) in said
    objects = [read.get_object(number) for number in range(1, len(read.xref[0]))]
    alternatives = [str(one["/Alt"]) for one in objects if isinstance(one, DictionaryObject) and "/Alt" in one]
    assert alternatives == [f"{words['qr_alt']} AVR-2026-000001: {url}"], "what the QR code says, for who cannot see it"


def test_a_form_of_norwegian_decides_and_bokmål_when_there_is_none() -> None:
    assert [rules.language(form) for form in ("nn", "nb", "neutral", None)] == ["nn", "nb", "nb", "nb"]


def test_numbers_and_days_are_written_as_the_language_does() -> None:
    assert "12,5 %" in text(documents.pdf(Kind.ORDER, "nn"))
    english = text(documents.pdf(Kind.ORDER, "en"))
    for part in ("12.5 %", "7,200.00", "2029-06-01", "Welfare technology (fictional)", "Trygghetsalarmer"):
        assert part in english


def test_who_writes_stands_under_from() -> None:
    buyer, supplier = "Brønnøy kommune Organisasjonsnummer", "Fjordvakt Velferd AS (fiktiv) Organisasjonsnummer"
    assert f"Fra {buyer}" in text(documents.pdf(Kind.ORDER))
    assert f"Fra {supplier}" in text(documents.pdf(Kind.CONFIRMATION))
    assert f"Til {buyer}" in text(documents.pdf(Kind.RECALL))
    assert "Fra Fellesenheten (fiktiv) Organisasjonsnummer 100000008" in text(documents.pdf(Kind.RECALL))


def test_two_hundred_lines_are_all_there_and_every_page_says_whose_it_is() -> None:
    lines = [
        documents.line(f"vare-{i:03}", f"Trygghetsalarm med fallsensor og nøkkelboks, modell {i}", i * 97 + 1)
        for i in range(200)
    ]
    read = pages(documents.pdf(Kind.ORDER, lines=lines, buyer_name="Et navn som er langt nok til to linjer " * 3))
    assert len(read) > 5
    for number, page in enumerate(read, 1):
        assert f"Side {number} av {len(read)}" in page
        assert "Bestilling AVR-2026-000001" in page
        assert page.count("Vare Antall") == (1 if "vare-" in page else 0), "the head of the table is on each page"
    together = " ".join(read)
    assert re.findall(r"\(vare-(\d{3})\)", together) == [f"{i:03}" for i in range(200)]


@pytest.mark.parametrize("written", ODD)
def test_whatever_people_write_a_letter_is_made_of_it(written: str) -> None:
    """A letter that could not be set would be tried for ever; what no font has is shown as a box."""
    said = text(documents.pdf(Kind.CHANGE_REQUEST, reference=written, buyer_name=written[:60]))
    assert "Ønske om endring av bestilling AVR-2026-000001" in said
    if written.isascii():
        assert "".join(written.split()) in "".join(said.split()).replace("\u200b", "")


def test_a_preview_says_on_its_page_that_it_is_none() -> None:
    said = text(documents.pdf(Kind.ORDER, "nn", preview=True))
    assert "Dette brevet er ikkje sendt, og ingen er bunden av det." in said
    assert "Førehandsvising" not in text(documents.pdf(Kind.ORDER, "nn"))
