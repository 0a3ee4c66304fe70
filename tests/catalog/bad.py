"""A request that must be refused: what is sent, and which problem answers it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

BRONNOY = "964983291"


@dataclass(frozen=True)
class Case:
    """One wrong request on the seed data. `organisation` None: without a token."""

    name: str
    method: str
    path: str
    problem: str
    """The last part of the problem's type, such as `slug-taken`; `about:blank` for the framework's own."""
    status: int
    body: Any = None
    organisation: str | None = BRONNOY
    scopes: tuple[str, ...] = ("catalog.write",)
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    """Raw bytes instead of `body`."""
    media: str | None = None
    pointer: str | None = None
    """Where `errors[]` must point, if that is looked at."""
