"""Pages by keyset: a cursor says where the last page ended, so that inserts never shift or repeat a row."""

import base64
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import orjson
from fastapi import Query, Request, Response
from pydantic import Field

from services.chassis.problems import Malformed
from services.chassis.values import Out

T = TypeVar("T")

DEFAULT, MOST = 50, 200


class CursorMalformed(Malformed):
    """The cursor is not one of ours."""


class Page(Out, Generic[T]):
    """One page of a list."""

    items: list[T]
    next: str | None = Field(description="Give it back as `after` for the next page; null on the last", examples=[None])


Limit = Annotated[int, Query(ge=1, le=MOST, description="Items on a page")]
After = Annotated[str | None, Query(alias="after", max_length=500, description="`next` of the page before")]


def cursor(*values: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(values)).rstrip(b"=").decode()


def start(after: str | None, *kinds: type) -> list[Any] | None:
    """The values a cursor was made of, checked against `kinds`, a UUID from its text; None on the first page."""
    if after is None:
        return None
    try:
        values = orjson.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
        if isinstance(values, list) and len(values) == len(kinds):
            return [_checked(value, kind) for value, kind in zip(values, kinds, strict=True)]
    except (ValueError, TypeError, AttributeError):
        raise CursorMalformed("Use the `next` of a page as it was given.") from None
    raise CursorMalformed("Use the `next` of a page as it was given.")


def _checked(value: Any, kind: type) -> Any:
    if kind is UUID:
        return UUID(value)
    if type(value) is not kind:
        raise TypeError
    return value


def page(
    request: Request,
    response: Response,
    rows: Sequence[Any],
    limit: int,
    ended_at: Callable[[Any], str],
    shape: Callable[[Any], T],
) -> Page[T]:
    """Of limit + 1 rows the last only tells that there is more. Adds a Link header (RFC 8288)."""
    shown = rows[:limit]
    following = ended_at(shown[-1]) if len(rows) > limit else None
    if following:
        response.headers["Link"] = f'<{request.url.include_query_params(after=following)}>; rel="next"'
    return Page(items=[shape(row) for row in shown], next=following)
