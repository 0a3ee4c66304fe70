"""Deliveries over HTTP, as the supplier registers them."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Request, Response
from pydantic import Field
from sqlmodel import Session

from services.agreements.award_keys.rules import Verdict
from services.agreements.calloffs import placing, shapes
from services.agreements.calloffs import store as calloffs
from services.agreements.calloffs.rules import Event, State, Wanted, after
from services.agreements.calloffs.store import Part
from services.agreements.catalog_client import Catalog, CatalogDep
from services.agreements.complaints import store as complaints
from services.agreements.complaints.rules import Outcome as ComplaintOutcome
from services.agreements.deliveries import rules, store
from services.chassis import idempotency
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import Database, DatabaseDep, DryRunDep, ReaderDep, SessionDep
from services.chassis.idempotency import KeyHeader, Once
from services.chassis.values import In, Instant, Money, Out, TextOut, seed_id

router = new_router("/call-offs", "Call-offs")


BRONNOY, FJORDVAKT = "964983291", "100000016"


def _seeded(name: str) -> object:
    return Path(description="The call-off's id", examples=[str(seed_id(f"call-off:{name}"))])


class NewDelivery(In):
    lines: list[shapes.NewLine] = Field(min_length=1, max_length=200, description="What came, by item of the order")
    delivered_on: date = Field(description="The day it was delivered; today or before", examples=["2026-11-20"])
    last: bool = Field(default=False, description="Nothing more comes, although something of the order is left")
    note: str | None = Field(default=None, min_length=1, max_length=2000, description="Such as a packing slip's number")
    reason: str | None = Field(
        default=None, min_length=3, max_length=2000, description="Needed when it is more than 30 days ago"
    )

    def delivered(self) -> rules.Delivered:
        lines = tuple(Wanted(line.item, line.quantity) for line in self.lines)
        return rules.Delivered(lines, self.delivered_on, self.last, self.note, self.reason)


class Ending(In):
    reason: str = Field(min_length=3, max_length=2000, description="Kept in the history; the supplier sees it")


class Anew(In):
    reason: str | None = Field(default=None, min_length=1, max_length=2000, description="Kept in the history")


class Counted(Out):
    item: str
    quantity: int


class DeliveredLine(Out):
    """A line of the order, and what has come of it, in its unit."""

    item: str
    name: TextOut
    unit: str
    ordered: int
    delivered: int = Field(description="Without what was rejected and is delivered anew")
    outstanding: int = Field(description="What is left to deliver")
    accepted: int = Field(description="What is accepted and posted of it; after a settlement what is kept")
    accepted_excl_vat: Money = Field(description="At which value")


class DeliveryCertification(Out):
    """What the catalogue said of the delivered products for the day that they were delivered."""

    outcome: rules.Outcome = Field(description="`pending` while the catalogue cannot be asked")
    products: list[shapes.Certification]
    checked_at: Instant


class Delivery(Out):
    id: UUID
    sequence: int
    delivered_on: date
    lines: list[Counted]
    last: bool
    note: str | None
    back_dated: bool = Field(description="It was registered more than 30 days afterwards")
    reason: str | None
    certification: DeliveryCertification | None = Field(description="Null where the lot demands none")
    recorded_at: Instant


class Agreed(Out):
    """What a settlement says of an item."""

    item: str
    quantity: int = Field(description="How many are kept")
    amount_excl_vat: Money


class Complaint(Out):
    id: UUID
    sequence: int
    complained_on: date
    lines: list[Counted] = Field(description="What is rejected; empty when it is about what is missing")
    reason: str
    outcome: ComplaintOutcome
    answer_reason: str | None
    agreed: list[Agreed] | None = Field(description="By a settlement")
    recorded_at: Instant
    answered_at: Instant | None


class Deliveries(Out):
    """What has come of a call-off, and what was complained of."""

    call_off_id: UUID
    number: str
    state: State
    waiting: str | None
    lines: list[DeliveredLine]
    items: list[Delivery] = Field(description="Oldest first")
    complaints: list[Complaint] = Field(description="Oldest first")


async def _once(
    request: Request, id: Annotated[UUID, _seeded("confirmed")], caller: CallerDep, key: KeyHeader = None
) -> Once:
    """By call-off: a packing slip's number may stand on several orders."""
    return await idempotency.once(request, caller, f"call_offs.deliver {id}", key)


@router.get("/{id}/deliveries", summary="Read the deliveries of an order", openapi_extra=example(organisation=BRONNOY))
def read(id: Annotated[UUID, _seeded("accepted")], caller: CallerDep, reader: ReaderDep) -> Deliveries:
    """What has been delivered, line by line and delivery by delivery, what the certificates said of it, and every
    complaint with what became of it. For the buyer, those that pay, and the supplier."""
    return _shown(reader, calloffs.by_uuid(reader, id, caller.organisation))


@router.post(
    "/{id}/deliveries",
    status_code=201,
    response_model=Deliveries,
    summary="Register a delivery",
    openapi_extra=example(
        organisation=FJORDVAKT,
        headers={"Idempotency-Key": "pakkseddel-7781"},
        body={
            "lines": [{"item": "alarm", "quantity": 2}],
            "delivered_on": "2026-11-20",
            "note": "Pakkseddel 7781 (eksempel)",
            "reason": "Pakkseddelen kom bort (eksempel).",
        },
    ),
)
def register(
    id: Annotated[UUID, _seeded("confirmed")],
    new: NewDelivery,
    caller: CallerDep,
    once: Annotated[Once, Depends(_once)],
    database: DatabaseDep,
    dry_run: DryRunDep,
    catalog: CatalogDep,
    today: TodayDep,
) -> Response:
    """Confirmed or in_delivery → in_delivery, or → delivered with the last of it, by the supplier. In parts, as they
    come; never more than is left to deliver. It does not matter for an order that stands whether the agreement has
    expired since, as long as it is delivered within the days that the lot gives after the agreement's end.

    The products' certificates are looked at for the day of delivery. When the catalogue cannot be asked the delivery is
    registered all the same: the call-off waits for `certification`, and the question is asked again. Every rule that
    the delivery breaks is told at once."""
    once.look_up(database)
    verdicts = _verdicts(database, catalog, id, caller, new)
    with database.writing(rehearsed=dry_run) as session:
        once.claim(session)
        row = calloffs.locked(session, id, caller.organisation, Part.SUPPLIER)
        store.register(session, caller, row, new.delivered(), verdicts, today)
        body = _shown(session, row).model_dump_json().encode()
        return once.keep(session, body, status=201, location=f"{calloffs.path(row.uuid)}/deliveries")


@router.post(
    "/{id}/terminate-rest",
    summary="End what is not delivered yet",
    openapi_extra=example(organisation=BRONNOY, body={"reason": "Resten trengs ikke lenger (fiktivt)."}),
)
def terminate_rest(
    id: Annotated[UUID, _seeded("in-delivery")], step: Ending, caller: CallerDep, session: SessionDep
) -> shapes.CallOff:
    """In_delivery → delivered, by the buyer: what is left is not to be delivered any more, and exactly that is free
    again under the ceilings. What has come is accepted or complained of as ever."""
    row = calloffs.locked(session, id, caller.organisation, Part.BUYER)
    store.terminate_rest(session, caller, row, step.reason)
    return shapes.of(session, row, caller.organisation)


@router.post(
    "/{id}/redeliver",
    summary="Deliver anew what was rejected",
    openapi_extra=example(organisation=FJORDVAKT, body={"reason": "Nye enheter sendes i morgen (fiktivt)."}),
)
def redeliver(
    id: Annotated[UUID, _seeded("disputed")], step: Anew, caller: CallerDep, session: SessionDep
) -> shapes.CallOff:
    """Disputed → in_delivery, by the supplier: it takes the complaint and delivers anew. What the complaint rejects no
    longer counts as delivered; the new units are registered when they come."""
    row = calloffs.locked(session, id, caller.organisation, Part.SUPPLIER)
    store.redeliver(session, caller, row, step.reason)
    return shapes.of(session, row, caller.organisation)


def _verdicts(database: Database, catalog: Catalog, id: UUID, caller: Caller, new: NewDelivery) -> tuple[Verdict, ...]:
    """What the catalogue says of the products for the day of delivery: asked before the transaction, with no
    connection held."""
    with database.reading() as reader:
        row = calloffs.supplied(reader, id, caller.organisation)
        after(row.state, Event.REGISTER_DELIVERY)
        asked = store.products(new.delivered().lines, store.standing(reader, row))
    if not row.specification:
        return ()
    verify = placing.verifying(catalog.verify, row.specification, row.specification_version, new.delivered_on)
    return rules.said(asked, verify)


def _shown(session: Session, row: calloffs.CallOff) -> Deliveries:
    assert row.id
    return Deliveries(
        call_off_id=row.uuid,
        number=row.number,
        state=row.state,
        waiting=row.waiting,
        lines=[
            DeliveredLine(
                item=one.line.item,
                name=dict(one.line.name),
                unit=one.line.unit,
                ordered=one.line.quantity,
                delivered=one.delivered,
                outstanding=one.outstanding,
                accepted=one.accepted,
                accepted_excl_vat=one.value,
            )
            for one in store.standing(session, row)
        ],
        items=[_delivery(one) for one in store.of(session, row.id)],
        complaints=[_complaint(one) for one in complaints.of(session, row.id)],
    )


def _delivery(told: store.Told) -> Delivery:
    one, check = told.delivery, told.check
    assert one.recorded_at
    return Delivery(
        id=one.uuid,
        sequence=one.sequence,
        delivered_on=one.delivered_on,
        lines=[Counted.model_validate(line) for line in told.lines],
        last=one.last,
        note=one.note,
        back_dated=one.back_dated,
        reason=one.reason,
        certification=DeliveryCertification.model_validate(
            {"outcome": check.outcome, "products": check.verdicts, "checked_at": check.checked_at}
        )
        if check
        else None,
        recorded_at=one.recorded_at,
    )


def _complaint(told: complaints.Told) -> Complaint:
    one, answer = told.complaint, told.answer
    assert one.recorded_at
    return Complaint(
        id=one.uuid,
        sequence=one.sequence,
        complained_on=one.complained_on,
        lines=[Counted.model_validate(line) for line in told.lines],
        reason=one.reason,
        outcome=told.outcome,
        answer_reason=answer and answer.reason,
        agreed=[Agreed.model_validate(agreed) for agreed in answer.agreed] if answer and answer.agreed else None,
        recorded_at=one.recorded_at,
        answered_at=answer and answer.answered_at,
    )
