"""Steps as they are kept, and those that the service takes itself: the next supplier, and what a date brings."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from services.agreements.award_keys import rules as award_keys
from services.agreements.calloff_steps import rules
from services.agreements.calloffs import placing, store
from services.agreements.calloffs.rules import (
    BEFORE_SUPPLIER,
    AccessionNotActive,
    AgreementNotOpen,
    Event,
    NotEntitled,
    State,
    Wanted,
    after,
)
from services.agreements.calloffs.store import CallOff
from services.agreements.db import Table
from services.agreements.frameworks.rules import Method
from services.agreements.frameworks.store import FrameworkAgreement, Lot
from services.agreements.ledger.rules import CeilingExceeded
from services.agreements.letters import store as letters
from services.agreements.places import store as places
from services.agreements.shares import store as shares
from services.chassis import audit, feed, jobs
from services.chassis.auth import Caller
from services.chassis.clock import now
from services.chassis.db import INSTANT, MONEY, Database
from services.chassis.problems import Problem, refuse

NEXT_TASK = "next_supplier"
CERTIFICATION, CHOICE = "certification", "documented_choice"
"""What a call-off waits for: the catalogue's answer, or the buyer's documented choice."""
Verifying = Callable[[str | None, str | None, date], placing.Verify]


class Approval(Table, table=True):
    """One paying organisation's approval of one version of a call-off; taken back, it stays with the instant."""

    __table_args__ = (
        sa.Index(
            "uq_approval_standing",
            "call_off_id",
            "version",
            "organisation",
            unique=True,
            postgresql_where=sa.text("revoked_at IS NULL"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True, sa_type=sa.BigInteger)
    call_off_id: int = Field(foreign_key="calloff.id", sa_type=sa.BigInteger)
    version: int
    organisation: str = Field(max_length=9)
    net: Decimal = Field(sa_type=MONEY)
    client: str = Field(max_length=200)
    approved_at: datetime = Field(sa_type=INSTANT)
    revoked_at: datetime | None = Field(default=None, sa_type=INSTANT)


@dataclass(frozen=True)
class Terms:
    """What the agreement says about steps."""

    approval_limit: Decimal
    response_days: int
    reservation_days: int
    obligation: bool
    grounds: frozenset[str]


def terms(session: Session, row: CallOff) -> Terms:
    agreement = session.get_one(FrameworkAgreement, row.framework_id)
    lot = session.get_one(Lot, row.lot_id)
    grounds = frozenset(str(one["code"]) for one in lot.decline_grounds)
    return Terms(
        agreement.approval_limit, agreement.response_days, agreement.reservation_days, lot.delivery_obligation, grounds
    )


def approve(session: Session, caller: Caller, row: CallOff, reason: str | None) -> None:
    """The caller's organisation approves what it pays; with the last approval that is needed the call-off is."""
    assert row.id
    approved = after(row.state, Event.APPROVE)
    bearing = {one.number: one.net for one in shares.payers(session, row.id, row.version)}
    needed = rules.approvers(row.buyer, bearing, terms(session, row).approval_limit)
    if caller.organisation not in needed:
        raise rules.NotPayer(f"Needed: {', '.join(sorted(needed))}.")
    query = select(col(Approval.organisation)).where(
        col(Approval.call_off_id) == row.id, col(Approval.version) == row.version, col(Approval.revoked_at).is_(None)
    )
    given = set(session.execute(query).scalars())
    if caller.organisation in given:
        raise rules.AlreadyApproved(f"Missing: {', '.join(sorted(needed - given))}.")
    net = bearing.get(caller.organisation, row.net)
    session.add(
        Approval(
            call_off_id=row.id,
            version=row.version,
            organisation=caller.organisation,
            net=net,
            client=caller.client,
            approved_at=now(),
        )
    )
    session.flush()
    if needed <= given | {caller.organisation}:
        store.move(session, caller, row, Event.APPROVE, reason=reason)
        assert row.state is approved
    else:
        audit.record(session, caller, "call_off.approve_share", store.path(row.uuid), net_excl_vat=str(net))


def revoke(session: Session, caller: Caller, row: CallOff, reason: str | None, today: date) -> None:
    """Approved → reserved: what was approved must be approved anew, so the version goes on as another."""
    after(row.state, Event.REVOKE_APPROVAL)
    assert row.id
    bearing = {one.number: one.net for one in shares.payers(session, row.id, row.version)}
    said = terms(session, row)
    needed = rules.approvers(row.buyer, bearing, said.approval_limit)
    if caller.organisation not in needed:
        raise rules.NotPayer(f"It was approved by {', '.join(sorted(needed))}.")
    session.execute(_REVOKE, {"id": row.id, "version": row.version})
    row.hold_until_on = today + timedelta(days=said.reservation_days)
    store.move(session, caller, row, Event.REVOKE_APPROVAL, reason=reason)


_REVOKE = sa.text(
    "UPDATE approval SET revoked_at = clock_timestamp() WHERE call_off_id = :id AND version = :version "
    "AND revoked_at IS NULL"
)


def send(session: Session, caller: Caller | None, row: CallOff, reason: str | None, today: date) -> None:
    """Approved → sent, with the order letter."""
    row.respond_by_on = today + timedelta(days=terms(session, row).response_days)
    row.hold_until_on = None
    store.wait(session, row, None)
    store.move(session, caller, row, Event.SEND, reason=reason)
    store.send_letter(session, row, letters.ORDER)


def cancel(session: Session, caller: Caller, row: CallOff, reason: str | None) -> None:
    """What it held is free again, and a supplier that was told gets a letter that says so."""
    told = row.state not in BEFORE_SUPPLIER
    store.move(session, caller, row, Event.CANCEL, reason=reason)
    row.hold_until_on = row.respond_by_on = None
    if told:
        store.send_letter(session, row, letters.CANCELLATION)
    store.release(session, row, Event.CANCEL.value)


def acknowledge(session: Session, caller: Caller, row: CallOff, reason: str | None) -> None:
    """Sent → acknowledged: the supplier has read the order."""
    store.move(session, caller, row, Event.ACKNOWLEDGE, reason=reason)


def confirm(session: Session, caller: Caller, row: CallOff, reason: str | None) -> None:
    """Sent or acknowledged → confirmed: the supplier will deliver as ordered, and the buyer gets a letter."""
    row.respond_by_on = None
    store.move(session, caller, row, Event.CONFIRM, reason=reason)
    store.send_letter(session, row, letters.CONFIRMATION, to_buyer=True)


def decline(session: Session, caller: Caller, row: CallOff, reason: str, ground: str | None) -> None:
    """Sent or acknowledged → declined, on one of the lot's announced grounds or on none."""
    refuse(rules.check_ground(ground, terms(session, row).grounds))
    turned_down(session, caller, row, Event.DECLINE, reason, ground)


def turned_down(
    session: Session, caller: Caller | None, row: CallOff, event: Event, reason: str | None, ground: str | None
) -> None:
    """Declined, not answered in time, or a change refused: the room is free again, and the next supplier is looked
    for by a job; where the buyer chooses with documentation, the call-off waits for that."""
    said = terms(session, row)
    by_supplier = event in (Event.DECLINE, Event.RESPONSE_TIMEOUT)
    detail = {"ground": ground, "breach": rules.breach(said.obligation, ground), "supplier": row.supplier}
    row.respond_by_on = None
    store.move(session, caller, row, event, reason=reason, detail=detail if by_supplier else None)
    if event is Event.DECLINE:
        store.send_letter(session, row, letters.DECLINED, to_buyer=True)
    else:  # The supplier holds an order that it shall not deliver any more.
        store.send_letter(session, row, letters.CANCELLATION)
    if row.method is Method.OBJECTIVE_CONDITIONS:
        store.wait(session, row, CHOICE)
    else:
        jobs.defer(session, NEXT_TASK, call_off=str(row.uuid))
    store.release(session, row, event.value)


def next_supplier(
    database: Database,
    verifying: Verifying,
    uuid: UUID,
    today: date,
    *,
    caller: Caller | None = None,
    documented: award_keys.Documented | None = None,
) -> None:
    """The turn goes on: declined → reserved at the next supplier, and approved and sent when it costs no more than
    what has been approved; or → failed, with the reason, when nobody is left. Raises CertificationUnknown, and the
    call-off shows that it waits for that, when the catalogue cannot be asked."""
    with database.reading() as reader:
        row = reader.exec(select(CallOff).where(col(CallOff.uuid) == uuid)).one()
        if row.state is not State.DECLINED:
            return
        offer = places.offer(reader, row.framework, row.lot, row.buyer, today)
        already = turned_down_by(reader, row)
    asked = placing.Asked(
        tuple(Wanted(**one) for one in row.wanted), row.needed_on, documented, frozenset({*already, row.place_id})
    )
    try:
        if row.method is Method.MINI_COMPETITION:
            raise award_keys.MiniCompetitionNeeded("The winner of the one that decided has turned it down.")
        closed = [
            one
            for one in placing.check(offer, asked, today)
            if isinstance(one, NotEntitled | AccessionNotActive | AgreementNotOpen)
        ]
        if closed:
            raise closed[0]
        verify = placing.foreseen(offer, asked, verifying(row.specification, row.specification_version, row.needed_on))
        chosen = None if placing.contended(offer) else placing.choose(None, offer, asked, verify, today)
        with database.writing() as session:
            row = store.by_id(session, uuid)
            if row.state is not State.DECLINED:
                return
            chosen = chosen or placing.choose(session, offer, asked, verify, today)
            sent_before = row.net
            store.new_version(session, row, chosen, ended_by=Event.NEXT_SUPPLIER, reserved=True)
            store.wait(session, row, None)
            store.move(session, caller, row, Event.NEXT_SUPPLIER)
            row.hold_until_on = today + timedelta(days=offer.reservation_days)
            if rules.approved_before(row.net, offer.approval_limit, [sent_before]):
                store.move(session, caller, row, Event.APPROVE, reason="Approved before, up to this amount")
                send(session, caller, row, None, today)
    except award_keys.CertificationUnknown:
        with database.writing() as session:
            store.wait(session, store.by_id(session, uuid), CERTIFICATION)
        raise
    except (award_keys.NoSupplier, award_keys.NotCertified, award_keys.MiniCompetitionNeeded, *_ENDS) as error:
        if documented:
            raise
        _nobody_left(database, caller, uuid, error)


def turned_down_by(session: Session, row: CallOff) -> frozenset[int]:
    """The places whose turn has passed for this call-off: nobody is asked twice."""
    kept = store.versions(session, row.id or 0)
    return frozenset(one.place_id for one in kept if one.ended_by is Event.NEXT_SUPPLIER)


_ENDS = (CeilingExceeded, NotEntitled, AccessionNotActive, AgreementNotOpen, store.AgreementClosedMeanwhile)


def _nobody_left(database: Database, caller: Caller | None, uuid: UUID, error: Problem) -> None:
    with database.writing() as session:
        row = store.by_id(session, uuid)
        if row.state is State.DECLINED:
            store.wait(session, row, None)
            store.move(
                session, caller, row, Event.NO_SUPPLIER_LEFT, reason=error.detail or error.title(), detail=error.body()
            )


def due(database: Database, today: date) -> int:
    """What a date brings: room is held no longer for what is not approved, and an order that is not answered goes to
    the next supplier. → how many"""
    with database.reading() as reader:
        held = select(col(CallOff.uuid)).where(col(CallOff.state) == State.RESERVED, col(CallOff.hold_until_on) < today)
        silent = select(col(CallOff.uuid)).where(
            col(CallOff.state).in_([State.SENT, State.ACKNOWLEDGED]),
            col(CallOff.respond_by_on) < today,
            ~letters.undelivered(CallOff.id, CallOff.version),
        )
        over = [(uuid, Event.RESERVATION_TIMEOUT) for uuid in reader.execute(held.limit(200)).scalars()]
        over += [(uuid, Event.RESPONSE_TIMEOUT) for uuid in reader.execute(silent.limit(200)).scalars()]
    for uuid, event in over:
        with database.writing() as session:
            row = store.by_id(session, uuid)
            if event is Event.RESERVATION_TIMEOUT:
                if row.state is State.RESERVED and row.hold_until_on and row.hold_until_on < today:
                    to_draft(session, None, row, event, None)
            elif row.state in (State.SENT, State.ACKNOWLEDGED) and row.respond_by_on and row.respond_by_on < today:
                turned_down(session, None, row, event, "No answer in time", None)
    return len(over)


def letter_undelivered(session: Session, letter: letters.Letter, detail: str | None) -> None:
    """Tell the buyer that a letter about its call-off does not come to its recipient unless somebody does something."""
    row = session.get_one(CallOff, letter.call_off_id)
    feed.tell(
        session,
        "call_off.letter_undelivered",
        store.path(row.uuid),
        row.buyer,
        id=str(row.uuid),
        kind=letter.kind,
        reference=letter.reference,
        recipient=letter.recipient,
        status=letter.status,
        detail=detail,
        consequence=letter.consequence,
    )


def to_draft(session: Session, caller: Caller | None, row: CallOff, event: Event, reason: str | None) -> None:
    """Back to draft: it holds nothing any more."""
    row.hold_until_on = None
    store.move(session, caller, row, event, reason=reason)
    store.release(session, row, event.value)
