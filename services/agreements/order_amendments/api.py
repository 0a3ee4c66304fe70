"""Order amendments over HTTP."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Path
from sqlmodel import Session

from services.agreements.award_keys.rules import Verdict
from services.agreements.calloff_steps import store as calloff_steps
from services.agreements.calloffs import shapes
from services.agreements.calloffs import store as calloffs
from services.agreements.calloffs.rules import Event, after
from services.agreements.calloffs.store import CallOff, Part
from services.agreements.catalog_client import CatalogDep
from services.agreements.message_readings import rules as readings
from services.agreements.message_rules import rules as message_rules
from services.agreements.order_amendments import rules
from services.agreements.order_changes import store as order_changes
from services.agreements.order_messages import rules as message_kinds
from services.agreements.order_messages import store as order_messages
from services.agreements.ubl_messages import rules as ubl
from services.agreements.ubl_messages import wire
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import DatabaseDep, DryRunDep
from services.chassis.problems import Problem, refuse
from services.chassis.values import seed_id

router = new_router("/call-offs", "Order messages")

BRONNOY = "964983291"
_PARTIES = """\
  <cac:BuyerCustomerParty><cac:Party>
    <cbc:EndpointID schemeID="0192">964983291</cbc:EndpointID>
    <cac:PartyLegalEntity><cbc:RegistrationName>Brønnøy kommune</cbc:RegistrationName></cac:PartyLegalEntity>
  </cac:Party></cac:BuyerCustomerParty>
  <cac:SellerSupplierParty><cac:Party>
    <cbc:EndpointID schemeID="0192">100000016</cbc:EndpointID>
    <cac:PostalAddress><cac:Country><cbc:IdentificationCode>NO</cbc:IdentificationCode></cac:Country></cac:PostalAddress>
    <cac:PartyLegalEntity><cbc:RegistrationName>Fjordvakt AS (fiktiv)</cbc:RegistrationName></cac:PartyLegalEntity>
  </cac:Party></cac:SellerSupplierParty>
"""
_CHANGE = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<OrderChange xmlns="urn:oasis:names:specification:ubl:schema:xsd:OrderChange-2"
 xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
  <cbc:CustomizationID>urn:fdc:peppol.eu:poacc:trns:order_change:3</cbc:CustomizationID>
  <cbc:ProfileID>urn:fdc:peppol.eu:poacc:bis:advanced_ordering:3</cbc:ProfileID>
  <cbc:ID>ENDRING-1 (fiktiv)</cbc:ID>
  <cbc:IssueDate>2026-11-03</cbc:IssueDate>
  <cbc:SequenceNumberID>1</cbc:SequenceNumberID>
  <cbc:Note>En ny bruker er kommet til (fiktivt).</cbc:Note>
  <cbc:DocumentCurrencyCode>NOK</cbc:DocumentCurrencyCode>
  <cac:OrderReference><cbc:ID>AVR-2026-000005</cbc:ID></cac:OrderReference>
{_PARTIES}  <cac:OrderLine><cac:LineItem>
    <cbc:ID>1</cbc:ID>
    <cbc:LineStatusCode>3</cbc:LineStatusCode>
    <cbc:Quantity unitCode="EA">5</cbc:Quantity>
    <cac:Item><cbc:Name>Trygghetsalarm</cbc:Name></cac:Item>
  </cac:LineItem></cac:OrderLine>
</OrderChange>
"""
_CANCELLATION = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<OrderCancellation xmlns="urn:oasis:names:specification:ubl:schema:xsd:OrderCancellation-2"
 xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
  <cbc:CustomizationID>urn:fdc:peppol.eu:poacc:trns:order_cancellation:3</cbc:CustomizationID>
  <cbc:ProfileID>urn:fdc:peppol.eu:poacc:bis:advanced_ordering:3</cbc:ProfileID>
  <cbc:ID>AVBESTILLING-1 (fiktiv)</cbc:ID>
  <cbc:IssueDate>2026-11-03</cbc:IssueDate>
  <cbc:CancellationNote>Brukerne har flyttet (fiktivt).</cbc:CancellationNote>
  <cac:OrderReference><cbc:ID>AVR-2026-000001</cbc:ID></cac:OrderReference>
{_PARTIES}</OrderCancellation>
"""


def _seeded(name: str) -> object:
    return Path(description="The call-off's id", examples=[str(seed_id(f"call-off:{name}"))])


@router.post(
    "/{id}/order-changes",
    summary="Change an order in UBL",
    openapi_extra=example(organisation=BRONNOY, body=_CHANGE, media_type="application/xml"),
)
def change(
    id: Annotated[UUID, _seeded("confirmed")],
    content: wire.BodyDep,
    caller: CallerDep,
    database: DatabaseDep,
    dry_run: DryRunDep,
    catalog: CatalogDep,
    today: TodayDep,
) -> shapes.CallOff:
    """An OrderChange by Peppol BIS Ordering 3 (T114, advanced ordering), from the buyer. Of a confirmed order it is
    `buyer-change`; of one that the supplier has proposed to change it is `accept-change`, and takes that proposal as it
    is: the same steps as over JSON, with the same checks, letters and approvals.

    Each line says what becomes of it: 1 added, 2 deleted, 3 changed, 4 as ordered; a line that is not named is as
    ordered, and totals are of the whole order. An added line has the order's next line id. Prices, VAT and references
    are the order's, or may be left out; another price is refused (`price-differs`), as a message sets none. What a
    call-off has no place for is refused and not dropped. The call-off's answer days hold: a ValidityPeriod is for the
    supplier to read, who gets the message as it came.

    Every rule that the message breaks is told at once, each with Peppol's id of it (or ours, `SAMVIRKE-…`) and an
    XPath. The same message again changes nothing, and answers with the call-off; another with the same id is refused.
    """
    root = _root(content, ubl.Transaction.ORDER_CHANGE)
    with database.reading() as reader:
        row = calloffs.bought(reader, id, caller.organisation)
        if order_messages.has_come(reader, row, caller.organisation, root, content):
            return shapes.of(reader, row, caller.organisation)
        asked = _change(reader, row, root, today)
    known: UUID | None = None
    said: tuple[Verdict, ...] = ()
    if asked.event is Event.ACCEPT_CHANGE:
        known, said = order_changes.looked_at(database, catalog.verify, id, caller, asked.event)
    with database.writing(rehearsed=dry_run) as session:
        row = calloffs.locked(session, id, caller.organisation, Part.BUYER)
        if not order_messages.has_come(session, row, caller.organisation, root, content):
            asked = _change(session, row, root, today)
            with readings.placed(asked.xpaths, f"{root.path}/cac:Delivery"):
                if asked.event is Event.ACCEPT_CHANGE:
                    proposal = order_changes.same(session, row, known)
                    order_changes.accept(session, caller, row, proposal, asked.event, said, asked.reason, today)
                else:
                    reason = asked.reason or rules.NO_REASON
                    order_changes.propose(
                        session, caller, row, asked.event, asked.lines, asked.needed_on, reason, today
                    )
            _keep(session, row, asked, ubl.Transaction.ORDER_CHANGE, content)
        return shapes.of(session, row, caller.organisation)


@router.post(
    "/{id}/order-cancellations",
    summary="Cancel an order in UBL",
    openapi_extra=example(organisation=BRONNOY, body=_CANCELLATION, media_type="application/xml"),
)
def cancellation(
    id: Annotated[UUID, _seeded("sent")],
    content: wire.BodyDep,
    caller: CallerDep,
    database: DatabaseDep,
    dry_run: DryRunDep,
) -> shapes.CallOff:
    """An OrderCancellation by Peppol BIS Ordering 3 (T115, advanced ordering), from the buyer: the step `cancel`, with
    the CancellationNote as its reason. It holds at once, as over JSON, and until delivery has begun; the supplier gets
    a letter, and the message as it came. Of an order that the supplier has proposed to change, it ends the call-off;
    for the turn to go to the next supplier instead, refuse the change over JSON.

    Every rule that the message breaks is told at once, with its id and an XPath. The same message again changes
    nothing, and answers with the call-off; another with the same id is refused."""
    root = _root(content, ubl.Transaction.ORDER_CANCELLATION)
    with database.writing(rehearsed=dry_run) as session:
        row = calloffs.locked(session, id, caller.organisation, Part.BUYER)
        if not order_messages.has_come(session, row, caller.organisation, root, content):
            thread = order_messages.told(session, row)
            after(row.state, Event.CANCEL)
            asked, found = rules.cancellation(root, thread)
            _refuse(root, ubl.Transaction.ORDER_CANCELLATION, found)
            calloff_steps.cancel(session, caller, row, asked.reason)
            _keep(session, row, asked, ubl.Transaction.ORDER_CANCELLATION, content)
        return shapes.of(session, row, caller.organisation)


def _root(content: bytes, transaction: ubl.Transaction) -> ubl.Element:
    root = wire.read(content)
    if ubl.transaction(root) is not transaction:
        raise ubl.MessageUnknown(f"It is no {ubl.ROOTS[transaction]} of Peppol BIS Ordering 3 ({transaction}).")
    return root


def _change(session: Session, row: CallOff, root: ubl.Element, today: date) -> rules.Amendment:
    """What the message asks for, held against the order as it stands."""
    thread = order_messages.told(session, row)
    event = rules.event(row.state)
    after(row.state, event)
    lines, known = order_changes.binding(session, row, today)
    proposal: message_kinds.Change | None = None
    if event is Event.ACCEPT_CHANGE:
        pending = order_changes.pending(session, row)
        proposal = message_kinds.Change(order_changes.priced(pending), pending.needed_on)
        known = {line.item: line for line in proposal.lines}
    asked, found = rules.change(root, rules.Standing(thread, row.state, lines, row.needed_on, known, proposal))
    _refuse(root, ubl.Transaction.ORDER_CHANGE, found)
    return asked


def _refuse(root: ubl.Element, transaction: ubl.Transaction, found: list[Problem]) -> None:
    broken = [one.problem() for one in message_rules.fatal(root, transaction)]
    refuse([*broken, *found][: message_rules.MOST])


def _keep(session: Session, row: CallOff, asked: rules.Amendment, transaction: ubl.Transaction, content: bytes) -> None:
    order_messages.keep(
        session,
        row.id or 0,
        calloffs.events(session, row, row.buyer)[-1].sequence,
        ubl.Profile.ADVANCED_ORDERING,
        transaction,
        asked.document_id,
        row.buyer,
        content,
        received=True,
    )
