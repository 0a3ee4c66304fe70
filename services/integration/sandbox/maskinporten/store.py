"""What is registered of a grant's client, the grants that are used up, and the keys that sign tokens."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Mapping
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from sqlmodel import Field, Session, col

from services.chassis.db import INSTANT, Database
from services.chassis.problems import Unauthorized
from services.chassis.values import new_id
from services.integration.sandbox.consents import rules as consents
from services.integration.sandbox.consents import store as consent_store
from services.integration.sandbox.db import Table
from services.integration.sandbox.maskinporten import rules
from services.integration.sandbox.maskinporten.rules import Grant, Registered
from services.integration.sandbox.scopes.rules import State
from services.integration.sandbox.system_users import rules as system_users
from services.integration.sandbox.system_users import store as system_user_store

MOST_KNOWN = 2000


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


class TokenRefused(Unauthorized):
    """The access token is not accepted."""


_SIGNING = """
SELECT kid FROM maskinporten_signing_key
 WHERE not_before <= {now} AND (retire_at IS NULL OR retire_at > {now}) ORDER BY not_before DESC LIMIT 1
"""
_REGISTERED = f"""
SELECT c.organisation, c.supplier, c.access_token_lifetime, k.jwk, k.registered_at, o.orgno AS customer,
       EXISTS (SELECT FROM maskinporten_client_key WHERE client = c.id) AS has_keys,
       ({_SIGNING.format(now="$6")}) AS signing_kid,
       (SELECT json_agg(json_build_object(
                 'name', s.name, 'active', s.active, 'accessible_for_all', s.accessible_for_all,
                 'allowed_integration_types', s.allowed_integration_types, 'delegation_source', s.delegation_source,
                 'at_max_age', s.at_max_age,
                 'on_client', EXISTS (
                   SELECT FROM maskinporten_client_scope x WHERE x.scope = s.name AND x.client = c.id),
                 'granted', EXISTS (
                   SELECT FROM maskinporten_scope_grant x WHERE x.scope = s.name AND x.state = '{State.APPROVED}'
                      AND x.organisation = COALESCE($4, o.orgno, c.organisation)),
                 'delegated', EXISTS (
                   SELECT FROM maskinporten_delegation x
                    WHERE x.scope = s.name AND x.consumer = $4 AND x.supplier = c.organisation)) ORDER BY s.name)
          FROM maskinporten_scope s WHERE s.name = ANY ($3)) AS scopes
  FROM maskinporten_client c
  LEFT JOIN maskinporten_client_key k ON k.client = c.id AND k.kid = $2
  LEFT JOIN maskinporten_on_behalf_of o ON o.client = c.id AND o.onbehalfof = $5
 WHERE c.client_id = $1 AND c.active
"""  # noqa: S608  # of constants only


_STATE = "sha256(convert_to(registered::text, 'UTF8')) AS state"
_ASK = f"SELECT registered.*, {_STATE} FROM ({_REGISTERED}) registered"  # noqa: S608  # of constants only
_USE_UP = f"""
WITH registered AS (SELECT {_STATE} FROM ({_REGISTERED}) registered),
     used AS (
       INSERT INTO maskinporten_used_grant (mark, kept_until)
       SELECT unnest($7::bytea[]), $8 FROM registered WHERE state = $9
       ON CONFLICT DO NOTHING RETURNING mark)
SELECT state = $9 AS is_still_so, ARRAY (SELECT mark FROM used) AS used FROM registered
"""  # noqa: S608  # of constants only
_FORGET = "DELETE FROM maskinporten_used_grant WHERE kept_until < $1"


@dataclass(frozen=True, eq=False)
class Known:
    """What was registered when it was asked for. Another `state` tells that it no longer is so."""

    client: Registered
    signing_kid: str | None
    state: bytes


class Outcome(Enum):
    USED = "it is good, and never again"
    USED_BEFORE = "it was used before"
    OUTDATED = "something else is registered by now, and nothing was used up"


@dataclass(frozen=True)
class _Use:
    """One that waits for the statement that uses its grant up."""

    mark: bytes
    at: datetime
    outcome: asyncio.Future[Outcome]


class Grants:
    """What one process knows of what is registered, and the grants that it uses up.

    What is known is never trusted: the statement that uses a grant up finds out what is registered at that moment, and
    uses nothing up when it is something else. Grants that ask for the same and come while such a statement is on its
    way are used up by one statement after it, as many rows cost no more than one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[tuple[Any, ...], Known] = {}
        self._waiting: dict[Known, list[_Use]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def known(self, grant: Grant) -> Known | None:
        """Without asking."""
        return self._known.get(_question(grant))

    def remember(self, grant: Grant, known: Known) -> None:
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[_question(grant)] = known

    async def ask(self, grant: Grant, now: datetime) -> Known | None:
        """All that deciding on a grant needs, in one question. None when there is no such client."""
        found = await self._database.hot(_ASK, *_question(grant), now)
        if not found:
            return None
        (row,) = found
        client = Registered(
            organisation=row.organisation,
            supplier=row.supplier,
            access_token_lifetime=row.access_token_lifetime,
            key=row.jwk,
            key_registered_at=row.registered_at,
            has_keys=row.has_keys,
            customer=row.customer,
            scopes={scope["name"]: rules.Scope(**scope) for scope in row.scopes or []},
        )
        return Known(client, row.signing_kid, row.state)

    async def use_up(self, grant: Grant, assertion: str, known: Known, now: datetime) -> Outcome:
        """A grant is good once, in whichever process it arrives: its jti, or itself when it has none, is a unique
        row."""
        signed, _, _ = assertion.rpartition(".")
        once = f"{grant.client}\0jti\0{grant.jti}" if grant.jti else f"{grant.client}\0assertion\0{signed}"
        use = _Use(hashlib.sha256(once.encode()).digest(), now, asyncio.get_running_loop().create_future())
        if known in self._waiting:
            self._waiting[known].append(use)
        else:
            self._waiting[known] = [use]
            task = asyncio.create_task(self._use_up(_question(grant), known), context=Context())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await use.outcome

    async def _use_up(self, question: tuple[Any, ...], known: Known) -> None:
        while uses := self._waiting[known]:
            self._waiting[known] = []
            try:
                outcomes = await self._outcomes(question, known, uses)
            except Exception as error:  # whatever it is, they all must hear of it
                for use in uses:
                    if not use.outcome.done():
                        use.outcome.set_exception(error)
            else:
                for use, outcome in zip(uses, outcomes, strict=True):
                    if not use.outcome.done():
                        use.outcome.set_result(outcome)
        del self._waiting[known]

    async def _outcomes(self, question: tuple[Any, ...], known: Known, uses: list[_Use]) -> list[Outcome]:
        now = uses[-1].at
        marks = sorted({use.mark for use in uses})  # in one order in all processes, or two could wait for each other
        found = await self._database.hot(_USE_UP, *question, now, marks, now + rules.USED_IS_KEPT, known.state)
        if not found or not found[0].is_still_so:
            return [Outcome.OUTDATED for _ in uses]
        good = set(found[0].used)
        outcomes = []
        for use in uses:
            outcomes.append(Outcome.USED if use.mark in good else Outcome.USED_BEFORE)
            good.discard(use.mark)
        return outcomes


def _question(grant: Grant) -> tuple[Any, ...]:
    return grant.client, grant.kid, grant.scopes, grant.consumer_org, grant.on_behalf_of


def details(session: Session, grant: Grant, consumer: str, now: datetime) -> dict[str, Any] | None:
    """What Altinn knows of the system user or consent that a grant asks a token for."""
    if isinstance(grant.asked, system_users.Asked):
        return system_users.told(system_user_store.find(session, grant.client, grant.asked))
    if isinstance(grant.asked, consents.Asked):
        found = consent_store.find(session, grant.asked.id)
        return consents.told(consents.check(found, grant.asked, consumer=consumer, now=now))
    return None


async def forget_used(database: Database, now: datetime) -> None:
    await database.hot(_FORGET, now)


def parts(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Header and claims of a JWT, unproven; ValueError when it is none."""
    pieces = token.split(".")
    if len(pieces) != 3:
        raise ValueError("not three parts")
    header, claims = (json.loads(base64.urlsafe_b64decode(piece + "=" * (-len(piece) % 4))) for piece in pieces[:2])
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise ValueError("not objects")
    return header, claims


_KEYS: dict[str, RSAKey] = {}
"""Signing keys by kid as this process has met them; a key never changes under its kid."""


_PRIVATE = "SELECT private_jwk FROM maskinporten_signing_key WHERE kid = {kid}"


def signing_key(session: Session, kid: str) -> RSAKey | None:
    if kid not in _KEYS:
        return _kept(kid, session.execute(sa.text(_PRIVATE.format(kid=":kid")), {"kid": kid}).scalar())
    return _KEYS[kid]


async def signer(database: Database, kid: str) -> RSAPrivateKey | None:
    """The same for a hot route."""
    if kid not in _KEYS:
        found = await database.hot(_PRIVATE.format(kid="$1"), kid)
        _kept(kid, found[0].private_jwk if found else None)
    key = _KEYS.get(kid)
    return key.private_key if key else None


def _kept(kid: str, private_jwk: str | None) -> RSAKey | None:
    if private_jwk is not None:
        _KEYS[kid] = RSAKey.import_key(json.loads(private_jwk))
    return _KEYS.get(kid)


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
    return bool(session.execute(sa.text(_SIGNING.format(now=":now")), {"now": now}).scalar())
