"""The sandbox's certificate authority: it issues enterprise certificates, revokes them, and verifies chains."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509 import verification
from cryptography.x509.oid import NameOID
from joserfc.jwk import RSAKey
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, col

from services.chassis.db import INSTANT
from services.chassis.problems import NotFound
from services.integration.sandbox.clients import store as clients
from services.integration.sandbox.db import Table
from services.integration.sandbox.enterprise_certificates import rules
from services.integration.sandbox.grant_refusals.rules import CertificateRefused, ChainMalformed

ROOT, ISSUING = "root", "issuing"
LONGEST_CHAIN = 5
BEFORE = timedelta(days=1)
LIVES = timedelta(days=3650)


class Authority(Table, table=True):
    __tablename__ = "certificate_authority"

    name: str = Field(primary_key=True, max_length=20, description="root or issuing")
    certificate: str = Field(description="PEM")
    private_key: str = Field(description="PEM; this is a sandbox")


class Certificate(Table, table=True):
    __tablename__ = "enterprise_certificate"

    serial: str = Field(primary_key=True, max_length=40, description="Hexadecimal")
    organisation: str = Field(max_length=9)
    issued_at: datetime = Field(sa_type=INSTANT)
    revoked_at: datetime | None = Field(default=None, sa_type=INSTANT)


class CertificateMissing(NotFound):
    """No certificate has this serial number."""


@dataclass(frozen=True)
class _Issuer:
    certificate: x509.Certificate
    key: rsa.RSAPrivateKey


@dataclass(frozen=True)
class Proven:
    """A chain that leads to the authority, and is not revoked."""

    organisation: str | None
    key: RSAKey


def begin(session: Session, now: datetime) -> None:
    """Make the authority where there is none yet."""
    if session.get(Authority, ROOT):
        return
    root_key, issuing_key = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    root_name, issuing_name = (
        x509.Name(
            [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Sandkasse"), x509.NameAttribute(NameOID.COMMON_NAME, one)]
        )
        for one in ("Sandkasse rot-CA", "Sandkasse virksomhetssertifikat-CA")
    )
    root = _authority(root_name, root_key, root_name, root_key, now)
    issuing = _authority(issuing_name, issuing_key, root_name, root_key, now)
    rows = [
        {
            "name": name,
            "certificate": certificate.public_bytes(serialization.Encoding.PEM).decode(),
            "private_key": key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ).decode(),
        }
        for name, certificate, key in ((ROOT, root, root_key), (ISSUING, issuing, issuing_key))
    ]
    # One statement: of two that begin at once, one makes both.
    session.execute(insert(Authority).values(rows).on_conflict_do_nothing())


def _authority(
    subject: x509.Name, key: rsa.RSAPrivateKey, issuer: x509.Name, issuer_key: rsa.RSAPrivateKey, now: datetime
) -> x509.Certificate:
    return (
        _begun(subject, key.public_key(), issuer, issuer_key)
        .not_valid_before(now - BEFORE)
        .not_valid_after(now + LIVES)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def _begun(
    subject: x509.Name, key: rsa.RSAPublicKey, issuer: x509.Name, issuer_key: rsa.RSAPrivateKey
) -> x509.CertificateBuilder:
    by = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .add_extension(by, critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def issue(
    session: Session, organisation: str, name: str, jwk: dict[str, Any], begins: datetime, ends: datetime, now: datetime
) -> tuple[str, list[str]]:
    """→ the certificate's serial number; and the chain as it stands in `x5c`: its own first, base64 DER"""
    begin(session, now)
    issuing = _issuer(session, ISSUING)
    public = RSAKey.import_key(clients.public_key({**jwk, "kid": "certified"})).public_key
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "NO"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, name),
            x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, f"NTRNO-{organisation}"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    made = (
        _begun(subject, public, issuing.certificate.subject, issuing.key)
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .sign(issuing.key, hashes.SHA256())
    )
    serial = f"{made.serial_number:x}"
    session.add(Certificate(serial=serial, organisation=organisation, issued_at=now))
    session.flush()
    return serial, [_text(made), _text(issuing.certificate)]


def revoke(session: Session, serial: str, now: datetime) -> None:
    """Again changes nothing."""
    revoked = sa.update(Certificate).where(col(Certificate.serial) == serial)
    at = sa.func.coalesce(col(Certificate.revoked_at), now)
    if session.execute(revoked.values(revoked_at=at).returning(col(Certificate.serial))).first() is None:
        raise CertificateMissing(f"No certificate has the serial number {serial}.")


def prove(session: Session, chain: object, now: datetime) -> Proven:
    """Read `x5c` and verify it: it leads to the authority, every link is valid today, and the first is not revoked. The
    authority's own links may be missing: real clients send the first certificate alone."""
    first, *others = _read(chain)
    row = session.get(Authority, ROOT)
    if row is None:
        raise CertificateRefused
    verifier = (
        verification.PolicyBuilder()
        .store(verification.Store([_loaded(row.certificate)]))
        .time(now)
        # Certificates of organisations name no host, which is what the default wants of whoever stands at the end.
        .extension_policies(
            ca_policy=verification.ExtensionPolicy.webpki_defaults_ca(),
            ee_policy=verification.ExtensionPolicy.permit_all(),
        )
        .build_client_verifier()
    )
    try:
        verifier.verify(first, [*others, _issuer(session, ISSUING).certificate])
    except verification.VerificationError as error:
        raise CertificateRefused from error
    known = session.get(Certificate, f"{first.serial_number:x}")
    if known is None or known.revoked_at is not None:
        raise CertificateRefused(f"{CertificateRefused.title()}. It is revoked, or none of the authority's")
    subject = first.subject
    identifiers, serials = (
        [str(one.value) for one in subject.get_attributes_for_oid(oid)]
        for oid in (NameOID.ORGANIZATION_IDENTIFIER, NameOID.SERIAL_NUMBER)
    )
    pem = first.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return Proven(rules.organisation(identifiers, serials), RSAKey.import_key(pem))


def _read(chain: object) -> list[x509.Certificate]:
    """RFC 7515 §4.1.6: an array of certificates, each base64 of its DER; the client's own comes first."""
    if not isinstance(chain, list) or not 0 < len(chain) <= LONGEST_CHAIN:
        raise ChainMalformed(f"{ChainMalformed.title()}. Send an array of 1–{LONGEST_CHAIN} certificates")
    try:
        read = [x509.load_der_x509_certificate(base64.b64decode(str(one), validate=True)) for one in chain]
    except (ValueError, binascii.Error) as error:
        raise ChainMalformed(f"{ChainMalformed.title()}. Each certificate is base64 of its DER") from error
    if not isinstance(read[0].public_key(), rsa.RSAPublicKey):
        raise CertificateRefused(f"{CertificateRefused.title()}. It has no RSA key")
    return read


def _issuer(session: Session, name: str) -> _Issuer:
    row = session.get_one(Authority, name)
    key = serialization.load_pem_private_key(row.private_key.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return _Issuer(_loaded(row.certificate), key)


@lru_cache(maxsize=20)
def _loaded(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())


def _text(certificate: x509.Certificate) -> str:
    return base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()
