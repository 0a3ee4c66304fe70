"""The providers' signing keys, and the marks of what is good only once."""

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, col

from services.chassis import clock
from services.chassis.db import INSTANT, choice
from services.chassis.problems import Unavailable
from services.chassis.values import new_id
from services.integration.sandbox.db import Table
from services.integration.sandbox.faults.rules import Signer, Spoiling
from services.integration.sandbox.providers.rules import Lifetimes, Provider, ProviderName
from services.integration.sandbox.settings import Settings

CERTIFICATE_LIVES = timedelta(days=365)
RIGHT = Spoiling()


class NoSigningKey(Unavailable):
    """The provider has no signing key yet: load the seed data."""


class SigningKey(Table, table=True):
    __tablename__ = "login_signing_key"

    kid: str = Field(primary_key=True, max_length=200)
    provider: ProviderName = Field(sa_type=choice(ProviderName), index=True)
    private_jwk: str = Field(description="As JSON text; this is a sandbox")
    certificate: str = Field(description="DER in base64, for x5c")
    not_before: datetime = Field(sa_type=INSTANT)
    retire_at: datetime | None = Field(default=None, sa_type=INSTANT)


class UsedMark(Table, table=True):
    """Something that is good only once (a client assertion, a DPoP proof) was used."""

    __tablename__ = "login_used_mark"

    mark: bytes = Field(primary_key=True, sa_type=sa.LargeBinary(32))
    kept_until: datetime = Field(sa_type=INSTANT, index=True)


class Clock:
    """The providers' time: ours, and what was added to it by control. In memory, as that is for tests."""

    def __init__(self, ahead: timedelta = timedelta()) -> None:
        self.ahead = ahead

    def now(self) -> datetime:
        return clock.now() + self.ahead


def provider(settings: Settings, name: ProviderName) -> Provider:
    issuer, public, internal = settings.of_provider(name.value)
    return Provider(
        name=name,
        issuer=issuer,
        public_url=public,
        internal_url=internal,
        lives=Lifetimes(
            pushed=timedelta(seconds=settings.login_pushed_seconds),
            interaction=timedelta(seconds=settings.login_page_seconds),
            code=timedelta(seconds=settings.login_code_seconds),
            id_token=timedelta(seconds=settings.login_id_token_seconds),
            refresh=timedelta(seconds=settings.login_refresh_seconds),
            authorization=timedelta(seconds=settings.login_authorization_seconds),
            session_idle=timedelta(seconds=settings.login_session_idle_seconds),
            session=timedelta(seconds=settings.login_session_seconds),
        ),
        subject_key=settings.login_subject_key,
    )


def digest(*parts: str) -> bytes:
    """Of a secret or of what is used once: what is kept in its place."""
    return hashlib.sha256("\0".join(parts).encode()).digest()


_used = Table.metadata.tables["login_used_mark"]
_USE = insert(_used).on_conflict_do_nothing().returning(_used.c.mark)


def first_use(session: Session, *what: str, now: datetime, kept: timedelta) -> bool:
    """Whether this is the first time, in whichever process: one statement says so and writes it down."""
    session.execute(sa.delete(UsedMark).where(col(UsedMark.kept_until) < now))
    return session.execute(_USE, {"mark": digest(*what), "kept_until": now + kept}).first() is not None


class Headers(jws.JWSRegistry):
    """A header may hold a chain of certificates."""

    max_header_length = 30_000


_HEADERS = Headers()


def unproven(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a JWT before its signature is looked at; ValueError when it is none."""
    try:
        read = jws.extract_compact(token.encode(), registry=_HEADERS)
        claims = json.loads(read.payload)
    except (JoseError, ValueError) as error:
        raise ValueError("not a signed JWT") from error
    if not isinstance(claims, dict):
        raise ValueError("not an object")
    return dict(read.headers()), claims


def _current(provider: ProviderName, now: datetime) -> sa.Select[str, str, str]:
    return (
        sa.select(col(SigningKey.kid), col(SigningKey.private_jwk), col(SigningKey.certificate))
        .where(col(SigningKey.provider) == provider)
        .where(sa.or_(col(SigningKey.retire_at).is_(None), col(SigningKey.retire_at) > now))
        .order_by(col(SigningKey.not_before).desc())
    )


@lru_cache(maxsize=100)
def _private(jwk: str) -> RSAKey:
    return RSAKey.import_key(json.loads(jwk))


def sign(
    session: Session,
    provider: Provider,
    claims: Mapping[str, Any],
    now: datetime,
    spoiling: Spoiling = RIGHT,
    **header: str,
) -> str:
    """Without `typ` in the header unless one is given, as the real tokens are. `spoiling` is what a fault does."""
    row = session.execute(_current(provider.name, now).where(col(SigningKey.not_before) <= now).limit(1)).one_or_none()
    if row is None:
        raise NoSigningKey
    key = _private(row.private_jwk)
    if spoiling.signed_by is Signer.STRANGER:
        key = RSAKey.generate_key(2048, {"kid": row.kid}, private=True)
    head = {"kid": row.kid, "alg": "RS256", **header, **spoiling.header}
    return jwt.encode(head, spoiling.claims(claims), key, default_type=None)


def opened(session: Session, provider: Provider, token: str) -> dict[str, Any]:
    """The claims of a JWT that this provider has signed, with whichever of its keys; ValueError when it has not."""
    header, _ = unproven(token)
    asked = sa.select(col(SigningKey.private_jwk)).where(
        col(SigningKey.kid) == str(header.get("kid")), col(SigningKey.provider) == provider.name
    )
    found = session.execute(asked).scalar()
    if found is None:
        raise ValueError("signed with no key of ours")
    try:
        claims = jwt.decode(token, _private(found), algorithms=["RS256"]).claims
    except JoseError as error:
        raise ValueError("no signature of ours") from error
    if claims.get("iss") != provider.issuer:
        raise ValueError("another issuer")
    return claims


def published(session: Session, provider: Provider, now: datetime) -> list[dict[str, Any]]:
    """The public part of every key that signs, will sign or has signed tokens that may still live."""
    return [_shown(row.private_jwk, row.certificate) for row in session.execute(_current(provider.name, now))]


@lru_cache(maxsize=100)
def _shown(private_jwk: str, certificate: str) -> dict[str, Any]:
    shown = _private(private_jwk).as_dict(private=False)
    return {name: shown[name] for name in ("kty", "use", "kid", "alg", "n", "e")} | {"x5c": [certificate]}


def rotate(
    session: Session, name: ProviderName, now: datetime, *, lead: timedelta, overlap: timedelta, bits: int
) -> str:
    """A new key, in use after `lead`; those before it are published for `overlap` longer. → its kid"""
    starts = now + lead
    session.execute(
        sa.update(SigningKey)
        .where(col(SigningKey.provider) == name, col(SigningKey.retire_at).is_(None))
        .values(retire_at=starts + overlap)
    )
    kid = f"{name}-sandbox-{new_id()}"
    key = RSAKey.generate_key(bits, {"kid": kid, "use": "sig", "alg": "RS256"}, private=True)
    session.add(
        SigningKey(
            kid=kid,
            provider=name,
            private_jwk=json.dumps(key.as_dict(private=True)),
            certificate=_certificate(key, kid, now),
            not_before=starts,
        )
    )
    session.flush()
    return kid


def _certificate(key: RSAKey, name: str, now: datetime) -> str:
    """Made by the key itself. Digdir's demo client looks at how long `x5c` still holds."""
    assert key.private_key
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + CERTIFICATE_LIVES)
        .sign(key.private_key, SHA256())
    )
    return base64.b64encode(made.public_bytes(Encoding.DER)).decode()


def has_signing_key(session: Session, name: ProviderName, now: datetime) -> bool:
    return session.execute(_current(name, now).limit(1)).first() is not None
