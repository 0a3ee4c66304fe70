"""Order answers over HTTP."""

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
from services.agreements.calloffs.store import Part
from services.agreements.catalog_client import CatalogDep
from services.agreements.message_readings import rules as readings
from services.agreements.message_rules import rules as message_rules
from services.agreements.order_answers import rules
from services.agreements.order_changes import store as order_changes
from services.agreements.order_messages import store as order_messages
from services.agreements.ubl_messages import rules as ubl
from services.agreements.ubl_messages import wire
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.clock import TodayDep
from services.chassis.contract import example
from services.chassis.db import DatabaseDep, DryRunDep
from services.chassis.problems import refuse
from services.chassis.values import seed_id

router = new_router("/call-offs", "Order messages")

FJORDVAKT = "100000016"
_EXAMPLE = """\
<?xml version="1.0" encoding="UTF-8"?>
<OrderResponse xmlns="urn:oasis:names:specification:ubl:schema:xsd:OrderResponse-2"
 xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
  <cbc:CustomizationID>urn:fdc:peppol.eu:poacc:trns:order_response:3</cbc:CustomizationID>
  <cbc:ProfileID>urn:fdc:peppol.eu:poacc:bis:ordering:3</cbc:ProfileID>
  <cbc:ID>SVAR-1 (fiktiv)</cbc:ID>
  <cbc:IssueDate>2026-11-03</cbc:IssueDate>
  <cbc:OrderResponseCode>CA</cbc:OrderResponseCode>
  <cbc:Note>Bare åtte er på lager før sommeren (fiktivt).</cbc:Note>
  <cbc:DocumentCurrencyCode>NOK</cbc:DocumentCurrencyCode>
  <cac:OrderReference><cbc:ID>AVR-2026-000001</cbc:ID></cac:OrderReference>
  <cac:SellerSupplierParty><cac:Party>
    <cbc:EndpointID schemeID="0192">100000016</cbc:EndpointID>
    <cac:PartyIdentification><cbc:ID schemeID="0192">100000016</cbc:ID></cac:PartyIdentification>
  </cac:Party></cac:SellerSupplierParty>
  <cac:BuyerCustomerParty><cac:Party>
    <cbc:EndpointID schemeID="0192">964983291</cbc:EndpointID>
    <cac:PartyLegalEntity><cbc:RegistrationName>Brønnøy kommune</cbc:RegistrationName></cac:PartyLegalEntity>
  </cac:Party></cac:BuyerCustomerParty>
  <cac:OrderLine>
    <cac:LineItem>
      <cbc:ID>1</cbc:ID>
      <cbc:LineStatusCode>3</cbc:LineStatusCode>
      <cbc:Quantity unitCode="EA">8</cbc:Quantity>
      <cac:Item><cbc:Name>Trygghetsalarm</cbc:Name></cac:Item>
    </cac:LineItem>
    <cac:OrderLineReference><cbc:LineID>1</cbc:LineID></cac:OrderLineReference>
  </cac:OrderLine>
  <cac:OrderLine>
    <cac:LineItem>
      <cbc:ID>2</cbc:ID>
      <cbc:LineStatusCode>5</cbc:LineStatusCode>
      <cac:Item><cbc:Name>Montering av alarm</cbc:Name></cac:Item>
    </cac:LineItem>
    <cac:OrderLineReference><cbc:LineID>2</cbc:LineID></cac:OrderLineReference>
  </cac:OrderLine>
</OrderResponse>
"""


@router.post(
    "/{id}/order-responses",
    summary="Answer an order in UBL",
    openapi_extra=example(organisation=FJORDVAKT, body=_EXAMPLE, media_type="application/xml"),
)
def answer(
    id: Annotated[UUID, Path(description="The call-off's id", examples=[str(seed_id("call-off:sent"))])],
    content: wire.BodyDep,
    caller: CallerDep,
    database: DatabaseDep,
    dry_run: DryRunDep,
    catalog: CatalogDep,
    today: TodayDep,
) -> shapes.CallOff:
    """An OrderResponse by Peppol BIS Ordering 3 (T76, or T116 in advanced ordering), from the supplier. **AB** is
    `acknowledge`, **AP** `confirm`, **CA** `propose-change`, **RE** `decline`; to an order change, T116 with
    **AP** is `change-confirmed` and with **RE** `change-refused`: the same steps as over JSON, with the same checks.

    With CA each line says what becomes of it: 1 added, 3 changed, 5 as ordered, 7 not delivered; a line that is not
    named is as ordered. Peppol has no field for an announced ground of declining: who has one declines over JSON.

    Every rule that the message breaks is told at once, each with Peppol's id of it (or ours, `SAMVIRKE-…`) and an
    XPath. The same message again changes nothing, and answers with the call-off; another with the same id is refused.
    """
    root = wire.read(content)
    transaction = ubl.transaction(root)
    if transaction not in ubl.ANSWERS:
        raise ubl.MessageUnknown("It is no OrderResponse of Peppol BIS Ordering 3 (T76, T116).")
    with database.reading() as reader:
        row = calloffs.supplied(reader, id, caller.organisation)
        if order_messages.has_come(reader, row, caller.organisation, root, content):
            return shapes.of(reader, row, caller.organisation)
        thread = order_messages.thread(reader, row)
    newest = thread.messages[-1].ordered
    asked, found = rules.read(root, thread, newest)
    refuse(one.problem() for one in [*message_rules.fatal(root, transaction), *found][: message_rules.MOST])
    assert asked.event
    after(row.state, asked.event)
    known: UUID | None = None
    said: tuple[Verdict, ...] = ()
    if asked.event is Event.CHANGE_CONFIRMED:
        known, said = order_changes.looked_at(database, catalog.verify, id, caller, asked.event)
    with database.writing(rehearsed=dry_run) as session:
        row = calloffs.locked(session, id, caller.organisation, Part.SUPPLIER)
        if not order_messages.has_come(session, row, caller.organisation, root, content):
            _take(session, caller, row, asked, f"{root.path}/cac:Delivery", known, said, today)
            order_messages.keep(
                session,
                row.id or 0,
                calloffs.events(session, row, row.buyer)[-1].sequence,
                rules.PROFILE[transaction],
                transaction,
                asked.document_id,
                caller.organisation,
                content,
                received=True,
            )
        return shapes.of(session, row, caller.organisation)


def _take(
    session: Session,
    caller: Caller,
    row: calloffs.CallOff,
    asked: rules.Answer,
    day: str,
    known: UUID | None,
    said: tuple[Verdict, ...],
    today: date,
) -> None:
    """The step that the answer asks for, as over JSON. `day`: where the message names one."""
    match asked.event:
        case Event.ACKNOWLEDGE:
            calloff_steps.acknowledge(session, caller, row, asked.reason)
        case Event.CONFIRM:
            calloff_steps.confirm(session, caller, row, asked.reason)
        case Event.DECLINE:
            calloff_steps.decline(session, caller, row, asked.reason, None)
        case Event.PROPOSE_CHANGE:
            after(row.state, asked.event)
            with readings.placed(asked.xpaths, day):
                order_changes.propose(
                    session, caller, row, asked.event, asked.lines, asked.needed_on, asked.reason, today
                )
        case Event.CHANGE_REFUSED:
            after(row.state, asked.event)
            order_changes.refuse_buyers(session, caller, row, asked.reason)
        case Event.CHANGE_CONFIRMED:
            after(row.state, asked.event)
            assert known
            change = order_changes.same(session, row, known)
            order_changes.accept(session, caller, row, change, asked.event, said, asked.reason, today)
