"""How a scope is named, and what its owner may say of it. Words as in Digdir's description of scopes."""

import re
from enum import StrEnum

LONGEST_NAME = 200
MASKINPORTEN = "maskinporten"
_SUBSCOPE = re.compile(r"[A-Za-z0-9æøåÆØÅ_\-./:]{1,150}")
_PREFIX = re.compile(r"[a-z0-9æøå_\-.]{1,50}")


class Visibility(StrEnum):
    PUBLIC = "PUBLIC"
    PRIVATE = "PRIVATE"
    INTERNAL = "INTERNAL"


class TokenType(StrEnum):
    SELF_CONTAINED = "SELF_CONTAINED"
    OPAQUE = "OPAQUE"


class State(StrEnum):
    """Of an organisation's access to a scope. What is taken away is denied, never deleted."""

    APPROVED = "APPROVED"
    DENIED = "DENIED"


def full_name(prefix: str, subscope: str) -> str | None:
    """`scope ::= prefix ':' subscope`; a slash may stand in the subscope. None when it cannot be a name."""
    if not _PREFIX.fullmatch(prefix) or not _SUBSCOPE.fullmatch(subscope):
        return None
    return f"{prefix}:{subscope}"


def for_machines(integration_types: list[str]) -> bool:
    """Whether Maskinporten may give it out: it is for its clients, or for any."""
    return not integration_types or MASKINPORTEN in integration_types
