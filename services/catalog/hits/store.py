"""What a search answers with besides the entries: counts by facet, the word that was meant, and marks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import array
from sqlmodel import Session

from services.catalog.search import rules, store
from services.catalog.words import rules as words
from services.catalog.words import store as vocabulary

MOST_COUNTED = 10_000
"""Matches that are counted one by one; of more, every `SAMPLE`-th is."""
SAMPLE = 10
SURELY_MORE = 13_000
"""Of so many by the sample, there are more than `MOST_COUNTED`: ten standard deviations."""
_TOTAL, _SEEN = "total:", "seen:"
MOST_MARKED = 2_000
"""Characters of a text in which words are marked."""


@dataclass(frozen=True)
class Counts:
    total: int
    exact: bool
    facets: dict[str, dict[str, int]]


def counts(session: Session, asked: store.Asked, narrowed: store.Narrowed, *, adoption: bool) -> Counts:
    """How many match, and how many of them have each value of each facet. Those of a facet that is itself narrowed by
    `only` are counted as if it were not, so that one sees what else there is."""
    matching = asked.matching()
    if store.few(session, asked, narrowed) and (query := asked.correct(session)):
        matching = [sa.or_(*matching, store.has(store.HERE.words, query))]
    base = store.Narrowed(narrowed.on, (), {}, narrowed.every, (), narrowed.audience)
    conditions = [*store.narrowing(base), *matching]
    chosen: dict[str, Any] = {
        name: store.any_of(narrowed, name, values)
        for name, values in {**narrowed.only, "type": list(narrowed.types)}.items()
        if values
    }
    if narrowed.adoption:
        chosen[rules.ADOPTION] = store.adoption(narrowed.adoption)
    values = _values(narrowed, chosen, adoption=adoption)
    drawn = store.HERE.lot < rules.LOTS // SAMPLE
    if SAMPLE * store.counted(session, [drawn, *conditions], MOST_COUNTED) < SURELY_MORE:
        found = _counts(session, values, conditions, chosen, MOST_COUNTED + 1)
        if found.pop(_SEEN, 0) <= MOST_COUNTED:
            return Counts(found.pop(_TOTAL, 0), True, _by_facet(found, 1))
    found = _counts(session, values, [drawn, *conditions], chosen, None)
    found.pop(_SEEN, 0)
    return Counts(found.pop(_TOTAL, 0) * SAMPLE, False, _by_facet(found, SAMPLE))


def _values(narrowed: store.Narrowed, chosen: Mapping[str, Any], *, adoption: bool) -> Any:
    """An entry's values as they are on the day, and `total:` for itself."""
    changed = store.HERE.changes_on <= narrowed.on
    values: Any = sa.case((changed, store.HERE.facets_then), else_=store.HERE.facets)
    for extra in [sa.literal(_TOTAL), *([_bucket()] if adoption else [])]:
        values = sa.func.array_append(values, extra, type_=store.TEXT_ARRAY)
    return values


def _counts(
    session: Session, values: Any, conditions: list[Any], chosen: Mapping[str, Any], most: int | None
) -> dict[str, int]:
    """Each value → how many of the entries have it, of at most so many; and how many were looked at. An entry that the
    choice of one facet leaves out counts for that facet; one that two leave out counts for none."""
    lacking: list[Any] = [sa.case((condition, sa.null()), else_=f"{name}:") for name, condition in chosen.items()]
    lacks = sa.func.array_remove(array([*lacking, sa.null()], type_=sa.Text()), None, type_=store.TEXT_ARRAY)
    entries = sa.select(values.label("values"), *([lacks.label("lacks")] if chosen else []))
    seen = entries.select_from(store.SearchEntry).where(*conditions).limit(most).subquery()
    if chosen:
        whole = sa.func.array_append(seen.c["values"], _SEEN, type_=store.TEXT_ARRAY)
        shown = sa.case((sa.func.cardinality(seen.c.lacks) <= 1, whole), else_=array([_SEEN]))
        each = sa.select(sa.func.unnest(shown).label("value"), seen.c.lacks).subquery()
        left_in = sa.func.cardinality(each.c.lacks) == 0
        of_the_choice = sa.func.starts_with(each.c.value, each.c.lacks[1])
        counted = sa.select(each.c.value, sa.func.count().label("number")).where(
            left_in | of_the_choice | (each.c.value == _SEEN)
        )
    else:
        each = sa.select(sa.func.unnest(seen.c["values"]).label("value")).subquery()
        counted = sa.select(each.c.value, sa.func.count().label("number"))
    every = counted.group_by(each.c.value).subquery()
    # One text instead of thousands of rows.
    answer = sa.select(sa.cast(sa.func.json_object_agg(every.c.value, every.c.number), sa.Text))
    found: dict[str, int] = orjson.loads(session.execute(answer).scalar_one() or "{}")
    if not chosen:
        found[_SEEN] = found.get(_TOTAL, 0)
    return found


def _by_facet(counted: Mapping[str, int], scale: int) -> dict[str, dict[str, int]]:
    facets: dict[str, dict[str, int]] = {}
    for one, number in counted.items():
        name, _, value = one.partition(":")
        facets.setdefault(name, {})[value] = number * scale
    return facets


def _bucket() -> Any:
    low_to_high = sorted(rules.ADOPTERS.items(), key=lambda one: -one[1])
    return sa.case(*((store.HERE.adopters >= least, f"{rules.ADOPTION}:{name}") for name, least in low_to_high))


def meant(session: Session, asked: store.Asked, q: str) -> str | None:
    """The question as it was probably meant; None when every word of it is known or nothing is like it."""
    if not asked.correct(session) or not asked.better:
        return None
    known = vocabulary.written(session, [better[0] for better in asked.better.values()])
    instead = {word: known[better[0]] for word, better in asked.better.items() if better[0] in known}
    return words.replaced(q, instead) if instead else None


@dataclass(frozen=True)
class Marks:
    """HTML, escaped, with `<mark>` around what was asked for; only the languages in which something was."""

    name: dict[str, str]
    snippet: dict[str, str]


def marks(session: Session, asked: store.Asked, found: Sequence[store.Found]) -> list[Marks]:
    """Of each entry."""
    if asked.question is None:
        return [Marks({}, {}) for _ in found]
    also = [word for better in (asked.better or {}).values() for word in better]
    stems, begun = words.asked_for(asked.question, asked.stems, also)
    starts = {one[:2] for one in stems | begun}
    texts = [text[:MOST_MARKED] for one in found for text in (*one.name.values(), *(one.summary or {}).values())]
    folded = {form for text in texts for word in words.words(text) if (form := words.fold(word))[:2] in starts}
    known = vocabulary.stems(session, folded)

    def hit(word: str) -> bool:
        form = words.fold(word)
        stem = known.get(form)
        return stem is not None and (stem.nb in stems or stem.en in stems or form.startswith(tuple(begun)))

    def each(texts: Mapping[str, str] | None, mark: Any) -> dict[str, str]:
        marked = {language: mark(text[:MOST_MARKED], hit) for language, text in (texts or {}).items()}
        return {language: text for language, text in marked.items() if text}

    return [Marks(each(one.name, words.marked), each(one.summary, words.snippet)) for one in found]


def names(session: Session, facets: Mapping[str, Sequence[str]]) -> dict[str, dict[str, str]]:
    """What the organisation numbers and slugs among the values stand for, as far as it is public."""
    here = store.HERE
    numbers = [*facets.get("owner", ()), *facets.get("supplier", ())]
    paths = [f"/{kind}s/{value}" for kind in ("component", "specification") for value in facets.get(kind, ())]
    if not numbers and not paths:
        return {}
    owners = (here.type == rules.Type.ORGANISATION) & here.exact.op("&&", is_comparison=True)(
        sa.literal(numbers, store.TEXT_ARRAY)
    )
    query = sa.select(here.ref, here.exact, here.name).where(
        here.audience == rules.Audience.PUBLIC, owners | here.path.in_(paths)
    )
    wanted = set(numbers)
    found: dict[str, dict[str, str]] = {}
    for row in session.execute(query):
        for value in [row.ref, *(wanted & set(row.exact))]:
            found[value] = row.name
    return found
