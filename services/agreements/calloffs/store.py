"""Call-offs as they are kept: the order, its frozen lines, its events, its letters."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from services.agreements.award_keys import store as award_keys
from services.agreements.calloffs.rules import (
    BEFORE_SUPPLIER,
    Choice,
    Event,
    Priced,
    State,
    Wanted,
    after,
    moved,
    sees_own_only,
)
from services.agreements.db import Table
from services.agreements.frameworks.rules import Method
from services.agreements.ledger import store as ledger
from services.agreements.ledger.rules import Kind, Moved
from services.agreements.letters import store as letters
from services.agreements.letters.store import Letter
from services.agreements.places.store import Offer
from services.agreements.shares import store as shares
from services.chassis import audit, feed
from services.chassis.auth import Caller
from services.chassis.clock import now, today
from services.chassis.db import INSTANT, JSON, MONEY, choice
from services.chassis.problems import Conflict, NotFound
from services.chassis.values import new_id

NUMBERS = sa.Sequence("call_off_number", metadata=Table.metadata)


class CallOff(Table, table=True):
    id: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    uuid: UUID = Field(unique=True)
    number: str = Field(unique=True, max_length=20)
    framework_id: int = Field(foreign_key="frameworkagreement.id", index=True)
    lot_id: int = Field(foreign_key="lot.id")
    place_id: int = Field(foreign_key="place.id")
    framework: str = Field(max_length=80)
    lot: str = Field(max_length=80)
    framework_title: dict[str, str] = Field(sa_type=JSON)
    lot_title: dict[str, str] = Field(sa_type=JSON)
    notice_owner: str = Field(max_length=200)
    buyer_id: UUID
    buyer: str = Field(max_length=9)
    buyer_name: str = Field(max_length=200)
    supplier: str = Field(max_length=9)
    supplier_name: str = Field(max_length=200)
    state: State = Field(sa_type=choice(State))
    needed_on: date
    placed_on: date
    reference: str | None = Field(default=None, max_length=200)
    net: Decimal = Field(sa_type=MONEY)
    vat: Decimal = Field(sa_type=MONEY)
    reserved: Decimal = Field(sa_type=MONEY)
    method: Method = Field(sa_type=choice(Method))
    choice: dict[str, Any] = Field(sa_type=JSON)
    specification: str | None = Field(default=None, max_length=80)
    specification_version: str | None = Field(default=None, max_length=40)
    placed_at: datetime = Field(sa_type=INSTANT)
    version: int = 1
    wanted: list[dict[str, Any]] = Field(sa_type=JSON)
    """What is asked for, `[{"item", "quantity"}]`, whoever delivers it."""
    posted: Decimal = Field(default=Decimal("0.00"), sa_type=MONEY)
    participant_id: int = Field(foreign_key="participant.id")
    basis: str = Field(max_length=40)
    hold_until_on: date | None = None
    """The last day that room is held for it unless it is sent."""
    respond_by_on: date | None = None
    """The last day for the supplier's answer."""
    waiting: str | None = Field(default=None, max_length=40)
    waiting_since: datetime | None = Field(default=None, sa_type=INSTANT)
    split_flagged: bool = False
    cost_key: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    __table_args__ = (
        sa.Index("ix_calloff_buyer_uuid", "buyer", "uuid"),
        sa.Index("ix_calloff_supplier_uuid", "supplier", "uuid"),
        sa.CheckConstraint("reserved >= 0 AND reserved <= net", name="reserved_fits"),
    )


class CallOffLine(Table, table=True):
    """A line at the price that was frozen when it was ordered."""

    call_off_id: int = Field(primary_key=True, foreign_key="calloff.id", sa_type=sa.BigInteger)
    version: int = Field(default=1, primary_key=True)
    position: int = Field(primary_key=True)
    item: str = Field(max_length=80)
    name: dict[str, str] = Field(sa_type=JSON)
    unit: str = Field(max_length=40)
    quantity: int
    unit_price: Decimal = Field(sa_type=MONEY)
    vat_percent: Decimal = Field(sa_type=sa.Numeric(5, 2))
    product: str | None = Field(default=None, max_length=80, index=True)
    price_list_version: int
    component: str | None = Field(default=None, max_length=80)


class CallOffVersion(Table, table=True):
    """A call-off as it was before its supplier or lines changed; never edited. Its lines stand under its version."""

    call_off_id: int = Field(primary_key=True, foreign_key="calloff.id", sa_type=sa.BigInteger)
    version: int = Field(primary_key=True)
    place_id: int
    supplier: str = Field(max_length=9)
    supplier_name: str = Field(max_length=200)
    method: Method = Field(sa_type=choice(Method))
    net: Decimal = Field(sa_type=MONEY)
    vat: Decimal = Field(sa_type=MONEY)
    ended_by: Event = Field(sa_type=choice(Event))
    choice: dict[str, Any] = Field(sa_type=JSON)
    needed_on: date
    ended_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs={"server_default": sa.func.clock_timestamp()})


class CallOffEvent(Table, table=True):
    """What happened to a call-off; never edited."""

    call_off_id: int = Field(primary_key=True, foreign_key="calloff.id", sa_type=sa.BigInteger)
    sequence: int = Field(primary_key=True)
    event: Event = Field(sa_type=choice(Event))
    state: State = Field(sa_type=choice(State))
    organisation: str | None = Field(default=None, max_length=9)
    """Who took the step; null: the service itself, for the award key or the calendar."""
    reason: str | None = Field(default=None, max_length=2000)
    detail: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    recorded_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs={"server_default": sa.func.clock_timestamp()})


class CallOffNotFound(NotFound):
    """You have no call-off with this id."""


class AgreementClosedMeanwhile(Conflict):
    """The framework agreement or the supplier's place was closed in this moment. Nothing was reserved."""


class Part(StrEnum):
    """As what an organisation takes part in a call-off."""

    BUYER = "buyer"
    SUPPLIER = "supplier"
    PAYER = "payer"


@dataclass(frozen=True)
class Placed:
    """A call-off that has just been kept."""

    call_off: CallOff
    lines: Sequence[Priced]
    letters: Sequence[Letter]


_NUMBER = sa.text(
    "(SELECT 'AVR-' || :year || '-' || lpad(n, greatest(6, length(n)), '0') "  # lpad would cut a seventh digit off
    "FROM (SELECT nextval('call_off_number')::text AS n) AS drawn)"
)
# Into the tables themselves: through the classes it takes twice as long.
_INSERT = (
    sa.insert(CallOff.__table__)  # type: ignore[attr-defined]  # SQLModel adds it
    .values(number=_NUMBER)
    .returning(col(CallOff.id), col(CallOff.number))
)
_INSERT_LINES = sa.insert(CallOffLine.__table__)  # type: ignore[attr-defined]  # SQLModel adds it
_INSERT_EVENTS = sa.insert(CallOffEvent.__table__)  # type: ignore[attr-defined]  # SQLModel adds it


def place(
    session: Session,
    caller: Caller | None,
    offer: Offer,
    chosen: Choice,
    *,
    buyer: str,
    events: Sequence[Event],
    wanted: Sequence[Wanted],
    needed_on: date,
    placed_on: date,
    reference: str | None,
    cost_key: dict[str, Any] | None = None,
    uuid: UUID | None = None,
) -> Placed:
    """Keep a new call-off and what follows from it in this transaction: lines, events, audit rows, letter job, feed
    event. `reserve` must come after it, as the transaction's last statement."""
    assert offer.buyer_id
    assert offer.participant_id
    row = CallOff(
        uuid=uuid or new_id(),
        number="",
        framework_id=offer.framework_id,
        lot_id=offer.lot_id,
        place_id=chosen.place_id,
        framework=offer.slug,
        lot=offer.lot,
        framework_title=offer.title,
        lot_title=offer.lot_title,
        notice_owner=offer.owner_name,
        buyer_id=offer.buyer_id,
        buyer=buyer,
        buyer_name=offer.buyer_name or "",
        supplier=chosen.supplier,
        supplier_name=chosen.supplier_name,
        state=_state_after(events),
        needed_on=needed_on,
        placed_on=placed_on,
        reference=reference,
        net=chosen.net,
        vat=chosen.vat,
        reserved=chosen.net,
        choice=dict(chosen.frozen),
        specification=offer.specification,
        specification_version=offer.specification_version,
        placed_at=now(),
        wanted=[{"item": line.item, "quantity": line.quantity} for line in wanted],
        method=chosen.method,
        participant_id=offer.participant_id,
        basis=offer.basis or "own",
        hold_until_on=None if Event.SEND in events else placed_on + timedelta(days=offer.reservation_days),
        respond_by_on=placed_on + timedelta(days=offer.response_days) if Event.SEND in events else None,
        split_flagged=bool(chosen.frozen["split"]),
        cost_key=cost_key,
    )
    values = row.model_dump(exclude={"id", "number"}) | {"year": str(placed_on.year)}
    row.id, row.number = session.execute(_INSERT, values).one()
    assert row.id
    _keep_lines(session, row, chosen.lines)
    _count(session, row, offer.bands, row.net)
    _record(session, caller, row, events, first=1, reason=None, detail=None)
    sent = [send_letter(session, row, letters.ORDER)] if Event.SEND in events else []
    return Placed(row, chosen.lines, sent)


def reserve(session: Session, placed: Placed) -> None:
    """Take the call-off's value under every ceiling, or refuse. Last of all: until the commit, every other call-off
    under the agreement waits for the row locks that it takes."""
    row = placed.call_off
    if not ledger.reserve(session, account(row), moved(placed.lines), row.placed_on):
        raise AgreementClosedMeanwhile


def locked(session: Session, uuid: UUID, organisation: str, *parts: Part) -> CallOff:
    """A call-off for a change by one who takes part in it, and nobody else changes it until this transaction ends."""
    by = {
        Part.BUYER: col(CallOff.buyer) == organisation,
        Part.SUPPLIER: sa.and_(col(CallOff.supplier) == organisation, _visible(organisation)),
        Part.PAYER: _pays(organisation),
    }
    query = select(CallOff).where(col(CallOff.uuid) == uuid, sa.or_(*(by[part] for part in parts)))
    found = session.exec(query.with_for_update(of=CallOff).execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise CallOffNotFound(f"No call-off {uuid} among yours.")
    return found


def by_id(session: Session, uuid: UUID) -> CallOff:
    """For the service's own work: locked."""
    query = select(CallOff).where(col(CallOff.uuid) == uuid).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).one()


def move(
    session: Session,
    caller: Caller | None,
    row: CallOff,
    *events: Event,
    reason: str | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Steps of the state table, recorded; the row is locked. Ledger and letters are the caller's to follow up."""
    state = row.state
    for event in events:
        state = after(state, event)
    first = session.execute(
        sa.select(sa.func.count()).select_from(CallOffEvent).where(col(CallOffEvent.call_off_id) == row.id)
    ).scalar_one()
    before, row.state = row.state, state
    session.flush()
    _record(session, caller, row, list(events), first=first + 1, reason=reason, detail=detail, before=before)


def release(session: Session, row: CallOff, cause: str, lines: Sequence[Moved] | None = None) -> None:
    """Give back all that the call-off has reserved, or `lines` of it (positive), under every ceiling."""
    assert row.id
    if lines is None:
        lines = [replace(line, quantity_posted=0, posted=Decimal("0.00")) for line in ledger.held(session, row.id)]
    value = sum((line.reserved for line in lines), Decimal("0.00"))
    row.reserved -= value
    session.flush()
    award_keys.committed(session, row.lot_id, row.participant_id, row.placed_on, -value, first=False)
    ledger.move(session, account(row), Kind.RELEASE, [-line for line in lines], today(), cause)


def adjust(session: Session, row: CallOff, lines: Sequence[Moved], cause: str) -> None:
    """The difference that an accepted change makes: more must pass every ceiling."""
    value = sum((line.reserved for line in lines), Decimal("0.00"))
    row.reserved += value
    session.flush()
    award_keys.committed(session, row.lot_id, row.participant_id, row.placed_on, value, first=False)
    ledger.move(session, account(row), Kind.ADJUST, lines, today(), cause)


def post(session: Session, row: CallOff, lines: Sequence[Moved], cause: str) -> None:
    """Accepted: `lines` say what is posted and (negative) what is no longer reserved for it."""
    row.reserved += sum((line.reserved for line in lines), Decimal("0.00"))
    row.posted += sum((line.posted for line in lines), Decimal("0.00"))
    session.flush()
    ledger.move(session, account(row), Kind.POST, lines, today(), cause)


def new_version(session: Session, row: CallOff, chosen: Choice, *, ended_by: Event, reserved: bool) -> None:
    """Keep the call-off as it was, and go on with other lines, and maybe another supplier. With `reserved` its room is
    taken anew under every ceiling (what it held before has been given back); otherwise the ledger is the caller's."""
    session.execute(_ARCHIVE, {"id": row.id, "ended_by": ended_by.value})
    row.version += 1
    row.place_id, row.supplier, row.supplier_name = chosen.place_id, chosen.supplier, chosen.supplier_name
    row.method, row.net, row.vat = chosen.method, chosen.net, chosen.vat
    row.choice = dict(chosen.frozen)
    row.split_flagged = bool(chosen.frozen.get("split"))
    row.reserved = chosen.net if reserved else row.reserved
    session.flush()
    _keep_lines(session, row, chosen.lines)
    if reserved:
        award_keys.committed(session, row.lot_id, row.participant_id, row.placed_on, row.net, first=False)
        if row.method is Method.ROTATION:
            award_keys.take_turn(session, row.place_id)
        if not ledger.reserve(session, account(row), moved(chosen.lines), today(), ended_by.value):
            raise AgreementClosedMeanwhile


_ARCHIVE = sa.text(
    "INSERT INTO calloffversion (call_off_id, version, place_id, supplier, supplier_name, method, net, vat, choice, "
    "needed_on, ended_by) SELECT id, version, place_id, supplier, supplier_name, method, net, vat, choice, needed_on, "
    ":ended_by FROM calloff WHERE id = :id"
)


def versions(session: Session, call_off_id: int) -> Sequence[CallOffVersion]:
    query = select(CallOffVersion).where(col(CallOffVersion.call_off_id) == call_off_id)
    return session.exec(query.order_by(col(CallOffVersion.version))).all()


def wait(session: Session, row: CallOff, what: str | None) -> None:
    """What the call-off visibly waits for, since when; None: for nothing any more."""
    if row.waiting != what:
        row.waiting, row.waiting_since = what, now() if what else None
        session.flush()


def by_uuid(session: Session, uuid: UUID, organisation: str) -> CallOff:
    """A call-off of this buyer, or one addressed to this supplier; for all others there is none."""
    found = session.exec(select(CallOff).where(col(CallOff.uuid) == uuid, _visible(organisation))).one_or_none()
    if found is None:
        raise CallOffNotFound(f"No call-off {uuid} among yours.")
    return found


def bought(session: Session, uuid: UUID, organisation: str) -> CallOff:
    """A call-off of this buyer, to be looked at before it is locked; for all others there is none."""
    found = by_uuid(session, uuid, organisation)
    if found.buyer != organisation:
        raise CallOffNotFound(f"No call-off {uuid} among yours.")
    return found


def supplied(session: Session, uuid: UUID, organisation: str) -> CallOff:
    """A call-off addressed to this supplier, to be looked at before it is locked; for all others there is none."""
    found = by_uuid(session, uuid, organisation)
    if found.supplier != organisation:
        raise CallOffNotFound(f"No call-off {uuid} among yours.")
    return found


def page(
    session: Session, organisation: str, after: UUID | None, limit: int, *, state: State | None, framework: str | None
) -> Sequence[CallOff]:
    """Newest first."""
    query = select(CallOff).where(_visible(organisation)).order_by(col(CallOff.uuid).desc()).limit(limit + 1)
    if after:
        query = query.where(col(CallOff.uuid) < after)
    if state:
        query = query.where(col(CallOff.state) == state)
    if framework:
        query = query.where(col(CallOff.framework) == framework)
    return session.exec(query).all()


def lines(session: Session, call_off_ids: Sequence[int]) -> dict[int, list[Priced]]:
    """As they stand now."""
    found: dict[int, list[Priced]] = {key: [] for key in call_off_ids}
    query = (
        select(CallOffLine)
        .join(CallOff, sa.and_(col(CallOff.id) == CallOffLine.call_off_id, col(CallOff.version) == CallOffLine.version))
        .where(col(CallOffLine.call_off_id).in_(call_off_ids))
        .order_by(col(CallOffLine.call_off_id), col(CallOffLine.position))
    )
    for line in session.exec(query):
        found[line.call_off_id].append(_priced(line))
    return found


def _lines_of(session: Session, call_off_id: int, version: int) -> list[Priced]:
    query = select(CallOffLine).where(col(CallOffLine.call_off_id) == call_off_id, col(CallOffLine.version) == version)
    return [_priced(line) for line in session.exec(query.order_by(col(CallOffLine.position)))]


def lines_by_version(session: Session, call_off_id: int) -> dict[int, list[Priced]]:
    """As they stood in each version."""
    found: dict[int, list[Priced]] = {}
    query = select(CallOffLine).where(col(CallOffLine.call_off_id) == call_off_id)
    for line in session.exec(query.order_by(col(CallOffLine.version), col(CallOffLine.position))):
        found.setdefault(line.version, []).append(_priced(line))
    return found


def _priced(line: CallOffLine) -> Priced:
    return Priced(
        line.item,
        line.name,
        line.unit,
        line.quantity,
        line.unit_price,
        line.vat_percent,
        line.product,
        line.price_list_version,
        line.component,
    )


def events(session: Session, row: CallOff, viewer: str) -> Sequence[CallOffEvent]:
    """What happened to it; for its supplier what did while it was asked, and not how the turn went on."""
    query = select(CallOffEvent).where(col(CallOffEvent.call_off_id) == row.id).order_by(col(CallOffEvent.sequence))
    if not sees_own_only(viewer, buyer=row.buyer, supplier=row.supplier):
        return session.exec(query).all()
    asked = sa.select(sa.func.coalesce(sa.func.max(CallOffEvent.sequence), 0)).where(
        col(CallOffEvent.call_off_id) == row.id, col(CallOffEvent.event) == Event.NEXT_SUPPLIER
    )
    since = query.where(col(CallOffEvent.sequence) >= asked.scalar_subquery())
    return session.exec(since.where(col(CallOffEvent.event) != Event.NO_SUPPLIER_LEFT)).all()


def for_letter(session: Session, uuid: UUID, kind: str, version: int = 1) -> tuple[CallOff, Letter, list[Priced]]:
    """A call-off as it was in a version, with one of the letters of that, for the job that delivers it. The call-off
    is not to be kept."""
    row = session.exec(select(CallOff).where(col(CallOff.uuid) == uuid)).one()
    query = select(Letter).where(col(Letter.call_off_id) == row.id, col(Letter.kind) == kind)
    letter = session.exec(query.where(col(Letter.order_version) == version)).one()
    if version != row.version:
        session.expunge(row)
        then = session.get_one(CallOffVersion, (row.id, version))
        row.version, row.place_id, row.supplier, row.supplier_name = (
            version,
            then.place_id,
            then.supplier,
            then.supplier_name,
        )
        row.net, row.vat, row.choice, row.needed_on = then.net, then.vat, then.choice, then.needed_on
    return row, letter, _lines_of(session, row.id or 0, version)


def path(uuid: UUID) -> str:
    return f"/call-offs/{uuid}"


def _pays(organisation: str) -> sa.ColumnElement[bool]:
    return sa.exists().where(col(shares.Share.call_off_id) == col(CallOff.id), col(shares.Share.number) == organisation)


def _visible(organisation: str) -> sa.ColumnElement[bool]:
    told = col(CallOff.state).not_in(BEFORE_SUPPLIER)
    return sa.or_(
        col(CallOff.buyer) == organisation,
        _pays(organisation),
        sa.and_(
            col(CallOff.supplier) == organisation,
            told,
            # Cancelled before it was sent: the supplier never heard of it, though one before it may have.
            sa.exists().where(
                col(Letter.call_off_id) == col(CallOff.id), col(Letter.recipient) == col(CallOff.supplier)
            ),
        ),
    )


def _record(
    session: Session,
    caller: Caller | None,
    row: CallOff,
    events: Sequence[Event],
    *,
    first: int,
    reason: str | None,
    detail: dict[str, Any] | None,
    before: State = State.DRAFT,
) -> None:
    state = before
    told: list[dict[str, Any]] = []
    for sequence, event in enumerate(events, first):
        state = after(state, event)
        told.append(
            {
                "call_off_id": row.id,
                "sequence": sequence,
                "event": event,
                "state": state,
                "organisation": caller.organisation if caller else None,
                "reason": reason,
                "detail": detail,
            }
        )
    session.execute(_INSERT_EVENTS, told)
    audit.record_all(
        session,
        caller,
        [f"call_off.{event}" for event in events],
        path(row.uuid),
        state=row.state,
        net_excl_vat=str(row.net),
        reason=reason,
        **({"detail": detail} if detail else {}),
    )
    untold = row.state in BEFORE_SUPPLIER or (before in BEFORE_SUPPLIER and row.state is State.CANCELLED)
    feed.tell_all(
        session,
        f"call_off.{row.state}",
        path(row.uuid),
        [row.buyer] if untold else [row.buyer, row.supplier],
        id=str(row.uuid),
        number=row.number,
        state=row.state,
    )


def _keep_lines(session: Session, row: CallOff, priced: Sequence[Priced]) -> None:
    kept = {"call_off_id": row.id, "version": row.version}
    if row.cost_key:
        assert row.id
        shares.keep(session, row.id, row.version, row.cost_key, net=row.net, vat=row.vat)
    session.execute(
        _INSERT_LINES, [kept | {"position": position, **asdict(line)} for position, line in enumerate(priced, 1)]
    )


def _count(session: Session, row: CallOff, kept: Sequence[dict[str, str]], value: Decimal) -> None:
    """What later choices in the lot depend on; the lot is locked where that is so."""
    if len(kept) > 1:
        award_keys.committed(session, row.lot_id, row.participant_id, row.placed_on, value, first=True)
    if row.method is Method.ROTATION:
        award_keys.take_turn(session, row.place_id)


def send_letter(session: Session, row: CallOff, kind: str, *, to_buyer: bool = False) -> Letter:
    """A letter about the call-off as it now is, to its supplier or its buyer."""
    assert row.id
    recipient, name = (row.buyer, row.buyer_name) if to_buyer else (row.supplier, row.supplier_name)
    return letters.send(session, row.id, row.uuid, row.version, kind, recipient, name)


def _state_after(events: Sequence[Event]) -> State:
    state = State.DRAFT
    for event in events:
        state = after(state, event)
    return state


def account(row: CallOff) -> ledger.Account:
    """Under which ceilings the call-off stands."""
    assert row.id
    return ledger.Account(
        row.framework_id, row.lot_id, row.place_id, row.participant_id, row.id, row.buyer, row.supplier
    )
