"""Requests that wait (pushed, or on a login page), what was agreed to, and the codes that hand it over."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, Session, col

from services.chassis.db import INSTANT, JSON
from services.integration.sandbox.authorizations.rules import PUSHED_PREFIX, Asked, Taken, Values
from services.integration.sandbox.db import Table
from services.integration.sandbox.login_sessions.rules import LoginSession
from services.integration.sandbox.providers import store as providers
from services.integration.sandbox.providers.rules import Provider

_MARK = sa.LargeBinary(32)


class Pushed(Table, table=True):
    __tablename__ = "login_pushed_request"

    mark: bytes = Field(primary_key=True, sa_type=_MARK, description="SHA-256 of the request URI")
    client: int = Field(foreign_key="login_client.id")
    values: dict[str, list[str]] = Field(sa_type=JSON)
    expires_at: datetime = Field(sa_type=INSTANT, index=True)


class Interaction(Table, table=True):
    """Somebody sits before a login page."""

    __tablename__ = "login_interaction"

    mark: bytes = Field(primary_key=True, sa_type=_MARK, description="SHA-256 of the page's address")
    browser: bytes = Field(sa_type=_MARK, description="SHA-256 of its cookie")
    client: int = Field(foreign_key="login_client.id")
    values: dict[str, list[str]] = Field(sa_type=JSON)
    sid: str | None = Field(default=None, max_length=50, foreign_key="login_session.sid")
    expires_at: datetime = Field(sa_type=INSTANT, index=True)


class Authorization(Table, table=True):
    __tablename__ = "login_authorization"

    id: int | None = Field(default=None, primary_key=True)
    client: int = Field(foreign_key="login_client.id")
    sid: str = Field(max_length=50, foreign_key="login_session.sid", index=True)
    person: int = Field(foreign_key="login_person.id")
    scopes: list[str] = Field(sa_type=JSON)
    nonce: str | None = Field(default=None, max_length=2000)
    acr: str = Field(max_length=50)
    logged_in_at: datetime = Field(sa_type=INSTANT)
    locale: str = Field(max_length=2)
    details: list[dict[str, Any]] | None = Field(default=None, sa_type=JSON)
    resources: list[str] = Field(sa_type=JSON)
    on_behalf_of: str | None = Field(default=None, max_length=100)
    ends_at: datetime = Field(sa_type=INSTANT)
    revoked_at: datetime | None = Field(default=None, sa_type=INSTANT)


class Code(Table, table=True):
    __tablename__ = "login_code"

    mark: bytes = Field(primary_key=True, sa_type=_MARK, description="SHA-256 of the code")
    authorization: int = Field(foreign_key="login_authorization.id")
    client: int = Field(foreign_key="login_client.id")
    redirect_uri: str = Field(max_length=500)
    challenge: str | None = Field(default=None, max_length=43)
    thumbprint: str | None = Field(default=None, max_length=43)
    expires_at: datetime = Field(sa_type=INSTANT)
    used_at: datetime | None = Field(default=None, sa_type=INSTANT)


@dataclass(frozen=True)
class Waiting:
    """A request that is kept while its user looks at a page."""

    client: int
    values: Values
    sid: str | None


def push(session: Session, provider: Provider, client: int, values: Values, now: datetime) -> str:
    """→ the request URI"""
    uri = PUSHED_PREFIX + secrets.token_urlsafe(32)
    expires = now + provider.lives.pushed
    session.execute(sa.delete(Pushed).where(col(Pushed.expires_at) < now))
    session.add(Pushed(mark=providers.digest(uri), client=client, values=dict(values), expires_at=expires))
    session.flush()
    return uri


def take_pushed(session: Session, uri: str, client: int, now: datetime) -> Values | None:
    """Whoever takes it first has it; None for everybody else, and when it is another client's or has expired."""
    taken = (
        sa.delete(Pushed)
        .where(col(Pushed.mark) == providers.digest(uri), col(Pushed.client) == client, col(Pushed.expires_at) > now)
        .returning(col(Pushed.values))
    )
    found: Values | None = session.execute(taken).scalar()
    return found


def wait(
    session: Session, provider: Provider, browser: str, client: int, values: Values, sid: str | None, now: datetime
) -> str:
    """→ what names the page on which the user is asked"""
    name = secrets.token_urlsafe(32)
    session.execute(sa.delete(Interaction).where(col(Interaction.expires_at) < now))
    session.add(
        Interaction(
            mark=providers.digest(name),
            browser=providers.digest(browser),
            client=client,
            values=dict(values),
            sid=sid,
            expires_at=now + provider.lives.interaction,
        )
    )
    session.flush()
    return name


def _of_browser(name: str, browser: str | None, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        col(Interaction.mark) == providers.digest(name),
        col(Interaction.browser) == providers.digest(browser or ""),
        col(Interaction.expires_at) > now,
    )


_WAITING = (col(Interaction.client), col(Interaction.values), col(Interaction.sid))


def waiting(session: Session, name: str, browser: str | None, now: datetime) -> Waiting | None:
    row = session.execute(sa.select(*_WAITING).where(*_of_browser(name, browser, now))).one_or_none()
    return None if row is None else Waiting(*row)


def take_waiting(session: Session, name: str, browser: str | None, now: datetime) -> Waiting | None:
    """Whoever takes it first goes on with it."""
    taken = sa.delete(Interaction).where(*_of_browser(name, browser, now)).returning(*_WAITING)
    row = session.execute(taken).one_or_none()
    return None if row is None else Waiting(*row)


def agree(
    session: Session,
    provider: Provider,
    client: int,
    asked: Asked,
    login: LoginSession,
    details: list[dict[str, Any]] | None,
    locale: str,
    now: datetime,
) -> str:
    """Write down what was agreed to. → the code that hands it over"""
    made = Authorization(
        client=client,
        sid=login.sid,
        person=login.person,
        scopes=list(asked.scopes),
        nonce=asked.nonce,
        acr=login.acr,
        logged_in_at=login.logged_in_at,
        locale=locale,
        details=details,
        resources=list(asked.resources),
        on_behalf_of=asked.on_behalf_of,
        ends_at=now + provider.lives.authorization,
    )
    session.add(made)
    session.flush()
    assert made.id is not None
    code = secrets.token_urlsafe(32)
    session.add(
        Code(
            mark=providers.digest(code),
            authorization=made.id,
            client=client,
            redirect_uri=asked.target.redirect_uri,
            challenge=asked.challenge,
            thumbprint=asked.thumbprint,
            expires_at=now + provider.lives.code,
        )
    )
    session.flush()
    return code


def take_code(session: Session, code: str, client: int, now: datetime) -> Taken | None:
    """A code is good once, in whichever process it arrives. Used again, whatever it once gave is revoked. The session
    must be autocommit: a code stays used, whatever becomes of the request."""
    mine = (col(Code.mark) == providers.digest(code), col(Code.client) == client)
    taken = sa.update(Code).where(*mine, col(Code.used_at).is_(None)).values(used_at=now)
    row = session.execute(
        taken.returning(
            col(Code.authorization),
            col(Code.redirect_uri),
            col(Code.challenge),
            col(Code.thumbprint),
            col(Code.expires_at),
        )
    ).one_or_none()
    if row is not None:
        return Taken(*row)
    used = session.execute(sa.select(col(Code.authorization)).where(*mine)).scalar()
    if used is not None:
        revoke(session, used, now)
    return None


def revoke(session: Session, authorization: int, now: datetime) -> None:
    """Its tokens are of no use any more."""
    session.execute(
        sa.update(Authorization)
        .where(col(Authorization.id) == authorization, col(Authorization.revoked_at).is_(None))
        .values(revoked_at=now)
    )


def revoke_logins(session: Session, sid: str, only: frozenset[str], now: datetime) -> None:
    """A logout ends what a session gave, as far as it was for logging in only; tokens for an API live on."""
    scopes: Any = col(Authorization.scopes)
    session.execute(
        sa.update(Authorization)
        .where(col(Authorization.sid) == sid, col(Authorization.revoked_at).is_(None))
        .where(scopes.contained_by(sorted(only)))
        .values(revoked_at=now)
    )


_AUTHORIZATION = Table.metadata.tables["login_authorization"]


def by_id(session: Session, id: int) -> Mapping[str, Any]:
    return dict(session.execute(sa.select(_AUTHORIZATION).where(_AUTHORIZATION.c.id == id)).mappings().one())
