"""Order messages over HTTP."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query, Response
from pydantic import Field
from sqlmodel import Session

from services.agreements.calloffs import store as calloffs
from services.agreements.calloffs.rules import Event, State
from services.agreements.order_messages import document, rules, store
from services.agreements.ubl_messages.rules import Profile
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import Database, DatabaseDep, ReaderDep
from services.chassis.values import Out, seed_id

router = new_router("/call-offs", "Order messages")

BRONNOY = "964983291"
SENT = seed_id("call-off:sent")
Id = Annotated[UUID, Path(description="The call-off's id", examples=[str(SENT)])]
Wanted = Annotated[
    Profile | None,
    Query(
        description="The business process: `ordering` or `advanced_ordering`. Left out: the first that the message "
        "stands in"
    ),
]
XML: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"application/xml": {"schema": {"type": "string"}}},
        "headers": {
            "Not-Expressed": {
                "description": "What of the call-off the message leaves out, by the names in `order-messages`",
                "schema": {"type": "string"},
            }
        },
    }
}


class NotExpressed(Out):
    what: rules.What
    why: str


class OrderMessage(Out):
    """A message of UBL about one event of the call-off."""

    id: UUID
    event: Event = Field(description="What it tells")
    kind: rules.Kind
    response: rules.Response | None = Field(description="An answer's code: AB, AP, CA or RE (UNCL4343)")
    document_id: str = Field(description="The message's own id", examples=["AVR-2026-000001"])
    order_id: str = Field(description="The order's, which answers and changes refer to")
    change_id: str | None = Field(description="The order change that it answers, by the id of its document")
    version: int = Field(description="Of the call-off")
    sender_organisation_number: str
    recipient_organisation_number: str
    issued_on: date
    profiles: list[Profile] = Field(description="The business processes that it can be had in")
    received: bool = Field(description="It came in UBL, and is kept as it came; otherwise it is made here")
    not_expressed: list[NotExpressed] = Field(description="What of the call-off it leaves out")


class Untold(Out):
    """An event that no message tells."""

    event: Event
    why: str


class OrderMessages(Out):
    """What of a call-off is told in UBL, and what is not."""

    call_off_id: UUID
    number: str
    state: State
    state_not_expressed: str | None = Field(
        description="Why no message tells the state that it is in; null where the newest one does"
    )
    items: list[OrderMessage] = Field(description="Oldest first")
    untold: list[Untold] = Field(description="Events that no message tells, oldest first")


@router.get(
    "/{id}/order.xml",
    summary="Get the order as UBL",
    response_class=Response,
    responses=XML,
    openapi_extra=example(organisation=BRONNOY),
)
def order(id: Id, caller: CallerDep, database: DatabaseDep, profile: Wanted = None) -> Response:
    """The order as it was sent to the supplier: UBL 2.1 by Peppol BIS Ordering 3 (T01, type 226, call-off), with lines,
    VAT, and references to agreement and price list. Always the same bytes; what came after it stands in messages of
    their own. 409 `not-told` while the supplier has not been told."""
    with database.reading() as reader:
        row = calloffs.by_uuid(reader, id, caller.organisation)
        found = store.thread(reader, row)
    sent = [one for one in found.messages if one.kind is rules.Kind.ORDER and one.order_id == found.order_id]
    if not sent:
        raise rules.NotTold(f"It is {row.state}. {rules.untold(row.state, found)}")
    return _xml(database, row, sent[-1], profile)


@router.get(
    "/{id}/order-messages", summary="List the messages of an order", openapi_extra=example(organisation=BRONNOY)
)
def messages(id: Id, caller: CallerDep, reader: ReaderDep) -> OrderMessages:
    """Everything that UBL can tell of a call-off as Peppol BIS Ordering 3 has it: the order, the supplier's answers,
    the buyer's changes, a cancellation; also of what was done over JSON. What no message tells, and what each leaves
    out, is listed with the reason. A supplier sees what has passed since it was asked."""
    row = calloffs.by_uuid(reader, id, caller.organisation)
    found, kept = store.thread(reader, row), store.kept(reader, row.id or 0)
    events = calloffs.events(reader, row, caller.organisation)
    visible, told = {one.sequence for one in events}, {one.sequence for one in found.messages}
    return OrderMessages(
        call_off_id=row.uuid,
        number=row.number,
        state=row.state,
        state_not_expressed=rules.untold(row.state, found),
        items=[_shown(row.uuid, one, kept) for one in found.messages if one.sequence in visible],
        untold=[
            Untold(event=one.event, why=rules.MEANS[one.event].why or rules.BEFORE)
            for one in events
            if one.sequence not in told
        ],
    )


@router.get(
    "/{id}/order-messages/{message}",
    summary="Get a message of an order as UBL",
    response_class=Response,
    responses=XML,
    openapi_extra=example(organisation=BRONNOY),
)
def message(
    id: Id,
    message: Annotated[UUID, Path(description="The message's id", examples=[str(rules.message_id(SENT, 3))])],
    caller: CallerDep,
    database: DatabaseDep,
    profile: Wanted = None,
) -> Response:
    """One of the messages that the call-off's list shows you, byte for byte as it was first made or as it came. The
    header `Not-Expressed` names what of the call-off it leaves out."""
    with database.reading() as reader:
        row = calloffs.by_uuid(reader, id, caller.organisation)
        visible = {one.sequence for one in calloffs.events(reader, row, caller.organisation)}
        found = store.thread(reader, row)
    for one in found.messages:
        if one.sequence in visible and rules.message_id(row.uuid, one.sequence) == message:
            return _xml(database, row, one, profile)
    raise rules.OrderMessageNotFound(f"Call-off {id} has no message {message}.")


def _shown(call_off: UUID, one: rules.Message, kept: dict[tuple[int, Profile], store.OrderMessage]) -> OrderMessage:
    came = [profile for (sequence, profile), row in kept.items() if sequence == one.sequence and row.received]
    parties = (one.ordered.buyer.number, one.ordered.seller.number)
    sender, recipient = reversed(parties) if one.by_seller else parties
    return OrderMessage(
        id=rules.message_id(call_off, one.sequence),
        event=one.event,
        kind=one.kind,
        response=one.response,
        document_id=one.document_id,
        order_id=one.order_id,
        change_id=one.change_id,
        version=one.version,
        sender_organisation_number=sender,
        recipient_organisation_number=recipient,
        issued_on=one.issued_on,
        profiles=came or list(rules.profiles(one)),
        received=bool(came),
        not_expressed=[NotExpressed(what=what, why=why) for what, why in rules.not_expressed(one).items()],
    )


def _xml(database: Database, row: calloffs.CallOff, one: rules.Message, wanted: Profile | None) -> Response:
    """As it is kept; the first who asks has it made and kept."""
    with database.reading() as reader:
        kept = store.kept(reader, row.id or 0)
        came = [profile for (sequence, profile), found in kept.items() if sequence == one.sequence and found.received]
        offered = came or rules.profiles(one)
        profile = wanted or offered[0]
        if profile not in offered:
            raise rules.NotInProfile(f"It stands in {', '.join(offered)}.")
        content = store.as_kept(reader, row.id or 0, one.sequence, profile)
    if content is None:
        with database.writing() as session:
            content = _made(session, row, one, profile)
    headers = {
        "Content-Disposition": f'inline; filename="{one.order_id}-{one.kind}-{one.sequence}.xml"',
        "Not-Expressed": ", ".join(rules.not_expressed(one)),
    }
    return Response(content, media_type="application/xml", headers=headers)


def _made(session: Session, row: calloffs.CallOff, one: rules.Message, profile: Profile) -> bytes:
    made = document.made(one, profile)
    sender = one.ordered.seller.number if one.by_seller else one.ordered.buyer.number
    return store.keep(
        session,
        row.id or 0,
        one.sequence,
        profile,
        rules.transaction(one, profile),
        one.document_id,
        sender,
        made,
        received=False,
    )
