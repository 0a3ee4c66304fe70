"""Order changes over HTTP."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path
from pydantic import Field

from services.agreements.calloff_steps import store as calloff_steps
from services.agreements.calloffs import shapes
from services.agreements.calloffs import store as calloffs
from services.agreements.calloffs.rules import Event, after
from services.agreements.calloffs.store import Part
from services.agreements.catalog_client import CatalogDep
from services.agreements.order_changes import rules, store
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import DatabaseDep, ReaderDep, SessionDep
from services.chassis.values import In, Instant, Money, Out, TextOut, seed_id

router = new_router("/call-offs", "Call-offs")


BRONNOY, FJORDVAKT = "964983291", "100000016"


def _seeded(name: str) -> object:
    return Path(description="The call-off's id", examples=[str(seed_id(f"call-off:{name}"))])


class BuyersChange(In):
    """What you need instead, all lines of it. Prices stay as they are frozen; another item has the supplier's own."""

    lines: list[shapes.NewLine] = Field(min_length=1, max_length=200)
    needed_on: date | None = Field(default=None, description="Left out: as before")
    reason: str = Field(min_length=3, max_length=2000, description="Kept in the history; the other side sees it")


class ProposedLine(shapes.NewLine):
    unit_price_excl_vat: Money | None = Field(
        default=None, description="At most the price that binds; left out: that price", examples=["2350.00"]
    )


class SuppliersChange(In):
    """What you can deliver instead, all lines of it."""

    lines: list[ProposedLine] = Field(min_length=1, max_length=200)
    needed_on: date | None = Field(default=None, description="The day you can deliver; left out: as ordered")
    reason: str = Field(min_length=3, max_length=2000, description="Kept in the history; the other side sees it")


class Answer(In):
    reason: str | None = Field(default=None, min_length=1, max_length=2000, description="Kept in the history")


class ChangedLine(Out):
    item: str
    name: TextOut
    unit: str
    quantity: int
    unit_price_excl_vat: Money
    amount_excl_vat: Money
    product: str | None


class OrderChange(Out):
    id: UUID
    version: int = Field(description="The version of the call-off that it changes")
    proposed_by: str = Field(description="Organisation number")
    step: Event = Field(description="`propose_change` by the supplier, `buyer_change` by the buyer")
    lines: list[ChangedLine] = Field(description="All lines as they would be")
    needed_before_on: date
    needed_on: date
    amount_excl_vat: Money
    reason: str
    outcome: rules.Outcome
    answered_by: str | None
    answer_reason: str | None
    proposed_at: Instant
    answered_at: Instant | None


class OrderChanges(Out):
    items: list[OrderChange]


@router.get("/{id}/changes", summary="Read the changes of an order", openapi_extra=example(organisation=BRONNOY))
def changes(id: Annotated[UUID, _seeded("change-proposed")], caller: CallerDep, reader: ReaderDep) -> OrderChanges:
    """What either side has proposed since it was sent, oldest first, and what became of it."""
    row = calloffs.by_uuid(reader, id, caller.organisation)
    return OrderChanges(items=[_shown(*one) for one in store.of(reader, row, caller.organisation)])


@router.post(
    "/{id}/propose-change",
    summary="Propose to deliver otherwise than ordered",
    openapi_extra=example(
        organisation=FJORDVAKT,
        body={
            "lines": [{"item": "alarm", "quantity": 8}, {"item": "montering", "quantity": 8}],
            "reason": "Bare åtte er på lager før sommeren (fiktivt).",
        },
    ),
)
def propose_change(
    id: Annotated[UUID, _seeded("sent")], new: SuppliersChange, caller: CallerDep, session: SessionDep, today: TodayDep
) -> shapes.CallOff:
    """Sent or acknowledged → change_proposed, by the supplier (Peppol CA): other quantities, another item of your price
    list, another day, or a lower price; never a higher one. The order stands until the buyer answers. Every rule that
    the change breaks is told at once."""
    row = calloffs.locked(session, id, caller.organisation, Part.SUPPLIER)
    after(row.state, Event.PROPOSE_CHANGE)
    proposed = [rules.Proposed(line.item, line.quantity, line.unit_price_excl_vat) for line in new.lines]
    store.propose(session, caller, row, Event.PROPOSE_CHANGE, proposed, new.needed_on, new.reason, today)
    return shapes.of(session, row, caller.organisation)


@router.post(
    "/{id}/accept-change",
    summary="Accept the supplier's change",
    openapi_extra=example(organisation=BRONNOY, body={}),
)
def accept_change(
    id: Annotated[UUID, _seeded("change-proposed")],
    answer: Answer,
    caller: CallerDep,
    database: DatabaseDep,
    session: SessionDep,
    catalog: CatalogDep,
    today: TodayDep,
) -> shapes.CallOff:
    """Change_proposed → confirmed, as changed. The ledger moves by the difference, and more must fit under every
    ceiling. More than what is approved, and than the approval limit, needs the scope agreements.approve too. The
    products' certificates are looked at for the day of delivery. The supplier gets the changed order by letter."""
    known, said = store.looked_at(database, catalog.verify, id, caller, Event.ACCEPT_CHANGE)
    row = calloffs.locked(session, id, caller.organisation, Part.BUYER)
    after(row.state, Event.ACCEPT_CHANGE)
    change = store.same(session, row, known)
    store.accept(session, caller, row, change, Event.ACCEPT_CHANGE, said, answer.reason, today)
    return shapes.of(session, row, caller.organisation)


@router.post(
    "/{id}/refuse-change",
    summary="Refuse the supplier's change",
    openapi_extra=example(organisation=BRONNOY, body={"reason": "Vi trenger alle."}),
)
def refuse_change(
    id: Annotated[UUID, _seeded("change-proposed")], answer: Answer, caller: CallerDep, session: SessionDep
) -> shapes.CallOff:
    """Change_proposed → declined: the supplier does not deliver as ordered, and you do not want what it offers. The
    room is given back, the supplier gets a letter, and the turn goes to the next in the award key."""
    row = calloffs.locked(session, id, caller.organisation, Part.BUYER)
    after(row.state, Event.REFUSE_CHANGE)
    store.refuse_suppliers(session, caller, row, answer.reason)
    calloff_steps.turned_down(session, caller, row, Event.REFUSE_CHANGE, answer.reason, None)
    return shapes.of(session, row, caller.organisation)


@router.post(
    "/{id}/buyer-change",
    summary="Ask the supplier to change a confirmed order",
    openapi_extra=example(
        organisation=BRONNOY,
        body={"lines": [{"item": "alarm", "quantity": 5}], "reason": "En ny bruker er kommet til (fiktivt)."},
    ),
)
def buyer_change(
    id: Annotated[UUID, _seeded("confirmed")],
    new: BuyersChange,
    caller: CallerDep,
    session: SessionDep,
    today: TodayDep,
) -> shapes.CallOff:
    """Confirmed → change_requested, by the buyer; the supplier gets a letter of what you want instead. The confirmed
    order stands until the supplier confirms the change, and also when it refuses. More than what is approved, and than
    the approval limit, needs the scope agreements.approve too; what would lead to another method of award is no change
    of this order."""
    row = calloffs.locked(session, id, caller.organisation, Part.BUYER)
    after(row.state, Event.BUYER_CHANGE)
    proposed = [rules.Proposed(line.item, line.quantity) for line in new.lines]
    store.propose(session, caller, row, Event.BUYER_CHANGE, proposed, new.needed_on, new.reason, today)
    return shapes.of(session, row, caller.organisation)


@router.post(
    "/{id}/change-confirmed",
    summary="Confirm the buyer's change",
    openapi_extra=example(organisation=FJORDVAKT, body={}),
)
def change_confirmed(
    id: Annotated[UUID, _seeded("change-requested")],
    answer: Answer,
    caller: CallerDep,
    database: DatabaseDep,
    session: SessionDep,
    catalog: CatalogDep,
    today: TodayDep,
) -> shapes.CallOff:
    """Change_requested → confirmed, as changed, by the supplier. The ledger moves by the difference, and more must fit
    under every ceiling. Both sides get a letter of the order as it now stands."""
    known, said = store.looked_at(database, catalog.verify, id, caller, Event.CHANGE_CONFIRMED)
    row = calloffs.locked(session, id, caller.organisation, Part.SUPPLIER)
    after(row.state, Event.CHANGE_CONFIRMED)
    change = store.same(session, row, known)
    store.accept(session, caller, row, change, Event.CHANGE_CONFIRMED, said, answer.reason, today)
    return shapes.of(session, row, caller.organisation)


@router.post(
    "/{id}/change-refused",
    summary="Refuse the buyer's change",
    openapi_extra=example(organisation=FJORDVAKT, body={"reason": "Den er alt pakket (fiktivt)."}),
)
def change_refused(
    id: Annotated[UUID, _seeded("change-requested")], answer: Answer, caller: CallerDep, session: SessionDep
) -> shapes.CallOff:
    """Change_requested → confirmed, by the supplier: the order stands as it was confirmed."""
    row = calloffs.locked(session, id, caller.organisation, Part.SUPPLIER)
    after(row.state, Event.CHANGE_REFUSED)
    store.refuse_buyers(session, caller, row, answer.reason)
    return shapes.of(session, row, caller.organisation)


def _shown(change: store.OrderChange, answer: store.OrderChangeAnswer | None, outcome: rules.Outcome) -> OrderChange:
    shown: dict[str, Any] = {
        "id": change.uuid,
        "version": change.version,
        "proposed_by": change.organisation,
        "step": change.event,
        "lines": [
            ChangedLine(
                item=line.item,
                name=dict(line.name),
                unit=line.unit,
                quantity=line.quantity,
                unit_price_excl_vat=line.unit_price,
                amount_excl_vat=line.net,
                product=line.product,
            )
            for line in store.priced(change)
        ],
        "needed_before_on": change.needed_before_on,
        "needed_on": change.needed_on,
        "amount_excl_vat": Decimal(change.net),
        "reason": change.reason,
        "outcome": outcome,
        "answered_by": answer and answer.organisation,
        "answer_reason": answer and answer.reason,
        "proposed_at": change.proposed_at,
        "answered_at": answer and answer.answered_at,
    }
    return OrderChange(**shown)
