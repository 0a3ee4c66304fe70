"""Deliveries as they are kept, only ever added; and the question to the catalogue that is asked again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from services.agreements.award_keys.rules import CertificationUnknown, Verdict
from services.agreements.calloff_steps.store import CERTIFICATION, Verifying
from services.agreements.calloffs import store as calloffs
from services.agreements.calloffs.rules import Event, Wanted, after
from services.agreements.calloffs.store import CallOff
from services.agreements.complaints import store as complaints
from services.agreements.complaints.rules import Outcome as ComplaintOutcome
from services.agreements.db import Table
from services.agreements.deliveries import rules
from services.agreements.deliveries.rules import Outcome, Standing
from services.agreements.frameworks.store import FrameworkAgreement, Lot
from services.agreements.ledger import store as ledger
from services.agreements.ledger.rules import Moved
from services.chassis import audit, feed, jobs
from services.chassis.auth import Caller
from services.chassis.db import INSTANT, JSON, Database, choice
from services.chassis.problems import refuse
from services.chassis.values import new_id

CHECK_TASK = "check_delivery"
_CLOCK = {"server_default": sa.func.clock_timestamp()}


class Delivery(Table, table=True):
    """What the supplier says that it delivered on one day."""

    __table_args__ = (
        sa.UniqueConstraint("call_off_id", "sequence"),
        sa.CheckConstraint("NOT back_dated OR reason IS NOT NULL", name="past_has_reason"),
    )
    id: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    uuid: UUID = Field(unique=True)
    call_off_id: int = Field(foreign_key="calloff.id", sa_type=sa.BigInteger)
    sequence: int
    order_version: int
    delivered_on: date
    last: bool
    """The supplier says that nothing more comes."""
    note: str | None = Field(default=None, max_length=2000)
    back_dated: bool
    reason: str | None = Field(default=None, max_length=2000)
    """Why it is registered so late."""
    recorded_at: datetime | None = Field(default=None, sa_type=INSTANT, nullable=False, sa_column_kwargs=_CLOCK)


class DeliveryLine(Table, table=True):
    """In the item's unit."""

    __table_args__ = (sa.CheckConstraint("quantity > 0", name="something"),)
    delivery_id: int = Field(primary_key=True, foreign_key="delivery.id", sa_type=sa.BigInteger)
    item: str = Field(primary_key=True, max_length=80)
    quantity: int


class DeliveryCheck(Table, table=True):
    """What the catalogue said of a delivery's products for its day; the newest counts."""

    id: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    delivery_id: int = Field(foreign_key="delivery.id", sa_type=sa.BigInteger, index=True)
    outcome: Outcome = Field(sa_type=choice(Outcome))
    verdicts: list[dict[str, Any]] = Field(sa_type=JSON)
    checked_at: datetime | None = Field(default=None, sa_type=INSTANT, nullable=False, sa_column_kwargs=_CLOCK)


@dataclass(frozen=True)
class Told:
    """A delivery with its lines and its newest check, where the lot demands certification."""

    delivery: Delivery
    lines: tuple[Wanted, ...]
    check: DeliveryCheck | None


def standing(session: Session, row: CallOff) -> list[Standing]:
    """An order's lines and what has come of them. What is expected is what the ledger still holds or has posted."""
    assert row.id
    held = {(one.item, one.product, one.component): one for one in ledger.held(session, row.id)}
    come = {one.item: one.quantity for one in session.execute(_DELIVERED, {"id": row.id})}
    back = complaints.taken_back(session, row.id)
    found: list[Standing] = []
    for line in calloffs.lines(session, [row.id])[row.id]:
        key = (line.item, line.product, line.component)
        here = held.get(key, Moved(*key))
        delivered = come.get(line.item, 0) - back.get(line.item, 0)
        expected = here.quantity_reserved + here.quantity_posted
        found.append(Standing(line, expected, delivered, here.quantity_posted, here.posted))
    return found


_DELIVERED = sa.text(
    "SELECT l.item, CAST(sum(l.quantity) AS integer) AS quantity FROM delivery d "
    "JOIN deliveryline l ON l.delivery_id = d.id WHERE d.call_off_id = :id GROUP BY l.item"
)


def of(session: Session, call_off_id: int) -> list[Told]:
    """A call-off's deliveries, oldest first."""
    mine = select(col(Delivery.id)).where(col(Delivery.call_off_id) == call_off_id)
    lines: dict[int, list[Wanted]] = {}
    every = select(DeliveryLine).where(col(DeliveryLine.delivery_id).in_(mine))
    for line in session.exec(every.order_by(col(DeliveryLine.item))):
        lines.setdefault(line.delivery_id, []).append(Wanted(line.item, line.quantity))
    checks = select(DeliveryCheck).where(col(DeliveryCheck.delivery_id).in_(mine)).order_by(col(DeliveryCheck.id))
    newest = {one.delivery_id: one for one in session.exec(checks)}
    query = select(Delivery).where(col(Delivery.call_off_id) == call_off_id).order_by(col(Delivery.sequence))
    return [Told(one, tuple(lines[one.id or 0]), newest.get(one.id or 0)) for one in session.exec(query)]


def outcomes(session: Session, call_off_id: int) -> set[Outcome]:
    """What the newest checks of a call-off's deliveries say."""
    return {one.check.outcome for one in of(session, call_off_id) if one.check}


def products(lines: Sequence[Wanted], now: Sequence[Standing]) -> list[str]:
    """Those of the order's products that a delivery brings."""
    come = {line.item for line in lines}
    return list(dict.fromkeys(one.line.product for one in now if one.line.item in come and one.line.product))


def register(
    session: Session,
    caller: Caller,
    row: CallOff,
    new: rules.Delivered,
    verdicts: Sequence[Verdict],
    today: date,
    *,
    uuid: UUID | None = None,
) -> Delivery:
    """Keep a delivery of a call-off that is locked. Where the lot demands certification, what could not be asked of
    the catalogue is asked again by a job, and the call-off shows that it waits for that."""
    after(row.state, Event.REGISTER_DELIVERY)
    assert row.id
    now = standing(session, row)
    outstanding = {one.line.item: one.outstanding for one in now}
    refuse(rules.check(new, outstanding, placed_on=row.placed_on, last_day=last_day(session, row), today=today))
    delivery = Delivery(
        uuid=uuid or new_id(),
        call_off_id=row.id,
        sequence=len(of(session, row.id)) + 1,
        order_version=row.version,
        delivered_on=new.on,
        last=new.last,
        note=new.note,
        back_dated=rules.back_dated(new.on, today),
        reason=new.reason,
    )
    session.add(delivery)
    session.flush()
    for line in new.lines:
        session.add(DeliveryLine(delivery_id=delivery.id or 0, item=line.item, quantity=line.quantity))
    session.flush()
    if row.specification:
        found = rules.outcome(products(new.lines, now), verdicts)
        _keep_check(session, delivery, found, verdicts)
        if found is Outcome.PENDING:
            calloffs.wait(session, row, CERTIFICATION)
            jobs.defer(session, CHECK_TASK, delivery=str(delivery.uuid))
    calloffs.move(
        session,
        caller,
        row,
        rules.event(new, outstanding),
        reason=new.reason,
        detail={"delivery": str(delivery.uuid), "back_dated": delivery.back_dated},
    )
    return delivery


def last_day(session: Session, row: CallOff) -> date:
    """Until when deliveries may come: however the agreement ended, by the days that the lot gives after its period."""
    agreement = session.get_one(FrameworkAgreement, row.framework_id)
    return agreement.ends_on + timedelta(days=session.get_one(Lot, row.lot_id).delivery_days_after_end)


def terminate_rest(session: Session, caller: Caller, row: CallOff, reason: str) -> None:
    """What is left to deliver is not to be delivered any more, and is free again under every ceiling."""
    after(row.state, Event.TERMINATE_REST)
    rest = [one for one in standing(session, row) if one.outstanding]
    ended = [{"item": one.line.item, "quantity": one.outstanding} for one in rest]
    calloffs.move(session, caller, row, Event.TERMINATE_REST, reason=reason, detail={"ended": ended})
    calloffs.release(
        session,
        row,
        Event.TERMINATE_REST.value,
        [
            Moved(
                one.line.item,
                one.line.product,
                one.line.component,
                quantity_reserved=one.outstanding,
                reserved=one.outstanding * one.line.unit_price,
            )
            for one in rest
        ],
    )


def redeliver(session: Session, caller: Caller, row: CallOff, reason: str | None) -> None:
    """The supplier delivers anew what was rejected: that counts as delivered no longer."""
    after(row.state, Event.REDELIVER)
    told = complaints.open_one(session, row.id or 0)
    complaints.answer(session, told, ComplaintOutcome.REDELIVERED, caller.organisation, reason)
    detail = {"complaint": str(told.complaint.uuid)}
    calloffs.move(session, caller, row, Event.REDELIVER, reason=reason, detail=detail)


def check_again(database: Database, verifying: Verifying, uuid: UUID) -> None:
    """Ask the catalogue about a delivery that it could not be asked about. Raises CertificationUnknown when it still
    cannot."""
    with database.reading() as reader:
        delivery, row = reader.execute(
            select(Delivery, CallOff)
            .join(CallOff, col(CallOff.id) == col(Delivery.call_off_id))
            .where(col(Delivery.uuid) == uuid)
        ).one()
        told = next(one for one in of(reader, delivery.call_off_id) if one.delivery.uuid == uuid)
        asked = products(told.lines, standing(reader, row))
    if told.check is None or told.check.outcome is not Outcome.PENDING:
        return
    verify = verifying(row.specification, row.specification_version, delivery.delivered_on)
    verdicts = rules.said(asked, verify)
    found = rules.outcome(asked, verdicts)
    if found is Outcome.PENDING:
        raise CertificationUnknown(f"The delivery of {delivery.delivered_on} under {row.number} waits for it.")
    with database.writing() as session:
        row = calloffs.by_id(session, row.uuid)
        newest = next(one.check for one in of(session, delivery.call_off_id) if one.delivery.uuid == uuid)
        if newest is None or newest.outcome is not Outcome.PENDING:
            return
        _keep_check(session, delivery, found, verdicts)
        if row.waiting == CERTIFICATION and Outcome.PENDING not in outcomes(session, delivery.call_off_id):
            calloffs.wait(session, row, None)
        told_of = {"delivery": str(uuid), "outcome": found.value}
        audit.record(session, None, "call_off.delivery_checked", calloffs.path(row.uuid), **told_of)
        for organisation in (row.buyer, row.supplier):
            feed.tell(
                session,
                "call_off.delivery_checked",
                calloffs.path(row.uuid),
                organisation,
                id=str(row.uuid),
                number=row.number,
                **told_of,
            )


def _keep_check(session: Session, delivery: Delivery, outcome: Outcome, verdicts: Sequence[Verdict]) -> None:
    kept = [vars(one) for one in verdicts]
    session.add(DeliveryCheck(delivery_id=delivery.id or 0, outcome=outcome, verdicts=kept))
    session.flush()
