"""Call-offs over HTTP."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response
from pydantic import ConfigDict, Field
from sqlmodel import Session

from services.agreements.calloffs import rules, store
from services.agreements.catalog_client import Catalog, CatalogDep
from services.agreements.certificate_notices import store as notices
from services.agreements.frameworks.rules import State as FrameworkState
from services.agreements.places import store as places
from services.chassis import idempotency, paging
from services.chassis.app import new_router
from services.chassis.auth import Caller, needs
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import DatabaseDep, DryRunDep, ReaderDep, SessionDep
from services.chassis.idempotency import KeyHeader, Once
from services.chassis.problems import NeighbourAway, NeighbourNonsense, NotFound, refuse
from services.chassis.values import In, Instant, Money, Out, Slug, TextOut, seed_id

router = new_router("/call-offs", "Call-offs")

Buyer = Annotated[Caller, needs("agreements.order")]
Approver = Annotated[Caller, needs("agreements.approve")]
Supplier = Annotated[Caller, needs("agreements.supply")]
ReaderOf = Annotated[Caller, needs("agreements.read")]

BRONNOY, FJORDVAKT = "964983291", "100000016"


def _seeded(name: str) -> object:
    return Path(description="The call-off's id", examples=[str(seed_id(f"call-off:{name}"))])


class NewLine(In):
    item: Annotated[Slug, Field(description="An item of the lot's price lists", examples=["alarm"])]
    quantity: int = Field(ge=1, le=1_000_000, description="In the item's unit", examples=[3])


class NewCallOff(In):
    """What you need. The supplier follows from the agreement's ranking, not from your choice."""

    framework_agreement: Annotated[Slug, Field(examples=["ra-2026-velferdsteknologi"])]
    lot: Annotated[Slug, Field(examples=["alarmer"])]
    lines: list[NewLine] = Field(min_length=1, max_length=200)
    needed_on: date = Field(description="When it must be delivered; the product must be certified on that day")
    reference: str | None = Field(
        default=None, min_length=1, max_length=200, description="Your own reference; it stands in the letter"
    )


class Line(Out):
    item: str
    name: TextOut
    unit: str
    quantity: int
    unit_price_excl_vat: Money = Field(description="Frozen when the call-off was placed")
    vat_percent: Decimal
    amount_excl_vat: Money
    product: str | None
    price_list_version: int


class Certification(Out):
    """What the catalogue said of a product, as it was relied on."""

    product: str
    answer: str = Field(examples=["valid"])
    code: str
    certificate: str | None
    checked_at: str | None
    source: str = Field(description="Who said so", examples=["catalog /verify"])


class PassedOver(Out):
    rank: int
    supplier: str
    name: str
    reason: rules.PassedOver
    detail: str


class Explanation(Out):
    """Why this supplier."""

    method: str
    rank: int
    passed_over: list[PassedOver] = Field(description="Suppliers with a better rank, and why they were not asked")
    certification: list[Certification]


class Letter(Out):
    """A letter to the supplier and where it is."""

    kind: str = Field(examples=["order"])
    reference: str
    dispatch_id: UUID | None = Field(description="The dispatch in the integration service")
    status: str | None = Field(
        description="Its state there; null until the first news; `refused` when it will never be taken",
        examples=["received"],
    )
    external_id: str | None = Field(description="SvarUT's id of it")
    received_at: Instant | None = Field(description="When SvarUT took it")
    sha256: str | None = Field(description="Of the PDF")


class CertificateNotice(Out):
    """That something happened to the certificate of what was ordered. It changes nothing about the call-off: what
    follows from it is for the buyer."""

    certificate: str = Field(description="Its number, in the catalogue", examples=["SV-2026-000001"])
    product: str
    kind: str = Field(description="What happened, by the catalogue's name for it", examples=["suspended"])
    status: str | None = Field(description="The certificate's status after it", examples=["suspended"])
    effective_on: date
    relied_on: bool = Field(description="Whether this is the certificate that the call-off relied on")
    recorded_at: Instant = Field(description="When the catalogue recorded it")


class CallOff(Out):
    """A call-off. Amounts in NOK."""

    id: UUID
    number: str = Field(examples=["AVR-2026-000001"])
    framework_agreement: str
    lot: str
    state: rules.State
    buyer_organisation_number: str
    buyer_name: str
    supplier_organisation_number: str
    supplier_name: str
    needed_on: date
    placed_on: date
    placed_at: Instant
    reference: str | None
    lines: list[Line]
    amount_excl_vat: Money
    amount_vat: Money
    amount_incl_vat: Money
    reserved_excl_vat: Money = Field(description="What it still holds under the ceilings")
    choice: Explanation
    letters: list[Letter]
    certificate_notices: list[CertificateNotice] = Field(
        description="What happened since to certificates of what was ordered, oldest first"
    )


class Happened(Out):
    event: rules.Event
    state: rules.State = Field(description="The state after it")
    organisation: str
    reason: str | None
    recorded_at: Instant


class History(Out):
    items: list[Happened]


class NewStep(In):
    reason: str | None = Field(default=None, min_length=1, max_length=2000, description="Kept in the history")


class Filters(In):
    model_config = ConfigDict(extra="forbid")

    state: rules.State | None = Field(default=None, description="Only call-offs in this state")
    framework_agreement: Slug | None = Field(default=None, description="Only under this agreement")
    after: paging.After = None
    limit: paging.Limit = paging.DEFAULT


class LetterNotMade(NotFound):
    """The letter has not been made yet."""


async def _once(request: Request, caller: Buyer, key: KeyHeader = None) -> Once:
    return await idempotency.once(request, caller, "call_offs.place", key)


@router.post(
    "",
    status_code=201,
    response_model=CallOff,
    summary="Place a call-off",
    openapi_extra=example(
        organisation=BRONNOY,
        headers={"Idempotency-Key": "bestilling-2026-0042"},
        body={
            "framework_agreement": "ra-2026-velferdsteknologi",
            "lot": "alarmer",
            "lines": [{"item": "alarm", "quantity": 3}],
            "needed_on": "2029-06-01",
            "reference": "Hjemmetjenesten, bestilling 42",
        },
    ),
)
def place(
    new: NewCallOff,
    caller: Buyer,
    once: Annotated[Once, Depends(_once)],
    database: DatabaseDep,
    dry_run: DryRunDep,
    catalog: CatalogDep,
    today: TodayDep,
) -> Response:
    """Order from a lot. The service finds the supplier by the announced ranking: the first whose place is open, who has
    every item, and whose products are certified on `needed_on`; those passed over are listed with their reason.

    The value without VAT is reserved under the agreement's and the lot's ceiling; if it does not fit, nothing is
    written (409 `ceiling-exceeded`, with what is left). Up to the agreement's approval limit the call-off is approved
    and its order letter sent at once (state `sent`); above it a spending authority approves first (state `reserved`).

    503 `certification-unknown` or `neighbour-away`: the catalogue could not be asked, and nothing was reserved. Send
    the same request with the same Idempotency-Key again: it is the same call-off, and one letter."""
    once.look_up(database)
    with database.reading() as reader:
        offer = places.offer(reader, new.framework_agreement, new.lot, caller.organisation, today)
    wanted = [rules.Wanted(line.item, line.quantity) for line in new.lines]
    refuse(
        rules.check(
            rules.Terms(
                offer.state is FrameworkState.ACTIVE, offer.state, offer.starts_on, offer.ends_on, bool(offer.buyer_id)
            ),
            wanted=wanted,
            offered={item for seat in offer.seats for item in seat.prices},
            needed_on=new.needed_on,
            today=today,
        )
    )
    chosen = rules.by_ranking(
        [store.candidate(seat, wanted) for seat in offer.seats],
        (lambda product: _verdict(catalog, product, offer.specification, offer.specification_version, new.needed_on))
        if offer.specification
        else None,
    )
    with database.writing(rehearsed=dry_run) as session:
        once.claim(session)
        placed = store.place(
            session,
            caller,
            offer,
            chosen,
            events=rules.first_events(chosen.net, offer.approval_limit),
            needed_on=new.needed_on,
            placed_on=today,
            reference=new.reference,
        )
        shown = _shown(placed.call_off, placed.lines, placed.letters, [])
        location = store.path(placed.call_off.uuid)
        answer = once.keep(session, shown.model_dump_json().encode(), status=201, location=location)
        store.reserve(session, placed)
        return answer


@router.get("", summary="List your call-offs", openapi_extra=example(organisation=BRONNOY))
def list_call_offs(
    filters: Annotated[Filters, Query()], caller: ReaderOf, reader: ReaderDep, request: Request, response: Response
) -> paging.Page[CallOff]:
    """Newest first. A municipality sees its own, a supplier those that were sent to it."""
    (after,) = paging.start(filters.after, UUID) or (None,)
    rows = store.page(
        reader,
        caller.organisation,
        after,
        filters.limit,
        state=filters.state,
        framework=filters.framework_agreement,
    )
    ids = [row.id or 0 for row in rows]
    lines, letters, told = store.lines(reader, ids), store.letters(reader, ids), notices.of(reader, ids)
    return paging.page(
        request,
        response,
        rows,
        filters.limit,
        lambda row: paging.cursor(str(row.uuid)),
        lambda row: _shown(row, lines[row.id], letters.get(row.id, []), told.get(row.id, [])),
    )


@router.get("/{id}", summary="Read a call-off", openapi_extra=example(organisation=BRONNOY))
def read(id: Annotated[UUID, _seeded("sent")], caller: ReaderOf, reader: ReaderDep) -> CallOff:
    """A call-off with its frozen lines, why this supplier was asked, where its letter is, and what has happened since
    to the certificates of what was ordered. Such news does not change the call-off's state."""
    return _read(reader, id, caller)


@router.get("/{id}/history", summary="Read what happened to a call-off", openapi_extra=example(organisation=BRONNOY))
def history(id: Annotated[UUID, _seeded("sent")], caller: ReaderOf, reader: ReaderDep) -> History:
    """Every step since it was placed, oldest first, with who took it."""
    row = store.by_uuid(reader, id, caller.organisation)
    return History(items=[Happened.model_validate(one) for one in store.events(reader, row.id or 0)])


@router.get(
    "/{id}/letter",
    summary="Get the order letter",
    response_class=Response,
    responses={200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}},
    openapi_extra=example(organisation=BRONNOY),
)
def letter(id: Annotated[UUID, _seeded("sent")], caller: ReaderOf, reader: ReaderDep) -> Response:
    """The PDF (PDF/A-2a) that the supplier gets. 404 until it has been made, shortly after the call-off was sent."""
    row = store.by_uuid(reader, id, caller.organisation)
    pdf = store.letter_pdf(reader, row, store.ORDER)
    if pdf is None:
        raise LetterNotMade("It is made when the call-off is sent; ask again in a moment.")
    return Response(
        pdf, media_type="application/pdf", headers={"Content-Disposition": f'inline; filename="{row.number}.pdf"'}
    )


@router.post("/{id}/approve", summary="Approve a call-off", openapi_extra=example(organisation=BRONNOY, body={}))
def approve(id: Annotated[UUID, _seeded("reserved")], step: NewStep, caller: Approver, session: SessionDep) -> CallOff:
    """Reserved → approved, by the municipality's spending authority (budsjettdisponeringsmyndighet)."""
    return _take(session, id, caller, rules.Event.APPROVE, step, buyer=True)


@router.post("/{id}/send", summary="Send an approved call-off", openapi_extra=example(organisation=BRONNOY, body={}))
def send(
    id: Annotated[UUID, _seeded("approved")],
    step: NewStep,
    caller: Buyer,
    database: DatabaseDep,
    session: SessionDep,
    catalog: CatalogDep,
) -> CallOff:
    """Approved → sent. The products' certificates are looked at once more for the day of delivery, then the order
    letter goes to the supplier."""
    with database.reading() as reader:  # let go before the catalogue is asked
        row = _own(reader, id, caller, buyer=True)
        lines = store.lines(reader, [row.id or 0])[row.id or 0]
    rules.after(row.state, rules.Event.SEND)
    if row.specification:
        rules.by_ranking(
            [rules.Candidate(row.place_id, 1, row.supplier, row.supplier_name, True, tuple(lines))],
            lambda product: _verdict(catalog, product, row.specification, row.specification_version, row.needed_on),
        )
    return _take(session, id, caller, rules.Event.SEND, step, buyer=True)


@router.post("/{id}/cancel", summary="Cancel a call-off", openapi_extra=example(organisation=BRONNOY, body={}))
def cancel(id: Annotated[UUID, _seeded("sent")], step: NewStep, caller: Buyer, session: SessionDep) -> CallOff:
    """Until delivery has begun. What it held under the ceilings is free again; a supplier that was told gets a letter
    that says so."""
    return _take(session, id, caller, rules.Event.CANCEL, step, buyer=True)


@router.post(
    "/{id}/acknowledge", summary="Acknowledge an order", openapi_extra=example(organisation=FJORDVAKT, body={})
)
def acknowledge(id: Annotated[UUID, _seeded("sent")], step: NewStep, caller: Supplier, session: SessionDep) -> CallOff:
    """Sent → acknowledged, by the supplier: the order has been read (Peppol AB)."""
    return _take(session, id, caller, rules.Event.ACKNOWLEDGE, step, buyer=False)


@router.post("/{id}/confirm", summary="Confirm an order", openapi_extra=example(organisation=FJORDVAKT, body={}))
def confirm(id: Annotated[UUID, _seeded("sent")], step: NewStep, caller: Supplier, session: SessionDep) -> CallOff:
    """Sent or acknowledged → confirmed, by the supplier: it will be delivered as ordered (Peppol AP)."""
    return _take(session, id, caller, rules.Event.CONFIRM, step, buyer=False)


def _take(session: Session, id: UUID, caller: Caller, event: rules.Event, step: NewStep, *, buyer: bool) -> CallOff:
    row = _own(session, id, caller, buyer=buyer)
    store.move(session, caller, row, event, step.reason)
    return _read(session, id, caller)


def _own(session: Session, id: UUID, caller: Caller, *, buyer: bool) -> store.CallOff:
    """A call-off that the caller has as its buyer, or as its supplier: either may take its own steps only."""
    row = store.by_uuid(session, id, caller.organisation)
    if (row.buyer if buyer else row.supplier) != caller.organisation:
        raise store.CallOffNotFound(f"No call-off {id} among yours.")
    return row


def _read(session: Session, id: UUID, caller: Caller) -> CallOff:
    row = store.by_uuid(session, id, caller.organisation)
    key = row.id or 0
    told = notices.of(session, [key]).get(key, [])
    return _shown(row, store.lines(session, [key])[key], store.letters(session, [key]).get(key, []), told)


def _verdict(catalog: Catalog, product: str, specification: str | None, version: str | None, on: date) -> rules.Verdict:
    """A verdict that cannot be had is unknown, never valid."""
    try:
        said = catalog.verify(product, specification, version, on)
    except (NeighbourAway, NeighbourNonsense) as error:
        raise rules.CertificationUnknown(error.detail) from error
    return rules.Verdict(
        product,
        said.verdict,
        said.code,
        said.certificate.number if said.certificate else None,
        said.checked_at,
        "catalog /verify",
    )


def _shown(
    row: store.CallOff,
    lines: Sequence[rules.Priced],
    letters: Sequence[store.Letter],
    told: Sequence[notices.CertificateNotice],
) -> CallOff:
    return CallOff(
        id=row.uuid,
        number=row.number,
        framework_agreement=row.framework,
        lot=row.lot,
        state=row.state,
        buyer_organisation_number=row.buyer,
        buyer_name=row.buyer_name,
        supplier_organisation_number=row.supplier,
        supplier_name=row.supplier_name,
        needed_on=row.needed_on,
        placed_on=row.placed_on,
        placed_at=row.placed_at,
        reference=row.reference,
        lines=[
            Line(
                item=line.item,
                name=dict(line.name),
                unit=line.unit,
                quantity=line.quantity,
                unit_price_excl_vat=line.unit_price,
                vat_percent=line.vat_percent,
                amount_excl_vat=line.net,
                product=line.product,
                price_list_version=line.price_list_version,
            )
            for line in lines
        ],
        amount_excl_vat=row.net,
        amount_vat=row.vat,
        amount_incl_vat=row.net + row.vat,
        reserved_excl_vat=row.reserved,
        choice=Explanation.model_validate(row.choice),
        letters=[Letter.model_validate(letter) for letter in letters],
        certificate_notices=[CertificateNotice.model_validate(one) for one in told],
    )
