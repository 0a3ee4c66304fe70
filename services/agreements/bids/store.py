"""Bids as they are kept: sealed, with a receipt; every version, every step."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from services.agreements.bids.rules import BidTwice, Event, State, after
from services.agreements.db import Table
from services.agreements.mini_competitions import store as mini_competitions
from services.agreements.mini_competitions.store import Invitation, MiniCompetition
from services.agreements.sealing import store as sealing
from services.chassis import audit
from services.chassis.auth import Caller
from services.chassis.db import INSTANT, JSON, choice
from services.chassis.problems import NotFound
from services.chassis.values import new_id


class Bid(Table, table=True):
    """A supplier's bid as it now is. `sealed` is its content, `digest` the SHA-256 of that, which has salt in it."""

    __table_args__ = (
        sa.Index(
            "uq_bid_living",
            "competition_id",
            "supplier",
            unique=True,
            postgresql_where=sa.text("state <> 'withdrawn'"),
        ),
        sa.Index("ix_bid_supplier_uuid", "supplier", "uuid"),
    )
    id: int | None = Field(default=None, primary_key=True)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    competition_id: int = Field(foreign_key="minicompetition.id", index=True)
    invitation_id: int = Field(foreign_key="invitation.id")
    place_id: int = Field(foreign_key="place.id")
    supplier: str = Field(max_length=9)
    supplier_name: str = Field(max_length=200)
    state: State = Field(default=State.DRAFT, sa_type=choice(State))
    version: int = 1
    answers_version: int
    """The competition's version that it was given on."""
    sealed: bytes
    digest: str = Field(max_length=64)
    drafted_at: datetime = Field(sa_type=INSTANT)
    submitted_at: datetime | None = Field(default=None, sa_type=INSTANT)
    """When its present version came, by the database's clock."""


class BidVersion(Table, table=True):
    """A bid before it was replaced, as sealed as ever; never edited."""

    bid_id: int = Field(primary_key=True, foreign_key="bid.id")
    version: int = Field(primary_key=True)
    answers_version: int
    sealed: bytes
    digest: str = Field(max_length=64)
    submitted_at: datetime = Field(sa_type=INSTANT)
    replaced_at: datetime = Field(sa_type=INSTANT)


class BidEvent(Table, table=True):
    """What happened to a bid; never edited."""

    bid_id: int = Field(primary_key=True, foreign_key="bid.id")
    sequence: int = Field(primary_key=True)
    event: Event = Field(sa_type=choice(Event))
    state: State = Field(sa_type=choice(State))
    organisation: str | None = Field(default=None, max_length=9)
    """Who took the step; null: the service itself, at the deadline or the opening."""
    reason: str | None = Field(default=None, max_length=2000)
    detail: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    recorded_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs={"server_default": sa.func.clock_timestamp()})


class BidDocument(Table, table=True):
    """A document of one version of a bid, sealed; its name and type stand in the bid's content."""

    bid_id: int = Field(primary_key=True, foreign_key="bid.id")
    version: int = Field(primary_key=True)
    position: int = Field(primary_key=True)
    sealed: bytes
    sealed_sha256: str = Field(max_length=64)


class BidNotFound(NotFound):
    """You have no bid with this id in this mini-competition."""


@dataclass(frozen=True)
class Content:
    """What a bid says, in one form of bytes (see `bids.shapes`), and its documents."""

    text: bytes
    documents: Sequence[bytes]

    @property
    def digest(self) -> str:
        return sha256(self.text).hexdigest()


_SEQUENCE = sa.text("SELECT coalesce(max(sequence), 0) + 1 FROM bidevent WHERE bid_id = :id")
_EVENT = sa.insert(BidEvent)


def draft(
    session: Session,
    caller: Caller,
    competition: MiniCompetition,
    invitation: Invitation,
    content: Content,
    at: datetime,
    uuid: UUID | None = None,
) -> Bid:
    """Keep a new bid, sealed; the competition is held."""
    row = Bid(
        uuid=uuid or new_id(),
        competition_id=competition.id or 0,
        invitation_id=invitation.id or 0,
        place_id=invitation.place_id,
        supplier=invitation.supplier,
        supplier_name=invitation.supplier_name,
        answers_version=competition.version,
        sealed=b"",
        digest=content.digest,
        drafted_at=at,
    )
    row.sealed = _sealed(competition, row, content.text)
    session.add(row)
    try:
        session.flush()
    except IntegrityError:
        raise BidTwice from None
    _keep_documents(session, competition, row, content)
    audit.record(session, caller, "bid.draft", path(competition, row), version=row.version)
    return row


def replace(
    session: Session, caller: Caller, competition: MiniCompetition, row: Bid, content: Content, at: datetime
) -> None:
    """Another content in the place of what was submitted, which is kept as it was."""
    assert row.submitted_at
    session.add(
        BidVersion(
            bid_id=row.id or 0,
            version=row.version,
            answers_version=row.answers_version,
            sealed=row.sealed,
            digest=row.digest,
            submitted_at=row.submitted_at,
            replaced_at=at,
        )
    )
    row.version += 1
    row.answers_version, row.digest, row.submitted_at = competition.version, content.digest, at
    row.sealed = _sealed(competition, row, content.text)
    move(session, caller, competition, row, Event.REPLACE)
    _keep_documents(session, competition, row, content)


def move(
    session: Session,
    caller: Caller | None,
    competition: MiniCompetition,
    row: Bid,
    event: Event,
    *,
    reason: str | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Take a step of the state table, on the record; MoveRefused where there is none. The competition is locked, or
    held and the bid locked. The feed is told nothing: what may be told of bids, the competition's own steps tell."""
    row.state = after(row.state, event)
    session.flush()
    session.execute(
        _EVENT,
        {
            "bid_id": row.id,
            "sequence": session.execute(_SEQUENCE, {"id": row.id}).scalar_one(),
            "event": event,
            "state": row.state,
            "organisation": caller.organisation if caller else None,
            "reason": reason,
            "detail": detail,
        },
    )
    told: dict[str, Any] = {"state": row.state.value, "version": row.version, "reason": reason}
    audit.record(session, caller, f"bid.{event}", path(competition, row), **told)


def own(session: Session, competition: MiniCompetition, uuid: UUID, supplier: str, *, locked: bool = False) -> Bid:
    """A supplier's own bid; for a step of it, locked after the competition is held."""
    query = select(Bid).where(
        col(Bid.uuid) == uuid, col(Bid.competition_id) == competition.id, col(Bid.supplier) == supplier
    )
    if locked:
        query = query.with_for_update().execution_options(populate_existing=True)
    return _found(session.exec(query).one_or_none(), uuid)


def by_uuid(session: Session, competition: MiniCompetition, uuid: UUID) -> Bid:
    """Any bid that has been opened, for the buyer."""
    query = select(Bid).where(col(Bid.uuid) == uuid, col(Bid.competition_id) == competition.id, _opened())
    return _found(session.exec(query).one_or_none(), uuid)


def opened(session: Session, competition_id: int) -> Sequence[Bid]:
    """All that have been opened, in the order in which they came."""
    query = select(Bid).where(col(Bid.competition_id) == competition_id, _opened())
    return session.exec(query.order_by(col(Bid.submitted_at), col(Bid.id))).all()


def of_supplier(session: Session, competition_id: int, supplier: str) -> Sequence[Bid]:
    """A supplier's own, those that it took back included, oldest first."""
    query = select(Bid).where(col(Bid.competition_id) == competition_id, col(Bid.supplier) == supplier)
    return session.exec(query.order_by(col(Bid.id))).all()


def in_states(session: Session, competition_id: int, *states: State) -> Sequence[Bid]:
    """For the service's own work, the competition locked: by id."""
    query = select(Bid).where(col(Bid.competition_id) == competition_id, col(Bid.state).in_(states))
    return session.exec(query.order_by(col(Bid.id)).execution_options(populate_existing=True)).all()


def events(session: Session, bid_id: int) -> Sequence[BidEvent]:
    """Oldest first."""
    return session.exec(select(BidEvent).where(col(BidEvent.bid_id) == bid_id).order_by(col(BidEvent.sequence))).all()


def documents(session: Session, bid_id: int, version: int) -> Sequence[BidDocument]:
    query = select(BidDocument).where(col(BidDocument.bid_id) == bid_id, col(BidDocument.version) == version)
    return session.exec(query.order_by(col(BidDocument.position))).all()


def bound(competition: MiniCompetition, row: Bid, *more: object) -> tuple[object, ...]:
    """What a sealed content belongs to, and is opened together with."""
    return (competition.uuid, row.uuid, row.version, *more)


def path(competition: MiniCompetition, row: Bid) -> str:
    return f"{mini_competitions.path(competition.uuid)}/bids/{row.uuid}"


def _found(row: Bid | None, uuid: UUID) -> Bid:
    if row is None:
        raise BidNotFound(f"No bid {uuid} among yours.")
    return row


def _opened() -> sa.ColumnElement[bool]:
    """By the opening, so that one that was taken back before it is never shown."""
    reached = sa.exists().where(col(BidEvent.bid_id) == col(Bid.id), col(BidEvent.event) == Event.OPEN)
    return reached


def _sealed(competition: MiniCompetition, row: Bid, content: bytes, *more: object) -> bytes:
    assert competition.public_key
    return sealing.seal(competition.public_key, content, *bound(competition, row, *more))


def _keep_documents(session: Session, competition: MiniCompetition, row: Bid, content: Content) -> None:
    for position, one in enumerate(content.documents, 1):
        sealed = _sealed(competition, row, one, position)
        session.add(
            BidDocument(
                bid_id=row.id or 0,
                version=row.version,
                position=position,
                sealed=sealed,
                sealed_sha256=sha256(sealed).hexdigest(),
            )
        )
    session.flush()
