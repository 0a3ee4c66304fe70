"""The vocabulary as it is kept, and what the database's dictionaries make of a word."""

from collections.abc import Collection, Iterable, Sequence

import sqlalchemy as sa
from sqlmodel import Field, Session

from services.catalog.db import Table
from services.catalog.words import rules
from services.catalog.words.rules import Stem

NORWEGIAN, ENGLISH = "words_norwegian", "words_english"
"""Text search configurations of our own: the stemmers of PostgreSQL without their stop words, so that phrases hold and
`IT` is a word."""
CANDIDATES = 500
MOST_STEMS = 50_000


class Word(Table, table=True):
    """A word of a public name. Words stay when the last name with them is gone: they are only ever suggestions."""

    __table_args__ = (
        sa.Index("ix_word_folded", "folded", postgresql_using="gin", postgresql_ops={"folded": "gin_trgm_ops"}),
        sa.Index("ix_word_beginning", sa.text('"left"(folded, 1)'), sa.text("length(folded)")),
    )
    folded: str = Field(sa_type=sa.String(100, collation="C"), primary_key=True)
    written: str = Field(max_length=100)


_STEMS = sa.text(
    "SELECT word, array_to_string(tsvector_to_array(to_tsvector(CAST(:nb AS regconfig), word)), '') AS nb, "
    "array_to_string(tsvector_to_array(to_tsvector(CAST(:en AS regconfig), word)), '') AS en "
    "FROM unnest(CAST(:words AS text[])) AS word"
)
_LEARN = sa.text(
    "INSERT INTO word (folded, written) SELECT * FROM unnest(CAST(:folded AS text[]), CAST(:written AS text[])) "
    "AS new (folded, written) WHERE NOT EXISTS (SELECT 1 FROM word WHERE word.folded = new.folded) "
    "ON CONFLICT DO NOTHING"
)
_ALIKE = sa.text(
    "(SELECT folded FROM word WHERE folded % :word ORDER BY similarity(folded, :word) DESC, folded LIMIT :rows) UNION "
    '(SELECT folded FROM word WHERE "left"(folded, 1) = "left"(:word, 1) '
    "AND length(folded) BETWEEN length(:word) - 1 AND length(:word) + 1 ORDER BY folded LIMIT :rows)"
)
_known: dict[str, Stem] = {}
"""Stems do not change while the database runs, and the same words are asked for again and again."""


def stems(session: Session, words: Collection[str]) -> dict[str, Stem]:
    """Folded word → its stem. One query for all that were not asked for before."""
    unknown = [word for word in words if word not in _known]
    fresh: dict[str, Stem] = {}
    if unknown:
        for row in session.execute(_STEMS, {"words": unknown, "nb": NORWEGIAN, "en": ENGLISH}):
            fresh[row.word] = Stem(row.nb or row.word, row.en or row.word)
        if len(_known) + len(fresh) > MOST_STEMS:
            _known.clear()
        _known.update(fresh)
    return {word: fresh.get(word) or _known[word] for word in words}


def learn(session: Session, names: Iterable[str]) -> None:
    """The words of public names. In one order always, so that two who learn the same words do not block each other."""
    new = {form: word for name in names for word in rules.words(name) for form in rules.forms(word) if form.isalpha()}
    kept = sorted((form, word) for form, word in new.items() if rules.SHORTEST_CORRECTED - 1 <= len(form) <= 100)
    if kept:
        session.execute(
            _LEARN, {"folded": [form for form, _ in kept], "written": [word[:100].lower() for _, word in kept]}
        )


def similar(session: Session, word: str, *, unfinished: bool) -> list[str]:
    """The words of the vocabulary that a folded word was probably meant to be; none for one that is too short."""
    if not rules.tolerated(word):
        return []
    known = session.execute(_ALIKE, {"word": word[:100], "rows": CANDIDATES}).scalars()
    return rules.closest(word, known, unfinished=unfinished)


def written(session: Session, folded: Sequence[str]) -> dict[str, str]:
    """Folded word → as it is written in a name."""
    here = sa.table("word", sa.column("folded"), sa.column("written"))
    rows = session.execute(sa.select(here).where(here.c.folded.in_(folded)))
    return {row.folded: row.written for row in rows}
