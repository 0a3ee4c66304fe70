"""Which customer lets which supplier use which scope."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, col

from services.chassis.problems import Invalid
from services.integration.sandbox.db import Table
from services.integration.sandbox.scopes import store as scopes


class Delegation(Table, table=True):
    """A customer lets a supplier use the customer's access to a scope."""

    __tablename__ = "maskinporten_delegation"

    consumer: str = Field(primary_key=True, max_length=9)
    supplier: str = Field(primary_key=True, max_length=9)
    scope: str = Field(primary_key=True, max_length=200, foreign_key="maskinporten_scope.name")


class NotDelegable(Invalid):
    """The scope names no source of delegations."""


def delegate(session: Session, consumer: str, supplier: str, scope: str) -> None:
    """Let a supplier act for a customer with a scope; again changes nothing."""
    if scopes.by_name(session, scope).delegation_source is None:
        raise NotDelegable(f"The owner of {scope} has set no delegation_source on it.")
    session.execute(
        insert(Delegation).values(consumer=consumer, supplier=supplier, scope=scope).on_conflict_do_nothing()
    )


def end(session: Session, consumer: str, supplier: str, scope: str) -> None:
    """What is not there is ended already."""
    session.execute(
        sa.delete(Delegation)
        .where(col(Delegation.consumer) == consumer)
        .where(col(Delegation.supplier) == supplier)
        .where(col(Delegation.scope) == scope)
    )
