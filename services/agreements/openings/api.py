"""Openings over HTTP, and the bids as they are read from then on."""

import base64
from decimal import Decimal
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import Path, Response
from pydantic import Field
from sqlmodel import Session

from services.agreements.bids import rules as bid_rules
from services.agreements.bids import shapes as bid_shapes
from services.agreements.bids import store as bids
from services.agreements.competition_steps import store as competition_steps
from services.agreements.mini_competitions import rules as mini_competition_rules
from services.agreements.mini_competitions import shapes
from services.agreements.mini_competitions import store as mini_competitions
from services.agreements.mini_competitions.store import MiniCompetition
from services.agreements.openings import store
from services.agreements.sealing import store as sealing
from services.agreements.sealing.store import SealingKeyDep
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import NotFound
from services.chassis.values import In, Instant, Money, Out, TextOut, seed_id

router = new_router("/mini-competitions/{id}", "Mini-competitions")

BRONNOY, FJORDVAKT = "964983291", "100000016"
OPEN, DUE, OPENED = (
    Path(description="The mini-competition's id", examples=[str(seed_id(f"mini-competition:{name}"))])
    for name in ("open", "due", "opened")
)
BID = Path(description="The bid's id", examples=[str(seed_id(f"bid:opened:{FJORDVAKT}"))])


class OpenBids(In):
    """Nothing needs to be said: it opens them all."""


class BidLine(Out):
    item: str
    name: TextOut
    unit: str
    quantity: int
    unit_price_excl_vat: Money
    vat_percent: Decimal
    amount_excl_vat: Money
    product: str | None


class BidAnswer(Out):
    criterion: str
    text: str


class BidDocument(Out):
    position: int
    name: str
    media_type: str
    size: int = Field(description="Bytes")
    sha256: str


class BidHappened(Out):
    event: bid_rules.Event
    state: bid_rules.State
    organisation: str | None = Field(description="Null: the service itself")
    reason: str | None
    recorded_at: Instant


class Bid(bid_shapes.Receipt):
    """A bid. What it says is null until the bids are opened, also for its supplier."""

    supplier_organisation_number: str
    supplier_name: str
    lines: list[BidLine] | None
    amount_excl_vat: Money | None
    amount_vat: Money | None
    amount_incl_vat: Money | None
    answers: list[BidAnswer] | None
    note: str | None
    document_list: list[BidDocument] | None
    history: list[BidHappened]


class Bids(Out):
    sealed: bool = Field(
        description="Whether they are not opened yet. Then a supplier sees its own, and nobody any other"
    )
    items: list[Bid] = Field(description="In the order in which they came")


class RecordedBid(Out):
    """A bid as it stood at the opening."""

    bid: UUID
    supplier: str
    supplier_name: str
    version: int
    answers_version: int
    outdated: bool = Field(description="An amendment asked for new bids after it")
    submitted_at: Instant
    digest: str = Field(description="SHA-256 of what was opened; the supplier's receipt has the same")
    net_excl_vat: Money
    vat: Money
    documents: int
    sealed_base64: str = Field(description="As it was kept; the released key opens it again")


class Opening(Out):
    """The opening record (åpningsprotokoll)."""

    opened_at: Instant
    opened_by: str = Field(description="Organisation number")
    deadline: Instant
    public_key: str = Field(description="X25519, in hexadecimal")
    private_key: str = Field(description="The same: released by the opening, so that anybody can repeat it")
    bids: list[RecordedBid]


class BidDocumentNotFound(NotFound):
    """The bid has no such document, or has not been opened."""


@router.post("/open-bids", summary="Open the bids", openapi_extra=example(organisation=BRONNOY, body={}))
def open_bids(
    id: Annotated[UUID, DUE], new: OpenBids, caller: CallerDep, session: SessionDep, key: SealingKeyDep
) -> shapes.MiniCompetition:
    """Sealed → evaluation, after the deadline: every submitted bid is opened in this one step, or none is (409
    `seal-broken`). Before it nobody can read a bid, or learns who has given one."""
    row = mini_competitions.locked(session, id, caller.organisation)
    competition_steps.reach_deadline(session, row)
    store.open_bids(session, caller, row, key)
    return shapes.of(session, row, caller.organisation)


@router.get("/opening", summary="Read the opening record", openapi_extra=example(organisation=BRONNOY))
def opening(id: Annotated[UUID, OPENED], caller: CallerDep, reader: ReaderDep) -> Opening:
    """Who had bid what, when it came, and the key: for the buyer and the framework owner from the opening on. 404
    before it, and for bidders (offentleglova § 23)."""
    row = _overseen(reader, id, caller.organisation)
    found = store.of(reader, row.id or 0)
    kept = {str(one.uuid): one for one in bids.opened(reader, row.id or 0)}
    assert row.public_key
    return Opening(
        opened_at=found.opened_at,
        opened_by=found.opened_by,
        deadline=row.deadline,
        public_key=row.public_key.hex(),
        private_key=found.private_key.hex(),
        bids=[
            RecordedBid(**one, sealed_base64=base64.b64encode(kept[one["bid"]].sealed).decode()) for one in found.record
        ],
    )


@router.get("/bids", summary="List bids", openapi_extra=example(organisation=FJORDVAKT))
def list_bids(id: Annotated[UUID, OPEN], caller: CallerDep, reader: ReaderDep) -> Bids:
    """A supplier sees its own, as receipts until they are opened. The buyer and the framework owner see all of them
    from the opening on, and before it an empty list, whether anybody has bid or not."""
    row = mini_competitions.visible(reader, id, caller.organisation)
    found = _readable(reader, row, caller.organisation)
    return Bids(
        sealed=row.state in mini_competition_rules.BEFORE_OPENING, items=[_shown(reader, row, one) for one in found]
    )


@router.get("/bids/{bid}", summary="Read a bid", openapi_extra=example(organisation=BRONNOY))
def read_bid(id: Annotated[UUID, OPENED], bid: Annotated[UUID, BID], caller: CallerDep, reader: ReaderDep) -> Bid:
    """Its supplier's receipt; from the opening on what it says, for its supplier, the buyer and the framework owner."""
    row = mini_competitions.visible(reader, id, caller.organisation)
    return _shown(reader, row, _one(reader, row, bid, caller.organisation))


@router.get(
    "/bids/{bid}/documents/{n}",
    summary="Get a document of a bid",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}},
    openapi_extra=example(organisation=BRONNOY),
)
def document(
    id: Annotated[UUID, OPENED],
    bid: Annotated[UUID, BID],
    n: Annotated[int, Path(ge=1, le=bid_rules.MOST_DOCUMENTS, description="1 for the first", examples=[1])],
    caller: CallerDep,
    reader: ReaderDep,
) -> Response:
    """As it came: a stranger made it, so it is to be saved and looked at with care. 404 until the bids are opened."""
    row = mini_competitions.visible(reader, id, caller.organisation)
    found = _one(reader, row, bid, caller.organisation)
    told = store.bids_of(reader, row.id or 0).get(found.id or 0)
    kept = {one.position: one for one in bids.documents(reader, found.id or 0, found.version)}
    if told is None or n not in kept:
        raise BidDocumentNotFound(f"Bid {bid} has no document {n} to be read.")
    private = store.of(reader, row.id or 0).private_key
    content = sealing.unseal(private, kept[n].sealed, *bids.bound(row, found, n))
    name = told.documents[n - 1]["name"]
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, media_type="application/octet-stream", headers=headers)


def _overseen(reader: Session, id: UUID, organisation: str) -> MiniCompetition:
    """For the buyer and the framework owner."""
    row = mini_competitions.visible(reader, id, organisation)
    if organisation not in (row.buyer, row.owner):
        raise mini_competitions.MiniCompetitionNotFound(f"No mini-competition {id} among yours.")
    return row


def _readable(reader: Session, row: MiniCompetition, organisation: str) -> list[bids.Bid]:
    if organisation in (row.buyer, row.owner):
        return list(bids.opened(reader, row.id or 0))
    return list(bids.of_supplier(reader, row.id or 0, organisation))


def _one(reader: Session, row: MiniCompetition, bid: UUID, organisation: str) -> bids.Bid:
    if organisation in (row.buyer, row.owner):
        return bids.by_uuid(reader, row, bid)
    return bids.own(reader, row, bid, organisation)


def _shown(reader: Session, row: MiniCompetition, bid: bids.Bid) -> Bid:
    opened = store.bids_of(reader, row.id or 0).get(bid.id or 0)
    receipt = bid_shapes.receipt(row, bid, len(bids.documents(reader, bid.id or 0, bid.version)))
    happened = [BidHappened.model_validate(one) for one in bids.events(reader, bid.id or 0)]
    return Bid(
        **dict(receipt),
        supplier_organisation_number=bid.supplier,
        supplier_name=bid.supplier_name,
        lines=[_line(one) for one in opened.lines] if opened else None,
        amount_excl_vat=opened.net if opened else None,
        amount_vat=opened.vat if opened else None,
        amount_incl_vat=opened.net + opened.vat if opened else None,
        answers=[BidAnswer(**one) for one in opened.answers] if opened else None,
        note=opened.note if opened else None,
        document_list=[BidDocument(position=place, **one) for place, one in enumerate(opened.documents, 1)]
        if opened
        else None,
        history=happened,
    )


def _line(kept: dict[str, object]) -> BidLine:
    price, quantity = Decimal(str(kept["unit_price"])), int(str(kept["quantity"]))
    shown = {name: kept[name] for name in ("item", "name", "unit", "quantity", "vat_percent", "product")}
    return BidLine.model_validate({**shown, "unit_price_excl_vat": price, "amount_excl_vat": price * quantity})
