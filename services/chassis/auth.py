"""From a bearer token to who is calling: which organisation acts, and what it may do.

Rules for resource servers: RFC 6750, RFC 8725, RFC 9470, Digdir's guide for API providers. Access goes by organisation,
never by client; a machine and a person are told apart by the issuer alone.
"""

import hashlib
import hmac
import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NoReturn, TypeGuard

import orjson
from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.openapi.models import HTTPBearer
from fastapi.routing import APIRoute
from fastapi.security.base import SecurityBase
from joserfc import jws, jwt
from joserfc.errors import JoseError

from services.chassis import representation
from services.chassis.issuer_keys import Away, IssuerKeys, PublicKey
from services.chassis.problems import Forbidden, Malformed, Unauthorized, Unavailable
from services.chassis.settings import IssuerKind, Role, ServiceSettings, TrustedIssuer

TYPES = {"jwt", "at+jwt", "application/at+jwt"}
"""Header `typ` of an access token, if there is one. Maskinporten and ID-porten send none; RFC 9068 wants `at+jwt`."""
NOT_OF_ACCESS_TOKENS = {
    "nonce": "This is an id_token; send the access token.",
    "at_hash": "This is an id_token; send the access token.",
    "c_hash": "This is an id_token; send the access token.",
    "events": "This is a security event (such as a logout token), and no access token.",
    "cnf": "A sender-constrained token (DPoP) cannot be used as Bearer; ask for one without proof of possession.",
}
LONGEST_TOKEN = 16_000
_FORGET_AT_ONCE = 100
_log = logging.getLogger("auth")


class TokenMissing(Unauthorized):
    """A bearer token is needed."""


class TokenInvalid(Unauthorized):
    """The token is not accepted."""


class LoginTooWeak(Unauthorized):
    """Whoever calls logged in too weakly for this.

    Log in again, with one of the levels that `acr_values` in WWW-Authenticate names (RFC 9470).
    """


class ScopeMissing(Forbidden):
    """The token lacks the scope for this operation."""


class RightMissing(Forbidden):
    """The organisation is not represented through a resource that gives this right.

    The token has the scope. An employee needs besides that her organisation has given her a right to it (in Altinn, or
    at her employer), and that she chose that when she logged in.
    """


class TokenTwice(Malformed):
    """Several tokens were sent with one request."""


class RepresentsNobody(Forbidden):
    """The token speaks for no organisation."""


class IssuerAway(Unavailable):
    """The token issuer's keys cannot be fetched."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who acts: an organisation by number, through a client, with scopes (without their prefix)."""

    organisation: str
    scopes: frozenset[str]
    client: str
    """Who acts within the organisation: a machine's client id, or a reference to the person (`person:` and a keyed hash
    that is the same for her every time). It goes into the trail and the log; her number never does."""
    kind: IssuerKind
    supplier: str | None = None
    """The vendor that acts on the organisation's behalf, when access is delegated."""
    roles: frozenset[str] = frozenset()
    """By the table in settings."""
    withheld: frozenset[str] = frozenset()
    """Scopes in an employee's token that the resource which she represents the organisation through does not give."""
    token_id: str | None = None
    """`jti`, by which the issuer knows what it gave out."""

    def may(self, scope: str) -> bool:
        return scope in self.scopes


@dataclass(frozen=True, slots=True)
class _Trust:
    issuer: TrustedIssuer
    keys: IssuerKeys
    registry: jws.JWSRegistry


@dataclass(frozen=True, slots=True)
class _Verified:
    caller: Caller
    expires: float
    keys: IssuerKeys
    kid: str
    key: PublicKey


class Gate:
    """Turns tokens into callers. A token's answer is remembered by its hash until it expires, or until the key that it
    was verified with is no longer its issuer's (`IssuerKeys` says when that is noticed)."""

    def __init__(
        self,
        issuers: list[TrustedIssuer],
        *,
        scope_prefix: str,
        audience: str | None = None,
        rules: ServiceSettings | None = None,
        clock: Callable[[], float] = time.time,
        stopwatch: Callable[[], float] = time.monotonic,
    ) -> None:
        """`rules` are settings for everything else: roles, leeway, keys' lives, the reference key. By `clock` (Unix
        seconds) tokens expire, by `stopwatch` keys age."""
        rules = rules or ServiceSettings.model_construct()
        self._trusted = {
            one.issuer: _Trust(
                one,
                IssuerKeys(
                    one.jwks_url,
                    lives=rules.keys_seconds,
                    pause=rules.keys_pause_seconds,
                    outlives=rules.keys_outage_seconds,
                    clock=stopwatch,
                ),
                # What is not known in a header is let be (RFC 7515, 4), but for `crit`.
                jws.JWSRegistry(algorithms=list(one.algorithms), strict_check_header=False),
            )
            for one in issuers
        }
        self._clock = clock
        self._prefix = scope_prefix + ":"
        self._audience = audience
        self._roles = rules.roles
        self._leeway = rules.leeway_seconds
        self._reference_key = rules.reference_key.get_secret_value().encode()
        self._remembers = rules.remembered_tokens
        self._known: dict[bytes, _Verified] = {}
        self._remembering = threading.Lock()

    def remembered(self, token: str) -> Caller | None:
        """Who is calling, when the token was verified before: no signature is looked at, nobody is asked."""
        known = self._known.get(_hash(token))
        if known and known.expires > self._clock() and known.keys.holds(known.kid, known.key):
            return known.caller
        return None

    def verify(self, token: str, *, fetching: bool) -> Caller | None:
        """Who is calling. Without `fetching`, None when the issuer's key must be fetched first."""
        header, unproven = _parts(token)
        trust = self._trust(header, unproven)
        kid = header.get("kid")
        if not isinstance(kid, str):
            raise _refused("The header must name the signing key (kid).")
        key = trust.keys.usable(kid)
        if key is None:
            if not fetching:
                return None
            try:
                key = trust.keys.fetch(kid)
            except Away as error:
                raise IssuerAway from error
        if key is None:
            raise _refused("The signing key (kid) is not one of the issuer's.")
        try:
            claims = jwt.decode(token, key, registry=trust.registry).claims
        except (JoseError, ValueError) as error:
            raise _refused("The signature does not hold.") from error
        self._check_times(claims)
        self._check_kind(claims)
        caller = self._caller(claims, trust.issuer)
        self._remember(token, _Verified(caller, float(claims["exp"]), trust.keys, kid, key))
        return caller

    def _trust(self, header: Mapping[str, Any], unproven: Mapping[str, Any]) -> _Trust:
        """Whose rules the token has to follow. Nothing in the header says where keys are (`jku`, `jwk`, `x5u`)."""
        issuer = unproven.get("iss")
        trust = self._trusted.get(issuer) if isinstance(issuer, str) else None
        if trust is None:
            raise _refused(f"The issuer is not trusted. Trusted: {', '.join(map(repr, self._trusted))}.")
        if header.get("alg") not in trust.issuer.algorithms:
            raise _refused(f"The signature algorithm must be one of {', '.join(trust.issuer.algorithms)}.")
        if "typ" in header and str(header["typ"]).lower() not in TYPES:
            raise _refused("This is not an access token (header typ).")
        return trust

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now, leeway = self._clock(), self._leeway
        expires, issued, not_before = (claims.get(name) for name in ("exp", "iat", "nbf"))
        if not _number(expires) or not _number(issued):
            raise _refused("A token needs the numbers exp and iat.")
        if expires <= issued:
            raise _refused("The token expires before it is issued.")
        if expires + leeway <= now:
            raise _refused("The token has expired.")
        if not_before is not None and not _number(not_before):
            raise _refused("The claim nbf must be a number.")
        if issued - leeway > now or (not_before is not None and not_before - leeway > now):
            raise _refused("The token is not valid yet.")

    def _check_kind(self, claims: Mapping[str, Any]) -> None:
        """Whether it is an access token, for us, and good in anybody's hand."""
        for name, why in NOT_OF_ACCESS_TOKENS.items():
            if name in claims:
                raise _refused(why)
        if str(claims.get("token_type", "Bearer")).lower() != "bearer":
            raise _refused(NOT_OF_ACCESS_TOKENS["cnf"])
        client, told = claims.get("client_id"), claims.get("aud")
        if not isinstance(client, str) or not client:
            raise _refused("An access token names its client (client_id).")
        if not isinstance(claims.get("scope", ""), str):
            raise _refused("The claim scope must be one string.")
        audience = told if isinstance(told, list) else [told]
        if client in audience:
            raise _refused("This token is for its own client (an id_token?); send the access token.")
        if self._audience and self._audience not in audience:
            raise _refused(f"The token's audience must be {self._audience!r}.")

    def _caller(self, claims: Mapping[str, Any], issuer: TrustedIssuer) -> Caller:
        if issuer.kind is not IssuerKind.MACHINE:
            _check_login(claims, issuer)
        acting = _acting(claims, issuer.kind)
        told = frozenset(
            scope.removeprefix(self._prefix)
            for scope in claims.get("scope", "").split()
            if scope.startswith(self._prefix)
        )
        token_id = claims.get("jti")
        token_id = token_id if isinstance(token_id, str) else None
        if issuer.kind is IssuerKind.MACHINE:
            roles = frozenset(one.role for one in self._roles if told.issuperset(one.scopes))
            return Caller(
                acting.organisation, told, claims["client_id"], issuer.kind, acting.supplier, roles, token_id=token_id
            )
        given = [one for one in self._roles if _gives(one, acting)]
        scopes = told.intersection(itertools.chain.from_iterable(one.scopes for one in given))
        roles = frozenset(one.role for one in given if told.issuperset(one.scopes))
        person = self._reference(claims)
        return Caller(
            acting.organisation, scopes, person, issuer.kind, None, roles, withheld=told - scopes, token_id=token_id
        )

    def _reference(self, claims: Mapping[str, Any]) -> str:
        """What stands for a person: not to be turned back into her number without the key, not even by trying them all.
        In an access token `sub` may be the number or differ from client to client, so `pid` goes first."""
        who = claims.get("pid") or claims.get("sub")
        if not isinstance(who, str) or not who:
            raise _refused("The token does not say who logged in (pid or sub).")
        digest = hmac.digest(self._reference_key, f"{claims['iss']}|{who}".encode(), "sha256")
        return f"person:{digest[:16].hex()}"

    def _remember(self, token: str, verified: _Verified) -> None:
        with self._remembering:
            if len(self._known) >= self._remembers:
                for oldest in list(itertools.islice(self._known, _FORGET_AT_ONCE)):
                    del self._known[oldest]
            self._known[_hash(token)] = verified

    def refused(self, caller: Caller, scopes: Sequence[str]) -> Forbidden:
        """For who has none of the scopes, any one of which would do."""
        names = [self._prefix + scope for scope in scopes]
        challenge = f'Bearer error="insufficient_scope", scope="{names[0]}"'
        if held := caller.withheld.intersection(scopes):
            return RightMissing(self._ways(held)).with_header("WWW-Authenticate", challenge)
        return ScopeMissing(f"Needed: {' or '.join(names)}").with_header("WWW-Authenticate", challenge)

    def _ways(self, missing: Iterable[str]) -> str:
        ways = {resource for one in self._roles if set(one.scopes) & set(missing) for resource in one.resources}
        return f"Represent the organisation through one of: {', '.join(sorted(ways)) or '(none is configured)'}."


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _parts(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    if len(token) > LONGEST_TOKEN:
        raise _refused("The token is too long.")
    try:
        parsed = jws.extract_compact(token.encode())
        payload = orjson.loads(parsed.payload)
        header = parsed.headers()
    except (JoseError, ValueError) as error:
        raise _refused("The token is not a signed JWT.") from error
    if not isinstance(payload, dict):
        raise _refused("The token holds no claims.")
    return header, payload


def _check_login(claims: Mapping[str, Any], issuer: TrustedIssuer) -> None:
    """A level that has no place in the order is below all."""
    told = claims.get("acr")
    least = issuer.acr_levels[issuer.least_acr]
    if not isinstance(told, str) or issuer.acr_levels.get(told, least - 1) < least:
        enough = " ".join(sorted(name for name, level in issuer.acr_levels.items() if level >= least))
        raise LoginTooWeak(f"Needed is one of: {enough}").with_header(
            "WWW-Authenticate", f'Bearer error="insufficient_user_authentication", acr_values="{enough}"'
        )


def _acting(claims: Mapping[str, Any], kind: IssuerKind) -> representation.Acting:
    try:
        match kind:
            case IssuerKind.MACHINE:
                return representation.machine(claims)
            case IssuerKind.EMPLOYEE:
                return representation.employee(claims)
            case IssuerKind.PERSON:
                _represents_nobody()
    except representation.NotClear as error:
        raise _refused(str(error)) from error
    except representation.Nobody:
        _represents_nobody()


def _represents_nobody() -> NoReturn:
    raise RepresentsNobody("Acting as oneself is not acting for an organisation; log in for exactly one.")


def _gives(role: Role, acting: representation.Acting) -> bool:
    return acting.resource in role.resources and acting.actions.issuperset(one.casefold() for one in role.actions)


def _number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _refused(why: str) -> TokenInvalid:
    """RFC 6750, 3: a description has neither quotes nor backslashes, and is in ASCII."""
    told = why.replace('"', "'").replace("\\", "/").encode("ascii", "replace").decode()
    return TokenInvalid(why).with_header(
        "WWW-Authenticate", f'Bearer error="invalid_token", error_description="{told}"'
    )


class _Bearer(SecurityBase):
    """A token in the request's header, told to the contract. One dependency and not two: FastAPI takes as long for
    each as the gate does to remember a token."""

    def __init__(self) -> None:
        self.scheme_name = "token"
        self.model = HTTPBearer(
            bearerFormat="JWT",
            description="An access token from a trusted issuer, for machines Maskinporten. The scopes that an "
            "operation needs stand in its security requirement, without the prefix (`samvirke:`). Make one for the "
            "sandbox with `make token`, and paste it here.",
        )

    async def caller(self, request: Request) -> Caller | None:
        sent = [value for name, value in request.scope["headers"] if name == b"authorization"]
        scheme, _, token = sent[0].decode("latin-1").partition(" ") if sent else ("", "", "")
        if scheme.lower() != "bearer" or not token:
            return None
        if len(sent) > 1:
            raise TokenTwice("Send one Authorization header.").with_header(
                "WWW-Authenticate", 'Bearer error="invalid_request"'
            )
        gate: Gate = request.app.state.gate
        caller = gate.remembered(token) or gate.verify(token, fetching=False)
        if caller is None:
            caller = await run_in_threadpool(gate.verify, token, fetching=True)
            assert caller is not None
        request.state.caller = caller
        return caller


class _Permitted(_Bearer):
    async def __call__(self, request: Request) -> Caller:
        caller = await self.caller(request)
        if caller is None:
            raise TokenMissing("Send Authorization: Bearer <access token>.").with_header("WWW-Authenticate", "Bearer")
        opened_by: dict[str, tuple[str, ...]] = request.app.state.opened_by
        scopes = opened_by[request.scope["route"].unique_id]
        if scopes and caller.scopes.isdisjoint(scopes):
            gate: Gate = request.app.state.gate
            raise gate.refused(caller, scopes)
        return caller


class _Viewer(_Bearer):
    async def __call__(self, request: Request) -> Caller | None:
        return await self.caller(request)


_permitted, _viewer = _Permitted(), _Viewer()
CallerDep = Annotated[Caller, Depends(_permitted)]
"""Who calls, and may: by the operation's row in the service's table (`chassis.permissions`)."""
ViewerDep = Annotated[Caller | None, Depends(_viewer)]
"""Who reads something open, if they say so: some see more than others. A token that does not hold is still refused."""


def asked_of(route: APIRoute) -> Literal["caller", "viewer"] | None:
    """Whom a route wants to know: who calls, who reads if they say so, or nobody."""
    waiting, found = [route.dependant], set()
    while waiting:
        one = waiting.pop()
        waiting += one.dependencies
        found.add(one.call)
    if _permitted in found:
        return "caller"
    return "viewer" if _viewer in found else None
