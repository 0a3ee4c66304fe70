"""The OpenAPI document is the manual: every operation carries an example that works against the seed data."""

import json
from pathlib import Path
from typing import Any

from fastapi import FastAPI


def example(
    *,
    organisation: str | None = None,
    body: Any = None,
    query: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
    media_type: str = "application/json",
) -> dict[str, Any]:
    """For a route's `openapi_extra`. The example is sent by `organisation` (a token of its own with the scopes that the
    operation needs) with the path values that stand as `Path(examples=[…])`, and answers the operation's declared
    success; a `body` that is not JSON is given as text. A test sends every one to the seeded service."""
    shown: dict[str, Any] = {
        "x-example": {"organisation": organisation, "query": query or {}, "headers": headers or {}}
    }
    if body is not None:
        shown["requestBody"] = {"content": {media_type: {"example": body}}}
    return shown


def text(app: FastAPI) -> str:
    """The contract as it is committed: stable order, readable diff."""
    return json.dumps(app.openapi(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def write(app: FastAPI, path: Path) -> bool:
    """→ whether the file changed"""
    new = text(app)
    old = path.read_text() if path.exists() else ""
    path.write_text(new)
    return new != old
