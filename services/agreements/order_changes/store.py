"""Order changes and their answers as they are kept, and what an accepted one does to the order."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from services.agreements.award_keys import rules as award_keys
from services.agreements.award_keys import store as award_store
from services.agreements.calloff_steps import store as calloff_steps
from services.agreements.calloffs import placing, store
from services.agreements.calloffs.rules import Choice, Event, Priced, Wanted, after, moved
from services.agreements.calloffs.store import CallOff
from services.agreements.db import Table
from services.agreements.frameworks.rules import Method, bands
from services.agreements.ledger.rules import changed
from services.agreements.letters import store as letters
from services.agreements.order_changes import rules
from services.agreements.places import store as places
from services.agreements.places.rules import PlaceState
from services.agreements.shares import rules as share_rules
from services.agreements.shares import store as shares
from services.chassis.auth import Caller
from services.chassis.db import INSTANT, JSON, MONEY, Database, choice
from services.chassis.problems import Problem, refuse
from services.chassis.values import new_id

_NO_ANSWER = "No change of it waits for an answer."


class OrderChange(Table, table=True):
    """What one side proposed, at prices frozen then; never edited. NOK without VAT."""

    id: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    uuid: UUID = Field(unique=True)
    call_off_id: int = Field(foreign_key="calloff.id", sa_type=sa.BigInteger, index=True)
    version: int
    """Of the call-off that it would change."""
    event: Event = Field(sa_type=choice(Event))
    organisation: str = Field(max_length=9)
    supplier: str = Field(max_length=9)
    lines: list[dict[str, Any]] = Field(sa_type=JSON)
    needed_before_on: date
    needed_on: date
    net: Decimal = Field(sa_type=MONEY)
    reason: str = Field(max_length=2000)
    proposed_at: datetime | None = Field(
        default=None, sa_type=INSTANT, nullable=False, sa_column_kwargs={"server_default": sa.func.clock_timestamp()}
    )


class OrderChangeAnswer(Table, table=True):
    """The other side's answer, one for each change; never edited."""

    change_id: int = Field(primary_key=True, foreign_key="orderchange.id", sa_type=sa.BigInteger)
    event: Event = Field(sa_type=choice(Event))
    organisation: str = Field(max_length=9)
    reason: str | None = Field(default=None, max_length=2000)
    answered_at: datetime | None = Field(
        default=None, sa_type=INSTANT, nullable=False, sa_column_kwargs={"server_default": sa.func.clock_timestamp()}
    )


def binding(session: Session, row: CallOff, today: date) -> tuple[list[Priced], dict[str, Priced]]:
    """→ the order's lines now, and by item what may be ordered of its supplier: at the frozen prices, and for other
    items at those of the supplier's own price list."""
    assert row.id
    before = store.lines(session, [row.id])[row.id]
    seat = next(seat for seat in places.seats(session, row.lot_id, today) if seat.place_id == row.place_id)
    listed = {
        price.item: Priced(
            price.item,
            price.name,
            price.unit,
            0,
            price.unit_price,
            price.vat_percent,
            price.product,
            price.version,
            price.component,
        )
        for price in seat.prices.values()
    }
    return before, listed | {line.item: line for line in before}


def proposed_lines(
    session: Session, row: CallOff, proposed: Sequence[rules.Proposed], today: date
) -> tuple[tuple[Priced, ...], tuple[Priced, ...]]:
    """→ the order's lines now, and as proposed, at the prices that bind"""
    before, known = binding(session, row, today)
    refuse(rules.check_lines(proposed, known))
    return tuple(before), rules.priced(proposed, known)


def propose(
    session: Session,
    caller: Caller,
    row: CallOff,
    event: Event,
    proposed: Sequence[rules.Proposed],
    needed_on: date | None,
    reason: str,
    today: date,
) -> OrderChange:
    """Keep a change for the other side to answer. Nothing of the order is changed by it."""
    assert row.id
    before, after = proposed_lines(session, row, proposed, today)
    needed = needed_on or row.needed_on
    refuse(
        [
            *rules.check_changed(before, after, row.needed_on, needed),
            *check(session, row, before, after, needed, today),
            *(_check_approved(session, caller, row, after) if event is Event.BUYER_CHANGE else ()),
        ]
    )
    change = OrderChange(
        uuid=new_id(),
        call_off_id=row.id,
        version=row.version,
        event=event,
        organisation=caller.organisation,
        supplier=row.supplier,
        lines=[_kept(line) for line in after],
        needed_before_on=row.needed_on,
        needed_on=needed,
        net=rules.net_of(after),
        reason=reason,
    )
    session.add(change)
    session.flush()
    row.respond_by_on = None
    store.move(session, caller, row, event, reason=reason, detail={"change": str(change.uuid)})
    if event is Event.BUYER_CHANGE:
        store.send_letter(session, row, _letter_kind(len(_wishes(session, row.id))))
    return change


def by_letter(session: Session, call_off_id: int, kind: str) -> OrderChange | None:
    """The buyer's change that a letter asks for; None when the letter is about something else."""
    wishes = enumerate(_wishes(session, call_off_id), 1)
    return next((one for number, one in wishes if _letter_kind(number) == kind), None)


def _wishes(session: Session, call_off_id: int) -> Sequence[OrderChange]:
    """What the buyer has asked for, oldest first."""
    query = select(OrderChange).where(col(OrderChange.call_off_id) == call_off_id)
    return session.exec(query.where(col(OrderChange.event) == Event.BUYER_CHANGE).order_by(col(OrderChange.id))).all()


def _letter_kind(number: int) -> str:
    """What the letter of a call-off's first, second … wish is called: an order may have several."""
    return letters.CHANGE_REQUEST if number == 1 else f"{letters.CHANGE_REQUEST}-{number}"


def check(
    session: Session, row: CallOff, before: Sequence[Priced], after: Sequence[Priced], needed_on: date, today: date
) -> list[Problem]:
    """What must hold for a change besides its lines: one that makes the order grow needs all that a new call-off does,
    and leads to no other method; any other is only held to the agreement's days."""
    offer = places.offer(session, row.framework, row.lot, row.buyer, today)
    asked = placing.Asked(tuple(Wanted(line.item, line.quantity) for line in after), needed_on)
    if not rules.grows(before, after):
        found = placing.check(offer, asked, today)
        return [one for one in found if needed_on != row.needed_on and one.pointer == "#/needed_on"]
    seat = next(seat for seat in offer.seats if seat.place_id == row.place_id)
    found = placing.check(offer, asked, today)
    if seat.state is not PlaceState.ACTIVE:
        found.append(rules.PlaceNotOpen(f"It is {seat.state}."))
    if row.method is Method.MINI_COMPETITION:
        found.append(rules.OtherMethod("A mini-competition decided it; more than was competed for needs another."))
    kept = bands(offer.bands)
    if len(kept) > 1:
        award_store.lock(session, row.lot_id)
        days = offer.split_window_days
        earlier = award_store.earlier(session, row.lot_id, row.participant_id, today, days) if days else Decimal(0)
        counted = days and (today - row.placed_on).days < days
        others = earlier - row.reserved - row.posted if counted else earlier
        value = max(award_keys.value_of(placing.candidates(offer, asked)), rules.net_of(after))
        method = award_keys.band_for(kept, value + others).method
        if method is not row.method:
            found.append(rules.OtherMethod(f"It was awarded by {row.method}, and would need {method}."))
    return found


def _check_approved(session: Session, caller: Caller, row: CallOff, after: Sequence[Priced]) -> list[Problem]:
    assert row.id
    limit = calloff_steps.terms(session, row).approval_limit
    bearing: dict[str, tuple[Decimal, Decimal]] = {}
    if row.cost_key:
        now = {one.number: one.net for one in shares.payers(session, row.id, row.version)}
        net, vat = rules.net_of(after), sum((line.vat for line in after), Decimal("0.00"))
        for one in share_rules.borne(share_rules.joint(row.cost_key), net, vat):
            number = one.counted.number
            bearing[number] = (now.get(number, Decimal(0)), one.net.amount)
    return rules.check_approved(
        rules.net_of(after),
        approved=row.net,
        limit=limit,
        authority=caller.may("agreements.approve"),
        shares=bearing,
        organisation=caller.organisation,
    )


def pending(session: Session, row: CallOff) -> OrderChange:
    """The change that waits for an answer."""
    answered = sa.exists().where(col(OrderChangeAnswer.change_id) == col(OrderChange.id))
    query = select(OrderChange).where(
        col(OrderChange.call_off_id) == row.id, col(OrderChange.version) == row.version, ~answered
    )
    found = session.exec(query).one_or_none()
    if found is None:
        raise rules.ChangeReplaced(_NO_ANSWER)
    return found


def looked_at(
    database: Database, catalogue: placing.Catalogue, uuid: UUID, caller: Caller, event: Event
) -> tuple[UUID, tuple[award_keys.Verdict, ...]]:
    """Which change is to be answered, and what the catalogue says of its products for the day of delivery: asked
    before the transaction, with no connection held."""
    with database.reading() as reader:
        find = store.bought if event is Event.ACCEPT_CHANGE else store.supplied
        row = find(reader, uuid, caller.organisation)
        after(row.state, event)
        change = pending(reader, row)
    if not row.specification:
        return change.uuid, ()
    verify = placing.verifying(catalogue, row.specification, row.specification_version, change.needed_on)
    return change.uuid, placing.still_certified(row.place_id, row.supplier, row.supplier_name, priced(change), verify)


def same(session: Session, row: CallOff, known: UUID | None) -> OrderChange:
    """The change that was looked at, if it still waits for an answer."""
    change = pending(session, row)
    if change.uuid != known:
        raise rules.ChangeReplaced(f"Now {change.uuid} waits for an answer.")
    return change


def priced(change: OrderChange) -> tuple[Priced, ...]:
    return tuple(
        Priced(**line | {"unit_price": Decimal(line["unit_price"]), "vat_percent": Decimal(line["vat_percent"])})
        for line in change.lines
    )


def accept(
    session: Session,
    caller: Caller,
    row: CallOff,
    change: OrderChange,
    event: Event,
    verdicts: Sequence[award_keys.Verdict],
    reason: str | None,
    today: date,
) -> None:
    """The order goes on as another version with the changed lines; the ledger moves by the difference, and more must
    pass every ceiling. The supplier has the changed order by letter, and the buyer the supplier's confirmation."""
    assert row.id
    before, after = store.lines(session, [row.id])[row.id], priced(change)
    approval = _check_approved(session, caller, row, after) if event is Event.ACCEPT_CHANGE else []
    refuse([*check(session, row, before, after, change.needed_on, today), *approval])
    _answer(session, caller, change, event, reason)
    row.wanted = [{"item": line.item, "quantity": line.quantity} for line in after]
    said = {one["product"]: one for one in row.choice["certification"]} | {one.product: vars(one) for one in verdicts}
    frozen = row.choice | {"certification": list(said.values()), "change": str(change.uuid)}
    chosen = Choice(row.place_id, row.supplier, row.supplier_name, row.method, after, frozen)
    grown = rules.net_of(after) >= row.net
    difference = changed(moved(before), moved(after))
    store.move(session, caller, row, event, reason=reason, detail={"change": str(change.uuid)})
    # What a call-off holds never passes its value: it is given back before the value falls, and taken after it rises.
    if not grown:
        store.adjust(session, row, difference, event.value)
    store.new_version(session, row, chosen, ended_by=event, reserved=False)
    row.needed_on = change.needed_on
    store.send_letter(session, row, letters.CHANGE)
    if event is Event.CHANGE_CONFIRMED:
        store.send_letter(session, row, letters.CONFIRMATION, to_buyer=True)
    if grown:
        store.adjust(session, row, difference, event.value)


def refuse_buyers(session: Session, caller: Caller, row: CallOff, reason: str | None) -> None:
    """The supplier does not take the buyer's change: the order stands as it was."""
    change = pending(session, row)
    _answer(session, caller, change, Event.CHANGE_REFUSED, reason)
    store.move(session, caller, row, Event.CHANGE_REFUSED, reason=reason, detail={"change": str(change.uuid)})


def refuse_suppliers(session: Session, caller: Caller, row: CallOff, reason: str | None) -> None:
    """The buyer's answer alone; what follows for the order is the caller's."""
    _answer(session, caller, pending(session, row), Event.REFUSE_CHANGE, reason)


def _answer(session: Session, caller: Caller, change: OrderChange, event: Event, reason: str | None) -> None:
    assert change.id
    session.add(OrderChangeAnswer(change_id=change.id, event=event, organisation=caller.organisation, reason=reason))
    session.flush()


def of(
    session: Session, row: CallOff, viewer: str
) -> list[tuple[OrderChange, OrderChangeAnswer | None, rules.Outcome]]:
    """A call-off's changes, oldest first. A supplier sees none that was between the buyer and an earlier supplier."""
    query = (
        select(OrderChange, OrderChangeAnswer)
        .outerjoin(OrderChangeAnswer, col(OrderChangeAnswer.change_id) == col(OrderChange.id))
        .where(col(OrderChange.call_off_id) == row.id)
        .order_by(col(OrderChange.id))
    )
    if viewer == row.supplier:
        query = query.where(col(OrderChange.supplier) == viewer)
    found: list[tuple[OrderChange, OrderChangeAnswer | None, rules.Outcome]] = []
    for change, answer in session.execute(query):
        found.append((change, answer, rules.outcome(answer.event if answer else None, row.state)))
    return found


def _kept(line: Priced) -> dict[str, Any]:
    return asdict(line) | {"unit_price": f"{line.unit_price:.2f}", "vat_percent": str(line.vat_percent)}
