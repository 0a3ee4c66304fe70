"""Steps of a call-off over HTTP."""

from datetime import date, timedelta
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import Path
from pydantic import Field

from services.agreements.calloff_steps import rules, store
from services.agreements.calloffs import placing, shapes
from services.agreements.calloffs import store as calloffs
from services.agreements.calloffs.rules import Choice, Event, Wanted, after, first_events
from services.agreements.calloffs.store import Part
from services.agreements.catalog_client import CatalogDep
from services.agreements.frameworks.rules import Method
from services.agreements.places import store as places
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import DatabaseDep, DryRunDep, SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In, seed_id

router = new_router("/call-offs", "Call-offs")


BRONNOY, FJORDVAKT = "964983291", "100000016"


def _seeded(name: str) -> object:
    return Path(description="The call-off's id", examples=[str(seed_id(f"call-off:{name}"))])


class NewStep(In):
    reason: str | None = Field(default=None, min_length=1, max_length=2000, description="Kept in the history")


class Edit(NewStep):
    """What you need instead."""

    lines: list[shapes.NewLine] = Field(min_length=1, max_length=200)
    needed_on: date | None = Field(default=None, description="Left out: as before")


class Declining(In):
    ground: str | None = Field(
        default=None, max_length=80, description="One of the lot's announced grounds; without one it may be a breach"
    )
    reason: str = Field(min_length=3, max_length=2000, description="Kept in the history; the buyer sees it")


class Again(NewStep):
    documented_choice: shapes.DocumentedChoice | None = Field(
        default=None, description="Only where the lot's method for this value is `objective_conditions`"
    )


@router.post(
    "/{id}/edit",
    summary="Change a call-off that is not approved",
    openapi_extra=example(organisation=BRONNOY, body={"lines": [{"item": "alarm", "quantity": 250}]}),
)
def edit(id: Annotated[UUID, _seeded("reserved")], new: Edit, caller: CallerDep, session: SessionDep) -> shapes.CallOff:
    """Reserved → draft, with other lines or another day. Its room is given back at once; `reserve` asks for room
    anew."""
    row = calloffs.locked(session, id, caller.organisation, Part.BUYER)
    if row.method is Method.MINI_COMPETITION:
        raise rules.DecidedByCompetition(f"It was decided by {row.choice['competition']['number']}.")
    row.wanted = [{"item": line.item, "quantity": line.quantity} for line in new.lines]
    row.needed_on = new.needed_on or row.needed_on
    store.to_draft(session, caller, row, Event.EDIT, new.reason)
    return shapes.of(session, row, caller.organisation)


@router.post(
    "/{id}/reserve",
    summary="Reserve room for a draft again",
    openapi_extra=example(organisation=BRONNOY, body={}),
)
def reserve(
    id: Annotated[UUID, _seeded("draft")],
    new: Again,
    caller: CallerDep,
    database: DatabaseDep,
    dry_run: DryRunDep,
    catalog: CatalogDep,
    today: TodayDep,
) -> shapes.CallOff:
    """Draft → reserved: everything is looked at as for a new call-off, and the supplier is found anew, unless a
    mini-competition has found it. Up to the agreement's approval limit it is approved and sent at once."""
    with database.reading() as reader:
        row = calloffs.bought(reader, id, caller.organisation)
        offer = places.offer(reader, row.framework, row.lot, row.buyer, today)
        already = store.turned_down_by(reader, row)
        lines = calloffs.lines(reader, [row.id or 0])[row.id or 0]
    after(row.state, Event.RESERVE)
    asked = placing.Asked(
        tuple(Wanted(**one) for one in row.wanted),
        row.needed_on,
        new.documented_choice.kept() if new.documented_choice else None,
        already,
    )
    refuse(placing.check(offer, asked, today))
    verifying = placing.verifying(catalog.verify, offer.specification, offer.specification_version, row.needed_on)
    verify = placing.foreseen(offer, asked, verifying)
    chosen: Choice | None
    if row.method is Method.MINI_COMPETITION:
        certified = verifying if offer.specification else None
        chosen = placing.decided(row.place_id, row.supplier, row.supplier_name, lines, row.choice, certified)
    else:
        chosen = None if placing.contended(offer) else placing.choose(None, offer, asked, verify, today)
    with database.writing(rehearsed=dry_run) as session:
        row = calloffs.locked(session, id, caller.organisation, Part.BUYER)
        after(row.state, Event.RESERVE)
        chosen = chosen or placing.choose(session, offer, asked, verify, today)
        calloffs.new_version(session, row, chosen, ended_by=Event.RESERVE, reserved=True)
        row.hold_until_on = today + timedelta(days=offer.reservation_days)
        events = first_events(row.net, offer.approval_limit)
        calloffs.move(session, caller, row, *events[:2], reason=new.reason)
        if Event.SEND in events:
            store.send(session, caller, row, None, today)
        return shapes.of(session, row, caller.organisation)


@router.post("/{id}/approve", summary="Approve a call-off", openapi_extra=example(organisation=BRONNOY, body={}))
def approve(
    id: Annotated[UUID, _seeded("reserved")], step: NewStep, caller: CallerDep, session: SessionDep
) -> shapes.CallOff:
    """Reserved → approved, by the spending authority (budsjettdisponeringsmyndighet). Of a joint order each paying
    municipality whose share passes the approval limit approves its own; the last one's approval moves it on."""
    row = calloffs.locked(session, id, caller.organisation, Part.BUYER, Part.PAYER)
    store.approve(session, caller, row, step.reason)
    return shapes.of(session, row, caller.organisation)


@router.post(
    "/{id}/revoke-approval", summary="Take an approval back", openapi_extra=example(organisation=BRONNOY, body={})
)
def revoke_approval(
    id: Annotated[UUID, _seeded("approved")], step: NewStep, caller: CallerDep, session: SessionDep, today: TodayDep
) -> shapes.CallOff:
    """Approved → reserved, while it is not sent. All its approvals must be given anew."""
    row = calloffs.locked(session, id, caller.organisation, Part.BUYER, Part.PAYER)
    store.revoke(session, caller, row, step.reason, today)
    return shapes.of(session, row, caller.organisation)


@router.post("/{id}/send", summary="Send an approved call-off", openapi_extra=example(organisation=BRONNOY, body={}))
def send(
    id: Annotated[UUID, _seeded("approved")],
    step: NewStep,
    caller: CallerDep,
    database: DatabaseDep,
    session: SessionDep,
    catalog: CatalogDep,
    today: TodayDep,
) -> shapes.CallOff:
    """Approved → sent. The products' certificates are looked at once more for the day of delivery, then the order
    letter goes to the supplier."""
    with database.reading() as reader:  # let go before the catalogue is asked
        row = calloffs.bought(reader, id, caller.organisation)
        lines = calloffs.lines(reader, [row.id or 0])[row.id or 0]
    after(row.state, Event.SEND)
    if row.specification:
        verify = placing.verifying(catalog.verify, row.specification, row.specification_version, row.needed_on)
        placing.still_certified(row.place_id, row.supplier, row.supplier_name, lines, verify)
    row = calloffs.locked(session, id, caller.organisation, Part.BUYER)
    store.send(session, caller, row, step.reason, today)
    return shapes.of(session, row, caller.organisation)


@router.post("/{id}/cancel", summary="Cancel a call-off", openapi_extra=example(organisation=BRONNOY, body={}))
def cancel(
    id: Annotated[UUID, _seeded("sent")], step: NewStep, caller: CallerDep, session: SessionDep
) -> shapes.CallOff:
    """Until delivery has begun. What it held under the ceilings is free again; a supplier that was told gets a letter
    that says so."""
    row = calloffs.locked(session, id, caller.organisation, Part.BUYER)
    store.cancel(session, caller, row, step.reason)
    return shapes.of(session, row, caller.organisation)


@router.post(
    "/{id}/acknowledge", summary="Acknowledge an order", openapi_extra=example(organisation=FJORDVAKT, body={})
)
def acknowledge(
    id: Annotated[UUID, _seeded("sent")], step: NewStep, caller: CallerDep, session: SessionDep
) -> shapes.CallOff:
    """Sent → acknowledged, by the supplier: the order has been read (Peppol AB)."""
    row = calloffs.locked(session, id, caller.organisation, Part.SUPPLIER)
    store.acknowledge(session, caller, row, step.reason)
    return shapes.of(session, row, caller.organisation)


@router.post("/{id}/confirm", summary="Confirm an order", openapi_extra=example(organisation=FJORDVAKT, body={}))
def confirm(
    id: Annotated[UUID, _seeded("sent")], step: NewStep, caller: CallerDep, session: SessionDep
) -> shapes.CallOff:
    """Sent or acknowledged → confirmed, by the supplier: it will be delivered as ordered (Peppol AP). The buyer gets a
    letter."""
    row = calloffs.locked(session, id, caller.organisation, Part.SUPPLIER)
    store.confirm(session, caller, row, step.reason)
    return shapes.of(session, row, caller.organisation)


@router.post(
    "/{id}/decline",
    summary="Decline an order",
    openapi_extra=example(
        organisation=FJORDVAKT, body={"ground": "force-majeure", "reason": "Fabrikken er oversvømt (fiktivt)."}
    ),
)
def decline(
    id: Annotated[UUID, _seeded("sent")], step: Declining, caller: CallerDep, session: SessionDep
) -> shapes.CallOff:
    """Sent or acknowledged → declined, by the supplier (Peppol RE). A lot with a delivery obligation (leveringsplikt)
    has announced on which grounds that may be; on none of them it is recorded as a breach. Its room is given back, and
    the turn goes to the next in the award key."""
    row = calloffs.locked(session, id, caller.organisation, Part.SUPPLIER)
    store.decline(session, caller, row, step.reason, step.ground)
    return shapes.of(session, row, caller.organisation)


@router.post(
    "/{id}/next-supplier",
    summary="Choose the next supplier with documentation",
    openapi_extra=example(
        organisation=BRONNOY,
        body={
            "documented_choice": {
                "supplier": "100000024",
                "conditions": ["integrasjon"],
                "reason": "Eneste plattform som fagsystemet er integrert med (fiktivt).",
            }
        },
    ),
)
def next_supplier(
    id: Annotated[UUID, _seeded("declined")],
    new: Again,
    caller: CallerDep,
    database: DatabaseDep,
    catalog: CatalogDep,
    today: TodayDep,
) -> shapes.CallOff:
    """Declined → reserved, only where the lot's method is a documented choice; otherwise the service goes on by itself.
    The new choice is documented as the first was."""
    with database.reading() as reader:
        row = calloffs.bought(reader, id, caller.organisation)
    after(row.state, Event.NEXT_SUPPLIER)
    if new.documented_choice is None or row.waiting != store.CHOICE:
        raise rules.ChoiceNotOpen(f"The method is {row.method}.")
    documented = new.documented_choice.kept()
    store.next_supplier(
        database, partial(placing.verifying, catalog.verify), id, today, caller=caller, documented=documented
    )
    with database.reading() as reader:
        return shapes.of(reader, calloffs.by_uuid(reader, id, caller.organisation), caller.organisation)
