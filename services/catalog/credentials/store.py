"""Credentials as they are kept: a place in a status list for each, and the token, which is public."""

from collections.abc import Collection
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, Session, col

from services.catalog.certificates import store as certificates
from services.catalog.certificates.rules import History, Standing
from services.catalog.certificates.rules import standing as standing_on
from services.catalog.credentials import rules
from services.catalog.credentials.rules import Certified, Subject
from services.catalog.db import Table
from services.catalog.products import store as products
from services.catalog.signing_keys import store as signing_keys
from services.catalog.signing_keys.store import Keyring
from services.chassis import clock
from services.chassis.db import INSTANT, Database


class Credential(Table, table=True):
    """A place in a status list. A trigger gives one to every certificate and to every revision of it, in the same
    transaction, so that the lists hold them all, whether anybody has asked for their tokens or not. It belongs to no
    particular revision until a token is signed that names it; then `fingerprint` says what that token claims."""

    __table_args__ = (
        sa.UniqueConstraint("certificate_id", "fingerprint"),
        sa.Index("ix_credential_kid_expires_at", "kid", "expires_at"),
    )
    position: int = Field(
        default=None, sa_column=sa.Column(sa.BigInteger, sa.Identity(start=0, minvalue=0), primary_key=True)
    )
    certificate_id: int = Field(foreign_key="certificate.id")
    fingerprint: str | None = Field(default=None, max_length=64)
    jws: str | None = Field(default=None, sa_type=sa.Text)
    kid: str | None = Field(default=None, max_length=80)
    issued_at: datetime | None = Field(default=None, sa_type=INSTANT)
    expires_at: datetime | None = Field(default=None, sa_type=INSTANT)


_ROW = sa.text(
    "SELECT position, jws, kid FROM credential WHERE certificate_id = :certificate AND fingerprint = :fingerprint"
)
_FREE = sa.text(
    "SELECT position FROM credential WHERE certificate_id = :certificate AND fingerprint IS NULL "
    "ORDER BY position LIMIT 1"
)
_NEW = sa.text("INSERT INTO credential (certificate_id) VALUES (:certificate) RETURNING position")
_LATEST = sa.text(
    "SELECT k.jws FROM credential k JOIN certificate c ON c.id = k.certificate_id "
    "WHERE c.number = :number AND k.jws IS NOT NULL ORDER BY k.issued_at DESC LIMIT 1"
)
_NEEDED = sa.text("SELECT DISTINCT kid FROM credential WHERE kid = ANY(:kids) AND expires_at > :now")


def token(database: Database, keyring: Keyring, issuer: str, number: str, now: datetime) -> str:
    """The credential of what a certificate is today. It is signed once and stays the same until the certificate
    changes, or the key that signed it retires."""
    with database.reading() as session:
        row, history, standing = _today(session, number, now)
        kept = session.execute(_ROW, {"certificate": row.id, "fingerprint": rules.fingerprint(standing)}).one_or_none()
    retired = {key.kid for key in keyring.every() if key.retired_at}
    if kept and kept.jws and kept.kid not in retired:
        return str(kept.jws)
    held = keyring.signing(now)
    with database.writing() as session:
        certificates.lock(session, number)  # two that ask at once get the same token
        row, history, standing = _today(session, number, now)
        fingerprint = rules.fingerprint(standing)
        kept = session.execute(_ROW, {"certificate": row.id, "fingerprint": fingerprint}).one_or_none()
        if kept and kept.jws and kept.kid not in retired:
            return str(kept.jws)
        position = kept.position if kept else _place(session, row.id)
        claims = rules.claims(
            _certified(session, row, history, clock.on(now)),
            history,
            standing,
            issuer=issuer,
            position=position,
            issued_at=now,
        )
        jws = signing_keys.sign(held, rules.TYPE, claims)
        session.execute(
            sa.update(Credential)
            .where(col(Credential.position) == position)
            .values(
                fingerprint=fingerprint,
                jws=jws,
                kid=held.key.kid,
                issued_at=now,
                expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            )
        )
        return jws


def _today(session: Session, number: str, now: datetime) -> tuple[Any, History, Standing]:
    row = certificates.by_number(session, number)
    history = certificates.history_of(row)
    standing = standing_on(history, clock.on(now), rules.EVER)
    assert standing, "every certificate begins with its grant"
    return row, history, standing


def _place(session: Session, certificate: int) -> int:
    """The first place of the certificate's that no token names; without one, a new place."""
    free = session.execute(_FREE, {"certificate": certificate}).scalar_one_or_none()
    return int(session.execute(_NEW, {"certificate": certificate}).scalar_one() if free is None else free)


def _certified(session: Session, row: Any, history: History, today: date) -> Certified:
    heirs = products.suppliers(session, {row.supplier_id}, today)[row.supplier_id]
    holder = heirs[0] if len(heirs) == 1 else None
    return Certified(
        number=row.number,
        subject=Subject(
            kind=row.subject_kind,
            product=row.product,
            name=row.product_name,
            organisation_number=holder.organisation_number if holder else row.supplier_number,
            organisation_name=holder.name if holder else row.supplier_name,
            role=row.role,
        ),
        specification=row.specification,
        specification_version=row.specification_version,
        profile=row.profile,
        decided_by=row.decided_by,
        granted_on=min(clock.on(event.recorded_at) for event in history.events),
        conditions=[
            {"key": one.key, "kind": one.kind, "requirement": one.requirement, "due_on": one.due_on.isoformat()}
            for one in certificates.conditions(session, row.id)
        ],
    )


def latest_jws(session: Session, number: str) -> str | None:
    """The token that was signed last for a certificate; None when nobody has asked for one yet."""
    found: str | None = session.execute(_LATEST, {"number": number}).scalar_one_or_none()
    return found


def needed(session: Session, kids: Collection[str], now: datetime) -> set[str]:
    """Which of these keys have signed a credential that has not expired, and has not been signed anew since."""
    return set(session.execute(_NEEDED, {"kids": list(kids), "now": now}).scalars()) if kids else set()
