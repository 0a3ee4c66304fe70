"""Recall notices as they are kept: one for each recall and organisation."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, col, select

from services.catalog.db import Table
from services.catalog.recall_notices.rules import Measure, State
from services.chassis.db import INSTANT, choice
from services.chassis.problems import NotFound
from services.chassis.values import new_id


class RecallNotice(Table, table=True):
    """That an organisation was told of a recall, that it was told of its end, and what it answered last."""

    __tablename__ = "recall_notice"
    __table_args__ = (
        sa.UniqueConstraint("recall_id", "organisation_id"),
        sa.Index("ix_recall_notice_organisation_id_uuid", "organisation_id", "uuid"),
    )
    id: int = Field(default=None, primary_key=True)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    recall_id: int = Field(foreign_key="recall.id")
    organisation_id: int = Field(foreign_key="organisation.id")
    told_at: datetime = Field(sa_type=INSTANT)
    end_told_at: datetime | None = Field(default=None, sa_type=INSTANT)
    measure: Measure | None = Field(default=None, sa_type=choice(Measure))
    comment: str | None = Field(default=None, max_length=2000)
    acknowledged_at: datetime | None = Field(default=None, sa_type=INSTANT)
    revision: int = Field(default=1, sa_column_kwargs={"server_default": "1"})

    @property
    def path(self) -> str:
        return f"/recall-notices/{self.uuid}"

    @property
    def state(self) -> State:
        return State.ACKNOWLEDGED if self.acknowledged_at else State.TOLD


class RecallNoticeNotFound(NotFound):
    """Your organisation has no recall notice with this id."""


_LEFT = sa.text(
    """
    SELECT wanted.id FROM unnest(CAST(:ids AS int[])) WITH ORDINALITY AS wanted (id, place)
     WHERE NOT EXISTS (SELECT 1 FROM recall_notice n WHERE n.recall_id = :recall AND n.organisation_id = wanted.id)
     ORDER BY wanted.place LIMIT :limit
    """
)


def not_told(session: Session, recall_id: int, ids: Sequence[int], limit: int) -> list[int]:
    """The next of these organisations that have no notice of the recall yet."""
    values = {"ids": list(ids), "recall": recall_id, "limit": limit}
    return list(session.execute(_LEFT, values).scalars())


def add(
    session: Session, recall_id: int, organisations: Sequence[tuple[int, UUID]], told_at: datetime
) -> list[tuple[int, UUID]]:
    """Keep a notice for each; → those that had none before"""
    if not organisations:
        return []
    rows = [
        {"uuid": uuid, "recall_id": recall_id, "organisation_id": id, "told_at": told_at} for id, uuid in organisations
    ]
    new = insert(RecallNotice).values(rows).on_conflict_do_nothing(index_elements=["recall_id", "organisation_id"])
    added = session.execute(new.returning(col(RecallNotice.organisation_id), col(RecallNotice.uuid)))
    return [(row.organisation_id, row.uuid) for row in added]


def not_told_of_end(session: Session, recall_id: int, limit: int) -> Sequence[RecallNotice]:
    here = RecallNotice
    query = select(here).where(col(here.recall_id) == recall_id, col(here.end_told_at).is_(None))
    return session.exec(query.order_by(col(here.id)).limit(limit).with_for_update()).all()


def locked(session: Session, uuid: UUID, organisation_ids: Collection[int]) -> RecallNotice:
    query = select(RecallNotice).where(
        col(RecallNotice.uuid) == uuid, col(RecallNotice.organisation_id).in_(organisation_ids)
    )
    found = session.exec(query.with_for_update()).one_or_none()
    if found is None:
        raise RecallNoticeNotFound(f"No recall notice {uuid} among yours.")
    return found


_SHOWN = """
    SELECT n.uuid, n.told_at, n.end_told_at, n.measure, n.comment, n.acknowledged_at, n.revision,
           o.uuid AS organisation_id, o.organisation_number, o.name, r.uuid AS recall, r.state AS recall_state,
           r.status, r.effective_on, r.ended_on, c.number AS certificate, p.slug AS product, e.reason
      FROM recall_notice n
      JOIN recall r ON r.id = n.recall_id
      JOIN certificate c ON c.id = r.certificate_id
      JOIN certificate_event e ON e.id = r.event_id
      JOIN organisation o ON o.id = n.organisation_id
      LEFT JOIN product p ON p.id = c.product_id
     WHERE n.organisation_id = ANY(:organisations)
"""
_ONE = sa.text(f"{_SHOWN} AND n.uuid = :uuid")
_PAGE = sa.text(
    f"""{_SHOWN}
       AND (CAST(:after AS uuid) IS NULL OR n.uuid < :after)
       AND (CAST(:acknowledged AS boolean) IS NULL OR (n.acknowledged_at IS NOT NULL) = :acknowledged)
       AND (CAST(:recall AS uuid) IS NULL OR r.uuid = :recall)
     ORDER BY n.uuid DESC LIMIT :rows
    """
)


def shown(session: Session, uuid: UUID, organisation_ids: Collection[int]) -> sa.Row[Any]:
    found = session.execute(_ONE, {"uuid": uuid, "organisations": list(organisation_ids)}).one_or_none()
    if found is None:
        raise RecallNoticeNotFound(f"No recall notice {uuid} among yours.")
    return found


def page(
    session: Session,
    after: UUID | None,
    limit: int,
    *,
    organisation_ids: Collection[int],
    state: State | None,
    recall: UUID | None,
) -> Sequence[sa.Row[Any]]:
    """Newest first, limit + 1 of them."""
    values = {
        "organisations": list(organisation_ids),
        "after": after,
        "acknowledged": None if state is None else state is State.ACKNOWLEDGED,
        "recall": recall,
        "rows": limit + 1,
    }
    return session.execute(_PAGE, values).all()
