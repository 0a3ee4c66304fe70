"""The shares and part bills of a joint call-off over HTTP."""

from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import Path
from pydantic import Field

from services.agreements.calloffs import store as calloffs
from services.agreements.cost_splits import rules as cost_splits
from services.agreements.cost_splits import shapes as cost_split_shapes
from services.agreements.cost_splits.shapes import CostKey, SignedMoney
from services.agreements.part_bills import rules, store
from services.agreements.shares import rules as shares
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep
from services.chassis.problems import NotFound
from services.chassis.values import Money, Out, seed_id

router = new_router("/call-offs/{id}/shares", "Call-offs")

ALSTAHAUG = "938712441"
JOINT = Path(description="The call-off's id", examples=[str(seed_id("call-off:joint"))])


class SplitFigure(Out):
    """A split figure and how it came about. NOK."""

    amount: Money
    weight: str = Field(description="Its part of the key's whole weight, an exact fraction", examples=["7/20"])
    ideal: cost_split_shapes.Exact = Field(description="The exact share before it is whole øre")
    fixed_part: cost_split_shapes.Exact = Field(description="The part of it that does not depend on inhabitants")
    variable_part: cost_split_shapes.Exact = Field(description="The part of it that does")
    remaining_ore: int = Field(description="1 when it got one of the øre that were left, else 0")


class JointShare(cost_split_shapes.Counted):
    """What one municipality bears of the order as it stands, and of what has been posted so far."""

    net_excl_vat: SplitFigure
    vat: SplitFigure
    posted_excl_vat: SignedMoney = Field(description="Its part bills so far, without VAT")
    posted_vat: SignedMoney = Field(description="The VAT of its part bills so far")


class Owed(Out):
    organisation_number: str
    amount_excl_vat: SignedMoney = Field(
        description="What its share of all that is posted grew by; it may be -1 øre, so that all bills add up"
    )
    amount_vat: SignedMoney


class PartBill(Out):
    """What each municipality owes of one posting."""

    posted_on: date
    cause: str
    amount_excl_vat: SignedMoney
    amount_vat: SignedMoney
    owed: list[Owed]


class Shares(Out):
    """A joint call-off, shared."""

    call_off_id: UUID
    version: int = Field(description="Of the order; another version is split anew by the same key and populations")
    key: CostKey
    amount_excl_vat: Money
    amount_vat: Money
    shares: list[JointShare] = Field(description="By organisation number; together exactly the amounts of the order")
    bills: list[PartBill] = Field(description="Oldest first; together exactly what is posted")


class NotShared(NotFound):
    """This call-off is not shared: its buyer pays it alone."""


@router.get("", summary="Read who pays what of a call-off", openapi_extra=example(organisation=ALSTAHAUG))
def read(id: Annotated[UUID, JOINT], caller: CallerDep, reader: ReaderDep) -> Shares:
    """What each municipality bears of a joint call-off, of its net and of its VAT, exact to the øre and each figure
    explained; and what each owes of every part that was accepted. For the buyer, the supplier, and those that pay."""
    row = calloffs.by_uuid(reader, id, caller.organisation)
    if row.cost_key is None:
        raise NotShared(f"{row.buyer_name} pays {row.number} alone.")
    joint = shares.joint(row.cost_key)
    bills = rules.bills(joint, store.postings(reader, row.id or 0))
    return Shares(
        call_off_id=row.uuid,
        version=row.version,
        key=row.cost_key["key"],
        amount_excl_vat=row.net,
        amount_vat=row.vat,
        shares=[_share(one, bills) for one in shares.borne(joint, row.net, row.vat)],
        bills=[_bill(one) for one in bills],
    )


def _share(one: shares.Borne, bills: list[rules.Bill]) -> JointShare:
    owed = [bill.owed[one.counted.number] for bill in bills]
    nought = Decimal("0.00")
    return JointShare(
        **cost_split_shapes.counted(one.counted),
        net_excl_vat=_part(one.net),
        vat=_part(one.vat),
        posted_excl_vat=sum((net for net, _ in owed), nought),
        posted_vat=sum((vat for _, vat in owed), nought),
    )


def _part(one: cost_splits.Share) -> SplitFigure:
    return SplitFigure(
        amount=one.amount,
        weight=str(one.weight),
        ideal=cost_split_shapes.nok(one.ideal),
        fixed_part=cost_split_shapes.nok(one.fixed),
        variable_part=cost_split_shapes.nok(one.variable),
        remaining_ore=one.extra,
    )


def _bill(one: rules.Bill) -> PartBill:
    return PartBill(
        posted_on=one.posting.on,
        cause=one.posting.cause,
        amount_excl_vat=one.posting.net,
        amount_vat=one.posting.vat,
        owed=[
            Owed(organisation_number=number, amount_excl_vat=net, amount_vat=vat)
            for number, (net, vat) in one.owed.items()
        ],
    )
