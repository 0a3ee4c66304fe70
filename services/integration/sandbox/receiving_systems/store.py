"""The receiving systems, whose letters each takes, and the certificates that letters are encrypted for."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, col, select

from services.chassis.clock import now
from services.chassis.db import INSTANT
from services.chassis.problems import NotFound
from services.chassis.values import new_id
from services.integration.sandbox.db import Table
from services.integration.sandbox.receiving_systems import rules

SHORTEST_KEY = 2048
ALL_TYPES = ""
"""In place of a letter type: what no system for the letter's own type takes."""


class ReceivingSystem(Table, table=True):
    __tablename__ = "svarinn_receiving_system"

    id: int | None = Field(default=None, primary_key=True)
    system_id: UUID = Field(unique=True)
    user_name: str = Field(unique=True, max_length=100)
    password: str = Field(max_length=200, description="This is a sandbox")
    name: str = Field(max_length=100)
    certificate: str | None = Field(default=None, description="PEM; without one nothing is handed out")
    registered_at: datetime = Field(sa_type=INSTANT)


class Taken(Table, table=True):
    """That a system takes an organisation's letters."""

    __tablename__ = "svarinn_taken"

    system: int = Field(primary_key=True, foreign_key="svarinn_receiving_system.id")
    organisation: str = Field(primary_key=True, max_length=9, index=True)
    letter_type: str = Field(default=ALL_TYPES, primary_key=True, max_length=100)
    level: int


class SystemMissing(NotFound):
    """No receiving system has this user name."""


def register(
    session: Session,
    *,
    user_name: str,
    password: str,
    name: str,
    takes: Sequence[tuple[str, str | None, int]],
    certificate: str | None,
) -> None:
    """Register a system or, by a user name that is known, put another in its place. `takes` is (organisation, letter
    type, level). Without a certificate the one that was there stays."""
    if certificate is not None:
        check(certificate)
    values = {"password": password, "name": name}
    added = insert(ReceivingSystem).values(
        system_id=new_id(), user_name=user_name, certificate=certificate, registered_at=now(), **values
    )
    kept = sa.func.coalesce(added.excluded.certificate, col(ReceivingSystem.certificate))
    id = session.execute(
        added.on_conflict_do_update(index_elements=["user_name"], set_={**values, "certificate": kept}).returning(
            col(ReceivingSystem.id)
        )
    ).scalar_one()
    session.execute(sa.delete(Taken).where(col(Taken.system) == id))
    session.execute(
        insert(Taken).on_conflict_do_nothing(),
        [
            {"system": id, "organisation": organisation, "letter_type": letter_type or ALL_TYPES, "level": level}
            for organisation, letter_type, level in takes
        ],
    )


def upload(session: Session, user_name: str, certificate: str | None) -> None:
    """What a system's administrator does in Fiks forvaltning; None takes the certificate away."""
    if certificate is not None:
        check(certificate)
    changed = sa.update(ReceivingSystem).where(col(ReceivingSystem.user_name) == user_name)
    if session.execute(changed.values(certificate=certificate).returning(col(ReceivingSystem.id))).first() is None:
        raise SystemMissing(f"No receiving system is called {user_name}.")


def check(certificate: str) -> None:
    """KS's guide has RSA keys of 2048 bits made."""
    try:
        key = x509.load_pem_x509_certificate(certificate.encode()).public_key()
    except ValueError as error:
        raise rules.CertificateUnusable("It is no X.509 certificate (PEM).", pointer="#/certificate") from error
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < SHORTEST_KEY:
        raise rules.CertificateUnusable(f"It needs an RSA key of {SHORTEST_KEY} bits.", pointer="#/certificate")


def admitted(session: Session, user_name: str, passwords: Sequence[str]) -> ReceivingSystem | None:
    """The system that a user name and one of several readings of a password belong to."""
    found = session.exec(select(ReceivingSystem).where(col(ReceivingSystem.user_name) == user_name)).first()
    return found if found and found.password in passwords else None


def filters(session: Session, organisations: Sequence[str]) -> list[rules.Filter]:
    """Who takes these organisations' letters."""
    rows = session.exec(
        select(Taken).where(col(Taken.organisation).in_(organisations)).order_by(col(Taken.system))
    ).all()
    return [rules.Filter(one.system, one.organisation, one.letter_type or None, one.level) for one in rows]


def organisations(session: Session, system: int) -> list[str]:
    query = select(col(Taken.organisation)).where(col(Taken.system) == system).distinct()
    return list(session.exec(query.order_by(col(Taken.organisation))).all())


def serving(session: Session, organisation: str, letter_type: str | None = None, level: int = 3) -> bool:
    """Whether a letter to an organisation waits for its own system (KLAR_FOR_MOTTAK) or goes another way."""
    return rules.taker(filters(session, [organisation]), organisation, letter_type, level) is not None


def listed(
    session: Session, organisation: str | None = None, letter_type: str | None = None, level: int | None = None
) -> list[Any]:
    """Rows of id, name, organisation_number, letter_type (None: all), level; narrowed by what is given."""
    query = (
        sa.select(
            col(ReceivingSystem.system_id).label("id"),
            col(ReceivingSystem.name),
            col(Taken.organisation).label("organisation_number"),
            sa.func.nullif(col(Taken.letter_type), ALL_TYPES).label("letter_type"),
            col(Taken.level),
        )
        .join(Taken, col(Taken.system) == col(ReceivingSystem.id))
        .order_by(col(ReceivingSystem.id), col(Taken.organisation), col(Taken.letter_type))
    )
    for column, value in ((Taken.organisation, organisation), (Taken.letter_type, letter_type), (Taken.level, level)):
        if value is not None:
            query = query.where(col(column) == value)
    return list(session.execute(query).all())


def everybody(session: Session) -> list[tuple[ReceivingSystem, list[Taken]]]:
    """All systems, in the order in which they were registered, with what each takes."""
    systems = session.exec(select(ReceivingSystem).order_by(col(ReceivingSystem.id))).all()
    taken: dict[int, list[Taken]] = {}
    for one in session.exec(select(Taken).order_by(col(Taken.organisation), col(Taken.letter_type))):
        taken.setdefault(one.system, []).append(one)
    return [(system, taken.get(system.id or 0, [])) for system in systems]
