"""A request that must be refused: what is sent, by whom, and every problem that must stand in the answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

BRONNOY, ALSTAHAUG, VEFSN, OSLO = "964983291", "938712441", "844824122", "958935420"
SOMNA, HEROY, LEIRFJORD, BINDAL = "944810277", "872417982", "945034572", "964983380"
OWNER, FJORDVAKT, NORDLYS, HAVORN, NOBODY = "100000008", "100000016", "100000024", "100000032", "100000091"
RUNNING, PLATFORM, OPEN, CHANGING, OVER, DRAFT = (
    "ra-2026-velferdsteknologi",
    "ra-2026-driftsplattform",
    "ra-2027-digitalt-tilsyn",
    "ra-2025-gps",
    "ra-2022-nettverk",
    "ra-2027-nettbrett",
)
NEEDED_ON = "2029-06-01"
PERSON = "01819010001"
"""A made-up personal number (month + 80: nobody has it); it must not come back in any answer, nor stand in a log."""
EVERY = ("agreements.read", "agreements.order", "agreements.approve", "agreements.manage", "agreements.supply")
SOMEBODY = "0192e0a0-0000-7000-8000-000000000000"
"""An id that nothing has."""


@dataclass(frozen=True)
class Case:
    """One wrong request on the seed data and the scene (`scene.py`), whose names stand in braces in `path` and `body`.
    `organisation` None: without a token."""

    name: str
    method: str
    path: str
    status: int
    fails: tuple[str, ...]
    """Every failed rule, in order: the last part of the problem's type, and where it points: `item-twice
    #/lines/1/item`. The first gives the answer its type; `about:blank` is the framework's own."""
    body: Any = None
    organisation: str | None = BRONNOY
    scopes: tuple[str, ...] = EVERY
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    """Raw bytes instead of `body`."""
    media: str = "application/json"


def filled(value: Any, names: Mapping[str, str]) -> Any:
    """With the scene's ids in the place of their names."""
    if isinstance(value, str):
        for name, id in names.items():
            value = value.replace(f"{{{name}}}", id)
        return value
    if isinstance(value, dict):
        return {filled(key, names): filled(one, names) for key, one in value.items()}
    return [filled(one, names) for one in value] if isinstance(value, list) else value
