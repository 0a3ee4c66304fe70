"""What becomes of a draft when its requirements change, and how a requirement table is read."""

import re
from collections.abc import Callable, Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from services.catalog.requirements.rules import Method, Obligation, Requirement
from services.chassis.problems import Invalid, Problem

T = TypeVar("T")

MOST_FINDINGS = 1_000
MOST_REQUIREMENTS = 1_000
LONGEST = 10_000


class ColumnMissing(Invalid):
    """The table lacks a column that is needed."""


class ColumnRepeated(Invalid):
    """Two columns of the table hold the same."""


class ColumnUnknown(Invalid):
    """The table has a column that is not known; name it in `ignore` to leave it out."""


class CellsMerged(Invalid):
    """The table has merged cells, so that it does not say which row a value belongs to."""


class CellIsFormula(Invalid):
    """A cell holds a formula; formulas are not worked out. Paste its value."""


class ValueMissing(Invalid):
    """A cell that is needed is empty."""


class ValueUnreadable(Invalid):
    """A cell's value cannot be read."""


class TooManyRequirements(Invalid):
    """The table has too many rows."""


class TooManyFindings(Invalid):
    """There is more wrong with the table than is told."""


@dataclass(frozen=True)
class Cell:
    text: str = ""
    formula: bool = False


@dataclass(frozen=True)
class Sheet:
    """A table as it was sent; `rows[0]` is row 1 of the sheet, which holds the columns' names."""

    rows: Sequence[Sequence[Cell]]
    merged: Sequence[str] = ()
    """Ranges such as `A2:A4`."""


@dataclass(frozen=True)
class Outcome:
    """What a change does to a draft, by the requirements' ids."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    unchanged: int = 0

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.dropped)


def outcome(before: Sequence[Requirement], after: Sequence[Requirement]) -> Outcome:
    were = {one.id: one for one in before}
    are = {one.id for one in after}
    changed = [
        one.id
        for one in after
        if one.id in were
        and (
            were[one.id].content() != one.content() or (one.replaces or were[one.id].replaces) != were[one.id].replaces
        )
    ]
    added = [one.id for one in after if one.id not in were]
    return Outcome(
        added, changed, [one.id for one in before if one.id not in are], len(are) - len(added) - len(changed)
    )


def stands_for(
    wanted: Sequence[Requirement], links: Mapping[str, int | None], followed: Mapping[int, Requirement]
) -> dict[str, int | None]:
    """Which requirement of the followed version each wanted one stands for: the one that it, or what it replaces, stood
    for before (`links`), or else one of the same id that nothing else stands for."""
    found = {one.id: links.get(one.id, links.get(one.replaces or "")) for one in wanted}
    taken = set(found.values())
    free = {one.id: key for key, one in followed.items() if key not in taken}
    return {
        one.id: free.get(one.id) if found[one.id] is None and one.id not in links else found[one.id] for one in wanted
    }


# ---- Requirement tables

LANGUAGES = ("nb", "nn", "en", "se")
COLUMNS: dict[str, tuple[str, ...]] = {
    "id": ("id", "krav-id", "kravid", "krav id", "kravnummer", "krav nr", "nr", "requirement id"),
    "text": ("tekst", "krav", "kravtekst", "text", "requirement"),
    "obligation": ("må/bør/kan", "må/bør", "må, bør, kan", "forpliktelse", "obligation", "must/should/may"),
    "applies_to": ("gjelder for", "gjeld for", "vilkår", "applies to", "applies_to", "condition"),
    "verification": ("verifikasjon", "verifisering", "akseptansetest", "slik vises det", "verification"),
    "method": ("metode", "verifikasjonsmetode", "method"),
    "comment": ("kommentar", "merknad", "comment"),
    "standard": ("standard",),
    "clause": ("punkt", "pkt", "clause"),
    "replaces": ("erstatter", "erstattar", "replaces"),
}
"""The names by which a column is known; the first is the one that we write."""
NEEDED = ("id", "text", "obligation")
TEXTS = ("text", "applies_to", "verification", "comment")
_NAMED = {name: column for column, names in COLUMNS.items() for name in names}
OBLIGATIONS = {
    Obligation.MUST: ("må", "skal", "må-krav", "maa", "must", "shall", "m"),
    Obligation.SHOULD: ("bør", "bør-krav", "boer", "should", "b"),
    Obligation.MAY: ("kan", "kan-krav", "may", "k"),
}
METHODS = {
    Method.DOCUMENTATION: ("dokumentasjon", "documentation"),
    Method.DEMONSTRATION: ("demonstrasjon", "demonstration"),
    Method.TEST: ("test",),
    Method.INSPECTION: ("inspeksjon", "inspection"),
    Method.SELF_DECLARATION: ("egenerklæring", "self_declaration", "self-declaration"),
}
_OBLIGATION = {word: value for value, words in OBLIGATIONS.items() for word in words}
_METHOD = {word: value for value, words in METHODS.items() for word in words}
_ID = re.compile(r"[A-Z0-9][A-Z0-9.-]{0,39}")
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,78}[a-z0-9])?")
_SUFFIX = re.compile(r"(.*\S)\s*\((nb|nn|en|se)\)")
_FORMULA = re.compile(r"'*[=+\-@\t\r]")

Column = tuple[str, str]
"""What it holds, and its language: `("text", "nn")`; without one for what is no text."""


def read(
    sheet: Sheet, *, language: str, ignored: Collection[str]
) -> tuple[list[tuple[int, Requirement]], list[Problem]]:
    """A table's requirements, each with its row in the sheet, and everything that is wrong with it. `language`: of
    the columns that do not say; `ignored`: names of columns to leave out."""
    columns, found = _columns(sheet.rows[0] if sheet.rows else (), language, {_folded(one) for one in ignored})
    found += [CellsMerged(f"{cells} are merged.", pointer="#", cells=cells) for cells in sheet.merged]
    if any(isinstance(one, ColumnMissing | ColumnRepeated | ColumnUnknown) for one in found):
        return [], found
    read: list[tuple[int, Requirement]] = []
    widest = max(len(row) for row in sheet.rows)
    header = [cell.text for cell in sheet.rows[0]]
    nameless = {place for place in range(widest) if place >= len(header) or not header[place].strip()}
    for number, row in enumerate(sheet.rows[1:], start=2):
        if not any(cell.text or cell.formula for cell in row):
            continue
        if len(read) == MOST_REQUIREMENTS:
            found.append(TooManyRequirements(f"At most {MOST_REQUIREMENTS}.", pointer=f"#/rows/{number}"))
            break
        read.append((number, _requirement(number, row, columns, nameless, found)))
    return read, bounded(found)


def bounded(found: Sequence[Problem]) -> list[Problem]:
    """No more findings than anyone reads; that there are more is told."""
    if len(found) <= MOST_FINDINGS:
        return list(found)
    return [
        *found[: MOST_FINDINGS - 1],
        TooManyFindings(f"{len(found)} in all; the first {MOST_FINDINGS - 1} are told."),
    ]


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())


def _columns(
    header: Sequence[Cell], language: str, ignored: Collection[str]
) -> tuple[dict[int, Column], list[Problem]]:
    columns: dict[int, Column] = {}
    found: list[Problem] = []
    for place, cell in enumerate(header):
        name = _folded(cell.text)
        if not name or name in ignored:
            continue
        where = f"#/rows/1/{letter(place)}"
        plain, of = (match[1], match[2]) if (match := _SUFFIX.fullmatch(name)) else (name, "")
        kind = _NAMED.get(plain)
        if kind is None or (of and kind not in TEXTS):
            known = ", ".join(names[0] for names in COLUMNS.values())
            found.append(
                ColumnUnknown(f"{cell.text!r}; known are {known}.", pointer=where, row=1, column=letter(place))
            )
            continue
        column = (kind, (of or language) if kind in TEXTS else "")
        if column in columns.values():
            found.append(ColumnRepeated(f"{cell.text!r}.", pointer=where, row=1, column=letter(place)))
        columns[place] = column
    held = {kind for kind, _ in columns.values()}
    found += [
        ColumnMissing(f"{COLUMNS[kind][0]!r} ({kind}).", pointer="#/rows/1", row=1)
        for kind in NEEDED
        if kind not in held
    ]
    return columns, found


def _requirement(
    number: int,
    row: Sequence[Cell],
    columns: Mapping[int, Column],
    nameless: Container[int],
    found: list[Problem],
) -> Requirement:
    """What a row says; what cannot be read of it is added to `found`, and something readable stands for it."""
    values: dict[Column, str] = {}
    places = {column: place for place, column in columns.items()}
    found += [
        ValueUnreadable("Its column has no name.", pointer=f"#/rows/{number}/{letter(place)}", row=number)
        for place, cell in enumerate(row)
        if cell.text and place in nameless
    ]

    def wrong(kind: type[Problem], detail: str, column: Column) -> None:
        name = column[0] if column[1] in ("", "nb") else f"{column[0]}/{column[1]}"
        where: dict[str, object] = {"row": number} | ({"column": letter(places[column])} if column in places else {})
        found.append(kind(detail, pointer=f"#/rows/{number}/{name}", **where))

    for place, column in columns.items():
        cell = row[place] if place < len(row) else Cell()
        if cell.formula:
            wrong(CellIsFormula, cell.text[:100], column)
        text = unescaped(cell.text).strip()
        if "\0" in text or len(text) > LONGEST:
            wrong(ValueUnreadable, f"At most {LONGEST} characters, and none that is no character.", column)
            text = ""
        values[column] = text
    texts = {kind: {of: values[kind, of] for of in LANGUAGES if values.get((kind, of))} for kind in TEXTS}
    id = values["id", ""]
    if not id:
        wrong(ValueMissing, "A requirement has an id.", ("id", ""))
    elif not _ID.fullmatch(id):
        wrong(ValueUnreadable, f"{id[:60]!r}: capitals, digits, dots and hyphens, at most 40.", ("id", ""))
    if not texts["text"]:
        wrong(ValueMissing, "A requirement has a text.", next(one for one in columns.values() if one[0] == "text"))
    obligation = _word(values, ("obligation", ""), _OBLIGATION, "må, bør or kan", wrong, needed=True)
    method = _word(values, ("method", ""), _METHOD, ", ".join(words[0] for words in METHODS.values()), wrong)
    standard, clause = values.get(("standard", ""), ""), values.get(("clause", ""), "")
    if standard and not _SLUG.fullmatch(standard):
        wrong(ValueUnreadable, f"{standard[:60]!r} is not a standard's name in addresses.", ("standard", ""))
    if bool(standard) != bool(clause):
        wrong(ValueMissing, "A standard and its clause go together.", ("clause" if standard else "standard", ""))
    if len(clause) > 80:
        wrong(ValueUnreadable, "At most 80 characters.", ("clause", ""))
    replaces = values.get(("replaces", ""), "")
    if replaces and not _ID.fullmatch(replaces):
        wrong(ValueUnreadable, f"{replaces[:60]!r} is not a requirement's id.", ("replaces", ""))
    return Requirement(
        id,
        obligation or Obligation.MUST,
        texts["text"],
        texts["verification"] or None,
        method,
        texts["applies_to"] or None,
        texts["comment"] or None,
        (standard, clause) if standard and clause else None,
        replaces or None,
    )


def _word(
    values: Mapping[Column, str],
    column: Column,
    known: Mapping[str, T],
    expected: str,
    wrong: Callable[[type[Problem], str, Column], None],
    *,
    needed: bool = False,
) -> T | None:
    text = values.get(column, "")
    found = known.get(_folded(text))
    if found is None and (text or needed):
        wrong(ValueUnreadable if text else ValueMissing, f"{text[:60]!r}: expected is {expected}.", column)
    return found


def letter(place: int) -> str:
    """A column's name in a sheet: 0 → A, 26 → AA."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def escaped(text: str) -> str:
    """A value that no spreadsheet takes for a formula, and that `unescaped` gives back as it was."""
    return f"'{text}" if _FORMULA.match(text) else text


def unescaped(text: str) -> str:
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def written(requirements: Sequence[Requirement]) -> list[list[str]]:
    """Requirements as a table that `read` reads back, with the columns that are needed for them."""
    columns: list[Column] = []
    for kind in COLUMNS:
        if kind in TEXTS:
            used = {of for one in requirements for of in getattr(one, kind) or ()}
            columns += [(kind, of) for of in LANGUAGES if of in used or (kind == "text" and of == "nb")]
        else:
            columns.append((kind, ""))
    header = [COLUMNS[kind][0].capitalize() + (f" ({of})" if of not in ("", "nb") else "") for kind, of in columns]
    return [header, *([escaped(_value(one, *column)) for column in columns] for one in requirements)]


def _value(one: Requirement, kind: str, of: str) -> str:
    if kind in TEXTS:
        return str((getattr(one, kind) or {}).get(of, ""))
    if kind == "obligation":
        return OBLIGATIONS[one.obligation][0].capitalize()
    if kind == "method":
        return METHODS[one.method][0] if one.method else ""
    if kind in ("standard", "clause"):
        return one.clause[kind == "clause"] if one.clause else ""
    return str(getattr(one, kind) or "")
