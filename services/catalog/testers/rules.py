"""Which keys a test tool may have, what becomes of it, and on which days it holds."""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.chassis.problems import Conflict, Forbidden, Invalid, Problem


class State(StrEnum):
    REGISTERED = "registered"
    """Waits for approval."""
    APPROVED = "approved"
    REJECTED = "rejected"
    REVOKED = "revoked"
    """Not to be trusted any longer; a key that is only replaced runs out (`valid_to_on`)."""


class Step(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    REVOKE = "revoke"


class EventKind(StrEnum):
    REGISTERED = "registered"
    APPROVED = "approved"
    REJECTED = "rejected"
    REVOKED = "revoked"


MOVES = {
    (State.REGISTERED, Step.APPROVE): State.APPROVED,
    (State.REGISTERED, Step.REJECT): State.REJECTED,
    (State.REGISTERED, Step.REVOKE): State.REVOKED,
    (State.APPROVED, Step.REVOKE): State.REVOKED,
}
ALGORITHMS: Mapping[str, tuple[str, ...]] = {"Ed25519": ("EdDSA", "Ed25519"), "P-256": ("ES256",)}
"""Curve → the signature algorithms that its keys are used with (RFC 7518, RFC 8037, RFC 9864)."""
_MEMBERS = {"Ed25519": ("crv", "kty", "x"), "P-256": ("crv", "kty", "x", "y")}
_TYPES = {"Ed25519": "OKP", "P-256": "EC"}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_OPTIONAL = frozenset({"kid", "use", "alg", "key_ops"})


class KeyUnusable(Invalid):
    """The key is not one that a test tool can have.

    A public Ed25519 or P-256 key as JWK (RFC 7517, RFC 8037).
    """


class PrivateKeySent(Invalid):
    """This is a private key; make a new one, and send its public part only."""


class TesterPeriodInvalid(Invalid):
    """The key ends before it begins."""


class TesterStepRefused(Conflict):
    """The tester cannot take this step from the state it is in."""


class TesterFourEyes(Forbidden):
    """Whoever registered a test tool does not approve it."""


class NotYourTester(Forbidden):
    """A test tool is revoked by its own organisation, or by whoever decides on certification."""


@dataclass(frozen=True)
class Key:
    """A public key. `id`: its RFC 7638 thumbprint, which a signature names as `kid`."""

    jwk: Mapping[str, str]
    id: str

    @property
    def algorithms(self) -> tuple[str, ...]:
        return ALGORITHMS[self.jwk["crv"]]


@dataclass(frozen=True)
class Tester:
    """What decides whether a signature of a day holds."""

    state: State
    valid_from_on: date
    valid_to_on: date


def key(jwk: Mapping[str, object]) -> tuple[Key | None, list[Problem]]:
    """The key that a JWK is, with nothing but what makes it that key; or everything that is wrong with it. Whether the
    point lies on its curve is for a library to say."""
    found: list[Problem] = []
    if _PRIVATE & jwk.keys():
        found.append(PrivateKeySent(pointer="#/key"))
    curve = jwk.get("crv")
    if not isinstance(curve, str) or curve not in _MEMBERS or jwk.get("kty") != _TYPES[curve]:
        found.append(KeyUnusable("Its kty and crv must be OKP and Ed25519, or EC and P-256.", pointer="#/key"))
        return None, found
    members = _MEMBERS[curve]
    for name in jwk.keys() - set(members) - _OPTIONAL - _PRIVATE:
        found.append(KeyUnusable(f"What is {name[:40]!r}?", pointer=f"#/key/{name[:40]}"))
    for name in members[2:]:
        value = jwk.get(name)
        if not isinstance(value, str) or _octets(value) != 32:
            found.append(KeyUnusable(f"{name} must be 32 bytes in base64url.", pointer=f"#/key/{name}"))
    if jwk.get("use", "sig") != "sig" or jwk.get("alg", ALGORITHMS[curve][0]) not in ALGORITHMS[curve]:
        found.append(KeyUnusable("Its use or alg says that it is for something else.", pointer="#/key"))
    if found:
        return None, found
    kept = {name: str(jwk[name]) for name in members}
    return Key(kept, thumbprint(kept)), []


def thumbprint(jwk: Mapping[str, str]) -> str:
    """RFC 7638: the hash of the key's own members, in their order, without spaces."""
    canonical = json.dumps({name: jwk[name] for name in sorted(jwk)}, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode()


def _octets(value: str) -> int:
    try:
        return len(base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        return -1


def check_period(from_on: date, to_on: date) -> list[Problem]:
    return [TesterPeriodInvalid(pointer="#/valid_to_on")] if to_on < from_on else []


def check_step(
    state: State, step: Step, *, client: str, registered_by: str | None, own: bool, decides: bool
) -> list[Problem]:
    """`client` and `registered_by` are clients. `own`: the tester is of the caller's organisation; `decides`: the
    caller decides on certification."""
    found: list[Problem] = []
    if step is Step.REVOKE:
        if not (own or decides):
            found.append(NotYourTester())
    elif client == registered_by:
        found.append(TesterFourEyes())
    if (state, step) not in MOVES:
        found.append(TesterStepRefused(f"Cannot {step} a tester that is {state}.", state=state))
    return found


def state_after(events: Sequence[EventKind]) -> State:
    return State(events[-1].value)


def holds(tester: Tester, signed_on: date) -> str | None:
    """Why a signature made then is not taken; None when it is."""
    if tester.state is not State.APPROVED:
        return f"The tester is {tester.state}."
    if not tester.valid_from_on <= signed_on <= tester.valid_to_on:
        return f"Its key holds from {tester.valid_from_on} to {tester.valid_to_on}, and {signed_on} is not in that."
    return None
