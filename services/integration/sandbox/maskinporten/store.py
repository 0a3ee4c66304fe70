"""Clients, their keys and rights, the grants that are used up, and the keys that sign tokens."""

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Mapped
from sqlmodel import Field, Session, col

from services.chassis.db import INSTANT
from services.chassis.problems import Invalid, NotFound, Unauthorized
from services.chassis.values import new_id
from services.integration.sandbox.db import Table
from services.integration.sandbox.maskinporten import rules
from services.integration.sandbox.maskinporten.rules import Grant, Registered

MOST_KEYS = 5
"""Public keys that a client may have at a time, as in self-service."""


class Client(Table, table=True):
    __tablename__ = "maskinporten_client"

    id: int | None = Field(default=None, primary_key=True)
    client_id: str = Field(max_length=36, unique=True)
    organisation: str = Field(max_length=9, index=True)
    name: str = Field(max_length=200)


class ClientKey(Table, table=True):
    __tablename__ = "maskinporten_client_key"

    client: int = Field(primary_key=True, foreign_key="maskinporten_client.id")
    kid: str = Field(primary_key=True, max_length=200)
    jwk: str = Field(description="Public JWK as JSON text")
    registered_at: datetime = Field(sa_type=INSTANT)


class Scope(Table, table=True):
    __tablename__ = "maskinporten_scope"

    name: str = Field(primary_key=True, max_length=200)
    description: str = Field(max_length=500)


class ClientScope(Table, table=True):
    __tablename__ = "maskinporten_client_scope"

    client: int = Field(primary_key=True, foreign_key="maskinporten_client.id")
    scope: str = Field(primary_key=True, max_length=200, foreign_key="maskinporten_scope.name")


class ScopeGrant(Table, table=True):
    """The scope's owner has given an organisation access to it."""

    __tablename__ = "maskinporten_scope_grant"

    organisation: str = Field(primary_key=True, max_length=9)
    scope: str = Field(primary_key=True, max_length=200, foreign_key="maskinporten_scope.name")


class Delegation(Table, table=True):
    """A customer lets a supplier use the customer's access to a scope."""

    __tablename__ = "maskinporten_delegation"

    consumer: str = Field(primary_key=True, max_length=9)
    supplier: str = Field(primary_key=True, max_length=9)
    scope: str = Field(primary_key=True, max_length=200, foreign_key="maskinporten_scope.name")


class UsedGrant(Table, table=True):
    __tablename__ = "maskinporten_used_grant"

    mark: bytes = Field(primary_key=True, sa_type=sa.LargeBinary(32))
    kept_until: datetime = Field(sa_type=INSTANT, index=True)


class SigningKey(Table, table=True):
    __tablename__ = "maskinporten_signing_key"

    kid: str = Field(primary_key=True, max_length=200)
    private_jwk: str = Field(description="As JSON text; this is a sandbox")
    not_before: datetime = Field(sa_type=INSTANT, index=True)
    retire_at: datetime | None = Field(default=None, sa_type=INSTANT)


class ClientMissing(NotFound):
    """No client has this id."""


class ScopeMissing(NotFound):
    """No scope has this name."""


class KeyUnusable(Invalid):
    """The key cannot be registered."""


class TokenRefused(Unauthorized):
    """The access token is not accepted."""


_CLIENT = sa.bindparam("client", type_=sa.String)
_SCOPES = sa.bindparam("scopes", type_=ARRAY(sa.String))
_CONSUMER = sa.bindparam("consumer", type_=sa.String)
_NOW = sa.bindparam("now", type_=INSTANT)
_asked = sa.any_(_SCOPES)
_signing = (
    sa.select(col(SigningKey.kid))
    .where(col(SigningKey.not_before) <= _NOW)
    .where(sa.or_(col(SigningKey.retire_at).is_(None), col(SigningKey.retire_at) > _NOW))
    .order_by(col(SigningKey.not_before).desc())
    .limit(1)
    .scalar_subquery()
)


def _scopes_of(column: Mapped[str], *those: sa.ColumnElement[bool]) -> sa.ColumnElement[Any]:
    return sa.func.array(sa.select(column).where(column == _asked, *those).scalar_subquery())


_REGISTERED = (
    sa.select(
        col(Client.organisation),
        col(ClientKey.jwk),
        col(ClientKey.registered_at),
        sa.exists().where(col(ClientKey.client) == col(Client.id)).correlate(Client).label("has_keys"),
        _scopes_of(col(ClientScope.scope), col(ClientScope.client) == col(Client.id)).label("on_client"),
        _scopes_of(
            col(ScopeGrant.scope),
            col(ScopeGrant.organisation) == sa.func.coalesce(_CONSUMER, col(Client.organisation)),
        ).label("granted"),
        _scopes_of(
            col(Delegation.scope),
            col(Delegation.consumer) == _CONSUMER,
            col(Delegation.supplier) == col(Client.organisation),
        ).label("delegated"),
        _signing.label("signing_kid"),
    )
    .select_from(Client)
    .outerjoin(
        ClientKey,
        sa.and_(col(ClientKey.client) == col(Client.id), col(ClientKey.kid) == sa.bindparam("kid", type_=sa.String)),
    )
    .where(col(Client.client_id) == _CLIENT)
)


def registered(session: Session, grant: Grant, now: datetime) -> tuple[Registered | None, str | None]:
    """All that deciding on a grant needs, in one question. → (the client, the kid to sign with)"""
    row = session.execute(
        _REGISTERED,
        {
            "client": grant.client,
            "kid": grant.kid,
            "scopes": list(grant.scopes),
            "consumer": grant.consumer_org,
            "now": now,
        },
    ).one_or_none()
    if row is None:
        return None, None
    known = Registered(
        organisation=row.organisation,
        key=row.jwk,
        key_registered_at=row.registered_at,
        has_keys=row.has_keys,
        on_client=frozenset(row.on_client),
        granted=frozenset(row.granted),
        delegated=frozenset(row.delegated),
    )
    return known, row.signing_kid


# The table, not its class: through the class SQLAlchemy goes the longer way of its bulk inserts.
_used = Table.metadata.tables["maskinporten_used_grant"]
_USE_UP = insert(_used).on_conflict_do_nothing().returning(_used.c.mark)


def use_up(session: Session, grant: Grant, assertion: str, now: datetime) -> None:
    """A grant is good once, in whichever process it arrives: its jti, or itself when it has none, is a unique row."""
    signed, _, _ = assertion.rpartition(".")
    once = f"{grant.client}\0jti\0{grant.jti}" if grant.jti else f"{grant.client}\0assertion\0{signed}"
    mark = hashlib.sha256(once.encode()).digest()
    if session.execute(_USE_UP, {"mark": mark, "kept_until": now + rules.USED_IS_KEPT}).first() is None:
        raise rules.GrantUsedBefore


def forget_used(session: Session, now: datetime) -> None:
    session.execute(sa.delete(UsedGrant).where(col(UsedGrant.kept_until) < now))


def parts(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Header and claims of a JWT, unproven; ValueError when it is none."""
    pieces = token.split(".")
    if len(pieces) != 3:
        raise ValueError("not three parts")
    header, claims = (json.loads(base64.urlsafe_b64decode(piece + "=" * (-len(piece) % 4))) for piece in pieces[:2])
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise ValueError("not objects")
    return header, claims


@lru_cache(maxsize=2000)
def _public(jwk: str) -> RSAKey:
    return RSAKey.import_key(json.loads(jwk))


def check_signature(assertion: str, jwk: str) -> None:
    try:
        jwt.decode(assertion, _public(jwk), algorithms=list(rules.ALGORITHMS))
    except (JoseError, ValueError) as error:
        raise rules.SignatureRefused from error


_KEYS: dict[str, RSAKey] = {}
"""Signing keys by kid as this process has met them; a key never changes under its kid."""


def signing_key(session: Session, kid: str) -> RSAKey | None:
    if kid not in _KEYS:
        row = session.execute(sa.select(col(SigningKey.private_jwk)).where(col(SigningKey.kid) == kid)).one_or_none()
        if row is None:
            return None
        _KEYS[kid] = RSAKey.import_key(json.loads(row.private_jwk))
    return _KEYS[kid]


def sign(key: RSAKey, claims: dict[str, Any]) -> str:
    """Without `typ` in the header, as the real tokens are."""
    return jwt.encode({"kid": str(key.kid), "alg": "RS256"}, claims, key, default_type=None)


def token_claims(session: Session, token: str, *, issuer: str, now: datetime) -> Mapping[str, Any]:
    """The claims of an access token that this stand-in has issued and that has not expired."""
    try:
        header, _ = parts(token)
        key = signing_key(session, str(header.get("kid")))
        if key is None:
            raise TokenRefused("unknown key")
        claims: Mapping[str, Any] = jwt.decode(token, key, algorithms=["RS256"]).claims
    except (JoseError, ValueError) as error:
        raise TokenRefused("no signature of ours") from error
    if claims.get("iss") != issuer or not float(claims.get("exp", 0)) > now.timestamp():
        raise TokenRefused("other issuer, or expired")
    return claims


def published(session: Session, now: datetime) -> list[dict[str, Any]]:
    """The public part of every key that signs, will sign or has signed tokens that may still live."""
    rows = session.execute(
        sa.select(col(SigningKey.private_jwk))
        .where(sa.or_(col(SigningKey.retire_at).is_(None), col(SigningKey.retire_at) > now))
        .order_by(col(SigningKey.not_before).desc())
    )
    return [_published(row.private_jwk) for row in rows]


@lru_cache(maxsize=100)
def _published(private_jwk: str) -> dict[str, Any]:
    key = RSAKey.import_key(json.loads(private_jwk))
    shown = key.as_dict(private=False)
    return {name: shown[name] for name in ("kty", "use", "kid", "alg", "n", "e")}


def rotate(session: Session, now: datetime, *, lead: timedelta, overlap: timedelta) -> str:
    """A new key, in use after `lead`; those before it are published for `overlap` longer. → its kid"""
    starts = now + lead
    session.execute(sa.update(SigningKey).where(col(SigningKey.retire_at).is_(None)).values(retire_at=starts + overlap))
    kid = f"sandbox-{new_id()}"
    key = RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"}, private=True)
    session.add(SigningKey(kid=kid, private_jwk=json.dumps(key.as_dict(private=True)), not_before=starts))
    session.flush()
    return kid


def has_signing_key(session: Session, now: datetime) -> bool:
    return bool(session.execute(sa.select(_signing), {"now": now}).scalar())


def clients(session: Session, organisation: str | None) -> list[dict[str, Any]]:
    """Clients with their scopes and the kids of their keys, of one organisation or of all."""
    here = col(Client.id)
    keys = sa.select(col(ClientKey.kid)).where(col(ClientKey.client) == here).order_by(col(ClientKey.kid))
    scopes = sa.select(col(ClientScope.scope)).where(col(ClientScope.client) == here).order_by(col(ClientScope.scope))
    asked = sa.select(
        col(Client.client_id),
        col(Client.organisation).label("organisation_number"),
        col(Client.name),
        sa.func.array(scopes.scalar_subquery()).label("scopes"),
        sa.func.array(keys.scalar_subquery()).label("kids"),
    ).order_by(col(Client.organisation), here)
    if organisation:
        asked = asked.where(col(Client.organisation) == organisation)
    return [dict(row) for row in session.execute(asked).mappings()]


def register_key(session: Session, client_id: str, jwk: dict[str, Any], now: datetime) -> str:
    """Give a client one more public key. → its kid"""
    client = session.execute(
        sa.select(col(Client.id)).where(col(Client.client_id) == client_id).with_for_update()
    ).scalar()
    if client is None:
        raise ClientMissing(f"No client is called {client_id!r}.")
    key = public_key(jwk)
    kids = set(session.execute(sa.select(col(ClientKey.kid)).where(col(ClientKey.client) == client)).scalars())
    if key["kid"] in kids:
        raise KeyUnusable(f"The client has a key with kid {key['kid']!r} already.")
    if len(kids) >= MOST_KEYS:
        raise KeyUnusable(f"A client has at most {MOST_KEYS} keys.")
    session.add(ClientKey(client=client, kid=key["kid"], jwk=json.dumps(key), registered_at=now))
    session.flush()
    return str(key["kid"])


def public_key(jwk: dict[str, Any]) -> dict[str, Any]:
    """A JWK as it may be registered: RSA of at least 2048 bits, with a kid, and without its private part."""
    if any(name in jwk for name in ("d", "p", "q", "dp", "dq", "qi", "oth", "k")):
        raise KeyUnusable("This is a private key. Keep it to yourself, and send only its public part.")
    if jwk.get("kty") != "RSA" or jwk.get("use", "sig") != "sig":
        raise KeyUnusable("Send an RSA key (kty) for signatures (use).")
    kid = jwk.get("kid")
    if not isinstance(kid, str) or not 1 <= len(kid) <= 200:
        raise KeyUnusable("Give the key a kid of 1–200 characters.")
    try:
        shown = RSAKey.import_key(jwk).as_dict(private=False)
        bits = len(base64.urlsafe_b64decode(str(shown["n"]) + "==")) * 8
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise KeyUnusable("The key cannot be read.") from error
    if bits < 2048:
        raise KeyUnusable(f"The key has {bits} bits; 2048 are needed.")
    return {name: shown[name] for name in ("kty", "kid", "n", "e")} | {"use": "sig"}


def delegate(session: Session, consumer: str, supplier: str, scope: str) -> None:
    """Let a supplier act for a customer with a scope; again changes nothing."""
    if session.get(Scope, scope) is None:
        raise ScopeMissing(f"No scope is called {scope!r}.")
    session.execute(
        insert(Delegation).values(consumer=consumer, supplier=supplier, scope=scope).on_conflict_do_nothing()
    )
