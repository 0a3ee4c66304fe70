"""Whom a token's bearer acts for, and through what: the shapes of Maskinporten, Altinn and Ansattporten.

Maskinporten moves the roles: with delegation the customer is `consumer` and the vendor `supplier`; with a system user
the vendor is `consumer`, and the customer stands in `authorization_details` only. An employee's organisation is the one
that she chose when she logged in; `consumer` is then merely who owns the client.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stdnum.no import orgnr

AUTHORITY = "iso6523-actorid-upis"
SCHEME = "0192:"
SYSTEM_USER = "urn:altinn:systemuser"
BY_RESOURCE = ("ansattporten:altinn:resource", "ansattporten:altinn:service")
BY_EMPLOYER = "ansattporten:orgno"
_SHORT = "urn:altinn:resource:"


class NotClear(ValueError):
    """The token does not say in a known way who acts."""


class Nobody(Exception):
    """The person acts as herself, or for several organisations at once."""


@dataclass(frozen=True, slots=True)
class Acting:
    """An organisation by number; `supplier` is the vendor that acts on its behalf."""

    organisation: str
    supplier: str | None = None
    resource: str | None = None
    """Through which an employee represents it: an Altinn resource, or `ansattporten:orgno`."""
    actions: frozenset[str] = frozenset()


def machine(claims: Mapping[str, Any]) -> Acting:
    """Raises NotClear."""
    users = [one for one in _details(claims) if one.get("type") == SYSTEM_USER]
    supplier = claims.get("supplier")
    if len(users) > 1 or (users and supplier is not None):
        raise NotClear("The token names more than one customer or vendor.")
    consumer = number(claims.get("consumer"))
    if users:
        return Acting(number(users[0].get("systemuser_org")), consumer)
    return Acting(consumer, None if supplier is None else number(supplier))


def employee(claims: Mapping[str, Any]) -> Acting:
    """Raises Nobody, NotClear."""
    found = [one for details in _details(claims) for one in _parties(details)]
    if len(found) != 1:
        raise Nobody
    return found[0]


def number(party: object) -> str:
    """`{"authority": "iso6523-actorid-upis", "ID": "0192:964983291"}` → the organisation number. Older shapes write
    `Authority`. Raises NotClear."""
    if isinstance(party, dict) and party.get("authority", party.get("Authority")) == AUTHORITY:
        written = party.get("ID")
        if isinstance(written, str) and written.startswith(SCHEME) and len(written) == len(SCHEME) + 9:
            bare = written.removeprefix(SCHEME)
            if bare.isascii() and bare.isdigit() and orgnr.is_valid(bare):
                return bare
    raise NotClear("The token names no Norwegian organisation number.")


def _details(claims: Mapping[str, Any]) -> list[dict[str, Any]]:
    told = claims.get("authorization_details") or []
    if not isinstance(told, list) or not all(isinstance(one, dict) for one in told):
        raise NotClear("The claim authorization_details must be an array of objects.")
    return told


def _parties(details: dict[str, Any]) -> Iterator[Acting]:
    """Whom one detail names. None at all is not all: who acts as herself gets a detail without parties."""
    kind = details.get("type")
    if kind in BY_RESOURCE:
        for party in [*_list(details, "authorized_parties"), *_list(details, "reportees")]:
            resource = party.get("resource") or details.get("resource")
            if not isinstance(resource, str):
                raise NotClear("The token does not say through which resource the organisation is represented.")
            orgno = party.get("orgno") if "orgno" in party else party
            full = resource if resource.startswith("urn:") else _SHORT + resource
            yield Acting(number(orgno), None, full, _actions(party))
    elif kind == BY_EMPLOYER:
        old = details.get("orgno", details.get("orgno:"))  # Digdir's example of the old shape has the colon in the name
        for party in [*_list(details, "authorized_parties"), *([{"orgno": old}] if old else [])]:
            yield Acting(number(party.get("orgno")), None, BY_EMPLOYER, _actions(party))


def _list(details: dict[str, Any], name: str) -> list[dict[str, Any]]:
    told = details.get(name, [])
    if not isinstance(told, list) or not all(isinstance(one, dict) for one in told):
        raise NotClear(f"In authorization_details, {name} must be an array of objects.")
    return told


def _actions(party: dict[str, Any]) -> frozenset[str]:
    """What may be done: Altinn's `actions`, an employer's `rights`, Altinn 2's `Rights`; one may stand alone."""
    told = party.get("actions", party.get("rights", party.get("Rights", [])))
    return frozenset(str(one).casefold() for one in ([told] if isinstance(told, str) else told or []))
