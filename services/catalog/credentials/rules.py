"""What a credential says, and when two of them say the same.

A credential is a JWT: `typ` is `certificate+jwt`, so that it is never taken for an access token or a status list
(explicit typing, RFC 8725, 3.11). Its own dates come first: expired is expired, whatever a list says.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.catalog.certificates.rules import REVISING, History, Standing

TYPE = "certificate+jwt"
SIZE = 2**17
"""Credentials in a status list. When it is full, the next begins."""
EVER = datetime.max.replace(tzinfo=UTC)
"""As known when everything counts that is recorded, also by a machine whose clock is ahead of ours."""
_OSLO = ZoneInfo("Europe/Oslo")


@dataclass(frozen=True)
class Subject:
    """Who or what is certified: `product` None unless a product is, `role` None unless an adviser is."""

    kind: str
    product: str | None
    name: Mapping[str, str] | None
    organisation_number: str | None
    organisation_name: str
    role: str | None


@dataclass(frozen=True)
class Certified:
    """A certificate as far as it does not change."""

    number: str
    subject: Subject
    specification: str
    specification_version: str
    profile: str | None
    decided_by: str
    granted_on: date
    conditions: Sequence[Mapping[str, Any]]


def place(position: int) -> tuple[int, int]:
    """→ (number of the list, index in it)"""
    number, index = divmod(position, SIZE)
    return number + 1, index


def list_uri(issuer: str, number: int) -> str:
    return f"{issuer}/status-lists/{number}"


def midnight(day: date) -> int:
    """When a Norwegian day begins, in seconds since 1970."""
    return int(datetime.combine(day, time(), _OSLO).timestamp())


def fingerprint(standing: Standing) -> str:
    """Of all that a credential claims and that can change. One whose fingerprint is not that of the certificate today
    claims what is no longer so (a scope that was reduced, a revision that was annulled), and reads invalid."""
    said = [
        standing.revision,
        standing.scope.detail(),
        standing.validity.from_on.isoformat(),
        standing.validity.to_on.isoformat(),
    ]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def begins_on(history: History, standing: Standing) -> date:
    """The day from which this revision holds."""
    if standing.revision == 1:
        return standing.validity.from_on
    revising = sorted(
        (event for event in history.events if event.kind in REVISING), key=lambda event: (event.recorded_at, event.id)
    )
    return max(standing.validity.from_on, revising[standing.revision - 2].effective_on)


def claims(
    certified: Certified, history: History, standing: Standing, *, issuer: str, position: int, issued_at: datetime
) -> dict[str, Any]:
    """All of it is public. `iat`, `nbf` and `exp` are seconds since 1970: `nbf` is midnight in Norway before the first
    day, `exp` the midnight after the last one."""
    number, index = place(position)
    scope = standing.scope
    if scope.versions is not None:
        versions: Any = list(scope.versions)
    else:
        versions = "all" if scope.every_version else {"from": scope.version_from, "to": scope.version_to}
    subject = certified.subject
    return {
        "iss": issuer,
        "sub": f"{issuer}/certificates/{certified.number}",
        "iat": int(issued_at.timestamp()),
        "nbf": midnight(begins_on(history, standing)),
        "exp": midnight(standing.validity.to_on + timedelta(days=1)),
        "status": {"status_list": {"idx": index, "uri": list_uri(issuer, number)}},
        "certificate": {
            "number": certified.number,
            "revision": standing.revision,
            "subject": {
                "kind": subject.kind,
                "product": subject.product,
                "name": subject.name,
                "supplier": {"organisation_number": subject.organisation_number, "name": subject.organisation_name},
                "role": subject.role,
            },
            "versions": versions if subject.product else None,
            "delivery_forms": list(scope.delivery_forms),
            "specification": certified.specification,
            "specification_version": certified.specification_version,
            "profile": certified.profile,
            "valid_from_on": standing.validity.from_on.isoformat(),
            "valid_to_on": standing.validity.to_on.isoformat(),
            "granted_on": certified.granted_on.isoformat(),
            "decided_by": certified.decided_by,
            "conditions": list(certified.conditions),
        },
    }
