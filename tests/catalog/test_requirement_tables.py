"""Requirement tables: what is read is what was written, and everything wrong is told by row and column."""

import io
import zipfile
from typing import Any

import openpyxl
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from services.catalog.drafts import rules, sheet
from services.catalog.drafts.rules import Cell, Sheet
from services.catalog.requirements.rules import Method, Obligation, Requirement
from services.chassis.problems import Problem
from tests.catalog.conftest import errors, problem
from tests.issuer import Issuer

PATH = "/specifications/alstahaug-trygghetstjeneste/versions/1.1"
REASON = {"reason": "Dekkes av egne krav"}


def table(*rows: str, header: str = "ID;Krav;Må/bør/kan") -> bytes:
    return "\n".join([header, *rows]).encode()


def xlsx(*rows: list[Any], merged: str | None = None) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if merged:
        book.active.merge_cells(merged)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def read(content: bytes, media_type: str = sheet.CSV, **options: Any) -> tuple[list[Requirement], list[Problem]]:
    found, problems = rules.read(sheet.read(content, media_type), **{"language": "nb", "ignored": ()} | options)
    return [one for _, one in found], problems


def told(problems: list[Problem]) -> list[tuple[str, str | None]]:
    return [(type(one).__name__, one.pointer) for one in problems]


# ---- What is read

texts = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("=+-@'\";,\n\r"), min_size=1).map(
    str.strip
)
text_objects = st.dictionaries(st.sampled_from(rules.LANGUAGES), texts.filter(bool), min_size=1)


@st.composite
def requirements(draw: st.DrawFn) -> list[Requirement]:
    ids = draw(
        st.lists(st.from_regex(r"[A-Z0-9][A-Z0-9.-]{0,39}", fullmatch=True), unique=True, min_size=1, max_size=4)
    )
    maybe = st.none() | text_objects
    return [
        Requirement(
            id,
            draw(st.sampled_from(Obligation)),
            draw(text_objects),
            draw(maybe),
            draw(st.none() | st.sampled_from(Method)),
            draw(maybe),
            draw(maybe),
            draw(st.none() | st.tuples(st.from_regex(r"[a-z0-9]{1,9}", fullmatch=True), st.just("4.2"))),
            draw(st.none() | st.just("K-0")),
        )
        for id in ids
    ]


@settings(max_examples=150, deadline=None)
@given(requirements())
def test_a_table_that_was_written_is_read_as_it_was(whole: list[Requirement]) -> None:
    written = sheet.write(rules.written(whole))
    assert read(written) == (whole, [])


@given(texts)
def test_no_value_is_taken_for_a_formula_and_none_is_changed(text: str) -> None:
    escaped = rules.escaped(text)
    assert not escaped.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert rules.unescaped(escaped) == text


def test_the_names_of_columns_and_words_are_those_that_people_use() -> None:
    content = "Requirement ID,Text,Text (nn),OBLIGATION,Applies to,Comment\r\nA-1,Alarm,Alarm (nn),Shall,API,\r\n"
    (one,), problems = read(b"\xef\xbb\xbf" + content.encode(), language="en")
    assert problems == []
    assert one == Requirement("A-1", Obligation.MUST, {"en": "Alarm", "nn": "Alarm (nn)"}, applies_to={"en": "API"})


@pytest.mark.parametrize(
    ("word", "expected"), [(word, one) for one, words in rules.OBLIGATIONS.items() for word in words]
)
def test_every_word_for_how_strong_a_requirement_is(word: str, expected: Obligation) -> None:
    (one,), _ = read(table(f"A-1;Krav;{word.upper()}"))
    assert one.obligation is expected


def test_an_empty_row_counts_as_a_row_of_the_sheet_only() -> None:
    whole, problems = read(table("A-1;Krav;må", ";;", "", "A-2;;må"))
    assert [one.id for one in whole] == ["A-1", "A-2"]
    assert told(problems) == [("ValueMissing", "#/rows/5/text")]


def test_a_workbook_is_read_like_a_csv() -> None:
    content = xlsx(["ID", "Krav", "Må/bør/kan", "Standard", "Punkt"], [101, "Alarm", "Må", "noark-5", 4], [None, None])
    (one,), problems = read(content, sheet.XLSX)
    assert problems == []
    assert one == Requirement("101", Obligation.MUST, {"nb": "Alarm"}, clause=("noark-5", "4"))


# ---- What is refused


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (table("A-1;Krav;", header="ID;Krav;Kommentar"), [("ColumnMissing", "#/rows/1")]),
        (table("A-1;Krav;må;x", header="ID;Krav;Må/bør/kan;Type"), [("ColumnUnknown", "#/rows/1/D")]),
        (table("A-1;Krav;må;x", header="ID;Krav;Må/bør/kan;ID (nn)"), [("ColumnUnknown", "#/rows/1/D")]),
        (table("A-1;Krav;må;x", header="ID;Krav;Må/bør/kan;krav-id"), [("ColumnRepeated", "#/rows/1/D")]),
        (table("A-1;Krav;må;x", header="ID;Krav;Må/bør/kan;Tekst (nb)"), [("ColumnRepeated", "#/rows/1/D")]),
        (table("A-1;Krav;må;løst"), [("ValueUnreadable", "#/rows/2/D")]),
        (table("A-1;Krav;kanskje"), [("ValueUnreadable", "#/rows/2/obligation")]),
        (table("A-1;Krav;"), [("ValueMissing", "#/rows/2/obligation")]),
        (table(";Krav;må"), [("ValueMissing", "#/rows/2/id")]),
        (table("a 1;Krav;må"), [("ValueUnreadable", "#/rows/2/id")]),
        (table("A-1;Krav\0;må"), [("ValueUnreadable", "#/rows/2/text"), ("ValueMissing", "#/rows/2/text")]),
        (
            table("A-1;Krav;må;x;", "A-2;Krav;må;;4", header="ID;Krav;Må/bør/kan;Standard;Punkt"),
            [("ValueMissing", "#/rows/2/clause"), ("ValueMissing", "#/rows/3/standard")],
        ),
        (
            table("A-1;Krav;må;gjett;a b", header="ID;Krav;Må/bør/kan;Metode;Erstatter"),
            [("ValueUnreadable", "#/rows/2/method"), ("ValueUnreadable", "#/rows/2/replaces")],
        ),
        (b"", [("ColumnMissing", "#/rows/1")] * 3),
    ],
)
def test_what_is_wrong_is_told_by_row_and_column(content: bytes, expected: list[tuple[str, str]]) -> None:
    assert told(read(content)[1]) == expected


def test_a_row_and_its_column_are_as_in_the_sheet() -> None:
    (found,) = read(table("A-1;Krav;kanskje"))[1]
    assert found.members == {"row": 2, "column": "C"}
    assert [rules.letter(place) for place in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


def test_a_column_that_is_named_is_left_out() -> None:
    content = table("A-1;Krav;må;x", header="ID;Krav;Må/bør/kan;Type")
    assert told(read(content, ignored=["TYPE "])[1]) == []


def test_merged_cells_and_formulas_are_told() -> None:
    header = ["ID", "Krav", "Må/bør/kan"]
    content = xlsx(header, ["A-1", "Krav", "må"], [None, "Krav", "må"], merged="A2:A3")
    (merged, missing) = read(content, sheet.XLSX)[1]
    assert (merged.pointer, merged.members) == ("#", {"cells": "A2:A3"})
    assert told([merged, missing]) == [("CellsMerged", "#"), ("ValueMissing", "#/rows/3/id")]
    content = xlsx(header, ["A-2", "=HYPERLINK(A1)", "må"])
    assert told(read(content, sheet.XLSX)[1]) == [("CellIsFormula", "#/rows/2/text")]


def test_no_more_is_told_than_anyone_reads() -> None:
    _, found = read(table(*["a b;;kanskje"] * 900))
    assert len(found) == rules.MOST_FINDINGS
    assert isinstance(found[-1], rules.TooManyFindings)
    assert "2700 in all" in str(found[-1])
    _, found = read(table(*[f"A-{number};Krav;må" for number in range(rules.MOST_REQUIREMENTS + 1)]))
    assert told(found) == [("TooManyRequirements", f"#/rows/{rules.MOST_REQUIREMENTS + 2}")]


def packed(**parts: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


def with_entities() -> bytes:
    """A workbook whose sheet expands entities."""
    good, file = io.BytesIO(xlsx(["ID"])), io.BytesIO()
    with zipfile.ZipFile(good) as before, zipfile.ZipFile(file, "w") as after:
        for part in before.infolist():
            content = before.read(part)
            if part.filename.endswith("sheet1.xml"):
                content = b'<!DOCTYPE x [<!ENTITY a "ha">]>' + content
            after.writestr(part, content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "media_type", "expected"),
    [
        (b"ID", "text/plain", sheet.TableTypeUnsupported),
        (b"ID", "", sheet.TableTypeUnsupported),
        (b"ID;Krav\xe5", sheet.CSV, sheet.TableUnreadable),
        (b'ID;Krav\nA;"aldri lukket', sheet.CSV, sheet.TableUnreadable),
        (b"ID;Krav\nA;" + b"x" * 200_000, sheet.CSV, sheet.TableUnreadable),
        (b";" * 100, sheet.CSV, sheet.TableTooLarge),
        (b"\n" * 5000, sheet.CSV, sheet.TableTooLarge),
        (b"x" * (sheet.LARGEST + 1), sheet.CSV, sheet.TableTooLarge),
        (b"not a workbook", sheet.XLSX, sheet.TableUnreadable),
        (packed(**{"xl/workbook.xml": b"<workbook/>"}), sheet.XLSX, sheet.TableUnreadable),
        (packed(bomb=b"\0" * (sheet.LARGEST_UNPACKED + 1)), sheet.XLSX, sheet.TableTooLarge),
        (packed(**{f"p{number}": b"" for number in range(600)}), sheet.XLSX, sheet.TableTooLarge),
        (with_entities(), sheet.XLSX, sheet.TableUnreadable),
    ],
)
def test_a_file_that_is_no_such_table_is_refused(content: bytes, media_type: str, expected: type[Problem]) -> None:
    with pytest.raises(expected):
        sheet.read(content, media_type)


# ---- Over HTTP


@pytest.fixture
def owner(issuer: Issuer) -> dict[str, str]:
    return issuer.bearer("938712441", "catalog.write")


def test_a_table_that_was_exported_is_imported_as_it_was(catalog: TestClient, owner: dict[str, str]) -> None:
    before = catalog.get(PATH)
    exported = catalog.get(f"{PATH}/requirements.csv")
    assert exported.headers["content-type"] == "text/csv; charset=utf-8"
    headers = owner | {"Content-Type": "text/csv"}
    answer = catalog.post(f"{PATH}/requirements", content=exported.content, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "specification": "alstahaug-trygghetstjeneste",
        "version": "1.1",
        "requirements": 8,
        "added": [],
        "changed": [],
        "dropped": [],
        "unchanged": 8,
    }
    assert catalog.get(PATH).json() == before.json()
    assert catalog.get(PATH).headers["ETag"] == before.headers["ETag"], "nothing changed"


def test_a_table_becomes_the_whole_draft(catalog: TestClient, owner: dict[str, str]) -> None:
    content = xlsx(["ID", "Krav", "Må/bør/kan"], ["VT2-01", "Alarm når fram.", "må"], ["NY-1", "Nytt", "kan"])
    headers = owner | {"Content-Type": sheet.XLSX}
    tried = catalog.post(f"{PATH}/requirements", content=content, headers=headers, params=REASON | {"dry_run": "true"})
    assert problem(tried) == (422, "requirement-id-reused")
    assert errors(tried) == {("requirement-id-reused", "#/rows/2/id")}
    content = xlsx(
        ["ID", "Krav", "Må/bør/kan", "Erstatter"], ["NY-2", "Alarm", "må", "VT2-01"], ["NY-1", "Nytt", "kan"]
    )
    before = catalog.get(PATH).json()
    tried = catalog.post(f"{PATH}/requirements", content=content, headers=headers, params=REASON | {"dry_run": "true"})
    assert (tried.status_code, tried.headers["Dry-Run"]) == (200, "true")
    assert catalog.get(PATH).json() == before
    done = catalog.post(f"{PATH}/requirements", content=content, headers=headers, params=REASON)
    assert done.json() == tried.json()
    assert done.json()["added"] == ["NY-2", "NY-1"]
    after = catalog.get(PATH).json()["requirements"]
    assert [(one["id"], one["upstream"] and one["upstream"]["requirement"]) for one in after] == [
        ("NY-2", "VT2-01"),
        ("NY-1", None),
    ]


def test_nothing_of_a_bad_table_is_kept_and_all_of_it_is_told(catalog: TestClient, owner: dict[str, str]) -> None:
    content = table("VT2-01;Noe annet;må", "NY-1;Godt krav;bør", "NY-1;Igjen;kanskje", "NY-2;;må")
    before = catalog.get(PATH).json()
    answer = catalog.post(f"{PATH}/requirements", content=content, headers=owner | {"Content-Type": "text/csv"})
    assert problem(answer) == (422, "value-unreadable")
    assert errors(answer) == {
        ("value-unreadable", "#/rows/4/obligation"),
        ("value-missing", "#/rows/5/text"),
        ("requirement-id-reused", "#/rows/2/id"),
        ("requirement-repeated", "#/rows/4/id"),
        ("left-without-reason", "?reason"),
    }
    assert catalog.get(PATH).json() == before


def test_a_published_version_takes_no_table(shared_catalog: TestClient, owner: dict[str, str]) -> None:
    answer = shared_catalog.post(
        f"{PATH[:-1]}0/requirements", content=table("A-1;Krav;må"), headers=owner | {"Content-Type": "text/csv"}
    )
    assert problem(answer) == (409, "version-frozen")


def test_a_value_that_looks_like_a_formula_is_kept_and_written_harmless(
    catalog: TestClient, owner: dict[str, str]
) -> None:
    text = '=HYPERLINK("http://example.com";"gratis")'
    body = {"obligation": "may", "text": {"nb": text}}
    answer = catalog.put(f"{PATH}/requirements/X-1", json=body, headers=owner | {"If-Match": '"1"'})
    assert answer.status_code == 200, answer.text
    exported = catalog.get(f"{PATH}/requirements.csv").content.decode("utf-8-sig")
    assert "'=HYPERLINK" in exported
    (kept,) = [one for one in catalog.get(PATH).json()["requirements"] if one["id"] == "X-1"]
    assert kept["text"] == {"nb": text}


def test_the_cells_of_a_sheet_are_not_worked_out() -> None:
    _, found = rules.read(Sheet([[Cell("=ID", formula=True)]]), language="nb", ignored=())
    assert {type(one) for one in found} == {rules.ColumnUnknown, rules.ColumnMissing}
