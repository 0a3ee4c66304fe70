"""Explanations over HTTP."""

from collections.abc import Mapping
from typing import Annotated, Any, get_args
from uuid import UUID

from fastapi import Path
from pydantic import Field

from services.agreements.calloffs import shapes
from services.agreements.calloffs.rules import Event
from services.agreements.explanations import rules, store
from services.agreements.frameworks.rules import Method
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep
from services.chassis.values import Money, Out, seed_id

router = new_router("/call-offs/{id}/explanation", "Call-offs")

SENT = Path(description="The call-off's id", examples=[str(seed_id("call-off:sent"))])


class ExplainedBand(Out):
    from_excl_vat: Money
    method: Method


class ExplainedCandidate(Out):
    """A supplier of the lot as the award key saw it then."""

    rank: int
    supplier: str
    name: str
    active: bool = Field(description="Whether its place was active")
    net_excl_vat: Money | None = Field(description="The basket at its prices; null when it did not have every item")
    products: list[str]
    unnamed: list[str] = Field(description="Items that name no product, so that nothing can be certified")
    turns: int = Field(description="Call-offs it had had in the lot; what rotation goes by")
    left_excl_vat: Money | None = Field(description="What its own maximum left; null when it had none")
    asked: bool = Field(description="Whether it had been asked for this call-off before")


class ExplainedDocumented(Out):
    """The buyer's choice by announced objective conditions."""

    supplier: str
    conditions: list[str]
    reason: str


class ExplainedChoice(Out):
    """Why one supplier was asked. What was not kept for call-offs from before it was kept is null."""

    version: int = Field(description="Of the call-off; it grows when the supplier or the lines change")
    supplier: str
    supplier_name: str
    ended_by: Event | None = Field(description="What ended this version; null for the one that stands")
    method: Method
    bands: list[ExplainedBand] | None = Field(description="The lot's announced value bands")
    value_excl_vat: Money | None = Field(description="What decides the band: the basket at its dearest supplier")
    earlier_excl_vat: Money | None = Field(
        description="What the buyer had called off in the lot, in the window in which call-offs count as one"
    )
    band_from_excl_vat: Money | None = Field(description="The band that both together reach, from this value")
    split: bool | None = Field(description="Whether the earlier call-offs lifted it into a higher band")
    documented_choice: ExplainedDocumented | None
    competition: shapes.DecidedByCompetition | None = Field(
        description="The mini-competition that decided; its evaluation is computed again when it is read"
    )
    candidates: list[ExplainedCandidate] | None = Field(description="By rank")
    passed_over: list[shapes.PassedOver] = Field(description="In the method's order, each with its reason")
    certification: list[shapes.Certification] = Field(description="What the catalogue said of what was ordered")
    said: list[shapes.Certification] | None = Field(description="All it said on the way, of those passed over too")
    replayable: bool = Field(description="Whether everything that the choice rested on was kept")
    same: bool | None = Field(
        description="The announced rule, tried again just now on what was kept, gives the same answer; null when not "
        "replayable"
    )


class CallOffExplanation(Out):
    """Why a call-off went where it went."""

    call_off_id: UUID
    number: str
    framework_agreement: str
    lot: str
    specification: str | None = Field(description="The requirement specification that the lot demands")
    specification_version: str | None
    complete: bool = Field(description="False for the supplier: what concerns other suppliers is left out")
    choices: list[ExplainedChoice] = Field(description="One for each version, oldest first; the last one stands")


@router.get("", summary="Read why this supplier was chosen", openapi_extra=example(organisation="964983291"))
def read(id: Annotated[UUID, SENT], caller: CallerDep, reader: ReaderDep) -> CallOffExplanation:
    """The method and the value band it follows from, every supplier of the lot with what the award key knew of it, who
    was passed over and why, and what the catalogue said. The announced rule is tried again at each reading, on what was
    kept when the choice was made; `same` tells whether it gives the same answer. For the buyer, those that pay and the
    framework owner; the supplier sees what concerns itself."""
    row, complete = store.seen(reader, id, caller.organisation)
    found = [one for one in store.choices(reader, row) if complete or one.supplier == caller.organisation]
    return CallOffExplanation(
        call_off_id=row.uuid,
        number=row.number,
        framework_agreement=row.framework,
        lot=row.lot,
        specification=row.specification,
        specification_version=row.specification_version,
        complete=complete,
        choices=[_explained(one, None if complete else caller.organisation) for one in found],
    )


def _explained(one: store.Chosen, only: str | None) -> ExplainedChoice:
    """With `only`, nothing of any other supplier, nor what else the buyer has ordered."""
    known = rules.inputs(one.choice)
    kept = one.choice if only is None else _of(one.choice, only)
    fields = ExplainedChoice.model_fields.keys() & kept.keys()
    nothing = {
        name: None for name, field in ExplainedChoice.model_fields.items() if type(None) in get_args(field.annotation)
    }
    return ExplainedChoice.model_validate(
        nothing
        | {name: kept[name] for name in fields}
        | {
            "version": one.version,
            "supplier": one.supplier,
            "supplier_name": one.supplier_name,
            "ended_by": one.ended_by,
            "replayable": known is not None,
            "same": None if known is None else rules.same(one.choice, known, one.supplier, one.net),
        }
    )


def _of(choice: Mapping[str, Any], supplier: str) -> dict[str, Any]:
    """What of a choice concerns one supplier."""
    hidden = {"value_excl_vat", "earlier_excl_vat", "band_from_excl_vat", "split", "said"}
    return {name: value for name, value in choice.items() if name not in hidden} | {
        name: [one for one in choice[name] if one["supplier"] == supplier]
        for name in ("candidates", "passed_over")
        if name in choice
    }
