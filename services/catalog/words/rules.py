"""How words are folded, how a question is read, and where an answer is marked."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape

SHORTEST_PREFIX = 2
"""Letters from which an unfinished word is completed."""
MOST_TERMS = 32
"""Terms of a question that count; nobody types more, and each costs."""
SHORTEST_CORRECTED = 4
SNIPPET = 200
"""Characters of a summary that are shown around the first word found."""

_WORD = re.compile(r"[^\W_]+")
_TOGETHER = re.compile(r"[^\W_]+(?:[-‐‑–][^\W_]+)*")
"""What a hyphen keeps together: `e-post`."""
_PARTS = re.compile(r'(?P<minus>-?)"(?P<phrase>[^"]*)"|(?P<bare>[^\s"]+)')
_LETTERS = str.maketrans(
    {"æ": "ae", "ä": "ae", "ø": "o", "ö": "o", "å": "a", "đ": "d", "ð": "d", "ŋ": "n", "ŧ": "t", "þ": "th", "ł": "l"}
)
_TWO_FOR_ONE = re.compile(r"aa|oe")
_RUNS = re.compile(r"a{2,}|oe+")
_OR = frozenset({"or", "eller"})
# Left out of a question that has other words; they are indexed all the same, so that phrases hold.
_SMALL = frozenset(
    (
        "og",
        "i",
        "av",
        "til",
        "for",
        "som",
        "er",
        "en",
        "et",
        "ei",
        "den",
        "det",
        "de",
        "med",
        "at",
        "om",
        "fra",
        "eller",
        "pa",
        "a",
        "the",
        "of",
        "and",
        "to",
        "an",
        "in",
        "on",
        "by",
        "for",
        "with",
        "or",
    )
)


def fold(text: str) -> str:
    """Small letters from a to z where a reader would take them for the same: Brønnøy → bronnoy, Ås → as, æ → ae."""
    composed = unicodedata.normalize("NFKC", text).casefold().translate(_LETTERS)
    if composed.isascii():
        return composed
    return "".join(one for one in unicodedata.normalize("NFKD", composed) if not unicodedata.combining(one))


@lru_cache(maxsize=50_000)
def forms(word: str) -> tuple[str, ...]:
    """The word folded; where it may be spelt with two letters for one (Aalesund, Broennoey) also with one; and with
    all such letters run together, as any two spellings of a word have it."""
    one = fold(word)
    small = unicodedata.normalize("NFKC", word).casefold()
    other = fold(_TWO_FOR_ONE.sub(lambda two: two[0][0], small))
    together = _RUNS.sub(lambda run: run[0][0], one)
    return tuple(dict.fromkeys((one, other, together)))


def words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text))


def indexed(texts: Iterable[str]) -> str:
    """The text as it is indexed: folded words, then the other forms of those that have some, and of words with a
    hyphen the word without."""
    plain: list[str] = []
    others: dict[str, None] = {}
    for text in texts:
        for written in _TOGETHER.findall(unicodedata.normalize("NFKC", text)):
            parts = _WORD.findall(written)
            if len(parts) > 1:
                others.update(dict.fromkeys(forms("".join(parts))))
            for part in parts:
                first, *rest = forms(part)
                plain.append(first)
                others.update(dict.fromkeys(rest))
    return " ".join([*plain, *others])


def names(text: str) -> set[str]:
    """A whole name in each of its forms, to be compared as it is."""
    all_forms = [forms(word) for word in words(text)]
    if not all_forms:
        return set()
    return {" ".join(one[0] for one in all_forms), " ".join(one[-1] for one in all_forms)}


@dataclass(frozen=True)
class Term:
    """Words that stand together in this order (mostly one)."""

    words: tuple[str, ...]
    excluded: bool = False
    unfinished: bool = False
    """The last word may go on."""


@dataclass(frozen=True)
class Question:
    """Read from what a person typed: any of `alternatives`, of each all terms."""

    alternatives: tuple[tuple[Term, ...], ...]
    whole: frozenset[str]
    """The question as one name, in each form."""

    def terms(self) -> Iterator[Term]:
        for alternative in self.alternatives:
            yield from alternative

    def spoken(self) -> list[str]:
        """Every form of every word, as one asks for their stems."""
        return list(dict.fromkeys(form for term in self.terms() for form in _spoken(term)))


def read(q: str) -> Question:
    """`"…"` is a phrase, `-word` excludes, `or` (or `eller`) is either; the last word may be unfinished. Whatever a
    person types is a question: a quotation mark too many is none."""
    if q.count('"') % 2:
        q = " ".join(q.rsplit('"', 1))
    alternatives: list[list[Term]] = [[]]
    left = MOST_TERMS
    last = None
    for part in _PARTS.finditer(q):
        bare = part["bare"]
        last = None
        if bare and bare.casefold() in _OR:
            alternatives.append([])
            continue
        said = tuple(words(bare or part["phrase"]))[:MOST_TERMS]
        if not said or not left:
            continue
        left -= 1
        excluded = bool(bare and bare.startswith("-")) or bool(part["minus"])
        alternatives[-1].append(Term(said, excluded))
        if bare and not excluded:
            last = alternatives[-1]
    if last and len(last[-1].words[-1]) >= SHORTEST_PREFIX:
        last[-1] = Term(last[-1].words, unfinished=True)
    weighty = [tuple(_without_small(one)) for one in alternatives if one]
    return Question(tuple(weighty), frozenset(names(q)))


def _without_small(terms: Sequence[Term]) -> list[Term]:
    kept = [one for one in terms if one.excluded or len(one.words) > 1 or fold(one.words[0]) not in _SMALL]
    return kept if any(not one.excluded for one in kept) else list(terms)


def _spoken(term: Term) -> Iterator[str]:
    for word in term.words:
        yield from forms(word)
    if len(term.words) > 1:
        yield from forms("".join(term.words))


@dataclass(frozen=True)
class Stem:
    """What the database's dictionaries make of a folded word: in Norwegian, in English."""

    nb: str
    en: str


Stems = Mapping[str, Stem]


def expression(question: Question, stems: Stems, *, completing: bool) -> str:
    """The question in PostgreSQL's tsquery syntax; `completing` lets the unfinished word go on. Empty when there is
    nothing to look for. Only letters and digits of the question come into it, each lexeme between quotes."""
    either = []
    for terms in question.alternatives:
        parts = [("!" if term.excluded else "") + _term(term, stems, completing) for term in terms]
        either.append(" & ".join(parts))
    return " | ".join(f"( {one} )" for one in either)


def corrected(question: Question, stems: Stems, better: Mapping[str, Sequence[str]]) -> str:
    """The same with other words in place of misspelt ones: `better` is folded word → folded words."""
    either = []
    for terms in question.alternatives:
        parts = []
        for term in terms:
            if term.excluded or len(term.words) > 1:
                parts.append(("!" if term.excluded else "") + _term(term, stems, True))
                continue
            instead = {stem for word in better.get(fold(term.words[0]), ()) for stem in _lexemes([word], stems)}
            parts.append(f"( {' | '.join([_term(term, stems, True), *sorted(instead)])} )")
        either.append(" & ".join(parts))
    return " | ".join(f"( {one} )" for one in either)


def _term(term: Term, stems: Stems, completing: bool) -> str:
    completing = completing and term.unfinished
    if len(term.words) == 1:
        return f"( {' | '.join(_one(forms(term.words[0]), stems, completing))} )"
    together = _one(forms("".join(term.words)), stems, completing)
    in_a_row = {
        " <-> ".join(
            _either(_one([forms(word)[form]], stems, completing and place == len(term.words) - 1))
            for place, word in enumerate(term.words)
        )
        for form in (0, -1)
    }
    return f"( {' | '.join([*(f'( {one} )' for one in sorted(in_a_row)), *together])} )"


def _either(lexemes: Sequence[str]) -> str:
    return f"( {' | '.join(lexemes)} )"


def _one(all_forms: Sequence[str], stems: Stems, completing: bool) -> list[str]:
    lexemes = _lexemes(all_forms, stems)
    return [*lexemes, *(f"'{form}':*" for form in all_forms)] if completing else lexemes


def _lexemes(all_forms: Iterable[str], stems: Stems) -> list[str]:
    return sorted({f"'{one}'" for form in all_forms for one in (stems[form].nb, stems[form].en)})


def asked_for(question: Question, stems: Stems, also: Iterable[str] = ()) -> tuple[set[str], set[str]]:
    """→ (stems, beginnings) of the words that an answer is marked at; `also` are words that were taken instead of
    misspelt ones."""
    asked = {stem for word in also for stem in (stems[word].nb, stems[word].en)}
    begun: set[str] = set()
    for term in question.terms():
        if not term.excluded:
            asked |= {stem for form in _spoken(term) for stem in (stems[form].nb, stems[form].en)}
            begun |= set(forms(term.words[-1])) if term.unfinished else set()
    return asked, begun


def replaced(q: str, instead: Mapping[str, str]) -> str:
    """The question with other words; `instead` is folded word → word."""
    return _WORD.sub(lambda word: instead.get(fold(word[0]), word[0]), q)


def marked(text: str, hit: Callable[[str], bool]) -> str | None:
    """The text as HTML, escaped, with `<mark>` around the words that `hit` says; None where there is none."""
    shown: list[str] = []
    end = 0
    for word in _WORD.finditer(text):
        if hit(word[0]):
            shown += [escape(text[end : word.start()]), "<mark>", escape(word[0]), "</mark>"]
            end = word.end()
    if not end:
        return None
    return "".join([*shown, escape(text[end:])])


def snippet(text: str, hit: Callable[[str], bool]) -> str | None:
    """The same of the part around the first word found, at most about `SNIPPET` characters."""
    first = next((word for word in _WORD.finditer(text) if hit(word[0])), None)
    if first is None:
        return None
    begin = max(0, first.start() - SNIPPET // 3)
    if begin:
        begin = text.find(" ", begin, first.start()) + 1 or first.start()
    end = min(len(text), begin + SNIPPET)
    if end < len(text):
        end = max(text.rfind(" ", first.end(), end), first.end())
    part = marked(text[begin:end], hit)
    return f"{'… ' if begin else ''}{part}{' …' if end < len(text) else ''}"


def distance(typed: str, known: str, *, unfinished: bool, most: int) -> int:
    """How many letters were forgotten, doubled, mistaken or swapped (restricted Damerau-Levenshtein); `most + 1` for
    anything more. Of an unfinished word only as much of the known one counts as fits best."""
    rows = [list(range(len(known) + 1))]
    for i, letter in enumerate(typed, 1):
        before, row = rows[-1], [i]
        for j, other in enumerate(known, 1):
            cost = min(before[j] + 1, row[-1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == known[j - 2] and typed[i - 2] == other:
                cost = min(cost, rows[-2][j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
        rows.append(row)
    return min(min(rows[-1]) if unfinished else rows[-1][-1], most + 1)


def tolerated(word: str) -> int:
    """How many mistakes a word of this length may have; 0 for short ones, which are something else as soon as one
    letter is."""
    if len(word) < SHORTEST_CORRECTED:
        return 0
    return 1 if len(word) < 8 else 2


def closest(typed: str, known: Iterable[str], *, unfinished: bool, most: int = 5) -> list[str]:
    """The known words that are the fewest mistakes away, at most `most`; shorter ones first."""
    allowed = tolerated(typed)
    if not allowed:
        return []
    found = sorted(
        (far, len(one), one)
        for one in known
        if (far := distance(typed, one, unfinished=unfinished, most=allowed)) <= allowed
    )
    return [one for far, _, one in found if far == found[0][0]][:most]
