"""When Maskinporten accepts a grant, and how it refuses one. Codes and texts are those that Digdir publishes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from services.chassis.problems import Problem

ALGORITHMS = ("RS256", "RS384", "RS512")
LONGEST_SECONDS = 120
SKEW_SECONDS = 10
KEY_LIVES = timedelta(days=365)
USED_IS_KEPT = timedelta(days=1)
"""Long beyond the life of any grant: one that comes later is refused by its own exp."""
_ORGANISATION = re.compile(r"[0-9]{9}")


class GrantRefused(Problem):
    """The grant is refused."""

    status = 400
    oauth_error: ClassVar[str] = "invalid_grant"
    code: ClassVar[str | None] = None


class GrantTypeUnsupported(GrantRefused):
    """Unsupported grant type."""

    oauth_error = "unsupported_grant_type"


class ValueRefused(GrantRefused):
    """Invalid assertion. Invalid parameter value."""

    oauth_error = "invalid_request"
    code = "MP-011"


class GrantUsedBefore(GrantRefused):
    """Invalid assertion. Grant is used before."""

    code = "MP-012"


class ClientNotFound(GrantRefused):
    """Invalid assertion. Client authentication failed. Client not found."""

    code = "MP-100"


class AudienceRefused(GrantRefused):
    """Invalid assertion. Invalid JWT claim aud."""

    code = "MP-110"


class CertificateRefused(GrantRefused):
    """Invalid assertion. Client authentication failed. Signed with an invalid certificate."""

    code = "MP-120"


class KeyExpired(GrantRefused):
    """Invalid assertion. Client authentication failed. Expired key."""

    code = "MP-121"


class ChainMalformed(GrantRefused):
    """Invalid assertion. Client authentication failed. Bad x5c header."""

    code = "MP-123"


class SignatureRefused(GrantRefused):
    """Invalid assertion. Client authentication failed. Invalid JWT signature."""

    code = "MP-124"


class AssertionExpired(GrantRefused):
    """Invalid assertion. JWT is expired."""

    code = "MP-130"


class KeyUnknown(GrantRefused):
    """Invalid assertion. Client authentication failed. Unknown key identifier (kid) for client."""


class KeyNotNamed(GrantRefused):
    """Invalid assertion. The client requires pre-registered jwk and no key identifier (kid) provided."""


class IssuedInFuture(GrantRefused):
    """Invalid assertion. Issue time is after now."""


class IssuedTooEarly(GrantRefused):
    """Invalid assertion. Issue time is too long ago."""


class DelegationToSelf(GrantRefused):
    """The combination consumer_org in claim and delegation scope on client is invalid."""

    oauth_error = "invalid_request"


class ScopeNotOnClient(GrantRefused):
    """Invalid scope."""

    oauth_error = "invalid_scope"
    code = "MP-200"


class ScopeNotGranted(GrantRefused):
    """Consumer has not been granted access to the scope."""

    status = 403
    oauth_error = "forbidden"
    code = "MP-250"


class ScopeNotDelegated(GrantRefused):
    """Consumer has not delegated access to the scope."""

    status = 403
    oauth_error = "forbidden"
    code = "MP-251"


class AuthorizationTypeUnknown(GrantRefused):
    """Unknown authorization_details type."""

    oauth_error = "invalid_authorization_details"
    code = "MP-301"


def known_errors() -> list[type[GrantRefused]]:
    return [kind for kind in GrantRefused.__subclasses__() if kind.code]


@dataclass(frozen=True)
class Grant:
    """What a client asks for, as its assertion says, before anything in it is proven."""

    algorithm: str
    kid: str | None
    chain: Any
    client: str
    audience: tuple[str, ...]
    scopes: tuple[str, ...]
    issued: int
    expires: int
    jti: str | None
    resource: str | tuple[str, ...] | None
    consumer_org: str | None


@dataclass(frozen=True)
class Registered:
    """What is registered of the client that a grant names, as far as the grant needs it."""

    organisation: str
    key: str | None
    """The named public key, a JWK as JSON text."""
    key_registered_at: datetime | None
    has_keys: bool
    on_client: frozenset[str]
    granted: frozenset[str]
    """To the client's organisation, or to the consumer when the client acts for another."""
    delegated: frozenset[str]


def read(header: Mapping[str, Any], claims: Mapping[str, Any]) -> Grant:
    """The grant, or the first of its values that cannot be used. `sub` and `nbf` are let be, as real clients send
    them. `aud` is one value; an array that holds just one is that value (RFC 7523)."""
    if claims.get("authorization_details"):
        raise AuthorizationTypeUnknown("Unknown authorization_details type: the sandbox knows none.")
    for name in ("pid", "iss_onbehalfof"):
        if name in claims:
            raise _value(name, "the sandbox does not issue such tokens")
    resource = claims.get("resource")
    if isinstance(resource, list):
        resource = tuple(resource)
    if resource is not None and not (
        _text(resource) or (isinstance(resource, tuple) and resource and all(map(_text, resource)))
    ):
        raise _value("resource", "a text or an array of texts")
    consumer_org = claims.get("consumer_org")
    if consumer_org is not None and not (isinstance(consumer_org, str) and _ORGANISATION.fullmatch(consumer_org)):
        raise _value("consumer_org", "nine digits")
    scope = claims.get("scope")
    if not isinstance(scope, str) or not scope.split():
        raise _value("scope", "one or more scopes with a space between")
    jti = claims.get("jti")
    if jti is not None and not _text(jti):
        raise _value("jti", "a text")
    audience = claims.get("aud")
    kid = header.get("kid")
    return Grant(
        algorithm=str(header.get("alg")),
        kid=kid if isinstance(kid, str) and kid else None,
        chain=header.get("x5c"),
        client=str(claims.get("iss")),
        audience=tuple(map(str, audience)) if isinstance(audience, list) else (str(audience),),
        scopes=tuple(scope.split()),
        issued=_seconds(claims, "iat"),
        expires=_seconds(claims, "exp"),
        jti=jti,
        resource=resource,
        consumer_org=consumer_org,
    )


def check_key(grant: Grant, client: Registered | None, now: datetime) -> str:
    """→ the public key that the signature must hold under"""
    if client is None:
        raise ClientNotFound
    if grant.algorithm not in ALGORITHMS:
        raise SignatureRefused(f"{SignatureRefused.title()}. Algorithm must be one of {', '.join(ALGORITHMS)}")
    if grant.kid is None:
        if grant.chain is not None and not isinstance(grant.chain, list):
            raise ChainMalformed
        if grant.chain is not None and not client.has_keys:
            raise CertificateRefused(f"{CertificateRefused.title()}. The sandbox trusts no certificate; register a key")
        raise KeyNotNamed
    if client.key is None or client.key_registered_at is None:
        raise KeyUnknown
    if client.key_registered_at + KEY_LIVES < now:
        raise KeyExpired
    return client.key


def check_claims(grant: Grant, issuer: str, now: int) -> None:
    """`now` in seconds since 1970, as in the token."""
    if grant.audience != (issuer,):
        raise AudienceRefused(f"{AudienceRefused.title()}. Must be the one value {issuer}")
    if grant.issued > now + SKEW_SECONDS:
        raise IssuedInFuture
    if grant.expires <= now:
        raise AssertionExpired
    if grant.issued < now - SKEW_SECONDS:
        raise IssuedTooEarly
    if grant.expires - grant.issued > LONGEST_SECONDS:
        raise _value("exp", f"at most {LONGEST_SECONDS} seconds after iat")


def check_access(grant: Grant, client: Registered) -> None:
    consumer = grant.consumer_org or client.organisation
    if grant.consumer_org == client.organisation:
        raise DelegationToSelf
    for scope in grant.scopes:
        if scope not in client.on_client:
            raise ScopeNotOnClient(f"Invalid scope. Client has not been registered with scope {scope}")
        if scope not in client.granted:
            raise ScopeNotGranted(f"Consumer {consumer} has not been granted access to the scope {scope}")
        if grant.consumer_org and scope not in client.delegated:
            raise ScopeNotDelegated(
                f"Consumer {consumer} has not delegated access to the scope {scope} to supplier {client.organisation}"
            )


def claims(
    grant: Grant, client: Registered, *, issuer: str, now: int, seconds: int, jti: str, delegation_source: str
) -> dict[str, Any]:
    """The access token's claims: no `sub`, and `aud` only when a resource was asked for."""
    token: dict[str, Any] = {
        "scope": " ".join(grant.scopes),
        "iss": issuer,
        "client_amr": "private_key_jwt",
        "token_type": "Bearer",
        "exp": now + seconds,
        "iat": now,
        "client_id": grant.client,
        "jti": jti,
        "consumer": _party(grant.consumer_org or client.organisation),
    }
    if grant.resource:
        token["aud"] = grant.resource if isinstance(grant.resource, str) else list(grant.resource)
    if grant.consumer_org:
        token |= {"supplier": _party(client.organisation), "delegation_source": delegation_source}
    return token


def _party(organisation: str) -> dict[str, str]:
    return {"authority": "iso6523-actorid-upis", "ID": f"0192:{organisation}"}


def _seconds(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**53:
        raise _value(name, "seconds since 1970 as a number")
    return int(value)


def _text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 1000


def _value(name: str, wanted: str) -> ValueRefused:
    return ValueRefused(f"{ValueRefused.title()}: {name} ({wanted})")
