"""How a thing is changed: only as it was last seen (If-Match), in part (merge-patch), and on the record."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from fastapi import Header
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError

from services.chassis.problems import Invalid, PreconditionFailed, PreconditionRequired
from services.chassis.values import In

T = TypeVar("T", bound=BaseModel)

MERGE_PATCH = "application/merge-patch+json"
"""The media type of a change in part (RFC 7396): what is not named stays, what is null goes."""

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description="The `ETag` that you read. Has it been changed since, you get 412 and nothing is done; read anew",
        examples=['"1"'],
    ),
]


class IfMatchMissing(PreconditionRequired):
    """A change must say which state it starts from."""


class Stale(PreconditionFailed):
    """It has been changed since you read it."""


class ReasonMissing(Invalid):
    """This change needs a reason."""


class TextChange(In):
    """A text in part: a language that is not named stays, one that is null goes."""

    nb: str | None = Field(default=None, min_length=1, max_length=10_000, description="Bokmål")
    nn: str | None = Field(default=None, min_length=1, max_length=10_000, description="Nynorsk")
    en: str | None = Field(default=None, min_length=1, max_length=10_000, description="English")
    se: str | None = Field(default=None, min_length=1, max_length=10_000, description="Davvisámegiella")


def etag(revision: int) -> str:
    return f'"{revision}"'


def require_match(if_match: str | None, revision: int, *, needed: bool = True) -> None:
    """Refuse a change that does not start from the current state (RFC 9110 13.1.1); `*` is any that exists."""
    if if_match is None:
        if needed:
            raise IfMatchMissing("Send If-Match with the ETag of what you read.")
        return
    given = {one.strip() for one in if_match.split(",")}
    if not given & {"*", etag(revision)}:
        raise Stale("Read it again, and decide anew.").with_header("ETag", etag(revision))


def merged(model: type[T], current: Mapping[str, Any], change: BaseModel) -> T:
    """`current` (JSON values) with what `change` names merged in (RFC 7396), as a whole `model`: what would not be
    accepted as new is not accepted as changed."""
    whole = _merge(dict(current), change.model_dump(mode="json", exclude_unset=True))
    try:
        return model.model_validate(whole)
    except ValidationError as error:
        raise RequestValidationError(
            [{**one, "loc": ("body", *one["loc"])} for one in error.errors(include_url=False, include_context=False)]
        ) from error


def _merge(current: dict[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(current)
    for name, value in change.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, Mapping):
            before = merged.get(name)
            merged[name] = _merge(before if isinstance(before, dict) else {}, value)
        else:
            merged[name] = value
    return merged


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What changed, field by field, for the audit trail: `{"field": [old, new]}`."""
    names = [*before, *(name for name in after if name not in before)]
    return {name: [before.get(name), after.get(name)] for name in names if before.get(name) != after.get(name)}
