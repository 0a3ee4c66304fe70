"""System users: which customer lets which vendor's system act for it, and which client that system is."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, col

from services.chassis.db import INSTANT
from services.chassis.problems import Conflict, NotFound
from services.chassis.values import new_id
from services.integration.sandbox.clients import store as clients
from services.integration.sandbox.clients.store import Client
from services.integration.sandbox.db import Table
from services.integration.sandbox.grant_refusals.rules import NothingInAltinn
from services.integration.sandbox.system_users import rules


class SystemUser(Table, table=True):
    __tablename__ = "altinn_system_user"
    __table_args__ = (sa.UniqueConstraint("client", "customer", "external_ref"),)

    id: UUID = Field(primary_key=True)
    client: int = Field(foreign_key="maskinporten_client.id")
    system_id: str = Field(max_length=255, description="The vendor's number, an underscore and a name")
    customer: str = Field(max_length=9)
    external_ref: str = Field(max_length=255)
    created_at: datetime = Field(sa_type=INSTANT)


class SystemUserMissing(NotFound):
    """No system user has this id."""


class SystemUserExists(Conflict):
    """The customer has a system user for this client, with this reference, already."""


def add(session: Session, client_id: str, name: str, customer: str, external_ref: str | None, now: datetime) -> UUID:
    """The customer approves the vendor's request. `name` is the system's; its id begins with the vendor's number."""
    client = clients.by_id(session, client_id)
    row = {
        "id": new_id(),
        "client": client.id,
        "system_id": f"{client.organisation}_{name}",
        "customer": customer,
        "external_ref": external_ref or customer,
        "created_at": now,
    }
    made = insert(SystemUser).values(row).on_conflict_do_nothing().returning(col(SystemUser.id))
    found: UUID | None = session.execute(made).scalar()
    if found is None:
        raise SystemUserExists(f"Customer {customer} has one for client {client_id}.")
    return found


def by_id(session: Session, id: UUID) -> SystemUser:
    found = session.get(SystemUser, id)
    if found is None:
        raise SystemUserMissing(f"No system user is called {id}.")
    return found


def remove(session: Session, id: UUID) -> None:
    session.delete(by_id(session, id))
    session.flush()


def find(session: Session, client_id: str, asked: rules.Asked) -> rules.SystemUser:
    """What Maskinporten asks Altinn when a grant wants a token for one."""
    row = session.execute(
        sa.select(col(SystemUser.id), col(SystemUser.system_id))
        .join(Client, col(Client.id) == col(SystemUser.client))
        .where(col(Client.client_id) == client_id)
        .where(col(SystemUser.customer) == asked.customer)
        .where(col(SystemUser.external_ref) == asked.external_ref)
    ).one_or_none()
    if row is None:
        raise NothingInAltinn(f"Altinn knows no system user of {asked.customer} for this client and externalRef")
    return rules.SystemUser(row.id, row.system_id, asked.customer)
