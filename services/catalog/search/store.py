"""The entries as they are kept, and how they are found."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY, TSVECTOR, insert
from sqlmodel import Field, Session

from services.catalog.db import Table
from services.catalog.search import rules
from services.catalog.search.rules import Audience, Entry, Match, Sort, Type
from services.catalog.words import rules as words
from services.catalog.words import store as vocabulary
from services.chassis import paging
from services.chassis.db import JSON, ValueUnusable, choice

FEW = 3
"""With fewer matches than these, what was typed is also taken for a misspelt word."""
BATCH = 500
LONGEST_SORTED = 200
TEXT_ARRAY = ARRAY(sa.Text)


class SearchEntry(Table, table=True):
    """`behind` is how far its weight is from the heaviest: PostgreSQL walks an index in that order for words that are
    everywhere, and takes the word's own index for those that are rare."""

    __tablename__ = "search_entry"
    __table_args__ = (
        sa.Index("ix_search_entry_order", "behind", "sort_key", "path"),
        sa.Index("ix_search_entry_type_order", "type", "behind", "sort_key", "path"),
        sa.Index("ix_search_entry_name", "sort_key", "path"),
        sa.Index("ix_search_entry_adopters", sa.text("adopters DESC"), "sort_key", "path"),
        sa.Index("ix_search_entry_exact", "exact", postgresql_using="gin"),
        sa.Index("ix_search_entry_name_words", "name_words", postgresql_using="gin"),
        sa.Index("ix_search_entry_words", "words", postgresql_using="gin"),
        sa.Index("ix_search_entry_facets", "facets", postgresql_using="gin"),
        sa.Index("ix_search_entry_lot", "lot"),
        sa.Index("ix_search_entry_changes", "changes_on", postgresql_where=sa.text("changes_on IS NOT NULL")),
    )
    path: str = Field(sa_type=sa.String(200, collation="C"), primary_key=True)
    type: Type = Field(sa_type=choice(Type))
    ref: str = Field(max_length=80)
    name: dict[str, str] = Field(sa_type=JSON)
    summary: dict[str, str] | None = Field(default=None, sa_type=JSON)
    sort_key: str = Field(sa_type=sa.String(600, collation="C"))
    behind: int = Field(sa_type=sa.SmallInteger)
    exact: list[str] = Field(sa_type=TEXT_ARRAY)
    name_words: Any = Field(sa_type=TSVECTOR)
    words: Any = Field(sa_type=TSVECTOR)
    facets: list[str] = Field(sa_type=TEXT_ARRAY)
    changes_on: date | None = None
    facets_then: list[str] | None = Field(default=None, sa_type=TEXT_ARRAY)
    lot: int = Field(sa_type=sa.SmallInteger)
    adopters: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    audience: Audience = Field(sa_type=choice(Audience))


HERE = SearchEntry.__table__.c  # type: ignore[attr-defined]
HEAVIEST = 100


def _vector(nb: str, en: str) -> Any:
    return sa.func.to_tsvector(sa.text(f"'{vocabulary.NORWEGIAN}'::regconfig"), sa.bindparam(nb)).op("||")(
        sa.func.to_tsvector(sa.text(f"'{vocabulary.ENGLISH}'::regconfig"), sa.bindparam(en))
    )


_INSERT = insert(SearchEntry).values(name_words=_vector("nb_name", "en_name"), words=_vector("nb_text", "en_text"))
_PUT = _INSERT.on_conflict_do_update(
    index_elements=["path"],
    set_={column.name: column for column in _INSERT.excluded if column.name not in ("path", "adopters")},
)


def put(session: Session, *entries: Entry) -> None:
    """Let these be found from now on, as they are now; in the transaction that changes them."""
    for some in _batches(sorted(entries, key=lambda one: one.path)):
        session.execute(_PUT, [_row(one) for one in some])
        vocabulary.learn(
            session, (name for one in some if one.audience is Audience.PUBLIC for name in one.name.values())
        )


def _batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    left = iter(entries)
    while some := list(islice(left, BATCH)):
        yield some


def _row(entry: Entry) -> dict[str, Any]:
    english = entry.name.get("en", "")
    norwegian = [text for language, text in entry.name.items() if language != "en"]
    summaries = entry.summary or {}
    whole = {one for name in [*entry.name.values(), *entry.codes, entry.ref] for one in words.names(name)}
    return {
        **{key: getattr(entry, key) for key in ("path", "type", "ref", "audience")},
        "name": dict(entry.name),
        "summary": dict(summaries) or None,
        "sort_key": entry.sort_key[:LONGEST_SORTED],
        "behind": HEAVIEST - max(0, min(HEAVIEST, entry.weight)),
        "exact": sorted(whole),
        "facets": rules.facet_values(entry.type, entry.facets),
        "changes_on": entry.later.on if entry.later else None,
        "facets_then": rules.facet_values(entry.type, entry.later.facets) if entry.later else None,
        "lot": rules.lot(entry.path),
        "nb_name": words.indexed(norwegian),
        "en_name": words.indexed([english]),
        "nb_text": words.indexed(
            [
                *norwegian,
                *(text for language, text in summaries.items() if language != "en"),
                *entry.words,
                *entry.codes,
                entry.ref,
            ]
        ),
        "en_text": words.indexed([english, summaries.get("en", "")]),
    }


def remove(session: Session, *paths: str) -> None:
    session.execute(sa.delete(SearchEntry).where(HERE.path.in_(paths)))


def adopters(session: Session, counts: Mapping[str, int]) -> None:
    """How many organisations use each of these (by path) now."""
    if counts:
        session.execute(_ADOPTERS, {"paths": list(counts), "numbers": list(counts.values())})


_ADOPTERS = sa.text(
    "UPDATE search_entry SET adopters = new.number FROM unnest(CAST(:paths AS text[]), CAST(:numbers AS integer[])) "
    "AS new (path, number) WHERE search_entry.path = new.path"
)


def rebuild(session: Session, entries: Iterable[Entry]) -> int:
    """All entries anew; how many adopt a thing is kept, and what is not among them is forgotten. Whoever changes
    something meanwhile waits, so that nothing new is replaced by what was read before."""
    session.execute(sa.text("LOCK TABLE search_entry IN SHARE ROW EXCLUSIVE MODE"))
    forgotten = set(session.execute(sa.select(HERE.path)).scalars())
    number = 0
    for some in _batches(entries):
        put(session, *some)
        forgotten -= {one.path for one in some}
        number += len(some)
    if forgotten:
        remove(session, *forgotten)
    return number


def fill(session: Session, entries: Iterable[Entry]) -> int:
    """Those entries that are not there yet. → how many"""
    known = set(session.execute(sa.select(HERE.path)).scalars())
    missing = [one for one in entries if one.path not in known]
    put(session, *missing)
    return len(missing)


@dataclass(frozen=True)
class Narrowed:
    """Which entries count at all: `only` is facet → values, any of them; `every` is facet → values, all of them."""

    on: date
    types: Collection[Type] = ()
    only: Mapping[str, Sequence[str]] = field(default_factory=dict)
    every: Mapping[str, Sequence[str]] = field(default_factory=dict)
    adoption: Sequence[str] = ()
    audience: Audience = Audience.PUBLIC

    def unfiltered(self) -> "Narrowed":
        return Narrowed(self.on, self.types, audience=self.audience)


@dataclass(frozen=True)
class Found:
    type: Type
    ref: str
    path: str
    name: dict[str, str]
    summary: dict[str, str] | None
    facets: dict[str, list[str]]
    adopters: int
    match: Match | None
    """None where no words were asked for."""
    cursor: str
    """The `after` of what follows it."""


def find(
    session: Session,
    q: str | None,
    *,
    on: date,
    after: str | None,
    limit: int,
    types: Collection[Type] = (),
    only: Mapping[str, Sequence[str]] | None = None,
    audience: Audience = Audience.PUBLIC,
) -> list[Found]:
    """limit + 1 entries, best first; without words by weight."""
    return ordered(session, Asked.of(session, q), Narrowed(on, types, only or {}, {}, (), audience), after, limit)


def refs(session: Session, q: str, type: Type) -> Any:
    """A subquery of the `ref` of everything public of this type that has the words, for a list with filters and an
    order of its own."""
    narrowed = [HERE.type == type, HERE.audience == Audience.PUBLIC]
    return sa.select(HERE.ref).where(*narrowed, *Asked.of(session, q).matching())


@dataclass
class Asked:
    """A question, read and ready to be looked for; None of words when only facets narrow."""

    question: words.Question | None
    stems: dict[str, words.Stem]
    full: str = ""
    begun: str = ""
    better: dict[str, list[str]] | None = None
    """Word → what it may have been meant to be; looked for only when little is found."""

    @classmethod
    def of(cls, session: Session, q: str | None) -> "Asked":
        if q is None:
            return cls(None, {})
        question = words.read(q)
        stems = vocabulary.stems(session, question.spoken())
        full, begun = (words.expression(question, stems, completing=one) for one in (False, True))
        return cls(question, stems, full, begun)

    @property
    def exact(self) -> Any:
        assert self.question
        return HERE.exact.op("&&", is_comparison=True)(_fixed(sorted(self.question.whole), TEXT_ARRAY))

    def stages(self) -> Iterator[tuple[Match, list[Any]]]:
        """Each class of matches with its conditions; no entry is in two."""
        if not self.question or not self.question.whole:
            return
        yield Match.EXACT, [self.exact]
        if not self.full:
            return
        # What is excluded may stand nowhere, also where the words that are asked for stand in the name.
        excluding = any(one.excluded for one in self.question.terms())
        named = has(HERE.name_words, self.begun)
        nowhere = [has(HERE.words, self.begun)] if excluding else []
        yield Match.NAME, [has(HERE.name_words, self.full), *nowhere, ~self.exact]
        if self.begun != self.full:
            yield Match.NAME_BEGUN, [named, *nowhere, ~has(HERE.name_words, self.full), ~self.exact]
        yield Match.ANYWHERE, [has(HERE.words, self.begun), ~named, ~self.exact]

    def matching(self) -> list[Any]:
        """All classes together."""
        if self.question is None:
            return []
        if not self.question.whole:
            return [sa.false()]
        return [sa.or_(self.exact, *([has(HERE.words, self.begun)] if self.begun else []))]

    def correct(self, session: Session) -> str:
        """→ the question with the words of the vocabulary that were probably meant, or "" when there are none"""
        if self.question is None:
            return ""
        if self.better is None:
            self.better = {}
            for term in self.question.terms():
                if not term.excluded and len(term.words) == 1:
                    word = words.fold(term.words[0])
                    meant = vocabulary.similar(session, word, unfinished=term.unfinished)
                    if meant and meant[0] != word:
                        self.better[word] = meant
            self.stems |= vocabulary.stems(session, [word for meant in self.better.values() for word in meant])
        return words.corrected(self.question, self.stems, self.better) if self.better else ""

    def similar(self, query: str) -> Iterator[tuple[Match, list[Any]]]:
        named = has(HERE.name_words, query)
        yield Match.SIMILAR_NAME, [named, has(HERE.words, query), ~self.matching()[0]]
        yield Match.SIMILAR, [has(HERE.words, query), ~named, ~self.matching()[0]]


def ordered(
    session: Session, asked: Asked, narrowed: Narrowed, after: str | None, limit: int, sort: Sort = Sort.RELEVANCE
) -> list[Found]:
    """limit + 1 entries in this order."""
    if sort is not Sort.RELEVANCE:
        return _sorted(session, asked, narrowed, after, limit, sort)
    start = paging.start(after, int, int, str, str)
    if asked.question is None:
        return _rows(session, narrowed, None, [], start, limit + 1)
    found: list[Found] = []
    reached = start[0] if start else Match.EXACT

    def look(stages: Iterable[tuple[Match, list[Any]]]) -> None:
        for match, conditions in stages:
            if match >= reached and len(found) <= limit:
                here = start if match == reached else None
                found.extend(_rows(session, narrowed, match, conditions, here, limit + 1 - len(found)))

    look(asked.stages())
    if len(found) <= limit and (reached > Match.ANYWHERE or (len(found) < FEW and few(session, asked, narrowed))):
        query = asked.correct(session)
        look(asked.similar(query) if query else [])
    return found


def few(session: Session, asked: Asked, narrowed: Narrowed) -> bool:
    """Whether so little matches, whatever it is narrowed by, that the words may be misspelt."""
    if not asked.question or not asked.question.whole:
        return False
    return counted(session, [*narrowing(narrowed.unfiltered()), *asked.matching()], FEW) < FEW


def counted(session: Session, conditions: list[Any], most: int) -> int:
    some = sa.select(sa.literal(1)).select_from(SearchEntry).where(*conditions).limit(most).subquery()
    return int(session.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())


def _sorted(
    session: Session, asked: Asked, narrowed: Narrowed, after: str | None, limit: int, sort: Sort
) -> list[Found]:
    conditions = [*narrowing(narrowed), *asked.matching()]
    order: tuple[Any, ...] = (HERE.sort_key, HERE.path)
    by_name = sa.tuple_(*order)
    if sort is Sort.NAME:
        if start := paging.start(after, str, str):
            conditions.append(by_name > tuple(start))
    else:
        if start := paging.start(after, int, str, str):
            number, *rest = start
            conditions.append((HERE.adopters <= number) & ((HERE.adopters < number) | (by_name > tuple(rest))))
        order = (HERE.adopters.desc(), *order)
    rows = session.execute(_ALL.where(*conditions).order_by(*order).limit(limit + 1))
    return [
        _found(row, narrowed.on, None, *([row.adopters] if sort is Sort.ADOPTION else []), row.sort_key, row.path)
        for row in rows
    ]


def _rows(
    session: Session, narrowed: Narrowed, match: Match | None, conditions: list[Any], start: Any, limit: int
) -> list[Found]:
    if start:
        conditions = [*conditions, sa.tuple_(HERE.behind, HERE.sort_key, HERE.path) > tuple(start[1:])]
    query = _ALL.where(*narrowing(narrowed), *conditions).order_by(HERE.behind, HERE.sort_key, HERE.path)
    return [
        _found(row, narrowed.on, match, int(match or 0), row.behind, row.sort_key, row.path)
        for row in session.execute(query.limit(limit))
    ]


_ALL = sa.select(
    *(HERE[name] for name in ("type", "ref", "path", "name", "summary", "facets", "changes_on", "facets_then")),
    *(HERE[name] for name in ("adopters", "behind", "sort_key")),
)


def _found(row: sa.Row[Any], on: date, match: Match | None, *place: object) -> Found:
    facets: dict[str, list[str]] = {}
    for one in row.facets_then if row.changes_on and row.changes_on <= on else row.facets:
        name, _, value = one.partition(":")
        if name != "type" and value != rules.MISSING:
            facets.setdefault(name, []).append(value)
    return Found(row.type, row.ref, row.path, row.name, row.summary, facets, row.adopters, match, paging.cursor(*place))


def narrowing(narrowed: Narrowed) -> list[Any]:
    found: list[Any] = []
    if narrowed.audience is Audience.PUBLIC:
        found.append(HERE.audience == _fixed(Audience.PUBLIC, HERE.audience.type))
    if len(narrowed.types) == 1:
        found.append(HERE.type == _fixed(next(iter(narrowed.types)), HERE.type.type))
    elif narrowed.types:
        found.append(HERE.type.in_(sa.bindparam(None, list(narrowed.types), expanding=True, literal_execute=True)))
    found += [any_of(narrowed, name, values) for name, values in narrowed.only.items() if values]
    for name, values in narrowed.every.items():
        if values:
            found.append(_holds(narrowed.on, "@>", [f"{name}:{value}" for value in values]))
    if narrowed.adoption:
        found.append(adoption(narrowed.adoption))
    return found


def any_of(narrowed: Narrowed, name: str, values: Sequence[str]) -> Any:
    return _holds(narrowed.on, "&&", [f"{name}:{value}" for value in values])


def _holds(on: date, operator: str, values: list[str]) -> Any:
    """Of the facets as they are on the day, each with its index."""
    if any("\0" in value for value in values):
        raise ValueUnusable
    asked = _fixed(values, TEXT_ARRAY)
    changed = HERE.changes_on <= _fixed(on, sa.Date())
    return (HERE.facets.op(operator, is_comparison=True)(asked) & changed.is_not(True)) | (
        HERE.facets_then.op(operator, is_comparison=True)(asked) & changed
    )


def adoption(values: Sequence[str]) -> Any:
    bounds = [rules.adopted(value) for value in values]
    return sa.or_(*(HERE.adopters.between(low, 2**31 - 1 if high is None else high) for low, high in bounds))


def has(vector: Any, query: str) -> Any:
    return vector.op("@@", is_comparison=True)(_fixed(query, TSQUERY))


def _fixed(value: Any, type_: Any) -> Any:
    """A value that stands in the statement itself, so that PostgreSQL plans for it: a rare word and a common one are
    not found the same way."""
    return sa.cast(sa.bindparam(None, value, sa.Text() if type_ is TSQUERY else type_, literal_execute=True), type_)
