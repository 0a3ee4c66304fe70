"""Scopes, the prefixes that Digdir has handed out for their names, and who has access to them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlmodel import Field, Session, col

from services.chassis.db import INSTANT, choice
from services.chassis.problems import Conflict, NotFound
from services.integration.sandbox.db import Table
from services.integration.sandbox.scopes.rules import MASKINPORTEN, State, TokenType, Visibility


class Prefix(Table, table=True):
    """What an organisation's scopes may begin with, as Digdir hands it out by hand."""

    __tablename__ = "maskinporten_scope_prefix"

    prefix: str = Field(primary_key=True, max_length=50)
    owner: str = Field(max_length=9)


class Scope(Table, table=True):
    __tablename__ = "maskinporten_scope"

    name: str = Field(primary_key=True, max_length=200)
    owner: str = Field(max_length=9, index=True)
    description: str = Field(max_length=500)
    long_description: str | None = Field(default=None, max_length=5000)
    active: bool = True
    visibility: Visibility = Field(default=Visibility.PUBLIC, sa_type=choice(Visibility))
    accessible_for_all: bool = False
    at_max_age: int = Field(default=0, description="Seconds that a token with it lives at most; 0: no matter")
    authorization_max_lifetime: int = 0
    delegation_source: str | None = Field(default=None, max_length=300, description="Issuer; null: not delegable")
    allowed_integration_types: list[str] = Field(default_factory=list, sa_type=ARRAY(sa.String))
    requires_user_consent: bool = False
    requires_user_authentication: bool = False
    requires_pseudonymous_tokens: bool = False
    token_type: TokenType = Field(default=TokenType.SELF_CONTAINED, sa_type=choice(TokenType))
    created_at: datetime = Field(sa_type=INSTANT)
    last_updated_at: datetime = Field(sa_type=INSTANT)


class ScopeGrant(Table, table=True):
    """The scope's owner has given an organisation access to it, or taken it away again."""

    __tablename__ = "maskinporten_scope_grant"

    organisation: str = Field(primary_key=True, max_length=9)
    scope: str = Field(primary_key=True, max_length=200, foreign_key="maskinporten_scope.name")
    state: State = Field(default=State.APPROVED, sa_type=choice(State))
    created_at: datetime = Field(sa_type=INSTANT)
    last_updated_at: datetime = Field(sa_type=INSTANT)


class ScopeMissing(NotFound):
    """No scope has this name."""


class ScopeExists(Conflict):
    """A scope has this name already; one that is not active is made so by changing it."""


class PrefixTaken(Conflict):
    """Another organisation has this prefix."""


def hand_out(session: Session, prefix: str, owner: str) -> None:
    """Again to the same organisation changes nothing."""
    session.execute(insert(Prefix).values(prefix=prefix, owner=owner).on_conflict_do_nothing())
    if (found := session.get(Prefix, prefix, populate_existing=True)) and found.owner != owner:
        raise PrefixTaken(f"The prefix {prefix} is another's.")


def owns(session: Session, prefix: str, organisation: str) -> bool:
    """An organisation's own number is a prefix that it always has."""
    found = session.get(Prefix, prefix)
    return found.owner == organisation if found else prefix == organisation


def add(session: Session, scope: Scope) -> Scope:
    values = scope.model_dump()
    made = session.execute(insert(Scope).values(values).on_conflict_do_nothing().returning(col(Scope.name))).first()
    if made is None:
        raise ScopeExists(f"The scope {scope.name} exists.")
    return scope


def by_name(session: Session, name: str, *, locked: bool = False) -> Scope:
    asked = sa.select(Scope).where(col(Scope.name) == name)
    found = session.scalars(asked.with_for_update() if locked else asked).one_or_none()
    if found is None:
        raise ScopeMissing(f"No scope is called {name!r}.")
    return found


def change(session: Session, scope: Scope, values: Mapping[str, Any], now: datetime) -> Scope:
    for name, value in values.items():
        setattr(scope, name, value)
    scope.last_updated_at = now
    session.add(scope)
    session.flush()
    return scope


def owned(session: Session, organisation: str, *, inactive: bool) -> list[Scope]:
    asked = sa.select(Scope).where(col(Scope.owner) == organisation).order_by(col(Scope.name))
    return list(session.scalars(asked if inactive else asked.where(col(Scope.active))))


def public(session: Session) -> list[Scope]:
    shown = sa.and_(col(Scope.active), col(Scope.visibility) == Visibility.PUBLIC)
    return list(session.scalars(sa.select(Scope).where(shown).order_by(col(Scope.name))))


def set_access(session: Session, scope: str, organisation: str, state: State, now: datetime) -> ScopeGrant | None:
    """Give access, or take away what there is. → None when there is none to take away"""
    new = {"organisation": organisation, "scope": scope, "state": state, "created_at": now, "last_updated_at": now}
    if state is State.APPROVED:
        wanted = insert(ScopeGrant).values(new)
        session.execute(
            wanted.on_conflict_do_update(
                index_elements=["organisation", "scope"], set_={"state": state, "last_updated_at": now}
            )
        )
    else:
        here = sa.and_(col(ScopeGrant.organisation) == organisation, col(ScopeGrant.scope) == scope)
        session.execute(sa.update(ScopeGrant).where(here).values(state=state, last_updated_at=now))
    return session.get(ScopeGrant, (organisation, scope), populate_existing=True)


def access_to(session: Session, scope: str, *, inactive: bool = False) -> list[ScopeGrant]:
    asked = sa.select(ScopeGrant).where(col(ScopeGrant.scope) == scope).order_by(col(ScopeGrant.organisation))
    return list(session.scalars(asked if inactive else asked.where(col(ScopeGrant.state) == State.APPROVED)))


def access_of(session: Session, organisation: str) -> list[tuple[ScopeGrant, str]]:
    """What an organisation was given, with each scope's owner."""
    asked = (
        sa.select(ScopeGrant, col(Scope.owner))
        .join(Scope, col(Scope.name) == col(ScopeGrant.scope))
        .where(col(ScopeGrant.organisation) == organisation)
        .order_by(col(ScopeGrant.scope))
    )
    return [(row[0], row[1]) for row in session.execute(asked)]


def registrable(session: Session, names: list[str], organisation: str) -> set[str]:
    """Of these scopes, those that a client of the organisation may be registered with: it was given access, everybody
    has it, the scope is its own, or a customer may delegate it (a supplier is never given access itself)."""
    given = (
        sa.exists()
        .where(col(ScopeGrant.scope) == col(Scope.name))
        .where(col(ScopeGrant.organisation) == organisation)
        .where(col(ScopeGrant.state) == State.APPROVED)
    )
    types = col(Scope.allowed_integration_types)
    asked = (
        sa.select(col(Scope.name))
        .where(col(Scope.name).in_(names), col(Scope.active))
        .where(sa.or_(sa.func.cardinality(types) == 0, types.contains([MASKINPORTEN])))
        .where(
            sa.or_(
                given,
                col(Scope.accessible_for_all),
                col(Scope.owner) == organisation,
                col(Scope.delegation_source).is_not(None),
            )
        )
    )
    return set(session.scalars(asked))
