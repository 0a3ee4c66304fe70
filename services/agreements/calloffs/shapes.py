"""A call-off on the wire: it stands in the routes of several concepts in one shape."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlmodel import Session

from services.agreements.award_keys.rules import Documented
from services.agreements.award_keys.rules import PassedOver as WhyPassedOver
from services.agreements.calloffs import rules, store
from services.agreements.certificate_notices import store as notices
from services.agreements.frameworks.rules import Method
from services.agreements.letter_replies import store as letter_replies
from services.agreements.letters import store as letters
from services.chassis.values import In, Instant, Money, OrganisationNumber, Out, Slug, TextOut


class NewLine(In):
    item: Annotated[Slug, Field(description="An item of the lot's price lists", examples=["alarm"])]
    quantity: int = Field(ge=1, le=1_000_000, description="In the item's unit", examples=[3])


class DocumentedChoice(In):
    """Which supplier, by which of the lot's announced objective conditions, and why."""

    supplier: OrganisationNumber
    conditions: list[Annotated[str, Field(max_length=80)]] = Field(
        min_length=1, max_length=20, description="Codes of the lot's announced conditions"
    )
    reason: str = Field(min_length=10, max_length=2000, description="How the conditions lead to this supplier")

    def kept(self) -> Documented:
        return Documented(self.supplier, tuple(self.conditions), self.reason)


class Line(Out):
    item: str
    name: TextOut
    unit: str
    quantity: int
    unit_price_excl_vat: Money = Field(description="Frozen when the call-off was placed")
    vat_percent: Decimal
    amount_excl_vat: Money
    product: str | None
    component: str | None = Field(description="The shared component that the product implements")
    price_list_version: int


class Wanted(Out):
    item: str
    quantity: int


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
    reason: WhyPassedOver
    detail: str


class DecidedByCompetition(Out):
    """The mini-competition that found the supplier."""

    id: UUID
    number: str = Field(examples=["MK-2026-000001"])
    evaluation_sha256: str = Field(description="The evaluation that it was awarded on, by its digest")


class Explanation(Out):
    """Why this supplier."""

    method: Method
    competition: DecidedByCompetition | None = Field(
        default=None, description="Where a mini-competition has decided; its evaluation tells why"
    )
    rank: int
    passed_over: list[PassedOver] = Field(
        description="Suppliers whose turn came earlier, and why they were not asked; empty for the supplier"
    )
    certification: list[Certification]


class LetterStep(Out):
    """One thing that happened to a letter on its way."""

    status: str = Field(description="Its state after it", examples=["received"])
    event: str | None = Field(description="Null for the first: it was handed in", examples=["hand_over"])
    detail: str | None
    occurred_at: Instant = Field(description="When it happened")


class Letter(Out):
    """A letter to the supplier, or to the buyer, and where it is."""

    kind: str = Field(examples=["order"])
    recipient: str = Field(description="Organisation number")
    reference: str
    dispatch_id: UUID | None = Field(description="The dispatch in the integration service")
    status: str | None = Field(
        description="Its state there; null until the first news; `refused` when it will never be taken",
        examples=["received"],
    )
    external_id: str | None = Field(description="SvarUT's id of it")
    received_at: Instant | None = Field(description="When SvarUT took it")
    sha256: str | None = Field(description="Of the PDF")
    history: list[LetterStep] = Field(description="Its whole way so far, oldest first")
    consequence: str | None = Field(
        description="What it means for the call-off that the letter does not arrive, for people; null while it may",
        examples=[None],
    )


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


class ReplyDocument(Out):
    position: int = Field(description="1 for the first", examples=[1])
    filename: str
    media_type: str = Field(description="As its sender calls it")
    size: int = Field(description="Bytes")


class Reply(Out):
    """What somebody answered to a letter, through SvarUT."""

    id: UUID
    letter_reference: str = Field(description="The letter that it answers: its `reference`")
    sender_name: str | None
    sender_organisation_number: str | None = Field(description="Often missing: SvarInn does not always tell")
    title: str
    received_at: Instant
    documents: list[ReplyDocument] = Field(description="Fetched by `…/replies/{reply}/documents/{position}`")


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
    basis: str = Field(description="On which basis the buyer orders: own, legal_person or host", examples=["own"])
    version: int = Field(description="Grows when the supplier or the lines change")
    wanted: list[Wanted] = Field(description="What is asked for, whoever delivers it")
    lines: list[Line]
    amount_excl_vat: Money
    amount_vat: Money
    amount_incl_vat: Money
    reserved_excl_vat: Money = Field(description="What it still holds under the ceilings")
    posted_excl_vat: Money = Field(description="What has been accepted of it")
    hold_until_on: date | None = Field(description="The last day that room is held for it unless it is sent")
    respond_by_on: date | None = Field(description="The last day for the supplier's answer")
    waiting: str | None = Field(
        description="What it waits for, such as `certification` when the catalogue cannot be asked", examples=[None]
    )
    waiting_since: Instant | None
    split_flagged: bool | None = Field(
        description="The buyer's earlier call-offs in the lot lift it into a higher band than its own value would; "
        "null for the supplier"
    )
    choice: Explanation
    letters: list[Letter]
    replies: list[Reply] = Field(description="Answers to the letters, oldest first")
    certificate_notices: list[CertificateNotice] = Field(
        description="What happened since to certificates of what was ordered, oldest first"
    )


def of(session: Session, row: store.CallOff, viewer: str) -> CallOff:
    """A call-off as it stands, for one who takes part in it."""
    key = row.id or 0
    told, answers = notices.of(session, [key]).get(key, []), letter_replies.of(session, [key]).get(key, [])
    return shown(row, store.lines(session, [key])[key], letters.of(session, [key]).get(key, []), told, viewer, answers)


def shown(
    row: store.CallOff,
    lines: Sequence[rules.Priced],
    sent: Sequence[letters.Letter],
    told: Sequence[notices.CertificateNotice],
    viewer: str,
    answers: Sequence[letter_replies.LetterReply] = (),
) -> CallOff:
    """For its supplier without what concerns other suppliers, or what else the buyer has ordered."""
    narrowed = rules.sees_own_only(viewer, buyer=row.buyer, supplier=row.supplier)
    visible = [one for one in sent if not narrowed or _its_own(one, row)]
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
        basis=row.basis,
        version=row.version,
        wanted=[Wanted.model_validate(one, from_attributes=False) for one in row.wanted],
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
                component=line.component,
                price_list_version=line.price_list_version,
            )
            for line in lines
        ],
        amount_excl_vat=row.net,
        amount_vat=row.vat,
        amount_incl_vat=row.net + row.vat,
        reserved_excl_vat=row.reserved,
        posted_excl_vat=row.posted,
        hold_until_on=row.hold_until_on,
        respond_by_on=row.respond_by_on,
        waiting=row.waiting,
        waiting_since=row.waiting_since,
        split_flagged=None if narrowed else row.split_flagged,
        choice=Explanation.model_validate(row.choice | {"passed_over": []} if narrowed else row.choice),
        letters=[Letter.model_validate(one) for one in visible],
        replies=[_reply(one) for one in answers if one.letter_reference in {letter.reference for letter in visible}],
        certificate_notices=[CertificateNotice.model_validate(one) for one in told],
    )


def _reply(one: letter_replies.LetterReply) -> Reply:
    return Reply(
        id=one.reply_id,
        letter_reference=one.letter_reference,
        sender_name=one.sender_name,
        sender_organisation_number=one.sender_number,
        title=one.title,
        received_at=one.received_at,
        documents=[ReplyDocument.model_validate(document) for document in one.documents],
    )


def _its_own(letter: letters.Letter, row: store.CallOff) -> bool:
    """Whether a letter is to or from the call-off's supplier of now: an earlier one left nothing but its answer."""
    if letter.recipient == row.supplier:
        return True
    return letter.recipient == row.buyer and (letter.kind != letters.DECLINED or letter.order_version == row.version)
