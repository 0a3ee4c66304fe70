"""Artefacts as they are kept: each document once, under its hash, and which version has which."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, col, select

from services.catalog.artefacts import rules
from services.catalog.artefacts.rules import Examined, Format
from services.catalog.db import Table
from services.chassis.db import INSTANT, JSON, choice


class Document(Table, table=True):
    """A document. It is never changed; another is another."""

    __tablename__ = "artefact_document"
    sha256: str = Field(primary_key=True, max_length=64, description="Of `content`, in hexadecimal")
    content: bytes
    size_bytes: int
    format: Format = Field(sa_type=choice(Format))
    specification_version: str | None = Field(default=None, max_length=200)
    title: str | None = Field(default=None, max_length=200)
    complete: bool
    external_references: list[str] = Field(sa_type=JSON)
    document: bytes | None = Field(default=None, description="An OpenAPI document as JSON, for comparing")


class Artefact(Table, table=True):
    """Which document describes a version of an interface."""

    version_id: int = Field(foreign_key="interface_version.id", primary_key=True)
    sha256: str = Field(foreign_key="artefact_document.sha256", max_length=64, index=True)
    media_type: str = Field(max_length=80)
    put_at: datetime = Field(sa_type=INSTANT)


@dataclass(frozen=True)
class Described:
    """What is known of a version's artefact, without the document itself."""

    sha256: str
    media_type: str
    format: Format
    specification_version: str | None
    title: str | None
    size_bytes: int
    complete: bool
    external_references: list[str]
    put_at: datetime


def hashed(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def find(session: Session, version_id: int) -> Described | None:
    query = (
        sa.select(
            col(Artefact.sha256),
            col(Artefact.media_type),
            col(Document.format),
            col(Document.specification_version),
            col(Document.title),
            col(Document.size_bytes),
            col(Document.complete),
            col(Document.external_references),
            col(Artefact.put_at),
        )
        .join(Document, col(Document.sha256) == col(Artefact.sha256))
        .where(col(Artefact.version_id) == version_id)
    )
    row = session.execute(query).one_or_none()
    return Described(*row) if row else None


def of(session: Session, version_id: int) -> Described:
    found = find(session, version_id)
    if found is None:
        raise rules.ArtefactNotFound
    return found


def content(session: Session, sha256: str) -> bytes:
    return session.exec(select(Document.content).where(col(Document.sha256) == sha256)).one()


def for_comparing(session: Session, sha256: str) -> bytes | None:
    """An OpenAPI document as JSON; None for other formats."""
    return session.exec(select(Document.document).where(col(Document.sha256) == sha256)).one()


def put(
    session: Session, version_id: int, body: bytes, media_type: str, examined: Examined, now: datetime
) -> Described:
    """Let this document describe the version from now on."""
    assert examined.format is not None
    sha256 = hashed(body)
    kept = {
        "sha256": sha256,
        "content": body,
        "size_bytes": len(body),
        "format": examined.format,
        "specification_version": examined.specification_version,
        "title": examined.title,
        "complete": examined.complete,
        "external_references": list(examined.external_references),
        "document": examined.document,
    }
    session.execute(insert(Document).values(**kept).on_conflict_do_nothing())
    here = {"version_id": version_id, "sha256": sha256, "media_type": media_type, "put_at": now}
    session.execute(insert(Artefact).values(**here).on_conflict_do_update(index_elements=["version_id"], set_=here))
    return of(session, version_id)
