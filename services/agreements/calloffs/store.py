"""Call-offs as they are kept: the order, its frozen lines, its events, its letters."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import Field, Session, col, select

from services.agreements.calloffs.rules import BEFORE_SUPPLIER, Candidate, Choice, Event, Priced, State, Wanted, after
from services.agreements.db import Table
from services.agreements.ledger import store as ledger
from services.agreements.places.rules import PlaceState
from services.agreements.places.store import Offer, Seat
from services.chassis import audit, feed, jobs
from services.chassis.auth import Caller
from services.chassis.clock import now
from services.chassis.db import INSTANT, JSON, MONEY, choice
from services.chassis.problems import Conflict, NotFound
from services.chassis.values import new_id

ORDER, CANCELLATION = "order", "cancellation"
REFUSED = "refused"
LETTER_TASK = "deliver_letter"

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
    choice: dict[str, Any] = Field(sa_type=JSON)
    specification: str | None = Field(default=None, max_length=80)
    specification_version: str | None = Field(default=None, max_length=40)
    placed_at: datetime = Field(sa_type=INSTANT)
    __table_args__ = (
        sa.Index("ix_calloff_buyer_uuid", "buyer", "uuid"),
        sa.Index("ix_calloff_supplier_uuid", "supplier", "uuid"),
        sa.CheckConstraint("reserved >= 0 AND reserved <= net", name="reserved_fits"),
    )


class CallOffLine(Table, table=True):
    """A line at the price that was frozen when it was ordered."""

    call_off_id: int = Field(primary_key=True, foreign_key="calloff.id", sa_type=sa.BigInteger)
    position: int = Field(primary_key=True)
    item: str = Field(max_length=80)
    name: dict[str, str] = Field(sa_type=JSON)
    unit: str = Field(max_length=40)
    quantity: int
    unit_price: Decimal = Field(sa_type=MONEY)
    vat_percent: Decimal = Field(sa_type=sa.Numeric(5, 2))
    product: str | None = Field(default=None, max_length=80, index=True)
    price_list_version: int


class CallOffEvent(Table, table=True):
    """What happened to a call-off; never edited."""

    call_off_id: int = Field(primary_key=True, foreign_key="calloff.id", sa_type=sa.BigInteger)
    sequence: int = Field(primary_key=True)
    event: Event = Field(sa_type=choice(Event))
    state: State = Field(sa_type=choice(State))
    organisation: str = Field(max_length=9)
    reason: str | None = Field(default=None, max_length=2000)
    recorded_at: datetime = Field(sa_type=INSTANT, sa_column_kwargs={"server_default": sa.func.clock_timestamp()})


class Letter(Table, table=True):
    """A letter about a call-off: made once, sent as it is, and what became of it."""

    call_off_id: int = Field(primary_key=True, foreign_key="calloff.id", sa_type=sa.BigInteger)
    kind: str = Field(primary_key=True, max_length=20)
    reference: str = Field(unique=True, max_length=100)
    pdf: bytes | None = None
    sha256: str | None = Field(default=None, max_length=64)
    dispatch_id: UUID | None = None
    status: str | None = Field(default=None, max_length=40)
    external_id: str | None = Field(default=None, max_length=80)
    version: int = 0
    received_at: datetime | None = Field(default=None, sa_type=INSTANT)


class CallOffNotFound(NotFound):
    """You have no call-off with this id."""


class AgreementClosedMeanwhile(Conflict):
    """The framework agreement or the supplier's place was closed in this moment. Nothing was reserved."""


class MovedMeanwhile(Conflict):
    """The call-off was changed by another request in this moment."""


@dataclass(frozen=True)
class Placed:
    """A call-off that has just been kept."""

    call_off: CallOff
    lines: Sequence[Priced]
    letters: Sequence[Letter]


_INSERT = sa.insert(CallOff).returning(col(CallOff.id), col(CallOff.number))
_INSERT_LINES = sa.insert(CallOffLine)
_INSERT_EVENTS = sa.insert(CallOffEvent)
_INSERT_LETTER = sa.insert(Letter)
_NUMBER = sa.text("'AVR-' || :year || '-' || lpad(nextval('call_off_number')::text, 6, '0')")


def place(
    session: Session,
    caller: Caller,
    offer: Offer,
    chosen: Choice,
    *,
    events: Sequence[Event],
    needed_on: date,
    placed_on: date,
    reference: str | None,
    uuid: UUID | None = None,
) -> Placed:
    """Keep a new call-off and what follows from it in this transaction: lines, events, audit rows, letter job, feed
    event. `reserve` must come after it, as the transaction's last statement."""
    assert offer.buyer_id
    row = CallOff(
        uuid=uuid or new_id(),
        number="",
        framework_id=offer.framework_id,
        lot_id=offer.lot_id,
        place_id=chosen.candidate.place_id,
        framework=offer.slug,
        lot=offer.lot,
        framework_title=offer.title,
        lot_title=offer.lot_title,
        notice_owner=offer.owner_name,
        buyer_id=offer.buyer_id,
        buyer=caller.organisation,
        buyer_name=offer.buyer_name or "",
        supplier=chosen.candidate.supplier,
        supplier_name=chosen.candidate.name,
        state=_state_after(events),
        needed_on=needed_on,
        placed_on=placed_on,
        reference=reference,
        net=chosen.net,
        vat=chosen.vat,
        reserved=chosen.net,
        choice=_explained(chosen),
        specification=offer.specification,
        specification_version=offer.specification_version,
        placed_at=now(),
    )
    values = row.model_dump(exclude={"id", "number"}) | {"number": _numbered(placed_on)}
    row.id, row.number = session.execute(_INSERT.values(values)).one()
    assert row.id
    session.execute(
        _INSERT_LINES,
        [{"call_off_id": row.id, "position": place, **asdict(line)} for place, line in enumerate(chosen.lines, 1)],
    )
    _record(session, caller, row, events, first=1, reason=None)
    letters = [_send_letter(session, row, ORDER)] if Event.SEND in events else []
    return Placed(row, chosen.lines, letters)


def reserve(session: Session, placed: Placed) -> None:
    """Take the call-off's value under every ceiling, or refuse. Last of all: until the commit, every other call-off
    under the agreement waits for the row locks that it takes."""
    if not ledger.reserve(session, _account(placed.call_off), placed.call_off.net):
        raise AgreementClosedMeanwhile


def move(session: Session, caller: Caller, row: CallOff, event: Event, reason: str | None) -> None:
    """One step of the state table, with its effect on the ledger and its letter, in this transaction."""
    before, told = row.state, row.state not in BEFORE_SUPPLIER
    state = after(before, event)
    releases = row.reserved if event is Event.CANCEL else Decimal("0.00")
    left = row.reserved - releases
    changed = session.execute(
        sa.update(CallOff)
        .where(col(CallOff.id) == row.id, col(CallOff.state) == before)
        .values(state=state, reserved=left)
        .execution_options(synchronize_session=False)
    )
    if changed.rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE has a row count
        raise MovedMeanwhile("Read it again.")
    first = session.execute(
        sa.select(sa.func.count()).select_from(CallOffEvent).where(col(CallOffEvent.call_off_id) == row.id)
    ).scalar_one()
    set_committed_value(row, "state", state)
    set_committed_value(row, "reserved", left)
    _record(session, caller, row, [event], first=first + 1, reason=reason)
    if event is Event.SEND:
        _send_letter(session, row, ORDER)
    if event is Event.CANCEL:
        if told:
            _send_letter(session, row, CANCELLATION)
        ledger.release(session, _account(row), releases, event.value)


def candidate(seat: Seat, wanted: Sequence[Wanted]) -> Candidate:
    """A supplier's place as the ranking sees it, with the wanted lines at its prices."""
    prices = [seat.prices.get(line.item) for line in wanted]
    lines = tuple(
        Priced(
            price.item,
            price.name,
            price.unit,
            line.quantity,
            price.unit_price,
            price.vat_percent,
            price.product,
            price.version,
        )
        for price, line in zip(prices, wanted, strict=True)
        if price
    )
    complete = len(lines) == len(wanted)
    return Candidate(
        seat.place_id,
        seat.rank,
        seat.number,
        seat.name,
        seat.state is PlaceState.ACTIVE,
        lines if complete else None,
    )


def by_uuid(session: Session, uuid: UUID, organisation: str) -> CallOff:
    """A call-off of this buyer, or one addressed to this supplier; for all others there is none."""
    found = session.exec(select(CallOff).where(col(CallOff.uuid) == uuid, _visible(organisation))).one_or_none()
    if found is None:
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
    found: dict[int, list[Priced]] = {}
    query = (
        select(CallOffLine)
        .where(col(CallOffLine.call_off_id).in_(call_off_ids))
        .order_by(col(CallOffLine.call_off_id), col(CallOffLine.position))
    )
    for line in session.exec(query):
        found.setdefault(line.call_off_id, []).append(
            Priced(
                line.item,
                line.name,
                line.unit,
                line.quantity,
                line.unit_price,
                line.vat_percent,
                line.product,
                line.price_list_version,
            )
        )
    return found


def events(session: Session, call_off_id: int) -> Sequence[CallOffEvent]:
    query = select(CallOffEvent).where(col(CallOffEvent.call_off_id) == call_off_id)
    return session.exec(query.order_by(col(CallOffEvent.sequence))).all()


def letters(session: Session, call_off_ids: Sequence[int]) -> dict[int, list[Letter]]:
    found: dict[int, list[Letter]] = {}
    query = select(Letter).where(col(Letter.call_off_id).in_(call_off_ids)).order_by(col(Letter.kind).desc())
    for letter in session.exec(query.options(sa.orm.defer(Letter.pdf))):  # type: ignore[arg-type]  # a column
        found.setdefault(letter.call_off_id, []).append(letter)
    return found


def for_letter(session: Session, uuid: UUID, kind: str) -> tuple[CallOff, Letter, list[Priced]]:
    """A call-off with one of its letters, for the job that delivers it."""
    row = session.exec(select(CallOff).where(col(CallOff.uuid) == uuid)).one()
    letter = session.exec(select(Letter).where(col(Letter.call_off_id) == row.id, col(Letter.kind) == kind)).one()
    return row, letter, lines(session, [row.id or 0])[row.id or 0]


def letter_pdf(session: Session, row: CallOff, kind: str) -> bytes | None:
    query = select(col(Letter.pdf)).where(col(Letter.call_off_id) == row.id, col(Letter.kind) == kind)
    return session.execute(query).scalar()


def keep_pdf(session: Session, letter: Letter, pdf: bytes) -> bytes:
    """Keep a letter's document, unless another worker was first; → the one that counts."""
    where = col(Letter.reference) == letter.reference
    session.execute(
        sa.update(Letter)
        .where(where, col(Letter.pdf).is_(None))
        .values(pdf=pdf, sha256=hashlib.sha256(pdf).hexdigest())
    )
    return bytes(session.execute(select(col(Letter.pdf)).where(where)).scalar_one() or b"")


def handed_over(session: Session, reference: str, dispatch_id: UUID) -> None:
    session.execute(sa.update(Letter).where(col(Letter.reference) == reference).values(dispatch_id=dispatch_id))


def refused(session: Session, reference: str) -> None:
    """Integration will never take the letter: the call-off shows it."""
    session.execute(sa.update(Letter).where(col(Letter.reference) == reference).values(status=REFUSED))


def heard(
    session: Session, reference: str, *, status: str, version: int, external_id: str | None, at: datetime
) -> None:
    """What the feed says of a letter; older news than we have changes nothing."""
    session.execute(
        sa.update(Letter)
        .where(col(Letter.reference) == reference, col(Letter.version) < version)
        .values(
            status=status,
            version=version,
            external_id=sa.func.coalesce(external_id, col(Letter.external_id)),
            received_at=sa.func.coalesce(col(Letter.received_at), at if status == "received" else None),
        )
    )


def path(uuid: UUID) -> str:
    return f"/call-offs/{uuid}"


def reference(uuid: UUID, kind: str) -> str:
    """What the letter is called everywhere on its way: ours, integration's, SvarUT's."""
    return f"call-off-{uuid}-{kind}"


def _visible(organisation: str) -> sa.ColumnElement[bool]:
    told = col(CallOff.state).not_in(BEFORE_SUPPLIER)
    return sa.or_(
        col(CallOff.buyer) == organisation,
        sa.and_(
            col(CallOff.supplier) == organisation,
            told,
            # Cancelled before it was sent: the supplier never heard of it.
            sa.exists().where(col(Letter.call_off_id) == col(CallOff.id)),
        ),
    )


def _record(
    session: Session, caller: Caller, row: CallOff, events: Sequence[Event], *, first: int, reason: str | None
) -> None:
    state = State.DRAFT if first == 1 else None
    told: list[dict[str, Any]] = []
    for sequence, event in enumerate(events, first):
        state = row.state if state is None else after(state, event)
        told.append(
            {
                "call_off_id": row.id,
                "sequence": sequence,
                "event": event,
                "state": state,
                "organisation": caller.organisation,
                "reason": reason,
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
    )
    feed.tell(
        session,
        f"call_off.{row.state}",
        path(row.uuid),
        row.buyer,
        id=str(row.uuid),
        number=row.number,
        state=row.state,
    )


def _send_letter(session: Session, row: CallOff, kind: str) -> Letter:
    assert row.id
    letter = Letter(call_off_id=row.id, kind=kind, reference=reference(row.uuid, kind))
    session.execute(_INSERT_LETTER, letter.model_dump(include={"call_off_id", "kind", "reference", "version"}))
    jobs.defer(session, LETTER_TASK, call_off=str(row.uuid), kind=kind)
    return letter


def _state_after(events: Sequence[Event]) -> State:
    state = State.DRAFT
    for event in events:
        state = after(state, event)
    return state


def _numbered(placed_on: date) -> sa.TextClause:
    return _NUMBER.bindparams(year=str(placed_on.year))


def _account(row: CallOff) -> ledger.Account:
    assert row.id
    return ledger.Account(row.framework_id, row.lot_id, row.place_id, row.id, row.buyer, row.supplier)


def _explained(chosen: Choice) -> dict[str, Any]:
    return {
        "method": "ranking",
        "rank": chosen.candidate.rank,
        "passed_over": [asdict(one) for one in chosen.skipped],
        "certification": [asdict(verdict) for verdict in chosen.verdicts],
    }
