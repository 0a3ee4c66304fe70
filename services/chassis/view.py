"""How much of an answer one wants to see: some of its fields, its texts in one language."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

import orjson
from fastapi import Depends, Query, Response
from pydantic import BaseModel, Field

from services.chassis.paging import Page
from services.chassis.problems import Invalid
from services.chassis.values import In

T = TypeVar("T", bound=BaseModel)
Language = Literal["nb", "nn", "en", "se"]
FALL_BACK: dict[str, tuple[Language, ...]] = {
    "nb": ("nb", "nn", "en", "se"),
    "nn": ("nn", "nb", "en", "se"),
    "en": ("en", "nb", "nn", "se"),
    "se": ("se", "nb", "nn", "en"),
}
_LANGUAGES = frozenset(FALL_BACK)


class FieldUnknown(Invalid):
    """The answer has no such field."""


@dataclass(frozen=True, slots=True)
class View:
    fields: tuple[str, ...] | None
    language: Language | None

    def __bool__(self) -> bool:
        return self.fields is not None or self.language is not None


async def _view(
    fields: Annotated[
        str | None,
        Query(max_length=500, description="Only these fields of each thing, with commas between", examples=["name"]),
    ] = None,
    language: Annotated[
        Language | None,
        Query(
            description="Each text in one language only: this one, or where it is missing the first that exists of nb, "
            "nn, en, se. The text's own key says which; `Content-Language` lists all that were used"
        ),
    ] = None,
) -> View:
    return View(tuple(one.strip() for one in fields.split(",") if one.strip()) if fields else None, language)


ViewDep = Annotated[View, Depends(_view)]


class Viewed(In):
    """The same for a list whose filters are a model (`Annotated[Filters, Query()]`): such a model knows every parameter
    of the query, or it would refuse these two."""

    fields: str | None = Field(
        default=None, max_length=500, description="Only these fields of each thing, with commas between"
    )
    language: Language | None = Field(default=None, description="Each text in one language only, see reading one")

    def view(self) -> View:
        names = tuple(one.strip() for one in self.fields.split(",") if one.strip()) if self.fields else None
        return View(names, self.language)


def answer(view: View, result: T, response: Response) -> T | Response:
    """The answer as it is when nothing else was asked; otherwise as bytes of its own, with the headers set so far."""
    if not view:
        return result
    if isinstance(result, Page):
        # The items' own type: a page that `paging.page` made does not name it. An empty page has no field to miss.
        whole = result.model_dump(mode="json")
        whole["items"] = [
            _only(view, shown, type(one).model_fields) for one, shown in zip(result.items, whole["items"], strict=True)
        ]
    else:
        whole = _only(view, result.model_dump(mode="json"), type(result).model_fields)
    return _response(view, whole, dict(response.headers))


def answer_json(view: View, body: str | bytes, model: type[BaseModel], headers: Mapping[str, str]) -> Response:
    """The same for an answer that the database built as JSON."""
    return _response(view, _only(view, orjson.loads(body), model.model_fields), dict(headers))


def _only(view: View, whole: dict[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    if view.fields is None:
        return whole
    unknown = [name for name in view.fields if name not in known]
    if unknown:
        raise FieldUnknown(f"There is no {', '.join(unknown)}; there are {', '.join(known)}.", pointer="?fields")
    return {name: whole[name] for name in view.fields}


def _response(view: View, whole: Any, headers: dict[str, str]) -> Response:
    if view.language:
        used: set[str] = set()
        whole = _in_one(whole, FALL_BACK[view.language], used)
        if used:
            headers["Content-Language"] = ", ".join(sorted(used))
    return Response(orjson.dumps(whole), media_type="application/json", headers=headers)


def _in_one(value: Any, order: tuple[Language, ...], used: set[str]) -> Any:
    if isinstance(value, dict):
        if value and value.keys() <= _LANGUAGES:
            language = next(one for one in order if value.get(one))
            used.add(language)
            return {language: value[language]}
        return {name: _in_one(one, order, used) for name, one in value.items()}
    if isinstance(value, list):
        return [_in_one(one, order, used) for one in value]
    return value
