"""What can be found, by which facets it is narrowed, and how matches are classed and weighed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum, StrEnum
from zlib import crc32

MISSING = "missing"
"""A facet's value where a thing that should have one has none."""
LOTS = 100
"""Every entry draws one of so many lots; those with a few of them are a sample of all."""


class Type(StrEnum):
    COMPONENT = "component"
    PRODUCT = "product"
    SPECIFICATION = "specification"
    STANDARD = "standard"
    INTERFACE = "interface"
    ORGANISATION = "organisation"
    CO_OPERATION = "co_operation"
    NEED = "need"


class Audience(StrEnum):
    PUBLIC = "public"
    PUBLIC_BODIES = "public_bodies"


class Sort(StrEnum):
    RELEVANCE = "relevance"
    NAME = "name"
    ADOPTION = "adoption"


class Match(IntEnum):
    """How well it matches, the best first."""

    EXACT = 0
    NAME = 1
    NAME_BEGUN = 2
    ANYWHERE = 3
    SIMILAR_NAME = 4
    SIMILAR = 5


MATCHES = {
    Match.EXACT: "exact",
    Match.NAME: "name",
    Match.NAME_BEGUN: "name_begun",
    Match.ANYWHERE: "anywhere",
    Match.SIMILAR_NAME: "similar",
    Match.SIMILAR: "similar",
}

FACETS: dict[Type, tuple[str, ...]] = {
    Type.COMPONENT: ("kind", "reuse", "level", "life_cycle", "owner", "licence"),
    Type.PRODUCT: ("supplier", "delivery_form", "hosting_country", "component", "specification"),
    Type.SPECIFICATION: ("level", "state", "owner"),
    Type.STANDARD: ("sector", "binding", "area", "state"),
    Type.INTERFACE: ("kind", "state", "owner", "component"),
    Type.ORGANISATION: ("kind", "county"),
    Type.CO_OPERATION: ("form", "county"),
    Type.NEED: ("state", "county", "component", "specification", "area"),
}
"""A facet that a type has and a thing of it lacks is counted as missing."""
ALL_FACETS = ("type", *dict.fromkeys(one for facets in FACETS.values() for one in facets))
ADOPTION = "adoption"
"""A facet that only public bodies see: how many use it."""
ADOPTERS = {"none": 0, "few": 1, "some": 5, "many": 20}
"""Its values → from how many organisations on."""

Facets = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class Later:
    """The one change that is scheduled: all facets as they will be from that day on."""

    on: date
    facets: Facets


@dataclass(frozen=True)
class Entry:
    """A thing as it is found."""

    type: Type
    ref: str
    """Its slug, or its UUID as text."""
    path: str
    name: Mapping[str, str]
    """By language."""
    sort_key: str
    summary: Mapping[str, str] | None = None
    codes: Sequence[str] = ()
    """Numbers and short names that are as good as its name; `ref` is one by itself."""
    words: Sequence[str] = ()
    """Further words to find it by, such as what it was called before."""
    facets: Facets = field(default_factory=dict)
    """A facet that is left out is missing."""
    later: Later | None = None
    weight: int = 0
    audience: Audience = Audience.PUBLIC


def weight(*, complete: float, ended: bool = False, certified: int = 0) -> int:
    """What comes first among equals, 0 to 100: `complete` is the share of its fields that are filled, `certified` the
    number of certificates in force. Public facts only, so that the order tells nothing that the reader may not see."""
    return round(60 * max(0.0, min(1.0, complete))) + min(certified, 4) * 5 + (0 if ended else 20)


def facet_values(type: Type, facets: Facets) -> list[str]:
    """`facet:value` for each, the type among them, and `facet:missing` for what it should have."""
    unknown = set(facets) - set(FACETS[type])
    if unknown:
        raise ValueError(f"{type} has no facet {', '.join(sorted(unknown))}")
    found = [f"type:{type}"]
    for name in FACETS[type]:
        values = facets.get(name) or MISSING
        found += [f"{name}:{value}" for value in dict.fromkeys([values] if isinstance(values, str) else values)]
    return found


def lot(path: str) -> int:
    return crc32(path.encode()) % LOTS


def adopted(value: str) -> tuple[int, int | None]:
    """A value of the facet `adoption` → from how many organisations, up to how many (None: no limit)."""
    bounds = [*ADOPTERS.values(), None]
    place = list(ADOPTERS).index(value)
    following = bounds[place + 1]
    return ADOPTERS[value], None if following is None else following - 1
