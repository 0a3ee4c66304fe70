"""Framework agreements as they are kept, with their lots and participants."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from services.agreements.db import Table
from services.agreements.frameworks.rules import (
    RUNNING,
    ContractKind,
    Event,
    LotKind,
    Maximum,
    NotOwner,
    Role,
    State,
    after,
    reached,
)
from services.agreements.ledger import store as ledger
from services.agreements.ledger.rules import VALUE, Scope
from services.agreements.price_terms.rules import DEFAULT
from services.chassis import audit, feed
from services.chassis.auth import Caller
from services.chassis.clock import now
from services.chassis.db import INSTANT, JSON, MONEY, choice
from services.chassis.problems import Conflict, NotFound

REGISTER, CHANGE = "register", "change"
"""In the history beside the state table's events: a draft was made, or changed."""
FACTOR = sa.Numeric(6, 4)


class FrameworkAgreement(Table, table=True):
    id: int | None = Field(default=None, primary_key=True)
    slug: str = Field(unique=True, max_length=80)
    title: dict[str, str] = Field(sa_type=JSON)
    owner_id: UUID
    owner_number: str = Field(max_length=9)
    owner_name: str = Field(max_length=200)
    state: State = Field(sa_type=choice(State))
    notice_reference: str | None = Field(default=None, max_length=80)
    cpv: list[str] = Field(sa_type=ARRAY(sa.String(10)))
    starts_on: date
    ends_on: date
    extensions: list[date] = Field(default_factory=list, sa_type=ARRAY(sa.Date))
    """Announced options for extension: the last day with each, in the order in which they are used."""
    period_rationale: str | None = Field(default=None, max_length=2000)
    estimate: Decimal | None = Field(default=None, sa_type=MONEY)
    approval_limit: Decimal = Field(sa_type=MONEY)
    role: Role = Field(default=Role.FRAMEWORK_OWNER, sa_type=choice(Role))
    manager: str | None = Field(default=None, max_length=200)
    manager_contact: str | None = Field(default=None, max_length=200)
    contract_kind: ContractKind = Field(default=ContractKind.GOODS_SERVICES, sa_type=choice(ContractKind))
    announced_on: date | None = None
    announcement: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    """What was announced, frozen: thresholds relied on, participants, ceilings, bands."""
    accession_from_on: date | None = None
    accession_to_on: date | None = None
    accession_notice_days: int = 90
    response_days: int = 5
    """Calendar days that a supplier has to answer an order."""
    reservation_days: int = 14
    """Calendar days that room is held for a call-off that is not sent."""
    estimate_told: int = 0
    """The highest share of the estimate, in per cent, that has been warned of."""
    revision: int = 1
    created_at: datetime = Field(default_factory=now, sa_type=INSTANT)


class Lot(Table, table=True):
    __table_args__ = (sa.UniqueConstraint("framework_id", "slug"),)
    id: int | None = Field(default=None, primary_key=True)
    framework_id: int = Field(foreign_key="frameworkagreement.id")
    slug: str = Field(max_length=80)
    title: dict[str, str] = Field(sa_type=JSON)
    kind: LotKind = Field(default=LotKind.PRODUCTS, sa_type=choice(LotKind))
    bands: list[dict[str, str]] = Field(sa_type=JSON)
    """See `rules.bands`."""
    conditions: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    """Announced objective conditions for a documented choice: `[{"code", "text"}]`."""
    specification: str | None = Field(default=None, max_length=80)
    specification_version: str | None = Field(default=None, max_length=40)
    delivery_obligation: bool = True
    """Whether a supplier may decline on the announced grounds only."""
    decline_grounds: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    delivery_days_after_end: int = 180
    split_window_days: int = 365
    """Call-offs of one buyer within so many days count as one when the band is found; 0: each counts alone."""
    competition_may_exceed_price_list: bool = Field(
        default=False, sa_column_kwargs={"server_default": sa.text("false")}
    )
    """Whether bids in a mini-competition may be above the price lists."""
    index_clause: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    """How an index moves its prices, see `price_terms.rules.Clause`; None: it does not."""
    lowest_factor: Decimal = Field(default=DEFAULT.lowest, sa_type=FACTOR)
    highest_factor: Decimal = Field(default=DEFAULT.highest, sa_type=FACTOR)
    """How far a price may come from the first price list's, as a factor of that."""


class FrameworkEvent(Table, table=True):
    """What happened to a framework agreement; never edited."""

    framework_id: int = Field(primary_key=True, foreign_key="frameworkagreement.id")
    sequence: int = Field(primary_key=True)
    event: str = Field(max_length=40)
    state: State = Field(sa_type=choice(State))
    organisation: str | None = Field(default=None, max_length=9)
    reason: str | None = Field(default=None, max_length=2000)
    recorded_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs={"server_default": sa.func.clock_timestamp()})


class Participant(Table, table=True):
    """A contracting authority named in the notice. The list is closed once announced (C-216/17)."""

    __table_args__ = (sa.UniqueConstraint("framework_id", "number"),)
    id: int | None = Field(default=None, primary_key=True)
    framework_id: int = Field(foreign_key="frameworkagreement.id")
    organisation_id: UUID
    number: str = Field(max_length=9, index=True)
    name: str = Field(max_length=200)


class FrameworkAgreementNotFound(NotFound):
    """No framework agreement has this name."""


class LotNotFound(NotFound):
    """The framework agreement has no such lot."""


class FrameworkAgreementSlugTaken(Conflict):
    """Another framework agreement already has this name."""


def add(session: Session, agreement: FrameworkAgreement) -> FrameworkAgreement:
    session.add(agreement)
    try:
        session.flush()
    except IntegrityError:
        raise FrameworkAgreementSlugTaken(f"{agreement.slug!r} is taken.") from None
    return agreement


def by_slug(session: Session, slug: str, *, locked: bool = False) -> FrameworkAgreement:
    query = select(FrameworkAgreement).where(col(FrameworkAgreement.slug) == slug)
    found = session.exec(query.with_for_update() if locked else query).one_or_none()
    if found is None:
        raise FrameworkAgreementNotFound(f"No framework agreement is called {slug!r}.")
    return found


def visible(session: Session, slug: str, viewer: str | None) -> FrameworkAgreement:
    """The same for a reader: what has not been announced is its owner's alone, so that no supplier reads before the
    others what will be competed for."""
    found = by_slug(session, slug)
    if found.announced_on is None and found.owner_number != viewer:
        raise FrameworkAgreementNotFound(f"No framework agreement is called {slug!r}.")
    return found


def owned(session: Session, slug: str, organisation: str) -> FrameworkAgreement:
    """The agreement, locked for a change by its owner; anyone else is refused."""
    agreement = by_slug(session, slug, locked=True)
    if agreement.owner_number != organisation:
        visible(session, slug, organisation)
        raise NotOwner(f"It is owned by {agreement.owner_name}.")
    return agreement


def page(
    session: Session, after: list[Any] | None, limit: int, state: State | None, viewer: str | None
) -> Sequence[FrameworkAgreement]:
    query = select(FrameworkAgreement).order_by(col(FrameworkAgreement.slug)).limit(limit + 1)
    query = query.where(
        col(FrameworkAgreement.announced_on).is_not(None) | (col(FrameworkAgreement.owner_number) == viewer)
    )
    if after:
        query = query.where(col(FrameworkAgreement.slug) > after[0])
    if state:
        query = query.where(col(FrameworkAgreement.state) == state)
    return session.exec(query).all()


def lots(session: Session, framework_id: int) -> Sequence[Lot]:
    query = select(Lot).where(col(Lot.framework_id) == framework_id).order_by(col(Lot.slug))
    return session.exec(query).all()


def lot(session: Session, framework_id: int, slug: str) -> Lot:
    found = session.exec(select(Lot).where(col(Lot.framework_id) == framework_id, col(Lot.slug) == slug)).one_or_none()
    if found is None:
        raise LotNotFound(f"No lot is called {slug!r} here.")
    return found


def participants(session: Session, framework_id: int) -> Sequence[Participant]:
    query = select(Participant).where(col(Participant.framework_id) == framework_id).order_by(col(Participant.number))
    return session.exec(query).all()


_WITHOUT_PLACE = sa.text(
    "SELECT l.slug FROM lot l WHERE l.framework_id = :id "
    "AND NOT EXISTS (SELECT 1 FROM place p WHERE p.lot_id = l.id) ORDER BY l.slug"
)


def lots_without_place(session: Session, framework_id: int) -> list[str]:
    return [row.slug for row in session.execute(_WITHOUT_PLACE, {"id": framework_id})]


def add_part(session: Session, scope: Scope, row: Lot | Participant, maximum: Maximum) -> None:
    """A lot or a participant, with what may be called off in it or by it."""
    session.add(row)
    session.flush()
    open_balances(session, scope, row.id or 0, maximum)


def open_balances(session: Session, scope: Scope, subject_id: int, maximum: Maximum) -> None:
    ledger.open_balance(session, scope, subject_id, maximum.value)
    for item, quantity in maximum.quantities:
        ledger.open_balance(session, scope, subject_id, Decimal(quantity), item=item)


def quantities(session: Session, scope: Scope, subject_ids: Sequence[int]) -> list[tuple[int, str, int]]:
    """Announced maximum quantities: (subject, item, units)."""
    here = ledger.Balance
    rows = session.execute(
        select(col(here.subject_id), col(here.item), col(here.ceiling))
        .where(col(here.scope) == scope, col(here.subject_id).in_(subject_ids), col(here.item) != VALUE)
        .order_by(col(here.subject_id), col(here.item))
    )
    return [(row.subject_id, row.item, int(row.ceiling)) for row in rows]


_CLEARED = tuple(
    sa.text(statement)
    for statement in (
        "DELETE FROM balance WHERE scope = 'lot' AND subject_id IN (SELECT id FROM lot WHERE framework_id = :id)",
        "DELETE FROM balance WHERE scope = 'buyer' "
        "AND subject_id IN (SELECT id FROM participant WHERE framework_id = :id)",
        "DELETE FROM balance WHERE scope = 'framework_agreement' AND subject_id = :id",
        "DELETE FROM lot WHERE framework_id = :id",
        "DELETE FROM participant WHERE framework_id = :id",
    )
)


def clear_terms(session: Session, framework_id: int) -> None:
    """Lots, participants and ceilings of a draft, which are given anew: nobody has used them before it is announced."""
    for statement in _CLEARED:
        session.execute(statement, {"id": framework_id})
    session.expire_all()


_EVENT = sa.insert(FrameworkEvent)
_SEQUENCE = sa.text("SELECT coalesce(max(sequence), 0) + 1 FROM frameworkevent WHERE framework_id = :id")


def tell(
    session: Session,
    agreement: FrameworkAgreement,
    event: str,
    caller: Caller | None,
    reason: str | None = None,
    **detail: Any,
) -> None:
    """Put on the record what happened to an agreement that is locked: history, audit trail, feed. What happens before
    the announcement is told to its owner only."""
    sequence = session.execute(_SEQUENCE, {"id": agreement.id}).scalar_one()
    session.execute(
        _EVENT,
        {
            "framework_id": agreement.id,
            "sequence": sequence,
            "event": event,
            "state": agreement.state,
            "organisation": caller.organisation if caller else None,
            "reason": reason,
        },
    )
    audit.record(session, caller, f"framework_agreement.{event}", path(agreement.slug), reason=reason, **detail)
    seen_by = agreement.owner_number if agreement.announced_on is None else None
    feed.tell(
        session, f"framework_agreement.{event}", path(agreement.slug), seen_by, state=agreement.state.value, event=event
    )


def happened(
    session: Session, agreement: FrameworkAgreement, event: Event, caller: Caller | None, reason: str | None = None
) -> None:
    """Take a step of the state table, on the record; MoveRefused where there is none. The agreement is locked."""
    before = agreement.state
    agreement.state = after(before, event)
    agreement.revision += 1
    tell(session, agreement, event.value, caller, reason, before=before.value)


def events(session: Session, framework_id: int) -> Sequence[FrameworkEvent]:
    query = select(FrameworkEvent).where(col(FrameworkEvent.framework_id) == framework_id)
    return session.exec(query.order_by(col(FrameworkEvent.sequence))).all()


def due_to_expire(session: Session, today: date) -> Sequence[FrameworkAgreement]:
    """Agreements whose last day has passed, locked; one that somebody else changes just now is left for the next
    look."""
    query = select(FrameworkAgreement).where(
        col(FrameworkAgreement.state).in_(RUNNING), col(FrameworkAgreement.ends_on) < today
    )
    return session.exec(query.order_by(col(FrameworkAgreement.id)).with_for_update(skip_locked=True)).all()


def exhaust_if_reached(session: Session, framework_id: int) -> bool:
    """After a posting, in its transaction: active → exhausted when what is posted has reached the maximum. The lock on
    the agreement is never waited for, as the posting holds balances already; if another change has it just now, the
    worker's look (`exhaust_due`) comes by a moment later. → whether it is exhausted now"""
    if not _reached(session, framework_id):
        return False
    query = select(FrameworkAgreement).where(
        col(FrameworkAgreement.id) == framework_id, col(FrameworkAgreement.state) == State.ACTIVE
    )
    agreement = session.exec(query.with_for_update(skip_locked=True, key_share=True)).one_or_none()
    if agreement is None:
        return False
    happened(session, agreement, Event.EXHAUST, None)
    return True


_FULL = sa.text(
    "SELECT f.id FROM frameworkagreement f WHERE f.state = 'active' AND EXISTS (SELECT 1 FROM balance b "
    "WHERE b.scope = 'framework_agreement' AND b.subject_id = f.id AND b.ceiling > 0 AND b.posted >= b.ceiling) "
    "ORDER BY f.id"
)


def exhaust_due(session: Session) -> int:
    """Exhaust what a posting could not. → how many"""
    return sum(exhaust_if_reached(session, row.id) for row in session.execute(_FULL).all())


def _reached(session: Session, framework_id: int) -> bool:
    value = ledger.room(session, Scope.FRAMEWORK_AGREEMENT, [framework_id])[framework_id]
    counted = ledger.quantity_room(session, Scope.FRAMEWORK_AGREEMENT, framework_id).values()
    quantities = [(one.ceiling, one.posted) for one in counted if one.ceiling is not None]
    return reached((value.ceiling, value.posted), quantities)


def path(slug: str) -> str:
    return f"/framework-agreements/{slug}"
