"""The accounts, the integrations and what those are granted, and the key that letters to SvarUT are encrypted for."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, col

from services.chassis.values import new_id
from services.integration.sandbox.db import Table
from services.integration.sandbox.svarut_accounts import rules

CERTIFICATE_LASTS = timedelta(days=365 * 20)
ONLY = 1


class SvarutAccount(Table, table=True):
    __tablename__ = "svarut_account"

    konto: UUID = Field(primary_key=True)
    user_name: str = Field(unique=True, max_length=100)
    password_hash: str = Field(max_length=64)
    organisation: str = Field(max_length=9)
    name: str = Field(max_length=100)
    forwards_unread: bool = True
    """Whether business letters that nobody reads in Altinn are printed."""


class SvarutIntegration(Table, table=True):
    __tablename__ = "svarut_integration"

    id: UUID = Field(primary_key=True)
    organisation: str = Field(max_length=9)
    password_hash: str = Field(max_length=64)


class SvarutGrant(Table, table=True):
    """That an integration may send from an account."""

    __tablename__ = "svarut_grant"

    integration: UUID = Field(primary_key=True, foreign_key="svarut_integration.id")
    konto: UUID = Field(primary_key=True, foreign_key="svarut_account.konto")
    migrated: bool = False
    """Made by the account's own sender, who has one integration that way."""


class SvarutKey(Table, table=True):
    __tablename__ = "svarut_key"

    id: int = Field(default=ONLY, primary_key=True)
    private_key: str = Field(description="PEM; this is a sandbox")
    certificate: str = Field(description="PEM")


@dataclass(frozen=True)
class Account:
    konto: UUID
    organisation: str
    name: str
    forwards_unread: bool


_ACCOUNT = (
    col(SvarutAccount.konto),
    col(SvarutAccount.organisation),
    col(SvarutAccount.name),
    col(SvarutAccount.forwards_unread),
)


def _hash(password: str) -> str:
    """Quick, as the passwords are long and generated, or no secrets."""
    return hashlib.sha256(password.encode()).hexdigest()


def open_account(session: Session, konto: UUID, *, user_name: str, password: str, organisation: str, name: str) -> None:
    """Or change it, if it is there."""
    values = {"user_name": user_name, "password_hash": _hash(password), "organisation": organisation, "name": name}
    session.execute(
        insert(SvarutAccount)
        .values(konto=konto, forwards_unread=True, **values)
        .on_conflict_do_update(index_elements=["konto"], set_=values)
    )


def integrate(session: Session, id: UUID, *, organisation: str, password: str, konto: UUID) -> None:
    """An integration with a grant, or another password for it."""
    values = {"organisation": organisation, "password_hash": _hash(password)}
    session.execute(
        insert(SvarutIntegration).values(id=id, **values).on_conflict_do_update(index_elements=["id"], set_=values)
    )
    session.execute(insert(SvarutGrant).values(integration=id, konto=konto, migrated=False).on_conflict_do_nothing())


def migrate(session: Session, konto: UUID, organisation: str) -> tuple[UUID, str]:
    """A sender's own integration: made the first time, with another password every time. → (its id, the password)"""
    session.execute(sa.select(col(SvarutAccount.konto)).where(col(SvarutAccount.konto) == konto).with_for_update())
    known = session.execute(
        sa.select(col(SvarutGrant.integration)).where(col(SvarutGrant.konto) == konto, col(SvarutGrant.migrated))
    ).scalar_one_or_none()
    id, password = known or new_id(), secrets.token_urlsafe(32)
    integrate(session, id, organisation=organisation, password=password, konto=konto)
    session.execute(
        sa.update(SvarutGrant)
        .where(col(SvarutGrant.integration) == id, col(SvarutGrant.konto) == konto)
        .values(migrated=True)
    )
    return id, password


def set_forwarding(session: Session, konto: UUID, forwards_unread: bool) -> bool:
    """→ whether there is such an account"""
    changed = sa.update(SvarutAccount).where(col(SvarutAccount.konto) == konto)
    return session.execute(changed.values(forwards_unread=forwards_unread).returning(_ACCOUNT[0])).first() is not None


def by_password(session: Session, names: Sequence[str], readings: Sequence[str]) -> Account:
    """The account of REST v1's user name, under one of the readings of it and of a password."""
    row = session.execute(
        sa.select(*_ACCOUNT).where(
            col(SvarutAccount.user_name).in_(names),
            col(SvarutAccount.password_hash).in_([_hash(one) for one in readings]),
        )
    ).first()
    if row is None:
        raise rules.SenderNotKnown
    return Account(*row)


def check_integration(session: Session, id: UUID, organisation: str | None, readings: Sequence[str]) -> None:
    """Its organisation is the token's consumer, and its password one of the readings."""
    found = session.execute(
        sa.select(col(SvarutIntegration.id)).where(
            col(SvarutIntegration.id) == id,
            col(SvarutIntegration.organisation) == organisation,
            col(SvarutIntegration.password_hash).in_([_hash(one) for one in readings]),
        )
    ).one_or_none()
    if found is None:
        raise rules.IntegrationNotKnown


def granted(session: Session, integration: UUID, konto: UUID) -> Account:
    row = session.execute(
        sa.select(*_ACCOUNT)
        .join(SvarutGrant, col(SvarutGrant.konto) == col(SvarutAccount.konto))
        .where(col(SvarutGrant.integration) == integration, col(SvarutAccount.konto) == konto)
    ).one_or_none()
    if row is None:
        raise rules.AccountForbidden
    return Account(*row)


def of_konto(session: Session, konto: UUID) -> Account:
    return Account(*session.execute(sa.select(*_ACCOUNT).where(col(SvarutAccount.konto) == konto)).one())


def everybody(session: Session) -> list[SvarutAccount]:
    return list(session.execute(sa.select(SvarutAccount).order_by(col(SvarutAccount.user_name))).scalars())


def key(session: Session, now: datetime) -> tuple[str, str]:
    """SvarUT's key pair, made when it is first asked for, once for all workers. → (certificate, private key), PEM"""
    columns = sa.select(col(SvarutKey.certificate), col(SvarutKey.private_key))
    row = session.execute(columns).one_or_none()
    if row is None:
        certificate, private = _made(now)
        session.execute(
            insert(SvarutKey).values(id=ONLY, certificate=certificate, private_key=private).on_conflict_do_nothing()
        )
        row = session.execute(columns).one()
    return row.certificate, row.private_key


def _made(now: datetime) -> tuple[str, str]:
    private = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "SvarUt (sandkasse)")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + CERTIFICATE_LASTS)
        .sign(private, hashes.SHA256())
    )
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM).decode(), pem.decode()
