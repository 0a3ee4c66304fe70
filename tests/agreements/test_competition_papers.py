"""A mini-competition's papers as people read them: every kind in every language, and whatever people write in them."""

import io
import json
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from pypdf import PdfReader

from services.agreements.competition_papers import document
from services.agreements.competition_papers.rules import AWARD, Answered, Kind, Line, Party
from services.agreements.criteria import rules as criteria
from services.agreements.letters.rules import Language
from tests.agreements import papers
from tests.agreements.test_letter_documents import ODD, pages
from tests.agreements.test_letters import text
from tests.agreements.test_letters_conform import failures

TEMPLATES = Path(document.__file__).with_name("templates")
WORDS = {language: json.loads((TEMPLATES / f"{language}.json").read_text()) for language in Language}


@pytest.mark.parametrize("language", Language)
def test_the_languages_say_the_same_things(language: Language) -> None:
    def shape(words: object) -> object:
        if isinstance(words, dict):
            return {name: shape(one) for name, one in words.items()}
        return re.findall(r"{\w*}", words) if isinstance(words, str) else type(words)

    assert shape(WORDS[language]) == shape(WORDS[Language.NB])
    assert WORDS[language]["letters"].keys() == set(Kind)
    assert WORDS[language]["formulas"].keys() == {*criteria.Formula, criteria.Kind.MUST}
    assert WORDS[language]["kinds"].keys() == set(criteria.Kind)
    assert WORDS[language]["ties"].keys() == set(criteria.Tie)
    for formula, meaning in criteria.FORMULAS.items():
        assert re.findall(r"{(\w+)}", WORDS[language]["formulas"][formula]) == list(meaning.parameters)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("kind", Kind)
def test_every_paper_is_in_its_language_and_can_be_archived_and_read_aloud(kind: Kind, language: Language) -> None:
    pdf, words = papers.pdf(kind, language), WORDS[language]
    read = PdfReader(io.BytesIO(pdf))
    title = f"{words['letters'][kind]['title']} MK-2026-000001"
    assert (str(read.root_object["/Lang"]), read.metadata and read.metadata.title) == (language, title)
    assert f"{papers.PUBLIC_URL}{papers.COMPETITION.path}" in text(pdf).replace("\u200b", "")
    if language is Language.NB or kind is Kind.EVALUATION_REPORT:  # the others differ in their words only
        assert failures(pdf) == []


def test_the_invitation_says_what_is_bought_how_bids_are_weighed_and_until_when() -> None:
    said = text(papers.pdf(Kind.INVITATION))
    for part in (
        "Til Fjordvakt Velferd AS (fiktiv) Organisasjonsnummer 100000016",
        "Fra Brønnøy kommune Organisasjonsnummer 964983291",
        "Tilbudsfrist 20.11.2026 kl. 12.00",
        "Spørsmål innen 10.11.2026 kl. 12.00",
        "Karensperiode 10 kalenderdager",
        "Kravspesifikasjon kravspesifikasjon-trygghetsalarm, 2.0.0",
        "Vurderes av Fagansvarlig, IKT-arkitekt",
        "Trygghetsalarm alarm 1 200 stk",
        "Løsningsforslag quality 37,5 % 100 × gjennomsnittet av det evaluatorene gir / 10.",
        "Krav LOGG-1 i kravspesifikasjonen.",
        "Høyeste sum: kr 1 284 000,00",
        "loddtrekning med et tall som ble trukket ved kunngjøringen",
        "Prisene kan ikke være høyere enn de som gjaldt i prislisten deres",
    ):
        assert part in said
    assert "avhenger også av de andre" not in said


def test_a_formula_that_looks_at_other_bids_is_flagged_where_bidders_read_it() -> None:
    price = replace(papers.COMPETITION.criteria[0], formula="lowest_over_price", relative=True)
    about = replace(papers.COMPETITION, criteria=(price, *papers.COMPETITION.criteria[1:]), above_price_list=True)
    said = text(papers.pdf(Kind.INVITATION, competition=about))
    assert "100 × laveste tilbudte sum / tilbudt sum. Poengene avhenger også av de andre tilbudene." in said
    assert "Prisene kan være høyere enn i prislisten deres." in said


def test_the_record_of_the_opening_has_every_bid_with_its_receipt_and_who_gave_none() -> None:
    said = text(papers.pdf(Kind.OPENING_RECORD)).replace("\u200b", "")
    for part in (
        "Utarbeidet av Brønnøy kommune",
        "Åpnet 20.11.2026 kl. 12.00.07",
        "Nordlys Trygghet AS (fiktiv) 100000024 20.11.2026 kl. 11.59.58 989 000,00 247 250,00",
        "Inviterte uten tilbud • Havørn (fiktiv) (100000032)",
        "Vedlegg losning.pdf, opplæring.pdf",
        "9f86" * 16,
    ):
        assert part in said
    none = text(papers.pdf(Kind.OPENING_RECORD, opening=replace(papers.OPENING, bids=())))
    assert "Ingen tilbud ble levert." in none


def test_the_evaluation_report_derives_every_number() -> None:
    said = text(papers.pdf(Kind.EVALUATION_REPORT)).replace("\u200b", "")
    for part in (
        "1 Nordlys Trygghet AS (fiktiv) 100000024 989 000,00 49,6613",
        "Pris price: 100 × (1 − 989000,00 / 1284000,00) = 22,9751 60 % 22,9751 13,7851",
        "Like mange poeng som tilbudet foran; avgjort av: lavest sum.",
        "Ikke vurdert Stillvakt AS (fiktiv) Oppfyller ikke må-krav: must-logging. • Mangler logg.",
        "SHA-256 av grunnlaget ab12",
        "Loddtall, trukket ved kunngjøringen 5c1e",
    ):
        assert part in said


@pytest.mark.parametrize("kind", sorted(AWARD))
def test_an_awards_letter_has_reasons_and_how_to_complain(kind: Kind) -> None:
    said = text(papers.pdf(kind))
    assert "Begrunnelse • Best samlet etter kriteriene." in said
    assert "karensperioden på 10 kalenderdager" in said
    assert "Klagenemnda for offentlige anskaffelser" in said
    assert ("Valgt tilbud Nordlys Trygghet AS (fiktiv) (100000024)" in said) is (kind is not Kind.AWARD_WON)


def test_without_a_standstill_period_the_letter_promises_none() -> None:
    award = papers.paper(Kind.AWARD_LOST).award
    assert award
    said = text(papers.pdf(Kind.AWARD_LOST, award=replace(award, standstill_days=0)))
    assert "Det er ikke karensperiode" in said
    assert "før karensperioden er ute" not in said


@pytest.mark.parametrize(("new_bids", "told"), [(True, "gjelder ikke lenger"), (False, "står ved lag")])
def test_an_amendment_says_whether_bids_still_hold(new_bids: bool, told: str) -> None:
    amendment = papers.paper(Kind.AMENDMENT).amendment
    assert amendment
    said = text(papers.pdf(Kind.AMENDMENT, amendment=replace(amendment, requires_new_bids=new_bids)))
    assert told in said
    assert "Tidligere tilbudsfrist 18.11.2026 kl. 12.00 Tilbudsfrist 20.11.2026 kl. 12.00" in said


@pytest.mark.parametrize("odd", ODD)
def test_whatever_people_write_is_text_and_stays_on_the_page(odd: str) -> None:
    about = replace(
        papers.COMPETITION,
        title={"nb": odd},
        description={"nb": odd},
        evaluators=({"nb": odd},),
        buyer=Party(odd, "964983291"),
        lines=(Line("alarm", {"nb": odd}, 1, odd),),
    )
    asked = (Answered(odd, odd, papers.DAY),)
    for pdf in (
        papers.pdf(Kind.INVITATION, competition=about),
        papers.pdf(Kind.QUESTIONS, competition=about, questions=asked),
        papers.pdf(Kind.CANCELLATION, competition=about, reason=odd),
    ):
        assert failures(pdf) == []
        if odd == ODD[0]:
            assert odd in text(pdf)


def test_many_lines_and_bids_go_on_over_pages() -> None:
    lines = tuple(Line(f"vare-{i:03}", {"nb": f"Trygghetsalarm {i}"}, i + 1, "stk") for i in range(90))
    said = pages(papers.pdf(Kind.INVITATION, competition=replace(papers.COMPETITION, lines=lines)))
    assert len(said) > 2
    assert all(any(f"vare-{i:03}" in page for page in said) for i in range(90))
    many = tuple(
        replace(papers.WINNER, place=i + 1, net=Decimal(9_999_999_999) + i, supplier=Party("Bane " * 30, "100000024"))
        for i in range(20)
    )
    report = papers.pdf(Kind.EVALUATION_REPORT, evaluation=replace(papers.EVALUATION, bids=many))
    assert failures(report) == []
    assert text(report).count("10 000 000 018,00 49,6613") == 1


def test_the_same_paper_gives_the_same_bytes() -> None:
    assert papers.pdf(Kind.AWARD_LOST) == papers.pdf(Kind.AWARD_LOST)
