"""By which method a client authenticates itself, and what is accepted as proof."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from services.integration.sandbox.providers.rules import SKEW_SECONDS, ClientUnproven, RequestUnusable

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_TYPES = (None, "JWT", "client-authentication+jwt")
ALGORITHM = "RS256"
LONGEST_SECONDS = 120
KEY_LIVES = timedelta(days=365)
SECRET_LIVES = timedelta(days=360)


class Method(StrEnum):
    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    KEY = "private_key_jwt"
    NONE = "none"


@dataclass(frozen=True)
class RelyingParty:
    """As much of a client as the login routes need."""

    id: int
    client_id: str
    organisation: str
    name: str
    method: Method
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    scopes: frozenset[str]
    frontchannel_logout_uri: str | None
    backchannel_logout_uri: str | None
    pkce_required: bool
    state_and_nonce_required: bool
    may_refresh: bool
    access_token_seconds: int
    on_behalf_of: Mapping[str, str]
    """The names of those that a supplier has this client for, by the codes that stand for them (`onbehalfof`)."""
    opaque_scopes: frozenset[str]
    """Access tokens with one of them are by reference (`token_type: OPAQUE` in self-service)."""
    secret: bytes | None
    """SHA-256 of it."""
    secret_at: datetime | None

    @property
    def has_sid(self) -> bool:
        """`sid` stands only in id_tokens of clients that are told of logouts."""
        return bool(self.frontchannel_logout_uri or self.backchannel_logout_uri)


@dataclass(frozen=True)
class Presented:
    """What a request shows of its client."""

    method: Method
    client_id: str | None
    secret: str | None = None
    assertion: str | None = None


def presented(basic: tuple[str, str] | None, form: Mapping[str, str | None]) -> Presented:
    """`form` with client_id, client_secret, client_assertion and client_assertion_type; `basic` from the header."""
    client_id, secret, assertion = form["client_id"], form["client_secret"], form["client_assertion"]
    if sum(bool(one) for one in (basic, secret, assertion)) > 1:
        raise RequestUnusable("The client must authenticate itself by one method only")
    if basic:
        if client_id and client_id != basic[0]:
            raise ClientUnproven("client_id differs from the one in the Authorization header")
        return Presented(Method.BASIC, basic[0], secret=basic[1])
    if assertion:
        if form["client_assertion_type"] != ASSERTION_TYPE:
            raise RequestUnusable(f"client_assertion_type must be {ASSERTION_TYPE}")
        if not client_id:
            raise ClientUnproven("client_id must be sent in the body together with client_assertion")
        return Presented(Method.KEY, client_id, assertion=assertion)
    return Presented(Method.POST if secret else Method.NONE, client_id, secret=secret)


def check_method(client: RelyingParty | None, shown: Presented) -> RelyingParty:
    if not shown.client_id:
        raise ClientUnproven("Client authentication failed. No client_id")
    if client is None:
        raise ClientUnproven("Client authentication failed. Unknown client")
    if shown.method is not client.method:
        raise ClientUnproven(f"The client is registered with {client.method}, and used {shown.method}")
    return client


def check_secret(client: RelyingParty, right: bool, now: datetime) -> None:
    if not right:
        raise ClientUnproven("Client authentication failed. Wrong client secret")
    if client.secret_at is None or client.secret_at + SECRET_LIVES < now:
        raise ClientUnproven(f"Client authentication failed. The secret is older than {SECRET_LIVES.days} days")


def check_header(header: Mapping[str, Any]) -> str | None:
    """→ the kid of the registered key that the assertion must be signed with; None when the client shows an enterprise
    certificate (x5c) instead"""
    if header.get("alg") != ALGORITHM:
        raise ClientUnproven(f"Invalid assertion. Algorithm must be {ALGORITHM}")
    if header.get("typ") not in ASSERTION_TYPES:
        raise ClientUnproven("Invalid assertion. The header's typ is of another kind of token")
    kid = header.get("kid")
    if kid is None and "x5c" in header:
        return None
    if not isinstance(kid, str):
        raise ClientUnproven("Invalid assertion. No key identifier (kid) provided")
    return kid


def check_key(registered_at: datetime | None, now: datetime) -> None:
    if registered_at is None:
        raise ClientUnproven("Invalid assertion. Unknown key identifier (kid) for client")
    if registered_at + KEY_LIVES < now:
        raise ClientUnproven("Invalid assertion. Expired key")


def check_certificate(client: RelyingParty, organisation: str | None, *, has_keys: bool) -> None:
    """`organisation` is whose certificate it is."""
    if has_keys:
        raise ClientUnproven(
            "Invalid assertion. The client requires pre-registered jwk and no key identifier (kid) provided"
        )
    if organisation != client.organisation:
        raise ClientUnproven("Invalid assertion. The certificate is not of the client's organisation")


def check_assertion(claims: Mapping[str, Any], client_id: str, issuer: str, now: datetime) -> str:
    """→ its jti. `aud` is the issuer, one value: a token endpoint's address is no longer accepted (RFC 7523bis)."""
    second = now.timestamp()
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise ClientUnproven("Invalid assertion. iss and sub must be the client_id")
    if claims.get("aud") not in (issuer, [issuer]):
        raise ClientUnproven(f"Invalid assertion. Invalid JWT claim aud. Must be the one value {issuer}")
    expires = claims.get("exp")
    if not isinstance(expires, int | float) or isinstance(expires, bool) or expires <= second:
        raise ClientUnproven("Invalid assertion. JWT is expired")
    issued = claims.get("iat", expires - LONGEST_SECONDS)
    if not isinstance(issued, int | float) or isinstance(issued, bool) or issued > second + SKEW_SECONDS:
        raise ClientUnproven("Invalid assertion. Issue time is after now")
    if expires - issued > LONGEST_SECONDS or expires > second + LONGEST_SECONDS + SKEW_SECONDS:
        raise ClientUnproven(f"Invalid assertion. exp must be at most {LONGEST_SECONDS} seconds after iat")
    if isinstance(claims.get("nbf"), int | float) and claims["nbf"] > second + SKEW_SECONDS:
        raise ClientUnproven("Invalid assertion. JWT is not valid yet")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not jti:
        raise ClientUnproven("Invalid assertion. No jti")
    return jti


def unregistrable(
    method: Method, refreshes: bool, redirects: list[str], logouts: list[str], backchannel: str | None
) -> str | None:
    """Why a client cannot be registered so."""
    if method is Method.NONE and refreshes:
        return "A public client (none) cannot refresh."
    for address in [*redirects, *logouts]:
        if not urlsplit(address).scheme or "#" in address:
            return f"An address must be absolute and without a fragment: {address}"
    if backchannel and urlsplit(backchannel).hostname not in {urlsplit(one).hostname for one in redirects}:
        return "The host of backchannel_logout_uri must be that of a redirect_uri."
    return None
