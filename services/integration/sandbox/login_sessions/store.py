"""The sessions of browsers, and the clients that were told of each."""

import secrets
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, col

from services.chassis.db import INSTANT, choice
from services.integration.sandbox.db import Table
from services.integration.sandbox.login_sessions import rules
from services.integration.sandbox.login_sessions.rules import LoginSession
from services.integration.sandbox.providers import store as providers
from services.integration.sandbox.providers.rules import Provider, ProviderName


class Row(Table, table=True):
    __tablename__ = "login_session"

    sid: str = Field(primary_key=True, max_length=50)
    provider: ProviderName = Field(sa_type=choice(ProviderName))
    browser: bytes = Field(sa_type=sa.LargeBinary(32), index=True, description="SHA-256 of its cookie")
    client: int | None = Field(default=None, foreign_key="login_client.id", description="Of an isolated session")
    person: int = Field(foreign_key="login_person.id")
    acr: str = Field(max_length=50)
    logged_in_at: datetime = Field(sa_type=INSTANT)
    seen_at: datetime = Field(sa_type=INSTANT)
    ended_at: datetime | None = Field(default=None, sa_type=INSTANT)


class Told(Table, table=True):
    """A client that has been given a login of the session."""

    __tablename__ = "login_session_client"

    sid: str = Field(primary_key=True, max_length=50, foreign_key="login_session.sid")
    client: int = Field(primary_key=True, foreign_key="login_client.id")


_READ = sa.select(col(Row.sid), col(Row.person), col(Row.acr), col(Row.logged_in_at), col(Row.seen_at)).select_from(Row)


def current(session: Session, provider: Provider, browser: str | None, client: int) -> LoginSession | None:
    """The newest that has not been ended of this browser; with an isolating provider, of this client in it."""
    if browser is None:
        return None
    asked = (
        _READ.where(col(Row.provider) == provider.name)
        .where(col(Row.browser) == providers.digest(browser), col(Row.ended_at).is_(None))
        .order_by(col(Row.logged_in_at).desc())
        .limit(1)
    )
    if provider.isolated:
        asked = asked.where(col(Row.client) == client)
    row = session.execute(asked).one_or_none()
    return None if row is None else LoginSession(*row)


def by_sid(session: Session, sid: str) -> LoginSession:
    return LoginSession(*session.execute(_READ.where(col(Row.sid) == sid)).one())


def begin(
    session: Session, provider: Provider, browser: str, client: int, person: int, acr: str, now: datetime
) -> LoginSession:
    """A new session. The one before it in this browser ends when it was another person's; otherwise it is the same
    one that was raised or renewed, so that its clients are told of a logout, too."""
    before = current(session, provider, browser, client)
    if before and before.person == person and rules.lives(before, provider, now):
        changed = {"acr": acr, "logged_in_at": now, "seen_at": now}
        session.execute(sa.update(Row).where(col(Row.sid) == before.sid).values(changed))
        return by_sid(session, before.sid)
    if before:
        session.execute(sa.update(Row).where(col(Row.sid) == before.sid).values(ended_at=now))
    sid = secrets.token_urlsafe(32)
    session.add(
        Row(
            sid=sid,
            provider=provider.name,
            browser=providers.digest(browser),
            client=client if provider.isolated else None,
            person=person,
            acr=acr,
            logged_in_at=now,
            seen_at=now,
        )
    )
    session.flush()
    return by_sid(session, sid)


def tell(session: Session, sid: str, client: int, now: datetime) -> None:
    """A client is given a login of this session, which is thereby used."""
    session.execute(sa.update(Row).where(col(Row.sid) == sid).values(seen_at=now))
    session.execute(insert(Told).values(sid=sid, client=client).on_conflict_do_nothing())


def of_browser(session: Session, provider: Provider, browser: str | None, client: int | None) -> list[LoginSession]:
    """The sessions that a logout ends: all of the browser, or with an isolating provider those of the client that
    asks, when it says who it is."""
    if browser is None:
        return []
    asked = _READ.where(
        col(Row.provider) == provider.name,
        col(Row.browser) == providers.digest(browser),
        col(Row.ended_at).is_(None),
    ).order_by(col(Row.logged_in_at))
    if provider.isolated and client is not None:
        asked = asked.where(col(Row.client) == client)
    return [LoginSession(*row) for row in session.execute(asked)]


def end(session: Session, sid: str, now: datetime) -> list[int]:
    """→ the clients that were told of it; none when another logout was first"""
    ended = sa.update(Row).where(col(Row.sid) == sid, col(Row.ended_at).is_(None)).values(ended_at=now)
    if session.execute(ended.returning(col(Row.sid))).first() is None:
        return []
    asked = sa.select(col(Told.client)).where(col(Told.sid) == sid).order_by(col(Told.client))
    return list(session.execute(asked).scalars())
