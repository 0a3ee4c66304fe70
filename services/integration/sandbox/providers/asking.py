"""What every route of a login provider wants to know of a request: whom it was sent to, when, and what it says."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, Request

from services.integration.sandbox.faults import rules as faults
from services.integration.sandbox.providers import store
from services.integration.sandbox.providers.rules import Provider, RequestUnusable

FORM = "application/x-www-form-urlencoded"
Values = Mapping[str, list[str]]
"""Parameters by name, each as often as it came."""


async def _provider(request: Request) -> Provider:
    found = request.app.state.provider
    assert isinstance(found, Provider)
    return found


async def _clock(request: Request) -> store.Clock:
    """The providers' own, or for a request that a fault strikes one that is wrong."""
    found = request.app.state.login_clock
    assert isinstance(found, store.Clock)
    instant = found.now()
    off = faults.clock(request.scope, instant) - instant
    return store.Clock(found.ahead + off) if off else found


async def _form(request: Request) -> Values:
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != FORM:
        raise RequestUnusable(f"Send the parameters as {FORM}")
    return read((await request.body()).decode("utf-8", "replace"))


async def _query(request: Request) -> Values:
    return read(request.url.query)


async def _query_or_form(request: Request) -> Values:
    return await _form(request) if request.method == "POST" else await _query(request)


def read(encoded: str) -> Values:
    """Of a query or a form. A parameter without a value counts as left out (RFC 6749 §3.1)."""
    values: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(encoded, keep_blank_values=True, max_num_fields=200)
    except ValueError as error:
        raise RequestUnusable("Too many parameters") from error
    for name, value in pairs:
        if value:
            values.setdefault(name, []).append(value)
    return values


def one(values: Values, name: str) -> str | None:
    """A parameter that may stand once only."""
    found = values.get(name, [])
    if len(found) > 1:
        raise RequestUnusable(f"The parameter {name} stands more than once")
    return found[0] if found else None


ProviderDep = Annotated[Provider, Depends(_provider)]
ClockDep = Annotated[store.Clock, Depends(_clock)]
FormDep = Annotated[Values, Depends(_form)]
QueryDep = Annotated[Values, Depends(_query)]
ValuesDep = Annotated[Values, Depends(_query_or_form)]
"""Of the form in a POST, otherwise of the query."""
