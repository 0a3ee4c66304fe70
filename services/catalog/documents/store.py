"""Documents as they are kept: what they are, their content apart, and events that are only ever added."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from services.catalog.db import Table
from services.catalog.documents.rules import DocumentType, State
from services.chassis.db import INSTANT, JSON, choice
from services.chassis.problems import NotFound
from services.chassis.values import new_id


class Document(Table, table=True):
    id: int = Field(default=None, primary_key=True)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    product_id: int = Field(foreign_key="product.id", index=True)
    type: DocumentType = Field(sa_type=choice(DocumentType))
    title: dict[str, str] = Field(sa_type=JSON)
    file_name: str = Field(max_length=200)
    media_type: str = Field(max_length=100)
    size: int
    sha256: str = Field(max_length=64)
    uploaded_by: str = Field(max_length=9)
    uploaded_at: datetime = Field(sa_type=INSTANT)


class DocumentContent(Table, table=True):
    """The bytes, apart from what lists ask for."""

    __tablename__ = "document_content"
    document_id: int = Field(foreign_key="document.id", primary_key=True)
    content: bytes


class DocumentEvent(Table, table=True):
    """What was decided about a document: the state it then had. A trigger keeps it from being changed."""

    __tablename__ = "document_event"
    id: int = Field(default=None, primary_key=True)
    document_id: int = Field(foreign_key="document.id", index=True)
    state: State = Field(sa_type=choice(State))
    public: bool
    recorded_at: datetime = Field(sa_type=INSTANT)
    organisation_number: str = Field(max_length=9)
    reason: str | None = Field(default=None, max_length=2000)


class DocumentNotFound(NotFound):
    """The product has no document with this id."""


_SHOWN = """
    SELECT d.id AS key, d.uuid AS id, d.type, d.title, d.file_name, d.media_type, d.size, d.sha256, d.uploaded_by,
           d.uploaded_at, COALESCE(e.state, 'concept') AS state, COALESCE(e.public, false) AS public, e.reason,
           e.organisation_number AS decided_by, e.recorded_at AS decided_at
      FROM document d
      LEFT JOIN LATERAL (SELECT * FROM document_event WHERE document_id = d.id ORDER BY id DESC LIMIT 1) e ON true
     WHERE d.product_id = :product
"""
_ONE = sa.text(f"{_SHOWN} AND d.uuid = :uuid")
# What a caller may not see is left out before the page is cut, so that a page's length tells nothing of it.
_PAGE = sa.text(
    f"""{_SHOWN} AND (CAST(:after AS uuid) IS NULL OR d.uuid > :after)
       AND (:all OR (e.state = 'approved' AND e.public) OR d.uploaded_by = :viewer)
     ORDER BY d.uuid LIMIT :rows
    """
)


def add(session: Session, document: Document, content: bytes) -> None:
    session.add(document)
    session.flush()
    session.add(DocumentContent(document_id=document.id, content=content))
    session.flush()


def lock(session: Session, uuid: UUID) -> None:
    """Decisions on one document wait for each other."""
    session.execute(select(Document.id).where(col(Document.uuid) == uuid).with_for_update())


def record(session: Session, event: DocumentEvent) -> None:
    session.add(event)
    session.flush()


def shown(session: Session, product_id: int, uuid: UUID) -> sa.Row[Any]:
    found = session.execute(_ONE, {"product": product_id, "uuid": uuid}).one_or_none()
    if found is None:
        raise unknown(uuid)
    return found


def unknown(uuid: UUID) -> DocumentNotFound:
    """The same for what does not exist and what the caller may not know of."""
    return DocumentNotFound(f"No document has the id {uuid}.")


def page(
    session: Session, product_id: int, after: list[Any] | None, limit: int, *, viewer: str | None, everything: bool
) -> Sequence[sa.Row[Any]]:
    """Those that the viewer may see, limit + 1 rows."""
    values = {"product": product_id, "after": after[0] if after else None, "rows": limit + 1}
    return session.execute(_PAGE, values | {"viewer": viewer, "all": everything}).all()


def content(session: Session, key: int) -> bytes:
    return session.exec(select(DocumentContent.content).where(col(DocumentContent.document_id) == key)).one()


def history(session: Session, key: int) -> Sequence[DocumentEvent]:
    query = select(DocumentEvent).where(col(DocumentEvent.document_id) == key).order_by(col(DocumentEvent.id))
    return session.exec(query).all()
