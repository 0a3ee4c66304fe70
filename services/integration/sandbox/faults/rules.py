"""Which kinds of faults there are, which requests one strikes, and what it does to what is answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

AT_WORK = "sandbox.fault"
"""Where a stand-in finds, in its request's ASGI scope, the fault that it has to do itself."""
LAG = "sandbox.lag"
"""Where a stand-in finds by how many seconds its look-ups are behind."""
TIMES = ("iat", "nbf", "exp", "auth_time")


class StandIn(StrEnum):
    MASKINPORTEN = "maskinporten"
    IDPORTEN = "idporten"
    ANSATTPORTEN = "ansattporten"
    SELF_SERVICE = "self_service"
    SVARUT = "svarut"
    ENHETSREGISTERET = "enhetsregisteret"


class Kind(StrEnum):
    DELAY = "delay"
    STATUS = "status"
    DROP_BEFORE = "drop_before"
    DROP_AFTER = "drop_after"
    HANG = "hang"
    TRUNCATED = "truncated"
    EMPTY_BODY = "empty_body"
    WRONG_CONTENT_TYPE = "wrong_content_type"
    CHANGED_JSON = "changed_json"
    WRONG_CLOCK = "wrong_clock"
    SPOILT = "spoilt_token"
    LAGGING_LOOKUP = "lagging_lookup"


DONE_BY = {
    Kind.WRONG_CLOCK: {StandIn.MASKINPORTEN, StandIn.SELF_SERVICE, StandIn.IDPORTEN, StandIn.ANSATTPORTEN},
    Kind.SPOILT: {StandIn.MASKINPORTEN, StandIn.IDPORTEN, StandIn.ANSATTPORTEN},
    Kind.LAGGING_LOOKUP: {StandIn.SVARUT},
}
"""Which stand-ins do such a fault themselves; all others happen on the wire, before any."""
BESIDE_OTHERS = {Kind.LAGGING_LOOKUP}
"""A request that one of these strikes can be struck by another fault as well."""


class Moment(StrEnum):
    BEFORE = "before"
    AFTER = "after"


class Signer(StrEnum):
    ISSUER = "issuer"
    STRANGER = "stranger"


@dataclass(frozen=True)
class Fault:
    id: UUID
    stand_in: StandIn
    kind: Kind
    times: int
    method: str | None
    path_prefix: str
    seconds: float
    moment: Moment
    status: int
    body: str
    content_type: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    header: Mapping[str, Any] = field(default_factory=dict)
    signed_by: Signer = Signer.ISSUER
    least_seconds: float = 0
    share: float = 1
    begins_after: float = 0
    lasts: float | None = None

    def strikes(self, stand_in: str, method: str, path: str, *, age: float) -> bool:
        """`age` is how many seconds ago the fault was arranged. A share of requests is left to whoever draws lots."""
        return (
            self.stand_in == stand_in
            and (self.method is None or self.method == method)
            and path.startswith(self.path_prefix)
            and self.begins_after <= age
            and not self.is_over(age)
        )

    def is_over(self, age: float) -> bool:
        return self.lasts is not None and age >= self.begins_after + self.lasts

    def lag(self, lot: float) -> float:
        """Seconds between the least and the most; `lot` is from 0 to 1."""
        return self.least_seconds + (self.seconds - self.least_seconds) * lot


def clock(scope: Mapping[str, Any], now: datetime) -> datetime:
    """What a stand-in takes the time to be in the request that `scope` is of."""
    fault = scope.get(AT_WORK)
    if isinstance(fault, Fault) and fault.kind is Kind.WRONG_CLOCK:
        return now + timedelta(seconds=fault.seconds)
    return now


def lag(scope: Mapping[str, Any]) -> timedelta:
    """How far a look-up is behind in the request that `scope` is of."""
    return timedelta(seconds=scope.get(LAG, 0))


@dataclass(frozen=True)
class Spoiling:
    """What happens to the tokens that are issued in a request."""

    seconds: int = 0
    changes: Mapping[str, Any] = field(default_factory=dict)
    header: Mapping[str, Any] = field(default_factory=dict)
    signed_by: Signer = Signer.ISSUER

    def claims(self, right: Mapping[str, Any]) -> dict[str, Any]:
        """All times moved together, then the changes merged in."""
        moved = {name: value + self.seconds if name in TIMES else value for name, value in right.items()}
        return merged(moved, self.changes)


def spoiling(scope: Mapping[str, Any]) -> Spoiling:
    fault = scope.get(AT_WORK)
    if not isinstance(fault, Fault) or fault.kind is not Kind.SPOILT:
        return Spoiling()
    return Spoiling(int(fault.seconds), fault.changes, fault.header, fault.signed_by)


def merged(right: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """JSON merge patch (RFC 7396): what is not named stays, what is null goes."""
    made = dict(right)
    for name, value in changes.items():
        before = made.get(name)
        if value is None:
            made.pop(name, None)
        elif isinstance(value, Mapping):
            made[name] = merged(before if isinstance(before, Mapping) else {}, value)
        else:
            made[name] = value
    return made
