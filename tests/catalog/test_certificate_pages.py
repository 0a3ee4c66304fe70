"""People read a certificate on a page that is right today, and see its badge; neither can be made to lie."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
import segno
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.certificate_pages import document, rules
from services.catalog.certificate_pages.rules import ConditionState, Language
from services.catalog.certificates.rules import (
    Assurance,
    ConditionKind,
    EventKind,
    Outcome,
    Remark,
    Status,
    SubjectKind,
)
from services.catalog.products.rules import DeliveryForm
from services.catalog.specifications.rules import Obligation
from services.chassis import clock
from services.chassis.db import Database
from tests.catalog.certified import granted_with_everything
from tests.catalog.conftest import problem
from tests.issuer import Issuer

NUMBER = "SV-2026-000001"
SUSPENDED = "SV-2026-000003"
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
BODY = "100000040"


class Reader(HTMLParser):
    """The words of a page, its links, and whatever could fetch or run something."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self._silent = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in ("style", "script", "title")
        self.links += [value or "" for name, value in attrs if name == "href"]
        self.loads += [f"{tag} {name}" for name, _ in attrs if name in ("src", "srcset", "style") or name[:2] == "on"]
        if tag in ("script", "link", "iframe", "object", "embed", "form", "img"):
            self.loads.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("style", "script", "title")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def read(catalog: TestClient, number: str = NUMBER, **query: str) -> Reader:
    answer = catalog.get(f"/certificates/{number}/page", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return Reader(answer.text)


# ---- The page


def test_it_says_what_is_certified_by_whom_and_how_to_check_it(shared_catalog: TestClient) -> None:
    page = read(shared_catalog)
    today = clock.today()
    for said in (
        f"Status i dag, {document._day(Language.NB, today)} Gyldig",
        "Alle versjoner",
        "Nettjeneste (SaaS), Egen drift (on-premises)",
        "Fra 1. januar 2026 til og med 31. desember 2029",
        "Fjordvakt Velferd AS (fiktiv) ( org.nr. 100000016 )",
        "Samvirke sertifisering (fiktiv)",
        "VT2-01 (Må)",
        "VT2-07",
        "Utstedt Begrunnelse: Vedtak etter fullført vurdering (fiktivt)",
        "GET http://127.0.0.1:8001/certificates/SV-2026-000001",
        "Eksempeldata",
    ):
        assert said in page.text, said
    assert "http://127.0.0.1:8001/specifications/velferdsteknologi-trygghetstjeneste/versions/1.0" in page.links
    assert "http://127.0.0.1:8001/products/fjordvakt-alarm" in page.links
    assert page.loads == [], "nothing is fetched, and nothing runs"


def test_it_is_in_the_readers_language(shared_catalog: TestClient) -> None:
    for accepted, language, said in (
        ("en-GB,en;q=0.9", "en", "Status today"),
        ("nn-NO,nn;q=0.9,en;q=0.5", "nb", "Status i dag"),
        ("de", "nb", "Status i dag"),
        ("fr;q=1, en;q=0.1, nb;q=0", "en", "Status today"),
    ):
        answer = shared_catalog.get(f"/certificates/{NUMBER}/page", headers={"Accept-Language": accepted})
        assert answer.headers["Content-Language"] == language, accepted
        assert f'<html lang="{language}">' in answer.text
        assert said in Reader(answer.text).text
    asked = shared_catalog.get(
        f"/certificates/{NUMBER}/page", params={"language": "nb"}, headers={"Accept-Language": "en"}
    )
    assert asked.headers["Content-Language"] == "nb"
    assert asked.headers["Vary"] == "Accept, Accept-Language"


def test_the_page_may_do_nothing_but_be_read(shared_catalog: TestClient) -> None:
    answer = shared_catalog.get(f"/certificates/{NUMBER}/page")
    policy = dict(one.strip().split(" ", 1) for one in answer.headers["Content-Security-Policy"].split(";"))
    assert policy.pop("style-src").startswith("'sha256-")
    assert policy == dict.fromkeys(("default-src", "base-uri", "form-action", "frame-ancestors"), "'none'")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_change_shows_at_once_and_what_has_not_changed_is_not_sent_again(catalog: TestClient, issuer: Issuer) -> None:
    path = f"/certificates/{NUMBER}/page"
    first = catalog.get(path)
    assert first.headers["Cache-Control"] == "public, max-age=30"
    held = {"If-None-Match": first.headers["ETag"]}
    again = catalog.get(path, headers=held)
    assert (again.status_code, again.content) == (304, b"")
    assert catalog.get(path, headers=held | {"Accept-Language": "en"}).status_code == 200
    answer = catalog.post(
        f"/certificates/{NUMBER}/withdraw",
        json={"reason": "Feil <script>alert(1)</script> & {{ 7*7 }}"},
        headers=issuer.bearer(BODY, "certification.decide"),
    )
    assert answer.status_code == 200, answer.text
    after = catalog.get(path, headers=held)
    assert after.status_code == 200
    page = Reader(after.text)
    assert "Trukket tilbake Sertifikatet er trukket tilbake for godt" in page.text
    assert "Begrunnelse: Feil <script>alert(1)</script> & {{ 7*7 }}" in page.text, "as it was written"
    assert page.loads == []


def test_a_day_of_the_past_is_told_as_such(shared_catalog: TestClient) -> None:
    then = read(shared_catalog, SUSPENDED, on="2026-08-15", language="en")
    assert "This is the certificate as it was on 15 August 2026, not as it is today." in then.text
    assert "Status on 15 August 2026 Valid" in then.text
    assert "Suspended" not in then.text, "what came later does not stand there"
    assert "?language=nb&on=2026-08-15" in then.links
    now = read(shared_catalog, SUSPENDED, language="en")
    assert "not as it is today" not in now.text
    assert "Suspended The certificate is out of force" in now.text
    ahead = str(clock.today() + timedelta(days=9))
    assert "It may change" in read(shared_catalog, SUSPENDED, on=ahead, language="en").text


def test_what_is_odd_is_seen(catalog: TestClient, issuer: Issuer) -> None:
    assert "Påfallende forhold" not in read(catalog, NUMBER).text
    answer = catalog.post(
        f"/certificates/{NUMBER}/suspend",
        json={"reason": "Tilsyn", "effective_on": str(clock.today() - timedelta(days=3))},
        headers=issuer.bearer(BODY, "certification.decide"),
    )
    assert answer.status_code == 200, answer.text
    page = read(catalog, NUMBER)
    assert "(tilbakedatert)" in page.text
    assert "Påfallende forhold" in page.text
    assert "En hendelse gjelder fra en dag før den ble registrert." in page.text


def test_an_unknown_number_is_a_page_for_people_and_a_problem_for_programs(shared_catalog: TestClient) -> None:
    path = "/certificates/SV-2026-999999/page"
    for headers in ({}, {"Accept": "application/json"}, {"Accept": "application/problem+json, text/html"}):
        assert problem(shared_catalog.get(path, headers=headers)) == (404, "certificate-not-found")
    answer = shared_catalog.get(path, headers=BROWSER)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "Ingen sertifikater har nummeret SV-2026-999999." in Reader(answer.text).text
    assert "Content-Security-Policy" in answer.headers
    hostile = shared_catalog.get("/certificates/%3Cscript%3Ealert(1)%3C%2Fscript%3E/page", headers=BROWSER)
    assert hostile.status_code == 404
    assert Reader(hostile.text).loads == []


def test_the_code_leads_to_the_page_itself() -> None:
    url = "https://katalog.example/certificates/SV-2026-000001/page"
    drawn = str(document._qr(url, "Kode"))
    dark = {(int(x), int(y)) for x, y in re.findall(r"M(\d+) (\d+)h1v1h-1z", drawn)}
    matrix = segno.make(url, error="m", micro=False).matrix
    assert dark == {(x + 4, y + 4) for y, row in enumerate(matrix) for x, bit in enumerate(row) if bit}
    side = len(matrix) + 8
    assert f'viewBox="0 0 {side} {side}"' in drawn


def test_self_declared_and_tested_by_others_never_look_alike(catalog: TestClient, database: Database) -> None:
    number = granted_with_everything(database)
    html = catalog.get(f"/certificates/{number}/page").text
    rows = re.findall(
        r'<tr role="row"><th scope="row" role="rowheader"><p><span class="code number">(.*?)</tr>', html, re.S
    )
    said = {row[:6]: (set(re.findall(r'class="assurance (\w+)"', row)), Reader(row).text) for row in rows}
    assert said["VT1-01"][0] == {"third_party"}
    assert "Tredjepart Prøvd av Prøvelab Nord (fiktiv)" in said["VT1-01"][1]
    assert "Verktøy: Prøveverktøy 3.1" in said["VT1-01"][1]
    assert said["VT1-02"][0] == {"self_declared"}
    assert "Egenerklært Leverandørens eget ord" in said["VT1-02"][1]
    assert said["VT1-03"][0] == set(), "not tested: nobody says anything"
    page = read(catalog, number)
    assert "Godkjent med forbehold" in page.text
    assert "Universell utforming rettes (fiktivt)" in page.text
    assert "Gjenstår" in page.text


# ---- The badge


def test_the_badge_is_live_and_says_of_which_day(catalog: TestClient, issuer: Issuer) -> None:
    path = f"/certificates/{NUMBER}/badge.svg"
    answer = catalog.get(path)
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["Cache-Control"] == "public, max-age=30"
    today = document._day(Language.NB, clock.today())
    title, about, *texts = spoken(answer.text)
    assert title == f"Sertifikat {NUMBER}: gyldig per {today}"
    assert about.endswith(f"Kontroller på http://127.0.0.1:8001/certificates/{NUMBER}/page")
    assert texts == [f"Sertifikat {NUMBER}", f"Gyldig per {today}"]
    held = {"If-None-Match": answer.headers["ETag"]}
    assert catalog.get(path, headers=held).status_code == 304
    suspended = catalog.post(
        f"/certificates/{NUMBER}/suspend",
        json={"reason": "Tilsyn"},
        headers=issuer.bearer(BODY, "certification.decide"),
    )
    assert suspended.status_code == 200, suspended.text
    after = catalog.get(path, params={"language": "en"}, headers=held)
    assert spoken(after.text)[0].startswith(f"Certificate {NUMBER}: suspended as of ")
    assert problem(catalog.get("/certificates/SV-2026-999999/badge.svg")) == (404, "certificate-not-found")


def spoken(svg: str) -> list[str]:
    """What the picture says, in order: title, description, texts."""
    root = ElementTree.fromstring(svg)
    assert root.attrib["role"] == "img"
    assert "href" not in svg, "it links nowhere by itself"
    return [one.text or "" for one in root.iter() if one.tag.rpartition("}")[2] in ("title", "desc", "text")]


# ---- Words, colours, rules


def test_both_languages_have_the_same_words_for_everything() -> None:
    def shape(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: shape(one) for name, one in value.items()}
        return sorted(re.findall(r"{\w+}", value)) if isinstance(value, str) else len(value)

    nb, en = (json.loads((document._FOLDER / f"{one}.json").read_text()) for one in Language)
    assert shape(nb) == shape(en)
    for name, values in (
        ("status", Status),
        ("meaning", Status),
        ("remark", Remark),
        ("event_kind", EventKind),
        ("outcome", Outcome),
        ("assurance_kind", Assurance),
        ("obligation", Obligation),
        ("condition_kind", ConditionKind),
        ("condition_state", ConditionState),
        ("subject_kind", SubjectKind),
        ("delivery_form", DeliveryForm),
    ):
        assert set(nb[name]) == {one.value for one in values}, name
    assert set(rules.TONES) == set(Status)


@pytest.mark.parametrize("tone", document.COLOURS)
def test_the_badges_letters_stand_out(tone: rules.Tone) -> None:
    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    assert 1.05 / (luminance(document.COLOURS[tone]) + 0.05) >= 7


@pytest.mark.parametrize(
    ("on", "met_on", "state"),
    [
        (date(2027, 3, 1), None, ConditionState.OPEN),
        (date(2027, 3, 2), None, ConditionState.OVERDUE),
        (date(2027, 2, 1), date(2027, 2, 1), ConditionState.MET),
        (date(2027, 1, 31), date(2027, 2, 1), ConditionState.OPEN),
        (date(2027, 4, 1), date(2027, 3, 20), ConditionState.MET),
    ],
)
def test_a_condition_has_its_whole_last_day(on: date, met_on: date | None, state: ConditionState) -> None:
    condition = rules.Condition(ConditionKind.CONDITION, None, "Rettes", date(2027, 3, 1), met_on)
    assert condition.state(on) is state


@given(st.text(max_size=60))
def test_any_header_of_a_browser_is_read(header: str) -> None:
    assert rules.language_of(None, header) in Language
    assert rules.language_of(Language.EN, header) is Language.EN
    assert rules.prefers_html(header) in (True, False)


@given(st.lists(st.text("abÆmi. 1W", min_size=1, max_size=20), min_size=2, max_size=2))
def test_a_longer_text_is_wider(texts: list[str]) -> None:
    one, other = texts
    assert rules.width(one + other) >= max(rules.width(one), rules.width(other))


def test_instants_are_norwegian_time() -> None:
    assert document._instant(Language.NB, datetime(2026, 7, 1, 22, 30, tzinfo=UTC)) == "2. juli 2026 kl. 00.30"
    assert document._instant(Language.EN, datetime(2026, 1, 1, 8, tzinfo=UTC)) == "1 January 2026 at 09:00 Oslo time"
