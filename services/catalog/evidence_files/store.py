"""Evidence files as they are kept: what they are, their content apart, who may read them, and events that are only ever
added."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, col, select

from services.catalog.db import Table
from services.catalog.evidence_files.rules import EventKind
from services.catalog.organisations import store as organisations
from services.chassis.db import INSTANT, JSON, choice
from services.chassis.problems import NotFound
from services.chassis.values import new_id


class EvidenceFile(Table, table=True):
    """A trigger keeps it from ever being changed."""

    __tablename__ = "evidence_file"
    id: int = Field(default=None, primary_key=True)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    title: dict[str, str] = Field(sa_type=JSON)
    file_name: str = Field(max_length=200)
    media_type: str = Field(max_length=100)
    size: int
    sha256: str = Field(max_length=64, index=True)
    uploaded_by_id: int = Field(foreign_key="organisation.id", index=True)
    client: str | None = Field(default=None, max_length=200)
    uploaded_at: datetime = Field(sa_type=INSTANT)


class EvidenceContent(Table, table=True):
    """The bytes, apart from what lists ask for."""

    __tablename__ = "evidence_content"
    evidence_file_id: int = Field(foreign_key="evidence_file.id", primary_key=True)
    content: bytes


class EvidenceReader(Table, table=True):
    """An organisation that may read a file which somebody else uploaded."""

    __tablename__ = "evidence_reader"
    evidence_file_id: int = Field(foreign_key="evidence_file.id", primary_key=True)
    organisation_id: int = Field(foreign_key="organisation.id", primary_key=True, index=True)


class EvidenceFileEvent(Table, table=True):
    """What became of a file. A trigger keeps it from being changed."""

    __tablename__ = "evidence_file_event"
    id: int = Field(default=None, primary_key=True)
    evidence_file_id: int = Field(foreign_key="evidence_file.id", index=True)
    kind: EventKind = Field(sa_type=choice(EventKind))
    recorded_at: datetime = Field(sa_type=INSTANT)
    organisation_number: str = Field(max_length=9)
    client: str | None = Field(default=None, max_length=200)
    reason: str = Field(max_length=2000)


class EvidenceFileNotFound(NotFound):
    """No evidence file has this id."""


@dataclass(frozen=True)
class Kept:
    """A file, and whether it has been withdrawn."""

    id: int
    uuid: UUID
    title: dict[str, str]
    file_name: str
    media_type: str
    size: int
    sha256: str
    uploaded_by_id: int
    uploaded_by: str | None
    uploaded_at: datetime
    withdrawn_at: datetime | None
    reason: str | None
    readers: Sequence[int]
    certified: bool
    """A certificate's result refers to it."""


@dataclass(frozen=True)
class Removed:
    """A file that a certificate rests on, and that was withdrawn after it was granted."""

    certificate_id: int
    file: UUID
    sha256: str
    withdrawn_at: datetime
    granted_at: datetime


_CERTIFIED = """
    EXISTS (SELECT 1 FROM result r
             WHERE r.evidence @> jsonb_build_array(jsonb_build_object('file', CAST(f.uuid AS text))))
"""
_SHOWN = f"""
    SELECT f.id, f.uuid, f.title, f.file_name, f.media_type, f.size, f.sha256, f.uploaded_by_id,
           o.organisation_number AS uploaded_by, f.uploaded_at, w.recorded_at AS withdrawn_at, w.reason,
           ARRAY(SELECT organisation_id FROM evidence_reader WHERE evidence_file_id = f.id) AS readers,
           {_CERTIFIED} AS certified
      FROM evidence_file f
      JOIN organisation o ON o.id = f.uploaded_by_id
      LEFT JOIN evidence_file_event w ON w.evidence_file_id = f.id AND w.kind = 'withdrawn'
"""  # noqa: S608  # put together from our own constants only
_BY_UUIDS = sa.text(f"{_SHOWN} WHERE f.uuid = ANY(:uuids)")
# What a caller may not see is left out before the page is cut, so that a page's length tells nothing of it.
_PAGE = sa.text(
    f"""{_SHOWN}
     WHERE (CAST(:after AS uuid) IS NULL OR f.uuid > :after)
       AND (CAST(:sha256 AS text) IS NULL OR f.sha256 = :sha256)
       AND (:all OR f.uploaded_by_id = ANY(:own) OR {_CERTIFIED}
            OR EXISTS (SELECT 1 FROM evidence_reader d
                        WHERE d.evidence_file_id = f.id AND d.organisation_id = ANY(:own)))
     ORDER BY f.uuid LIMIT :rows
    """  # noqa: S608  # as above
)
_REMOVED = sa.text(
    """
    SELECT DISTINCT ON (g.id, f.id) g.id AS certificate_id, f.uuid AS file, f.sha256, w.recorded_at AS withdrawn_at,
           g.granted_at
      FROM (SELECT c.id, min(e.recorded_at) AS granted_at
              FROM certificate c JOIN certificate_event e ON e.certificate_id = c.id
             WHERE c.id = ANY(:ids) GROUP BY c.id) g
      JOIN result r ON r.certificate_id = g.id
      CROSS JOIN LATERAL jsonb_array_elements(r.evidence) AS piece
      JOIN evidence_file f ON CAST(f.uuid AS text) = piece->>'file'
      JOIN evidence_file_event w ON w.evidence_file_id = f.id AND w.kind = 'withdrawn'
     WHERE w.recorded_at > g.granted_at
     ORDER BY g.id, f.id
    """
)


def keep(
    session: Session,
    *,
    content: bytes,
    media_type: str,
    file_name: str,
    title: dict[str, str],
    uploaded_by_id: int,
    client: str | None,
    at: datetime,
    readers: Collection[int] = (),
    uuid: UUID | None = None,
) -> EvidenceFile:
    """Keep a file that has been looked through, or that we made ourselves. `readers`: organisations that may read it
    besides whoever uploaded it and whoever assesses or decides."""
    kept = EvidenceFile(
        uuid=uuid or new_id(),
        title=title,
        file_name=file_name,
        media_type=media_type,
        size=len(content),
        sha256=sha256(content).hexdigest(),
        uploaded_by_id=uploaded_by_id,
        client=client,
        uploaded_at=at,
    )
    session.add(kept)
    session.flush()
    session.add(EvidenceContent(evidence_file_id=kept.id, content=content))
    session.flush()
    share(session, [kept.id], readers)
    return kept


def share(session: Session, file_ids: Collection[int], organisation_ids: Collection[int]) -> None:
    """Let organisations read files, those that may already among them."""
    rows = [{"evidence_file_id": file, "organisation_id": one} for file in file_ids for one in organisation_ids]
    if rows:
        session.execute(insert(EvidenceReader).on_conflict_do_nothing(), rows)


def by_uuids(session: Session, uuids: Collection[UUID]) -> dict[UUID, Kept]:
    """Those that exist of them, in one query."""
    if not uuids:
        return {}
    rows = session.execute(_BY_UUIDS, {"uuids": list(uuids)}).all()
    return {row.uuid: Kept(**row._asdict()) for row in rows}


def by_uuid(session: Session, uuid: UUID) -> Kept:
    found = by_uuids(session, [uuid]).get(uuid)
    if found is None:
        raise unknown(uuid)
    return found


def unknown(uuid: UUID) -> EvidenceFileNotFound:
    """The same for what does not exist and what the caller may not know of."""
    return EvidenceFileNotFound(f"No evidence file has the id {uuid}.")


def uuids(session: Session) -> set[UUID]:
    return set(session.exec(select(EvidenceFile.uuid)))


def lock(session: Session, uuid: UUID) -> None:
    """Withdrawals of one file, and its use in a result, wait for each other."""
    lock_all(session, [uuid])


def lock_all(session: Session, uuids: Collection[UUID]) -> None:
    """Several at once, always in the same order."""
    ordered = select(EvidenceFile.id).where(col(EvidenceFile.uuid).in_(uuids)).order_by(col(EvidenceFile.id))
    session.execute(ordered.with_for_update())


def record(session: Session, event: EvidenceFileEvent) -> None:
    session.add(event)
    session.flush()


def content(session: Session, file_id: int) -> bytes:
    query = select(EvidenceContent.content).where(col(EvidenceContent.evidence_file_id) == file_id)
    return session.exec(query).one()


def page(
    session: Session, after: list[Any] | None, limit: int, *, own: Collection[int], everything: bool, sha256: str | None
) -> list[Kept]:
    """By id, limit + 1 rows: those that the organisations `own` may know of, or all."""
    values = {
        "after": after[0] if after else None,
        "own": list(own),
        "all": everything,
        "sha256": sha256,
        "rows": limit + 1,
    }
    return [Kept(**row._asdict()) for row in session.execute(_PAGE, values)]


def removed_after(session: Session, certificate_ids: Collection[int]) -> list[Removed]:
    """Files that these certificates' results refer to, withdrawn after the certificate was granted."""
    rows = session.execute(_REMOVED, {"ids": list(certificate_ids)}).all()
    return [Removed(**row._asdict()) for row in rows]


def standing_for(session: Session, number: str | None, today: date) -> set[int]:
    """The internal keys of an organisation and of all that have become it, by its number; none for nobody."""
    own = organisations.by_organisation_number(session, number) if number else None
    if own is None:
        return set()
    before = {step.predecessor for steps in organisations.steps_before(session, [own]).values() for step in steps}
    resolved = organisations.resolve(session, before, today)
    return {own} | {one for one, heirs in resolved.items() if own in {heir for heir, _ in heirs}}
