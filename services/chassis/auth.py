"""From a bearer token to who is calling: which organisation acts, and what it may do.

Rules for resource servers: RFC 6750, RFC 8725, Digdir's guide for API providers. Access goes by organisation, never by
client; a machine and a person are told apart by the issuer alone.
"""

import hashlib
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeGuard

import httpx
import orjson
from fastapi import Depends, Request, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, KeySet
from stdnum.no import orgnr

from services.chassis.problems import Forbidden, Unauthorized, Unavailable
from services.chassis.settings import IssuerKind, TrustedIssuer

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256"]
TYPES = {None, "JWT", "at+jwt"}
LEEWAY_SECONDS = 10
_AUTHORITY = "iso6523-actorid-upis"
_SCHEME = "0192:"
_log = logging.getLogger("auth")


class TokenMissing(Unauthorized):
    """A bearer token is needed."""


class TokenInvalid(Unauthorized):
    """The token is not accepted."""


class ScopeMissing(Forbidden):
    """The token lacks the scope for this operation."""


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
    kind: IssuerKind
    supplier: str | None = None
    """The vendor that acts on the organisation's behalf, when access is delegated."""

    def may(self, scope: str) -> bool:
        return scope in self.scopes


@dataclass
class _Keys:
    """One issuer's public keys: kept for a day, fetched anew for an unknown key id but not more than every ten
    seconds, and kept in use when the issuer's key page is away."""

    url: str
    lives_seconds: float = 24 * 3600
    pause_seconds: float = 10
    _by_id: dict[str, Any] = field(default_factory=dict)
    _fetched: float = -1e9
    _tried: float = -1e9
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def cached(self, kid: str) -> Any | None:
        return self._by_id.get(kid) if time.monotonic() - self._fetched < self.lives_seconds else None

    def fetch(self, kid: str) -> Any | None:
        with self._lock:
            if (found := self.cached(kid)) is not None:
                return found
            if time.monotonic() - self._tried >= self.pause_seconds or not self._by_id:
                self._tried = time.monotonic()
                try:
                    page = httpx.get(self.url, timeout=httpx.Timeout(2.0, connect=0.5)).raise_for_status().json()
                    keys = KeySet([JWKRegistry.import_key(key) for key in page["keys"] if key.get("use") != "enc"])
                    self._by_id = {str(key.kid): key for key in keys.keys if not key.is_private}
                    self._fetched = time.monotonic()
                except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError, JoseError) as error:
                    _log.warning("keys of %s cannot be fetched: %s", self.url, error)
                    if not self._by_id:
                        raise IssuerAway from error
            return self._by_id.get(kid)


class Gate:
    """Turns tokens into callers. A token's answer is remembered by its hash until it expires."""

    def __init__(
        self,
        issuers: list[TrustedIssuer],
        *,
        scope_prefix: str,
        audience: str | None = None,
        remembers: int = 20_000,
    ) -> None:
        self._issuers = {one.issuer: (one.kind, _Keys(one.jwks_url)) for one in issuers}
        self._prefix = scope_prefix + ":"
        self._audience = audience
        self._known: dict[bytes, tuple[float, Caller]] = {}
        self._remembers = remembers

    def remembered(self, token: str) -> Caller | None:
        known = self._known.get(hashlib.sha256(token.encode()).digest())
        return known[1] if known and known[0] > time.time() else None

    def verify(self, token: str, *, fetching: bool) -> Caller | None:
        """Who is calling. Without `fetching`, None when the issuer's key must be fetched first."""
        header, unproven = _parts(token)
        if header.get("alg") not in ALGORITHMS:
            raise _refused(f"The signature algorithm must be one of {', '.join(ALGORITHMS)}.")
        if header.get("typ") not in TYPES:
            raise _refused("This is not an access token (header typ).")
        trusted = self._issuers.get(str(unproven.get("iss")))
        if trusted is None:
            raise _refused(f"The issuer is not trusted. Trusted: {', '.join(map(repr, self._issuers))}.")
        kind, keys = trusted
        kid = str(header.get("kid"))
        key = keys.cached(kid)
        if key is None:
            if not fetching:
                return None
            key = keys.fetch(kid)
        if key is None:
            raise _refused("The signing key (kid) is not one of the issuer's.")
        try:
            claims = jwt.decode(token, key, algorithms=ALGORITHMS).claims
        except (JoseError, ValueError) as error:
            raise _refused("The signature does not hold.") from error
        caller, expires = self._caller(claims, kind)
        if len(self._known) >= self._remembers:
            self._known.clear()
        self._known[hashlib.sha256(token.encode()).digest()] = (expires, caller)
        return caller

    def _caller(self, claims: Mapping[str, Any], kind: IssuerKind) -> tuple[Caller, float]:
        now = time.time()
        expires, issued, not_before = (claims.get(name) for name in ("exp", "iat", "nbf"))
        if not _number(expires) or not _number(issued):
            raise _refused("A token needs the numbers exp and iat.")
        if expires + LEEWAY_SECONDS <= now:
            raise _refused("The token has expired.")
        if issued - LEEWAY_SECONDS > now or (_number(not_before) and not_before - LEEWAY_SECONDS > now):
            raise _refused("The token is not valid yet.")
        if "nonce" in claims:
            raise _refused("This is an id_token; send the access token.")
        if "cnf" in claims:
            raise _refused("A sender-constrained token cannot be used as Bearer.")
        audience = claims.get("aud")
        if self._audience and self._audience not in (audience if isinstance(audience, list) else [audience]):
            raise _refused(f"The token's audience must be {self._audience!r}.")
        organisation, supplier = _acting(claims, kind)
        scopes = frozenset(
            scope.removeprefix(self._prefix)
            for scope in str(claims.get("scope", "")).split()
            if scope.startswith(self._prefix)
        )
        return Caller(organisation, scopes, str(claims.get("client_id", "")), kind, supplier), float(expires)

    def lacks(self, caller: Caller, scopes: list[str]) -> ScopeMissing | None:
        missing = [self._prefix + scope for scope in scopes if not caller.may(scope)]
        if not missing:
            return None
        names = " ".join(missing)
        return ScopeMissing(f"Needed: {names}").with_header(
            "WWW-Authenticate", f'Bearer error="insufficient_scope", scope="{names}"'
        )


def _parts(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    try:
        parsed = jws.extract_compact(token.encode())
        payload = orjson.loads(parsed.payload)
        header = parsed.headers()
    except (JoseError, ValueError) as error:
        raise _refused("The token is not a signed JWT.") from error
    if not isinstance(payload, dict):
        raise _refused("The token holds no claims.")
    return header, payload


def _acting(claims: Mapping[str, Any], kind: IssuerKind) -> tuple[str, str | None]:
    """Which organisation acts, and for whose vendor. With a system user the customer stands in `systemuser_org` and the
    vendor in `consumer`; with delegation the customer is `consumer` and the vendor `supplier`."""
    details = [one for one in claims.get("authorization_details") or [] if isinstance(one, dict)]
    if kind is IssuerKind.MACHINE:
        users = [one for one in details if one.get("type") == "urn:altinn:systemuser"]
        if users:
            return _number_of(users[0].get("systemuser_org")), _number_of(claims.get("consumer"))
        supplier = claims.get("supplier")
        return _number_of(claims.get("consumer")), _number_of(supplier) if supplier else None
    if kind is IssuerKind.EMPLOYEE:
        parties = [party for one in details for party in one.get("authorized_parties") or []]
        if len(parties) == 1:
            return _number_of(parties[0].get("orgno")), None
    raise RepresentsNobody("Acting as oneself is not acting for an organisation; log in for exactly one.")


def _number_of(party: object) -> str:
    """`{"authority": "iso6523-actorid-upis", "ID": "0192:964983291"}` → the organisation number."""
    if isinstance(party, dict) and party.get("authority") == _AUTHORITY:
        number = str(party.get("ID", ""))
        if number.startswith(_SCHEME) and orgnr.is_valid(number.removeprefix(_SCHEME)):
            return number.removeprefix(_SCHEME)
    raise _refused("The token names no Norwegian organisation number.")


def _number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _refused(why: str) -> TokenInvalid:
    return TokenInvalid(why).with_header("WWW-Authenticate", f'Bearer error="invalid_token", error_description="{why}"')


_bearer = HTTPBearer(
    scheme_name="token",
    bearerFormat="JWT",
    auto_error=False,
    description="An access token from a trusted issuer, for machines Maskinporten. The scopes that an operation needs "
    "stand in its security requirement, without the prefix (`samvirke:`). Make one for the sandbox with "
    "`make token`, and paste it here.",
)


async def _caller(
    request: Request,
    needs: SecurityScopes,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Caller:
    if bearer is None:
        raise TokenMissing("Send Authorization: Bearer <access token>.").with_header("WWW-Authenticate", "Bearer")
    gate: Gate = request.app.state.gate
    token = bearer.credentials
    caller = gate.remembered(token) or gate.verify(token, fetching=False)
    if caller is None:
        caller = await run_in_threadpool(gate.verify, token, fetching=True)
        assert caller is not None
    request.state.caller = caller
    if lacking := gate.lacks(caller, needs.scopes):
        raise lacking
    return caller


def needs(*scopes: str) -> Any:
    """`Annotated[Caller, needs("agreements.order")]`: the caller, who has all these scopes."""
    return Security(_caller, scopes=scopes)


async def _caller_with_one(
    request: Request,
    wanted: SecurityScopes,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Caller:
    caller = await _caller(request, SecurityScopes(), bearer)
    gate: Gate = request.app.state.gate
    lacking = [gate.lacks(caller, [scope]) for scope in wanted.scopes]
    if lacking[0] and all(lacking):
        raise lacking[0]
    return caller


def needs_one_of(*scopes: str) -> Any:
    """The same for a caller who has at least one of these scopes; the contract names them all."""
    return Security(_caller_with_one, scopes=scopes)


async def _viewer(request: Request, bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Any:
    return await _caller(request, SecurityScopes(), bearer) if bearer else None


ViewerDep = Annotated[Caller | None, Depends(_viewer)]
"""Who reads something open, if they say so: some see more than others. A token that does not hold is still refused."""
