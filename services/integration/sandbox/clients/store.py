"""Clients, their public keys, scopes and sub-clients."""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, col

from services.chassis.db import INSTANT
from services.chassis.problems import Invalid, NotFound
from services.integration.sandbox.db import Table

MOST_KEYS = 5
"""Public keys that a client may have at a time, as in self-service."""


class Client(Table, table=True):
    __tablename__ = "maskinporten_client"

    id: int | None = Field(default=None, primary_key=True)
    client_id: str = Field(max_length=36, unique=True)
    organisation: str = Field(max_length=9, index=True)
    supplier: str | None = Field(
        default=None, max_length=9, index=True, description="Who made it for the organisation (idporten:dcr.supplier)"
    )
    name: str = Field(max_length=200)
    description: str = Field(default="", max_length=500)
    client_uri: str | None = Field(default=None, max_length=500)
    access_token_lifetime: int = Field(default=0, description="Seconds; 0: as Maskinporten's default")
    active: bool = True
    created_at: datetime = Field(sa_type=INSTANT)
    last_updated_at: datetime = Field(sa_type=INSTANT)


class ClientKey(Table, table=True):
    __tablename__ = "maskinporten_client_key"

    client: int = Field(primary_key=True, foreign_key="maskinporten_client.id")
    kid: str = Field(primary_key=True, max_length=200, unique=True)
    jwk: str = Field(description="Public JWK as JSON text")
    registered_at: datetime = Field(sa_type=INSTANT)


class ClientScope(Table, table=True):
    __tablename__ = "maskinporten_client_scope"

    client: int = Field(primary_key=True, foreign_key="maskinporten_client.id")
    scope: str = Field(primary_key=True, max_length=200, foreign_key="maskinporten_scope.name")


class OnBehalfOf(Table, table=True):
    """A sub-client: a customer for whom a supplier's client acts, by a name that the supplier chose."""

    __tablename__ = "maskinporten_on_behalf_of"

    client: int = Field(primary_key=True, foreign_key="maskinporten_client.id")
    onbehalfof: str = Field(primary_key=True, max_length=100)
    orgno: str = Field(max_length=9)
    name: str = Field(max_length=200)
    description: str = Field(default="", max_length=500)
    client_uri: str | None = Field(default=None, max_length=500)
    created_at: datetime = Field(sa_type=INSTANT)
    last_updated_at: datetime = Field(sa_type=INSTANT)


class ClientMissing(NotFound):
    """No client has this id."""


class KeyUnusable(Invalid):
    """The key cannot be registered."""


def overview(session: Session, organisation: str | None) -> list[dict[str, Any]]:
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


def by_id(session: Session, client_id: str, *, locked: bool = False) -> Client:
    asked = sa.select(Client).where(col(Client.client_id) == client_id)
    found = session.scalars(asked.with_for_update() if locked else asked).one_or_none()
    if found is None:
        raise ClientMissing(f"No client is called {client_id!r}.")
    return found


def administered(session: Session, organisation: str, *, inactive: bool) -> list[Client]:
    """The organisation's own, and those that it has made for its customers."""
    theirs = sa.or_(col(Client.organisation) == organisation, col(Client.supplier) == organisation)
    asked = sa.select(Client).where(theirs).order_by(col(Client.id))
    return list(session.scalars(asked if inactive else asked.where(col(Client.active))))


def add(session: Session, client: Client, scopes: Iterable[str]) -> Client:
    session.add(client)
    session.flush()
    _set_scopes(session, client, scopes)
    return client


def change(session: Session, client: Client, values: Mapping[str, Any], scopes: Iterable[str], now: datetime) -> Client:
    for name, value in values.items():
        setattr(client, name, value)
    client.last_updated_at = now
    session.add(client)
    session.flush()
    session.execute(sa.delete(ClientScope).where(col(ClientScope.client) == client.id))
    _set_scopes(session, client, scopes)
    return client


def _set_scopes(session: Session, client: Client, scopes: Iterable[str]) -> None:
    rows = [{"client": client.id, "scope": scope} for scope in dict.fromkeys(scopes)]
    if rows:
        session.execute(insert(ClientScope).on_conflict_do_nothing(), rows)


def deactivate(session: Session, client: Client, now: datetime) -> None:
    client.active, client.last_updated_at = False, now
    session.add(client)
    session.flush()


def scopes_of(session: Session, client: Client) -> list[str]:
    asked = sa.select(col(ClientScope.scope)).where(col(ClientScope.client) == client.id)
    return list(session.scalars(asked.order_by(col(ClientScope.scope))))


def keys_of(session: Session, client: Client) -> Sequence[sa.Row[tuple[str, str, datetime]]]:
    """kid, jwk and registered_at of each."""
    asked = sa.select(col(ClientKey.kid), col(ClientKey.jwk), col(ClientKey.registered_at))
    return session.execute(asked.where(col(ClientKey.client) == client.id).order_by(col(ClientKey.kid))).all()


def register_key(session: Session, client_id: str, jwk: dict[str, Any], now: datetime) -> str:
    """Give a client one more public key. → its kid"""
    client = by_id(session, client_id, locked=True)
    key = public_key(jwk)
    kids = {one.kid for one in keys_of(session, client)}
    if key["kid"] in kids:
        raise KeyUnusable(f"The client has a key with kid {key['kid']!r} already.")
    if len(kids) >= MOST_KEYS:
        raise KeyUnusable(f"A client has at most {MOST_KEYS} keys.")
    _add_key(session, client, key, now)
    return str(key["kid"])


def replace_keys(session: Session, client: Client, jwks: list[dict[str, Any]], now: datetime) -> None:
    """All of a client's keys at once. One that it had already keeps the day on which it was registered: a key does not
    become young by being sent again. `client` is locked."""
    if len(jwks) > MOST_KEYS:
        raise KeyUnusable(f"A client has at most {MOST_KEYS} keys.")
    keys = [public_key(jwk) for jwk in jwks]
    if len({key["kid"] for key in keys}) < len(keys):
        raise KeyUnusable("Two keys have the same kid.")
    had = {one.kid: one for one in keys_of(session, client)}
    session.execute(sa.delete(ClientKey).where(col(ClientKey.client) == client.id))
    for key in keys:
        before = had.get(key["kid"])
        is_same = before is not None and json.loads(before.jwk) == key
        _add_key(session, client, key, before.registered_at if before and is_same else now)


def _add_key(session: Session, client: Client, key: dict[str, Any], registered_at: datetime) -> None:
    """A kid is unique among all clients of Maskinporten."""
    row = {"client": client.id, "kid": key["kid"], "jwk": json.dumps(key), "registered_at": registered_at}
    made = insert(ClientKey).values(row).on_conflict_do_nothing().returning(col(ClientKey.kid))
    if session.execute(made).first() is None:
        raise KeyUnusable(f"Another client has a key with kid {key['kid']!r}.")


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


def sub_clients(session: Session, client: Client) -> list[OnBehalfOf]:
    asked = sa.select(OnBehalfOf).where(col(OnBehalfOf.client) == client.id).order_by(col(OnBehalfOf.onbehalfof))
    return list(session.scalars(asked))


def sub_client(session: Session, client: Client, name: str) -> OnBehalfOf | None:
    return session.get(OnBehalfOf, (client.id, name))


def add_sub_client(session: Session, new: OnBehalfOf) -> bool:
    """→ False when the client has one of this name already"""
    made = insert(OnBehalfOf).values(new.model_dump()).on_conflict_do_nothing().returning(col(OnBehalfOf.client))
    return session.execute(made).first() is not None


def change_sub_client(session: Session, found: OnBehalfOf, values: Mapping[str, Any], now: datetime) -> OnBehalfOf:
    for name, value in values.items():
        setattr(found, name, value)
    found.last_updated_at = now
    session.add(found)
    session.flush()
    return found


def remove_sub_client(session: Session, found: OnBehalfOf) -> None:
    session.delete(found)
    session.flush()
