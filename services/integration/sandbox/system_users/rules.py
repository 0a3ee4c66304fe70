"""What a grant must say to get a token for a system user, and what the token then says."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.integration.sandbox.grant_refusals import rules as refusals

TYPE = "urn:altinn:systemuser"
_AUTHORITY = "iso6523-actorid-upis"
_ORGANISATION = re.compile(r"0192:([0-9]{9})")
_FIELDS = {"type", "systemuser_org", "externalRef"}


@dataclass(frozen=True)
class Asked:
    customer: str
    external_ref: str
    """As the vendor set it when it asked the customer; the customer's number when it set none."""


@dataclass(frozen=True)
class SystemUser:
    id: UUID
    system_id: str
    customer: str


def read(detail: Mapping[str, Any]) -> Asked:
    if detail.keys() - _FIELDS:
        raise refusals.unknown_fields(_FIELDS)
    party = detail.get("systemuser_org")
    if not isinstance(party, Mapping) or party.get("authority") != _AUTHORITY:
        raise refusals.detail("systemuser_org", f"an object with authority {_AUTHORITY} and ID")
    named = _ORGANISATION.fullmatch(str(party.get("ID")))
    if named is None:
        raise refusals.detail("systemuser_org.ID", "0192: and nine digits")
    reference = detail.get("externalRef", named[1])
    if not isinstance(reference, str) or not 0 < len(reference) <= 255:
        raise refusals.detail("externalRef", "a text")
    return Asked(named[1], reference)


def told(user: SystemUser) -> dict[str, Any]:
    """`externalRef` is not repeated; the vendor stands in the token's `consumer` as ever."""
    return {
        "type": TYPE,
        "systemuser_org": {"authority": _AUTHORITY, "ID": f"0192:{user.customer}"},
        "systemuser_id": [str(user.id)],
        "system_id": user.system_id,
    }
