"""Which refresh tokens are still good, and which access tokens were issued and taken back."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, Session, col

from services.chassis.db import INSTANT, JSON
from services.integration.sandbox.authorizations import store as authorizations
from services.integration.sandbox.authorizations.store import Authorization
from services.integration.sandbox.db import Table
from services.integration.sandbox.login_tokens import rules
from services.integration.sandbox.login_tokens.rules import Agreed
from services.integration.sandbox.providers import store as providers
from services.integration.sandbox.providers.rules import GrantInvalid, Provider


class RefreshToken(Table, table=True):
    __tablename__ = "login_refresh_token"

    mark: bytes = Field(primary_key=True, sa_type=sa.LargeBinary(32), description="SHA-256 of it")
    authorization: int = Field(foreign_key="login_authorization.id", index=True)
    proven: bool = Field(description="Given with a DPoP proof, and renewed only with one")
    expires_at: datetime = Field(sa_type=INSTANT)
    used_at: datetime | None = Field(default=None, sa_type=INSTANT)


class AccessToken(Table, table=True):
    __tablename__ = "login_access_token"

    jti: str = Field(primary_key=True, max_length=36)
    authorization: int = Field(foreign_key="login_authorization.id", index=True)
    expires_at: datetime = Field(sa_type=INSTANT)
    revoked_at: datetime | None = Field(default=None, sa_type=INSTANT)
    mark: bytes | None = Field(
        default=None, sa_type=sa.LargeBinary(32), unique=True, description="SHA-256 of a token by reference"
    )
    claims: dict[str, Any] | None = Field(default=None, sa_type=JSON, description="What such a token stands for")


@dataclass(frozen=True)
class Renewable:
    """A refresh token as it stands."""

    mark: bytes
    authorization: int
    proven: bool
    expires_at: datetime
    used_at: datetime | None


def agreed(session: Session, authorization: int) -> Agreed:
    return rules.agreed(authorizations.by_id(session, authorization))


def refresh_token(session: Session, token: str, client: int) -> Renewable | None:
    """A client's refresh token, good or not."""
    row = session.execute(
        sa.select(
            col(RefreshToken.mark),
            col(RefreshToken.authorization),
            col(RefreshToken.proven),
            col(RefreshToken.expires_at),
            col(RefreshToken.used_at),
        )
        .join(Authorization, col(Authorization.id) == col(RefreshToken.authorization))
        .where(col(RefreshToken.mark) == providers.digest(token), col(Authorization.client) == client)
    ).one_or_none()
    return None if row is None else Renewable(*row)


def use_up(session: Session, found: Renewable, now: datetime) -> None:
    """A refresh token is good once, in whichever process it arrives. Used again, somebody has stolen it: all that came
    of the login is revoked. The session must be autocommit."""
    taken = (
        sa.update(RefreshToken)
        .where(col(RefreshToken.mark) == found.mark, col(RefreshToken.used_at).is_(None))
        .values(used_at=now)
        .returning(col(RefreshToken.mark))
    )
    if session.execute(taken).first() is None:
        authorizations.revoke(session, found.authorization, now)
        raise GrantInvalid("The refresh token is used before; the login is revoked")
    if found.expires_at <= now:
        raise GrantInvalid("The refresh token is expired")


def new_refresh_token(
    session: Session, provider: Provider, login: Agreed, proven: bool, now: datetime
) -> tuple[str, int]:
    """→ the token, and its life in seconds"""
    token = secrets.token_urlsafe(32)
    expires = min(now + provider.lives.refresh, login.ends_at)
    session.add(RefreshToken(mark=providers.digest(token), authorization=login.id, proven=proven, expires_at=expires))
    session.flush()
    return token, int((expires - now).total_seconds())


def issued(session: Session, login: Agreed, jti: str, expires_at: datetime) -> None:
    session.add(AccessToken(jti=jti, authorization=login.id, expires_at=expires_at))
    session.flush()


def issued_by_reference(
    session: Session, login: Agreed, claims: Mapping[str, Any], jti: str, expires_at: datetime
) -> str:
    """→ the token"""
    token = secrets.token_urlsafe(32)
    mark = providers.digest(token)
    session.add(AccessToken(jti=jti, authorization=login.id, expires_at=expires_at, mark=mark, claims=dict(claims)))
    session.flush()
    return token


def opened(session: Session, provider: Provider, token: str) -> dict[str, Any]:
    """The claims of a token of this provider, by reference or signed; ValueError when it is none."""
    asked = sa.select(col(AccessToken.claims)).where(col(AccessToken.mark) == providers.digest(token))
    claims: dict[str, Any] | None = session.execute(asked).scalar()
    if claims is None:
        return providers.opened(session, provider, token)
    if claims.get("iss") != provider.issuer:
        raise ValueError("another issuer")
    return claims


def behind(session: Session, jti: str, now: datetime) -> Agreed | None:
    """The login that an access token came of, as long as the token is good."""
    row = session.execute(
        sa.select(col(AccessToken.authorization)).where(
            col(AccessToken.jti) == jti, col(AccessToken.revoked_at).is_(None), col(AccessToken.expires_at) > now
        )
    ).one_or_none()
    login = None if row is None else agreed(session, row.authorization)
    return None if login is None or login.revoked_at else login


def revoke_access_token(session: Session, jti: str, client: int, now: datetime) -> None:
    """Of this client only; another's is left alone."""
    mine = sa.select(col(Authorization.id)).where(col(Authorization.client) == client)
    session.execute(
        sa.update(AccessToken)
        .where(col(AccessToken.jti) == jti, col(AccessToken.authorization).in_(mine))
        .where(col(AccessToken.revoked_at).is_(None))
        .values(revoked_at=now)
    )
