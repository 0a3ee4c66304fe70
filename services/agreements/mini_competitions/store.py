"""Mini-competitions as they are kept: terms, history, and whom the lot made them invite."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from services.agreements.db import Table
from services.agreements.frameworks.store import FrameworkAgreement
from services.agreements.mini_competitions.rules import Event, State, after
from services.chassis import audit, feed
from services.chassis.auth import Caller
from services.chassis.clock import now
from services.chassis.db import INSTANT, JSON, MONEY, choice
from services.chassis.problems import NotFound
from services.chassis.values import new_id

NUMBERS = sa.Sequence("mini_competition_number", metadata=Table.metadata)
DRAFTED, CHANGED = "draft", "change"
"""In the history before the state table's events."""


class MiniCompetition(Table, table=True):
    """One competition. Amounts in NOK without VAT."""

    id: int | None = Field(default=None, primary_key=True)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    number: str = Field(default="", unique=True, max_length=20)
    framework_id: int = Field(foreign_key="frameworkagreement.id", index=True)
    lot_id: int = Field(foreign_key="lot.id")
    framework: str = Field(max_length=80)
    lot: str = Field(max_length=80)
    owner: str = Field(max_length=9)
    """The framework owner, who reads it from its publication on."""
    buyer_id: UUID
    buyer: str = Field(max_length=9)
    buyer_name: str = Field(max_length=200)
    participant_id: int = Field(foreign_key="participant.id")
    title: dict[str, str] = Field(sa_type=JSON)
    description: dict[str, str] | None = Field(default=None, sa_type=JSON)
    need: UUID | None = None
    """In the catalogue."""
    specification: str | None = Field(default=None, max_length=80)
    specification_version: str | None = Field(default=None, max_length=40)
    needed_on: date
    reference: str | None = Field(default=None, max_length=200)
    lines: list[dict[str, Any]] = Field(sa_type=JSON)
    """`[{"item", "quantity"}]`"""
    criteria: list[dict[str, Any]] = Field(sa_type=JSON)
    """See `rules.Criterion`; numbers as text."""
    tie_rule: list[str] = Field(sa_type=JSON)
    above_price_list: bool = False
    """Whether a bid may be above the supplier's price list."""
    questions_until: datetime | None = Field(default=None, sa_type=INSTANT)
    deadline: datetime = Field(sa_type=INSTANT)
    standstill_days: int = 0
    evaluators: list[dict[str, Any]] = Field(sa_type=JSON)
    """`[{"code", "title"}]`: roles, never persons."""
    state: State = Field(default=State.DRAFT, sa_type=choice(State))
    version: int = 1
    bids_from_version: int = 1
    """A bid that was given on an earlier version does not answer this one."""
    value: Decimal | None = Field(default=None, sa_type=MONEY)
    """The basket at the price lists' dearest, when it was published: it decides the method, and the price formula's
    ceiling."""
    value_secret: bool = False
    """Whether a price that it was computed from is a business secret."""
    lot_seed: str | None = Field(default=None, max_length=64)
    """Drawn at publication, for a tie that is decided by lot."""
    public_key: bytes | None = None
    wrapped_key: bytes | None = None
    """Its private key as the service's sealing key keeps it, until the bids are opened."""
    drafted_at: datetime = Field(default_factory=now, sa_type=INSTANT)
    published_at: datetime | None = Field(default=None, sa_type=INSTANT)
    opened_at: datetime | None = Field(default=None, sa_type=INSTANT)
    call_off: UUID | None = Field(default=None, unique=True)
    """What its award became."""
    __table_args__ = (
        sa.Index("ix_minicompetition_buyer_uuid", "buyer", "uuid"),
        sa.Index("ix_minicompetition_owner", "owner"),
        sa.Index("ix_minicompetition_due", "deadline", postgresql_where=sa.text("state = 'open'")),
    )


class MiniCompetitionEvent(Table, table=True):
    """What happened to a mini-competition; never edited."""

    competition_id: int = Field(primary_key=True, foreign_key="minicompetition.id")
    sequence: int = Field(primary_key=True)
    event: str = Field(max_length=40)
    state: State = Field(sa_type=choice(State))
    organisation: str | None = Field(default=None, max_length=9)
    """Who took the step; null: the service itself, by the calendar."""
    reason: str | None = Field(default=None, max_length=2000)
    detail: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    recorded_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs={"server_default": sa.func.clock_timestamp()})


class Invitation(Table, table=True):
    """A supplier that the lot made the competition invite; never edited."""

    __table_args__ = (sa.UniqueConstraint("competition_id", "place_id"),)
    id: int | None = Field(default=None, primary_key=True)
    competition_id: int = Field(foreign_key="minicompetition.id")
    place_id: int = Field(foreign_key="place.id")
    supplier: str = Field(max_length=9, index=True)
    supplier_name: str = Field(max_length=200)
    rank: int
    prices: dict[str, Any] = Field(sa_type=JSON)
    """Its price list at publication for the competition's items: see `Listed`; amounts as text."""
    invited_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs={"server_default": sa.func.clock_timestamp()})


@dataclass(frozen=True)
class Listed:
    """An item on an invited supplier's price list, as it was at publication."""

    item: str
    name: dict[str, str]
    unit: str
    unit_price: Decimal
    vat_percent: Decimal
    product: str | None
    version: int
    component: str | None


class MiniCompetitionNotFound(NotFound):
    """You have no mini-competition with this id."""


_NUMBER = sa.text(
    "SELECT 'MK-' || :year || '-' || lpad(n, greatest(6, length(n)), '0') "
    "FROM (SELECT nextval('mini_competition_number')::text AS n) AS drawn"
)
_CLOCK = sa.text("SELECT clock_timestamp()")
_SEQUENCE = sa.text("SELECT coalesce(max(sequence), 0) + 1 FROM minicompetitionevent WHERE competition_id = :id")
_EVENT = sa.insert(MiniCompetitionEvent)


def clock(session: Session) -> datetime:
    """The database's clock, which decides what is late; asked after the competition is locked."""
    found: datetime = session.execute(_CLOCK).scalar_one()
    return found


def add(session: Session, caller: Caller | None, row: MiniCompetition) -> MiniCompetition:
    """Keep a new draft, with its number."""
    row.number = session.execute(_NUMBER, {"year": str(row.drafted_at.year)}).scalar_one()
    session.add(row)
    session.flush()
    tell(session, row, DRAFTED, caller)
    return row


def visible(session: Session, uuid: UUID, organisation: str) -> MiniCompetition:
    """For its buyer; from its publication on also for the framework owner and who is invited. There is none for all
    others."""
    found = session.exec(
        select(MiniCompetition).where(col(MiniCompetition.uuid) == uuid, _seen_by(organisation))
    ).one_or_none()
    if found is None:
        raise MiniCompetitionNotFound(f"No mini-competition {uuid} among yours.")
    return found


def bought(session: Session, uuid: UUID, organisation: str) -> MiniCompetition:
    """For its buyer alone, to be looked at before it is locked."""
    found = visible(session, uuid, organisation)
    if found.buyer != organisation:
        raise MiniCompetitionNotFound(f"No mini-competition {uuid} among yours.")
    return found


def locked(session: Session, uuid: UUID, organisation: str) -> MiniCompetition:
    """For a step of its buyer: nothing else happens to it, and no bid comes in, until this transaction ends."""
    mine = select(MiniCompetition).where(col(MiniCompetition.uuid) == uuid, col(MiniCompetition.buyer) == organisation)
    query = mine.with_for_update().execution_options(populate_existing=True)
    found = session.exec(query).one_or_none()
    if found is None:
        raise MiniCompetitionNotFound(f"No mini-competition {uuid} among yours.")
    return found


def by_id(session: Session, competition_id: int) -> MiniCompetition:
    """For the service's own work: locked."""
    query = select(MiniCompetition).where(col(MiniCompetition.id) == competition_id).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).one()


def held(session: Session, uuid: UUID, supplier: str) -> tuple[MiniCompetition, Invitation]:
    """For who is invited: it does not move on until this transaction ends, and other bids come in beside this one."""
    query = (
        select(MiniCompetition, Invitation)
        .join(Invitation, col(Invitation.competition_id) == col(MiniCompetition.id))
        .where(col(MiniCompetition.uuid) == uuid, col(Invitation.supplier) == supplier)
    )
    shared = query.with_for_update(read=True, of=MiniCompetition).execution_options(populate_existing=True)
    found = session.exec(shared).one_or_none()
    if found is None:
        raise MiniCompetitionNotFound(f"No mini-competition {uuid} among those that you are invited to.")
    return found[0], found[1]


def page(
    session: Session, organisation: str, after: UUID | None, limit: int, *, state: State | None, framework: str | None
) -> Sequence[MiniCompetition]:
    """Newest first."""
    query = select(MiniCompetition).where(_seen_by(organisation)).order_by(col(MiniCompetition.uuid).desc())
    if after:
        query = query.where(col(MiniCompetition.uuid) < after)
    if state:
        query = query.where(col(MiniCompetition.state) == state)
    if framework:
        query = query.where(col(MiniCompetition.framework) == framework)
    return session.exec(query.limit(limit + 1)).all()


def invitations(session: Session, competition_id: int) -> Sequence[Invitation]:
    """By rank."""
    query = select(Invitation).where(col(Invitation.competition_id) == competition_id)
    return session.exec(query.order_by(col(Invitation.rank))).all()


def listed(invitation: Invitation) -> dict[str, Listed]:
    """By item."""
    return {
        item: Listed(
            item,
            kept["name"],
            kept["unit"],
            Decimal(kept["unit_price"]),
            Decimal(kept["vat_percent"]),
            kept["product"],
            kept["version"],
            kept["component"],
        )
        for item, kept in invitation.prices.items()
    }


def events(session: Session, competition_id: int) -> Sequence[MiniCompetitionEvent]:
    """Oldest first."""
    query = select(MiniCompetitionEvent).where(col(MiniCompetitionEvent.competition_id) == competition_id)
    return session.exec(query.order_by(col(MiniCompetitionEvent.sequence))).all()


def move(
    session: Session,
    caller: Caller | None,
    row: MiniCompetition,
    event: Event,
    *,
    reason: str | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Take a step of the state table, on the record; MoveRefused where there is none. The competition is locked."""
    row.state = after(row.state, event)
    session.flush()
    tell(session, row, event.value, caller, reason, detail)


def tell(
    session: Session,
    row: MiniCompetition,
    event: str,
    caller: Caller | None,
    reason: str | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Put on the record what happened: history, audit trail, feed. Before the publication it is the buyer's alone."""
    sequence = session.execute(_SEQUENCE, {"id": row.id}).scalar_one()
    session.execute(
        _EVENT,
        {
            "competition_id": row.id,
            "sequence": sequence,
            "event": event,
            "state": row.state,
            "organisation": caller.organisation if caller else None,
            "reason": reason,
            "detail": detail,
        },
    )
    where = path(row.uuid)
    told = {"detail": detail} if detail else {}
    audit.record(session, caller, f"mini_competition.{event}", where, state=row.state.value, reason=reason, **told)
    feed.tell_all(
        session,
        f"mini_competition.{event}",
        where,
        parties(session, row),
        id=str(row.uuid),
        number=row.number,
        state=row.state.value,
        version=row.version,
    )


def parties(session: Session, row: MiniCompetition) -> list[str]:
    """Who is told of it: the buyer; once it is published the framework owner and who is invited too."""
    if row.published_at is None:
        return [row.buyer]
    invited = [one.supplier for one in invitations(session, row.id or 0)]
    return list(dict.fromkeys([row.buyer, row.owner, *invited]))


def due(session: Session) -> Sequence[int]:
    """Competitions whose deadline has passed by the database's clock and that are still open."""
    query = select(col(MiniCompetition.id)).where(
        col(MiniCompetition.state) == State.OPEN, col(MiniCompetition.deadline) <= sa.func.clock_timestamp()
    )
    return [one or 0 for one in session.exec(query.order_by(col(MiniCompetition.id)))]


def owner_of(session: Session, framework_id: int) -> str:
    return session.get_one(FrameworkAgreement, framework_id).owner_number


def path(uuid: UUID) -> str:
    return f"/mini-competitions/{uuid}"


def _seen_by(organisation: str) -> sa.ColumnElement[bool]:
    invited = sa.exists().where(
        col(Invitation.competition_id) == col(MiniCompetition.id), col(Invitation.supplier) == organisation
    )
    published = col(MiniCompetition.published_at).is_not(None)
    return sa.or_(
        col(MiniCompetition.buyer) == organisation,
        sa.and_(published, sa.or_(col(MiniCompetition.owner) == organisation, invited)),
    )
