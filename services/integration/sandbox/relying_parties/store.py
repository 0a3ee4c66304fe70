"""Relying parties, their keys and secrets, and whether a request is really theirs."""

import base64
import binascii
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus

import sqlalchemy as sa
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from sqlmodel import Field, Session, col

from services.chassis.db import INSTANT, JSON, choice
from services.chassis.problems import Conflict, Invalid
from services.integration.sandbox.db import Table
from services.integration.sandbox.enterprise_certificates import store as certificates
from services.integration.sandbox.grant_refusals.rules import GrantRefused
from services.integration.sandbox.providers import store as providers
from services.integration.sandbox.providers.asking import Values, one
from services.integration.sandbox.providers.rules import ClientUnproven, Provider, ProviderName
from services.integration.sandbox.relying_parties import rules
from services.integration.sandbox.relying_parties.rules import Method, RelyingParty

ASSERTION_IS_REMEMBERED = timedelta(days=1)
"""Long beyond the life of any: one that comes later is refused by its own exp."""
_REGISTRY = providers.Headers(algorithms=[rules.ALGORITHM])
_COLUMNS = ("redirect_uris", "post_logout_redirect_uris", "scopes")


class Client(Table, table=True):
    __tablename__ = "login_client"
    __table_args__ = (sa.UniqueConstraint("provider", "client_id"),)

    id: int | None = Field(default=None, primary_key=True)
    provider: ProviderName = Field(sa_type=choice(ProviderName))
    client_id: str = Field(max_length=100)
    organisation: str = Field(max_length=9)
    name: str = Field(max_length=200)
    method: Method = Field(sa_type=choice(Method))
    redirect_uris: list[str] = Field(sa_type=JSON)
    post_logout_redirect_uris: list[str] = Field(sa_type=JSON)
    scopes: list[str] = Field(sa_type=JSON)
    frontchannel_logout_uri: str | None = Field(default=None, max_length=500)
    backchannel_logout_uri: str | None = Field(default=None, max_length=500)
    pkce_required: bool
    state_and_nonce_required: bool
    may_refresh: bool
    access_token_seconds: int
    on_behalf_of: dict[str, str] = Field(default_factory=dict, sa_type=JSON)
    opaque_scopes: list[str] = Field(default_factory=list, sa_type=JSON)
    secret: bytes | None = Field(default=None, sa_type=sa.LargeBinary(32), description="SHA-256 of it")
    secret_at: datetime | None = Field(default=None, sa_type=INSTANT)


class Key(Table, table=True):
    __tablename__ = "login_client_key"

    client: int = Field(primary_key=True, foreign_key="login_client.id")
    kid: str = Field(primary_key=True, max_length=200)
    jwk: str = Field(description="Public JWK as JSON text")
    registered_at: datetime = Field(sa_type=INSTANT)


class ClientIdTaken(Conflict):
    """The provider has a client with this id."""


class ClientUnregistrable(Invalid):
    """The client cannot be registered so."""


def register(
    session: Session, provider: ProviderName, row: dict[str, Any], keys: list[dict[str, Any]], now: datetime
) -> str | None:
    """→ the new client's secret, when its method is one with a secret"""
    secret = secrets.token_urlsafe(32) if row["method"] in (Method.BASIC, Method.POST) else None
    known = sa.exists().where(col(Client.provider) == provider, col(Client.client_id) == row["client_id"])
    if session.execute(sa.select(known)).scalar():
        raise ClientIdTaken(f"The provider has a client {row['client_id']!r} already.")
    client = Client(
        provider=provider,
        secret=providers.digest(secret) if secret else None,
        secret_at=now if secret else None,
        **row,
    )
    session.add(client)
    session.flush()
    assert client.id is not None
    for jwk in keys:
        session.add(Key(client=client.id, kid=jwk["kid"], jwk=json.dumps(jwk), registered_at=now))
    session.flush()
    return secret


def _plain(row: Any) -> RelyingParty:
    fields: dict[str, Any] = {name: tuple(value) if name in _COLUMNS else value for name, value in row._mapping.items()}
    sets: dict[str, Any] = {name: frozenset(fields[name]) for name in ("scopes", "opaque_scopes")}
    return RelyingParty(**fields | sets)


_READ = sa.select(*(Table.metadata.tables["login_client"].c[name] for name in RelyingParty.__dataclass_fields__))


def by_client_id(session: Session, provider: Provider, client_id: str | None) -> RelyingParty | None:
    asked = _READ.where(col(Client.provider) == provider.name, col(Client.client_id) == (client_id or ""))
    row = session.execute(asked).one_or_none()
    return None if row is None else _plain(row)


def by_ids(session: Session, ids: list[int]) -> list[RelyingParty]:
    return [_plain(row) for row in session.execute(_READ.where(col(Client.id).in_(ids)).order_by(col(Client.id)))]


def listed(session: Session, provider: ProviderName) -> list[Client]:
    asked = sa.select(Client).where(col(Client.provider) == provider).order_by(col(Client.id))
    return list(session.execute(asked).scalars())


def authenticate(
    session: Session, provider: Provider, authorization: str | None, form: Values, now: datetime
) -> RelyingParty:
    """The client behind a request, by its registered method and no other. The session must be autocommit: an assertion
    stays used, whatever becomes of the request."""
    names = ("client_id", "client_secret", "client_assertion", "client_assertion_type")
    shown = rules.presented(_basic(authorization), {name: one(form, name) for name in names})
    client = rules.check_method(by_client_id(session, provider, shown.client_id), shown)
    if client.method in (Method.BASIC, Method.POST):
        right = hmac.compare_digest(providers.digest(shown.secret or ""), client.secret or b"")
        rules.check_secret(client, right, now)
    elif client.method is Method.KEY:
        _check_assertion(session, provider, client, shown.assertion or "", now)
    return client


def _check_assertion(session: Session, provider: Provider, client: RelyingParty, assertion: str, now: datetime) -> None:
    try:
        header, claims = providers.unproven(assertion)
    except ValueError as error:
        raise ClientUnproven("Invalid assertion. Not a signed JWT") from error
    kid = rules.check_header(header)
    key = _registered(session, client, kid, now) if kid else _certified(session, client, header["x5c"], now)
    try:
        jwt.decode(assertion, key, registry=_REGISTRY)
    except (JoseError, ValueError) as error:
        raise ClientUnproven("Invalid assertion. Invalid JWT signature") from error
    jti = rules.check_assertion(claims, client.client_id, provider.issuer, now)
    once = ("assertion", provider.name, client.client_id, jti)
    if not providers.first_use(session, *once, now=now, kept=ASSERTION_IS_REMEMBERED):
        raise ClientUnproven("Invalid assertion. It is used before")


def _registered(session: Session, client: RelyingParty, kid: str, now: datetime) -> RSAKey:
    asked = sa.select(col(Key.jwk), col(Key.registered_at)).where(col(Key.client) == client.id, col(Key.kid) == kid)
    row = session.execute(asked).one_or_none()
    rules.check_key(row.registered_at if row else None, now)
    assert row
    return _public(row.jwk)


def _certified(session: Session, client: RelyingParty, chain: object, now: datetime) -> RSAKey:
    try:
        proven = certificates.prove(session, chain, now)
    except GrantRefused as error:
        raise ClientUnproven(error.detail or error.title()) from error
    has_keys = bool(session.execute(sa.select(sa.exists().where(col(Key.client) == client.id))).scalar())
    rules.check_certificate(client, proven.organisation, has_keys=has_keys)
    return proven.key


@lru_cache(maxsize=2000)
def _public(jwk: str) -> RSAKey:
    return RSAKey.import_key(json.loads(jwk))


def _basic(authorization: str | None) -> tuple[str, str] | None:
    """Id and secret, each form-encoded before they were put together (RFC 6749 §2.3.1)."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, found, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError) as error:
        raise ClientUnproven("The Authorization header cannot be read") from error
    return (unquote_plus(name), unquote_plus(secret)) if found else None


def shown(row: Mapping[str, Any] | Client) -> dict[str, Any]:
    """What self-service shows of a client; never its secret."""
    hidden = {"id", "secret", "secret_at"}
    assert isinstance(row, Client)
    return {name: value for name, value in row.model_dump().items() if name not in hidden}
