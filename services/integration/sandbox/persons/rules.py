"""Which personal numbers are let in, and what representation is told of."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.integration.sandbox.providers.rules import LoginRefused

_FIRST = (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)
_SECOND = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)
REMAINDERS = range(4)
"""Of the first control calculation: 0 today, and 0–3 from 2032 on (Skatteetaten). Both forms are taken."""


class NumberNotSynthetic(LoginRefused):
    """Only a synthetic personal number may be typed here: eleven digits, with 80 added to the month."""


def is_synthetic(number: str) -> bool:
    """Whether it is a national identity or D-number that is made for tests."""
    if not re.fullmatch(r"[0-9]{11}", number):
        return False
    day, month, year = int(number[:2]), int(number[2:4]), int(number[4:6])
    try:
        date(2000 + year if year % 4 == 0 else 2001, month - 80, day - 40 if day > 40 else day)
    except ValueError:
        return False
    return _sum(number, _FIRST) % 11 in REMAINDERS and _sum(number, _SECOND) % 11 == 0


def _sum(number: str, weights: tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(number, weights, strict=False))


def synthetic(number: str) -> str:
    if not is_synthetic(number):
        raise NumberNotSynthetic
    return number


@dataclass(frozen=True)
class Person:
    id: int
    personal_number: str
    name: str | None
    email: str | None
    """By which her employer's Entra ID knows her; None: it does not."""
    groups: Sequence[str]
    """Ids of the groups that she is in there."""


@dataclass(frozen=True)
class Represented:
    """An organisation that a person may act for."""

    organisation: str
    name: str
    unit_type: str
    """Of Enhetsregisteret: KOMM, FYLK, AS, BEDR …"""
    rights: tuple[str, ...]
    """Altinn's actions on a resource, or what the employer has given."""


def granted(kind: str, resource: str | None, chosen: Iterable[Represented]) -> list[dict[str, Any]]:
    """What a token says of whom its user acts for: by an Altinn resource, or by the employer when there is none. One
    who acts as herself gets no `authorized_parties` at all."""
    short = resource.rpartition(":")[2] if resource else None
    parties = [_party(one, short) for one in chosen]
    if not parties:
        return [{"type": kind}]
    named = {"resource": resource, "resource_name": short} if resource else {}
    return [{"type": kind, **named, "authorized_parties": parties}]


def _party(one: Represented, resource: str | None) -> dict[str, Any]:
    orgno = {"authority": "iso6523-actorid-upis", "ID": f"0192:{one.organisation}"}
    if resource is None:
        return {"orgno": orgno, "name": one.name, "rights": list(one.rights)}
    return {
        "orgno": orgno,
        "resource": resource,
        "actions": list(one.rights),
        "name": one.name,
        "unit_type": one.unit_type,
    }
