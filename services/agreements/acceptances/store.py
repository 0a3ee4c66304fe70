"""Acceptance, complaint, settlement and close: each a step of the call-off with what follows in the ledger."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlmodel import Session

from services.agreements.acceptances import rules
from services.agreements.calloffs import store as calloffs
from services.agreements.calloffs.rules import Event, after
from services.agreements.calloffs.store import CallOff
from services.agreements.complaints import rules as complaint_rules
from services.agreements.complaints import store as complaints
from services.agreements.complaints.rules import Outcome, Rejected
from services.agreements.deliveries import store as deliveries
from services.agreements.deliveries.rules import Standing
from services.agreements.frameworks import store as frameworks
from services.chassis.auth import Caller
from services.chassis.problems import refuse
from services.chassis.values import new_id


def accept(session: Session, caller: Caller, row: CallOff, reason: str | None) -> None:
    """All that was delivered is posted at the order's price."""
    after(row.state, Event.ACCEPT)
    outcomes = deliveries.outcomes(session, row.id or 0)
    refuse(rules.check_certified(outcomes, reason))
    standing = deliveries.standing(session, row)
    calloffs.move(session, caller, row, Event.ACCEPT, reason=reason, detail={"certification": sorted(outcomes)})
    _post(session, row, rules.settled([], standing), standing, Event.ACCEPT)


def complain(
    session: Session,
    caller: Caller,
    row: CallOff,
    rejected: Sequence[Rejected],
    reason: str,
    today: date,
    *,
    uuid: UUID | None = None,
) -> complaints.Complaint:
    """What is not as ordered, on the record and by letter to the supplier. Nothing moves in the ledger."""
    after(row.state, Event.COMPLAIN)
    assert row.id
    standing = deliveries.standing(session, row)
    delivered = {one.line.item: one.delivered for one in standing}
    missing = any(one.outstanding for one in standing)
    refuse(complaint_rules.check(rejected, delivered, missing=missing))
    complaint = complaints.Complaint(
        uuid=uuid or new_id(),
        call_off_id=row.id,
        sequence=len(complaints.of(session, row.id)) + 1,
        organisation=caller.organisation,
        reason=reason,
        complained_on=today,
    )
    complaints.add(session, complaint, rejected)
    calloffs.move(session, caller, row, Event.COMPLAIN, reason=reason, detail={"complaint": str(complaint.uuid)})
    calloffs.send_letter(session, row, complaints.letter_kind(complaint.sequence))
    return complaint


def settle(session: Session, caller: Caller, row: CallOff, agreed: Sequence[rules.Agreed], reason: str) -> None:
    """What the two agreed on is posted: at most what the order's price gives for what is kept."""
    after(row.state, Event.SETTLE)
    assert row.id
    told = complaints.open_one(session, row.id)
    standing = deliveries.standing(session, row)
    rejected = {one.item for one in told.lines}
    refuse(
        [
            *rules.check_certified(deliveries.outcomes(session, row.id), reason),
            *rules.check_settlement(agreed, standing, rejected),
        ]
    )
    value = rules.settled(agreed, standing)
    kept = [{"item": one.item, "quantity": one.quantity, "amount_excl_vat": f"{one.amount:.2f}"} for one in value]
    complaints.answer(session, told, Outcome.SETTLED, caller.organisation, reason, kept)
    detail = {"complaint": str(told.complaint.uuid), "agreed": kept}
    calloffs.move(session, caller, row, Event.SETTLE, reason=reason, detail=detail)
    _post(session, row, value, standing, Event.SETTLE)


def close(session: Session, caller: Caller, row: CallOff, reason: str | None) -> None:
    """Nothing more comes of it: what was never delivered, or settled below its price, is free again."""
    calloffs.move(session, caller, row, Event.CLOSE, reason=reason)
    calloffs.release(session, row, Event.CLOSE.value)


def _post(
    session: Session,
    row: CallOff,
    value: Sequence[rules.Agreed],
    standing: Sequence[Standing],
    event: Event,
) -> None:
    """The ledger last; and the agreement is exhausted when its maximum is reached by that."""
    calloffs.post(session, row, rules.posted(value, standing), event.value)
    frameworks.exhaust_if_reached(session, row.framework_id)
