"""When Maskinporten accepts a grant, and what the token says that it gives for one."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from services.integration.sandbox.consents import rules as consents
from services.integration.sandbox.grant_refusals import rules as refusals
from services.integration.sandbox.persons.rules import is_synthetic
from services.integration.sandbox.scopes import rules as scopes
from services.integration.sandbox.system_users import rules as system_users

ALGORITHMS = ("RS256", "RS384", "RS512")
LONGEST_SECONDS = 120
SKEW_SECONDS = 10
KEY_LIVES = timedelta(days=365)
USED_IS_KEPT = timedelta(days=1)
"""Long beyond the life of any grant: one that comes later is refused by its own exp."""
BY_KEY, BY_CERTIFICATE = "private_key_jwt", "virksomhetssertifikat"
Asked = system_users.Asked | consents.Asked
DETAILS: Mapping[str, Callable[[Mapping[str, Any]], Asked]] = {
    system_users.TYPE: system_users.read,
    consents.TYPE: consents.read,
}
_ORGANISATION = re.compile(r"[0-9]{9}")


@dataclass(frozen=True)
class Grant:
    """What a client asks for, as its assertion says, before anything in it is proven."""

    algorithm: str
    extended: bool
    """Whether its header names extensions that one must know to understand it (`crit`)."""
    kid: str | None
    chain: Any
    client: str
    audience: tuple[str, ...]
    scopes: tuple[str, ...]
    issued: int
    expires: int
    jti: str | None
    resource: str | tuple[str, ...] | None
    pid: str | None = field(repr=False)
    consumer_org: str | None
    on_behalf_of: str | None
    asked: Asked | None


@dataclass(frozen=True)
class Scope:
    """What is registered of a scope that a grant asks for, as it concerns the client and the consumer."""

    name: str
    active: bool
    accessible_for_all: bool
    allowed_integration_types: list[str]
    delegation_source: str | None
    at_max_age: int
    """Seconds; 0 when it does not matter."""
    on_client: bool
    granted: bool
    """To the consumer."""
    delegated: bool
    """By the consumer to the client's organisation."""


@dataclass(frozen=True)
class Registered:
    """What is registered of the client that a grant names, as far as the grant needs it."""

    organisation: str
    supplier: str | None
    """Who made the client for the organisation."""
    access_token_lifetime: int
    """Seconds; 0 when Maskinporten's own default is good enough."""
    key: str | None
    """The named public key, a JWK as JSON text."""
    key_registered_at: datetime | None
    has_keys: bool
    customer: str | None
    """The organisation behind the sub-client that the grant names (`iss_onbehalfof`)."""
    scopes: Mapping[str, Scope]


def read(header: Mapping[str, Any], claims: Mapping[str, Any]) -> Grant:
    """The grant, or the first of its values that cannot be used. `sub` and `nbf` are let be, as real clients send
    them. `aud` is one value; an array that holds just one is that value (RFC 7523)."""
    asked = _asked(claims.get("authorization_details"))
    pid = claims.get("pid")
    if pid is not None and not (isinstance(pid, str) and is_synthetic(pid)):
        raise refusals.value("pid", "eleven digits of a synthetic person, who has 80 added to the month")
    resource = claims.get("resource")
    if isinstance(resource, list):
        resource = tuple(resource)
    if resource is not None and not (
        _text(resource) or (isinstance(resource, tuple) and resource and all(map(_text, resource)))
    ):
        raise refusals.value("resource", "a text or an array of texts")
    consumer_org = claims.get("consumer_org")
    if consumer_org is not None and not (isinstance(consumer_org, str) and _ORGANISATION.fullmatch(consumer_org)):
        raise refusals.value("consumer_org", "nine digits")
    on_behalf_of = claims.get("iss_onbehalfof")
    if on_behalf_of is not None and not _text(on_behalf_of):
        raise refusals.value("iss_onbehalfof", "a text")
    if on_behalf_of and consumer_org:
        raise refusals.value("iss_onbehalfof", "not together with consumer_org")
    scope = claims.get("scope")
    if not isinstance(scope, str) or not scope.split():
        raise refusals.value("scope", "one or more scopes with a space between")
    jti = claims.get("jti")
    if jti is not None and not _text(jti):
        raise refusals.value("jti", "a text")
    audience = claims.get("aud")
    kid = header.get("kid")
    return Grant(
        algorithm=str(header.get("alg")),
        extended="crit" in header,
        kid=kid if isinstance(kid, str) and kid else None,
        chain=header.get("x5c"),
        client=str(claims.get("iss")),
        audience=tuple(map(str, audience)) if isinstance(audience, list) else (str(audience),),
        scopes=tuple(scope.split()),
        issued=_seconds(claims, "iat"),
        expires=_seconds(claims, "exp"),
        jti=jti,
        resource=resource,
        pid=pid,
        consumer_org=consumer_org,
        on_behalf_of=on_behalf_of,
        asked=asked,
    )


def _asked(details: object) -> Asked | None:
    """RFC 9396; Maskinporten takes one at a time."""
    if details is None or details == []:
        return None
    if not isinstance(details, list) or not all(isinstance(one, Mapping) for one in details):
        raise refusals.value("authorization_details", "an array with one object")
    if unknown := [one for one in details if not isinstance(one.get("type"), str) or one["type"] not in DETAILS]:
        raise refusals.AuthorizationTypeUnknown(
            f"{refusals.AuthorizationTypeUnknown.title()} ({len(unknown)} of them). Known: {', '.join(DETAILS)}"
        )
    if len(details) > 1:
        raise refusals.detail("authorization_details", "one at a time")
    return DETAILS[details[0]["type"]](details[0])


def check_algorithm(grant: Grant) -> None:
    """Extensions of the signature are refused, as we know none (RFC 7515 §4.1.11)."""
    if grant.extended:
        raise refusals.SignatureRefused(f"{refusals.SignatureRefused.title()}. No extension (crit) is understood")
    if grant.algorithm not in ALGORITHMS:
        raise refusals.SignatureRefused(
            f"{refusals.SignatureRefused.title()}. Algorithm must be one of {', '.join(ALGORITHMS)}"
        )


def check_key(grant: Grant, client: Registered, now: datetime) -> str:
    """→ the registered public key that the signature must hold under"""
    if grant.kid is None:
        raise refusals.KeyNotNamed
    if client.key is None or client.key_registered_at is None:
        raise refusals.KeyUnknown
    if client.key_registered_at + KEY_LIVES < now:
        raise refusals.KeyExpired
    return client.key


def proves_itself(grant: Grant, client: Registered) -> bool:
    """Whether it is an enterprise certificate that the signature must hold under: a client that has registered keys
    must name one of those instead."""
    return grant.kid is None and grant.chain is not None and not client.has_keys


def check_certificate(client: Registered, organisation: str | None) -> None:
    """`organisation` is whose certificate it is: the client's, or that of whoever made the client for it."""
    if organisation is None or organisation not in (client.organisation, client.supplier):
        raise refusals.CertificateOfAnother


def check_claims(grant: Grant, issuer: str, now: int) -> None:
    """`now` in seconds since 1970, as in the token."""
    if grant.audience != (issuer,):
        raise refusals.AudienceRefused(f"{refusals.AudienceRefused.title()}. Must be the one value {issuer}")
    if grant.issued > now + SKEW_SECONDS:
        raise refusals.IssuedInFuture
    if grant.expires <= now:
        raise refusals.AssertionExpired
    if grant.issued < now - SKEW_SECONDS:
        raise refusals.IssuedTooEarly
    if grant.expires - grant.issued > LONGEST_SECONDS:
        raise refusals.value("exp", f"at most {LONGEST_SECONDS} seconds after iat")


def consumer(grant: Grant, client: Registered) -> str:
    """The organisation that the token is for."""
    if grant.consumer_org == client.organisation:
        raise refusals.DelegationToSelf
    if grant.on_behalf_of and client.customer is None:
        raise refusals.value("iss_onbehalfof", "one that is registered on the client")
    return grant.consumer_org or client.customer or client.organisation


def check_access(grant: Grant, client: Registered) -> None:
    acting_for = consumer(grant, client)
    for name in grant.scopes:
        scope = client.scopes.get(name)
        if scope is None or not scope.on_client or not scope.active:
            raise refusals.ScopeNotOnClient(f"{refusals.ScopeNotOnClient.title()}, {name}")
        if not scopes.for_machines(scope.allowed_integration_types):
            raise refusals.ScopeForLoginOnly(f"{refusals.ScopeForLoginOnly.title()}, {name}")
        if not scope.granted and not scope.accessible_for_all:
            raise refusals.ScopeNotGranted(f"Consumer {acting_for} has not been granted access to the scope {name}")
        if grant.consumer_org and not (scope.delegated and scope.delegation_source):
            raise refusals.ScopeNotDelegated(
                f"Consumer {acting_for} has not delegated access to the scope {name} to supplier {client.organisation}"
            )


def seconds(grant: Grant, client: Registered, default: int) -> int:
    """How long the token lives: as long as the client wants, and no longer than any of its scopes lets it."""
    limits = [client.scopes[name].at_max_age for name in grant.scopes]
    return min([client.access_token_lifetime or default, *(limit for limit in limits if limit)])


def claims(
    grant: Grant,
    client: Registered,
    details: Mapping[str, Any] | None,
    *,
    by: str,
    issuer: str,
    now: int,
    seconds: int,
    jti: str,
) -> dict[str, Any]:
    """The access token's claims: no `sub`, and `aud` only when a resource was asked for. `by` is how the client proved
    itself, `details` what Altinn knows of that which the grant asked for."""
    token: dict[str, Any] = {
        "scope": " ".join(grant.scopes),
        "iss": issuer,
        "client_amr": by,
        "token_type": "Bearer",
        "exp": now + seconds,
        "iat": now,
        "client_id": grant.client,
        "jti": jti,
        "consumer": _party(consumer(grant, client)),
    }
    if details:
        token["authorization_details"] = [details]
    if grant.resource:
        token["aud"] = grant.resource if isinstance(grant.resource, str) else list(grant.resource)
    if grant.pid:
        token["pid"] = grant.pid
    if grant.consumer_org:
        source = client.scopes[grant.scopes[0]].delegation_source
        token |= {"supplier": _party(client.organisation), "delegation_source": source}
    elif grant.on_behalf_of:
        token["supplier"] = _party(client.organisation)
    elif client.supplier:
        token["supplier"] = _party(client.supplier)
    return token


def _party(organisation: str) -> dict[str, str]:
    return {"authority": "iso6523-actorid-upis", "ID": f"0192:{organisation}"}


def _seconds(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**53:
        raise refusals.value(name, "seconds since 1970 as a number")
    return int(value)


def _text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 1000
