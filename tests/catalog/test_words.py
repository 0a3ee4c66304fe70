"""Words meet whatever way they are spelt, and a question is read as it was meant."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.words import rules
from services.catalog.words.rules import Stem, Term

LETTERS = st.text("abdefgiklmnoprstuvyæøå", min_size=1, max_size=12)
ANYTHING = st.text(max_size=80)


def spelt(word: str, **instead: str) -> str:
    return "".join(instead.get(letter, letter) for letter in word)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Brønnøy", "Broennoey"),
        ("Brønnøy", "Bronnoy"),
        ("Broennoey", "brønnoy"),
        ("Ålesund", "Aalesund"),
        ("Ålesund", "ALESUND"),
        ("læring", "Laering"),
        ("Kåfjord", "ka\u030afjord"),
        ("idé", "ide"),
        ("Mälaren", "Mælaren"),
        ("Kárášjohka", "Karasjohka"),
        ("²", "2"),
    ],
)
def test_spellings_of_a_word_share_a_form(one: str, other: str) -> None:
    assert set(rules.forms(one)) & set(rules.forms(other))


@pytest.mark.parametrize(("one", "other"), [("bok", "buk"), ("Vega", "Våga"), ("lær", "lar"), ("skole", "skoler")])
def test_other_words_share_none(one: str, other: str) -> None:
    assert not set(rules.forms(one)) & set(rules.forms(other))


@given(LETTERS)
def test_a_word_meets_itself_in_every_spelling(word: str) -> None:
    for other in (
        spelt(word, æ="ae", ø="oe", å="aa"),
        spelt(word, æ="ae", ø="o", å="a"),
        spelt(word, æ="ä", ø="ö"),
        word.upper(),
    ):
        assert set(rules.forms(word)) & set(rules.forms(other)), other


@given(LETTERS)
def test_inflections_end_alike_however_the_word_is_spelt(word: str) -> None:
    """What a stemmer cuts off stands at the end: an ø before it must not swallow its first letter (miljøet)."""
    assert rules.forms(word + "ø" + "et")[0].endswith("oet")


@given(ANYTHING)
def test_only_plain_words_are_indexed(text: str) -> None:
    for word in rules.indexed([text]).split():
        assert re.fullmatch(r"[^\W_]+", word)
        assert word == rules.fold(word)


def test_a_hyphenated_word_is_found_without_its_hyphen() -> None:
    assert "idporten" in rules.indexed(["Innlogging med ID-porten"]).split()


@pytest.mark.parametrize(
    ("q", "alternatives"),
    [
        ("trygghet alarm", [[Term(("trygghet",)), Term(("alarm",), unfinished=True)]]),
        ('"felles plattform"', [[Term(("felles", "plattform"))]]),
        ("noark -arkiv", [[Term(("noark",)), Term(("arkiv",), excluded=True)]]),
        ("seres or noark", [[Term(("seres",))], [Term(("noark",), unfinished=True)]]),
        ("skole ELLER barnehage", [[Term(("skole",))], [Term(("barnehage",), unfinished=True)]]),
        ("e-post", [[Term(("e", "post"), unfinished=True)]]),
        ('-"to ord" tre', [[Term(("to", "ord"), excluded=True), Term(("tre",), unfinished=True)]]),
        ('halv "frase', [[Term(("halv",)), Term(("frase",), unfinished=True)]]),
        ("system for helse", [[Term(("system",)), Term(("helse",), unfinished=True)]]),
        ("for", [[Term(("for",), unfinished=True)]]),
        ("a", [[Term(("a",))]]),
        ("or or", []),
        ("& | ! ( ) : *", []),
        ("", []),
    ],
)
def test_a_question_is_read(q: str, alternatives: list[list[Term]]) -> None:
    assert [list(one) for one in rules.read(q).alternatives] == alternatives


@given(ANYTHING)
def test_whatever_is_typed_becomes_a_query_of_quoted_words_and_operators(q: str) -> None:
    question = rules.read(q)
    stems = {word: Stem(word, word) for word in question.spoken()}
    for completing in (False, True):
        query = rules.expression(question, stems, completing=completing)
        assert re.fullmatch(r"(?:'[^\W_]+'(?::\*)?|<->|[ ()&|!])*", query)
        assert query.count("(") == query.count(")")


def test_a_very_long_question_is_cut() -> None:
    assert len(list(rules.read("ord " * 5_000).terms())) == rules.MOST_TERMS


@given(ANYTHING, st.sets(st.sampled_from(["a", "b", "det", "er", "kommune"])))
def test_marking_changes_nothing_but_the_marks(text: str, asked: set[str]) -> None:
    marked = rules.marked(text, lambda word: word.lower() in asked)
    if marked is not None:
        assert "<mark>" in marked
        plain = marked.replace("<mark>", "").replace("</mark>", "")
        assert "<" not in plain
        assert unescape(plain) == text


def test_marked_text_is_safe_to_show() -> None:
    shown = rules.marked('<script>alert("kommune")</script>', lambda word: word == "kommune")
    assert shown == "&lt;script&gt;alert(&quot;<mark>kommune</mark>&quot;)&lt;/script&gt;"


def test_a_snippet_is_the_part_around_the_first_word_found() -> None:
    text = "innledning " * 100 + "her står nålen i høystakken " + "og så videre " * 100
    shown = rules.snippet(text, lambda word: word == "nålen")
    assert shown is not None
    assert "står <mark>nålen</mark> i" in shown
    assert shown.startswith("… ")
    assert shown.endswith(" …")
    assert len(shown) < rules.SNIPPET + 30
    assert rules.snippet(text, lambda word: False) is None


@given(st.text(max_size=120), st.integers(0, 20))
def test_a_snippet_never_loses_the_word(text: str, place: int) -> None:
    words = [*text.split()[:place], "nålen", *text.split()[place:]]
    assert "<mark>nålen</mark>" in (rules.snippet(" ".join(words), lambda word: word == "nålen") or "")


@pytest.mark.parametrize(
    ("typed", "known", "far"),
    [
        ("skole", "skole", 0),
        ("skloe", "skole", 1),
        ("skol", "skole", 1),
        ("skoole", "skole", 1),
        ("skule", "skole", 1),
        ("velferdsteknolgi", "velferdsteknologi", 1),
        ("vlferdsteknolgi", "velferdsteknologi", 2),
        ("helse", "bolig", 3),
    ],
)
def test_mistakes_are_counted(typed: str, known: str, far: int) -> None:
    assert rules.distance(typed, known, unfinished=False, most=2) == far


def test_an_unfinished_word_is_compared_with_as_much_as_was_typed() -> None:
    assert rules.distance("velferdsteknolgi", "velferdsteknologiplattform", unfinished=True, most=2) == 1
    assert rules.distance("velferdsteknolgi", "velferdsteknologiplattform", unfinished=False, most=2) == 3


@given(LETTERS, LETTERS)
def test_distance_goes_both_ways(one: str, other: str) -> None:
    forth, back = (rules.distance(a, b, unfinished=False, most=3) for a, b in ((one, other), (other, one)))
    assert forth == back
    assert (forth == 0) == (one == other)


def test_short_words_are_never_corrected() -> None:
    assert rules.closest("iks", ["ikt", "iks"], unfinished=False) == []
    assert rules.closest("skloe", ["skole", "bolig", "sko"], unfinished=False) == ["skole"]


def test_the_question_is_told_as_it_was_meant() -> None:
    assert rules.replaced("Skloe i Brønnøy", {"skloe": "skole"}) == "skole i Brønnøy"
