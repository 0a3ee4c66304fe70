"""A change starts from what was read, names only what it changes, and can be tried first."""

import copy
from typing import Any

import orjson
import psycopg
import pytest
from fastapi import Response
from fastapi.exceptions import RequestValidationError
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from services.chassis import changes, view
from services.chassis.paging import Page
from services.chassis.values import In, Out, Text, TextOut
from services.chassis.view import View
from tests.chassis.conftest import ORGANISATION
from tests.issuer import Issuer

GOOD: dict[str, Any] = {"name": {"nb": "Ting"}, "price": "2.00", "owner": ORGANISATION}


class Whole(In):
    name: Text
    number: int = Field(ge=0)
    note: str | None = None


class Change(In):
    name: changes.TextChange | None = None
    number: int | None = None
    note: str | None = None


CURRENT = {"name": {"nb": "Ting", "nn": "Ting"}, "number": 1, "note": "gammel"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, CURRENT),
        ({"number": 2}, CURRENT | {"number": 2}),
        ({"note": None}, {"name": CURRENT["name"], "number": 1}),
        ({"name": {"nn": None}}, CURRENT | {"name": {"nb": "Ting"}}),
        ({"name": {"en": "Thing"}}, CURRENT | {"name": {"nb": "Ting", "nn": "Ting", "en": "Thing"}}),
    ],
    ids=str,
)
def test_what_is_not_named_stays_and_what_is_null_goes(change: dict[str, Any], expected: dict[str, Any]) -> None:
    before = copy.deepcopy(CURRENT)
    merged = changes.merged(Whole, CURRENT, Change.model_validate(change))
    assert merged.model_dump(exclude_none=True) == expected
    assert before == CURRENT, "what was read is not touched"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"number": -1}, ("body", "number")),
        ({"number": None}, ("body", "number")),
        ({"name": {"nb": None, "nn": None}}, ("body", "name")),
    ],
    ids=str,
)
def test_what_could_not_be_new_cannot_come_by_a_change(change: dict[str, Any], place: tuple[str, ...]) -> None:
    with pytest.raises(RequestValidationError) as refused:
        changes.merged(Whole, CURRENT, Change.model_validate(change))
    assert place in [tuple(error["loc"]) for error in refused.value.errors()]


json_values = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.sampled_from("abc"), json_values, max_size=3)


@given(objects, objects)
def test_merging_is_rfc_7396(current: dict[str, Any], change: dict[str, Any]) -> None:
    def by_the_rfc(target: Any, patch: Any) -> Any:
        if not isinstance(patch, dict):
            return patch
        target = dict(target) if isinstance(target, dict) else {}
        for name, value in patch.items():
            if value is None:
                target.pop(name, None)
            else:
                target[name] = by_the_rfc(target.get(name), value)
        return target

    assert changes._merge(current, change) == by_the_rfc(current, change)


@pytest.mark.parametrize("given", ['"3"', "*", '"2", "3"'])
def test_a_change_from_the_current_state_goes_on(given: str) -> None:
    changes.require_match(given, 3)


@pytest.mark.parametrize("given", ['"2"', "3", 'W/"3"', ""])
def test_a_change_from_an_older_state_is_refused(given: str) -> None:
    with pytest.raises(changes.Stale) as refused:
        changes.require_match(given, 3)
    assert refused.value.status == 412
    assert refused.value.headers == {"ETag": '"3"'}


def test_a_change_must_say_where_it_starts() -> None:
    with pytest.raises(changes.IfMatchMissing) as refused:
        changes.require_match(None, 3)
    assert refused.value.status == 428
    changes.require_match(None, 3, needed=False)


def test_differences_name_the_old_and_the_new() -> None:
    assert changes.differences({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 5, "d": 4}) == {
        "b": [2, 5],
        "c": [3, None],
        "d": [None, 4],
    }


class Thing(Out):
    slug: str
    name: TextOut
    parts: list[TextOut]


THING = Thing(slug="ting", name={"nb": "Ting", "en": "Thing"}, parts=[{"nn": "Del"}, {"en": "Part"}])


def seen(answer: Any) -> Any:
    assert isinstance(answer, Response)
    return orjson.loads(bytes(answer.body))


def test_some_fields_of_one_and_of_a_page() -> None:
    asked = View(("slug",), None)
    assert seen(view.answer(asked, THING, Response())) == {"slug": "ting"}
    page = Page[Thing](items=[THING], next="x")
    assert seen(view.answer(asked, page, Response())) == {"items": [{"slug": "ting"}], "next": "x"}


def test_an_unknown_field_is_told_with_those_there_are() -> None:
    with pytest.raises(view.FieldUnknown, match="There is no colour; there are slug, name, parts") as refused:
        view.answer(View(("slug", "colour"), None), THING, Response())
    assert refused.value.pointer == "?fields"


def test_one_language_and_its_fall_back_is_stated() -> None:
    answer = view.answer(View(None, "nn"), THING, Response(headers={"ETag": '"1"'}))
    assert seen(answer) == {"slug": "ting", "name": {"nb": "Ting"}, "parts": [{"nn": "Del"}, {"en": "Part"}]}
    assert isinstance(answer, Response)
    assert answer.headers["Content-Language"] == "en, nb, nn"
    assert answer.headers["ETag"] == '"1"'


def test_whoever_asks_for_nothing_gets_it_all() -> None:
    assert view.answer(View(None, None), THING, Response()) is THING


def test_a_dry_run_answers_as_if_and_keeps_nothing(api: TestClient, issuer: Issuer, rows: psycopg.Connection) -> None:
    headers = issuer.bearer(ORGANISATION, "things.write")
    answer = api.post("/things", json=GOOD, headers=headers, params={"dry_run": "true"})
    assert (answer.status_code, answer.headers["Dry-Run"]) == (200, "true")
    assert answer.json() == {"owner": ORGANISATION}
    kept = "SELECT (SELECT count(*) FROM audit) + (SELECT count(*) FROM event)"
    assert rows.execute(kept).fetchone() == (0,)
    done = api.post("/things", json=GOOD, headers=headers, params={"dry_run": "false"})
    assert done.status_code == 201
    assert "Dry-Run" not in done.headers
    assert rows.execute(kept).fetchone() == (2,)


def test_a_dry_run_tells_every_finding(api: TestClient, issuer: Issuer) -> None:
    headers = issuer.bearer(ORGANISATION, "things.write")
    refused = api.post("/things", json=GOOD | {"price": "11.01"}, headers=headers, params={"dry_run": "true"})
    assert refused.status_code == 409
    assert len(refused.json()["errors"]) == 2
    assert "Dry-Run" not in refused.headers
